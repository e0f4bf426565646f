//! Named exceptions and what becomes of the job; the agent reports, the coordinator decides.

use serde::Serialize;

use super::{Wait, Words};
use crate::outcome::{FailureKind, RetryRule};
use crate::script::span::{Name, Span};

/// `exceptions: {name: {queue, hold, say, retry, scope}}`.
#[derive(Clone, Debug, Serialize)]
pub struct ExceptionRule {
    /// Which people look at it.
    pub queue: Option<Name>,
    /// No automatic step until a person answers.
    pub hold: bool,
    /// One sentence for staff, without templates.
    pub say: Option<Words>,
    /// Arguments of the retry schedule; ignored once something was sent.
    pub retry: Option<Retry>,
    /// Whether only the job or the whole payer rests.
    pub scope: Scope,
    /// Where it is written.
    #[serde(skip)]
    pub span: Span,
}

/// `retry: {after, backoff, at_most}`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Retry {
    /// First wait.
    pub after: Wait,
    /// Factor of each further wait in hundredths, at least 100 (200 = doubling).
    pub backoff_percent: u32,
    /// At most that many retries.
    pub at_most: u32,
}

/// How far an exception reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// This job.
    Job,
    /// The circuit breaker of this payer opens.
    Payer,
}

impl Retry {
    /// The same as arguments of the one retry schedule.
    pub fn rule(self) -> RetryRule {
        RetryRule {
            after_ms: i64::try_from(self.after.ms).unwrap_or(i64::MAX),
            backoff_percent: self.backoff_percent,
            at_most: self.at_most,
        }
    }
}

impl ExceptionRule {
    /// The kind of failure a declared exception stands for, by who looks at it.
    pub fn failure(&self) -> FailureKind {
        let queue = self.queue.as_ref().map_or("", |queue| queue.as_str());
        match (queue, self.scope) {
            ("eligibility", _) => FailureKind::NotFound,
            ("credentials", _) => FailureKind::LoginRejected,
            ("coding", _) => FailureKind::Refused,
            ("takeover", _) => FailureKind::Challenge,
            ("drift", _) => FailureKind::PageChanged,
            (_, Scope::Payer) => FailureKind::PortalDown,
            ("", Scope::Job) => FailureKind::Transient,
            _ => FailureKind::Refused,
        }
    }
}

/// Exceptions that need no declaration, with the kind of failure each is and the sentence staff read. A script may override
/// their consequence and the sentence, not their meaning.
pub const BUILT_IN: [(&str, FailureKind, &str); 30] = [
    (
        "off_site",
        FailureKind::OffSite,
        "The page led to a site that the script does not know; nothing more was done there.",
    ),
    (
        "no_known_screen",
        FailureKind::PageChanged,
        "The portal showed a page the script does not know.",
    ),
    (
        "unexpected_screen",
        FailureKind::PageChanged,
        "The portal showed another page than the one that belongs here.",
    ),
    (
        "ambiguous_screen",
        FailureKind::PageChanged,
        "What the portal showed fits more than one page the script knows.",
    ),
    ("element_missing", FailureKind::PageChanged, "Something the script needs is not on the page."),
    (
        "element_ambiguous",
        FailureKind::PageChanged,
        "The page has more than one thing that could be meant, and none was chosen.",
    ),
    (
        "element_conflict",
        FailureKind::PageChanged,
        "The ways to find a part of the page point to different parts, and none was chosen.",
    ),
    (
        "not_actionable",
        FailureKind::Transient,
        "A part of the page could not be used in time: covered, disabled or still moving.",
    ),
    ("input_rejected", FailureKind::BadInput, "The portal did not accept a value as it was typed."),
    (
        "readback_differs",
        FailureKind::BadInput,
        "A field shows another value than the one that was typed.",
    ),
    (
        "option_missing",
        FailureKind::Refused,
        "The portal does not offer the choice that the request needs.",
    ),
    ("upload_rejected", FailureKind::Refused, "The portal did not take a document."),
    (
        "capture_missing",
        FailureKind::PageChanged,
        "A value that the page should show is not there, or not in its known form.",
    ),
    (
        "download_failed",
        FailureKind::PageChanged,
        "A file that the portal offers did not arrive as it should.",
    ),
    (
        "unexpected_dialog",
        FailureKind::PageChanged,
        "The portal asked something in a dialog that the script does not know.",
    ),
    (
        "new_required_field",
        FailureKind::PageChanged,
        "The portal asks for something new that must be filled in before sending; nothing was sent.",
    ),
    ("watch_loop", FailureKind::PageChanged, "The same interruption came again and again."),
    ("portal_error", FailureKind::PortalDown, "The portal answered with an error."),
    ("challenge", FailureKind::Challenge, "The portal shows something meant for people only."),
    (
        "code_needed",
        FailureKind::NeedsCode,
        "The portal asks for a code that only a person can give.",
    ),
    ("code_rejected", FailureKind::NeedsCode, "The portal did not accept the code."),
    (
        "attestation_needed",
        FailureKind::NeedsCode,
        "The portal asks for a statement that a person has to make first.",
    ),
    (
        "guard_failed",
        FailureKind::Refused,
        "The last page before sending does not show what the request says; nothing was sent.",
    ),
    (
        "already_filed",
        FailureKind::Refused,
        "The payer has this request already; nothing was sent.",
    ),
    (
        "already_submitted",
        FailureKind::Refused,
        "This request was sent before; nothing was sent again.",
    ),
    (
        "possible_duplicate",
        FailureKind::Refused,
        "Nearly the same request is with the payer already; nothing was sent.",
    ),
    (
        "in_doubt",
        FailureKind::Unsure,
        "The request may have been submitted; we are looking, and will not send it again.",
    ),
    ("page_crashed", FailureKind::Lost, "The page broke down in the browser."),
    ("browser_lost", FailureKind::Lost, "The browser was lost in the middle of the work."),
    ("out_of_time", FailureKind::Lost, "The time for this work was over."),
];

/// The meaning of a built-in exception.
pub fn built_in(name: &str) -> Option<FailureKind> {
    BUILT_IN.iter().find(|(known, ..)| *known == name).map(|(_, kind, _)| *kind)
}

/// What staff read of a built-in exception.
pub fn built_in_say(name: &str) -> Option<&'static str> {
    BUILT_IN.iter().find(|(known, ..)| *known == name).map(|(.., say)| *say)
}
