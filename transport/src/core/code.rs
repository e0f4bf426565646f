//! The error codes of CORE envelopes, as values.

use crate::fate::Fate;

/// A field of the envelope.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Field {
    /// Which transaction it is.
    PayloadType,
    /// Real time or batch.
    ProcessingMode,
    /// The number of the payload.
    PayloadId,
    /// Bytes of the payload.
    PayloadLength,
    /// When it was written.
    TimeStamp,
    /// Who sends.
    SenderId,
    /// Who receives.
    ReceiverId,
    /// Version of the rule.
    RuleVersion,
    /// SHA-1 of the payload.
    CheckSum,
    /// What is carried.
    Payload,
    /// The user's name.
    UserName,
    /// The password.
    Password,
}

impl Field {
    const ALL: [Self; 12] = [
        Self::PayloadType,
        Self::ProcessingMode,
        Self::PayloadId,
        Self::PayloadLength,
        Self::TimeStamp,
        Self::SenderId,
        Self::ReceiverId,
        Self::RuleVersion,
        Self::CheckSum,
        Self::Payload,
        Self::UserName,
        Self::Password,
    ];

    /// Its name in the envelope.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::PayloadType => "PayloadType",
            Self::ProcessingMode => "ProcessingMode",
            Self::PayloadId => "PayloadID",
            Self::PayloadLength => "PayloadLength",
            Self::TimeStamp => "TimeStamp",
            Self::SenderId => "SenderID",
            Self::ReceiverId => "ReceiverID",
            Self::RuleVersion => "CORERuleVersion",
            Self::CheckSum => "CheckSum",
            Self::Payload => "Payload",
            Self::UserName => "UserName",
            Self::Password => "Password",
        }
    }

    fn read(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|field| field.name().eq_ignore_ascii_case(name))
    }
}

/// What an envelope says about the one it answers.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum ErrorCode {
    /// All is well; what it carries is the answer.
    Success,
    /// A field is missing.
    Required(Field),
    /// A field has a value it cannot have.
    Illegal(Field),
    /// A field has a value that is not understood.
    NotUnderstood(Field),
    /// Another version of the rule.
    VersionMismatch,
    /// User, password or certificate are not good.
    UnAuthorized,
    /// The payload is not what its check sum says.
    ChecksumMismatched,
    /// This is not done here.
    NotSupported,
    /// Something else, as it was written.
    Other(String),
}

impl ErrorCode {
    /// From its text. What is not known is kept.
    #[must_use]
    pub fn read(text: &str) -> Self {
        let field = |suffix: &str| text.strip_suffix(suffix).and_then(Field::read);
        match text {
            "Success" => Self::Success,
            "VersionMismatch" => Self::VersionMismatch,
            "UnAuthorized" | "Unauthorized" => Self::UnAuthorized,
            "ChecksumMismatched" | "CheckSumMismatched" => Self::ChecksumMismatched,
            "NotSupported" => Self::NotSupported,
            _ => (field("Required").map(Self::Required))
                .or_else(|| field("Illegal").map(Self::Illegal))
                .or_else(|| field("NotUnderstood").map(Self::NotUnderstood))
                .unwrap_or_else(|| Self::Other(text.chars().take(100).collect())),
        }
    }

    /// What it says about the payload. A code of somebody's own proves nothing.
    #[must_use]
    pub fn fate(&self) -> Fate {
        match self {
            Self::Success | Self::Other(_) => Fate::Unknown,
            _ => Fate::Refused,
        }
    }
}

impl std::fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Success => f.write_str("Success"),
            Self::Required(field) => write!(f, "{}Required", field.name()),
            Self::Illegal(field) => write!(f, "{}Illegal", field.name()),
            Self::NotUnderstood(field) => write!(f, "{}NotUnderstood", field.name()),
            Self::VersionMismatch => f.write_str("VersionMismatch"),
            Self::UnAuthorized => f.write_str("UnAuthorized"),
            Self::ChecksumMismatched => f.write_str("ChecksumMismatched"),
            Self::NotSupported => f.write_str("NotSupported"),
            Self::Other(text) => f.write_str(text),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_reads_as_it_is_written() {
        let mut all = vec![
            ErrorCode::Success,
            ErrorCode::VersionMismatch,
            ErrorCode::UnAuthorized,
            ErrorCode::ChecksumMismatched,
            ErrorCode::NotSupported,
            ErrorCode::Other("PayerIsAsleep".into()),
        ];
        for field in Field::ALL {
            all.extend([
                ErrorCode::Required(field),
                ErrorCode::Illegal(field),
                ErrorCode::NotUnderstood(field),
            ]);
        }
        for code in all {
            assert_eq!(ErrorCode::read(&code.to_string()), code);
        }
        assert_eq!(ErrorCode::read("FurRequired"), ErrorCode::Other("FurRequired".into()));
        assert_eq!(ErrorCode::read("Other").fate(), Fate::Unknown);
        assert_eq!(ErrorCode::read("PayloadIDIllegal").fate(), Fate::Refused);
    }
}
