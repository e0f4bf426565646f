//! X12 in real time, over CORE connectivity, at a payer that has a portal too: questions, a submission whose answer is lost, and
//! receipts that reject.

use anyhow::{Context as _, Result};
use serde_json::{Value, json};
use tests::{
    fleet::{Fleet, Options, fallback, requests, sshd},
    portal::Fault,
};

use super::{
    PATIENCE, arm, end, exception_of, failure_of, numbers, options, record_of, settled,
    submissions, take_in,
};

const PAYER: &str = "larkfield";

async fn by_x12(story: &str) -> Result<Fleet> {
    Fleet::start(Options { edi: true, ..options(story, PAYER) }).await
}

/// Asks, and gives the settled job with the channel that answered.
async fn asked(fleet: &Fleet, request: &Value) -> Result<(Value, Option<String>)> {
    let (_, job) = take_in(fleet, PAYER, request).await?;
    let done = settled(fleet, &job).await?;
    Ok((done, fallback::answered_by(fleet, &job).await?))
}

#[tokio::test(flavor = "multi_thread")]
async fn questions_are_answered_in_x12_and_a_rejection_is_no_denial() -> Result<()> {
    let fleet = by_x12("edi-questions").await?;
    let x12 = Some("x12_core".to_owned());

    let (job, by) = asked(&fleet, &requests::eligibility("M06")).await?;
    assert_eq!((&job["outcome"]["answer"], &by), (&json!("coverage_active"), &x12), "{job}");
    let facts = job["outcome"]["facts"].to_string();
    assert!(facts.contains("2000.00") && !facts.contains("deductible_left"), "{facts}");

    let (job, by) = asked(&fleet, &requests::claim_status("PC09")).await?;
    assert_eq!(by, x12, "{job}");
    assert!(!numbers(&job).is_empty(), "the claim's number is taken over: {job}");

    let filed = fallback::on_file(&fleet, 7, 2).await?;
    let job = fallback::check(&fleet, &filed[1..]).await?.remove(0);
    let done = settled(&fleet, &job).await?;
    assert_eq!(done["outcome"]["answer"], "pended_review", "{done}");
    assert_eq!(fallback::answered_by(&fleet, &job).await?, x12);
    assert!(numbers(&done).contains(&filed[1]), "filed by hand, found by X12: {done}");

    // What was asked and answered is evidence, and names nobody.
    let attempt = fallback::attempts(&fleet, &job).await?.remove(0);
    let id = attempt["id"].as_str().context("an attempt has an id")?;
    let listed = fleet.api.get(&format!("evidence?attempt={id}&limit=50")).await?;
    let kept = listed["items"].as_array().map_or(0, Vec::len);
    assert_eq!(kept, 2, "question and answer: {listed}");

    for (reject, codes) in [("ta1", "TA1 006"), ("999", "999 5")] {
        fleet.control(PAYER).knob("edi_reject", reject).await?;
        let (_, job) = take_in(&fleet, PAYER, &requests::claim_status("PC09")).await?;
        let waits = settled(&fleet, &job).await?;
        assert_eq!(waits["state"], "waiting", "{reject}: {waits}");
        let failure = failure_of(&fleet, &job).await?;
        assert_eq!((&failure["kind"], &failure["name"]), (&json!("refused"), &json!("not_taken")));
        assert_eq!(failure["detail"], codes, "{failure}");
        exception_of(&fleet, &job).await?;
    }
    fleet.control(PAYER).knob("edi_reject", "").await?;
    end(fleet).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_278_whose_answer_is_lost_is_found_by_inquiry_and_sent_once() -> Result<()> {
    let fleet = by_x12("edi-doubt").await?;
    arm(&fleet, PAYER, Fault::new("F06").at("x12_submit")).await?;
    let request = requests::prior_auth("M06", "70551", 1, 7, None);
    let (_, job) = take_in(&fleet, PAYER, &request).await?;
    let done = settled(&fleet, &job).await?;
    assert_eq!(done["state"], "done", "{done}");
    assert_eq!(done["outcome"]["via"], "reconcile", "{done}");
    record_of(&fleet, PAYER, "70551").await?.is_once_and_known(&done);
    let tried = fallback::attempts(&fleet, &job).await?;
    assert!(tried.iter().all(|attempt| attempt["channel"] == "x12_core"), "{tried:?}");
    assert_eq!(submissions(&fleet.truth(PAYER)).await?, (1, 1));

    // Without a fault the answer itself is the proof; the service is denied or granted by the payer's own rules.
    let request = requests::prior_auth("M06", "E0601", 1, 9, None);
    let (_, job) = take_in(&fleet, PAYER, &request).await?;
    let done = settled(&fleet, &job).await?;
    assert_eq!((&done["state"], &done["outcome"]["via"]), (&json!("done"), &json!("agent")));
    record_of(&fleet, PAYER, "E0601").await?.is_once_and_known(&done);
    let truth = fleet.truth(PAYER);
    let x12 = |entry: &Value| entry["channel"] == "x12";
    truth.wait_for("submit_committed", PATIENCE, x12).await?;
    end(fleet).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_claim_is_asked_in_a_file_and_what_never_came_is_told() -> Result<()> {
    if !sshd::installed() {
        return Ok(());
    }
    let fleet = Fleet::start(Options { edi: true, ..options("edi-files", "harbor") }).await?;
    let ask = async |request: Value| -> Result<(Value, String)> {
        let (_, job) = take_in(&fleet, "harbor", &request).await?;
        Ok((settled(&fleet, &job).await?, job))
    };
    let (done, job) = ask(requests::claim_status("PC03")).await?;
    assert_eq!(done["state"], "done", "{done}");
    assert_eq!(fallback::answered_by(&fleet, &job).await?.as_deref(), Some("x12_sftp"));
    let truth = fleet.truth("harbor");
    let status = truth.of_kind("status").await?;
    assert!(status.iter().any(|entry| entry["channel"] == "sftp"), "{status:?}");
    assert_eq!(truth.of_kind("batch_in").await?.len(), 1);

    // Nothing of the patient stands in the names of files.
    let attempt = fallback::attempts(&fleet, &job).await?.remove(0);
    let id = attempt["id"].as_str().context("an attempt has an id")?;
    let listed = fleet.api.get(&format!("evidence?attempt={id}&limit=50")).await?;
    assert_eq!(listed["items"].as_array().map_or(0, Vec::len), 2, "{listed}");

    let (done, _) = ask(requests::eligibility("M10")).await?;
    assert_eq!(done["outcome"]["answer"], "coverage_active", "{done}");

    fleet.control("harbor").knob("edi_reject", "999").await?;
    let (waits, job) = ask(requests::claim_status("PC03")).await?;
    assert_eq!(waits["state"], "waiting", "{waits}");
    assert_eq!(failure_of(&fleet, &job).await?["name"], "not_taken");
    fleet.control("harbor").knob("edi_reject", "").await?;

    fleet.control("harbor").knob("batch_silent", true).await?;
    let (waits, job) = ask(requests::claim_status("PC03")).await?;
    assert_eq!(waits["state"], "waiting", "{waits}");
    let failure = failure_of(&fleet, &job).await?;
    assert_eq!(failure["name"], "never_came", "{failure}");
    let detail = failure["detail"].as_str().unwrap_or_default();
    assert!(detail.starts_with("999 did not come until "), "{failure}");
    end(fleet).await
}
