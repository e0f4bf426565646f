//! `coordinator jobs …`: submit, list, show, log, watch, cancel, retry, reconcile.

use std::time::{Duration, Instant};

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::{
    client::{Client, Done, Exit, Failed},
    print,
};

const COLUMNS: &[print::Column] = &[
    ("JOB", "/id"),
    ("CASE", "/case"),
    ("PAYER", "/payer"),
    ("TASK", "/task"),
    ("STATE", "/state"),
    ("ATTEMPTS", "/attempts"),
    ("ANSWER", "/outcome/answer"),
    ("WHY NOT YET", "/blocked"),
];

/// Verbs of `jobs`.
#[derive(Debug, Subcommand)]
pub enum Jobs {
    /// Take in a case from a file, or make a further job for an existing case
    #[command(after_help = "Example: coordinator jobs submit request.json --watch")]
    Submit {
        /// JSON file with `payer` and `request`; `-` reads standard input
        #[arg(required_unless_present = "case", conflicts_with = "case")]
        file: Option<String>,
        /// An existing case, with --task
        #[arg(long, requires = "task")]
        case: Option<String>,
        /// submit, auth_status, claim_status, eligibility, precheck, renewal or letter
        #[arg(long)]
        task: Option<String>,
        /// The same key and content get the same answer
        #[arg(long)]
        idempotency_key: Option<String>,
        /// Follow the job until it has ended
        #[arg(long)]
        watch: bool,
    },
    /// List jobs
    #[command(after_help = "Example: coordinator jobs list --state waiting --payer harbor")]
    List {
        /// ready, leased, resting, waiting, in_doubt, done, failed, cancelled
        #[arg(long)]
        state: Option<String>,
        /// Payer id
        #[arg(long)]
        payer: Option<String>,
        /// submit, auth_status, claim_status
        #[arg(long)]
        task: Option<String>,
        /// Case id
        #[arg(long)]
        case: Option<String>,
        #[command(flatten)]
        page: Paging,
    },
    /// Show one job with its outcome
    #[command(after_help = "Example: coordinator jobs show job_01J8ZQ4N5B6C7D8E9F0G1H2J3K --json")]
    Show {
        /// Job id
        job: String,
    },
    /// The steps of every attempt, with their log sentences
    #[command(after_help = "Example: coordinator jobs log job_01J8ZQ4N5B6C7D8E9F0G1H2J3K")]
    Log {
        /// Job id
        job: String,
    },
    /// Follow a job until it has ended or needs a person
    #[command(
        after_help = "Example: coordinator jobs watch job_01J8ZQ4N5B6C7D8E9F0G1H2J3K --for-s 600"
    )]
    Watch {
        /// Job id
        job: String,
        /// Give up after this many seconds
        #[arg(long, default_value_t = 900)]
        for_s: u64,
    },
    /// Take a job back
    #[command(
        after_help = "Example: coordinator jobs cancel job_01J8ZQ4N5B6C7D8E9F0G1H2J3K --reason \"entered twice\" --yes"
    )]
    Cancel(Act),
    /// Try again now
    #[command(
        after_help = "Example: coordinator jobs retry job_01J8ZQ4N5B6C7D8E9F0G1H2J3K --reason \"portal is back\""
    )]
    Retry(Act),
    /// Look at the payer again now, for a job in doubt
    #[command(
        after_help = "Example: coordinator jobs reconcile job_01J8ZQ4N5B6C7D8E9F0G1H2J3K --reason \"payer confirmed by phone\""
    )]
    Reconcile(Act),
}

/// Key paging.
#[derive(Debug, Clone, Args)]
pub struct Paging {
    /// Continue after this key (told when there are more)
    #[arg(long)]
    pub after: Option<String>,
    /// Most items, at most 200
    #[arg(long, default_value_t = 50)]
    pub limit: u32,
}

impl Paging {
    /// Filters that were given, with the page's own.
    pub fn query(self, filters: &[(&'static str, Option<String>)]) -> Vec<(&'static str, String)> {
        let mut query: Vec<_> =
            filters.iter().filter_map(|(k, v)| v.clone().map(|v| (*k, v))).collect();
        query.push(("limit", self.limit.to_string()));
        query.extend(self.after.map(|after| ("after", after)));
        query
    }
}

/// An act on one thing, with its reason.
#[derive(Debug, Args)]
pub struct Act {
    /// Id
    pub id: String,
    /// Why; kept in the audit
    #[arg(long)]
    pub reason: String,
    /// Do not ask
    #[arg(long)]
    pub yes: bool,
}

impl Jobs {
    /// Runs the verb.
    ///
    /// # Errors
    /// The sentence and exit code.
    pub async fn run(self, client: &Client, json: bool) -> Done {
        match self {
            Self::Submit { file, case, task, idempotency_key, watch } => {
                let made = match (file, case) {
                    (Some(file), _) => {
                        let body = print::read_json(&file)?;
                        client.create("cases", &body, idempotency_key.as_deref()).await?
                    }
                    (None, Some(case)) => {
                        let body = json!({"case": case, "task": task});
                        client.create("jobs", &body, idempotency_key.as_deref()).await?
                    }
                    (None, None) => {
                        return Err(Failed::new(Exit::Usage, "give a file, or --case and --task"));
                    }
                };
                print::thing(&made, json);
                let job = made.get("job").or_else(|| made.get("id")).and_then(Value::as_str);
                match (watch, job) {
                    (true, Some(job)) => follow(client, job, 900, json).await,
                    _ => Ok(Exit::Done),
                }
            }
            Self::List { state, payer, task, case, page } => {
                let query = page.query(&[
                    ("state", state),
                    ("payer", payer),
                    ("task", task),
                    ("case", case),
                ]);
                print::list(&client.get("jobs", &query).await?, COLUMNS, json);
                Ok(Exit::Done)
            }
            Self::Show { job } => {
                print::thing(&client.get(&format!("jobs/{job}"), &[]).await?, json);
                Ok(Exit::Done)
            }
            Self::Log { job } => log(client, &job, json).await,
            Self::Watch { job, for_s } => follow(client, &job, for_s, json).await,
            Self::Cancel(act) => {
                print::confirm(&format!("Cancel {}?", act.id), act.yes)?;
                change(client, act, "cancel", json).await
            }
            Self::Retry(act) => change(client, act, "retry", json).await,
            Self::Reconcile(act) => change(client, act, "reconcile", json).await,
        }
    }
}

async fn change(client: &Client, act: Act, verb: &str, json: bool) -> Done {
    let thing = format!("jobs/{}", act.id);
    print::thing(&client.change(&thing, verb, &json!({"reason": act.reason})).await?, json);
    Ok(Exit::Done)
}

async fn log(client: &Client, job: &str, json: bool) -> Done {
    let attempts =
        client.get("attempts", &[("job", job.to_owned()), ("limit", "200".into())]).await?;
    let mut attempts: Vec<Value> =
        attempts.get("items").and_then(Value::as_array).cloned().unwrap_or_default();
    attempts.sort_by_key(|a| a.get("number").and_then(Value::as_i64));
    for attempt in attempts {
        let id = print::cell(attempt.get("id"));
        let steps = client.get(&format!("attempts/{id}/steps"), &[]).await?;
        if json {
            print::line(&json!({"attempt": attempt, "steps": steps.get("items")}).to_string());
            continue;
        }
        print::line(&format!(
            "attempt {} {} ({})",
            print::cell(attempt.get("number")),
            print::cell(attempt.get("state")),
            print::cell(attempt.get("purpose"))
        ));
        for step in steps.get("items").and_then(Value::as_array).into_iter().flatten() {
            one_step(step);
        }
    }
    Ok(Exit::Done)
}

fn one_step(step: &Value) {
    print::line(&format!(
        "  {:>3} {:<8} {:<28} {}",
        print::cell(step.get("index")),
        print::cell(step.get("state")),
        print::cell(step.get("name")),
        print::cell(step.get("source"))
    ));
    for said in step.get("log").and_then(Value::as_array).into_iter().flatten() {
        print::line(&format!(
            "        {:>7} ms  {}",
            print::cell(said.get("at_ms")),
            print::cell(said.get("text"))
        ));
    }
}

/// What the process ends with for a job in this state; none while it goes on by itself.
fn end_of(state: &str) -> Option<Exit> {
    match state {
        "done" => Some(Exit::Done),
        "waiting" | "in_doubt" => Some(Exit::NeedsPerson),
        "failed" => Some(Exit::CheckFailed),
        "cancelled" => Some(Exit::Conflict),
        _ => None,
    }
}

async fn follow(client: &Client, job: &str, for_s: u64, json: bool) -> Done {
    let deadline = Instant::now() + Duration::from_secs(for_s);
    let mut said = String::new();
    loop {
        let seen = client.get(&format!("jobs/{job}"), &[]).await?;
        let state = print::cell(seen.get("state"));
        let now = format!(
            "{state}, attempt {} of {}",
            print::cell(seen.get("attempts")),
            print::cell(seen.get("attempts_max"))
        );
        if now != said {
            print::note(&now);
            said = now;
        }
        if let Some(exit) = end_of(&state) {
            print::thing(&seen, json);
            return Ok(exit);
        }
        if Instant::now() >= deadline {
            return Err(Failed::new(
                Exit::TimeLimit,
                format!("the job is still {state} after {for_s} s; it goes on without us"),
            ));
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}
