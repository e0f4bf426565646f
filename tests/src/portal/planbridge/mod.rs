//! P5 PlanBridge: a regional hub of the jQuery years. Menus that open on hover only, tables reloaded in part, and the
//! application for authorizations ("UM") in a window of its own on a second host, reached through a form that posts itself.
//!
//! On `www`: `signin` is the way in (user, password with PIN grid or secret question, terms), `hub` the front page and
//! the door to the UM window, `log` the cached status log, `papers` letters and faxes, `inquiry` eligibility and claims.
//! On `um`: `window` is who the request is for, `roles` the providers, `grid` the service lines, `review` documents and the last
//! page, `submit` the one write that files, `records` the complete search, details, extension and renewal. A request like
//! one on file is taken and pended under a new number.

mod desk;
mod draft;
mod grid;
mod hub;
mod inquiry;
mod log;
mod look;
mod papers;
mod records;
mod review;
mod roles;
mod second;
mod signin;
mod submit;
mod window;
mod words;

pub use signin::TERMS;

use std::sync::Arc;

use axum::{
    Router,
    extract::DefaultBodyLimit,
    http::{Method, Uri},
    middleware,
    routing::{get, post},
};
use jiff::{SignedDuration, Timestamp, Zoned, tz::TimeZone};
use serde_json::{Value, json};

use super::{
    Pace,
    accounts::SignInRules,
    call::{self, Rules, Step, cookie},
    decide::LineStatus,
    sim::{Profile, Sim},
    store::{Case, Filed, FiledLine, Filing, Number},
    world::world,
};

/// PlanBridge.
pub const PROFILE: Profile = Profile {
    slug: "planbridge",
    code: "P5",
    hosts: &[WWW, UM],
    sign_in: SignInRules {
        wrong_limit: 4,
        wrong_window: SignedDuration::from_mins(60),
        lock: None,
    },
    idle_min: 30,
    redesigned: true,
    knobs,
    routers,
    draw_up,
    settle,
    zone: "America/Chicago",
    without: &[
        ("F15", "the second secret is a PIN, not a code by mail"),
        ("F17", "the second secret is a PIN, not a code by mail"),
        ("F18", "no codes are sent that could be too many"),
        ("F19", "no verification picture is ever shown"),
        ("F33", "the log is sent whole, without pages"),
    ],
};

const WWW: &str = "www.planbridge.test";
const UM: &str = "um.planbridge.test";

/// Largest body taken; documents over the portal's own limit must arrive to be refused.
const BODY_MAX: usize = 24 * 1024 * 1024;

fn knobs(pace: Pace) -> Value {
    let lifelike = pace == Pace::Lifelike;
    json!({
        "page_delay_ms": if lifelike { 900 } else { 0 },
        "refresh_delay_ms": if lifelike { 4000 } else { 0 },
        "pulse_ms": 500,
        "login_second": "pin",
        "office_timeout_min": 30,
        "cached_status_h": 4,
        "renew_window_d": 30,
        "um": "window",
        "fax_two_in_one": false,
        "number_format": "a",
        "status_down": false,
        "announcement": false,
    })
}

fn routers(sim: Arc<Sim>) -> Vec<(&'static str, Router)> {
    authorize_in_advance(&sim);
    vec![(WWW, hub_pages(&sim)), (UM, um_pages(&sim))]
}

fn hub_pages(sim: &Arc<Sim>) -> Router {
    let rules = Rules {
        sim: Arc::clone(sim),
        host: "pb",
        token_of: |headers, _| cookie(headers, "PBSESSION"),
        step_of: hub_step,
        maintenance: look::maintenance,
    };
    Router::new()
        .route("/", get(signin::begin))
        .route("/login", get(signin::user_page).post(signin::user))
        .route("/pin", post(signin::pin))
        .route("/question", post(signin::question))
        .route("/terms", get(signin::terms).post(signin::accept))
        .route("/logout", get(signin::log_out))
        .route("/home", get(hub::home))
        .route("/workcenter", get(hub::work_center))
        .route("/um", get(hub::launch))
        .route("/settings", get(hub::settings))
        .route("/log", get(log::page))
        .route("/log/rows", get(log::rows))
        .route("/log/refresh", post(log::refresh))
        .route("/log/{reference}", get(log::detail))
        .route("/correspondence", get(papers::correspondence))
        .route("/correspondence/rows", get(papers::rows))
        .route("/correspondence/{letter}", get(papers::letter))
        .route("/fax", get(papers::fax_folder))
        .route("/fax/{receipt}", get(papers::fax))
        .route("/eligibility", get(inquiry::eligibility_form).post(inquiry::eligibility))
        .route("/claims", get(inquiry::claim_form).post(inquiry::claims))
        .route("/claims/{claim}", get(inquiry::claim))
        .route("/pulse", post(hub::pulse))
        .route("/bridge.css", get(look::css))
        .route("/bridge.js", get(look::hub_js))
        .layer(middleware::from_fn_with_state(rules, call::take))
        .with_state(Arc::clone(sim))
}

fn um_pages(sim: &Arc<Sim>) -> Router {
    let rules = Rules {
        sim: Arc::clone(sim),
        host: "um",
        token_of: |headers, _| cookie(headers, "UMSESSION"),
        step_of: um_step,
        maintenance: look::maintenance,
    };
    Router::new()
        .route("/sso", post(window::sso))
        .route("/member", get(window::member_page).post(window::member))
        .route("/member/find", post(window::find))
        .route("/episode", get(window::episode_page).post(window::episode))
        .route("/attach", get(roles::page).post(roles::attach))
        .route("/attach/find", get(roles::find))
        .route("/services", get(grid::page))
        .route("/services/add", post(grid::add))
        .route("/services/cell", post(grid::leave))
        .route("/services/remove", post(grid::remove))
        .route("/documents", get(review::documents_page).post(review::document))
        .route("/submit", get(review::page).post(submit::submit))
        .route("/result", get(submit::result_page))
        .route("/search", get(records::search_page).post(records::search))
        .route("/detail/{reference}", get(records::detail))
        .route("/detail/{reference}/lines", get(records::lines))
        .route("/detail/{reference}/extend", get(records::extend_page).post(records::extend))
        .route("/detail/{reference}/renew", get(records::renew))
        .route("/detail/{reference}/document", post(records::document))
        .route("/pulse", post(window::pulse))
        .route("/bridge.css", get(look::css))
        .route("/um.js", get(look::um_js))
        .layer(DefaultBodyLimit::max(BODY_MAX))
        .layer(middleware::from_fn_with_state(rules, call::take))
        .with_state(Arc::clone(sim))
}

fn hub_step(method: &Method, uri: &Uri) -> Step {
    let post = method == Method::POST;
    match uri.path().trim_start_matches('/') {
        "login" if post => Step::read("user"),
        "login" => Step::read("login"),
        "pin" | "question" => Step::read("second"),
        "terms" => Step::read("terms"),
        "home" => Step::read("home"),
        "workcenter" => Step::read("workcenter"),
        "um" => Step::read("launch"),
        "log" => Step::read("log"),
        "log/rows" => Step::read("log_rows"),
        "log/refresh" => Step::read("log_refresh"),
        "correspondence" | "correspondence/rows" => Step::read("correspondence"),
        "fax" => Step::read("fax"),
        "eligibility" => Step::read("eligibility"),
        "claims" if post => Step::read("claim_search"),
        "claims" => Step::read("claims"),
        "settings" => Step::read("settings"),
        path if path.starts_with("log/") => Step::read("log_detail"),
        path if path.starts_with("correspondence/") || path.starts_with("fax/") => {
            Step::read("letter")
        }
        path if path.starts_with("claims/") => Step::read("claim"),
        _ => Step::PASSIVE,
    }
}

fn um_step(method: &Method, uri: &Uri) -> Step {
    let post = method == Method::POST;
    match uri.path().trim_start_matches('/') {
        "sso" => Step::read("sso"),
        "member/find" => Step::read("member_search"),
        "member" => Step::read("member"),
        "episode" => Step::read("episode"),
        "attach/find" => Step::read("provider_search"),
        "attach" => Step::read("attach"),
        "services" => Step::read("services"),
        "services/add" | "services/cell" | "services/remove" => Step::read("cell"),
        "documents" => Step::read("docs"),
        "submit" if post => Step::write("submit"),
        "submit" => Step::read("review"),
        "result" => Step::read("result"),
        "search" if post => Step::read("search"),
        "search" => Step::read("inquiry"),
        path if path.ends_with("/lines") => Step::read("lines"),
        path if path.ends_with("/extend") && post => Step::write("extend"),
        path if path.ends_with("/extend") => Step::read("extend_page"),
        path if path.ends_with("/renew") => Step::read("renew"),
        path if path.ends_with("/document") => Step::write("attach_later"),
        path if path.starts_with("detail/") => Step::read("detail"),
        _ => Step::PASSIVE,
    }
}

/// A moment at the hub's offices, in Central time.
fn central(at: Timestamp) -> Zoned {
    at.to_zoned(TimeZone::get("America/Chicago").unwrap_or(TimeZone::UTC))
}

/// `PB` and eight digits, one value for the pended and the certified request. The odd shape has a dash, a digit more and
/// small letters.
fn reference(sim: &Sim, odd_shape: bool) -> String {
    let serial = 30_116 + sim.seed.saturating_sub(1) % 500 + sim.kept.next("number/pb") * 7;
    if odd_shape || sim.knobs.text("number_format") == "b" {
        format!("pb-{serial:09}")
    } else {
        format!("PB{serial:08}")
    }
}

fn draw_up(sim: &Sim, from: &Filed<'_>, filing: Filing) -> Case {
    file(sim, from, filing, false)
}

/// Makes a case of a filing, with its two numbers in the usual or the odd shape.
fn file(sim: &Sim, from: &Filed<'_>, filing: Filing, odd_shape: bool) -> Case {
    let like = sim.store.all().into_iter().find(|case| {
        case.recorded
            && draft::same_request(&case.filing, &filing)
            && !case.lines.iter().all(|line| line.status == LineStatus::Cancelled)
    });
    let number = Number { kind: "pend".to_owned(), value: reference(sim, odd_shape) };
    let mut case = sim.store.draw_up(&sim.kept, from, filing, number);
    let transaction = 260_302_000_000 + sim.kept.next("number/transaction");
    let transaction = Number { kind: "transaction".to_owned(), value: format!("T{transaction}") };
    case.numbers.push(transaction);
    if let Some(like) = like {
        // Nothing happens to it by itself: a person at the plan looks at both.
        for line in &mut case.lines {
            line.status = LineStatus::Pended;
            line.granted = None;
            line.course.clear();
            line.text = Some(format!("Possible duplicate of {}", like.id));
        }
        (case.valid_from, case.valid_to) = (None, None);
    }
    settle(sim, &mut case);
    case
}

/// The pended number becomes the authorization number with the first positive decision; a whole decision is told in a
/// letter, a question about documents by fax.
fn settle(sim: &Sim, case: &mut Case) {
    let granted = case.lines.iter().any(|line| line.status.granted());
    if granted && case.number("authorization").is_none() {
        case.numbers.push(Number { kind: "authorization".to_owned(), value: case.id.clone() });
    }
    let settled = case.lines.iter().all(|line| line.status.is_final());
    let decided = case.lines.iter().any(|line| {
        line.status.granted()
            || matches!(line.status, LineStatus::Denied | LineStatus::DeniedIncomplete)
    });
    if settled && decided && case.number("letter").is_none() {
        let serial = 51_000_000 + sim.kept.next("number/letter");
        case.numbers.push(Number { kind: "letter".to_owned(), value: format!("L{serial}") });
    }
    let asked = case.lines.iter().any(|line| line.status == LineStatus::InfoRequested);
    if asked && case.number("receipt").is_none() {
        let serial = 70_000_100 + sim.kept.next("number/fax");
        case.numbers.push(Number { kind: "receipt".to_owned(), value: format!("F{serial}") });
        let two = sim.knobs.flag("fax_two_in_one");
        sim.send_fax(case, if two { "request+two_in_one" } else { "request" }, case.changed_at);
    }
}

/// The authorization of M13 that ends twenty days after the world began; a person of the office asked for it long ago.
fn authorize_in_advance(sim: &Sim) {
    let (true, Some(member)) = (sim.store.all().is_empty(), world().member("M13")) else { return };
    let start = sim.start_date();
    let ends = start.saturating_add(jiff::Span::new().days(20));
    let from = ends.saturating_sub(jiff::Span::new().days(90));
    let filing = Filing {
        member_id: member.member_id.clone(),
        plan: member.plan.clone(),
        request_type: "Outpatient".to_owned(),
        requesting_npi: "1234567893".to_owned(),
        servicing_npi: "1000000038".to_owned(),
        diagnoses: vec!["G47.33".to_owned()],
        lines: vec![FiledLine { code: "E0601".to_owned(), units: 1, from, to: ends }],
        ..Filing::default()
    };
    let filed = Filed {
        payer: PROFILE.slug,
        account: "clerk01",
        origin: "person",
        received_seq: 0,
        now: sim.start - SignedDuration::from_hours(24 * 70),
        imaging_delegated: false,
    };
    let mut case = draw_up(sim, &filed, filing);
    (case.valid_from, case.valid_to) = (Some(from), Some(ends));
    sim.keep(&case);
}
