//! Accounts at payers: their secrets, what the payer knows of them, and whether they may be tried again.

use std::collections::BTreeMap;

use domain::{
    channel::Channel,
    id::CredentialId,
    job::Task,
    script::{Bundle, ast::SecretKind},
    time::Timestamp,
};
use serde_json::json;

use super::{changed, told};
use crate::{
    flow::{Actor, Asked, Core, Error, NOT_ALLOWED, Result, random},
    store::{Tx, credentials, credentials::Credential, payers, scripts},
    vault,
    vault::Secret,
};

/// Records an account with its secrets, or replaces them; a refusal by the portal is forgotten. Every secret that the payer's profile
/// names must be given.
///
/// # Errors
/// [`Error::Invalid`] names the missing or unfit secret, never a value.
pub async fn set_credential(
    core: &Core,
    actor: &Actor,
    payer: &str,
    account: &str,
    secrets: &BTreeMap<String, Secret>,
    now: Timestamp,
) -> Result<CredentialId> {
    set_credential_for(core, actor, (payer, Channel::Portal), account, secrets, now).await
}

/// [`set_credential`] for a channel: what it needs is said by the profile's description of it.
///
/// # Errors
/// As [`set_credential`]; also when the account is of another channel already.
pub async fn set_credential_for(
    core: &Core,
    actor: &Actor,
    (payer, channel): (&str, Channel),
    account: &str,
    secrets: &BTreeMap<String, Secret>,
    now: Timestamp,
) -> Result<CredentialId> {
    if account.trim().is_empty() || account.len() > 80 {
        return Err(Error::invalid("account", "needs 1 to 80 characters"));
    }
    let mut tx = core.store.begin(now).await?;
    let known = payers::find_in(&mut tx, payer).await?;
    let profile = known.ok_or(crate::store::Error::NotFound("payer"))?.profile;
    let wanted: Vec<&str> = match profile.way(channel) {
        Some(way) => {
            let of_notices = way.notices.iter().map(|notices| notices.secret.as_str());
            way.endpoint.auth.secrets().into_iter().chain(of_notices).collect()
        }
        None if channel == Channel::Portal => profile.secrets.iter().map(String::as_str).collect(),
        None => return Err(Error::invalid("channel", "is not described in the payer's profile")),
    };
    for alias in wanted {
        if !secrets.contains_key(alias) {
            return Err(Error::invalid(format!("secrets.{alias}"), "is missing"));
        }
    }
    let kinds = match channel {
        Channel::Portal => secret_kinds(&mut tx, payer).await?,
        _ => BTreeMap::new(),
    };
    vault::check(secrets, &kinds)?;
    let aliases: Vec<String> = secrets.keys().cloned().collect();
    let mut was_refused = false;
    let id = match credentials::find_in(&mut tx, payer, account).await? {
        Some(known) if known.channel != channel => {
            return Err(Error::invalid("account", "is an account of another channel"));
        }
        Some(known) => {
            let sealed = vault::seal(&tx.seal, known.id, secrets);
            credentials::renew(&mut tx, known.id, &aliases, &sealed).await?;
            was_refused = known.refused_at.is_some();
            known.id
        }
        None => {
            let id = CredentialId::new(now, random());
            let credential = Credential {
                id,
                payer: payer.to_owned(),
                account: account.to_owned(),
                aliases: aliases.clone(),
                refused_at: None,
                identity: None,
                owner: None,
                channel,
                created_at: now,
                rev: 0,
            };
            let sealed = vault::seal(&tx.seal, id, secrets);
            credentials::insert(&mut tx, &credential, &sealed).await?;
            id
        }
    };
    let detail = json!({"payer": payer, "account": account, "channel": channel.word(), "aliases": aliases,
                        "was_refused": was_refused});
    told(&mut tx, actor, "credential.recorded", &id.to_string(), detail);
    tx.commit().await?;
    Ok(id)
}

/// What the live scripts of a payer say their aliases are.
async fn secret_kinds(tx: &mut Tx, payer: &str) -> Result<BTreeMap<String, SecretKind>> {
    let mut kinds = BTreeMap::new();
    for task in Task::ALL {
        let Some(script) = scripts::live_in(tx, payer, task).await? else { continue };
        let Ok(bundle) = Bundle::load(&script.files, &script.script) else { continue };
        let aliases = bundle.script.parts.secrets.iter();
        kinds.extend(aliases.map(|(alias, kind)| (alias.text.clone(), *kind)));
    }
    Ok(kinds)
}

/// Says that an account which the portal refused may be tried again although its secrets are the same: the next login tells.
///
/// # Errors
/// [`Error::Invalid`] when the payer has no such account; [`Error::Refused`] when the portal has not refused it; conflict when the
/// payer changed meanwhile.
pub async fn clear_account(
    core: &Core,
    asked: &Asked,
    id: &str,
    account: &str,
    now: Timestamp,
) -> Result<()> {
    let mut tx = core.store.begin(now).await?;
    let payer = payers::lock(&mut tx, id).await?;
    asked.fits(payer.rev)?;
    let Some(known) = credentials::find_in(&mut tx, id, account).await? else {
        return Err(Error::invalid("account", "is not an account of this payer"));
    };
    if !credentials::clear(&mut tx, known.id).await? {
        return Err(Error::refused(NOT_ALLOWED, "the portal has not refused this account"));
    }
    let detail = json!({"payer": id, "account": account, "refused_at": known.refused_at});
    asked.note(&mut tx, "credential.cleared", known.id, detail);
    changed(&mut tx);
    tx.commit().await?;
    Ok(())
}

/// Notes which program signs in with an account, as the payer knows it, and the person who answers for it.
///
/// # Errors
/// [`Error::Invalid`] names the field; conflict when the payer changed meanwhile.
pub async fn identify(
    core: &Core,
    asked: &Asked,
    id: &str,
    (account, identity, owner): (&str, &str, &str),
    now: Timestamp,
) -> Result<()> {
    for (field, text) in [("identity", identity), ("owner", owner)] {
        if text.trim().is_empty()
            || text.chars().count() > 120
            || text.chars().any(char::is_control)
        {
            return Err(Error::invalid(field, "needs 1 to 120 characters on one line"));
        }
    }
    let mut tx = core.store.begin(now).await?;
    let payer = payers::lock(&mut tx, id).await?;
    asked.fits(payer.rev)?;
    let Some(known) = credentials::find_in(&mut tx, id, account).await? else {
        return Err(Error::invalid("account", "is not an account of this payer"));
    };
    credentials::identify(&mut tx, known.id, identity.trim(), owner.trim()).await?;
    let detail = json!({"payer": id, "account": account, "identity": identity, "owner": owner});
    asked.note(&mut tx, "credential.identified", known.id, detail);
    changed(&mut tx);
    tx.commit().await?;
    Ok(())
}
