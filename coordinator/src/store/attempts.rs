//! A row is an attempt: one execution of a job under one lease. Made by the lease, ended once by a report or by the lease's end.

use std::collections::BTreeMap;

use domain::{
    attempt::AttemptState,
    channel::Channel,
    id::{AgentId, AttemptId, CredentialId, JobId, LeaseId},
    lease::Purpose,
    time::Timestamp,
};
use serde::Serialize;

use super::{Error, Page, Store, Tx, channels, db, jobs, open_json, seal_json};
use crate::{seal::Seal, vals};

const FAILURE: (&str, &str) = ("attempts", "failure");

/// An attempt.
#[derive(Debug, Clone, Serialize)]
pub struct Attempt {
    /// Which.
    pub id: AttemptId,
    /// Its job.
    pub job: JobId,
    /// From 1; one that was given back keeps its number, though it does not count.
    pub number: u32,
    /// Work or reconcile.
    pub purpose: Purpose,
    /// State, with what it owns.
    #[serde(flatten)]
    pub state: AttemptState,
    /// The lease it ran under.
    pub lease: LeaseId,
    /// That lease's fence.
    pub fence: i64,
    /// Who ran it.
    pub agent: AgentId,
    /// The account it used.
    pub credential: CredentialId,
    /// The script bundle it ran.
    pub script_sha256: String,
    /// Begin.
    pub started_at: Timestamp,
    /// End.
    pub ended_at: Option<Timestamp>,
    /// Logins made in it.
    pub logins: u32,
    /// Whether a portal session was reused.
    pub session_reused: bool,
    /// The channel it took.
    pub channel: Channel,
    /// Why this one.
    pub because: String,
}

fn read(row: &db::Row, seal: &Seal) -> Result<Attempt, Error> {
    let state = match row.text("state")?.as_str() {
        "running" => AttemptState::Running,
        "paused" => AttemptState::Paused { exception: row.parse("exception_id")? },
        "succeeded" => AttemptState::Succeeded,
        "failed" => {
            let sealed = row.text("failure")?;
            AttemptState::Failed { failure: open_json(seal, FAILURE, &row.text("id")?, &sealed)? }
        }
        "lost" => AttemptState::Lost,
        "released" => AttemptState::Released,
        _ => return Err(row.corrupt("state")),
    };
    Ok(Attempt {
        id: row.parse("id")?,
        job: row.parse("job_id")?,
        number: row.count("number")?,
        purpose: jobs::purpose(row)?,
        state,
        lease: row.parse("lease_id")?,
        fence: row.int("fence")?,
        agent: row.parse("agent_id")?,
        credential: row.parse("credential_id")?,
        script_sha256: row.text("script_sha256")?,
        started_at: row.at("started_at_ms")?,
        ended_at: row.opt_at("ended_at_ms")?,
        logins: row.count("logins")?,
        session_reused: row.flag("session_reused")?,
        channel: channels::channel(row)?,
        because: row.text("because")?,
    })
}

const INSERT: &str = "INSERT INTO attempts (id, job_id, number, purpose, state, lease_id, fence, agent_id, credential_id, \
     script_sha256, ask, started_at_ms, channel, because) \
     VALUES ($1, $2, $3, $4, 'running', $5, $6, $7, $8, $9, $10, $11, $12, $13)";
const GET: &str = "SELECT * FROM attempts WHERE id = $1";
const SAVE: &str = "UPDATE attempts SET state = $2, failure = $3, exception_id = $4, ended_at_ms = $5, logins = $6, \
     session_reused = $7 WHERE id = $1 AND state IN ('running', 'paused')";
const OF_ASK: &str = "SELECT * FROM attempts WHERE agent_id = $1 AND ask = $2 ORDER BY id";
const COUNT_RECONCILES: &str = "SELECT id FROM attempts WHERE job_id = $1 AND purpose = 'reconcile' AND state IN ('failed', 'lost')";

/// Begins an attempt; `ask` is the agent's random value, so that a repeated ask finds it again.
///
/// # Errors
/// [`Error::Database`].
pub async fn insert(tx: &mut Tx, attempt: &Attempt, ask: &str) -> Result<(), Error> {
    let a = attempt;
    tx.exec(
        INSERT,
        vals![
            a.id,
            a.job,
            a.number,
            a.purpose.word(),
            a.lease,
            a.fence,
            a.agent,
            a.credential,
            &a.script_sha256,
            ask,
            a.started_at,
            a.channel.word(),
            &a.because
        ],
    )
    .await?;
    Ok(())
}

/// Reads an attempt. Its job is locked already, which guards it too.
///
/// # Errors
/// [`Error::NotFound`].
pub async fn get_in(tx: &mut Tx, id: AttemptId) -> Result<Attempt, Error> {
    let row = tx.opt("attempts", GET, vals![id]).await?.ok_or(Error::NotFound("attempt"))?;
    read(&row, &tx.seal)
}

/// Writes the state of an attempt that has not ended.
///
/// # Errors
/// [`Error::Conflict`].
pub async fn save(tx: &mut Tx, attempt: &mut Attempt) -> Result<(), Error> {
    let now = tx.now;
    let (failure, exception) = match &attempt.state {
        AttemptState::Failed { failure } => {
            (Some(seal_json(&tx.seal, FAILURE, &attempt.id.to_string(), failure)?), None)
        }
        AttemptState::Paused { exception } => (None, Some(*exception)),
        AttemptState::Running
        | AttemptState::Succeeded
        | AttemptState::Lost
        | AttemptState::Released => (None, None),
    };
    attempt.ended_at = attempt.state.is_final().then_some(now);
    let touched = tx
        .exec(
            SAVE,
            vals![
                attempt.id,
                attempt.state.word(),
                failure,
                exception,
                attempt.ended_at,
                attempt.logins,
                attempt.session_reused
            ],
        )
        .await?;
    if touched == 1 { Ok(()) } else { Err(Error::Conflict { now: "ended".to_owned() }) }
}

/// Attempts begun by this ask of this agent.
///
/// # Errors
/// [`Error::Database`].
pub async fn of_ask(tx: &mut Tx, agent: AgentId, ask: &str) -> Result<Vec<Attempt>, Error> {
    let rows = tx.all("attempts", OF_ASK, vals![agent, ask]).await?;
    rows.iter().map(|row| read(row, &tx.seal)).collect()
}

/// How many looks of this job ended without a finding.
///
/// # Errors
/// [`Error::Database`].
pub async fn failed_looks(tx: &mut Tx, job: JobId) -> Result<usize, Error> {
    Ok(tx.all("attempts", COUNT_RECONCILES, vals![job]).await?.len())
}

const OF_LEASE: &str = "SELECT * FROM attempts WHERE lease_id = $1";

/// The attempt of a lease.
///
/// # Errors
/// [`Error::NotFound`].
pub async fn of_lease(tx: &mut Tx, lease: LeaseId) -> Result<Attempt, Error> {
    let row = tx.opt("attempts", OF_LEASE, vals![lease]).await?;
    let row = row.ok_or(Error::NotFound("lease"))?;
    read(&row, &tx.seal)
}

const STARTED: &str = "SELECT attempts.id AS id, attempts.started_at_ms AS at_ms FROM attempts JOIN jobs ON jobs.id = attempts.job_id \
     WHERE jobs.payer_id = $1 AND attempts.channel = 'portal' AND attempts.started_at_ms > $2 ORDER BY attempts.started_at_ms";
const LATELY: &str = "SELECT attempts.id AS id, attempts.ended_at_ms - attempts.started_at_ms AS took_ms FROM attempts \
     JOIN jobs ON jobs.id = attempts.job_id WHERE jobs.payer_id = $1 AND attempts.channel = $2 AND attempts.state = 'succeeded' \
     AND attempts.ended_at_ms > $3 ORDER BY attempts.ended_at_ms DESC LIMIT 5";

/// How long the last visits by a channel took that brought an answer after that instant, milliseconds, newest first; at most five.
///
/// # Errors
/// [`Error::Database`].
pub async fn lately(
    tx: &mut Tx,
    payer: &str,
    channel: Channel,
    after: Timestamp,
) -> Result<Vec<i64>, Error> {
    let rows = tx.all("attempts", LATELY, vals![payer, channel.word(), after]).await?;
    rows.iter().map(|r| r.int("took_ms")).collect()
}

/// When visits to a payer's portal were begun after that instant, oldest first.
///
/// # Errors
/// [`Error::Database`].
pub async fn started_since(
    tx: &mut Tx,
    payer: &str,
    after: Timestamp,
) -> Result<Vec<Timestamp>, Error> {
    let rows = tx.all("attempts", STARTED, vals![payer, after]).await?;
    rows.iter().map(|r| r.at("at_ms")).collect()
}

const BUSY: &str = "SELECT attempts.credential_id AS id, CAST(COUNT(*) AS BIGINT) AS visits FROM jobs \
     JOIN attempts ON attempts.id = jobs.attempt_id \
     WHERE jobs.payer_id = $1 AND jobs.state = 'leased' AND attempts.channel = 'portal' GROUP BY attempts.credential_id";

/// How many visits of a payer's portal are at work with each account.
///
/// # Errors
/// [`Error::Database`].
pub async fn busy(tx: &mut Tx, payer: &str) -> Result<BTreeMap<CredentialId, u32>, Error> {
    let rows = tx.all("attempts", BUSY, vals![payer]).await?;
    let visits = |r: &db::Row| Ok((r.parse("id")?, u32::try_from(r.int("visits")?).unwrap_or(0)));
    rows.iter().map(visits).collect()
}

// Reads for pages and API.

const OF_JOB: &str = "SELECT * FROM attempts WHERE job_id = $1 ORDER BY number";
const LIST: &str = "SELECT attempts.* FROM attempts JOIN jobs ON jobs.id = attempts.job_id WHERE ($1 = '' OR attempts.id < $1) \
     AND ($2 = '' OR attempts.job_id = $2) AND ($3 = '' OR attempts.agent_id = $3) AND ($4 = '' OR attempts.state = $4) \
     AND ($5 = '' OR jobs.case_id = $5) ORDER BY attempts.id DESC LIMIT $6";

/// One attempt.
///
/// # Errors
/// [`Error::NotFound`].
pub async fn get(store: &Store, id: AttemptId) -> Result<Attempt, Error> {
    let row = store.db.opt("attempts", GET, vals![id]).await?.ok_or(Error::NotFound("attempt"))?;
    read(&row, &store.seal)
}

/// Attempts of a job in order.
///
/// # Errors
/// [`Error::Database`].
pub async fn of_job(store: &Store, job: JobId) -> Result<Vec<Attempt>, Error> {
    let rows = store.db.all("attempts", OF_JOB, vals![job]).await?;
    rows.iter().map(|row| read(row, &store.seal)).collect()
}

/// Which attempts; an empty text means any.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Job id.
    pub job: String,
    /// Agent id.
    pub agent: String,
    /// State's word.
    pub state: String,
    /// Case id.
    pub case: String,
}

/// Attempts, newest first; `after` is the id to continue below.
///
/// # Errors
/// [`Error::Database`].
pub async fn list(
    store: &Store,
    filter: &Filter,
    after: &str,
    limit: u32,
) -> Result<Page<Attempt>, Error> {
    let f = filter;
    let values = vals![after, &f.job, &f.agent, &f.state, &f.case, i64::from(limit) + 1];
    let rows = store.db.all("attempts", LIST, values).await?;
    let items = rows.iter().map(|row| read(row, &store.seal)).collect::<Result<_, _>>()?;
    Ok(Page::cut(items, limit, |a: &Attempt| a.id.to_string()))
}
