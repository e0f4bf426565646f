//! What a payer tells by itself: a notification of our subscription there (FHIR PAS). It is never taken as an answer, since whoever has
//! the address and the key could write one. It says that asking is worth it: the status is asked for at once, by the payer's
//! channel, with its evidence and at its pace.

use std::collections::BTreeSet;

use domain::{
    channel::{Channel, Notices},
    id::CaseId,
    job::Task,
    time::Timestamp,
};
use exchange::pas::{
    answer::Answer,
    notice::{Forged, Notice, Seen, Verdict},
};
use serde_json::json;

use super::{Actor, Core, Error, Result, change::note, intake::further_job, secret};
use crate::store::{Tx, cases, payer_events, payers, references};

const NEWS: Actor = Actor::Duty("news");

/// What was made of a notification.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Told {
    /// Status checks that were planned.
    pub checks: usize,
    /// It had come before.
    pub again: bool,
}

/// The subscription at a payer whose notifications this key belongs to.
///
/// # Errors
/// [`Error::Refused`] `unauthenticated`: another key, or a payer that tells nothing.
pub async fn heard(core: &Core, payer: &str, key: &str, now: Timestamp) -> Result<Notices> {
    let mut tx = core.store.begin(now).await?;
    let known = payers::find_in(&mut tx, payer).await?;
    let way = known.as_ref().and_then(|known| known.profile.way(Channel::FhirPas));
    if let Some(notices) = way.and_then(|way| way.notices.clone())
        && secret::is(&mut tx, (payer, Channel::FhirPas), &notices.secret, key).await?
    {
        return Ok(notices);
    }
    let because = "send `Authorization: Bearer <key>` as the subscription says it";
    Err(Error::refused("unauthenticated", because))
}

/// Takes a notification in: durable when this returns. `digest` is one of its bytes.
///
/// # Errors
/// Not found: it is not from that subscription, or says something else than what came under its number.
pub async fn told(
    core: &Core,
    payer: &str,
    notices: &Notices,
    (notice, digest): (&Notice, &str),
    now: Timestamp,
) -> Result<Told> {
    let mut tx = core.store.begin(now).await?;
    // One at a time: what comes second sees what the first left.
    payers::lock(&mut tx, payer).await?;
    let at = (payer, notices.subscription.as_str());
    let known = payer_events::of(&mut tx, at).await?;
    let newest = known.came.keys().next_back().copied().unwrap_or_default();
    let seen = Seen { newest, digests: known.came };
    let (news, missing) = match seen.judge(&notices.subscription, notice, digest) {
        Verdict::News { missing } => (true, missing),
        Verdict::OutOfOrder => (true, Vec::new()),
        Verdict::Alive { missing } => (false, missing),
        Verdict::Again => return Ok(Told { checks: 0, again: true }),
        Verdict::Forged(why) => return forged(tx, payer, why).await,
    };
    let missing: Vec<u64> = missing.into_iter().filter(|n| !known.asked.contains(n)).collect();
    for number in &missing {
        payer_events::keep(&mut tx, at, *number, "").await?;
    }
    for event in notice.events.iter().filter(|_| news) {
        payer_events::keep(&mut tx, at, event.number, digest).await?;
    }
    let events: Vec<u64> = notice.events.iter().map(|event| event.number).collect();
    note(&mut tx, &NEWS, "payer.told", payer, json!({"events": events, "missing": missing.len()}));
    tx.commit().await?;
    let numbers = numbers(notice);
    // News that name nothing, or that were lost, may be about any request that waits.
    let all = !missing.is_empty() || (news && numbers.is_empty());
    let checks = if news || all { ask(core, payer, &numbers, all, now).await? } else { 0 };
    Ok(Told { checks, again: false })
}

async fn forged(mut tx: Tx, payer: &str, why: Forged) -> Result<Told> {
    let because = match why {
        Forged::Subscription => "another subscription",
        Forged::Topic => "another topic",
        Forged::Content => "another content under a number that came before",
        Forged::Focus => "an event about something that did not come with it",
    };
    tracing::warn!(payer, because, "a notification is not from our subscription");
    note(&mut tx, &NEWS, "payer.notice_refused", payer, json!({"because": because}));
    tx.commit().await?;
    Err(crate::store::Error::NotFound("subscription").into())
}

/// Every number that the answers in a notification have; of what cannot be read there is none.
fn numbers(notice: &Notice) -> BTreeSet<String> {
    let answers = notice.bundles.iter().filter_map(|bundle| Answer::read(bundle).ok());
    let mut numbers = BTreeSet::new();
    for read in answers {
        let answer = read.what;
        numbers.extend(answer.number);
        numbers.extend(answer.id.map(|key| key.value));
        for line in answer.lines {
            numbers.extend(line.review.and_then(|review| review.number));
            numbers.extend(line.pend_number);
            numbers.extend(line.previous_number);
        }
    }
    numbers
}

/// Plans a status check of the payer's requests that wait for an answer: of those with one of these numbers, or of all.
async fn ask(
    core: &Core,
    payer: &str,
    numbers: &BTreeSet<String>,
    all: bool,
    now: Timestamp,
) -> Result<usize> {
    let mut planned = 0;
    for (case, of, _) in cases::waiting_for_answer(&core.store).await? {
        if of.id == payer && (all || is_named(core, case, numbers).await?) {
            planned += usize::from(check(core, case, now).await?);
        }
    }
    Ok(planned)
}

async fn is_named(core: &Core, case: CaseId, numbers: &BTreeSet<String>) -> Result<bool> {
    let known = references::of_case(&core.store, case).await?;
    Ok(known.iter().any(|kept| numbers.contains(&kept.reference.value)))
}

/// Plans a status check; false where none can be now.
async fn check(core: &Core, case: CaseId, now: Timestamp) -> Result<bool> {
    let mut tx = core.store.begin(now).await?;
    let wanted = (case, Task::AuthStatus, Some("the payer told of news"));
    match further_job(&mut tx, core, &NEWS, wanted).await {
        Ok(_) => {
            tx.commit().await?;
            Ok(true)
        }
        Err(Error::Refused { because, .. } | Error::Invalid { reason: because, .. }) => {
            tracing::debug!(case.id = %case, because, "no status check can be planned now");
            Ok(false)
        }
        Err(other) => Err(other),
    }
}
