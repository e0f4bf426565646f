//! A call of somebody who is signed in to the workspace: the portal session behind its cookie, the tokens it was given,
//! for whom it acts, and the way in and out. The workspace is the client of the login host.
//!
//! For whom one acts is kept per account, over portal sessions: each load of the shell takes what was used last.

use std::{collections::HashMap, sync::Arc};

use axum::{
    Extension, Json,
    extract::{FromRequestParts, Path, Query, State},
    http::{HeaderMap, HeaderValue, StatusCode, header, request::Parts},
    response::{IntoResponse as _, Response},
};
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{oidc, pages};
use crate::{
    ledger::Entry,
    portal::{
        accounts::{PortalSession, Stage},
        call::{Call, cookie},
        html::redirect,
        planted,
        sim::Sim,
        world::world,
    },
};

type Shared = State<Arc<Sim>>;

/// Cookie of a portal session.
pub(super) const COOKIE: &str = "lf_ws";
/// Cookie of a sign-in the workspace has begun.
const BEGUN: &str = "lf_rp";

/// Tax numbers of the clinic with the provider one acts for under each.
const CONTEXTS: [(&str, &str); 2] = [("14-1234567", "1234567893"), ("14-7654321", "1000000012")];

/// The tax number a provider asks under.
pub(super) fn tin_of(npi: &str) -> &'static str {
    let found = CONTEXTS.iter().find(|(_, known)| *known == npi);
    found.map_or(CONTEXTS[0].0, |(tin, _)| tin)
}

fn npi_of(tin: &str) -> &'static str {
    CONTEXTS.iter().find(|(known, _)| *known == tin).map_or("", |(_, npi)| npi)
}

/// Somebody signed in, at work.
pub(super) struct Desk {
    pub(super) sim: Arc<Sim>,
    pub(super) call: Call,
    pub(super) session: PortalSession,
}

impl FromRequestParts<Arc<Sim>> for Desk {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, sim: &Arc<Sim>) -> Result<Desk, Response> {
        let Ok(Extension(call)) = Extension::<Call>::from_request_parts(parts, sim).await else {
            return Err(StatusCode::INTERNAL_SERVER_ERROR.into_response());
        };
        let ms = u64::try_from(sim.knobs.number("page_delay_ms")).unwrap_or(0);
        sim.page_delay(ms).await;
        match live(sim, &call) {
            Some(session) => Ok(Desk { sim: Arc::clone(sim), call, session }),
            None => Err(refused(StatusCode::UNAUTHORIZED, "Your session has ended.")),
        }
    }
}

/// The portal session of a call, while its tokens stand; those that have run out are silently renewed.
fn live(sim: &Sim, call: &Call) -> Option<PortalSession> {
    let session = call.session.clone().filter(|session| session.stage == Stage::Live)?;
    let kept = |name: &str| session.data.get(name).and_then(Value::as_str).unwrap_or_default();
    let grant = kept("grant");
    if oidc::standing(sim, grant).is_none() {
        sim.end_session(&session.token, "tokens ended");
        return None;
    }
    let until: Option<Timestamp> = kept("access_until").parse().ok();
    if until.is_none_or(|until| sim.now() >= until) {
        let tokens = oidc::refresh(sim, grant).ok()?;
        let until = sim.now() + SignedDuration::from_secs(tokens.expires_in);
        sim.note(call, Entry::new("view").with("page", "token_refresh"));
        sim.sessions.change(&session.token, |s| {
            s.data.insert("access_until".to_owned(), json!(until.to_string()));
        });
    }
    Some(session)
}

/// JSON; never kept by the browser.
pub(super) fn answer(status: StatusCode, value: Value) -> Response {
    let mut response = (status, Json(value)).into_response();
    let no_store = HeaderValue::from_static("no-store");
    response.headers_mut().insert(header::CACHE_CONTROL, no_store);
    response
}

/// JSON, fine.
pub(super) fn good(value: Value) -> Response {
    answer(StatusCode::OK, value)
}

/// Words for the page to show.
pub(super) fn refused(status: StatusCode, message: &str) -> Response {
    answer(status, json!({"message": message}))
}

/// Words about something typed.
pub(super) fn wrong(message: &str) -> Response {
    refused(StatusCode::UNPROCESSABLE_ENTITY, message)
}

impl Desk {
    /// Writes a ledger entry.
    pub(super) fn note(&self, entry: Entry) -> u64 {
        self.sim.note(&self.call, entry)
    }

    /// Keeps a value in the portal session.
    pub(super) fn put(&self, name: &str, value: Value) {
        self.sim.sessions.change(&self.session.token, |session| {
            session.data.insert(name.to_owned(), value);
        });
    }

    /// What is kept in the portal session.
    pub(super) fn kept(&self, name: &str) -> Value {
        let session = self.sim.sessions.get(&self.session.token);
        session.and_then(|session| session.data.get(name).cloned()).unwrap_or_default()
    }

    /// Takes a note an earlier call left.
    pub(super) fn taken(&self, name: &str) -> bool {
        let change = |session: &mut PortalSession| session.data.remove(name).is_some();
        self.sim.sessions.change(&self.session.token, change).unwrap_or(false)
    }

    /// Does a fault of this name fire now, or did it at the view that was drawn before?
    pub(super) fn struck(&self, does: &'static str) -> bool {
        self.taken(does) || self.call.fires(does)
    }

    /// The tax number acted for.
    pub(super) fn tin(&self) -> String {
        self.kept("tin").as_str().unwrap_or(CONTEXTS[0].0).to_owned()
    }

    /// The provider acted for.
    pub(super) fn npi(&self) -> &'static str {
        npi_of(&self.tin())
    }

    /// Are statuses not shown at the moment?
    pub(super) fn down(&self) -> bool {
        self.sim.knobs.flag("status_down") || self.call.fires("status-down")
    }

    /// What a fault lays over or into a page.
    pub(super) fn extras(&self) -> Value {
        let shown = |what: &str| self.note(Entry::new("announcement").with("shown", what));
        let overlay = if self.call.fires("announcement") {
            shown("notice");
            json!({"kind": "notice", "title": "What's new",
                "text": "The spring training calendar is in the Document Library.", "button": "Got it"})
        } else if self.call.fires("survey") {
            shown("survey");
            json!({"kind": "survey", "title": "Two quick questions",
                "text": "How easy was your work today?", "button": "Skip"})
        } else {
            Value::Null
        };
        let hostile = self.call.fires("hostile-text").then_some(planted::HOSTILE);
        let files = self.call.fires("download-storm").then(planted::files);
        json!({"overlay": overlay, "notice": hostile, "files": files})
    }
}

/// Shown where statuses are not.
pub(super) const DOWN: &str = "We can't show status right now; requests can still be sent.";

/// `GET /`
pub(super) async fn front() -> Response {
    redirect(StatusCode::SEE_OTHER, "/app")
}

fn with_cookie(mut response: Response, name: &str, value: &str, alive: bool) -> Response {
    let life = if alive { "" } else { "; Max-Age=0" };
    let cookie = format!("{name}={value}; Path=/; Secure; HttpOnly; SameSite=Lax{life}");
    if let Ok(value) = HeaderValue::from_str(&cookie) {
        response.headers_mut().append(header::SET_COOKIE, value);
    }
    response
}

/// Sends somebody to the login host, with a state, a nonce and a challenge of this one sign-in.
fn to_login(sim: &Sim, path: &str) -> Response {
    let (id, state, nonce) = (Sim::secret(), Sim::secret(), Sim::secret());
    let verifier = format!("{}{}", Sim::secret(), Sim::secret());
    let query = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("client_id", oidc::CLIENT)
        .append_pair("redirect_uri", oidc::REDIRECT)
        .append_pair("response_type", "code")
        .append_pair("scope", "openid profile workspace")
        .append_pair("state", &state)
        .append_pair("nonce", &nonce)
        .append_pair("code_challenge", &oidc::challenge(&verifier))
        .append_pair("code_challenge_method", "S256")
        .finish();
    let begun = json!({"state": state, "nonce": nonce, "verifier": verifier, "path": path});
    sim.kept.put(&format!("rp/{id}"), begun);
    let there = format!("{}/authorize?{query}", oidc::ISSUER);
    with_cookie(redirect(StatusCode::SEE_OTHER, &there), BEGUN, &id, true)
}

/// `GET /app…`: the shell, or the way to the login host.
pub(super) async fn shell(
    State(sim): Shared,
    Extension(call): Extension<Call>,
    uri: axum::http::Uri,
) -> Response {
    let Some(session) = live(&sim, &call) else {
        if call.ended.is_some() {
            return with_cookie(redirect(StatusCode::SEE_OTHER, "/signed-out"), COOKIE, "", false);
        }
        return to_login(&sim, uri.path());
    };
    let account = session.account;
    let last = sim.kept.get(&format!("acting/{}", account.id));
    let tin = last.and_then(|last| last.as_str().map(str::to_owned));
    let tin = tin.or_else(|| account.organizations.first().cloned()).unwrap_or_default();
    sim.sessions.change(&session.token, |s| s.data.insert("tin".to_owned(), json!(tin)));
    sim.note(&call, Entry::new("view").with("page", "shell"));
    let settings = json!({
        "user": account.email,
        "today": sim.today().to_string(),
        "ringMs": sim.knobs.number("ring_ms"),
        "pulseMs": sim.knobs.number("pulse_ms"),
        "decisionNeeded": sim.knobs.flag("precheck_required"),
    });
    pages::shell(session.skin, &settings)
}

/// What the login host sends back.
#[derive(Deserialize)]
pub(super) struct Back {
    #[serde(default)]
    code: String,
    #[serde(default)]
    state: String,
}

/// `GET /callback`: exchanges the code and begins the portal session.
pub(super) async fn callback(
    State(sim): Shared,
    Extension(call): Extension<Call>,
    headers: HeaderMap,
    Query(back): Query<Back>,
) -> Response {
    let id = cookie(&headers, BEGUN).unwrap_or_default();
    let begun = sim.kept.get(&format!("rp/{id}")).unwrap_or_default();
    let text = |name: &str| begun[name].as_str().unwrap_or_default().to_owned();
    if back.state.is_empty() || text("state") != back.state {
        sim.note(&call, Entry::new("login").with("result", "bad_state").with("ok", false));
        return pages::bad_request("state");
    }
    let tokens = match oidc::exchange(&sim, &back.code, &text("verifier")) {
        Ok(tokens) => tokens,
        Err(error) => {
            sim.note(&call, Entry::new("login").with("result", error).with("ok", false));
            return pages::bad_request(error);
        }
    };
    let claims = oidc::claims(&sim, &tokens.id_token, &text("nonce"));
    let subject = claims.as_ref().and_then(|claims| claims["sub"].as_str());
    let Some(account) = subject.and_then(|id| sim.accounts.find(id)) else {
        return pages::bad_request("id_token");
    };
    let session = sim.sessions.open(Sim::secret(), account, sim.now());
    let until = sim.now() + SignedDuration::from_secs(tokens.expires_in);
    sim.sessions.change(&session.token, |s| {
        s.stage = Stage::Live;
        s.data.insert("grant".to_owned(), json!(tokens.refresh_token));
        s.data.insert("access_until".to_owned(), json!(until.to_string()));
    });
    let entry = Entry::new("login").with("result", "ok").with("ok", true);
    sim.note(&call, entry.with("account", account.id.as_str()).with("portal_session", session.id));
    let path = Some(text("path")).filter(|path| path.starts_with("/app"));
    let there = redirect(StatusCode::SEE_OTHER, path.as_deref().unwrap_or("/app"));
    with_cookie(there, COOKIE, &session.token, true)
}

/// `GET /sign-out`
pub(super) async fn sign_out(State(sim): Shared, Extension(call): Extension<Call>) -> Response {
    if let Some(session) = &call.session {
        sim.note(&call, Entry::new("logout"));
        sim.end_session(&session.token, "signed out");
    }
    with_cookie(redirect(StatusCode::SEE_OTHER, "/signed-out?by=you"), COOKIE, "", false)
}

/// `GET /signed-out`
pub(super) async fn signed_out(
    State(sim): Shared,
    Query(query): Query<HashMap<String, String>>,
) -> Response {
    let page = pages::signed_out(sim.sessions.skin_before_sign_in(), query.contains_key("by"));
    with_cookie(page, COOKIE, "", false)
}

fn context_json(tin: &str) -> Value {
    let npi = npi_of(tin);
    json!({"tin": tin, "npi": npi, "name": world().provider(npi).map(|provider| &provider.name)})
}

/// `GET /api/me`: who is signed in and for whom.
pub(super) async fn me(desk: Desk) -> Response {
    let banner = desk.down().then_some(DOWN);
    good(json!({
        "user": desk.session.account.email,
        "acting": context_json(&desk.tin()),
        "choices": CONTEXTS.map(|(tin, _)| context_json(tin)),
        "banner": banner,
    }))
}

/// For whom to act.
#[derive(Deserialize)]
pub(super) struct Acting {
    tin: String,
}

/// `POST /api/context`: acts for somebody else from now on, in every later portal session too.
pub(super) async fn change_context(desk: Desk, Json(wanted): Json<Acting>) -> Response {
    let account = desk.session.account;
    let known = CONTEXTS.iter().any(|(tin, _)| *tin == wanted.tin);
    if !known || !account.organizations.contains(&wanted.tin) {
        desk.note(Entry::new("context").with("refused", true).with("tin", wanted.tin));
        return wrong("You don't have access to this TIN.");
    }
    desk.put("tin", json!(wanted.tin));
    desk.sim.kept.put(&format!("acting/{}", account.id), json!(wanted.tin));
    desk.note(Entry::new("context").with("tin", wanted.tin.as_str()));
    good(context_json(&wanted.tin))
}

/// `GET /api/views/{view}`: a view is about to be drawn. Some faults say "at this view" and mean its next call.
pub(super) async fn view(desk: Desk, Path(view): Path<String>) -> Response {
    desk.note(Entry::new("view").with("page", view.as_str()));
    for does in [
        "two-matches",
        "not-active",
        "scan-pending",
        "upload-refused",
        "stale-row",
        "provider-missing",
        "retired-code",
    ] {
        if desk.call.fires(does) {
            desk.put(does, json!(true));
        }
    }
    let question = desk.call.fires("new-question");
    if question {
        desk.put("question", json!(true));
    }
    let mut shown = desk.extras();
    shown["banner"] = json!(desk.down().then_some(DOWN));
    shown["question"] = json!(question.then_some("Is this related to an accident?"));
    shown["decoy"] = json!(desk.call.fires("decoy-button"));
    shown["renamed"] = json!(desk.call.fires("renamed-labels"));
    shown["reordered"] = json!(desk.call.fires("reordered-fields"));
    // How often the page's own script repeats a write that was not answered well, how many it sends at once, and
    // whether a reload of the result sends it again.
    shown["repeats"] = json!(if desk.call.fires("page-retry") { 3 } else { 0 });
    shown["sends"] = json!(if desk.call.fires("double-button") { 2 } else { 1 });
    shown["resends"] = json!(desk.call.fires("reload-reposts"));
    good(shown)
}
