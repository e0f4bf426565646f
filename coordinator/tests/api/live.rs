//! `/v1/live`.

use axum::{body::Body, http::Request};
use coordinator::access::Role;
use http_body_util::BodyExt as _;
use tower::ServiceExt as _;

use crate::test_app::{TestApp, claim_status};

#[tokio::test]
async fn topics_are_told_without_data_and_the_stream_ends_with_the_coordinator() {
    let app = TestApp::new().await;
    let call = Request::builder()
        .uri("/v1/live?topic=ready&topic=exceptions")
        .header("authorization", format!("Bearer {}", app.keys[&Role::Viewer]));
    let reply = app.router.clone().oneshot(call.body(Body::empty()).unwrap()).await.unwrap();
    assert_eq!(reply.headers()["content-type"], "text/event-stream");
    let mut body = reply.into_body();
    let mut heard = String::new();
    let (case, _) = app.take_in("crestline", &claim_status("W100000001")).await;
    while !heard.contains("data: ready") {
        let frame = body.frame().await.unwrap().unwrap();
        heard.push_str(std::str::from_utf8(frame.data_ref().unwrap()).unwrap());
    }
    assert!(heard.contains("event: changed") && !heard.contains(&case), "{heard}");
    app.end.send(true).unwrap();
    while body.frame().await.is_some() {}
}

#[tokio::test]
async fn a_stream_without_topics_is_refused() {
    let app = TestApp::new().await;
    assert_eq!(app.get(Role::Viewer, "live").await.problem(), (400, "bad-request".into()));
    let many = format!("live?{}", "topic=x&".repeat(51));
    assert_eq!(app.get(Role::Viewer, &many).await.problem(), (400, "bad-request".into()));
}
