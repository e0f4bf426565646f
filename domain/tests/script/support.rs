//! Reads fixtures from this folder, and spoils them.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use domain::script::{Finding, Source, check_script};

/// Id of the example script.
pub(crate) const SUBMIT: &str = "acme-health/prior-auth/submit";
/// File of the example script.
pub(crate) const SUBMIT_FILE: &str = "acme-health/prior-auth/submit.yaml";
/// File of the example's fragment.
pub(crate) const SHELL_FILE: &str = "acme-health/fragments/shell.yaml";

/// The folder of the fixtures that are in order.
pub(crate) struct Good;

impl Source for Good {
    fn read(&self, path: &str) -> Result<Vec<u8>, String> {
        fs::read(folder("good").join(path)).map_err(|error| error.to_string())
    }
}

/// A folder beside this file.
pub(crate) fn folder(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/script").join(name)
}

/// The example's files as texts.
pub(crate) fn example() -> BTreeMap<String, String> {
    [SUBMIT_FILE, SHELL_FILE]
        .into_iter()
        .map(|path| {
            let bytes = Good.read(path).expect("the fixture is there");
            (path.to_owned(), String::from_utf8(bytes).expect("the fixture is UTF-8"))
        })
        .collect()
}

/// All findings as shown to people.
pub(crate) fn shown(findings: &[Finding]) -> String {
    findings.iter().map(Finding::render).collect()
}

/// One spoiled file: in `file`, `from` (which occurs once) becomes `to`; the finding `code` is on the
/// line of the first character of `at` after the change, or where the change begins.
pub(crate) struct Spoiled {
    pub(crate) file: &'static str,
    pub(crate) from: &'static str,
    pub(crate) to: &'static str,
    pub(crate) code: &'static str,
    pub(crate) at: &'static str,
    pub(crate) back: bool,
    /// A schema cannot know this.
    pub(crate) editor_is_blind: bool,
}

/// A fault in the example script.
pub(crate) const fn row(from: &'static str, to: &'static str, code: &'static str) -> Spoiled {
    Spoiled { file: SUBMIT_FILE, from, to, code, at: "", back: false, editor_is_blind: false }
}

/// A fault in the example's fragment.
pub(crate) const fn shell(from: &'static str, to: &'static str, code: &'static str) -> Spoiled {
    Spoiled { file: SHELL_FILE, ..row(from, to, code) }
}

impl Spoiled {
    /// The finding is where this text follows the change.
    pub(crate) const fn after(mut self, at: &'static str) -> Self {
        self.at = at;
        self
    }

    /// A schema cannot know this.
    pub(crate) const fn blind(mut self) -> Self {
        self.editor_is_blind = true;
        self
    }

    /// The finding is where this text last stands before the change.
    pub(crate) const fn before(mut self, at: &'static str) -> Self {
        self.at = at;
        self.back = true;
        self
    }
}

/// Checks the example with one change and compares code and line.
pub(crate) fn expect(spoiled: &Spoiled) -> Result<(), String> {
    let mut files = example();
    let text = files.get_mut(spoiled.file).expect("a file of the example");
    let name = format!("{:?} → {:?}", spoiled.from, spoiled.to);
    if text.matches(spoiled.from).count() != 1 {
        return Err(format!(
            "{name}: the text to change occurs {} times",
            text.matches(spoiled.from).count()
        ));
    }
    let place = text.find(spoiled.from).expect("counted above");
    *text = text.replacen(spoiled.from, spoiled.to, 1);
    let at = if spoiled.at.is_empty() {
        place
    } else {
        let found = text[place..].find(spoiled.at).map(|at| at + place);
        found
            .or_else(|| text.find(spoiled.at))
            .ok_or_else(|| format!("{name}: no {:?}", spoiled.at))?
    };
    let line = text[..at].matches('\n').count() as u32 + 1;
    let file = format!("scripts/{}", spoiled.file);
    let findings = check_script(&files, SUBMIT);
    let hit = findings.iter().any(|f| f.code == spoiled.code && f.line == line && f.file == file);
    if hit {
        return Ok(());
    }
    Err(format!("{name}: wanted {} at line {line}, got\n{}", spoiled.code, shown(&findings)))
}

/// Checks the example script after a change that no row can express, and wants one finding of this code.
pub(crate) fn expect_code(change: impl FnOnce(&mut String), code: &str) {
    let mut files = example();
    change(files.get_mut(SUBMIT_FILE).expect("a file of the example"));
    let findings = check_script(&files, SUBMIT);
    assert!(findings.iter().any(|finding| finding.code == code), "{}", shown(&findings));
}

/// Runs a whole table of faults of structure: the decoder and the schema must both refuse each.
pub(crate) fn expect_all_and_schema(table: &[Spoiled]) {
    expect_all(table);
    let accepted: Vec<String> = table
        .iter()
        .filter(|row| !row.editor_is_blind && !crate::schema::refused(row.file, row.from, row.to))
        .map(|row| format!("{:?} → {:?}", row.from, row.to))
        .collect();
    assert!(accepted.is_empty(), "the schema accepts\n{}", accepted.join("\n"));
}

/// Runs a whole table and reports every row that is not as expected.
pub(crate) fn expect_all(table: &[Spoiled]) {
    let failed: Vec<String> = table.iter().filter_map(|row| expect(row).err()).collect();
    assert!(failed.is_empty(), "{} rows:\n{}", failed.len(), failed.join("\n"));
}
