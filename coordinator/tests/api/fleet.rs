//! `/v1/agents`, `/v1/pools`, `/metrics`, `/healthz`, `/readyz`.

use axum::{body::Body, http::Request};
use coordinator::access::Role;
use serde_json::json;

use crate::test_app::{TestApp, claim_status};

#[tokio::test]
async fn an_agent_drains_and_its_health_is_judged_by_our_clock() {
    let app = TestApp::new().await;
    let agent = app.hello("a1", 2).await;
    let seen = app.get(Role::Viewer, &format!("agents/{agent}")).await.good();
    assert_eq!(
        (&seen["health"], &seen["state"], &seen["slots"]),
        (&json!("live"), &json!("accepting"), &json!(2))
    );
    app.clock.advance(31_000);
    assert_eq!(app.get(Role::Viewer, "agents").await.good()["items"][0]["health"], "late");
    app.clock.advance(30_000);
    assert_eq!(app.get(Role::Viewer, "agents").await.good()["items"][0]["health"], "dead");
    let beat = json!({"agent": agent, "leases": [], "browser_ok": true, "memory_mib": 300});
    assert_eq!(app.agent("heartbeat", &beat).await.good()["drain"], false);
    let rev = app.get(Role::Viewer, &format!("agents/{agent}")).await.good()["rev"].clone();
    let because = json!({"reason": "new version"});
    let drained =
        app.change(Role::Operator, &format!("agents/{agent}/drain"), &rev, &because).await.good();
    assert_eq!(drained["state"], "draining");
    assert_eq!(app.agent("heartbeat", &beat).await.good()["drain"], true);
    app.take_in("crestline", &claim_status("W100000001")).await;
    assert!(app.lease(&agent, 1).await.is_empty(), "a draining agent gets nothing");
    let resume = format!("agents/{agent}/resume");
    let stale = app.change(Role::Operator, &resume, &json!(99), &because).await;
    assert_eq!(stale.problem(), (409, "conflict".into()));
}

#[tokio::test]
async fn a_paused_pool_leases_nothing_and_still_tells_what_it_wants() {
    let app = TestApp::new().await;
    let (_, job) = app.take_in("crestline", &claim_status("W100000001")).await;
    let agent = app.hello("a1", 3).await;
    let because = json!({"reason": "network change"});
    let pause = "pools/default/pause";
    let paused = app.change(Role::Operator, pause, &json!(0), &because).await.good();
    let stale = app.change(Role::Operator, pause, &json!(0), &because).await;
    assert_eq!(stale.problem(), (409, "conflict".into()));
    assert_eq!((&paused["paused_reason"], &paused["slots"]), (&json!("network change"), &json!(3)));
    assert_eq!((&paused["slots_leased"], &paused["slots_wanted"]), (&json!(0), &json!(1)));
    assert!(app.lease(&agent, 1).await.is_empty());
    assert_eq!(app.job(&job).await["blocked"], "the pool is paused: network change");
    let resume = "pools/default/resume";
    app.change(Role::Operator, resume, &paused["rev"], &because).await.good();
    assert_eq!(app.lease(&agent, 1).await.len(), 1);
    let reply = app.change(Role::Operator, "pools/elsewhere/pause", &json!(0), &because).await;
    assert_eq!(reply.problem(), (404, "not-found".into()));
}

#[tokio::test]
async fn those_who_watch_need_no_key_and_see_no_patient() {
    let app = TestApp::new().await;
    app.take_in("crestline", &claim_status("W100000001")).await;
    app.clock.advance(5_000);
    let get = |path: &str| app.send(Request::builder().uri(path).body(Body::empty()).unwrap());
    assert_eq!(get("/healthz").await.body, b"alive\n");
    assert_eq!(get("/readyz").await.body, b"ready\n");
    let metrics = String::from_utf8(get("/metrics").await.body).unwrap();
    for line in [
        "fleet_jobs{payer=\"crestline\",state=\"ready\"} 1",
        "fleet_pool_slots_wanted{pool=\"default\"} 1",
        "fleet_oldest_ready_ms 5000",
        "fleet_exceptions_unanswered 0",
    ] {
        assert!(metrics.lines().any(|l| l == line), "{line}\n{metrics}");
    }
    assert!(!metrics.contains("W100000001") && !metrics.contains("ALDER"));
}
