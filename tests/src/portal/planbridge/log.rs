//! The authorization log: a picture of the office's requests taken every few hours. What came since is not in it, and a
//! status in it is as old as it says. Hovering a row brings a button that asks for that row's present status.

use std::collections::BTreeMap;

use axum::{
    Form,
    extract::{Path, Query},
    http::StatusCode,
    response::Response,
};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::{
    central,
    desk::{self, Desk, Fields, value},
    look, words,
};
use crate::{
    ledger::Entry,
    portal::{
        html::{self, esc},
        sim::Sim,
        store::Case,
    },
};

/// A status as it was at a moment.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Cached {
    words: String,
    at: Timestamp,
}

/// The picture the log shows.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Board {
    taken: Option<Timestamp>,
    rows: BTreeMap<String, Cached>,
}

/// The present picture; taken anew when the last one is too old.
fn board(sim: &Sim) -> Board {
    let kept = sim.kept.get("log").and_then(|value| serde_json::from_value(value).ok());
    let board: Board = kept.unwrap_or_default();
    let age = SignedDuration::from_hours(sim.knobs.number("cached_status_h"));
    let now = sim.now();
    if board.taken.is_some_and(|taken| now.duration_since(taken) < age) {
        return board;
    }
    let cases = sim.store.all();
    let rows = cases
        .iter()
        .filter(|case| case.recorded)
        .map(|case| (case.id.clone(), Cached { words: words::status(case).to_owned(), at: now }))
        .collect();
    let board = Board { taken: Some(now), rows };
    keep(sim, &board);
    board
}

fn keep(sim: &Sim, board: &Board) {
    sim.kept.put("log", serde_json::to_value(board).unwrap_or_default());
}

fn clock(at: Timestamp) -> String {
    central(at).strftime("%m/%d/%Y %I:%M %p").to_string()
}

fn down(desk: &Desk) -> bool {
    desk.sim.knobs.flag("status_down") || desk.call.fires("status-down")
}

/// The page around the rows; they come by themselves.
pub(super) async fn page(desk: Desk) -> Response {
    desk.saw("log");
    let look = desk.look;
    let (list, member) = (
        look.id("rows"),
        look.input(look.say("Member ID", "Subscriber"), "member", "text", "", true),
    );
    let how =
        look.say("Hover over a row to refresh its status.", "Update a card for the present one.");
    let body = format!(
        "<p class=\"hint\">Statuses are as of the time shown. {how}</p>\
         <form class=\"filter\" data-into=\"{list}\" data-from=\"/log/rows\">{member}{}</form>\
         <div id=\"{list}\" data-load=\"/log/rows\"></div>{}",
        look.go(look.say("Filter", "Narrow down")),
        look::overlays(&desk)
    );
    desk.shown(look.hub(&desk, look.say("Authorization Log", "Request board"), &body))
}

/// The rows, for the page's script.
pub(super) async fn rows(desk: Desk, Query(fields): Query<Fields>) -> Response {
    if down(&desk) {
        let words = "Status information is temporarily unavailable. New requests are accepted.";
        return desk.shown(format!("<p class=\"alert\">{words}</p>"));
    }
    let wanted = value(&fields, "member");
    let board = board(&desk.sim);
    let mut cases: Vec<(Case, Cached)> = board
        .rows
        .iter()
        .filter_map(|(id, cached)| Some((desk.sim.store.find(id)?, cached.clone())))
        .filter(|(case, _)| wanted.is_empty() || case.filing.member_id == wanted)
        .collect();
    cases.sort_by_key(|(case, _)| std::cmp::Reverse(case.ordinal));
    desk.note(Entry::new("list").with("what", "log").with("rows", cases.len()));
    let taken = board.taken.map(clock).unwrap_or_default();
    if cases.is_empty() {
        return desk.shown(format!("<p>No entries.</p><p class=\"hint\">Status as of {taken}</p>"));
    }
    let list = if desk.look.v2 { cards(&cases) } else { table(&cases) };
    desk.shown(format!("{list}<p class=\"hint\">Status as of {taken}</p>"))
}

fn name_of(case: &Case) -> String {
    desk::member(&case.filing.member_id).map(|member| member.name()).unwrap_or_default()
}

fn codes(case: &Case) -> String {
    let codes: Vec<&str> = case.lines.iter().map(|line| line.code.as_str()).collect();
    codes.join(", ")
}

fn table(cases: &[(Case, Cached)]) -> String {
    let rows: String = cases
        .iter()
        .map(|(case, cached)| {
            format!(
                "<tr class=\"live\"><td><a href=\"/log/{0}\">{0}</a></td><td>{1}</td><td>{2}</td><td>{3}</td><td>{4}</td>\
                 <td class=\"status\">{5}</td><td class=\"asof\">{6}</td><td class=\"tool\">\
                 <button type=\"button\" class=\"btn small\" data-refresh=\"{0}\">Refresh Status</button></td></tr>",
                esc(&case.id),
                esc(&name_of(case)),
                esc(&case.filing.member_id),
                esc(&codes(case)),
                html::us_date(case.service_dates().0),
                esc(&cached.words),
                clock(cached.at)
            )
        })
        .collect();
    format!(
        "<table class=\"list sortable\"><caption>Authorization log</caption><thead><tr><th>Reference</th><th>Member</th>\
         <th>Member ID</th><th>Services</th><th>From</th><th>Status</th><th>As of</th><th></th></tr></thead>\
         <tbody>{rows}</tbody></table>"
    )
}

fn cards(cases: &[(Case, Cached)]) -> String {
    cases
        .iter()
        .map(|(case, cached)| {
            format!(
                "<section class=\"card live\" aria-label=\"Request {0}\"><h2>{3}</h2><p class=\"status\">{4}</p>\
                 <p class=\"asof\">{5}</p><p>{1}</p><p><a href=\"/log/{0}\">{0}</a> from {2}</p>\
                 <button type=\"button\" data-refresh=\"{0}\">Update</button></section>",
                esc(&case.id),
                esc(&name_of(case)),
                html::us_date(case.service_dates().0),
                esc(&codes(case)),
                esc(&cached.words),
                clock(cached.at)
            )
        })
        .collect()
}

/// Asks for the present status of one row.
pub(super) async fn refresh(desk: Desk, Form(fields): Form<Fields>) -> Response {
    let ms = u64::try_from(desk.sim.knobs.number("refresh_delay_ms")).unwrap_or(0);
    if ms > 0 {
        tokio::time::sleep(std::time::Duration::from_millis(ms)).await;
    }
    let Some(case) = desk.sim.store.find(&value(&fields, "reference")).filter(|_| !down(&desk))
    else {
        return html::answer(StatusCode::NOT_FOUND, "text/plain", "not available");
    };
    let now = desk.sim.now();
    let status = if desk.call.fires("status-lags") {
        board(&desk.sim).rows.get(&case.id).map(|cached| cached.words.clone()).unwrap_or_default()
    } else {
        words::status(&case).to_owned()
    };
    desk.note(
        Entry::new("status_refresh").with("case", case.id.as_str()).with("words", status.as_str()),
    );
    let mut board = board(&desk.sim);
    board.rows.insert(case.id.clone(), Cached { words: status.clone(), at: now });
    keep(&desk.sim, &board);
    let answer = serde_json::json!({"status": status, "asof": clock(now)});
    html::answer(StatusCode::OK, "application/json", answer.to_string())
}

/// One entry of the log, with its cached status and without its lines.
pub(super) async fn detail(desk: Desk, Path(reference): Path<String>) -> Response {
    let board = board(&desk.sim);
    let found = desk.sim.store.find(&reference).filter(|_| !down(&desk));
    let title = desk.look.say("Log Entry", "Request");
    let Some((case, cached)) = found.and_then(|case| {
        let cached = board.rows.get(&case.id)?.clone();
        Some((case, cached))
    }) else {
        return desk.shown(desk.look.hub(&desk, title, "<p>No entry with this reference.</p>"));
    };
    desk.note(Entry::new("status").with("case", case.id.as_str()).with("cached", true));
    let body = format!(
        "{}<p class=\"hint\">Status as of {}</p><p>Line details are in UM.</p>",
        desk.look.facts(&[
            (desk.look.say("Reference", "Case number"), case.id.clone()),
            ("Member", name_of(&case)),
            ("Member ID", case.filing.member_id.clone()),
            ("Services", codes(&case)),
            ("Status", cached.words.clone()),
        ]),
        clock(cached.at)
    );
    desk.shown(desk.look.hub(&desk, title, &body))
}
