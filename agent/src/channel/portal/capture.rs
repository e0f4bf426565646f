//! Reading values: from elements, addresses, prints, downloads, PDFs and pictures.

use std::time::Duration;

use domain::{
    evidence::{EvidenceKind, Moment},
    id::EvidenceId,
    outcome::{Fact, Reference, ReferenceKind},
    script::{
        ast::{CaptureSource, CaptureSpec, Pattern, ReadAs, Region, ShotOf, Target},
        value::{FileRef, Value},
    },
    step::{Bounds, ReadValue},
};

use super::{Halt, Portal};
use crate::{
    browser::{Area, Attempted, Deadline, Found, ImageFormat, Page, Rect, Tries, Why},
    clock,
    observe::bounds,
    read,
};

/// Longest wait for one value, unless the step gives less.
const VALUE_WAIT: Duration = Duration::from_secs(8);
/// Longest wait for a value that may be missing: the screen is known, and what belongs to it comes with it.
const OPTIONAL_WAIT: Duration = Duration::from_secs(1);
/// Between the two looks that must agree on a reference.
const SECOND_LOOK: Duration = Duration::from_millis(150);

/// A text as read, and how.
struct Seen {
    text: String,
    by: &'static str,
    bounds: Option<Bounds>,
    confidence: Option<f64>,
    picture: Option<EvidenceId>,
}

impl Seen {
    fn of(text: String, by: &'static str) -> Self {
        Self { text, by, bounds: None, confidence: None, picture: None }
    }
}

impl Portal<'_> {
    /// Reads every value of a list.
    pub(crate) async fn captures(
        &mut self,
        specs: &[CaptureSpec],
        within: Deadline,
    ) -> Result<(), Halt> {
        let shown = specs.iter().any(|spec| matches!(spec.source, CaptureSource::From(_)));
        // The picture the values are read from: their boxes belong to it.
        let picture = match self.page() {
            Ok(page) if shown => self.observe.picture(&page, Moment::After).await,
            _ => None,
        };
        for spec in specs {
            let most = if spec.optional { OPTIONAL_WAIT } else { VALUE_WAIT };
            self.capture(spec, picture, within.at_most(most)).await?;
        }
        Ok(())
    }

    async fn capture(
        &mut self,
        spec: &CaptureSpec,
        picture: Option<EvidenceId>,
        within: Deadline,
    ) -> Result<(), Halt> {
        let seen = match self.see(spec, within).await {
            Ok(Some(seen)) => seen,
            Ok(None) => return self.nothing_read(spec, "nothing was read"),
            Err(Halt::Failed(failure)) if spec.optional => {
                return self.nothing_read(spec, &failure.detail);
            }
            Err(halt) => return Err(halt),
        };
        // A file or picture is its own value, kept as evidence; there is no text to read.
        if matches!(seen.by, "file" | "picture") {
            return Ok(());
        }
        let value = ReadValue {
            name: spec.name.text.clone(),
            value: seen.text.clone(),
            read_by: seen.by.to_owned(),
            picture: seen.picture.or(seen.bounds.and(picture)),
            bounds: seen.bounds,
            confidence: seen.confidence,
        };
        self.keep_value(value, &spec.read_as, spec.kind, spec.optional)?;
        if let (CaptureSource::InFile(name), ReadAs::Reference) = (&spec.source, &spec.read_as)
            && let Some(reference) = self.references.last_mut()
        {
            // What proves a number of a letter is the letter.
            reference.evidence = self.files.get(name.as_str()).copied();
        }
        Ok(())
    }

    fn nothing_read(&mut self, spec: &CaptureSpec, why: &str) -> Result<(), Halt> {
        if spec.optional {
            self.observe.log(&format!("{}: {why}", spec.name));
            return Ok(());
        }
        Err(self.raise("capture_missing", &format!("`{}`: {why}", spec.name)))
    }

    /// Keeps a value: as a capture for templates, and as a reference or fact of the outcome.
    pub(crate) fn keep_value(
        &mut self,
        mut read: ReadValue,
        read_as: &ReadAs,
        kind: Option<ReferenceKind>,
        optional: bool,
    ) -> Result<(), Halt> {
        let name = read.name.clone();
        let zone = self.eval(|scope| Ok(scope.zone()))?;
        let Some(value) = read_as.read(&read.value, &zone) else {
            if optional {
                return Ok(());
            }
            let detail = format!("`{name}` does not read as what it must be");
            return Err(self.raise("capture_missing", &detail));
        };
        let shown = domain::script::text::spaced(&read.value);
        if *read_as == ReadAs::Reference {
            let kind = kind.unwrap_or(ReferenceKind::Tracking);
            self.references.retain(|known| known.value != shown || known.kind != kind);
            self.references.push(Reference {
                kind,
                issuer: self.bundle.script.payer().to_owned(),
                value: shown.clone(),
                read_by: read.read_by.clone(),
                confidence: read.confidence,
                at: clock::now(),
                evidence: read.picture,
                bounds: read.bounds,
            });
        } else if !matches!(value, Value::File(_)) {
            let kept = self.observe.masker.text(&shown);
            self.facts.retain(|fact| fact.name != name);
            self.facts.push(Fact { name: name.clone(), value: kept });
        }
        self.captured.insert(name.clone(), value);
        self.read_by.insert(name, read.read_by.clone());
        read.value = shown;
        self.observe.value(read);
        Ok(())
    }

    async fn see(&mut self, spec: &CaptureSpec, within: Deadline) -> Result<Option<Seen>, Halt> {
        let is_reference = spec.read_as == ReadAs::Reference;
        match &spec.source {
            CaptureSource::From(target) => {
                let read = self.read_element(spec, target, within, is_reference).await;
                match (&spec.else_ocr, read) {
                    (Some(region), Ok(None)) => self.read_region(spec, *region).await,
                    (Some(region), Err(Halt::Failed(_))) => self.read_region(spec, *region).await,
                    (_, read) => read,
                }
            }
            CaptureSource::Url(pattern) => {
                let url = self.page()?.url();
                Ok(pattern.extract(&url).map(|text| Seen::of(text.to_owned(), "url")))
            }
            CaptureSource::Print => {
                let page = self.page()?;
                let pdf = page.pdf().await.map_err(|error| self.broken(&error))?;
                self.keep_file(spec, EvidenceKind::Print, pdf, "pdf").await
            }
            CaptureSource::Download(target) => {
                let pdf = self.download(target, within).await?;
                let kind = if pdf.starts_with(b"%PDF") { "pdf" } else { "file" };
                self.keep_file(spec, EvidenceKind::Download, pdf, kind).await
            }
            CaptureSource::InFile(name) => self.in_file(spec, name.as_str()).await,
            CaptureSource::Shot(of) => {
                let page = self.page()?;
                let id = match of {
                    ShotOf::Page => self.observe.full_page(&page, Moment::After).await,
                    ShotOf::View => self.observe.picture(&page, Moment::After).await,
                };
                Ok(id.map(|id| Seen::of(id.to_string(), "picture")))
            }
            CaptureSource::Ocr(target) => self.read_drawn(spec, target, within).await,
            CaptureSource::Pointer(_) => {
                Err(self.raise("capture_missing", "data by pointer need a page fetched as data"))
            }
        }
    }

    /// Text of an element, or value of a control; a reference must be the same in two looks.
    async fn read_element(
        &mut self,
        spec: &CaptureSpec,
        target: &Target,
        within: Deadline,
        twice: bool,
    ) -> Result<Option<Seen>, Halt> {
        let mut tries = Tries::until(within);
        loop {
            let (page, found) = self.find(target, within).await?;
            if let Some(shown) = self.shown_text(&page, &found).await
                && let Some(text) = of_spec(spec, &shown)
            {
                if twice {
                    tokio::time::sleep(SECOND_LOOK).await;
                    let again = self.shown_text(&page, &found).await;
                    if again.as_deref() != Some(shown.as_str()) {
                        continue;
                    }
                }
                let area = Some(bounds(&found.rect));
                let by = "dom";
                return Ok(Some(Seen { text, by, bounds: area, confidence: None, picture: None }));
            }
            if tries.wait_look(Why::NotShown).await.is_err() {
                return Ok(None);
            }
        }
    }

    /// What an element shows: a control's value, else its text.
    pub(crate) async fn shown_text(&self, page: &Page, found: &Found) -> Option<String> {
        let control = matches!(found.facts.tag.as_str(), "input" | "select" | "textarea");
        let read =
            if control { page.value(&found.node).await } else { page.text_of(&found.node).await };
        match read {
            Attempted::Done(text) => Some(text),
            Attempted::Wait(_) | Attempted::Stop(_) => None,
        }
    }

    /// Text drawn as a picture: the element's own picture through OCR.
    async fn read_drawn(
        &mut self,
        spec: &CaptureSpec,
        target: &Target,
        within: Deadline,
    ) -> Result<Option<Seen>, Halt> {
        let (page, found) = self.find(target, within).await?;
        // The pointer is moved there so that the page scrolls it into view; nothing is pressed.
        let node = found.node.clone();
        let mut seam = crate::browser::Unobserved;
        if let Attempted::Stop(stop) = page.try_hover(&node, 0, &mut seam).await {
            tracing::debug!(%stop, "hover before reading a picture");
        }
        let (page, found) = self.find(target, within).await?;
        self.read_area(spec, &page, found.rect).await
    }

    /// A part of the viewport through OCR.
    async fn read_region(
        &mut self,
        spec: &CaptureSpec,
        region: Region,
    ) -> Result<Option<Seen>, Halt> {
        let page = self.page()?;
        let whole = page.screenshot(Area::Viewport, ImageFormat::Png).await;
        let whole = whole.map_err(|error| self.broken(&error))?;
        let Ok(picture) = image::load_from_memory(&whole) else { return Ok(None) };
        let (width, height) = (f64::from(picture.width()), f64::from(picture.height()));
        let area = Rect {
            x: region.x * width,
            y: region.y * height,
            width: region.width * width,
            height: region.height * height,
        };
        self.read_area(spec, &page, area).await
    }

    async fn read_area(
        &mut self,
        spec: &CaptureSpec,
        page: &Page,
        area: Rect,
    ) -> Result<Option<Seen>, Halt> {
        let png = page.screenshot(Area::Clip(area), ImageFormat::Png).await;
        let png = png.map_err(|error| self.broken(&error))?;
        let crop = self.observe.keep(EvidenceKind::Crop, Moment::After, png.clone()).await;
        let own = Rect { x: 0.0, y: 0.0, width: area.width, height: area.height };
        let readings = match read::read_picture(png).await {
            Ok(readings) => readings,
            Err(unread) => return Err(self.raise("capture_missing", &unread.to_string())),
        };
        match agree(&readings, spec.pattern.as_ref()) {
            Ok((text, confidence)) => Ok(Some(Seen {
                text,
                by: "ocr",
                // The crop is the picture, and all of it.
                bounds: Some(bounds(&own)),
                confidence: Some(confidence),
                picture: Some(crop),
            })),
            Err(why) => {
                self.observe.log(&format!("{}: {why}", spec.name));
                Ok(None)
            }
        }
    }

    async fn keep_file(
        &mut self,
        spec: &CaptureSpec,
        kind: EvidenceKind,
        bytes: Vec<u8>,
        word: &str,
    ) -> Result<Option<Seen>, Halt> {
        let path = self.errand.folder.join(format!("{}.{word}", spec.name.short()));
        if let Err(error) = std::fs::write(&path, &bytes) {
            return Err(self.raise("download_failed", &error.to_string()));
        }
        let id = self.observe.keep(kind, Moment::After, bytes).await;
        let file = FileRef {
            reference: path.to_string_lossy().into_owned(),
            kind: Some(word.to_owned()),
            sha256: None,
            accept: vec![word.to_owned()],
            max_bytes: u64::MAX,
        };
        self.captured.insert(spec.name.text.clone(), Value::File(file));
        self.read_by.insert(spec.name.text.clone(), "file".to_owned());
        self.files.insert(spec.name.text.clone(), id);
        self.observe.log(&format!("{} kept as {id}", spec.name));
        // The file itself is the value; it is kept above under its name.
        Ok(Some(Seen::of(id.to_string(), "file")))
    }

    async fn download(&mut self, target: &Target, within: Deadline) -> Result<Vec<u8>, Halt> {
        let context = self.session.context.clone();
        drop(context.take_downloads());
        self.pace.page().await;
        self.deed(target, &super::act::Deed::Click, within).await?;
        let longer = Deadline::within(Duration::from_secs(30)).at_most(self.deadline.left());
        match context.wait_download(longer).await {
            Ok(download) => std::fs::read(&download.path)
                .map_err(|error| self.raise("download_failed", &error.to_string())),
            Err(error) => Err(self.raise("download_failed", &error.to_string())),
        }
    }

    async fn in_file(&mut self, spec: &CaptureSpec, name: &str) -> Result<Option<Seen>, Halt> {
        let Some(Value::File(file)) = self.captured.get(name) else {
            return Err(self.raise("capture_missing", &format!("`{name}` is no captured file")));
        };
        let bytes = std::fs::read(&file.reference)
            .map_err(|error| self.raise("capture_missing", &error.to_string()))?;
        match read::read_pdf(&bytes).await {
            Ok(text) if text.trim().is_empty() => self.in_scan(spec, &bytes).await,
            Ok(text) => Ok(matched(spec.pattern.as_ref(), &text).map(|text| Seen::of(text, "pdf"))),
            Err(unread) => Err(self.raise("capture_missing", &unread.to_string())),
        }
    }

    /// A letter without a text layer: the first page on which two readings agree.
    async fn in_scan(&mut self, spec: &CaptureSpec, pdf: &[u8]) -> Result<Option<Seen>, Halt> {
        let unread = |portal: &Self, unread: read::Unread| {
            portal.raise("capture_missing", &unread.to_string())
        };
        let pages = read::pages_of_pdf(pdf).await.map_err(|error| unread(self, error))?;
        for page in pages {
            let readings = read::read_scan(page).await.map_err(|error| unread(self, error))?;
            match agree(&readings, spec.pattern.as_ref()) {
                Ok((text, confidence)) => {
                    let confidence = Some(confidence);
                    return Ok(Some(Seen { confidence, ..Seen::of(text, "ocr") }));
                }
                Err(why) => self.observe.log(&format!("{}: {why}", spec.name)),
            }
        }
        Ok(None)
    }

    /// The values of these captures in one masked line, for the detail of what is raised.
    pub(crate) fn shown_captures(&self, specs: &[CaptureSpec]) -> String {
        let shown: Vec<String> = specs
            .iter()
            .filter_map(|spec| self.captured.get(spec.name.as_str())?.plain())
            .collect();
        shown.join("; ")
    }
}

/// What a pattern takes out of a shown text; all of it without one. Nothing empty.
pub(crate) fn matched(pattern: Option<&Pattern>, shown: &str) -> Option<String> {
    let shown = domain::script::text::spaced(shown);
    let text = match pattern {
        Some(pattern) => pattern.extract(&shown)?.to_owned(),
        None => shown,
    };
    (!text.is_empty()).then_some(text)
}

/// What a capture takes of a shown text.
fn of_spec(spec: &CaptureSpec, shown: &str) -> Option<String> {
    if spec.read_as == ReadAs::Verbatim && spec.pattern.is_none() {
        return (!shown.is_empty()).then(|| shown.to_owned());
    }
    matched(spec.pattern.as_ref(), shown)
}

/// The value the readings of a picture agree on.
fn agree(readings: &[read::Reading], pattern: Option<&Pattern>) -> Result<(String, f64), String> {
    read::agreed(readings, &|text| matched(pattern, text))
}

#[cfg(test)]
mod tests {
    use crate::read::{Reading, Word};

    use super::*;

    fn reading(words: &[(&str, f64)]) -> Reading {
        let words = words
            .iter()
            .map(|(text, confidence)| Word {
                text: (*text).to_owned(),
                confidence: *confidence,
                height: 30,
            })
            .collect();
        Reading { words }
    }

    #[test]
    fn a_value_read_from_a_picture_needs_two_equal_and_sure_readings() {
        let sure = reading(&[("Number", 95.0), ("CR-20481", 91.0)]);
        let unsure = reading(&[("Number", 95.0), ("CR-20481", 62.0)]);
        let other = reading(&[("Number", 95.0), ("CR-28481", 91.0)]);
        let pattern = pattern();
        let both = agree(&[sure.clone(), sure.clone()], Some(&pattern)).expect("agrees");
        assert_eq!(both, ("CR-20481".to_owned(), 91.0));
        assert!(agree(&[sure.clone(), unsure], Some(&pattern)).is_err());
        assert!(agree(&[sure, other], Some(&pattern)).is_err());
    }

    fn pattern() -> Pattern {
        Pattern {
            source: r"\b(CR-\d{5})\b".to_owned(),
            ignore_case: false,
            regex: regex::Regex::new(r"\b(CR-\d{5})\b").expect("valid"),
            span: domain::script::Span::start_of(&std::sync::Arc::from("x.yaml")),
        }
    }
}
