//! The way in: by the key of one request with the patient's name and date of birth, or with an account by a link in a mail,
//! which works once, for a while, in the browser where it was asked for.

use std::sync::Arc;

use axum::{
    Extension, Json,
    extract::State,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::Response,
};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::json;
use sha2::{Digest as _, Sha256};

use super::{
    HOST,
    desk::{self, Desk, good, said, wrong},
    pages, request,
};
use crate::{
    ledger::{Entry, hex},
    portal::{
        accounts::Stage,
        call::{Call, cookie},
        html::read_date,
        mail::Draft,
        planted,
        sim::Sim,
        world::{Account, world},
    },
};

type Here = (State<Arc<Sim>>, Extension<Call>);

/// Whose portal session it is when somebody comes by key.
const BY_KEY: &str = "key-entry";

const NO_MATCH: &str = "Could not find a matching patient.";
const ON_ITS_WAY: &str = "If this address belongs to an account, a link is on its way.";
const TOO_MANY: &str = "Too many links were asked for. Try again in 15 minutes.";
const EXPIRED: &str = "This link has expired.";
const OTHER_BROWSER: &str = "This link was opened in another browser.";

/// What changed terms say; who accepts them accepts exactly this.
const TERMS: &str = "RxBright terms of use, revised March 1, 2026: account activity may be shared with the plan's \
    contractors, and software acting for a user must be registered.";

/// Somebody comes with a key.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ByKey {
    key: String,
    last_name: String,
    dob: String,
}

/// `POST /api/enter`
pub(super) async fn enter(
    (State(sim), Extension(call)): Here,
    Json(typed): Json<ByKey>,
) -> Response {
    sim.page_delay(600).await;
    let key = typed.key.trim();
    let found = request::load(&sim, key).filter(|request| {
        let member = world().member_by_id(super::PROFILE.slug, &request.member_id);
        member.is_some_and(|member| {
            same(&member.family, &typed.last_name) && read_date(&typed.dob) == Some(member.dob)
        })
    });
    let what = if found.is_some() { "ok" } else { "wrong" };
    sim.note(&call, Entry::new("login").with("what", what).with("how", "key"));
    let (Some(request), Some(guest)) = (found, sim.accounts.find(BY_KEY)) else {
        return said(StatusCode::NOT_FOUND, NO_MATCH);
    };
    let token = Sim::secret();
    let skin = sim.sessions.open(token.clone(), guest, sim.now()).skin;
    sim.sessions.change(&token, |session| {
        session.stage = Stage::Live;
        session.member = Some(request.member_id.clone());
        session.data.insert("key".to_owned(), json!(request.key));
    });
    let body = json!({"key": request.key, "application": pages::application(skin)});
    with_cookie(good(&body), &session_cookie(&token))
}

/// Names are compared without case and spaces around.
pub(super) fn same(one: &str, other: &str) -> bool {
    one.to_lowercase() == other.trim().to_lowercase()
}

fn session_cookie(token: &str) -> String {
    format!("rxs={token}; Path=/; Secure; HttpOnly; SameSite=Lax")
}

fn with_cookie(mut response: Response, cookie: &str) -> Response {
    if let Ok(cookie) = HeaderValue::from_str(cookie) {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    response
}

/// Somebody asks for a link.
#[derive(Deserialize)]
pub(super) struct Asks {
    email: String,
}

/// A link as it is kept.
#[derive(Clone, Serialize, Deserialize)]
struct Link {
    account: String,
    device: String,
    until: Timestamp,
    used: bool,
}

/// `POST /api/account`
pub(super) async fn account(
    (State(sim), Extension(call)): Here,
    headers: HeaderMap,
    Json(asks): Json<Asks>,
) -> Response {
    sim.page_delay(600).await;
    let email = asks.email.trim();
    let known = world()
        .accounts
        .iter()
        .find(|account| account.payer == super::PROFILE.slug && same(&account.email, email));
    let Some(account) = known.filter(|_| !email.is_empty()) else {
        sim.note(&call, Entry::new("login").with("what", "wrong").with("how", "link"));
        return good(&json!({"message": ON_ITS_WAY}));
    };
    if !may_ask(&sim, account) || call.fires("code-throttled") {
        sim.note(
            &call,
            Entry::new("otp").with("what", "throttled").with("account", account.id.as_str()),
        );
        return said(StatusCode::TOO_MANY_REQUESTS, TOO_MANY);
    }
    let device = cookie(&headers, "rxd").filter(|device| !device.is_empty());
    let device = device.unwrap_or_else(Sim::secret);
    let times = if call.fires("mail-twice") { 2 } else { 1 };
    for _ in 0..times {
        mail_link(&sim, &call, account, &device);
    }
    let cookie = format!("rxd={device}; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=2592000");
    with_cookie(good(&json!({"message": ON_ITS_WAY})), &cookie)
}

/// Three links in fifteen minutes; a fourth locks for as long.
fn may_ask(sim: &Sim, account: &Account) -> bool {
    let (now, rules) = (sim.now(), super::PROFILE.sign_in);
    sim.accounts.remember(&sim.kept, &account.id, |memory| {
        if memory.locked_until.is_some_and(|until| now < until) {
            return false;
        }
        memory.locked_until = None;
        memory.wrong.retain(|at| now.duration_since(*at) < rules.wrong_window);
        if memory.wrong.len() >= rules.wrong_limit {
            memory.locked_until = rules.lock.and_then(|lock| now.checked_add(lock).ok());
            return false;
        }
        memory.wrong.push(now);
        true
    })
}

fn mail_link(sim: &Sim, call: &Call, account: &Account, device: &str) {
    // Asking again makes an older link useless.
    for (name, kept) in sim.kept.starting("link/") {
        if let Ok(mut old) = serde_json::from_value::<Link>(kept)
            && old.account == account.id
        {
            old.used = true;
            sim.kept.put(&name, json!(old));
        }
    }
    let ordinal = sim.kept.next("link_sent");
    let hash = Sha256::digest(format!("{}/link/{ordinal}", sim.seed));
    let id: String = hash.iter().take(8).map(|byte| char::from(b'0' + byte % 10)).collect();
    let minutes = sim.knobs.number("magic_link_min");
    let until = sim.now().checked_add(SignedDuration::from_mins(minutes)).unwrap_or(sim.now());
    let link = Link { account: account.id.clone(), device: device.to_owned(), until, used: false };
    sim.kept.put(&format!("link/{id}"), json!(link));
    sim.note(call, Entry::new("otp").with("what", "sent").with("account", account.id.as_str()));
    let text = format!(
        "Hello,\n\nopen this link in the browser where you asked for it:\n\nhttps://{HOST}/link/{id}\n\n\
         It works once, for {minutes} minutes. You can also paste it into the sign-in page.\n\nRxBright"
    );
    sim.send_mail(
        call,
        Draft {
            to: account.email.clone(),
            from: "RxBright <sign-in@rxbright.test>".to_owned(),
            subject: "Your RxBright sign-in link".to_owned(),
            text,
            delay: SignedDuration::ZERO,
        },
    );
}

/// A link, or its number, comes back.
#[derive(Deserialize)]
pub(super) struct Opened {
    link: String,
}

/// `POST /api/link`
pub(super) async fn link(
    (State(sim), Extension(call)): Here,
    headers: HeaderMap,
    Json(opened): Json<Opened>,
) -> Response {
    sim.page_delay(600).await;
    let id = opened.link.trim().rsplit('/').next().unwrap_or_default().to_owned();
    let name = format!("link/{id}");
    let note = |what: &str| {
        sim.note(&call, Entry::new("otp").with("what", "try").with("result", what));
    };
    let kept = sim.kept.get(&name).and_then(|kept| serde_json::from_value::<Link>(kept).ok());
    let over = |link: &Link| link.used || sim.now() >= link.until || call.fires("code-refused");
    let Some(mut link) = kept.filter(|link| !over(link)) else {
        note("expired");
        return said(StatusCode::GONE, EXPIRED);
    };
    if cookie(&headers, "rxd").as_deref() != Some(link.device.as_str()) {
        note("other_browser");
        return said(StatusCode::CONFLICT, OTHER_BROWSER);
    }
    link.used = true;
    sim.kept.put(&name, json!(link));
    let Some(account) = sim.accounts.find(&link.account) else {
        return said(StatusCode::GONE, EXPIRED);
    };
    note("ok");
    sim.note(
        &call,
        Entry::new("login")
            .with("what", "ok")
            .with("how", "link")
            .with("account", account.id.as_str()),
    );
    let token = Sim::secret();
    let skin = sim.sessions.open(token.clone(), account, sim.now()).skin;
    let terms = call.fires("terms-changed");
    sim.sessions.change(&token, |session| {
        session.stage = if terms { Stage::Partly("terms") } else { Stage::Live };
        session.data.insert("nag".to_owned(), json!(sim.knobs.flag("passkey_nag")));
    });
    let mut body = json!({"terms": null, "application": pages::application(skin)});
    if terms {
        let hash = hex(&Sha256::digest(TERMS));
        sim.note(&call, Entry::new("terms_shown").with("hash", &hash[..16]));
        body["terms"] = json!(TERMS);
    }
    with_cookie(good(&body), &session_cookie(&token))
}

/// `POST /api/terms`: somebody accepts the changed terms.
pub(super) async fn terms((State(sim), Extension(call)): Here) -> Response {
    let Some(session) = call.session.clone().filter(|one| one.stage == Stage::Partly("terms"))
    else {
        return said(StatusCode::UNAUTHORIZED, desk::SIGNED_OUT);
    };
    let received = sim.note(&call, Entry::new("terms_received"));
    sim.sessions.change(&session.token, |session| session.stage = Stage::Live);
    sim.note(&call, Entry::new("terms_committed").with("received_seq", received));
    good(&json!({}))
}

/// `POST /api/logout`
pub(super) async fn logout(desk: Desk) -> Response {
    desk.note(Entry::new("logout"));
    desk.sim.end_session(&desk.session.token, "log off");
    with_cookie(good(&json!({})), "rxs=; Path=/; Max-Age=0; Secure; HttpOnly")
}

/// `GET /api/me`: who is in, and what lies over the page at first.
pub(super) async fn me(desk: Desk) -> Response {
    let overlay = if desk.call.fires("announcement") {
        Some((
            "announcement",
            "What's new",
            "Requests can now be renewed from the dashboard.",
            "Close",
        ))
    } else if desk.call.fires("survey") {
        Some((
            "survey",
            "How are we doing?",
            "Tell us how easy it was to send a request.",
            "No thanks",
        ))
    } else if desk.session.data.get("nag") == Some(&json!(true)) {
        Some((
            "passkey",
            "Sign in faster",
            "Set up a passkey and skip the mail next time.",
            "Not now",
        ))
    } else {
        None
    };
    if let Some((kind, ..)) = overlay {
        desk.note(Entry::new("announcement").with("what", "shown").with("which", kind));
    }
    let files = desk.call.fires("download-storm").then(planted::files);
    good(&json!({
        "user": desk.session.account.email,
        "only": desk.only(),
        "files": files,
        "overlay": overlay.map(|(kind, title, text, button)| {
            json!({"kind": kind, "title": title, "text": text, "button": button})
        }),
    }))
}

/// What was closed.
#[derive(Deserialize)]
pub(super) struct Closed {
    kind: String,
}

/// `POST /api/closed`: something that lay over a page was closed.
pub(super) async fn closed(desk: Desk, Json(closed): Json<Closed>) -> Response {
    if !["announcement", "survey", "passkey"].contains(&closed.kind.as_str()) {
        return wrong("Nothing to close.");
    }
    desk.sim.sessions.change(&desk.session.token, |session| {
        session.data.insert("nag".to_owned(), json!(false));
    });
    desk.note(
        Entry::new("announcement").with("what", "closed").with("which", closed.kind.as_str()),
    );
    good(&json!({}))
}
