//! Disks that are full, that fail to keep what is written, and that change it.

use std::{
    fs::File,
    os::unix::fs::FileExt as _,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context as _, Result};
use rand::Rng as _;

use super::steady;
use crate::chaos::{bed::Bed, disk::Illness};

/// the coordinator's disk, the agents' disk, or both are full for a while.
pub(super) async fn fill(bed: &mut Bed, wave: u32) -> Result<()> {
    steady(bed, false).await?;
    bed.rest(400).await;
    let ms = 200 + bed.below(2_000);
    let which: &[usize] = [&[0][..], &[1], &[0, 1], &[0]][wave as usize % 4];
    for place in which {
        bed.small[*place].fill()?;
    }
    if let Some(disk) = bed.disk.as_ref().filter(|_| which.contains(&0)) {
        disk.has(Illness::Full)?;
    }
    tokio::time::sleep(Duration::from_millis(ms)).await;
    if wave % 4 == 3 {
        // Killed while it is full: it comes back when there is room.
        bed.stop_coordinator().await?;
    }
    for place in which {
        bed.small[*place].clear();
    }
    if let Some(disk) = &bed.disk {
        disk.is_well();
    }
    if wave % 4 == 3 { bed.fleet.start_coordinator().await } else { Ok(()) }
}

///
pub(super) async fn corrupt(bed: &mut Bed, wave: u32) -> Result<()> {
    steady(bed, false).await?;
    bed.rest(600).await;
    match wave % 5 {
        0 => fsync_fails(bed).await,
        1 => {
            let ms = 100 + bed.below(700);
            let disk = bed.disk.as_ref().context("the row has a disk")?;
            disk.has(Illness::Short)?;
            tokio::time::sleep(Duration::from_millis(ms)).await;
            disk.is_well();
            Ok(())
        }
        2 => flipped_evidence(bed).await,
        3 => flipped_entry(bed).await,
        _ => flipped_page(bed).await,
    }
}

/// An fsync fails: what was written may be gone while everybody believes it is there. The coordinator must end, and say so.
async fn fsync_fails(bed: &mut Bed) -> Result<()> {
    let disk = bed.disk.as_ref().context("the row has a disk")?;
    disk.has(Illness::Sync)?;
    let said = bed.fleet.coordinator_ended(Duration::from_secs(60)).await;
    bed.disk.as_ref().context("the row has a disk")?.is_well();
    match said {
        Some(said) if said.contains("fsync") => {}
        Some(said) => {
            bed.broken("D-5", format!("the coordinator ended without saying why: {said}"))
        }
        None => bed.broken("D-5", "an fsync failed and the coordinator went on"),
    }
    // What the failed fsync was about is not on the disk: as after a power cut.
    if !bed.fleet.has_coordinator() {
        let disk = bed.disk.as_ref().context("the row has a disk")?;
        disk.power_cut(&mut bed.chance)?;
        bed.fleet.start_coordinator().await.context("after the fsync that failed")?;
    }
    Ok(())
}

fn flip(file: &Path, at: u64) -> Result<()> {
    let file = File::options().read(true).write(true).open(file)?;
    let mut byte = [0];
    file.read_exact_at(&mut byte, at)?;
    byte[0] ^= 0x10;
    file.write_all_at(&byte, at).context("flipping a bit")
}

/// A bit of a stored picture flips: it is never shown as if it were whole.
async fn flipped_evidence(bed: &mut Bed) -> Result<()> {
    let items = bed.all("evidence").await?;
    let Some(item) = items.last() else { return Ok(()) };
    let (id, sha) = (
        item["id"].as_str().context("evidence has an id")?.to_owned(),
        item["sha256"].as_str().context("evidence has a hash")?.to_owned(),
    );
    let file = bed.fleet.data().join("files").join(&sha[..2]).join(&sha);
    let length = std::fs::metadata(&file)?.len();
    let at = bed.below(length);
    flip(&file, at)?;
    if bed.fleet.api.evidence(&id).await.is_ok() {
        bed.broken("I-5", format!("byte {at} of {id} was changed and it is shown all the same"));
    }
    flip(&file, at)?;
    if bed.fleet.api.evidence(&id).await.is_err() {
        bed.broken("I-5", format!("{id} is whole again and is not shown"));
    }
    Ok(())
}

/// Ends the coordinator in order, so that everything is in the one file, and puts a copy aside.
async fn put_aside(bed: &mut Bed) -> Result<(PathBuf, PathBuf)> {
    bed.fleet.end_coordinator().await?;
    let (database, aside) = (bed.fleet.data().join("fleet.db"), bed.root.join("whole.db"));
    std::fs::copy(&database, &aside).context("putting the database aside")?;
    Ok((database, aside))
}

async fn put_back(bed: &mut Bed, database: &Path, aside: &Path) -> Result<()> {
    if bed.fleet.has_coordinator() {
        bed.fleet.kill_coordinator().await?;
    }
    for name in ["fleet.db-wal", "fleet.db-shm"] {
        std::fs::remove_file(database.with_file_name(name)).ok();
    }
    std::fs::copy(aside, database).context("putting the database back")?;
    if let Some(disk) = &bed.disk {
        disk.forget();
    }
    bed.fleet.start_coordinator().await
}

/// A bit of an entry of the audit flips: the chain does not hold any more.
async fn flipped_entry(bed: &mut Bed) -> Result<()> {
    // Agents write nothing meanwhile: what they would write is lost with the damaged file.
    let crew = bed.crew().to_vec();
    for place in crew {
        bed.end_agent(place).await?;
    }
    let (database, aside) = put_aside(bed).await?;
    let bytes = std::fs::read(&database)?;
    let word = b"permit.issued";
    let places: Vec<usize> = bytes
        .windows(word.len())
        .enumerate()
        .filter(|(_, w)| w == word)
        .map(|(at, _)| at)
        .collect();
    if !places.is_empty() {
        let place = places[bed.chance.random_range(0..places.len())];
        flip(&database, place as u64 + 3)?;
        // Pages that are free hold old text as well: only what is read is judged.
        match bed.fleet.start_coordinator().await {
            Ok(()) => {
                let told = bed.fleet.api.get("audit/verified").await?;
                let shown = bed.all("audit").await?;
                let wrong = shown.iter().any(|e| {
                    e["act"].as_str().is_some_and(|act| {
                        act.starts_with("per")
                            && act.ends_with("it.issued")
                            && act != "permit.issued"
                    })
                });
                if wrong && told["intact"] == true {
                    bed.broken("I-6", "an entry of the audit was changed and its chain holds");
                }
            }
            Err(refused) => {
                says_damaged(bed, &refused);
            }
        }
    }
    put_back(bed, &database, &aside).await?;
    steady(bed, false).await
}

/// A refusal that does not say what is wrong helps nobody.
fn says_damaged(bed: &mut Bed, refused: &anyhow::Error) {
    let said = format!("{refused:#}");
    if !said.contains("damaged") {
        bed.broken("D-6", format!("refused without a sentence: {said}"));
    }
}

/// The head of a page of the database flips: the coordinator does not start on it.
async fn flipped_page(bed: &mut Bed) -> Result<()> {
    let crew = bed.crew().to_vec();
    for place in crew {
        bed.end_agent(place).await?;
    }
    let (database, aside) = put_aside(bed).await?;
    let bytes = std::fs::read(&database)?;
    // The first byte of a page in use says what kind it is; the first page begins with the file's own head.
    let kinds = [2, 5, 10, 13];
    let pages: Vec<usize> =
        (1..bytes.len() / 4_096).filter(|n| kinds.contains(&bytes[n * 4_096])).collect();
    if !pages.is_empty() {
        let page = pages[bed.chance.random_range(0..pages.len())];
        flip(&database, page as u64 * 4_096)?;
        match bed.fleet.start_coordinator().await {
            Ok(()) => bed.broken(
                "D-6",
                format!("page {} is damaged and the coordinator works on it", page + 1),
            ),
            Err(refused) => {
                says_damaged(bed, &refused);
            }
        }
    }
    put_back(bed, &database, &aside).await?;
    steady(bed, false).await
}
