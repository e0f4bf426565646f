//! The one write: the summary page's form arrives, is put on record, judged, filed and answered. All ways in which that
//! can go wrong are carried out here.

use axum::{http::StatusCode, response::Response};
use base64::Engine as _;

use super::{
    desk::Desk,
    draft::{Draft, same_request},
    eastern, entry, picture,
    rules::{self, Edit},
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

/// A request is submitted.
pub(super) async fn submit(desk: Desk) -> Response {
    let draft = desk.draft();
    let received = desk.note(Entry::new("submit_received").fields(draft.fields()));
    let mode = WriteMode::of(&desk.call);
    match mode {
        WriteMode::CutBefore => return desk.call.cut(&desk.sim, Cut::Reset).await,
        WriteMode::ErrorBefore => return gateway_error(&desk),
        _ => {}
    }
    let edits = judge(&desk, &draft);
    if let Some(first) = edits.first() {
        if *first == Edit::ExactDuplicate {
            desk.note(Entry::new("duplicate").with("how", "error"));
        }
        let refused = Entry::new("submit_refused").with("code", first.code());
        desk.note(refused.with("received_seq", received));
        return entry::summary_page(&desk, &draft, &edits);
    }
    let previous = desk.sim.store.all().into_iter().rev().find(|case| case.recorded);
    let case = record(&desk, &draft, received, mode);
    if desk.call.fires("records-twice") {
        record(&desk, &draft, received, mode);
    }
    answer(&desk, &draft, &case, previous.as_ref(), mode).await
}

/// What is wrong with it: findings of its own, or that it is on file already.
fn judge(desk: &Desk, draft: &Draft) -> Vec<Edit> {
    let edits = rules::whole(draft, desk.sim.start_date());
    if !edits.is_empty() {
        return edits;
    }
    let filing = draft.filing();
    let cases = desk.sim.store.all();
    let on_file = cases.iter().any(|case| case.recorded && same_request(&case.filing, &filing));
    if on_file { vec![Edit::ExactDuplicate] } else { Vec::new() }
}

fn record(desk: &Desk, draft: &Draft, received_seq: u64, mode: WriteMode) -> Case {
    let sim = &desk.sim;
    let from = Filed {
        payer: sim.profile.slug,
        account: &desk.session.account.id,
        origin: &desk.session.account.origin,
        received_seq,
        now: sim.now(),
        imaging_delegated: rules::member(draft).is_some_and(|member| member.imaging_delegated),
    };
    let mut case = super::file(sim, &from, draft.filing(), desk.call.fires("number-format"));
    if !sim.keep_as(&mut case, mode) {
        return case;
    }
    let entry = committed(&case, mode.answered(), mode.name());
    desk.note(entry);
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
        WriteMode::ErrorAfter => gateway_error(desk),
        WriteMode::CutAfter => desk.call.cut(&desk.sim, Cut::Reset).await,
        WriteMode::CloseAfter => desk.call.cut(&desk.sim, Cut::Close).await,
        WriteMode::TimeoutAfter => html::page(StatusCode::REQUEST_TIMEOUT, String::new()),
        WriteMode::Never => desk.call.hang(&desk.sim).await,
        WriteMode::Late(_) => entry::summary_page(desk, draft, &[Edit::Unavailable]),
        WriteMode::ErrorShown => entry::summary_page(desk, draft, &[Edit::DateFormat]),
        WriteMode::Half => half(&desk.call, result(desk, case, case)).await,
        WriteMode::StaleNumber => result(desk, case, previous.unwrap_or(case)),
        WriteMode::Plain | WriteMode::CutBefore | WriteMode::ErrorBefore => {
            result(desk, case, case)
        }
    }
}

fn gateway_error(desk: &Desk) -> Response {
    html::page(
        StatusCode::BAD_GATEWAY,
        desk.look().bare(
            "502",
            "<h2>502 Bad Gateway</h2><p>The server could not complete the request.</p>",
        ),
    )
}

/// The result page of `case`, with the number of `shown`: a picture, so that it cannot be copied as text.
fn result(desk: &Desk, case: &Case, shown: &Case) -> Response {
    let number = shown.number("tracking").unwrap_or_default();
    desk.note(Entry::new("number_shown").with("number", number).with("how", "picture"));
    let png = base64::engine::general_purpose::STANDARD.encode(picture::png(number));
    let look = desk.look();
    let again = if desk.call.fires("double-answer") {
        let class = if look.redesigned() { "hs-found" } else { "edits" };
        format!("<div class=\"{class}\">{}</div>", esc(&Edit::Unavailable.line()))
    } else {
        String::new()
    };
    let words = look.says("PA Number");
    let drawn = if look.redesigned() {
        format!(
            "<h2>Outcome: RECEIVED</h2><figure><figcaption>{words}</figcaption>\
             <img class=\"hs-number\" alt=\"{words}\" src=\"data:image/png;base64,{png}\"></figure>{again}"
        )
    } else {
        format!(
            "<p>PA Number <img id=\"paNumber\" alt=\"PA Number\" align=\"middle\" src=\"data:image/png;base64,{png}\"> \
             &mdash; Status: <b>RECEIVED</b></p>{again}"
        )
    };
    let body = format!(
        "{}{drawn}<p><a href=\"{}\">{}</a> | <a href=\"{}\">{}</a></p>",
        look.facts(&[
            ("Request Type", case.filing.request_type.clone()),
            ("Member ID", case.filing.member_id.clone()),
            ("Received", eastern(case.received_at).strftime("%m/%d/%Y %I:%M %p ET").to_string()),
            ("Lines", case.lines.len().to_string()),
        ]),
        desk.href("coverSheet?last=1"),
        look.says("Print fax cover sheet"),
        desk.href("paEntry1"),
        look.says("Enter Another Request"),
    );
    desk.put("last", serde_json::Value::String(case.id.clone()));
    desk.page("Prior Authorization Request Result", &[], &body)
}
