//! A job: one unit of work for a case, its states, and the one retry schedule of the fleet.

use serde::{Deserialize, Serialize};

use crate::{
    id::{AttemptId, ExceptionId, IntentId},
    lease::{Lease, Purpose},
    outcome::{Failure, FailureKind, Outcome},
    time::Timestamp,
};

/// What a job does at the payer; also names the script `<payer>/<task>`.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Hash,
    PartialOrd,
    Ord,
    Serialize,
    Deserialize,
    schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Task {
    /// Submit a prior-authorization request.
    Submit,
    /// Read the status of an authorization.
    AuthStatus,
    /// Read the status of a payer claim.
    ClaimStatus,
    /// Ask whether a member is covered.
    Eligibility,
    /// Ask whether a service needs an authorization.
    Precheck,
    /// Renew an authorization that ends.
    Renewal,
    /// Fetch the letter that tells a decision.
    Letter,
}

impl Task {
    /// Every task.
    pub const ALL: [Self; 7] = [
        Self::Submit,
        Self::AuthStatus,
        Self::ClaimStatus,
        Self::Eligibility,
        Self::Precheck,
        Self::Renewal,
        Self::Letter,
    ];

    /// The word in SQL, API, CLI and script paths.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Submit => "submit",
            Self::AuthStatus => "auth_status",
            Self::ClaimStatus => "claim_status",
            Self::Eligibility => "eligibility",
            Self::Precheck => "precheck",
            Self::Renewal => "renewal",
            Self::Letter => "letter",
        }
    }

    /// Reads the word back.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|t| t.word() == word)
    }

    /// Whether the task may change anything at the payer.
    #[must_use]
    pub fn commits(self) -> bool {
        matches!(self, Self::Submit | Self::Renewal)
    }
}

/// State of a job. Each variant says who enters and who leaves.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum JobState {
    /// May be leased. Entered by intake, the end of a rest, a lease lost with no intent open, a resolution `retry` or
    /// `answer`, absence proven. Left by a lease or a cancel.
    Ready,
    /// One slot works on it. Entered by the lease; left by its report, its expiry or a cancel.
    Leased {
        /// The lease, with purpose and fence.
        lease: Lease,
        /// The attempt under it.
        attempt: AttemptId,
        /// The open intent, once the permit was given (or the doubt being reconciled).
        intent: Option<IntentId>,
    },
    /// Waits for time. Entered after a failure with a retry left and no intent open; left by time, `retry`, cancel.
    Resting {
        /// Until when.
        until: Timestamp,
        /// After which failure.
        after: Failure,
    },
    /// A person must answer. Entered after a failure that needs a person, or a reconcile that cannot tell; left by a resolution.
    Waiting {
        /// The question.
        exception: ExceptionId,
        /// The intent in doubt, when there is one.
        intent: Option<IntentId>,
    },
    /// It may have been submitted. Entered when an attempt ends with an intent open; left by a reconcile lease or a resolution.
    InDoubt {
        /// The open intent.
        intent: IntentId,
        /// Next look at the payer.
        look_at: Timestamp,
        /// How many looks found nothing so far.
        looks: u32,
    },
    /// The payer's answer is known. Final.
    Done {
        /// The answer.
        outcome: Outcome,
    },
    /// No way left. Final.
    Failed {
        /// Why.
        failure: Failure,
    },
    /// Taken back by a person, with no intent open. Final.
    Cancelled {
        /// The person's reason.
        reason: String,
    },
}

/// What can happen to a job.
#[derive(Debug, Clone, PartialEq)]
pub enum JobEvent {
    /// A slot takes it.
    Lease {
        /// The lease given.
        lease: Lease,
        /// The attempt begun.
        attempt: AttemptId,
    },
    /// The permit was given: an intent is open.
    Permit(IntentId),
    /// The intent was released by its live fence: nothing was sent.
    NotClicked,
    /// The attempt (or the reconcile) brought the payer's answer.
    Answer(Outcome),
    /// It failed and will be tried again at the given time.
    Rest {
        /// Until when.
        until: Timestamp,
        /// The failure.
        after: Failure,
    },
    /// It failed in a way a person must answer.
    AskPerson(ExceptionId),
    /// It ended with an intent open, or the reconcile found nothing yet, or a person asks to look sooner.
    Doubt {
        /// The intent.
        intent: IntentId,
        /// Next look.
        look_at: Timestamp,
        /// Looks that found nothing so far.
        looks: u32,
    },
    /// It failed for good.
    Fail(Failure),
    /// The lease ended without a report, or the agent gave it back unworked; no intent is open.
    Return,
    /// The rest is over.
    Wake,
    /// A person's `retry` or `answer`, absence proven, or the gate's certificate that nothing was sent: may be leased again.
    Reopen,
    /// A person takes it back.
    Cancel(String),
}

/// The event does not fit the state.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a job that is {state} cannot take {event}")]
pub struct Illegal {
    /// The state's word.
    pub state: &'static str,
    /// The event's word.
    pub event: &'static str,
}

impl JobState {
    /// The words of all states, in the order of a job's life.
    pub const WORDS: [&'static str; 8] =
        ["ready", "leased", "resting", "waiting", "in_doubt", "done", "failed", "cancelled"];

    /// The word in SQL, API, CLI and console.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::Ready => "ready",
            Self::Leased { .. } => "leased",
            Self::Resting { .. } => "resting",
            Self::Waiting { .. } => "waiting",
            Self::InDoubt { .. } => "in_doubt",
            Self::Done { .. } => "done",
            Self::Failed { .. } => "failed",
            Self::Cancelled { .. } => "cancelled",
        }
    }

    /// Whether nothing will change it any more.
    #[must_use]
    pub fn is_final(&self) -> bool {
        matches!(self, Self::Done { .. } | Self::Failed { .. } | Self::Cancelled { .. })
    }

    /// The intent that is open or in doubt under this job, if any. While there is one, no second act is possible.
    #[must_use]
    pub fn intent(&self) -> Option<IntentId> {
        match self {
            Self::Leased { intent, .. } | Self::Waiting { intent, .. } => *intent,
            Self::InDoubt { intent, .. } => Some(*intent),
            Self::Ready
            | Self::Resting { .. }
            | Self::Done { .. }
            | Self::Failed { .. }
            | Self::Cancelled { .. } => None,
        }
    }

    /// The one transition function of a job.
    ///
    /// # Errors
    /// [`Illegal`] names both sides. In particular nothing leads from an open intent to `ready`, `resting`, `failed` or
    /// `cancelled` but [`JobEvent::NotClicked`] and, from `in_doubt` or `waiting`, [`JobEvent::Reopen`] (absence proven, or nothing sent).
    pub fn next(&self, event: &JobEvent) -> Result<Self, Illegal> {
        match (self, event) {
            (Self::Ready, JobEvent::Lease { lease, attempt }) if lease.purpose == Purpose::Work => {
                Ok(Self::Leased { lease: lease.clone(), attempt: *attempt, intent: None })
            }
            (Self::InDoubt { intent, .. }, JobEvent::Lease { lease, attempt })
                if lease.purpose == Purpose::Reconcile =>
            {
                Ok(Self::Leased { lease: lease.clone(), attempt: *attempt, intent: Some(*intent) })
            }
            (Self::Leased { lease, attempt, intent: None }, JobEvent::Permit(intent))
                if lease.purpose == Purpose::Work =>
            {
                Ok(Self::Leased { lease: lease.clone(), attempt: *attempt, intent: Some(*intent) })
            }
            (Self::Leased { lease, attempt, intent: Some(_) }, JobEvent::NotClicked)
                if lease.purpose == Purpose::Work =>
            {
                Ok(Self::Leased { lease: lease.clone(), attempt: *attempt, intent: None })
            }
            (
                Self::Leased { .. } | Self::Waiting { .. } | Self::InDoubt { .. },
                JobEvent::Answer(outcome),
            ) => Ok(Self::Done { outcome: outcome.clone() }),
            (Self::Leased { intent: None, .. }, JobEvent::Rest { until, after }) => {
                Ok(Self::Resting { until: *until, after: after.clone() })
            }
            (Self::Leased { intent, .. }, JobEvent::AskPerson(exception)) => {
                Ok(Self::Waiting { exception: *exception, intent: *intent })
            }
            (Self::InDoubt { intent, .. }, JobEvent::AskPerson(exception)) => {
                Ok(Self::Waiting { exception: *exception, intent: Some(*intent) })
            }
            (Self::Ready | Self::Resting { .. }, JobEvent::AskPerson(exception)) => {
                Ok(Self::Waiting { exception: *exception, intent: None })
            }
            (
                Self::Leased { intent: Some(open), .. }
                | Self::Waiting { intent: Some(open), .. }
                | Self::InDoubt { intent: open, .. },
                JobEvent::Doubt { intent, look_at, looks },
            ) if open == intent => {
                Ok(Self::InDoubt { intent: *intent, look_at: *look_at, looks: *looks })
            }
            (
                Self::Leased { intent: None, .. } | Self::Waiting { intent: None, .. },
                JobEvent::Fail(failure),
            ) => Ok(Self::Failed { failure: failure.clone() }),
            (Self::Leased { intent: None, .. }, JobEvent::Return) => Ok(Self::Ready),
            (Self::Resting { .. }, JobEvent::Wake | JobEvent::Reopen) => Ok(Self::Ready),
            (Self::Waiting { .. } | Self::InDoubt { .. }, JobEvent::Reopen) => Ok(Self::Ready),
            // A reconcile that found absence by the payer's rule.
            (Self::Leased { lease, intent: Some(_), .. }, JobEvent::Reopen)
                if lease.purpose == Purpose::Reconcile =>
            {
                Ok(Self::Ready)
            }
            (
                Self::Ready
                | Self::Resting { .. }
                | Self::Waiting { intent: None, .. }
                | Self::Leased { intent: None, .. },
                JobEvent::Cancel(reason),
            ) => Ok(Self::Cancelled { reason: reason.clone() }),
            (state, event) => Err(Illegal { state: state.word(), event: event.word() }),
        }
    }
}

impl JobEvent {
    /// The event's word, for errors and `docs/states.md`.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::Lease { .. } => "lease",
            Self::Permit(_) => "permit",
            Self::NotClicked => "not_clicked",
            Self::Answer(_) => "answer",
            Self::Rest { .. } => "rest",
            Self::AskPerson(_) => "ask_person",
            Self::Doubt { .. } => "doubt",
            Self::Fail(_) => "fail",
            Self::Return => "return",
            Self::Wake => "wake",
            Self::Reopen => "reopen",
            Self::Cancel(_) => "cancel",
        }
    }
}

/// What the coordinator does with a failure that left no intent open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AfterFailure {
    /// Try again at this time.
    RestUntil(Timestamp),
    /// Ask a person.
    AskPerson,
}

/// The one retry schedule of the fleet. The script's own rule wins where it has one, in its times and in how often; otherwise what
/// passes by itself is tried again (1, 2, 4 … minutes, at most `attempts_max` attempts in all) and everything else goes to a
/// person. `rest_unit_ms` is one minute in production; tests and demonstrations make it shorter.
#[must_use]
pub fn after_failure(
    failure: &Failure,
    attempts_so_far: u32,
    attempts_max: u32,
    rest_unit_ms: i64,
    now: Timestamp,
) -> AfterFailure {
    if failure.hold {
        return AfterFailure::AskPerson;
    }
    let rule = failure.retry.or(match failure.kind {
        FailureKind::Transient | FailureKind::PortalDown | FailureKind::Lost => {
            Some(crate::outcome::RetryRule {
                after_ms: rest_unit_ms,
                backoff_percent: 200,
                at_most: attempts_max.saturating_sub(1),
            })
        }
        FailureKind::LoginRejected
        | FailureKind::NeedsCode
        | FailureKind::Challenge
        | FailureKind::PageChanged
        | FailureKind::NotFound
        | FailureKind::Refused
        | FailureKind::BadInput
        | FailureKind::OffSite
        | FailureKind::Unsure => None,
    });
    match rule {
        Some(rule) if attempts_so_far <= rule.at_most => {
            // Scaled with the unit, so that a script's "15m" shrinks with a demonstration's minute.
            let mut rest = rule.after_ms.saturating_mul(rest_unit_ms) / 60_000;
            if failure.retry.is_none() {
                rest = rule.after_ms;
            }
            for _ in 1..attempts_so_far {
                rest = rest.saturating_mul(i64::from(rule.backoff_percent)) / 100;
            }
            AfterFailure::RestUntil(now.plus_ms(rest.clamp(0, 24 * 3_600_000)))
        }
        _ => AfterFailure::AskPerson,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outcome::RetryRule;

    const MINUTE: i64 = 60_000;

    /// The rests in minutes until a person is asked.
    fn rests(failure: &Failure) -> Vec<i64> {
        let now = Timestamp::from_ms(0);
        (1..)
            .map_while(|tries| match after_failure(failure, tries, 3, MINUTE, now) {
                AfterFailure::RestUntil(until) => Some(until.since_ms(now) / MINUTE),
                AfterFailure::AskPerson => None,
            })
            .collect()
    }

    #[test]
    fn a_scripts_own_rule_says_how_often_and_how_long() {
        let mut failure = Failure::new(FailureKind::PortalDown, "portal_down", "");
        assert_eq!(rests(&failure), [1, 2], "three attempts in all, without a rule");
        failure.retry = Some(RetryRule { after_ms: 15 * MINUTE, backoff_percent: 200, at_most: 6 });
        assert_eq!(rests(&failure), [15, 30, 60, 120, 240, 480], "and not the three of others");
        failure.retry = Some(RetryRule { after_ms: 5 * MINUTE, backoff_percent: 100, at_most: 1 });
        assert_eq!(rests(&failure), [5]);
        failure.hold = true;
        assert!(rests(&failure).is_empty());
        let refused = Failure::new(FailureKind::Refused, "invalid_request", "");
        assert!(rests(&refused).is_empty(), "what does not pass by itself goes to a person");
    }
}
