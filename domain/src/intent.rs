//! The intent: the durable record that a commit is about to happen. Written before the act, with the permit.

use serde::{Deserialize, Serialize};

use crate::id::EvidenceId;

/// State of an intent. At most one `open` or `confirmed` per (request hash, round), on any channel, by any job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum IntentState {
    /// The act may happen or have happened. Entered by the permit transaction; left by proof, release or a person.
    Open,
    /// Proof was seen: the payer's number and evidence before and after. Final.
    Confirmed {
        /// The number that proves it.
        reference: String,
        /// Evidence before.
        before: EvidenceId,
        /// Evidence after.
        after: EvidenceId,
    },
    /// It did not happen: reported unclicked by its live fence, or the payer showed absence, or a person declared it. Final.
    Void {
        /// How we know.
        proof: VoidProof,
    },
}

/// How we know that nothing was sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "by", rename_all = "snake_case")]
pub enum VoidProof {
    /// The live fence reported it with the latch unset.
    NotClicked,
    /// The submit gate certified that it is shut for good and let nothing out, whatever the latch says.
    NotSent,
    /// The payer's search showed absence by the payer's rule: when the searches were made is in the audit.
    ProvenAbsent,
    /// Two people declared it absent.
    Declared,
}

/// What can happen to an intent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IntentEvent {
    /// Proof seen and evidence after durable, or found at the payer.
    Confirm {
        /// The payer's number.
        reference: String,
        /// Evidence before.
        before: EvidenceId,
        /// Evidence after (of the attempt or of the reconcile).
        after: EvidenceId,
    },
    /// Known not to have happened.
    Release(VoidProof),
}

/// The event does not fit the state.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("an intent that is {state} cannot take {event}")]
pub struct Illegal {
    /// The state's word.
    pub state: &'static str,
    /// The event's word.
    pub event: &'static str,
}

impl IntentState {
    /// The word in SQL and API.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Confirmed { .. } => "confirmed",
            Self::Void { .. } => "void",
        }
    }

    /// The one transition function.
    ///
    /// # Errors
    /// [`Illegal`] names both sides.
    pub fn next(&self, event: &IntentEvent) -> Result<Self, Illegal> {
        match (self, event) {
            (Self::Open, IntentEvent::Confirm { reference, before, after }) => {
                Ok(Self::Confirmed { reference: reference.clone(), before: *before, after: *after })
            }
            (Self::Open, IntentEvent::Release(proof)) => Ok(Self::Void { proof: proof.clone() }),
            (Self::Confirmed { .. } | Self::Void { .. }, IntentEvent::Confirm { .. }) => {
                Err(Illegal { state: self.word(), event: "confirm" })
            }
            (Self::Confirmed { .. } | Self::Void { .. }, IntentEvent::Release(_)) => {
                Err(Illegal { state: self.word(), event: "release" })
            }
        }
    }
}
