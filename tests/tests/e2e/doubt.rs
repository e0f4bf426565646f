//! Doubts: the payer recorded the request (or did not) and its answer was lost. Settled by looking, never by a second click.

use anyhow::Result;
use tests::{fleet::requests, portal::Fault};

use super::{PATIENCE, exception_of, fleet, numbers, submissions, take_in};

async fn with_fault(
    story: &str,
    fault: Fault,
) -> Result<(serde_json::Value, (usize, usize), Option<serde_json::Value>)> {
    let fleet = fleet(story, "crestline", 1).await?;
    fleet.control("crestline").fault(&fault.at("submit")).await?;
    let note = fleet.api.document(requests::note_pdf("Clinical note")).await?;
    let request = requests::prior_auth("M01", "70551", 1, 7, Some(&note));
    let (_, job) = take_in(&fleet, "crestline", &request).await?;
    let job = fleet.api.job_until(&job, &["done", "waiting", "failed"], PATIENCE).await?;
    let counts = submissions(&fleet.truth("crestline")).await?;
    let fired = fleet.control("crestline").faults().await?;
    assert!(fired.iter().all(|f| f.fired > 0), "the fault never fired: {fired:?}");
    let exception = match job["state"].as_str() {
        Some("waiting") => {
            Some(exception_of(&fleet, job["id"].as_str().unwrap_or_default()).await?)
        }
        _ => None,
    };
    fleet.end().await?;
    Ok((job, counts, exception))
}

#[tokio::test(flavor = "multi_thread")]
async fn recorded_then_an_error_page_is_found_by_looking() -> Result<()> {
    let (job, counts, _) = with_fault("doubt-502-after-record", Fault::new("F05")).await?;
    assert_eq!(job["state"], "done", "{job}");
    assert_eq!(counts, (1, 1), "one submission arrived and was recorded");
    assert_eq!(job["outcome"]["via"], "reconcile", "{job}");
    assert!(!numbers(&job).is_empty(), "the number was adopted: {job}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn recorded_then_cut_is_found_by_looking() -> Result<()> {
    let (job, counts, _) = with_fault("doubt-cut-after-record", Fault::new("F06")).await?;
    assert_eq!(job["state"], "done", "{job}");
    // Chromium repeats a POST by itself where it can; the gate leaves it no connection to do so.
    assert_eq!(counts, (1, 1), "one submission arrived and was recorded");
    assert!(!numbers(&job).is_empty());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn never_recorded_is_sent_once_more_only_after_absence_is_proved() -> Result<()> {
    let (job, counts, _) = with_fault("doubt-cut-before-record", Fault::new("F04")).await?;
    assert_eq!(job["state"], "done", "{job}");
    assert_eq!(counts.1, 1, "one submission on record in the end");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_number_of_an_earlier_request_is_no_proof() -> Result<()> {
    let (job, counts, exception) = with_fault("doubt-stale-number", Fault::new("F48")).await?;
    assert_eq!(counts.1, 1);
    assert!(
        job["state"] == "done" || exception.is_some(),
        "settled by looking or by a person: {job}"
    );
    Ok(())
}
