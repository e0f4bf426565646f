//! An attempt: one execution of a job under one lease, numbered from 1.

use serde::{Deserialize, Serialize};

use crate::{id::ExceptionId, outcome::Failure};

/// State of an attempt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum AttemptState {
    /// Under way: its lease is live. Entered by the lease.
    Running,
    /// Waiting for a person with the portal session alive; the lease is still kept by heartbeats.
    Paused {
        /// What is asked.
        exception: ExceptionId,
    },
    /// Brought an outcome (or, for a reconcile, an answer). Final.
    Succeeded,
    /// Ended with a failure. Final.
    Failed {
        /// Why.
        failure: Failure,
    },
    /// Its lease ended without a report. Final.
    Lost,
    /// The agent gave its lease back with nothing sent (a drain, a goodbye): it does not count as an attempt. Final.
    Released,
}

impl AttemptState {
    /// The words of all states, in the order of an attempt's life.
    pub const WORDS: [&'static str; 6] =
        ["running", "paused", "succeeded", "failed", "lost", "released"];

    /// The word in SQL and API.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Paused { .. } => "paused",
            Self::Succeeded => "succeeded",
            Self::Failed { .. } => "failed",
            Self::Lost => "lost",
            Self::Released => "released",
        }
    }

    /// Whether it has ended.
    #[must_use]
    pub fn is_final(&self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed { .. } | Self::Lost | Self::Released)
    }
}

/// What can happen to an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AttemptEvent {
    /// A person is asked while the portal session lives.
    Pause(ExceptionId),
    /// The person answered.
    Resume,
    /// It reports an outcome.
    Succeed,
    /// It reports a failure.
    Fail(Failure),
    /// Its lease ended.
    Lose,
    /// The agent gives its lease back, and no intent is open.
    Release,
}

/// The event does not fit the state.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("an attempt that is {state} cannot take {event}")]
pub struct Illegal {
    /// The state's word.
    pub state: &'static str,
    /// The event's word.
    pub event: &'static str,
}

impl AttemptEvent {
    fn word(&self) -> &'static str {
        match self {
            Self::Pause(_) => "pause",
            Self::Resume => "resume",
            Self::Succeed => "succeed",
            Self::Fail(_) => "fail",
            Self::Lose => "lose",
            Self::Release => "release",
        }
    }
}

impl AttemptState {
    /// The one transition function.
    ///
    /// # Errors
    /// [`Illegal`] names both sides.
    pub fn next(&self, event: &AttemptEvent) -> Result<Self, Illegal> {
        match (self, event) {
            (Self::Running, AttemptEvent::Pause(exception)) => {
                Ok(Self::Paused { exception: *exception })
            }
            (Self::Paused { .. }, AttemptEvent::Resume) => Ok(Self::Running),
            (Self::Running, AttemptEvent::Succeed) => Ok(Self::Succeeded),
            (Self::Running | Self::Paused { .. }, AttemptEvent::Fail(failure)) => {
                Ok(Self::Failed { failure: failure.clone() })
            }
            (Self::Running | Self::Paused { .. }, AttemptEvent::Lose) => Ok(Self::Lost),
            (Self::Running | Self::Paused { .. }, AttemptEvent::Release) => Ok(Self::Released),
            (state, event) => Err(Illegal { state: state.word(), event: event.word() }),
        }
    }
}
