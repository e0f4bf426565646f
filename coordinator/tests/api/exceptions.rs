//! `/v1/exceptions`.

use coordinator::access::Role;
use serde_json::{Value, json};

use crate::test_app::{TestApp, claim_status, failed};

/// A job that waits for a person: its exception and its id.
async fn waiting(app: &TestApp, kind: &str) -> (Value, String) {
    let (_, job) = app.take_in("crestline", &claim_status("W100000001")).await;
    let agent = app.hello("a1", 1).await;
    let lease = app.lease(&agent, 1).await.remove(0);
    app.agent("report", &failed(&agent, &lease, kind)).await.good();
    let page =
        app.get(Role::Viewer, &format!("exceptions?job={job}&state=unanswered")).await.good();
    (page["items"][0].clone(), job)
}

#[tokio::test]
async fn it_asks_one_question_and_offers_what_is_possible() {
    let app = TestApp::new().await;
    let (exception, _) = waiting(&app, "page_changed").await;
    assert_eq!((&exception["kind"], &exception["state"]), (&json!("page_changed"), &json!("open")));
    assert!(exception["question"].as_str().unwrap().ends_with('?'));
    let possible: Vec<&str> = exception["choices"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|c| c["allowed"] == true)
        .map(|c| c["choice"].as_str().unwrap())
        .collect();
    assert_eq!(possible, ["retry", "give_outcome", "cancel"]);
    assert!(exception["choices"][2]["because"].as_str().unwrap().contains("Nothing was submitted"));
}

#[tokio::test]
async fn it_stands_on_the_queue_of_its_script_or_of_its_kind() {
    let app = TestApp::new().await;
    let (first, _) = waiting(&app, "page_changed").await;
    assert_eq!(first["queue"], "drift");
    let (_, job) = app.take_in("crestline", &claim_status("W100000002")).await;
    let agent = app.hello("a2", 1).await;
    let lease = app.lease(&agent, 1).await.remove(0);
    let mut report = failed(&agent, &lease, "not_found");
    report["end"]["failure"]["queue"] = json!("front_desk");
    app.agent("report", &report).await.good();
    let of = async |queue: &str| {
        let page = app.get(Role::Viewer, &format!("exceptions?queue={queue}")).await.good();
        page["items"].as_array().unwrap().iter().map(|e| e["job"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(of("front_desk").await, [json!(job)]);
    assert_eq!(of("drift").await, [first["job"].clone()]);
    assert!(of("nobodys").await.is_empty());
}

#[tokio::test]
async fn one_person_holds_it_and_a_stale_view_changes_nothing() {
    let app = TestApp::new().await;
    let (exception, _) = waiting(&app, "page_changed").await;
    let at = |verb: &str| format!("exceptions/{}/{verb}", exception["id"].as_str().unwrap());
    let claimed =
        app.change(Role::Operator, &at("claim"), &exception["rev"], &json!({})).await.good();
    assert_eq!(claimed["state"], "claimed");
    let stale = app.change(Role::Admin, &at("claim"), &exception["rev"], &json!({})).await;
    assert_eq!(stale.problem(), (409, "conflict".into()));
    let retry = json!({"resolution": "retry", "reason": "the page is known now"});
    let other = app.change(Role::Admin, &at("resolve"), &claimed["rev"], &retry).await;
    assert_eq!(other.problem(), (409, "not-allowed".into()));
    let other = app.change(Role::Admin, &at("release"), &claimed["rev"], &json!({})).await;
    assert_eq!(other.problem(), (409, "not-allowed".into()));
    let released =
        app.change(Role::Operator, &at("release"), &claimed["rev"], &json!({})).await.good();
    assert_eq!(released["state"], "open");
}

#[tokio::test]
async fn resolutions_are_checked_and_take_effect() {
    let app = TestApp::new().await;
    let (exception, job) = waiting(&app, "unsure").await;
    let path = format!("exceptions/{}/resolve", exception["id"].as_str().unwrap());
    for (body, status) in [
        (json!({"resolution": "wait", "reason": "a reason"}), 422),
        (json!({"resolution": "retry", "reason": ""}), 422),
        (json!({"resolution": "retry", "reason": "a reason", "outcome": {}}), 422),
        (json!({"resolution": "give_outcome", "reason": "a reason"}), 422),
        (
            json!({"resolution": "give_outcome", "reason": "a reason", "outcome": {"answer": "fine"}}),
            422,
        ),
        (json!({"resolution": "retry", "reason": "a reason", "force": true}), 422),
        (json!({"resolution": "declare_absent", "reason": "nothing is there"}), 409),
    ] {
        let reply = app.change(Role::Reviewer, &path, &exception["rev"], &body).await;
        assert_eq!(reply.problem().0, status, "{body}");
    }
    let give = json!({"resolution": "give_outcome", "reason": "the payer said so by phone",
                      "outcome": {"answer": "claim_paid", "raw_words": "PAID", "references": []}});
    let done = app.change(Role::Operator, &path, &exception["rev"], &give).await.good();
    assert_eq!((&done["state"], &done["resolution"]), (&json!("resolved"), &json!("give_outcome")));
    assert_eq!(done["choices"], json!([]));
    let job = app.job(&job).await;
    assert_eq!((&job["state"], &job["outcome"]["via"]), (&json!("done"), &json!("person")));
}
