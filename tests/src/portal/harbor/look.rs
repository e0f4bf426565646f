//! How pages look: table layout, grey and navy, findings at the top; or redesigned. Only markup; what is shown is decided
//! elsewhere.

use std::fmt::Write as _;

use super::{redesign, rules::Edit};
use crate::portal::{Skin, html::esc, sim::Sim};

/// The rendering of a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Look(pub(super) Skin);

impl Look {
    /// Pages before the sign-in.
    pub(super) fn before_sign_in(sim: &Sim) -> Look {
        Look(sim.sessions.skin_before_sign_in())
    }

    /// Is it the redesigned one?
    pub(super) fn redesigned(self) -> bool {
        self.0 == Skin::V2
    }

    /// A page with findings at its top.
    pub(super) fn page(self, title: &str, edits: &[Edit], body: &str) -> String {
        if self.redesigned() {
            redesign::page(title, edits, body)
        } else {
            page(title, edits, body)
        }
    }

    /// A page without a heading of its own.
    pub(super) fn bare(self, title: &str, body: &str) -> String {
        if self.redesigned() { redesign::bare(title, body) } else { bare(title, body) }
    }

    /// The sign-on page.
    pub(super) fn login(self, message: &str) -> String {
        if self.redesigned() { redesign::login(message) } else { login(message) }
    }

    /// These words, or those that took their place.
    pub(super) fn says(self, words: &str) -> &str {
        if self.redesigned() { redesign::says(words) } else { words }
    }

    /// This name of a field, or the one that took its place.
    pub(super) fn name(self, first: &str) -> &str {
        if self.redesigned() { redesign::name(first) } else { first }
    }

    /// Fields one below the other; the redesigned page has them in another order.
    pub(super) fn set(self, fields: &[String], redesigned_order: &[usize]) -> String {
        if !self.redesigned() {
            return format!("<table>{}</table>", fields.concat());
        }
        let moved = redesigned_order.iter().filter_map(|place| fields.get(*place));
        format!("<div class=\"hs-set\">{}</div>", moved.cloned().collect::<String>())
    }

    /// A text field with its words.
    pub(super) fn field(self, words: &str, name: &str, value: &str, size: u8) -> String {
        if self.redesigned() {
            redesign::field(words, name, value)
        } else {
            field(words, name, value, size)
        }
    }

    /// A field nobody can type into.
    pub(super) fn fixed(self, words: &str, name: &str, value: &str) -> String {
        if self.redesigned() {
            return redesign::fixed(words, name, value);
        }
        format!(
            "<tr><td>{words}</td><td><input type=\"text\" id=\"{name}\" name=\"{name}\" value=\"{}\" size=\"26\" \
             readonly></td></tr>",
            esc(value)
        )
    }

    /// A pick-list of values with their labels; type-in where redesigned.
    pub(super) fn list(
        self,
        words: &str,
        name: &str,
        all: &[(&str, &str)],
        chosen: &str,
    ) -> String {
        if self.redesigned() {
            return redesign::type_in(words, name, all, chosen);
        }
        format!(
            "<tr><td><label for=\"{name}\">{words}</label></td><td><select id=\"{name}\" name=\"{name}\">{}</select>\
             </td></tr>",
            options(all.iter().copied(), chosen)
        )
    }

    /// A button that sends its form.
    pub(super) fn send(self, words: &str) -> String {
        if self.redesigned() {
            return format!(
                "<button class=\"hs-go\" type=\"submit\">{}</button>",
                esc(self.says(words))
            );
        }
        format!("<input type=\"submit\" value=\"{words}\">")
    }

    /// A button that does something in the page.
    pub(super) fn button(self, words: &str, onclick: &str) -> String {
        if self.redesigned() {
            return format!(
                "<button type=\"button\" onclick=\"{onclick}\">{}</button>",
                esc(self.says(words))
            );
        }
        format!("<input type=\"button\" value=\"{words}\" onclick=\"{onclick}\">")
    }

    /// The button that goes on to the next page of a request.
    pub(super) fn next(self) -> String {
        if self.redesigned() {
            return format!(
                "<div class=\"hs-foot\"><button class=\"hs-go\" type=\"submit\">{}</button></div>",
                self.says("Next")
            );
        }
        "<p><input type=\"submit\" name=\"go\" value=\"Next\"></p>".to_owned()
    }

    /// What lies over a page: attributes of the cover and of the pane on it.
    pub(super) fn over(self) -> (&'static str, &'static str) {
        if self.redesigned() {
            return ("class=\"hs-over\"", "class=\"hs-pane\"");
        }
        (
            "style=\"position:fixed;left:0;top:0;width:100%;height:100%;background:#ffffffcc\"",
            "style=\"margin:30px;padding:12px;border:2px solid #12305e;background:#fff\"",
        )
    }

    /// A heading inside a page.
    pub(super) fn heading(self, words: &str) -> String {
        let level = if self.redesigned() { "h2" } else { "h3" };
        format!("<{level}>{}</{level}>", esc(self.says(words)))
    }

    /// Something the portal tells.
    pub(super) fn told(self, words: &str) -> String {
        let class = if self.redesigned() { "hs-told" } else { "note" };
        format!("<div class=\"{class}\">{}</div>", esc(words))
    }

    /// A table with a caption and headers. Cells are markup.
    pub(super) fn table(self, caption: &str, headers: &[&str], rows: &[Vec<String>]) -> String {
        if self.redesigned() {
            redesign::table(caption, headers, rows)
        } else {
            table(caption, headers, rows)
        }
    }

    /// Words and values; what has no value is left out.
    pub(super) fn facts(self, rows: &[(&str, String)]) -> String {
        if self.redesigned() { redesign::facts(rows) } else { facts(rows) }
    }
}

/// What was chosen in a pick-list: its value, also where its label was typed.
pub(super) fn chosen<'a>(all: &[(&'a str, &'a str)], typed: &'a str) -> &'a str {
    all.iter().find(|(_, label)| *label == typed).map_or(typed, |(value, _)| value)
}

/// Shown where a click comes after the portal session's end.
pub(super) const SESSION_OVER: &str = "YOUR SESSION HAS ENDED. PLEASE SIGN ON AGAIN.";

const STYLE: &str = "body{font-family:Arial,Helvetica,sans-serif;font-size:13px;margin:8px;color:#111}\
    table{border-collapse:collapse}td,th{padding:3px 7px;font-size:13px;text-align:left}\
    table.grid td,table.grid th{border:1px solid #8a94a6}table.grid th{background:#d6dce8}\
    caption{text-align:left;padding:4px 0}a{color:#12305e}form{background:#eef1f7;border:1px solid #c3cad8;max-width:760px;\
    padding:8px 12px;margin:0 0 12px}.band{background:#12305e;color:#fff;padding:12px 16px;margin:-8px -8px 14px;font-size:17px}\
    h2{color:#12305e;font-size:18px;margin:6px 0 10px;border-bottom:1px solid #c3cad8;padding:0 0 5px}h3{color:#12305e;font-size:15px;margin:14px 0 6px}\
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
fn page(title: &str, edits: &[Edit], body: &str) -> String {
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
fn bare(title: &str, body: &str) -> String {
    format!(
        "<!DOCTYPE html PUBLIC \"-//W3C//DTD HTML 4.01 Transitional//EN\">\
         <html lang=\"en\"><head><title>{}</title><style>{STYLE}</style></head>\
         <body bgcolor=\"#ffffff\">{body}</body></html>",
        esc(title)
    )
}

/// The sign-on page, with a message above the fields; it always leaves any frame.
fn login(message: &str) -> String {
    let message = if message.is_empty() {
        String::new()
    } else {
        format!("<div class=\"edits\">{}</div>", esc(message))
    };
    bare(
        "Harbor State Medicaid - Sign On",
        &format!(
            "<div class=\"band\">Harbor State Medicaid</div><h2>Harbor State Medicaid Provider Portal</h2>{message}\
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
fn field(words: &str, name: &str, value: &str, size: u8) -> String {
    format!(
        "<tr><td><label for=\"{name}\">{words}</label></td>\
         <td><input type=\"text\" id=\"{name}\" name=\"{name}\" value=\"{}\" size=\"{size}\"></td></tr>",
        esc(value)
    )
}

/// A table with a caption and headers. Cells are markup.
fn table(caption: &str, headers: &[&str], rows: &[Vec<String>]) -> String {
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
fn facts(rows: &[(&str, String)]) -> String {
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
fn options<'a>(entries: impl Iterator<Item = (&'a str, &'a str)>, chosen: &str) -> String {
    let mut out = String::from("<option value=\"\"></option>");
    for (value, words) in entries {
        let selected = if value == chosen { " selected" } else { "" };
        let _ = write!(out, "<option value=\"{}\"{selected}>{}</option>", esc(value), esc(words));
    }
    out
}
