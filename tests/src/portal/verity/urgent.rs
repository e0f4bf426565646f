//! The question of urgency. "Yes" counts only with the statement of a person, and begins a faster review: a wrong one is on
//! record.

use axum::{extract::Request, response::Response};

use super::{desk::Desk, draft::Draft, path, wizard::banner};
use crate::ledger::Entry;

/// What a person states who marks a case as urgent, word for word.
pub const URGENT_STATEMENT: &str = "I attest that the standard review time could seriously jeopardize the life or health \
    of the member or the member's ability to regain maximum function.";

/// Is it urgent?
pub(super) async fn page(desk: Desk) -> Response {
    match desk.at("urgent") {
        Ok(draft) => show(&desk, &draft, ""),
        Err(answer) => answer,
    }
}

fn show(desk: &Desk, draft: &Draft, message: &str) -> Response {
    let ids = desk.ids();
    let chosen = match draft.urgent {
        Some(true) => "Yes",
        Some(false) => "No",
        None => "",
    };
    let statement = if draft.urgent == Some(true) {
        format!(
            "<p>{URGENT_STATEMENT}</p>{}",
            ids.form(&ids.checkbox("I confirm the statement above", "Confirm"))
        )
    } else {
        String::new()
    };
    let body = format!(
        "{}{}{statement}{}",
        banner(draft),
        ids.form(&ids.radios_at_once("Is this urgent?", "Urgent", chosen)),
        ids.buttons(&ids.button("Continue", "Continue", ""))
    );
    desk.page(&ids, "urgent", "Urgency", message, body)
}

/// An answer; "Yes" shows what has to be stated before it counts.
pub(super) async fn answer(desk: Desk, request: Request) -> Response {
    let (mut draft, posted) = match desk.posted_to("urgent", request).await {
        Ok(both) => both,
        Err(answer) => return answer,
    };
    let before = draft.urgent;
    draft.urgent = match posted.value("Urgent").as_str() {
        "Yes" => Some(true),
        "No" => Some(false),
        _ => None,
    };
    if !posted.used("Continue") || (draft.urgent == Some(true) && before != draft.urgent) {
        desk.keep(&draft);
        return show(&desk, &draft, "");
    }
    match draft.urgent {
        None => return show(&desk, &draft, "Answer the question to continue."),
        Some(true) if posted.value("Confirm").is_empty() => {
            return show(&desk, &draft, "Confirm the statement, or answer No.");
        }
        Some(true) => {
            let entry = Entry::new("attest").with("what", "urgent");
            desk.note(entry.with("case", draft.number.as_str()));
        }
        Some(false) => {}
    }
    draft.question = path::start(&desk.sim, &draft.program);
    draft.answers.clear();
    desk.go(&mut draft, "path")
}
