//! What is wrong with a script, and where: findings with a stable code, a place and the shown line.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;

use serde::Serialize;

use super::span::Span;

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// Refuses the script.
    Error,
    /// Shown in review.
    Warning,
}

/// One thing wrong with a script.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// File it is in.
    pub file: String,
    /// First line, from 1.
    pub line: u32,
    /// First column in characters, from 1.
    pub column: u32,
    /// Last line.
    pub end_line: u32,
    /// Column after the last character.
    pub end_column: u32,
    /// Error or warning.
    pub level: Level,
    /// Stable code, e.g. `undefined-name`.
    pub code: &'static str,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// For a finding in a fragment: where the fragment is used.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub used_by: Vec<String>,
    /// The line it is on, for people.
    #[serde(skip)]
    pub shown: Option<String>,
}

impl Finding {
    /// The finding as shown to people: place, code, message, the line and the hint under it.
    pub fn render(&self) -> String {
        let level = match self.level {
            Level::Error => "error",
            Level::Warning => "warning",
        };
        let mut out = format!(
            "{}:{}:{}: {level}[{}]: {}\n",
            self.file, self.line, self.column, self.code, self.message
        );
        let hint = self.hint.as_deref().unwrap_or("");
        if let Some(shown) = &self.shown {
            let number = self.line.to_string();
            let gap = " ".repeat(number.len());
            let wide = if self.end_line == self.line && self.end_column > self.column {
                self.end_column - self.column
            } else {
                1
            };
            let pad = " ".repeat(self.column.saturating_sub(1) as usize);
            let carets = "^".repeat(wide as usize);
            let line = format!("{gap} | {pad}{carets} {hint}");
            let _ = write!(out, "{gap} |\n{number} | {shown}\n{}\n", line.trim_end());
        } else if !hint.is_empty() {
            let _ = writeln!(out, "  {hint}");
        }
        for place in &self.used_by {
            let _ = writeln!(out, "used by {place}");
        }
        out
    }
}

/// Findings as they come, and the texts they are shown with.
#[derive(Clone, Debug, Default)]
pub struct Findings {
    /// In the order found.
    pub list: Vec<Finding>,
    texts: BTreeMap<Arc<str>, Arc<str>>,
}

impl Findings {
    /// Adds an error.
    pub fn error(&mut self, code: &'static str, span: &Span, message: impl Into<String>) {
        self.add(Level::Error, code, span, message.into(), None);
    }

    /// Adds an error with what to do about it.
    pub fn error_hint(
        &mut self,
        code: &'static str,
        span: &Span,
        message: impl Into<String>,
        hint: impl Into<String>,
    ) {
        self.add(Level::Error, code, span, message.into(), Some(hint.into()));
    }

    /// Adds a warning.
    pub fn warn(
        &mut self,
        code: &'static str,
        span: &Span,
        message: impl Into<String>,
        hint: Option<&str>,
    ) {
        self.add(Level::Warning, code, span, message.into(), hint.map(str::to_owned));
    }

    /// Whether anything found refuses the script.
    pub fn has_errors(&self) -> bool {
        self.list.iter().any(|finding| finding.level == Level::Error)
    }

    /// Remembers a file's text, so that lines can be shown.
    pub(super) fn remember(&mut self, file: &Arc<str>, text: &str) {
        self.texts.insert(Arc::clone(file), Arc::from(text));
    }

    /// All findings by place, each once, with their lines.
    pub fn into_sorted(mut self) -> Vec<Finding> {
        let lines: BTreeMap<&str, Vec<&str>> =
            self.texts.iter().map(|(file, text)| (&**file, text.lines().collect())).collect();
        for finding in &mut self.list {
            let index = finding.line.saturating_sub(1) as usize;
            let line = lines.get(finding.file.as_str()).and_then(|lines| lines.get(index));
            finding.shown = line.map(|line| line.trim_end_matches('\r').to_owned());
        }
        self.list.sort_by(|a, b| {
            (&a.file, a.line, a.column, a.code).cmp(&(&b.file, b.line, b.column, b.code))
        });
        self.list.dedup();
        self.list
    }

    fn add(
        &mut self,
        level: Level,
        code: &'static str,
        span: &Span,
        message: String,
        hint: Option<String>,
    ) {
        self.list.push(Finding {
            file: span.file.to_string(),
            line: span.line,
            column: span.column,
            end_line: span.end_line,
            end_column: span.end_column,
            level,
            code,
            message,
            hint,
            used_by: Vec::new(),
            shown: None,
        });
    }
}

/// The candidate closest to a misspelt word, at an edit distance of at most two.
pub(super) fn closest<'c>(
    word: &str,
    candidates: impl IntoIterator<Item = &'c str>,
) -> Option<&'c str> {
    let limit = if word.chars().count() <= 3 { 1 } else { 2 };
    candidates
        .into_iter()
        .map(|candidate| (distance(word, candidate), candidate))
        .filter(|(far, _)| *far <= limit)
        .min()
        .map(|(_, candidate)| candidate)
}

/// Edits (insert, delete, replace, swap of neighbours) between two words.
fn distance(left: &str, right: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (left.chars().collect(), right.chars().collect());
    if a.len().abs_diff(b.len()) > 2 || a.len() > 64 || b.len() > 64 {
        return usize::MAX;
    }
    let mut before: Vec<usize> = Vec::new();
    let mut above: Vec<usize> = (0..=b.len()).collect();
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let cost = usize::from(a[i - 1] != b[j - 1]);
            let mut best = (above[j] + 1).min(row[j - 1] + 1).min(above[j - 1] + cost);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                best = best.min(before[j - 2] + 1);
            }
            row.push(best);
        }
        before = std::mem::replace(&mut above, row);
    }
    above[b.len()]
}
