//! Logins at portals: counted before they are tried, so that a crash cannot overspend the payer's budget.

use domain::{
    time::Timestamp,
    wire::{LoginAsk, refusal},
};
use serde_json::json;

use super::{
    Actor, Core, Error, Result,
    change::{fenced, note},
    lease::login_budget_spent,
};
use crate::store::{attempts, credentials, payers};

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
    let logins = credentials::logins_since(&mut tx, &job.payer, now.plus_ms(-3_600_000)).await?;
    if let Some(until) = login_budget_spent(&logins, &payer, now) {
        return Err(Error::refused(
            refusal::LOGIN_BUDGET,
            format!("the payer's login budget is spent until {until}"),
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
