//! The way in: disclosure and password, the e-mailed code with its limits, the front page and its menu. A second login of
//! an account ends its first portal session.

use std::sync::Arc;

use axum::{
    Extension,
    extract::{Query, Request, State},
    http::{HeaderValue, StatusCode, header},
    response::Response,
};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::{
    COOKIE, WRONG_LIMIT,
    desk::{Desk, Posted, to},
    look::{self, Ids, Page},
    wizard,
};
use crate::{
    ledger::{Entry, hex},
    portal::{
        Skin,
        accounts::{Password, PortalSession, Stage},
        call::Call,
        html,
        mail::Draft as Letter,
        sim::Sim,
    },
};

type Here = (State<Arc<Sim>>, Extension<Call>);

/// The disclosure, word for word: who ticks the box agrees to exactly this.
const DISCLOSURE: &str = "HIPAA Disclosure: this site holds protected health information. I will use it only for \
    treatment, payment or health care operations of patients in my care, and I will not share my login.";

const CHANGED: &str = "HIPAA Disclosure (revised 03/01/2026): this site holds protected health information. I also agree \
    that review data may be shared with contractors of Verity Review for product research.";

/// Minutes an e-mailed code is good for.
const CODE_MIN: i64 = 10;
/// Tries an e-mailed code has.
const CODE_TRIES: u32 = 3;
/// Codes sent again within [`RESEND_WINDOW`] before the choices are taken away.
const RESENDS: usize = 3;
const RESEND_WINDOW: SignedDuration = SignedDuration::from_mins(15);
/// Days without a login after which an account is disabled.
const UNUSED_DAYS: i64 = 45;

/// The front door.
pub(super) async fn begin() -> Response {
    to("login.aspx")
}

fn short_hash(text: &str) -> String {
    hex(&Sha256::digest(text)).chars().take(16).collect()
}

fn shown(
    skin: Skin,
    file: &str,
    title: &str,
    message: &str,
    body: impl FnOnce(&Ids) -> String,
) -> Response {
    let ids = Ids::new(skin);
    let page = Page {
        title,
        file: &format!("{file}.aspx"),
        view_state: short_hash(&Sim::secret()),
        message,
        body: body(&ids),
        user: None,
        multipart: false,
    };
    html::page(StatusCode::OK, look::page(&ids, &page))
}

/// Somebody who came from another portal has agreed to nothing yet.
fn arriving(call: &Call) -> Option<&PortalSession> {
    call.session.as_ref().filter(|session| session.stage == Stage::Partly("sso"))
}

/// The login page: the disclosure, and the password unless another portal vouches for the user.
pub(super) async fn login((State(sim), Extension(call)): Here) -> Response {
    match &call.session {
        Some(session) if session.stage == Stage::Live => return to("home.aspx"),
        Some(session) if session.stage == Stage::Partly("code") => return to("code.aspx"),
        _ => {}
    }
    login_page(&sim, &call, "")
}

fn login_page(sim: &Sim, call: &Call, message: &str) -> Response {
    let text = if call.fires("terms-changed") { CHANGED } else { DISCLOSURE };
    sim.note(call, Entry::new("terms_shown").with("hash", short_hash(text)));
    let arrives = arriving(call);
    let skin = arrives.map_or_else(|| sim.sessions.skin_before_sign_in(), |session| session.skin);
    shown(skin, "login", "Log in to Verity Review", message, |ids| {
        let who = if arrives.is_some() {
            String::new()
        } else {
            ids.text("User name", "User", "") + &ids.input("Password", "Password", "", "password")
        };
        let button = if arrives.is_some() { "Continue" } else { "Log In" };
        format!(
            "<p>{}</p><input type=\"hidden\" name=\"{}\" value=\"{}\">{}{}",
            html::esc(text),
            ids.name("hid", "Terms"),
            short_hash(text),
            ids.form(&(ids.checkbox("I agree to the HIPAA Disclosure", "Agree") + &who)),
            ids.buttons(&ids.button("LogIn", button, ""))
        )
    })
}

/// Somebody logs in.
pub(super) async fn log_in((State(sim), Extension(call)): Here, request: Request) -> Response {
    let posted = Posted::read(request).await;
    if posted.value("Agree").is_empty() {
        return login_page(&sim, &call, "You must agree to continue.");
    }
    sim.note(&call, Entry::new("attest").with("hash", posted.value("Terms")));
    if let Some(session) = arriving(&call) {
        let session = session.clone();
        sim.note(&call, Entry::new("login").with("result", "ok").with("by", "sso"));
        become_live(&sim, &session);
        return wizard::begin_locked(&sim, &session);
    }
    let user = posted.value("User");
    let note = |how: &str| {
        sim.note(&call, Entry::new("login").with("result", how).with("user", user.as_str()))
    };
    match sim.password(&call, &user, &posted.value("Password")) {
        Password::Right => {}
        Password::Wrong => {
            note("wrong");
            let tries = sim.accounts.wrong_count(&sim.kept, &user, sim.now()).max(1);
            let words = format!("Invalid user name or password. Attempt {tries} of {WRONG_LIMIT}.");
            return login_page(&sim, &call, &words);
        }
        Password::JustLocked => {
            note("wrong");
            sim.note(&call, Entry::new("lock").with("user", user.as_str()));
            return locked(&sim);
        }
        Password::Locked => {
            note("locked");
            return locked(&sim);
        }
    }
    if unused_for(&sim, &user) >= SignedDuration::from_hours(24 * UNUSED_DAYS) {
        note("disabled");
        return plain(
            &sim,
            "Account disabled",
            "Your account has been disabled.",
            "It was not used for 45 days. Its owner has to register again by phone.",
        );
    }
    if call.fires("password-expired") {
        note("password_expired");
        let more = "Its owner has to choose a new one by phone before it can be used again.";
        return plain(&sim, "Password expired", "Your password has expired.", more);
    }
    note("ok");
    ask_for_code(&sim, &call, &user)
}

fn plain(sim: &Sim, title: &str, first: &str, second: &str) -> Response {
    let body = format!("<p><b>{}</b></p><p>{}</p>", html::esc(first), html::esc(second));
    html::page(StatusCode::OK, look::plain(sim.sessions.skin_before_sign_in(), title, &body))
}

fn locked(sim: &Sim) -> Response {
    let more = "It opens again 15 minutes after the last wrong password.";
    plain(sim, "Account locked", "Your account is locked.", more)
}

fn unused_for(sim: &Sim, user: &str) -> SignedDuration {
    let last = sim.kept.get(&format!("last_login/{user}"));
    let last = last.and_then(|at| serde_json::from_value(at).ok()).unwrap_or(sim.start);
    sim.now().duration_since(last)
}

/// Begins a portal session with a cookie of its own.
pub(super) fn open(sim: &Sim, user: &str, stage: &'static str, next: &str) -> Option<Response> {
    let account = sim.accounts.find(user)?;
    let token = Sim::secret();
    sim.sessions.open(token.clone(), account, sim.now());
    sim.sessions.change(&token, |session| session.stage = Stage::Partly(stage));
    let mut response = to(next);
    let cookie = format!("{COOKIE}={token}; Path=/; Secure; HttpOnly; SameSite=Lax");
    response.headers_mut().insert(header::SET_COOKIE, HeaderValue::from_str(&cookie).ok()?);
    Some(response)
}

/// The sign-in is whole: any other portal session of the account is over.
fn become_live(sim: &Sim, session: &PortalSession) {
    if sim.knobs.flag("single_session") {
        for other in sim.sessions.live_of(&session.account.id) {
            sim.end_session(&other, "displaced");
        }
    }
    sim.sessions.change(&session.token, |session| session.stage = Stage::Live);
    sim.kept.put(&format!("last_login/{}", session.account.id), json!(sim.now()));
}

fn ask_for_code(sim: &Sim, call: &Call, user: &str) -> Response {
    let Some(response) = open(sim, user, "code", "code.aspx") else {
        return login_page(sim, call, "");
    };
    let cookie = response.headers().get(header::SET_COOKIE).and_then(|value| value.to_str().ok());
    let token = cookie.and_then(|cookie| cookie.split(['=', ';']).nth(1)).unwrap_or_default();
    if let Some(session) = sim.sessions.get(token) {
        send_code(sim, call, &session);
    }
    response
}

/// Sends a new code; the ones before count no more.
fn send_code(sim: &Sim, call: &Call, session: &PortalSession) {
    let codes = if call.fires("mail-twice") { 2 } else { 1 };
    for _ in 0..codes {
        let ordinal = sim.kept.next("otp");
        let hash = Sha256::digest(format!("{}/otp/{ordinal}", sim.seed));
        let number = hash.iter().take(4).fold(0_u32, |sum, byte| (sum << 8) | u32::from(*byte));
        let code = format!("{:06}", number % 1_000_000);
        sim.sessions.change(&session.token, |session| {
            session.data.insert("code".to_owned(), json!(code));
            session.data.insert("code_at".to_owned(), json!(sim.now()));
            session.wrong_codes = 0;
        });
        let delay = SignedDuration::from_secs(sim.knobs.number("otp_delay_s"));
        let letter = Letter {
            to: session.account.email.clone(),
            from: "Verity Review <no-reply@verity.test>".to_owned(),
            subject: "Your Verity code".to_owned(),
            text: format!("Your Verity code is {code}. It can be used for {CODE_MIN} minutes."),
            delay,
        };
        sim.send_mail(call, letter);
        sim.note(call, Entry::new("otp").with("what", "sent"));
    }
}

fn at_of(value: Option<&Value>) -> Option<Timestamp> {
    serde_json::from_value(value?.clone()).ok()
}

/// Somebody who has given the password and waits for the code.
fn half_way(call: &Call) -> Option<PortalSession> {
    call.session.clone().filter(|session| session.stage == Stage::Partly("code"))
}

fn code_page(session: &PortalSession, message: &str) -> Response {
    shown(session.skin, "code", "Enter your code", message, |ids| {
        format!(
            "<p>We e-mailed a code to {}.</p>{}{}<p>{}</p>",
            html::esc(&masked(&session.account.email)),
            ids.form(&ids.text("Enter the code we e-mailed", "Code", "")),
            ids.buttons(&ids.button("Continue", "Continue", "")),
            ids.link("Resend", "", "Resend code")
        )
    })
}

/// `a•••@willowmere.test`.
fn masked(address: &str) -> String {
    let (name, host) = address.split_once('@').unwrap_or((address, ""));
    format!("{}•••@{host}", name.chars().next().unwrap_or('•'))
}

/// How long no code can be asked for any more.
fn throttled(sim: &Sim, account: &str) -> Option<SignedDuration> {
    let until = at_of(sim.kept.get(&format!("otp_until/{account}")).as_ref())?;
    (sim.now() < until).then(|| until.duration_since(sim.now()))
}

fn timer_page(sim: &Sim, call: &Call, session: &PortalSession, left: SignedDuration) -> Response {
    sim.note(call, Entry::new("otp").with("what", "throttled"));
    let (minutes, seconds) = (left.as_secs() / 60, left.as_secs() % 60);
    let words = format!("Too many codes requested. Options return in {minutes:02}:{seconds:02}.");
    let body = format!("<p><b>{words}</b></p>");
    html::page(StatusCode::OK, look::plain(session.skin, "Please wait", &body))
}

/// The page for the code.
pub(super) async fn code((State(sim), Extension(call)): Here) -> Response {
    let Some(session) = half_way(&call) else { return to("login.aspx") };
    let until = || sim.now() + RESEND_WINDOW;
    if call.fires("code-throttled") {
        sim.kept.put(&format!("otp_until/{}", session.account.id), json!(until()));
    }
    match throttled(&sim, &session.account.id) {
        Some(left) => timer_page(&sim, &call, &session, left),
        None => code_page(&session, ""),
    }
}

/// A code is typed, or asked for again.
pub(super) async fn enter_code((State(sim), Extension(call)): Here, request: Request) -> Response {
    let posted = Posted::read(request).await;
    let Some(session) = half_way(&call) else { return to("login.aspx") };
    if let Some(left) = throttled(&sim, &session.account.id) {
        return timer_page(&sim, &call, &session, left);
    }
    if posted.used("Resend") {
        return resend(&sim, &call, &session);
    }
    sim.note(&call, Entry::new("otp").with("what", "try"));
    let good_until = at_of(session.data.get("code_at"))
        .and_then(|at| at.checked_add(SignedDuration::from_mins(CODE_MIN)).ok());
    if good_until.is_none_or(|until| sim.now() >= until) {
        return code_page(&session, "Code expired.");
    }
    if call.fires("code-refused") {
        send_code(&sim, &call, &session);
        return code_page(&session, "The code is not correct. A new code has been sent.");
    }
    if session.data.get("code") == Some(&json!(posted.value("Code"))) {
        become_live(&sim, &session);
        sim.kept.put(&format!("resends/{}", session.account.id), json!([]));
        return to("home.aspx");
    }
    let wrong = sim.sessions.change(&session.token, |session| {
        session.wrong_codes += 1;
        session.wrong_codes
    });
    let wrong = wrong.unwrap_or(CODE_TRIES);
    if wrong >= CODE_TRIES {
        sim.end_session(&session.token, "wrong codes");
        return login_page(&sim, &call, "Too many incorrect codes. Log in again.");
    }
    code_page(&session, &format!("The code is not correct. Attempt {wrong} of {CODE_TRIES}."))
}

fn resend(sim: &Sim, call: &Call, session: &PortalSession) -> Response {
    let now = sim.now();
    let recent = at_of(session.data.get("code_at"))
        .is_some_and(|at| now.duration_since(at) < SignedDuration::from_secs(60));
    if recent {
        return code_page(session, "A code was sent less than a minute ago.");
    }
    let key = format!("resends/{}", session.account.id);
    let before = sim.kept.get(&key).unwrap_or_default();
    let mut sent: Vec<Timestamp> = serde_json::from_value(before).unwrap_or_default();
    sent.retain(|at| now.duration_since(*at) < RESEND_WINDOW);
    if sent.len() >= RESENDS {
        let until = sent.first().map_or(now, |first| *first + RESEND_WINDOW);
        sim.kept.put(&format!("otp_until/{}", session.account.id), json!(until));
        return timer_page(sim, call, session, until.duration_since(now));
    }
    sent.push(now);
    sim.kept.put(&key, json!(sent));
    send_code(sim, call, session);
    code_page(session, "A new code has been sent.")
}

/// Why the portal session is over.
pub(super) async fn session_ended(
    State(sim): State<Arc<Sim>>,
    Query(query): Query<std::collections::HashMap<String, String>>,
) -> Response {
    let words = match query.get("r").map(String::as_str) {
        Some("other") => "Your session ended because you signed in elsewhere.",
        Some("out") => "You have logged out.",
        _ => "Your session has ended because it was not used for a while.",
    };
    let body = format!("<p><b>{words}</b></p><p><a href=\"/login.aspx\">Log in again</a></p>");
    let skin = sim.sessions.skin_before_sign_in();
    html::page(StatusCode::OK, look::plain(skin, "Session ended", &body))
}

/// The front page.
pub(super) async fn home(desk: Desk) -> Response {
    let ids = desk.ids();
    let mut body = String::from(
        "<p>Welcome to Verity Review. Choose an entry of the menu to begin.</p>\
         <p>Do not send records unless asked.</p>",
    );
    if desk.call.fires("announcement") {
        desk.note(Entry::new("announcement").with("what", "shown"));
        let words = "Review guidelines for imaging of the spine have been updated.";
        body.push_str(&ids.over("News", "Announcement", words, "Close"));
    }
    desk.page(&ids, "home", "Home", "", body)
}

/// A menu entry of a page that has nothing else to post back.
pub(super) async fn menu(desk: Desk, request: Request) -> Response {
    let page =
        if desk.call.route.ends_with("announcements.aspx") { "announcements" } else { "home" };
    match desk.posted(page, request).await {
        Ok(_) => to("home.aspx"),
        Err(answer) => answer,
    }
}

/// Where a menu entry leads, if one was used.
pub(super) fn menu_entry(desk: &Desk, posted: &Posted) -> Option<Response> {
    if posted.used("Start") {
        return Some(wizard::begin(desk));
    }
    if posted.used("LogOut") {
        desk.note(Entry::new("logout"));
        desk.sim.end_session(&desk.session.token, "log out");
        return Some(to("sessionEnded.aspx?r=out"));
    }
    let page = [("Incomplete", "incomplete"), ("FindCase", "find"), ("News", "announcements")];
    let page = page.into_iter().find(|(key, _)| posted.used(key))?.1;
    Some(to(&format!("{page}.aspx")))
}
