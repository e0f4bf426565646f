//! The decoder's basic positions: maps, lists, texts, numbers, words, durations and names.

use std::collections::BTreeSet;

use super::names::{Kind, Names, qualified};
use crate::script::ast::{Wait, Words, built_in};
use crate::script::finding::{Findings, closest};
use crate::script::node::{Node as Yaml, Style, Value, reads_as_other};
use crate::script::span::{Name, Span};

/// Decodes one file; `prefix` is empty for a script.
pub(super) struct Decoder<'a> {
    pub(super) findings: &'a mut Findings,
    pub(super) names: &'a Names,
    pub(super) prefix: &'a str,
    /// A fragment read by itself: names it does not declare may belong to its user.
    pub(super) alone: bool,
    pub(super) used: BTreeSet<(Kind, String)>,
}

/// A map whose keys were checked.
pub(super) struct Map<'n> {
    pub(super) entries: Vec<(&'n Yaml, &'n Yaml)>,
}

impl<'n> Map<'n> {
    pub(super) fn get(&self, key: &str) -> Option<&'n Yaml> {
        self.entry(key).map(|(_, value)| value)
    }

    pub(super) fn entry(&self, key: &str) -> Option<(&'n Yaml, &'n Yaml)> {
        self.entries.iter().find(|(name, _)| name.scalar() == Some(key)).copied()
    }
}

/// How a declared name is spelt.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Spelling {
    /// `[a-z][a-z0-9_]*`
    Underscores,
    /// `[a-z][a-z0-9-]*`
    Hyphens,
}

impl<'a> Decoder<'a> {
    pub(super) fn new(findings: &'a mut Findings, names: &'a Names, prefix: &'a str) -> Self {
        Self { findings, names, prefix, alone: false, used: BTreeSet::new() }
    }

    pub(super) fn wrong(&mut self, span: &Span, message: impl Into<String>) {
        self.findings.error("wrong-type", span, message);
    }

    /// A map with any keys.
    pub(super) fn any_map<'n>(&mut self, node: &'n Yaml, what: &str) -> Option<Map<'n>> {
        match &node.value {
            Value::Map(entries) => {
                Some(Map { entries: entries.iter().map(|(key, value)| (key, value)).collect() })
            }
            Value::Scalar(_) | Value::List(_) => {
                self.wrong(&node.span, format!("{what} must be a map: {{key: value}}"));
                None
            }
        }
    }

    /// A map with known keys; unknown and missing ones are reported.
    pub(super) fn map<'n>(
        &mut self,
        node: &'n Yaml,
        what: &str,
        allowed: &[&str],
        required: &[&str],
    ) -> Option<Map<'n>> {
        let mut map = self.any_map(node, what)?;
        map.entries.retain(|(key, _)| {
            let text = key.scalar().unwrap_or_default();
            let known = allowed.contains(&text) || required.contains(&text);
            if !known {
                self.unknown_key(key, what, allowed.iter().chain(required).copied());
            }
            known
        });
        for key in required {
            if map.get(key).is_none() {
                let mut at = node.span.clone();
                if at.end_line > at.line {
                    (at.end_line, at.end_column) = (at.line, at.column + 1);
                }
                self.findings.error("missing-key", &at, format!("{what} needs `{key}`"));
            }
        }
        Some(map)
    }

    pub(super) fn unknown_key<'c>(
        &mut self,
        key: &Yaml,
        what: &str,
        known: impl Iterator<Item = &'c str>,
    ) {
        let text = key.scalar().unwrap_or_default();
        let hint = match text {
            "sleep" | "wait" => {
                "the engine waits by itself; name the screen to wait for in `until`".into()
            }
            "js" | "script" | "eval" => "scripts run no code of their own".into(),
            "retry" => "retries belong to an exception".into(),
            _ => match closest(text, known) {
                Some(word) => format!("did you mean `{word}`?"),
                None => String::new(),
            },
        };
        let message = format!("{what} has no key `{text}`");
        if hint.is_empty() {
            self.findings.error("unknown-key", &key.span, message);
        } else {
            self.findings.error_hint("unknown-key", &key.span, message, hint);
        }
    }

    pub(super) fn list<'n>(&mut self, node: &'n Yaml, what: &str) -> Option<&'n [Yaml]> {
        match &node.value {
            Value::List(items) if items.is_empty() => {
                self.wrong(&node.span, format!("{what} must not be empty"));
                None
            }
            Value::List(items) => Some(items),
            Value::Scalar(_) | Value::Map(_) => {
                self.wrong(&node.span, format!("{what} must be a list"));
                None
            }
        }
    }

    /// A scalar in any style; not a list or map, not empty unless quoted.
    pub(super) fn scalar<'n>(&mut self, node: &'n Yaml, what: &str) -> Option<&'n str> {
        match node.scalar() {
            Some("") if node.style == Style::Plain => {
                self.wrong(&node.span, format!("{what} has no value"));
                None
            }
            Some(text) => Some(text),
            None => {
                self.wrong(&node.span, format!("{what} must be a text"));
                None
            }
        }
    }

    /// A text; unquoted ones that other readers take for something else are reported.
    pub(super) fn text(&mut self, node: &Yaml, what: &str) -> Option<Words> {
        let text = self.scalar(node, what)?;
        if node.style == Style::Plain
            && let Some(other) = reads_as_other(text)
        {
            let message = format!("`{text}` is read as {other} by some readers of YAML");
            self.findings.error_hint("quote-it", &node.span, message, format!("write \"{text}\""));
        }
        Some(Words { text: text.to_owned(), span: node.span.clone() })
    }

    /// A text that is not empty.
    pub(super) fn full_text(&mut self, node: &Yaml, what: &str) -> Option<Words> {
        let words = self.text(node, what)?;
        if words.text.trim().is_empty() {
            self.wrong(&node.span, format!("{what} must not be empty"));
            return None;
        }
        Some(words)
    }

    /// A text without templates.
    pub(super) fn literal(&mut self, node: &Yaml, what: &str) -> Option<Words> {
        let words = self.full_text(node, what)?;
        if words.text.contains("${") {
            let message = format!("{what} cannot hold a template");
            self.findings.error("template-in-selector", &node.span, message);
        }
        Some(words)
    }

    pub(super) fn integer(&mut self, node: &Yaml, what: &str, from: u32, to: u32) -> Option<u32> {
        let text = self.scalar(node, what)?;
        let digits = !text.is_empty() && text.chars().all(|c| c.is_ascii_digit());
        let padded = text.len() > 1 && text.starts_with('0');
        let number = text.parse::<u32>().ok();
        match number {
            Some(number)
                if digits
                    && !padded
                    && node.style == Style::Plain
                    && (from..=to).contains(&number) =>
            {
                Some(number)
            }
            _ => {
                let range = if to == u32::MAX {
                    format!("from {from} up")
                } else {
                    format!("{from} to {to}")
                };
                self.wrong(
                    &node.span,
                    format!("{what} must be a whole number {range}, without quotes"),
                );
                None
            }
        }
    }

    pub(super) fn boolean(&mut self, node: &Yaml, what: &str) -> Option<bool> {
        match (self.scalar(node, what)?, node.style) {
            ("true", Style::Plain) => Some(true),
            ("false", Style::Plain) => Some(false),
            _ => {
                self.wrong(&node.span, format!("{what} must be true or false, without quotes"));
                None
            }
        }
    }

    /// One word of a closed list.
    pub(super) fn word<T: Copy>(
        &mut self,
        node: &Yaml,
        what: &str,
        words: &[(&str, T)],
    ) -> Option<T> {
        let text = self.scalar(node, what)?;
        if let Some((_, value)) = words.iter().find(|(word, _)| *word == text) {
            return Some(*value);
        }
        let all: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
        let message = format!("{what} cannot be `{text}`; it is one of {}", all.join(", "));
        match closest(text, all.iter().copied()) {
            Some(word) => {
                let hint = format!("did you mean `{word}`?");
                self.findings.error_hint("wrong-type", &node.span, message, hint);
            }
            None => self.wrong(&node.span, message),
        }
        None
    }

    /// A length of time: `500ms`, `20s`, `5m`, `2h`, `1d`.
    pub(super) fn wait(&mut self, node: &Yaml, what: &str) -> Option<Wait> {
        let text = self.scalar(node, what)?;
        let at = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
        let (number, unit) = text.split_at(at);
        let size = match unit {
            "ms" => Some(1),
            "s" => Some(1_000),
            "m" => Some(60_000),
            "h" => Some(3_600_000),
            "d" => Some(86_400_000),
            _ => None,
        };
        let number = number.parse::<u64>().ok().filter(|number| (1..=100_000).contains(number));
        let Some((number, size)) = number.zip(size) else {
            let message =
                format!("{what} must be a length of time such as 500ms, 20s, 5m, 2h or 1d");
            self.wrong(&node.span, message);
            return None;
        };
        Some(Wait { ms: number * size })
    }

    /// A size: `500kB`, `10MB`.
    pub(super) fn size(&mut self, node: &Yaml, what: &str) -> Option<u64> {
        let text = self.scalar(node, what)?;
        let parts = text
            .strip_suffix("MB")
            .map(|number| (number, 1_000_000))
            .or_else(|| text.strip_suffix("kB").map(|number| (number, 1_000)));
        let bytes = parts.and_then(|(number, unit)| {
            number.parse::<u64>().ok().filter(|n| (1..=10_000).contains(n)).map(|n| n * unit)
        });
        if bytes.is_none() {
            self.wrong(&node.span, format!("{what} must be a size such as 500kB or 10MB"));
        }
        bytes
    }

    /// A name as declared; reported when it is not spelt as names are.
    pub(super) fn own_name(&mut self, node: &Yaml, what: &str, spelling: Spelling) -> Option<Name> {
        let text = self.text(node, what)?.text;
        let (rest, form) = match spelling {
            Spelling::Underscores => ('_', "small letters, digits and underscores"),
            Spelling::Hyphens => ('-', "small letters, digits and hyphens"),
        };
        let fine = text.starts_with(|c: char| c.is_ascii_lowercase())
            && text.len() <= 64
            && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == rest);
        if !fine {
            self.wrong(&node.span, format!("{what} `{text}` must be {form}, a letter first"));
            return None;
        }
        Some(Name { text, span: node.span.clone() })
    }

    /// A declared name, carrying this file's prefix.
    pub(super) fn declared(&mut self, node: &Yaml, what: &str) -> Option<Name> {
        let name = self.own_name(node, what, Spelling::Underscores)?;
        Some(Name { text: qualified(self.prefix, &name.text), span: name.span })
    }

    /// A name that must be declared; gives it even when it is not, so that more can be found.
    pub(super) fn reference(&mut self, node: &Yaml, kind: Kind) -> Option<Name> {
        let text = self.scalar(node, &format!("the name of the {}", kind.word()))?;
        Some(self.resolve(kind, text, &node.span))
    }

    pub(super) fn resolve(&mut self, kind: Kind, text: &str, span: &Span) -> Name {
        let named = |text: String| Name { text, span: span.clone() };
        let local = qualified(self.prefix, text);
        if self.names.place(kind, &local).is_some() {
            self.used.insert((kind, local.clone()));
            return named(local);
        }
        let free = kind == Kind::Exception
            && (built_in(text).is_some() || self.names.place(kind, text).is_some() || self.alone);
        if free {
            self.used.insert((kind, text.to_owned()));
            return named(text.to_owned());
        }
        // in a file this broken nobody reads the two hundredth suggestion
        let limit = if self.findings.list.len() < 200 { usize::MAX } else { 0 };
        let own = if self.prefix.is_empty() { String::new() } else { format!("{}.", self.prefix) };
        let known = self.names.of(kind).filter_map(|(name, _)| name.strip_prefix(own.as_str()));
        let known = known.take(limit);
        let message = match kind {
            Kind::Alias => format!("`secrets` lists no `{text}`"),
            _ => format!("no {} is called `{text}`", kind.word()),
        };
        match closest(text, known) {
            Some(word) => {
                let line =
                    self.names.place(kind, &qualified(self.prefix, word)).map_or(0, |at| at.line);
                let hint = format!("did you mean `{word}`? (declared at line {line})");
                self.findings.error_hint("undefined-name", span, message, hint);
            }
            None => self.findings.error("undefined-name", span, message),
        }
        named(local)
    }
}
