//! The register of permissions as a whole, for people and for export: every channel of every payer, also where nobody has decided.

use domain::{channel::Channel, fleet::Payer, permission::Permission, time::Timestamp};
use serde::Serialize;

use crate::{
    flow::{Core, Result},
    store::{credentials, credentials::Credential, payers, proposals},
};

/// An entry: one channel of one payer.
#[derive(Debug, Clone, Serialize)]
pub struct Entry {
    /// Payer id.
    pub payer: String,
    /// Its name.
    pub name: String,
    /// The channel.
    pub channel: Channel,
    /// What is recorded.
    pub permission: Permission,
    /// Why nothing may be read by program now; none when it may.
    pub reads_not: Option<String>,
    /// Why nothing may be submitted by program now; none when it may.
    pub submits_not: Option<String>,
    /// Another permission waits for a second person.
    pub waits_for_second: bool,
    /// Accounts of the channel.
    pub accounts: Vec<Account>,
}

/// An account, with the program that signs in with it and the person who answers for it.
#[derive(Debug, Clone, Serialize)]
pub struct Account {
    /// Its name.
    pub account: String,
    /// The program, as the payer knows it.
    pub identity: Option<String>,
    /// Who answers for it.
    pub owner: Option<String>,
    /// The permission covers it, and it names what must be named.
    pub may_be_used: bool,
}

/// Every entry, by payer; of this payer alone, where one is named.
///
/// # Errors
/// [`crate::flow::Error::Store`].
pub async fn register(core: &Core, payer: Option<&str>, now: Timestamp) -> Result<Vec<Entry>> {
    let all = credentials::all(&core.store).await?;
    let mut entries = Vec::new();
    for known in payers::all(&core.store).await? {
        let profile = &known.profile;
        if payer.is_some_and(|wanted| wanted != profile.id) {
            continue;
        }
        let waiting = proposals::of_payer(&core.store, &profile.id).await?;
        let beside = profile.ways.iter().map(|way| (way.channel, &way.permission));
        for (channel, permission) in
            [(Channel::Portal, &profile.permission)].into_iter().chain(beside)
        {
            let waits = waiting.contains_key(&channel);
            entries.push(entry(profile, (channel, permission), waits, &all, now));
        }
    }
    Ok(entries)
}

fn entry(
    payer: &Payer,
    (channel, permission): (Channel, &Permission),
    waits_for_second: bool,
    all: &[Credential],
    now: Timestamp,
) -> Entry {
    let not = |submits: bool| {
        let told = permission.allows_any(submits, now).err()?;
        let portal = channel == Channel::Portal;
        Some(if portal { told.to_owned() } else { told.replace("portal", "channel") })
    };
    let own = all.iter().filter(|c| c.payer == payer.id && c.channel == channel);
    let account = |c: &Credential| Account {
        account: c.account.clone(),
        identity: c.identity.clone(),
        owner: c.owner.clone(),
        may_be_used: c.under(permission).is_ok(),
    };
    Entry {
        payer: payer.id.clone(),
        name: payer.name.clone(),
        channel,
        permission: permission.clone(),
        reads_not: not(false),
        submits_not: not(true),
        waits_for_second,
        accounts: own.map(account).collect(),
    }
}
