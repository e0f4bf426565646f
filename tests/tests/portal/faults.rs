//! Each fault of Crestline Connect, shown off and on: what the client sees and what the record says.

use std::time::Duration;

use serde_json::{Value, json};
use tests::portal::{Fault, tls::Cert};

use super::client::{APPS, Client, HUB, World, crestline, request};

async fn armed(fault: Fault) -> (World, Client) {
    let world = crestline().await;
    let user = world.signed_in("auto01").await;
    world.control().fault(&fault).await.unwrap();
    (world, user)
}

async fn fired(world: &World) -> usize {
    world.truth().of_kind("fault_fired").await.unwrap().len()
}

async fn count(world: &World, kind: &str) -> usize {
    world.truth().of_kind(kind).await.unwrap().len()
}

/// What a client can see of a spoilt submit.
enum Seen {
    /// No answer at all.
    Nothing,
    /// This status, with these words.
    Status(u16, &'static str),
}

/// Submits under a fault: what is seen, how many are recorded then, and after two minutes.
async fn spoilt(fault: Fault, seen: Seen, recorded: usize, later: usize) -> Vec<Value> {
    let name = format!("{} {:?}", fault.id, fault.does);
    let (world, mut user) = armed(fault.at("submit")).await;
    let answer = user.submit(&request("70551", 1)).await;
    match (seen, answer) {
        (Seen::Nothing, Err(_)) => {}
        (Seen::Status(status, words), Ok(answer)) => {
            assert_eq!(answer.status, status, "{name}");
            assert!(answer.text.contains(words), "{name}: {}", answer.text);
        }
        (_, answer) => panic!("{name}: {answer:?}"),
    }
    assert_eq!(fired(&world).await, 1, "{name}");
    assert_eq!(count(&world, "submit_received").await, 1, "{name}");
    assert_eq!(count(&world, "submit_committed").await, recorded, "{name}");
    assert_eq!(user.found().await.len(), recorded, "{name}");
    world.control().advance("PT2M").await.unwrap();
    assert_eq!(user.found().await.len(), later, "{name}");
    // Off again: the next one goes through.
    let answer = user.submit(&request("E0601", 1)).await.unwrap();
    assert_eq!(answer.status, 201, "{name}");
    world.truth().of_kind("submit_committed").await.unwrap()
}

#[tokio::test]
async fn a_lost_submit_is_recorded_or_not_as_the_fault_says() {
    let wrong = "Something went wrong. Reference ";
    spoilt(Fault::new("F04"), Seen::Nothing, 0, 0).await;
    spoilt(Fault::new("F04").doing("502-before-record"), Seen::Status(502, wrong), 0, 0).await;
    let f05 = spoilt(Fault::new("F05"), Seen::Status(502, wrong), 1, 1).await;
    assert_eq!(
        (&f05[0]["answered"], &f05[0]["mode"]),
        (&json!("not_sent"), &json!("502-after-record"))
    );
    spoilt(Fault::new("F06"), Seen::Nothing, 1, 1).await;
    spoilt(Fault::new("F42"), Seen::Nothing, 1, 1).await;
    let late = spoilt(Fault::new("F08"), Seen::Status(503, "Try again later."), 0, 1).await;
    assert_eq!(late[0]["mode"], "records-late");
    assert_eq!(late[0]["sim_at"], "2026-03-02T14:02:30Z");
    spoilt(Fault::new("F41"), Seen::Status(408, wrong), 1, 1).await;
    spoilt(Fault::new("F47"), Seen::Status(422, "Units are not valid for this service."), 1, 1)
        .await;
}

#[tokio::test]
async fn f07_half_a_page_and_f37_double_answer_and_f48_stale_number() {
    let (world, mut user) = armed(Fault::new("F07").at("submit")).await;
    let answer = user.submit(&request("70551", 1)).await.unwrap();
    assert!(user.confirmation(&answer).await.is_err(), "the confirmation breaks off");
    assert_eq!(user.confirmation(&answer).await.unwrap().status, 410);
    assert_eq!(world.truth().of_kind("submit_committed").await.unwrap()[0]["answered"], "partial");

    world.control().fault(&Fault::new("F48").at("submit")).await.unwrap();
    let answer = user.submit(&request("E0601", 1)).await.unwrap();
    let shown = user.confirmation(&answer).await.unwrap().json();
    let found = user.found().await;
    assert_eq!(shown["number"], found[0].as_str());

    world.control().fault(&Fault::new("F37").at("submit")).await.unwrap();
    let answer = user.submit(&request("A9282", 1)).await.unwrap();
    let shown = user.confirmation(&answer).await.unwrap().json();
    assert_eq!(shown["status"], "NOT CERTIFIED");
    assert_eq!(shown["toast"], "The request could not be saved.");

    world.control().fault(&Fault::new("F31").at("submit")).await.unwrap();
    let answer = user.submit(&request("A9282", 1)).await.unwrap();
    let shown = user.confirmation(&answer).await.unwrap().json();
    assert!(shown["number"].as_str().unwrap().starts_with("cl4026-"));
    assert_eq!(fired(&world).await, 4);
}

#[tokio::test]
async fn f46_a_submit_that_is_never_answered_is_recorded() {
    let (world, mut user) = armed(Fault::new("F46").at("submit")).await;
    let body = request("70551", 1);
    let waiting = user.submit(&body);
    let recorded = world.truth();
    tokio::select! {
        answer = waiting => panic!("answered: {answer:?}"),
        entry = recorded.wait_for("submit_committed", Duration::from_secs(20), |_| true) => {
            assert_eq!(entry.unwrap()["answered"], "not_sent");
        }
    }
}

#[tokio::test]
async fn faults_on_a_read_leave_the_record_alone() {
    let (world, mut user) = armed(Fault::new("F02").at("dashboard")).await;
    assert_eq!(user.get(APPS, "/api/dashboard").await.unwrap().status, 500);
    assert_eq!(user.get(APPS, "/api/dashboard").await.unwrap().status, 200);
    let arm = async |fault: Fault| world.control().fault(&fault.at("dashboard")).await.unwrap();
    arm(Fault::new("F03")).await;
    assert!(user.get(APPS, "/api/dashboard").await.is_err());
    arm(Fault::new("F01").doing("slow(300)")).await;
    let began = std::time::Instant::now();
    assert_eq!(user.get(APPS, "/api/dashboard").await.unwrap().status, 200);
    assert!(began.elapsed() >= Duration::from_millis(300));
    arm(Fault::new("F01").doing("drip")).await;
    assert!(user.get(APPS, "/api/dashboard").await.unwrap().json()["rows"].is_array());
    arm(Fault::new("F20")).await;
    let page = user.get(APPS, "/api/dashboard").await.unwrap();
    assert_eq!(page.status, 200);
    assert!(page.text.contains("Scheduled maintenance"));
    arm(Fault::new("F39")).await;
    let away = user.get(APPS, "/api/dashboard").await.unwrap();
    assert_eq!((away.status.as_u16(), away.location.as_str()), (302, "https://elsewhere.test/"));
    arm(Fault::new("F11")).await;
    let notice = user.get(APPS, "/api/dashboard").await.unwrap().json();
    assert_eq!(notice["overlay"]["kind"], "notice");
    arm(Fault::new("F12")).await;
    let survey = user.get(APPS, "/api/dashboard").await.unwrap().json();
    assert_eq!(survey["overlay"]["kind"], "survey");
    arm(Fault::new("F09")).await;
    let out = user.get(APPS, "/api/dashboard").await.unwrap();
    assert_eq!(
        (out.status.as_u16(), &out.json()["userMessage"]),
        (401, &json!("You have been signed out."))
    );
    assert_eq!(count(&world, "submit_received").await, 0);
    assert_eq!(fired(&world).await, 9);

    world.control().advance("PT30S").await.unwrap();
    let mut user = world.signed_in("auto01").await;
    arm(Fault::new("F10")).await;
    assert_eq!(user.get(APPS, "/api/dashboard").await.unwrap().status, 401);
    let ends = world.truth().of_kind("portal_session_end").await.unwrap();
    assert_eq!(ends[1]["why"], "displaced-by-second-login");
}

#[tokio::test]
async fn faults_of_the_wizard_show_up_in_its_steps() {
    let (world, mut user) = armed(Fault::new("F24").at("review")).await;
    let arm = async |fault: Fault| world.control().fault(&fault).await.unwrap();
    let model = user.get(APPS, "/api/steps/review").await.unwrap().json();
    assert_eq!(model["question"], "Place of residence at onset");
    let refused = user.submit(&request("70551", 1)).await.unwrap();
    assert_eq!(refused.status, 422);
    let mut answered = request("70551", 1);
    answered["answer"] = json!("Home");
    assert_eq!(user.submit(&answered).await.unwrap().status, 201);

    arm(Fault::new("F36").at("review")).await;
    assert_eq!(user.get(APPS, "/api/steps/review").await.unwrap().json()["later"], true);
    assert_eq!(user.get(APPS, "/api/steps/review").await.unwrap().json()["later"], false);
    user.post(APPS, "/api/drafts", &json!({})).await.unwrap();
    assert_eq!((count(&world, "draft").await, count(&world, "submit_committed").await), (1, 1));

    let patient = "/api/patients?plan=CLM&memberId=W100000001&dob=02/14/1980";
    arm(Fault::new("F26").at("w2")).await;
    user.get(APPS, "/api/steps/w2").await.unwrap();
    let twins = user.get(APPS, patient).await.unwrap().json();
    assert_eq!(twins["message"], "More than one patient matches.");
    arm(Fault::new("F29").at("patient")).await;
    let inactive = user.get(APPS, patient).await.unwrap().json();
    assert_eq!(inactive["patients"][0]["active"], false);
    let again = user.get(APPS, patient).await.unwrap().json();
    assert_eq!((&again["message"], &again["patients"][0]["active"]), (&json!(""), &json!(true)));

    arm(Fault::new("F25").at("typeahead")).await;
    let none = user.get(APPS, "/api/codes?kind=procedure&q=70551").await.unwrap().json();
    assert_eq!(none["codes"], json!([]));
    arm(Fault::new("F30").at("upload")).await;
    let sent = user.upload("/api/uploads?name=n.pdf", vec![b'x'; 4000]).await.unwrap().json();
    let path = format!("/api/uploads/{}", sent["id"].as_str().unwrap());
    assert_eq!(user.get(APPS, &path).await.unwrap().json()["state"], "Scanning…");
    let sent = user.upload("/api/uploads?name=n.pdf", vec![b'x'; 4000]).await.unwrap().json();
    let path = format!("/api/uploads/{}", sent["id"].as_str().unwrap());
    assert_eq!(user.get(APPS, &path).await.unwrap().json()["state"], "Ready");
}

#[tokio::test]
async fn an_empty_search_can_mean_two_things() {
    let (world, mut user) = armed(Fault::new("F21").at("search")).await;
    user.submit(&request("70551", 1)).await.unwrap();
    let path = "/api/service-reviews?memberId=W100000001&from=03/01/2026&to=12/31/2026";
    let down = user.get(APPS, path).await.unwrap().json();
    assert_eq!(down["banner"], "Status information is unavailable. Submissions are accepted.");
    assert_eq!(down["rows"], json!([]));
    world.control().fault(&Fault::new("F49").at("search")).await.unwrap();
    let empty = user.get(APPS, path).await.unwrap().json();
    assert_eq!((&empty["message"], &empty["banner"]), (&json!("No matches"), &Value::Null));
    assert_eq!(user.found().await.len(), 1);
}

#[tokio::test]
async fn f13_changed_terms_and_f19_captcha_stand_in_the_way_in() {
    let world = crestline().await;
    world.control().fault(&Fault::new("F19").at("login")).await.unwrap();
    world.control().fault(&Fault::new("F13").at("login")).await.unwrap();
    let mut user = world.client();
    let page = user.get(HUB, "/login").await.unwrap();
    assert!(page.text.contains("Type the characters you see"));
    let form =
        [("user_id", "auto01"), ("password", "x"), ("challenge", "1"), ("characters", "wrong")];
    let page = user.form("/login", &form).await.unwrap();
    assert!(page.text.contains("The characters do not match."));
    let captcha = world.truth().of_kind("captcha").await.unwrap();
    assert_eq!(captcha.iter().filter(|entry| entry.get("try").is_some()).count(), 1);
    assert!(world.truth().of_kind("login").await.unwrap().is_empty());

    let mut user = world.client();
    let refused = user.sign_in(&world, "auto01").await.unwrap_err();
    assert!(refused.to_string().contains("/terms"), "{refused}");
    let page = user.get(HUB, "/terms").await.unwrap();
    assert!(page.text.contains("Our terms have changed"));
    assert_eq!(count(&world, "terms_shown").await, 1);
    let accepted = user.form("/terms", &[("accept", "yes")]).await.unwrap();
    assert_eq!(accepted.location, "/#/home");
    world.control().advance("PT30S").await.unwrap();
    world.client().sign_in(&world, "auto01").await.unwrap();
}

#[tokio::test]
async fn f38_a_wrong_certificate_is_refused_by_a_client_that_looks() {
    let world = crestline().await;
    for fault in [Fault::new("F38"), Fault::new("F38").doing("untrusted")] {
        assert_eq!(world.client().get(HUB, "/login").await.unwrap().status, 200);
        world.control().fault(&fault).await.unwrap();
        assert!(world.client().get(HUB, "/login").await.is_err());
        world.control().clear_faults().await.unwrap();
    }
    world.running.sim.certs.show(Cert::WrongHost);
    assert!(world.client().get(HUB, "/login").await.is_err());
}
