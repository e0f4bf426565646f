//! Segments and loops as types: two macros turn a table of elements into a struct, and a list of segments and loops into a
//! struct that reads itself from a chunk and writes itself in the order of the list. What does not belong is kept as a
//! stray at its place, told as a fault, and written back there.

mod shape;

use serde::{Deserialize, Serialize};

use super::{
    chunk::Chunk,
    fault::{Fault, FaultCode},
    out::{COMPONENT, Out, REPETITION},
    segment::Segment,
    value::{ElementSpec, Field, Value},
};

pub(super) use shape::{looped, segment};

/// A segment as a type.
pub trait Part: Default {
    const ID: &'static str;
    const SPEC: &'static [ElementSpec];
    /// From a segment of this identifier.
    fn read(segment: &Segment<'_>, cursor: &mut Cursor<'_>) -> Self;
    /// Writes the segment.
    fn write(&self, out: &mut Out);
    /// Whether it holds nothing, as when it was missing.
    fn is_blank(&self) -> bool;
}

/// A loop as a type.
pub trait Loop: Default {
    const ID: &'static str;
    /// Whether a loop of this kind begins with that segment.
    fn starts(segment: &Segment<'_>) -> bool;
    /// Whether that segment may stand in it, or begins a loop inside it.
    fn takes(segment: &Segment<'_>) -> bool;
    /// Whether the identifier stands anywhere in it.
    fn knows(id: &[u8]) -> bool;
    /// Reads it; the cursor stands on its first segment.
    fn read(cursor: &mut Cursor<'_>, up: Option<&Frame<'_>>) -> Self;
    /// Writes all its segments.
    fn write(&self, out: &mut Out);
}

/// A segment at a place where none like it is expected, kept as it came.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stray {
    /// How many segments of the loop stand before it.
    pub after: u64,
    /// Identifier and elements; U+001F and U+001E stand for the separators of components and repetitions.
    pub elements: Vec<String>,
}

impl Stray {
    /// A segment kept as it came.
    #[must_use]
    pub fn of(segment: &Segment<'_>, after: u64) -> Self {
        let d = segment.delimiters;
        let last = (1..=segment.len()).rev().find(|&n| !segment.raw(n).is_empty()).unwrap_or(0);
        let elements = (0..=last)
            .map(|n| {
                segment
                    .text(n)
                    .chars()
                    .map(|c| match u8::try_from(c) {
                        Ok(b) if b == d.component => COMPONENT,
                        Ok(b) if Some(b) == d.repetition => REPETITION,
                        _ => c,
                    })
                    .collect()
            })
            .collect();
        Self { after, elements }
    }

    /// Writes it with the separators of `out`.
    pub fn write(&self, out: &mut Out) {
        let mut elements = self.elements.iter();
        out.open(elements.next().map_or("", String::as_str));
        elements.for_each(|element| out.put(element));
        out.close();
    }
}

/// The loops around the one being read.
pub struct Frame<'u> {
    pub takes: fn(&Segment<'_>) -> bool,
    pub up: Option<&'u Frame<'u>>,
}

impl Frame<'_> {
    /// Whether a loop around this one takes the segment.
    #[must_use]
    pub fn above(&self, segment: &Segment<'_>) -> bool {
        let mut up = self.up;
        while let Some(frame) = up {
            if (frame.takes)(segment) {
                return true;
            }
            up = frame.up;
        }
        false
    }
}

/// Where a reader of loops stands.
pub struct Cursor<'a> {
    chunk: &'a Chunk,
    index: usize,
    knows: fn(&[u8]) -> bool,
    pub faults: &'a mut Vec<Fault>,
    pub within: &'static str,
}

impl<'a> Cursor<'a> {
    /// At the begin of `chunk`, which holds a loop or set of the type that `knows` is of.
    pub fn new(chunk: &'a Chunk, knows: fn(&[u8]) -> bool, faults: &'a mut Vec<Fault>) -> Self {
        Self { chunk, index: 0, knows, faults, within: "" }
    }

    /// The segment at hand.
    #[must_use]
    pub fn peek(&self) -> Option<Segment<'a>> {
        self.chunk.get(self.index)
    }

    /// How many segments were read.
    #[must_use]
    pub fn index(&self) -> usize {
        self.index
    }

    /// Reads the segment at hand as a part.
    pub fn take<P: Part>(&mut self, segment: &Segment<'_>) -> P {
        self.index += 1;
        P::read(segment, self)
    }

    /// Keeps the segment at hand as a stray of the loop that began at `begin`.
    pub fn stray(&mut self, begin: usize, expected: bool) -> Option<Stray> {
        let segment = self.peek()?;
        let code = if expected {
            FaultCode::SegmentTooOften
        } else if (self.knows)(segment.raw(0)) {
            FaultCode::UnexpectedSegment
        } else {
            FaultCode::UnknownSegment
        };
        let detail = match code {
            FaultCode::SegmentTooOften => "stands here more often than it may",
            FaultCode::UnexpectedSegment => "may not stand here",
            _ => "is no segment of this transaction",
        };
        self.fault(&segment, code, detail);
        let stray = Stray::of(&segment, (self.index - begin) as u64);
        self.index += 1;
        Some(stray)
    }

    /// Says that a segment stands behind one it should stand before.
    pub fn order(&mut self, slot: &mut usize, now: usize, segment: &Segment<'_>) {
        if now < *slot {
            self.fault(segment, FaultCode::OutOfOrder, "should stand earlier in its loop");
        }
        *slot = now.max(*slot);
    }

    /// Says that a segment is missing, at the segment that stands where it should, or at the last one.
    pub fn missing(&mut self, id: &'static str, within: &'static str) {
        let last = self.chunk.len().saturating_sub(1);
        let Some(segment) = self.chunk.get(self.index.min(last)) else { return };
        let mut place = segment.place();
        id.clone_into(&mut place.id);
        place.within = within;
        self.faults.push(Fault::new(
            FaultCode::MissingSegment,
            place,
            format!("{id} is missing in loop {within}"),
        ));
    }

    fn fault(&mut self, segment: &Segment<'_>, code: FaultCode, detail: &str) {
        let mut place = segment.place();
        place.within = self.within;
        self.faults.push(Fault::new(code, place, detail));
    }
}

/// Reads one element of a segment.
pub(super) fn element<V: Value>(
    segment: &Segment<'_>,
    element: usize,
    spec: &'static ElementSpec,
    cursor: &mut Cursor<'_>,
) -> V {
    let bytes = segment.raw(element);
    let within = cursor.within;
    let mut field = Field {
        bytes,
        segment: *segment,
        element,
        repetition: 0,
        component: 0,
        spec,
        within,
        faults: cursor.faults,
    };
    if bytes.is_empty() {
        if spec.must {
            field.fault(FaultCode::MissingElement, format!("{} is missing", spec.name));
        }
        return V::default();
    }
    V::read(&mut field)
}

/// What stands in a segment beyond the elements it has.
pub(super) fn beyond(segment: &Segment<'_>, known: usize, cursor: &mut Cursor<'_>) -> Vec<String> {
    if !segment.is_empty() && segment.raw(segment.len()).is_empty() {
        let mut place = segment.place_of(segment.len());
        place.within = cursor.within;
        cursor.faults.push(Fault::new(
            FaultCode::TrailingSeparator,
            place,
            "separators after the last element that holds anything",
        ));
    }
    let last = (known + 1..=segment.len()).rev().find(|&n| !segment.raw(n).is_empty());
    let Some(last) = last else { return Vec::new() };
    let mut place = segment.place_of(known + 1);
    place.within = cursor.within;
    cursor.faults.push(Fault::new(
        FaultCode::TooManyElements,
        place,
        format!("{} elements, at most {known}", segment.len()),
    ));
    let stray = Stray::of(segment, 0);
    stray.elements.into_iter().take(last + 1).skip(known + 1).collect()
}

/// Writes one element of a segment.
pub(super) fn put<V: Value>(value: &V, spec: &ElementSpec, out: &mut Out) {
    if value.is_blank() {
        out.skip();
    } else {
        out.begin();
        value.write(out, spec.kind == super::value::Kind::Free);
    }
}

/// Writes the strays that stand at this place of a loop.
pub(super) fn strays(strays: &[Stray], next: &mut usize, begin: u64, out: &mut Out) {
    while let Some(stray) = strays.get(*next) {
        if out.count() - begin < stray.after {
            break;
        }
        stray.write(out);
        *next += 1;
    }
}

/// Writes the strays left over at the end of a loop.
pub(super) fn leftover(strays: &[Stray], next: usize, out: &mut Out) {
    strays.get(next..).unwrap_or(&[]).iter().for_each(|stray| stray.write(out));
}

/// Whether a field of a loop holds nothing; such fields are left out of JSON.
pub trait Empty {
    fn empty(&self) -> bool;
}

impl<T> Empty for Vec<T> {
    fn empty(&self) -> bool {
        self.is_empty()
    }
}

impl<T> Empty for Option<T> {
    fn empty(&self) -> bool {
        self.is_none()
    }
}
