//! Limits of the server: bodies, addresses, headers, slow callers, panics, the end.

use std::time::Duration;

use axum::{
    Router,
    body::Body,
    http::{Method, Request},
};
use coordinator::{access::Role, serve};
use serde_json::json;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::oneshot,
};

use crate::test_app::TestApp;

/// Longest wait for what must come.
const PATIENCE: Duration = Duration::from_secs(60);

#[tokio::test]
async fn bodies_are_bounded_and_typed() {
    let app = TestApp::new().await;
    let long = json!({"payer": "x".repeat(300 * 1024), "request": {}});
    let reply = app.create(Role::Operator, "cases", &long).await;
    assert_eq!(reply.problem(), (413, "too-large".into()));
    let long = json!({"reason": "x".repeat(300 * 1024)});
    let reply = app.change(Role::Operator, "pools/default/pause", &json!(0), &long).await;
    assert_eq!(reply.problem(), (413, "too-large".into()));
    let deep = format!("{{\"payer\":\"x\",\"request\":{}{}}}", "[".repeat(64), "]".repeat(64));
    let send = |kind: &'static str, more: (&'static str, &'static str), body: String| {
        let call = Request::builder()
            .method(Method::POST)
            .uri("/v1/cases")
            .header("authorization", format!("Bearer {}", app.keys[&Role::Operator]))
            .header("idempotency-key", "a-key-of-this-test")
            .header("content-type", kind)
            .header(more.0, more.1);
        app.send(call.body(Body::from(body)).unwrap())
    };
    let none = ("x-nothing", "1");
    assert_eq!(send("application/json", none, deep).await.problem(), (400, "bad-request".into()));
    assert_eq!(
        send("application/json", none, "{".into()).await.problem(),
        (400, "bad-request".into())
    );
    assert_eq!(send("text/plain", none, "{}".into()).await.problem(), (415, "media-type".into()));
    let packed = ("content-encoding", "gzip");
    let reply = send("application/json", packed, "{}".into()).await;
    assert_eq!(reply.problem(), (415, "media-type".into()));
}

#[tokio::test]
async fn unknown_addresses_and_methods_are_problems() {
    let app = TestApp::new().await;
    assert_eq!(app.get(Role::Admin, "robots").await.problem(), (404, "not-found".into()));
    let reply = app.call(Role::Admin, (Method::DELETE, "jobs"), &[], None).await;
    assert_eq!(reply.problem(), (405, "method-not-allowed".into()));
}

/// A served router: its address, and what ends it.
pub(crate) async fn served(
    router: Router,
    connections: usize,
) -> (String, oneshot::Sender<()>, tokio::task::JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let (end, ended) = oneshot::channel();
    let shutdown = async move {
        let _ = ended.await;
    };
    let task = tokio::spawn(serve::serve(listener, router, connections, shutdown));
    (address, end, task)
}

async fn say(address: &str, text: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(text.as_bytes()).await.unwrap();
    let mut heard = Vec::new();
    let _ = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut heard)).await;
    String::from_utf8_lossy(&heard).into_owned()
}

#[tokio::test]
async fn addresses_and_headers_are_bounded_and_a_panic_is_answered() {
    let boom = axum::routing::get(async || -> &'static str { panic!("W100000001 ALDER") });
    let app = TestApp::new().await;
    let router = coordinator::api::around(
        app.router.clone().merge(Router::new().route("/boom", boom)),
        false,
    );
    let (address, end, task) = served(router, 8).await;
    let tail = "Host: x\r\nConnection: close\r\n";
    let good = say(&address, &format!("GET /healthz HTTP/1.1\r\n{tail}\r\n")).await;
    assert!(good.starts_with("HTTP/1.1 200"), "{good}");
    let long = say(&address, &format!("GET /{} HTTP/1.1\r\n{tail}\r\n", "x".repeat(5000))).await;
    assert!(long.starts_with("HTTP/1.1 414"), "{long}");
    let header = format!("X-Long: {}\r\n", "y".repeat(17_000));
    let long = say(&address, &format!("GET /healthz HTTP/1.1\r\n{tail}{header}\r\n")).await;
    assert!(long.starts_with("HTTP/1.1 4"), "{long}");
    let boom = say(&address, &format!("GET /boom HTTP/1.1\r\n{tail}\r\n")).await;
    assert!(boom.starts_with("HTTP/1.1 500") && !boom.contains("ALDER"), "{boom}");
    assert!(boom.contains("problem+json"), "{boom}");
    end.send(()).unwrap();
    tokio::time::timeout(PATIENCE, task).await.unwrap().unwrap();
}

#[tokio::test]
async fn a_caller_that_dawdles_with_its_headers_is_let_go_and_others_are_served() {
    let app = TestApp::new().await;
    let (address, end, task) = served(app.router.clone(), 3).await;
    let slow = async {
        let mut stream = TcpStream::connect(&address).await.unwrap();
        stream.write_all(b"GET /healthz HTTP/1.1\r\nHost:").await.unwrap();
        let begun = std::time::Instant::now();
        let mut heard = Vec::new();
        let _ = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut heard)).await;
        begun.elapsed()
    };
    let honest = say(&address, "GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    let (waited, answer) = tokio::join!(slow, honest);
    assert!(answer.starts_with("HTTP/1.1 200"));
    assert!(waited < PATIENCE, "not let go at all");
    end.send(()).unwrap();
    tokio::time::timeout(PATIENCE, task).await.unwrap().unwrap();
}
