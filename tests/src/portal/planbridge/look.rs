//! How pages look, in both skins: v1 with hover menus and tables, v2 with click menus, cards and other words. Only markup;
//! what is shown is decided elsewhere.

use std::fmt::Write as _;

use axum::{http::StatusCode, response::Response};
use sha2::{Digest as _, Sha256};

use super::desk::Desk;
use crate::{
    ledger::hex,
    portal::{
        Skin,
        html::{self, esc},
    },
};

/// One of the two skins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Look {
    pub(super) v2: bool,
}

/// Entries of the menus: v1 words, v2 words, address, window of its own.
type Entry = (&'static str, &'static str, &'static str);

const WORK: [Entry; 4] = [
    ("Authorizations", "Prior authorization", "/um"),
    ("Authorization Log", "Request board", "/log"),
    ("Correspondence", "Letters", "/correspondence"),
    ("Fax Folder", "Incoming faxes", "/fax"),
];
const MEMBERS: [Entry; 2] =
    [("Eligibility", "Coverage", "/eligibility"), ("Claim Status", "Claims", "/claims")];
const OFFICE: [Entry; 2] =
    [("Settings", "Preferences", "/settings"), ("Sign Out", "Leave", "/logout")];

impl Look {
    /// The look of a skin.
    pub(super) fn of(skin: Skin) -> Look {
        Look { v2: skin == Skin::V2 }
    }

    /// The words of this skin.
    pub(super) fn say(self, v1: &'static str, v2: &'static str) -> &'static str {
        if self.v2 { v2 } else { v1 }
    }

    /// The id and form name of a control; the redesign has names of its own.
    pub(super) fn id(self, name: &str) -> String {
        if !self.v2 {
            return name.to_owned();
        }
        let hash = hex(&Sha256::digest(format!("bridge/{name}")));
        format!("n{}", hash.get(..7).unwrap_or_default())
    }

    fn document(self, title: &str, script: &str, body: &str) -> String {
        let class = self.say("classic", "fresh");
        let script = if script.is_empty() {
            String::new()
        } else {
            format!("<script src=\"{script}\" defer></script>")
        };
        format!(
            "<!DOCTYPE html><html lang=\"en\"><head><meta charset=\"utf-8\">\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"><title>PlanBridge - {}</title>\
             <link rel=\"stylesheet\" href=\"/bridge.css\">{script}</head>\
             <body class=\"{class}\">{body}</body></html>",
            esc(title)
        )
    }

    /// A page of the hub before the sign-in.
    pub(super) fn bare(self, title: &str, body: &str) -> String {
        let body = format!(
            "<div class=\"top\"><span class=\"brand\">PlanBridge</span> \
             <span class=\"slogan\">Your regional plan connection</span></div>\
             <div class=\"box narrow\"><h1>{}</h1>{body}</div>",
            esc(title)
        );
        self.document(title, "/bridge.js", &body)
    }

    /// The end of a portal session, on either host.
    pub(super) fn ended(self, words: &str, um: bool) -> String {
        let way = if um {
            "<p>You may close this window.</p>".to_owned()
        } else {
            format!(
                "<p><a href=\"/login\">{}</a></p>",
                self.say("Sign in again", "Back to sign-in")
            )
        };
        let body = format!(
            "<div class=\"top\"><span class=\"brand\">PlanBridge</span></div>\
             <div class=\"box narrow\"><p class=\"alert\">{}</p>{way}</div>",
            esc(words)
        );
        self.document("Session", "", &body)
    }

    /// A page of the hub.
    pub(super) fn hub(self, desk: &Desk, title: &str, body: &str) -> String {
        let menus = [
            self.menu("Work center", "Workspace", &WORK),
            self.menu("Members", "People", &MEMBERS),
            self.menu("My office", "Account", &OFFICE),
        ];
        let account = desk.session.account;
        let page = format!(
            "<div class=\"top\"><span class=\"brand\">PlanBridge</span> <span class=\"who\">{}, {}</span></div>\
             <div class=\"bar\" data-um=\"{}\"><a class=\"home\" href=\"/home\">Home</a>{}</div>\
             <div class=\"page\"><h1>{}</h1>{body}</div><div class=\"foot\">PlanBridge, a service of regional plans</div>",
            esc(&account.id),
            esc(account.organizations.first().map_or("", String::as_str)),
            esc(&desk.sim.knobs.text("um")),
            menus.concat(),
            esc(title)
        );
        self.document(title, "/bridge.js", &page)
    }

    fn menu(self, v1: &'static str, v2: &'static str, entries: &[Entry]) -> String {
        let items: String = entries
            .iter()
            .map(|(one, two, href)| {
                format!("<li><a href=\"{href}\">{}</a></li>", self.say(one, two))
            })
            .collect();
        if self.v2 {
            format!(
                "<div class=\"menu\"><button type=\"button\" aria-expanded=\"false\">{v2}</button>\
                 <ul hidden>{items}</ul></div>"
            )
        } else {
            format!("<div class=\"menu\"><span class=\"head\">{v1}</span><ul>{items}</ul></div>")
        }
    }

    /// A page of the UM window, with who the episode is for.
    pub(super) fn um(self, desk: &Desk, title: &str, body: &str) -> String {
        let draft = desk.draft();
        let banner = match super::desk::member(&draft.member_id) {
            Some(member) => format!(
                "<div class=\"member\"><b>{}</b> <span>{}</span> <span>{}</span> <span>{}</span></div>",
                esc(&member.name()),
                esc(&member.member_id),
                html::us_date(member.dob),
                esc(&draft.episode)
            ),
            None => String::new(),
        };
        let back = if self.v2 || desk.sim.knobs.text("um") == "tab" {
            format!("<a href=\"https://{}/home\">Home</a>", super::WWW)
        } else {
            String::new()
        };
        let page = format!(
            "<div class=\"top um\"><span class=\"brand\">PlanBridge UM</span> <span class=\"who\">{}</span></div>\
             <div class=\"bar\">{back}<a href=\"/member\">{}</a><a href=\"/search\">{}</a></div>{banner}\
             <div class=\"page\"><h1>{}</h1>{body}</div>",
            esc(&desk.session.account.id),
            self.say("New Episode", "Start a request"),
            self.say("Find Authorization", "Look up requests"),
            esc(title)
        );
        self.document(title, "/um.js", &page)
    }

    /// A labelled field; without `labelled` the words only stand beside it.
    pub(super) fn input(
        self,
        words: &str,
        name: &str,
        kind: &str,
        value: &str,
        labelled: bool,
    ) -> String {
        let id = self.id(name);
        let kind = if kind == "date" && !self.v2 { "text" } else { kind };
        let value = match (kind, html::read_date(value)) {
            ("date", Some(day)) => day.to_string(),
            _ => value.to_owned(),
        };
        let label = if labelled {
            format!("<label for=\"{id}\">{words}</label>")
        } else {
            format!("<span class=\"words\">{words}</span>")
        };
        let field = format!(
            "<input type=\"{kind}\" id=\"{id}\" name=\"{id}\" value=\"{}\" autocomplete=\"off\">",
            esc(&value)
        );
        self.row(&label, &field)
    }

    fn row(self, label: &str, field: &str) -> String {
        if self.v2 {
            format!(
                "<div class=\"cell\"><div class=\"inner\">{label}<div>{field}</div></div></div>"
            )
        } else {
            format!("<div class=\"row\">{label} {field}</div>")
        }
    }

    /// A choice of few: a pick-list in v1, radio buttons in v2.
    pub(super) fn choice(self, words: &str, name: &str, options: &[&str], chosen: &str) -> String {
        let id = self.id(name);
        if self.v2 {
            let mut out = format!("<fieldset class=\"cell\" id=\"{id}\"><legend>{words}</legend>");
            for option in options {
                let checked = if *option == chosen { " checked" } else { "" };
                // Writing to a string cannot fail.
                let _ = write!(
                    out,
                    "<label><input type=\"radio\" name=\"{id}\" value=\"{option}\"{checked}> {option}</label> "
                );
            }
            out.push_str("</fieldset>");
            return out;
        }
        let mut list = format!("<select id=\"{id}\" name=\"{id}\">");
        for option in options {
            let selected = if *option == chosen { " selected" } else { "" };
            let _ = write!(list, "<option{selected}>{option}</option>");
        }
        list.push_str("</select>");
        self.row(&format!("<label for=\"{id}\">{words}</label>"), &list)
    }

    /// A button that sends its form.
    pub(super) fn go(self, words: &str) -> String {
        if self.v2 {
            format!("<p class=\"acts\"><button type=\"submit\" class=\"main\">{words}</button></p>")
        } else {
            format!("<p class=\"acts\"><input type=\"submit\" class=\"btn\" value=\"{words}\"></p>")
        }
    }

    /// A step forward: a link dressed as a button in v1, a button in v2.
    pub(super) fn onward(self, words: &str, href: &str) -> String {
        if self.v2 {
            format!(
                "<p class=\"acts\"><button type=\"button\" class=\"main\" data-to=\"{href}\">{words}</button></p>"
            )
        } else {
            format!("<p class=\"acts\"><a class=\"btn\" href=\"{href}\">{words}</a></p>")
        }
    }

    /// A table with a caption and headers. Cells are markup.
    pub(super) fn table(self, caption: &str, headers: &[&str], rows: &[Vec<String>]) -> String {
        let mut out =
            format!("<table class=\"list\"><caption>{}</caption><thead><tr>", esc(caption));
        for header in headers {
            let _ = write!(out, "<th>{}</th>", esc(header));
        }
        out.push_str("</tr></thead><tbody>");
        for row in rows {
            out.push_str("<tr>");
            for cell in row {
                let _ = write!(out, "<td>{cell}</td>");
            }
            out.push_str("</tr>");
        }
        out.push_str("</tbody></table>");
        if self.v2 { format!("<div class=\"card\"><div>{out}</div></div>") } else { out }
    }

    /// Words and values; what has no value is left out.
    pub(super) fn facts(self, rows: &[(&str, String)]) -> String {
        let mut out = String::from(self.say("<table class=\"facts\">", "<div class=\"card\"><dl>"));
        for (words, value) in rows.iter().filter(|(_, value)| !value.is_empty()) {
            let (words, value) = (esc(words), esc(value));
            let _ = if self.v2 {
                write!(out, "<dt>{words}</dt><dd>{value}</dd>")
            } else {
                write!(out, "<tr><th>{words}</th><td title=\"{words}\">{value}</td></tr>")
            };
        }
        out.push_str(self.say("</table>", "</dl></div>"));
        out
    }

    /// A message above a form; nothing where there is none.
    pub(super) fn alert(self, words: &str) -> String {
        if words.is_empty() {
            return String::new();
        }
        format!("<p class=\"alert\" role=\"alert\">{}</p>", esc(words))
    }
}

/// What lies over a page: a notice, or a survey that covers its buttons.
pub(super) fn overlays(desk: &Desk) -> String {
    let mut out = String::new();
    let wanted = desk.kept("notice") == serde_json::json!(true);
    if wanted || desk.call.fires("announcement") {
        desk.put("notice", serde_json::json!(false));
        desk.note(crate::ledger::Entry::new("announcement").with("what", "shown"));
        out.push_str(
            "<div class=\"veil\"><div class=\"modal\" role=\"dialog\" aria-label=\"Plan notice\">\
             <h2>Plan notice</h2><p>Benefit booklets for the new plan year have been posted.</p>\
             <button type=\"button\" class=\"btn\" data-close=\"1\">Close notice</button></div></div>",
        );
    }
    if desk.call.fires("survey") {
        out.push_str(
            "<div class=\"veil\"><div class=\"modal\" role=\"dialog\" aria-label=\"Survey\">\
             <h2>How are we doing?</h2><p>Two short questions about this page.</p>\
             <button type=\"button\" class=\"btn\">Take the survey</button> \
             <button type=\"button\" class=\"btn\" data-close=\"1\">No thanks</button></div></div>",
        );
    }
    out
}

/// Shown with status 200 while the hub is being worked on.
pub(super) fn maintenance() -> String {
    Look { v2: false }.ended("PlanBridge is closed for scheduled maintenance.", true)
}

/// The style sheet of both skins.
pub(super) async fn css() -> Response {
    html::answer(StatusCode::OK, "text/css; charset=utf-8", include_str!("pages/bridge.css"))
}

/// The script of the hub's pages.
pub(super) async fn hub_js() -> Response {
    let script = concat!(include_str!("pages/pulse.js"), include_str!("pages/bridge.js"));
    html::answer(StatusCode::OK, "text/javascript; charset=utf-8", script)
}

/// The script of the UM window.
pub(super) async fn um_js() -> Response {
    let script = concat!(include_str!("pages/pulse.js"), include_str!("pages/um.js"));
    html::answer(StatusCode::OK, "text/javascript; charset=utf-8", script)
}
