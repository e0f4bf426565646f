//! A coordinator that goes away in the middle of an attempt and comes back: nothing of the record is lost, and no report comes before
//! the evidence it speaks of, whether the agent lives on or is killed meanwhile.

use std::{
    collections::BTreeMap,
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
};

use agent::{
    attempt::{self, FleetDoors, LeaseClock},
    channel::{Denied, Doors as _, Item, Permit, Wish},
    clock,
    coordinator::Coordinator,
    spool::Spool,
};
use axum::{
    Json, Router,
    body::Bytes,
    extract::State,
    http::{StatusCode, Uri},
    response::{IntoResponse as _, Response},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use domain::{
    evidence::{EvidenceKind, Moment},
    id::{AgentId, AttemptId, EvidenceId, IntentId, JobId, LeaseId},
    outcome::{Answer, Outcome},
    step::{Effect, Step, StepState},
    time::Timestamp,
    wire::{End, Fenced, Report},
};
use serde_json::{Value, json};

const HERE: usize = 0;
const AWAY: usize = 1;
const LEASE_ENDED: usize = 2;
/// The agents' key is being changed.
const NOT_LET_IN: usize = 3;
/// A proxy before the coordinator takes no such bodies.
const TOO_LARGE: usize = 4;
/// The lease is over; what is late is taken.
const LATE_ONLY: usize = 5;

/// What the coordinator was told, in order, and how it answers now.
#[derive(Default)]
struct Desk {
    told: Mutex<Vec<String>>,
    mode: AtomicUsize,
}

impl Desk {
    async fn open() -> (Arc<Desk>, Coordinator) {
        let desk = Arc::new(Desk::default());
        let router = Router::new().fallback(answer).with_state(Arc::clone(&desk));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move { axum::serve(listener, router).await });
        (desk, Coordinator::new(&format!("http://{address}"), "a-key").unwrap())
    }

    fn is(&self, mode: usize) {
        self.mode.store(mode, Ordering::SeqCst);
    }

    /// What it was told since the last time it was asked.
    fn told(&self) -> Vec<String> {
        std::mem::take(&mut self.told.lock().unwrap())
    }
}

async fn answer(State(desk): State<Arc<Desk>>, uri: Uri, body: Bytes) -> Response {
    let body: Value = serde_json::from_slice(&body).unwrap_or_default();
    let late = uri.query().is_some_and(|q| q.contains("late=true")) || body["late"] == true;
    let problem = |status, code| {
        let problem = json!({"type": format!("/problems/{code}"), "detail": "a test"});
        (status, Json(problem)).into_response()
    };
    match desk.mode.load(Ordering::SeqCst) {
        AWAY => return StatusCode::SERVICE_UNAVAILABLE.into_response(),
        LEASE_ENDED => return problem(StatusCode::CONFLICT, "lease-ended"),
        LATE_ONLY if !late => return problem(StatusCode::CONFLICT, "lease-ended"),
        NOT_LET_IN => return problem(StatusCode::UNAUTHORIZED, "unauthenticated"),
        TOO_LARGE => return (StatusCode::PAYLOAD_TOO_LARGE, "too large").into_response(),
        _ => {}
    }
    let path = uri.path().trim_start_matches("/v1/agent/");
    let what = match path.split('/').next().unwrap_or_default() {
        "evidence" => "evidence".to_owned(),
        "steps" => format!("step {}", body["steps"][0]["name"].as_str().unwrap_or_default()),
        other => other.to_owned(),
    };
    desk.told.lock().unwrap().push(what + if late { " late" } else { "" });
    match path {
        "intent" => Json(json!({"permit": "no", "because": "a test"})).into_response(),
        "spool_key" => Json(json!({"key": STANDARD.encode([7; 32])})).into_response(),
        _ => StatusCode::NO_CONTENT.into_response(),
    }
}

fn at() -> Timestamp {
    Timestamp::from_ms(1_772_460_000_000)
}

fn fenced() -> Fenced {
    let (agent, job, lease) = (AgentId::new(at(), 1), JobId::new(at(), 2), LeaseId::new(at(), 3));
    Fenced { agent, job, lease, fence: 1 }
}

fn attempt_id() -> AttemptId {
    AttemptId::new(at(), 4)
}

/// An attempt with its doors, and the spool of its agent.
fn attempt(coordinator: &Coordinator, dir: &Path) -> (FleetDoors, Spool) {
    let spool = Spool::open(dir).unwrap();
    spool.learn(fenced().lease, &STANDARD.encode([7; 32]));
    let doors = FleetDoors {
        coordinator: coordinator.clone(),
        fenced: fenced(),
        attempt: attempt_id(),
        spool: spool.clone(),
        kept: AtomicU64::new(0),
        clock: Arc::new(LeaseClock::new(clock::boot_ms(), 600_000)),
        permit_key: None,
        folder: dir.to_owned(),
    };
    (doors, spool)
}

fn step(name: &str) -> Vec<Step> {
    vec![Step {
        index: 0,
        name: name.to_owned(),
        kind: "step".to_owned(),
        depth: 0,
        effect: Effect::Read,
        state: StepState::Done,
        source: String::new(),
        started_ms: 0,
        ended_ms: None,
        retries: 0,
        screen: None,
        acts: Vec::new(),
        log: Vec::new(),
        values: Vec::new(),
        evidence: Vec::new(),
        received_at: None,
    }]
}

fn picture(moment: Moment) -> Item {
    Item {
        id: EvidenceId::new(at(), rand::random()),
        step: 0,
        kind: EvidenceKind::FullPage,
        moment,
        masked: true,
        bytes: Bytes::from_static(b"a picture of ALDERSEED"),
    }
}

fn wish() -> Wish {
    Wish {
        step: 0,
        commit: "submit".to_owned(),
        payload_sha256: "0".repeat(64),
        before: EvidenceId::new(at(), 9),
        once_per: String::new(),
        gate: None,
    }
}

fn report() -> Report {
    let outcome = Outcome {
        answer: Answer::PendedReview,
        raw_words: "Pended".to_owned(),
        references: Vec::new(),
        facts: Vec::new(),
        via: "agent".to_owned(),
    };
    Report {
        fenced: fenced(),
        attempt: attempt_id(),
        end: End::Outcome { outcome, proof: None },
        logins: 0,
        session_reused: false,
        session_kept: false,
        drift: Vec::new(),
        prints: BTreeMap::new(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_record_waits_here_and_goes_before_permit_and_report() {
    let dir = tempfile::tempdir().unwrap();
    let (desk, coordinator) = Desk::open().await;
    let (doors, spool) = attempt(&coordinator, dir.path());
    doors.steps(step("one")).await.unwrap();
    desk.is(AWAY);
    doors.keep(picture(Moment::Before)).await.expect("durable here");
    doors.steps(step("two")).await.expect("durable here");
    assert_eq!(spool.pieces(attempt_id()), [0, 1]);
    let refused = doors.permit(wish()).await;
    assert!(matches!(refused, Err(Denied::Away(_))), "no permit without the evidence before");
    assert_eq!(desk.told(), ["step one"]);

    desk.is(HERE);
    assert!(matches!(doors.permit(wish()).await, Ok(Permit::No(_))));
    assert_eq!(desk.told(), ["evidence late", "step two late", "intent"]);
    doors.steps(step("three")).await.unwrap();
    assert_eq!(desk.told(), ["step three"], "nothing waits any more");

    desk.is(AWAY);
    doors.keep(picture(Moment::After)).await.unwrap();
    let reporting = {
        let (coordinator, spool) = (coordinator.clone(), spool.clone());
        tokio::spawn(async move { attempt::report(&coordinator, &spool, &report()).await })
    };
    desk.is(HERE);
    reporting.await.unwrap();
    assert_eq!(desk.told(), ["evidence late", "report"]);
    assert!(spool.reports().is_empty() && spool.attempts_waiting().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_kept_outlives_the_agent_and_is_told_evidence_first() {
    let dir = tempfile::tempdir().unwrap();
    let (desk, coordinator) = Desk::open().await;
    let (doors, spool) = attempt(&coordinator, dir.path());
    desk.is(AWAY);
    doors.keep(picture(Moment::After)).await.unwrap();
    doors.steps(step("submitted")).await.unwrap();
    spool.keep_report(&report()).unwrap();
    // The agent dies here; another life begins while the coordinator is still away.
    drop((doors, spool));
    let spool = Spool::open(dir.path()).unwrap();
    assert_eq!(spool.leases_without_key(), [fenced().lease]);
    attempt::resend(&coordinator, &spool).await;
    assert_eq!((desk.told().len(), spool.pieces(attempt_id()).len()), (0, 2));
    desk.is(HERE);
    attempt::resend(&coordinator, &spool).await;
    assert_eq!(desk.told(), ["spool_key", "evidence late", "step submitted late", "report"]);
    assert!(spool.reports().is_empty() && spool.attempts_waiting().is_empty());

    // What the coordinator has judged is not kept for ever.
    let (doors, spool) = attempt(&coordinator, dir.path());
    desk.is(AWAY);
    doors.keep(picture(Moment::After)).await.unwrap();
    desk.is(LEASE_ENDED);
    attempt::resend(&coordinator, &spool).await;
    assert!(spool.attempts_waiting().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_not_listened_to_keeps_everything() {
    let dir = tempfile::tempdir().unwrap();
    let (desk, coordinator) = Desk::open().await;
    let (doors, spool) = attempt(&coordinator, dir.path());
    desk.is(AWAY);
    doors.keep(picture(Moment::After)).await.unwrap();
    spool.keep_report(&report()).unwrap();
    let gate = domain::gate::Certificate {
        nonce: "ab".repeat(16),
        opened: 0,
        shut: true,
        signature: "cd".repeat(64),
    };
    agent::spool::keep_certificate(dir.path(), &gate).unwrap();
    for mode in [NOT_LET_IN, TOO_LARGE] {
        desk.is(mode);
        attempt::resend(&coordinator, &spool).await;
        attempt::tell_not_sent(&coordinator, &spool, fenced().agent).await;
        assert_eq!(spool.attempts_waiting(), [attempt_id()], "{mode}");
        assert_eq!((spool.reports().len(), spool.certificates().len()), (1, 1), "{mode}");
    }
    desk.is(HERE);
    attempt::resend(&coordinator, &spool).await;
    attempt::tell_not_sent(&coordinator, &spool, fenced().agent).await;
    assert_eq!(desk.told(), ["evidence late", "report", "not_sent"]);
    assert!(spool.reports().is_empty() && spool.certificates().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_click_led_to_is_kept_also_after_the_lease() {
    let dir = tempfile::tempdir().unwrap();
    let (desk, coordinator) = Desk::open().await;
    let (doors, spool) = attempt(&coordinator, dir.path());
    desk.is(LATE_ONLY);
    let before = doors.keep(picture(Moment::Before)).await;
    assert!(matches!(before, Err(Denied::LeaseEnded)) && desk.told().is_empty());
    doors.latch(IntentId::new(at(), 6)).await.unwrap();
    let after = doors.keep(picture(Moment::After)).await;
    assert!(matches!(after, Err(Denied::LeaseEnded)), "the attempt stops all the same");
    assert_eq!(desk.told(), ["evidence late"]);
    assert!(spool.attempts_waiting().is_empty());
}
