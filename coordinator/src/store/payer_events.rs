//! A row is an event that a payer told by a subscription of ours, or the number of one that never came and was asked after.

use std::collections::{BTreeMap, BTreeSet};

use super::{Error, Tx};
use crate::vals;

/// So many of the newest are looked at.
const KNOWN: i64 = 1_000;

const NEWEST: &str = "SELECT subscription AS id, number, sha256 FROM payer_events WHERE payer_id = $1 AND subscription = $2 \
     ORDER BY number DESC LIMIT $3";
const KEEP: &str = "INSERT INTO payer_events (payer_id, subscription, number, sha256, created_at_ms) VALUES ($1, $2, $3, $4, $5) \
     ON CONFLICT (payer_id, subscription, number) DO UPDATE SET sha256 = excluded.sha256, created_at_ms = excluded.created_at_ms \
     WHERE payer_events.sha256 = ''";

/// What is known of a subscription at a payer.
#[derive(Debug, Default)]
pub struct Known {
    /// The digest of what came, by number.
    pub came: BTreeMap<u64, String>,
    /// Numbers that never came and were asked after.
    pub asked: BTreeSet<u64>,
}

/// The newest events of a subscription.
///
/// # Errors
/// [`Error::Database`].
pub async fn of(tx: &mut Tx, (payer, subscription): (&str, &str)) -> Result<Known, Error> {
    let mut known = Known::default();
    for row in tx.all("payer_events", NEWEST, vals![payer, subscription, KNOWN]).await? {
        let number = u64::try_from(row.int("number")?).map_err(|_| row.corrupt("number"))?;
        match row.text("sha256")? {
            empty if empty.is_empty() => {
                known.asked.insert(number);
            }
            sha256 => {
                known.came.insert(number, sha256);
            }
        }
    }
    Ok(known)
}

/// Keeps an event, or with an empty digest the number of one that is asked after.
///
/// # Errors
/// [`Error::Database`].
pub async fn keep(
    tx: &mut Tx,
    (payer, subscription): (&str, &str),
    number: u64,
    sha256: &str,
) -> Result<(), Error> {
    let (now, number) = (tx.now, i64::try_from(number).unwrap_or(i64::MAX));
    tx.exec(KEEP, vals![payer, subscription, number, sha256, now]).await?;
    Ok(())
}
