//! The separators of an interchange, read from its ISA: never assumed.

use serde::{Deserialize, Serialize};

/// What parts elements, repetitions, components and segments.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Delimiters {
    pub element: u8,
    /// None in versions before 00402, where ISA11 is the letter U.
    pub repetition: Option<u8>,
    pub component: u8,
    pub terminator: u8,
}

/// Separators that cannot be told apart from data or from each other.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "separators are four different ASCII characters, none a letter, digit or blank: element, repetition (U for none), component, terminator"
)]
pub struct BadDelimiters;

impl Default for Delimiters {
    fn default() -> Self {
        Self { element: b'*', repetition: Some(b'^'), component: b':', terminator: b'~' }
    }
}

impl Delimiters {
    /// Separators that differ from each other and from letters, digits and the blank.
    ///
    /// # Errors
    /// When they do not.
    pub fn new(
        element: u8,
        repetition: u8,
        component: u8,
        terminator: u8,
    ) -> Result<Self, BadDelimiters> {
        let repetition = (!repetition.is_ascii_alphanumeric()).then_some(repetition);
        let mut all = vec![element, component, terminator];
        all.extend(repetition);
        let usable = |b: &u8| b.is_ascii() && !b.is_ascii_alphanumeric() && *b != b' ' && *b != 0;
        let distinct = all.iter().enumerate().all(|(i, b)| !all[..i].contains(b));
        // A blank as the repetition separator is common in files whose writer knows none.
        if repetition == Some(b' ') {
            return Self::new(element, b'U', component, terminator);
        }
        if all.iter().all(usable) && distinct {
            Ok(Self { element, repetition, component, terminator })
        } else {
            Err(BadDelimiters)
        }
    }

    /// Whether `byte` is one of them.
    #[must_use]
    pub fn holds(&self, byte: u8) -> bool {
        byte == self.element
            || byte == self.component
            || byte == self.terminator
            || Some(byte) == self.repetition
    }
}

impl From<Delimiters> for String {
    fn from(d: Delimiters) -> Self {
        [d.element, d.repetition.unwrap_or(b'U'), d.component, d.terminator]
            .map(char::from)
            .iter()
            .collect()
    }
}

impl TryFrom<String> for Delimiters {
    type Error = BadDelimiters;

    fn try_from(text: String) -> Result<Self, BadDelimiters> {
        match text.as_bytes() {
            [e, r, c, t] => Self::new(*e, *r, *c, *t),
            _ => Err(BadDelimiters),
        }
    }
}

/// Where the sixteen separators of an ISA of the right widths stand.
const SEPARATORS: [usize; 16] = [3, 6, 17, 20, 31, 34, 50, 53, 69, 76, 81, 83, 89, 99, 101, 103];
/// Bytes of an ISA without its terminator.
pub(super) const ISA_WIDTH: usize = 105;
/// How many bytes may be needed to read an ISA whose elements are not padded to their widths, with line ends in it.
pub(super) const ISA_REACH: usize = 512;

/// An ISA as found in the bytes.
#[derive(Debug)]
pub(super) struct Header {
    pub delimiters: Delimiters,
    /// The segment without terminator and without line ends.
    pub text: Vec<u8>,
    /// Bytes it takes, with the terminator.
    pub length: usize,
    /// Whether every element has its width.
    pub wide: bool,
    /// Whether line ends were left out.
    pub broken: bool,
}

/// Reads an ISA at the begin of `bytes`.
pub(super) fn header(bytes: &[u8]) -> Result<Header, &'static str> {
    if !bytes.starts_with(b"ISA") || bytes.len() < 4 {
        return Err("no ISA here");
    }
    fixed(bytes).or_else(|_| split(bytes))
}

/// An ISA whose elements have their widths.
fn fixed(bytes: &[u8]) -> Result<Header, &'static str> {
    let mut text = Vec::with_capacity(ISA_WIDTH);
    let mut length = 0;
    let mut broken = false;
    for &byte in bytes {
        if text.len() == ISA_WIDTH {
            break;
        }
        length += 1;
        if matches!(byte, b'\r' | b'\n') {
            broken = true;
        } else {
            text.push(byte);
        }
    }
    if text.len() < ISA_WIDTH || SEPARATORS.iter().any(|&at| text[at] != text[3]) {
        return Err("the elements of the ISA do not have their widths");
    }
    let terminator = *bytes.get(length).ok_or("the input ends in the ISA")?;
    let delimiters = Delimiters::new(text[3], text[82], text[104], terminator)
        .map_err(|_| "the separators of the ISA cannot be told apart")?;
    Ok(Header { delimiters, text, length: length + 1, wide: true, broken })
}

/// An ISA whose elements were not padded: its separators are found by counting.
fn split(bytes: &[u8]) -> Result<Header, &'static str> {
    let separator = bytes[3];
    let mut seen = 0;
    let mut repetition = b'U';
    for (i, &byte) in bytes.iter().enumerate().take(ISA_REACH) {
        if byte != separator {
            continue;
        }
        seen += 1;
        if seen == 11 {
            repetition = *bytes.get(i + 1).ok_or("the input ends in the ISA")?;
        }
        if seen == 16 {
            let (Some(&component), Some(&terminator)) = (bytes.get(i + 1), bytes.get(i + 2)) else {
                return Err("the input ends in the ISA");
            };
            let delimiters = Delimiters::new(separator, repetition, component, terminator)
                .map_err(|_| "the separators of the ISA cannot be told apart")?;
            let raw = &bytes[..i + 2];
            let text: Vec<u8> =
                raw.iter().copied().filter(|b| !matches!(b, b'\r' | b'\n')).collect();
            let broken = text.len() < raw.len();
            return Ok(Header { delimiters, text, length: i + 3, wide: false, broken });
        }
    }
    Err("the ISA has fewer than sixteen elements")
}
