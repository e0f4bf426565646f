//! One question: its words, the picture of that moment, what was wanted and seen, and the resolutions its kind allows.
//! Which are allowed is asked of `Choice::allowed`, the same function that the API and the decision use.

use domain::{
    exception::{Choice, ExceptionKind, ExceptionState},
    id::{AttemptId, CaseId, ExceptionId, JobId, UserId},
    job::Task,
    outcome::{Answer, Failure, ReferenceKind},
    time::Timestamp,
};
use maud::{Markup, html};

use super::kind_chip;
use crate::console::{case::AttemptLine, frame::Frame, icons::Icon, parts};

/// The question with all a person needs to answer it.
#[derive(Debug, Clone)]
pub struct Detail {
    /// Which.
    pub id: ExceptionId,
    /// Kind.
    pub kind: ExceptionKind,
    /// The question.
    pub question: String,
    /// State.
    pub state: ExceptionState,
    /// Rises with every change; an answer to an older one is refused.
    pub revision: i64,
    /// Opened.
    pub opened_at: Timestamp,
    /// An attempt waits for a code until then.
    pub answer_by: Option<Timestamp>,
    /// Who reads.
    pub reader: UserId,
    /// Name of the holder, of the first of two, or of the one who answered.
    pub person: Option<String>,
    /// Case.
    pub case: CaseId,
    /// Job.
    pub job: JobId,
    /// The job's task.
    pub task: Task,
    /// Payer's name.
    pub payer: String,
    /// Attempt that asked.
    pub attempt: Option<AttemptId>,
    /// What failed.
    pub failure: Option<Failure>,
    /// The picture of that moment, with the act in it.
    pub picture: Option<parts::Picture>,
    /// Attempts of the job so far, newest first.
    pub tried: Vec<AttemptLine>,
    /// Whether it may have been submitted.
    pub intent_open: bool,
    /// Numbers seen after a click that was not proved.
    pub candidates: Vec<String>,
    /// Why the last answer was refused; what was typed is kept beside it.
    pub refused: Option<String>,
    /// What was typed: form field and text.
    pub typed: Vec<(String, String)>,
}

impl Detail {
    fn kept(&self, field: &str) -> &str {
        self.typed.iter().find(|(f, _)| f == field).map_or("", |(_, text)| text)
    }
}

/// A resolution as its button says it.
#[must_use]
pub fn choice_name(choice: Choice) -> &'static str {
    match choice {
        Choice::GiveCode => "Give the code",
        Choice::Retry => "Retry",
        Choice::LookAgain => "Look again",
        Choice::GiveOutcome => "Give outcome",
        Choice::DeclareAbsent => "Declare absent",
        Choice::Cancel => "Cancel job",
    }
}

/// The detail's body.
pub(super) fn body(d: &Detail, frame: &Frame) -> Markup {
    let now = frame.now;
    html! {
        a.back href="/inbox" { "Back to the list" }
        header { (kind_chip(d.kind)) span.muted { "asked " (parts::when(d.opened_at, now)) } span.grow {} (holder(d, frame)) }
        h2 #question-title { (parts::visible(&d.question)) }
        p.muted {
            (d.payer) " · " (parts::task(d.task).to_lowercase()) " · case "
            a href={ "/cases/" (d.case) } { (parts::short(&d.case)) }
            @if let Some(a) = d.attempt { " · " a href={ "/attempts/" (a) } { "the attempt, step by step" } }
        }
        @if let Some(sentence) = &d.refused {
            p.problem #refused role="alert" tabindex="-1" { (Icon::Cross.svg()) (parts::visible(sentence)) }
        }
        (story(d))
        @if let Some(picture) = &d.picture {
            figure {
                (parts::picture(picture))
                figcaption { span { "The portal at that moment" } a href={ "/evidence/" (picture.id) } { "Open the picture" } }
            }
        } @else { (parts::empty("No picture of that moment was kept.")) }
        (answer_forms(d, frame))
        (tried(d, now))
    }
}

fn holder(d: &Detail, frame: &Frame) -> Markup {
    html! { @match &d.state {
        ExceptionState::Claimed { by, until } if *until > frame.now => {
            @if *by == d.reader {
                span { "Claimed by you, " count-down until=(until) { (parts::relative(*until, frame.now)) } }
                form method="post" action={ "/inbox/" (d.id) "/release" } { (parts::csrf(&frame.csrf)) button.small { "Release" } }
            } @else {
                span { "Claimed by " (d.person.as_deref().unwrap_or("somebody")) ", free again "
                    count-down until=(until) { (parts::relative(*until, frame.now)) } }
            }
        }
        ExceptionState::Open | ExceptionState::Claimed { .. } => {
            @if frame.may_act {
                form method="post" action={ "/inbox/" (d.id) "/claim" } {
                    (parts::csrf(&frame.csrf)) button.small data-key="c" { "Claim" }
                }
            } @else { (parts::refused_button("Claim", "Your role may look but not act.")) }
        }
        ExceptionState::Resolved { .. } | ExceptionState::Seconding { .. } | ExceptionState::Withdrawn => {}
    } }
}

/// What was wanted, what was seen, what was tried.
fn story(d: &Detail) -> Markup {
    html! {
        @if d.intent_open {
            div.banner.bad { (Icon::Doubt.svg()) div {
                strong { "It may have been submitted." }
                p { "Nothing is sent again until it is known whether the payer has it." }
            } }
        }
        @if let Some(f) = &d.failure {
            dl.facts.narrow {
                (parts::fact("What happened", &html! { (parts::visible(&f.say)) }))
                @if !f.detail.is_empty() { (parts::fact("Wanted and seen", &html! { span.detail { (parts::visible(&f.detail)) } })) }
                @if let Some(step) = &f.step { (parts::fact("In step", &html! { (parts::visible(step)) })) }
                @if let Some(source) = &f.source { (parts::fact("Script line", &html! { code { (parts::visible(source)) } })) }
            }
        }
        @if !d.candidates.is_empty() {
            p { "Numbers seen on the page after the click, not proved to be ours: "
                @for c in &d.candidates { (parts::copyable(c)) " " } }
        }
    }
}

fn answer_forms(d: &Detail, frame: &Frame) -> Markup {
    let held = match &d.state {
        ExceptionState::Claimed { by, until } if *by != d.reader && *until > frame.now => {
            Some(format!("{} is answering it.", d.person.as_deref().unwrap_or("Somebody else")))
        }
        _ => None,
    };
    html! { @match &d.state {
        ExceptionState::Resolved { resolution, .. } => {
            div.banner.good { (Icon::Check.svg()) div {
                strong { (choice_name(resolution.choice())) " · " (d.person.as_deref().unwrap_or("a person")) }
                p { (parts::visible(resolution.reason())) }
            } }
        }
        ExceptionState::Withdrawn => { div.banner { (Icon::Ban.svg()) div { strong { "No longer asked: the cause is gone." } } } }
        ExceptionState::Seconding { first, resolution } => { (second(d, frame, first, resolution.reason())) }
        ExceptionState::Open | ExceptionState::Claimed { .. } => {
            h3 { "Your answer" }
            @if let Some(until) = d.answer_by {
                p { "The attempt waits for it, " count-down until=(until) { (parts::relative(until, frame.now)) } "." }
            }
            // A code is asked for only while an attempt waits for it; then nothing else is asked.
            div.choices { @for choice in Choice::ALL.into_iter().filter(|c| (*c == Choice::GiveCode) == d.answer_by.is_some()) {
                @match refusal(d, frame, choice, held.as_deref()) {
                    Some(reason) => (parts::refused_button(choice_name(choice), &reason)),
                    None => (choice_form(d, frame, choice)),
                }
            } }
        }
    } }
}

fn refusal(d: &Detail, frame: &Frame, choice: Choice, held: Option<&str>) -> Option<String> {
    if !frame.may_act {
        return Some("Your role may look but not act.".to_owned());
    }
    let settles = d.intent_open && choice != Choice::LookAgain;
    let role =
        (settles && !frame.may_settle).then_some("Settling a doubt needs the role reviewer.");
    let possible = match d.answer_by {
        Some(_) => choice.allowed_live(),
        None => choice.allowed(d.kind, d.intent_open),
    };
    possible.err().or(held).or(role).map(str::to_owned)
}

fn second(d: &Detail, frame: &Frame, first: &UserId, reason: &str) -> Markup {
    let person = d.person.as_deref().unwrap_or("somebody");
    html! {
        div.banner.warn { (Icon::Person.svg()) div {
            strong { (person) " declared that it is not at the payer. A second person must agree." }
            p { q { (parts::visible(reason)) } }
        } }
        div.choices {
            @if *first == d.reader { (parts::refused_button("Agree: it is absent", "The second person must be somebody else.")) }
            @else if !frame.may_settle { (parts::refused_button("Agree: it is absent", "Settling a doubt needs the role reviewer.")) }
            @else { (choice_form(d, frame, Choice::DeclareAbsent)) (choice_form(d, frame, Choice::LookAgain)) (choice_form(d, frame, Choice::GiveOutcome)) }
        }
    }
}

fn choice_form(d: &Detail, frame: &Frame, choice: Choice) -> Markup {
    let seconding = matches!(d.state, ExceptionState::Seconding { .. });
    if choice == Choice::GiveCode {
        return code_form(d, frame);
    }
    let (explain, placeholder, button) = match choice {
        Choice::GiveCode => ("", "", "Give the code"),
        Choice::Retry => (
            "The job is tried again from the start, as soon as a slot is free.",
            "Password changed in the vault",
            "Retry the job",
        ),
        Choice::LookAgain => (
            "The payer's records are searched once more, read-only.",
            "Their search was down this morning",
            "Look again",
        ),
        Choice::GiveOutcome => (
            "For what you know by phone, letter or the portal. It ends the job.",
            "Called the payer, spoke with intake",
            "Give this outcome",
        ),
        Choice::DeclareAbsent if seconding => (
            "You confirm that nothing is at the payer. The job may then be sent again.",
            "Checked the portal myself",
            "Agree: it is absent",
        ),
        Choice::DeclareAbsent => (
            "You say that nothing is at the payer. A second person must agree before anything is sent.",
            "The payer confirmed by phone",
            "Declare it absent",
        ),
        Choice::Cancel => {
            ("The job ends without an answer.", "Withdrawn by the practice", "Cancel the job")
        }
    };
    let open = d.kept("choice") == choice.word();
    html! {
        details.choice name="choice" open[open] {
            summary.button data-key=[(choice == Choice::Retry).then_some("r")] { @if seconding && choice == Choice::DeclareAbsent { "Agree: it is absent" } @else { (choice_name(choice)) } }
            form.stack method="post" action={ "/inbox/" (d.id) "/resolve" } {
                (parts::csrf(&frame.csrf))
                input type="hidden" name="choice" value=(choice.word());
                input type="hidden" name="revision" value=(d.revision);
                p.muted { (explain) }
                @if choice == Choice::GiveOutcome { (outcome_fields(d)) }
                label.field for={ "reason-" (choice.word()) } { span { "Reason" }
                    input #{ "reason-" (choice.word()) } name="reason" required minlength=(if choice == Choice::DeclareAbsent { 10 } else { 3 }) maxlength="300" autocomplete="off"
                        placeholder=(placeholder) value=(if open { d.kept("reason") } else { "" });
                }
                button.primary[choice != Choice::Cancel].danger[choice == Choice::Cancel] { (button) }
            }
        }
    }
}

/// The code of a sign-in that waits. What is typed here is never shown again, not even when it is refused.
fn code_form(d: &Detail, frame: &Frame) -> Markup {
    html! {
        form.stack method="post" action={ "/inbox/" (d.id) "/resolve" } autocomplete="off" {
            (parts::csrf(&frame.csrf))
            input type="hidden" name="choice" value=(Choice::GiveCode.word());
            input type="hidden" name="revision" value=(d.revision);
            p.muted { "It is typed into the portal once and kept nowhere." }
            label.field for="code" { span { "The code" }
                input #code name="code" required maxlength="400" autocomplete="off" autocapitalize="none" spellcheck="false";
            }
            button.primary { "Give the code" }
        }
    }
}

/// The same typed outcome as an agent brings, marked "by a person".
fn outcome_fields(d: &Detail) -> Markup {
    let claim = d.task == Task::ClaimStatus;
    html! {
        label.field for="answer" { span { "The payer's answer" }
            select #answer name="answer" required {
                option value="" { "Choose one" }
                @for a in Answer::ALL {
                    @if a.fits(d.task) {
                        option value=(a.word()) selected[a.word() == d.kept("answer")] { (a.say()) }
                    }
                }
            }
        }
        div.pair {
            label.field for="reference_kind" { span { "Kind of number" }
                select #reference_kind name="reference_kind" {
                    @for k in ReferenceKind::ALL {
                        option value=(k.word()) selected[k.word() == d.kept("reference_kind") || (d.kept("reference_kind").is_empty()
                            && *k == if claim { ReferenceKind::Claim } else { ReferenceKind::Tracking })] { (parts::reference_kind(*k)) }
                    }
                }
            }
            label.field for="reference" { span { @if d.intent_open { "The payer's number, which settles it" } @else { "Number, if there is one" } }
                input #reference name="reference" required[d.intent_open] maxlength="40" autocomplete="off" spellcheck="false" value=(d.kept("reference"));
            }
        }
        label.field for="raw_words" { span { "The payer's words, if you have them" }
            input #raw_words name="raw_words" maxlength="200" autocomplete="off" value=(d.kept("raw_words"));
        }
    }
}

fn tried(d: &Detail, now: Timestamp) -> Markup {
    html! { @if !d.tried.is_empty() {
        h3 { "Tried so far" }
        ul.plain { @for a in &d.tried { li.line {
            a href={ "/attempts/" (a.id) } { "Attempt " (a.number) }
            (parts::attempt_state(&a.state))
            span.muted { (parts::when(a.started_at, now)) }
        } } }
    } }
}
