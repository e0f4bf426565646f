//! P3 Larkfield National, "Provider Workspace": an application of web components (tables and shell with open shadow roots,
//! date field and upload tile with closed ones), signed in to by OpenID Connect on a host of its own.
//!
//! `oidc` is the protocol, `signin` its pages; `desk` is a call of somebody signed in and the context bar; `members`,
//! `services` and `submit` are the request, `shown` what the portal says about it and when, `requests` the pages after
//! it, `library` the letters, `scan` letters without a text layer, `claims` payer claims and benefits. `pas` and
//! `edi` are the back channels: FHIR PAS, and X12 by CORE, over the same cases.
//!
//! A request just like an open one is answered with the number of that one. The portal tells a decision hours after it
//! was made; the letter comes before.

mod claims;
mod desk;
mod edi;
mod library;
mod members;
mod oidc;
mod pages;
mod pas;
mod requests;
mod scan;
mod services;
mod shown;
mod signin;
mod submit;

use std::sync::Arc;

use axum::{
    Router,
    extract::DefaultBodyLimit,
    http::{HeaderMap, Method, StatusCode, Uri},
    middleware,
    routing::{get, post},
};
use jiff::{SignedDuration, Timestamp, Zoned, tz::TimeZone};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::{
    Pace,
    accounts::SignInRules,
    call::{self, Rules, Step, cookie},
    html::answer,
    pulse,
    sim::{Profile, Sim},
    store::{Case, Filed, Filing, Number},
    world::Account,
};
use crate::ledger::hex;

/// Larkfield National.
pub const PROFILE: Profile = Profile {
    slug: "larkfield",
    code: "P3",
    hosts: &["provider.larkfield.test", "login.larkfield.test", pas::HOST, edi::HOST],
    sign_in: SignInRules {
        wrong_limit: 5,
        wrong_window: SignedDuration::from_mins(30),
        lock: Some(SignedDuration::from_mins(30)),
    },
    idle_min: 60,
    redesigned: true,
    knobs,
    routers,
    draw_up,
    settle,
    zone: "America/Chicago",
    without: &[
        ("F15", "codes come from an authenticator, not by mail"),
        ("F17", "codes come from an authenticator, not by mail"),
        ("F18", "wrong codes lead back to the sign-in; there is no timer page"),
    ],
};

/// Largest body taken; documents over the portal's own limit must arrive to be refused.
const BODY_MAX: usize = 24 * 1024 * 1024;

fn knobs(pace: Pace) -> Value {
    let lifelike = pace == Pace::Lifelike;
    json!({
        "page_delay_ms": if lifelike { 900 } else { 0 },
        "ring_ms": if lifelike { 1200 } else { 40 },
        "remember_days": 30,
        "push_mfa": false,
        "letter_delay_h": 4,
        "portal_lag_h": 12,
        "letter_scan": false,
        "precheck_required": false,
        "number_format": "a",
        "status_down": false,
        "core_rest": false,
        "edi_reject": "",
        "pulse_ms": 500,
    })
}

fn routers(sim: Arc<Sim>) -> Vec<(&'static str, Router)> {
    vec![
        (
            "provider.larkfield.test",
            guarded(&sim, "provider", workspace_token, provider_step, provider_router()),
        ),
        ("login.larkfield.test", guarded(&sim, "login", nobody, login_step, login_router())),
        (pas::HOST, guarded(&sim, "fhir", nobody, pas::step, pas::router())),
        (edi::HOST, guarded(&sim, "edi", nobody, edi::step, edi::router())),
    ]
}

fn guarded(
    sim: &Arc<Sim>,
    host: &'static str,
    token_of: fn(&HeaderMap, &Uri) -> Option<String>,
    step_of: fn(&Method, &Uri) -> Step,
    router: Router<Arc<Sim>>,
) -> Router {
    let rules =
        Rules { sim: Arc::clone(sim), host, token_of, step_of, maintenance: pages::maintenance };
    router
        .layer(DefaultBodyLimit::max(BODY_MAX))
        .layer(middleware::from_fn_with_state(rules, call::take))
        .with_state(Arc::clone(sim))
}

fn workspace_token(headers: &HeaderMap, _uri: &Uri) -> Option<String> {
    cookie(headers, desk::COOKIE)
}

/// Nobody has a portal session on the login host: there one is only about to be begun.
fn nobody(_headers: &HeaderMap, _uri: &Uri) -> Option<String> {
    None
}

/// A file the pages load; nothing is loaded from anywhere else.
macro_rules! file {
    ($name:literal, $kind:literal) => {
        get(async || answer(StatusCode::OK, $kind, include_str!(concat!("pages/", $name))))
    };
}

fn login_router() -> Router<Arc<Sim>> {
    Router::new()
        .route("/.well-known/openid-configuration", get(oidc::discovery))
        .route("/jwks", get(oidc::keys))
        .route("/token", post(oidc::token))
        .route("/authorize", get(signin::authorize))
        .route("/select", get(signin::select_page).post(signin::select))
        .route("/username", get(signin::username_page).post(signin::username))
        .route("/password", get(signin::password_page).post(signin::password))
        .route("/change-password", post(signin::change_password))
        .route("/otp", get(signin::otp_page).post(signin::otp))
        .route("/push", get(signin::push_page))
        .route("/consent", get(signin::consent_page).post(signin::consent))
        .route("/passkey", get(signin::passkey_page).post(signin::passkey))
        .route("/assets/sign-in.css", file!("sign-in.css", "text/css; charset=utf-8"))
}

fn provider_router() -> Router<Arc<Sim>> {
    Router::new()
        .route("/", get(desk::front))
        .route("/app", get(desk::shell))
        .route("/app/{*view}", get(desk::shell))
        .route("/callback", get(desk::callback))
        .route("/signed-out", get(desk::signed_out))
        .route("/sign-out", get(desk::sign_out))
        .route("/pulse", post(pulse::pulse))
        .route("/api/me", get(desk::me))
        .route("/api/context", post(desk::change_context))
        .route("/api/views/{view}", get(desk::view))
        .route("/api/members", get(members::search))
        .route("/api/member", post(members::choose))
        .route("/api/dates", post(members::check_dates))
        .route("/api/providers", get(services::provider))
        .route("/api/codes", get(services::code))
        .route("/api/precheck", post(services::precheck))
        .route("/api/services", post(services::check))
        .route("/api/uploads", post(services::upload))
        .route("/api/drafts", post(services::draft))
        .route("/api/requests", get(requests::list).post(submit::submit))
        .route("/api/requests/{number}", get(requests::detail))
        .route("/api/requests/{number}/edit", post(requests::edit))
        .route("/api/requests/{number}/documents", post(requests::attach))
        .route("/api/p2p/{number}", post(requests::peer_to_peer))
        .route("/api/letters", get(library::search))
        .route("/documents/{name}", get(library::paper))
        .route("/api/eligibility", get(claims::eligibility))
        .route("/api/claims", get(claims::search))
        .route("/assets/workspace.css", file!("workspace.css", "text/css; charset=utf-8"))
        .route("/assets/studio.css", file!("studio.css", "text/css; charset=utf-8"))
        .route("/assets/core.js", file!("core.js", "text/javascript; charset=utf-8"))
        .route("/assets/workspace.js", file!("workspace.js", "text/javascript; charset=utf-8"))
        .route("/assets/studio.js", file!("studio.js", "text/javascript; charset=utf-8"))
        .route("/assets/request.js", file!("request.js", "text/javascript; charset=utf-8"))
        .route("/assets/services.js", file!("services.js", "text/javascript; charset=utf-8"))
        .route("/assets/records.js", file!("records.js", "text/javascript; charset=utf-8"))
        .route("/assets/start.js", file!("start.js", "text/javascript; charset=utf-8"))
}

/// Logical steps of the login host. A page and the form it takes are two steps, so that a fault can choose.
fn login_step(method: &Method, uri: &Uri) -> Step {
    let post = method == Method::POST;
    match uri.path() {
        "/authorize" => Step::read("authorize"),
        "/token" => Step::read("token"),
        "/select" => Step::read("select"),
        "/username" => Step::read("username"),
        "/password" if post => Step::read("signin"),
        "/password" => Step::read("password"),
        "/otp" if post => Step::read("verify"),
        "/otp" | "/push" => Step::read("otp"),
        "/consent" => Step::read("consent"),
        "/passkey" => Step::read("passkey"),
        _ => Step::PASSIVE,
    }
}

/// Views that are drawn from data of the page alone; they ask before they are drawn, which is a step.
const VIEWS: [&str; 11] = [
    "home",
    "precheck_form",
    "r1",
    "r2",
    "r3",
    "r4",
    "review",
    "library_form",
    "eligibility_form",
    "claims_form",
    "p2p_form",
];

/// Logical steps of the workspace.
fn provider_step(method: &Method, uri: &Uri) -> Step {
    let post = method == Method::POST;
    let path = uri.path().trim_start_matches('/');
    let mut parts = path.splitn(4, '/');
    let parts = (parts.next().unwrap_or_default(), parts.next(), parts.next(), parts.next());
    match parts {
        ("app", ..) => Step::read("shell"),
        ("callback", ..) => Step::read("callback"),
        ("sign-out", ..) => Step::read("logout"),
        ("documents", ..) => Step::read("letter"),
        ("api", Some("views"), Some(view), _) => {
            let known = VIEWS.into_iter().find(|known| *known == view);
            known.map_or(Step::PASSIVE, Step::read)
        }
        ("api", Some("me"), ..) => Step::read("me"),
        ("api", Some("context"), ..) => Step::read("context"),
        ("api", Some("members"), ..) => Step::read("member"),
        ("api", Some("member"), ..) => Step::read("member_choice"),
        ("api", Some("dates"), ..) => Step::read("dates"),
        ("api", Some("providers"), ..) => Step::read("provider"),
        ("api", Some("codes"), ..) => Step::read("code"),
        ("api", Some("precheck"), ..) => Step::read("precheck"),
        ("api", Some("services"), ..) => Step::read("services"),
        ("api", Some("uploads"), ..) => Step::read("upload"),
        ("api", Some("drafts"), ..) => Step::read("draft"),
        ("api", Some("requests"), None, _) if post => Step::write("submit"),
        ("api", Some("requests"), None, _) => Step::read("list"),
        ("api", Some("requests"), Some(_), None) if uri.query() == Some("result=1") => {
            Step::read("result")
        }
        ("api", Some("requests"), Some(_), None) => Step::read("detail"),
        ("api", Some("requests"), Some(_), Some("edit")) => Step::write("edit"),
        ("api", Some("requests"), ..) => Step::write("attach"),
        ("api", Some("p2p"), ..) => Step::write("p2p"),
        ("api", Some("letters"), ..) => Step::read("library"),
        ("api", Some("eligibility"), ..) => Step::read("eligibility"),
        ("api", Some("claims"), ..) => Step::read("claims"),
        _ => Step::PASSIVE,
    }
}

/// A moment at the payer's offices, in Central time.
fn central(at: Timestamp) -> Zoned {
    at.to_zoned(TimeZone::get("America/Chicago").unwrap_or(TimeZone::UTC))
}

/// The next number of a kind. The odd shape has a dash, one digit more and small letters.
fn number(sim: &Sim, kind: &str, odd_shape: bool) -> Number {
    let ordinal = sim.kept.next(&format!("number/{kind}"));
    let hash = Sha256::digest(format!("{}/larkfield/{kind}/{ordinal}", sim.seed));
    let digits: String = hash.iter().take(9).map(|byte| char::from(b'0' + byte % 10)).collect();
    let serial: String = hex(&hash).chars().take(9).collect();
    let odd_shape = odd_shape || sim.knobs.text("number_format") == "b";
    let (letters, plain) = match kind {
        "tracking" => ("LN", serial.chars().take(8).collect::<String>().to_uppercase()),
        "decision" => ("D", digits.clone()),
        "authorization" => ("A", digits.clone()),
        "pend" => ("P", digits.clone()),
        "letter" => ("L", digits.chars().take(8).collect()),
        _ => ("U", digits.chars().take(8).collect()),
    };
    let value = if odd_shape {
        let longer = if kind == "tracking" { serial } else { format!("{plain}{}", ordinal % 10) };
        format!("{}-{}", letters.to_lowercase(), longer.to_lowercase())
    } else {
        format!("{letters}{plain}")
    };
    Number { kind: kind.to_owned(), value }
}

fn draw_up(sim: &Sim, from: &Filed<'_>, filing: Filing) -> Case {
    let tin = desk::tin_of(&filing.requesting_npi);
    file(sim, from, filing, tin, false)
}

/// Makes a case of a filing under a tax number, with its numbers in the usual or the odd shape.
fn file(sim: &Sim, from: &Filed<'_>, filing: Filing, tin: &str, odd_shape: bool) -> Case {
    let tracking = number(sim, "tracking", odd_shape);
    sim.kept.put(&format!("tin/{}", tracking.value), json!(tin));
    let mut case = sim.store.draw_up(&sim.kept, from, filing, tracking);
    let undecided = case.lines.iter().any(|line| !line.status.is_final());
    if undecided {
        case.numbers.push(number(sim, "pend", odd_shape));
    }
    settle(sim, &mut case);
    case
}

/// The same for what came by an interface, under the number of its arrival.
fn file_from(sim: &Sim, account: &Account, received_seq: u64, filing: Filing) -> Case {
    let from = Filed {
        payer: sim.profile.slug,
        account: &account.id,
        origin: &account.origin,
        received_seq,
        now: sim.now(),
        imaging_delegated: false,
    };
    let tin = desk::tin_of(&filing.requesting_npi);
    file(sim, &from, filing, tin, false)
}

/// The first positive decision gives the authorization number; every whole decision is told in a letter. What the
/// portal may show of a change, and when, is kept beside the case.
fn settle(sim: &Sim, case: &mut Case) {
    let granted = case.lines.iter().any(|line| line.status.granted());
    if granted && case.number("authorization").is_none() {
        case.numbers.push(number(sim, "authorization", false));
    }
    if let Some(letter) = shown::remember(sim, case) {
        case.numbers.push(letter);
    }
}
