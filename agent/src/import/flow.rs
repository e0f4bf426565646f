//! Pages → the flow: opening, steps, the proposed commit; what came after the submission stays out.

use super::ask::{Ask, Note};
use super::draft::{Builder, Built, Commit, Node, Step};
use super::steps::{Draftee, End};
use super::yaml::Names;

/// The flow as it grows.
pub(super) struct Flow {
    pub(super) nodes: Vec<Node>,
    pub(super) names: Names,
    committed: bool,
    /// Steps after the commit, by their places.
    after: Vec<String>,
    /// Clicks that led to no new address.
    quiet: usize,
}

/// What a page's steps need to know of the others.
struct Around<'a> {
    /// The step that commits.
    commit: Option<usize>,
    /// This page's screen, if something is seen on it.
    seen: Option<&'a str>,
    /// The screen its last step leads to.
    next: Option<&'a str>,
}

/// A name of the flow's from one of an element or screen.
pub(super) fn hyphened(name: &str) -> String {
    name.replace('_', "-")
}

impl Builder<'_> {
    /// The nodes of the flow. `names` are the screens of the pages.
    pub(super) fn flow(&mut self, pages: &[Built], names: &[String]) -> Vec<Node> {
        let mut flow = Flow {
            nodes: Vec::new(),
            names: Names::with('-'),
            committed: false,
            after: Vec::new(),
            quiet: 0,
        };
        let commit = self.last_submission(pages);
        if pages.first().is_some_and(|page| page.opened.is_none()) {
            let text = "The recording does not say where it begins: which address is opened first?";
            let asks = vec![Ask::new("", text)];
            let name = flow.names.give("open", "open");
            flow.nodes.push(Node::Step(Step { name, open: Some(None), asks, ..Step::default() }));
        }
        for (at, page) in pages.iter().enumerate() {
            if let Some((address, _, asks)) = page.opened.as_ref().filter(|_| !flow.committed) {
                let wish = format!("open-{}", hyphened(&names[at]));
                let name = flow.names.give(&wish, "open");
                let (open, until) = (Some(address.clone()), Some(names[at].clone()));
                let asks = asks.clone();
                flow.nodes.push(Node::Step(Step { name, open, until, asks, ..Step::default() }));
            }
            let next = pages.get(at + 1).filter(|next| next.opened.is_none());
            let next = next.and(names.get(at + 1)).map(String::as_str);
            let commit = commit.filter(|(page, _)| *page == at).map(|(_, step)| step);
            let seen = (!page.see.is_empty()).then_some(names[at].as_str());
            self.steps(&mut flow, page, pages, Around { commit, seen, next });
        }
        self.tell(&flow);
        flow.nodes
    }

    /// The steps of one page.
    fn steps(&mut self, flow: &mut Flow, page: &Built, pages: &[Built], around: Around<'_>) {
        let looped = self.loops(&page.steps, pages);
        for (index, step) in page.steps.iter().enumerate() {
            let last = index + 1 == page.steps.len();
            let until = around.next.filter(|_| last).map(str::to_owned);
            if looped.merged.contains(&index) {
                continue;
            }
            if flow.committed {
                flow.after.extend(step.path());
            } else if around.commit == Some(index) {
                self.commit(flow, step, around.seen.map(str::to_owned), until);
            } else {
                let clicks = matches!(step.end, Some(End::Click { .. }));
                flow.quiet += usize::from(clicks && until.is_none());
                self.step(flow, step, looped.each.contains(&index), until);
            }
        }
    }

    /// Says what the flow does not show.
    fn tell(&mut self, flow: &Flow) {
        if let Some(path) = flow.after.first() {
            let count = flow.after.len();
            let note =
                format!("{count} step(s) after the submission are left out: the script ends there");
            self.notes.push(Note::new(path.clone(), note));
        }
        if !self.secrets.is_empty() {
            let note = "the sign-in stands in the script itself: moved into a flow of a fragment, its session is kept \
                        for the next job";
            self.notes.push(Note::new("", note));
        }
        if flow.quiet > 0 {
            let count = flow.quiet;
            let note = format!(
                "{count} click(s) led to no new address: say in `until` what shows after them"
            );
            self.notes.push(Note::new("", note));
        }
    }

    /// The last click that reads like a submission, is no sign-in, and after which nothing more was put in.
    fn last_submission(&self, pages: &[Built]) -> Option<(usize, usize)> {
        let mut found = None;
        for (at, page) in pages.iter().enumerate() {
            for (index, step) in page.steps.iter().enumerate() {
                if !step.fields.is_empty() {
                    found = None;
                }
                if let Some(End::Click { element, .. }) = &step.end
                    && !step.types_a_secret()
                    && self.elements.list[*element].reads_as_submission()
                {
                    found = Some((at, index));
                }
            }
        }
        found
    }

    fn commit(
        &mut self,
        flow: &mut Flow,
        step: &Draftee,
        before: Option<String>,
        after: Option<String>,
    ) {
        let Some(End::Click { element, path, asks, .. }) = &step.end else { return };
        if !step.fields.is_empty() {
            let fields = Draftee { fields: step.fields.clone(), end: None };
            self.step(flow, &fields, false, None);
        }
        let mut asks = asks.clone();
        let (element, path) = (*element, path.clone());
        if !self.elements.list[element].is_anchored() {
            let text =
                "What a commit clicks needs a second way to find it: add a strategy, or `inside`.";
            asks.push(Ask::new(format!("{path}.selectors"), text));
        }
        self.elements.list[element].commits = true;
        let click = self.elements.named(element);
        let name = flow.names.give(&hyphened(&click), "commit");
        flow.committed = true;
        flow.nodes.push(Node::Commit(Commit { name, click, before, after, path, asks }));
    }
}
