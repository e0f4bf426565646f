//! The submit gate's certificate: a permit was given, the latch may be set, and nothing left. With it an intent in doubt is released
//! without asking the payer.

use aws_lc_rs::signature::{ED25519, UnparsedPublicKey};
use domain::{
    gate::Certificate,
    intent::VoidProof,
    job::{JobEvent, JobState},
    time::Timestamp,
    wire::{NotSent, refusal},
};
use serde_json::json;

use super::{
    Actor, Core, Error, NOT_ALLOWED, Result,
    change::{change, note, withdraw},
};
use crate::store::{Tx, intents, intents::Intent, jobs};

/// Releases the intent that the certificate speaks of, if the gate it names wrote it, is shut for good and let nothing out. A
/// certificate that does not hold changes nothing and is told in the audit.
///
/// # Errors
/// [`Error::Refused`]: [`refusal::NOT_SETTLED`] while the attempt or a look goes on; otherwise why it does not hold.
pub async fn not_sent(core: &Core, told: &NotSent, now: Timestamp) -> Result<()> {
    let mut tx = core.store.begin(now).await?;
    let actor = Actor::Agent(told.agent);
    let certificate = &told.certificate;
    let Some(intent) = intents::of_gate(&mut tx, &certificate.nonce).await? else {
        return refuse(tx, &actor, None, "no permit was given for this arming").await;
    };
    if let Err(because) = holds(&intent, certificate) {
        return refuse(tx, &actor, Some(&intent), because).await;
    }
    let mut job = jobs::lock(&mut tx, intent.job).await?;
    // Read again under the job's lock.
    let intent = intents::get_in(&mut tx, intent.id).await?;
    if intent.void_proof.is_some() {
        // It is known already: the reply to the first telling was lost, or the agent gave the permit back.
        return Ok(());
    }
    if !intents::is_open(&intent) {
        return refuse(tx, &actor, Some(&intent), "the intent is closed already").await;
    }
    // A look may have found nothing sure by now and asked a person: the gate knows better.
    let asked = match &job.state {
        JobState::InDoubt { intent: open, .. } if *open == intent.id => None,
        JobState::Waiting { intent: Some(open), exception } if *open == intent.id => {
            Some(*exception)
        }
        state => {
            let because = format!("the job is {}; tell it again", state.word());
            return Err(Error::refused(refusal::NOT_SETTLED, because));
        }
    };
    let before = intents::times_not_sent(&mut tx, job.id).await?;
    if before >= usize::try_from(job.attempts_max).unwrap_or(usize::MAX) {
        let because = "it happened too often: somebody has to look";
        return refuse(tx, &actor, Some(&intent), because).await;
    }
    if let Some(exception) = asked {
        withdraw(&mut tx, exception, &actor).await?;
    }
    intents::release(&mut tx, intent.id, &VoidProof::NotSent).await?;
    change(&mut tx, &mut job, &JobEvent::Reopen).await?;
    note(&mut tx, &actor, "submit.not_sent", intent.id, json!({"job": job.id}));
    tx.commit().await?;
    Ok(())
}

/// Whether the gate that took this permit says that nothing was sent.
fn holds(intent: &Intent, certificate: &Certificate) -> std::result::Result<(), &'static str> {
    let forged = "its signature is not the gate's";
    let key = intent.gate_key.as_deref().and_then(crate::files::unhex).ok_or(forged)?;
    let signature = crate::files::unhex(&certificate.signature).ok_or(forged)?;
    let text = Certificate::text(&certificate.nonce, certificate.opened, certificate.shut);
    UnparsedPublicKey::new(&ED25519, key)
        .verify(text.as_bytes(), &signature)
        .map_err(|_| forged)?;
    certificate.means_not_sent()
}

async fn refuse(
    mut tx: Tx,
    actor: &Actor,
    intent: Option<&Intent>,
    because: &'static str,
) -> Result<()> {
    let subject = intent.map_or_else(|| actor.to_string(), |intent| intent.id.to_string());
    tracing::warn!(subject, because, "a certificate of the submit gate was refused");
    note(&mut tx, actor, "submit.certificate_refused", subject, json!({"because": because}));
    tx.commit().await?;
    Err(Error::refused(NOT_ALLOWED, because))
}
