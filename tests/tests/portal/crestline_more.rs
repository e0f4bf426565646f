//! Crestline where it says something else than it does: faults of pages and of what is told, and the door to the company
//! that reviews imaging.

use serde_json::{Value, json};
use tests::portal::{Act, Fault, store::Told};

use super::{
    client::{APPS, Client, HUB, World, account_of, crestline, request},
    verity_client,
};

async fn armed(fault: Fault) -> (World, Client) {
    let world = crestline().await;
    let user = world.signed_in("auto01").await;
    world.control().fault(&fault).await.unwrap();
    (world, user)
}

async fn step(user: &mut Client, step: &str) -> Value {
    user.get(APPS, &format!("/api/steps/{step}")).await.unwrap().json()
}

#[tokio::test]
async fn a_step_is_told_what_is_different_about_it() {
    for (id, at, name, value) in [
        ("F22", "w2", "renamed", json!(true)),
        ("F23", "w2", "reordered", json!(true)),
        ("F28", "w3", "without", json!("1234567893")),
        ("F44", "review", "resends", json!(true)),
    ] {
        let (_world, mut user) = armed(Fault::new(id).at(at)).await;
        assert_eq!(step(&mut user, at).await[name], value, "{id}");
        assert_ne!(step(&mut user, at).await[name], value, "{id} is off again");
    }
    let (_world, mut user) = armed(Fault::new("F35").at("w1")).await;
    let overlay = step(&mut user, "w1").await["overlay"].clone();
    assert_eq!(overlay["link"], "https://elsewhere.test/confirm");
    let (_world, mut user) = armed(Fault::new("F40").at("w1")).await;
    let overlay = step(&mut user, "w1").await["overlay"].clone();
    let file = overlay["files"][0].as_str().unwrap();
    assert!(user.get(APPS, file).await.unwrap().text.starts_with("statement,1"));
    assert_eq!(step(&mut user, "w1").await["overlay"], Value::Null);
}

#[tokio::test]
async fn for_a_moment_somebody_elses_row_is_shown() {
    let (_world, mut user) = armed(Fault::new("F27").at("patient")).await;
    let path = "/api/patients?plan=CLM&memberId=W100000001&dob=02/14/1980";
    let found = user.get(APPS, path).await.unwrap().json();
    assert_ne!(found["before"][0]["memberId"], found["patients"][0]["memberId"]);
    assert_eq!(found["patients"][0]["memberId"], "W100000001");
    assert_eq!(user.get(APPS, path).await.unwrap().json()["before"], Value::Null);
}

#[tokio::test]
async fn one_request_can_be_recorded_twice() {
    let (world, mut user) = armed(Fault::new("F45").at("submit")).await;
    assert_eq!(user.submit(&request("70551", 1)).await.unwrap().status, 201);
    let committed = world.truth().of_kind("submit_committed").await.unwrap();
    assert_eq!((committed.len(), user.found().await.len()), (2, 2));
    assert_eq!(committed[0]["received_seq"], committed[1]["received_seq"], "one arrival");
    user.submit(&request("E0601", 1)).await.unwrap();
    assert_eq!(user.found().await.len(), 3);
}

#[tokio::test]
async fn the_portal_can_say_the_opposite_and_can_be_behind() {
    let world = crestline().await;
    let mut user = world.signed_in("auto01").await;
    user.submit(&request("E0601", 1)).await.unwrap();
    let number = user.found().await.remove(0);
    let path = format!("/api/service-reviews/{number}");
    let mut status = async || {
        let detail = user.get(APPS, &path).await.unwrap().json();
        detail["status"].as_str().unwrap_or_default().to_owned()
    };
    assert_eq!(status().await, "CERTIFIED IN TOTAL");
    let contradicts = Fault::new("F32").doing("portal-contradicts").at("detail");
    world.control().fault(&contradicts).await.unwrap();
    assert_eq!(status().await, "NOT CERTIFIED");
    assert_eq!(status().await, "CERTIFIED IN TOTAL");
    world.control().fault(&Fault::new("F50").at("detail")).await.unwrap();
    assert_eq!(status().await, "PENDED");
    let act = Act::Contradict { told: Told::Portal };
    let case = world.control().act(&number, &act).await.unwrap();
    assert_eq!(case.contradicted, [Told::Portal]);
    assert_eq!(status().await, "NOT CERTIFIED");
    let truth = world.truth().cases().await.unwrap();
    assert!(truth[0].lines[0].status.granted(), "what was decided stays");
    assert_eq!(status().await, "NOT CERTIFIED");
}

#[tokio::test]
async fn the_way_in_can_refuse_a_right_code_or_lock_early() {
    let world = crestline().await;
    world.control().fault(&Fault::new("F16").at("verify")).await.unwrap();
    let mut user = world.client();
    let refused = user.sign_in(&world, "auto01").await.unwrap_err();
    assert!(refused.to_string().contains("The code is not valid."), "{refused}");
    world.control().fault(&Fault::new("F51").at("signin").times(9)).await.unwrap();
    let wrong = [("user_id", "auto02"), ("password", "no")];
    assert!(!user.form("/login", &wrong).await.unwrap().text.contains("locked"));
    assert!(user.form("/login", &wrong).await.unwrap().text.contains("locked"));
    let right = [("user_id", "auto02"), ("password", account_of("auto02").password.as_str())];
    assert!(user.form("/login", &right).await.unwrap().text.contains("locked"));
}

/// The value of a hidden field of a page.
fn hidden(page: &str, name: &str) -> String {
    let value = page.split(&format!("name=\"{name}\" value=\"")).nth(1).unwrap();
    value.split('"').next().unwrap().replace("&#x3D;", "=")
}

#[tokio::test]
async fn imaging_of_some_members_is_handed_to_the_reviewer_with_a_signed_message() {
    let (world, verity) = (crestline().await, verity_client::verity().await);
    let mut user = world.signed_in("auto01").await;
    let mut body = request("72148", 1);
    body["memberId"] = json!("W100000002");
    let text = body.to_string();
    let page = user.form_at(APPS, "/vendor", &[("request", &text)]).await.unwrap();
    assert!(page.text.contains("action=\"https://www.verity.test/sso/acs\""), "{}", page.text);
    let fields =
        ["SAMLResponse", "RelayState"].map(|name| (name.to_owned(), hidden(&page.text, name)));
    let mut there = verity.stranger();
    there.post("sso/acs", &fields).await.unwrap();
    assert!(there.says("HIPAA Disclosure"), "{}", there.page);
    there.press("login", &[("agree", "on")]).await;
    assert!(there.says("Start a case - Program"), "{}", there.page);
    let mut again = verity.stranger();
    again.post("sso/acs", &fields).await.unwrap();
    assert!(again.says("Link has expired."), "each message works once");

    let path = "/api/service-reviews?memberId=W100000002&from=03/01/2026&to=12/31/2026";
    let listed = user.get(APPS, path).await.unwrap().json();
    assert_eq!(listed["rows"][0]["status"], "REDIRECTED");
    assert_eq!(world.truth().of_kind("submit_committed").await.unwrap().len(), 0);
    let own = user.form_at(APPS, "/vendor", &[("request", &request("72148", 1).to_string())]).await;
    assert!(own.unwrap().text.contains("reviewed by the payer"));
    assert_eq!(user.get(HUB, "/").await.unwrap().status, 200);
}
