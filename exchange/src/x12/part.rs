//! Segments and loops as types: two macros turn a table of elements into a struct, and a list of segments and loops into a
//! struct that reads itself from a chunk and writes itself in the order of the list. What does not belong is kept as a
//! stray at its place, told as a fault, and written back there.

use serde::{Deserialize, Serialize};

use super::{
    chunk::Chunk,
    fault::{Fault, FaultCode},
    out::{COMPONENT, Out, REPETITION},
    segment::Segment,
    value::{ElementSpec, Field, Value},
};

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

/// A segment as a struct: `name: type [dictionary kind min max Must|May list?]`.
macro_rules! segment {
    (@must Must) => { true };
    (@must May) => { false };
    ($(#[$doc:meta])* $name:ident $id:literal {
        $($field:ident: $ty:ty [$number:literal $kind:ident $min:literal $max:literal $use:ident $($list:ident)?]),* $(,)?
    }) => {
        $(#[$doc])*
        #[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
        #[serde(default, deny_unknown_fields)]
        pub struct $name {
            $(#[serde(skip_serializing_if = "crate::x12::value::Value::is_blank")] pub $field: $ty,)*
            /// Elements beyond those the segment has.
            #[serde(skip_serializing_if = "Vec::is_empty")]
            pub more: Vec<String>,
        }

        impl $crate::x12::part::Empty for $name {
            fn empty(&self) -> bool {
                $crate::x12::part::Part::is_blank(self)
            }
        }

        impl $crate::x12::part::Part for $name {
            const ID: &'static str = $id;
            const SPEC: &'static [$crate::x12::value::ElementSpec] = &[$(
                $crate::x12::value::ElementSpec {
                    name: stringify!($field),
                    number: $number,
                    kind: $crate::x12::value::Kind::$kind,
                    min: $min,
                    max: $max,
                    must: $crate::x12::part::segment!(@must $use),
                    list: {
                        let none: Option<$crate::x12::code::List> = None;
                        $(let none = { let _ = none; Some($crate::x12::code::List::$list) };)?
                        none
                    },
                },
            )*];

            fn read(
                segment: &$crate::x12::segment::Segment<'_>,
                cursor: &mut $crate::x12::part::Cursor<'_>,
            ) -> Self {
                let mut n = 0;
                $(
                    n += 1;
                    let $field = $crate::x12::part::element(segment, n, &Self::SPEC[n - 1], cursor);
                )*
                let more = $crate::x12::part::beyond(segment, n, cursor);
                Self { $($field,)* more }
            }

            fn write(&self, out: &mut $crate::x12::out::Out) {
                out.open($id);
                let mut n = 0;
                $(
                    $crate::x12::part::put(&self.$field, &Self::SPEC[n], out);
                    n += 1;
                )*
                let _ = n;
                self.more.iter().for_each(|element| out.put(element));
                out.close();
            }

            fn is_blank(&self) -> bool {
                true $(&& $crate::x12::value::Value::is_blank(&self.$field))* && self.more.is_empty()
            }
        }
    };
}
pub(super) use segment;

/// A loop as a struct. Its first field is the segment it begins with, perhaps only with a code in an element of it.
/// `one` must stand once, `opt` may, `many` may repeat, `some` must stand and may repeat; the same for loops with `only`,
/// `sole`, `each` and `all`.
macro_rules! looped {
    (@type one $ty:ty) => { $ty };
    (@type opt $ty:ty) => { Option<$ty> };
    (@type many $ty:ty) => { Vec<$ty> };
    (@type some $ty:ty) => { Vec<$ty> };
    (@type sole $ty:ty) => { Option<$ty> };
    (@type only $ty:ty) => { Option<$ty> };
    (@type each $ty:ty) => { Vec<$ty> };
    (@type all $ty:ty) => { Vec<$ty> };

    (@takes one $ty:ty, $s:expr) => { $s.is(<$ty as $crate::x12::part::Part>::ID) };
    (@takes opt $ty:ty, $s:expr) => { $s.is(<$ty as $crate::x12::part::Part>::ID) };
    (@takes many $ty:ty, $s:expr) => { $s.is(<$ty as $crate::x12::part::Part>::ID) };
    (@takes some $ty:ty, $s:expr) => { $s.is(<$ty as $crate::x12::part::Part>::ID) };
    (@takes $loop:ident $ty:ty, $s:expr) => { <$ty as $crate::x12::part::Loop>::starts($s) };

    (@knows one $ty:ty, $id:expr) => { <$ty as $crate::x12::part::Part>::ID.as_bytes() == $id };
    (@knows opt $ty:ty, $id:expr) => { <$ty as $crate::x12::part::Part>::ID.as_bytes() == $id };
    (@knows many $ty:ty, $id:expr) => { <$ty as $crate::x12::part::Part>::ID.as_bytes() == $id };
    (@knows some $ty:ty, $id:expr) => { <$ty as $crate::x12::part::Part>::ID.as_bytes() == $id };
    (@knows $loop:ident $ty:ty, $id:expr) => { <$ty as $crate::x12::part::Loop>::knows($id) };

    (@room one $field:expr) => { $crate::x12::part::Part::is_blank(&$field) };
    (@room opt $field:expr) => { $field.is_none() };
    (@room sole $field:expr) => { $field.is_none() };
    (@room only $field:expr) => { $field.is_none() };
    (@room $many:ident $field:expr) => { true };

    (@fill one $field:expr, $s:expr, $cursor:expr, $frame:expr) => { $field = $cursor.take($s) };
    (@fill opt $field:expr, $s:expr, $cursor:expr, $frame:expr) => { $field = Some($cursor.take($s)) };
    (@fill many $field:expr, $s:expr, $cursor:expr, $frame:expr) => { $field.push($cursor.take($s)) };
    (@fill some $field:expr, $s:expr, $cursor:expr, $frame:expr) => { $field.push($cursor.take($s)) };
    (@fill sole $field:expr, $s:expr, $cursor:expr, $frame:expr) => {
        $field = Some($crate::x12::part::Loop::read($cursor, Some($frame)))
    };
    (@fill only $field:expr, $s:expr, $cursor:expr, $frame:expr) => {
        $field = Some($crate::x12::part::Loop::read($cursor, Some($frame)))
    };
    (@fill $each:ident $field:expr, $s:expr, $cursor:expr, $frame:expr) => {
        $field.push($crate::x12::part::Loop::read($cursor, Some($frame)))
    };

    (@need one $field:expr, $ty:ty, $cursor:expr) => {
        if $crate::x12::part::Part::is_blank(&$field) {
            $cursor.missing(<$ty as $crate::x12::part::Part>::ID, Self::ID);
        }
    };
    (@need some $field:expr, $ty:ty, $cursor:expr) => {
        if $field.is_empty() {
            $cursor.missing(<$ty as $crate::x12::part::Part>::ID, Self::ID);
        }
    };
    (@need only $field:expr, $ty:ty, $cursor:expr) => {
        if $field.is_none() {
            $cursor.missing(<$ty>::FIRST, <$ty as $crate::x12::part::Loop>::ID);
        }
    };
    (@need all $field:expr, $ty:ty, $cursor:expr) => {
        if $field.is_empty() {
            $cursor.missing(<$ty>::FIRST, <$ty as $crate::x12::part::Loop>::ID);
        }
    };
    (@need $may:ident $field:expr, $ty:ty, $cursor:expr) => {};

    (@write one $field:expr, $out:expr, $before:expr) => {
        if !$crate::x12::part::Part::is_blank(&$field) {
            $before($out);
            $crate::x12::part::Part::write(&$field, $out);
        }
    };
    (@write opt $field:expr, $out:expr, $before:expr) => {
        for part in $field.iter() { $before($out); $crate::x12::part::Part::write(part, $out); }
    };
    (@write many $field:expr, $out:expr, $before:expr) => {
        for part in $field.iter() { $before($out); $crate::x12::part::Part::write(part, $out); }
    };
    (@write some $field:expr, $out:expr, $before:expr) => {
        for part in $field.iter() { $before($out); $crate::x12::part::Part::write(part, $out); }
    };
    (@write $loop:ident $field:expr, $out:expr, $before:expr) => {
        for inner in $field.iter() { $before($out); $crate::x12::part::Loop::write(inner, $out); }
    };

    (@first $first:ident $rest:ident $($more:tt)*) => { $first };

    ($(#[$doc:meta])* $name:ident $id:literal, $first:ident $(($element:literal in $($code:literal)|+))? {
        $($(#[$fdoc:meta])* $word:ident $field:ident: $ty:ty),* $(,)?
    }) => {
        $(#[$doc])*
        #[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
        #[serde(default, deny_unknown_fields)]
        pub struct $name {
            $(
                $(#[$fdoc])*
                #[serde(skip_serializing_if = "crate::x12::part::Empty::empty")]
                pub $field: $crate::x12::part::looped!(@type $word $ty),
            )*
            /// Segments that do not belong here, kept as they came.
            #[serde(skip_serializing_if = "Vec::is_empty")]
            pub strays: Vec<$crate::x12::part::Stray>,
        }

        impl $name {
            /// The segment it begins with.
            pub const FIRST: &'static str = <$first as $crate::x12::part::Part>::ID;
        }

        impl $crate::x12::part::Loop for $name {
            const ID: &'static str = $id;

            fn starts(segment: &$crate::x12::segment::Segment<'_>) -> bool {
                segment.is(Self::FIRST)
                    $(&& [$($code.as_bytes()),+].contains(&segment.raw($element)))?
            }

            fn takes(segment: &$crate::x12::segment::Segment<'_>) -> bool {
                false $(|| $crate::x12::part::looped!(@takes $word $ty, segment))*
            }

            fn knows(id: &[u8]) -> bool {
                false $(|| $crate::x12::part::looped!(@knows $word $ty, id))*
            }

            fn read(
                cursor: &mut $crate::x12::part::Cursor<'_>,
                up: Option<&$crate::x12::part::Frame<'_>>,
            ) -> Self {
                let mut this = Self::default();
                let frame = $crate::x12::part::Frame { takes: Self::takes, up };
                let begin = cursor.index();
                let around = std::mem::replace(&mut cursor.within, Self::ID);
                let mut slot = 0;
                while let Some(segment) = cursor.peek() {
                    let mut now = 0;
                    $(
                        now += 1;
                        if $crate::x12::part::looped!(@takes $word $ty, &segment)
                            && $crate::x12::part::looped!(@room $word this.$field)
                        {
                            cursor.order(&mut slot, now, &segment);
                            $crate::x12::part::looped!(@fill $word this.$field, &segment, cursor, &frame);
                            continue;
                        }
                    )*
                    let _ = now;
                    if frame.above(&segment) {
                        break;
                    }
                    let expected = Self::takes(&segment);
                    this.strays.extend(cursor.stray(begin, expected));
                }
                $($crate::x12::part::looped!(@need $word this.$field, $ty, cursor);)*
                cursor.within = around;
                this
            }

            fn write(&self, out: &mut $crate::x12::out::Out) {
                let begin = out.count();
                let mut next = 0;
                let mut before = |out: &mut $crate::x12::out::Out| {
                    $crate::x12::part::strays(&self.strays, &mut next, begin, out);
                };
                $($crate::x12::part::looped!(@write $word self.$field, out, before);)*
                $crate::x12::part::leftover(&self.strays, next, out);
            }
        }
    };
}
pub(super) use looped;

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
