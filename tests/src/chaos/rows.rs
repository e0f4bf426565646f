//! The rows of the chaos matrix: what is done to a fleet, by seed, wave after wave. What is done to processes and their network is here;
//! what is done to a database, a disk, a key, a browser is in the files below.

mod browser;
mod database;
mod disk;
mod loss;
mod restart;
mod sqlite;

use std::{path::Path, time::Duration};

use anyhow::{Result, bail};
use rand::Rng as _;

use super::{
    bed::{Bed, Crew, Ground, LEASE_MS},
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
    /// What the fleet stands on.
    pub ground: Ground,
    /// Requests of each wave.
    pub jobs: u32,
    /// Batches of the whole run.
    pub batches: u32,
    /// Waves of a batch of the whole run.
    pub waves: u32,
    /// Waves of the short run; none where that takes minutes, or where the row has not been run to its end yet.
    pub short: u32,
    /// Percent of submissions, and of searches, that the payer upsets.
    upset: (u32, u32),
    /// Whether agents reach the coordinator through the fault proxy.
    proxied: bool,
    /// Whether everybody logs all he can: nothing of a patient, no secret and no statement of the database is told then either.
    loud: bool,
}

impl Row {
    /// With what.
    pub fn back_end(&self) -> String {
        let ground = match self.ground {
            Ground::Plain | Ground::Searching => "stand-in channel, SQLite",
            Ground::Postgres => {
                "stand-in channel, Postgres, fault proxies to the database and to the payer"
            }
            Ground::IllDisk => {
                "stand-in channel, SQLite, a preload library between it and the disk"
            }
            Ground::SmallDisk => "stand-in channel, SQLite, small disks",
            Ground::Chromium => "Chromium at a simulated portal, SQLite",
        };
        let way = if self.proxied { " through the fault proxy" } else { "" };
        format!("real coordinator and agents{way}, {ground}")
    }
}

const fn row(id: &'static str, what: &'static str, jobs: u32) -> Row {
    let ground = Ground::Plain;
    let (batches, waves, short) = (6, 20, 4);
    Row {
        id,
        what,
        ground,
        jobs,
        batches,
        waves,
        short,
        upset: (0, 0),
        proxied: false,
        loud: false,
    }
}

const fn on(ground: Ground, id: &'static str, what: &'static str, jobs: u32) -> Row {
    Row { ground, batches: 4, waves: 14, short: 2, ..row(id, what, jobs) }
}

/// All rows that run here.
pub const ROWS: [Row; 21] = [
    Row {
        batches: 18,
        waves: 30,
        ..row("X-01", "kill -9 of an agent at each of the 14 points, before and after", 6)
    },
    Row { batches: 14, ..row("X-02", "kill -9 of the coordinator at any moment", 8) },
    Row { batches: 14, ..row("X-03", "kill -9 of both, back in either order", 8) },
    on(
        Ground::Postgres,
        "X-04",
        "Postgres crashes, ends connections, is cut off in COMMIT and in its answer, is read-only, holds locks",
        6,
    ),
    Row {
        short: 0,
        ..on(
            Ground::IllDisk,
            "X-05",
            "SQLite: kill at an fsync, power loss, another writer, a read-only file, the WAL gone",
            6,
        )
    },
    Row {
        proxied: true,
        ..row("X-06", "agent and coordinator parted: both ways, one way, flapping", 8)
    },
    on(Ground::Postgres, "X-07", "coordinator and database parted; agents and payer parted", 8),
    Row { proxied: true, batches: 3, ..row("X-08", "a slow and cut-short connection", 4) },
    Row {
        short: 0,
        ..on(Ground::SmallDisk, "X-09", "the disk of the data, and of the spools, is full", 6)
    },
    Row {
        short: 0,
        ..on(
            Ground::IllDisk,
            "X-10",
            "an fsync fails, a write is short, a bit flips in evidence and in the database",
            6,
        )
    },
    Row {
        batches: 4,
        ..row(
            "X-11",
            "SIGSTOP of an agent for two leases, then on; an agent whose clock is an hour off",
            6,
        )
    },
    Row {
        short: 0,
        batches: 2,
        waves: 8,
        ..on(Ground::Chromium, "X-12", "a renderer or the browser dies, hangs, comes back", 1)
    },
    Row {
        short: 0,
        batches: 1,
        waves: 6,
        ..on(Ground::Chromium, "X-13", "the portal is slow, or does not end a page", 1)
    },
    Row {
        short: 0,
        batches: 2,
        waves: 8,
        ..on(
            Ground::Chromium,
            "X-14",
            "5xx, maintenance, a session that ends in the middle, answers that are lost, new labels, a decoy",
            1,
        )
    },
    Row {
        upset: (75, 15),
        batches: 30,
        waves: 12,
        ..row("X-15", "recorded but the answer is lost, late, halved, wrong or never", 30)
    },
    row(
        "X-16",
        "the same request three times: one call doubled, one case more; a second coordinator on the same data",
        4,
    ),
    Row { batches: 10, ..row("X-17", "the lease, or the permit, ends exactly in the submit", 6) },
    on(
        Ground::Plain,
        "X-18",
        "rolling restart of agents and coordinator, with the protocol one version apart; two apart is refused",
        6,
    ),
    Row {
        batches: 2,
        waves: 8,
        loud: true,
        ..on(
            Ground::Plain,
            "X-19",
            "the master key is missing, or another one; everything is logged",
            6,
        )
    },
    Row {
        batches: 4,
        waves: 5,
        ..on(
            Ground::Searching,
            "X-20",
            "everything is lost under load, and an older copy is put back",
            6,
        )
    },
    Row { proxied: true, upset: (25, 10), batches: 8, ..row("X-21", "everything at once", 10) },
];

/// The row of this name.
pub fn find(id: &str) -> Option<Row> {
    ROWS.into_iter().find(|row| row.id == id)
}

/// What of the matrix's rows does not run here, each with its reason.
pub const NOT_RUN: [(&str, &str); 8] = [
    (
        "X-04",
        "failover to a copy and a pool that is used up: one server, and more connections than the coordinator asks for",
    ),
    (
        "X-05",
        "the shared-memory file is rebuilt by SQLite at each start, so losing it is part of each power cut",
    ),
    (
        "X-08",
        "reordering and loss of packets need the kernel's netem, which a container does not have",
    ),
    (
        "X-09",
        "audit and logs have no disk of their own: the audit is in the database, the logs are the operator's",
    ),
    (
        "X-11",
        "a container cannot suspend the machine; the coordinator's own clock is the judge's clock here, its jumps are in the clock's tests",
    ),
    (
        "X-14",
        "locked accounts, MFA and CAPTCHA end with a person: `--test e2e`, sign_in and codes; the simulated portals have no 429",
    ),
    (
        "X-12",
        "GPU crash: the browser runs without one; garbage, 1 GB and order on the pipe: `--test browser`",
    ),
    ("X-19", "keys lie in a file: there is no key service that could be down"),
];

/// A seed of its own for each batch.
pub fn seed_of(seed: u64, row: &Row, number: u32) -> u64 {
    let name =
        row.id.bytes().fold(seed, |sum, byte| sum.wrapping_mul(31).wrapping_add(byte.into()));
    name.wrapping_mul(0x9E37_79B9_7F4A_7C15).wrapping_add(u64::from(number))
}

/// Removes what a batch has written.
pub fn clear(root: &Path) {
    std::fs::remove_dir_all(root).ok();
    for beside in Bed::beside(root) {
        std::fs::remove_dir_all(&beside).or_else(|_| std::fs::remove_file(&beside)).ok();
    }
}

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
    // The short run is kept short: everything is logged in longer ones, and where a defect is put in.
    let loud = row.loud && (sabotage.is_some() || waves > row.short);
    let mut bed = Bed::start(root, seed, habits, (row.ground, loud), sabotage).await?;
    let first = u32::try_from(bed.below(60))?;
    for wave in 0..waves {
        one(row, &mut bed, first + wave).await?;
    }
    bed.settle().await?;
    bed.no_rightful_one_is_stopped().await?;
    let kills = bed.kills;
    let mut found = std::mem::take(&mut bed.seen);
    let of = bed.gather().await?;
    found.extend(check(&of));
    let counts = counts(&of, &found);
    let (recovered_ms, settled_ms) = recoveries(&of);
    let answered = of.jobs.iter().filter(|job| job["state"] == "done").count();
    Ok(Batch {
        row: row.id.to_owned(),
        seed,
        back_end: row.back_end(),
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
        "X-04" => database::hurt(bed, wave).await,
        "X-05" => sqlite::hurt(bed, wave).await,
        "X-06" => part(bed).await,
        "X-07" => database::part(bed, wave).await,
        "X-08" => slow(bed).await,
        "X-09" => disk::fill(bed, wave).await,
        "X-10" => disk::corrupt(bed, wave).await,
        "X-11" if wave % 3 == 2 => restart::other_clock(bed, wave).await,
        "X-11" => freeze(bed).await,
        "X-12" => browser::hurt(bed, wave).await,
        "X-13" => browser::slow(bed, wave).await,
        "X-14" => browser::refuse(bed, wave).await,
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
            bed.take_in_for_another_day().await?;
            if wave.is_multiple_of(2) { restart::second_coordinator(bed).await } else { Ok(()) }
        }
        "X-17" => hold(bed).await,
        "X-18" => restart::rolling(bed, wave).await,
        "X-19" => restart::without_key(bed, wave).await,
        "X-20" => loss::restore(bed).await,
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
