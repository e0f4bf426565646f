//! The shell every address gets, its styles and scripts, and the page shown during maintenance. What is on a page is made
//! by the scripts; the redesigned pages have scripts and styles of their own.

use std::sync::Arc;

use axum::{
    Extension,
    extract::{Path, State},
    http::{HeaderValue, StatusCode},
    response::Response,
};
use serde_json::json;

use super::answers::SIGNATURE;
use crate::portal::{
    Skin,
    call::Call,
    html::{answer, esc, page, redirect},
    sim::Sim,
};

const CSP: &str = "default-src 'self'; img-src 'self' data:; style-src 'self' 'unsafe-inline'; \
                   connect-src 'self' wss://app.rxbright.test; frame-ancestors 'none'";

/// The front door.
pub(super) async fn door() -> Response {
    redirect(StatusCode::FOUND, "/account")
}

/// The page of the application; what it shows depends on its address.
pub(super) async fn shell(
    State(sim): State<Arc<Sim>>,
    Extension(call): Extension<Call>,
) -> Response {
    let skin = call.session.as_ref().map_or(sim.sessions.skin_before_sign_in(), |one| one.skin);
    let name = application(skin);
    let settings = json!({
        "application": name,
        "toastMs": sim.knobs.number("toast_s") * 1000,
        "reconnectMs": sim.knobs.number("reconnect_ms"),
        "statement": SIGNATURE,
        "relabelled": call.fires("renamed-labels"),
        "reordered": call.fires("reordered-fields"),
    });
    let html = format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"><title>RxBright</title>\
         <link rel=\"stylesheet\" href=\"/static/{name}.css\"><link rel=\"icon\" href=\"data:,\"></head>\
         <body><div id=\"root\"></div><script type=\"application/json\" id=\"settings\">{}</script>\
         <script src=\"/static/core.js\"></script><script src=\"/static/{name}.js\"></script>\
         <script src=\"/static/{name}-request.js\"></script></body></html>",
        settings.to_string().replace('<', "\\u003c")
    );
    let mut response = page(StatusCode::OK, html);
    let headers = response.headers_mut();
    headers.insert("content-security-policy", HeaderValue::from_static(CSP));
    headers.insert("x-content-type-options", HeaderValue::from_static("nosniff"));
    response
}

/// The name of the scripts that make the pages of a rendering.
pub(super) fn application(skin: Skin) -> &'static str {
    match skin {
        Skin::V1 => "app",
        Skin::V2 => "desk",
    }
}

/// Styles and scripts.
pub(super) async fn asset(Path(name): Path<String>) -> Response {
    let (kind, body) = match name.as_str() {
        "core.js" => ("text/javascript; charset=utf-8", include_str!("pages/core.js")),
        "app.js" => ("text/javascript; charset=utf-8", include_str!("pages/app.js")),
        "app-request.js" => {
            ("text/javascript; charset=utf-8", include_str!("pages/app-request.js"))
        }
        "desk.js" => ("text/javascript; charset=utf-8", include_str!("pages/desk.js")),
        "desk-request.js" => {
            ("text/javascript; charset=utf-8", include_str!("pages/desk-request.js"))
        }
        "desk.css" => ("text/css; charset=utf-8", include_str!("pages/desk.css")),
        "app.css" => ("text/css; charset=utf-8", include_str!("pages/app.css")),
        _ => return page(StatusCode::NOT_FOUND, String::new()),
    };
    answer(StatusCode::OK, kind, body)
}

/// The page shown while the service is closed, with status 200.
pub(super) fn maintenance() -> String {
    let words = "RxBright is being updated and will be back soon. Nothing you sent is lost.";
    format!(
        "<!doctype html><html lang=\"en\"><head><title>RxBright - Scheduled maintenance</title></head>\
         <body style=\"font-family:system-ui,sans-serif;max-width:32rem;margin:6rem auto\">\
         <h1>Scheduled maintenance</h1><p>{}</p></body></html>",
        esc(words)
    )
}
