//! What is built is read as the same; what is read is written as it came.

use exchange::pas::{
    answer::Answer,
    bundle::{Bundle, Resource},
    code::ReviewAction,
    fault::Code,
    inquiry::{Found, Inquiry},
    json,
    outcome::{Issue, OperationOutcome},
    read,
    request::{Change, Key, Request},
    subscription::{FILTERS, Wish},
    task::{About, CommunicationRequest, Task, Thing, Wanted},
    write,
};
use proptest::prelude::*;
use serde_json::{Value, json as j};

use super::fixture::{answer, bundle, full_answer, inquiry, line, naming, party, request, service};

#[test]
fn a_request_is_read_as_it_was_built() {
    let built = request().build(&naming());
    let read = Request::read(&built).unwrap();
    assert_eq!(read.what, request());
    assert_eq!(read.noticed, []);
    let urls: Vec<_> = built.entry.iter().filter_map(|e| e.full_url.as_deref()).collect();
    assert_eq!(urls[0], "https://clinic.example/fhir/Claim/PA-000401-claim");
}

#[test]
fn an_update_keeps_sequences_and_says_what_changed() {
    let mut update = request();
    update.updates = Some(Key::of("urn:clinic:request", "PA-000400"));
    update.services[0].change = Some(Change::Cancelled);
    update.services[0].certification = "3".to_owned();
    update.services[1].change = Some(Change::Changed);
    update.services.push(super::fixture::service(3, "70551", 1));
    update.services[2].change = Some(Change::Added);
    update.documents[0].change = Some(Change::Added);
    let built = update.build(&naming());
    let read = Request::read(&built).unwrap().what;
    assert_eq!(read, update);
    assert!(!read.is_cancellation());
    let Some((_, Resource::Claim(prior))) = built.find("Claim/PA-000401-prior") else {
        panic!("the prior claim is in the bundle")
    };
    assert!(prior.related.is_empty(), "its own predecessor is not");
}

#[test]
fn an_answer_an_inquiry_and_what_is_wanted_come_back() {
    let full = full_answer();
    let built = full.build(&request(), &naming());
    let read = Answer::read(&built).unwrap();
    assert_eq!(read.what, full);
    let built = inquiry().build(&naming());
    assert_eq!(Inquiry::read(&built).unwrap().what, inquiry());
    let asked = CommunicationRequest::asking(&full.wanted, Default::default());
    let at = exchange::pas::fault::Path::root("CommunicationRequest");
    assert_eq!(asked.wanted(&at).unwrap(), full.wanted);
}

#[test]
fn tasks_hold_one_kind_of_thing_each() {
    let number = Some("TRK-1".to_owned());
    let of = |thing, line| Wanted { thing, line, control_number: number.clone() };
    let wanted = vec![
        of(Thing::Loinc("18842-5".to_owned()), Some(1)),
        of(Thing::Loinc("11506-3".to_owned()), None),
        of(Thing::Report("77".to_owned()), Some(2)),
        of(Thing::Questionnaire("CTX-9".to_owned()), Some(1)),
    ];
    let about = About {
        number: exchange::pas::base::Identifier::of("urn:acme", "TRK-1"),
        patient: exchange::pas::base::Reference::to("Patient/p"),
        claim: exchange::pas::base::Reference::to("Claim/c"),
        payer: exchange::pas::base::Identifier::of("urn:payers", "ACME1"),
        requester: exchange::pas::base::Identifier::of("urn:npi", "1234567893"),
        payer_url: "https://acme.example/fhir".to_owned(),
    };
    let tasks = Task::asking(&wanted, &about);
    assert_eq!(tasks.len(), 3);
    let at = exchange::pas::fault::Path::root("Task");
    let back: Vec<Wanted> = tasks.iter().flat_map(|t| t.wanted(&at).unwrap()).collect();
    assert_eq!(back, wanted);
    assert!(tasks.iter().all(|t| t.payer_url() == Some("https://acme.example/fhir")));
}

#[test]
fn unknown_fields_resources_and_their_order_stay() {
    let text = r#"{"resourceType":"Bundle","meta":{"profile":["p"],"lastUpdated":"2026-01-01T00:00:00Z"},"type":"collection","entry":[{"fullUrl":"urn:uuid:1","resource":{"resourceType":"Patient","name":[{"family":"BIRCH","_family":{"id":"x"}}],"zz":{"b":1.50,"a":[null,2]},"active":true}},{"fullUrl":"urn:uuid:2","resource":{"resourceType":"Basic","x":"y"}}],"signature":{"z":1}}"#;
    let bundle: Bundle = read(text.as_bytes(), "Bundle").unwrap();
    let once = write(&bundle);
    let again: Bundle = read(once.as_bytes(), "Bundle").unwrap();
    assert_eq!(write(&again), once, "write, read, write gives the same bytes");
    let (came, went): (Value, Value) =
        (serde_json::from_str(text).unwrap(), serde_json::from_str(&once).unwrap());
    assert_eq!(came, went, "nothing is lost");
    assert!(once.contains(r#""zz":{"b":1.5,"a":[null,2]}"#), "{once}");
}

#[test]
fn an_inquiry_is_answered_under_either_name_or_by_a_bare_bundle() {
    let one = answer(vec![line(1, ReviewAction::Granted)]).build(&request(), &naming());
    let found = Found { bundles: vec![one.clone(), one.clone()], told: Vec::new() };
    let built = json(&found.clone().build());
    for name in ["return", "responseBundle"] {
        let text = built.to_string().replace(r#""name":"return""#, &format!(r#""name":"{name}""#));
        let resource: Resource = read(text.as_bytes(), "Parameters").unwrap();
        assert_eq!(Found::read(resource).unwrap(), found, "{name}");
    }
    let bare = Found::read(Resource::Bundle(Box::new(one))).unwrap();
    assert_eq!((bare.bundles.len(), bare.is_limited()), (1, false));
    for (severity, limited) in [("information", false), ("warning", true), ("error", true)] {
        let issue = Issue { severity: severity.to_owned(), ..Issue::error("suppressed", "some") };
        let told = Found { told: vec![OperationOutcome::of([issue])], ..Found::default() };
        let text = json(&told.build()).to_string();
        let resource: Resource = read(text.as_bytes(), "Parameters").unwrap();
        assert_eq!(Found::read(resource).unwrap().is_limited(), limited, "{severity}");
    }
    let other = read::<Resource>(br#"{"resourceType":"Patient"}"#, "Patient").unwrap();
    assert_eq!(Found::read(other).unwrap_err().code, Code::Kind);
}

#[test]
fn both_names_of_the_filter_are_taken_and_other_wishes_refused() {
    for filter in FILTERS {
        let wish = Wish {
            filter: filter.to_owned(),
            organization: "1234567893".to_owned(),
            endpoint: "https://clinic.example/hook".to_owned(),
            headers: vec!["Authorization: Bearer x".to_owned()],
            heartbeat_s: Some(3600),
        };
        assert_eq!(Wish::read(&wish.build()).unwrap(), wish);
        assert!(!format!("{wish:?}").contains("Bearer"));
    }
    let mut bad = json(
        &Wish {
            filter: "patient".to_owned(),
            organization: "1".to_owned(),
            endpoint: "mailto:x".to_owned(),
            headers: Vec::new(),
            heartbeat_s: None,
        }
        .build(),
    );
    bad["channel"]["type"] = j!("websocket");
    bad["criteria"] = j!("http://elsewhere.example/topic");
    let bad = read(bad.to_string().as_bytes(), "Subscription").unwrap();
    let faults = Wish::read(&bad).unwrap_err();
    let places: Vec<_> = faults.iter().map(|f| f.path.as_str()).collect();
    let wanted = [
        "Subscription.criteria",
        "Subscription.channel.type",
        "Subscription.channel.endpoint",
        "Subscription.criteria",
    ];
    assert_eq!(places, wanted);
}

#[test]
fn bytes_that_are_no_json_say_where() {
    for bad in [&b"{"[..], b"", b"{\"a\":\xff}", b"[1,]", "[".repeat(10_000).as_bytes()] {
        let fault = read::<Bundle>(bad, "Bundle").unwrap_err();
        assert_eq!(fault.code, Code::NotJson);
        assert!(fault.path.starts_with("line "), "{}", fault.path);
    }
    let marked =
        [b"\xef\xbb\xbf".as_slice(), write(&request().build(&naming())).as_bytes()].concat();
    assert!(read::<Bundle>(&marked, "Bundle").is_ok(), "a byte-order mark is no fault");
}

#[test]
fn roles_lead_to_people_and_never_in_a_circle() {
    let mut value = json(&request().build(&naming()));
    let provider = value["entry"][0]["resource"]["provider"]["reference"].clone();
    let address = format!("https://clinic.example/fhir/{}", provider.as_str().unwrap());
    for entry in value["entry"].as_array_mut().unwrap() {
        if entry["fullUrl"] == j!(address) {
            entry["fullUrl"] = j!("urn:uuid:role");
            entry["resource"] = j!({"resourceType": "PractitionerRole",
                "practitioner": {"reference": "urn:uuid:person"},
                "specialty": [{"coding": [{"system": "http://nucc.org/provider-taxonomy", "code": "207Q00000X"}]}]});
        }
    }
    value["entry"][0]["resource"]["provider"]["reference"] = j!("urn:uuid:role");
    let person = j!({"fullUrl": "urn:uuid:person", "resource": {"resourceType": "Practitioner",
        "identifier": [{"system": "http://hl7.org/fhir/sid/us-npi", "value": "1000000012"}],
        "name": [{"family": "LARCH", "given": ["TESTD"]}]}});
    value["entry"].as_array_mut().unwrap().push(person);
    let found = Request::read(&bundle(&value)).unwrap().what.provider;
    assert_eq!(found.npi(), Some("1000000012"));
    assert_eq!(found.name.as_deref(), Some("TESTD LARCH"));
    assert_eq!(found.taxonomy.as_deref(), Some("207Q00000X"));
    // A role that leads to itself is read without an end, and without a person.
    value["entry"].as_array_mut().unwrap().pop();
    let text = value.to_string().replace("urn:uuid:person", "urn:uuid:role");
    let circle: Bundle = read(text.as_bytes(), "Bundle").unwrap();
    assert_eq!(Request::read(&circle).unwrap().what.provider.npi(), None);
}

fn text() -> impl Strategy<Value = String> {
    "[A-Za-z0-9 äß\"\\\\<>&{}-]{0,20}[A-Za-z0-9]"
}

fn requests() -> impl Strategy<Value = Request> {
    let services = proptest::collection::vec((1u32..500, 0u8..4, "[0-9]{5}"), 1..6);
    (services, text(), text(), text(), proptest::option::of(text()), any::<bool>()).prop_map(
        |(services, family, member, place, note, urgent)| {
            let mut out = request();
            out.services = services
                .into_iter()
                .zip(1..)
                .map(|((units, change, code), sequence)| {
                    let mut one = service(sequence, &code, units);
                    one.change =
                        [None, Some(Change::Added), Some(Change::Changed), Some(Change::Cancelled)]
                            [usize::from(change)];
                    if one.change == Some(Change::Cancelled) {
                        one.certification = "3".to_owned();
                    }
                    one
                })
                .collect();
            out.patient.family = family;
            out.patient.member.value = member;
            out.services[0].authorization = note.clone();
            out.services[0].place = Some(place.clone());
            out.messages = note.into_iter().collect();
            out.provider = party("1000000020", &place);
            if urgent {
                out.level_of_service = Some("U".to_owned());
                out.documents.clear();
            }
            out
        },
    )
}

proptest! {
    #[test]
    fn every_request_comes_back_and_is_written_alike(wanted in requests()) {
        let built = wanted.build(&naming());
        let bytes = write(&built);
        let came: Bundle = read(bytes.as_bytes(), "Bundle").unwrap();
        prop_assert_eq!(&came, &built);
        prop_assert_eq!(write(&came), bytes);
        prop_assert_eq!(Request::read(&came).unwrap().what, wanted);
    }

    #[test]
    fn bytes_cut_or_turned_over_never_panic(at in 0usize..6000, byte in any::<u8>(), cut in any::<bool>()) {
        let mut bytes = write(&full_answer().build(&request(), &naming())).into_bytes();
        let at = at % bytes.len();
        if cut { bytes.truncate(at) } else { bytes[at] = byte }
        if let Ok(came) = read::<Bundle>(&bytes, "Bundle") {
            let _ = Answer::read(&came);
            let _ = Request::read(&came);
            let _ = Inquiry::read(&came);
            let _ = exchange::pas::notice::Notice::read(&came);
        }
    }
}
