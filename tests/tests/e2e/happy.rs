//! What happens on every good day: each task at each payer, judged by the ledger; the picture every number was read from.

use anyhow::Result;
use tests::fleet::{Fleet, requests};

use super::{PATIENCE, end, fleet, numbers, submissions, take_in};

async fn submit_and_ask(
    fleet: &Fleet,
    payer: &'static str,
    member: &str,
    code: &str,
) -> Result<()> {
    let note = fleet.api.document(requests::note_pdf("Clinical note")).await?;
    let request = requests::prior_auth(member, code, 1, 7, Some(&note));
    let (case, job) = take_in(fleet, payer, &request).await?;
    let job = fleet.api.job_until(&job, &["done", "waiting", "failed"], PATIENCE).await?;
    assert_eq!(job["state"], "done", "{job}");
    let truth = fleet.truth(payer);
    assert_eq!(submissions(&truth).await?, (1, 1));
    let entry = &truth.of_kind("submit_committed").await?[0];
    let on_record: Vec<&str> = entry["numbers"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|n| n["value"].as_str())
        .collect();
    let read = numbers(&job);
    assert!(
        read.iter().any(|n| on_record.contains(&n.as_str())),
        "read {read:?}, on record {on_record:?}"
    );
    for reference in job["outcome"]["references"].as_array().into_iter().flatten() {
        let id = reference["evidence"].as_str().unwrap_or_default();
        let picture = fleet.api.evidence(id).await?;
        assert!(
            picture.starts_with(b"\x89PNG"),
            "every number comes with the picture it was read from: {reference}"
        );
    }
    let uploads = truth.of_kind("upload").await?;
    assert!(!uploads.is_empty(), "the PDF arrived at the portal");

    // The same request again is refused with the name of the first case: nothing is sent twice.
    let (status, problem) = fleet
        .api
        .try_call(
            reqwest::Method::POST,
            "cases",
            Some(&serde_json::json!({"payer": payer, "request": request})),
            None,
        )
        .await?;
    assert_eq!(status, 409, "{problem}");
    assert!(problem.to_string().contains(&case), "the refusal names the first case: {problem}");

    let asked =
        fleet.api.post("jobs", &serde_json::json!({"case": case, "task": "auth_status"})).await?;
    let status_job = asked["id"].as_str().unwrap_or_default();
    let status_job =
        fleet.api.job_until(status_job, &["done", "waiting", "failed"], PATIENCE).await?;
    assert_eq!(status_job["state"], "done", "{status_job}");
    assert_eq!(submissions(&truth).await?, (1, 1), "a status check changes nothing");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn crestline_from_request_to_status() -> Result<()> {
    let fleet = fleet("happy-crestline", "crestline", 1).await?;
    submit_and_ask(&fleet, "crestline", "M01", "70551").await?;
    let (_, job) = take_in(&fleet, "crestline", &requests::claim_status("PC01")).await?;
    let job = fleet.api.job_until(&job, &["done", "waiting", "failed"], PATIENCE).await?;
    assert_eq!(job["outcome"]["answer"], "claim_paid", "{job}");
    // Three jobs, one portal session: the logged-in session is reused.
    let logins = fleet.truth("crestline").of_kind("login").await?;
    assert!(logins.len() <= 2, "{} logins for three jobs", logins.len());
    end(fleet).await
}

#[tokio::test(flavor = "multi_thread")]
async fn harbor_from_request_to_status() -> Result<()> {
    let fleet = fleet("happy-harbor", "harbor", 1).await?;
    submit_and_ask(&fleet, "harbor", "M10", "70551").await?;
    let (_, job) = take_in(&fleet, "harbor", &requests::claim_status("PC03")).await?;
    let job = fleet.api.job_until(&job, &["done", "waiting", "failed"], PATIENCE).await?;
    assert_eq!(job["outcome"]["answer"], "claim_partially_paid", "{job}");
    end(fleet).await
}
