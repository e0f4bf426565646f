//! Pictures and documents of a page, with secrets and patient values covered before anything is kept.

use domain::{
    evidence::{EvidenceKind, Moment},
    id::EvidenceId,
};

use super::{Observer, bare_address};
use crate::{
    browser::{Area, ImageFormat, Page, Query, Rect},
    mask::black_out,
};

/// Inputs that always show black in pictures: what was typed there is a secret.
const SECRET_INPUTS: &str =
    "input[type=password], input[autocomplete=one-time-code], [data-fleet-secret]";

/// Tries to picture a page whose frames come and go.
const SHOTS_MAX: u32 = 4;

impl Observer {
    /// A picture of the viewport. Nothing while a secret is on its way or when the page is not there.
    pub async fn picture(&mut self, page: &Page, moment: Moment) -> Option<EvidenceId> {
        if self.suspended || !self.pictures || page.is_closed() || page.is_crashed() {
            return None;
        }
        let shown = Shown::of(page);
        // What is typed changes no document: after a step with acts there is always a new picture.
        let untouched = match moment {
            Moment::Before => true,
            Moment::After => self.open.last().is_some_and(|step| step.acts.is_empty()),
            Moment::AtAct => false,
        };
        if untouched
            && let Some((id, before)) = &self.last_picture
            && *before == shown
        {
            // Nothing has changed since the last picture: it shows this moment, too.
            let id = *id;
            self.attach(id);
            return Some(id);
        }
        let png = self.shot(page, Area::Viewport).await?;
        let id = self.keep(EvidenceKind::Screenshot, moment, png).await;
        self.last_picture = Some((id, shown));
        Some(id)
    }

    /// A picture of the whole page; the bytes too, for reading values from it.
    pub async fn full_page(&mut self, page: &Page, moment: Moment) -> Option<EvidenceId> {
        let png = self.shot(page, Area::FullPage).await?;
        Some(self.keep(EvidenceKind::FullPage, moment, png).await)
    }

    /// The part of the page around an element, for people who compare it with how it looked before.
    pub async fn crop(&mut self, page: &Page, around: &Rect, moment: Moment) -> Option<EvidenceId> {
        if self.suspended || !self.pictures || page.is_closed() || page.is_crashed() {
            return None;
        }
        let png = self.shot(page, Area::Clip(surroundings(around))).await?;
        Some(self.keep(EvidenceKind::Crop, moment, png).await)
    }

    /// The document and its visible text, masked.
    pub async fn document(&mut self, page: &Page, moment: Moment) -> Option<EvidenceId> {
        if self.suspended {
            return None;
        }
        let frames = page.html().await.ok()?;
        let mut out = String::new();
        for (url, html) in frames {
            out.push_str("<!-- frame ");
            out.push_str(&bare_address(&url));
            out.push_str(" -->\n");
            out.push_str(&without_values(&html));
            out.push('\n');
        }
        let dom = self.masker.text(&out);
        let id = self.keep(EvidenceKind::Dom, moment, dom.into_bytes()).await;
        if let Ok(text) = page.visible_text().await {
            let text = self.masker.text(&text);
            self.keep(EvidenceKind::PageText, moment, text.into_bytes()).await;
        }
        Some(id)
    }

    /// Boxes that must be black, in CSS pixels of the viewport; none when a part of the page could not be asked.
    async fn boxes(&self, page: &Page, shown: &[String]) -> Option<Vec<Rect>> {
        let mut out = page.covers(SECRET_INPUTS, shown).await.ok()?;
        for query in &self.black {
            if let Ok(found) = page.find(query).await {
                out.extend(found.into_iter().filter(|one| one.visible).map(|one| one.rect));
            }
        }
        Some(out)
    }

    /// A picture without secrets and patient values. What cannot be masked is not kept.
    async fn shot(&mut self, page: &Page, area: Area) -> Option<Vec<u8>> {
        let shown = self.masker.shown();
        for _ in 0..SHOTS_MAX {
            let Some(mut boxes) = self.boxes(page, &shown).await else { continue };
            let png = page.screenshot(area, ImageFormat::Png).await.ok()?;
            // Again afterwards: what moved meanwhile is black at both places.
            let Some(after) = self.boxes(page, &shown).await else { continue };
            boxes.extend(after.into_iter().filter(|one| !boxes.contains(one)).collect::<Vec<_>>());
            let (left, top) = match area {
                Area::Viewport => (0.0, 0.0),
                Area::Clip(part) => (part.x, part.y),
                Area::FullPage if boxes.is_empty() => (0.0, 0.0),
                Area::FullPage => {
                    // Boxes are measured in the viewport; the root element tells how far the page is scrolled.
                    let url = page.url();
                    let roots = page.find(&Query::css("html")).await.ok()?;
                    let root = roots.iter().find(|root| root.frame_url == url).or(roots.first())?;
                    (root.rect.x, root.rect.y)
                }
            };
            for covered in &mut boxes {
                covered.x -= left;
                covered.y -= top;
            }
            return tokio::task::spawn_blocking(move || black_out(&png, &boxes, 1.0))
                .await
                .ok()?
                .ok();
        }
        tracing::warn!("a picture was not kept: the page changed too fast to mask it");
        None
    }
}

/// Most of a page that is shown around an element, CSS pixels.
const PART: (f64, f64) = (640.0, 320.0);
/// How much is shown beside an element.
const BESIDE: (f64, f64) = (140.0, 70.0);

/// The part of the page that tells an element from its neighbours. It begins at whole pixels, so that covers fit.
fn surroundings(element: &Rect) -> Rect {
    let x = (element.x - BESIDE.0).max(0.0).floor();
    // What is in view begins in view; above it there may be nothing.
    let top = element.y - BESIDE.1;
    let y = if element.y >= 0.0 { top.max(0.0).floor() } else { top.floor() };
    Rect {
        x,
        y,
        width: (element.right() + BESIDE.0 - x).clamp(1.0, PART.0).ceil(),
        height: (element.bottom() + BESIDE.1 - y).clamp(1.0, PART.1).ceil(),
    }
}

/// What tells whether a page has changed since a picture: the page, its address, and the driver's count of changes.
#[derive(PartialEq, Eq)]
pub(super) struct Shown {
    page: String,
    url: String,
    changes: u64,
}

impl Shown {
    fn of(page: &Page) -> Self {
        Self { page: page.id().to_owned(), url: page.url(), changes: *page.changes().borrow() }
    }
}

/// A document without what is typed into password and code inputs. Values of other inputs are masked by value.
fn without_values(html: &str) -> String {
    use std::sync::LazyLock;
    static SECRET: LazyLock<regex::Regex> = LazyLock::new(|| {
        regex::Regex::new(
            r#"(?is)<input\b[^>]*(type\s*=\s*["']?(password|hidden)|one-time-code)[^>]*>"#,
        )
        .expect("a fixed pattern")
    });
    static VALUE: LazyLock<regex::Regex> = LazyLock::new(|| {
        regex::Regex::new(r#"(?is)\bvalue\s*=\s*("[^"]*"|'[^']*'|[^\s>]+)"#)
            .expect("a fixed pattern")
    });
    SECRET
        .replace_all(html, |found: &regex::Captures<'_>| {
            VALUE.replace_all(&found[0], "value=\"\"").into_owned()
        })
        .into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_part_around_an_element_is_bounded_and_holds_it() {
        let field = Rect { x: 300.4, y: 900.0, width: 200.0, height: 30.0 };
        let part = surroundings(&field);
        assert!(part.x <= field.x && part.right() >= field.right(), "{part:?}");
        assert!(part.y <= field.y && part.bottom() >= field.bottom(), "{part:?}");
        let table = Rect { x: 0.0, y: 10.0, width: 1_280.0, height: 4_000.0 };
        let part = surroundings(&table);
        assert_eq!((part.x, part.width, part.height), (0.0, 640.0, 320.0));
    }

    #[test]
    fn typed_secrets_do_not_stay_in_a_kept_document() {
        let html = r#"<input name=user value="jo"><input type="password" value='s3cret'><input value="123456" autocomplete="one-time-code">"#;
        let kept = without_values(html);
        assert!(kept.contains("jo"), "other values are masked by value, not here");
        assert!(!kept.contains("s3cret") && !kept.contains("123456"));
        assert_eq!(super::super::bare_address("https://a.example/x?m=1#y"), "https://a.example/x");
    }
}
