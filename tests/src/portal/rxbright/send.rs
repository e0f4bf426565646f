//! The two writes: "Send to plan", for a new request or the answer to a second round, and "Save" on a request that was
//! sent. Each is put on record, judged, filed and answered; all ways in which that can go wrong are carried out here.

use axum::{Json, extract::Path, http::StatusCode, response::Response};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    AFTER_ROUNDS, Status,
    desk::{Desk, good, said, wrong},
    granted,
    questions::{self, Answers},
    refused as denial,
    request::{self, Request},
};
use crate::{
    ledger::Entry,
    portal::{
        call::{WriteMode, half},
        decide::LineStatus,
        html,
        sim::committed,
        store::{Case, Document, Filed},
        tls::Cut,
        world::world,
    },
};

const BUSY: &str = "The plan is busy. Try again later.";

/// `POST /api/requests/{key}/send`
pub(super) async fn send(desk: Desk, Path(key): Path<String>) -> Response {
    let request = match desk.request(&key) {
        Ok(request) => request,
        Err(refused) => return refused,
    };
    desk.sim.page_delay(900).await;
    let filed = desk.sim.store.get(&key);
    let what = if filed.is_some() { "answer" } else { "submit" };
    let received = desk.note(Entry::new(&format!("{what}_received")).fields(request.fields()));
    let mode = WriteMode::of(&desk.call);
    if let Some(answer) = before(&desk, mode).await {
        return answer;
    }
    if let Err((code, words)) = judge(&desk, &request, filed.as_ref()) {
        let refused = Entry::new(&format!("{what}_refused")).with("code", code);
        desk.note(refused.with("received_seq", received));
        return wrong(words);
    }
    let previous = desk.sim.store.all().into_iter().rev().find(|case| case.recorded);
    let case = match filed {
        Some(case) => answer_round(&desk, &request, case, received, mode),
        None => record(&desk, &request, received, mode),
    };
    let shown = match (mode, &previous) {
        (WriteMode::StaleNumber, Some(previous)) => previous.id.clone(),
        _ => case.id.clone(),
    };
    let status = Status::of(&case).words();
    let toast = desk.call.fires("double-answer").then_some("The request could not be saved.");
    let body = json!({"key": shown, "status": status, "message": "Your request was sent to the plan.", "toast": toast});
    after(&desk, mode, &body).await
}

async fn before(desk: &Desk, mode: WriteMode) -> Option<Response> {
    match mode {
        WriteMode::CutBefore => Some(desk.call.cut(&desk.sim, Cut::Reset).await),
        WriteMode::ErrorBefore => Some(gateway_error()),
        _ => None,
    }
}

async fn after(desk: &Desk, mode: WriteMode, body: &Value) -> Response {
    match mode {
        WriteMode::ErrorAfter => gateway_error(),
        WriteMode::CutAfter => desk.call.cut(&desk.sim, Cut::Reset).await,
        WriteMode::CloseAfter => desk.call.cut(&desk.sim, Cut::Close).await,
        WriteMode::TimeoutAfter => html::page(StatusCode::REQUEST_TIMEOUT, String::new()),
        WriteMode::Never => desk.call.hang(&desk.sim).await,
        WriteMode::Late(_) => said(StatusCode::SERVICE_UNAVAILABLE, BUSY),
        WriteMode::ErrorShown => wrong("The quantity requested is not valid."),
        WriteMode::Half => half(&desk.call, good(body)).await,
        WriteMode::Plain
        | WriteMode::StaleNumber
        | WriteMode::CutBefore
        | WriteMode::ErrorBefore => good(body),
    }
}

fn gateway_error() -> Response {
    let page = "<!doctype html><html lang=\"en\"><head><title>502</title></head><body><h1>502 Bad Gateway</h1>\
                <p>The server could not complete the request.</p></body></html>";
    html::page(StatusCode::BAD_GATEWAY, page.to_owned())
}

/// What is wrong with it.
fn judge(
    desk: &Desk,
    request: &Request,
    filed: Option<&Case>,
) -> Result<(), (&'static str, &'static str)> {
    if let Some(case) = filed {
        if !case.recorded || Status::of(case) != Status::FollowUp {
            return Err(("already_sent", "This request was sent to the plan."));
        }
        if !case.wanted.is_empty() && request.files.len() <= request.files_before {
            return Err(("documents", "Attach what the plan asked for."));
        }
    }
    let (left, waiting) = request.left();
    if filed.is_none() && waiting {
        return Err(("waiting", "The plan has more questions."));
    }
    if left > 0 {
        return Err(("open", "Answer every question."));
    }
    let filing = request.filing();
    let line = filing.lines.first();
    if line.is_none_or(|line| line.to < line.from) {
        return Err(("dates", "The end date is before the start date."));
    }
    if desk.sim.knobs.text("esign") == "required" && request.signed.is_none() {
        return Err(("signature", "The request must be signed first."));
    }
    Ok(())
}

fn record(desk: &Desk, request: &Request, received_seq: u64, mode: WriteMode) -> Case {
    let sim = &desk.sim;
    let member = world().member_by_id(sim.profile.slug, &request.member_id);
    let from = Filed {
        payer: sim.profile.slug,
        account: &desk.session.account.id,
        origin: &desk.session.account.origin,
        received_seq,
        now: sim.now(),
        imaging_delegated: member.is_some_and(|member| member.imaging_delegated),
    };
    let mut case = super::file(sim, &from, request.filing(), request.key.clone());
    if !sim.keep_as(&mut case, mode) {
        return case;
    }
    request::change(sim, &case.id, |request| request.changed_at = sim.now());
    desk.note(committed(&case, mode.answered(), mode.name()));
    if desk.call.fires("records-twice") {
        let again = (sim.profile.draw_up)(sim, &from, request.filing());
        sim.keep(&again);
        desk.note(committed(&again, mode.answered(), "records-twice"));
    }
    case
}

/// The second round is answered: the plan decides.
fn answer_round(
    desk: &Desk,
    request: &Request,
    mut case: Case,
    received: u64,
    mode: WriteMode,
) -> Case {
    let now = desk.sim.now();
    if case.wanted.is_empty() {
        decide(&mut case, request.answer("trial") == "true", now);
    } else {
        let files = request.files.iter().skip(request.files_before);
        let new: Vec<Document> = case
            .wanted
            .iter()
            .zip(files.cycle())
            .map(|(kind, file)| Document {
                kind: kind.clone(),
                name: file.name.clone(),
                size_bytes: file.size_bytes,
                sha256: file.sha256.clone(),
            })
            .collect();
        for document in new {
            case.take_document(document, now);
        }
    }
    case.changed_at = now;
    super::settle(&desk.sim, &mut case);
    desk.sim.keep(&case);
    desk.note(effect("answer_committed", &case, received, mode));
    case
}

fn decide(case: &mut Case, shown: bool, now: Timestamp) {
    let part = if case.filing.expedited { 4 } else { 1 };
    let change = if shown { granted() } else { denial("S01", "Step therapy was not shown.") };
    for line in case.lines.iter_mut().filter(|line| line.status == LineStatus::InfoRequested) {
        line.status = LineStatus::Pended;
        line.text = None;
        line.course = vec![(now + AFTER_ROUNDS / part, change.clone())];
    }
    case.history.push((now, "Answers received".to_owned()));
}

fn effect(kind: &str, case: &Case, received: u64, mode: WriteMode) -> Entry {
    let entry = Entry::new(kind)
        .with("effect", true)
        .with("received_seq", received)
        .with("case", case.id.as_str())
        .with("answered", mode.answered());
    if mode.name().is_empty() { entry } else { entry.with("mode", mode.name()) }
}

/// Answers as changed.
#[derive(Deserialize)]
pub(super) struct Changed {
    answers: Answers,
}

/// `POST /api/requests/{key}/changes`: what the button "Save" on a sent request does.
pub(super) async fn change(
    desk: Desk,
    Path(key): Path<String>,
    Json(changed): Json<Changed>,
) -> Response {
    let mut request = match desk.request(&key) {
        Ok(request) => request,
        Err(refused) => return refused,
    };
    desk.sim.page_delay(700).await;
    request.answers.extend(changed.answers);
    let received = desk.note(Entry::new("edit_received").fields(request.fields()));
    let mode = WriteMode::of(&desk.call);
    if let Some(answer) = before(&desk, mode).await {
        return answer;
    }
    let refuse = |code: &str, words: &str| {
        desk.note(Entry::new("edit_refused").with("code", code).with("received_seq", received));
        wrong(words)
    };
    let case = request::case_of(&desk.sim, &key);
    let Some(mut case) = case.filter(|case| Status::of(case) == Status::Submitted) else {
        return refuse("not_submitted", "This request can no longer be changed.");
    };
    if questions::open(1, request.about()) + questions::open(2, request.about()) > 0 {
        return refuse("open", "Answer every question.");
    }
    let filing = request.filing();
    for (line, filed) in case.lines.iter_mut().zip(&filing.lines) {
        (line.units, line.from, line.to) = (filed.units, filed.from, filed.to);
    }
    case.filing = filing;
    case.changed_at = desk.sim.now();
    case.history.push((desk.sim.now(), "Changed by the prescriber".to_owned()));
    desk.sim.keep(&case);
    request::change(&desk.sim, &key, |kept| {
        kept.answers = request.answers;
        kept.changed_at = desk.sim.now();
    });
    desk.note(effect("edit_committed", &case, received, mode));
    after(&desk, mode, &json!({"key": key, "message": "Your changes were sent."})).await
}
