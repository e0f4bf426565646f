//! Each fault of Harbor, shown on (the happy paths show it off): what the client sees and what the record says.

use tests::portal::{Fault, tls::Cert};

use super::harbor_client::{Harbor, LARCH, PROVIDERS, User, armed, harbor, password};

async fn spoilt(fault: Fault) -> (Harbor, User, reqwest::Result<super::harbor_client::Answer>) {
    let (harbor, user) = armed(fault.at("submit")).await;
    user.fill("70551", "1").await;
    let answer = user.submit().await;
    assert_eq!(harbor.count("fault_fired").await, 1);
    assert_eq!(harbor.count("submit_received").await, 1);
    (harbor, user, answer)
}

#[tokio::test]
async fn submits_that_are_cut_before_anything_is_recorded() {
    for fault in [Fault::new("F04"), Fault::new("F04").doing("502-before-record")] {
        let (harbor, user, answer) = spoilt(fault).await;
        assert!(answer.is_err() || answer.unwrap().status == 502);
        assert_eq!(harbor.count("submit_committed").await, 0);
        assert!(user.numbers().await.is_empty());
    }
}

#[tokio::test]
async fn submits_that_are_recorded_although_the_answer_is_lost() {
    for id in ["F05", "F06", "F41", "F42"] {
        let (harbor, user, answer) = spoilt(Fault::new(id)).await;
        match answer {
            Ok(answer) => assert!([502, 408].contains(&answer.status.as_u16()), "{id}"),
            Err(error) => assert!(!error.is_timeout(), "{id}: {error}"),
        }
        assert_eq!(harbor.count("submit_committed").await, 1, "{id}");
        assert_eq!(user.numbers().await, ["26061000123"], "{id}");
    }
}

#[tokio::test]
async fn half_a_page_ends_before_the_number() {
    let (harbor, user, answer) = spoilt(Fault::new("F07")).await;
    assert!(answer.is_err(), "the body is shorter than promised");
    let recorded = harbor.truth().of_kind("submit_committed").await.unwrap();
    assert_eq!(recorded[0]["answered"], "partial");
    assert_eq!(user.numbers().await.len(), 1);
}

#[tokio::test]
async fn a_late_record_is_not_found_at_first() {
    let (harbor, user, answer) = spoilt(Fault::new("F08")).await;
    assert!(answer.unwrap().says("PA-0900 SYSTEM UNAVAILABLE"));
    assert!(user.numbers().await.is_empty());
    harbor.control().advance("PT2M").await.unwrap();
    assert_eq!(user.numbers().await.len(), 1);
    assert_eq!(harbor.count("submit_committed").await, 1);
}

#[tokio::test]
async fn an_error_is_shown_although_it_is_recorded() {
    let (_harbor, user, answer) = spoilt(Fault::new("F47")).await;
    assert!(answer.unwrap().says("PA-0204"));
    assert_eq!(user.numbers().await.len(), 1);
}

#[tokio::test]
async fn no_answer_ever_comes_although_it_is_recorded() {
    let (harbor, user) = armed(Fault::new("F46").at("submit")).await;
    user.fill("70551", "1").await;
    let waiting = user.submit();
    let truth = harbor.truth();
    let recorded = truth.wait_for("submit_committed", std::time::Duration::from_secs(20), |_| true);
    tokio::select! {
        answer = waiting => panic!("answered: {answer:?}"),
        recorded = recorded => assert_eq!(recorded.unwrap()["mode"], "never-answers"),
    }
}

#[tokio::test]
async fn the_picture_can_show_the_number_of_the_request_before() {
    let (harbor, user) = armed(Fault::new("F48").at("submit").nth(2)).await;
    user.fill("70551", "1").await;
    let first = user.submit().await.unwrap();
    user.fill("97110", "4").await;
    let second = user.submit().await.unwrap();
    let picture =
        |text: &str| text.split("base64,").nth(1).unwrap().split('"').next().unwrap().to_owned();
    assert_eq!(picture(&first.text), picture(&second.text));
    assert_eq!(user.numbers().await, ["26061000123", "26061000124"]);
    let shown = harbor.truth().of_kind("number_shown").await.unwrap();
    assert_eq!(shown[1]["number"], "26061000123");
}

#[tokio::test]
async fn odd_numbers_double_records_and_double_answers() {
    let (_harbor, user, answer) = spoilt(Fault::new("F31")).await;
    assert!(answer.unwrap().says("RECEIVED"));
    assert_eq!(user.numbers().await, ["26061-0000123"]);

    let (harbor, user, answer) = spoilt(Fault::new("F45").doing("records-twice")).await;
    assert!(answer.unwrap().says("RECEIVED"));
    assert_eq!(harbor.count("submit_committed").await, 2);
    assert_eq!(user.numbers().await.len(), 2);

    let (_harbor, _user, answer) = spoilt(Fault::new("F37")).await;
    let answer = answer.unwrap();
    assert!(answer.says("RECEIVED") && answer.says("PA-0900"));
}

#[tokio::test]
async fn reads_that_are_slow_broken_or_cut() {
    let (_harbor, user) = armed(Fault::new("F01").doing("slow(300)").at("inquiry")).await;
    let begun = std::time::Instant::now();
    assert!(user.get("paInquiry").await.says("PA Inquiry"));
    assert!(begun.elapsed() >= std::time::Duration::from_millis(300));
    let (_harbor, user) = armed(Fault::new("F02").at("inquiry")).await;
    assert_eq!(user.get("paInquiry").await.status, 500);
    assert_eq!(user.get("paInquiry").await.status, 200);
    let (_harbor, user) = armed(Fault::new("F03").at("inquiry")).await;
    assert!(user.try_get("paInquiry").await.is_err());
    let (_harbor, user) = armed(Fault::new("F39").at("inquiry")).await;
    assert_eq!(user.get("paInquiry").await.location, "https://elsewhere.test/");
}

#[tokio::test]
async fn the_session_ends_in_the_middle_and_the_draft_with_it() {
    for id in ["F09", "F10"] {
        let (harbor, mut user) = armed(Fault::new(id).at("lines")).await;
        user.fill("70551", "1").await;
        let page = user.get("paEntry1").await;
        assert!(page.says("YOUR SESSION HAS ENDED") && page.says("target=\"_top\""), "{id}");
        assert!(user.submit().await.unwrap().says("YOUR SESSION HAS ENDED"));
        assert_eq!(harbor.count("submit_received").await, 0);
        user.sign_on("auto01", &password("auto01")).await;
        assert!(user.submit().await.unwrap().says("PA-0101"), "the draft is gone");
    }
}

#[tokio::test]
async fn maintenance_comes_with_status_200_and_a_code() {
    for step in ["main", "submit"] {
        let (harbor, user) = armed(Fault::new("F20").at(step)).await;
        let page =
            if step == "main" { user.get("main").await } else { user.submit().await.unwrap() };
        assert_eq!(page.status, 200);
        assert!(page.says("PA-0900 SYSTEM UNAVAILABLE"));
        assert_eq!(harbor.count("submit_received").await, 0);
    }
}

#[tokio::test]
async fn the_way_in_can_be_barred() {
    let harbor = harbor().await;
    let user = harbor.stranger();
    harbor.control().fault(&Fault::new("F13").at("banner")).await.unwrap();
    assert!(user.get("banner").await.says("revised Provider Data Exchange Terms"));
    assert!(user.get("banner").await.says("indicates consent to monitoring"));
    harbor.control().fault(&Fault::new("F19").at("login")).await.unwrap();
    assert!(user.get("login").await.says("Verification picture"));
    assert!(user.get("login").await.says("Sign On"));
    let expired = Fault::new("F14").doing("password-expired").at("login");
    harbor.control().fault(&expired).await.unwrap();
    let mut user = harbor.stranger();
    let page = user.sign_on("auto01", &password("auto01")).await;
    assert!(page.says("YOUR PASSWORD HAS EXPIRED"));
    let (harbor, user) = armed(Fault::new("F11").at("main")).await;
    assert!(user.get("main").await.says("Provider Bulletin"));
    assert_eq!(harbor.count("announcement").await, 1);
}

#[tokio::test]
async fn pages_of_the_request_can_surprise() {
    let (_harbor, user) = armed(Fault::new("F24").at("member")).await;
    let page = user.post("paEntry2", &[("memberId", LARCH)]).await;
    assert!(page.says("Place of Service *") && page.says("required"));
    let (_harbor, user) = armed(Fault::new("F25").at("lines")).await;
    assert!(user.line("70551", "1", "03/09/2026", "03/09/2026").await.says("PA-0310"));
    let (_harbor, user) = armed(Fault::new("F26").at("member_search")).await;
    let fields = [("searchId", LARCH), ("searchDob", "01/01/1949")];
    let page = user.post("memberSearch", &fields).await;
    assert_eq!(page.text.matches(">Select<").count(), 2);
    let (_harbor, user) = armed(Fault::new("F29").at("lines").nth(2)).await;
    user.line("70551", "1", "03/09/2026", "03/09/2026").await;
    let page = user.post("paEntry4", &[("diagnoses", "G43.909"), ("go", "Next")]).await;
    assert!(page.says("PA-0102"));
}

#[tokio::test]
async fn searches_can_be_down_or_empty_without_saying_so() {
    for (id, words) in [("F21", "TEMPORARILY UNAVAILABLE"), ("F49", "NO REQUESTS FOUND")] {
        let (_harbor, user) = armed(Fault::new(id).at("search")).await;
        user.fill("70551", "1").await;
        user.submit().await.unwrap();
        let fields = [("memberId", LARCH), ("memberDob", "01/01/1949")];
        assert!(user.post("paInquiry", &fields).await.says(words), "{id}");
        assert_eq!(user.numbers().await.len(), 1, "{id}");
    }
}

#[tokio::test]
async fn a_certificate_of_somebody_else_is_not_trusted() {
    let harbor = harbor().await;
    harbor.control().fault(&Fault::new("F38")).await.unwrap();
    assert!(harbor.stranger().try_get("login").await.is_err());
    harbor.running.sim.certs.show(Cert::Trusted);
    assert!(harbor.stranger().get("login").await.says("Sign On"));
}

#[tokio::test]
async fn words_and_order_of_the_provider_page_can_change_and_a_provider_be_unknown() {
    let member = [("memberId", LARCH)];
    let (_harbor, user) = armed(Fault::new("F22").at("member")).await;
    let page = user.post("paEntry2", &member).await;
    assert!(page.says(">Ordering NPI<") && !page.says(">Requesting NPI<"));
    let (_harbor, user) = armed(Fault::new("F23").at("member")).await;
    let order =
        |page: &str| page.find("name=\"renderingNpi\"") < page.find("name=\"requestingNpi\"");
    assert!(order(&user.post("paEntry2", &member).await.text));
    assert!(!order(&user.post("paEntry2", &member).await.text));
    let (_harbor, user) = armed(Fault::new("F28").at("prov")).await;
    assert!(user.post("paEntry3", &PROVIDERS).await.says("PA-0130"));
    assert!(!user.post("paEntry3", &PROVIDERS).await.says("PA-0130"));
}

#[tokio::test]
async fn the_last_page_can_be_covered_have_a_second_button_or_send_twice() {
    for (id, words) in [
        ("F12", "Provider Survey"),
        ("F36", "value=\"Submit Later\""),
        ("F43", "keepalive:true"),
        ("F35", "disregard your task"),
        ("F40", "src=\"/statements/3.csv\""),
    ] {
        let (_harbor, user) = armed(Fault::new(id).at("cert")).await;
        assert!(user.fill("70551", "1").await.says(words), "{id}");
        assert!(!user.fill("70551", "1").await.says(words), "{id} is off again");
    }
    let (_harbor, user) = armed(Fault::new("F30").doing("upload-refused").at("docs")).await;
    user.fill("70551", "1").await;
    assert!(user.attach(b"%PDF-1.4 note").await.says("PA-0602"));
    assert!(user.attach(b"%PDF-1.4 note").await.says("Attached Documents"));
}

#[tokio::test]
async fn lists_drift_and_the_detail_lags_or_says_the_opposite() {
    let (_harbor, user) = armed(Fault::new("F33").at("inquiry")).await;
    user.fill("70551", "1").await;
    user.submit().await.unwrap();
    user.fill("97110", "4").await;
    user.submit().await.unwrap();
    let first = async || {
        let page = user.get("paInquiry?tab=1").await.text;
        page.split("?pan=").nth(1).unwrap().split('"').next().unwrap().to_owned()
    };
    assert_ne!(first().await, first().await);
    for (fault, words) in [
        (Fault::new("F50"), "<td>PENDING</td>"),
        (Fault::new("F32").doing("portal-contradicts"), "<td>DENIED</td>"),
    ] {
        let (harbor, user) = armed(fault.at("detail")).await;
        user.fill("E0601", "1").await;
        user.submit().await.unwrap();
        let detail = "paDetail?pan=26061000123";
        assert!(user.get(detail).await.says(words), "{words}");
        assert!(user.get(detail).await.says("<td>APPROVED</td>"));
        let act = tests::portal::Act::Contradict { told: tests::portal::store::Told::Letter };
        harbor.control().act("26061000123", &act).await.unwrap();
        let (_, paper) = user.bytes("nod?pan=26061000123").await;
        assert!(String::from_utf8_lossy(&paper).contains("DENIED"), "the letter contradicts");
        assert!(user.get(detail).await.says("<td>APPROVED</td>"));
    }
}
