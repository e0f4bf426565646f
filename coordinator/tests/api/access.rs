//! Who may do what: credentials, roles, console sign-ins, form tokens, throttling.

use axum::{
    body::Body,
    http::{HeaderMap, Method, Request},
};
use coordinator::{
    access::{
        self, Role,
        people::{NewPerson, add},
    },
    flow::Actor,
};
use serde_json::json;

use crate::test_app::TestApp;

const PASSWORD: &str = "correct horse battery";

/// Every route with the least role that may use it.
const ROUTES: &[(&str, &str, Role)] = &[
    ("GET", "cases", Role::Viewer),
    ("POST", "cases", Role::Operator),
    ("POST", "cases/search", Role::Operator),
    ("GET", "cases/{case}", Role::Viewer),
    ("POST", "cases/{case}/withdraw", Role::Operator),
    ("GET", "jobs", Role::Viewer),
    ("POST", "jobs", Role::Operator),
    ("GET", "jobs/{job}", Role::Viewer),
    ("POST", "jobs/{job}/cancel", Role::Operator),
    ("POST", "jobs/{job}/retry", Role::Operator),
    ("POST", "jobs/{job}/reconcile", Role::Operator),
    ("POST", "documents", Role::Operator),
    ("GET", "documents/{doc}", Role::Viewer),
    ("GET", "attempts", Role::Viewer),
    ("GET", "attempts/{att}", Role::Viewer),
    ("GET", "attempts/{att}/steps", Role::Viewer),
    ("GET", "evidence", Role::Viewer),
    ("GET", "evidence/{ev}", Role::Viewer),
    ("GET", "evidence/{ev}/body", Role::Operator),
    ("GET", "exceptions", Role::Viewer),
    ("GET", "exceptions/{exc}", Role::Viewer),
    ("POST", "exceptions/{exc}/claim", Role::Operator),
    ("POST", "exceptions/{exc}/release", Role::Operator),
    ("GET", "agents", Role::Viewer),
    ("GET", "agents/{agent}", Role::Viewer),
    ("POST", "agents/{agent}/drain", Role::Operator),
    ("POST", "agents/{agent}/resume", Role::Operator),
    ("GET", "pools", Role::Viewer),
    ("GET", "pools/{id}", Role::Viewer),
    ("POST", "pools/{id}/pause", Role::Operator),
    ("POST", "pools/{id}/resume", Role::Operator),
    ("GET", "payers", Role::Viewer),
    ("GET", "payers/{id}", Role::Viewer),
    ("PUT", "payers/{id}", Role::Admin),
    ("POST", "payers/{id}/pause", Role::Operator),
    ("POST", "payers/{id}/resume", Role::Operator),
    ("POST", "payers/{id}/clear_account", Role::Operator),
    ("POST", "payers/{id}/limits", Role::Admin),
    ("POST", "payers/{id}/permission", Role::Admin),
    ("POST", "payers/{id}/second_permission", Role::Admin),
    ("POST", "payers/{id}/identity", Role::Admin),
    ("GET", "register", Role::Viewer),
    ("GET", "quarantine", Role::Viewer),
    ("POST", "quarantine/lift", Role::Admin),
    ("PUT", "payers/{id}/credential", Role::Admin),
    ("GET", "scripts", Role::Viewer),
    ("GET", "scripts/{id}", Role::Viewer),
    ("POST", "scripts", Role::Admin),
    ("POST", "scripts/{id}/hold", Role::Operator),
    ("POST", "scripts/{id}/unhold", Role::Reviewer),
    ("GET", "drift", Role::Viewer),
    ("GET", "drift/{drift}", Role::Viewer),
    ("POST", "drift/{drift}/accept", Role::Reviewer),
    ("POST", "drift/{drift}/dismiss", Role::Reviewer),
    ("GET", "audit", Role::Admin),
    ("GET", "audit/verified", Role::Admin),
    ("GET", "users", Role::Admin),
    ("POST", "users", Role::Admin),
    ("POST", "users/{user}/keys", Role::Admin),
    ("GET", "users/{user}", Role::Admin),
    ("POST", "users/{user}/lock", Role::Admin),
    ("POST", "users/{user}/unlock", Role::Admin),
    ("POST", "users/{user}/password", Role::Admin),
    ("POST", "me/password", Role::Viewer),
    ("GET", "keys", Role::Viewer),
    ("POST", "keys/{id}/revoke", Role::Viewer),
];

/// A body that the route can read, so that the role decides.
fn body_of(path: &str) -> serde_json::Value {
    match path {
        "cases" => json!({"payer": "nobody", "request": crate::test_app::claim_status("W1")}),
        "cases/search" => json!({"member": "W1"}),
        "jobs" => json!({"case": "nothing", "task": "submit"}),
        "scripts" => json!({"script": "a/submit", "files": {}}),
        "users" => json!({"login": "", "name": "", "role": "viewer", "password": ""}),
        "users/{user}/password" => json!({"password": "", "reason": "a reason"}),
        "me/password" => json!({"present": "x", "new": "y"}),
        "users/{user}/keys" => json!({"name": "", "role": "viewer"}),
        "payers/{id}" => serde_json::to_value(crate::test_app::payer("other", 1)).unwrap(),
        "payers/{id}/limits" => json!({"reason": "a reason",
            "limits": {"sessions_max": 1, "gap_ms": 1, "pages_per_minute": 1, "logins_per_hour_max": 1}}),
        "payers/{id}/permission" => {
            json!({"state": "unknown", "basis": "b", "tasks": [], "reason": "a reason",
            "expires_at": "2027-01-01T00:00:00Z"})
        }
        "payers/{id}/clear_account" => json!({"account": "a", "reason": "a reason"}),
        "payers/{id}/identity" => {
            json!({"account": "a", "identity": "b", "owner": "c", "reason": "a reason"})
        }
        "payers/{id}/credential" => json!({"account": "a", "secrets": {}}),
        _ => json!({"reason": "a reason"}),
    }
}

fn filled(path: &str) -> String {
    ["case", "job", "doc", "att", "ev", "exc", "drift", "agent", "user"]
        .iter()
        .fold(path.to_owned(), |path, prefix| {
            path.replace(&format!("{{{prefix}}}"), &format!("{prefix}_01J8ZQ4N5B6C7D8E9F0G1H2J3K"))
        })
        .replace("{id}", "nothing-here")
}

#[tokio::test]
async fn each_route_refuses_strangers_and_roles_below_its_own() {
    let app = TestApp::new().await;
    for (method, path, least) in ROUTES {
        let uri = filled(path);
        let method: Method = method.parse().unwrap();
        let stranger = Request::builder()
            .method(method.clone())
            .uri(format!("/v1/{uri}"))
            .header("content-type", "application/json")
            .header("authorization", "Bearer fleet_wrong");
        let reply = app.send(stranger.body(Body::from(body_of(path).to_string())).unwrap()).await;
        assert_eq!(reply.problem(), (401, "unauthenticated".into()), "{method} {path}");
        for role in Role::ALL {
            let body = (method != Method::GET).then(|| body_of(path));
            let headers = [("if-match", "\"0\""), ("idempotency-key", "a-key-of-this-test")];
            let reply = app.call(role, (method.clone(), &uri), &headers, body.as_ref()).await;
            let refused = reply.status == 403;
            assert_eq!(
                refused,
                role < *least,
                "{method} {path} as {}: {}",
                role.word(),
                reply.status
            );
            assert!(reply.status.as_u16() < 500, "{method} {path}");
        }
    }
}

#[tokio::test]
async fn every_documented_route_is_in_the_table_of_roles() {
    let document = coordinator::api::openapi();
    let mut missing = Vec::new();
    for (path, acts) in document["paths"].as_object().unwrap() {
        let Some(path) = path.strip_prefix("/v1/") else { continue };
        if path.starts_with("agent/") || ["docs", "openapi.json", "live"].contains(&path) {
            continue;
        }
        let plain = |path: &str| {
            path.split('/')
                .map(|part| if part.starts_with('{') { "{}" } else { part })
                .collect::<Vec<_>>()
                .join("/")
        };
        for method in acts.as_object().unwrap().keys() {
            let known = ROUTES
                .iter()
                .any(|(m, p, _)| m.eq_ignore_ascii_case(method) && plain(p) == plain(path));
            // What is asked of this one depends on the exception; its own test says so.
            if !known && !path.ends_with("/resolve") {
                missing.push(format!("{method} {path}"));
            }
        }
    }
    assert_eq!(missing, Vec::<String>::new());
}

async fn signed_in(app: &TestApp) -> (HeaderMap, String) {
    let new =
        NewPerson { login: "ann", name: "Ann Field", role: Role::Operator, password: PASSWORD };
    add(&app.app.core, &Actor::Setup, new, app.clock.now()).await.unwrap();
    let done = access::sign_in(&app.app, "ann", PASSWORD, "10.0.0.1").await.unwrap();
    for part in ["HttpOnly", "SameSite=Strict", "Path=/"] {
        assert!(done.set_cookie.contains(part), "{}", done.set_cookie);
    }
    let cookie = done.set_cookie.split(';').next().unwrap().to_owned();
    let mut headers = HeaderMap::new();
    headers.insert("cookie", cookie.parse().unwrap());
    let caller = access::identify(&app.app, &headers).await.unwrap().unwrap();
    (headers, caller.csrf().to_owned())
}

#[tokio::test]
async fn behind_a_tls_proxy_the_cookie_is_secure_and_browsers_are_held_to_tls() {
    for (settings, secure, held) in [
        (vec![], false, false),
        (vec![("FLEET_PUBLIC_URL", "https://fleet.example")], true, true),
        (vec![("FLEET_PUBLIC_URL", "http://127.0.0.1:9000")], false, false),
        (vec![("FLEET_LISTEN", "10.0.0.7:8080")], true, false),
    ] {
        let app = TestApp::with(&settings).await;
        let (headers, _) = signed_in(&app).await;
        let signed = access::sign_in(&app.app, "ann", PASSWORD, "10.0.0.1").await.unwrap();
        let out = access::sign_out(&app.app, &headers).await.unwrap();
        for cookie in [signed.set_cookie, out] {
            assert_eq!(cookie.ends_with("; Secure"), secure, "{settings:?}");
            assert!(cookie.contains("HttpOnly; SameSite=Strict"));
        }
        for path in ["/healthz", "/sign-in", "/v1/cases"] {
            let reply = app.send(Request::builder().uri(path).body(Body::empty()).unwrap()).await;
            assert_eq!(reply.headers.contains_key("strict-transport-security"), held, "{path}");
        }
    }
}

#[tokio::test]
async fn a_sign_in_ends_when_idle_and_at_its_end() {
    let app = TestApp::new().await;
    let (headers, _) = signed_in(&app).await;
    let known = async || access::identify(&app.app, &headers).await.unwrap().is_some();
    for _ in 0..30 {
        app.clock.advance(10 * 60_000);
        assert!(known().await, "used every ten minutes");
    }
    app.clock.advance(15 * 60_000 + 1);
    assert!(!known().await, "idle for a quarter of an hour");

    let app = TestApp::new().await;
    let (headers, _) = signed_in(&app).await;
    let known = async || access::identify(&app.app, &headers).await.unwrap().is_some();
    for _ in 0..71 {
        app.clock.advance(10 * 60_000);
        assert!(known().await);
    }
    app.clock.advance(10 * 60_000);
    assert!(!known().await, "twelve hours are the end, however busy");
}

#[tokio::test]
async fn a_page_that_refreshes_itself_is_not_a_person() {
    let app = TestApp::new().await;
    let (mut headers, _) = signed_in(&app).await;
    headers.insert(access::REFRESH_HEADER, "1".parse().unwrap());
    app.clock.advance(10 * 60_000);
    assert!(access::identify(&app.app, &headers).await.unwrap().is_some());
    app.clock.advance(6 * 60_000);
    assert!(access::identify(&app.app, &headers).await.unwrap().is_none());
}

#[tokio::test]
async fn a_cookie_changes_nothing_without_the_pages_token() {
    let app = TestApp::new().await;
    let (headers, csrf) = signed_in(&app).await;
    let post = |more: Vec<(&'static str, String)>| {
        let mut call = Request::builder()
            .method(Method::POST)
            .uri("/v1/cases/search")
            .header("content-type", "application/json")
            .header("cookie", headers["cookie"].clone());
        for (name, value) in more {
            call = call.header(name, value);
        }
        app.send(call.body(Body::from(json!({"member": "W1"}).to_string())).unwrap())
    };
    assert_eq!(post(vec![]).await.problem(), (403, "csrf".into()));
    assert_eq!(post(vec![("x-csrf-token", "0".repeat(64))]).await.problem(), (403, "csrf".into()));
    let foreign = vec![("x-csrf-token", csrf.clone()), ("sec-fetch-site", "cross-site".to_owned())];
    assert_eq!(post(foreign).await.problem(), (403, "csrf".into()));
    let ours = vec![("x-csrf-token", csrf), ("sec-fetch-site", "same-origin".to_owned())];
    post(ours).await.good();
    access::sign_out(&app.app, &headers).await.unwrap();
    assert_eq!(post(vec![]).await.problem(), (401, "unauthenticated".into()));
}

#[tokio::test]
async fn wrong_passwords_are_counted_and_told_alike() {
    let app = TestApp::new().await;
    signed_in(&app).await;
    let attempt = |login: &'static str| access::sign_in(&app.app, login, "wrong", "10.0.0.2");
    let known = attempt("ann").await.err().unwrap();
    let unknown = attempt("nobody").await.err().unwrap();
    assert_eq!((known.status, &known.detail), (unknown.status, &unknown.detail));
    for _ in 0..4 {
        assert_eq!(attempt("ann").await.err().unwrap().status, 401);
    }
    let closed = access::sign_in(&app.app, "ann", PASSWORD, "10.0.0.3").await.err().unwrap();
    assert_eq!((closed.status, closed.retry_after_s), (429, Some(900)));
    app.clock.advance(15 * 60_000);
    assert!(access::sign_in(&app.app, "ann", PASSWORD, "10.0.0.3").await.is_ok());
}
