//! What can lie in the way of a request inside Crestline's application: things that are closed and passed by, and things only a
//! person may decide. Then nothing was sent, and the person is told what was seen.

use anyhow::Result;
use serde_json::{Value, json};
use tests::portal::Fault;

use super::{
    PATIENCE, all_fired, arm, ask_for, end, exception_of, failure_of, fleet, name_of, record_of,
    settled, submissions, take_in,
};

/// A notice, a survey over the button, a second patient with the same name and date of birth, a second button with almost the same
/// name: the right row is taken and the right button is pressed, once.
#[tokio::test(flavor = "multi_thread")]
async fn what_only_covers_the_page_is_passed_by() -> Result<()> {
    let fleet = fleet("wizard-covered", "crestline", 1).await?;
    for (fault, at, code, days) in [
        ("F11", "w3", "70551", 7),
        ("F12", "review", "E0601", 14),
        ("F26", "w2", "A9282", 21),
        ("F36", "review", "K0005", 28),
    ] {
        arm(&fleet, "crestline", Fault::new(fault).at(at)).await?;
        let job = ask_for(&fleet, "crestline", "M01", code, days).await?;
        let job = settled(&fleet, &job).await?;
        record_of(&fleet, "crestline", code).await?.is_once_and_known(&job);
        all_fired(&fleet, "crestline").await?;
    }
    let member = &tests::fleet::requests::member("M01").member_id;
    for entry in fleet.truth("crestline").of_kind("submit_received").await? {
        assert_eq!(entry["fields"]["memberId"], member.as_str(), "another patient: {entry}");
    }
    let drafts = fleet.truth("crestline").of_kind("draft").await?;
    assert!(drafts.is_empty(), "the decoy was pressed: {drafts:?}");
    end(fleet).await
}

/// Asks under a fault and gives the failure the person is shown; nothing was sent.
async fn stopped(
    fleet: &tests::fleet::Fleet,
    fault: Fault,
    code: &str,
    days: i64,
) -> Result<(String, Value)> {
    let before = submissions(&fleet.truth("crestline")).await?;
    arm(fleet, "crestline", fault).await?;
    let job = ask_for(fleet, "crestline", "M01", code, days).await?;
    let settled = settled(fleet, &job).await?;
    assert_eq!(settled["state"], "waiting", "{settled}");
    assert_eq!(submissions(&fleet.truth("crestline")).await?, before, "nothing was sent");
    all_fired(fleet, "crestline").await?;
    let question = exception_of(fleet, &job).await?;
    Ok((name_of(&failure_of(fleet, &job).await?).to_owned(), question))
}

/// A patient is not active, a code is retired, a new question is asked.
#[tokio::test(flavor = "multi_thread")]
async fn what_only_a_person_can_decide_stops_before_anything_is_sent() -> Result<()> {
    let fleet = fleet("wizard-stopped", "crestline", 1).await?;
    for (fault, at, code, days, name, kind) in [
        ("F29", "w2", "E0601", 14, "member_not_active", "correct"),
        ("F25", "typeahead", "K0005", 21, "option_missing", "correct"),
        ("F24", "review", "A9282", 28, "new_required_field", "page_changed"),
    ] {
        // The hub asks for suggestions while the diagnosis and the procedure are typed.
        let fault = Fault::new(fault).at(at).times(if fault == "F25" { 50 } else { 1 });
        let (named, question) = stopped(&fleet, fault, code, days).await?;
        assert_eq!((named.as_str(), question["kind"].as_str()), (name, Some(kind)), "{question}");
    }
    end(fleet).await
}

/// A file whose scan never ends: nothing is sent without the document.
#[tokio::test(flavor = "multi_thread")]
async fn a_scan_that_never_ends_is_told_to_a_person() -> Result<()> {
    let fleet = fleet("wizard-scan", "crestline", 1).await?;
    let fault = Fault::new("F30").at("upload").times(9);
    let (_, question) = stopped(&fleet, fault, "70551", 7).await?;
    assert!(question["failure"]["step"].as_str().is_some_and(|s| s == "documents"), "{question}");
    end(fleet).await
}

/// "Status information is unavailable. Submissions are accepted.": a status check rests until it is back and believes no empty list.
#[tokio::test(flavor = "multi_thread")]
async fn status_that_is_down_is_asked_for_again_later() -> Result<()> {
    let fleet = fleet("wizard-status-down", "crestline", 1).await?;
    let note = fleet.api.document(tests::fleet::requests::note_pdf("Clinical note")).await?;
    let request = tests::fleet::requests::prior_auth("M01", "E0601", 1, 7, Some(&note));
    let (case, submit) = take_in(&fleet, "crestline", &request).await?;
    let submitted = settled(&fleet, &submit).await?;
    record_of(&fleet, "crestline", "E0601").await?.is_once_and_known(&submitted);

    let control = fleet.control("crestline");
    control.knob("status_down", true).await?;
    let asked = fleet.api.post("jobs", &json!({"case": case, "task": "auth_status"})).await?;
    let asked = asked["id"].as_str().unwrap_or_default().to_owned();
    let failure = failure_of(&fleet, &asked).await?;
    assert_eq!(name_of(&failure), "status_unavailable", "{failure}");
    let job = fleet.api.get(&format!("jobs/{asked}")).await?;
    assert!(job["outcome"].is_null(), "no answer was taken from a page without one: {job}");
    control.knob("status_down", false).await?;
    let job = fleet.api.job_until(&asked, &["done", "waiting", "failed"], PATIENCE).await?;
    assert_eq!(job["outcome"]["answer"], "approved", "{job}");
    end(fleet).await
}
