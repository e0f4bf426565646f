//! Pictures, prints and texts of a page. Everything here is raw page data: whoever keeps it masks it.

use super::browser::text;
use super::connection::CALL;
use super::error::Error;
use super::geometry::Rect;
use super::page::Page;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use futures_util::future::join_all;
use serde::Deserialize;
use serde_json::{Value, json};
use std::time::Duration;

/// Pictures of long pages take their time.
const PICTURE: Duration = Duration::from_secs(20);
/// Most text kept of a page.
const TEXT_CAP: usize = 2 << 20;
/// Chromium cannot paint more than this at once.
const TALLEST: f64 = 16_000.0;

/// Picture format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ImageFormat {
    /// Lossless.
    Png,
    /// With this quality, 0…100.
    Jpeg(u8),
}

/// Which part of the page.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Area {
    /// What is in the viewport.
    Viewport,
    /// The whole page, down to 16 000 px.
    FullPage,
    /// A box of the viewport, in CSS pixels.
    Clip(Rect),
}

/// What one reading of one frame gives. Untrusted page data.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct FrameLook {
    /// Frame id.
    #[serde(skip)]
    pub frame: String,
    /// Address.
    pub url: String,
    /// Title.
    pub title: String,
    /// Visible headings and legends.
    pub headings: Vec<String>,
    /// Visible landmarks and dialogs: role and name.
    pub landmarks: Vec<String>,
    /// Visible controls.
    pub controls: Vec<ControlLook>,
    /// Column names of visible tables.
    pub tables: Vec<Vec<String>>,
    /// Texts of live regions.
    pub live: Vec<String>,
}

/// One control of a form census.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct ControlLook {
    /// Label, else placeholder.
    pub label: String,
    /// Tag name.
    pub tag: String,
    /// Role or type.
    pub kind: String,
    /// Native or ARIA required.
    pub required: bool,
}

impl Page {
    /// A picture. Emulation and scrolling stay as they are.
    ///
    /// # Errors
    /// The page is gone or does not paint.
    pub async fn screenshot(&self, area: Area, format: ImageFormat) -> Result<Vec<u8>, Error> {
        let mut params = match format {
            // Speed over size: the picture is looked at once more and packed before it is kept.
            ImageFormat::Png => json!({"format": "png", "optimizeForSpeed": true}),
            ImageFormat::Jpeg(quality) => json!({"format": "jpeg", "quality": quality.min(100)}),
        };
        if area != Area::Viewport {
            let metrics = self.inner.call_raw("Page.getLayoutMetrics", json!({})).await?;
            let number = |p: &str| metrics.pointer(p).and_then(Value::as_f64).unwrap_or(0.0);
            let clip = match area {
                // Clips are relative to the document, ours to the viewport.
                Area::Clip(r) => Rect {
                    x: r.x + number("/cssLayoutViewport/pageX"),
                    y: r.y + number("/cssLayoutViewport/pageY"),
                    ..r
                },
                _ => Rect {
                    x: 0.0,
                    y: 0.0,
                    width: number("/cssContentSize/width"),
                    height: number("/cssContentSize/height").min(TALLEST),
                },
            };
            params["clip"] = json!({"x": clip.x, "y": clip.y, "width": clip.width.max(1.0), "height": clip.height.max(1.0), "scale": 1});
            // What lies below the fold is painted only when that is asked for.
            let beyond = match area {
                Area::Clip(r) => {
                    r.y < 0.0
                        || r.bottom() > number("/cssLayoutViewport/clientHeight")
                        || r.right() > number("/cssLayoutViewport/clientWidth")
                }
                _ => true,
            };
            params["captureBeyondViewport"] = json!(beyond);
        }
        self.inner.alive()?;
        let inner = &self.inner;
        let reply = inner
            .conn
            .call_raw(Some(&inner.session), "Page.captureScreenshot", params, PICTURE)
            .await?;
        decode(&reply, "Page.captureScreenshot")
    }

    /// The page as a PDF, with backgrounds.
    ///
    /// # Errors
    /// The page is gone.
    pub async fn pdf(&self) -> Result<Vec<u8>, Error> {
        self.inner.alive()?;
        let inner = &self.inner;
        let params = json!({"printBackground": true, "preferCSSPageSize": true});
        let reply =
            inner.conn.call_raw(Some(&inner.session), "Page.printToPDF", params, PICTURE).await?;
        decode(&reply, "Page.printToPDF")
    }

    /// Address and HTML of every frame.
    ///
    /// # Errors
    /// The page is gone; frames that go away meanwhile are left out.
    pub async fn html(&self) -> Result<Vec<(String, String)>, Error> {
        let all = self.of_frames("html").await?;
        Ok(all.into_iter().map(|(url, v)| (url, v.as_str().unwrap_or("").to_owned())).collect())
    }

    /// Visible text of all frames, block by block, at most 2 MiB.
    ///
    /// # Errors
    /// As [`Page::html`].
    pub async fn visible_text(&self) -> Result<String, Error> {
        let mut out = String::new();
        for (_, value) in self.of_frames("visibleText").await? {
            let words = value.as_str().unwrap_or("");
            if !words.is_empty() {
                if !out.is_empty() {
                    out.push('\n');
                }
                out.push_str(words);
            }
        }
        if out.len() > TEXT_CAP {
            let cut = (0..=TEXT_CAP).rev().find(|i| out.is_char_boundary(*i)).unwrap_or(0);
            out.truncate(cut);
        }
        Ok(out)
    }

    /// Headings, controls, tables and live texts of every frame.
    ///
    /// # Errors
    /// As [`Page::html`].
    pub async fn look(&self) -> Result<Vec<FrameLook>, Error> {
        let frames = self.inner.frame_states();
        let looks = join_all(frames.iter().map(|f| self.inner.run(&f.id, "look", json!([])))).await;
        self.inner.alive()?;
        let mut out = Vec::new();
        for (frame, look) in frames.into_iter().zip(looks) {
            let Ok(look) = look else { continue };
            let mut look: FrameLook =
                serde_json::from_value(look).map_err(|_| Error::Script("look"))?;
            look.frame = frame.id;
            out.push(look);
        }
        Ok(out)
    }

    /// Boxes, in the page's viewport, of everything that matches the selectors or shows one of the values.
    ///
    /// # Errors
    /// The page is gone, or a frame that is still there could not be asked: nothing may be kept of it then.
    pub async fn covers(&self, selectors: &str, values: &[String]) -> Result<Vec<Rect>, Error> {
        let frames = self.inner.frame_states();
        let asked = frames.iter().map(|f| async {
            let boxes = self.inner.run(&f.id, "covers", json!([selectors, values])).await?;
            let boxes: Vec<Rect> =
                serde_json::from_value(boxes).map_err(|_| Error::Script("covers"))?;
            if boxes.is_empty() {
                return Ok::<_, Error>(boxes);
            }
            let map = self.inner.frame_map(&f.id).await?;
            Ok(boxes.iter().map(|r| map.map_or(*r, |map| map.rect(r))).collect())
        });
        let mut out: Vec<Rect> = Vec::new();
        for (frame, boxes) in frames.iter().zip(join_all(asked).await) {
            match boxes {
                Ok(boxes) => out.extend(boxes),
                Err(e) if e.is_stale() && !self.inner.has_frame(&frame.id) => {}
                Err(e) => return Err(e),
            }
        }
        self.inner.alive()?;
        Ok(out)
    }

    async fn of_frames(&self, function: &'static str) -> Result<Vec<(String, Value)>, Error> {
        let frames = self.inner.frame_states();
        let values =
            join_all(frames.iter().map(|f| self.inner.run(&f.id, function, json!([])))).await;
        self.inner.alive()?;
        // The main document must be readable; a child frame may be going away.
        if let (Some(Err(e)), true) =
            (values.first(), frames.first().is_some_and(|f| f.id == self.inner.id))
        {
            return Err(e.clone());
        }
        let read = frames.into_iter().zip(values);
        Ok(read.filter_map(|(f, v)| v.ok().map(|v| (f.url, v))).collect())
    }
}

fn decode(reply: &Value, method: &'static str) -> Result<Vec<u8>, Error> {
    BASE64_STANDARD.decode(text(reply, "/data")).map_err(|_| Error::Decode { method })
}

/// The default deadline of a call, for callers that set their own around it.
pub const CALL_DEADLINE: Duration = CALL;
