//! The front page, the work center, the office's settings, the pulse, and the door to the UM window: a page whose form
//! posts itself to the other host with a value that works once.

use axum::{Json, response::Response};
use base64::Engine as _;
use serde_json::json;

use super::{desk::Desk, look};
use crate::portal::{
    html::{self, esc},
    pulse::Pulse,
    sim::Sim,
};

/// The front page.
pub(super) async fn home(desk: Desk) -> Response {
    desk.saw("home");
    let body = format!(
        "<p class=\"hello\">Welcome, {}.</p><div class=\"tiles\"><div class=\"tile\"><h2>{}</h2>\
         <p>Requests, letters and faxes of your office are in the menus above.</p></div>\
         <div class=\"tile\"><h2>{}</h2><p>Service desk hours: Monday to Friday, 7 AM to 6 PM Central.</p></div></div>{}",
        esc(&desk.session.account.id),
        desk.look.say("At your service", "Start here"),
        desk.look.say("Help", "Support"),
        look::overlays(&desk)
    );
    desk.shown(desk.look.hub(&desk, "Home", &body))
}

/// What the work center is for, for those who came by address.
pub(super) async fn work_center(desk: Desk) -> Response {
    desk.saw("workcenter");
    let body =
        "<p>Open authorizations, the log, correspondence and the fax folder from the menu.</p>";
    desk.shown(desk.look.hub(&desk, desk.look.say("Work Center", "Workspace"), body))
}

/// The limits of the office.
pub(super) async fn settings(desk: Desk) -> Response {
    desk.saw("settings");
    let account = desk.session.account;
    let minutes = desk.sim.knobs.number("office_timeout_min");
    let body = desk.look.facts(&[
        ("User ID", account.id.clone()),
        ("E-mail", account.email.clone()),
        ("Office", account.organizations.first().cloned().unwrap_or_default()),
        ("Office session limit", format!("{minutes} minutes, set by your office administrator")),
    ]);
    desk.shown(desk.look.hub(&desk, desk.look.say("Settings", "Preferences"), &body))
}

/// The page that posts itself to the UM host.
pub(super) async fn launch(desk: Desk) -> Response {
    let once = Sim::secret();
    desk.put("once", json!(once));
    let pass = format!("{}.{once}", desk.session.token);
    let pass = base64::engine::general_purpose::STANDARD.encode(pass);
    let html = format!(
        "<!DOCTYPE html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>PlanBridge - Opening UM</title></head>\
         <body onload=\"document.forms[0].submit()\"><p>Opening UM, please wait.</p>\
         <form method=\"post\" action=\"https://{}/sso\"><input type=\"hidden\" name=\"pass\" value=\"{pass}\">\
         <noscript><input type=\"submit\" value=\"Continue\"></noscript></form></body></html>",
        super::UM
    );
    desk.shown(html)
}

/// Clicks of the hub's pages. No countdown is shown here: the office's limit comes without a warning.
pub(super) async fn pulse(desk: Desk, Json(pulse): Json<Pulse>) -> Response {
    pulse.take(&desk.sim, &desk.call);
    html::answer(axum::http::StatusCode::OK, "application/json", "{}")
}
