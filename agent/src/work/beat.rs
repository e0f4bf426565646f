//! The heartbeat of an agent: it keeps the leases alive, brings the coordinator's orders, and has what was kept on disk delivered.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use domain::{
    id::AgentId,
    wire::{Fenced, Heartbeat, Order},
};
use tokio::task::JoinHandle;

use super::{Board, lock};
use crate::{
    attempt::{self, LeaseClock},
    browser::Browser,
    clock,
    slot::Shared,
};

/// Keeps every lease alive and takes the coordinator's orders.
pub(super) async fn heartbeats(
    shared: Arc<Shared>,
    agent: AgentId,
    board: Board,
    browser: Arc<Mutex<Browser>>,
    every: Duration,
    held_back: Arc<AtomicBool>,
) {
    let mut tick = tokio::time::interval(every);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut resending: Option<JoinHandle<()>> = None;
    loop {
        tick.tick().await;
        let leases: Vec<(Fenced, Arc<LeaseClock>)> = lock(&board).values().cloned().collect();
        let beat = Heartbeat {
            agent,
            leases: leases.iter().map(|(fenced, _)| *fenced).collect(),
            memory_mib: memory_mib(),
            browser_ok: lock(&browser).is_alive(),
        };
        let sent = clock::boot_ms();
        match shared.coordinator.heartbeat(&beat).await {
            Ok(reply) => {
                held_back.store(reply.drain, Ordering::Relaxed);
                for (fenced, lease_clock) in &leases {
                    match reply.orders.get(&fenced.lease.to_string()) {
                        Some(Order::Stop) => lease_clock.order(Order::Stop),
                        Some(order) => {
                            lease_clock.order(*order);
                            lease_clock.extend(sent, reply.ttl_ms);
                        }
                        // Not answered for: nothing is extended, the clock runs out by itself.
                        None => {}
                    }
                }
                // Beside the heartbeats: what was kept may be much, and leases go on.
                if resending.as_ref().is_none_or(JoinHandle::is_finished) {
                    let (coordinator, spool) = (shared.coordinator.clone(), shared.spool.clone());
                    let resend = async move {
                        attempt::resend(&coordinator, &spool).await;
                        attempt::tell_not_sent(&coordinator, &spool, agent).await;
                    };
                    resending = Some(tokio::spawn(resend));
                }
            }
            Err(refusal) => tracing::warn!(error = %refusal, "a heartbeat was not answered"),
        }
    }
}

/// Resident memory of this process and its descendants, MiB.
fn memory_mib() -> u32 {
    let mut parents: BTreeMap<u32, (u32, u64)> = BTreeMap::new();
    let Ok(entries) = std::fs::read_dir("/proc") else { return 0 };
    for entry in entries.flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else {
            continue;
        };
        let Ok(status) = std::fs::read_to_string(entry.path().join("status")) else { continue };
        let field = |name: &str| -> Option<u64> {
            let line = status.lines().find(|line| line.starts_with(name))?;
            line.split_whitespace().nth(1)?.parse().ok()
        };
        let parent = field("PPid:").and_then(|parent| u32::try_from(parent).ok()).unwrap_or(0);
        parents.insert(pid, (parent, field("VmRSS:").unwrap_or(0)));
    }
    let own = std::process::id();
    let ours = |mut pid: u32| {
        for _ in 0..32 {
            if pid == own {
                return true;
            }
            match parents.get(&pid) {
                Some((parent, _)) if *parent != 0 => pid = *parent,
                _ => return false,
            }
        }
        false
    };
    let kib: u64 = parents.iter().filter(|(pid, _)| ours(**pid)).map(|(_, (_, kib))| kib).sum();
    u32::try_from(kib / 1_024).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    #[test]
    fn our_own_memory_is_seen() {
        assert!(super::memory_mib() > 0);
    }
}
