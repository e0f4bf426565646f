//! The sweep: leases that ended without a report, rests that are over, claims held too long. Each job is its own transaction, looked
//! at again under its lock, so that a report that comes at the same moment wins or loses as a whole.

use domain::{
    attempt::AttemptEvent,
    channel::Channel,
    exception::{ExceptionEvent, ExceptionKind},
    id::{AttemptId, JobId},
    job::{JobEvent, JobState},
    lease::Purpose,
    outcome::{Failure, FailureKind},
    time::Timestamp,
};
use serde_json::json;

use super::{
    Actor, Core, Result,
    change::{ask_person, change, end_attempt, note},
    settle,
};
use crate::{
    live::Topic,
    store::{Tx, attempts, exceptions, jobs, jobs::Job, payers, people},
};

const SWEEP: Actor = Actor::Duty("sweep");

/// What a sweep did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Swept {
    /// Leases that ended.
    pub expired: usize,
    /// Jobs whose rest was over.
    pub woken: usize,
    /// Claims that ended.
    pub unclaimed: usize,
}

/// Does everything that is due. No lease ends within one length of this coordinator's start: its own absence is not held against
/// the agents.
///
/// # Errors
/// [`super::Error::Store`].
pub async fn sweep(core: &Core, now: Timestamp) -> Result<Swept> {
    let mut swept = Swept::default();
    if now.since_ms(core.started_at) >= core.rules.lease_ttl_ms {
        for id in jobs::expired(&core.store, now).await? {
            swept.expired += usize::from(expire(core, id, now).await?);
        }
    }
    for id in jobs::rested(&core.store, now).await? {
        let mut tx = core.store.begin(now).await?;
        let mut job = jobs::lock(&mut tx, id).await?;
        if matches!(job.state, JobState::Resting { until, .. } if until <= now) {
            change(&mut tx, &mut job, &JobEvent::Wake).await?;
            tx.commit().await?;
            swept.woken += 1;
        }
    }
    for id in exceptions::overheld(&core.store, now).await? {
        let mut tx = core.store.begin(now).await?;
        let mut exception = exceptions::lock(&mut tx, id).await?;
        if let Ok(open) = exception.state.next(&ExceptionEvent::Release, now) {
            exception.state = open;
            exceptions::save(&mut tx, &mut exception).await?;
            note(&mut tx, &SWEEP, "exception.unclaimed", id, json!({}));
            tx.changed(Topic::Exceptions);
            tx.commit().await?;
            swept.unclaimed += 1;
        }
    }
    wake_payers(core, now).await?;
    Ok(swept)
}

/// A payer's rest is over: nothing to write, but somebody may be waiting for a lease.
async fn wake_payers(core: &Core, now: Timestamp) -> Result<()> {
    let over = |p: &payers::Known| p.rests_until.is_some_and(|until| until <= now);
    if payers::all(&core.store).await?.iter().any(over) {
        core.store.live.tell(vec![Topic::Ready]);
    }
    Ok(())
}

/// Ends one lease that is over; false when somebody was faster.
async fn expire(core: &Core, id: JobId, now: Timestamp) -> Result<bool> {
    let mut tx = core.store.begin(now).await?;
    let mut job = jobs::lock(&mut tx, id).await?;
    let (attempt, purpose) = match &job.state {
        JobState::Leased { lease, attempt, .. } if lease.expires_at <= now => {
            (*attempt, lease.purpose)
        }
        _ => return Ok(false),
    };
    end_attempt(&mut tx, attempt, &AttemptEvent::Lose, None).await?;
    note(&mut tx, &SWEEP, "lease.expired", id, json!({"attempt": attempt}));
    lost(core, &mut tx, &mut job, attempt, purpose).await?;
    tx.commit().await?;
    tracing::warn!(job.id = %id, attempt.id = %attempt, "a lease ended without a report");
    Ok(true)
}

async fn lost(
    core: &Core,
    tx: &mut Tx,
    job: &mut Job,
    attempt: AttemptId,
    purpose: Purpose,
) -> Result<()> {
    let failure =
        || Failure::new(FailureKind::Lost, "lease_ended", "no heartbeat and no report came");
    ghost_session(core, tx, job, attempt).await?;
    match (purpose, job.state.intent()) {
        (Purpose::Reconcile, _) => {
            let count = attempts::failed_looks(tx, job.id).await?;
            let failed = settle::FailedLooks { count, again_at: None };
            settle::look_failed(tx, job, attempt, failure(), failed, &SWEEP).await
        }
        (Purpose::Work, Some(intent)) => settle::doubt(tx, job, intent, &SWEEP, "lost").await,
        (Purpose::Work, None) if job.tries >= job.attempts_max => {
            ask_person(tx, job, Some(attempt), ExceptionKind::GaveUp, failure(), &SWEEP).await?;
            Ok(())
        }
        (Purpose::Work, None) => change(tx, job, &JobEvent::Return).await,
    }
}

/// At a payer that refuses a second login the lost agent's portal session lives on for a while: nobody signs in, for work or for a
/// look, before it has ended by itself; where nobody recorded when that is, before a unit of the retry schedule has passed.
async fn ghost_session(core: &Core, tx: &mut Tx, job: &Job, attempt: AttemptId) -> Result<()> {
    let profile = settle::profile(tx, job).await?;
    let channel = attempts::get_in(tx, attempt).await?.channel;
    if profile.second_login != "refused" || channel != Channel::Portal {
        return Ok(());
    }
    let idle_ms = profile.pace.idle_ends_after_min.map(|minutes| i64::from(minutes) * 60_000);
    let until = tx.now.plus_ms(idle_ms.unwrap_or(core.rules.rest_unit_ms));
    let mut payer = payers::lock(tx, &job.payer).await?;
    payer.rests_until = Some(payer.rests_until.map_or(until, |known| known.max(until)));
    payers::save(tx, &mut payer).await?;
    Ok(())
}

/// Forgets login sessions that are over and remembered answers older than a day.
///
/// # Errors
/// [`super::Error::Store`].
pub async fn tidy(core: &Core, now: Timestamp) -> Result<()> {
    let mut tx = core.store.begin(now).await?;
    people::tidy(&mut tx).await?;
    tx.commit().await?;
    Ok(())
}
