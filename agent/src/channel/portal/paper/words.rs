//! What a reader would see of a document that is not laid out.

use scraper::{ElementRef, Node as Tree};

use super::select;
use crate::browser::text;

/// What an element shows: a control's value, else its text.
pub(crate) fn value(element: ElementRef<'_>) -> String {
    match element.value().name() {
        "input" => element.attr("value").unwrap_or_default().to_owned(),
        "select" => {
            let chosen = select(element, "option[selected]").into_iter().next();
            let first = || select(element, "option").into_iter().next();
            chosen.or_else(first).map(shown).unwrap_or_default()
        }
        _ => shown(element),
    }
}

/// Text of an element without what a browser does not show; blocks and cells are apart.
pub(super) fn shown(element: ElementRef<'_>) -> String {
    let mut out = String::new();
    gather(element, &mut out);
    text::spaces(&out)
}

fn gather(element: ElementRef<'_>, out: &mut String) {
    if is_silent(element) {
        return;
    }
    let block = !matches!(
        element.value().name(),
        "a" | "abbr"
            | "b"
            | "bdi"
            | "cite"
            | "code"
            | "em"
            | "font"
            | "i"
            | "label"
            | "mark"
            | "q"
            | "s"
            | "small"
            | "span"
            | "strong"
            | "sub"
            | "sup"
            | "time"
            | "u"
            | "wbr"
    );
    if block {
        out.push(' ');
    }
    for child in element.children() {
        match child.value() {
            Tree::Text(words) => out.push_str(words),
            Tree::Element(_) => {
                if let Some(child) = ElementRef::wrap(child) {
                    gather(child, out);
                }
            }
            _ => {}
        }
    }
    if block {
        out.push(' ');
    }
}

/// Not shown by itself: scripts, styles, `hidden`, and what its own style hides.
fn is_silent(element: ElementRef<'_>) -> bool {
    let style = element.attr("style").unwrap_or_default().replace(' ', "").to_ascii_lowercase();
    matches!(element.value().name(), "script" | "style" | "template" | "noscript" | "head")
        || element.attr("hidden").is_some()
        || (element.value().name() == "input" && element.attr("type") == Some("hidden"))
        || style.contains("display:none")
        || style.contains("visibility:hidden")
}

/// Whether it, or something it is inside of, is not shown.
pub(super) fn is_hidden(element: ElementRef<'_>) -> bool {
    is_silent(element) || element.ancestors().filter_map(ElementRef::wrap).any(is_silent)
}
