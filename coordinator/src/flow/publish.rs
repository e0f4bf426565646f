//! Publishing script bundles. A new live one never changes a job that is pinned to another.

use std::collections::BTreeMap;

use domain::{job::Task, time::Timestamp};
use serde_json::json;

use super::{Actor, Asked, Core, Error, NOT_ALLOWED, Result, change::note};
use crate::{
    live::Topic,
    store::{Tx, scripts, scripts::Script},
};

/// A bundle that was checked clean by the caller, who computed its hash from these files.
#[derive(Debug, Clone)]
pub struct NewScript {
    /// `crestline/submit`.
    pub script: String,
    /// The bundle's hash.
    pub sha256: String,
    /// Path below `scripts/` → text.
    pub files: BTreeMap<String, String>,
}

/// Makes a bundle the live one of its script; false when it was already.
///
/// # Errors
/// [`Error::Invalid`] when the script's id is not `<payer>/<task>`.
pub async fn publish(core: &Core, actor: &Actor, new: NewScript, now: Timestamp) -> Result<bool> {
    let named = new.script.split_once('/').and_then(|(p, t)| Some((p, Task::from_word(t)?)));
    let Some((payer, task)) = named else {
        return Err(Error::invalid("script", "is not <payer>/<task> with a known task"));
    };
    if new.files.is_empty() {
        return Err(Error::invalid("files", "is empty"));
    }
    let script = Script {
        payer: payer.to_owned(),
        task,
        script: new.script,
        sha256: new.sha256,
        files: new.files,
        state: "live".to_owned(),
        published_by: actor.to_string(),
        published_at: now,
        held_reason: None,
        held_by: None,
        rev: 0,
    };
    let mut tx = core.store.begin(now).await?;
    let changed = scripts::publish(&mut tx, &script).await?;
    if changed {
        told(&mut tx, actor, "script.published", &script, json!({"script": script.script}));
    }
    tx.commit().await?;
    Ok(changed)
}

/// Holds a bundle: its jobs are not leased and running ones may not commit, until it is released or another one is live and a person
/// lets the job try again.
///
/// # Errors
/// Not found; [`Error::Refused`] when it is held; conflict when it changed meanwhile.
pub async fn hold(core: &Core, asked: &Asked, sha256: &str, now: Timestamp) -> Result<Script> {
    let mut tx = core.store.begin(now).await?;
    let script = scripts::get_in(&mut tx, sha256).await?;
    asked.fits_as(script.rev, &script.state)?;
    if !hold_in(&mut tx, &asked.actor, sha256, &asked.reason).await? {
        return Err(Error::refused(NOT_ALLOWED, "the script is held already"));
    }
    let held = scripts::get_in(&mut tx, sha256).await?;
    tx.commit().await?;
    Ok(held)
}

/// [`hold`] inside a transaction; false when it was held already.
pub(super) async fn hold_in(
    tx: &mut Tx,
    actor: &Actor,
    sha256: &str,
    reason: &str,
) -> Result<bool> {
    let script = scripts::get_in(tx, sha256).await?;
    if script.state == "held" {
        return Ok(false);
    }
    scripts::hold(tx, &script, &actor.to_string(), reason).await?;
    told(tx, actor, "script.held", &script, json!({"reason": reason}));
    Ok(true)
}

/// Lets a held bundle go on; it becomes live again unless another one is.
///
/// # Errors
/// Not found; [`Error::Refused`] when it is not held; conflict when it changed meanwhile.
pub async fn unhold(core: &Core, asked: &Asked, sha256: &str, now: Timestamp) -> Result<Script> {
    let mut tx = core.store.begin(now).await?;
    let script = scripts::get_in(&mut tx, sha256).await?;
    asked.fits_as(script.rev, &script.state)?;
    if !unhold_in(&mut tx, &asked.actor, sha256, &asked.reason).await? {
        return Err(Error::refused(NOT_ALLOWED, "the script is not held"));
    }
    let free = scripts::get_in(&mut tx, sha256).await?;
    tx.commit().await?;
    Ok(free)
}

/// [`unhold`] inside a transaction; false when it was not held.
pub(super) async fn unhold_in(
    tx: &mut Tx,
    actor: &Actor,
    sha256: &str,
    reason: &str,
) -> Result<bool> {
    let script = scripts::get_in(tx, sha256).await?;
    if script.state != "held" {
        return Ok(false);
    }
    let other = scripts::live_in(tx, &script.payer, script.task).await?;
    let state = if other.is_some() { "retired" } else { "live" };
    scripts::set_state(tx, &script, state).await?;
    told(tx, actor, "script.unheld", &script, json!({"state": state, "reason": reason}));
    Ok(true)
}

fn told(tx: &mut Tx, actor: &Actor, act: &'static str, s: &Script, detail: serde_json::Value) {
    note(tx, actor, act, &s.sha256, detail);
    tx.changed(Topic::Scripts);
    tx.changed(Topic::Ready);
}
