//! The control and truth planes of a simulated payer: plain HTTP on loopback, only for the test harness, guarded by a
//! bearer value. Without it everything is 404, and a knock at the truth plane is itself put on record.

use std::{sync::Arc, time::Duration};

use axum::{
    Json, Router,
    extract::{Path, Query, Request, State},
    http::StatusCode,
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::{get, post, put},
};
use jiff::{SignedDuration, Span, Timestamp};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{
    Skin,
    accounts::Skins,
    bearer,
    control::Act,
    faults::Fault,
    sim::{Sim, committed},
    store::{Filed, Filing},
    tls::Cert,
    world::world,
};
use crate::ledger::{Entry, Wanted};

#[derive(Clone)]
struct Plane {
    sim: Arc<Sim>,
    bearer: Arc<str>,
    truth: bool,
}

type Shared = State<Arc<Sim>>;

/// A refusal with its reason in words.
struct Refused(String);

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        (StatusCode::BAD_REQUEST, Json(json!({"error": self.0}))).into_response()
    }
}

impl<E: std::error::Error> From<E> for Refused {
    fn from(error: E) -> Refused {
        Refused(error.to_string())
    }
}

/// The control plane.
pub fn control(sim: Arc<Sim>, bearer: Arc<str>) -> Router {
    let plane = Plane { sim: Arc::clone(&sim), bearer, truth: false };
    Router::new()
        .route("/clock", get(clock).post(set_clock))
        .route("/{payer}/knobs", get(knobs).put(set_knobs))
        .route("/{payer}/faults", get(faults).post(add_fault).delete(clear_faults))
        .route("/{payer}/faults/asked", get(faults_asked))
        .route("/{payer}/skin", put(set_skin))
        .route("/{payer}/cases", post(file))
        .route("/{payer}/cases/{number}/act", post(act))
        .route("/{payer}/accounts/{account}/reset", post(reset_account))
        .route("/{payer}/sessions/end", post(end_sessions))
        .layer(middleware::from_fn_with_state(plane, guard))
        .with_state(sim)
}

/// The truth plane.
pub fn truth(sim: Arc<Sim>, bearer: Arc<str>) -> Router {
    let plane = Plane { sim: Arc::clone(&sim), bearer, truth: true };
    Router::new()
        .route("/entries", get(entries))
        .route("/cases", get(cases))
        .route("/payer_claims", get(payer_claims))
        .fallback(async || StatusCode::NOT_FOUND)
        .layer(middleware::from_fn_with_state(plane, guard))
        .with_state(sim)
}

async fn guard(State(plane): State<Plane>, request: Request, next: Next) -> Response {
    if !bearer::shown(&request, &plane.bearer) {
        if plane.truth {
            let path = request.uri().path().to_owned();
            plane.sim.note_control(Entry::new("truth_refused").with("route", path));
            plane.sim.flush().await;
        }
        return StatusCode::NOT_FOUND.into_response();
    }
    bearer::served(&plane.sim, request, next).await
}

fn clock_now(sim: &Sim) -> Value {
    let rate = sim.clock.rate();
    let mode = if rate == 0.0 { "frozen" } else { "scaled" };
    json!({"now": sim.now().to_string(), "mode": mode, "rate": rate})
}

async fn clock(State(sim): Shared) -> Json<Value> {
    Json(clock_now(&sim))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SetClock {
    set: Option<Timestamp>,
    #[serde(default)]
    allow_back: bool,
    advance: Option<Span>,
    mode: Option<String>,
    rate: Option<f64>,
}

async fn set_clock(
    State(sim): Shared,
    Json(wanted): Json<SetClock>,
) -> Result<Json<Value>, Refused> {
    match (wanted.mode.as_deref(), wanted.rate) {
        (Some("frozen"), None) => sim.clock.set_rate(0.0),
        (Some("scaled"), Some(rate)) if rate > 0.0 => sim.clock.set_rate(rate),
        (None, None) => {}
        _ => return Err(Refused("mode is frozen, or scaled with a rate".to_owned())),
    }
    let mut happened = Vec::new();
    if let Some(span) = wanted.advance {
        let step = SignedDuration::try_from(span.to_owned())
            .or_else(|_| span.to_duration(jiff::SpanRelativeTo::days_are_24_hours()))?;
        let until = sim.now().checked_add(step)?;
        if step.is_negative() {
            return Err(Refused("advance goes forward".to_owned()));
        }
        happened = sim.advance_to(until);
    }
    if let Some(at) = wanted.set {
        if at >= sim.now() {
            happened = sim.advance_to(at);
        } else {
            sim.clock.set(at, wanted.allow_back)?;
        }
    }
    sim.sweep_sessions();
    sim.note_control(Entry::new("clock").with("now", sim.now().to_string()));
    let mut answer = clock_now(&sim);
    answer["happened"] = json!(happened);
    Ok(Json(answer))
}

/// The path names this payer, by slug or code.
fn named(sim: &Sim, payer: &str) -> Result<(), Refused> {
    if payer == sim.profile.slug || payer == sim.profile.code {
        return Ok(());
    }
    Err(Refused(format!("this is {}, not {payer}", sim.profile.slug)))
}

async fn knobs(State(sim): Shared, Path(payer): Path<String>) -> Result<Json<Value>, Refused> {
    named(&sim, &payer)?;
    Ok(Json(Value::Object(sim.knobs.all())))
}

async fn set_knobs(
    State(sim): Shared,
    Path(payer): Path<String>,
    Json(changes): Json<Map<String, Value>>,
) -> Result<Json<Value>, Refused> {
    named(&sim, &payer)?;
    let cert = match changes.get("cert").and_then(Value::as_str) {
        None => None,
        Some("trusted") => Some(Cert::Trusted),
        Some("untrusted") => Some(Cert::Untrusted),
        Some("wrong-host") => Some(Cert::WrongHost),
        Some(other) => return Err(Refused(format!("cert {other} is not one of three"))),
    };
    sim.knobs.set(&changes)?;
    if let Some(cert) = cert {
        sim.certs.show(cert);
    }
    sim.note_control(Entry::new("knob").with("changes", Value::Object(changes)));
    Ok(Json(Value::Object(sim.knobs.all())))
}

async fn faults(State(sim): Shared, Path(payer): Path<String>) -> Result<Json<Value>, Refused> {
    named(&sim, &payer)?;
    Ok(Json(json!(sim.faults.counts())))
}

/// What the handlers called so far can carry out, each with the steps it was asked for at.
async fn faults_asked(
    State(sim): State<Arc<Sim>>,
    Path(payer): Path<String>,
) -> Result<Json<Value>, Refused> {
    named(&sim, &payer)?;
    Ok(Json(json!(sim.faults.asked.all())))
}

async fn add_fault(
    State(sim): Shared,
    Path(payer): Path<String>,
    Json(fault): Json<Fault>,
) -> Result<Json<Value>, Refused> {
    named(&sim, &payer)?;
    if let Some(payer) = &fault.payer {
        named(&sim, payer)?;
    }
    sim.faults.check(&fault.id)?;
    sim.note_control(Entry::new("knob").with("fault", fault.id.as_str()));
    if fault.id == "F38" {
        // A certificate is chosen per connection, before there is a call that could match.
        let cert = if fault.does.as_deref() == Some("untrusted") {
            Cert::Untrusted
        } else {
            Cert::WrongHost
        };
        sim.certs.show(cert);
        sim.note_control(Entry::new("fault_fired").with("fault", "F38"));
        return Ok(Json(json!({"armed": false, "shown": format!("{cert:?}")})));
    }
    if fault.id == "F34" {
        // No call could match the clock: it is set to the last half minute of the payer's day.
        let edge = sim.day_end().ok_or_else(|| Refused("the day is over already".to_owned()))?;
        sim.advance_to(edge);
        sim.note_control(Entry::new("fault_fired").with("fault", "F34"));
        return Ok(Json(json!({"armed": false, "now": edge.to_string()})));
    }
    sim.faults.add(fault)?;
    Ok(Json(json!({"armed": true})))
}

async fn clear_faults(
    State(sim): Shared,
    Path(payer): Path<String>,
) -> Result<Json<Value>, Refused> {
    named(&sim, &payer)?;
    sim.faults.clear();
    sim.certs.show(Cert::Trusted);
    Ok(Json(json!({})))
}

async fn set_skin(
    State(sim): Shared,
    Path(payer): Path<String>,
    Json(wanted): Json<Value>,
) -> Result<Json<Value>, Refused> {
    named(&sim, &payer)?;
    let skins = match (wanted["skin"].as_str(), wanted["mixed"].as_f64()) {
        (Some("v1"), None) => Skins::One(Skin::V1),
        (Some("v2"), None) if sim.profile.redesigned => Skins::One(Skin::V2),
        (None, Some(share)) if sim.profile.redesigned && (0.0..=1.0).contains(&share) => {
            Skins::Mixed(share)
        }
        _ => return Err(Refused("no such skin of this payer".to_owned())),
    };
    sim.sessions.set_skins(skins);
    sim.note_control(Entry::new("knob").with("skin", wanted.clone()));
    Ok(Json(wanted))
}

#[derive(Deserialize)]
struct FileByPerson {
    #[serde(default = "clerk")]
    account: String,
    filing: Filing,
}

fn clerk() -> String {
    "clerk01".to_owned()
}

/// Files a request as a person would have, through the same rules and into the same store.
async fn file(
    State(sim): Shared,
    Path(payer): Path<String>,
    Json(wanted): Json<FileByPerson>,
) -> Result<Json<Value>, Refused> {
    named(&sim, &payer)?;
    let filing = wanted.filing;
    let member = world().member_by_id(sim.profile.slug, &filing.member_id);
    let member = member.ok_or_else(|| Refused("no such member of this payer".to_owned()))?;
    if filing.lines.is_empty() {
        return Err(Refused("a filing has at least one line".to_owned()));
    }
    let fields = serde_json::to_value(&filing)?;
    let received = Entry::new("submit_received")
        .with("channel", "portal")
        .with("account", wanted.account.as_str())
        .with("origin", "person")
        .fields(fields);
    let received_seq = sim.ledger.append(sim.now(), received);
    let from = Filed {
        payer: sim.profile.slug,
        account: &wanted.account,
        origin: "person",
        received_seq,
        now: sim.now(),
        imaging_delegated: member.imaging_delegated,
    };
    let case = (sim.profile.draw_up)(&sim, &from, filing);
    sim.keep(&case);
    let entry = committed(&case, "full", "").with("channel", "portal").with("origin", "person");
    sim.ledger.append(sim.now(), entry);
    Ok(Json(json!({"case": case.id, "numbers": case.numbers})))
}

async fn act(
    State(sim): Shared,
    Path((payer, number)): Path<(String, String)>,
    Json(act): Json<Act>,
) -> Result<Json<Value>, Refused> {
    named(&sim, &payer)?;
    Ok(Json(json!(sim.review(&number, &act)?)))
}

async fn reset_account(
    State(sim): Shared,
    Path((payer, account)): Path<(String, String)>,
) -> Result<Json<Value>, Refused> {
    named(&sim, &payer)?;
    sim.accounts.remember(&sim.kept, &account, |memory| {
        memory.wrong.clear();
        memory.locked_until = None;
    });
    Ok(Json(json!({})))
}

/// Ends every portal session, as a restart of the portal does.
async fn end_sessions(
    State(sim): Shared,
    Path(payer): Path<String>,
) -> Result<Json<Value>, Refused> {
    named(&sim, &payer)?;
    for account in world().accounts.iter().filter(|account| account.payer == sim.profile.slug) {
        for token in sim.sessions.live_of(&account.id) {
            sim.end_session(&token, "ended by the portal");
        }
    }
    Ok(Json(json!({})))
}

async fn entries(State(sim): Shared, Query(wanted): Query<Wanted>) -> Json<Value> {
    let patience = Duration::from_millis(wanted.wait_ms.unwrap_or(0).min(60_000));
    Json(Value::Array(sim.ledger.wait(&wanted, patience).await))
}

async fn cases(State(sim): Shared) -> Json<Value> {
    Json(json!(sim.store.all()))
}

async fn payer_claims(State(sim): Shared) -> Json<Value> {
    let claims = world().payer_claims.iter().filter(|claim| claim.payer == sim.profile.slug);
    let claims: Vec<Value> = claims
        .map(|claim| {
            let step = claim.at(sim.now(), sim.start);
            json!({
                "key": claim.key,
                "claim": claim.claim,
                "member_id": world().member(&claim.member).map(|member| &member.member_id),
                "billed": claim.billed,
                "from": claim.service_date(sim.start).to_string(),
                "state": step.map_or("not_found", |step| step.state.as_str()),
                "paid": step.and_then(|step| step.paid.clone()),
                "patient": step.and_then(|step| step.patient.clone()),
                "reason": step.and_then(|step| step.reason.clone()),
            })
        })
        .collect();
    Json(Value::Array(claims))
}
