//! The Work page: one list of cases by what comes next, with counts, filters in the address, key paging.

use domain::{case::CaseStatus, id::CaseId, outcome::Answer, time::Timestamp};
use maud::{Markup, html};

use super::{icons::Icon, parts};

/// The lists a case can be on, by what comes next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tab {
    /// A person must act.
    NeedsUs,
    /// Not yet at the payer.
    ToSubmit,
    /// The payer has it, or is being asked.
    AtThePayer,
    /// It may have been submitted.
    InDoubt,
    /// Nothing comes next.
    Done,
}

impl Tab {
    /// Every tab, in the order of the page.
    pub const ALL: [Self; 5] =
        [Self::NeedsUs, Self::ToSubmit, Self::AtThePayer, Self::InDoubt, Self::Done];

    /// The word in the query string.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::NeedsUs => "needs_us",
            Self::ToSubmit => "to_submit",
            Self::AtThePayer => "at_payer",
            Self::InDoubt => "in_doubt",
            Self::Done => "done",
        }
    }

    /// Reads the word back.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|t| t.word() == word)
    }

    fn name(self) -> &'static str {
        match self {
            Self::NeedsUs => "Needs us",
            Self::ToSubmit => "To submit",
            Self::AtThePayer => "At the payer",
            Self::InDoubt => "In doubt",
            Self::Done => "Done",
        }
    }

    fn empty(self) -> &'static str {
        match self {
            Self::NeedsUs => "Nothing needs a person.",
            Self::ToSubmit => "Nothing waits to be submitted.",
            Self::AtThePayer => "Nothing is pending at a payer.",
            Self::InDoubt => "No submission is in doubt.",
            Self::Done => "No case is finished yet.",
        }
    }
}

/// A row of the list.
#[derive(Debug, Clone)]
pub struct Row {
    /// Case.
    pub case: CaseId,
    /// `prior_auth`, …
    pub kind: String,
    /// Payer's name.
    pub payer: String,
    /// The member, already masked.
    pub member: String,
    /// Services in short (`70551 ×1`); empty for an inquiry.
    pub service: String,
    /// Status.
    pub status: CaseStatus,
    /// The newest answer, when there is one.
    pub answer: Option<Answer>,
    /// The newest number.
    pub reference: Option<String>,
    /// What comes next, a short sentence.
    pub next: String,
    /// When.
    pub due: Option<Timestamp>,
    /// Last change.
    pub changed_at: Timestamp,
}

/// The page.
#[derive(Debug, Clone)]
pub struct Work {
    /// The open tab; none while searching.
    pub tab: Option<Tab>,
    /// Count of each tab.
    pub counts: [(Tab, u64); 5],
    /// Searched text.
    pub q: String,
    /// Filter: payer id.
    pub payer: String,
    /// Filter: kind.
    pub kind: String,
    /// Payers to choose from: id and name.
    pub payers: Vec<(String, String)>,
    /// Rows of this page.
    pub rows: Vec<Row>,
    /// Query string of the next page.
    pub next: Option<String>,
    /// Whether this is not the first page.
    pub paged: bool,
}

impl Work {
    /// The query string of this view without its page, `tab` replaced.
    fn query(&self, tab: Option<Tab>) -> String {
        let mut out = url::form_urlencoded::Serializer::new(String::new());
        for (name, value) in [
            ("tab", tab.map_or("", Tab::word)),
            ("q", if tab.is_none() { self.q.as_str() } else { "" }),
            ("payer", self.payer.as_str()),
            ("kind", self.kind.as_str()),
        ] {
            if !value.is_empty() {
                out.append_pair(name, value);
            }
        }
        out.finish()
    }

    fn filtered(&self) -> bool {
        !self.payer.is_empty() || !self.kind.is_empty()
    }
}

/// The page's body.
#[must_use]
pub fn body(v: &Work, now: Timestamp) -> Markup {
    html! {
        div.title { h1 { "Work" }
            a.button href={ "/cases.csv?" (v.query(v.tab)) } { "Export CSV" }
        }
        nav.tabs aria-label="Lists" data-live="ready exceptions fleet" #tabs {
            @for (tab, count) in &v.counts {
                a href={ "/?" (v.query(Some(*tab))) } aria-current=[(v.tab == Some(*tab)).then_some("page")]
                    .alarm[matches!(tab, Tab::NeedsUs | Tab::InDoubt) && *count > 0] {
                    (tab.name()) " " span.count { (count) }
                }
            }
        }
        (filters(v))
        section #list data-live="ready exceptions fleet" aria-label="Cases" {
            @if v.rows.is_empty() { (nothing(v)) } @else { (table(v, now)) }
            (parts::pager(
                v.paged.then(|| format!("/?{}", v.query(v.tab))).as_deref(),
                v.next.as_ref().map(|n| format!("/?{n}")).as_deref(),
            ))
        }
    }
}

fn filters(v: &Work) -> Markup {
    html! {
        form.filters action="/" {
            @if let Some(tab) = v.tab { input type="hidden" name="tab" value=(tab.word()); }
            @else { input type="hidden" name="q" value=(v.q); }
            label { "Payer"
                select name="payer" {
                    option value="" { "All" }
                    @for (id, name) in &v.payers { option value=(id) selected[*id == v.payer] { (name) } }
                }
            }
            label { "Kind"
                select name="kind" {
                    option value="" { "All" }
                    @for kind in domain::request::Request::KINDS {
                        option value=(kind) selected[kind == v.kind] { (parts::case_kind(kind)) }
                    }
                }
            }
            button { "Filter" }
            @if v.filtered() || v.tab.is_none() { a.quiet href="/" { "Clear" } }
            @if v.tab.is_none() { p.found { "Found for “" (parts::visible(&v.q)) "”: " (v.rows.len()) } }
        }
    }
}

fn nothing(v: &Work) -> Markup {
    match v.tab {
        None => parts::empty(
            "No case, reference or member number matches. Numbers are matched whole, without spaces.",
        ),
        Some(_) if v.filtered() => parts::empty("No case on this list matches the filter."),
        Some(tab) => parts::empty(tab.empty()),
    }
}

fn table(v: &Work, now: Timestamp) -> Markup {
    html! {
        table.list.cards data-keys="rows" {
            caption.hidden { "Cases" }
            thead { tr {
                th scope="col" { "Case" } th scope="col" { "Payer" } th scope="col" { "Member" }
                th scope="col" { "Service" } th scope="col" { "Status" } th scope="col" { "Reference" }
                th scope="col" { "Next" } th.num scope="col" { "Changed" }
            } }
            tbody { @for row in &v.rows { (line(row, now)) } }
        }
    }
}

fn line(row: &Row, now: Timestamp) -> Markup {
    html! {
        tr #{ "row-" (row.case) } {
            th scope="row" data-label="Case" {
                a.row href={ "/cases/" (row.case) } { code { (parts::short(&row.case)) } " " span { (parts::case_kind_short(&row.kind)) } }
            }
            td data-label="Payer" { (row.payer) }
            td.nowrap data-label="Member" { (parts::visible(&row.member)) }
            td.nowrap data-label="Service" { @if row.service.is_empty() { span.muted { "–" } } @else { (parts::visible(&row.service)) } }
            td data-label="Status" {
                @match (row.status, row.answer) {
                    (CaseStatus::Complete | CaseStatus::Working, Some(a)) => (parts::answer_short(a)),
                    (status, _) => (parts::case_status(status)),
                }
            }
            td data-label="Reference" { @if let Some(r) = &row.reference { (parts::copyable(r)) } @else { span.muted { "none yet" } } }
            td.nowrap data-label="Next" { (row.next) @if let Some(due) = row.due { " " (parts::when(due, now)) } }
            td.num data-label="Changed" { (parts::when(row.changed_at, now)) }
        }
    }
}

/// The same rows as CSV (RFC 4180). A cell that a spreadsheet would take for a formula is quoted with an apostrophe.
#[must_use]
pub fn csv(rows: &[Row]) -> String {
    let mut out =
        "case,kind,payer,member,service,status,answer,reference,next,due,changed\r\n".to_owned();
    for r in rows {
        let cells = [
            r.case.to_string(),
            r.kind.clone(),
            r.payer.clone(),
            r.member.clone(),
            r.service.clone(),
            r.status.word().to_owned(),
            r.answer.map_or(String::new(), |a| a.word().to_owned()),
            r.reference.clone().unwrap_or_default(),
            r.next.clone(),
            r.due.map_or(String::new(), |d| d.to_string()),
            r.changed_at.to_string(),
        ];
        let line: Vec<String> = cells.iter().map(|c| cell(c)).collect();
        out.push_str(&line.join(","));
        out.push_str("\r\n");
    }
    out
}

fn cell(text: &str) -> String {
    let risky = text.starts_with(['=', '+', '-', '@', '\t', '\r']);
    let text = if risky { format!("'{text}") } else { text.to_owned() };
    if text.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text
    }
}

/// The icon beside a kind of case; used by the case page too.
#[must_use]
pub fn kind_icon(kind: &str) -> Icon {
    match kind {
        "prior_auth" => Icon::Commit,
        _ => Icon::Search,
    }
}
