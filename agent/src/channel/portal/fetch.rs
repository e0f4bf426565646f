//! `fetch`: an answer read without rendering. One GET in the name of the portal session; the same screens, captures and
//! classification as for a rendered page. What is new, unexpected or drawn for comparison is read from the rendered page as
//! well, and then the rendered page counts.
//!
//! `address` where it may ask · `read` the answer by the script's rules · `said` the comparison with what was known or shown.
//!
//! Nothing is guessed from an answer: a login page, an interruption, an unknown screen or wording, a missing value each end
//! the fetch, and the rendered way begins. When both ways were gone and differ, the script's answers are not fetched any
//! more until it changes.

mod address;
mod read;
mod said;

use domain::{
    evidence::{EvidenceKind, Moment},
    id::EvidenceId,
    script::ast::{self, Fetch, FetchAs, Node, Run, Step, Verb},
    step::{Effect, StepState},
};

use super::{Halt, Portal, paper::Paper};
use crate::browser::Answer;
pub(crate) use said::Fetched;

/// At most this much of a fetched answer is kept as evidence, in characters.
const KEPT_MAX: usize = 400_000;

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

/// Why an answer could not be used.
pub(crate) enum Unread {
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
        self.errand.reading.allowed
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
        let bundle = self.bundle;
        let on_page_host = |address: &str| {
            super::login::host_use(bundle, address).is_some_and(|used| used >= ast::HostUse::Pages)
        };
        let context = self.session.context.clone();
        let (mut answers, mut kept) = (Vec::new(), Vec::new());
        for address in self.fetch_addresses(fetch)? {
            self.pace.page().await;
            let answer = context
                .get(&address, within.left(), on_page_host)
                .await
                .map_err(|error| Unread::Because(error.to_string()))?;
            kept.extend(self.kept(&answer));
            answers.push(answer);
        }
        let evidence = self.observe.keep(EvidenceKind::Message, Moment::After, kept).await;
        let paper = on_paper(fetch, &answers, evidence)?;
        self.read_paper(step, fetch, &paper)
    }

    /// The answer as it is kept: masked, cut, with what tells when and how it came.
    fn kept(&self, answer: &Answer) -> Vec<u8> {
        let address = crate::observe::bare_address(&answer.url);
        let body: String = answer.body.chars().take(KEPT_MAX).collect();
        let head = format!(
            "GET {address}\nstatus {}\ncontent-type {}\ndate {}\n\n",
            answer.status, answer.media_type, answer.date
        );
        format!("{head}{}\n\n", self.observe.masker.text(&body)).into_bytes()
    }

    /// Whether a fetched answer stands for this step or flow, each as often as it was named.
    pub(crate) fn is_stood_for(&mut self, name: &str) -> bool {
        let place = self.stood_for.iter().position(|stood| stood == name);
        place.map(|at| self.stood_for.remove(at)).is_some()
    }

    /// A login that need not be made now.
    pub(crate) fn put_off(&mut self, run: &Run) {
        self.owed_login = Some(run.clone());
    }
}

/// The answers as one document.
fn on_paper(fetch: &Fetch, answers: &[Answer], evidence: EvidenceId) -> Result<Paper, Unread> {
    let because = |why: &str| Err(Unread::Because(why.to_owned()));
    if let Some(other) = answers.iter().find(|answer| answer.status != 200) {
        return because(&format!("the portal answered with status {}", other.status));
    }
    let Some(first) = answers.first() else { return because("nothing was asked") };
    match fetch.format {
        FetchAs::Html if answers.iter().all(|answer| answer.media_type.ends_with("html")) => {
            let bodies: String = answers.iter().map(|answer| answer.body.as_str()).collect();
            Ok(Paper::page(&first.url, evidence, &bodies))
        }
        FetchAs::Html => because("the answer is no page"),
        FetchAs::Json => {
            let names: Vec<(String, String)> = fetch
                .names
                .iter()
                .map(|(place, words)| (place.text.clone(), words.text.clone()))
                .collect();
            match serde_json::from_str(&first.body) {
                Ok(data) => Ok(Paper::data(&first.url, evidence, data, &names)),
                Err(_) => because("the answer is no data"),
            }
        }
    }
}
