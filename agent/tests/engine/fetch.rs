//! Reading without rendering: trusted when nothing is new, compared when it is, and never against what the page shows.

use std::{collections::BTreeMap, sync::Arc};

use agent::channel::{
    ReadingRules,
    portal::{Finished, Reading, Session},
};
use domain::{
    evidence::EvidenceKind,
    lease::Purpose,
    outcome::{Answer, Outcome},
    script::Bundle,
    wire::End,
};
use serde_json::json;

use crate::book::{Book, Wanted, alone, attempt_with, failure, portal_is, session};

/// A script of its own number for each test: a disagreement is remembered for a script.
fn bundle(revision: u32) -> Arc<Bundle> {
    let script = include_str!("field/claim_status.yaml");
    let files: BTreeMap<String, String> = [
        (
            "field/claim_status.yaml",
            script.replace("revision: 1", &format!("revision: {revision}")),
        ),
        ("field/fragments/shell.yaml", include_str!("field/shell.yaml").to_owned()),
    ]
    .into_iter()
    .map(|(path, text)| (path.to_owned(), text))
    .collect();
    Arc::new(Bundle::load(&files, "field/claim_status").unwrap_or_else(|findings| {
        panic!("{}", findings.iter().map(domain::script::Finding::render).collect::<String>())
    }))
}

struct Desk {
    bundle: Arc<Bundle>,
    session: Session,
}

impl Desk {
    async fn new(revision: u32) -> Desk {
        Desk { bundle: bundle(revision), session: session().await }
    }

    async fn check(&mut self, last: Option<&Outcome>, draw: u32) -> (Arc<Book>, Finished) {
        let book = Arc::new(Book::default());
        let reading = ReadingRules { allowed: true, last: last.cloned(), draw };
        let inputs = json!({"number": "C77"});
        let errand = Wanted { reading, ..Wanted::of(Arc::clone(&self.bundle)) };
        let finished = attempt_with(&book, &mut self.session, Purpose::Work, inputs, errand).await;
        self.session.rest();
        (book, finished)
    }
}

fn outcome(finished: &Finished) -> &Outcome {
    match &finished.end {
        Some(End::Outcome { outcome, .. }) => outcome,
        other => panic!("expected an outcome, not {other:?}"),
    }
}

fn pictures(book: &Book) -> usize {
    let items = book.items.lock().unwrap();
    items.iter().filter(|item| item.kind == EvidenceKind::Screenshot).count()
}

#[test]
fn one_login_serves_many_checks_and_only_news_is_shown() {
    alone(async {
        let mut desk = Desk::new(11).await;
        let (book, first) = desk.check(None, 1).await;
        assert_eq!((first.reading, first.logins), (Reading::Agreed, 1), "{:?}", first.end);
        assert!(pictures(&book) > 0, "what is new is shown");
        let first = outcome(&first).clone();
        assert_eq!(first.answer, Answer::ClaimInProcess);

        let (book, again) = desk.check(Some(&first), 1).await;
        assert_eq!((again.reading, again.logins), (Reading::Fetched, 0), "{:?}", again.end);
        assert_eq!(pictures(&book), 0, "nothing has changed");
        assert_eq!((outcome(&again).answer, &outcome(&again).facts), (first.answer, &first.facts));
        let claim = &outcome(&again).references[0];
        assert_eq!((claim.value.as_str(), claim.read_by.as_str()), ("C77", "fetch"));
        {
            let items = book.items.lock().unwrap();
            let kept = items.iter().find(|item| Some(item.id) == claim.evidence).unwrap();
            assert!(
                String::from_utf8_lossy(&kept.bytes).contains("In process"),
                "the answer is kept"
            );
            assert!(items.iter().all(|item| item.masked));
        }

        let (book, drawn) = desk.check(Some(&first), 14).await;
        assert_eq!(drawn.reading, Reading::Agreed, "two times seven is drawn for comparison");
        assert!(pictures(&book) > 0);

        portal_is(|portal| portal.claim = ("Paid".into(), Some("$12.00".into()))).await;
        let (_, news) = desk.check(Some(&first), 1).await;
        assert_eq!(news.reading, Reading::Agreed);
        assert_eq!(outcome(&news).answer, Answer::ClaimPaid);
        desk.session.close().await;
    });
}

#[test]
fn a_portal_session_that_is_over_is_noticed_and_the_login_made() {
    alone(async {
        let mut desk = Desk::new(12).await;
        let (_, first) = desk.check(None, 1).await;
        let first = outcome(&first).clone();
        portal_is(|portal| portal.expired = true).await;
        let (_, second) = desk.check(Some(&first), 1).await;
        assert_eq!((second.reading, second.logins), (Reading::Fetched, 1), "{:?}", second.end);
        desk.session.close().await;
    });
}

#[test]
fn where_the_shown_page_says_otherwise_it_counts_and_fetching_ends() {
    alone(async {
        let mut desk = Desk::new(13).await;
        portal_is(|portal| portal.claim_shown = Some("Paid".into())).await;
        let (_, first) = desk.check(None, 1).await;
        assert_eq!(first.reading, Reading::Disagreed, "{:?}", first.end);
        let first = outcome(&first).clone();
        assert_eq!(first.answer, Answer::ClaimPaid, "the shown page counts");
        let told = first.facts.iter().find(|fact| fact.name == "fetched_answer").unwrap();
        assert_eq!(told.value, "differed in answer, state");
        let (_, second) = desk.check(Some(&first), 1).await;
        assert_eq!(second.reading, Reading::Rendered, "until the script changes");
        desk.session.close().await;
    });
}

#[test]
fn wording_that_is_not_known_a_huge_answer_and_a_way_off_site_are_never_taken() {
    alone(async {
        let mut desk = Desk::new(14).await;
        let (_, first) = desk.check(None, 1).await;
        let first = outcome(&first).clone();
        portal_is(|portal| portal.claim = ("Approvd".into(), None)).await;
        let (_, unknown) = desk.check(Some(&first), 1).await;
        assert_eq!(failure(&unknown).name, "unknown_outcome");
        portal_is(|portal| {
            portal.claim = ("In process".into(), None);
            portal.claim_padding = 6 << 20;
        })
        .await;
        let (_, huge) = desk.check(Some(&first), 1).await;
        assert_eq!(huge.reading, Reading::Rendered, "more than 4 MiB are not read: {:?}", huge.end);
        portal_is(|portal| {
            portal.claim_leads_to = Some("https://evil.test/claim?number=C77".into())
        })
        .await;
        let (_, away) = desk.check(Some(&first), 1).await;
        assert_eq!(failure(&away).name, "off_site");
        desk.session.close().await;
    });
}
