//! A row is a permission that waits for a second person: one for the portal of a payer (`permission_proposals`) and one for each of
//! its other channels (`channel_proposals`).

use std::collections::BTreeMap;

use domain::{channel::Channel, permission::Permission, time::Timestamp};
use serde::Serialize;

use super::{Error, Store, Tx, channels, db};
use crate::vals;

/// A permission that waits for a second person.
#[derive(Debug, Clone, Serialize)]
pub struct Proposal {
    /// What is proposed.
    pub permission: Permission,
    /// Why.
    pub reason: String,
    /// The first person.
    pub by: String,
    /// When.
    pub at: Timestamp,
}

fn read(row: &db::Row) -> Result<Proposal, Error> {
    Ok(Proposal {
        permission: row.json("permission")?,
        reason: row.text("reason")?,
        by: row.text("proposed_by")?,
        at: row.at("proposed_at_ms")?,
    })
}

const PROPOSE: &str = "INSERT INTO permission_proposals (payer_id, permission, reason, proposed_by, proposed_at_ms) \
     VALUES ($1, $2, $3, $4, $5) ON CONFLICT (payer_id) DO UPDATE SET permission = excluded.permission, \
     reason = excluded.reason, proposed_by = excluded.proposed_by, proposed_at_ms = excluded.proposed_at_ms";
const PROPOSE_BESIDE: &str = "INSERT INTO channel_proposals (payer_id, permission, reason, proposed_by, proposed_at_ms, channel) \
     VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (payer_id, channel) DO UPDATE SET permission = excluded.permission, \
     reason = excluded.reason, proposed_by = excluded.proposed_by, proposed_at_ms = excluded.proposed_at_ms";
const PROPOSED: &str = "SELECT payer_id AS id, 'portal' AS channel, permission, reason, proposed_by, proposed_at_ms \
     FROM permission_proposals WHERE payer_id = $1 \
     UNION ALL SELECT payer_id AS id, channel, permission, reason, proposed_by, proposed_at_ms \
     FROM channel_proposals WHERE payer_id = $1";
const FORGET: &str = "DELETE FROM permission_proposals WHERE payer_id = $1";
const FORGET_BESIDE: &str = "DELETE FROM channel_proposals WHERE payer_id = $1 AND channel = $2";

/// Keeps a permission until a second person agrees; an earlier proposal for the channel is replaced.
///
/// # Errors
/// [`Error::Database`].
pub async fn propose(
    tx: &mut Tx,
    (payer, channel): (&str, Channel),
    proposal: &Proposal,
) -> Result<(), Error> {
    let permission =
        serde_json::to_string(&proposal.permission).map_err(|e| Error::Database(e.to_string()))?;
    let mut values = vals![payer, permission, &proposal.reason, &proposal.by, proposal.at];
    if channel == Channel::Portal {
        tx.exec(PROPOSE, values).await?;
    } else {
        values.extend(vals![channel.word()]);
        tx.exec(PROPOSE_BESIDE, values).await?;
    }
    Ok(())
}

/// The permissions of a payer that wait for a second person, inside a transaction.
///
/// # Errors
/// [`Error::Corrupt`].
pub async fn of_payer_in(tx: &mut Tx, payer: &str) -> Result<BTreeMap<Channel, Proposal>, Error> {
    let rows = tx.all("channel_proposals", PROPOSED, vals![payer]).await?;
    rows.iter().map(|row| Ok((channels::channel(row)?, read(row)?))).collect()
}

/// The permissions of a payer that wait for a second person.
///
/// # Errors
/// [`Error::Corrupt`].
pub async fn of_payer(store: &Store, payer: &str) -> Result<BTreeMap<Channel, Proposal>, Error> {
    let rows = store.db.all("channel_proposals", PROPOSED, vals![payer]).await?;
    rows.iter().map(|row| Ok((channels::channel(row)?, read(row)?))).collect()
}

/// Forgets the proposal for a channel of a payer.
///
/// # Errors
/// [`Error::Database`].
pub async fn forget(tx: &mut Tx, (payer, channel): (&str, Channel)) -> Result<(), Error> {
    if channel == Channel::Portal {
        tx.exec(FORGET, vals![payer]).await?;
    } else {
        tx.exec(FORGET_BESIDE, vals![payer, channel.word()]).await?;
    }
    Ok(())
}
