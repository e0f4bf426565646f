//! Reading without rendering: trusted when nothing is new, compared when it is, and never against what the page shows.

use std::{collections::BTreeMap, sync::Arc};

use agent::channel::{
    ReadingRules,
    portal::{Finished, Reading, Session},
};
use domain::{
    drift::DriftKind,
    evidence::EvidenceKind,
    lease::Purpose,
    outcome::{Answer, Outcome},
    script::Bundle,
    step::StepState,
    wire::End,
};
use serde_json::json;

use crate::book::{Book, Wanted, alone, attempt_with, failure, portal_is, session};

fn bundle(name: &str, script: &str) -> Arc<Bundle> {
    let files: BTreeMap<String, String> = [
        (format!("field/{name}.yaml"), script.to_owned()),
        ("field/fragments/shell.yaml".to_owned(), include_str!("field/shell.yaml").to_owned()),
    ]
    .into_iter()
    .collect();
    Arc::new(Bundle::load(&files, &format!("field/{name}")).unwrap_or_else(|findings| {
        panic!("{}", findings.iter().map(domain::script::Finding::render).collect::<String>())
    }))
}

struct Desk {
    bundle: Arc<Bundle>,
    session: Session,
}

impl Desk {
    /// A script of its own number for each test: a disagreement is remembered for a script.
    async fn new(revision: u32) -> Desk {
        let script = include_str!("field/claim_status.yaml");
        let script = script.replace("revision: 1", &format!("revision: {revision}"));
        Desk { bundle: bundle("claim_status", &script), session: session().await }
    }

    async fn by_path() -> Desk {
        let script = include_str!("field/claim_by_path.yaml");
        Desk { bundle: bundle("claim_by_path", script), session: session().await }
    }

    async fn check(&mut self, last: Option<&Outcome>, draw: u32) -> (Arc<Book>, Finished) {
        self.check_of("C77", last, draw).await
    }

    async fn check_of(
        &mut self,
        number: &str,
        last: Option<&Outcome>,
        draw: u32,
    ) -> (Arc<Book>, Finished) {
        let book = Arc::new(Book::default());
        let reading = ReadingRules { allowed: true, last: last.cloned(), draw };
        let inputs = json!({"number": number});
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
fn where_the_shown_page_says_otherwise_it_counts_and_is_told() {
    alone(async {
        let mut desk = Desk::new(13).await;
        portal_is(|portal| portal.claim_shown = Some("Paid".into())).await;
        let (_, first) = desk.check(None, 1).await;
        assert_eq!(first.reading, Reading::Disagreed, "{:?}", first.end);
        let [drift] = first.drift.as_slice() else { panic!("one difference: {:?}", first.drift) };
        assert_eq!(
            (drift.kind, drift.element.as_str()),
            (DriftKind::FetchedDiffers, "fetch-claim")
        );
        assert_eq!(drift.detail, "differed in answer, state");
        assert!(drift.source.starts_with("field/claim_status"), "{}", drift.source);
        let first = outcome(&first).clone();
        assert_eq!(first.answer, Answer::ClaimPaid, "the shown page counts");
        let told = first.facts.iter().find(|fact| fact.name == "fetched_answer").unwrap();
        assert_eq!(told.value, "differed in answer, state");
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

#[test]
fn a_value_is_one_segment_of_the_path_and_parts_and_flows_are_stood_for() {
    alone(async {
        let mut desk = Desk::by_path().await;
        // A slash and a question mark stay part of the number.
        let (_, first) = desk.check_of("C/7?x", None, 1).await;
        assert_eq!((first.reading, first.logins), (Reading::Agreed, 1), "{:?}", first.end);
        let first = outcome(&first).clone();
        assert_eq!(first.references[0].value, "C/7?x");
        let code = first.facts.iter().find(|fact| fact.name == "code").unwrap();
        assert_eq!(code.value, "C/7?x-0", "lines come with a part of the page");

        let (book, again) = desk.check_of("C/7?x", Some(&first), 1).await;
        assert_eq!((again.reading, again.logins), (Reading::Fetched, 0), "{:?}", again.end);
        assert_eq!(&outcome(&again).facts, &first.facts);
        let named: Vec<_> = {
            let steps = book.steps.lock().unwrap();
            steps.values().map(|step| (step.name.clone(), step.state)).collect()
        };
        let done = ("fetch-claim".to_owned(), StepState::Done);
        assert_eq!(named, [done, ("open-claim".to_owned(), StepState::Skipped)]);

        // One line more, of the same decision: only what is taken of it tells.
        portal_is(|portal| portal.more_lines = vec!["Pended".into()]).await;
        let (_, news) = desk.check_of("C/7?x", Some(&first), 1).await;
        assert_eq!(news.reading, Reading::Agreed, "{:?}", news.end);
        assert!(outcome(&news).facts.iter().any(|fact| fact.name == "code_2"));
        let two = outcome(&news).clone();
        portal_is(|portal| portal.more_lines.clear()).await;
        let (_, fewer) = desk.check_of("C/7?x", Some(&two), 1).await;
        assert_eq!(fewer.reading, Reading::Agreed, "a line that is gone is news, too");
        desk.session.close().await;
    });
}

#[test]
fn a_value_that_would_lead_elsewhere_is_never_asked_for() {
    alone(async {
        let mut desk = Desk::by_path().await;
        for number in ["..", "."] {
            let (book, finished) = desk.check_of(number, None, 1).await;
            assert_eq!(finished.reading, Reading::Rendered, "{:?}", finished.end);
            assert_eq!(outcome(&finished).references[0].value, number);
            let items = book.items.lock().unwrap();
            assert!(items.iter().all(|item| item.kind != EvidenceKind::Message), "nothing asked");
        }
        desk.session.close().await;
    });
}
