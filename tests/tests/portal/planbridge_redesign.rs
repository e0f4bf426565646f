//! PlanBridge redesigned: the same record behind other pages, and an answer key that names one control in each skin.

use std::collections::HashMap;

use scraper::{Html, Selector};
use serde_json::{Value, json};

use super::planbridge_client::{
    Bridge, EARLIER, OAK, OAK_FOUND, PINE, UM, User, WWW, account_of, bridge,
};

const FIRST: &str = "PB00030130";

/// Fills and submits over the pages of a skin and returns the kinds and fields of its record.
async fn record_of(skin: &str) -> (Bridge, Vec<Value>) {
    let bridge = bridge().await;
    bridge.control().skin(&json!({"skin": skin})).await.unwrap();
    let mut user = bridge.at_work("auto01").await;
    user.fill("97110", "16").await;
    let result = user.submit().await;
    assert!(result.says(FIRST) && result.says("Pended"), "{}", result.text);
    let entries = bridge.truth().entries(&Default::default()).await.unwrap();
    let kept = entries.iter().filter(|one| {
        !["view", "knob", "clock"].contains(&one["kind"].as_str().unwrap_or_default())
    });
    let plain = kept.map(|one| json!([one["kind"], one["fields"], one["numbers"], one["case"]]));
    let plain = plain.collect();
    (bridge, plain)
}

#[tokio::test]
async fn the_redesign_says_it_otherwise_and_records_the_same() {
    let (_old, one) = record_of("v1").await;
    let (bridge, two) = record_of("v2").await;
    assert_eq!(one, two);
    let received = bridge.truth().of_kind("submit_received").await.unwrap();
    assert_eq!(received[0]["skin"], "v2");
    let mut user = bridge.at_work("auto02").await;
    let home = user.get(WWW, "/home").await;
    assert!(home.says("aria-expanded") && home.says("Request board") && !home.says("Work center"));
    user.fill("70551", "1").await;
    let review = user.get(UM, "/submit").await;
    assert!(review.says("Send for review") && review.says("Send to printer"));
    assert!(!review.says("Submit Episode"));
    assert!(user.get(UM, "/services").await.says("<th>From</th><th>To</th><th>Service Code</th>"));
    assert!(user.part(WWW, "/log/rows").await.says("class=\"card live\""));
    assert!(user.post(UM, "/search", &OAK_FOUND).await.says("<th>Status</th><th>Services</th>"));
}

/// A page with a part put where the page's script would put it.
fn with_part(page: &str, place: &str, part: &str) -> String {
    let empty = format!("id=\"{place}\"></div>");
    assert!(page.contains(&empty), "no empty place {place}");
    page.replace(&empty, &format!("id=\"{place}\">{part}</div>"))
}

/// The place a page's form or link puts its answer into.
fn place_of(page: &str, attribute: &str) -> String {
    let rest = page.split(&format!("{attribute}=\"")).nth(1).unwrap();
    rest.split('"').next().unwrap().to_owned()
}

async fn before_sign_in(bridge: &Bridge, name: &str) -> String {
    let mut user = bridge.stranger();
    let second = if name == "pin" { "pin" } else { "question" };
    bridge.control().knob("login_second", second).await.unwrap();
    match name {
        "login" => user.get(WWW, "/login").await.text,
        "pin" | "question" => user.post(WWW, "/login", &[("user", "auto01")]).await.text,
        _ => {
            let account = account_of("clerk01");
            let answer = account.answer.as_deref().unwrap();
            let fields =
                [("user", "clerk01"), ("password", account.password.as_str()), ("answer", answer)];
            user.post(WWW, "/question", &fields).await;
            user.get(WWW, "/terms").await.text
        }
    }
}

async fn hub_page(user: &mut User, name: &str) -> String {
    match name {
        "home" | "any" => user.get(WWW, "/home").await.text,
        "correspondence" => {
            let page = user.get(WWW, "/correspondence").await.text;
            let part = user.part(WWW, &format!("/correspondence/rows?reference={EARLIER}")).await;
            with_part(&page, &place_of(&page, "data-into"), &part.text)
        }
        "eligibility" => user.get(WWW, "/eligibility").await.text,
        "coverage" => {
            let fields = [("memberId", OAK), ("dob", "08/20/1990"), ("asOf", "03/09/2026")];
            user.post(WWW, "/eligibility", &fields).await.text
        }
        "claims" => user.post(WWW, "/claims", &[("memberId", PINE)]).await.text,
        _ => user.get(WWW, "/claims/26PB0A7K0088").await.text,
    }
}

async fn um_page(user: &mut User, name: &str) -> String {
    match name {
        "um" | "member" => {
            let page = user.get(UM, "/member").await.text;
            let part = user
                .post(UM, "/member/find", &[("searchId", OAK), ("searchDob", "08/20/1990")])
                .await;
            with_part(&page, &place_of(&page, "data-into"), &part.text)
        }
        "episode" => user.get(UM, "/episode").await.text,
        "attach" => {
            let page = user.get(UM, "/attach").await.text;
            let part = user.part(UM, "/attach/find?who=1000000020&role=Servicing").await;
            with_part(&page, &place_of(&page, "data-into"), &part.text)
        }
        "services" => {
            let row = user.post(UM, "/services/add", &[]).await.text;
            let page = user.get(UM, "/services").await.text;
            page.replace("</tbody>", &format!("{row}</tbody>"))
        }
        "documents" => user.get(UM, "/documents").await.text,
        "review" => user.get(UM, "/submit").await.text,
        "result" => {
            user.fill("97110", "4").await;
            user.submit().await.text
        }
        "search" => {
            user.post(UM, "/search", &[("findId", PINE), ("findDob", "03/15/1972")]).await.text
        }
        _ => {
            let page = user.get(UM, &format!("/detail/{EARLIER}")).await.text;
            let part = user.part(UM, &format!("/detail/{EARLIER}/lines")).await;
            with_part(&page, &place_of(&page, "data-open"), &part.text)
        }
    }
}

async fn page(bridge: &Bridge, user: &mut User, skin: &str, name: &str) -> String {
    match name {
        "login" | "pin" | "question" | "terms" => before_sign_in(bridge, name).await,
        "home" | "any" | "correspondence" | "eligibility" | "coverage" | "claims" | "claim" => {
            hub_page(user, name).await
        }
        // One page in the redesign.
        "documents" if skin == "v2" => um_page(user, "review").await,
        _ => um_page(user, name).await,
    }
}

#[tokio::test]
async fn the_answer_key_names_one_control_in_each_skin() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/world/skins/planbridge.json");
    let key: Vec<Value> = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    assert!(key.len() > 80);
    for skin in ["v1", "v2"] {
        let bridge = bridge().await;
        bridge.control().skin(&json!({"skin": skin})).await.unwrap();
        bridge.control().knob("announcement", true).await.unwrap();
        let mut user = bridge.at_work("auto01").await;
        let mut pages = HashMap::from([("any".to_owned(), user.get(WWW, "/home").await.text)]);
        user.begin().await;
        for one in key.iter().filter(|one| !one[skin].is_null()) {
            let name = one["page"].as_str().unwrap();
            if !pages.contains_key(name) {
                pages.insert(name.to_owned(), page(&bridge, &mut user, skin, name).await);
            }
            let html = &pages[name];
            let css = one[skin]["css"].as_str().unwrap();
            let selector = Selector::parse(css).unwrap();
            let document = Html::parse_document(html);
            let found: Vec<_> = document.select(&selector).collect();
            assert_eq!(found.len(), 1, "{skin} {} {css}", one["element"]);
            let words = one[skin]["name"].as_str().unwrap();
            let element = found[0].html();
            let shown = element.contains(words) || html.contains(&format!(">{words}<"));
            assert!(shown, "{skin} {}: {words} is not on the page", one["element"]);
        }
    }
}
