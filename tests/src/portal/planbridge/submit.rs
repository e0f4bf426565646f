//! The one write: the last page's form arrives, is put on record, judged, filed and answered. All ways in which that can
//! go wrong are carried out here.

use axum::{Form, http::StatusCode, response::Response};
use serde_json::json;

use super::{
    central,
    desk::{self, Desk, Fields, value},
    draft::{Draft, same_request},
    look::Look,
    review, words,
};
use crate::{
    ledger::Entry,
    portal::{
        call::{WriteMode, half},
        html::{self, esc},
        sim::committed,
        store::{Case, Filed},
        tls::Cut,
    },
};

/// An episode is submitted.
pub(super) async fn submit(desk: Desk, Form(fields): Form<Fields>) -> Response {
    let mut draft = desk.draft();
    draft.office_note = value(&fields, "officeNote");
    if draft.place.is_some() {
        draft.place = Some(value(&fields, "place"));
    }
    let received = desk.note(Entry::new("submit_received").fields(draft.fields()));
    let mode = WriteMode::of(&desk.call);
    match mode {
        WriteMode::CutBefore => return desk.call.cut(&desk.sim, Cut::Reset).await,
        WriteMode::ErrorBefore => return gateway_error(desk.look),
        _ => {}
    }
    let inactive = !covered(&desk, &draft) || desk.call.fires("not-active");
    let wrong = draft.missing().or_else(|| {
        inactive.then_some(("not_active", "Member is not active on the service date."))
    });
    if let Some((code, message)) = wrong {
        desk.keep(&draft);
        desk.note(Entry::new("submit_refused").with("code", code).with("received_seq", received));
        return review::review(&desk, &draft, message, "");
    }
    let previous = desk.sim.store.all().into_iter().rev().find(|case| case.recorded);
    let case = record(&desk, &draft, received, mode);
    if desk.call.fires("records-twice") {
        record(&desk, &draft, received, mode);
    }
    answer(&desk, &draft, &case, previous.as_ref(), mode).await
}

fn covered(desk: &Desk, draft: &Draft) -> bool {
    let start = desk.sim.start_date();
    desk::member(&draft.member_id).is_none_or(|member| {
        draft
            .filing()
            .lines
            .iter()
            .all(|line| member.covered(line.from, start) && member.covered(line.to, start))
    })
}

fn record(desk: &Desk, draft: &Draft, received_seq: u64, mode: WriteMode) -> Case {
    let sim = &desk.sim;
    let filing = draft.filing();
    let cases = sim.store.all();
    if cases.iter().any(|case| case.recorded && same_request(&case.filing, &filing)) {
        desk.note(Entry::new("duplicate").with("how", "pends"));
    }
    let from = Filed {
        payer: sim.profile.slug,
        account: &desk.session.account.id,
        origin: &desk.session.account.origin,
        received_seq,
        now: sim.now(),
        imaging_delegated: false,
    };
    let mut case = super::file(sim, &from, filing, desk.call.fires("number-format"));
    if !sim.keep_as(&mut case, mode) {
        return case;
    }
    desk.note(committed(&case, mode.answered(), mode.name()));
    case
}

async fn answer(
    desk: &Desk,
    draft: &Draft,
    case: &Case,
    previous: Option<&Case>,
    mode: WriteMode,
) -> Response {
    match mode {
        WriteMode::ErrorAfter => gateway_error(desk.look),
        WriteMode::CutAfter => desk.call.cut(&desk.sim, Cut::Reset).await,
        WriteMode::CloseAfter => desk.call.cut(&desk.sim, Cut::Close).await,
        WriteMode::TimeoutAfter => html::page(StatusCode::REQUEST_TIMEOUT, String::new()),
        WriteMode::Never => desk.call.hang(&desk.sim).await,
        WriteMode::Late(_) => {
            review::review(desk, draft, "The plan cannot be reached. Try again later.", "")
        }
        WriteMode::ErrorShown => {
            review::review(desk, draft, "Complete code, units and dates of every service.", "")
        }
        WriteMode::Half => half(&desk.call, result(desk, case, case)).await,
        WriteMode::StaleNumber => result(desk, case, previous.unwrap_or(case)),
        WriteMode::Plain | WriteMode::CutBefore | WriteMode::ErrorBefore => {
            if desk.call.fires("reload-reposts") || desk.call.fires("double-answer") {
                return result(desk, case, case);
            }
            desk.put("result", json!(case.id));
            desk.put("draft", serde_json::Value::Null);
            html::redirect(StatusCode::SEE_OTHER, "/result")
        }
    }
}

fn gateway_error(look: Look) -> Response {
    html::page(StatusCode::BAD_GATEWAY, look.bare("502", "<p>The gateway did not answer.</p>"))
}

/// The result of the episode sent last.
pub(super) async fn result_page(desk: Desk) -> Response {
    let id = desk.kept("result");
    match id.as_str().and_then(|id| desk.sim.store.find(id)) {
        Some(case) => result(&desk, &case, &case),
        None => html::redirect(StatusCode::SEE_OTHER, "/member"),
    }
}

/// The result of `case`, with the numbers of `shown`.
fn result(desk: &Desk, case: &Case, shown: &Case) -> Response {
    let look = desk.look;
    let reference = shown.id.clone();
    let transaction = shown.number("transaction").unwrap_or_default().to_owned();
    desk.note(Entry::new("number_shown").with("number", reference.as_str()).with("how", "text"));
    let duplicate = case.lines.iter().find_map(|line| {
        line.text.as_deref().filter(|text| text.starts_with("Possible duplicate of"))
    });
    let note = duplicate
        .map(|text| format!("<p class=\"hint dup\">{}</p>", esc(text)))
        .unwrap_or_default();
    let clash = if desk.call.fires("double-answer") {
        look.alert("The plan cannot be reached. Try again later.")
    } else {
        String::new()
    };
    let body = format!(
        "{}{note}{clash}<p><a href=\"/member\">{}</a></p>",
        look.facts(&[
            (look.say("Transaction", "Confirmation ID"), transaction),
            (look.say("Reference", "Case number"), reference),
            ("Status", words::status(case).to_owned()),
            (
                look.say("Received", "Sent"),
                central(case.received_at).strftime("%m/%d/%Y %I:%M %p CT").to_string()
            ),
            ("Member ID", case.filing.member_id.clone()),
            ("Services", case.lines.len().to_string()),
        ]),
        look.say("Enter another episode", "Begin another request")
    );
    desk.shown(look.um(desk, look.say("Episode Result", "Thank you"), &body))
}
