//! A file judged as a whole: every fault with its place, and the TA1 and 999 we would answer. Faults of business (a
//! remittance that does not balance, an identifier's check digit) are told and are not part of a 999: it speaks of syntax.

use std::{collections::BTreeMap, io, io::Read};

use serde::Serialize;

use super::{
    decimal::Decimal,
    delimiters::Delimiters,
    fault::{Fault, FaultCode, Severity},
    file::{File, Group, Gs, Interchange, Isa, Item, Walk},
    parts::{Spot, St},
    parts_review::{Ak1, Ak2, Ak9, Ik3, Ik4, Ik5, Ta1},
    t999::{ElementFault, Receipt, SegmentFault, SetReceipt},
    transaction::{Kind, Transaction},
};

/// How many faults are kept; a file with more is broken enough.
pub const KEPT: usize = 10_000;

/// What was found in a file.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Checked {
    pub faults: Vec<Fault>,
    /// Faults beyond those that are kept.
    pub more: u64,
    pub interchanges: Vec<InterchangeSeen>,
}

/// An interchange that was seen.
#[derive(Clone, Debug, Serialize)]
pub struct InterchangeSeen {
    pub number: u32,
    pub isa: Isa,
    pub delimiters: Delimiters,
    pub groups: Vec<GroupSeen>,
    /// Only receipts (TA1) stood in it: it is not answered.
    pub receipts: u32,
}

/// A group that was seen.
#[derive(Clone, Debug, Serialize)]
pub struct GroupSeen {
    pub number: u32,
    pub gs: Gs,
    /// The count its trailer states.
    pub stated: Option<String>,
    pub sets: Vec<SetSeen>,
}

/// A set that was seen.
#[derive(Clone, Debug, Serialize)]
pub struct SetSeen {
    pub set: String,
    pub control: String,
    pub guide: String,
    pub kind: Kind,
}

/// When and under which number an answer is made.
#[derive(Clone, Debug)]
pub struct Answering<'a> {
    /// CCYYMMDD.
    pub date: &'a str,
    /// HHMM.
    pub time: &'a str,
    /// The first interchange control number to use; each interchange answered takes one.
    pub control: u32,
}

/// Checks a file.
///
/// # Errors
/// Only those of the input itself.
pub fn check(input: impl Read) -> io::Result<Checked> {
    let mut walk = Walk::new(input);
    let mut checked = Checked::default();
    let mut told = Vec::new();
    while let Some(item) = walk.next()? {
        match item {
            Item::Interchange(isa, delimiters, at) => {
                checked.interchanges.push(InterchangeSeen {
                    number: at.interchange,
                    isa: *isa,
                    delimiters,
                    groups: Vec::new(),
                    receipts: 0,
                });
            }
            Item::Group(gs, at) => {
                if let Some(open) = checked.interchanges.last_mut() {
                    let seen =
                        GroupSeen { number: at.group, gs: *gs, stated: None, sets: Vec::new() };
                    open.groups.push(seen);
                }
            }
            Item::Set => {
                let group = checked.interchanges.last_mut().and_then(|i| i.groups.last_mut());
                let version = group.as_ref().map_or("", |g| g.gs.version.as_str());
                let set = walk.set();
                let kind = Kind::in_chunk(set, version);
                // Read for its faults; the value is not kept, however long the file.
                drop(Transaction::read(set, version, &mut told));
                if let (Some(group), Some(st)) = (group, set.get(0)) {
                    group.sets.push(SetSeen {
                        set: st.text(1).into_owned(),
                        control: st.text(2).into_owned(),
                        guide: st.text(3).into_owned(),
                        kind,
                    });
                }
            }
            Item::GroupEnd(stated) => {
                if let Some(group) =
                    checked.interchanges.last_mut().and_then(|i| i.groups.last_mut())
                {
                    group.stated = Some(stated);
                }
            }
            Item::Receipt(_) => {
                if let Some(open) = checked.interchanges.last_mut() {
                    open.receipts += 1;
                }
            }
            Item::InterchangeEnd => {}
            Item::Fault(fault) => told.push(fault),
        }
        for fault in told.drain(..) {
            if checked.faults.len() < KEPT {
                checked.faults.push(fault);
            } else {
                checked.more += 1;
            }
        }
    }
    Ok(checked)
}

impl Checked {
    /// Whether nothing in it is an error.
    #[must_use]
    pub fn acceptable(&self) -> bool {
        self.more == 0 && super::fault::acceptable(&self.faults)
    }

    /// What we would answer: a TA1 for each interchange that wants one or is refused, a 999 for each group of the others.
    /// A receipt is never answered.
    #[must_use]
    pub fn answer(&self, when: &Answering<'_>) -> File {
        let mut file = File::default();
        for (i, seen) in self.interchanges.iter().enumerate() {
            let control = when.control.saturating_add(i as u32) % 1_000_000_000;
            if let Some(answer) = self.answer_one(seen, control, when) {
                file.interchanges.push(answer);
            }
        }
        file
    }

    fn answer_one(
        &self,
        seen: &InterchangeSeen,
        control: u32,
        when: &Answering<'_>,
    ) -> Option<Interchange> {
        if seen.receipts > 0 && seen.groups.is_empty() {
            return None;
        }
        let own = |f: &&Fault| f.place.at.interchange == seen.number && f.place.at.group == 0;
        let note = self.faults.iter().filter(own).find_map(interchange_note);
        let mut receipts = Vec::new();
        if note.is_some() || seen.isa.receipt_wanted == "1" {
            receipts.push(Ta1 {
                control: seen.isa.control.clone(),
                date: seen.isa.date.clone(),
                time: seen.isa.time.clone(),
                verdict: if note.is_some() { "R" } else { "A" }.into(),
                note: note.unwrap_or("000").into(),
                more: Vec::new(),
            });
        }
        let mut groups = Vec::new();
        if note.is_none() {
            for group in seen.groups.iter().filter(|g| g.gs.functional != "FA") {
                groups.push(self.answer_group(seen, group, control, when));
            }
        }
        if receipts.is_empty() && groups.is_empty() {
            return None;
        }
        let isa = Isa {
            sender_list: seen.isa.receiver_list.clone(),
            sender: seen.isa.receiver.clone(),
            receiver_list: seen.isa.sender_list.clone(),
            receiver: seen.isa.sender.clone(),
            date: when.date.get(2..).unwrap_or("").to_owned(),
            time: when.time.to_owned(),
            control: format!("{control:09}"),
            usage: seen.isa.usage.clone(),
            ..Isa::default()
        };
        Some(Interchange { delimiters: seen.delimiters, isa, receipts, groups })
    }

    #[expect(clippy::too_many_lines, reason = "one answer, from its header to its verdict")]
    fn answer_group(
        &self,
        seen: &InterchangeSeen,
        group: &GroupSeen,
        control: u32,
        when: &Answering<'_>,
    ) -> Group {
        let here = |f: &&Fault| {
            let at = f.place.at;
            at.interchange == seen.number
                && at.group == group.number
                && f.severity == Severity::Error
        };
        let sets: Vec<SetReceipt> = group
            .sets
            .iter()
            .enumerate()
            .map(|(i, set)| {
                let number = i as u32 + 1;
                let faults = self.faults.iter().filter(here).filter(|f| f.place.at.set == number);
                answer_set(set, faults)
            })
            .collect();
        let accepted = sets.iter().filter(|s| s.verdict.verdict != "R").count();
        let mut codes: Vec<&str> = self
            .faults
            .iter()
            .filter(here)
            .filter(|f| f.place.at.set == 0)
            .filter_map(group_code)
            .collect();
        codes.dedup();
        let verdict = match (codes.is_empty(), accepted) {
            (true, n) if n == sets.len() => "A",
            (true, n) if n > 0 => "P",
            _ => "R",
        };
        let count = |n: usize| Decimal::new(n as i64, 0);
        let stated = group.stated.as_deref().and_then(|s| s.trim().parse::<u32>().ok());
        let mut codes = codes.into_iter().map(str::to_owned);
        let mut next = || codes.next().unwrap_or_default();
        let verdict = Ak9 {
            verdict: verdict.into(),
            stated: count(stated.map_or(sets.len(), |n| n.min(999_999) as usize)),
            received: count(sets.len()),
            accepted: count(if verdict == "R" { 0 } else { accepted }),
            fault_1: next(),
            fault_2: next(),
            fault_3: next(),
            fault_4: next(),
            fault_5: next(),
            more: Vec::new(),
        };
        let gs = Gs {
            functional: "FA".into(),
            sender: group.gs.receiver.clone(),
            receiver: group.gs.sender.clone(),
            date: when.date.into(),
            time: when.time.into(),
            control: (u64::from(control) + u64::from(group.number) - 1).to_string(),
            agency: "X".into(),
            version: "005010X231A1".into(),
        };
        let receipt = Receipt {
            st: St {
                set: "999".into(),
                control: "0001".into(),
                guide: "005010X231A1".into(),
                ..St::default()
            },
            group: Ak1 {
                functional: group.gs.functional.clone(),
                control: group.gs.control.clone(),
                version: group.gs.version.clone(),
                more: Vec::new(),
            },
            sets,
            verdict,
            strays: Vec::new(),
        };
        Group { gs, sets: vec![Transaction::Receipt(receipt)] }
    }
}

/// The answer to one set, by its errors.
fn answer_set<'f>(set: &SetSeen, faults: impl Iterator<Item = &'f Fault>) -> SetReceipt {
    let mut codes: Vec<&str> = Vec::new();
    if set.kind == Kind::Other {
        codes.push("1");
    }
    let mut segments: BTreeMap<(u64, String, &str), SegmentFault> = BTreeMap::new();
    for fault in faults {
        if let Some(code) = set_code(fault) {
            codes.push(code);
        }
        let (segment, element) = (segment_code(fault.code), element_code(fault));
        let Some(code) = segment.or(element.map(|_| "8")) else { continue };
        codes.push("5");
        let place = &fault.place;
        if place.id.len() < 2 || segments.len() >= 1000 {
            continue;
        }
        let key = (place.at.segment, place.id.clone(), code);
        let entry = segments.entry(key).or_insert_with(|| SegmentFault {
            segment: Ik3 {
                id: place.id.clone(),
                number: place.at.segment.to_string(),
                within: loop_of(place.within),
                fault: code.into(),
                more: Vec::new(),
            },
            ..SegmentFault::default()
        });
        if let Some(code) = element {
            entry.elements.push(element_fault(fault, code));
        }
    }
    let mut order: Vec<&str> = Vec::new();
    for code in codes {
        if !order.contains(&code) {
            order.push(code);
        }
    }
    let mut order = order.into_iter().map(str::to_owned);
    let mut next = || order.next().unwrap_or_default();
    let first = next();
    let verdict = Ik5 {
        verdict: if first.is_empty() { "A" } else { "R" }.into(),
        fault_1: first,
        fault_2: next(),
        fault_3: next(),
        fault_4: next(),
        fault_5: next(),
        more: Vec::new(),
    };
    SetReceipt {
        set: Ak2 {
            set: set.set.clone(),
            control: set.control.clone(),
            guide: set.guide.clone(),
            more: Vec::new(),
        },
        segments: segments.into_values().collect(),
        verdict,
        strays: Vec::new(),
    }
}

fn element_fault(fault: &Fault, code: &str) -> ElementFault {
    let place = &fault.place;
    let some = |n: u32| if n > 0 { n.to_string() } else { String::new() };
    ElementFault {
        element: Ik4 {
            spot: Spot {
                element: some(place.element),
                component: some(place.component),
                // A repetition is named only where there is more than one.
                repetition: if place.repetition > 1 {
                    some(place.repetition)
                } else {
                    String::new()
                },
                more: Vec::new(),
            },
            number: some(place.dictionary),
            fault: code.into(),
            value: String::new(),
            more: Vec::new(),
        },
        ..ElementFault::default()
    }
}

/// A loop's name as a 999 may hold it: at most four characters, and none for the set itself.
fn loop_of(within: &str) -> String {
    if within.starts_with(|c: char| c.is_ascii_digit()) {
        within.chars().take(4).collect()
    } else {
        String::new()
    }
}

fn segment_code(code: FaultCode) -> Option<&'static str> {
    Some(match code {
        FaultCode::UnknownSegment => "1",
        FaultCode::UnexpectedSegment => "2",
        FaultCode::MissingSegment => "3",
        FaultCode::SegmentTooOften => "5",
        FaultCode::OutOfOrder => "7",
        FaultCode::SegmentTooLong | FaultCode::BinaryLength => "8",
        _ => return None,
    })
}

fn element_code(fault: &Fault) -> Option<&'static str> {
    Some(match fault.code {
        FaultCode::MissingElement => "1",
        FaultCode::TooManyElements => "3",
        FaultCode::TooShort => "4",
        FaultCode::TooLong => "5",
        FaultCode::Character | FaultCode::NotUtf8 => "6",
        FaultCode::Hierarchy => "7",
        FaultCode::BadDate => "8",
        FaultCode::BadTime => "9",
        FaultCode::Repeated if fault.place.component == 0 => "12",
        FaultCode::Repeated | FaultCode::TooManyComponents => "13",
        _ => return None,
    })
}

fn set_code(fault: &Fault) -> Option<&'static str> {
    Some(match fault.code {
        FaultCode::MissingTrailer | FaultCode::Truncated => "2",
        FaultCode::ControlNumber => "3",
        FaultCode::Count => "4",
        FaultCode::EnvelopeElement => "7",
        FaultCode::Duplicate => "23",
        FaultCode::VersionMix if fault.place.element == 1 => "18",
        FaultCode::VersionMix => "I6",
        _ => return None,
    })
}

fn group_code(fault: &Fault) -> Option<&'static str> {
    Some(match fault.code {
        FaultCode::VersionMix => "2",
        FaultCode::MissingTrailer | FaultCode::Truncated => "3",
        FaultCode::ControlNumber => "4",
        FaultCode::Count => "5",
        FaultCode::EnvelopeElement => "6",
        FaultCode::Duplicate => "19",
        _ => return None,
    })
}

fn interchange_note(fault: &Fault) -> Option<&'static str> {
    if fault.severity < Severity::Error {
        return None;
    }
    Some(match (fault.code, fault.place.element) {
        (FaultCode::ControlNumber, _) => "001",
        (FaultCode::EnvelopeDate, 9) => "014",
        (FaultCode::EnvelopeDate, _) => "015",
        (FaultCode::EnvelopeElement, 13) => "018",
        (FaultCode::EnvelopeElement, 14) => "019",
        (FaultCode::EnvelopeElement, 15) => "020",
        (FaultCode::Count, _) => "021",
        (FaultCode::MissingTrailer | FaultCode::Truncated, _) => "023",
        (FaultCode::MissingHeader | FaultCode::OutsideSet, _) => "022",
        (FaultCode::Duplicate, _) => "025",
        (FaultCode::SegmentTooLong | FaultCode::NotUtf8 | FaultCode::BinaryLength, _) => "024",
        _ => return None,
    })
}
