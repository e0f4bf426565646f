//! A row is a channel of a payer beside its portal as it stands now: a rest after failures, and the calls at work. The portal's own
//! state is the payer's. A channel without a row has never been used.

use std::collections::BTreeMap;

use domain::{channel::Channel, time::Timestamp};
use serde::Serialize;

use super::{Error, Store, Tx, db};
use crate::vals;

/// How a channel stands.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Known {
    /// Rest after failures.
    pub rests_until: Option<Timestamp>,
    /// Failures in a row.
    pub downs: u32,
    /// Calls at work.
    pub busy: u32,
}

/// Reads the channel of a row that has one.
pub(super) fn channel(row: &db::Row) -> Result<Channel, Error> {
    Channel::from_word(&row.text("channel")?).ok_or_else(|| row.corrupt("channel"))
}

fn read(row: &db::Row) -> Result<(Channel, Known), Error> {
    let known = Known {
        rests_until: row.opt_at("rests_until_ms")?,
        downs: row.count("downs")?,
        busy: row.count("busy")?,
    };
    Ok((channel(row)?, known))
}

const OF_PAYER: &str = "SELECT payer_id AS id, channel, rests_until_ms, downs, busy FROM payer_channels WHERE payer_id = $1";
const LOCK: &str = "INSERT INTO payer_channels (payer_id, channel) VALUES ($1, $2) \
     ON CONFLICT (payer_id, channel) DO UPDATE SET downs = payer_channels.downs \
     RETURNING payer_id AS id, channel, rests_until_ms, downs, busy";
const SAVE: &str = "UPDATE payer_channels SET rests_until_ms = $3, downs = $4 WHERE payer_id = $1 AND channel = $2";
const TAKE: &str = "UPDATE payer_channels SET busy = busy + $3 WHERE payer_id = $1 AND channel = $2 AND busy + $3 <= $4";
const GIVE_BACK: &str =
    "UPDATE payer_channels SET busy = busy - 1 WHERE payer_id = $1 AND channel = $2 AND busy > 0";
const FORGIVE: &str =
    "UPDATE payer_channels SET rests_until_ms = NULL, downs = 0 WHERE payer_id = $1";

/// Every channel of a payer that was used, inside a transaction.
///
/// # Errors
/// [`Error::Database`].
pub async fn of_payer_in(tx: &mut Tx, payer: &str) -> Result<BTreeMap<Channel, Known>, Error> {
    tx.all("payer_channels", OF_PAYER, vals![payer]).await?.iter().map(read).collect()
}

/// Reads a channel, making its row where there is none, and keeps everyone else from changing it until the transaction ends.
///
/// # Errors
/// [`Error::Database`].
pub async fn lock(tx: &mut Tx, payer: &str, channel: Channel) -> Result<Known, Error> {
    let row = tx.opt("payer_channels", LOCK, vals![payer, channel.word()]).await?;
    Ok(read(&row.ok_or(Error::NotFound("channel"))?)?.1)
}

/// Writes what failures change. The calls at work are not written here.
///
/// # Errors
/// [`Error::Database`].
pub async fn save(tx: &mut Tx, payer: &str, channel: Channel, known: &Known) -> Result<(), Error> {
    tx.exec(SAVE, vals![payer, channel.word(), known.rests_until, known.downs]).await?;
    Ok(())
}

/// Ends every rest of a payer's channels.
///
/// # Errors
/// [`Error::Database`].
pub async fn forgive(tx: &mut Tx, payer: &str) -> Result<(), Error> {
    tx.exec(FORGIVE, vals![payer]).await?;
    Ok(())
}

/// Takes calls of a channel, all or none; false when more would be at work than `most`.
///
/// # Errors
/// [`Error::Database`].
pub async fn take(
    tx: &mut Tx,
    payer: &str,
    channel: Channel,
    count: u32,
    most: u32,
) -> Result<bool, Error> {
    lock(tx, payer, channel).await?;
    Ok(tx.exec(TAKE, vals![payer, channel.word(), count, most]).await? == 1)
}

/// Gives one call back.
///
/// # Errors
/// [`Error::Conflict`] when none was taken: the count would be wrong.
pub async fn give_back(tx: &mut Tx, payer: &str, channel: Channel) -> Result<(), Error> {
    if tx.exec(GIVE_BACK, vals![payer, channel.word()]).await? == 1 {
        Ok(())
    } else {
        Err(Error::Conflict { now: "no call taken".to_owned() })
    }
}

/// Every channel of a payer that was used.
///
/// # Errors
/// [`Error::Database`].
pub async fn of_payer(store: &Store, payer: &str) -> Result<BTreeMap<Channel, Known>, Error> {
    store.db.all("payer_channels", OF_PAYER, vals![payer]).await?.iter().map(read).collect()
}
