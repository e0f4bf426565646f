//! Style, script and picture of the pages, embedded in the program; addresses carry the hash of the content.

use std::sync::OnceLock;

use sha2::{Digest as _, Sha256};

use super::frame::Assets;

/// The style sheet: embedded from its source, so that pages always look right.
pub const CSS: &str = include_str!("../../web/console.css");

/// The picture in the browser's tab.
pub const ICON: &str = include_str!("../../web/icon.svg");

include!(concat!(env!("OUT_DIR"), "/web.rs"));

fn address(name: &str, ending: &str, text: &str) -> String {
    let hash: String = Sha256::digest(text).iter().take(6).map(|b| format!("{b:02x}")).collect();
    format!("/assets/{name}.{hash}.{ending}")
}

/// The addresses under which this program serves its style and script.
#[must_use]
pub fn assets() -> Assets {
    static CSS_AT: OnceLock<String> = OnceLock::new();
    static JS_AT: OnceLock<Option<String>> = OnceLock::new();
    Assets {
        css: CSS_AT.get_or_init(|| address("console", "css", CSS)),
        js: JS_AT.get_or_init(|| SCRIPT.map(|text| address("console", "js", text))).as_deref(),
    }
}
