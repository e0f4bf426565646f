//! Looking for a record at the payer: before anything is filled, and when a submission is in doubt. Read-only.

use std::time::Duration;

use domain::{
    evidence::Moment,
    id::EvidenceId,
    outcome::{Answer, Reference},
    script::ast::{Decide, KnownRows, Node, Rows},
    step::{Effect, StepState},
    wire::Finding,
};

use super::{Halt, Portal, long::Looked, screen::Look, table::SHOWN};
use crate::browser::{Deadline, Tries, Why};

/// What `rows` collected.
pub(crate) struct Collected {
    count: u32,
    /// Whether this visit showed that the search works: without it "nothing" means nothing.
    recognised: bool,
    picture: Option<EvidenceId>,
}

/// Longest wait for the known record to show. Its absence is no error.
const KNOWN_MAX: Duration = Duration::from_secs(15);

impl Portal<'_> {
    /// The errand of a reconcile: only the flow that settles a doubt.
    pub(crate) async fn look_for_record(&mut self) -> Result<(), Halt> {
        let name = self.commit_node().map(|commit| commit.unsure.text.clone());
        let bundle = self.bundle;
        let Some(flow) = name.as_deref().and_then(|name| bundle.script.reconcile.get(name)) else {
            return Err(self.raise("no_known_screen", "this script cannot look for a record"));
        };
        loop {
            self.rows = None;
            match self.flow(flow, false).await {
                Err(Halt::Restart) => {
                    self.restarts += 1;
                    if self.restarts > super::RESTARTS_MAX {
                        return Err(self.raise("watch_loop", "the search was restarted too often"));
                    }
                }
                Err(Halt::Failed(failure)) if self.may_repeat(&failure) => {
                    self.repeat(&failure).await?;
                }
                other => return other,
            }
        }
    }

    /// Search first: when the payer already has this request, nothing is filled. `login` is the node that has just
    /// made the portal session; its screen is gone back to afterwards.
    pub(crate) async fn search_first(&mut self, login: Option<&Node>) -> Result<(), Halt> {
        let Some(commit) = self.commit_node() else { return Ok(()) };
        let bundle = self.bundle;
        let Some(flow) = bundle.script.reconcile.get(commit.unsure.as_str()) else {
            return Ok(());
        };
        self.rows = None;
        self.observe.begin("search-first", "search", Effect::Read, Some(&commit.span)).await;
        let captured = self.captured.clone();
        let (references, facts) = (self.references.clone(), self.facts.clone());
        for node in &flow.nodes {
            // The session stands: its login is not repeated.
            if matches!(node, Node::Run(run) if self.is_login(run)) {
                continue;
            }
            // Nothing rests on this "nothing": the intent stops a second submission, so the payer is not asked twice.
            if self.rows.is_some() && !matches!(node, Node::Decide(_)) {
                continue;
            }
            self.flow_node(node).await?;
        }
        match self.finding.take() {
            Some(Finding::None { .. }) => self.observe.log("no such request at the payer yet"),
            Some(Finding::One { .. }) => {
                let detail = "the payer already has a request for this member, service and time";
                return Err(self.raise("already_filed", detail));
            }
            Some(Finding::Many { count }) => {
                let detail = format!("the payer already has {count} such requests");
                return Err(self.raise("already_filed", &detail));
            }
            None => {
                return Err(self.raise("no_known_screen", "the search gave no decision"));
            }
        }
        self.captured = captured;
        self.references = references;
        self.facts = facts;
        if let Some(Node::Run(run)) = login {
            self.back_home(run).await?;
        }
        self.observe.end(StepState::Done, None).await;
        Ok(())
    }

    /// `rows`: collects matching rows over all pages. None counts as absence only by positive recognition.
    pub(crate) async fn rows(&mut self, rows: &Rows) -> Result<(), Halt> {
        self.begin("rows", "rows", Effect::Read, &rows.span).await;
        let within = self.within(None);
        let Some(mut table) = self.table_or_empty(rows, within).await? else {
            self.collected(0, false).await;
            return Ok(());
        };
        let mut count = 0;
        // Rows of other requests show that the search works.
        let recognised = !table.rows.is_empty();
        let mut turned = 0;
        loop {
            // Absence is concluded from rows that were seen: all of them, also those a long table renders later.
            let page = self.page()?;
            let none = self.wanted_rows(&table, &rows.cells)?.is_empty();
            table = self.with_all_rows(&page, table, &mut Looked::Shown, none).await?;
            for row in self.wanted_rows(&table, &rows.cells)? {
                count += 1;
                if count == 1 {
                    self.take_cells(&table, &row, &rows.take, SHOWN)?;
                }
            }
            let Some(pages) = &rows.pages else { break };
            if turned == pages.at_most {
                // More may follow: what was seen is not all, so absence cannot be concluded.
                if count == 0 {
                    let detail = format!("{turned} further pages read and the list goes on");
                    return Err(self.raise("no_known_screen", &detail));
                }
                break;
            }
            let deadline = self.within(None);
            if !self.turn_page(pages, &table, deadline).await? {
                break;
            }
            turned += 1;
            match self.table_or_empty(rows, deadline).await? {
                Some(next) if !next.rows.is_empty() => table = next,
                _ => break,
            }
        }
        self.collected(count, recognised).await;
        Ok(())
    }

    async fn collected(&mut self, count: u32, recognised: bool) {
        let picture = match self.page() {
            Ok(page) => self.observe.full_page(&page, Moment::After).await,
            Err(_) => None,
        };
        self.observe.log(&format!("{count} row(s) fit"));
        self.rows = Some(Collected { count, recognised, picture });
        self.done(None).await;
    }

    /// Whether what the search gave needs nothing that shows it to work.
    pub(crate) fn search_is_clear(&self) -> bool {
        self.rows.as_ref().is_some_and(|rows| rows.count > 0 || rows.recognised)
    }

    /// `known`: the same visit shows a record that is known to be there, or a list with any row.
    pub(crate) async fn known(&mut self, known: &KnownRows) -> Result<(), Halt> {
        if self.rows.is_none() || self.search_is_clear() {
            return Ok(());
        }
        self.begin("known", "known", Effect::Read, &known.span).await;
        let given = self.errand.inputs.get("known").is_some();
        let shown = if known.cells.is_empty() || given {
            self.shows_known(known).await?
        } else {
            self.observe.log("no record is known that the search could show");
            false
        };
        self.observe.log(if shown {
            "the search works: what is known shows"
        } else {
            "nothing shows that the search works"
        });
        if let Some(rows) = &mut self.rows {
            rows.recognised = shown;
        }
        self.done(None).await;
        Ok(())
    }

    async fn shows_known(&mut self, known: &KnownRows) -> Result<bool, Halt> {
        let mut tries = Tries::until(self.within(None).at_most(KNOWN_MAX));
        loop {
            self.may_go_on()?;
            self.check_dialogs().await?;
            self.watch().await?;
            self.check_place()?;
            if let Some(table) = self.glance_table(&known.from).await?
                && !table.rows.is_empty()
                && !self.wanted_rows(&table, &known.cells)?.is_empty()
            {
                return Ok(true);
            }
            if tries.wait_look(Why::Missing).await.is_err() {
                return Ok(false);
            }
        }
    }

    /// The table with rows, or none when the `empty` screen holds in two looks.
    async fn table_or_empty(
        &mut self,
        rows: &Rows,
        within: Deadline,
    ) -> Result<Option<crate::browser::Table>, Halt> {
        let mut tries = Tries::until(within);
        let mut empties = 0;
        let mut last: Option<usize> = None;
        loop {
            self.may_go_on()?;
            self.check_dialogs().await?;
            self.watch().await?;
            self.check_place()?;
            if let Some(table) = self.glance_table(&rows.from).await?
                && !table.rows.is_empty()
            {
                // Two looks with the same number of rows: the list has settled.
                if last == Some(table.rows.len()) {
                    return Ok(Some(table));
                }
                last = Some(table.rows.len());
                empties = 0;
            } else if self.is_empty_screen(rows).await? {
                empties += 1;
                last = None;
                if empties >= 3 {
                    return Ok(None);
                }
            } else {
                empties = 0;
            }
            if tries.wait_look(Why::Missing).await.is_err() {
                let detail = format!(
                    "neither rows nor the screen `{}`: absence cannot be concluded",
                    rows.empty
                );
                return Err(self.raise("no_known_screen", &detail));
            }
        }
    }

    async fn is_empty_screen(&mut self, rows: &Rows) -> Result<bool, Halt> {
        let page = self.page()?;
        let Some(screen) = self.bundle.screen(rows.empty.as_str()) else { return Ok(false) };
        let mut look = Look::new(&page);
        Ok(self.lacks(&page, &mut look, screen).await?.is_none())
    }

    /// `decide`: what the number of rows means is told; what follows is the coordinator's to decide.
    pub(crate) async fn decide(&mut self, decide: &Decide) -> Result<(), Halt> {
        self.observe.begin("decide", "decide", Effect::Read, Some(&decide.span)).await;
        let Some(rows) = self.rows.take() else {
            return Err(self.raise("no_known_screen", "`decide` without `rows`"));
        };
        let Some(evidence) = rows.picture else {
            return Err(self.raise("not_actionable", "no picture of the search result"));
        };
        self.finding = Some(match rows.count {
            0 => Finding::None { evidence, recognised: rows.recognised },
            1 => Finding::One { outcome: self.found_outcome(evidence), evidence },
            count => Finding::Many { count },
        });
        self.observe.end(StepState::Done, None).await;
        Ok(())
    }

    fn found_outcome(&self, evidence: EvidenceId) -> domain::outcome::Outcome {
        let words = self
            .facts
            .iter()
            .find(|fact| fact.name.rsplit('.').next() == Some("status"))
            .map(|fact| fact.value.clone());
        let answer = words.as_deref().and_then(|words| self.answer_of(words));
        let mut outcome =
            self.answer(answer.unwrap_or(Answer::Received), words.as_deref().unwrap_or_default());
        "reconcile".clone_into(&mut outcome.via);
        outcome.facts.clone_from(&self.facts);
        outcome.references = self
            .references
            .iter()
            .cloned()
            .map(|reference| Reference { evidence: Some(evidence), ..reference })
            .collect();
        outcome
    }
}
