//! A case: what the customer asked for. Lives hours to weeks; its status is derived from its jobs.

use serde::{Deserialize, Serialize};

use crate::job::JobState;

/// Where a case stands. Derived from its jobs by [`CaseStatus::after`]; stored for queries only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CaseStatus {
    /// Taken in; no job has been leased yet.
    Received,
    /// At least one job is on its way, or the next status check is planned.
    Working,
    /// A person must act: an exception is open or a submission is in doubt.
    Attention,
    /// The payer's final answer is known.
    Complete,
    /// Every way has been tried; the last job failed.
    Failed,
    /// The customer took the case back.
    Withdrawn,
}

impl CaseStatus {
    /// Every status, in the order of a case's life.
    pub const ALL: [Self; 6] = [
        Self::Received,
        Self::Working,
        Self::Attention,
        Self::Complete,
        Self::Failed,
        Self::Withdrawn,
    ];

    /// The word in SQL, API, CLI and console.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Received => "received",
            Self::Working => "working",
            Self::Attention => "attention",
            Self::Complete => "complete",
            Self::Failed => "failed",
            Self::Withdrawn => "withdrawn",
        }
    }

    /// Reads the word back.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|s| s.word() == word)
    }

    /// The status of a case from its jobs, oldest first. A doubt or an open exception outweighs everything;
    /// otherwise work under way; otherwise the newest ended job decides. A pended or received answer leaves the
    /// case `working`, because the next status check is planned.
    #[must_use]
    pub fn after(jobs: &[JobState]) -> Self {
        if jobs.is_empty() {
            return Self::Received;
        }
        if jobs.iter().any(|j| matches!(j, JobState::InDoubt { .. } | JobState::Waiting { .. })) {
            return Self::Attention;
        }
        if jobs.iter().any(|j| matches!(j, JobState::Leased { .. } | JobState::Resting { .. })) {
            return Self::Working;
        }
        if jobs.iter().any(|j| matches!(j, JobState::Ready)) {
            return if jobs.len() == 1 { Self::Received } else { Self::Working };
        }
        match jobs.last() {
            Some(JobState::Done { outcome }) if outcome.answer.is_final() => Self::Complete,
            Some(JobState::Failed { .. }) => Self::Failed,
            Some(JobState::Cancelled { .. }) => Self::Withdrawn,
            _ => Self::Working,
        }
    }
}
