//! All SQL. `db.rs` is the facade over the database; then one file per table: what a row means, its statements, functions named
//! after transitions that take a transaction, and at the bottom the reads for pages and API, which take the store.

pub mod agents;
pub mod attempts;
pub mod audit;
pub mod cases;
pub mod channels;
pub mod control;
pub mod credentials;
pub mod db;
pub mod documents;
pub mod drift;
pub mod evidence;
pub mod exceptions;
pub mod exchanges;
pub mod fingerprints;
pub mod fits;
pub mod intents;
pub mod jobs;
pub mod late;
pub mod migrate;
pub mod payer_events;
pub mod payers;
pub mod people;
pub mod proposals;
pub mod references;
pub mod scripts;
pub mod state;
pub mod steps;
pub mod subscriptions;
pub mod work;

use std::sync::Arc;

use domain::time::Timestamp;

use crate::{
    fault,
    live::{Live, Topic},
    seal::{Context, Seal},
};
use db::{Db, Row, Value};

/// Why the store did not do it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// There is no such row.
    #[error("there is no such {0}")]
    NotFound(&'static str),
    /// Somebody else changed it meanwhile; what it is now.
    #[error("it was changed meanwhile; it is now {now}")]
    Conflict {
        /// The present state's word, or the present revision.
        now: String,
    },
    /// A unique rule was broken.
    #[error("there is one like it already")]
    Unique,
    /// Another rule of the schema was broken: a mistake in the program. For the log only.
    #[error("a rule of the schema refused it")]
    Check(String),
    /// A stored value does not fit its type, or its seal is broken.
    #[error("the stored {table}.{column} of {id} cannot be read")]
    Corrupt {
        /// Table.
        table: &'static str,
        /// Column.
        column: String,
        /// Row.
        id: String,
    },
    /// The database cannot be used as it is; a sentence for the operator.
    #[error("{0}")]
    Unusable(String),
    /// The database failed. The text is for the log only.
    #[error("the database failed")]
    Database(String),
}

/// The store: database, seal and the announcer of changes. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Store {
    /// The database, for reads.
    pub db: Db,
    /// The seal over patient data and secrets.
    pub seal: Arc<Seal>,
    /// Told after each commit.
    pub live: Live,
}

impl Store {
    /// Puts a migrated database and its seal together.
    #[must_use]
    pub fn new(db: Db, seal: Arc<Seal>) -> Self {
        Self { db, seal, live: Live::default() }
    }

    /// Begins a writing transaction at `now`.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub async fn begin(&self, now: Timestamp) -> Result<Tx, Error> {
        Ok(Tx {
            db: self.db.begin().await?,
            store: self.db.clone(),
            seal: Arc::clone(&self.seal),
            live: self.live.clone(),
            now,
            entries: Vec::new(),
            topics: Vec::new(),
        })
    }
}

/// A writing transaction with what belongs to it: its instant, its audit entries and the topics it changes. Dropped without
/// [`Tx::commit`] it changes and tells nothing.
pub struct Tx {
    db: db::Tx,
    store: Db,
    /// The seal.
    pub seal: Arc<Seal>,
    live: Live,
    /// The instant of everything in it.
    pub now: Timestamp,
    entries: Vec<audit::Entry>,
    topics: Vec<Topic>,
}

impl Tx {
    /// Adds an audit entry; written by [`Tx::commit`], in this same transaction.
    pub fn audit(&mut self, entry: audit::Entry) {
        self.entries.push(entry);
    }

    /// Notes a topic to be told after the commit.
    pub fn changed(&mut self, topic: Topic) {
        if !self.topics.contains(&topic) {
            self.topics.push(topic);
        }
    }

    /// Writes the audit entries, makes everything durable, then tells the topics.
    ///
    /// # Errors
    /// [`Error::Database`]: whether it was written is then unknown, and callers must look.
    pub async fn commit(mut self) -> Result<(), Error> {
        if fault::broken("audit-after-answer") {
            return self.commit_and_tell_later().await;
        }
        // Last, so that on Postgres the chain's head is locked only for the moment of the commit and nobody waits in a circle.
        audit::append(&mut self.db, self.now, std::mem::take(&mut self.entries)).await?;
        self.db.commit().await?;
        self.live.tell(self.topics);
        Ok(())
    }

    /// A defect put in on purpose: the audit is written a moment after the answer has left.
    async fn commit_and_tell_later(self) -> Result<(), Error> {
        let (db, now, entries) = (self.store.clone(), self.now, self.entries);
        self.db.commit().await?;
        self.live.tell(self.topics);
        tokio::spawn(async move {
            tokio::time::sleep(std::time::Duration::from_millis(400)).await;
            let Ok(mut tx) = db.begin().await else { return };
            if audit::append(&mut tx, now, entries).await.is_ok()
                && let Err(error) = tx.commit().await
            {
                tracing::warn!(%error, "late entries of the audit were lost");
            }
        });
        Ok(())
    }

    pub(crate) fn kind(&self) -> db::Kind {
        self.db.kind()
    }

    pub(crate) async fn exec(
        &mut self,
        sql: &'static str,
        values: Vec<Value>,
    ) -> Result<u64, Error> {
        self.db.exec(sql, values).await
    }

    pub(crate) async fn all(
        &mut self,
        table: &'static str,
        sql: &'static str,
        values: Vec<Value>,
    ) -> Result<Vec<Row>, Error> {
        self.db.all(table, sql, values).await
    }

    pub(crate) async fn opt(
        &mut self,
        table: &'static str,
        sql: &'static str,
        values: Vec<Value>,
    ) -> Result<Option<Row>, Error> {
        self.db.opt(table, sql, values).await
    }
}

/// Seals a text for one column of one row, as base64.
pub(crate) fn seal_text(
    seal: &Seal,
    table: &'static str,
    column: &'static str,
    id: &str,
    text: &str,
) -> String {
    seal.seal_base64(&Context { table, column, record: id }, text.as_bytes())
}

/// Opens what [`seal_text`] made.
pub(crate) fn open_text(
    seal: &Seal,
    table: &'static str,
    column: &'static str,
    id: &str,
    sealed: &str,
) -> Result<String, Error> {
    let corrupt = || Error::Corrupt { table, column: column.to_owned(), id: id.to_owned() };
    let plain =
        seal.open_base64(&Context { table, column, record: id }, sealed).map_err(|_| corrupt())?;
    String::from_utf8(plain).map_err(|_| corrupt())
}

/// [`seal_text`] of a value as JSON.
pub(crate) fn seal_json(
    seal: &Seal,
    (table, column): (&'static str, &'static str),
    id: &str,
    value: &impl serde::Serialize,
) -> Result<String, Error> {
    let text = serde_json::to_string(value).map_err(|e| Error::Database(e.to_string()))?;
    Ok(seal_text(seal, table, column, id, &text))
}

/// Opens what [`seal_json`] made.
pub(crate) fn open_json<T: serde::de::DeserializeOwned>(
    seal: &Seal,
    (table, column): (&'static str, &'static str),
    id: &str,
    sealed: &str,
) -> Result<T, Error> {
    let text = open_text(seal, table, column, id, sealed)?;
    serde_json::from_str(&text).map_err(|_| Error::Corrupt {
        table,
        column: column.to_owned(),
        id: id.to_owned(),
    })
}

/// One page of a list, by key. `next` is the key to continue after, absent on the last page.
#[derive(Debug, Clone, serde::Serialize)]
pub struct Page<T> {
    /// The rows, newest first unless said otherwise.
    pub items: Vec<T>,
    /// Continue with `after` = this.
    pub next: Option<String>,
}

impl<T> Page<T> {
    /// Cuts `limit + 1` rows to `limit` and finds the key to go on from.
    pub(crate) fn cut(mut items: Vec<T>, limit: u32, key: impl Fn(&T) -> String) -> Self {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        if items.len() > limit {
            items.truncate(limit);
            let next = items.last().map(key);
            Self { items, next }
        } else {
            Self { items, next: None }
        }
    }
}
