//! The hub's own calls: its shell, home, pulse, second confirmation. The application proper is on the other host.

use std::sync::Arc;

use axum::{
    Extension, Json,
    extract::State,
    http::StatusCode,
    response::{IntoResponse as _, Response},
};
use jiff::SignedDuration;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{pages, redesign, signin::SIGNED_OUT};
use crate::{
    ledger::Entry,
    portal::{
        Skin,
        accounts::{Code, PortalSession, Stage},
        call::Call,
        html::redirect,
        planted,
        sim::Sim,
    },
};

type Shared = State<Arc<Sim>>;

/// JSON with a status; never cached.
pub(super) fn json(status: StatusCode, value: Value) -> Response {
    let mut response = (status, Json(value)).into_response();
    let no_store = axum::http::HeaderValue::from_static("no-store");
    response.headers_mut().insert(axum::http::header::CACHE_CONTROL, no_store);
    response
}

/// An error as the hub's services give it.
pub(super) fn error(status: StatusCode, message: &str) -> Response {
    let body = json!({"statusCode": status.as_u16(), "userMessage": message});
    json(status, body)
}

/// The signed-in portal session of a call, or the answer for somebody who is not.
pub(super) fn signed_in(call: &Call) -> Result<&PortalSession, Box<Response>> {
    let live = call.session.as_ref().filter(|session| session.stage == Stage::Live);
    live.ok_or_else(|| Box::new(error(StatusCode::UNAUTHORIZED, SIGNED_OUT)))
}

/// Is a second confirmation of who it is due?
pub(super) fn stepup_due(sim: &Sim, session: &PortalSession) -> bool {
    let every = sim.knobs.number("stepup_every_min");
    let limit = SignedDuration::from_mins(every);
    every > 0 && session.stepup_at.is_none_or(|at| sim.now().duration_since(at) > limit)
}

/// An overlay a fault puts over a page.
pub(super) fn overlay(sim: &Sim, call: &Call) -> Value {
    if call.fires("announcement") {
        sim.note(call, Entry::new("announcement").with("shown", "notice"));
        return json!({"kind": "notice", "title": "Service notice",
            "text": "Phone support is closed on Friday afternoon for staff training.", "button": "Close"});
    }
    if call.fires("survey") {
        sim.note(call, Entry::new("announcement").with("shown", "survey"));
        return json!({"kind": "survey", "title": "How are we doing?",
            "text": "Would you recommend Crestline Connect to another office?", "button": "No thanks"});
    }
    if call.fires("hostile-text") {
        return json!({"kind": "text", "text": planted::HOSTILE, "link": "https://elsewhere.test/confirm"});
    }
    if call.fires("download-storm") {
        return json!({"kind": "files", "files": planted::files()});
    }
    Value::Null
}

/// `GET /`
pub(super) async fn shell(State(sim): Shared, Extension(call): Extension<Call>) -> Response {
    sim.page_delay(200).await;
    let Ok(session) = signed_in(&call) else {
        let out = if call.ended.is_some() { "/login?out=1" } else { "/login" };
        return redirect(StatusCode::SEE_OTHER, out);
    };
    sim.note(&call, Entry::new("view").with("page", "shell"));
    let settings = json!({
        "user": session.account.id,
        "organization": session.organization,
        "apps": "https://apps.crestline.test",
        "pulseMs": sim.knobs.number("pulse_ms"),
    });
    match session.skin {
        Skin::V1 => pages::hub_shell(&settings),
        Skin::V2 => redesign::hub_shell(&settings),
    }
}

fn month(sim: &Sim) -> String {
    sim.today().strftime("%Y-%m").to_string()
}

/// `GET /api/home`
pub(super) async fn home(State(sim): Shared, Extension(call): Extension<Call>) -> Response {
    sim.page_delay(250).await;
    let session = match signed_in(&call) {
        Ok(session) => session,
        Err(answer) => return *answer,
    };
    sim.note(&call, Entry::new("view").with("page", "home"));
    let memory = sim.accounts.memory(&sim.kept, &session.account.id);
    let remind = sim.knobs.flag("email_reminder") && memory.reminded != Some(month(&sim));
    let banner = sim.knobs.flag("status_down") || call.fires("status-down");
    json(
        StatusCode::OK,
        json!({
            "reminder": remind.then(|| session.account.email.clone()),
            "banner": banner.then_some("Status information is unavailable. Submissions are accepted."),
            "overlay": overlay(&sim, &call),
            "announcements": [
                {"title": "Fernbrook Health fee schedule", "text": "The yearly schedule is in Payer Spaces."},
                {"title": "Holiday hours", "text": "Offices are closed on public holidays; the portal stays open."},
            ],
        }),
    )
}

/// An answer to the e-mail reminder.
#[derive(Deserialize)]
pub(super) struct Reminder {
    choice: String,
}

/// `POST /api/reminder`
pub(super) async fn reminder(
    State(sim): Shared,
    Extension(call): Extension<Call>,
    Json(answer): Json<Reminder>,
) -> Response {
    let session = match signed_in(&call) {
        Ok(session) => session,
        Err(answer) => return *answer,
    };
    let month = month(&sim);
    sim.accounts.remember(&sim.kept, &session.account.id, |memory| memory.reminded = Some(month));
    sim.note(
        &call,
        Entry::new("announcement").with("closed", "reminder").with("choice", answer.choice),
    );
    json(StatusCode::OK, json!({}))
}

/// `GET /api/stepup`
pub(super) async fn stepup_state(State(sim): Shared, Extension(call): Extension<Call>) -> Response {
    match signed_in(&call) {
        Ok(session) => json(StatusCode::OK, json!({"needed": stepup_due(&sim, session)})),
        Err(answer) => *answer,
    }
}

/// A code typed at the second confirmation.
#[derive(Deserialize)]
pub(super) struct StepUp {
    code: String,
}

/// `POST /api/stepup`
pub(super) async fn stepup(
    State(sim): Shared,
    Extension(call): Extension<Call>,
    Json(typed): Json<StepUp>,
) -> Response {
    let session = match signed_in(&call) {
        Ok(session) => session,
        Err(answer) => return *answer,
    };
    let (id, now) = (session.account.id.as_str(), sim.code_time());
    let code = sim.accounts.code(&sim.kept, id, typed.code.trim(), now, session.login_step);
    let right = matches!(code, Code::Right(_));
    sim.note(&call, Entry::new("otp").with("stepup", if right { "ok" } else { "wrong" }));
    if !right {
        return error(StatusCode::UNPROCESSABLE_ENTITY, "The code is not valid.");
    }
    let now = sim.now();
    sim.sessions.change(&session.token, |session| {
        session.stepup_at = Some(now);
        if let Code::Right(step) = code {
            session.login_step = step;
        }
    });
    json(StatusCode::OK, json!({}))
}

/// `POST /api/stay`: the portal session goes on.
pub(super) async fn stay(State(sim): Shared, Extension(call): Extension<Call>) -> Response {
    match signed_in(&call) {
        Ok(_) => {
            sim.note(&call, Entry::new("view").with("page", "stay"));
            json(StatusCode::OK, json!({}))
        }
        Err(answer) => *answer,
    }
}
