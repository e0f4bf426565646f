//! Pictures with their marks, and the piece of one that a value was read from.

use domain::{
    id::EvidenceId,
    step::{Bounds, Click},
};
use maud::{Markup, html};

/// A picture of a moment and, when the act met the page in that very picture, where.
#[derive(Debug, Clone, PartialEq)]
pub struct Picture {
    /// Evidence.
    pub id: EvidenceId,
    /// What a person sees, for `alt`.
    pub alt: String,
    /// Width and height in pixels, when known.
    pub pixels: Option<(u32, u32)>,
    /// The act of this very moment.
    pub click: Option<Click>,
    /// A box to light, in CSS pixels of the viewport of `click` or in pixels of the picture.
    pub lit: Option<Bounds>,
}

fn percent(part: f64, whole: f64) -> f64 {
    if whole > 0.0 { (part / whole * 10_000.0).round() / 100.0 } else { 0.0 }
}

fn rectangle(b: &Bounds, width: f64, height: f64) -> String {
    format!(
        "left:{}%;top:{}%;width:{}%;height:{}%",
        percent(b.x, width),
        percent(b.y, height),
        percent(b.width, width),
        percent(b.height, height)
    )
}

/// The picture, marks placed in percent over it. Without a picture of that moment there is no mark.
#[must_use]
pub fn picture(picture: &Picture) -> Markup {
    let href = format!("/evidence/{}", picture.id);
    let pixels = picture.pixels.map(|(w, h)| (f64::from(w), f64::from(h)));
    html! {
        div.shot {
            img src=(href) alt=(picture.alt) loading="lazy"
                width=[picture.pixels.map(|p| p.0)] height=[picture.pixels.map(|p| p.1)];
            @if let Some(c) = &picture.click {
                span.target aria-hidden="true" style=(rectangle(&c.bounds, c.viewport_width, c.viewport_height)) {}
                span.ring aria-hidden="true" style=(format!(
                    "left:{}%;top:{}%", percent(c.x, c.viewport_width), percent(c.y, c.viewport_height))) {}
            } @else if let (Some(b), Some((w, h))) = (&picture.lit, pixels) {
                span.lit aria-hidden="true" style=(rectangle(b, w, h)) {}
            }
        }
    }
}

/// The part of a picture around a box, cut by style alone, for a value's proof. Needs the picture's size.
#[must_use]
pub fn cut(picture: &Picture) -> Markup {
    let href = format!("/evidence/{}", picture.id);
    let Some((b, (w, h))) = picture.lit.zip(picture.pixels) else {
        return html! { a.cut href=(href) { img src=(href) alt=(picture.alt) loading="lazy"; } };
    };
    let (w, h) = (f64::from(w), f64::from(h));
    let (left, top) = ((b.x - 24.0).max(0.0), (b.y - 12.0).max(0.0));
    // A value at the start of a wide element: its first part says more than a strip too thin to read.
    let width = (b.width + 48.0).min(480.0).min(w - left).max(1.0);
    let height = (b.height + 24.0).min(h - top).max(1.0);
    let place = format!(
        "width:{}%;left:-{}%;top:-{}%",
        percent(w, width),
        percent(left, width),
        percent(top, height)
    );
    html! {
        a.cut href=(href) style=(format!("aspect-ratio:{width:.1}/{height:.1};max-width:{width:.0}px")) {
            img src=(href) alt=(picture.alt) loading="lazy" style=(place);
        }
    }
}
