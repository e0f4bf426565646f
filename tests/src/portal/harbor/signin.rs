//! The way in: warning, sign-on, picture puzzle after two failures, expired password; then the frameset and its frames.
//! A second sign-on of the same account is refused while the first lives.

use std::sync::Arc;

use axum::{
    Extension, Form,
    extract::State,
    http::{HeaderValue, StatusCode, header},
    response::Response,
};
use serde_json::json;

use super::{
    desk::{Desk, Fields, value},
    eastern, look, picture,
};
use crate::{
    ledger::{Entry, hex},
    portal::{
        accounts::{Password, Stage},
        call::Call,
        html::{self, esc},
        sim::Sim,
    },
};

type Here = (State<Arc<Sim>>, Extension<Call>);

/// The warning of a government system, word for word: who clicks "I Accept" accepts exactly this.
const WARNING: &str = "You are accessing a Harbor State government information system, which is provided for authorized \
    use only. Use of this system may be monitored, recorded and subject to audit. Unauthorized use is prohibited and may \
    be subject to criminal and civil penalties. Use of this system indicates consent to monitoring and recording.";

const CHANGED: &str = "You are accessing a Harbor State government information system. By continuing you also agree to \
    the revised Provider Data Exchange Terms dated 03/01/2026, including the sharing of account activity with contractors.";

/// Failures after which a picture puzzle is shown.
const PUZZLE_AFTER: usize = 2;

fn shown(html: String) -> Response {
    html::page(StatusCode::OK, html)
}

/// The front door.
pub(super) async fn begin() -> Response {
    html::redirect(StatusCode::FOUND, "/pa/banner")
}

/// The warning.
pub(super) async fn banner((State(sim), Extension(call)): Here) -> Response {
    let changed = call.fires("terms-changed");
    let text = if changed { CHANGED } else { WARNING };
    let hash = html_hash(text);
    sim.note(&call, Entry::new("terms_shown").with("hash", hash));
    shown(look::bare(
        "Harbor State Medicaid - Warning",
        &format!(
            "<h2>WARNING</h2><table width=\"640\"><tr><td><p>{}</p></td></tr></table>\
             <form method=\"post\" action=\"/pa/banner\">\
             <input type=\"hidden\" name=\"terms\" value=\"{}\">\
             <input type=\"submit\" value=\"I Accept\"></form>",
            esc(text),
            html_hash(text)
        ),
    ))
}

fn html_hash(text: &str) -> String {
    use sha2::{Digest as _, Sha256};
    hex(&Sha256::digest(text)).chars().take(16).collect()
}

/// Somebody accepts the warning.
pub(super) async fn accept(
    (State(sim), Extension(call)): Here,
    Form(fields): Form<Fields>,
) -> Response {
    sim.note(&call, Entry::new("attest").with("hash", value(&fields, "terms")));
    html::redirect(StatusCode::FOUND, "/pa/login")
}

/// Is the portal open? From 06:00 to 23:00 Eastern when hours are kept.
fn closed(sim: &Sim) -> bool {
    let hour = eastern(sim.now()).hour();
    sim.knobs.text("hours") != "always" && !(6..23).contains(&hour)
}

/// The sign-on page.
pub(super) async fn login((State(sim), Extension(call)): Here) -> Response {
    if closed(&sim) {
        return shown(look::unavailable());
    }
    if call.fires("captcha") {
        return puzzle(&sim, &call, "", "");
    }
    shown(look::login(""))
}

/// Somebody signs on.
pub(super) async fn sign_on(
    (State(sim), Extension(call)): Here,
    Form(fields): Form<Fields>,
) -> Response {
    let (user, password) = (value(&fields, "userId"), value(&fields, "password"));
    let note = |how: &str| {
        sim.note(&call, Entry::new("login").with("result", how).with("user", user.as_str()))
    };
    let waiting = sim.accounts.wrong_count(&sim.kept, &user, sim.now()) >= PUZZLE_AFTER;
    if sim.knobs.flag("captcha") && waiting && sim.kept.get(&solved(&user)) != Some(json!(true)) {
        return puzzle(&sim, &call, &user, "");
    }
    match sim.accounts.password(&sim.kept, &user, &password, sim.now()) {
        Password::Locked => {
            note("locked");
            return shown(look::login(LOCKED));
        }
        Password::JustLocked => {
            note("wrong");
            sim.note(&call, Entry::new("lock").with("user", user.as_str()));
            return shown(look::login(LOCKED));
        }
        Password::Wrong => {
            note("wrong");
            sim.kept.put(&solved(&user), json!(false));
            let wrong = sim.accounts.wrong_count(&sim.kept, &user, sim.now());
            if sim.knobs.flag("captcha") && wrong >= PUZZLE_AFTER {
                return puzzle(&sim, &call, &user, "");
            }
            return shown(look::login("INVALID USER ID OR PASSWORD."));
        }
        Password::Right => {}
    }
    sim.kept.put(&solved(&user), json!(false));
    if sim.knobs.number("password_age_d") > 60 || call.fires("password-expired") {
        note("password_expired");
        return shown(expired(""));
    }
    if !sim.sessions.live_of(&user).is_empty() {
        note("refused");
        return shown(look::login("USER ALREADY SIGNED ON."));
    }
    note("ok");
    open(&sim, &call, &user)
}

const LOCKED: &str = "YOUR ACCOUNT IS LOCKED. CALL THE PROVIDER HELP DESK TO HAVE IT RESET.";

fn open(sim: &Sim, call: &Call, user: &str) -> Response {
    let Some(account) = sim.accounts.find(user) else { return shown(look::login("")) };
    let token = Sim::secret().to_uppercase();
    sim.sessions.open(token.clone(), account, sim.now());
    let bulletin = sim.knobs.flag("bulletin") || call.fires("announcement");
    sim.sessions.change(&token, |session| {
        session.stage = Stage::Live;
        session.data.insert("bulletin".to_owned(), json!(bulletin));
    });
    let mut response = html::redirect(StatusCode::FOUND, &look::href(&token, "index"));
    let cookie = format!("JSESSIONID={token}; Path=/pa; Secure; HttpOnly; SameSite=Lax");
    if let Ok(cookie) = HeaderValue::from_str(&cookie) {
        response.headers_mut().insert(header::SET_COOKIE, cookie);
    }
    response
}

fn solved(user: &str) -> String {
    format!("puzzle-solved/{user}")
}

/// What the picture puzzle of an account shows: five digits that change with each wrong password.
fn puzzle_text(sim: &Sim, user: &str) -> String {
    use sha2::{Digest as _, Sha256};
    let wrong = sim.accounts.wrong_count(&sim.kept, user, sim.now());
    let hash = Sha256::digest(format!("{}/{user}/{wrong}", sim.seed));
    hash.iter().take(5).map(|byte| char::from(b'0' + byte % 10)).collect()
}

fn puzzle(sim: &Sim, call: &Call, user: &str, message: &str) -> Response {
    sim.note(call, Entry::new("captcha").with("what", "shown"));
    shown(look::bare(
        "Harbor State Medicaid - Verification",
        &format!(
            "<h2>Verification</h2><div class=\"edits\">{}</div>\
             <p>Enter the characters shown in the picture.</p>\
             <form method=\"post\" action=\"/pa/captcha\" target=\"_top\">\
             <input type=\"hidden\" name=\"userId\" value=\"{}\">\
             <img src=\"/pa/captchaPicture?user={}\" alt=\"Verification picture\"><br>\
             <input type=\"text\" name=\"answer\" size=\"10\"> <input type=\"submit\" value=\"Verify\"></form>",
            esc(message),
            esc(user),
            esc(user)
        ),
    ))
}

/// The picture of the puzzle.
pub(super) async fn captcha_picture(
    State(sim): State<Arc<Sim>>,
    axum::extract::Query(fields): axum::extract::Query<Fields>,
) -> Response {
    let text = puzzle_text(&sim, &value(&fields, "user"));
    html::answer(StatusCode::OK, "image/png", picture::png(&text))
}

/// Somebody answers the puzzle; every answer is counted.
pub(super) async fn captcha(
    (State(sim), Extension(call)): Here,
    Form(fields): Form<Fields>,
) -> Response {
    let user = value(&fields, "userId");
    let right = value(&fields, "answer") == puzzle_text(&sim, &user);
    sim.note(&call, Entry::new("captcha").with("what", "try").with("right", right));
    if right {
        sim.kept.put(&solved(&user), json!(true));
        return shown(look::login(""));
    }
    puzzle(&sim, &call, &user, "THE CHARACTERS DO NOT MATCH.")
}

fn expired(message: &str) -> String {
    look::bare(
        "Harbor State Medicaid - Change Password",
        &format!(
            "<h2>Change Password</h2><div class=\"edits\">YOUR PASSWORD HAS EXPIRED.</div><p>{}</p>\
             <form method=\"post\" action=\"/pa/changepw\" target=\"_top\"><table>\
             <tr><td>New Password</td><td><input type=\"password\" name=\"new1\"></td></tr>\
             <tr><td>Repeat</td><td><input type=\"password\" name=\"new2\"></td></tr>\
             <tr><td></td><td><input type=\"submit\" value=\"Change\"></td></tr></table></form>",
            esc(message)
        ),
    )
}

/// A new password is typed. The owner of the account does that; the state asks for it by phone when typed here.
pub(super) async fn change_password((State(sim), Extension(call)): Here) -> Response {
    sim.note(&call, Entry::new("password_received"));
    sim.note(&call, Entry::new("password_refused").with("code", "owner_by_phone"));
    shown(expired("Call the Provider Help Desk to have the new password confirmed."))
}

/// Signs off.
pub(super) async fn log_off(desk: Desk) -> Response {
    desk.note(Entry::new("logout"));
    desk.sim.end_session(&desk.session.token, "log off");
    let mut response = shown(look::bare(
        "Harbor State Medicaid",
        "<h2>Harbor State Medicaid</h2><p>You have signed off.</p>\
         <p><a href=\"/pa/banner\" target=\"_top\">Sign on again</a></p>",
    ));
    let gone = HeaderValue::from_static("JSESSIONID=; Path=/pa; Max-Age=0; Secure; HttpOnly");
    response.headers_mut().insert(header::SET_COOKIE, gone);
    response
}

/// The frameset.
pub(super) async fn index(desk: Desk) -> Response {
    desk.saw("index");
    shown(format!(
        "<!DOCTYPE html PUBLIC \"-//W3C//DTD HTML 4.01 Frameset//EN\"><html lang=\"en\"><head>\
         <title>Harbor State Medicaid MMIS</title></head>\
         <frameset rows=\"64,*\" border=\"1\"><frame name=\"banner\" title=\"Banner\" src=\"{}\" scrolling=\"no\">\
         <frameset cols=\"200,*\"><frame name=\"menu\" title=\"Menu\" src=\"{}\">\
         <frame name=\"main\" title=\"Main\" src=\"{}\"></frameset></frameset></html>",
        desk.href("top"),
        desk.href("menu"),
        desk.href("main")
    ))
}

/// The banner frame.
pub(super) async fn top(desk: Desk) -> Response {
    shown(look::bare(
        "Banner",
        &format!(
            "<table width=\"100%\"><tr><td><b>Harbor State Medicaid</b> Provider Portal</td>\
             <td>Signed on as {}</td><td>{}</td>\
             <td align=\"right\"><a href=\"{}\" target=\"_top\">Log Off</a></td></tr></table>",
            esc(&desk.session.account.id.to_uppercase()),
            esc(&html::us_date(eastern(desk.sim.now()).date())),
            desk.href("logoff")
        ),
    ))
}

/// The menu frame: headings open their entries.
pub(super) async fn menu(desk: Desk) -> Response {
    let entry = |page: &str, words: &str| {
        format!(
            "<div>&nbsp;&nbsp;<a href=\"{}\" target=\"main\">{words}</a></div>",
            desk.href(page)
        )
    };
    shown(look::bare(
        "Menu",
        &format!(
            "<script>function opens(id){{\
             document.getElementById('pa').style.display=id=='pa'?'block':'none';\
             document.getElementById('claims').style.display=id=='claims'?'block':'none';}}</script>\
             <p><a href=\"#\" onclick=\"opens('pa');return false\">Prior Authorization</a></p>\
             <div id=\"pa\" style=\"display:none\">{}{}</div>\
             <p><a href=\"#\" onclick=\"opens('claims');return false\">Claims</a></p>\
             <div id=\"claims\" style=\"display:none\">{}</div>\
             <p><a href=\"{}\" target=\"main\">Home</a></p>",
            entry("paEntry1", "Enter Request"),
            entry("paInquiry", "PA Inquiry"),
            entry("claimInquiry", "Claim Inquiry"),
            desk.href("main")
        ),
    ))
}

/// The first page of the main frame.
pub(super) async fn main(desk: Desk) -> Response {
    desk.saw("main");
    let wants = desk.session.data.get("bulletin") == Some(&json!(true));
    let mut body = String::from(
        "<p>Welcome to the Harbor State Medicaid Provider Portal.</p>\
         <p>Select a function from the menu.</p>",
    );
    if wants || desk.call.fires("announcement") {
        desk.put("bulletin", json!(false));
        desk.note(Entry::new("announcement").with("what", "shown"));
        body.push_str(
            "<div id=\"bulletin\" role=\"dialog\" aria-label=\"Provider Bulletin\" style=\"position:fixed;left:0;top:0;\
             width:100%;height:100%;background:#fffbe6;padding:20px\"><h3>Provider Bulletin</h3>\
             <p>Fee schedules for the second quarter have been posted.</p>\
             <input type=\"button\" value=\"Close Bulletin\" \
             onclick=\"document.getElementById('bulletin').style.display='none'\"></div>",
        );
    }
    desk.page("Provider Home", &[], &body)
}
