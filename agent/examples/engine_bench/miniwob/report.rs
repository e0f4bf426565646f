//! Episodes, and what they sum up to.

use std::fmt;

use serde_json::{Value, json};

use super::task::Task;

/// One page, one seed, one engine.
#[derive(Default)]
pub(crate) struct Episode {
    /// From the first step to the last, or to the page's own "done" where that came later; pauses a task asks for left out.
    pub(crate) ms: f64,
    /// Commands sent to the browser, where that is known.
    pub(crate) commands: Option<u64>,
    /// Why it failed.
    pub(crate) why: Option<String>,
}

impl fmt::Display for Episode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.why {
            Some(why) => f.write_str(why),
            None => write!(f, "{:.0} ms, {} commands", self.ms, self.commands.unwrap_or_default()),
        }
    }
}

/// All episodes of one engine in one mode.
#[derive(Default)]
pub(crate) struct Figures {
    times: Vec<(String, f64)>,
    episodes: u32,
    commands: Option<u64>,
    failed: Vec<Value>,
    pub(crate) cpu_s: f64,
}

impl Figures {
    pub(crate) fn add(&mut self, task: &Task, seed: u64, episode: Episode) {
        self.episodes += 1;
        if let Some(commands) = episode.commands {
            *self.commands.get_or_insert(0) += commands;
        }
        match episode.why {
            Some(why) => {
                let why: String = why.chars().take(400).collect();
                self.failed.push(json!({"task": task.name, "seed": seed, "why": why}));
            }
            None => self.times.push((task.name.clone(), episode.ms)),
        }
    }

    fn success(&self) -> f64 {
        let good = u32::try_from(self.times.len()).unwrap_or(u32::MAX);
        f64::from(good) / f64::from(self.episodes.max(1))
    }

    fn percentile(&self, share: f64) -> f64 {
        percentile(self.times.iter().map(|(_, ms)| *ms).collect(), share)
    }

    pub(crate) fn json(&self) -> Value {
        let mut tasks = json!({});
        for (name, _) in &self.times {
            let own = self.times.iter().filter(|(known, _)| known == name);
            tasks[name] = json!(percentile(own.map(|(_, ms)| *ms).collect(), 0.5));
        }
        json!({
            "success": self.success(),
            "p50_ms": self.percentile(0.5),
            "p95_ms": self.percentile(0.95),
            "episodes": self.episodes,
            "browser_cpu_s": self.cpu_s,
            "commands_per_episode": self.commands.map(|n| per(n, self.episodes)),
            "task_p50_ms": tasks,
            "failed": self.failed,
        })
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "success {:6.2} %  p50 {:6.0} ms  p95 {:6.0} ms  browser CPU {:6.1} s",
            100.0 * self.success(),
            self.percentile(0.5),
            self.percentile(0.95),
            self.cpu_s,
        )?;
        match self.commands {
            Some(n) => write!(f, "  commands {:5.1} an episode", per(n, self.episodes)),
            None => Ok(()),
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
fn per(sum: u64, count: u32) -> f64 {
    sum as f64 / f64::from(count.max(1))
}

/// The nearest rank; tenths of a millisecond.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a rank among some hundred episodes"
)]
fn percentile(mut times: Vec<f64>, share: f64) -> f64 {
    times.sort_by(f64::total_cmp);
    let rank = (share * times.len() as f64).ceil() as usize;
    let at = times.get(rank.saturating_sub(1)).copied().unwrap_or_default();
    (at * 10.0).round() / 10.0
}
