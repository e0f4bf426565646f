//! A row refers to an item of evidence: immutable, inserted once when its bytes are durable. The bytes are in `files`.

use domain::{
    evidence::{Evidence, EvidenceKind, Moment},
    id::{AttemptId, CaseId, EvidenceId, JobId},
};

use super::{Error, Page, Store, Tx, db};
use crate::vals;

fn read(row: &db::Row) -> Result<Evidence, Error> {
    let moment = match row.text("moment")?.as_str() {
        "before" => Moment::Before,
        "at_act" => Moment::AtAct,
        "after" => Moment::After,
        _ => return Err(row.corrupt("moment")),
    };
    Ok(Evidence {
        id: row.parse("id")?,
        attempt: row.parse("attempt_id")?,
        step: row.count("step_index")?,
        kind: EvidenceKind::from_word(&row.text("kind")?).ok_or_else(|| row.corrupt("kind"))?,
        moment,
        sha256: row.text("sha256")?,
        size_bytes: u64::try_from(row.int("size_bytes")?).map_err(|_| row.corrupt("size_bytes"))?,
        masked: row.flag("masked")?,
        received_at: row.at("received_at_ms")?,
    })
}

const INSERT: &str = "INSERT INTO evidence (id, attempt_id, step_index, kind, moment, sha256, size_bytes, masked, received_at_ms) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (id) DO NOTHING";
const GET: &str = "SELECT * FROM evidence WHERE id = $1";
const NEWEST_OF_JOB: &str = "SELECT evidence.* FROM evidence JOIN attempts ON attempts.id = evidence.attempt_id \
     WHERE attempts.job_id = $1 AND evidence.kind IN ('screenshot', 'full_page') ORDER BY evidence.received_at_ms DESC, evidence.id DESC LIMIT 1";

/// Inserts an item; false when that id is there already.
///
/// # Errors
/// [`Error::Database`].
pub async fn insert(tx: &mut Tx, e: &Evidence) -> Result<bool, Error> {
    let values = vals![
        e.id,
        e.attempt,
        e.step,
        e.kind.word(),
        e.moment.word(),
        &e.sha256,
        i64::try_from(e.size_bytes).unwrap_or(i64::MAX),
        e.masked,
        e.received_at
    ];
    Ok(tx.exec(INSERT, values).await? == 1)
}

/// One item, inside a transaction.
///
/// # Errors
/// [`Error::Database`].
pub async fn find_in(tx: &mut Tx, id: EvidenceId) -> Result<Option<Evidence>, Error> {
    tx.opt("evidence", GET, vals![id]).await?.map(|r| read(&r)).transpose()
}

/// The newest picture of any attempt of a job.
///
/// # Errors
/// [`Error::Database`].
pub async fn newest_picture(tx: &mut Tx, job: JobId) -> Result<Option<Evidence>, Error> {
    tx.opt("evidence", NEWEST_OF_JOB, vals![job]).await?.map(|r| read(&r)).transpose()
}

const CASE_OF: &str = "SELECT jobs.case_id AS id FROM attempts JOIN jobs ON jobs.id = attempts.job_id WHERE attempts.id = $1";

/// The case of an attempt's evidence.
///
/// # Errors
/// [`Error::NotFound`].
pub async fn case_of(tx: &mut Tx, attempt: AttemptId) -> Result<CaseId, Error> {
    let row = tx.opt("attempts", CASE_OF, vals![attempt]).await?;
    row.ok_or(Error::NotFound("attempt"))?.parse("id")
}

// Reads for pages and API.

const OF_ATTEMPT: &str =
    "SELECT * FROM evidence WHERE attempt_id = $1 ORDER BY step_index, received_at_ms, id";

/// One item.
///
/// # Errors
/// [`Error::NotFound`].
pub async fn get(store: &Store, id: EvidenceId) -> Result<Evidence, Error> {
    let row = store.db.opt("evidence", GET, vals![id]).await?.ok_or(Error::NotFound("evidence"))?;
    read(&row)
}

/// Items of an attempt, by step.
///
/// # Errors
/// [`Error::Database`].
pub async fn of_attempt(store: &Store, attempt: AttemptId) -> Result<Vec<Evidence>, Error> {
    let rows = store.db.all("evidence", OF_ATTEMPT, vals![attempt]).await?;
    rows.iter().map(read).collect()
}

const LIST: &str = "SELECT evidence.* FROM evidence JOIN attempts ON attempts.id = evidence.attempt_id \
     JOIN jobs ON jobs.id = attempts.job_id WHERE ($1 = '' OR evidence.id > $1) AND ($2 = '' OR evidence.attempt_id = $2) \
     AND ($3 = '' OR jobs.case_id = $3) ORDER BY evidence.id LIMIT $4";

/// Which items; an empty text means any.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Attempt id.
    pub attempt: String,
    /// Case id.
    pub case: String,
}

/// Items by id; `after` is the id to continue above.
///
/// # Errors
/// [`Error::Database`].
pub async fn list(
    store: &Store,
    filter: &Filter,
    after: &str,
    limit: u32,
) -> Result<Page<Evidence>, Error> {
    let values = vals![after, &filter.attempt, &filter.case, i64::from(limit) + 1];
    let rows = store.db.all("evidence", LIST, values).await?;
    let items = rows.iter().map(read).collect::<Result<_, _>>()?;
    Ok(Page::cut(items, limit, |e: &Evidence| e.id.to_string()))
}
