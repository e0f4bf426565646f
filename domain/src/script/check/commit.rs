//! The one irreversible verb: guard, target, proof, and the search that settles a doubt.

use std::collections::BTreeSet;

use super::flow::line;
use super::types::{Type, follow};
use super::walk;
use crate::script::ast::{
    Cell, Commit, Effect, Flow, Heal, NeedType, Needs, Node, NoneThen, ReadAs, Step, Template, Verb,
};
use crate::script::bundle::Bundle;
use crate::script::finding::Findings;

pub(super) fn check(bundle: &Bundle, findings: &mut Findings) {
    order(bundle, findings);
    for node in &bundle.script.flow.nodes {
        if let Node::Commit(commit) = node {
            target(bundle, commit, findings);
            guard(bundle, commit, findings);
            proof(bundle, commit, findings);
            unsure(bundle, commit, findings);
        }
    }
    for (_, flow) in bundle.script.reconcile.iter() {
        only_reads(bundle, flow, findings);
    }
}

/// Nothing is drafted, filled or committed after a commit.
fn order(bundle: &Bundle, findings: &mut Findings) {
    let mut first: Option<&Commit> = None;
    for node in &bundle.script.flow.nodes {
        if let Node::Commit(commit) = node {
            if let Some(first) = first {
                let message = format!("a second commit after `{}` on the same path", first.name);
                findings.error("two-commits", &commit.name.span, message);
            }
            first = Some(commit);
            continue;
        }
        if first.is_none() {
            continue;
        }
        let mut steps: Vec<&Step> = Vec::new();
        if let Node::Step(step) = node {
            steps.push(step);
        }
        for call in walk::calls(node) {
            let flow = bundle.flow(call.flow.as_str());
            steps.extend(flow.map(|flow| walk::steps(bundle, flow)).unwrap_or_default());
        }
        for step in steps {
            let fills = step.verbs.iter().any(|verb| matches!(verb, Verb::Fill(_)));
            if step.effect() == Effect::Draft {
                let message = format!("`{}` changes something after the commit", step.name);
                findings.error("draft-after-commit", &step.name.span, message);
            } else if fills {
                let message = format!("`{}` fills something after the commit", step.name);
                findings.error("fill-after-commit", &step.name.span, message);
            }
        }
        retried(bundle, node, findings);
    }
}

/// A retry is ignored once something was sent.
fn retried(bundle: &Bundle, node: &Node, findings: &mut Findings) {
    let Node::Classify(classify) = node else { return };
    let rule = bundle.exception(classify.otherwise.as_str());
    if rule.is_some_and(|rule| rule.retry.is_some()) {
        let message = format!("the retry of `{}` is ignored after a commit", classify.otherwise);
        findings.warn("retry-after-commit", &classify.otherwise.span, message, None);
    }
}

fn target(bundle: &Bundle, commit: &Commit, findings: &mut Findings) {
    let Some(element) = walk::element(bundle, &commit.click) else { return };
    if element.heal(bundle.script.parts.defaults.heal) != Heal::Never {
        let message = "what a commit clicks must say `heal: never`";
        findings.error("commit-target-heals", commit.click.span(), message);
    }
    let anchored = element.strategies.len() > 1
        || element.strategies.iter().any(|strategy| strategy.inside.is_some());
    if !anchored {
        let message = "what a commit clicks needs a second anchor";
        let hint = "add another strategy, or `inside`";
        findings.error_hint("commit-one-anchor", commit.click.span(), message, hint);
    }
}

/// Whether a template names an input that tells this person or request from others.
fn identifies(needs: &Needs, template: &Template) -> bool {
    template.expressions().any(|expr| {
        let root = needs.fields.get(expr.path.root());
        root.is_some() && follow(&needs.fields, &expr.path.names).is_ok() && {
            let mut phi = true;
            let mut fields = Some(&needs.fields);
            for name in &expr.path.names {
                let Some(need) = fields.and_then(|fields| fields.get(name)) else { break };
                phi &= need.phi;
                let mut inner = need;
                while let NeedType::List { of, .. } = &inner.kind {
                    inner = of;
                    phi &= of.phi;
                }
                fields = match &inner.kind {
                    NeedType::Group(group) => Some(group),
                    _ => None,
                };
            }
            phi
        }
    })
}

fn guard(bundle: &Bundle, commit: &Commit, findings: &mut Findings) {
    let needs = &bundle.script.parts.needs;
    let says = &commit.guard.page_says;
    if !says.iter().any(|said| identifies(needs, said)) {
        let at = says.first().map_or(&commit.guard.screen.span, |said| &said.span);
        let message = "`page_says` names no input that identifies the person or the request";
        findings.error("guard-without-identity", at, message);
    }
    let once = &commit.guard.once_per;
    if !identifies(needs, once) {
        let message = "`once_per` names no input that identifies the person or the request";
        findings.error("guard-without-identity", &once.span, message);
    }
    for expr in once.expressions() {
        let path = &expr.path;
        let passing = matches!(path.root(), "now" | "today" | "captured" | "commit");
        let file = follow(&needs.fields, &path.names).is_ok_and(|found| match found.kind {
            Type::File | Type::Datetime => true,
            Type::List(item) => *item == Type::File,
            _ => false,
        });
        if passing || file {
            let message = format!("`{path}` differs between two tries of the same request");
            findings.error("once-per-too-fine", &path.span, message);
        }
    }
}

fn proof(bundle: &Bundle, commit: &Commit, findings: &mut Findings) {
    let proof = &commit.proof;
    if !proof.capture.iter().any(|spec| spec.read_as == ReadAs::Reference) {
        let message = "the proof captures no reference (`as: reference`)";
        findings.error("proof-without-reference", &proof.screen.span, message);
    }
    let (before, after) =
        (bundle.screen(commit.guard.screen.as_str()), bundle.screen(proof.screen.as_str()));
    let (Some(before), Some(after)) = (before, after) else { return };
    let json = |targets: &[crate::script::ast::Target]| -> BTreeSet<String> {
        targets.iter().filter_map(|target| serde_json::to_string(target).ok()).collect()
    };
    let seen = json(&before.see);
    let tells = !json(&after.see).is_subset(&seen)
        || after.text.is_some()
        || after.title.is_some()
        || !json(&after.gone).is_disjoint(&seen)
        || after
            .url
            .as_ref()
            .is_some_and(|url| before.url.as_ref().is_none_or(|other| other.source != url.source));
    if commit.guard.screen == proof.screen || !tells {
        let message = format!(
            "`{}` can show while `{}` does; it proves nothing",
            proof.screen, commit.guard.screen
        );
        findings.error("proof-equals-guard", &proof.screen.span, message);
    }
}

fn unsure(bundle: &Bundle, commit: &Commit, findings: &mut Findings) {
    let Some(flow) = bundle.script.reconcile.get(commit.unsure.as_str()) else { return };
    let rows = flow.nodes.iter().find_map(|node| match node {
        Node::Rows(rows) => Some(rows),
        _ => None,
    });
    let decides = flow.nodes.iter().any(|node| matches!(node, Node::Decide(_)));
    let Some(rows) = rows.filter(|_| decides) else {
        let message = format!("`{}` settles nothing: it needs `rows` and `decide`", commit.unsure);
        findings.error("unsure-missing", &commit.unsure.span, message);
        return;
    };
    let proves = flow.nodes.iter().any(
        |node| matches!(node, Node::Decide(decide) if decide.none_then == NoneThen::NotCommitted),
    );
    if proves && !flow.nodes.iter().any(|node| matches!(node, Node::Known(_))) {
        let message = "an empty search is no absence here: nothing shows that the search works";
        let hint = "add `known` between `rows` and `decide`, or say `then: ask_staff`";
        findings.error_hint("reconcile-unproved", &line(&rows.span), message, hint);
    }
    if !rows.cells.iter().any(|(_, cell)| matches!(cell, Cell::Since { .. })) {
        let message = "without `since` an older request looks like this one";
        findings.warn("reconcile-no-since", &line(&rows.span), message, None);
    }
}

fn only_reads(bundle: &Bundle, flow: &Flow, findings: &mut Findings) {
    for node in &flow.nodes {
        let message = match node {
            Node::Commit(_) => "a search cannot commit",
            Node::Classify(_) => "a search decides, it does not classify",
            Node::Run(_)
            | Node::Step(_)
            | Node::Capture(_)
            | Node::Rows(_)
            | Node::Known(_)
            | Node::Decide(_) => continue,
        };
        findings.error("reconcile-not-read", &line(node.span()), message);
    }
    for step in walk::steps(bundle, flow) {
        let adds = step.verbs.iter().any(|verb| matches!(verb, Verb::Attach(_) | Verb::Attest(_)));
        if adds || step.effect() != Effect::Read {
            let message = format!("`{}` is reached from a search, which may only read", step.name);
            let hint = "say `effect: read` if it leaves nothing at the payer";
            findings.error_hint("reconcile-not-read", &step.name.span, message, hint);
        }
    }
}
