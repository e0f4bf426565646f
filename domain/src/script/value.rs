//! Typed values of inputs and captures; patient data, so never shown by `Debug`.

use std::collections::BTreeMap;
use std::fmt;

use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::ast::{NeedType, ReadAs};
use super::decimal::Decimal;
use crate::time::Timestamp;

/// A value of a script.
#[derive(Clone, PartialEq)]
pub enum Value {
    /// An optional input that was not given.
    Absent,
    /// Text, or a word of an enumeration.
    Text(String),
    /// Whole number.
    Integer(i64),
    /// Exact decimal number.
    Decimal(Decimal),
    /// True or false.
    Boolean(bool),
    /// Calendar date.
    Date(Date),
    /// Instant.
    Datetime(Timestamp),
    /// A file, by reference.
    File(FileRef),
    /// Items.
    List(Vec<Value>),
    /// Named fields.
    Group(BTreeMap<String, Value>),
}

/// A file by reference: a path when tried by hand, an id when leased.
#[derive(Clone, PartialEq, Eq)]
pub struct FileRef {
    /// Path or id.
    pub reference: String,
    /// Kind by its first bytes, where known.
    pub kind: Option<String>,
    /// SHA-256 of its bytes, hexadecimal, where known.
    pub sha256: Option<String>,
    /// Kinds the script accepts.
    pub accept: Vec<String>,
    /// At most that many bytes.
    pub max_bytes: u64,
}

impl Value {
    /// What it is, for messages; never the value itself.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Absent => "nothing",
            Self::Text(_) => "a text",
            Self::Integer(_) => "a whole number",
            Self::Decimal(_) => "a decimal number",
            Self::Boolean(_) => "true or false",
            Self::Date(_) => "a date",
            Self::Datetime(_) => "an instant",
            Self::File(_) => "a file",
            Self::List(_) => "a list",
            Self::Group(_) => "a group",
        }
    }

    /// Text, whole or decimal number as text; anything else needs a filter.
    pub fn plain(&self) -> Option<String> {
        match self {
            Self::Text(text) => Some(text.clone()),
            Self::Integer(number) => Some(number.to_string()),
            Self::Decimal(number) => Some(number.to_string()),
            Self::Absent
            | Self::Boolean(_)
            | Self::Date(_)
            | Self::Datetime(_)
            | Self::File(_)
            | Self::List(_)
            | Self::Group(_) => None,
        }
    }

    /// Every text in it, for masking: dates and files are left out.
    pub fn texts(&self) -> Vec<String> {
        match self {
            Self::List(items) => items.iter().flat_map(Self::texts).collect(),
            Self::Group(fields) => fields.values().flat_map(Self::texts).collect(),
            Self::Absent
            | Self::Text(_)
            | Self::Integer(_)
            | Self::Decimal(_)
            | Self::Boolean(_)
            | Self::Date(_)
            | Self::Datetime(_)
            | Self::File(_) => self.plain().into_iter().collect(),
        }
    }

    /// Follows a path of names; through a list it gives the list of that field.
    pub fn follow(&self, names: &[String]) -> Option<Self> {
        let Some((first, rest)) = names.split_first() else { return Some(self.clone()) };
        match self {
            Self::Group(fields) => match fields.get(first) {
                Some(value) => value.follow(rest),
                None => Some(Self::Absent),
            },
            Self::List(items) => {
                let found: Option<Vec<Self>> =
                    items.iter().map(|item| item.follow(names)).collect();
                found.map(Self::List)
            }
            Self::Absent => Some(Self::Absent),
            Self::Text(_)
            | Self::Integer(_)
            | Self::Decimal(_)
            | Self::Boolean(_)
            | Self::Date(_)
            | Self::Datetime(_)
            | Self::File(_) => None,
        }
    }
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Value({})", self.kind())
    }
}

impl fmt::Debug for FileRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FileRef({})", self.kind.as_deref().unwrap_or("?"))
    }
}

impl ReadAs {
    /// Reads a captured text; `None` when it does not read as that.
    pub fn read(&self, text: &str, zone: &TimeZone) -> Option<Value> {
        if *self == Self::Verbatim {
            return (!text.is_empty()).then(|| Value::Text(text.to_owned()));
        }
        let text = super::text::spaced(text);
        if text.is_empty() {
            return None;
        }
        match self {
            Self::Text | Self::Verbatim | Self::Reference => Some(Value::Text(text)),
            Self::Date(form) => form.read(&text).map(|at| Value::Date(at.date())),
            Self::Datetime(form) => {
                let at = form.read(&text)?.to_zoned(zone.clone()).ok()?;
                Some(Value::Datetime(Timestamp::from_jiff(at.timestamp())))
            }
            Self::Integer => text.replace(',', "").parse().ok().map(Value::Integer),
            Self::Decimal => {
                let bare = text.replace([',', '$'], "");
                Decimal::parse(bare.trim()).map(Value::Decimal)
            }
        }
    }
}

impl NeedType {
    /// The word for people.
    pub fn word(&self) -> &'static str {
        match self {
            Self::String { .. } => "text",
            Self::Integer { .. } => "whole number",
            Self::Decimal { .. } => "decimal number",
            Self::Boolean => "true or false",
            Self::Date => "date",
            Self::Datetime => "instant",
            Self::OneOf(_) => "one of a list of words",
            Self::File { .. } => "file",
            Self::List { .. } => "list",
            Self::Group(_) => "group",
        }
    }
}
