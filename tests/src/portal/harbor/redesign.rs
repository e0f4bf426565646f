//! The redesigned pages (second rendering): other words, other field names, cards instead of tables, type-in lists instead
//! of pick-lists, dialogs inside the page instead of windows. What is asked, checked and recorded stays the same: names
//! that come back from these pages are turned into the first rendering's before anybody looks at them.

use std::fmt::Write as _;

use super::rules::Edit;
use crate::portal::html::esc;

/// First words, redesigned words. Whatever is not listed kept its words.
const WORDS: [(&str, &str); 72] = [
    ("Request Type", "Type of Request"),
    ("Review Priority", "Priority"),
    ("Member ID", "Member Number"),
    ("Member Name", "Name of Member"),
    ("Date of Birth", "Birth Date"),
    ("Requesting NPI", "NPI of Requester"),
    ("Requesting Taxonomy", "Taxonomy of Requester"),
    ("Rendering NPI", "NPI of Performer"),
    ("Rendering Taxonomy", "Taxonomy of Performer"),
    ("Diagnosis Codes", "Diagnoses"),
    ("Service Line", "One Service"),
    ("Procedure Code", "Service Code"),
    ("Code", "Service Code"),
    ("Modifiers", "Modifier List"),
    ("Units", "Quantity"),
    ("Requested Amount", "Amount Asked"),
    ("Amount", "Amount Asked"),
    ("From Date", "Start Date"),
    ("To Date", "End Date"),
    ("From", "Start Date"),
    ("To", "End Date"),
    ("Find Code", "Look Up Code"),
    ("Add Line", "Add Service"),
    ("Next", "Continue"),
    ("Lines on this request", "Services asked for"),
    ("Documents", "Supporting Documents"),
    ("Document (PDF, 10 MB)", "PDF file, up to 10 MB"),
    ("Attach", "Upload"),
    ("Attached Documents", "Files received"),
    ("File", "File Name"),
    ("Request Summary", "Check Your Request"),
    ("Certified By", "Statement Typed By"),
    ("Submit", "File Request"),
    ("Search", "Find Requests"),
    ("Search by Member", "Find a Member's Requests"),
    ("Requests found", "Matching Requests"),
    ("PA Number", "Request Control Number"),
    ("Header Status", "Overall Status"),
    ("Authorized From", "Valid From"),
    ("Authorized To", "Valid Until"),
    ("Received", "Received On"),
    ("Codes", "Services"),
    ("Service Lines", "Services and Decisions"),
    ("Units Requested", "Quantity Asked"),
    ("Units Approved", "Quantity Granted"),
    ("Reason", "Explanation"),
    ("Line Status", "Line Outcome"),
    ("Claim Status", "Outcome"),
    ("ICN", "Claim Control Number"),
    ("Date of Service", "Service Date"),
    ("Billed", "Amount Billed"),
    ("Billed Amount", "Amount Billed"),
    ("Paid Amount", "Amount Paid"),
    ("Member Amount", "Member Owes"),
    ("Search Claims", "Find Claims"),
    ("Claims found", "Matching Claims"),
    ("Claim Lines", "Billed Services"),
    ("Find Member", "Look Up"),
    ("Members found", "Matching Members"),
    ("Program", "Programme"),
    ("Action", "Choose"),
    ("Select", "Use"),
    ("Close", "Cancel"),
    ("Words or Code", "Code or Words"),
    ("Find", "Look Up"),
    ("Codes found", "Matching Codes"),
    ("Notice of Decision", "Decision Letter"),
    ("Print fax cover sheet", "Fax cover sheet"),
    ("Enter Another Request", "New request"),
    ("Check Eligibility", "Check Coverage"),
    ("Eligibility Status", "Coverage"),
    ("Lines", "Services"),
];

/// Titles of pages.
const TITLES: [(&str, &str); 16] = [
    ("Enter Request - Type", "New Request: Type"),
    ("Enter Request - Member", "New Request: Member"),
    ("Enter Request - Providers", "New Request: Providers"),
    ("Enter Request - Service Lines", "New Request: Services"),
    ("Enter Request - Certification", "New Request: Statement"),
    ("Enter Request - Documents and Submit", "New Request: Documents and Filing"),
    ("Prior Authorization Request Result", "Request Filed"),
    ("Member Search", "Choose a Member"),
    ("Code Search", "Choose a Code"),
    ("PA Inquiry", "Requests"),
    ("PA Detail", "One Request"),
    ("Claim Inquiry", "Claims"),
    ("Claim Detail", "One Claim"),
    ("Provider Home", "Welcome"),
    ("Eligibility Inquiry", "Coverage"),
    ("Document", "Paper"),
];

/// First names of fields, redesigned names.
const NAMES: [(&str, &str); 27] = [
    ("userId", "so_user"),
    ("password", "so_key"),
    ("requestType", "rq_kind"),
    ("priority", "rq_speed"),
    ("memberId", "mb_no"),
    ("memberName", "mb_name"),
    ("memberDob", "mb_born"),
    ("searchId", "lk_no"),
    ("searchDob", "lk_born"),
    ("words", "lk_words"),
    ("requestingNpi", "pv_a_npi"),
    ("requestingTaxonomy", "pv_a_tax"),
    ("renderingNpi", "pv_b_npi"),
    ("renderingTaxonomy", "pv_b_tax"),
    ("pos", "pv_place"),
    ("diagnoses", "sv_dx"),
    ("procedure", "sv_code"),
    ("modifiers", "sv_mod"),
    ("units", "sv_qty"),
    ("from", "sv_start"),
    ("to", "sv_end"),
    ("amount", "sv_amt"),
    ("certName", "st_name"),
    ("certDate", "st_date"),
    ("icn", "cl_no"),
    ("serviceDate", "cl_day"),
    ("paNumber", "rq_no"),
];

/// Columns of tables, by caption: which of the first ones are shown, in what order. One is hidden in most.
const COLUMNS: [(&str, &[usize]); 7] = [
    ("Requests found", &[6, 7, 0, 2, 3, 4, 5]),
    ("Lines on this request", &[1, 4, 5, 3, 2, 6]),
    ("Service Lines", &[1, 6, 7, 2, 3, 4, 5]),
    ("Members found", &[4, 1, 2, 0, 3]),
    ("Claims found", &[4, 0, 2, 3]),
    ("Claim Lines", &[3, 1, 2]),
    ("Codes found", &[2, 1, 0]),
];

fn of(list: &'static [(&str, &'static str)], first: &str) -> Option<&'static str> {
    list.iter().find(|(known, _)| *known == first).map(|(_, second)| *second)
}

/// The redesigned words for the first ones.
pub(super) fn says(words: &str) -> &str {
    of(&WORDS, words).unwrap_or(words)
}

/// The redesigned name of a field.
pub fn name(first: &str) -> &str {
    of(&NAMES, first).unwrap_or(first)
}

/// The first name of a field that came back by its redesigned one.
pub(super) fn first_name(second: &str) -> &str {
    NAMES.iter().find(|(_, known)| *known == second).map_or(second, |(first, _)| first)
}

const STYLE: &str = "*{box-sizing:border-box}body{margin:0;padding:24px 32px;font:16px/1.55 'Segoe UI','DejaVu Sans',sans-serif;\
    color:#16302b;background:#f5f8f6}h1{font-size:24px;margin:0 0 18px;font-weight:600}h2{font-size:18px;margin:26px 0 10px;\
    font-weight:600}.hs-sheet{background:#fff;border:1px solid #d3dfd9;border-radius:10px;padding:20px 24px;max-width:980px}\
    .hs-set{display:grid;grid-template-columns:repeat(auto-fill,minmax(260px,1fr));gap:14px 24px;margin:0 0 14px}\
    .hs-cell label{display:block;font-size:14px;color:#43625a;margin:0 0 4px}.hs-cell input{width:100%;padding:9px 11px;\
    border:1px solid #9db8ae;border-radius:6px;font:inherit;background:#fff}.hs-cell input[readonly]{background:#eef3f0}\
    .hs-foot{display:flex;gap:12px;margin:16px 0 0}button{font:inherit;padding:9px 20px;border-radius:6px;cursor:pointer;\
    border:1px solid #1d6b57;background:#fff;color:#1d6b57}button.hs-go{background:#1d6b57;color:#fff}a{color:#1d6b57}\
    .hs-found{background:#fdecea;border-left:5px solid #b3261e;padding:10px 16px;margin:0 0 18px;color:#7d1a14}\
    .hs-told{background:#fff6dc;border-left:5px solid #c99a1b;padding:10px 16px;margin:0 0 14px}\
    .hs-list{border-collapse:collapse;width:100%;background:#fff;margin:0 0 16px}.hs-list caption{text-align:left;\
    font-weight:600;padding:8px 0}.hs-list th{font-size:13px;color:#43625a;background:#eaf2ee}\
    .hs-list th,.hs-list td{padding:8px 10px;border-bottom:1px solid #d3dfd9;text-align:left}\
    .hs-pairs{display:grid;grid-template-columns:repeat(auto-fill,minmax(260px,1fr));gap:12px 24px;margin:0 0 18px}\
    .hs-pairs dt{font-size:13px;color:#43625a}.hs-pairs dd{margin:0;font-weight:600}\
    .hs-over{position:fixed;inset:0;background:rgba(10,35,28,.5);display:flex;align-items:center;justify-content:center;\
    z-index:20}.hs-over[hidden]{display:none}.hs-pane{background:#fff;border-radius:12px;padding:20px 26px;width:700px;\
    max-width:94%;max-height:88vh;overflow:auto}.hs-tabs{display:flex;gap:22px;margin:0 0 18px;flex-wrap:wrap}\
    .hs-gate{max-width:460px;margin:7vh auto}.hs-bar{display:flex;gap:28px;align-items:center;background:#12463a;color:#fff;\
    padding:12px 28px;margin:-24px -32px}.hs-bar a{color:#fff;margin-left:auto}.hs-menu{list-style:none;padding:0;margin:0}\
    .hs-menu button{width:100%;text-align:left;border:0;background:none;padding:10px 4px;font-weight:600}\
    .hs-menu ul{list-style:none;padding:0 0 6px 16px;margin:0}.hs-menu li a{display:block;padding:5px 0}\
    blockquote{margin:0 0 14px}.hs-gate .hs-cell{margin:0 0 12px}@media(max-width:700px){body{padding:12px}.hs-sheet{padding:14px}\
    .hs-bar{margin:-12px;padding:8px 12px;gap:4px 14px;flex-wrap:wrap;font-size:13px}.hs-list{display:block;overflow-x:auto}\
    .hs-set,.hs-pairs{grid-template-columns:1fr}.hs-gate{margin:12px auto}}";

/// A page with findings at its top.
pub(super) fn page(title: &str, edits: &[Edit], body: &str) -> String {
    let title = of(&TITLES, title).unwrap_or(title);
    let mut found = String::new();
    if !edits.is_empty() {
        found.push_str("<div class=\"hs-found\" role=\"alert\">");
        for edit in edits {
            // Writing to a string cannot fail.
            let _ = write!(found, "<p>{}</p>", esc(&edit.line()));
        }
        found.push_str("</div>");
    }
    bare(title, &format!("<div class=\"hs-sheet\"><h1>{}</h1>{found}{body}</div>", esc(title)))
}

/// A page without a heading of its own.
pub(super) fn bare(title: &str, body: &str) -> String {
    format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"><title>{}</title><style>{STYLE}</style></head>\
         <body>{body}</body></html>",
        esc(title)
    )
}

/// The sign-on page, with a message above the fields; it always leaves any frame.
pub(super) fn login(message: &str) -> String {
    let message = if message.is_empty() {
        String::new()
    } else {
        format!("<div class=\"hs-found\" role=\"alert\"><p>{}</p></div>", esc(message))
    };
    let user = field("User ID", "userId", "");
    bare(
        "Harbor State Medicaid - Sign On",
        &format!(
            "<main class=\"hs-sheet hs-gate\"><h1>Harbor State Medicaid</h1>{message}\
             <form method=\"post\" action=\"/pa/signOn\" target=\"_top\" autocomplete=\"off\">{user}\
             <div class=\"hs-cell\"><label for=\"so_key\">Password</label>\
             <input type=\"password\" id=\"so_key\" name=\"so_key\"></div>\
             <div class=\"hs-foot\"><button class=\"hs-go\" type=\"submit\">Sign On</button></div></form></main>"
        ),
    )
}

/// A text field under its label.
pub(super) fn field(words: &str, first: &str, value: &str) -> String {
    let name = name(first);
    format!(
        "<div class=\"hs-cell\"><label for=\"{name}\">{}</label>\
         <input type=\"text\" id=\"{name}\" name=\"{name}\" value=\"{}\"></div>",
        says(words),
        esc(value)
    )
}

/// A field nobody can type into.
pub(super) fn fixed(words: &str, first: &str, value: &str) -> String {
    let name = name(first);
    format!(
        "<div class=\"hs-cell\"><label for=\"{name}\">{}</label>\
         <input type=\"text\" id=\"{name}\" name=\"{name}\" value=\"{}\" readonly></div>",
        says(words),
        esc(value)
    )
}

/// A field with suggestions where the first rendering has a pick-list.
pub(super) fn type_in(words: &str, first: &str, entries: &[(&str, &str)], chosen: &str) -> String {
    let name = name(first);
    let shown =
        entries.iter().find(|(value, _)| *value == chosen).map_or(chosen, |(_, label)| label);
    let mut options = String::new();
    for (_, label) in entries {
        let _ = write!(options, "<option value=\"{}\"></option>", esc(label));
    }
    format!(
        "<div class=\"hs-cell\"><label for=\"{name}\">{}</label><input type=\"text\" id=\"{name}\" name=\"{name}\" \
         list=\"{name}_all\" value=\"{}\" autocomplete=\"off\"><datalist id=\"{name}_all\">{options}</datalist></div>",
        says(words),
        esc(shown)
    )
}

/// A table with a caption and headers, its columns in their new order. Cells are markup.
pub(super) fn table(caption: &str, headers: &[&str], rows: &[Vec<String>]) -> String {
    let all: Vec<usize> = (0..headers.len()).collect();
    let order = COLUMNS.iter().find(|(known, _)| *known == caption);
    let order: &[usize] = order.map_or(all.as_slice(), |(_, order)| order);
    let mut out =
        format!("<table class=\"hs-list\"><caption>{}</caption><thead><tr>", esc(says(caption)));
    for header in order.iter().filter_map(|column| headers.get(*column)) {
        let _ = write!(out, "<th scope=\"col\">{}</th>", esc(says(header)));
    }
    out.push_str("</tr></thead><tbody>");
    for row in rows {
        out.push_str("<tr>");
        for cell in order.iter().filter_map(|column| row.get(*column)) {
            let _ = write!(out, "<td>{cell}</td>");
        }
        out.push_str("</tr>");
    }
    out.push_str("</tbody></table>");
    out
}

/// Words and values; what has no value is left out.
pub(super) fn facts(rows: &[(&str, String)]) -> String {
    let mut out = String::from("<dl class=\"hs-pairs\">");
    for (words, value) in rows.iter().filter(|(_, value)| !value.is_empty()) {
        let _ = write!(out, "<div><dt>{}</dt><dd>{}</dd></div>", esc(says(words)), esc(value));
    }
    out.push_str("</dl>");
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_come_back_as_they_went_and_no_two_are_the_same() {
        for (first, second) in NAMES {
            assert_eq!((name(first), first_name(second)), (second, first));
            assert_eq!(NAMES.iter().filter(|(_, other)| *other == second).count(), 1, "{second}");
        }
        assert_eq!(first_name("go"), "go");
    }

    #[test]
    fn columns_are_moved_and_words_changed_but_values_are_not() {
        let headers = ["Line", "Code", "Billed", "Line Status"];
        let rows = [["1", "99213", "$140.00", "PAID"].map(str::to_owned).to_vec()];
        let table = table("Claim Lines", &headers, &rows);
        assert!(table.contains("<td>PAID</td><td>99213</td><td>$140.00</td>"), "{table}");
        assert!(table.contains("<th scope=\"col\">Line Outcome</th>") && !table.contains(">Line<"));
    }

    #[test]
    fn a_type_in_list_shows_words_and_takes_any_of_its_entries() {
        let list =
            type_in("Review Priority", "priority", &[("S", "Standard"), ("E", "Expedited")], "E");
        assert!(list.contains("value=\"Expedited\" autocomplete"), "{list}");
        assert_eq!(list.matches("<option").count(), 2);
    }
}
