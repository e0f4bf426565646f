//! Elements, hosts, secrets, and buttons that read like a submission.

use std::sync::LazyLock;

use regex::Regex;

use super::walk;
use crate::script::ast::{
    CaptureSource, Choice, Element, FillValue, Finder, HostUse, Node, Reaction, SecretKind, Step,
    Target, Template, Verb, Watcher,
};
use crate::script::bundle::Bundle;
use crate::script::finding::Findings;
use crate::script::span::{Name, Span};

static SUBMIT: LazyLock<Regex> = LazyLock::new(|| {
    let words = r"(?i)\b(submit|send|confirm|finish|complete|finali[sz]e|save|certify|e-?sign|withdraw|cancel request)\b";
    Regex::new(words).expect("a fixed pattern")
});
static ATTEST: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"(?i)\b(certif(y|ies)|attest)\b").expect("a fixed pattern"));
static EXPIRED: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?i)session|expired|timed.?out|signed.?out|logged.?(out|off)")
        .expect("a fixed pattern")
});

/// Whether the words on something to click read like a submission, which only a commit may click.
pub fn reads_as_submission(words: &str) -> bool {
    SUBMIT.is_match(words)
}

/// Whether the words beside a box state something for a person.
pub fn attests(words: &str) -> bool {
    ATTEST.is_match(words)
}

pub(super) fn check(bundle: &Bundle, findings: &mut Findings) {
    elements(bundle, findings);
    for (_, flow) in walk::flows(bundle) {
        for node in &flow.nodes {
            if let Node::Step(step) = node {
                addresses(bundle, step, findings);
                secrets(bundle, step, findings);
                submits(bundle, step, findings);
                boxes(bundle, step, findings);
            }
            codes(bundle, node, findings);
        }
    }
    for watcher in bundle.watchers() {
        if let Reaction::Click(target) = &watcher.reaction {
            reads_like_a_submit(bundle, target, findings);
        }
    }
    if !bundle.watchers().any(|watcher| sees_expiry(bundle, watcher)) {
        let message = "no watcher recognises an expired session";
        findings.warn("no-session-watcher", &bundle.script.span, message, None);
    }
}

fn elements(bundle: &Bundle, findings: &mut Findings) {
    let shared = bundle.fragments.iter().map(|fragment| &fragment.parts.elements);
    let all: Vec<(&Name, &Element)> = std::iter::once(&bundle.script.parts.elements)
        .chain(shared)
        .flat_map(|t| t.iter())
        .collect();
    let mut firsts: Vec<(String, &Name)> = Vec::new();
    for (name, element) in all {
        for strategy in element.strategies.iter().filter(|strategy| strategy.nth.is_some()) {
            let message = "`nth` breaks when the page gets one more of them";
            findings.warn("nth-used", &strategy.span, message, None);
        }
        let finders: Vec<&Finder> =
            element.strategies.iter().filter_map(|strategy| strategy.finder.as_ref()).collect();
        let related = finders.len() < element.strategies.len();
        let is_css = |finder: &&Finder| matches!(finder, Finder::Css(_));
        let is_path = |finder: &&Finder| matches!(finder, Finder::Css(_) | Finder::Xpath(_));
        if !related && finders.iter().all(is_css) {
            let message = format!("`{name}` is found by CSS alone");
            findings.warn("css-only", &element.span, message, Some("add a role, label or text"));
        } else if !related && finders.iter().all(is_path) {
            let message = format!("`{name}` is found by its path in the page alone");
            findings.warn("xpath-only", &element.span, message, Some("add a role, label or text"));
        }
        let Some(first) = element.strategies.first() else { continue };
        let Ok(written) = serde_json::to_string(first) else { continue };
        let same = firsts
            .iter()
            .find(|(known, other)| *known == written && other.span.file == name.span.file);
        match same {
            Some((_, other)) => {
                let message = format!("`{name}` begins like `{other}` (line {})", other.span.line);
                findings.error("same-first-strategy", &first.span, message);
            }
            None => firsts.push((written, name)),
        }
    }
}

/// The host of a fixed https address.
fn host(address: &Template) -> &str {
    let rest = address.source.strip_prefix("https://").unwrap_or_default();
    rest.split(['/', '?']).next().unwrap_or_default()
}

fn addresses(bundle: &Bundle, step: &Step, findings: &mut Findings) {
    for verb in &step.verbs {
        match verb {
            Verb::Open(address) => listed(bundle, address, findings),
            Verb::Fetch(fetch) => {
                let all = std::iter::once(&fetch.page).chain(&fetch.parts);
                all.for_each(|address| listed(bundle, address, findings));
            }
            _ => {}
        }
    }
}

fn listed(bundle: &Bundle, address: &Template, findings: &mut Findings) {
    let host = host(address);
    match bundle.script.hosts.get(host) {
        Some(HostUse::Pages | HostUse::Login) => {}
        Some(HostUse::Assets) => {
            let message = format!("`{host}` is listed for assets only");
            findings.error("host-not-listed", &address.span, message);
        }
        None => {
            let message = format!("`{host}` is not in `hosts`");
            findings.error("host-not-listed", &address.span, message);
        }
    }
}

fn types_a_secret(step: &Step) -> Option<&Span> {
    step.verbs.iter().find_map(|verb| match verb {
        Verb::Fill(fields) => fields.iter().find_map(|field| match &field.value {
            FillValue::Secret(alias) | FillValue::Otp(alias) => Some(&alias.span),
            FillValue::Keypad(pad) => Some(&pad.secret.span),
            FillValue::Text(_) => None,
        }),
        _ => None,
    })
}

/// Only a PIN is pressed key by key: a password has characters no pad shows.
fn keypad(bundle: &Bundle, alias: &Name, findings: &mut Findings) {
    let kind = bundle.script.parts.secrets.get(alias.as_str());
    if kind.is_some_and(|kind| *kind != SecretKind::Pin) {
        let message = format!("a keypad takes a secret of kind `pin`, and `{alias}` is none");
        findings.error("alias-kind", &alias.span, message);
    }
}

fn secrets(bundle: &Bundle, step: &Step, findings: &mut Findings) {
    for verb in &step.verbs {
        let Verb::Fill(fields) = verb else { continue };
        for field in fields {
            let (alias, code) = match &field.value {
                FillValue::Secret(alias) => (alias, false),
                FillValue::Otp(alias) => (alias, true),
                FillValue::Keypad(pad) => {
                    keypad(bundle, &pad.secret, findings);
                    continue;
                }
                FillValue::Text(_) => continue,
            };
            let kind = bundle.script.parts.secrets.get(alias.as_str());
            if kind.is_some_and(|kind| kind.is_code() != code) {
                let form = if code { "secret" } else { "otp" };
                let message = format!("`{alias}` is written {{{form}: {alias}}}");
                findings.error("alias-kind", &alias.span, message);
            }
        }
    }
    let Some(span) = types_a_secret(step) else { return };
    let opened = step.verbs.iter().find_map(|verb| match verb {
        Verb::Open(address) => Some(host(address)),
        _ => None,
    });
    let hosts = &bundle.script.hosts;
    let off = match opened {
        Some(host) => hosts.get(host).is_some_and(|used| *used != HostUse::Login),
        None => !hosts.iter().any(|(_, used)| *used == HostUse::Login),
    };
    if off {
        let message = "a secret is typed here, but this host is not marked `login`";
        findings.error("secret-off-login", span, message);
    }
}

fn submits(bundle: &Bundle, step: &Step, findings: &mut Findings) {
    if types_a_secret(step).is_some() || step.not_a_submit.is_some() {
        return;
    }
    let mut last: Option<Target> = None;
    for verb in &step.verbs {
        match verb {
            Verb::Click(target) => reads_like_a_submit(bundle, target, findings),
            Verb::PickRow(pick) => {
                pick.click.iter().for_each(|target| reads_like_a_submit(bundle, target, findings));
            }
            Verb::Fill(fields) => last = fields.last().map(|f| Target::Named(f.element.clone())),
            Verb::Choose(fields) => last = fields.last().map(|f| Target::Named(f.element.clone())),
            Verb::Press(..) => {
                last.iter().for_each(|target| reads_like_a_submit(bundle, target, findings));
            }
            Verb::Capture(specs) => {
                for spec in specs {
                    if let CaptureSource::Download(target) = &spec.source {
                        reads_like_a_submit(bundle, target, findings);
                    }
                }
            }
            Verb::Open(_)
            | Verb::Attest(_)
            | Verb::Attach(_)
            | Verb::Hover(_)
            | Verb::Verify(..)
            | Verb::Fetch(_)
            | Verb::Until(_) => {}
        }
    }
}

fn reads_like_a_submit(bundle: &Bundle, target: &Target, findings: &mut Findings) {
    let Some(element) = walk::element(bundle, target) else { return };
    if let Some(words) = walk::spoken(element).iter().find(|words| reads_as_submission(words)) {
        let message = format!("`{words}` reads like a submission; only `commit` may click it");
        let hint = "make it a commit, or say `not_a_submit: reason`";
        findings.error_hint("submit-outside-commit", target.span(), message, hint);
    }
}

fn boxes(bundle: &Bundle, step: &Step, findings: &mut Findings) {
    for verb in &step.verbs {
        let Verb::Choose(fields) = verb else { continue };
        for field in fields {
            let element = bundle.element(field.element.as_str());
            let words = element.map(walk::spoken).unwrap_or_default();
            if matches!(field.choice, Choice::Ticked(true)) && words.iter().any(|w| attests(w)) {
                let message = "this box states something for a person; use `attest`";
                findings.error("attest-as-choose", &field.element.span, message);
            }
        }
    }
}

/// A branch that answers a code must say how often.
fn codes(bundle: &Bundle, node: &Node, findings: &mut Findings) {
    for call in walk::calls(node).into_iter().filter(|call| !call.bounded) {
        let Some(flow) = bundle.flow(call.flow.as_str()) else { continue };
        let code = walk::steps(bundle, flow).into_iter().any(|step| {
            step.verbs.iter().any(|verb| match verb {
                Verb::Fill(fields) => {
                    fields.iter().any(|field| matches!(field.value, FillValue::Otp(_)))
                }
                _ => false,
            })
        });
        if code {
            let message = format!("`{}` types a one-time code; say `at_most`", call.flow);
            findings.error("otp-without-retry-bound", &call.flow.span, message);
        }
    }
}

fn sees_expiry(bundle: &Bundle, watcher: &Watcher) -> bool {
    let sign = &watcher.when;
    let own = serde_json::to_string(sign).unwrap_or_default();
    let screen = sign.screen.as_ref().and_then(|name| bundle.screen(name.as_str()));
    let theirs = screen.and_then(|screen| serde_json::to_string(screen).ok()).unwrap_or_default();
    EXPIRED.is_match(&own) || EXPIRED.is_match(&theirs)
}
