//! Where segments end: the header that names the separators, what lies between interchanges, and the input itself.

use std::io::{self, Read};

use super::{BREAK, DATA, ELEMENT, Found, HIGH, Step, TERMINATOR, Tokens};
use crate::x12::{
    delimiters::{self, Delimiters, ISA_REACH, ISA_WIDTH},
    fault::{FaultCode, Place, Position},
    segment::index,
};

impl<R: Read> Tokens<R> {
    /// An ISA. None when these bytes only look like one while another interchange is open.
    pub(super) fn header(&mut self) -> io::Result<Option<Step>> {
        self.ensure(ISA_REACH)?;
        let view = &self.buf[self.start..self.end];
        let read = delimiters::header(view);
        let open = self.delimiters;
        let header = match (read, open) {
            (Ok(header), None) => header,
            (Ok(header), Some(_)) if header.wide => header,
            (Ok(_) | Err(_), Some(_)) => return Ok(None),
            (Err(why), None) => {
                self.interchange += 1;
                self.segment = 1;
                let place = Place::of(self.here(), "ISA");
                self.fault(FaultCode::HeaderUnreadable, place, why);
                self.start += 3;
                return Ok(Some(Step::Again));
            }
        };
        let offset = self.offset();
        self.interchange += 1;
        self.segment = 1;
        self.start += header.length;
        self.adopt(header.delimiters);
        let place = Place::of(Position { offset, ..self.here() }, "ISA");
        if header.broken {
            self.fault(
                FaultCode::LineBreakInside,
                place.clone(),
                "line ends inside the ISA were left out",
            );
        }
        if !header.wide {
            self.fault(
                FaultCode::HeaderWidth,
                place,
                format!(
                    "the ISA is {} bytes wide without its terminator, not {ISA_WIDTH}",
                    header.text.len()
                ),
            );
        }
        self.clean = header.text;
        index(&self.clean, header.delimiters.element, &mut self.ends);
        Ok(Some(Step::Found(Found::Clean { offset })))
    }

    pub(super) fn adopt(&mut self, delimiters: Delimiters) {
        self.delimiters = Some(delimiters);
        self.class = [DATA; 256];
        for class in &mut self.class[128..] {
            *class = HIGH;
        }
        self.class[usize::from(b'\r')] = BREAK;
        self.class[usize::from(b'\n')] = BREAK;
        self.class[usize::from(delimiters.element)] = ELEMENT;
        self.class[usize::from(delimiters.terminator)] = TERMINATOR;
    }

    /// Passes text that belongs to no interchange, up to the next ISA.
    pub(super) fn outside(&mut self) -> io::Result<Step> {
        let began = self.offset();
        let place = Place::of(self.here(), "");
        loop {
            let view = &self.buf[self.start..self.end];
            let isa = (1..view.len().saturating_sub(3))
                .find(|&i| view[i..].starts_with(b"ISA") && !view[i + 3].is_ascii_alphanumeric());
            if let Some(at) = isa {
                self.start += at;
                break;
            }
            // The last bytes may be the begin of an ISA.
            self.start = self.end - (self.end - self.start).min(3);
            let kept = self.end - self.start;
            if !self.fill()? {
                self.start = self.end;
                break;
            }
            if kept == 0 {
                break;
            }
        }
        let passed = self.offset() - began;
        self.fault(
            FaultCode::TextOutside,
            place,
            format!("{passed} bytes that belong to no interchange"),
        );
        Ok(Step::Again)
    }

    /// Goes to the next byte that is not blank. Whether there is one.
    pub(super) fn skip_blanks(&mut self) -> io::Result<bool> {
        if self.base == 0 && self.start == 0 {
            self.ensure(3)?;
            if self.buf[..self.end].starts_with(&[0xEF, 0xBB, 0xBF]) {
                let place = Place::of(self.here(), "");
                self.fault(
                    FaultCode::ByteOrderMark,
                    place,
                    "a byte-order mark before the first ISA",
                );
                self.start = 3;
            }
        }
        loop {
            while let Some(&byte) = self.buf[self.start..self.end].first() {
                let separates = self.class[usize::from(byte)] & (ELEMENT | TERMINATOR) != 0;
                let line = matches!(byte, b'\r' | b'\n');
                let blank = line || matches!(byte, b' ' | b'\t' | 0 | 0x1A) && !separates;
                if !blank {
                    return Ok(true);
                }
                self.start += 1;
            }
            if !self.fill()? {
                return Ok(false);
            }
        }
    }

    /// Reads on until so many bytes lie ahead, or the input ends.
    pub(super) fn ensure(&mut self, bytes: usize) -> io::Result<()> {
        while self.end - self.start < bytes {
            if !self.fill()? {
                break;
            }
        }
        Ok(())
    }

    /// Reads one piece more. Whether there was one.
    pub(super) fn fill(&mut self) -> io::Result<bool> {
        if self.over {
            return Ok(false);
        }
        if self.start > 0 {
            self.buf.copy_within(self.start..self.end, 0);
            self.base += self.start as u64;
            self.end -= self.start;
            self.start = 0;
        }
        if self.end == self.buf.len() {
            self.buf.resize(self.buf.len() * 2, 0);
        }
        loop {
            match self.input.read(&mut self.buf[self.end..]) {
                Ok(0) => {
                    self.over = true;
                    return Ok(false);
                }
                Ok(read) => {
                    self.end += read;
                    return Ok(true);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }
}
