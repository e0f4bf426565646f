//! What a run says: one file for each batch, so that a run goes on where it was stopped, and one report of all of them.

use std::{collections::BTreeMap, path::Path};

use anyhow::{Context as _, Result};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::rows::{NOT_RUN, ROWS, Row};

/// One batch: a fleet's life.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Batch {
    /// Its row.
    pub row: String,
    /// Its seed.
    pub seed: u64,
    /// With what.
    pub back_end: String,
    /// Waves.
    pub runs: u32,
    /// Processes killed with `kill -9`.
    pub kills: usize,
    /// Jobs accepted.
    pub jobs: usize,
    /// Jobs with an answer at the end; the others are with a person.
    pub answered: usize,
    /// Jobs whose submission met a fault.
    pub faulted: usize,
    /// Requests that arrived at the payer.
    pub arrivals: usize,
    /// Requests recorded more than once.
    pub double: usize,
    /// Jobs lost.
    pub lost: usize,
    /// Jobs in doubt at some time.
    pub in_doubt: usize,
    /// Processes and folders left over.
    pub stray: usize,
    /// Broken limits.
    pub politeness: usize,
    /// From a lost lease to the answer, milliseconds.
    pub recovered_ms: Vec<u64>,
    /// From a doubt to its end, milliseconds.
    pub settled_ms: Vec<u64>,
    /// How long it took.
    pub took_ms: u64,
    /// Every broken promise.
    pub violations: Vec<String>,
}

impl Batch {
    /// A batch that came to no end: its fleet could not be started, or not be asked.
    pub fn stopped(row: &Row, seed: u64, runs: u32, why: &anyhow::Error) -> Batch {
        Batch {
            row: row.id.to_owned(),
            seed,
            back_end: row.back_end(),
            runs,
            violations: vec![format!("run: {why:#}")],
            ..Batch::default()
        }
    }

    /// Writes it, whole or not at all.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn write(&self, to: &Path) -> Result<()> {
        let half = to.with_extension("part");
        std::fs::write(&half, serde_json::to_vec_pretty(self)?)
            .and_then(|()| std::fs::rename(&half, to))
            .with_context(|| format!("writing {}", to.display()))
    }

    /// Reads it back; none when it was never finished.
    pub fn read(from: &Path) -> Option<Batch> {
        serde_json::from_slice(&std::fs::read(from).ok()?).ok()
    }
}

/// The value below which so many of a hundred lie.
fn percentile(sorted: &[u64], percent: usize) -> Option<f64> {
    let at = (sorted.len() * percent).div_ceil(100).checked_sub(1)?;
    sorted.get(at).map(|ms| *ms as f64 / 1_000.0)
}

fn spread(mut ms: Vec<u64>) -> Value {
    ms.sort_unstable();
    json!({"p50": percentile(&ms, 50), "p95": percentile(&ms, 95), "of": ms.len()})
}

/// The report of a run.
pub fn report(batches: &[Batch]) -> Value {
    let sum = |of: fn(&Batch) -> usize| batches.iter().map(of).sum::<usize>();
    let mut rows = BTreeMap::new();
    for row in ROWS {
        let of: Vec<&Batch> = batches.iter().filter(|b| b.row == row.id).collect();
        if of.is_empty() {
            rows.insert(row.id, json!({"runs": 0, "violations": 0, "not_run": "not asked for"}));
            continue;
        }
        rows.insert(
            row.id,
            json!({
                "runs": of.iter().map(|b| b.runs).sum::<u32>(),
                "violations": of.iter().map(|b| b.violations.len()).sum::<usize>(),
                "faulted_submissions": of.iter().map(|b| b.faulted).sum::<usize>(),
                "kills": of.iter().map(|b| b.kills).sum::<usize>(),
                "back_end": row.back_end(),
                "what": row.what,
            }),
        );
    }
    for (id, why) in NOT_RUN {
        if let Some(row) = rows.get_mut(id) {
            row["left_out"] = json!(why);
        }
    }
    let faulted = sum(|b| b.faulted);
    let arrivals = sum(|b| b.arrivals);
    let per = |n: usize| (n > 0).then(|| 3.0 / n as f64);
    json!({
        "faulted_submissions": faulted,
        "submissions": arrivals,
        "jobs": sum(|b| b.jobs),
        "answered": sum(|b| b.answered),
        "kills": sum(|b| b.kills),
        "double": sum(|b| b.double),
        "lost": sum(|b| b.lost),
        // No failure in n runs: a rate below 3 / n at 95 %.
        "double_rate_below_95": if sum(|b| b.double) == 0 { per(faulted) } else { None },
        "stray_processes": sum(|b| b.stray),
        "politeness_violations": sum(|b| b.politeness),
        "in_doubt": sum(|b| b.in_doubt),
        "recovery_s": spread(batches.iter().flat_map(|b| b.recovered_ms.clone()).collect()),
        "doubt_settled_s": spread(batches.iter().flat_map(|b| b.settled_ms.clone()).collect()),
        "violations": batches.iter().flat_map(|b| {
            b.violations.iter().map(|v| json!({"row": b.row, "seed": b.seed, "seen": v})).collect::<Vec<_>>()
        }).collect::<Vec<_>>(),
        "rows": rows,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_of_the_sorted_values() {
        assert_eq!(percentile(&[], 50), None);
        assert_eq!(percentile(&[1_000, 2_000, 3_000], 50), Some(2.0));
        let hundred: Vec<u64> = (1..=100).map(|n| n * 1_000).collect();
        assert_eq!(percentile(&hundred, 95), Some(95.0));
    }

    #[test]
    fn every_row_of_the_matrix_is_told() {
        let said = report(&[]);
        let rows = said["rows"].as_object().expect("rows");
        for n in 1..=21 {
            assert!(rows.contains_key(&format!("X-{n:02}")), "X-{n:02}");
        }
    }
}
