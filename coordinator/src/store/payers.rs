//! A row is a payer: its profile as JSON, and what the fleet knows of it now: a person's pause, a rest after failures, and the
//! count of portal sessions at work, taken and given back by compare-and-set inside the lease's and the report's transactions.
//! Pools live here too.

use domain::{fleet::Payer, time::Timestamp};
use serde::Serialize;

use super::{Error, Store, Tx, db};
use crate::vals;

/// A payer with what is known of it now.
#[derive(Debug, Clone, Serialize)]
pub struct Known {
    /// What operators maintain.
    #[serde(flatten)]
    pub profile: Payer,
    /// Pool that serves it.
    pub pool: String,
    /// A person's reason for the pause.
    pub paused_reason: Option<String>,
    /// Rest after failures.
    pub rests_until: Option<Timestamp>,
    /// Failures of the portal in a row.
    pub downs: u32,
    /// Portal sessions at work.
    pub sessions: u32,
    /// Revision.
    pub rev: i64,
}

fn read(row: &db::Row) -> Result<Known, Error> {
    Ok(Known {
        profile: row.json("profile")?,
        pool: row.text("pool_id")?,
        paused_reason: row.opt_text("paused_reason")?,
        rests_until: row.opt_at("rests_until_ms")?,
        downs: row.count("downs")?,
        sessions: row.count("sessions")?,
        rev: row.int("rev")?,
    })
}

const GET: &str = "SELECT * FROM payers WHERE id = $1";
const ALL: &str = "SELECT * FROM payers ORDER BY id";
const LOCK: &str = "UPDATE payers SET rev = rev WHERE id = $1 RETURNING *";
const INSERT: &str = "INSERT INTO payers (id, pool_id, profile, sessions_max) VALUES ($1, $2, $3, $4) ON CONFLICT (id) DO NOTHING";
const SAVE: &str = "UPDATE payers SET rev = rev + 1, pool_id = $3, profile = $4, sessions_max = $5, paused_reason = $6, \
     rests_until_ms = $7, downs = $8 WHERE id = $1 AND rev = $2";
const TAKE: &str =
    "UPDATE payers SET sessions = sessions + $2 WHERE id = $1 AND sessions + $2 <= sessions_max";
const GIVE_BACK: &str = "UPDATE payers SET sessions = sessions - 1 WHERE id = $1 AND sessions > 0";

fn json(profile: &Payer) -> Result<String, Error> {
    serde_json::to_string(profile).map_err(|e| Error::Database(e.to_string()))
}

/// Adds a payer; false when it is there.
///
/// # Errors
/// [`Error::Database`].
pub async fn insert(tx: &mut Tx, profile: &Payer, pool: &str) -> Result<bool, Error> {
    let values = vals![&profile.id, pool, json(profile)?, profile.limits.sessions_max];
    Ok(tx.exec(INSERT, values).await? == 1)
}

/// Reads a payer and keeps everyone else from changing it until the transaction ends.
///
/// # Errors
/// [`Error::NotFound`].
pub async fn lock(tx: &mut Tx, id: &str) -> Result<Known, Error> {
    let row = tx.opt("payers", LOCK, vals![id]).await?.ok_or(Error::NotFound("payer"))?;
    read(&row)
}

/// One payer, inside a transaction.
///
/// # Errors
/// [`Error::Database`].
pub async fn find_in(tx: &mut Tx, id: &str) -> Result<Option<Known>, Error> {
    tx.opt("payers", GET, vals![id]).await?.map(|r| read(&r)).transpose()
}

/// Every payer, inside a transaction.
///
/// # Errors
/// [`Error::Database`].
pub async fn all_in(tx: &mut Tx) -> Result<Vec<Known>, Error> {
    tx.all("payers", ALL, vals![]).await?.iter().map(read).collect()
}

/// Writes what people and failures change, if nobody changed it meanwhile. The session count is not written here.
///
/// # Errors
/// [`Error::Conflict`].
pub async fn save(tx: &mut Tx, payer: &mut Known) -> Result<(), Error> {
    let p = &*payer;
    let values = vals![
        &p.profile.id,
        p.rev,
        &p.pool,
        json(&p.profile)?,
        p.profile.limits.sessions_max,
        p.paused_reason.clone(),
        p.rests_until,
        p.downs
    ];
    if tx.exec(SAVE, values).await? != 1 {
        return Err(Error::Conflict { now: format!("revision {}", payer.rev) });
    }
    payer.rev += 1;
    Ok(())
}

/// Takes portal sessions of the payer, all or none; false when more would be at work than allowed.
///
/// # Errors
/// [`Error::Database`].
pub async fn take_sessions(tx: &mut Tx, id: &str, count: u32) -> Result<bool, Error> {
    Ok(tx.exec(TAKE, vals![id, count]).await? == 1)
}

/// Gives one portal session back.
///
/// # Errors
/// [`Error::Conflict`] when none was taken: the count would be wrong.
pub async fn give_session_back(tx: &mut Tx, id: &str) -> Result<(), Error> {
    if tx.exec(GIVE_BACK, vals![id]).await? == 1 {
        Ok(())
    } else {
        Err(Error::Conflict { now: "no session taken".to_owned() })
    }
}

/// A pool.
#[derive(Debug, Clone, Serialize)]
pub struct Pool {
    /// Its name.
    pub id: String,
    /// A person's reason for the pause.
    pub paused_reason: Option<String>,
    /// Revision.
    pub rev: i64,
}

fn read_pool(row: &db::Row) -> Result<Pool, Error> {
    Ok(Pool {
        id: row.text("id")?,
        paused_reason: row.opt_text("paused_reason")?,
        rev: row.int("rev")?,
    })
}

const POOLS: &str = "SELECT * FROM pools ORDER BY id";
const LOCK_POOL: &str = "UPDATE pools SET rev = rev WHERE id = $1 RETURNING *";
const MAKE_POOL: &str = "INSERT INTO pools (id) VALUES ($1) ON CONFLICT (id) DO NOTHING";
const PAUSE_POOL: &str = "UPDATE pools SET paused_reason = $2, rev = rev + 1 WHERE id = $1";

/// Makes a pool when it is not there.
///
/// # Errors
/// [`Error::Database`].
pub async fn make_pool(tx: &mut Tx, id: &str) -> Result<(), Error> {
    tx.exec(MAKE_POOL, vals![id]).await?;
    Ok(())
}

/// Reads a pool and keeps everyone else from changing it until the transaction ends.
///
/// # Errors
/// [`Error::NotFound`].
pub async fn lock_pool(tx: &mut Tx, id: &str) -> Result<Pool, Error> {
    read_pool(&tx.opt("pools", LOCK_POOL, vals![id]).await?.ok_or(Error::NotFound("pool"))?)
}

/// Pauses a pool with a reason, or resumes it with none.
///
/// # Errors
/// [`Error::NotFound`].
pub async fn pause_pool(tx: &mut Tx, id: &str, reason: Option<String>) -> Result<(), Error> {
    if tx.exec(PAUSE_POOL, vals![id, reason]).await? == 1 {
        Ok(())
    } else {
        Err(Error::NotFound("pool"))
    }
}

/// Every pool, inside a transaction.
///
/// # Errors
/// [`Error::Database`].
pub async fn pools_in(tx: &mut Tx) -> Result<Vec<Pool>, Error> {
    tx.all("pools", POOLS, vals![]).await?.iter().map(read_pool).collect()
}

// Reads for pages and API.

/// One payer.
///
/// # Errors
/// [`Error::NotFound`].
pub async fn get(store: &Store, id: &str) -> Result<Known, Error> {
    let row = store.db.opt("payers", GET, vals![id]).await?.ok_or(Error::NotFound("payer"))?;
    read(&row)
}

/// Every payer by id.
///
/// # Errors
/// [`Error::Database`].
pub async fn all(store: &Store) -> Result<Vec<Known>, Error> {
    store.db.all("payers", ALL, vals![]).await?.iter().map(read).collect()
}

/// Every pool by name.
///
/// # Errors
/// [`Error::Database`].
pub async fn pools(store: &Store) -> Result<Vec<Pool>, Error> {
    store.db.all("pools", POOLS, vals![]).await?.iter().map(read_pool).collect()
}
