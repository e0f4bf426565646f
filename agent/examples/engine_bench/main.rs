//! The engine beside engines we did not write, on pages we did not write. Each part measures one thing and puts its figures under
//! its own name into `target/bench/engine.json`; what other parts wrote there stays.
//!
//! `cargo run --release -p agent --example engine_bench -- --parts miniwob --tasks click-button --seeds 3 --modes quiet`
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a program for a person's terminal")]

mod fetch;
mod healing;
mod miniwob;
mod names;
mod ocr;
#[expect(dead_code, unreachable_pub, reason = "shared with another benchmark, which asks for more")]
#[path = "../../../tests/src/bench/tree.rs"]
mod tree;

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context as _, Result};
use clap::Parser;
use serde_json::{Map, Value};

/// Measures the engine.
#[derive(Parser)]
struct Args {
    /// What to measure
    #[arg(long, value_delimiter = ',', value_parser = PARTS, default_values_t = PARTS.map(str::to_owned))]
    parts: Vec<String>,
    #[command(flatten)]
    miniwob: miniwob::Options,
    #[command(flatten)]
    ocr: ocr::Options,
    #[command(flatten)]
    healing: healing::Options,
    #[command(flatten)]
    fetch: fetch::Options,
    /// Be our side of the part `fetch`: a question per line, an answer per line
    #[arg(long, hide = true)]
    answer_checks: bool,
}

const PARTS: [&str; 5] = ["miniwob", "names", "ocr", "healing", "fetch"];

#[tokio::main]
async fn main() -> ExitCode {
    match run(Args::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench-engine: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(args: Args) -> Result<()> {
    if args.answer_checks {
        return fetch::ours::answer_checks().await;
    }
    let target = std::env::var_os("CARGO_TARGET_DIR")
        .map_or_else(|| repository().join("target"), PathBuf::from);
    let path = target.join("bench/engine.json");
    std::fs::create_dir_all(target.join("bench"))?;
    let mut report: Map<String, Value> = match std::fs::read(&path) {
        Ok(bytes) => serde_json::from_slice(&bytes).context("an earlier report")?,
        Err(_) => Map::new(),
    };
    for part in &args.parts {
        let figures = match part.as_str() {
            "miniwob" => miniwob::measure(&args.miniwob).await?,
            "names" => names::measure().await?,
            "ocr" => ocr::measure(&args.ocr).await?,
            "healing" => healing::measure(&args.healing).await?,
            "fetch" => fetch::measure(&args.fetch).await?,
            other => anyhow::bail!("`{other}` is not known"),
        };
        report.insert(part.clone(), figures);
        std::fs::write(&path, serde_json::to_vec_pretty(&report)?)?;
    }
    println!("Written to {}", path.display());
    Ok(())
}

/// The repository's root.
fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or(Path::new("/"))
}
