//! Interruptions, dialogs and statements on pages.

use std::sync::Arc;

use domain::{lease::Purpose, outcome::FailureKind, wire::End};

use crate::book::{Book, alone, attempt, failure, inputs, portal_is, received, session, submit};

#[test]
fn a_declared_interruption_is_closed_and_the_work_goes_on() {
    alone(async {
        portal_is(|portal| portal.announcement = true).await;
        let (_, finished) = submit(Book::default()).await;
        assert!(matches!(finished.end, Some(End::Outcome { .. })), "{:?}", finished.end);
        assert_eq!(received().await, 1);
    });
}

#[test]
fn a_dialog_nobody_declared_ends_the_attempt() {
    alone(async {
        portal_is(|portal| portal.alert = true).await;
        let (_, finished) = submit(Book::default()).await;
        assert_eq!(failure(&finished).name, "unexpected_dialog");
        assert!(failure(&finished).hold);
        assert_eq!(received().await, 0);
    });
}

#[test]
fn a_statement_nobody_made_in_these_words_is_not_ticked() {
    alone(async {
        let changed = "I certify that this request is true and accept all fees.";
        portal_is(|portal| portal.statement = Some(changed.into())).await;
        let (_, finished) = submit(Book::default()).await;
        assert_eq!(failure(&finished).name, "attestation_needed");
        assert_eq!(failure(&finished).kind, FailureKind::NeedsCode);
        assert_eq!(received().await, 0);
    });
}

#[test]
fn inputs_that_do_not_fit_never_reach_the_portal_or_the_message() {
    alone(async {
        let mut bad = inputs();
        bad["code"] = "7055X-secret".into();
        let book = Arc::new(Book::default());
        let mut session = session().await;
        let finished = attempt(&book, &mut session, Purpose::Work, bad).await;
        session.close().await;
        assert_eq!(failure(&finished).kind, FailureKind::BadInput);
        assert!(failure(&finished).detail.contains("code"), "the field is named");
        assert!(!failure(&finished).detail.contains("7055X"), "the value is not");
        assert_eq!(book.count("login"), 0);
    });
}
