//! Stories: real processes, real Chromium, simulated payers; judged by the payers' ledgers. One binary, one module per kind of
//! story. Every story has a fleet of its own in `target/e2e/<story>/`, whose logs and evidence stay there.

mod away;
mod codes;
mod crash;
mod doubt;
mod drift;
mod edi;
mod end;
mod fallback;
mod frozen;
mod happy;
mod harbor;
mod lost_answer;
mod newer;
mod obstacle;
mod redesign;
mod sign_in;
mod tutorial;
mod wizard;

use std::{path::PathBuf, time::Duration};

use anyhow::{Context as _, Result};
use serde_json::{Value, json};
use tests::{
    fleet::{Fleet, Options, api::until, repository, requests},
    portal::{Fault, Truth},
};

pub use end::end;

/// Longest wait for a state on a machine that does other things besides. It costs nothing where the state comes.
pub const PATIENCE: Duration = Duration::from_secs(300);

/// Folder of a story.
pub fn folder(story: &str) -> PathBuf {
    let target = std::env::var_os("CARGO_TARGET_DIR")
        .map_or_else(|| repository().join("target"), PathBuf::from);
    target.join("e2e").join(story)
}

/// How a story at one payer starts its fleet: codes of sign-ins change every ten seconds, so that nobody waits for them.
pub fn options(story: &str, payer: &'static str) -> Options {
    Options { payers: vec![payer], code_step_s: 10, ..Options::story(folder(story)) }
}

/// A fleet for a story at one payer.
pub async fn fleet(story: &str, payer: &'static str, agents: usize) -> Result<Fleet> {
    Fleet::start(Options { agents, ..options(story, payer) }).await
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

/// Takes in a request for one service `days` days from today with a clinical note; gives the job's id.
pub async fn ask_for(
    fleet: &Fleet,
    payer: &str,
    member: &str,
    code: &str,
    days: i64,
) -> Result<String> {
    let note = fleet.api.document(requests::note_pdf("Clinical note")).await?;
    let request = requests::prior_auth(member, code, 1, days, Some(&note));
    Ok(take_in(fleet, payer, &request).await?.1)
}

/// Waits until a job has an answer, waits for a person, or has failed.
pub async fn settled(fleet: &Fleet, job: &str) -> Result<Value> {
    fleet.api.job_until(job, &["done", "waiting", "failed"], PATIENCE).await
}

/// Files a request for another service, so that the payer is known to have a record: only then a search that finds nothing can prove
/// anything.
pub async fn on_record(fleet: &Fleet, payer: &str, member: &str) -> Result<()> {
    let job = settled(fleet, &ask_for(fleet, payer, member, "E0601", 9).await?).await?;
    anyhow::ensure!(job["state"] == "done", "the record that is to be known: {job}");
    Ok(())
}

/// The failure of a job's newest attempt that ended with one.
pub async fn failure_of(fleet: &Fleet, job: &str) -> Result<Value> {
    let path = format!("attempts?job={job}");
    until(PATIENCE, "an attempt has failed", || async {
        let page = fleet.api.get(&path).await?;
        Ok(page["items"]
            .as_array()
            .into_iter()
            .flatten()
            .find(|a| a["failure"].is_object())
            .map(|a| a["failure"].clone()))
    })
    .await
}

/// A person tries a job again that waits for one.
pub async fn try_again(fleet: &Fleet, job: &str) -> Result<()> {
    let question = exception_of(fleet, job).await?;
    let (id, rev) = (&question["id"], question["rev"].as_i64());
    let path = format!("exceptions/{}/resolve", id.as_str().context("an exception has an id")?);
    let answer = json!({"resolution": "retry", "reason": "It was put right at the payer."});
    fleet.api.act(&path, rev.context("an exception has a revision")?, &answer).await.map(drop)
}

/// Arms a fault at a payer.
pub async fn arm(fleet: &Fleet, payer: &str, fault: Fault) -> Result<()> {
    fleet.control(payer).fault(&fault).await
}

/// Every armed fault has fired; then they are disarmed. A fault that never fired proves nothing.
pub async fn all_fired(fleet: &Fleet, payer: &str) -> Result<()> {
    let faults = fleet.control(payer).faults().await?;
    assert!(faults.iter().all(|f| f.fired > 0), "a fault never fired: {faults:?}");
    fleet.control(payer).clear_faults().await
}

/// The failure that made a job wait for a person, by its name; the person gets a sentence.
pub fn name_of(failure: &Value) -> &str {
    let say = failure["say"].as_str().unwrap_or_default();
    assert!(
        say.len() > 15 && say.contains(' ') && say.ends_with('.'),
        "not a sentence for staff: {failure}"
    );
    failure["name"].as_str().unwrap_or_default()
}

/// What a payer's own record says about the requests for one service.
#[derive(Debug)]
pub struct Record {
    /// How often one arrived.
    pub received: usize,
    /// How often one took effect.
    pub recorded: usize,
    /// The numbers the payer gave.
    pub numbers: Vec<String>,
}

/// Reads a payer's record about the requests for one service.
pub async fn record_of(fleet: &Fleet, payer: &str, code: &str) -> Result<Record> {
    let truth = fleet.truth(payer);
    let received: Vec<Value> = truth
        .of_kind("submit_received")
        .await?
        .into_iter()
        .filter(|entry| entry["fields"]["lines"][0]["code"] == code)
        .map(|entry| entry["seq"].clone())
        .collect();
    let committed = truth.of_kind("submit_committed").await?;
    let effects = committed.iter().filter(|entry| received.contains(&entry["received_seq"]));
    let numbers = effects.clone().flat_map(|entry| entry["numbers"].as_array()).flatten();
    let numbers = numbers.filter_map(|n| n["value"].as_str().map(str::to_owned)).collect();
    Ok(Record { received: received.len(), recorded: effects.count(), numbers })
}

impl Record {
    /// Asserts that it came once and took effect once, and that the job brought its number.
    pub fn is_once_and_known(&self, job: &Value) {
        assert_eq!(job["state"], "done", "{job}");
        assert_eq!((self.received, self.recorded), (1, 1), "{job}: {self:?}");
        self.knows(job);
    }

    /// Asserts that a number the job brought is on record.
    pub fn knows(&self, job: &Value) {
        let read = numbers(job);
        assert!(read.iter().any(|n| self.numbers.contains(n)), "read {read:?}, {self:?}");
    }
}
