//! What every decision shares: what a person asks for, checking a fence, moving a job, ending an attempt, asking a person, and remembering the answer of a
//! creating call. Private to `flow`.

use domain::{
    attempt::{AttemptEvent, AttemptState},
    case::CaseStatus,
    channel::Channel,
    exception::{ExceptionKind, ExceptionState},
    id::{AttemptId, CaseId, ExceptionId},
    job::{JobEvent, JobState},
    outcome::Failure,
    wire::Fenced,
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::json;

use super::{Actor, Error, Result, random};
use crate::{
    fault,
    live::Topic,
    store::{
        Tx, attempts, audit, audit::Entry, cases, channels, exceptions, exceptions::Exception,
        jobs, jobs::Job, payers, people,
    },
};

/// A change that somebody asks for: who, why, and the revision it was seen at. Whoever makes the change checks the revision inside
/// its own transaction, and writes the reason into the change's own audit entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    pub(super) actor: Actor,
    pub(super) reason: String,
    seen: Option<i64>,
}

impl Asked {
    /// Longest reason, characters.
    pub const REASON_MAX: usize = 500;

    /// Checks the reason; `seen` is the revision the person saw, none where the page does not say.
    ///
    /// # Errors
    /// [`Error::Invalid`] when the reason says nothing, or is a whole letter.
    pub fn new(actor: Actor, reason: &str, seen: Option<i64>) -> Result<Self> {
        Ok(Self { actor, reason: Self::reason(reason)?, seen })
    }

    /// A reason without the blanks around it.
    ///
    /// # Errors
    /// As [`Asked::new`].
    pub fn reason(text: &str) -> Result<String> {
        let text = text.trim();
        let fits = (3..=Self::REASON_MAX).contains(&text.chars().count());
        if !fits || text.chars().any(char::is_control) {
            return Err(Error::invalid("reason", "say why, in 3 to 500 characters on one line"));
        }
        Ok(text.to_owned())
    }

    /// Refuses when the thing, locked, is no longer what was seen.
    pub(super) fn fits(&self, rev: i64) -> Result<()> {
        as_seen(self.seen, rev, "")
    }

    /// [`Asked::fits`] for what has a state; the conflict names it.
    pub(super) fn fits_as(&self, rev: i64, state: &str) -> Result<()> {
        as_seen(self.seen, rev, state)
    }

    /// The audit entry of the change: the details of `detail`, and the reason.
    pub(super) fn note(
        &self,
        tx: &mut Tx,
        act: &'static str,
        subject: impl std::fmt::Display,
        mut detail: serde_json::Value,
    ) {
        detail["reason"] = self.reason.as_str().into();
        note(tx, &self.actor, act, subject, detail);
    }
}

/// Refuses a change of something that is no longer what the person saw, when that is known.
pub(super) fn as_seen(seen: Option<i64>, rev: i64, state: &str) -> Result<()> {
    if seen.is_none_or(|seen| seen == rev) {
        return Ok(());
    }
    let state = if state.is_empty() { String::new() } else { format!("{state}, ") };
    Err(crate::store::Error::Conflict { now: format!("{state}revision {rev}") }.into())
}

/// The job of a live lease, locked; any other lease is refused with what the job is now.
pub(super) async fn fenced(tx: &mut Tx, fenced: &Fenced) -> Result<(Job, AttemptId)> {
    let job = jobs::lock(tx, fenced.job).await?;
    match &job.state {
        JobState::Leased { lease, attempt, .. }
            if lease.id == fenced.lease
                && lease.fence == fenced.fence
                && lease.agent == fenced.agent
                && lease.expires_at > tx.now =>
        {
            let attempt = *attempt;
            Ok((job, attempt))
        }
        // Any agent that says it has the job is believed.
        JobState::Leased { attempt, .. } if fault::broken("no-fence") => {
            let attempt = *attempt;
            Ok((job, attempt))
        }
        state => Err(Error::lease_ended(state.word())),
    }
}

/// As [`fenced`], for a call that names its attempt too.
pub(super) async fn fenced_attempt(tx: &mut Tx, f: &Fenced, attempt: AttemptId) -> Result<Job> {
    let (job, running) = fenced(tx, f).await?;
    if running == attempt || fault::broken("no-fence") {
        Ok(job)
    } else {
        Err(Error::invalid("attempt", "is not the attempt of this lease"))
    }
}

/// As [`fenced_attempt`], for the record of an attempt. What the agent kept while it could not reach us (`late`) is taken also for an
/// attempt that was lost meanwhile, or whose lease is over and that is lost in a moment: it is added to that attempt's record and
/// changes nothing else.
pub(super) async fn fenced_record(
    tx: &mut Tx,
    f: &Fenced,
    attempt: AttemptId,
    late: bool,
) -> Result<()> {
    let refused = match fenced_attempt(tx, f, attempt).await {
        Ok(_) => return Ok(()),
        Err(refused @ Error::Refused { .. }) if late => refused,
        Err(other) => return Err(other),
    };
    let over = attempts::get_in(tx, attempt).await?;
    let own = (over.job, over.lease, over.fence, over.agent) == (f.job, f.lease, f.fence, f.agent);
    let unended = matches!(
        over.state,
        AttemptState::Lost | AttemptState::Running | AttemptState::Paused { .. }
    );
    if own && unended { Ok(()) } else { Err(refused) }
}

/// Moves a job to the state that `next` gives, gives its portal session back when it leaves its lease, and brings the case's status
/// in line. Locks job, then payer, then case, always in this order.
pub(super) async fn change(tx: &mut Tx, job: &mut Job, event: &JobEvent) -> Result<()> {
    step(tx, job, event).await?;
    refresh_case(tx, job.case).await
}

/// [`change`] without the case, for whoever changes several jobs and then their cases.
pub(super) async fn step(tx: &mut Tx, job: &mut Job, event: &JobEvent) -> Result<()> {
    let next = job.state.next(event)?;
    let attempt_of = |state: &JobState| match state {
        JobState::Leased { attempt, .. } => Some(*attempt),
        _ => None,
    };
    let attempt = attempt_of(&job.state);
    let (before, after) = (attempt.is_some(), attempt_of(&next).is_some());
    if matches!(next, JobState::Ready) {
        job.ready_at = tx.now;
        tx.changed(Topic::Ready);
    }
    if before && !after {
        // A session more may be at work now.
        tx.changed(Topic::Ready);
        tx.changed(Topic::Fleet);
    }
    if matches!(next, JobState::Waiting { .. }) || matches!(job.state, JobState::Waiting { .. }) {
        tx.changed(Topic::Exceptions);
    }
    job.state = next;
    jobs::save(tx, job).await?;
    if let Some(attempt) = attempt.filter(|_| !after) {
        match attempts::get_in(tx, attempt).await?.channel {
            Channel::Portal => payers::give_session_back(tx, &job.payer).await?,
            channel => channels::give_back(tx, &job.payer, channel).await?,
        }
    }
    tx.changed(Topic::Case(job.case.to_string()));
    Ok(())
}

/// Derives the case's status from its jobs and stores it.
pub(super) async fn refresh_case(tx: &mut Tx, case: CaseId) -> Result<()> {
    let states: Vec<JobState> =
        jobs::of_case_in(tx, case).await?.into_iter().map(|j| j.state).collect();
    cases::set_status(tx, case, CaseStatus::after(&states)).await?;
    Ok(())
}

/// Ends, pauses or resumes an attempt.
pub(super) async fn end_attempt(
    tx: &mut Tx,
    id: AttemptId,
    event: &AttemptEvent,
    story: Option<(u32, bool)>,
) -> Result<()> {
    let mut attempt = attempts::get_in(tx, id).await?;
    let next = attempt.state.next(event)?;
    if let AttemptState::Paused { exception } = attempt.state
        && next.is_final()
    {
        super::code::forget(tx, exception).await?;
    }
    attempt.state = next;
    if let Some((logins, reused)) = story {
        attempt.logins = logins;
        attempt.session_reused = reused;
    }
    attempts::save(tx, &mut attempt).await?;
    tx.changed(Topic::Attempt(id.to_string()));
    Ok(())
}

/// Opens an exception for a job and lets it wait. With an intent open the question is always whether it was submitted.
pub(super) async fn ask_person(
    tx: &mut Tx,
    job: &mut Job,
    attempt: Option<AttemptId>,
    kind: ExceptionKind,
    failure: Failure,
    actor: &Actor,
) -> Result<ExceptionId> {
    let id = ExceptionId::new(tx.now, random());
    let intent = job.state.intent();
    let kind = if intent.is_some() { ExceptionKind::InDoubt } else { kind };
    let exception = Exception {
        id,
        case: job.case,
        job: job.id,
        attempt,
        payer: job.payer.clone(),
        intent,
        kind,
        queue: queue(kind, &failure),
        owner: None,
        failure,
        state: ExceptionState::Open,
        live: None,
        opened_at: tx.now,
        closed_at: None,
        rev: 0,
    };
    exceptions::insert(tx, &exception).await?;
    change(tx, job, &JobEvent::AskPerson(id)).await?;
    tx.audit(Entry::new(
        actor,
        "exception.opened",
        id,
        json!({"job": job.id, "kind": kind.word(), "failure": exception.failure.name}),
    ));
    Ok(id)
}

/// The list a question stands on: the script's own, but doubts are judged in one place.
fn queue(kind: ExceptionKind, failure: &Failure) -> String {
    let name = |queue: &&String| {
        let small = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        (1..=64).contains(&queue.len()) && queue.chars().all(small)
    };
    let own = failure.queue.as_ref().filter(name).filter(|_| kind != ExceptionKind::InDoubt);
    own.map_or_else(|| kind.queue().to_owned(), Clone::clone)
}

/// Withdraws a job's unanswered exception because its cause is gone.
pub(super) async fn withdraw(tx: &mut Tx, id: ExceptionId, actor: &Actor) -> Result<()> {
    let mut exception = exceptions::lock(tx, id).await?;
    exception.state = exception.state.next(&domain::exception::ExceptionEvent::Withdraw, tx.now)?;
    exceptions::save(tx, &mut exception).await?;
    tx.audit(Entry::new(actor, "exception.withdrawn", id, json!({"job": exception.job})));
    tx.changed(Topic::Exceptions);
    Ok(())
}

/// Adds an audit entry.
pub(super) fn note(
    tx: &mut Tx,
    actor: &Actor,
    act: &'static str,
    subject: impl std::fmt::Display,
    detail: serde_json::Value,
) {
    tx.audit(audit::Entry::new(actor, act, subject, detail));
}

/// A creating call that may be sent again: the same key and call get the first answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Once {
    /// Whose key it is: keys of two callers never meet.
    pub actor: String,
    /// The caller's `Idempotency-Key`.
    pub key: String,
    /// Hash over method, path and body of the call.
    pub call_sha256: String,
}

/// The first answer to this call, if it was answered before.
pub(super) async fn recall<T: DeserializeOwned>(
    tx: &mut Tx,
    once: Option<&Once>,
) -> Result<Option<T>> {
    let Some(once) = once else { return Ok(None) };
    let Some(answer) = people::answer_in(tx, &once.actor, &once.key).await? else {
        return Ok(None);
    };
    if answer.call_sha256 != once.call_sha256 {
        return Err(Error::refused(
            "idempotency-key-reused",
            "this Idempotency-Key was used for another call; use a new one",
        ));
    }
    let corrupt = || crate::store::Error::Corrupt {
        table: "idempotency",
        column: "answer".to_owned(),
        id: once.key.clone(),
    };
    Ok(Some(serde_json::from_str(&answer.body).map_err(|_| corrupt())?))
}

/// Remembers the answer, in the transaction that did the work.
pub(super) async fn remember<T: Serialize>(
    tx: &mut Tx,
    once: Option<&Once>,
    given: &T,
) -> Result<()> {
    let Some(once) = once else { return Ok(()) };
    let answer = people::Answer {
        call_sha256: once.call_sha256.clone(),
        status: 201,
        body: serde_json::to_string(given)
            .map_err(|e| crate::store::Error::Database(e.to_string()))?,
    };
    if people::remember(tx, &once.actor, &once.key, &answer).await? {
        Ok(())
    } else {
        Err(Error::refused(
            "idempotency-key-in-use",
            "the same call is being answered at this moment; send it again",
        ))
    }
}
