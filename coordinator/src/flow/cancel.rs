//! Taking back: a job, or a whole case. Never while it may have been submitted.

use domain::{
    attempt::AttemptEvent,
    id::{CaseId, JobId},
    job::{JobEvent, JobState},
    time::Timestamp,
};
use serde_json::json;

use super::{
    Actor, Core, Error, NOT_ALLOWED, Result,
    change::{change, end_attempt, note, withdraw},
};
use crate::store::{Tx, jobs, jobs::Job};

/// Takes a job back. An agent that works on it is told to stop with its next heartbeat.
///
/// # Errors
/// [`Error::Refused`] when an intent is open or the job has ended.
pub async fn cancel_job(
    core: &Core,
    actor: &Actor,
    id: JobId,
    reason: &str,
    now: Timestamp,
) -> Result<()> {
    check(reason)?;
    let mut tx = core.store.begin(now).await?;
    let mut job = jobs::lock(&mut tx, id).await?;
    cancel(&mut tx, &mut job, reason, actor).await?;
    tx.commit().await?;
    Ok(())
}

/// Takes a case back: every job of it that has not ended.
///
/// # Errors
/// As [`cancel_job`]; nothing is taken back when one job cannot be.
pub async fn withdraw_case(
    core: &Core,
    actor: &Actor,
    id: CaseId,
    reason: &str,
    now: Timestamp,
) -> Result<()> {
    check(reason)?;
    let mut tx = core.store.begin(now).await?;
    let mut any = false;
    for job in jobs::of_case_in(&mut tx, id).await? {
        if !job.state.is_final() {
            let mut job = jobs::lock(&mut tx, job.id).await?;
            cancel(&mut tx, &mut job, reason, actor).await?;
            any = true;
        }
    }
    if !any {
        return Err(Error::refused(NOT_ALLOWED, "nothing of this case is under way"));
    }
    note(&mut tx, actor, "case.withdrawn", id, json!({"reason": reason}));
    tx.commit().await?;
    Ok(())
}

fn check(reason: &str) -> Result<()> {
    if reason.trim().chars().count() < 3 {
        return Err(Error::invalid("reason", "is missing"));
    }
    Ok(())
}

async fn cancel(tx: &mut Tx, job: &mut Job, reason: &str, actor: &Actor) -> Result<()> {
    if job.state.intent().is_some() {
        return Err(Error::refused(
            NOT_ALLOWED,
            "it may have been submitted: it cannot be taken back until that is settled",
        ));
    }
    match job.state.clone() {
        JobState::Leased { attempt, .. } => {
            end_attempt(tx, attempt, &AttemptEvent::Lose, None).await?;
        }
        JobState::Waiting { exception, .. } => withdraw(tx, exception, actor).await?,
        _ => {}
    }
    change(tx, job, &JobEvent::Cancel(reason.to_owned())).await?;
    note(tx, actor, "job.cancelled", job.id, json!({"reason": reason}));
    Ok(())
}
