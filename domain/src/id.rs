//! Identifiers: newtypes over ULID that know their prefix (`case_01J…`). The only place that makes ids.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use ulid::Ulid;

use crate::time::Timestamp;

/// The text is not an id of this kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected an id that begins with `{prefix}_` followed by 26 letters and digits")]
pub struct BadId {
    /// The prefix that was expected.
    pub prefix: &'static str,
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident = $prefix:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Ulid);

        impl $name {
            /// The prefix of this kind of id.
            pub const PREFIX: &'static str = $prefix;

            /// A new id from an instant and 80 random bits (the lower bits of `random`).
            #[must_use]
            pub fn new(at: Timestamp, random: u128) -> Self {
                Self(Ulid::from_parts(at.ms().max(0).unsigned_abs(), random))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!($prefix, "_{}"), self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl FromStr for $name {
            type Err = BadId;
            fn from_str(text: &str) -> Result<Self, BadId> {
                text.strip_prefix(concat!($prefix, "_"))
                    .and_then(|rest| Ulid::from_string(rest).ok())
                    .map(Self)
                    .ok_or(BadId { prefix: $prefix })
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                to.collect_str(self)
            }
        }

        impl schemars::JsonSchema for $name {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }
            fn inline_schema() -> bool {
                true
            }
            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                let pattern = concat!("^", $prefix, "_[0-9A-HJKMNP-TV-Z]{26}$");
                schemars::json_schema!({"type": "string", "pattern": pattern})
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                String::deserialize(from)?.parse().map_err(D::Error::custom)
            }
        }
    )*};
}

ids! {
    /// A case: what the customer asked for.
    CaseId = "case";
    /// A job: one unit of work for a case.
    JobId = "job";
    /// One execution of a job under one lease.
    AttemptId = "att";
    /// A lease: one slot's time-limited exclusive right to a job.
    LeaseId = "lease";
    /// The durable record that a commit is about to happen.
    IntentId = "int";
    /// An immutable artefact of a step.
    EvidenceId = "ev";
    /// Something a person must answer.
    ExceptionId = "exc";
    /// An agent process.
    AgentId = "agent";
    /// A person.
    UserId = "user";
    /// A document that the customer attached to a case.
    DocumentId = "doc";
    /// An entry of the audit.
    AuditId = "aud";
    /// A sealed credential.
    CredentialId = "cred";
    /// Something a page and a script disagree about.
    DriftId = "drift";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parses_its_own_text_and_no_other() {
        let id = CaseId::new(Timestamp::from_ms(1_772_460_000_000), 7);
        assert_eq!(id.to_string().parse::<CaseId>().unwrap(), id);
        assert!(id.to_string().parse::<JobId>().is_err());
        assert!("case_x".parse::<CaseId>().is_err());
    }
}
