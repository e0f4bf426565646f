//! The pages of the login host: who it is, password, code, what the workspace may do, the wish for a passkey. At their end
//! a code goes to the workspace. A device may be remembered; then no code is asked, and accounts are offered to choose.

use std::sync::Arc;

use axum::{
    Extension, Form,
    extract::{Query, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::Response,
};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::json;
use sha2::{Digest, Sha256};
use std::collections::HashMap;

use super::{oidc, pages};
use crate::{
    ledger::{Entry, hex},
    portal::{
        Skin,
        accounts::{Code, Password},
        call::{Call, cookie},
        html::redirect,
        sim::Sim,
    },
};

type Here = (State<Arc<Sim>>, Extension<Call>, HeaderMap);
type Fields = HashMap<String, String>;

/// Cookie of a sign-in under way.
const TRANSACTION: &str = "lf_tx";
/// Cookie of a remembered device.
const DEVICE: &str = "lf_dev";

const NO_MATCH: &str = "That username and password don't match.";
const LOCKED: &str = "This account is locked. Try again in 30 minutes.";
const BAD_CODE: &str = "That code isn't right.";

/// What the workspace may do once somebody allows it.
const SCOPES: [&str; 3] = [
    "See your name and e-mail address",
    "Work with member and authorization records of your organization",
    "Keep you signed in for up to 8 hours",
];

/// A sign-in under way.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Transaction {
    asked: oidc::Asked,
    account: String,
    /// Pages passed: `password`, `code`, `consent`, `passkey`.
    passed: Vec<String>,
    wrong_codes: u32,
}

impl Transaction {
    fn has(&self, page: &str) -> bool {
        self.passed.iter().any(|passed| passed == page)
    }
}

fn see(path: &str) -> Response {
    redirect(StatusCode::SEE_OTHER, path)
}

fn with_cookie(mut response: Response, name: &str, value: &str, life_s: i64) -> Response {
    let cookie =
        format!("{name}={value}; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age={life_s}");
    if let Ok(value) = HeaderValue::from_str(&cookie) {
        response.headers_mut().append(header::SET_COOKIE, value);
    }
    response
}

/// The sign-in a call belongs to, and its key.
fn transaction(sim: &Sim, headers: &HeaderMap) -> Option<(String, Transaction)> {
    let key = format!("tx/{}", cookie(headers, TRANSACTION)?);
    let kept = serde_json::from_value(sim.kept.get(&key)?).ok()?;
    Some((key, kept))
}

fn skin(sim: &Sim) -> Skin {
    sim.sessions.skin_before_sign_in()
}

async fn delay(sim: &Sim) {
    sim.page_delay(u64::try_from(sim.knobs.number("page_delay_ms")).unwrap_or(0)).await;
}

/// What is asked of the account now: version and lines. Another version has to be allowed again.
fn scopes(sim: &Sim) -> (String, Vec<&'static str>) {
    let mut lines = SCOPES.to_vec();
    if sim.kept.get("terms").is_some() {
        lines.push("Share how you use the workspace with Larkfield partners");
    }
    let hash = hex(&Sha256::digest(lines.join("\n"))).chars().take(16).collect();
    (hash, lines)
}

fn maybe_new_scopes(sim: &Sim, call: &Call) {
    if call.fires("terms-changed") {
        sim.kept.next("terms");
    }
}

/// One account a device remembers.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Remembered {
    account: String,
    until: Timestamp,
}

fn remembered(sim: &Sim, headers: &HeaderMap) -> Vec<Remembered> {
    let kept = cookie(headers, DEVICE).and_then(|id| sim.kept.get(&format!("device/{id}")));
    let mut all: Vec<Remembered> =
        kept.and_then(|kept| serde_json::from_value(kept).ok()).unwrap_or_default();
    all.retain(|one| sim.now() < one.until);
    all
}

/// `GET /authorize`
pub(super) async fn authorize(
    (State(sim), Extension(call), headers): Here,
    Query(asked): Query<oidc::Asked>,
) -> Response {
    maybe_new_scopes(&sim, &call);
    if let Some(fault) = asked.fault() {
        return pages::bad_request(fault);
    }
    let id = Sim::secret();
    let begun = Transaction { asked, ..Transaction::default() };
    sim.kept.put(&format!("tx/{id}"), json!(begun));
    let first = if remembered(&sim, &headers).is_empty() { "/username" } else { "/select" };
    with_cookie(see(first), TRANSACTION, &id, 3600)
}

/// `GET /select`
pub(super) async fn select_page((State(sim), Extension(call), headers): Here) -> Response {
    delay(&sim).await;
    sim.note(&call, Entry::new("view").with("page", "select_account"));
    let mut known = remembered(&sim, &headers);
    known.reverse();
    let email = |id: &str| sim.accounts.find(id).map(|account| account.email.clone());
    let rows: Vec<(String, String)> = known
        .into_iter()
        .filter_map(|one| email(&one.account).map(|email| (one.account, email)))
        .collect();
    pages::select(skin(&sim), &rows)
}

/// `POST /select`
pub(super) async fn select((State(sim), _, headers): Here, Form(fields): Form<Fields>) -> Response {
    let Some((key, mut tx)) = transaction(&sim, &headers) else { return gone() };
    let chosen = fields.get("account").cloned().unwrap_or_default();
    if !remembered(&sim, &headers).iter().any(|one| one.account == chosen) {
        return see("/username");
    }
    tx.account = chosen;
    sim.kept.put(&key, json!(tx));
    see("/password")
}

/// A sign-in nobody knows: the workspace begins a new one.
fn gone() -> Response {
    see("https://provider.larkfield.test/app")
}

/// `GET /username`
pub(super) async fn username_page((State(sim), Extension(call), headers): Here) -> Response {
    delay(&sim).await;
    if transaction(&sim, &headers).is_none() {
        return gone();
    }
    sim.note(&call, Entry::new("view").with("page", "username"));
    pages::username(skin(&sim), "")
}

/// `POST /username`
pub(super) async fn username(
    (State(sim), _, headers): Here,
    Form(fields): Form<Fields>,
) -> Response {
    let Some((key, mut tx)) = transaction(&sim, &headers) else { return gone() };
    tx.account = fields.get("username").map(|name| name.trim().to_owned()).unwrap_or_default();
    tx.passed.clear();
    sim.kept.put(&key, json!(tx));
    see("/password")
}

/// `GET /password`
pub(super) async fn password_page((State(sim), Extension(call), headers): Here) -> Response {
    delay(&sim).await;
    let Some((_, tx)) = transaction(&sim, &headers).filter(|(_, tx)| !tx.account.is_empty()) else {
        return see("/username");
    };
    let puzzle = call.fires("captcha");
    if puzzle {
        sim.note(&call, Entry::new("captcha").with("what", "shown"));
    }
    pages::password(skin(&sim), &tx.account, "", puzzle)
}

/// `POST /password`
pub(super) async fn password(
    (State(sim), Extension(call), headers): Here,
    Form(fields): Form<Fields>,
) -> Response {
    delay(&sim).await;
    maybe_new_scopes(&sim, &call);
    let Some((key, mut tx)) = transaction(&sim, &headers) else { return gone() };
    let (user, skin) = (tx.account.clone(), skin(&sim));
    if fields.contains_key("characters") {
        sim.note(&call, Entry::new("captcha").with("what", "try"));
        return pages::password(skin, &user, "The characters do not match.", true);
    }
    if call.fires("captcha") {
        sim.note(&call, Entry::new("captcha").with("what", "shown"));
        return pages::password(skin, &user, "", true);
    }
    let noted = |result: &str| {
        let entry = Entry::new("login").with("result", result).with("ok", false);
        sim.note(&call, entry.with("account", user.as_str()));
    };
    let typed = fields.get("password").cloned().unwrap_or_default();
    let answer = sim.password(&call, &user, &typed);
    match answer {
        Password::Wrong => {
            noted("wrong");
            return pages::password(skin, &user, NO_MATCH, false);
        }
        Password::Locked => {
            noted("locked");
            return pages::password(skin, &user, LOCKED, false);
        }
        Password::JustLocked => {
            noted("wrong");
            sim.note(&call, Entry::new("lock").with("account", user.as_str()));
            return pages::password(skin, &user, LOCKED, false);
        }
        Password::Right => {}
    }
    if call.fires("password-expired") {
        noted("password_expired");
        return pages::change_password(skin, "");
    }
    tx.passed = vec!["password".to_owned()];
    if remembered(&sim, &headers).iter().any(|one| one.account == user) {
        tx.passed.push("code".to_owned());
    }
    sim.kept.put(&key, json!(tx));
    go_on(&sim, &call, &key, tx)
}

/// `POST /change-password`: the owner of an account does that, with the help desk on the telephone.
pub(super) async fn change_password((State(sim), Extension(call), _): Here) -> Response {
    sim.note(&call, Entry::new("password_received"));
    sim.note(&call, Entry::new("password_refused").with("code", "owner_by_phone"));
    pages::change_password(skin(&sim), "Call the help desk to have the new password confirmed.")
}

/// The next page of a sign-in, or the way back to the workspace with a code.
fn go_on(sim: &Sim, call: &Call, key: &str, tx: Transaction) -> Response {
    if !tx.has("password") {
        return see("/username");
    }
    if !tx.has("code") {
        return see(if sim.knobs.flag("push_mfa") { "/push" } else { "/otp" });
    }
    let memory = sim.accounts.memory(&sim.kept, &tx.account);
    let (hash, _) = scopes(sim);
    if !memory.accepted.contains(&hash) {
        return see("/consent");
    }
    if memory.reminded != Some(month(sim)) && !tx.has("passkey") {
        return see("/passkey");
    }
    sim.note(call, Entry::new("otp").with("passed", true).with("account", tx.account.as_str()));
    sim.kept.put(key, json!(Transaction::default()));
    let code = oidc::code(sim, &tx.asked, &tx.account);
    let state: String = url::form_urlencoded::byte_serialize(tx.asked.state.as_bytes()).collect();
    let back = format!("{}?code={code}&state={state}", tx.asked.redirect_uri);
    with_cookie(see(&back), TRANSACTION, "gone", 0)
}

fn month(sim: &Sim) -> String {
    sim.today().strftime("%Y-%m").to_string()
}

fn past_password(sim: &Sim, headers: &HeaderMap) -> Option<(String, Transaction)> {
    transaction(sim, headers).filter(|(_, tx)| tx.has("password"))
}

/// `GET /otp`
pub(super) async fn otp_page((State(sim), Extension(call), headers): Here) -> Response {
    delay(&sim).await;
    if past_password(&sim, &headers).is_none() {
        return see("/username");
    }
    sim.note(&call, Entry::new("view").with("page", "otp"));
    pages::otp(skin(&sim), sim.knobs.number("remember_days"), "")
}

/// `POST /otp`
pub(super) async fn otp(
    (State(sim), Extension(call), headers): Here,
    Form(fields): Form<Fields>,
) -> Response {
    delay(&sim).await;
    maybe_new_scopes(&sim, &call);
    let Some((key, mut tx)) = past_password(&sim, &headers) else { return see("/username") };
    let typed = fields.get("code").map(|code| code.trim().to_owned()).unwrap_or_default();
    let at = sim.code_time();
    let mut answer = sim.accounts.code(&sim.kept, &tx.account, &typed, at, i64::MIN);
    if call.fires("code-refused") {
        answer = Code::Wrong;
    }
    let result = match answer {
        Code::Right(_) => "ok",
        Code::Wrong => "wrong",
        Code::Reused => "reused",
    };
    sim.note(&call, Entry::new("otp").with("try", result).with("account", tx.account.as_str()));
    if !matches!(answer, Code::Right(_)) {
        tx.wrong_codes += 1;
        if tx.wrong_codes >= 3 {
            tx.passed.clear();
            sim.kept.put(&key, json!(tx));
            return pages::username(skin(&sim), "Too many wrong codes. Sign in again.");
        }
        sim.kept.put(&key, json!(tx));
        return pages::otp(skin(&sim), sim.knobs.number("remember_days"), BAD_CODE);
    }
    tx.passed.push("code".to_owned());
    sim.kept.put(&key, json!(tx));
    let account = tx.account.clone();
    let response = go_on(&sim, &call, &key, tx);
    if fields.contains_key("remember") {
        return remember_device(&sim, &headers, &account, response);
    }
    response
}

fn remember_device(sim: &Sim, headers: &HeaderMap, account: &str, response: Response) -> Response {
    let days = sim.knobs.number("remember_days");
    let life = SignedDuration::from_hours(24 * days);
    let mut all = remembered(sim, headers);
    all.retain(|one| one.account != account);
    all.push(Remembered { account: account.to_owned(), until: sim.now() + life });
    let id = cookie(headers, DEVICE).unwrap_or_else(Sim::secret);
    sim.kept.put(&format!("device/{id}"), json!(all));
    with_cookie(response, DEVICE, &id, life.as_secs())
}

/// `GET /push`: somebody has to tap on a telephone; nobody in a program can.
pub(super) async fn push_page((State(sim), Extension(call), headers): Here) -> Response {
    if past_password(&sim, &headers).is_none() {
        return see("/username");
    }
    sim.note(&call, Entry::new("otp").with("sent", "push"));
    pages::push(skin(&sim))
}

/// `GET /consent`
pub(super) async fn consent_page((State(sim), Extension(call), headers): Here) -> Response {
    delay(&sim).await;
    if past_password(&sim, &headers).is_none_or(|(_, tx)| !tx.has("code")) {
        return see("/username");
    }
    maybe_new_scopes(&sim, &call);
    let (hash, lines) = scopes(&sim);
    sim.note(&call, Entry::new("terms_shown").with("text_hash", hash));
    pages::consent(skin(&sim), &lines)
}

/// `POST /consent`
pub(super) async fn consent(
    (State(sim), Extension(call), headers): Here,
    Form(fields): Form<Fields>,
) -> Response {
    let tx = past_password(&sim, &headers).filter(|(_, tx)| tx.has("code"));
    let Some((key, tx)) = tx else { return see("/username") };
    let (hash, _) = scopes(&sim);
    sim.note(&call, Entry::new("terms_received").with("text_hash", hash.as_str()));
    if fields.get("answer").is_none_or(|answer| answer != "allow") {
        sim.note(&call, Entry::new("terms_refused").with("code", "not_allowed"));
        return gone();
    }
    sim.accounts.remember(&sim.kept, &tx.account, |memory| memory.accepted.push(hash.clone()));
    let entry = Entry::new("terms_committed").with("effect", true).with("text_hash", hash);
    sim.note(&call, entry.with("account", tx.account.as_str()));
    go_on(&sim, &call, &key, tx)
}

/// `GET /passkey`
pub(super) async fn passkey_page((State(sim), Extension(call), headers): Here) -> Response {
    if past_password(&sim, &headers).is_none_or(|(_, tx)| !tx.has("code")) {
        return see("/username");
    }
    sim.note(&call, Entry::new("announcement").with("shown", "passkey"));
    pages::passkey(skin(&sim))
}

/// `POST /passkey`
pub(super) async fn passkey(
    (State(sim), Extension(call), headers): Here,
    Form(fields): Form<Fields>,
) -> Response {
    let tx = past_password(&sim, &headers).filter(|(_, tx)| tx.has("code"));
    let Some((key, mut tx)) = tx else { return see("/username") };
    let answer = fields.get("answer").cloned().unwrap_or_default();
    let entry = Entry::new("announcement").with("closed", "passkey").with("choice", answer);
    sim.note(&call, entry);
    let month = month(&sim);
    sim.accounts.remember(&sim.kept, &tx.account, |memory| memory.reminded = Some(month));
    tx.passed.push("passkey".to_owned());
    go_on(&sim, &call, &key, tx)
}
