//! `/v1/scripts`.

use std::{collections::BTreeMap, path::Path};

use coordinator::{access::Role, start};
use serde_json::json;

use crate::test_app::TestApp;

fn repository_scripts() -> BTreeMap<String, String> {
    start::read_scripts(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../scripts")).unwrap()
}

#[tokio::test]
async fn a_clean_script_goes_live_and_replaces_the_one_before() {
    let app = TestApp::new().await;
    let body = json!({"script": "harbor/claim_status", "files": repository_scripts()});
    let made = app.create(Role::Admin, "scripts", &body).await.good();
    assert_eq!(made["state"], "live");
    let sha256 = made["sha256"].as_str().unwrap();
    let shown = app.get(Role::Viewer, &format!("scripts/{sha256}")).await.good();
    let files: Vec<&String> = shown["files"].as_object().unwrap().keys().collect();
    assert!(files.iter().any(|f| *f == "harbor/claim_status.yaml"), "{files:?}");
    assert!(!files.iter().any(|f| *f == "harbor/submit.yaml"), "only what it uses: {files:?}");
    let all = app.get(Role::Viewer, "scripts").await.good();
    let live: Vec<&str> = all["items"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|s| s["script"] == "harbor/claim_status" && s["state"] == "live")
        .map(|s| s["sha256"].as_str().unwrap())
        .collect();
    assert_eq!(live, [sha256]);
}

#[tokio::test]
async fn a_script_with_mistakes_is_refused_with_every_place() {
    let app = TestApp::new().await;
    let mut files = repository_scripts();
    let text = files["harbor/claim_status.yaml"].replace("\nneeds:", "\nneedz:");
    files.insert("harbor/claim_status.yaml".into(), text);
    let body = json!({"script": "harbor/claim_status", "files": files});
    let reply = app.create(Role::Admin, "scripts", &body).await;
    assert_eq!(reply.problem(), (422, "invalid".into()));
    let faults = reply.json()["faults"].clone();
    let first = faults[0]["field"].as_str().unwrap();
    assert!(first.starts_with("files.harbor/claim_status.yaml:"), "{faults}");
    for body in [
        json!({"script": "harbor/unknown", "files": {}}),
        json!({"script": "../../etc/passwd", "files": {}}),
        json!({"script": "harbor/submit", "files": {"harbor/submit.yaml": ": : :"}}),
        json!({"script": "harbor/submit", "files": {}, "live": true}),
    ] {
        let reply = app.create(Role::Admin, "scripts", &body).await;
        assert_eq!(reply.problem().0, 422, "{body}");
    }
}
