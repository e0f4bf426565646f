//! The Audit page: one append-only list of who did or saw what, with its reason; never a value.

use domain::time::Timestamp;
use maud::{Markup, html};

use super::parts;

/// An entry.
#[derive(Debug, Clone)]
pub struct Entry {
    /// When.
    pub at: Timestamp,
    /// Person, agent or duty.
    pub who: String,
    /// What was done, a word.
    pub action: String,
    /// On what: an id or a name.
    pub object: String,
    /// Its name, when it is a person or an agent.
    pub named: Option<String>,
    /// The page of that object, where there is one.
    pub href: Option<String>,
    /// The person's reason.
    pub reason: String,
}

/// The page.
#[derive(Debug, Clone)]
pub struct Audit {
    /// Filter: who.
    pub who: String,
    /// Filter: action.
    pub action: String,
    /// Filter: object.
    pub object: String,
    /// Entries, newest first.
    pub entries: Vec<Entry>,
    /// Query string of the next page.
    pub next: Option<String>,
    /// Whether this is not the first page.
    pub paged: bool,
}

fn filter(v: &Audit) -> Markup {
    html! {
        form.filters action="/audit" {
            @for (name, label, value) in [("who", "Who", &v.who), ("action", "Action", &v.action), ("object", "Object", &v.object)] {
                label { (label) input name=(name) value=(value) maxlength="80" autocomplete="off" spellcheck="false"; }
            }
            button { "Filter" }
            @if !(v.who.is_empty() && v.action.is_empty() && v.object.is_empty()) { a.quiet href="/audit" { "Clear" } }
        }
    }
}

/// The page's body.
#[must_use]
pub fn body(v: &Audit, now: Timestamp) -> Markup {
    html! {
        div.title { h1 { "Audit" } }
        (filter(v))
        section #list aria-label="Entries" {
            @if v.entries.is_empty() { (parts::empty("No entry matches.")) }
            @else {
                table.list.cards {
                    caption.hidden { "Entries, newest first" }
                    thead { tr { th scope="col" { "When" } th scope="col" { "Who" } th scope="col" { "Action" } th scope="col" { "Object" } th scope="col" { "Reason" } } }
                    tbody { @for e in &v.entries { tr {
                        td data-label="When" { (parts::when(e.at, now)) }
                        td data-label="Who" { (parts::visible(&e.who)) }
                        th scope="row" data-label="Action" { code { (parts::visible(&e.action)) } }
                        td data-label="Object" title=(e.object) {
                            @let name = object(e);
                            @if let Some(href) = &e.href { a href=(href) { (name) } } @else { (name) }
                        }
                        td data-label="Reason" { @if e.reason.is_empty() { span.muted { "–" } } @else { (parts::visible(&e.reason)) } }
                    } } }
                }
                (parts::pager(v.paged.then_some("/audit"), v.next.as_ref().map(|n| format!("/audit?{n}")).as_deref()))
            }
        }
    }
}

/// A name, or an id or hash in its short form.
fn object(e: &Entry) -> String {
    let whole = e.object.as_str();
    match &e.named {
        Some(name) => parts::visible(name),
        None if whole.contains('_') && whole.len() > 26 => parts::short(&whole),
        None if whole.len() == 64 => whole.chars().take(12).collect(),
        None => parts::visible(whole),
    }
}
