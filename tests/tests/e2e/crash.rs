//! Kills. The agent is killed with `kill -9` at each of the fourteen points of a submission; the coordinator while jobs run.
//! The payer's ledger must hold at most one submission, the job must end settled or with a person, no Chromium may survive,
//! no lease may stay held.

use std::time::Duration;

use anyhow::Result;
use tests::fleet::{Options, api::until, requests};

use super::{PATIENCE, exception_of, fleet, folder, numbers, submissions, take_in};

/// Kills the agent at `point`, starts another one and judges.
async fn killed_at(point: &str) -> Result<()> {
    let story = format!("killed-at-{}", point.replace(':', "-"));
    let mut fleet = fleet(&story, "crestline", 0).await?;
    let reached = folder(&story).join("reached");
    let agent = fleet
        .start_agent(&[
            ("FLEET_FAULT_POINT", point.to_owned()),
            ("FLEET_FAULT_FILE", reached.display().to_string()),
        ])
        .await?;
    let note = fleet.api.document(requests::note_pdf("Clinical note")).await?;
    let request = requests::prior_auth("M01", "70551", 1, 7, Some(&note));
    let (_, job) = take_in(&fleet, "crestline", &request).await?;
    until(PATIENCE, &format!("the agent reaches {point}"), || async {
        Ok(reached.exists().then_some(()))
    })
    .await?;
    fleet.kill_agent(agent).await?;
    fleet.until_no_browser(Duration::from_secs(5)).await?;

    fleet.start_agent(&[]).await?;
    let job = fleet.api.job_until(&job, &["done", "waiting", "failed"], PATIENCE).await?;
    let truth = fleet.truth("crestline");
    let (received, recorded) = submissions(&truth).await?;
    assert!(recorded <= 1, "{point}: the payer recorded {recorded} submissions");
    assert!(received <= 1, "{point}: {received} submissions arrived at the payer");
    if job["state"] == "done" {
        assert_eq!(recorded, 1, "{point}: done without a submission on record");
        let entry = &truth.of_kind("submit_committed").await?[0];
        let on_record: Vec<&str> = entry["numbers"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|n| n["value"].as_str())
            .collect();
        assert!(
            numbers(&job).iter().any(|n| on_record.contains(&n.as_str())),
            "{point}: the job's numbers {:?} are not the payer's {on_record:?}",
            numbers(&job)
        );
    } else {
        let exception = exception_of(&fleet, job["id"].as_str().unwrap_or_default()).await?;
        assert_eq!(exception["state"], "open", "{point}: a person is asked: {exception}");
    }
    fleet.end().await
}

macro_rules! points {
    ($($name:ident = $point:literal;)*) => {$(
        #[tokio::test(flavor = "multi_thread")]
        async fn $name() -> Result<()> { killed_at($point).await }
    )*};
}

points! {
    killed_at_claim = "claim";
    killed_at_decrypt_input = "decrypt-input";
    killed_at_launch = "launch";
    killed_at_navigate = "navigate";
    killed_at_fill_secret = "fill_secret";
    killed_at_totp = "totp";
    killed_at_form_fill = "form-fill";
    killed_at_attach_file = "attach-file";
    killed_at_pre_evidence = "pre-evidence";
    killed_at_permit = "permit:after";
    killed_before_click = "click:before";
    killed_after_click = "click:after";
    killed_at_wait_confirm = "wait-confirm";
    killed_at_post_evidence = "post-evidence";
    killed_at_commit = "commit";
}

/// The coordinator is killed while a submission runs; what it had answered with 2xx is still there when it is back.
#[tokio::test(flavor = "multi_thread")]
async fn the_coordinator_dies_while_jobs_run() -> Result<()> {
    let mut fleet = tests::fleet::Fleet::start(Options {
        agents: 1,
        slots: 2,
        payers: vec!["crestline"],
        ..Options::story(folder("coordinator-dies"))
    })
    .await?;
    let note = fleet.api.document(requests::note_pdf("Clinical note")).await?;
    let mut jobs = Vec::new();
    for (code, days) in [("70551", 7), ("E0601", 8)] {
        let request = requests::prior_auth("M01", code, 1, days, Some(&note));
        jobs.push(take_in(&fleet, "crestline", &request).await?.1);
    }
    jobs.push(take_in(&fleet, "crestline", &requests::claim_status("PC01")).await?.1);
    let truth = fleet.truth("crestline");
    truth
        .wait_for("login", PATIENCE, |entry| entry["result"] == "ok" || entry["how"] == "ok")
        .await?;
    fleet.kill_coordinator().await?;
    fleet.start_coordinator().await?;
    for id in &jobs {
        let job = fleet.api.job_until(id, &["done", "waiting", "failed"], PATIENCE).await?;
        assert_eq!(job["state"], "done", "after the coordinator came back: {job}");
    }
    let (received, recorded) = submissions(&truth).await?;
    assert_eq!((received, recorded), (2, 2), "one submission for each case");
    fleet.end().await
}
