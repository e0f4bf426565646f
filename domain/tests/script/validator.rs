//! As much of a JSON Schema validator as our schemas need, and YAML read the way editors read it.

use std::cell::RefCell;
use std::collections::BTreeMap;

use domain::script::node::{self, Node, Style};
use domain::script::{Findings, finding::Level};
use regex::Regex;
use serde_json::{Map, Value as Json, json};

/// YAML as an editor's core schema types it.
pub(crate) fn from_yaml(text: &str) -> Json {
    let mut findings = Findings::default();
    let tree = node::read(&std::sync::Arc::from("test"), text.as_bytes(), &mut findings);
    let broken = findings.list.iter().any(|finding| finding.level == Level::Error);
    match tree {
        Some(tree) if !broken => typed(&tree),
        // an editor shows these without any schema
        _ => Json::Null,
    }
}

fn typed(node: &Node) -> Json {
    match &node.value {
        node::Value::List(items) => items.iter().map(typed).collect(),
        node::Value::Map(entries) => {
            let pair = |(key, value): &(Node, Node)| {
                (key.scalar().unwrap_or_default().to_owned(), typed(value))
            };
            Json::Object(entries.iter().map(pair).collect())
        }
        node::Value::Scalar(text) if node.style == Style::Plain => match text.as_str() {
            "" | "~" | "null" => Json::Null,
            "true" => json!(true),
            "false" => json!(false),
            plain if node::reads_as_other(plain) == Some("a number") => {
                serde_json::from_str(plain).unwrap_or_else(|_| json!(0.5))
            }
            plain => json!(plain),
        },
        node::Value::Scalar(text) => json!(text),
    }
}

/// The faults of a document, as `path: keyword`.
pub(crate) fn validate(schema: &Json, document: &Json) -> Vec<String> {
    let mut faults = Vec::new();
    Validator { root: schema }.check(schema, document, "", &mut faults);
    faults
}

struct Validator<'a> {
    root: &'a Json,
}

impl Validator<'_> {
    fn holds(&self, schema: &Json, value: &Json) -> bool {
        let mut faults = Vec::new();
        self.check(schema, value, "", &mut faults);
        faults.is_empty()
    }

    fn check(&self, schema: &Json, value: &Json, path: &str, faults: &mut Vec<String>) {
        let Json::Object(rules) = schema else { return };
        for (keyword, rule) in rules {
            if let Some(fine) = plain(keyword, rule, value) {
                if !fine {
                    faults.push(format!("{path}: {keyword}"));
                }
                continue;
            }
            let fine = match keyword.as_str() {
                "$ref" => {
                    let name = rule.as_str().expect("a reference").trim_start_matches("#/$defs/");
                    self.check(&self.root["$defs"][name], value, path, faults);
                    assert!(!self.root["$defs"][name].is_null(), "no definition {name}");
                    true
                }
                "items" => {
                    for (index, item) in value.as_array().into_iter().flatten().enumerate() {
                        self.check(rule, item, &format!("{path}[{index}]"), faults);
                    }
                    true
                }
                "oneOf" => rule.as_array().is_some_and(|all| {
                    all.iter().filter(|schema| self.holds(schema, value)).count() == 1
                }),
                "anyOf" => {
                    rule.as_array().is_some_and(|all| all.iter().any(|s| self.holds(s, value)))
                }
                "allOf" => {
                    for schema in rule.as_array().into_iter().flatten() {
                        self.check(schema, value, path, faults);
                    }
                    true
                }
                "not" => !self.holds(rule, value),
                "if" => {
                    let branch = if self.holds(rule, value) { "then" } else { "else" };
                    if let Some(schema) = rules.get(branch) {
                        self.check(schema, value, path, faults);
                    }
                    true
                }
                "additionalProperties" => {
                    if let Json::Object(fields) = value {
                        self.fields(rules, fields, path, faults);
                    }
                    true
                }
                "then" | "else" | "properties" | "patternProperties" | "$defs" | "$schema"
                | "title" | "description" | "defaultSnippets" => true,
                other => panic!("unknown keyword {other}"),
            };
            if !fine {
                faults.push(format!("{path}: {keyword}"));
            }
        }
        if !rules.contains_key("additionalProperties")
            && let (Some(Json::Object(known)), Json::Object(fields)) =
                (rules.get("properties"), value)
        {
            for (name, value) in fields {
                if let Some(schema) = known.get(name) {
                    self.check(schema, value, &format!("{path}/{name}"), faults);
                }
            }
        }
    }

    fn fields(
        &self,
        rules: &Map<String, Json>,
        fields: &Map<String, Json>,
        path: &str,
        faults: &mut Vec<String>,
    ) {
        for (name, value) in fields {
            let path = format!("{path}/{name}");
            let known = rules.get("properties").and_then(|known| known.get(name));
            let by_form =
                rules.get("patternProperties").and_then(Json::as_object).and_then(|forms| {
                    forms
                        .iter()
                        .find(|(form, _)| matches(&json!(form), name))
                        .map(|(_, schema)| schema)
                });
            match known.or(by_form) {
                Some(schema) => self.check(schema, value, &path, faults),
                None => faults.push(format!("{path}: unknown")),
            }
        }
    }
}

thread_local! {
    static PATTERNS: RefCell<BTreeMap<String, Regex>> = const { RefCell::new(BTreeMap::new()) };
}

fn matches(pattern: &Json, text: &str) -> bool {
    let pattern = pattern.as_str().expect("a pattern").replace("\\u00", "\\x");
    PATTERNS.with_borrow_mut(|known| {
        let compile = || Regex::new(&pattern).expect("a pattern");
        known.entry(pattern.clone()).or_insert_with(compile).is_match(text)
    })
}

/// The keywords that look at one value only; `None` for all others.
fn plain(keyword: &str, rule: &Json, value: &Json) -> Option<bool> {
    let limit = rule.as_u64().unwrap_or(0);
    let (chars, items) = (value.as_str().map(str::len), value.as_array().map(Vec::len));
    let fields = value.as_object();
    let within = |count: Option<usize>, least: bool| {
        count.is_none_or(|n| if least { n as u64 >= limit } else { n as u64 <= limit })
    };
    Some(match keyword {
        "type" => is_type(rule, value),
        "const" => rule == value,
        "enum" => rule.as_array().is_some_and(|all| all.contains(value)),
        "pattern" => value.as_str().is_none_or(|text| matches(rule, text)),
        "minimum" => value.as_f64().is_none_or(|n| Some(n) >= rule.as_f64()),
        "maximum" => value.as_f64().is_none_or(|n| Some(n) <= rule.as_f64()),
        "minLength" => within(chars, true),
        "minItems" => within(items, true),
        "maxItems" => within(items, false),
        "minProperties" => within(fields.map(Map::len), true),
        "maxProperties" => within(fields.map(Map::len), false),
        "required" => fields.is_none_or(|fields| {
            let mut keys = rule.as_array().into_iter().flatten().filter_map(Json::as_str);
            keys.all(|key| fields.contains_key(key))
        }),
        _ => return None,
    })
}

fn is_type(rule: &Json, value: &Json) -> bool {
    if let Json::Array(any) = rule {
        return any.iter().any(|rule| is_type(rule, value));
    }
    match rule.as_str().expect("a type") {
        "string" => value.is_string(),
        "object" => value.is_object(),
        "array" => value.is_array(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        other => panic!("unknown type {other}"),
    }
}
