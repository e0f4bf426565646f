//! What can be read: unfinished cases of the account, the complete search, the page of a case, announcements. A decision
//! is faxed first and shown here half an hour later.

use axum::{
    extract::{Query, Request},
    response::Response,
};
use jiff::SignedDuration;

use super::{
    desk::{Desk, Posted, to},
    draft::{self, Closed, Draft},
    peer, status_words,
};
use crate::{
    ledger::Entry,
    portal::{
        decide::LineStatus,
        html::{self, esc},
        store::Case,
        world::world,
    },
};

const WAITING: &str = "Pending - Clinical Review";

/// Is the newest change still only on the fax?
fn only_faxed(desk: &Desk, case: &Case) -> bool {
    let delay = SignedDuration::from_mins(desk.sim.knobs.number("fax_delay_min"));
    let later = case.changed_at > case.received_at;
    later && desk.sim.now().duration_since(case.changed_at) < delay
}

/// The status as the portal shows it.
pub(super) fn shown_status(desk: &Desk, case: &Case) -> &'static str {
    if only_faxed(desk, case) { WAITING } else { status_words(case, desk.sim.today()) }
}

fn line_words(desk: &Desk, case: &Case, status: LineStatus) -> &'static str {
    if only_faxed(desk, case) {
        return WAITING;
    }
    match status {
        LineStatus::Approved => "Approved",
        LineStatus::Modified => "Approved - Modified",
        LineStatus::Denied | LineStatus::DeniedIncomplete => "Denied",
        LineStatus::InfoRequested => "Pending - Additional Information",
        LineStatus::Cancelled => "Withdrawn",
        LineStatus::Pended | LineStatus::ContactPayer => WAITING,
        LineStatus::NotRequired | LineStatus::Redirected => "Not managed by Verity",
    }
}

/// The unfinished cases of this account.
pub(super) async fn incomplete_page(desk: Desk) -> Response {
    let ids = desk.ids();
    let mine = |draft: &Draft| draft.account == desk.session.account.id && draft.closed.is_none();
    let rows: Vec<_> = draft::all(&desk.sim)
        .iter()
        .filter(|draft| mine(draft))
        .map(|draft| {
            let time = |at: Option<jiff::Timestamp>| at.map(html::central).unwrap_or_default();
            vec![
                esc(&draft.number),
                esc(&draft.member_id),
                esc(&draft.codes.join(", ")),
                draft.service_date.map(html::us_date).unwrap_or_default(),
                time(draft.started_at),
                time(draft.expires(&desk.sim)),
                ids.link("Resume", &draft.number, desk.words("Resume", "Open")),
            ]
        })
        .collect();
    desk.note(Entry::new("list").with("search", "incomplete").with("rows", rows.len()));
    let body = if rows.is_empty() {
        "<p>You have no incomplete cases.</p>".to_owned()
    } else {
        let headers = [
            "Case number",
            "Member ID",
            "Codes",
            "Service date",
            "Started",
            "Withdrawn at",
            "Action",
        ];
        ids.table("Incomplete cases", &headers, &rows)
    };
    desk.page(&ids, "incomplete", "Incomplete cases", "", body)
}

/// An unfinished case is taken up where it stood.
pub(super) async fn incomplete(desk: Desk, request: Request) -> Response {
    let posted = match desk.posted("incomplete", request).await {
        Ok(posted) => posted,
        Err(answer) => return answer,
    };
    let found = draft::find(&desk.sim, posted.argument());
    let mine = |draft: &Draft| draft.account == desk.session.account.id && draft.closed.is_none();
    let Some(mut draft) = found.filter(mine).filter(|_| posted.used("Resume")) else {
        return to("incomplete.aspx");
    };
    desk.works_on(&draft.member_id);
    let page = draft.page.clone();
    desk.go(&mut draft, &page)
}

const DOWN: &str = "Case status is unavailable. Cases can still be submitted.";

fn down(desk: &Desk) -> bool {
    desk.sim.knobs.flag("status_down") || desk.call.fires("status-down")
}

/// The search form.
pub(super) async fn find_page(desk: Desk) -> Response {
    show_find(&desk, &Posted::default(), "", "")
}

fn show_find(desk: &Desk, typed: &Posted, message: &str, found: &str) -> Response {
    let ids = desk.ids();
    let fields = [
        ids.text("Case or authorization number", "Number", &typed.value("Number")),
        ids.text("Member ID", "Member", &typed.value("Member")),
        ids.date("Date of birth", "Dob", &typed.date("Dob")),
    ];
    let note = if down(desk) { ids.note(DOWN) } else { String::new() };
    let body = format!(
        "{note}{}{}{found}",
        ids.form(&fields.concat()),
        ids.buttons(&ids.button("Find", desk.words("Find", "Search"), ""))
    );
    desk.page(&ids, "find", "Find a case", message, body)
}

/// What was found: whole cases, and those that were withdrawn unfinished.
#[expect(clippy::large_enum_variant, reason = "a handful at a time, in a simulated payer")]
enum Found {
    Case(Box<Case>),
    Withdrawn(Draft),
}

impl Found {
    fn row(&self, desk: &Desk, ids: &super::look::Ids) -> Vec<String> {
        let cells = match self {
            Found::Case(case) => {
                let number = case.number("case").unwrap_or_default();
                let codes: Vec<&str> = case.lines.iter().map(|line| line.code.as_str()).collect();
                let authorization = if only_faxed(desk, case) {
                    String::new()
                } else {
                    esc(case.number("authorization").unwrap_or_default())
                };
                vec![
                    ids.link("Case", number, number),
                    authorization,
                    esc(&case.filing.member_id),
                    esc(&case.filing.requesting_npi),
                    esc(&codes.join(", ")),
                    html::us_date(case.service_dates().0),
                    html::central(case.received_at),
                    shown_status(desk, case).to_owned(),
                ]
            }
            Found::Withdrawn(draft) => vec![
                esc(&draft.number),
                String::new(),
                esc(&draft.member_id),
                esc(&draft.requesting_npi),
                esc(&draft.codes.join(", ")),
                draft.service_date.map(html::us_date).unwrap_or_default(),
                draft.started_at.map(html::central).unwrap_or_default(),
                "Withdrawn - Incomplete".to_owned(),
            ],
        };
        ordered(desk, cells)
    }
}

/// Redesigned, the status comes first and the provider is not shown.
fn ordered<T>(desk: &Desk, mut cells: Vec<T>) -> Vec<T> {
    if desk.v2() && cells.len() == 8 {
        cells.remove(3);
        cells.rotate_right(1);
    }
    cells
}

/// Cases with this number, or every case of a member, whoever began it.
pub(super) async fn find(desk: Desk, request: Request) -> Response {
    let posted = match desk.posted("find", request).await {
        Ok(posted) => posted,
        Err(answer) => return answer,
    };
    if posted.used("Case") {
        return to(&format!("case.aspx?number={}", posted.argument()));
    }
    if down(&desk) {
        return show_find(&desk, &posted, "", "");
    }
    let (number, member_id) = (posted.value("Number"), posted.value("Member"));
    let born = html::read_date(&posted.date("Dob"));
    let found = if number.is_empty() {
        if member_id.is_empty() || born.is_none() {
            let words = "Enter a number, or member ID and date of birth.";
            return show_find(&desk, &posted, words, "");
        }
        let known = world().member_by_id(super::PROFILE.slug, &member_id);
        if known.is_none_or(|member| Some(member.dob) != born) {
            return show_find(&desk, &posted, "No member found.", "");
        }
        desk.works_on(&member_id);
        of_member(&desk, &member_id)
    } else {
        by_number(&desk, &number)
    };
    let found = if desk.call.fires("search-empty-while-down") { Vec::new() } else { found };
    desk.note(Entry::new("list").with("search", "cases").with("rows", found.len()));
    let ids = desk.ids();
    let headers = vec![
        "Case number",
        "Authorization number",
        "Member ID",
        "Requesting NPI",
        "Codes",
        "Service date",
        "Received",
        "Status",
    ];
    let list = if found.is_empty() {
        "<p>No cases found.</p>".to_owned()
    } else {
        let rows: Vec<_> = found.iter().map(|one| one.row(&desk, &ids)).collect();
        ids.table("Cases found", &ordered(&desk, headers), &rows)
    };
    show_find(&desk, &posted, "", &list)
}

fn of_member(desk: &Desk, member_id: &str) -> Vec<Found> {
    let cases = desk.sim.store.search(member_id, None, None);
    let shown = cases.into_iter().map(|case| desk.sim.shown(&desk.call, case));
    let mut found: Vec<Found> = shown.map(|case| Found::Case(Box::new(case))).collect();
    let withdrawn = draft::all(&desk.sim)
        .into_iter()
        .filter(|draft| draft.member_id == member_id && draft.closed == Some(Closed::Withdrawn));
    found.extend(withdrawn.map(Found::Withdrawn));
    found
}

fn by_number(desk: &Desk, number: &str) -> Vec<Found> {
    if let Some(case) = desk.sim.store.find(number) {
        return vec![Found::Case(Box::new(desk.sim.shown(&desk.call, case)))];
    }
    let draft = draft::find(&desk.sim, number);
    let withdrawn = draft.filter(|draft| draft.closed == Some(Closed::Withdrawn));
    withdrawn.map(Found::Withdrawn).into_iter().collect()
}

/// One case.
pub(super) async fn case_page(
    desk: Desk,
    Query(query): Query<std::collections::HashMap<String, String>>,
) -> Response {
    let number = query.get("number").map(String::as_str).unwrap_or_default();
    let ids = desk.ids();
    let found = desk.sim.store.find(number);
    let Some(case) = found.map(|case| desk.sim.shown(&desk.call, case)) else {
        return desk.page(&ids, "case", "Case", "", "<p>No cases found.</p>".to_owned());
    };
    if down(&desk) {
        return desk.page(&ids, "case", "Case", "", ids.note(DOWN));
    }
    desk.works_on(&case.filing.member_id);
    desk.put("case", case.id.as_str().into());
    desk.note(Entry::new("status").with("case", case.id.as_str()));
    let body = case_body(&desk, &ids, &case);
    desk.page(&ids, "case", "Case", "", body)
}

fn case_body(desk: &Desk, ids: &super::look::Ids, case: &Case) -> String {
    let faxed = only_faxed(desk, case);
    let day = |date: Option<jiff::civil::Date>| date.map(html::us_date).unwrap_or_default();
    let shown = |date| if faxed { String::new() } else { day(date) };
    let authorization = case.number("authorization").filter(|_| !faxed).unwrap_or_default();
    let wanted = if faxed { String::new() } else { case.wanted.join("; ") };
    let facts = ids.facts(&[
        ("CaseNumber", "Case number", case.number("case").unwrap_or_default().to_owned()),
        ("Authorization", "Authorization number", authorization.to_owned()),
        ("Status", desk.words("Status", "Decision"), shown_status(desk, case).to_owned()),
        ("Wanted", "Information requested", wanted),
        ("ValidFrom", "Valid from", shown(case.valid_from)),
        ("ValidTo", "Valid to", shown(case.valid_to)),
        ("MemberId", "Member ID", case.filing.member_id.clone()),
        ("Requesting", "Requesting provider NPI", case.filing.requesting_npi.clone()),
        ("Site", "Site NPI", case.filing.servicing_npi.clone()),
        ("Diagnosis", "Diagnosis code", case.filing.diagnoses.join(", ")),
        ("Received", "Received", html::central(case.received_at)),
    ]);
    let rows: Vec<_> = case
        .lines
        .iter()
        .map(|line| {
            let reason = if faxed { "" } else { line.text.as_deref().unwrap_or_default() };
            vec![
                esc(&line.code),
                html::us_date(line.from),
                line_words(desk, case, line.status).to_owned(),
                esc(reason),
            ]
        })
        .collect();
    let table = ids.table("Services", &["Code", "Service date", "Status", "Reason"], &rows);
    let table = if desk.v2() {
        format!("<details><summary>Services</summary>{table}</details>")
    } else {
        table
    };
    let call = if !faxed && peer::deadline(desk, case).is_some() {
        format!("<p>{}</p>", ids.link("Call", case.id.as_str(), "Request a call"))
    } else {
        String::new()
    };
    format!("{facts}{table}{call}")
}

/// What a case's page posts back: the wish for a call.
pub(super) async fn case(desk: Desk, request: Request) -> Response {
    match desk.posted("case", request).await {
        Ok(posted) if posted.used("Call") => to("p2p.aspx"),
        Ok(_) => to("find.aspx"),
        Err(answer) => answer,
    }
}

/// What Verity wants everybody to know.
pub(super) async fn announcements(desk: Desk) -> Response {
    let ids = desk.ids();
    let body = "<h2>Maintenance</h2><p>Verity Review is closed on Sundays from 12:30 PM to 6:00 PM Central.</p>\
        <h2>Imaging of the spine</h2><p>Review guidelines have been updated for cases begun after 02/15/2026.</p>";
    desk.page(&ids, "announcements", "Important announcements", "", body.to_owned())
}
