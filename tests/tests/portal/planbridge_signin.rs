//! The ways into PlanBridge and out of it: terms, the second secret, locks, the office's limit, and the UM window.

use serde_json::json;

use super::planbridge_client::{UM, User, WWW, account_of, bridge, opener};

#[tokio::test]
async fn terms_are_accepted_once_and_a_second_sign_in_displaces_the_first() {
    let bridge = bridge().await;
    let mut first = bridge.signed_in("auto01").await;
    assert_eq!(bridge.count("terms_committed").await, 1);
    let mut second = bridge.signed_in("auto01").await;
    assert_eq!(bridge.count("terms_committed").await, 1);
    assert!(first.get(WWW, "/home").await.says("signed in somewhere else"));
    assert!(second.get(WWW, "/home").await.says("Welcome, auto01"));
    let mut other = bridge.signed_in("auto02").await;
    assert!(second.get(WWW, "/settings").await.says("30 minutes"));
    assert!(other.get(WWW, "/home").await.says("Welcome, auto02"));
    assert_eq!(bridge.count("terms_committed").await, 2);
    assert!(second.get(WWW, "/logout").await.says("You have signed out"));
}

#[tokio::test]
async fn the_office_ends_a_session_without_a_warning_and_others_do_not_keep_it_alive() {
    let bridge = bridge().await;
    let mut user = bridge.at_work("auto01").await;
    let mut other = bridge.signed_in("auto02").await;
    bridge.control().advance("PT20M").await.unwrap();
    other.get(WWW, "/home").await;
    bridge.control().advance("PT10M").await.unwrap();
    assert!(user.get(WWW, "/home").await.says("Your office&#39;s session has timed out."));
    assert!(user.get(UM, "/member").await.says("Your office&#39;s session has timed out."));
    assert_eq!(user.part(WWW, "/log/rows").await.status, 401);
    assert!(other.get(WWW, "/home").await.says("Welcome"));
    bridge.control().knob("office_timeout_min", 5).await.unwrap();
    bridge.control().advance("PT5M").await.unwrap();
    assert!(other.get(WWW, "/home").await.says("timed out"));
}

/// The keys of the pad, in order, and the places asked for.
fn pad(page: &str) -> (Vec<char>, Vec<usize>, String) {
    let keys = page.split("data-at=\"").skip(1);
    let keys = keys.map(|piece| piece.split('>').nth(1).unwrap().chars().next().unwrap()).collect();
    let places = page.split("</i>").skip(1);
    let places = places.map(|piece| piece.chars().next().unwrap().to_digit(10).unwrap() as usize);
    let round = page.split("name=\"round\" value=\"").nth(1).unwrap().split('"').next().unwrap();
    (keys, places.collect(), round.to_owned())
}

#[tokio::test]
async fn three_places_of_the_pin_are_clicked_on_keys_that_move() {
    let bridge = bridge().await;
    bridge.control().knob("login_second", "pin").await.unwrap();
    let account = account_of("auto01");
    let mut user = bridge.stranger();
    let mut pads = Vec::new();
    for _ in 0..2 {
        let page = user.post(WWW, "/login", &[("user", "auto01")]).await;
        pads.push(pad(&page.text));
    }
    assert_ne!(pads[0].0, pads[1].0, "the keys move");
    let (keys, places, round) = pads.pop().unwrap();
    assert_eq!((keys.len(), places.len()), (10, 3));
    let pin: Vec<char> = account.pin.as_deref().unwrap().chars().collect();
    let clicked = places
        .iter()
        .map(|place| keys.iter().position(|key| *key == pin[place - 1]).unwrap().to_string());
    let clicked = clicked.collect::<Vec<_>>().join(",");
    let typed = |keys: &str| {
        vec![
            ("user", "auto01".to_owned()),
            ("password", account.password.clone()),
            ("round", round.clone()),
            ("keys", keys.to_owned()),
        ]
    };
    let post = async |user: &mut User, keys: &str| {
        let fields = typed(keys);
        let fields: Vec<(&str, &str)> =
            fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
        user.post(WWW, "/pin", &fields).await
    };
    assert!(post(&mut user, "0,0,0").await.says("Sign in failed."));
    assert_eq!(post(&mut user, &clicked).await.location, "/terms");
    let tries = bridge.truth().of_kind("otp").await.unwrap();
    assert_eq!((tries.len(), &tries[1]["right"]), (2, &json!(true)));
    let ledger =
        serde_json::to_string(&bridge.truth().entries(&Default::default()).await.unwrap()).unwrap();
    assert!(!ledger.contains("40718265"));
}

#[tokio::test]
async fn four_failures_lock_until_a_person_resets_whether_password_or_answer_was_wrong() {
    let bridge = bridge().await;
    for (password, answer) in
        [("no", "Larkhill Lane"), (account_of("auto02").password.as_str(), "no")]
    {
        let mut user = bridge.stranger();
        let fields = [("user", "auto02"), ("password", password), ("answer", answer)];
        for _ in 0..3 {
            assert!(user.post(WWW, "/question", &fields).await.says("Sign in failed."));
        }
        assert!(user.post(WWW, "/question", &fields).await.says("Your user ID is locked"));
        bridge.control().advance("P1D").await.unwrap();
        assert!(user.sign_in("auto02").await.says("Your user ID is locked"));
        bridge.control().reset_account("auto02").await.unwrap();
        let location = user.sign_in("auto02").await.location;
        assert_eq!(location, "/home");
    }
    assert_eq!(bridge.count("lock").await, 2);
    let mut nobody = bridge.stranger();
    assert!(nobody.post(WWW, "/login", &[("user", "nobody")]).await.says("Your Answer"));
}

#[tokio::test]
async fn the_um_window_opens_once_per_pass_and_goes_with_the_main_window() {
    let bridge = bridge().await;
    let mut user = bridge.signed_in("auto01").await;
    assert!(user.get(UM, "/member").await.says("This window was closed by the main window."));
    let pass = user.pass().await;
    assert_eq!(user.post(UM, "/sso", &[("pass", &pass)]).await.location, "/member");
    assert!(user.post(UM, "/sso", &[("pass", &pass)]).await.says("Sign in failed."));
    assert!(user.post(UM, "/sso", &[("pass", "bm9ib2R5")]).await.says("Sign in failed."));
    assert!(user.get(UM, "/member").await.says("Select Member"));

    user.pulse(UM, &opener(false)).await;
    bridge.control().advance("PT59S").await.unwrap();
    assert!(user.get(UM, "/member").await.says("Select Member"));
    bridge.control().advance("PT1S").await.unwrap();
    assert!(user.get(UM, "/member").await.says("This window was closed by the main window."));
    assert_eq!(user.open_um().await.location, "/member");
    user.pulse(UM, &opener(false)).await;
    user.pulse(UM, &opener(true)).await;
    bridge.control().advance("PT2M").await.unwrap();
    assert!(user.get(UM, "/member").await.says("Select Member"));
    user.get(WWW, "/logout").await;
    assert!(user.get(UM, "/member").await.says("This window was closed by the main window."));
}
