//! `agent work`: serves the fleet.

use std::{path::PathBuf, time::Duration};

use super::{browser_options::BrowserOptions, exit, tell};
use crate::{
    browser::{AgentFolder, GateProgram, LaunchConfig},
    coordinator::{Coordinator, Refusal},
    spool::Spool,
    work::{CannotWork, WorkConfig, work},
};

/// Options of `agent work`.
#[derive(clap::Args)]
#[command(
    after_help = "Example: FLEET_AGENT_KEY=… agent work --coordinator-url http://127.0.0.1:8080 --slots 2"
)]
pub struct Work {
    /// Address of the coordinator.
    #[arg(long, env = "FLEET_COORDINATOR_URL", value_name = "URL")]
    pub coordinator_url: String,
    /// Key of this agent. Give it by the environment, not on the command line.
    #[arg(long, env = "FLEET_AGENT_KEY", hide_env_values = true, value_name = "KEY")]
    pub agent_key: String,
    /// Pool it serves.
    #[arg(long, env = "FLEET_POOL", default_value = "default")]
    pub pool: String,
    /// Attempts at a time.
    #[arg(long, env = "FLEET_SLOTS", default_value_t = 1)]
    pub slots: u32,
    /// Name for people, unique among live agents; otherwise the host's name.
    #[arg(long, env = "FLEET_AGENT_NAME")]
    pub agent_name: Option<String>,
    /// Where latches and undelivered reports are kept.
    #[arg(long, env = "FLEET_SPOOL_DIR", default_value = "data/spool", value_name = "DIR")]
    pub spool_dir: PathBuf,
    /// Time zone the pages see.
    #[arg(long, env = "FLEET_TIMEZONE", default_value = "America/New_York")]
    pub timezone: String,
    /// Ends after so many jobs.
    #[arg(long, env = "FLEET_DRAIN_AFTER_JOBS")]
    pub drain_after_jobs: Option<u32>,
    /// Seconds that attempts under way may take to finish on SIGTERM.
    #[arg(long, env = "FLEET_DRAIN_MAX_S", default_value_t = 15)]
    pub drain_max_s: u64,
    /// Seconds after which a portal session that is kept for the next job, but not used, is left.
    #[arg(long, env = "FLEET_SESSION_IDLE_S", default_value_t = 120)]
    pub session_idle_s: u64,
    /// The browser.
    #[command(flatten)]
    pub browser: BrowserOptions,
}

/// Runs it; the exit code.
pub async fn run(options: Work) -> u8 {
    let browser = match options.browser.config(Some(&options.timezone)) {
        Ok(browser) => browser,
        Err(why) => {
            tell(&why);
            return exit::USAGE;
        }
    };
    let spool = match Spool::open(&options.spool_dir).map(|spool| spool.for_slots(options.slots)) {
        Ok(spool) => spool,
        Err(error) => {
            tell(&format!("{}: {error}", options.spool_dir.display()));
            return exit::USAGE;
        }
    };
    // Patients' documents lie nowhere else in clear; what a dead agent left there is swept at the next start.
    let folder = match AgentFolder::create(&browser.profile_root()) {
        Ok(folder) => folder,
        Err(error) => {
            tell(&format!("a private folder cannot be made: {error}"));
            return exit::USAGE;
        }
    };
    if tempfile::env::override_temp_dir(folder.path()).is_err() {
        tracing::debug!("temporary files have a place already");
    }
    let coordinator = match Coordinator::new(&options.coordinator_url, &options.agent_key) {
        Ok(coordinator) => coordinator,
        Err(error) => {
            tell(&format!("the coordinator's address cannot be used: {error}"));
            return exit::USAGE;
        }
    };
    // What a gate says must be found by the next life of this agent.
    let lines = Some(spool.folder().canonicalize().unwrap_or_else(|_| spool.folder().to_owned()));
    let browser = LaunchConfig { tunnels: Some(GateProgram::own(lines)), ..browser };
    let config = WorkConfig {
        name: options.agent_name.unwrap_or_else(host_name),
        pool: options.pool,
        slots: options.slots,
        browser,
        drain_after_jobs: options.drain_after_jobs,
        session_idle: Duration::from_secs(options.session_idle_s),
        drain_max: Duration::from_secs(options.drain_max_s),
    };
    let ended = loop {
        match work(coordinator.clone(), spool.clone(), config.clone()).await {
            // The coordinator knows this agent under another id now: a fresh start, with nothing held over from before.
            Err(CannotWork::Replaced) => tell("agent: begins again under another id"),
            ended => break ended,
        }
    };
    match ended {
        Ok(()) => exit::DONE,
        Err(error) => {
            tell(&format!("agent: {error}"));
            match error {
                CannotWork::Coordinator(Refusal::Away(_) | Refusal::Failing(_)) => {
                    exit::UNREACHABLE
                }
                CannotWork::Coordinator(_) => exit::REFUSED,
                CannotWork::Browser(_) | CannotWork::Signals(_) | CannotWork::Replaced => {
                    exit::ERROR
                }
            }
        }
    }
}

fn host_name() -> String {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let name = name.trim();
    if name.is_empty() { format!("agent-{}", std::process::id()) } else { name.to_owned() }
}
