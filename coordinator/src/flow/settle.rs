//! Settling: proof confirms an intent, a doubt is looked after, what a look finds decides. Nothing here can lead to a second act
//! while an intent is open. Called by the report, the sweep and a person's resolution, inside their transactions.

use domain::{
    attempt::AttemptState,
    channel::Channel,
    exception::ExceptionKind,
    fleet::{AfterLook, Payer, ScriptLooks},
    id::{AttemptId, EvidenceId, IntentId},
    intent::VoidProof,
    job::JobEvent,
    outcome::{Failure, FailureKind, Outcome, Reference, ReferenceKind},
    script::Bundle,
    time::Timestamp,
    wire::Finding,
};
use serde_json::json;

use super::{
    Actor, Core, Error, NOT_ALLOWED, Result,
    change::{ask_person, change, note},
};
use crate::{
    live::Topic,
    store::{
        Tx, attempts, evidence, intents,
        jobs::Job,
        payers,
        references::{self, Place},
        scripts,
    },
};

/// The profile of a job's payer.
pub(super) async fn profile(tx: &mut Tx, job: &Job) -> Result<Payer> {
    let payer = payers::find_in(tx, &job.payer).await?;
    Ok(payer.ok_or(crate::store::Error::NotFound("payer"))?.profile)
}

/// The number that proves the submission: the one named, else the one the payer gave for the request as received.
fn proving<'o>(outcome: &'o Outcome, named: Option<&str>) -> Option<&'o Reference> {
    let all = &outcome.references;
    match named {
        Some(value) => all.iter().find(|r| r.value == value),
        None => [ReferenceKind::Tracking, ReferenceKind::Authorization, ReferenceKind::Pend]
            .into_iter()
            .find_map(|kind| all.iter().find(|r| r.kind == kind))
            .or_else(|| all.first()),
    }
    .filter(|r| !r.value.trim().is_empty())
}

/// Stores every number of an outcome; the proving one with its intent, the row's id of which is given back.
pub(super) async fn keep_references(
    tx: &mut Tx,
    job: &Job,
    outcome: &Outcome,
    proof: Option<(&Reference, IntentId)>,
) -> Result<Option<String>> {
    let payer = job.payer.clone();
    let place = Place { payer: &payer, case: job.case, job: job.id };
    let mut proof_row = None;
    for reference in &outcome.references {
        let proves = proof.filter(|(r, _)| *r == reference).map(|(_, intent)| intent);
        let row = references::insert(tx, &place, reference, proves).await?;
        if proves.is_some() {
            proof_row = Some(row);
        }
    }
    Ok(proof_row)
}

/// What confirming needs.
pub(super) struct Confirm<'a> {
    /// The open intent.
    pub(super) intent: IntentId,
    /// The payer's answer, with the proving number among its references.
    pub(super) outcome: &'a Outcome,
    /// The proving number's value, when the agent named one.
    pub(super) named: Option<&'a str>,
    /// Picture after.
    pub(super) after: EvidenceId,
}

/// Closes an open intent by proof and ends the job with its answer. A sentence instead when the proof does not hold: then nothing
/// was changed and the doubt stays.
pub(super) async fn confirm(
    tx: &mut Tx,
    job: &mut Job,
    c: &Confirm<'_>,
    actor: &Actor,
) -> Result<std::result::Result<(), String>> {
    let Some(reference) = proving(c.outcome, c.named) else {
        return Ok(Err("no number of the payer proves it".to_owned()));
    };
    if references::proves_already(tx, &job.payer, reference.kind, &reference.value).await? {
        return Ok(Err("the payer's number proves another submission already".to_owned()));
    }
    if evidence::find_in(tx, c.after).await?.is_none() {
        return Ok(Err("the picture after the commit is not stored".to_owned()));
    }
    let row = keep_references(tx, job, c.outcome, Some((reference, c.intent)))
        .await?
        .ok_or(crate::store::Error::NotFound("reference"))?;
    intents::confirm(tx, c.intent, c.after, &row).await?;
    change(tx, job, &JobEvent::Answer(c.outcome.clone())).await?;
    note(
        tx,
        actor,
        "submit.committed",
        c.intent,
        json!({"job": job.id, "via": c.outcome.via, "after": c.after}),
    );
    Ok(Ok(()))
}

/// The attempt is over and the intent is open: look at the payer, not before its last byte can have left.
pub(super) async fn doubt(
    tx: &mut Tx,
    job: &mut Job,
    intent: IntentId,
    actor: &Actor,
    because: &str,
) -> Result<()> {
    let rules = profile(tx, job).await?.reconcile;
    let open = intents::get_in(tx, intent).await?;
    let look_at: Timestamp = tx.now.max(open.fenced_at).plus_ms(rules.first_look_ms);
    let event = JobEvent::Doubt { intent, look_at, looks: open.looks };
    change(tx, job, &event).await?;
    note(tx, actor, "submit.in_doubt", intent, json!({"job": job.id, "because": because}));
    Ok(())
}

/// Looks that ended without a finding.
pub(super) struct FailedLooks {
    /// How many, with this one.
    pub(super) count: usize,
    /// When the script itself says that it can be tried again: a portal that lets us in only when another session has idled out.
    pub(super) again_at: Option<Timestamp>,
}

/// A look that ended without a finding: look again later, and ask a person when looking itself does not work.
pub(super) async fn look_failed(
    tx: &mut Tx,
    job: &mut Job,
    attempt: AttemptId,
    failure: Failure,
    failed: FailedLooks,
    actor: &Actor,
) -> Result<()> {
    let Some(intent) = job.state.intent() else {
        return Err(Error::refused(NOT_ALLOWED, "there is no doubt to look after"));
    };
    let rules = profile(tx, job).await?.reconcile;
    let passing = matches!(
        failure.kind,
        FailureKind::Transient | FailureKind::PortalDown | FailureKind::Lost
    );
    let tired = failed.count > usize::try_from(rules.looks_max).unwrap_or(usize::MAX);
    if failed.again_at.is_none() && (!passing || tired) {
        ask_person(tx, job, Some(attempt), ExceptionKind::InDoubt, failure, actor).await?;
        return Ok(());
    }
    let looks = intents::get_in(tx, intent).await?.looks;
    let usual = tx.now.plus_ms(rules.look_every_ms);
    let look_at = failed.again_at.map_or(usual, |at| at.max(usual));
    change(tx, job, &JobEvent::Doubt { intent, look_at, looks }).await
}

fn question(name: &str, say: &str) -> Failure {
    let mut failure = Failure::new(FailureKind::Unsure, name, "");
    say.clone_into(&mut failure.say);
    failure
}

/// The failure of an answer that is none to what was asked: a claim's status for an authorization, say. Nothing is adopted.
pub(super) fn unfit(job: &Job, outcome: &Outcome) -> Option<Failure> {
    if outcome.answer.fits(job.task) {
        return None;
    }
    let detail = format!("{} is no answer to {}", outcome.answer.word(), job.task.word());
    let mut failure = Failure::new(FailureKind::PageChanged, "unmapped_answer", detail);
    "What was read at the payer is an answer to another question than ours."
        .clone_into(&mut failure.say);
    Some(failure)
}

/// What a reconcile found decides.
pub(super) async fn found(
    core: &Core,
    tx: &mut Tx,
    job: &mut Job,
    attempt: AttemptId,
    finding: &Finding,
    actor: &Actor,
) -> Result<()> {
    let Some(intent) = job.state.intent() else {
        return Err(Error::refused(NOT_ALLOWED, "there is no doubt to settle"));
    };
    let ask = |name, say| (ExceptionKind::InDoubt, question(name, say));
    let (kind, failure) = match finding {
        Finding::One { outcome, .. } if !outcome.answer.fits(job.task) => ask(
            "found_unfit",
            "A record was found at the payer, but what it says is an answer to another question.",
        ),
        Finding::One { outcome, evidence } => {
            let mut outcome = outcome.clone();
            "reconcile".clone_into(&mut outcome.via);
            let c = Confirm { intent, outcome: &outcome, named: None, after: *evidence };
            match confirm(tx, job, &c, actor).await? {
                Ok(()) => return Ok(()),
                Err(because) => ask("found_unproved", &because),
            }
        }
        Finding::Many { count } => ask(
            "found_many",
            &format!("The search at the payer shows {count} records that may be this request."),
        ),
        Finding::None { evidence, .. } => {
            if evidence::find_in(tx, *evidence).await?.is_none() {
                return Err(Error::invalid("evidence", "is not stored yet"));
            }
            if not_taken_in(tx, job, intent, actor).await? {
                return Ok(());
            }
            match empty_look(core, tx, job, intent, actor).await? {
                None => return Ok(()),
                Some(say) => ask("not_found", say),
            }
        }
    };
    ask_person(tx, job, Some(attempt), kind, failure, actor).await?;
    Ok(())
}

/// What the pinned script asks for after an empty search; its times shrink with the unit of the retry schedule, as everywhere.
async fn script_looks(core: &Core, tx: &mut Tx, job: &Job) -> Result<Option<ScriptLooks>> {
    let script = scripts::get_in(tx, &job.script_sha256).await?;
    let Ok(bundle) = Bundle::load(&script.files, &script.script) else { return Ok(None) };
    Ok(bundle.script.looks().map(|looks| ScriptLooks {
        wait_ms: looks.wait_ms.saturating_mul(core.rules.rest_unit_ms) / 60_000,
        ..looks
    }))
}

/// The failure of a look that found nothing and saw nothing that shows the search to work: nothing was learned.
pub(super) fn unrecognised() -> Failure {
    let name = "search_unproved";
    let mut failure = Failure::new(FailureKind::Transient, name, "no rows and no known record");
    "The search at the payer shows nothing, not even what is known to be there: it proves nothing."
        .clone_into(&mut failure.say);
    failure
}

/// The payer itself refused the request for what stands in it, and its search, which was seen to work, shows nothing: two statements
/// of the payer that nothing was submitted. It is not sent again as it is: a person corrects it. False where there was no such refusal.
async fn not_taken_in(tx: &mut Tx, job: &mut Job, intent: IntentId, actor: &Actor) -> Result<bool> {
    let sent = intents::get_in(tx, intent).await?.attempt;
    let AttemptState::Failed { failure } = attempts::get_in(tx, sent).await?.state else {
        return Ok(false);
    };
    if !failure.is_refused_at_the_door() {
        return Ok(false);
    }
    let open = intents::note_empty_look(tx, intent).await?;
    let detail = json!({"job": job.id, "found": 0, "look": open.looks});
    note(tx, actor, "submit.looked", intent, detail);
    intents::release(tx, intent, &VoidProof::ProvenAbsent).await?;
    change(tx, job, &JobEvent::Reopen).await?;
    let detail = json!({"job": job.id, "looks": open.looks, "refused": true});
    note(tx, actor, "submit.absent", intent, detail);
    let mut refused = Failure { kind: FailureKind::Refused, ..failure };
    "The payer did not take the request in, and its search does not show it: it was not submitted."
        .clone_into(&mut refused.say);
    ask_person(tx, job, Some(sent), ExceptionKind::Correct, refused, actor).await?;
    Ok(true)
}

/// One more positively recognised empty search; the sentence for a person when no rule settles it.
async fn empty_look(
    core: &Core,
    tx: &mut Tx,
    job: &mut Job,
    intent: IntentId,
    actor: &Actor,
) -> Result<Option<&'static str>> {
    let mut rules = profile(tx, job).await?.reconcile;
    let now = tx.now;
    let open = intents::note_empty_look(tx, intent).await?;
    let began_on = attempts::get_in(tx, open.attempt).await?.channel;
    // That a search which finds nothing proves something is known of the payer's portal, and of nothing else.
    rules.absence_is_proof &= began_on == Channel::Portal;
    let first = open.first_empty_at.unwrap_or(now);
    note(
        tx,
        actor,
        "submit.looked",
        intent,
        json!({"job": job.id, "found": 0, "look": open.looks, "channel": began_on.word()}),
    );
    let script = match began_on {
        Channel::Portal => script_looks(core, tx, job).await?,
        _ => None,
    };
    match rules.after_empty_look(script.as_ref(), open.looks, first, now) {
        AfterLook::LookAgain(look_at) => {
            let event = JobEvent::Doubt { intent, look_at, looks: open.looks };
            change(tx, job, &event).await?;
            Ok(None)
        }
        AfterLook::AskPerson => Ok(Some(
            "The search at the payer shows nothing, which does not prove that it is not there.",
        )),
        // At most once by itself: a payer that loses the same request twice is a person's business.
        AfterLook::Absent if intents::times_proven_absent(tx, job.id).await? > 0 => {
            Ok(Some("The payer showed nothing a second time after it was sent again."))
        }
        AfterLook::Absent => {
            intents::release(tx, intent, &VoidProof::ProvenAbsent).await?;
            change(tx, job, &JobEvent::Reopen).await?;
            note(tx, actor, "submit.absent", intent, json!({"job": job.id, "looks": open.looks}));
            Ok(None)
        }
    }
}

/// A doubt that waits for a person is looked after again: as soon as nothing of it can leave any more.
pub(super) async fn look_again(tx: &mut Tx, job: &mut Job) -> Result<()> {
    let intent = open_intent(job)?;
    let open = intents::get_in(tx, intent).await?;
    let look_at = tx.now.max(open.fenced_at);
    tx.changed(Topic::Ready);
    change(tx, job, &JobEvent::Doubt { intent, look_at, looks: open.looks }).await
}

/// The intent that a job has open.
pub(super) fn open_intent(job: &Job) -> Result<IntentId> {
    job.state.intent().ok_or_else(|| Error::refused(NOT_ALLOWED, "Nothing was submitted."))
}
