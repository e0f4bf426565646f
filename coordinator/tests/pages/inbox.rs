//! The Inbox: list, question, resolutions.

use coordinator::console::{
    frame::{Frame, Section},
    inbox::{Detail, Inbox, Row, Tab, body},
    parts::Picture,
};
use domain::{
    attempt::AttemptState,
    exception::{ExceptionKind, ExceptionState, Resolution},
    job::Task,
};

use crate::fixture::{
    HOSTILE, ago, approve, attempt, attempt_id, attempt_line, case_id, evidence_id, exception_id,
    failure, frame, job_id, no_permission, now, user_id, whole,
};

fn row(n: u128, kind: ExceptionKind) -> Row {
    Row {
        id: exception_id(n),
        kind,
        payer: "Crestline".into(),
        case: case_id(n),
        sentence: kind.question().into(),
        opened_at: ago(i64::try_from(n).unwrap() * 11),
        state: ExceptionState::Open,
        person: None,
        owner: None,
    }
}

fn detail(kind: ExceptionKind, state: ExceptionState) -> Detail {
    Detail {
        id: exception_id(1),
        kind,
        question: kind.question().into(),
        state,
        revision: 1,
        answer_by: None,
        opened_at: ago(11),
        reader: user_id(1),
        person: Some("Ben Hale".into()),
        case: case_id(1),
        job: job_id(1),
        task: Task::Submit,
        payer: "Crestline".into(),
        attempt: Some(attempt_id(1)),
        failure: Some(failure()),
        picture: Some(Picture {
            id: evidence_id(6),
            alt: "Screenshot before: attach file".into(),
            pixels: Some((1280, 800)),
            click: attempt().steps[4].acts[0].click,
            lit: None,
        }),
        tried: vec![attempt_line(1, AttemptState::Failed { failure: failure() })],
        intent_open: kind == ExceptionKind::InDoubt,
        candidates: vec![],
        refused: None,
        typed: vec![],
    }
}

fn inbox(rows: Vec<Row>, detail: Option<Detail>) -> Inbox {
    Inbox {
        tab: Tab::Open,
        counts: [(Tab::Open, Some(rows.len())), (Tab::Mine, Some(0)), (Tab::Resolved, None)],
        payer: String::new(),
        kind: String::new(),
        queue: String::new(),
        queues: vec!["credentials".into(), "prior_auth_desk".into()],
        payers: vec![("crestline".into(), "Crestline".into())],
        rows,
        next: None,
        chosen: detail.is_some(),
        detail,
        slots_busy: 12,
    }
}

fn draw(name: &str, view: &Inbox, frame: &Frame) -> String {
    let html = whole(name, frame, "Inbox", &body(view, frame));
    approve(name, &html);
    html
}

#[test]
fn empty_one_and_many() {
    let f = frame(Section::Inbox);
    let html = draw("inbox_empty", &inbox(vec![], None), &f);
    assert!(html.contains("Nothing needs a person. 12 slots are working."));
    let one = detail(ExceptionKind::PageChanged, ExceptionState::Open);
    draw("inbox_one", &inbox(vec![row(1, ExceptionKind::PageChanged)], Some(one)), &f);
    let rows = ExceptionKind::ALL.iter().zip(1..).map(|(k, n)| row(n, *k)).collect();
    let doubt = detail(ExceptionKind::InDoubt, ExceptionState::Open);
    draw("inbox_many", &inbox(rows, Some(doubt)), &f);
}

#[test]
fn states_of_a_question() {
    let f = frame(Section::Inbox);
    let until = now().plus_ms(9 * 60_000);
    let absent = Resolution::DeclareAbsent { reason: "The payer confirmed by phone".into() };
    let kind = ExceptionKind::InDoubt;
    for (name, d, f) in [
        (
            "question_claimed_by_me",
            detail(kind, ExceptionState::Claimed { by: user_id(1), until }),
            &f,
        ),
        (
            "question_claimed_by_another",
            detail(kind, ExceptionState::Claimed { by: user_id(2), until }),
            &f,
        ),
        (
            "question_seconding",
            detail(
                kind,
                ExceptionState::Seconding { first: user_id(2), resolution: absent.clone() },
            ),
            &f,
        ),
        (
            "question_seconding_by_the_first",
            detail(kind, ExceptionState::Seconding { first: user_id(1), resolution: absent }),
            &f,
        ),
        (
            "question_resolved",
            detail(
                kind,
                ExceptionState::Resolved {
                    by: user_id(2),
                    resolution: Resolution::LookAgain { reason: "Their search is up again".into() },
                },
            ),
            &f,
        ),
        (
            "question_without_permission",
            detail(kind, ExceptionState::Open),
            &no_permission(Section::Inbox),
        ),
        (
            "question_refused_answer",
            Detail {
                refused: Some("Ben Hale answered first: look again.".into()),
                typed: vec![
                    ("choice".into(), "give_outcome".into()),
                    ("answer".into(), "denied".into()),
                    ("reason".into(), "Called them".into()),
                ],
                ..detail(ExceptionKind::UnmappedStatus, ExceptionState::Open)
            },
            &f,
        ),
    ] {
        draw(name, &inbox(vec![row(1, kind)], Some(d)), f);
    }
}

#[test]
fn a_doubt_offers_no_retry_and_no_cancel() {
    let f = frame(Section::Inbox);
    let view = inbox(vec![], Some(detail(ExceptionKind::InDoubt, ExceptionState::Open)));
    let html = body(&view, &f).into_string();
    assert!(!html.contains("value=\"retry\"") && !html.contains("value=\"cancel\""));
    assert!(html.contains("value=\"look_again\"") && html.contains("value=\"declare_absent\""));
    assert!(html.contains("It may have been submitted: look again"));
}

#[test]
fn hostile_text_stays_text() {
    let f = frame(Section::Inbox);
    let mut d = detail(ExceptionKind::PageChanged, ExceptionState::Open);
    d.question = HOSTILE.into();
    d.candidates = vec![HOSTILE.into()];
    d.typed = vec![("choice".into(), "retry".into()), ("reason".into(), HOSTILE.into())];
    let html = body(&inbox(vec![], Some(d)), &f).into_string();
    assert!(!html.contains("<script>"));
    assert!(html.contains("&lt;script&gt;"));
}
