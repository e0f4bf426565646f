//! `/fhir`: software that speaks PAS hands in a request and gets the payer's answer, by the ordinary rules.

use std::time::Duration;

use axum::{
    body::Body,
    http::{Method, Request as Call},
};
use coordinator::access::Role;
use exchange::pas::{
    self,
    answer::{Answer, Stage},
    bundle::{Bundle, Resource},
    code::{Decision, ReviewAction},
    inquiry::{Found, Inquiry},
    name::system,
    request::{Attached, Diagnosis, Key, Member, Naming, Party, Person, Request, Service},
};
use serde_json::{Value, json};

use crate::test_app::{Seen, TestApp, prior_auth};

fn service(sequence: u32, code: &str, units: u32) -> Service {
    Service {
        sequence,
        request_type: "HS".to_owned(),
        certification: "I".to_owned(),
        category: "73".to_owned(),
        procedure: Key::of(system::CPT, code),
        units: Some(units),
        from: Some("2026-03-09".to_owned()),
        to: Some("2026-03-20".to_owned()),
        place: Some("11".to_owned()),
        diagnoses: vec![2],
        ..Service::default()
    }
}

pub(crate) fn request(exchange: &str) -> Request {
    let party = |npi: &str, name: &str| Party {
        keys: vec![Key::of(system::NPI, npi)],
        name: Some(name.to_owned()),
        taxonomy: None,
    };
    Request {
        exchange: Key::of("urn:clinic:exchange", exchange),
        id: Key::of("urn:clinic:request", "PA-000401"),
        timestamp: "2026-03-02T13:59:00Z".to_owned(),
        created: "2026-03-02".to_owned(),
        kind: "professional".to_owned(),
        patient: Person {
            member: Key::of("urn:member", "W123456789"),
            family: "BIRCH".to_owned(),
            given: "TESTB".to_owned(),
            birth_date: "1980-02-14".to_owned(),
            gender: None,
        },
        insurer: Party {
            keys: vec![Key::of("urn:payers", "CRESTLINE")],
            name: Some("CRESTLINE".to_owned()),
            taxonomy: None,
        },
        provider: party("1234567893", "RIVER CLINIC"),
        team: vec![Member {
            sequence: 1,
            party: party("1999999984", "RIVER IMAGING"),
            role: Some("SJ".to_owned()),
            overall: true,
        }],
        priority: "normal".to_owned(),
        level_of_service: Some("U".to_owned()),
        diagnoses: vec![
            Diagnosis { sequence: 1, code: "I10".to_owned(), kind: None },
            Diagnosis { sequence: 2, code: "M5416".to_owned(), kind: Some("principal".to_owned()) },
        ],
        // Numbered as the sender likes: an answer must repeat the numbers.
        services: vec![service(4, "72148", 1), service(7, "97110", 24)],
        documents: vec![Attached {
            sequence: 1,
            report_type: Some("77".to_owned()),
            content_type: Some("application/pdf".to_owned()),
            data: Some("JVBERi0xLjQK".to_owned()),
            ..Attached::default()
        }],
        ..Request::default()
    }
}

pub(crate) fn bytes(request: &Request) -> String {
    pas::write(&request.build(&Naming::new("https://clinic.example/fhir", "PA-000401")))
}

async fn post(app: &TestApp, role: Option<Role>, path: &str, wait_s: u32, body: &str) -> Seen {
    let mut call = Call::builder()
        .method(Method::POST)
        .uri(format!("/fhir/Claim/{path}"))
        .header("content-type", "application/fhir+json")
        .header("prefer", format!("respond-async, wait={wait_s}"));
    if let Some(role) = role {
        call = call.header("authorization", format!("Bearer {}", app.keys[&role]));
    }
    app.send(call.body(Body::from(body.to_owned())).unwrap()).await
}

pub(crate) async fn submit(app: &TestApp, request: &Request) -> Seen {
    post(app, Some(Role::Operator), "$submit", 0, &bytes(request)).await
}

#[track_caller]
fn answer(seen: &Seen) -> Answer {
    assert_eq!(seen.headers["content-type"], "application/fhir+json");
    assert_eq!(seen.status, 200, "{seen:?}");
    let bundle: Bundle = pas::read(&seen.body, "Bundle").unwrap();
    assert_eq!(bundle.address_faults(), []);
    Answer::read(&bundle).unwrap().what
}

/// Status, issue type and place of a refusal.
#[track_caller]
fn refused(seen: &Seen) -> (u16, String, String) {
    assert_eq!(seen.headers["content-type"], "application/fhir+json", "{seen:?}");
    let body = seen.json();
    assert_eq!(body["resourceType"], "OperationOutcome");
    let issue = &body["issue"][0];
    assert!(issue["diagnostics"].as_str().unwrap().len() > 5);
    let text = |v: &Value| v.as_str().unwrap_or_default().to_owned();
    (seen.status.as_u16(), text(&issue["code"]), text(&issue["expression"][0]))
}

#[tokio::test]
async fn a_request_becomes_a_case_once_and_is_pended_at_once() {
    let app = TestApp::new().await;
    let first = submit(&app, &request("X-1")).await;
    let pended = answer(&first);
    assert_eq!(pended.decision(), Decision::PendedReview);
    assert_eq!((pended.stage, pended.numbers()), (Stage::Complete, vec![]));
    assert_eq!(pended.lines.iter().map(|l| l.sequence).collect::<Vec<_>>(), [4, 7]);
    assert_eq!(pended.request, Some(Key::of("urn:clinic:request", "PA-000401")));

    let id = pended.id.unwrap().value;
    let case = app.get(Role::Operator, &format!("cases/{id}?reveal=true")).await.good();
    let asked = &case["request"];
    assert_eq!(case["payer"], "crestline");
    assert_eq!(asked["member"]["id"], "W123456789");
    assert_eq!(asked["diagnoses"], json!(["M54.16", "I10"]), "the principal one first, dotted");
    assert_eq!((&asked["urgency"], &asked["setting"]), (&json!("expedited"), &json!("outpatient")));
    assert_eq!(asked["servicing"]["npi"], "1999999984");
    assert_eq!(
        asked["lines"][1],
        json!({"code": "97110", "units": 24, "from": "2026-03-09", "to": "2026-03-20"})
    );
    assert_eq!(asked["documents"][0]["kind"], "pdf");

    let again = answer(&submit(&app, &request("X-1")).await);
    assert_eq!(again.id.unwrap().value, id, "the same call is the same case");
    let mut other = request("X-1");
    other.services.pop();
    assert_eq!(refused(&submit(&app, &other).await).0, 409, "another call under its identifier");
    let twin = refused(&submit(&app, &request("X-2")).await);
    assert_eq!(
        (twin.0, twin.1.as_str()),
        (409, "duplicate"),
        "the same request under a new identifier"
    );
    let all = app.get(Role::Viewer, "cases").await.good();
    assert_eq!(all["items"].as_array().unwrap().len(), 1);
    let audit = app.get(Role::Admin, "audit?act=case.received").await;
    assert!(String::from_utf8_lossy(&audit.body).contains("\"standard\":\"pas\""), "{audit:?}");
    for file in ["fleet.db", "fleet.db-wal"] {
        let stored = std::fs::read(app.dir.path().join("data").join(file)).unwrap();
        for patient in ["BIRCH", "W123456789"] {
            let found = stored.windows(patient.len()).any(|w| w == patient.as_bytes());
            assert!(!found, "sealed at rest: {file}");
        }
    }
}

/// Submits and lets an agent answer meanwhile.
async fn submitted(app: &TestApp, exchange: &str, said: &str, more: &Value) -> Answer {
    let body = bytes(&request(exchange));
    let call = post(app, Some(Role::Operator), "$submit", 60, &body);
    let both = futures_util::future::join(call, app.works(exchange, said, more));
    let (seen, ()) = tokio::time::timeout(Duration::from_secs(60), both).await.unwrap();
    answer(&seen)
}

pub(crate) fn number(kind: &str, value: &str) -> Value {
    json!({"kind": kind, "issuer": "crestline", "value": value, "read_by": "dom", "at": "2026-03-02T14:00:00Z"})
}

#[tokio::test]
async fn what_the_payer_says_in_time_is_the_answer() {
    for (said, more, decision, action) in [
        (
            "approved",
            json!({"references": [number("tracking", "CR-77"), number("authorization", "AUTH-9")],
                   "facts": [{"name": "valid_from", "value": "2026-03-09"}, {"name": "valid_to", "value": "2026-06-09"}]}),
            Decision::Approved,
            ReviewAction::Granted,
        ),
        (
            "denied",
            json!({"raw_words": "Not certified", "facts": [{"name": "reason", "value": "see the policy"}]}),
            Decision::Denied,
            ReviewAction::Refused,
        ),
        (
            "pended_info",
            json!({"references": [number("pend", "PEND-5")],
                   "facts": [{"name": "documents_requested", "value": "imaging report"}]}),
            Decision::PendedInfo,
            ReviewAction::Pended,
        ),
        (
            "not_required",
            json!({"references": [number("decision", "D-1")]}),
            Decision::NotRequired,
            ReviewAction::NotNeeded,
        ),
    ] {
        let app = TestApp::new().await;
        let answer = submitted(&app, "X-9", said, &more).await;
        assert_eq!(answer.decision(), decision, "{said}");
        assert_eq!(answer.stage, Stage::Complete, "complete is no approval: {said}");
        assert_eq!(answer.lines.len(), 2);
        assert_eq!(answer.lines[0].review.as_ref().unwrap().action, action);
        match said {
            "approved" => {
                assert_eq!(answer.numbers(), ["AUTH-9"]);
                assert_eq!(answer.lines[1].pend_number.as_deref(), Some("CR-77"));
                assert_eq!(answer.lines[1].valid_to.as_deref(), Some("2026-06-09"));
            }
            "denied" => {
                let notes: Vec<&str> = answer.notes.iter().map(|(_, t)| t.as_str()).collect();
                assert_eq!(notes, ["Not certified", "see the policy"]);
            }
            "pended_info" => assert_eq!(answer.wanted.len(), 1),
            _ => assert_eq!(answer.numbers(), ["D-1"]),
        }
    }
}

#[tokio::test]
async fn a_refusal_at_the_payer_s_door_is_an_error_and_no_denial() {
    let app = TestApp::new().await;
    let answer = submitted(&app, "X-9", "rejected", &json!({"raw_words": "Invalid member"})).await;
    assert_eq!((answer.stage, answer.decision()), (Stage::Error, Decision::Rejected));
    assert!(answer.lines.is_empty());
}

fn inquiry(of: &Request) -> Inquiry {
    Inquiry {
        exchange: Key::of("urn:clinic:exchange", "Q-1"),
        id: of.id.clone(),
        timestamp: of.timestamp.clone(),
        created: of.created.clone(),
        patient: of.patient.clone(),
        insurer: of.insurer.clone(),
        provider: of.provider.clone(),
        ..Inquiry::default()
    }
}

async fn found(app: &TestApp, asked: &Inquiry) -> Vec<Answer> {
    let body = pas::write(&asked.build(&Naming::new("https://clinic.example/fhir", "Q-1")));
    let seen = post(app, Some(Role::Operator), "$inquire", 0, &body).await;
    assert_eq!(seen.status, 200, "{seen:?}");
    let resource: Resource = pas::read(&seen.body, "Parameters").unwrap();
    let found = Found::read(resource).unwrap();
    found.bundles.iter().map(|b| Answer::read(b).unwrap().what).collect()
}

#[tokio::test]
async fn an_inquiry_finds_the_member_s_cases_by_every_door() {
    let app = TestApp::new().await;
    let numbers = json!({"references": [number("authorization", "AUTH-9")]});
    submitted(&app, "X-1", "approved", &numbers).await;
    app.clock.advance(1_000);
    let mut by_another_door = prior_auth("W123456789");
    by_another_door["member"]["last_name"] = json!("Birch");
    app.take_in("crestline", &by_another_door).await;

    let asked = inquiry(&request("X-1"));
    let all = found(&app, &asked).await;
    assert_eq!(all.len(), 2);
    assert_eq!(all[0].decision(), Decision::PendedReview, "newest first");
    assert_eq!(all[0].lines[0].sequence, 1);
    assert_eq!(all[1].decision(), Decision::Approved);
    assert_eq!(all[1].lines[1].sequence, 7, "as the sender numbered them");
    assert_eq!(all[1].request.as_ref().unwrap().value, "PA-000401");

    let narrowed = [
        (1, Inquiry { number: Some("AUTH-9".to_owned()), ..asked.clone() }),
        (0, Inquiry { number: Some("AUTH-8".to_owned()), ..asked.clone() }),
        (1, Inquiry { procedure: Some(Key::of(system::CPT, "97110")), ..asked.clone() }),
        (1, Inquiry { from: Some("2026-03-10".to_owned()), ..asked.clone() }),
        (0, Inquiry { to: Some("2026-03-01".to_owned()), ..asked.clone() }),
    ];
    for (wanted, inquiry) in narrowed {
        assert_eq!(found(&app, &inquiry).await.len(), wanted);
    }
    for strange in [
        |i: &mut Inquiry| i.patient.birth_date = "1980-02-15".to_owned(),
        |i: &mut Inquiry| i.patient.family = "LARCH".to_owned(),
        |i: &mut Inquiry| i.patient.member.value = "W000000000".to_owned(),
        |i: &mut Inquiry| i.insurer.keys[0].value = "harbor".to_owned(),
        |i: &mut Inquiry| i.provider.keys[0].value = "1000000012".to_owned(),
    ] {
        let mut inquiry = asked.clone();
        strange(&mut inquiry);
        assert_eq!(found(&app, &inquiry).await.len(), 0, "the member's number alone tells nothing");
    }
    let audit = app.get(Role::Admin, "audit?act=cases.searched").await;
    let text = String::from_utf8_lossy(&audit.body);
    assert!(text.contains("member_hash") && !text.contains("W123456789"), "{text}");
}

/// Another member of the team.
fn with_npi(like: &Member, npi: &str) -> Member {
    let mut other = Member { sequence: like.sequence + 1, ..like.clone() };
    npi.clone_into(&mut other.party.keys[0].value);
    other
}

#[tokio::test]
async fn refusals_are_one_outcome_with_the_place() {
    let app = TestApp::new().await;
    let good = bytes(&request("X-1"));
    for path in ["$submit", "$inquire"] {
        let nobody = refused(&post(&app, None, path, 0, &good).await);
        assert_eq!((nobody.0, nobody.1.as_str()), (401, "login"));
        let viewer = refused(&post(&app, Some(Role::Viewer), path, 0, &good).await);
        assert_eq!((viewer.0, viewer.1.as_str()), (403, "forbidden"));
        let broken = refused(&post(&app, Some(Role::Operator), path, 0, "{\"resourceType\"").await);
        assert_eq!(
            (broken.0, broken.1.as_str(), broken.2.as_str()),
            (400, "structure", "line 1, column 15")
        );
    }
    let call = Call::builder()
        .method(Method::POST)
        .uri("/fhir/Claim/$submit")
        .header("content-type", "application/xml")
        .header("authorization", format!("Bearer {}", app.keys[&Role::Operator]));
    let seen = app.send(call.body(Body::from(good)).unwrap()).await;
    assert_eq!(refused(&seen).0, 415);

    type Broken = (fn(&mut Request), &'static str);
    let broken: [Broken; 13] = [
        (|r| r.insurer.keys[0].value = "nobody".to_owned(), "insurer"),
        (|r| r.provider.keys[0].value = "1234567890".to_owned(), "provider"),
        (|r| r.provider.keys[0].system = None, "provider"),
        (|r| r.services[1].procedure.value = "97".to_owned(), "item[1]"),
        (|r| r.services[1].units = None, "item[1].quantity"),
        (|r| r.team[0].role = Some("FA".to_owned()), "careTeam"),
        (|r| r.team.push(with_npi(&r.team[0], "1000000012")), "careTeam[1].provider"),
        (|r| r.services[1].modifiers = vec![Key::of(system::CPT, "LT")], "item[1].modifier"),
        (|r| r.services[1].from = None, "item[1].serviced[x]"),
        (|r| r.services[1].certification = "R".to_owned(), "item[1].extension"),
        (|r| r.diagnoses.clear(), "diagnosis"),
        (|r| r.updates = Some(Key::of("urn:clinic:request", "PA-1")), "related"),
        (|r| r.documents[0].data = Some("BIRCH!".to_owned()), "supportingInfo[0]"),
    ];
    for (change, place) in broken {
        let mut bad = request("X-7");
        change(&mut bad);
        for service in &mut bad.services {
            service.diagnoses.retain(|n| bad.diagnoses.iter().any(|d| d.sequence == *n));
        }
        if bad.services[1].from.is_none() {
            bad.services[1].to = None;
        }
        let seen = submit(&app, &bad).await;
        let (status, _, at) = refused(&seen);
        assert_eq!((status, at), (422, format!("Bundle.entry[0].resource.{place}")));
        assert!(!String::from_utf8_lossy(&seen.body).contains("BIRCH"), "{seen:?}");
    }
    let none = app.get(Role::Viewer, "cases").await.good();
    assert_eq!(none["items"].as_array().unwrap().len(), 0, "what is refused makes nothing");
}

#[tokio::test]
async fn a_renewal_names_what_it_renews() {
    let app = TestApp::new().await;
    let mut renewal = request("X-1");
    for service in &mut renewal.services {
        service.certification = "R".to_owned();
    }
    assert_eq!(
        refused(&submit(&app, &renewal).await).2,
        "Bundle.entry[0].resource.item[0].extension"
    );
    for service in &mut renewal.services {
        service.authorization = Some("AUTH-1".to_owned());
    }
    // No script for renewals is live at this payer: the ordinary rule speaks.
    let told = refused(&submit(&app, &renewal).await);
    assert_eq!((told.0, told.2.as_str()), (422, "Bundle.entry[0].resource"));
}

#[tokio::test]
async fn everybody_may_read_what_the_server_can_do() {
    let app = TestApp::new().await;
    let call = Call::builder().uri("/fhir/metadata").body(Body::empty()).unwrap();
    let told = app.send(call).await;
    assert_eq!(told.headers["content-type"], "application/fhir+json");
    let told = told.good();
    assert_eq!(
        (&told["resourceType"], &told["fhirVersion"]),
        (&json!("CapabilityStatement"), &json!("4.0.1"))
    );
    let names: Vec<&str> = told["rest"][0]["resource"][0]["operation"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|o| o["name"].as_str())
        .collect();
    assert_eq!(names, ["submit", "inquire"]);
}
