//! How an attempt ended: the failure's sentence (first on the page), the commit with its intent and fixed evidence, the outcome.

use domain::{
    attempt::AttemptState,
    evidence::{Evidence, EvidenceKind, Moment},
    intent::{IntentState, VoidProof},
    job::JobState,
    time::Timestamp,
};
use maud::{Markup, html};

use super::{AttemptView, IntentView, evidence_name, moment_name};
use crate::console::{icons::Icon, parts};

/// What failed, in the first screen, and what comes next.
pub(super) fn failure_first(v: &AttemptView, now: Timestamp) -> Markup {
    let open_intent = v.intent.as_ref().is_some_and(|i| i.state == IntentState::Open);
    html! {
        @match &v.state {
            AttemptState::Failed { failure } => {
                div.banner.bad role="alert" { (Icon::Cross.svg()) div {
                    strong { (parts::visible(&failure.say)) }
                    @if !failure.detail.is_empty() { p.detail { (parts::visible(&failure.detail)) } }
                    p.muted {
                        @if let Some(step) = &failure.step { "In step “" (parts::visible(step)) "”" }
                        @if let Some(source) = &failure.source { " · " code { (parts::visible(source)) } }
                        " · " (parts::visible(&failure.name.replace('_', " ")))
                    }
                    (next(v, now))
                } }
            }
            AttemptState::Lost => {
                div.banner.bad role="alert" { (Icon::Lost.svg()) div {
                    strong { "The agent stopped in the middle of the work; its lease ended without a report." }
                    (next(v, now))
                } }
            }
            AttemptState::Released => {
                div.banner { (Icon::Ban.svg()) div {
                    strong { "The agent was told to stop and gave the lease back. Nothing was sent, and the attempt is not counted." }
                    (next(v, now))
                } }
            }
            AttemptState::Paused { exception } => {
                div.banner.warn { (Icon::Pause.svg()) div {
                    strong { "The attempt waits for a person; the portal session is kept." }
                    p { a href={ "/inbox/" (exception) } { "Answer the question" } }
                } }
            }
            AttemptState::Running | AttemptState::Succeeded => {}
        }
        @if open_intent && v.ended_at.is_some() {
            div.banner.bad { (Icon::Doubt.svg()) div {
                strong { "In doubt: it may have been submitted." }
                p { "The intent is open and this attempt is gone. A read-only look settles it; nothing is sent again." }
            } }
        }
    }
}

fn next(v: &AttemptView, now: Timestamp) -> Markup {
    html! { p { @match (&v.job_state, v.exception) {
        (_, Some(e)) => { "Next: " a href={ "/inbox/" (e) } { "a person answers" } "." }
        (JobState::Resting { until, .. }, _) => { "Next: tried again " (parts::when(*until, now)) "." }
        (JobState::InDoubt { look_at, .. }, _) => { "Next: a read-only look " (parts::when(*look_at, now)) "." }
        (JobState::Waiting { exception, .. }, _) => { "Next: " a href={ "/inbox/" (exception) } { "a person answers" } "." }
        (JobState::Ready, _) => { "Next: the job waits for a free slot." }
        (JobState::Leased { attempt, .. }, _) => { "Next: " a href={ "/attempts/" (attempt) } { "the following attempt" } " is under way." }
        (JobState::Done { outcome }, _) => { "Since then the job ended: " (outcome.answer.say()) "." }
        (JobState::Failed { .. }, _) => { "No way is left for this job." }
        (JobState::Cancelled { .. }, _) => { "The job was cancelled." }
    } } }
}

/// The commit: intent, request hash, reference, and the fixed set of evidence.
pub(super) fn commit_card(v: &AttemptView, now: Timestamp) -> Markup {
    let Some(intent) = &v.intent else { return html! {} };
    html! {
        section.card.commit-card aria-labelledby="commit-title" {
            header {
                h2 #commit-title { (Icon::Commit.svg()) "Commit · " (parts::visible(&intent.commit)) }
                (parts::intent_state(&intent.state))
            }
            p { (sentence(&intent.state)) }
            dl.facts {
                (parts::fact("Intent", &parts::id(&intent.id)))
                (parts::fact("Opened", &parts::when(intent.opened_at, now)))
                @if let Some(at) = intent.closed_at { (parts::fact("Settled", &parts::when(at, now))) }
                (parts::fact("Hash of the filled form", &parts::hash(&intent.payload_sha256)))
                @if let IntentState::Confirmed { reference, .. } = &intent.state {
                    (parts::fact("Proof", &parts::copyable(reference)))
                }
                @if intent.attempt != v.id {
                    (parts::fact("Opened by", &html! { a href={ "/attempts/" (intent.attempt) } { "an earlier attempt" } }))
                }
            }
            (fixed_set(v, intent))
        }
    }
}

fn sentence(state: &IntentState) -> &'static str {
    match state {
        IntentState::Open => {
            "The request may be at the payer. Nothing else may be sent until this is settled."
        }
        IntentState::Confirmed { .. } => {
            "The payer's own number proves that the request was taken in, once."
        }
        IntentState::Void { proof: VoidProof::NotClicked } => {
            "The button was never pressed: nothing was sent."
        }
        IntentState::Void { proof: VoidProof::NotSent } => {
            "The submit gate certified that no connection was let out: nothing was sent."
        }
        IntentState::Void { proof: VoidProof::ProvenAbsent } => {
            "The payer's records show that nothing arrived."
        }
        IntentState::Void { proof: VoidProof::Declared } => {
            "Two people declared that nothing arrived."
        }
    }
}

/// Before and after, page source and call: what every commit keeps. A missing item is said, not hidden.
fn fixed_set(v: &AttemptView, intent: &IntentView) -> Markup {
    let find = |kinds: &[EvidenceKind], moment: Moment| -> Option<&Evidence> {
        v.evidence
            .iter()
            .rfind(|e| e.step == intent.step && e.moment == moment && kinds.contains(&e.kind))
    };
    let pictures = [EvidenceKind::FullPage, EvidenceKind::Screenshot];
    let before = v
        .evidence
        .iter()
        .find(|e| e.id == intent.before)
        .or_else(|| find(&pictures, Moment::Before));
    let after = match &intent.state {
        IntentState::Confirmed { after, .. } => v.evidence.iter().find(|e| e.id == *after),
        IntentState::Open | IntentState::Void { .. } => find(&pictures, Moment::After),
    };
    let other =
        |kind: EvidenceKind| v.evidence.iter().rfind(|e| e.step == intent.step && e.kind == kind);
    if intent.attempt != v.id {
        return html! {};
    }
    html! {
        h3 { "Evidence of the commit" }
        ul.set {
            (item("Picture before the click", before, true))
            (item("Picture after", after, true))
            (item("Page source", other(EvidenceKind::Dom), false))
            (item("The submitted call", other(EvidenceKind::SubmitCall), false))
        }
    }
}

fn item(name: &str, found: Option<&Evidence>, picture: bool) -> Markup {
    html! { li { @match found {
        Some(e) => {
            a href={ "/evidence/" (e.id) } {
                @if picture { span.thumb { img src={ "/evidence/" (e.id) } alt="" loading="lazy"; } }
                @else { span.thumb { (Icon::Document.svg()) } }
                span { (name) }
            }
            span.muted { (parts::size(e.size_bytes)) " · " } (parts::hash(&e.sha256))
        }
        None => { span.thumb.none { "–" } span { (name) } span.muted { "not kept" } }
    } } }
}

/// The outcome as labelled facts, each number with the place it was read.
pub(super) fn outcome_card(v: &AttemptView) -> Markup {
    let Some(o) = &v.outcome else { return html! {} };
    html! {
        section.card aria-labelledby="outcome-title" {
            header { h2 #outcome-title { "Outcome" } (parts::answer(o.answer)) }
            dl.facts {
                @if !o.raw_words.is_empty() { (parts::fact("The payer's words", &html! { q { (parts::visible(&o.raw_words)) } })) }
                @for r in &o.references {
                    (parts::fact(parts::reference_kind(r.kind), &html! {
                        (parts::copyable(&r.value)) span.muted { " from " (parts::read_by(&r.read_by))
                            @if let Some(c) = r.confidence { ", " (format!("{c:.0}")) " % sure" } }
                        @if let Some(e) = r.evidence {
                            (parts::cut(&parts::Picture {
                                id: e,
                                alt: format!("Where the {} was read", parts::reference_kind(r.kind).to_lowercase()),
                                pixels: v.pixels.get(&e).copied(), click: None, lit: r.bounds,
                            }))
                        }
                    }))
                }
                @for f in &o.facts { (parts::fact(&f.name.replace('_', " "), &html! { (parts::visible(&f.value)) })) }
                (parts::fact("Known by", &html! { (crate::console::case::via(&o.via)) }))
            }
        }
    }
}

/// Everything that was kept, by step.
pub(super) fn evidence_list(v: &AttemptView) -> Markup {
    html! {
        section.card aria-labelledby="kept" {
            h2 #kept { "Evidence " span.count { (v.evidence.len()) } }
            @if v.evidence.is_empty() { (parts::empty("Nothing has been kept yet.")) }
            @else { details { summary { "All items, in order" }
                table.list.cards {
                    caption.hidden { "Evidence of this attempt" }
                    thead { tr { th scope="col" { "Item" } th scope="col" { "Moment" } th scope="col" { "Step" } th scope="col" { "Masked" } th scope="col" { "SHA-256" } th.num scope="col" { "Size" } } }
                    tbody { @for e in &v.evidence { tr {
                        th scope="row" data-label="Item" { a href={ "/evidence/" (e.id) } { (evidence_name(e.kind)) } }
                        td data-label="Moment" { (moment_name(e.moment)) }
                        td data-label="Step" { a href={ "?step=" (e.step) "#picture" } { (e.step + 1) } }
                        td data-label="Masked" { @if e.masked { "yes" } @else { "no" } }
                        td data-label="SHA-256" { (parts::hash(&e.sha256)) }
                        td.num data-label="Size" { (parts::size(e.size_bytes)) }
                    } } }
                }
            } }
        }
    }
}
