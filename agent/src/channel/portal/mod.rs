//! The portal channel: script × browser → steps, evidence and an end. No HTTP to the coordinator, no CDP.
//!
//! `run` nodes and verbs · `act` one deed on one element · `locate` strategies that vote · `screen` the race of
//! screens · `watch` interruptions · `commit` the one irreversible act, `proof` what follows it · `capture`, `classify` reading ·
//! `heal` lost elements · `fetch` reading without rendering, `paper` what was fetched · `table` rows, `long` rows out of view ·
//! `attach` files · `reconcile` looking for a record · `safe` beginning again · `unknown` what stands on a page nobody knows ·
//! `session` the portal session of a slot.

mod act;
mod attach;
mod attest;
mod capture;
mod classify;
mod commit;
mod fail;
mod fetch;
pub mod heal;
mod hover;
mod locate;
mod login;
mod long;
mod paper;
mod press;
mod proof;
mod reconcile;
mod run;
mod safe;
mod screen;
mod session;
mod step;
mod table;
mod unknown;
mod watch;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use domain::{
    lease::Purpose,
    outcome::{Answer, Fact, FailureKind, Outcome, Reference},
    script::{
        Bundle,
        ast::{Commit, Flow, Node, Run},
        expr::{Fault, Scope},
        inputs::Inputs,
        value::Value,
    },
    time::Timestamp,
    wire::{End, Finding, Order, Proof},
};

use crate::{
    browser::{Deadline, Page},
    channel::{Doors, Errand},
    clock,
    observe::Observer,
    polite::Pace,
};

pub(crate) use fail::Halt;
pub use fetch::Reading;
pub use session::{Session, SessionOf};

/// Longest time of one attempt.
const ATTEMPT_MAX: Duration = Duration::from_secs(900);
/// Longest wait of one step, whatever the script says.
const STEP_MAX: Duration = Duration::from_secs(60);
/// Restarts from the safe point per attempt.
const RESTARTS_MAX: u32 = 2;

/// How far a commit came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CommitState {
    /// The script has none, or it was not reached.
    None,
    /// Stopped before it, with the guard checked (a trial without leave to commit).
    Stopped,
    /// Nothing was sent.
    NotSent,
    /// Proved.
    Confirmed,
    /// It may have been sent.
    InDoubt,
}

/// What an attempt gave.
pub struct Finished {
    /// How it ended; none when the lease was lost on the way (nothing may be reported) or a trial stopped as asked.
    pub end: Option<End>,
    /// Logins made.
    pub logins: u32,
    /// Whether a live portal session was reused.
    pub session_reused: bool,
    /// Whether the portal session may be kept for the next job.
    pub session_good: bool,
    /// How far a commit came.
    pub commit: CommitState,
    /// Whether the answer was read from a shown page.
    pub reading: Reading,
    /// What the script's elements looked like, where that was asked for.
    pub prints: heal::Prints,
    /// Pictures around those of them that were not known, or looked otherwise.
    pub crops: BTreeMap<String, domain::id::EvidenceId>,
    /// Where the pages differ from the script.
    pub drift: Vec<heal::Drift>,
    /// What was captured, for a trial's report.
    pub captured: Vec<(String, String, String)>,
}

/// One run of one script.
pub(crate) struct Portal<'b> {
    pub(crate) bundle: &'b Bundle,
    pub(crate) errand: &'b Errand,
    pub(crate) doors: Arc<dyn Doors>,
    pub(crate) observe: &'b mut Observer,
    pub(crate) session: &'b mut Session,
    pub(crate) pace: &'b mut Pace,
    /// The script's inputs, then the parameters of the fragment flows being run.
    inputs: Vec<Inputs>,
    variables: Vec<(String, Value)>,
    captured: BTreeMap<String, Value>,
    read_by: BTreeMap<String, String>,
    /// Captured files as they were kept.
    files: BTreeMap<String, domain::id::EvidenceId>,
    references: Vec<Reference>,
    facts: Vec<Fact>,
    outcome: Option<Outcome>,
    proof: Option<Proof>,
    finding: Option<Finding>,
    rows: Option<reconcile::Collected>,
    search_from: Timestamp,
    /// A draft step has run since the last safe point.
    drafted: bool,
    restarts: u32,
    /// A failed reading was tried again once, or nothing may be any more.
    repeated: bool,
    /// Names of the flows being run, the innermost last.
    running: Vec<String>,
    /// Watcher → how often it acted.
    watched: BTreeMap<usize, u32>,
    watching: bool,
    /// The last reading of a page.
    look: Option<screen::Look>,
    logins: u32,
    session_reused: bool,
    commit: CommitState,
    reading: Reading,
    /// What was fetched, while the rendered way is gone for comparison.
    fetched: Option<fetch::Fetched>,
    prints: heal::Prints,
    crops: BTreeMap<String, domain::id::EvidenceId>,
    drift: Vec<heal::Drift>,
    /// What the pointer was moved over since the last other act, from outside in.
    over: Vec<locate::Sought>,
    /// Healed elements and how they are found for the rest of the attempt.
    stand_ins: BTreeMap<String, crate::browser::Query>,
    /// A login put off until a page is needed.
    owed_login: Option<Run>,
    /// Steps and flows a fetched answer still stands for.
    stood_for: Vec<String>,
    /// Element and value as read back, in order: what the form holds.
    payload: Vec<String>,
    /// Undeclared dialogs are somebody else's concern now (a commit judges them itself).
    dialogs_held: bool,
    deadline: Deadline,
}

/// Runs the errand in this session. Steps and evidence go through `observe`.
pub async fn run(
    errand: &Errand,
    doors: Arc<dyn Doors>,
    observe: &mut Observer,
    session: &mut Session,
    pace: &mut Pace,
) -> Finished {
    let bundle = Arc::clone(&errand.bundle);
    let mut portal = Portal::new(&bundle, errand, doors, observe, session, pace);
    let result = portal.whole().await;
    portal.finish(result).await
}

/// Gives a portal session up: signs out where the portal's fragment knows how. Best effort.
pub async fn leave(
    errand: &Errand,
    doors: Arc<dyn Doors>,
    observe: &mut Observer,
    session: &mut Session,
    pace: &mut Pace,
) {
    if !session.is_signed_in() {
        return;
    }
    if session.context.is_shut()
        && let Err(error) = session.move_out().await
    {
        tracing::debug!(%error, "a portal session could not be given up");
        return;
    }
    let bundle = Arc::clone(&errand.bundle);
    Portal::new(&bundle, errand, doors, observe, session, pace).log_out().await;
}

impl<'b> Portal<'b> {
    fn new(
        bundle: &'b Bundle,
        errand: &'b Errand,
        doors: Arc<dyn Doors>,
        observe: &'b mut Observer,
        session: &'b mut Session,
        pace: &'b mut Pace,
    ) -> Self {
        let opened = errand.intent_opened_at.unwrap_or_else(clock::now);
        Portal {
            bundle,
            errand,
            doors,
            observe,
            session,
            pace,
            inputs: Vec::new(),
            variables: Vec::new(),
            captured: BTreeMap::new(),
            read_by: BTreeMap::new(),
            files: BTreeMap::new(),
            references: Vec::new(),
            facts: Vec::new(),
            outcome: None,
            proof: None,
            finding: None,
            rows: None,
            search_from: opened.plus_ms(-24 * 3_600_000),
            drafted: false,
            restarts: 0,
            repeated: false,
            running: Vec::new(),
            watched: BTreeMap::new(),
            watching: false,
            look: None,
            logins: 0,
            session_reused: false,
            commit: CommitState::None,
            reading: Reading::Rendered,
            fetched: None,
            prints: heal::Prints::new(),
            crops: BTreeMap::new(),
            drift: Vec::new(),
            over: Vec::new(),
            stand_ins: BTreeMap::new(),
            owed_login: None,
            stood_for: Vec::new(),
            payload: Vec::new(),
            dialogs_held: false,
            deadline: Deadline::within(ATTEMPT_MAX),
        }
    }

    async fn whole(&mut self) -> Result<(), Halt> {
        let bundle = self.bundle;
        let needs = &bundle.script.parts.needs;
        let projected = needs.project(&self.errand.inputs);
        match needs.check(&projected) {
            Ok(inputs) => self.inputs.push(inputs),
            Err(faults) => {
                let list: Vec<String> = faults.iter().map(ToString::to_string).collect();
                return Err(self.bad_input(&list.join("; ")));
            }
        }
        self.blacken_masked();
        if let Err(error) = self.session.works_for(bundle).await {
            return Err(self.broken(&error));
        }
        match self.errand.purpose {
            Purpose::Reconcile => self.look_for_record().await,
            Purpose::Work => loop {
                match self.flow(&bundle.script.flow, true).await {
                    // Behind the commit's latch there is no safe point.
                    Err(Halt::Restart) if self.commit == CommitState::None => {
                        self.begin_again().await?;
                    }
                    Err(Halt::Failed(failure)) if self.may_repeat(&failure) => {
                        self.repeat(&failure).await?;
                    }
                    other => break other,
                }
            },
        }
    }

    async fn finish(mut self, result: Result<(), Halt>) -> Finished {
        let mut session_good = result.is_ok();
        let stopped = result.is_err();
        let end = match result {
            Ok(()) => Some(self.good_end()),
            // What was proved stays proved, whatever came after it: the answer is read by the next status check.
            Err(halt) if self.proof.is_some() => {
                self.tell_after_proof(halt);
                Some(self.good_end())
            }
            Err(Halt::LeaseEnded) => None,
            Err(Halt::Stopped) => {
                session_good = true;
                self.commit = CommitState::Stopped;
                None
            }
            Err(Halt::Restart) => {
                let failure =
                    self.failure("watch_loop", "a restart was asked for where none is allowed");
                Some(End::Failure { failure, candidates: Vec::new() })
            }
            Err(Halt::Failed(mut failure)) => {
                failure.retry_after = self.page().ok().and_then(|page| page.retry_after());
                self.tell_failure(&failure);
                // An answer about the request says nothing against the session; a probe proves it anyway.
                session_good = matches!(
                    failure.kind,
                    FailureKind::NotFound | FailureKind::Refused | FailureKind::BadInput
                );
                Some(End::Failure { failure: *failure, candidates: Vec::new() })
            }
            Err(Halt::Unsure(failure, candidates)) => {
                self.commit = CommitState::InDoubt;
                Some(End::Failure { failure: *failure, candidates })
            }
        };
        if stopped {
            if let Ok(page) = self.page()
                && !self.observe.lease_ended()
            {
                self.observe.picture(&page, domain::evidence::Moment::After).await;
                self.observe.document(&page, domain::evidence::Moment::After).await;
            }
            self.observe.fail_open().await;
        }
        let captured = self
            .captured
            .iter()
            .map(|(name, value)| {
                let shown = match value {
                    Value::File(_) => "(file)".to_owned(),
                    Value::Date(date) => date.to_string(),
                    Value::Datetime(at) => at.to_string(),
                    other => other.plain().unwrap_or_default(),
                };
                let by = self.read_by.get(name).cloned().unwrap_or_default();
                (name.clone(), shown, by)
            })
            .collect();
        Finished {
            end,
            logins: self.logins,
            session_reused: self.session_reused,
            session_good,
            commit: self.commit,
            reading: self.reading,
            prints: self.prints,
            crops: self.crops,
            drift: self.drift,
            captured,
        }
    }

    /// What ended the flow behind a proved submission, for the record and for whoever keeps the script.
    fn tell_after_proof(&mut self, halt: Halt) {
        let why = match halt {
            Halt::Failed(failure) | Halt::Unsure(failure, _) => {
                let told = self.drift.len();
                self.tell_failure(&failure);
                if self.drift.len() == told {
                    self.tell_meaning(&failure.name);
                }
                failure.say
            }
            Halt::LeaseEnded => "the lease ended".to_owned(),
            Halt::Stopped => "the agent was told to stop".to_owned(),
            Halt::Restart => "the portal asked to begin again".to_owned(),
        };
        self.observe.log(&format!("the submission is proved; what follows it was not done: {why}"));
    }

    fn good_end(&mut self) -> End {
        if self.errand.purpose == Purpose::Reconcile {
            return match self.finding.take() {
                Some(finding) => End::Finding { finding },
                None => End::Failure {
                    failure: self.failure("no_known_screen", "the search ended without a decision"),
                    candidates: Vec::new(),
                },
            };
        }
        self.compare_readings();
        let mut outcome = self.outcome.take().unwrap_or(Outcome {
            answer: Answer::Received,
            raw_words: String::new(),
            references: Vec::new(),
            facts: Vec::new(),
            via: "agent".to_owned(),
        });
        outcome.references = std::mem::take(&mut self.references);
        outcome.facts = std::mem::take(&mut self.facts);
        End::Outcome { outcome, proof: self.proof.take() }
    }

    /// Everything a template can name now.
    pub(crate) fn scope(&self) -> Scope<'_> {
        self.scope_of(self.inputs.last().unwrap_or(&NO_INPUTS))
    }

    fn scope_of<'s>(&'s self, inputs: &'s Inputs) -> Scope<'s> {
        Scope {
            bundle: self.bundle,
            inputs,
            variables: self.variables.clone(),
            captured: &self.captured,
            now: clock::now(),
            search_from: Some(self.search_from),
        }
    }

    /// Evaluates in the scope of the flow being run; elements declared in the script may name the script's inputs
    /// while a fragment's flow runs.
    pub(crate) fn eval<T>(&self, what: impl Fn(&Scope<'_>) -> Result<T, Fault>) -> Result<T, Halt> {
        let inner = what(&self.scope());
        match (inner, self.inputs.first()) {
            (Err(_), Some(outer)) if self.inputs.len() > 1 => what(&self.scope_of(outer)),
            (inner, _) => inner,
        }
        .map_err(|fault| self.bad_input(&fault.to_string()))
    }

    /// The page worked on.
    pub(crate) fn page(&self) -> Result<Page, Halt> {
        match self.session.context.current() {
            Some(page) if page.is_crashed() => Err(self.raise("page_crashed", "the page crashed")),
            Some(page) => Ok(page),
            None => Err(self.raise("page_crashed", "no page is open")),
        }
    }

    /// The lease, the clock and the orders: whether anything may still be done.
    pub(crate) fn may_go_on(&self) -> Result<(), Halt> {
        let standing = self.doors.standing();
        if self.observe.lease_ended() || standing.order == Order::Stop || standing.left.is_zero() {
            return Err(Halt::LeaseEnded);
        }
        if self.deadline.passed() {
            return Err(self.raise("out_of_time", "the attempt took longer than it may"));
        }
        Ok(())
    }

    /// The time of a step's waits.
    pub(crate) fn within(&self, own: Option<domain::script::ast::Wait>) -> Deadline {
        let wait = own.unwrap_or(self.bundle.script.parts.defaults.within).duration();
        Deadline::within(wait.min(STEP_MAX)).at_most(self.deadline.left())
    }

    /// The script's commit, if it has one.
    pub(crate) fn commit_node(&self) -> Option<&'b Commit> {
        fn of(flow: &Flow) -> Option<&Commit> {
            flow.nodes.iter().find_map(|node| match node {
                Node::Commit(commit) => Some(commit.as_ref()),
                Node::Run(_)
                | Node::Step(_)
                | Node::Capture(_)
                | Node::Classify(_)
                | Node::Rows(_)
                | Node::Known(_)
                | Node::Decide(_) => None,
            })
        }
        of(&self.bundle.script.flow)
    }
}

static NO_INPUTS: Inputs = Inputs { fields: BTreeMap::new() };
