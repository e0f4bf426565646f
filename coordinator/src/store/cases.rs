//! A row is a case: what the customer asked for, sealed, with its derived status. Written by intake; the status by whatever
//! changes one of its jobs.

use domain::{case::CaseStatus, id::CaseId, id::DocumentId, request::Request, time::Timestamp};
use serde::Serialize;

use super::{Error, Page, Store, Tx, db, open_text, seal_text};
use crate::{
    seal::{Index, Seal},
    vals,
};

/// A case without its content.
#[derive(Debug, Clone, Serialize)]
pub struct Case {
    /// Which.
    pub id: CaseId,
    /// `prior_auth`, `auth_status`, `claim_status`, `eligibility`, `precheck`, `letter`.
    pub kind: String,
    /// Payer id.
    pub payer: String,
    /// Derived status.
    pub status: CaseStatus,
    /// Request hash, of a prior authorization.
    #[serde(skip)]
    pub dedup_key: Option<String>,
    /// How often a person has ordered the same request; from 1.
    pub round: u32,
    /// Who made it.
    pub created_by: String,
    /// When.
    pub created_at: Timestamp,
    /// Last change of status.
    pub updated_at: Timestamp,
    /// Revision.
    pub rev: i64,
}

fn read(row: &db::Row) -> Result<Case, Error> {
    Ok(Case {
        id: row.parse("id")?,
        kind: row.text("kind")?,
        payer: row.text("payer_id")?,
        status: CaseStatus::from_word(&row.text("status")?).ok_or_else(|| row.corrupt("status"))?,
        dedup_key: row.opt_text("dedup_key")?,
        round: row.count("round")?,
        created_by: row.text("created_by")?,
        created_at: row.at("created_at_ms")?,
        updated_at: row.at("updated_at_ms")?,
        rev: row.int("rev")?,
    })
}

fn open(row: &db::Row, seal: &Seal) -> Result<Request, Error> {
    let text = open_text(seal, "cases", "request", &row.text("id")?, &row.text("request")?)?;
    serde_json::from_str(&text).map_err(|_| row.corrupt("request"))
}

const INSERT: &str = "INSERT INTO cases (id, kind, payer_id, status, request, member_index, dedup_key, round, created_by, \
     created_at_ms, updated_at_ms) VALUES ($1, $2, $3, 'received', $4, $5, $6, $7, $8, $9, $9)";
const ATTACH: &str =
    "INSERT INTO case_documents (case_id, document_id) VALUES ($1, $2) ON CONFLICT DO NOTHING";
const GET: &str = "SELECT * FROM cases WHERE id = $1";
const LOCK: &str = "UPDATE cases SET rev = rev WHERE id = $1 RETURNING *";
const SET_STATUS: &str = "UPDATE cases SET status = $2, updated_at_ms = $3, rev = rev + 1 WHERE id = $1 AND status <> $2";
const LIVE_TWIN: &str = "SELECT id FROM cases WHERE dedup_key = $1 AND round = $2 AND ( \
     EXISTS (SELECT 1 FROM jobs WHERE jobs.case_id = cases.id AND jobs.task IN ('submit', 'renewal') \
         AND jobs.state NOT IN ('failed', 'cancelled')) \
     OR EXISTS (SELECT 1 FROM intents WHERE intents.case_id = cases.id AND intents.state IN ('open', 'confirmed'))) \
     ORDER BY id LIMIT 1";
const NEWEST_ROUND: &str =
    "SELECT id, round FROM cases WHERE dedup_key = $1 ORDER BY round DESC, id DESC LIMIT 1";

/// Makes a case; its request is sealed.
///
/// # Errors
/// [`Error::Database`].
pub async fn insert(tx: &mut Tx, case: &Case, request: &Request) -> Result<(), Error> {
    let id = case.id.to_string();
    let text = serde_json::to_string(request).map_err(|e| Error::Database(e.to_string()))?;
    let sealed = seal_text(&tx.seal, "cases", "request", &id, &text);
    let member = tx.seal.index_typed(Index::Member, &request.member().id);
    tx.exec(
        INSERT,
        vals![
            &id,
            &case.kind,
            &case.payer,
            sealed,
            member,
            case.dedup_key.clone(),
            case.round,
            &case.created_by,
            case.created_at
        ],
    )
    .await?;
    for document in request.documents() {
        tx.exec(ATTACH, vals![&id, document.id]).await?;
    }
    Ok(())
}

/// The case and its request, inside a transaction.
///
/// # Errors
/// [`Error::NotFound`].
pub async fn opened_in(tx: &mut Tx, id: CaseId) -> Result<(Case, Request), Error> {
    let row = tx.opt("cases", GET, vals![id]).await?.ok_or(Error::NotFound("case"))?;
    Ok((read(&row)?, open(&row, &tx.seal)?))
}

/// Reads a case and keeps everyone else from changing it until the transaction ends.
///
/// # Errors
/// [`Error::NotFound`].
pub async fn lock(tx: &mut Tx, id: CaseId) -> Result<Case, Error> {
    let row = tx.opt("cases", LOCK, vals![id]).await?.ok_or(Error::NotFound("case"))?;
    read(&row)
}

/// Stores the derived status; whether it differs from before.
///
/// # Errors
/// [`Error::Database`].
pub async fn set_status(tx: &mut Tx, id: CaseId, status: CaseStatus) -> Result<bool, Error> {
    let now = tx.now;
    Ok(tx.exec(SET_STATUS, vals![id, status.word(), now]).await? == 1)
}

/// Another case with the same request hash and round whose submission is under way or done.
///
/// # Errors
/// [`Error::Database`].
pub async fn live_twin(tx: &mut Tx, dedup_key: &str, round: u32) -> Result<Option<CaseId>, Error> {
    let row = tx.opt("cases", LIVE_TWIN, vals![dedup_key, round]).await?;
    row.map(|r| r.parse("id")).transpose()
}

/// The highest round of that request hash so far, and its newest case.
///
/// # Errors
/// [`Error::Database`].
pub async fn newest_round(tx: &mut Tx, dedup_key: &str) -> Result<Option<(CaseId, u32)>, Error> {
    let row = tx.opt("cases", NEWEST_ROUND, vals![dedup_key]).await?;
    row.map(|r| Ok((r.parse("id")?, r.count("round")?))).transpose()
}

const RESEMBLING: &str = "SELECT DISTINCT cases.id, cases.request, cases.dedup_key FROM cases JOIN intents ON intents.case_id = cases.id \
     WHERE cases.member_index = $1 AND cases.payer_id = $2 AND cases.kind = 'prior_auth' AND cases.id <> $3 \
     AND (intents.state = 'open' OR (intents.state = 'confirmed' AND intents.closed_at_ms > $4)) ORDER BY cases.id";
const ALLOW_SIMILAR: &str = "UPDATE cases SET similar_allowed_at_ms = $2 WHERE id = $1";
const SIMILAR_ALLOWED: &str =
    "SELECT id FROM cases WHERE id = $1 AND similar_allowed_at_ms IS NOT NULL";

/// Another case of the same member at the same payer whose request is nearly the same, and which is being submitted or was
/// since `since`. Equal ones are told by their hash and are not meant here.
///
/// # Errors
/// [`Error::Corrupt`].
pub async fn resembling(
    tx: &mut Tx,
    case: &Case,
    request: &Request,
    since: Timestamp,
) -> Result<Option<CaseId>, Error> {
    let member = tx.seal.index_typed(Index::Member, &request.member().id);
    let values = vals![member, &case.payer, case.id, since];
    for row in tx.all("cases", RESEMBLING, values).await? {
        let same = row.opt_text("dedup_key")? == case.dedup_key;
        if !same && request.resembles(&open(&row, &tx.seal)?) {
            return row.parse("id").map(Some);
        }
    }
    Ok(None)
}

/// Notes that a person has said this request is meant although one like it is with the payer.
///
/// # Errors
/// [`Error::Database`].
pub async fn allow_similar(tx: &mut Tx, id: CaseId) -> Result<(), Error> {
    let now = tx.now;
    tx.exec(ALLOW_SIMILAR, vals![id, now]).await?;
    Ok(())
}

/// Whether a person has said so.
///
/// # Errors
/// [`Error::Database`].
pub async fn similar_allowed(tx: &mut Tx, id: CaseId) -> Result<bool, Error> {
    Ok(tx.opt("cases", SIMILAR_ALLOWED, vals![id]).await?.is_some())
}

const HAS_DOCUMENTS: &str = "SELECT case_id AS id FROM case_documents WHERE case_id = $1 LIMIT 1";

/// Whether documents go with a case's request.
///
/// # Errors
/// [`Error::Database`].
pub async fn has_documents(tx: &mut Tx, case: CaseId) -> Result<bool, Error> {
    Ok(tx.opt("case_documents", HAS_DOCUMENTS, vals![case]).await?.is_some())
}

// Reads for pages and API.

const LIST: &str = "SELECT * FROM cases WHERE ($1 = '' OR id < $1) AND ($2 = '' OR status = $2) AND ($3 = '' OR payer_id = $3) \
     AND ($4 = '' OR kind = $4) AND ($5 = '' OR member_index = $5) \
     AND ($6 = '' OR id IN (SELECT case_id FROM payer_references WHERE value_index = $6)) ORDER BY id DESC LIMIT $7";
const COUNTS: &str = "SELECT status, CAST(COUNT(*) AS BIGINT) AS cases FROM cases GROUP BY status";
const DOCUMENT_OF: &str =
    "SELECT case_id AS id FROM case_documents WHERE case_id = $1 AND document_id = $2";
const DUE: &str = "SELECT cases.id AS id, payers.profile AS profile, jobs.ended_at_ms AS ended_at_ms FROM cases \
     JOIN payers ON payers.id = cases.payer_id \
     JOIN jobs ON jobs.case_id = cases.id AND jobs.id = (SELECT MAX(j.id) FROM jobs j WHERE j.case_id = cases.id) \
     WHERE cases.kind = 'prior_auth' AND cases.status = 'working' AND jobs.state = 'done' \
     ORDER BY cases.id";

/// One case.
///
/// # Errors
/// [`Error::NotFound`].
pub async fn get(store: &Store, id: CaseId) -> Result<Case, Error> {
    let row = store.db.opt("cases", GET, vals![id]).await?.ok_or(Error::NotFound("case"))?;
    read(&row)
}

/// One case with its content. Showing patient data to a person is an act: callers note it with `flow::people::saw`.
///
/// # Errors
/// [`Error::NotFound`].
pub async fn opened(store: &Store, id: CaseId) -> Result<(Case, Request), Error> {
    let row = store.db.opt("cases", GET, vals![id]).await?.ok_or(Error::NotFound("case"))?;
    Ok((read(&row)?, open(&row, &store.seal)?))
}

/// Which cases; an empty text means any.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Status word.
    pub status: String,
    /// Payer id.
    pub payer: String,
    /// Kind.
    pub kind: String,
    /// Member identifier as typed; exact match only.
    pub member: String,
    /// A payer's number as typed; exact match only.
    pub reference: String,
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
) -> Result<Page<Case>, Error> {
    let index = |kind, typed: &str| {
        if typed.is_empty() { String::new() } else { store.seal.index_typed(kind, typed) }
    };
    let values = vals![
        after,
        &filter.status,
        &filter.payer,
        &filter.kind,
        index(Index::Member, &filter.member),
        index(Index::Reference, &filter.reference),
        i64::from(limit) + 1
    ];
    let rows = store.db.all("cases", LIST, values).await?;
    let items = rows.iter().map(read).collect::<Result<_, _>>()?;
    Ok(Page::cut(items, limit, |c: &Case| c.id.to_string()))
}

/// Number of cases per status word.
///
/// # Errors
/// [`Error::Database`].
pub async fn counts(store: &Store) -> Result<Vec<(CaseStatus, i64)>, Error> {
    let rows = store.db.all("cases", COUNTS, vals![]).await?;
    rows.iter()
        .map(|r| {
            let status = CaseStatus::from_word(&r.text("status")?);
            Ok((status.ok_or_else(|| r.corrupt("status"))?, r.int("cases")?))
        })
        .collect()
}

/// Whether the document belongs to the case.
///
/// # Errors
/// [`Error::Database`].
pub async fn has_document(
    store: &Store,
    case: CaseId,
    document: DocumentId,
) -> Result<bool, Error> {
    Ok(store.db.opt("case_documents", DOCUMENT_OF, vals![case, document]).await?.is_some())
}

/// Prior authorizations whose newest job is done and whose answer was not final, with the payer's profile and the job's end.
///
/// # Errors
/// [`Error::Database`].
pub async fn waiting_for_answer(
    store: &Store,
) -> Result<Vec<(CaseId, domain::fleet::Payer, Timestamp)>, Error> {
    let rows = store.db.all("cases", DUE, vals![]).await?;
    rows.iter().map(|r| Ok((r.parse("id")?, r.json("profile")?, r.at("ended_at_ms")?))).collect()
}
