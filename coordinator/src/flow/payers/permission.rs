//! The register of permissions: what may be done by program at a payer's portal, who says so, and what goes on when it is allowed.

use domain::{
    exception::ExceptionKind,
    id::UserId,
    job::JobState,
    permission::{Permission, PermissionState},
    time::Timestamp,
};
use serde_json::json;

use super::changed;
use crate::{
    flow::{Actor, Asked, Core, Error, NOT_ALLOWED, Result, change::withdraw, intake::reopen},
    store::{
        exceptions, jobs, payers,
        payers::{Known, Proposal},
    },
};

/// Records a permission. What waited for it is ready again.
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
    set_permission_by(core, asked, None, (id, permission), now).await
}

/// [`set_permission`] by this person. What replaces a prohibition waits for a second one.
///
/// # Errors
/// [`Error::Invalid`] when it may not be recorded like this; [`Error::Refused`] when no person lifts a prohibition; conflict when it
/// changed meanwhile.
pub async fn set_permission_by(
    core: &Core,
    asked: &Asked,
    person: Option<UserId>,
    (id, permission): (&str, &Permission),
    now: Timestamp,
) -> Result<Known> {
    let mut tx = core.store.begin(now).await?;
    let mut payer = payers::lock(&mut tx, id).await?;
    asked.fits(payer.rev)?;
    let known = &payer.profile.permission;
    permission
        .check(known, &payer.profile.login_origins, now)
        .map_err(|(field, reason)| Error::invalid(field, reason))?;
    if known.state == PermissionState::Prohibited && permission.state != PermissionState::Prohibited
    {
        // Whoever prohibited it may have been right: nobody lifts that alone.
        let Some(person) = person else {
            return Err(Error::refused(
                NOT_ALLOWED,
                "this portal is prohibited: only two people, signed in by themselves, replace that",
            ));
        };
        let proposal = Proposal {
            permission: permission.clone(),
            reason: asked.reason.clone(),
            by: person.to_string(),
            at: now,
        };
        payers::propose(&mut tx, id, &proposal).await?;
        payers::save(&mut tx, &mut payer).await?;
        let detail = json!({"permission": permission});
        asked.note(&mut tx, "payer.permission_proposed", id, detail);
    } else {
        payer.profile.permission = permission.clone();
        payers::forget_proposal(&mut tx, id).await?;
        payers::save(&mut tx, &mut payer).await?;
        asked.note(&mut tx, "payer.permission", id, json!({"permission": permission}));
    }
    changed(&mut tx);
    tx.commit().await?;
    permitted(core, &asked.actor, id, now).await?;
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
    id: &str,
    now: Timestamp,
) -> Result<Known> {
    let mut tx = core.store.begin(now).await?;
    let mut payer = payers::lock(&mut tx, id).await?;
    asked.fits(payer.rev)?;
    let Some(proposal) = payers::proposed_in(&mut tx, id).await? else {
        return Err(Error::refused(
            NOT_ALLOWED,
            "no permission of this payer waits for a second person",
        ));
    };
    let (person, name) = by;
    if proposal.by == person.to_string() {
        return Err(Error::refused(
            NOT_ALLOWED,
            "a prohibition is replaced by two different people: another person must agree",
        ));
    }
    proposal
        .permission
        .check(&payer.profile.permission, &payer.profile.login_origins, now)
        .map_err(|(field, reason)| Error::invalid(field, reason))?;
    payer.profile.permission = Permission { second: Some(name.to_owned()), ..proposal.permission };
    payers::forget_proposal(&mut tx, id).await?;
    payers::save(&mut tx, &mut payer).await?;
    let detail = json!({"permission": payer.profile.permission, "proposed_by": proposal.by});
    asked.note(&mut tx, "payer.permission", id, detail);
    changed(&mut tx);
    tx.commit().await?;
    permitted(core, &asked.actor, id, now).await?;
    Ok(payer)
}

/// Jobs that waited for a permission that is there now: their exception is withdrawn, they are ready again.
pub(super) async fn permitted(core: &Core, actor: &Actor, id: &str, now: Timestamp) -> Result<()> {
    let payer = payers::get(&core.store, id).await?;
    let filter = exceptions::Filter {
        state: "unanswered".to_owned(),
        payer: id.to_owned(),
        kind: ExceptionKind::NotPermitted.word().to_owned(),
        ..exceptions::Filter::default()
    };
    for waiting in exceptions::list(&core.store, &filter, "", 1000).await?.items {
        let mut tx = core.store.begin(now).await?;
        let mut job = jobs::lock(&mut tx, waiting.job).await?;
        let waits =
            matches!(job.state, JobState::Waiting { exception, .. } if exception == waiting.id);
        if waits && payer.profile.permits(job.task, now).is_ok() {
            withdraw(&mut tx, waiting.id, actor).await?;
            reopen(&mut tx, &mut job).await?;
            tx.commit().await?;
        }
    }
    Ok(())
}
