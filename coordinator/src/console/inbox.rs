//! The Inbox: what a person must answer, the oldest first, and beside it the question with the picture of that moment.

mod detail;

pub use detail::{Detail, choice_name};

use domain::{
    exception::{ExceptionKind, ExceptionState},
    id::{CaseId, ExceptionId},
    time::Timestamp,
};
use maud::{Markup, html};

use super::{frame::Frame, icons::Icon, parts, parts::Tone};

/// The lists of the inbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tab {
    /// Nobody has answered.
    Open,
    /// Held by the reader, or for the reader.
    Mine,
    /// Answered, or no longer asked.
    Resolved,
}

impl Tab {
    /// Every tab.
    pub const ALL: [Self; 3] = [Self::Open, Self::Mine, Self::Resolved];

    /// The word in the query string.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Mine => "mine",
            Self::Resolved => "resolved",
        }
    }

    /// Reads the word back; anything else is the open list.
    #[must_use]
    pub fn from_word(word: &str) -> Self {
        Self::ALL.into_iter().find(|t| t.word() == word).unwrap_or(Self::Open)
    }

    fn name(self) -> &'static str {
        match self {
            Self::Open => "Open",
            Self::Mine => "Mine",
            Self::Resolved => "Resolved",
        }
    }
}

/// A row of the list.
#[derive(Debug, Clone)]
pub struct Row {
    /// Which.
    pub id: ExceptionId,
    /// Kind.
    pub kind: ExceptionKind,
    /// Payer's name.
    pub payer: String,
    /// Case.
    pub case: CaseId,
    /// One sentence: what failed, else the question.
    pub sentence: String,
    /// Opened.
    pub opened_at: Timestamp,
    /// State.
    pub state: ExceptionState,
    /// Name of the holder or of the one who answered.
    pub person: Option<String>,
    /// Name of the one it is for.
    pub owner: Option<String>,
}

/// The page.
#[derive(Debug, Clone)]
pub struct Inbox {
    /// Open list.
    pub tab: Tab,
    /// Counts.
    pub counts: [(Tab, Option<usize>); 3],
    /// Filter: payer id.
    pub payer: String,
    /// Filter: kind word.
    pub kind: String,
    /// Filter: queue.
    pub queue: String,
    /// Queues to choose from.
    pub queues: Vec<String>,
    /// Payers to choose from: id and name.
    pub payers: Vec<(String, String)>,
    /// Rows.
    pub rows: Vec<Row>,
    /// Query string of the next page.
    pub next: Option<String>,
    /// The open question; on `/inbox` the first of the list.
    pub detail: Option<Detail>,
    /// Whether the address names the question (a phone then shows it alone).
    pub chosen: bool,
    /// Slots at work, for the empty sentence.
    pub slots_busy: u32,
}

/// The chip of a kind.
#[must_use]
pub fn kind_chip(kind: ExceptionKind) -> Markup {
    let (tone, icon, word) = match kind {
        ExceptionKind::CodeWanted => (Tone::Warn, Icon::Key, "Code wanted"),
        ExceptionKind::Challenge => (Tone::Warn, Icon::Person, "Challenge"),
        ExceptionKind::LoginRefused => (Tone::Bad, Icon::Cross, "Login refused"),
        ExceptionKind::PageChanged => (Tone::Warn, Icon::Changed, "Page changed"),
        ExceptionKind::ChooseOne => (Tone::Warn, Icon::Choose, "Choose one"),
        ExceptionKind::Correct => (Tone::Warn, Icon::Draft, "To correct"),
        ExceptionKind::UnmappedStatus => (Tone::Warn, Icon::Choose, "Unknown wording"),
        ExceptionKind::NotPermitted => (Tone::Bad, Icon::Ban, "Not permitted"),
        ExceptionKind::InDoubt => (Tone::Bad, Icon::Doubt, "In doubt"),
        ExceptionKind::GaveUp => (Tone::Bad, Icon::Lost, "Gave up"),
        ExceptionKind::PossibleDuplicate => (Tone::Warn, Icon::Choose, "Possible duplicate"),
        ExceptionKind::AlreadyFiled => (Tone::Warn, Icon::Doubt, "Already filed"),
    };
    parts::chip(tone, icon, word)
}

/// A state in words.
#[must_use]
pub fn state_words(state: &ExceptionState) -> &'static str {
    match state {
        ExceptionState::Open => "open",
        ExceptionState::Claimed { .. } => "claimed",
        ExceptionState::Resolved { .. } => "resolved",
        ExceptionState::Seconding { .. } => "waits for a second person",
        ExceptionState::Withdrawn => "no longer asked",
    }
}

fn query(v: &Inbox, tab: Tab) -> String {
    let mut out = url::form_urlencoded::Serializer::new(String::new());
    for (name, value) in [
        ("tab", tab.word()),
        ("payer", v.payer.as_str()),
        ("kind", v.kind.as_str()),
        ("queue", v.queue.as_str()),
    ] {
        if !value.is_empty() && (name != "tab" || tab != Tab::Open) {
            out.append_pair(name, value);
        }
    }
    out.finish()
}

/// The page's body.
#[must_use]
pub fn body(v: &Inbox, frame: &Frame) -> Markup {
    html! {
        div.title { h1 { "Inbox" } }
        nav.tabs aria-label="Lists" #tabs data-live="exceptions" {
            @for (tab, count) in &v.counts {
                a href={ "/inbox?" (query(v, *tab)) } aria-current=[(v.tab == *tab).then_some("page")] {
                    (tab.name()) @if let Some(n) = count { " " span.count { (n) } }
                }
            }
        }
        section.inbox.chosen[v.chosen] {
            div.inbox-list {
                (filters(v))
                div #list data-live="exceptions" { (list(v, frame.now)) }
            }
            @if let Some(detail) = &v.detail {
                section.card.question #question tabindex="-1" aria-labelledby="question-title" data-live="exceptions" {
                    (detail::body(detail, frame))
                }
            }
        }
    }
}

fn filters(v: &Inbox) -> Markup {
    html! {
        form.filters action="/inbox" {
            input type="hidden" name="tab" value=(v.tab.word());
            label { "Payer"
                select name="payer" {
                    option value="" { "All" }
                    @for (id, name) in &v.payers { option value=(id) selected[*id == v.payer] { (name) } }
                }
            }
            label { "Kind"
                select name="kind" {
                    option value="" { "All" }
                    @for kind in ExceptionKind::ALL {
                        option value=(kind.word()) selected[kind.word() == v.kind] { (kind.word().replace('_', " ")) }
                    }
                }
            }
            label { "Queue"
                select name="queue" {
                    option value="" { "All" }
                    @for queue in &v.queues { option value=(queue) selected[*queue == v.queue] { (queue.replace('_', " ")) } }
                }
            }
            button { "Filter" }
        }
    }
}

fn list(v: &Inbox, now: Timestamp) -> Markup {
    html! {
        @if v.rows.is_empty() { (nothing(v)) }
        @else {
            ul.rows data-keys="rows" { @for r in &v.rows { li {
                a.row href={ "/inbox/" (r.id) "?" (query(v, v.tab)) }
                    aria-current=[(v.detail.as_ref().is_some_and(|d| d.id == r.id)).then_some("true")] {
                    (kind_chip(r.kind))
                    span.muted.right { (parts::when(r.opened_at, now)) }
                    span.sentence { (parts::visible(&r.sentence)) }
                    span.muted {
                        (r.payer) " · case " (parts::short(&r.case))
                        @match (&r.state, &r.person) {
                            (ExceptionState::Claimed { until, .. }, Some(p)) if *until > now => { " · claimed by " (p) },
                            (ExceptionState::Seconding { .. }, _) => { " · waits for a second person" },
                            (ExceptionState::Resolved { resolution, .. }, Some(p)) => {
                                " · " (detail::choice_name(resolution.choice()).to_lowercase()) " by " (p)
                            },
                            (ExceptionState::Withdrawn, _) => { " · no longer asked" },
                            (ExceptionState::Open, _) => { @if let Some(owner) = &r.owner { " · for " (parts::visible(owner)) } },
                            _ => {},
                        }
                    }
                }
            } } }
            (parts::pager(None, v.next.as_ref().map(|n| format!("/inbox?{n}")).as_deref()))
        }
    }
}

fn nothing(v: &Inbox) -> Markup {
    if !(v.payer.is_empty() && v.kind.is_empty() && v.queue.is_empty()) {
        return parts::empty("Nothing on this list matches the filter.");
    }
    match v.tab {
        Tab::Open => parts::empty(&format!(
            "Nothing needs a person. {} working.",
            if v.slots_busy == 1 {
                "1 slot is".to_owned()
            } else {
                format!("{} slots are", v.slots_busy)
            }
        )),
        Tab::Mine => parts::empty(
            "You hold nothing, and nothing is asked of you. A question is claimed when you begin to answer it.",
        ),
        Tab::Resolved => parts::empty("No question has been answered yet."),
    }
}
