//! The one seam: everything done or seen in an attempt passes here on its way to steps and evidence, masked.
//!
//! One ordered queue takes steps and evidence to the doors, so that a step's end never overtakes its beginning.
//! Failing to record never changes what is done to the page, with one exception: before a commit the queue must be
//! empty and durable (`settled`), otherwise there is no click.

mod picture;
mod queue;

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use bytes::Bytes;
use domain::{
    evidence::{EvidenceKind, Moment},
    id::EvidenceId,
    script::Span,
    step::{Act, Bounds, Click, Effect, LogLine, ReadValue, Step, StepState},
};
use futures_util::future::BoxFuture;
use tokio::{
    sync::{mpsc, oneshot},
    time::Instant,
};

use crate::{
    browser::{AboutToAct, BeforeInput, Page, Query, Rect},
    channel::{Denied, Doors, Item},
    clock,
    mask::Masker,
};
use picture::Shown;
use queue::{Job, carry};

/// Collects the record of one attempt.
pub struct Observer {
    /// Masks every text on its way out.
    pub masker: Masker,
    queue: mpsc::Sender<Job>,
    ended: Arc<AtomicBool>,
    began: Instant,
    next_index: u32,
    open: Vec<Step>,
    /// Elements the script wants black, and fields that hold a one-time code now.
    black: Vec<Query>,
    /// A secret is on its way: no picture, no document.
    suspended: bool,
    last_picture: Option<(EvidenceId, Shown)>,
    console: bool,
    pictures: bool,
    latest_done: Option<Step>,
}

impl Observer {
    /// A record that goes to these doors. `console`: a line per step on standard error too.
    #[must_use]
    pub fn new(doors: Arc<dyn Doors>, masker: Masker, console: bool) -> Self {
        let (queue, jobs) = mpsc::channel(64);
        let ended = Arc::new(AtomicBool::new(false));
        tokio::spawn(carry(doors, jobs, Arc::clone(&ended)));
        Self {
            masker,
            queue,
            ended,
            began: Instant::now(),
            next_index: 0,
            open: Vec::new(),
            black: Vec::new(),
            suspended: false,
            last_picture: None,
            console,
            pictures: true,
            latest_done: None,
        }
    }

    /// The same without pictures, for measuring what the acts alone take. Never where anything is kept: an attempt without
    /// pictures proves nothing.
    #[must_use]
    pub fn without_pictures(mut self) -> Self {
        self.pictures = false;
        self
    }

    /// Whether a door said that the lease is over.
    #[must_use]
    pub fn lease_ended(&self) -> bool {
        self.ended.load(Ordering::Relaxed)
    }

    /// Milliseconds since the attempt began.
    #[must_use]
    pub fn at_ms(&self) -> i64 {
        i64::try_from(self.began.elapsed().as_millis()).unwrap_or(i64::MAX)
    }

    /// Index of the step under way (0 before the first).
    #[must_use]
    pub fn index(&self) -> u32 {
        self.open.last().map_or(0, |step| step.index)
    }

    /// Name and source of the step under way, else of the one that ended last.
    #[must_use]
    pub fn place(&self) -> Option<(String, String)> {
        self.open
            .last()
            .or(self.latest_done.as_ref())
            .map(|step| (step.name.clone(), step.source.clone()))
    }

    /// Elements that are black in every picture from now on.
    pub fn blacken(&mut self, queries: impl IntoIterator<Item = Query>) {
        self.black.extend(queries);
    }

    /// No pictures while a secret is on its way.
    pub fn suspend(&mut self, on: bool) {
        self.suspended = on;
    }

    /// A step begins.
    pub async fn begin(&mut self, name: &str, kind: &str, effect: Effect, span: Option<&Span>) {
        let step = Step {
            index: self.next_index,
            name: name.to_owned(),
            kind: kind.to_owned(),
            depth: u32::try_from(self.open.len()).unwrap_or(u32::MAX),
            effect,
            state: StepState::Running,
            source: span.map(place).unwrap_or_default(),
            started_ms: self.at_ms(),
            ended_ms: None,
            retries: 0,
            screen: None,
            acts: Vec::new(),
            log: Vec::new(),
            values: Vec::new(),
            evidence: Vec::new(),
            received_at: None,
        };
        self.next_index += 1;
        self.say(&format!("{:>3} {} ({})", step.index, step.name, step.source));
        self.open.push(step.clone());
        self.put(Job::Steps(vec![step])).await;
    }

    /// The step under way ends.
    pub async fn end(&mut self, state: StepState, screen: Option<String>) {
        let Some(mut step) = self.open.pop() else { return };
        step.state = state;
        step.ended_ms = Some(self.at_ms());
        step.screen = screen;
        if state != StepState::Done {
            self.say(&format!("    {} {}", step.name, state.word()));
        }
        self.latest_done = Some(step.clone());
        self.put(Job::Steps(vec![step])).await;
    }

    /// Ends every step that is still open as failed.
    pub async fn fail_open(&mut self) {
        while !self.open.is_empty() {
            self.end(StepState::Failed, None).await;
        }
    }

    /// A sentence in the log of the step; masked here.
    pub fn log(&mut self, text: &str) {
        let text = self.masker.text(text);
        self.say(&format!("      {text}"));
        let at_ms = self.at_ms();
        if let Some(step) = self.open.last_mut()
            && step.log.len() < 500
        {
            step.log.push(LogLine { at_ms, text });
        }
    }

    /// An act within the step that needs no pointer.
    pub fn act(&mut self, verb: &str, element: Option<String>) {
        let at_ms = self.at_ms();
        if let Some(step) = self.open.last_mut() {
            step.acts.push(Act {
                verb: verb.to_owned(),
                element,
                click: None,
                picture: None,
                at_ms,
            });
        }
    }

    /// An act with its measures.
    pub fn add_act(&mut self, act: Act) {
        if let Some(step) = self.open.last_mut() {
            step.acts.push(act);
        }
    }

    /// Counts a retry within the step.
    pub fn retried(&mut self) {
        if let Some(step) = self.open.last_mut() {
            step.retries += 1;
        }
    }

    /// A value was read; masked here.
    pub fn value(&mut self, mut value: ReadValue) {
        value.value = self.masker.text(&value.value);
        self.say(&format!("      {} = {} ({})", value.name, value.value, value.read_by));
        if let Some(step) = self.open.last_mut() {
            step.values.push(value);
        }
    }

    /// Keeps bytes as evidence of the step under way.
    pub async fn keep(&mut self, kind: EvidenceKind, moment: Moment, bytes: Vec<u8>) -> EvidenceId {
        let id = EvidenceId::new(clock::now(), rand::random());
        // Texts and pictures lose their patient values; files of the portal are kept as they came.
        let masked = matches!(
            kind,
            EvidenceKind::Screenshot
                | EvidenceKind::FullPage
                | EvidenceKind::Crop
                | EvidenceKind::Dom
                | EvidenceKind::PageText
                | EvidenceKind::SubmitCall
                | EvidenceKind::Message
        );
        let item = Item { id, step: self.index(), kind, moment, masked, bytes: Bytes::from(bytes) };
        self.attach(id);
        self.put(Job::Keep(item)).await;
        id
    }

    /// Keeps a message of a channel without a page, masked here.
    pub async fn message(&mut self, moment: Moment, text: &str) -> EvidenceId {
        let text = self.masker.text(text);
        self.keep(EvidenceKind::Message, moment, text.into_bytes()).await
    }

    /// Waits until everything so far is durable.
    ///
    /// # Errors
    /// Something since the last call could not be kept.
    pub async fn settled(&mut self) -> Result<(), Denied> {
        let (tell, told) = oneshot::channel();
        self.put(Job::Settled(tell)).await;
        told.await.unwrap_or_else(|_| Err(Denied::Away("the record has stopped".into())))
    }

    /// The seam before an input, for one act on one element.
    pub fn at_act(&mut self, verb: &str, element: Option<String>) -> AtAct<'_> {
        AtAct { observer: self, verb: verb.to_owned(), element, done: false }
    }

    fn attach(&mut self, id: EvidenceId) {
        if let Some(step) = self.open.last_mut()
            && !step.evidence.contains(&id)
        {
            step.evidence.push(id);
        }
    }

    async fn put(&self, job: Job) {
        // The carrier only stops when this record is dropped.
        let _ = self.queue.send(job).await;
    }

    fn say(&self, line: &str) {
        if self.console {
            use std::io::Write as _;
            let _ = writeln!(std::io::stderr(), "{line}");
        }
    }
}

/// The hook right before the pointer moves: measures and takes the picture of the act.
pub struct AtAct<'o> {
    observer: &'o mut Observer,
    verb: String,
    element: Option<String>,
    done: bool,
}

impl BeforeInput for AtAct<'_> {
    fn about_to_act<'a>(
        &'a mut self,
        page: &'a Page,
        at: &'a AboutToAct,
    ) -> BoxFuture<'a, Result<(), String>> {
        Box::pin(async move {
            let picture = self.observer.picture(page, Moment::AtAct).await;
            if self.done {
                self.observer.retried();
            }
            self.done = true;
            let act = Act {
                verb: self.verb.clone(),
                element: self.element.clone(),
                click: Some(click(at)),
                picture,
                at_ms: self.observer.at_ms(),
            };
            self.observer.add_act(act);
            Ok(())
        })
    }
}

/// The measures of an act as they are stored.
#[must_use]
pub fn click(at: &AboutToAct) -> Click {
    Click {
        x: at.point.x,
        y: at.point.y,
        bounds: bounds(&at.target),
        viewport_width: at.viewport.0,
        viewport_height: at.viewport.1,
        scroll_y: at.scroll.y,
        pixel_ratio: at.pixel_ratio,
    }
}

/// A box as it is stored.
#[must_use]
pub fn bounds(rect: &Rect) -> Bounds {
    Bounds { x: rect.x, y: rect.y, width: rect.width, height: rect.height }
}

/// `crestline/submit:68`: where a node is written.
#[must_use]
pub fn place(span: &Span) -> String {
    let file = span.file.trim_end_matches(".yaml");
    let file = file.rsplit_once("scripts/").map_or(file, |(_, rest)| rest);
    format!("{file}:{}", span.line)
}

/// An address without query and fragment.
#[must_use]
pub fn bare_address(url: &str) -> String {
    url.split(['?', '#']).next().unwrap_or_default().to_owned()
}
