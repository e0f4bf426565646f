//! What only Harbor does: windows that write into other windows and can be blocked, a number that is a picture, a search by member
//! that can be empty because its source is down, decisions by line and by letter, one sign-on at a time.

use anyhow::Result;
use serde_json::{Value, json};
use tests::{
    fleet::{Fleet, requests},
    portal::Fault,
};

use super::{
    PATIENCE, all_fired, arm, ask_for, end, exception_of, failure_of, fleet, name_of, numbers,
    record_of, settled, submissions, take_in,
};

/// Submits one request under a fault of its submit and waits until it is settled.
async fn spoilt(fleet: &Fleet, fault: Fault, code: &str, days: i64) -> Result<Value> {
    arm(fleet, "harbor", fault.at("submit")).await?;
    let job = settled(fleet, &ask_for(fleet, "harbor", "M10", code, days).await?).await?;
    all_fired(fleet, "harbor").await?;
    Ok(job)
}

/// The picture shows the number of the request before; the answer invites a browser to repeat; an error is shown although the
/// request is on record: each time one request, and its own number.
#[tokio::test(flavor = "multi_thread")]
async fn a_form_whose_answer_is_wrong_or_lost_is_settled_by_looking() -> Result<()> {
    let fleet = fleet("harbor-lost", "harbor", 1).await?;
    let plain = settled(&fleet, &ask_for(&fleet, "harbor", "M10", "70551", 7).await?).await?;
    record_of(&fleet, "harbor", "70551").await?.is_once_and_known(&plain);
    for (fault, code, days) in [("F48", "E0601", 14), ("F42", "K0005", 21), ("F47", "A9282", 28)] {
        let job = spoilt(&fleet, Fault::new(fault), code, days).await?;
        record_of(&fleet, "harbor", code).await?.is_once_and_known(&job);
        assert_eq!(job["outcome"]["via"], "reconcile", "{fault}: {job}");
    }
    end(fleet).await
}

/// No answer at all; and a search that comes back empty because its source is down.
#[tokio::test(flavor = "multi_thread")]
async fn silence_and_an_empty_search_prove_nothing() -> Result<()> {
    let fleet = fleet("harbor-silence", "harbor", 1).await?;
    arm(&fleet, "harbor", Fault::new("F46").at("submit")).await?;
    let job = ask_for(&fleet, "harbor", "M10", "70551", 7).await?;
    fleet.truth("harbor").wait_for("submit_committed", PATIENCE, |_| true).await?;
    arm(&fleet, "harbor", Fault::new("F49").at("search")).await?;
    let job = settled(&fleet, &job).await?;
    record_of(&fleet, "harbor", "70551").await?.is_once_and_known(&job);
    all_fired(&fleet, "harbor").await?;
    end(fleet).await
}

/// The payer records one request twice: nobody repairs that by himself.
#[tokio::test(flavor = "multi_thread")]
async fn a_request_on_record_twice_is_a_persons_business() -> Result<()> {
    let fleet = fleet("harbor-twice", "harbor", 1).await?;
    arm(&fleet, "harbor", Fault::new("F45").at("submit")).await?;
    let job = spoilt(&fleet, Fault::new("F05"), "70551", 7).await?;
    assert_eq!(job["state"], "waiting", "{job}");
    assert_eq!(submissions(&fleet.truth("harbor")).await?, (1, 2), "sent once");
    let question = exception_of(&fleet, job["id"].as_str().unwrap_or_default()).await?;
    assert_eq!(question["kind"], "in_doubt", "{question}");
    assert_eq!(name_of(&question["failure"]), "found_many", "{question}");
    end(fleet).await
}

/// A blocked window leaves the member empty, and Harbor says so only after the submit: nothing is sent.
#[tokio::test(flavor = "multi_thread")]
async fn a_blocked_window_stops_before_anything_is_sent() -> Result<()> {
    let fleet = fleet("harbor-popup", "harbor", 1).await?;
    fleet.control("harbor").knob("popup", "blocked").await?;
    let job = ask_for(&fleet, "harbor", "M10", "70551", 7).await?;
    let waiting = settled(&fleet, &job).await?;
    assert_eq!(waiting["state"], "waiting", "{waiting}");
    let failure = failure_of(&fleet, &job).await?;
    name_of(&failure);
    assert_eq!(failure["step"], "open-member-window", "{failure}");
    assert_eq!(submissions(&fleet.truth("harbor")).await?, (0, 0));
    end(fleet).await
}

/// A decision comes by line and by letter: the status check brings both, and the letter itself as evidence.
#[tokio::test(flavor = "multi_thread")]
async fn a_decision_is_read_by_line_and_its_letter_is_kept() -> Result<()> {
    let fleet = fleet("harbor-letter", "harbor", 1).await?;
    let note = fleet.api.document(requests::note_pdf("Clinical note")).await?;
    let request = requests::prior_auth("M10", "K0005", 1, 7, Some(&note));
    let (case, job) = take_in(&fleet, "harbor", &request).await?;
    let job = settled(&fleet, &job).await?;
    record_of(&fleet, "harbor", "K0005").await?.is_once_and_known(&job);
    fleet.control("harbor").advance("PT31H").await?;

    let asked = fleet.api.post("jobs", &json!({"case": case, "task": "auth_status"})).await?;
    let asked = settled(&fleet, asked["id"].as_str().unwrap_or_default()).await?;
    assert_eq!(asked["outcome"]["answer"], "denied", "{asked}");
    let on_record = &fleet.truth("harbor").cases().await?[0];
    let letter = on_record.number("letter").expect("a decided request has a letter");
    assert!(numbers(&asked).contains(&letter.to_owned()), "the letter {letter}: {asked}");
    let kept = asked["outcome"]["references"].as_array().into_iter().flatten();
    let evidence = kept.clone().find(|r| r["value"] == letter).map(|r| &r["evidence"]);
    let file = fleet.api.evidence(evidence.and_then(Value::as_str).unwrap_or_default()).await?;
    assert!(file.starts_with(b"%PDF"), "the letter is kept as it came");
    end(fleet).await
}
