//! SQLite on a disk that can be ill: the coordinator is killed at an fsync or at any moment, and what no fsync had followed is
//! lost; somebody else holds the write lock; the file is read-only; the WAL is gone.

use std::{fs::File, path::Path, time::Duration};

use anyhow::{Context as _, Result};
use nix::{
    fcntl::{FcntlArg, fcntl},
    libc,
};

use super::{loss, steady};
use crate::chaos::{bed::Bed, disk::Illness};

/// Where the write lock lies in the file of shared memory: part of SQLite's WAL format.
const WRITE_LOCK_AT: i64 = 120;

///
pub(super) async fn hurt(bed: &mut Bed, wave: u32) -> Result<()> {
    steady(bed, false).await?;
    bed.rest(500).await;
    match wave % 6 {
        0 => killed_at_fsync(bed, false).await,
        1 => killed_at_fsync(bed, true).await,
        2 => {
            bed.stop_coordinator().await?;
            power_lost(bed).await
        }
        3 => somebody_writes(bed).await,
        4 => {
            let ms = 200 + bed.below(1_300);
            let disk = bed.disk.as_ref().context("the row has a disk")?;
            disk.has(Illness::ReadOnly)?;
            tokio::time::sleep(Duration::from_millis(ms)).await;
            disk.is_well();
            Ok(())
        }
        _ => wal_gone(bed).await,
    }
}

/// The coordinator dies at one of its next fsyncs, then the power goes.
async fn killed_at_fsync(bed: &mut Bed, after: bool) -> Result<()> {
    let nth = 1 + u32::try_from(bed.below(60))?;
    bed.disk.as_ref().context("the row has a disk")?.dies_at(nth, after)?;
    if bed.fleet.coordinator_ended(Duration::from_secs(5)).await.is_some() {
        bed.kills += 1;
    } else {
        bed.stop_coordinator().await?;
    }
    power_lost(bed).await
}

/// What no fsync had followed is lost; then the machine is on again.
async fn power_lost(bed: &mut Bed) -> Result<()> {
    let disk = bed.disk.as_ref().context("the row has a disk")?;
    disk.is_well();
    let undone = disk.power_cut(&mut bed.chance)?;
    tracing::info!(undone, "writes were lost with the power");
    bed.fleet.start_coordinator().await.context("after the power came back")
}

/// Somebody else holds the write lock, again and again, now and then for longer than anybody waits.
async fn somebody_writes(bed: &mut Bed) -> Result<()> {
    let shared = bed.fleet.data().join("fleet.db-shm");
    for _ in 0..3 {
        let ms = 200 + bed.below(1_500);
        let held = hold_write_lock(&shared)?;
        tokio::time::sleep(Duration::from_millis(ms)).await;
        drop(held);
        bed.rest(300).await;
    }
    Ok(())
}

/// Holds the write lock until the file is dropped; tries again while the coordinator writes.
fn hold_write_lock(shared: &Path) -> Result<File> {
    let file = File::options().read(true).write(true).open(shared)?;
    let lock = libc::flock {
        l_type: libc::F_WRLCK as i16,
        l_whence: libc::SEEK_SET as i16,
        l_start: WRITE_LOCK_AT,
        l_len: 1,
        l_pid: 0,
    };
    fcntl(&file, FcntlArg::F_SETLKW(&lock)).context("taking SQLite's write lock")?;
    Ok(file)
}

/// The coordinator is killed and the WAL removed, as somebody does who tidies up. What was only there is lost: that must be noticed.
async fn wal_gone(bed: &mut Bed) -> Result<()> {
    let before = loss::newest(bed).await?;
    bed.stop_coordinator().await?;
    let stopped = crate::portal::clock::real_now();
    for name in ["fleet.db-wal", "fleet.db-shm"] {
        let file = bed.fleet.data().join(name);
        std::fs::remove_file(&file).with_context(|| format!("removing {}", file.display()))?;
    }
    if let Some(disk) = &bed.disk {
        disk.forget();
    }
    bed.fleet.start_coordinator().await.context("without its WAL")?;
    loss::found_out(bed, before, stopped).await
}
