//! What two other libraries say about everything written here (`.ci/judge fhir`).

use std::{
    io::Write as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use exchange::pas::{
    code::ReviewAction,
    json,
    notice::{Event, Kind, Notice},
    outcome::OperationOutcome,
    subscription::{Wish, capability},
    task::{About, Task, Thing, Wanted},
};
use serde_json::{Value, json as j};

use super::{
    fixture::{answer, full_answer, inquiry, line, naming, request},
    judges::judges,
};

fn house() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

#[expect(clippy::disallowed_methods, reason = "a judge ends with its input, and is waited for")]
fn judge(program: &str, arguments: &[&Path], python_path: &Path, all: &[Value]) -> Vec<Value> {
    let mut child = Command::new(program)
        .args(arguments)
        .env("PYTHONPATH", python_path)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let input: String = all.iter().map(|v| format!("{v}\n")).collect();
    let mut stdin = child.stdin.take().unwrap();
    let writer = std::thread::spawn(move || stdin.write_all(input.as_bytes()));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap().unwrap();
    assert!(output.status.success(), "{program} failed");
    let text = String::from_utf8(output.stdout).unwrap();
    let out: Vec<Value> = text.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    assert_eq!(out.len(), all.len(), "one verdict each");
    out
}

/// One of everything this crate writes.
fn everything() -> Vec<Value> {
    let mut update = request();
    update.updates = Some(exchange::pas::request::Key::of("urn:clinic:request", "PA-000400"));
    update.services[0].change = Some(exchange::pas::request::Change::Cancelled);
    let wanted = [
        Wanted { thing: Thing::Loinc("18842-5".into()), line: Some(1), control_number: None },
        Wanted { thing: Thing::Questionnaire("CTX".into()), line: None, control_number: None },
    ];
    let about = About {
        number: exchange::pas::base::Identifier::of("urn:acme", "TRK-1"),
        patient: exchange::pas::base::Reference::to("Patient/p"),
        claim: exchange::pas::base::Reference::to("Claim/c"),
        payer: exchange::pas::base::Identifier::of("urn:payers", "ACME1"),
        requester: exchange::pas::base::Identifier::of("urn:npi", "1234567893"),
        payer_url: "https://acme.example/fhir".to_owned(),
    };
    let wish = Wish {
        filter: "orgIdentifier".to_owned(),
        organization: "1234567893".to_owned(),
        endpoint: "https://clinic.example/hook".to_owned(),
        headers: vec!["X-Key: 1".to_owned()],
        heartbeat_s: Some(60),
    };
    let denied = answer(vec![line(1, ReviewAction::Refused), line(2, ReviewAction::Granted)]);
    let whole = full_answer().build(&request(), &naming());
    let notice = Notice {
        subscription: "Subscription/s-1".to_owned(),
        topic: None,
        kind: Kind::Event,
        events_so_far: Some(1),
        events: vec![Event {
            number: 1,
            timestamp: Some("2026-11-21T10:00:00Z".to_owned()),
            focus: Some("https://acme.example/fhir/Bundle/b-1".to_owned()),
        }],
        bundles: vec![whole.clone()],
    };
    let found = exchange::pas::inquiry::Found { bundles: vec![whole.clone()], told: Vec::new() };
    let fault = exchange::pas::read::<exchange::pas::bundle::Bundle>(b"{", "Bundle").unwrap_err();
    let mut all = vec![
        json(&request().build(&naming())),
        json(&update.build(&naming())),
        json(&inquiry().build(&naming())),
        json(&whole),
        json(&denied.build(&request(), &naming())),
        json(&notice.build(&naming(), "2026-11-21T10:00:01Z")),
        json(&found.build()),
        json(&wish.build()),
        json(&OperationOutcome::of_faults(&[fault])),
        capability("fleet", "1", "2026-11-21", true),
    ];
    all.extend(Task::asking(&wanted, &about).iter().map(json));
    all
}

/// Damages both judges must find, so that a judge that finds nothing is noticed.
fn damaged() -> Vec<Value> {
    let good = json(&request().build(&naming()));
    let mut no_status = good.clone();
    no_status["entry"][0]["resource"].as_object_mut().unwrap().remove("status");
    let mut wrong_type = good.clone();
    wrong_type["entry"][0]["resource"]["item"][0]["sequence"] = j!("one");
    let mut unknown = good;
    unknown["entry"][1]["resource"]["shoeSize"] = j!(43);
    vec![no_status, wrong_type, unknown]
}

fn verdicts(found: &[Value]) -> Vec<&str> {
    found.iter().map(|v| v["verdict"].as_str().unwrap()).collect()
}

fn agrees(judge: impl Fn(&[Value]) -> Vec<Value>) {
    for verdict in judge(&everything()) {
        assert_eq!(verdict["verdict"], "ok", "{verdict:#}");
    }
    assert_eq!(verdicts(&judge(&damaged())), ["bad", "bad", "bad"]);
}

#[test]
fn fhir_resources_loads_everything_written() {
    let Some(folder) = judges("fhir") else { return };
    let script = house().join("exchange/tests/pas/judges/fhir_resources.py");
    agrees(|all| judge("python3", &[&script], &folder.join("py"), all));
}

#[test]
fn medplum_finds_no_fault_in_anything_written() {
    let Some(folder) = judges("fhir") else { return };
    let script = house().join("exchange/tests/pas/judges/medplum.mjs");
    agrees(|all| judge("node", &[&script, &folder], &folder, all));
}
