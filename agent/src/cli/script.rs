//! `agent script check | explain | diff | schema`.

use std::path::PathBuf;

use clap::Subcommand;
use domain::script::{Finding, Level, check_script};

use super::{exit, print, tell};
use crate::scripts_on_disk::ScriptFolder;

/// What is done with scripts.
#[derive(Debug, Subcommand)]
pub enum ScriptCommand {
    /// Checks scripts; without a path all of `scripts/`.
    #[command(after_help = "Example: agent script check scripts/harbor/submit.yaml")]
    Check {
        /// Scripts or folders.
        paths: Vec<PathBuf>,
        /// One finding per line as JSON.
        #[arg(long)]
        json: bool,
        /// `W`: warnings refuse, too.
        #[arg(long, value_name = "LEVEL")]
        deny: Option<String>,
    },
}

/// Runs it; the exit code.
#[must_use]
pub fn run(command: &ScriptCommand) -> u8 {
    match command {
        ScriptCommand::Check { paths, json, deny } => {
            check(paths, *json, deny.as_deref() == Some("W"))
        }
    }
}

fn check(paths: &[PathBuf], json: bool, deny_warnings: bool) -> u8 {
    let own = [PathBuf::from("scripts")];
    let paths = if paths.is_empty() { &own[..] } else { paths };
    let mut scripts = Vec::new();
    for path in paths {
        if let Err(error) = collect(path, &mut scripts) {
            tell(&format!("{}: {error}", path.display()));
            return exit::USAGE;
        }
    }
    scripts.sort();
    let mut refused = false;
    for path in &scripts {
        let Some((folder, id)) = ScriptFolder::of(path) else {
            tell(&format!("{}: not below a folder `scripts`", path.display()));
            return exit::USAGE;
        };
        for finding in check_script(&folder, &id) {
            refused |= finding.level == Level::Error || deny_warnings;
            show(&finding, json);
        }
    }
    if !json {
        tell(&format!("{} script(s) read", scripts.len()));
    }
    if refused { exit::CHECK_FAILED } else { exit::DONE }
}

/// Prints one finding.
pub fn show(finding: &Finding, json: bool) {
    if json {
        print(&serde_json::to_string(finding).unwrap_or_default());
    } else {
        tell(finding.render().trim_end());
    }
}

/// The scripts below a path; fragments are read through the scripts that use them.
fn collect(path: &PathBuf, scripts: &mut Vec<PathBuf>) -> std::io::Result<()> {
    if path.is_dir() {
        for entry in std::fs::read_dir(path)? {
            collect(&entry?.path(), scripts)?;
        }
        return Ok(());
    }
    let yaml = path.extension().is_some_and(|ending| ending == "yaml");
    if yaml && std::fs::read_to_string(path)?.lines().any(|line| line.starts_with("script:")) {
        scripts.push(path.clone());
    }
    Ok(())
}
