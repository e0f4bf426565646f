//! The way in: user, password with the second secret, terms after each update. A second sign-in of an account ends the
//! first without a word on this side.

use std::sync::Arc;

use axum::{
    Extension, Form,
    extract::State,
    http::{HeaderValue, StatusCode, header},
    response::Response,
};
use serde_json::json;
use sha2::{Digest as _, Sha256};

use super::{
    desk::{Fields, value},
    look::Look,
    second::{self, Round},
};
use crate::{
    ledger::{Entry, hex},
    portal::{
        accounts::{Password, Stage},
        call::Call,
        html::{self, esc},
        sim::Sim,
        world::Account,
    },
};

type Here = (State<Arc<Sim>>, Extension<Call>);

/// The terms of use, word for word: who clicks "Accept Terms" accepts exactly these.
pub const TERMS: &str = "PlanBridge Terms of Use, edition 7. \
    1. You use PlanBridge only for members in your care and for the business of your office. \
    2. Your user ID belongs to you; you do not lend it, and you tell us at once when somebody else may know it. \
    3. What you read here is confidential and stays within your office. \
    4. Requests you send are as good as signed by your office; you keep the records that support them for seven years. \
    5. Times and decisions shown in lists may be older than those of the plans; only the plans' own records count. \
    6. We keep a record of what each user ID reads and sends. \
    7. Either side may end this agreement with thirty days' notice in writing. \
    End of the terms of use.";

const CHANGED: &str = "PlanBridge Terms of Use, edition 8. \
    1. You use PlanBridge only for members in your care and for the business of your office. \
    2. You agree that PlanBridge shares account activity with the plans and their contractors for marketing. \
    3. Programs that act on your behalf need a registration number in your profile. \
    End of the terms of use.";

const FAILED: &str = "Sign in failed.";
const LOCKED: &str = "Your user ID is locked. Call the PlanBridge service desk.";

fn look(sim: &Sim) -> Look {
    Look::of(sim.sessions.skin_before_sign_in())
}

fn shown(html: String) -> Response {
    html::page(StatusCode::OK, html)
}

/// The front door.
pub(super) async fn begin() -> Response {
    html::redirect(StatusCode::FOUND, "/login")
}

fn ask_user(sim: &Sim, message: &str) -> Response {
    let look = look(sim);
    let body = format!(
        "{}<form method=\"post\" action=\"/login\">{}{}</form>",
        look.alert(message),
        look.input(look.say("User ID", "User name"), "user", "text", "", true),
        look.go("Continue")
    );
    shown(look.bare("Sign In", &body))
}

/// The first page of the sign-in.
pub(super) async fn user_page((State(sim), Extension(_)): Here) -> Response {
    ask_user(&sim, "")
}

/// The user is named; the next page is the same for those nobody knows.
pub(super) async fn user(
    (State(sim), Extension(call)): Here,
    Form(fields): Form<Fields>,
) -> Response {
    let user = value(&fields, "user");
    if user.is_empty() {
        return ask_user(&sim, FAILED);
    }
    if call.fires("password-expired") {
        sim.note(&call, Entry::new("login").with("result", "password_expired").with("user", user));
        return shown(expired(look(&sim)));
    }
    let look = look(&sim);
    let id = look.id("password");
    // Here the words stand in a cell of their own, not connected to the field.
    let password = format!(
        "<input type=\"hidden\" name=\"user\" value=\"{}\"><div class=\"row\"><span class=\"words\">Password</span> \
         <input type=\"password\" id=\"{id}\" name=\"{id}\" autocomplete=\"off\"></div>",
        esc(&user)
    );
    let inner = if sim.knobs.text("login_second") == "question" {
        format!(
            "<form method=\"post\" action=\"/question\">{password}<p class=\"asked\">{}</p>{}{}</form>",
            esc(second::question(&user)),
            look.input(look.say("Your Answer", "Answer"), "answer", "password", "", true),
            look.go("Sign In")
        )
    } else {
        format!(
            "<form method=\"post\" action=\"/pin\">{password}{}{}</form>",
            grid(&sim, &user),
            look.go("Sign In")
        )
    };
    shown(look.bare(look.say("Sign In - Step 2", "Confirm it is you"), &inner))
}

/// The keypad: no field to type in, only keys to click.
fn grid(sim: &Sim, user: &str) -> String {
    let number = sim.kept.next("sign-in");
    let round = Round::of(sim.seed, user, number);
    let slots: String = round
        .places
        .iter()
        .map(|place| {
            format!("<span class=\"slot\"><i></i>{} digit</span>", second::ordinal(*place))
        })
        .collect();
    let keys: String = round
        .keys
        .iter()
        .enumerate()
        .map(|(at, digit)| {
            format!("<button type=\"button\" class=\"key\" data-at=\"{at}\">{digit}</button>")
        })
        .collect();
    format!(
        "<input type=\"hidden\" name=\"round\" value=\"{number}\"><input type=\"hidden\" name=\"keys\" value=\"\">\
         <p class=\"asked\">Click these digits of your PIN</p><div class=\"slots\">{slots}</div>\
         <div class=\"pad\">{keys}<button type=\"button\" class=\"wipe\">Clear</button></div>"
    )
}

fn expired(look: Look) -> String {
    look.bare(
        "Change Password",
        "<p class=\"alert\">Your password has expired.</p><form method=\"post\" action=\"/login\">\
         <div class=\"row\">New password <input type=\"password\" name=\"new1\"></div>\
         <div class=\"row\">Repeat <input type=\"password\" name=\"new2\"></div>\
         <p class=\"acts\"><input type=\"submit\" class=\"btn\" value=\"Change\"></p></form>",
    )
}

/// Password and PIN.
pub(super) async fn pin(
    (State(sim), Extension(call)): Here,
    Form(fields): Form<Fields>,
) -> Response {
    let user = value(&fields, "user");
    let round = Round::of(sim.seed, &user, value(&fields, "round").parse().unwrap_or(0));
    let keys = value(&fields, "keys");
    let right = |account: &Account| round.fits(account.pin.as_deref().unwrap_or(""), &keys);
    sign_in(&sim, &call, &user, &value(&fields, "password"), "pin", right)
}

/// Password and answer.
pub(super) async fn question(
    (State(sim), Extension(call)): Here,
    Form(fields): Form<Fields>,
) -> Response {
    let (user, answer) = (value(&fields, "user"), value(&fields, "answer"));
    let right = |account: &Account| second::answers(account, &answer);
    sign_in(&sim, &call, &user, &value(&fields, "password"), "question", right)
}

fn sign_in(
    sim: &Sim,
    call: &Call,
    user: &str,
    password: &str,
    second: &str,
    right: impl Fn(&Account) -> bool,
) -> Response {
    let note =
        |how: &str| sim.note(call, Entry::new("login").with("result", how).with("user", user));
    let mut judged = sim.password(call, user, password);
    if judged == Password::Right {
        let account = sim.accounts.find(user).filter(|account| right(account));
        let wrong = account.is_none() || call.fires("code-refused");
        sim.note(
            call,
            Entry::new("otp").with("what", "try").with("how", second).with("right", !wrong),
        );
        if let Some(account) = account.filter(|_| !wrong) {
            note("ok");
            second::succeeded(sim, user);
            return open(sim, call, account);
        }
        judged = second::failed(sim, user);
    }
    match judged {
        Password::Locked => {
            note("locked");
            ask_user(sim, LOCKED)
        }
        Password::JustLocked => {
            note("wrong");
            sim.note(call, Entry::new("lock").with("user", user));
            ask_user(sim, LOCKED)
        }
        Password::Wrong | Password::Right => {
            note("wrong");
            ask_user(sim, FAILED)
        }
    }
}

fn open(sim: &Sim, call: &Call, account: &'static Account) -> Response {
    let token = Sim::secret();
    sim.sessions.open(token.clone(), account, sim.now());
    let notice = sim.knobs.flag("announcement");
    sim.sessions.change(&token, |session| {
        session.stage = Stage::Partly("terms");
        session.data.insert("notice".to_owned(), json!(notice));
    });
    let changed = call.fires("terms-changed");
    sim.sessions.change(&token, |session| {
        session.data.insert("terms_changed".to_owned(), json!(changed));
    });
    let accepted = sim.accounts.memory(&sim.kept, &account.id).accepted;
    let next = if !changed && accepted.contains(&hash(TERMS)) {
        go_live(sim, call, &token, account);
        "/home"
    } else {
        "/terms"
    };
    let mut response = html::redirect(StatusCode::SEE_OTHER, next);
    let cookie = format!("PBSESSION={token}; Path=/; Secure; HttpOnly; SameSite=Lax");
    if let Ok(cookie) = HeaderValue::from_str(&cookie) {
        response.headers_mut().insert(header::SET_COOKIE, cookie);
    }
    response
}

/// Signed in; whoever was before is out.
fn go_live(sim: &Sim, call: &Call, token: &str, account: &Account) {
    for earlier in sim.sessions.live_of(&account.id) {
        sim.end_session(&earlier, "displaced");
        sim.note(
            call,
            Entry::new("login").with("result", "displaced").with("user", account.id.as_str()),
        );
    }
    sim.sessions.change(token, |session| session.stage = Stage::Live);
}

fn hash(text: &str) -> String {
    hex(&Sha256::digest(text)).chars().take(16).collect()
}

/// The terms of the present portal session, and whether they are asked for at all.
fn terms_of(call: &Call) -> Option<&'static str> {
    let session = call.session.as_ref()?;
    let changed = session.data.get("terms_changed") == Some(&json!(true));
    (session.stage == Stage::Partly("terms")).then_some(if changed { CHANGED } else { TERMS })
}

/// The terms; the button wakes when the text was scrolled to its end.
pub(super) async fn terms((State(sim), Extension(call)): Here) -> Response {
    let Some(text) = terms_of(&call) else { return html::redirect(StatusCode::FOUND, "/login") };
    sim.note(&call, Entry::new("terms_shown").with("hash", hash(text)));
    let look = look(&sim);
    let body = format!(
        "<p class=\"alert\">Terms of use have changed.</p><p>Read them to the end to continue.</p>\
         <div class=\"scroll\" tabindex=\"0\"><p class=\"legal\">{}</p><p class=\"end\">PlanBridge, service desk</p></div>\
         <form method=\"post\" action=\"/terms\"><input type=\"hidden\" name=\"edition\" value=\"{}\">\
         <p class=\"acts\"><button type=\"submit\" class=\"btn main\" disabled>{}</button> \
         <a href=\"/logout\">{}</a></p></form>",
        esc(text),
        hash(text),
        look.say("Accept Terms", "I agree"),
        look.say("Decline", "I do not agree")
    );
    shown(look.bare("Terms of Use", &body))
}

/// Somebody accepts the terms.
pub(super) async fn accept(
    (State(sim), Extension(call)): Here,
    Form(fields): Form<Fields>,
) -> Response {
    let (Some(text), Some(session)) = (terms_of(&call), &call.session) else {
        return html::redirect(StatusCode::FOUND, "/login");
    };
    let edition = value(&fields, "edition");
    sim.note(&call, Entry::new("terms_received").with("hash", edition.as_str()));
    if edition != hash(text) {
        sim.note(&call, Entry::new("terms_refused").with("code", "edition"));
        return html::redirect(StatusCode::SEE_OTHER, "/terms");
    }
    let account = session.account;
    sim.accounts.remember(&sim.kept, &account.id, |memory| memory.accepted.push(edition.clone()));
    sim.note(&call, Entry::new("terms_committed").with("effect", true).with("hash", edition));
    go_live(&sim, &call, &session.token, account);
    html::redirect(StatusCode::SEE_OTHER, "/home")
}

/// Signs out; the UM window goes with it.
pub(super) async fn log_out((State(sim), Extension(call)): Here) -> Response {
    let look = look(&sim);
    if let Some(session) = &call.session {
        sim.note(&call, Entry::new("logout"));
        sim.end_session(&session.token, "signed out");
    }
    let body = format!(
        "<p>You have signed out of PlanBridge.</p><p><a href=\"/login\">{}</a></p>",
        look.say("Sign in again", "Back to sign-in")
    );
    let mut response = shown(look.bare("Signed Out", &body));
    let gone = HeaderValue::from_static("PBSESSION=; Path=/; Max-Age=0; Secure; HttpOnly");
    response.headers_mut().insert(header::SET_COOKIE, gone);
    response
}
