//! The portal session of a slot: one isolated browser context, signed in as one account at one payer, kept alive
//! between jobs and proved alive before it is used again.
//!
//! Nothing in the script is needed for that: the first `run` whose flow types a secret and that waits for a screen
//! is the login. When it has reached its screen, the address shown is remembered as *home*. The next job of the same
//! payer and account opens that address; if the login's own screen shows, the login is skipped, otherwise the context
//! is thrown away and the login runs. A flow called `logout` in the fragment of the login is run, if there is one,
//! before a living session is given up, because some portals refuse a second login until the first one has ended.

use std::time::Duration;

use domain::{
    script::{
        Bundle,
        ast::{BranchThen, FillValue, Flow, Node, Run, UntilWhat, Verb},
        inputs::Inputs,
    },
    step::{Effect, StepState},
};

use super::{Halt, Portal};
use crate::browser::{Browser, Context, Deadline, Error, Page};

/// How long a warm session may take to show that it is alive.
const PROBE_MAX: Duration = Duration::from_secs(15);

/// Whose session it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionOf {
    /// Payer.
    pub payer: String,
    /// Account name at the coordinator, never its user name at the portal.
    pub account: String,
}

/// One portal session.
pub struct Session {
    /// Whose it is.
    pub of: SessionOf,
    /// The browser context.
    pub context: Context,
    browser: Browser,
    /// Hosts its pages may reach: those of the script it works for.
    hosts: Vec<String>,
    /// The time zone its pages see, where the script says one.
    zone: Option<String>,
    home: Option<String>,
    /// It comes from an earlier job and has not been proved alive in this one.
    warm: bool,
}

impl Session {
    /// A fresh one, signed in nowhere.
    ///
    /// # Errors
    /// The browser cannot make a context.
    pub async fn open(browser: &Browser, of: SessionOf) -> Result<Self, Error> {
        let context = browser.new_context().await?;
        Ok(Self {
            of,
            context,
            browser: browser.clone(),
            hosts: Vec::new(),
            zone: None,
            home: None,
            warm: false,
        })
    }

    /// The next job begins with what the last one left.
    pub fn rest(&mut self) {
        self.warm = true;
        drop(self.context.take_dialogs());
        drop(self.context.take_downloads());
        self.context.expect_dialogs(Vec::new());
    }

    /// From now on its pages reach the hosts of this script and no others, and see its time zone.
    pub(crate) async fn works_for(&mut self, bundle: &Bundle) -> Result<(), Error> {
        // A port is part of a listed name where the script says one; the way out knows hosts only.
        let name = |listed: &str| listed.split(':').next().unwrap_or(listed).to_owned();
        self.hosts = bundle.script.hosts.iter().map(|(host, _)| name(&host.text)).collect();
        self.context.only_hosts(self.hosts.clone()).await?;
        drop(self.context.take_refused_hosts());
        let zone = bundle.script.parts.defaults.timezone.as_ref();
        self.zone = zone.map(|zone| zone.text.clone());
        self.context.set_timezone(self.zone.as_deref()).await
    }

    /// Whether it is signed in, as far as known.
    #[must_use]
    pub fn is_signed_in(&self) -> bool {
        self.home.is_some()
    }

    /// The current page; a new one when none is open.
    ///
    /// # Errors
    /// The browser cannot open one.
    pub async fn any_page(&self) -> Result<Page, Error> {
        match self.context.current() {
            Some(page) if !page.is_crashed() => Ok(page),
            _ => {
                let page = self.context.new_page().await?;
                self.context.make_current(&page);
                Ok(page)
            }
        }
    }

    /// Signed in, and this is home.
    pub(crate) fn lives_at(&mut self, url: String) {
        self.home = Some(url);
        self.warm = false;
    }

    /// Throws the context away and starts with a fresh one.
    async fn renew(&mut self) -> Result<(), Error> {
        let fresh = self.browser.new_context().await?;
        fresh.only_hosts(self.hosts.clone()).await?;
        fresh.set_timezone(self.zone.as_deref()).await?;
        let old = std::mem::replace(&mut self.context, fresh);
        self.home = None;
        self.warm = false;
        if let Err(error) = old.dispose().await {
            tracing::debug!(%error, "a context could not be disposed of");
        }
        Ok(())
    }

    /// Nothing leaves a context whose submit gate has shut for good, not even a sign-out. The session goes on in a fresh context: with
    /// its cookies and without its pages, so without anything that could be sent again.
    pub(crate) async fn move_out(&mut self) -> Result<(), Error> {
        let cookies = self.context.cookies().await?;
        let home = self.home.take();
        self.renew().await?;
        self.context.set_cookies(&cookies).await?;
        self.home = home;
        Ok(())
    }

    /// Ends it.
    pub async fn close(self) {
        if let Err(error) = self.context.dispose().await {
            tracing::debug!(%error, "a context could not be disposed of");
        }
    }
}

impl Portal<'_> {
    /// Whether a `run` is a login: its flow types a secret, and it waits for the screen behind it.
    pub(crate) fn is_login(&self, run: &Run) -> bool {
        run.until.is_some() && types_secret(self.bundle, run.flow.as_str(), 0)
    }

    /// Whether a flow types a one-time code.
    pub(crate) fn flow_types_code(&self, name: &str) -> bool {
        self.bundle
            .flow(name)
            .is_some_and(|flow| fills(flow).any(|value| matches!(value, FillValue::Otp(_))))
    }

    /// Whether the login may be skipped, because the session of this slot is alive.
    pub(crate) async fn session_lives(&mut self, run: &Run) -> Result<bool, Halt> {
        if self.session.home.is_none() {
            return Ok(false);
        }
        let warm = self.session.warm;
        self.observe.begin("session-probe", "probe", Effect::Read, Some(&run.span)).await;
        let alive = match self.go_home(run, PROBE_MAX).await {
            Ok(()) => true,
            Err(Halt::LeaseEnded) => return Err(Halt::LeaseEnded),
            Err(_) => false,
        };
        if alive {
            self.observe.log("the portal session is alive; no login");
            self.session_reused |= warm;
            self.session.warm = false;
        } else {
            self.observe.log("the portal session is over; a new login is made");
            // What the dead session left behind must not meet the new one.
            drop(self.session.context.take_dialogs());
            self.session.renew().await.map_err(|error| self.broken(&error))?;
        }
        self.observe.end(StepState::Done, None).await;
        Ok(alive)
    }

    /// Back to the screen behind the login.
    pub(crate) async fn back_home(&mut self, run: &Run) -> Result<(), Halt> {
        if self.session.home.is_none() {
            return Ok(());
        }
        let within = self.within(run.within).left();
        self.go_home(run, within).await
    }

    async fn go_home(&mut self, run: &Run, time: Duration) -> Result<(), Halt> {
        let Some(home) = self.session.home.clone() else { return Ok(()) };
        let within = Deadline::within(time);
        // Only the screens that mean "signed in" count; those a login would answer end the wait at once.
        let mut screens: Vec<&str> = match run.until.as_ref().map(|until| &until.what) {
            Some(UntilWhat::Branches(branches)) => branches
                .iter()
                .filter(|branch| matches!(branch.then, BranchThen::GoOn))
                .map(|branch| branch.screen.as_str())
                .collect(),
            Some(UntilWhat::Rows(_)) | None => Vec::new(),
        };
        if screens.is_empty() {
            return Err(self.raise("no_known_screen", "no screen tells that the session lives"));
        }
        let alive = screens.len();
        let flow = self.bundle.flow(run.flow.as_str());
        let asked =
            flow.into_iter().flat_map(asking).filter(|name| !screens[..alive].contains(name));
        screens.extend(asked.collect::<Vec<_>>());
        self.expect_dialogs(None)?;
        // Watchers that sign in again must not act here: a probe only looks.
        let watching = std::mem::replace(&mut self.watching, true);
        let result = async {
            self.open(&home, within).await?;
            self.race(&screens, within).await
        }
        .await;
        self.watching = watching;
        match result? {
            at if at < alive => Ok(()),
            at => {
                let shown = screens.get(at).copied().unwrap_or_default();
                Err(self.raise("no_known_screen", &format!("`{shown}` shows instead of home")))
            }
        }
    }

    /// One node of a flow outside the order of its flow.
    pub(crate) async fn flow_node(&mut self, node: &Node) -> Result<(), Halt> {
        let one = Flow { nodes: vec![node.clone()], span: node.span().clone() };
        self.flow(&one, false).await
    }

    /// Runs the portal's own `logout`, if the login's fragment has one. Best effort.
    pub(crate) async fn log_out(&mut self) {
        let login = self.bundle.script.flow.nodes.iter().find_map(|node| match node {
            Node::Run(run) if self.is_login(run) => Some(run.flow.text.clone()),
            _ => None,
        });
        let Some((prefix, _)) = login.as_deref().and_then(|name| name.rsplit_once('.')) else {
            return;
        };
        let name = format!("{prefix}.logout");
        if self.bundle.flow(&name).is_none() || self.session.home.is_none() {
            return;
        }
        self.watching = true;
        let flow = self.named_flow(&name, Some(Inputs::default()));
        let ended = tokio::time::timeout(Duration::from_secs(15), flow).await;
        if !matches!(ended, Ok(Ok(()))) {
            tracing::debug!("the portal's logout did not come through");
        }
    }
}

fn types_secret(bundle: &Bundle, name: &str, depth: usize) -> bool {
    let Some(flow) = bundle.flow(name) else { return false };
    depth < 6
        && (fills(flow).any(|value| !matches!(value, FillValue::Text(_)))
            || calls(flow).any(|called| types_secret(bundle, called, depth + 1)))
}

/// Screens the waits of a flow answer or refuse: with one of them showing nobody is signed in.
fn asking(flow: &Flow) -> impl Iterator<Item = &str> {
    steps(flow)
        .flat_map(|step| &step.verbs)
        .filter_map(|verb| match verb {
            Verb::Until(until) => Some(&until.what),
            _ => None,
        })
        .filter_map(|what| match what {
            UntilWhat::Branches(branches) => Some(branches),
            UntilWhat::Rows(_) => None,
        })
        .flatten()
        .filter(|branch| !matches!(branch.then, BranchThen::GoOn))
        .map(|branch| branch.screen.as_str())
}

/// Flows a flow runs: by nodes of its own, and by branches of its waits.
fn calls(flow: &Flow) -> impl Iterator<Item = &str> {
    let waits = steps(flow).flat_map(|step| &step.verbs).filter_map(|verb| match verb {
        Verb::Until(until) => Some(until),
        _ => None,
    });
    let after = runs(flow).filter_map(|run| run.until.as_ref());
    let branches = waits
        .chain(after)
        .filter_map(|until| match &until.what {
            UntilWhat::Branches(branches) => Some(branches),
            UntilWhat::Rows(_) => None,
        })
        .flatten()
        .filter_map(|branch| match &branch.then {
            BranchThen::Run { flow, .. } => Some(flow.as_str()),
            BranchThen::GoOn | BranchThen::Raise(_) => None,
        });
    runs(flow).map(|run| run.flow.as_str()).chain(branches)
}

fn runs(flow: &Flow) -> impl Iterator<Item = &Run> {
    flow.nodes
        .iter()
        .filter_map(|node| if let Node::Run(run) = node { Some(run.as_ref()) } else { None })
}

fn steps(flow: &Flow) -> impl Iterator<Item = &domain::script::ast::Step> {
    flow.nodes
        .iter()
        .filter_map(|node| if let Node::Step(step) = node { Some(step.as_ref()) } else { None })
}

fn fills(flow: &Flow) -> impl Iterator<Item = &FillValue> {
    steps(flow)
        .flat_map(|step| &step.verbs)
        .filter_map(|verb| if let Verb::Fill(fills) = verb { Some(fills) } else { None })
        .flatten()
        .map(|fill| &fill.value)
}
