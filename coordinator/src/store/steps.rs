//! A row is a step of an attempt as executed. Inserted once when it begins; its end replaces `running` once; nothing else changes it.
//! Its body holds values read at the portal and log sentences, which may be patient data: it is sealed.

use domain::{id::AttemptId, step::Step};

use super::{Error, Store, Tx, open_json, seal_json};
use crate::vals;

const BODY: (&str, &str) = ("steps", "body");

const PUT: &str = "INSERT INTO steps (attempt_id, step_index, name, effect, state, body, received_at_ms) \
     VALUES ($1, $2, $3, $4, $5, $6, $7) \
     ON CONFLICT (attempt_id, step_index) DO UPDATE SET state = excluded.state, body = excluded.body, \
     received_at_ms = excluded.received_at_ms WHERE steps.state = 'running'";

/// The place a body is sealed for: it opens in no other row.
fn place(attempt: AttemptId, index: i64) -> String {
    format!("{attempt}.{index}")
}

/// Inserts a step, or ends one that is running. Repeating is not an error. Whether anything changed.
///
/// # Errors
/// [`Error::Database`].
pub async fn put(tx: &mut Tx, attempt: AttemptId, step: &Step) -> Result<bool, Error> {
    let now = tx.now;
    let mut step = step.clone();
    step.received_at = Some(now);
    let body = seal_json(&tx.seal, BODY, &place(attempt, i64::from(step.index)), &step)?;
    let values =
        vals![attempt, step.index, &step.name, step.effect.word(), step.state.word(), body, now];
    Ok(tx.exec(PUT, values).await? == 1)
}

// Reads for pages and API.

const OF_ATTEMPT: &str = "SELECT attempt_id AS id, step_index, body FROM steps WHERE attempt_id = $1 ORDER BY step_index";

/// Steps of an attempt in order.
///
/// # Errors
/// [`Error::Database`].
pub async fn of_attempt(store: &Store, attempt: AttemptId) -> Result<Vec<Step>, Error> {
    let rows = store.db.all("steps", OF_ATTEMPT, vals![attempt]).await?;
    let open = |row: &super::db::Row| {
        let place = place(attempt, row.int("step_index")?);
        open_json(&store.seal, BODY, &place, &row.text("body")?)
    };
    rows.iter().map(open).collect()
}
