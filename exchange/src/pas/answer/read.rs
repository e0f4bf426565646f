//! From a bundle to an answer.

use std::collections::BTreeSet;

use crate::pas::{
    base::{Concept, Extension, Period, coded, find, text},
    bundle::{Bundle, Resource},
    code::ReviewAction,
    fault::{Code, Fault, Path, fatal},
    name::{extension, system},
    request::{Key, Read},
    response::{AddItem, Adjudication, ClaimResponse, ResponseError, ResponseItem},
    task::Wanted,
};

use super::{Answer, Granted, Line, Refused, Review, Stage};

pub(super) fn answer(bundle: &Bundle) -> Result<Read<Answer>, Vec<Fault>> {
    let mut faults = Vec::new();
    if bundle.timestamp.is_none() {
        let detail = "a response says when it was made";
        faults.push(Fault::warning(Code::Missing, "Bundle.timestamp", detail));
    }
    let found = bundle.resources().find_map(|(i, r)| match r {
        Resource::ClaimResponse(found) => Some((i, found)),
        _ => None,
    });
    let Some((i, response)) = found else {
        let detail = "a response bundle holds a ClaimResponse";
        faults.push(Fault::error(Code::Missing, "Bundle.entry", detail));
        return Err(faults);
    };
    if i != 0 {
        let detail = "the ClaimResponse is the first entry";
        faults.push(Fault::warning(Code::Value, format!("Bundle.entry[{i}]"), detail));
    }
    let root = Path::root("Bundle");
    let entries = root.field("entry");
    let entry = entries.index(i);
    let at = entry.field("resource");
    match meant(bundle, response, &at, &mut faults) {
        Ok(what) => {
            contradictions(&what, &at, &mut faults);
            if fatal(&faults) { Err(faults) } else { Ok(Read { what, noticed: faults }) }
        }
        Err(fault) => {
            faults.push(fault);
            Err(faults)
        }
    }
}

fn meant(
    bundle: &Bundle,
    response: &ClaimResponse,
    at: &Path<'_>,
    faults: &mut Vec<Fault>,
) -> Result<Answer, Fault> {
    if response.purpose != "preauthorization" {
        let detail = "this answers no request for preauthorization";
        faults.push(Fault::error(Code::Value, at.field("use"), detail));
    }
    if response.status != "active" {
        let detail = "an answer that was taken back, or is not finished, decides nothing";
        faults.push(Fault::error(Code::Value, at.field("status"), detail));
    }
    let stage = match response.outcome.as_str() {
        "queued" => Stage::Queued,
        "complete" => Stage::Complete,
        "error" => Stage::Error,
        "partial" => Stage::Partial,
        _ => {
            let detail = "expected queued, complete, error or partial";
            return Err(Fault::error(Code::Value, at.field("outcome"), detail));
        }
    };
    let mut lines = Vec::new();
    let mut seen = BTreeSet::new();
    for (i, item) in response.item.iter().enumerate() {
        let list = at.field("item");
        let at = list.index(i);
        if !seen.insert(item.item_sequence) {
            let detail = "two decisions on one item of the request";
            faults.push(Fault::error(Code::Doubled, at.field("itemSequence"), detail));
        }
        lines.push(line(item, &at, faults)?);
    }
    for (i, added) in response.add_item.iter().enumerate() {
        let list = at.field("addItem");
        granted(added, &mut lines, &list.index(i), faults)?;
    }
    let mut refused = Vec::new();
    for (i, error) in response.error.iter().enumerate() {
        let list = at.field("error");
        refused.push(refusal(error, &list.index(i))?);
    }
    let reviewer = find(&response.extension, extension::REVIEWER);
    let human = reviewer
        .and_then(|(_, e)| find(&e.extension, "wasHumanReviewedFlag"))
        .and_then(|(_, e)| e.rest.get("valueBoolean")?.as_bool());
    Ok(Answer {
        exchange: bundle.identifier.as_ref().and_then(key),
        id: response.identifier.iter().find_map(key),
        request: request_of(bundle, response),
        timestamp: bundle.timestamp.clone().unwrap_or_default(),
        created: response.created.clone(),
        stage,
        disposition: response.disposition.clone(),
        number: response.pre_auth_ref.clone(),
        lines,
        refused,
        notes: response
            .process_note
            .iter()
            .zip(1..)
            .map(|(note, at)| (note.number.unwrap_or(at), note.text.clone()))
            .collect(),
        wanted: wanted(bundle)?,
        human_reviewed: human,
        preliminary: false,
    })
}

fn key(identifier: &crate::pas::base::Identifier) -> Option<Key> {
    Some(Key { system: identifier.system.clone(), value: identifier.value.clone()? })
}

fn request_of(bundle: &Bundle, response: &ClaimResponse) -> Option<Key> {
    let reference = response.request.as_ref()?;
    if let Some(found) = reference.identifier.as_ref().and_then(key) {
        return Some(found);
    }
    match bundle.follow(Some(reference)) {
        Some((_, Resource::Claim(claim))) => claim.identifier.iter().find_map(key),
        _ => None,
    }
}

fn line(item: &ResponseItem, at: &Path<'_>, faults: &mut Vec<Fault>) -> Result<Line, Fault> {
    let (valid_from, valid_to) = validity(&item.extension, at)?;
    Ok(Line {
        sequence: item.item_sequence,
        review: review(&item.adjudication, at, faults)?,
        pend_number: text(&item.extension, extension::PEND_NUMBER),
        previous_number: text(&item.extension, extension::AUTHORIZATION_NUMBER),
        valid_from,
        valid_to,
        issued: text(&item.extension, extension::PREAUTH_ISSUED),
        notes: item.note_number.clone(),
        granted: None,
    })
}

fn validity(list: &[Extension], at: &Path<'_>) -> Result<(Option<String>, Option<String>), Fault> {
    let Some((_, found)) = find(list, extension::PREAUTH_PERIOD) else { return Ok((None, None)) };
    let period: Period = found.value("valuePeriod", at)?.unwrap_or_default();
    Ok((period.start, period.end))
}

fn review(
    list: &[Adjudication],
    at: &Path<'_>,
    faults: &mut Vec<Fault>,
) -> Result<Option<Review>, Fault> {
    for (i, adjudication) in list.iter().enumerate() {
        let Some((_, found)) = find(&adjudication.extension, extension::REVIEW_ACTION) else {
            continue;
        };
        let all = at.field("adjudication");
        let at = all.index(i);
        let Some(code) = coded(&found.extension, extension::REVIEW_ACTION_CODE, &at)? else {
            let detail = "a review action has a code";
            return Err(Fault::error(Code::Missing, at.field("extension"), detail));
        };
        let action = ReviewAction::of(&code);
        if matches!(action, ReviewAction::Unknown(_)) {
            let detail = "a review action that is not known; it is kept, a person reads it";
            faults.push(Fault::warning(Code::Unmapped, at.field("extension"), detail));
        }
        let mut reasons = Vec::new();
        for reason in found.extension.iter().filter(|e| e.url == "reasonCode") {
            let concept: Option<Concept> = reason.value("valueCodeableConcept", &at)?;
            reasons.extend(concept.and_then(|c| c.any_code().map(str::to_owned)));
        }
        if reasons.iter().any(|code| crate::pas::code::reason(code).is_none()) {
            let detail = "a reason that is not known; it is kept";
            faults.push(Fault::warning(Code::Unmapped, at.field("extension"), detail));
        }
        let opinion = find(&found.extension, "secondSurgicalOpinionFlag");
        return Ok(Some(Review {
            action,
            number: text(&found.extension, "number"),
            reasons,
            second_opinion: opinion.and_then(|(_, e)| e.rest.get("valueBoolean")?.as_bool()),
        }));
    }
    Ok(None)
}

/// What was granted instead belongs to the line it names; where the answer has no such line it becomes one.
fn granted(
    added: &AddItem,
    lines: &mut Vec<Line>,
    at: &Path<'_>,
    faults: &mut Vec<Fault>,
) -> Result<(), Fault> {
    let own = review(&added.adjudication, at, faults)?;
    let product = added.product_or_service.coding.iter().find(|c| c.code.is_some());
    let period = added.serviced_period.clone().unwrap_or_default();
    let day = added.serviced_date.clone();
    let what = Granted {
        procedure: product.map_or_else(Key::default, |c| Key {
            system: c.system.clone(),
            value: c.code.clone().unwrap_or_default(),
        }),
        units: added.quantity.as_ref().and_then(|q| q.whole()),
        from: day.clone().or(period.start),
        to: day.or(period.end),
    };
    if added.item_sequence.is_empty() {
        let detail = "what was added says which item of the request it stands for";
        faults.push(Fault::error(Code::Missing, at.field("itemSequence"), detail));
    }
    for sequence in &added.item_sequence {
        if let Some(line) = lines.iter_mut().find(|l| l.sequence == *sequence) {
            line.granted = Some(what.clone());
            line.review = line.review.take().or_else(|| own.clone());
            continue;
        }
        let (valid_from, valid_to) = validity(&added.extension, at)?;
        lines.push(Line {
            sequence: *sequence,
            review: own.clone(),
            pend_number: text(&added.extension, extension::PEND_NUMBER),
            valid_from,
            valid_to,
            granted: Some(what.clone()),
            ..Line::default()
        });
    }
    Ok(())
}

fn refusal(error: &ResponseError, at: &Path<'_>) -> Result<Refused, Fault> {
    let code = error.code.code_of(system::REJECT_901).or(error.code.any_code());
    let wanted = "an error has a code";
    let code = code.ok_or_else(|| Fault::error(Code::Missing, at.field("code"), wanted))?;
    Ok(Refused {
        code: code.to_owned(),
        followup: coded(&error.extension, extension::ERROR_FOLLOWUP, at)?,
        element: text(&error.extension, extension::ERROR_ELEMENT),
        path: text(&error.extension, extension::ERROR_PATH),
        line: error.item_sequence,
    })
}

/// What is wanted, from communication requests and from tasks; the same thing said twice counts once.
fn wanted(bundle: &Bundle) -> Result<Vec<Wanted>, Fault> {
    let root = Path::root("Bundle");
    let entries = root.field("entry");
    let mut out: Vec<Wanted> = Vec::new();
    for (i, resource) in bundle.resources() {
        let entry = entries.index(i);
        let at = entry.field("resource");
        let found = match resource {
            Resource::CommunicationRequest(found) => found.wanted(&at)?,
            Resource::Task(found) => found.wanted(&at)?,
            _ => continue,
        };
        for one in found {
            if !out.iter().any(|known| known.thing == one.thing && known.line == one.line) {
                out.push(one);
            }
        }
    }
    Ok(out)
}

fn contradictions(answer: &Answer, at: &Path<'_>, faults: &mut Vec<Fault>) {
    for (i, line) in answer.lines.iter().enumerate() {
        let Some(review) = &line.review else { continue };
        let list = at.field("item");
        let place = list.index(i);
        if review.action.grants() && review.number.is_none() && answer.number.is_none() {
            let detail = "granted without a number";
            faults.push(Fault::warning(Code::Contradiction, place, detail));
        }
        let needs_reason = matches!(review.action, ReviewAction::Refused | ReviewAction::Pended);
        if needs_reason && review.reasons.is_empty() {
            let detail = "not granted, or not decided, without a reason";
            faults.push(Fault::warning(Code::Contradiction, place, detail));
        }
    }
    let decided = answer.lines.iter().any(|l| l.review.as_ref().is_some_and(|r| r.action.grants()));
    if answer.stage == Stage::Error && decided {
        let detail = "the processing failed, and an item is granted: a person reads it";
        faults.push(Fault::error(Code::Contradiction, at.field("outcome"), detail));
    }
}
