//! The shared pieces of the pages, each a function of domain types: state chip, time, id, reference, picture with
//! marks, reason field, refused button, empty sentence, pager. Pages build on these and on nothing else in common.

mod form;
mod picture;

pub use form::{action, csrf, reason_field, refused_button};
pub use picture::{Picture, cut, picture};

use domain::{
    attempt::AttemptState,
    case::CaseStatus,
    intent::IntentState,
    job::{JobState, Task},
    outcome::{Answer, Reference, ReferenceKind},
    step::{Effect, StepState},
    time::Timestamp,
};
use maud::{Markup, html};

use super::icons::Icon;

/// What a state means for the reader; colour follows from it, after icon and word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    /// Nothing to do.
    Calm,
    /// Under way.
    Active,
    /// Ended well.
    Good,
    /// Needs attention soon.
    Warn,
    /// A person must act, or something was lost.
    Bad,
}

impl Tone {
    pub(super) fn class(self) -> &'static str {
        match self {
            Self::Calm => "calm",
            Self::Active => "active",
            Self::Good => "good",
            Self::Warn => "warn",
            Self::Bad => "bad",
        }
    }
}

/// A state: icon, word, and colour third.
#[must_use]
pub fn chip(tone: Tone, icon: Icon, word: &str) -> Markup {
    html! { span.chip.(tone.class()) { (icon.svg()) (word) } }
}

/// The chip of a case.
#[must_use]
pub fn case_status(status: CaseStatus) -> Markup {
    match status {
        CaseStatus::Received => chip(Tone::Calm, Icon::Intake, "Received"),
        CaseStatus::Working => chip(Tone::Active, Icon::Running, "Working"),
        CaseStatus::Attention => chip(Tone::Bad, Icon::Person, "Needs us"),
        CaseStatus::Complete => chip(Tone::Good, Icon::Check, "Complete"),
        CaseStatus::Failed => chip(Tone::Bad, Icon::Cross, "Failed"),
        CaseStatus::Withdrawn => chip(Tone::Calm, Icon::Ban, "Withdrawn"),
    }
}

/// The chip of a job.
#[must_use]
pub fn job_state(state: &JobState) -> Markup {
    match state {
        JobState::Ready => chip(Tone::Calm, Icon::Ready, "Ready"),
        JobState::Leased { .. } => chip(Tone::Active, Icon::Running, "Working"),
        JobState::Resting { .. } => chip(Tone::Calm, Icon::Clock, "Resting"),
        JobState::Waiting { intent: Some(_), .. } => {
            chip(Tone::Bad, Icon::Doubt, "In doubt, waits for us")
        }
        JobState::Waiting { intent: None, .. } => chip(Tone::Bad, Icon::Person, "Waits for us"),
        JobState::InDoubt { .. } => chip(Tone::Bad, Icon::Doubt, "In doubt"),
        JobState::Done { .. } => chip(Tone::Good, Icon::Check, "Done"),
        JobState::Failed { .. } => chip(Tone::Bad, Icon::Cross, "Failed"),
        JobState::Cancelled { .. } => chip(Tone::Calm, Icon::Ban, "Cancelled"),
    }
}

/// The chip of an attempt.
#[must_use]
pub fn attempt_state(state: &AttemptState) -> Markup {
    match state {
        AttemptState::Running => chip(Tone::Active, Icon::Running, "Running"),
        AttemptState::Paused { .. } => chip(Tone::Warn, Icon::Pause, "Paused for a person"),
        AttemptState::Succeeded => chip(Tone::Good, Icon::Check, "Succeeded"),
        AttemptState::Failed { .. } => chip(Tone::Bad, Icon::Cross, "Failed"),
        AttemptState::Lost => chip(Tone::Bad, Icon::Lost, "Lost"),
        AttemptState::Released => chip(Tone::Calm, Icon::Ban, "Given back"),
    }
}

/// The chip of an intent.
#[must_use]
pub fn intent_state(state: &IntentState) -> Markup {
    match state {
        IntentState::Open => chip(Tone::Bad, Icon::Doubt, "Open"),
        IntentState::Confirmed { .. } => chip(Tone::Good, Icon::Check, "Confirmed"),
        IntentState::Void { .. } => chip(Tone::Calm, Icon::Ban, "Void"),
    }
}

/// The chip of a payer's answer.
#[must_use]
pub fn answer(answer: Answer) -> Markup {
    let (tone, icon) = answer_looks(answer);
    chip(tone, icon, answer.say())
}

/// The same chip for a list, where room is short.
#[must_use]
pub fn answer_short(answer: Answer) -> Markup {
    let (tone, icon) = answer_looks(answer);
    let word = match answer {
        Answer::PendedInfo => "Information wanted",
        Answer::ContactPayer => "Call wanted",
        Answer::PeerToPeer => "Peer-to-peer offered",
        Answer::Redirected => "Redirected",
        Answer::NotFound => "Not found",
        Answer::Duplicate => "On file already",
        Answer::CoverageInactive => "Not covered",
        Answer::ClaimZeroPaid => "Nothing paid",
        Answer::ClaimRejected => "Claim rejected",
        other => other.say(),
    };
    chip(tone, icon, word)
}

fn answer_looks(answer: Answer) -> (Tone, Icon) {
    match answer {
        Answer::Approved | Answer::NotRequired | Answer::CoverageActive | Answer::ClaimPaid => {
            (Tone::Good, Icon::Check)
        }
        Answer::Denied
        | Answer::Rejected
        | Answer::CoverageInactive
        | Answer::ClaimDenied
        | Answer::ClaimRejected => (Tone::Bad, Icon::Cross),
        Answer::PendedInfo | Answer::ContactPayer | Answer::PeerToPeer | Answer::NotFound => {
            (Tone::Warn, Icon::Person)
        }
        Answer::Received
        | Answer::PendedReview
        | Answer::ClaimReceived
        | Answer::ClaimInProcess => (Tone::Active, Icon::Clock),
        Answer::PartiallyApproved
        | Answer::AuthorizationRequired
        | Answer::Modified
        | Answer::Redirected
        | Answer::Duplicate
        | Answer::Cancelled
        | Answer::ClaimPartiallyPaid
        | Answer::ClaimZeroPaid
        | Answer::ClaimAdjusted => (Tone::Warn, Icon::Document),
    }
}

/// The icon of a step; its word follows in hidden text.
#[must_use]
pub fn step_icon(state: StepState) -> Markup {
    let (tone, icon, word) = match state {
        StepState::Running => (Tone::Active, Icon::Running, "running"),
        StepState::Done => (Tone::Good, Icon::Check, "done"),
        StepState::Failed => (Tone::Bad, Icon::Cross, "failed"),
        StepState::Skipped => (Tone::Calm, Icon::Ready, "skipped"),
    };
    html! { span.mark-state.(tone.class()) { (icon.svg()) span.hidden { (word) } } }
}

/// A badge for a step that changes something at the payer.
#[must_use]
pub fn effect(effect: Effect) -> Markup {
    match effect {
        Effect::Read => html! {},
        Effect::Draft => html! { span.badge { (Icon::Draft.svg()) "draft" } },
        Effect::Commit => html! { span.badge.commit { (Icon::Commit.svg()) "commit" } },
    }
}

/// A task as staff say it.
#[must_use]
pub fn task(task: Task) -> &'static str {
    match task {
        Task::Submit => "Submit",
        Task::AuthStatus => "Authorization status",
        Task::ClaimStatus => "Claim status",
        Task::Eligibility => "Eligibility",
        Task::Precheck => "Authorization needed?",
        Task::Renewal => "Renewal",
        Task::Letter => "Letter",
    }
}

/// A case's kind in a list, where room is short.
#[must_use]
pub fn case_kind_short(kind: &str) -> &str {
    match kind {
        "prior_auth" => "Prior auth",
        "auth_status" => "Auth status",
        "claim_status" => "Claim status",
        "eligibility" => "Eligibility",
        "precheck" => "Pre-check",
        "letter" => "Letter",
        other => other,
    }
}

/// A case's kind as staff say it; an unknown word is shown as it is.
#[must_use]
pub fn case_kind(kind: &str) -> &str {
    match kind {
        "prior_auth" => "Prior authorization",
        "auth_status" => "Authorization status",
        "claim_status" => "Claim status",
        "eligibility" => "Eligibility",
        "precheck" => "Is an authorization needed",
        "letter" => "Letter of a decision",
        other => other,
    }
}

/// The kind of a payer's number as staff say it.
#[must_use]
pub fn reference_kind(kind: ReferenceKind) -> &'static str {
    match kind {
        ReferenceKind::Decision => "Decision number",
        ReferenceKind::Case => "Case number",
        ReferenceKind::Tracking => "Tracking number",
        ReferenceKind::Transaction => "Transaction number",
        ReferenceKind::Pend => "Pend number",
        ReferenceKind::Authorization => "Authorization number",
        ReferenceKind::Claim => "Claim number",
        ReferenceKind::Letter => "Letter number",
        ReferenceKind::Receipt => "Receipt",
    }
}

/// How a value was read, in words.
#[must_use]
pub fn read_by(word: &str) -> &str {
    match word {
        "dom" => "page text",
        "table" => "a table on the page",
        "ocr" => "a picture, by text recognition",
        "pdf" => "a PDF",
        "url" => "the page address",
        "person" => "a person",
        other => other,
    }
}

/// A time: relative in the text, absolute in `datetime` and `title`.
#[must_use]
pub fn when(at: Timestamp, now: Timestamp) -> Markup {
    let iso = at.to_string();
    let whole = format!("{} UTC", at.jiff().strftime("%a %-d %b %Y, %H:%M:%S"));
    html! { time datetime=(iso) title=(whole) { (relative(at, now)) } }
}

/// `4 min ago`, `in 2 h`; days beyond two days, a date beyond two weeks.
#[must_use]
pub fn relative(at: Timestamp, now: Timestamp) -> String {
    let ms = now.since_ms(at);
    let seconds = ms.abs() / 1_000;
    let text = match seconds {
        0..5 if ms >= 0 => return "just now".to_owned(),
        0..60 => format!("{seconds} s"),
        60..3_600 => format!("{} min", seconds / 60),
        3_600..172_800 => format!("{} h", seconds / 3_600),
        172_800..1_209_600 => format!("{} days", seconds / 86_400),
        _ => return at.jiff().strftime("%-d %b %Y").to_string(),
    };
    if ms >= 0 { format!("{text} ago") } else { format!("in {text}") }
}

/// A length of time: `2.1 s`, `1 min 12 s`, `3 h 05 min`.
#[must_use]
pub fn duration(ms: i64) -> String {
    let ms = ms.max(0);
    let seconds = ms / 1_000;
    match seconds {
        0..60 => format!("{}.{} s", seconds, ms % 1_000 / 100),
        60..3_600 => format!("{} min {:02} s", seconds / 60, seconds % 60),
        _ => format!("{} h {:02} min", seconds / 3_600, seconds / 60 % 60),
    }
}

/// A length of time in its largest unit: `40 s`, `3 min`, `4 h`, `2 days`.
#[must_use]
pub fn about(ms: i64) -> String {
    let seconds = ms.max(0) / 1_000;
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3_600 => format!("{} min", seconds / 60),
        3_600..172_800 => format!("{} h", seconds / 3_600),
        _ => format!("{} days", seconds / 86_400),
    }
}

/// A clock from the start of an attempt: `00:41.220`.
#[must_use]
pub fn stamp(ms: i64) -> String {
    let ms = ms.max(0);
    format!("{:02}:{:02}.{:03}", ms / 60_000, ms / 1_000 % 60, ms % 1_000)
}

/// Bytes for people.
#[must_use]
pub fn size(bytes: u64) -> String {
    match bytes {
        0..1_000 => format!("{bytes} B"),
        1_000..1_000_000 => format!("{} kB", bytes / 1_000),
        _ => format!("{}.{} MB", bytes / 1_000_000, bytes / 100_000 % 10),
    }
}

/// The last six characters of an id under a letter: `C-7K2QF9`. The whole id is in `title` and is what gets copied.
#[must_use]
pub fn short(id: &impl std::fmt::Display) -> String {
    let whole = id.to_string();
    let (prefix, rest) = whole.split_once('_').unwrap_or(("", &whole));
    let letter = prefix.chars().next().map_or(String::new(), |c| c.to_uppercase().to_string());
    let tail: String = rest.chars().skip(rest.chars().count().saturating_sub(6)).collect();
    format!("{letter}-{tail}")
}

/// An id in its short form, copyable in full.
#[must_use]
pub fn id(id: &impl std::fmt::Display) -> Markup {
    let whole = id.to_string();
    html! { copy-text value=(whole) { code title=(whole) { (short(id)) } } }
}

/// Text that one press copies.
#[must_use]
pub fn copyable(text: &str) -> Markup {
    html! { copy-text value=(text) { code { (visible(text)) } } }
}

/// The first twelve characters of a hash, copyable in full.
#[must_use]
pub fn hash(sha256: &str) -> Markup {
    let head: String = sha256.chars().take(12).collect();
    html! { copy-text value=(sha256) { code title=(sha256) { (head) } } }
}

/// Foreign text made safe to read: control characters and direction marks become visible, so that no text can pose as another.
#[must_use]
pub fn visible(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' | '\t' => out.push(c),
            '\u{200b}'..='\u{200f}'
            | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{2069}'
            | '\u{feff}' => out.push_str(&format!("⟨U+{:04X}⟩", u32::from(c))),
            c if c.is_control() => out.push_str(&format!("⟨U+{:04X}⟩", u32::from(c))),
            c => out.push(c),
        }
    }
    out
}

/// Keeps `keep` characters at the end of a value and hides the rest: `•••••0001`.
#[must_use]
pub fn masked(value: &str, keep: usize) -> String {
    let length = value.chars().count();
    let keep = if length > keep * 2 { keep } else { 0 };
    let tail: String = value.chars().skip(length - keep).collect();
    format!("••••{tail}")
}

/// A number the payer gave, with what it is and where it was read.
#[must_use]
pub fn reference(reference: &Reference) -> Markup {
    html! {
        span.reference { span.muted { (reference_kind(reference.kind)) } " " (copyable(&reference.value)) }
    }
}

/// Empty is a sentence, not a blank.
#[must_use]
pub fn empty(sentence: &str) -> Markup {
    html! { p.empty { (sentence) } }
}

/// Key paging: the next page's address, and the first page's when this is not it.
#[must_use]
pub fn pager(first: Option<&str>, next: Option<&str>) -> Markup {
    html! {
        @if first.is_some() || next.is_some() {
            nav.pager aria-label="Pages of this list" {
                @if let Some(href) = first { a.button href=(href) { "First page" } }
                @if let Some(href) = next { a.button href=(href) rel="next" { "Next page" } }
            }
        }
    }
}

/// One labelled fact of a `dl.facts`.
#[must_use]
pub fn fact(label: &str, value: &Markup) -> Markup {
    html! { div { dt { (label) } dd { (value) } } }
}
