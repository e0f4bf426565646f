//! Control and truth planes, restart, pages without hooks, and the payer as a process of its own.

use std::path::Path;

use serde_json::json;
use tests::portal::{Fault, PayerProcess};

use super::client::{APPS, HUB, crestline, request};

#[tokio::test]
async fn the_planes_refuse_strangers_and_the_truth_plane_notes_them() {
    let world = crestline().await;
    let http = reqwest::Client::new();
    for base in [&world.running.ready.truth, &world.running.ready.ctl] {
        for path in ["/entries", "/clock", "/nothing"] {
            let answer = http.get(format!("{base}{path}")).send().await.unwrap();
            assert_eq!(answer.status(), 404, "{base}{path}");
        }
    }
    assert_eq!(world.truth().of_kind("truth_refused").await.unwrap().len(), 3);
}

#[tokio::test]
async fn the_clock_and_the_knobs_are_set_from_outside() {
    let world = crestline().await;
    let control = world.control();
    assert_eq!(control.clock().await.unwrap()["now"], "2026-03-02T14:00:00Z");
    let moved = control.advance("PT4H").await.unwrap();
    assert_eq!(moved["now"], "2026-03-02T18:00:00Z");
    assert!(control.set_clock(&json!({"set": "2026-03-02T17:00:00Z"})).await.is_err());
    control.set_clock(&json!({"set": "2026-03-02T17:00:00Z", "allow_back": true})).await.unwrap();
    let scaled = control.set_clock(&json!({"mode": "scaled", "rate": 600})).await.unwrap();
    assert_eq!((&scaled["mode"], &scaled["rate"]), (&json!("scaled"), &json!(600.0)));
    assert!(control.knob("no_such_knob", 1).await.is_err());
    control.knob("dashboard_lag_s", 5).await.unwrap();
    assert_eq!(control.knobs().await.unwrap()["dashboard_lag_s"], 5);
    assert!(control.fault(&Fault::new("F99")).await.is_err());
}

#[tokio::test]
async fn a_restart_loses_and_doubles_nothing_and_keeps_the_address() {
    let world = crestline().await;
    let mut user = world.signed_in("auto01").await;
    assert_eq!(user.submit(&request("97110", 4)).await.unwrap().status, 201);
    let before = world.truth().entries(&Default::default()).await.unwrap();
    let ready = world.running.ready.clone();
    drop(user);
    let world = world.restarted().await;
    let running = &world.running;
    let after = running.ready.truth().entries(&Default::default()).await.unwrap();
    assert_eq!(after, before);
    assert_eq!((running.ready.bearer.clone(), running.ready.ca.clone()), (ready.bearer, ready.ca));
    let moved = running.ready.control().advance("PT3H").await.unwrap();
    assert_eq!(moved["happened"].as_array().unwrap().len(), 1, "the course goes on");
    let cases = running.ready.truth().cases().await.unwrap();
    assert_eq!((cases.len(), cases[0].number("authorization").is_some()), (1, true));
}

#[tokio::test]
async fn equal_inputs_give_equal_ledgers() {
    let mut runs = Vec::new();
    for _ in 0..2 {
        let world = crestline().await;
        let mut user = world.signed_in("auto01").await;
        user.submit(&request("E0601", 1)).await.unwrap();
        let mut entries = world.truth().entries(&Default::default()).await.unwrap();
        for entry in &mut entries {
            entry["real_at"] = json!(null);
            entry["conn"] = json!(null);
        }
        runs.push(entries);
    }
    assert_eq!(runs[0], runs[1]);
}

#[tokio::test]
async fn pages_load_nothing_from_elsewhere_and_carry_no_hooks() {
    let world = crestline().await;
    let mut user = world.signed_in("auto01").await;
    let files = ["/pulse.js", "/connect.css"];
    let hub = ["/", "/hub.js", "/shared.js", "/login"];
    let apps = [
        "/app",
        "/app.js",
        "/wizard.js",
        "/services.js",
        "/records.js",
        "/questionnaire",
        "/questionnaire.js",
    ];
    let all = hub
        .iter()
        .map(|path| (HUB, path))
        .chain(apps.iter().chain(&files).map(|path| (APPS, path)));
    for (host, path) in all {
        let answer = user.get(host, path).await.unwrap();
        assert_eq!(answer.status, 200, "{path}");
        let text = answer.text.to_lowercase();
        for hidden in ["data-test", "ledger", "skin", "fault", "knob", "http://"] {
            let text = text.replace("http://www.w3.org", "").replace("default", "");
            assert!(!text.contains(hidden), "{path} contains {hidden}");
        }
        for place in text.match_indices("https://") {
            let rest = text.get(place.0 + 8..).unwrap_or_default();
            assert!(
                rest.starts_with("hub.crestline.test") || rest.starts_with("apps.crestline.test"),
                "{path}"
            );
        }
    }
}

#[tokio::test]
async fn clicks_come_with_the_pulse() {
    let world = crestline().await;
    let mut user = world.signed_in("auto01").await;
    let click = json!({"clientX": 10, "clientY": 20, "target": "button Submit", "viewport": [1280, 720], "ratio": 1});
    user.post(APPS, "/pulse", &json!({"clicks": [click]})).await.unwrap();
    let pointer = world.truth().of_kind("pointer").await.unwrap();
    assert_eq!((&pointer[0]["clientX"], &pointer[0]["account"]), (&json!(10), &json!("auto01")));
}

#[tokio::test]
async fn the_payer_runs_as_a_process_and_ends_with_its_parent() {
    let dir = tempfile::tempdir().unwrap();
    let program = Path::new(env!("CARGO_BIN_EXE_payer"));
    let (state, ca) = (dir.path().join("crestline"), dir.path().join("ca"));
    let process =
        PayerProcess::start(program, "crestline", &state, &ca, &["--clock", "now"]).await.unwrap();
    assert!(process.ready.hosts.contains_key("hub.crestline.test"));
    let clock = process.ready.control().clock().await.unwrap();
    assert_eq!(clock["mode"], "scaled");
    assert!(process.ready.truth().cases().await.unwrap().is_empty());
    process.end().await.unwrap();
}
