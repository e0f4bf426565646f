//! The rules of a request bundle that the shape alone does not keep: what must be there, what must be unique, what must lead
//! somewhere. All faults at once.

use std::collections::BTreeSet;

use super::{
    base::{Extension, coded, find},
    bundle::{Bundle, Resource},
    claim::{Claim, Item},
    element::Element as _,
    fault::{Code, Fault, Path},
    name::{extension, system},
};

/// What kind of bundle is judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    Submit,
    Inquire,
}

const PREAUTHORIZATION: &str =
    "this Claim asks for a preauthorization: `use` is `preauthorization`";

/// The Claim a request bundle begins with, and every fault found.
pub(super) fn claim_of(bundle: &Bundle, purpose: Purpose) -> (Option<&Claim>, Vec<Fault>) {
    let mut faults = bundle.address_faults();
    if bundle.kind != "collection" {
        let detail = "a request is a bundle of type `collection`";
        faults.push(Fault::error(Code::Value, "Bundle.type", detail));
    }
    if bundle.timestamp.is_none() {
        faults.push(Fault::error(
            Code::Missing,
            "Bundle.timestamp",
            "a request says when it was made",
        ));
    }
    let identifier = bundle.identifier.as_ref().and_then(|i| i.value.as_ref());
    if identifier.is_none() && purpose == Purpose::Submit {
        let detail = "a request has an identifier with a value";
        faults.push(Fault::error(Code::Missing, "Bundle.identifier", detail));
    }
    let first = bundle.entry.first().and_then(|e| e.resource.as_ref());
    let Some(Resource::Claim(claim)) = first else {
        let detail = "the first entry of a request is its Claim";
        faults.push(Fault::error(Code::Kind, "Bundle.entry[0].resource", detail));
        return (None, faults);
    };
    let root = Path::root("Bundle");
    let (entries, field) = (root.field("entry"), "resource");
    let first = entries.index(0);
    let at = first.field(field);
    whole(claim, purpose, &at, &mut faults);
    parties(bundle, claim, &at, &mut faults);
    unique(claim, &at, &mut faults);
    for (i, item) in claim.item.iter().enumerate() {
        let items = at.field("item");
        item_faults(claim, item, purpose, &items.index(i), &mut faults);
    }
    modifiers(claim, &at, &mut faults);
    (Some(claim.as_ref()), faults)
}

fn whole(claim: &Claim, purpose: Purpose, at: &Path<'_>, faults: &mut Vec<Fault>) {
    let mut must = |good: bool, code, field: &str, detail| {
        if !good {
            faults.push(Fault::error(code, at.field(field), detail));
        }
    };
    must(claim.purpose == "preauthorization", Code::Value, "use", PREAUTHORIZATION);
    must(claim.status == "active", Code::Value, "status", "only an active Claim can be worked");
    let identified = claim.identifier.iter().any(|i| i.value.is_some());
    must(identified, Code::Missing, "identifier", "a Claim has one identifier or two");
    must(
        claim.identifier.len() <= 2,
        Code::Value,
        "identifier",
        "a Claim has at most two identifiers",
    );
    must(claim.insurer.is_some(), Code::Missing, "insurer", "a Claim says who is asked");
    must(!claim.insurance.is_empty(), Code::Missing, "insurance", "a Claim names a coverage");
    if purpose == Purpose::Submit {
        must(
            claim.priority.any_code().is_some(),
            Code::Missing,
            "priority",
            "a Claim has a priority",
        );
        must(!claim.item.is_empty(), Code::Missing, "item", "a request has at least one item");
    }
    for (i, member) in claim.care_team.iter().enumerate() {
        if find(&member.extension, extension::CARE_TEAM_SCOPE).is_none() {
            let list = at.field("careTeam");
            let detail = "a member of the care team says whether for all items";
            faults.push(Fault::error(Code::Missing, list.index(i).field("extension"), detail));
        }
    }
}

/// Who takes part must be in the bundle, as a resource of a fitting type.
fn parties(bundle: &Bundle, claim: &Claim, at: &Path<'_>, faults: &mut Vec<Fault>) {
    let mut must = |reference: Option<&super::base::Reference>, kinds: &[&str], place: String| {
        let fault = match bundle.follow(reference) {
            None => Fault::error(Code::Dangling, place, "this is in the bundle, as a resource"),
            Some((_, found)) if kinds.contains(&found.kind()) => return,
            Some(_) => Fault::error(Code::Kind, place, "a resource of another type is wanted here"),
        };
        // A reference that dangles by address was told already.
        if !faults.iter().any(|known| known.path.starts_with(&fault.path)) {
            faults.push(fault);
        }
    };
    must(Some(&claim.patient), &["Patient"], at.field("patient").to_string());
    if claim.insurer.is_some() {
        must(claim.insurer.as_ref(), &["Organization"], at.field("insurer").to_string());
    }
    let asking = ["Organization", "PractitionerRole", "Practitioner"];
    must(Some(&claim.provider), &asking, at.field("provider").to_string());
    for (i, insurance) in claim.insurance.iter().enumerate() {
        let list = at.field("insurance");
        let place = list.index(i).field("coverage").to_string();
        must(Some(&insurance.coverage), &["Coverage"], place);
    }
    for (i, member) in claim.care_team.iter().enumerate() {
        let list = at.field("careTeam");
        must(Some(&member.provider), &asking, list.index(i).field("provider").to_string());
    }
}

fn unique(claim: &Claim, at: &Path<'_>, faults: &mut Vec<Fault>) {
    let lists: [(&str, Vec<u32>); 5] = [
        ("item", claim.item.iter().map(|i| i.sequence).collect()),
        ("careTeam", claim.care_team.iter().map(|i| i.sequence).collect()),
        ("supportingInfo", claim.supporting_info.iter().map(|i| i.sequence).collect()),
        ("diagnosis", claim.diagnosis.iter().map(|i| i.sequence).collect()),
        ("insurance", claim.insurance.iter().map(|i| i.sequence).collect()),
    ];
    for (name, numbers) in lists {
        let mut seen = BTreeSet::new();
        for (i, number) in numbers.iter().enumerate() {
            let list = at.field(name);
            let item = list.index(i);
            let place = item.field("sequence");
            if *number == 0 {
                faults.push(Fault::error(Code::Value, place, "sequences begin with 1"));
            } else if !seen.insert(number) {
                let detail = "another entry of this list has this sequence";
                faults.push(Fault::error(Code::Doubled, place, detail));
            }
        }
    }
}

fn item_faults(
    claim: &Claim,
    item: &Item,
    purpose: Purpose,
    at: &Path<'_>,
    faults: &mut Vec<Fault>,
) {
    if purpose == Purpose::Submit {
        for (url, detail) in [
            (extension::REQUEST_TYPE, "an item says what kind of request it is"),
            (extension::CERTIFICATION_TYPE, "an item says its type of certification"),
        ] {
            match coded(&item.extension, url, at) {
                Ok(Some(_)) => {}
                Ok(None) => faults.push(Fault::error(Code::Missing, at.field("extension"), detail)),
                Err(fault) => faults.push(fault),
            }
        }
        if item.category.is_none() {
            let detail = "an item has a category (service type)";
            faults.push(Fault::error(Code::Missing, at.field("category"), detail));
        }
        if item.location.is_none() {
            let detail = "an item says where the service is given";
            faults.push(Fault::error(Code::Missing, at.field("location[x]"), detail));
        }
    }
    if item.product_or_service.any_code().is_none() {
        let detail = "an item names a procedure by its code";
        faults.push(Fault::error(Code::Missing, at.field("productOrService"), detail));
    }
    let known: [(&str, &[u32], Vec<u32>); 3] = [
        (
            "careTeamSequence",
            &item.care_team_sequence,
            claim.care_team.iter().map(|m| m.sequence).collect(),
        ),
        (
            "diagnosisSequence",
            &item.diagnosis_sequence,
            claim.diagnosis.iter().map(|m| m.sequence).collect(),
        ),
        (
            "informationSequence",
            &item.information_sequence,
            claim.supporting_info.iter().map(|m| m.sequence).collect(),
        ),
    ];
    for (name, used, there) in known {
        for (i, number) in used.iter().enumerate() {
            if !there.contains(number) {
                let list = at.field(name);
                let detail = "no entry of the Claim has this sequence";
                faults.push(Fault::error(Code::Dangling, list.index(i), detail));
            }
        }
    }
}

/// A modifier extension changes the meaning: one that is not understood must not be passed over.
fn modifiers(claim: &Claim, at: &Path<'_>, faults: &mut Vec<Fault>) {
    let detail = "a modifier extension that is not understood; the Claim cannot be read without it";
    let mut judge = |list: &[Extension], place: String| {
        for (i, one) in list.iter().enumerate() {
            if one.url != extension::INFO_CANCELLED {
                let place = format!("{place}.modifierExtension[{i}]");
                faults.push(Fault::error(Code::Modifier, place, detail));
            }
        }
    };
    for (i, item) in claim.item.iter().enumerate() {
        judge(&item.modifier_extension, at.field("item").index(i).to_string());
    }
    for (i, info) in claim.supporting_info.iter().enumerate() {
        judge(&info.modifier_extension, at.field("supportingInfo").index(i).to_string());
    }
    if let Some(value) = claim.rest.get("modifierExtension") {
        match Vec::<Extension>::read(value.clone(), &at.field("modifierExtension")) {
            Ok(list) => judge(&list, at.to_string()),
            Err(fault) => faults.push(fault),
        }
    }
}

/// Whether a flag that changes the meaning says: cancelled.
pub(super) fn is_cancelled(list: &[Extension]) -> bool {
    find(list, extension::INFO_CANCELLED).is_some_and(|(_, e)| {
        e.rest.get("valueBoolean").and_then(serde_json::Value::as_bool) == Some(true)
    })
}

/// The system a procedure's code belongs to: five digits (or four and a letter) are CPT, a letter and four digits are HCPCS.
pub(super) fn procedure_system(code: &str) -> &'static str {
    if code.starts_with(|c: char| c.is_ascii_alphabetic()) { system::HCPCS } else { system::CPT }
}
