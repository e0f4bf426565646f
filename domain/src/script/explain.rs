//! A script in words for staff: inputs, every step with its effect and what can follow, every
//! exception with its consequence, and which hosts see secrets.

mod words;

use std::fmt::Write as _;

use serde::Serialize;

use super::ast::{ExceptionRule, Flow, HostUse, Need, NeedType, Node, Reaction, Scope};
use super::bundle::Bundle;
use super::span::Table;
use words::{sentence, wait_for};

/// A script as people read it; also serialised as JSON.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Explanation {
    /// Script id.
    pub script: String,
    /// Revision.
    pub revision: u32,
    /// Bundle hash.
    pub sha256: String,
    /// One line for staff.
    pub title: String,
    /// What it must be given.
    pub inputs: Vec<Line>,
    /// Hosts and what they see.
    pub hosts: Vec<Line>,
    /// Interruptions.
    pub watchers: Vec<String>,
    /// The task, with the flows it runs.
    pub flows: Vec<FlowTable>,
    /// Names of exceptions and what becomes of the job.
    pub exceptions: Vec<Line>,
}

/// A name and what is said about it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Line {
    /// The name.
    pub name: String,
    /// What is said about it.
    pub says: String,
}

/// One flow as a numbered table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FlowTable {
    /// Its name; `flow` is the task itself.
    pub name: String,
    /// Its nodes.
    pub rows: Vec<Row>,
}

/// One node of a flow.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Row {
    /// From 1.
    pub number: usize,
    /// Name of the step.
    pub name: String,
    /// Under which condition, or for each of what.
    pub when: String,
    /// `read`, `draft` or `commit`; empty for nodes that do nothing at the payer.
    pub effect: String,
    /// What is done, in order.
    pub does: Vec<String>,
    /// What can happen next.
    pub next: Vec<String>,
    /// File and line.
    pub place: String,
}

/// Explains a bundle.
pub fn explain(bundle: &Bundle) -> Explanation {
    let script = &bundle.script;
    let mut inputs = Vec::new();
    inputs_of("", &script.parts.needs.fields, &mut inputs);
    let mut flows = vec![table(bundle, "flow", &script.flow)];
    let shared = bundle.fragments.iter().flat_map(|fragment| fragment.flows.iter());
    flows.extend(shared.map(|(name, flow)| table(bundle, name.as_str(), flow)));
    flows.extend(script.reconcile.iter().map(|(name, flow)| table(bundle, name.as_str(), flow)));
    let rules = bundle.fragments.iter().map(|fragment| &fragment.parts.exceptions);
    let rules = std::iter::once(&script.parts.exceptions).chain(rules);
    Explanation {
        script: script.id.text.clone(),
        revision: script.revision,
        sha256: bundle.hash().to_owned(),
        title: script.title.as_ref().map_or(String::new(), |title| title.text.clone()),
        inputs,
        hosts: script.hosts.iter().map(|(name, used)| host(name.as_str(), *used)).collect(),
        watchers: bundle.watchers().map(|seen| watcher(bundle, seen)).collect(),
        flows,
        exceptions: rules
            .flat_map(Table::iter)
            .map(|(name, rule)| Line { name: name.text.clone(), says: consequence(rule) })
            .collect(),
    }
}

impl Explanation {
    /// Plain text for a terminal.
    pub fn text(&self) -> String {
        let mut out = format!("{} (revision {})\n", self.script, self.revision);
        let _ = writeln!(out, "{}\n{}\n", self.title, self.sha256);
        lines(&mut out, "Needs", &self.inputs);
        lines(&mut out, "Hosts", &self.hosts);
        for flow in &self.flows {
            let _ = writeln!(out, "{}", flow_title(&flow.name));
            for row in &flow.rows {
                let when =
                    if row.when.is_empty() { String::new() } else { format!("  {}", row.when) };
                let line = format!("{:>3}  {:<18} {:<7}{when}", row.number, row.name, row.effect);
                let _ = writeln!(out, "{}", line.trim_end());
                for text in row.does.iter().chain(&row.next) {
                    let _ = writeln!(out, "       {text}");
                }
            }
            out.push('\n');
        }
        if !self.watchers.is_empty() {
            out.push_str("At any time\n");
            for watcher in &self.watchers {
                let _ = writeln!(out, "  {watcher}");
            }
            out.push('\n');
        }
        lines(&mut out, "Exceptions", &self.exceptions);
        out
    }

    /// The same as Markdown.
    pub fn markdown(&self) -> String {
        let cell = |text: &str| text.replace('|', "\\|").replace('\n', " ");
        let mut out = format!("# {} (revision {})\n\n{}\n", self.script, self.revision, self.title);
        for (title, list) in
            [("Needs", &self.inputs), ("Hosts", &self.hosts), ("Exceptions", &self.exceptions)]
        {
            let _ = write!(out, "\n## {title}\n\n| name | |\n|---|---|\n");
            for line in list {
                let _ = writeln!(out, "| `{}` | {} |", cell(&line.name), cell(&line.says));
            }
        }
        for flow in &self.flows {
            let _ = write!(out, "\n## {}\n\n", flow_title(&flow.name));
            out.push_str("| | step | when | effect | does | next |\n|---|---|---|---|---|---|\n");
            for row in &flow.rows {
                let (does, next) = (cell(&row.does.join("; ")), cell(&row.next.join("; ")));
                let (name, when) = (cell(&row.name), cell(&row.when));
                let _ = writeln!(
                    out,
                    "| {} | {name} | {when} | {} | {does} | {next} |",
                    row.number, row.effect
                );
            }
        }
        out
    }
}

fn flow_title(name: &str) -> String {
    if name == "flow" { "The task".to_owned() } else { format!("Flow {name}") }
}

fn lines(out: &mut String, title: &str, list: &[Line]) {
    let wide = list.iter().map(|line| line.name.chars().count()).max().unwrap_or(0);
    let _ = writeln!(out, "{title}");
    for line in list {
        let _ = writeln!(out, "  {:<wide$}  {}", line.name, line.says);
    }
    out.push('\n');
}

fn inputs_of(path: &str, fields: &Table<Need>, inputs: &mut Vec<Line>) {
    for (name, need) in fields.iter() {
        let path = if path.is_empty() { name.text.clone() } else { format!("{path}.{name}") };
        match &need.kind {
            NeedType::Group(group) => inputs_of(&path, group, inputs),
            NeedType::List { of, max } => {
                let says = format!("1–{max} of {}", input(of));
                inputs.push(Line { name: path.clone(), says });
                if let NeedType::Group(group) = &of.kind {
                    inputs_of(&path, group, inputs);
                }
            }
            _ => inputs.push(Line { name: path, says: input(need) }),
        }
    }
}

fn input(need: &Need) -> String {
    let mut says = match &need.kind {
        NeedType::OneOf(words) => words.join(" or "),
        NeedType::File { accept, max_bytes } => {
            format!("{} up to {} kB", accept.join(" or "), max_bytes / 1000)
        }
        kind => kind.word().to_owned(),
    };
    if need.optional {
        says.push_str(", may be absent");
    }
    says
}

fn host(name: &str, used: HostUse) -> Line {
    let says = match used {
        HostUse::Assets => "pictures, styles and programs only",
        HostUse::Pages => "pages and forms",
        HostUse::Login => "pages and forms; secrets are typed here and nowhere else",
    };
    Line { name: name.to_owned(), says: says.to_owned() }
}

fn watcher(b: &Bundle, watcher: &super::ast::Watcher) -> String {
    let does = match &watcher.reaction {
        Reaction::Raise(name) => return format!("{} → {name}", words::sign(b, &watcher.when)),
        Reaction::Run(flow) => format!("runs {flow}"),
        Reaction::Click(target) => format!("clicks {}", words::target(b, target)),
        Reaction::Answer(reply) => words::reply(*reply).to_owned(),
    };
    let then = match watcher.then {
        Some(super::ast::Afterwards::RestartFromSafePoint) => "starts again at the safe point",
        Some(super::ast::Afterwards::GoOn) | None => "goes on",
    };
    let most = watcher.at_most;
    format!("{} → {does}, then {then} (at most {most} times)", words::sign(b, &watcher.when))
}

fn consequence(rule: &ExceptionRule) -> String {
    let mut parts = Vec::new();
    if let Some(retry) = rule.retry {
        let times = retry.at_most;
        let factor = f64::from(retry.backoff_percent) / 100.0;
        let longer =
            if retry.backoff_percent > 100 { format!(", ×{factor}") } else { String::new() };
        parts.push(format!("tried again after {}{longer}, {times} times", retry.after));
    }
    if let Some(queue) = &rule.queue {
        parts.push(format!("goes to {}", queue.text));
    }
    if rule.hold {
        parts.push("held until a person answers".to_owned());
    }
    if rule.scope == Scope::Payer {
        parts.push("rests the whole payer".to_owned());
    }
    if let Some(say) = &rule.say {
        parts.push(format!("“{}”", say.text));
    }
    parts.join("; ")
}

fn table(b: &Bundle, name: &str, flow: &Flow) -> FlowTable {
    let rows = flow.nodes.iter().enumerate().map(|(index, node)| row(b, index + 1, node)).collect();
    FlowTable { name: name.to_owned(), rows }
}

fn row(b: &Bundle, number: usize, node: &Node) -> Row {
    let mut row = Row {
        number,
        name: String::new(),
        when: String::new(),
        effect: String::new(),
        does: Vec::new(),
        next: Vec::new(),
        place: format!("{}:{}", node.span().file, node.span().line),
    };
    match node {
        Node::Run(run) => {
            row.name = format!("run {}", run.flow);
            row.when = run.when.as_ref().map(|when| words::when(b, when)).unwrap_or_default();
            row.next.extend(run.until.iter().flat_map(|until| wait_for(b, until)));
        }
        Node::Step(step) => {
            row.name = step.name.text.clone();
            row.effect = step.effect().word().to_owned();
            let each =
                step.each.as_ref().map(|each| format!("for each {} of {}", each.var, each.list));
            let when = step.when.as_ref().map(|when| words::when(b, when));
            row.when = each.into_iter().chain(when).collect::<Vec<_>>().join(", ");
            for verb in &step.verbs {
                match verb {
                    super::ast::Verb::Until(until) => row.next.extend(wait_for(b, until)),
                    verb => row.does.push(sentence(b, verb)),
                }
            }
            if let Some(dialog) = &step.dialog {
                row.does.push(words::dialog(dialog));
            }
            if let Some(reason) = &step.not_a_submit {
                row.does.push(format!("not a submission: {}", reason.text));
            }
        }
        Node::Commit(commit) => words::commit(b, commit, &mut row),
        Node::Capture(node) => {
            row.name = "capture".to_owned();
            row.does.push(words::captures(b, &node.captures));
        }
        Node::Classify(classify) => words::classify(b, classify, &mut row),
        Node::Rows(rows) => {
            row.name = "rows".to_owned();
            row.effect = "read".to_owned();
            let cells = words::cells(&rows.cells);
            row.does.push(format!("rows of {} where {cells}", words::target(b, &rows.from)));
            row.next.push(format!("none only if {} shows", rows.empty));
        }
        Node::Known(known) => {
            row.name = "known".to_owned();
            row.effect = "read".to_owned();
            let from = words::target(b, &known.from);
            row.does.push(if known.cells.is_empty() {
                format!("any row of {from} shows that the search works")
            } else {
                let cells = words::cells(&known.cells);
                format!("{from} shows a record that is known: {cells}")
            });
        }
        Node::Decide(decide) => words::decide(decide, &mut row),
    }
    row
}
