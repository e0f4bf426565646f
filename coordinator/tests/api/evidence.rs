//! `/v1/evidence`.

use axum::{
    body::Body,
    http::{Method, Request},
};
use coordinator::access::Role;
use serde_json::json;

use crate::{
    agent::evidence_query,
    test_app::{AGENT_KEY, TestApp, claim_status},
};

#[tokio::test]
async fn bytes_are_given_under_a_role_with_safe_headers_and_written_down() {
    let app = TestApp::new().await;
    let (case, _) = app.take_in("crestline", &claim_status("W100000001")).await;
    let agent = app.hello("a1", 1).await;
    let lease = app.lease(&agent, 1).await.remove(0);
    let id = "ev_01J8ZQ4N5B6C7D8E9F0G1H2J3K";
    let mut query = evidence_query(&agent, &lease, b"<script>alert(1)</script>");
    query[6].1 = "dom".into();
    let query: Vec<String> = query.iter().map(|(k, v)| format!("{k}={v}")).collect();
    let put = Request::builder()
        .method(Method::PUT)
        .uri(format!("/v1/agent/evidence/{id}?{}", query.join("&")))
        .header("authorization", format!("Bearer {AGENT_KEY}"));
    app.send(put.body(Body::from("<script>alert(1)</script>")).unwrap()).await.good();

    let meta = app.get(Role::Viewer, &format!("evidence/{id}")).await.good();
    assert_eq!((&meta["kind"], &meta["masked"]), (&json!("dom"), &json!(true)));
    let of_case = app.get(Role::Viewer, &format!("evidence?case={case}")).await.good();
    assert_eq!(of_case["items"][0]["id"], id);
    let refused = app.get(Role::Viewer, &format!("evidence/{id}/body")).await;
    assert_eq!(refused.problem(), (403, "not-permitted".into()));
    let body = app.get(Role::Operator, &format!("evidence/{id}/body")).await;
    assert_eq!(body.body, b"<script>alert(1)</script>");
    assert_eq!(body.headers["x-content-type-options"], "nosniff");
    assert_eq!(body.headers["content-security-policy"], "sandbox; default-src 'none'");
    assert_eq!(body.headers["content-disposition"], "attachment");
    assert!(body.headers["content-type"].to_str().unwrap().starts_with("text/plain"));
    let audit = app.get(Role::Admin, &format!("audit?subject={id}")).await.good();
    let seen = audit["items"].as_array().unwrap().iter().find(|e| e["act"] == "evidence.viewed");
    let seen = seen.expect("reading is written down");
    assert_eq!((&seen["actor"], &seen["detail"]["case"]), (&json!("key:operator"), &json!(case)));
    assert_eq!(
        (&seen["detail"]["attempt"], &seen["detail"]["kind"]),
        (&lease["attempt"], &json!("dom"))
    );
    assert_eq!(app.get(Role::Admin, "audit/verified").await.good()["intact"], true);
}

#[tokio::test]
async fn unknown_items_are_not_found() {
    let app = TestApp::new().await;
    for path in [
        "evidence/ev_01J8ZQ4N5B6C7D8E9F0G1H2J3K",
        "evidence/ev_01J8ZQ4N5B6C7D8E9F0G1H2J3K/body",
        "evidence/x",
    ] {
        assert_eq!(app.get(Role::Admin, path).await.problem(), (404, "not-found".into()));
    }
}
