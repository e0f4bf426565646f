//! What is remembered of an element: how it reads, never what it holds, in bounded size.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::form::{self, Control};

/// Longest text kept of an element, characters.
const TEXT_MAX: usize = 160;
/// Most texts around an element.
const AROUND_MAX: usize = 8;

/// What is remembered of an element that was used. No values and nothing of a patient: texts that hold an input are left out
/// before it is made.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default)]
pub struct Fingerprint {
    /// Role as the browser computes it.
    pub role: String,
    /// Accessible name.
    pub name: String,
    /// `type` of an input.
    pub input_type: String,
    /// `name` attribute.
    pub name_attr: String,
    /// Test id attribute.
    pub test_id: String,
    /// Text of its label.
    pub label: String,
    /// Own text.
    pub text: String,
    /// Headings, legend and region around it, outermost first.
    pub group: Vec<String>,
    /// Up to eight texts next to it, nearest first.
    pub near: Vec<String>,
    /// The words that stand where a label would; what a control without any name goes by.
    pub caption: String,
    /// How many others of its kind went by the same words.
    pub twins: u32,
    /// Centre in its region, CSS pixels.
    pub place: Option<(f64, f64)>,
    /// Of a screen: the controls and tables it shows.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub controls: Vec<Control>,
}

/// What is remembered of a script's elements, by name.
pub type Prints = BTreeMap<String, Fingerprint>;

impl Fingerprint {
    /// A whole screen's form.
    #[must_use]
    pub fn of_form(controls: Vec<Control>) -> Self {
        Self { role: "form".to_owned(), controls, ..Self::default() }
    }

    /// How a form differs from this one.
    #[must_use]
    pub fn form_differences(&self, now: &Self) -> Vec<String> {
        form::differences(&self.controls, &now.controls)
    }

    /// What is remembered of a form after this and that were seen.
    #[must_use]
    pub fn merged(&self, now: &Self) -> Self {
        Self::of_form(form::merged(&self.controls, &now.controls))
    }

    /// Whether people see the same: its kind and its words. Place and surroundings may differ.
    #[must_use]
    pub fn reads_like(&self, other: &Self) -> bool {
        let words = |print: &Self| {
            (print.role.clone(), print.name.clone(), print.label.clone(), print.text.clone())
        };
        words(self) == words(other)
    }

    /// The same in bounded size, and without every text that mentions one of these values. Agents leave such texts out before they
    /// tell; whoever keeps a fingerprint does not rely on that.
    #[must_use]
    pub fn harmless(mut self, values: &[String]) -> Self {
        for text in [
            &mut self.role,
            &mut self.name,
            &mut self.input_type,
            &mut self.name_attr,
            &mut self.test_id,
            &mut self.label,
            &mut self.text,
            &mut self.caption,
        ] {
            *text = if mentions(text, values) { String::new() } else { cut(text, TEXT_MAX) };
        }
        form::harmless(&mut self.controls, values);
        for list in [&mut self.group, &mut self.near] {
            list.retain(|text| !mentions(text, values));
            list.truncate(AROUND_MAX);
            list.iter_mut().for_each(|text| *text = cut(text, TEXT_MAX));
        }
        self
    }
}

/// The values of the member of a request that must stand in nothing that outlives it, as texts a page may show.
#[must_use]
pub fn personal(inputs: &serde_json::Value) -> Vec<String> {
    fn take(value: &serde_json::Value, all: &mut Vec<String>) {
        match value {
            serde_json::Value::String(text) => {
                if let Ok(date) = text.parse::<jiff::civil::Date>() {
                    let (y, m, d) = (date.year(), date.month(), date.day());
                    all.extend([format!("{m:02}/{d:02}/{y}"), format!("{m}/{d}/{y}")]);
                }
                all.push(text.clone());
            }
            serde_json::Value::Number(number) => all.push(number.to_string()),
            serde_json::Value::Array(items) => items.iter().for_each(|item| take(item, all)),
            serde_json::Value::Object(fields) => {
                fields.values().for_each(|field| take(field, all));
            }
            serde_json::Value::Null | serde_json::Value::Bool(_) => {}
        }
    }
    let mut all = Vec::new();
    if let Some(member) = inputs.get("member") {
        take(member, &mut all);
    }
    all.retain(|value| value.trim().chars().count() >= 2);
    all
}

/// Whether a text mentions one of these values. Short ones count as whole words only.
pub(super) fn mentions(text: &str, values: &[String]) -> bool {
    let text = text.to_lowercase();
    values.iter().any(|value| {
        let value = value.trim().to_lowercase();
        if value.chars().count() >= 4 {
            return text.contains(&value);
        }
        text.split(|c: char| !c.is_alphanumeric()).any(|word| word == value)
    })
}

pub(super) fn cut(text: &str, max: usize) -> String {
    text.chars().take(max).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_of_a_patient_stays_in_a_fingerprint() {
        let inputs = serde_json::json!({"member": {"id": "W100000001", "last_name": "ALDER", "first_name": "Jo",
            "dob": "1980-02-14"}, "lines": [{"code": "70551"}]});
        let print = Fingerprint {
            name: "Alder's requests".into(),
            label: "Born 02/14/1980".into(),
            text: "Procedure 70551 of a job".into(),
            near: vec!["Member w100000001".into(), "Jo, hello".into(), "Job title".into()],
            group: vec!["x".repeat(1_000); 40],
            ..Fingerprint::default()
        };
        let kept = print.harmless(&personal(&inputs));
        assert_eq!((kept.name.as_str(), kept.label.as_str()), ("", ""));
        assert_eq!(kept.text, "Procedure 70551 of a job");
        assert_eq!(kept.near, ["Job title"]);
        assert!(serde_json::to_string(&kept).unwrap().len() < 2_000, "bounded");
    }
}
