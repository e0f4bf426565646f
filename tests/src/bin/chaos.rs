//! `chaos`: hurts fleets by seed, judges them, and writes `target/chaos/report.json`. Stopped, it goes on where it was.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    process::ExitCode,
    time::Instant,
};

use anyhow::{Context as _, Result};
use clap::Parser;
use futures_util::{StreamExt as _, stream};
use tests::{
    chaos::{
        report::{Batch, report},
        rows::{self, Row, seed_of},
        sabotage,
    },
    fleet::repository,
};

/// Hurts fleets by seed and judges what came of it.
#[derive(Parser)]
struct Arguments {
    /// Only these rows (with `--sabotage` also defects, as `SB-3`), separated by commas; otherwise all.
    #[arg(long, value_delimiter = ',')]
    rows: Vec<String>,
    /// Every row as often as the full counts ask for.
    #[arg(long)]
    full: bool,
    /// Every row once, with the few waves that a test has time for.
    #[arg(long, conflicts_with = "full")]
    short: bool,
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
    let work = async {
        if arguments.sabotage {
            let out = out(&arguments)?;
            sabotage::run(&out, arguments.seed, &arguments.rows).await
        } else {
            run(&arguments).await
        }
    };
    // What was started ends with the value that holds it: a run that is stopped leaves nobody behind.
    let ended = tokio::select! {
        ended = work => ended,
        _ = tokio::signal::ctrl_c() => Err(anyhow::anyhow!("stopped; the same command goes on where it was")),
    };
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

/// One batch that is to be run.
#[derive(Clone, Copy)]
struct Planned {
    row: Row,
    number: u32,
    waves: u32,
}

/// Every batch, mixed so that a run that is stopped has some of every row.
fn plan(arguments: &Arguments) -> Vec<Planned> {
    let wanted = |row: &Row| {
        arguments.rows.is_empty() || arguments.rows.iter().any(|wanted| wanted == row.id)
    };
    let mut plan = Vec::new();
    for row in rows::ROWS.into_iter().filter(wanted) {
        let (batches, waves) = match (arguments.full, arguments.short) {
            (true, _) => (row.batches, row.waves),
            (_, true) => (1, row.short),
            _ => (arguments.batches, arguments.waves),
        };
        let batches = if waves == 0 { 0 } else { batches };
        plan.extend(
            (0..batches).map(|number| (number * 1_000 / batches, Planned { row, number, waves })),
        );
    }
    plan.sort_by_key(|(share, _)| *share);
    plan.into_iter().map(|(_, planned)| planned).collect()
}

/// How far a run has come.
struct Progress {
    began: Instant,
    lanes: usize,
    left: Vec<Planned>,
    done: Vec<Batch>,
    /// Milliseconds of a wave of each row, of batches that were run now.
    waves_ms: BTreeMap<String, (u64, u64)>,
}

impl Progress {
    /// Minutes until everything is done, from what a wave of each row took so far.
    fn minutes_left(&self) -> u64 {
        let (all_ms, all_waves) =
            self.waves_ms.values().fold((0, 0), |sum, of| (sum.0 + of.0, sum.1 + of.1));
        let ms: u64 = self
            .left
            .iter()
            .map(|planned| {
                let (ms, waves) =
                    self.waves_ms.get(planned.row.id).copied().unwrap_or((all_ms, all_waves));
                ms * u64::from(planned.waves) / waves.max(1)
            })
            .sum();
        ms / u64::try_from(self.lanes).unwrap_or(1) / 60_000
    }

    fn came(&mut self, batch: Batch, was_known: bool) {
        let at = self.left.iter().position(|planned| planned.row.id == batch.row);
        if let Some(at) = at {
            self.left.swap_remove(at);
        }
        if !was_known {
            let of = self.waves_ms.entry(batch.row.clone()).or_default();
            *of = (of.0 + batch.took_ms, of.1 + u64::from(batch.runs));
        }
        let said = if batch.violations.is_empty() {
            "kept".to_owned()
        } else {
            batch.violations.join("; ")
        };
        let line = format!(
            "{} {:016x}: {} waves, {} jobs, {} faulted, {} kills, {} s: {said}",
            batch.row,
            batch.seed,
            batch.runs,
            batch.jobs,
            batch.faulted,
            batch.kills,
            batch.took_ms / 1_000,
        );
        self.done.push(batch);
        let sum = |of: fn(&Batch) -> usize| self.done.iter().map(of).sum::<usize>();
        if !was_known {
            tell(&line);
            tell(&format!(
                "  {} of {} batches, {} faulted submissions, {} kills; {} min so far, about {} min left",
                self.done.len(),
                self.done.len() + self.left.len(),
                sum(|b| b.faulted),
                sum(|b| b.kills),
                self.began.elapsed().as_secs() / 60,
                self.minutes_left()
            ));
        }
    }
}

async fn run(arguments: &Arguments) -> Result<bool> {
    let out = out(arguments)?;
    let plan = plan(arguments);
    let lanes = arguments.lanes.max(1);
    let mut progress = Progress {
        began: Instant::now(),
        lanes,
        left: plan.clone(),
        done: Vec::new(),
        waves_ms: BTreeMap::new(),
    };
    let mut running = stream::iter(plan)
        .map(|planned| {
            let seed = seed_of(arguments.seed, &planned.row, planned.number);
            one(planned, seed, &out)
        })
        .buffer_unordered(lanes);
    while let Some(batch) = running.next().await {
        let (batch, was_known) = batch?;
        progress.came(batch, was_known);
    }
    let batches = progress.done;
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

/// One batch, or what an earlier run wrote of it, and which.
async fn one(planned: Planned, seed: u64, out: &Path) -> Result<(Batch, bool)> {
    let Planned { row, waves, .. } = planned;
    let name = format!("{}-{seed:016x}-{waves}", row.id);
    let file = out.join(format!("{name}.json"));
    if let Some(known) = Batch::read(&file) {
        return Ok((known, true));
    }
    let root = out.join("fleets").join(&name);
    // A fleet that could not be started or asked is told like a broken promise; the others go on.
    let batch = match rows::batch(&row, &root, seed, waves, None).await {
        Ok(batch) => batch,
        Err(why) => Batch::stopped(&row, seed, waves, &why),
    };
    batch.write(&file)?;
    if batch.violations.is_empty() {
        // What went well needs no folder; what did not is kept to be looked at.
        rows::clear(&root);
    }
    Ok((batch, false))
}
