//! Paths: do they end in an answer, can they be reached, is nothing undone left behind.

use std::collections::BTreeSet;

use super::walk;
use crate::script::ast::{BranchThen, Effect, Flow, Node, Until, UntilWhat, Verb};
use crate::script::bundle::Bundle;
use crate::script::finding::Findings;
use crate::script::span::Span;

pub(super) fn check(bundle: &Bundle, findings: &mut Findings) {
    for (name, flow) in walk::flows(bundle) {
        recursion(bundle, &name, flow, findings);
        unreachable(flow, findings);
    }
    if !ends(bundle, &bundle.script.flow, &mut BTreeSet::new()) {
        let last = bundle.script.flow.nodes.last().map_or(&bundle.script.span, Node::span);
        let message = "this path ends without an answer; end it with `classify` or a raise";
        findings.error("no-outcome-path", &line(last), message);
    }
    drafts(bundle, findings);
    claims(bundle, findings);
    zones(bundle, findings);
}

/// The first line of a node.
pub(super) fn line(span: &Span) -> Span {
    let mut first = span.clone();
    if first.end_line > first.line {
        (first.end_line, first.end_column) = (first.line, first.column + 1);
    }
    first
}

fn recursion(bundle: &Bundle, name: &str, flow: &Flow, findings: &mut Findings) {
    for node in &flow.nodes {
        for call in walk::calls(node) {
            let mut seen = BTreeSet::new();
            let mut open = vec![call.flow.text.clone()];
            while let Some(next) = open.pop() {
                if next == name {
                    let message = format!("`{}` comes back to `{name}`", call.flow);
                    findings.error("recursive-run", &call.flow.span, message);
                    break;
                }
                if seen.insert(next.clone()) {
                    let nodes = bundle.flow(&next).map(|flow| flow.nodes.as_slice());
                    let calls = nodes.unwrap_or_default().iter().flat_map(walk::calls);
                    open.extend(calls.map(|call| call.flow.text.clone()));
                }
            }
        }
    }
}

/// Whether nothing comes after this node: every awaited screen raises.
fn stops(node: &Node) -> bool {
    match walk::until(node) {
        Some(Until { what: UntilWhat::Branches(branches), .. }) => {
            walk::when(node).is_none()
                && branches.iter().all(|branch| matches!(branch.then, BranchThen::Raise(_)))
        }
        _ => matches!(node, Node::Decide(_)),
    }
}

fn unreachable(flow: &Flow, findings: &mut Findings) {
    let stop = flow.nodes.iter().position(stops);
    if let Some(next) = stop.and_then(|at| flow.nodes.get(at + 1)) {
        let message = "nothing gets here: every way out of the node before raises or decides";
        findings.error("unreachable-node", &line(next.span()), message);
    }
}

/// Whether every path through a flow gives an answer or raises.
fn ends(bundle: &Bundle, flow: &Flow, seen: &mut BTreeSet<String>) -> bool {
    flow.nodes.iter().any(|node| {
        matches!(node, Node::Classify(_))
            || stops(node)
            || walk::calls(node).iter().any(|call| {
                call.always
                    && seen.insert(call.flow.text.clone())
                    && bundle.flow(call.flow.as_str()).is_some_and(|flow| ends(bundle, flow, seen))
            })
    })
}

fn drafts(bundle: &Bundle, findings: &mut Findings) {
    if bundle.script.drafts.is_some() {
        return;
    }
    let step = walk::steps(bundle, &bundle.script.flow)
        .into_iter()
        .find(|step| step.effect() == Effect::Draft);
    if let Some(step) = step {
        let message = format!(
            "`{}` changes a draft, but `drafts` does not say what becomes of it",
            step.name
        );
        let hint = "say `drafts: {kept: false}`, or `effect: read` if the step leaves nothing";
        findings.error_hint("drafts-missing", &step.name.span, message, hint);
    }
}

fn claims(bundle: &Bundle, findings: &mut Findings) {
    for (_, flow) in walk::flows(bundle) {
        for node in &flow.nodes {
            let Node::Step(step) = node else { continue };
            let adds =
                step.verbs.iter().any(|verb| matches!(verb, Verb::Attach(_) | Verb::Attest(_)));
            if step.claimed == Some(Effect::Read) && adds {
                let message =
                    format!("`{}` adds something, so it is not `effect: read`", step.name);
                findings.error("read-claimed", &step.name.span, message);
            }
        }
    }
}

/// Instants on a page can only be read in a known zone.
fn zones(bundle: &Bundle, findings: &mut Findings) {
    if bundle.script.parts.defaults.timezone.is_some() {
        return;
    }
    for (_, flow) in walk::flows(bundle) {
        for node in &flow.nodes {
            let instants = walk::captures(node).into_iter().filter(|(_, read_as)| {
                matches!(read_as, Some(crate::script::ast::ReadAs::Datetime(_)))
            });
            for (name, _) in instants {
                let message = "an instant is read here; `defaults.timezone` says in which zone";
                findings.error("timezone-missing", &name.span, message);
            }
            for (expect, template) in walk::templates(node) {
                if expect == walk::Expect::Date {
                    let message = "a time is compared here; `defaults.timezone` says in which zone";
                    findings.error("timezone-missing", &template.span, message);
                }
            }
        }
    }
}
