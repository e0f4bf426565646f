//! Doubts: the payer recorded the request (or did not) and its answer was lost. Settled by looking, never by a second click.

use anyhow::Result;
use tests::portal::Fault;

use super::{all_fired, arm, ask_for, end, fleet, numbers, settled, submissions};

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
    let (job, counts) = with_fault("doubt-cut-before-record", Fault::new("F04")).await?;
    assert_eq!(job["state"], "done", "{job}");
    assert_eq!(counts.1, 1, "one submission on record in the end");
    Ok(())
}
