//! Settings of a simulated payer. Each payer declares the names it knows with their first values; nothing else is taken.

use std::sync::Mutex;

use serde_json::{Map, Value};

use super::journal::lock;

/// The settings of one payer.
pub struct Knobs {
    values: Mutex<Map<String, Value>>,
}

/// A setting this payer does not have, or of another type.
#[derive(Debug, thiserror::Error)]
#[error("no knob {name} that takes {value}")]
pub struct UnknownKnob {
    name: String,
    value: Value,
}

impl Knobs {
    /// The declared settings.
    pub fn new(first: Value) -> Knobs {
        let values = match first {
            Value::Object(map) => map,
            _ => Map::new(),
        };
        Knobs { values: Mutex::new(values) }
    }

    /// Changes settings; all or none.
    pub fn set(&self, changes: &Map<String, Value>) -> Result<(), UnknownKnob> {
        let mut values = lock(&self.values);
        for (name, value) in changes {
            let known = values.get(name);
            if known.is_none_or(|known| kind_of(known) != kind_of(value)) {
                return Err(UnknownKnob { name: name.clone(), value: value.clone() });
            }
        }
        for (name, value) in changes {
            values.insert(name.clone(), value.clone());
        }
        Ok(())
    }

    /// All settings.
    pub fn all(&self) -> Map<String, Value> {
        lock(&self.values).clone()
    }

    /// A number.
    pub fn number(&self, name: &str) -> i64 {
        lock(&self.values).get(name).and_then(Value::as_i64).unwrap_or(0)
    }

    /// A switch.
    pub fn flag(&self, name: &str) -> bool {
        lock(&self.values).get(name).and_then(Value::as_bool).unwrap_or(false)
    }

    /// A word.
    pub fn text(&self, name: &str) -> String {
        lock(&self.values).get(name).and_then(Value::as_str).unwrap_or_default().to_owned()
    }
}

fn kind_of(value: &Value) -> u8 {
    match value {
        Value::Null => 0,
        Value::Bool(_) => 1,
        Value::Number(_) => 2,
        Value::String(_) => 3,
        Value::Array(_) => 4,
        Value::Object(_) => 5,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_declared_names_with_their_type_are_taken() {
        let knobs = Knobs::new(json!({"dashboard_lag_s": 90, "confirm_once": true}));
        let set = |value: Value| knobs.set(value.as_object().unwrap());
        set(json!({"dashboard_lag_s": 0})).unwrap();
        assert_eq!(knobs.number("dashboard_lag_s"), 0);
        assert!(set(json!({"confirm_once": false, "dashboard_lag": 1})).is_err());
        assert!(knobs.flag("confirm_once"));
        assert!(set(json!({"confirm_once": "no"})).is_err());
    }
}
