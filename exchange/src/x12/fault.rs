//! What can be wrong with a message, how bad it is, and where: every fault names the interchange, group, set, segment,
//! element, component and byte. No value is repeated: a fault may be logged, a patient's data may not.

use std::fmt;

use serde::Serialize;

/// How bad a fault is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Worth knowing; nothing to do.
    Note,
    /// Tolerated when read, never written.
    Warning,
    /// The message, or this part of it, cannot be relied upon.
    Error,
}

/// Where in the bytes a segment stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Position {
    /// Which interchange of the file, from 1; 0 before the first.
    pub interchange: u32,
    /// Which functional group of the interchange, from 1; 0 outside of groups.
    pub group: u32,
    /// Which transaction set of the group, from 1; 0 outside of sets.
    pub set: u32,
    /// Which segment: in a set ST is 1, elsewhere ISA is 1.
    pub segment: u64,
    /// Bytes of the file before it.
    pub offset: u64,
}

/// Where in a message a fault is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Place {
    #[serde(flatten)]
    pub at: Position,
    /// The segment's identifier, empty where there is none.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub id: String,
    /// The loop that was being read, empty outside of loops.
    #[serde(rename = "loop", skip_serializing_if = "str::is_empty")]
    pub within: &'static str,
    /// The element, from 1; 0 when the segment as a whole is meant.
    pub element: u32,
    /// The repetition of the element, from 1; 0 when none is meant.
    pub repetition: u32,
    /// The component of the element, from 1; 0 when none is meant.
    pub component: u32,
    /// The number of the data element in the standard's dictionary; 0 when none is meant.
    pub dictionary: u32,
}

impl Place {
    /// The place of a whole segment.
    #[must_use]
    pub fn of(at: Position, id: &str) -> Self {
        Self { at, id: id.to_owned(), ..Self::default() }
    }

    /// The same segment, one element of it.
    #[must_use]
    pub fn element(mut self, element: u32) -> Self {
        self.element = element;
        self
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "interchange {}", self.at.interchange)?;
        if self.at.group > 0 {
            write!(f, ", group {}", self.at.group)?;
        }
        if self.at.set > 0 {
            write!(f, ", set {}", self.at.set)?;
        }
        if self.at.segment > 0 {
            write!(f, ", segment {}", self.at.segment)?;
        }
        if !self.id.is_empty() {
            write!(f, " {}", self.id)?;
        }
        if self.element > 0 {
            write!(f, ", element {}", self.element)?;
        }
        if self.component > 0 {
            write!(f, ", component {}", self.component)?;
        }
        write!(f, ", byte {}", self.at.offset)
    }
}

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident $severity:ident $id:literal,)*) => {
        /// The kinds of fault.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
        #[serde(rename_all = "snake_case")]
        pub enum FaultCode { $($(#[$doc])* $name,)* }

        impl FaultCode {
            /// Every kind there is.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// How bad this kind is.
            #[must_use]
            pub fn severity(self) -> Severity {
                match self { $(Self::$name => Severity::$severity,)* }
            }

            /// The rule that was broken, as docs/exchange.md numbers it.
            #[must_use]
            pub fn rule(self) -> &'static str {
                match self { $(Self::$name => $id,)* }
            }
        }
    };
}

codes! {
    /// There is no ISA in the input.
    NoInterchange Error "X-ENV-01",
    /// An ISA from which no separators can be read.
    HeaderUnreadable Error "X-ENV-01",
    /// An ISA whose elements are not padded to their widths; its separators could still be read.
    HeaderWidth Warning "X-ENV-01",
    /// A byte-order mark before the first ISA.
    ByteOrderMark Warning "X-ENV-01",
    /// Something that is no interchange before, between or after interchanges.
    TextOutside Warning "X-ENV-01",
    /// The input ends inside a segment.
    Truncated Error "X-ENV-02",
    /// A header came without its trailer.
    MissingTrailer Error "X-ENV-02",
    /// A trailer came without its header.
    MissingHeader Error "X-ENV-02",
    /// A segment between the envelopes, where none may stand.
    OutsideSet Error "X-ENV-02",
    /// A trailer's control number differs from its header's.
    ControlNumber Error "X-ENV-03",
    /// A trailer's count differs from what was there.
    Count Error "X-ENV-04",
    /// A control number that was already used in its scope.
    Duplicate Error "X-ENV-05",
    /// A date or time of the envelope that is none.
    EnvelopeDate Error "X-ENV-06",
    /// Versions, group identifier and set identifier do not belong together.
    VersionMix Error "X-ENV-07",
    /// An element of the envelope that is empty, too long or not among the values allowed.
    EnvelopeElement Error "X-ENV-08",
    /// A segment longer than this reader accepts.
    SegmentTooLong Error "X-ENV-09",
    /// Bytes that are not UTF-8.
    NotUtf8 Error "X-ENV-09",
    /// A line end inside a segment; it was left out.
    LineBreakInside Warning "X-ENV-09",
    /// A terminator with nothing before it.
    EmptySegment Warning "X-ENV-09",
    /// Separators after the last element that holds anything.
    TrailingSeparator Warning "X-ENV-09",
    /// A binary segment whose stated length does not end at a terminator.
    BinaryLength Error "X-ENV-09",

    /// A segment this transaction does not know.
    UnknownSegment Error "X-SEG-01",
    /// A segment of this transaction at a place where it may not stand.
    UnexpectedSegment Error "X-SEG-02",
    /// A segment that must be there and is not.
    MissingSegment Error "X-SEG-03",
    /// A segment that stands there more often than it may.
    SegmentTooOften Error "X-SEG-05",
    /// A segment that should have stood before the one in front of it.
    OutOfOrder Error "X-SEG-07",
    /// An element that must be there and is not.
    MissingElement Error "X-ELE-01",
    /// More elements than the segment has.
    TooManyElements Error "X-ELE-03",
    /// An element shorter than it must be.
    TooShort Error "X-ELE-04",
    /// An element longer than it may be.
    TooLong Error "X-ELE-05",
    /// A character that may not stand in an element of this type.
    Character Error "X-ELE-06",
    /// A date that is none.
    BadDate Error "X-ELE-08",
    /// A time that is none.
    BadTime Error "X-ELE-09",
    /// More components than the composite has.
    TooManyComponents Error "X-ELE-12",
    /// Repetitions or components where only one value may stand.
    Repeated Error "X-ELE-13",

    /// A code that is in no table of ours; kept as it came.
    Unmapped Note "X-CODE-01",
    /// A national provider identifier whose check digit is wrong.
    ProviderDigit Warning "X-ID-01",
    /// A hierarchy whose numbers, parents or child marks do not fit.
    Hierarchy Error "X-HL-01",
    /// A range of dates that ends before it begins, or a date before the patient's birth.
    DateOrder Warning "X-DATE-01",
    /// An event without what must be decided or what was decided.
    Undecided Error "X-278-01",
    /// A decision without its number or its reason.
    DecisionBare Warning "X-278-02",
    /// A decision or a refusal inside a request.
    DecisionInRequest Error "X-278-02",
    /// A line of a remittance that does not balance.
    LineBalance Error "X-835-01",
    /// A claim of a remittance that does not balance.
    ClaimBalance Error "X-835-02",
    /// A remittance whose claims and provider adjustments do not add up to the payment.
    PaymentBalance Error "X-835-03",
    /// What the patient owes differs from the adjustments that say so.
    PatientShare Warning "X-835-04",
    /// Something payers leave out and strict readers want.
    Lax Warning "X-835-05",
    /// Totals of an acknowledgement that differ from the claims under them.
    Totals Error "X-CA-01",
    /// A value that cannot be written: it holds a separator or a control character.
    Unwritable Error "X-OUT-01",
    /// A separator in free text that was written as a blank.
    Blanked Warning "X-OUT-01",
}

/// One fault.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, thiserror::Error)]
#[error("{} {}: {detail} ({place})", severity_word(.severity), code.rule())]
pub struct Fault {
    pub code: FaultCode,
    pub severity: Severity,
    #[serde(flatten)]
    pub place: Place,
    /// A sentence; it holds counts, control numbers and shapes, never a patient's value.
    pub detail: String,
}

impl Fault {
    /// A fault of the severity its kind has.
    pub fn new(code: FaultCode, place: Place, detail: impl Into<String>) -> Self {
        Self { code, severity: code.severity(), place, detail: detail.into() }
    }
}

fn severity_word(severity: &Severity) -> &'static str {
    match severity {
        Severity::Note => "note",
        Severity::Warning => "warning",
        Severity::Error => "error",
    }
}

/// Whether nothing in `faults` is an error.
#[must_use]
pub fn acceptable(faults: &[Fault]) -> bool {
    faults.iter().all(|fault| fault.severity < Severity::Error)
}

/// The shape of a value without the value: digits as 9, letters as A, at most 24 characters.
#[must_use]
pub fn shape(value: &str) -> String {
    let mut out: String = value
        .chars()
        .take(24)
        .map(|c| match c {
            c if c.is_numeric() => '9',
            c if c.is_alphabetic() => 'A',
            c if c.is_control() => '?',
            c => c,
        })
        .collect();
    if value.chars().nth(24).is_some() {
        out.push('…');
    }
    out
}
