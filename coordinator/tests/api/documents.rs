//! `/v1/documents`.

use axum::{
    body::Body,
    http::{Method, Request},
};
use coordinator::{
    access::{Role, key},
    files::SIZE_MAX_BYTES,
};
use serde_json::Value;

use crate::test_app::{Seen, TestApp};

async fn post(app: &TestApp, bytes: Vec<u8>, key: &str) -> Seen {
    let call = Request::builder()
        .method(Method::POST)
        .uri("/v1/documents")
        .header("authorization", format!("Bearer {}", app.keys[&Role::Operator]))
        .header("idempotency-key", key);
    app.send(call.body(Body::from(bytes)).unwrap()).await
}

/// A document that was taken in.
pub(crate) async fn upload(app: &TestApp, bytes: &[u8]) -> Value {
    post(app, bytes.to_vec(), &key::random()).await.good()
}

#[tokio::test]
async fn the_kind_is_what_the_bytes_are() {
    let app = TestApp::new().await;
    let document = upload(&app, b"%PDF-1.4 letter").await;
    assert_eq!((&document["kind"], &document["size_bytes"]), (&"pdf".into(), &15.into()));
    let id = document["id"].as_str().unwrap();
    assert_eq!(app.get(Role::Viewer, &format!("documents/{id}")).await.good(), document);
    for bytes in [&b"MZ\x90\x00"[..], b"<html>", b"", b"PK\x03\x04"] {
        let reply = post(&app, bytes.to_vec(), &key::random()).await;
        assert_eq!(reply.problem(), (422, "invalid".into()));
    }
}

#[tokio::test]
async fn the_limit_is_25_mib_and_repeats_are_safe() {
    let app = TestApp::new().await;
    let mut bytes = b"%PDF-".to_vec();
    bytes.resize(SIZE_MAX_BYTES, 0);
    assert_eq!(post(&app, bytes.clone(), "exactly-the-limit").await.status, 201);
    bytes.push(0);
    let over = post(&app, bytes, "one-over-the-limit").await;
    assert_eq!(over.problem(), (413, "too-large".into()));
    let first = post(&app, b"%PDF-x".to_vec(), "the-same-key").await.good();
    assert_eq!(post(&app, b"%PDF-x".to_vec(), "the-same-key").await.good(), first);
    let other = post(&app, b"%PDF-y".to_vec(), "the-same-key").await;
    assert_eq!(other.problem(), (409, "idempotency-key-reused".into()));
}
