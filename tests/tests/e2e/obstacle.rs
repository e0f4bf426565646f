//! Portals on a bad day: errors, maintenance with status 200, a login page in the middle, a certificate nobody trusts. Each ends in
//! a typed answer or failure with a sentence for staff, and nothing is lost or sent twice.

use anyhow::Result;
use tests::{
    fleet::{Fleet, Options, requests},
    portal::Fault,
};

use super::{
    PATIENCE, all_fired, end, exception_of, failure_of, fleet, name_of, options, settled,
    submissions, take_in,
};

#[tokio::test(flavor = "multi_thread")]
async fn a_portal_that_answers_500_is_tried_again() -> Result<()> {
    let fleet = fleet("obstacle-500", "crestline", 1).await?;
    fleet.control("crestline").fault(&Fault::new("F02").times(6)).await?;
    let (_, job) = take_in(&fleet, "crestline", &requests::claim_status("PC01")).await?;
    let failure = failure_of(&fleet, &job).await?;
    assert!(matches!(failure["kind"].as_str(), Some("portal_down" | "transient")), "{failure}");
    name_of(&failure);
    fleet.control("crestline").clear_faults().await?;
    let job = fleet.api.job_until(&job, &["done", "waiting", "failed"], PATIENCE).await?;
    assert_eq!(job["outcome"]["answer"], "claim_paid", "{job}");
    end(fleet).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_maintenance_page_with_status_200_is_named() -> Result<()> {
    let fleet = fleet("obstacle-maintenance", "crestline", 1).await?;
    fleet.control("crestline").fault(&Fault::new("F20").times(50)).await?;
    let (_, job) = take_in(&fleet, "crestline", &requests::claim_status("PC01")).await?;
    let failure = failure_of(&fleet, &job).await?;
    assert_eq!(failure["kind"], "portal_down", "{failure}");
    name_of(&failure);
    fleet.control("crestline").clear_faults().await?;
    let job = fleet.api.job_until(&job, &["done", "waiting", "failed"], PATIENCE).await?;
    assert_eq!(job["state"], "done", "{job}");
    end(fleet).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_page_in_the_middle_loses_nothing() -> Result<()> {
    let fleet = fleet("obstacle-signed-out", "crestline", 1).await?;
    fleet.control("crestline").fault(&Fault::new("F09").at("w4")).await?;
    let note = fleet.api.document(requests::note_pdf("Clinical note")).await?;
    let request = requests::prior_auth("M01", "70551", 1, 7, Some(&note));
    let (_, job) = take_in(&fleet, "crestline", &request).await?;
    let job = fleet.api.job_until(&job, &["done", "waiting", "failed"], PATIENCE).await?;
    assert_eq!(job["state"], "done", "{job}");
    assert_eq!(submissions(&fleet.truth("crestline")).await?, (1, 1));
    end(fleet).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_nobody_trusts_ends_it_before_any_secret() -> Result<()> {
    let fleet = Fleet::start(Options {
        certificate: "untrusted",
        ..options("obstacle-certificate", "crestline")
    })
    .await?;
    let (_, job) = take_in(&fleet, "crestline", &requests::claim_status("PC01")).await?;
    let job = fleet.api.job_until(&job, &["waiting", "failed", "done"], PATIENCE).await?;
    assert_eq!(job["state"], "waiting", "{job}");
    let failure = failure_of(&fleet, job["id"].as_str().unwrap_or_default()).await?;
    assert_eq!(failure["kind"], "off_site", "{failure}");
    name_of(&failure);
    let exception = exception_of(&fleet, job["id"].as_str().unwrap_or_default()).await?;
    assert_eq!(exception["state"], "open", "{exception}");
    assert!(fleet.truth("crestline").of_kind("login").await?.is_empty(), "no sign-in was tried");
    end(fleet).await
}

/// A redirect to a host nobody listed leads nowhere: the page is not fetched, nothing is typed, and a person is asked.
#[tokio::test(flavor = "multi_thread")]
async fn a_redirect_to_another_host_leads_nowhere() -> Result<()> {
    let fleet = fleet("obstacle-redirect", "crestline", 1).await?;
    fleet.control("crestline").fault(&Fault::new("F39").at("login").times(1)).await?;
    let (_, job) = take_in(&fleet, "crestline", &requests::claim_status("PC01")).await?;
    let job = settled(&fleet, &job).await?;
    assert_eq!(job["state"], "waiting", "{job}");
    let failure = failure_of(&fleet, job["id"].as_str().unwrap_or_default()).await?;
    assert_eq!(failure["kind"], "off_site", "{failure}");
    assert!(fleet.truth("crestline").of_kind("login").await?.is_empty(), "no sign-in was tried");
    all_fired(&fleet, "crestline").await?;
    end(fleet).await
}
