//! Requests as the plans have them, in the UM window: the search by member, which is complete and current, the details
//! with lines that have to be opened, extension and renewal near the end, and documents the plan asked for.

use axum::{
    Form,
    extract::{Path, Request},
    http::StatusCode,
    response::Response,
};
use jiff::civil::Date;
use serde_json::json;

use super::{
    central,
    desk::{self, Desk, Fields, value},
    draft::{Draft, Row},
    look, review, words,
};
use crate::{
    ledger::Entry,
    portal::{
        html::{self, esc},
        store::Case,
    },
};

fn search_form(desk: &Desk, typed: &Fields) -> String {
    let look = desk.look;
    let (id, born) = (
        look.input(
            look.say("Member ID", "Subscriber ID"),
            "findId",
            "text",
            &value(typed, "findId"),
            true,
        ),
        look.input(
            look.say("Date of Birth", "Born on"),
            "findDob",
            "date",
            &value(typed, "findDob"),
            true,
        ),
    );
    let fields = if look.v2 { format!("{born}{id}") } else { format!("{id}{born}") };
    format!(
        "<form method=\"post\" action=\"/search\">{fields}{}</form>",
        look.go(look.say("Search", "Look up"))
    )
}

fn down(desk: &Desk) -> bool {
    desk.sim.knobs.flag("status_down") || desk.call.fires("status-down")
}

const DOWN: &str = "Authorization status is temporarily unavailable. New requests are accepted.";

fn title(desk: &Desk) -> &'static str {
    desk.look.say("Find Authorization", "Look up requests")
}

/// The empty search.
pub(super) async fn search_page(desk: Desk) -> Response {
    desk.saw("search");
    let notice = if down(&desk) { desk.look.alert(DOWN) } else { String::new() };
    let body = format!("{notice}{}{}", search_form(&desk, &Fields::new()), look::overlays(&desk));
    desk.shown(desk.look.um(&desk, title(&desk), &body))
}

/// Every request of a member, in the order received.
pub(super) async fn search(desk: Desk, Form(typed): Form<Fields>) -> Response {
    let form = search_form(&desk, &typed);
    let page =
        |found: &str| desk.shown(desk.look.um(&desk, title(&desk), &format!("{form}{found}")));
    if down(&desk) {
        return page(&desk.look.alert(DOWN));
    }
    let born = html::read_date(&value(&typed, "findDob"));
    let member = desk::member(&value(&typed, "findId")).filter(|one| Some(one.dob) == born);
    let Some(member) = member else { return page(&desk.look.alert("No member found.")) };
    let mut cases = desk.sim.store.search(&member.member_id, None, None);
    if desk.call.fires("search-empty-while-down") {
        cases.clear();
    }
    desk.note(Entry::new("list").with("search", "member").with("rows", cases.len()));
    if cases.is_empty() {
        return page("<p>No authorizations on file for this member.</p>");
    }
    let rows: Vec<Vec<String>> = cases.iter().map(|case| row(&desk, case)).collect();
    page(&desk.look.table("Authorizations found", headers(&desk), &rows))
}

/// The redesign shows the columns in another order and leaves the requesting provider out.
fn headers(desk: &Desk) -> &'static [&'static str] {
    if desk.look.v2 {
        &["Status", "Services", "From", "To", "Case number", "Subscriber ID", "Sent"]
    } else {
        &[
            "Reference",
            "Member ID",
            "Requesting NPI",
            "Services",
            "From",
            "To",
            "Received",
            "Status",
        ]
    }
}

fn row(desk: &Desk, case: &Case) -> Vec<String> {
    let codes: Vec<&str> = case.lines.iter().map(|line| line.code.as_str()).collect();
    let (from, to) = case.service_dates();
    let reference = format!("<a href=\"/detail/{0}\">{0}</a>", esc(&case.id));
    let received = central(case.received_at).strftime("%m/%d/%Y %I:%M %p").to_string();
    let status = words::status(case).to_owned();
    let (codes, from, to) = (esc(&codes.join(", ")), html::us_date(from), html::us_date(to));
    let member = esc(&case.filing.member_id);
    if desk.look.v2 {
        vec![status, codes, from, to, reference, member, received]
    } else {
        vec![reference, member, esc(&case.filing.requesting_npi), codes, from, to, received, status]
    }
}

/// May it be extended or renewed now? Only from so many days before its end.
fn renewable(desk: &Desk, case: &Case) -> bool {
    let days = desk.sim.knobs.number("renew_window_d");
    let today = central(desk.sim.now()).date();
    case.valid_to.is_some_and(|end| {
        let opens = end.saturating_sub(jiff::Span::new().days(days));
        today >= opens && today <= end
    }) && case.number("authorization").is_some()
}

fn day(date: Option<Date>) -> String {
    date.map(html::us_date).unwrap_or_default()
}

/// One request. The lines are behind a link of their own.
pub(super) async fn detail(desk: Desk, Path(reference): Path<String>) -> Response {
    detail_page(&desk, &reference, "")
}

fn detail_page(desk: &Desk, reference: &str, message: &str) -> Response {
    let look = desk.look;
    let words = look.say("Authorization Detail", "Request");
    let found = desk.sim.store.find(reference).filter(|_| !down(desk));
    let Some(case) = found.map(|case| desk.sim.shown(&desk.call, case)) else {
        let why = if down(desk) { DOWN } else { "No authorization with this reference." };
        return desk.shown(look.um(desk, words, &look.alert(why)));
    };
    desk.note(Entry::new("status").with("case", case.id.as_str()));
    let facts = look.facts(&[
        (look.say("Reference", "Case number"), case.id.clone()),
        (
            look.say("Transaction", "Confirmation ID"),
            case.number("transaction").unwrap_or_default().to_owned(),
        ),
        ("Status", words::status(&case).to_owned()),
        ("Member ID", case.filing.member_id.clone()),
        ("Requesting NPI", case.filing.requesting_npi.clone()),
        ("Episode Type", case.filing.request_type.clone()),
        (look.say("Valid From", "Good from"), day(case.valid_from)),
        (look.say("Valid To", "Good until"), day(case.valid_to)),
        (look.say("Office Note", "Your note"), case.filing.provider_reference.clone()),
        ("As of", central(desk.sim.now()).strftime("%m/%d/%Y %I:%M %p CT").to_string()),
    ]);
    let asked = if case.wanted.is_empty() {
        String::new()
    } else {
        format!(
            "<p class=\"hint asked\">Information requested: {}</p>{}",
            esc(&case.wanted.join("; ")),
            answer_form(desk, &case)
        )
    };
    let again = if renewable(desk, &case) {
        format!(
            "<p class=\"acts\"><a class=\"btn\" href=\"/detail/{0}/extend\">{1}</a> \
             <a class=\"btn\" href=\"/detail/{0}/renew\">{2}</a></p>",
            esc(&case.id),
            look.say("Extend", "Prolong"),
            look.say("Renew", "Ask again")
        )
    } else {
        String::new()
    };
    let (opened, words_of_lines) =
        (look.id("lines"), look.say("Line details", "Show each service"));
    let lines = format!(
        "<p><a href=\"#\" data-open=\"{opened}\" data-from=\"/detail/{}/lines\">{words_of_lines}</a></p>\
         <div id=\"{opened}\"></div>",
        esc(&case.id)
    );
    let body =
        format!("{}{facts}{asked}{lines}{again}{}", look.alert(message), look::overlays(desk));
    desk.shown(look.um(desk, words, &body))
}

/// The lines, for the page's script: the only place where reduced units show.
pub(super) async fn lines(desk: Desk, Path(reference): Path<String>) -> Response {
    let found = desk.sim.store.find(&reference);
    let Some(case) = found.map(|case| desk.sim.shown(&desk.call, case)) else {
        return html::answer(StatusCode::NOT_FOUND, "text/plain", "no such request");
    };
    desk.note(Entry::new("status").with("case", case.id.as_str()).with("lines", case.lines.len()));
    let rows: Vec<Vec<String>> = case
        .lines
        .iter()
        .map(|line| {
            let granted = line.granted.map(|units| units.to_string()).unwrap_or_default();
            vec![
                esc(&line.code),
                line.units.to_string(),
                if granted.is_empty() { "-".to_owned() } else { granted },
                html::us_date(line.from),
                html::us_date(line.to),
                words::line(line).to_owned(),
                match words::reason(line) {
                    reason if reason.is_empty() => "-".to_owned(),
                    reason => esc(&reason),
                },
            ]
        })
        .collect();
    let headers =
        ["Service Code", "Units Requested", "Units Certified", "From", "To", "Decision", "Reason"];
    desk.shown(desk.look.table("Service lines", &headers, &rows))
}

fn answer_form(desk: &Desk, case: &Case) -> String {
    let id = desk.look.id("wanted");
    let options: String =
        case.wanted.iter().map(|kind| format!("<option>{}</option>", esc(kind))).collect();
    format!(
        "<form method=\"post\" action=\"/detail/{}/document\" enctype=\"multipart/form-data\">\
         <div class=\"row\"><label for=\"{id}\">Document</label> <select id=\"{id}\" name=\"wanted\">{options}</select> \
         <input type=\"file\" name=\"file\"></div>{}</form>",
        esc(&case.id),
        desk.look.go(desk.look.say("Add Document", "Add"))
    )
}

/// A document the plan asked for comes; it answers the first question that is open.
pub(super) async fn document(
    desk: Desk,
    Path(reference): Path<String>,
    request: Request,
) -> Response {
    let (name, bytes) = desk::file(request).await.unwrap_or_default();
    desk.note(Entry::new("attach_received").with("case", reference.as_str()));
    let found = desk.sim.store.find(&reference).filter(|case| !case.wanted.is_empty());
    let (Some(mut case), None) = (found, review::judge(&bytes, 0)) else {
        desk.note(Entry::new("attach_refused").with("code", "document"));
        return detail_page(
            &desk,
            &reference,
            "Only PDF and TIF files that were asked for are accepted.",
        );
    };
    let mut document = review::received(&desk, name, &bytes);
    document.kind = case.wanted.first().cloned().unwrap_or_default();
    case.take_document(document, desk.sim.now());
    desk.sim.keep(&case);
    desk.note(Entry::new("attach_committed").with("effect", true).with("case", case.id.as_str()));
    detail_page(&desk, &reference, "")
}

/// A later end for the same authorization.
pub(super) async fn extend_page(desk: Desk, Path(reference): Path<String>) -> Response {
    let Some(case) = desk.sim.store.find(&reference).filter(|case| renewable(&desk, case)) else {
        return detail_page(&desk, &reference, "");
    };
    let look = desk.look;
    let body = format!(
        "{}<form method=\"post\" action=\"/detail/{}/extend\">{}{}</form>",
        look.facts(&[("Reference", case.id.clone()), ("Valid To", day(case.valid_to))]),
        esc(&case.id),
        look.input("New End Date", "end", "date", "", true),
        look.go(look.say("Send Extension", "Prolong"))
    );
    desk.shown(look.um(&desk, look.say("Extend Authorization", "Prolong"), &body))
}

/// The extension is sent: at most ninety days more.
pub(super) async fn extend(
    desk: Desk,
    Path(reference): Path<String>,
    Form(fields): Form<Fields>,
) -> Response {
    let end = html::read_date(&value(&fields, "end"));
    let received = Entry::new("edit_received").with("case", reference.as_str());
    desk.note(received.fields(json!({"case": reference, "end": end.map(|day| day.to_string())})));
    let found = desk.sim.store.find(&reference).filter(|case| renewable(&desk, case));
    let fits = |case: &Case| {
        let latest = case.valid_to?.saturating_add(jiff::Span::new().days(90));
        end.filter(|end| case.valid_to.is_some_and(|now| *end > now) && *end <= latest)
    };
    let Some((mut case, end)) = found.and_then(|case| fits(&case).map(|end| (case, end))) else {
        desk.note(Entry::new("edit_refused").with("code", "date"));
        return detail_page(&desk, &reference, "The new end date is not possible.");
    };
    case.valid_to = Some(end);
    case.changed_at = desk.sim.now();
    desk.sim.keep(&case);
    desk.note(Entry::new("edit_committed").with("effect", true).with("case", case.id.as_str()));
    detail_page(&desk, &reference, "")
}

/// Begins an episode that renews: member, providers and services as before, dates to be set anew.
pub(super) async fn renew(desk: Desk, Path(reference): Path<String>) -> Response {
    let Some(case) = desk.sim.store.find(&reference).filter(|case| renewable(&desk, case)) else {
        return detail_page(&desk, &reference, "");
    };
    let rows = case.lines.iter().enumerate().map(|(at, line)| Row {
        id: at as u64 + 1,
        code: line.code.clone(),
        units: line.units.to_string(),
        ..Row::default()
    });
    let draft = Draft {
        member_id: case.filing.member_id.clone(),
        kind: case.filing.request_type.split(" - ").next().unwrap_or_default().to_owned(),
        diagnoses: case.filing.diagnoses.clone(),
        episode: format!("Episode 26-{:05}", 400 + desk.sim.kept.next("episode")),
        requesting: case.filing.requesting_npi.clone(),
        servicing: case.filing.servicing_npi.clone(),
        rows: rows.collect(),
        renews: Some(case.id.clone()),
        ..Draft::default()
    };
    desk.works_on(&draft.member_id);
    desk.keep(&draft);
    html::redirect(StatusCode::SEE_OTHER, "/services")
}
