//! The Attempt page.

use coordinator::console::{
    attempt::{AttemptView, Sibling, body},
    frame::Section,
};
use domain::{
    attempt::AttemptState, intent::IntentState, job::JobState, lease::Purpose, step::StepState,
};

use crate::fixture::{
    HOSTILE, approve, attempt, attempt_id, exception_id, failure, frame, intent_id, lease, now,
    whole,
};

fn failed() -> AttemptView {
    let mut v = attempt();
    v.state = AttemptState::Failed { failure: failure() };
    v.job_state = JobState::Waiting { exception: exception_id(1), intent: None };
    v.exception = Some(exception_id(1));
    v.steps.truncate(5);
    v.steps[4].state = StepState::Failed;
    v.intent = None;
    v.outcome = None;
    v.page_text = None;
    v
}

fn running() -> AttemptView {
    let mut v = attempt();
    v.state = AttemptState::Running;
    v.started_at = now().plus_ms(-26_000);
    v.ended_at = None;
    v.logins = None;
    v.job_state = JobState::Leased { lease: lease(), attempt: v.id, intent: None };
    v.steps.truncate(5);
    v.steps[4].state = StepState::Running;
    v.steps[4].ended_ms = None;
    v.intent = None;
    v.outcome = None;
    v
}

fn given_back() -> AttemptView {
    let mut v = running();
    v.state = AttemptState::Released;
    v.job_state = JobState::Ready;
    v.ended_at = Some(v.started_at.plus_ms(9_000));
    v.siblings = vec![
        Sibling { id: v.id, number: 1, state: AttemptState::Released },
        Sibling { id: attempt_id(2), number: 2, state: AttemptState::Running },
    ];
    v
}

fn lost_in_doubt() -> AttemptView {
    let mut v = attempt();
    v.state = AttemptState::Lost;
    v.job_state =
        JobState::InDoubt { intent: intent_id(1), look_at: now().plus_ms(95_000), looks: 1 };
    v.steps.truncate(6);
    v.steps[5].state = StepState::Running;
    v.steps[5].ended_ms = None;
    v.outcome = None;
    if let Some(intent) = &mut v.intent {
        intent.state = IntentState::Open;
        intent.closed_at = None;
    }
    v.siblings.push(Sibling { id: attempt_id(2), number: 2, state: AttemptState::Running });
    v
}

#[test]
fn every_state() {
    let f = frame(Section::Work);
    let empty =
        AttemptView { steps: vec![], evidence: vec![], intent: None, outcome: None, ..running() };
    let paused =
        AttemptView { state: AttemptState::Paused { exception: exception_id(1) }, ..running() };
    let reconcile = AttemptView { purpose: Purpose::Reconcile, ..attempt() };
    let commit = AttemptView { step: Some(5), ..attempt() };
    for (name, view) in [
        ("attempt_done", attempt()),
        ("attempt_commit_step", commit),
        ("attempt_failed", failed()),
        ("attempt_running", running()),
        ("attempt_paused", paused),
        ("attempt_in_doubt", lost_in_doubt()),
        ("attempt_given_back", given_back()),
        ("attempt_reconcile", reconcile),
        ("attempt_empty", empty),
    ] {
        approve(name, &whole(name, &f, "Attempt", &body(&view, &f)));
    }
}

#[test]
fn the_mark_is_in_percent_of_the_viewport() {
    let f = frame(Section::Work);
    let html = body(&AttemptView { step: Some(5), ..attempt() }, &f).into_string();
    assert!(html.contains("style=\"left:50%;top:52.5%\""), "ring at 640, 420 of 1280 by 800");
    assert!(html.contains("pointer at 640, 420"));
}

#[test]
fn without_a_picture_of_the_moment_there_is_no_mark() {
    let f = frame(Section::Work);
    let mut v = AttemptView { step: Some(5), ..attempt() };
    v.steps[5].acts[0].picture = None;
    let html = body(&v, &f).into_string();
    assert!(!html.contains("class=\"ring\""));
}

#[test]
fn a_pointer_beside_its_target_is_said() {
    let f = frame(Section::Work);
    let mut v = AttemptView { step: Some(5), ..attempt() };
    v.steps[5].acts[0].click.as_mut().unwrap().bounds.x += 40.0;
    let html = body(&v, &f).into_string();
    assert!(html.contains("40 px from the middle of the target"));
}

#[test]
fn hostile_text_stays_text() {
    let f = frame(Section::Work);
    let mut v = failed();
    v.steps[4].name = HOSTILE.into();
    v.steps[4].log[0].text = HOSTILE.into();
    v.agent = HOSTILE.into();
    v.page_text = Some(HOSTILE.repeat(200));
    if let AttemptState::Failed { failure } = &mut v.state {
        failure.detail = HOSTILE.into();
    }
    let html = body(&v, &f).into_string();
    assert!(!html.contains("<script>"));
    assert!(!html.contains('\u{202e}'));
}
