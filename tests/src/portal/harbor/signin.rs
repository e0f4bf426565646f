//! The way in: warning, sign-on, picture puzzle after two failures, expired password; then the frameset and its frames.
//! A second sign-on of the same account is refused while the first lives.

use std::sync::Arc;

use axum::{
    Extension,
    extract::State,
    http::{HeaderValue, StatusCode, header},
    response::Response,
};
use serde_json::json;

use super::{
    desk::{Fields, Typed, value},
    eastern,
    look::{self, Look},
    picture,
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
    sim.note(&call, Entry::new("terms_shown").with("hash", hash.as_str()));
    let look = Look::before_sign_in(&sim);
    let text = esc(text);
    let said = if look.redesigned() {
        format!("<main class=\"hs-sheet hs-gate\"><h1>Warning</h1><blockquote>{text}</blockquote>")
    } else {
        format!(
            "<div class=\"band\">Harbor State Medicaid</div><h2>WARNING</h2><table style=\"max-width:640px\"><tr><td><p>{text}</p></td></tr></table>"
        )
    };
    let body = format!(
        "{said}<form method=\"post\" action=\"/pa/banner\">\
         <input type=\"hidden\" name=\"terms\" value=\"{hash}\">{}</form>",
        look.send("I Accept")
    );
    shown(look.bare("Harbor State Medicaid - Warning", &body))
}

fn html_hash(text: &str) -> String {
    use sha2::{Digest as _, Sha256};
    hex(&Sha256::digest(text)).chars().take(16).collect()
}

/// Somebody accepts the warning.
pub(super) async fn accept((State(sim), Extension(call)): Here, Typed(fields): Typed) -> Response {
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
    shown(Look::before_sign_in(&sim).login(""))
}

/// Somebody signs on.
pub(super) async fn sign_on((State(sim), Extension(call)): Here, Typed(fields): Typed) -> Response {
    let (user, password) = (value(&fields, "userId"), value(&fields, "password"));
    let note = |how: &str| {
        sim.note(&call, Entry::new("login").with("result", how).with("user", user.as_str()))
    };
    let look = Look::before_sign_in(&sim);
    let waiting = sim.accounts.wrong_count(&sim.kept, &user, sim.now()) >= PUZZLE_AFTER;
    if sim.knobs.flag("captcha") && waiting && sim.kept.get(&solved(&user)) != Some(json!(true)) {
        return puzzle(&sim, &call, &user, "");
    }
    match sim.password(&call, &user, &password) {
        Password::Locked => {
            note("locked");
            return shown(look.login(LOCKED));
        }
        Password::JustLocked => {
            note("wrong");
            sim.note(&call, Entry::new("lock").with("user", user.as_str()));
            return shown(look.login(LOCKED));
        }
        Password::Wrong => {
            note("wrong");
            sim.kept.put(&solved(&user), json!(false));
            let wrong = sim.accounts.wrong_count(&sim.kept, &user, sim.now());
            if sim.knobs.flag("captcha") && wrong >= PUZZLE_AFTER {
                return puzzle(&sim, &call, &user, "");
            }
            return shown(look.login("INVALID USER ID OR PASSWORD."));
        }
        Password::Right => {}
    }
    sim.kept.put(&solved(&user), json!(false));
    if sim.knobs.number("password_age_d") > 60 || call.fires("password-expired") {
        note("password_expired");
        return shown(expired(look, ""));
    }
    if !sim.sessions.live_of(&user).is_empty() {
        note("refused");
        return shown(look.login("USER ALREADY SIGNED ON."));
    }
    note("ok");
    open(&sim, &call, &user)
}

const LOCKED: &str = "YOUR ACCOUNT IS LOCKED. CALL THE PROVIDER HELP DESK TO HAVE IT RESET.";

fn open(sim: &Sim, call: &Call, user: &str) -> Response {
    let Some(account) = sim.accounts.find(user) else {
        return shown(Look::before_sign_in(sim).login(""));
    };
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
    let look = Look::before_sign_in(sim);
    let (message, user) = (esc(message), esc(user));
    let (open, told) = if look.redesigned() {
        ("<main class=\"hs-sheet hs-gate\"><h1>Verification</h1>", "hs-told")
    } else {
        ("<h2>Verification</h2>", "edits")
    };
    let body = format!(
        "{open}<div class=\"{told}\">{message}</div>\
         <p>Enter the characters shown in the picture.</p>\
         <form method=\"post\" action=\"/pa/captcha\" target=\"_top\">\
         <input type=\"hidden\" name=\"{}\" value=\"{user}\">\
         <img src=\"/pa/captchaPicture?user={user}\" alt=\"Verification picture\"><br>\
         <input type=\"text\" name=\"answer\" size=\"10\"> {}</form>",
        look.name("userId"),
        look.send("Verify"),
    );
    shown(look.bare("Harbor State Medicaid - Verification", &body))
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
pub(super) async fn captcha((State(sim), Extension(call)): Here, Typed(fields): Typed) -> Response {
    let user = value(&fields, "userId");
    let right = value(&fields, "answer") == puzzle_text(&sim, &user);
    sim.note(&call, Entry::new("captcha").with("what", "try").with("right", right));
    if right {
        sim.kept.put(&solved(&user), json!(true));
        return shown(Look::before_sign_in(&sim).login(""));
    }
    puzzle(&sim, &call, &user, "THE CHARACTERS DO NOT MATCH.")
}

fn expired(look: Look, message: &str) -> String {
    let body = if look.redesigned() {
        format!(
            "<main class=\"hs-sheet hs-gate\"><h1>Change Password</h1><div class=\"hs-found\">YOUR PASSWORD HAS EXPIRED.\
             </div><p>{}</p><form method=\"post\" action=\"/pa/changepw\" target=\"_top\">\
             <div class=\"hs-cell\"><label for=\"np_a\">New password</label><input type=\"password\" id=\"np_a\" \
             name=\"new1\"></div><div class=\"hs-cell\"><label for=\"np_b\">New password again</label>\
             <input type=\"password\" id=\"np_b\" name=\"new2\"></div>\
             <div class=\"hs-foot\"><button type=\"submit\">Change</button></div></form></main>",
            esc(message)
        )
    } else {
        format!(
            "<h2>Change Password</h2><div class=\"edits\">YOUR PASSWORD HAS EXPIRED.</div><p>{}</p>\
             <form method=\"post\" action=\"/pa/changepw\" target=\"_top\"><table>\
             <tr><td>New Password</td><td><input type=\"password\" name=\"new1\"></td></tr>\
             <tr><td>Repeat</td><td><input type=\"password\" name=\"new2\"></td></tr>\
             <tr><td></td><td><input type=\"submit\" value=\"Change\"></td></tr></table></form>",
            esc(message)
        )
    };
    look.bare("Harbor State Medicaid - Change Password", &body)
}

/// A new password is typed. The owner of the account does that; the state asks for it by phone when typed here.
pub(super) async fn change_password((State(sim), Extension(call)): Here) -> Response {
    sim.note(&call, Entry::new("password_received"));
    sim.note(&call, Entry::new("password_refused").with("code", "owner_by_phone"));
    shown(expired(
        Look::before_sign_in(&sim),
        "Call the Provider Help Desk to have the new password confirmed.",
    ))
}
