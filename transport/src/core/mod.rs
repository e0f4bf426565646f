//! CORE connectivity: X12 in the envelope of the CAQH CORE rules, as SOAP (vC2.2.0 and vC4.0.0) and in the REST form of vC4.0.0.
//! [`client`] asks, [`server`] is the other half, for those who answer.
//!
//! What is configuration and not rule here, because it was not read in a primary source: whether a payload in real time goes as
//! text or as MTOM ([`Form`]), the names of the members and the paths of the REST form ([`client::Paths`]).

pub mod client;
pub mod code;
mod fields;
mod measured;
pub mod rest;
pub mod server;
pub mod soap;

use jiff::Timestamp;

pub use client::{Client, CoreError, Login, Profile};
pub use code::{ErrorCode, Field};

use crate::random;
pub use crate::said::Said;

/// The version of the rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Rule {
    /// Phase II, version 2.2.0.
    V2,
    /// Version 4.0.0.
    V4,
}

impl Rule {
    /// As CORERuleVersion.
    #[must_use]
    pub fn version(self) -> &'static str {
        match self {
            Self::V2 => "2.2.0",
            Self::V4 => "4.0.0",
        }
    }

    /// The name space of the envelope.
    #[must_use]
    pub fn namespace(self) -> &'static str {
        match self {
            Self::V2 => "http://www.caqh.org/SOAP/WSDL/CORERule2.2.0.xsd",
            Self::V4 => "http://www.caqh.org/SOAP/WSDL/CORERule4.0.0.xsd",
        }
    }
}

/// What is done with an envelope.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Operation {
    /// A question with its answer.
    RealTime,
    /// A batch is handed in.
    BatchSubmit,
    /// The receipt of a batch is fetched.
    BatchReceipt,
    /// The results of a batch are fetched.
    BatchResults,
    /// A receipt for results is handed in.
    ResultsReceipt,
}

impl Operation {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::RealTime,
        Self::BatchSubmit,
        Self::BatchReceipt,
        Self::BatchResults,
        Self::ResultsReceipt,
    ];

    /// The action of the WSDL.
    #[must_use]
    pub fn action(self) -> &'static str {
        match self {
            Self::RealTime => "RealTimeTransaction",
            Self::BatchSubmit => "BatchSubmitTransaction",
            Self::BatchReceipt => "BatchSubmitAckRetrievalTransaction",
            Self::BatchResults => "BatchResultsRetrievalTransaction",
            Self::ResultsReceipt => "BatchResultsAckSubmitTransaction",
        }
    }

    /// The elements of request and response.
    #[must_use]
    pub fn elements(self) -> (&'static str, &'static str) {
        match self {
            Self::RealTime => ("COREEnvelopeRealTimeRequest", "COREEnvelopeRealTimeResponse"),
            Self::BatchSubmit => {
                ("COREEnvelopeBatchSubmission", "COREEnvelopeBatchSubmissionResponse")
            }
            Self::BatchReceipt => (
                "COREEnvelopeBatchSubmissionAckRetrievalRequest",
                "COREEnvelopeBatchSubmissionAckRetrievalResponse",
            ),
            Self::BatchResults => (
                "COREEnvelopeBatchResultsRetrievalRequest",
                "COREEnvelopeBatchResultsRetrievalResponse",
            ),
            Self::ResultsReceipt => (
                "COREEnvelopeBatchResultsAckSubmission",
                "COREEnvelopeBatchResultsAckSubmissionResponse",
            ),
        }
    }

    /// The processing mode that goes with it.
    #[must_use]
    pub fn mode(self) -> &'static str {
        if self == Self::RealTime { "RealTime" } else { "Batch" }
    }

    /// Whether it hands something in, rather than fetching.
    #[must_use]
    pub fn submits(self) -> bool {
        matches!(self, Self::RealTime | Self::BatchSubmit | Self::ResultsReceipt)
    }
}

/// How a payload lies in its envelope.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Form {
    /// As text.
    Text,
    /// As base64.
    Base64,
    /// Beside the envelope, as bytes.
    Mtom,
}

/// The number of a payload: a UUID, ours, never used again.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PayloadId([u8; 16]);

impl PayloadId {
    /// A new one.
    #[must_use]
    pub fn new() -> Self {
        let mut bytes: [u8; 16] = random();
        bytes[6] = (bytes[6] & 0x0f) | 0x40;
        bytes[8] = (bytes[8] & 0x3f) | 0x80;
        Self(bytes)
    }

    /// From its text, in capitals or small letters.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        let text = text.trim();
        let dashes = [8, 13, 18, 23].into_iter().all(|at| text.as_bytes().get(at) == Some(&b'-'));
        if text.len() != 36 || !text.is_ascii() || !dashes {
            return None;
        }
        let digits: String = text.chars().filter(|c| *c != '-').collect();
        if digits.len() != 32 {
            return None;
        }
        let mut bytes = [0; 16];
        for (i, byte) in bytes.iter_mut().enumerate() {
            let two = digits.get(2 * i..2 * i + 2)?;
            *byte = two
                .chars()
                .all(|c| c.is_ascii_hexdigit())
                .then(|| u8::from_str_radix(two, 16).ok())??;
        }
        Some(Self(bytes))
    }
}

impl Default for PayloadId {
    fn default() -> Self {
        Self::new()
    }
}

impl std::fmt::Display for PayloadId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let hex = crate::hex(&self.0);
        let part = |range: std::ops::Range<usize>| &hex[range];
        write!(
            f,
            "{}-{}-{}-{}-{}",
            part(0..8),
            part(8..12),
            part(12..16),
            part(16..20),
            part(20..32)
        )
    }
}

impl std::fmt::Debug for PayloadId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Display::fmt(self, f)
    }
}

/// Which transaction a payload is. Others than these are partner data.
pub mod payload_type {
    /// 270.
    pub const ELIGIBILITY: &str = "X12_270_Request_005010X279A1";
    /// 271.
    pub const ELIGIBILITY_ANSWER: &str = "X12_271_Response_005010X279A1";
    /// 276.
    pub const CLAIM_STATUS: &str = "X12_276_Request_005010X212";
    /// 277.
    pub const CLAIM_STATUS_ANSWER: &str = "X12_277_Response_005010X212";
    /// 278, request.
    pub const REVIEW: &str = "X12_278_Request_005010X217E1_2";
    /// 278, response.
    pub const REVIEW_ANSWER: &str = "X12_278_Response_005010X217E1_2";
    /// 999.
    pub const RECEIPT: &str = "X12_999_Response_005010X231A1";
    /// TA1.
    pub const INTERCHANGE_RECEIPT: &str = "X12_TA1_Response_00501X231A1";
    /// No transaction, but an error of the envelope.
    pub const ENVELOPE_ERROR: &str = "CoreEnvelopeError";
}

/// The envelope: what the rule calls metadata, and the payload.
#[derive(Clone, PartialEq, Eq)]
pub struct Envelope {
    /// Which transaction it is; see [`payload_type`].
    pub payload_type: String,
    /// `RealTime` or `Batch`.
    pub processing_mode: String,
    /// The number of the payload.
    pub payload_id: PayloadId,
    /// When the envelope was written, UTC; none in an answer that says nothing readable.
    pub time_stamp: Option<Timestamp>,
    /// Who sends.
    pub sender: String,
    /// Who receives.
    pub receiver: String,
    /// The version of the rule.
    pub rule_version: String,
    /// What is carried.
    pub payload: Option<Vec<u8>>,
    /// In an answer: how it went.
    pub error_code: Option<ErrorCode>,
    /// In an answer: how it went, in the other side's words.
    pub error_message: Option<Said>,
}

impl std::fmt::Debug for Envelope {
    /// Without the payload, and without what the other side says: both may name a patient.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Envelope")
            .field("payload_type", &self.payload_type)
            .field("payload_id", &self.payload_id)
            .field("error_code", &self.error_code)
            .field("payload_bytes", &self.payload.as_ref().map(Vec::len))
            .finish_non_exhaustive()
    }
}

/// SHA-1 of a payload, hexadecimal, as the rule wants it of batches. It proves nothing but that nothing was cut off.
#[must_use]
pub fn check_sum(payload: &[u8]) -> String {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA1_FOR_LEGACY_USE_ONLY, payload);
    crate::hex(digest.as_ref())
}

/// What is wrong with an envelope.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EnvelopeFault {
    /// No XML or JSON of the wanted form, or XML with a document type.
    #[error("the message is not well formed: {0}")]
    Form(String),
    /// Cut short, or wrapped wrongly.
    #[error("the message is not well wrapped: {0}")]
    Mime(#[from] crate::mime::MimeError),
    /// Another message, named in the other side's words.
    #[error("another message than expected")]
    Other(Said),
    /// A field that is missing.
    #[error("{} is missing", .0.name())]
    Missing(Field),
    /// A field with a value it cannot have.
    #[error("{} has a value it cannot have", .0.name())]
    Illegal(Field),
    /// The version of another rule.
    #[error("the rule's version is not the one expected")]
    Version,
    /// The payload is not what its check sum or length say.
    #[error("the payload is not what its {} says", .0.name())]
    Mismatch(Field),
}

impl EnvelopeFault {
    /// The code a server answers it with.
    #[must_use]
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::Missing(field) => ErrorCode::Required(*field),
            Self::Illegal(field) | Self::Mismatch(field @ Field::PayloadLength) => {
                ErrorCode::Illegal(*field)
            }
            Self::Version => ErrorCode::VersionMismatch,
            Self::Mismatch(_) => ErrorCode::ChecksumMismatched,
            Self::Form(_) | Self::Mime(_) | Self::Other(_) => ErrorCode::Illegal(Field::Payload),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn payload_ids_are_uuids() {
        let id = PayloadId::new();
        assert_eq!(PayloadId::read(&id.to_string()), Some(id));
        assert_eq!(PayloadId::read(&id.to_string().to_uppercase()), Some(id));
        assert_ne!(PayloadId::new(), id);
        assert_eq!(id.to_string().as_bytes()[14], b'4');
        for bad in [
            "",
            "7f2c3a0e",
            "7f2c3a0e-1111-4222-8333-44445555666",
            "7f2c3a0e-1111-4222-8333-4444555566zz",
            "7f2c3a0e+1111-4222-8333-444455556666",
            "7f2c3a0e-1111-4222-8333-44445555+666",
            "é2c3a0e-1111-4222-8333-44445555666",
        ] {
            assert_eq!(PayloadId::read(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_check_sum_is_sha_1() {
        assert_eq!(check_sum(b"abc"), "a9993e364706816aba3e25717850c26c9cd0d89d");
    }
}
