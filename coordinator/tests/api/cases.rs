//! `/v1/cases`.

use axum::http::Method;
use coordinator::access::Role;
use serde_json::json;

use crate::test_app::{TestApp, claim_status, prior_auth};

#[tokio::test]
async fn a_case_comes_with_its_first_job_and_lists_show_no_patient() {
    let app = TestApp::new().await;
    let (case, job) = app.take_in("crestline", &prior_auth("W100000001")).await;
    assert!(case.starts_with("case_") && job.starts_with("job_"));
    let list = app.get(Role::Viewer, "cases?payer=crestline&status=received").await;
    assert_eq!(list.good()["items"][0]["id"], case.as_str());
    let shown = app.get(Role::Viewer, &format!("cases/{case}")).await;
    assert_eq!(shown.good()["member"], "••••0001");
    for reply in [&list, &shown] {
        let text = String::from_utf8_lossy(&reply.body);
        assert!(!text.contains("ALDER") && !text.contains("W100000001"), "{text}");
    }
    let refused = app.get(Role::Viewer, &format!("cases/{case}?reveal=true")).await;
    assert_eq!(refused.problem(), (403, "not-permitted".into()));
    let revealed = app.get(Role::Operator, &format!("cases/{case}?reveal=true")).await.good();
    assert_eq!(revealed["request"]["member"]["last_name"], "ALDER");
    let audit = app.get(Role::Admin, &format!("audit?subject={case}&act=data.seen")).await.good();
    assert_eq!(audit["items"][0]["detail"]["what"], "request", "revealing is written down");
}

#[tokio::test]
async fn bad_requests_are_named_and_their_values_never_repeated() {
    let app = TestApp::new().await;
    let with = |path: &str, value: serde_json::Value| {
        let mut body = json!({"payer": "crestline", "request": prior_auth("W100000001")});
        *body.pointer_mut(path).unwrap() = value;
        body
    };
    let mut extra = with("/payer", json!("crestline"));
    extra["request"]["favourite_colour"] = json!("MAUVE-VALUE");
    let mut top = with("/payer", json!("crestline"));
    top["urgent"] = json!("MAUVE-VALUE");
    for (body, code, names) in [
        (with("/payer", json!("MAUVE-VALUE")), "invalid", "payer"),
        (with("/request/requesting/npi", json!("MAUVE-VALUE")), "invalid", "npi"),
        (with("/request/lines/0/units", json!("MAUVE-VALUE")), "invalid", "expected u32"),
        (with("/request/urgency", json!("MAUVE-VALUE")), "invalid", "expected"),
        (with("/request/kind", json!("MAUVE-VALUE")), "invalid", "expected"),
        (with("/request/member/dob", json!("MAUVE-VALUE")), "invalid", "request"),
        (extra, "invalid", "favourite_colour"),
        (top, "invalid", "urgent"),
        (json!({"payer": "crestline"}), "invalid", "request"),
        (json!([]), "invalid", ""),
    ] {
        let reply = app.create(Role::Operator, "cases", &body).await;
        assert_eq!(reply.problem(), (422, code.into()), "{body}");
        let text = String::from_utf8_lossy(&reply.body).into_owned();
        assert!(text.contains(names), "{names}: {text}");
        assert!(!text.contains("MAUVE-VALUE"), "{text}");
    }
    assert_eq!(app.get(Role::Viewer, "cases").await.good()["items"], json!([]));
}

#[tokio::test]
async fn a_document_that_was_never_uploaded_is_refused() {
    let app = TestApp::new().await;
    let mut request = prior_auth("W100000001");
    request["documents"] = json!([{"id": "doc_01J8ZQ4N5B6C7D8E9F0G1H2J3K", "kind": "pdf",
                                   "sha256": "00", "size_bytes": 1}]);
    let body = json!({"payer": "crestline", "request": request});
    let reply = app.create(Role::Operator, "cases", &body).await;
    assert_eq!(reply.problem(), (422, "invalid".into()));
    assert_eq!(reply.json()["field"], "request.documents[0]");
}

#[tokio::test]
async fn the_same_key_gets_the_same_answer_and_another_body_is_refused() {
    let app = TestApp::new().await;
    let key = [("idempotency-key", "nightly-2026-03-02-0001")];
    let body = json!({"payer": "crestline", "request": claim_status("W100000001")});
    let post = (Method::POST, "cases");
    let first = app.call(Role::Operator, post.clone(), &key, Some(&body)).await;
    let second = app.call(Role::Operator, post.clone(), &key, Some(&body)).await;
    assert_eq!((first.status, first.good()), (second.status, second.good()));
    let other = json!({"payer": "harbor", "request": claim_status("W100000001")});
    let reuse = app.call(Role::Operator, post.clone(), &key, Some(&other)).await;
    assert_eq!(reuse.problem(), (409, "idempotency-key-reused".into()));
    let theirs = app.call(Role::Admin, post.clone(), &key, Some(&body)).await;
    assert_ne!(theirs.good(), first.good(), "keys of two callers never meet");
    let missing = app.call(Role::Operator, post.clone(), &[], Some(&body)).await;
    assert_eq!(missing.problem(), (428, "precondition-required".into()));
    for bad in ["short", "has spaces in it", "\u{7f}\u{7f}\u{7f}\u{7f}\u{7f}\u{7f}\u{7f}\u{7f}"] {
        let Ok(_) = axum::http::HeaderValue::from_str(bad) else { continue };
        let reply =
            app.call(Role::Operator, post.clone(), &[("idempotency-key", bad)], Some(&body)).await;
        assert_eq!(reply.status, 400, "{bad}");
    }
}

#[tokio::test]
async fn the_same_calls_at_once_make_one_case() {
    let app = TestApp::new().await;
    let key = [("idempotency-key", "at-once-0000001")];
    let body = json!({"payer": "crestline", "request": claim_status("W100000001")});
    let call = || app.call(Role::Operator, (Method::POST, "cases"), &key, Some(&body));
    let replies = futures_util::future::join_all((0..20).map(|_| call())).await;
    for reply in &replies {
        assert!(reply.status == 201 || reply.status == 409, "{}", reply.status);
        if reply.status == 409 {
            assert_eq!(reply.headers["retry-after"], "1");
        }
    }
    assert_eq!(app.get(Role::Viewer, "cases").await.good()["items"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn the_same_request_again_is_refused_with_the_first_case() {
    let app = TestApp::new().await;
    let (case, _) = app.take_in("crestline", &prior_auth("W100000001")).await;
    let body = json!({"payer": "crestline", "request": prior_auth("w-1000-00001")});
    let twin = app.create(Role::Operator, "cases", &body).await;
    assert_eq!(twin.problem(), (409, "duplicate".into()));
    assert!(twin.json()["detail"].as_str().unwrap().contains(&case));
    let again = json!({"payer": "crestline", "request": prior_auth("W100000001"),
                       "again": "the payer lost the first one"});
    let below = app.create(Role::Operator, "cases", &again).await;
    assert_eq!(below.problem(), (403, "not-permitted".into()));
}

#[tokio::test]
async fn search_is_by_post_exact_and_written_down() {
    let app = TestApp::new().await;
    let (case, _) = app.take_in("crestline", &claim_status("W100000001")).await;
    app.take_in("crestline", &claim_status("W100000002")).await;
    let search = |member: &str| {
        let body = json!({"member": member});
        let app = &app;
        async move {
            app.call(Role::Operator, (Method::POST, "cases/search"), &[], Some(&body)).await.good()
        }
    };
    let found = search("w1000-00001").await;
    assert_eq!(found["items"].as_array().unwrap().len(), 1);
    assert_eq!(found["items"][0]["id"], case.as_str());
    assert_eq!(search("W1000").await["items"], json!([]), "parts of a number find nothing");
    search("W100000001").await;
    let audit = app.get(Role::Admin, "audit?act=cases.searched").await;
    let text = String::from_utf8_lossy(&audit.body).into_owned();
    assert!(!text.contains("W1000") && !text.contains("w1000"), "the hash, not the value");
    let audit = audit.good();
    let of = |n: usize, name: &str| audit["items"][n]["detail"][name].clone();
    assert_eq!((of(0, "found"), of(1, "found"), of(2, "found")), (json!(1), json!(0), json!(1)));
    assert_eq!(of(0, "member_hash"), of(2, "member_hash"), "however it was written");
    assert_ne!(of(0, "member_hash"), of(1, "member_hash"));
    assert_eq!(of(0, "reference_hash"), json!(null));
}

#[tokio::test]
async fn lists_go_page_by_page_and_as_csv() {
    let app = TestApp::new().await;
    for n in 1..=5 {
        app.take_in("crestline", &claim_status(&format!("W10000000{n}"))).await;
        app.clock.advance(1_000);
    }
    let mut seen = Vec::new();
    let mut path = "cases?limit=2".to_owned();
    loop {
        let page = app.get(Role::Viewer, &path).await.good();
        seen.extend(page["items"].as_array().unwrap().iter().map(|c| c["id"].to_string()));
        match page["next"].as_str() {
            Some(next) => path = format!("cases?limit=2&after={next}"),
            None => break,
        }
    }
    let mut sorted = seen.clone();
    sorted.sort();
    sorted.reverse();
    sorted.dedup();
    assert_eq!((seen.len(), &seen), (5, &sorted), "each once, newest first");
    for bad in ["limit=0", "limit=201", "limit=x", "after=nothing", "status=gone", "colour=red"] {
        assert_eq!(app.get(Role::Viewer, &format!("cases?{bad}")).await.problem().0, 400, "{bad}");
    }
    let csv = app.get(Role::Viewer, "cases?format=csv&limit=2").await;
    let text = String::from_utf8(csv.body.clone()).unwrap();
    assert!(text.starts_with("id,kind,payer,status,"), "{text}");
    assert_eq!(text.lines().count(), 3);
    assert!(csv.headers["fleet-next"].to_str().unwrap().starts_with("case_"));
    let accept = [("accept", "text/csv")];
    let csv = app.call(Role::Viewer, (Method::GET, "cases"), &accept, None).await;
    assert!(csv.headers["content-type"].to_str().unwrap().starts_with("text/csv"));
}

#[tokio::test]
async fn a_case_is_taken_back_once_by_whoever_has_seen_it() {
    let app = TestApp::new().await;
    let (case, job) = app.take_in("crestline", &prior_auth("W100000001")).await;
    let seen = app.get(Role::Operator, &format!("cases/{case}")).await.good();
    let path = format!("cases/{case}/withdraw");
    let because = json!({"reason": "entered twice"});
    let stale = app.change(Role::Operator, &path, &json!(41), &because).await;
    assert_eq!(stale.problem(), (409, "conflict".into()));
    let blind = app.call(Role::Operator, (Method::POST, &path), &[], Some(&because)).await;
    assert_eq!(blind.problem(), (428, "precondition-required".into()));
    let done = app.change(Role::Operator, &path, &seen["rev"], &because).await.good();
    assert_eq!(done["status"], "withdrawn");
    assert_eq!(app.job(&job).await["state"], "cancelled");
}
