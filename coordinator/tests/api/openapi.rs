//! The OpenAPI document and its page: generated, complete, and committed as `docs/openapi.json`.

use axum::{body::Body, http::Request};
use serde_json::Value;

use crate::test_app::TestApp;

#[test]
fn the_committed_document_is_the_generated_one() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/openapi.json");
    let mut now = serde_json::to_string_pretty(&coordinator::api::openapi()).unwrap();
    now.push('\n');
    let committed = std::fs::read_to_string(path).unwrap_or_default();
    if committed != now {
        std::fs::write(path, now).unwrap();
        panic!(
            "docs/openapi.json was not what the code says; it has been rewritten: look at the change and commit it"
        );
    }
}

#[test]
fn every_call_has_a_summary_and_its_refusals() {
    let document = coordinator::api::openapi();
    for (path, acts) in document["paths"].as_object().unwrap() {
        for (method, act) in acts.as_object().unwrap() {
            assert!(act["summary"].as_str().is_some_and(|s| s.len() > 3), "{method} {path}");
            if path.starts_with("/v1/")
                && !["/v1/docs", "/v1/openapi.json"].contains(&path.as_str())
            {
                let problem = &act["responses"]["4XX"]["content"]["application/problem+json"];
                assert!(problem.is_object(), "{method} {path}");
            }
        }
    }
}

#[test]
fn every_body_is_described_and_every_reference_is_there() {
    let document = coordinator::api::openapi();
    let known = document["components"]["schemas"].as_object().unwrap();
    let text = document.to_string();
    for part in text.split("\"$ref\":\"#/components/schemas/").skip(1) {
        let name = part.split('"').next().unwrap();
        assert!(known.contains_key(name), "{name}");
    }
    for (path, acts) in document["paths"].as_object().unwrap() {
        for (method, act) in acts.as_object().unwrap() {
            if path.starts_with("/v1/agent/") {
                let bodies = [&act["requestBody"], &act["responses"]["200"]];
                for body in bodies
                    .map(|b| &b["content"]["application/json"])
                    .iter()
                    .filter(|b| b.is_object())
                {
                    assert!(body["schema"]["$ref"].is_string(), "{method} {path}: {body}");
                }
            }
        }
    }
    // Names of the protocol's types and of the interface's own never meet.
    let own: Vec<&str> = ["Problem", "JobView", "PayerView", "UserView"].into();
    assert!(own.iter().all(|name| !domain::wire::schemas("").contains_key(*name)));
}

#[tokio::test]
async fn the_page_shows_every_route_and_loads_nothing() {
    let app = TestApp::new().await;
    let get = |path: &str| app.send(Request::builder().uri(path).body(Body::empty()).unwrap());
    let served: Value = get("/v1/openapi.json").await.good();
    assert_eq!(served, coordinator::api::openapi());
    let page = get("/v1/docs").await;
    assert!(
        page.headers["content-security-policy"].to_str().unwrap().starts_with("default-src 'none'")
    );
    let html = String::from_utf8(page.body).unwrap();
    let drawn = scraper::Html::parse_document(&html);
    let paths = scraper::Selector::parse("main h2 code").unwrap();
    let shown: Vec<String> = drawn.select(&paths).map(|e| e.text().collect()).collect();
    for (path, acts) in served["paths"].as_object().unwrap() {
        for method in acts.as_object().unwrap().keys() {
            assert!(
                shown.contains(&format!("{} {path}", method.to_uppercase())),
                "{method} {path}"
            );
        }
    }
    let loads = scraper::Selector::parse("script, link, img, iframe").unwrap();
    assert_eq!(drawn.select(&loads).count(), 0);
}
