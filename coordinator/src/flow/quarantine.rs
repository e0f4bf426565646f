//! Quarantine: the database is an older copy, so requests may be at payers of which it knows nothing. Nothing is leased but looks
//! after doubts, no permit is given, every earlier lease is locked out for good, until a person lifts it.

use domain::time::Timestamp;
use serde_json::json;

use super::{Actor, Asked, Core, Error, NOT_ALLOWED, Result, change::note};
use crate::{live::Topic, store::state};

/// Begins it: every fence rises past all that was ever given out.
///
/// # Errors
/// [`Error::Store`].
pub async fn begin(core: &Core, reason: &str, now: Timestamp) -> Result<()> {
    let mut tx = core.store.begin(now).await?;
    state::set_quarantine(&mut tx, reason).await?;
    note(&mut tx, &Actor::Duty("start"), "fleet.quarantined", "fleet", json!({"because": reason}));
    tx.changed(Topic::Fleet);
    tx.commit().await?;
    tracing::error!(
        because = reason,
        "the fleet is in quarantine: only looks at payers are leased"
    );
    Ok(())
}

/// A person lifts it. Not while a doubt is open that a look could settle: what was sent before must be known first.
///
/// # Errors
/// [`Error::Refused`] when there is none, or doubts are open.
pub async fn lift(core: &Core, asked: &Asked, now: Timestamp) -> Result<()> {
    let open = crate::store::intents::all_open(&core.store).await?.len();
    if open > 0 {
        return Err(Error::refused(
            NOT_ALLOWED,
            format!("{open} submissions are in doubt; settle them first, they may be at the payer"),
        ));
    }
    let mut tx = core.store.begin(now).await?;
    if !state::clear_quarantine(&mut tx).await? {
        return Err(Error::refused(NOT_ALLOWED, "the fleet is not in quarantine"));
    }
    asked.note(&mut tx, "fleet.quarantine_lifted", "fleet", json!({}));
    tx.changed(Topic::Fleet);
    tx.changed(Topic::Ready);
    tx.commit().await?;
    Ok(())
}

/// The wall clock and the machine's own clock went apart: nothing expires for one length of a lease.
///
/// # Errors
/// [`Error::Store`].
pub async fn clock_jumped(core: &Core, by_ms: i64, now: Timestamp) -> Result<()> {
    let mut tx = core.store.begin(now).await?;
    note(&mut tx, &Actor::Duty("sweep"), "clock.jumped", "fleet", json!({"by_ms": by_ms}));
    tx.commit().await?;
    tracing::error!(by_ms, "the clock jumped; no lease ends for one length");
    Ok(())
}
