//! A letter as it comes from a scanner: a PDF whose page is one picture, without any text in it. Letters are drawn with
//! strokes of our own, without any font; small letters as capitals.

use std::io::Write as _;

/// A point in a glyph's box: x 0…0.6, y 0 (top) … 1.
type Point = (f32, f32);

/// The picture's size: a letter page at 150 dots per inch.
const WIDTH: usize = 1275;
/// Rows of the picture.
const ROWS: usize = 1650;
/// Height of a capital, pixels.
const HEIGHT: f32 = 22.0;
/// From one letter to the next, in heights.
const ADVANCE: f32 = 0.82;
/// Width of a stroke, pixels.
const STROKE: f32 = 3.0;

fn arc(centre: Point, radius: Point, from: f32, to: f32) -> Vec<Point> {
    (0..=24_u8)
        .map(|step| {
            let angle = (from + (to - from) * f32::from(step) / 24.0).to_radians();
            (centre.0 + radius.0 * angle.cos(), centre.1 + radius.1 * angle.sin())
        })
        .collect()
}

/// Straight strokes, each `x y x y …` in twentieths of the box.
fn straight(letter: char) -> Option<&'static [&'static [u8]]> {
    Some(match letter {
        'A' => &[&[0, 20, 6, 0, 12, 20], &[2, 13, 10, 13]],
        'E' => &[&[11, 0, 1, 0, 1, 20, 11, 20], &[1, 10, 9, 10]],
        'F' => &[&[11, 0, 1, 0, 1, 20], &[1, 10, 9, 10]],
        'H' => &[&[1, 0, 1, 20], &[11, 0, 11, 20], &[1, 10, 11, 10]],
        'I' => &[&[2, 0, 10, 0], &[6, 0, 6, 20], &[2, 20, 10, 20]],
        'K' => &[&[1, 0, 1, 20], &[11, 0, 1, 12], &[4, 9, 11, 20]],
        'L' => &[&[1, 0, 1, 20, 11, 20]],
        'M' => &[&[0, 20, 1, 0, 6, 13, 11, 0, 12, 20]],
        'N' => &[&[1, 20, 1, 0, 11, 20, 11, 0]],
        'T' => &[&[0, 0, 12, 0], &[6, 0, 6, 20]],
        'V' => &[&[0, 0, 6, 20, 12, 0]],
        'W' => &[&[0, 0, 3, 20, 6, 7, 9, 20, 12, 0]],
        'X' => &[&[1, 0, 11, 20], &[11, 0, 1, 20]],
        'Y' => &[&[0, 0, 6, 10, 12, 0], &[6, 10, 6, 20]],
        'Z' => &[&[1, 0, 11, 0, 1, 20, 11, 20]],
        '1' => &[&[2, 4, 6, 0, 6, 20], &[2, 20, 10, 20]],
        '4' => &[&[9, 20, 9, 0, 0, 14, 12, 14]],
        '7' => &[&[1, 0, 11, 0, 4, 20]],
        '-' => &[&[2, 11, 9, 11]],
        '/' => &[&[1, 21, 10, 0]],
        '%' => &[&[1, 20, 11, 0]],
        '.' => &[&[5, 19, 6, 20]],
        ',' => &[&[6, 18, 4, 23]],
        ':' => &[&[5, 7, 6, 8], &[5, 18, 6, 19]],
        '\'' => &[&[6, 0, 5, 5]],
        _ => return None,
    })
}

#[expect(clippy::too_many_lines, reason = "a table of letters")]
fn strokes(letter: char) -> Vec<Vec<Point>> {
    if let Some(lines) = straight(letter) {
        let points = |line: &&[u8]| {
            line.chunks(2).map(|p| (f32::from(p[0]) / 20.0, f32::from(p[1]) / 20.0)).collect()
        };
        return lines.iter().map(points).collect();
    }
    let then = |mut first: Vec<Point>, second: &[Point]| {
        first.extend_from_slice(second);
        first
    };
    match letter {
        '\u{c5}' => vec![
            arc((0.3, -0.12), (0.09, 0.09), 0.0, 360.0),
            vec![(0.0, 1.0), (0.3, 0.0), (0.6, 1.0)],
            vec![(0.1, 0.65), (0.5, 0.65)],
        ],
        'B' => vec![
            vec![(0.05, 0.0), (0.05, 1.0)],
            then(
                vec![(0.05, 0.0), (0.3, 0.0)],
                &then(arc((0.3, 0.24), (0.22, 0.24), -90.0, 90.0), &[(0.05, 0.48)]),
            ),
            then(
                vec![(0.05, 0.48), (0.3, 0.48)],
                &then(arc((0.3, 0.74), (0.27, 0.26), -90.0, 90.0), &[(0.05, 1.0)]),
            ),
        ],
        'C' => vec![arc((0.34, 0.5), (0.32, 0.5), -45.0, -315.0)],
        'D' => vec![then(
            vec![(0.25, 1.0), (0.05, 1.0), (0.05, 0.0), (0.25, 0.0)],
            &arc((0.25, 0.5), (0.33, 0.5), -90.0, 90.0),
        )],
        'G' => vec![then(arc((0.34, 0.5), (0.32, 0.5), -45.0, -355.0), &[(0.36, 0.54)])],
        'J' => vec![then(vec![(0.5, 0.0)], &arc((0.27, 0.72), (0.23, 0.28), 0.0, 170.0))],
        'O' => vec![arc((0.3, 0.5), (0.31, 0.5), 0.0, 360.0)],
        'P' | 'R' => {
            let bowl = then(
                vec![(0.05, 1.0), (0.05, 0.0), (0.28, 0.0)],
                &arc((0.28, 0.26), (0.27, 0.26), -90.0, 90.0),
            );
            let mut all = vec![then(bowl, &[(0.05, 0.52)])];
            if letter == 'R' {
                all.push(vec![(0.3, 0.52), (0.58, 1.0)]);
            }
            all
        }
        'Q' => vec![arc((0.3, 0.5), (0.31, 0.5), 0.0, 360.0), vec![(0.36, 0.72), (0.6, 1.04)]],
        'S' => vec![then(
            arc((0.3, 0.25), (0.25, 0.24), -25.0, -235.0),
            &arc((0.3, 0.74), (0.26, 0.26), -70.0, 155.0),
        )],
        'U' => vec![then(
            then(vec![(0.05, 0.0)], &arc((0.3, 0.7), (0.25, 0.3), 180.0, 0.0)),
            &[(0.55, 0.0)],
        )],
        '0' => vec![arc((0.3, 0.5), (0.25, 0.5), 0.0, 360.0)],
        '2' => {
            vec![then(arc((0.3, 0.28), (0.25, 0.27), 190.0, 395.0), &[(0.05, 1.0), (0.57, 1.0)])]
        }
        '3' => vec![
            arc((0.28, 0.25), (0.24, 0.24), 205.0, 450.0),
            arc((0.28, 0.74), (0.27, 0.26), -90.0, 150.0),
        ],
        '5' => vec![then(
            vec![(0.5, 0.0), (0.11, 0.0), (0.08, 0.46)],
            &arc((0.28, 0.66), (0.27, 0.33), -140.0, 145.0),
        )],
        '6' => vec![
            arc((0.3, 0.68), (0.26, 0.31), 0.0, 360.0),
            arc((0.62, 0.66), (0.58, 0.66), 182.0, 262.0),
        ],
        '8' => vec![
            arc((0.3, 0.25), (0.22, 0.24), 0.0, 360.0),
            arc((0.3, 0.74), (0.26, 0.26), 0.0, 360.0),
        ],
        '9' => vec![
            arc((0.3, 0.32), (0.26, 0.31), 0.0, 360.0),
            arc((-0.02, 0.34), (0.58, 0.66), 2.0, 82.0),
        ],
        _ => Vec::new(),
    }
}

fn distance(at: Point, from: Point, to: Point) -> f32 {
    let (dx, dy) = (to.0 - from.0, to.1 - from.1);
    let length = dx * dx + dy * dy;
    let along = if length == 0.0 {
        0.0
    } else {
        (((at.0 - from.0) * dx + (at.1 - from.1) * dy) / length).clamp(0.0, 1.0)
    };
    (at.0 - from.0 - along * dx).hypot(at.1 - from.1 - along * dy)
}

/// A grey picture, white at first.
struct Page {
    grey: Vec<u8>,
}

impl Page {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "places and greys of a page"
    )]
    fn line(&mut self, from: Point, to: Point) {
        let (left, right) = (from.0.min(to.0) - STROKE, from.0.max(to.0) + STROKE);
        let (top, bottom) = (from.1.min(to.1) - STROKE, from.1.max(to.1) + STROKE);
        for y in top.max(0.0) as usize..(bottom as usize + 1).min(ROWS) {
            for x in left.max(0.0) as usize..(right as usize + 1).min(WIDTH) {
                let away = distance((x as f32 + 0.5, y as f32 + 0.5), from, to);
                let ink = (STROKE / 2.0 + 0.5 - away).clamp(0.0, 1.0);
                let grey = (255.0 - ink * 225.0) as u8;
                if let Some(pixel) = self.grey.get_mut(y * WIDTH + x) {
                    *pixel = (*pixel).min(grey);
                }
            }
        }
    }

    fn write(&mut self, words: &str, top: f32) {
        let mut left = 110.0;
        for letter in words.to_uppercase().chars() {
            for stroke in strokes(letter) {
                let place = |point: &Point| (left + point.0 * HEIGHT, top + point.1 * HEIGHT);
                for pair in stroke.windows(2) {
                    if let [from, to] = pair {
                        self.line(place(from), place(to));
                    }
                }
            }
            left += if letter == ' ' { 0.7 } else { ADVANCE } * HEIGHT;
        }
    }
}

/// Runs of equal bytes, as PDF's run-length filter reads them.
fn packed(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    for run in bytes.chunk_by(|a, b| a == b) {
        for piece in run.chunks(128) {
            let byte = piece.first().copied().unwrap_or(255);
            match u8::try_from(piece.len()) {
                Ok(1) => out.extend([0, byte]),
                Ok(long) => out.extend([(257 - u16::from(long)).to_le_bytes()[0], byte]),
                Err(_) => {}
            }
        }
    }
    out.push(128);
    out
}

/// Letters on a line of the page.
const LINE: usize = 58;

/// A line broken between words where it is too long for the page.
fn wrapped(line: &str) -> Vec<String> {
    let mut pieces = vec![String::new()];
    for word in line.split(' ') {
        let last = pieces.last_mut().expect("there is always one");
        if !last.is_empty() && last.chars().count() + 1 + word.chars().count() > LINE {
            pieces.push(word.to_owned());
            continue;
        }
        if !last.is_empty() {
            last.push(' ');
        }
        last.push_str(word);
    }
    pieces
}

/// The PDF.
pub(super) fn pdf(title: &str, lines: &[String]) -> Vec<u8> {
    let mut page = Page { grey: vec![255; WIDTH * ROWS] };
    let mut top = 130.0;
    page.write(title, top);
    top += 70.0;
    for line in lines {
        for piece in wrapped(line) {
            page.write(&piece, top);
            top += 44.0;
        }
    }
    let picture = packed(&page.grey);
    let content = "q 612 0 0 792 0 0 cm /Im0 Do Q";
    let objects: [(String, &[u8]); 5] = [
        ("<< /Type /Catalog /Pages 2 0 R >>".to_owned(), b""),
        ("<< /Type /Pages /Kids [3 0 R] /Count 1 >>".to_owned(), b""),
        (
            "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents 5 0 R \
             /Resources << /XObject << /Im0 4 0 R >> >> >>"
                .to_owned(),
            b"",
        ),
        (
            format!(
                "<< /Type /XObject /Subtype /Image /Width {WIDTH} /Height {ROWS} /BitsPerComponent 8 \
                 /ColorSpace /DeviceGray /Filter /RunLengthDecode /Length {} >>",
                picture.len()
            ),
            &picture,
        ),
        (format!("<< /Length {} >>", content.len()), content.as_bytes()),
    ];
    assemble(&objects)
}

fn assemble(objects: &[(String, &[u8])]) -> Vec<u8> {
    let mut out = b"%PDF-1.4\n".to_vec();
    let mut offsets = Vec::new();
    // Writing to memory cannot fail.
    for (at, (head, stream)) in objects.iter().enumerate() {
        offsets.push(out.len());
        let _ = writeln!(out, "{} 0 obj\n{head}", at + 1);
        if !stream.is_empty() {
            out.extend_from_slice(b"stream\n");
            out.extend_from_slice(stream);
            out.extend_from_slice(b"\nendstream\n");
        }
        out.extend_from_slice(b"endobj\n");
    }
    let start = out.len();
    let _ = write!(out, "xref\n0 {}\n0000000000 65535 f \n", objects.len() + 1);
    for offset in offsets {
        let _ = writeln!(out, "{offset:010} 00000 n ");
    }
    let _ = write!(
        out,
        "trailer\n<< /Size {} /Root 1 0 R >>\nstartxref\n{start}\n%%EOF\n",
        objects.len() + 1
    );
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unpacked(bytes: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        let mut at = 0;
        while bytes[at] != 128 {
            let length = usize::from(bytes[at]);
            if length < 128 {
                out.extend_from_slice(&bytes[at + 1..at + 2 + length]);
                at += 2 + length;
            } else {
                out.extend(std::iter::repeat_n(bytes[at + 1], 257 - length));
                at += 2;
            }
        }
        out
    }

    #[test]
    fn runs_are_packed_and_come_back() {
        let mut bytes = vec![255; 300];
        bytes.extend([1, 2, 2, 3]);
        bytes.extend(vec![7; 128]);
        assert_eq!(unpacked(&packed(&bytes)), bytes);
    }

    #[test]
    fn long_lines_are_broken_between_words() {
        let long = "Service 97110: 20 units asked, 12 units approved, 03/09/2026 to 03/10/2026";
        let pieces = wrapped(long);
        assert!(pieces.len() == 2 && pieces.iter().all(|piece| piece.len() <= LINE));
        assert_eq!(pieces.join(" "), long);
        assert_eq!(wrapped(""), [""]);
    }

    #[test]
    fn every_sign_of_a_letter_has_strokes_of_its_own_and_no_text_is_in_the_file() {
        let signs = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-/.,:";
        for (at, one) in signs.char_indices() {
            assert!(!strokes(one).is_empty(), "{one}");
            assert!(signs[at + 1..].chars().all(|other| strokes(other) != strokes(one)), "{one}");
        }
        let bytes = pdf("Notice", &["Decision: Denied".to_owned()]);
        let whole = String::from_utf8_lossy(&bytes);
        assert!(bytes.starts_with(b"%PDF-") && whole.contains("/RunLengthDecode"));
        assert!(!whole.contains("Denied") && !whole.contains("/Font"));
        assert!(bytes.len() < 400_000, "{}", bytes.len());
    }
}
