//! Status checks read without rendering, beside the same checks by playwright-core with its portal sessions kept: the same payers,
//! the same Chromium, in turns; and whether what is fetched says what the page shows, over all payers and many cases.

pub(crate) mod ours;
mod payer;
mod side;

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, ensure};
use clap::Args;
use serde_json::{Value, json};

use crate::tree::TreeWatch;
use payer::{Check, Payer};
use side::Side;

/// How to run it.
#[derive(Args)]
#[group(id = "fetch")]
pub(crate) struct Options {
    /// Status checks of each side in a block
    #[arg(long, default_value_t = 10)]
    checks: usize,
    /// Blocks of each side at each payer
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// Only whether fetched and shown agree
    #[arg(long)]
    only_agreement: bool,
    /// Payers, all when none is named
    #[arg(long, value_delimiter = ',')]
    fetch_payers: Vec<String>,
}

/// One check in so many is compared with the shown page, unless a script says otherwise.
const SHADOW: f64 = 20.0;
/// How far the payers' clocks are moved on between two looks at everything.
const MOMENTS: [&str; 3] = ["P3D", "P8D", "P25D"];

/// What checks of one kind cost.
#[derive(Default)]
struct Cost {
    ms: Vec<f64>,
    cpu_s: f64,
}

impl Cost {
    fn cpu_ms(&self) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "a few hundred")]
        let count = self.ms.len().max(1) as f64;
        self.cpu_s * 1000.0 / count
    }

    fn json(&self) -> Value {
        let mut sorted = self.ms.clone();
        sorted.sort_by(f64::total_cmp);
        let at = |part: usize| sorted.get((sorted.len() * part / 100).min(sorted.len().max(1) - 1));
        json!({
            "checks": self.ms.len(), "cpu_ms": round(self.cpu_ms()),
            "p50_ms": at(50).map(|ms| round(*ms)), "p95_ms": at(95).map(|ms| round(*ms)),
        })
    }
}

fn round(value: f64) -> f64 {
    (value * 100.0).round() / 100.0
}

/// Measures; gives the figures.
pub(crate) async fn measure(options: &Options) -> Result<Value> {
    let folder = tempfile::tempdir()?;
    let mut payers = Vec::new();
    for slug in payer::SLUGS {
        if options.fetch_payers.is_empty()
            || options.fetch_payers.iter().any(|wanted| wanted == slug)
        {
            let payer = Payer::start(slug, folder.path()).await;
            payers.push(payer.with_context(|| format!("starting {slug}"))?);
        }
    }
    ensure!(!payers.is_empty(), "no such payer");
    let mut ours = Side::ours(&payers, folder.path()).await.context("starting our side")?;
    let mut report = json!({});
    if !options.only_agreement {
        let mut peer = Side::playwright(&payers, folder.path()).await?;
        report = cost(options, &payers, &mut ours, &mut peer).await?;
        peer.end().await;
    }
    let agreement = agreement(&mut payers, &mut ours).await;
    ours.end().await;
    let agreement = agreement?;
    for (key, value) in agreement.as_object().into_iter().flatten() {
        report[key] = value.clone();
    }
    Ok(report)
}

/// CPU and time of the same checks, fetched and shown by us, and by the peer.
async fn cost(
    options: &Options,
    payers: &[Payer],
    ours: &mut Side,
    peer: &mut Side,
) -> Result<Value> {
    let mut all: BTreeMap<&str, Cost> = BTreeMap::new();
    let mut by_payer = json!({});
    for payer in payers {
        let mut here: BTreeMap<&str, Cost> = BTreeMap::new();
        // Signed in, and every answer known once: nothing has changed when it is measured. A claim the payer does not show has
        // nothing to read.
        let mut checks = Vec::new();
        for check in payer.claims() {
            let known = ours.check(&check, "both").await?;
            if known["answer"] == "not_found" {
                continue;
            }
            let read = peer.check(&check, "shown").await?;
            same_words(&check, &known, &read)?;
            checks.push(check);
        }
        if checks.is_empty() {
            continue;
        }
        for round in 0..options.rounds {
            let mut turns = [("fetched", "fetch"), ("playwright", "shown"), ("shown", "shown")];
            turns.rotate_left(round % 3);
            for (name, how) in turns {
                let side = if name == "playwright" { &mut *peer } else { &mut *ours };
                let watch = TreeWatch::begin(vec![side.pid()?]);
                let mut ms = Vec::new();
                let mut failed = None;
                for check in checks.iter().cycle().take(options.checks) {
                    match side.check(check, how).await {
                        Ok(told) if name == "fetched" && told["reading"] != "fetched" => {
                            failed = Some(anyhow::anyhow!("not fetched alone: {told}"));
                        }
                        Ok(told) => ms.extend(told["ms"].as_f64()),
                        Err(error) => failed = Some(error),
                    }
                }
                let cpu_s = watch.end().await.cpu_s;
                if let Some(error) = failed {
                    return Err(error.context(format!("{} by {name}", payer.slug)));
                }
                for cost in [here.entry(name).or_default(), all.entry(name).or_default()] {
                    cost.ms.extend(&ms);
                    cost.cpu_s += cpu_s;
                }
            }
        }
        println!("fetch    {:10} {}", payer.slug, line(&here));
        by_payer[payer.slug] = figures(&here);
    }
    println!("fetch    {:10} {}", "all", line(&all));
    let mut report = figures(&all);
    report["payers"] = by_payer;
    Ok(report)
}

/// The peer must have read what we read, else the two do not do the same.
fn same_words(check: &Check, ours: &Value, peer: &Value) -> Result<()> {
    let words = peer["status"].as_str().unwrap_or_default();
    let held = ours.to_string().to_uppercase();
    // A cell may say more behind the word that tells.
    let first = words.split([' ', '-', '/']).next().unwrap_or_default();
    ensure!(
        !first.is_empty() && held.contains(&first.to_uppercase()),
        "{}: the peer read `{words}`, we {ours}",
        check.payer
    );
    Ok(())
}

fn figures(costs: &BTreeMap<&str, Cost>) -> Value {
    let cpu = |name: &str| costs.get(name).map_or(0.0, Cost::cpu_ms);
    let (fetched, shown, peer) = (cpu("fetched"), cpu("shown"), cpu("playwright"));
    let mixed = (fetched * (SHADOW - 1.0) + shown + fetched) / SHADOW;
    let mut out = json!({
        "cpu_ratio": round(peer / fetched.max(0.001)),
        "cpu_ratio_with_comparisons": round(peer / mixed.max(0.001)),
    });
    for (name, cost) in costs {
        out[*name] = cost.json();
    }
    out
}

fn line(costs: &BTreeMap<&str, Cost>) -> String {
    let mut told = figures(costs);
    let ratio = told["cpu_ratio"].take();
    let mixed = told["cpu_ratio_with_comparisons"].take();
    let each = costs.iter().map(|(name, cost)| {
        let figures = cost.json();
        format!("{name} {} ms CPU, p50 {} ms", figures["cpu_ms"], figures["p50_ms"])
    });
    format!(
        "{} · {ratio} times less CPU ({mixed} with comparisons)",
        each.collect::<Vec<_>>().join(" · ")
    )
}

/// Whether fetched and shown say the same: every check of every payer, now and while time goes on and reviewers decide.
async fn agreement(payers: &mut [Payer], ours: &mut Side) -> Result<Value> {
    let (mut agreed, mut disagreed, mut alone, mut shown) = (0_u32, 0_u32, 0_u32, 0_u32);
    let mut by_payer = json!({});
    for payer in payers.iter_mut() {
        payer.file_requests().await.with_context(|| format!("filing at {}", payer.slug))?;
        let before = (agreed, disagreed, shown);
        let mut why = Vec::new();
        for moment in std::iter::once(None).chain(MOMENTS.into_iter().map(Some)) {
            if let Some(time) = moment {
                payer.advance(time).await?;
            }
            for check in payer.claims().into_iter().chain(payer.requests()) {
                let told = ours.check(&check, "both").await?;
                match told["reading"].as_str() {
                    Some("agreed") => agreed += 1,
                    Some("disagreed") => {
                        disagreed += 1;
                        why.push(format!("{}: {}", check.script, told["drift"]));
                    }
                    _ => {
                        shown += 1;
                        why.push(format!("{}: {}", check.script, told["why"]));
                        continue;
                    }
                }
                // The same question again, as a later check would ask it.
                let again = ours.check(&check, "fetch").await?;
                if again["reading"] == "fetched" {
                    alone += 1;
                } else {
                    why.push(format!("{} again: {}", check.script, again["why"]));
                }
            }
            payer.decide().await?;
        }
        why.sort();
        why.dedup();
        let here = (agreed - before.0, disagreed - before.1, shown - before.2);
        println!(
            "fetch    {:10} {} agreed, {} disagreed, {} only shown {}",
            payer.slug,
            here.0,
            here.1,
            here.2,
            why.join("; ")
        );
        by_payer[payer.slug] =
            json!({"agreed": here.0, "disagreed": here.1, "only_shown": here.2, "why": why});
    }
    let rate = f64::from(agreed) / f64::from((agreed + disagreed).max(1));
    println!("fetch    agreement {rate}: {agreed} of {}", agreed + disagreed);
    Ok(json!({
        "agreement": rate, "agreed": agreed, "disagreed": disagreed, "only_shown": shown,
        "fetched_alone_when_asked_again": alone, "agreement_by_payer": by_payer,
    }))
}
