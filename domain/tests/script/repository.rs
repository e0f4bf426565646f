//! Every script of this repository is without errors.

use std::fs;
use std::path::{Path, PathBuf};

use domain::script::{Folder, Level, Source, check_tree};

use crate::support::shown;

/// Scripts of a folder, listed below one of its folders only.
struct Scripts {
    root: PathBuf,
    listed: &'static str,
}

impl Scripts {
    fn of(root: &str, listed: &'static str) -> Self {
        Self { root: PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..").join(root), listed }
    }
}

impl Source for Scripts {
    fn read(&self, path: &str) -> Result<Vec<u8>, String> {
        fs::read(self.root.join(path)).map_err(|error| error.to_string())
    }
}

impl Folder for Scripts {
    fn list(&self) -> Result<Vec<String>, String> {
        let mut found = Vec::new();
        walk(&self.root, &self.root.join(self.listed), &mut found)
            .map_err(|error| error.to_string())?;
        Ok(found)
    }
}

fn walk(root: &Path, folder: &Path, found: &mut Vec<String>) -> std::io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            walk(root, &path, found)?;
        } else if path.extension().is_some_and(|ending| ending == "yaml")
            && let Ok(below) = path.strip_prefix(root)
        {
            found.push(below.to_string_lossy().into_owned());
        }
    }
    Ok(())
}

#[test]
fn every_script_is_without_errors() {
    errors(&Scripts::of("scripts", ""));
}

fn errors(folder: &Scripts) {
    let mut findings = check_tree(folder).expect("the folder can be read");
    findings.retain(|finding| finding.level == Level::Error);
    assert!(findings.is_empty(), "{}", shown(&findings));
}

#[test]
fn every_task_of_the_engine_benchmark_is_a_script_without_errors() {
    let folder = Scripts::of("tests", "miniwob");
    errors(&folder);
    let there = folder.list().expect("the folder can be read");
    let tasks = folder.read("miniwob/tasks.json").expect("the tasks are there");
    let tasks: serde_json::Value = serde_json::from_slice(&tasks).expect("they are JSON");
    let tasks = tasks["tasks"].as_object().expect("tasks by name");
    assert_eq!(tasks.len(), 30);
    for (name, task) in tasks {
        let further = task["then"]["run"].as_str();
        for script in std::iter::once(name.as_str()).chain(further) {
            assert!(there.contains(&format!("miniwob/{script}.yaml")), "{script}");
        }
    }
}
