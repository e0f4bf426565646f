//! A row is a job: one unit of work for a case. Written by `flow` only; people's and duties' writes carry `rev`, agents' writes
//! the fence. The columns of a state are null outside it, which CHECKs repeat.

mod candidates;
mod read;

pub use candidates::{Doubts, Ready, candidates_doubt, candidates_ready};
pub use read::{
    Doubt, Filter, counts, doubts, expired, get, list, of_case, oldest_ready, rested, unleased,
};

use domain::{
    id::{AgentId, AttemptId, CaseId, IntentId, JobId},
    job::{JobState, Task},
    lease::{Lease, Purpose},
    outcome::{Failure, Outcome},
    time::Timestamp,
};
use serde::Serialize;

use super::{Error, Tx, db, open_json, seal_json};
use crate::{seal::Seal, vals};

const OUTCOME: (&str, &str) = ("jobs", "outcome");
const FAILURE: (&str, &str) = ("jobs", "failure");

/// A job as stored.
#[derive(Debug, Clone, Serialize)]
pub struct Job {
    /// Which.
    pub id: JobId,
    /// Its case.
    pub case: CaseId,
    /// Payer id.
    pub payer: String,
    /// Task.
    pub task: Task,
    /// The script bundle it is pinned to.
    pub script_sha256: String,
    /// State, with what it owns. Patient data when `done`.
    #[serde(flatten)]
    pub state: JobState,
    /// Since when, or from when, it may be leased.
    pub ready_at: Timestamp,
    /// Newest fence.
    pub fence: i64,
    /// Attempts so far, all purposes.
    pub attempts: u32,
    /// Work attempts since intake or since a person's retry.
    pub tries: u32,
    /// Tries before a person is asked.
    pub attempts_max: u32,
    /// Who made it.
    pub created_by: String,
    /// When.
    pub created_at: Timestamp,
    /// Last change.
    pub updated_at: Timestamp,
    /// When it came to its end.
    pub ended_at: Option<Timestamp>,
    /// Revision, for compare-and-set.
    pub rev: i64,
}

impl Job {
    pub(crate) fn read(row: &db::Row, seal: &Seal) -> Result<Self, Error> {
        let id: JobId = row.parse("id")?;
        Ok(Self {
            id,
            case: row.parse("case_id")?,
            payer: row.text("payer_id")?,
            task: Task::from_word(&row.text("task")?).ok_or_else(|| row.corrupt("task"))?,
            script_sha256: row.text("script_sha256")?,
            state: state(row, seal)?,
            ready_at: row.at("ready_at_ms")?,
            fence: row.int("fence")?,
            attempts: row.count("attempts")?,
            tries: row.count("tries")?,
            attempts_max: row.count("attempts_max")?,
            created_by: row.text("created_by")?,
            created_at: row.at("created_at_ms")?,
            updated_at: row.at("updated_at_ms")?,
            ended_at: row.opt_at("ended_at_ms")?,
            rev: row.int("rev")?,
        })
    }
}

pub(super) fn purpose(row: &db::Row) -> Result<Purpose, Error> {
    match row.text("purpose")?.as_str() {
        "work" => Ok(Purpose::Work),
        "reconcile" => Ok(Purpose::Reconcile),
        _ => Err(row.corrupt("purpose")),
    }
}

fn state(row: &db::Row, seal: &Seal) -> Result<JobState, Error> {
    let word = row.text("state")?;
    Ok(match word.as_str() {
        "ready" => JobState::Ready,
        "leased" => JobState::Leased {
            lease: Lease {
                id: row.parse("lease_id")?,
                fence: row.int("fence")?,
                agent: row.parse("agent_id")?,
                expires_at: row.at("lease_expires_at_ms")?,
                purpose: purpose(row)?,
            },
            attempt: row.parse("attempt_id")?,
            intent: row.opt_parse("intent_id")?,
        },
        "resting" => {
            JobState::Resting { until: row.at("rests_until_ms")?, after: failure(row, seal)? }
        }
        "waiting" => JobState::Waiting {
            exception: row.parse("exception_id")?,
            intent: row.opt_parse("intent_id")?,
        },
        "in_doubt" => JobState::InDoubt {
            intent: row.parse("intent_id")?,
            look_at: row.at("look_at_ms")?,
            looks: row.count("looks")?,
        },
        "done" => {
            let outcome: Outcome =
                open_json(seal, OUTCOME, &row.text("id")?, &row.text("outcome")?)?;
            JobState::Done { outcome }
        }
        "failed" => JobState::Failed { failure: failure(row, seal)? },
        "cancelled" => JobState::Cancelled { reason: row.text("cancel_reason")? },
        _ => return Err(row.corrupt("state")),
    })
}

fn failure(row: &db::Row, seal: &Seal) -> Result<Failure, Error> {
    open_json(seal, FAILURE, &row.text("id")?, &row.text("failure")?)
}

/// What a new job is made of.
#[derive(Debug, Clone)]
pub struct NewJob {
    /// Id.
    pub id: JobId,
    /// Case.
    pub case: CaseId,
    /// Payer.
    pub payer: String,
    /// Task.
    pub task: Task,
    /// Pinned script.
    pub script_sha256: String,
    /// Attempts before a person is asked.
    pub attempts_max: u32,
    /// Who makes it.
    pub created_by: String,
}

const INSERT: &str = "INSERT INTO jobs (id, case_id, payer_id, task, script_sha256, state, ready_at_ms, attempts_max, created_by, \
     created_at_ms, updated_at_ms) VALUES ($1, $2, $3, $4, $5, 'ready', $6, $7, $8, $6, $6)";
// The write that changes nothing takes the row's lock on Postgres, with one text for both databases.
const LOCK: &str = "UPDATE jobs SET rev = rev WHERE id = $1 RETURNING *";
const SAVE: &str = "UPDATE jobs SET rev = rev + 1, script_sha256 = $3, state = $4, ready_at_ms = $5, fence = $6, attempts = $7, \
     tries = $8, lease_id = $9, agent_id = $10, lease_expires_at_ms = $11, purpose = $12, attempt_id = $13, intent_id = $14, \
     rests_until_ms = $15, failure = $16, exception_id = $17, look_at_ms = $18, looks = $19, outcome = $20, answer = $21, \
     cancel_reason = $22, updated_at_ms = $23, ended_at_ms = $24 WHERE id = $1 AND rev = $2";
// Never shortens: a permit may have made the lease longer than a heartbeat does.
const EXTEND: &str = "UPDATE jobs SET lease_expires_at_ms = CASE WHEN lease_expires_at_ms > $5 THEN lease_expires_at_ms ELSE $5 END \
     WHERE id = $1 AND lease_id = $2 AND fence = $3 AND agent_id = $4 AND state = 'leased' AND lease_expires_at_ms > $6 \
     RETURNING id, payer_id, task, script_sha256, attempt_id";
const OF_CASE: &str = "SELECT * FROM jobs WHERE case_id = $1 ORDER BY id";

/// Makes a job, ready at once.
///
/// # Errors
/// [`Error::Database`].
pub async fn insert(tx: &mut Tx, job: &NewJob) -> Result<(), Error> {
    let now = tx.now;
    tx.exec(
        INSERT,
        vals![
            job.id,
            job.case,
            &job.payer,
            job.task.word(),
            &job.script_sha256,
            now,
            job.attempts_max,
            &job.created_by
        ],
    )
    .await?;
    Ok(())
}

/// Reads a job and keeps everyone else from changing it until the transaction ends.
///
/// # Errors
/// [`Error::NotFound`].
pub async fn lock(tx: &mut Tx, id: JobId) -> Result<Job, Error> {
    let row = tx.opt("jobs", LOCK, vals![id]).await?.ok_or(Error::NotFound("job"))?;
    Job::read(&row, &tx.seal)
}

/// The columns that only some states own.
#[derive(Default)]
struct Owned {
    lease: Option<(Lease, AttemptId)>,
    intent: Option<IntentId>,
    rests_until: Option<Timestamp>,
    failure: Option<String>,
    exception: Option<String>,
    look_at: Option<Timestamp>,
    looks: Option<u32>,
    outcome: Option<String>,
    answer: Option<String>,
    reason: Option<String>,
}

impl Owned {
    fn of(job: &Job, seal: &Seal) -> Result<Self, Error> {
        let id = job.id.to_string();
        let mut owned = Self { intent: job.state.intent(), ..Self::default() };
        match &job.state {
            JobState::Ready => {}
            JobState::Leased { lease, attempt, .. } => {
                owned.lease = Some((lease.clone(), *attempt))
            }
            JobState::Resting { until, after } => {
                owned.rests_until = Some(*until);
                owned.failure = Some(seal_json(seal, FAILURE, &id, after)?);
            }
            JobState::Waiting { exception, .. } => owned.exception = Some(exception.to_string()),
            JobState::InDoubt { look_at, looks, .. } => {
                owned.look_at = Some(*look_at);
                owned.looks = Some(*looks);
            }
            JobState::Done { outcome } => {
                owned.outcome = Some(seal_json(seal, OUTCOME, &id, outcome)?);
                owned.answer = Some(outcome.answer.word().to_owned());
            }
            JobState::Failed { failure } => {
                owned.failure = Some(seal_json(seal, FAILURE, &id, failure)?);
            }
            JobState::Cancelled { reason } => owned.reason = Some(reason.clone()),
        }
        Ok(owned)
    }
}

/// Writes a job's state and counters, if nobody changed it meanwhile.
///
/// # Errors
/// [`Error::Conflict`].
pub async fn save(tx: &mut Tx, job: &mut Job) -> Result<(), Error> {
    let now = tx.now;
    let o = Owned::of(job, &tx.seal)?;
    job.updated_at = now;
    job.ended_at = job.state.is_final().then(|| job.ended_at.unwrap_or(now));
    let (lease, attempt) = o.lease.unzip();
    let touched = tx
        .exec(
            SAVE,
            vals![
                job.id,
                job.rev,
                &job.script_sha256,
                job.state.word(),
                job.ready_at,
                job.fence,
                job.attempts,
                job.tries,
                lease.as_ref().map(|l| l.id),
                lease.as_ref().map(|l| l.agent),
                lease.as_ref().map(|l| l.expires_at),
                lease.as_ref().map(|l| l.purpose.word()),
                attempt,
                o.intent,
                o.rests_until,
                o.failure,
                o.exception,
                o.look_at,
                o.looks,
                o.outcome,
                o.answer,
                o.reason,
                now,
                job.ended_at
            ],
        )
        .await?;
    if touched != 1 {
        return Err(Error::Conflict { now: job.state.word().to_owned() });
    }
    job.rev += 1;
    Ok(())
}

/// A job whose lease was extended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Extended {
    /// Its payer.
    pub payer: String,
    /// Its task.
    pub task: Task,
    /// Its pinned script.
    pub script_sha256: String,
    /// The attempt under the lease.
    pub attempt: AttemptId,
}

/// Moves a live lease's end. None when it is not live or not this agent's.
///
/// # Errors
/// [`Error::Database`].
pub async fn extend(
    tx: &mut Tx,
    fenced: &domain::wire::Fenced,
    until: Timestamp,
) -> Result<Option<Extended>, Error> {
    let now = tx.now;
    let values = vals![fenced.job, fenced.lease, fenced.fence, fenced.agent, until, now];
    let row = tx.opt("jobs", EXTEND, values).await?;
    let Some(row) = row else { return Ok(None) };
    Ok(Some(Extended {
        payer: row.text("payer_id")?,
        task: Task::from_word(&row.text("task")?).ok_or_else(|| row.corrupt("task"))?,
        script_sha256: row.text("script_sha256")?,
        attempt: row.parse("attempt_id")?,
    }))
}

/// Every job of a case, oldest first.
///
/// # Errors
/// [`Error::Database`].
pub async fn of_case_in(tx: &mut Tx, case: CaseId) -> Result<Vec<Job>, Error> {
    let rows = tx.all("jobs", OF_CASE, vals![case]).await?;
    rows.iter().map(|r| Job::read(r, &tx.seal)).collect()
}

const HELD_BY: &str = "SELECT * FROM jobs WHERE state = 'leased' AND agent_id = $1 ORDER BY id";

/// Jobs leased by an agent now.
///
/// # Errors
/// [`Error::Database`].
pub async fn held_by(tx: &mut Tx, agent: AgentId) -> Result<Vec<Job>, Error> {
    let rows = tx.all("jobs", HELD_BY, vals![agent]).await?;
    rows.iter().map(|r| Job::read(r, &tx.seal)).collect()
}
