//! The rows of the chaos matrix: what is done to a fleet, by seed, wave after wave.

use std::{path::Path, time::Duration};

use anyhow::{Result, bail};
use rand::Rng as _;

use super::{
    bed::{Bed, Crew, LEASE_MS},
    check::{check, counts, recoveries},
    payer::Habits,
    proxy::Way,
    report::Batch,
};

/// The fault points of a submission, in their order.
pub const POINTS: [&str; 14] = [
    "claim",
    "decrypt-input",
    "launch",
    "navigate",
    "fill_secret",
    "totp",
    "form-fill",
    "attach-file",
    "pre-evidence",
    "permit",
    "click",
    "wait-confirm",
    "post-evidence",
    "commit",
];

/// A row that runs here.
#[derive(Debug, Clone, Copy)]
pub struct Row {
    /// Its name in the matrix.
    pub id: &'static str,
    /// What is done.
    pub what: &'static str,
    /// With what.
    pub back_end: &'static str,
    /// Requests of each wave.
    pub jobs: u32,
    /// Percent of submissions, and of searches, that the payer upsets.
    upset: (u32, u32),
}

const STAND_IN: &str = "real coordinator and agents, stand-in channel, SQLite";
const PROXIED: &str =
    "real coordinator and agents through the fault proxy, stand-in channel, SQLite";

const fn row(id: &'static str, what: &'static str, jobs: u32) -> Row {
    Row { id, what, back_end: STAND_IN, jobs, upset: (0, 0) }
}

const fn proxied(id: &'static str, what: &'static str, jobs: u32) -> Row {
    Row { id, what, back_end: PROXIED, jobs, upset: (0, 0) }
}

/// All rows that run here.
pub const ROWS: [Row; 10] = [
    row("X-01", "kill -9 of an agent at each of the 14 points, before and after", 4),
    row("X-02", "kill -9 of the coordinator at any moment", 6),
    row("X-03", "kill -9 of both, back in either order", 6),
    proxied("X-06", "agent and coordinator parted: both ways, one way, flapping", 6),
    proxied("X-08", "a slow and cut-short connection", 4),
    row("X-11", "SIGSTOP of an agent for two leases, then on", 6),
    Row {
        upset: (60, 20),
        ..row("X-15", "recorded but the answer is lost, late, halved, wrong or never", 20)
    },
    row("X-16", "the same request three times: one call doubled, one case more", 4),
    row("X-17", "the lease, or the permit, ends exactly in the submit", 5),
    Row { back_end: PROXIED, upset: (25, 10), ..row("X-21", "everything at once", 8) },
];

/// The row of this name.
pub fn find(id: &str) -> Option<Row> {
    ROWS.into_iter().find(|row| row.id == id)
}

/// Rows of the matrix that do not run here, each with its reason.
pub const NOT_RUN: [(&str, &str); 11] = [
    ("X-04", "database faults on Postgres are in the store's own suite only"),
    ("X-05", "needs the preload shim for lost writes"),
    ("X-07", "the portal's half is in X-15; the database's half needs Postgres behind the proxy"),
    ("X-09", "needs mounts of its own"),
    ("X-10", "needs the preload shim for failing writes"),
    ("X-12", "in the browser's own suite (`--test browser`, death and engine)"),
    ("X-13", "in the stories (`--test e2e`)"),
    ("X-14", "in the stories and the portals' suites"),
    ("X-18", "there is one protocol version so far"),
    ("X-19", "keys lie in a file; there is no broker to fail"),
    ("X-20", "a restored backup is not recognised by the coordinator yet"),
];

/// Runs one batch of a row: a fleet of its own, so many waves, then everything is gathered and judged.
///
/// # Errors
/// The fleet could not be started or asked; a broken promise is no error but a violation.
pub async fn batch(
    row: &Row,
    root: &Path,
    seed: u64,
    waves: u32,
    sabotage: Option<&str>,
) -> Result<Batch> {
    let began = std::time::Instant::now();
    let (upset_percent, search_down_percent) = row.upset;
    let habits = Habits { upset_percent, search_down_percent, ..Habits::good() };
    let mut bed = Bed::start(root, seed, habits, sabotage).await?;
    for wave in 0..waves {
        one(row, &mut bed, wave).await?;
    }
    bed.settle().await?;
    let kills = bed.kills;
    let of = bed.gather().await?;
    let found = check(&of);
    let counts = counts(&of, &found);
    let (recovered_ms, settled_ms) = recoveries(&of);
    let answered = of.jobs.iter().filter(|job| job["state"] == "done").count();
    Ok(Batch {
        row: row.id.to_owned(),
        seed,
        back_end: row.back_end.to_owned(),
        runs: waves,
        kills,
        jobs: of.accepted.len(),
        answered,
        faulted: counts.faulted,
        arrivals: counts.received,
        double: counts.double,
        lost: counts.lost,
        in_doubt: counts.in_doubt,
        stray: of.stray.len(),
        politeness: found.iter().filter(|v| v.invariant == "I-13").count(),
        recovered_ms,
        settled_ms,
        took_ms: u64::try_from(began.elapsed().as_millis())?,
        violations: found.into_iter().map(|v| format!("{}: {}", v.invariant, v.seen)).collect(),
    })
}

async fn one(row: &Row, bed: &mut Bed, wave: u32) -> Result<()> {
    bed.take_in(row.jobs).await?;
    match row.id {
        "X-01" => kill_at_a_point(bed, wave).await,
        "X-02" => {
            steady(bed, false).await?;
            bed.rest(700).await;
            bed.kill_coordinator(600).await
        }
        "X-03" => kill_both(bed).await,
        "X-06" => part(bed).await,
        "X-08" => slow(bed).await,
        "X-11" => freeze(bed).await,
        "X-15" => {
            steady(bed, false).await?;
            bed.rest(400).await;
            Ok(())
        }
        "X-16" => {
            steady(bed, false).await?;
            for _ in 0..2 {
                bed.take_in_thrice().await?;
            }
            Ok(())
        }
        "X-17" => hold(bed).await,
        "X-21" => match bed.below(6) {
            0 => kill_at_a_point(bed, wave).await,
            1 => {
                steady(bed, true).await?;
                bed.kill_coordinator(400).await
            }
            2 => kill_both(bed).await,
            3 => part(bed).await,
            4 => freeze(bed).await,
            _ => hold(bed).await,
        },
        other => bail!("there is no row {other}"),
    }
}

/// At least two agents work.
async fn steady(bed: &mut Bed, through_proxy: bool) -> Result<()> {
    for _ in bed.crew().len()..2 {
        bed.agent(&Crew { through_proxy, ..Crew::default() }).await?;
    }
    Ok(())
}

/// One agent that stands still at a point is killed there, with whatever its other slots are doing.
async fn kill_at_a_point(bed: &mut Bed, wave: u32) -> Result<()> {
    let pick = usize::try_from(u64::from(wave) + bed.below(POINTS.len() as u64))?;
    let point = POINTS[pick % POINTS.len()];
    let side = if bed.chance.random_bool(0.5) { "before" } else { "after" };
    let crew = Crew { point: Some(format!("{point}:{side}")), ..Crew::default() };
    let place = bed.agent(&crew).await?;
    bed.stands(Duration::from_secs(6)).await;
    bed.rest(150).await;
    bed.kill(place).await
}

async fn kill_both(bed: &mut Bed) -> Result<()> {
    steady(bed, false).await?;
    bed.rest(700).await;
    let place = bed.crew()[0];
    if bed.chance.random_bool(0.5) {
        bed.kill(place).await?;
        bed.kill_coordinator(500).await
    } else {
        bed.kill_coordinator(500).await?;
        bed.rest(300).await;
        bed.kill(place).await
    }
}

/// The network between agents and coordinator fails in one of its ways, in the middle of the work, and heals.
async fn part(bed: &mut Bed) -> Result<()> {
    steady(bed, true).await?;
    bed.rest(500).await;
    let flaps = 1 + bed.below(3);
    for _ in 0..flaps {
        let way = match bed.below(3) {
            0 => Way::Cut,
            1 => Way::SwallowThere,
            _ => Way::SwallowBack,
        };
        bed.proxy.set(way);
        bed.rest(if flaps == 1 { 4_000 } else { 500 }).await;
        // What was swallowed never arrives: those connections end.
        bed.proxy.set(Way::Cut);
        tokio::time::sleep(Duration::from_millis(20)).await;
        bed.proxy.set(Way::Open);
        bed.rest(300).await;
    }
    Ok(())
}

async fn slow(bed: &mut Bed) -> Result<()> {
    steady(bed, true).await?;
    let way = match bed.below(3) {
        0 => Way::Slow(Duration::from_millis(20 + bed.below(300))),
        1 => Way::CutAfter(usize::try_from(200 + bed.below(4_000))?),
        _ => Way::CutOn(b"\"payload_sha256\""),
    };
    bed.proxy.set(way);
    bed.rest(2_500).await;
    bed.proxy.set(Way::Cut);
    tokio::time::sleep(Duration::from_millis(20)).await;
    bed.proxy.set(Way::Open);
    Ok(())
}

async fn freeze(bed: &mut Bed) -> Result<()> {
    steady(bed, false).await?;
    bed.rest(500).await;
    let place = bed.crew()[0];
    let lease = LEASE_MS.unsigned_abs();
    let longer = bed.below(lease);
    bed.freeze(place, lease * 2 + longer).await
}

/// An agent stands still between permit, latch, click and confirmation for longer than its permit or its lease, and goes on; half of
/// the time it is frozen there as well, so that nobody keeps its lease alive.
async fn hold(bed: &mut Bed) -> Result<()> {
    let at = ["permit:after", "click:before", "click:after", "wait-confirm:after"];
    let point = at[usize::try_from(bed.below(at.len() as u64))?];
    let hold_ms = 500 + bed.below(7_500);
    let crew = Crew { point: Some(point.to_owned()), hold_ms: Some(hold_ms), ..Crew::default() };
    let place = bed.agent(&crew).await?;
    if bed.stands(Duration::from_secs(6)).await {
        if bed.chance.random_bool(0.5) {
            bed.freeze(place, hold_ms).await?;
        } else {
            bed.rest(hold_ms).await;
        }
    }
    // It goes on by itself and is left to end its work; later waves work beside it.
    if bed.crew().len() > 4 {
        let oldest = bed.crew()[0];
        bed.kill(oldest).await?;
    }
    Ok(())
}
