//! The services: a grid edited in place. A cell counts when it is left, not while it is typed; who goes on from inside a
//! cell may leave it behind.

use axum::{Form, http::StatusCode, response::Response};
use serde_json::json;

use super::{
    desk::{Desk, Fields, value},
    draft::{self, CELLS, Row},
    look::{self, Look},
};
use crate::portal::html::{self, esc};

fn header(cell: &str) -> &'static str {
    match cell {
        "code" => "Service Code",
        "units" => "Units",
        "from" => "From",
        _ => "To",
    }
}

/// A cell: what it holds, or a field while it is edited. Only the first two fields have a name for screen readers.
fn cell(look: Look, row: &Row, name: &str, editing: bool) -> String {
    let mut row_copy = row.clone();
    let held = row_copy.cell(name).cloned().unwrap_or_default();
    if !editing {
        let shown = match html::read_date(&held) {
            Some(day) if name == "from" || name == "to" => html::us_date(day),
            _ => held,
        };
        return format!("<td data-cell=\"{name}\" class=\"kept\">{}</td>", esc(&shown));
    }
    let kind = if look.v2 && (name == "from" || name == "to") { "date" } else { "text" };
    let held = match (kind, html::read_date(&held)) {
        ("date", Some(day)) => day.to_string(),
        _ => held,
    };
    let said = match name {
        "code" | "units" => format!(" aria-label=\"{}\"", header(name)),
        _ => String::new(),
    };
    format!(
        "<td data-cell=\"{name}\" class=\"open\"><input type=\"{kind}\" value=\"{}\" autocomplete=\"off\"{said}></td>",
        esc(&held)
    )
}

fn row(look: Look, row: &Row, editing: bool) -> String {
    let order: Vec<&str> =
        if look.v2 { vec!["from", "to", "code", "units"] } else { CELLS.to_vec() };
    let cells: String = order.iter().map(|name| cell(look, row, name, editing)).collect();
    format!(
        "<tr data-row=\"{}\">{cells}<td><button type=\"button\" class=\"btn small\" data-remove=\"{}\">{}</button></td></tr>",
        row.id,
        row.id,
        look.say("Remove", "Drop")
    )
}

/// The grid.
pub(super) async fn page(desk: Desk) -> Response {
    desk.saw("services");
    let (draft, look) = (desk.draft(), desk.look);
    let order: Vec<&str> =
        if look.v2 { vec!["from", "to", "code", "units"] } else { CELLS.to_vec() };
    let heads: String = order.iter().map(|name| format!("<th>{}</th>", header(name))).collect();
    let rows: String = draft.rows.iter().map(|one| row(look, one, false)).collect();
    let next = if look.v2 { "/submit" } else { "/documents" };
    let body = format!(
        "<p class=\"hint\">Click a cell to change it. A cell is saved when you leave it.</p>\
         <table class=\"list grid\" id=\"{}\"><caption>{}</caption><thead><tr>{heads}<th></th></tr></thead>\
         <tbody>{rows}</tbody></table><p class=\"alert\" id=\"{}\" hidden></p>\
         <p><button type=\"button\" class=\"btn\" data-add=\"1\">{}</button></p>{}{}",
        look.id("services"),
        look.say("Services", "Care requested"),
        look.id("cellMessage"),
        look.say("Add Service", "Add a line"),
        look.onward(look.say("Continue", "Next: review"), next),
        look::overlays(&desk)
    );
    desk.shown(look.um(&desk, look.say("Services", "What is needed?"), &body))
}

/// A new, open row.
pub(super) async fn add(desk: Desk) -> Response {
    let mut draft = desk.draft();
    if draft.rows.len() >= 10 {
        return html::answer(StatusCode::CONFLICT, "text/plain", "No more than 10 services.");
    }
    let id = draft.rows.iter().map(|row| row.id).max().unwrap_or(0) + 1;
    let fresh = Row { id, ..Row::default() };
    draft.rows.push(fresh.clone());
    desk.keep(&draft);
    desk.shown(row(desk.look, &fresh, true))
}

/// A cell was left: it is judged and kept.
pub(super) async fn leave(desk: Desk, Form(fields): Form<Fields>) -> Response {
    let (id, name) = (value(&fields, "row"), value(&fields, "cell"));
    let typed = value(&fields, "value");
    let mut draft = desk.draft();
    let found = draft.rows.iter_mut().find(|row| row.id.to_string() == id);
    let Some(found) = found else {
        return html::answer(StatusCode::NOT_FOUND, "text/plain", "no such row");
    };
    let message = draft::judge_cell(&name, &typed).or_else(|| {
        (name == "code" && desk.call.fires("retired-code")).then_some("Service code not found.")
    });
    let day = html::read_date(&typed).filter(|_| name == "from" || name == "to");
    let shown = match (name.as_str(), day) {
        (_, Some(day)) => html::us_date(day),
        ("code", None) => typed.to_uppercase(),
        _ => typed,
    };
    if let Some(held) = found.cell(&name) {
        *held = if message.is_none() { shown.clone() } else { String::new() };
    }
    desk.keep(&draft);
    let answer = json!({"shown": shown, "message": message});
    html::answer(StatusCode::OK, "application/json", answer.to_string())
}

/// A row is taken out.
pub(super) async fn remove(desk: Desk, Form(fields): Form<Fields>) -> Response {
    let mut draft = desk.draft();
    draft.rows.retain(|row| row.id.to_string() != value(&fields, "row"));
    desk.keep(&draft);
    html::answer(StatusCode::OK, "application/json", "{}")
}
