//! What changed between two bundles in meaning: comments, quoting and order of declarations are
//! silent.

use std::fmt::Write as _;

use serde::Serialize;
use serde_json::{Value as Json, json};

use super::ast::{Flow, Fragment, Node, Parts, Screen, Target};
use super::bundle::Bundle;

/// Everything that changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Diff {
    /// Whether the commit, what it clicks, its guard, proof or search changed.
    pub touches_commit: bool,
    /// In the order of the script's sections.
    pub changes: Vec<Change>,
}

/// One change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Change {
    /// Where, e.g. `element submit` or `flow: step header: fill`.
    pub place: String,
    /// What it was; absent when it is new.
    pub before: Option<String>,
    /// What it is; absent when it is gone.
    pub after: Option<String>,
}

/// Compares two bundles.
pub fn diff(old: &Bundle, new: &Bundle) -> Diff {
    let mut changes = Vec::new();
    let (before, after) = (sections(old), sections(new));
    for (place, value) in &before {
        let other = after.iter().find(|(name, _)| name == place).map(|(_, value)| value);
        compare(place, Some(value), other, &mut changes);
    }
    for (place, value) in &after {
        if !before.iter().any(|(name, _)| name == place) {
            compare(place, None, Some(value), &mut changes);
        }
    }
    Diff { touches_commit: surface(old) != surface(new), changes }
}

impl Diff {
    /// Plain text; begins with whether the commit is touched.
    pub fn text(&self) -> String {
        let touched = if self.touches_commit { "yes" } else { "no" };
        let mut out = format!("touches commit: {touched}\n");
        for change in &self.changes {
            let _ = match (&change.before, &change.after) {
                (Some(before), Some(after)) => {
                    writeln!(out, "~ {}: {before} → {after}", change.place)
                }
                (Some(before), None) => writeln!(out, "- {}: {before}", change.place),
                (None, after) => {
                    writeln!(out, "+ {}: {}", change.place, after.as_deref().unwrap_or(""))
                }
            };
        }
        out
    }
}

fn value(thing: &impl Serialize) -> Json {
    serde_json::to_value(thing).unwrap_or(Json::Null)
}

/// Every declared thing with its place.
fn sections(bundle: &Bundle) -> Vec<(String, Json)> {
    let script = &bundle.script;
    let mut all = vec![
        ("revision".to_owned(), json!(script.revision)),
        ("title".to_owned(), value(&script.title)),
        ("hosts".to_owned(), value(&script.hosts)),
        ("use".to_owned(), value(&script.uses)),
        ("drafts".to_owned(), value(&script.drafts)),
    ];
    parts("", &script.parts, &mut all);
    flow("flow", &script.flow, &mut all);
    for (name, search) in script.reconcile.iter() {
        flow(&format!("reconcile {name}"), search, &mut all);
    }
    for fragment in &bundle.fragments {
        let Fragment { prefix, revision, flows, parts: shared, .. } = fragment;
        all.push((format!("fragment {prefix} revision"), json!(revision)));
        parts(&format!("fragment {prefix} "), shared, &mut all);
        for (name, nodes) in flows.iter() {
            flow(&format!("flow {name}"), nodes, &mut all);
        }
    }
    all
}

fn parts(front: &str, parts: &Parts, all: &mut Vec<(String, Json)>) {
    let mut add = |place: String, json: Json| all.push((place, json));
    add(format!("{front}needs"), value(&parts.needs.fields));
    add(format!("{front}secrets"), value(&parts.secrets));
    add(format!("{front}words"), value(&parts.words));
    add(format!("{front}mask"), value(&parts.mask));
    add(format!("{front}defaults"), value(&parts.defaults));
    for (name, element) in parts.elements.iter() {
        add(format!("element {name}"), value(&element.strategies));
    }
    for (name, screen) in parts.screens.iter() {
        add(format!("screen {name}"), value(screen));
    }
    add(format!("{front}watch"), value(&parts.watch));
    for (name, rule) in parts.exceptions.iter() {
        add(format!("exception {name}"), value(rule));
    }
}

fn flow(place: &str, flow: &Flow, all: &mut Vec<(String, Json)>) {
    let mut names: Vec<String> = Vec::new();
    for node in &flow.nodes {
        let (kind, name, json) = match node {
            Node::Run(run) => ("run", run.flow.text.as_str(), value(run)),
            Node::Step(step) => {
                let mut json = value(step);
                json["effect"] = json!(step.effect().word());
                ("step", step.name.text.as_str(), json)
            }
            Node::Commit(commit) => ("commit", commit.name.text.as_str(), value(commit)),
            Node::Capture(node) => ("capture", "", value(node)),
            Node::Classify(classify) => ("classify", "", value(classify)),
            Node::Rows(rows) => ("rows", "", value(rows)),
            Node::Known(known) => ("known", "", value(known)),
            Node::Decide(decide) => ("decide", "", value(decide)),
        };
        let mut name = format!("{kind} {name}").trim_end().to_owned();
        let twins = names.iter().filter(|known| known.starts_with(&name)).count();
        if twins > 0 {
            name = format!("{name} ({})", twins + 1);
        }
        all.push((format!("{place}: {name}"), json));
        names.push(name);
    }
    all.push((format!("{place}: order"), json!(names.join(", "))));
}

/// Everything a commit rests on, for comparing it as a whole.
fn surface(bundle: &Bundle) -> Json {
    let mut found = Vec::new();
    for node in &bundle.script.flow.nodes {
        let Node::Commit(commit) = node else { continue };
        found.push(value(commit));
        found.push(target(bundle, &commit.click));
        let refused = commit.refused.iter().map(|(screen, _)| screen);
        let screens = [&commit.guard.screen, &commit.proof.screen].into_iter().chain(refused);
        found
            .extend(screens.filter_map(|name| Some(screen(bundle, bundle.screen(name.as_str())?))));
        for spec in &commit.proof.capture {
            if let super::ast::CaptureSource::From(element) = &spec.source {
                found.push(target(bundle, element));
            }
        }
        found.push(value(&bundle.script.reconcile.get(commit.unsure.as_str())));
    }
    Json::Array(found)
}

fn target(bundle: &Bundle, target: &Target) -> Json {
    match target {
        Target::Named(name) => value(&bundle.element(name.as_str())),
        Target::Inline(element) => value(element),
    }
}

fn screen(bundle: &Bundle, screen: &Screen) -> Json {
    let elements = screen.see.iter().chain(&screen.gone).map(|seen| target(bundle, seen));
    json!([value(screen), elements.collect::<Vec<_>>()])
}

/// Adds the smallest differing parts of two values.
fn compare(place: &str, before: Option<&Json>, after: Option<&Json>, changes: &mut Vec<Change>) {
    if before == after {
        return;
    }
    if let (Some(Json::Object(old)), Some(Json::Object(new))) = (before, after) {
        for (key, value) in old {
            compare(&format!("{place}: {key}"), Some(value), new.get(key), changes);
        }
        for (key, value) in new.iter().filter(|(key, _)| !old.contains_key(*key)) {
            compare(&format!("{place}: {key}"), None, Some(value), changes);
        }
        return;
    }
    if let (Some(Json::Array(old)), Some(Json::Array(new))) = (before, after)
        && let (Some(old_keys), Some(new_keys)) = (keys(old), keys(new))
    {
        for (key, value) in old_keys.iter().zip(old) {
            let other = new_keys.iter().position(|known| known == key).map(|at| &new[at]);
            compare(&format!("{place}: {key}"), Some(value), other, changes);
        }
        for (key, value) in new_keys.iter().zip(new).filter(|(key, _)| !old_keys.contains(key)) {
            compare(&format!("{place}: {key}"), None, Some(value), changes);
        }
        let kept = |list: &[String], other: &[String]| -> Vec<String> {
            list.iter().filter(|key| other.contains(key)).cloned().collect()
        };
        let (old_order, new_order) = (kept(&old_keys, &new_keys), kept(&new_keys, &old_keys));
        if old_order != new_order {
            let place = format!("{place}: order");
            let (before, after) = (Some(old_order.join(", ")), Some(new_order.join(", ")));
            changes.push(Change { place, before, after });
        }
        return;
    }
    let shown = |json: Option<&Json>| json.filter(|json| !json.is_null()).map(short);
    let (before, after) = (shown(before), shown(after));
    if before != after {
        changes.push(Change { place: place.to_owned(), before, after });
    }
}

/// Names by which the items of a list are known; `None` when they have no unique ones.
fn keys(items: &[Json]) -> Option<Vec<String>> {
    let mut keys: Vec<String> = Vec::new();
    for item in items {
        let fields = item.as_object()?;
        let named = ["name", "element", "screen", "answer"]
            .into_iter()
            .find_map(|key| fields.get(key).and_then(Json::as_str).map(str::to_owned));
        let only = || fields.keys().next().filter(|_| fields.len() == 1).cloned();
        let key = named.or_else(only)?;
        if keys.contains(&key) {
            return None;
        }
        keys.push(key);
    }
    Some(keys)
}

/// A value on one line, without what is not said.
fn short(json: &Json) -> String {
    match json {
        Json::String(text) => text.clone(),
        Json::Array(items) => {
            format!("[{}]", items.iter().map(short).collect::<Vec<_>>().join(", "))
        }
        Json::Object(fields) => {
            let said = fields.iter().filter(|(_, value)| {
                !value.is_null() && value.as_array().is_none_or(|list| !list.is_empty())
            });
            let said: Vec<String> =
                said.map(|(key, value)| format!("{key}: {}", short(value))).collect();
            format!("{{{}}}", said.join(", "))
        }
        other => other.to_string(),
    }
}
