//! Text, templates, patterns, address globs and durations as written in a script.

use std::fmt;
use std::time::Duration;

use regex::Regex;
use serde::{Serialize, Serializer};

use crate::script::span::Span;

/// A literal text without templates.
#[derive(Clone)]
pub struct Words {
    /// The text.
    pub text: String,
    /// Where it is written.
    pub span: Span,
}

impl Words {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl fmt::Debug for Words {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.text, f)
    }
}

impl Serialize for Words {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

/// Text with `${…}` expressions. One that is a single expression keeps the expression's type.
#[derive(Clone)]
pub struct Template {
    /// As written, for messages and `explain`.
    pub source: String,
    /// Texts and expressions in order; empty for an empty text.
    pub parts: Vec<Part>,
    /// Where it is written.
    pub span: Span,
}

impl Template {
    /// The text when nothing in it is computed.
    pub fn literal(&self) -> Option<String> {
        let mut text = String::new();
        for part in &self.parts {
            match part {
                Part::Text(words) => text.push_str(words),
                Part::Expr(_) => return None,
            }
        }
        Some(text)
    }

    /// The expressions in it.
    pub fn expressions(&self) -> impl Iterator<Item = &Expr> {
        self.parts.iter().filter_map(|part| match part {
            Part::Expr(expr) => Some(expr),
            Part::Text(_) => None,
        })
    }
}

impl fmt::Debug for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.source, f)
    }
}

impl Serialize for Template {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.source)
    }
}

/// One piece of a template.
#[derive(Clone, Debug)]
pub enum Part {
    /// Inserted as it is.
    Text(String),
    /// Computed.
    Expr(Expr),
}

/// `path | filter | filter`.
#[derive(Clone, Debug)]
pub struct Expr {
    /// The value it starts from.
    pub path: Path,
    /// Applied from left to right; at most five.
    pub filters: Vec<Filter>,
}

/// `name.name`: an input, an `each` variable, `captured.…`, `commit.search_from`, `today` or `now`.
#[derive(Clone)]
pub struct Path {
    /// Its names; never empty.
    pub names: Vec<String>,
    /// Where it is written.
    pub span: Span,
}

impl Path {
    /// The first name.
    pub fn root(&self) -> &str {
        self.names.first().map_or("", String::as_str)
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.names.join("."))
    }
}

impl fmt::Debug for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Path {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// The closed list of filters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Filter {
    /// A date or instant in a written form.
    Date(DateFormat),
    /// A later (or with a minus earlier) date.
    PlusDays(i64),
    /// Only the digits.
    Digits,
    /// Only letters and digits.
    Alnum,
    /// Capital letters.
    Upper,
    /// Small letters.
    Lower,
    /// Without white space around it.
    Trim,
    /// The first n characters.
    Start(usize),
    /// The last n characters.
    End(usize),
    /// A number with that many decimal places.
    Number(u32),
    /// Filled up on the left.
    Pad(usize, char),
    /// Four bullets and the last four characters.
    Mask,
    /// The items of a list with a text between them.
    Join(String),
    /// The first item of a list.
    First,
    /// The last item of a list.
    Last,
    /// The portal's word out of a `words` table (resolved name).
    Words(String),
    /// One text for true, one for false.
    YesNo(String, String),
    /// That text when an optional input is absent.
    Or(String),
}

/// A form of writing dates, e.g. `MM/dd/yyyy h:mm a`; never depends on a locale.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DateFormat {
    /// As written.
    pub source: String,
    /// Its parts in order.
    pub tokens: Vec<DateToken>,
}

impl Serialize for DateFormat {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.source)
    }
}

/// One part of a [`DateFormat`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DateToken {
    /// `yyyy`: four digits.
    Year,
    /// `yy`: two digits, 1950–2049.
    ShortYear,
    /// `MM` (two digits) or `M`.
    Month(Digits),
    /// `dd` or `d`.
    Day(Digits),
    /// `HH`: 00–23.
    Hour,
    /// `hh` or `h`: 1–12.
    Hour12(Digits),
    /// `mm`.
    Minute,
    /// `ss`.
    Second,
    /// `a`: AM or PM.
    HalfDay,
    /// Anything between.
    Literal(char),
}

/// Whether a number is filled up with a zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Digits {
    /// Always two digits.
    Two,
    /// No leading zero when written; both accepted when read.
    Least,
}

/// How a text on a page is recognised.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum TextMatch {
    /// Equal after normalising.
    Equals(Template),
    /// Equal letter by letter; only white space is normalised.
    Exact(Template),
    /// Contained after normalising.
    Contains(Template),
    /// `/…/` or `/…/i`, searched in the space-normalised text.
    Pattern(Pattern),
}

impl TextMatch {
    /// Where it is written.
    pub fn span(&self) -> &Span {
        match self {
            Self::Equals(text) | Self::Exact(text) | Self::Contains(text) => &text.span,
            Self::Pattern(pattern) => &pattern.span,
        }
    }
}

/// A compiled pattern.
#[derive(Clone)]
pub struct Pattern {
    /// As written, without the slashes.
    pub source: String,
    /// Whether `/…/i` was written.
    pub ignore_case: bool,
    /// Ready to search with; linear time by construction.
    pub regex: Regex,
    /// Where it is written.
    pub span: Span,
}

impl Pattern {
    /// Group 1 when the pattern has groups, else the whole match.
    pub fn extract<'t>(&self, text: &'t str) -> Option<&'t str> {
        let found = self.regex.captures(text)?;
        if found.len() > 1 { found.get(1) } else { found.get(0) }.map(|part| part.as_str())
    }
}

impl fmt::Debug for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "/{}/{}", self.source, if self.ignore_case { "i" } else { "" })
    }
}

impl Serialize for Pattern {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{self:?}"))
    }
}

/// An address pattern: `*` within a segment, `**` across; without a leading `/` the first part is
/// the host. A glob without `?` is also compared with the path alone.
#[derive(Clone, Debug)]
pub struct UrlGlob {
    /// As written.
    pub source: String,
    /// Where it is written.
    pub span: Span,
}

impl Serialize for UrlGlob {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.source)
    }
}

/// A length of time, always more than zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Wait {
    /// In milliseconds.
    pub ms: u64,
}

impl Wait {
    /// The same as a standard duration.
    pub fn duration(self) -> Duration {
        Duration::from_millis(self.ms)
    }
}

impl fmt::Display for Wait {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (unit, size) in [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000)] {
            if self.ms.is_multiple_of(size) {
                return write!(f, "{}{unit}", self.ms / size);
            }
        }
        write!(f, "{}ms", self.ms)
    }
}

impl Serialize for Wait {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
