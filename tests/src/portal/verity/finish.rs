//! The end of a case: files where they are asked for, the summary, the one write that files it, and its result. All ways in
//! which the write can go wrong are carried out here.

#![expect(clippy::result_large_err, reason = "the error is the answer itself, made once and sent")]

use axum::{
    extract::{Query, Request},
    http::StatusCode,
    response::Response,
};
use sha2::{Digest as _, Sha256};

use super::{
    cases,
    desk::{Desk, Posted, to},
    draft::{Closed, Draft},
    path,
    wizard::banner,
};
use crate::{
    ledger::{Entry, hex},
    portal::{
        call::{WriteMode, half},
        decide::LineStatus,
        html::{self, esc},
        sim::committed,
        store::{Case, Document, Filed, Number},
        tls::Cut,
    },
};

const FILES_MAX: usize = 5;
const BYTES_MAX: usize = 5 * 1024 * 1024;

/// Files, where the questions ask for them.
pub(super) async fn upload_page(desk: Desk) -> Response {
    match desk.at("upload") {
        Ok(draft) => show_upload(&desk, &draft, ""),
        Err(answer) => answer,
    }
}

fn show_upload(desk: &Desk, draft: &Draft, message: &str) -> Response {
    let ids = desk.ids();
    let state = if draft.scanning { "Scan pending" } else { "Received" };
    let rows: Vec<_> = draft
        .documents
        .iter()
        .map(|one| vec![esc(&one.name), format!("{} bytes", one.size_bytes), state.to_owned()])
        .collect();
    let list = if rows.is_empty() {
        "<p>No files yet.</p>".to_owned()
    } else {
        ids.table("Files of this case", &["File", "Size", "State"], &rows)
    };
    let body = format!(
        "{}<p>Add the records that support this case: at most 5 files, pdf, doc or docx, 5 MB each.</p>{}{}{list}{}",
        banner(draft),
        ids.form(&ids.file("File", "File")),
        ids.buttons(&ids.button("Add", "Add file", "")),
        ids.buttons(&ids.button("Continue", "Continue", ""))
    );
    desk.page(&ids, "upload", "Supporting records", message, body)
}

/// What is wrong with a file.
fn refused(draft: &Draft, name: &str, bytes: &[u8]) -> Option<&'static str> {
    let ending = name.rsplit('.').next().unwrap_or_default().to_ascii_lowercase();
    let known = match ending.as_str() {
        "pdf" => bytes.starts_with(b"%PDF"),
        "doc" | "docx" => true,
        _ => false,
    };
    if bytes.is_empty() {
        Some("File is empty.")
    } else if bytes.len() > BYTES_MAX {
        Some("File is too large.")
    } else if !known {
        Some("File type not accepted.")
    } else if draft.documents.len() >= FILES_MAX {
        Some("No more than 5 files.")
    } else {
        None
    }
}

/// A file is added, or all are.
pub(super) async fn upload(desk: Desk, request: Request) -> Response {
    let (mut draft, mut posted) = match desk.posted_to("upload", request).await {
        Ok(both) => both,
        Err(answer) => return answer,
    };
    if !posted.used("Add") {
        let message = if draft.documents.is_empty() {
            "Add at least one file."
        } else if draft.scanning {
            "Wait until every file has been scanned."
        } else {
            return desk.go(&mut draft, "summary");
        };
        return show_upload(&desk, &draft, message);
    }
    let Some((name, bytes)) = posted.file.take() else {
        return show_upload(&desk, &draft, "Choose a file.");
    };
    if let Some(message) = refused(&draft, &name, &bytes) {
        desk.note(Entry::new("upload").with("what", "refused").with("code", message));
        return show_upload(&desk, &draft, message);
    }
    let sha256 = hex(&Sha256::digest(&bytes));
    let size_bytes = bytes.len() as u64;
    let entry = Entry::new("upload").with("what", "ok").with("size_bytes", size_bytes);
    desk.note(entry.with("sha256", sha256.as_str()));
    draft.scanning |= desk.call.fires("scan-pending");
    let kind = "Supporting record".to_owned();
    draft.documents.push(Document { kind, name, size_bytes, sha256 });
    desk.keep(&draft);
    show_upload(&desk, &draft, "")
}

/// The whole case before it is sent.
pub(super) async fn summary_page(desk: Desk) -> Response {
    match desk.at("summary") {
        Ok(draft) => show_summary(&desk, &draft, ""),
        Err(answer) => answer,
    }
}

fn show_summary(desk: &Desk, draft: &Draft, message: &str) -> Response {
    let ids = desk.ids();
    let urgent = if draft.urgent == Some(true) { "Yes" } else { "No" };
    let day = draft.service_date.map(html::us_date).unwrap_or_default();
    let member = draft.member().map(|member| member.name()).unwrap_or_default();
    let born = draft.member().map(|member| html::us_date(member.dob)).unwrap_or_default();
    let facts = ids.facts(&[
        ("CaseNumber", "Case number", draft.number.clone()),
        ("Program", "Program", draft.program.clone()),
        ("MemberId", "Member ID", draft.member_id.clone()),
        ("MemberName", "Member", member),
        ("Born", "Date of birth", born),
        ("Requesting", "Requesting provider NPI", draft.requesting_npi.clone()),
        ("Site", "Site NPI", draft.site_npi.clone()),
        ("Codes", "Procedure codes", draft.codes.join(", ")),
        ("Day", "Date of service", day),
        ("Diagnosis", "Diagnosis code", draft.diagnosis.clone()),
        ("Urgent", "Urgent", urgent.to_owned()),
        ("Answers", "Questions answered", draft.answers.len().to_string()),
        ("Files", "Files", draft.documents.len().to_string()),
    ]);
    let mut buttons = String::new();
    if desk.call.fires("decoy-button") {
        buttons.push_str(&ids.button("Later", "Submit Case Later", ""));
    }
    buttons.push_str(&ids.button("Submit", desk.words("Submit Case", "Finish"), "result.aspx"));
    if desk.v2() {
        buttons.push_str(&ids.button("Later", "Finish later", ""));
    }
    let over = if desk.call.fires("survey") {
        ids.over("Survey", "How are we doing?", "Tell us about your visit.", "No thanks")
    } else {
        String::new()
    };
    let again = if desk.call.fires("page-retry") { REPEATS } else { "" };
    let body = format!("{facts}{}{over}{again}", ids.buttons(&buttons));
    desk.page(&ids, "summary", "Summary", message, body)
}

/// A page whose own script repeats what the form sends.
const REPEATS: &str = "<script>document.addEventListener('submit',function(e){var b=e.submitter;\
    if(!b||!b.formAction||b.formAction.indexOf('result.aspx')<0)return;var d=new URLSearchParams(new FormData(e.target));\
    d.append(b.name,b.value);fetch(b.formAction,{method:'POST',body:d,keepalive:true});});</script>";

/// "Later" leaves the case where it is.
pub(super) async fn summary(desk: Desk, request: Request) -> Response {
    match desk.posted_to("summary", request).await {
        Ok((_, posted)) if posted.used("Later") => to("incomplete.aspx"),
        Ok((draft, _)) => show_summary(&desk, &draft, ""),
        Err(answer) => answer,
    }
}

/// The case is submitted.
pub(super) async fn submit(desk: Desk, request: Request) -> Response {
    let draft = desk.draft();
    let six_weeks = path::six_weeks_of_therapy(&draft);
    let received = desk.note(Entry::new("submit_received").fields(draft.fields(six_weeks)));
    let mode = WriteMode::of(&desk.call);
    match mode {
        WriteMode::CutBefore => return desk.call.cut(&desk.sim, Cut::Reset).await,
        WriteMode::ErrorBefore => return gateway_error(&desk),
        _ => {}
    }
    let refuse = |code: &str| {
        let entry = Entry::new("submit_refused").with("code", code);
        desk.note(entry.with("received_seq", received));
    };
    let posted: Result<Posted, Response> = desk.posted("summary", request).await;
    let ready = posted.and_then(|_| desk.at("summary"));
    let mut draft = match ready {
        Ok(draft) if draft.end().is_some() => draft,
        Ok(_) => {
            refuse("not_finished");
            return desk.expired();
        }
        Err(answer) => {
            refuse("old_page");
            return answer;
        }
    };
    draft.closed = Some(Closed::Submitted);
    let previous = desk.sim.store.all().into_iter().rev().find(|case| case.recorded);
    let number = draft.number.clone();
    let case = record(&desk, &draft, number, received, mode);
    if desk.call.fires("records-twice") {
        let another = super::case_number(&desk.sim, false).value;
        record(&desk, &draft, another, received, mode);
    }
    desk.keep(&draft);
    answer(&desk, &draft, &case, previous.as_ref(), mode).await
}

fn record(desk: &Desk, draft: &Draft, number: String, received_seq: u64, mode: WriteMode) -> Case {
    let sim = &desk.sim;
    let from = Filed {
        payer: sim.profile.slug,
        account: &desk.session.account.id,
        origin: &desk.session.account.origin,
        received_seq,
        now: sim.now(),
        imaging_delegated: false,
    };
    let number = Number { kind: "case".to_owned(), value: number };
    let filing = draft.filing(path::six_weeks_of_therapy(draft));
    let mut case = super::file(sim, &from, filing, number);
    if draft.end() == Some("approve") {
        case.review(LineStatus::Approved, None, None, sim.now());
        super::settle(sim, &mut case);
    }
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
        WriteMode::ErrorAfter => gateway_error(desk),
        WriteMode::CutAfter => desk.call.cut(&desk.sim, Cut::Reset).await,
        WriteMode::CloseAfter => desk.call.cut(&desk.sim, Cut::Close).await,
        WriteMode::TimeoutAfter => html::page(StatusCode::REQUEST_TIMEOUT, String::new()),
        WriteMode::Never => desk.call.hang(&desk.sim).await,
        WriteMode::Late(_) => {
            show_summary(desk, draft, "The case could not be saved now. Try again later.")
        }
        WriteMode::ErrorShown => {
            show_summary(desk, draft, "Enter the date of service as MM/DD/YYYY.")
        }
        WriteMode::Half => half(&desk.call, result(desk, draft, case)).await,
        WriteMode::StaleNumber => result(desk, draft, previous.unwrap_or(case)),
        WriteMode::Plain | WriteMode::CutBefore | WriteMode::ErrorBefore => {
            result(desk, draft, case)
        }
    }
}

fn gateway_error(desk: &Desk) -> Response {
    let body = "<p>502 Bad Gateway</p><p>The server could not complete the request.</p>";
    let page = super::look::plain(desk.session.skin, "502", body);
    html::page(StatusCode::BAD_GATEWAY, page)
}

/// The result of a case.
fn result(desk: &Desk, draft: &Draft, case: &Case) -> Response {
    let ids = desk.ids();
    let number = case.number("case").unwrap_or_default();
    desk.note(Entry::new("number_shown").with("number", number));
    let words = cases::shown_status(desk, case);
    let authorization = case.number("authorization").unwrap_or_default();
    let line = match (words, desk.v2()) {
        ("Approved", false) => format!("Approved — authorization {authorization}"),
        ("Approved", true) => {
            format!("Request complete: approved, authorization number {authorization}")
        }
        ("Denied", _) => "Denied. The reasons are on the case page.".to_owned(),
        (_, false) => "Unable to approve at this time. Sent to clinical review.".to_owned(),
        (_, true) => "Request complete: sent to clinical review.".to_owned(),
    };
    let day = case.service_dates().0;
    let codes: Vec<&str> = case.lines.iter().map(|line| line.code.as_str()).collect();
    let mut body = format!("<p id=\"{}\"><b>{}</b></p>", ids.id("lbl", "Result"), esc(&line));
    body.push_str(&ids.facts(&[
        ("CaseNumber", desk.words("Case number", "Request reference"), number.to_owned()),
        ("Authorization", "Authorization number", authorization.to_owned()),
        ("MemberId", "Member ID", case.filing.member_id.clone()),
        ("Codes", "Procedure codes", codes.join(", ")),
        ("Day", "Date of service", html::us_date(day)),
    ]));
    if !draft.return_to.is_empty() {
        let back = esc(&draft.return_to);
        body.push_str(&format!("<p><a href=\"{back}\">Return to Crestline Connect</a></p>"));
    }
    let message = if desk.call.fires("double-answer") {
        "Something went wrong. Your case was not saved."
    } else {
        ""
    };
    // The menu posts back to the front page, so that nothing but a submit is ever sent to this address.
    desk.page(&ids, "home", "Case result", message, body)
}

/// The result is opened again by its case number.
pub(super) async fn reopen(
    desk: Desk,
    Query(query): Query<std::collections::HashMap<String, String>>,
) -> Response {
    let number = query.get("case").map(String::as_str).unwrap_or_default();
    let case = desk.sim.store.find(number);
    match case {
        Some(case) => result(&desk, &Draft::default(), &case),
        None => desk.expired(),
    }
}
