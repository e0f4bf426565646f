//! What pages tell now and then without being asked: trusted clicks with where they were, and notices that were closed.
//! It comes with the next pulse, so that a click costs no connection of its own at a commit.

use std::sync::Arc;

use axum::{Extension, Json, extract::State, http::StatusCode, response::Response};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{call::Call, html, sim::Sim};
use crate::ledger::Entry;

/// The script of pages that only tell; loaded by a payer's pages from its own host.
pub const SCRIPT: &str = include_str!("pages/pulse.js");

/// Clicks and closed notices since the last pulse.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Pulse {
    /// Trusted clicks.
    clicks: Vec<Value>,
    /// Names of notices.
    closed: Vec<String>,
}

impl Pulse {
    /// Puts it on record.
    pub fn take(&self, sim: &Sim, call: &Call) {
        for click in self.clicks.iter().take(200) {
            let mut entry = Entry::new("pointer");
            for name in ["clientX", "clientY", "target", "viewport", "ratio"] {
                entry = entry.with(name, click[name].clone());
            }
            sim.note(call, entry);
        }
        for what in self.closed.iter().take(20) {
            sim.note(call, Entry::new("announcement").with("closed", what.as_str()));
        }
    }
}

/// `POST /pulse`: takes it and tells whether the portal session goes on, and for how many seconds without activity.
pub async fn pulse(
    State(sim): State<Arc<Sim>>,
    Extension(call): Extension<Call>,
    Json(pulse): Json<Pulse>,
) -> Response {
    pulse.take(&sim, &call);
    let state = match &call.session {
        Some(session) => {
            let idle_s = sim.knobs.number("idle_min") * 60;
            let left_s = idle_s - sim.now().duration_since(session.active_at).as_secs();
            json!({"state": "in", "left": left_s})
        }
        None => json!({"state": "out"}),
    };
    html::answer(StatusCode::OK, "application/json", state.to_string())
}

/// `GET /pulse.js`
pub async fn script() -> Response {
    html::answer(StatusCode::OK, "text/javascript; charset=utf-8", SCRIPT)
}
