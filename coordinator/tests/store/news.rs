//! What a payer tells by itself: news make the status be asked for, repetitions and forgeries change nothing, gaps are made up for once.

use coordinator::{
    flow::{news, payers},
    store::{audit, jobs},
};
use domain::{
    channel::{Channel, Notices},
    id::CaseId,
    job::{JobState, Task},
};
use exchange::pas::{self, bundle::Bundle, name::TOPIC, notice::Notice};
use serde_json::{Value, json};

use crate::{
    bed::{Bed, SETUP, code},
    both,
    route::several,
};

both!(
    news_make_the_status_be_asked_for,
    what_is_not_from_our_subscription_changes_nothing,
    a_gap_is_made_up_for_once
);

const KEY: &str = "key-of-the-subscription";

/// A payer that tells of news, and its subscription.
async fn told_of_news(bed: &Bed) -> Notices {
    let mut payer = several(4);
    let notices =
        Notices { subscription: "Subscription/s-1".to_owned(), secret: "notice_key".to_owned() };
    payer.ways[0].notices = Some(notices.clone());
    payers::upsert(&bed.core, &SETUP, &payer, "default", bed.now()).await.unwrap();
    let at = ("crestline", Channel::FhirPas);
    let mut secrets = json!({"client": "fleet", "key": "a-client-secret"});
    let without = serde_json::from_value(secrets.clone()).unwrap();
    let refused =
        payers::set_credential_for(&bed.core, &SETUP, at, "pas-7", &without, bed.now()).await;
    assert_eq!(code(refused), "invalid", "the key of the notices is a secret of the account");
    secrets["notice_key"] = json!(KEY);
    let secrets = serde_json::from_value(secrets).unwrap();
    payers::set_credential_for(&bed.core, &SETUP, at, "pas-7", &secrets, bed.now()).await.unwrap();
    news::heard(&bed.core, "crestline", KEY, bed.now()).await.unwrap()
}

/// A notification; `events` by their numbers.
fn notice(kind: &str, events: &[u64], so_far: Option<u64>, answer: Option<Value>) -> Notice {
    let mut parameters = vec![
        json!({"name": "subscription", "valueReference": {"reference": "https://payer.example/r4/Subscription/s-1"}}),
        json!({"name": "topic", "valueCanonical": TOPIC}),
        json!({"name": "status", "valueCode": "active"}),
        json!({"name": "type", "valueCode": kind}),
    ];
    parameters.extend(
        so_far.map(
            |n| json!({"name": "events-since-subscription-start", "valueString": n.to_string()}),
        ),
    );
    parameters.extend(events.iter().map(|n| {
        json!({"name": "notification-event", "part": [{"name": "event-number", "valueString": n.to_string()}]})
    }));
    let status = json!({"resource": {"resourceType": "Parameters", "parameter": parameters}});
    let mut entries = vec![status];
    entries.extend(answer.map(|answer| json!({"resource": answer})));
    let bundle = json!({"resourceType": "Bundle", "type": "history", "entry": entries});
    let bundle: Bundle = pas::read(bundle.to_string().as_bytes(), "Bundle").unwrap();
    Notice::read(&bundle).unwrap()
}

fn event(number: u64) -> Notice {
    notice("event-notification", &[number], None, None)
}

/// A request that the payer has and has not decided.
async fn waits(bed: &Bed, member: &str, number: &str) -> CaseId {
    let taken = bed.take_in(member).await;
    let lease = bed.lease_one().await;
    bed.submit(&lease, number).await;
    taken.case
}

async fn checks(bed: &Bed, case: CaseId) -> usize {
    let filter = jobs::Filter { case: case.to_string(), ..jobs::Filter::default() };
    let all = jobs::list(&bed.core.store, &filter, "", 50).await.unwrap().items;
    all.iter()
        .filter(|job| job.task == Task::AuthStatus && matches!(job.state, JobState::Ready))
        .count()
}

async fn news_make_the_status_be_asked_for(bed: Bed) {
    let notices = told_of_news(&bed).await;
    let (first, second) = (waits(&bed, "W1", "LN1").await, waits(&bed, "W2", "LN2").await);
    let tell = async |notice: &Notice, digest: &str| {
        news::told(&bed.core, "crestline", &notices, (notice, digest), bed.now()).await.unwrap()
    };
    let hello = notice("handshake", &[], None, None);
    assert_eq!(tell(&hello, "d0").await, news::Told { checks: 0, again: false });
    let about = |number: &str| {
        json!({"resourceType": "ClaimResponse", "status": "active", "use": "preauthorization",
            "type": {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/claim-type", "code": "professional"}]},
            "patient": {"reference": "Patient/1"}, "created": "2026-03-02", "insurer": {"reference": "Organization/1"},
            "outcome": "complete", "preAuthRef": number})
    };
    let named = |n, number: &str| notice("event-notification", &[n], None, Some(about(number)));
    assert_eq!(tell(&named(1, "ELSEWHERE"), "d1").await.checks, 0, "nobody's number");
    assert_eq!(tell(&named(2, "LN1"), "d2").await.checks, 1);
    assert_eq!((checks(&bed, first).await, checks(&bed, second).await), (1, 0));
    assert_eq!(tell(&named(2, "LN1"), "d2").await, news::Told { checks: 0, again: true });
    // What names nothing may be about any; the one that is asked about already is not asked about twice.
    assert_eq!(tell(&event(3), "d3").await.checks, 1);
    assert_eq!((checks(&bed, first).await, checks(&bed, second).await), (1, 1));
    bed.in_order().await;
}

async fn what_is_not_from_our_subscription_changes_nothing(bed: Bed) {
    let notices = told_of_news(&bed).await;
    let case = waits(&bed, "W1", "LN1").await;
    for (payer, key) in [("crestline", "another"), ("crestline", ""), ("nobody", KEY)] {
        let heard = news::heard(&bed.core, payer, key, bed.now()).await;
        assert_eq!(code(heard), "unauthenticated", "{payer} {key}");
    }
    let tell = async |notice: &Notice, digest: &str| {
        news::told(&bed.core, "crestline", &notices, (notice, digest), bed.now()).await
    };
    let mut other = event(1);
    other.subscription = "Subscription/s-2".to_owned();
    assert_eq!(code(tell(&other, "d1").await), "not-found");
    tell(&notice("heartbeat", &[], Some(0), None), "d2").await.unwrap();
    assert_eq!(checks(&bed, case).await, 0);
    tell(&event(1), "d3").await.unwrap();
    assert_eq!(code(tell(&event(1), "other bytes").await), "not-found", "one number, two contents");
    assert_eq!(checks(&bed, case).await, 1);
    let all = audit::list(&bed.core.store, &audit::Filter::default(), None, 1000).await.unwrap();
    let refused = all.items.iter().filter(|entry| entry.act == "payer.notice_refused").count();
    assert_eq!(refused, 2, "each is told");
}

async fn a_gap_is_made_up_for_once(bed: Bed) {
    let notices = told_of_news(&bed).await;
    let case = waits(&bed, "W1", "LN1").await;
    let tell = async |notice: &Notice, digest: &str| {
        news::told(&bed.core, "crestline", &notices, (notice, digest), bed.now()).await.unwrap()
    };
    let alive = notice("heartbeat", &[], Some(2), None);
    assert_eq!(tell(&alive, "d1").await.checks, 1, "two events never came");
    let check = bed.lease_one().await;
    assert_eq!((check.case, check.task), (case, Task::AuthStatus));
    bed.fail(&check, domain::outcome::FailureKind::Refused).await;
    assert_eq!(tell(&alive, "d2").await.checks, 0, "they were asked after");
    // The late one is news all the same, and no forgery.
    assert!(!tell(&event(2), "d3").await.again);
    assert!(tell(&event(2), "d3").await.again);
}
