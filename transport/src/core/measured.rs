//! A look at XML before it is read: its tags and their attributes have a measure. Attributes are compared with each other, so that a
//! hundred thousand of them would take minutes; and what hides the end of a tag from a quick look (quotes, comments, CDATA) is walked
//! through as XML says.

/// Bytes of the longest tag.
const TAG: usize = 16 * 1024;
/// Attributes of a tag, name spaces among them.
const ATTRIBUTES: usize = 64;

/// Whether no tag is longer, and none has more attributes, than any of an envelope; and everything that is begun ends.
pub(super) fn measured(xml: &[u8]) -> bool {
    let mut rest = xml;
    while let Some(at) = rest.iter().position(|b| *b == b'<') {
        rest = &rest[at..];
        let length = match rest {
            [b'<', b'!', b'-', b'-', ..] => after(rest, 4, b"-->"),
            [b'<', b'!', b'[', b'C', b'D', b'A', b'T', b'A', b'[', ..] => after(rest, 9, b"]]>"),
            [b'<', b'?', ..] => after(rest, 2, b"?>"),
            // A document type is refused by its name, whatever is in it.
            [b'<', b'!', ..] => return true,
            _ => tag(rest),
        };
        match length {
            Some(length) => rest = &rest[length..],
            None => return false,
        }
    }
    true
}

/// How long something is that ends so.
fn after(text: &[u8], from: usize, end: &[u8]) -> Option<usize> {
    let found = text[from..].windows(end.len()).position(|window| window == end)?;
    Some(from + found + end.len())
}

/// How long a tag is; none where it has no end, or more in it than any has.
fn tag(text: &[u8]) -> Option<usize> {
    let (mut quote, mut attributes) = (None, 0);
    for (at, byte) in text.iter().enumerate().take(TAG) {
        match (quote, byte) {
            (Some(open), byte) if byte == open => quote = None,
            (Some(_), _) => {}
            (None, b'"' | b'\'') => quote = Some(byte),
            (None, b'=') => attributes += 1,
            (None, b'>') => return Some(at + 1).filter(|_| attributes <= ATTRIBUTES),
            (None, _) => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_hides_the_end_of_a_tag() {
        let long = "x".repeat(TAG);
        let attributes: String = (0..10_000).map(|i| format!(" a{i}=\"\"")).collect();
        for good in [
            format!("<!--><e{attributes}> --><e/>"),
            "<e a='>' b=\">\">text</e>".to_owned(),
            format!("<e><![CDATA[< {long} <a>]]></e>"),
            format!("<?xml version='1.0'?><!-- < > {long} --><e/>"),
            "no tag at all".to_owned(),
        ] {
            assert!(measured(good.as_bytes()), "{good:.40}");
        }
        for bad in [
            format!("<e{attributes}>"),
            // What ends a tag for a quick look and does not for XML.
            format!("<e a=\">\"{attributes}/>"),
            format!("<e a='\">'{attributes}/>"),
            format!("<!-- <e> --><e a=\">\"{attributes}/>"),
            format!("<e><![CDATA[ \" ' ]]></e><e a=\">\"{attributes}/>"),
            format!("<e a=\"{long}\"/>"),
            "<e a=\"".to_owned(),
            "<e><![CDATA[ ]]".to_owned(),
            "<!-- -".to_owned(),
        ] {
            assert!(!measured(bad.as_bytes()), "{bad:.40}");
        }
    }
}
