//! A row is a case as the Work page lists it: by what comes next, with its newest job, answer and number. Reads only; the
//! lists are one expression, so counts and rows can never disagree.

use domain::{
    case::CaseStatus,
    id::CaseId,
    job::Task,
    outcome::{Answer, Reference},
    request::Request,
    time::Timestamp,
};

use super::{Error, Page, Store, db, open_text};
use crate::{seal::Index, vals};

/// What the newest job of a case waits for.
#[derive(Debug, Clone)]
pub struct Newest {
    /// Task.
    pub task: Task,
    /// State's word.
    pub state: String,
    /// When something happens by itself: planned start, end of a rest, next look.
    pub at: Option<Timestamp>,
}

/// A case in a list. The request is patient data: pages mask it.
#[derive(Debug, Clone)]
pub struct Listed {
    /// Case.
    pub case: CaseId,
    /// `prior_auth`, …
    pub kind: String,
    /// Payer id.
    pub payer: String,
    /// Status.
    pub status: CaseStatus,
    /// The list it is on: `needs_us`, `to_submit`, `at_payer`, `in_doubt`, `done`.
    pub list: String,
    /// Content.
    pub request: Request,
    /// The newest answer.
    pub answer: Option<Answer>,
    /// The number that says most: an authorization before a claim, a tracking number, …; the newest of its kind.
    pub reference: Option<Reference>,
    /// The newest job.
    pub newest: Option<Newest>,
    /// Last change.
    pub updated_at: Timestamp,
}

/// Which cases; an empty text means any.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// List.
    pub list: String,
    /// Payer id.
    pub payer: String,
    /// Kind.
    pub kind: String,
    /// A case id (or its last six characters), a payer's number or a member identifier; exact match.
    pub q: String,
}

/// The list a case is on.
// A doubt outweighs everything; then a person; then the end; then whether the payer has it.
macro_rules! list_of_case {
    () => {
        "CASE WHEN EXISTS (SELECT 1 FROM jobs d WHERE d.case_id = cases.id AND (d.state = 'in_doubt' \
             OR (d.state = 'waiting' AND d.intent_id IS NOT NULL) OR (d.state = 'leased' AND d.purpose = 'reconcile'))) THEN 'in_doubt' \
         WHEN cases.status = 'attention' THEN 'needs_us' \
         WHEN cases.status IN ('complete', 'failed', 'withdrawn') THEN 'done' \
         WHEN cases.kind = 'prior_auth' AND NOT EXISTS (SELECT 1 FROM jobs s WHERE s.case_id = cases.id AND s.task IN ('submit', 'renewal') \
             AND s.state = 'done') THEN 'to_submit' \
         ELSE 'at_payer' END"
    };
}

const LIST: &str = concat!(
    "SELECT * FROM (SELECT cases.id AS id, cases.kind AS kind, cases.payer_id AS payer_id, cases.status AS status, \
     cases.request AS request, cases.updated_at_ms AS updated_at_ms, cases.member_index AS member_index, \
     j.task AS task, j.state AS state, j.ready_at_ms AS ready_at_ms, j.rests_until_ms AS rests_until_ms, j.look_at_ms AS look_at_ms, \
     (SELECT a.answer FROM jobs a WHERE a.case_id = cases.id AND a.state = 'done' ORDER BY a.id DESC LIMIT 1) AS answer, \
     r.id AS reference_id, r.value AS reference, \
     ",
    list_of_case!(),
    " AS list \
     FROM cases \
     LEFT JOIN jobs j ON j.id = (SELECT MAX(n.id) FROM jobs n WHERE n.case_id = cases.id) \
     LEFT JOIN payer_references r ON r.id = (SELECT p.id FROM payer_references p WHERE p.case_id = cases.id \
         ORDER BY CASE p.kind WHEN 'authorization' THEN 0 WHEN 'claim' THEN 1 WHEN 'tracking' THEN 2 WHEN 'pend' THEN 3 \
             WHEN 'case' THEN 4 WHEN 'decision' THEN 5 ELSE 6 END, p.id DESC LIMIT 1)) AS listed \
     WHERE ($1 = '' OR id < $1) AND ($2 = '' OR list = $2) AND ($3 = '' OR payer_id = $3) AND ($4 = '' OR kind = $4) \
     AND ($5 = '' OR id = $5 OR ($6 <> '' AND id LIKE $6) OR member_index = $7 \
         OR EXISTS (SELECT 1 FROM payer_references f WHERE f.case_id = listed.id AND f.value_index = $8)) \
     ORDER BY id DESC LIMIT $9"
);
const COUNTS: &str = concat!(
    "SELECT list, CAST(COUNT(*) AS BIGINT) AS cases FROM (SELECT cases.id AS id, \
     ",
    list_of_case!(),
    " AS list \
     FROM cases WHERE ($1 = '' OR cases.payer_id = $1) AND ($2 = '' OR cases.kind = $2)) AS listed GROUP BY list ORDER BY list"
);

fn read(row: &db::Row, store: &Store) -> Result<Listed, Error> {
    let id = row.text("id")?;
    let request = open_text(&store.seal, "cases", "request", &id, &row.text("request")?)?;
    let reference = match (row.opt_text("reference_id")?, row.opt_text("reference")?) {
        (Some(reference_id), Some(sealed)) => {
            let text = open_text(&store.seal, "payer_references", "value", &reference_id, &sealed)?;
            Some(serde_json::from_str(&text).map_err(|_| row.corrupt("reference"))?)
        }
        _ => None,
    };
    Ok(Listed {
        case: row.parse("id")?,
        kind: row.text("kind")?,
        payer: row.text("payer_id")?,
        status: CaseStatus::from_word(&row.text("status")?).ok_or_else(|| row.corrupt("status"))?,
        list: row.text("list")?,
        request: serde_json::from_str(&request).map_err(|_| row.corrupt("request"))?,
        answer: row.opt_parse("answer")?,
        reference,
        newest: newest(row)?,
        updated_at: row.at("updated_at_ms")?,
    })
}

fn newest(row: &db::Row) -> Result<Option<Newest>, Error> {
    let Some(state) = row.opt_text("state")? else { return Ok(None) };
    let at = match state.as_str() {
        "ready" => row.opt_at("ready_at_ms")?,
        "resting" => row.opt_at("rests_until_ms")?,
        "in_doubt" => row.opt_at("look_at_ms")?,
        _ => None,
    };
    let task = Task::from_word(&row.text("task")?).ok_or_else(|| row.corrupt("task"))?;
    Ok(Some(Newest { task, state, at }))
}

/// The end of a case id as pages show it (`C-7K2QF9`), as a pattern; empty when the text is not one.
fn tail(q: &str) -> String {
    let q = q.trim().to_uppercase();
    let tail = q.strip_prefix("C-").unwrap_or(&q);
    if tail.len() == 6 && tail.bytes().all(|b| b.is_ascii_alphanumeric()) {
        format!("%{tail}")
    } else {
        String::new()
    }
}

/// Cases, newest first; `after` is the id to continue below.
///
/// # Errors
/// [`Error::Database`].
pub async fn list(
    store: &Store,
    filter: &Filter,
    after: &str,
    limit: u32,
) -> Result<Page<Listed>, Error> {
    let q = filter.q.trim();
    let values = vals![
        after,
        &filter.list,
        &filter.payer,
        &filter.kind,
        q,
        tail(q),
        store.seal.index_typed(Index::Member, q),
        store.seal.index_typed(Index::Reference, q),
        i64::from(limit) + 1
    ];
    let rows = store.db.all("cases", LIST, values).await?;
    let items = rows.iter().map(|r| read(r, store)).collect::<Result<_, _>>()?;
    Ok(Page::cut(items, limit, |l: &Listed| l.case.to_string()))
}

/// Number of cases per list, under the same filter of payer and kind.
///
/// # Errors
/// [`Error::Database`].
pub async fn counts(store: &Store, payer: &str, kind: &str) -> Result<Vec<(String, u64)>, Error> {
    let rows = store.db.all("cases", COUNTS, vals![payer, kind]).await?;
    rows.iter()
        .map(|r| Ok((r.text("list")?, u64::try_from(r.int("cases")?).unwrap_or(0))))
        .collect()
}

/// Ready jobs of one payer and task that may be leased now.
#[derive(Debug, Clone)]
pub struct Ready {
    /// Payer id.
    pub payer: String,
    /// Task.
    pub task: Task,
    /// How many.
    pub jobs: u64,
    /// Since when the oldest is ready.
    pub oldest: Timestamp,
}

const READY: &str = "SELECT payer_id, task, CAST(COUNT(*) AS BIGINT) AS jobs, MIN(ready_at_ms) AS oldest_ms FROM jobs \
     WHERE state = 'ready' AND ready_at_ms <= $1 GROUP BY payer_id, task ORDER BY payer_id, task";
const LOGINS: &str = "SELECT payer_id, CAST(COUNT(*) AS BIGINT) AS logins FROM logins WHERE at_ms > $1 GROUP BY payer_id ORDER BY payer_id";
const RECENT: &str = "SELECT script_sha256, state FROM attempts WHERE state IN ('succeeded', 'failed', 'lost') \
     ORDER BY id DESC LIMIT 500";

/// What is ready now, by payer and task.
///
/// # Errors
/// [`Error::Database`].
pub async fn ready(store: &Store, now: Timestamp) -> Result<Vec<Ready>, Error> {
    let rows = store.db.all("jobs", READY, vals![now]).await?;
    rows.iter()
        .map(|r| {
            Ok(Ready {
                payer: r.text("payer_id")?,
                task: Task::from_word(&r.text("task")?).ok_or_else(|| r.corrupt("task"))?,
                jobs: u64::try_from(r.int("jobs")?).unwrap_or(0),
                oldest: r.at("oldest_ms")?,
            })
        })
        .collect()
}

/// Logins per payer after that instant.
///
/// # Errors
/// [`Error::Database`].
pub async fn logins_since(store: &Store, after: Timestamp) -> Result<Vec<(String, u64)>, Error> {
    let rows = store.db.all("logins", LOGINS, vals![after]).await?;
    rows.iter()
        .map(|r| Ok((r.text("payer_id")?, u64::try_from(r.int("logins")?).unwrap_or(0))))
        .collect()
}

/// The newest ended attempts, newest first: script hash and whether it succeeded.
///
/// # Errors
/// [`Error::Database`].
pub async fn recent_ends(store: &Store) -> Result<Vec<(String, bool)>, Error> {
    let rows = store.db.all("attempts", RECENT, vals![]).await?;
    rows.iter().map(|r| Ok((r.text("script_sha256")?, r.text("state")? == "succeeded"))).collect()
}
