//! The parts every resource is made of.

use serde_json::{Map, Number, Value};

use super::{
    element::element,
    fault::{Code, Fault, Path},
    name::system,
};

element! {
    /// What is said about a resource.
    Meta {
        /// Profiles it claims.
        "profile" => profile: Vec<String>,
    }
}

impl Meta {
    /// One profile.
    #[must_use]
    pub fn of(profile: &str) -> Self {
        Self { profile: vec![profile.to_owned()], rest: Map::new() }
    }
}

element! {
    /// A code of a system.
    Coding {
        /// The system.
        "system" => system: Option<String>,
        /// The code.
        "code" => code: Option<String>,
        /// What the sender calls it.
        "display" => display: Option<String>,
    }
}

element! {
    /// A concept: codes, or a text.
    Concept {
        /// Codes that say the same.
        "coding" => coding: Vec<Coding>,
        /// In words.
        "text" => text: Option<String>,
    }
}

impl Concept {
    /// One code of one system.
    #[must_use]
    pub fn of(system: &str, code: &str) -> Self {
        let coding = Coding {
            system: Some(system.to_owned()),
            code: Some(code.to_owned()),
            ..Coding::default()
        };
        Self { coding: vec![coding], ..Self::default() }
    }

    /// The code of this system. Systems are published with `http` and with `https`: both are taken.
    #[must_use]
    pub fn code_of(&self, system: &str) -> Option<&str> {
        let coding = self.coding.iter().find(|c| {
            c.system.as_deref().is_some_and(|s| without_scheme(s) == without_scheme(system))
        });
        coding.and_then(|c| c.code.as_deref())
    }

    /// The first code that has one, whatever its system.
    #[must_use]
    pub fn any_code(&self) -> Option<&str> {
        self.coding.iter().find_map(|c| c.code.as_deref())
    }
}

fn without_scheme(address: &str) -> &str {
    address.split_once("://").map_or(address, |(_, rest)| rest)
}

element! {
    /// An identifier of a system.
    Identifier {
        /// What kind of identifier.
        "type" => kind: Option<Concept>,
        /// The system.
        "system" => system: Option<String>,
        /// The value.
        "value" => value: Option<String>,
    }
}

impl Identifier {
    /// A value of a system.
    #[must_use]
    pub fn of(system: &str, value: &str) -> Self {
        Self {
            kind: None,
            system: Some(system.to_owned()),
            value: Some(value.to_owned()),
            rest: Map::new(),
        }
    }

    /// With a kind of HL7's table 0203 (`MB` is a member number).
    #[must_use]
    pub fn of_kind(mut self, code: &str) -> Self {
        self.kind = Some(Concept::of(system::IDENTIFIER_TYPE, code));
        self
    }

    /// Whether it is of a kind of HL7's table 0203.
    #[must_use]
    pub fn is_kind(&self, code: &str) -> bool {
        self.kind.as_ref().and_then(|k| k.code_of(system::IDENTIFIER_TYPE)) == Some(code)
    }
}

element! {
    /// A reference to a resource.
    Reference {
        /// Its address.
        "reference" => reference: Option<String>,
        /// Its identifier, where it has no address.
        "identifier" => identifier: Option<Identifier>,
    }
}

impl Reference {
    /// To an address.
    #[must_use]
    pub fn to(address: impl Into<String>) -> Self {
        Self { reference: Some(address.into()), ..Self::default() }
    }
}

element! {
    /// From a day to a day.
    Period {
        /// First.
        "start" => start: Option<String>,
        /// Last.
        "end" => end: Option<String>,
    }
}

element! {
    /// A measured amount.
    Quantity {
        /// How many; a number as it was written.
        "value" => value: Option<Number>,
        /// Of what, in words.
        "unit" => unit: Option<String>,
        /// The system of `code`.
        "system" => system: Option<String>,
        /// Of what, as a code.
        "code" => code: Option<String>,
    }
}

element! {
    /// A person's name.
    HumanName {
        /// Family name.
        "family" => family: Option<String>,
        /// Given names.
        "given" => given: Vec<String>,
    }
}

element! {
    /// A fact the base format has no place for. Its value is in `rest` under a name that begins with `value`.
    Extension {
        /// Which fact.
        "url" => url: String,
        /// Parts of a fact that has several.
        "extension" => extension: Vec<Extension>,
    }
}

impl Extension {
    /// A fact with a value; `name` is `valueString`, `valueCodeableConcept` and the like.
    #[must_use]
    pub fn of(url: &str, name: &str, value: impl Into<Value>) -> Self {
        let mut rest = Map::new();
        rest.insert(name.to_owned(), value.into());
        Self { url: url.to_owned(), extension: Vec::new(), rest }
    }

    /// A fact with a code.
    #[must_use]
    pub fn coded(url: &str, system: &str, code: &str) -> Self {
        let coded = Concept::of(system, code);
        Self::of(url, "valueCodeableConcept", super::json(&coded))
    }

    /// A fact of several parts.
    #[must_use]
    pub fn parts(url: &str, extension: Vec<Self>) -> Self {
        Self { url: url.to_owned(), extension, rest: Map::new() }
    }

    /// The value as `T`; none where it has another type.
    ///
    /// # Errors
    /// The value has this type's name and another shape.
    pub fn value<T: super::element::Element>(
        &self,
        name: &str,
        at: &Path<'_>,
    ) -> Result<Option<T>, Fault> {
        let value = self.rest.get(name).cloned();
        value.map(|v| T::read(v, &at.field(name))).transpose()
    }

    /// The text in it.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        ["valueString", "valueCode", "valueUri", "valueDate", "valueDateTime"]
            .into_iter()
            .find_map(|name| self.rest.get(name)?.as_str())
    }
}

/// The extension of this address with its place in the list.
#[must_use]
pub fn find<'a>(list: &'a [Extension], url: &str) -> Option<(usize, &'a Extension)> {
    list.iter().enumerate().find(|(_, e)| e.url == url)
}

/// The code in the extension of this address.
///
/// # Errors
/// The extension is there and holds no concept with a code.
pub fn coded(list: &[Extension], url: &str, at: &Path<'_>) -> Result<Option<String>, Fault> {
    let Some((i, found)) = find(list, url) else { return Ok(None) };
    let (all, at) = (at.field("extension"), i);
    let at = all.index(at);
    let concept: Option<Concept> = found.value("valueCodeableConcept", &at)?;
    match concept.as_ref().and_then(Concept::any_code) {
        Some(code) => Ok(Some(code.to_owned())),
        None => Err(Fault::error(Code::Missing, at, "expected a concept with a code")),
    }
}

/// The text in the extension of this address.
#[must_use]
pub fn text(list: &[Extension], url: &str) -> Option<String> {
    find(list, url).and_then(|(_, e)| e.text()).map(str::to_owned)
}

/// Whether a text is a day that the calendar has (`2026-02-28`).
#[must_use]
pub fn is_day(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let [year, month, day] = parts[..] else { return false };
    let digits = |part: &str, n: usize| part.len() == n && part.bytes().all(|b| b.is_ascii_digit());
    if !(digits(year, 4) && digits(month, 2) && digits(day, 2)) {
        return false;
    }
    let (Ok(year), Ok(month), Ok(day)) =
        (year.parse::<u32>(), month.parse::<u32>(), day.parse::<u32>())
    else {
        return false;
    };
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let last = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if leap => 29,
        2 => 28,
        _ => return false,
    };
    year > 0 && (1..=last).contains(&day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_days_of_the_calendar() {
        for good in ["2024-02-29", "2000-02-29", "2026-12-31"] {
            assert!(is_day(good), "{good}");
        }
        for bad in ["2026-02-29", "1900-02-29", "2026-13-01", "2026-1-01", "2026-04-31", "2026", ""]
        {
            assert!(!is_day(bad), "{bad}");
        }
    }

    #[test]
    fn both_spellings_of_a_system_are_one() {
        let concept = Concept::of("http://codesystem.x12.org/005010/306", "A1");
        assert_eq!(concept.code_of(system::REVIEW_ACTION_306), Some("A1"));
        assert_eq!(concept.code_of(system::REJECT_901), None);
    }
}
