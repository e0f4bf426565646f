//! The audit: who did what, when, to what. Insert-only; each entry carries the hash of the one before it, so that a changed or
//! missing entry shows. Details never hold patient data or secrets: only ids, words, counts and a person's reason.

use domain::time::Timestamp;
use serde_json::Value as Json;
use sha2::{Digest as _, Sha256};

use super::{Error, Page, Store, db};
use crate::{fault, vals};

/// An entry to be written by the transaction it is added to.
#[derive(Debug, Clone)]
pub struct Entry {
    /// Who: `user_…`, `key:<name>`, `agent_…`, `duty:<name>`, `setup`.
    pub actor: String,
    /// What, dotted: `permit.issued`, `payer.paused`.
    pub act: &'static str,
    /// To what: an id.
    pub subject: String,
    /// Words, ids and counts.
    pub detail: Json,
}

impl Entry {
    /// An entry.
    #[must_use]
    pub fn new(
        actor: impl std::fmt::Display,
        act: &'static str,
        subject: impl std::fmt::Display,
        detail: Json,
    ) -> Self {
        Self { actor: actor.to_string(), act, subject: subject.to_string(), detail }
    }
}

/// An entry as stored.
#[derive(Debug, Clone, serde::Serialize)]
pub struct Audited {
    /// Position, from 1, without gaps.
    pub seq: i64,
    /// When.
    pub at: Timestamp,
    /// Who.
    pub actor: String,
    /// What.
    pub act: String,
    /// To what.
    pub subject: String,
    /// Words, ids and counts.
    pub detail: Json,
    /// Hash of the entry before.
    pub previous_sha256: String,
    /// Hash of this entry.
    pub sha256: String,
}

const LOCK_HEAD: &str =
    "UPDATE audit_head SET seq = seq + $1 WHERE id = 1 RETURNING seq, sha256, id";
const SET_HEAD: &str = "UPDATE audit_head SET sha256 = $1 WHERE id = 1";
const INSERT: &str = "INSERT INTO audit (seq, at_ms, actor, act, subject, detail, previous_sha256, sha256) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";

fn hash(previous: &str, seq: i64, at: i64, parts: [&str; 4]) -> String {
    let mut sha = Sha256::new();
    let parts = match parts {
        [actor, _, subject, detail] if fault::broken("audit-hash-skips-the-act") => {
            [actor, "", subject, detail]
        }
        whole => whole,
    };
    for part in [previous, &seq.to_string(), &at.to_string()].into_iter().chain(parts) {
        sha.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
        sha.update(part.as_bytes());
    }
    crate::files::hex(&sha.finalize())
}

pub(super) async fn append(
    tx: &mut db::Tx,
    now: Timestamp,
    entries: Vec<Entry>,
) -> Result<(), Error> {
    if entries.is_empty() {
        return Ok(());
    }
    let count = i64::try_from(entries.len()).unwrap_or(i64::MAX);
    let head = tx
        .opt("audit_head", LOCK_HEAD, vals![count])
        .await?
        .ok_or(Error::NotFound("audit head"))?;
    let mut seq = head.int("seq")? - count;
    let mut previous = head.text("sha256")?;
    for entry in entries {
        seq += 1;
        let detail = entry.detail.to_string();
        let sha256 =
            hash(&previous, seq, now.ms(), [&entry.actor, entry.act, &entry.subject, &detail]);
        tx.exec(
            INSERT,
            vals![seq, now, entry.actor, entry.act, entry.subject, detail, previous, &sha256],
        )
        .await?;
        previous = sha256;
    }
    tx.exec(SET_HEAD, vals![previous]).await?;
    Ok(())
}

const AT: &str = "SELECT seq AS id, sha256 FROM audit WHERE seq = $1";

/// Number and hash of the newest entry; none while there is none.
///
/// # Errors
/// [`Error::Database`].
pub async fn head(store: &Store) -> Result<Option<(i64, String)>, Error> {
    let Some(row) = store.db.opt("audit_head", HEAD, vals![]).await? else { return Ok(None) };
    let seq = row.int("seq")?;
    Ok((seq > 0).then_some((seq, row.text("sha256")?)))
}

/// The hash of the entry of that number.
///
/// # Errors
/// [`Error::Database`].
pub async fn sha256_at(store: &Store, seq: i64) -> Result<Option<String>, Error> {
    let row = store.db.opt("audit", AT, vals![seq]).await?;
    row.map(|row| row.text("sha256")).transpose()
}

// Reads for pages and API.

const LIST: &str = "SELECT * FROM audit WHERE seq < $1 AND ($2 = '' OR subject = $2) AND ($3 = '' OR actor = $3) \
     AND ($4 = '' OR act = $4) ORDER BY seq DESC LIMIT $5";
const CHAIN: &str = "SELECT * FROM audit WHERE seq > $1 ORDER BY seq LIMIT 1000";
const HEAD: &str = "SELECT id, seq, sha256 FROM audit_head WHERE id = 1";

fn audited(row: &db::Row) -> Result<Audited, Error> {
    Ok(Audited {
        seq: row.int("seq")?,
        at: row.at("at_ms")?,
        actor: row.text("actor")?,
        act: row.text("act")?,
        subject: row.text("subject")?,
        detail: row.json("detail")?,
        previous_sha256: row.text("previous_sha256")?,
        sha256: row.text("sha256")?,
    })
}

/// Which entries; an empty text means any.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Subject's id.
    pub subject: String,
    /// Actor.
    pub actor: String,
    /// Act.
    pub act: String,
}

/// Entries, newest first; `after` is the sequence number to continue below.
///
/// # Errors
/// [`Error::Database`].
pub async fn list(
    store: &Store,
    filter: &Filter,
    after: Option<i64>,
    limit: u32,
) -> Result<Page<Audited>, Error> {
    let rows = store
        .db
        .all(
            "audit",
            LIST,
            vals![
                after.unwrap_or(i64::MAX),
                &filter.subject,
                &filter.actor,
                &filter.act,
                i64::from(limit) + 1
            ],
        )
        .await?;
    let items = rows.iter().map(audited).collect::<Result<_, _>>()?;
    Ok(Page::cut(items, limit, |e: &Audited| e.seq.to_string()))
}

/// Walks the whole chain: how many entries hold, or the first that does not.
///
/// # Errors
/// [`Error::Corrupt`] names the first entry that does not fit.
pub async fn verify(store: &Store) -> Result<i64, Error> {
    let broken = |seq: i64| Error::Corrupt {
        table: "audit",
        column: "sha256".to_owned(),
        id: seq.to_string(),
    };
    let (mut seq, mut previous) = (0_i64, String::new());
    loop {
        let rows = store.db.all("audit", CHAIN, vals![seq]).await?;
        if rows.is_empty() {
            break;
        }
        for row in &rows {
            let e = audited(row)?;
            // The stored text is hashed, not the parsed value: an equal value may be spelled otherwise.
            let detail = row.text("detail")?;
            let sha256 = hash(&previous, e.seq, e.at.ms(), [&e.actor, &e.act, &e.subject, &detail]);
            if e.seq != seq + 1 || e.previous_sha256 != previous || e.sha256 != sha256 {
                return Err(broken(seq + 1));
            }
            seq = e.seq;
            previous = sha256;
        }
    }
    let head = store.db.opt("audit_head", HEAD, vals![]).await?;
    let head = head.ok_or_else(|| broken(seq))?;
    if head.int("seq")? != seq || head.text("sha256")? != previous {
        return Err(broken(seq + 1));
    }
    Ok(seq)
}
