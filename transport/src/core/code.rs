//! The error codes of CORE envelopes, as values.

use std::borrow::Cow;

use crate::{fate::Fate, said::Said};

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
    Other(Said),
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
                .unwrap_or_else(|| Self::Other(Said::new(text))),
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

impl ErrorCode {
    /// As it stands in an envelope.
    #[must_use]
    pub fn text(&self) -> Cow<'_, str> {
        match self {
            Self::Success => "Success".into(),
            Self::Required(field) => format!("{}Required", field.name()).into(),
            Self::Illegal(field) => format!("{}Illegal", field.name()).into(),
            Self::NotUnderstood(field) => format!("{}NotUnderstood", field.name()).into(),
            Self::VersionMismatch => "VersionMismatch".into(),
            Self::UnAuthorized => "UnAuthorized".into(),
            Self::ChecksumMismatched => "ChecksumMismatched".into(),
            Self::NotSupported => "NotSupported".into(),
            Self::Other(said) => said.text().into(),
        }
    }
}

impl std::fmt::Display for ErrorCode {
    /// For messages: a code of the rule as it is written, one of somebody's own without its words.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Other(_) => f.write_str("a code of its own"),
            known => f.write_str(&known.text()),
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
            ErrorCode::Other(Said::new("PayerIsAsleep")),
        ];
        for field in Field::ALL {
            all.extend([
                ErrorCode::Required(field),
                ErrorCode::Illegal(field),
                ErrorCode::NotUnderstood(field),
            ]);
        }
        for code in all {
            assert_eq!(ErrorCode::read(&code.text()), code);
        }
        let other = ErrorCode::read("FurRequired");
        assert_eq!(other, ErrorCode::Other(Said::new("FurRequired")));
        assert!(!format!("{other} {other:?}").contains("Fur"), "words of theirs are in no log");
        assert_eq!(ErrorCode::read("Other").fate(), Fate::Unknown);
        assert_eq!(ErrorCode::read("PayloadIDIllegal").fate(), Fate::Refused);
    }
}
