//! The lists of the Work page: a case is on exactly one, and counts and rows agree.

use coordinator::store::work::{Filter, counts, list, logins_since, ready, recent_ends};
use domain::{
    id::CaseId,
    outcome::{FailureKind, ReferenceKind},
};

use crate::{
    bed::{Bed, renewal},
    both,
};

both!(
    a_case_is_on_the_list_of_what_comes_next,
    a_renewal_is_at_the_payer_once_it_is_sent,
    a_search_is_exact,
    ready_jobs_are_counted
);

/// The list a case is on, read as row and as count.
async fn listed(bed: &Bed, case: CaseId) -> String {
    let store = &bed.core.store;
    let mut found = Vec::new();
    for (word, count) in counts(store, "crestline", "prior_auth").await.unwrap() {
        let filter = Filter { list: word.clone(), ..Filter::default() };
        let rows = list(store, &filter, "", 100).await.unwrap().items;
        assert_eq!(rows.len() as u64, count, "counts and rows of {word} agree");
        found.extend(rows.iter().filter(|r| r.case == case).map(|_| word.clone()));
    }
    assert_eq!(found.len(), 1, "on exactly one list");
    found.remove(0)
}

async fn a_case_is_on_the_list_of_what_comes_next(bed: Bed) {
    let submitted = bed.take_in("W1").await;
    assert_eq!(listed(&bed, submitted.case).await, "to_submit");
    let lease = bed.lease_one().await;
    bed.submit(&lease, "CR-1").await;
    assert_eq!(listed(&bed, submitted.case).await, "at_payer");
    // Ids of one instant have no order.
    bed.clock.advance(10);
    let doubtful = bed.take_in("W2").await;
    let lease = bed.lease_one().await;
    bed.go(&lease).await;
    bed.fail(&lease, FailureKind::Unsure).await;
    assert_eq!(listed(&bed, doubtful.case).await, "in_doubt");
    bed.clock.advance(10);
    let asked = bed.take_in("W3").await;
    let lease = bed.lease_one().await;
    bed.fail(&lease, FailureKind::PageChanged).await;
    assert_eq!(listed(&bed, asked.case).await, "needs_us");
    let page = list(&bed.core.store, &Filter::default(), "", 2).await.unwrap();
    assert_eq!(page.items.len(), 2);
    let rest = list(&bed.core.store, &Filter::default(), &page.next.unwrap(), 2).await.unwrap();
    assert_eq!(rest.items.len(), 1);
    assert_eq!(rest.next, None);
    let reference = rest.items[0].reference.clone().unwrap();
    assert_eq!((reference.kind, reference.value.as_str()), (ReferenceKind::Tracking, "CR-1"));
}

async fn a_renewal_is_at_the_payer_once_it_is_sent(bed: Bed) {
    let renewed = bed.try_take_in(&renewal("W9")).await.unwrap();
    assert_eq!(listed(&bed, renewed.case).await, "to_submit");
    let lease = bed.lease_one().await;
    bed.submit(&lease, "CR-9").await;
    assert_eq!(listed(&bed, renewed.case).await, "at_payer");
}

async fn a_search_is_exact(bed: Bed) {
    let first = bed.take_in("W100000001").await;
    let lease = bed.lease_one().await;
    bed.submit(&lease, "CR-2026-7").await;
    bed.take_in("W100000002").await;
    let whole = first.case.to_string();
    let short = format!("c-{}", &whole[whole.len() - 6..].to_lowercase());
    for q in ["W100000001", "w1000-00001", "CR-2026-7", "cr20267", whole.as_str(), short.as_str()] {
        let filter = Filter { q: q.to_owned(), ..Filter::default() };
        let rows = list(&bed.core.store, &filter, "", 10).await.unwrap().items;
        assert_eq!(rows.iter().map(|r| r.case).collect::<Vec<_>>(), [first.case], "search for {q}");
    }
    for q in ["W10000000", "CR-2026", "%", "______"] {
        let filter = Filter { q: q.to_owned(), ..Filter::default() };
        let rows = list(&bed.core.store, &filter, "", 10).await.unwrap().items;
        assert!(rows.is_empty(), "nothing is found by a part or a pattern: {q}");
    }
}

async fn ready_jobs_are_counted(bed: Bed) {
    bed.take_in("W1").await;
    bed.take_in("W2").await;
    let found = ready(&bed.core.store, bed.now()).await.unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].jobs, found[0].oldest), (2, bed.now()));
    assert!(logins_since(&bed.core.store, bed.now()).await.unwrap().is_empty());
    let lease = bed.lease(1).await.remove(0);
    bed.fail(&lease, FailureKind::PageChanged).await;
    let ends = recent_ends(&bed.core.store).await.unwrap();
    assert_eq!(ends, [(lease.script_sha256, false)]);
}
