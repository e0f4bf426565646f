//! The benchmark: status checks by the fleet beside the same flow in playwright-core, on the same Chromium and the same portal,
//! interleaved in one run; then the coordinator's queue alone. Writes `target/bench/report.json`.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a program for a person's terminal")]

use std::{path::PathBuf, process::ExitCode, time::Duration};

use anyhow::{Context as _, Result, ensure};
use clap::Parser;
use serde_json::{Map, Value, json};
use tests::{
    bench::{Measured, peer::Peer, tree::TreeWatch},
    fleet::{Fleet, Options, api::until, process::binary, repository, requests},
};
use tokio::time::Instant;

/// Measures the fleet beside playwright-core, and the queue alone.
#[derive(Parser)]
struct Args {
    /// Jobs of one round
    #[arg(long, default_value_t = 16)]
    jobs: usize,
    /// Rounds of every way, interleaved
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// Slot counts to measure
    #[arg(long, value_delimiter = ',', default_values_t = [1, 4])]
    slots: Vec<usize>,
    /// Ways to measure
    #[arg(long, value_delimiter = ',', value_parser = WAYS, default_values_t = WAYS.map(str::to_owned))]
    ways: Vec<String>,
    /// Leave the queue out
    #[arg(long)]
    no_queue: bool,
}

const WAYS: [&str; 3] = ["ours", "playwright_fresh", "playwright_reuse"];
const CLAIM: &str = "PC01";

#[tokio::main]
async fn main() -> ExitCode {
    match run(Args::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(args: Args) -> Result<()> {
    let out = std::env::var_os("CARGO_TARGET_DIR")
        .map_or_else(|| repository().join("target"), PathBuf::from)
        .join("bench");
    std::fs::create_dir_all(&out)?;
    let mut report = Map::new();
    report.insert("browser".into(), browser(&args, &out).await?);
    if !args.no_queue {
        report.insert("queue".into(), queue().await?);
    }
    let path = out.join("report.json");
    std::fs::write(&path, serde_json::to_vec_pretty(&report)?)?;
    println!("{}", serde_json::to_string_pretty(&report)?);
    println!("Written to {}", path.display());
    Ok(())
}

async fn browser(args: &Args, out: &std::path::Path) -> Result<Value> {
    let mut ways: Map<String, Value> =
        args.ways.iter().map(|way| (way.clone(), json!({}))).collect();
    for slots in &args.slots {
        let mut sums: Vec<Measured> = args.ways.iter().map(|_| Measured::default()).collect();
        for round in 0..args.rounds {
            for turn in 0..args.ways.len() {
                // Whoever goes first in a round meets a colder machine: the order rotates.
                let which = (turn + round) % args.ways.len();
                let way = &args.ways[which];
                println!("{slots} slots, round {} of {}: {way}", round + 1, args.rounds);
                sums[which].add(measure(way, *slots, args.jobs, out).await?);
            }
        }
        for (way, sum) in args.ways.iter().zip(&sums) {
            ways[way.as_str()][format!("slots_{slots}")] = sum.report();
        }
    }
    Ok(Value::Object(ways))
}

async fn measure(way: &str, slots: usize, jobs: usize, out: &std::path::Path) -> Result<Measured> {
    let agents = usize::from(way == "ours");
    let fleet = Fleet::start(Options {
        agents,
        slots: u32::try_from(slots)?,
        sessions_max: u32::try_from(slots)?,
        payers: vec!["crestline"],
        lease_ttl_ms: 60_000,
        heartbeat_ms: 15_000,
        ..Options::story(out.join("fleet"))
    })
    .await?;
    fleet.control("crestline").knob("max_portal_sessions", 16).await?;
    let mut measured = if agents == 1 {
        ours(&fleet, slots, jobs).await?
    } else {
        theirs(&fleet, way, slots, jobs).await?
    };
    let logins = fleet.truth("crestline").of_kind("login").await?;
    measured.logins = logins.iter().filter(|entry| entry["result"] == "ok").count();
    fleet.end().await?;
    Ok(measured)
}

async fn theirs(fleet: &Fleet, way: &str, slots: usize, jobs: usize) -> Result<Measured> {
    // Codes are made on the payer's clock, which the peer moves on by a step before each sign-in: nobody waits for a code.
    fleet.control("crestline").knob("totp_clock", "sim").await?;
    let claim = requests::payer_claim(CLAIM);
    let job = json!({"claim": claim.claim, "member": requests::member(&claim.member).member_id});
    let mode = way.trim_start_matches("playwright_");
    let peer = Peer::start(mode, slots, fleet.ready("crestline"), &vec![job; jobs]).await?;
    peer.work("Finalized/Payment").await
}

async fn ours(fleet: &Fleet, slots: usize, jobs: usize) -> Result<Measured> {
    let warm = submit(fleet, slots).await?;
    finished(fleet, &warm).await?;
    let watch = TreeWatch::begin(fleet.own_pids());
    let began = Instant::now();
    let made = submit(fleet, jobs).await?;
    let seconds = finished(fleet, &made).await?;
    let wall_s = began.elapsed().as_secs_f64();
    let sums = watch.end().await;
    Ok(Measured { seconds, wall_s, cpu_s: sums.cpu_s, peak_mib: sums.peak_mib, logins: 0 })
}

async fn submit(fleet: &Fleet, jobs: usize) -> Result<Vec<String>> {
    let mut made = Vec::new();
    for _ in 0..jobs {
        let body = json!({"payer": "crestline", "request": requests::claim_status(CLAIM)});
        let case = fleet.api.post("cases", &body).await?;
        made.push(case["job"].as_str().context("intake names the job")?.to_owned());
    }
    Ok(made)
}

/// Waits until all are done and returns the seconds of each, from lease to report.
async fn finished(fleet: &Fleet, jobs: &[String]) -> Result<Vec<f64>> {
    let mut seconds = Vec::new();
    for id in jobs {
        let job = until(Duration::from_secs(600), "a job of the benchmark ends", || async {
            let job = fleet.api.get(&format!("jobs/{id}")).await?;
            Ok((!matches!(job["state"].as_str(), Some("ready" | "leased" | "resting")))
                .then_some(job))
        })
        .await?;
        ensure!(job["outcome"]["answer"] == "claim_paid", "a job ended as {job}");
        let attempts = fleet.api.get(&format!("attempts?job={id}")).await?;
        let last = attempts["items"][0].clone();
        let at =
            |field: &str| last[field].as_str().and_then(|at| at.parse::<jiff::Timestamp>().ok());
        let (from, to) = at("started_at")
            .zip(at("ended_at"))
            .context("an attempt has a beginning and an end")?;
        seconds.push(to.duration_since(from).as_secs_f64());
    }
    Ok(seconds)
}

async fn queue() -> Result<Value> {
    println!("the queue alone, on both databases");
    let output = tokio::process::Command::new(binary("examples/queue_bench")?)
        .output()
        .await
        .context("running the queue benchmark")?;
    ensure!(
        output.status.success(),
        "the queue benchmark failed: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    let mut result: Value =
        serde_json::from_slice(&output.stdout).context("reading the queue benchmark's result")?;
    Ok(result["queue"].take())
}
