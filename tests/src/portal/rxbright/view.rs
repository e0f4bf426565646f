//! A request as its page and the lists show it, in JSON.

use serde_json::{Value, json};

use super::{
    Status,
    desk::Desk,
    plans::book,
    questions,
    request::{self, Request},
};
use crate::portal::{
    decide::LineStatus,
    html::{central, us_date},
    store::Case,
    world::world,
};

/// The drug of a request, as people read it.
pub(super) fn drug(code: &str) -> String {
    match book().drug(code) {
        Some(drug) => format!("{} {} ({})", drug.code, drug.name, drug.form),
        None => code.to_owned(),
    }
}

fn patient(member_id: &str) -> (String, String) {
    let member = world().member_by_id(super::PROFILE.slug, member_id);
    member.map_or_else(Default::default, |one| (one.name(), us_date(one.dob)))
}

/// A row of a list.
pub(super) fn row(request: &Request, case: Option<&Case>) -> Value {
    let (name, dob) = patient(&request.member_id);
    json!({
        "key": request.key,
        "patient": name,
        "memberId": request.member_id,
        "dob": dob,
        "drug": request.drug,
        "start": request.answer("start"),
        "prescriber": request.npi,
        "sent": case.map(|case| central(case.received_at)),
        "status": request::status(request, case).words(),
        "changed": central(request.changed_at),
    })
}

/// The page of a request.
pub(super) fn whole(desk: &Desk, request: &Request, case: Option<&Case>) -> Value {
    let (name, dob) = patient(&request.member_id);
    let plan = book().plan_of(&request.plan);
    let prescriber = world().provider(&request.npi).map(|one| one.name.as_str());
    let status = request::status(request, case);
    let (left, waiting) = request.left();
    let draft = case.is_none();
    json!({
        "key": request.key,
        "status": status.words(),
        "drug": drug(&request.drug),
        "plan": plan.map(|plan| format!("{} (BIN {}, PCN {}, Group {})", plan.name, plan.bin, plan.pcn, plan.group)),
        "patient": name,
        "memberId": request.member_id,
        "dob": dob,
        "prescriber": format!("{} (NPI {})", prescriber.unwrap_or("Unknown"), request.npi),
        "begun": central(request.made_at),
        "sent": case.map(|case| central(case.received_at)),
        "renewedFrom": request.renewed_from,
        "answers": request.answers,
        "answered": answered(request),
        "left": left,
        "waiting": draft && waiting,
        "seq": request.messages.last().map_or(0, |message| message.seq),
        "files": request.files.iter().map(|file| json!({"name": file.name, "pages": file.pages})).collect::<Vec<_>>(),
        "pages": request.pages(),
        "signed": request.signed.as_ref().map(|one| json!({"name": one.name, "at": central(one.at)})),
        "esign": desk.sim.knobs.text("esign") == "required",
        "open": draft || status == Status::FollowUp,
        "editable": status == Status::Submitted,
        "renewable": case.is_some() && status != Status::Submitted && desk.only().is_none(),
        "discardable": draft,
        "wanted": case.map(|case| case.wanted.clone()).unwrap_or_default(),
        "decision": case.map(|case| decision(case, status)),
    })
}

/// Questions with their answers, for reading.
fn answered(request: &Request) -> Vec<Value> {
    let sets: &[u8] = if request.asked >= 3 { &[1, 2, 3] } else { &[1, 2] };
    let questions = sets.iter().flat_map(|set| questions::set(*set, request.about()));
    questions
        .filter(|question| !request.answer(question.id).is_empty())
        .map(|question| {
            let answer = request.answer(question.id);
            let shown = match (question.kind, answer) {
                ("statement", "true") => "Yes",
                ("statement", _) => "No",
                (_, other) => other,
            };
            json!([question.label, shown])
        })
        .collect()
}

/// What the plan said. The authorization is shown nowhere else for long.
fn decision(case: &Case, status: Status) -> Value {
    let line = case.lines.first();
    let text = line.and_then(|line| line.text.clone());
    let reduced = line.filter(|line| line.status == LineStatus::Modified);
    let note = match status {
        Status::FollowUp => Some("The plan needs more information.".to_owned()),
        Status::Cancelled => Some("This request was cancelled by the plan.".to_owned()),
        Status::NotApplicable
            if line.is_some_and(|line| line.status == LineStatus::ContactPayer) =>
        {
            Some("Call the plan about this request.".to_owned())
        }
        Status::NotApplicable => Some("Prior authorization is not required.".to_owned()),
        _ => None,
    };
    let granted = status == Status::Approved;
    json!({
        "note": note,
        "authorization": case.number("authorization").filter(|_| granted),
        "from": case.valid_from.filter(|_| granted).map(us_date),
        "to": case.valid_to.filter(|_| granted).map(us_date),
        "quantity": reduced.map(|line| format!("{} of {}", line.granted.unwrap_or(0), line.units)),
        "reason": text.filter(|_| matches!(status, Status::Denied | Status::Approved)),
    })
}
