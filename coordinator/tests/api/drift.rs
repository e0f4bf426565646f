//! `/v1/drift`, what reports teach, and a script that is held.

use coordinator::access::Role;
use serde_json::{Value, json};

use crate::test_app::{TestApp, answered, claim_status};

/// The report of an attempt that succeeded after healing.
fn healed(agent: &str, lease: &Value, element: &str) -> Value {
    let mut report = answered(agent, lease, "claim_paid");
    report["drift"] = json!([{
        "element": element, "kind": "healed", "source": "crestline/claim_status:1", "score": 0.9, "margin": 0.3,
        "proposal": "{role: button, name: 'Search'}",
        "before": {"role": "button", "name": "Find"}, "now": {"role": "button", "name": "Search"}
    }]);
    report
}

/// An attempt that succeeded after healing an element.
pub(crate) async fn heal(app: &TestApp, agent: &str, member: &str, element: &str) {
    app.take_in("crestline", &claim_status(member)).await;
    let lease = app.lease(agent, 1).await.remove(0);
    app.agent("report", &healed(agent, &lease, element)).await.good();
}

async fn only(app: &TestApp) -> Value {
    let page = app.get(Role::Viewer, "drift?state=open&kind=healed&payer=crestline").await.good();
    assert_eq!(page["items"].as_array().unwrap().len(), 1, "{page}");
    page["items"][0].clone()
}

#[tokio::test]
async fn a_healing_is_listed_shown_and_accepted_once() {
    let app = TestApp::new().await;
    let agent = app.hello("a1", 1).await;
    heal(&app, &agent, "W100000001", "find").await;
    heal(&app, &agent, "W100000002", "find").await;
    let item = only(&app).await;
    assert_eq!((&item["element"], &item["sightings"]), (&json!("find"), &json!(2)));
    assert!(item.get("before").is_none() && item["say"].as_str().unwrap().ends_with('.'));
    let id = item["id"].as_str().unwrap();
    let shown = app.get(Role::Viewer, &format!("drift/{id}")).await.good();
    assert_eq!(shown["now"]["name"], "Search");
    assert_eq!(shown["attempts"].as_array().unwrap().len(), 2);
    let csv = app.get(Role::Viewer, "drift?format=csv").await;
    assert!(String::from_utf8_lossy(&csv.body).starts_with("id,payer,script,"), "{csv:?}");

    let accept = format!("drift/{id}/accept");
    let because = json!({"reason": "the same button, renamed"});
    for (role, rev, body, status) in [
        (Role::Operator, &item["rev"], &because, 403),
        (Role::Reviewer, &json!(99), &because, 409),
        (Role::Reviewer, &item["rev"], &json!({"reason": ""}), 422),
    ] {
        assert_eq!(app.change(role, &accept, rev, body).await.problem().0, status);
    }
    let done = app.change(Role::Reviewer, &accept, &item["rev"], &because).await.good();
    assert_eq!(
        (&done["state"], &done["reason"]),
        (&json!("accepted"), &json!("the same button, renamed"))
    );
    let again = app.change(Role::Reviewer, &accept, &done["rev"], &because).await;
    assert_eq!(again.problem(), (409, "not-allowed".into()));
    // The next lease knows the element as it looks now.
    app.take_in("crestline", &claim_status("W100000003")).await;
    let lease = app.lease(&agent, 1).await.remove(0);
    assert_eq!(lease["prints"]["find"]["name"], "Search");
    let audit = app.get(Role::Admin, &format!("audit?subject={id}")).await.good();
    let acts: Vec<&str> =
        audit["items"].as_array().unwrap().iter().map(|e| e["act"].as_str().unwrap()).collect();
    assert_eq!(acts, ["drift.accepted", "drift.seen"]);
}

#[tokio::test]
async fn a_script_that_heals_too_often_waits_with_its_reason() {
    let app = TestApp::new().await;
    let agent = app.hello("a1", 1).await;
    for n in 1..=3 {
        heal(&app, &agent, &format!("W10000000{n}"), "find").await;
    }
    let held = |all: &Value| {
        let all = all["items"].as_array().unwrap().clone();
        all.into_iter().find(|s| s["state"] == "held")
    };
    let script = held(&app.get(Role::Viewer, "scripts").await.good()).unwrap();
    assert_eq!(
        (&script["script"], &script["held_by"]),
        (&json!("crestline/claim_status"), &json!("duty:drift"))
    );
    let (_, job) = app.take_in("crestline", &claim_status("W100000009")).await;
    assert!(app.lease(&agent, 1).await.is_empty());
    let blocked = app.job(&job).await["blocked"].as_str().unwrap().to_owned();
    assert!(blocked.contains("healed in 3 attempts"), "{blocked}");

    let at = |act: &str| format!("scripts/{}/{act}", script["sha256"].as_str().unwrap());
    let because = json!({"reason": "looked at it"});
    let twice = app.change(Role::Reviewer, &at("hold"), &script["rev"], &because).await;
    assert_eq!(twice.problem(), (409, "not-allowed".into()));
    let low = app.change(Role::Operator, &at("unhold"), &script["rev"], &because).await;
    assert_eq!(low.problem().0, 403);
    let free = app.change(Role::Reviewer, &at("unhold"), &script["rev"], &because).await.good();
    assert_eq!((&free["state"], free.get("held_reason")), (&json!("live"), None));
    assert_eq!(app.lease(&agent, 1).await.len(), 1);
}

#[tokio::test]
async fn a_filter_takes_only_its_own_words() {
    let app = TestApp::new().await;
    for bad in ["state=closed", "kind=broken", "after=job_1", "limit=0"] {
        assert_eq!(app.get(Role::Viewer, &format!("drift?{bad}")).await.problem().0, 400, "{bad}");
    }
    let missing = "drift/drift_01J8ZQ4N5B6C7D8E9F0G1H2J3K";
    assert_eq!(app.get(Role::Viewer, missing).await.problem(), (404, "not-found".into()));
}
