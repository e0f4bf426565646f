//! The verbs of a step.

use super::decode::{Decoder, Spelling};
use super::element::REPLIES;
use super::names::Kind;
use super::outcome::REFERENCES;
use crate::script::ast::{
    Attach, Attest, Cell, Choice, Choose, DialogRule, Fetch, FetchAs, Fill, FillValue, Key, Keypad,
    Pages, Part, PickRow, ReadAs, Take, Template, Verb, Verify, Words,
};
use crate::script::node::{Node as Yaml, Style, Value};
use crate::script::span::Name;

const KEYS: [(&str, Key); 9] = [
    ("Enter", Key::Enter),
    ("Tab", Key::Tab),
    ("Escape", Key::Escape),
    ("ArrowDown", Key::ArrowDown),
    ("ArrowUp", Key::ArrowUp),
    ("PageDown", Key::PageDown),
    ("Home", Key::Home),
    ("End", Key::End),
    ("F5", Key::F5),
];

impl Decoder<'_> {
    pub(super) fn verb(&mut self, word: &str, key: &Yaml, node: &Yaml) -> Option<Verb> {
        let verb = match word {
            "open" => Verb::Open(self.address(node, "`open`")?),
            "fill" => Verb::Fill(self.each_field(node, "`fill`", Self::fill)?),
            "choose" => Verb::Choose(self.each_field(node, "`choose`", Self::choose)?),
            "attest" => Verb::Attest(self.each_field(node, "`attest`", Self::attest)?),
            "attach" => {
                Verb::Attach(self.each_field(node, "`attach`", |this, element, value| {
                    let file = this.template(value, "the file")?;
                    Some(Attach { element, file })
                })?)
            }
            "click" => Verb::Click(self.target(node)?),
            "hover" => Verb::Hover(self.target(node)?),
            "press" => Verb::Press(self.word(node, "`press`", &KEYS)?, node.span.clone()),
            "pick_row" => Verb::PickRow(Box::new(self.pick_row(node)?)),
            "verify" => Verb::Verify(self.verify(node)?, key.span.clone()),
            "fetch" => Verb::Fetch(Box::new(self.fetch(node)?)),
            "until" => Verb::Until(self.until(node)?),
            _ => Verb::Capture(self.captures(node)),
        };
        Some(verb)
    }

    fn each_field<T>(
        &mut self,
        node: &Yaml,
        what: &str,
        read: fn(&mut Self, Name, &Yaml) -> Option<T>,
    ) -> Option<Vec<T>> {
        let map = self.any_map(node, what)?;
        if map.entries.is_empty() {
            self.wrong(&node.span, format!("{what} must not be empty"));
        }
        let mut fields = Vec::new();
        for (key, value) in map.entries {
            if let Some(element) = self.reference(key, Kind::Element) {
                fields.extend(read(self, element, value));
            }
        }
        Some(fields)
    }

    fn fill(&mut self, element: Name, node: &Yaml) -> Option<Fill> {
        let value = match &node.value {
            Value::Map(_) if node.get("keys").is_some() => {
                FillValue::Keypad(Box::new(self.keypad(node)?))
            }
            Value::Map(_) => {
                let map = self.map(node, "a secret", &["secret", "otp"], &[])?;
                match (map.get("secret"), map.get("otp")) {
                    (Some(alias), None) => FillValue::Secret(self.alias(alias)?),
                    (None, Some(alias)) => FillValue::Otp(self.alias(alias)?),
                    _ => {
                        self.wrong(&node.span, "write a text, {secret: alias}, {otp: alias}, or {secret, keys} for a keypad");
                        return None;
                    }
                }
            }
            Value::Scalar(_) | Value::List(_) => FillValue::Text(self.template(node, "the value")?),
        };
        Some(Fill { element, value })
    }

    /// `{secret: alias, keys: element, places: element, clear: element}`.
    fn keypad(&mut self, node: &Yaml) -> Option<Keypad> {
        let map = self.map(node, "a keypad", &["places", "clear"], &["secret", "keys"])?;
        let secret = map.get("secret").and_then(|node| self.alias(node));
        let keys = map.get("keys").and_then(|node| self.reference(node, Kind::Element));
        let mut other = |word| map.get(word).and_then(|node| self.reference(node, Kind::Element));
        let (places, clear) = (other("places"), other("clear"));
        Some(Keypad { secret: secret?, keys: keys?, places, clear })
    }

    /// An alias of this file's `secrets`; aliases are common to all files and carry no prefix.
    fn alias(&mut self, node: &Yaml) -> Option<Name> {
        let name = self.reference(node, Kind::Alias)?;
        Some(Name { text: name.short().to_owned(), span: name.span })
    }

    fn choose(&mut self, element: Name, node: &Yaml) -> Option<Choose> {
        let choice = match &node.value {
            Value::Scalar(text)
                if node.style == Style::Plain && (text == "true" || text == "false") =>
            {
                Choice::Ticked(text == "true")
            }
            Value::Map(_) if node.get("type").is_some() || node.get("pick").is_some() => {
                let map = self.map(node, "a typeahead", &[], &["type", "pick"])?;
                let text = map.get("type").and_then(|node| self.template(node, "`type`"));
                let pick = map.get("pick").and_then(|node| self.text_match(node, "`pick`"));
                Choice::Typeahead { text: text?, pick: pick? }
            }
            Value::Scalar(_) | Value::Map(_) | Value::List(_) => {
                Choice::Label(self.text_match(node, "the option")?)
            }
        };
        Some(Choose { element, choice })
    }

    fn attest(&mut self, element: Name, node: &Yaml) -> Option<Attest> {
        let map = self.map(node, "`attest`", &[], &["says"])?;
        let says = self.text_match(map.get("says")?, "`says`")?;
        Some(Attest { element, says })
    }

    /// An https address whose host and path are fixed.
    fn address(&mut self, node: &Yaml, what: &str) -> Option<Template> {
        let template = self.template(node, what)?;
        let (front, _) = template.source.split_once('?').unwrap_or((&template.source, ""));
        let host = front.strip_prefix("https://").and_then(|rest| rest.split('/').next());
        if host.is_none_or(str::is_empty) {
            self.wrong(&node.span, format!("{what} takes an https address"));
            return None;
        }
        if front.contains("${") {
            let message = format!("{what} may hold templates only after the `?`");
            self.findings.error("template-in-selector", &node.span, message);
            return None;
        }
        Some(template)
    }

    /// An address that is only read: in its path, too, a template may stand, for one whole segment.
    fn read_address(&mut self, node: &Yaml, what: &str) -> Option<Template> {
        let template = self.template(node, what)?;
        let mut front = String::new();
        for (at, part) in template.parts.iter().enumerate() {
            match part {
                Part::Text(text) => front.push_str(text),
                Part::Expr(_) if front.contains('?') => break,
                Part::Expr(_) => {
                    let inside = front.strip_prefix("https://").is_some_and(|it| it.contains('/'));
                    let ends = match template.parts.get(at + 1) {
                        Some(Part::Text(next)) => next.starts_with(['/', '?']),
                        Some(Part::Expr(_)) => false,
                        None => true,
                    };
                    if !inside || !front.ends_with('/') || !ends {
                        let message =
                            format!("a template in the path of {what} must be one whole segment");
                        let hint = "write it between two `/`, never in the host";
                        self.findings.error_hint("path-segment", &node.span, message, hint);
                        return None;
                    }
                }
            }
        }
        let host = front.strip_prefix("https://").and_then(|rest| rest.split(['/', '?']).next());
        if host.is_none_or(str::is_empty) {
            self.wrong(&node.span, format!("{what} takes an https address"));
            return None;
        }
        Some(template)
    }

    fn pairs<T>(
        &mut self,
        node: Option<&Yaml>,
        what: &str,
        read: fn(&mut Self, &Yaml, &str) -> Option<T>,
    ) -> Vec<(Words, T)> {
        let mut pairs = Vec::new();
        if let Some(map) = node.and_then(|node| self.any_map(node, what)) {
            for (key, value) in map.entries {
                let name = self.full_text(key, "the name");
                pairs.extend(name.zip(read(self, value, "the value")));
            }
        }
        pairs
    }

    /// A step of this flow, or a flow it runs: only flows have a `.` or a `_` in their names.
    fn step_or_flow(&mut self, node: &Yaml) -> Option<Name> {
        let flow = node.scalar().is_some_and(|text| text.contains(['.', '_']));
        if flow {
            self.reference(node, Kind::Flow)
        } else {
            self.own_name(node, "the step", Spelling::Hyphens)
        }
    }

    fn pick_row(&mut self, node: &Yaml) -> Option<PickRow> {
        let required = ["from", "where", "none", "many"];
        let map = self.map(node, "`pick_row`", &["click", "take", "pages"], &required)?;
        let from = map.get("from").and_then(|node| self.target(node));
        let cells = map.get("where").map(|node| self.cells(node)).unwrap_or_default();
        let click = map.get("click").and_then(|node| self.target(node));
        let take = map.get("take").map(|node| self.take(node)).unwrap_or_default();
        let none = map.get("none").and_then(|node| self.reference(node, Kind::Exception));
        let many = map.get("many").and_then(|node| self.reference(node, Kind::Exception));
        let pages = map.get("pages").and_then(|node| self.pages(node));
        let span = node.span.clone();
        Some(PickRow { from: from?, cells, click, take, none: none?, many: many?, pages, span })
    }

    /// `where`: column → wanted cell.
    pub(super) fn cells(&mut self, node: &Yaml) -> Vec<(Words, Cell)> {
        let Some(map) = self.any_map(node, "`where`") else { return Vec::new() };
        if map.entries.is_empty() {
            self.wrong(&node.span, "`where` must not be empty");
        }
        let mut cells = Vec::new();
        for (key, value) in map.entries {
            let column = self.full_text(key, "the column");
            let cell = if value.get("since").is_some() || value.get("reads").is_some() {
                self.since(value)
            } else {
                self.text_match(value, "the cell").map(Cell::Text)
            };
            cells.extend(column.zip(cell));
        }
        cells
    }

    fn since(&mut self, node: &Yaml) -> Option<Cell> {
        let map = self.map(node, "the cell", &[], &["since", "reads"])?;
        let value = map.get("since").and_then(|node| self.template(node, "`since`"));
        let reads = map.get("reads").and_then(|node| self.date_form(node, "`reads`"));
        Some(Cell::Since { value: value?, reads: reads? })
    }

    /// `take`: capture → column, or the long form.
    pub(super) fn take(&mut self, node: &Yaml) -> Vec<Take> {
        let Some(map) = self.any_map(node, "`take`") else { return Vec::new() };
        let mut taken = Vec::new();
        for (key, value) in map.entries {
            let name = self.own_name(key, "the capture", Spelling::Underscores);
            let Some(name) = name else { continue };
            taken.extend(self.taken(name, value));
        }
        taken
    }

    fn taken(&mut self, name: Name, node: &Yaml) -> Option<Take> {
        if node.scalar().is_some() {
            let column = self.full_text(node, "the column")?;
            return Some(Take { name, column, pattern: None, read_as: ReadAs::Text, kind: None });
        }
        let map = self.map(node, "`take`", &["match", "as", "reads", "kind"], &["column"])?;
        let column = map.get("column").and_then(|node| self.full_text(node, "the column"));
        let pattern = map.get("match").and_then(|node| self.pattern(node, "`match`"));
        let read_as = self.read_as(map.get("as"), map.get("reads"));
        let kind = map.get("kind").and_then(|node| self.word(node, "`kind`", &REFERENCES));
        Some(Take { name, column: column?, pattern, read_as: read_as?, kind })
    }

    pub(super) fn pages(&mut self, node: &Yaml) -> Option<Pages> {
        let map = self.map(node, "`pages`", &[], &["next", "at_most"])?;
        let next = map.get("next").and_then(|node| self.target(node));
        let at_most = map.get("at_most").and_then(|node| self.integer(node, "`at_most`", 1, 200));
        Some(Pages { next: next?, at_most: at_most? })
    }

    fn verify(&mut self, node: &Yaml) -> Option<Verify> {
        if node.scalar().is_some() {
            return self.word(node, "`verify`", &[("readback", ())]).map(|()| Verify::Readback);
        }
        let map = self.any_map(node, "`verify`")?;
        if map.entries.is_empty() {
            self.wrong(&node.span, "`verify` must not be empty");
        }
        let mut elements = Vec::new();
        for (key, value) in map.entries {
            let target = self.target(key);
            let wanted = self.text_match(value, "the text");
            elements.extend(target.zip(wanted));
        }
        Some(Verify::Elements(elements))
    }

    pub(super) fn dialog(&mut self, node: &Yaml) -> Option<DialogRule> {
        let map = self.map(node, "`dialog`", &[], &["says", "answer"])?;
        let says = map.get("says").and_then(|node| self.text_match(node, "`says`"));
        let answer = map.get("answer").and_then(|node| self.word(node, "`answer`", &REPLIES));
        Some(DialogRule { says: says?, answer: answer? })
    }

    fn fetch(&mut self, node: &Yaml) -> Option<Fetch> {
        let keys =
            ["query", "parts", "names", "screens", "capture", "instead_of", "fallback", "shadow"];
        let map = self.map(node, "`fetch`", &keys, &["page", "as"])?;
        let page = map.get("page").and_then(|node| self.read_address(node, "`page`"));
        let query = self.pairs(map.get("query"), "`query`", Self::template);
        let names = self.pairs(map.get("names"), "`names`", Self::full_text);
        let parts = map.get("parts").and_then(|node| self.list(node, "`parts`"));
        let parts = parts.unwrap_or_default();
        let parts = parts.iter().filter_map(|item| self.read_address(item, "a part")).collect();
        let words = [("html", FetchAs::Html), ("json", FetchAs::Json)];
        let format = map.get("as").and_then(|node| self.word(node, "`as`", &words));
        let screens = map.get("screens").and_then(|node| self.list(node, "`screens`"));
        let screens = screens
            .unwrap_or_default()
            .iter()
            .filter_map(|item| self.reference(item, Kind::Screen))
            .collect();
        let capture = map.get("capture").map(|node| self.captures(node)).unwrap_or_default();
        let instead_of = map.get("instead_of").and_then(|node| self.list(node, "`instead_of`"));
        let instead_of = instead_of
            .unwrap_or_default()
            .iter()
            .filter_map(|item| self.step_or_flow(item))
            .collect();
        let fallback_raise = match map.get("fallback") {
            Some(node) if node.scalar().is_some() => {
                self.word(node, "`fallback`", &[("rendered", ())]);
                None
            }
            Some(node) => {
                let raise = self.map(node, "`fallback`", &[], &["raise"]);
                raise.and_then(|map| self.reference(map.get("raise")?, Kind::Exception))
            }
            None => None,
        };
        let shadow = map.get("shadow").and_then(|node| self.integer(node, "`shadow`", 1, 10_000));
        let (shadow, span) = (shadow.unwrap_or(20), node.span.clone());
        let (page, format) = (page?, format?);
        Some(Fetch {
            page,
            query,
            parts,
            names,
            format,
            screens,
            capture,
            instead_of,
            fallback_raise,
            shadow,
            span,
        })
    }
}
