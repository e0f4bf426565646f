//! What is bound to a statement.

/// A bound value. Nulls carry their type, because Postgres wants it.
#[derive(Debug, Clone)]
pub enum Value {
    /// Text, or a null of that type.
    Text(Option<String>),
    /// A whole number, an instant or a flag, or a null of that type.
    Int(Option<i64>),
}

macro_rules! value_from {
    ($($from:ty => $variant:ident, $with:expr;)*) => {$(
        impl From<$from> for Value {
            fn from(v: $from) -> Self { Self::$variant(Some($with(v))) }
        }
        impl From<Option<$from>> for Value {
            fn from(v: Option<$from>) -> Self { Self::$variant(v.map($with)) }
        }
    )*};
}

value_from! {
    &str => Text, |v: &str| v.to_owned();
    &String => Text, |v: &String| v.clone();
    String => Text, |v| v;
    i64 => Int, |v| v;
    u32 => Int, i64::from;
    bool => Int, i64::from;
    domain::time::Timestamp => Int, |v: domain::time::Timestamp| v.ms();
    domain::id::CaseId => Text, |v: domain::id::CaseId| v.to_string();
    domain::id::JobId => Text, |v: domain::id::JobId| v.to_string();
    domain::id::AttemptId => Text, |v: domain::id::AttemptId| v.to_string();
    domain::id::LeaseId => Text, |v: domain::id::LeaseId| v.to_string();
    domain::id::IntentId => Text, |v: domain::id::IntentId| v.to_string();
    domain::id::EvidenceId => Text, |v: domain::id::EvidenceId| v.to_string();
    domain::id::ExceptionId => Text, |v: domain::id::ExceptionId| v.to_string();
    domain::id::AgentId => Text, |v: domain::id::AgentId| v.to_string();
    domain::id::UserId => Text, |v: domain::id::UserId| v.to_string();
    domain::id::DocumentId => Text, |v: domain::id::DocumentId| v.to_string();
    domain::id::AuditId => Text, |v: domain::id::AuditId| v.to_string();
    domain::id::CredentialId => Text, |v: domain::id::CredentialId| v.to_string();
    domain::id::DriftId => Text, |v: domain::id::DriftId| v.to_string();
}

/// Bound values in the order of `$1, $2, …`.
#[macro_export]
macro_rules! vals {
    ($($value:expr),* $(,)?) => { vec![$($crate::store::db::Value::from($value)),*] };
}
