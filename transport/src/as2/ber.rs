//! What some partners write is BER: lengths that are not said, texts in pieces. Here it becomes DER, which everything else reads.

/// Deeper than any message here.
const DEPTH: usize = 32;
const OCTETS: u8 = 0x04;
const CONSTRUCTED: u8 = 0x20;

/// An element: its tag, and its content in DER.
type Element = (u8, Vec<u8>);

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
    let mut rest = bytes;
    let Next::Element((tag, content)) = next(&mut rest, 0)? else { return None };
    rest.is_empty().then(|| piece(tag, &content))
}

/// What comes next.
enum Next {
    Element(Element),
    /// The mark that ends an element whose length was not said.
    End,
}

/// Takes the next element off; none where it is broken.
fn next(rest: &mut &[u8], depth: usize) -> Option<Next> {
    let (&tag, after) = rest.split_first()?;
    let (&first, after) = after.split_first()?;
    *rest = after;
    if tag == 0 && first == 0 {
        return Some(Next::End);
    }
    // Tags of several bytes do not occur in these messages.
    if depth > DEPTH || tag & 0x1f == 0x1f {
        return None;
    }
    let constructed = tag & CONSTRUCTED != 0;
    if first == 0x80 {
        let mut children = Vec::new();
        while let Next::Element(child) = next(rest, depth + 1)? {
            children.push(child);
        }
        return constructed.then(|| Next::Element(joined(tag, children)));
    }
    let mut length = usize::from(first);
    if first > 0x80 {
        let count = usize::from(first & 0x7f);
        let digits = rest.get(..count).filter(|_| count <= 4)?;
        *rest = &rest[count..];
        length = digits.iter().fold(0, |length, byte| (length << 8) | usize::from(*byte));
    }
    let mut content = rest.get(..length)?;
    *rest = &rest[length..];
    if !constructed {
        return Some(Next::Element((tag, content.to_vec())));
    }
    let mut children = Vec::new();
    while !content.is_empty() {
        let Next::Element(child) = next(&mut content, depth + 1)? else { return None };
        children.push(child);
    }
    Some(Next::Element(joined(tag, children)))
}

/// The texts of pieces, if all of them are texts.
fn whole(children: &[Element]) -> Option<Vec<u8>> {
    let texts = children.iter().all(|(tag, _)| *tag == OCTETS);
    texts.then(|| children.iter().flat_map(|(_, text)| text.iter().copied()).collect())
}

/// Children put together. Texts in pieces become one, also where they have the tag of encrypted content: the third in a
/// sequence after an identifier and an algorithm.
fn joined(tag: u8, mut children: Vec<Element>) -> Element {
    if tag == OCTETS | CONSTRUCTED
        && let Some(text) = whole(&children)
    {
        return (OCTETS, text);
    }
    if let [(0x06, _), (0x30, _), (encrypted @ 0xa0, content)] = children.as_mut_slice() {
        let (mut pieces, mut rest) = (Vec::new(), content.as_slice());
        while !rest.is_empty() {
            let Some(Next::Element(one)) = next(&mut rest, 0) else { break };
            pieces.push(one);
        }
        if let Some(text) = whole(&pieces).filter(|_| rest.is_empty()) {
            (*encrypted, *content) = (0x80, text);
        }
    }
    (tag, children.iter().flat_map(|(tag, content)| piece(*tag, content)).collect())
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
}
