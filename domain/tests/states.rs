//! Walks every pair of state and event of every entity and keeps `docs/states.md` equal to what the code says.
//! When the file differs it is rewritten and the test fails, so that the next run passes and the change is seen in review.

use std::fmt::Write as _;

use domain::{
    attempt::{AttemptEvent, AttemptState},
    case::CaseStatus,
    drift::{DriftEvent, DriftKind, DriftState},
    evidence::EvidenceKind,
    exception::{Choice, ExceptionEvent, ExceptionKind, ExceptionState, Resolution},
    id::{AgentId, AttemptId, EvidenceId, ExceptionId, IntentId, LeaseId, UserId},
    intent::{IntentEvent, IntentState, VoidProof},
    job::{JobEvent, JobState},
    lease::{Lease, Purpose},
    outcome::{Answer, Failure, FailureKind, Outcome},
    time::Timestamp,
};

fn at(ms: i64) -> Timestamp {
    Timestamp::from_ms(ms)
}

fn lease(purpose: Purpose) -> Lease {
    Lease {
        id: LeaseId::new(at(0), 1),
        fence: 1,
        agent: AgentId::new(at(0), 1),
        expires_at: at(60_000),
        purpose,
    }
}

fn outcome(answer: Answer) -> Outcome {
    Outcome {
        answer,
        raw_words: String::new(),
        references: vec![],
        facts: vec![],
        via: "agent".into(),
    }
}

fn failure() -> Failure {
    Failure::new(FailureKind::Transient, "slow", "")
}

fn intent() -> IntentId {
    IntentId::new(at(0), 1)
}

/// Every job state, `leased` and `waiting` once with and once without an open intent.
fn job_states() -> Vec<(&'static str, JobState)> {
    let attempt = AttemptId::new(at(0), 1);
    let exception = ExceptionId::new(at(0), 1);
    let leased = |purpose, intent| JobState::Leased { lease: lease(purpose), attempt, intent };
    vec![
        ("ready", JobState::Ready),
        ("leased", leased(Purpose::Work, None)),
        ("leased, intent open", leased(Purpose::Work, Some(intent()))),
        ("leased to reconcile", leased(Purpose::Reconcile, Some(intent()))),
        ("resting", JobState::Resting { until: at(1), after: failure() }),
        ("waiting", JobState::Waiting { exception, intent: None }),
        ("waiting, intent open", JobState::Waiting { exception, intent: Some(intent()) }),
        ("in_doubt", JobState::InDoubt { intent: intent(), look_at: at(1), looks: 0 }),
        ("done", JobState::Done { outcome: outcome(Answer::Approved) }),
        ("failed", JobState::Failed { failure: failure() }),
        ("cancelled", JobState::Cancelled { reason: "test".into() }),
    ]
}

fn job_events() -> Vec<(&'static str, JobEvent)> {
    let attempt = AttemptId::new(at(0), 2);
    let doubt = JobEvent::Doubt { intent: intent(), look_at: at(2), looks: 1 };
    vec![
        ("lease", JobEvent::Lease { lease: lease(Purpose::Work), attempt }),
        ("lease to reconcile", JobEvent::Lease { lease: lease(Purpose::Reconcile), attempt }),
        ("permit", JobEvent::Permit(intent())),
        ("not_clicked", JobEvent::NotClicked),
        ("answer", JobEvent::Answer(outcome(Answer::Approved))),
        ("rest", JobEvent::Rest { until: at(2), after: failure() }),
        ("ask_person", JobEvent::AskPerson(ExceptionId::new(at(0), 2))),
        ("doubt", doubt),
        ("fail", JobEvent::Fail(failure())),
        ("return", JobEvent::Return),
        ("wake", JobEvent::Wake),
        ("reopen", JobEvent::Reopen),
        ("cancel", JobEvent::Cancel("test".into())),
    ]
}

fn job_label(state: &JobState) -> &'static str {
    job_states()
        .into_iter()
        .find(|(_, s)| {
            s.word() == state.word()
                && s.intent().is_some() == state.intent().is_some()
                && match (s, state) {
                    (JobState::Leased { lease: a, .. }, JobState::Leased { lease: b, .. }) => {
                        a.purpose == b.purpose
                    }
                    _ => true,
                }
        })
        .expect("every state is listed")
        .0
}

/// Rows `(from, event, to)` of the legal pairs.
type Walk = Vec<(String, String, String)>;

fn walk_jobs() -> Walk {
    let mut rows = Walk::new();
    for (from, state) in job_states() {
        for (name, event) in job_events() {
            match state.next(&event) {
                Ok(next) => rows.push((from.into(), name.into(), job_label(&next).into())),
                Err(illegal) => {
                    assert_eq!((illegal.state, illegal.event), (state.word(), event.word()));
                }
            }
        }
    }
    rows
}

fn walk_attempts() -> Walk {
    let states = [
        AttemptState::Running,
        AttemptState::Paused { exception: ExceptionId::new(at(0), 1) },
        AttemptState::Succeeded,
        AttemptState::Failed { failure: failure() },
        AttemptState::Lost,
        AttemptState::Released,
    ];
    assert_eq!(states.clone().map(|s| s.word()), AttemptState::WORDS);
    let events = [
        ("pause", AttemptEvent::Pause(ExceptionId::new(at(0), 1))),
        ("resume", AttemptEvent::Resume),
        ("succeed", AttemptEvent::Succeed),
        ("fail", AttemptEvent::Fail(failure())),
        ("lose", AttemptEvent::Lose),
        ("release", AttemptEvent::Release),
    ];
    let mut rows = Walk::new();
    for state in &states {
        for (name, event) in &events {
            if let Ok(next) = state.next(event) {
                assert!(!state.is_final(), "a final attempt takes nothing");
                rows.push((state.word().into(), (*name).into(), next.word().into()));
            }
        }
    }
    rows
}

fn walk_intents() -> Walk {
    let (before, after) = (EvidenceId::new(at(0), 1), EvidenceId::new(at(0), 2));
    let states = [
        IntentState::Open,
        IntentState::Confirmed { reference: "N1".into(), before, after },
        IntentState::Void { proof: VoidProof::NotClicked },
    ];
    let events = [
        ("confirm", IntentEvent::Confirm { reference: "N1".into(), before, after }),
        ("release", IntentEvent::Release(VoidProof::NotClicked)),
    ];
    let mut rows = Walk::new();
    for state in &states {
        for (name, event) in &events {
            if let Ok(next) = state.next(event) {
                rows.push((state.word().into(), (*name).into(), next.word().into()));
            }
        }
    }
    rows
}

fn walk_exceptions() -> Walk {
    let (one, two) = (UserId::new(at(0), 1), UserId::new(at(0), 2));
    let absent = Resolution::DeclareAbsent { reason: "searched".into() };
    let states = [
        ExceptionState::Open,
        ExceptionState::Claimed { by: one, until: at(10) },
        ExceptionState::Seconding { first: one, resolution: absent.clone() },
        ExceptionState::Resolved { by: one, resolution: absent.clone() },
        ExceptionState::Withdrawn,
    ];
    let retry = Resolution::Retry { reason: "mended".into() };
    let events = [
        ("claim", ExceptionEvent::Claim { by: one, until: at(20) }),
        ("release", ExceptionEvent::Release),
        ("resolve", ExceptionEvent::Resolve { by: one, resolution: retry }),
        ("declare absent", ExceptionEvent::Resolve { by: one, resolution: absent.clone() }),
        ("second", ExceptionEvent::Resolve { by: two, resolution: absent }),
        ("withdraw", ExceptionEvent::Withdraw),
    ];
    let mut rows = Walk::new();
    for state in &states {
        for (name, event) in &events {
            if let Ok(next) = state.next(event, at(5)) {
                rows.push((state.word().into(), (*name).into(), next.word().into()));
            }
        }
    }
    rows
}

/// Kinds that come back by being seen again are walked with the same words as those that do not.
fn walk_drift() -> Walk {
    let (by, reason) = (UserId::new(at(0), 1), "looked at it".to_owned());
    let states = [
        DriftState::Open,
        DriftState::Accepted { by, reason: reason.clone() },
        DriftState::Dismissed { by, reason: reason.clone() },
    ];
    let events = [
        DriftEvent::Seen { same: true },
        DriftEvent::Seen { same: false },
        DriftEvent::Accept { by, reason: reason.clone() },
        DriftEvent::Dismiss { by, reason },
    ];
    let mut rows = Walk::new();
    for state in &states {
        for event in &events {
            for (kind, what) in
                [(DriftKind::Healed, ""), (DriftKind::FetchedDiffers, " (fetched_differs)")]
            {
                match state.next(kind, event) {
                    Ok(next) => {
                        let row = (state.word().into(), event.word().into(), next.word().into());
                        if what.is_empty() {
                            rows.push(row);
                        } else if !rows.contains(&row) {
                            rows.push((row.0, format!("{}{what}", row.1), row.2));
                        }
                    }
                    Err(illegal) => {
                        assert_eq!((illegal.state, illegal.event), (state.word(), event.word()));
                    }
                }
            }
        }
    }
    rows
}

fn section(out: &mut String, title: &str, rows: &Walk) {
    writeln!(out, "\n## {title}\n\n| state | event | next |\n|---|---|---|")
        .expect("a string takes text");
    for (from, event, to) in rows {
        writeln!(out, "| {from} | {event} | {to} |").expect("a string takes text");
    }
    out.push_str("\n```mermaid\nstateDiagram-v2\n");
    let id = |s: &str| s.replace([' ', ','], "_");
    for (from, event, to) in rows {
        writeln!(out, "  {} --> {}: {event}", id(from), id(to)).expect("a string takes text");
    }
    out.push_str("```\n");
}

#[test]
fn the_book_of_states_is_what_the_code_says() {
    let mut out = String::from(
        "# States\n\nGenerated by `cargo test -p domain --test states`; every pair that is not listed is refused, naming both sides.\n",
    );
    section(&mut out, "Job", &walk_jobs());
    section(&mut out, "Attempt", &walk_attempts());
    section(&mut out, "Intent", &walk_intents());
    section(&mut out, "Exception", &walk_exceptions());
    section(&mut out, "Drift", &walk_drift());
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/states.md");
    let written = std::fs::read_to_string(path).unwrap_or_default();
    if written != out {
        std::fs::create_dir_all(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs")).unwrap();
        std::fs::write(path, &out).unwrap();
        panic!(
            "docs/states.md was not what the code says; it has been rewritten: look at the change and commit it"
        );
    }
}

#[test]
fn an_open_intent_never_leads_back_to_a_second_act_by_itself() {
    for (name, state) in job_states().into_iter().filter(|(_, s)| s.intent().is_some()) {
        for (event_name, event) in job_events() {
            let Ok(next) = state.next(&event) else { continue };
            if next.intent().is_some() || matches!(next, JobState::Done { .. }) {
                continue;
            }
            assert!(
                matches!(event, JobEvent::NotClicked | JobEvent::Reopen),
                "{name} lost its intent by {event_name}"
            );
        }
    }
}

#[test]
fn a_person_may_never_declare_absence_alone() {
    let one = UserId::new(at(0), 1);
    let absent = Resolution::DeclareAbsent { reason: "searched".into() };
    let event = ExceptionEvent::Resolve { by: one, resolution: absent };
    let seconding = ExceptionState::Open.next(&event, at(0)).unwrap();
    assert_eq!(seconding.word(), "seconding");
    let refused = seconding.next(&event, at(0)).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "an exception that is seconding cannot take resolve by the same person"
    );
}

#[test]
fn a_held_exception_is_answered_by_its_holder_only_while_the_claim_lasts() {
    let (one, two) = (UserId::new(at(0), 1), UserId::new(at(0), 2));
    let held = ExceptionState::Claimed { by: one, until: at(100) };
    let answer =
        |by| ExceptionEvent::Resolve { by, resolution: Resolution::Retry { reason: "x".into() } };
    assert!(held.next(&answer(two), at(50)).is_err());
    assert!(held.next(&answer(one), at(50)).is_ok());
    assert!(held.next(&answer(two), at(150)).is_ok());
    assert!(held.next(&ExceptionEvent::Claim { by: two, until: at(200) }, at(50)).is_err());
}

#[test]
fn buttons_of_every_kind_say_why_they_are_refused() {
    for kind in ExceptionKind::ALL {
        for choice in Choice::ALL {
            for open in [false, true] {
                if let Err(reason) = choice.allowed(kind, open) {
                    assert!(reason.ends_with('.'), "{kind:?} {choice:?}: {reason}");
                }
            }
        }
        assert!(
            Choice::GiveOutcome.allowed(kind, true).is_ok(),
            "a person who knows may always say so"
        );
        assert!(
            Choice::Retry.allowed(kind, true).is_err(),
            "never a second act while an intent is open"
        );
    }
}

#[test]
fn a_case_follows_its_jobs() {
    let states = job_states();
    let one = |name: &str| states.iter().find(|(n, _)| *n == name).unwrap().1.clone();
    let pended = JobState::Done { outcome: outcome(Answer::PendedReview) };
    let table = [
        (vec![], CaseStatus::Received),
        (vec![one("ready")], CaseStatus::Received),
        (vec![one("leased")], CaseStatus::Working),
        (vec![one("resting")], CaseStatus::Working),
        (vec![one("in_doubt")], CaseStatus::Attention),
        (vec![one("done"), one("waiting")], CaseStatus::Attention),
        (vec![one("done")], CaseStatus::Complete),
        (vec![pended.clone()], CaseStatus::Working),
        (vec![pended.clone(), one("ready")], CaseStatus::Working),
        (vec![pended, one("done")], CaseStatus::Complete),
        (vec![one("failed")], CaseStatus::Failed),
        (vec![one("cancelled")], CaseStatus::Withdrawn),
    ];
    for (jobs, status) in table {
        assert_eq!(CaseStatus::after(&jobs), status, "{jobs:?}");
    }
}

#[test]
fn words_are_read_back() {
    for status in CaseStatus::ALL {
        assert_eq!(CaseStatus::from_word(status.word()), Some(status));
    }
    for kind in DriftKind::ALL {
        assert_eq!(DriftKind::from_word(kind.word()), Some(kind));
        assert_eq!(serde_json::to_value(kind).unwrap(), kind.word());
        assert!([kind.say(), kind.accepting(), kind.dismissing()].iter().all(|s| s.ends_with('.')));
    }
    for kind in EvidenceKind::ALL {
        assert_eq!(EvidenceKind::from_word(kind.word()), Some(kind));
    }
    for answer in Answer::ALL {
        assert_eq!(answer.word().parse::<Answer>(), Ok(*answer));
        assert_eq!(serde_json::to_value(answer).unwrap(), answer.word());
    }
}
