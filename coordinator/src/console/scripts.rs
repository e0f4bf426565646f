//! The Scripts page: which script is live for each payer and task, how it does, and the text of one hash, explained.

use domain::time::Timestamp;
use maud::{Markup, html};

use super::{frame::Frame, icons::Icon, parts, parts::Tone};

/// A published script.
#[derive(Debug, Clone)]
pub struct ScriptRow {
    /// `crestline/submit`.
    pub script: String,
    /// Hash of the bundle.
    pub sha256: String,
    /// Whether new jobs are pinned to it.
    pub live: bool,
    /// Why it is held, if it is.
    pub held: Option<String>,
    /// Published.
    pub published_at: Timestamp,
    /// The last attempts, oldest first: succeeded or not.
    pub recent: Vec<bool>,
}

/// One script's text.
#[derive(Debug, Clone)]
pub struct ScriptPage {
    /// `crestline/submit`.
    pub script: String,
    /// Hash of the bundle.
    pub sha256: String,
    /// Whether new jobs are pinned to it.
    pub live: bool,
    /// Why it is held, if it is.
    pub held: Option<String>,
    /// Published.
    pub published_at: Timestamp,
    /// The script told to staff, when it can be.
    pub explained: Option<String>,
    /// Files of the bundle: path and text.
    pub files: Vec<(String, String)>,
}

fn live(is: bool, held: Option<&String>) -> Markup {
    if held.is_some() {
        parts::chip(Tone::Bad, Icon::Pause, "Held")
    } else if is {
        parts::chip(Tone::Good, Icon::Check, "Live")
    } else {
        parts::chip(Tone::Calm, Icon::Clock, "Earlier")
    }
}

/// The list.
#[must_use]
pub fn list(rows: &[ScriptRow], now: Timestamp) -> Markup {
    html! {
        div.title { h1 { "Scripts" } }
        section #list .card[rows.is_empty()] aria-label="Scripts" {
            @if rows.is_empty() { (parts::empty("No script is published. The coordinator publishes its scripts folder at start.")) }
            @else {
                table.list.cards data-keys="rows" {
                    caption.hidden { "Published scripts" }
                    thead { tr { th scope="col" { "Script" } th scope="col" { "State" } th scope="col" { "Hash" } th scope="col" { "Last attempts" } th.num scope="col" { "Published" } } }
                    tbody { @for r in rows { tr {
                        th scope="row" data-label="Script" { a.row href={ "/scripts/" (r.sha256) } { (parts::visible(&r.script)) } }
                        td data-label="State" { (live(r.live, r.held.as_ref())) }
                        td data-label="Hash" { (parts::hash(&r.sha256)) }
                        td data-label="Last attempts" { (recent(&r.recent)) }
                        td.num data-label="Published" { (parts::when(r.published_at, now)) }
                    } } }
                }
            }
        }
    }
}

fn recent(ends: &[bool]) -> Markup {
    let good = ends.iter().filter(|e| **e).count();
    html! {
        @if ends.is_empty() { span.muted { "none yet" } }
        @else {
            span {
                span.ticks aria-hidden="true" { @for e in ends { i.good[*e].bad[!*e] {} } }
                (good) " of " (ends.len()) " succeeded"
            }
        }
    }
}

/// One script.
#[must_use]
pub fn one(v: &ScriptPage, frame: &Frame) -> Markup {
    let now = frame.now;
    html! {
        nav.crumbs aria-label="Where you are" { a href="/scripts" { "Scripts" } span { (v.script) } }
        div.title { h1 { (parts::visible(&v.script)) } (live(v.live, v.held.as_ref())) (parts::hash(&v.sha256))
            span.muted { "published " (parts::when(v.published_at, now)) } }
        @if let Some(reason) = &v.held {
            div.banner.bad { (Icon::Pause.svg()) div {
                strong { "Held: its jobs wait." }
                p { (parts::visible(reason)) " " a href="/drift" { "Look at drift" } }
            } }
        }
        (hold_forms(v, frame))
        @if let Some(text) = &v.explained {
            section.card aria-labelledby="explain" { h2 #explain { "In plain words" } pre.text tabindex="0" { (parts::visible(text)) } }
        }
        @for (path, text) in &v.files {
            section.card aria-label=(path) {
                h2 { code { (parts::visible(path)) } }
                ol.code tabindex="0" { @for (i, line) in text.lines().enumerate() {
                    li #{ (path.replace('/', "-")) "-" (i + 1) } { code { (parts::visible(line)) } }
                } }
            }
        }
    }
}

fn hold_forms(v: &ScriptPage, frame: &Frame) -> Markup {
    let (label, act, may, refusal) = if v.held.is_some() {
        (
            "Let it go on",
            "unhold",
            frame.may_settle,
            "Letting a held script go on needs the role reviewer.",
        )
    } else {
        ("Hold", "hold", frame.may_act, "Your role may look but not act.")
    };
    html! { div.actions {
        @if may {
            (parts::action(label, &html! {
                form.stack method="post" action={ "/scripts/" (v.sha256) "/" (act) } {
                    (parts::csrf(&frame.csrf))
                    (parts::reason_field("hold-reason", "A button went to the wrong place"))
                    button.primary { (label) }
                }
            }))
        } @else { (parts::refused_button(label, refusal)) }
    } }
}
