//! Measures the fallback: status checks at a payer with portal and FHIR PAS, whose portal goes down in the middle of every wave. How
//! long until the interface carries on, and whether anything was lost or answered twice. Adds `fallback` to `target/bench/exchange.json`.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a program for a person's terminal")]

use std::{path::PathBuf, process::ExitCode, time::Duration};

use anyhow::{Context as _, Result, ensure};
use clap::Parser;
use serde_json::{Value, json};
use tests::{
    bench::quantile,
    fleet::{Fleet, Options, api::until, fallback, repository},
};
use tokio::time::Instant;

/// Measures how fast and how safely status checks move from a portal that goes down to the payer's interface.
#[derive(Parser)]
struct Args {
    /// Status checks in all
    #[arg(long, default_value_t = 200)]
    checks: usize,
    /// How often the portal goes down
    #[arg(long, default_value_t = 10)]
    waves: usize,
}

/// Longest time for one wave.
const PATIENCE: Duration = Duration::from_secs(600);

#[derive(Default)]
struct Sums {
    seconds: Vec<f64>,
    lost: usize,
    double: usize,
    by_portal: usize,
    by_api: usize,
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(Args::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("fallback: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(args: Args) -> Result<()> {
    ensure!(args.waves > 0 && args.checks >= 4 * args.waves, "at least four checks in each wave");
    let out = std::env::var_os("CARGO_TARGET_DIR")
        .map_or_else(|| repository().join("target"), PathBuf::from)
        .join("bench");
    std::fs::create_dir_all(&out)?;
    let fleet = Fleet::start(Options {
        payers: vec![fallback::PAYER],
        slots: 2,
        lease_ttl_ms: 30_000,
        heartbeat_ms: 5_000,
        fallback: true,
        code_step_s: 10,
        ..Options::story(out.join("fallback"))
    })
    .await?;
    let mut sums = Sums::default();
    let each = args.checks / args.waves;
    for wave in 0..args.waves {
        one_wave(&fleet, wave, each, &mut sums).await?;
        let last = sums.seconds.last().copied().unwrap_or_default();
        println!("wave {} of {}: the interface carried on after {last:.2} s", wave + 1, args.waves);
    }
    fleet.end().await?;
    let path = out.join("exchange.json");
    let mut report: Value = match std::fs::read(&path) {
        Ok(bytes) => serde_json::from_slice(&bytes).context("reading exchange.json")?,
        Err(_) => json!({}),
    };
    report["fallback"] = json!({
        "p50_s": quantile(&sums.seconds, 0.5), "p95_s": quantile(&sums.seconds, 0.95),
        "lost": sums.lost, "double": sums.double, "checks": each * args.waves, "waves": args.waves,
        "by_portal": sums.by_portal, "by_api": sums.by_api,
    });
    println!("{}", report["fallback"]);
    std::fs::write(&path, serde_json::to_vec_pretty(&report)?)?;
    println!("Written to {}", path.display());
    Ok(())
}

/// The portal goes down when a quarter of the wave is answered, and is back when all of it is.
async fn one_wave(fleet: &Fleet, wave: usize, checks: usize, sums: &mut Sums) -> Result<()> {
    let (wave, count) = (i64::try_from(wave)?, i64::try_from(checks)?);
    // Days that are the wave's own: every check asks about another request.
    let filed = fallback::on_file(fleet, 1 + wave * count, count).await?;
    let jobs = fallback::check(fleet, &filed).await?;
    until(PATIENCE, "a quarter of the wave is answered", || async {
        Ok((done(fleet, &jobs).await? >= checks / 4).then_some(()))
    })
    .await?;
    let before = by_api(fleet, &jobs).await?;
    fallback::shut(fleet).await?;
    let shut = Instant::now();
    let carried_on = until(PATIENCE, "the interface carries on", || async {
        Ok((by_api(fleet, &jobs).await? > before).then(|| shut.elapsed()))
    });
    sums.seconds.push(carried_on.await?.as_secs_f64());
    let whole = until(PATIENCE, "the wave is answered", || async {
        Ok((done(fleet, &jobs).await? == checks).then_some(()))
    });
    if whole.await.is_err() {
        sums.lost += checks - done(fleet, &jobs).await?;
    }
    for job in &jobs {
        let tried = fallback::attempts(fleet, job).await?;
        let good: Vec<&Value> = tried.iter().filter(|a| a["state"] == "succeeded").collect();
        sums.double += usize::from(good.len() > 1);
        match good.first().and_then(|attempt| attempt["channel"].as_str()) {
            Some("portal") => sums.by_portal += 1,
            Some(_) => sums.by_api += 1,
            None => {}
        }
    }
    fallback::reopen(fleet).await
}

async fn done(fleet: &Fleet, jobs: &[String]) -> Result<usize> {
    let page = fleet.api.get("jobs?state=done&limit=200").await?;
    let ids = page["items"].as_array().into_iter().flatten().filter_map(|job| job["id"].as_str());
    Ok(ids.filter(|id| jobs.iter().any(|job| job == id)).count())
}

/// How many of these jobs an attempt by the interface has answered.
async fn by_api(fleet: &Fleet, jobs: &[String]) -> Result<usize> {
    let page = fleet.api.get("attempts?state=succeeded&limit=200").await?;
    let own = |attempt: &&Value| {
        attempt["channel"] == "fhir_pas" && jobs.iter().any(|job| attempt["job"] == job.as_str())
    };
    Ok(page["items"].as_array().into_iter().flatten().filter(own).count())
}
