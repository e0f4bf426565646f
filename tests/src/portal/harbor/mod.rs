//! P4 Harbor State Medicaid: an old state system. A frameset (banner, menu, main), table layout, pop-up windows that write
//! into their opener, `confirm()` and `beforeunload`, the portal session in the address (`;jsessionid=`) and in a cookie,
//! a pick-list of 900 entries, dates as MM/DD/CCYY text.
//!
//! `signin` is the way in, `frames` what holds the pages, `entry` the six pages of a request, `lookup` the pop-ups, `submit`
//! the one write that files a request, `inquiry`, `claims` and `eligibility` what can be read, `papers` letters and cover
//! sheets; `look` is how pages look, `redesign` how they look redesigned. A request just like one
//! on file is refused (PA-0412) without its number. The number of a new one is shown as a picture.

mod batch;
mod claims;
mod desk;
mod draft;
mod eligibility;
mod entry;
mod frames;
mod inquiry;
mod look;
mod lookup;
mod papers;
mod picture;
mod redesign;
mod rules;
mod signin;
mod submit;
mod taxonomy;

pub use entry::CERTIFICATION;
pub use redesign::name as redesigned_name;

use std::sync::Arc;

use axum::{
    Router,
    extract::{DefaultBodyLimit, Request},
    http::{HeaderMap, Method, Uri},
    middleware,
    routing::{get, post},
};
use jiff::{SignedDuration, Timestamp, Zoned, civil::Weekday, tz::TimeZone};
use serde_json::{Value, json};
use tower::Layer as _;
use tower::util::MapRequestLayer;

use super::{
    Pace,
    accounts::SignInRules,
    call::{self, Rules, Step, cookie},
    decide::LineStatus,
    sim::{Profile, Sim},
    store::{Case, Filed, Filing, Number},
};

/// Harbor State Medicaid.
pub const PROFILE: Profile = Profile {
    slug: "harbor",
    code: "P4",
    hosts: &["mmis.harbor.test"],
    sign_in: SignInRules {
        wrong_limit: 3,
        wrong_window: SignedDuration::from_mins(120),
        lock: None,
    },
    idle_min: 20,
    redesigned: true,
    knobs,
    routers,
    draw_up,
    settle,
    zone: "America/New_York",
    without: &[
        ("F15", "the sign-on takes a password alone"),
        ("F16", "the sign-on takes a password alone"),
        ("F17", "the sign-on takes a password alone"),
        ("F18", "the sign-on takes a password alone"),
        ("F27", "pages come whole from the server; nothing is drawn over later"),
        (
            "F44",
            "the result is the answer to the post itself: every reload posts again without any fault",
        ),
    ],
};

/// Largest body taken; documents over the portal's own limit must arrive to be refused.
const BODY_MAX: usize = 24 * 1024 * 1024;

/// Header that carries the `;jsessionid=` of the address after it was taken off.
const SESSION_HEADER: &str = "x-address-session";

fn knobs(pace: Pace) -> Value {
    json!({
        "page_delay_ms": if pace == Pace::Lifelike { 2200 } else { 0 },
        "captcha": true,
        "password_age_d": 20,
        "popup": "window",
        "frames": "frameset",
        "beforeunload": true,
        "number_format": "a",
        "status_down": false,
        "hours": "always",
        "bulletin": false,
        "edi_reject": "",
        "batch_silent": false,
        "batch_answer_s": 0,
    })
}

fn routers(sim: Arc<Sim>) -> Vec<(&'static str, Router)> {
    batch::watch(&sim);
    let rules = Rules {
        sim: Arc::clone(&sim),
        host: "mmis",
        token_of,
        step_of,
        maintenance: look::unavailable,
    };
    let pages = Router::new()
        .route("/", get(signin::begin))
        .route("/pa/banner", get(signin::banner).post(signin::accept))
        .route("/pa/login", get(signin::login))
        .route("/pa/signOn", post(signin::sign_on))
        .route("/pa/captcha", post(signin::captcha))
        .route("/pa/captchaPicture", get(signin::captcha_picture))
        .route("/pa/changepw", post(signin::change_password))
        .route("/pa/logoff", get(frames::log_off))
        .route("/pa/index", get(frames::index))
        .route("/pa/top", get(frames::top))
        .route("/pa/menu", get(frames::menu))
        .route("/pa/main", get(frames::main))
        .route("/pa/paEntry1", get(entry::start).post(entry::kind))
        .route("/pa/paEntry2", post(entry::member))
        .route("/pa/paEntry3", post(entry::providers))
        .route("/pa/paEntry4", post(entry::lines))
        .route("/pa/paEntry5", post(entry::certification))
        .route("/pa/paEntry6", post(entry::document))
        .route("/pa/memberSearch", get(lookup::member_form).post(lookup::member_search))
        .route("/pa/codeSearch", get(lookup::code_form).post(lookup::code_search))
        .route("/pa/paResult", post(submit::submit))
        .route("/pa/paInquiry", get(inquiry::tabs).post(inquiry::search))
        .route("/pa/paDetail", get(inquiry::detail))
        .route("/pa/coverSheet", get(papers::cover_sheet))
        .route("/pa/nod", get(papers::notice))
        .route("/pa/claimInquiry", get(claims::form).post(claims::search))
        .route("/pa/claimDetail", get(claims::detail))
        .route("/pa/eligInquiry", get(eligibility::form).post(eligibility::search))
        .layer(DefaultBodyLimit::max(BODY_MAX))
        .layer(middleware::from_fn_with_state(rules, call::take))
        .with_state(sim);
    // Before any route is looked up: addresses carry the portal session after a semicolon.
    let pages = MapRequestLayer::new(take_session_off).layer(pages);
    vec![("mmis.harbor.test", Router::new().fallback_service(pages))]
}

/// `/pa/menu;jsessionid=X?tab=1` becomes `/pa/menu?tab=1` with the value in a header.
fn take_session_off(mut request: Request) -> Request {
    request.headers_mut().remove(SESSION_HEADER);
    let uri = request.uri().clone();
    let Some((path, token)) = uri.path().split_once(";jsessionid=") else { return request };
    let whole = uri.query().map_or_else(|| path.to_owned(), |query| format!("{path}?{query}"));
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = whole.parse().ok();
    if let (Ok(uri), Ok(token)) = (Uri::from_parts(parts), token.parse()) {
        *request.uri_mut() = uri;
        request.headers_mut().insert(SESSION_HEADER, token);
    }
    request
}

/// As servers of that age do it: the cookie goes before the address.
fn token_of(headers: &HeaderMap, _uri: &Uri) -> Option<String> {
    let of_address = headers.get(SESSION_HEADER).and_then(|value| value.to_str().ok());
    cookie(headers, "JSESSIONID").or_else(|| of_address.map(str::to_owned))
}

fn step_of(method: &Method, uri: &Uri) -> Step {
    let post = method == Method::POST;
    match uri.path().trim_start_matches("/pa/") {
        "banner" => Step::read("banner"),
        "login" | "signOn" => Step::read("login"),
        "captcha" => Step::read("captcha"),
        "changepw" => Step::read("changepw"),
        "index" => Step::read("index"),
        "main" => Step::read("main"),
        "paEntry1" if post => Step::read("type"),
        "paEntry1" => Step::read("entry"),
        "paEntry2" => Step::read("member"),
        "paEntry3" => Step::read("prov"),
        "paEntry4" => Step::read("lines"),
        "paEntry5" => Step::read("cert"),
        "paEntry6" => Step::read("docs"),
        "memberSearch" if post => Step::read("member_search"),
        "paResult" => Step::write("submit"),
        "paInquiry" if post => Step::read("search"),
        "paInquiry" => Step::read("inquiry"),
        "paDetail" => Step::read("detail"),
        "claimInquiry" if post => Step::read("claim_search"),
        "claimDetail" => Step::read("claim"),
        "eligInquiry" if post => Step::read("eligibility"),
        "nod" | "coverSheet" => Step::read("letter"),
        _ => Step::PASSIVE,
    }
}

/// A moment at the payer's offices, in Eastern time.
fn eastern(at: Timestamp) -> Zoned {
    at.to_zoned(TimeZone::get("America/New_York").unwrap_or(TimeZone::UTC))
}

/// Year, day of the year, six digits: `26061000123`. The odd shape has a dash and one digit more.
fn pa_number(sim: &Sim, odd_shape: bool) -> Number {
    let serial = 122 + (sim.seed.saturating_sub(1)) % 500 + sim.kept.next("number/pa");
    let day = eastern(sim.now());
    let (year, day) = (day.year() % 100, day.day_of_year());
    let odd_shape = odd_shape || sim.knobs.text("number_format") == "b";
    let value = if odd_shape {
        format!("{year:02}{day:03}-{serial:07}")
    } else {
        format!("{year:02}{day:03}{serial:06}")
    };
    Number { kind: "tracking".to_owned(), value }
}

fn draw_up(sim: &Sim, from: &Filed<'_>, filing: Filing) -> Case {
    file(sim, from, filing, false)
}

/// Makes a case of a filing, with its number in the usual or the odd shape.
fn file(sim: &Sim, from: &Filed<'_>, filing: Filing, odd_shape: bool) -> Case {
    let number = pa_number(sim, odd_shape);
    let mut case = sim.store.draw_up(&sim.kept, from, filing, number);
    // Documents that never come are waited for in working days from receipt.
    let limit = working_day(case.received_at, ANSWER_DAYS);
    for (at, change) in case.lines.iter_mut().flat_map(|line| &mut line.course) {
        if change.status == LineStatus::DeniedIncomplete {
            *at = limit;
        }
    }
    settle(sim, &mut case);
    case
}

/// Working days a provider has to answer.
const ANSWER_DAYS: u32 = 14;

/// Working days after receipt on which an unanswered request is brought to mind.
const NOTICE_DAYS: [u32; 3] = [1, 5, 10];

/// The same time of day so many working days later.
fn working_day(from: Timestamp, days: u32) -> Timestamp {
    let mut at = eastern(from);
    let mut left = days;
    while left > 0 {
        let Ok(next) = at.tomorrow() else { return from };
        at = next;
        if !matches!(at.weekday(), Weekday::Saturday | Weekday::Sunday) {
            left -= 1;
        }
    }
    at.timestamp()
}

/// The PA number becomes the authorization number with the first positive decision; a whole decision is told in a letter.
fn settle(sim: &Sim, case: &mut Case) {
    let granted = case.lines.iter().any(|line| line.status.granted());
    if granted && case.number("authorization").is_none() {
        case.numbers.push(Number { kind: "authorization".to_owned(), value: case.id.clone() });
    }
    if header(case, sim.now()) == Header::Adjudicated && case.number("letter").is_none() {
        let serial = 61_000_000 + sim.kept.next("number/letter");
        case.numbers.push(Number { kind: "letter".to_owned(), value: format!("N{serial}") });
    }
}

/// Where a whole request stands. Never a decision: that is said line by line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Header {
    Received,
    InProgress,
    PendingProvider,
    Adjudicated,
}

impl Header {
    /// All, in the order of the tabs.
    const TABS: [Header; 4] =
        [Header::InProgress, Header::Received, Header::PendingProvider, Header::Adjudicated];

    /// The name of the tab it is listed under.
    fn tab(self) -> &'static str {
        match self {
            Header::Received => "Received Awaiting Review",
            Header::InProgress => "In Progress",
            Header::PendingProvider => "Pending Provider Response",
            Header::Adjudicated => "Determination Complete",
        }
    }

    /// The status shown.
    fn words(self) -> &'static str {
        match self {
            Header::Received => "RECEIVED",
            Header::InProgress => "IN REVIEW",
            Header::PendingProvider => "PENDING PROVIDER RESPONSE",
            Header::Adjudicated => "ADJUDICATED",
        }
    }
}

/// A request waits an hour before somebody takes it up.
const TAKEN_UP: SignedDuration = SignedDuration::from_hours(1);

fn header(case: &Case, now: Timestamp) -> Header {
    if case.lines.iter().all(|line| line.status.is_final()) {
        Header::Adjudicated
    } else if case.lines.iter().any(|line| line.status == LineStatus::InfoRequested) {
        Header::PendingProvider
    } else if now.duration_since(case.received_at) < TAKEN_UP {
        Header::Received
    } else {
        Header::InProgress
    }
}

/// The portal's words for a line.
fn line_words(status: LineStatus) -> &'static str {
    match status {
        LineStatus::NotRequired => "NO PA REQUIRED",
        LineStatus::Redirected => "REFERRED TO VENDOR",
        LineStatus::Pended => "PENDING",
        LineStatus::InfoRequested => "PENDING - PROVIDER RESPONSE",
        LineStatus::Approved => "APPROVED",
        LineStatus::Modified => "MODIFIED",
        LineStatus::Denied => "DENIED",
        LineStatus::DeniedIncomplete => "DENIED - INCOMPLETE",
        LineStatus::ContactPayer => "CALL REVIEW UNIT",
        LineStatus::Cancelled => "CANCELLED",
    }
}

#[cfg(test)]
mod tests {
    use axum::body::Body;

    use super::*;

    #[test]
    fn working_days_leave_out_the_weekend() {
        let monday: Timestamp = "2026-03-02T14:00:00Z".parse().unwrap();
        for (days, day) in [(1, "03/03/2026"), (5, "03/09/2026"), (14, "03/20/2026")] {
            let at = eastern(working_day(monday, days));
            assert_eq!(at.strftime("%m/%d/%Y %H:%M").to_string(), format!("{day} 09:00"));
        }
    }

    #[test]
    fn the_session_is_taken_off_the_address_and_cannot_be_given_by_header() {
        let take = |address: &str, cookie: &str| {
            let request = Request::builder().uri(address).header(SESSION_HEADER, "forged");
            let request = request.header("cookie", cookie).body(Body::empty());
            let request = take_session_off(request.unwrap());
            let token = token_of(request.headers(), request.uri());
            (request.uri().to_string(), token.unwrap_or_default())
        };
        let whole = |path: &str, token: &str| (path.to_owned(), token.to_owned());
        let menu = "/pa/menu;jsessionid=AB12?tab=1";
        assert_eq!(take(menu, "a=b"), whole("/pa/menu?tab=1", "AB12"));
        assert_eq!(take(menu, "JSESSIONID=CD34"), whole("/pa/menu?tab=1", "CD34"));
        assert_eq!(take("/pa/menu?tab=1", "a=b"), whole("/pa/menu?tab=1", ""));
    }
}
