//! How texts and names are compared (scripts.md §4): normalising, and the three ways to match.

use super::error::Error;
use regex::Regex;
use unicode_normalization::UnicodeNormalization;

/// One wanted text.
#[derive(Debug, Clone)]
pub enum Text {
    /// Equal after normalising.
    Equals(String),
    /// Equal letter by letter; only white space is normalised.
    Exact(String),
    /// Contained after normalising.
    Contains(String),
    /// Found in the space-normalised text, case kept.
    Matches(Regex),
}

impl Text {
    /// A text that must be equal after normalising.
    pub fn equals(text: impl Into<String>) -> Self {
        Self::Equals(text.into())
    }

    /// A text that must be contained after normalising.
    pub fn contains(text: impl Into<String>) -> Self {
        Self::Contains(text.into())
    }

    /// A pattern in the syntax of the `regex` crate, with a size limit.
    pub fn matches(pattern: &str, ignore_case: bool) -> Result<Self, Error> {
        regex::RegexBuilder::new(pattern)
            .case_insensitive(ignore_case)
            .size_limit(1 << 20)
            .build()
            .map(Self::Matches)
            .map_err(|_| Error::BadQuery(pattern.chars().take(80).collect()))
    }

    /// Compares a text of the page. Trailing marks are kept.
    #[must_use]
    pub fn accepts(&self, found: &str) -> bool {
        match self {
            Self::Equals(want) => fold(found) == fold(want),
            Self::Exact(want) => spaces(found) == spaces(want),
            Self::Contains(want) => fold(found).contains(&fold(want)),
            Self::Matches(re) => re.is_match(&spaces(found)),
        }
    }

    /// Compares a name or label: trailing `:`, `*`, `(required)`, `(optional)` do not count.
    #[must_use]
    pub fn accepts_name(&self, found: &str) -> bool {
        match self {
            Self::Equals(want) => fold_name(found) == fold_name(want),
            Self::Exact(want) => spaces(found) == spaces(want),
            Self::Contains(want) => fold_name(found).contains(&fold_name(want)),
            Self::Matches(re) => re.is_match(&spaces(found)),
        }
    }
}

/// Space-normalised text: NFKC, zero-width and soft hyphens dropped, white space collapsed, trimmed.
#[must_use]
pub fn spaces(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut gap = false;
    for c in text.nfkc() {
        if is_invisible(c) {
            continue;
        }
        if c.is_whitespace() {
            gap = true;
            continue;
        }
        if gap && !out.is_empty() {
            out.push(' ');
        }
        gap = false;
        out.push(c);
    }
    out
}

/// Space-normalised and case-folded.
#[must_use]
pub fn fold(text: &str) -> String {
    // Lower-casing the upper-cased text folds ß/ẞ/SS and final sigma alike.
    spaces(text).to_uppercase().to_lowercase()
}

/// As [`fold`], with the trailing marks of names and labels cut off.
#[must_use]
pub fn fold_name(text: &str) -> String {
    let folded = fold(text);
    let mut rest = folded.as_str();
    loop {
        let before = rest.len();
        for mark in [":", "*", "(required)", "(optional)"] {
            rest = rest.strip_suffix(mark).unwrap_or(rest).trim_end();
        }
        if rest.len() == before {
            return rest.to_owned();
        }
    }
}

fn is_invisible(c: char) -> bool {
    matches!(c, '\u{200B}'..='\u{200F}' | '\u{2060}' | '\u{FEFF}' | '\u{00AD}' | '\u{202A}'..='\u{202E}')
}

/// Matches a glob (`*` any run, `?` one character) against a whole text.
#[must_use]
pub fn glob(pattern: &str, text: &str) -> bool {
    let (p, t): (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());
    let (mut pi, mut ti, mut star, mut mark) = (0, 0, None, 0);
    while ti < t.len() {
        if pi < p.len() && (p[pi] == '?' || (p[pi] != '*' && p[pi] == t[ti])) {
            pi += 1;
            ti += 1;
        } else if pi < p.len() && p[pi] == '*' {
            star = Some(pi);
            mark = ti;
            pi += 1;
        } else if let Some(s) = star {
            pi = s + 1;
            mark += 1;
            ti = mark;
        } else {
            return false;
        }
    }
    p[pi..].iter().all(|c| *c == '*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lose_their_marks_and_their_case() {
        let want = Text::equals("Member ID");
        for found in
            ["Member\u{a0}ID:", " member id * ", "MEMBER\u{200b} ID (required)", "Member ID*:"]
        {
            assert!(want.accepts_name(found), "{found:?}");
        }
        assert!(!want.accepts_name("Member ID 2"));
        assert!(!want.accepts("Member ID:"), "texts keep their marks");
    }

    #[test]
    fn patterns_see_single_spaces_and_keep_case() {
        let re = Text::matches(r"^Ref #\d{3}$", false).expect("valid");
        assert!(re.accepts("Ref \n\t #123"));
        assert!(!re.accepts("REF #123"));
        assert!(Text::matches("(", false).is_err());
    }

    #[test]
    fn globs() {
        assert!(glob("https://a.test/*/submit*", "https://a.test/x/submit?y=1"));
        assert!(!glob("https://a.test/*/submit", "https://a.test/x/submit?y=1"));
        assert!(glob("*", ""));
        assert!(!glob("a?", "a"));
    }
}
