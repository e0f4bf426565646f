//! Codes that are in no vault: the one a portal has sent by mail, and the one only a person has. While a person is asked the
//! attempt is paused with its portal session alive; its lease is kept by heartbeats as ever.

use domain::{
    attempt::{AttemptEvent, AttemptState},
    exception::{ExceptionEvent, ExceptionKind, ExceptionState, Resolution},
    id::{ExceptionId, UserId},
    mailbox::Mailbox,
    outcome::{Failure, FailureKind},
    time::Timestamp,
    wire::{SecretAsk, SecretReply, refusal},
};
use serde_json::json;

use super::{
    Actor, Core, Error, NOT_ALLOWED, Result,
    change::{as_seen, end_attempt, note, withdraw},
    random,
    secret::{Admitted, Released, admit, give},
    settle::profile,
};
use crate::{
    live::Topic,
    store::{
        Tx,
        attempts::Attempt,
        credentials,
        exceptions::{self, Exception, Live},
        jobs, people,
    },
};

/// How long a code may be on its way by mail, milliseconds.
const MAIL_WAIT_MS: i64 = 120_000;
/// Longest code or link that a person types.
const CODE_MAX: usize = 400;

/// A look into a mailbox. No `Debug`: it holds what the box is read with.
pub struct Look {
    /// The box.
    pub mailbox: Mailbox,
    /// A message must not be older.
    pub since: Timestamp,
    /// Messages whose code was given out.
    pub used: Vec<String>,
}

/// What to look for: a message that came after the last secret of this sign-in was typed.
pub(super) async fn look(
    core: &Core,
    tx: &mut Tx,
    attempt: &Attempt,
    ask: &SecretAsk,
    mailbox: Mailbox,
) -> Result<Look> {
    let began = credentials::waits_since(tx, ask.fenced.lease, &ask.alias).await?;
    if tx.now.since_ms(began) >= MAIL_WAIT_MS.min(core.rules.code_wait_ms) {
        return Err(late("no code came by mail in time"));
    }
    let released = credentials::released(tx, ask.fenced.lease).await?;
    let typed = released.iter().filter(|(alias, _)| *alias != ask.alias).map(|(_, at)| *at).max();
    let used = credentials::used_messages(tx, attempt.credential, &ask.alias).await?;
    Ok(Look { mailbox, since: typed.unwrap_or(began), used })
}

/// Gives the code of a message, unless it was given out before: then another look is needed.
///
/// # Errors
/// As [`super::secret::release_secret`].
pub async fn release_mailed(
    core: &Core,
    ask: &SecretAsk,
    (message, code): (&str, String),
    now: Timestamp,
) -> Result<Option<Released>> {
    let Admitted { mut tx, job, attempt } = admit(core, ask, now).await?;
    let (credential, lease) = (attempt.credential, ask.fenced.lease);
    if !credentials::use_message(&mut tx, credential, &ask.alias, message, lease).await? {
        return Ok(None);
    }
    let reply = SecretReply { value: code, valid_ms: None };
    give(tx, &job, &attempt, ask, reply).await.map(Some)
}

fn late(why: &str) -> Error {
    Error::refused(refusal::CODE_NEEDED, why)
}

/// The code that only a person has: asks at the first call, gives it once when it is there, ends the waiting when the time is over.
pub(super) async fn from_person(
    core: &Core,
    admitted: Admitted,
    ask: &SecretAsk,
) -> Result<Released> {
    let AttemptState::Paused { exception } = admitted.attempt.state else {
        open(core, admitted, ask).await?;
        return Ok(Released::Person);
    };
    let Admitted { mut tx, job, attempt } = admitted;
    let question = exceptions::lock(&mut tx, exception).await?;
    let until = question.live.as_ref().map_or(question.opened_at, |live| live.until);
    match question.state {
        ExceptionState::Resolved { .. } => {
            let code = exceptions::take_code(&mut tx, exception).await?;
            resume(&mut tx, &attempt).await?;
            match code {
                Some(code) => {
                    let reply = SecretReply { value: code.to_string(), valid_ms: None };
                    give(tx, &job, &attempt, ask, reply).await
                }
                None => {
                    tx.commit().await?;
                    Err(late("the code was used up"))
                }
            }
        }
        ExceptionState::Withdrawn => {
            resume(&mut tx, &attempt).await?;
            tx.commit().await?;
            Err(late("the code is no longer asked for"))
        }
        ExceptionState::Open
        | ExceptionState::Claimed { .. }
        | ExceptionState::Seconding { .. } => {
            if until > tx.now {
                return Ok(Released::Person);
            }
            let actor = Actor::Agent(ask.fenced.agent);
            withdraw(&mut tx, exception, &actor).await?;
            resume(&mut tx, &attempt).await?;
            note(&mut tx, &actor, "code.not_given", exception, json!({"job": job.id}));
            tx.commit().await?;
            Err(late("nobody gave the code in time"))
        }
    }
}

async fn resume(tx: &mut Tx, attempt: &Attempt) -> Result<()> {
    end_attempt(tx, attempt.id, &AttemptEvent::Resume, None).await
}

/// Opens the question and pauses the attempt.
async fn open(core: &Core, admitted: Admitted, ask: &SecretAsk) -> Result<()> {
    let Admitted { mut tx, job, attempt } = admitted;
    let payer = profile(&mut tx, &job).await?.name;
    let credential = credentials::get_in(&mut tx, attempt.credential).await?;
    let account = credential.account;
    let owner = match &credential.owner {
        Some(name) => people::called(&mut tx, name).await?,
        None => None,
    };
    let detail = format!("the portal asks for `{}` of the account {account}", ask.alias);
    let mut failure = Failure::new(FailureKind::NeedsCode, "code_asked", detail);
    let whom = match &credential.owner {
        Some(name) => format!("{name}, who answers for the account {account}"),
        None => format!("the owner of the account {account}"),
    };
    failure.say = format!("{payer} has sent a one-time code to {whom}; the sign-in waits for it.");
    let id = ExceptionId::new(tx.now, random());
    let until = tx.now.plus_ms(core.rules.code_wait_ms);
    let question = Exception {
        id,
        case: job.case,
        job: job.id,
        attempt: Some(attempt.id),
        payer: job.payer.clone(),
        intent: None,
        kind: ExceptionKind::CodeWanted,
        queue: ExceptionKind::CodeWanted.queue().to_owned(),
        owner,
        failure,
        state: ExceptionState::Open,
        live: Some(Live { alias: ask.alias.clone(), until }),
        opened_at: tx.now,
        closed_at: None,
        rev: 0,
    };
    exceptions::insert(&mut tx, &question).await?;
    end_attempt(&mut tx, attempt.id, &AttemptEvent::Pause(id), None).await?;
    let actor = Actor::Agent(ask.fenced.agent);
    let detail = json!({"job": job.id, "alias": ask.alias, "credential": attempt.credential, "until": until});
    note(&mut tx, &actor, "code.asked", id, detail);
    tx.changed(Topic::Exceptions);
    tx.changed(Topic::Case(job.case.to_string()));
    tx.commit().await?;
    Ok(())
}

/// A person gives the code an attempt waits for. It is kept sealed until the attempt has it, and nowhere else.
///
/// # Errors
/// [`Error::Refused`] when nobody waits for it any more; conflict when it changed meanwhile; [`Error::Invalid`] for an empty code.
pub async fn give_code(
    core: &Core,
    by: UserId,
    (id, seen): (ExceptionId, i64),
    code: &str,
    now: Timestamp,
) -> Result<Exception> {
    let code = code.trim();
    if code.is_empty() || code.len() > CODE_MAX || code.chars().any(char::is_control) {
        return Err(Error::invalid("code", "type the code on one line"));
    }
    let mut tx = core.store.begin(now).await?;
    // The job first: every transaction that holds both takes them in this order.
    let found = exceptions::find_in(&mut tx, id).await?;
    jobs::lock(&mut tx, found.job).await?;
    let mut question = exceptions::lock(&mut tx, id).await?;
    as_seen(Some(seen), question.rev, question.state.word())?;
    if question.live.as_ref().is_none_or(|live| live.until <= now) {
        return Err(Error::refused(NOT_ALLOWED, "No attempt waits for a code any more."));
    }
    let resolution = Resolution::GiveCode { reason: "the code was given".to_owned() };
    question.state = question.state.next(&ExceptionEvent::Resolve { by, resolution }, now)?;
    exceptions::save(&mut tx, &mut question).await?;
    exceptions::keep_code(&mut tx, id, code).await?;
    note(&mut tx, &Actor::Person(by), "code.given", id, json!({"job": question.job}));
    tx.changed(Topic::Exceptions);
    tx.commit().await?;
    Ok(question)
}

/// An attempt ends while somebody is asked: nobody is asked any more, and a code that was given is forgotten.
pub(super) async fn forget(tx: &mut Tx, id: ExceptionId) -> Result<()> {
    drop(exceptions::take_code(tx, id).await?);
    let mut question = exceptions::lock(tx, id).await?;
    if let Ok(withdrawn) = question.state.next(&ExceptionEvent::Withdraw, tx.now) {
        question.state = withdrawn;
        exceptions::save(tx, &mut question).await?;
        tx.changed(Topic::Exceptions);
    }
    Ok(())
}
