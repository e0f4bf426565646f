//! `chaos`: hurts fleets by seed, judges them, and writes `target/chaos/report.json`. Stopped, it goes on where it was.

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context as _, Result};
use clap::Parser;
use futures_util::{StreamExt as _, stream};
use tests::{
    chaos::{
        report::{Batch, report},
        rows::{self, Row},
    },
    fleet::repository,
};

/// Hurts fleets by seed and judges what came of it.
#[derive(Parser)]
struct Arguments {
    /// Only these rows, separated by commas; otherwise all.
    #[arg(long, value_delimiter = ',')]
    rows: Vec<String>,
    /// Batches of each row.
    #[arg(long, default_value_t = 1)]
    batches: u32,
    /// Waves of each batch.
    #[arg(long, default_value_t = 4)]
    waves: u32,
    /// Batches at a time.
    #[arg(long, default_value_t = 2)]
    lanes: usize,
    /// The seed everything follows from.
    #[arg(long, default_value_t = 20_260)]
    seed: u64,
    /// Where batches and report are written.
    #[arg(long)]
    out: Option<PathBuf>,
    /// Begins anew: what an earlier run wrote is forgotten.
    #[arg(long)]
    fresh: bool,
    /// Puts each defect in and says after how many seeds it is caught; writes `sabotage.md`.
    #[arg(long)]
    sabotage: bool,
}

#[tokio::main]
async fn main() -> ExitCode {
    tracing_subscriber::fmt()
        .with_env_filter(
            tracing_subscriber::EnvFilter::try_from_default_env().unwrap_or_else(|_| "warn".into()),
        )
        .with_writer(std::io::stderr)
        .init();
    let arguments = Arguments::parse();
    let ended = if arguments.sabotage { sabotage(&arguments).await } else { run(&arguments).await };
    match ended {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            tell(&format!("chaos: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

#[expect(clippy::print_stdout, reason = "what the program says")]
fn tell(line: &str) {
    println!("{line}");
}

fn out(arguments: &Arguments) -> Result<PathBuf> {
    let target = std::env::var_os("CARGO_TARGET_DIR")
        .map_or_else(|| repository().join("target"), PathBuf::from);
    let out = arguments.out.clone().unwrap_or_else(|| target.join("chaos"));
    if arguments.fresh && out.exists() {
        std::fs::remove_dir_all(&out).with_context(|| format!("emptying {}", out.display()))?;
    }
    std::fs::create_dir_all(&out).with_context(|| format!("making {}", out.display()))?;
    Ok(out)
}

/// A seed of its own for each batch.
fn seed_of(seed: u64, row: &Row, number: u32) -> u64 {
    let name =
        row.id.bytes().fold(seed, |sum, byte| sum.wrapping_mul(31).wrapping_add(byte.into()));
    name.wrapping_mul(0x9E37_79B9_7F4A_7C15).wrapping_add(u64::from(number))
}

async fn run(arguments: &Arguments) -> Result<bool> {
    let out = out(arguments)?;
    let rows = rows::ROWS
        .into_iter()
        .filter(|row| arguments.rows.is_empty() || arguments.rows.iter().any(|r| r == row.id));
    // By number first, so that a run that is stopped has some of every row.
    let rows: Vec<Row> = rows.collect();
    let plan = (0..arguments.batches).flat_map(|n| rows.iter().map(move |row| (*row, n)));
    let done = stream::iter(plan).map(|(row, number)| {
        let seed = seed_of(arguments.seed, &row, number);
        one(row, seed, arguments.waves, &out)
    });
    let batches: Vec<Result<Batch>> = done.buffer_unordered(arguments.lanes.max(1)).collect().await;
    let batches: Vec<Batch> = batches.into_iter().collect::<Result<_>>()?;
    let said = report(&batches);
    let file = out.join("report.json");
    std::fs::write(&file, serde_json::to_vec_pretty(&said)?)?;
    let broken: usize = batches.iter().map(|b| b.violations.len()).sum();
    tell(&format!(
        "{} faulted submissions, {} kills, {} double, {} lost, {} broken promises; {}",
        said["faulted_submissions"],
        said["kills"],
        said["double"],
        said["lost"],
        broken,
        file.display()
    ));
    Ok(broken == 0)
}

/// One batch, or what an earlier run wrote of it.
async fn one(row: Row, seed: u64, waves: u32, out: &Path) -> Result<Batch> {
    let name = format!("{}-{seed:016x}-{waves}", row.id);
    let file = out.join(format!("{name}.json"));
    if let Some(known) = Batch::read(&file) {
        return Ok(known);
    }
    let root = out.join("fleets").join(&name);
    let batch = rows::batch(&row, &root, seed, waves, None)
        .await
        .with_context(|| format!("{} with seed {seed}", row.id))?;
    batch.write(&file)?;
    tell(&format!(
        "{} {seed:016x}: {} waves, {} jobs, {} faulted, {} kills, {} s: {}",
        row.id,
        batch.runs,
        batch.jobs,
        batch.faulted,
        batch.kills,
        batch.took_ms / 1_000,
        if batch.violations.is_empty() { "kept".to_owned() } else { batch.violations.join("; ") }
    ));
    if batch.violations.is_empty() {
        // What went well needs no folder; what did not is kept to be looked at.
        std::fs::remove_dir_all(&root).ok();
    }
    Ok(batch)
}

/// Defects of the agent, and the row that must see each.
const DEFECTS: [(&str, &str, &str); 4] = [
    ("SB-2", "click-before-intent", "X-15"),
    ("SB-5", "retry-on-timeout", "X-15"),
    ("SB-21", "any-empty-page-is-absence", "X-15"),
    ("SB-24", "permit-never-ends", "X-17"),
];
/// Seeds until a defect counts as not caught.
const SEEDS: u32 = 10;

async fn sabotage(arguments: &Arguments) -> Result<bool> {
    let out = out(arguments)?;
    let mut table =
        String::from("| defect | what | row | caught after | by |\n|---|---|---|---|---|\n");
    let mut all = true;
    for (id, defect, row) in DEFECTS {
        let row = rows::find(row).context("the row is there")?;
        let mut caught = None;
        for number in 0..SEEDS {
            let seed = seed_of(arguments.seed ^ 0x5AB0, &row, number);
            let root = out.join("fleets").join(format!("{id}-{number}"));
            let batch = rows::batch(&row, &root, seed, arguments.waves, Some(defect)).await?;
            std::fs::remove_dir_all(&root).ok();
            if let Some(first) = batch.violations.first() {
                caught = Some((number + 1, first.split(':').next().unwrap_or_default().to_owned()));
                break;
            }
        }
        let (after, by) = match &caught {
            Some((seeds, by)) => (format!("{seeds} seeds"), by.as_str()),
            None => ("not caught".to_owned(), "-"),
        };
        all &= caught.is_some();
        tell(&format!("{id} {defect}: {after} ({by})"));
        table.push_str(&format!("| {id} | {defect} | {} | {after} | {by} |\n", row.id));
    }
    std::fs::write(out.join("sabotage.md"), table)?;
    Ok(all)
}
