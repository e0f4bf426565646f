//! Crestline Connect without faults.

use serde_json::json;
use tests::portal::{Act, decide::LineStatus, store::Filing};

use super::client::{APPS, HUB, account_of, crestline, request};

#[tokio::test]
async fn a_request_is_filed_confirmed_once_found_and_decided() {
    let world = crestline().await;
    let mut user = world.signed_in("auto01").await;
    let found = user
        .get(APPS, "/api/patients?plan=CLM&memberId=W100000001&dob=02/14/1980")
        .await
        .unwrap()
        .json();
    assert_eq!(found["patients"][0]["name"], "ALDER, TESTA");
    let upload = user.upload("/api/uploads?name=note.pdf", vec![b'x'; 4000]).await.unwrap().json();
    let mut body = request("70551", 1);
    body["documents"] = json!([upload["id"]]);
    let answer = user.submit(&body).await.unwrap();
    assert_eq!(answer.status, 201, "{}", answer.text);
    let shown = user.confirmation(&answer).await.unwrap().json();
    let number = shown["number"].as_str().unwrap().to_owned();
    assert!(number.starts_with("CL") && number.len() == 12, "{number}");
    assert_eq!(shown["status"], "PENDED");
    assert_eq!(shown["transaction"].as_str().unwrap().len(), 36);
    let again = user.confirmation(&answer).await.unwrap();
    assert_eq!(again.status, 410);
    assert_eq!(again.json()["userMessage"], "This page is no longer available.");

    assert_eq!(user.found().await, std::slice::from_ref(&number));
    let dashboard = user.get(APPS, "/api/dashboard").await.unwrap().json();
    assert_eq!(dashboard["rows"].as_array().unwrap().len(), 0, "the dashboard lags");
    world.control().advance("PT90S").await.unwrap();
    let dashboard = user.get(APPS, "/api/dashboard").await.unwrap().json();
    assert_eq!(dashboard["rows"][0]["number"], number.as_str());
    assert_eq!(dashboard["rows"][0]["reference"], "CASE-1");

    let moved = world.control().advance("PT26H").await.unwrap();
    assert_eq!(moved["happened"][0]["case"], number.as_str());
    let mut user = world.client();
    user.sign_in(&world, "auto01").await.unwrap();
    user.confirm(&world, "auto01").await.unwrap();
    let detail = user.get(APPS, &format!("/api/service-reviews/{number}")).await.unwrap().json();
    assert_eq!(detail["status"], "CERTIFIED IN TOTAL");
    assert!(detail["authorization"].as_str().unwrap().starts_with("C71"));
    assert_eq!(detail["validFrom"], "03/09/2026");

    let truth = world.truth();
    let received = truth.of_kind("submit_received").await.unwrap();
    let recorded = truth.of_kind("submit_committed").await.unwrap();
    assert_eq!((received.len(), recorded.len()), (1, 1));
    assert_eq!(received[0]["route"], "POST apps api/service-reviews");
    assert_eq!(
        (&received[0]["account"], &received[0]["origin"]),
        (&json!("auto01"), &json!("fleet"))
    );
    assert_eq!(received[0]["fields"]["lines"][0]["from"], "2026-03-09");
    assert_eq!(recorded[0]["received_seq"], received[0]["seq"]);
    assert_eq!((&recorded[0]["effect"], &recorded[0]["answered"]), (&json!(true), &json!("full")));
    assert_eq!(truth.of_kind("number_shown").await.unwrap().len(), 1);
    assert_eq!(truth.of_kind("number_gone").await.unwrap().len(), 1);
}

#[tokio::test]
async fn filing_twice_records_two_and_nobody_complains() {
    let world = crestline().await;
    let mut user = world.signed_in("auto01").await;
    for _ in 0..2 {
        assert_eq!(user.submit(&request("E0601", 1)).await.unwrap().status, 201);
    }
    assert_eq!(user.found().await.len(), 2);
    assert_eq!(world.truth().of_kind("submit_committed").await.unwrap().len(), 2);
}

#[tokio::test]
async fn wrong_passwords_and_codes_are_counted_and_lock() {
    let world = crestline().await;
    let mut user = world.client();
    for round in 1..=5 {
        let answer =
            user.form("/login", &[("user_id", "auto01"), ("password", "no")]).await.unwrap();
        let words = if round < 5 {
            "The user ID or password is not correct."
        } else {
            "Account locked. Try again later."
        };
        assert!(answer.text.contains(words), "round {round}");
    }
    assert!(user.sign_in(&world, "auto01").await.is_err());
    assert_eq!(world.truth().of_kind("lock").await.unwrap().len(), 1);
    world.control().advance("PT31M").await.unwrap();
    user.sign_in(&world, "auto01").await.unwrap();

    let mut other = world.client();
    let password = &account_of("auto02").password;
    other.form("/login", &[("user_id", "auto02"), ("password", password)]).await.unwrap();
    for round in 1..=3 {
        let answer = other.form("/verify", &[("code", "000000")]).await.unwrap();
        if round < 3 {
            assert!(answer.text.contains("The code is not valid."));
        } else {
            assert_eq!(answer.location, "/login");
        }
    }
}

#[tokio::test]
async fn a_third_sign_in_is_refused_and_idle_ones_end() {
    let world = crestline().await;
    let mut users = [world.client(), world.client(), world.client()];
    for user in users.iter_mut().take(2) {
        user.sign_in(&world, "auto01").await.unwrap();
        world.control().advance("PT30S").await.unwrap();
    }
    let refused = users[2].sign_in(&world, "auto01").await.unwrap_err();
    assert!(refused.to_string().contains("Too many active sign-ins."), "{refused}");
    world.control().advance("PT14M").await.unwrap();
    let pulse = users[1].post(HUB, "/pulse", &json!({})).await.unwrap().json();
    assert!(pulse["left"].as_i64().unwrap() <= 60, "{pulse}");
    world.control().advance("PT1M").await.unwrap();
    let answer = users[1].get(HUB, "/api/home").await.unwrap();
    assert_eq!(answer.status, 401);
    assert_eq!(answer.json()["userMessage"], "You have been signed out.");
    assert_eq!(users[1].get(HUB, "/").await.unwrap().location, "/login?out=1");
    users[2].sign_in(&world, "auto01").await.unwrap();
}

#[tokio::test]
async fn the_second_confirmation_wants_a_later_code() {
    let world = crestline().await;
    let mut user = world.client();
    user.sign_in(&world, "auto01").await.unwrap();
    assert_eq!(user.get(APPS, "/api/dashboard").await.unwrap().status, 403);
    let same = json!({"code": world.code("auto01")});
    assert_eq!(user.post(HUB, "/api/stepup", &same).await.unwrap().status, 422);
    user.confirm(&world, "auto01").await.unwrap();
    assert_eq!(user.get(HUB, "/api/stepup").await.unwrap().json()["needed"], false);
    assert_eq!(user.get(APPS, "/api/dashboard").await.unwrap().status, 200);
}

#[tokio::test]
async fn patients_codes_and_files_are_checked_with_the_words_of_the_portal() {
    let world = crestline().await;
    let mut user = world.signed_in("auto01").await;
    let patient = |query: &str| format!("/api/patients?plan=CLM&{query}");
    for (query, message, rows) in [
        ("memberId=W100000001&dob=02/14/1980", "", 1),
        ("memberId=W100000001&dob=02/15/1980", "No patient found.", 0),
        ("memberId=&dob=09/09/1968", "More than one patient matches.", 2),
    ] {
        let found = user.get(APPS, &patient(query)).await.unwrap().json();
        assert_eq!(found["message"], message, "{query}");
        assert_eq!(found["patients"].as_array().unwrap().len(), rows, "{query}");
    }
    let ended = "/api/patients?plan=FBH&memberId=W100000003&dob=06/01/1991";
    let ended = user.get(APPS, ended).await.unwrap().json();
    assert_eq!(ended["patients"][0]["active"], false);

    for (query, first) in [("705", json!("70551")), ("70", json!(null)), ("knee", json!("27446"))] {
        let path = format!("/api/codes?kind=procedure&q={query}");
        let found = user.get(APPS, &path).await.unwrap().json();
        assert_eq!(found["codes"][0]["code"], first, "{query}");
    }
    world.control().knob("typeahead_noise", true).await.unwrap();
    let noisy = user.get(APPS, "/api/codes?kind=procedure&q=70551").await.unwrap().json();
    assert_ne!(noisy["codes"][0]["code"], "70551");

    for (name, size, words) in [
        ("a.exe", 5000, "File type not accepted."),
        ("a.pdf", 3072, "File is too small."),
        ("a.pdf", 0, "File is too small."),
        ("big.pdf", 61 * 1024 * 1024, "Total size exceeded."),
    ] {
        let path = format!("/api/uploads?name={name}");
        let answer = user.upload(&path, vec![b'x'; size]).await.unwrap();
        assert_eq!(
            (answer.status.as_u16(), answer.json()["userMessage"].as_str()),
            (422, Some(words))
        );
    }
    let mut bad = request("70551", 1);
    bad["lines"][0]["units"] = json!(0);
    let answer = user.submit(&bad).await.unwrap();
    assert_eq!(answer.status, 422);
    assert_eq!(world.truth().of_kind("submit_refused").await.unwrap()[0]["code"], "units");
    assert!(world.truth().of_kind("submit_committed").await.unwrap().is_empty());
}

#[tokio::test]
async fn requested_information_is_attached_and_leads_to_a_decision() {
    let world = crestline().await;
    let mut user = world.signed_in("auto01").await;
    let answer = user.submit(&request("27447", 1)).await.unwrap();
    let shown = user.confirmation(&answer).await.unwrap().json();
    let number = shown["number"].as_str().unwrap().to_owned();
    let path =
        |kind: &str| format!("/api/service-reviews/{number}/attachments?kind={kind}&name=n.pdf");
    let early = user.upload(&path("Office%20note"), vec![b'x'; 4000]).await.unwrap();
    assert_eq!(early.status, 422);
    world.control().advance("PT4H").await.unwrap();
    let mut user = world.signed_in("auto01").await;
    let detail = user.get(APPS, &format!("/api/service-reviews/{number}")).await.unwrap().json();
    assert_eq!(detail["wanted"], json!(["Office note", "Imaging report"]));
    for kind in ["Office%20note", "Imaging%20report"] {
        let receipt = user.upload(&path(kind), vec![b'x'; 4000]).await.unwrap().json();
        assert!(receipt["receipt"].as_str().unwrap().starts_with('U'));
    }
    world.control().advance("PT20H").await.unwrap();
    let cases = world.truth().cases().await.unwrap();
    assert_eq!(cases[0].lines[0].status, LineStatus::Approved);
    assert_eq!(world.truth().of_kind("attach_committed").await.unwrap().len(), 2);
}

#[tokio::test]
async fn payer_claims_are_told_in_the_words_of_the_portal() {
    let world = crestline().await;
    let mut user = world.client();
    user.sign_in(&world, "auto01").await.unwrap();
    for (query, status) in [
        ("claim=4026000000111", json!("Finalized/Payment")),
        ("claim=4026000000228", json!("Finalized/Denial")),
        ("claim=4026000000335", json!("Pending/In process")),
        ("memberId=W100000003&from=01/01/2026&to=01/31/2026", json!("Finalized/Denial")),
    ] {
        let found = user.get(APPS, &format!("/api/claim-statuses?{query}")).await.unwrap().json();
        assert_eq!(found["rows"][0]["status"], status, "{query}");
    }
    let none = user.get(APPS, "/api/claim-statuses?claim=1").await.unwrap().json();
    assert_eq!(none["message"], "Not found");
    let truth = world.truth().payer_claims().await.unwrap();
    assert_eq!(truth[0]["state"], "paid");
    let coverage = "/api/eligibility?memberId=W100000001&dob=02/14/1980";
    assert_eq!(user.get(APPS, coverage).await.unwrap().json()["status"], "Active");
}

#[tokio::test]
async fn a_clerk_chooses_an_organization_and_reviewers_act() {
    let world = crestline().await;
    let mut clerk = world.signed_in("clerk01").await;
    let home = clerk.get(HUB, "/api/home").await.unwrap().json();
    assert!(home["reminder"].as_str().unwrap().contains("clerk01@"));
    clerk.post(HUB, "/api/reminder", &json!({"choice": "later"})).await.unwrap();
    let home = clerk.get(HUB, "/api/home").await.unwrap().json();
    assert!(home["reminder"].is_null());

    let day = jiff::civil::Date::constant(2026, 3, 9);
    let line =
        tests::portal::store::FiledLine { code: "95810".to_owned(), units: 1, from: day, to: day };
    let filing = Filing {
        member_id: "W100000001".to_owned(),
        plan: "CLM".to_owned(),
        lines: vec![line],
        ..Filing::default()
    };
    let filed = world.control().file(&filing).await.unwrap();
    let number = filed["case"].as_str().unwrap();
    let detail = clerk.get(APPS, &format!("/api/service-reviews/{number}")).await.unwrap().json();
    assert_eq!(detail["status"], "CONTACT PAYER");
    let deny = Act::Deny { reason: "Reviewed and refused.".to_owned() };
    world.control().act(number, &deny).await.unwrap();
    let detail = clerk.get(APPS, &format!("/api/service-reviews/{number}")).await.unwrap().json();
    assert_eq!(detail["status"], "NOT CERTIFIED");
    let mut auto = world.signed_in("auto01").await;
    world.control().advance("PT5M").await.unwrap();
    let list = auto.get(APPS, "/api/dashboard").await.unwrap().json();
    assert_eq!(list["rows"].as_array().unwrap().len(), 0, "another's request is invisible");
    auto.post(APPS, "/api/pins", &json!({"number": number, "pin": true})).await.unwrap();
    let list = auto.get(APPS, "/api/dashboard").await.unwrap().json();
    assert_eq!(list["rows"][0]["number"], number);
}
