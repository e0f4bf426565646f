//! Other software of a clinic: it speaks FHIR Da Vinci PAS over HTTP and knows nothing of cases, jobs or portals.

use anyhow::{Context as _, Result};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use exchange::pas::{
    self,
    answer::Answer,
    bundle::{Bundle, Resource},
    inquiry::{Found, Inquiry},
    name::system,
    request::{Attached, Diagnosis, Key, Member, Naming, Party, Person, Request, Service},
};
use serde_json::Value;

use super::api::Api;
use crate::portal::clock::real_now;

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn party(of: &Value) -> Party {
    let name = of["name"].as_str().unwrap_or("Willowmere Clinic");
    Party {
        keys: vec![Key::of(system::NPI, &text(&of["npi"]))],
        name: Some(name.to_owned()),
        taxonomy: of["taxonomy"].as_str().map(str::to_owned),
    }
}

fn insurer(payer: &str) -> Party {
    Party { keys: vec![Key::of("urn:payers", payer)], name: Some(payer.to_owned()), taxonomy: None }
}

fn patient(request: &Value) -> Person {
    let member = &request["member"];
    Person {
        member: Key::of("urn:member", &text(&member["id"])),
        family: text(&member["last_name"]),
        given: text(&member["first_name"]),
        birth_date: text(&member["dob"]),
        gender: None,
    }
}

/// Hands a request in, with a document; the case it became, and what was answered at once.
///
/// # Errors
/// It is refused, or the answer is none of PAS.
pub async fn submit(
    api: &Api,
    payer: &str,
    request: &Value,
    document: &[u8],
) -> Result<(String, Answer)> {
    let (id, now) = (format!("W-{:08x}", rand::random::<u32>()), real_now().to_string());
    let diagnoses = request["diagnoses"].as_array().into_iter().flatten().zip(1..);
    let services = request["lines"].as_array().into_iter().flatten().zip(1..);
    let asked = Request {
        exchange: Key::of("urn:clinic:exchange", &id),
        id: Key::of("urn:clinic:request", &id),
        timestamp: now.clone(),
        created: now,
        kind: "professional".to_owned(),
        patient: patient(request),
        insurer: insurer(payer),
        provider: party(&request["requesting"]),
        team: vec![Member {
            sequence: 1,
            party: party(&request["servicing"]),
            role: Some("SJ".to_owned()),
            overall: true,
        }],
        priority: "normal".to_owned(),
        diagnoses: diagnoses
            .map(|(code, sequence)| Diagnosis {
                sequence,
                code: text(code).replace('.', ""),
                kind: (sequence == 1).then(|| "principal".to_owned()),
            })
            .collect(),
        services: services
            .map(|(line, sequence)| Service {
                sequence,
                request_type: "HS".to_owned(),
                certification: "I".to_owned(),
                category: "1".to_owned(),
                procedure: Key { system: None, value: text(&line["code"]) },
                units: line["units"].as_u64().and_then(|units| u32::try_from(units).ok()),
                from: Some(text(&line["from"])),
                to: Some(text(&line["to"])),
                place: Some("22".to_owned()),
                diagnoses: vec![1],
                ..Service::default()
            })
            .collect(),
        documents: vec![Attached {
            sequence: 1,
            report_type: Some("77".to_owned()),
            content_type: Some("application/pdf".to_owned()),
            data: Some(STANDARD.encode(document)),
            ..Attached::default()
        }],
        ..Request::default()
    };
    let body = pas::write(&asked.build(&Naming::new("https://clinic.example/fhir", &id)));
    let said = api.fhir("Claim/$submit", body).await?;
    let unfit = |what: String| anyhow::anyhow!("the answer to $submit: {what}");
    let bundle: Bundle = pas::read(&said, "Bundle").map_err(|f| unfit(f.to_string()))?;
    let answer = Answer::read(&bundle).map_err(|f| unfit(format!("{f:?}")))?.what;
    let case = answer.id.as_ref().map(|id| id.value.clone());
    Ok((case.context("the answer to $submit names the case")?, answer))
}

/// What is known of the requests of the same patient now.
///
/// # Errors
/// It is refused, or the answer is none of PAS.
pub async fn inquire(api: &Api, payer: &str, request: &Value) -> Result<Vec<Answer>> {
    let (id, now) = (format!("Q-{:08x}", rand::random::<u32>()), real_now().to_string());
    let asked = Inquiry {
        exchange: Key::of("urn:clinic:exchange", &id),
        id: Key::of("urn:clinic:inquiry", &id),
        timestamp: now.clone(),
        created: now,
        patient: patient(request),
        insurer: insurer(payer),
        provider: party(&request["requesting"]),
        ..Inquiry::default()
    };
    let body = pas::write(&asked.build(&Naming::new("https://clinic.example/fhir", &id)));
    let said = api.fhir("Claim/$inquire", body).await?;
    let unfit = |what: String| anyhow::anyhow!("the answer to $inquire: {what}");
    let resource: Resource = pas::read(&said, "answer").map_err(|f| unfit(f.to_string()))?;
    let found = Found::read(resource).map_err(|f| unfit(f.to_string()))?;
    let read = found.bundles.iter().map(|bundle| Answer::read(bundle).map(|read| read.what));
    read.collect::<Result<_, _>>().map_err(|faults| unfit(format!("{faults:?}")))
}
