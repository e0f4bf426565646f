//! Stories: real processes, real Chromium, simulated payers; judged by the payers' ledgers. One binary, one module per kind of
//! story. Every story has a fleet of its own in `target/e2e/<story>/`, whose logs and evidence stay there.

mod crash;
mod doubt;
mod happy;
mod obstacle;

use std::{path::PathBuf, time::Duration};

use anyhow::{Context as _, Result};
use serde_json::{Value, json};
use tests::{
    fleet::{Fleet, Options, repository},
    portal::Truth,
};

/// Longest wait for one job's attempt on a busy machine of two cores.
pub const PATIENCE: Duration = Duration::from_secs(300);

/// Folder of a story.
pub fn folder(story: &str) -> PathBuf {
    let target = std::env::var_os("CARGO_TARGET_DIR")
        .map_or_else(|| repository().join("target"), PathBuf::from);
    target.join("e2e").join(story)
}

/// A fleet for a story at one payer.
pub async fn fleet(story: &str, payer: &'static str, agents: usize) -> Result<Fleet> {
    Fleet::start(Options { agents, payers: vec![payer], ..Options::story(folder(story)) }).await
}

/// Takes in a case and returns it with the id of its first job.
pub async fn take_in(fleet: &Fleet, payer: &str, request: &Value) -> Result<(String, String)> {
    let case = fleet.api.post("cases", &json!({"payer": payer, "request": request})).await?;
    let id =
        |field: &str| case[field].as_str().map(str::to_owned).context("intake names case and job");
    Ok((id("case")?, id("job")?))
}

/// How many submissions arrived and how many were recorded.
pub async fn submissions(truth: &Truth) -> Result<(usize, usize)> {
    Ok((
        truth.of_kind("submit_received").await?.len(),
        truth.of_kind("submit_committed").await?.len(),
    ))
}

/// The numbers an outcome brought.
pub fn numbers(job: &Value) -> Vec<String> {
    job["outcome"]["references"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|r| r["value"].as_str().map(str::to_owned))
        .collect()
}

/// The open exception of a job.
pub async fn exception_of(fleet: &Fleet, job: &str) -> Result<Value> {
    let page = fleet.api.get(&format!("exceptions?job={job}")).await?;
    page["items"]
        .as_array()
        .and_then(|items| items.first())
        .cloned()
        .context("the job has an exception")
}
