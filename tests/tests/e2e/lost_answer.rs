//! The click was made and its answer is wrong, late, doubled or nothing at all. The payer's record says what really happened: one
//! request, whatever the network or the page itself would have repeated, and the number that belongs to it.

use anyhow::Result;
use serde_json::Value;
use tests::{
    fleet::{Fleet, Options},
    portal::Fault,
};

use super::{
    PATIENCE, all_fired, arm, ask_for, end, fleet, options, record_of, settled, submissions,
};

/// Submits one request at Crestline under a fault of its submit and waits until it is settled.
async fn spoilt(fleet: &Fleet, fault: Fault, code: &str, days: i64) -> Result<Value> {
    arm(fleet, "crestline", fault.at("submit")).await?;
    let job = settled(fleet, &ask_for(fleet, "crestline", "M01", code, days).await?).await?;
    all_fired(fleet, "crestline").await?;
    Ok(job)
}

/// The answer is lost in a way that invites a browser to send the request once more.
#[tokio::test(flavor = "multi_thread")]
async fn a_browser_that_would_send_it_again_does_not() -> Result<()> {
    let fleet = fleet("lost-transport", "crestline", 1).await?;
    for (fault, code, days) in [("F41", "70551", 7), ("F42", "E0601", 14)] {
        let job = spoilt(&fleet, Fault::new(fault), code, days).await?;
        record_of(&fleet, "crestline", code).await?.is_once_and_known(&job);
        assert_eq!(job["outcome"]["via"], "reconcile", "{fault}: {job}");
    }
    end(fleet).await
}

/// The page's own script sends it again: on an error, and because its button fires twice.
#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_sends_it_again_is_not_let() -> Result<()> {
    let fleet = fleet("lost-page-retry", "crestline", 1).await?;
    arm(&fleet, "crestline", Fault::new("F43").at("review")).await?;
    arm(&fleet, "crestline", Fault::new("F05").at("submit").times(4)).await?;
    let job = settled(&fleet, &ask_for(&fleet, "crestline", "M01", "70551", 7).await?).await?;
    record_of(&fleet, "crestline", "70551").await?.is_once_and_known(&job);
    all_fired(&fleet, "crestline").await?;

    arm(&fleet, "crestline", Fault::new("F43").doing("double-button").at("review")).await?;
    let job = settled(&fleet, &ask_for(&fleet, "crestline", "M01", "E0601", 14).await?).await?;
    record_of(&fleet, "crestline", "E0601").await?.is_once_and_known(&job);
    all_fired(&fleet, "crestline").await?;
    end(fleet).await
}

/// The confirmation breaks off, says something else besides, or shows an error although the request is on record.
#[tokio::test(flavor = "multi_thread")]
async fn a_confirmation_that_contradicts_itself_is_settled_by_looking() -> Result<()> {
    let fleet = fleet("lost-confirmation", "crestline", 1).await?;
    for (fault, code, days) in [("F07", "70551", 7), ("F37", "E0601", 14), ("F47", "K0005", 21)] {
        let job = spoilt(&fleet, Fault::new(fault), code, days).await?;
        record_of(&fleet, "crestline", code).await?.is_once_and_known(&job);
    }
    end(fleet).await
}

/// A number in a shape never seen is taken as it is; the number of the request before is not taken at all.
#[tokio::test(flavor = "multi_thread")]
async fn a_strange_number_is_taken_and_a_stale_one_is_not() -> Result<()> {
    let fleet = fleet("lost-number", "crestline", 1).await?;
    let strange = spoilt(&fleet, Fault::new("F31"), "70551", 7).await?;
    let first = record_of(&fleet, "crestline", "70551").await?;
    first.is_once_and_known(&strange);
    assert!(first.numbers[0].contains('-'), "the shape has changed: {first:?}");

    let stale = spoilt(&fleet, Fault::new("F48"), "E0601", 14).await?;
    record_of(&fleet, "crestline", "E0601").await?.is_once_and_known(&stale);
    assert_eq!(stale["outcome"]["via"], "reconcile", "what was shown was no proof: {stale}");
    end(fleet).await
}

/// The answer never comes.
#[tokio::test(flavor = "multi_thread")]
async fn silence_is_a_doubt_and_settled_by_looking() -> Result<()> {
    let fleet = fleet("lost-silence", "crestline", 1).await?;
    let job = spoilt(&fleet, Fault::new("F46"), "70551", 7).await?;
    record_of(&fleet, "crestline", "70551").await?.is_once_and_known(&job);
    assert_eq!(job["outcome"]["via"], "reconcile", "{job}");
    end(fleet).await
}

/// The payer says "try later" and records the request only after the first search found nothing: the quiet time between two
/// searches keeps the fleet from sending it again.
#[tokio::test(flavor = "multi_thread")]
async fn recorded_late_is_found_by_the_second_search() -> Result<()> {
    let fleet =
        Fleet::start(Options { record_delay_ms: 15_000, ..options("lost-late", "crestline") })
            .await?;
    let truth = fleet.truth("crestline");
    let late = Fault::new("F08").doing("records-late(3600)").at("submit");
    arm(&fleet, "crestline", late).await?;
    let job = ask_for(&fleet, "crestline", "M01", "70551", 7).await?;
    let asked = truth.wait_for("submit_received", PATIENCE, |_| true).await?["seq"].as_u64();
    // The first search after the click; three times the payer's delay later the second one follows.
    truth.wait_for("list", PATIENCE, |entry| entry["seq"].as_u64() > asked).await?;
    assert_eq!(submissions(&truth).await?, (1, 0), "nothing is on record yet");
    fleet.control("crestline").advance("PT61M").await?;
    let job = settled(&fleet, &job).await?;
    record_of(&fleet, "crestline", "70551").await?.is_once_and_known(&job);
    all_fired(&fleet, "crestline").await?;
    end(fleet).await
}

/// One search comes back empty because its source is down: that is not absence.
#[tokio::test(flavor = "multi_thread")]
async fn one_empty_search_proves_nothing() -> Result<()> {
    let fleet = fleet("lost-empty-search", "crestline", 1).await?;
    arm(&fleet, "crestline", Fault::new("F05").at("submit")).await?;
    let job = ask_for(&fleet, "crestline", "M01", "70551", 7).await?;
    fleet.truth("crestline").wait_for("submit_committed", PATIENCE, |_| true).await?;
    arm(&fleet, "crestline", Fault::new("F49").at("search")).await?;
    let job = settled(&fleet, &job).await?;
    record_of(&fleet, "crestline", "70551").await?.is_once_and_known(&job);
    all_fired(&fleet, "crestline").await?;
    end(fleet).await
}
