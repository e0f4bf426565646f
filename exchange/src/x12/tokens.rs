//! Bytes to segments, streaming: the input is read in pieces, a segment is a view into the buffer, and memory is bounded by
//! the longest segment allowed, whatever the length of the file. Nothing here panics on any input.

mod edge;

use std::{
    collections::VecDeque,
    io::{self, Read},
};

use super::{
    delimiters::Delimiters,
    fault::{Fault, FaultCode, Place, Position},
    segment::{Segment, index},
};

/// How long a segment may be.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Bytes of an ordinary segment.
    pub segment: usize,
    /// Bytes of the data in a binary segment (BIN, BDS).
    pub binary: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { segment: 1 << 20, binary: 16 << 20 }
    }
}

/// What stands next in the bytes.
#[derive(Debug)]
pub enum Token<'a> {
    /// A segment; ISA too.
    Segment(Segment<'a>),
    /// Something wrong; reading goes on behind it.
    Fault(Fault),
}

const PIECE: usize = 256 << 10;

const DATA: u8 = 0;
const ELEMENT: u8 = 1;
const TERMINATOR: u8 = 2;
const BREAK: u8 = 4;
const HIGH: u8 = 8;

/// A reader of segments.
#[derive(Debug)]
pub struct Tokens<R> {
    input: R,
    buf: Vec<u8>,
    start: usize,
    end: usize,
    /// Bytes of the input before `buf`.
    base: u64,
    over: bool,
    limits: Limits,
    delimiters: Option<Delimiters>,
    /// What each byte is, by the separators at hand.
    class: [u8; 256],
    ends: Vec<u32>,
    /// A segment that could not be given as it stands.
    clean: Vec<u8>,
    faults: VecDeque<Fault>,
    interchange: u32,
    segment: u64,
}

/// Where a segment was found.
enum Found {
    Buffer { from: usize, to: usize, offset: u64 },
    Clean { offset: u64 },
}

enum Step {
    Found(Found),
    Again,
    Over,
}

impl<R: Read> Tokens<R> {
    /// Reads `input` with the usual limits.
    pub fn new(input: R) -> Self {
        Self::with_limits(input, Limits::default())
    }

    /// Reads `input` with limits of the caller's.
    pub fn with_limits(input: R, limits: Limits) -> Self {
        Self {
            input,
            buf: vec![0; PIECE],
            start: 0,
            end: 0,
            base: 0,
            over: false,
            limits,
            delimiters: None,
            class: [DATA; 256],
            ends: Vec::with_capacity(32),
            clean: Vec::new(),
            faults: VecDeque::new(),
            interchange: 0,
            segment: 0,
        }
    }

    /// The next segment or fault; none at the end.
    ///
    /// # Errors
    /// Only those of the input itself.
    #[expect(clippy::should_implement_trait, reason = "what is given borrows the reader")]
    pub fn next(&mut self) -> io::Result<Option<Token<'_>>> {
        let found = loop {
            if let Some(fault) = self.faults.pop_front() {
                return Ok(Some(Token::Fault(fault)));
            }
            match self.step()? {
                Step::Found(found) => break found,
                Step::Again => {}
                Step::Over if self.faults.is_empty() => return Ok(None),
                Step::Over => {}
            }
        };
        let (bytes, offset) = match found {
            Found::Buffer { from, to, offset } => (&self.buf[from..to], offset),
            Found::Clean { offset } => (self.clean.as_slice(), offset),
        };
        let at = Position {
            interchange: self.interchange,
            segment: self.segment,
            offset,
            ..Position::default()
        };
        let delimiters = self.delimiters.unwrap_or_default();
        Ok(Some(Token::Segment(Segment { bytes, ends: &self.ends, delimiters, at })))
    }

    /// After an IEA: what follows is text until the next ISA.
    pub(super) fn leave(&mut self) {
        self.delimiters = None;
    }

    fn step(&mut self) -> io::Result<Step> {
        if !self.skip_blanks()? {
            if self.interchange == 0 {
                self.interchange = 1;
                let place = Place::of(Position { offset: self.offset(), ..self.here() }, "");
                self.fault(FaultCode::NoInterchange, place, "the input holds no ISA");
            }
            return Ok(Step::Over);
        }
        self.ensure(4)?;
        let head = &self.buf[self.start..self.end.min(self.start + 4)];
        if head.starts_with(b"ISA")
            && head.get(3).is_some_and(|b| !b.is_ascii_alphanumeric())
            && let Some(step) = self.header()?
        {
            return Ok(step);
        }
        let Some(delimiters) = self.delimiters else { return self.outside() };
        if let Some(step) = self.binary(delimiters)? {
            return Ok(step);
        }
        self.scan(delimiters)
    }

    /// The bytes up to the next terminator.
    fn scan(&mut self, delimiters: Delimiters) -> io::Result<Step> {
        self.ends.clear();
        let mut at = 0;
        let mut flags = DATA;
        let length = 'found: loop {
            let view = &self.buf[self.start..self.end];
            for (i, &byte) in view[at..].iter().enumerate() {
                match self.class[usize::from(byte)] {
                    DATA => {}
                    ELEMENT => self.ends.push((at + i) as u32),
                    TERMINATOR => break 'found at + i,
                    other => flags |= other,
                }
            }
            at = view.len();
            if at > self.limits.segment {
                return self.too_long(delimiters);
            }
            if !self.fill()? {
                let place = Place::of(self.here(), "");
                self.fault(
                    FaultCode::Truncated,
                    place,
                    "the input ends inside a segment: its terminator is missing",
                );
                return Ok(self.take(at, 0, flags));
            }
        };
        if length > self.limits.segment {
            return self.too_long(delimiters);
        }
        if length == 0 {
            let place = Place::of(self.here(), "");
            self.fault(FaultCode::EmptySegment, place, "a terminator with nothing before it");
            self.start += 1;
            return Ok(Step::Again);
        }
        Ok(self.take(length, 1, flags))
    }

    /// Gives `length` bytes as a segment and goes `more` bytes further.
    fn take(&mut self, length: usize, more: usize, flags: u8) -> Step {
        self.segment += 1;
        let offset = self.offset();
        let (from, to) = (self.start, self.start + length);
        self.start = to + more;
        self.ends.push(length as u32);
        if flags == DATA {
            return Step::Found(Found::Buffer { from, to, offset });
        }
        if flags & HIGH != 0 {
            self.judge_text(from, to, offset);
        }
        if flags & BREAK == 0 {
            return Step::Found(Found::Buffer { from, to, offset });
        }
        let raw = &self.buf[from..to];
        self.clean.clear();
        self.clean.extend(raw.iter().copied().filter(|b| !matches!(b, b'\r' | b'\n')));
        let separator = self.delimiters.unwrap_or_default().element;
        index(&self.clean, separator, &mut self.ends);
        let place = Place::of(Position { offset, ..self.here() }, "");
        self.fault(FaultCode::LineBreakInside, place, "line ends inside the segment were left out");
        Step::Found(Found::Clean { offset })
    }

    /// Says where a segment is not UTF-8.
    fn judge_text(&mut self, from: usize, to: usize, offset: u64) {
        let raw = &self.buf[from..to];
        let Err(bad) = std::str::from_utf8(raw) else { return };
        let at = bad.valid_up_to();
        let element = self.ends.iter().position(|&end| at <= end as usize).unwrap_or(0);
        let place = Place::of(Position { offset: offset + at as u64, ..self.here() }, "")
            .element(element as u32);
        self.fault(FaultCode::NotUtf8, place, "a byte that is not UTF-8");
    }

    /// Passes a segment that is longer than allowed.
    fn too_long(&mut self, delimiters: Delimiters) -> io::Result<Step> {
        self.segment += 1;
        let place = Place::of(self.here(), "");
        let limit = self.limits.segment;
        self.fault(
            FaultCode::SegmentTooLong,
            place,
            format!("a segment of more than {limit} bytes was passed over"),
        );
        loop {
            let view = &self.buf[self.start..self.end];
            if let Some(at) = view.iter().position(|&b| b == delimiters.terminator) {
                self.start += at + 1;
                return Ok(Step::Again);
            }
            self.start = self.end;
            if !self.fill()? {
                return Ok(Step::Again);
            }
        }
    }

    /// A binary segment: its data has a stated length and may hold anything. None when this is not one.
    fn binary(&mut self, delimiters: Delimiters) -> io::Result<Option<Step>> {
        let head = &self.buf[self.start..self.end];
        let length_at = match head.get(..4) {
            Some([b'B', b'I', b'N', b]) if *b == delimiters.element => 1,
            Some([b'B', b'D', b'S', b]) if *b == delimiters.element => 2,
            _ => return Ok(None),
        };
        self.ensure(64)?;
        let head = &self.buf[self.start..self.end.min(self.start + 64)];
        let mut ends: Vec<usize> = Vec::with_capacity(4);
        for (i, &b) in head.iter().enumerate() {
            if b == delimiters.terminator {
                break;
            }
            if b == delimiters.element {
                ends.push(i);
            }
        }
        let (Some(&before), Some(&after)) = (ends.get(length_at - 1), ends.get(length_at)) else {
            return Ok(None);
        };
        let stated =
            std::str::from_utf8(&head[before + 1..after]).ok().and_then(|t| t.parse().ok());
        let Some(stated) = stated else { return Ok(None) };
        let whole = after.saturating_add(1).saturating_add(stated);
        if stated > self.limits.binary {
            let place = Place::of(self.here(), "BIN").element(length_at as u32);
            let limit = self.limits.binary;
            self.fault(
                FaultCode::SegmentTooLong,
                place,
                format!("binary data of {stated} bytes; at most {limit} are read"),
            );
            return self.pass(whole as u64).map(Some);
        }
        self.ensure(whole + 1)?;
        if self.end - self.start <= whole || self.buf[self.start + whole] != delimiters.terminator {
            let place = Place::of(self.here(), "BIN").element(length_at as u32);
            self.fault(
                FaultCode::BinaryLength,
                place,
                format!("no terminator after the stated {stated} bytes"),
            );
            return Ok(None);
        }
        self.ends.clear();
        self.ends.extend(ends[..=length_at].iter().map(|&e| e as u32));
        Ok(Some(self.take(whole, 1, DATA)))
    }

    /// Goes `bytes` further and behind one terminator.
    fn pass(&mut self, bytes: u64) -> io::Result<Step> {
        self.segment += 1;
        let mut left = bytes.saturating_add(1);
        loop {
            let here = (self.end - self.start) as u64;
            if left <= here {
                self.start += left as usize;
                return Ok(Step::Again);
            }
            left -= here;
            self.start = self.end;
            if !self.fill()? {
                return Ok(Step::Again);
            }
        }
    }

    fn offset(&self) -> u64 {
        self.base + self.start as u64
    }

    fn here(&self) -> Position {
        Position {
            interchange: self.interchange,
            segment: self.segment,
            offset: self.offset(),
            ..Position::default()
        }
    }

    fn fault(&mut self, code: FaultCode, place: Place, detail: impl Into<String>) {
        self.faults.push_back(Fault::new(code, place, detail));
    }
}
