//! Elements, screens and watchers.

use super::decode::{Decoder, Map};
use super::names::Kind;
use crate::script::ast::{
    Afterwards, Element, Finder, Heal, Reaction, Relation, Reply, Screen, Side, Sign, Strategy,
    Target, Watcher,
};
use crate::script::node::{Node as Yaml, Value};

const FINDERS: [&str; 12] = [
    "role",
    "label",
    "placeholder",
    "alt",
    "title",
    "text",
    "test_id",
    "css",
    "xpath",
    "table",
    "dialog",
    "region",
];
const SIDES: [(&str, Side); 4] = [
    ("right_of", Side::RightOf),
    ("left_of", Side::LeftOf),
    ("above", Side::Above),
    ("below", Side::Below),
];
pub(super) const HEALS: [(&str, Heal); 3] =
    [("never", Heal::Never), ("suggest", Heal::Suggest), ("auto", Heal::Auto)];
pub(super) const REPLIES: [(&str, Reply); 2] =
    [("accept", Reply::Accept), ("dismiss", Reply::Dismiss)];
const STRATEGY_KEYS: [&str; 21] = [
    "role",
    "name",
    "label",
    "placeholder",
    "alt",
    "title",
    "text",
    "test_id",
    "css",
    "xpath",
    "table",
    "dialog",
    "region",
    "right_of",
    "left_of",
    "above",
    "below",
    "inside",
    "frame",
    "nth",
    "heal",
];

impl Decoder<'_> {
    pub(super) fn element(&mut self, node: &Yaml) -> Option<Element> {
        let span = node.span.clone();
        let strategies = match &node.value {
            Value::List(items) => {
                self.list(node, "the list of strategies")?;
                if items.len() > 6 {
                    self.wrong(&node.span, "an element has at most six strategies");
                }
                items.iter().filter_map(|item| self.strategy(item)).collect()
            }
            Value::Map(_) | Value::Scalar(_) => vec![self.strategy(node)?],
        };
        (!strategies.is_empty()).then_some(Element { strategies, span })
    }

    fn strategy(&mut self, node: &Yaml) -> Option<Strategy> {
        let map = self.map(node, "a strategy", &STRATEGY_KEYS, &[])?;
        let finders: Vec<&str> =
            FINDERS.iter().copied().filter(|key| map.get(key).is_some()).collect();
        let sides: Vec<_> = SIDES.iter().filter(|(key, _)| map.get(key).is_some()).collect();
        if finders.len() > 1 {
            let message = format!("a strategy has one finder, not {}", finders.join(" and "));
            self.wrong(&node.span, message);
        }
        if sides.len() > 1 {
            self.wrong(&node.span, "a strategy has one direction");
        }
        if finders.is_empty() && sides.is_empty() {
            let message = "a strategy needs a finder such as label, role, text or css";
            self.findings.error("missing-key", &node.span, message);
            return None;
        }
        if let Some((key, _)) = map.entry("name")
            && map.get("role").is_none()
        {
            self.wrong(&key.span, "`name` is the name of a `role`; for a field use `label`");
        }
        let finder = match finders.first() {
            Some(word) => Some(self.finder(word, &map)?),
            None => None,
        };
        let relation = match sides.first() {
            Some((key, side)) => {
                let anchor = Box::new(self.target(map.get(key)?)?);
                Some(Relation { side: *side, anchor })
            }
            None => None,
        };
        let inside = map.get("inside").and_then(|node| self.target(node)).map(Box::new);
        let frame = map.get("frame").and_then(|node| self.literal(node, "`frame`"));
        let nth = map.get("nth").and_then(|node| self.integer(node, "`nth`", 1, 20));
        let heal = map.get("heal").and_then(|node| self.word(node, "`heal`", &HEALS));
        let nth = nth.and_then(|nth| u8::try_from(nth).ok());
        let span = node.span.clone();
        Some(Strategy { finder, relation, inside, frame, nth, heal, span })
    }

    fn finder(&mut self, word: &str, map: &Map<'_>) -> Option<Finder> {
        let node = map.get(word)?;
        let finder = match word {
            "role" => {
                let role = self.literal(node, "`role`")?;
                let name = map.get("name").and_then(|node| self.text_match(node, "`name`"));
                Finder::Role { role, name }
            }
            "test_id" => Finder::TestId(self.literal(node, "`test_id`")?),
            "css" => Finder::Css(self.literal(node, "`css`")?),
            "xpath" => {
                let path = self.literal(node, "`xpath`")?;
                if path.text.starts_with('/') && !path.text.starts_with("//") {
                    let message = "an absolute path breaks with the first change of the page";
                    self.findings.error("absolute-xpath", &node.span, message);
                }
                Finder::Xpath(path)
            }
            _ => {
                let wanted = self.text_match(node, &format!("`{word}`"))?;
                match word {
                    "label" => Finder::Label(wanted),
                    "placeholder" => Finder::Placeholder(wanted),
                    "alt" => Finder::Alt(wanted),
                    "title" => Finder::Title(wanted),
                    "text" => Finder::Text(wanted),
                    "table" => Finder::Table(wanted),
                    "dialog" => Finder::Dialog(wanted),
                    _ => Finder::Region(wanted),
                }
            }
        };
        Some(finder)
    }

    /// A declared element by name, or one written in place.
    pub(super) fn target(&mut self, node: &Yaml) -> Option<Target> {
        match &node.value {
            Value::Scalar(_) => self.reference(node, Kind::Element).map(Target::Named),
            Value::Map(_) | Value::List(_) => {
                self.element(node).map(|element| Target::Inline(Box::new(element)))
            }
        }
    }

    pub(super) fn targets(&mut self, node: &Yaml, what: &str) -> Vec<Target> {
        let items = self.list(node, what).unwrap_or_default();
        items.iter().filter_map(|item| self.target(item)).collect()
    }

    pub(super) fn screen(&mut self, node: &Yaml) -> Option<Screen> {
        let map = self.map(node, "a screen", &["see", "gone", "url", "title", "text"], &[])?;
        if map.entries.is_empty() {
            self.wrong(&node.span, "a screen needs at least one condition");
            return None;
        }
        Some(Screen {
            see: map.get("see").map(|node| self.targets(node, "`see`")).unwrap_or_default(),
            gone: map.get("gone").map(|node| self.targets(node, "`gone`")).unwrap_or_default(),
            url: map.get("url").and_then(|node| self.glob(node, "`url`")),
            title: map.get("title").and_then(|node| self.text_match(node, "`title`")),
            text: map.get("text").and_then(|node| self.text_match(node, "`text`")),
            span: node.span.clone(),
        })
    }

    pub(super) fn watcher(&mut self, node: &Yaml) -> Option<Watcher> {
        let keys = ["raise", "run", "click", "answer", "with", "then", "at_most"];
        let map = self.map(node, "a watcher", &keys, &["when"])?;
        let when = map.get("when").and_then(|node| self.sign(node));
        let reactions: Vec<&str> =
            keys[..4].iter().copied().filter(|key| map.get(key).is_some()).collect();
        let word = match reactions.as_slice() {
            [word] => *word,
            [] => {
                let message = "a watcher needs one of raise, run, click, answer";
                self.findings.error("missing-key", &node.span, message);
                return None;
            }
            _ => {
                self.wrong(&node.span, "a watcher does one thing");
                return None;
            }
        };
        let written = map.get(word)?;
        let reaction = match word {
            "raise" => self.reference(written, Kind::Exception).map(Reaction::Raise),
            "run" => self.reference(written, Kind::Flow).map(Reaction::Run),
            "click" => self.target(written).map(Reaction::Click),
            _ => self.word(written, "`answer`", &REPLIES).map(Reaction::Answer),
        };
        let words = [
            ("go_on", Afterwards::GoOn),
            ("restart_from_safe_point", Afterwards::RestartFromSafePoint),
        ];
        let then = map.get("then").and_then(|node| self.word(node, "`then`", &words));
        if word != "raise" && map.get("then").is_none() {
            self.findings.error("missing-key", &node.span, format!("after `{word}` comes `then`"));
        }
        if let Some((key, _)) = map.entry("then")
            && word == "raise"
        {
            self.wrong(&key.span, "after `raise` nothing follows");
        }
        let at_most = map.get("at_most").map(|node| self.integer(node, "`at_most`", 1, 50));
        let when = when?;
        if word == "answer" && when.js_dialog.is_none() {
            self.wrong(&written.span, "`answer` goes with `when: {js_dialog: …}`");
        }
        let with = self.with(map.get("with"));
        if let Some((key, _)) = map.entry("with")
            && word != "run"
        {
            self.wrong(&key.span, "`with` goes with `run`");
        }
        let at_most = at_most.flatten().unwrap_or(3);
        Some(Watcher { when, reaction: reaction?, with, then, at_most, span: node.span.clone() })
    }

    fn sign(&mut self, node: &Yaml) -> Option<Sign> {
        let keys = ["text", "see", "screen", "dialog", "js_dialog", "url", "http"];
        let map = self.map(node, "`when`", &keys, &[])?;
        if map.entries.is_empty() {
            self.wrong(&node.span, "`when` needs at least one condition");
            return None;
        }
        let see = match map.get("see") {
            Some(list) if matches!(list.value, Value::List(_)) && list_of_targets(list) => {
                self.targets(list, "`see`")
            }
            Some(one) => self.target(one).into_iter().collect(),
            None => Vec::new(),
        };
        Some(Sign {
            text: map.get("text").and_then(|node| self.text_match(node, "`text`")),
            see,
            screen: map.get("screen").and_then(|node| self.reference(node, Kind::Screen)),
            dialog: map.get("dialog").and_then(|node| self.text_match(node, "`dialog`")),
            js_dialog: map.get("js_dialog").and_then(|node| self.text_match(node, "`js_dialog`")),
            url: map.get("url").and_then(|node| self.glob(node, "`url`")),
            http: map.get("http").and_then(|node| self.status(node)),
            span: node.span.clone(),
        })
    }

    /// `503`, or `5xx` for all of them.
    fn status(&mut self, node: &Yaml) -> Option<(u16, u16)> {
        let text = self.scalar(node, "`http`")?;
        let range = match text.strip_suffix("xx") {
            Some(class) => class.parse::<u16>().ok().map(|class| (class * 100, class * 100 + 99)),
            None => text.parse::<u16>().ok().map(|status| (status, status)),
        };
        let range = range.filter(|(from, to)| *from >= 100 && *to <= 599);
        if range.is_none() {
            self.wrong(&node.span, "`http` must be a status such as 503 or 5xx");
        }
        range
    }
}

/// Whether a list holds names or elements rather than the strategies of one element: with names in
/// it, it must be the former.
fn list_of_targets(node: &Yaml) -> bool {
    match &node.value {
        Value::List(items) => items.is_empty() || items.iter().any(|item| item.scalar().is_some()),
        Value::Scalar(_) | Value::Map(_) => false,
    }
}
