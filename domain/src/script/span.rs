//! Places in a file, names with their place, and ordered tables of named things.

use std::fmt;
use std::sync::Arc;

use serde::{Serialize, Serializer};

/// A range in one file. Lines and columns count from 1, columns in characters; the end is the first
/// column after the range.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    /// Path as given to the source, e.g. `scripts/harbor/submit.yaml`.
    pub file: Arc<str>,
    /// First line.
    pub line: u32,
    /// First column.
    pub column: u32,
    /// Last line.
    pub end_line: u32,
    /// Column after the last character.
    pub end_column: u32,
}

impl Span {
    /// The very beginning of a file; for findings about the file as a whole.
    pub fn start_of(file: &Arc<str>) -> Self {
        Self { file: Arc::clone(file), line: 1, column: 1, end_line: 1, end_column: 1 }
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.file, self.line, self.column)
    }
}

impl fmt::Debug for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A name where it is declared or used. Names from a fragment read `prefix.name`.
#[derive(Clone)]
pub struct Name {
    /// The resolved name, e.g. `shell.login`.
    pub text: String,
    /// Where it is written.
    pub span: Span,
}

impl Name {
    /// The resolved name as text.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The part after the prefix: `login` of `shell.login`.
    pub fn short(&self) -> &str {
        self.text.rsplit('.').next().unwrap_or(&self.text)
    }
}

/// Names are equal when their text is; where they are written does not count.
impl PartialEq for Name {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Name {}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Serialize for Name {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

/// Named things in written order; names are unique.
#[derive(Clone, Debug)]
pub struct Table<T> {
    /// The entries in written order.
    pub entries: Vec<(Name, T)>,
}

impl<T> Default for Table<T> {
    fn default() -> Self {
        Self { entries: Vec::new() }
    }
}

impl<T> Table<T> {
    /// The entry of that name.
    pub fn get(&self, name: &str) -> Option<&T> {
        self.entry(name).map(|(_, value)| value)
    }

    /// The entry of that name with its declaration.
    pub fn entry(&self, name: &str) -> Option<&(Name, T)> {
        self.entries.iter().find(|(key, _)| key.text == name)
    }

    /// All entries in written order.
    pub fn iter(&self) -> impl Iterator<Item = (&Name, &T)> {
        self.entries.iter().map(|(name, value)| (name, value))
    }

    /// All names in written order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.entries.iter().map(|(name, _)| name.as_str())
    }

    /// Whether nothing is declared.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// How many are declared.
    pub fn len(&self) -> usize {
        self.entries.len()
    }
}

impl<T: Serialize> Serialize for Table<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.entries.iter().map(|(name, value)| (&name.text, value)))
    }
}
