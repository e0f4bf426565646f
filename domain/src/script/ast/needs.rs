//! Types of a script's inputs.

use serde::Serialize;

use super::Pattern;
use crate::script::span::{Span, Table};

/// `needs`: the typed inputs of a script, or the parameters of a fragment.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Needs {
    /// The fields of the outermost group.
    pub fields: Table<Need>,
}

/// One input.
#[derive(Clone, Debug, Serialize)]
pub struct Need {
    /// What it is.
    pub kind: NeedType,
    /// Whether it may be absent (`T?`).
    pub optional: bool,
    /// Whether it is patient data; false only when the script says `phi: false`.
    pub phi: bool,
    /// Where it is written.
    #[serde(skip)]
    pub span: Span,
}

/// The types of inputs.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum NeedType {
    /// Text.
    String {
        /// The whole text must match.
        pattern: Option<Pattern>,
        /// At most that many characters.
        max: Option<u32>,
    },
    /// Whole number.
    Integer {
        /// Not less.
        min: Option<i64>,
        /// Not more.
        max: Option<i64>,
    },
    /// Exact decimal number.
    Decimal {
        /// Not less, as written.
        min: Option<String>,
        /// Not more, as written.
        max: Option<String>,
    },
    /// True or false.
    Boolean,
    /// Calendar date.
    Date,
    /// Instant with an offset.
    Datetime,
    /// One of these words.
    OneOf(Vec<String>),
    /// A file.
    File {
        /// Kinds by their first bytes, e.g. `pdf`.
        accept: Vec<String>,
        /// At most that many bytes.
        max_bytes: u64,
    },
    /// One to `max` items.
    List {
        /// What each item is.
        of: Box<Need>,
        /// At most that many.
        max: u32,
    },
    /// Named fields.
    Group(Table<Need>),
}
