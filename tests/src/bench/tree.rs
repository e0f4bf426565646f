//! CPU time and memory of a process and all its descendants, read from `/proc` while it runs. A process that ends between two
//! looks counts with what was seen last; looks are 100 ms apart, so that little is missed, and the same for everybody measured.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::{sync::watch, task::JoinHandle};

#[derive(Default)]
struct Seen {
    /// Ticks at the first and the last look, per process.
    ticks: BTreeMap<u32, (u64, u64)>,
    peak_kib: u64,
}

/// Watches a tree until it is asked for the sums.
pub struct TreeWatch {
    seen: Arc<Mutex<Seen>>,
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

/// The sums of a watched time.
#[derive(Clone, Copy, Debug)]
pub struct Sums {
    /// CPU seconds, user and system.
    pub cpu_s: f64,
    /// Highest proportional set size of the whole tree, MiB.
    pub peak_mib: f64,
}

impl TreeWatch {
    /// Watches these processes and their descendants from now on. Those that run already count from here; those born later
    /// from their birth.
    pub fn begin(roots: Vec<u32>) -> TreeWatch {
        let seen = Arc::new(Mutex::new(Seen::default()));
        look(&roots, &seen, true, true);
        let (stop, mut stopped) = watch::channel(false);
        let task = tokio::spawn({
            let seen = Arc::clone(&seen);
            async move {
                for round in 1_u64.. {
                    if tokio::time::timeout(Duration::from_millis(100), stopped.changed())
                        .await
                        .is_ok()
                    {
                        break;
                    }
                    look(&roots, &seen, false, round % 5 == 0);
                }
                look(&roots, &seen, false, true);
            }
        });
        TreeWatch { seen, stop, task }
    }

    /// Ends the watching.
    pub async fn end(self) -> Sums {
        self.stop.send_replace(true);
        if let Err(error) = self.task.await {
            tracing::error!(%error, "watching a process tree failed");
        }
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let ticks: u64 = seen.ticks.values().map(|(first, last)| last.saturating_sub(*first)).sum();
        #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
        Sums { cpu_s: ticks as f64 / 100.0, peak_mib: seen.peak_kib as f64 / 1024.0 }
    }
}

fn look(roots: &[u32], seen: &Mutex<Seen>, first_look: bool, memory: bool) {
    let processes = all();
    let mut pss = 0;
    let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
    for (pid, (_, ticks)) in processes.iter().filter(|(pid, _)| belongs(**pid, roots, &processes)) {
        let from = if first_look { *ticks } else { 0 };
        seen.ticks.entry(*pid).or_insert((from, *ticks)).1 = *ticks;
        if memory {
            pss += proportional_kib(*pid);
        }
    }
    seen.peak_kib = seen.peak_kib.max(pss);
}

fn belongs(pid: u32, roots: &[u32], processes: &BTreeMap<u32, (u32, u64)>) -> bool {
    let mut at = pid;
    for _ in 0..64 {
        if roots.contains(&at) {
            return true;
        }
        match processes.get(&at) {
            Some((parent, _)) if *parent > 1 => at = *parent,
            _ => return false,
        }
    }
    false
}

/// Every process: parent and ticks (user and system, of itself).
fn all() -> BTreeMap<u32, (u32, u64)> {
    let Ok(entries) = std::fs::read_dir("/proc") else { return BTreeMap::new() };
    entries
        .flatten()
        .filter_map(|entry| {
            let pid: u32 = entry.file_name().to_string_lossy().parse().ok()?;
            let stat = std::fs::read_to_string(entry.path().join("stat")).ok()?;
            // The name in parentheses may hold anything; fields are counted after it.
            let fields: Vec<&str> = stat.rsplit_once(") ")?.1.split(' ').collect();
            let ticks =
                fields.get(11)?.parse::<u64>().ok()? + fields.get(12)?.parse::<u64>().ok()?;
            Some((pid, (fields.get(1)?.parse().ok()?, ticks)))
        })
        .collect()
}

fn proportional_kib(pid: u32) -> u64 {
    let text = std::fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).unwrap_or_default();
    text.lines()
        .find_map(|line| line.strip_prefix("Pss:"))
        .and_then(|rest| rest.trim().trim_end_matches(" kB").parse().ok())
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_busy_child_is_counted() {
        let own = std::process::id();
        let watch = TreeWatch::begin(vec![own]);
        let mut child = tokio::process::Command::new("sh")
            .args(["-c", "i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done"])
            .spawn()
            .unwrap();
        child.wait().await.unwrap();
        let sums = watch.end().await;
        assert!(sums.cpu_s > 0.01, "{sums:?}");
        assert!(sums.peak_mib > 1.0, "{sums:?}");
    }
}
