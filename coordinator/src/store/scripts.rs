//! A row is a published script bundle, named by its hash. At most one per script is live; jobs keep the one they are pinned to.

use std::collections::BTreeMap;

use domain::{job::Task, time::Timestamp};
use serde::Serialize;

use super::{Error, Store, Tx, db};
use crate::vals;

/// A published script bundle.
#[derive(Debug, Clone, Serialize)]
pub struct Script {
    /// Hash of the bundle.
    pub sha256: String,
    /// `crestline/submit`.
    pub script: String,
    /// Payer id.
    pub payer: String,
    /// Task.
    pub task: Task,
    /// Path below `scripts/` → text.
    pub files: BTreeMap<String, String>,
    /// `live`, `retired`, `held`.
    pub state: String,
    /// Who published it.
    pub published_by: String,
    /// When.
    pub published_at: Timestamp,
    /// Why it is held.
    pub held_reason: Option<String>,
    /// Who holds it: a person, or a duty of the coordinator.
    pub held_by: Option<String>,
    /// Revision.
    pub rev: i64,
}

fn read(row: &db::Row) -> Result<Script, Error> {
    Ok(Script {
        sha256: row.text("sha256")?,
        script: row.text("script")?,
        payer: row.text("payer_id")?,
        task: Task::from_word(&row.text("task")?).ok_or_else(|| row.corrupt("task"))?,
        files: row.json("files")?,
        state: row.text("state")?,
        published_by: row.text("published_by")?,
        published_at: row.at("published_at_ms")?,
        held_reason: row.opt_text("held_reason")?,
        held_by: row.opt_text("held_by")?,
        rev: row.int("rev")?,
    })
}

const RETIRE: &str = "UPDATE scripts SET state = 'retired', rev = rev + 1 WHERE script = $1 AND state = 'live' AND sha256 <> $2";
const PUT: &str = "INSERT INTO scripts (sha256, script, payer_id, task, files, state, published_by, published_at_ms) \
     VALUES ($1, $2, $3, $4, $5, 'live', $6, $7) \
     ON CONFLICT (sha256) DO UPDATE SET state = 'live', published_by = excluded.published_by, \
     published_at_ms = excluded.published_at_ms, held_reason = NULL, held_by = NULL, rev = scripts.rev + 1 \
     WHERE scripts.state <> 'live'";
const LIVE: &str = "SELECT * FROM scripts WHERE payer_id = $1 AND task = $2 AND state = 'live'";
const GET: &str = "SELECT * FROM scripts WHERE sha256 = $1";
// The newest held one stands for a script that has no live one: what is asked for meanwhile waits with it.
const CURRENT: &str = "SELECT * FROM scripts WHERE payer_id = $1 AND task = $2 AND state IN ('live', 'held') \
     ORDER BY CASE WHEN state = 'live' THEN 0 ELSE 1 END, published_at_ms DESC, sha256 LIMIT 1";
const HELD_ALL: &str = "SELECT payer_id AS id, task, held_reason FROM scripts WHERE state = 'held' \
     ORDER BY published_at_ms, sha256";
const SET_STATE: &str = "UPDATE scripts SET state = $3, held_reason = $4, held_by = $5, rev = rev + 1 \
     WHERE sha256 = $1 AND rev = $2";
const LIVE_ALL: &str = "SELECT sha256, payer_id AS id, task FROM scripts WHERE state = 'live'";

/// Makes a bundle the live one of its script; false when it was so already.
///
/// # Errors
/// [`Error::Database`].
pub async fn publish(tx: &mut Tx, script: &Script) -> Result<bool, Error> {
    tx.exec(RETIRE, vals![&script.script, &script.sha256]).await?;
    let files = serde_json::to_string(&script.files).map_err(|e| Error::Database(e.to_string()))?;
    let values = vals![
        &script.sha256,
        &script.script,
        &script.payer,
        script.task.word(),
        files,
        &script.published_by,
        script.published_at
    ];
    Ok(tx.exec(PUT, values).await? == 1)
}

/// The live bundle of a payer's task.
///
/// # Errors
/// [`Error::Database`].
pub async fn live_in(tx: &mut Tx, payer: &str, task: Task) -> Result<Option<Script>, Error> {
    tx.opt("scripts", LIVE, vals![payer, task.word()]).await?.map(|r| read(&r)).transpose()
}

/// The bundle that new jobs of a payer's task are pinned to: the live one, else the newest that is held.
///
/// # Errors
/// [`Error::Database`].
pub async fn current_in(tx: &mut Tx, payer: &str, task: Task) -> Result<Option<Script>, Error> {
    tx.opt("scripts", CURRENT, vals![payer, task.word()]).await?.map(|r| read(&r)).transpose()
}

/// Why bundles are held, by payer and task; of several the newest.
///
/// # Errors
/// [`Error::Database`].
pub async fn held_all_in(tx: &mut Tx) -> Result<BTreeMap<(String, Task), String>, Error> {
    let rows = tx.all("scripts", HELD_ALL, vals![]).await?;
    rows.iter()
        .map(|r| {
            let task = Task::from_word(&r.text("task")?).ok_or_else(|| r.corrupt("task"))?;
            Ok(((r.text("id")?, task), r.opt_text("held_reason")?.unwrap_or_default()))
        })
        .collect()
}

/// Hashes of the live bundles by payer and task.
///
/// # Errors
/// [`Error::Database`].
pub async fn live_all_in(tx: &mut Tx) -> Result<BTreeMap<(String, Task), String>, Error> {
    let rows = tx.all("scripts", LIVE_ALL, vals![]).await?;
    rows.iter()
        .map(|r| {
            let task = Task::from_word(&r.text("task")?).ok_or_else(|| r.corrupt("task"))?;
            Ok(((r.text("id")?, task), r.text("sha256")?))
        })
        .collect()
}

/// One bundle, inside a transaction.
///
/// # Errors
/// [`Error::NotFound`].
pub async fn get_in(tx: &mut Tx, sha256: &str) -> Result<Script, Error> {
    let row = tx.opt("scripts", GET, vals![sha256]).await?.ok_or(Error::NotFound("script"))?;
    read(&row)
}

/// Holds a bundle, if nobody changed it meanwhile.
///
/// # Errors
/// [`Error::Conflict`].
pub async fn hold(tx: &mut Tx, script: &Script, by: &str, reason: &str) -> Result<(), Error> {
    let values = vals![&script.sha256, script.rev, "held", reason, by];
    set(tx, script, values).await
}

/// Sets `live` or `retired`, if nobody changed it meanwhile.
///
/// # Errors
/// [`Error::Conflict`], [`Error::Unique`] when another bundle is live.
pub async fn set_state(tx: &mut Tx, script: &Script, state: &str) -> Result<(), Error> {
    let nobody = None::<String>;
    let values = vals![&script.sha256, script.rev, state, nobody.clone(), nobody];
    set(tx, script, values).await
}

async fn set(tx: &mut Tx, script: &Script, values: Vec<db::Value>) -> Result<(), Error> {
    if tx.exec(SET_STATE, values).await? == 1 {
        Ok(())
    } else {
        Err(Error::Conflict { now: script.state.clone() })
    }
}

// Reads for pages and API.

const LIST: &str = "SELECT * FROM scripts ORDER BY script, published_at_ms DESC, sha256";

/// One bundle.
///
/// # Errors
/// [`Error::NotFound`].
pub async fn get(store: &Store, sha256: &str) -> Result<Script, Error> {
    let row = store.db.opt("scripts", GET, vals![sha256]).await?;
    read(&row.ok_or(Error::NotFound("script"))?)
}

/// Every bundle, by script, newest first.
///
/// # Errors
/// [`Error::Database`].
pub async fn list(store: &Store) -> Result<Vec<Script>, Error> {
    store.db.all("scripts", LIST, vals![]).await?.iter().map(read).collect()
}
