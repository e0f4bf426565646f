//! What may not leave the slot: patient values in texts, and boxes of secrets in pictures.

use std::{collections::BTreeSet, io::Cursor, sync::LazyLock};

use image::{
    ExtendedColorType, ImageEncoder as _, ImageFormat, Rgb,
    codecs::png::{CompressionType, FilterType, PngEncoder},
};
use jiff::civil::Date;
use regex::Regex;
use serde_json::Value;

use crate::browser::Rect;

/// Session ids and tokens in addresses and form bodies: they are as good as a password while the session lives.
static TOKENS: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(
        r#"(?i)((?:^|[;?&\s"'])(?:jsessionid|phpsessid|sid|session(?:_?id)?|(?:access_|id_|auth_)?token|_?csrf[a-z_]*|xsrf[a-z_]*|samlresponse|relaystate|password|__viewstate)=)[^&"'\s<>;?#]+"#,
    )
    .expect("a fixed pattern")
});

/// The same where a body names its fields in JSON, or in parts.
static NAMED_TOKENS: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(
        r#"(?i)("(?:jsessionid|phpsessid|sid|session(?:_?id)?|(?:access_?|id_?|auth_?)?token|[a-z_-]*(?:csrf|xsrf)[a-z_-]*|samlresponse|relaystate|password|__viewstate)"(?:\s*:\s*"|\r?\n(?:[^\r\n]+\r?\n)*\r?\n))[^"\r\n]+"#,
    )
    .expect("a fixed pattern")
});

/// Replaces patient values by bullets in every text that is kept or logged. Has no `Debug`: it knows the values.
#[derive(Clone, Default)]
pub struct Masker {
    values: BTreeSet<String>,
    pattern: Option<Regex>,
}

impl Masker {
    /// Knows the member of these inputs: id, names, date of birth in the usual forms.
    #[must_use]
    pub fn for_inputs(inputs: &Value) -> Self {
        let mut masker = Self::default();
        if let Some(member) = inputs.get("member") {
            masker.take_in(member);
        }
        // A search may show a record of somebody else, to see that it works.
        if let Some(other) = inputs.get("known").and_then(|known| known.get("member")) {
            masker.take_in(other);
        }
        masker.build();
        masker
    }

    /// Learns a further value.
    pub fn learn(&mut self, value: &str) {
        let before = self.values.len();
        self.add(value);
        if self.values.len() != before {
            self.build();
        }
    }

    /// The text without patient values. Of a value with a digit that is no date the last four characters stay, so
    /// that people can tell two members apart.
    #[must_use]
    pub fn text(&self, text: &str) -> String {
        let text = TOKENS.replace_all(text, "${1}••••");
        let text = NAMED_TOKENS.replace_all(&text, "${1}••••");
        match &self.pattern {
            None => text.into_owned(),
            Some(pattern) => pattern
                .replace_all(&text, |found: &regex::Captures<'_>| bullets(&found[0]))
                .into_owned(),
        }
    }

    /// The values themselves, as they may be shown on a page: for covering them in pictures.
    #[must_use]
    pub fn shown(&self) -> Vec<String> {
        self.values.iter().cloned().collect()
    }

    fn take_in(&mut self, value: &Value) {
        match value {
            Value::String(text) => self.add(text),
            Value::Number(number) => self.add(&number.to_string()),
            Value::Array(items) => items.iter().for_each(|item| self.take_in(item)),
            Value::Object(fields) => fields.values().for_each(|field| self.take_in(field)),
            Value::Null | Value::Bool(_) => {}
        }
    }

    fn add(&mut self, value: &str) {
        let value = value.trim();
        if value.chars().count() < 2 {
            return;
        }
        self.values.insert(value.to_owned());
        if let Ok(date) = value.parse::<Date>() {
            let (y, m, d) = (date.year(), date.month(), date.day());
            self.values.extend([
                format!("{m:02}/{d:02}/{y}"),
                format!("{m}/{d}/{y}"),
                format!("{m:02}-{d:02}-{y}"),
                format!("{m:02}{d:02}{y}"),
                format!("{y}{m:02}{d:02}"),
            ]);
        }
    }

    fn build(&mut self) {
        let mut forms: BTreeSet<String> = BTreeSet::new();
        for value in &self.values {
            forms.insert(value.clone());
            forms.insert(url::form_urlencoded::byte_serialize(value.as_bytes()).collect());
            forms.insert(value.replace('&', "&amp;").replace('<', "&lt;").replace('\'', "&#39;"));
            forms.insert(value.replace('/', "%2F"));
            forms.insert(value.replace('/', "\\/"));
        }
        let mut forms: Vec<String> = forms.into_iter().collect();
        // The longest first: an id inside a longer one must not leave a rest.
        forms.sort_by_key(|form| std::cmp::Reverse(form.len()));
        let alternatives: Vec<String> = forms
            .iter()
            .map(|form| {
                let plain = regex::escape(form);
                // Short names are replaced as whole words only, else they would eat half of the page.
                if form.chars().count() < 4 { format!(r"\b{plain}\b") } else { plain }
            })
            .collect();
        self.pattern = if alternatives.is_empty() {
            None
        } else {
            Regex::new(&format!("(?i){}", alternatives.join("|"))).ok()
        };
    }
}

/// A value as bullets, with its last four characters where that tells nothing about the person.
#[must_use]
pub fn bullets(value: &str) -> String {
    let count = value.chars().count();
    let is_date = value.contains(['/', '-', '%']) || value.parse::<u64>().is_ok_and(|_| count == 8);
    if count >= 8 && !is_date && value.chars().any(|c| c.is_ascii_digit()) {
        let last: String = value.chars().skip(count - 4).collect();
        format!("••••{last}")
    } else {
        "••••".to_owned()
    }
}

/// Paints boxes black in a PNG. `scale` is picture pixels per CSS pixel.
///
/// # Errors
/// The picture cannot be read or written: it must then not be kept at all.
pub fn black_out(png: &[u8], boxes: &[Rect], scale: f64) -> Result<Vec<u8>, image::ImageError> {
    if boxes.is_empty() {
        return Ok(png.to_vec());
    }
    let mut picture = image::load_from_memory_with_format(png, ImageFormat::Png)?.into_rgb8();
    let (width, height) = picture.dimensions();
    for area in boxes {
        let edge = |at: f64, most: u32| {
            // Clamped to the picture first, so the cast cannot lose anything.
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped")]
            let pixel = (at * scale).clamp(0.0, f64::from(most)) as u32;
            pixel
        };
        let (left, right) = (edge(area.x - 1.0, width), edge(area.right() + 1.0, width));
        let (top, bottom) = (edge(area.y - 1.0, height), edge(area.bottom() + 1.0, height));
        for y in top..bottom {
            for x in left..right {
                picture.put_pixel(x, y, Rgb([0, 0, 0]));
            }
        }
    }
    let mut out = Cursor::new(Vec::new());
    let encoder =
        PngEncoder::new_with_quality(&mut out, CompressionType::Fast, FilterType::Adaptive);
    encoder.write_image(&picture, width, height, ExtendedColorType::Rgb8)?;
    Ok(out.into_inner())
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::Rgba;

    #[test]
    fn member_values_vanish_in_every_form() {
        let masker = Masker::for_inputs(&serde_json::json!({
            "member": {"id": "W100000001", "last_name": "ALDER", "first_name": "JO", "dob": "1980-02-14"},
            "lines": [{"code": "70551"}],
        }));
        let seen = masker
            .text("Alder, Jo (W100000001) born 02/14/1980, 2%2F14%2F1980; 70551 for a job of joy");
        assert_eq!(seen, "••••, •••• (••••0001) born ••••, ••••; 70551 for a job of joy");
        assert_eq!(masker.text("02%2F14%2F1980 w100000001"), "•••• ••••0001");
    }

    #[test]
    fn session_ids_and_tokens_do_not_stay_in_addresses() {
        let masker = Masker::default();
        assert_eq!(
            masker.text("https://a.test/x;jsessionid=5365C10?m=1&csrf_token=ab%20c&page=2"),
            "https://a.test/x;jsessionid=••••?m=1&csrf_token=••••&page=2"
        );
        assert_eq!(masker.text("csrf=1&user=jo"), "csrf=••••&user=jo");
        for (body, shown) in [
            (
                r#"{"csrfToken": "ab12", "note": "token"}"#,
                r#"{"csrfToken": "••••", "note": "token"}"#,
            ),
            (r#"{"accessToken":"ab12","X-CSRF":"9"}"#, r#"{"accessToken":"••••","X-CSRF":"••••"}"#),
            (
                "Content-Disposition: form-data; name=\"_csrf\"\r\n\r\nab12\r\n--x",
                "Content-Disposition: form-data; name=\"_csrf\"\r\n\r\n••••\r\n--x",
            ),
            (r#"{"tokens": "three"}"#, r#"{"tokens": "three"}"#),
        ] {
            assert_eq!(masker.text(body), shown);
        }
        assert_eq!(masker.text("residual=3"), "residual=3");
    }

    #[test]
    fn a_box_is_black_and_the_rest_is_not() {
        let white = image::RgbaImage::from_pixel(40, 20, Rgba([255, 255, 255, 255]));
        let mut png = Cursor::new(Vec::new());
        white.write_to(&mut png, ImageFormat::Png).expect("writes");
        let area = Rect { x: 5.0, y: 5.0, width: 4.0, height: 4.0 };
        let out = black_out(&png.into_inner(), &[area], 2.0).expect("paints");
        let out = image::load_from_memory(&out).expect("reads").to_rgba8();
        assert_eq!(out.get_pixel(12, 12), &Rgba([0, 0, 0, 255]));
        assert_eq!(out.get_pixel(30, 12), &Rgba([255, 255, 255, 255]));
    }
}
