//! Harbor State Medicaid without faults.

use serde_json::json;
use tests::portal::Act;

use super::harbor_client::{LARCH, PROVIDERS, harbor, password};

#[tokio::test]
async fn a_request_is_filed_its_number_is_a_picture_and_the_inquiry_shows_it() {
    let harbor = harbor().await;
    let user = harbor.signed_on("auto01").await;
    let summary = user.fill("70551", "1").await;
    assert!(summary.says("Documents and Submit") && summary.says(LARCH) && summary.says("70551"));
    let attached = user.attach(b"%PDF-1.4 an office note").await;
    assert!(attached.says("Attached Documents") && attached.says("note.pdf"), "{}", attached.text);
    let result = user.submit().await.unwrap();
    assert!(result.says("Status: <b>RECEIVED</b>"), "{}", result.text);
    assert!(result.says("alt=\"PA Number\"") && result.says("data:image/png;base64,"));
    assert!(!result.says("26061000"), "the number must not be in the text of the page");

    assert_eq!(user.numbers().await, ["26061000123"]);
    let detail = user.get("paDetail?pan=26061000123").await;
    assert!(detail.says("title=\"Header Status\">RECEIVED") && detail.says("<td>PENDING</td>"));
    harbor.control().advance("PT26H").await.unwrap();
    let user = harbor.signed_on("auto01").await;
    let detail = user.get("paDetail?pan=26061000123").await;
    assert!(detail.says("title=\"Header Status\">ADJUDICATED") && detail.says("<td>APPROVED</td>"));
    assert!(detail.says("title=\"Authorized From\">03/09/2026"));
    let (kind, notice) = user.bytes("nod?pan=26061000123").await;
    assert_eq!(kind, "application/pdf");
    let notice = String::from_utf8(notice).unwrap();
    assert!(notice.contains("Letter number N61000001") && notice.contains("APPROVED"), "{notice}");
    let (_, sheet) = user.bytes("coverSheet?pan=26061000123").await;
    assert!(String::from_utf8(sheet).unwrap().contains("(HSM/26061000123/SUPPORT)"));

    let truth = harbor.truth();
    let received = truth.of_kind("submit_received").await.unwrap();
    let recorded = truth.of_kind("submit_committed").await.unwrap();
    assert_eq!((received.len(), recorded.len()), (1, 1));
    assert_eq!(received[0]["route"], "POST mmis pa/paResult");
    assert_eq!(
        (&received[0]["account"], &received[0]["origin"]),
        (&json!("auto01"), &json!("fleet"))
    );
    assert_eq!(received[0]["fields"]["certifiedBy"], "Pat Reviewer");
    assert_eq!(recorded[0]["numbers"][0]["value"], "26061000123");
    assert_eq!(harbor.count("letter").await, 2);
}

#[tokio::test]
async fn the_way_in_shows_a_warning_and_one_sign_on_at_a_time() {
    let harbor = harbor().await;
    let mut first = harbor.stranger();
    assert_eq!(first.get("index").await.location, "/pa/banner");
    assert!(first.get("banner").await.says("indicates consent to monitoring"));
    assert_eq!(first.post("banner", &[("terms", "x")]).await.location, "/pa/login");
    let opened = first.sign_on("auto01", &password("auto01")).await;
    assert!(opened.cookie.contains("Secure; HttpOnly"), "{}", opened.cookie);
    let frames = first.get("index").await;
    for frame in ["name=\"banner\"", "name=\"menu\"", "name=\"main\"", "<frameset"] {
        assert!(frames.says(frame), "{frame}");
    }
    let cookie = opened.cookie.split(';').next().unwrap().to_owned();
    assert!(first.get_by_cookie("top", &cookie).await.says("Signed on as AUTO01"));

    let mut second = harbor.stranger();
    let refused = second.sign_on("auto01", &password("auto01")).await;
    assert!(refused.says("USER ALREADY SIGNED ON"));
    harbor.control().advance("PT20M").await.unwrap();
    second.sign_on("auto01", &password("auto01")).await;
    assert!(!second.token.is_empty(), "the first one is over after twenty idle minutes");
    assert!(first.get("paEntry1").await.says("YOUR SESSION HAS ENDED"));
    second.get("logoff").await;
    first.sign_on("auto01", &password("auto01")).await;
    assert!(!first.token.is_empty());
    assert_eq!(harbor.count("attest").await, 1);
    assert_eq!(harbor.count("portal_session_end").await, 2);
}

#[tokio::test]
async fn two_failures_bring_a_picture_puzzle_and_the_third_locks_until_a_person_resets() {
    let harbor = harbor().await;
    let mut user = harbor.stranger();
    assert!(user.sign_on("auto02", "no").await.says("INVALID USER ID OR PASSWORD"));
    assert!(user.sign_on("auto02", "no").await.says("Verification picture"));
    // Even the right password is not looked at before the puzzle is answered.
    assert!(user.sign_on("auto02", &password("auto02")).await.says("Verification picture"));
    let wrong = user.post("captcha", &[("userId", "auto02"), ("answer", "x")]).await;
    assert!(wrong.says("DO NOT MATCH"));
    harbor.control().knob("captcha", false).await.unwrap();
    assert!(user.sign_on("auto02", "no").await.says("ACCOUNT IS LOCKED"));
    harbor.control().advance("P1D").await.unwrap();
    assert!(user.sign_on("auto02", &password("auto02")).await.says("ACCOUNT IS LOCKED"));
    harbor.control().reset_account("auto02").await.unwrap();
    user.sign_on("auto02", &password("auto02")).await;
    assert!(!user.token.is_empty());
    let puzzles = harbor.truth().of_kind("captcha").await.unwrap();
    let tries = puzzles.iter().filter(|entry| entry["what"] == "try").count();
    assert_eq!((puzzles.len(), tries), (4, 1));
    assert_eq!(harbor.count("lock").await, 1);
}

#[tokio::test]
async fn an_old_password_must_be_changed_by_its_owner() {
    let harbor = harbor().await;
    harbor.control().knob("password_age_d", 61).await.unwrap();
    let mut user = harbor.stranger();
    let page = user.sign_on("auto01", &password("auto01")).await;
    assert!(page.says("YOUR PASSWORD HAS EXPIRED") && user.token.is_empty());
    assert_eq!(harbor.count("password_received").await, 0);
    user.post("changepw", &[("new1", "a"), ("new2", "a")]).await;
    assert_eq!(harbor.count("password_received").await, 1);
}

#[tokio::test]
async fn findings_are_listed_at_the_top_by_code() {
    let harbor = harbor().await;
    let user = harbor.signed_on("auto01").await;
    user.get("paEntry1").await;
    assert!(user.post("paEntry1", &[("requestType", "Nonsense")]).await.says("PA-0310"));
    let search = async |dob: &str| {
        user.post("memberSearch", &[("searchId", LARCH), ("searchDob", dob)]).await
    };
    assert!(search("1/1/1949").await.says("PA-0204"));
    assert!(search("01/02/1949").await.says("PA-0101 MEMBER NOT FOUND"));
    let found = search("01/01/1949").await;
    assert!(
        found.says("Members found") && found.says("LARCH, TESTK") && found.says("window.opener")
    );

    let mut strange = PROVIDERS;
    strange[0].1 = "1000000053";
    assert!(user.post("paEntry3", &strange).await.says("PA-0130 PROVIDER NOT ENROLLED"));
    strange = PROVIDERS;
    strange[3].1 = "0000000000";
    assert!(user.post("paEntry3", &strange).await.says("PA-0130"));
    assert!(user.post("paEntry3", &PROVIDERS).await.says("Service Lines"));

    let day = "03/09/2026";
    for (code, units, from, finding) in [
        ("00000", "1", day, "PA-0310 CODE NOT ON FILE"),
        ("70551", "", day, "PA-0311 UNITS REQUIRED"),
        ("70551", "1", "2026-03-09", "PA-0204 INVALID DATE FORMAT"),
        ("70551", "1", "03/01/2026", "PA-0207 DATE BEFORE TODAY"),
    ] {
        let page = user.line(code, units, from, day).await;
        assert!(page.says(finding), "{finding}");
    }
    assert!(!user.line("70551", "1", day, day).await.says("PA-0"));
    assert!(user.line("70551", "2", day, day).await.says("PA-0415 POSSIBLE DUPLICATE LINE"));
    assert!(user.post("paEntry4", &[("diagnoses", "Q99.9"), ("go", "Next")]).await.says("PA-0310"));
    assert!(
        user.post("paEntry5", &[("certName", "")]).await.says("PA-0501 CERTIFICATION REQUIRED")
    );
    assert!(user.attach(b"PK not a pdf").await.says("PA-0601 FILE MUST BE PDF"));
    assert!(user.attach(b"").await.says("PA-0603 FILE EMPTY"));
    let mut large = b"%PDF-".to_vec();
    large.resize(10 * 1024 * 1024 + 1, b' ');
    assert!(user.attach(&large).await.says("PA-0602 FILE TOO LARGE"));
    assert_eq!(harbor.count("submit_received").await, 0);
}

#[tokio::test]
async fn an_empty_member_is_told_only_at_the_submit_and_coverage_before_it() {
    let harbor = harbor().await;
    let user = harbor.signed_on("auto01").await;
    user.fill("70551", "1").await;
    user.post("paEntry2", &[("memberId", "")]).await;
    let refused = user.submit().await.unwrap();
    assert!(refused.says("PA-0101") && refused.says("onclick=\"send(this.form)\""));
    assert_eq!(harbor.truth().of_kind("submit_refused").await.unwrap()[0]["code"], "0101");
    assert_eq!(harbor.count("submit_committed").await, 0);

    user.post("paEntry2", &[("memberId", "9000000011")]).await;
    let page = user.post("paEntry4", &[("diagnoses", "G43.909"), ("go", "Next")]).await;
    assert!(page.says("PA-0102 MEMBER NOT ELIGIBLE"));
}

#[tokio::test]
async fn an_exact_duplicate_is_refused_without_its_number() {
    let harbor = harbor().await;
    let user = harbor.signed_on("auto01").await;
    user.fill("70551", "1").await;
    user.submit().await.unwrap();
    // Units do not make it another request.
    user.fill("70551", "3").await;
    let refused = user.submit().await.unwrap();
    assert!(refused.says("PA-0412 EXACT DUPLICATE OF REQUEST ON FILE"));
    assert!(!refused.says("26061000123"));
    assert_eq!(user.numbers().await, ["26061000123"]);
    let counts = (harbor.count("submit_received").await, harbor.count("submit_committed").await);
    assert_eq!(counts, (2, 1));
    assert_eq!(harbor.count("duplicate").await, 1);
}

#[tokio::test]
async fn tabs_show_ten_at_a_time_and_say_nothing_of_a_total() {
    let harbor = harbor().await;
    let user = harbor.signed_on("auto01").await;
    for day in 9..20 {
        let day = format!("2026-03-{day:02}");
        let filing = json!({"memberId": LARCH, "requestingNpi": "1234567893",
            "lines": [{"code": "70551", "units": 1, "from": day, "to": day}]});
        harbor.control().file(&serde_json::from_value(filing).unwrap()).await.unwrap();
    }
    let rows = |page: &str| page.matches("?pan=").count();
    assert_eq!(rows(&user.get("paInquiry?tab=1").await.text), 10);
    let last = user.get("paInquiry?tab=1&page=1").await.text;
    assert_eq!(rows(&last), 1);
    assert!(last.contains(">Next<"));
    assert_eq!(rows(&user.get("paInquiry?tab=0").await.text), 0);
    assert_eq!(user.numbers().await.len(), 11);

    let number = "26061000123";
    let wanted = Act::RequestInfo { documents: vec!["Office note".to_owned()] };
    harbor.control().act(number, &wanted).await.unwrap();
    assert_eq!(rows(&user.get("paInquiry?tab=2").await.text), 1);
    let detail = user.get(&format!("paDetail?pan={number}")).await;
    assert!(
        detail.says("PENDING PROVIDER RESPONSE") && detail.says("DOCUMENTS REQUESTED: Office note")
    );
    harbor.control().act(number, &Act::Deny { reason: "Not shown.".to_owned() }).await.unwrap();
    let detail = user.get(&format!("paDetail?pan={number}")).await;
    assert!(
        detail.says("ADJUDICATED")
            && detail.says("<td>DENIED</td>")
            && detail.says("R01 Not shown.")
    );
    assert_eq!(rows(&user.get("paInquiry?tab=3").await.text), 1);
}

#[tokio::test]
async fn claims_are_found_by_number_or_by_member_and_day() {
    let harbor = harbor().await;
    let user = harbor.signed_on("auto01").await;
    let by_number = async |icn: &str| user.post("claimInquiry", &[("icn", icn)]).await;
    for (icn, words) in [
        ("2026061000031", "PAID IN PART"),
        ("2026061000048", "REJECTED - FRONT END"),
        ("2026061000055", "ADJUSTED"),
    ] {
        let page = by_number(icn).await;
        assert!(page.says(words), "{words}: {}", page.text);
        let detail = user.get(&format!("claimDetail?icn={icn}")).await;
        assert!(detail.says(&format!("title=\"Claim Status\">{words}")));
    }
    let detail = user.get("claimDetail?icn=2026061000031").await;
    assert!(
        detail.says("<td>PAID</td>") && detail.says("<td>DENIED</td>") && detail.says("CO 197")
    );
    assert!(by_number("2026061000062").await.says("NO CLAIM FOUND"), "too early");
    harbor.control().advance("P5D").await.unwrap();
    let user = harbor.signed_on("auto01").await;
    let fields = [("memberId", "9000000011"), ("serviceDate", "02/26/2026")];
    let page = user.post("claimInquiry", &fields).await;
    assert!(page.says("2026061000062") && page.says("RECEIVED"), "{}", page.text);
    assert!(user.post("claimInquiry", &[("serviceDate", "soon")]).await.says("PA-0204"));
    assert!(user.post("claimInquiry", &[("serviceDate", "02/26/2026")]).await.says("PA-0101"));
}

#[tokio::test]
async fn knobs_change_what_they_say() {
    let harbor = harbor().await;
    let user = harbor.signed_on("auto01").await;
    assert!(user.post("paEntry1", &[("requestType", "Dental")]).await.says("window.open("));
    harbor.control().knob("popup", "blocked").await.unwrap();
    assert!(!user.post("paEntry1", &[("requestType", "Dental")]).await.says("window.open("));
    assert!(user.get("paEntry1").await.says("onbeforeunload"));
    harbor.control().knob("beforeunload", false).await.unwrap();
    assert!(!user.get("paEntry1").await.says("onbeforeunload"));
    harbor.control().knob("status_down", true).await.unwrap();
    assert!(user.get("paInquiry").await.says("STATUS INQUIRY IS TEMPORARILY UNAVAILABLE"));
    user.get("logoff").await;
    harbor.control().knob("bulletin", true).await.unwrap();
    let user = harbor.signed_on("auto01").await;
    assert!(user.get("main").await.says("Provider Bulletin"));
    assert!(!user.get("main").await.says("Provider Bulletin"), "shown once");
    harbor.control().knob("hours", "06-23").await.unwrap();
    assert!(user.get("login").await.says("Sign On"));
    harbor.control().advance("PT15H").await.unwrap();
    assert!(harbor.stranger().get("login").await.says("PA-0900 SYSTEM UNAVAILABLE"));
}
