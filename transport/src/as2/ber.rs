//! What some partners write is BER: lengths that are not said, texts in pieces. Here it becomes DER, which everything else reads.
//! What is read is read once: depth and number of elements are bounded, so that the work grows with the bytes and with nothing else.

use std::borrow::Cow;

/// Deeper than any message here.
const DEPTH: usize = 32;
/// More elements than any message here has, also one whose texts come in pieces.
const ELEMENTS: usize = 1 << 18;
const OCTETS: u8 = 0x04;
const CONSTRUCTED: u8 = 0x20;

/// An element as it was read.
enum Element<'a> {
    /// A tag and its content.
    Plain(u8, Cow<'a, [u8]>),
    /// A tag and the elements in it.
    Built(u8, Vec<Self>),
}

/// An element with its length.
fn piece(tag: u8, content: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(content.len() + 6);
    out.push(tag);
    let length = content.len();
    if length < 128 {
        out.push(length as u8);
    } else {
        let bytes = length.to_be_bytes();
        let from = bytes.iter().position(|b| *b != 0).unwrap_or(bytes.len() - 1);
        out.push(0x80 | (bytes.len() - from) as u8);
        out.extend_from_slice(&bytes[from..]);
    }
    out.extend_from_slice(content);
    out
}

/// An element of DER from its parts.
pub(super) fn tlv(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    piece(tag, &parts.concat())
}

/// DER from BER; none where it is neither.
pub(super) fn to_der(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut reader = Reader { rest: bytes, elements: 0 };
    let Next::Element(whole) = reader.next(0)? else { return None };
    reader.rest.is_empty().then(|| whole.written())
}

/// What comes next.
enum Next<'a> {
    Element(Element<'a>),
    /// The mark that ends an element whose length was not said.
    End,
}

struct Reader<'a> {
    rest: &'a [u8],
    elements: usize,
}

impl<'a> Reader<'a> {
    /// Takes so many bytes off.
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(count)?;
        self.rest = rest;
        Some(taken)
    }

    /// Takes the next element off; none where it is broken.
    fn next(&mut self, depth: usize) -> Option<Next<'a>> {
        let &[tag, first] = self.take(2)? else { return None };
        if tag == 0 && first == 0 {
            return Some(Next::End);
        }
        self.elements += 1;
        // Tags of several bytes do not occur in these messages.
        if depth > DEPTH || self.elements > ELEMENTS || tag & 0x1f == 0x1f {
            return None;
        }
        let constructed = tag & CONSTRUCTED != 0;
        if first == 0x80 {
            let mut children = Vec::new();
            while let Next::Element(child) = self.next(depth + 1)? {
                children.push(child);
            }
            return constructed.then(|| Next::Element(joined(tag, children)));
        }
        let mut length = usize::from(first);
        if first > 0x80 {
            let count = usize::from(first & 0x7f);
            let digits = self.take(count).filter(|_| count <= 4)?;
            length = digits.iter().fold(0, |length, byte| (length << 8) | usize::from(*byte));
        }
        let content = self.take(length)?;
        if !constructed {
            return Some(Next::Element(Element::Plain(tag, Cow::Borrowed(content))));
        }
        let after = std::mem::replace(&mut self.rest, content);
        let mut children = Vec::new();
        while !self.rest.is_empty() {
            let Next::Element(child) = self.next(depth + 1)? else { return None };
            children.push(child);
        }
        self.rest = after;
        Some(Next::Element(joined(tag, children)))
    }
}

impl Element<'_> {
    /// As DER.
    fn written(&self) -> Vec<u8> {
        match self {
            Self::Plain(tag, content) => piece(*tag, content),
            Self::Built(tag, children) => {
                piece(*tag, &children.iter().map(Self::written).collect::<Vec<_>>().concat())
            }
        }
    }
}

/// The texts of pieces put together, if all of them are texts.
fn whole(children: &[Element<'_>]) -> Option<Vec<u8>> {
    let text = |child: &Element<'_>| matches!(child, Element::Plain(OCTETS, _));
    children.iter().all(text).then(|| {
        let pieces = children.iter().filter_map(|child| match child {
            Element::Plain(_, text) => Some(&**text),
            Element::Built(..) => None,
        });
        pieces.collect::<Vec<_>>().concat()
    })
}

/// Children put together. Texts in pieces become one, also where they have the tag of encrypted content: the third in a
/// sequence after an identifier and an algorithm.
fn joined(tag: u8, mut children: Vec<Element<'_>>) -> Element<'_> {
    if tag == OCTETS | CONSTRUCTED
        && let Some(text) = whole(&children)
    {
        return Element::Plain(OCTETS, Cow::Owned(text));
    }
    if let [Element::Plain(0x06, _), Element::Built(0x30, _), encrypted] = children.as_mut_slice()
        && let Element::Built(0xa0, pieces) = encrypted
        && let Some(text) = whole(pieces)
    {
        *encrypted = Element::Plain(0x80, Cow::Owned(text));
    }
    Element::Built(tag, children)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_said_and_texts_put_together() {
        let der = tlv(0x30, &[&tlv(0x06, &[&[1]]), &tlv(0x30, &[]), &tlv(0x80, &[&[7; 300]])]);
        assert_eq!(to_der(&der), Some(der.clone()));
        let pieces = [tlv(0x04, &[&[7; 100]]), tlv(0x04, &[&[7; 200]])].concat();
        let begin = [&[0x30, 0x80][..], &tlv(0x06, &[&[1]]), &[0x30, 0x80, 0, 0, 0xa0, 0x80]];
        let ber = [&begin.concat(), &pieces[..], &[0, 0, 0, 0]].concat();
        assert_eq!(to_der(&ber), Some(der));
        let text = [&[0x24, 0x80][..], &pieces, &[0, 0]].concat();
        assert_eq!(to_der(&text), Some(tlv(0x04, &[&[7; 300]])));
        for cut in 0..ber.len() {
            assert_eq!(to_der(&ber[..cut]), None, "{cut}");
        }
        assert_eq!(to_der(&[0x30, 0x80].repeat(100_000)), None);
        assert_eq!(to_der(&[0x04, 0x84, 0xff, 0xff, 0xff, 0xff]), None);
    }

    /// Each of these levels looks like encrypted content: where each were read once more for that, a few megabytes would take hours.
    #[test]
    fn what_lies_deep_is_read_once() {
        let mut nested = tlv(0x04, &[&vec![7; 4 << 20]]);
        for _ in 0..14 {
            let head = [tlv(0x06, &[&[1]]), tlv(0x30, &[])].concat();
            nested = tlv(0x30, &[&head, &tlv(0xa0, &[&tlv(0x31, &[]), &nested])]);
        }
        assert_eq!(to_der(&nested), Some(nested.clone()));
        let many = tlv(0x30, &[&[0x05, 0x00].repeat(ELEMENTS)]);
        assert_eq!(to_der(&many), None, "more elements than any message has");
    }
}
