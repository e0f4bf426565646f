//! Each must of a request bundle, broken once, is told with its place.

use exchange::pas::{
    fault::{Code, Fault},
    json, read,
    request::Request,
};
use serde_json::{Value, json as j};

use super::fixture::{bundle, naming, request};

fn faults(change: impl FnOnce(&mut Value)) -> Vec<Fault> {
    let mut value = json(&request().build(&naming()));
    change(&mut value);
    match read::<exchange::pas::bundle::Bundle>(value.to_string().as_bytes(), "Bundle") {
        Ok(bundle) => Request::read(&bundle).err().unwrap_or_default(),
        Err(fault) => vec![fault],
    }
}

type Broken = (&'static str, Code, &'static str, fn(&mut Value));

fn claim(value: &mut Value) -> &mut serde_json::Map<String, Value> {
    value["entry"][0]["resource"].as_object_mut().unwrap()
}

const AT: &str = "Bundle.entry[0].resource";

const BROKEN: &[Broken] = &[
    ("insurer", Code::Missing, "insurer", |v| drop(claim(v).remove("insurer"))),
    ("provider", Code::Missing, "provider", |v| drop(claim(v).remove("provider"))),
    ("patient", Code::Missing, "patient", |v| drop(claim(v).remove("patient"))),
    ("use", Code::Missing, "use", |v| drop(claim(v).remove("use"))),
    ("priority", Code::Missing, "priority", |v| drop(claim(v).remove("priority"))),
    ("insurance", Code::Missing, "insurance", |v| drop(claim(v).remove("insurance"))),
    ("item", Code::Missing, "item", |v| drop(claim(v).remove("item"))),
    ("identifier", Code::Missing, "identifier", |v| drop(claim(v).remove("identifier"))),
    ("a payer claim", Code::Value, "use", |v| v["entry"][0]["resource"]["use"] = j!("claim")),
    ("a draft", Code::Value, "status", |v| v["entry"][0]["resource"]["status"] = j!("draft")),
    ("doubled item", Code::Doubled, "item[1].sequence", |v| {
        v["entry"][0]["resource"]["item"][1]["sequence"] = j!(1);
    }),
    ("item nought", Code::Value, "item[0].sequence", |v| {
        v["entry"][0]["resource"]["item"][0]["sequence"] = j!(0);
    }),
    ("negative", Code::Shape, "item[0].sequence", |v| {
        v["entry"][0]["resource"]["item"][0]["sequence"] = j!(-1);
    }),
    ("a text for a list", Code::Shape, "item", |v| v["entry"][0]["resource"]["item"] = j!("x")),
    ("an empty list", Code::Value, "item", |v| v["entry"][0]["resource"]["item"] = j!([])),
    ("dangling", Code::Dangling, "provider.reference", |v| {
        v["entry"][0]["resource"]["provider"]["reference"] = j!("Organization/nobody");
    }),
    ("wrong kind", Code::Kind, "insurer", |v| {
        v["entry"][0]["resource"]["insurer"] = v["entry"][0]["resource"]["patient"].clone();
    }),
    ("a team of nobody", Code::Dangling, "item[0].careTeamSequence[0]", |v| {
        v["entry"][0]["resource"]["item"][0]["careTeamSequence"] = j!([9]);
    }),
    ("no scope", Code::Missing, "careTeam[0].extension", |v| {
        v["entry"][0]["resource"]["careTeam"][0].as_object_mut().unwrap().remove("extension");
    }),
    ("no kind of request", Code::Missing, "item[0].extension", |v| {
        v["entry"][0]["resource"]["item"][0]["extension"].as_array_mut().unwrap().remove(0);
    }),
    ("no category", Code::Missing, "item[0].category", |v| {
        v["entry"][0]["resource"]["item"][0].as_object_mut().unwrap().remove("category");
    }),
    ("no place", Code::Missing, "item[0].location[x]", |v| {
        v["entry"][0]["resource"]["item"][0]
            .as_object_mut()
            .unwrap()
            .remove("locationCodeableConcept");
    }),
    ("half a unit", Code::Value, "item[0].quantity", |v| {
        v["entry"][0]["resource"]["item"][0]["quantity"]["value"] = j!(0.5);
    }),
    ("no day", Code::Value, "item[0].serviced[x]", |v| {
        v["entry"][0]["resource"]["item"][0]["servicedPeriod"]["start"] = j!("2026-02-30");
    }),
    ("backwards", Code::Contradiction, "item[0].servicedPeriod", |v| {
        v["entry"][0]["resource"]["item"][0]["servicedPeriod"]["end"] = j!("2026-11-30");
    }),
    ("other codes", Code::Missing, "diagnosis[0]", |v| {
        v["entry"][0]["resource"]["diagnosis"][0]["diagnosisCodeableConcept"]["coding"][0]["system"] =
            j!("urn:x");
    }),
    ("a modifier nobody knows", Code::Modifier, "item[1].modifierExtension[0]", |v| {
        v["entry"][0]["resource"]["item"][1]["modifierExtension"] =
            j!([{"url": "urn:not", "valueBoolean": true}]);
    }),
    ("a modifier of the Claim", Code::Modifier, "modifierExtension[0]", |v| {
        v["entry"][0]["resource"]["modifierExtension"] =
            j!([{"url": "urn:not", "valueBoolean": true}]);
    }),
    ("an update of nothing", Code::Dangling, "related", |v| {
        v["entry"][0]["resource"]["related"] = j!([{"claim": {"identifier": {"value": "1"}}}]);
    }),
    ("no member number", Code::Missing, "Bundle.entry[2].resource.identifier", |v| {
        for at in [1, 2] {
            v["entry"][at]["resource"].as_object_mut().unwrap().remove("identifier");
        }
    }),
    ("no family name", Code::Missing, "Bundle.entry[1].resource.name.family", |v| {
        v["entry"][1]["resource"]["name"][0].as_object_mut().unwrap().remove("family");
    }),
    ("doubled address", Code::Doubled, "Bundle.entry[2].fullUrl", |v| {
        v["entry"][2]["fullUrl"] = v["entry"][1]["fullUrl"].clone();
    }),
    ("no address", Code::Missing, "Bundle.entry[3].fullUrl", |v| {
        v["entry"][3].as_object_mut().unwrap().remove("fullUrl");
    }),
    ("not first", Code::Kind, "Bundle.entry[0].resource", |v| {
        v["entry"].as_array_mut().unwrap().swap(0, 1)
    }),
    ("another type", Code::Value, "Bundle.type", |v| v["type"] = j!("batch")),
    ("no identifier", Code::Missing, "Bundle.identifier", |v| {
        v.as_object_mut().unwrap().remove("identifier");
    }),
    ("no time", Code::Missing, "Bundle.timestamp", |v| {
        v.as_object_mut().unwrap().remove("timestamp");
    }),
    ("not a bundle", Code::Kind, "Bundle.resourceType", |v| v["resourceType"] = j!("Claim")),
];

#[test]
fn every_must_that_is_broken_is_told_with_its_place() {
    for (name, code, place, change) in BROKEN {
        let found = faults(change);
        let path =
            if place.starts_with("Bundle") { (*place).to_owned() } else { format!("{AT}.{place}") };
        assert!(
            found.iter().any(|f| f.code == *code && f.path == path),
            "{name}: wanted {code:?} at {path}, found {found:#?}"
        );
    }
}

#[test]
fn faults_never_repeat_a_value() {
    let found = faults(|v| {
        v["entry"][1]["resource"]["birthDate"] = j!("BIRCH-1980");
        v["entry"][0]["resource"]["use"] = j!("W123456789");
        v["entry"][0]["resource"]["item"][0]["quantity"]["value"] = j!("TESTB");
    });
    assert!(!found.is_empty());
    let text = format!(
        "{found:?} {}",
        exchange::pas::write(&exchange::pas::outcome::OperationOutcome::of_faults(&found))
    );
    for secret in ["BIRCH", "W123456789", "TESTB"] {
        assert!(!text.contains(secret), "{text}");
    }
    let whole = Request::read(&bundle(&json(&request().build(&naming())))).unwrap().what;
    assert!(!format!("{whole:?} {:?}", whole.patient).contains("BIRCH"));
}
