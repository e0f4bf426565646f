//! Postgres behind the fault proxy: crashes, ended connections, a COMMIT of which nobody knows whether it was done, writing taken away,
//! locks held; and coordinator and database, or agents and payer, parted.

use std::time::Duration;

use anyhow::{Context as _, Result};

use super::steady;
use crate::chaos::{bed::Bed, proxy::Way};

/// the server is hurt while agents work.
pub(super) async fn hurt(bed: &mut Bed, wave: u32) -> Result<()> {
    steady(bed, false).await?;
    bed.rest(500).await;
    let ms = 300 + bed.below(1_500);
    let seconds = Duration::from_millis(ms).as_secs_f32();
    let (server, way) = (
        bed.postgres.as_ref().context("the row stands on Postgres")?,
        bed.to_database.as_ref().context("the row stands on Postgres")?,
    );
    match wave % 7 {
        0 => server.crash().await?,
        1 => {
            for _ in 0..3 {
                server.end_connections().await?;
                tokio::time::sleep(Duration::from_millis(ms / 4)).await;
            }
        }
        2 | 3 => {
            // Asked for and not done, or done and not told.
            way.set(if wave % 7 == 2 { Way::CutOn(b"COMMIT") } else { Way::CutOnBack(b"COMMIT") });
            tokio::time::sleep(Duration::from_millis(ms)).await;
            way.set(Way::Open);
        }
        4 => {
            server.read_only(true).await?;
            tokio::time::sleep(Duration::from_millis(ms)).await;
            server.read_only(false).await?;
        }
        5 => server.hold("jobs", seconds).await?,
        _ => server.hold("audit_head", seconds).await?,
    }
    Ok(())
}

/// the network to the database, or to the payer, fails in one of its ways and heals.
pub(super) async fn part(bed: &mut Bed, wave: u32) -> Result<()> {
    steady(bed, false).await?;
    bed.rest(500).await;
    let ms = 200 + bed.below(2_500);
    let way = match wave / 2 % 3 {
        0 => Way::Cut,
        1 => Way::SwallowThere,
        _ => Way::SwallowBack,
    };
    let proxy = if wave.is_multiple_of(2) { &bed.to_database } else { &bed.to_payer };
    let proxy = proxy.as_ref().context("the row stands on Postgres")?;
    proxy.set(way);
    tokio::time::sleep(Duration::from_millis(ms)).await;
    // What was swallowed never arrives: those connections end.
    proxy.set(Way::Cut);
    tokio::time::sleep(Duration::from_millis(20)).await;
    proxy.set(Way::Open);
    Ok(())
}
