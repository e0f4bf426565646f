//! From a request to its bundle.

use crate::pas::{
    base::{Concept, Extension, HumanName, Identifier, Period, Quantity, Reference},
    bundle::Bundle,
    claim::{CareTeam, Claim, Diagnosis, Insurance, Item, Related, SupportingInfo},
    judge::procedure_system,
    name::{extension, profile, system},
    party::{Attachment, Coverage, DocumentContent, DocumentReference, Organization, Patient},
};

use super::{Attached, Change, Key, Member, Naming, Party, Request, Service};

pub(super) fn bundle(request: &Request, naming: &Naming) -> Bundle {
    let exchange = identifier(&request.exchange);
    let mut bundle = Bundle::collection(profile::REQUEST_BUNDLE, exchange, &request.timestamp);
    bundle.add(naming.address("Claim", "claim"), claim(request, naming));
    people(request, naming, &mut bundle);
    for document in request.documents.iter().filter(|d| d.data.is_some()) {
        let part = format!("document-{}", document.sequence);
        bundle.add(
            naming.address("DocumentReference", &part),
            whole_document(request, document, naming),
        );
    }
    if let Some(prior) = &request.updates {
        let mut before = claim(request, naming);
        before.id = Some(naming.id("prior"));
        before.identifier = vec![identifier(prior)];
        before.related.clear();
        before.supporting_info.clear();
        for item in &mut before.item {
            item.modifier_extension.clear();
            item.extension.retain(|e| e.url != extension::INFO_CHANGED);
            item.information_sequence.clear();
        }
        before.meta = Some(crate::pas::base::Meta::of(profile::CLAIM));
        bundle.add(naming.address("Claim", "prior"), before);
    }
    bundle
}

/// The resources of those who take part; requests, answers and inquiries hold the same.
pub(in crate::pas) fn people(request: &Request, naming: &Naming, bundle: &mut Bundle) {
    let patient = Patient {
        id: Some(naming.id("patient")),
        identifier: vec![identifier(&request.patient.member).of_kind("MB")],
        name: vec![HumanName {
            family: Some(request.patient.family.clone()),
            given: vec![request.patient.given.clone()],
            ..HumanName::default()
        }],
        gender: request.patient.gender.clone(),
        birth_date: Some(request.patient.birth_date.clone()),
        ..Patient::default()
    };
    bundle.add(naming.address("Patient", "patient"), patient.of_profile(profile::BENEFICIARY));
    let coverage = Coverage {
        id: Some(naming.id("coverage")),
        identifier: vec![identifier(&request.patient.member).of_kind("MB")],
        status: "active".to_owned(),
        subscriber: Some(Reference::to(naming.reference("Patient", "patient"))),
        beneficiary: Reference::to(naming.reference("Patient", "patient")),
        relationship: Some(Concept::of(system::RELATIONSHIP, "self")),
        payor: vec![Reference::to(naming.reference("Organization", "insurer"))],
        ..Coverage::default()
    };
    bundle.add(naming.address("Coverage", "coverage"), coverage.of_profile(profile::COVERAGE));
    for (part, party, profile) in [
        ("insurer", &request.insurer, profile::INSURER),
        ("provider", &request.provider, profile::REQUESTOR),
    ] {
        let found = organization(party, &naming.id(part)).of_profile(profile);
        bundle.add(naming.address("Organization", part), found);
    }
    for member in &request.team {
        let part = format!("team-{}", member.sequence);
        let found =
            organization(&member.party, &naming.id(&part)).of_profile(profile::ORGANIZATION);
        bundle.add(naming.address("Organization", &part), found);
    }
}

pub(in crate::pas) fn identifier(key: &Key) -> Identifier {
    Identifier {
        system: key.system.clone(),
        value: Some(key.value.clone()),
        ..Identifier::default()
    }
}

fn organization(party: &Party, id: &str) -> Organization {
    let taxonomy = party.taxonomy.iter().map(|t| Concept::of(system::TAXONOMY, t));
    let name = party.name.clone().or_else(|| party.keys.first().map(|k| k.value.clone()));
    Organization {
        id: Some(id.to_owned()),
        identifier: party.keys.iter().map(identifier).collect(),
        active: Some(true),
        kind: taxonomy.collect(),
        name,
        ..Organization::default()
    }
}

/// The Claim, without what only a submission has.
pub(in crate::pas) fn claim_base(request: &Request, naming: &Naming) -> Claim {
    let level = request.level_of_service.iter();
    let diagnosis = request.diagnoses.iter().map(|d| Diagnosis {
        sequence: d.sequence,
        code: Some(Concept::of(system::DIAGNOSIS, &d.code)),
        kind: d.kind.iter().map(|k| Concept::of(system::PAS, k)).collect(),
        ..Diagnosis::default()
    });
    Claim {
        id: Some(naming.id("claim")),
        extension: level
            .map(|code| Extension::coded(extension::LEVEL_OF_SERVICE, system::LEVEL_1338, code))
            .collect(),
        identifier: vec![identifier(&request.id)],
        status: "active".to_owned(),
        kind: Concept::of(system::CLAIM_TYPE, &request.kind),
        purpose: "preauthorization".to_owned(),
        patient: Reference::to(naming.reference("Patient", "patient")),
        created: request.created.clone(),
        insurer: Some(Reference::to(naming.reference("Organization", "insurer"))),
        provider: Reference::to(naming.reference("Organization", "provider")),
        priority: Concept::of(system::PRIORITY, &request.priority),
        care_team: request.team.iter().map(|m| care_team(m, naming)).collect(),
        diagnosis: diagnosis.collect(),
        insurance: vec![Insurance {
            sequence: 1,
            focal: true,
            coverage: Reference::to(naming.reference("Coverage", "coverage")),
            ..Insurance::default()
        }],
        ..Claim::default()
    }
}

fn claim(request: &Request, naming: &Naming) -> Claim {
    let all: Vec<u32> = request.documents.iter().map(|d| d.sequence).collect();
    let mut claim = claim_base(request, naming);
    claim.supporting_info = supporting(request, naming);
    claim.item = request.services.iter().map(|s| item(s, &all)).collect();
    if request.updates.is_none() {
        return claim.of_profile(profile::CLAIM);
    }
    claim.related = vec![Related {
        claim: Some(Reference::to(naming.reference("Claim", "prior"))),
        relationship: Some(Concept::of(system::RELATED, "prior")),
        ..Related::default()
    }];
    claim.of_profile(profile::CLAIM_UPDATE)
}

fn care_team(member: &Member, naming: &Naming) -> CareTeam {
    let part = format!("team-{}", member.sequence);
    let taxonomy = member.party.taxonomy.as_ref();
    CareTeam {
        extension: vec![Extension::of(extension::CARE_TEAM_SCOPE, "valueBoolean", member.overall)],
        sequence: member.sequence,
        provider: Reference::to(naming.reference("Organization", &part)),
        role: member.role.as_ref().map(|role| Concept::of(system::ENTITY_98, role)),
        qualification: taxonomy.map(|t| Concept::of(system::TAXONOMY, t)),
        ..CareTeam::default()
    }
}

fn supporting(request: &Request, naming: &Naming) -> Vec<SupportingInfo> {
    let of = |category: &str, sequence: u32| SupportingInfo {
        sequence,
        category: Concept::of(system::PAS, category),
        ..SupportingInfo::default()
    };
    let mut out: Vec<SupportingInfo> = Vec::new();
    for document in &request.documents {
        let mut info = of("additionalInformation", document.sequence);
        let mut about = Vec::new();
        if let Some(code) = &document.report_type {
            about.push(Extension::coded("reportTypeCode", system::REPORT_755, code));
        }
        about.push(Extension::coded("transmissionMethod", system::TRANSMISSION_756, "EL"));
        if let Some(number) = &document.control_number {
            about.push(Extension::of("controlNumber", "valueString", number.as_str()));
        }
        info.extension.push(Extension::parts(extension::DOCUMENT_INFORMATION, about));
        changed(document.change, &mut info.extension, &mut info.modifier_extension);
        let part = format!("document-{}", document.sequence);
        info.value_reference = Some(Reference::to(naming.reference("DocumentReference", &part)));
        out.push(info);
    }
    let after = out.iter().map(|i| i.sequence).max().unwrap_or(0);
    for (message, sequence) in request.messages.iter().zip(after + 1..) {
        let mut info = of("freeFormMessage", sequence);
        info.value_string = Some(message.clone());
        out.push(info);
    }
    out
}

fn whole_document(request: &Request, document: &Attached, naming: &Naming) -> DocumentReference {
    let part = format!("document-{}", document.sequence);
    let attachment = Attachment {
        content_type: document.content_type.clone(),
        data: document.data.clone(),
        title: document.title.clone(),
        ..Attachment::default()
    };
    DocumentReference {
        id: Some(naming.id(&part)),
        status: "current".to_owned(),
        kind: Some(Concept { text: Some("supporting document".to_owned()), ..Concept::default() }),
        subject: Some(Reference::to(naming.reference("Patient", "patient"))),
        date: Some(request.timestamp.clone()),
        content: vec![DocumentContent { attachment, ..DocumentContent::default() }],
        ..DocumentReference::default()
    }
    .of_profile(profile::DOCUMENT)
}

fn changed(change: Option<Change>, list: &mut Vec<Extension>, modifiers: &mut Vec<Extension>) {
    let word = match change {
        None => return,
        Some(Change::Added) => "added",
        Some(Change::Changed) => "changed",
        Some(Change::Cancelled) => {
            modifiers.push(Extension::of(extension::INFO_CANCELLED, "valueBoolean", true));
            "changed"
        }
    };
    list.push(Extension::of(extension::INFO_CHANGED, "valueCode", word));
}

pub(in crate::pas) fn coded(key: &Key) -> Concept {
    let system = key.system.clone().unwrap_or_else(|| procedure_system(&key.value).to_owned());
    Concept::of(&system, &key.value)
}

fn item(service: &Service, documents: &[u32]) -> Item {
    let certification = match service.change {
        Some(Change::Cancelled) => "3",
        _ => &service.certification,
    };
    let mut list = vec![
        Extension::coded(extension::REQUEST_TYPE, system::REQUEST_TYPE_1525, &service.request_type),
        Extension::coded(extension::CERTIFICATION_TYPE, system::CERTIFICATION_1322, certification),
    ];
    for (url, number) in [
        (extension::AUTHORIZATION_NUMBER, &service.authorization),
        (extension::PEND_NUMBER, &service.pend_number),
    ] {
        list.extend(number.iter().map(|n| Extension::of(url, "valueString", n.as_str())));
    }
    let mut modifiers = Vec::new();
    changed(service.change, &mut list, &mut modifiers);
    let (day, period) = match (&service.from, &service.to) {
        (Some(from), Some(to)) if from == to => (Some(from.clone()), None),
        (None, None) => (None, None),
        (from, to) => {
            (None, Some(Period { start: from.clone(), end: to.clone(), ..Period::default() }))
        }
    };
    Item {
        extension: list,
        modifier_extension: modifiers,
        sequence: service.sequence,
        care_team_sequence: service.team.clone(),
        diagnosis_sequence: service.diagnoses.clone(),
        information_sequence: documents.to_vec(),
        category: Some(Concept::of(system::CATEGORY_1365, &service.category)),
        product_or_service: coded(&service.procedure),
        modifier: service.modifiers.iter().map(coded).collect(),
        serviced_date: day,
        serviced_period: period,
        location: service.place.as_ref().map(|place| Concept::of(system::PLACE, place)),
        quantity: service.units.map(Quantity::units),
        ..Item::default()
    }
}

/// A reference with the identifier beside the address.
pub(in crate::pas) fn identified(address: String, key: &Key) -> Reference {
    let mut out = Reference::to(address);
    out.identifier = Some(identifier(key));
    out
}
