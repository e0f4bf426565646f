//! The input that was used while recording: which typed text comes from which field, through which filter.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use serde_json::Value;
use zeroize::Zeroizing;

use super::leaf::{Item, Kind, Leaf, is_name, whole_word};
use super::privacy::Taint;

/// How a typed text comes about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Source {
    /// One value and the filter behind it, such as `date('MM/dd/yyyy')`.
    Leaf { leaf: usize, filter: String },
    /// A whole list, joined.
    Joined { list: String, between: &'static str },
}

/// An item of a list a value belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) list: String,
    pub(super) index: usize,
    pub(super) count: usize,
}

/// What an explained text gives.
pub(super) struct Explained {
    pub(super) source: Source,
    /// Other fields that hold the same.
    pub(super) rivals: Vec<String>,
}

/// How an input is used, which decides its type.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Use {
    Plain,
    Words,
    File,
}

/// The input used while recording.
#[derive(Default)]
pub(super) struct Values {
    json: Value,
    leaves: Vec<Leaf>,
    /// Joined list → path.
    lists: Vec<(String, Zeroizing<String>, &'static str)>,
    used: BTreeMap<Vec<String>, Use>,
}

impl Values {
    pub(super) fn new(json: Value) -> Self {
        let mut values = Self::default();
        values.walk(&json, &mut Vec::new(), None);
        values.json = json;
        values
    }

    fn walk(&mut self, json: &Value, names: &mut Vec<String>, item: Option<Item>) {
        match json {
            Value::Object(fields) => {
                for (name, value) in fields.iter().filter(|(name, _)| is_name(name)) {
                    names.push(name.clone());
                    self.walk(value, names, item);
                    names.pop();
                }
            }
            // a list within a list has no path of its own in the language
            Value::Array(items) if item.is_none() && !names.is_empty() => {
                let count = items.len();
                for (index, value) in items.iter().enumerate() {
                    let item = Item { at: names.len(), index, count };
                    self.walk(value, names, Some(item));
                }
                let texts: Option<Vec<&str>> = items.iter().map(Value::as_str).collect();
                if let Some(texts) = texts.filter(|texts| texts.len() > 1) {
                    for between in [", ", ",", "; ", ";", " "] {
                        let joined = Zeroizing::new(texts.join(between));
                        self.lists.push((names.join("."), joined, between));
                    }
                }
            }
            Value::String(text) if !text.trim().is_empty() => {
                let kind = if text.parse::<Date>().is_ok() && text.len() == 10 {
                    Kind::Date
                } else if text.len() > 10 && text.parse::<jiff::Timestamp>().is_ok() {
                    Kind::Datetime
                } else {
                    Kind::Text
                };
                self.leaf(names, item, kind, text.clone());
            }
            Value::Number(number) => {
                let kind = if number.is_f64() { Kind::Decimal } else { Kind::Integer };
                self.leaf(names, item, kind, number.to_string());
            }
            Value::Bool(flag) => self.leaf(names, item, Kind::Boolean, flag.to_string()),
            Value::String(_) | Value::Array(_) | Value::Null => {}
        }
    }

    fn leaf(&mut self, names: &[String], item: Option<Item>, kind: Kind, text: String) {
        if !names.is_empty() {
            let text = Zeroizing::new(text);
            self.leaves.push(Leaf { names: names.to_vec(), item, kind, text });
        }
    }

    /// Which input gives this text. The words of the field's caption decide between inputs that hold the same.
    pub(super) fn explain(&self, typed: &str, caption: &str) -> Option<Explained> {
        let mut found: Vec<(usize, usize, String)> = Vec::new();
        for (at, leaf) in self.leaves.iter().enumerate() {
            let way = leaf.ways().into_iter().find(|(text, _)| text.as_str() == typed);
            if let Some((_, filter)) = way {
                found.push((leaf.score(caption), at, filter));
            }
        }
        // one or two characters are many things
        if typed.chars().count() < 3 {
            found.retain(|(score, ..)| *score > 0);
        }
        let best = found.iter().map(|(score, ..)| *score).max();
        let Some(best) = best else {
            let joined = self.lists.iter().find(|(_, text, _)| text.as_str() == typed)?;
            let source = Source::Joined { list: joined.0.clone(), between: joined.2 };
            return Some(Explained { source, rivals: Vec::new() });
        };
        found.retain(|(score, ..)| *score == best);
        let (_, leaf, filter) = found.iter().min_by_key(|(_, at, filter)| (filter.len(), *at))?;
        let own = self.leaves[*leaf].names.join(".");
        let others = found.iter().map(|(_, at, _)| self.leaves[*at].names.join("."));
        let rivals: BTreeSet<String> = others.filter(|path| *path != own).collect();
        Some(Explained {
            source: Source::Leaf { leaf: *leaf, filter: filter.clone() },
            rivals: rivals.into_iter().collect(),
        })
    }

    /// The input a suggestion shows whole, of which the beginning was typed.
    pub(super) fn begun(&self, typed: &str, shown: &str) -> Option<Source> {
        let typed = typed.to_lowercase();
        self.leaves.iter().enumerate().find_map(|(leaf, one)| {
            let way = one.ways().into_iter().find(|(text, _)| {
                text.chars().count() >= 3
                    && text.to_lowercase().starts_with(&typed)
                    && whole_word(shown, text).is_some()
            });
            way.map(|(_, filter)| Source::Leaf { leaf, filter })
        })
    }

    /// Which input means this option: the same word but for case and underscores.
    pub(super) fn explain_option(&self, shown: &str, caption: &str) -> Option<usize> {
        let plain = |text: &str| super::yaml::snake(text);
        let wanted = plain(shown);
        let same = self.leaves.iter().enumerate().filter(|(_, leaf)| {
            leaf.kind == Kind::Text && !wanted.is_empty() && plain(&leaf.text) == wanted
        });
        same.max_by_key(|(at, leaf)| (leaf.score(caption), usize::MAX - at)).map(|(at, _)| at)
    }

    /// Which input names this file.
    pub(super) fn explain_file(&self, shown: &str) -> Option<usize> {
        let base = |text: &str| text.rsplit(['/', '\\']).next().unwrap_or_default().to_owned();
        let wanted = base(shown);
        self.leaves.iter().position(|leaf| {
            leaf.kind == Kind::Text && wanted.contains('.') && base(&leaf.text) == wanted
        })
    }

    /// The item of a list a source belongs to.
    pub(super) fn place(&self, source: &Source) -> Option<Place> {
        let Source::Leaf { leaf, .. } = source else { return None };
        let leaf = &self.leaves[*leaf];
        let item = leaf.item?;
        let list = leaf.names[..item.at].join(".");
        Some(Place { list, index: item.index, count: item.count })
    }

    /// Notes that an input is needed.
    pub(super) fn mark(&mut self, source: &Source, used: Use) {
        let names = match source {
            Source::Leaf { leaf, .. } => self.leaves[*leaf].names.clone(),
            Source::Joined { list, .. } => list.split('.').map(str::to_owned).collect(),
        };
        let known = self.used.entry(names).or_insert(used);
        *known = (*known).max(used);
    }

    /// The template of a source; in a loop over its list the loop's variable is used. `None` for an item in the middle
    /// of a list, which no path names.
    pub(super) fn template(&self, source: &Source, loop_variable: Option<&str>) -> Option<String> {
        let (leaf, filter) = match source {
            Source::Joined { list, between } => {
                return Some(format!("${{{list} | join('{between}')}}"));
            }
            Source::Leaf { leaf, filter } => (&self.leaves[*leaf], filter),
        };
        let mut text = match (leaf.item, loop_variable) {
            (Some(item), Some(variable)) => {
                let rest = leaf.names[item.at..].iter().map(|name| format!(".{name}"));
                std::iter::once(variable.to_owned()).chain(rest).collect()
            }
            (Some(item), None) if item.index == 0 => format!("{} | first", leaf.names.join(".")),
            (Some(item), None) if item.index + 1 == item.count => {
                format!("{} | last", leaf.names.join("."))
            }
            (Some(_), None) => return None,
            (None, _) => leaf.names.join("."),
        };
        if !filter.is_empty() {
            text = format!("{text} | {filter}");
        }
        Some(format!("${{{text}}}"))
    }

    /// The last name of an input's path, and its words as an enumeration: all items of a list have their own.
    pub(super) fn enumeration(&self, leaf: usize) -> (String, Vec<String>) {
        let own = &self.leaves[leaf];
        let same = self.leaves.iter().filter(|leaf| leaf.names == own.names);
        let mut words: Vec<String> = Vec::new();
        for leaf in same {
            if !words.contains(&leaf.text) {
                words.push(leaf.text.as_str().to_owned());
            }
        }
        (own.names.last().cloned().unwrap_or_default(), words)
    }

    /// The path of an input.
    pub(super) fn path(&self, leaf: usize) -> String {
        self.leaves[leaf].names.join(".")
    }

    /// The text of an input.
    pub(super) fn text(&self, leaf: usize) -> &str {
        &self.leaves[leaf].text
    }

    /// Whether a used input is an instant, which needs a time zone.
    pub(super) fn uses_instants(&self) -> bool {
        self.leaves
            .iter()
            .any(|leaf| leaf.kind == Kind::Datetime && self.used.contains_key(&leaf.names))
    }

    /// Everything here that is somebody's data, for finding it elsewhere.
    pub(super) fn taint(&self) -> Taint {
        let mut taint = Taint::words();
        for leaf in self.leaves.iter().filter(|leaf| leaf.is_personal()) {
            leaf.ways().iter().for_each(|(text, _)| taint.add(text));
        }
        taint
    }

    /// A text of a page with the inputs in it as templates; `None` when it holds none.
    pub(super) fn templated(&self, text: &str) -> Option<(String, Vec<Source>)> {
        let mut ways: Vec<(Zeroizing<String>, Source)> = Vec::new();
        for (at, leaf) in self.leaves.iter().enumerate() {
            if leaf.item.is_none() && leaf.is_personal() {
                let all = leaf.ways().into_iter().filter(|(text, _)| text.chars().count() >= 3);
                ways.extend(all.map(|(text, filter)| (text, Source::Leaf { leaf: at, filter })));
            }
        }
        ways.sort_by_key(|(text, _)| std::cmp::Reverse(text.len()));
        let mut pieces = vec![(text.to_owned(), None)];
        for (wanted, source) in ways {
            let mut next = Vec::new();
            for (piece, known) in pieces {
                let found = if known.is_none() { whole_word(&piece, &wanted) } else { None };
                let Some(at) = found else {
                    next.push((piece, known));
                    continue;
                };
                next.push((piece[..at].to_owned(), None));
                next.push((String::new(), Some(source.clone())));
                next.push((piece[at + wanted.len()..].to_owned(), None));
            }
            pieces = next;
        }
        let mut sources = Vec::new();
        let mut out = String::new();
        for (piece, source) in pieces {
            match source {
                Some(source) => {
                    out.push_str(&self.template(&source, None)?);
                    sources.push(source);
                }
                None => out.push_str(&piece.replace("${", "$${")),
            }
        }
        (!sources.is_empty()).then_some((out, sources))
    }

    /// `needs` of everything used, as lines of YAML; empty when nothing is.
    pub(super) fn needs(&self) -> Vec<String> {
        let mut lines = Vec::new();
        if let Value::Object(fields) = &self.json {
            for (name, value) in fields {
                if let Some(written) = self.need(value, &mut vec![name.clone()]) {
                    lines.push(format!("{name}: {written}"));
                }
            }
        }
        lines
    }

    fn need(&self, json: &Value, names: &mut Vec<String>) -> Option<String> {
        match json {
            Value::Object(fields) => {
                let mut inner = Vec::new();
                for (name, value) in fields {
                    names.push(name.clone());
                    let written = self.need(value, names);
                    names.pop();
                    inner.extend(written.map(|written| format!("{name}: {written}")));
                }
                (!inner.is_empty()).then(|| format!("{{{}}}", inner.join(", ")))
            }
            Value::Array(items) => {
                let of = items.iter().find_map(|item| self.need(item, names))?;
                Some(format!("{{type: list, max: {}, of: {of}}}", items.len()))
            }
            _ => {
                let used = self.used.get(names)?;
                let at = self.leaves.iter().position(|leaf| leaf.names == *names)?;
                Some(match (used, self.leaves[at].kind) {
                    (Use::File, _) => "{type: file, accept: [pdf], max: 10MB}".to_owned(),
                    (Use::Words, _) => {
                        let words = self.enumeration(at).1;
                        let words = words.iter().map(|word| super::yaml::scalar(word));
                        format!("[{}]", words.collect::<Vec<_>>().join(", "))
                    }
                    (Use::Plain, Kind::Text) => "string".to_owned(),
                    (Use::Plain, Kind::Date) => "date".to_owned(),
                    (Use::Plain, Kind::Datetime) => "datetime".to_owned(),
                    (Use::Plain, Kind::Integer) => "integer".to_owned(),
                    (Use::Plain, Kind::Decimal) => "decimal".to_owned(),
                    (Use::Plain, Kind::Boolean) => "boolean".to_owned(),
                })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values() -> Values {
        Values::new(serde_json::json!({
            "member": {"id": "MBR-0012345", "dob": "1960-04-07", "last_name": "Maple", "first_name": "Ada"},
            "urgency": "expedited",
            "diagnoses": ["M54.5", "M17.11"],
            "lines": [
                {"code": "97110", "units": 4, "from": "2026-03-02"},
                {"code": "97140", "units": 2, "from": "2026-03-09"}
            ],
            "requesting": {"npi": "1000000004"},
            "servicing": {"npi": "1000000004"}
        }))
    }

    fn told(typed: &str, caption: &str) -> Option<String> {
        let values = values();
        let explained = values.explain(typed, caption)?;
        values.template(&explained.source, None)
    }

    #[test]
    fn typed_texts_are_explained_by_filters() {
        let cases = [
            ("MBR-0012345", "member id", Some("${member.id}")),
            ("0012345", "member id", Some("${member.id | digits}")),
            ("MBR0012345", "member id", Some("${member.id | alnum}")),
            ("04/07/1960", "date of birth", Some("${member.dob | date('MM/dd/yyyy')}")),
            ("1960-04-07", "date of birth", Some("${member.dob | date('yyyy-MM-dd')}")),
            ("MAPLE", "last name", Some("${member.last_name | upper}")),
            ("M54.5, M17.11", "diagnosis", Some("${diagnoses | join(', ')}")),
            ("97110", "code", Some("${lines.code | first}")),
            ("97140", "code", Some("${lines.code | last}")),
            ("4", "units", Some("${lines.units | first}")),
            ("4", "copies", None),
            ("something else", "notes", None),
        ];
        for (typed, caption, wanted) in cases {
            assert_eq!(told(typed, caption).as_deref(), wanted, "{typed}");
        }
    }

    #[test]
    fn the_caption_decides_between_equal_inputs() {
        let values = values();
        let clear = values.explain("1000000004", "servicing provider npi").unwrap();
        assert_eq!(values.template(&clear.source, None).unwrap(), "${servicing.npi}");
        assert!(clear.rivals.is_empty());
        let unclear = values.explain("1000000004", "npi").unwrap();
        assert_eq!(unclear.rivals, ["servicing.npi"]);
    }

    #[test]
    fn texts_of_a_page_lose_their_data() {
        let values = values();
        let (text, sources) = values.templated("Maple, Ada (04/07/1960)").unwrap();
        let wanted =
            "${member.last_name}, ${member.first_name} (${member.dob | date('MM/dd/yyyy')})";
        assert_eq!((text.as_str(), sources.len()), (wanted, 3));
        assert!(values.templated("Start a request").is_none());
        assert!(values.templated("Expedited").is_none(), "words of a choice are no one's data");
    }

    #[test]
    fn needs_hold_what_is_used_with_its_type() {
        let mut values = values();
        for (typed, caption) in [("04/07/1960", "birth"), ("97110", "code"), ("4", "units")] {
            let source = values.explain(typed, caption).unwrap().source;
            values.mark(&source, Use::Plain);
        }
        let at = values.explain_option("Expedited", "urgency").unwrap();
        values.mark(&Source::Leaf { leaf: at, filter: String::new() }, Use::Words);
        assert_eq!(
            values.needs(),
            [
                "member: {dob: date}",
                "urgency: [expedited]",
                "lines: {type: list, max: 2, of: {code: string, units: integer}}",
            ]
        );
    }
}
