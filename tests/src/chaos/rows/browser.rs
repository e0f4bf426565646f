//! Real Chromium at a simulated portal: renderers and browsers that die or hang, a portal that is slow or never ends a page,
//! one that is down, in maintenance, or has ended the session.

use std::time::Duration;

use anyhow::Result;
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

use crate::{
    chaos::bed::{Bed, Crew},
    fleet::api::until,
    portal::Fault,
};

/// Longest wait for a browser to be there.
const BROWSER: Duration = Duration::from_secs(20);

/// One agent works; its lease lives and its browser is there.
async fn at_work(bed: &mut Bed) -> Result<()> {
    if bed.crew().is_empty() {
        bed.agent(&Crew::default()).await?;
    }
    let there = until(BROWSER, "a renderer", || async {
        Ok((!of_type(bed, Some("renderer")).is_empty()).then_some(()))
    });
    if there.await.is_err() {
        tracing::warn!("no browser was there to be hurt");
    }
    bed.rest(6_000).await;
    Ok(())
}

/// Processes of this fleet's browsers, of one type; none: the browsers themselves.
fn of_type(bed: &Bed, wanted: Option<&str>) -> Vec<Pid> {
    let is = |pid: &u32| {
        let line = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        let line = String::from_utf8_lossy(&line).into_owned();
        match wanted {
            Some(kind) => line.contains(&format!("--type={kind}")),
            None => line.contains("--user-data-dir") && !line.contains("--type="),
        }
    };
    let pids = bed.fleet.browsers().into_iter().filter(is);
    pids.filter_map(|pid| i32::try_from(pid).ok().map(Pid::from_raw)).collect()
}

fn tell(pids: &[Pid], signal: Signal) {
    for pid in pids {
        // Gone meanwhile is what it should be.
        kill(*pid, signal).ok();
    }
}

/// a part of the browser dies, or hangs for a while.
pub(super) async fn hurt(bed: &mut Bed, wave: u32) -> Result<()> {
    at_work(bed).await?;
    let kind = [Some("renderer"), None, Some("utility"), Some("renderer"), None][wave as usize % 5];
    let pids = of_type(bed, kind);
    if wave % 5 < 3 {
        bed.kills += pids.len();
        tell(&pids, Signal::SIGKILL);
        return Ok(());
    }
    // Shorter, or longer, than a lease.
    let lease = bed.fleet.options.lease_ttl_ms.unsigned_abs();
    let ms = lease / 2 + bed.below(lease);
    tell(&pids, Signal::SIGSTOP);
    tokio::time::sleep(Duration::from_millis(ms)).await;
    tell(&pids, Signal::SIGCONT);
    Ok(())
}

async fn armed(bed: &mut Bed, fault: Fault) -> Result<()> {
    bed.fleet.control("crestline").fault(&fault).await?;
    at_work(bed).await?;
    // The next wave has a portal that works, so that what was begun can end.
    let after = Duration::from_secs(8);
    tokio::time::sleep(after).await;
    bed.fleet.control("crestline").clear_faults().await
}

///
pub(super) async fn slow(bed: &mut Bed, wave: u32) -> Result<()> {
    let fault = match wave % 4 {
        0 => Fault::new("F01").times(4),
        1 => Fault::new("F01").doing("drip").times(4),
        2 => Fault::new("F46").at("submit"),
        _ => Fault::new("F03").times(2),
    };
    armed(bed, fault).await
}

///
pub(super) async fn refuse(bed: &mut Bed, wave: u32) -> Result<()> {
    let fault = match wave % 8 {
        0 => Fault::new("F02").times(3),
        1 => Fault::new("F20").times(6),
        2 => Fault::new("F09").at("w4"),
        3 => Fault::new("F05").at("submit"),
        4 => Fault::new("F02").doing("503").times(2),
        5 => Fault::new("F22").times(50),
        6 => Fault::new("F36").times(50),
        _ => Fault::new("F06").at("submit"),
    };
    armed(bed, fault).await
}
