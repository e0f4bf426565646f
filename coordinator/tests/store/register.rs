//! The permission register, quarantine after an older database, and reports that come too late.

use std::collections::BTreeMap;

use coordinator::{
    flow::{lease, login, payers, quarantine},
    mark::Place,
    store::{late, state},
};
use domain::{
    channel::Channel,
    evidence::Moment,
    fleet::Blocked,
    job::{JobState, Task},
    lease::Purpose,
    outcome::{Answer, Failure, FailureKind},
    permission::{Permission, PermissionState},
    wire::{End, Proof, SpoolKeyAsk, refusal},
};

use crate::{
    bed::{Bed, SETUP, asked, code, outcome, profile, secrets, user},
    both,
};

both!(
    a_prohibition_is_replaced_by_two_people_only,
    only_listed_and_named_accounts_are_used,
    what_is_recorded_must_make_sense,
    changed_terms_suspend_the_permission,
    the_register_shows_every_channel,
    an_older_database_is_put_in_quarantine,
    a_late_report_is_kept_and_changes_nothing,
    the_key_of_a_lease_is_given_again
);

async fn blocked(bed: &Bed) -> Option<Blocked> {
    let all = lease::why_blocked(&bed.core, bed.now()).await.unwrap();
    all.into_iter().find(|w| w.task == Task::Submit).map(|w| w.blocked)
}

async fn recorded(bed: &Bed) -> Permission {
    let known = coordinator::store::payers::get(&bed.core.store, "crestline").await.unwrap();
    known.profile.permission
}

async fn a_prohibition_is_replaced_by_two_people_only(bed: Bed) {
    let core = &bed.core;
    let good = profile("crestline").permission;
    let no = Permission { state: PermissionState::Prohibited, ..good.clone() };
    payers::set_permission(core, &asked("their letter"), "crestline", &no, bed.now())
        .await
        .unwrap();
    bed.take_in("W1").await;
    assert!(bed.lease(1).await.is_empty());

    let alone =
        payers::set_permission(core, &asked("a mistake"), "crestline", &good, bed.now()).await;
    assert_eq!(code(alone), "not-allowed", "no program lifts it");
    let told = payers::upsert(core, &SETUP, &profile("crestline"), "default", bed.now()).await;
    assert_eq!(code(told), "not-allowed", "no profile lifts it");
    let first = Some(user(1));
    let portal = ("crestline", Channel::Portal);
    let of = (portal, &good);
    let again = asked("a new contract");
    payers::set_permission_by(core, &again, first, of, bed.now()).await.unwrap();
    assert_eq!(recorded(&bed).await.state, PermissionState::Prohibited, "one person proposes");
    assert!(bed.lease(1).await.is_empty());
    let second = async |n: u128| {
        let by = (user(n), "R. Gale");
        payers::second_permission(core, &asked("read it, too"), by, portal, bed.now()).await
    };
    assert_eq!(code(second(1).await), "not-allowed", "not the same person");
    second(2).await.unwrap();
    let now = recorded(&bed).await;
    assert_eq!((now.state, now.second.as_deref()), (PermissionState::Permitted, Some("R. Gale")));
    assert_eq!(code(second(3).await), "not-allowed", "nothing waits any more");
    assert_eq!(bed.lease(1).await.len(), 1);
    bed.in_order().await;
}

async fn only_listed_and_named_accounts_are_used(bed: Bed) {
    let core = &bed.core;
    bed.take_in("W1").await;
    let mut rule = profile("crestline").permission;
    rule.accounts = vec!["auto01".to_owned()];
    payers::set_permission(core, &asked("their rule"), "crestline", &rule, bed.now())
        .await
        .unwrap();
    assert!(
        matches!(blocked(&bed).await, Some(Blocked::NotPermitted { reason }) if reason.contains("lists no account"))
    );
    assert!(bed.lease(1).await.is_empty());
    payers::set_credential(core, &SETUP, "crestline", "auto01", &secrets(), bed.now())
        .await
        .unwrap();
    rule.named_identity = true;
    payers::set_permission(core, &asked("their rule"), "crestline", &rule, bed.now())
        .await
        .unwrap();
    assert_eq!(blocked(&bed).await, Some(Blocked::NoIdentity));
    let name = async |account, identity, owner| {
        let of = (account, identity, owner);
        payers::identify(core, &asked("registered"), "crestline", of, bed.now()).await
    };
    assert_eq!(code(name("auto07", "fleet", "R. Gale").await), "invalid");
    assert_eq!(code(name("auto01", " ", "R. Gale").await), "invalid");
    name("auto01", "fleet 7, REG-2026-114", "R. Gale").await.unwrap();
    assert_eq!(bed.lease_one().await.account, "auto01");
    rule.suspended = Some("the terms changed".to_owned());
    payers::set_permission(core, &asked("compliance"), "crestline", &rule, bed.now())
        .await
        .unwrap();
    assert!(
        matches!(blocked(&bed).await, Some(Blocked::NotPermitted { reason }) if reason.contains("suspended"))
    );
}

async fn what_is_recorded_must_make_sense(bed: Bed) {
    let good = profile("crestline").permission;
    for (basis, state, years) in [
        ("hearsay", PermissionState::Permitted, 0),
        ("contract", PermissionState::Permitted, 3),
        ("payer_registration", PermissionState::Registered, 0),
        ("admin_override", PermissionState::Permitted, 0),
    ] {
        let rule = Permission {
            basis: basis.to_owned(),
            state,
            expires_at: bed.now().plus_ms((years * 365 + 20) * 24 * 3_600_000),
            ..good.clone()
        };
        let told =
            payers::set_permission(&bed.core, &asked("a test"), "crestline", &rule, bed.now())
                .await;
        assert_eq!(code(told), "invalid", "{basis}");
    }
    assert_eq!(recorded(&bed).await, good);
}

async fn changed_terms_suspend_the_permission(bed: Bed) {
    bed.take_in("W1").await;
    bed.take_in("W2").await;
    let lease = bed.lease(1).await.remove(0);
    let failure = Failure::new(FailureKind::Challenge, "terms_changed", "");
    bed.end(&lease, End::Failure { failure, candidates: Vec::new() }).await.unwrap();
    assert_eq!(bed.exception(lease.job).await.kind.word(), "challenge");
    let why = recorded(&bed).await.suspended.unwrap();
    assert!(why.starts_with("the portal showed changed terms at 2026-03-02"), "{why}");
    bed.clock.advance(3_600_000);
    assert!(bed.lease(5).await.is_empty(), "also after the breaker's rest");
    assert!(
        matches!(blocked(&bed).await, Some(Blocked::NotPermitted { reason }) if reason.contains("suspended"))
    );
    let good = profile("crestline").permission;
    payers::set_permission(&bed.core, &asked("read them"), "crestline", &good, bed.now())
        .await
        .unwrap();
    assert_eq!(bed.lease(5).await.len(), 1);
    bed.in_order().await;
}

async fn the_register_shows_every_channel(bed: Bed) {
    crate::route::routed(&bed, 4).await;
    let entries = async || payers::register(&bed.core, None, bed.now()).await.unwrap();
    let all = entries().await;
    let shown: Vec<_> = all.iter().map(|e| (e.payer.as_str(), e.channel)).collect();
    assert_eq!(shown, [("crestline", Channel::Portal), ("crestline", Channel::FhirPas)]);
    assert!(all.iter().all(|e| e.reads_not.is_none() && e.submits_not.is_none()));
    assert_eq!(all[1].accounts[0].account, "pas-7");
    let mut reads = profile("crestline").permission;
    reads.tasks = vec![Task::AuthStatus];
    reads.named_identity = true;
    payers::set_permission(&bed.core, &asked("reads only"), "crestline", &reads, bed.now())
        .await
        .unwrap();
    let all = entries().await;
    let portal = &all[0];
    assert_eq!(portal.reads_not, None);
    assert_eq!(portal.submits_not.as_deref(), Some("the permission does not cover this task"));
    assert!(!portal.accounts[0].may_be_used, "it names nobody");
    assert!(all[1].accounts[0].may_be_used);
    assert!(payers::register(&bed.core, Some("nowhere"), bed.now()).await.unwrap().is_empty());
}

async fn an_older_database_is_put_in_quarantine(bed: Bed) {
    let core = &bed.core;
    let mark = Place::of(bed.place.path());
    assert!(!mark.check(core, bed.now()).await.unwrap(), "there is no mark yet");
    let doubtful = bed.take_in("W1").await;
    let held = bed.lease_one().await;
    bed.go(&held).await;
    mark.keep(core).await.unwrap();
    assert!(!mark.check(core, bed.now()).await.unwrap(), "it fits");
    bed.take_in("W2").await;
    assert!(!mark.check(core, bed.now()).await.unwrap(), "a database that went on fits, too");

    // What was marked is not in this database: an older copy, as a restored backup is.
    let later = std::fs::read_to_string(bed.place.path().join("fleet.mark")).unwrap();
    let mut later: serde_json::Value = serde_json::from_str(&later).unwrap();
    later["seq"] = 4_711.into();
    std::fs::write(bed.place.path().join("fleet.mark"), later.to_string()).unwrap();
    assert!(mark.check(core, bed.now()).await.unwrap());
    assert!(!mark.check(core, bed.now()).await.unwrap(), "once");
    let told = state::quarantine(&core.store).await.unwrap().unwrap();
    assert!(told.reason.contains("4711"), "{}", told.reason);

    assert!(matches!(blocked(&bed).await, Some(Blocked::Quarantine { .. })));
    assert!(bed.lease(10).await.is_empty(), "no work");
    let outcome = || End::Outcome { outcome: outcome(Answer::NotRequired, "X1"), proof: None };
    assert_eq!(
        code(bed.end(&held, outcome()).await),
        refusal::LEASE_ENDED,
        "every fence was raised"
    );
    bed.clock.advance(10 * bed.core.rules.lease_ttl_ms);
    bed.sweep().await;
    assert!(matches!(bed.state(doubtful.job).await, JobState::InDoubt { .. }));
    let lift = async || quarantine::lift(core, &asked("compared with the payers"), bed.now()).await;
    assert_eq!(code(lift().await), "not-allowed", "what may be at the payer is settled first");
    bed.clock.advance(120_000);
    let look = bed.lease_one().await;
    assert_eq!(look.purpose, Purpose::Reconcile, "looks are leased");
    assert!(look.fence > 1 << 32);
    let evidence = bed.picture(&look, Moment::After).await;
    let found = crate::bed::outcome(Answer::PendedReview, "TRK-1");
    let finding = domain::wire::Finding::One { outcome: found, evidence };
    bed.end(&look, End::Finding { finding }).await.unwrap();
    lift().await.unwrap();
    assert_eq!(code(lift().await), "not-allowed", "there is none any more");
    assert_eq!(bed.lease(10).await.len(), 1);
    bed.in_order().await;
}

async fn a_late_report_is_kept_and_changes_nothing(bed: Bed) {
    let taken = bed.take_in("W1").await;
    let lease = bed.lease_one().await;
    let intent = bed.go(&lease).await;
    let after = bed.picture(&lease, Moment::After).await;
    bed.clock.advance(10 * bed.core.rules.lease_ttl_ms);
    bed.sweep().await;
    let before = bed.state(taken.job).await;
    assert!(matches!(before, JobState::InDoubt { .. }));
    let proof = Proof { intent, reference: "TRK-LATE".to_owned(), after };
    let outcome = outcome(Answer::PendedReview, "TRK-LATE");
    let end = End::Outcome { outcome, proof: Some(proof) };
    for _ in 0..2 {
        assert_eq!(code(bed.end(&lease, end.clone()).await), refusal::LEASE_ENDED);
    }
    assert_eq!(bed.state(taken.job).await, before, "nothing moved");
    let kept = late::of_case(&bed.core.store, taken.case).await.unwrap();
    assert_eq!(kept.len(), 1, "once");
    assert_eq!(
        (kept[0].attempt, kept[0].intent, &kept[0].end),
        (lease.attempt, Some(intent), &end)
    );
    for text in crate::schema::every_text(&bed).await {
        assert!(!text.contains("TRK-LATE"), "sealed: {text}");
    }
    bed.in_order().await;
}

async fn the_key_of_a_lease_is_given_again(bed: Bed) {
    bed.take_in("W1").await;
    bed.take_in("W2").await;
    let leases = bed.lease(2).await;
    let keys: BTreeMap<_, _> =
        leases.iter().map(|l| (l.lease, l.spool_key.clone().unwrap())).collect();
    assert_ne!(keys[&leases[0].lease], keys[&leases[1].lease]);
    bed.fail(&leases[0], FailureKind::NotFound).await;
    let ask = SpoolKeyAsk { lease: leases[0].lease };
    let again = login::spool_key(&bed.core, &ask, bed.now()).await.unwrap();
    assert_eq!(again.key, keys[&leases[0].lease]);
    let nobody = SpoolKeyAsk { lease: domain::id::LeaseId::new(bed.now(), 1) };
    let told = login::spool_key(&bed.core, &nobody, bed.now()).await.map(|_| ());
    assert_eq!(code(told), "not-found");
}
