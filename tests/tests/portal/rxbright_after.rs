//! RxBright ePA after the first sending: the second round, decisions, renewals, the dashboard, knobs, both renderings, restart.

use serde_json::{Value, json};
use tests::portal::Act;

use super::rxbright_client::{first_answers, rx};

#[tokio::test]
async fn step_therapy_decides_and_silence_denies() {
    let rx = rx().await;
    let user = rx.signed_in("auto01").await;
    let without = user.sent("J1745", false).await;
    let silent = user.sent("J1745", true).await;
    let unshown = user.sent("J1745", true).await;
    rx.control().advance("PT20M").await.unwrap();
    assert_eq!(
        (user.status(&without).await.as_str(), user.status(&silent).await.as_str()),
        ("Submitted", "Follow Up")
    );
    user.sign(&unshown).await;
    assert_eq!(user.send(&unshown).await.unwrap().status, 200);
    rx.control().advance("PT2H").await.unwrap();
    rx.control().knob("second_round", false).await.unwrap();
    let user = rx.signed_in("auto01").await;
    assert_eq!(user.status(&unshown).await, "Denied");
    let single = user.sent("J1745", true).await;
    rx.control().advance("PT2H").await.unwrap();
    let user = rx.signed_in("auto01").await;
    assert_eq!(user.status(&single).await, "Approved");
    rx.control().advance("PT20H").await.unwrap();
    let user = rx.signed_in("auto01").await;
    for key in [&without, &silent] {
        let detail = user.detail(key).await;
        assert_eq!(
            (&detail["status"], &detail["decision"]["reason"]),
            (&json!("Denied"), &json!("Step therapy was not shown."))
        );
    }
}

#[tokio::test]
async fn reviewers_decisions_are_told_in_the_portals_words() {
    let rx = rx().await;
    let user = rx.signed_in("auto01").await;
    let key = user.sent("J1750", false).await;
    let wanted = Act::RequestInfo { documents: vec!["Office note".to_owned()] };
    rx.control().act(&key, &wanted).await.unwrap();
    let detail = user.detail(&key).await;
    assert_eq!(
        (&detail["status"], &detail["wanted"][0]),
        (&json!("Follow Up"), &json!("Office note"))
    );
    user.sign(&key).await;
    assert!(user.send(&key).await.unwrap().says("Attach what the plan asked for."));
    user.attach(&key, "note.pdf", b"%PDF-1.4").await;
    assert_eq!(user.send(&key).await.unwrap().status, 200);
    assert_eq!(user.status(&key).await, "Submitted");
    rx.control().act(&key, &Act::Modify { units: 4 }).await.unwrap();
    let detail = user.detail(&key).await;
    assert_eq!(
        (&detail["status"], &detail["decision"]["quantity"]),
        (&json!("Approved"), &json!("4 of 40"))
    );
    rx.control().act(&key, &Act::Deny { reason: "Not shown.".to_owned() }).await.unwrap();
    let detail = user.detail(&key).await;
    assert_eq!(
        (&detail["decision"]["reason"], &detail["decision"]["authorization"]),
        (&json!("Not shown."), &Value::Null)
    );
    rx.control().act(&key, &Act::Cancel).await.unwrap();
    let detail = user.detail(&key).await;
    assert_eq!(detail["decision"]["note"], "This request was cancelled by the plan.");
}

#[tokio::test]
async fn a_renewal_has_a_new_key_and_the_old_values() {
    let rx = rx().await;
    let filing = json!({"memberId": "R400000014", "requestingNpi": "1234567893", "diagnoses": ["K50.90"],
        "sixWeeksOfTherapy": true, "lines": [{"code": "J1745", "units": 10, "from": "2025-12-01", "to": "2026-03-01"}]});
    let filed = rx.control().file(&serde_json::from_value(filing).unwrap()).await.unwrap();
    let old = filed["case"].as_str().unwrap().to_owned();
    let user = rx.signed_in("auto01").await;
    let path = format!("/api/requests/{old}/renew");
    assert!(user.call("POST", &path, &json!({})).await.says("Only a decided request"));
    rx.control().act(&old, &Act::Approve).await.unwrap();
    let begun = user.call("POST", &path, &json!({})).await;
    let key = begun.body["key"].as_str().unwrap().to_owned();
    assert_ne!(key, old);
    let detail = user.detail(&key).await;
    assert_eq!((&detail["renewedFrom"], &detail["signed"]), (&json!(old), &Value::Null));
    let answers = &detail["answers"];
    assert_eq!(
        (&answers["weight"], &answers["start"], &answers["step"]),
        (&json!("71"), &json!("12/01/2025"), &json!("true"))
    );
    assert_eq!(
        (&detail["left"], &detail["waiting"]),
        (&json!(0), &json!(false)),
        "nothing forces a look at them"
    );
    let found = user.get("/api/search?lastName=&dob=&drug=&number=RX-4100002").await;
    assert_eq!(found.body["rows"][0]["key"], old.as_str());
}

#[tokio::test]
async fn the_dashboard_comes_in_pieces_by_last_activity() {
    let rx = rx().await;
    let user = rx.signed_in("auto01").await;
    let oldest = user.begun(&json!({"anyway": true})).await;
    for _ in 0..26 {
        rx.control().advance("PT1S").await.unwrap();
        user.begun(&json!({"anyway": true})).await;
    }
    let first = user.get("/api/requests").await;
    assert_eq!(
        (first.body["rows"].as_array().unwrap().len(), &first.body["more"]),
        (25, &json!(true))
    );
    assert!(!first.says(&oldest));
    let rest = user.get("/api/requests?after=25").await;
    assert_eq!(
        (rest.body["rows"].as_array().unwrap().len(), &rest.body["more"]),
        (2, &json!(false))
    );
    assert!(rest.says(&oldest));
    rx.control().advance("PT1S").await.unwrap();
    user.save(&oldest, &json!({"quantity": "1"})).await;
    assert_eq!(user.get("/api/requests").await.body["rows"][0]["key"], oldest.as_str());
    let waiting = user.get("/api/requests?status=Submitted").await;
    assert!(waiting.body["rows"].as_array().unwrap().is_empty());
    assert_eq!(user.get("/api/requests?status=Lost").await.status, 422);
}

#[tokio::test]
async fn knobs_change_what_they_say() {
    let rx = rx().await;
    let control = rx.control();
    let user = rx.signed_in("auto01").await;
    let page = user.get("/dashboard").await;
    assert!(page.says("\"toastMs\":3000") && page.says("\"reconnectMs\":0"));
    control.knob("toast_s", 9).await.unwrap();
    control.knob("reconnect_ms", 700).await.unwrap();
    let page = user.get("/dashboard").await;
    assert!(page.says("\"toastMs\":9000") && page.says("\"reconnectMs\":700"));
    control.knob("esign", "not").await.unwrap();
    let key = user.begun(&json!({})).await;
    user.save(&key, &first_answers()).await;
    assert_eq!(user.detail(&key).await["esign"], false);
    assert_eq!(user.send(&key).await.unwrap().status, 200, "nobody has to sign");
    control.knob("status_down", true).await.unwrap();
    for path in ["/api/requests", "/api/search?number=X", &format!("/api/requests/{key}")] {
        assert!(user.get(path).await.says("Status information is unavailable"), "{path}");
    }
    control.knob("status_down", false).await.unwrap();
    control.knob("number_format", "b").await.unwrap();
    let odd = user.begun(&json!({"drug": "J1750"})).await;
    assert!(odd.len() == 10 && odd.contains('-') && odd.to_lowercase() == odd, "{odd}");
    control.act(&key, &Act::Approve).await.unwrap();
    let number = user.detail(&key).await["decision"]["authorization"].as_str().unwrap().to_owned();
    assert!(number.starts_with("rx-") && number.len() == 12, "{number}");
    control.knob("passkey_nag", false).await.unwrap();
    let user = rx.signed_in("auto01").await;
    assert_eq!(user.get("/api/me").await.body["overlay"], Value::Null);
}

#[tokio::test]
async fn both_renderings_keep_the_same_record() {
    let mut kinds = Vec::new();
    for skin in ["v1", "v2"] {
        let rx = rx().await;
        rx.control().skin(&json!({"skin": skin})).await.unwrap();
        let script = if skin == "v1" { "/static/app.js" } else { "/static/desk.js" };
        assert!(rx.stranger().get("/account").await.says(script));
        let user = rx.signed_in("auto01").await;
        let page = user.get("/dashboard").await;
        assert!(page.says(script) && !page.says(skin), "a page does not say which it is");
        let source = user.get(script).await;
        assert!(source.status == 200 && !source.says("data-test"));
        let key = user.sent("J1745", true).await;
        let path = format!("/api/requests/{key}/changes");
        user.call("POST", &path, &json!({"answers": {"quantity": "20"}})).await;
        let mut lines = Vec::new();
        for mut entry in rx.truth().entries(&Default::default()).await.unwrap() {
            if entry["channel"] == "portal" {
                if !entry["portal_session"].is_null() {
                    assert_eq!(entry["skin"], skin);
                }
                for name in ["seq", "received_seq", "real_at", "skin", "conn", "h2_stream"] {
                    entry.as_object_mut().unwrap().remove(name);
                }
                lines.push(entry);
            }
        }
        kinds.push(lines);
    }
    assert_eq!(kinds[0], kinds[1]);
    assert!(kinds[0].iter().any(|entry| entry["kind"] == "edit_committed"));
}

#[tokio::test]
async fn a_restart_keeps_requests_links_and_what_is_still_to_come() {
    let rx = rx().await;
    let user = rx.signed_in("auto01").await;
    let sent = user.sent("J1745", true).await;
    let draft = user.begun(&json!({"drug": "J1750"})).await;
    user.save(&draft, &json!({"quantity": "7"})).await;
    let before = rx.truth().entries(&Default::default()).await.unwrap();
    drop(user);
    let rx = rx.restarted().await;
    assert_eq!(rx.truth().entries(&Default::default()).await.unwrap(), before);
    let user = rx.signed_in("auto01").await;
    assert_eq!(user.detail(&draft).await["answers"]["quantity"], "7");
    let happened = rx.control().advance("PT20M").await.unwrap();
    assert_eq!(happened["happened"].as_array().unwrap().len(), 1);
    assert_eq!(user.status(&sent).await, "Follow Up");
}

#[tokio::test]
async fn the_answer_key_names_elements_of_the_scripts_and_words_of_the_pages() {
    let key: Vec<Value> =
        serde_json::from_str(include_str!("../../world/skins/rxbright.json")).unwrap();
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../scripts/rxbright");
    let rx = rx().await;
    let user = rx.stranger();
    let mut sources = Vec::new();
    for name in ["app", "desk"] {
        let first = user.get(&format!("/static/{name}.js")).await.text;
        let second = user.get(&format!("/static/{name}-request.js")).await.text;
        sources.push(first + &second);
    }
    let mut seen = std::collections::BTreeSet::new();
    for entry in &key {
        let element = entry["element"].as_str().unwrap();
        assert!(seen.insert(element), "{element} twice");
        let (prefix, name) = element.split_once('.').unwrap();
        let fragment = matches!(prefix, "shell" | "form");
        let folder = if fragment { "/fragments" } else { "" };
        let script = std::fs::read_to_string(format!("{root}{folder}/{prefix}.yaml")).unwrap();
        assert!(script.contains(&format!("\n  {name}:")), "{element} is no element of its script");
        for (skin, source) in ["v1", "v2"].into_iter().zip(&sources) {
            let control = &entry[skin];
            if control["role"] == "button" {
                let words = control["name"].as_str().unwrap();
                let announced = element == "shell.notice_close" && skin == "v1";
                assert!(source.contains(words) || announced, "{element} in {skin}: {words}");
            }
        }
    }
    assert!(key.len() > 50);
}
