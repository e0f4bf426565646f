//! CORE envelopes in the REST form of vC4.0.0: the fields of the envelope as members of one JSON object.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Map, Value};

use super::{
    Envelope, EnvelopeFault, ErrorCode, Field, Form, Operation,
    fields::{self, Fields},
};

/// Writes an envelope.
///
/// # Errors
/// A payload that cannot be text where it has to be.
pub fn write(
    envelope: &Envelope,
    operation: Operation,
    request: bool,
    form: Form,
) -> Result<Vec<u8>, EnvelopeFault> {
    let mut object: Map<String, Value> = fields::in_order(envelope, operation)
        .into_iter()
        .map(|(name, value)| (name.to_owned(), Value::String(value)))
        .collect();
    if let Some(payload) = &envelope.payload {
        let text = match form {
            Form::Text => String::from_utf8(payload.clone())
                .map_err(|_| EnvelopeFault::Illegal(Field::Payload))?,
            Form::Base64 | Form::Mtom => STANDARD.encode(payload),
        };
        object.insert(Field::Payload.name().to_owned(), Value::String(text));
    }
    if !request {
        let code = envelope.error_code.as_ref().map(ErrorCode::text).unwrap_or_default();
        let said = envelope.error_message.as_ref().map_or("", |said| said.text()).to_owned();
        object.insert("ErrorCode".to_owned(), Value::String(code.into_owned()));
        object.insert("ErrorMessage".to_owned(), Value::String(said));
    }
    Ok(Value::Object(object).to_string().into_bytes())
}

/// Reads the fields of an envelope.
pub(super) fn read(body: &[u8]) -> Result<Fields, EnvelopeFault> {
    // The library's own words may repeat what was written; only the place is told.
    let value: Value = serde_json::from_slice(body).map_err(|error| {
        EnvelopeFault::Form(format!(
            "it is no JSON (line {}, column {})",
            error.line(),
            error.column()
        ))
    })?;
    let Value::Object(object) = value else {
        return Err(EnvelopeFault::Form("it is JSON, but no object".to_owned()));
    };
    let mut fields = Fields::default();
    for (name, value) in &object {
        match value {
            Value::String(text) if name == Field::Payload.name() => {
                fields.payload = fields::payload(text);
            }
            Value::String(text) => fields.put(name, text),
            Value::Number(number) => fields.put(name, &number.to_string()),
            _ => {}
        }
    }
    Ok(fields)
}
