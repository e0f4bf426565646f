//! Drift: what a report says of elements is kept or put before people, who accept or dismiss it. A script that is healed too often
//! waits for them.

use domain::{
    drift::{
        Change, Drift, DriftEvent, DriftKind, DriftState, Remembered, WINDOW_MS, healed_nothing,
        personal, proposed, too_much,
    },
    id::{DriftId, EvidenceId, UserId},
    time::Timestamp,
    wire::Report,
};
use serde_json::json;

use super::{
    Actor, Asked, Core, Error, Result,
    change::note,
    publish::{hold_in, unhold_in},
    random,
};
use crate::{
    live::Topic,
    store::{
        Tx,
        attempts::Attempt,
        cases, drift,
        drift::Item,
        evidence,
        fingerprints::{self, Of},
        jobs::Job,
        scripts,
    },
};

/// Most elements taken from one report.
const PRINTS_MAX: usize = 400;
/// Most differences taken from one report.
const DRIFT_MAX: usize = 50;
/// Longest name of an element.
const ELEMENT_MAX: usize = 120;
/// Who holds a script when nobody asked for it.
pub(super) const DUTY: Actor = Actor::Duty("drift");

/// What a person says of an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It is the payer's new look.
    Accept,
    /// It is not.
    Dismiss,
}

/// Takes what a report says of elements. `good`: the attempt reached its end. A report is never refused for it: what does not fit is
/// left out.
pub(super) async fn told(
    tx: &mut Tx,
    job: &Job,
    attempt: &Attempt,
    report: &Report,
    good: bool,
) -> Result<()> {
    if report.drift.is_empty() && (report.prints.is_empty() || !good) {
        return Ok(());
    }
    let (_, request) = cases::opened_in(tx, job.case).await?;
    let values = personal(&serde_json::to_value(&request).unwrap_or_default());
    let of = Of { payer: &job.payer, script_sha256: &attempt.script_sha256 };
    if good && healed_nothing(&report.drift) {
        for (element, remembered) in report.prints.iter().take(PRINTS_MAX) {
            if element.len() > ELEMENT_MAX {
                continue;
            }
            let picture = own(tx, attempt, remembered.picture).await?;
            let print = remembered.print.clone().harmless(&values);
            fingerprints::put(tx, of, element, &Remembered { print, picture }, attempt.id).await?;
        }
    }
    if report.drift.is_empty() {
        return Ok(());
    }
    let pictures = fingerprints::pictures_in(tx, of).await?;
    // In one order, so that two reports never wait for each other in a circle.
    let mut drift: Vec<Drift> = report.drift.iter().take(DRIFT_MAX).cloned().collect();
    drift.sort_by(|a, b| (&a.element, a.kind.word()).cmp(&(&b.element, b.kind.word())));
    for seen in drift {
        let mut seen = seen.harmless(&values);
        if seen.element.is_empty() || seen.element.len() > ELEMENT_MAX {
            continue;
        }
        seen.before_picture = pictures.get(&seen.element).copied();
        seen.now_picture = own(tx, attempt, seen.now_picture).await?;
        record(tx, of, attempt, seen).await?;
    }
    hold_if_too_much(tx, &attempt.script_sha256).await?;
    tx.changed(Topic::Scripts);
    Ok(())
}

/// A picture that is an item of this very attempt's evidence.
async fn own(
    tx: &mut Tx,
    attempt: &Attempt,
    picture: Option<EvidenceId>,
) -> Result<Option<EvidenceId>> {
    let Some(id) = picture else { return Ok(None) };
    let known = evidence::find_in(tx, id).await?;
    Ok(known.filter(|item| item.attempt == attempt.id).map(|item| item.id))
}

async fn record(tx: &mut Tx, of: Of<'_>, attempt: &Attempt, seen: Drift) -> Result<()> {
    let known = drift::lock_same(tx, of.payer, of.script_sha256, &seen).await?;
    let Some(item) = known else {
        let item = Item {
            id: DriftId::new(tx.now, random()),
            payer: of.payer.to_owned(),
            script: scripts::get_in(tx, of.script_sha256).await?.script,
            script_sha256: of.script_sha256.to_owned(),
            seen,
            state: DriftState::Open,
            decided_at: None,
            sightings: 1,
            unreviewed: 1,
            first_seen_at: tx.now,
            last_seen_at: tx.now,
            rev: 0,
        };
        if drift::insert(tx, &item).await? {
            drift::saw(tx, item.id, attempt.id).await?;
            let detail = json!({"kind": item.seen.kind.word(), "element": item.seen.element, "script": item.script,
                                "attempt": attempt.id});
            note(tx, &Actor::Agent(attempt.agent), "drift.seen", item.id, detail);
            return Ok(());
        }
        // Another report was first at this very moment.
        let known = drift::lock_same(tx, of.payer, of.script_sha256, &item.seen).await?;
        return match known {
            Some(known) => again(tx, attempt, known, item.seen).await,
            None => Ok(()),
        };
    };
    again(tx, attempt, item, seen).await
}

/// An attempt saw what is known already.
async fn again(tx: &mut Tx, attempt: &Attempt, mut item: Item, seen: Drift) -> Result<()> {
    if !drift::saw(tx, item.id, attempt.id).await? {
        return Ok(());
    }
    let event = DriftEvent::Seen { same: same(&item.seen, &seen) };
    let next = item.state.next(seen.kind, &event)?;
    item.sightings = item.sightings.saturating_add(1);
    item.last_seen_at = tx.now;
    match (&item.state, &next) {
        (DriftState::Open, _) => item.unreviewed = item.unreviewed.saturating_add(1),
        (_, DriftState::Open) => {
            item.unreviewed = 1;
            item.decided_at = None;
            let detail = json!({"kind": seen.kind.word(), "element": seen.element});
            note(tx, &Actor::Agent(attempt.agent), "drift.seen_again", item.id, detail);
        }
        _ => {}
    }
    if matches!(next, DriftState::Open) {
        // What a person judged stays as it was judged.
        item.seen = seen;
    }
    item.state = next;
    drift::save(tx, &mut item).await?;
    Ok(())
}

/// Whether a judgement of the one is a judgement of the other.
fn same(known: &Drift, seen: &Drift) -> bool {
    match seen.kind {
        DriftKind::Healed | DriftKind::Suggested => known.proposal == seen.proposal,
        DriftKind::FallbackUsed => known.detail == seen.detail,
        DriftKind::FormChanged
        | DriftKind::FetchedDiffers
        | DriftKind::ScreenUnknown
        | DriftKind::MeaningChanged => true,
    }
}

async fn why_held(tx: &mut Tx, script_sha256: &str) -> Result<Option<String>> {
    let since = tx.now.plus_ms(-WINDOW_MS);
    let (different, _) = drift::healed_since(tx, script_sha256, since).await?;
    let (_, most) = drift::healed_since(tx, script_sha256, Timestamp::from_ms(0)).await?;
    let strangers = drift::strangers_since(tx, script_sha256, since).await?;
    Ok(too_much(most, different, strangers))
}

async fn hold_if_too_much(tx: &mut Tx, script_sha256: &str) -> Result<()> {
    if let Some(reason) = why_held(tx, script_sha256).await? {
        match hold_in(tx, &DUTY, script_sha256, &reason).await {
            // Somebody changes it at this moment; the next healing looks again.
            Ok(_) | Err(Error::Store(crate::store::Error::Conflict { .. })) => {}
            Err(other) => return Err(other),
        }
    }
    Ok(())
}

/// A person accepts or dismisses an item, of which `seen` is the revision the person saw. A script that was held because of healings
/// goes on when none are left that would hold it.
///
/// # Errors
/// [`Error::Refused`] when it is decided already; [`Error::Invalid`] for a reason that says nothing; conflict when it changed meanwhile.
pub async fn decide(
    core: &Core,
    by: UserId,
    (id, seen): (DriftId, Option<i64>),
    verdict: Verdict,
    reason: &str,
    now: Timestamp,
) -> Result<Item> {
    let asked = Asked::new(Actor::Person(by), reason, seen)?;
    let mut tx = core.store.begin(now).await?;
    let mut item = drift::lock(&mut tx, id).await?;
    asked.fits_as(item.rev, item.state.word())?;
    let reason = asked.reason.clone();
    let (event, act) = match verdict {
        Verdict::Accept => (DriftEvent::Accept { by, reason }, "drift.accepted"),
        Verdict::Dismiss => (DriftEvent::Dismiss { by, reason }, "drift.dismissed"),
    };
    let kind = item.seen.kind;
    item.state = item.state.next(kind, &event)?;
    item.decided_at = Some(now);
    item.unreviewed = 0;
    drift::save(&mut tx, &mut item).await?;
    let t = &mut tx;
    if verdict == Verdict::Accept {
        remember(t, &item).await?;
    }
    let detail = json!({"kind": kind.word(), "element": item.seen.element, "script": item.script});
    asked.note(t, act, id, detail);
    let script = scripts::get_in(t, &item.script_sha256).await?;
    let held_by_us = script.held_by.as_deref() == Some(DUTY.to_string().as_str());
    if held_by_us && why_held(t, &item.script_sha256).await?.is_none() {
        unhold_in(t, &asked.actor, &item.script_sha256, &asked.reason).await?;
    }
    t.changed(Topic::Scripts);
    t.changed(Topic::Ready);
    tx.commit().await?;
    Ok(item)
}

/// The element is remembered as it was accepted.
async fn remember(tx: &mut Tx, item: &Item) -> Result<()> {
    let healing = matches!(item.seen.kind, DriftKind::Healed | DriftKind::Suggested);
    let (Some(print), true) = (item.seen.now.clone(), healing) else { return Ok(()) };
    let Some(attempt) = drift::newest_attempt_in(tx, item.id).await? else { return Ok(()) };
    let of = Of { payer: &item.payer, script_sha256: &item.script_sha256 };
    let remembered = Remembered { print, picture: item.seen.now_picture };
    fingerprints::put(tx, of, &item.seen.element, &remembered, attempt).await.map_err(Error::from)
}

/// The change of the script's text that an item proposes, as its own bundle is written.
///
/// # Errors
/// Not found when the bundle is gone.
pub async fn change(core: &Core, item: &Item) -> Result<Option<Change>> {
    Ok(change_in(&scripts::get(&core.store, &item.script_sha256).await?, item))
}

/// [`change`] in a bundle that was read already.
#[must_use]
pub fn change_in(script: &scripts::Script, item: &Item) -> Option<Change> {
    proposed(&script.files, &item.seen.source, &item.seen.proposal)
}
