//! Loss of data: everything is lost under load and an older copy is put back. The fleet must notice, stop, find out what is at the
//! payer, and send nothing twice.

use std::{path::Path, time::Duration};

use anyhow::{Context as _, Result};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::steady;
use crate::{
    chaos::{bed::Bed, check::Forgotten},
    fleet::api::until,
    portal::clock::real_now,
};

/// Longest time until everything that was in doubt is known.
const KNOWN: Duration = Duration::from_secs(90);

/// Number and moment of the newest entry of the audit.
pub(super) async fn newest(bed: &Bed) -> Result<(u64, Timestamp)> {
    newest_before(bed, real_now()).await
}

async fn newest_before(bed: &Bed, moment: Timestamp) -> Result<(u64, Timestamp)> {
    let page = bed.fleet.api.get("audit?limit=200").await?;
    let known = page["items"].as_array().context("the audit is a list")?.iter().find_map(|entry| {
        let at: Timestamp = entry["at"].as_str()?.parse().ok()?;
        (at <= moment).then_some((entry["seq"].as_u64()?, at))
    });
    known.context("the audit has an entry from before")
}

/// Database and WAL, as a snapshot of the disk has them.
fn copy(from: &Path, to: &Path) -> Result<()> {
    std::fs::create_dir_all(to)?;
    for name in ["fleet.db", "fleet.db-wal", "fleet.db-shm"] {
        let (old, new) = (from.join(name), to.join(name));
        std::fs::remove_file(&new).ok();
        // The shared memory is made anew from the WAL; a database that was ended in order has no WAL.
        if old.exists() && name != "fleet.db-shm" {
            std::fs::copy(&old, &new).with_context(|| format!("copying {}", old.display()))?;
        }
    }
    Ok(())
}

/// a copy is made, work goes on, everything is lost, the copy is put back.
pub(super) async fn restore(bed: &mut Bed) -> Result<()> {
    steady(bed, false).await?;
    bed.rest(1_200).await;
    let (data, backup) = (bed.fleet.data(), bed.root.join("backup"));
    bed.stop_coordinator().await?;
    copy(&data, &backup)?;
    bed.fleet.start_coordinator().await?;
    bed.take_in(4).await?;
    // Longer than the coordinator takes to mark how far its audit came.
    tokio::time::sleep(Duration::from_millis(2_500)).await;
    bed.rest(1_500).await;
    let before = newest(bed).await?;
    bed.stop_coordinator().await?;
    let stopped = real_now();
    if bed.below(2) == 0 {
        for place in bed.crew().to_vec() {
            bed.kill(place).await?;
        }
    }
    copy(&backup, &data)?;
    bed.fleet.start_coordinator().await.context("on the older copy")?;
    found_out(bed, before, stopped).await?;
    steady(bed, false).await
}

/// Judges what the coordinator made of a database that may have lost something: it must know, and does nothing new before everything
/// is known. Then a person lifts the quarantine.
pub(super) async fn found_out(
    bed: &mut Bed,
    before: (u64, Timestamp),
    stopped: Timestamp,
) -> Result<()> {
    let (seq, from) = newest_before(bed, stopped).await?;
    let quarantine = bed.fleet.api.get("quarantine").await?;
    if quarantine["since"].is_null() {
        if seq < before.0 {
            let lost = format!(
                "entries {} to {} of the audit are gone, and nobody noticed",
                seq + 1,
                before.0
            );
            bed.broken("D-6", lost);
            // Judged as it is from here on: what follows is this loss's.
            bed.forgotten.push(Forgotten { from, to: stopped });
            bed.take_in_what_is_gone().await?;
        }
        return Ok(());
    }
    let window = SignedDuration::from_millis(bed.window_ms());
    bed.forgotten.push(Forgotten { from, to: stopped + window });
    bed.take_in_what_is_gone().await?;
    super::steady(bed, false).await?;
    // Nothing of before may still be on its way to the payer when new work begins.
    until(KNOWN, "the last permit of before is over", || async {
        Ok((real_now() > stopped + window).then_some(()))
    })
    .await?;
    let body = json!({"reason": "every payer was compared with what was sent"});
    let lifted = until(KNOWN, "everything in doubt is known", || async {
        let call = bed.fleet.api.act("quarantine/lift", 0, &body).await;
        Ok(call.ok())
    })
    .await;
    if let Err(why) = lifted {
        bed.broken("I-11", format!("the quarantine could not be lifted: {why}"));
    }
    Ok(())
}
