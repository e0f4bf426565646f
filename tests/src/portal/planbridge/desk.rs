//! A call of somebody who is signed in, on either host: the portal session, its unfinished episode, its look, and what
//! happens to a call without one.

use std::{collections::HashMap, sync::Arc};

use axum::{
    Extension, RequestExt as _,
    extract::{FromRequestParts, Request},
    http::{HeaderMap, StatusCode, request::Parts},
    response::Response,
};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::{draft::Draft, look::Look};
use crate::{
    ledger::Entry,
    portal::{
        accounts::{PortalSession, Stage},
        call::Call,
        html,
        sim::Sim,
        world::{Member, world},
    },
};

/// Named values of a form.
pub(super) type Fields = HashMap<String, String>;

/// The UM window outlives the main window by so much.
const ORPHAN_S: i64 = 60;

/// Somebody signed in, at work.
pub(super) struct Desk {
    pub(super) sim: Arc<Sim>,
    pub(super) call: Call,
    pub(super) session: PortalSession,
    pub(super) look: Look,
}

/// Why a call cannot be served.
enum Barred {
    TimedOut,
    Displaced,
    Closed,
    Nobody,
}

impl FromRequestParts<Arc<Sim>> for Desk {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, sim: &Arc<Sim>) -> Result<Desk, Response> {
        let Ok(Extension(call)) = Extension::<Call>::from_request_parts(parts, sim).await else {
            return Err(html::page(StatusCode::INTERNAL_SERVER_ERROR, String::new()));
        };
        let ms = u64::try_from(sim.knobs.number("page_delay_ms")).unwrap_or(0);
        sim.page_delay(ms).await;
        let um = call.route.contains(" um ");
        let barred = match (&call.session, call.ended) {
            (Some(session), _) if session.stage == Stage::Live => {
                if !um || window_is_open(session, sim.now()) {
                    let session = session.clone();
                    let look = Look::of(session.skin);
                    return Ok(Desk { sim: Arc::clone(sim), call, session, look });
                }
                Barred::Closed
            }
            (_, Some("idle" | "session-expired")) => Barred::TimedOut,
            (_, Some(why)) if why.starts_with("displaced") => Barred::Displaced,
            _ if um => Barred::Closed,
            _ => Barred::Nobody,
        };
        Err(turn_away(sim, &parts.headers, um, &barred))
    }
}

fn window_is_open(session: &PortalSession, now: Timestamp) -> bool {
    let orphaned = session.data.get("orphaned").and_then(Value::as_str);
    let orphaned: Option<Timestamp> = orphaned.and_then(|at| at.parse().ok());
    session.data.get("um") == Some(&json!(true))
        && orphaned.is_none_or(|at| now.duration_since(at) < SignedDuration::from_secs(ORPHAN_S))
}

fn turn_away(sim: &Sim, headers: &HeaderMap, um: bool, barred: &Barred) -> Response {
    let look = Look::of(sim.sessions.skin_before_sign_in());
    // Partial reloads cannot show a page: the script of the page loads it anew.
    if headers.contains_key("x-requested-with") {
        return html::answer(StatusCode::UNAUTHORIZED, "text/plain", "signed out");
    }
    let words = match barred {
        Barred::TimedOut => "Your office's session has timed out.",
        Barred::Displaced => "You were signed out because this user ID signed in somewhere else.",
        Barred::Closed => "This window was closed by the main window.",
        Barred::Nobody => return html::redirect(StatusCode::FOUND, "/login"),
    };
    html::page(StatusCode::OK, look.ended(words, um))
}

impl Desk {
    /// Writes a ledger entry.
    pub(super) fn note(&self, entry: Entry) -> u64 {
        self.sim.note(&self.call, entry)
    }

    /// Notes that a page was shown.
    pub(super) fn saw(&self, page: &str) {
        self.note(Entry::new("view").with("page", page));
    }

    /// The unfinished episode.
    pub(super) fn draft(&self) -> Draft {
        let kept = self.sim.sessions.get(&self.session.token);
        let kept = kept.and_then(|session| session.data.get("draft").cloned()).unwrap_or_default();
        serde_json::from_value(kept).unwrap_or_default()
    }

    /// Keeps the unfinished episode in the portal session.
    pub(super) fn keep(&self, draft: &Draft) {
        self.put("draft", serde_json::to_value(draft).unwrap_or_default());
        self.note(Entry::new("draft").with("saved", true));
    }

    /// Keeps a value in the portal session.
    pub(super) fn put(&self, name: &str, value: Value) {
        self.sim.sessions.change(&self.session.token, |session| {
            session.data.insert(name.to_owned(), value);
        });
    }

    /// A value kept in the portal session.
    pub(super) fn kept(&self, name: &str) -> Value {
        let session = self.sim.sessions.get(&self.session.token);
        session.and_then(|session| session.data.get(name).cloned()).unwrap_or_default()
    }

    /// Notes whose record is worked on, here and in the list of recent members.
    pub(super) fn works_on(&self, member_id: &str) {
        self.sim.sessions.change(&self.session.token, |session| {
            session.member = Some(member_id.to_owned());
        });
        let key = format!("recent/{}", self.session.account.id);
        let mut recent = self.recent();
        recent.retain(|known| known != member_id);
        recent.insert(0, member_id.to_owned());
        recent.truncate(5);
        self.sim.kept.put(&key, json!(recent));
    }

    /// Members this account worked on, the last one first.
    pub(super) fn recent(&self) -> Vec<String> {
        let kept = self.sim.kept.get(&format!("recent/{}", self.session.account.id));
        kept.and_then(|value| serde_json::from_value(value).ok()).unwrap_or_default()
    }

    /// An answer with this markup.
    pub(super) fn shown(&self, html: String) -> Response {
        html::page(StatusCode::OK, html)
    }
}

/// The member of this payer with this number.
pub(super) fn member(member_id: &str) -> Option<&'static Member> {
    world().member_by_id(super::PROFILE.slug, member_id.trim())
}

/// The file of a multipart form: its name and bytes.
pub(super) async fn file(request: Request) -> Option<(String, Vec<u8>)> {
    let mut form: axum::extract::Multipart = request.extract().await.ok()?;
    while let Ok(Some(field)) = form.next_field().await {
        if field.file_name().is_some() {
            let name = field.file_name().unwrap_or_default().to_owned();
            let bytes = field.bytes().await.ok()?;
            return Some((name, bytes.to_vec()));
        }
    }
    None
}

/// A named value, trimmed, under its name in either skin; empty when it is not there.
pub(super) fn value(fields: &Fields, name: &str) -> String {
    let found = fields.get(name).or_else(|| fields.get(&Look { v2: true }.id(name)));
    found.map(|text| text.trim().to_owned()).unwrap_or_default()
}
