//! `/v1/agent/…`: the protocol over HTTP; above all that no write passes without the live fence.

use axum::{
    body::Body,
    http::{Method, Request},
};
use coordinator::{
    access::{Role, key},
    files,
};
use serde_json::{Value, json};

use crate::test_app::{
    AGENT_KEY, Seen, TestApp, answered, claim_status, failed, fenced, prior_auth,
};

/// Puts evidence under a lease, with changes to the query.
async fn put(app: &TestApp, id: &str, query: &[(&str, String)], bytes: &[u8]) -> Seen {
    let query: Vec<String> = query.iter().map(|(k, v)| format!("{k}={v}")).collect();
    let call = Request::builder()
        .method(Method::PUT)
        .uri(format!("/v1/agent/evidence/{id}?{}", query.join("&")))
        .header("authorization", format!("Bearer {AGENT_KEY}"))
        .body(Body::from(bytes.to_vec()))
        .unwrap();
    app.send(call).await
}

pub(crate) fn evidence_query(
    agent: &str,
    lease: &Value,
    bytes: &[u8],
) -> Vec<(&'static str, String)> {
    let text = |name: &str| lease[name].as_str().unwrap().to_owned();
    vec![
        ("job", text("job")),
        ("lease", text("lease")),
        ("fence", lease["fence"].to_string()),
        ("agent", agent.to_owned()),
        ("attempt", text("attempt")),
        ("step", "0".into()),
        ("kind", "full_page".into()),
        ("moment", "before".into()),
        ("sha256", files::sha256(bytes)),
        ("masked", "true".into()),
    ]
}

const EVIDENCE: &str = "ev_01J8ZQ4N5B6C7D8E9F0G1H2J3K";

#[tokio::test]
async fn without_the_agent_key_nothing_is_answered() {
    let app = TestApp::new().await;
    for header in
        [None, Some("Bearer wrong".to_owned()), Some(format!("Bearer {}", app.keys[&Role::Admin]))]
    {
        for path in ["hello", "lease", "heartbeat", "secret", "intent", "report"] {
            let mut call = Request::builder()
                .method(Method::POST)
                .uri(format!("/v1/agent/{path}"))
                .header("content-type", "application/json");
            if let Some(header) = &header {
                call = call.header("authorization", header);
            }
            let reply = app.send(call.body(Body::from("{}")).unwrap()).await;
            assert_eq!(reply.problem(), (401, "unauthenticated".into()), "{path}");
        }
    }
}

#[tokio::test]
async fn an_agent_of_another_protocol_is_told() {
    let app = TestApp::new().await;
    let call = Request::builder()
        .method(Method::POST)
        .uri("/v1/agent/hello")
        .header("authorization", format!("Bearer {AGENT_KEY}"))
        .header("content-type", "application/json")
        .header("fleet-protocol", "9");
    let info =
        json!({"agent": {"name": "a", "pool": "p", "slots": 1, "version": "9", "browser": "x"}});
    let reply = app.send(call.body(Body::from(info.to_string())).unwrap()).await;
    assert_eq!(reply.problem(), (409, "protocol".into()));
}

#[tokio::test]
async fn forged_and_expired_fences_are_refused_everywhere() {
    let app = TestApp::new().await;
    app.take_in("crestline", &claim_status("W100000001")).await;
    let agent = app.hello("a1", 1).await;
    let lease = app.lease(&agent, 1).await.remove(0);
    let mut forged = lease.clone();
    forged["fence"] = json!(lease["fence"].as_i64().unwrap() + 1);
    let mut stranger = lease.clone();
    stranger["lease"] = json!("lease_01J8ZQ4N5B6C7D8E9F0G1H2J3K");
    let refused = |reply: Seen, what: &str| {
        assert_eq!(reply.problem(), (409, "lease-ended".into()), "{what}");
    };
    for bad in [&forged, &stranger] {
        refused(app.agent("report", &answered(&agent, bad, "claim_paid")).await, "report");
        let steps =
            json!({"fenced": fenced(&agent, bad), "attempt": lease["attempt"], "steps": []});
        refused(app.agent("steps", &steps).await, "steps");
        let secret = json!({"fenced": fenced(&agent, bad), "alias": "user", "origin": "https://portal.example"});
        refused(app.agent("secret", &secret).await, "secret");
        refused(app.agent("login", &json!({"fenced": fenced(&agent, bad)})).await, "login");
        let query = evidence_query(&agent, bad, b"x");
        refused(put(&app, EVIDENCE, &query, b"x").await, "evidence");
    }
    app.clock.advance(60_001);
    refused(app.agent("report", &answered(&agent, &lease, "claim_paid")).await, "expired");
    let beat = json!({"agent": agent, "leases": [fenced(&agent, &lease)], "browser_ok": true});
    let orders = app.agent("heartbeat", &beat).await.good();
    assert_eq!(orders["orders"][lease["lease"].as_str().unwrap()], "stop");
}

#[tokio::test]
async fn evidence_is_kept_once_and_only_with_its_own_hash() {
    let app = TestApp::new().await;
    app.take_in("crestline", &claim_status("W100000001")).await;
    let agent = app.hello("a1", 1).await;
    let lease = app.lease(&agent, 1).await.remove(0);
    let good = evidence_query(&agent, &lease, b"picture");
    let wrong = put(&app, EVIDENCE, &good, b"another picture").await;
    assert_eq!(wrong.problem(), (422, "hash-mismatch".into()));
    assert!(put(&app, EVIDENCE, &good, b"picture").await.status.is_success());
    assert!(put(&app, EVIDENCE, &good, b"picture").await.status.is_success(), "repeats are safe");
    let big = vec![0u8; files::SIZE_MAX_BYTES + 1];
    let oversize = put(&app, EVIDENCE, &evidence_query(&agent, &lease, &big), &big).await;
    assert_eq!(oversize.problem(), (413, "too-large".into()));
    let mut kind = good.clone();
    kind[6].1 = "painting".into();
    assert_eq!(put(&app, EVIDENCE, &kind, b"picture").await.problem().0, 400);
    let listed = app
        .get(Role::Viewer, &format!("evidence?attempt={}", lease["attempt"].as_str().unwrap()))
        .await
        .good();
    assert_eq!(listed["items"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn the_same_ask_gets_the_same_lease_and_others_get_nothing() {
    let app = TestApp::new().await;
    app.take_in("harbor", &claim_status("W100000001")).await;
    app.take_in("harbor", &claim_status("W100000002")).await;
    let agent = app.hello("a1", 4).await;
    let ask = json!({"agent": agent, "max": 4, "wait_ms": 0, "warm": [], "ask": key::random()});
    let first = app.agent("lease", &ask).await.good();
    let second = app.agent("lease", &ask).await.good();
    assert_eq!(first["leases"].as_array().unwrap().len(), 1, "one portal session at a time");
    assert_eq!(first["leases"][0]["lease"], second["leases"][0]["lease"]);
    let other = app.hello("a2", 4).await;
    assert!(app.lease(&other, 4).await.is_empty());
}

#[tokio::test]
async fn a_long_poll_hears_of_new_work_and_of_the_end() {
    let app = TestApp::new().await;
    let agent = app.hello("a1", 1).await;
    let ask = |n: u32| json!({"agent": agent, "max": 1, "wait_ms": 20_000, "warm": [], "ask": format!("ask-{n}-of-the-test")});
    let (asked, body) = (ask(1), claim_status("W100000001"));
    let (leases, _) = tokio::join!(app.agent("lease", &asked), app.take_in("crestline", &body));
    let leases = leases.good();
    assert_eq!(leases["leases"].as_array().unwrap().len(), 1);
    let lease = leases["leases"][0].clone();
    app.agent("release", &json!({"fenced": fenced(&agent, &lease)})).await.good();
    let again = app.lease(&agent, 1).await.remove(0);
    app.agent("report", &failed(&agent, &again, "page_changed")).await.good();
    let asked = ask(2);
    let (reply, ()) = tokio::join!(app.agent("lease", &asked), async {
        app.end.send(true).unwrap();
    });
    assert_eq!(reply.good()["leases"], json!([]), "a coordinator that ends lets its callers go");
}

#[tokio::test]
async fn secrets_go_to_a_listed_origin_under_a_live_lease_only() {
    let app = TestApp::new().await;
    app.take_in("crestline", &claim_status("W100000001")).await;
    let agent = app.hello("a1", 1).await;
    let lease = app.lease(&agent, 1).await.remove(0);
    assert_eq!(lease["secrets"], json!(["password", "user"]));
    assert!(!lease.to_string().contains("S3cret"));
    let ask = |alias: &str, origin: &str| json!({"fenced": fenced(&agent, &lease), "alias": alias, "origin": origin});
    let elsewhere = app.agent("secret", &ask("password", "https://evil.example")).await;
    assert_eq!(elsewhere.problem(), (403, "origin-not-listed".into()));
    assert_eq!(app.agent("secret", &ask("pin", "https://portal.example")).await.problem().0, 422);
    let given = app.agent("secret", &ask("password", "https://portal.example")).await;
    assert_eq!(given.headers["cache-control"], "no-store");
    assert_eq!(given.good()["value"], "S3cret-of-the-tests");
}

#[tokio::test]
async fn scripts_and_documents_reach_the_agent() {
    let app = TestApp::new().await;
    let document = crate::documents::upload(&app, b"%PDF-1.4 letter").await;
    let mut request = prior_auth("W100000001");
    request["documents"] = json!([document]);
    app.take_in("crestline", &request).await;
    let agent = app.hello("a1", 1).await;
    let lease = app.lease(&agent, 1).await.remove(0);
    let get = |path: String| {
        let call = Request::builder()
            .uri(format!("/v1/agent/{path}"))
            .header("authorization", format!("Bearer {AGENT_KEY}"));
        app.send(call.body(Body::empty()).unwrap())
    };
    let sha256 = lease["script_sha256"].as_str().unwrap();
    let script = get(format!("scripts/{sha256}")).await.good();
    assert_eq!(script["script"], "crestline/submit");
    assert_eq!(get("scripts/00".into()).await.problem().0, 404);
    let id = document["id"].as_str().unwrap();
    let query = |fence: &Value| {
        let text = |name: &str| lease[name].as_str().unwrap();
        format!(
            "documents/{id}?agent={agent}&job={}&lease={}&fence={fence}",
            text("job"),
            text("lease")
        )
    };
    let bytes = get(query(&lease["fence"])).await;
    assert_eq!(bytes.body, b"%PDF-1.4 letter");
    assert_eq!(get(query(&json!(77))).await.problem(), (409, "lease-ended".into()));
}

#[tokio::test]
async fn a_viewer_sees_the_ends_of_numbers_in_steps_as_in_outcomes() {
    let app = TestApp::new().await;
    let (_, job) = app.take_in("crestline", &claim_status("W100000001")).await;
    let agent = app.hello("a1", 1).await;
    let lease = app.lease(&agent, 1).await.remove(0);
    let step = json!({"index": 0, "name": "Read it", "kind": "capture", "depth": 0, "effect": "read", "state": "done",
        "source": "crestline/claim_status:9", "started_ms": 0, "log": [{"at_ms": 1, "text": "claim CLM-2603-77 in row 2"}],
        "values": [{"name": "claim", "value": "CLM-2603-77", "read_by": "dom"}]});
    let steps =
        json!({"fenced": fenced(&agent, &lease), "attempt": lease["attempt"], "steps": [step]});
    app.agent("steps", &steps).await.good();
    let mut report = answered(&agent, &lease, "claim_received");
    report["end"]["outcome"]["references"] = json!([{"kind": "claim", "issuer": "crestline", "value": "CLM-2603-77",
        "read_by": "dom", "at": "2026-03-02T14:00:00Z"}]);
    app.agent("report", &report).await.good();
    let (attempt, whole, masked) = (lease["attempt"].as_str().unwrap(), "CLM-2603-77", "••••3-77");
    for path in [format!("attempts/{attempt}/steps"), format!("jobs/{job}"), "jobs".to_owned()] {
        let text = async |role| String::from_utf8(app.get(role, &path).await.body).unwrap();
        let (viewer, operator) = (text(Role::Viewer).await, text(Role::Operator).await);
        assert!(viewer.contains(masked) && !viewer.contains(whole), "{path}: {viewer}");
        assert!(operator.contains(whole), "{path}");
    }
    for file in ["fleet.db", "fleet.db-wal"] {
        let bytes = std::fs::read(app.dir.path().join("data").join(file)).unwrap();
        let found = bytes.windows(whole.len()).any(|w| w == whole.as_bytes());
        assert!(!found, "numbers and values read are sealed at rest: {file}");
    }
}

#[tokio::test]
async fn a_submission_is_permitted_once_and_proved() {
    let app = TestApp::new().await;
    let (_, job) = app.take_in("crestline", &prior_auth("W100000001")).await;
    let agent = app.hello("a1", 1).await;
    let lease = app.lease(&agent, 1).await.remove(0);
    let permit = json!({"fenced": fenced(&agent, &lease), "attempt": lease["attempt"], "step": 0,
                        "commit": "submit_request", "payload_sha256": files::sha256(b"form"),
                        "before": EVIDENCE, "ask": "the-ask-of-this-test"});
    let early = app.agent("intent", &permit).await;
    assert_eq!(early.good()["permit"], "no", "evidence before must be durable first");
    put(&app, EVIDENCE, &evidence_query(&agent, &lease, b"before"), b"before").await.good();
    let in_the_way = app.dir.path().join("data/fleet.mark.part");
    std::fs::create_dir(&in_the_way).unwrap();
    let unmarked = app.agent("intent", &permit).await;
    assert_eq!(unmarked.problem(), (503, "unavailable".into()), "no permit without a durable mark");
    std::fs::remove_dir(&in_the_way).unwrap();
    let go = app.agent("intent", &permit).await.good();
    assert_eq!(go["permit"], "go");
    let audit = app.get(Role::Admin, "audit?limit=1").await.good();
    let mark = std::fs::read(app.dir.path().join("data/fleet.mark")).unwrap();
    let mark: Value = serde_json::from_slice(&mark).unwrap();
    assert_eq!(mark["seq"], audit["items"][0]["seq"], "marked before the permit leaves");
    assert_eq!(app.agent("intent", &permit).await.good()["intent"], go["intent"]);
    let seen = app.job(&job).await;
    assert_eq!(seen["intent"], go["intent"]);
    let cancel = format!("jobs/{job}/cancel");
    let reply = app.change(Role::Admin, &cancel, &seen["rev"], &json!({"reason": "stop it"})).await;
    assert_eq!(reply.problem(), (409, "not-allowed".into()), "it may have been submitted");
    let after = "ev_01J8ZQ4N5B6C7D8E9F0G1H2J4K";
    let mut query = evidence_query(&agent, &lease, b"after");
    query[7].1 = "after".into();
    put(&app, after, &query, b"after").await.good();
    let mut report = answered(&agent, &lease, "received");
    report["end"]["outcome"]["references"] = json!([{"kind": "tracking", "issuer": "crestline", "value": "CR-77", "read_by": "dom",
                "at": "2026-03-02T14:00:00Z", "evidence": after}]);
    report["end"]["proof"] = json!({"intent": go["intent"], "reference": "CR-77", "after": after});
    app.agent("report", &report).await.good();
    let done = app.job(&job).await;
    assert_eq!(
        (&done["state"], &done["outcome"]["references"][0]["value"]),
        (&json!("done"), &json!("CR-77"))
    );
    app.agent("report", &report).await.good();
    app.agent("bye", &json!({"agent": agent})).await.good();
}
