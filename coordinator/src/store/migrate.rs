//! Brings a database to the present schema. Forward only: a database newer than this program is refused, and a migration whose
//! text differs from the one that was applied is refused too.

use domain::time::Timestamp;
use sha2::{Digest as _, Sha256};

use super::{
    Error,
    db::{Db, Tx},
};
use crate::vals;

/// Every migration in order; its number is its place, from 1.
const MIGRATIONS: &[&str] = &[
    include_str!("../../../migrations/0001_fleet.sql"),
    include_str!("../../../migrations/0002_drift.sql"),
    include_str!("../../../migrations/0003_codes.sql"),
    include_str!("../../../migrations/0004_protocol.sql"),
    include_str!("../../../migrations/0005_drift_kinds.sql"),
    include_str!("../../../migrations/0006_exchanges.sql"),
    include_str!("../../../migrations/0007_subscriptions.sql"),
    include_str!("../../../migrations/0008_queues.sql"),
    include_str!("../../../migrations/0009_channels.sql"),
    include_str!("../../../migrations/0010_gate.sql"),
    include_str!("../../../migrations/0011_proposals.sql"),
    include_str!("../../../migrations/0012_control.sql"),
    include_str!("../../../migrations/0013_payer_events.sql"),
];

const CREATE: &str = "CREATE TABLE IF NOT EXISTS migrations (id BIGINT PRIMARY KEY, sha256 TEXT NOT NULL, at_ms BIGINT NOT NULL)";
const APPLIED: &str = "SELECT id, sha256 FROM migrations ORDER BY id";
const NOTE: &str = "INSERT INTO migrations (id, sha256, at_ms) VALUES ($1, $2, $3)";

/// The schema's number in this program.
#[must_use]
pub fn newest() -> usize {
    MIGRATIONS.len()
}

/// Applies what is missing, all in one transaction; how many were applied.
///
/// # Errors
/// [`Error::Unusable`] when the database is newer or was migrated by another text.
pub async fn run(db: &Db, now: Timestamp) -> Result<usize, Error> {
    up_to(db, MIGRATIONS.len(), now).await
}

/// Applies migrations up to a number (tests of old databases).
///
/// # Errors
/// As [`run`].
pub async fn up_to(db: &Db, number: usize, now: Timestamp) -> Result<usize, Error> {
    let mut tx = db.begin().await?;
    tx.exec(CREATE, vals![]).await?;
    let applied = tx.all("migrations", APPLIED, vals![]).await?;
    for (at, row) in applied.iter().enumerate() {
        let Some(text) = MIGRATIONS.get(at) else {
            return Err(Error::Unusable(format!(
                "the database has schema {}, this program knows {}; start the newer program",
                applied.len(),
                MIGRATIONS.len()
            )));
        };
        if row.text("sha256")? != fingerprint(text) {
            return Err(Error::Unusable(format!(
                "migration {} of the database differs from this program's; the database belongs to another build",
                at + 1
            )));
        }
    }
    let missing = MIGRATIONS.iter().enumerate().take(number).skip(applied.len());
    let mut count = 0;
    for (at, text) in missing {
        Db::script(&mut tx, text).await?;
        let id = i64::try_from(at + 1).unwrap_or(i64::MAX);
        tx.exec(NOTE, vals![id, fingerprint(text), now]).await?;
        count += 1;
    }
    Tx::commit(tx).await?;
    Ok(count)
}

const COUNT: &str = "SELECT id FROM migrations ORDER BY id";

/// How many migrations the database has.
///
/// # Errors
/// [`Error::Database`], also when there is no schema at all.
pub async fn applied(db: &Db) -> Result<usize, Error> {
    Ok(db.all("migrations", COUNT, vals![]).await?.len())
}

fn fingerprint(text: &str) -> String {
    crate::files::hex(&Sha256::digest(text.as_bytes()))
}
