//! A person answers an exception. What is possible is asked of the same `domain` function that the page and the API ask.

use domain::{
    exception::{Choice, ExceptionEvent, ExceptionKind, ExceptionState, Resolution},
    id::{ExceptionId, UserId},
    intent::VoidProof,
    job::JobEvent,
    outcome::Outcome,
    time::Timestamp,
};
use serde_json::json;

use super::{
    Actor, Core, Error, NOT_ALLOWED, Result,
    change::{as_seen, change, note},
    intake::reopen,
    settle,
    settle::Confirm,
};
use crate::{
    live::Topic,
    store::{
        Tx, cases, credentials, evidence,
        exceptions::{self, Exception},
        intents, jobs,
        jobs::Job,
    },
};

/// A person takes hold of an exception for a while; `seen` is the revision the person saw, when that is known.
///
/// # Errors
/// [`Error::Refused`] when another person holds it; conflict when it changed meanwhile.
pub async fn claim(
    core: &Core,
    by: UserId,
    (id, seen): (ExceptionId, Option<i64>),
    now: Timestamp,
) -> Result<Exception> {
    let until = now.plus_ms(core.rules.claim_ms);
    let event = ExceptionEvent::Claim { by, until };
    moved(core, by, (id, seen), (&event, "exception.claimed"), now).await
}

/// The person lets go of it; a waiting first answer is taken back.
///
/// # Errors
/// [`Error::Refused`] when another person holds it; conflict when it changed meanwhile.
pub async fn unclaim(
    core: &Core,
    by: UserId,
    (id, seen): (ExceptionId, Option<i64>),
    now: Timestamp,
) -> Result<Exception> {
    moved(core, by, (id, seen), (&ExceptionEvent::Release, "exception.unclaimed"), now).await
}

async fn moved(
    core: &Core,
    by: UserId,
    (id, seen): (ExceptionId, Option<i64>),
    (event, act): (&ExceptionEvent, &'static str),
    now: Timestamp,
) -> Result<Exception> {
    let mut tx = core.store.begin(now).await?;
    let mut exception = exceptions::lock(&mut tx, id).await?;
    as_seen(seen, exception.rev, exception.state.word())?;
    let holder = match &exception.state {
        ExceptionState::Claimed { by, until } if *until > now => Some(*by),
        ExceptionState::Seconding { first, .. } => Some(*first),
        _ => None,
    };
    if matches!(event, ExceptionEvent::Release) && holder.is_some_and(|h| h != by) {
        return Err(Error::refused(NOT_ALLOWED, "another person holds this exception"));
    }
    exception.state = exception.state.next(event, now)?;
    exceptions::save(&mut tx, &mut exception).await?;
    note(&mut tx, &Actor::Person(by), act, id, json!({"job": exception.job}));
    tx.changed(Topic::Exceptions);
    tx.commit().await?;
    Ok(exception)
}

/// A person's answer. `rev` is what the person saw; an answer to something that has changed since is refused. Declaring a submission
/// absent waits for a second person.
///
/// # Errors
/// [`Error::Refused`] with the reason that the page shows beside the button; conflict when it changed meanwhile.
pub async fn resolve(
    core: &Core,
    by: UserId,
    id: ExceptionId,
    rev: i64,
    resolution: &Resolution,
    now: Timestamp,
) -> Result<Exception> {
    check_reason(resolution)?;
    let mut tx = core.store.begin(now).await?;
    // The job first: every transaction that holds both takes them in this order.
    let found = exceptions::find_in(&mut tx, id).await?;
    let mut job = jobs::lock(&mut tx, found.job).await?;
    let mut exception = exceptions::lock(&mut tx, id).await?;
    as_seen(Some(rev), exception.rev, exception.state.word())?;
    if exception.live.is_some() && resolution.choice() == Choice::GiveCode {
        return Err(Error::invalid("code", "the code itself is missing"));
    }
    possible(&exception, resolution.choice(), job.state.intent().is_some())
        .map_err(|reason| Error::refused(NOT_ALLOWED, reason))?;
    let event = ExceptionEvent::Resolve { by, resolution: resolution.clone() };
    exception.state = exception.state.next(&event, now)?;
    exceptions::save(&mut tx, &mut exception).await?;
    let actor = Actor::Person(by);
    let seconding = matches!(exception.state, ExceptionState::Seconding { .. });
    let detail = json!({"job": job.id, "resolution": resolution.word(), "reason": resolution.reason(),
                        "waits_for_second": seconding});
    note(&mut tx, &actor, "exception.resolved", id, detail);
    if let ExceptionState::Resolved { resolution, .. } = exception.state.clone() {
        apply(&mut tx, &mut job, &exception, &resolution, &actor).await?;
    }
    tx.changed(Topic::Exceptions);
    tx.commit().await?;
    Ok(exception)
}

/// Whether an answer is possible now; otherwise the reason.
///
/// # Errors
/// The reason, a sentence.
pub fn possible(
    exception: &Exception,
    choice: Choice,
    intent_open: bool,
) -> std::result::Result<(), &'static str> {
    if exception.live.is_some() {
        choice.allowed_live()
    } else {
        choice.allowed(exception.kind, intent_open)
    }
}

fn check_reason(resolution: &Resolution) -> Result<()> {
    let least = if resolution.choice() == Choice::DeclareAbsent { 10 } else { 3 };
    if resolution.reason().trim().chars().count() < least {
        return Err(Error::invalid(
            "reason",
            format!("needs at least {least} characters: others will read it later"),
        ));
    }
    Ok(())
}

async fn apply(
    tx: &mut Tx,
    job: &mut Job,
    exception: &Exception,
    resolution: &Resolution,
    actor: &Actor,
) -> Result<()> {
    match resolution {
        Resolution::Retry { .. } => {
            if exception.kind == ExceptionKind::LoginRefused {
                credentials::forgive(tx, &job.payer).await?;
                note(tx, actor, "credential.forgiven", &job.payer, json!({}));
            }
            if exception.kind == ExceptionKind::PossibleDuplicate {
                cases::allow_similar(tx, job.case).await?;
                note(tx, actor, "case.similar_allowed", job.case, json!({"job": job.id}));
            }
            reopen(tx, job).await
        }
        // An attempt that waits for a code goes on by itself.
        Resolution::GiveCode { .. } => Ok(()),
        Resolution::GiveOutcome { outcome, .. } => give_outcome(tx, job, outcome, actor).await,
        Resolution::DeclareAbsent { .. } => {
            let intent = settle::open_intent(job)?;
            intents::release(tx, intent, &VoidProof::Declared).await?;
            note(tx, actor, "submit.declared_absent", intent, json!({"job": job.id}));
            reopen(tx, job).await
        }
        Resolution::LookAgain { .. } => settle::look_again(tx, job).await,
        Resolution::Cancel { reason } => change(tx, job, &JobEvent::Cancel(reason.clone())).await,
    }
}

/// The outcome as a person knows it. With an intent open it must carry the payer's number, which then confirms the intent.
async fn give_outcome(tx: &mut Tx, job: &mut Job, outcome: &Outcome, actor: &Actor) -> Result<()> {
    if !outcome.answer.fits(job.task) {
        let task = job.task.word();
        return Err(Error::invalid("outcome.answer", format!("is no answer to a job of {task}")));
    }
    let mut outcome = outcome.clone();
    "person".clone_into(&mut outcome.via);
    let Some(intent) = job.state.intent() else {
        settle::keep_references(tx, job, &outcome, None).await?;
        return change(tx, job, &JobEvent::Answer(outcome)).await;
    };
    // The newest picture of the case is what the person judged by; there is always the one before the commit.
    let after = match evidence::newest_picture(tx, job.id).await? {
        Some(picture) => picture.id,
        None => intents::get_in(tx, intent).await?.before,
    };
    let c = Confirm { intent, outcome: &outcome, named: None, after };
    settle::confirm(tx, job, &c, actor).await?.map_err(|because| {
        Error::invalid(
            "outcome.references",
            format!("{because}; give the payer's number, or declare it absent"),
        )
    })
}
