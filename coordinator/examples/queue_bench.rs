//! The coordinator alone, without a browser: cases taken in, leased and completed per second at batch 1 and 50, with 8 clients, on
//! SQLite and on a private Postgres, durability on as in production. Every act is the real one: sealed request, audit entry, case
//! status. Prints one JSON object: `{"queue": {"sqlite": {"enqueue_per_s", "cycle_b1_per_s", "cycle_b50_per_s"}, "postgres": {…}}}`.
//!
//! `cargo run --release -p coordinator --example queue_bench [-- <jobs per measurement>]`
#![expect(clippy::unwrap_used, reason = "a measurement that cannot go on fails")]

#[expect(dead_code, reason = "the suite's test bed does more than a benchmark needs")]
#[path = "../tests/store/bed.rs"]
mod bed;
#[path = "../tests/store/postgres.rs"]
mod postgres;

use std::{collections::BTreeMap, sync::Arc, time::Instant};

use bed::{Bed, auth_status, hello, outcome};
use coordinator::flow::{intake, lease, report};
use domain::{
    id::AgentId,
    outcome::Answer,
    wire::{End, Fenced, LeaseAsk, Report},
};
use serde_json::{Value, json};

const CLIENTS: usize = 8;

/// Runs the same work in every client at once; how many acts per second in all.
async fn measured<F, Fut>(acts: usize, client: F) -> f64
where
    F: Fn(usize) -> Fut,
    Fut: Future<Output = anyhow::Result<usize>> + Send + 'static,
{
    let begin = Instant::now();
    let clients: Vec<_> = (0..CLIENTS).map(|n| tokio::spawn(client(n))).collect();
    let mut done = 0;
    for client in clients {
        done += client.await.expect("a client does not panic").expect("a client does its work");
    }
    assert_eq!(done, acts, "every act was done exactly once");
    (f64::from(u32::try_from(acts).unwrap_or(u32::MAX)) / begin.elapsed().as_secs_f64()).round()
}

async fn enqueue(bed: &Arc<Bed>, jobs: usize) -> f64 {
    measured(jobs, |client| {
        let bed = Arc::clone(bed);
        async move {
            let mine = (client..jobs).step_by(CLIENTS).count();
            for n in 0..mine {
                let taken = auth_status(&format!("W{client}N{n}"));
                intake::take_in(&bed.core, &bed::SETUP, &taken, None, bed.now()).await?;
            }
            Ok(mine)
        }
    })
    .await
}

/// Lease up to `batch` jobs, complete each, until none is left.
async fn cycle(bed: &Arc<Bed>, agents: &[AgentId], jobs: usize, batch: u32) -> f64 {
    measured(jobs, |client| {
        let (bed, agent) = (Arc::clone(bed), agents[client]);
        async move {
            let (mut done, mut empty) = (0, 0);
            while empty < 3 {
                let ask = LeaseAsk {
                    agent,
                    max: batch,
                    wait_ms: 0,
                    warm: Vec::new(),
                    ask: format!("{:x}", bed::random()),
                };
                let leases = lease::lease_next(&bed.core, &ask, bed.now()).await?;
                empty = if leases.is_empty() { empty + 1 } else { 0 };
                for l in leases {
                    let outcome = outcome(Answer::Approved, "N1");
                    let report = Report {
                        fenced: Fenced { agent, job: l.job, lease: l.lease, fence: l.fence },
                        attempt: l.attempt,
                        end: End::Outcome { outcome, proof: None },
                        logins: 0,
                        session_reused: true,
                        session_kept: false,
                        drift: Vec::new(),
                        prints: BTreeMap::new(),
                    };
                    report::report(&bed.core, &report, bed.now()).await?;
                    done += 1;
                }
            }
            Ok(done)
        }
    })
    .await
}

async fn numbers(bed: Bed, jobs: usize) -> Value {
    let bed = Arc::new(bed);
    let mut agents = Vec::new();
    for n in 0..CLIENTS {
        agents.push(hello(&bed.core, &format!("client-{n}"), 60, bed.now()).await);
    }
    let enqueued = enqueue(&bed, jobs).await;
    let b1 = cycle(&bed, &agents, jobs, 1).await;
    enqueue(&bed, jobs).await;
    let b50 = cycle(&bed, &agents, jobs, 50).await;
    bed.in_order().await;
    json!({"enqueue_per_s": enqueued, "cycle_b1_per_s": b1, "cycle_b50_per_s": b50})
}

#[tokio::main]
#[expect(clippy::print_stdout, reason = "the report is what this program is for")]
async fn main() {
    let jobs = std::env::args().nth(1).and_then(|n| n.parse().ok()).unwrap_or(2000);
    let sqlite = numbers(Bed::sqlite().await, jobs).await;
    let postgres = numbers(Bed::postgres().await, jobs).await;
    println!("{}", json!({"queue": {"sqlite": sqlite, "postgres": postgres}, "jobs": jobs}));
}
