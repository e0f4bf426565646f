//! From the canonical request to the words of PAS.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use domain::{
    channel::Endpoint,
    outcome::FailureKind,
    request::{self, Member, PriorAuth, Setting, Urgency},
    script::value::FileRef,
};
use exchange::pas::{
    inquiry::Inquiry,
    name::system,
    request::{Attached, Diagnosis, Key, Member as TeamMember, Party, Person, Request, Service},
};
use serde_json::Value;

use super::super::talk::{Exchange, Stop, failed};
use crate::clock;

/// System of our own identifiers.
pub(super) const OWN: &str = "urn:fleet:submission";
/// Service type (list 1365) of everything: medical care. The canonical request has none of its own.
const MEDICAL_CARE: &str = "1";
/// Largest document that is taken, bytes; what is larger the coordinator does not keep.
const DOCUMENT_MAX: u64 = 25 << 20;

fn unfit(what: &str) -> Stop {
    failed(FailureKind::BadInput, "inputs_unfit", what)
}

/// The canonical request within the inputs, without what the coordinator adds to it.
fn canonical(inputs: &Value) -> Result<request::Request, Stop> {
    let mut inputs = inputs.clone();
    if let Some(fields) = inputs.as_object_mut() {
        for added in ["reference", "submission", "known"] {
            fields.remove(added);
        }
    }
    serde_json::from_value(inputs).map_err(|_| unfit("the inputs are no request"))
}

fn prior_auth(inputs: &Value) -> Result<PriorAuth, Stop> {
    match canonical(inputs)? {
        request::Request::PriorAuth(request) => Ok(*request),
        _ => Err(unfit("only a prior authorization is submitted")),
    }
}

fn submission(inputs: &Value) -> Result<&str, Stop> {
    inputs["submission"].as_str().ok_or_else(|| unfit("the inputs name no submission"))
}

fn person(member: &Member) -> Person {
    Person {
        member: Key { system: None, value: member.id.clone() },
        family: member.last_name.clone(),
        given: member.first_name.clone(),
        birth_date: member.dob.to_string(),
        gender: None,
    }
}

fn insurer(endpoint: &Endpoint, payer: &str) -> Party {
    let key = match &endpoint.insurer {
        Some(id) => Key { system: id.system.clone(), value: id.value.clone() },
        None => Key::of("urn:fleet:payer", payer),
    };
    Party { name: Some(key.value.clone()), keys: vec![key], taxonomy: None }
}

fn provider(of: &request::Provider) -> Party {
    Party {
        keys: vec![Key::of(system::NPI, &of.npi)],
        name: of.name.clone().or_else(|| Some(of.npi.clone())),
        taxonomy: of.taxonomy.clone(),
    }
}

/// One message is one exchange: its identifier is never used again.
fn exchange_id(submission: &str) -> Key {
    Key::of("urn:fleet:exchange", &format!("{submission}.{:08x}", rand::random::<u32>()))
}

/// The request of a submission, without its documents.
pub(super) fn request(exchange: &Exchange<'_>) -> Result<Request, Stop> {
    let own = submission(exchange.inputs)?;
    let asked = prior_auth(exchange.inputs)?;
    let now = clock::now().to_string();
    let diagnoses = asked.diagnoses.iter().zip(1..).map(|(code, sequence)| Diagnosis {
        sequence,
        // X12 and PAS carry the codes without their dot.
        code: code.replace('.', ""),
        kind: (sequence == 1).then(|| "principal".to_owned()),
    });
    let all: Vec<u32> = (1..).take(asked.diagnoses.len()).collect();
    let services = asked.lines.iter().zip(1..).map(|(line, sequence)| Service {
        sequence,
        request_type: match asked.setting {
            Setting::Inpatient => "AR",
            Setting::Outpatient => "HS",
            Setting::Referral => "SC",
        }
        .to_owned(),
        certification: if asked.renews.is_some() { "R" } else { "I" }.to_owned(),
        category: MEDICAL_CARE.to_owned(),
        procedure: Key { system: None, value: line.code.clone() },
        units: Some(line.units),
        from: Some(line.from.to_string()),
        to: Some(line.to.to_string()),
        // Place of service: inpatient hospital, on-campus outpatient hospital, office.
        place: Some(
            match asked.setting {
                Setting::Inpatient => "21",
                Setting::Outpatient => "22",
                Setting::Referral => "11",
            }
            .to_owned(),
        ),
        authorization: asked.renews.clone(),
        diagnoses: all.clone(),
        team: vec![1],
        ..Service::default()
    });
    Ok(Request {
        exchange: exchange_id(own),
        id: Key::of(OWN, own),
        timestamp: now.clone(),
        created: now,
        kind: match asked.setting {
            Setting::Inpatient => "institutional",
            Setting::Outpatient | Setting::Referral => "professional",
        }
        .to_owned(),
        patient: person(&asked.member),
        insurer: insurer(exchange.endpoint, exchange.payer),
        provider: provider(&asked.requesting),
        team: vec![TeamMember {
            sequence: 1,
            party: provider(&asked.servicing),
            role: Some("SJ".to_owned()),
            overall: true,
        }],
        priority: match asked.urgency {
            Urgency::Standard => "normal",
            Urgency::Expedited => "stat",
        }
        .to_owned(),
        diagnoses: diagnoses.collect(),
        services: services.collect(),
        ..Request::default()
    })
}

/// The documents of a submission, in their order.
pub(super) fn documents(exchange: &Exchange<'_>) -> Result<Vec<FileRef>, Stop> {
    let asked = prior_auth(exchange.inputs)?;
    let file = |document: &request::Document| FileRef {
        reference: document.id.to_string(),
        kind: Some(document.kind.clone()),
        sha256: Some(document.sha256.clone()),
        accept: Vec::new(),
        max_bytes: DOCUMENT_MAX,
    };
    Ok(asked.documents.iter().map(file).collect())
}

/// Adds a document with its bytes.
pub(super) fn attach(request: &mut Request, at: usize, file: &FileRef, bytes: &[u8]) {
    let media = match file.kind.as_deref() {
        Some("pdf") => "application/pdf",
        Some("png") => "image/png",
        Some("jpg") => "image/jpeg",
        Some("tif") => "image/tiff",
        _ => "application/octet-stream",
    };
    request.documents.push(Attached {
        sequence: u32::try_from(at + 1).unwrap_or(u32::MAX),
        control_number: Some(format!("{}.{}", request.id.value, at + 1)),
        title: Some("supporting document".to_owned()),
        content_type: Some(media.to_owned()),
        data: Some(STANDARD.encode(bytes)),
        ..Attached::default()
    });
}

/// The inquiry about the member of the inputs, or of a record that is known.
pub(super) fn inquiry(exchange: &Exchange<'_>, known: Option<&Value>) -> Result<Inquiry, Stop> {
    let own = submission(exchange.inputs)?;
    let asked = canonical(exchange.inputs)?;
    let requesting = match &asked {
        request::Request::PriorAuth(asked) => Some(provider(&asked.requesting)),
        _ => None,
    };
    let by_profile = exchange.endpoint.requester_npi.as_ref().map(|npi| Party {
        keys: vec![Key::of(system::NPI, npi)],
        name: Some(npi.clone()),
        taxonomy: None,
    });
    let Some(provider) = requesting.or(by_profile) else {
        return Err(unfit(
            "nobody is named who asks: the profile's endpoint needs `requester_npi`",
        ));
    };
    let (mut from, mut to) = match &asked {
        request::Request::PriorAuth(asked) => (
            asked.lines.iter().map(|line| line.from.to_string()).min(),
            asked.lines.iter().map(|line| line.to.to_string()).max(),
        ),
        _ => (None, None),
    };
    let mut patient = person(asked.member());
    if let Some(known) = known {
        let member: Member = serde_json::from_value(known["member"].clone())
            .map_err(|_| unfit("the known record has no member"))?;
        patient = person(&member);
        let day = |field: &str| known[field].as_str().map(str::to_owned);
        (from, to) = (day("from"), day("to"));
    }
    let now = clock::now().to_string();
    Ok(Inquiry {
        exchange: exchange_id(own),
        id: Key::of(OWN, own),
        timestamp: now.clone(),
        created: now,
        patient,
        insurer: insurer(exchange.endpoint, exchange.payer),
        provider,
        from,
        to,
        ..Inquiry::default()
    })
}
