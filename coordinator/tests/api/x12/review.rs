//! The 278 at `/x12`: what is asked is carried whole or refused, is handed in once, and is answered with what was decided.

use super::*;

/// Who gives the services, in the question of the corpus.
const SERVICING: &str = "NM1*SJ*2*RIVER IMAGING*****XX*1999999984~";

/// The question with one thing changed in it.
fn changed(from: &str, to: &str) -> String {
    let body = question("278_request");
    assert!(body.contains(from), "{from}");
    counted(&body.replacen(from, to, 1))
}

/// The request of the only case.
async fn handed_in(app: &TestApp) -> Value {
    let all = app.get(Role::Operator, "cases").await.good();
    assert_eq!(all["items"].as_array().unwrap().len(), 1);
    let case = format!("cases/{}?reveal=true", all["items"][0]["id"].as_str().unwrap());
    app.get(Role::Operator, &case).await.good()["request"].clone()
}

#[tokio::test]
async fn a_review_is_pended_then_decided_and_sent_once() {
    let app = TestApp::new().await;
    let body = question("278_request");
    let pended = review(ask(&app, &body).await);
    assert_eq!(pended.bht.kind, "19", "more will follow");
    let hcr = event(&pended).decision.as_ref().unwrap();
    assert_eq!((hcr.action.as_str(), hcr.reasons.as_slice()), ("A4", ["0W".to_owned()].as_slice()));
    let words = event(&pended).message.as_ref().map_or("", |m| m.text.as_str());
    assert!(words.contains("the payer is being asked"), "why it is pended: {words}");
    let all = app.get(Role::Operator, "cases").await.good();
    let id = all["items"][0]["id"].as_str().unwrap();
    let asked =
        app.get(Role::Operator, &format!("cases/{id}?reveal=true")).await.good()["request"].clone();
    assert_eq!(asked["diagnoses"], json!(["M54.16"]));
    assert_eq!(
        (&asked["servicing"]["npi"], &asked["setting"]),
        (&json!("1999999984"), &json!("outpatient"))
    );
    assert_eq!(
        asked["lines"],
        json!([{"code": "72148", "units": 1, "from": "2026-12-01", "to": "2026-12-31"}])
    );

    // The answer was lost: the same request comes again under new control numbers.
    let again = |control: &str| body.replace("000000108", control);
    let lost = review(ask(&app, &again("000000128")).await);
    assert_eq!(event(&lost).decision.as_ref().unwrap().action, "A4");
    let more = json!({"references": [number("authorization", "AUTH-9")]});
    app.works("a1", "approved", &more).await;
    let now = review(ask(&app, &again("000000129")).await);
    assert_eq!(event(&now).decision.as_ref().unwrap().number, "AUTH-9", "the present answer");
    assert_eq!(cases(&app).await, 1);

    let twin = again("000000130").replace("PA-000401", "PA-000402").replace("PA000401", "PA000402");
    let twin = review(ask(&app, &twin).await);
    let hcr = event(&twin).decision.as_ref().unwrap();
    assert_eq!((hcr.action.as_str(), hcr.reasons.as_slice()), ("A3", ["0Q".to_owned()].as_slice()));
    assert!(event(&twin).refusals.is_empty(), "nothing is to be corrected and sent again");
    assert!(event(&twin).references.iter().any(|r| r.list == "NT" && r.number == id));
    assert!(event(&twin).message.as_ref().unwrap().text.contains("under way already as"));

    let other = review(ask(&app, &again("000000131").replace("72148", "72149")).await);
    assert_eq!(event(&other).refusals[0].reason, "33");
    let words = event(&other).message.as_ref().unwrap();
    assert!(words.text.contains("used for another request"), "{}", words.text);
    assert_eq!(cases(&app).await, 1);
}

#[tokio::test]
async fn every_decision_has_its_action() {
    let approved = json!({"references": [number("tracking", "CR-77"), number("authorization", "AUTH-9")],
        "facts": [{"name": "valid_from", "value": "2026-12-01"}, {"name": "valid_to", "value": "2027-02-28"}]});
    for (said, more, action, words) in [
        ("approved", approved, "A1", ""),
        ("denied", json!({"raw_words": "Not certified"}), "A3", "Not certified"),
        ("not_required", json!({"references": [number("decision", "D-1")]}), "NA", ""),
        ("contact_payer", json!({}), "CT", ""),
    ] {
        let app = TestApp::new().await;
        let set = review(told(&app, &question("278_request"), said, more).await);
        let event = event(&set);
        let hcr = event.decision.as_ref().unwrap();
        assert_eq!(hcr.action, action, "{said}");
        assert_eq!(event.services[0].decision.as_ref(), Some(hcr), "each service says it, too");
        assert_eq!(set.bht.kind, if said == "contact_payer" { "19" } else { "18" });
        let message = event.message.as_ref().map_or("", |m| m.text.as_str());
        assert!(message.contains(words), "{message}");
        if said == "approved" {
            assert_eq!(hcr.number, "AUTH-9");
            assert!(event.references.iter().any(|r| r.list == "NT" && r.number == "CR-77"));
            assert!(event.dates.iter().any(|d| d.of == "AAH" && d.value == "20261201-20270228"));
        }
    }
    let app = TestApp::new().await;
    let away =
        told(&app, &question("278_request"), "rejected", json!({"raw_words": "Invalid member"}))
            .await;
    let away = review(away);
    assert!(event(&away).decision.is_none(), "a refusal at the door is no denial");
    assert_eq!(event(&away).refusals[0].reason, "33");
}

#[tokio::test]
async fn a_number_with_a_separator_in_it_is_told_in_words() {
    let app = TestApp::new().await;
    let more =
        json!({"references": [number("tracking", "CR:77"), number("authorization", "AUTH-9")]});
    let set = review(told(&app, &question("278_request"), "approved", more).await);
    let event = event(&set);
    assert!(event.references.iter().all(|r| r.list != "NT"));
    assert_eq!(event.decision.as_ref().unwrap().number, "AUTH-9");
    let words = &event.message.as_ref().unwrap().text;
    assert!(words.contains("CR 77"), "{words}");
}

#[tokio::test]
async fn who_gives_the_services_is_named_or_it_is_who_asks() {
    let app = TestApp::new().await;
    let ask = async |to: &str| review(ask(&app, &changed(SERVICING, to)).await);
    for party in ["NM1*FA*2*RIVER HOSPITAL*****XX*1999999984~", "NM1*SJ*2*RIVER IMAGING~"] {
        let refused = ask(party).await;
        assert_eq!(event(&refused).parties[0].refusals[0].reason, "43", "{party}");
        assert_eq!(event(&refused).refusals[0].reason, "33", "{party}");
    }
    for (more, words) in [
        ("NM1*FA*2*RIVER HOSPITAL*****XX*1000000012~", "a party beside"),
        ("NM1*72*1*ASH*TESTC~", "a party beside"),
        ("NM1*SJ*2*ELM IMAGING*****XX*1000000012~", "one provider (SJ)"),
    ] {
        let refused = ask(&format!("{SERVICING}{more}")).await;
        assert_eq!(event(&refused).refusals[0].reason, "33", "{more}");
        let told = &event(&refused).message.as_ref().unwrap().text;
        assert!(told.contains(words), "{more}: {told}");
    }
    let service = "SV1*HC:72148*1200*UN*1~";
    let two = format!("{service}NM1*SJ*2*ELM IMAGING*****XX*1000000012~");
    let refused = review(super::ask(&app, &changed(service, &two)).await);
    assert_eq!(event(&refused).refusals[0].reason, "33");
    assert_eq!(cases(&app).await, 0);

    ask(&format!("NM1*DK*1*OAK*TESTD****XX*1234567893~{SERVICING}")).await;
    assert_eq!(handed_in(&app).await["servicing"]["npi"], "1999999984", "who orders is who asks");
    let app = TestApp::new().await;
    review(super::ask(&app, &changed(SERVICING, "")).await);
    assert_eq!(handed_in(&app).await["servicing"]["npi"], "1234567893");
}

#[tokio::test]
async fn nothing_that_changes_a_request_is_left_out() {
    let app = TestApp::new().await;
    let (days, hi) = ("DTP*472*RD8*20261201-20261231~", "HI*ABK:M5416~");
    let (um, own) = ("UM*HS*I*73*11:B*****Y~", "UM*HS*I~SV1");
    let service = "SV1*HC:72148*1200*UN*1~";
    for (from, to, reason) in [
        (hi, "HI*ABK:M5416~MSG*FAILED 6 WEEKS PT~", "33"),
        (hi, "HI*ABK:M5416~HSD*VS*12~", "33"),
        (hi, "HI*ABK:M5416~CRC*75*Y*12~", "33"),
        (hi, "HI*ABK:M5416~CL1*3~", "33"),
        (hi, "HI*ABK:M5416~CR6*4*20261201~", "33"),
        (hi, "HI*ABK:M5416*LOI:18657-7~", "AF"),
        (um, "UM*HS*I*73*11:B*AA****Y~", "33"),
        (um, "UM*HS*I*73*11:B*****Y~REF*NT*PEND1~", "33"),
        (days, "DTP*472*RD8*20261201-20261231~DTP*439*D8*20261101~", "33"),
        (days, "DTP*472*RD8*20261201-20261231~DTP*472*D8*20261202~", "57"),
        (own, "UM*HS*3~SV1", "33"),
        (own, "UM*HS*I~HI*ABK:M5416~SV1", "33"),
        (service, "SV1*HC:72148:LT*1200*UN*1~", "33"),
        (service, "SV1*HC:72148*1200*MJ*30~", "AG"),
        (service, "SV2*0610*HC:72148*1200*UN*1~", "33"),
        (service, "SV1*HC:72148*1200*UN*1~TOO*JP*8~", "33"),
        (service, "SV1*HC:72148*1200*UN*1~HSD*VS*12~", "33"),
        (service, "SV1*HC:72148*1200*UN*1~MSG*BOTH SIDES~", "33"),
    ] {
        let refused = review(ask(&app, &changed(from, to)).await);
        assert_eq!(event(&refused).refusals[0].reason, reason, "{to}");
    }
    assert_eq!(cases(&app).await, 0);

    let admission = changed(um, "UM*AR*I*1*21:B**U***Y~");
    let admission = admission
        .replace("20261231~", "20261231~DTP*435*D8*20261201~")
        .replace(hi, "HI*ABF:M5450*ABK:M5416~");
    review(ask(&app, &counted(&admission)).await);
    let request = handed_in(&app).await;
    assert_eq!(request["diagnoses"], json!(["M54.16", "M54.50"]), "the principal one first");
    assert_eq!(
        (&request["setting"], &request["urgency"]),
        (&json!("inpatient"), &json!("expedited"))
    );
}

#[tokio::test]
async fn an_inquiry_is_never_taken_for_a_submission() {
    let app = TestApp::new().await;
    let submission = question("278_request");
    let (asks, as_inquiry) = ("BHT*0007*13*", "BHT*0007*28*");
    for body in [
        submission.replace(asks, as_inquiry),
        submission.replace("005010X217", "005010X215"),
        submission.replace("005010X217", "005010X215").replace(asks, as_inquiry),
    ] {
        let (_, sets) = receipts(&post(&app, Role::Operator, 0, &body).await);
        let Transaction::Receipt(receipt) = &sets[0] else { panic!("{sets:?}") };
        let verdict = &receipt.sets[0].verdict;
        assert_eq!((verdict.verdict.as_str(), verdict.fault_1.as_str()), ("R", "1"), "{body}");
    }
    assert_eq!(cases(&app).await, 0);
}
