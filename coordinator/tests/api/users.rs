//! `/v1/users`.

use axum::{
    body::Body,
    http::{HeaderMap, Request},
};
use coordinator::access::{self, Role};
use serde_json::{Value, json};

use crate::test_app::{Seen, TestApp};

const PASSWORD: &str = "a long enough one";

/// A person with a key of the own role, and what calls with that key get.
struct Bo {
    id: String,
    key: String,
    key_id: String,
}

impl Bo {
    async fn new(app: &TestApp, role: &str) -> Self {
        let body = json!({"login": "bo", "name": "Bo Reed", "role": role, "password": PASSWORD});
        let bo = app.create(Role::Admin, "users", &body).await.good();
        let id = bo["id"].as_str().unwrap().to_owned();
        let body = json!({"name": "nightly", "role": role});
        let made = app.create(Role::Admin, &format!("users/{id}/keys"), &body).await.good();
        let text = |name: &str| made[name].as_str().unwrap().to_owned();
        Self { id, key: text("key"), key_id: text("id") }
    }

    async fn call(&self, app: &TestApp, method: &str, path: &str, body: Value) -> Seen {
        let call = Request::builder()
            .method(method)
            .uri(format!("/v1/{path}"))
            .header("content-type", "application/json")
            .header("authorization", format!("Bearer {}", self.key));
        app.send(call.body(Body::from(body.to_string())).unwrap()).await
    }

    async fn rev(&self, app: &TestApp) -> Value {
        app.get(Role::Admin, &format!("users/{}", self.id)).await.good()["rev"].clone()
    }
}

/// The acts in the audit, newest first.
async fn acts(app: &TestApp) -> Vec<String> {
    let audit = app.get(Role::Admin, "audit?limit=200").await.good();
    let entries = audit["items"].as_array().unwrap();
    entries.iter().map(|e| e["act"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_locked_person_is_out_at_once_and_comes_back() {
    let app = TestApp::new().await;
    let bo = Bo::new(&app, "operator").await;
    let signed = access::sign_in(&app.app, "bo", PASSWORD, "10.0.0.1").await.unwrap();
    let cookie = signed.set_cookie.split(';').next().unwrap().to_owned();
    let headers: HeaderMap =
        [("cookie".parse().unwrap(), cookie.parse().unwrap())].into_iter().collect();
    let known = async || access::identify(&app.app, &headers).await.unwrap().is_some();
    assert!(known().await);
    let lock = format!("users/{}/lock", bo.id);
    let because = json!({"reason": "left the practice"});
    let rev = bo.rev(&app).await;
    let stale = app.change(Role::Admin, &lock, &json!(99), &because).await;
    assert_eq!(stale.problem(), (409, "conflict".into()));
    let locked = app.change(Role::Admin, &lock, &rev, &because).await.good();
    assert_eq!(locked["state"], "locked");
    assert!(!known().await, "the sign-in has ended");
    assert_eq!(bo.call(&app, "GET", "cases", json!({})).await.problem().0, 401);
    assert!(access::sign_in(&app.app, "bo", PASSWORD, "10.0.0.1").await.is_err());
    let twice = app.change(Role::Admin, &lock, &locked["rev"], &because).await;
    assert_eq!(twice.problem(), (409, "not-allowed".into()));
    let unlock = format!("users/{}/unlock", bo.id);
    let back = app.change(Role::Admin, &unlock, &locked["rev"], &because).await.good();
    assert_eq!(back["state"], "active");
    assert!(!known().await, "an ended sign-in stays ended");
    bo.call(&app, "GET", "cases", json!({})).await.good();
    let admin = app.users[&Role::Admin];
    let own = app.get(Role::Admin, &format!("users/{admin}")).await.good();
    let own = app.change(Role::Admin, &format!("users/{admin}/lock"), &own["rev"], &because).await;
    assert_eq!(own.problem(), (409, "not-allowed".into()), "nobody locks themselves");
    let acts = acts(&app).await;
    assert!(["user.locked", "user.unlocked"].iter().all(|a| acts.iter().any(|b| b == a)));
}

#[tokio::test]
async fn passwords_are_changed_by_their_owner_or_an_admin() {
    let app = TestApp::new().await;
    let bo = Bo::new(&app, "viewer").await;
    let signs_in = async |password: &str| {
        access::sign_in(&app.app, "bo", password, "10.0.0.1").await.map(|s| s.set_cookie)
    };
    let own = |present: &str, new: &str| {
        bo.call(&app, "POST", "me/password", json!({"present": present, "new": new}))
    };
    for (present, new, field) in [
        ("not the one at all", "another long one", "present"),
        (PASSWORD, "short", "new"),
        (PASSWORD, PASSWORD, "new"),
    ] {
        let refused = own(present, new).await;
        assert_eq!(refused.problem(), (422, "invalid".into()));
        assert_eq!(refused.json()["field"], field);
    }
    let cookie = signs_in(PASSWORD).await.unwrap();
    own(PASSWORD, "another long one").await.good();
    let headers: HeaderMap =
        [("cookie".parse().unwrap(), cookie.parse().unwrap())].into_iter().collect();
    assert!(access::identify(&app.app, &headers).await.unwrap().is_none(), "signed out");
    assert!(signs_in(PASSWORD).await.is_err());
    signs_in("another long one").await.unwrap();
    let path = format!("users/{}/password", bo.id);
    let set = |password: &str| json!({"password": password, "reason": "forgotten"});
    let rev = bo.rev(&app).await;
    assert_eq!(app.change(Role::Admin, &path, &rev, &set("short")).await.problem().0, 422);
    app.change(Role::Admin, &path, &rev, &set("set by an admin")).await.good();
    signs_in("set by an admin").await.unwrap();
    for _ in 0..5 {
        assert_eq!(own("guessed wrongly", "another long one").await.problem().0, 422);
    }
    assert_eq!(own("set by an admin", "another long one").await.problem().0, 429);
    let acts = acts(&app).await;
    for act in ["user.password_changed", "user.password_set", "user.sign_in_failed"] {
        assert!(acts.iter().any(|a| a == act), "{act}");
    }
    let audit = app.get(Role::Admin, "audit?limit=200").await;
    assert!(!String::from_utf8_lossy(&audit.body).contains("set by an admin"));
}

#[tokio::test]
async fn a_revoked_key_is_refused() {
    let app = TestApp::new().await;
    let bo = Bo::new(&app, "viewer").await;
    let listed = bo.call(&app, "GET", "keys", json!({})).await.good();
    assert_eq!(listed["items"].as_array().unwrap().len(), 1, "only one's own");
    assert_eq!(listed["items"][0]["id"], bo.key_id.as_str());
    let all = app.get(Role::Admin, "keys").await.good();
    assert_eq!(all["items"].as_array().unwrap().len(), 5);
    assert!(!all.to_string().contains(&bo.key));
    let foreign = all["items"].as_array().unwrap().iter().find(|k| k["user"] != bo.id.as_str());
    let other = foreign.unwrap()["id"].as_str().unwrap();
    let because = json!({"reason": "the machine was sold"});
    let foreign = bo.call(&app, "POST", &format!("keys/{other}/revoke"), because.clone()).await;
    assert_eq!(foreign.problem(), (404, "not-found".into()));
    let path = format!("keys/{}/revoke", bo.key_id);
    assert_eq!(bo.call(&app, "POST", &path, json!({"reason": ""})).await.problem().0, 422);
    let revoked = bo.call(&app, "POST", &path, because.clone()).await.good();
    assert!(revoked["revoked_at"].is_string());
    assert_eq!(bo.call(&app, "GET", "keys", json!({})).await.problem().0, 401);
    let twice = app.create(Role::Admin, &path, &because).await;
    assert_eq!(twice.problem(), (409, "not-allowed".into()));
    assert!(acts(&app).await.iter().any(|a| a == "key.revoked"));
}

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
