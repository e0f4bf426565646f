//! `/x12`: every answer is read back and judged by the checker a partner's own would be like.

mod review;

use std::{collections::BTreeMap, time::Duration};

use axum::{
    body::Body,
    http::{Method, Request as Call},
};
use coordinator::{
    access::Role,
    flow::{self, Actor, publish::NewScript},
};
use exchange::x12::{check::check, file::File, t270, t276, t278, transaction::Transaction};
use serde_json::{Value, json};

use crate::{
    facade::number,
    test_app::{Seen, TestApp, payer},
};

/// A question of the corpus, to Crestline.
fn question(name: &str) -> String {
    let path = format!("{}/../exchange/tests/corpus/{name}.edi", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(path).unwrap().replace("ACME1", "CRESTLINE");
    // Neither the imaging report nor what is said of it reaches a payer this way.
    counted(&text.replace("PWK*77*EL***AC*ATT000401~", "").replace("MSG*FAILED 6 WEEKS PT~", ""))
}

/// The same with the count of segments as it must be.
fn counted(text: &str) -> String {
    let Some((head, set)) = text.split_once("~ST*") else { return text.to_owned() };
    let (body, tail) = set.split_once("~SE*").unwrap();
    let (_, tail) = tail.split_once('*').unwrap();
    // ST stands before the body, SE behind it.
    let count = body.matches('~').count() + 2;
    format!("{head}~ST*{body}~SE*{count}*{tail}")
}

/// How many cases there are.
async fn cases(app: &TestApp) -> usize {
    app.get(Role::Viewer, "cases").await.good()["items"].as_array().unwrap().len()
}

async fn post(app: &TestApp, role: Role, wait_s: u32, body: &str) -> Seen {
    let call = Call::builder()
        .method(Method::POST)
        .uri("/x12")
        .header("content-type", "application/edi-x12")
        .header("prefer", format!("wait={wait_s}"))
        .header("authorization", format!("Bearer {}", app.keys[&role]));
    app.send(call.body(Body::from(body.to_owned())).unwrap()).await
}

/// The set of an answer, which must be without any error.
#[track_caller]
fn answer(seen: &Seen) -> Transaction {
    let text = String::from_utf8_lossy(&seen.body);
    assert_eq!(seen.status, 200, "{text}");
    assert_eq!(seen.headers["content-type"], "application/edi-x12");
    let checked = check(seen.body.as_slice()).unwrap();
    assert_eq!(checked.faults, [], "{text}");
    let (mut file, _) = File::read(seen.body.as_slice()).unwrap();
    let mut interchange = file.interchanges.remove(0);
    assert_eq!(
        (interchange.isa.sender.as_str(), interchange.isa.receiver.as_str()),
        ("PAYER01", "PROVIDER01")
    );
    interchange.groups.remove(0).sets.remove(0)
}

async fn ask(app: &TestApp, body: &str) -> Transaction {
    answer(&post(app, Role::Operator, 0, body).await)
}

fn coverage(set: Transaction) -> t270::Eligibility {
    let Transaction::Eligibility(set) = set else { panic!("{set:?}") };
    assert_eq!((set.st.set.as_str(), set.bht.purpose.as_str()), ("271", "11"));
    set
}

fn status(set: Transaction) -> t276::Claim {
    let Transaction::ClaimStatus(mut set) = set else { panic!("{set:?}") };
    assert_eq!((set.st.set.as_str(), set.bht.purpose.as_str()), ("277", "08"));
    let mut provider = set.payers.remove(0).receivers.remove(0).providers.remove(0);
    provider.subscribers.remove(0).claims.remove(0)
}

fn review(set: Transaction) -> t278::Review {
    let Transaction::Review(set) = set else { panic!("{set:?}") };
    assert!(set.is_answer());
    set
}

fn event(set: &t278::Review) -> &t278::PatientEvent {
    set.events().next().unwrap()
}

/// The first interchange's receipt of a set, or of itself.
#[track_caller]
fn receipts(seen: &Seen) -> (Vec<String>, Vec<Transaction>) {
    assert_eq!(seen.status, 200, "{seen:?}");
    let (mut file, _) = File::read(seen.body.as_slice()).unwrap();
    let interchange = file.interchanges.remove(0);
    let notes = interchange.receipts.into_iter().map(|r| r.verdict + " " + &r.note).collect();
    (notes, interchange.groups.into_iter().flat_map(|g| g.sets).collect())
}

/// Crestline may be asked about coverage, too.
async fn with_eligibility() -> TestApp {
    let app = TestApp::new().await;
    let mut permission = payer("crestline", 2).permission;
    permission.tasks.push(domain::job::Task::Eligibility);
    let (core, now) = (&app.app.core, app.clock.now());
    let asked = flow::Asked::new(Actor::Setup, "a test", None).unwrap();
    flow::payers::set_permission(core, &asked, "crestline", &permission, now).await.unwrap();
    let new = NewScript {
        script: "crestline/eligibility".to_owned(),
        sha256: coordinator::files::sha256(b"crestline/eligibility"),
        files: BTreeMap::from([("crestline/eligibility.yaml".to_owned(), "x: 1\n".to_owned())]),
    };
    flow::publish::publish(core, &Actor::Setup, new, now).await.unwrap();
    app
}

/// Asks, and lets an agent answer meanwhile.
async fn told(app: &TestApp, body: &str, said: &str, more: Value) -> Transaction {
    let both = futures_util::future::join(
        post(app, Role::Operator, 60, body),
        app.works(said, said, &more),
    );
    let (seen, ()) = tokio::time::timeout(Duration::from_secs(60), both).await.unwrap();
    answer(&seen)
}

#[tokio::test]
async fn coverage_is_told_in_time_or_asked_again() {
    let app = with_eligibility().await;
    let body = question("270");
    let later = coverage(ask(&app, &body).await);
    let refusal = &later.sources[0].refusals[0];
    assert_eq!((refusal.reason.as_str(), refusal.follow_up.as_str()), ("42", "P"));
    assert!(later.sources[0].receivers.is_empty());
    let facts = json!([{"name": "plan", "value": "Crestline: Choice ^ Plus"}, {"name": "coverage_begins", "value": "01/01/2026"},
                       {"name": "copay", "value": "$30.00"}]);
    let more = json!({"facts": facts, "raw_words": "Active coverage"});
    app.works("a1", "coverage_active", &more).await;
    let now = coverage(ask(&app, &body).await);
    assert_eq!(cases(&app).await, 1, "asked again, it is the same case");
    let other = post(&app, Role::Operator, 0, &body.replace("W123456789", "W123456786")).await;
    assert_eq!(receipts(&other).0, ["R 025"], "these control numbers were used");
    let subscriber = &now.sources[0].receivers[0].subscribers[0];
    assert_eq!(
        (subscriber.traces[0].kind.as_str(), subscriber.traces[0].number.as_str()),
        ("2", "ELG000101")
    );
    let member = subscriber.member.as_ref().unwrap();
    let benefit = &member.benefits[0];
    assert_eq!(
        (benefit.eb.what.as_str(), benefit.eb.plan.as_str()),
        ("1", "Crestline Choice Plus")
    );
    assert_eq!(benefit.eb.service_types, ["30"]);
    assert!(member.questions.is_empty());
    assert!(member.dates.iter().any(|d| d.of == "346" && d.value == "20260101"));
    let words: Vec<&str> = benefit.messages.iter().map(|m| m.text.as_str()).collect();
    assert_eq!(words[0], "Active coverage");
    assert!(words.contains(&"copay $30.00"), "{words:?}");

    let other = body.replace("000000101", "000000132").replace("W123456789", "W123456787");
    let more = json!({"raw_words": "Ended"});
    let ended = coverage(told(&app, &other, "coverage_inactive", more).await);
    let member = ended.sources[0].receivers[0].subscribers[0].member.as_ref().unwrap();
    assert_eq!(member.benefits[0].eb.what, "6");
    assert_eq!(member.benefits[0].messages[0].text, "Ended");

    let nobody = body.replace("000000101", "000000131").replace("W123456789", "W123456788");
    let nobody = coverage(told(&app, &nobody, "not_found", json!({})).await);
    let member = nobody.sources[0].receivers[0].subscribers[0].member.as_ref().unwrap();
    assert_eq!(member.refusals[0].reason, "75");
    assert!(member.benefits.is_empty());
}

#[tokio::test]
async fn without_a_day_the_payers_own_is_asked_about() {
    let app = with_eligibility().await;
    // Half past eight in the evening of the second in New York, the third in London.
    app.clock.advance(11 * 3_600_000 + 30 * 60_000);
    ask(&app, &counted(&question("270").replace("DTP*291*D8*20261121~", ""))).await;
    let all = app.get(Role::Operator, "cases").await.good();
    let case = format!("cases/{}?reveal=true", all["items"][0]["id"].as_str().unwrap());
    assert_eq!(app.get(Role::Operator, &case).await.good()["request"]["from"], "2026-03-02");
}

#[tokio::test]
async fn the_status_of_a_claim_has_its_category_number_and_amount() {
    let app = TestApp::new().await;
    let body = question("276");
    let later = status(ask(&app, &body).await);
    assert_eq!(later.statuses[0].status.category, "E1", "the payer has not been asked yet");
    let more = json!({"references": [number("claim", "CLM-2207")], "facts": [{"name": "paid", "value": "$1,320.50"}]});
    let paid = status(told(&app, &body, "claim_paid", more).await);
    assert_eq!((paid.trace.kind.as_str(), paid.trace.number.as_str()), ("2", "CST000301"));
    let said = &paid.statuses[0];
    assert_eq!((said.status.category.as_str(), said.status.status.as_str()), ("F1", "65"));
    assert_eq!(
        (said.charged.unwrap().to_string(), said.paid.unwrap().to_string()),
        ("450".into(), "1320.50".into())
    );
    let numbers: Vec<&str> = paid.references.iter().map(|r| r.number.as_str()).collect();
    assert_eq!(numbers, ["CLM-2207", "PCN-7781"]);
    let odd = body.replace("000000104", "000000149").replace("20261001", "20260909");
    let more = json!({"references": [number("claim", "CLM:2207")], "raw_words": "Paid"});
    let odd = status(told(&app, &odd, "claim_paid", more).await);
    assert_eq!(odd.references.len(), 1, "another number than the payer's is not written");
    assert!(odd.statuses[0].text.contains("CLM 2207; Paid"), "{}", odd.statuses[0].text);
    for (at, (answer, category)) in [
        ("claim_denied", "F2"),
        ("claim_rejected", "A3"),
        ("claim_in_process", "P1"),
        ("not_found", "A4"),
    ]
    .into_iter()
    .enumerate()
    {
        let other = body.replace("000000104", &format!("00000014{at}"));
        let other = other.replace("20261001", &format!("2026010{}", at + 1));
        let said = status(told(&app, &other, answer, json!({})).await);
        assert_eq!(said.statuses[0].status.category, category, "{answer}");
    }
}

#[tokio::test]
async fn what_cannot_be_worked_is_refused_at_its_level() {
    let app = with_eligibility().await;
    let ask = async |from: &str, to: &str| {
        let body = question("270").replace(from, to);
        coverage(ask(&app, &body).await).sources.remove(0)
    };
    assert_eq!(ask("CRESTLINE", "NOBODY1").await.refusals[0].reason, "T4");
    for (from, to, reason) in [
        ("DMG*D8*19800214~", "DMG**~", "58"),
        ("BIRCH*TESTB", "BIRCH*", "73"),
        ("****MI*W123456789", "", "72"),
    ] {
        let source = ask(from, to).await;
        let member = source.receivers[0].subscribers[0].member.as_ref().unwrap();
        assert_eq!(member.refusals[0].reason, reason, "{from} -> {to}");
    }
    let papers = std::fs::read_to_string(format!(
        "{}/../exchange/tests/corpus/278_request.edi",
        env!("CARGO_MANIFEST_DIR")
    ));
    let papers =
        post(&app, Role::Operator, 0, &papers.unwrap().replace("ACME1", "CRESTLINE")).await;
    let papers = review(answer(&papers));
    assert_eq!(event(&papers).refusals[0].reason, "15");
    for (from, to, reason) in [
        ("HI*ABK:M5416~", "HI*BK:7244~", "AF"),
        ("SV1*HC:72148*1200*UN*1~", "SV1*HC:72148*1200~", "AG"),
        ("UM*HS*I*73", "UM*HS*3*73", "33"),
        ("UM*HS*I*73", "UM*HS*R*73", "MA"),
    ] {
        let body = question("278_request").replace(from, to);
        let refused = review(answer(&post(&app, Role::Operator, 0, &body).await));
        assert_eq!(event(&refused).refusals[0].reason, reason, "{from} -> {to}");
    }
    assert_eq!(cases(&app).await, 0);
}

#[tokio::test]
async fn what_cannot_be_read_is_answered_in_x12_or_refused() {
    let app = TestApp::new().await;
    let broken = question("270").replace("BHT*0022*13*ELG-000101*20261121*0930~", "");
    let (_, sets) = receipts(&post(&app, Role::Operator, 0, &broken).await);
    let Transaction::Receipt(receipt) = &sets[0] else { panic!("{sets:?}") };
    assert_eq!(receipt.sets[0].verdict.verdict, "R");
    assert_eq!(receipt.sets[0].segments[0].segment.id, "BHT");
    for other in ["835", "271", "278_response"] {
        let (_, sets) = receipts(&post(&app, Role::Operator, 0, &question(other)).await);
        let Transaction::Receipt(receipt) = &sets[0] else { panic!("{sets:?}") };
        let verdict = &receipt.sets[0].verdict;
        assert_eq!((verdict.verdict.as_str(), verdict.fault_1.as_str()), ("R", "1"), "{other}");
    }
    let trailer = question("270").replace("IEA*1*000000101", "IEA*1*000000109");
    let (notes, _) = receipts(&post(&app, Role::Operator, 0, &trailer).await);
    assert_eq!(notes, ["R 001"], "the header's number and the trailer's differ");

    let no = async |role, body: &str| post(&app, role, 0, body).await.problem();
    assert_eq!(no(Role::Operator, "good morning").await, (400, "bad-request".into()));
    assert_eq!(no(Role::Operator, "").await, (400, "bad-request".into()));
    let two = question("270").repeat(2);
    assert_eq!(no(Role::Operator, &two).await.0, 400, "two interchanges");
    assert_eq!(no(Role::Viewer, &question("270")).await, (403, "not-permitted".into()));
    let long = format!("{}{}", question("270"), " ".repeat(300_000));
    assert_eq!(no(Role::Operator, &long).await, (413, "too-large".into()));
    let second = "HL*4*2*22*0~TRN*1*ELG000102*9PROVIDER1~NM1*IL*1*ALDER*TESTA****MI*W123456788~DMG*D8*19800214~EQ*30~SE*18*0001";
    let two = question("270").replace("SE*13*0001", second);
    assert_eq!(no(Role::Operator, &two).await, (422, "invalid".into()), "two patients");
}
