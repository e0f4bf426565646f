//! The Attempt page: what the agent did, step by step, with pictures and the place of every click.
//! The selected step and picture are part of the address, so the page works and can be linked without a script.

mod ending;
mod panel;

use std::collections::BTreeMap;

use domain::{
    attempt::AttemptState,
    channel::Channel,
    evidence::{Evidence, EvidenceKind, Moment},
    id::{AttemptId, CaseId, EvidenceId, ExceptionId, IntentId, JobId},
    intent::IntentState,
    job::{JobState, Task},
    lease::Purpose,
    outcome::Outcome,
    step::{Step, StepState},
    time::Timestamp,
};
use maud::{Markup, html};

use super::{frame::Frame, icons::Icon, parts};

/// Another attempt of the same job.
#[derive(Debug, Clone)]
pub struct Sibling {
    /// Which.
    pub id: AttemptId,
    /// From 1.
    pub number: u32,
    /// How it ended, or that it has not.
    pub state: AttemptState,
}

/// The intent this attempt opened, or that it reconciles.
#[derive(Debug, Clone)]
pub struct IntentView {
    /// Which.
    pub id: IntentId,
    /// State.
    pub state: IntentState,
    /// The script's name of the commit.
    pub commit: String,
    /// Step index of the commit in the attempt that opened it.
    pub step: u32,
    /// Attempt that opened it.
    pub attempt: AttemptId,
    /// Opened.
    pub opened_at: Timestamp,
    /// Closed.
    pub closed_at: Option<Timestamp>,
    /// Hash over what the form held.
    pub payload_sha256: String,
    /// Picture before the click.
    pub before: EvidenceId,
}

/// A line of the script around a step.
#[derive(Debug, Clone)]
pub struct ScriptLine {
    /// From 1.
    pub number: u32,
    /// Text.
    pub text: String,
    /// Whether it is the step's own line.
    pub lit: bool,
}

/// The page.
#[derive(Debug, Clone)]
pub struct AttemptView {
    /// Which.
    pub id: AttemptId,
    /// From 1.
    pub number: u32,
    /// Most attempts before a person is asked.
    pub attempts_max: u32,
    /// State.
    pub state: AttemptState,
    /// Work or reconcile.
    pub purpose: Purpose,
    /// Case.
    pub case: CaseId,
    /// Job.
    pub job: JobId,
    /// The job's task.
    pub task: Task,
    /// The job's state now.
    pub job_state: JobState,
    /// Payer's name.
    pub payer: String,
    /// Agent's name.
    pub agent: String,
    /// Script id.
    pub script: String,
    /// Hash the job is pinned to.
    pub script_sha256: String,
    /// Begun.
    pub started_at: Timestamp,
    /// Ended.
    pub ended_at: Option<Timestamp>,
    /// Logins made, when it has reported.
    pub logins: Option<u32>,
    /// Whether a portal session was reused.
    pub session_reused: bool,
    /// The channel it took.
    pub channel: Channel,
    /// Why this one.
    pub because: String,
    /// All attempts of the job, this one too, oldest first.
    pub siblings: Vec<Sibling>,
    /// Steps in order.
    pub steps: Vec<Step>,
    /// Evidence in order.
    pub evidence: Vec<Evidence>,
    /// The answer it brought.
    pub outcome: Option<Outcome>,
    /// The intent.
    pub intent: Option<IntentView>,
    /// The question that followed.
    pub exception: Option<ExceptionId>,
    /// Selected step (index of the step), when the address names one.
    pub step: Option<u32>,
    /// Selected picture, when the address names one.
    pub shot: Option<EvidenceId>,
    /// Page text of the selected step, masked.
    pub page_text: Option<String>,
    /// The script around the selected step.
    pub script_lines: Vec<ScriptLine>,
    /// Width and height of the pictures shown.
    pub pixels: BTreeMap<EvidenceId, (u32, u32)>,
}

impl AttemptView {
    /// The step to show: the one asked for, else the failed one, else the running one, else the last.
    #[must_use]
    pub fn selected(&self) -> Option<&Step> {
        self.step
            .and_then(|i| self.steps.iter().find(|s| s.index == i))
            .or_else(|| self.steps.iter().rfind(|s| s.state == StepState::Failed))
            .or_else(|| self.steps.iter().rfind(|s| s.state == StepState::Running))
            .or_else(|| self.steps.last())
    }

    fn elapsed_ms(&self, now: Timestamp) -> i64 {
        let end = self.ended_at.unwrap_or(now).since_ms(self.started_at);
        let last = self.steps.iter().map(|s| s.ended_ms.unwrap_or(s.started_ms)).max();
        end.max(last.unwrap_or(0)).max(1)
    }
}

/// An item's kind as staff say it.
#[must_use]
pub fn evidence_name(kind: EvidenceKind) -> &'static str {
    match kind {
        EvidenceKind::Screenshot => "Screenshot",
        EvidenceKind::FullPage => "Full page picture",
        EvidenceKind::Crop => "Cut of a picture",
        EvidenceKind::Dom => "Page source, masked",
        EvidenceKind::PageText => "Page text, masked",
        EvidenceKind::SubmitCall => "Submitted call, masked",
        EvidenceKind::Print => "Printed page",
        EvidenceKind::Download => "Downloaded file",
        EvidenceKind::Message => "Message",
    }
}

/// A moment as staff say it.
#[must_use]
pub fn moment_name(moment: Moment) -> &'static str {
    match moment {
        Moment::Before => "Before",
        Moment::AtAct => "At act",
        Moment::After => "After",
    }
}

/// The page's body.
#[must_use]
pub fn body(v: &AttemptView, frame: &Frame) -> Markup {
    let live = matches!(v.state, AttemptState::Running | AttemptState::Paused { .. });
    html! {
        nav.crumbs aria-label="Where you are" {
            a href="/" { "Work" } a href={ "/cases/" (v.case) } { "Case " (parts::short(&v.case)) } span { "Attempt" }
        }
        attempt-view #attempt data-live=[live.then(|| format!("attempt:{}", v.id))] {
            (header(v, frame.now))
            (ending::failure_first(v, frame.now))
            @if v.steps.is_empty() {
                (parts::empty(if live { "The agent has begun; no step is reported yet." }
                    else { "This attempt ended before its first step was reported." }))
            } @else {
                (strip(v, frame.now))
                div.attempt {
                    (step_list(v))
                    div.stage {
                        (panel::panel(v))
                        (ending::commit_card(v, frame.now))
                        (ending::outcome_card(v))
                        (ending::evidence_list(v))
                    }
                }
                p.hidden role="status" aria-live="polite" { (announce(v)) }
            }
        }
    }
}

fn header(v: &AttemptView, now: Timestamp) -> Markup {
    html! {
        div.title {
            h1 { (parts::task(v.task)) " · " (v.payer) }
            @if v.purpose == Purpose::Reconcile { span.badge { (Icon::Search.svg()) "read-only look" } }
            (parts::attempt_state(&v.state))
            (siblings(v))
        }
        dl.strip-facts {
            (parts::fact("Took", &html! { (parts::duration(v.elapsed_ms(now))) @if v.ended_at.is_none() { " so far" } }))
            (parts::fact("Began", &parts::when(v.started_at, now)))
            (parts::fact("Agent", &html! { (parts::visible(&v.agent)) }))
            (parts::fact("Channel", &html! {
                (v.channel.say())
                @if !v.because.is_empty() { " " span.muted { "(" (parts::visible(&v.because)) ")" } }
            }))
            @if v.channel == Channel::Portal { (parts::fact("Portal session", &html! {
                @match (v.session_reused, v.logins) {
                    (true, _) => "reused, no login",
                    (false, Some(0)) => "no login",
                    (false, Some(1)) => "1 login",
                    (false, Some(n)) => { (n) " logins" },
                    (false, None) => span.muted { "not reported yet" },
                }
            })) }
            (parts::fact("Script", &html! { a href={ "/scripts/" (v.script_sha256) } { (v.script) } " " (parts::hash(&v.script_sha256)) }))
            (parts::fact("Job now", &parts::job_state(&v.job_state)))
        }
    }
}

fn siblings(v: &AttemptView) -> Markup {
    let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    let released = v.siblings.iter().filter(|s| s.state == AttemptState::Released).count();
    let of = v.attempts_max.saturating_add(count(released)).max(count(v.siblings.len()));
    html! {
        @if v.siblings.len() < 2 { span.muted { "Attempt " (v.number) " of at most " (of) } }
        @else {
            details.switch {
                summary { "Attempt " (v.number) " of at most " (of) }
                ul.plain { @for s in &v.siblings { li {
                    a href={ "/attempts/" (s.id) } aria-current=[(s.id == v.id).then_some("page")] { "Attempt " (s.number) }
                    (parts::attempt_state(&s.state))
                } } }
            }
        }
    }
}

/// One bar per step on a common time axis, and above it the pictures taken at the acts.
fn strip(v: &AttemptView, now: Timestamp) -> Markup {
    let total = v.elapsed_ms(now);
    let at = |ms: i64| format!("{:.2}", (ms.max(0) as f64 / total as f64 * 100.0).min(100.0));
    let selected = v.selected().map(|s| s.index);
    html! {
        section.strip aria-label="Time line" {
            (thumbs(v, total))
            ol.bars {
                @for s in &v.steps {
                    @let end = s.ended_ms.unwrap_or(if v.ended_at.is_some() { s.started_ms } else { total });
                    li style={ "left:" (at(s.started_ms)) "%;width:" (at(end - s.started_ms)) "%" }
                        .{ "depth-" (s.depth.min(2)) } {
                        a.seg.(bar_class(s)) href={ "?step=" (s.index) "#picture" } tabindex="-1"
                            aria-current=[(selected == Some(s.index)).then_some("step")]
                            title={ (s.index + 1) " " (parts::visible(&s.name)) " · " (parts::duration(end - s.started_ms)) } {
                            span.hidden { "Step " (s.index + 1) ", " (parts::visible(&s.name)) ", " (s.state.word()) }
                        }
                    }
                }
            }
            div.axis aria-hidden="true" { span { "00:00" } span { (parts::duration(total / 2)) } span { (parts::duration(total)) } }
        }
    }
}

fn bar_class(s: &Step) -> &'static str {
    match (s.state, s.effect) {
        (StepState::Failed, _) => "failed",
        (StepState::Running, _) => "running",
        (StepState::Skipped, _) => "skipped",
        (StepState::Done, domain::step::Effect::Commit) => "commit",
        (StepState::Done, _) => "done",
    }
}

/// Pictures along the axis, at most nine, never closer than a tenth of it.
fn thumbs(v: &AttemptView, total: i64) -> Markup {
    let mut last = -100.0;
    let mut chosen = Vec::new();
    for s in &v.steps {
        for act in &s.acts {
            let place = act.at_ms.max(0) as f64 / total as f64 * 90.0;
            if let Some(picture) = act.picture
                && place - last >= 10.0
            {
                last = place;
                chosen.push((s, act, picture, place));
            }
        }
    }
    html! { @if !chosen.is_empty() {
        ol.thumbs { @for (s, act, picture, place) in chosen {
            li style=(format!("left:{place:.2}%")) {
                a href={ "?step=" (s.index) "&shot=" (picture) "#picture" } tabindex="-1" {
                    img src={ "/evidence/" (picture) } loading="lazy"
                        alt={ "Step " (s.index + 1) " at " (parts::stamp(act.at_ms)) };
                }
            }
        } }
    } }
}

fn step_list(v: &AttemptView) -> Markup {
    let selected = v.selected().map(|s| s.index);
    html! {
        nav.steps aria-label="Steps" {
            h2 { "Steps " span.count { (v.steps.len()) } }
            ol data-keys="steps" {
                @for s in &v.steps {
                    li.{ "depth-" (s.depth.min(3)) } {
                        a #{ "step-" (s.index) } href={ "?step=" (s.index) "#picture" }
                            aria-current=[(selected == Some(s.index)).then_some("step")]
                            data-failed[s.state == StepState::Failed] {
                            (parts::step_icon(s.state))
                            span.n { (s.index + 1) }
                            span.name { (parts::visible(&s.name)) }
                            @if s.retries > 0 { span.badge { "×" (s.retries + 1) span.hidden { " tries" } } }
                            (parts::effect(s.effect))
                            span.took { @match s.ended_ms {
                                Some(end) => (parts::duration(end - s.started_ms)), None => "…",
                            } }
                        }
                    }
                }
            }
        }
    }
}

fn announce(v: &AttemptView) -> String {
    v.selected().map_or_else(String::new, |s| {
        format!(
            "Step {} of {}, {}, {}",
            s.index + 1,
            v.steps.len(),
            parts::visible(&s.name),
            s.state.word()
        )
    })
}
