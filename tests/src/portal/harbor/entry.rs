//! The six pages of a request: type, member, providers, lines, certification, documents with the summary. Each page posts
//! to itself; the answer is the next page, or the same one with findings at its top.

use axum::{extract::Request, http::StatusCode, response::Response};
use sha2::{Digest as _, Sha256};

use super::{
    desk::{self, Desk, Fields, Typed, value},
    draft::{self, Draft, DraftLine, TYPES},
    eastern,
    look::chosen,
    lookup,
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
        "{guard}<form method=\"post\" action=\"{}\" name=\"{}\" onsubmit=\"leaving=true\">{inner}</form>",
        desk.href(page),
        desk.form_name()
    )
}

const LINE_HEADERS: [&str; 7] = ["Line", "Code", "Modifiers", "Units", "From", "To", "Amount"];

const PRIORITIES: [(&str, &str); 2] = [("S", "Standard"), ("E", "Expedited")];

/// Begins a new request and forgets an unfinished one.
pub(super) async fn start(desk: Desk) -> Response {
    let draft = Draft::default();
    desk.keep(&draft);
    desk.put("question", serde_json::Value::Bool(false));
    type_page(&desk, &draft, &[])
}

fn type_page(desk: &Desk, draft: &Draft, edits: &[Edit]) -> Response {
    desk.saw("paEntry1");
    let look = desk.look();
    let types = TYPES.map(|name| (name, name));
    let priority = if draft.expedited { "E" } else { "S" };
    let fields = [
        look.list("Request Type", "requestType", &types, &draft.request_type),
        look.list("Review Priority", "priority", &PRIORITIES, priority),
    ];
    let body = look.set(&fields, &[1, 0]) + &look.next();
    desk.page("Enter Request - Type", edits, &form(desk, "paEntry1", &body))
}

/// The type is chosen.
pub(super) async fn kind(desk: Desk, Typed(fields): Typed) -> Response {
    let mut draft = desk.draft();
    draft.request_type = value(&fields, "requestType");
    draft.expedited = chosen(&PRIORITIES, &value(&fields, "priority")) == "E";
    desk.keep(&draft);
    if !TYPES.contains(&draft.request_type.as_str()) {
        return type_page(&desk, &draft, &[Edit::CodeNotOnFile]);
    }
    member_page(&desk, &draft)
}

fn member_page(desk: &Desk, draft: &Draft) -> Response {
    desk.saw("paEntry2");
    let look = desk.look();
    let fields = [
        look.fixed("Member ID", "memberId", &draft.member_id),
        look.fixed("Member Name", "memberName", &draft.member_name),
        look.fixed("Date of Birth", "memberDob", &draft.member_dob),
    ];
    let open = lookup::opens(desk, "memberSearch", "width=640,height=440");
    let words = if look.redesigned() { "Choose Member" } else { "Search" };
    let body = format!(
        "{}<p>{}</p>{}",
        look.set(&fields, &[1, 2, 0]),
        look.button(words, &open),
        look.next()
    );
    let page = form(desk, "paEntry2", &body) + &lookup::dialog(desk, "Member Search");
    desk.page("Enter Request - Member", &[], &page)
}

/// The member came from the pop-up, or not at all: nothing is said about it before the submit.
pub(super) async fn member(desk: Desk, Typed(fields): Typed) -> Response {
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
    let look = desk.look();
    let all: Vec<(&str, &str)> =
        taxonomy::list().iter().map(|one| (one.code.as_str(), one.label.as_str())).collect();
    let question = if desk.call.fires("new-question") {
        desk.put("question", serde_json::Value::Bool(true));
        "<tr><td><label for=\"pos\">Place of Service *</label></td>\
         <td><input type=\"text\" id=\"pos\" name=\"pos\" required></td></tr>"
    } else {
        ""
    };
    let words = if desk.call.fires("renamed-labels") {
        ["Ordering NPI", "Requesting Taxonomy", "Performing NPI", "Performing Specialty"]
    } else {
        ["Requesting NPI", "Requesting Taxonomy", "Rendering NPI", "Rendering Taxonomy"]
    };
    let mut fields = [
        look.field(words[0], "requestingNpi", &draft.requesting_npi, 14),
        look.list(words[1], "requestingTaxonomy", &all, &draft.requesting_taxonomy),
        look.field(words[2], "renderingNpi", &draft.rendering_npi, 14),
        look.list(words[3], "renderingTaxonomy", &all, &draft.rendering_taxonomy),
        question.to_owned(),
    ];
    if desk.call.fires("reordered-fields") {
        fields[..4].rotate_left(2);
    }
    let body = look.set(&fields, &[2, 3, 0, 1, 4]) + &look.next();
    desk.page("Enter Request - Providers", edits, &form(desk, "paEntry3", &body))
}

/// The providers are typed.
pub(super) async fn providers(desk: Desk, Typed(fields): Typed) -> Response {
    let mut draft = desk.draft();
    draft.requesting_npi = value(&fields, "requestingNpi");
    draft.requesting_taxonomy = taxonomy::code(&value(&fields, "requestingTaxonomy"));
    draft.rendering_npi = value(&fields, "renderingNpi");
    draft.rendering_taxonomy = taxonomy::code(&value(&fields, "renderingTaxonomy"));
    desk.keep(&draft);
    let missing = desk.call.fires("provider-missing").then_some(Edit::NotEnrolled);
    if let Some(edit) = missing.or_else(|| rules::providers(&draft)) {
        return provider_page(&desk, &draft, &[edit]);
    }
    lines_page(&desk, &draft, &Fields::new(), &[])
}

fn lines_page(desk: &Desk, draft: &Draft, typed: &Fields, edits: &[Edit]) -> Response {
    desk.saw("paEntry4");
    let look = desk.look();
    let rows: Vec<Vec<String>> =
        draft.lines.iter().enumerate().map(|(i, line)| row(i, line)).collect();
    let diagnoses = look.field("Diagnosis Codes", "diagnoses", &draft.diagnoses.join(", "), 50);
    let find = look.button("Find Code", &lookup::opens(desk, "codeSearch", "width=560,height=420"));
    let fields = if look.redesigned() {
        service_set(desk, typed, &find)
    } else {
        service_table(typed, &find)
    };
    let add = if look.redesigned() {
        format!(
            "<p><button type=\"submit\" name=\"act\" value=\"add\">{}</button></p>",
            look.says("Add Line")
        )
    } else {
        "<p><input type=\"submit\" name=\"go\" value=\"Add Line\"></p>".to_owned()
    };
    let body = format!(
        "{}{}{fields}{add}{}{}",
        look.set(&[diagnoses], &[0]),
        look.heading("Service Line"),
        look.table("Lines on this request", &LINE_HEADERS, &rows),
        look.next()
    );
    let page = form(desk, "paEntry4", &body) + &lookup::dialog(desk, "Code Search");
    desk.page("Enter Request - Service Lines", edits, &page)
}

/// The fields of one line. As on many old pages some words are only beside their field, not connected to it.
fn service_table(typed: &Fields, find: &str) -> String {
    let beside = |words: &str, name: &str, size: u8| {
        format!(
            "<td>{words}</td><td><input type=\"text\" name=\"{name}\" value=\"{}\" size=\"{size}\"></td>",
            esc(&value(typed, name))
        )
    };
    format!(
        "<table><tr><td><label for=\"procedure\">Procedure Code</label></td><td><input type=\"text\" id=\"procedure\" \
         name=\"procedure\" value=\"{}\" size=\"8\"> {find}</td>{}</tr>\
         <tr><td><label for=\"units\">Units</label></td><td><input type=\"text\" id=\"units\" name=\"units\" \
         value=\"{}\" size=\"6\"></td>{}</tr><tr>{}{}</tr></table>",
        esc(&value(typed, "procedure")),
        beside("Modifiers", "modifiers", 10),
        esc(&value(typed, "units")),
        beside("Requested Amount", "amount", 10),
        beside("From Date", "from", 12),
        beside("To Date", "to", 12),
    )
}

/// The same, redesigned: dates first, everything with a label.
fn service_set(desk: &Desk, typed: &Fields, find: &str) -> String {
    let fields = [
        ("From Date", "from"),
        ("To Date", "to"),
        ("Procedure Code", "procedure"),
        ("Units", "units"),
        ("Requested Amount", "amount"),
        ("Modifiers", "modifiers"),
    ];
    let look = desk.look();
    let fields = fields.map(|(words, name)| look.field(words, name, &value(typed, name), 0));
    format!("{}<p>{find}</p>", look.set(&fields, &[0, 1, 2, 3, 4, 5]))
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
pub(super) async fn lines(desk: Desk, Typed(fields): Typed) -> Response {
    let mut draft = desk.draft();
    draft.diagnoses = draft::codes(&value(&fields, "diagnoses"));
    if value(&fields, "go") == "Add Line" || value(&fields, "act") == "add" {
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
    let look = desk.look();
    let statement = if look.redesigned() {
        format!("<blockquote class=\"hs-told\">{}</blockquote>", esc(CERTIFICATION))
    } else {
        format!(
            "<table style=\"max-width:620px\"><tr><td><p id=\"statement\">{}</p></td></tr></table>",
            esc(CERTIFICATION)
        )
    };
    let (name, date) =
        if look.redesigned() { ("Typed Name", "Typed Date") } else { ("Name", "Date") };
    let fields = [
        look.field(name, "certName", &draft.certified_by, 30),
        look.field(date, "certDate", &draft.certified_on, 12),
    ];
    let body = statement + &look.set(&fields, &[1, 0]) + &look.next();
    desk.page("Enter Request - Certification", edits, &form(desk, "paEntry5", &body))
}

/// The certification is typed.
pub(super) async fn certification(desk: Desk, Typed(fields): Typed) -> Response {
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
    let look = desk.look();
    let attached = if documents.is_empty() {
        "<p>No documents attached.</p>".to_owned()
    } else {
        look.table("Attached Documents", &["File", "Size"], &documents)
    };
    let body = format!(
        "{}{}{attached}{}{}{}{}",
        look.heading("Documents"),
        upload(desk),
        look.heading("Request Summary"),
        look.facts(&[
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
        look.table("Lines on this request", &LINE_HEADERS, &rows),
        form(desk, "paResult", &send(desk)),
    ) + &survey(desk);
    desk.page("Enter Request - Documents and Submit", edits, &body)
}

/// The form that takes a document.
fn upload(desk: &Desk) -> String {
    let look = desk.look();
    let name = if look.redesigned() { "up_pdf" } else { "document" };
    let words = look.says("Document (PDF, 10 MB)");
    format!(
        "<form method=\"post\" action=\"{}\" enctype=\"multipart/form-data\" \
         onsubmit=\"leaving=true\"><label for=\"{name}\">{words}</label> \
         <input type=\"file\" id=\"{name}\" name=\"{name}\"> {}</form>",
        desk.href("paEntry6"),
        look.send("Attach")
    )
}

/// The accepted question is what sends; the click before it is not. A second click is told so.
fn send(desk: &Desk) -> String {
    // A page whose own script sends the same once more.
    let again = if desk.call.fires("page-retry") {
        "fetch(f.action,{method:'POST',body:new URLSearchParams(new FormData(f)),keepalive:true});"
    } else {
        ""
    };
    let decoy = if desk.call.fires("decoy-button") {
        desk.look().button("Submit Later", "alert('Your request has not been submitted.')")
    } else {
        String::new()
    };
    format!(
        "<script>var sent=false;function send(f){{\
         if(sent){{alert('This request has already been submitted.');return;}}\
         if(!confirm('Submit this request?'))return;\
         sent=true;leaving=true;{again}f.submit();}}</script>\
         <p>{decoy}{}</p>",
        desk.look().button("Submit", "send(this.form)")
    )
}

/// A survey that covers the page until it is closed.
fn survey(desk: &Desk) -> String {
    if !desk.call.fires("survey") {
        return String::new();
    }
    desk.note(Entry::new("announcement").with("what", "shown"));
    let look = desk.look();
    let (over, pane) = look.over();
    let shut = look.button("No Thanks", "document.getElementById('srv').style.display='none'");
    format!(
        "<div id=\"srv\" {over}><div {pane} role=\"dialog\" aria-label=\"Provider Survey\"><h3>Provider Survey</h3>\
         <p>How satisfied are you with the provider portal?</p><p>{shut}</p></div></div>"
    )
}

/// A document is attached.
pub(super) async fn document(desk: Desk, request: Request) -> Response {
    let mut draft = desk.draft();
    let Some((name, bytes)) = desk::file(request).await else {
        return html::page(
            StatusCode::BAD_REQUEST,
            desk.look().page("Document", &[Edit::Empty], ""),
        );
    };
    let unwanted = desk.call.fires("upload-refused").then_some(Edit::TooLarge);
    if let Some(edit) = unwanted.or_else(|| rules::document(&bytes)) {
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
