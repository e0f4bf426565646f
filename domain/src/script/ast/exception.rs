//! Named exceptions and what becomes of the job; the agent reports, the coordinator decides.

use serde::Serialize;

use super::{Wait, Words};
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
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Retry {
    /// First wait.
    pub after: Wait,
    /// Each further wait is that many times longer; at least 1.
    pub backoff: f64,
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

/// Exceptions that need no declaration; a script may override their consequence, not their meaning.
pub const BUILT_IN: [&str; 29] = [
    "off_site",
    "no_known_screen",
    "unexpected_screen",
    "ambiguous_screen",
    "element_missing",
    "element_ambiguous",
    "element_conflict",
    "not_actionable",
    "input_rejected",
    "readback_differs",
    "option_missing",
    "upload_rejected",
    "capture_missing",
    "download_failed",
    "unexpected_dialog",
    "new_required_field",
    "watch_loop",
    "portal_error",
    "challenge",
    "code_needed",
    "code_rejected",
    "attestation_needed",
    "guard_failed",
    "already_filed",
    "already_submitted",
    "in_doubt",
    "page_crashed",
    "browser_lost",
    "out_of_time",
];
