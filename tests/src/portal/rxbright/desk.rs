//! A call of somebody who is in: with an account, or with the key of one request; and the short answers in JSON.

#![expect(clippy::result_large_err, reason = "the error is the answer itself, made once and sent")]

use std::sync::Arc;

use axum::{
    Extension,
    extract::FromRequestParts,
    http::{StatusCode, request::Parts},
    response::Response,
};
use serde_json::{Value, json};

use super::request::{self, Request};
use crate::{
    ledger::Entry,
    portal::{
        accounts::{PortalSession, Stage},
        call::Call,
        html,
        sim::Sim,
    },
};

/// Said to a call without a portal session.
pub(super) const SIGNED_OUT: &str = "You have been signed out.";

/// Somebody who is in, at work.
pub(super) struct Desk {
    pub(super) sim: Arc<Sim>,
    pub(super) call: Call,
    pub(super) session: PortalSession,
}

impl FromRequestParts<Arc<Sim>> for Desk {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, sim: &Arc<Sim>) -> Result<Desk, Response> {
        let Ok(Extension(call)) = Extension::<Call>::from_request_parts(parts, sim).await else {
            return Err(said(StatusCode::INTERNAL_SERVER_ERROR, ""));
        };
        sim.page_delay(350).await;
        match call.session.clone() {
            Some(session) if session.stage == Stage::Live => {
                Ok(Desk { sim: Arc::clone(sim), call, session })
            }
            _ => Err(said(StatusCode::UNAUTHORIZED, SIGNED_OUT)),
        }
    }
}

impl Desk {
    /// Writes a ledger entry.
    pub(super) fn note(&self, entry: Entry) -> u64 {
        self.sim.note(&self.call, entry)
    }

    /// The one request somebody without an account may see.
    pub(super) fn only(&self) -> Option<&str> {
        self.session.data.get("key").and_then(Value::as_str)
    }

    /// Refuses what needs an account.
    pub(super) fn account_needed(&self) -> Result<(), Response> {
        match self.only() {
            None => Ok(()),
            Some(_) => Err(said(StatusCode::FORBIDDEN, "Sign in with an account to do this.")),
        }
    }

    /// The request with this key, if this visitor may see it.
    pub(super) fn request(&self, key: &str) -> Result<Request, Response> {
        let seen = self.only().is_none_or(|only| only == key);
        let found = request::load(&self.sim, key).filter(|_| seen);
        let found =
            found.ok_or_else(|| said(StatusCode::NOT_FOUND, "This request does not exist."))?;
        self.sim.sessions.change(&self.session.token, |session| {
            session.member = Some(found.member_id.clone());
        });
        Ok(found)
    }
}

/// An answer in JSON.
pub(super) fn answer(status: StatusCode, body: &Value) -> Response {
    html::answer(status, "application/json", body.to_string())
}

/// A good answer in JSON.
pub(super) fn good(body: &Value) -> Response {
    answer(StatusCode::OK, body)
}

/// An answer that is only a sentence.
pub(super) fn said(status: StatusCode, words: &str) -> Response {
    answer(status, &json!({"message": words}))
}

/// Something typed is not right.
pub(super) fn wrong(words: &str) -> Response {
    said(StatusCode::UNPROCESSABLE_ENTITY, words)
}
