//! Reads of jobs for duties, pages and API.

use domain::{
    channel::Channel,
    id::{CaseId, JobId},
    job::Task,
    time::Timestamp,
};

use super::{Job, OF_CASE};
use crate::{
    store::{Error, Page, Store, channels, db},
    vals,
};

const EXPIRED: &str = "SELECT id FROM jobs WHERE state = 'leased' AND lease_expires_at_ms <= $1 ORDER BY id LIMIT 500";
const RESTED: &str =
    "SELECT id FROM jobs WHERE state = 'resting' AND rests_until_ms <= $1 ORDER BY id LIMIT 500";
const UNLEASED: &str = "SELECT id FROM jobs WHERE state = 'ready' AND payer_id = $1 AND task = $2 \
     AND EXISTS (SELECT 1 FROM case_documents d WHERE d.case_id = jobs.case_id) = ($3 = 1) ORDER BY id LIMIT 500";
const DOUBTS: &str = "SELECT DISTINCT jobs.payer_id AS id, jobs.task AS task, a.channel AS channel FROM jobs \
     JOIN intents i ON i.id = jobs.intent_id JOIN attempts a ON a.id = i.attempt_id WHERE jobs.state = 'in_doubt'";
const DOUBTED: &str = "SELECT jobs.id AS id FROM jobs JOIN intents i ON i.id = jobs.intent_id JOIN attempts a ON a.id = i.attempt_id \
     WHERE jobs.state = 'in_doubt' AND jobs.payer_id = $1 AND jobs.task = $2 AND a.channel = $3 ORDER BY jobs.id LIMIT 500";
const GET: &str = "SELECT * FROM jobs WHERE id = $1";
const LIST: &str = "SELECT * FROM jobs WHERE ($1 = '' OR id < $1) AND ($2 = '' OR state = $2) AND ($3 = '' OR payer_id = $3) \
     AND ($4 = '' OR task = $4) AND ($5 = '' OR case_id = $5) AND ($6 = '' OR agent_id = $6) ORDER BY id DESC LIMIT $7";
const COUNTS: &str =
    "SELECT payer_id, state, CAST(COUNT(*) AS BIGINT) AS jobs FROM jobs GROUP BY payer_id, state";

async fn ids(
    store: &Store,
    sql: &'static str,
    values: Vec<db::Value>,
) -> Result<Vec<JobId>, Error> {
    let rows = store.db.all("jobs", sql, values).await?;
    rows.iter().map(|r| r.parse("id")).collect()
}

/// Jobs whose lease has ended by now.
///
/// # Errors
/// [`Error::Database`].
pub async fn expired(store: &Store, now: Timestamp) -> Result<Vec<JobId>, Error> {
    ids(store, EXPIRED, vals![now]).await
}

/// Jobs whose rest is over.
///
/// # Errors
/// [`Error::Database`].
pub async fn rested(store: &Store, now: Timestamp) -> Result<Vec<JobId>, Error> {
    ids(store, RESTED, vals![now]).await
}

/// Ready jobs of a payer and task, with documents or without.
///
/// # Errors
/// [`Error::Database`].
pub async fn unleased(
    store: &Store,
    payer: &str,
    task: Task,
    documents: bool,
) -> Result<Vec<JobId>, Error> {
    ids(store, UNLEASED, vals![payer, task.word(), documents]).await
}

/// Jobs in doubt, by where and on what they began.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Doubt {
    /// Payer id.
    pub payer: String,
    /// Task.
    pub task: Task,
    /// The channel of the attempt that opened the intent.
    pub began_on: Channel,
}

/// Every kind of doubt there is now.
///
/// # Errors
/// [`Error::Database`].
pub async fn doubts(store: &Store) -> Result<Vec<Doubt>, Error> {
    let rows = store.db.all("jobs", DOUBTS, vals![]).await?;
    rows.iter()
        .map(|r| {
            Ok(Doubt {
                payer: r.text("id")?,
                task: Task::from_word(&r.text("task")?).ok_or_else(|| r.corrupt("task"))?,
                began_on: channels::channel(r)?,
            })
        })
        .collect()
}

impl Doubt {
    /// The jobs of this kind.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub async fn jobs(&self, store: &Store) -> Result<Vec<JobId>, Error> {
        let values = vals![&self.payer, self.task.word(), self.began_on.word()];
        ids(store, DOUBTED, values).await
    }
}

/// One job.
///
/// # Errors
/// [`Error::NotFound`].
pub async fn get(store: &Store, id: JobId) -> Result<Job, Error> {
    let row = store.db.opt("jobs", GET, vals![id]).await?.ok_or(Error::NotFound("job"))?;
    Job::read(&row, &store.seal)
}

/// Every job of a case, oldest first.
///
/// # Errors
/// [`Error::Database`].
pub async fn of_case(store: &Store, case: CaseId) -> Result<Vec<Job>, Error> {
    let rows = store.db.all("jobs", OF_CASE, vals![case]).await?;
    rows.iter().map(|r| Job::read(r, &store.seal)).collect()
}

/// Which jobs; an empty text means any.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// State's word.
    pub state: String,
    /// Payer id.
    pub payer: String,
    /// Task's word.
    pub task: String,
    /// Case id.
    pub case: String,
    /// Agent that holds it.
    pub agent: String,
}

/// Jobs, newest first; `after` is the id to continue below.
///
/// # Errors
/// [`Error::Database`].
pub async fn list(
    store: &Store,
    filter: &Filter,
    after: &str,
    limit: u32,
) -> Result<Page<Job>, Error> {
    let f = filter;
    let values = vals![after, &f.state, &f.payer, &f.task, &f.case, &f.agent, i64::from(limit) + 1];
    let rows = store.db.all("jobs", LIST, values).await?;
    let items = rows.iter().map(|r| Job::read(r, &store.seal)).collect::<Result<_, _>>()?;
    Ok(Page::cut(items, limit, |j: &Job| j.id.to_string()))
}

/// Number of jobs per payer and state word.
///
/// # Errors
/// [`Error::Database`].
pub async fn counts(store: &Store) -> Result<Vec<(String, String, i64)>, Error> {
    let rows = store.db.all("jobs", COUNTS, vals![]).await?;
    rows.iter().map(|r| Ok((r.text("payer_id")?, r.text("state")?, r.int("jobs")?))).collect()
}

const OLDEST_READY: &str = "SELECT id, ready_at_ms FROM jobs WHERE state = 'ready' AND ready_at_ms <= $1 ORDER BY ready_at_ms, id LIMIT 1";

/// Since when the longest waiting job may be leased; none when nothing waits.
///
/// # Errors
/// [`Error::Database`].
pub async fn oldest_ready(store: &Store, now: Timestamp) -> Result<Option<Timestamp>, Error> {
    let row = store.db.opt("jobs", OLDEST_READY, vals![now]).await?;
    row.map(|r| r.at("ready_at_ms")).transpose()
}
