//! Telling systems of answers: a subscription is asked for, proved by a first call, gets a numbered event for every job that ended,
//! and is given up after too many calls that failed. Events are durable before they are sent and are sent in order.

use domain::time::Timestamp;
use serde_json::json;

use super::{Actor, Core, Error, NOT_ALLOWED, Result, change::note, random};
use crate::store::{self, subscriptions, subscriptions::Subscription};

/// Failed calls after which a subscription is given up.
const TRIES_MAX: u32 = 12;
/// Longest rest between two calls, milliseconds.
const REST_MAX_MS: i64 = 15 * 60_000;

/// Makes a subscription; its id. The first call proves the address.
///
/// # Errors
/// [`Error::Refused`] when the organization has one.
pub async fn subscribe(
    core: &Core,
    actor: &Actor,
    organization: &str,
    resource: &str,
    now: Timestamp,
) -> Result<String> {
    let id = format!("sub-{:032x}", random());
    let mut tx = core.store.begin(now).await?;
    subscriptions::insert(&mut tx, (&id, organization, resource), &actor.to_string())
        .await
        .map_err(|error| match error {
            store::Error::Unique => Error::refused(
                NOT_ALLOWED,
                "this organization has a subscription; end it before making another",
            ),
            other => other.into(),
        })?;
    note(&mut tx, actor, "subscription.made", &id, json!({"organization": organization}));
    tx.commit().await?;
    Ok(id)
}

/// Ends a subscription.
///
/// # Errors
/// Not found; [`Error::Refused`] when it was ended before.
pub async fn unsubscribe(core: &Core, actor: &Actor, id: &str, now: Timestamp) -> Result<()> {
    let mut tx = core.store.begin(now).await?;
    let mut found = subscriptions::lock(&mut tx, id).await?;
    if found.state == "off" {
        return Err(Error::refused(NOT_ALLOWED, "this subscription was ended before"));
    }
    "off".clone_into(&mut found.state);
    subscriptions::save(&mut tx, &found).await?;
    note(&mut tx, actor, "subscription.ended", id, json!({"organization": found.organization}));
    tx.commit().await?;
    Ok(())
}

/// Makes events of jobs that ended.
///
/// # Errors
/// [`Error::Store`].
pub async fn gather(core: &Core, known: &Subscription, now: Timestamp) -> Result<()> {
    if !subscriptions::has_news(&core.store, known).await? {
        return Ok(());
    }
    let mut tx = core.store.begin(now).await?;
    let mut found = subscriptions::lock(&mut tx, &known.id).await?;
    for (case, job) in subscriptions::news_in(&mut tx, &found).await? {
        found.events += 1;
        subscriptions::add_notice(&mut tx, &found.id, found.events, (&case, &job)).await?;
    }
    subscriptions::save(&mut tx, &found).await?;
    tx.commit().await?;
    Ok(())
}

/// What a call came to: `event` is its number, none for a first call or a sign of life. After a failure the next call rests
/// twice as long.
///
/// # Errors
/// [`Error::Store`].
pub async fn called(
    core: &Core,
    id: &str,
    event: Option<i64>,
    good: bool,
    now: Timestamp,
) -> Result<()> {
    let mut tx = core.store.begin(now).await?;
    let mut found = subscriptions::lock(&mut tx, id).await?;
    if found.state == "off" {
        return Ok(());
    }
    if good {
        "active".clone_into(&mut found.state);
        (found.tries, found.due_at, found.told_at) = (0, now, Some(now));
        if let Some(number) = event {
            subscriptions::sent(&mut tx, id, number).await?;
        }
    } else {
        found.tries += 1;
        let rest = 1000_i64.saturating_mul(1 << found.tries.min(20));
        found.due_at = now.plus_ms(rest.min(REST_MAX_MS));
        if found.tries >= TRIES_MAX {
            "error".clone_into(&mut found.state);
            let detail = json!({"organization": found.organization, "tries": found.tries});
            note(&mut tx, &Actor::Duty("tell"), "subscription.given_up", id, detail);
        }
    }
    subscriptions::save(&mut tx, &found).await?;
    tx.commit().await?;
    Ok(())
}
