//! What stories, the demonstration and the benchmark share about a portal that goes down while the payer's interface works: Larkfield.

use anyhow::{Context as _, Result};
use jiff::ToSpan as _;
use serde_json::{Value, json};

use super::{Fleet, requests};
use crate::portal::{
    Fault,
    store::{FiledLine, Filing},
};

/// The payer with two channels.
pub const PAYER: &str = "larkfield";
/// Its member.
pub const MEMBER: &str = "M06";

/// Files requests as a person would have, each for another day from the `first` on; their numbers.
///
/// # Errors
/// The payer refuses one.
pub async fn on_file(fleet: &Fleet, first: i64, count: i64) -> Result<Vec<String>> {
    let member = requests::member(MEMBER);
    let mut numbers = Vec::new();
    for days in first..first + count {
        let day = requests::today().checked_add(days.days())?;
        let filing = Filing {
            member_id: member.member_id.clone(),
            plan: member.plan.clone(),
            request_type: "Outpatient".to_owned(),
            requesting_npi: "1234567893".to_owned(),
            servicing_npi: "1999999984".to_owned(),
            diagnoses: vec!["M54.50".to_owned()],
            lines: vec![FiledLine { code: "70551".to_owned(), units: 1, from: day, to: day }],
            ..Filing::default()
        };
        let filed = fleet.control(PAYER).file(&filing).await?;
        numbers.push(filed["case"].as_str().context("a filing has a number")?.to_owned());
    }
    Ok(numbers)
}

/// Takes in a status check for each number; the jobs' ids.
///
/// # Errors
/// The coordinator refuses one.
pub async fn check(fleet: &Fleet, numbers: &[String]) -> Result<Vec<String>> {
    let mut jobs = Vec::new();
    for number in numbers {
        let request = requests::auth_status(MEMBER, number);
        let case = fleet.api.post("cases", &json!({"payer": PAYER, "request": request})).await?;
        jobs.push(case["job"].as_str().context("intake names the job")?.to_owned());
    }
    Ok(jobs)
}

/// The portal says that it is down, on every page and at the sign-in; the payer's interface goes on.
///
/// # Errors
/// The payer's control plane does not answer.
pub async fn shut(fleet: &Fleet) -> Result<()> {
    for host in ["provider", "login"] {
        shut_host(fleet, PAYER, host).await?;
    }
    Ok(())
}

/// A host of a payer's portal, by its short name, says that it is down.
///
/// # Errors
/// The payer's control plane does not answer.
pub async fn shut_host(fleet: &Fleet, payer: &str, host: &str) -> Result<()> {
    let mut fault = Fault::new("F20").times(1_000_000);
    fault.when.route = Some(format!(" {host} "));
    fleet.control(payer).fault(&fault).await
}

/// The portal works again.
///
/// # Errors
/// The payer's control plane does not answer.
pub async fn reopen(fleet: &Fleet) -> Result<()> {
    fleet.control(PAYER).clear_faults().await
}

/// The attempts of a job, oldest first.
///
/// # Errors
/// The coordinator does not answer.
pub async fn attempts(fleet: &Fleet, job: &str) -> Result<Vec<Value>> {
    let page = fleet.api.get(&format!("attempts?job={job}&limit=50")).await?;
    let mut all = page["items"].as_array().cloned().unwrap_or_default();
    all.reverse();
    Ok(all)
}

/// The channel that brought a job's answer.
///
/// # Errors
/// The coordinator does not answer.
pub async fn answered_by(fleet: &Fleet, job: &str) -> Result<Option<String>> {
    let all = attempts(fleet, job).await?;
    let good = all.iter().find(|attempt| attempt["state"] == "succeeded");
    Ok(good.and_then(|attempt| attempt["channel"].as_str()).map(str::to_owned))
}
