//! Subscriptions: a system is called with the answers to its requests, in order, each until it has taken it.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicU16, Ordering},
};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::State,
    http::{HeaderMap, Method, Request as Call, StatusCode},
    routing::post,
};
use coordinator::{access::Role, api::facade::tell::Teller};
use exchange::pas::{
    self,
    bundle::Bundle,
    code::Decision,
    notice::{Kind, Notice, Seen as Known, Verdict},
    subscription::Wish,
};
use serde_json::json;

use crate::{
    facade::{bytes, number, request, submit},
    test_app::{Seen, TestApp, answered},
};

/// The other side: keeps what it is called with, and answers as told.
#[derive(Clone)]
struct Hook {
    calls: Arc<Mutex<Vec<(HeaderMap, Bytes)>>>,
    status: Arc<AtomicU16>,
    address: String,
}

async fn called(State(hook): State<Hook>, headers: HeaderMap, body: Bytes) -> StatusCode {
    hook.calls.lock().unwrap().push((headers, body));
    StatusCode::from_u16(hook.status.load(Ordering::SeqCst)).unwrap()
}

impl Hook {
    async fn open() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}/hook", listener.local_addr().unwrap());
        let hook = Self { calls: Arc::default(), status: Arc::new(AtomicU16::new(200)), address };
        let router = Router::new().route("/hook", post(called)).with_state(hook.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        hook
    }

    /// What came since the last look.
    fn came(&self) -> Vec<(HeaderMap, Notice, String)> {
        let calls = std::mem::take(&mut *self.calls.lock().unwrap());
        let read = |(headers, body): (HeaderMap, Bytes)| {
            let bundle: Bundle = pas::read(&body, "Bundle").unwrap();
            let digest = coordinator::files::sha256(&body);
            (headers, Notice::read(&bundle).unwrap(), digest)
        };
        calls.into_iter().map(read).collect()
    }

    fn wish(&self) -> Wish {
        Wish {
            filter: "orgIdentifier".to_owned(),
            organization: "1234567893".to_owned(),
            endpoint: self.address.clone(),
            headers: vec!["Authorization: Bearer of-the-hook".to_owned()],
            heartbeat_s: Some(3600),
        }
    }
}

async fn at(app: &TestApp, role: Role, method: Method, path: &str, body: &str) -> Seen {
    let call = Call::builder()
        .method(method)
        .uri(format!("/fhir/Subscription{path}"))
        .header("content-type", "application/fhir+json")
        .header("authorization", format!("Bearer {}", app.keys[&role]));
    app.send(call.body(Body::from(body.to_owned())).unwrap()).await
}

async fn subscribed(app: &TestApp, wish: &Wish) -> String {
    let made = at(app, Role::Admin, Method::POST, "", &pas::write(&wish.build())).await;
    assert_eq!(made.status, 201, "{made:?}");
    let made = made.json();
    assert_eq!(made["status"], "requested");
    assert!(made["channel"]["header"].is_null(), "headers are never shown");
    made["id"].as_str().unwrap().to_owned()
}

async fn state(app: &TestApp, id: &str) -> String {
    let shown = at(app, Role::Admin, Method::GET, &format!("/{id}"), "").await.good();
    shown["status"].as_str().unwrap().to_owned()
}

/// Hands in a request for another member, and has it answered.
async fn decided(app: &TestApp, n: u32, said: &str) {
    let mut asked = request(&format!("X-{n}"));
    asked.patient.member.value = format!("W20000000{n}");
    assert_eq!(submit(app, &asked).await.status, 200);
    assert!(bytes(&asked).contains("1234567893"));
    let agent = app.hello(&format!("a{n}"), 1).await;
    let lease = app.lease(&agent, 1).await.remove(0);
    let mut report = answered(&agent, &lease, said);
    report["end"]["outcome"]["references"] = json!([number("authorization", &format!("AUTH-{n}"))]);
    app.agent("report", &report).await.good();
    app.agent("bye", &json!({"agent": agent})).await.good();
    // So that two answers are never of the same instant.
    app.clock.advance(10);
}

#[tokio::test]
async fn answers_are_told_in_order_until_they_are_taken() {
    let app = TestApp::new().await;
    let hook = Hook::open().await;
    let teller = Teller::new(&app.app).unwrap();
    let id = subscribed(&app, &hook.wish()).await;
    assert!(hook.came().is_empty());
    teller.round(&app.app).await;
    let came = hook.came();
    assert_eq!(came.len(), 1);
    assert_eq!(came[0].1.kind, Kind::Handshake);
    assert_eq!(came[0].0["authorization"], "Bearer of-the-hook");
    assert_eq!(state(&app, &id).await, "active");

    let ours = format!("Subscription/{id}");
    let mut seen = Known::default();
    decided(&app, 1, "approved").await;
    teller.round(&app.app).await;
    let came = hook.came();
    let (_, notice, digest) = &came[0];
    assert_eq!(seen.judge(&ours, notice, digest), Verdict::News { missing: vec![] });
    seen.keep(notice, digest);
    let told = notice.answers().unwrap().remove(0).what;
    assert_eq!((told.decision(), told.numbers()), (Decision::Approved, vec!["AUTH-1"]));
    assert_eq!(told.lines[0].sequence, 4, "as the sender numbered them");
    teller.round(&app.app).await;
    assert!(hook.came().is_empty(), "told once");

    hook.status.store(503, Ordering::SeqCst);
    decided(&app, 2, "denied").await;
    decided(&app, 3, "approved").await;
    teller.round(&app.app).await;
    teller.round(&app.app).await;
    assert_eq!(hook.came().len(), 1, "after a failure it rests");
    hook.status.store(200, Ordering::SeqCst);
    app.clock.advance(3_000);
    teller.round(&app.app).await;
    teller.round(&app.app).await;
    let came = hook.came();
    assert_eq!(came.len(), 2);
    for ((_, notice, digest), decision) in came.iter().zip([Decision::Denied, Decision::Approved]) {
        assert_eq!(seen.judge(&ours, notice, digest), Verdict::News { missing: vec![] });
        seen.keep(notice, digest);
        assert_eq!(notice.answers().unwrap()[0].what.decision(), decision);
    }
    assert_eq!(seen.newest, 3);

    app.clock.advance(3_600_000);
    teller.round(&app.app).await;
    let came = hook.came();
    assert_eq!((came.len(), came[0].1.kind), (1, Kind::Heartbeat));
    assert_eq!(seen.judge(&ours, &came[0].1, ""), Verdict::Alive { missing: vec![] });
}

#[tokio::test]
async fn a_subscriber_that_never_answers_is_given_up_and_told_to_people() {
    let app = TestApp::new().await;
    let hook = Hook::open().await;
    hook.status.store(500, Ordering::SeqCst);
    let teller = Teller::new(&app.app).unwrap();
    let id = subscribed(&app, &hook.wish()).await;
    for _ in 0..20 {
        teller.round(&app.app).await;
        app.clock.advance(15 * 60_000);
    }
    assert_eq!(hook.came().len(), 12);
    assert_eq!(state(&app, &id).await, "error");
    let audit = app.get(Role::Admin, "audit?act=subscription.given_up").await.good();
    assert_eq!(audit["items"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn only_an_admin_subscribes_once_and_to_a_safe_address() {
    let app = TestApp::new().await;
    let hook = Hook::open().await;
    let text = pas::write(&hook.wish().build());
    let operator = at(&app, Role::Operator, Method::POST, "", &text).await;
    assert_eq!(
        (operator.status.as_u16(), operator.json()["issue"][0]["code"].clone()),
        (403, json!("forbidden"))
    );
    for (endpoint, header) in [
        ("http://clinic.example/hook", "X-Key: 1"),
        ("ftp://127.0.0.1/hook", "X-Key: 1"),
        ("https://clinic.example/hook", "no header"),
        ("https://clinic.example/hook", "X-Key: 1\r\nX-Other: 2"),
    ] {
        let mut bad = hook.wish();
        (bad.endpoint, bad.headers) = (endpoint.to_owned(), vec![header.to_owned()]);
        let seen = at(&app, Role::Admin, Method::POST, "", &pas::write(&bad.build())).await;
        assert_eq!(seen.status, 422, "{endpoint} {header}");
        assert_eq!(seen.json()["resourceType"], "OperationOutcome");
    }
    let id = subscribed(&app, &hook.wish()).await;
    assert_eq!(at(&app, Role::Admin, Method::POST, "", &text).await.status, 409, "one each");
    let path = format!("/{id}");
    assert_eq!(at(&app, Role::Operator, Method::DELETE, &path, "").await.status, 403);
    assert_eq!(at(&app, Role::Admin, Method::DELETE, &path, "").await.status, 204);
    assert_eq!(at(&app, Role::Admin, Method::DELETE, &path, "").await.status, 409);
    assert_eq!(at(&app, Role::Admin, Method::GET, "/sub-none", "").await.status, 404);
    Teller::new(&app.app).unwrap().round(&app.app).await;
    assert!(hook.came().is_empty(), "an ended one is never called");
    assert_eq!(state(&app, &id).await, "off");
    subscribed(&app, &hook.wish()).await;
    for file in ["fleet.db", "fleet.db-wal"] {
        let stored = std::fs::read(app.dir.path().join("data").join(file)).unwrap();
        let secret = b"of-the-hook";
        assert!(!stored.windows(secret.len()).any(|w| w == secret), "sealed at rest: {file}");
    }
}
