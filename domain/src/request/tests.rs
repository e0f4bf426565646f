//! Requests are read as written, compared as meant, and refused by the field that is wrong.

use super::*;

fn sample() -> Request {
    serde_json::from_value(serde_json::json!({
        "kind": "prior_auth", "plan": "CLM",
        "member": {"id": "W100000001", "last_name": "ALDER", "first_name": "TESTA", "dob": "1980-02-14"},
        "requesting": {"npi": "1234567893"}, "servicing": {"npi": "1999999984"},
        "urgency": "standard", "setting": "outpatient", "diagnoses": ["M54.50"],
        "lines": [{"code": "70551", "units": 1, "from": "2026-03-09", "to": "2026-03-09"},
                  {"code": "97110", "units": 6, "from": "2026-03-09", "to": "2026-04-09"}]
    }))
    .unwrap()
}

#[test]
fn a_good_request_passes_and_every_fault_is_told() {
    assert_eq!(sample().check(), Ok(()));
    let Request::PriorAuth(mut r) = sample() else { unreachable!() };
    r.member.id = " ".into();
    r.requesting.npi = "1234567890".into();
    r.lines[1].units = 0;
    r.diagnoses.push("nonsense".into());
    let faults = Request::PriorAuth(r).check().unwrap_err();
    let fields: Vec<_> = faults.iter().map(|f| f.field.as_str()).collect();
    assert_eq!(fields, ["member.id", "requesting.npi", "diagnoses[1]", "lines[1].units"]);
    assert!(!format!("{faults:?}").contains("nonsense"), "values never leave in an error");
}

#[test]
fn the_hash_ignores_order_and_spelling_but_not_dates() {
    let a = sample();
    let Request::PriorAuth(mut b) = sample() else { unreachable!() };
    b.lines.reverse();
    b.member.id = "w1000-00001".into();
    assert_eq!(
        a.dedup_material("crestline"),
        Request::PriorAuth(b.clone()).dedup_material("crestline")
    );
    b.lines[0].from = "2026-03-10".parse().unwrap();
    assert_ne!(a.dedup_material("crestline"), Request::PriorAuth(b).dedup_material("crestline"));
    assert_ne!(a.dedup_material("crestline"), a.dedup_material("harbor"));
}

#[test]
fn nearly_equal_requests_are_found_by_code_and_dates() {
    let a = sample();
    let changed = |change: fn(&mut PriorAuth)| {
        let Request::PriorAuth(mut r) = sample() else { unreachable!() };
        change(&mut r);
        Request::PriorAuth(r)
    };
    let units = changed(|r| r.lines[0].units = 2);
    assert_ne!(a.dedup_material("x"), units.dedup_material("x"), "the hash does not see it");
    assert!(a.resembles(&units) && units.resembles(&a));
    assert!(a.resembles(&changed(|r| r.lines.truncate(1))));
    let later = changed(|r| {
        r.lines.truncate(1);
        (r.lines[0].from, r.lines[0].to) =
            ("2026-03-10".parse().unwrap(), "2026-03-11".parse().unwrap());
    });
    assert!(!a.resembles(&later), "the day after is another wish");
    let other = changed(|r| {
        r.lines.truncate(1);
        "70553".clone_into(&mut r.lines[0].code);
    });
    assert!(!a.resembles(&other));
    assert!(!a.resembles(&changed(|r| r.renews = Some("PB1".into()))), "a renewal of it");
}

#[test]
fn a_renewal_is_another_request_than_the_one_it_renews() {
    let Request::PriorAuth(mut renewal) = sample() else { unreachable!() };
    renewal.renews = Some("PB00000042".into());
    let renewal = Request::PriorAuth(renewal);
    assert_eq!(renewal.check(), Ok(()));
    assert_ne!(renewal.dedup_material("harbor"), sample().dedup_material("harbor"));
}

#[test]
fn every_kind_of_inquiry_is_read_and_its_faults_are_told() {
    let member = serde_json::json!(
        {"id": "W1", "last_name": "ALDER", "first_name": "TESTA", "dob": "1980-02-14"});
    let line =
        serde_json::json!({"code": "7055", "units": 0, "from": "2026-03-09", "to": "2026-03-01"});
    let cases = [
        (
            serde_json::json!({"kind": "eligibility", "member": member, "from": "2026-03-09", "service": "x"}),
            vec!["service"],
        ),
        (serde_json::json!({"kind": "letter", "member": member, "number": " "}), vec!["number"]),
        (
            serde_json::json!({"kind": "precheck", "member": member, "requesting": {"npi": "1"}, "setting": "outpatient",
            "diagnoses": [], "lines": [line]}),
            vec!["requesting.npi", "diagnoses", "lines[0].code", "lines[0].units", "lines[0].to"],
        ),
    ];
    for (document, wanted) in cases {
        let request: Request = serde_json::from_value(document.clone()).unwrap();
        assert_eq!(document["kind"], request.kind());
        assert!(Request::KINDS.contains(&request.kind()));
        assert!(request.dedup_material("harbor").is_none(), "inquiries may be repeated freely");
        let faults = request.check().unwrap_err();
        assert_eq!(faults.iter().map(|f| f.field.as_str()).collect::<Vec<_>>(), wanted);
    }
}

#[test]
fn a_member_never_prints() {
    assert!(!format!("{:?}", sample()).contains("ALDER"));
}
