//! The Case page.

use coordinator::console::{
    case::{Asked, CaseView, ExceptionLine, JobView, Life, body},
    frame::Section,
    icons::Icon,
    parts::Tone,
};
use domain::{
    attempt::AttemptState,
    case::CaseStatus,
    exception::{ExceptionKind, ExceptionState},
    id::DocumentId,
    job::{JobState, Task},
    outcome::ReferenceKind,
    request::Document,
};

use crate::fixture::{
    HOSTILE, ago, approve, attempt_id, attempt_line, case_id, exception_id, failure, frame,
    intent_id, job_id, kept, no_permission, now, outcome, reference, whole,
};

fn job(state: JobState) -> JobView {
    JobView {
        id: job_id(1),
        task: Task::Submit,
        state,
        created_at: ago(14),
        ready_at: None,
        attempts: vec![attempt_line(1, AttemptState::Succeeded)],
        attempts_max: 3,
        no_cancel: None,
    }
}

fn view(status: CaseStatus, jobs: Vec<JobView>) -> CaseView {
    CaseView {
        id: case_id(1),
        kind: "prior_auth".into(),
        first_task: Task::Submit,
        payer: "Crestline".into(),
        status,
        received_at: ago(14),
        asked: Asked {
            facts: vec![
                ("Member", "••••0001".into()),
                ("Urgency", "standard".into()),
                ("Setting", "outpatient".into()),
                ("Diagnoses", "••••".into()),
                ("Requesting", "1234567893".into()),
            ],
            lines: vec![
                ("70551".into(), 1, "2026-03-09".into(), "2026-03-09".into()),
                ("97110".into(), 6, "2026-03-09".into(), "2026-04-09".into()),
            ],
            shown: false,
        },
        references: vec![],
        outcome: None,
        jobs,
        exceptions: vec![],
        documents: vec![Document {
            id: DocumentId::new(ago(14), 5),
            kind: "pdf".into(),
            sha256: "c0de".repeat(16),
            size_bytes: 48_213,
        }],
        evidence: vec![],
        life: vec![Life {
            at: ago(14),
            icon: Icon::Intake,
            tone: Tone::Calm,
            who: "practice-api".into(),
            text: "Taken in".into(),
            href: None,
        }],
        no_add: None,
    }
}

fn done() -> CaseView {
    let mut v = view(CaseStatus::Working, vec![job(JobState::Done { outcome: outcome() })]);
    v.jobs.insert(
        0,
        JobView {
            id: job_id(2),
            task: Task::AuthStatus,
            attempts: vec![],
            ready_at: Some(now().plus_ms(7_200_000)),
            ..job(JobState::Ready)
        },
    );
    v.references =
        vec![(reference("CRA-2603-004417", ReferenceKind::Tracking), Some(attempt_id(1)))];
    v.outcome = Some(outcome());
    v.evidence = kept();
    v.life.insert(
        0,
        Life {
            at: ago(12),
            icon: Icon::Check,
            tone: Tone::Good,
            who: "agent-a1".into(),
            text: "Attempt 1 succeeded: Pended for review".into(),
            href: Some(format!("/attempts/{}", attempt_id(1))),
        },
    );
    v
}

fn in_doubt() -> CaseView {
    let state =
        JobState::InDoubt { intent: intent_id(1), look_at: now().plus_ms(60_000), looks: 1 };
    let mut j = job(state);
    j.attempts = vec![attempt_line(1, AttemptState::Lost)];
    j.no_cancel = Some("It may have been submitted: it cannot be cancelled until that is settled.");
    let mut v = view(CaseStatus::Attention, vec![j]);
    v.no_add = Some("A submission is in doubt: settle it first.".into());
    v
}

fn waiting() -> CaseView {
    let mut j = job(JobState::Waiting { exception: exception_id(1), intent: None });
    j.attempts = vec![attempt_line(1, AttemptState::Failed { failure: failure() })];
    let mut v = view(CaseStatus::Attention, vec![j]);
    v.exceptions = vec![ExceptionLine {
        id: exception_id(1),
        kind: ExceptionKind::PageChanged,
        question: ExceptionKind::PageChanged.question().into(),
        state: ExceptionState::Open,
        opened_at: ago(12),
    }];
    v
}

#[test]
fn every_state() {
    let f = frame(Section::Work);
    for (name, view, f) in [
        (
            "case_received",
            view(CaseStatus::Received, vec![JobView { attempts: vec![], ..job(JobState::Ready) }]),
            &f,
        ),
        ("case_working", done(), &f),
        ("case_in_doubt", in_doubt(), &f),
        ("case_waiting", waiting(), &f),
        ("case_without_permission", waiting(), &no_permission(Section::Work)),
    ] {
        approve(name, &whole(name, f, "Case", &body(&view, f)));
    }
}

#[test]
fn a_doubt_refuses_cancel_and_says_why() {
    let f = frame(Section::Work);
    let html = body(&in_doubt(), &f).into_string();
    assert!(!html.contains("/cancel"), "no form leads to a cancel");
    assert!(html.contains("it cannot be cancelled until that is settled"));
    assert!(html.contains("This may have been submitted."));
}

#[test]
fn hostile_text_stays_text() {
    let f = frame(Section::Work);
    let mut v = done();
    v.references[0].0.value = HOSTILE.into();
    v.life[0].text = HOSTILE.into();
    v.asked.facts[0].1 = HOSTILE.into();
    let html = body(&v, &f).into_string();
    assert!(!html.contains("<script>"));
}
