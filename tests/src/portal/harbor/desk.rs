//! A call of somebody who is signed on: the portal session, its draft, addresses that carry it, and what happens to a
//! call without one.

use std::{collections::HashMap, sync::Arc};

use axum::{
    Extension, Form, RequestExt as _,
    extract::{FromRequest, FromRequestParts, Request, rejection::FormRejection},
    http::{StatusCode, request::Parts},
    response::Response,
};
use serde_json::Value;

use super::{
    draft::Draft,
    look::{self, Look},
    redesign,
    rules::Edit,
};
use crate::{
    ledger::Entry,
    portal::{
        accounts::{PortalSession, Stage},
        call::Call,
        html,
        sim::Sim,
    },
};

/// Named values of a form.
pub(super) type Fields = HashMap<String, String>;

/// A form as it came back, its fields by their first names whatever rendering it was typed into.
pub(super) struct Typed(pub(super) Fields);

impl<S: Send + Sync> FromRequest<S> for Typed {
    type Rejection = FormRejection;

    async fn from_request(request: Request, state: &S) -> Result<Typed, FormRejection> {
        let Form(fields) = Form::<Fields>::from_request(request, state).await?;
        let first =
            |(name, value): (String, String)| (redesign::first_name(&name).to_owned(), value);
        Ok(Typed(fields.into_iter().map(first).collect()))
    }
}

/// Somebody signed on, at work.
pub(super) struct Desk {
    pub(super) sim: Arc<Sim>,
    pub(super) call: Call,
    pub(super) session: PortalSession,
}

impl FromRequestParts<Arc<Sim>> for Desk {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, sim: &Arc<Sim>) -> Result<Desk, Response> {
        let Ok(Extension(call)) = Extension::<Call>::from_request_parts(parts, sim).await else {
            return Err(html::page(StatusCode::INTERNAL_SERVER_ERROR, String::new()));
        };
        let ms = u64::try_from(sim.knobs.number("page_delay_ms")).unwrap_or(0);
        sim.page_delay(ms).await;
        match call.session.clone() {
            Some(session) if session.stage == Stage::Live => {
                Ok(Desk { sim: Arc::clone(sim), call, session })
            }
            _ if parts.uri.path() == "/pa/index" => {
                Err(html::redirect(StatusCode::FOUND, "/pa/banner"))
            }
            _ => {
                let login = Look::before_sign_in(sim).login(look::SESSION_OVER);
                Err(html::page(StatusCode::OK, login))
            }
        }
    }
}

impl Desk {
    /// The rendering of this portal session.
    pub(super) fn look(&self) -> Look {
        Look(self.session.skin)
    }

    /// The name of the form of a request.
    pub(super) fn form_name(&self) -> &'static str {
        if self.look().redesigned() { "rq" } else { "pa" }
    }

    /// Does a search open inside the page, not in a window of its own?
    pub(super) fn has_dialogs(&self) -> bool {
        let popup = self.sim.knobs.text("popup");
        popup == "dialog" || (popup == "window" && self.look().redesigned())
    }

    /// The address of a page, with the portal session in it.
    pub(super) fn href(&self, page: &str) -> String {
        look::href(&self.session.token, page)
    }

    /// Writes a ledger entry.
    pub(super) fn note(&self, entry: Entry) -> u64 {
        self.sim.note(&self.call, entry)
    }

    /// Notes that a page was shown.
    pub(super) fn saw(&self, page: &str) {
        self.note(Entry::new("view").with("page", page));
    }

    /// The unfinished request.
    pub(super) fn draft(&self) -> Draft {
        let kept = self.session.data.get("draft").cloned().unwrap_or_default();
        serde_json::from_value(kept).unwrap_or_default()
    }

    /// Keeps the unfinished request in the portal session.
    pub(super) fn keep(&self, draft: &Draft) {
        let value = serde_json::to_value(draft).unwrap_or_default();
        self.put("draft", value);
        self.note(Entry::new("draft").with("saved", true));
    }

    /// Keeps a value in the portal session.
    pub(super) fn put(&self, name: &str, value: Value) {
        self.sim.sessions.change(&self.session.token, |session| {
            session.data.insert(name.to_owned(), value);
        });
    }

    /// Notes whose record is worked on.
    pub(super) fn works_on(&self, member_id: &str) {
        self.sim.sessions.change(&self.session.token, |session| {
            session.member = Some(member_id.to_owned());
        });
    }

    /// A page of the main frame.
    pub(super) fn page(&self, title: &str, edits: &[Edit], body: &str) -> Response {
        html::page(StatusCode::OK, self.look().page(title, edits, body))
    }
}

/// The file of a multipart form: its name and bytes.
pub(super) async fn file(request: Request) -> Option<(String, Vec<u8>)> {
    let mut form: axum::extract::Multipart = request.extract().await.ok()?;
    while let Ok(Some(field)) = form.next_field().await {
        if matches!(field.name(), Some("document" | "up_pdf")) {
            let name = field.file_name().unwrap_or_default().to_owned();
            let bytes = field.bytes().await.ok()?;
            return Some((name, bytes.to_vec()));
        }
    }
    None
}

/// A named value, trimmed; empty when it is not there.
pub(super) fn value(fields: &Fields, name: &str) -> String {
    fields.get(name).map(|text| text.trim().to_owned()).unwrap_or_default()
}
