//! `agent doctor`.

use std::path::PathBuf;

use super::{browser_options::BrowserOptions, exit, print, tell};
use crate::{coordinator::Coordinator, doctor::examine};

/// Options of `agent doctor`.
#[derive(clap::Args)]
#[command(after_help = "Example: agent doctor --json")]
pub struct Doctor {
    /// Address of the coordinator to be reached, if any.
    #[arg(long, env = "FLEET_COORDINATOR_URL", value_name = "URL")]
    pub coordinator_url: Option<String>,
    /// Where latches and undelivered reports would be kept.
    #[arg(long, env = "FLEET_SPOOL_DIR", default_value = "data/spool", value_name = "DIR")]
    pub spool_dir: PathBuf,
    /// One JSON object on standard output.
    #[arg(long)]
    pub json: bool,
    /// The browser.
    #[command(flatten)]
    pub browser: BrowserOptions,
}

/// Runs it; the exit code.
pub async fn run(options: &Doctor) -> u8 {
    let browser = match options.browser.config(None) {
        Ok(browser) => browser,
        Err(why) => {
            tell(&why);
            return exit::USAGE;
        }
    };
    let coordinator =
        options.coordinator_url.as_deref().and_then(|url| Coordinator::new(url, "").ok());
    let checks = examine(&browser, coordinator.as_ref(), &options.spool_dir).await;
    let ok = checks.iter().all(|check| check.ok);
    if options.json {
        print(&serde_json::json!({"ok": ok, "checks": checks}).to_string());
    } else {
        for check in &checks {
            print(&format!(
                "{} {:<15} {}",
                if check.ok { "ok  " } else { "BAD " },
                check.name,
                check.found
            ));
            if let Some(mend) = check.mend {
                print(&format!("     mend it: {mend}"));
            }
        }
    }
    if ok { exit::DONE } else { exit::CHECK_FAILED }
}
