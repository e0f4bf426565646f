//! Doubts: the payer recorded the request (or did not) and its answer was lost. Settled by looking, never by a second click.

use anyhow::Result;
use tests::portal::Fault;

use super::{
    PATIENCE, all_fired, arm, ask_for, end, exception_of, fleet, name_of, numbers, on_record,
    record_of, settled, submissions,
};

async fn with_fault(story: &str, fault: Fault) -> Result<(serde_json::Value, (usize, usize))> {
    let fleet = fleet(story, "crestline", 1).await?;
    arm(&fleet, "crestline", fault.at("submit")).await?;
    let job = settled(&fleet, &ask_for(&fleet, "crestline", "M01", "70551", 7).await?).await?;
    let counts = submissions(&fleet.truth("crestline")).await?;
    all_fired(&fleet, "crestline").await?;
    end(fleet).await?;
    Ok((job, counts))
}

#[tokio::test(flavor = "multi_thread")]
async fn recorded_then_an_error_page_is_found_by_looking() -> Result<()> {
    let (job, counts) = with_fault("doubt-502-after-record", Fault::new("F05")).await?;
    assert_eq!(job["state"], "done", "{job}");
    assert_eq!(counts, (1, 1), "one submission arrived and was recorded");
    assert_eq!(job["outcome"]["via"], "reconcile", "{job}");
    assert!(!numbers(&job).is_empty(), "the number was adopted: {job}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn recorded_then_cut_is_found_by_looking() -> Result<()> {
    let (job, counts) = with_fault("doubt-cut-after-record", Fault::new("F06")).await?;
    assert_eq!(job["state"], "done", "{job}");
    // Chromium repeats a POST by itself where it can; the gate leaves it no connection to do so.
    assert_eq!(counts, (1, 1), "one submission arrived and was recorded");
    assert!(!numbers(&job).is_empty());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn never_recorded_is_sent_once_more_only_after_absence_is_proved() -> Result<()> {
    let fleet = fleet("doubt-cut-before-record", "crestline", 1).await?;
    on_record(&fleet, "crestline", "M01").await?;
    arm(&fleet, "crestline", Fault::new("F04").at("submit")).await?;
    let job = settled(&fleet, &ask_for(&fleet, "crestline", "M01", "70551", 7).await?).await?;
    assert_eq!(job["state"], "done", "{job}");
    let record = record_of(&fleet, "crestline", "70551").await?;
    assert_eq!(record.recorded, 1, "one submission on record in the end: {record:?}");
    all_fired(&fleet, "crestline").await?;
    end(fleet).await
}

/// The source of the search is down all the time: it shows nothing, not even what is known to be there. That is no absence, however
/// often it is said: a person is asked, and nothing is sent again.
#[tokio::test(flavor = "multi_thread")]
async fn a_search_that_shows_nothing_known_proves_nothing() -> Result<()> {
    let fleet = fleet("doubt-search-down", "crestline", 1).await?;
    on_record(&fleet, "crestline", "M01").await?;
    arm(&fleet, "crestline", Fault::new("F04").at("submit")).await?;
    let job = ask_for(&fleet, "crestline", "M01", "70551", 7).await?;
    let received = |entry: &serde_json::Value| entry["fields"]["lines"][0]["code"] == "70551";
    fleet.truth("crestline").wait_for("submit_received", PATIENCE, received).await?;
    arm(&fleet, "crestline", Fault::new("F49").at("search").times(100)).await?;
    let settled = settled(&fleet, &job).await?;
    assert_eq!(settled["state"], "waiting", "{settled}");
    let question = exception_of(&fleet, &job).await?;
    assert_eq!(question["kind"], "in_doubt", "{question}");
    assert_eq!(name_of(&question["failure"]), "search_unproved", "{question}");
    let record = record_of(&fleet, "crestline", "70551").await?;
    assert_eq!((record.received, record.recorded), (1, 0), "{record:?}");
    end(fleet).await
}
