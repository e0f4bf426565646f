//! Letters, faxes and fax cover sheets as PDF with a text layer: a page each, one font every reader has, and a Code 39 bar code.

use std::fmt::Write as _;

/// A page of lines, with a bar code above them if wanted.
pub struct Sheet<'a> {
    /// Large first line.
    pub title: &'a str,
    /// Lines of text, top to bottom.
    pub lines: &'a [String],
    /// Text of the bar code.
    pub barcode: Option<&'a str>,
}

/// The PDF of one page.
pub fn pdf(sheet: &Sheet<'_>) -> Vec<u8> {
    pages(std::slice::from_ref(sheet))
}

/// The PDF of several pages, as a fax with more than one letter in it.
pub fn pages(sheets: &[Sheet<'_>]) -> Vec<u8> {
    rotated(sheets, 0)
}

/// The same with every page turned by so many degrees, as a fax that went in the wrong way.
pub fn rotated(sheets: &[Sheet<'_>], degrees: u16) -> Vec<u8> {
    // The page at `at` is the object after the three common ones, its text the next.
    let page = |at: usize| 4 + 2 * at;
    let kids: Vec<String> = (0..sheets.len()).map(|at| format!("{} 0 R", page(at))).collect();
    let mut objects = vec![
        "<< /Type /Catalog /Pages 2 0 R >>".to_owned(),
        format!("<< /Type /Pages /Kids [{}] /Count {} >>", kids.join(" "), sheets.len()),
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>".to_owned(),
    ];
    for (at, sheet) in sheets.iter().enumerate() {
        let content = content(sheet);
        objects.push(format!(
            "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Rotate {degrees} /Contents {} 0 R \
             /Resources << /Font << /F1 3 0 R >> >> >>",
            page(at) + 1
        ));
        objects.push(format!("<< /Length {} >>\nstream\n{content}endstream", content.len()));
    }
    assemble(&objects)
}

fn content(sheet: &Sheet<'_>) -> String {
    let mut content = String::new();
    // Writing to a string cannot fail.
    let _ = writeln!(content, "BT /F1 15 Tf 60 730 Td ({}) Tj ET", text(sheet.title));
    let mut y = 700;
    if let Some(code) = sheet.barcode {
        let mut x = 60.0;
        for (dark, width) in bars(code) {
            if dark {
                let _ = writeln!(content, "{x:.1} 640 {width:.1} 44 re f");
            }
            x += width;
        }
        let _ = writeln!(content, "BT /F1 9 Tf 60 628 Td ({}) Tj ET", text(code));
        y = 600;
    }
    for line in sheet.lines {
        let _ = writeln!(content, "BT /F1 10 Tf 60 {y} Td ({}) Tj ET", text(line));
        y -= 16;
    }
    content
}

fn assemble(objects: &[String]) -> Vec<u8> {
    let mut out = String::from("%PDF-1.4\n");
    let mut offsets = Vec::new();
    for (index, object) in objects.iter().enumerate() {
        offsets.push(out.len());
        let _ = write!(out, "{} 0 obj\n{object}\nendobj\n", index + 1);
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
    out.into_bytes()
}

/// Text inside PDF brackets: ASCII only, brackets and backslashes escaped.
fn text(words: &str) -> String {
    let mut out = String::new();
    for letter in words.chars() {
        match letter {
            '(' | ')' | '\\' => {
                out.push('\\');
                out.push(letter);
            }
            ' '..='~' => out.push(letter),
            _ => out.push('?'),
        }
    }
    out
}

/// Code 39: for each character nine bars and gaps, `1` = wide.
const CODE39: [(char, &str); 40] = [
    ('0', "000110100"),
    ('1', "100100001"),
    ('2', "001100001"),
    ('3', "101100000"),
    ('4', "000110001"),
    ('5', "100110000"),
    ('6', "001110000"),
    ('7', "000100101"),
    ('8', "100100100"),
    ('9', "001100100"),
    ('A', "100001001"),
    ('B', "001001001"),
    ('C', "101001000"),
    ('D', "000011001"),
    ('E', "100011000"),
    ('F', "001011000"),
    ('G', "000001101"),
    ('H', "100001100"),
    ('I', "001001100"),
    ('J', "000011100"),
    ('K', "100000011"),
    ('L', "001000011"),
    ('M', "101000010"),
    ('N', "000010011"),
    ('O', "100010010"),
    ('P', "001010010"),
    ('Q', "000000111"),
    ('R', "100000110"),
    ('S', "001000110"),
    ('T', "000010110"),
    ('U', "110000001"),
    ('V', "011000001"),
    ('W', "111000000"),
    ('X', "010010001"),
    ('Y', "110010000"),
    ('Z', "011010000"),
    ('-', "010000101"),
    ('/', "010100010"),
    (' ', "011000100"),
    ('*', "010010100"),
];

/// Dark and light stripes with their widths in points, between start and stop signs.
fn bars(code: &str) -> Vec<(bool, f32)> {
    let mut stripes = Vec::new();
    for letter in format!("*{}*", code.to_uppercase()).chars() {
        let Some((_, pattern)) = CODE39.iter().find(|(known, _)| *known == letter) else {
            continue;
        };
        for (index, wide) in pattern.chars().enumerate() {
            stripes.push((index % 2 == 0, if wide == '1' { 2.5 } else { 1.0 }));
        }
        stripes.push((false, 1.0));
    }
    stripes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets_point_at_objects_and_text_is_escaped() {
        let lines = vec!["Denied (not covered) \\ see O'HAZEL".to_owned()];
        let sheet =
            Sheet { title: "Notice", lines: &lines, barcode: Some("HSM/26061000123/OFFICE") };
        let bytes = pdf(&sheet);
        let whole = String::from_utf8(bytes).unwrap();
        assert!(whole.contains("(Denied \\(not covered\\) \\\\ see O'HAZEL) Tj"));
        let start: usize = whole
            .rsplit("startxref\n")
            .next()
            .and_then(|rest| rest.lines().next())
            .and_then(|line| line.parse().ok())
            .unwrap();
        assert!(whole[start..].starts_with("xref\n0 6"));
        for (index, line) in whole[start..].lines().skip(3).take(5).enumerate() {
            let offset: usize = line[..10].parse().unwrap();
            assert!(whole[offset..].starts_with(&format!("{} 0 obj", index + 1)));
        }
    }

    #[test]
    fn a_bar_code_has_nine_stripes_and_a_gap_for_each_sign() {
        let stripes = bars("A1");
        assert_eq!(stripes.len(), 4 * 10);
        let wide = stripes.iter().filter(|(_, width)| *width > 1.0).count();
        assert_eq!(wide, 4 * 3);
    }
}
