//! How v1 looks: table layout, grey and navy, findings at the top. Only markup; what is shown is decided elsewhere.

use std::fmt::Write as _;

use super::rules::Edit;
use crate::portal::html::esc;

/// Shown where a click comes after the portal session's end.
pub(super) const SESSION_OVER: &str = "YOUR SESSION HAS ENDED. PLEASE SIGN ON AGAIN.";

const STYLE: &str = "body{font-family:Arial,Helvetica,sans-serif;font-size:13px;margin:8px;color:#111}\
    table{border-collapse:collapse}td,th{padding:3px 7px;font-size:13px;text-align:left}\
    table.grid td,table.grid th{border:1px solid #8a94a6}table.grid th{background:#d6dce8}\
    h2{color:#12305e;font-size:18px;margin:6px 0 10px}h3{color:#12305e;font-size:15px;margin:14px 0 6px}\
    .edits{color:#a40000;border:1px solid #a40000;padding:6px 10px;margin:0 0 10px;font-weight:bold}\
    .note{color:#333;background:#f4f1dc;border:1px solid #c9c08a;padding:6px 10px;margin:0 0 10px}\
    input[type=submit],input[type=button]{padding:2px 12px}select{max-width:430px}";

/// The address of a page with the portal session in it.
pub(super) fn href(token: &str, page: &str) -> String {
    match page.split_once('?') {
        Some((path, query)) => format!("/pa/{path};jsessionid={token}?{query}"),
        None => format!("/pa/{page};jsessionid={token}"),
    }
}

/// A page with findings at its top.
pub(super) fn page(title: &str, edits: &[Edit], body: &str) -> String {
    let mut found = String::new();
    if !edits.is_empty() {
        found.push_str("<div class=\"edits\">");
        for edit in edits {
            // Writing to a string cannot fail.
            let _ = write!(found, "<div>{}</div>", esc(&edit.line()));
        }
        found.push_str("</div>");
    }
    bare(title, &format!("<h2>{}</h2>{found}{body}", esc(title)))
}

/// A page without a heading of its own.
pub(super) fn bare(title: &str, body: &str) -> String {
    format!(
        "<!DOCTYPE html PUBLIC \"-//W3C//DTD HTML 4.01 Transitional//EN\">\
         <html lang=\"en\"><head><title>{}</title><style>{STYLE}</style></head>\
         <body bgcolor=\"#ffffff\">{body}</body></html>",
        esc(title)
    )
}

/// The sign-on page, with a message above the fields; it always leaves any frame.
pub(super) fn login(message: &str) -> String {
    let message = if message.is_empty() {
        String::new()
    } else {
        format!("<div class=\"edits\">{}</div>", esc(message))
    };
    bare(
        "Harbor State Medicaid - Sign On",
        &format!(
            "<h2>Harbor State Medicaid Provider Portal</h2>{message}\
             <form method=\"post\" action=\"/pa/signOn\" target=\"_top\"><table>\
             <tr><td><label for=\"userId\">User ID</label></td>\
             <td><input type=\"text\" id=\"userId\" name=\"userId\" size=\"16\" autocomplete=\"off\"></td></tr>\
             <tr><td><label for=\"password\">Password</label></td>\
             <td><input type=\"password\" id=\"password\" name=\"password\" size=\"16\" autocomplete=\"off\"></td></tr>\
             <tr><td></td><td><input type=\"submit\" value=\"Sign On\"></td></tr></table></form>"
        ),
    )
}

/// The page shown while the system is closed, with status 200.
pub(super) fn unavailable() -> String {
    page(
        "Harbor State Medicaid",
        &[Edit::Unavailable],
        "<p>The system is not available at this time. Please try again later.</p>",
    )
}

/// A row of a form: words on the left, a text field on the right, connected by a label.
pub(super) fn field(words: &str, name: &str, value: &str, size: u8) -> String {
    format!(
        "<tr><td><label for=\"{name}\">{words}</label></td>\
         <td><input type=\"text\" id=\"{name}\" name=\"{name}\" value=\"{}\" size=\"{size}\"></td></tr>",
        esc(value)
    )
}

/// A table with a caption and headers. Cells are markup.
pub(super) fn table(caption: &str, headers: &[&str], rows: &[Vec<String>]) -> String {
    let mut out = format!(
        "<table class=\"grid\"><caption align=\"left\"><b>{}</b></caption><tr>",
        esc(caption)
    );
    for header in headers {
        let _ = write!(out, "<th>{}</th>", esc(header));
    }
    out.push_str("</tr>");
    for row in rows {
        out.push_str("<tr>");
        for cell in row {
            let _ = write!(out, "<td>{cell}</td>");
        }
        out.push_str("</tr>");
    }
    out.push_str("</table>");
    out
}

/// A table of words and values; what has no value is left out.
pub(super) fn facts(rows: &[(&str, String)]) -> String {
    let mut out = String::from("<table>");
    for (words, value) in rows.iter().filter(|(_, value)| !value.is_empty()) {
        let words = esc(words);
        let _ = write!(
            out,
            "<tr><td><b>{words}</b></td><td title=\"{words}\">{}</td></tr>",
            esc(value)
        );
    }
    out.push_str("</table>");
    out
}

/// Options of a pick-list, the chosen one selected; the first is empty.
pub(super) fn options<'a>(
    entries: impl Iterator<Item = (&'a str, &'a str)>,
    chosen: &str,
) -> String {
    let mut out = String::from("<option value=\"\"></option>");
    for (value, words) in entries {
        let selected = if value == chosen { " selected" } else { "" };
        let _ = write!(out, "<option value=\"{}\"{selected}>{}</option>", esc(value), esc(words));
    }
    out
}
