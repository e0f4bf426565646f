//! The permit: intent and go-ahead in one durable transaction. Nothing else lets an agent click a commit.

use domain::{
    channel::Channel,
    evidence::{EvidenceKind, Moment},
    gate::{Arming, Pass, Permit},
    id::IntentId,
    intent::VoidProof,
    job::JobEvent,
    lease::Purpose,
    request::Request,
    time::Timestamp,
    wire::{NotClicked, PermitAsk, PermitReply},
};
use serde_json::json;

use super::{
    Actor, Core, Error, NOT_ALLOWED, Result,
    change::{change, fenced, fenced_attempt, note},
    health,
    lease::no_permit_now,
    random,
};
use crate::store::{
    Tx, attempts, cases, cases::Case, credentials, evidence, intents, intents::Intent, jobs,
    jobs::Job, payers, scripts,
};

/// Opens the intent and answers with the permit, or says why not. Everything that must hold is read in the same transaction: the
/// fence, the permission, the script, the evidence before, and that no other intent lives for the same request.
///
/// # Errors
/// [`Error::Refused`] `lease-ended`; [`Error::Invalid`] when the ask does not fit the lease.
pub async fn permit(core: &Core, ask: &PermitAsk, now: Timestamp) -> Result<PermitReply> {
    let mut tx = core.store.begin(now).await?;
    let job = fenced_attempt(&mut tx, &ask.fenced, ask.attempt).await?;
    let actor = Actor::Agent(ask.fenced.agent);
    let ttl_ms = core.rules.permit_ttl_ms;
    if ask.gate.as_ref().is_some_and(|gate| !fits(gate)) {
        return Err(Error::invalid("gate", "needs a key and a nonce in hexadecimal"));
    }
    if let Some(known) = intents::of_ask(&mut tx, job.id, &ask.ask).await? {
        // The permit's life does not start again: the agent counts from when it first sent the ask.
        return Ok(if intents::is_open(&known) && known.fence == ask.fenced.fence {
            let gate = pass(core, &tx, &known);
            PermitReply::Go { intent: known.id, ttl_ms, gate }
        } else {
            PermitReply::No { because: "this permit was given and is over".to_owned() }
        });
    }
    let lasts_ms = ttl_ms.saturating_add(core.rules.submit_max_ms);
    if let Some(because) = not_now(&mut tx, &job, ask, lasts_ms).await? {
        note(&mut tx, &actor, "permit.refused", job.id, json!({"because": because}));
        tx.commit().await?;
        return Ok(PermitReply::No { because });
    }

    let (case, request) = cases::opened_in(&mut tx, job.case).await?;
    if let Some(because) = resembles(&mut tx, &case, &request).await? {
        note(&mut tx, &actor, "permit.refused", job.id, json!({"because": because}));
        tx.commit().await?;
        return Ok(PermitReply::Already { because, similar: true });
    }
    let Some(dedup_key) = case.dedup_key.clone() else {
        return Err(Error::invalid("job", "does not submit anything"));
    };
    let fenced_at = now.plus_ms(lasts_ms);
    let intent = opened(ask, &case, dedup_key, now, fenced_at);
    if !intents::open(&mut tx, &intent).await? {
        let because = already(&mut tx, &intent).await?;
        note(&mut tx, &actor, "permit.refused", job.id, json!({"because": because}));
        tx.commit().await?;
        return Ok(PermitReply::Already { because, similar: false });
    }
    // All the reading of this visit has worked: a breaker that waited for that closes before anything is sent.
    let channel = attempts::get_in(&mut tx, ask.attempt).await?.channel;
    health::works(&mut tx, &job.payer, channel).await?;
    jobs::extend(&mut tx, &ask.fenced, fenced_at.plus_ms(core.rules.capture_grace_ms)).await?;
    let mut job = jobs::lock(&mut tx, job.id).await?;
    change(&mut tx, &mut job, &JobEvent::Permit(intent.id)).await?;
    note(
        &mut tx,
        &actor,
        "permit.issued",
        intent.id,
        json!({"job": job.id, "attempt": ask.attempt, "fence": intent.fence, "round": intent.round,
               "payload_sha256": intent.payload_sha256}),
    );
    let gate = pass(core, &tx, &intent);
    tx.commit().await?;
    Ok(PermitReply::Go { intent: intent.id, ttl_ms, gate })
}

/// The permit as the gate takes it: for the fence, agent and arming that the intent was opened with, whoever asks again.
fn pass(core: &Core, tx: &Tx, intent: &Intent) -> Option<Pass> {
    let permit = Permit {
        intent: intent.id,
        fence: intent.fence,
        agent: intent.agent,
        nonce: intent.gate_nonce.clone()?,
        ttl_ms: core.rules.permit_ttl_ms,
        submit_max_ms: core.rules.submit_max_ms,
    };
    let text = permit.text();
    Some(Pass { signature: tx.seal.sign_permit(&text), text })
}

/// Whether a gate's names of itself can be kept: short hexadecimal texts.
fn fits(gate: &Arming) -> bool {
    let short = |text: &str| {
        (16..=128).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_hexdigit())
    };
    short(&gate.key) && short(&gate.nonce)
}

/// The intent as it is opened; `fenced_at`: after that nothing of it can leave.
fn opened(
    ask: &PermitAsk,
    case: &Case,
    dedup_key: String,
    now: Timestamp,
    fenced_at: Timestamp,
) -> Intent {
    Intent {
        id: IntentId::new(now, random()),
        case: case.id,
        job: ask.fenced.job,
        attempt: ask.attempt,
        agent: ask.fenced.agent,
        fence: ask.fenced.fence,
        dedup_key,
        round: case.round,
        step: ask.step,
        commit: ask.commit.clone(),
        payload_sha256: ask.payload_sha256.clone(),
        before: ask.before,
        ask: ask.ask.clone(),
        state: "open".to_owned(),
        void_proof: None,
        opened_at: now,
        fenced_at,
        closed_at: None,
        looks: 0,
        first_empty_at: None,
        gate_key: ask.gate.as_ref().map(|gate| gate.key.clone()),
        gate_nonce: ask.gate.as_ref().map(|gate| gate.nonce.clone()),
    }
}

/// What stands in the way, a sentence; none when nothing does.
async fn not_now(tx: &mut Tx, job: &Job, ask: &PermitAsk, lasts_ms: i64) -> Result<Option<String>> {
    let attempt = attempts::get_in(tx, ask.attempt).await?;
    if attempt.purpose != Purpose::Work || !job.task.commits() {
        return Err(Error::invalid("job", "is leased to look, not to submit"));
    }
    if job.state.intent().is_some() {
        return Ok(Some("a permit was already given under this lease".to_owned()));
    }
    let now = tx.now;
    let Some(payer) = payers::find_in(tx, &job.payer).await? else {
        return Ok(Some("the payer is not known any more".to_owned()));
    };
    let channel = attempt.channel;
    let Some(terms) = payer.profile.terms(channel) else {
        return Ok(Some("the profile does not describe this channel any more".to_owned()));
    };
    let account = credentials::get_in(tx, attempt.credential).await?;
    let allowed = terms.permission.allows(job.task, now);
    if let Err(reason) = allowed.and_then(|()| account.under(terms.permission)) {
        return Ok(Some(reason.to_owned()));
    }
    if let Some(reason) = &payer.paused_reason {
        return Ok(Some(format!("the payer is paused: {reason}")));
    }
    if let Some(because) = no_permit_now(tx, &payer, channel, lasts_ms).await? {
        return Ok(Some(because));
    }
    let portal = channel == Channel::Portal;
    if portal && scripts::get_in(tx, &attempt.script_sha256).await?.state == "held" {
        return Ok(Some("the script is held".to_owned()));
    }
    let before = evidence::find_in(tx, ask.before).await?;
    let fits = before.is_some_and(|e| {
        e.attempt == ask.attempt
            && e.moment != Moment::After
            && match e.kind {
                EvidenceKind::FullPage | EvidenceKind::Screenshot => portal,
                EvidenceKind::Message => !portal,
                _ => false,
            }
    });
    Ok((!fits).then(|| "the picture before the commit is not stored yet".to_owned()))
}

/// How long a submission that was made counts as recent.
const RECENT_MS: i64 = 180 * 24 * 3_600_000;

/// Nearly the same request under way or lately submitted, a sentence; none when there is none, or a person has said that this one
/// is meant too. The same request is stopped by its hash.
pub(super) async fn resembles(
    tx: &mut Tx,
    case: &Case,
    request: &Request,
) -> Result<Option<String>> {
    if cases::similar_allowed(tx, case.id).await? {
        return Ok(None);
    }
    let since = tx.now.plus_ms(-RECENT_MS);
    let other = cases::resembling(tx, case, request, since).await?;
    Ok(other.map(|other| {
        format!("{other} asks for one of these services for this member on the same days")
    }))
}

async fn already(tx: &mut Tx, wanted: &Intent) -> Result<String> {
    Ok(match intents::live(tx, &wanted.dedup_key, wanted.round).await? {
        Some(other) => format!(
            "the same request is {} by {} of {}",
            if intents::is_open(&other) { "being submitted" } else { "submitted" },
            other.job,
            other.case
        ),
        None => "the same request was being submitted a moment ago; ask again".to_owned(),
    })
}

/// The permit was not used and the latch is unset: the live fence releases the intent.
///
/// # Errors
/// [`Error::Refused`] `lease-ended`, or when this intent is not the open one.
pub async fn not_clicked(core: &Core, told: &NotClicked, now: Timestamp) -> Result<()> {
    let mut tx = core.store.begin(now).await?;
    let (mut job, _) = fenced(&mut tx, &told.fenced).await?;
    if job.state.intent() != Some(told.intent) {
        let intent = intents::get_in(&mut tx, told.intent).await?;
        // The reply to the first telling was lost.
        if intent.job == job.id && intent.void_proof.as_deref() == Some("not_clicked") {
            return Ok(());
        }
        return Err(Error::refused(NOT_ALLOWED, "this intent is not the open one of the lease"));
    }
    change(&mut tx, &mut job, &JobEvent::NotClicked).await?;
    intents::release(&mut tx, told.intent, &VoidProof::NotClicked).await?;
    note(
        &mut tx,
        &Actor::Agent(told.fenced.agent),
        "permit.not_clicked",
        told.intent,
        json!({"job": job.id}),
    );
    tx.commit().await?;
    Ok(())
}
