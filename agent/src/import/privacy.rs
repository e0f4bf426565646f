//! What may not be repeated: values that were typed, and texts that look like somebody's data.

use std::sync::LazyLock;

use regex::Regex;
use zeroize::Zeroizing;

/// Values that may not show up again, such as what was typed into a field.
#[derive(Default)]
pub(super) struct Taint {
    values: Vec<Zeroizing<String>>,
    /// Found only as whole words; otherwise anywhere.
    whole_words: bool,
}

impl Taint {
    /// Values that must not be anywhere, not even inside other words.
    pub(super) fn strict() -> Self {
        Self::default()
    }

    /// Values that count as whole words.
    pub(super) fn words() -> Self {
        Self { values: Vec::new(), whole_words: true }
    }

    /// Values of one or two characters are in everything and tell nothing.
    pub(super) fn add(&mut self, value: &str) {
        let value = value.trim().to_lowercase();
        if value.chars().count() >= 3 && !self.values.iter().any(|known| **known == value) {
            self.values.push(Zeroizing::new(value));
        }
    }

    /// Whether the text, also with its `%41` read, holds one of the values.
    pub(super) fn touches(&self, text: &str) -> bool {
        let texts = [text.to_lowercase(), unescaped(text).to_lowercase()];
        self.values.iter().any(|value| texts.iter().any(|text| self.holds(text, value)))
    }

    /// Whether the text holds one of the values, or is how one of them begins: the Recorder cuts long texts.
    pub(super) fn touches_or_begins(&self, text: &str) -> bool {
        let short = text.trim().to_lowercase();
        let begins = |value: &Zeroizing<String>| {
            short.chars().count() >= 2 && value.starts_with(short.as_str())
        };
        self.touches(text) || self.values.iter().any(begins)
    }

    fn holds(&self, text: &str, value: &str) -> bool {
        // three characters are in many words by chance
        let whole = self.whole_words || value.chars().count() == 3;
        text.match_indices(value).any(|(at, found)| {
            let before = text[..at].chars().next_back();
            let after = text[at + found.len()..].chars().next();
            let apart = |c: Option<char>| c.is_none_or(|c| !c.is_alphanumeric());
            !whole || (apart(before) && apart(after))
        })
    }
}

/// A text with its percent escapes and plus signs read, as far as they can be.
pub(super) fn unescaped(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let hex = bytes.get(at + 1..at + 3).and_then(|two| std::str::from_utf8(two).ok());
        let read = hex.and_then(|two| u8::from_str_radix(two, 16).ok());
        match (bytes[at], read) {
            (b'%', Some(byte)) => {
                out.push(byte);
                at += 2;
            }
            (b'+', _) => out.push(b' '),
            (byte, _) => out.push(byte),
        }
        at += 1;
    }
    String::from_utf8_lossy(&out).into_owned()
}

static DATA: LazyLock<Regex> = LazyLock::new(|| {
    let kinds = [
        r"\d{4,}",
        r"\d{1,2}[/.-]\d{1,2}[/.-]\d{2,4}",
        r"\d{3}-\d{2,4}",
        r"\S@\S",
        r"(?i:\b(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.? \d{1,2},? \d{2,4})",
        r"\b[A-Z]\p{L}+, \p{Lu}\p{L}+",
    ];
    Regex::new(&kinds.join("|")).expect("a fixed pattern")
});

/// Whether a text of a page looks like somebody's number, date, address or name rather than a caption.
pub(super) fn looks_like_data(text: &str) -> bool {
    DATA.is_match(text)
}

static GENERATED: LazyLock<Regex> = LazyLock::new(|| {
    let kinds = [
        r"\d{3,}",
        r"(?i:[0-9a-f]{8})",
        r"^(ember|react|mui|radix|:r|jss\d|sc-|css-|ctl\d)",
        // a random part amid others, with digits inside letters or letters inside digits
        r"(?:^|[-_:])(?:[A-Za-z]+\d+[A-Za-z]+[A-Za-z0-9]*|\d+[A-Za-z]+\d+[A-Za-z0-9]*)(?:$|[-_:])",
    ];
    Regex::new(&kinds.join("|")).expect("a fixed pattern")
});

/// Whether an id, class or part of an address was made by a program and will be another one next time.
pub(super) fn looks_generated(name: &str) -> bool {
    GENERATED.is_match(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn typed_values_are_found_again() {
        let mut taint = Taint::strict();
        taint.add("Quill-Basin-77");
        taint.add("ab");
        for text in ["x quill-basin-77!", "?p=Quill%2DBasin-77", "aQuill-Basin-77b"] {
            assert!(taint.touches(text), "{text}");
        }
        assert!(!taint.touches("ab"), "two characters tell nothing");
        assert!(taint.touches_or_begins("Quill-B"));
        assert!(!taint.touches_or_begins("Basin"));
        let mut words = Taint::words();
        words.add("Oak");
        assert!(words.touches("Mr. OAK") && !words.touches("Oakland"));
    }

    #[test]
    fn data_is_told_from_captions() {
        for text in [
            "MBR0012345",
            "01/02/1960",
            "Maple, Ada",
            "ada@example.test",
            "555-0100",
            "Jan 2, 1960",
        ] {
            assert!(looks_like_data(text), "{text}");
        }
        for text in ["Member ID", "Find member", "Step 2 of 5", "Save, then continue", "CMS-150"] {
            assert!(!looks_like_data(text), "{text}");
        }
    }

    #[test]
    fn generated_ids_are_told_from_given_ones() {
        for name in [
            "ember412",
            "radix-:r3:",
            ":r1:",
            "mui-27",
            "row_20931",
            "a3f9c2d1",
            "ctl00_k7Qx2_txtMember",
            "css-1x2y3z",
            "field-9b2c1",
        ] {
            assert!(looks_generated(name), "{name}");
        }
        for name in ["memberId", "search-form", "step2", "txtMember", "icd10", "line_1_code"] {
            assert!(!looks_generated(name), "{name}");
        }
    }
}
