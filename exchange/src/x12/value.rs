//! What an element may hold: text, a decimal, a composite, bytes, or repetitions of one of them.

use serde::{Deserialize, Serialize, de::Error as _};

use super::{
    code::List,
    date,
    decimal::Decimal,
    fault::{Fault, FaultCode, shape},
    out::{COMPONENT, Out, REPETITION},
    segment::Segment,
};

/// The types of elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Text.
    An,
    /// Text for people, where a separator may become a blank.
    Free,
    /// A code.
    Id,
    /// A whole number.
    N0,
    /// A decimal number.
    R,
    /// A day.
    Dt,
    /// A time.
    Tm,
    /// A composite.
    Comp,
    /// Anything.
    Bin,
}

/// What is known of an element.
#[derive(Clone, Copy, Debug)]
pub struct ElementSpec {
    pub name: &'static str,
    /// Its number in the standard's dictionary; 0 for composites.
    pub number: u32,
    pub kind: Kind,
    pub min: usize,
    pub max: usize,
    pub must: bool,
    pub list: Option<List>,
}

/// One element on its way in.
#[derive(Debug)]
pub struct Field<'a, 'f> {
    pub bytes: &'a [u8],
    pub segment: Segment<'a>,
    pub element: usize,
    pub repetition: u32,
    pub component: u32,
    pub spec: &'static ElementSpec,
    pub within: &'static str,
    pub faults: &'f mut Vec<Fault>,
}

impl<'a> Field<'a, '_> {
    /// Says something about this element.
    pub fn fault(&mut self, code: FaultCode, detail: impl Into<String>) {
        let mut place = self.segment.place_of(self.element);
        place.repetition = self.repetition;
        place.component = self.component;
        place.within = self.within;
        place.dictionary = self.spec.number;
        self.faults.push(Fault::new(code, place, detail));
    }

    /// Judges a single value by the element's type and length.
    fn judge(&mut self) {
        let length = self.bytes.len();
        let ElementSpec { kind, min, max, list, .. } = *self.spec;
        let counted = match kind {
            Kind::N0 | Kind::R => self.bytes.iter().filter(|b| b.is_ascii_digit()).count(),
            _ => length,
        };
        // Characters are counted only where they could differ from bytes.
        let chars = |bytes: &[u8]| String::from_utf8_lossy(bytes).chars().count();
        if counted > max && (kind != Kind::An && kind != Kind::Free || chars(self.bytes) > max) {
            self.fault(FaultCode::TooLong, format!("{counted} characters, at most {max}"));
        } else if counted < min {
            self.fault(FaultCode::TooShort, format!("{counted} characters, at least {min}"));
        }
        match kind {
            Kind::Dt if !date::is_day(self.bytes) && !date::is_short_day(self.bytes) => {
                let shape = shape(&String::from_utf8_lossy(self.bytes));
                self.fault(FaultCode::BadDate, format!("not a day: {shape}"));
            }
            Kind::Tm if !date::is_time(self.bytes) => {
                let shape = shape(&String::from_utf8_lossy(self.bytes));
                self.fault(FaultCode::BadTime, format!("not a time: {shape}"));
            }
            Kind::N0 if !whole(self.bytes) => {
                self.fault(FaultCode::Character, "not a whole number")
            }
            Kind::An | Kind::Id | Kind::Free
                if self.bytes.iter().any(|b| *b < 0x20 || *b == 0x7f) =>
            {
                self.fault(FaultCode::Character, "a control character");
            }
            _ => {}
        }
        if let Some(list) = list {
            self.known(list);
        }
    }

    /// Says when a code is in no table of ours.
    fn known(&mut self, list: List) {
        let code = String::from_utf8_lossy(self.bytes);
        if !list.holds(&code) {
            self.fault(
                FaultCode::Unmapped,
                format!("{} is in no table of {}", shown(&code), list.name()),
            );
        }
    }

    fn text(&mut self) -> String {
        let d = self.segment.delimiters;
        let mixed = self.bytes.iter().any(|&b| b == d.component || Some(b) == d.repetition);
        let text = String::from_utf8_lossy(self.bytes);
        if !mixed {
            return text.into_owned();
        }
        self.fault(FaultCode::Repeated, "components or repetitions where one value is meant");
        text.chars()
            .map(|c| match u8::try_from(c) {
                Ok(b) if b == d.component => COMPONENT,
                Ok(b) if Some(b) == d.repetition => REPETITION,
                _ => c,
            })
            .collect()
    }
}

/// A code as it may be shown: codes are short and no data of a patient.
fn shown(code: &str) -> String {
    if code.len() <= 6 && code.bytes().all(|b| b.is_ascii_alphanumeric()) {
        code.to_owned()
    } else {
        shape(code)
    }
}

fn whole(bytes: &[u8]) -> bool {
    let digits = bytes.strip_prefix(b"-").unwrap_or(bytes);
    !digits.is_empty() && digits.iter().all(u8::is_ascii_digit)
}

/// Something an element may hold.
pub trait Value: Default {
    /// From a non-empty element.
    fn read(field: &mut Field<'_, '_>) -> Self;
    /// Into an element that was begun.
    fn write(&self, out: &mut Out, free: bool);
    /// Whether there is nothing to write.
    fn is_blank(&self) -> bool;
}

impl Value for String {
    fn read(field: &mut Field<'_, '_>) -> Self {
        field.judge();
        field.text()
    }

    fn write(&self, out: &mut Out, free: bool) {
        out.text(self, free);
    }

    fn is_blank(&self) -> bool {
        self.is_empty()
    }
}

impl Value for Option<Decimal> {
    fn read(field: &mut Field<'_, '_>) -> Self {
        field.judge();
        let read = Decimal::parse(field.bytes);
        if read.is_err() {
            field.fault(FaultCode::Character, "not a decimal number");
        }
        read.ok()
    }

    fn write(&self, out: &mut Out, _: bool) {
        if let Some(decimal) = self {
            out.decimal(*decimal);
        }
    }

    fn is_blank(&self) -> bool {
        self.is_none()
    }
}

impl<T: Value> Value for Vec<T> {
    fn read(field: &mut Field<'_, '_>) -> Self {
        let Some(separator) = field.segment.delimiters.repetition else {
            return vec![T::read(field)];
        };
        let (whole, mut out) = (field.bytes, Self::new());
        for (i, bytes) in whole.split(|&b| b == separator).enumerate() {
            field.bytes = bytes;
            field.repetition = i as u32 + 1;
            out.push(if bytes.is_empty() { T::default() } else { T::read(field) });
        }
        while out.last().is_some_and(Value::is_blank) {
            out.pop();
        }
        out
    }

    fn write(&self, out: &mut Out, free: bool) {
        let last = self.iter().rposition(|v| !v.is_blank()).map_or(0, |i| i + 1);
        for (i, value) in self[..last].iter().enumerate() {
            if i > 0 {
                out.between();
            }
            value.write(out, free);
        }
    }

    fn is_blank(&self) -> bool {
        self.iter().all(Value::is_blank)
    }
}

/// Bytes of any kind; in JSON as hexadecimal digits.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bytes(pub Vec<u8>);

impl Value for Bytes {
    fn read(field: &mut Field<'_, '_>) -> Self {
        Self(field.bytes.to_vec())
    }

    fn write(&self, out: &mut Out, _: bool) {
        out.binary(&self.0);
    }

    fn is_blank(&self) -> bool {
        self.0.is_empty()
    }
}

impl Serialize for Bytes {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let digits: String = self.0.iter().map(|b| format!("{b:02x}")).collect();
        to.serialize_str(&digits)
    }
}

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        let digit = |b: u8| (b as char).to_digit(16).map(|d| d as u8);
        let pair = |pair: &[u8]| match pair {
            [a, b] => Some(digit(*a)? << 4 | digit(*b)?),
            _ => None,
        };
        let bytes: Option<Vec<u8>> = text.as_bytes().chunks(2).map(pair).collect();
        bytes
            .map(Self)
            .ok_or_else(|| D::Error::custom("binary data is written in hexadecimal digits"))
    }
}

/// A composite: named components in their order, and what came beyond them.
macro_rules! composite {
    ($(#[$doc:meta])* $name:ident { $($field:ident $(in $list:ident)?),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
        #[serde(default, deny_unknown_fields)]
        pub struct $name {
            $(#[serde(skip_serializing_if = "String::is_empty")] pub $field: String,)*
            /// Components beyond those that have names.
            #[serde(skip_serializing_if = "Vec::is_empty")]
            pub more: Vec<String>,
        }

        impl $crate::x12::value::Value for $name {
            fn read(field: &mut $crate::x12::value::Field<'_, '_>) -> Self {
                let mut parts = $crate::x12::value::Parts::of(field);
                let this = Self {
                    $($field: parts.next(
                        None::<$crate::x12::code::List>$(.or(Some($crate::x12::code::List::$list)))?
                    ),)*
                    more: parts.rest(),
                };
                this
            }

            fn write(&self, out: &mut $crate::x12::out::Out, _: bool) {
                let named = [$(self.$field.as_str(),)*];
                let more = self.more.iter().map(String::as_str);
                $crate::x12::value::join(out, named.into_iter().chain(more));
            }

            fn is_blank(&self) -> bool {
                true $(&& self.$field.is_empty())* && self.more.is_empty()
            }
        }
    };
}
pub(super) use composite;

/// The components of a composite on its way in.
pub(super) struct Parts<'p, 'a, 'f> {
    field: &'p mut Field<'a, 'f>,
    left: Option<&'a [u8]>,
}

impl<'p, 'a, 'f> Parts<'p, 'a, 'f> {
    pub(super) fn of(field: &'p mut Field<'a, 'f>) -> Self {
        let left = Some(field.bytes);
        field.component = 0;
        Self { field, left }
    }

    pub(super) fn next(&mut self, list: Option<List>) -> String {
        let Some(left) = self.left else { return String::new() };
        let separator = self.field.segment.delimiters.component;
        let at = left.iter().position(|&b| b == separator);
        let part = &left[..at.unwrap_or(left.len())];
        self.left = at.map(|at| &left[at + 1..]);
        self.field.component += 1;
        if part.is_empty() {
            return String::new();
        }
        if let Some(list) = list {
            let whole = std::mem::replace(&mut self.field.bytes, part);
            self.field.known(list);
            self.field.bytes = whole;
        }
        if Some(true) == self.field.segment.delimiters.repetition.map(|r| part.contains(&r)) {
            self.field.fault(FaultCode::Repeated, "repetitions where one composite is meant");
            let r = self.field.segment.delimiters.repetition.map(char::from);
            return String::from_utf8_lossy(part)
                .chars()
                .map(|c| if Some(c) == r { REPETITION } else { c })
                .collect();
        }
        String::from_utf8_lossy(part).into_owned()
    }

    pub(super) fn rest(mut self) -> Vec<String> {
        let mut out = Vec::new();
        while self.left.is_some() {
            out.push(self.next(None));
        }
        if out.iter().any(|part| !part.is_empty()) {
            self.field
                .fault(FaultCode::TooManyComponents, "more components than this composite has");
        }
        while out.last().is_some_and(String::is_empty) {
            out.pop();
        }
        self.field.component = 0;
        out
    }
}

/// Writes components with their separators, trailing empties left out.
pub(super) fn join<'a>(out: &mut Out, parts: impl Iterator<Item = &'a str>) {
    let mut empties = 0;
    for (i, part) in parts.enumerate() {
        if i > 0 {
            empties += 1;
        }
        if part.is_empty() {
            continue;
        }
        for _ in 0..empties {
            out.part();
        }
        empties = 0;
        out.text(part, false);
    }
}
