//! One segment as it stands in the bytes: nothing copied, elements found by offsets.

use std::borrow::Cow;

use super::{
    delimiters::Delimiters,
    fault::{Place, Position},
};

/// A segment, borrowed from the reader's buffer.
#[derive(Clone, Copy, Debug)]
pub struct Segment<'a> {
    pub(super) bytes: &'a [u8],
    /// Ends of the identifier and of each element, counted from the begin of `bytes`.
    pub(super) ends: &'a [u32],
    pub delimiters: Delimiters,
    pub at: Position,
}

impl<'a> Segment<'a> {
    /// The bytes between the terminators.
    #[must_use]
    pub fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// The identifier, `NM1` say; empty when it is not text.
    #[must_use]
    pub fn id(&self) -> &'a str {
        std::str::from_utf8(self.raw(0)).unwrap_or("")
    }

    /// Whether this is a segment of that identifier.
    #[must_use]
    pub fn is(&self, id: &str) -> bool {
        self.raw(0) == id.as_bytes()
    }

    /// How many elements follow the identifier.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ends.len().saturating_sub(1)
    }

    /// Whether nothing follows the identifier.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The bytes of an element, from 1; 0 is the identifier. Empty when there is none.
    #[must_use]
    pub fn raw(&self, element: usize) -> &'a [u8] {
        let Some(&end) = self.ends.get(element) else { return &[] };
        let start = if element == 0 { 0 } else { self.ends[element - 1] as usize + 1 };
        self.bytes.get(start..end as usize).unwrap_or(&[])
    }

    /// The text of an element, from 1. What is not UTF-8 becomes U+FFFD.
    #[must_use]
    pub fn text(&self, element: usize) -> Cow<'a, str> {
        String::from_utf8_lossy(self.raw(element))
    }

    /// The bytes of each repetition of an element.
    pub fn repetitions(&self, element: usize) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        let separator = self.delimiters.repetition;
        self.raw(element).split(move |&b| Some(b) == separator)
    }

    /// The text of one component, from 1, of the first repetition of an element, from 1.
    #[must_use]
    pub fn component(&self, element: usize, component: usize) -> Cow<'a, str> {
        let first = self.repetitions(element).next().unwrap_or(&[]);
        let mut parts = first.split(|&b| b == self.delimiters.component);
        String::from_utf8_lossy(parts.nth(component.saturating_sub(1)).unwrap_or(&[]))
    }

    /// The place of the whole segment.
    #[must_use]
    pub fn place(&self) -> Place {
        let id = self.id();
        let plain = id.len() <= 3 && id.bytes().all(|b| b.is_ascii_alphanumeric());
        Place::of(self.at, if plain { id } else { "" })
    }

    /// The place of one element, from 1.
    #[must_use]
    pub fn place_of(&self, element: usize) -> Place {
        let mut place = self.place();
        place.element = u32::try_from(element).unwrap_or(u32::MAX);
        let before = match element.checked_sub(1).and_then(|i| self.ends.get(i)) {
            Some(&end) if element < self.ends.len() => end as usize + 1,
            _ => self.bytes.len(),
        };
        place.at.offset += before as u64;
        place
    }
}

/// Finds the elements of `bytes` and writes their ends into `ends`.
pub(super) fn index(bytes: &[u8], element: u8, ends: &mut Vec<u32>) {
    ends.clear();
    for (i, &byte) in bytes.iter().enumerate() {
        if byte == element {
            ends.push(i as u32);
        }
    }
    ends.push(bytes.len() as u32);
}
