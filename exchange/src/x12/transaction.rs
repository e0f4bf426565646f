//! Which transaction a set is, read into its type and written from it. A set this crate does not know is kept segment by
//! segment.

use serde::{Deserialize, Serialize};

use super::{
    chunk::Chunk,
    fault::{Fault, FaultCode, Place},
    out::Out,
    part::{Cursor, Loop, Stray},
    rules, t270, t275, t276, t277ca, t278, t835, t999,
};

/// The guides written here, by kind.
pub const GUIDES: &[(Kind, &str, &str)] = &[
    (Kind::Eligibility, "270", "005010X279A1"),
    (Kind::Eligibility, "271", "005010X279A1"),
    (Kind::ClaimStatus, "276", "005010X212"),
    (Kind::ClaimStatus, "277", "005010X212"),
    (Kind::Acknowledgement, "277", "005010X214"),
    (Kind::Review, "278", "005010X217"),
    (Kind::Review, "278", "005010X215"),
    (Kind::Attachment, "275", "005010X210"),
    (Kind::Attachment, "275", "005010X211"),
    (Kind::Remittance, "835", "005010X221A1"),
    (Kind::Receipt, "999", "005010X231A1"),
];

/// What kinds of transaction there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// 270 and 271.
    Eligibility,
    /// 276 and 277.
    ClaimStatus,
    /// 277CA.
    Acknowledgement,
    /// 278, request and response.
    Review,
    /// 275.
    Attachment,
    /// 835.
    Remittance,
    /// 999.
    Receipt,
    /// Anything else.
    Other,
}

impl Kind {
    /// By the set, its guide (ST03, or GS08 where the set names none) and BHT01: never by the set alone, since 277 and
    /// 277CA share theirs.
    #[must_use]
    pub fn of(set: &str, guide: &str, structure: &str) -> Self {
        if !guide.starts_with("005010") && !guide.is_empty() {
            return Self::Other;
        }
        // Errata are letters at the end of the guide's number.
        let number = guide.get(6..10).unwrap_or("");
        let known = GUIDES.iter().find(|(_, s, g)| *s == set && g.get(6..10) == Some(number));
        match (known, set, structure) {
            (Some((kind, ..)), ..) => *kind,
            (None, "277", "0085") if number.is_empty() => Self::Acknowledgement,
            (None, "277", _) if number.is_empty() => Self::ClaimStatus,
            (None, _, _) if number.is_empty() => {
                GUIDES.iter().find(|(_, s, _)| *s == set).map_or(Self::Other, |(kind, ..)| *kind)
            }
            _ => Self::Other,
        }
    }

    /// The kind of the set in `chunk`, in a group of that version.
    #[must_use]
    pub fn in_chunk(chunk: &Chunk, version: &str) -> Self {
        let Some(st) = chunk.get(0) else { return Self::Other };
        let own = st.text(3);
        let guide = if own.is_empty() { version } else { own.as_ref() };
        let structure = chunk.get(1).filter(|s| s.is("BHT")).map(|s| s.text(1).into_owned());
        Self::of(&st.text(1), guide, structure.as_deref().unwrap_or(""))
    }
}

/// A transaction, typed.
#[expect(clippy::large_enum_variant, reason = "held one by one, or in the list of a group")]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "transaction", content = "body", rename_all = "snake_case")]
pub enum Transaction {
    /// 270 and 271.
    Eligibility(t270::Eligibility),
    /// 276 and 277.
    ClaimStatus(t276::ClaimStatus),
    /// 277CA.
    Acknowledgement(t277ca::Acknowledgement),
    /// 278, request and response.
    Review(t278::Review),
    /// 275.
    Attachment(t275::Attachment),
    /// 835.
    Remittance(t835::Remittance),
    /// 999.
    Receipt(t999::Receipt),
    /// Another set, kept as it came: identifier and elements of each segment, ST first, SE left out.
    Other(Vec<Vec<String>>),
}

fn typed<L: Loop>(chunk: &Chunk, faults: &mut Vec<Fault>) -> L {
    let mut cursor = Cursor::new(chunk, L::knows, faults);
    L::read(&mut cursor, None)
}

impl Transaction {
    /// From the segments of a set, ST first and SE left out, in a group of that version. Faults are told, the reading is
    /// as good as the message allows.
    pub fn read(chunk: &Chunk, version: &str, faults: &mut Vec<Fault>) -> Self {
        let kind = Kind::in_chunk(chunk, version);
        let from = faults.len();
        let read = match kind {
            Kind::Eligibility => Self::Eligibility(typed(chunk, faults)),
            Kind::ClaimStatus => Self::ClaimStatus(typed(chunk, faults)),
            Kind::Acknowledgement => Self::Acknowledgement(typed(chunk, faults)),
            Kind::Review => Self::Review(typed(chunk, faults)),
            Kind::Attachment => Self::Attachment(typed(chunk, faults)),
            Kind::Remittance => Self::Remittance(typed(chunk, faults)),
            Kind::Receipt => Self::Receipt(typed(chunk, faults)),
            Kind::Other => {
                let place = chunk.get(0).map_or_else(Place::default, |st| st.place());
                faults.push(Fault {
                    severity: super::fault::Severity::Warning,
                    ..Fault::new(
                        FaultCode::VersionMix,
                        place,
                        "a set or guide that is not read here; it is kept segment by segment",
                    )
                });
                Self::Other(chunk.iter().map(|s| Stray::of(&s, 0).elements).collect())
            }
        };
        if kind != Kind::Other {
            rules::generic(chunk, faults);
            let place = chunk.get(0).map_or_else(Place::default, |st| st.place());
            faults.extend(read.rules(&place));
        }
        faults[from..].sort_by_key(|fault| fault.place.at.offset);
        read
    }

    /// The rules that bind this kind beyond its segments, broken ones told at `place`.
    #[must_use]
    pub fn rules(&self, place: &Place) -> Vec<Fault> {
        match self {
            Self::Remittance(remittance) => t835::balances(remittance, place),
            Self::Review(review) => t278::decisions(review, place),
            Self::Acknowledgement(ack) => t277ca::totals(ack, place),
            _ => Vec::new(),
        }
    }

    /// Writes the set, ST to SE.
    pub fn write(&self, out: &mut Out) {
        let before = out.count();
        match self {
            Self::Eligibility(t) => t.write(out),
            Self::ClaimStatus(t) => t.write(out),
            Self::Acknowledgement(t) => t.write(out),
            Self::Review(t) => t.write(out),
            Self::Attachment(t) => t.write(out),
            Self::Remittance(t) => t.write(out),
            Self::Receipt(t) => t.write(out),
            Self::Other(segments) => {
                for elements in segments {
                    Stray { after: 0, elements: elements.clone() }.write(out);
                }
            }
        }
        out.open("SE");
        out.put(&(out.count() - before + 1).to_string());
        out.put(self.control());
        out.close();
    }

    /// The set's control number.
    #[must_use]
    pub fn control(&self) -> &str {
        match self {
            Self::Eligibility(t) => &t.st.control,
            Self::ClaimStatus(t) => &t.st.control,
            Self::Acknowledgement(t) => &t.st.control,
            Self::Review(t) => &t.st.control,
            Self::Attachment(t) => &t.st.control,
            Self::Remittance(t) => &t.st.control,
            Self::Receipt(t) => &t.st.control,
            Self::Other(segments) => {
                segments.first().and_then(|st| st.get(2)).map_or("", String::as_str)
            }
        }
    }
}
