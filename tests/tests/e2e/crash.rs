//! Kills. The agent is killed with `kill -9` at each of the fourteen points of a submission; the coordinator while jobs run.
//! The payer's ledger must hold at most one submission, the job must end settled or with a person, no Chromium may survive,
//! no lease may stay held.

use std::time::Duration;

use anyhow::Result;
use serde_json::Value;
use tests::fleet::{Fleet, Options, api::until, requests};

use super::{
    PATIENCE, Record, ask_for, end, exception_of, fleet, folder, on_record, options, record_of,
    settled, submissions, take_in,
};

/// How long the watcher of a dead agent may take to end its browser on a busy machine.
const GONE: Duration = Duration::from_secs(120);

/// Kills the agent at `point`, starts another one and judges.
async fn killed_at(point: &str, payer: &'static str) -> Result<()> {
    let story = format!("killed-at-{}-{payer}", point.replace(':', "-"));
    let member = if payer == "harbor" { "M10" } else { "M01" };
    let mut fleet = fleet(&story, payer, 0).await?;
    let reached = folder(&story).join("reached");
    if matches!(point, "permit:after" | "click:before" | "click:after") {
        // Nothing may have been sent: that can only be seen where something is known to be on record.
        let first = fleet.start_agent(&[]).await?;
        on_record(&fleet, payer, member).await?;
        fleet.kill_agent(first).await?;
        fleet.until_no_browser(GONE).await?;
        fleet.control(payer).advance("PT21M").await?;
    }
    let agent = fleet
        .start_agent(&[
            ("FLEET_FAULT_POINT", point.to_owned()),
            ("FLEET_FAULT_FILE", reached.display().to_string()),
        ])
        .await?;
    let job = ask_for(&fleet, payer, member, "70551", 7).await?;
    until(PATIENCE, &format!("the agent reaches {point}"), || async {
        Ok(reached.exists().then_some(()))
    })
    .await?;
    fleet.kill_agent(agent).await?;
    fleet.until_no_browser(GONE).await?;

    fleet.start_agent(&[]).await?;
    if payer == "harbor" {
        ghost_refuses_then_idles_out(&fleet).await?;
    }
    let job = settled(&fleet, &job).await?;
    assert!(payer != "harbor" || job["state"] == "done", "{point}: the ghost is waited for: {job}");
    let Record { received, recorded, .. } = record_of(&fleet, payer, "70551").await?;
    assert!(recorded <= 1, "{point}: the payer recorded {recorded} submissions");
    assert!(received <= 1, "{point}: {received} submissions arrived at the payer");
    if job["state"] == "done" {
        assert_eq!(recorded, 1, "{point}: done without a submission on record");
        record_of(&fleet, payer, "70551").await?.knows(&job);
    } else {
        let exception = exception_of(&fleet, job["id"].as_str().unwrap_or_default()).await?;
        assert_eq!(exception["state"], "open", "{point}: a person is asked: {exception}");
    }
    end(fleet).await
}

/// The killed agent's portal session lives on at Harbor, which refuses a second sign-on until it has idled out.
async fn ghost_refuses_then_idles_out(fleet: &Fleet) -> Result<()> {
    let refused = |entry: &Value| entry["result"] == "refused";
    fleet.truth("harbor").wait_for("login", PATIENCE, refused).await?;
    fleet.control("harbor").advance("PT21M").await?;
    Ok(())
}

macro_rules! points {
    ($($name:ident = $point:literal at $payer:literal;)*) => {$(
        #[tokio::test(flavor = "multi_thread")]
        async fn $name() -> Result<()> { killed_at($point, $payer).await }
    )*};
}

points! {
    killed_at_claim = "claim" at "crestline";
    killed_at_decrypt_input = "decrypt-input" at "crestline";
    killed_at_launch = "launch" at "crestline";
    killed_at_navigate = "navigate" at "crestline";
    killed_at_fill_secret = "fill_secret" at "crestline";
    killed_at_totp = "totp" at "crestline";
    killed_at_form_fill = "form-fill" at "crestline";
    killed_at_attach_file = "attach-file" at "crestline";
    killed_at_pre_evidence = "pre-evidence" at "crestline";
    killed_at_permit = "permit:after" at "crestline";
    killed_before_click = "click:before" at "crestline";
    killed_after_click = "click:after" at "crestline";
    killed_at_wait_confirm = "wait-confirm" at "crestline";
    killed_at_post_evidence = "post-evidence" at "crestline";
    killed_at_commit = "commit" at "crestline";
    killed_at_permit_at_harbor = "permit:after" at "harbor";
    killed_before_click_at_harbor = "click:before" at "harbor";
    killed_after_click_at_harbor = "click:after" at "harbor";
    killed_at_wait_confirm_at_harbor = "wait-confirm" at "harbor";
}

/// The coordinator is killed while a submission runs; what it had answered with 2xx is still there when it is back.
#[tokio::test(flavor = "multi_thread")]
async fn the_coordinator_dies_while_jobs_run() -> Result<()> {
    let mut fleet =
        Fleet::start(Options { agents: 1, slots: 2, ..options("coordinator-dies", "crestline") })
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
    end(fleet).await
}
