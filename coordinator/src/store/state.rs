//! One row: whether the fleet is in quarantine, since when and why.

use domain::time::Timestamp;
use serde::Serialize;

use super::{Error, Store, Tx, db};
use crate::vals;

/// The quarantine of a database that is older than what its coordinator had written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Quarantine {
    /// Since when.
    pub since: Timestamp,
    /// What was found.
    pub reason: String,
}

const GET: &str = "SELECT * FROM fleet_state WHERE id = 1";
const SET: &str = "UPDATE fleet_state SET quarantined_since_ms = $1, quarantine_reason = $2, rev = rev + 1 WHERE id = 1";
const CLEAR: &str = "UPDATE fleet_state SET quarantined_since_ms = NULL, quarantine_reason = NULL, rev = rev + 1 \
     WHERE id = 1 AND quarantined_since_ms IS NOT NULL";
// The holders of every lease from before the restore are locked out for good.
const RAISE_FENCES: &str = "UPDATE jobs SET fence = fence + 4294967296, rev = rev + 1";

fn read(row: &db::Row) -> Result<Option<Quarantine>, Error> {
    let since = row.opt_at("quarantined_since_ms")?;
    let reason = row.opt_text("quarantine_reason")?;
    Ok(since.zip(reason).map(|(since, reason)| Quarantine { since, reason }))
}

/// The quarantine, if there is one, inside a transaction.
///
/// # Errors
/// [`Error::Corrupt`].
pub async fn quarantine_in(tx: &mut Tx) -> Result<Option<Quarantine>, Error> {
    tx.opt("fleet_state", GET, vals![]).await?.map_or(Ok(None), |row| read(&row))
}

/// The quarantine, if there is one.
///
/// # Errors
/// [`Error::Corrupt`].
pub async fn quarantine(store: &Store) -> Result<Option<Quarantine>, Error> {
    store.db.opt("fleet_state", GET, vals![]).await?.map_or(Ok(None), |row| read(&row))
}

/// Puts the fleet in quarantine and raises every fence past all that was ever given out.
///
/// # Errors
/// [`Error::Database`].
pub async fn set_quarantine(tx: &mut Tx, reason: &str) -> Result<(), Error> {
    let now = tx.now;
    tx.exec(SET, vals![now, reason]).await?;
    tx.exec(RAISE_FENCES, vals![]).await?;
    Ok(())
}

/// Ends the quarantine; false when there was none.
///
/// # Errors
/// [`Error::Database`].
pub async fn clear_quarantine(tx: &mut Tx) -> Result<bool, Error> {
    Ok(tx.exec(CLEAR, vals![]).await? == 1)
}
