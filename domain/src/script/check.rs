//! Static rules: what can be known to be wrong with a script before it runs anywhere.
//!
//! `parse` has already reported what does not decode and names that are not declared; the rules here
//! look at meaning: types of values, order of effects, where secrets go, what proves a commit.

mod commit;
mod fetch;
mod flow;
mod names;
mod page;
mod types;
mod values;
mod walk;

use std::collections::BTreeMap;

pub use page::{attests, reads_as_submission};

use super::bundle::{Bundle, Source};
use super::finding::{Finding, Findings};
use super::parse::{self, Loaded};

/// A source that can also say which files it has.
pub trait Folder: Source {
    /// Paths below `scripts/` of all `.yaml` files, fragments included.
    fn list(&self) -> Result<Vec<String>, String>;
}

impl Folder for BTreeMap<String, String> {
    fn list(&self) -> Result<Vec<String>, String> {
        Ok(self.keys().cloned().collect())
    }
}

/// Checks one script with its fragments.
pub fn check_script(source: &dyn Source, id: &str) -> Vec<Finding> {
    check_one(source, id).0
}

/// The findings of a script, and the ids of the fragments it uses.
fn check_one(source: &dyn Source, id: &str) -> (Vec<Finding>, Vec<String>) {
    let mut findings = Findings::default();
    let (mut uses, mut used) = (BTreeMap::new(), Vec::new());
    if let Some(loaded) = parse::load(source, id, &mut findings) {
        rules(&loaded, &mut findings);
        uses = used_by(&loaded.bundle);
        used.extend(loaded.bundle.fragments.iter().map(|part| part.id.text.clone()));
    }
    let mut list = findings.into_sorted();
    say_once(&mut list);
    for finding in &mut list {
        finding.used_by.extend(uses.get(&finding.file).cloned());
    }
    (list, used)
}

/// A place left to a person is named once: what else is wrong there is wrong only until it is filled in.
fn say_once(list: &mut Vec<Finding>) {
    let open: Vec<(String, u32, u32)> = list
        .iter()
        .filter(|finding| finding.code == "to-do")
        .map(|finding| (finding.file.clone(), finding.line, finding.column))
        .collect();
    list.retain(|finding| {
        let here = |(file, line, column): &(String, u32, u32)| {
            let ends = if finding.code == "same-first-strategy" { finding.end_column } else { 0 };
            *file == finding.file
                && *line == finding.line
                && (*column == finding.column || (finding.column..ends).contains(column))
        };
        finding.code == "to-do" || !open.iter().any(here)
    });
}

/// Checks one fragment by itself: what can be said without a script that uses it.
pub fn check_fragment(source: &dyn Source, id: &str) -> Vec<Finding> {
    let mut findings = Findings::default();
    parse::load_fragment(source, id, &mut findings);
    findings.into_sorted()
}

/// Checks every script of a folder, and every fragment no script uses. A finding in a fragment is
/// given once, with all places that use the fragment.
pub fn check_tree(folder: &dyn Folder) -> Result<Vec<Finding>, String> {
    let mut paths = folder.list()?;
    paths.retain(|path| path.ends_with(".yaml") && !path.starts_with("schema/"));
    paths.sort();
    let mut all: Vec<Finding> = Vec::new();
    let mut used: Vec<String> = Vec::new();
    let is_fragment = |path: &str| path.split('/').rev().nth(1) == Some("fragments");
    for path in paths.iter().filter(|path| !is_fragment(path)) {
        let id = path.trim_end_matches(".yaml");
        let (findings, fragments) = check_one(folder, id);
        used.extend(fragments);
        findings.into_iter().for_each(|finding| merge(&mut all, finding));
    }
    for path in paths.iter().filter(|path| is_fragment(path)) {
        let id = path.trim_end_matches(".yaml");
        if !used.iter().any(|known| known == id) {
            let mut findings = Findings::default();
            parse::load_fragment(folder, id, &mut findings);
            findings.into_sorted().into_iter().for_each(|finding| merge(&mut all, finding));
        }
    }
    all.sort_by(|a, b| (&a.file, a.line, a.column).cmp(&(&b.file, b.line, b.column)));
    Ok(all)
}

fn merge(all: &mut Vec<Finding>, finding: Finding) {
    let same = |known: &&mut Finding| {
        (&known.file, known.line, known.column, known.code, &known.message)
            == (&finding.file, finding.line, finding.column, finding.code, &finding.message)
    };
    match all.iter_mut().find(same) {
        Some(known) => known.used_by.extend(finding.used_by),
        None => all.push(finding),
    }
}

/// A change of meaning must raise the revision of the file it is in.
pub fn check_against(new: &Bundle, old: &Bundle) -> Vec<Finding> {
    let mut findings = Findings::default();
    let files = |bundle: &Bundle| {
        let script = &bundle.script;
        let own = std::iter::once((script.id.text.clone(), script.revision, script.span.clone()));
        let shared = bundle.fragments.iter();
        let shared = shared.map(|part| (part.id.text.clone(), part.revision, part.span.clone()));
        own.chain(shared).zip(bundle.file_hashes.clone()).collect::<Vec<_>>()
    };
    let before = files(old);
    for ((id, revision, span), hash) in files(new) {
        let same = before.iter().find(|((known, _, _), _)| *known == id);
        let Some(((_, known, _), _)) = same.filter(|(_, known)| *known != hash) else { continue };
        if revision <= *known {
            let message = format!("`{id}` changed, but its revision is still {revision}");
            let hint = format!("raise it to {}", known + 1);
            findings.error_hint("revision-not-raised", &span, message, hint);
        }
    }
    findings.into_sorted()
}

/// Fragment file → where the script names it.
fn used_by(bundle: &Bundle) -> BTreeMap<String, String> {
    let uses = bundle.script.uses.iter();
    uses.map(|(_, id)| (format!("scripts/{}.yaml", id.text), id.span.to_string())).collect()
}

/// All rules over a decoded bundle.
fn rules(loaded: &Loaded, findings: &mut Findings) {
    let broken = findings.has_errors();
    let bundle = &loaded.bundle;
    names::check(loaded, findings);
    page::check(bundle, findings);
    values::check(bundle, findings);
    if !broken {
        // what was not decoded would look like missing nodes
        flow::check(bundle, findings);
        fetch::check(bundle, findings);
        commit::check(bundle, findings);
    }
    for place in &loaded.to_do {
        let hint = "write what belongs here";
        findings.error_hint("to-do", place, "this place is left to a person", hint);
    }
}
