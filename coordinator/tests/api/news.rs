//! `/fhir/notices/{payer}`: who may tell, and what is answered.

use std::collections::BTreeMap;

use axum::{body::Body, http::Request};
use coordinator::{flow, flow::Actor, vault::Secret};
use domain::channel::Channel;
use exchange::pas::name::TOPIC;
use serde_json::{Value, json};

use crate::test_app::{Seen, TestApp, payer};

/// Crestline tells of news.
async fn with_notices() -> TestApp {
    let app = TestApp::new().await;
    let (core, now) = (&app.app.core, app.clock.now());
    let mut profile = payer("crestline", 2);
    let permission = serde_json::to_value(&profile.permission).unwrap();
    profile.ways = serde_json::from_value(json!([{"channel": "fhir_pas", "calls_max": 2, "permission": permission,
        "endpoint": {"base": "https://fhir.crestline.test/r4", "auth": {"by": "bearer", "secret": "key"}},
        "notices": {"subscription": "Subscription/s-1", "secret": "notice_key"}}]))
    .unwrap();
    flow::payers::upsert(core, &Actor::Setup, &profile, "default", now).await.unwrap();
    let secret = |text: &str| Secret::Text(text.to_owned());
    let secrets = BTreeMap::from([
        ("key".to_owned(), secret("ours")),
        ("notice_key".to_owned(), secret("theirs")),
    ]);
    let at = ("crestline", Channel::FhirPas);
    flow::payers::set_credential_for(core, &Actor::Setup, at, "pas", &secrets, now).await.unwrap();
    app
}

async fn tell(app: &TestApp, payer: &str, key: &str, body: &str) -> Seen {
    let call = Request::builder()
        .method("POST")
        .uri(format!("/fhir/notices/{payer}"))
        .header("authorization", format!("Bearer {key}"))
        .header("content-type", "application/fhir+json");
    app.send(call.body(Body::from(body.to_owned())).unwrap()).await
}

fn handshake(subscription: &str) -> String {
    let status = json!({"resourceType": "Parameters", "parameter": [
        {"name": "subscription", "valueReference": {"reference": subscription}},
        {"name": "topic", "valueCanonical": TOPIC},
        {"name": "status", "valueCode": "requested"},
        {"name": "type", "valueCode": "handshake"}]});
    json!({"resourceType": "Bundle", "type": "history", "entry": [{"resource": status}]})
        .to_string()
}

#[tokio::test]
async fn a_payer_tells_with_the_key_of_its_subscription() {
    let app = with_notices().await;
    let ours = handshake("Subscription/s-1");
    assert_eq!(tell(&app, "crestline", "theirs", &ours).await.status, 200);
    for (payer, key, body, status) in [
        ("crestline", "ours", ours.as_str(), 401),
        ("crestline", "", &ours, 401),
        ("harbor", "theirs", &ours, 401),
        ("nobody", "theirs", &ours, 401),
        ("crestline", "theirs", &handshake("Subscription/s-2"), 404),
        ("crestline", "theirs", "{", 400),
        ("crestline", "theirs", r#"{"resourceType": "Bundle", "type": "collection"}"#, 422),
    ] {
        let seen = tell(&app, payer, key, body).await;
        assert_eq!(seen.status, status, "{payer} {key} {body}");
        let outcome: Value = serde_json::from_slice(&seen.body).unwrap();
        assert_eq!(outcome["resourceType"], "OperationOutcome", "{payer} {key} {body}");
    }
}
