//! `/v1/users`.

use axum::{body::Body, http::Request};
use coordinator::access::Role;
use serde_json::json;

use crate::test_app::TestApp;

#[tokio::test]
async fn a_key_acts_for_its_person_and_never_above() {
    let app = TestApp::new().await;
    let body = json!({"login": "bo", "name": "Bo Reed", "role": "operator", "password": "a long enough one"});
    let bo = app.create(Role::Admin, "users", &body).await.good();
    assert_eq!((&bo["role"], &bo["state"]), (&json!("operator"), &json!("active")));
    assert!(bo.get("password_hash").is_none());
    let taken = app.create(Role::Admin, "users", &body).await;
    assert!(matches!(taken.status.as_u16(), 409 | 422), "{}", taken.status);
    let path = format!("users/{}/keys", bo["id"].as_str().unwrap());
    let above = app.create(Role::Admin, &path, &json!({"name": "x", "role": "admin"})).await;
    assert_eq!(above.problem(), (422, "invalid".into()));
    let made =
        app.create(Role::Admin, &path, &json!({"name": "nightly", "role": "viewer"})).await.good();
    let key = made["key"].as_str().unwrap();
    let with = |path: &str| {
        let call = Request::builder().uri(format!("/v1/{path}"));
        let call = call.header("authorization", format!("Bearer {key}"));
        app.send(call.body(Body::empty()).unwrap())
    };
    with("cases").await.good();
    assert_eq!(with("audit").await.problem(), (403, "not-permitted".into()));
    let audit = app.get(Role::Admin, "audit?limit=200").await;
    assert!(!String::from_utf8_lossy(&audit.body).contains(key));
}

#[tokio::test]
async fn weak_and_odd_ones_are_refused() {
    let app = TestApp::new().await;
    for (login, name, role, password) in [
        ("b", "Bo", "viewer", "a long enough one"),
        ("Bo Reed", "Bo", "viewer", "a long enough one"),
        ("bo", "", "viewer", "a long enough one"),
        ("bo", "Bo\nReed", "viewer", "a long enough one"),
        ("bo", "Bo", "owner", "a long enough one"),
        ("bo", "Bo", "viewer", "short"),
    ] {
        let body = json!({"login": login, "name": name, "role": role, "password": password});
        assert_eq!(app.create(Role::Admin, "users", &body).await.problem().0, 422, "{body}");
    }
    let nobody = "users/user_01J8ZQ4N5B6C7D8E9F0G1H2J3K/keys";
    let reply = app.create(Role::Admin, nobody, &json!({"name": "x", "role": "viewer"})).await;
    assert_eq!(reply.problem(), (404, "not-found".into()));
}
