//! Logins at portals: counted before they are tried, so that a crash cannot overspend the payer's budget.

use domain::{
    fleet::Blocked,
    lease::Purpose,
    polite,
    time::Timestamp,
    wire::{LoginAsk, SpoolKey, SpoolKeyAsk, refusal},
};
use serde_json::json;

use super::{
    Actor, Core, Error, Result,
    change::{fenced, note},
    lease::login_budget_spent,
};
use crate::store::{attempts, credentials, credentials::Tried, payers};

/// Grants one login under a live lease.
///
/// # Errors
/// [`Error::Refused`] `login-budget`, also when the account was refused meanwhile; `lease-ended`.
pub async fn login(core: &Core, ask: &LoginAsk, now: Timestamp) -> Result<()> {
    let mut tx = core.store.begin(now).await?;
    let (job, attempt) = fenced(&mut tx, &ask.fenced).await?;
    let attempt = attempts::get_in(&mut tx, attempt).await?;
    // The payer's row is held, so that two logins cannot both take the last place.
    let payer = payers::lock(&mut tx, &job.payer).await?;
    let credential = credentials::get_in(&mut tx, attempt.credential).await?;
    if credential.refused_at.is_some() {
        return Err(Error::refused(
            refusal::LOGIN_BUDGET,
            "the portal refused this account; no login is tried until a person acts",
        ));
    }
    // The register may have changed since the lease was given.
    let permission = &payer.profile.permission;
    let allowed = permission.allows(job.task, now);
    if let Err(reason) = allowed.and_then(|()| credential.under(permission)) {
        return Err(Error::refused(refusal::LOGIN_BUDGET, reason));
    }
    let pace = &payer.profile.pace;
    let window = polite::HOUR_MS.max(i64::from(pace.locks_within_min) * 60_000);
    let logins = credentials::logins_since(&mut tx, &job.payer, now.plus_ms(-window)).await?;
    let own: Vec<Tried> =
        logins.iter().filter(|l| l.credential == credential.id).copied().collect();
    let ends: Vec<polite::Login> = own.iter().map(|l| l.login).collect();
    if let Some(until) = polite::lockout_until(&ends, pace, now) {
        return Err(Error::refused(refusal::LOGIN_BUDGET, Blocked::LockoutBudget { until }.say()));
    }
    let work = attempt.purpose == Purpose::Work;
    let of_account = pace.account_logins_per_hour;
    let spent = of_account.and_then(|limit| login_budget_spent(&own, (limit, work), now));
    let budget = (payer.profile.limits.logins_per_hour_max, work);
    if let Some(until) = spent.max(login_budget_spent(&logins, budget, now)) {
        return Err(Error::refused(
            refusal::LOGIN_BUDGET,
            format!("the login budget of the payer or the account is spent until {until}"),
        ));
    }
    credentials::note_login(&mut tx, &job.payer, credential.id, ask.fenced.lease).await?;
    note(
        &mut tx,
        &Actor::Agent(ask.fenced.agent),
        "login.granted",
        credential.id,
        json!({"payer": job.payer, "job": job.id}),
    );
    tx.commit().await?;
    Ok(())
}

/// The key of a lease, for what an agent kept on its disk in an earlier life.
///
/// # Errors
/// Not found: there was no such lease.
pub async fn spool_key(core: &Core, ask: &SpoolKeyAsk, now: Timestamp) -> Result<SpoolKey> {
    let mut tx = core.store.begin(now).await?;
    attempts::of_lease(&mut tx, ask.lease).await?;
    Ok(SpoolKey { key: tx.seal.spool_key(&ask.lease.to_string()) })
}

/// The portal took the login of a live lease: it no longer counts as one that may lock the account.
///
/// # Errors
/// [`Error::Refused`] `lease-ended`.
pub async fn signed_in(core: &Core, ask: &LoginAsk, now: Timestamp) -> Result<()> {
    let mut tx = core.store.begin(now).await?;
    fenced(&mut tx, &ask.fenced).await?;
    credentials::logins_ended(&mut tx, ask.fenced.lease, true).await?;
    tx.commit().await?;
    Ok(())
}
