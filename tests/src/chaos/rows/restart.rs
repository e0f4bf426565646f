//! Starts and restarts: rolling ones with the protocol a version apart, without the master key or with another one, a
//! second coordinator on the same data, an agent whose clock is an hour off.

use std::{io::Write as _, os::unix::fs::OpenOptionsExt as _, time::Duration};

use anyhow::{Context as _, Result};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use domain::wire::PROTOCOL;
use rand::Rng as _;

use super::steady;
use crate::{
    chaos::{
        bed::{Bed, Crew},
        gather::leaks,
    },
    fleet::api::until,
};

///
pub(super) async fn rolling(bed: &mut Bed, wave: u32) -> Result<()> {
    let apart = [PROTOCOL + 1, PROTOCOL - 1][wave as usize % 2];
    if wave % 3 == 2 {
        return two_apart(bed, wave).await;
    }
    steady(bed, false).await?;
    bed.rest(500).await;
    // The new ones begin before the old ones end.
    for place in bed.crew().to_vec() {
        bed.agent(&Crew { protocol: Some(apart), ..Crew::default() }).await?;
        bed.rest(300).await;
        if let Err(late) = bed.end_agent(place).await {
            bed.broken(
                "X-18",
                format!("an agent that was asked to end did not within 30 s: {late}"),
            );
        }
    }
    if let Err(late) = bed.fleet.end_coordinator().await {
        bed.broken("X-18", format!("the coordinator did not end within 30 s: {late}"));
    }
    bed.rest(400).await;
    bed.fleet.start_coordinator().await
}

/// An agent two versions ahead is refused with a sentence, and gets no job.
async fn two_apart(bed: &mut Bed, wave: u32) -> Result<()> {
    let place = bed.agent(&Crew { protocol: Some(PROTOCOL + 2), ..Crew::default() }).await?;
    let told = until(Duration::from_secs(60), "the refusal", || async {
        let said = bed.fleet.agent_said(place);
        Ok(said.contains("speaks protocol").then_some(()))
    });
    if told.await.is_err() {
        let said = bed.fleet.agent_said(place);
        bed.broken(
            "X-18",
            format!("protocol {} is not refused in wave {wave}: {said}", PROTOCOL + 2),
        );
    }
    bed.kill(place).await?;
    steady(bed, false).await
}

/// the coordinator does not start without its key, nor with another one, and says so. Jobs wait; nothing is in clear.
pub(super) async fn without_key(bed: &mut Bed, wave: u32) -> Result<()> {
    steady(bed, false).await?;
    bed.rest(600).await;
    let (key, aside) = (bed.root.join("keys/master.key"), bed.root.join("keys/aside.key"));
    bed.stop_coordinator().await?;
    std::fs::rename(&key, &aside).context("taking the key away")?;
    if wave % 2 == 1 {
        let other: [u8; 32] = bed.chance.random();
        let mut file =
            std::fs::File::options().write(true).create_new(true).mode(0o600).open(&key)?;
        file.write_all(STANDARD.encode(other).as_bytes())?;
    }
    match bed.fleet.start_coordinator().await {
        Ok(()) => {
            bed.broken("K-1", "the coordinator serves without the key of its data");
            bed.fleet.kill_coordinator().await?;
        }
        Err(refused) => {
            let said = format!("{refused:#}");
            if !said.contains("master key") {
                bed.broken("K-1", format!("refused without a sentence: {said}"));
            }
        }
    }
    std::fs::rename(&aside, &key).context("bringing the key back")?;
    for leak in leaks(&bed.fleet.data())? {
        bed.broken("I-8", leak);
    }
    bed.rest(500).await;
    bed.fleet.start_coordinator().await
}

/// A second coordinator is started on the same data by mistake: it is refused, and the first one goes on.
pub(super) async fn second_coordinator(bed: &mut Bed) -> Result<()> {
    match bed.fleet.second_coordinator().await {
        Ok(()) => bed.broken("X-16", "two coordinators serve one SQLite file"),
        Err(refused) => {
            let said = format!("{refused:#}");
            if !said.contains("another coordinator is using") {
                bed.broken("X-16", format!("refused without a sentence: {said}"));
            }
        }
    }
    Ok(())
}

/// one agent's clock is an hour ahead or behind; the lease is counted without it.
pub(super) async fn other_clock(bed: &mut Bed, wave: u32) -> Result<()> {
    let hours = if wave.is_multiple_of(2) { 1 } else { -1 };
    let place = bed.agent(&Crew { clock_off_s: hours * 3_600, ..Crew::default() }).await?;
    steady(bed, false).await?;
    bed.rest(2_000).await;
    if bed.crew().len() > 3 { bed.kill(place).await } else { Ok(()) }
}
