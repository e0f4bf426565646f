//! Named exceptions and what becomes of the job; the agent reports, the coordinator decides.

use serde::Serialize;

use super::{Wait, Words};
use crate::outcome::{FailureKind, RetryRule};
use crate::script::span::Span;

/// `exceptions: {name: {queue, hold, say, retry, scope}}`.
#[derive(Clone, Debug, Serialize)]
pub struct ExceptionRule {
    /// Which people look at it.
    pub queue: Option<Words>,
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

/// Exceptions that need no declaration, with the kind of failure each is. A script may override
/// their consequence, not their meaning.
pub const BUILT_IN: [(&str, FailureKind); 29] = [
    ("off_site", FailureKind::OffSite),
    ("no_known_screen", FailureKind::PageChanged),
    ("unexpected_screen", FailureKind::PageChanged),
    ("ambiguous_screen", FailureKind::PageChanged),
    ("element_missing", FailureKind::PageChanged),
    ("element_ambiguous", FailureKind::PageChanged),
    ("element_conflict", FailureKind::PageChanged),
    ("not_actionable", FailureKind::Transient),
    ("input_rejected", FailureKind::BadInput),
    ("readback_differs", FailureKind::BadInput),
    ("option_missing", FailureKind::Refused),
    ("upload_rejected", FailureKind::Refused),
    ("capture_missing", FailureKind::PageChanged),
    ("download_failed", FailureKind::PageChanged),
    ("unexpected_dialog", FailureKind::PageChanged),
    ("new_required_field", FailureKind::PageChanged),
    ("watch_loop", FailureKind::PageChanged),
    ("portal_error", FailureKind::PortalDown),
    ("challenge", FailureKind::Challenge),
    ("code_needed", FailureKind::NeedsCode),
    ("code_rejected", FailureKind::NeedsCode),
    ("attestation_needed", FailureKind::NeedsCode),
    ("guard_failed", FailureKind::Refused),
    ("already_filed", FailureKind::Refused),
    ("already_submitted", FailureKind::Refused),
    ("in_doubt", FailureKind::Unsure),
    ("page_crashed", FailureKind::Lost),
    ("browser_lost", FailureKind::Lost),
    ("out_of_time", FailureKind::Lost),
];

/// The meaning of a built-in exception.
pub fn built_in(name: &str) -> Option<FailureKind> {
    BUILT_IN.iter().find(|(known, _)| *known == name).map(|(_, kind)| *kind)
}
