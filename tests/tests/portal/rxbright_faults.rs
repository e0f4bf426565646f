//! Each fault of RxBright, shown on (the happy paths show it off): what the client sees and what the record says.

use serde_json::{Value, json};
use tests::portal::{Fault, tls::Cert};

use super::rxbright_client::{Answer, Rx, User, armed, first_answers, rx};

async fn spoilt(fault: Fault) -> (Rx, User, String, reqwest::Result<Answer>) {
    let (rx, user) = armed(fault.at("send")).await;
    let key = user.filled("J1745", true).await;
    let answer = user.send(&key).await;
    assert_eq!(rx.count("fault_fired").await, 1);
    assert_eq!(rx.count("submit_received").await, 1);
    (rx, user, key, answer)
}

#[tokio::test]
async fn sends_that_are_cut_before_anything_is_recorded() {
    for fault in [Fault::new("F04"), Fault::new("F04").doing("502-before-record")] {
        let (rx, user, key, answer) = spoilt(fault).await;
        assert!(answer.is_err() || answer.unwrap().status == 502);
        assert_eq!(rx.count("submit_committed").await, 0);
        assert!(user.on_file().await.is_empty());
        assert_eq!(user.send(&key).await.unwrap().status, 200, "it is still a draft");
    }
}

#[tokio::test]
async fn sends_that_are_recorded_although_the_answer_is_lost() {
    for id in ["F05", "F06", "F41", "F42"] {
        let (rx, user, key, answer) = spoilt(Fault::new(id)).await;
        match answer {
            Ok(answer) => assert!([502, 408].contains(&answer.status), "{id}"),
            Err(error) => assert!(!error.is_timeout(), "{id}: {error}"),
        }
        assert_eq!(rx.count("submit_committed").await, 1, "{id}");
        assert_eq!(user.on_file().await, std::slice::from_ref(&key), "{id}");
        assert!(user.send(&key).await.unwrap().says("This request was sent to the plan."), "{id}");
    }
}

#[tokio::test]
async fn half_an_answer_ends_before_the_key() {
    let (rx, user, _, answer) = spoilt(Fault::new("F07")).await;
    assert!(answer.is_err(), "the body is shorter than promised");
    let recorded = rx.truth().of_kind("submit_committed").await.unwrap();
    assert_eq!(recorded[0]["answered"], "partial");
    assert_eq!(user.on_file().await.len(), 1);
}

#[tokio::test]
async fn a_late_record_is_not_found_at_first_and_cannot_be_sent_again() {
    let (rx, user, key, answer) = spoilt(Fault::new("F08")).await;
    assert!(answer.unwrap().says("The plan is busy. Try again later."));
    assert!(user.on_file().await.is_empty());
    assert_eq!(user.send(&key).await.unwrap().status, 422);
    rx.control().advance("PT2M").await.unwrap();
    assert_eq!(user.on_file().await.len(), 1);
    assert_eq!(rx.count("submit_committed").await, 1);
}

#[tokio::test]
async fn no_answer_ever_comes_although_it_is_recorded() {
    let (rx, user) = armed(Fault::new("F46").at("send")).await;
    let key = user.filled("J1745", true).await;
    let waiting = user.send(&key);
    let truth = rx.truth();
    let recorded = truth.wait_for("submit_committed", std::time::Duration::from_secs(20), |_| true);
    tokio::select! {
        answer = waiting => panic!("answered: {answer:?}"),
        recorded = recorded => assert_eq!(recorded.unwrap()["mode"], "never-answers"),
    }
}

#[tokio::test]
async fn answers_can_lie() {
    let (_rx, user, key, answer) = spoilt(Fault::new("F47")).await;
    assert!(answer.unwrap().says("quantity requested is not valid"));
    assert_eq!(user.on_file().await, [key]);

    let (rx, user) = armed(Fault::new("F48").at("send").nth(2)).await;
    let first = user.sent("J1745", true).await;
    let second = user.filled("J1750", false).await;
    assert_eq!(user.send(&second).await.unwrap().body["key"], first.as_str());
    assert_eq!((user.on_file().await.len(), rx.count("submit_committed").await), (2, 2));

    let (_rx, _user, _, answer) = spoilt(Fault::new("F37")).await;
    let answer = answer.unwrap();
    assert!(answer.says("sent to the plan") && answer.says("could not be saved"));

    let (rx, user, _, answer) = spoilt(Fault::new("F45")).await;
    assert_eq!(answer.unwrap().status, 200);
    assert_eq!((rx.count("submit_committed").await, user.on_file().await.len()), (2, 2));
}

#[tokio::test]
async fn an_edit_can_be_lost_like_a_send() {
    let (rx, user) = armed(Fault::new("F06").at("edit")).await;
    let key = user.sent("J1750", false).await;
    let path = format!("/api/requests/{key}/changes");
    let body = json!({"answers": {"quantity": "30"}}).to_string();
    assert!(user.try_call("POST", &path, Some(body.into())).await.is_err());
    assert_eq!(rx.truth().cases().await.unwrap()[0].lines[0].units, 30);
    let committed = rx.truth().of_kind("edit_committed").await.unwrap();
    assert_eq!(
        (&committed[0]["answered"], &committed[0]["mode"]),
        (&json!("not_sent"), &json!("cut-after-record"))
    );
}

#[tokio::test]
async fn reads_that_are_slow_broken_or_cut() {
    let (_rx, user) = armed(Fault::new("F01").doing("slow(300)").at("dashboard")).await;
    let begun = std::time::Instant::now();
    assert_eq!(user.get("/api/requests").await.status, 200);
    assert!(begun.elapsed() >= std::time::Duration::from_millis(300));
    let (_rx, user) = armed(Fault::new("F02").at("dashboard")).await;
    assert_eq!(user.get("/api/requests").await.status, 500);
    assert_eq!(user.get("/api/requests").await.status, 200);
    let (_rx, user) = armed(Fault::new("F03").at("detail")).await;
    let key = user.begun(&json!({})).await;
    assert!(user.try_call("GET", &format!("/api/requests/{key}"), None).await.is_err());
    let (_rx, user) = armed(Fault::new("F39").at("page")).await;
    assert_eq!(user.get("/dashboard").await.status, 302);
    let (_rx, user) = armed(Fault::new("F20").at("dashboard")).await;
    let page = user.get("/api/requests").await;
    assert!(page.status == 200 && page.says("Scheduled maintenance"));
}

#[tokio::test]
async fn the_session_ends_in_the_middle_and_the_draft_stays() {
    for id in ["F09", "F10"] {
        let (rx, user) = armed(Fault::new(id).at("followup")).await;
        let key = user.begun(&json!({})).await;
        let answer = user.save(&key, &first_answers()).await;
        assert!(answer.status == 401 && answer.says("You have been signed out."), "{id}");
        let user = rx.signed_in("auto01").await;
        assert_eq!(user.status(&key).await, "Follow Up", "{id}");
    }
}

#[tokio::test]
async fn the_way_in_can_be_barred_or_strange() {
    let rx = rx().await;
    let control = rx.control();
    control.fault(&Fault::new("F13").at("link")).await.unwrap();
    let mut user = rx.stranger();
    user.ask("auto01@willowmere.test").await;
    assert!(user.open_link(&rx.link("auto01")).await.says("terms of use, revised"));
    assert_eq!(user.get("/api/requests").await.status, 401, "nobody is in before accepting");
    user.call("POST", "/api/terms", &json!({})).await;
    assert_eq!(user.get("/api/requests").await.status, 200);
    assert_eq!((rx.count("terms_shown").await, rx.count("terms_received").await), (1, 1));

    let messages = |account: &str| {
        let sim = &rx.running.sim;
        sim.mail.messages(&sim.kept, account, sim.now()).len()
    };
    let before = messages("auto02@willowmere.test");
    control.fault(&Fault::new("F15").at("account")).await.unwrap();
    user.ask("auto02@willowmere.test").await;
    assert_eq!(messages("auto02@willowmere.test"), before);
    control.advance("PT90S").await.unwrap();
    assert_eq!(messages("auto02@willowmere.test"), before + 1);
    control.fault(&Fault::new("F16").at("link")).await.unwrap();
    assert_eq!(user.open_link(&rx.link("auto02")).await.message(), "This link has expired.");
    assert_eq!(user.open_link(&rx.link("auto02")).await.status, 200);
    control.fault(&Fault::new("F17").at("account")).await.unwrap();
    let mut user = rx.stranger();
    user.ask("clerk01@willowmere.test").await;
    let links: Vec<String> = rx
        .running
        .sim
        .mail
        .messages(&rx.running.sim.kept, "clerk01@willowmere.test", rx.running.sim.now())
        .into_iter()
        .filter_map(|one| Some(one.text.split("/link/").nth(1)?.lines().next()?.to_owned()))
        .collect();
    assert_eq!(links.len(), 2);
    assert_eq!(user.open_link(&links[0]).await.message(), "This link has expired.");
    assert_eq!(user.open_link(&links[1]).await.status, 200, "the newest one is good");
    for (id, kind) in [("F11", "announcement"), ("F12", "survey")] {
        control.fault(&Fault::new(id).at("me")).await.unwrap();
        assert_eq!(user.get("/api/me").await.body["overlay"]["kind"], kind);
    }
}

#[tokio::test]
async fn pages_of_the_request_can_surprise() {
    let (_rx, user) = armed(Fault::new("F24").at("start")).await;
    let key = user.begun(&json!({})).await;
    assert_eq!(user.save(&key, &first_answers()).await.body["left"], 1, "one never asked before");
    let (_rx, user) = armed(Fault::new("F25").at("drugs")).await;
    assert!(user.get("/api/drugs?q=J1745").await.body["drugs"].as_array().unwrap().is_empty());
    let (_rx, user) = armed(Fault::new("F26").at("patients")).await;
    let found = user.get("/api/patients?q=R400000014").await;
    assert_eq!(found.body["patients"].as_array().unwrap().len(), 2);
    let (_rx, user) = armed(Fault::new("F28").doing("provider-missing").at("prescribers")).await;
    assert!(user.get("/api/prescribers").await.body["prescribers"].as_array().unwrap().is_empty());
    let (_rx, user) = armed(Fault::new("F29").at("start")).await;
    assert!(user.start(&json!({})).await.says("coverage is not active"));
    let (_rx, user) = armed(Fault::new("F30").at("attach")).await;
    let key = user.begun(&json!({})).await;
    let scanning = user.attach(&key, "a.pdf", b"%PDF-1.4").await;
    assert_eq!((&scanning.body["scanning"], &scanning.body["pages"]), (&json!(true), &json!(0)));
    let (_rx, user) = armed(Fault::new("F31").at("start")).await;
    let odd = user.begun(&json!({})).await;
    assert!(odd.contains('-') && odd.len() == 10, "{odd}");
    for (fault, does, setting) in
        [("F22", "renamed-labels", "relabelled"), ("F23", "reordered-fields", "reordered")]
    {
        let (_rx, user) = armed(Fault::new(fault).doing(does).at("page").nth(1)).await;
        assert!(user.get("/new").await.says(&format!("\"{setting}\":true")), "{fault}");
        assert!(user.get("/new").await.says(&format!("\"{setting}\":false")), "{fault}");
    }
    for (fault, does, name, value) in [
        (
            "F35",
            "hostile-text",
            "notice",
            json!(format!("{} https://elsewhere.test/confirm", tests::portal::planted::HOSTILE)),
        ),
        ("F36", "decoy-button", "decoy", json!("Send to planner")),
        ("F43", "page-retry", "tries", json!(3)),
        ("F44", "reload-reposts", "resends", json!(true)),
    ] {
        let (_rx, user) = armed(Fault::new(fault).doing(does).at("detail")).await;
        let key = user.begun(&json!({})).await;
        assert_eq!(user.detail(&key).await[name], value, "{fault}");
        assert_ne!(user.detail(&key).await[name], value, "{fault}");
    }
    let (_rx, user) = armed(Fault::new("F40").at("me")).await;
    assert_eq!(user.get("/api/me").await.body["files"][0], "/statements/1.csv");
    assert_eq!(user.get("/api/me").await.body["files"], Value::Null);
}

#[tokio::test]
async fn what_is_told_can_lag_or_be_the_opposite() {
    let (rx, user) = armed(Fault::new("F32").doing("portal-contradicts").at("detail")).await;
    let key = user.sent("J1750", false).await;
    rx.control().act(&key, &tests::portal::Act::Approve).await.unwrap();
    assert_eq!(user.status(&key).await, "Denied");
    assert_eq!(user.status(&key).await, "Approved");
    rx.control().fault(&Fault::new("F50").at("detail")).await.unwrap();
    assert_eq!(user.status(&key).await, "Submitted");
    assert_eq!(user.status(&key).await, "Approved");
    rx.control().fault(&Fault::new("F18").at("account")).await.unwrap();
    let mut stranger = rx.stranger();
    assert_eq!(stranger.ask("auto02@willowmere.test").await.status, 429);
    assert_eq!(stranger.ask("auto02@willowmere.test").await.status, 200);
}

#[tokio::test]
async fn searches_can_be_down_empty_or_drift() {
    for (id, words) in [("F21", "Status information is unavailable"), ("F49", "\"rows\":[]")] {
        let (_rx, user) = armed(Fault::new(id).at("search")).await;
        user.sent("J1745", true).await;
        let answer = user.get("/api/search?lastName=Rowan&dob=05/05/1988").await;
        assert!(answer.says(words), "{id}: {}", answer.text);
        assert_eq!(user.on_file().await.len(), 1, "{id}");
    }
    let (_rx, user) = armed(Fault::new("F33").at("dashboard")).await;
    user.sent("J1745", true).await;
    user.sent("J1750", false).await;
    assert_eq!(user.get("/api/requests").await.body["rows"].as_array().unwrap().len(), 1);
    assert_eq!(user.get("/api/requests").await.body["rows"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn a_certificate_of_somebody_else_is_not_trusted() {
    let rx = rx().await;
    rx.control().fault(&Fault::new("F38")).await.unwrap();
    assert!(rx.stranger().try_call("GET", "/account", None).await.is_err());
    rx.running.sim.certs.show(Cert::Trusted);
    assert!(rx.stranger().get("/account").await.says("RxBright"));
}
