//! A remittance claim by claim: a file of any length in the memory of its longest claim, balanced on the way.

use std::io::{self, Read};

use super::{
    chunk::Chunk,
    envelope::{Event, Reader},
    fault::{Fault, FaultCode, Place},
    part::{Cursor, Loop},
    segment::Segment,
    t835::{Claim, ClaimGroup, Remittance, Sums},
    transaction::Kind,
};

/// What stands next in the remittances of a file.
#[derive(Debug)]
pub enum Piece {
    /// A remittance begins: everything before its first claim.
    Begin(Box<Remittance>),
    /// A number that begins a list of claims, with the totals that may stand there.
    Group(Box<ClaimGroup>),
    /// A claim, itself balanced already: what is wrong with it came before it.
    Claim(Box<Claim>),
    /// A remittance ends: its adjustments that belong to no claim and its sums. When they do not make the payment, a fault
    /// came before; such a remittance is not posted.
    End(Box<Remittance>, Sums),
    /// Something wrong.
    Fault(Fault),
}

/// A reader of remittances.
#[derive(Debug)]
pub struct Remittances<R> {
    reader: Reader<R>,
    version: String,
    /// The segments of the piece being gathered.
    chunk: Chunk,
    /// The segment that ended the piece before.
    next: Chunk,
    open: Option<Open>,
    faults: Vec<Fault>,
    /// Pieces that wait behind faults.
    ready: Option<Piece>,
    ended: bool,
    over: bool,
}

#[derive(Debug)]
struct Open {
    place: Place,
    header: Remittance,
    sums: Sums,
    /// The set is no remittance: passed over.
    other: bool,
}

impl<R: Read> Remittances<R> {
    /// Reads `input`.
    pub fn new(input: R) -> Self {
        Self {
            reader: Reader::new(input),
            version: String::new(),
            chunk: Chunk::default(),
            next: Chunk::default(),
            open: None,
            faults: Vec::new(),
            ready: None,
            ended: false,
            over: false,
        }
    }

    /// The next piece; none at the end.
    ///
    /// # Errors
    /// Only those of the input itself.
    #[expect(clippy::should_implement_trait, reason = "reading may fail")]
    pub fn next(&mut self) -> io::Result<Option<Piece>> {
        loop {
            if let Some(fault) = self.faults.pop() {
                return Ok(Some(Piece::Fault(fault)));
            }
            if let Some(piece) = self.ready.take() {
                return Ok(Some(piece));
            }
            if std::mem::take(&mut self.ended) {
                self.ready = self.end();
                self.faults.reverse();
                continue;
            }
            if self.over && self.chunk.is_empty() {
                return Ok(None);
            }
            self.gather()?;
            self.ready = self.judge();
            self.chunk.clear();
            std::mem::swap(&mut self.chunk, &mut self.next);
            self.faults.reverse();
        }
    }

    /// Gathers segments until the next piece begins.
    fn gather(&mut self) -> io::Result<()> {
        while !self.over {
            match self.reader.next()? {
                Some(Event::Segment(segment)) => {
                    if begins(&segment) && !self.chunk.is_empty() {
                        self.next.push(&segment);
                        return Ok(());
                    }
                    self.chunk.push(&segment);
                }
                Some(Event::Set(segment)) => {
                    if !self.chunk.is_empty() || self.open.is_some() {
                        // The set before has no end.
                        self.next.push(&segment);
                        self.ended = true;
                        return Ok(());
                    }
                    self.chunk.push(&segment);
                }
                Some(Event::Group(gs)) => self.version = gs.text(8).into_owned(),
                Some(Event::SetEnd(_)) => {
                    self.ended = true;
                    return Ok(());
                }
                Some(Event::Fault(fault)) => self.faults.push(fault),
                Some(_) => {}
                None => {
                    self.over = true;
                    self.ended = self.open.is_some() || !self.chunk.is_empty();
                }
            }
        }
        Ok(())
    }

    /// Turns what was gathered into a piece.
    fn judge(&mut self) -> Option<Piece> {
        let first = self.chunk.get(0)?;
        let place = first.place();
        match (first.raw(0), &mut self.open) {
            (b"ST", _) => {
                let other = Kind::in_chunk(&self.chunk, &self.version) != Kind::Remittance;
                let mut open =
                    Open { place, header: Remittance::default(), sums: Sums::default(), other };
                if other {
                    let detail = "a set that is no remittance was passed over";
                    let fault = Fault::new(FaultCode::VersionMix, open.place.clone(), detail);
                    self.faults.push(fault);
                    self.open = Some(open);
                    return None;
                }
                let header: Remittance = read(&self.chunk, &mut self.faults);
                open.header = header.clone();
                self.open = Some(open);
                Some(Piece::Begin(Box::new(header)))
            }
            (_, Some(open)) if open.other => None,
            (b"LX", Some(_)) => Some(Piece::Group(Box::new(read(&self.chunk, &mut self.faults)))),
            (b"CLP", Some(open)) => {
                let claim: Claim = read(&self.chunk, &mut self.faults);
                self.faults.extend(claim.balance(&place));
                open.sums.claim(&claim.clp);
                Some(Piece::Claim(Box::new(claim)))
            }
            (_, Some(open)) => {
                // Provider adjustments, and what stands among them.
                let trailer: Remittance = trailer(&self.chunk, &mut self.faults);
                for plb in trailer.adjustments {
                    open.sums.adjustment(&plb);
                    open.header.adjustments.push(plb);
                }
                None
            }
            (_, None) => None,
        }
    }

    fn end(&mut self) -> Option<Piece> {
        let open = self.open.take()?;
        if open.other {
            return None;
        }
        self.faults.extend(open.sums.balance(&open.header.bpr, &open.place));
        Some(Piece::End(Box::new(open.header), open.sums))
    }
}

/// Whether a piece begins with this segment.
fn begins(segment: &Segment<'_>) -> bool {
    matches!(segment.raw(0), b"CLP" | b"LX" | b"PLB")
}

fn read<L: Loop>(chunk: &Chunk, faults: &mut Vec<Fault>) -> L {
    L::read(&mut Cursor::new(chunk, Remittance::knows, faults), None)
}

/// The trailer's segments, without the complaint that the header is missing there.
fn trailer(chunk: &Chunk, faults: &mut Vec<Fault>) -> Remittance {
    let mut told = Vec::new();
    let trailer = read(chunk, &mut told);
    faults.extend(told.into_iter().filter(|f| f.code != FaultCode::MissingSegment));
    trailer
}
