//! Documents, and the last page with the whole episode on it. In v2 both are one page.

use axum::{extract::Request, http::StatusCode, response::Response};
use sha2::{Digest as _, Sha256};

use super::{
    desk::{self, Desk},
    draft::Draft,
    look,
};
use crate::{
    ledger::{Entry, hex},
    portal::{
        html::{self, esc},
        store::Document,
    },
};

/// The largest document, bytes.
const DOCUMENT_MAX: usize = 10 * 1024 * 1024;

/// What is wrong with a document, if anything.
pub(super) fn judge(bytes: &[u8], count: usize) -> Option<(&'static str, &'static str)> {
    let tif = bytes.starts_with(b"II*\0") || bytes.starts_with(b"MM\0*");
    match bytes {
        [] => Some(("empty", "The file is empty.")),
        long if long.len() > DOCUMENT_MAX => Some(("size", "The file is larger than 10 MB.")),
        other if !tif && !other.starts_with(b"%PDF-") => {
            Some(("type", "Only PDF and TIF files are accepted."))
        }
        _ if count >= 5 => Some(("count", "No more than 5 files.")),
        _ => None,
    }
}

fn upload(desk: &Desk, draft: &Draft, message: &str) -> String {
    let look = desk.look;
    let rows: Vec<Vec<String>> = draft
        .documents
        .iter()
        .map(|one| {
            let state = if draft.scanning { "Scan pending" } else { "Received" };
            vec![
                esc(&one.name),
                format!("{} bytes", one.size_bytes),
                esc(&one.kind),
                state.to_owned(),
            ]
        })
        .collect();
    let attached = if rows.is_empty() {
        "<p>No documents attached.</p>".to_owned()
    } else {
        look.table("Attached documents", &["File", "Size", "Receipt", "State"], &rows)
    };
    let id = look.id("document");
    format!(
        "{}<form method=\"post\" action=\"/documents\" enctype=\"multipart/form-data\">\
         <div class=\"row\"><label for=\"{id}\">{}</label> <input type=\"file\" id=\"{id}\" name=\"{id}\"></div>{}</form>\
         {attached}",
        look.alert(message),
        look.say("Document (PDF or TIF, 10 MB)", "Add a file"),
        look.go(look.say("Attach File", "Upload"))
    )
}

/// Up to five documents.
pub(super) async fn documents_page(desk: Desk) -> Response {
    let draft = desk.draft();
    if desk.look.v2 {
        return html::redirect(StatusCode::SEE_OTHER, "/submit");
    }
    documents(&desk, &draft, "")
}

fn documents(desk: &Desk, draft: &Draft, message: &str) -> Response {
    desk.saw("documents");
    if desk.call.fires("new-question") {
        let mut asked = draft.clone();
        asked.place = Some(String::new());
        desk.keep(&asked);
    }
    let body = format!(
        "{}{}{}",
        upload(desk, draft, message),
        desk.look.onward("Continue", "/submit"),
        look::overlays(desk)
    );
    desk.shown(desk.look.um(desk, "Documents", &body))
}

/// A document is attached.
pub(super) async fn document(desk: Desk, request: Request) -> Response {
    let mut draft = desk.draft();
    let (name, bytes) = desk::file(request).await.unwrap_or_default();
    let refused = judge(&bytes, draft.documents.len());
    if let Some((code, words)) = refused {
        desk.note(Entry::new("upload").with("what", "refused").with("code", code));
        return again(&desk, &draft, words);
    }
    draft.documents.push(received(&desk, name, &bytes));
    draft.scanning |= desk.call.fires("scan-pending");
    desk.keep(&draft);
    again(&desk, &draft, "")
}

/// Notes a document that came and gives it a receipt.
pub(super) fn received(desk: &Desk, name: String, bytes: &[u8]) -> Document {
    let (size_bytes, sha256) = (bytes.len() as u64, hex(&Sha256::digest(bytes)));
    let entry = Entry::new("upload").with("what", "ok").with("size_bytes", size_bytes);
    desk.note(entry.with("sha256", sha256.as_str()));
    let receipt = format!("F{}", 20_000_000 + desk.sim.kept.next("number/upload"));
    Document { kind: receipt, name, size_bytes, sha256 }
}

fn again(desk: &Desk, draft: &Draft, message: &str) -> Response {
    if desk.look.v2 { review(desk, draft, "", message) } else { documents(desk, draft, message) }
}

/// The whole episode.
pub(super) async fn page(desk: Desk) -> Response {
    let mut draft = desk.draft();
    if desk.call.fires("new-question") {
        draft.place = Some(String::new());
        desk.keep(&draft);
    }
    review(&desk, &draft, "", "")
}

/// The last page, with a message above its button.
pub(super) fn review(desk: &Desk, draft: &Draft, message: &str, upload_message: &str) -> Response {
    desk.saw("review");
    let look = desk.look;
    let rows: Vec<Vec<String>> = draft
        .rows
        .iter()
        .map(|row| vec![esc(&row.code), esc(&row.units), esc(&row.from), esc(&row.to)])
        .collect();
    let member = desk::member(&draft.member_id);
    let facts = look.facts(&[
        ("Member", member.map(|one| one.name()).unwrap_or_default()),
        ("Member ID", draft.member_id.clone()),
        ("Episode Type", draft.kind.clone()),
        ("Urgency", if draft.expedited { "Expedited" } else { "Standard" }.to_owned()),
        ("Diagnosis Codes", draft.diagnoses.join(", ")),
        ("Requesting", draft.requesting.clone()),
        ("Servicing", draft.servicing.clone()),
        ("Facility", draft.facility.clone()),
        ("Renewal of", draft.renews.clone().unwrap_or_default()),
        ("Documents", if look.v2 { String::new() } else { draft.documents.len().to_string() }),
    ]);
    let files = if look.v2 { upload(desk, draft, upload_message) } else { String::new() };
    let place = match &draft.place {
        Some(place) => {
            let id = look.id("place");
            format!(
                "<div class=\"row\"><label for=\"{id}\">Place of Service *</label> \
                 <input type=\"text\" id=\"{id}\" name=\"{id}\" required value=\"{}\"></div>",
                esc(place)
            )
        }
        None => String::new(),
    };
    let decoy = if desk.call.fires("decoy-button") {
        "<p><a class=\"btn\" href=\"/member\">Submit Episode Later</a></p>"
    } else {
        look.say("", "<button type=\"button\" onclick=\"window.print()\">Send to printer</button>")
    };
    let twice = if desk.call.fires("page-retry") { " data-twice=\"1\"" } else { "" };
    let body = format!(
        "{files}{facts}{}{}<form method=\"post\" action=\"/submit\" class=\"final\"{twice}>{}{place}{decoy}{}</form>{}",
        look.table("Services requested", &["Service Code", "Units", "From", "To"], &rows),
        look.alert(message),
        look.input(
            look.say("Office Note", "Your note"),
            "officeNote",
            "text",
            &draft.office_note,
            true
        ),
        look.go(look.say("Submit Episode", "Send for review")),
        look::overlays(desk)
    );
    desk.shown(look.um(desk, look.say("Review and Submit", "Almost done"), &body))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_are_judged_by_their_bytes_and_their_number() {
        let code = |bytes: &[u8], count| judge(bytes, count).map(|(code, _)| code);
        assert_eq!(code(b"%PDF-1.7 whatever", 0), None);
        assert_eq!(code(b"II*\0picture", 4), None);
        assert_eq!(code(b"II*\0picture", 5), Some("count"));
        assert_eq!(code(b"", 0), Some("empty"));
        assert_eq!(code(b"PK\x03\x04", 0), Some("type"));
        let mut large = b"%PDF-".to_vec();
        large.resize(DOCUMENT_MAX + 1, b' ');
        assert_eq!(code(&large, 0), Some("size"));
    }
}
