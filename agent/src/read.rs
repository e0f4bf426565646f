//! Reading values from pictures and PDFs: Tesseract with a threshold per word, `pdftotext` for text layers.

use std::{io::Write as _, path::Path, process::Stdio, time::Duration};

use image::{
    GrayImage, ImageFormat,
    imageops::{self, FilterType},
};
use tesseract_rs::{TessPageSegMode, TesseractAPI};

/// Least confidence of every word of a value, in percent.
pub const CONFIDENCE_MIN: f64 = 80.0;

/// Where Tesseract's language data may lie.
const DATA: [&str; 3] = [
    "/usr/share/tesseract-ocr/5/tessdata",
    "/usr/share/tesseract-ocr/tessdata",
    "/usr/share/tessdata",
];

/// Why nothing could be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unread {
    /// Tesseract or its data are not there, or failed.
    #[error("reading the picture failed: {0}")]
    Engine(String),
    /// The picture is not a picture, or too large.
    #[error("the picture could not be decoded")]
    BadPicture,
    /// The PDF could not be read.
    #[error("the PDF could not be read: {0}")]
    BadPdf(String),
}

/// One word as read.
#[derive(Debug, Clone, PartialEq)]
pub struct Word {
    /// Its text.
    pub text: String,
    /// Confidence in percent.
    pub confidence: f64,
    /// Its height in the picture that was read, in pixels.
    pub height: u32,
}

/// One reading of a picture.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Reading {
    /// Words in reading order.
    pub words: Vec<Word>,
}

impl Reading {
    /// The words with single spaces between.
    #[must_use]
    pub fn text(&self) -> String {
        let words: Vec<&str> = self.words.iter().map(|word| word.text.as_str()).collect();
        words.join(" ")
    }

    /// The lowest confidence among the words that make up `value`; none when it is not made of whole words here.
    #[must_use]
    pub fn confidence_of(&self, value: &str) -> Option<f64> {
        let wanted: Vec<&str> = value.split_whitespace().collect();
        if wanted.is_empty() {
            return None;
        }
        self.words
            .windows(wanted.len())
            .filter(|run| {
                run.iter().zip(&wanted).all(|(word, part)| {
                    let bare = |c: char| !c.is_alphanumeric();
                    word.text.trim_matches(bare).ends_with(part.trim_matches(bare))
                })
            })
            .map(|run| run.iter().map(|word| word.confidence).fold(100.0, f64::min))
            .reduce(f64::max)
    }
}

/// The folder with Tesseract's English data, if there is one.
#[must_use]
pub fn data_folder() -> Option<String> {
    let own = std::env::var("TESSDATA_PREFIX").ok();
    own.into_iter()
        .chain(DATA.into_iter().map(str::to_owned))
        .find(|folder| Path::new(folder).join("eng.traineddata").is_file())
}

/// How the words of a picture are arranged.
#[derive(Clone, Copy)]
enum Layout {
    /// One block of text: a piece of a page.
    Block,
    /// A whole page.
    Page,
}

/// One look at a picture.
#[derive(Clone, Copy)]
struct Way {
    /// How much it is enlarged.
    factor: f32,
    /// Gaussian blur afterwards, in pixels; 0 is none. It takes the noise and the corners of JPEG away.
    blur: f32,
    layout: Layout,
}

/// A white rim around what is read, in pixels: Tesseract loses letters that touch the edge.
const RIM: u32 = 30;

/// The picture as this look sees it.
fn prepared(png: &[u8], way: Way) -> Result<GrayImage, Unread> {
    let picture = image::load_from_memory_with_format(png, ImageFormat::Png)
        .map_err(|_| Unread::BadPicture)?
        .to_luma8();
    let scaled = |length: u32| -> Result<u32, Unread> {
        let long = (f64::from(length) * f64::from(way.factor)).round();
        // Tesseract itself takes no side over 32,767.
        if !(1.0..=32_000.0).contains(&long) {
            return Err(Unread::BadPicture);
        }
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "1 to 32,000")]
        Ok(long as u32)
    };
    let (width, height) = (scaled(picture.width())?, scaled(picture.height())?);
    if u64::from(width) * u64::from(height) > 40_000_000 {
        return Err(Unread::BadPicture);
    }
    let mut enlarged = imageops::resize(&picture, width, height, FilterType::CatmullRom);
    if way.blur > 0.0 {
        enlarged = imageops::blur(&enlarged, way.blur);
    }
    let mut page = GrayImage::from_pixel(width + 2 * RIM, height + 2 * RIM, image::Luma([255]));
    imageops::overlay(&mut page, &enlarged, i64::from(RIM), i64::from(RIM));
    Ok(page)
}

/// Reads a PNG in one way. Blocking: call it through [`read_picture`].
fn recognise(png: &[u8], way: Way) -> Result<Reading, Unread> {
    let page = prepared(png, way)?;
    let folder = data_folder().ok_or_else(|| {
        Unread::Engine("Tesseract's English data are missing; install tesseract-ocr-eng".into())
    })?;
    let failed = |e: tesseract_rs::TesseractError| Unread::Engine(e.to_string());
    let engine = TesseractAPI::new();
    engine.init(folder, "eng").map_err(failed)?;
    let mode = match way.layout {
        Layout::Block => TessPageSegMode::PSM_SINGLE_BLOCK,
        Layout::Page => TessPageSegMode::PSM_AUTO,
    };
    engine.set_page_seg_mode(mode).map_err(failed)?;
    let (w, h) = (page.width().cast_signed(), page.height().cast_signed());
    engine.set_image(page.as_raw(), w, h, 1, w).map_err(failed)?;
    engine.set_source_resolution(300).map_err(failed)?;
    engine.recognize().map_err(failed)?;
    Ok(from_tsv(&engine.get_tsv_text(0).map_err(failed)?))
}

/// Words of Tesseract's table: level 5 rows, column 9 the height, 10 the confidence, 11 the text.
fn from_tsv(tsv: &str) -> Reading {
    let words = tsv
        .lines()
        .map(|line| line.split('\t').collect::<Vec<_>>())
        .filter(|row| row.len() >= 12 && row[0] == "5" && !row[11].trim().is_empty())
        .filter_map(|row| {
            Some(Word {
                text: row[11].trim().to_owned(),
                confidence: row[10].parse().ok()?,
                height: row[9].parse().ok()?,
            })
        })
        .collect();
    Reading { words }
}

/// The value the readings agree on, with the confidence of the second surest; `value` takes it out of a text. At least two readings
/// show it, none shows another, and no look-alike could stand in its place: what Tesseract takes for another letter it does with
/// confidence, and every time.
///
/// # Errors
/// Why there is no sure value, without any value.
pub fn agreed(
    readings: &[Reading],
    value: &dyn Fn(&str) -> Option<String>,
) -> Result<(String, f64), String> {
    let mut shown: Option<String> = None;
    let mut sure = Vec::new();
    for reading in readings {
        let Some(read) = value(&reading.text()) else { continue };
        if shown.as_ref().is_some_and(|known| *known != read) {
            return Err("two readings of the picture differ".to_owned());
        }
        sure.push(reading.confidence_of(&read).unwrap_or(0.0));
        shown = Some(read);
    }
    let Some(shown) = shown else {
        return Err("the picture does not show what is wanted".to_owned());
    };
    sure.sort_by(|a, b| b.total_cmp(a));
    let Some(confidence) = sure.get(1).copied() else {
        return Err("only one reading of the picture shows what is wanted".to_owned());
    };
    if confidence < CONFIDENCE_MIN {
        return Err(format!("read with a confidence of {confidence:.0} % only"));
    }
    if could_be_another(&shown, readings, value) {
        return Err("a letter of it could as well be its look-alike".to_owned());
    }
    Ok((shown, confidence))
}

/// Letters and digits that Tesseract takes for each other.
const LOOK_ALIKES: [&str; 12] =
    ["0O", "0D", "0Q", "OD", "OQ", "1I", "1L", "5S", "8B", "2Z", "6G", "9S"];

/// Whether a code, with one letter replaced by its look-alike, would be taken for the value as well. Words of a sentence are no
/// code; a pattern that says where digits stand leaves no doubt.
fn could_be_another(
    shown: &str,
    readings: &[Reading],
    value: &dyn Fn(&str) -> Option<String>,
) -> bool {
    if shown.chars().any(|letter| letter.is_whitespace() || letter.is_lowercase()) {
        return false;
    }
    let texts = readings.iter().map(Reading::text).filter(|text| text.contains(shown));
    let texts: Vec<String> = texts.collect();
    let alike = |letter: char| {
        LOOK_ALIKES
            .iter()
            .filter(move |pair| pair.contains(letter))
            .flat_map(|pair| pair.chars())
            .filter(move |other| *other != letter)
    };
    shown.char_indices().any(|(at, letter)| {
        alike(letter).any(|other| {
            let end = at + letter.len_utf8();
            let swapped = format!("{}{other}{}", &shown[..at], &shown[end..]);
            let taken = |text: &String| value(&text.replacen(shown, &swapped, 1));
            texts.iter().any(|text| taken(text).as_ref() == Some(&swapped))
        })
    })
}

/// How high Tesseract likes its letters, in pixels.
const LETTER_PX: f32 = 30.0;

/// Reads a PNG three times: three times as large, as large as Tesseract likes its letters, and a little larger with the noise
/// blurred.
///
/// # Errors
/// See [`Unread`].
pub async fn read_picture(png: Vec<u8>) -> Result<Vec<Reading>, Unread> {
    tokio::task::spawn_blocking(move || {
        let (layout, blur) = (Layout::Block, 0.0);
        let first = recognise(&png, Way { factor: 3.0, blur, layout })?;
        let letter = letter_px(&first).map_or(LETTER_PX, |height| height / 3.0);
        let factor = (LETTER_PX / letter).clamp(1.0, 6.0);
        let second = recognise(&png, Way { factor, blur, layout })?;
        let third = recognise(&png, Way { factor: factor * 1.13, blur: 1.2, layout })?;
        Ok(vec![first, second, third])
    })
    .await
    .map_err(|_| Unread::Engine("the reader stopped".into()))?
}

/// The height of most letters in a reading.
fn letter_px(reading: &Reading) -> Option<f32> {
    let mut heights: Vec<u16> =
        reading.words.iter().filter_map(|word| u16::try_from(word.height).ok()).collect();
    heights.sort_unstable();
    heights.get(heights.len() / 2).map(|height| f32::from(*height).max(1.0))
}

/// Longest text taken from one PDF, in bytes.
const PDF_TEXT_MAX: u64 = 8 << 20;

/// A converter of poppler-utils, with a gibibyte of memory and 20 s of processor time: a letter is a stranger's file.
fn converter(program: &str) -> tokio::process::Command {
    let mut command = tokio::process::Command::new("prlimit");
    command
        .args(["--as=1073741824", "--cpu=20", program])
        .env_clear()
        .env("PATH", "/usr/local/bin:/usr/bin:/bin")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true);
    command
}

/// What a converter writes, at most 8 MiB, within 20 s.
async fn converted(mut command: tokio::process::Command) -> Result<Vec<u8>, Unread> {
    let not_run = |e: std::io::Error| Unread::BadPdf(format!("the converter did not run ({e})"));
    let mut child = command.spawn().map_err(not_run)?;
    let output = child.stdout.take();
    let run = async {
        let mut said = Vec::new();
        if let Some(output) = output {
            let mut output = tokio::io::AsyncReadExt::take(output, PDF_TEXT_MAX + 1);
            tokio::io::AsyncReadExt::read_to_end(&mut output, &mut said).await.map_err(not_run)?;
        }
        if said.len() as u64 > PDF_TEXT_MAX {
            return Err(Unread::BadPdf("its text is longer than 8 MiB".into()));
        }
        let status = child.wait().await.map_err(not_run)?;
        if status.success() {
            Ok(said)
        } else {
            Err(Unread::BadPdf("it is damaged or locked".into()))
        }
    };
    tokio::time::timeout(Duration::from_secs(20), run)
        .await
        .unwrap_or_else(|_| Err(Unread::BadPdf("it took too long".into())))
}

/// The pages of a PDF as pictures 3600 pixels long (about 300 dots per inch of a letter), by `pdftoppm` (poppler-utils): at most the
/// first ten, at most 20 s.
///
/// # Errors
/// See [`Unread`].
pub async fn pages_of_pdf(pdf: &[u8]) -> Result<Vec<Vec<u8>>, Unread> {
    let bad = |e: std::io::Error| Unread::BadPdf(e.to_string());
    let folder = tempfile::tempdir().map_err(bad)?;
    let file = folder.path().join("letter.pdf");
    std::fs::write(&file, pdf).map_err(bad)?;
    let mut command = converter("pdftoppm");
    command.args(["-png", "-gray", "-scale-to", "3600", "-l", "10"]);
    command.arg(&file).arg(folder.path().join("page"));
    converted(command).await?;
    let mut names: Vec<_> = std::fs::read_dir(folder.path())
        .map_err(bad)?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|ending| ending == "png"))
        .collect();
    names.sort();
    names.iter().map(|path| std::fs::read(path).map_err(bad)).collect()
}

/// Reads a scanned page at its own size and three quarters of it; both readings.
///
/// # Errors
/// See [`Unread`].
pub async fn read_scan(png: Vec<u8>) -> Result<Vec<Reading>, Unread> {
    tokio::task::spawn_blocking(move || {
        let way = Way { factor: 1.0, blur: 0.0, layout: Layout::Page };
        Ok(vec![recognise(&png, way)?, recognise(&png, Way { factor: 0.75, ..way })?])
    })
    .await
    .map_err(|_| Unread::Engine("the reader stopped".into()))?
}

/// The text layer of a PDF, by `pdftotext` (poppler-utils), at most 20 s.
///
/// # Errors
/// See [`Unread`].
pub async fn read_pdf(pdf: &[u8]) -> Result<String, Unread> {
    let bad = |e: std::io::Error| Unread::BadPdf(e.to_string());
    let mut file = tempfile::NamedTempFile::new().map_err(bad)?;
    file.write_all(pdf).map_err(bad)?;
    let mut command = converter("pdftotext");
    command.args(["-layout", "-enc", "UTF-8", "-l", "200"]).arg(file.path()).arg("-");
    let said = converted(command).await?;
    Ok(String::from_utf8_lossy(&said).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A PDF of so many pages of this size with the same content.
    fn pdf(pages: usize, size: u64, content: &str) -> Vec<u8> {
        let kids: Vec<String> = (0..pages).map(|n| format!("{} 0 R", n + 5)).collect();
        let mut objects = vec![
            "<</Type/Catalog/Pages 2 0 R>>".to_owned(),
            format!("<</Type/Pages/Count {pages}/Kids[{}]>>", kids.join(" ")),
            format!("<</Length {}>>stream\n{content}\nendstream", content.len()),
            "<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>".to_owned(),
        ];
        let page = format!(
            "<</Type/Page/Parent 2 0 R/MediaBox[0 0 {size} {size}]/Contents 3 0 R/Resources<</Font<</F1 4 0 R>>>>>>"
        );
        objects.extend(std::iter::repeat_n(page, pages));
        let mut out = "%PDF-1.4\n".to_owned();
        for (n, object) in objects.iter().enumerate() {
            out.push_str(&format!("{} 0 obj\n{object}\nendobj\n", n + 1));
        }
        out.push_str("trailer<</Root 1 0 R>>\n%%EOF\n");
        out.into_bytes()
    }

    #[tokio::test]
    async fn a_letter_is_read_and_a_bomb_ends_in_bounded_time() {
        let line = "BT /F1 12 Tf 10 10 Td (Letter number N61000001) Tj ET";
        assert!(read_pdf(&pdf(1, 600, line)).await.unwrap().contains("N61000001"));
        // Of too many pages the first two hundred are read.
        let many = read_pdf(&pdf(300, 600, line)).await.unwrap();
        assert_eq!(many.matches("N61000001").count(), 200);
        // A page the size of a field is painted as small as a letter, or refused.
        for page in pages_of_pdf(&pdf(1, 4_000_000, line)).await.unwrap_or_default() {
            assert!(page.len() < 4 << 20);
        }
        // More words than any letter has.
        let words = "(flooded with many words that nobody ever needs in any letter at all)";
        let flood: String = (0..700).map(|n| format!("1 0 0 1 1 {n} Tm {words} Tj ")).collect();
        let flooded = read_pdf(&pdf(300, 700, &format!("BT /F1 1 Tf {flood} ET"))).await;
        assert!(matches!(flooded, Err(Unread::BadPdf(_))), "{:?}", flooded.map(|text| text.len()));
        assert!(matches!(read_pdf(b"%PDF-1.4 nothing").await, Err(Unread::BadPdf(_))));
    }

    #[test]
    fn the_table_gives_words_and_the_lowest_confidence_counts() {
        let tsv = "5\t1\t1\t1\t1\t1\t0\t0\t9\t9\t96.1\tReference:\n\
                   5\t1\t1\t1\t1\t2\t0\t0\t9\t9\t71.5\tCR-20481\n\
                   4\t1\t1\t1\t1\t0\t0\t0\t9\t9\t-1\t\n";
        let reading = from_tsv(tsv);
        assert_eq!(reading.text(), "Reference: CR-20481");
        assert_eq!(reading.confidence_of("CR-20481"), Some(71.5));
        assert_eq!(reading.confidence_of("Reference: CR-20481"), Some(71.5));
        assert_eq!(reading.confidence_of("other"), None);
        assert_eq!(reading.words[0].height, 9);
    }

    fn reading(text: &str, confidence: f64) -> Reading {
        let word = |text: &str| Word { text: text.to_owned(), confidence, height: 30 };
        Reading { words: text.split(' ').map(word).collect() }
    }

    fn taken(pattern: &str) -> impl Fn(&str) -> Option<String> {
        let pattern = regex::Regex::new(pattern).unwrap();
        move |text| Some(pattern.captures(text)?.get(1)?.as_str().to_owned())
    }

    #[test]
    fn two_readings_that_agree_are_sure_and_one_that_differs_is_not() {
        let value = taken(r"\b(N\d{4})\b");
        let good =
            [reading("No N1234", 91.0), reading("No N12S4", 85.0), reading("No N1234", 84.0)];
        assert_eq!(agreed(&good, &value), Ok(("N1234".to_owned(), 84.0)));
        let differ =
            [reading("No N1234", 91.0), reading("No N1284", 92.0), reading("No N1234", 93.0)];
        assert!(agreed(&differ, &value).unwrap_err().contains("differ"));
        let one = [reading("No N1234", 91.0), reading("No Nl234", 92.0)];
        assert!(agreed(&one, &value).unwrap_err().contains("only one"));
        let faint = [reading("No N1234", 91.0), reading("No N1234", 79.0)];
        assert!(agreed(&faint, &value).unwrap_err().contains("79 %"));
        assert!(agreed(&[reading("nothing", 99.0)], &value).unwrap_err().contains("not show"));
    }

    #[test]
    fn a_letter_that_could_be_its_look_alike_is_not_sure() {
        let both = |text| [reading(text, 95.0), reading(text, 95.0)];
        // Letters and digits may stand anywhere: the S could be a 5.
        let key = taken(r"Key ([A-Z2-9]{4})\b");
        assert!(agreed(&both("Key YSLK"), &key).unwrap_err().contains("look-alike"));
        assert!(agreed(&both("Key YTLK"), &key).is_ok());
        // Digits only, letters only: no doubt.
        let digits = taken(r"Key (\d{4})\b");
        assert!(agreed(&both("Key 1058"), &digits).is_ok());
        let words = taken(r"Decision: (.+)$");
        assert!(agreed(&both("Decision: Service Denied"), &words).is_ok());
    }
}
