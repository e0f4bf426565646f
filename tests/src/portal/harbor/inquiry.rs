//! Reading requests: four tabs that show ten rows at a time without a total, a search by member that is complete, and the
//! detail page, whose header is never a decision.

use axum::{extract::Query, response::Response};

use super::{
    ANSWER_DAYS, Header, NOTICE_DAYS,
    desk::{Desk, Fields, Typed, value},
    eastern, header, line_words, papers, rules, working_day,
};
use crate::{
    ledger::Entry,
    portal::{
        html::{self, esc},
        store::Case,
    },
};

const PAGE: usize = 10;

const LIST: [&str; 8] = [
    "PA Number",
    "Member ID",
    "Requesting NPI",
    "Codes",
    "From Date",
    "To Date",
    "Received",
    "Status",
];

fn search_form(desk: &Desk, typed: &Fields) -> String {
    let look = desk.look();
    let fields = [
        look.field("Member ID", "memberId", &value(typed, "memberId"), 14),
        look.field("Date of Birth", "memberDob", &value(typed, "memberDob"), 12),
        look.field("PA Number", "paNumber", &value(typed, "paNumber"), 14),
    ];
    format!(
        "{}<form method=\"post\" action=\"{}\">{}<p>{}</p></form>",
        look.heading("Search by Member"),
        desk.href("paInquiry"),
        look.set(&fields, &[2, 1, 0]),
        look.send("Search"),
    )
}

fn row(desk: &Desk, case: &Case) -> Vec<String> {
    let number = case.number("tracking").unwrap_or_default();
    let codes: Vec<&str> = case.lines.iter().map(|line| line.code.as_str()).collect();
    let (first, last) = (case.lines.first(), case.lines.last());
    let date = |day: Option<jiff::civil::Date>| day.map(html::us_date).unwrap_or_default();
    vec![
        format!(
            "<a href=\"{}\">{}</a>",
            desk.href(&format!("paDetail?pan={}", esc(number))),
            esc(number)
        ),
        esc(&case.filing.member_id),
        esc(&case.filing.requesting_npi),
        esc(&codes.join(", ")),
        date(first.map(|line| line.from)),
        date(last.map(|line| line.to)),
        eastern(case.received_at).strftime("%m/%d/%Y %I:%M %p").to_string(),
        header(case, desk.sim.now()).words().to_owned(),
    ]
}

fn down(desk: &Desk) -> bool {
    desk.sim.knobs.flag("status_down") || desk.call.fires("status-down")
}

const DOWN: &str = "STATUS INQUIRY IS TEMPORARILY UNAVAILABLE. SUBMISSIONS ARE ACCEPTED.";

/// The tabs, the search form, and the rows of the chosen tab.
pub(super) async fn tabs(desk: Desk, Query(fields): Query<Fields>) -> Response {
    desk.saw("paInquiry");
    let links: Vec<String> = Header::TABS
        .iter()
        .enumerate()
        .map(|(index, tab)| {
            format!(
                "<a href=\"{}\">{}</a>",
                desk.href(&format!("paInquiry?tab={index}")),
                tab.tab()
            )
        })
        .collect();
    let chosen = fields
        .get("tab")
        .and_then(|tab| tab.parse().ok())
        .and_then(|tab: usize| Header::TABS.get(tab));
    let mut body = if desk.look().redesigned() {
        format!("<nav class=\"hs-tabs\" aria-label=\"Lists\">{}</nav>", links.concat())
    } else {
        format!("<p>{}</p>", links.join(" | "))
    };
    if down(&desk) {
        body.push_str(&desk.look().told(DOWN));
    }
    if let Some(tab) = chosen {
        body.push_str(&tab_rows(&desk, *tab, &fields));
    }
    body.push_str(&search_form(&desk, &Fields::new()));
    desk.page("PA Inquiry", &[], &body)
}

/// Sorted by last change: rows move while somebody turns pages. "Next" never ends.
fn tab_rows(desk: &Desk, tab: Header, fields: &Fields) -> String {
    let page: usize = value(fields, "page").parse().unwrap_or(0);
    let now = desk.sim.now();
    let mut cases: Vec<Case> = desk
        .sim
        .store
        .all()
        .into_iter()
        .filter(|case| case.recorded && header(case, now) == tab && !down(desk))
        .collect();
    cases.sort_by(|a, b| b.changed_at.cmp(&a.changed_at).then(b.ordinal.cmp(&a.ordinal)));
    if desk.call.fires("paging-drift") && !cases.is_empty() {
        cases.rotate_left(1);
    }
    let rows: Vec<Vec<String>> =
        cases.iter().skip(page * PAGE).take(PAGE).map(|case| row(desk, case)).collect();
    desk.note(Entry::new("list").with("tab", tab.tab()).with("rows", rows.len()));
    let index = Header::TABS.iter().position(|known| *known == tab).unwrap_or(0);
    format!(
        "{}<p><a href=\"{}\">Next</a></p>",
        desk.look().table(tab.tab(), &LIST, &rows),
        desk.href(&format!("paInquiry?tab={index}&page={}", page + 1))
    )
}

/// Every request of a member, in the order received.
pub(super) async fn search(desk: Desk, Typed(typed): Typed) -> Response {
    let member_id = value(&typed, "memberId");
    let number = value(&typed, "paNumber");
    let form = search_form(&desk, &typed);
    if down(&desk) {
        return desk.page("PA Inquiry", &[], &format!("{}{form}", desk.look().told(DOWN)));
    }
    let born = value(&typed, "memberDob");
    let known = crate::portal::world::world().member_by_id(super::PROFILE.slug, &member_id);
    let fits = known.is_some_and(|member| rules::date(&born) == Some(member.dob));
    if !fits {
        return desk.page("PA Inquiry", &[rules::Edit::MemberNotFound], &form);
    }
    desk.works_on(&member_id);
    let mut cases = desk.sim.store.search(&member_id, None, None);
    cases.retain(|case| number.is_empty() || case.has_number(&number));
    if desk.call.fires("search-empty-while-down") {
        cases.clear();
    }
    desk.note(Entry::new("list").with("search", "member").with("rows", cases.len()));
    let found = if cases.is_empty() {
        "<p>NO REQUESTS FOUND FOR THIS MEMBER.</p>".to_owned()
    } else {
        let rows: Vec<Vec<String>> = cases.iter().map(|case| row(&desk, case)).collect();
        desk.look().table("Requests found", &LIST, &rows)
    };
    desk.page("PA Inquiry", &[], &format!("{found}{form}"))
}

/// One request.
pub(super) async fn detail(desk: Desk, Query(fields): Query<Fields>) -> Response {
    let found = desk.sim.store.find(&value(&fields, "pan"));
    let Some(case) = found.map(|case| desk.sim.shown(&desk.call, case)) else {
        return desk.page("PA Detail", &[], "<p>NO RECORD FOUND.</p>");
    };
    if down(&desk) {
        return desk.page("PA Detail", &[], &desk.look().told(DOWN));
    }
    desk.note(Entry::new("status").with("case", case.id.as_str()));
    let rows: Vec<Vec<String>> = case
        .lines
        .iter()
        .enumerate()
        .map(|(index, line)| {
            vec![
                (index + 1).to_string(),
                esc(&line.code),
                line.units.to_string(),
                line.granted.unwrap_or(0).to_string(),
                html::us_date(line.from),
                html::us_date(line.to),
                line_words(line.status).to_owned(),
                esc(&reason(line.reason.as_deref(), line.text.as_deref())),
            ]
        })
        .collect();
    let headers = [
        "Line",
        "Code",
        "Units Requested",
        "Units Approved",
        "From Date",
        "To Date",
        "Status",
        "Reason",
    ];
    let day = |date: Option<jiff::civil::Date>| date.map(html::us_date).unwrap_or_default();
    let wanted = if case.wanted.is_empty() {
        String::new()
    } else {
        desk.look().told(&format!("DOCUMENTS REQUESTED: {}", case.wanted.join("; ")))
            + &notices(&desk, &case)
    };
    let body = format!(
        "{}{wanted}{}{}<p><a href=\"{}\" target=\"_blank\">{}</a></p>",
        desk.look().facts(&[
            ("PA Number", case.number("tracking").unwrap_or_default().to_owned()),
            ("Header Status", header(&case, desk.sim.now()).words().to_owned()),
            ("Member ID", case.filing.member_id.clone()),
            ("Requesting NPI", case.filing.requesting_npi.clone()),
            ("Received", eastern(case.received_at).strftime("%m/%d/%Y %I:%M %p ET").to_string()),
            ("Authorized From", day(case.valid_from)),
            ("Authorized To", day(case.valid_to)),
        ]),
        desk.look().table("Service Lines", &headers, &rows),
        papers::notice_link(&desk, &case),
        desk.href(&format!("coverSheet?pan={}", esc(&case.id))),
        desk.look().says("Print fax cover sheet"),
    );
    desk.page("PA Detail", &[], &body)
}

/// The notices sent so far to a provider who has not answered, and the last day for an answer.
fn notices(desk: &Desk, case: &Case) -> String {
    if header(case, desk.sim.now()) != Header::PendingProvider {
        return String::new();
    }
    let day = |days| working_day(case.received_at, days);
    let sent = NOTICE_DAYS.iter().map(|days| day(*days)).filter(|at| *at <= desk.sim.now());
    let mut rows: Vec<Vec<String>> = sent
        .enumerate()
        .map(|(index, at)| vec![(index + 1).to_string(), html::us_date(eastern(at).date())])
        .collect();
    rows.push(vec!["LAST DAY".to_owned(), html::us_date(eastern(day(ANSWER_DAYS)).date())]);
    desk.look().table("Notices to Provider", &["Notice", "Sent"], &rows)
}

fn reason(code: Option<&str>, text: Option<&str>) -> String {
    match (code, text) {
        (Some(code), Some(text)) => format!("{code} {text}"),
        (Some(one), None) | (None, Some(one)) => one.to_owned(),
        (None, None) => "NONE".to_owned(),
    }
}
