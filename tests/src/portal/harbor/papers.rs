//! Papers as PDF: the fax cover sheet with its bar code, and the notice of decision.

use axum::{extract::Query, http::StatusCode, response::Response};

use super::{
    Header,
    desk::{Desk, Fields, value},
    eastern, header, line_words, look,
};
use crate::{
    ledger::Entry,
    portal::{
        html, letters,
        pdf::{Sheet, pdf},
        store::{Case, Told},
    },
};

fn find(desk: &Desk, fields: &Fields) -> Option<Case> {
    let number = value(fields, "pan");
    if number.is_empty() {
        let last = desk.session.data.get("last").and_then(|value| value.as_str())?;
        return desk.sim.store.find(last);
    }
    desk.sim.store.find(&number)
}

fn missing(desk: &Desk) -> Response {
    desk.page("Document", &[], "<p>NO RECORD FOUND.</p>")
}

fn paper(name: &str, bytes: Vec<u8>) -> Response {
    let mut response = html::answer(StatusCode::OK, "application/pdf", bytes);
    let disposition = format!("inline; filename=\"{name}\"");
    if let Ok(disposition) = disposition.parse() {
        response.headers_mut().insert("content-disposition", disposition);
    }
    response
}

/// The cover sheet; it exists only once there is a number.
pub(super) async fn cover_sheet(desk: Desk, Query(fields): Query<Fields>) -> Response {
    let Some(case) = find(&desk, &fields) else { return missing(&desk) };
    let code = format!("HSM/{}/SUPPORT", case.id);
    let lines = vec![
        "Fax this sheet with each document to the Harbor State Medicaid review unit.".to_owned(),
        format!("PA number {}", case.id),
    ];
    desk.note(Entry::new("letter").with("what", "cover_sheet").with("case", case.id.as_str()));
    let sheet =
        Sheet { title: "Prior Authorization Fax Cover Sheet", lines: &lines, barcode: Some(&code) };
    paper("cover.pdf", pdf(&sheet))
}

/// The notice of decision.
pub(super) async fn notice(desk: Desk, Query(fields): Query<Fields>) -> Response {
    let case = find(&desk, &fields);
    let case = case.filter(|case| header(case, desk.sim.now()) == Header::Adjudicated);
    let Some(case) = case else { return missing(&desk) };
    let mut lines = vec![
        format!("Letter number {}", case.number("letter").unwrap_or_default()),
        format!("PA number {}   Member ID {}", case.id, case.filing.member_id),
        format!("Date {}", html::us_date(eastern(case.changed_at).date())),
        String::new(),
    ];
    // A letter can say the opposite of the page.
    let wrong = desk.call.fires("letter-contradicts") || case.contradicted.contains(&Told::Letter);
    for line in &case.lines {
        let words = match wrong {
            true if line.status.granted() => "DENIED",
            true => "APPROVED",
            false => line_words(line.status),
        };
        lines.push(format!(
            "{}  {} to {}  units {} asked, {} approved: {}",
            line.code,
            html::us_date(line.from),
            html::us_date(line.to),
            line.units,
            line.granted.unwrap_or(0),
            words
        ));
        if let Some(text) = &line.text {
            lines.push(format!("    Reason {}: {text}", line.reason.as_deref().unwrap_or("-")));
        }
    }
    if let Some(letter) = &case.letter {
        lines = letters::lines(letter, &case);
    }
    desk.note(Entry::new("letter").with("what", "notice").with("case", case.id.as_str()));
    let sheet =
        Sheet { title: "Harbor State Medicaid - Notice of Decision", lines: &lines, barcode: None };
    paper("notice.pdf", pdf(&sheet))
}

/// The link to the notice, where there is one.
pub(super) fn notice_link(desk: &Desk, case: &Case) -> String {
    if header(case, desk.sim.now()) != Header::Adjudicated {
        return String::new();
    }
    let page = look::href(&desk.session.token, &format!("nod?pan={}", case.id));
    format!(
        "<p><a href=\"{page}\" target=\"_blank\">{}</a></p>",
        desk.look().says("Notice of Decision")
    )
}
