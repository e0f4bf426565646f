//! From an answer to its bundle.

use crate::pas::{
    base::{Concept, Extension, Reference},
    bundle::Bundle,
    json,
    name::{extension, profile, system},
    request::{
        Naming, Request,
        build::{claim_base, coded, identified, identifier, people},
    },
    response::{AddItem, Adjudication, ClaimResponse, ProcessNote, ResponseError, ResponseItem},
    task::CommunicationRequest,
};

use super::{Answer, Line, Refused, Review, period};

pub(super) fn bundle(answer: &Answer, request: &Request, naming: &Naming) -> Bundle {
    let exchange = answer.exchange.as_ref().unwrap_or(&request.exchange);
    let mut bundle =
        Bundle::collection(profile::RESPONSE_BUNDLE, identifier(exchange), &answer.timestamp);
    let mut response = response(answer, request, naming);
    let insurer = Reference::to(naming.reference("Organization", "insurer"));
    let mut asked = Vec::new();
    for control in controls(answer) {
        let of_it: Vec<_> =
            answer.wanted.iter().filter(|w| w.control_number == control).cloned().collect();
        let part = format!("wanted-{}", asked.len() + 1);
        let mut one = CommunicationRequest::asking(&of_it, insurer.clone());
        one.id = Some(naming.id(&part));
        let to = naming.reference("CommunicationRequest", &part);
        response.communication_request.push(Reference::to(to));
        asked.push((naming.address("CommunicationRequest", &part), one));
    }
    bundle.add(naming.address("ClaimResponse", "response"), response);
    people(request, naming, &mut bundle);
    for (address, one) in asked {
        bundle.add(address, one);
    }
    bundle
}

fn controls(answer: &Answer) -> Vec<Option<String>> {
    let mut out: Vec<Option<String>> = Vec::new();
    for wanted in &answer.wanted {
        if !out.contains(&wanted.control_number) {
            out.push(wanted.control_number.clone());
        }
    }
    out
}

fn response(answer: &Answer, request: &Request, naming: &Naming) -> ClaimResponse {
    let claim = claim_base(request, naming);
    let asked = answer.request.as_ref().unwrap_or(&request.id);
    // The Claim stays with the requester: it is named by its identifier.
    let request_ref = Reference { reference: None, ..identified(String::new(), asked) };
    let reviewed = answer.human_reviewed.map(|flag| {
        let flag = Extension::of("wasHumanReviewedFlag", "valueBoolean", flag);
        Extension::parts(extension::REVIEWER, vec![flag])
    });
    let added = answer.lines.iter().filter_map(add_item);
    ClaimResponse {
        id: Some(naming.id("response")),
        extension: reviewed.into_iter().collect(),
        identifier: answer.id.iter().map(identifier).collect(),
        status: "active".to_owned(),
        kind: claim.kind,
        purpose: claim.purpose,
        patient: claim.patient,
        created: answer.created.clone(),
        insurer: Reference::to(naming.reference("Organization", "insurer")),
        requestor: Some(claim.provider),
        request: Some(request_ref),
        outcome: answer.stage.word().to_owned(),
        disposition: answer.disposition.clone(),
        pre_auth_ref: answer.number.clone(),
        item: answer.lines.iter().map(item).collect(),
        add_item: added.collect(),
        process_note: answer
            .notes
            .iter()
            .map(|(number, text)| ProcessNote {
                number: Some(*number),
                text: text.clone(),
                ..ProcessNote::default()
            })
            .collect(),
        error: answer.refused.iter().map(error).collect(),
        ..ClaimResponse::default()
    }
    .of_profile(profile::CLAIM_RESPONSE)
}

fn adjudication(review: Option<&Review>) -> Vec<Adjudication> {
    let extension = review.map(|review| {
        let mut parts = Vec::new();
        parts.extend(
            review.number.iter().map(|n| Extension::of("number", "valueString", n.as_str())),
        );
        parts.extend(
            review
                .reasons
                .iter()
                .map(|r| Extension::coded("reasonCode", system::REVIEW_REASON_886, r)),
        );
        parts.extend(
            review
                .second_opinion
                .map(|flag| Extension::of("secondSurgicalOpinionFlag", "valueBoolean", flag)),
        );
        let code = review.action.code();
        parts.push(Extension::coded(
            extension::REVIEW_ACTION_CODE,
            system::REVIEW_ACTION_306,
            code,
        ));
        Extension::parts(extension::REVIEW_ACTION, parts)
    });
    vec![Adjudication {
        extension: extension.into_iter().collect(),
        category: Concept::of(system::ADJUDICATION, "submitted"),
        ..Adjudication::default()
    }]
}

fn item(line: &Line) -> ResponseItem {
    let mut list = Vec::new();
    for (url, name, text) in [
        (extension::PREAUTH_ISSUED, "valueDate", &line.issued),
        (extension::AUTHORIZATION_NUMBER, "valueString", &line.previous_number),
        (extension::PEND_NUMBER, "valueString", &line.pend_number),
    ] {
        list.extend(text.iter().map(|t| Extension::of(url, name, t.as_str())));
    }
    if let Some(valid) = period(&line.valid_from, &line.valid_to) {
        list.push(Extension::of(extension::PREAUTH_PERIOD, "valuePeriod", json(&valid)));
    }
    ResponseItem {
        extension: list,
        item_sequence: line.sequence,
        note_number: line.notes.clone(),
        adjudication: adjudication(line.review.as_ref()),
        ..ResponseItem::default()
    }
}

fn add_item(line: &Line) -> Option<AddItem> {
    let granted = line.granted.as_ref()?;
    let one_day = granted.from.is_some() && granted.from == granted.to;
    Some(AddItem {
        item_sequence: vec![line.sequence],
        product_or_service: coded(&granted.procedure),
        serviced_date: granted.from.clone().filter(|_| one_day),
        serviced_period: period(&granted.from, &granted.to).filter(|_| !one_day),
        quantity: granted.units.map(crate::pas::base::Quantity::units),
        adjudication: adjudication(line.review.as_ref()),
        ..AddItem::default()
    })
}

fn error(refused: &Refused) -> ResponseError {
    let mut list = Vec::new();
    if let Some(code) = &refused.followup {
        list.push(Extension::coded(extension::ERROR_FOLLOWUP, system::FOLLOWUP_889, code));
    }
    for (url, text) in
        [(extension::ERROR_ELEMENT, &refused.element), (extension::ERROR_PATH, &refused.path)]
    {
        list.extend(text.iter().map(|t| Extension::of(url, "valueString", t.as_str())));
    }
    ResponseError {
        extension: list,
        item_sequence: refused.line,
        code: Concept::of(system::REJECT_901, &refused.code),
        ..ResponseError::default()
    }
}
