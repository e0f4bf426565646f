//! From a bundle to a request.

use crate::pas::{
    base::{Concept, Extension, Identifier, coded, find, is_day, text},
    bundle::{Bundle, Resource},
    claim::{Claim, Item, SupportingInfo},
    fault::{Code, Fault, Path, fatal},
    judge::{Purpose, claim_of, is_cancelled},
    name::{extension, system},
    party::{Patient, of_kind, whole_name},
};

use super::{Attached, Change, Diagnosis, Key, Member, Party, Person, Read, Request, Service};

pub(super) fn request(bundle: &Bundle) -> Result<Read<Request>, Vec<Fault>> {
    let (claim, mut faults) = claim_of(bundle, Purpose::Submit);
    let Some(claim) = claim.filter(|_| !fatal(&faults)) else { return Err(faults) };
    let root = Path::root("Bundle");
    let entries = root.field("entry");
    let first = entries.index(0);
    let at = first.field("resource");
    let what = match meant(bundle, claim, &at, &mut faults) {
        Ok(what) => what,
        Err(fault) => {
            faults.push(fault);
            return Err(faults);
        }
    };
    if fatal(&faults) { Err(faults) } else { Ok(Read { what, noticed: faults }) }
}

fn meant(
    bundle: &Bundle,
    claim: &Claim,
    at: &Path<'_>,
    faults: &mut Vec<Fault>,
) -> Result<Request, Fault> {
    let id = claim.identifier.iter().find_map(key).unwrap_or_default();
    let mut team = Vec::new();
    for (i, member) in claim.care_team.iter().enumerate() {
        let scope = find(&member.extension, extension::CARE_TEAM_SCOPE);
        let list = at.field("careTeam");
        let scope: Option<bool> = match scope {
            Some((_, found)) => found.value("valueBoolean", &list.index(i))?,
            None => None,
        };
        let mut party = party(bundle, bundle.follow(Some(&member.provider)));
        let taxonomy = member.qualification.as_ref().and_then(|q| q.code_of(system::TAXONOMY));
        party.taxonomy = party.taxonomy.or_else(|| taxonomy.map(str::to_owned));
        team.push(Member {
            sequence: member.sequence,
            party,
            role: member.role.as_ref().and_then(Concept::any_code).map(str::to_owned),
            overall: scope.unwrap_or_default(),
        });
    }
    let mut services = Vec::new();
    for (i, item) in claim.item.iter().enumerate() {
        let list = at.field("item");
        services.push(service(item, &list.index(i), faults)?);
    }
    let mut documents = Vec::new();
    let mut messages = Vec::new();
    for (i, info) in claim.supporting_info.iter().enumerate() {
        let list = at.field("supportingInfo");
        match info.category.any_code() {
            Some("additionalInformation") => {
                documents.push(attached(bundle, info, &list.index(i))?);
            }
            Some("freeFormMessage") => messages.extend(info.value_string.clone()),
            _ => {}
        }
    }
    Ok(Request {
        exchange: bundle.identifier.as_ref().and_then(key).unwrap_or_default(),
        id,
        timestamp: bundle.timestamp.clone().unwrap_or_default(),
        created: claim.created.clone(),
        kind: claim.kind.any_code().unwrap_or("professional").to_owned(),
        patient: person(bundle, claim, faults),
        insurer: party(bundle, bundle.follow(claim.insurer.as_ref())),
        provider: party(bundle, bundle.follow(Some(&claim.provider))),
        team,
        priority: claim.priority.any_code().unwrap_or_default().to_owned(),
        level_of_service: coded(&claim.extension, extension::LEVEL_OF_SERVICE, at)?,
        diagnoses: diagnoses(claim, at, faults),
        services,
        documents,
        messages,
        updates: updates(bundle, claim, at, faults),
    })
}

fn updates(bundle: &Bundle, claim: &Claim, at: &Path<'_>, faults: &mut Vec<Fault>) -> Option<Key> {
    let related = claim.related.first()?;
    match bundle.follow(related.claim.as_ref()) {
        Some((_, Resource::Claim(prior))) => prior.identifier.iter().find_map(key),
        _ => {
            let detail = "the Claim that is updated is in the bundle, with an identifier";
            faults.push(Fault::error(Code::Dangling, at.field("related"), detail));
            None
        }
    }
}

pub(in crate::pas) fn key(identifier: &Identifier) -> Option<Key> {
    Some(Key { system: identifier.system.clone(), value: identifier.value.clone()? })
}

/// The patient of a Claim with the member number of its coverage. Both are judged here.
pub(in crate::pas) fn person(bundle: &Bundle, claim: &Claim, faults: &mut Vec<Fault>) -> Person {
    let Some((at, Resource::Patient(patient))) = bundle.follow(Some(&claim.patient)) else {
        return Person::default();
    };
    let place = format!("Bundle.entry[{at}].resource");
    let focal = claim.insurance.iter().find(|i| i.focal).or(claim.insurance.first());
    let coverage = focal.and_then(|i| bundle.follow(Some(&i.coverage)));
    let mut member = None;
    if let Some((at, Resource::Coverage(coverage))) = coverage {
        member = of_kind(&coverage.identifier, "MB").and_then(key);
        if member.is_none() {
            let place = format!("Bundle.entry[{at}].resource.identifier");
            let detail = "a coverage has the member number as an identifier of type `MB`";
            let own = of_kind(&patient.identifier, "MB").and_then(key);
            member =
                own.or_else(|| Some(Key { system: None, value: coverage.subscriber_id.clone()? }));
            faults.push(if member.is_some() {
                Fault::warning(Code::Missing, place, detail)
            } else {
                Fault::error(Code::Missing, place, detail)
            });
        }
    }
    named(patient, member.unwrap_or_default(), &place, faults)
}

fn named(patient: &Patient, member: Key, place: &str, faults: &mut Vec<Fault>) -> Person {
    let mut need = |value: Option<String>, field: &str, detail| {
        value.unwrap_or_else(|| {
            faults.push(Fault::error(Code::Missing, format!("{place}.{field}"), detail));
            String::new()
        })
    };
    let name = patient.name.first();
    let family =
        need(name.and_then(|n| n.family.clone()), "name.family", "a patient has a family name");
    let given = need(
        name.and_then(|n| n.given.first().cloned()),
        "name.given",
        "a patient has a given name",
    );
    let born = patient.birth_date.clone();
    let birth_date = need(born, "birthDate", "a patient has a day of birth");
    if !birth_date.is_empty() && !is_day(&birth_date) {
        let detail = "a day of birth is a whole date of the calendar";
        faults.push(Fault::error(Code::Value, format!("{place}.birthDate"), detail));
    }
    Person { member, family, given, birth_date, gender: patient.gender.clone() }
}

/// Who stands behind a reference: an organisation, a person, or a person at an organisation.
pub(in crate::pas) fn party(bundle: &Bundle, found: Option<(usize, &Resource)>) -> Party {
    let keys = |list: &[Identifier]| {
        let mut keys: Vec<Key> = list.iter().filter_map(key).collect();
        keys.sort_by_key(|k| k.system.as_deref() != Some(system::NPI));
        keys
    };
    match found.map(|(_, resource)| resource) {
        Some(Resource::Organization(found)) => Party {
            keys: keys(&found.identifier),
            name: found.name.clone(),
            taxonomy: found
                .kind
                .iter()
                .find_map(|k| k.code_of(system::TAXONOMY))
                .map(str::to_owned),
        },
        Some(Resource::Practitioner(found)) => Party {
            keys: keys(&found.identifier),
            name: found.name.first().and_then(whole_name),
            taxonomy: None,
        },
        Some(Resource::PractitionerRole(role)) => {
            let person = bundle.follow(role.practitioner.as_ref());
            let person = person.or_else(|| bundle.follow(role.organization.as_ref()));
            // A role leads to a person or an organisation, never to a role: no endless way.
            let mut party = match person {
                Some((_, Resource::PractitionerRole(_))) | None => Party::default(),
                other => party(bundle, other),
            };
            let own = keys(&role.identifier);
            party.keys.splice(0..0, own);
            let taxonomy = role.specialty.iter().find_map(|s| s.code_of(system::TAXONOMY));
            party.taxonomy = taxonomy.map(str::to_owned);
            party
        }
        _ => Party::default(),
    }
}

pub(in crate::pas) fn diagnoses(
    claim: &Claim,
    at: &Path<'_>,
    faults: &mut Vec<Fault>,
) -> Vec<Diagnosis> {
    let mut out = Vec::new();
    for (i, diagnosis) in claim.diagnosis.iter().enumerate() {
        let code = diagnosis.code.as_ref().and_then(|c| c.code_of(system::DIAGNOSIS));
        match code {
            Some(code) => out.push(Diagnosis {
                sequence: diagnosis.sequence,
                code: code.to_owned(),
                kind: diagnosis.kind.first().and_then(Concept::any_code).map(str::to_owned),
            }),
            None => {
                let list = at.field("diagnosis");
                let detail = "a diagnosis has a code of ICD-10-CM";
                faults.push(Fault::error(Code::Missing, list.index(i), detail));
            }
        }
    }
    out
}

fn service(item: &Item, at: &Path<'_>, faults: &mut Vec<Fault>) -> Result<Service, Fault> {
    let (from, to) = match (&item.serviced_date, &item.serviced_period) {
        (Some(day), _) => (Some(day.clone()), Some(day.clone())),
        (None, Some(period)) => {
            (period.start.clone(), period.end.clone().or_else(|| period.start.clone()))
        }
        (None, None) => (None, None),
    };
    for day in [&from, &to].into_iter().flatten() {
        if !is_day(day) {
            let detail = "a day of service is a whole date of the calendar";
            faults.push(Fault::error(Code::Value, at.field("serviced[x]"), detail));
        }
    }
    if from > to {
        let detail = "the last day of service is before the first";
        faults.push(Fault::error(Code::Contradiction, at.field("servicedPeriod"), detail));
    }
    let units = item.quantity.as_ref().and_then(|q| q.whole());
    if item.quantity.is_some() && units.is_none() {
        let detail = "a quantity is a whole number of units here";
        faults.push(Fault::error(Code::Value, at.field("quantity"), detail));
    }
    let product = item.product_or_service.coding.iter().find(|c| c.code.is_some());
    let as_key = |c: &crate::pas::base::Coding| Key {
        system: c.system.clone(),
        value: c.code.clone().unwrap_or_default(),
    };
    Ok(Service {
        sequence: item.sequence,
        request_type: coded(&item.extension, extension::REQUEST_TYPE, at)?.unwrap_or_default(),
        certification: coded(&item.extension, extension::CERTIFICATION_TYPE, at)?
            .unwrap_or_default(),
        category: item.category.as_ref().and_then(Concept::any_code).unwrap_or_default().to_owned(),
        procedure: product.map(as_key).unwrap_or_default(),
        modifiers: item.modifier.iter().filter_map(|m| m.coding.first().map(as_key)).collect(),
        units,
        from,
        to,
        place: item.location.as_ref().and_then(Concept::any_code).map(str::to_owned),
        authorization: text(&item.extension, extension::AUTHORIZATION_NUMBER),
        pend_number: text(&item.extension, extension::PEND_NUMBER),
        diagnoses: item.diagnosis_sequence.clone(),
        team: item.care_team_sequence.clone(),
        change: change(&item.extension, &item.modifier_extension, at)?,
    })
}

fn change(
    list: &[Extension],
    modifiers: &[Extension],
    at: &Path<'_>,
) -> Result<Option<Change>, Fault> {
    if is_cancelled(modifiers) {
        return Ok(Some(Change::Cancelled));
    }
    match text(list, extension::INFO_CHANGED).as_deref() {
        None => Ok(None),
        Some("added") => Ok(Some(Change::Added)),
        Some("changed") => Ok(Some(Change::Changed)),
        Some(_) => {
            let detail = "a change is `added` or `changed`";
            Err(Fault::error(Code::Value, at.field("extension"), detail))
        }
    }
}

fn attached(bundle: &Bundle, info: &SupportingInfo, at: &Path<'_>) -> Result<Attached, Fault> {
    let mut out = Attached {
        sequence: info.sequence,
        change: change(&info.extension, &info.modifier_extension, at)?,
        ..Attached::default()
    };
    if let Some((_, about)) = find(&info.extension, extension::DOCUMENT_INFORMATION) {
        out.report_type = coded(&about.extension, "reportTypeCode", at)?;
        out.control_number = find(&about.extension, "controlNumber").and_then(|(_, e)| {
            let text = e.text().map(str::to_owned);
            text.or_else(|| {
                let inner = e.rest.get("valueIdentifier")?.get("value")?;
                inner.as_str().map(str::to_owned)
            })
        });
    }
    if let Some((_, Resource::DocumentReference(found))) =
        bundle.follow(info.value_reference.as_ref())
        && let Some(content) = found.content.first()
    {
        out.title.clone_from(&content.attachment.title);
        out.content_type.clone_from(&content.attachment.content_type);
        out.data.clone_from(&content.attachment.data);
    }
    Ok(out)
}
