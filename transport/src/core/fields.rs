//! The fields of an envelope between its text and its value: one reading for SOAP and for REST.

use jiff::Timestamp;

use super::{
    Envelope, EnvelopeFault, ErrorCode, Field, Operation, PayloadId, Rule, Said, check_sum,
};
use crate::mime::unbase64;

/// The fields as they came.
#[derive(Default)]
pub(super) struct Fields {
    texts: Vec<(String, String)>,
    pub(super) payload: Option<Vec<u8>>,
}

impl Fields {
    pub(super) fn put(&mut self, name: &str, value: &str) {
        self.texts.push((name.to_owned(), value.to_owned()));
    }

    /// Whether a field of that name was put, empty or not.
    pub(super) fn has(&self, name: &str) -> bool {
        self.texts.iter().any(|(have, _)| have == name)
    }

    fn text(&self, name: &str) -> Option<&str> {
        let found = self.texts.iter().find(|(have, _)| have == name);
        found.map(|(_, value)| value.trim()).filter(|value| !value.is_empty())
    }

    fn get(&self, field: Field) -> Option<&str> {
        self.text(field.name())
    }

    fn wanted(&self, field: Field) -> Result<&str, EnvelopeFault> {
        self.get(field).ok_or(EnvelopeFault::Missing(field))
    }

    /// An answer: read as far as it goes. Only the number must be there, and a payload must be what it says.
    pub(super) fn answer(mut self) -> Result<Envelope, EnvelopeFault> {
        let error_code = self.text("ErrorCode").map(ErrorCode::read);
        let payload_id = match (self.get(Field::PayloadId), &error_code) {
            (Some(text), _) => {
                PayloadId::read(text).ok_or(EnvelopeFault::Illegal(Field::PayloadId))?
            }
            // Who cannot read an envelope cannot repeat its number.
            (None, Some(code)) if *code != ErrorCode::Success => PayloadId([0; 16]),
            (None, _) => return Err(EnvelopeFault::Missing(Field::PayloadId)),
        };
        self.whole()?;
        Ok(self.envelope(payload_id, error_code))
    }

    /// A request: everything the rule wants is there and is what it can be.
    pub(super) fn request(
        mut self,
        operation: Operation,
        rule: Rule,
    ) -> Result<Envelope, EnvelopeFault> {
        self.wanted(Field::PayloadType)?;
        if self.wanted(Field::ProcessingMode)? != operation.mode() {
            return Err(EnvelopeFault::Illegal(Field::ProcessingMode));
        }
        let id = self.wanted(Field::PayloadId)?;
        let payload_id = PayloadId::read(id).ok_or(EnvelopeFault::Illegal(Field::PayloadId))?;
        if self.wanted(Field::TimeStamp)?.parse::<Timestamp>().is_err() {
            return Err(EnvelopeFault::Illegal(Field::TimeStamp));
        }
        self.wanted(Field::SenderId)?;
        self.wanted(Field::ReceiverId)?;
        if self.wanted(Field::RuleVersion)? != rule.version() {
            return Err(EnvelopeFault::Version);
        }
        if operation.submits() && self.payload.as_ref().is_none_or(Vec::is_empty) {
            return Err(EnvelopeFault::Missing(Field::Payload));
        }
        if operation.submits() && operation.mode() == "Batch" {
            self.wanted(Field::PayloadLength)?;
            self.wanted(Field::CheckSum)?;
        }
        self.whole()?;
        Ok(self.envelope(payload_id, None))
    }

    /// Compares the payload with its length and check sum, where they are said.
    fn whole(&self) -> Result<(), EnvelopeFault> {
        let Some(payload) = &self.payload else { return Ok(()) };
        if let Some(length) = self.get(Field::PayloadLength)
            && length.parse() != Ok(payload.len())
        {
            return Err(EnvelopeFault::Mismatch(Field::PayloadLength));
        }
        match self.get(Field::CheckSum) {
            Some(sum) if !sum.eq_ignore_ascii_case(&check_sum(payload)) => {
                Err(EnvelopeFault::Mismatch(Field::CheckSum))
            }
            _ => Ok(()),
        }
    }

    fn envelope(&mut self, payload_id: PayloadId, error_code: Option<ErrorCode>) -> Envelope {
        let payload = self.payload.take();
        let text = |field| self.get(field).unwrap_or("").to_owned();
        Envelope {
            payload_type: text(Field::PayloadType),
            processing_mode: text(Field::ProcessingMode),
            payload_id,
            time_stamp: self.get(Field::TimeStamp).and_then(|text| text.parse().ok()),
            sender: text(Field::SenderId),
            receiver: text(Field::ReceiverId),
            rule_version: text(Field::RuleVersion),
            payload,
            error_code,
            error_message: self.text("ErrorMessage").map(Said::new),
        }
    }
}

/// A payload that came as text: X12, or X12 as base64. Which of the two it is, it says itself.
pub(super) fn payload(text: &str) -> Option<Vec<u8>> {
    if text.trim().is_empty() {
        return None;
    }
    let begins = |bytes: &[u8]| bytes.trim_ascii_start().starts_with(b"ISA");
    if !text.contains('*')
        && let Ok(bytes) = unbase64(text.as_bytes())
        && begins(&bytes)
    {
        return Some(bytes);
    }
    Some(text.as_bytes().to_vec())
}

/// The fields in the order of the schema, without the payload: `(name, value)`.
pub(super) fn in_order(envelope: &Envelope, operation: Operation) -> Vec<(&'static str, String)> {
    let stamp = envelope.time_stamp.map(|time| format!("{time:.0}")).unwrap_or_default();
    let batch = operation.mode() == "Batch";
    let mut all = vec![
        (Field::PayloadType.name(), envelope.payload_type.clone()),
        (Field::ProcessingMode.name(), envelope.processing_mode.clone()),
        (Field::PayloadId.name(), envelope.payload_id.to_string()),
    ];
    if let Some(payload) = envelope.payload.as_ref().filter(|_| batch) {
        all.push((Field::PayloadLength.name(), payload.len().to_string()));
    }
    all.extend([
        (Field::TimeStamp.name(), stamp),
        (Field::SenderId.name(), envelope.sender.clone()),
        (Field::ReceiverId.name(), envelope.receiver.clone()),
        (Field::RuleVersion.name(), envelope.rule_version.clone()),
    ]);
    if let Some(payload) = envelope.payload.as_ref().filter(|_| batch) {
        all.push((Field::CheckSum.name(), check_sum(payload)));
    }
    all
}
