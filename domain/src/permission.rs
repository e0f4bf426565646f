//! The automation-permission register: whether a channel of a payer may be automated. Unknown means no.

use serde::{Deserialize, Serialize};

use crate::{job::Task, time::Timestamp};

/// A recorded decision of a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PermissionState {
    /// Nobody has decided. Means no.
    Unknown,
    /// Allowed within the limits.
    Permitted,
    /// Allowed under the payer's own registration.
    Registered,
    /// Forbidden.
    Prohibited,
}

impl PermissionState {
    /// The word in SQL, API, CLI and console.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Permitted => "permitted",
            Self::Registered => "registered",
            Self::Prohibited => "prohibited",
        }
    }
}

/// A permission for one payer's portal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Permission {
    /// The decision.
    pub state: PermissionState,
    /// `contract`, `written_permission`, `payer_registration`, `terms_reviewed`, `simulator`.
    pub basis: String,
    /// Who decided.
    pub decided_by: String,
    /// Mandatory end.
    pub expires_at: Timestamp,
    /// Tasks that may be automated.
    pub tasks: Vec<Task>,
}

impl Permission {
    /// Whether this task may be automated now; otherwise the sentence to show.
    ///
    /// # Errors
    /// The reason, a sentence.
    pub fn allows(&self, task: Task, now: Timestamp) -> Result<(), &'static str> {
        match self.state {
            PermissionState::Unknown => {
                Err("nobody has recorded that this portal may be automated")
            }
            PermissionState::Prohibited => Err("this portal must not be automated"),
            PermissionState::Permitted | PermissionState::Registered if self.expires_at <= now => {
                Err("the permission to automate this portal has expired")
            }
            PermissionState::Permitted | PermissionState::Registered
                if !self.tasks.contains(&task) =>
            {
                Err("the permission does not cover this task")
            }
            PermissionState::Permitted | PermissionState::Registered => Ok(()),
        }
    }
}
