//! Jobs that a lease may take now. Whatever an agent or a channel cannot take is left out by the statement itself, never afterwards:
//! behind any number of jobs that must wait stands one that need not.
//!
//! The only statements with two texts: on Postgres several transactions look at the same queue at once and must step around each
//! other's rows; SQLite has one writer at a time, so there is nobody to step around. Candidates are locked here and written one by
//! one afterwards; a single `UPDATE … WHERE id IN (SELECT … LIMIT … FOR UPDATE SKIP LOCKED)` is not used because Postgres may run
//! its sub-select again and again and lease more than the limit.

use domain::{channel::Channel, job::Task};

use super::Job;
use crate::{
    store::{Error, Tx, db},
    vals,
};

/// Which jobs that are ready.
#[derive(Debug, Clone, Copy)]
pub struct Ready<'a> {
    /// Of these tasks.
    pub tasks: &'a [Task],
    /// With documents or without; none where it does not matter.
    pub documents: Option<bool>,
    /// Pinned to a script that is held, or to one that is not.
    pub held: bool,
}

/// Which jobs in doubt.
#[derive(Debug, Clone, Copy)]
pub struct Doubts<'a> {
    /// Of these tasks.
    pub tasks: &'a [Task],
    /// Begun on this channel. At the portal a held script looks at nothing.
    pub channel: Channel,
}

macro_rules! ready {
    () => {
        "SELECT * FROM jobs WHERE payer_id = $1 AND state = 'ready' AND ready_at_ms <= $2 \
         AND task IN ($3, $4, $5, $6, $7, $8, $9) \
         AND ($10 = -1 OR EXISTS (SELECT 1 FROM case_documents d WHERE d.case_id = jobs.case_id) = ($10 = 1)) \
         AND EXISTS (SELECT 1 FROM scripts s WHERE s.sha256 = jobs.script_sha256 AND s.state = 'held') = ($11 = 1) \
         ORDER BY ready_at_ms, id LIMIT $12"
    };
}
macro_rules! doubt {
    () => {
        "SELECT * FROM jobs WHERE payer_id = $1 AND state = 'in_doubt' AND look_at_ms <= $2 \
         AND task IN ($3, $4, $5, $6, $7, $8, $9) \
         AND EXISTS (SELECT 1 FROM intents i JOIN attempts a ON a.id = i.attempt_id WHERE i.id = jobs.intent_id AND a.channel = $10) \
         AND ($10 <> 'portal' OR NOT EXISTS (SELECT 1 FROM scripts s WHERE s.sha256 = jobs.script_sha256 AND s.state = 'held')) \
         ORDER BY look_at_ms, id LIMIT $11"
    };
}

const READY: &str = ready!();
const READY_POSTGRES: &str = concat!(ready!(), " FOR UPDATE SKIP LOCKED");
const DOUBT: &str = doubt!();
const DOUBT_POSTGRES: &str = concat!(doubt!(), " FOR UPDATE SKIP LOCKED");

/// One place for each task there is; the empty word, which no job has, in those that are not wanted.
fn words(tasks: &[Task]) -> [&'static str; Task::ALL.len()] {
    std::array::from_fn(|at| tasks.get(at).map_or("", |task| task.word()))
}

/// Jobs of a payer that may be leased now for work, oldest first.
///
/// # Errors
/// [`Error::Database`].
pub async fn candidates_ready(
    tx: &mut Tx,
    payer: &str,
    of: &Ready<'_>,
    limit: u32,
) -> Result<Vec<Job>, Error> {
    let now = tx.now;
    let sql = match tx.kind() {
        db::Kind::Sqlite => READY,
        db::Kind::Postgres => READY_POSTGRES,
    };
    let [a, b, c, d, e, f, g] = words(of.tasks);
    let documents = of.documents.map_or(-1, i64::from);
    let values = vals![payer, now, a, b, c, d, e, f, g, documents, of.held, limit];
    let rows = tx.all("jobs", sql, values).await?;
    rows.iter().map(|r| Job::read(r, &tx.seal)).collect()
}

/// Jobs of a payer whose doubt is due for a look, oldest first.
///
/// # Errors
/// [`Error::Database`].
pub async fn candidates_doubt(
    tx: &mut Tx,
    payer: &str,
    of: &Doubts<'_>,
    limit: u32,
) -> Result<Vec<Job>, Error> {
    let now = tx.now;
    let sql = match tx.kind() {
        db::Kind::Sqlite => DOUBT,
        db::Kind::Postgres => DOUBT_POSTGRES,
    };
    let [a, b, c, d, e, f, g] = words(of.tasks);
    let values = vals![payer, now, a, b, c, d, e, f, g, of.channel.word(), limit];
    let rows = tx.all("jobs", sql, values).await?;
    rows.iter().map(|r| Job::read(r, &tx.seal)).collect()
}
