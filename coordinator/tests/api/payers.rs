//! `/v1/payers`.

use coordinator::access::Role;
use serde_json::json;

use crate::test_app::{TestApp, claim_status, failed, payer};

#[tokio::test]
async fn limits_and_permission_change_what_is_leased() {
    let app = TestApp::new().await;
    let (_, job) = app.take_in("harbor", &claim_status("W100000001")).await;
    let agent = app.hello("a1", 2).await;
    let seen = app.get(Role::Viewer, "payers/harbor").await.good();
    let no = json!({"state": "unknown", "basis": "terms_reviewed", "tasks": [],
                    "expires_at": "2027-01-01T00:00:00Z", "reason": "their letter of 2 March"});
    let changed =
        app.change(Role::Admin, "payers/harbor/permission", &seen["rev"], &no).await.good();
    assert_eq!(changed["profile"]["permission"]["state"], "unknown");
    assert_eq!(changed["profile"]["permission"]["decided_by"], "admin");
    assert!(app.lease(&agent, 2).await.is_empty());
    let stale = app.change(Role::Admin, "payers/harbor/permission", &seen["rev"], &no).await;
    assert_eq!(stale.problem(), (409, "conflict".into()));
    let yes = json!({"state": "permitted", "basis": "written_permission", "tasks": ["claim_status"],
                     "expires_at": "2027-01-01T00:00:00Z", "reason": "they allowed it"});
    let changed =
        app.change(Role::Admin, "payers/harbor/permission", &changed["rev"], &yes).await.good();
    let limits = json!({"reason": "asked by the payer", "limits": {"sessions_max": 7, "gap_ms": 5,
                        "pages_per_minute": 60, "logins_per_hour_max": 9}});
    let changed =
        app.change(Role::Admin, "payers/harbor/limits", &changed["rev"], &limits).await.good();
    assert_eq!(changed["profile"]["limits"]["sessions_max"], 7);
    assert!(["ready", "waiting"].contains(&app.job(&job).await["state"].as_str().unwrap()));
}

#[tokio::test]
async fn a_prohibition_waits_for_a_second_person() {
    let app = TestApp::new().await;
    let path = "payers/harbor/permission";
    let seen = app.get(Role::Viewer, "payers/harbor").await.good();
    let no = json!({"state": "prohibited", "basis": "terms_reviewed", "tasks": [],
                    "expires_at": "2027-01-01T00:00:00Z", "reason": "their letter of 2 March"});
    let prohibited = app.change(Role::Admin, path, &seen["rev"], &no).await.good();
    let yes = json!({"state": "registered", "basis": "payer_registration", "tasks": ["claim_status"],
                     "document": "REG-2026-114", "conditions": "at night only", "accounts": ["clinic"],
                     "reviewer": "R. Gale", "named_identity": true,
                     "expires_at": "2027-01-01T00:00:00Z", "reason": "they registered us"});
    let mut without = yes.clone();
    without.as_object_mut().unwrap().remove("document");
    let told = app.change(Role::Admin, path, &prohibited["rev"], &without).await;
    assert_eq!(told.problem().0, 422, "a registration has a number");
    let proposed = app.change(Role::Admin, path, &prohibited["rev"], &yes).await.good();
    assert_eq!(proposed["profile"]["permission"]["state"], "prohibited");
    assert_eq!(proposed["proposal"]["permission"]["document"], "REG-2026-114");
    let because = json!({"reason": "I agree with myself"});
    let second = "payers/harbor/second_permission";
    let alone = app.change(Role::Admin, second, &proposed["rev"], &because).await;
    assert_eq!(alone.problem(), (409, "not-allowed".into()));
    let who =
        json!({"account": "clinic", "identity": "fleet 7", "owner": "R. Gale", "reason": "asked"});
    let named =
        app.change(Role::Admin, "payers/harbor/identity", &proposed["rev"], &who).await.good();
    assert_eq!(named["credentials"][0]["identity"], "fleet 7");
    assert_eq!(named["blocked"][0]["why"], "not_permitted");
}

#[tokio::test]
async fn a_payer_tells_how_its_rules_stand() {
    let app = TestApp::new().await;
    let shown = app.get(Role::Viewer, "payers/crestline").await.good();
    let rules = shown["politeness"].as_array().unwrap();
    assert!(rules.iter().any(|r| r["rule"] == "breaker" && r["says"] == "closed"), "{rules:?}");
    assert!(rules.iter().all(|r| r["blocks"].is_null()), "{rules:?}");
    let none = app.get(Role::Viewer, "quarantine").await.good();
    assert!(none["since"].is_null());
    let because = json!({"reason": "nothing to lift"});
    let told = app.change(Role::Admin, "quarantine/lift", &none["rev"], &because).await;
    assert_eq!(told.problem(), (409, "not-allowed".into()));
}

#[tokio::test]
async fn the_register_is_read_whole_and_exported() {
    let app = TestApp::new().await;
    let all = app.get(Role::Viewer, "register").await.good();
    let crestline = all["items"].as_array().unwrap().iter().find(|e| e["payer"] == "crestline");
    let crestline = crestline.unwrap();
    assert_eq!((&crestline["channel"], &crestline["may_submit"]), (&json!("portal"), &json!(true)));
    assert!(crestline["suspended"].is_null() && crestline["accounts"][0]["account"] == "clinic");
    let csv = app.get(Role::Viewer, "register?payer=harbor&format=csv").await;
    let text = String::from_utf8(csv.body).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 2, "{text}");
    assert!(lines[0].contains("may_read") && lines[1].contains("harbor"), "{text}");
    let wrong = app.get(Role::Viewer, "register?format=xml").await;
    assert_eq!(wrong.problem().0, 400);
}

#[tokio::test]
async fn a_paused_payer_says_so() {
    let app = TestApp::new().await;
    let (_, job) = app.take_in("crestline", &claim_status("W100000001")).await;
    let agent = app.hello("a1", 2).await;
    let rev = app.get(Role::Viewer, "payers/crestline").await.good()["rev"].clone();
    let because = json!({"reason": "portal upgrade tonight"});
    let paused = app.change(Role::Operator, "payers/crestline/pause", &rev, &because).await.good();
    assert!(app.lease(&agent, 1).await.is_empty());
    let says = app.job(&job).await["blocked"].clone();
    assert_eq!(says, "the payer is paused: portal upgrade tonight");
    let resume = "payers/crestline/resume";
    app.change(Role::Operator, resume, &paused["rev"], &because).await.good();
    assert_eq!(app.lease(&agent, 1).await.len(), 1);
}

#[tokio::test]
async fn a_refused_account_needs_new_secrets_or_a_persons_word() {
    let app = TestApp::new().await;
    let agent = app.hello("a1", 2).await;
    let refuse = async |member: &str| {
        app.take_in("crestline", &claim_status(member)).await;
        let lease = app.lease(&agent, 1).await.remove(0);
        app.agent("report", &failed(&agent, &lease, "login_rejected")).await.good();
        let seen = app.get(Role::Viewer, "payers/crestline").await.good();
        assert_eq!(seen["credentials"][0]["state"], "refused");
        assert!(seen["credentials"][0]["refused_at"].is_string());
        seen["rev"].clone()
    };
    let rev = refuse("W100000001").await;
    let path = "payers/crestline/clear_account";
    let clear = json!({"account": "clinic", "reason": "unlocked on the phone"});
    for wrong in [
        json!({"account": "other", "reason": "unlocked on the phone"}),
        json!({"account": "clinic", "reason": ""}),
    ] {
        assert_eq!(app.change(Role::Operator, path, &rev, &wrong).await.problem().0, 422);
    }
    let cleared = app.change(Role::Operator, path, &rev, &clear).await.good();
    assert_eq!(cleared["credentials"][0]["state"], "good");
    let twice = app.change(Role::Operator, path, &cleared["rev"], &clear).await;
    assert_eq!(twice.problem(), (409, "not-allowed".into()));
    refuse("W100000002").await;
    let body =
        json!({"account": "clinic", "secrets": {"user": "u-7", "password": "Pa55-never-seen"}});
    let set = app.put(Role::Admin, "payers/crestline/credential", &body).await.good();
    assert_eq!(set["credentials"][0]["state"], "good");
    let audit = app.get(Role::Admin, "audit?limit=200").await.good();
    let entries = audit["items"].as_array().unwrap();
    let of = |act: &str| entries.iter().find(|e| e["act"] == act).unwrap()["detail"].clone();
    assert_eq!(of("credential.cleared")["reason"], "unlocked on the phone");
    assert_eq!(of("credential.recorded")["was_refused"], true);
}

#[tokio::test]
async fn secrets_go_in_and_never_come_out() {
    let app = TestApp::new().await;
    let body =
        json!({"account": "clinic-7", "secrets": {"user": "u-7", "password": "Pa55-never-seen"}});
    let put = app.put(Role::Admin, "payers/harbor/credential", &body).await;
    put.good();
    for reply in [
        put,
        app.get(Role::Admin, "payers/harbor").await,
        app.get(Role::Admin, "payers").await,
        app.get(Role::Admin, "audit?limit=200").await,
    ] {
        let text = String::from_utf8_lossy(&reply.body).into_owned();
        assert!(!text.contains("Pa55-never-seen") && !text.contains("u-7"), "{text}");
    }
    let listed = app.get(Role::Viewer, "payers/harbor").await.good();
    let account = listed["credentials"]
        .as_array()
        .unwrap()
        .iter()
        .find(|c| c["account"] == "clinic-7")
        .unwrap();
    assert_eq!(
        (&account["aliases"], &account["state"]),
        (&json!(["password", "user"]), &json!("good"))
    );
    for bad in [
        json!({"account": "x", "secrets": {"user": "u"}}),
        json!({"account": "", "secrets": {"user": "u", "password": "Pa55-never-seen"}}),
        json!({"account": "x", "secrets": {"user": "u", "password": 7}}),
        json!({"account": "x", "secrets": {"user": "u", "password": "Pa55-never-seen"}, "note": "x"}),
    ] {
        let reply = app.put(Role::Admin, "payers/harbor/credential", &bad).await;
        assert_eq!(reply.problem().0, 422);
        assert!(!String::from_utf8_lossy(&reply.body).contains("Pa55-never-seen"));
    }
    let reply = app.put(Role::Admin, "payers/nobody/credential", &body).await;
    assert_eq!(reply.problem(), (404, "not-found".into()));
    for file in walk(app.dir.path()) {
        let bytes = std::fs::read(&file).unwrap();
        assert!(!bytes.windows(15).any(|w| w == b"Pa55-never-seen"), "{}", file.display());
    }
}

fn walk(at: &std::path::Path) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(at).unwrap().map(|e| e.unwrap().path());
    entries.flat_map(|p| if p.is_dir() { walk(&p) } else { vec![p] }).collect()
}

#[tokio::test]
async fn profiles_are_checked() {
    let app = TestApp::new().await;
    let good = serde_json::to_value(payer("acme", 3)).unwrap();
    assert_eq!(app.put(Role::Admin, "payers/acme", &good).await.good()["id"], "acme");
    let again = app.put(Role::Admin, "payers/acme", &good).await;
    assert_eq!(again.problem(), (428, "precondition-required".into()), "known by now");
    let mut renamed = good.clone();
    renamed["name"] = json!("Acme Health");
    let put = async |rev: &str, body: &serde_json::Value| {
        let call = (axum::http::Method::PUT, "payers/acme");
        app.call(Role::Admin, call, &[("if-match", rev)], Some(body)).await
    };
    assert_eq!(put("\"7\"", &renamed).await.problem(), (409, "conflict".into()));
    assert_eq!(put("seven", &renamed).await.problem().0, 400);
    let rev = app.get(Role::Admin, "payers/acme").await.good()["rev"].to_string();
    assert_eq!(put(&rev, &renamed).await.good()["profile"]["name"], "Acme Health");
    let rev = app.get(Role::Admin, "payers/acme").await.good()["rev"].to_string();
    renamed["permission"]["expires_at"] = json!("2101-01-01T00:00:00Z");
    assert_eq!(put(&rev, &renamed).await.problem(), (409, "not-allowed".into()));
    let elsewhere = app.put(Role::Admin, "payers/other", &good).await;
    assert_eq!(elsewhere.problem(), (422, "invalid".into()));
    for (at, value) in [
        ("/id", json!("Acme Inc")),
        ("/time_zone", json!("Mars/Olympus")),
        ("/permission/state", json!("maybe")),
    ] {
        let mut bad = good.clone();
        *bad.pointer_mut(at).unwrap() = value;
        let path = format!("payers/{}", bad["id"].as_str().unwrap().replace(' ', "%20"));
        let call = (axum::http::Method::PUT, path.as_str());
        let refused = app.call(Role::Admin, call, &[("if-match", "1")], Some(&bad)).await;
        assert_eq!(refused.problem().0, 422, "{at}");
    }
}
