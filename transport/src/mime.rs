//! As much of MIME as CORE and AS2 use: fields, media types, parts of a multipart with the bytes they came as. Everything is
//! bounded, and what is cut short is told.

use std::borrow::Cow;

use base64::{Engine as _, engine::general_purpose::STANDARD};

/// The longest head of a part.
const HEAD: usize = 64 * 1024;
/// More parts than any message here has.
const PARTS: usize = 16;

/// What is wrong with a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MimeError {
    /// A head that does not end, or is too long.
    #[error("the head of a part does not end, or is longer than 64 KiB")]
    Head,
    /// A line of a head that is no field.
    #[error("a line of a head is no field")]
    Field,
    /// A multipart whose type names no boundary.
    #[error("a multipart without a boundary")]
    Boundary,
    /// The last boundary never came.
    #[error("the multipart is cut short: its last boundary is missing")]
    Truncated,
    /// Too many parts.
    #[error("more than 16 parts")]
    Parts,
    /// Not the base64 or quoted-printable it says it is.
    #[error("a part is not encoded as it says")]
    Encoding,
}

/// The fields of a head, in their order, unfolded.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fields(Vec<(String, String)>);

impl Fields {
    /// Reads the lines of a head.
    ///
    /// # Errors
    /// A line that is no field.
    pub fn read(head: &[u8]) -> Result<Self, MimeError> {
        let mut fields: Vec<(String, String)> = Vec::new();
        for line in head.split(|b| *b == b'\n') {
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            if line.is_empty() {
                continue;
            }
            let text = String::from_utf8_lossy(line);
            if text.starts_with([' ', '\t']) {
                let (_, value) = fields.last_mut().ok_or(MimeError::Field)?;
                value.push(' ');
                value.push_str(text.trim());
                continue;
            }
            let (name, value) = text.split_once(':').ok_or(MimeError::Field)?;
            fields.push((name.trim().to_owned(), value.trim().to_owned()));
        }
        Ok(Self(fields))
    }

    /// From the head of an HTTP message.
    #[must_use]
    pub fn of(headers: &http::HeaderMap) -> Self {
        let text =
            |value: &http::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
        Self(headers.iter().map(|(name, value)| (name.as_str().to_owned(), text(value))).collect())
    }

    /// A field's value; empty where it is missing.
    #[must_use]
    pub fn get(&self, name: &str) -> &str {
        let same = |(have, _): &&(String, String)| have.eq_ignore_ascii_case(name);
        self.0.iter().find(same).map_or("", |(_, value)| value)
    }
}

impl<N: Into<String>, V: Into<String>> FromIterator<(N, V)> for Fields {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(all: I) -> Self {
        Self(all.into_iter().map(|(name, value)| (name.into(), value.into())).collect())
    }
}

/// A media type with its parameters.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Media {
    /// `type/subtype`, in small letters.
    pub kind: String,
    parameters: Vec<(String, String)>,
}

impl Media {
    /// Reads the value of a Content-Type. What is no parameter is passed over.
    #[must_use]
    pub fn read(value: &str) -> Self {
        let mut pieces = pieces(value, ';');
        let kind = pieces.next().unwrap_or_default().trim().to_ascii_lowercase();
        let parameters = pieces
            .filter_map(|piece| {
                let (name, value) = piece.split_once('=')?;
                Some((name.trim().to_ascii_lowercase(), unquoted(value.trim())))
            })
            .collect();
        Self { kind, parameters }
    }

    /// A parameter; empty where it is missing.
    #[must_use]
    pub fn get(&self, name: &str) -> &str {
        self.parameters.iter().find(|(have, _)| have == name).map_or("", |(_, value)| value)
    }
}

/// Cuts at a separator, but not within quotes.
pub(crate) fn pieces(value: &str, separator: char) -> impl Iterator<Item = String> {
    let (mut all, mut piece, mut quoted, mut escaped) = (Vec::new(), String::new(), false, false);
    for c in value.chars() {
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            _ if c == separator && !quoted => {
                all.push(std::mem::take(&mut piece));
                continue;
            }
            _ => {}
        }
        piece.push(c);
    }
    all.push(piece);
    all.into_iter()
}

/// A value without its quotes.
pub(crate) fn unquoted(value: &str) -> String {
    let Some(inner) = value.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) else {
        return value.to_owned();
    };
    let (mut text, mut escaped) = (String::with_capacity(inner.len()), false);
    for c in inner.chars() {
        if c == '\\' && !escaped {
            escaped = true;
        } else {
            escaped = false;
            text.push(c);
        }
    }
    text
}

/// A part of a message, or a whole one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part<'a> {
    /// Its head.
    pub fields: Fields,
    /// Its body, as it came.
    pub body: &'a [u8],
    /// Head and body, as they came: what a signature is over.
    pub whole: &'a [u8],
}

impl<'a> Part<'a> {
    /// Reads head and body.
    ///
    /// # Errors
    /// A head that does not end, or has lines that are no fields.
    pub fn read(whole: &'a [u8]) -> Result<Self, MimeError> {
        let mut at = 0;
        loop {
            let end = whole[at..].iter().position(|b| *b == b'\n').ok_or(MimeError::Head)? + at;
            if end > HEAD {
                return Err(MimeError::Head);
            }
            let line = &whole[at..end];
            at = end + 1;
            if line.is_empty() || line == b"\r" {
                let fields = Fields::read(&whole[..end])?;
                return Ok(Self { fields, body: &whole[at..], whole });
            }
        }
    }

    /// Its media type.
    #[must_use]
    pub fn media(&self) -> Media {
        Media::read(self.fields.get("content-type"))
    }

    /// Its body, decoded.
    ///
    /// # Errors
    /// What is not encoded as it says, and encodings nobody uses.
    pub fn decoded(&self) -> Result<Cow<'a, [u8]>, MimeError> {
        match self.fields.get("content-transfer-encoding").to_ascii_lowercase().as_str() {
            "" | "7bit" | "8bit" | "binary" => Ok(Cow::Borrowed(self.body)),
            "base64" => unbase64(self.body).map(Cow::Owned),
            "quoted-printable" => unprintable(self.body).map(Cow::Owned),
            _ => Err(MimeError::Encoding),
        }
    }

    /// Its parts.
    ///
    /// # Errors
    /// See [`multipart`].
    pub fn parts(&self) -> Result<Vec<Part<'a>>, MimeError> {
        multipart(self.body, &self.media())
    }
}

/// Base64 with line ends and blanks anywhere.
///
/// # Errors
/// What is no base64.
pub fn unbase64(text: &[u8]) -> Result<Vec<u8>, MimeError> {
    let bare: Vec<u8> = text.iter().copied().filter(|b| !b.is_ascii_whitespace()).collect();
    STANDARD.decode(bare).map_err(|_| MimeError::Encoding)
}

/// Base64 in lines of 76 characters.
#[must_use]
pub fn base64_lines(bytes: &[u8]) -> String {
    let text = STANDARD.encode(bytes);
    let mut lines = String::with_capacity(text.len() + text.len() / 38 + 2);
    for line in text.as_bytes().chunks(76) {
        lines.push_str(std::str::from_utf8(line).expect("base64 is ASCII"));
        lines.push_str("\r\n");
    }
    lines
}

fn unprintable(text: &[u8]) -> Result<Vec<u8>, MimeError> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        if *first != b'=' {
            out.push(*first);
            continue;
        }
        if let Some(after) = rest.strip_prefix(b"\r\n").or_else(|| rest.strip_prefix(b"\n")) {
            rest = after;
            continue;
        }
        let digits = rest.get(..2).and_then(|two| std::str::from_utf8(two).ok());
        let byte = digits.and_then(|two| u8::from_str_radix(two, 16).ok());
        out.push(byte.ok_or(MimeError::Encoding)?);
        rest = &rest[2..];
    }
    Ok(out)
}

/// The parts of a multipart. What stands before the first and after the last boundary is nobody's.
///
/// # Errors
/// No boundary, none at the end, too many parts, or a part that cannot be read.
pub fn multipart<'a>(body: &'a [u8], media: &Media) -> Result<Vec<Part<'a>>, MimeError> {
    let boundary = media.get("boundary");
    if boundary.is_empty() || boundary.len() > 200 {
        return Err(MimeError::Boundary);
    }
    let delimiter = format!("--{boundary}").into_bytes();
    let (mut parts, mut begun, mut from) = (Vec::new(), None, 0);
    while let Some(found) = find(&body[from..], &delimiter).map(|at| at + from) {
        from = found + delimiter.len();
        let line_start = found == 0 || body[found - 1] == b'\n';
        let rest = &body[from..];
        let last = rest.starts_with(b"--");
        let tail = if last { &rest[2..] } else { rest };
        let blanks = tail.iter().take_while(|b| matches!(b, b' ' | b'\t')).count();
        let ends = matches!(&tail[blanks..], [] | [b'\n', ..] | [b'\r', b'\n', ..]);
        if !line_start || !ends {
            continue;
        }
        if let Some(begin) = begun {
            let mut end = found.max(begin);
            for byte in [b'\n', b'\r'] {
                if end > begin && body[end - 1] == byte {
                    end -= 1;
                }
            }
            if parts.len() == PARTS {
                return Err(MimeError::Parts);
            }
            parts.push(Part::read(&body[begin..end])?);
        }
        if last {
            return if parts.is_empty() { Err(MimeError::Truncated) } else { Ok(parts) };
        }
        let line = rest.iter().position(|b| *b == b'\n').ok_or(MimeError::Truncated)?;
        begun = Some(from + line + 1);
        from += line + 1;
    }
    Err(MimeError::Truncated)
}

fn find(hay: &[u8], needle: &[u8]) -> Option<usize> {
    let mut from = 0;
    while let Some(at) = hay[from..].iter().position(|b| *b == needle[0]) {
        let at = from + at;
        if hay[at..].starts_with(needle) {
            return Some(at);
        }
        from = at + 1;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    const TWO: &[u8] =
        b"preamble\r\n--b\r\nA: 1\r\n\r\nfirst\r\n--bx\r\n--b\r\n\r\n\r\n--b--\r\nafter";

    #[test]
    fn parts_are_the_bytes_between_boundaries() {
        let media = Media::read("multipart/mixed; boundary=\"b\"; charset=utf-8");
        let parts = multipart(TWO, &media).unwrap();
        assert_eq!(parts.len(), 2);
        assert_eq!(parts[0].whole, b"A: 1\r\n\r\nfirst\r\n--bx");
        assert_eq!((parts[0].fields.get("a"), parts[0].body), ("1", &b"first\r\n--bx"[..]));
        assert_eq!(parts[1].body, b"");
    }

    #[test]
    fn what_is_cut_short_is_told() {
        let media = Media::read("multipart/mixed; boundary=b");
        for cut in 10..TWO.len() - 10 {
            let told = multipart(&TWO[..cut], &media);
            assert!(matches!(told, Err(MimeError::Truncated | MimeError::Head)), "{cut}: {told:?}");
        }
        assert_eq!(multipart(TWO, &Media::read("multipart/mixed")), Err(MimeError::Boundary));
        let many = b"--b\r\n\r\nx\r\n".repeat(20);
        assert_eq!(multipart(&many, &media), Err(MimeError::Parts));
    }

    #[test]
    fn a_head_has_an_end_within_its_limit() {
        let long = [b"A: ".as_slice(), &vec![b'x'; 10 << 20], b"\r\n\r\n"].concat();
        assert_eq!(Part::read(&long), Err(MimeError::Head));
        assert_eq!(Part::read(b"A: 1\r\nB: 2"), Err(MimeError::Head));
        assert_eq!(Part::read(b"no field\r\n\r\n"), Err(MimeError::Field));
        let folded = Part::read(b"A: 1;\r\n\tb=\"2;\\\"3\"\r\n\r\n").unwrap();
        let media = Media::read(folded.fields.get("a"));
        assert_eq!((media.kind.as_str(), media.get("b")), ("1", "2;\"3"));
    }

    #[test]
    fn encodings_are_taken_off_or_told() {
        let decoded = |text: &[u8]| Part::read(text).unwrap().decoded().map(Cow::into_owned);
        assert_eq!(
            decoded(b"Content-Transfer-Encoding: BASE64\n\naGkg\r\nIQ=="),
            Ok(b"hi !".to_vec())
        );
        let printable = b"content-transfer-encoding: quoted-printable\n\na=3Db=\r\nc";
        assert_eq!(decoded(printable), Ok(b"a=bc".to_vec()));
        assert_eq!(decoded(b"content-transfer-encoding: base64\n\n!"), Err(MimeError::Encoding));
        assert_eq!(decoded(b"content-transfer-encoding: rot13\n\nx"), Err(MimeError::Encoding));
        assert_eq!(unbase64(base64_lines(&[7; 200]).as_bytes()), Ok(vec![7; 200]));
    }
}
