//! One value of the input used while recording, and the texts it can have been typed as.

use std::collections::BTreeSet;

use jiff::civil::Date;
use zeroize::Zeroizing;

/// Ways portals write dates: ours, and the formatter's.
const DATES: [(&str, &str); 9] = [
    ("MM/dd/yyyy", "%m/%d/%Y"),
    ("M/d/yyyy", "%-m/%-d/%Y"),
    ("yyyy-MM-dd", "%Y-%m-%d"),
    ("MM-dd-yyyy", "%m-%d-%Y"),
    ("MM/dd/yy", "%m/%d/%y"),
    ("MMddyyyy", "%m%d%Y"),
    ("yyyyMMdd", "%Y%m%d"),
    ("dd/MM/yyyy", "%d/%m/%Y"),
    ("MM.dd.yyyy", "%m.%d.%Y"),
];
/// Words of captions that mean a field of another name.
const SYNONYMS: [(&str, &[&str]); 6] = [
    ("dob", &["birth"]),
    ("id", &["number", "no"]),
    ("code", &["cpt", "procedure", "hcpcs", "service"]),
    ("diagnoses", &["diagnosis", "icd"]),
    ("from", &["start", "begin"]),
    ("to", &["end", "through"]),
];
/// Parts of field names that make a text somebody's data even without a digit in it.
const PERSONAL: [&str; 10] =
    ["name", "first", "last", "given", "family", "street", "address", "city", "mail", "birth"];

/// One value with its place.
pub(super) struct Leaf {
    pub(super) names: Vec<String>,
    /// Where it is in a list.
    pub(super) item: Option<Item>,
    pub(super) kind: Kind,
    pub(super) text: Zeroizing<String>,
}

/// An item of a list: how many names lead to the list, which item, of how many.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Item {
    pub(super) at: usize,
    pub(super) index: usize,
    pub(super) count: usize,
}

/// What the value is, as far as JSON tells.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    Date,
    Datetime,
    Integer,
    Decimal,
    Boolean,
}

impl Leaf {
    /// The texts this value can be typed as, each with its filter; the plain one first.
    pub(super) fn ways(&self) -> Vec<(Zeroizing<String>, String)> {
        let text = self.text.as_str();
        let mut ways: Vec<(Zeroizing<String>, String)> = Vec::new();
        let mut add = |text: String, filter: &str| {
            if !text.is_empty() && !ways.iter().any(|(known, _)| known.as_str() == text) {
                ways.push((Zeroizing::new(text), filter.to_owned()));
            }
        };
        match self.kind {
            Kind::Date => {
                if let Ok(date) = text.parse::<Date>() {
                    for (ours, theirs) in DATES {
                        add(date.strftime(theirs).to_string(), &format!("date('{ours}')"));
                    }
                }
            }
            Kind::Boolean => {
                let yes = text == "true";
                for (on, off) in [("Yes", "No"), ("Y", "N"), ("YES", "NO"), ("yes", "no")] {
                    let shown = if yes { on } else { off };
                    add(shown.to_owned(), &format!("yes_no('{on}', '{off}')"));
                }
            }
            Kind::Decimal => {
                add(text.to_owned(), "");
                if let Ok(number) = text.parse::<f64>() {
                    add(format!("{number:.2}"), "number(2)");
                }
            }
            Kind::Integer | Kind::Datetime => add(text.to_owned(), ""),
            Kind::Text => {
                add(text.to_owned(), "");
                add(text.chars().filter(char::is_ascii_digit).collect(), "digits");
                add(text.chars().filter(|c| c.is_alphanumeric()).collect(), "alnum");
                add(text.to_uppercase(), "upper");
                add(text.to_lowercase(), "lower");
                add(text.trim().to_owned(), "trim");
            }
        }
        ways
    }

    /// How much of a caption speaks of this field.
    pub(super) fn score(&self, caption: &str) -> usize {
        let caption: BTreeSet<&str> = caption.split([' ', '_']).collect();
        let parts = self.names.iter().flat_map(|name| name.split('_'));
        let named = |part: &str| {
            let also = SYNONYMS.iter().find(|(word, _)| *word == part).map_or(&[][..], |(_, a)| *a);
            caption.contains(part)
                || caption.contains(part.strip_suffix('s').unwrap_or(part))
                || also.iter().any(|word| caption.contains(word))
        };
        parts.filter(|part| named(part)).count()
    }

    /// Whether it is somebody's data, which may not stand in a text of a page.
    pub(super) fn is_personal(&self) -> bool {
        let digits = self.text.chars().filter(char::is_ascii_digit).count();
        let text = self.kind == Kind::Text || self.kind == Kind::Date;
        (digits >= 3)
            || (text
                && self.names.iter().any(|name| PERSONAL.iter().any(|part| name.contains(part))))
    }
}

/// Where a text stands as whole words in another.
pub(super) fn whole_word(text: &str, wanted: &str) -> Option<usize> {
    text.match_indices(wanted).map(|(at, _)| at).find(|at| {
        let before = text[..*at].chars().next_back();
        let after = text[at + wanted.len()..].chars().next();
        let apart = |c: Option<char>| c.is_none_or(|c| !c.is_alphanumeric());
        apart(before) && apart(after)
    })
}

/// Whether the language can name a field so; `type` would make a group read as a detailed type.
pub(super) fn is_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
        && name.len() <= 64
        && !["type", "captured", "commit", "today", "now"].contains(&name)
}
