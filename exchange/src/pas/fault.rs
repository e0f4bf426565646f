//! Faults with their place: a path such as `Bundle.entry[0].resource.item[2].quantity`. A fault never repeats a value, since it
//! may be a patient's.

use std::fmt;

/// How bad a fault is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Can be read and worked with.
    Warning,
    /// Cannot be worked with.
    Error,
}

/// What is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Code {
    /// The bytes are not JSON (cut off, not UTF-8, nested too deep).
    NotJson,
    /// A field that must be there is absent.
    Missing,
    /// A value has another JSON type than the format says.
    Shape,
    /// A value has the right type and is not one of those allowed here.
    Value,
    /// A resource of another type stands here.
    Kind,
    /// Two things have the number or address of one.
    Doubled,
    /// A reference leads nowhere in this bundle.
    Dangling,
    /// A code this crate does not know; it is kept.
    Unmapped,
    /// Two statements do not fit each other.
    Contradiction,
    /// A modifier extension that changes the meaning and is not understood.
    Modifier,
}

impl Code {
    /// The word of this code in documents and replies.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::NotJson => "not_json",
            Self::Missing => "missing",
            Self::Shape => "shape",
            Self::Value => "value",
            Self::Kind => "kind",
            Self::Doubled => "doubled",
            Self::Dangling => "dangling",
            Self::Unmapped => "unmapped",
            Self::Contradiction => "contradiction",
            Self::Modifier => "modifier",
        }
    }

    /// The code of FHIR's issue types that says the same.
    #[must_use]
    pub fn issue_type(self) -> &'static str {
        match self {
            Self::NotJson | Self::Shape | Self::Kind => "structure",
            Self::Missing => "required",
            Self::Value => "value",
            Self::Doubled => "duplicate",
            Self::Dangling => "not-found",
            Self::Unmapped => "code-invalid",
            Self::Contradiction => "business-rule",
            Self::Modifier => "extension",
        }
    }
}

/// A fault, its place, and one sentence.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{path}: {detail}")]
pub struct Fault {
    /// What is wrong.
    pub code: Code,
    /// How bad it is.
    pub severity: Severity,
    /// Where, from the resource that was read.
    pub path: String,
    /// What was expected; never the value that was found.
    pub detail: &'static str,
}

impl Fault {
    /// An error at a place.
    #[must_use]
    pub fn error(code: Code, path: impl fmt::Display, detail: &'static str) -> Self {
        Self { code, severity: Severity::Error, path: path.to_string(), detail }
    }

    /// A warning at a place.
    #[must_use]
    pub fn warning(code: Code, path: impl fmt::Display, detail: &'static str) -> Self {
        Self { code, severity: Severity::Warning, path: path.to_string(), detail }
    }
}

/// Whether there is an error among the faults.
#[must_use]
pub fn fatal(faults: &[Fault]) -> bool {
    faults.iter().any(|fault| fault.severity == Severity::Error)
}

/// A place while reading: a chain that costs nothing until a fault is written down.
#[derive(Debug, Clone, Copy)]
pub struct Path<'a> {
    before: Option<&'a Path<'a>>,
    step: Step<'a>,
}

#[derive(Debug, Clone, Copy)]
enum Step<'a> {
    Name(&'a str),
    Index(usize),
}

impl<'a> Path<'a> {
    /// The beginning: the name of what is read.
    #[must_use]
    pub fn root(name: &'a str) -> Self {
        Self { before: None, step: Step::Name(name) }
    }

    /// A field below.
    #[must_use]
    pub fn field(&'a self, name: &'a str) -> Self {
        Self { before: Some(self), step: Step::Name(name) }
    }

    /// An item of a list.
    #[must_use]
    pub fn index(&'a self, at: usize) -> Self {
        Self { before: Some(self), step: Step::Index(at) }
    }
}

impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(before) = self.before {
            fmt::Display::fmt(before, f)?;
            if matches!(self.step, Step::Name(_)) {
                f.write_str(".")?;
            }
        }
        match self.step {
            Step::Name(name) => f.write_str(name),
            Step::Index(at) => write!(f, "[{at}]"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_written_as_fhir_people_write_it() {
        let root = Path::root("Bundle");
        let entry = root.field("entry");
        let first = entry.index(0);
        assert_eq!(first.field("resource").to_string(), "Bundle.entry[0].resource");
    }
}
