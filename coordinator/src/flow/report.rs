//! The report: an attempt's end decides what becomes of its job.

use domain::{
    attempt::{AttemptEvent, AttemptState},
    channel::Channel,
    exception::ExceptionKind,
    job::{AfterFailure, JobEvent, JobState, after_failure},
    lease::Purpose,
    outcome::{Failure, FailureKind, Outcome},
    polite,
    time::Timestamp,
    wire::{End, Finding, Proof, Release, Report},
};
use serde_json::json;

use super::{
    Actor, Core, Error, Result,
    change::{ask_person, change, end_attempt, fenced, fenced_attempt, note},
    drift, health,
    lease::goes_elsewhere,
    payers, settle,
    settle::{Confirm, FailedLooks},
};
use crate::store::{
    Tx, agents, attempts, attempts::Attempt, credentials, evidence, intents, jobs, jobs::Job, late,
};

/// A script's name for terms that are not those it knows: what was permitted was permitted under others.
const TERMS_CHANGED: &str = "terms_changed";

/// Takes the end of an attempt. Repeated under the same lease it changes nothing and gets the same answer.
///
/// # Errors
/// [`Error::Refused`] `lease-ended`; [`Error::Invalid`] when the end does not fit the lease.
pub async fn report(core: &Core, report: &Report, now: Timestamp) -> Result<()> {
    let mut tx = core.store.begin(now).await?;
    let mut job = match fenced_attempt(&mut tx, &report.fenced, report.attempt).await {
        Ok(job) => job,
        Err(Error::Refused { code, because }) => {
            return ended_before(tx, report, Error::Refused { code, because }).await;
        }
        Err(other) => return Err(other),
    };
    let attempt = attempts::get_in(&mut tx, report.attempt).await?;
    let actor = Actor::Agent(report.fenced.agent);
    let story = Some((report.logins, report.session_reused));
    let t = &mut tx;
    match (&report.end, attempt.purpose) {
        (End::Outcome { outcome, proof }, Purpose::Work) => {
            // Who brought it is not the agent's to say.
            let outcome = &Outcome { via: "agent".to_owned(), ..outcome.clone() };
            let end = answered(t, &mut job, &attempt, outcome, proof.as_ref(), &actor).await?;
            end_attempt(t, attempt.id, &end, story).await?;
        }
        (End::Failure { failure, candidates }, _) => {
            end_attempt(t, attempt.id, &AttemptEvent::Fail(failure.clone()), story).await?;
            if let Some(intent) = job.state.intent().filter(|_| !candidates.is_empty()) {
                intents::note_candidates(t, intent, candidates).await?;
            }
            failed(core, t, &mut job, &attempt, failure, &actor).await?;
        }
        (End::Finding { finding: Finding::None { recognised: false, .. } }, Purpose::Reconcile) => {
            let failure = settle::unrecognised();
            end_attempt(t, attempt.id, &AttemptEvent::Fail(failure.clone()), story).await?;
            failed(core, t, &mut job, &attempt, &failure, &actor).await?;
        }
        (End::Finding { finding }, Purpose::Reconcile) => {
            end_attempt(t, attempt.id, &AttemptEvent::Succeed, story).await?;
            settle::found(core, t, &mut job, attempt.id, finding, &actor).await?;
        }
        (End::Outcome { .. } | End::Finding { .. }, _) => {
            return Err(Error::invalid("end", "does not fit what the job was leased for"));
        }
    }
    if !matches!(report.end, End::Failure { .. }) {
        credentials::logins_ended(t, attempt.lease, true).await?;
        health::works(t, &job.payer, attempt.channel).await?;
    }
    let ended = attempts::get_in(t, attempt.id).await?;
    let good = matches!(ended.state, AttemptState::Succeeded);
    drift::told(t, &job, &attempt, report, good).await?;
    if report.session_kept {
        // From now until the agent's next ask: nobody else may sign in over it.
        agents::add_kept(t, report.fenced.agent, &job.payer).await?;
    }
    note(t, &actor, "attempt.ended", attempt.id, json!({"job": job.id, "state": job.state.word()}));
    tx.commit().await?;
    Ok(())
}

/// A report for a lease that is over: fine when this attempt's own report is what ended it; otherwise it is too late, and only what
/// may help to find a submission is kept, as a hint.
async fn ended_before(mut tx: Tx, report: &Report, refused: Error) -> Result<()> {
    let attempt = attempts::get_in(&mut tx, report.attempt).await?;
    let same = attempt.job == report.fenced.job
        && attempt.lease == report.fenced.lease
        && attempt.fence == report.fenced.fence
        && attempt.agent == report.fenced.agent;
    if !same {
        return Err(refused);
    }
    if matches!(attempt.state, AttemptState::Succeeded | AttemptState::Failed { .. }) {
        return Ok(());
    }
    let hints = match &report.end {
        End::Outcome { proof: Some(proof), .. } => vec![proof.reference.clone()],
        End::Failure { candidates, .. } => candidates.clone(),
        End::Outcome { proof: None, .. } | End::Finding { .. } => Vec::new(),
    };
    let job = jobs::lock(&mut tx, report.fenced.job).await?;
    let intent = job.state.intent();
    if let Some(intent) = intent.filter(|_| !hints.is_empty()) {
        intents::note_candidates(&mut tx, intent, &hints).await?;
    }
    if late::insert(&mut tx, job.case, report, intent).await? {
        let actor = Actor::Agent(report.fenced.agent);
        let detail = json!({"job": job.id, "attempt": report.attempt, "intent": intent});
        note(&mut tx, &actor, "submit.late_report", report.attempt, detail);
        tx.changed(crate::live::Topic::Case(job.case.to_string()));
    }
    tx.commit().await?;
    Err(refused)
}

/// The payer's answer. With an intent open it needs its proof; without that it is a doubt, whatever the agent believes.
async fn answered(
    tx: &mut Tx,
    job: &mut Job,
    attempt: &Attempt,
    outcome: &Outcome,
    proof: Option<&Proof>,
    actor: &Actor,
) -> Result<AttemptEvent> {
    let Some(intent) = job.state.intent() else {
        if proof.is_some() {
            return Err(Error::invalid("end.proof", "names an intent that is not open"));
        }
        if let Some(unfit) = settle::unfit(job, outcome) {
            let kind = ExceptionKind::UnmappedStatus;
            ask_person(tx, job, Some(attempt.id), kind, unfit.clone(), actor).await?;
            return Ok(AttemptEvent::Fail(unfit));
        }
        settle::keep_references(tx, job, outcome, None).await?;
        change(tx, job, &JobEvent::Answer(outcome.clone())).await?;
        return Ok(AttemptEvent::Succeed);
    };
    let because = match proof {
        Some(proof) if proof.intent != intent => {
            return Err(Error::invalid("end.proof.intent", "is not the open intent"));
        }
        _ if !outcome.answer.fits(job.task) => "the answer is one to another question".to_owned(),
        Some(proof) => {
            let after = evidence::find_in(tx, proof.after).await?;
            if after.is_some_and(|e| e.attempt == attempt.id) {
                let c =
                    Confirm { intent, outcome, named: Some(&proof.reference), after: proof.after };
                match settle::confirm(tx, job, &c, actor).await? {
                    Ok(()) => return Ok(AttemptEvent::Succeed),
                    Err(because) => because,
                }
            } else {
                "the picture after the commit is not stored".to_owned()
            }
        }
        None => "it was not proved".to_owned(),
    };
    settle::doubt(tx, job, intent, actor, &because).await?;
    Ok(AttemptEvent::Fail(Failure::new(FailureKind::Unsure, "unproved", because)))
}

/// No answer: what follows from the failure, for the account, the payer and the job.
async fn failed(
    core: &Core,
    tx: &mut Tx,
    job: &mut Job,
    attempt: &Attempt,
    failure: &Failure,
    actor: &Actor,
) -> Result<()> {
    if failure.refuses_account() {
        credentials::refuse(tx, attempt.credential).await?;
        note(tx, actor, "credential.refused", attempt.credential, json!({"payer": job.payer}));
    }
    login_told(tx, attempt, failure).await?;
    // First, since what becomes of the job depends on how its channel stands now.
    channel_told(core, tx, job, attempt.channel, failure, actor).await?;
    let (now, unit) = (tx.now, core.rules.rest_unit_ms);
    match (attempt.purpose, job.state.intent()) {
        (Purpose::Reconcile, _) => {
            // This one has ended as failed already.
            let count = attempts::failed_looks(tx, job.id).await?;
            let looks = u32::try_from(count).unwrap_or(u32::MAX);
            let again = after_failure(failure, looks, u32::MAX, unit, now);
            let again_at = match again {
                AfterFailure::RestUntil(at) if failure.retry.is_some() => Some(at),
                AfterFailure::RestUntil(_) | AfterFailure::AskPerson => None,
            };
            let failed = FailedLooks { count, again_at };
            settle::look_failed(tx, job, attempt.id, failure.clone(), failed, actor).await?;
        }
        (Purpose::Work, Some(intent)) => {
            settle::doubt(tx, job, intent, actor, failure.kind.word()).await?;
            if failure.refuses_account() {
                // Nobody can look before a person mends the account.
                let kind = ExceptionKind::InDoubt;
                ask_person(tx, job, Some(attempt.id), kind, failure.clone(), actor).await?;
            }
        }
        (Purpose::Work, None)
            if failure.kind == FailureKind::PortalDown
                && goes_elsewhere(core, tx, job, attempt.channel).await? =>
        {
            // This channel is passed over from now on; the job takes another at once, which uses up no try.
            job.tries = job.tries.saturating_sub(1);
            change(tx, job, &JobEvent::Return).await?;
        }
        (Purpose::Work, None) => match plan_after(core, tx, job, attempt.channel, failure).await? {
            AfterFailure::RestUntil(until) => {
                change(tx, job, &JobEvent::Rest { until, after: failure.clone() }).await?;
            }
            AfterFailure::AskPerson => {
                let kind = ExceptionKind::of(failure.kind, &failure.name);
                ask_person(tx, job, Some(attempt.id), kind, failure.clone(), actor).await?;
            }
        },
    }
    Ok(())
}

/// What a failure says about the channel itself.
async fn channel_told(
    core: &Core,
    tx: &mut Tx,
    job: &Job,
    channel: Channel,
    failure: &Failure,
    actor: &Actor,
) -> Result<()> {
    if let Some(asked) = failure.retry_after.as_deref() {
        health::stay_away(tx, &job.payer, channel, asked, actor).await?;
    }
    // What the payer announced is no failure of its portal.
    let announced = failure.kind == FailureKind::PortalDown
        && health::closed_until(tx, job, channel).await?.is_some();
    if channel == Channel::Portal
        && failure.kind == FailureKind::Challenge
        && failure.name == TERMS_CHANGED
    {
        payers::terms_changed(tx, &job.payer, actor).await?;
    }
    let shut = matches!(failure.kind, FailureKind::PortalDown | FailureKind::Challenge);
    if (shut || failure.payer_wide) && !announced {
        health::rests(core, tx, &job.payer, channel, actor).await?;
    }
    Ok(())
}

/// What becomes of a job after a failure: its own plan, but not before the portal opens and wants to be asked again. A portal that
/// wants to be left alone for more than a day is a person's business.
async fn plan_after(
    core: &Core,
    tx: &mut Tx,
    job: &mut Job,
    channel: Channel,
    failure: &Failure,
) -> Result<AfterFailure> {
    let (now, unit) = (tx.now, core.rules.rest_unit_ms);
    let next = after_failure(failure, job.tries, job.attempts_max, unit, now);
    let asked = failure.retry_after.as_deref().and_then(|text| polite::retry_after(text, now));
    if asked.is_some_and(|ms| ms > polite::RETRY_AFTER_MAX_MS) {
        return Ok(AfterFailure::AskPerson);
    }
    if failure.kind == FailureKind::PortalDown
        && let Some(opens) = health::closed_until(tx, job, channel).await?
    {
        // Nobody is asked about a window that is known, and it uses up no try.
        job.tries = job.tries.saturating_sub(1);
        return Ok(AfterFailure::RestUntil(opens));
    }
    Ok(match next {
        AfterFailure::RestUntil(at) => {
            AfterFailure::RestUntil(at.max(now.plus_ms(asked.unwrap_or(0))))
        }
        AfterFailure::AskPerson => AfterFailure::AskPerson,
    })
}

/// What a failure says about the logins of its attempt. What it does not say counts as one that may lock the account.
async fn login_told(tx: &mut Tx, attempt: &Attempt, failure: &Failure) -> Result<()> {
    let good = match failure.kind {
        FailureKind::LoginRejected => false,
        FailureKind::NotFound
        | FailureKind::Refused
        | FailureKind::BadInput
        | FailureKind::Unsure => true,
        _ => return Ok(()),
    };
    Ok(credentials::logins_ended(tx, attempt.lease, good).await?)
}

/// An agent gives a lease back with nothing sent (drain): no attempt is counted. With an intent open it is a doubt like any other
/// end, and the attempt is lost.
///
/// # Errors
/// [`Error::Refused`] `lease-ended`.
pub async fn release(core: &Core, release: &Release, now: Timestamp) -> Result<()> {
    let mut tx = core.store.begin(now).await?;
    let (mut job, attempt) = fenced(&mut tx, &release.fenced).await?;
    let actor = Actor::Agent(release.fenced.agent);
    give_back(&mut tx, &mut job, attempt, &actor).await?;
    tx.commit().await?;
    Ok(())
}

/// [`release`] inside a transaction, for an agent's end too.
pub(super) async fn give_back(
    tx: &mut Tx,
    job: &mut Job,
    attempt: domain::id::AttemptId,
    actor: &Actor,
) -> Result<()> {
    let reconcile =
        matches!(&job.state, JobState::Leased { lease, .. } if lease.purpose == Purpose::Reconcile);
    match job.state.intent() {
        // A look sends nothing: it is as if it had not begun.
        Some(intent) if reconcile => {
            not_counted(tx, job, attempt).await?;
            let looks = intents::get_in(tx, intent).await?.looks;
            let look_at = tx.now;
            change(tx, job, &JobEvent::Doubt { intent, look_at, looks }).await?;
        }
        Some(intent) => {
            end_attempt(tx, attempt, &AttemptEvent::Lose, None).await?;
            settle::doubt(tx, job, intent, actor, "released").await?;
        }
        None => {
            not_counted(tx, job, attempt).await?;
            job.tries = job.tries.saturating_sub(1);
            change(tx, job, &JobEvent::Return).await?;
        }
    }
    note(tx, actor, "lease.released", job.id, json!({"attempt": attempt}));
    Ok(())
}

/// Ends an attempt as given back, and takes it off the job's count. The job is saved by the change that follows.
async fn not_counted(tx: &mut Tx, job: &mut Job, attempt: domain::id::AttemptId) -> Result<()> {
    end_attempt(tx, attempt, &AttemptEvent::Release, None).await?;
    job.attempts = job.attempts.saturating_sub(1);
    Ok(())
}
