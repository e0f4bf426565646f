//! The Case page: the numbers with where each was read, the life line, jobs with their attempts, exceptions, documents.

mod jobs;

use domain::{
    attempt::AttemptState,
    case::CaseStatus,
    evidence::Evidence,
    exception::{ExceptionKind, ExceptionState},
    id::{AttemptId, CaseId, ExceptionId, JobId},
    job::{JobState, Task},
    outcome::{Outcome, Reference},
    request::Document,
    time::Timestamp,
};
use maud::{Markup, html};

use super::{frame::Frame, icons::Icon, parts};

/// An attempt in short.
#[derive(Debug, Clone)]
pub struct AttemptLine {
    /// Which.
    pub id: AttemptId,
    /// From 1.
    pub number: u32,
    /// `work` or `reconcile`.
    pub purpose: &'static str,
    /// State.
    pub state: AttemptState,
    /// Agent's name.
    pub agent: String,
    /// Begun.
    pub started_at: Timestamp,
    /// Ended.
    pub ended_at: Option<Timestamp>,
    /// The channel it took.
    pub channel: domain::channel::Channel,
    /// Why this one.
    pub because: String,
}

/// A job of the case.
#[derive(Debug, Clone)]
pub struct JobView {
    /// Which.
    pub id: JobId,
    /// What it does.
    pub task: Task,
    /// State.
    pub state: JobState,
    /// Taken in.
    pub created_at: Timestamp,
    /// Not before.
    pub ready_at: Option<Timestamp>,
    /// Attempts, newest first.
    pub attempts: Vec<AttemptLine>,
    /// Most attempts before a person is asked.
    pub attempts_max: u32,
    /// Why it cannot be cancelled, when it cannot.
    pub no_cancel: Option<&'static str>,
}

impl JobView {
    /// Attempts that were given back and so are not counted.
    fn released(&self) -> u32 {
        let released = self.attempts.iter().filter(|a| a.state == AttemptState::Released);
        u32::try_from(released.count()).unwrap_or(u32::MAX)
    }
}

/// An exception in short.
#[derive(Debug, Clone)]
pub struct ExceptionLine {
    /// Which.
    pub id: ExceptionId,
    /// Kind.
    pub kind: ExceptionKind,
    /// What is asked.
    pub question: String,
    /// State.
    pub state: ExceptionState,
    /// Opened.
    pub opened_at: Timestamp,
}

/// A line of the life line.
#[derive(Debug, Clone)]
pub struct Life {
    /// When.
    pub at: Timestamp,
    /// Icon.
    pub icon: Icon,
    /// What it means.
    pub tone: parts::Tone,
    /// Who or what.
    pub who: String,
    /// What happened, a sentence.
    pub text: String,
    /// Its page.
    pub href: Option<String>,
}

/// What is asked of the payer; patient data is masked unless it was asked for.
#[derive(Debug, Clone)]
pub struct Asked {
    /// Label and value, in order.
    pub facts: Vec<(&'static str, String)>,
    /// Service lines: code, units, first and last day.
    pub lines: Vec<(String, u32, String, String)>,
    /// Whether patient data is shown.
    pub shown: bool,
}

/// The page.
#[derive(Debug, Clone)]
pub struct CaseView {
    /// Which.
    pub id: CaseId,
    /// `prior_auth`, …
    pub kind: String,
    /// The task it began with, for a new job of the same kind.
    pub first_task: Task,
    /// Payer's name.
    pub payer: String,
    /// Status.
    pub status: CaseStatus,
    /// Taken in.
    pub received_at: Timestamp,
    /// What is asked.
    pub asked: Asked,
    /// Numbers, newest first, with the attempt that read each.
    pub references: Vec<(Reference, Option<AttemptId>)>,
    /// The newest answer.
    pub outcome: Option<Outcome>,
    /// Jobs, newest first.
    pub jobs: Vec<JobView>,
    /// Exceptions, newest first.
    pub exceptions: Vec<ExceptionLine>,
    /// Files to attach.
    pub documents: Vec<Document>,
    /// Evidence of all attempts, newest first.
    pub evidence: Vec<Evidence>,
    /// The life line, newest first.
    pub life: Vec<Life>,
    /// Why no further job can be added, when it cannot.
    pub no_add: Option<String>,
}

/// The page's body.
#[must_use]
pub fn body(v: &CaseView, frame: &Frame) -> Markup {
    let now = frame.now;
    html! {
        nav.crumbs aria-label="Where you are" { a href="/" { "Work" } span { "Case" } }
        div #case data-live={ "case:" (v.id) } {
            div.title {
                h1 { (parts::case_kind(&v.kind)) " · " (v.payer) }
                (parts::case_status(v.status))
                (parts::id(&v.id))
            }
            (doubt(v, now))
            (waiting(v, now))
            (path(v))
            div.columns {
                div {
                    (outcome(v))
                    (numbers(v, now))
                    (jobs::jobs(v, frame))
                    (exceptions(v, now))
                    (documents(v))
                    (evidence(v, now))
                }
                aside {
                    (asked(v, frame))
                    (jobs::add_job(v, frame))
                    (life(v, now))
                }
            }
        }
    }
}

fn doubt(v: &CaseView, now: Timestamp) -> Markup {
    html! { @for job in &v.jobs {
        @if let JobState::InDoubt { look_at, looks, .. } = &job.state {
            div.banner.bad role="alert" { (Icon::Doubt.svg()) div {
                strong { "This may have been submitted." }
                p { "An attempt ended after it may have sent the request. Nothing is sent again. The payer's records have been searched "
                    (looks) @if *looks == 1 { " time" } @else { " times" } " without finding it; the next look is " (parts::when(*look_at, now)) "." }
            } }
        } @else if let JobState::Waiting { exception, intent: Some(_) } = &job.state {
            div.banner.bad role="alert" { (Icon::Doubt.svg()) div {
                strong { "This may have been submitted." }
                p { "The searches did not settle it, and nothing is sent again. A person must decide: "
                    a href={ "/inbox/" (exception) } { "answer the question" } "." }
            } }
        }
    } }
}

fn waiting(v: &CaseView, now: Timestamp) -> Markup {
    html! { @for e in &v.exceptions {
        @if matches!(e.state, ExceptionState::Open | ExceptionState::Claimed { .. } | ExceptionState::Seconding { .. })
            && e.kind != ExceptionKind::InDoubt {
            div.banner.warn { (Icon::Person.svg()) div {
                strong { (parts::visible(&e.question)) }
                p { "Asked " (parts::when(e.opened_at, now)) ". " a href={ "/inbox/" (e.id) } { "Answer it in the inbox" } }
            } }
        }
    } }
}

/// The status boxes, drawn once, lit along the path taken.
fn path(v: &CaseView) -> Markup {
    let submitted = v.outcome.is_some() || !v.references.is_empty();
    let steps: [(&str, bool); 4] = [
        ("Received", true),
        ("Working", v.status != CaseStatus::Received),
        (if v.kind == "prior_auth" { "At the payer" } else { "Answered" }, submitted),
        match v.status {
            CaseStatus::Failed => ("Failed", true),
            CaseStatus::Withdrawn => ("Withdrawn", true),
            CaseStatus::Complete => ("Complete", true),
            CaseStatus::Received | CaseStatus::Working | CaseStatus::Attention => {
                ("Complete", false)
            }
        },
    ];
    let last = steps.iter().rposition(|(_, lit)| *lit).unwrap_or(0);
    html! {
        ol.path aria-label="Status" {
            @for (i, (word, lit)) in steps.iter().enumerate() {
                li.lit[*lit] aria-current=[(i == last).then_some("step")] {
                    (word) @if i == last && v.status == CaseStatus::Attention { " · needs us" }
                }
            }
        }
    }
}

fn outcome(v: &CaseView) -> Markup {
    let Some(o) = &v.outcome else { return html! {} };
    html! {
        section.card aria-labelledby="outcome" {
            h2 #outcome { "Outcome" }
            dl.facts {
                (parts::fact("Answer", &parts::answer(o.answer)))
                @if !o.raw_words.is_empty() { (parts::fact("The payer's words", &html! { q { (parts::visible(&o.raw_words)) } })) }
                @for f in &o.facts { (parts::fact(&f.name.replace('_', " "), &html! { (parts::visible(&f.value)) })) }
                (parts::fact("Known by", &html! { (via(&o.via)) }))
            }
        }
    }
}

/// Who brought an outcome, in words.
#[must_use]
pub fn via(word: &str) -> &str {
    match word {
        "agent" => "an agent, from the portal",
        "person" => "a person",
        "reconcile" => "a read-only search after a doubt",
        other => other,
    }
}

fn numbers(v: &CaseView, now: Timestamp) -> Markup {
    html! {
        section.card aria-labelledby="numbers" {
            h2 #numbers { "Numbers" }
            @if v.references.is_empty() { (parts::empty("The payer has given no number yet.")) }
            @else {
                table.list.cards {
                    caption.hidden { "Numbers the payer gave" }
                    thead { tr { th scope="col" { "Number" } th scope="col" { "Kind" } th scope="col" { "Read from" } th.num scope="col" { "Read" } } }
                    tbody { @for (r, attempt) in &v.references { tr {
                        th.big scope="row" data-label="Number" { (parts::copyable(&r.value)) }
                        td data-label="Kind" { (parts::reference_kind(r.kind)) }
                        td data-label="Read from" {
                            (parts::read_by(&r.read_by))
                            @if let Some(c) = r.confidence { ", " (format!("{c:.0}")) " % sure" }
                            @if let Some(e) = r.evidence { " · " a href={ "/evidence/" (e) } { "picture" } }
                            @if let Some(a) = attempt { " · " a href={ "/attempts/" (a) } { "attempt" } }
                        }
                        td.num.nowrap data-label="Read" { (parts::when(r.at, now)) }
                    } } }
                }
            }
        }
    }
}

fn exceptions(v: &CaseView, now: Timestamp) -> Markup {
    html! { @if !v.exceptions.is_empty() {
        section.card aria-labelledby="exceptions" {
            h2 #exceptions { "Exceptions" }
            ul.plain { @for e in &v.exceptions { li.line {
                (super::inbox::kind_chip(e.kind))
                a href={ "/inbox/" (e.id) } { (parts::visible(&e.question)) }
                span.muted { (super::inbox::state_words(&e.state)) " · " (parts::when(e.opened_at, now)) }
            } } }
        }
    } }
}

fn documents(v: &CaseView) -> Markup {
    html! { @if v.kind == "prior_auth" {
        section.card aria-labelledby="documents" {
            h2 #documents { "Documents" }
            @if v.documents.is_empty() { (parts::empty("No file is attached to this request.")) }
            @else { ul.plain { @for d in &v.documents { li.line {
                (Icon::Document.svg()) span { (parts::visible(&d.kind.to_uppercase())) } (parts::id(&d.id))
                span.muted { (parts::size(d.size_bytes)) " · SHA-256 " } (parts::hash(&d.sha256))
            } } } }
        }
    } }
}

fn evidence(v: &CaseView, now: Timestamp) -> Markup {
    html! {
        section.card aria-labelledby="evidence" {
            h2 #evidence { "Evidence " span.count { (v.evidence.len()) } }
            @if v.evidence.is_empty() { (parts::empty("Nothing has been kept yet.")) }
            @else { details { summary { "All items, newest first" }
                table.list.cards {
                    caption.hidden { "Evidence of this case" }
                    thead { tr { th scope="col" { "Item" } th scope="col" { "Moment" } th scope="col" { "Step" } th scope="col" { "SHA-256" } th.num scope="col" { "Size" } th.num scope="col" { "Kept" } } }
                    tbody { @for e in &v.evidence { tr {
                        th scope="row" data-label="Item" { a href={ "/evidence/" (e.id) } { (super::attempt::evidence_name(e.kind)) } }
                        td data-label="Moment" { (super::attempt::moment_name(e.moment)) }
                        td data-label="Step" { a href={ "/attempts/" (e.attempt) "?step=" (e.step) } { "step " (e.step + 1) } }
                        td data-label="SHA-256" { (parts::hash(&e.sha256)) }
                        td.num data-label="Size" { (parts::size(e.size_bytes)) }
                        td.num data-label="Kept" { (parts::when(e.received_at, now)) }
                    } } }
                }
            } }
        }
    }
}

fn asked(v: &CaseView, frame: &Frame) -> Markup {
    html! {
        section.card aria-labelledby="asked" {
            h2 #asked { "What is asked" }
            dl.facts.narrow {
                @for (label, value) in &v.asked.facts { (parts::fact(label, &html! { (parts::visible(value)) })) }
                (parts::fact("Taken in", &parts::when(v.received_at, frame.now)))
            }
            @if !v.asked.lines.is_empty() {
                table.list {
                    caption.hidden { "Services" }
                    thead { tr { th scope="col" { "Service" } th.num scope="col" { "Units" } th scope="col" { "Days" } } }
                    tbody { @for (code, units, from, to) in &v.asked.lines {
                        tr { th scope="row" { code { (code) } } td.num { (units) } td { (from) @if from != to { " to " (to) } } }
                    } }
                }
            }
            @if v.asked.shown { p.muted { "Patient data is shown. This was recorded in the audit." } }
            @else { form method="post" action={ "/cases/" (v.id) "/unmask" } {
                (parts::csrf(&frame.csrf)) button.quiet { "Show patient data" } span.muted { " (recorded)" }
            } }
        }
    }
}

fn life(v: &CaseView, now: Timestamp) -> Markup {
    html! {
        section.card aria-labelledby="life" {
            h2 #life { "Life line" }
            ol.life { @for l in &v.life { li {
                span.mark-state.(super::tone_class(l.tone)) { (l.icon.svg()) }
                div {
                    p { @if let Some(href) = &l.href { a href=(href) { (parts::visible(&l.text)) } } @else { (parts::visible(&l.text)) } }
                    p.muted { (parts::visible(&l.who)) " · " (parts::when(l.at, now)) }
                }
            } } }
        }
    }
}
