//! All decisions. One file per use case; one public function is one transaction. Speaks neither HTTP nor HTML; the only thing
//! that changes state, and only to a state it got from `next`.

pub mod again;
pub mod agents;
pub mod cancel;
pub mod certificate;
pub mod code;
pub mod drift;
pub mod evidence;
pub mod heartbeat;
pub mod intake;
pub mod lease;
pub mod login;
pub mod news;
pub mod notify;
pub mod nowhere;
pub mod payers;
pub mod people;
pub mod permit;
pub mod plan;
pub mod publish;
pub mod quarantine;
pub mod report;
pub mod resolve;
pub mod secret;
pub mod settle;
pub mod steps;
pub mod sweep;

mod change;
mod health;

pub use change::{Asked, Once};

use domain::{
    id::{AgentId, UserId},
    time::Timestamp,
    wire::refusal,
};

use crate::{files::Files, store, store::Store};

/// Times and counts that decisions use. Production values are the defaults; tests and demonstrations shorten them.
#[derive(Debug, Clone, Copy)]
pub struct Rules {
    /// Length of a lease, milliseconds.
    pub lease_ttl_ms: i64,
    /// Period of heartbeats, milliseconds.
    pub heartbeat_ms: i64,
    /// Unit of the retry schedule, milliseconds.
    pub rest_unit_ms: i64,
    /// Attempts of a job before a person is asked.
    pub attempts_max: u32,
    /// Life of a permit, milliseconds.
    pub permit_ttl_ms: i64,
    /// Longest time a submit may take after the permit ended; a look at the payer comes later, milliseconds.
    pub submit_max_ms: i64,
    /// After the submit's longest time the agent may still capture the page that is shown, milliseconds.
    pub capture_grace_ms: i64,
    /// How long a person holds an exception, milliseconds.
    pub claim_ms: i64,
    /// How long a sign-in waits for a code that only a person has, milliseconds; one by mail is waited for at most two minutes.
    pub code_wait_ms: i64,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            lease_ttl_ms: 60_000,
            heartbeat_ms: 15_000,
            rest_unit_ms: 60_000,
            attempts_max: 3,
            permit_ttl_ms: 10_000,
            submit_max_ms: 60_000,
            capture_grace_ms: 30_000,
            claim_ms: 30 * 60_000,
            code_wait_ms: 5 * 60_000,
        }
    }
}

impl Rules {
    /// The rules for a lease of this length. Where it is shorter than in production (tests, demonstrations), the times around a
    /// submit shrink with it, so that a doubt is looked after as soon; a permit stays long enough to be used on a busy machine.
    #[must_use]
    pub fn of(lease_ttl_ms: i64, heartbeat_ms: i64, rest_unit_ms: i64) -> Self {
        let usual = Self::default();
        Self {
            lease_ttl_ms,
            heartbeat_ms,
            rest_unit_ms,
            permit_ttl_ms: usual.permit_ttl_ms.min((lease_ttl_ms / 6).max(5_000)),
            submit_max_ms: usual.submit_max_ms.min(lease_ttl_ms),
            capture_grace_ms: usual.capture_grace_ms.min(lease_ttl_ms / 2),
            ..usual
        }
    }
}

/// What every decision needs: store, bytes, rules, and when this coordinator started (leases that ended while it was away get one
/// full length more). Cheap to clone.
#[derive(Debug, Clone)]
pub struct Core {
    /// The store.
    pub store: Store,
    /// Bytes of evidence and documents.
    pub files: Files,
    /// Times and counts.
    pub rules: Rules,
    /// Start of this coordinator.
    pub started_at: Timestamp,
}

/// Who does it, for the audit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Actor {
    /// A person at the console or with the person's own key.
    Person(UserId),
    /// A program with a key of this name.
    Key(String),
    /// An agent.
    Agent(AgentId),
    /// A duty of the coordinator.
    Duty(&'static str),
    /// First start and files given by the operator.
    Setup,
}

impl std::fmt::Display for Actor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Person(id) => write!(f, "{id}"),
            Self::Key(name) => write!(f, "key:{name}"),
            Self::Agent(id) => write!(f, "{id}"),
            Self::Duty(name) => write!(f, "duty:{name}"),
            Self::Setup => f.write_str("setup"),
        }
    }
}

/// Why it was not done: the only thing handlers see.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The store: not found, changed meanwhile, or failed.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// The file store.
    #[error(transparent)]
    Files(#[from] crate::files::Error),
    /// Not possible now; `code` goes into the problem's type.
    #[error("{because}")]
    Refused {
        /// `lease-ended`, `duplicate`, `not-allowed` and the like.
        code: &'static str,
        /// A sentence.
        because: String,
    },
    /// A field does not fit. Never repeats the value.
    #[error("{field}: {reason}")]
    Invalid {
        /// Its JSON path.
        field: String,
        /// What is wrong and what is expected.
        reason: String,
    },
}

/// The state does not allow it.
pub const NOT_ALLOWED: &str = refusal::NOT_ALLOWED;
/// The same request is already submitted or under way.
pub const DUPLICATE: &str = "duplicate";

impl Error {
    pub(crate) fn refused(code: &'static str, because: impl Into<String>) -> Self {
        Self::Refused { code, because: because.into() }
    }

    pub(crate) fn invalid(field: impl Into<String>, reason: impl Into<String>) -> Self {
        Self::Invalid { field: field.into(), reason: reason.into() }
    }

    pub(crate) fn lease_ended(now: &str) -> Self {
        Self::refused(
            refusal::LEASE_ENDED,
            format!("the lease has ended; the job is now {now}. Leave the portal alone"),
        )
    }
}

macro_rules! illegal {
    ($($from:ty),*) => {$(
        impl From<$from> for Error {
            fn from(e: $from) -> Self {
                Self::refused(NOT_ALLOWED, e.to_string())
            }
        }
    )*};
}

illegal!(
    domain::job::Illegal,
    domain::attempt::Illegal,
    domain::drift::Illegal,
    domain::intent::Illegal,
    domain::exception::Illegal
);

/// A flow's answer.
pub type Result<T> = std::result::Result<T, Error>;

/// 80 random bits for an id.
pub(crate) fn random() -> u128 {
    rand::random()
}
