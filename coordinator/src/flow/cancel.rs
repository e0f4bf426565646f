//! Taking back: a job, or a whole case. Never while it may have been submitted.

use domain::{
    attempt::AttemptEvent,
    id::{CaseId, JobId},
    job::{JobEvent, JobState},
    time::Timestamp,
};
use serde_json::json;

use super::{
    Asked, Core, Error, NOT_ALLOWED, Result,
    change::{change, end_attempt, withdraw},
};
use crate::store::{Tx, cases, jobs, jobs::Job};

/// Takes a job back. An agent that works on it is told to stop with its next heartbeat.
///
/// # Errors
/// [`Error::Refused`] when an intent is open or the job has ended; conflict when it changed meanwhile.
pub async fn cancel_job(core: &Core, asked: &Asked, id: JobId, now: Timestamp) -> Result<()> {
    let mut tx = core.store.begin(now).await?;
    let mut job = jobs::lock(&mut tx, id).await?;
    asked.fits_as(job.rev, job.state.word())?;
    cancel(&mut tx, &mut job, asked).await?;
    tx.commit().await?;
    Ok(())
}

/// Takes a case back: every job of it that has not ended.
///
/// # Errors
/// As [`cancel_job`]; nothing is taken back when one job cannot be.
pub async fn withdraw_case(core: &Core, asked: &Asked, id: CaseId, now: Timestamp) -> Result<()> {
    let mut tx = core.store.begin(now).await?;
    // The case's status only moves under the lock of one of its jobs: with all of them held, what was seen is compared once.
    let mut live = Vec::new();
    for job in jobs::of_case_in(&mut tx, id).await? {
        let job = jobs::lock(&mut tx, job.id).await?;
        if !job.state.is_final() {
            live.push(job);
        }
    }
    let case = cases::lock(&mut tx, id).await?;
    asked.fits_as(case.rev, case.status.word())?;
    if live.is_empty() {
        return Err(Error::refused(NOT_ALLOWED, "nothing of this case is under way"));
    }
    for job in &mut live {
        cancel(&mut tx, job, asked).await?;
    }
    asked.note(&mut tx, "case.withdrawn", id, json!({}));
    tx.commit().await?;
    Ok(())
}

async fn cancel(tx: &mut Tx, job: &mut Job, asked: &Asked) -> Result<()> {
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
        JobState::Waiting { exception, .. } => withdraw(tx, exception, &asked.actor).await?,
        _ => {}
    }
    change(tx, job, &JobEvent::Cancel(asked.reason.clone())).await?;
    asked.note(tx, "job.cancelled", job.id, json!({}));
    Ok(())
}
