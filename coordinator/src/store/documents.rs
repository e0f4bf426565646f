//! A row is a document a customer gave: a reference to sealed bytes in `files`, attached to cases at intake.

use domain::{id::DocumentId, request::Document};

use super::{Error, Store, Tx, db};
use crate::vals;

fn read(row: &db::Row) -> Result<Document, Error> {
    Ok(Document {
        id: row.parse("id")?,
        kind: row.text("kind")?,
        sha256: row.text("sha256")?,
        size_bytes: u64::try_from(row.int("size_bytes")?).map_err(|_| row.corrupt("size_bytes"))?,
    })
}

const INSERT: &str = "INSERT INTO documents (id, kind, sha256, size_bytes, created_by, created_at_ms) VALUES ($1, $2, $3, $4, $5, $6)";
const GET: &str = "SELECT * FROM documents WHERE id = $1";

/// Adds a document whose bytes are durable.
///
/// # Errors
/// [`Error::Database`].
pub async fn insert(tx: &mut Tx, d: &Document, created_by: &str) -> Result<(), Error> {
    let now = tx.now;
    let size = i64::try_from(d.size_bytes).unwrap_or(i64::MAX);
    tx.exec(INSERT, vals![d.id, &d.kind, &d.sha256, size, created_by, now]).await?;
    Ok(())
}

/// One document, inside a transaction.
///
/// # Errors
/// [`Error::Database`].
pub async fn find_in(tx: &mut Tx, id: DocumentId) -> Result<Option<Document>, Error> {
    tx.opt("documents", GET, vals![id]).await?.map(|r| read(&r)).transpose()
}

// Reads for API.

/// One document.
///
/// # Errors
/// [`Error::NotFound`].
pub async fn get(store: &Store, id: DocumentId) -> Result<Document, Error> {
    let row = store.db.opt("documents", GET, vals![id]).await?;
    read(&row.ok_or(Error::NotFound("document"))?)
}
