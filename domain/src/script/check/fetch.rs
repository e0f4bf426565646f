//! `fetch`: only where nothing is changed, only what can be read without a rendered page, and steps it stands for.

use super::walk;
use crate::script::ast::{
    CaptureSource, CaptureSpec, Classify, ClassifySource, Fetch, FetchAs, Finder, Flow, Node, Step,
    Strategy, Target, Verb,
};
use crate::script::bundle::Bundle;
use crate::script::finding::Findings;
use crate::script::span::Span;

pub(super) fn check(bundle: &Bundle, findings: &mut Findings) {
    for (_, flow) in walk::flows(bundle) {
        for (at, node) in flow.nodes.iter().enumerate() {
            let Node::Step(step) = node else { continue };
            let Some(fetch) = fetch_of(step) else { continue };
            if bundle.script.flow.nodes.iter().any(|node| matches!(node, Node::Commit(_))) {
                let message = "a script with a commit reads its pages in the browser";
                findings.error("fetch-beside-commit", &fetch.span, message);
            }
            stands_for(flow, at, fetch, findings);
            readable(bundle, step, fetch, findings);
            if let Some(Node::Classify(classify)) =
                flow.nodes.iter().find(|node| matches!(node, Node::Classify(_)))
            {
                classified(bundle, classify, findings);
            }
        }
    }
}

/// The `fetch` of a step, if it has one.
fn fetch_of(step: &Step) -> Option<&Fetch> {
    step.verbs.iter().find_map(|verb| match verb {
        Verb::Fetch(fetch) => Some(fetch.as_ref()),
        _ => None,
    })
}

fn stands_for(flow: &Flow, at: usize, fetch: &Fetch, findings: &mut Findings) {
    let later: Vec<&str> = flow.nodes[at + 1..]
        .iter()
        .map_while(|node| match node {
            Node::Step(step) if fetch_of(step).is_none() => Some(step.name.as_str()),
            Node::Run(run) => Some(run.flow.as_str()),
            _ => None,
        })
        .collect();
    for (place, name) in fetch.instead_of.iter().enumerate() {
        if later.get(place) != Some(&name.as_str()) {
            let message = format!("`{name}` is not one of the steps right after this one");
            let hint =
                "list the steps that follow, and flows that are run, in their order, without a gap";
            findings.error_hint("fetch-stands-for", &name.span, message, hint);
        }
    }
    if fetch.instead_of.is_empty() && fetch.format == FetchAs::Json {
        let message = "data cannot be shown: say which steps read the same from a page";
        let hint = "add `instead_of: [step, …]`";
        findings.error_hint("fetch-stands-for", &fetch.span, message, hint);
    }
}

fn readable(bundle: &Bundle, step: &Step, fetch: &Fetch, findings: &mut Findings) {
    match (fetch.format, fetch.parts.first(), fetch.names.first()) {
        (FetchAs::Json, Some(part), _) => {
            let message = "data are read from one address";
            findings.error("not-without-rendering", &part.span, message);
        }
        (FetchAs::Html, _, Some((name, _))) => {
            let message = "a page has its own words; `names` are for data";
            findings.error("not-without-rendering", &name.span, message);
        }
        _ => {}
    }
    for name in &fetch.screens {
        let Some(screen) = bundle.screen(name.as_str()) else { continue };
        for target in screen.see.iter().chain(&screen.gone) {
            still(bundle, target, &name.span, findings);
        }
    }
    captures(bundle, &fetch.capture, fetch, findings);
    for verb in &step.verbs {
        match verb {
            Verb::Fetch(_) => {}
            Verb::Capture(specs) => captures(bundle, specs, fetch, findings),
            Verb::PickRow(pick) if pick.click.is_none() && pick.pages.is_none() => {
                still(bundle, &pick.from, pick.from.span(), findings);
            }
            other => {
                let message = format!("`{}` needs a page that is shown", other.word());
                let hint = "beside `fetch` only `capture` and a `pick_row` without click or pages";
                findings.error_hint("not-without-rendering", &fetch.span, message, hint);
            }
        }
    }
}

fn captures(bundle: &Bundle, specs: &[CaptureSpec], fetch: &Fetch, findings: &mut Findings) {
    for spec in specs {
        match &spec.source {
            CaptureSource::From(target) => still(bundle, target, &spec.span, findings),
            CaptureSource::Url(_) => {}
            CaptureSource::Pointer(_) if fetch.format == FetchAs::Json => {}
            _ => {
                let message = "this cannot be read from an answer that is not shown";
                findings.error("not-without-rendering", &spec.span, message);
            }
        }
    }
}

fn classified(bundle: &Bundle, classify: &Classify, findings: &mut Findings) {
    match &classify.source {
        ClassifySource::Page | ClassifySource::Captured(_) => {}
        ClassifySource::Element(target) | ClassifySource::Rows { from: target, .. } => {
            still(bundle, target, &classify.span, findings);
        }
    }
}

/// At least one strategy can be followed in a document that is not laid out.
fn still(bundle: &Bundle, target: &Target, place: &Span, findings: &mut Findings) {
    let Some(element) = walk::element(bundle, target) else { return };
    if !element.strategies.iter().any(is_still) {
        let message = "no strategy of this element works without a rendered page";
        let hint = "add one with `css`, `text`, `label`, `title`, `test_id` or `table`";
        findings.error_hint("not-without-rendering", place, message, hint);
    }
}

fn is_still(strategy: &Strategy) -> bool {
    let finder = match &strategy.finder {
        Some(
            Finder::Css(_)
            | Finder::Text(_)
            | Finder::Label(_)
            | Finder::Title(_)
            | Finder::Alt(_)
            | Finder::Placeholder(_)
            | Finder::TestId(_)
            | Finder::Table(_),
        ) => true,
        Some(Finder::Role { .. } | Finder::Xpath(_) | Finder::Dialog(_) | Finder::Region(_))
        | None => false,
    };
    finder && strategy.relation.is_none() && strategy.frame.is_none() && strategy.inside.is_none()
}
