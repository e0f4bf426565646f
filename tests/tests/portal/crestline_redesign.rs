//! Crestline redesigned: other pages, the same record; and what its eligibility page tells.

use serde_json::{Value, json};
use tests::portal::Fault;

use super::client::{APPS, Client, HUB, World, account_of, crestline};

async fn redesigned(new: bool) -> World {
    let world = crestline().await;
    if new {
        world.control().skin(&json!({"skin": "v2"})).await.unwrap();
    }
    world
}

/// The way in, by the forms of either rendering.
async fn sign_in(world: &World, user: &mut Client, new: bool) {
    let password = account_of("auto01").password.as_str();
    let page = user.get(HUB, "/login").await.unwrap();
    assert_eq!(page.text.contains("type=\"password\""), !new);
    let answer = if new {
        let page = user.form("/identify", &[("who", "auto01")]).await.unwrap();
        assert!(page.text.contains("value=\"auto01\"") && page.text.contains("Log in"));
        user.form("/login", &[("who", "auto01"), ("word", password)]).await.unwrap()
    } else {
        user.form("/login", &[("user_id", "auto01"), ("password", password)]).await.unwrap()
    };
    assert_eq!(answer.location, "/verify");
    let page = user.get(HUB, "/verify").await.unwrap();
    assert_eq!(page.text.matches("inputmode=\"numeric\"").count(), if new { 6 } else { 1 });
    let code = world.code("auto01");
    let names = ["wk1", "wk2", "wk3", "wk4", "wk5", "wk6"];
    let digits: Vec<String> = code.chars().map(String::from).collect();
    let boxes: Vec<(&str, &str)> =
        names.into_iter().zip(digits.iter().map(String::as_str)).collect();
    let one = [("code", code.as_str())];
    let answer = user.form("/verify", if new { &boxes } else { &one }).await.unwrap();
    assert_eq!(answer.location, "/#/home");
    let page = user.get(HUB, "/").await.unwrap();
    assert_eq!(page.text.contains("/ws/hub.js"), new);
    user.get(HUB, "/api/home").await.unwrap();
    user.post(HUB, "/api/reminder", &json!({"choice": "later"})).await.unwrap();
    user.confirm(world, "auto01").await.unwrap();
}

/// A request, with dates as the fields of either rendering give them.
async fn file(user: &mut Client, new: bool) -> Value {
    let (day, born) = if new { ("2026-03-09", "1980-02-14") } else { ("03/09/2026", "02/14/1980") };
    let page = user.get(APPS, "/app").await.unwrap();
    assert_eq!(page.text.contains("<title>Workspace"), new);
    for step in ["w1", "w2"] {
        user.get(APPS, &format!("/api/steps/{step}")).await.unwrap();
    }
    let path = format!("/api/patients?plan=CLM&memberId=W100000001&dob={born}");
    let found = user.get(APPS, &path).await.unwrap().json();
    assert_eq!(found["patients"].as_array().unwrap().len(), 1);
    user.post(APPS, "/api/context", &json!({"memberId": "W100000001"})).await.unwrap();
    for step in ["w3", "w4", "check"] {
        user.get(APPS, &format!("/api/steps/{step}")).await.unwrap();
    }
    user.get(APPS, "/api/codes?kind=procedure&q=70551").await.unwrap();
    let lines = json!([{"code": "70551", "units": 1}]);
    let asked = json!({"memberId": "W100000001", "lines": lines});
    user.post(APPS, "/api/precheck", &asked).await.unwrap();
    let upload = user.upload("/api/uploads?name=note.pdf", vec![65; 5000]).await.unwrap().json();
    for step in ["w5", "w6", "review"] {
        user.get(APPS, &format!("/api/steps/{step}")).await.unwrap();
    }
    let answers = json!({"weeks": 8, "recent": "yes", "weakness": "no"});
    user.get(APPS, "/questionnaire").await.unwrap();
    user.post(APPS, "/api/questionnaires", &answers).await.unwrap();
    let request = json!({
        "plan": "CLM", "requestType": "Outpatient", "memberId": "W100000001",
        "requestingNpi": "1234567893", "servicingNpi": "1999999984", "diagnoses": ["G43.909"],
        "lines": [{"code": "70551", "units": 1, "from": day, "to": day}],
        "documents": [upload["id"]], "providerReference": "CASE-1", "accurate": true,
    });
    let answer = user.submit(&request).await.unwrap();
    user.confirmation(&answer).await.unwrap().json()
}

/// A whole day's work; what the record says of it, without what may differ.
async fn days_work(new: bool) -> Vec<Value> {
    let world = redesigned(new).await;
    let mut user = world.client();
    sign_in(&world, &mut user, new).await;
    let confirmation = file(&mut user, new).await;
    assert_eq!(confirmation["status"], if new { "Pending review" } else { "PENDED" });
    let number = confirmation["number"].as_str().unwrap().to_owned();
    assert_eq!(user.found().await, std::slice::from_ref(&number));
    let detail = user.get(APPS, &format!("/api/service-reviews/{number}")).await.unwrap().json();
    assert_eq!(detail["lines"][0]["status"], if new { "Pending review" } else { "PENDED" });
    assert_eq!(
        detail["history"][1]["what"],
        if new { "70551: waits for review" } else { "70551: pended for review" }
    );
    user.get(APPS, "/api/dashboard").await.unwrap();
    user.get(APPS, "/api/claim-statuses?claim=4026000000111").await.unwrap();
    user.get(APPS, "/api/eligibility?memberId=W100000001&dob=02/14/1980").await.unwrap();
    user.get(HUB, "/logout").await.unwrap();
    let mut entries = world.truth().entries(&Default::default()).await.unwrap();
    entries.retain(|entry| entry["kind"] != "knob");
    for entry in &mut entries {
        let skin = if new { "v2" } else { "v1" };
        assert!(entry["skin"] == skin || entry["skin"].is_null(), "{entry}");
        for different in ["seq", "received_seq", "real_at", "conn", "route", "skin"] {
            entry[different] = json!(null);
        }
    }
    entries
}

#[tokio::test]
async fn the_same_work_leaves_the_same_record_in_both_renderings() {
    let (first, second) = (days_work(false).await, days_work(true).await);
    for (one, other) in first.iter().zip(&second) {
        assert_eq!(one, other);
    }
    assert_eq!(first.len(), second.len());
    assert_eq!(first.iter().filter(|entry| entry["kind"] == "submit_committed").count(), 1);
}

#[tokio::test]
async fn a_wrong_password_and_a_wrong_code_are_told_as_before() {
    let world = redesigned(true).await;
    let mut user = world.client();
    let page = user.form("/login", &[("who", "auto01"), ("word", "no")]).await.unwrap();
    assert!(page.text.contains("not correct") && page.text.contains("action=\"/identify\""));
    let password = account_of("auto01").password.as_str();
    user.form("/login", &[("who", "auto01"), ("word", password)]).await.unwrap();
    let page = user.form("/verify", &[("wk1", "0"), ("wk6", "1")]).await.unwrap();
    assert!(page.text.contains("The code is not valid") && page.text.contains("name=\"wk6\""));
    let spare = user.get(HUB, "/verify?backup=1").await.unwrap();
    assert!(spare.text.contains("Backup code"));
    let code = account_of("auto01").backup_codes[0].as_str();
    let answer = user.form("/verify", &[("code", code), ("backup", "1")]).await.unwrap();
    assert_eq!(answer.location, "/#/home");
}

#[tokio::test]
async fn the_organization_is_chosen_from_cards() {
    let world = redesigned(true).await;
    world.control().knob("organizations", 2).await.unwrap();
    let mut user = world.client();
    let password = account_of("auto01").password.as_str();
    user.form("/login", &[("who", "auto01"), ("word", password)]).await.unwrap();
    let code = world.code("auto01");
    let answer = user.form("/verify", &[("code", &code)]).await.unwrap();
    assert_eq!(answer.location, "/organization");
    let page = user.get(HUB, "/organization").await.unwrap();
    assert!(page.text.matches("type=\"radio\"").count() == 2 && !page.text.contains("checked"));
    let page = user.form("/organization", &[]).await.unwrap();
    assert!(page.text.contains("Select an organization."));
    let answer = user.form("/organization", &[("office", "Willowmere Clinic")]).await.unwrap();
    assert_eq!(answer.location, "/#/home");
}

#[tokio::test]
async fn redesigned_pages_load_nothing_from_elsewhere_and_carry_no_hooks() {
    let world = redesigned(true).await;
    let mut user = world.client();
    sign_in(&world, &mut user, true).await;
    let hub = ["/", "/login", "/ws/hub.js", "/ws/digits.js", "/ws/sheet.css"];
    let apps = ["/app", "/questionnaire", "/ws/core.js", "/ws/app.js", "/ws/parts.js"];
    let more = ["/ws/wizard.js", "/ws/records.js", "/ws/asked.js"];
    let all = hub.iter().map(|path| (HUB, path));
    for (host, path) in all.chain(apps.iter().chain(&more).map(|path| (APPS, path))) {
        let answer = user.get(host, path).await.unwrap();
        assert_eq!(answer.status, 200, "{path}");
        let text = answer.text.to_lowercase().replace("default", "");
        for hidden in ["data-test", "ledger", "skin", "fault", "knob", "http://", "v2"] {
            assert!(!text.contains(hidden), "{path} contains {hidden}");
        }
        for (_, rest) in text.match_indices("https://").map(|(at, found)| (found, &text[at + 8..]))
        {
            assert!(rest.starts_with("hub.crestline.test") || rest.starts_with("apps."), "{path}");
        }
    }
}

#[tokio::test]
async fn eligibility_is_asked_for_a_day() {
    let world = crestline().await;
    let mut user = world.signed_in("auto01").await;
    let mut ask = async |query: &str| {
        let answer = user.get(APPS, &format!("/api/eligibility?{query}")).await.unwrap();
        (answer.status.as_u16(), answer.json())
    };
    let (_, today) = ask("memberId=W100000001&dob=02/14/1980").await;
    assert_eq!((&today["status"], &today["day"]), (&json!("Active"), &json!("03/02/2026")));
    assert_eq!(today["benefits"].as_array().unwrap().len(), 3);
    let cedar = "memberId=W100000003&dob=06/01/1991";
    let (_, now) = ask(cedar).await;
    assert_eq!((&now["status"], &now["ended"]), (&json!("Not active"), &json!("01/31/2026")));
    let (_, before) = ask(&format!("{cedar}&day=01/15/2026")).await;
    assert_eq!(before["status"], "Active");
    // Fernbrook shows no figure for what is left, and no copayment at all.
    assert_eq!(before["benefits"][1]["in"], "Not available");
    assert_eq!(before["benefits"].as_array().unwrap().len(), 2);
    assert_eq!(ask(&format!("{cedar}&day=soon")).await.0, 422);
    assert_eq!(ask("memberId=W100000003&dob=06/02/1991").await.1["message"], "No patient found.");
}

#[tokio::test]
async fn a_search_can_show_somebody_else_for_a_moment() {
    let world = crestline().await;
    let mut user = world.signed_in("auto01").await;
    let path = "/api/patients?plan=CLM&memberId=W100000001&dob=02/14/1980";
    assert_eq!(user.get(APPS, path).await.unwrap().json()["before"], json!(null));
    world.control().fault(&Fault::new("F27").at("patient")).await.unwrap();
    let answer = user.get(APPS, path).await.unwrap().json();
    assert_eq!(answer["patients"][0]["memberId"], "W100000001");
    assert_eq!(answer["before"][0]["memberId"], "W100000002");
}
