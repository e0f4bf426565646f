//! A row is a report that came when its lease was over: sealed, one per attempt, shown to people, never a change of state.

use domain::{
    id::{AttemptId, CaseId, IntentId},
    time::Timestamp,
    wire::{End, Report},
};

use super::{Error, Store, Tx, db, open_json, seal_json};
use crate::{seal::Seal, vals};

const BODY: (&str, &str) = ("late_reports", "body");

/// A report that came too late.
#[derive(Debug, Clone)]
pub struct Late {
    /// Its attempt.
    pub attempt: AttemptId,
    /// The doubt that was open then.
    pub intent: Option<IntentId>,
    /// What the agent said of the attempt's end.
    pub end: End,
    /// When it came.
    pub received_at: Timestamp,
}

fn read(row: &db::Row, seal: &Seal) -> Result<Late, Error> {
    Ok(Late {
        attempt: row.parse("attempt_id")?,
        intent: row.opt_parse("intent_id")?,
        end: open_json(seal, BODY, &row.text("id")?, &row.text("body")?)?,
        received_at: row.at("received_at_ms")?,
    })
}

const INSERT: &str = "INSERT INTO late_reports (id, case_id, job_id, attempt_id, intent_id, agent_id, fence, body, received_at_ms) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (attempt_id) DO NOTHING";

/// Keeps a late report; false when one of the attempt is kept already.
///
/// # Errors
/// [`Error::Database`].
pub async fn insert(
    tx: &mut Tx,
    case: CaseId,
    report: &Report,
    intent: Option<IntentId>,
) -> Result<bool, Error> {
    let now = tx.now;
    let id = format!("late_{:032x}", rand::random::<u128>());
    let body = seal_json(&tx.seal, BODY, &id, &report.end)?;
    let f = &report.fenced;
    let values = vals![&id, case, f.job, report.attempt, intent, f.agent, f.fence, body, now];
    Ok(tx.exec(INSERT, values).await? == 1)
}

const OF_CASE: &str = "SELECT * FROM late_reports WHERE case_id = $1 ORDER BY id";
const OF_ATTEMPT: &str = "SELECT * FROM late_reports WHERE attempt_id = $1";

/// Late reports of a case.
///
/// # Errors
/// [`Error::Corrupt`].
pub async fn of_case(store: &Store, case: CaseId) -> Result<Vec<Late>, Error> {
    let rows = store.db.all("late_reports", OF_CASE, vals![case]).await?;
    rows.iter().map(|row| read(row, &store.seal)).collect()
}

/// The late report of an attempt.
///
/// # Errors
/// [`Error::Corrupt`].
pub async fn of_attempt(store: &Store, attempt: AttemptId) -> Result<Option<Late>, Error> {
    let row = store.db.opt("late_reports", OF_ATTEMPT, vals![attempt]).await?;
    row.map(|row| read(&row, &store.seal)).transpose()
}
