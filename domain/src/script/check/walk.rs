//! Walks over nodes: the flows they run, the templates they evaluate, what they capture and click.

use std::collections::BTreeSet;

use crate::script::ast::{
    BranchThen, CaptureSource, CaptureSpec, Cell, Choice, ClassifySource, Element, FillValue,
    Finder, Flow, Node, ReadAs, Step, Take, Target, Template, TextMatch, Until, UntilWhat, Verb,
    Verify, When, Words,
};
use crate::script::bundle::Bundle;
use crate::script::span::Name;

/// What a template's value must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Expect {
    /// A text.
    Text,
    /// A text or a list of texts.
    Texts,
    /// A file or a list of files.
    Files,
    /// A date or an instant.
    Date,
}

/// A flow run by a node.
pub(super) struct Call<'a> {
    pub(super) flow: &'a Name,
    pub(super) bounded: bool,
    pub(super) always: bool,
}

/// The awaited branches of a node.
pub(super) fn until(node: &Node) -> Option<&Until> {
    match node {
        Node::Run(run) => run.until.as_ref(),
        Node::Step(step) => step.verbs.iter().find_map(|verb| match verb {
            Verb::Until(until) => Some(until),
            _ => None,
        }),
        Node::Commit(_)
        | Node::Capture(_)
        | Node::Classify(_)
        | Node::Rows(_)
        | Node::Known(_)
        | Node::Decide(_) => None,
    }
}

/// The flows a node runs.
pub(super) fn calls(node: &Node) -> Vec<Call<'_>> {
    let mut calls = Vec::new();
    if let Node::Run(run) = node {
        calls.push(Call { flow: &run.flow, bounded: true, always: run.when.is_none() });
    }
    if let Node::Commit(commit) = node {
        let flow = commit.proof.read_back.as_ref();
        calls.extend(flow.map(|flow| Call { flow, bounded: true, always: false }));
    }
    if let Some(Until { what: UntilWhat::Branches(branches), .. }) = until(node) {
        for branch in branches {
            if let BranchThen::Run { flow, at_most, .. } = &branch.then {
                calls.push(Call { flow, bounded: at_most.is_some(), always: false });
            }
        }
    }
    calls
}

/// Every step reachable from a flow, through runs, each flow once.
pub(super) fn steps<'a>(bundle: &'a Bundle, flow: &'a Flow) -> Vec<&'a Step> {
    let mut found = Vec::new();
    let mut seen = BTreeSet::new();
    let mut open = vec![flow];
    while let Some(flow) = open.pop() {
        for node in &flow.nodes {
            if let Node::Step(step) = node {
                found.push(step.as_ref());
            }
            for call in calls(node) {
                if seen.insert(call.flow.text.clone()) {
                    open.extend(bundle.flow(call.flow.as_str()));
                }
            }
        }
    }
    found
}

/// All flows of a bundle with their names.
pub(super) fn flows(bundle: &Bundle) -> Vec<(String, &Flow)> {
    let shared = bundle.fragments.iter().flat_map(|fragment| fragment.flows.iter());
    let named = shared.chain(bundle.script.reconcile.iter());
    let own = std::iter::once(("flow".to_owned(), &bundle.script.flow));
    own.chain(named.map(|(name, flow)| (name.text.clone(), flow))).collect()
}

/// The element behind a target.
pub(super) fn element<'a>(bundle: &'a Bundle, target: &'a Target) -> Option<&'a Element> {
    match target {
        Target::Named(name) => bundle.element(name.as_str()),
        Target::Inline(element) => Some(element),
    }
}

/// The words by which an element is known to people.
pub(super) fn spoken(element: &Element) -> Vec<String> {
    let finders = element.strategies.iter().filter_map(|strategy| strategy.finder.as_ref());
    finders
        .filter_map(|finder| match finder {
            Finder::Role { name, .. } => name.as_ref(),
            Finder::Label(text)
            | Finder::Placeholder(text)
            | Finder::Alt(text)
            | Finder::Title(text)
            | Finder::Text(text) => Some(text),
            Finder::TestId(_)
            | Finder::Css(_)
            | Finder::Xpath(_)
            | Finder::Table(_)
            | Finder::Dialog(_)
            | Finder::Region(_) => None,
        })
        .map(|text| match text {
            TextMatch::Equals(text) | TextMatch::Exact(text) | TextMatch::Contains(text) => {
                text.source.clone()
            }
            TextMatch::Pattern(pattern) => pattern.source.clone(),
        })
        .collect()
}

/// Everything a node captures: name and how it is read (`None` for files and pictures).
pub(super) fn captures(node: &Node) -> Vec<(&Name, Option<&ReadAs>)> {
    let mut specs: Vec<&CaptureSpec> = Vec::new();
    let mut takes: Vec<&Take> = Vec::new();
    if let Some(Until { what: UntilWhat::Branches(branches), .. }) = until(node) {
        specs.extend(branches.iter().flat_map(|branch| &branch.capture));
    }
    match node {
        Node::Step(step) => {
            for verb in &step.verbs {
                match verb {
                    Verb::Capture(list) => specs.extend(list),
                    Verb::Fetch(fetch) => specs.extend(&fetch.capture),
                    Verb::PickRow(pick) => takes.extend(&pick.take),
                    _ => {}
                }
            }
        }
        Node::Commit(commit) => specs.extend(&commit.proof.capture),
        Node::Capture(node) => specs.extend(&node.captures),
        Node::Classify(classify) => {
            specs.extend(classify.entries.iter().flat_map(|entry| &entry.capture));
            specs.extend(&classify.otherwise_capture);
            if let ClassifySource::Rows { take, .. } = &classify.source {
                takes.extend(take);
            }
        }
        Node::Rows(rows) => takes.extend(&rows.take),
        Node::Run(_) | Node::Known(_) | Node::Decide(_) => {}
    }
    let taken = takes.into_iter().map(|take| (&take.name, Some(&take.read_as)));
    let read = specs.into_iter().map(|spec| {
        let is_file = matches!(
            spec.source,
            CaptureSource::Print | CaptureSource::Download(_) | CaptureSource::Shot(_)
        );
        (&spec.name, (!is_file).then_some(&spec.read_as))
    });
    read.chain(taken).collect()
}

/// The conditions under which a node runs.
pub(super) fn when(node: &Node) -> Option<&When> {
    match node {
        Node::Run(run) => run.when.as_ref(),
        Node::Step(step) => step.when.as_ref(),
        Node::Commit(_)
        | Node::Capture(_)
        | Node::Classify(_)
        | Node::Rows(_)
        | Node::Known(_)
        | Node::Decide(_) => None,
    }
}

/// Every template of a node except those inside elements, with what its value must be.
pub(super) fn templates(node: &Node) -> Vec<(Expect, &Template)> {
    let mut found = Vec::new();
    if let Some(Until { what: UntilWhat::Rows(rows), .. }) = until(node) {
        cells(&rows.cells, &mut found);
    }
    match node {
        Node::Step(step) => {
            step.verbs.iter().for_each(|verb| verb_templates(verb, &mut found));
            if let Some(dialog) = &step.dialog {
                text(&dialog.says, &mut found);
            }
        }
        Node::Commit(commit) => {
            found.extend(commit.guard.page_says.iter().map(|said| (Expect::Texts, said)));
            found.push((Expect::Text, &commit.guard.once_per));
            if let Some(dialog) = &commit.dialog {
                text(&dialog.says, &mut found);
            }
        }
        Node::Classify(classify) => {
            classify.entries.iter().for_each(|entry| text(&entry.text, &mut found));
        }
        Node::Rows(rows) => cells(&rows.cells, &mut found),
        Node::Known(known) => cells(&known.cells, &mut found),
        Node::Run(_) | Node::Capture(_) | Node::Decide(_) => {}
    }
    found
}

fn verb_templates<'a>(verb: &'a Verb, found: &mut Vec<(Expect, &'a Template)>) {
    match verb {
        Verb::Open(address) => found.push((Expect::Text, address)),
        Verb::Fill(fields) => {
            for field in fields {
                if let FillValue::Text(template) = &field.value {
                    found.push((Expect::Text, template));
                }
            }
        }
        Verb::Choose(fields) => {
            for field in fields {
                match &field.choice {
                    Choice::Label(label) => text(label, found),
                    Choice::Typeahead { text: typed, pick } => {
                        found.push((Expect::Text, typed));
                        text(pick, found);
                    }
                    Choice::Ticked(_) => {}
                }
            }
        }
        Verb::Attest(fields) => fields.iter().for_each(|field| text(&field.says, found)),
        Verb::Attach(fields) => {
            found.extend(fields.iter().map(|field| (Expect::Files, &field.file)));
        }
        Verb::PickRow(pick) => cells(&pick.cells, found),
        Verb::Verify(Verify::Elements(pairs), _) => {
            pairs.iter().for_each(|(_, wanted)| text(wanted, found));
        }
        Verb::Fetch(fetch) => {
            found.push((Expect::Text, &fetch.page));
            found.extend(fetch.parts.iter().map(|part| (Expect::Text, part)));
            found.extend(fetch.query.iter().map(|(_, value)| (Expect::Text, value)));
        }
        Verb::Verify(Verify::Readback, _)
        | Verb::Click(_)
        | Verb::Hover(_)
        | Verb::Press(..)
        | Verb::Until(_)
        | Verb::Capture(_) => {}
    }
}

fn cells<'a>(cells: &'a [(Words, Cell)], found: &mut Vec<(Expect, &'a Template)>) {
    for (_, cell) in cells {
        match cell {
            Cell::Text(wanted) => text(wanted, found),
            Cell::Since { value, .. } => found.push((Expect::Date, value)),
        }
    }
}

pub(super) fn text<'a>(wanted: &'a TextMatch, found: &mut Vec<(Expect, &'a Template)>) {
    match wanted {
        TextMatch::Equals(template)
        | TextMatch::Exact(template)
        | TextMatch::Contains(template) => {
            found.push((Expect::Text, template));
        }
        TextMatch::Pattern(_) => {}
    }
}
