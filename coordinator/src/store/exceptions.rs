//! A row is an exception: something a person must answer. At most one unanswered per job.

use domain::{
    exception::{ExceptionKind, ExceptionState, Resolution},
    id::{AttemptId, CaseId, ExceptionId, IntentId, JobId, UserId},
    outcome::Failure,
    time::Timestamp,
};
use serde::Serialize;

use super::{Error, Page, Store, Tx, db, open_json, open_text, seal_json, seal_text};
use crate::{seal::Seal, vals};

const FAILURE: (&str, &str) = ("exceptions", "failure");

/// An exception.
#[derive(Debug, Clone, Serialize)]
pub struct Exception {
    /// Which.
    pub id: ExceptionId,
    /// Case.
    pub case: CaseId,
    /// Job that waits.
    pub job: JobId,
    /// Attempt that ended with it.
    pub attempt: Option<AttemptId>,
    /// Payer id.
    pub payer: String,
    /// The intent in doubt.
    pub intent: Option<IntentId>,
    /// Kind.
    pub kind: ExceptionKind,
    /// The list it stands on.
    pub queue: String,
    /// Whom it is for, when only that one has the answer; others may answer still.
    pub owner: Option<UserId>,
    /// What led to it.
    pub failure: Failure,
    /// State, with what it owns.
    #[serde(flatten)]
    pub state: ExceptionState,
    /// An attempt waits for the answer.
    pub live: Option<Live>,
    /// When it was opened.
    pub opened_at: Timestamp,
    /// When it was answered or withdrawn.
    pub closed_at: Option<Timestamp>,
    /// Revision: sent back with an answer.
    pub rev: i64,
}

/// What an attempt waits for: a code that only a person has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Live {
    /// The secret it asked for.
    pub alias: String,
    /// Until when the code is of use.
    pub until: Timestamp,
}

fn read_live(row: &db::Row) -> Result<Option<Live>, Error> {
    let (alias, until) = (row.opt_text("code_alias")?, row.opt_at("answer_by_ms")?);
    Ok(alias.zip(until).map(|(alias, until)| Live { alias, until }))
}

fn read(row: &db::Row, seal: &Seal) -> Result<Exception, Error> {
    let resolution = || -> Result<Resolution, Error> {
        let sealed = row.text("resolution")?;
        let text = open_text(seal, "exceptions", "resolution", &row.text("id")?, &sealed)?;
        serde_json::from_str(&text).map_err(|_| row.corrupt("resolution"))
    };
    let state = match row.text("state")?.as_str() {
        "open" => ExceptionState::Open,
        "claimed" => ExceptionState::Claimed {
            by: row.parse("claimed_by")?,
            until: row.at("claimed_until_ms")?,
        },
        "seconding" => {
            ExceptionState::Seconding { first: row.parse("first_by")?, resolution: resolution()? }
        }
        "resolved" => {
            ExceptionState::Resolved { by: row.parse("resolved_by")?, resolution: resolution()? }
        }
        "withdrawn" => ExceptionState::Withdrawn,
        _ => return Err(row.corrupt("state")),
    };
    Ok(Exception {
        id: row.parse("id")?,
        case: row.parse("case_id")?,
        job: row.parse("job_id")?,
        attempt: row.opt_parse("attempt_id")?,
        payer: row.text("payer_id")?,
        intent: row.opt_parse("intent_id")?,
        kind: ExceptionKind::from_word(&row.text("kind")?).ok_or_else(|| row.corrupt("kind"))?,
        queue: row.text("queue")?,
        owner: row.opt_parse("owner_id")?,
        failure: open_json(seal, FAILURE, &row.text("id")?, &row.text("failure")?)?,
        state,
        live: read_live(row)?,
        opened_at: row.at("opened_at_ms")?,
        closed_at: row.opt_at("closed_at_ms")?,
        rev: row.int("rev")?,
    })
}

const INSERT: &str = "INSERT INTO exceptions (id, case_id, job_id, attempt_id, payer_id, intent_id, kind, failure, state, opened_at_ms, \
     code_alias, answer_by_ms, queue, owner_id) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 'open', $9, $10, $11, $12, $13)";
const LOCK: &str = "UPDATE exceptions SET rev = rev WHERE id = $1 RETURNING *";
const SAVE: &str = "UPDATE exceptions SET rev = rev + 1, state = $3, claimed_by = $4, claimed_until_ms = $5, \
     first_by = COALESCE($6, first_by), resolved_by = $7, resolution = $8, closed_at_ms = $9 WHERE id = $1 AND rev = $2";
// A released second question forgets the first person.
const FORGET_FIRST: &str =
    "UPDATE exceptions SET first_by = NULL WHERE id = $1 AND state IN ('open', 'claimed')";

/// Opens an exception.
///
/// # Errors
/// [`Error::Unique`] when the job has an unanswered one.
pub async fn insert(tx: &mut Tx, e: &Exception) -> Result<(), Error> {
    let failure = seal_json(&tx.seal, FAILURE, &e.id.to_string(), &e.failure)?;
    let values = vals![
        e.id,
        e.case,
        e.job,
        e.attempt,
        &e.payer,
        e.intent,
        e.kind.word(),
        failure,
        e.opened_at,
        e.live.as_ref().map(|live| live.alias.clone()),
        e.live.as_ref().map(|live| live.until),
        &e.queue,
        e.owner
    ];
    tx.exec(INSERT, values).await?;
    Ok(())
}

const KEEP_CODE: &str = "UPDATE exceptions SET code = $2 WHERE id = $1";
const TAKE_CODE: &str = "SELECT id, code FROM exceptions WHERE id = $1";

/// Keeps the code a person has given until the attempt has it.
///
/// # Errors
/// [`Error::Database`].
pub async fn keep_code(tx: &mut Tx, id: ExceptionId, code: &str) -> Result<(), Error> {
    let sealed = seal_text(&tx.seal, "exceptions", "code", &id.to_string(), code);
    tx.exec(KEEP_CODE, vals![id, sealed]).await?;
    Ok(())
}

/// Takes the code out, if there is one: nobody else gets it.
///
/// # Errors
/// [`Error::Database`].
pub async fn take_code(
    tx: &mut Tx,
    id: ExceptionId,
) -> Result<Option<zeroize::Zeroizing<String>>, Error> {
    let row = tx.opt("exceptions", TAKE_CODE, vals![id]).await?;
    let Some(sealed) = row.map(|row| row.opt_text("code")).transpose()?.flatten() else {
        return Ok(None);
    };
    tx.exec(KEEP_CODE, vals![id, None::<String>]).await?;
    let code = open_text(&tx.seal, "exceptions", "code", &id.to_string(), &sealed)?;
    Ok(Some(zeroize::Zeroizing::new(code)))
}

/// Reads an exception and keeps everyone else from changing it until the transaction ends.
///
/// # Errors
/// [`Error::NotFound`].
pub async fn lock(tx: &mut Tx, id: ExceptionId) -> Result<Exception, Error> {
    let row = tx.opt("exceptions", LOCK, vals![id]).await?.ok_or(Error::NotFound("exception"))?;
    read(&row, &tx.seal)
}

/// One exception, inside a transaction, without keeping others from it.
///
/// # Errors
/// [`Error::NotFound`].
pub async fn find_in(tx: &mut Tx, id: ExceptionId) -> Result<Exception, Error> {
    let row = tx.opt("exceptions", GET, vals![id]).await?.ok_or(Error::NotFound("exception"))?;
    read(&row, &tx.seal)
}

/// Writes the state, if nobody changed it meanwhile.
///
/// # Errors
/// [`Error::Conflict`].
pub async fn save(tx: &mut Tx, e: &mut Exception) -> Result<(), Error> {
    let now = tx.now;
    let (mut claimed_by, mut until, mut first, mut by, mut resolution) =
        (None, None, None, None, None);
    match &e.state {
        ExceptionState::Open | ExceptionState::Withdrawn => {}
        ExceptionState::Claimed { by: holder, until: end } => {
            claimed_by = Some(*holder);
            until = Some(*end);
        }
        ExceptionState::Seconding { first: person, resolution: answer } => {
            first = Some(*person);
            resolution = Some(answer);
        }
        ExceptionState::Resolved { by: person, resolution: answer } => {
            by = Some(*person);
            resolution = Some(answer);
        }
    }
    let closed = matches!(e.state, ExceptionState::Resolved { .. } | ExceptionState::Withdrawn);
    e.closed_at = closed.then_some(now);
    let sealed = resolution.map(|answer| {
        let text = serde_json::to_string(answer).unwrap_or_default();
        seal_text(&tx.seal, "exceptions", "resolution", &e.id.to_string(), &text)
    });
    let values =
        vals![e.id, e.rev, e.state.word(), claimed_by, until, first, by, sealed, e.closed_at];
    if tx.exec(SAVE, values).await? != 1 {
        return Err(Error::Conflict { now: e.state.word().to_owned() });
    }
    if matches!(e.state, ExceptionState::Open | ExceptionState::Claimed { .. }) {
        tx.exec(FORGET_FIRST, vals![e.id]).await?;
    }
    e.rev += 1;
    Ok(())
}

// Reads for duties, pages and API.

const GET: &str = "SELECT * FROM exceptions WHERE id = $1";
const LIST: &str = "SELECT * FROM exceptions WHERE ($1 = '' OR id < $1) \
     AND ($2 = '' OR state = $2 OR ($2 = 'unanswered' AND state IN ('open', 'claimed', 'seconding'))) \
     AND ($3 = '' OR payer_id = $3) AND ($4 = '' OR kind = $4) AND ($5 = '' OR case_id = $5) AND ($6 = '' OR job_id = $6) \
     AND ($7 = '' OR queue = $7) ORDER BY id DESC LIMIT $8";
const QUEUES: &str = "SELECT DISTINCT queue FROM exceptions ORDER BY queue";
const UNANSWERED: &str = "SELECT CAST(COUNT(*) AS BIGINT) AS exceptions FROM exceptions WHERE state IN ('open', 'claimed', 'seconding')";
const OVERHELD: &str =
    "SELECT id FROM exceptions WHERE state = 'claimed' AND claimed_until_ms <= $1 ORDER BY id";

/// One exception.
///
/// # Errors
/// [`Error::NotFound`].
pub async fn get(store: &Store, id: ExceptionId) -> Result<Exception, Error> {
    let row = store.db.opt("exceptions", GET, vals![id]).await?;
    read(&row.ok_or(Error::NotFound("exception"))?, &store.seal)
}

/// Which exceptions; an empty text means any.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// State's word, or `unanswered` for open, claimed and seconding.
    pub state: String,
    /// Payer id.
    pub payer: String,
    /// Kind's word.
    pub kind: String,
    /// Queue.
    pub queue: String,
    /// Case id.
    pub case: String,
    /// Job id.
    pub job: String,
}

/// Exceptions, newest first; `after` is the id to continue below.
///
/// # Errors
/// [`Error::Database`].
pub async fn list(
    store: &Store,
    filter: &Filter,
    after: &str,
    limit: u32,
) -> Result<Page<Exception>, Error> {
    let f = filter;
    let values =
        vals![after, &f.state, &f.payer, &f.kind, &f.case, &f.job, &f.queue, i64::from(limit) + 1];
    let rows = store.db.all("exceptions", LIST, values).await?;
    let items = rows.iter().map(|r| read(r, &store.seal)).collect::<Result<_, _>>()?;
    Ok(Page::cut(items, limit, |e: &Exception| e.id.to_string()))
}

/// Queues that questions stand on or have stood on, in order.
///
/// # Errors
/// [`Error::Database`].
pub async fn queues(store: &Store) -> Result<Vec<String>, Error> {
    let rows = store.db.all("exceptions", QUEUES, vals![]).await?;
    rows.iter().map(|row| row.text("queue")).collect()
}

/// How many wait for a person.
///
/// # Errors
/// [`Error::Database`].
pub async fn unanswered(store: &Store) -> Result<i64, Error> {
    let row = store.db.opt("exceptions", UNANSWERED, vals![]).await?;
    row.map_or(Ok(0), |r| r.int("exceptions"))
}

/// Those claimed longer than allowed.
///
/// # Errors
/// [`Error::Database`].
pub async fn overheld(store: &Store, now: Timestamp) -> Result<Vec<ExceptionId>, Error> {
    let rows = store.db.all("exceptions", OVERHELD, vals![now]).await?;
    rows.iter().map(|r| r.parse("id")).collect()
}
