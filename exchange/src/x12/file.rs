//! Whole files as values: interchanges with their groups and transactions, read from bytes, from JSON, and written back.
//! Counts and trailers are not part of the value: they are written as they must be.

use std::{
    collections::VecDeque,
    io::{self, Read},
};

use serde::{Deserialize, Serialize};

use super::{
    chunk::Chunk,
    delimiters::Delimiters,
    envelope::{Event, Reader},
    fault::{Fault, FaultCode, Place, Position},
    out::Out,
    part::{Cursor, Part},
    parts_review::Ta1,
    segment::Segment,
    transaction::Transaction,
};

/// A file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct File {
    pub interchanges: Vec<Interchange>,
}

/// What stands from ISA to IEA.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Interchange {
    /// Separators of elements, repetitions (U for none), components and segments.
    #[serde(default)]
    pub delimiters: Delimiters,
    pub isa: Isa,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub receipts: Vec<Ta1>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<Group>,
}

/// The header of an interchange, blanks at the ends of elements left out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Isa {
    pub authorization_list: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub authorization: String,
    pub security_list: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub security: String,
    pub sender_list: String,
    pub sender: String,
    pub receiver_list: String,
    pub receiver: String,
    /// YYMMDD.
    pub date: String,
    /// HHMM.
    pub time: String,
    pub version: String,
    /// Nine digits.
    pub control: String,
    /// 1 where a TA1 is wanted.
    pub receipt_wanted: String,
    /// T for tests, P for production.
    pub usage: String,
}

impl Default for Isa {
    fn default() -> Self {
        Self {
            authorization_list: "00".into(),
            authorization: String::new(),
            security_list: "00".into(),
            security: String::new(),
            sender_list: "ZZ".into(),
            sender: String::new(),
            receiver_list: "ZZ".into(),
            receiver: String::new(),
            date: String::new(),
            time: String::new(),
            version: "00501".into(),
            control: String::new(),
            receipt_wanted: "0".into(),
            usage: "T".into(),
        }
    }
}

/// What stands from GS to GE.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Group {
    #[serde(flatten)]
    pub gs: Gs,
    pub sets: Vec<Transaction>,
}

/// The header of a group.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gs {
    pub functional: String,
    pub sender: String,
    pub receiver: String,
    /// CCYYMMDD.
    pub date: String,
    pub time: String,
    pub control: String,
    pub agency: String,
    pub version: String,
}

impl Isa {
    /// From an ISA segment.
    #[must_use]
    pub fn of(isa: &Segment<'_>) -> Self {
        let text = |n: usize| isa.text(n).trim_end().to_owned();
        Self {
            authorization_list: text(1),
            authorization: text(2),
            security_list: text(3),
            security: text(4),
            sender_list: text(5),
            sender: text(6),
            receiver_list: text(7),
            receiver: text(8),
            date: text(9),
            time: text(10),
            version: text(12),
            control: text(13),
            receipt_wanted: text(14),
            usage: text(15),
        }
    }

    /// The sixteen elements in their widths.
    fn elements(&self, d: Delimiters) -> [(String, usize); 16] {
        let repetition = char::from(d.repetition.unwrap_or(b'U')).to_string();
        let component = char::from(d.component).to_string();
        [
            (self.authorization_list.clone(), 2),
            (self.authorization.clone(), 10),
            (self.security_list.clone(), 2),
            (self.security.clone(), 10),
            (self.sender_list.clone(), 2),
            (self.sender.clone(), 15),
            (self.receiver_list.clone(), 2),
            (self.receiver.clone(), 15),
            (self.date.clone(), 6),
            (self.time.clone(), 4),
            (repetition, 1),
            (self.version.clone(), 5),
            (self.control.clone(), 9),
            (self.receipt_wanted.clone(), 1),
            (self.usage.clone(), 1),
            (component, 1),
        ]
    }

    /// Writes the segment. Elements that do not fit their widths are faults.
    pub fn write(&self, d: Delimiters, out: &mut Out, faults: &mut Vec<Fault>) {
        out.open("ISA");
        for (i, (text, width)) in self.elements(d).into_iter().enumerate() {
            let fits = text.len() <= width && text.bytes().all(|b| (0x20..0x7f).contains(&b));
            let separators = !matches!(i, 10 | 15) && text.bytes().any(|b| d.holds(b));
            if !fits || separators {
                let place = Place::of(Position::default(), "ISA").element(i as u32 + 1);
                let detail = format!("the element does not fit its {width} characters");
                faults.push(Fault::new(FaultCode::EnvelopeElement, place, detail));
            }
            out.begin();
            out.binary(format!("{text:<width$}").as_bytes());
        }
        out.close();
    }
}

impl Gs {
    /// From a GS segment.
    #[must_use]
    pub fn of(gs: &Segment<'_>) -> Self {
        let text = |n: usize| gs.text(n).into_owned();
        Self {
            functional: text(1),
            sender: text(2),
            receiver: text(3),
            date: text(4),
            time: text(5),
            control: text(6),
            agency: text(7),
            version: text(8),
        }
    }

    /// Writes the segment.
    pub fn write(&self, out: &mut Out) {
        segment(
            out,
            "GS",
            [
                &self.functional,
                &self.sender,
                &self.receiver,
                &self.date,
                &self.time,
                &self.control,
                &self.agency,
                &self.version,
            ]
            .map(String::as_str),
        );
    }
}

fn segment<const N: usize>(out: &mut Out, id: &str, elements: [&str; N]) {
    out.open(id);
    elements.iter().for_each(|element| out.put(element));
    out.close();
}

/// Something a walk through a file comes by.
#[derive(Debug)]
pub enum Item {
    /// An interchange begins.
    Interchange(Box<Isa>, Delimiters, Position),
    /// A TA1.
    Receipt(Box<Ta1>),
    /// A group begins.
    Group(Box<Gs>, Position),
    /// A set, whole, or as much as came of it: see [`Walk::set`].
    Set,
    /// A group ends; with the count its trailer states.
    GroupEnd(String),
    /// An interchange ends.
    InterchangeEnd,
    /// Something wrong.
    Fault(Fault),
}

/// A walk through a file, set by set: as much memory as the longest set.
#[derive(Debug)]
pub struct Walk<R> {
    reader: Reader<R>,
    chunk: Chunk,
    /// A set is in `chunk` and was given.
    given: bool,
    next: Option<Item>,
    /// The begin of a set that came while the one before had no end.
    after: Chunk,
    faults: VecDeque<Fault>,
}

impl<R: Read> Walk<R> {
    /// Walks through `input`.
    pub fn new(input: R) -> Self {
        Self::from_reader(Reader::new(input))
    }

    /// Walks on from where a reader stands.
    pub fn from_reader(reader: Reader<R>) -> Self {
        Self {
            reader,
            chunk: Chunk::default(),
            given: false,
            next: None,
            after: Chunk::default(),
            faults: VecDeque::new(),
        }
    }

    /// The set that was just given: ST first, SE left out.
    #[must_use]
    pub fn set(&self) -> &Chunk {
        &self.chunk
    }

    /// The next item; none at the end.
    ///
    /// # Errors
    /// Only those of the input itself.
    #[expect(clippy::should_implement_trait, reason = "reading may fail")]
    pub fn next(&mut self) -> io::Result<Option<Item>> {
        if std::mem::take(&mut self.given) {
            self.chunk.clear();
            std::mem::swap(&mut self.chunk, &mut self.after);
        }
        if let Some(fault) = self.faults.pop_front() {
            return Ok(Some(Item::Fault(fault)));
        }
        if let Some(item) = self.next.take() {
            return Ok(Some(item));
        }
        let item = loop {
            break match self.reader.next()? {
                Some(Event::Segment(segment)) => {
                    self.chunk.push(&segment);
                    continue;
                }
                Some(Event::SetEnd(_)) => {
                    if self.chunk.is_empty() {
                        continue;
                    }
                    self.given = true;
                    return Ok(Some(Item::Set));
                }
                Some(Event::Set(segment)) => {
                    if self.chunk.is_empty() {
                        self.chunk.push(&segment);
                        continue;
                    }
                    // The set before has no end.
                    self.after.push(&segment);
                    self.given = true;
                    return Ok(Some(Item::Set));
                }
                Some(Event::Fault(fault)) => return Ok(Some(Item::Fault(fault))),
                Some(Event::Interchange(isa)) => {
                    Some(Item::Interchange(Box::new(Isa::of(&isa)), isa.delimiters, isa.at))
                }
                Some(Event::Group(gs)) => Some(Item::Group(Box::new(Gs::of(&gs)), gs.at)),
                Some(Event::Receipt(segment)) => Some(receipt(&segment, &mut self.faults)),
                Some(Event::GroupEnd(ge)) => Some(Item::GroupEnd(ge.text(1).into_owned())),
                Some(Event::InterchangeEnd(_)) => Some(Item::InterchangeEnd),
                None => None,
            };
        };
        if self.chunk.is_empty() {
            return Ok(item);
        }
        self.next = item;
        self.given = true;
        Ok(Some(Item::Set))
    }
}

fn receipt(segment: &Segment<'_>, faults: &mut VecDeque<Fault>) -> Item {
    let (chunk, mut told) = (Chunk::default(), Vec::new());
    let mut cursor = Cursor::new(&chunk, |id| id == b"TA1", &mut told);
    if !segment.is(Ta1::ID) {
        let detail = "a deferred delivery request is not read here";
        told.push(Fault::new(FaultCode::UnknownSegment, segment.place(), detail));
        faults.extend(told);
        return Item::Fault(faults.pop_front().expect("one was just added"));
    }
    let read = Ta1::read(segment, &mut cursor);
    faults.extend(told);
    Item::Receipt(Box::new(read))
}

impl File {
    /// Reads a whole file. Everything wrong with it is told; what could be read is there.
    ///
    /// # Errors
    /// Only those of the input itself.
    pub fn read(input: impl Read) -> io::Result<(Self, Vec<Fault>)> {
        let mut walk = Walk::new(input);
        let (mut file, mut faults) = (Self::default(), Vec::new());
        while let Some(item) = walk.next()? {
            match item {
                Item::Interchange(isa, delimiters, _) => file.interchanges.push(Interchange {
                    delimiters,
                    isa: *isa,
                    ..Interchange::default()
                }),
                Item::Receipt(ta1) => file.last().receipts.push(*ta1),
                Item::Group(gs, _) => {
                    file.last().groups.push(Group { gs: *gs, sets: Vec::new() });
                }
                Item::Set => {
                    let groups = &mut file.last().groups;
                    if groups.is_empty() {
                        groups.push(Group::default());
                    }
                    let group = groups.last_mut().expect("there is one by now");
                    let version = &group.gs.version;
                    group.sets.push(Transaction::read(walk.set(), version, &mut faults));
                }
                Item::GroupEnd(_) | Item::InterchangeEnd => {}
                Item::Fault(fault) => faults.push(fault),
            }
        }
        Ok((file, faults))
    }

    fn last(&mut self) -> &mut Interchange {
        if self.interchanges.is_empty() {
            self.interchanges.push(Interchange::default());
        }
        self.interchanges.last_mut().expect("there is one by now")
    }

    /// Writes the file: counts, trailers and widths as they must be.
    ///
    /// # Errors
    /// Every value that cannot be written. Nothing may be sent then.
    pub fn write(&self) -> Result<Vec<u8>, Vec<Fault>> {
        let mut whole = Vec::new();
        let mut faults = Vec::new();
        for interchange in &self.interchanges {
            match interchange.write() {
                Ok(bytes) => whole.extend(bytes),
                Err(told) => faults.extend(told),
            }
        }
        if faults.is_empty() { Ok(whole) } else { Err(faults) }
    }
}

impl Interchange {
    /// Writes the interchange.
    ///
    /// # Errors
    /// Every value that cannot be written. Nothing may be sent then.
    pub fn write(&self) -> Result<Vec<u8>, Vec<Fault>> {
        let mut out = Out::new(self.delimiters, false);
        let mut faults = Vec::new();
        self.isa.write(self.delimiters, &mut out, &mut faults);
        self.receipts.iter().for_each(|ta1| ta1.write(&mut out));
        for group in &self.groups {
            group.gs.write(&mut out);
            group.sets.iter().for_each(|set| set.write(&mut out));
            segment(&mut out, "GE", [&group.sets.len().to_string(), &group.gs.control]);
        }
        segment(&mut out, "IEA", [&self.groups.len().to_string(), &self.isa.control]);
        match out.finish() {
            Ok((bytes, _)) if faults.is_empty() => Ok(bytes),
            Ok(_) => Err(faults),
            Err(told) => {
                faults.extend(told);
                Err(faults)
            }
        }
    }
}
