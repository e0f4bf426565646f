//! Values to bytes: separators, trailing empties left out, and a refusal of what a reader could not tell from a separator.

use std::io::Write as _;

use super::{
    decimal::Decimal,
    delimiters::Delimiters,
    fault::{Fault, FaultCode, Place, Position},
};

/// Stands for the component separator inside a text that was no composite to the reader.
pub const COMPONENT: char = '\u{1f}';
/// Stands for the repetition separator inside a text that was not expected to repeat.
pub const REPETITION: char = '\u{1e}';

/// A writer of segments.
#[derive(Debug, Default)]
pub struct Out {
    bytes: Vec<u8>,
    delimiters: Delimiters,
    line_ends: bool,
    count: u64,
    empties: usize,
    element: u32,
    began: usize,
    faults: Vec<Fault>,
}

impl Out {
    /// Writes with these separators; with a line end after each segment where the partner wants it.
    #[must_use]
    pub fn new(delimiters: Delimiters, line_ends: bool) -> Self {
        Self { delimiters, line_ends, ..Self::default() }
    }

    /// How many segments were written.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.count
    }

    /// What was written so far, taken out; for streams.
    pub fn drain(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.bytes)
    }

    /// What was written so far, kept; for streams that write it elsewhere and `clear` it.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Forgets what was written, keeps the room and the count.
    pub fn clear(&mut self) {
        self.bytes.clear();
    }

    /// What was written, with what had to be said about it.
    ///
    /// # Errors
    /// Faults, when at least one of them is an error: nothing may be sent then.
    pub fn finish(self) -> Result<(Vec<u8>, Vec<Fault>), Vec<Fault>> {
        if super::fault::acceptable(&self.faults) {
            Ok((self.bytes, self.faults))
        } else {
            Err(self.faults)
        }
    }

    /// What had to be said so far.
    #[must_use]
    pub fn faults(&self) -> &[Fault] {
        &self.faults
    }

    /// Begins a segment.
    pub fn open(&mut self, id: &str) {
        self.began = self.bytes.len();
        self.empties = 0;
        self.element = 0;
        self.bytes.extend_from_slice(id.as_bytes());
    }

    /// An empty element.
    pub fn skip(&mut self) {
        self.empties += 1;
        self.element += 1;
    }

    /// Begins an element that holds something.
    pub fn begin(&mut self) {
        for _ in 0..=self.empties {
            self.bytes.push(self.delimiters.element);
        }
        self.empties = 0;
        self.element += 1;
    }

    /// An element of plain text.
    pub fn put(&mut self, text: &str) {
        if text.is_empty() {
            self.skip();
        } else {
            self.begin();
            self.text(text, false);
        }
    }

    /// Ends the segment.
    pub fn close(&mut self) {
        self.bytes.push(self.delimiters.terminator);
        if self.line_ends && !matches!(self.delimiters.terminator, b'\r' | b'\n') {
            self.bytes.push(b'\n');
        }
        self.count += 1;
    }

    /// Text inside an element. `free` text may lose a separator, an identifier may not.
    pub fn text(&mut self, text: &str, free: bool) {
        let d = self.delimiters;
        if text.bytes().all(|b| b >= 0x20 && b != 0x7f && !d.holds(b)) {
            self.bytes.extend_from_slice(text.as_bytes());
            return;
        }
        for c in text.chars() {
            match c {
                COMPONENT => self.bytes.push(d.component),
                REPETITION => self.between(),
                c if c.is_control() || (c.is_ascii() && d.holds(c as u8)) => {
                    let (code, detail) = if free {
                        (FaultCode::Blanked, "a separator in free text was written as a blank")
                    } else {
                        (FaultCode::Unwritable, "a value holds a separator or a control character")
                    };
                    self.fault(code, detail);
                    self.bytes.push(b' ');
                }
                c => {
                    let mut room = [0; 4];
                    self.bytes.extend_from_slice(c.encode_utf8(&mut room).as_bytes());
                }
            }
        }
    }

    /// Bytes as they are: binary data of a stated length.
    pub fn binary(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// A number inside an element.
    pub fn decimal(&mut self, decimal: Decimal) {
        // Writing to a Vec cannot fail.
        let _ = write!(self.bytes, "{decimal}");
    }

    /// A separator between components.
    pub fn part(&mut self) {
        self.bytes.push(self.delimiters.component);
    }

    /// A separator between repetitions.
    pub fn between(&mut self) {
        match self.delimiters.repetition {
            Some(byte) => self.bytes.push(byte),
            None => {
                self.fault(
                    FaultCode::Unwritable,
                    "an element repeats, and the interchange has no separator for that",
                );
                self.bytes.push(b' ');
            }
        }
    }

    fn fault(&mut self, code: FaultCode, detail: &str) {
        let at =
            Position { segment: self.count + 1, offset: self.began as u64, ..Position::default() };
        let id: String = self.bytes[self.began..]
            .iter()
            .take(3)
            .take_while(|b| b.is_ascii_alphanumeric())
            .map(|&b| b as char)
            .collect();
        let place = Place::of(at, &id).element(self.element);
        self.faults.push(Fault::new(code, place, detail));
    }
}
