//! A row is an agent process: what it said of itself, and when it was last heard. Late and dead are judged from that age, not stored.

use std::collections::BTreeMap;

use domain::{channel::Channel, fleet::AgentInfo, id::AgentId, time::Timestamp};
use serde::Serialize;

use super::{Error, Store, Tx, db};
use crate::vals;

/// An agent.
#[derive(Debug, Clone, Serialize)]
pub struct Agent {
    /// Which.
    pub id: AgentId,
    /// What it said of itself.
    #[serde(flatten)]
    pub info: AgentInfo,
    /// `accepting`, `draining`, `gone`.
    pub state: String,
    /// Last heard.
    pub seen_at: Timestamp,
    /// When it began.
    pub hello_at: Timestamp,
    /// Resident memory of agent and browser, MiB.
    pub memory_mib: u32,
    /// Whether its browser answers.
    pub browser_ok: bool,
    /// Leases it holds now.
    pub busy: u32,
    /// Revision.
    pub rev: i64,
}

fn read(row: &db::Row) -> Result<Agent, Error> {
    Ok(Agent {
        id: row.parse("id")?,
        info: AgentInfo {
            name: row.text("name")?,
            pool: row.text("pool_id")?,
            slots: row.count("slots")?,
            version: row.text("version")?,
            browser: row.text("browser")?,
            channels: row.json("channels")?,
        },
        state: row.text("state")?,
        seen_at: row.at("seen_at_ms")?,
        hello_at: row.at("hello_at_ms")?,
        memory_mib: row.count("memory_mib")?,
        browser_ok: row.flag("browser_ok")?,
        busy: row.count("busy")?,
        rev: row.int("rev")?,
    })
}

const REPLACE: &str =
    "UPDATE agents SET state = 'gone', rev = rev + 1 WHERE name = $1 AND state <> 'gone'";
const INSERT: &str = "INSERT INTO agents (id, name, pool_id, slots, version, browser, state, seen_at_ms, hello_at_ms, channels) \
     VALUES ($1, $2, $3, $4, $5, $6, 'accepting', $7, $7, $8)";
const GET: &str = "SELECT agents.*, (SELECT CAST(COUNT(*) AS BIGINT) FROM jobs WHERE jobs.agent_id = agents.id AND jobs.state = 'leased') AS busy \
     FROM agents WHERE id = $1";
const LOCK: &str = "UPDATE agents SET rev = rev WHERE id = $1";
const SEEN: &str = "UPDATE agents SET seen_at_ms = $2, memory_mib = $3, browser_ok = $4 WHERE id = $1 AND state <> 'gone'";
const TOUCH: &str = "UPDATE agents SET seen_at_ms = $2 WHERE id = $1 AND state <> 'gone'";
const SET_STATE: &str =
    "UPDATE agents SET state = $2, rev = rev + 1 WHERE id = $1 AND state <> 'gone'";

/// Adds an agent; one of the same name is gone from now on.
///
/// # Errors
/// [`Error::Database`].
pub async fn insert(tx: &mut Tx, id: AgentId, info: &AgentInfo) -> Result<(), Error> {
    let now = tx.now;
    tx.exec(REPLACE, vals![&info.name]).await?;
    let channels = serde_json::to_string(&info.channels).unwrap_or_default();
    let values =
        vals![id, &info.name, &info.pool, info.slots, &info.version, &info.browser, now, channels];
    tx.exec(INSERT, values).await?;
    Ok(())
}

/// One agent, inside a transaction.
///
/// # Errors
/// [`Error::NotFound`].
pub async fn get_in(tx: &mut Tx, id: AgentId) -> Result<Agent, Error> {
    let row = tx.opt("agents", GET, vals![id]).await?.ok_or(Error::NotFound("agent"))?;
    read(&row)
}

/// Reads an agent and keeps everyone else from changing it until the transaction ends.
///
/// # Errors
/// [`Error::NotFound`].
pub async fn lock(tx: &mut Tx, id: AgentId) -> Result<Agent, Error> {
    tx.exec(LOCK, vals![id]).await?;
    get_in(tx, id).await
}

/// Notes a heartbeat; false when the agent is gone.
///
/// # Errors
/// [`Error::Database`].
pub async fn seen(
    tx: &mut Tx,
    id: AgentId,
    memory_mib: u32,
    browser_ok: bool,
) -> Result<bool, Error> {
    let now = tx.now;
    Ok(tx.exec(SEEN, vals![id, now, memory_mib, browser_ok]).await? == 1)
}

/// Notes any other sign of life.
///
/// # Errors
/// [`Error::Database`].
pub async fn touch(tx: &mut Tx, id: AgentId) -> Result<(), Error> {
    let now = tx.now;
    tx.exec(TOUCH, vals![id, now]).await?;
    Ok(())
}

/// Sets `accepting`, `draining` or `gone`.
///
/// # Errors
/// [`Error::Conflict`] when it is gone already.
pub async fn set_state(tx: &mut Tx, id: AgentId, state: &str) -> Result<(), Error> {
    if tx.exec(SET_STATE, vals![id, state]).await? == 1 {
        Ok(())
    } else {
        Err(Error::Conflict { now: "gone".to_owned() })
    }
}

const FORGET_KEPT: &str = "DELETE FROM kept_sessions WHERE agent_id = $1";
const KEEP: &str = "INSERT INTO kept_sessions (agent_id, payer_id, sessions) SELECT $1, id, $3 FROM payers WHERE id = $2 \
     ON CONFLICT (agent_id, payer_id) DO UPDATE SET sessions = kept_sessions.sessions + excluded.sessions";
const KEPT_ELSEWHERE: &str = "SELECT CAST(COALESCE(SUM(kept_sessions.sessions), 0) AS BIGINT) AS kept FROM kept_sessions \
     JOIN agents ON agents.id = kept_sessions.agent_id \
     WHERE kept_sessions.payer_id = $1 AND kept_sessions.agent_id <> $2 AND agents.state <> 'gone' AND agents.seen_at_ms > $3";

/// Notes the portal sessions an agent keeps in free slots; what was noted before is replaced.
///
/// # Errors
/// [`Error::Database`].
pub async fn set_kept(tx: &mut Tx, id: AgentId, kept: &BTreeMap<String, u32>) -> Result<(), Error> {
    tx.exec(FORGET_KEPT, vals![id]).await?;
    for (payer, sessions) in kept.iter().filter(|(_, sessions)| **sessions > 0) {
        tx.exec(KEEP, vals![id, payer, *sessions]).await?;
    }
    Ok(())
}

/// Notes one more kept portal session of an agent.
///
/// # Errors
/// [`Error::Database`].
pub async fn add_kept(tx: &mut Tx, id: AgentId, payer: &str) -> Result<(), Error> {
    tx.exec(KEEP, vals![id, payer, 1_u32]).await?;
    Ok(())
}

/// Portal sessions of a payer that other agents keep, if they were heard after `alive_after`.
///
/// # Errors
/// [`Error::Database`].
pub async fn kept_elsewhere(
    tx: &mut Tx,
    payer: &str,
    id: AgentId,
    alive_after: Timestamp,
) -> Result<u32, Error> {
    let row = tx.opt("kept_sessions", KEPT_ELSEWHERE, vals![payer, id, alive_after]).await?;
    row.map_or(Ok(0), |row| row.count("kept"))
}

const WORKED: &str =
    "SELECT DISTINCT channels, pool_id AS id FROM agents WHERE pool_id = $1 AND seen_at_ms > $2";

/// Channels that agents of a pool work which were heard after that instant, also those that are gone; every one when nobody was
/// heard, since that says nothing about channels.
///
/// # Errors
/// [`Error::Database`].
pub async fn worked_since(
    store: &Store,
    pool: &str,
    after: Timestamp,
) -> Result<Vec<Channel>, Error> {
    let rows = store.db.all("agents", WORKED, vals![pool, after]).await?;
    if rows.is_empty() {
        return Ok(Channel::ALL.to_vec());
    }
    let each = rows.iter().map(|row| row.json::<Vec<Channel>>("channels"));
    Ok(each.collect::<Result<Vec<_>, _>>()?.concat())
}

// Reads for pages and API.

const ALL: &str = "SELECT agents.*, (SELECT CAST(COUNT(*) AS BIGINT) FROM jobs WHERE jobs.agent_id = agents.id AND jobs.state = 'leased') AS busy \
     FROM agents WHERE ($1 = 1 OR state <> 'gone') ORDER BY name, id";

/// One agent.
///
/// # Errors
/// [`Error::NotFound`].
pub async fn get(store: &Store, id: AgentId) -> Result<Agent, Error> {
    let row = store.db.opt("agents", GET, vals![id]).await?.ok_or(Error::NotFound("agent"))?;
    read(&row)
}

/// Every agent that is not gone, by name, inside a transaction.
///
/// # Errors
/// [`Error::Database`].
pub async fn all_in(tx: &mut Tx) -> Result<Vec<Agent>, Error> {
    tx.all("agents", ALL, vals![false]).await?.iter().map(read).collect()
}

/// Every agent by name; those gone only when asked for.
///
/// # Errors
/// [`Error::Database`].
pub async fn all(store: &Store, with_gone: bool) -> Result<Vec<Agent>, Error> {
    store.db.all("agents", ALL, vals![with_gone]).await?.iter().map(read).collect()
}
