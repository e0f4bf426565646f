//! Beginning a request, renewing an old one, discarding one that was never sent. Nothing here reaches the plan.

use axum::{Json, extract::Path, http::StatusCode, response::Response};
use serde::Deserialize;
use serde_json::json;

use super::{
    Status,
    desk::{Desk, answer, good, said, wrong},
    entry::same,
    plans::book,
    request::{self, Request, Subject},
};
use crate::{
    ledger::Entry,
    portal::{
        html::{central, read_date},
        world::{Member, world},
    },
};

/// The form of a new request.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Form {
    drug: String,
    bin: String,
    pcn: String,
    group: String,
    last_name: String,
    first_name: String,
    dob: String,
    sex: String,
    zip: String,
    npi: String,
    /// Although there is one for this patient and drug.
    #[serde(default)]
    anyway: bool,
}

impl Form {
    /// The patient all five facts fit: names, date of birth, sex and the plan's ZIP code.
    fn patient(&self) -> Option<&'static Member> {
        world().members.iter().find(|member| {
            let chart = book().chart(&member.member_id);
            member.payer == super::PROFILE.slug
                && same(&member.family, &self.last_name)
                && same(&member.given, &self.first_name)
                && read_date(&self.dob) == Some(member.dob)
                && chart.is_some_and(|chart| {
                    same(&chart.sex, &self.sex) && chart.plan_zip == self.zip.trim()
                })
        })
    }
}

/// `POST /api/requests`
pub(super) async fn start(desk: Desk, Json(form): Json<Form>) -> Response {
    if let Err(refused) = desk.account_needed() {
        return refused;
    }
    let Some(drug) = book().drug(&form.drug) else { return wrong("Select a drug from the list.") };
    let Some(plan) = book().plan(&form.bin, &form.pcn, &form.group) else {
        return wrong("No plan has these three identifiers.");
    };
    let Some(member) = form.patient() else { return wrong("Could not find a matching patient.") };
    if !member.covered(desk.sim.today(), desk.sim.start_date()) || desk.call.fires("not-active") {
        return wrong("The patient's coverage is not active.");
    }
    if world().provider(&form.npi).is_none() {
        return wrong("Select a prescriber from the list.");
    }
    if !form.anyway
        && let Some(refused) = exists(&desk, &member.member_id, &drug.code)
    {
        return refused;
    }
    let key = super::new_key(&desk.sim, desk.call.fires("number-format"));
    let subject = Subject {
        drug: drug.code.clone(),
        plan: plan.code.clone(),
        member_id: member.member_id.clone(),
        npi: form.npi.clone(),
    };
    let (now, delay) = (desk.sim.now(), request::delay(&desk.sim));
    let mut request = Request::begun(key, &desk.session.account.id, subject, now, delay);
    request.unheard_of = desk.call.fires("new-question");
    begin(&desk, &request)
}

fn begin(desk: &Desk, request: &Request) -> Response {
    request::save(&desk.sim, request);
    desk.note(Entry::new("draft").with("what", "saved").with("case", request.key.as_str()));
    desk.note(Entry::new("number_shown").with("number", request.key.as_str()).with("how", "text"));
    answer(StatusCode::CREATED, &json!({"key": request.key}))
}

/// The pop-up: there is a request for this patient and drug.
fn exists(desk: &Desk, member_id: &str, drug: &str) -> Option<Response> {
    let found = request::all(&desk.sim)
        .into_iter()
        .find(|request| request.member_id == member_id && request.drug == drug)?;
    let case = request::case_of(&desk.sim, &found.key);
    desk.note(Entry::new("duplicate").with("how", "pop-up").with("case", found.key.as_str()));
    let whose = if found.by == desk.session.account.id { "by you" } else { "by somebody else" };
    let state = match &case {
        Some(case) => format!("Sent to the plan {}.", central(case.received_at)),
        None => format!("Started {whose} {}, not sent.", central(found.made_at)),
    };
    let body = json!({
        "exists": found.key,
        "message": format!("A request exists: {}.", found.key),
        "state": state,
    });
    Some(answer(StatusCode::CONFLICT, &body))
}

/// `POST /api/requests/{key}/renew`: a new key, everything else as it was.
pub(super) async fn renew(desk: Desk, Path(key): Path<String>) -> Response {
    if let Err(refused) = desk.account_needed() {
        return refused;
    }
    let old = match desk.request(&key) {
        Ok(old) => old,
        Err(refused) => return refused,
    };
    let case = request::case_of(&desk.sim, &key);
    let Some(case) = case.filter(|case| Status::of(case) != Status::Submitted) else {
        return wrong("Only a decided request can be renewed.");
    };
    let subject = Subject {
        drug: old.drug.clone(),
        plan: old.plan.clone(),
        member_id: old.member_id.clone(),
        npi: old.npi.clone(),
    };
    let (now, delay) = (desk.sim.now(), request::delay(&desk.sim));
    let new_key = super::new_key(&desk.sim, desk.call.fires("number-format"));
    let mut request = Request::begun(new_key, &desk.session.account.id, subject, now, delay);
    request.answers = old.answers;
    request.renewed_from = Some(case.id);
    request.unheard_of = desk.call.fires("new-question");
    begin(&desk, &request)
}

/// `DELETE /api/requests/{key}`
pub(super) async fn discard(desk: Desk, Path(key): Path<String>) -> Response {
    if let Err(refused) = desk.request(&key) {
        return refused;
    }
    if desk.sim.store.get(&key).is_some() {
        return said(StatusCode::CONFLICT, "This request was sent and cannot be discarded.");
    }
    request::change(&desk.sim, &key, |request| request.discarded = true);
    desk.note(Entry::new("draft").with("what", "discarded").with("case", key.as_str()));
    good(&json!({}))
}
