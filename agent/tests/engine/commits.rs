//! The commit protocol: what was received at the portal is what counts.

use std::sync::Arc;

use agent::channel::portal::CommitState;
use domain::{
    drift::DriftKind,
    evidence::EvidenceKind,
    lease::Purpose,
    outcome::{Answer, FailureKind},
    wire::{End, Finding},
};

use crate::book::{
    Book, Permits, alone, attempt, failure, inputs, portal_is, received, session, submit,
};

#[test]
fn a_request_is_submitted_once_and_proved() {
    alone(async {
        let (book, finished) = submit(Book::default()).await;
        let Some(End::Outcome { outcome, proof: Some(proof) }) = &finished.end else {
            panic!("{:?}", finished.end)
        };
        assert_eq!(outcome.answer, Answer::PendedReview);
        assert_eq!(proof.reference, "FT-2026-000071");
        assert_eq!(outcome.references[0].value, proof.reference);
        assert!(outcome.references[0].evidence.is_some() && outcome.references[0].bounds.is_some());
        assert_eq!(finished.commit, CommitState::Confirmed);
        assert_eq!(received().await, 1);
        let order: Vec<String> = book
            .calls()
            .into_iter()
            .filter(|call| {
                ["full page before", "permit", "latch", "full page after"].contains(&call.as_str())
            })
            .skip_while(|call| call != "full page before")
            .collect();
        assert_eq!(order, ["full page before", "permit", "latch", "full page after"]);
        let text = book.all_text();
        assert!(!text.contains("W100000001") && !text.contains("tangerine-9"), "nothing leaks");
        assert!(text.contains("••••0001"), "masked, not dropped");
        assert!(text.contains("body_sha256"), "the submit call is evidence");
    });
}

#[test]
fn what_is_proved_stays_proved_whatever_comes_after_it() {
    alone(async {
        portal_is(|portal| portal.done_says = Some("Routed to the annex".to_owned())).await;
        let (book, finished) = submit(Book::default()).await;
        let Some(End::Outcome { outcome, proof: Some(proof) }) = &finished.end else {
            panic!("{:?}", finished.end)
        };
        assert_eq!(
            (outcome.answer, proof.reference.as_str()),
            (Answer::Received, "FT-2026-000071")
        );
        assert_eq!(finished.commit, CommitState::Confirmed);
        assert_eq!(received().await, 1);
        assert!(finished.drift.iter().any(|drift| drift.kind == DriftKind::MeaningChanged));
        assert!(book.all_text().contains("the submission is proved"), "and the record says why");
    });
}

#[test]
fn no_picture_shows_the_member_and_every_one_still_shows_the_page() {
    alone(async {
        let (book, finished) = submit(Book::default()).await;
        assert!(matches!(finished.end, Some(End::Outcome { .. })), "{:?}", finished.end);
        let pictures: Vec<_> = {
            let items = book.items.lock().unwrap();
            items.iter().filter(|i| i.kind == EvidenceKind::FullPage).cloned().collect()
        };
        let mut all = String::new();
        assert!(pictures.len() >= 2, "before the commit and after it");
        for picture in pictures {
            assert!(picture.masked, "said of it in the record");
            let read = &agent::read::read_picture(picture.bytes.to_vec()).await.unwrap()[0];
            let read = read.text();
            assert!(!read.contains("W100000001") && !read.contains("0000001"), "{read}");
            all.push_str(&read);
        }
        assert!(all.contains("70551"), "what was asked for stays readable: {all}");
        assert!(all.contains("FT-2026-000071"), "the number stays readable: {all}");
    });
}

#[test]
fn an_error_after_the_click_is_a_doubt_and_never_a_second_click() {
    alone(async {
        portal_is(|portal| portal.submit_status = Some(502)).await;
        let (book, finished) = submit(Book::default()).await;
        assert_eq!(failure(&finished).kind, FailureKind::Unsure);
        assert_eq!(finished.commit, CommitState::InDoubt);
        assert_eq!((received().await, book.count("latch")), (1, 1));
        assert_eq!(book.count("not_clicked"), 0, "a set latch is never given back");
    });
}

#[test]
fn a_confirmation_without_a_number_is_a_doubt() {
    alone(async {
        portal_is(|portal| portal.no_number = true).await;
        let (_, finished) = submit(Book::default()).await;
        assert_eq!(failure(&finished).kind, FailureKind::Unsure);
        assert_eq!(received().await, 1);
    });
}

#[test]
fn without_a_permit_nothing_is_sent() {
    alone(async {
        for (permits, name) in [
            (Permits::Already, "already_submitted"),
            (Permits::No, "not_permitted_now"),
            (Permits::TooShort, "not_actionable"),
        ] {
            let (book, finished) = submit(Book { permits, ..Book::default() }).await;
            assert_eq!(failure(&finished).name, name);
            assert_eq!((received().await, book.count("latch")), (0, 0), "{name}");
        }
    });
}

#[test]
fn a_permit_that_is_not_used_is_given_back() {
    alone(async {
        let (book, _) = submit(Book { permits: Permits::TooShort, ..Book::default() }).await;
        assert_eq!(book.count("permit"), book.count("not_clicked"));
        assert!(book.count("permit") >= 1);
    });
}

#[test]
fn no_evidence_no_permit_and_no_latch_no_click() {
    alone(async {
        let (book, finished) = submit(Book { full: true, ..Book::default() }).await;
        assert!(matches!(finished.end, Some(End::Failure { .. })));
        assert_eq!((received().await, book.count("permit")), (0, 0));
        let (book, finished) = submit(Book { no_latch: true, ..Book::default() }).await;
        assert!(matches!(finished.end, Some(End::Failure { .. })));
        assert_eq!(received().await, 0);
        assert!(book.count("latch") >= 1);
    });
}

#[test]
fn a_page_about_somebody_else_is_never_submitted() {
    alone(async {
        portal_is(|portal| portal.wrong_member = true).await;
        let (book, finished) = submit(Book::default()).await;
        assert_eq!(failure(&finished).name, "guard_failed");
        assert!(failure(&finished).hold);
        assert_eq!((received().await, book.count("permit")), (0, 0));
    });
}

#[test]
fn strategies_that_disagree_stop_the_commit() {
    alone(async {
        portal_is(|portal| portal.decoy = true).await;
        let (book, finished) = submit(Book::default()).await;
        // The screen needs the same button, so it is not even recognised.
        assert_eq!(failure(&finished).kind, FailureKind::PageChanged);
        assert_eq!((received().await, book.count("permit")), (0, 0));
    });
}

#[test]
fn what_is_on_file_already_is_found_before_anything_is_filled() {
    alone(async {
        portal_is(|portal| portal.submitted.push("W100000001/70551".into())).await;
        let (book, finished) = submit(Book::default()).await;
        assert_eq!(failure(&finished).name, "already_filed");
        assert_eq!((received().await, book.count("permit")), (1, 0));
        let names: Vec<String> =
            book.steps.lock().unwrap().values().map(|step| step.name.clone()).collect();
        assert!(!names.contains(&"fill-form".to_owned()), "{names:?}");
    });
}

#[test]
fn a_reconcile_tells_one_none_and_cannot_tell() {
    alone(async {
        let look = async || {
            let book = Arc::new(Book::default());
            let mut session = session().await;
            let finished = attempt(&book, &mut session, Purpose::Reconcile, inputs()).await;
            session.close().await;
            assert_eq!(book.count("permit"), 0);
            finished
        };
        let none = look().await;
        assert!(
            matches!(
                none.end,
                Some(End::Finding { finding: Finding::None { recognised: false, .. } })
            ),
            "an empty list alone shows nothing: {:?}",
            none.end
        );
        portal_is(|portal| portal.submitted.push("W100000001/70551".into())).await;
        let one = look().await;
        let Some(End::Finding { finding: Finding::One { outcome, .. } }) = one.end else {
            panic!("{:?}", one.end)
        };
        assert_eq!(outcome.references[0].value, "FT-2026-000071");
        assert_eq!((outcome.answer, outcome.via.as_str()), (Answer::PendedReview, "reconcile"));
        portal_is(|portal| portal.list_down = true).await;
        let unclear = look().await;
        assert_eq!(failure(&unclear).name, "no_known_screen", "a broken list proves nothing");
        portal_is(|portal| portal.list_busy = true).await;
        let busy = look().await;
        assert_eq!(failure(&busy).kind, FailureKind::PortalDown, "{busy:?}", busy = busy.end);
        assert_eq!(failure(&busy).retry_after.as_deref(), Some("120"));
    });
}

#[test]
fn nothing_found_counts_when_the_same_visit_shows_what_is_known() {
    alone(async {
        let look = async |list_empty, known: Option<&str>| {
            portal_is(|portal| {
                portal.submitted = vec!["W900000009/99213".into()];
                portal.list_empty = list_empty;
            })
            .await;
            let mut inputs = inputs();
            if let Some(number) = known {
                inputs["known"] = serde_json::json!({"number": number});
            }
            let book = Arc::new(Book::default());
            let mut session = session().await;
            let finished = attempt(&book, &mut session, Purpose::Reconcile, inputs).await;
            session.close().await;
            match finished.end {
                Some(End::Finding { finding: Finding::None { recognised, .. } }) => recognised,
                other => panic!("{other:?}"),
            }
        };
        assert!(look(0, None).await, "rows of others show that the list works");
        assert!(!look(1, None).await, "nothing at all, and nothing known to look for");
        assert!(look(1, Some("FT-2026-000071")).await, "the second look shows the known one");
        assert!(
            !look(1, Some("FT-2026-000099")).await,
            "the list works, but not for what is known"
        );
        assert!(!look(9, Some("FT-2026-000071")).await, "the source is down all the time");
    });
}

/// A latch that is set only after the click is caught by the test above that takes the latch away.
#[cfg(feature = "faults")]
#[test]
#[expect(
    clippy::disallowed_methods,
    reason = "a defect is put in by the environment of a process of its own"
)]
fn a_latch_after_the_click_is_caught() {
    let this = std::env::current_exe().unwrap();
    let ran = std::process::Command::new(this)
        .args(["--exact", "commits::no_evidence_no_permit_and_no_latch_no_click"])
        .env("FLEET_SABOTAGE", "latch-after-click")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&ran.stdout).into_owned();
    assert!(!ran.status.success() && said.contains("right: 0"), "{said}");
}
