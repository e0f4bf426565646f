//! The jobs of a case with their attempts, and the forms that cancel one or add one.

use domain::{attempt::AttemptState, job::JobState, time::Timestamp};
use maud::{Markup, html};

use super::{CaseView, JobView};
use crate::console::{frame::Frame, parts};

pub(super) fn jobs(v: &CaseView, frame: &Frame) -> Markup {
    html! {
        section.card aria-labelledby="jobs" {
            h2 #jobs { "Jobs" }
            @if v.jobs.is_empty() { (parts::empty("No job yet.")) }
            @for job in &v.jobs { (one_job(job, frame)) }
        }
    }
}

fn one_job(job: &JobView, frame: &Frame) -> Markup {
    let now = frame.now;
    html! {
        article.job #{ (job.id) } {
            header {
                h3 { (parts::task(job.task)) }
                (parts::job_state(&job.state))
                (parts::id(&job.id))
                span.grow {}
                @if !job.state.is_final() { (cancel(job, frame)) }
            }
            p.muted { (next_of(job, now)) }
            @if job.attempts.is_empty() { (parts::empty("No attempt yet.")) }
            @else {
                table.list.cards {
                    caption.hidden { "Attempts of this job" }
                    thead { tr { th scope="col" { "Attempt" } th scope="col" { "State" } th scope="col" { "Channel" } th scope="col" { "Agent" } th scope="col" { "Began" } th.num scope="col" { "Took" } } }
                    tbody { @for a in &job.attempts { tr {
                        th scope="row" data-label="Attempt" {
                            a.row href={ "/attempts/" (a.id) } { (a.number) " of at most " ((job.attempts_max + job.released()).max(a.number))
                                @if a.purpose == "reconcile" { " · read-only look" } }
                        }
                        td data-label="State" { (parts::attempt_state(&a.state))
                            @if let AttemptState::Failed { failure } = &a.state { " " span.say { (parts::visible(&failure.say)) } } }
                        td data-label="Channel" { (a.channel.say())
                            @if !a.because.is_empty() { " " span.muted { (parts::visible(&a.because)) } } }
                        td data-label="Agent" { (parts::visible(&a.agent)) }
                        td data-label="Began" { (parts::when(a.started_at, now)) }
                        td.num data-label="Took" { @match a.ended_at {
                            Some(end) => (parts::duration(end.since_ms(a.started_at))),
                            None => { (parts::duration(now.since_ms(a.started_at))) "…" }
                        } }
                    } } }
                }
            }
        }
    }
}

/// What comes next for a job, a sentence.
fn next_of(job: &JobView, now: Timestamp) -> Markup {
    html! { @match &job.state {
        JobState::Ready => @match job.ready_at {
            Some(at) if at > now => { "Planned " (parts::when(at, now)) "." }
            _ => { "Waits for a free slot since " (parts::when(job.created_at, now)) "." }
        },
        JobState::Leased { lease, .. } => { "An agent works on it; its lease ends " (parts::when(lease.expires_at, now)) " unless renewed." }
        JobState::Resting { until, after } => { "Tried again " (parts::when(*until, now)) ". " (parts::visible(&after.say)) }
        JobState::Waiting { exception, .. } => { "Waits for a person: " a href={ "/inbox/" (exception) } { "the question" } "." }
        JobState::InDoubt { look_at, .. } => { "Next read-only look " (parts::when(*look_at, now)) "." }
        JobState::Done { outcome } => { (outcome.answer.say()) "." }
        JobState::Failed { failure } => { (parts::visible(&failure.say)) }
        JobState::Cancelled { reason } => { "Cancelled: " (parts::visible(reason)) }
    } }
}

fn cancel(job: &JobView, frame: &Frame) -> Markup {
    if !frame.may_act {
        return parts::refused_button("Cancel job", "Your role may look but not act.");
    }
    if let Some(reason) = job.no_cancel {
        return parts::refused_button("Cancel job", reason);
    }
    parts::action(
        "Cancel job",
        &html! {
            form.stack method="post" action={ "/jobs/" (job.id) "/cancel" } {
                (parts::csrf(&frame.csrf))
                (parts::reason_field(&format!("why-{}", job.id), "Withdrawn by the practice"))
                button.danger { "Cancel this " (parts::task(job.task).to_lowercase()) " job" }
                p.muted { "A cancelled job does not come back; a new job can be added instead." }
            }
        },
    )
}

pub(super) fn add_job(v: &CaseView, frame: &Frame) -> Markup {
    let refused =
        if frame.may_act { v.no_add.as_deref() } else { Some("Your role may look but not act.") };
    html! {
        section.card aria-labelledby="act" {
            h2 #act { "Act" }
            @if let Some(reason) = refused { (parts::refused_button("Add a job", reason)) }
            @else {
                form.stack method="post" action={ "/cases/" (v.id) "/jobs" } {
                    (parts::csrf(&frame.csrf))
                    label.field for="task" { span { "Job" }
                        select #task name="task" {
                            @match v.kind.as_str() {
                                "claim_status" => { option value="claim_status" { "Check the claim's status now" } }
                                "eligibility" => { option value="eligibility" { "Ask about the coverage again now" } }
                                "precheck" => { option value="precheck" { "Ask again whether it needs an authorization" } }
                                "letter" => { option value="letter" { "Look for the letter now" } }
                                "prior_auth" if v.outcome.is_none() => { option value=(v.first_task.word()) { "Submit it, as a new job" } }
                                "prior_auth" => {
                                    option value="auth_status" { "Check the authorization's status now" }
                                    option value="letter" { "Fetch the letter of the decision" }
                                }
                                _ => { option value="auth_status" { "Check the authorization's status now" } }
                            }
                        }
                    }
                    (parts::reason_field("add-reason", "The payer called"))
                    button { "Add job" }
                }
            }
        }
    }
}
