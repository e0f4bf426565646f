//! Each fault of PlanBridge, shown on (the happy paths show it off): what the client sees and what the record says.

use tests::portal::{Fault, tls::Cert};

use super::planbridge_client::{
    Answer, Bridge, EARLIER, OAK, OAK_FOUND, UM, User, WWW, armed, bridge,
};

const FIRST: &str = "PB00030130";

async fn spoilt(fault: Fault) -> (Bridge, User, reqwest::Result<Answer>) {
    let (bridge, mut user) = armed(fault.at("submit")).await;
    user.fill("70551", "1").await;
    let answer = user.try_submit().await;
    assert_eq!(bridge.count("fault_fired").await, 1);
    assert_eq!(bridge.count("submit_received").await, 1);
    (bridge, user, answer)
}

#[tokio::test]
async fn submits_that_are_cut_before_anything_is_recorded() {
    for fault in [Fault::new("F04"), Fault::new("F04").doing("502-before-record")] {
        let (bridge, mut user, answer) = spoilt(fault).await;
        assert!(answer.is_err() || answer.unwrap().status == 502);
        assert_eq!(bridge.count("submit_committed").await, 0);
        assert!(user.numbers().await.is_empty());
    }
}

#[tokio::test]
async fn submits_that_are_recorded_although_the_answer_is_lost() {
    for id in ["F05", "F06", "F41", "F42"] {
        let (bridge, mut user, answer) = spoilt(Fault::new(id)).await;
        match answer {
            Ok(answer) => assert!([502, 408].contains(&answer.status.as_u16()), "{id}"),
            Err(error) => assert!(!error.is_timeout(), "{id}: {error}"),
        }
        assert_eq!(bridge.count("submit_committed").await, 1, "{id}");
        assert_eq!(user.numbers().await, [FIRST], "{id}");
    }
}

#[tokio::test]
async fn half_a_page_late_records_and_errors_that_are_none() {
    let (bridge, mut user, answer) = spoilt(Fault::new("F07")).await;
    assert!(answer.is_err(), "the body is shorter than promised");
    assert_eq!(bridge.truth().of_kind("submit_committed").await.unwrap()[0]["answered"], "partial");
    assert_eq!(user.numbers().await.len(), 1);

    let (bridge, mut user, answer) = spoilt(Fault::new("F08")).await;
    assert!(answer.unwrap().says("Try again later."));
    assert!(user.numbers().await.is_empty());
    bridge.control().advance("PT2M").await.unwrap();
    assert_eq!((user.numbers().await.len(), bridge.count("submit_committed").await), (1, 1));

    let (_bridge, mut user, answer) = spoilt(Fault::new("F47")).await;
    assert!(answer.unwrap().says("Complete code, units and dates"));
    assert_eq!(user.numbers().await.len(), 1);
}

#[tokio::test]
async fn no_answer_ever_comes_although_it_is_recorded() {
    let (bridge, mut user) = armed(Fault::new("F46").at("submit")).await;
    user.fill("70551", "1").await;
    let truth = bridge.truth();
    let recorded = truth.wait_for("submit_committed", std::time::Duration::from_secs(20), |_| true);
    tokio::select! {
        answer = user.try_submit() => panic!("answered: {answer:?}"),
        recorded = recorded => assert_eq!(recorded.unwrap()["mode"], "never-answers"),
    }
}

#[tokio::test]
async fn odd_stale_and_double_answers() {
    let (_bridge, mut user, _) = spoilt(Fault::new("F31")).await;
    assert!(user.get(UM, "/result").await.says("pb-000030130"));
    let (_bridge, _user, answer) = spoilt(Fault::new("F48")).await;
    let answer = answer.unwrap();
    assert!(answer.says(EARLIER) && !answer.says(FIRST), "the number of the request before");
    let (bridge, mut user, _) = spoilt(Fault::new("F45")).await;
    assert_eq!((bridge.count("submit_committed").await, user.numbers().await.len()), (2, 2));
    let (_bridge, _user, answer) = spoilt(Fault::new("F37")).await;
    let answer = answer.unwrap();
    assert!(answer.says(FIRST) && answer.says("Try again later."));
    let reposts = Fault::new("F44").doing("reload-reposts");
    let (bridge, mut user, answer) = spoilt(reposts).await;
    assert!(answer.unwrap().says(FIRST), "the answer to the post itself");
    assert!(user.submit().await.says("Possible duplicate of"));
    assert_eq!(bridge.count("submit_committed").await, 2);
}

#[tokio::test]
async fn the_last_page_can_surprise() {
    let (_bridge, mut user) = armed(Fault::new("F36").at("review")).await;
    assert!(user.fill("70551", "1").await.says("Submit Episode Later"));
    let (_bridge, mut user) = armed(Fault::new("F43").at("review")).await;
    assert!(user.fill("70551", "1").await.says("data-twice"));
    let (_bridge, mut user) = armed(Fault::new("F12").at("review")).await;
    assert!(user.fill("70551", "1").await.says("How are we doing?"));
    let (bridge, mut user) = armed(Fault::new("F24").at("review")).await;
    assert!(user.fill("70551", "1").await.says("Place of Service *"));
    assert!(user.submit().await.says("Enter the place of service."));
    assert_eq!(bridge.count("submit_committed").await, 0);
    let (_bridge, mut user) = armed(Fault::new("F29").at("submit")).await;
    user.fill("70551", "1").await;
    assert!(user.submit().await.says("not active on the service date"));
}

#[tokio::test]
async fn pages_of_the_episode_can_surprise() {
    let found = [("searchId", OAK), ("searchDob", "08/20/1990")];
    let (_bridge, mut user) = armed(Fault::new("F26").at("member_search")).await;
    let page = user.post(UM, "/member/find", &found).await;
    assert_eq!(page.text.matches("value=\"Select\"").count(), 2);
    let (_bridge, mut user) = armed(Fault::new("F29").at("member_search")).await;
    assert!(user.post(UM, "/member/find", &found).await.says("Inactive"));
    let (_bridge, mut user) = armed(Fault::new("F27").doing("stale-row").at("member_search")).await;
    user.post(UM, "/member", &[("memberId", "XPB300000013")]).await;
    let stale = user.post(UM, "/member/find", &found).await;
    assert!(stale.says("data-again") && stale.says("PINE") && !stale.says("OAK"));
    assert!(user.post(UM, "/member/find", &found).await.says("OAK"));
    let (_bridge, mut user) =
        armed(Fault::new("F28").doing("provider-missing").at("provider_search")).await;
    assert!(
        user.part(UM, "/attach/find?who=1234567893&role=Requesting")
            .await
            .says("No provider found.")
    );
    assert!(user.part(UM, "/attach/find?who=clinic&role=Requesting").await.says("1234567893"));
    let (_bridge, mut user) = armed(Fault::new("F25").at("cell")).await;
    user.begin().await;
    user.post(UM, "/services/add", &[]).await;
    let (_bridge, mut user) = armed(Fault::new("F30").at("docs")).await;
    user.fill("70551", "1").await;
    assert!(user.attach("/documents", b"%PDF-1.4 x").await.says("Scan pending"));
    assert!(user.submit().await.says("A document is still being scanned."));
}

#[tokio::test]
async fn reads_that_are_slow_broken_or_cut() {
    let (_bridge, mut user) = armed(Fault::new("F01").doing("slow(300)").at("inquiry")).await;
    let begun = std::time::Instant::now();
    assert!(user.get(UM, "/search").await.says("Find Authorization"));
    assert!(begun.elapsed() >= std::time::Duration::from_millis(300));
    let (_bridge, mut user) = armed(Fault::new("F02").at("inquiry")).await;
    assert_eq!(user.get(UM, "/search").await.status, 500);
    assert_eq!(user.get(UM, "/search").await.status, 200);
    let (_bridge, mut user) = armed(Fault::new("F03").at("inquiry")).await;
    assert!(user.try_get(UM, "/search").await.is_err());
    let (_bridge, mut user) = armed(Fault::new("F39").at("home")).await;
    assert_eq!(user.get(WWW, "/home").await.location, "https://elsewhere.test/");
    let (bridge, mut user) = armed(Fault::new("F20").at("submit")).await;
    user.fill("70551", "1").await;
    let closed = user.try_submit().await.unwrap();
    assert!(closed.status == 200 && closed.says("closed for scheduled maintenance"));
    assert_eq!(bridge.count("submit_received").await, 0);
}

#[tokio::test]
async fn the_session_ends_in_the_middle_and_the_draft_with_it() {
    for (id, words) in [("F09", "has timed out"), ("F10", "signed in somewhere else")] {
        let (bridge, mut user) = armed(Fault::new(id).at("review")).await;
        assert!(user.fill("70551", "1").await.says(words), "{id}");
        assert!(user.try_submit().await.unwrap().says(words), "{id}");
        assert_eq!(bridge.count("submit_received").await, 0);
        user.sign_in("auto01").await;
        user.open_um().await;
        assert!(user.submit().await.says("Create an episode first."), "the draft is gone");
    }
}

#[tokio::test]
async fn the_way_in_can_be_barred() {
    let bridge = bridge().await;
    bridge.control().fault(&Fault::new("F13").at("second")).await.unwrap();
    let mut user = bridge.stranger();
    user.sign_in("auto01").await;
    let terms = bridge.truth().of_kind("terms_shown").await.unwrap();
    let mut again = bridge.signed_in("auto01").await;
    let shown = bridge.truth().of_kind("terms_shown").await.unwrap();
    assert_ne!(terms[0]["hash"], shown[1]["hash"], "other terms, and then the known ones");
    assert!(again.get(WWW, "/home").await.says("Welcome"));
    bridge.control().fault(&Fault::new("F14").at("user")).await.unwrap();
    let mut user = bridge.stranger();
    assert!(
        user.post(WWW, "/login", &[("user", "auto01")]).await.says("Your password has expired.")
    );
    let (bridge, mut user) = armed(Fault::new("F11").at("home")).await;
    assert!(user.get(WWW, "/home").await.says("Plan notice"));
    assert_eq!(bridge.count("announcement").await, 1);
}

#[tokio::test]
async fn searches_can_be_down_or_empty_and_statuses_lag() {
    for (id, words) in [("F21", "temporarily unavailable"), ("F49", "No authorizations on file")] {
        let (_bridge, mut user) = armed(Fault::new(id).at("search")).await;
        user.fill("70551", "1").await;
        user.submit().await;
        assert!(user.post(UM, "/search", &OAK_FOUND).await.says(words), "{id}");
        assert_eq!(user.numbers().await.len(), 1, "{id}");
    }
    let (bridge, mut user) = armed(Fault::new("F50").doing("status-lags").at("log_refresh")).await;
    user.fill("97110", "4").await;
    user.submit().await;
    user.part(WWW, "/log/rows").await;
    bridge.control().knob("office_timeout_min", 600).await.unwrap();
    bridge.control().advance("PT3H").await.unwrap();
    let lagging = user.post(WWW, "/log/refresh", &[("reference", FIRST)]).await;
    assert!(lagging.says("Pended"), "{}", lagging.text);
    assert!(user.post(WWW, "/log/refresh", &[("reference", FIRST)]).await.says("Certified"));
}

#[tokio::test]
async fn letters_can_contradict_and_pages_can_talk_to_machines() {
    let (_bridge, mut user) =
        armed(Fault::new("F32").doing("letter-contradicts").at("letter")).await;
    let letter = "/correspondence/L51000001";
    assert!(user.paper(letter).await.contains("Determination: Not certified"));
    assert!(user.paper(letter).await.contains("Determination: Certified as requested"));
    let (_bridge, mut user) = armed(Fault::new("F35").doing("hostile-text").at("detail")).await;
    let page = user.get(UM, &format!("/detail/{EARLIER}")).await;
    assert!(
        page.says("https://elsewhere.test/confirm") && page.says("title=\"Status\">Certified<")
    );
}

#[tokio::test]
async fn a_certificate_of_somebody_else_is_not_trusted() {
    let bridge = bridge().await;
    bridge.control().fault(&Fault::new("F38")).await.unwrap();
    assert!(bridge.stranger().try_get(WWW, "/login").await.is_err());
    bridge.running.sim.certs.show(Cert::Trusted);
    assert!(bridge.stranger().get(WWW, "/login").await.says("Sign In"));
}

#[tokio::test]
async fn words_and_order_of_the_episode_can_change_and_the_detail_lag() {
    let (_bridge, mut user) = armed(Fault::new("F22").at("episode")).await;
    user.post(UM, "/member", &[("memberId", OAK)]).await;
    let page = user.get(UM, "/episode").await;
    assert!(page.says("Type of Review") && !page.says("Episode Type"));
    let (_bridge, mut user) = armed(Fault::new("F23").at("episode")).await;
    user.post(UM, "/member", &[("memberId", OAK)]).await;
    let moved = |page: &Answer| page.text.find("Episode Type") > page.text.find("Urgency");
    assert!(moved(&user.get(UM, "/episode").await));
    assert!(!moved(&user.get(UM, "/episode").await));
    let detail = format!("/detail/{EARLIER}");
    let (_bridge, mut user) = armed(Fault::new("F50").at("detail")).await;
    assert!(user.get(UM, &detail).await.says("title=\"Status\">Pended<"));
    assert!(user.get(UM, &detail).await.says("title=\"Status\">Certified<"));
    let (_bridge, mut user) = armed(Fault::new("F40").at("detail")).await;
    assert!(user.get(UM, &detail).await.says("/statements/1.csv"));
    assert!(user.get(UM, "/statements/1.csv").await.says("statement,1"));
}
