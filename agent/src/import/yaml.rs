//! How texts are written in YAML so that every reader reads them alike.

use domain::script::{node::reads_as_other, parse::TO_DO};

/// A text that must match, as the language writes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Matched {
    Equals(String),
    Contains(String),
    /// The source of a pattern that ignores case.
    Pattern(String),
    ToDo,
}

impl Matched {
    pub(super) fn written(&self) -> String {
        match self {
            Self::Equals(text) => scalar(text),
            Self::Contains(text) => format!("{{contains: {}}}", scalar(text)),
            Self::Pattern(source) => single(&format!("/{source}/i")),
            Self::ToDo => TO_DO.to_owned(),
        }
    }

    /// The words a person reads in it.
    pub(super) fn words(&self) -> &str {
        match self {
            Self::Equals(text) | Self::Contains(text) | Self::Pattern(text) => text,
            Self::ToDo => "",
        }
    }
}

/// A text in plain style where that is safe inside `{…}`, else in quotes.
pub(super) fn scalar(text: &str) -> String {
    let inner = |c: char| c.is_ascii_alphanumeric() || " _-/.()".contains(c);
    let plain = text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.ends_with(|c: char| c.is_ascii_alphanumeric() || c == ')' || c == '.')
        && text.chars().all(inner)
        && text != TO_DO
        && reads_as_other(text).is_none();
    if plain {
        text.to_owned()
    } else if text.contains(['"', '\\']) {
        single(text)
    } else {
        format!("\"{text}\"")
    }
}

/// In single quotes, as patterns are written.
pub(super) fn single(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// A name for an element, screen or table from the words of a page; empty when there are none.
pub(super) fn snake(text: &str) -> String {
    let mut name = String::new();
    for c in text.chars() {
        if c.is_ascii_alphanumeric() {
            name.push(c.to_ascii_lowercase());
        } else if !name.is_empty() && !name.ends_with('_') {
            name.push('_');
        }
    }
    let name = match name.get(..32).and_then(|short| short.rfind('_')) {
        Some(end) => &name[..end],
        None => name.get(..32).unwrap_or(&name),
    };
    let name = name.trim_end_matches('_');
    let start = name.find(|c: char| c.is_ascii_lowercase()).unwrap_or(name.len());
    name[start..].to_owned()
}

/// Names that are given once each.
pub(super) struct Names {
    given: Vec<String>,
    gap: char,
}

impl Names {
    /// Names with this between word and number.
    pub(super) fn with(gap: char) -> Self {
        Self { given: Vec::new(), gap }
    }

    /// The wished name, or one like it.
    pub(super) fn give(&mut self, wish: &str, otherwise: &str) -> String {
        let wish = if wish.is_empty() { otherwise } else { wish };
        let gap = self.gap;
        let mut name = wish.to_owned();
        let mut count = 1;
        while self.given.contains(&name) {
            count += 1;
            name = format!("{wish}{gap}{count}");
        }
        self.given.push(name.clone());
        name
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_quoted_where_readers_differ() {
        for (text, written) in [
            ("Find member", "Find member"),
            ("Member ID (required)", "Member ID (required)"),
            ("no", "\"no\""),
            ("Save, continue", "\"Save, continue\""),
            ("#memberId", "\"#memberId\""),
            ("input[name=\"q\"]", "'input[name=\"q\"]'"),
            ("it's \"so\"", "'it''s \"so\"'"),
            ("Ref #", "\"Ref #\""),
            ("12:30", "\"12:30\""),
            ("TODO", "\"TODO\""),
            ("${member.id}", "\"${member.id}\""),
            ("", "\"\""),
        ] {
            assert_eq!(scalar(text), written, "{text}");
        }
    }

    #[test]
    fn names_are_small_and_given_once() {
        assert_eq!(snake("Diagnosis (ICD-10) *"), "diagnosis_icd_10");
        assert_eq!(snake("2nd line"), "nd_line");
        assert_eq!(snake("名前"), "");
        assert_eq!(
            snake("I certify that the information is accurate"),
            "i_certify_that_the_information"
        );
        let mut names = Names::with('_');
        assert_eq!(names.give("next", "x"), "next");
        assert_eq!(names.give("next", "x"), "next_2");
        assert_eq!(names.give("", "element"), "element");
        let mut names = Names::with('-');
        assert_eq!(names.give("next", "x"), "next");
        assert_eq!(names.give("next", "x"), "next-2");
    }
}
