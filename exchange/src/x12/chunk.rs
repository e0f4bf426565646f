//! Segments kept together: a transaction set, or one claim of a long one. One buffer, used again for the next.

use super::{delimiters::Delimiters, fault::Position, segment::Segment};

/// Some segments with their positions.
#[derive(Clone, Debug, Default)]
pub struct Chunk {
    bytes: Vec<u8>,
    ends: Vec<u32>,
    marks: Vec<Mark>,
    delimiters: Delimiters,
}

#[derive(Clone, Copy, Debug)]
struct Mark {
    bytes: (u32, u32),
    ends: (u32, u32),
    at: Position,
}

impl Chunk {
    /// Adds a segment. False, and nothing added, beyond 4 GiB.
    pub fn push(&mut self, segment: &Segment<'_>) -> bool {
        let from = self.bytes.len();
        let to = from + segment.bytes.len();
        let ends = self.ends.len() + segment.ends.len();
        let (Ok(from), Ok(to), Ok(ends)) =
            (u32::try_from(from), u32::try_from(to), u32::try_from(ends))
        else {
            return false;
        };
        self.delimiters = segment.delimiters;
        self.marks.push(Mark {
            bytes: (from, to),
            ends: (self.ends.len() as u32, ends),
            at: segment.at,
        });
        self.bytes.extend_from_slice(segment.bytes);
        self.ends.extend_from_slice(segment.ends);
        true
    }

    /// Forgets all segments, keeps the room.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.ends.clear();
        self.marks.clear();
    }

    /// How many segments there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.marks.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.marks.is_empty()
    }

    /// The segment of that index, from 0.
    #[must_use]
    pub fn get(&self, index: usize) -> Option<Segment<'_>> {
        let mark = self.marks.get(index)?;
        Some(Segment {
            bytes: &self.bytes[mark.bytes.0 as usize..mark.bytes.1 as usize],
            ends: &self.ends[mark.ends.0 as usize..mark.ends.1 as usize],
            delimiters: self.delimiters,
            at: mark.at,
        })
    }

    /// All segments in order.
    pub fn iter(&self) -> impl Iterator<Item = Segment<'_>> {
        (0..self.len()).filter_map(|i| self.get(i))
    }
}
