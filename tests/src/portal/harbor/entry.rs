//! The six pages of a request: type, member, providers, lines, certification, documents with the summary. Each page posts
//! to itself; the answer is the next page, or the same one with findings at its top.

use axum::{Form, extract::Request, http::StatusCode, response::Response};
use sha2::{Digest as _, Sha256};

use super::{
    desk::{self, Desk, Fields, value},
    draft::{self, Draft, DraftLine, TYPES},
    eastern, look,
    rules::{self, Edit},
    taxonomy,
};
use crate::{
    ledger::{Entry, hex},
    portal::{
        html::{self, esc},
        store::Document,
        world::world,
    },
};

/// What a person certifies, word for word.
pub const CERTIFICATION: &str = "I certify that the information in this request is true, accurate and complete, that \
    the services requested are medically necessary, and that supporting records will be made available on request.";

/// A page that asks before it is left by anything but its own buttons.
fn form(desk: &Desk, page: &str, inner: &str) -> String {
    let guard = if desk.sim.knobs.flag("beforeunload") {
        "<script>var leaving=false;window.onbeforeunload=function(){\
         if(!leaving)return 'Your request has not been submitted.';}</script>"
    } else {
        "<script>var leaving=false;</script>"
    };
    format!(
        "{guard}<form method=\"post\" action=\"{}\" name=\"pa\" onsubmit=\"leaving=true\">{inner}</form>",
        desk.href(page)
    )
}

const NEXT: &str = "<p><input type=\"submit\" name=\"go\" value=\"Next\"></p>";

/// Begins a new request and forgets an unfinished one.
pub(super) async fn start(desk: Desk) -> Response {
    let draft = Draft::default();
    desk.keep(&draft);
    desk.put("question", serde_json::Value::Bool(false));
    type_page(&desk, &draft, &[])
}

fn type_page(desk: &Desk, draft: &Draft, edits: &[Edit]) -> Response {
    desk.saw("paEntry1");
    let types = look::options(TYPES.iter().map(|name| (*name, *name)), &draft.request_type);
    let priority = look::options(
        [("S", "Standard"), ("E", "Expedited")].into_iter(),
        if draft.expedited { "E" } else { "S" },
    );
    let body = format!(
        "<table><tr><td><label for=\"requestType\">Request Type</label></td>\
         <td><select id=\"requestType\" name=\"requestType\">{types}</select></td></tr>\
         <tr><td><label for=\"priority\">Review Priority</label></td>\
         <td><select id=\"priority\" name=\"priority\">{priority}</select></td></tr></table>{NEXT}"
    );
    desk.page("Enter Request - Type", edits, &form(desk, "paEntry1", &body))
}

/// The type is chosen.
pub(super) async fn kind(desk: Desk, Form(fields): Form<Fields>) -> Response {
    let mut draft = desk.draft();
    draft.request_type = value(&fields, "requestType");
    draft.expedited = value(&fields, "priority") == "E";
    desk.keep(&draft);
    if !TYPES.contains(&draft.request_type.as_str()) {
        return type_page(&desk, &draft, &[Edit::CodeNotOnFile]);
    }
    member_page(&desk, &draft)
}

fn member_page(desk: &Desk, draft: &Draft) -> Response {
    desk.saw("paEntry2");
    let fixed = |words: &str, name: &str, value: &str| {
        format!(
            "<tr><td>{words}</td><td><input type=\"text\" id=\"{name}\" name=\"{name}\" value=\"{}\" size=\"26\" \
             readonly></td></tr>",
            esc(value)
        )
    };
    // A blocked window opens nothing and says nothing; the field stays empty.
    let open = if desk.sim.knobs.text("popup") == "blocked" {
        "return false".to_owned()
    } else {
        format!(
            "window.open('{}','memberSearch','width=640,height=440,scrollbars=yes')",
            desk.href("memberSearch")
        )
    };
    let body = format!(
        "<table>{}{}{}</table><p><input type=\"button\" value=\"Search\" onclick=\"{open}\"></p>{NEXT}",
        fixed("Member ID", "memberId", &draft.member_id),
        fixed("Member Name", "memberName", &draft.member_name),
        fixed("Date of Birth", "memberDob", &draft.member_dob),
    );
    desk.page("Enter Request - Member", &[], &form(desk, "paEntry2", &body))
}

/// The member came from the pop-up, or not at all: nothing is said about it before the submit.
pub(super) async fn member(desk: Desk, Form(fields): Form<Fields>) -> Response {
    let mut draft = desk.draft();
    draft.member_id = value(&fields, "memberId");
    draft.member_name = value(&fields, "memberName");
    draft.member_dob = value(&fields, "memberDob");
    desk.keep(&draft);
    if !draft.member_id.is_empty() {
        desk.works_on(&draft.member_id);
    }
    provider_page(&desk, &draft, &[])
}

fn provider_page(desk: &Desk, draft: &Draft, edits: &[Edit]) -> Response {
    desk.saw("paEntry3");
    let list = |name: &str, words: &str, chosen: &str| {
        let entries = taxonomy::list().iter().map(|one| (one.code.as_str(), one.label.as_str()));
        format!(
            "<tr><td><label for=\"{name}\">{words}</label></td><td><select id=\"{name}\" name=\"{name}\">{}</select>\
             </td></tr>",
            look::options(entries, chosen)
        )
    };
    let question = if desk.call.fires("new-question") {
        desk.put("question", serde_json::Value::Bool(true));
        "<tr><td><label for=\"pos\">Place of Service *</label></td>\
         <td><input type=\"text\" id=\"pos\" name=\"pos\" required></td></tr>"
    } else {
        ""
    };
    let body = format!(
        "<table>{}{}{}{}{question}</table>{NEXT}",
        look::field("Requesting NPI", "requestingNpi", &draft.requesting_npi, 14),
        list("requestingTaxonomy", "Requesting Taxonomy", &draft.requesting_taxonomy),
        look::field("Rendering NPI", "renderingNpi", &draft.rendering_npi, 14),
        list("renderingTaxonomy", "Rendering Taxonomy", &draft.rendering_taxonomy),
    );
    desk.page("Enter Request - Providers", edits, &form(desk, "paEntry3", &body))
}

/// The providers are typed.
pub(super) async fn providers(desk: Desk, Form(fields): Form<Fields>) -> Response {
    let mut draft = desk.draft();
    draft.requesting_npi = value(&fields, "requestingNpi");
    draft.requesting_taxonomy = value(&fields, "requestingTaxonomy");
    draft.rendering_npi = value(&fields, "renderingNpi");
    draft.rendering_taxonomy = value(&fields, "renderingTaxonomy");
    desk.keep(&draft);
    if let Some(edit) = rules::providers(&draft) {
        return provider_page(&desk, &draft, &[edit]);
    }
    lines_page(&desk, &draft, &Fields::new(), &[])
}

fn lines_page(desk: &Desk, draft: &Draft, typed: &Fields, edits: &[Edit]) -> Response {
    desk.saw("paEntry4");
    // As on many old pages some words are only beside their field, not connected to it.
    let beside = |words: &str, name: &str, size: u8| {
        format!(
            "<td>{words}</td><td><input type=\"text\" name=\"{name}\" value=\"{}\" size=\"{size}\"></td>",
            esc(&value(typed, name))
        )
    };
    let rows: Vec<Vec<String>> =
        draft.lines.iter().enumerate().map(|(i, line)| row(i, line)).collect();
    let headers = ["Line", "Code", "Modifiers", "Units", "From", "To", "Amount"];
    let body = format!(
        "<table>{}</table><h3>Service Line</h3><table>\
         <tr><td><label for=\"procedure\">Procedure Code</label></td><td><input type=\"text\" id=\"procedure\" \
         name=\"procedure\" value=\"{}\" size=\"8\"> <input type=\"button\" value=\"Find Code\" \
         onclick=\"window.open('{}','codeSearch','width=560,height=420,scrollbars=yes')\"></td>{}</tr>\
         <tr><td><label for=\"units\">Units</label></td><td><input type=\"text\" id=\"units\" name=\"units\" \
         value=\"{}\" size=\"6\"></td>{}</tr><tr>{}{}</tr></table>\
         <p><input type=\"submit\" name=\"go\" value=\"Add Line\"></p>{}{NEXT}",
        look::field("Diagnosis Codes", "diagnoses", &draft.diagnoses.join(", "), 50),
        esc(&value(typed, "procedure")),
        desk.href("codeSearch"),
        beside("Modifiers", "modifiers", 10),
        esc(&value(typed, "units")),
        beside("Requested Amount", "amount", 10),
        beside("From Date", "from", 12),
        beside("To Date", "to", 12),
        look::table("Lines on this request", &headers, &rows),
    );
    desk.page("Enter Request - Service Lines", edits, &form(desk, "paEntry4", &body))
}

fn row(index: usize, line: &DraftLine) -> Vec<String> {
    vec![
        (index + 1).to_string(),
        esc(&line.code),
        esc(&line.modifiers),
        line.units.to_string(),
        html::us_date(line.from),
        html::us_date(line.to),
        esc(&line.amount),
    ]
}

/// A line is added, or the page is done.
pub(super) async fn lines(desk: Desk, Form(fields): Form<Fields>) -> Response {
    let mut draft = desk.draft();
    draft.diagnoses = draft::codes(&value(&fields, "diagnoses"));
    if value(&fields, "go") == "Add Line" {
        return add_line(&desk, draft, &fields);
    }
    desk.keep(&draft);
    let mut edits: Vec<Edit> = rules::diagnoses(&draft.diagnoses).into_iter().collect();
    if draft.lines.is_empty() && edits.is_empty() {
        edits.push(Edit::CodeNotOnFile);
    }
    if !rules::eligible(&draft, desk.sim.start_date()) || desk.call.fires("not-active") {
        edits.push(Edit::NotEligible);
    }
    if edits.is_empty() {
        return certification_page(&desk, &draft, &[]);
    }
    lines_page(&desk, &draft, &fields, &edits)
}

fn add_line(desk: &Desk, mut draft: Draft, fields: &Fields) -> Response {
    let mut edits = Vec::new();
    let code = value(fields, "procedure").to_uppercase();
    if world().procedure(&code).is_none() || desk.call.fires("retired-code") {
        edits.push(Edit::CodeNotOnFile);
    }
    let units: u32 = value(fields, "units").parse().unwrap_or(0);
    if units == 0 {
        edits.push(Edit::UnitsRequired);
    }
    let dates = rules::date(&value(fields, "from")).zip(rules::date(&value(fields, "to")));
    match dates {
        None => edits.push(Edit::DateFormat),
        Some((from, to)) => {
            if from < eastern(desk.sim.now()).date() || to < from {
                edits.push(Edit::DateBeforeToday);
            }
            if draft.lines.iter().any(|line| line.code == code && line.from == from) {
                edits.push(Edit::DuplicateLine);
            }
        }
    }
    if let (true, Some((from, to)), true) = (edits.is_empty(), dates, draft.lines.len() < 25) {
        let (modifiers, amount) = (value(fields, "modifiers"), value(fields, "amount"));
        draft.lines.push(DraftLine { code, modifiers, units, from, to, amount });
        desk.keep(&draft);
        return lines_page(desk, &draft, &Fields::new(), &[]);
    }
    desk.keep(&draft);
    lines_page(desk, &draft, fields, &edits)
}

fn certification_page(desk: &Desk, draft: &Draft, edits: &[Edit]) -> Response {
    desk.saw("paEntry5");
    let body = format!(
        "<table width=\"620\"><tr><td><p id=\"statement\">{}</p></td></tr></table><table>{}{}</table>{NEXT}",
        esc(CERTIFICATION),
        look::field("Name", "certName", &draft.certified_by, 30),
        look::field("Date", "certDate", &draft.certified_on, 12),
    );
    desk.page("Enter Request - Certification", edits, &form(desk, "paEntry5", &body))
}

/// The certification is typed.
pub(super) async fn certification(desk: Desk, Form(fields): Form<Fields>) -> Response {
    let mut draft = desk.draft();
    draft.certified_by = value(&fields, "certName");
    draft.certified_on = value(&fields, "certDate");
    desk.keep(&draft);
    if draft.certified_by.is_empty() || draft.certified_on.is_empty() {
        return certification_page(&desk, &draft, &[Edit::CertificationRequired]);
    }
    if rules::date(&draft.certified_on).is_none() {
        return certification_page(&desk, &draft, &[Edit::DateFormat]);
    }
    desk.note(Entry::new("signature_received").with("name_given", true));
    summary_page(&desk, &draft, &[])
}

/// The last page: documents, and the whole request before it is sent.
pub(super) fn summary_page(desk: &Desk, draft: &Draft, edits: &[Edit]) -> Response {
    desk.saw("paEntry6");
    let documents: Vec<Vec<String>> = draft
        .documents
        .iter()
        .map(|one| vec![esc(&one.name), format!("{} bytes", one.size_bytes)])
        .collect();
    let rows: Vec<Vec<String>> =
        draft.lines.iter().enumerate().map(|(i, line)| row(i, line)).collect();
    let headers = ["Line", "Code", "Modifiers", "Units", "From", "To", "Amount"];
    let attached = if documents.is_empty() {
        "<p>No documents attached.</p>".to_owned()
    } else {
        look::table("Attached Documents", &["File", "Size"], &documents)
    };
    let body = format!(
        "<h3>Documents</h3><form method=\"post\" action=\"{}\" enctype=\"multipart/form-data\" \
         onsubmit=\"leaving=true\"><label for=\"document\">Document (PDF, 10 MB)</label> \
         <input type=\"file\" id=\"document\" name=\"document\"> <input type=\"submit\" value=\"Attach\"></form>\
         {attached}<h3>Request Summary</h3>{}{}{}",
        desk.href("paEntry6"),
        look::facts(&[
            ("Request Type", draft.request_type.clone()),
            ("Review Priority", if draft.expedited { "Expedited" } else { "Standard" }.to_owned()),
            ("Member ID", draft.member_id.clone()),
            ("Member Name", draft.member_name.clone()),
            ("Date of Birth", draft.member_dob.clone()),
            ("Requesting NPI", draft.requesting_npi.clone()),
            ("Rendering NPI", draft.rendering_npi.clone()),
            ("Diagnosis Codes", draft.diagnoses.join(", ")),
            ("Certified By", draft.certified_by.clone()),
        ]),
        look::table("Lines on this request", &headers, &rows),
        form(desk, "paResult", SEND),
    );
    desk.page("Enter Request - Documents and Submit", edits, &body)
}

/// The accepted question is what sends; the click before it is not. A second click is told so.
const SEND: &str = "<script>var sent=false;function send(f){\
    if(sent){alert('This request has already been submitted.');return;}\
    if(!confirm('Submit this request?'))return;\
    sent=true;leaving=true;f.submit();}</script>\
    <p><input type=\"button\" value=\"Submit\" onclick=\"send(this.form)\"></p>";

/// A document is attached.
pub(super) async fn document(desk: Desk, request: Request) -> Response {
    let mut draft = desk.draft();
    let Some((name, bytes)) = desk::file(request).await else {
        return html::page(StatusCode::BAD_REQUEST, look::page("Document", &[Edit::Empty], ""));
    };
    if let Some(edit) = rules::document(&bytes) {
        desk.note(Entry::new("upload").with("what", "refused").with("code", edit.code()));
        return summary_page(&desk, &draft, &[edit]);
    }
    let size_bytes = bytes.len() as u64;
    let sha256 = hex(&Sha256::digest(&bytes));
    desk.note(
        Entry::new("upload")
            .with("what", "ok")
            .with("size_bytes", size_bytes)
            .with("sha256", sha256.as_str()),
    );
    draft.documents.push(Document {
        kind: "Supporting document".to_owned(),
        name,
        size_bytes,
        sha256,
    });
    desk.keep(&draft);
    summary_page(&desk, &draft, &[])
}
