//! A row is a drift item: one way in which a payer's pages differ from one element of one script bundle, however many attempts saw
//! it, and what a person said of it. What was seen is sealed: a page names others than the patient of the attempt, too.

use domain::{
    drift::{Drift, DriftState, UNKNOWN_AGENTS, UNKNOWN_MAX},
    id::{AttemptId, DriftId},
    time::Timestamp,
};
use serde::Serialize;

use super::{Error, Page, Store, Tx, db, open_json, seal_json};
use crate::{seal::Seal, vals};

const SEEN: (&str, &str) = ("drift", "seen");

/// A drift item.
#[derive(Debug, Clone, Serialize)]
pub struct Item {
    /// Which.
    pub id: DriftId,
    /// Payer id.
    pub payer: String,
    /// `crestline/submit`.
    pub script: String,
    /// Hash of the bundle.
    pub script_sha256: String,
    /// What was seen last that a person may judge.
    pub seen: Drift,
    /// State, with what it owns.
    #[serde(flatten)]
    pub state: DriftState,
    /// When a person decided.
    pub decided_at: Option<Timestamp>,
    /// Attempts that saw it.
    pub sightings: u32,
    /// Of these, those since it was last opened.
    pub unreviewed: u32,
    /// When it was first seen.
    pub first_seen_at: Timestamp,
    /// When it was last seen.
    pub last_seen_at: Timestamp,
    /// Revision: sent back with a decision.
    pub rev: i64,
}

fn read(row: &db::Row, seal: &Seal) -> Result<Item, Error> {
    let decided = || Ok::<_, Error>((row.parse("decided_by")?, row.text("reason")?));
    let state = match row.text("state")?.as_str() {
        "open" => DriftState::Open,
        "accepted" => {
            let (by, reason) = decided()?;
            DriftState::Accepted { by, reason }
        }
        "dismissed" => {
            let (by, reason) = decided()?;
            DriftState::Dismissed { by, reason }
        }
        _ => return Err(row.corrupt("state")),
    };
    Ok(Item {
        id: row.parse("id")?,
        payer: row.text("payer_id")?,
        script: row.text("script")?,
        script_sha256: row.text("script_sha256")?,
        seen: open_json(seal, SEEN, &row.text("id")?, &row.text("seen")?)?,
        state,
        decided_at: row.opt_at("decided_at_ms")?,
        sightings: row.count("sightings")?,
        unreviewed: row.count("unreviewed")?,
        first_seen_at: row.at("first_seen_at_ms")?,
        last_seen_at: row.at("last_seen_at_ms")?,
        rev: row.int("rev")?,
    })
}

const INSERT: &str = "INSERT INTO drift (id, payer_id, script, script_sha256, element, kind, seen, state, sightings, unreviewed, \
     first_seen_at_ms, last_seen_at_ms) VALUES ($1, $2, $3, $4, $5, $6, $7, 'open', 1, 1, $8, $8) \
     ON CONFLICT (payer_id, script_sha256, element, kind) DO NOTHING";
const LOCK: &str = "UPDATE drift SET rev = rev WHERE id = $1 RETURNING *";
const LOCK_SAME: &str = "UPDATE drift SET rev = rev WHERE payer_id = $1 AND script_sha256 = $2 AND element = $3 AND kind = $4 \
     RETURNING *";
const SAVE: &str = "UPDATE drift SET rev = rev + 1, seen = $3, state = $4, decided_by = $5, decided_at_ms = $6, reason = $7, \
     sightings = $8, unreviewed = $9, last_seen_at_ms = $10 WHERE id = $1 AND rev = $2";
const SAW: &str = "INSERT INTO drift_attempts (drift_id, attempt_id, seen_at_ms) VALUES ($1, $2, $3) \
     ON CONFLICT (drift_id, attempt_id) DO NOTHING";
// The newest are enough for people.
const FORGET: &str = "DELETE FROM drift_attempts WHERE drift_id = $1 AND attempt_id NOT IN (SELECT attempt_id FROM drift_attempts \
     WHERE drift_id = $1 ORDER BY seen_at_ms DESC, attempt_id DESC LIMIT 50)";
const HEALED_SINCE: &str = "SELECT CAST(COUNT(*) AS BIGINT) AS items, CAST(COALESCE(MAX(unreviewed), 0) AS BIGINT) AS most \
     FROM drift WHERE script_sha256 = $1 AND kind = 'healed' AND state = 'open' AND last_seen_at_ms >= $2";
const FETCH_DIFFERS: &str = "SELECT id FROM drift WHERE script_sha256 = $1 AND kind = 'fetched_differs' \
     AND state IN ('open', 'accepted')";

/// Opens an item; false when there is one for the same.
///
/// # Errors
/// [`Error::Database`].
pub async fn insert(tx: &mut Tx, item: &Item) -> Result<bool, Error> {
    let seen = seal_json(&tx.seal, SEEN, &item.id.to_string(), &item.seen)?;
    let values = vals![
        item.id,
        &item.payer,
        &item.script,
        &item.script_sha256,
        &item.seen.element,
        item.seen.kind.word(),
        seen,
        item.first_seen_at
    ];
    Ok(tx.exec(INSERT, values).await? == 1)
}

/// Reads an item and keeps everyone else from changing it until the transaction ends.
///
/// # Errors
/// [`Error::NotFound`].
pub async fn lock(tx: &mut Tx, id: DriftId) -> Result<Item, Error> {
    let row = tx.opt("drift", LOCK, vals![id]).await?.ok_or(Error::NotFound("drift item"))?;
    read(&row, &tx.seal)
}

/// [`lock`] of the item for the same payer, bundle, element and kind, if there is one.
///
/// # Errors
/// [`Error::Database`].
pub async fn lock_same(
    tx: &mut Tx,
    payer: &str,
    script_sha256: &str,
    seen: &Drift,
) -> Result<Option<Item>, Error> {
    let values = vals![payer, script_sha256, &seen.element, seen.kind.word()];
    tx.opt("drift", LOCK_SAME, values).await?.map(|r| read(&r, &tx.seal)).transpose()
}

/// Writes what was seen and decided, if nobody changed it meanwhile.
///
/// # Errors
/// [`Error::Conflict`].
pub async fn save(tx: &mut Tx, item: &mut Item) -> Result<(), Error> {
    let (by, reason) = match &item.state {
        DriftState::Open => (None, None),
        DriftState::Accepted { by, reason } | DriftState::Dismissed { by, reason } => {
            (Some(*by), Some(reason.clone()))
        }
    };
    let seen = seal_json(&tx.seal, SEEN, &item.id.to_string(), &item.seen)?;
    let values = vals![
        item.id,
        item.rev,
        seen,
        item.state.word(),
        by,
        item.decided_at,
        reason,
        item.sightings,
        item.unreviewed,
        item.last_seen_at
    ];
    if tx.exec(SAVE, values).await? != 1 {
        return Err(Error::Conflict { now: item.state.word().to_owned() });
    }
    item.rev += 1;
    Ok(())
}

/// Notes that an attempt saw it; false when that is known.
///
/// # Errors
/// [`Error::Database`].
pub async fn saw(tx: &mut Tx, id: DriftId, attempt: AttemptId) -> Result<bool, Error> {
    let now = tx.now;
    let new = tx.exec(SAW, vals![id, attempt, now]).await? == 1;
    if new {
        tx.exec(FORGET, vals![id]).await?;
    }
    Ok(new)
}

/// Healings of a bundle that nobody has reviewed, seen since an instant: how many elements, and most attempts of one of them.
///
/// # Errors
/// [`Error::Database`].
pub async fn healed_since(
    tx: &mut Tx,
    script_sha256: &str,
    since: Timestamp,
) -> Result<(u32, u32), Error> {
    let row = tx.opt("drift", HEALED_SINCE, vals![script_sha256, since]).await?;
    row.map_or(Ok((0, 0)), |r| Ok((r.count("items")?, r.count("most")?)))
}

const STRANGERS_SINCE: &str = "SELECT COUNT(*) AS items FROM drift d WHERE d.script_sha256 = $1 AND d.kind = 'screen_unknown' \
     AND d.state = 'open' AND d.unreviewed >= $3 AND (SELECT COUNT(DISTINCT a.agent_id) FROM drift_attempts s \
     JOIN attempts a ON a.id = s.attempt_id WHERE s.drift_id = d.id AND s.seen_at_ms >= $2) >= $4";

/// Pages no script of this bundle knows, seen since an instant, that nobody has reviewed: those that enough attempts of enough
/// agents ended at.
///
/// # Errors
/// [`Error::Database`].
pub async fn strangers_since(
    tx: &mut Tx,
    script_sha256: &str,
    since: Timestamp,
) -> Result<u32, Error> {
    let values = vals![script_sha256, since, UNKNOWN_MAX, UNKNOWN_AGENTS];
    let row = tx.opt("drift", STRANGERS_SINCE, values).await?;
    row.map_or(Ok(0), |r| r.count("items"))
}

/// Whether answers of this bundle may be read without rendering.
///
/// # Errors
/// [`Error::Database`].
pub async fn fetch_allowed_in(tx: &mut Tx, script_sha256: &str) -> Result<bool, Error> {
    Ok(tx.opt("drift", FETCH_DIFFERS, vals![script_sha256]).await?.is_none())
}

const NEWEST: &str = "SELECT attempt_id AS id FROM drift_attempts WHERE drift_id = $1 ORDER BY seen_at_ms DESC, attempt_id DESC LIMIT 1";

/// The newest attempt that saw an item.
///
/// # Errors
/// [`Error::Database`].
pub async fn newest_attempt_in(tx: &mut Tx, id: DriftId) -> Result<Option<AttemptId>, Error> {
    tx.opt("drift_attempts", NEWEST, vals![id]).await?.map(|r| r.parse("id")).transpose()
}

// Reads for pages and API.

const GET: &str = "SELECT * FROM drift WHERE id = $1";
const LIST: &str = "SELECT * FROM drift WHERE ($1 = '' OR id < $1) AND ($2 = '' OR state = $2) AND ($3 = '' OR kind = $3) \
     AND ($4 = '' OR payer_id = $4) AND ($5 = '' OR script = $5) AND ($6 = '' OR script_sha256 = $6) ORDER BY id DESC LIMIT $7";
const ATTEMPTS: &str = "SELECT attempt_id AS id FROM drift_attempts WHERE drift_id = $1 ORDER BY attempt_id DESC LIMIT 20";

/// One item.
///
/// # Errors
/// [`Error::NotFound`].
pub async fn get(store: &Store, id: DriftId) -> Result<Item, Error> {
    let row = store.db.opt("drift", GET, vals![id]).await?;
    read(&row.ok_or(Error::NotFound("drift item"))?, &store.seal)
}

/// Which items; an empty text means any.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// State's word.
    pub state: String,
    /// Kind's word.
    pub kind: String,
    /// Payer id.
    pub payer: String,
    /// `crestline/submit`.
    pub script: String,
    /// Hash of the bundle.
    pub script_sha256: String,
}

/// Items, newest first; `after` is the id to continue below.
///
/// # Errors
/// [`Error::Database`].
pub async fn list(
    store: &Store,
    filter: &Filter,
    after: &str,
    limit: u32,
) -> Result<Page<Item>, Error> {
    let f = filter;
    let values = vals![
        after,
        &f.state,
        &f.kind,
        &f.payer,
        &f.script,
        &f.script_sha256,
        i64::from(limit) + 1
    ];
    let rows = store.db.all("drift", LIST, values).await?;
    let items = rows.iter().map(|r| read(r, &store.seal)).collect::<Result<_, _>>()?;
    Ok(Page::cut(items, limit, |item: &Item| item.id.to_string()))
}

/// Attempts that saw an item, newest first, at most 20.
///
/// # Errors
/// [`Error::Database`].
pub async fn attempts(store: &Store, id: DriftId) -> Result<Vec<AttemptId>, Error> {
    let rows = store.db.all("drift_attempts", ATTEMPTS, vals![id]).await?;
    rows.iter().map(|r| r.parse("id")).collect()
}
