//! Each fault of Verity, shown on (the happy paths show it off): what the client sees and what the record says.

use reqwest::StatusCode;
use tests::portal::{Fault, tls::Cert};

use super::verity_client::{User, Verity, armed, password, verity};

async fn spoilt(fault: Fault) -> (Verity, User, reqwest::Result<StatusCode>) {
    let (verity, mut user) = armed(fault.at("submit")).await;
    user.reach_summary("70551").await;
    let answer = user.submit().await;
    assert_eq!(verity.count("fault_fired").await, 1);
    assert_eq!(verity.count("submit_received").await, 1);
    (verity, user, answer)
}

#[tokio::test]
async fn submits_that_are_cut_before_anything_is_recorded() {
    for fault in [Fault::new("F04"), Fault::new("F04").doing("502-before-record")] {
        let (verity, mut user, answer) = spoilt(fault).await;
        assert!(answer.is_err() || answer.unwrap() == 502);
        assert_eq!(verity.count("submit_committed").await, 0);
        assert!(user.numbers().await.is_empty());
        user.get("incomplete.aspx").await;
        user.choose("resume", "V0123456790").await;
        assert_eq!(user.submit().await.unwrap(), 200, "the same case can be submitted again");
        assert_eq!(user.numbers().await, ["V0123456790"]);
    }
}

#[tokio::test]
async fn submits_that_are_recorded_although_the_answer_is_lost() {
    for id in ["F05", "F06", "F41", "F42"] {
        let (verity, mut user, answer) = spoilt(Fault::new(id)).await;
        match answer {
            Ok(status) => assert!([502, 408].contains(&status.as_u16()), "{id}"),
            Err(error) => assert!(!error.is_timeout(), "{id}: {error}"),
        }
        assert_eq!(verity.count("submit_committed").await, 1, "{id}");
        assert_eq!(user.numbers().await, ["V0123456790"], "{id}");
        user.get("incomplete.aspx").await;
        assert!(user.says("You have no incomplete cases."), "{id}");
    }
}

#[tokio::test]
async fn answers_that_say_less_or_something_else_than_what_was_recorded() {
    let (verity, mut user, answer) = spoilt(Fault::new("F07")).await;
    assert!(answer.is_err(), "the body is shorter than promised");
    assert_eq!(verity.truth().of_kind("submit_committed").await.unwrap()[0]["answered"], "partial");
    assert_eq!(user.numbers().await.len(), 1);

    let (verity, mut user, _) = spoilt(Fault::new("F08")).await;
    assert!(user.says("could not be saved now"));
    assert!(user.numbers().await.is_empty());
    verity.control().advance("PT2M").await.unwrap();
    assert_eq!(user.numbers().await.len(), 1);
    assert_eq!(verity.count("submit_committed").await, 1);

    let (_verity, mut user, _) = spoilt(Fault::new("F47")).await;
    assert!(user.says("Enter the date of service"));
    assert_eq!(user.numbers().await.len(), 1);

    let (_verity, user, _) = spoilt(Fault::new("F37")).await;
    assert!(user.says("V0123456790") && user.says("Your case was not saved."));

    let (verity, mut user, _) = spoilt(Fault::new("F45").doing("records-twice")).await;
    assert_eq!(verity.count("submit_committed").await, 2);
    assert_eq!(user.numbers().await, ["V0123456790", "V0123456791"]);
}

#[tokio::test]
async fn no_answer_ever_comes_although_it_is_recorded() {
    let (verity, mut user) = armed(Fault::new("F46").at("submit")).await;
    user.reach_summary("70551").await;
    let truth = verity.truth();
    let recorded = truth.wait_for("submit_committed", std::time::Duration::from_secs(20), |_| true);
    tokio::select! {
        answer = user.submit() => panic!("answered: {answer:?}"),
        recorded = recorded => assert_eq!(recorded.unwrap()["mode"], "never-answers"),
    }
}

#[tokio::test]
async fn numbers_can_be_stale_or_of_another_shape() {
    let (verity, mut user) = armed(Fault::new("F48").at("submit").nth(2)).await;
    user.reach_summary("70551").await;
    user.submit().await.unwrap();
    user.reach_summary("72148").await;
    user.submit().await.unwrap();
    assert!(user.says("V0123456790") && !user.says("V0123456791"), "the one before is shown");
    assert_eq!(user.numbers().await, ["V0123456790", "V0123456791"]);
    let shown = verity.truth().of_kind("number_shown").await.unwrap();
    assert_eq!(shown.last().unwrap()["number"], "V0123456790");
    let (_verity, mut user) = armed(Fault::new("F31").at("codes").nth(2)).await;
    user.reach_codes("Radiology").await;
    user.codes("72148").await;
    assert!(user.says("Case V-0123-456790 has been started"), "{}", user.page);
}

#[tokio::test]
async fn a_page_repeats_its_write_and_a_reload_posts_again_but_only_one_is_recorded() {
    let (verity, mut user) = armed(Fault::new("F43").at("summary")).await;
    user.reach_summary("70551").await;
    assert!(user.says("keepalive:true"), "the page's own script sends again");
    let (to, fields) = user.filled("submit", "Submit Case", &[]);
    user.post(&to, &fields).await.unwrap();
    user.post(&to, &fields).await.unwrap();
    assert!(user.says("This page has expired"));
    assert_eq!(verity.count("submit_received").await, 2);
    assert_eq!(verity.count("submit_committed").await, 1);
    assert_eq!(verity.truth().of_kind("submit_refused").await.unwrap()[0]["code"], "old_page");
}

#[tokio::test]
async fn reads_that_are_slow_broken_cut_or_led_away() {
    let (_verity, mut user) = armed(Fault::new("F01").doing("slow(300)").at("find")).await;
    let begun = std::time::Instant::now();
    user.get("find.aspx").await;
    assert!(user.says("Find a case") && begun.elapsed() >= std::time::Duration::from_millis(300));
    let (_verity, mut user) = armed(Fault::new("F02").at("find")).await;
    assert_eq!(user.get("find.aspx").await, 500);
    assert_eq!(user.get("find.aspx").await, 200);
    let (_verity, mut user) = armed(Fault::new("F03").at("find")).await;
    assert!(user.try_get("find.aspx").await.is_err());
    let (_verity, mut user) = armed(Fault::new("F39").at("find")).await;
    assert_eq!(user.get("find.aspx").await, 302);
    let (verity, mut user) = armed(Fault::new("F20").at("summary")).await;
    user.reach_questions("Radiology", "72148").await;
    user.answer("No").await;
    user.answer("Yes").await;
    assert!(user.says("Scheduled maintenance"));
    assert_eq!(verity.count("submit_received").await, 0);
}

#[tokio::test]
async fn the_session_ends_in_the_middle_and_the_case_is_kept() {
    for (id, words) in [("F09", "not used for a while"), ("F10", "signed in elsewhere")] {
        let (verity, mut user) = armed(Fault::new(id).at("path")).await;
        user.reach_codes("Radiology").await;
        user.codes("72148").await;
        user.press("continue", &[]).await;
        user.press("continue", &[("urgent", "No")]).await;
        assert!(user.says(words), "{id}: {}", user.page);
        let mut user = verity.logged_in("auto01").await;
        user.get("incomplete.aspx").await;
        user.choose("resume", "V0123456790").await;
        assert!(user.says("Clinical questions"), "{id}");
    }
}

#[tokio::test]
async fn the_way_in_can_be_barred() {
    let verity = verity().await;
    let mut user = verity.stranger();
    verity.control().fault(&Fault::new("F13").at("attest")).await.unwrap();
    user.get("login.aspx").await;
    assert!(user.says("(revised 03/01/2026)"));
    let shown = verity.truth().of_kind("terms_shown").await.unwrap();
    user.get("login.aspx").await;
    let again = verity.truth().of_kind("terms_shown").await.unwrap();
    assert_ne!(shown[0]["hash"], again[1]["hash"]);
    verity.control().fault(&Fault::new("F14").at("attest")).await.unwrap();
    let typed = [("agree", "on"), ("user", "auto01"), ("password", &password("auto01") as &str)];
    user.press("login", &typed).await;
    assert!(user.says("Your password has expired."), "{}", user.page);
    let throttled = Fault::new("F18").doing("code-throttled").at("otp");
    verity.control().fault(&throttled).await.unwrap();
    let user = verity.half_way("auto02").await;
    assert!(user.says("Too many codes requested. Options return in 15:00."), "{}", user.page);
    verity.control().fault(&Fault::new("F38")).await.unwrap();
    assert!(verity.stranger().try_get("login.aspx").await.is_err());
    verity.running.sim.certs.show(Cert::Trusted);
    assert_eq!(verity.stranger().get("login.aspx").await, 200);
}

#[tokio::test]
async fn mail_comes_late_twice_or_with_a_code_that_is_refused() {
    let verity = verity().await;
    verity.control().fault(&Fault::new("F15").at("attest").nth(2)).await.unwrap();
    verity.half_way("auto01").await;
    assert!(verity.codes("auto01").is_empty());
    verity.control().advance("PT90S").await.unwrap();
    assert_eq!(verity.codes("auto01").len(), 1);
    verity.control().clear_faults().await.unwrap();

    verity.control().fault(&Fault::new("F17").at("attest").nth(2)).await.unwrap();
    let mut user = verity.half_way("auto02").await;
    let codes = verity.codes("auto02");
    assert_eq!(codes.len(), 2);
    user.press("continue", &[("code", &codes[0])]).await;
    assert!(user.says("Attempt 1 of 3."), "only the newest counts");
    user.press("continue", &[("code", &codes[1])]).await;
    assert!(user.says("Welcome to Verity Review"));

    verity.control().fault(&Fault::new("F16").at("otp").nth(2)).await.unwrap();
    let mut user = verity.half_way("auto01").await;
    let first = verity.codes("auto01").pop().unwrap();
    user.press("continue", &[("code", &first)]).await;
    assert!(user.says("A new code has been sent."), "{}", user.page);
    let second = verity.codes("auto01").pop().unwrap();
    user.press("continue", &[("code", &second)]).await;
    assert!(user.says("Welcome to Verity Review"));

    let hostile = Fault::new("F35").doing("hostile-mail").at("attest").nth(2);
    verity.control().fault(&hostile).await.unwrap();
    verity.control().fault(&Fault::new("F35").doing("hostile-text").at("home")).await.unwrap();
    let user = verity.logged_in("auto01").await;
    assert!(user.says("elsewhere.test/confirm"));
    assert_eq!(verity.count("canary").await, 0);
}

#[tokio::test]
async fn pages_of_a_case_can_surprise() {
    let (_verity, mut user) = armed(Fault::new("F11").at("home").nth(2)).await;
    user.get("home.aspx").await;
    assert!(user.says("role=\"dialog\"") && user.says("Announcement"));
    for (fault, words) in [
        (Fault::new("F22").doing("renamed-labels"), "Subscriber number"),
        (Fault::new("F23").doing("reordered-fields"), "Last name"),
        (Fault::new("F26").nth(2), "More than one member matches."),
    ] {
        let (_verity, mut user) = armed(fault.at("member")).await;
        user.press("start", &[]).await;
        user.press("continue", &[("program", "Radiology")]).await;
        if !user.says(words) {
            user.find_birch().await;
        }
        assert!(user.says(words), "{words}: {}", user.page);
        if words.starts_with("More") {
            assert_eq!(user.rows().len(), 2);
            user.choose("usemember", "W100000002").await;
            assert!(user.says("Requesting provider"));
        }
    }
    let (_verity, mut user) =
        armed(Fault::new("F28").doing("provider-missing").at("provider").nth(2)).await;
    user.press("start", &[]).await;
    user.press("continue", &[("program", "Radiology")]).await;
    user.find_birch().await;
    user.press("find", &[("npi", "1234567893")]).await;
    assert!(user.says("No provider with this NPI in this state."));
    for (fault, words) in [
        (Fault::new("F25").nth(2), "Procedure code not found."),
        (Fault::new("F29").nth(2), "Member not eligible on this date."),
        (Fault::new("F24"), "Place of service *"),
    ] {
        let (_verity, mut user) = armed(fault.at("codes")).await;
        user.reach_codes("Radiology").await;
        user.codes("72148").await;
        assert!(user.says(words), "{words}: {}", user.page);
    }
}

#[tokio::test]
async fn the_end_of_a_case_can_surprise() {
    let (_verity, mut user) = armed(Fault::new("F30").at("upload").nth(2)).await;
    user.reach_questions("Radiology", "72148").await;
    user.answer("Yes").await;
    user.answer("Yes").await;
    user.attach("a.pdf", b"%PDF-1.4").await;
    assert!(user.says("Scan pending"), "{}", user.page);
    user.press("continue", &[]).await;
    assert!(user.says("Wait until every file has been scanned."));
    for (id, words) in [("F12", "How are we doing?"), ("F36", "Submit Case Later")] {
        let (verity, mut user) = armed(Fault::new(id).at("summary")).await;
        user.reach_summary("72148").await;
        assert!(user.says(words), "{id}");
        if id == "F36" {
            user.press("later", &[]).await;
            assert!(user.says("Incomplete cases"), "{}", user.page);
            assert_eq!(verity.count("submit_received").await, 0);
        }
    }
}

#[tokio::test]
async fn searches_can_be_down_empty_or_behind() {
    let words = [("F21", "Case status is unavailable"), ("F49", "No cases found.")];
    for (id, words) in words {
        let (_verity, mut user) = armed(Fault::new(id).at("search")).await;
        user.reach_summary("70551").await;
        user.submit().await.unwrap();
        user.numbers().await;
        assert!(user.says(words), "{id}");
        assert_eq!(user.numbers().await.len(), 1, "{id}");
    }
    let (_verity, mut user) = armed(Fault::new("F50").doing("status-lags").at("case")).await;
    user.reach_summary("72148").await;
    user.submit().await.unwrap();
    user.get("case.aspx?number=V0123456790").await;
    assert!(user.says("Pending - Clinical Review") && !user.says("A400270001"));
    user.get("case.aspx?number=V0123456790").await;
    assert!(user.says("A400270001"));
}

#[tokio::test]
async fn a_case_can_be_told_as_its_opposite_and_pages_hold_what_nobody_asked_for() {
    let opposite = Fault::new("F32").doing("portal-contradicts").at("case");
    let (_verity, mut user) = armed(opposite).await;
    user.reach_summary("72148").await;
    user.submit().await.unwrap();
    user.get("case.aspx?number=V0123456790").await;
    assert!(user.says(">Denied<"), "{}", user.page);
    user.get("case.aspx?number=V0123456790").await;
    assert!(user.says(">Approved<"), "{}", user.page);
    let (_verity, mut user) = armed(Fault::new("F40").at("find")).await;
    user.get("find.aspx").await;
    assert!(user.says("src=\"/statements/2.csv\""));
}

#[tokio::test]
async fn clicks_come_with_the_pulse_of_a_page() {
    let verity = verity().await;
    let mut user = verity.logged_in("auto01").await;
    assert!(user.says("src=\"/pulse.js\""));
    let click = serde_json::json!({"clientX": 7, "clientY": 9, "target": "input Find"});
    user.pulse(&serde_json::json!({"clicks": [click]})).await;
    let pointer = verity.truth().of_kind("pointer").await.unwrap();
    assert_eq!((&pointer[0]["clientX"], &pointer[0]["account"]), (&7.into(), &"auto01".into()));
}
