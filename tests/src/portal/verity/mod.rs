//! P2 Verity Review: a reviewer other payers delegate to. Server-rendered post-back pages: one form per page with a hidden
//! view state, links that post back, element ids with a random middle part, captions beside their fields.
//!
//! `signin` and `sso` are the ways in, `wizard`, `places` and `urgent` the pages of a case up to the question of urgency,
//! `path` the branching questions, `finish` upload, summary, the one write and its result, `cases` what can be read afterwards, `peer` the call
//! with a reviewer. A case has its number from the start and is kept unfinished for two hours; one portal session per
//! account, a second one ends the first.

mod cases;
mod desk;
mod draft;
mod finish;
mod look;
mod path;
mod peer;
mod places;
mod signin;
pub mod sso;
mod urgent;
mod wizard;

pub use urgent::URGENT_STATEMENT;

use std::sync::Arc;

use axum::{
    Router,
    extract::{DefaultBodyLimit, Request, State},
    http::{HeaderMap, Method, StatusCode, Uri},
    middleware::{self, Next},
    response::Response,
    routing::{get, post},
};
use jiff::{SignedDuration, Timestamp, Zoned, civil::Weekday, tz::TimeZone};
use serde_json::{Value, json};

use super::{
    Pace,
    accounts::SignInRules,
    call::{self, Rules, Step, cookie},
    decide::LineStatus,
    html, pulse,
    sim::{Profile, Sim},
    store::{Case, Filed, Filing, Number},
};

/// Verity Review.
pub const PROFILE: Profile = Profile {
    slug: "verity",
    code: "P2",
    hosts: &["www.verity.test"],
    sign_in: SignInRules {
        wrong_limit: WRONG_LIMIT,
        wrong_window: SignedDuration::from_mins(120),
        lock: Some(SignedDuration::from_mins(15)),
    },
    idle_min: 20,
    redesigned: true,
    knobs,
    routers,
    draw_up,
    settle,
    zone: "America/Chicago",
    without: &[
        ("F19", "no verification picture is ever shown"),
        ("F27", "pages come whole from the server; nothing is drawn over later"),
        ("F33", "lists are sent whole, without pages"),
        (
            "F44",
            "the result is the answer to the post itself: every reload posts again without any fault",
        ),
    ],
};

/// Wrong passwords that lock.
const WRONG_LIMIT: usize = 3;

/// Largest body taken; files over the portal's own limit must arrive to be refused.
const BODY_MAX: usize = 12 * 1024 * 1024;

/// Name of the cookie with the portal session.
const COOKIE: &str = "ASP.NET_SessionId";

fn knobs(pace: Pace) -> Value {
    json!({
        "page_delay_ms": if pace == Pace::Lifelike { 1500 } else { 0 },
        "single_session": true,
        "otp_delay_s": 0,
        "draft_hours": 2,
        "maintenance": "SU 12:30-18:00",
        "fax_delay_min": 30,
        "pathway": "",
        "dup_mode": "warn",
        "status_down": false,
    })
}

fn routers(sim: Arc<Sim>) -> Vec<(&'static str, Router)> {
    let rules = Rules {
        sim: Arc::clone(&sim),
        host: "verity",
        token_of,
        step_of,
        maintenance: look::maintenance,
    };
    let pages = Router::new()
        .route("/", get(signin::begin))
        .route("/login.aspx", get(signin::login).post(signin::log_in))
        .route("/code.aspx", get(signin::code).post(signin::enter_code))
        .route("/sessionEnded.aspx", get(signin::session_ended))
        .route("/sso/acs", post(sso::arrive))
        .route("/pulse", post(pulse::pulse))
        .route("/pulse.js", get(pulse::script))
        .route("/home.aspx", get(signin::home).post(signin::menu))
        .route("/announcements.aspx", get(cases::announcements).post(signin::menu))
        .route("/program.aspx", get(wizard::program_page).post(wizard::program))
        .route("/member.aspx", get(wizard::member_page).post(wizard::member))
        .route("/provider.aspx", get(places::provider_page).post(places::provider))
        .route("/site.aspx", get(places::site_page).post(places::site))
        .route("/codes.aspx", get(wizard::codes_page).post(wizard::codes))
        .route("/duplicate.aspx", get(wizard::duplicate_page).post(wizard::duplicate))
        .route("/started.aspx", get(wizard::started_page).post(wizard::started))
        .route("/urgent.aspx", get(urgent::page).post(urgent::answer))
        .route("/path.aspx", get(path::question_page).post(path::answer))
        .route("/upload.aspx", get(finish::upload_page).post(finish::upload))
        .route("/summary.aspx", get(finish::summary_page).post(finish::summary))
        .route("/result.aspx", get(finish::reopen).post(finish::submit))
        .route("/incomplete.aspx", get(cases::incomplete_page).post(cases::incomplete))
        .route("/find.aspx", get(cases::find_page).post(cases::find))
        .route("/case.aspx", get(cases::case_page).post(cases::case))
        .route("/p2p.aspx", get(peer::page).post(peer::request))
        .layer(middleware::from_fn_with_state(Arc::clone(&sim), keep_hours))
        .layer(DefaultBodyLimit::max(BODY_MAX))
        .layer(middleware::from_fn_with_state(rules, call::take))
        .with_state(sim);
    vec![("www.verity.test", pages)]
}

fn token_of(headers: &HeaderMap, _uri: &Uri) -> Option<String> {
    cookie(headers, COOKIE)
}

fn step_of(method: &Method, uri: &Uri) -> Step {
    let post = method == Method::POST;
    match uri.path().trim_start_matches('/').trim_end_matches(".aspx") {
        "login" => Step::read("attest"),
        "code" => Step::read("otp"),
        "sso/acs" => Step::read("sso"),
        "home" => Step::read("home"),
        "program" => Step::read("program"),
        "member" => Step::read("member"),
        "provider" => Step::read("provider"),
        "site" => Step::read("site"),
        "codes" => Step::read("codes"),
        "duplicate" => Step::read("dup"),
        "started" => Step::read("started"),
        "urgent" => Step::read("urgent"),
        "path" => Step::read("path"),
        "upload" => Step::read("upload"),
        "summary" => Step::read("summary"),
        "result" if post => Step::write("submit"),
        "result" => Step::read("result"),
        "incomplete" => Step::read("incomplete"),
        "find" if post => Step::read("search"),
        "find" => Step::read("find"),
        "case" => Step::read("case"),
        "p2p" if post => Step::write("p2p"),
        "p2p" | "announcements" => Step::read("p2p"),
        _ => Step::PASSIVE,
    }
}

/// Answers with the maintenance page, status 200, during the weekly window.
async fn keep_hours(State(sim): State<Arc<Sim>>, request: Request, next: Next) -> Response {
    if in_window(&sim.knobs.text("maintenance"), &central(sim.now())) {
        return html::page(StatusCode::OK, look::maintenance());
    }
    next.run(request).await
}

/// A moment at Verity's offices.
fn central(at: Timestamp) -> Zoned {
    at.to_zoned(TimeZone::get("America/Chicago").unwrap_or(TimeZone::UTC))
}

/// Is `now` in a weekly window such as `SU 12:30-18:00`? An empty text is no window.
fn in_window(window: &str, now: &Zoned) -> bool {
    let Some((day, hours)) = window.split_once(' ') else { return false };
    let day = match day {
        "MO" => Weekday::Monday,
        "TU" => Weekday::Tuesday,
        "WE" => Weekday::Wednesday,
        "TH" => Weekday::Thursday,
        "FR" => Weekday::Friday,
        "SA" => Weekday::Saturday,
        "SU" => Weekday::Sunday,
        _ => return false,
    };
    let minutes = |text: &str| -> Option<i32> {
        let (hour, minute) = text.split_once(':')?;
        Some(hour.parse::<i32>().ok()? * 60 + minute.parse::<i32>().ok()?)
    };
    let Some((from, to)) = hours.split_once('-') else { return false };
    let (Some(from), Some(to)) = (minutes(from), minutes(to)) else { return false };
    let at = i32::from(now.hour()) * 60 + i32::from(now.minute());
    now.weekday() == day && (from..to).contains(&at)
}

/// `V0123456790`: a case has it from the start. The odd shape has dashes.
fn case_number(sim: &Sim, odd_shape: bool) -> Number {
    let serial = 123_456_789 + (sim.seed.saturating_sub(1)) % 500 + sim.kept.next("number/case");
    let digits = format!("{serial:010}");
    let value = if odd_shape {
        format!("V-{}-{}", digits.get(..4).unwrap_or_default(), digits.get(4..).unwrap_or_default())
    } else {
        format!("V{digits}")
    };
    Number { kind: "case".to_owned(), value }
}

fn draw_up(sim: &Sim, from: &Filed<'_>, filing: Filing) -> Case {
    let number = case_number(sim, false);
    file(sim, from, filing, number)
}

/// Makes a case of a filing under the number it has had from the start.
fn file(sim: &Sim, from: &Filed<'_>, filing: Filing, number: Number) -> Case {
    // What another payer delegates is decided here.
    let from = Filed { imaging_delegated: false, ..from.clone() };
    let mut case = sim.store.draw_up(&sim.kept, &from, filing, number);
    settle(sim, &mut case);
    case
}

/// A positive decision gives an authorization number; every whole decision, and every question, is also faxed.
fn settle(sim: &Sim, case: &mut Case) {
    let granted = case.lines.iter().any(|line| line.status.granted());
    if granted && case.number("authorization").is_none() {
        let serial = 400_270_000 + sim.kept.next("number/authorization");
        case.numbers.push(Number { kind: "authorization".to_owned(), value: format!("A{serial}") });
    }
    let what = if case.lines.iter().any(|line| line.status == LineStatus::InfoRequested) {
        "request"
    } else if case.lines.iter().all(|line| line.status.is_final()) {
        "determination"
    } else {
        return;
    };
    let key = format!("faxed/{}/{what}", case.id);
    if sim.kept.get(&key).is_none() {
        sim.kept.put(&key, json!(true));
        sim.send_fax(case, what, case.changed_at);
    }
}

/// The portal's words for a whole case as it stands.
fn status_words(case: &Case, today: jiff::civil::Date) -> &'static str {
    let any = |status| case.lines.iter().any(|line| line.status == status);
    let all = |check: fn(LineStatus) -> bool| case.lines.iter().all(|line| check(line.status));
    if all(|status| status == LineStatus::Cancelled) {
        "Withdrawn - Incomplete"
    } else if any(LineStatus::InfoRequested) {
        "Pending - Additional Information"
    } else if any(LineStatus::Pended) || any(LineStatus::ContactPayer) {
        "Pending - Clinical Review"
    } else if case.valid_to.is_some_and(|to| to < today) {
        "Expired"
    } else if all(|status| status == LineStatus::Approved) {
        "Approved"
    } else if case.lines.iter().any(|line| line.status.granted()) {
        "Partially Approved"
    } else {
        "Denied"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_weekly_window_is_kept_in_central_time() {
        let inside =
            |text: &str| in_window("SU 12:30-18:00", &central(text.parse::<Timestamp>().unwrap()));
        assert!(!inside("2026-03-01T18:29:59Z"));
        assert!(inside("2026-03-01T18:30:00Z"));
        assert!(inside("2026-03-01T23:59:00Z"));
        assert!(!inside("2026-03-02T00:00:00Z"));
        // In summer the same hours are earlier in UTC.
        assert!(inside("2026-07-05T17:30:00Z"));
        assert!(!in_window("", &central("2026-03-01T19:00:00Z".parse().unwrap())));
    }
}
