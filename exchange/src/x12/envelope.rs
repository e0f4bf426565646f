//! Interchanges, groups and sets: pairs headers with trailers, compares control numbers and counts, and finds what was
//! sent twice. Streaming, on top of `tokens`.

use std::{
    collections::{HashSet, VecDeque},
    io::{self, Read},
};

use super::{
    date,
    fault::{Fault, FaultCode, Place, Position},
    segment::Segment,
    tokens::{Limits, Token, Tokens},
};

/// What stands next in the message.
#[derive(Debug)]
pub enum Event<'a> {
    /// ISA.
    Interchange(Segment<'a>),
    /// TA1, or another segment between ISA and the first GS that is allowed there.
    Receipt(Segment<'a>),
    /// GS.
    Group(Segment<'a>),
    /// ST; also the first segment of its set.
    Set(Segment<'a>),
    /// A segment inside a set, ST and SE excepted.
    Segment(Segment<'a>),
    /// SE.
    SetEnd(Segment<'a>),
    /// GE.
    GroupEnd(Segment<'a>),
    /// IEA.
    InterchangeEnd(Segment<'a>),
    /// Something wrong; reading goes on behind it.
    Fault(Fault),
}

#[derive(Debug)]
struct OpenInterchange {
    control: String,
    version: String,
    groups: u64,
    at: Position,
}

#[derive(Debug)]
struct OpenGroup {
    control: String,
    functional: String,
    version: String,
    sets: u64,
    at: Position,
    controls: Seen,
}

#[derive(Debug)]
struct OpenSet {
    control: String,
    segments: u64,
    at: Position,
}

/// A reader of envelopes.
#[derive(Debug)]
pub struct Reader<R> {
    tokens: Tokens<R>,
    state: State,
    over: bool,
}

/// What is open, and what was seen. Apart from the input, so that a segment may stay borrowed while the state changes.
#[derive(Debug, Default)]
struct State {
    interchange: Option<OpenInterchange>,
    group: Option<OpenGroup>,
    set: Option<OpenSet>,
    groups: u32,
    sets: u32,
    interchanges: HashSet<String>,
    group_controls: Seen,
    faults: VecDeque<Fault>,
    /// An IEA was just read.
    left: bool,
}

/// What a segment is to the envelope.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Isa,
    Ta1,
    Gs,
    St,
    Inside,
    Se,
    Ge,
    Iea,
    Outside,
}

impl<R: Read> Reader<R> {
    /// Reads `input` with the usual limits.
    pub fn new(input: R) -> Self {
        Self::with_limits(input, Limits::default())
    }

    /// Reads `input` with limits of the caller's.
    pub fn with_limits(input: R, limits: Limits) -> Self {
        let tokens = Tokens::with_limits(input, limits);
        Self { tokens, state: State::default(), over: false }
    }

    /// The next event; none at the end.
    ///
    /// # Errors
    /// Only those of the input itself.
    #[expect(clippy::should_implement_trait, reason = "what is given borrows the reader")]
    pub fn next(&mut self) -> io::Result<Option<Event<'_>>> {
        if let Some(fault) = self.state.faults.pop_front() {
            return Ok(Some(Event::Fault(fault)));
        }
        if std::mem::take(&mut self.state.left) {
            self.tokens.leave();
        }
        let state = &mut self.state;
        let segment = match self.tokens.next()? {
            Some(Token::Segment(segment)) => segment,
            Some(Token::Fault(mut fault)) => {
                state.stamp(&mut fault.place.at);
                return Ok(Some(Event::Fault(fault)));
            }
            None => {
                if !std::mem::replace(&mut self.over, true) {
                    state.close_set();
                    state.close_group();
                    state.close_interchange();
                }
                return Ok(state.faults.pop_front().map(Event::Fault));
            }
        };
        let (segment, kind) = state.judge(segment);
        Ok(Some(match kind {
            Kind::Isa => Event::Interchange(segment),
            Kind::Ta1 => Event::Receipt(segment),
            Kind::Gs => Event::Group(segment),
            Kind::St => Event::Set(segment),
            Kind::Inside => Event::Segment(segment),
            Kind::Se => Event::SetEnd(segment),
            Kind::Ge => Event::GroupEnd(segment),
            Kind::Iea => Event::InterchangeEnd(segment),
            Kind::Outside => Event::Fault(Fault::new(
                FaultCode::OutsideSet,
                segment.place(),
                "a segment outside of a transaction set",
            )),
        }))
    }
}

impl State {
    /// Numbers a position inside the group and set that are open.
    fn stamp(&self, at: &mut Position) {
        if self.group.is_some() {
            at.group = self.groups;
        }
        if let Some(set) = &self.set {
            at.set = self.sets;
            at.segment = set.segments;
        }
    }

    fn judge<'a>(&mut self, mut segment: Segment<'a>) -> (Segment<'a>, Kind) {
        // The common case first: a segment inside a set.
        let kind = match segment.raw(0) {
            b"ISA" => Kind::Isa,
            b"IEA" => Kind::Iea,
            b"GS" => Kind::Gs,
            b"GE" => Kind::Ge,
            b"ST" => Kind::St,
            b"SE" => Kind::Se,
            b"TA1" | b"ISB" | b"ISE" if self.set.is_none() && self.group.is_none() => Kind::Ta1,
            _ if self.set.is_some() => Kind::Inside,
            _ => Kind::Outside,
        };
        match kind {
            Kind::Isa => self.isa(&segment),
            Kind::Gs => self.gs(&mut segment),
            Kind::St => self.st(&mut segment),
            Kind::Se => self.se(&mut segment),
            Kind::Ge => self.ge(&mut segment),
            Kind::Iea => self.iea(&segment),
            Kind::Inside => {
                if let Some(set) = &mut self.set {
                    set.segments += 1;
                }
                self.stamp(&mut segment.at);
            }
            Kind::Ta1 | Kind::Outside => self.stamp(&mut segment.at),
        }
        (segment, kind)
    }

    fn isa(&mut self, isa: &Segment<'_>) {
        self.close_set();
        self.close_group();
        self.close_interchange();
        self.groups = 0;
        self.sets = 0;
        self.group_controls = Seen::default();
        let text = |n| isa.text(n).into_owned();
        let control = text(13);
        if control.len() != 9 || !control.bytes().all(|b| b.is_ascii_digit()) {
            self.element(isa, 13, "the interchange control number is not nine digits");
        }
        if !date::is_short_day(isa.raw(9)) {
            self.fault(
                FaultCode::EnvelopeDate,
                isa.place_of(9),
                "the interchange date is no day YYMMDD",
            );
        }
        if !date::is_time(isa.raw(10)) {
            self.fault(
                FaultCode::EnvelopeDate,
                isa.place_of(10),
                "the interchange time is no time HHMM",
            );
        }
        if !matches!(isa.raw(15), b"T" | b"P") {
            self.element(isa, 15, "the usage indicator is neither T nor P");
        }
        if !matches!(isa.raw(14), b"0" | b"1") {
            self.element(isa, 14, "the wish for a receipt is neither 0 nor 1");
        }
        let key = [5, 6, 7, 8, 13].map(|n| isa.text(n).trim_end().to_owned()).join("\u{1f}");
        if self.interchanges.len() < KEPT && !self.interchanges.insert(key) {
            self.fault(
                FaultCode::Duplicate,
                isa.place_of(13),
                format!(
                    "interchange {} of this sender and receiver stands in the file twice",
                    plain(&control)
                ),
            );
        }
        self.interchange =
            Some(OpenInterchange { control, version: text(12), groups: 0, at: isa.at });
    }

    fn gs(&mut self, gs: &mut Segment<'_>) {
        self.close_set();
        self.close_group();
        self.groups += 1;
        self.sets = 0;
        gs.at.group = self.groups;
        let control = gs.text(6).into_owned();
        let version = gs.text(8).into_owned();
        if control.is_empty() || control.len() > 9 || !control.bytes().all(|b| b.is_ascii_digit()) {
            self.element(gs, 6, "the group control number is not one to nine digits");
        }
        if !date::is_day(gs.raw(4)) {
            self.fault(
                FaultCode::EnvelopeDate,
                gs.place_of(4),
                "the group date is no day CCYYMMDD",
            );
        }
        if !date::is_time(gs.raw(5)) {
            self.fault(FaultCode::EnvelopeDate, gs.place_of(5), "the group time is no time HHMM");
        }
        if let Some(open) = &mut self.interchange {
            open.groups += 1;
            if version.starts_with("005010") && !matches!(open.version.as_str(), "00501") {
                let detail = format!(
                    "a group of version 005010 in an interchange of version {}",
                    plain(&open.version)
                );
                self.faults.push_back(Fault::new(FaultCode::VersionMix, gs.place_of(8), detail));
            }
        }
        if self.group_controls.is_again(&control) {
            self.fault(
                FaultCode::Duplicate,
                gs.place_of(6),
                format!("group {} stands in the interchange twice", plain(&control)),
            );
        }
        self.group = Some(OpenGroup {
            control,
            functional: gs.text(1).into_owned(),
            version,
            sets: 0,
            at: gs.at,
            controls: Seen::default(),
        });
    }

    fn st(&mut self, st: &mut Segment<'_>) {
        self.close_set();
        self.sets += 1;
        let control = st.text(2).into_owned();
        self.set = Some(OpenSet { control, segments: 1, at: st.at });
        self.stamp(&mut st.at);
        if let Some(set) = &mut self.set {
            set.at = st.at;
        }
        let control = st.text(2);
        if control.len() < 4 || control.len() > 9 {
            self.element(st, 2, "the set control number is not four to nine characters");
        }
        let Some(group) = &mut self.group else {
            self.fault(
                FaultCode::MissingHeader,
                st.place(),
                "a transaction set outside of a group",
            );
            return;
        };
        group.sets += 1;
        let mut faults = Vec::new();
        if group.controls.is_again(&control) {
            let detail = format!("set {} stands in the group twice", plain(&control));
            faults.push(Fault::new(FaultCode::Duplicate, st.place_of(2), detail));
        }
        let set = st.text(1);
        if let Some(functional) = functional_of(&set)
            && !functional.contains(&group.functional.as_str())
        {
            let detail = format!("a set {} in a group {}", plain(&set), plain(&group.functional));
            faults.push(Fault::new(FaultCode::VersionMix, st.place_of(1), detail));
        }
        let guide = st.text(3);
        if !guide.is_empty() && !group.version.is_empty() && guide != group.version {
            let detail = "the set's guide differs from its group's".to_owned();
            faults.push(Fault::new(FaultCode::VersionMix, st.place_of(3), detail));
        }
        self.faults.extend(faults);
    }

    fn se(&mut self, se: &mut Segment<'_>) {
        if let Some(set) = &mut self.set {
            set.segments += 1;
        }
        self.stamp(&mut se.at);
        let Some(set) = self.set.take() else {
            self.fault(FaultCode::MissingHeader, se.place(), "SE without ST");
            return;
        };
        self.count(se, set.segments, "segments of the set");
        self.same(se, &set.control);
    }

    fn ge(&mut self, ge: &mut Segment<'_>) {
        self.close_set();
        self.stamp(&mut ge.at);
        let Some(group) = self.group.take() else {
            self.fault(FaultCode::MissingHeader, ge.place(), "GE without GS");
            return;
        };
        self.count(ge, group.sets, "sets of the group");
        self.same(ge, &group.control);
    }

    fn iea(&mut self, iea: &Segment<'_>) {
        self.close_set();
        self.close_group();
        self.left = true;
        let Some(interchange) = self.interchange.take() else {
            self.fault(FaultCode::MissingHeader, iea.place(), "IEA without ISA");
            return;
        };
        self.count(iea, interchange.groups, "groups of the interchange");
        self.same(iea, &interchange.control);
    }

    fn close_set(&mut self) {
        if let Some(set) = self.set.take() {
            self.fault(FaultCode::MissingTrailer, Place::of(set.at, "ST"), "ST without SE");
        }
    }

    fn close_group(&mut self) {
        if let Some(group) = self.group.take() {
            self.fault(FaultCode::MissingTrailer, Place::of(group.at, "GS"), "GS without GE");
        }
    }

    fn close_interchange(&mut self) {
        if let Some(open) = self.interchange.take() {
            self.fault(FaultCode::MissingTrailer, Place::of(open.at, "ISA"), "ISA without IEA");
        }
    }

    /// Compares the count in a trailer's first element.
    fn count(&mut self, trailer: &Segment<'_>, there: u64, what: &str) {
        let stated = trailer.text(1);
        if stated.trim().parse::<u64>() != Ok(there) {
            self.fault(
                FaultCode::Count,
                trailer.place_of(1),
                format!("{} {what} stated, {there} there", plain(&stated)),
            );
        }
    }

    /// Compares the control number in a trailer's second element.
    fn same(&mut self, trailer: &Segment<'_>, header: &str) {
        let stated = trailer.text(2);
        if stated != header {
            self.fault(
                FaultCode::ControlNumber,
                trailer.place_of(2),
                format!("the header says {}, the trailer {}", plain(header), plain(&stated)),
            );
        }
    }

    fn element(&mut self, segment: &Segment<'_>, element: usize, detail: &str) {
        self.fault(FaultCode::EnvelopeElement, segment.place_of(element), detail);
    }

    fn fault(&mut self, code: FaultCode, place: Place, detail: impl Into<String>) {
        self.faults.push_back(Fault::new(code, place, detail));
    }
}

/// The functional identifiers a set may stand under; none for sets this crate does not know.
#[must_use]
pub fn functional_of(set: &str) -> Option<&'static [&'static str]> {
    Some(match set {
        "270" => &["HS"],
        "271" => &["HB"],
        "275" => &["PI"],
        "276" => &["HR"],
        "277" => &["HN"],
        "278" => &["HI"],
        "835" => &["HP"],
        "999" => &["FA"],
        "820" => &["RA"],
        "834" => &["BE"],
        "837" => &["HC"],
        _ => return None,
    })
}

/// A control number or code as it may be repeated in a sentence: short, and only letters and digits.
fn plain(text: &str) -> String {
    let text = text.trim();
    if !text.is_empty() && text.len() <= 15 && text.bytes().all(|b| b.is_ascii_alphanumeric()) {
        text.to_owned()
    } else {
        format!("({} characters)", text.chars().count())
    }
}

/// How many keys are remembered before finding repetitions is given up.
const KEPT: usize = 1 << 16;

/// Control numbers already seen. Numbers that count up take the room of one range, however many they are.
#[derive(Debug, Default)]
struct Seen {
    ranges: Vec<(u64, u64)>,
    others: HashSet<String>,
}

impl Seen {
    fn is_again(&mut self, control: &str) -> bool {
        let number = (control.len() <= 9).then(|| control.parse::<u64>().ok()).flatten();
        let Some(number) = number else {
            return self.others.len() < KEPT && !self.others.insert(control.to_owned());
        };
        if self.ranges.iter().any(|&(from, to)| (from..=to).contains(&number)) {
            return true;
        }
        match self.ranges.iter().position(|(_, to)| *to + 1 == number) {
            Some(at) => self.ranges[at].1 = number,
            None if self.ranges.len() < 1024 => self.ranges.push((number, number)),
            None => {}
        }
        false
    }
}
