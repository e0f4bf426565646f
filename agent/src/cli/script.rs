//! `agent script check | explain | diff | schema`.

use std::path::{Path, PathBuf};

use clap::Subcommand;
use domain::script::{
    Bundle, Finding, Level,
    check::{check_against, check_fragment},
    check_script,
    diff::diff,
    explain::explain,
    schema,
};

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
        #[arg(long, value_name = "LEVEL", value_parser = ["W"])]
        deny: Option<String>,
        /// Another folder `scripts/`: what changed in meaning since then must have a higher revision.
        #[arg(long, value_name = "DIR")]
        against: Option<PathBuf>,
    },
    /// Tells staff what a script does.
    #[command(after_help = "Example: agent script explain scripts/harbor/submit.yaml --markdown")]
    Explain {
        /// The script.
        script: PathBuf,
        /// As Markdown.
        #[arg(long, conflicts_with = "json")]
        markdown: bool,
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
    /// Tells what changes in meaning between two scripts.
    #[command(
        after_help = "Example: agent script diff old/scripts/harbor/submit.yaml scripts/harbor/submit.yaml"
    )]
    Diff {
        /// The older script.
        old: PathBuf,
        /// The newer script.
        new: PathBuf,
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
    /// Prints the JSON Schema of scripts.
    #[command(after_help = "Example: agent script schema --fragment")]
    Schema {
        /// Of fragments instead.
        #[arg(long)]
        fragment: bool,
    },
}

/// Runs it; the exit code.
#[must_use]
pub fn run(command: &ScriptCommand) -> u8 {
    match command {
        ScriptCommand::Check { paths, json, deny, against } => {
            check(paths, *json, deny.is_some(), against.as_deref())
        }
        ScriptCommand::Explain { script, markdown, json } => {
            explain_one(script, *markdown, *json).unwrap_or_else(|code| code)
        }
        ScriptCommand::Diff { old, new, json } => {
            diff_two(old, new, *json).unwrap_or_else(|code| code)
        }
        ScriptCommand::Schema { fragment } => {
            let schema =
                if *fragment { schema::fragment_schema() } else { schema::script_schema() };
            print(schema::to_file(&schema).trim_end());
            exit::DONE
        }
    }
}

fn explain_one(path: &Path, markdown: bool, json: bool) -> Result<u8, u8> {
    let explanation = explain(&load(path)?);
    if json {
        print(&serde_json::to_string_pretty(&explanation).unwrap_or_default());
    } else if markdown {
        print(explanation.markdown().trim_end());
    } else {
        print(explanation.text().trim_end());
    }
    Ok(exit::DONE)
}

fn diff_two(old: &Path, new: &Path, json: bool) -> Result<u8, u8> {
    let diff = diff(&load(old)?, &load(new)?);
    if json {
        print(&serde_json::to_string_pretty(&diff).unwrap_or_default());
    } else {
        print(diff.text().trim_end());
    }
    Ok(exit::DONE)
}

fn load(path: &Path) -> Result<Bundle, u8> {
    let Some((folder, id)) = ScriptFolder::of(path) else {
        tell(&format!("{}: no such script", path.display()));
        return Err(exit::USAGE);
    };
    Bundle::load(&folder, &id).map_err(|findings| {
        placed(findings, &folder).iter().for_each(|finding| show(finding, false));
        exit::CHECK_FAILED
    })
}

fn check(paths: &[PathBuf], json: bool, deny_warnings: bool, against: Option<&Path>) -> u8 {
    let own = [PathBuf::from("scripts")];
    let paths = if paths.is_empty() { &own[..] } else { paths };
    let (mut scripts, mut fragments) = (Vec::new(), Vec::new());
    for path in paths {
        if let Err(error) = collect(path, &mut scripts, &mut fragments) {
            tell(&format!("{}: {error}", path.display()));
            return exit::USAGE;
        }
    }
    scripts.sort();
    let mut findings = Vec::new();
    for path in &scripts {
        let Some((folder, id)) = ScriptFolder::of(path) else {
            tell(&format!("{}: not below a folder `scripts`", path.display()));
            return exit::USAGE;
        };
        findings.extend(placed(check_script(&folder, &id), &folder));
        findings.extend(against.into_iter().flat_map(|old| changed(&folder, old, &id)));
    }
    for path in &fragments {
        findings.extend(unused(path, &scripts));
    }
    let mut refused = false;
    for finding in &findings {
        refused |= finding.level == Level::Error || deny_warnings;
        show(finding, json);
    }
    if !json {
        let errors = findings.iter().filter(|finding| finding.level == Level::Error).count();
        let warnings = findings.len() - errors;
        let scripts = scripts.len();
        tell(&format!("{scripts} script(s) read: {errors} error(s), {warnings} warning(s)"));
    }
    if refused { exit::CHECK_FAILED } else { exit::DONE }
}

/// The findings with the files as they are reached from here: checks name them from the folder `scripts`.
pub fn placed(mut findings: Vec<Finding>, folder: &ScriptFolder) -> Vec<Finding> {
    let reached = |named: &str| match named.strip_prefix("scripts/") {
        Some(rest) => folder.root().join(rest).display().to_string(),
        None => named.to_owned(),
    };
    for finding in &mut findings {
        finding.file = reached(&finding.file);
        finding.used_by.iter_mut().for_each(|place| *place = reached(place));
    }
    findings
}

/// What an older script of the same id says about the revision; nothing when there is none, or it did not decode.
fn changed(folder: &ScriptFolder, old: &Path, id: &str) -> Vec<Finding> {
    let older = Bundle::load(&ScriptFolder::new(old), id);
    match (Bundle::load(folder, id), older) {
        (Ok(new), Ok(old)) => placed(check_against(&new, &old), folder),
        _ => Vec::new(),
    }
}

/// The findings of a fragment that none of these scripts reads.
fn unused(path: &Path, scripts: &[PathBuf]) -> Vec<Finding> {
    let Some((folder, id)) = ScriptFolder::of(path) else { return Vec::new() };
    let reads = |script: &PathBuf| {
        let bundle =
            ScriptFolder::of(script).and_then(|(folder, id)| Bundle::load(&folder, &id).ok());
        bundle.is_none_or(|bundle| bundle.fragments.iter().any(|fragment| fragment.id.text == id))
    };
    // A script that does not decode may use it: its own findings come first.
    if scripts.iter().any(reads) {
        Vec::new()
    } else {
        placed(check_fragment(&folder, &id), &folder)
    }
}

/// Prints one finding.
pub fn show(finding: &Finding, json: bool) {
    if json {
        print(&serde_json::to_string(finding).unwrap_or_default());
    } else {
        tell(finding.render().trim_end());
    }
}

/// The scripts and fragments below a path.
fn collect(
    path: &PathBuf,
    scripts: &mut Vec<PathBuf>,
    fragments: &mut Vec<PathBuf>,
) -> std::io::Result<()> {
    if path.is_dir() {
        for entry in std::fs::read_dir(path)? {
            collect(&entry?.path(), scripts, fragments)?;
        }
        return Ok(());
    }
    let yaml = path.extension().is_some_and(|ending| ending == "yaml");
    if yaml {
        let text = std::fs::read_to_string(path)?;
        if text.lines().any(|line| line.starts_with("script:")) {
            scripts.push(path.clone());
        } else if text.lines().any(|line| line.starts_with("fragment:")) {
            fragments.push(path.clone());
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn findings_name_the_file_as_it_was_reached() {
        let home = tempfile::tempdir().unwrap();
        let file = home.path().join("practice/scripts/briar/submit.yaml");
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(&file, "script: briar/submit\nwrong: 1\n").unwrap();
        let (folder, id) = ScriptFolder::of(&file).unwrap();
        let findings = placed(check_script(&folder, &id), &folder);
        assert!(!findings.is_empty());
        for finding in findings {
            assert_eq!(finding.file, file.display().to_string(), "{}", finding.message);
        }
    }
}
