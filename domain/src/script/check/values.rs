//! Templates: do their paths exist, do the filters fit, is the result what its position needs.

use std::collections::BTreeMap;

use super::types::{Found, Type, follow};
use super::walk::{self, Expect};
use crate::script::ast::{
    BranchThen, ClassifySource, Element, Expr, Filter, Finder, Need, NeedType, Needs, Node, Part,
    Parts, Path, Reaction, Target, Template, Until, UntilWhat, When,
};
use crate::script::bundle::Bundle;
use crate::script::finding::{Findings, closest};
use crate::script::span::{Name, Span, Table};

pub(super) fn check(bundle: &Bundle, findings: &mut Findings) {
    let mut captured = BTreeMap::new();
    for (_, flow) in walk::flows(bundle) {
        for node in &flow.nodes {
            for (name, read_as) in walk::captures(node) {
                captured.insert(name.text.clone(), Type::captured(read_as));
            }
        }
    }
    let mut check = Check { bundle, findings, captured };
    for (_, flow) in walk::flows(bundle) {
        for node in &flow.nodes {
            if let Node::Classify(classify) = node
                && let ClassifySource::Captured(name) = &classify.source
            {
                check.is_captured(name.as_str(), &name.span);
            }
        }
    }
    let own = &bundle.script.parts;
    if let Some(drafts) = &bundle.script.drafts
        && let Some(clear) = &drafts.clear
    {
        let (needs, variables) = (&own.needs, Vec::new());
        let known =
            Known { needs, parts: own, variables, when: None, search: false, known_given: false };
        check.reached(&known, clear, &drafts.with);
    }
    for node in &bundle.script.flow.nodes {
        check.node(own, node, false);
    }
    for (_, flow) in bundle.script.reconcile.iter() {
        flow.nodes.iter().for_each(|node| check.node(own, node, true));
    }
    check.parts(own);
    for fragment in &bundle.fragments {
        for (_, flow) in fragment.flows.iter() {
            flow.nodes.iter().for_each(|node| check.node(&fragment.parts, node, true));
        }
        check.parts(&fragment.parts);
    }
}

struct Check<'a> {
    bundle: &'a Bundle,
    findings: &'a mut Findings,
    captured: BTreeMap<String, Type>,
}

/// What a template may name where it stands.
struct Known<'a> {
    needs: &'a Needs,
    parts: &'a Parts,
    variables: Vec<(&'a str, Option<&'a Need>)>,
    when: Option<&'a When>,
    search: bool,
    /// Inside a `known` node, which is passed over when the input `known` is absent.
    known_given: bool,
}

impl Check<'_> {
    /// A name under which something is captured somewhere.
    fn is_captured(&mut self, name: &str, span: &Span) {
        if self.captured.contains_key(name) {
            return;
        }
        let near = closest(name, self.captured.keys().map(String::as_str));
        let hint = near.map_or(String::new(), |near| format!("did you mean `{near}`?"));
        let message = format!("nothing is captured as `{name}`");
        self.findings.error_hint("undefined-name", span, message, hint);
    }

    fn node(&mut self, parts: &Parts, node: &Node, search: bool) {
        let when = walk::when(node);
        let known_given = matches!(node, Node::Known(_));
        let mut known =
            Known { needs: &parts.needs, parts, variables: Vec::new(), when, search, known_given };
        if let Some(when) = when {
            for path in when.given.iter().chain(when.is.iter().map(|(path, _)| path)) {
                self.path(&known, path);
            }
        }
        if let Node::Step(step) = node
            && let Some(each) = &step.each
        {
            if parts.needs.fields.get(each.var.as_str()).is_some() {
                let message = format!("`{}` is also the name of an input", each.var);
                self.findings.error("shadowed-name", &each.var.span, message);
            }
            let found = self.path(&known, &each.list);
            if let Some(found) = &found {
                self.guarded(&known, &each.list, found, false);
                if !matches!(found.kind, Type::List(_)) {
                    let message = format!("`{}` is {}, not a list", each.list, found.kind.word());
                    self.findings.error("wrong-filter-type", &each.list.span, message);
                }
            }
            known.variables.push((each.var.as_str(), item(parts, &each.list)));
        }
        for (expect, template) in walk::templates(node) {
            self.template(&known, template, expect);
        }
        if let Node::Run(run) = node {
            self.parameters(&known, &run.flow, &run.with);
        }
        if let Some(Until { what: UntilWhat::Branches(branches), .. }) = walk::until(node) {
            for branch in branches {
                if let BranchThen::Run { flow, with, .. } = &branch.then {
                    self.reached(&known, flow, with);
                }
            }
        }
        if let Node::Commit(commit) = node
            && let Some(flow) = &commit.proof.read_back
        {
            self.reached(&known, flow, &commit.proof.with);
        }
    }

    /// Texts in declared elements and screens; an `each` variable may stand in them.
    fn parts(&mut self, parts: &Parts) {
        let mut variables = Vec::new();
        for (_, flow) in walk::flows(self.bundle) {
            for node in &flow.nodes {
                if let Node::Step(step) = node
                    && let Some(each) = &step.each
                {
                    variables.push((each.var.as_str(), item(parts, &each.list)));
                }
            }
        }
        let known = Known {
            needs: &parts.needs,
            parts,
            variables,
            when: None,
            search: true,
            known_given: false,
        };
        for (_, element) in parts.elements.iter() {
            self.element(&known, element);
        }
        for watcher in &parts.watch {
            if let Reaction::Run(flow) = &watcher.reaction {
                self.reached(&known, flow, &watcher.with);
            }
        }
        for (_, screen) in parts.screens.iter() {
            let texts = screen.title.iter().chain(&screen.text);
            let mut found = Vec::new();
            texts.for_each(|wanted| walk::text(wanted, &mut found));
            for target in screen.see.iter().chain(&screen.gone) {
                if let Target::Inline(element) = target {
                    self.element(&known, element);
                }
            }
            for (expect, template) in found {
                self.template(&known, template, expect);
            }
        }
    }

    fn element(&mut self, known: &Known<'_>, element: &Element) {
        for strategy in &element.strategies {
            let wanted = match &strategy.finder {
                Some(Finder::Role { name, .. }) => name.as_ref(),
                Some(
                    Finder::Label(text)
                    | Finder::Placeholder(text)
                    | Finder::Alt(text)
                    | Finder::Title(text)
                    | Finder::Text(text)
                    | Finder::Table(text)
                    | Finder::Dialog(text)
                    | Finder::Region(text),
                ) => Some(text),
                Some(Finder::TestId(_) | Finder::Css(_) | Finder::Xpath(_)) | None => None,
            };
            let mut found = Vec::new();
            wanted.into_iter().for_each(|wanted| walk::text(wanted, &mut found));
            for (expect, template) in found {
                self.template(known, template, expect);
            }
            let anchor = strategy.relation.as_ref().map(|relation| relation.anchor.as_ref());
            for target in anchor.into_iter().chain(strategy.inside.as_deref()) {
                if let Target::Inline(inner) = target {
                    self.element(known, inner);
                }
            }
        }
    }

    /// Parameters of a flow that is reached otherwise than by a `run` node: all or none. Without any it sees those of the
    /// flow being run, where both are of one fragment.
    fn reached(&mut self, known: &Known<'_>, flow: &Name, with: &[(Name, Template)]) {
        if !with.is_empty() {
            self.parameters(known, flow, with);
        }
    }

    fn parameters(&mut self, known: &Known<'_>, flow: &Name, with: &[(Name, Template)]) {
        let Some(needs) = self.bundle.parameters(flow.as_str()) else { return };
        for (name, template) in with {
            let Some(need) = needs.fields.get(name.as_str()) else {
                let message = format!("`{flow}` has no parameter `{name}`");
                self.findings.error("undefined-name", &name.span, message);
                continue;
            };
            let wanted = Type::of(&need.kind);
            if let Some(kind) = self.kind(known, template)
                && kind != wanted
                && !(kind.is_plain() && wanted == Type::Text)
            {
                let message = format!("`{name}` takes {}, not {}", wanted.word(), kind.word());
                self.findings.error("wrong-filter-type", &template.span, message);
            }
        }
        for (name, need) in needs.fields.iter() {
            if !need.optional && !with.iter().any(|(given, _)| given.text == name.text) {
                let message = format!("`{flow}` needs the parameter `{name}` (`with`)");
                self.findings.error("missing-key", &flow.span, message);
            }
        }
    }

    fn template(&mut self, known: &Known<'_>, template: &Template, expect: Expect) {
        let Some(kind) = self.kind(known, template) else { return };
        let inner = match &kind {
            Type::List(item) if matches!(expect, Expect::Texts | Expect::Files) => item.as_ref(),
            other => other,
        };
        let fits = match expect {
            Expect::Text | Expect::Texts => inner.is_plain(),
            Expect::Files => *inner == Type::File,
            Expect::Date => matches!(inner, Type::Date | Type::Datetime),
        };
        if fits {
            return;
        }
        let message = match expect {
            Expect::Text | Expect::Texts => {
                format!("`{}` is {}; as a text it needs a filter", template.source, kind.word())
            }
            Expect::Files => format!("`{}` is {}, not a file", template.source, kind.word()),
            Expect::Date => format!("`{}` is {}, not a date", template.source, kind.word()),
        };
        let hint = match inner {
            Type::Date | Type::Datetime => "such as date('MM/dd/yyyy')",
            Type::List(_) => "such as first or join(', ')",
            Type::Boolean => "such as yes_no('Y', 'N')",
            _ => "",
        };
        self.findings.error_hint("needs-filter", &template.span, message, hint);
    }

    /// The type of a template, reporting what is wrong inside it.
    fn kind(&mut self, known: &Known<'_>, template: &Template) -> Option<Type> {
        if let [Part::Expr(expr)] = template.parts.as_slice() {
            return self.expression(known, expr);
        }
        for expr in template.expressions() {
            if let Some(kind) = self.expression(known, expr)
                && !kind.is_plain()
            {
                let message =
                    format!("`{}` is {}; inside a text it needs a filter", expr.path, kind.word());
                self.findings.error("needs-filter", &expr.path.span, message);
            }
        }
        Some(Type::Text)
    }

    fn expression(&mut self, known: &Known<'_>, expr: &Expr) -> Option<Type> {
        let found = self.path(known, &expr.path)?;
        let has_or = expr.filters.iter().any(|filter| matches!(filter, Filter::Or(_)));
        self.guarded(known, &expr.path, &found, has_or);
        let mut kind = found.kind;
        for filter in &expr.filters {
            if let Filter::Words(table) = filter {
                self.words(&kind, table, &expr.path);
            }
            match kind.after(filter) {
                Some(next) => kind = next,
                None => {
                    let message =
                        format!("a filter of `{}` cannot take {}", expr.path, kind.word());
                    self.findings.error("wrong-filter-type", &expr.path.span, message);
                    return None;
                }
            }
            if matches!(kind, Type::Text) && matches!(filter, Filter::Date(_)) {
                self.zone(&expr.path, expr);
            }
        }
        Some(kind)
    }

    /// An instant can only be written in the portal's time zone.
    fn zone(&mut self, path: &Path, expr: &Expr) {
        let instant = matches!(path.root(), "now" | "commit") || {
            let needs = &self.bundle.script.parts.needs.fields;
            follow(needs, &expr.path.names).is_ok_and(|found| found.kind == Type::Datetime)
        };
        if instant && self.bundle.script.parts.defaults.timezone.is_none() {
            let message = "an instant is written here; `defaults.timezone` says in which zone";
            self.findings.error("timezone-missing", &path.span, message);
        }
    }

    fn words(&mut self, kind: &Type, table: &str, path: &Path) {
        let Some(entries) = self.bundle.words(table) else { return };
        let Type::OneOf(words) = kind else {
            let message = format!("`words` takes an enumeration; `{path}` is {}", kind.word());
            self.findings.error("wrong-filter-type", &path.span, message);
            return;
        };
        let missing: Vec<&str> =
            words.iter().map(String::as_str).filter(|word| entries.get(word).is_none()).collect();
        if !missing.is_empty() {
            let message = format!("the table `{table}` has no word for {}", missing.join(", "));
            self.findings.error("words-not-total", &path.span, message);
        }
    }

    /// An optional input needs `given` or `or`.
    fn guarded(&mut self, known: &Known<'_>, path: &Path, found: &Found, has_or: bool) {
        let Some(at) = found.optional_at else { return };
        let given = known.when.is_some_and(|when| {
            when.given
                .iter()
                .any(|given| path.names.starts_with(&given.names) && given.names.len() >= at)
        });
        let passed_over = known.known_given && path.root() == "known";
        if !given && !has_or && !passed_over {
            let optional = path.names[..at].join(".");
            let message = format!("`{optional}` may be absent");
            let hint = format!("say `when: {{given: {optional}}}` or use the filter or('…')");
            self.findings.error_hint("optional-unguarded", &path.span, message, hint);
        }
    }

    /// What a path gives; reported when it does not exist.
    fn path(&mut self, known: &Known<'_>, path: &Path) -> Option<Found> {
        let plain = |kind: Type| Some(Found { kind, optional_at: None });
        let names = path.names.as_slice();
        let root = path.root();
        if let Some((_, need)) = known.variables.iter().find(|(name, _)| *name == root) {
            let need = (*need)?;
            let found = match &need.kind {
                _ if names.len() == 1 => return plain(Type::of(&need.kind)),
                NeedType::Group(fields) => follow(fields, &names[1..]),
                _ => Err(0),
            };
            return match found {
                Ok(mut found) => {
                    found.optional_at = found.optional_at.map(|at| at + 1);
                    Some(found)
                }
                Err(at) => self.unknown(known, path, at + 1),
            };
        }
        match (root, names.len()) {
            ("today", 1) => return plain(Type::Date),
            ("now", 1) => return plain(Type::Datetime),
            ("captured", 2) => {
                if let Some(kind) = self.captured.get(&names[1]).cloned() {
                    return plain(kind);
                }
                self.is_captured(&names[1], &path.span);
                return None;
            }
            ("commit", 2) if names[1] == "search_from" && known.search => {
                return plain(Type::Datetime);
            }
            _ => {}
        }
        match follow(&known.needs.fields, names) {
            Ok(found) => Some(found),
            Err(at) => self.unknown(known, path, at),
        }
    }

    fn unknown(&mut self, known: &Known<'_>, path: &Path, at: usize) -> Option<Found> {
        let root = path.root();
        if at == 0 && known.parts.secrets.get(root).is_some() {
            let message =
                format!("`{root}` is a secret; only `fill` may name it, as {{secret: {root}}}");
            self.findings.error("secret-outside-fill", &path.span, message);
            return None;
        }
        let name = path.names.get(at).map_or(root, String::as_str);
        let near = match at {
            0 => {
                closest(name, known.needs.fields.names().chain(known.variables.iter().map(|v| v.0)))
            }
            _ => None,
        };
        let hint = near.map_or(String::new(), |near| format!("did you mean `{near}`?"));
        let message = format!("there is no input `{path}`");
        self.findings.error_hint("undefined-name", &path.span, message, hint);
        None
    }
}

/// The item type behind an `each` list.
fn item<'a>(parts: &'a Parts, list: &Path) -> Option<&'a Need> {
    let mut fields: &Table<Need> = &parts.needs.fields;
    let (last, groups) = list.names.split_last()?;
    for name in groups {
        match &fields.get(name)?.kind {
            NeedType::Group(group) => fields = group,
            _ => return None,
        }
    }
    match &fields.get(last)?.kind {
        NeedType::List { of, .. } => Some(of),
        _ => None,
    }
}
