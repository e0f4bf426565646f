//! The language reference is true: its examples check, and its tables name every code, filter, exception and answer.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use domain::outcome::Answer;
use domain::script::{Level, ast::BUILT_IN, check_script, check_tree};
use regex::Regex;

use crate::support::shown;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn manual() -> String {
    fs::read_to_string(root().join("docs/scripts.md")).expect("the manual is there")
}

/// The blocks marked so, with the line each begins at.
fn blocks(text: &str, mark: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let mut open: Option<(usize, String)> = None;
    for (at, line) in text.lines().enumerate() {
        match &mut open {
            Some((_, block)) if line != "```" => {
                block.push_str(line);
                block.push('\n');
            }
            Some(_) => found.extend(open.take()),
            None if line == mark => open = Some((at + 1, String::new())),
            None => {}
        }
    }
    found
}

#[test]
fn every_block_is_marked() {
    let text = manual();
    let marks: Vec<&str> = text.lines().filter(|line| line.starts_with("```yaml")).collect();
    assert!(marks.iter().all(|m| ["```yaml whole", "```yaml excerpt"].contains(m)), "{marks:?}");
    assert!(marks.len() >= 8, "the manual shows what it speaks of");
}

#[test]
fn whole_files_are_without_findings() {
    let id = Regex::new(r"(?m)^(?:script|fragment): (\S+)$").expect("a pattern");
    let files: BTreeMap<String, String> = blocks(&manual(), "```yaml whole")
        .into_iter()
        .map(|(line, block)| {
            let id = id.captures(&block).unwrap_or_else(|| panic!("line {line}: no id"));
            (format!("{}.yaml", &id[1]), block)
        })
        .collect();
    assert_eq!(files.len(), 2);
    let findings = check_tree(&files).expect("the files are listed");
    assert!(findings.is_empty(), "{}", shown(&findings));
}

/// What an excerpt leaves out, so that only its own shape is judged.
const AROUND: [(&str, &str); 8] = [
    ("script", "script: acme/submit"),
    ("revision", "revision: 1"),
    ("hosts", "hosts: {portal.acme.example: login}"),
    (
        "needs",
        "needs:\n  member: {id: string}\n  plan: {type: string, optional: true}\n  requesting: {npi: string}\n  \
         reference: string\n  lines: {type: list, max: 10, of: {code: string, from: date}}",
    ),
    ("elements", "elements: {next: {label: Next}}"),
    ("screens", "screens: {home: {title: Home}}"),
    ("flow", "flow: [{capture: {page: {shot: page}}}]"),
    ("exceptions", "exceptions: {spare: {queue: review}}"),
];

/// What an excerpt may be blamed for, since the rest of its script is not shown.
const MISSING: [&str; 3] = ["undefined-name", "no-outcome-path", "drafts-missing"];

#[test]
fn excerpts_decode() {
    for (line, block) in blocks(&manual(), "```yaml excerpt") {
        let mut text = String::from("defaults: {timezone: America/Chicago}\n");
        for (key, part) in AROUND {
            if !block.starts_with(&format!("{key}:")) {
                text.push_str(part);
                text.push('\n');
            }
        }
        text.push_str(&block);
        let files = BTreeMap::from([("acme/submit.yaml".to_owned(), text)]);
        let mut findings = check_script(&files, "acme/submit");
        findings.retain(|f| f.level == Level::Error && !MISSING.contains(&f.code));
        assert!(findings.is_empty(), "excerpt at line {line}:\n{}", shown(&findings));
    }
}

#[test]
fn the_tables_name_everything_there_is() {
    let text = manual();
    let named = |word: &str| text.contains(&format!("`{word}`"));
    let mut missing: BTreeSet<String> = codes().into_iter().filter(|code| !named(code)).collect();
    missing
        .extend(BUILT_IN.iter().map(|(name, ..)| (*name).to_owned()).filter(|name| !named(name)));
    missing.extend(Answer::ALL.iter().map(|a| a.word().to_owned()).filter(|word| !named(word)));
    assert!(missing.is_empty(), "not in the manual: {missing:?}");
}

#[test]
fn the_table_of_codes_names_no_others() {
    let text = manual();
    let chapter = text.split("## Findings").nth(1).and_then(|rest| rest.split("## ").next());
    let code = Regex::new("`([a-z0-9]+(?:-[a-z0-9]+)*)`").expect("a pattern");
    let known = codes();
    let rows = chapter.expect("a chapter").lines().filter(|line| line.starts_with("| `"));
    for row in rows {
        let cell = row.split('|').nth(1).unwrap_or_default();
        for found in code.captures_iter(cell) {
            assert!(known.contains(&found[1]), "no finding has the code `{}`", &found[1]);
        }
    }
}

/// Every code a finding can have, read from the checker's own text.
fn codes() -> BTreeSet<String> {
    fn files(folder: &Path, out: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() { files(&path, out) } else { out.push(path) }
        }
    }
    let mut sources = Vec::new();
    files(&root().join("domain/src/script"), &mut sources);
    let code = Regex::new(r#"(?:error|error_hint|warn)\(\s*"([a-z0-9-]+)""#).expect("a pattern");
    let found: BTreeSet<String> = sources
        .iter()
        .flat_map(|path| {
            let text = fs::read_to_string(path).expect("a source");
            code.captures_iter(&text).map(|found| found[1].to_owned()).collect::<Vec<_>>()
        })
        .collect();
    assert!(found.len() > 50, "the codes are found where they are written: {}", found.len());
    found
}
