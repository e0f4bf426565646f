//! How texts and addresses of pages are compared; pure, shared by the engine and the checks.

use unicode_normalization::UnicodeNormalization;

use super::ast::{Pattern, UrlGlob};

/// What kind of text is compared: names and labels lose their trailing marks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TextKind {
    /// Text of the page, cells, options.
    Plain,
    /// Accessible names and labels: a trailing `:`, `*`, `(required)`, `(optional)` is cut off.
    Label,
}

/// A [`TextMatch`](super::ast::TextMatch) whose templates are evaluated.
#[derive(Clone)]
pub enum Wanted {
    /// Equal after normalising.
    Equals(String),
    /// Equal letter by letter; only white space is normalised.
    Exact(String),
    /// Contained after normalising.
    Contains(String),
    /// Found in the space-normalised text.
    Pattern(Pattern),
}

/// Wanted texts may be patient data, so they are not shown.
impl std::fmt::Debug for Wanted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Equals(_) => f.write_str("Equals(••••)"),
            Self::Exact(_) => f.write_str("Exact(••••)"),
            Self::Contains(_) => f.write_str("Contains(••••)"),
            Self::Pattern(pattern) => write!(f, "{pattern:?}"),
        }
    }
}

impl Wanted {
    /// Whether a shown text is the wanted one.
    pub fn matches(&self, shown: &str, kind: TextKind) -> bool {
        let fold = |text: &str| match kind {
            TextKind::Plain => normalise(text),
            TextKind::Label => normalise_label(text),
        };
        match self {
            Self::Equals(wanted) => fold(shown) == fold(wanted),
            Self::Exact(wanted) => spaced(shown) == spaced(wanted),
            Self::Contains(wanted) => normalise(shown).contains(&normalise(wanted)),
            Self::Pattern(pattern) => pattern.regex.is_match(&spaced(shown)),
        }
    }
}

/// NFKC, zero-width characters and soft hyphens dropped, white space to single spaces, trimmed,
/// case folded.
pub fn normalise(text: &str) -> String {
    let wide: String = text.nfkc().collect();
    // upper case first, so that ß and ss become the same
    spaced(&wide).to_uppercase().to_lowercase()
}

/// [`normalise`], and without a trailing `:`, `*`, `(required)` or `(optional)`.
pub fn normalise_label(text: &str) -> String {
    let mut label = normalise(text);
    loop {
        let cut = [":", "*", "(required)", "(optional)"]
            .iter()
            .find_map(|mark| label.strip_suffix(mark))
            .map(|rest| rest.trim_end().to_owned());
        match cut {
            // a label that is nothing but a mark stays as it is
            Some(rest) if !rest.is_empty() => label = rest,
            _ => return label,
        }
    }
}

/// White space (also NBSP) to single spaces, zero-width characters dropped, trimmed; case kept.
pub fn spaced(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut gap = false;
    for c in text.chars().filter(|c| !is_zero_width(*c)) {
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

fn is_zero_width(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}')
        || matches!(c, '\u{2060}'..='\u{2064}' | '\u{feff}' | '\u{180e}')
}

impl UrlGlob {
    /// Whether an address, `https://host/path?query#…`, fits.
    pub fn matches(&self, address: &str) -> bool {
        let rest = address.split_once("://").map_or(address, |(_, rest)| rest);
        let rest = rest.split('#').next().unwrap_or_default();
        let at = rest.find(['/', '?']).unwrap_or(rest.len());
        let (host, tail) = rest.split_at(at);
        let tail = if tail.starts_with('/') { tail.to_owned() } else { format!("/{tail}") };
        let path = tail.split('?').next().unwrap_or_default();
        let (wanted_host, wanted) = match self.source.find('/') {
            Some(0) => (None, self.source.as_str()),
            Some(at) => (Some(&self.source[..at]), &self.source[at..]),
            None => (Some(self.source.as_str()), "/**"),
        };
        if wanted_host.is_some_and(|wanted| !fits(wanted, &host.to_ascii_lowercase())) {
            return false;
        }
        fits(wanted, &tail) || (!wanted.contains('?') && fits(wanted, path))
    }
}

/// Glob: `*` anything but `/`, `**` anything.
fn fits(glob: &str, text: &str) -> bool {
    let glob: Vec<char> = glob.chars().collect();
    let text: Vec<char> = text.chars().collect();
    // reachable[j]: the glob read so far can have consumed j characters
    let mut reachable = vec![false; text.len() + 1];
    reachable[0] = true;
    let mut at = 0;
    while at < glob.len() {
        let mut next = vec![false; text.len() + 1];
        if glob[at] == '*' {
            let across = glob.get(at + 1) == Some(&'*');
            at += if across { 2 } else { 1 };
            let mut open = false;
            for j in 0..=text.len() {
                open |= reachable[j];
                next[j] = open;
                if j < text.len() && text[j] == '/' && !across {
                    open = false;
                }
            }
        } else {
            for j in 0..text.len() {
                next[j + 1] = reachable[j] && text[j] == glob[at];
            }
            at += 1;
        }
        reachable = next;
    }
    reachable[text.len()]
}
