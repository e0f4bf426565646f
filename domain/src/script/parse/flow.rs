//! Flows, their nodes, and what is waited for.

use super::decode::{Decoder, Spelling};
use super::names::Kind;
use crate::script::ast::{
    Branch, BranchThen, CaptureNode, Each, Effect, Flow, Node, RowCount, Run, Step, Template,
    Until, UntilWhat, Verb, When, Words,
};
use crate::script::node::{Node as Yaml, Value};
use crate::script::span::{Name, Span};

/// Where a flow stands: decides which nodes it may hold.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// The script's `flow`.
    Script,
    /// A flow of a fragment.
    Fragment,
    /// A flow of `reconcile`.
    Reconcile,
}

const KINDS: [&str; 8] =
    ["run", "step", "commit", "capture", "classify", "rows", "known", "decide"];
const STEP_KEYS: [&str; 6] = ["effect", "not_a_submit", "when", "each", "dialog", "within"];
const VERBS: [&str; 13] = [
    "open", "fill", "choose", "attest", "attach", "click", "hover", "press", "pick_row", "verify",
    "fetch", "until", "capture",
];

impl Decoder<'_> {
    pub(super) fn flow(&mut self, node: &Yaml, place: Place) -> Option<Flow> {
        let items = self.list(node, "a flow")?;
        let nodes = items.iter().filter_map(|item| self.node(item, place)).collect();
        Some(Flow { nodes, span: node.span.clone() })
    }

    fn node(&mut self, node: &Yaml, place: Place) -> Option<Node> {
        let map = self.any_map(node, "a node")?;
        let mut kinds: Vec<&str> = KINDS.iter().copied().filter(|k| map.get(k).is_some()).collect();
        if kinds.contains(&"step") {
            kinds.retain(|kind| *kind != "capture");
        }
        let kind = match kinds.as_slice() {
            [kind] => *kind,
            [] => {
                for (key, _) in &map.entries {
                    if !STEP_KEYS.contains(&key.scalar().unwrap_or_default()) {
                        self.unknown_key(key, "a node", KINDS.into_iter());
                    }
                }
                let message = "a node is one of run, step, commit, capture, classify";
                self.findings.error("missing-key", &first_line(&node.span), message);
                return None;
            }
            _ => {
                let message = format!("a node is one thing, not {}", kinds.join(" and "));
                self.wrong(&first_line(&node.span), message);
                return None;
            }
        };
        let span = node.span.clone();
        let (key, written) = map.entry(kind)?;
        match (kind, place) {
            ("commit", Place::Fragment) => {
                self.wrong(&key.span, "a fragment cannot commit; only a script's flow can");
                return None;
            }
            ("rows" | "known" | "decide", Place::Script | Place::Fragment) => {
                self.wrong(&key.span, format!("`{kind}` belongs in `reconcile`"));
                return None;
            }
            _ => {}
        }
        match kind {
            "run" => self.run(node).map(|run| Node::Run(Box::new(run))),
            "step" => self.step(node).map(|step| Node::Step(Box::new(step))),
            "commit" => self.commit(node).map(|commit| Node::Commit(Box::new(commit))),
            _ => {
                self.map(node, "the node", &[], &[kind]);
                match kind {
                    "capture" => {
                        let captures = self.captures(written);
                        Some(Node::Capture(CaptureNode { captures, span }))
                    }
                    "classify" => self.classify(written).map(|c| Node::Classify(Box::new(c))),
                    "rows" => self.rows(written).map(|rows| Node::Rows(Box::new(rows))),
                    "known" => self.known(written).map(|known| Node::Known(Box::new(known))),
                    _ => self.decide(written).map(Node::Decide),
                }
            }
        }
    }

    fn run(&mut self, node: &Yaml) -> Option<Run> {
        let map = self.map(node, "a run", &["with", "when", "until", "within"], &["run"])?;
        let flow = map.get("run").and_then(|node| self.reference(node, Kind::Flow));
        let with = self.with(map.get("with"));
        let when = map.get("when").and_then(|node| self.when(node));
        let until = map.get("until").and_then(|node| self.until(node));
        let within = self.within(map.get("within"));
        Some(Run { flow: flow?, with, when, until, within, span: node.span.clone() })
    }

    /// `with`: the parameters of the flow named beside it.
    pub(super) fn with(&mut self, node: Option<&Yaml>) -> Vec<(Name, Template)> {
        let mut with = Vec::new();
        if let Some(given) = node.and_then(|node| self.any_map(node, "`with`")) {
            for (key, value) in given.entries {
                let name = self.own_name(key, "the parameter", Spelling::Underscores);
                let value = self.template(value, "the parameter's value");
                with.extend(name.zip(value));
            }
        }
        with
    }

    fn step(&mut self, node: &Yaml) -> Option<Step> {
        let keys: Vec<&str> = STEP_KEYS.iter().chain(&VERBS).copied().collect();
        let map = self.map(node, "a step", &keys, &["step"])?;
        let name = map.get("step").and_then(|n| self.own_name(n, "the step", Spelling::Hyphens));
        let mut verbs = Vec::new();
        for (key, value) in &map.entries {
            let word = key.scalar().unwrap_or_default();
            if VERBS.contains(&word) {
                verbs.extend(self.verb(word, key, value));
            }
        }
        self.verb_order(&verbs, &map.entries);
        let words = [("read", Effect::Read), ("draft", Effect::Draft)];
        let claimed = map.get("effect").and_then(|node| self.word(node, "`effect`", &words));
        let not_a_submit = map.get("not_a_submit");
        let not_a_submit = not_a_submit.and_then(|node| self.full_text(node, "the reason"));
        let when = map.get("when").and_then(|node| self.when(node));
        let each = map.get("each").and_then(|node| self.each(node));
        let dialog = map.get("dialog").and_then(|node| self.dialog(node));
        let within = self.within(map.get("within"));
        let span = node.span.clone();
        Some(Step { name: name?, verbs, claimed, not_a_submit, when, each, dialog, within, span })
    }

    /// `until` is the last verb, except that `capture` may follow; `press` follows a fill.
    fn verb_order(&mut self, verbs: &[Verb], entries: &[(&Yaml, &Yaml)]) {
        let until = verbs.iter().position(|verb| matches!(verb, Verb::Until(_)));
        let late = until
            .and_then(|at| verbs[at + 1..].iter().find(|verb| !matches!(verb, Verb::Capture(_))));
        if let Some(verb) = late {
            let word = verb.word();
            let key = entries.iter().find(|(key, _)| key.scalar() == Some(word));
            if let Some((key, _)) = key {
                let message = format!("`{word}` comes after `until`; only `capture` may");
                self.findings.error("until-not-last", &key.span, message);
            }
        }
        let filled = |verb: &Verb| matches!(verb, Verb::Fill(_) | Verb::Choose(_));
        for (at, verb) in verbs.iter().enumerate() {
            if let Verb::Press(key, span) = verb
                && key.needs_a_field()
                && !verbs[..at].iter().any(filled)
            {
                let message = "a key goes to the field last filled in this step; none was filled";
                self.findings.error("press-without-fill", span, message);
            }
        }
    }

    fn each(&mut self, node: &Yaml) -> Option<Each> {
        let map = self.any_map(node, "`each`")?;
        let [(key, value)] = map.entries.as_slice() else {
            self.wrong(&node.span, "`each` has exactly one variable: {line: request.lines}");
            return None;
        };
        let var = self.own_name(key, "the variable", Spelling::Underscores);
        let list = self.path(value, "the list");
        Some(Each { var: var?, list: list? })
    }

    fn when(&mut self, node: &Yaml) -> Option<When> {
        let map = self.map(node, "`when`", &["given", "is", "see", "screen"], &[])?;
        if map.entries.is_empty() {
            self.wrong(&node.span, "`when` needs at least one condition");
            return None;
        }
        let given = map.get("given").and_then(|node| self.path(node, "`given`"));
        let mut is = Vec::new();
        if let Some(pairs) = map.get("is").and_then(|node| self.any_map(node, "`is`")) {
            for (key, value) in pairs.entries {
                let path = self.path(key, "the input");
                let text = self.scalar(value, "the value").map(str::to_owned);
                let words = text.map(|text| Words { text, span: value.span.clone() });
                is.extend(path.zip(words));
            }
        }
        let see = map.get("see").and_then(|node| self.target(node)).into_iter().collect();
        let screen = map.get("screen").and_then(|node| self.reference(node, Kind::Screen));
        let span = node.span.clone();
        Some(When { given: given.into_iter().collect(), is, see, screen, span })
    }

    pub(super) fn until(&mut self, node: &Yaml) -> Option<Until> {
        let span = node.span.clone();
        let what = match &node.value {
            Value::Scalar(_) => {
                let screen = self.reference(node, Kind::Screen)?;
                let then = BranchThen::GoOn;
                UntilWhat::Branches(vec![Branch { screen, then, capture: Vec::new() }])
            }
            Value::List(_) | Value::Map(_) => {
                let map = self.any_map(node, "`until`")?;
                if map.entries.is_empty() {
                    self.wrong(&node.span, "`until` names at least one screen");
                    return None;
                }
                if let Some(rows) = map.get("rows") {
                    self.map(node, "`until` with rows", &[], &["rows"]);
                    UntilWhat::Rows(self.row_count(rows)?)
                } else {
                    let branch = |(key, value): (&Yaml, &Yaml)| self.branch(key, value);
                    UntilWhat::Branches(map.entries.into_iter().filter_map(branch).collect())
                }
            }
        };
        Some(Until { what, span })
    }

    fn branch(&mut self, key: &Yaml, value: &Yaml) -> Option<Branch> {
        let screen = self.reference(key, Kind::Screen);
        if value.scalar().is_some() {
            self.word(value, "the branch", &[("go_on", ())])?;
            let then = BranchThen::GoOn;
            return Some(Branch { screen: screen?, then, capture: Vec::new() });
        }
        let keys = ["raise", "run", "with", "at_most", "capture", "then"];
        let map = self.map(value, "a branch", &keys, &[])?;
        let at_most = map.get("at_most").and_then(|node| self.integer(node, "`at_most`", 1, 50));
        let capture = map.get("capture").map(|node| self.captures(node)).unwrap_or_default();
        let with = self.with(map.get("with"));
        let then = match (map.get("raise"), map.get("run"), map.get("then")) {
            (Some(name), None, None) => {
                self.reference(name, Kind::Exception).map(BranchThen::Raise)
            }
            (None, Some(flow), None) => {
                self.reference(flow, Kind::Flow).map(|flow| BranchThen::Run { flow, with, at_most })
            }
            (None, None, Some(word)) => {
                self.word(word, "`then`", &[("go_on", ())]).map(|()| BranchThen::GoOn)
            }
            _ => {
                self.wrong(&value.span, "a branch is go_on, {raise: name} or {run: flow}");
                None
            }
        };
        for word in ["at_most", "with"] {
            if let Some((key, _)) = map.entry(word)
                && map.get("run").is_none()
            {
                self.wrong(&key.span, format!("`{word}` goes with `run`"));
            }
        }
        Some(Branch { screen: screen?, then: then?, capture })
    }

    fn row_count(&mut self, node: &Yaml) -> Option<RowCount> {
        let map = self.map(node, "`rows`", &[], &["from", "where", "count"])?;
        let from = map.get("from").and_then(|node| self.target(node));
        let cells = map.get("where").map(|node| self.cells(node)).unwrap_or_default();
        let count = map.get("count").and_then(|node| self.integer(node, "`count`", 0, 10_000));
        Some(RowCount { from: from?, cells, count: count? })
    }
}

/// The first line of a place that spans many.
pub(super) fn first_line(span: &Span) -> Span {
    let mut first = span.clone();
    if first.end_line > first.line {
        (first.end_line, first.end_column) = (first.line, first.column + 1);
    }
    first
}
