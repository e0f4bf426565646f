//! The way into Crestline Connect: user and password, authenticator code, terms, organisation. Server-made pages with
//! ordinary forms; the application comes after them.

use std::{collections::BTreeMap, sync::Arc};

use axum::{
    Extension, Form,
    extract::{Query, State},
    http::{HeaderValue, StatusCode, header},
    response::Response,
};
use serde::Deserialize;
use serde_json::json;
use sha2::{Digest, Sha256};

use super::{pages, redesign};
use crate::{
    ledger::{Entry, hex},
    portal::{
        Skin,
        accounts::{Code, Password, PortalSession, Stage},
        call::Call,
        html::redirect,
        sim::Sim,
    },
};

type Shared = State<Arc<Sim>>;

/// Name of the cookie of a portal session, good for all hosts of the hub.
pub(super) const COOKIE: &str = "cc_session";

const WRONG: &str = "The user ID or password is not correct.";
const LOCKED: &str = "Account locked. Try again later.";
const TOO_MANY: &str = "Too many active sign-ins.";
const BAD_CODE: &str = "The code is not valid.";
/// What somebody reads whose portal session is over.
pub(super) const SIGNED_OUT: &str = "You have been signed out.";

fn see(path: &str) -> Response {
    redirect(StatusCode::SEE_OTHER, path)
}

fn with_cookie(mut response: Response, token: &str, alive: bool) -> Response {
    let life = if alive { "" } else { "; Max-Age=0" };
    let cookie = format!(
        "{COOKIE}={token}; Domain=crestline.test; Path=/; Secure; HttpOnly; SameSite=Lax{life}"
    );
    if let Ok(value) = HeaderValue::from_str(&cookie) {
        response.headers_mut().insert(header::SET_COOKIE, value);
    }
    response
}

/// The terms in force: version and text. A changed text has another hash, which nobody has accepted yet.
fn terms(sim: &Sim) -> Option<(String, String)> {
    let version = sim.kept.get("terms")?.as_u64()?;
    let text = format!(
        "Revision {version}. By continuing you confirm that every person who uses this account has read the \
         Crestline Connect terms, that access by automated means has been agreed in writing, and that you will \
         report any disclosure within two days."
    );
    Some((hex(&Sha256::digest(&text)), text))
}

/// New terms come into force where a fault says so.
fn maybe_new_terms(sim: &Sim, call: &Call) {
    if call.fires("terms-changed") {
        sim.kept.next("terms");
    }
}

/// The login page; redesigned it is the first of two.
fn login_form(sim: &Sim, message: &str, challenge: Option<&pages::Challenge>) -> Response {
    match sim.sessions.skin_before_sign_in() {
        Skin::V1 => pages::login(message, challenge),
        Skin::V2 => redesign::login(message, challenge),
    }
}

/// What the login page is asked with.
#[derive(Deserialize)]
pub(super) struct LoginQuery {
    out: Option<String>,
}

/// `GET /login`
pub(super) async fn login_page(
    State(sim): Shared,
    Extension(call): Extension<Call>,
    Query(query): Query<LoginQuery>,
) -> Response {
    sim.page_delay(300).await;
    maybe_new_terms(&sim, &call);
    sim.note(&call, Entry::new("view").with("page", "login"));
    let captcha = call.fires("captcha").then(|| challenge(&sim, &call));
    let message = if query.out.is_some() { SIGNED_OUT } else { "" };
    login_form(&sim, message, captcha.as_ref())
}

fn challenge(sim: &Sim, call: &Call) -> pages::Challenge {
    let ordinal = sim.kept.next("captcha");
    let hash = hex(&Sha256::digest(format!("{}/captcha/{ordinal}", sim.seed)));
    let letters: String = hash.chars().take(6).collect::<String>().to_uppercase();
    sim.kept.put(&format!("captcha/{ordinal}"), json!(letters));
    sim.note(call, Entry::new("captcha").with("shown", ordinal));
    pages::Challenge { id: ordinal, letters }
}

/// The login form.
#[derive(Deserialize)]
pub(super) struct LoginForm {
    #[serde(alias = "who")]
    user_id: String,
    #[serde(alias = "word")]
    password: String,
    challenge: Option<u64>,
    characters: Option<String>,
}

/// The first page of the redesigned login.
#[derive(Deserialize)]
pub(super) struct WhoForm {
    who: String,
    challenge: Option<u64>,
    characters: Option<String>,
}

/// `POST /identify`: asks for the password, whoever it is.
pub(super) async fn identify(State(sim): Shared, Form(form): Form<WhoForm>) -> Response {
    sim.page_delay(300).await;
    redesign::password(form.who.trim(), form.challenge, &form.characters.unwrap_or_default())
}

/// `POST /login`
pub(super) async fn login(
    State(sim): Shared,
    Extension(call): Extension<Call>,
    Form(form): Form<LoginForm>,
) -> Response {
    sim.page_delay(400).await;
    maybe_new_terms(&sim, &call);
    if call.fires("captcha") {
        return login_form(&sim, "", Some(&challenge(&sim, &call)));
    }
    if let Some(id) = form.challenge {
        let typed = form.characters.unwrap_or_default().to_uppercase();
        let right = sim.kept.get(&format!("captcha/{id}")) == Some(json!(typed));
        sim.note(&call, Entry::new("captcha").with("try", id).with("right", right));
        if !right {
            let again = challenge(&sim, &call);
            return login_form(&sim, "The characters do not match.", Some(&again));
        }
    }
    let user = form.user_id.trim();
    let noted = |result: &str| {
        let entry = Entry::new("login").with("result", result).with("ok", false);
        sim.note(&call, entry.with("account", user));
    };
    match sim.password(&call, user, &form.password) {
        Password::Wrong => {
            noted("wrong");
            return login_form(&sim, WRONG, None);
        }
        Password::Locked => {
            noted("locked");
            return login_form(&sim, LOCKED, None);
        }
        Password::JustLocked => {
            noted("wrong");
            sim.note(&call, Entry::new("lock").with("account", user));
            return login_form(&sim, LOCKED, None);
        }
        Password::Right => {}
    }
    let Some(account) = sim.accounts.find(user) else { return login_form(&sim, WRONG, None) };
    if too_many(&sim, user) {
        noted("refused");
        return login_form(&sim, TOO_MANY, None);
    }
    let session = sim.sessions.open(Sim::secret(), account, sim.now());
    sim.sessions.change(&session.token, |session| session.stage = Stage::Partly("otp"));
    with_cookie(see("/verify"), &session.token, true)
}

fn too_many(sim: &Sim, account: &str) -> bool {
    let limit = usize::try_from(sim.knobs.number("max_portal_sessions")).unwrap_or(usize::MAX);
    sim.sessions.live_of(account).len() >= limit
}

/// The session of a call, if its sign-in has come to this stage.
fn at_stage<'a>(call: &'a Call, stage: &'static str) -> Option<&'a PortalSession> {
    call.session.as_ref().filter(|session| session.stage == Stage::Partly(stage))
}

/// `GET /verify`
pub(super) async fn verify_page(
    State(sim): Shared,
    Extension(call): Extension<Call>,
    Query(query): Query<VerifyQuery>,
) -> Response {
    maybe_new_terms(&sim, &call);
    if at_stage(&call, "otp").is_none() {
        return see("/login");
    }
    sim.note(&call, Entry::new("view").with("page", "otp"));
    code_form(&sim, &call, "", query.backup.is_some())
}

fn code_form(sim: &Sim, call: &Call, message: &str, backup: bool) -> Response {
    match call.skin(sim) {
        Skin::V1 => pages::verify(message, backup),
        Skin::V2 => redesign::verify(message, backup),
    }
}

/// What the code page is asked with.
#[derive(Deserialize)]
pub(super) struct VerifyQuery {
    backup: Option<String>,
}

/// The code form.
#[derive(Deserialize)]
pub(super) struct VerifyForm {
    #[serde(default)]
    code: String,
    backup: Option<String>,
    #[serde(flatten)]
    digits: BTreeMap<String, String>,
}

impl VerifyForm {
    /// The code, also where each digit has a box of its own.
    fn typed(&self) -> String {
        let digits = (1..=6).filter_map(|digit| self.digits.get(&format!("wk{digit}")));
        if self.code.is_empty() { digits.cloned().collect() } else { self.code.trim().to_owned() }
    }
}

/// `POST /verify`
pub(super) async fn verify(
    State(sim): Shared,
    Extension(call): Extension<Call>,
    Form(form): Form<VerifyForm>,
) -> Response {
    sim.page_delay(300).await;
    maybe_new_terms(&sim, &call);
    let Some(session) = at_stage(&call, "otp") else { return see("/login") };
    let (id, typed) = (session.account.id.as_str(), form.typed());
    let backup = form.backup.is_some();
    let checked = if backup {
        sim.accounts.backup_code(&sim.kept, id, &typed)
    } else {
        sim.accounts.code(&sim.kept, id, &typed, sim.code_time(), i64::MIN)
    };
    // The first code can be refused although it is right.
    let checked = if call.fires("code-refused") { Code::Wrong } else { checked };
    let result = match checked {
        Code::Right(_) => "ok",
        Code::Wrong => "wrong",
        Code::Reused => "reused",
    };
    sim.note(&call, Entry::new("otp").with("try", result).with("backup", backup));
    let Code::Right(step) = checked else {
        let count = sim.sessions.change(&session.token, |session| {
            session.wrong_codes += 1;
            session.wrong_codes
        });
        if count.is_none_or(|count| count >= 3) {
            sim.end_session(&session.token, "wrong codes");
            return see("/login");
        }
        return code_form(&sim, &call, BAD_CODE, backup);
    };
    if too_many(&sim, id) {
        sim.note(&call, Entry::new("login").with("result", "refused").with("ok", false));
        sim.end_session(&session.token, "too many");
        return login_form(&sim, TOO_MANY, None);
    }
    sim.sessions.change(&session.token, |session| {
        session.login_step = step;
        session.stage = Stage::Partly("terms");
    });
    go_on(&sim, &call, session)
}

/// After the code: terms nobody of the account has accepted, then the organisation, then home.
fn go_on(sim: &Sim, call: &Call, session: &PortalSession) -> Response {
    let id = session.account.id.as_str();
    let accepted = sim.accounts.memory(&sim.kept, id).accepted;
    if terms(sim).is_some_and(|(hash, _)| !accepted.contains(&hash)) {
        return see("/terms");
    }
    let organizations = &session.account.organizations;
    let many = organizations.len() >= 2 || sim.knobs.number("organizations") >= 2;
    if many && session.organization.is_none() {
        sim.sessions.change(&session.token, |session| session.stage = Stage::Partly("org"));
        return see("/organization");
    }
    let chosen = session.organization.clone().or_else(|| organizations.first().cloned());
    enter(sim, call, session, chosen)
}

fn enter(sim: &Sim, call: &Call, session: &PortalSession, chosen: Option<String>) -> Response {
    sim.sessions.change(&session.token, |session| {
        session.stage = Stage::Live;
        session.organization.clone_from(&chosen);
    });
    sim.note(call, Entry::new("login").with("result", "ok").with("ok", true));
    sim.note(call, Entry::new("context").with("organization", chosen));
    see("/#/home")
}

/// `GET /terms`
pub(super) async fn terms_page(State(sim): Shared, Extension(call): Extension<Call>) -> Response {
    let (Some(_), Some((hash, text))) = (at_stage(&call, "terms"), terms(&sim)) else {
        return see("/login");
    };
    sim.note(&call, Entry::new("terms_shown").with("text_hash", hash));
    terms_form(&sim, &call, &text, "")
}

fn terms_form(sim: &Sim, call: &Call, text: &str, message: &str) -> Response {
    match call.skin(sim) {
        Skin::V1 => pages::terms(text, message),
        Skin::V2 => redesign::terms(text, message),
    }
}

/// The terms form.
#[derive(Deserialize)]
pub(super) struct TermsForm {
    #[serde(alias = "agree")]
    accept: Option<String>,
}

/// `POST /terms`
pub(super) async fn accept_terms(
    State(sim): Shared,
    Extension(call): Extension<Call>,
    Form(form): Form<TermsForm>,
) -> Response {
    let (Some(session), Some((hash, text))) = (at_stage(&call, "terms"), terms(&sim)) else {
        return see("/login");
    };
    sim.note(&call, Entry::new("terms_received").with("text_hash", hash.as_str()));
    if form.accept.is_none() {
        sim.note(&call, Entry::new("terms_refused").with("code", "not_ticked"));
        return terms_form(&sim, &call, &text, "Tick the box to continue.");
    }
    let id = session.account.id.as_str();
    sim.accounts.remember(&sim.kept, id, |memory| memory.accepted.push(hash.clone()));
    sim.note(&call, Entry::new("terms_committed").with("effect", true).with("text_hash", hash));
    go_on(&sim, &call, session)
}

/// `GET /organization`
pub(super) async fn organization_page(
    State(sim): Shared,
    Extension(call): Extension<Call>,
) -> Response {
    let Some(session) = at_stage(&call, "org") else { return see("/login") };
    sim.note(&call, Entry::new("view").with("page", "org"));
    office_form(session, "")
}

fn office_form(session: &PortalSession, message: &str) -> Response {
    match session.skin {
        Skin::V1 => pages::organization(&choices(session), message),
        Skin::V2 => redesign::organization(&choices(session), message),
    }
}

fn choices(session: &PortalSession) -> Vec<String> {
    let mut choices = session.account.organizations.clone();
    if choices.len() < 2 {
        choices.push("Willowmere Specialty Group".to_owned());
    }
    choices
}

/// The organisation form.
#[derive(Deserialize)]
pub(super) struct OrganizationForm {
    #[serde(alias = "office", default)]
    organization: String,
}

/// `POST /organization`
pub(super) async fn choose_organization(
    State(sim): Shared,
    Extension(call): Extension<Call>,
    Form(form): Form<OrganizationForm>,
) -> Response {
    let Some(session) = at_stage(&call, "org") else { return see("/login") };
    if !choices(session).contains(&form.organization) {
        return office_form(session, "Select an organization.");
    }
    enter(&sim, &call, session, Some(form.organization))
}

/// `GET /logout`
pub(super) async fn logout(State(sim): Shared, Extension(call): Extension<Call>) -> Response {
    if let Some(session) = &call.session {
        sim.note(&call, Entry::new("logout"));
        sim.end_session(&session.token, "signed out");
    }
    with_cookie(see("/login?out=1"), "gone", false)
}
