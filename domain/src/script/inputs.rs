//! A job's inputs against a script's `needs`: checked before a browser starts.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Map, Value as Json};

use super::ast::{Need, NeedType, Needs};
use super::decimal::Decimal;
use super::span::Table;
use super::value::{FileRef, Value};
use crate::time::Timestamp;

/// Checked inputs by field name.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Inputs {
    /// The outermost group.
    pub fields: BTreeMap<String, Value>,
}

/// What is wrong with an input; never repeats its value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, thiserror::Error)]
#[error("{path}: {message}")]
pub struct InputFault {
    /// JSON path such as `request.lines[0].units`.
    pub path: String,
    /// What is wrong and what is expected.
    pub message: String,
}

impl Needs {
    /// Checks a JSON document against the types; all faults at once. Unknown fields are refused.
    pub fn check(&self, json: &Json) -> Result<Inputs, Vec<InputFault>> {
        let mut faults = Vec::new();
        let fields = group(&self.fields, json, "", &mut faults);
        if faults.is_empty() {
            Ok(Inputs { fields: fields.unwrap_or_default() })
        } else {
            Err(faults)
        }
    }

    /// Keeps only the declared fields of a larger document, so that one canonical request feeds any
    /// script. What does not fit is kept for [`Needs::check`] to report.
    pub fn project(&self, json: &Json) -> Json {
        project_group(&self.fields, json)
    }
}

fn project_group(fields: &Table<Need>, json: &Json) -> Json {
    let Json::Object(given) = json else { return json.clone() };
    let mut kept = Map::new();
    for (name, need) in fields.iter() {
        let Some(value) = given.get(name.as_str()) else { continue };
        let nothing = value.is_null() || value.as_array().is_some_and(Vec::is_empty);
        if !(need.optional && nothing) {
            kept.insert(name.text.clone(), project(need, value));
        }
    }
    Json::Object(kept)
}

fn project(need: &Need, json: &Json) -> Json {
    match (&need.kind, json) {
        (NeedType::Group(fields), _) => project_group(fields, json),
        (NeedType::List { of, .. }, Json::Array(items)) => {
            Json::Array(items.iter().map(|item| project(of, item)).collect())
        }
        _ => json.clone(),
    }
}

fn join(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

fn fault(faults: &mut Vec<InputFault>, path: &str, message: impl Into<String>) {
    let path = if path.is_empty() { "(document)" } else { path };
    faults.push(InputFault { path: path.to_owned(), message: message.into() });
}

fn group(
    fields: &Table<Need>,
    json: &Json,
    path: &str,
    faults: &mut Vec<InputFault>,
) -> Option<BTreeMap<String, Value>> {
    let Json::Object(given) = json else {
        fault(faults, path, "must be an object");
        return None;
    };
    for name in given.keys().filter(|name| fields.get(name).is_none()) {
        fault(faults, &join(path, name), "is not an input of this script");
    }
    let mut values = BTreeMap::new();
    for (name, need) in fields.iter() {
        let path = join(path, name.as_str());
        match given.get(name.as_str()) {
            Some(value) => {
                let value = one(need, value, &path, faults);
                values.extend(value.map(|value| (name.text.clone(), value)));
            }
            None if need.optional => {}
            None => fault(faults, &path, format!("is missing ({})", need.kind.word())),
        }
    }
    Some(values)
}

fn one(need: &Need, json: &Json, path: &str, faults: &mut Vec<InputFault>) -> Option<Value> {
    if json.is_null() {
        fault(faults, path, "must not be null; leave it out instead");
        return None;
    }
    match &need.kind {
        NeedType::Group(fields) => group(fields, json, path, faults).map(Value::Group),
        NeedType::List { of, max } => {
            let Json::Array(items) = json else {
                fault(faults, path, "must be a list");
                return None;
            };
            if items.is_empty() || items.len() > *max as usize {
                fault(faults, path, format!("must have 1 to {max} items, has {}", items.len()));
            }
            let mut values = Vec::new();
            for (index, item) in items.iter().enumerate().take(*max as usize) {
                values.extend(one(of, item, &format!("{path}[{index}]"), faults));
            }
            Some(Value::List(values))
        }
        kind => match scalar(kind, json) {
            Ok(value) => Some(value),
            Err(message) => {
                fault(faults, path, message);
                None
            }
        },
    }
}

fn scalar(kind: &NeedType, json: &Json) -> Result<Value, String> {
    match kind {
        NeedType::String { pattern, max } => {
            let text = json.as_str().ok_or("must be a text")?;
            if let Some(max) = max
                && text.chars().count() > *max as usize
            {
                return Err(format!("must have at most {max} characters"));
            }
            if text.chars().any(|c| c.is_control() && c != '\n') {
                return Err("must not contain control characters".to_owned());
            }
            match pattern {
                Some(pattern) if !pattern.regex.is_match(text) => {
                    Err(format!("must match {}", pattern.source))
                }
                _ => Ok(Value::Text(text.to_owned())),
            }
        }
        NeedType::Integer { min, max } => {
            let number = json.as_i64().ok_or("must be a whole number")?;
            in_range(number, *min, *max)?;
            Ok(Value::Integer(number))
        }
        NeedType::Decimal { min, max } => {
            let text = match json {
                Json::Number(number) => number.to_string(),
                Json::String(text) => text.clone(),
                _ => return Err("must be a decimal number".to_owned()),
            };
            let number = Decimal::parse(&text).ok_or("must be a decimal number")?;
            let bound = |text: &Option<String>| text.as_deref().and_then(Decimal::parse);
            in_range(number, bound(min), bound(max))?;
            Ok(Value::Decimal(number))
        }
        NeedType::Boolean => {
            json.as_bool().map(Value::Boolean).ok_or_else(|| "must be true or false".to_owned())
        }
        NeedType::Date => {
            let date = json.as_str().filter(|text| text.len() == 10).and_then(|t| t.parse().ok());
            date.map(Value::Date).ok_or_else(|| "must be a date, YYYY-MM-DD".to_owned())
        }
        NeedType::Datetime => {
            let at = json.as_str().and_then(|text| Timestamp::parse(text).ok());
            at.map(Value::Datetime)
                .ok_or_else(|| "must be an instant with an offset (RFC 3339)".to_owned())
        }
        NeedType::OneOf(words) => {
            let word = json.as_str().filter(|word| words.iter().any(|known| known == word));
            word.map(|word| Value::Text(word.to_owned()))
                .ok_or_else(|| format!("must be one of {}", words.join(", ")))
        }
        NeedType::File { accept, max_bytes } => file(json, accept, *max_bytes),
        NeedType::List { .. } | NeedType::Group(_) => Err("must be a single value".to_owned()),
    }
}

fn in_range<T: PartialOrd + std::fmt::Display>(
    number: T,
    min: Option<T>,
    max: Option<T>,
) -> Result<(), String> {
    match (min, max) {
        (Some(min), _) if number < min => Err(format!("must not be less than {min}")),
        (_, Some(max)) if number > max => Err(format!("must not be more than {max}")),
        _ => Ok(()),
    }
}

/// A path or id as text, or a document of the canonical request.
fn file(json: &Json, accept: &[String], max_bytes: u64) -> Result<Value, String> {
    let text = |key: &str| json.get(key).and_then(Json::as_str).map(str::to_owned);
    let reference = json.as_str().map(str::to_owned).or_else(|| text("id"));
    let reference = reference.filter(|reference| !reference.is_empty());
    let reference = reference.ok_or("must be a file")?;
    let kind = text("kind");
    if let Some(kind) = &kind
        && !accept.contains(kind)
    {
        return Err(format!("must be a file of kind {}", accept.join(" or ")));
    }
    let size = json.get("size_bytes").and_then(Json::as_u64);
    match size {
        Some(0) => return Err("must not be an empty file".to_owned()),
        Some(size) if size > max_bytes => {
            return Err(format!("must not be larger than {max_bytes} bytes"));
        }
        _ => {}
    }
    let (sha256, accept) = (text("sha256"), accept.to_vec());
    Ok(Value::File(FileRef { reference, kind, sha256, accept, max_bytes }))
}
