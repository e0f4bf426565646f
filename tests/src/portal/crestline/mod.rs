//! P1 Crestline Connect: a multi-payer hub. A single-page application on one host, with the application proper inside a
//! frame from another host; two plans behind it (Crestline Mutual, Fernbrook Health).
//!
//! `signin` is the way in, `apps` the application, `submit` the one write that files a request, `status` what can be
//! read afterwards; `vendor` is the door to another company; `redesign` is how it looks redesigned. No duplicate check of any kind: filing twice records two requests.

mod apps;
mod hub;
mod pages;
mod redesign;
mod signin;
mod status;
mod submit;
mod vendor;

use std::sync::Arc;

use axum::{
    Router,
    extract::DefaultBodyLimit,
    http::{HeaderMap, Method, StatusCode, Uri},
    middleware,
    routing::{delete, get, post},
};
use jiff::SignedDuration;
use serde_json::{Value, json};

use super::{
    Pace,
    accounts::SignInRules,
    call::{self, Rules, Step},
    decide::LineStatus,
    html::answer,
    pulse,
    sim::{Profile, Sim},
    store::{Case, Filed, Filing, Number},
};

/// Crestline Connect.
pub const PROFILE: Profile = Profile {
    slug: "crestline",
    code: "P1",
    hosts: &["hub.crestline.test", "apps.crestline.test"],
    sign_in: SignInRules {
        wrong_limit: 5,
        wrong_window: SignedDuration::from_mins(15),
        lock: Some(SignedDuration::from_mins(30)),
    },
    idle_min: 15,
    redesigned: true,
    knobs,
    routers,
    draw_up,
    settle,
    zone: "America/Chicago",
    without: &[
        ("F14", "passwords do not expire here"),
        ("F15", "codes come from an authenticator, not by mail"),
        ("F17", "codes come from an authenticator, not by mail"),
        ("F18", "wrong codes lead back to the sign-in; there is no timer page"),
        ("F33", "lists are sent whole, without pages"),
    ],
};

/// Plans behind the hub.
pub const PLANS: [(&str, &str); 2] = [("CLM", "Crestline Mutual"), ("FBH", "Fernbrook Health")];

fn knobs(pace: Pace) -> Value {
    let lifelike = pace == Pace::Lifelike;
    let ms = |quick: i64, slow: i64| if lifelike { slow } else { quick };
    json!({
        "dashboard_lag_s": 90,
        "search_lag_s": 0,
        "skeleton_ms": ms(30, 600),
        "hydrate_ms": ms(30, 400),
        "typeahead_pause_ms": ms(60, 350),
        "typeahead_answer_ms": ms(0, 250),
        "typeahead_noise": false,
        "scan_ms": ms(60, 1500),
        "stepup_every_min": 60,
        "confirm_once": true,
        "max_portal_sessions": 2,
        "email_reminder": true,
        "organizations": 0,
        "number_format": "a",
        "status_down": false,
        "search_empty": false,
        "pulse_ms": 500,
    })
}

fn routers(sim: Arc<Sim>) -> Vec<(&'static str, Router)> {
    vec![
        ("hub.crestline.test", guarded(&sim, "hub", hub_step, hub_router())),
        ("apps.crestline.test", guarded(&sim, "apps", apps_step, apps_router())),
    ]
}

fn guarded(
    sim: &Arc<Sim>,
    host: &'static str,
    step_of: fn(&Method, &Uri) -> Step,
    router: Router<Arc<Sim>>,
) -> Router {
    let rules =
        Rules { sim: Arc::clone(sim), host, token_of, step_of, maintenance: pages::maintenance };
    router
        .layer(DefaultBodyLimit::max(64 * 1024 * 1024))
        .layer(middleware::from_fn_with_state(rules, call::take))
        .with_state(Arc::clone(sim))
}

fn token_of(headers: &HeaderMap, _uri: &Uri) -> Option<String> {
    call::cookie(headers, signin::COOKIE)
}

/// A file the pages load; nothing is loaded from anywhere else.
macro_rules! file {
    ($name:literal, $kind:literal) => {
        get(async || answer(StatusCode::OK, $kind, include_str!(concat!("pages/", $name))))
    };
}

fn files() -> Router<Arc<Sim>> {
    Router::new()
        .route("/connect.css", file!("connect.css", "text/css; charset=utf-8"))
        .route("/pulse.js", get(pulse::script))
        .route("/shared.js", file!("shared.js", "text/javascript; charset=utf-8"))
        .route("/ws/sheet.css", file!("workspace/sheet.css", "text/css; charset=utf-8"))
        .route("/ws/core.js", file!("workspace/core.js", "text/javascript; charset=utf-8"))
        .route("/pulse", post(pulse::pulse))
}

fn hub_router() -> Router<Arc<Sim>> {
    files()
        .route("/", get(hub::shell))
        .route("/login", get(signin::login_page).post(signin::login))
        .route("/identify", post(signin::identify))
        .route("/verify", get(signin::verify_page).post(signin::verify))
        .route("/terms", get(signin::terms_page).post(signin::accept_terms))
        .route("/organization", get(signin::organization_page).post(signin::choose_organization))
        .route("/logout", get(signin::logout))
        .route("/api/home", get(hub::home))
        .route("/api/reminder", post(hub::reminder))
        .route("/api/stepup", get(hub::stepup_state).post(hub::stepup))
        .route("/api/stay", post(hub::stay))
        .route("/hub.js", file!("hub.js", "text/javascript; charset=utf-8"))
        .route("/ws/hub.js", file!("workspace/hub.js", "text/javascript; charset=utf-8"))
        .route("/ws/digits.js", file!("workspace/digits.js", "text/javascript; charset=utf-8"))
}

fn apps_router() -> Router<Arc<Sim>> {
    files()
        .route("/app", get(apps::shell))
        .route("/api/steps/{step}", get(apps::step))
        .route("/api/patients", get(apps::patients))
        .route("/api/context", post(apps::context))
        .route("/api/codes", get(apps::codes))
        .route("/api/precheck", post(apps::precheck))
        .route("/api/uploads", post(apps::upload))
        .route("/api/uploads/{id}", get(apps::scan))
        .route("/api/uploads/{id}/remove", delete(apps::remove_upload))
        .route("/questionnaire", get(apps::questionnaire_page))
        .route("/api/questionnaires", post(apps::questionnaire))
        .route("/vendor", post(vendor::leave))
        .route("/api/drafts", post(apps::draft))
        .route("/api/service-reviews", get(status::search).post(submit::submit))
        .route("/api/service-reviews/{number}", get(status::detail))
        .route("/api/service-reviews/{number}/attachments", post(submit::attach))
        .route("/api/confirmations/{key}", get(submit::confirmation))
        .route("/api/dashboard", get(status::dashboard))
        .route("/api/pins", post(status::pin))
        .route("/api/claim-statuses", get(status::claims))
        .route("/api/eligibility", get(status::eligibility))
        .route("/app.js", file!("app.js", "text/javascript; charset=utf-8"))
        .route("/wizard.js", file!("wizard.js", "text/javascript; charset=utf-8"))
        .route("/services.js", file!("services.js", "text/javascript; charset=utf-8"))
        .route("/records.js", file!("records.js", "text/javascript; charset=utf-8"))
        .route("/questionnaire.js", file!("questionnaire.js", "text/javascript; charset=utf-8"))
        .route("/ws/app.js", file!("workspace/app.js", "text/javascript; charset=utf-8"))
        .route("/ws/parts.js", file!("workspace/parts.js", "text/javascript; charset=utf-8"))
        .route("/ws/wizard.js", file!("workspace/wizard.js", "text/javascript; charset=utf-8"))
        .route("/ws/records.js", file!("workspace/records.js", "text/javascript; charset=utf-8"))
        .route("/ws/asked.js", file!("workspace/asked.js", "text/javascript; charset=utf-8"))
}

/// Logical steps of the hub. A page and the form it takes are two steps, so that a fault can choose.
fn hub_step(method: &Method, uri: &Uri) -> Step {
    let post = method == Method::POST;
    match uri.path() {
        "/login" if post => Step::read("signin"),
        "/login" => Step::read("login"),
        "/identify" => Step::read("identify"),
        "/verify" if post => Step::read("verify"),
        "/verify" => Step::read("otp"),
        "/terms" => Step::read("terms"),
        "/organization" => Step::read("org"),
        "/" => Step::read("shell"),
        "/api/home" => Step::read("home"),
        "/api/stepup" => Step::read("stepup"),
        "/api/reminder" => Step::read("nag"),
        "/api/stay" => Step::read("stay"),
        "/logout" => Step::read("logout"),
        _ => Step::PASSIVE,
    }
}

/// Logical steps of the application.
fn apps_step(method: &Method, uri: &Uri) -> Step {
    let path = uri.path();
    if let Some(step) = path.strip_prefix("/api/steps/") {
        let known = ["w1", "w2", "w3", "w4", "check", "w5", "w6", "review"];
        let step = known.into_iter().find(|known| *known == step);
        return step.map_or(Step::PASSIVE, Step::read);
    }
    let rest = path.strip_prefix("/api/").unwrap_or(path);
    let mut parts = rest.trim_start_matches('/').splitn(3, '/');
    match (parts.next().unwrap_or_default(), parts.next(), parts.next()) {
        ("app", None, _) => Step::read("app"),
        ("patients", ..) => Step::read("patient"),
        ("context", ..) => Step::read("context"),
        ("codes", ..) => Step::read("typeahead"),
        ("precheck", ..) => Step::read("precheck"),
        ("uploads", None, _) => Step::read("upload"),
        ("uploads", ..) => Step::read("scan"),
        ("questionnaire" | "questionnaires", ..) => Step::read("questionnaire"),
        ("drafts", ..) => Step::read("draft"),
        ("service-reviews", None, _) if method == Method::POST => Step::write("submit"),
        ("service-reviews", None, _) => Step::read("search"),
        ("service-reviews", Some(_), Some(_)) => Step::write("attach"),
        ("service-reviews", ..) => Step::read("detail"),
        ("confirmations", ..) => Step::read("confirm"),
        ("dashboard", ..) => Step::read("dashboard"),
        ("vendor", ..) => Step::read("sso"),
        ("pins", ..) => Step::read("pin"),
        ("claim-statuses", ..) => Step::read("claims"),
        ("eligibility", ..) => Step::read("eligibility"),
        _ => Step::PASSIVE,
    }
}

/// Numbers of a kind, in one of two shapes.
fn number(sim: &Sim, kind: &str, odd_shape: bool) -> Number {
    let ordinal = sim.kept.next(&format!("number/{kind}"));
    let serial = 3000 + sim.seed % 997 + ordinal;
    let odd_shape = odd_shape || sim.knobs.text("number_format") == "b";
    let value = match (kind, odd_shape) {
        ("tracking", false) => format!("CL4026{serial:06}"),
        ("tracking", true) => format!("cl4026-{serial:07}"),
        ("authorization", false) => format!("C71{serial:07}"),
        ("authorization", true) => format!("c71-{serial:08}"),
        (_, false) => format!("U26{serial:06}"),
        (_, true) => format!("u26-{serial:07}"),
    };
    Number { kind: kind.to_owned(), value }
}

fn draw_up(sim: &Sim, from: &Filed<'_>, filing: Filing) -> Case {
    file(sim, from, filing, false)
}

/// Makes a case of a filing, with its numbers in the usual or the odd shape.
fn file(sim: &Sim, from: &Filed<'_>, filing: Filing, odd_shape: bool) -> Case {
    let tracking = number(sim, "tracking", odd_shape);
    let mut case = sim.store.draw_up(&sim.kept, from, filing, tracking);
    case.numbers.push(Number { kind: "transaction".to_owned(), value: sim.uuid("transaction") });
    settle(sim, &mut case);
    case
}

/// A first positive decision gives the certification number.
fn settle(sim: &Sim, case: &mut Case) {
    let granted = case.lines.iter().any(|line| line.status.granted());
    if granted && case.number("authorization").is_none() {
        case.numbers.push(number(sim, "authorization", false));
    }
}

/// The hub's words for a line.
pub fn line_words(status: LineStatus) -> &'static str {
    match status {
        LineStatus::NotRequired => "NO ACTION REQUIRED",
        LineStatus::Redirected => "REDIRECTED",
        LineStatus::Pended | LineStatus::InfoRequested => "PENDED",
        LineStatus::Approved => "CERTIFIED IN TOTAL",
        LineStatus::Modified => "MODIFIED",
        LineStatus::Denied | LineStatus::DeniedIncomplete => "NOT CERTIFIED",
        LineStatus::ContactPayer => "CONTACT PAYER",
        LineStatus::Cancelled => "CANCELLED",
    }
}

/// The hub's words for a whole request.
pub fn case_words(case: &Case) -> &'static str {
    let words: Vec<&str> = case.lines.iter().map(|line| line_words(line.status)).collect();
    let first = words.first().copied().unwrap_or("PENDED");
    if words.iter().all(|word| *word == first) {
        return first;
    }
    if words.contains(&"PENDED") {
        return "PENDED";
    }
    if words.contains(&"CONTACT PAYER") {
        return "CONTACT PAYER";
    }
    if case.lines.iter().any(|line| line.status.granted()) {
        "CERTIFIED - PARTIAL"
    } else {
        "NOT CERTIFIED"
    }
}
