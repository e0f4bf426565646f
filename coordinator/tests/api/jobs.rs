//! `/v1/jobs`.

use coordinator::access::Role;
use serde_json::json;

use crate::test_app::{TestApp, answered, claim_status, failed, prior_auth};

#[tokio::test]
async fn a_ready_job_says_why_it_waits() {
    let app = TestApp::new().await;
    let (_, job) = app.take_in("crestline", &claim_status("W100000001")).await;
    assert_eq!(app.job(&job).await["blocked"], "no agent is accepting work");
    app.hello("a1", 1).await;
    assert!(app.job(&job).await.get("blocked").is_none());
}

#[tokio::test]
async fn unknown_and_malformed_ids_are_both_not_found() {
    let app = TestApp::new().await;
    for id in [
        "job_01J8ZQ4N5B6C7D8E9F0G1H2J3K",
        "nonsense",
        "case_01J8ZQ4N5B6C7D8E9F0G1H2J3K",
        "%00",
        "..%2f..",
    ] {
        let reply = app.get(Role::Viewer, &format!("jobs/{id}")).await;
        assert_eq!(reply.problem(), (404, "not-found".into()), "{id}");
    }
}

#[tokio::test]
async fn a_further_job_needs_a_fitting_case_and_task() {
    let app = TestApp::new().await;
    let (case, _) = app.take_in("crestline", &prior_auth("W100000001")).await;
    for (body, status) in [
        (json!({"case": case, "task": "fly"}), 422),
        (json!({"case": case, "task": "claim_status"}), 422),
        (json!({"case": "case_01J8ZQ4N5B6C7D8E9F0G1H2J3K", "task": "submit"}), 404),
        (json!({"case": "mine", "task": "submit"}), 422),
        (json!({"case": case, "task": "submit"}), 409),
        (json!({"case": case, "task": "submit", "script": "mine"}), 422),
    ] {
        let reply = app.create(Role::Operator, "jobs", &body).await;
        assert_eq!(reply.problem().0, status, "{body}");
    }
}

#[tokio::test]
async fn a_done_job_shows_its_answer_and_cannot_be_cancelled() {
    let app = TestApp::new().await;
    let (case, job) = app.take_in("crestline", &claim_status("W100000001")).await;
    let agent = app.hello("a1", 1).await;
    let lease = app.lease(&agent, 1).await.remove(0);
    assert_eq!(lease["inputs"]["member"]["last_name"], "ALDER");
    let working = app.job(&job).await;
    assert_eq!((&working["state"], &working["agent"]), (&json!("leased"), &json!(agent)));
    app.agent("report", &answered(&agent, &lease, "claim_paid")).await.good();
    let done = app.job(&job).await;
    assert_eq!(
        (&done["state"], &done["outcome"]["answer"]),
        (&json!("done"), &json!("claim_paid"))
    );
    let path = format!("jobs/{job}/cancel");
    let reply =
        app.change(Role::Operator, &path, &done["rev"], &json!({"reason": "too late"})).await;
    assert_eq!(reply.problem(), (409, "not-allowed".into()));
    let for_viewers = app.get(Role::Viewer, &format!("jobs/{job}")).await.good();
    assert_eq!(for_viewers["outcome"]["raw_words"], "");
    let of_case = app.get(Role::Viewer, &format!("jobs?case={case}&state=done")).await.good();
    assert_eq!(of_case["items"].as_array().unwrap().len(), 1);
    let again = json!({"case": case, "task": "claim_status"});
    assert_eq!(app.create(Role::Operator, "jobs", &again).await.good()["state"], "ready");
}

#[tokio::test]
async fn cancel_retry_and_reconcile_follow_the_state() {
    let app = TestApp::new().await;
    let (_, job) = app.take_in("crestline", &claim_status("W100000001")).await;
    let act = |verb: &str| format!("jobs/{job}/{verb}");
    let because = json!({"reason": "the portal is back"});
    let rev = app.job(&job).await["rev"].clone();
    let ready = app.change(Role::Operator, &act("retry"), &rev, &because).await;
    assert_eq!(ready.problem(), (409, "not-allowed".into()));
    let nothing = app.change(Role::Operator, &act("reconcile"), &rev, &because).await;
    assert_eq!(nothing.problem(), (409, "not-allowed".into()));

    let agent = app.hello("a1", 1).await;
    let lease = app.lease(&agent, 1).await.remove(0);
    app.agent("report", &failed(&agent, &lease, "transient")).await.good();
    let resting = app.job(&job).await;
    assert_eq!(resting["state"], "resting");
    let stale = app.change(Role::Operator, &act("retry"), &rev, &because).await;
    assert_eq!(stale.problem(), (409, "conflict".into()));
    assert!(stale.json()["now"].as_str().unwrap().contains("resting"));
    let tried = app.change(Role::Operator, &act("retry"), &resting["rev"], &because).await;
    assert_eq!(tried.good()["state"], "ready");

    let lease = app.lease(&agent, 1).await.remove(0);
    app.agent("report", &failed(&agent, &lease, "page_changed")).await.good();
    let waiting = app.job(&job).await;
    assert_eq!(waiting["state"], "waiting");
    let tried = app.change(Role::Operator, &act("retry"), &waiting["rev"], &because).await;
    assert_eq!(tried.good()["state"], "ready", "the exception was resolved by it");
    let rev = app.job(&job).await["rev"].clone();
    let viewer = app.change(Role::Viewer, &act("cancel"), &rev, &because).await;
    assert_eq!(viewer.problem(), (403, "not-permitted".into()));
    let wordless = app.change(Role::Operator, &act("cancel"), &rev, &json!({"reason": " "})).await;
    assert_eq!(wordless.problem(), (422, "invalid".into()));
    let gone = app.change(Role::Operator, &act("cancel"), &rev, &because).await;
    assert_eq!(gone.good()["state"], "cancelled");
}
