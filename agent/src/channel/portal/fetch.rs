//! `fetch`: an answer read without rendering. One GET in the name of the portal session; the same screens, captures and
//! classification as for a rendered page. What is new, unexpected or drawn for comparison is read from the rendered page as
//! well, and then the rendered page counts.
//!
//! Nothing is guessed from an answer: a login page, an interruption, an unknown screen or wording, a missing value each end
//! the fetch, and the rendered way begins. When both ways were gone and differ, the script's answers are not fetched any
//! more until it changes.

use std::{
    collections::BTreeSet,
    sync::{Mutex, PoisonError},
};

use domain::{
    evidence::{EvidenceKind, Moment},
    outcome::{Answer, Fact, Outcome, Reference},
    script::{
        ast::{
            self, CaptureSource, CaptureSpec, Classify, ClassifySource, Fetch, FetchAs, Flow, Node,
            PickRow, ReadAs, Run, Step, Target, Verb,
        },
        text::{TextKind, spaced},
    },
    step::{Effect, ReadValue, StepState},
};

use super::{
    Halt, Portal,
    capture::matched,
    classify::{roll_up, words_of},
    paper::{self, Paper},
    screen::holds_in,
    table::column,
};

/// At most this much of a fetched answer is kept as evidence, in characters.
const KEPT_MAX: usize = 400_000;

/// Scripts whose two ways of reading disagreed in this process.
static DISAGREED: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());

/// How a check was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reading {
    /// In the browser.
    Rendered,
    /// Without rendering; nothing had changed since the last check.
    Fetched,
    /// Both ways, with the same answer.
    Agreed,
    /// Both ways; the answers differ, the rendered one counts.
    Disagreed,
}

impl Reading {
    /// The word in a trial's report.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Rendered => "rendered",
            Self::Fetched => "fetched",
            Self::Agreed => "agreed",
            Self::Disagreed => "disagreed",
        }
    }
}

/// What a fetched answer said, kept for the comparison with the rendered page.
pub(crate) struct Fetched {
    outcome: Option<Outcome>,
    facts: Vec<Fact>,
    references: Vec<Reference>,
}

/// Why an answer could not be used.
enum Unread {
    /// The rendered way may still find it.
    Because(String),
    /// Nothing may go on.
    Halt(Halt),
}

impl From<Halt> for Unread {
    fn from(halt: Halt) -> Self {
        match halt {
            Halt::Failed(failure) => Self::Because(failure.detail),
            other => Self::Halt(other),
        }
    }
}

/// The `fetch` of a step, if it has one.
pub(crate) fn fetch_of(step: &Step) -> Option<&Fetch> {
    step.verbs.iter().find_map(|verb| match verb {
        Verb::Fetch(fetch) => Some(fetch.as_ref()),
        _ => None,
    })
}

impl Portal<'_> {
    fn may_fetch(&self) -> bool {
        let off = DISAGREED.lock().unwrap_or_else(PoisonError::into_inner);
        self.errand.reading.allowed && !off.contains(self.bundle.hash())
    }

    /// Whether a login can wait: the portal session lived a moment ago, and the next answer is fetched in its name.
    pub(crate) fn login_can_wait(&self, next: Option<&Node>) -> bool {
        let fetched = matches!(next, Some(Node::Step(step)) if fetch_of(step).is_some());
        fetched && self.session.is_signed_in() && self.may_fetch()
    }

    /// Makes the login that was put off, now that a page is needed.
    pub(crate) async fn pay_login(&mut self) -> Result<(), Halt> {
        match self.owed_login.take() {
            Some(run) => self.run_node(&run).await,
            None => Ok(()),
        }
    }

    /// A step with `fetch`: without rendering where that is enough, else its rendered way.
    pub(crate) async fn fetch_step(&mut self, step: &Step, fetch: &Fetch) -> Result<(), Halt> {
        let begin = (step.name.as_str(), Some(&step.span));
        if let Some(when) = &step.when
            && !self.holds(when).await?
        {
            self.observe.begin(begin.0, "fetch", Effect::Read, begin.1).await;
            self.observe.end(StepState::Skipped, None).await;
            return self.pay_login().await;
        }
        self.observe.begin(begin.0, "fetch", Effect::Read, begin.1).await;
        let mut read = self.fetched_or_why(step, fetch).await;
        if let Err(Unread::Because(why)) = &read
            && self.owed_login.is_some()
        {
            self.observe.log(&format!("{why}; the portal session is looked at"));
            self.pay_login().await?;
            read = self.fetched_or_why(step, fetch).await;
        }
        let trusted = match read {
            Ok(fetched) => self.trust_or_compare(fetch, fetched),
            Err(Unread::Halt(halt)) => return Err(halt),
            Err(Unread::Because(why)) => {
                if let Some(name) = &fetch.fallback_raise {
                    return Err(self.raise(name.as_str(), &why));
                }
                self.observe.log(&format!("read from the shown page instead: {why}"));
                false
            }
        };
        self.observe.end(StepState::Done, None).await;
        if trusted {
            return Ok(());
        }
        self.pay_login().await?;
        if fetch.instead_of.is_empty() { self.step(step).await } else { Ok(()) }
    }

    /// Whether the answer stands alone; otherwise it is put aside for the comparison.
    fn trust_or_compare(&mut self, fetch: &Fetch, fetched: Fetched) -> bool {
        let why = if !self.errand.reading.last.as_ref().is_some_and(|last| fetched.says(last)) {
            "the answer is new"
        } else if self.errand.reading.draw.is_multiple_of(fetch.shadow.max(1)) {
            "this check is drawn for comparison"
        } else {
            self.observe.log("nothing has changed since the last check; no page is shown");
            self.reading = Reading::Fetched;
            self.outcome = fetched.outcome;
            self.stood_for = fetch.instead_of.iter().map(|name| name.text.clone()).collect();
            return true;
        };
        self.observe.log(&format!("{why}: it is read from the shown page as well"));
        self.captured.clear();
        self.references.clear();
        self.facts.clear();
        self.fetched = Some(fetched);
        false
    }

    async fn fetched_or_why(&mut self, step: &Step, fetch: &Fetch) -> Result<Fetched, Unread> {
        let within = self.within(step.within);
        self.may_go_on()?;
        if !self.may_fetch() {
            return Err(Unread::Because("this script's answers are not fetched now".to_owned()));
        }
        let address = self.fetch_address(fetch)?;
        self.pace.page().await;
        let bundle = self.bundle;
        let on_page_host = |address: &str| {
            super::login::host_use(bundle, address).is_some_and(|used| used >= ast::HostUse::Pages)
        };
        let context = self.session.context.clone();
        let answer = context
            .get(&address, within.left(), on_page_host)
            .await
            .map_err(|error| Unread::Because(error.to_string()))?;
        let kept = self.kept(&answer);
        let evidence = self.observe.keep(EvidenceKind::Message, Moment::After, kept).await;
        if answer.status != 200 {
            let why = format!("the portal answered with status {}", answer.status);
            return Err(Unread::Because(why));
        }
        let paper = match fetch.format {
            FetchAs::Html if answer.media_type.ends_with("html") => {
                Paper::page(&answer.url, evidence, &answer.body)
            }
            FetchAs::Json => match serde_json::from_str(&answer.body) {
                Ok(data) => Paper::data(&answer.url, evidence, data),
                Err(_) => return Err(Unread::Because("the answer is no data".to_owned())),
            },
            FetchAs::Html => return Err(Unread::Because("the answer is no page".to_owned())),
        };
        self.read_paper(step, fetch, &paper)
    }

    /// The address a `fetch` asks for, with its query.
    pub(crate) fn fetch_address(&self, fetch: &Fetch) -> Result<String, Halt> {
        let mut address = self.eval(|scope| scope.text(&fetch.page))?;
        if !fetch.query.is_empty() {
            let mut query = url::form_urlencoded::Serializer::new(String::new());
            for (name, value) in &fetch.query {
                query.append_pair(name.as_str(), &self.eval(|scope| scope.text(value))?);
            }
            let joint = if address.contains('?') { '&' } else { '?' };
            address = format!("{address}{joint}{}", query.finish());
        }
        Ok(address)
    }

    /// The answer as it is kept: masked, cut, with what tells when and how it came.
    fn kept(&self, answer: &crate::browser::Answer) -> Vec<u8> {
        let address = crate::observe::bare_address(&answer.url);
        let body: String = answer.body.chars().take(KEPT_MAX).collect();
        let head = format!(
            "GET {address}\nstatus {}\ncontent-type {}\ndate {}\n\n",
            answer.status, answer.media_type, answer.date
        );
        format!("{head}{}", self.observe.masker.text(&body)).into_bytes()
    }

    /// Reads everything the step wants; all or nothing.
    fn read_paper(&mut self, step: &Step, fetch: &Fetch, paper: &Paper) -> Result<Fetched, Unread> {
        let bundle = self.bundle;
        for watcher in bundle.watchers() {
            if self.paper_signs(paper, &watcher.when)? {
                let place = crate::observe::place(&watcher.span);
                return Err(Unread::Because(format!("the sign of the watcher at {place} shows")));
            }
        }
        self.paper_screen(paper, fetch)?;
        let (captured, references, facts) =
            (self.captured.clone(), self.references.clone(), self.facts.clone());
        let read = self.paper_values(step, fetch, paper);
        let outcome = read.and_then(|()| self.paper_answer(&bundle.script.flow, paper));
        match outcome {
            Ok(outcome) => Ok(Fetched {
                outcome,
                facts: self.facts.clone(),
                references: self.references.clone(),
            }),
            Err(why) => {
                (self.captured, self.references, self.facts) = (captured, references, facts);
                Err(why)
            }
        }
    }

    fn paper_screen(&self, paper: &Paper, fetch: &Fetch) -> Result<(), Unread> {
        let mut showing = Vec::new();
        for name in &fetch.screens {
            if let Some(screen) = self.bundle.screen(name.as_str())
                && self.paper_shows(paper, screen)?
            {
                showing.push(name.as_str());
            }
        }
        match showing.as_slice() {
            [_] => Ok(()),
            [] if fetch.screens.is_empty() => Ok(()),
            [] => Err(Unread::Because("none of the expected screens".to_owned())),
            several => Err(Unread::Because(format!("{} show together", several.join(", ")))),
        }
    }

    fn paper_shows(&self, paper: &Paper, screen: &ast::Screen) -> Result<bool, Halt> {
        let text = |wanted: &Option<ast::TextMatch>, shown: &dyn Fn() -> String, part: bool| {
            let Some(wanted) = wanted else { return Ok(true) };
            let wanted = self.eval(|scope| scope.wanted(wanted))?;
            let shown = shown();
            let fits = if part {
                holds_in(&wanted, &shown)
            } else {
                wanted.matches(&shown, TextKind::Plain)
            };
            Ok::<bool, Halt>(fits)
        };
        let address = screen.url.as_ref().is_none_or(|glob| glob.matches(&paper.url));
        Ok(address
            && text(&screen.title, &|| paper.title(), false)?
            && text(&screen.text, &|| paper.text(), true)?
            && self.paper_sees(paper, &screen.see)?
            && !self.paper_sees_any(paper, &screen.gone)?)
    }

    fn paper_sees(&self, paper: &Paper, targets: &[Target]) -> Result<bool, Halt> {
        for target in targets {
            let sought = self.sought(target)?;
            if !matches!(paper.element(&sought.strategies), Ok(Some(_))) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn paper_sees_any(&self, paper: &Paper, targets: &[Target]) -> Result<bool, Halt> {
        for target in targets {
            if paper.any(&self.sought(target)?.strategies) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Whether a watcher's sign is on a fetched page. Dialogs and the status of a document are not there to be seen.
    fn paper_signs(&self, paper: &Paper, sign: &ast::Sign) -> Result<bool, Halt> {
        if sign.dialog.is_some() || sign.js_dialog.is_some() || sign.http.is_some() {
            return Ok(false);
        }
        let screen = sign.screen.as_ref().map(|name| self.bundle.screen(name.as_str()));
        let shows = match screen {
            Some(Some(screen)) => self.paper_shows(paper, screen)?,
            Some(None) => false,
            None => true,
        };
        let text = match &sign.text {
            Some(wanted) => holds_in(&self.eval(|scope| scope.wanted(wanted))?, &paper.text()),
            None => true,
        };
        let address = sign.url.as_ref().is_none_or(|glob| glob.matches(&paper.url));
        Ok(shows && text && address && self.paper_sees(paper, &sign.see)?)
    }

    fn paper_values(&mut self, step: &Step, fetch: &Fetch, paper: &Paper) -> Result<(), Unread> {
        self.paper_captures(&fetch.capture, paper)?;
        for verb in &step.verbs {
            match verb {
                Verb::PickRow(pick) => self.paper_row(pick, paper)?,
                Verb::Capture(specs) => self.paper_captures(specs, paper)?,
                _ => {}
            }
        }
        Ok(())
    }

    fn paper_captures(&mut self, specs: &[CaptureSpec], paper: &Paper) -> Result<(), Unread> {
        for spec in specs {
            let shown = match &spec.source {
                CaptureSource::From(target) => {
                    let sought = self.sought(target)?;
                    paper.element(&sought.strategies).map_err(Unread::Because)?.map(paper::value)
                }
                CaptureSource::Url(pattern) => pattern.extract(&paper.url).map(str::to_owned),
                CaptureSource::Pointer(place) => {
                    let data = paper.data.as_ref().and_then(|data| data.pointer(place.as_str()));
                    data.filter(|value| !value.is_null()).map(|value| match value.as_str() {
                        Some(words) => words.to_owned(),
                        None => value.to_string(),
                    })
                }
                _ => None,
            };
            match shown.and_then(|shown| matched(spec.pattern.as_ref(), &shown)) {
                Some(value) => {
                    let read = from_paper(spec.name.as_str(), value, paper);
                    self.keep_value(read, &spec.read_as, spec.kind, spec.optional)?;
                }
                None if spec.optional => {}
                None => return Err(Unread::Because(format!("`{}` is not there", spec.name))),
            }
        }
        Ok(())
    }

    fn paper_row(&mut self, pick: &PickRow, paper: &Paper) -> Result<(), Unread> {
        let sought = self.sought(&pick.from)?;
        let element = paper.element(&sought.strategies).map_err(Unread::Because)?;
        let Some(element) = element else {
            return Err(Unread::Because(format!("`{}` is not there", sought.name)));
        };
        let table = paper.table(element);
        let rows = self.wanted_rows(&table, &pick.cells)?;
        let [row] = rows.as_slice() else {
            return Err(Unread::Because(format!("{} rows fit", rows.len())));
        };
        for take in &pick.take {
            let cell = column(&table, take.column.as_str()).and_then(|at| row.cells.get(at));
            let shown = cell.cloned().unwrap_or_default();
            if shown.trim().is_empty() && take.read_as == ReadAs::Text {
                continue;
            }
            let value = match &take.pattern {
                Some(pattern) => pattern.extract(&shown).unwrap_or_default().to_owned(),
                None => shown,
            };
            let read = from_paper(take.name.as_str(), value, paper);
            self.keep_value(read, &take.read_as, take.kind, false)?;
        }
        Ok(())
    }

    /// The answer by the flow's own `classify`.
    fn paper_answer(&mut self, flow: &Flow, paper: &Paper) -> Result<Option<Outcome>, Unread> {
        let classify = flow.nodes.iter().find_map(|node| match node {
            Node::Classify(classify) => Some(classify),
            _ => None,
        });
        let Some(classify) = classify else { return Ok(None) };
        let (answer, raw) = match &classify.source {
            ClassifySource::Page => self.paper_wording(classify, &paper.text(), true, paper)?,
            ClassifySource::Captured(_) => match self.captured_words(&classify.source) {
                Some(held) => self.paper_wording(classify, &held, false, paper)?,
                None => self.paper_wording(classify, &paper.text(), true, paper)?,
            },
            ClassifySource::Element(target) => {
                let sought = self.sought(target)?;
                let element = paper.element(&sought.strategies).map_err(Unread::Because)?;
                let Some(element) = element else {
                    return Err(Unread::Because(format!("`{}` is not there", sought.name)));
                };
                self.paper_wording(classify, &paper::value(element), false, paper)?
            }
            ClassifySource::Rows { from, column: decision, .. } => {
                self.paper_rows(classify, from, decision, paper)?
            }
        };
        Ok(Some(self.answer(answer, &raw)))
    }

    fn paper_wording(
        &mut self,
        classify: &Classify,
        shown: &str,
        whole: bool,
        paper: &Paper,
    ) -> Result<(Answer, String), Unread> {
        for entry in &classify.entries {
            let wanted = self.eval(|scope| scope.wanted(&entry.text))?;
            let hit = if whole {
                holds_in(&wanted, shown)
            } else {
                wanted.matches(shown, TextKind::Plain)
            };
            if hit {
                let raw = words_of(&wanted, shown, whole);
                self.paper_captures(&entry.capture, paper)?;
                return Ok((entry.answer, raw));
            }
        }
        Err(Unread::Because("the wording is not one we know".to_owned()))
    }

    fn paper_rows(
        &mut self,
        classify: &Classify,
        from: &Target,
        decision: &ast::Words,
        paper: &Paper,
    ) -> Result<(Answer, String), Unread> {
        let sought = self.sought(from)?;
        let element = paper.element(&sought.strategies).map_err(Unread::Because)?;
        let table = element.map(|element| paper.table(element));
        let at = table.as_ref().and_then(|table| column(table, decision.as_str()));
        let (Some(table), Some(at)) = (table, at) else {
            return Err(Unread::Because("the table of decisions is not there".to_owned()));
        };
        let (mut answers, mut raw) = (Vec::new(), Vec::new());
        for shown in table.rows.iter().filter_map(|row| row.cells.get(at)) {
            if !shown.trim().is_empty() {
                let (answer, words) = self.paper_wording(classify, shown, false, paper)?;
                answers.push(answer);
                raw.push(spaced(&words));
            }
        }
        let answer = roll_up(&answers);
        answer
            .map(|answer| (answer, raw.join(" · ")))
            .ok_or_else(|| Unread::Because("the table shows no decision".to_owned()))
    }

    /// After the rendered way: whether it said the same. A disagreement ends fetching for this script.
    pub(crate) fn compare_readings(&mut self) {
        let Some(fetched) = self.fetched.take() else { return };
        let shown = Outcome {
            answer: self.outcome.as_ref().map_or(Answer::Received, |outcome| outcome.answer),
            raw_words: String::new(),
            references: self.references.clone(),
            facts: self.facts.clone(),
            via: String::new(),
        };
        if fetched.says(&shown) {
            self.reading = Reading::Agreed;
            return;
        }
        self.reading = Reading::Disagreed;
        let mut off = DISAGREED.lock().unwrap_or_else(PoisonError::into_inner);
        off.insert(self.bundle.hash().to_owned());
        let value = format!("differed in {}", fetched.differs(&shown).join(", "));
        self.facts.push(Fact { name: "fetched_answer".to_owned(), value });
        tracing::warn!(
            script = %self.bundle.script.id,
            "a fetched answer differs from the shown page; the script's answers are not fetched any more"
        );
    }

    /// A login that need not be made now.
    pub(crate) fn put_off(&mut self, run: &Run) {
        self.owed_login = Some(run.clone());
    }
}

impl Fetched {
    /// Whether another answer to the same question says the same in everything that was fetched.
    fn says(&self, other: &Outcome) -> bool {
        self.differs(other).is_empty()
    }

    /// Names of what differs; never values.
    fn differs(&self, other: &Outcome) -> Vec<String> {
        let mut names = Vec::new();
        if self.outcome.as_ref().is_some_and(|outcome| outcome.answer != other.answer) {
            names.push("answer".to_owned());
        }
        for fact in &self.facts {
            let same = |known: &&Fact| known.name == fact.name;
            if other.facts.iter().find(same).is_none_or(|known| known.value != fact.value) {
                names.push(fact.name.clone());
            }
        }
        for reference in &self.references {
            let same =
                |known: &Reference| known.kind == reference.kind && known.value == reference.value;
            if !other.references.iter().any(same) {
                names.push("reference".to_owned());
            }
        }
        names
    }
}

/// A value read from a fetched answer; the answer as it was kept is its proof.
fn from_paper(name: &str, value: String, paper: &Paper) -> ReadValue {
    ReadValue {
        name: name.to_owned(),
        value,
        read_by: "fetch".to_owned(),
        bounds: None,
        picture: Some(paper.evidence),
        confidence: None,
    }
}
