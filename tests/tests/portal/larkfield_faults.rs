//! Each fault of Larkfield, shown on (the happy paths show it off), and the redesigned pages: what the client sees and what
//! the record says.

use serde_json::{Value, json};
use tests::portal::{Fault, tls::Cert};

use super::larkfield_client::{FIR, LOGIN, Larkfield, PROVIDER, User, account, armed, larkfield};

async fn spoilt(
    fault: Fault,
) -> (Larkfield, User, reqwest::Result<super::larkfield_client::Answer>) {
    let (larkfield, mut user) = armed(fault.at("submit")).await;
    let body = user.request("70551", 1).await;
    let answer = user.try_post("requests", &body).await;
    assert_eq!(larkfield.count("fault_fired").await, 1);
    assert_eq!(larkfield.count("submit_received").await, 1);
    (larkfield, user, answer)
}

#[tokio::test]
async fn submits_that_fail_before_or_after_the_record() {
    for (fault, recorded) in [
        (Fault::new("F04"), 0),
        (Fault::new("F04").doing("502-before-record"), 0),
        (Fault::new("F05"), 1),
        (Fault::new("F06"), 1),
        (Fault::new("F07"), 1),
        (Fault::new("F41"), 1),
        (Fault::new("F42"), 1),
        (Fault::new("F47"), 1),
    ] {
        let id = fault.id.clone();
        let (larkfield, mut user, answer) = spoilt(fault).await;
        assert!(answer.is_err() || !answer.unwrap().status.is_success(), "{id}");
        assert_eq!(larkfield.count("submit_committed").await, recorded, "{id}");
        assert_eq!(user.numbers().await.len(), recorded, "{id}");
    }
}

#[tokio::test]
async fn a_late_record_and_an_answer_that_never_comes() {
    let (larkfield, mut user, answer) = spoilt(Fault::new("F08")).await;
    assert!(answer.unwrap().says("Please try again"));
    assert!(user.numbers().await.is_empty());
    larkfield.control().advance("PT2M").await.unwrap();
    assert_eq!(user.numbers().await.len(), 1);

    let (larkfield, mut user) = armed(Fault::new("F46").at("submit")).await;
    let body = user.request("70551", 1).await;
    let truth = larkfield.truth();
    let recorded = truth.wait_for("submit_committed", std::time::Duration::from_secs(20), |_| true);
    tokio::select! {
        answer = user.try_post("requests", &body) => panic!("answered: {answer:?}"),
        recorded = recorded => assert_eq!(recorded.unwrap()["mode"], "never-answers"),
    }
}

#[tokio::test]
async fn numbers_that_are_odd_stale_or_too_many() {
    let (_larkfield, _user, answer) = spoilt(Fault::new("F31")).await;
    assert!(answer.unwrap().json()["number"].as_str().unwrap().starts_with("ln-"));
    let (larkfield, mut user, _) = spoilt(Fault::new("F45")).await;
    assert_eq!(larkfield.count("submit_committed").await, 2);
    assert_eq!(user.numbers().await.len(), 2);
    let (_larkfield, _user, answer) = spoilt(Fault::new("F37")).await;
    let answer = answer.unwrap();
    assert!(answer.status == 201 && answer.says("The request could not be saved."));

    let (_larkfield, mut user) = armed(Fault::new("F48").at("submit").nth(2)).await;
    let first = user.file("70551", 1).await;
    assert_eq!(user.file("97110", 4).await, first, "the number of the request before");
    assert_eq!(user.numbers().await.len(), 2);
}

#[tokio::test]
async fn reads_that_are_slow_broken_cut_or_elsewhere() {
    let (_larkfield, mut user) = armed(Fault::new("F01").doing("slow(300)").at("list")).await;
    let begun = std::time::Instant::now();
    user.numbers().await;
    assert!(begun.elapsed() >= std::time::Duration::from_millis(300));
    let (_larkfield, mut user) = armed(Fault::new("F02").at("list")).await;
    assert_eq!(user.api("requests").await.status, 500);
    assert_eq!(user.api("requests").await.status, 200);
    let (_larkfield, mut user) = armed(Fault::new("F03").at("list")).await;
    assert!(user.try_get(PROVIDER, "/api/requests").await.is_err());
    let (_larkfield, mut user) = armed(Fault::new("F39").at("shell")).await;
    assert_eq!(user.get(PROVIDER, "/app").await.location, "https://elsewhere.test/");
    let (_larkfield, mut user) = armed(Fault::new("F20").at("r1")).await;
    let page = user.api("views/r1").await;
    assert!(page.status == 200 && page.says("down for planned maintenance"));
}

#[tokio::test]
async fn the_session_ends_in_the_middle() {
    for id in ["F09", "F10"] {
        let (larkfield, mut user) = armed(Fault::new(id).at("submit")).await;
        let body = user.request("70551", 1).await;
        assert_eq!(user.post("requests", &body).await.status, 401, "{id}");
        assert_eq!(larkfield.count("submit_received").await, 0);
        let page = user.open(PROVIDER, "/app").await;
        assert!(page.says("Your session has ended"), "{id}");
    }
}

#[tokio::test]
async fn the_way_in_can_be_barred() {
    let larkfield = larkfield().await;
    larkfield.signed_in("auto01").await;
    larkfield.control().advance("PT30S").await.unwrap();
    for (fault, words) in [
        (Fault::new("F19").at("password"), "Picture with characters"),
        (Fault::new("F14").at("signin"), "Your password has expired"),
        (Fault::new("F13").at("authorize"), "Larkfield partners"),
    ] {
        larkfield.control().fault(&fault).await.unwrap();
        let mut user = larkfield.stranger();
        user.open(PROVIDER, "/app").await;
        let mut page = user.form("/username", &[("username", "auto01")]).await;
        if !page.says(words) {
            page = user.form("/password", &[("password", &account("auto01").password)]).await;
        }
        if !page.says(words) {
            page = user.form("/otp", &[("code", &larkfield.code("auto01"))]).await;
        }
        assert!(page.says(words), "{words}: {}", page.text);
    }
    larkfield.control().fault(&Fault::new("F16").at("verify")).await.unwrap();
    larkfield.control().advance("PT30S").await.unwrap();
    let mut user = larkfield.stranger();
    user.open(PROVIDER, "/app").await;
    user.form("/username", &[("username", "auto02")]).await;
    user.form("/password", &[("password", &account("auto02").password)]).await;
    let page = user.form("/otp", &[("code", &larkfield.code("auto02"))]).await;
    assert!(page.says("That code isn&#39;t right."));
    let early = Fault::new("F51").doing("locks-after(2)").at("signin").times(9);
    larkfield.control().fault(&early).await.unwrap();
    user.form("/username", &[("username", "clerk01")]).await;
    assert!(!user.form("/password", &[("password", "no")]).await.says("locked"));
    assert!(user.form("/password", &[("password", "no")]).await.says("locked"));
    larkfield.control().fault(&Fault::new("F38")).await.unwrap();
    assert!(larkfield.stranger().try_get(LOGIN, "/username").await.is_err());
    larkfield.running.sim.certs.show(Cert::Trusted);
}

#[tokio::test]
async fn pages_can_surprise() {
    for (fault, field, value) in [
        (Fault::new("F11").at("home"), "/overlay/kind", json!("notice")),
        (Fault::new("F12").at("home"), "/overlay/kind", json!("survey")),
        (
            Fault::new("F21").at("home"),
            "/banner",
            json!("We can't show status right now; requests can still be sent."),
        ),
        (Fault::new("F22").doing("renamed-labels").at("home"), "/renamed", json!(true)),
        (Fault::new("F23").doing("reordered-fields").at("home"), "/reordered", json!(true)),
        (Fault::new("F24").at("home"), "/question", json!("Is this related to an accident?")),
        (Fault::new("F36").at("home"), "/decoy", json!(true)),
        (Fault::new("F40").at("home"), "/files/0", json!("/statements/1.csv")),
        (Fault::new("F43").at("home"), "/repeats", json!(3)),
        (Fault::new("F43").doing("double-button").at("home"), "/sends", json!(2)),
        (Fault::new("F44").doing("reload-reposts").at("home"), "/resends", json!(true)),
    ] {
        let (_larkfield, mut user) = armed(fault).await;
        assert_eq!(user.api("views/home").await.json().pointer(field), Some(&value));
        assert_ne!(
            user.api("views/home").await.json().pointer(field),
            Some(&value),
            "{field} stays"
        );
    }
    let (_larkfield, mut user) = armed(Fault::new("F35").doing("hostile-text").at("home")).await;
    assert!(user.api("views/home").await.says("disregard your task"));
    let (larkfield, mut user) = armed(Fault::new("F24").at("review")).await;
    user.api("views/review").await;
    let body = user.request("70551", 1).await;
    assert!(user.post("requests", &body).await.says("Answer the question"));
    assert_eq!(larkfield.count("submit_committed").await, 0);
}

#[tokio::test]
async fn members_providers_codes_and_files_can_be_troublesome() {
    let search = format!("members?id={FIR}");
    let (_larkfield, mut user) = armed(Fault::new("F26").at("r1")).await;
    user.api("views/r1").await;
    assert_eq!(user.api(&search).await.json()["rows"].as_array().unwrap().len(), 2);
    let (_larkfield, mut user) = armed(Fault::new("F27").doing("stale-row").at("member")).await;
    assert_eq!(user.api(&search).await.json()["stale"][0]["name"], "O'HAZEL-ÅSP, TESTG");
    let (_larkfield, mut user) = armed(Fault::new("F29").at("dates")).await;
    let reference = user.choose(FIR).await;
    let dates = json!({"ref": reference, "from": "2026-03-09", "to": "2026-03-09"});
    assert!(user.post("dates", &dates).await.says("Member not active on this date."));
    assert_eq!(user.post("dates", &dates).await.status, 200);
    let (_larkfield, mut user) = armed(Fault::new("F28").doing("provider-missing").at("r3")).await;
    user.api("views/r3").await;
    assert!(user.api("providers?npi=1999999984").await.says("Provider not found in directory."));
    assert!(user.api("providers?npi=1999999984").await.says("Northgate"));
    let (_larkfield, mut user) = armed(Fault::new("F25").at("code")).await;
    assert_eq!(user.api("codes?kind=procedure&code=70551").await.status, 422);
    assert!(user.api("codes?kind=procedure&code=70551").await.says("brain"));
    let (_larkfield, mut user) = armed(Fault::new("F30").at("r4")).await;
    user.api("views/r4").await;
    let never = user.upload("uploads?name=a.pdf", b"%PDF-1").await.json();
    assert_eq!(never["never"], true);
    let mut body = user.request("70551", 1).await;
    body["uploads"] = json!([never["id"]]);
    assert!(user.post("requests", &body).await.says("not ready"));
    let refused = Fault::new("F30").doing("upload-refused").at("upload");
    let (_larkfield, mut user) = armed(refused).await;
    assert!(user.upload("uploads?name=a.pdf", b"%PDF-1").await.says("Upload failed."));
}

#[tokio::test]
async fn lists_statuses_and_letters_can_mislead() {
    let (_larkfield, mut user) = armed(Fault::new("F49").at("list")).await;
    user.file("70551", 1).await;
    assert!(user.numbers().await.is_empty());
    assert_eq!(user.numbers().await.len(), 1);
    let (_larkfield, mut user) = armed(Fault::new("F33").at("list").nth(2)).await;
    user.file("70551", 1).await;
    user.file("97110", 4).await;
    let before = user.numbers().await;
    assert_ne!(user.numbers().await, before);

    let larkfield = larkfield().await;
    let mut user = larkfield.signed_in("auto01").await;
    let number = user.file("97110", 4).await;
    larkfield.control().advance("PT15H").await.unwrap();
    let mut user = larkfield.signed_in("auto01").await;
    let lags = Fault::new("F50").doing("status-lags(24)").at("detail");
    larkfield.control().fault(&lags).await.unwrap();
    assert_eq!(user.status(&number).await, "In review");
    assert_eq!(user.status(&number).await, "Approved");
    let letters = user.api(&format!("letters?q={number}")).await.json();
    let path = format!("/documents/{}.pdf", letters["rows"][0]["letter"].as_str().unwrap());
    let contradicts = Fault::new("F32").doing("letter-contradicts").at("letter");
    larkfield.control().fault(&contradicts).await.unwrap();
    let paper = String::from_utf8(user.bytes(&path).await).unwrap();
    assert!(paper.contains("Decision: Denied"), "the letter says the opposite of the portal");
    let paper = String::from_utf8(user.bytes(&path).await).unwrap();
    assert!(paper.contains("Decision: Approved"));
}

/// What a person does in either rendering, as the ledger has it.
async fn worked(skin: &str) -> (Larkfield, Vec<Value>) {
    let larkfield = larkfield().await;
    larkfield.control().skin(&json!({"skin": skin})).await.unwrap();
    let mut user = larkfield.signed_in("auto01").await;
    for view in ["home", "r1", "r2", "r3", "r4", "review"] {
        user.api(&format!("views/{view}")).await;
    }
    let number = user.file("70551", 1).await;
    user.api(&format!("requests/{number}?result=1")).await;
    user.api("requests").await;
    let entries = larkfield.truth().entries(&Default::default()).await.unwrap();
    let plain = entries
        .into_iter()
        .filter(|entry| entry["channel"] != "control")
        .map(|mut entry| {
            for own in
                ["skin", "seq", "real_at", "conn", "h2_stream", "received_seq", "portal_session"]
            {
                entry.as_object_mut().unwrap().remove(own);
            }
            entry
        })
        .collect();
    (larkfield, plain)
}

#[tokio::test]
async fn both_renderings_leave_the_same_record_and_name_themselves_nowhere() {
    let (first, before) = worked("v1").await;
    let (second, after) = worked("v2").await;
    assert_eq!(before, after);
    let skins = second.truth().of_kind("submit_received").await.unwrap();
    assert_eq!(skins[0]["skin"], "v2");
    let (mut old, mut new) = (first.signed_in("auto02").await, second.signed_in("auto02").await);
    let (old, new) = (old.get(PROVIDER, "/app").await, new.get(PROVIDER, "/app").await);
    assert!(old.says("/assets/workspace.js") && new.says("/assets/studio.js"));
    for page in [&old.text, &new.text] {
        for told in ["v1", "v2", "skin", "ledger", "fault", "data-testid"] {
            assert!(!page.contains(told), "{told}");
        }
    }
    let mut stranger = second.stranger();
    let page = stranger.open(PROVIDER, "/app").await;
    assert!(page.says("<section><header>") && page.says("name=\"username\""));
    second.control().skin(&json!({"mixed": 0.5})).await.unwrap();
    let mut shells = Vec::new();
    for _ in 0..2 {
        let mut user = second.signed_in("auto01").await;
        shells.push(user.get(PROVIDER, "/app").await.says("studio.js"));
    }
    assert_ne!(shells[0], shells[1]);
}
