//! X12 in files over SFTP: a batch of one question is put, and the chain of its receipts is waited for in the attempt, each link with
//! its clock. Only what changes nothing goes this way: an answer that comes the next morning proves no submission tonight.
//!
//! The payer's folder holds what is for others too. It is left as it is, and of a file that answers several only our part is kept.

use std::time::Duration;

use domain::{
    channel::{Auth, Files},
    evidence::Moment,
    id::EvidenceId,
    job::Task,
    lease::Purpose,
    outcome::{Failure, FailureKind},
    step::Effect,
    wire::End,
};
use exchange::x12::{
    file::{Group, Interchange},
    t270, t276,
    transaction::Transaction,
};
use futures_util::future::BoxFuture;
use jiff::SignedDuration;
use transport::{
    chain::{Chain, Clocks, Heard, Sent, Verdict},
    credential::Rotation,
    sftp::{Cause, HostKey, Limits, Put, Session, SftpError, Site, SshLogin},
};

use super::{
    super::talk::{Stop, Talk, Way, down, failed, refused_access, unfit_access},
    ask::{Asker, Question, written},
    came, claim, cover,
    folder::Folder,
    shown,
};
use crate::{clock, http::NoReply, secret::sent};

/// The channel.
pub struct Sftp;

impl Way for Sftp {
    fn work<'a>(&'a self, talk: &'a mut Talk<'_>) -> BoxFuture<'a, Result<End, Stop>> {
        Box::pin(work(talk))
    }
}

async fn work(talk: &mut Talk<'_>) -> Result<End, Stop> {
    let exchange = talk.exchange;
    let asker = Asker::new(exchange, clock::now().jiff())?;
    let question = match (exchange.purpose, exchange.task) {
        (Purpose::Work, Task::ClaimStatus) => asker.claim_status()?,
        (Purpose::Work, Task::Eligibility) => asker.eligibility()?,
        _ => {
            let detail = "files carry questions about claims and coverage only";
            return Err(failed(FailureKind::BadInput, "task_not_carried", detail));
        }
    };
    let files = asker.partner().files.as_ref();
    let files = files.ok_or_else(|| unfit("the profile does not say where files are put"))?;
    talk.begin("Get access", Effect::Read).await?;
    let site = site(talk, files).await?;
    let session = open(&site).await.map_err(|error| stop(&error))?;
    talk.observe.log("access is given");
    talk.done().await;
    let end = asked(talk, &session, files, (&asker, &question)).await;
    session.close().await;
    let (set, evidence) = end?;
    let outcome = match &set {
        Transaction::ClaimStatus(answer) => {
            claim::outcome(exchange.payer, answer, &question.trace, evidence)?
        }
        Transaction::Eligibility(answer) => cover::outcome(answer)?,
        _ => return Err(super::other_answer()),
    };
    Ok(talk.told(outcome, None).await)
}

fn unfit(detail: &str) -> Stop {
    failed(FailureKind::BadInput, "profile_unfit", detail)
}

/// The host, with the keys it is known by and the one we are known by.
async fn site(talk: &Talk<'_>, files: &Files) -> Result<Site, Stop> {
    let endpoint = talk.exchange.endpoint;
    let url = url::Url::parse(&endpoint.base).ok().filter(|url| url.scheme() == "sftp");
    let url = url.ok_or_else(|| unfit("the address is not sftp://host:port"))?;
    let host = url.host_str().ok_or_else(|| unfit("the address has no host"))?.to_owned();
    let not_sent = |why: NoReply| down("no_answer", &why.to_string(), None);
    let (host, port) = match talk.exchange.http.reach(&host).map_err(not_sent)? {
        // The host is recognised by its key, not by its name.
        Some(at) => (at.ip().to_string(), at.port()),
        None => (host, url.port().unwrap_or(22)),
    };
    let known = |line: &String| {
        HostKey::new(line, None, None).map_err(|_| unfit("a host key of the profile is none"))
    };
    let mut keys = files.host_keys.iter().map(known);
    let first = keys.next().ok_or_else(|| unfit("the profile pins no host key"))??;
    let mut rotation = Rotation::new(first);
    if let Some(next) = keys.next() {
        let begun = rotation.begin(next?, clock::now().jiff());
        begun.map_err(|why| unfit(&why.to_string()))?;
    }
    if keys.next().is_some() {
        return Err(unfit("the profile pins more than two host keys"));
    }
    let Auth::SshKey { key } = &endpoint.auth else { return Err(unfit_access()) };
    let key = sent::carried(&talk.secret(key, &endpoint.base).await?);
    Ok(Site {
        host,
        port,
        user: files.user.clone(),
        login: SshLogin::Key { key, pass_phrase: None },
        keys: rotation,
        limits: Limits::default(),
    })
}

// The transport's futures hold streams of closures; boxed, the compiler sees that they may go to another thread.
fn open(site: &Site) -> BoxFuture<'_, Result<Session, SftpError>> {
    Box::pin(Session::open(site))
}

fn put<'a>(
    session: &'a Session,
    folder: &'a str,
    name: &'a str,
    bytes: &'a [u8],
) -> BoxFuture<'a, Result<Put, SftpError>> {
    Box::pin(session.put(folder, name, bytes))
}

/// Errors name host and cause, never contents.
pub(super) fn stop(error: &SftpError) -> Stop {
    let detail = error.to_string();
    match &error.cause {
        Cause::HostKey { .. } => {
            let mut failure = Failure::new(FailureKind::OffSite, "host_key_changed", detail);
            "The payer's file host shows another key than the one we know; nothing was sent."
                .clone_into(&mut failure.say);
            Stop::Failed(Box::new(failure))
        }
        Cause::Login | Cause::Key => refused_access(&detail),
        Cause::Name | Cause::Exists | Cause::Names(_) => unfit(&detail),
        Cause::Connect(_)
        | Cause::Handshake(_)
        | Cause::Status(_)
        | Cause::Lost(_)
        | Cause::Size { .. }
        | Cause::Keep(_) => down("no_answer", &detail, None),
    }
}

/// Puts the question and waits for what comes back.
async fn asked(
    talk: &mut Talk<'_>,
    session: &Session,
    files: &Files,
    (asker, question): (&Asker<'_>, &Question),
) -> Result<(Transaction, EvidenceId), Stop> {
    let none = || failed(FailureKind::Transient, "no_control_number", "no control number is left");
    let number = talk.exchange.control.ok_or_else(none)?;
    let interchange = asker.wrap(question, number);
    let bytes = written(&interchange)?;
    let begun = || Chain::new(Sent::of(&interchange), clocks(files), clock::now().jiff());
    let mut folder = Folder::new(files, begun(), &oldest(files));
    talk.begin("Look for an answer that is there already", Effect::Read).await?;
    let there = folder.look(talk, session).await?;
    talk.done().await;
    if let Some(set) = there {
        // Asked by an attempt before this one, which did not live to see it.
        talk.begin("Take the answer", Effect::Read).await?;
        return kept(talk, set, question).await;
    }
    talk.begin("Put the question", Effect::Read).await?;
    let name = file_name(asker, question, number);
    talk.keep(Moment::Before, &format!("{} as {name}", question.payload), &shown(&bytes)).await;
    let put = put(session, &files.put, &name, &bytes).await.map_err(|error| stop(&error))?;
    // From here on the clocks count.
    let mut chain = begun();
    let _ = chain.hear(&Heard::Transport(Verdict::Accepted), clock::now().jiff());
    folder.wait_for(chain);
    talk.observe.log(&format!("{} bytes are put as {name}", put.size));
    talk.done().await;

    talk.begin("Wait for the answer", Effect::Read).await?;
    loop {
        if let Some(set) = folder.look(talk, session).await? {
            return kept(talk, set, question).await;
        }
        if let Some(late) = never_came(&folder) {
            return Err(late);
        }
        talk.may_go_on()?;
        tokio::time::sleep(Duration::from_millis(files.look_ms.max(100)).min(talk.left())).await;
    }
}

/// The first day (CCYYMMDD) an answer to an attempt before this one can be of: what is older answers a question of another day. A
/// payer's day is not ours by the hour.
fn oldest(files: &Files) -> String {
    let waited = SignedDuration::from_millis(files.answer_ms) + SignedDuration::from_hours(24);
    (clock::now().jiff() - waited).strftime("%Y%m%d").to_string()
}

/// The first link whose time is over.
fn never_came(folder: &Folder) -> Option<Stop> {
    let (stage, deadline) = folder.never_came()?;
    let left = folder.left();
    let detail = format!("{} did not come until {deadline:.0}{left}", came::named(stage));
    let mut failure = Failure::new(FailureKind::Refused, "never_came", detail);
    "The payer took our file, and a receipt or the answer never came.".clone_into(&mut failure.say);
    Some(Stop::Failed(Box::new(failure)))
}

fn clocks(files: &Files) -> Clocks {
    let after = |ms: i64| SignedDuration::from_millis(ms);
    Clocks {
        transport: None,
        interchange: files.interchange_ms.map(after),
        group: files.receipt_ms.map(after),
        business: Some(after(files.answer_ms)),
    }
}

/// Keeps our part of an answer.
async fn kept(
    talk: &mut Talk<'_>,
    set: Transaction,
    question: &Question,
) -> Result<(Transaction, EvidenceId), Stop> {
    let set = ours(set, &question.trace);
    let group = Group { sets: vec![set.clone()], ..Group::default() };
    let part = Interchange { groups: vec![group], ..Interchange::default() };
    let text = part.write().map(|bytes| shown(&bytes)).unwrap_or_default();
    let evidence = talk.keep(Moment::After, "our part of the answer", &text).await;
    Ok((set, evidence))
}

/// The set without what is said to others.
fn ours(set: Transaction, trace: &str) -> Transaction {
    match set {
        Transaction::ClaimStatus(mut answer) => {
            let providers = answer
                .payers
                .iter_mut()
                .flat_map(|payer| &mut payer.receivers)
                .flat_map(|receiver| &mut receiver.providers);
            for provider in providers {
                for subscriber in &mut provider.subscribers {
                    let own = |claim: &t276::Claim| claim.trace.number == trace;
                    subscriber.claims.retain(own);
                    subscriber.dependents.iter_mut().for_each(|d| d.claims.retain(own));
                    subscriber.dependents.retain(|dependent| !dependent.claims.is_empty());
                }
                let own = |s: &t276::Subscriber| !s.claims.is_empty() || !s.dependents.is_empty();
                provider.subscribers.retain(own);
            }
            Transaction::ClaimStatus(answer)
        }
        Transaction::Eligibility(mut answer) => {
            let receivers = answer.sources.iter_mut().flat_map(|source| &mut source.receivers);
            for receiver in receivers {
                let named = |traces: &[exchange::x12::parts::Trn]| {
                    traces.iter().any(|one| one.number == trace)
                };
                for subscriber in &mut receiver.subscribers {
                    subscriber.dependents.retain(|dependent| named(&dependent.traces));
                }
                let own = |s: &t270::Subscriber| named(&s.traces) || !s.dependents.is_empty();
                receiver.subscribers.retain(own);
            }
            Transaction::Eligibility(answer)
        }
        other => other,
    }
}

/// `RIVER_276_20261122_000000301.edi`: partner, transaction, day and control number; nothing of the patient.
fn file_name(asker: &Asker<'_>, question: &Question, number: u32) -> String {
    let set = match question.set {
        Transaction::Eligibility(_) => "270",
        _ => "276",
    };
    let day = clock::now().jiff().strftime("%Y%m%d").to_string();
    let letters = asker.partner().sender.chars().filter(char::is_ascii_alphanumeric);
    format!("{}_{set}_{day}_{number:09}.edi", letters.collect::<String>())
}

#[cfg(test)]
mod tests {
    use exchange::x12::parts::{Nm1, Trn};

    use super::*;

    #[test]
    fn what_is_said_to_others_is_not_kept() {
        let claim = |trace: &str| t276::Claim {
            trace: Trn { number: trace.to_owned(), ..Trn::default() },
            ..t276::Claim::default()
        };
        let subscriber = |name: &str, trace: &str| t276::Subscriber {
            name: Nm1 { last: name.to_owned(), ..Nm1::default() },
            claims: vec![claim(trace)],
            ..t276::Subscriber::default()
        };
        let provider = t276::Provider {
            subscribers: vec![subscriber("BIRCH", "F1"), subscriber("ALDER", "F2")],
            ..t276::Provider::default()
        };
        let receiver = t276::Receiver { providers: vec![provider], ..t276::Receiver::default() };
        let payer = t276::Payer { receivers: vec![receiver], ..t276::Payer::default() };
        let answer = t276::ClaimStatus { payers: vec![payer], ..t276::ClaimStatus::default() };
        let Transaction::ClaimStatus(left) = ours(Transaction::ClaimStatus(answer), "F1") else {
            panic!("the same set");
        };
        let subscribers = &left.payers[0].receivers[0].providers[0].subscribers;
        assert_eq!(subscribers.len(), 1);
        assert_eq!(subscribers[0].name.last, "BIRCH");
    }
}
