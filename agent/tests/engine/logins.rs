//! Signing in: the one door for secrets, and portal sessions that are used again.

use std::sync::Arc;

use domain::{lease::Purpose, outcome::FailureKind, wire::End};

use crate::book::{Book, alone, attempt, failure, inputs, portal_is, received, session, submit};

#[test]
fn a_form_that_sends_elsewhere_never_gets_a_secret() {
    alone(async {
        portal_is(|portal| portal.phishing = true).await;
        let (book, finished) = submit(Book::default()).await;
        assert_eq!(failure(&finished).kind, FailureKind::OffSite);
        assert!(failure(&finished).hold);
        let asked: Vec<String> =
            book.calls().into_iter().filter(|call| call.starts_with("secret")).collect();
        assert!(asked.is_empty(), "{asked:?}");
    });
}

#[test]
fn a_page_that_leaves_for_another_host_while_a_secret_is_typed_ends_there() {
    alone(async {
        portal_is(|portal| portal.runs_away = true).await;
        let (book, finished) = submit(Book::default()).await;
        assert_eq!(failure(&finished).kind, FailureKind::OffSite, "{:?}", finished.end);
        assert!(!book.all_text().contains("tangerine"), "no secret is written anywhere");
        portal_is(|portal| portal.runs_away = false).await;
        let (_, next) = submit(Book::default()).await;
        assert!(matches!(next.end, Some(End::Outcome { .. })), "{:?}", next.end);
        assert_eq!(received().await, 1, "the next job is clean");
    });
}

#[test]
fn a_living_session_saves_the_login_and_a_dead_one_is_replaced() {
    alone(async {
        let mut session = session().await;
        let book = Arc::new(Book::default());
        let first = attempt(&book, &mut session, Purpose::Work, inputs()).await;
        assert!(matches!(first.end, Some(End::Outcome { .. })) && first.logins == 1);

        session.rest();
        let mut other = inputs();
        other["code"] = "97110".into();
        let second = attempt(&book, &mut session, Purpose::Work, other).await;
        assert!(matches!(second.end, Some(End::Outcome { .. })), "{:?}", second.end);
        assert_eq!((second.logins, second.session_reused), (0, true));

        portal_is(|portal| portal.expired = true).await;
        session.rest();
        let mut third = inputs();
        third["code"] = "72148".into();
        let third = attempt(&book, &mut session, Purpose::Work, third).await;
        assert!(matches!(third.end, Some(End::Outcome { .. })), "{:?}", third.end);
        assert_eq!((third.logins, third.session_reused), (1, false));
        assert_eq!((received().await, book.count("login")), (3, 2));
        session.close().await;
    });
}
