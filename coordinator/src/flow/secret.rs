//! One secret for one live lease, for one listed origin, noted in the audit.

use domain::{
    time::Timestamp,
    wire::{SecretAsk, SecretReply, refusal},
};
use serde_json::json;

use super::{
    Actor, Core, Error, Result,
    change::{fenced, note},
    settle::profile,
};
use crate::{
    store::{attempts, credentials},
    vault,
    vault::Secret,
};

/// The most releases of one secret to one lease.
const RELEASES_MAX: i64 = 5;

/// What an ask for a secret leads to. No `Debug`: it may hold the value.
pub enum Released {
    /// The value.
    Given(SecretReply),
    /// No usable code exists now: ask again after this many milliseconds.
    Wait {
        /// Milliseconds.
        ms: i64,
    },
}

/// Releases a secret.
///
/// # Errors
/// [`Error::Refused`] `lease-ended`, `origin-not-listed`, `too-many-releases`; [`Error::Invalid`] for an unknown alias.
pub async fn release_secret(core: &Core, ask: &SecretAsk, now: Timestamp) -> Result<Released> {
    let mut tx = core.store.begin(now).await?;
    let (job, attempt) = fenced(&mut tx, &ask.fenced).await?;
    let attempt = attempts::get_in(&mut tx, attempt).await?;
    let actor = Actor::Agent(ask.fenced.agent);
    let asked = vault::origin_of(&ask.origin);
    let listed = profile(&mut tx, &job).await?.login_origins;
    if asked.is_none() || !listed.iter().any(|o| vault::origin_of(o) == asked) {
        // Worth an operator's look: a page led the agent somewhere else.
        let detail = json!({"alias": ask.alias, "payer": job.payer, "job": job.id});
        note(&mut tx, &actor, "secret.refused", ask.fenced.lease, detail);
        tx.commit().await?;
        return Err(Error::refused(
            refusal::ORIGIN_NOT_LISTED,
            "secrets of this payer may not be typed on this page's origin",
        ));
    }
    let sealed = credentials::sealed_in(&mut tx, attempt.credential).await?;
    let mut secrets = vault::open(&tx.seal, attempt.credential, &sealed)?;
    let Some(secret) = secrets.remove(&ask.alias) else {
        return Err(Error::invalid("alias", "is not a secret of this account"));
    };
    let reply = match &secret {
        Secret::Text(value) => SecretReply { value: value.clone(), valid_ms: None },
        Secret::Totp(seed) => {
            let code = vault::code(seed, now)?;
            if code.valid_ms < vault::LEAST_VALID_MS {
                return Ok(Released::Wait { ms: code.valid_ms });
            }
            let fresh = credentials::use_step(
                &mut tx,
                attempt.credential,
                &ask.alias,
                code.time_step,
                ask.fenced.lease,
            )
            .await?;
            if !fresh {
                return Ok(Released::Wait { ms: code.valid_ms });
            }
            SecretReply { value: code.digits, valid_ms: Some(code.valid_ms) }
        }
    };
    if credentials::count_release(&mut tx, ask.fenced.lease, &ask.alias).await? > RELEASES_MAX {
        return Err(Error::refused(
            "too-many-releases",
            "this secret was given to this lease too often",
        ));
    }
    let detail = json!({"alias": ask.alias, "credential": attempt.credential, "job": job.id});
    note(&mut tx, &actor, "secret.released", ask.fenced.lease, detail);
    tx.commit().await?;
    Ok(Released::Given(reply))
}
