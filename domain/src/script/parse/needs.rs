//! The types of inputs: `needs`.

use super::decode::{Decoder, Spelling};
use crate::script::ast::{Need, NeedType, Needs, Wait};
use crate::script::node::{Node as Yaml, Style, Value};
use crate::script::span::Table;

/// Kinds of files a script may ask for.
const FILE_KINDS: [(&str, &str); 6] = [
    ("pdf", "pdf"),
    ("jpg", "jpg"),
    ("png", "png"),
    ("tiff", "tiff"),
    ("docx", "docx"),
    ("txt", "txt"),
];

impl Decoder<'_> {
    pub(super) fn needs(&mut self, node: &Yaml) -> Needs {
        Needs { fields: self.group(node).unwrap_or_default() }
    }

    fn group(&mut self, node: &Yaml) -> Option<Table<Need>> {
        let map = self.any_map(node, "a group of inputs")?;
        if map.entries.is_empty() {
            self.wrong(&node.span, "a group of inputs must not be empty");
            return None;
        }
        let mut fields = Table::default();
        for (key, value) in map.entries {
            let name = self.own_name(key, "the input", Spelling::Underscores);
            let need = self.need(value);
            fields.entries.extend(name.zip(need));
        }
        Some(fields)
    }

    fn need(&mut self, node: &Yaml) -> Option<Need> {
        let whole =
            |kind: NeedType| Need { kind, optional: false, phi: true, span: node.span.clone() };
        match &node.value {
            Value::List(_) => self.choices(node).map(whole),
            Value::Map(_) if node.get("type").is_some() => self.detail(node),
            Value::Map(_) => self.group(node).map(|fields| whole(NeedType::Group(fields))),
            Value::Scalar(text) => {
                let (word, optional) = match text.strip_suffix('?') {
                    Some(word) => (word, true),
                    None => (text.as_str(), false),
                };
                let kind = self.plain_type(word, node)?;
                Some(Need { kind, optional, phi: true, span: node.span.clone() })
            }
        }
    }

    fn plain_type(&mut self, word: &str, node: &Yaml) -> Option<NeedType> {
        let kind = match word {
            "string" => NeedType::String { pattern: None, max: None },
            "integer" => NeedType::Integer { min: None, max: None },
            "decimal" => NeedType::Decimal { min: None, max: None },
            "boolean" => NeedType::Boolean,
            "date" => NeedType::Date,
            "datetime" => NeedType::Datetime,
            "file" => {
                let message =
                    "a file needs `accept` and `max`: {type: file, accept: [pdf], max: 10MB}";
                self.findings.error("missing-key", &node.span, message);
                return None;
            }
            "list" => {
                let message = "a list needs `of` and `max`: {type: list, of: string, max: 10}";
                self.findings.error("missing-key", &node.span, message);
                return None;
            }
            _ => {
                let words = ["string", "integer", "decimal", "boolean", "date", "datetime"];
                let words = words.map(|word| (word, ()));
                self.word(node, "the type", &words);
                NeedType::String { pattern: None, max: None }
            }
        };
        Some(kind)
    }

    fn choices(&mut self, node: &Yaml) -> Option<NeedType> {
        let items = self.list(node, "the enumeration")?;
        let words: Vec<String> =
            items.iter().filter_map(|item| Some(self.full_text(item, "the word")?.text)).collect();
        Some(NeedType::OneOf(words))
    }

    fn detail(&mut self, node: &Yaml) -> Option<Need> {
        let written = node.get("type")?;
        let all = ["type", "optional", "phi"];
        let (kind, keys): (&str, &[&str]) = match &written.value {
            Value::List(_) => ("enumeration", &[]),
            Value::Map(_) => ("group", &[]),
            Value::Scalar(text) => match text.as_str() {
                "string" => ("string", &["pattern", "max"]),
                "integer" => ("integer", &["min", "max"]),
                "decimal" => ("decimal", &["min", "max"]),
                "file" => ("file", &["accept", "max"]),
                "list" => ("list", &["of", "max"]),
                _ => ("plain", &[]),
            },
        };
        let allowed: Vec<&str> = all.iter().chain(keys).copied().collect();
        let required: &[&str] = if matches!(kind, "file" | "list") { keys } else { &[] };
        let map = self.map(node, "the input", &allowed, required)?;
        let optional = map.get("optional").and_then(|flag| self.boolean(flag, "`optional`"));
        let phi = map.get("phi").and_then(|flag| self.boolean(flag, "`phi`"));
        let max = map.get("max");
        let min = map.get("min");
        let kind = match kind {
            "enumeration" => self.choices(written)?,
            "group" => NeedType::Group(self.group(written)?),
            "string" => NeedType::String {
                pattern: map.get("pattern").and_then(|node| {
                    let source = self.text(node, "`pattern`")?.text;
                    self.compile_any(&format!("^(?:{source})$"), false, &node.span)
                }),
                max: max.and_then(|node| self.integer(node, "`max`", 1, 100_000)),
            },
            "integer" => NeedType::Integer {
                min: min.and_then(|node| self.whole(node, "`min`")),
                max: max.and_then(|node| self.whole(node, "`max`")),
            },
            "decimal" => NeedType::Decimal {
                min: min.and_then(|node| self.exact(node, "`min`")),
                max: max.and_then(|node| self.exact(node, "`max`")),
            },
            "file" => {
                let accept = map.get("accept").and_then(|node| self.list(node, "`accept`"));
                let kinds = accept.map(|items| {
                    let read = |item| self.word(item, "the kind of file", &FILE_KINDS);
                    items.iter().filter_map(read).map(str::to_owned).collect()
                });
                let max_bytes = max.and_then(|node| self.size(node, "`max`"));
                // with a finding already made, go on so that the field is not reported as unknown too
                NeedType::File {
                    accept: kinds.unwrap_or_default(),
                    max_bytes: max_bytes.unwrap_or(1),
                }
            }
            "list" => {
                let of = map.get("of").and_then(|node| self.need(node));
                let max = max.and_then(|node| self.integer(node, "`max`", 1, 1000));
                NeedType::List { of: Box::new(of?), max: max.unwrap_or(1) }
            }
            _ => self.plain_type(written.scalar().unwrap_or_default(), written)?,
        };
        let (optional, phi) = (optional.unwrap_or(false), phi.unwrap_or(true));
        Some(Need { kind, optional, phi, span: node.span.clone() })
    }

    fn whole(&mut self, node: &Yaml, what: &str) -> Option<i64> {
        let text = self.scalar(node, what)?;
        let number = text.parse().ok().filter(|_| node.style == Style::Plain);
        if number.is_none() {
            self.wrong(&node.span, format!("{what} must be a whole number, without quotes"));
        }
        number
    }

    fn exact(&mut self, node: &Yaml, what: &str) -> Option<String> {
        let text = self.scalar(node, what)?;
        if crate::script::decimal::Decimal::parse(text).is_none() {
            self.wrong(&node.span, format!("{what} must be a decimal number"));
            return None;
        }
        Some(text.to_owned())
    }

    /// `within` and its like.
    pub(super) fn within(&mut self, node: Option<&Yaml>) -> Option<Wait> {
        node.and_then(|node| self.wait(node, "`within`"))
    }
}
