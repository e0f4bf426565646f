//! The register of permissions: what may be done by program on each channel of a payer, who says so, and what goes on when it is
//! allowed.

use domain::{
    channel::Channel,
    id::UserId,
    permission::{Permission, PermissionState},
    time::Timestamp,
};
use serde_json::json;

use super::changed;
use crate::{
    flow::{Actor, Asked, Core, Error, NOT_ALLOWED, Result, change::note, nowhere},
    store::{Tx, payers, payers::Known, proposals, proposals::Proposal},
};

/// Records a permission for the portal. What waited for it is ready again.
///
/// # Errors
/// Conflict when it changed meanwhile.
pub async fn set_permission(
    core: &Core,
    asked: &Asked,
    id: &str,
    permission: &Permission,
    now: Timestamp,
) -> Result<Known> {
    set_permission_by(core, asked, None, ((id, Channel::Portal), permission), now).await
}

/// [`set_permission`] for a channel, by this person. What replaces a prohibition waits for a second one.
///
/// # Errors
/// [`Error::Invalid`] when it may not be recorded like this; [`Error::Refused`] when no person lifts a prohibition; conflict when it
/// changed meanwhile.
pub async fn set_permission_by(
    core: &Core,
    asked: &Asked,
    person: Option<UserId>,
    (of, permission): ((&str, Channel), &Permission),
    now: Timestamp,
) -> Result<Known> {
    let mut tx = core.store.begin(now).await?;
    let (id, channel) = of;
    let mut payer = payers::lock(&mut tx, id).await?;
    asked.fits(payer.rev)?;
    let known = checked(&payer, channel, permission, now)?;
    let detail = json!({"channel": channel.word(), "permission": permission});
    if known == PermissionState::Prohibited && permission.state != PermissionState::Prohibited {
        // Whoever prohibited it may have been right: nobody lifts that alone.
        let Some(person) = person else {
            return Err(Error::refused(
                NOT_ALLOWED,
                "this is prohibited: only two people, signed in by themselves, replace that",
            ));
        };
        let proposal = Proposal {
            permission: permission.clone(),
            reason: asked.reason.clone(),
            by: person.to_string(),
            at: now,
        };
        proposals::propose(&mut tx, of, &proposal).await?;
        payers::save(&mut tx, &mut payer).await?;
        asked.note(&mut tx, "payer.permission_proposed", id, detail);
    } else {
        record(&mut tx, &mut payer, channel, permission.clone()).await?;
        asked.note(&mut tx, "payer.permission", id, detail);
    }
    changed(&mut tx);
    tx.commit().await?;
    nowhere::taken(core, &asked.actor, id, now).await?;
    Ok(payer)
}

/// A second person agrees to a permission that replaces a prohibition.
///
/// # Errors
/// [`Error::Refused`] when nothing waits, or it is the first person again; conflict when it changed meanwhile.
pub async fn second_permission(
    core: &Core,
    asked: &Asked,
    by: (UserId, &str),
    (id, channel): (&str, Channel),
    now: Timestamp,
) -> Result<Known> {
    let mut tx = core.store.begin(now).await?;
    let mut payer = payers::lock(&mut tx, id).await?;
    asked.fits(payer.rev)?;
    let Some(proposal) = proposals::of_payer_in(&mut tx, id).await?.remove(&channel) else {
        return Err(Error::refused(
            NOT_ALLOWED,
            "no permission of this payer's channel waits for a second person",
        ));
    };
    let (person, name) = by;
    if proposal.by == person.to_string() {
        return Err(Error::refused(
            NOT_ALLOWED,
            "a prohibition is replaced by two different people: another person must agree",
        ));
    }
    checked(&payer, channel, &proposal.permission, now)?;
    let permission = Permission { second: Some(name.to_owned()), ..proposal.permission };
    let detail =
        json!({"channel": channel.word(), "permission": permission, "proposed_by": proposal.by});
    record(&mut tx, &mut payer, channel, permission).await?;
    asked.note(&mut tx, "payer.permission", id, detail);
    changed(&mut tx);
    tx.commit().await?;
    nowhere::taken(core, &asked.actor, id, now).await?;
    Ok(payer)
}

/// The portal shows other terms than those that were read: its permission says no until a person records it anew.
pub(in crate::flow) async fn terms_changed(tx: &mut Tx, id: &str, actor: &Actor) -> Result<()> {
    let mut payer = payers::lock(tx, id).await?;
    let recorded = &mut payer.profile.permission;
    if !recorded.state.is_yes() || recorded.suspended.is_some() {
        return Ok(());
    }
    recorded.suspended =
        Some(format!("the portal showed changed terms at {}; nobody has read them", tx.now));
    payers::save(tx, &mut payer).await?;
    note(tx, actor, "payer.permission_suspended", id, json!({"because": "terms_changed"}));
    changed(tx);
    Ok(())
}

/// Judges what is to be recorded by the rules of the register; what the channel's state is now.
fn checked(
    payer: &Known,
    channel: Channel,
    permission: &Permission,
    now: Timestamp,
) -> Result<PermissionState> {
    let Some(terms) = payer.profile.terms(channel) else {
        return Err(Error::invalid("channel", "is not described in the payer's profile"));
    };
    permission
        .check(terms.permission.state, &payer.profile.origins(channel), now)
        .map_err(|(field, reason)| Error::invalid(field, reason))?;
    Ok(terms.permission.state)
}

async fn record(
    tx: &mut Tx,
    payer: &mut Known,
    channel: Channel,
    permission: Permission,
) -> Result<()> {
    if let Some(recorded) = payer.profile.permission_mut(channel) {
        *recorded = permission;
    }
    proposals::forget(tx, (&payer.profile.id, channel)).await?;
    Ok(payers::save(tx, payer).await?)
}
