//! A row is a system that wants to be told of answers, with its numbered events (`notices`). The resource is sealed: it holds where
//! to and the secrets sent along.

use domain::{id::CaseId, time::Timestamp};

use super::{Error, Store, Tx, db, open_text, seal_text};
use crate::{seal::Seal, vals};

/// A subscription.
#[derive(Clone)]
pub struct Subscription {
    /// Which.
    pub id: String,
    /// Whose requests: National Provider Identifier.
    pub organization: String,
    /// `requested`, `active`, `error`, `off`.
    pub state: String,
    /// The resource as it came. Holds secrets.
    pub resource: String,
    /// Events so far.
    pub events: i64,
    /// Failed calls since the last good one.
    pub tries: u32,
    /// Not before.
    pub due_at: Timestamp,
    /// Last good call.
    pub told_at: Option<Timestamp>,
    /// When it was made.
    pub created_at: Timestamp,
}

impl std::fmt::Debug for Subscription {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Subscription({}, {})", self.id, self.state)
    }
}

fn read(row: &db::Row, seal: &Seal) -> Result<Subscription, Error> {
    let id = row.text("id")?;
    Ok(Subscription {
        organization: row.text("organization")?,
        state: row.text("state")?,
        resource: open_text(seal, "subscriptions", "resource", &id, &row.text("resource")?)?,
        events: row.int("events")?,
        tries: row.count("tries")?,
        due_at: row.at("due_at_ms")?,
        told_at: row.opt_at("told_at_ms")?,
        created_at: row.at("created_at_ms")?,
        id,
    })
}

const INSERT: &str = "INSERT INTO subscriptions (id, organization, state, resource, due_at_ms, created_by, created_at_ms) \
     VALUES ($1, $2, 'requested', $3, $4, $5, $4)";
const LOCK: &str = "UPDATE subscriptions SET state = state WHERE id = $1 RETURNING *";
const SAVE: &str = "UPDATE subscriptions SET state = $2, events = $3, tries = $4, due_at_ms = $5, told_at_ms = $6 WHERE id = $1";
const ADD: &str = "INSERT INTO notices (subscription_id, number, case_id, job_id, created_at_ms) VALUES ($1, $2, $3, $4, $5)";
const SENT: &str = "UPDATE notices SET sent_at_ms = $3 WHERE subscription_id = $1 AND number = $2 AND sent_at_ms IS NULL";
const NEWS: &str = "SELECT jobs.id AS id, jobs.case_id AS case_id FROM jobs \
     JOIN exchanges ON exchanges.case_id = jobs.case_id AND exchanges.standard = 'pas' \
     WHERE exchanges.organization = $1 AND jobs.state IN ('done', 'failed', 'cancelled') AND jobs.ended_at_ms >= $2 \
     AND NOT EXISTS (SELECT 1 FROM notices WHERE notices.subscription_id = $3 AND notices.job_id = jobs.id) \
     ORDER BY jobs.ended_at_ms, jobs.id LIMIT 100";
const GET: &str = "SELECT * FROM subscriptions WHERE id = $1";
const LIVE: &str = "SELECT * FROM subscriptions WHERE state IN ('requested', 'active') ORDER BY id";
const NEXT: &str = "SELECT case_id AS id, number FROM notices WHERE subscription_id = $1 AND sent_at_ms IS NULL ORDER BY number LIMIT 1";

/// Makes a subscription.
///
/// # Errors
/// [`Error::Unique`] when the organization has one.
pub async fn insert(
    tx: &mut Tx,
    (id, organization, resource): (&str, &str, &str),
    created_by: &str,
) -> Result<(), Error> {
    let now = tx.now;
    let sealed = seal_text(&tx.seal, "subscriptions", "resource", id, resource);
    tx.exec(INSERT, vals![id, organization, sealed, now, created_by]).await?;
    Ok(())
}

/// Reads a subscription and keeps everyone else from changing it until the transaction ends.
///
/// # Errors
/// [`Error::NotFound`].
pub async fn lock(tx: &mut Tx, id: &str) -> Result<Subscription, Error> {
    let row = tx.opt("subscriptions", LOCK, vals![id]).await?;
    read(&row.ok_or(Error::NotFound("subscription"))?, &tx.seal)
}

/// Stores state, counts and times.
///
/// # Errors
/// [`Error::Database`].
pub async fn save(tx: &mut Tx, s: &Subscription) -> Result<(), Error> {
    let values = vals![&s.id, &s.state, s.events, s.tries, s.due_at, s.told_at];
    tx.exec(SAVE, values).await?;
    Ok(())
}

/// Keeps an event.
///
/// # Errors
/// [`Error::Unique`] when this job was told already.
pub async fn add_notice(
    tx: &mut Tx,
    id: &str,
    number: i64,
    (case, job): (&str, &str),
) -> Result<(), Error> {
    let now = tx.now;
    tx.exec(ADD, vals![id, number, case, job, now]).await?;
    Ok(())
}

/// Notes that an event was taken by the other side.
///
/// # Errors
/// [`Error::Database`].
pub async fn sent(tx: &mut Tx, id: &str, number: i64) -> Result<(), Error> {
    let now = tx.now;
    tx.exec(SENT, vals![id, number, now]).await?;
    Ok(())
}

/// Cases and jobs that ended and are no events yet.
///
/// # Errors
/// [`Error::Database`].
pub async fn news_in(tx: &mut Tx, s: &Subscription) -> Result<Vec<(String, String)>, Error> {
    let rows = tx.all("jobs", NEWS, vals![&s.organization, s.created_at, &s.id]).await?;
    rows.iter().map(|r| Ok((r.text("case_id")?, r.text("id")?))).collect()
}

// Reads for pages and API.

/// One subscription.
///
/// # Errors
/// [`Error::NotFound`].
pub async fn get(store: &Store, id: &str) -> Result<Subscription, Error> {
    let row = store.db.opt("subscriptions", GET, vals![id]).await?;
    read(&row.ok_or(Error::NotFound("subscription"))?, &store.seal)
}

/// Those that are to be told.
///
/// # Errors
/// [`Error::Database`].
pub async fn live(store: &Store) -> Result<Vec<Subscription>, Error> {
    let rows = store.db.all("subscriptions", LIVE, vals![]).await?;
    rows.iter().map(|r| read(r, &store.seal)).collect()
}

/// Whether there is something that is no event yet.
///
/// # Errors
/// [`Error::Database`].
pub async fn has_news(store: &Store, s: &Subscription) -> Result<bool, Error> {
    let rows = store.db.all("jobs", NEWS, vals![&s.organization, s.created_at, &s.id]).await?;
    Ok(!rows.is_empty())
}

/// The oldest event that was not taken yet: its number and case.
///
/// # Errors
/// [`Error::Database`].
pub async fn next(store: &Store, id: &str) -> Result<Option<(i64, CaseId)>, Error> {
    let row = store.db.opt("notices", NEXT, vals![id]).await?;
    row.map(|r| Ok((r.int("number")?, r.parse("id")?))).transpose()
}
