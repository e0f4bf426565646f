//! An exception: something a person must answer: its kind, its question, and which resolutions are possible.

use serde::{Deserialize, Serialize};

use crate::{
    id::UserId,
    outcome::{FailureKind, Outcome},
    time::Timestamp,
};

/// What is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ExceptionKind {
    /// The portal asks for a one-time code or an attestation.
    CodeWanted,
    /// A picture puzzle, changed terms: never solved by the fleet.
    Challenge,
    /// Password or account refused; no further login is tried.
    LoginRefused,
    /// An element or a screen was not recognised.
    PageChanged,
    /// Several members or rows match.
    ChooseOne,
    /// Something is missing or wrong in the request.
    Correct,
    /// Wording without a meaning.
    UnmappedStatus,
    /// No channel may be used for this payer.
    NotPermitted,
    /// It may have been submitted, and the search did not settle it.
    InDoubt,
    /// Tried as often as allowed.
    GaveUp,
    /// Nearly the same request is under way or was submitted lately.
    PossibleDuplicate,
    /// The payer has this request already, and we did not send it.
    AlreadyFiled,
}

impl ExceptionKind {
    /// Every kind.
    pub const ALL: [Self; 12] = [
        Self::CodeWanted,
        Self::Challenge,
        Self::LoginRefused,
        Self::PageChanged,
        Self::ChooseOne,
        Self::Correct,
        Self::UnmappedStatus,
        Self::NotPermitted,
        Self::InDoubt,
        Self::GaveUp,
        Self::PossibleDuplicate,
        Self::AlreadyFiled,
    ];

    /// The word in SQL, API, CLI and console.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::CodeWanted => "code_wanted",
            Self::Challenge => "challenge",
            Self::LoginRefused => "login_refused",
            Self::PageChanged => "page_changed",
            Self::ChooseOne => "choose_one",
            Self::Correct => "correct",
            Self::UnmappedStatus => "unmapped_status",
            Self::NotPermitted => "not_permitted",
            Self::InDoubt => "in_doubt",
            Self::GaveUp => "gave_up",
            Self::PossibleDuplicate => "possible_duplicate",
            Self::AlreadyFiled => "already_filed",
        }
    }

    /// Reads the word back.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|k| k.word() == word)
    }

    /// The kind that follows from a failure; `name` is the script's or engine's name of it.
    #[must_use]
    pub fn of(kind: FailureKind, name: &str) -> Self {
        match kind {
            _ if name == "possible_duplicate" => Self::PossibleDuplicate,
            FailureKind::Refused if name == "already_filed" => Self::AlreadyFiled,
            FailureKind::LoginRejected => Self::LoginRefused,
            FailureKind::NeedsCode => Self::CodeWanted,
            FailureKind::Challenge => Self::Challenge,
            FailureKind::PageChanged
                if name.contains("unknown_outcome") || name.contains("unmapped") =>
            {
                Self::UnmappedStatus
            }
            FailureKind::PageChanged | FailureKind::OffSite => Self::PageChanged,
            FailureKind::NotFound if name.contains("ambiguous") => Self::ChooseOne,
            FailureKind::NotFound | FailureKind::Refused | FailureKind::BadInput => Self::Correct,
            FailureKind::Unsure => Self::InDoubt,
            FailureKind::Transient | FailureKind::PortalDown | FailureKind::Lost => Self::GaveUp,
        }
    }

    /// The queue of a question nobody gave another one: who in a clinic usually knows the answer.
    #[must_use]
    pub fn queue(self) -> &'static str {
        match self {
            Self::CodeWanted | Self::LoginRefused => "credentials",
            Self::Challenge => "takeover",
            Self::PageChanged => "drift",
            Self::ChooseOne => "eligibility",
            Self::Correct => "coding",
            Self::UnmappedStatus | Self::InDoubt | Self::PossibleDuplicate | Self::AlreadyFiled => {
                "review"
            }
            Self::NotPermitted | Self::GaveUp => "operations",
        }
    }

    /// The question in one plain sentence.
    #[must_use]
    pub fn question(self) -> &'static str {
        match self {
            Self::CodeWanted => {
                "The portal asks for something only the account's owner has. What should we do?"
            }
            Self::Challenge => {
                "The portal shows something meant for people. Please handle it there, then decide."
            }
            Self::LoginRefused => {
                "The portal refused to sign us in. No further sign-in is tried until you decide."
            }
            Self::PageChanged => {
                "The portal showed something the script does not know. What should we do?"
            }
            Self::ChooseOne => "More than one record matches. Which one is right?",
            Self::Correct => "The request cannot go on as it is. What should be corrected?",
            Self::UnmappedStatus => {
                "The payer's answer uses words we do not know. What do they mean?"
            }
            Self::NotPermitted => {
                "No channel may be used for this payer now. How should it be handled?"
            }
            Self::InDoubt => "This may have been submitted. Is it at the payer?",
            Self::GaveUp => "It was tried as often as allowed. What should we do?",
            Self::PossibleDuplicate => {
                "Nearly the same request is with this payer already. Should this one be sent as well?"
            }
            Self::AlreadyFiled => {
                "The payer has this request already, filed by somebody else. What is its number?"
            }
        }
    }
}

/// A person's answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "resolution", rename_all = "snake_case")]
pub enum Resolution {
    /// Try again now.
    Retry {
        /// Why, or what was changed.
        reason: String,
    },
    /// The one-time code a waiting attempt asked for. The code itself is not in here: it is kept apart, sealed, until the attempt
    /// has it.
    GiveCode {
        /// A word about it; the code is never written here.
        reason: String,
    },
    /// The outcome as a person knows it (from a call, a letter, the portal).
    GiveOutcome {
        /// The typed outcome; `via` becomes `person`.
        outcome: Outcome,
        /// Where it is known from.
        reason: String,
    },
    /// It is not at the payer. Needs a second person.
    DeclareAbsent {
        /// How that is known.
        reason: String,
    },
    /// Look at the payer once more (a doubt only).
    LookAgain {
        /// Why.
        reason: String,
    },
    /// Give up the job.
    Cancel {
        /// Why.
        reason: String,
    },
}

impl Resolution {
    /// The word in API, CLI, audit.
    #[must_use]
    pub fn word(&self) -> &'static str {
        self.choice().word()
    }

    /// The choice it is.
    #[must_use]
    pub fn choice(&self) -> Choice {
        match self {
            Self::Retry { .. } => Choice::Retry,
            Self::GiveCode { .. } => Choice::GiveCode,
            Self::GiveOutcome { .. } => Choice::GiveOutcome,
            Self::DeclareAbsent { .. } => Choice::DeclareAbsent,
            Self::LookAgain { .. } => Choice::LookAgain,
            Self::Cancel { .. } => Choice::Cancel,
        }
    }

    /// The person's reason.
    #[must_use]
    pub fn reason(&self) -> &str {
        match self {
            Self::Retry { reason }
            | Self::GiveCode { reason }
            | Self::GiveOutcome { reason, .. }
            | Self::DeclareAbsent { reason }
            | Self::LookAgain { reason }
            | Self::Cancel { reason } => reason,
        }
    }
}

/// A resolution without its content: what a page offers as a button.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Choice {
    /// See [`Resolution::Retry`].
    Retry,
    /// See [`Resolution::GiveCode`].
    GiveCode,
    /// See [`Resolution::GiveOutcome`].
    GiveOutcome,
    /// See [`Resolution::DeclareAbsent`].
    DeclareAbsent,
    /// See [`Resolution::LookAgain`].
    LookAgain,
    /// See [`Resolution::Cancel`].
    Cancel,
}

impl Choice {
    /// Every choice, in the order of buttons.
    pub const ALL: [Self; 6] = [
        Self::GiveCode,
        Self::Retry,
        Self::LookAgain,
        Self::GiveOutcome,
        Self::DeclareAbsent,
        Self::Cancel,
    ];

    /// The word in API, CLI, forms.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Retry => "retry",
            Self::GiveCode => "give_code",
            Self::GiveOutcome => "give_outcome",
            Self::DeclareAbsent => "declare_absent",
            Self::LookAgain => "look_again",
            Self::Cancel => "cancel",
        }
    }

    /// Whether it is possible while an attempt waits for the answer; otherwise the reason. Everything but the code is for a job
    /// that waits without an attempt: when the time for the code is over it becomes one.
    ///
    /// # Errors
    /// The reason, a sentence.
    pub fn allowed_live(self) -> Result<(), &'static str> {
        match self {
            Self::GiveCode => Ok(()),
            Self::Retry
            | Self::LookAgain
            | Self::GiveOutcome
            | Self::DeclareAbsent
            | Self::Cancel => Err("The portal waits for the code: give it, or let the time pass."),
        }
    }

    /// Whether it is possible for an exception of this kind on a job without an attempt; otherwise the reason, shown beside the
    /// disabled button. With an intent open nothing may lead to a second act unless absence is established.
    ///
    /// # Errors
    /// The reason, a sentence.
    pub fn allowed(self, kind: ExceptionKind, intent_open: bool) -> Result<(), &'static str> {
        match (self, intent_open) {
            (Self::GiveCode, _) => Err("No attempt waits for a code any more."),
            (Self::Retry, true) => Err(
                "It may have been submitted: look again, give the outcome, or declare it absent.",
            ),
            (Self::Cancel, true) => {
                Err("It may have been submitted: it cannot be cancelled until that is settled.")
            }
            (Self::DeclareAbsent, false) | (Self::LookAgain, false) => {
                Err("Nothing was submitted.")
            }
            (Self::Retry, false) if kind == ExceptionKind::NotPermitted => Err(
                "A channel must be able to take it first: see the payer's permissions on the Fleet page.",
            ),
            (Self::Retry | Self::Cancel, false)
            | (Self::DeclareAbsent | Self::LookAgain, true)
            | (Self::GiveOutcome, _) => Ok(()),
        }
    }
}

/// State of an exception.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum ExceptionState {
    /// Nobody holds it. Entered by the attempt's end, a claim's end, a release.
    Open,
    /// One person holds it for a while.
    Claimed {
        /// Who.
        by: UserId,
        /// Until when.
        until: Timestamp,
    },
    /// Answered. Final. A `declare_absent` waits here as `Seconding` until a second person agrees.
    Resolved {
        /// Who.
        by: UserId,
        /// The answer.
        resolution: Resolution,
    },
    /// One person declared absence; a second one must agree.
    Seconding {
        /// The first person.
        first: UserId,
        /// The answer to be seconded.
        resolution: Resolution,
    },
    /// The cause is gone. Final.
    Withdrawn,
}

/// What can happen to an exception.
#[derive(Debug, Clone, PartialEq)]
pub enum ExceptionEvent {
    /// A person takes hold.
    Claim {
        /// Who.
        by: UserId,
        /// Until when.
        until: Timestamp,
    },
    /// The person lets go, or the time is over.
    Release,
    /// A person answers.
    Resolve {
        /// Who.
        by: UserId,
        /// The answer.
        resolution: Resolution,
    },
    /// The cause is gone.
    Withdraw,
}

/// The event does not fit the state.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("an exception that is {state} cannot take {event}")]
pub struct Illegal {
    /// The state's word.
    pub state: &'static str,
    /// The event's word.
    pub event: &'static str,
}

impl ExceptionState {
    /// The word in SQL and API.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Claimed { .. } => "claimed",
            Self::Resolved { .. } => "resolved",
            Self::Seconding { .. } => "seconding",
            Self::Withdrawn => "withdrawn",
        }
    }

    /// The one transition function. `declare_absent` always needs a second person, who is never the first.
    ///
    /// # Errors
    /// [`Illegal`] names both sides.
    pub fn next(&self, event: &ExceptionEvent, now: Timestamp) -> Result<Self, Illegal> {
        let illegal = |event| Err(Illegal { state: self.word(), event });
        match (self, event) {
            (Self::Open, ExceptionEvent::Claim { by, until }) => {
                Ok(Self::Claimed { by: *by, until: *until })
            }
            (Self::Claimed { by: holder, until: held }, ExceptionEvent::Claim { by, until })
                if holder == by || *held <= now =>
            {
                Ok(Self::Claimed { by: *by, until: *until })
            }
            (Self::Claimed { .. } | Self::Seconding { .. }, ExceptionEvent::Release) => {
                Ok(Self::Open)
            }
            (Self::Claimed { by: holder, until }, ExceptionEvent::Resolve { by, .. })
                if holder != by && *until > now =>
            {
                illegal("resolve by another person")
            }
            (
                Self::Seconding { first, resolution },
                ExceptionEvent::Resolve { by, resolution: second },
            ) => {
                if first == by {
                    illegal("resolve by the same person")
                } else if second.choice() == Choice::DeclareAbsent {
                    Ok(Self::Resolved { by: *by, resolution: resolution.clone() })
                } else {
                    Ok(Self::Resolved { by: *by, resolution: second.clone() })
                }
            }
            (Self::Open | Self::Claimed { .. }, ExceptionEvent::Resolve { by, resolution }) => {
                Ok(if resolution.choice() == Choice::DeclareAbsent {
                    Self::Seconding { first: *by, resolution: resolution.clone() }
                } else {
                    Self::Resolved { by: *by, resolution: resolution.clone() }
                })
            }
            (
                Self::Open | Self::Claimed { .. } | Self::Seconding { .. },
                ExceptionEvent::Withdraw,
            ) => Ok(Self::Withdrawn),
            (_, ExceptionEvent::Claim { .. }) => illegal("claim"),
            (_, ExceptionEvent::Release) => illegal("release"),
            (_, ExceptionEvent::Resolve { .. }) => illegal("resolve"),
            (_, ExceptionEvent::Withdraw) => illegal("withdraw"),
        }
    }
}
