//! FHIR Da Vinci PAS 2.2.1: requests, responses, inquiries and notifications.
//!
//! Two layers. The structs of [`claim`], [`response`], [`party`], [`task`], [`subscription`] and [`bundle`] are the format: every
//! field that came is kept. [`request::Request`], [`answer::Answer`], [`inquiry::Inquiry`] and [`notice::Notice`] are what is
//! meant: each is read from a bundle, with faults that say their place, and builds one.

pub mod answer;
pub mod base;
pub mod bundle;
pub mod claim;
pub mod code;
pub mod element;
pub mod fault;
pub mod inquiry;
mod judge;
pub mod name;
pub mod notice;
pub mod outcome;
pub mod party;
pub mod request;
pub mod response;
pub mod subscription;
pub mod task;

use serde_json::Value;

use element::Element;
use fault::{Code, Fault, Path};

/// Reads one resource or bundle from bytes.
///
/// # Errors
/// What is not JSON, and the first value of another shape, with its place.
pub fn read<T: Element>(bytes: &[u8], name: &str) -> Result<T, Fault> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let value: Value = serde_json::from_slice(bytes).map_err(|error| Fault {
        path: format!("line {}, column {}", error.line(), error.column()),
        ..Fault::error(Code::NotJson, "", "this is not JSON, or it is nested too deep")
    })?;
    T::read(value, &Path::root(name))
}

/// The JSON form.
#[must_use]
pub fn json<T: Element>(thing: &T) -> Value {
    thing.write().unwrap_or(Value::Null)
}

/// The JSON form as text. Writing what was read, and reading and writing that, gives the same text.
#[must_use]
pub fn write<T: Element>(thing: &T) -> String {
    json(thing).to_string()
}
