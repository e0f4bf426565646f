//! A person acts on a job instead of its exception: try again now, look at the payer now. What is possible follows from the job's
//! state; where an exception is open, the act is its resolution.

use domain::{
    exception::Resolution,
    id::{JobId, UserId},
    job::{JobEvent, JobState},
    time::Timestamp,
};
use serde_json::json;

use super::{
    Asked, Core, Error, NOT_ALLOWED, Result, change::change, intake::reopen, resolve::resolve,
};
use crate::{
    live::Topic,
    store::{Tx, exceptions, intents, jobs, jobs::Job},
};

/// Tries a resting or waiting job again now, with fresh tries and the script that is live now.
///
/// # Errors
/// [`Error::Refused`] when it may have been submitted, is at work, or has ended; conflict when it is not what the person saw.
pub async fn retry(
    core: &Core,
    by: UserId,
    asked: &Asked,
    id: JobId,
    now: Timestamp,
) -> Result<()> {
    let job = jobs::get(&core.store, id).await?;
    if let JobState::Waiting { exception, .. } = job.state {
        asked.fits_as(job.rev, job.state.word())?;
        let question = exceptions::get(&core.store, exception).await?;
        let answer = Resolution::Retry { reason: asked.reason.clone() };
        return resolve(core, by, exception, question.rev, &answer, now).await.map(drop);
    }
    let mut tx = core.store.begin(now).await?;
    let mut job = jobs::lock(&mut tx, id).await?;
    asked.fits_as(job.rev, job.state.word())?;
    if !matches!(job.state, JobState::Resting { .. }) {
        return Err(not_now(
            &job,
            "only a job that rests or waits for a person can be tried again",
        ));
    }
    reopen(&mut tx, &mut job).await?;
    asked.note(&mut tx, "job.retried", id, json!({}));
    tx.commit().await?;
    Ok(())
}

/// Looks at the payer now, for a job in doubt; not before nothing of the submission can leave the agent any more.
///
/// # Errors
/// As [`retry`]; also when nothing is in doubt.
pub async fn look(core: &Core, by: UserId, asked: &Asked, id: JobId, now: Timestamp) -> Result<()> {
    let job = jobs::get(&core.store, id).await?;
    if let JobState::Waiting { exception, intent: Some(_) } = job.state {
        asked.fits_as(job.rev, job.state.word())?;
        let question = exceptions::get(&core.store, exception).await?;
        let answer = Resolution::LookAgain { reason: asked.reason.clone() };
        return resolve(core, by, exception, question.rev, &answer, now).await.map(drop);
    }
    let mut tx = core.store.begin(now).await?;
    let mut job = jobs::lock(&mut tx, id).await?;
    asked.fits_as(job.rev, job.state.word())?;
    look_sooner(&mut tx, &mut job).await?;
    asked.note(&mut tx, "job.look_asked", id, json!({}));
    tx.commit().await?;
    Ok(())
}

async fn look_sooner(tx: &mut Tx, job: &mut Job) -> Result<()> {
    let JobState::InDoubt { intent, looks, .. } = job.state else {
        return Err(not_now(job, "only a job in doubt can be looked for"));
    };
    let open = intents::get_in(tx, intent).await?;
    let look_at = tx.now.max(open.fenced_at);
    tx.changed(Topic::Ready);
    change(tx, job, &JobEvent::Doubt { intent, look_at, looks }).await
}

fn not_now(job: &Job, rule: &str) -> Error {
    Error::refused(NOT_ALLOWED, format!("the job is {}; {rule}", job.state.word()))
}
