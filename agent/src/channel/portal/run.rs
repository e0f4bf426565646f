//! Flows and their nodes, in order: `run`, `step`, `commit`, `capture`, `classify`, `rows`, `decide`.

use domain::{
    evidence::Moment,
    script::{
        Name,
        ast::{Branch, BranchThen, Flow, Node, Run, Step, Template, Until, UntilWhat, When},
        inputs::Inputs,
    },
    step::{Effect, StepState},
};
use futures_util::future::BoxFuture;

use super::{Halt, Portal, Reading, fetch::fetch_of};
use crate::browser::Deadline;

/// Flows may call flows this deep.
const DEPTH_MAX: usize = 16;

impl Portal<'_> {
    /// Runs a flow. `top`: the script's own, where the search before filling has its place.
    pub(crate) fn flow<'a>(
        &'a mut self,
        flow: &'a Flow,
        top: bool,
    ) -> BoxFuture<'a, Result<(), Halt>> {
        Box::pin(async move {
            let mut searched = !top || self.commit_node().is_none();
            let signs_in = |node: &Node| matches!(node, Node::Run(run) if self.is_login(run));
            if top && !flow.nodes.iter().any(signs_in) {
                self.clear_earlier_drafts(None).await?;
            }
            for (at, node) in flow.nodes.iter().enumerate() {
                self.may_go_on()?;
                // Only "nothing" needs to be shown to mean something.
                if self.search_is_clear() && !matches!(node, Node::Decide(_)) {
                    continue;
                }
                if let Node::Run(run) = node
                    && top
                    && self.is_login(run)
                    && self.login_can_wait(flow.nodes.get(at + 1))
                {
                    self.put_off(run);
                    continue;
                }
                self.node(node).await?;
                // The search comes when the portal session stands and before anything is filled.
                let signed_in = matches!(node, Node::Run(run) if self.is_login(run));
                if !searched && signed_in {
                    searched = true;
                    self.search_first(flow.nodes.get(at)).await?;
                }
                if top
                    && signed_in
                    && let Node::Run(run) = node
                {
                    self.clear_earlier_drafts(Some(run)).await?;
                }
            }
            Ok(())
        })
    }

    async fn node(&mut self, node: &Node) -> Result<(), Halt> {
        match node {
            Node::Run(run) if self.is_stood_for(run.flow.as_str()) => Ok(()),
            Node::Run(run) => self.run_node(run).await,
            Node::Step(step) if self.is_stood_for(step.name.as_str()) => {
                let place = Some(&step.span);
                self.observe.begin(step.name.as_str(), "step", step.effect(), place).await;
                self.observe.end(StepState::Skipped, None).await;
                Ok(())
            }
            Node::Step(step) => match fetch_of(step) {
                Some(fetch) => self.fetch_step(step, fetch).await,
                None => self.shown_step(step).await,
            },
            Node::Classify(_) if self.reading == Reading::Fetched => Ok(()),
            Node::Commit(commit) => self.commit(commit).await,
            Node::Capture(node) => {
                self.begin("capture", "capture", Effect::Read, &node.span).await;
                let deadline = self.within(None);
                self.captures(&node.captures, deadline).await?;
                self.done(None).await;
                Ok(())
            }
            Node::Classify(classify) => self.classify(classify).await,
            Node::Rows(rows) => self.rows(rows).await,
            Node::Known(known) => self.known(known).await,
            Node::Decide(decide) => self.decide(decide).await,
        }
    }

    /// A step that needs a page: a login put off is made first.
    async fn shown_step(&mut self, step: &Step) -> Result<(), Halt> {
        self.pay_login().await?;
        self.step(step).await
    }

    /// `run: flow`, with its condition, parameters and wait. A login is skipped when the portal session lives.
    pub(crate) async fn run_node(&mut self, run: &Run) -> Result<(), Halt> {
        if let Some(when) = &run.when
            && !self.holds(when).await?
        {
            return Ok(());
        }
        let login = self.is_login(run);
        if login && self.session_lives(run).await? {
            return Ok(());
        }
        let parameters = self.parameters(run)?;
        self.named_flow(run.flow.as_str(), parameters).await?;
        if let Some(until) = &run.until {
            let within = self.within(run.within);
            self.until(until, within).await?;
        }
        if login {
            self.session.lives_at(self.page()?.url());
            if self.logins > 0 {
                self.doors.signed_in().await;
            }
        }
        Ok(())
    }

    fn parameters(&self, run: &Run) -> Result<Option<Inputs>, Halt> {
        if run.with.is_empty() && self.bundle.script.reconcile.get(run.flow.as_str()).is_some() {
            return Ok(None);
        }
        self.eval(|scope| scope.parameters(run)).map(Some)
    }

    /// The parameters of a flow that is reached otherwise than by a `run` node: those written beside it, else those of the
    /// flow being run, where both are of one fragment. `here`: written in the flow being run, not in the script's own part.
    pub(crate) fn given(
        &self,
        flow: &str,
        with: &[(Name, Template)],
        here: bool,
    ) -> Result<Option<Inputs>, Halt> {
        if self.bundle.script.reconcile.get(flow).is_some() {
            return Ok(None);
        }
        if !with.is_empty() {
            return match (here, self.inputs.first()) {
                (false, Some(own)) => {
                    let given = self.scope_of(own).given(with);
                    given.map(Some).map_err(|fault| self.bad_input(&fault.to_string()))
                }
                _ => self.eval(|scope| scope.given(with)).map(Some),
            };
        }
        let prefix = |name: &str| name.rsplit_once('.').map(|(prefix, _)| prefix.to_owned());
        let same = self.running.last().is_some_and(|running| prefix(running) == prefix(flow));
        Ok(Some(if same {
            self.inputs.last().cloned().unwrap_or_default()
        } else {
            Inputs::default()
        }))
    }

    /// Runs a flow by name. A fragment's flow sees its parameters only; one of the script sees its inputs.
    pub(crate) fn named_flow<'a>(
        &'a mut self,
        name: &'a str,
        parameters: Option<Inputs>,
    ) -> BoxFuture<'a, Result<(), Halt>> {
        Box::pin(async move {
            let bundle = self.bundle;
            let Some(flow) = bundle.flow(name) else {
                return Err(self.raise("no_known_screen", &format!("no flow is called `{name}`")));
            };
            if self.inputs.len() > DEPTH_MAX {
                return Err(self.raise("no_known_screen", "flows call each other too deeply"));
            }
            let inner = parameters.is_some();
            let variables = std::mem::take(&mut self.variables);
            self.inputs.extend(parameters);
            self.running.push(name.to_owned());
            let result = self.flow(flow, false).await;
            self.running.pop();
            if inner && self.inputs.len() > 1 {
                self.inputs.pop();
            }
            self.variables = variables;
            result
        })
    }

    /// Whether the conditions of a `when` hold: inputs first, then one look at a quiet page.
    pub(crate) async fn holds(&mut self, when: &When) -> Result<bool, Halt> {
        if !self.eval(|scope| scope.inputs_allow(when))? {
            return Ok(false);
        }
        if when.see.is_empty() && when.screen.is_none() {
            return Ok(true);
        }
        let page = self.page()?;
        page.quiet(Deadline::within(std::time::Duration::from_secs(2))).await;
        for target in &when.see {
            if self.glance(&page, target).await?.is_none() {
                return Ok(false);
            }
        }
        match &when.screen {
            Some(screen) => self.shows(&page, screen.as_str()).await,
            None => Ok(true),
        }
    }

    /// Waits as `until` says: the first of its screens and what follows from it, or rows of a table.
    pub(crate) async fn until(&mut self, until: &Until, within: Deadline) -> Result<String, Halt> {
        match &until.what {
            UntilWhat::Rows(rows) => {
                self.until_rows(rows, within).await?;
                Ok("rows".to_owned())
            }
            UntilWhat::Branches(branches) => self.branches(branches, within).await,
        }
    }

    async fn branches(&mut self, branches: &[Branch], within: Deadline) -> Result<String, Halt> {
        let mut within = within;
        let length = within.left();
        let mut ran: Vec<u32> = vec![0; branches.len()];
        let names: Vec<&str> = branches.iter().map(|branch| branch.screen.as_str()).collect();
        loop {
            let at = self.race(&names, within).await?;
            let Some(branch) = branches.get(at) else {
                return Err(self.raise("no_known_screen", "a screen without a branch"));
            };
            self.observe.log(&format!("screen `{}`", branch.screen));
            if !branch.capture.is_empty() {
                let soon = Deadline::within(std::time::Duration::from_secs(5));
                self.captures(&branch.capture, soon).await?;
            }
            match &branch.then {
                BranchThen::GoOn => return Ok(branch.screen.text.clone()),
                BranchThen::Raise(name) => {
                    let detail = self.shown_captures(&branch.capture);
                    return Err(self.raise(name.as_str(), &detail));
                }
                BranchThen::Run { flow, with, at_most } => {
                    ran[at] += 1;
                    if ran[at] > at_most.unwrap_or(1) {
                        let code = self.flow_types_code(flow.as_str());
                        let name = if code { "code_rejected" } else { "no_known_screen" };
                        let detail = format!("screen `{}` showed again and again", branch.screen);
                        return Err(self.raise(name, &detail));
                    }
                    let given = self.given(flow.as_str(), with, true)?;
                    self.named_flow(flow.as_str(), given).await?;
                    // The same wait again, with its full time: the branch was progress.
                    within = Deadline::within(length);
                }
            }
        }
    }

    /// A step of the record begins, with the picture before.
    pub(crate) async fn begin(
        &mut self,
        name: &str,
        kind: &str,
        effect: Effect,
        span: &domain::script::Span,
    ) {
        self.observe.begin(name, kind, effect, Some(span)).await;
        if let Ok(page) = self.page()
            && page.url().starts_with("http")
        {
            self.observe.picture(&page, Moment::Before).await;
        }
    }

    /// The step of the record is done, with the picture after.
    pub(crate) async fn done(&mut self, screen: Option<String>) {
        if let Ok(page) = self.page() {
            let picture = self.observe.picture(&page, Moment::After).await;
            // A number without a picture of its own was read from this very page.
            for reference in &mut self.references {
                reference.evidence = reference.evidence.or(picture);
            }
        }
        self.observe.end(StepState::Done, screen).await;
    }
}
