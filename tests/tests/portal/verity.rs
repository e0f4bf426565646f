//! Verity Review without faults.

use serde_json::json;
use tests::portal::{
    Act,
    verity::{URGENT_STATEMENT, sso},
};

use super::verity_client::{password, verity};

#[tokio::test]
async fn a_case_is_filed_with_its_number_from_the_start_and_approved_at_once() {
    let verity = verity().await;
    let mut user = verity.logged_in("auto01").await;
    user.reach_summary("72148").await;
    for shown in ["V0123456790", "W100000002", "1234567893", "1999999984", "M54.50", "03/09/2026"] {
        assert!(user.says(shown), "{shown}");
    }
    user.submit().await.unwrap();
    assert!(user.says("Approved — authorization A400270001"), "{}", user.page);
    assert_eq!(user.numbers().await, ["V0123456790"]);
    let row = user.rows().remove(0);
    assert_eq!((row[1].as_str(), row[7].as_str()), ("A400270001", "Approved"));
    user.choose("case", "V0123456790").await;
    assert!(user.says("Authorization number") && user.says("06/07/2026"), "{}", user.page);
    assert_eq!(user.get("result.aspx?case=V0123456790").await, 200);
    assert!(user.says("authorization A400270001"));
    user.get("find.aspx").await;
    user.press("find", &[("number", "A400270001")]).await;
    assert_eq!(user.rows().len(), 1, "the authorization number finds it too");

    let truth = verity.truth();
    let received = truth.of_kind("submit_received").await.unwrap();
    let recorded = truth.of_kind("submit_committed").await.unwrap();
    assert_eq!((received.len(), recorded.len()), (1, 1));
    assert_eq!(received[0]["route"], "POST verity result.aspx");
    assert_eq!(
        (&received[0]["account"], &received[0]["origin"]),
        (&json!("auto01"), &json!("fleet"))
    );
    assert_eq!(received[0]["fields"]["pathEnd"], "upload_then_review");
    let kinds: Vec<_> =
        recorded[0]["numbers"].as_array().unwrap().iter().map(|n| n["kind"].clone()).collect();
    assert_eq!(kinds, ["case", "authorization"]);
    assert_eq!(verity.count("upload").await, 1);
    assert_eq!(verity.count("questionnaire").await, 2);
}

#[tokio::test]
async fn ids_change_with_every_answer_and_an_old_page_cannot_be_posted() {
    let verity = verity().await;
    let mut user = verity.logged_in("auto01").await;
    user.press("start", &[]).await;
    let (to, old) = user.filled("continue", "", &[("program", "Radiology")]);
    let first = user.page.clone();
    user.get("program.aspx").await;
    assert_ne!(first, user.page, "the middle part of every id is new");
    user.post(&to, &old).await.unwrap();
    assert!(user.says("This page has expired"), "{}", user.page);
    user.get("home.aspx").await;
    user.reach_questions("Radiology", "72148").await;
    user.get("codes.aspx").await;
    assert!(user.says("This page has expired"), "the page before is over");
    user.get("incomplete.aspx").await;
    user.choose("resume", "V0123456790").await;
    assert!(user.says("Clinical questions") && user.says("Case V0123456790"));
}

#[tokio::test]
async fn the_disclosure_is_asked_every_time_and_three_wrong_passwords_lock() {
    let verity = verity().await;
    let mut user = verity.stranger();
    user.get("").await;
    assert!(user.says("HIPAA Disclosure: this site") && !user.says("<label"));
    user.press("login", &[("user", "auto02"), ("password", "x")]).await;
    assert!(user.says("You must agree to continue."));
    for attempt in 1..=2 {
        user.press("login", &[("agree", "on"), ("user", "auto02"), ("password", "x")]).await;
        let words = format!("Invalid user name or password. Attempt {attempt} of 3.");
        assert!(user.says(&words), "{}", user.page);
    }
    user.press("login", &[("agree", "on"), ("user", "auto02"), ("password", "x")]).await;
    assert!(user.says("Your account is locked."));
    let typed = [("agree", "on"), ("user", "auto02"), ("password", &password("auto02") as &str)];
    user.get("login.aspx").await;
    user.press("login", &typed).await;
    assert!(user.says("Your account is locked."));
    verity.control().advance("PT15M").await.unwrap();
    verity.logged_in("auto02").await;
    assert_eq!(verity.count("lock").await, 1);
    verity.control().advance("P45D").await.unwrap();
    user.get("login.aspx").await;
    user.press("login", &typed).await;
    assert!(user.says("Your account has been disabled."));
}

#[tokio::test]
async fn mailed_codes_age_are_counted_and_run_out() {
    let verity = verity().await;
    let mut user = verity.half_way("auto01").await;
    assert!(user.says("a•••@willowmere.test"));
    user.press("resend", &[]).await;
    assert!(user.says("less than a minute ago"));
    user.press("continue", &[("code", "000000")]).await;
    assert!(user.says("Attempt 1 of 3."), "{}", user.page);
    verity.control().advance("PT10M").await.unwrap();
    let old = verity.codes("auto01").pop().unwrap();
    user.press("continue", &[("code", &old)]).await;
    assert!(user.says("Code expired."));
    for _ in 0..3 {
        user.press("resend", &[]).await;
        assert!(user.says("A new code has been sent."), "{}", user.page);
        verity.control().advance("PT61S").await.unwrap();
    }
    user.press("resend", &[]).await;
    assert!(user.says("Too many codes requested. Options return in 11:57."), "{}", user.page);
    verity.control().advance("PT12M").await.unwrap();
    let mut user = verity.half_way("auto01").await;
    let codes = verity.codes("auto01");
    assert_eq!(codes.len(), 5);
    user.press("continue", &[("code", &codes[3])]).await;
    assert!(user.says("Attempt 1 of 3."), "only the newest counts");
    user.press("continue", &[("code", "1")]).await;
    user.press("continue", &[("code", "2")]).await;
    assert!(user.says("Too many incorrect codes"));
    verity.control().knob("otp_delay_s", 90).await.unwrap();
    verity.half_way("auto01").await;
    assert_eq!(verity.codes("auto01").len(), 5);
    verity.control().advance("PT90S").await.unwrap();
    assert_eq!(verity.codes("auto01").len(), 6);
}

#[tokio::test]
async fn a_second_login_ends_the_first_and_its_case_is_taken_up_again() {
    let verity = verity().await;
    let mut first = verity.logged_in("auto01").await;
    first.reach_questions("Radiology", "72148").await;
    let (to, fields) = first.filled("continue", "", &[("answer", "Yes")]);
    let mut second = verity.logged_in("auto01").await;
    first.post(&to, &fields).await.unwrap();
    assert!(first.says("Your session ended because you signed in elsewhere."), "{}", first.page);
    second.get("incomplete.aspx").await;
    assert_eq!(second.rows()[0][..4], ["V0123456790", "W100000002", "72148", "03/09/2026"]);
    second.choose("resume", "V0123456790").await;
    assert!(second.says("Clinical questions"));
    let mut other = verity.logged_in("clerk01").await;
    other.get("incomplete.aspx").await;
    assert!(other.says("You have no incomplete cases."), "only its creator sees it");

    verity.control().advance("PT20M").await.unwrap();
    second.get("home.aspx").await;
    assert!(second.says("not used for a while"));
    verity.control().knob("single_session", false).await.unwrap();
    let mut one = verity.logged_in("auto02").await;
    verity.logged_in("auto02").await;
    one.get("home.aspx").await;
    assert!(one.says("Welcome to Verity Review"));
}

#[tokio::test]
async fn an_unfinished_case_is_withdrawn_after_two_hours() {
    let verity = verity().await;
    verity.control().knob("idle_min", 600).await.unwrap();
    let mut user = verity.logged_in("auto01").await;
    user.reach_questions("Radiology", "72148").await;
    verity.control().advance("PT2H").await.unwrap();
    user.answer("Yes").await;
    assert!(user.says("This case has been withdrawn."), "{}", user.page);
    user.get("incomplete.aspx").await;
    assert!(user.says("You have no incomplete cases."));
    assert_eq!(user.numbers().await, ["V0123456790"]);
    assert_eq!(user.rows()[0][7], "Withdrawn - Incomplete");
    let expired = verity.truth().of_kind("draft").await.unwrap();
    assert_eq!(expired.iter().filter(|entry| entry["expired"] == true).count(), 1);
    verity.control().knob("draft_hours", 5).await.unwrap();
    user.reach_questions("Radiology", "72148").await;
    verity.control().advance("PT3H").await.unwrap();
    user.get("incomplete.aspx").await;
    assert_eq!(user.rows().len(), 1);
}

#[tokio::test]
async fn an_existing_case_brings_a_warning() {
    let verity = verity().await;
    let mut user = verity.logged_in("auto01").await;
    user.reach_summary("70551").await;
    user.submit().await.unwrap();
    assert!(user.says("Unable to approve at this time. Sent to clinical review."));
    user.reach_codes("Radiology").await;
    user.codes("70551").await;
    assert!(user.says("A case exists: V0123456790."), "{}", user.page);
    let mut anyway = user.clone();
    anyway.press("anyway", &[]).await;
    assert!(anyway.says("Case V0123456791 has been started"));
    let how = verity.truth().of_kind("duplicate").await.unwrap();
    assert_eq!((&how[0]["how"], &how[1]["how"]), (&json!("warning"), &json!("continued")));
    user.get("home.aspx").await;
    user.reach_codes("Radiology").await;
    user.codes("70551").await;
    user.press("view", &[]).await;
    assert!(user.says("Pending - Clinical Review") && user.says("Services"));
    verity.control().knob("dup_mode", "silent").await.unwrap();
    user.reach_codes("Radiology").await;
    user.codes("70551").await;
    assert!(user.says("has been started"));
}

#[tokio::test]
async fn every_page_says_what_is_wrong() {
    let verity = verity().await;
    let mut user = verity.logged_in("auto01").await;
    user.press("start", &[]).await;
    user.press("continue", &[]).await;
    assert!(user.says("Choose a program."));
    user.press("continue", &[("program", "Radiology")]).await;
    user.press("find", &[("member", "W100000002"), ("lastname", "ALDER"), ("dob", "11/30/1975")])
        .await;
    assert!(user.says("No member found."), "all three must fit");
    user.find_birch().await;
    user.press("find", &[("npi", "1000000053")]).await;
    assert!(user.says("No provider with this NPI in this state."));
    user.press("find", &[("npi", "1234567893"), ("state", "Iowa")]).await;
    assert!(user.says("No provider with this NPI in this state."));
    user.press("find", &[("npi", "1234567893"), ("state", "Illinois")]).await;
    let rows = user.rows();
    assert!(
        rows.len() > 3 && rows[0][1] != "1234567893",
        "the nearest first, not the one asked for"
    );
    user.choose("use", "1234567893").await;
    user.press("find", &[("npi", "1999999984")]).await;
    user.choose("use", "1999999984").await;
    for (codes, date, diagnosis, words) in [
        ("", "03/09/2026", "M54.50", "Enter at least one procedure code."),
        ("00000", "03/09/2026", "M54.50", "Procedure code not found."),
        ("27447", "03/09/2026", "M54.50", "Not managed by Verity."),
        ("72148", "03/09/2026", "X99", "Diagnosis code not found."),
        ("72148", "soon", "M54.50", "Enter the date of service"),
        ("72148", "03/01/2026", "M54.50", "cannot be in the past"),
    ] {
        let typed = [("codes", codes), ("servicedate", date), ("diagnosis", diagnosis)];
        user.press("continue", &typed).await;
        assert!(user.says(words), "{words}: {}", user.page);
    }
}

#[tokio::test]
async fn the_path_branches_goes_back_and_has_every_kind_of_question() {
    let verity = verity().await;
    let mut user = verity.logged_in("auto01").await;
    user.reach_questions("Radiology", "70551").await;
    user.press("continue", &[]).await;
    assert!(user.says("Answer the question to continue."));
    user.answer("No").await;
    assert!(user.says("neurological deficit"));
    user.press("back", &[]).await;
    assert!(user.says("six weeks of provider-directed treatment"));
    user.answer("No").await;
    user.answer("No").await;
    user.answer("soon").await;
    assert!(user.says("Enter a number."));
    user.answer("8").await;
    user.answer("yesterday").await;
    assert!(user.says("Enter the date as MM/DD/YYYY."));
    user.answer("01/05/2026").await;
    assert!(user.says("Which treatments have been tried?"));
    user.answer("Exercise").await;
    user.answer("Head").await;
    user.answer("It decides about surgery.").await;
    assert!(user.says("Questions answered"), "{}", user.page);
    user.submit().await.unwrap();
    let received = verity.truth().of_kind("submit_received").await.unwrap();
    assert_eq!(received[0]["fields"]["answers"].as_array().unwrap().len(), 7);
    assert_eq!(received[0]["fields"]["sixWeeksOfTherapy"], false);

    verity.control().knob("pathway", "short").await.unwrap();
    user.reach_questions("Sleep", "95810").await;
    user.answer("Yes").await;
    user.submit().await.unwrap();
    assert!(user.says("Approved — authorization"), "the path approves at once: {}", user.page);
    verity.control().knob("pathway", "outside").await.unwrap();
    user.reach_questions("Equipment", "K0005").await;
    user.answer("Yes").await;
    assert!(user.says("Not managed by Verity."));
}

#[tokio::test]
async fn urgency_needs_the_statement_of_a_person() {
    let verity = verity().await;
    let mut user = verity.logged_in("auto01").await;
    user.reach_codes("Radiology").await;
    user.codes("72148").await;
    user.press("continue", &[]).await;
    user.press("continue", &[]).await;
    assert!(user.says("Answer the question to continue."));
    user.press("continue", &[("urgent", "Yes")]).await;
    assert!(
        user.says("I attest that the standard review time") && user.says(&URGENT_STATEMENT[..60])
    );
    user.press("continue", &[]).await;
    assert!(user.says("Confirm the statement, or answer No."));
    let attested = verity.count("attest").await;
    user.press("continue", &[("confirm", "on")]).await;
    assert!(user.says("Clinical questions"));
    assert_eq!(verity.count("attest").await, attested + 1);
}

#[tokio::test]
async fn records_have_limits_and_only_some_cases_take_them() {
    let verity = verity().await;
    let mut user = verity.logged_in("auto01").await;
    user.reach_questions("Radiology", "72148").await;
    user.answer("Yes").await;
    user.answer("Yes").await;
    user.press("continue", &[]).await;
    assert!(user.says("Add at least one file."));
    for (name, bytes, words) in [
        ("a.pdf", Vec::new(), "File is empty."),
        ("a.txt", b"note".to_vec(), "File type not accepted."),
        ("a.pdf", vec![b'%'; 5 * 1024 * 1024 + 1], "File is too large."),
    ] {
        user.attach(name, &bytes).await;
        assert!(user.says(words), "{words}");
    }
    for _ in 0..5 {
        user.attach("a.docx", b"PK").await;
    }
    user.attach("a.docx", b"PK").await;
    assert!(user.says("No more than 5 files."));
}

#[tokio::test]
async fn a_decision_is_faxed_half_an_hour_before_it_is_shown() {
    let verity = verity().await;
    let mut user = verity.logged_in("auto01").await;
    user.reach_summary("70551").await;
    user.submit().await.unwrap();
    verity.control().advance("PT26H").await.unwrap();
    assert_eq!(verity.count("fax").await, 1);
    let mut user = verity.logged_in("auto01").await;
    user.numbers().await;
    assert_eq!(
        (user.rows()[0][1].as_str(), user.rows()[0][7].as_str()),
        ("", "Pending - Clinical Review")
    );
    verity.control().knob("fax_delay_min", 10).await.unwrap();
    verity.control().advance("PT11M").await.unwrap();
    user.numbers().await;
    assert_eq!(user.rows()[0][7], "Approved");
    verity
        .control()
        .act("V0123456790", &Act::Deny { reason: "Not shown.".to_owned() })
        .await
        .unwrap();
    verity.control().advance("PT11M").await.unwrap();
    user.get("case.aspx?number=V0123456790").await;
    assert!(user.says("Denied") && user.says("Not shown."), "{}", user.page);
    user.press("call", &[]).await;
    assert!(user.says("can be requested until"), "{}", user.page);
    user.press("request", &[]).await;
    assert!(user.says("Choose a time"));
    user.press("request", &[("slot", "03/04/2026 10:00 AM CT"), ("phone", "555-0100")]).await;
    assert!(user.says("A reviewer will call on 03/04/2026"), "{}", user.page);
    assert_eq!((verity.count("p2p_received").await, verity.count("p2p_committed").await), (2, 1));
    let info = Act::RequestInfo { documents: vec!["Imaging report".to_owned()] };
    verity.control().act("V0123456790", &info).await.unwrap();
    verity.control().advance("PT11M").await.unwrap();
    user.get("case.aspx?number=V0123456790").await;
    assert!(user.says("Pending - Additional Information") && user.says("Imaging report"));
}

#[tokio::test]
async fn somebody_sent_by_another_portal_is_known_once_and_cannot_change_whom_it_is_about() {
    let verity = verity().await;
    let told = sso::Assertion {
        issuer: "hub.crestline.test".to_owned(),
        id: "a-77".to_owned(),
        account: "auto01".to_owned(),
        member_id: "W100000002".to_owned(),
        requesting_npi: "1234567893".to_owned(),
        codes: vec!["72148".to_owned()],
    };
    let value = sso::response(&told, verity.running.sim.now());
    let back = "https://hub.crestline.test/#/back".to_owned();
    let fields = [("SAMLResponse".to_owned(), value), ("RelayState".to_owned(), back)];
    let mut user = verity.stranger();
    user.post("sso/acs", &fields).await.unwrap();
    assert!(
        user.says("I agree to the HIPAA Disclosure") && !user.says("User name"),
        "{}",
        user.page
    );
    user.press("login", &[("agree", "on")]).await;
    user.press("continue", &[("program", "Radiology")]).await;
    assert!(user.says("value=\"W100000002\"") && user.says("readonly"), "{}", user.page);
    user.press("find", &[]).await;
    user.press("find", &[]).await;
    user.choose("use", "1234567893").await;
    user.press("find", &[("npi", "1999999984")]).await;
    user.choose("use", "1999999984").await;
    user.codes("72148").await;
    user.press("continue", &[]).await;
    user.press("continue", &[("urgent", "No")]).await;
    user.answer("No").await;
    user.answer("Yes").await;
    user.submit().await.unwrap();
    assert!(user.says("Return to Crestline Connect") && user.says("#/back"), "{}", user.page);
    let mut again = verity.stranger();
    again.post("sso/acs", &fields).await.unwrap();
    assert!(again.says("Link has expired."));
    let late =
        sso::response(&sso::Assertion { id: "a-78".to_owned(), ..told }, verity.running.sim.now());
    verity.control().advance("PT5M").await.unwrap();
    again.post("sso/acs", &[("SAMLResponse".to_owned(), late)]).await.unwrap();
    assert!(again.says("Link has expired."));
    let logins = verity.truth().of_kind("login").await.unwrap();
    assert_eq!(logins.iter().filter(|entry| entry["by"] == "sso").count(), 3);
}

#[tokio::test]
async fn on_sunday_afternoon_it_is_closed_with_status_200() {
    let verity = verity().await;
    let closed = json!({"set": "2026-03-08T17:30:00Z"});
    verity.control().set_clock(&closed).await.unwrap();
    let mut user = verity.stranger();
    assert_eq!(user.get("login.aspx").await, 200);
    assert!(user.says("Scheduled maintenance"), "12:30 Central is 17:30 UTC in summer time");
    verity.control().knob("maintenance", "").await.unwrap();
    user.get("login.aspx").await;
    assert!(user.says("HIPAA Disclosure"));
}

#[tokio::test]
async fn cases_drafts_and_mail_outlive_the_process() {
    let verity = verity().await;
    let mut user = verity.logged_in("auto01").await;
    user.reach_summary("70551").await;
    user.submit().await.unwrap();
    user.reach_questions("Radiology", "72148").await;
    let before = verity.truth().entries(&tests::ledger::Wanted::default()).await.unwrap().len();
    let verity = verity.restarted().await;
    let after = verity.truth().entries(&tests::ledger::Wanted::default()).await.unwrap().len();
    assert_eq!(before, after);
    let mut user = verity.logged_in("auto01").await;
    assert_eq!(user.numbers().await, ["V0123456790"]);
    user.get("incomplete.aspx").await;
    user.choose("resume", "V0123456791").await;
    assert!(user.says("Clinical questions") && user.says("Case V0123456791"));
}
