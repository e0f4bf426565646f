//! A row is a number the payer gave for a case, sealed, with a keyed index for exact search. The number that proves a submission
//! may prove only one: a partial unique index holds that.

use domain::{
    id::{CaseId, IntentId, JobId},
    outcome::{Reference, ReferenceKind},
    time::Timestamp,
};
use serde::Serialize;

use super::{Error, Store, Tx, db, open_text, seal_text};
use crate::{
    seal::{Index, Seal},
    vals,
};

/// A stored number.
#[derive(Debug, Clone, Serialize)]
pub struct Stored {
    /// The number as it was read.
    #[serde(flatten)]
    pub reference: Reference,
    /// The job that brought it.
    pub job: JobId,
    /// Whether it proves a submission.
    pub proves: Option<IntentId>,
    /// When it was stored.
    pub created_at: Timestamp,
}

fn read(row: &db::Row, seal: &Seal) -> Result<Stored, Error> {
    let text = open_text(seal, "payer_references", "value", &row.text("id")?, &row.text("value")?)?;
    Ok(Stored {
        reference: serde_json::from_str(&text).map_err(|_| row.corrupt("value"))?,
        job: row.parse("job_id")?,
        proves: row.opt_parse("intent_id")?,
        created_at: row.at("created_at_ms")?,
    })
}

const PROVES: &str = "SELECT id FROM payer_references WHERE payer_id = $1 AND kind = $2 AND value_index = $3 AND intent_id IS NOT NULL";
const INSERT: &str = "INSERT INTO payer_references (id, payer_id, case_id, job_id, kind, value_index, value, intent_id, created_at_ms) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) \
     ON CONFLICT (case_id, kind, value_index) DO UPDATE SET intent_id = COALESCE(payer_references.intent_id, excluded.intent_id) \
     RETURNING id";

/// Where a number belongs.
#[derive(Debug, Clone)]
pub struct Place<'a> {
    /// Payer id.
    pub payer: &'a str,
    /// Case.
    pub case: CaseId,
    /// Job that brought it.
    pub job: JobId,
}

/// Whether this number already proves a submission at this payer.
///
/// # Errors
/// [`Error::Database`].
pub async fn proves_already(
    tx: &mut Tx,
    payer: &str,
    kind: ReferenceKind,
    value: &str,
) -> Result<bool, Error> {
    let index = tx.seal.index_typed(Index::Reference, value);
    Ok(tx.opt("payer_references", PROVES, vals![payer, kind.word(), index]).await?.is_some())
}

/// Stores a number; the same one of the same case again is not an error. Its row's id.
///
/// # Errors
/// [`Error::Unique`] when it proves another submission.
pub async fn insert(
    tx: &mut Tx,
    place: &Place<'_>,
    reference: &Reference,
    proves: Option<IntentId>,
) -> Result<String, Error> {
    let now = tx.now;
    let id = format!("ref_{:032x}", rand::random::<u128>());
    let text = serde_json::to_string(reference).map_err(|e| Error::Database(e.to_string()))?;
    let sealed = seal_text(&tx.seal, "payer_references", "value", &id, &text);
    let index = tx.seal.index_typed(Index::Reference, &reference.value);
    let values = vals![
        &id,
        place.payer,
        place.case,
        place.job,
        reference.kind.word(),
        index,
        sealed,
        proves,
        now
    ];
    let row = tx.opt("payer_references", INSERT, values).await?;
    row.ok_or(Error::NotFound("reference"))?.text("id")
}

const OF_CASE: &str =
    "SELECT * FROM payer_references WHERE case_id = $1 ORDER BY created_at_ms, id";

/// Numbers of a case, oldest first, inside a transaction.
///
/// # Errors
/// [`Error::Database`].
pub async fn of_case_in(tx: &mut Tx, case: CaseId) -> Result<Vec<Stored>, Error> {
    let rows = tx.all("payer_references", OF_CASE, vals![case]).await?;
    rows.iter().map(|r| read(r, &tx.seal)).collect()
}

const PROVED: &str = "SELECT * FROM payer_references WHERE payer_id = $1 AND case_id <> $2 AND intent_id IS NOT NULL \
     ORDER BY created_at_ms DESC, id DESC LIMIT 1";

/// The newest number that proves another case's submission at this payer, with its case: a record the payer is known to have.
///
/// # Errors
/// [`Error::Corrupt`].
pub async fn newest_proved(
    tx: &mut Tx,
    payer: &str,
    not: CaseId,
) -> Result<Option<(CaseId, Stored)>, Error> {
    let row = tx.opt("payer_references", PROVED, vals![payer, not]).await?;
    row.map(|row| Ok((row.parse("case_id")?, read(&row, &tx.seal)?))).transpose()
}

// Reads for pages and API.

/// Numbers of a case, oldest first.
///
/// # Errors
/// [`Error::Database`].
pub async fn of_case(store: &Store, case: CaseId) -> Result<Vec<Stored>, Error> {
    let rows = store.db.all("payer_references", OF_CASE, vals![case]).await?;
    rows.iter().map(|r| read(r, &store.seal)).collect()
}
