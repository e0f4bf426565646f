//! The lease: the time-limited exclusive right of one slot to work one job.

use serde::{Deserialize, Serialize};

use crate::{
    id::{AgentId, LeaseId},
    time::Timestamp,
};

/// What a leased job is leased for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    /// Do the job's task.
    Work,
    /// Settle a doubt by looking, read-only.
    Reconcile,
}

impl Purpose {
    /// The word in SQL and API.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Work => "work",
            Self::Reconcile => "reconcile",
        }
    }
}

/// A lease as the coordinator keeps it. `fence` rises with every lease of the job and guards every write an agent makes.
/// The expiry is judged by the coordinator's clock alone; an agent only ever gets a duration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lease {
    /// Which lease.
    pub id: LeaseId,
    /// The fencing number.
    pub fence: i64,
    /// Who holds it.
    pub agent: AgentId,
    /// When it ends by itself (coordinator's clock).
    pub expires_at: Timestamp,
    /// What for.
    pub purpose: Purpose,
}
