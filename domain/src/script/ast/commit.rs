//! The one irreversible verb, and the read-only search that settles a doubt about it.

use serde::Serialize;

use super::{CaptureSpec, Cell, DialogRule, Pages, Take, Target, Template, UrlGlob, Wait, Words};
use crate::script::span::{Name, Span};

/// `commit: name`: guarded, journalled before the click, proved after it, never repeated.
#[derive(Clone, Debug, Serialize)]
pub struct Commit {
    /// Its name, for people and events.
    pub name: Name,
    /// What must hold before.
    pub guard: Guard,
    /// What is clicked, once.
    pub click: Target,
    /// The one request that may leave.
    pub sends: Sends,
    /// The JavaScript dialog the click opens.
    pub dialog: Option<DialogRule>,
    /// Screen → exception, for screens that prove nothing was recorded.
    pub refused: Vec<(Name, Name)>,
    /// What proves it.
    pub proof: Proof,
    /// The `reconcile` flow that settles a doubt; see `Bundle::reconcile`.
    pub unsure: Name,
    /// Where it is written.
    #[serde(skip)]
    pub span: Span,
}

/// What must hold before a commit.
#[derive(Clone, Debug, Serialize)]
pub struct Guard {
    /// The screen that shows.
    pub screen: Name,
    /// Each value, and every item of a list, is in the visible text.
    pub page_says: Vec<Template>,
    /// Key of the local journal; not finer than the request's dedup key.
    pub once_per: Template,
}

/// The one request that may leave at the click.
#[derive(Clone, Debug, Serialize)]
pub struct Sends {
    /// POST, PUT, PATCH or DELETE.
    pub method: String,
    /// Its address.
    pub url: UrlGlob,
    /// Connections the page opens again by itself when it is cut off (a websocket), before the click.
    pub reconnects: u32,
}

/// What proves a commit.
#[derive(Clone, Debug, Serialize)]
pub struct Proof {
    /// Absent before, present now.
    pub screen: Name,
    /// In this time.
    pub within: Wait,
    /// Read before any navigation; at least one is a reference.
    pub capture: Vec<CaptureSpec>,
    /// Flow that must show the same number again.
    pub read_back: Option<Name>,
    /// Parameters of the flow.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub with: Vec<(Name, Template)>,
}

/// `rows`: collects matching rows. None counts as absence only by positive recognition.
#[derive(Clone, Debug, Serialize)]
pub struct Rows {
    /// The table.
    pub from: Target,
    /// Column and wanted cell; never empty. Written `where`.
    pub cells: Vec<(Words, Cell)>,
    /// The screen that says "no results".
    pub empty: Name,
    /// Cells kept as captures.
    pub take: Vec<Take>,
    /// Further pages of the table.
    pub pages: Option<Pages>,
    /// Where it is written.
    #[serde(skip)]
    pub span: Span,
}

/// `known`: after a search that found nothing, the same portal visit shows a record that is known to be there, or a list that has
/// any: only then does "nothing" count. Passed over when there was no need to ask, or no record is known.
#[derive(Clone, Debug, Serialize)]
pub struct KnownRows {
    /// The table.
    pub from: Target,
    /// Column and wanted cell, written `where`; empty: any row shows that the list works.
    pub cells: Vec<(Words, Cell)>,
    /// Where it is written.
    #[serde(skip)]
    pub span: Span,
}

/// `decide`: what the number of rows means; one row always means committed, many always staff.
#[derive(Clone, Debug, Serialize)]
pub struct Decide {
    /// How long between searches that find nothing.
    pub wait: Wait,
    /// How many searches; at least two.
    pub tries: u32,
    /// What follows when all found nothing.
    pub none_then: NoneThen,
    /// Where it is written.
    #[serde(skip)]
    pub span: Span,
}

/// What repeated absence means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum NoneThen {
    /// A person decides.
    AskStaff,
    /// Nothing was sent; honoured only where the payer's profile says absence is proof.
    NotCommitted,
}
