//! P6 RxBright ePA: drug requests on a single-page application. Questions of the plan are pushed over a websocket in sets,
//! answers save themselves as a draft, "Send to plan" is what reaches the plan, and so is "Save" on a request that was sent.
//!
//! `entry` is the way in (by key, or by a link in a mail), `start` begins, renews and discards requests, `answers` drafts
//! them, `send` holds the two writes, `socket` pushes, `lists` reads. A request of its own is a [`request::Request`]; it
//! becomes a case of the shared store when it is sent.

mod answers;
mod desk;
mod entry;
mod lists;
mod pages;
mod plans;
mod questions;
mod request;
mod send;
mod socket;
mod start;
mod view;

use std::sync::Arc;

use axum::{
    Router,
    extract::DefaultBodyLimit,
    http::{HeaderMap, Method, Uri},
    middleware,
    routing::{delete, get, post, put},
};
use jiff::SignedDuration;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::{
    Pace,
    accounts::SignInRules,
    call::{self, Rules, Step, cookie},
    decide::{Change, LineStatus},
    sim::{Profile, Sim},
    store::{Case, Filed, Filing, Number},
};
use request::Request;

pub use answers::SIGNATURE;

/// RxBright ePA.
pub const PROFILE: Profile = Profile {
    slug: "rxbright",
    code: "P6",
    hosts: &[HOST],
    // Not passwords: links asked for by mail.
    sign_in: SignInRules {
        wrong_limit: 3,
        wrong_window: SignedDuration::from_mins(15),
        lock: Some(SignedDuration::from_mins(15)),
    },
    idle_min: 30,
    redesigned: true,
    knobs,
    routers,
    draw_up,
    settle,
    zone: "America/Chicago",
    without: &[
        ("F14", "there are no passwords"),
        ("F19", "no verification picture is ever shown"),
        ("F27", "one chart is looked up by its number; nothing is drawn over later"),
        ("F51", "there are no passwords"),
    ],
};

const HOST: &str = "app.rxbright.test";

/// Largest body taken; documents over the portal's own limit must arrive to be refused.
const BODY_MAX: usize = 24 * 1024 * 1024;

/// After so long the plan asks a second round about a drug that needs it.
const SECOND_ROUND: SignedDuration = SignedDuration::from_mins(20);

/// After so long a fully answered request is decided.
const AFTER_ROUNDS: SignedDuration = SignedDuration::from_hours(2);

fn knobs(pace: Pace) -> Value {
    json!({
        "question_delay_s": if pace == Pace::Lifelike { 5 } else { 0 },
        "second_round": true,
        "ws_drop": "none",
        "reconnect_ms": 0,
        "toast_s": 3,
        "magic_link_min": 15,
        "esign": "required",
        "passkey_nag": true,
        "number_format": "a",
        "status_down": false,
    })
}

fn routers(sim: Arc<Sim>) -> Vec<(&'static str, Router)> {
    let rules = Rules {
        sim: Arc::clone(&sim),
        host: "rx",
        token_of,
        step_of,
        maintenance: pages::maintenance,
    };
    let mut router = Router::new().route("/", get(pages::door));
    for page in [
        "/enter",
        "/account",
        "/link/{id}",
        "/dashboard",
        "/new",
        "/request/{key}",
        "/request/{key}/sign",
        "/request/{key}/history",
    ] {
        router = router.route(page, get(pages::shell));
    }
    let router = router
        .route("/static/{name}", get(pages::asset))
        .route("/ws", get(socket::open))
        .route("/api/enter", post(entry::enter))
        .route("/api/account", post(entry::account))
        .route("/api/link", post(entry::link))
        .route("/api/terms", post(entry::terms))
        .route("/api/logout", post(entry::logout))
        .route("/api/me", get(entry::me))
        .route("/api/closed", post(entry::closed))
        .route("/api/drugs", get(lists::drugs))
        .route("/api/plans", get(lists::plan))
        .route("/api/patients", get(lists::patients))
        .route("/api/prescribers", get(lists::prescribers))
        .route("/api/search", get(lists::search))
        .route("/api/notices", get(lists::notices))
        .route("/api/requests", get(lists::dashboard).post(start::start))
        .route("/api/requests/{key}", get(lists::detail).delete(start::discard))
        .route("/api/requests/{key}/history", get(lists::history))
        .route("/api/requests/{key}/renew", post(start::renew))
        .route("/api/requests/{key}/answers", put(answers::save))
        .route("/api/requests/{key}/files", post(answers::attach))
        .route("/api/requests/{key}/files/{at}", delete(answers::detach))
        .route("/api/requests/{key}/signature", post(answers::sign))
        .route("/api/requests/{key}/send", post(send::send))
        .route("/api/requests/{key}/changes", post(send::change))
        .layer(DefaultBodyLimit::max(BODY_MAX))
        .layer(middleware::from_fn_with_state(rules, call::take))
        .with_state(sim);
    vec![(HOST, router)]
}

fn token_of(headers: &HeaderMap, _uri: &Uri) -> Option<String> {
    cookie(headers, "rxs")
}

fn step_of(method: &Method, uri: &Uri) -> Step {
    let path = uri.path();
    let Some(api) = path.strip_prefix("/api/") else {
        let quiet = path == "/ws" || path.starts_with("/static/");
        return if quiet { Step::PASSIVE } else { Step::read("page") };
    };
    let (first, rest) = api.split_once('/').unwrap_or((api, ""));
    let last = rest.rsplit('/').next().unwrap_or_default();
    match (first, last) {
        ("requests", "send") => Step::write("send"),
        ("requests", "changes") => Step::write("edit"),
        ("requests", "renew") => Step::read("renew"),
        ("requests", "answers") => Step::read("followup"),
        ("requests", "signature") => Step::read("sign"),
        ("requests", "history") => Step::read("history"),
        ("requests", _) if rest.contains("/files") => Step::read("attach"),
        ("requests", "") if method == Method::POST => Step::read("start"),
        ("requests", "") => Step::read("dashboard"),
        ("requests", _) if method == Method::DELETE => Step::read("discard"),
        ("requests", _) => Step::read("detail"),
        ("enter", _) => Step::read("enter"),
        ("account", _) => Step::read("account"),
        ("link", _) => Step::read("link"),
        ("terms", _) => Step::read("terms"),
        ("me", _) => Step::read("me"),
        ("drugs", _) => Step::read("drugs"),
        ("plans", _) => Step::read("plan"),
        ("patients", _) => Step::read("patients"),
        ("prescribers", _) => Step::read("prescribers"),
        ("search", _) => Step::read("search"),
        _ => Step::PASSIVE,
    }
}

/// A new key: eight of `A-Z2-9` without `O` and `I`. The odd shape has a dash, one sign more and small letters.
fn new_key(sim: &Sim, odd_shape: bool) -> String {
    const SIGNS: &[u8; 32] = b"ABCDEFGHJKLMNPQRSTUVWXYZ23456789";
    let ordinal = sim.kept.next("number/key");
    let hash = Sha256::digest(format!("{}/key/{ordinal}", sim.seed));
    let sign = |byte: &u8| char::from(SIGNS[usize::from(byte % 32)]);
    if odd_shape || sim.knobs.text("number_format") == "b" {
        let signs: String = hash.iter().take(9).map(sign).collect();
        let (head, tail) = signs.split_at(4);
        return format!("{head}-{tail}").to_lowercase();
    }
    hash.iter().take(8).map(sign).collect()
}

/// `RX-4100001`.
fn authorization(sim: &Sim) -> Number {
    let serial = 4_100_000 + sim.seed % 500 + sim.kept.next("number/authorization");
    let value = if sim.knobs.text("number_format") == "b" {
        let digits = format!("{serial}0");
        let (head, tail) = digits.split_at(4);
        format!("rx-{head}-{tail}")
    } else {
        format!("RX-{serial}")
    };
    Number { kind: "authorization".to_owned(), value }
}

/// A case that did not come through a page (somebody filed it by phone) has a request of its own all the same.
fn draw_up(sim: &Sim, from: &Filed<'_>, filing: Filing) -> Case {
    let key = new_key(sim, false);
    let request = Request::by_phone(key.clone(), from, &filing);
    request::save(sim, &request);
    file(sim, from, filing, key)
}

/// Makes the case of a request that is sent.
fn file(sim: &Sim, from: &Filed<'_>, filing: Filing, key: String) -> Case {
    let number = Number { kind: "tracking".to_owned(), value: key };
    let mut case = sim.store.draw_up(&sim.kept, from, filing, number);
    ask_again(sim, &mut case);
    settle(sim, &mut case);
    case
}

/// DE-14: where step therapy is claimed the plan asks a second round, or decides at once when it does not.
fn ask_again(sim: &Sim, case: &mut Case) {
    if !case.filing.six_weeks_of_therapy {
        return;
    }
    let part = if case.filing.expedited { 4 } else { 1 };
    let (received, second) = (case.received_at, sim.knobs.flag("second_round"));
    for line in case.lines.iter_mut().filter(|line| line.rule == "DE-14") {
        if second {
            let asks = Change {
                text: Some("The plan needs more information.".to_owned()),
                ..plain(LineStatus::InfoRequested)
            };
            line.course.insert(0, (received + SECOND_ROUND / part, asks));
        } else {
            line.course = vec![(received + AFTER_ROUNDS / part, granted())];
        }
    }
}

fn plain(status: LineStatus) -> Change {
    Change {
        after_s: 0,
        status,
        units: None,
        valid_days: None,
        reason: None,
        text: None,
        documents: Vec::new(),
    }
}

fn granted() -> Change {
    Change { valid_days: Some(90), ..plain(LineStatus::Approved) }
}

fn refused(reason: &str, text: &str) -> Change {
    Change {
        reason: Some(reason.to_owned()),
        text: Some(text.to_owned()),
        ..plain(LineStatus::Denied)
    }
}

/// A positive decision gets its number; whoever has the request open is told over the socket.
fn settle(sim: &Sim, case: &mut Case) {
    let granted = case.lines.iter().any(|line| line.status.granted());
    if granted && case.number("authorization").is_none() {
        case.numbers.push(authorization(sim));
    }
    let told = request::change(sim, &case.id, |request| request.follow(case, sim.now()));
    if told.is_none() {
        tracing::warn!(case = %case.id, "a case without a request of its own");
    }
}

/// Where a request stands, in the portal's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Status {
    Initiated,
    FollowUp,
    Submitted,
    Approved,
    Denied,
    Cancelled,
    NotApplicable,
}

impl Status {
    /// All, in the order of the filter.
    const ALL: [Status; 7] = [
        Status::Initiated,
        Status::FollowUp,
        Status::Submitted,
        Status::Approved,
        Status::Denied,
        Status::Cancelled,
        Status::NotApplicable,
    ];

    fn words(self) -> &'static str {
        match self {
            Status::Initiated => "Initiated",
            Status::FollowUp => "Follow Up",
            Status::Submitted => "Submitted",
            Status::Approved => "Approved",
            Status::Denied => "Denied",
            Status::Cancelled => "Cancelled",
            Status::NotApplicable => "N/A",
        }
    }

    /// The status of a request that was sent.
    fn of(case: &Case) -> Status {
        match case.lines.first().map(|line| line.status) {
            Some(LineStatus::Pended) | None => Status::Submitted,
            Some(LineStatus::InfoRequested) => Status::FollowUp,
            Some(LineStatus::Approved | LineStatus::Modified) => Status::Approved,
            Some(LineStatus::Denied | LineStatus::DeniedIncomplete) => Status::Denied,
            Some(LineStatus::Cancelled) => Status::Cancelled,
            Some(LineStatus::NotRequired | LineStatus::Redirected | LineStatus::ContactPayer) => {
                Status::NotApplicable
            }
        }
    }
}
