//! What people do: claims, retries, taking back, permissions, and that every act is in the audit.

use coordinator::{
    flow::{cancel, intake, payers, publish, resolve},
    store::{audit, exceptions},
};
use domain::{
    exception::Resolution,
    job::{JobState, Task},
    outcome::FailureKind,
    permission::PermissionState,
};

use crate::{
    bed::{Bed, SETUP, asked, code, profile, seen, user},
    both,
};

both!(
    one_person_holds_an_exception,
    a_retry_begins_anew_with_the_live_script,
    taking_back_ends_what_runs,
    what_is_not_permitted_goes_to_a_person_and_comes_back,
    a_held_script_is_not_leased,
    a_refused_login_is_a_person_s_business,
    every_duty_runs_on_a_fleet_at_work,
    the_audit_is_a_chain
);

async fn waiting(bed: &Bed, member: &str, kind: FailureKind) -> intake::Taken {
    let taken = bed.take_in(member).await;
    let lease = bed.lease_one().await;
    bed.fail(&lease, kind).await;
    taken
}

async fn one_person_holds_an_exception(bed: Bed) {
    let taken = waiting(&bed, "W1", FailureKind::PageChanged).await;
    let id = bed.exception(taken.job).await.id;
    let (a, b) = (user(1), user(2));
    let held = resolve::claim(&bed.core, a, (id, None), bed.now()).await.unwrap();
    assert_eq!(held.state.word(), "claimed");
    assert_eq!(code(resolve::claim(&bed.core, b, (id, None), bed.now()).await), "not-allowed");
    assert_eq!(code(resolve::unclaim(&bed.core, b, (id, None), bed.now()).await), "not-allowed");
    let late = resolve::unclaim(&bed.core, a, (id, Some(held.rev - 1)), bed.now()).await;
    assert_eq!(code(late), "conflict");
    let retry = Resolution::Retry { reason: "try again".to_owned() };
    let by_other = resolve::resolve(&bed.core, b, id, held.rev, &retry, bed.now()).await;
    assert_eq!(code(by_other), "not-allowed");
    bed.clock.advance(bed.core.rules.claim_ms);
    assert_eq!(bed.sweep().await.unclaimed, 1);
    resolve::claim(&bed.core, b, (id, None), bed.now()).await.unwrap();
    let open = resolve::unclaim(&bed.core, b, (id, None), bed.now()).await.unwrap();
    assert_eq!(open.state.word(), "open");
    resolve::resolve(&bed.core, a, id, open.rev, &retry, bed.now()).await.unwrap();
    assert_eq!(bed.state(taken.job).await, JobState::Ready);
    assert_eq!(exceptions::unanswered(&bed.core.store).await.unwrap(), 0);
}

async fn a_retry_begins_anew_with_the_live_script(bed: Bed) {
    let taken = waiting(&bed, "W1", FailureKind::PageChanged).await;
    let mended = publish::NewScript {
        script: "crestline/submit".to_owned(),
        sha256: "b".repeat(64),
        files: [("a.yaml".to_owned(), "mended".to_owned())].into(),
    };
    assert!(publish::publish(&bed.core, &SETUP, mended.clone(), bed.now()).await.unwrap());
    assert!(!publish::publish(&bed.core, &SETUP, mended, bed.now()).await.unwrap(), "as it was");
    let exception = bed.exception(taken.job).await;
    let retry = Resolution::Retry { reason: "script mended".to_owned() };
    let id = exception.id;
    resolve::resolve(&bed.core, user(1), id, exception.rev, &retry, bed.now()).await.unwrap();
    let lease = bed.lease_one().await;
    assert_eq!(lease.script_sha256, "b".repeat(64));
    let job = coordinator::store::jobs::get(&bed.core.store, taken.job).await.unwrap();
    assert_eq!((job.attempts, job.tries), (2, 1));
}

async fn taking_back_ends_what_runs(bed: Bed) {
    let a = bed.take_in("W1").await;
    bed.clock.advance(1);
    let b = bed.take_in("W2").await;
    let lease = bed.lease(1).await.remove(0);
    assert_eq!(lease.job, a.job);
    cancel::withdraw_case(&bed.core, &asked("the patient moved"), a.case, bed.now()).await.unwrap();
    assert_eq!(bed.status(a.case).await, "withdrawn");
    let late = cancel::withdraw_case(&bed.core, &seen("late", -1), b.case, bed.now()).await;
    assert_eq!(code(late), "conflict");
    let late = cancel::cancel_job(&bed.core, &seen("late", -1), b.job, bed.now()).await;
    assert_eq!(code(late), "conflict");
    let nothing = cancel::withdraw_case(&bed.core, &asked("again"), a.case, bed.now()).await;
    assert_eq!(code(nothing), "not-allowed");
    let lease = bed.lease_one().await;
    bed.fail(&lease, FailureKind::NotFound).await;
    cancel::cancel_job(&bed.core, &asked("not needed"), b.job, bed.now()).await.unwrap();
    assert_eq!(bed.status(b.case).await, "withdrawn");
    assert_eq!(exceptions::unanswered(&bed.core.store).await.unwrap(), 0, "its question is gone");
    bed.take_in("W1").await;
    bed.in_order().await;
}

async fn what_is_not_permitted_goes_to_a_person_and_comes_back(bed: Bed) {
    let taken = bed.take_in("W1").await;
    let mut unknown = profile("crestline").permission;
    unknown.state = PermissionState::Unknown;
    let core = &bed.core;
    payers::set_permission(core, &asked("a test"), "crestline", &unknown, bed.now()).await.unwrap();
    assert!(bed.lease(1).await.is_empty());
    assert_eq!(coordinator::flow::nowhere::route(core, bed.now()).await.unwrap(), 1);
    assert_eq!(coordinator::flow::nowhere::route(core, bed.now()).await.unwrap(), 0);
    let exception = bed.exception(taken.job).await;
    assert_eq!(exception.kind.word(), "not_permitted");
    assert!(exception.failure.say.contains("nobody has recorded"), "{}", exception.failure.say);
    let retry = Resolution::Retry { reason: "please".to_owned() };
    let refused =
        resolve::resolve(core, user(1), exception.id, exception.rev, &retry, bed.now()).await;
    assert_eq!(code(refused), "not-allowed");
    let good = profile("crestline").permission;
    payers::set_permission(core, &asked("a test"), "crestline", &good, bed.now()).await.unwrap();
    assert_eq!(bed.state(taken.job).await, JobState::Ready);
    bed.lease_one().await;
    bed.in_order().await;
}

async fn a_held_script_is_not_leased(bed: Bed) {
    let taken = bed.take_in("W1").await;
    let job = coordinator::store::jobs::get(&bed.core.store, taken.job).await.unwrap();
    let (core, hash) = (&bed.core, &job.script_sha256);
    publish::hold(core, &asked("wrong button"), hash, bed.now()).await.unwrap();
    assert!(bed.lease(1).await.is_empty());
    let why = coordinator::flow::lease::why_not_leased(core, &job, bed.now()).await.unwrap();
    let held = domain::fleet::Blocked::ScriptHeld { reason: "wrong button".to_owned() };
    assert_eq!(why, Some(held));
    // What is asked for meanwhile waits with it.
    bed.take_in("W2").await;
    assert!(bed.lease(5).await.is_empty());
    publish::unhold(core, &asked("it was the right one"), hash, bed.now()).await.unwrap();
    assert_eq!(bed.lease(5).await.len(), 2);
}

async fn a_refused_login_is_a_person_s_business(bed: Bed) {
    let taken = waiting(&bed, "W1", FailureKind::LoginRejected).await;
    let exception = bed.exception(taken.job).await;
    assert_eq!(exception.kind.word(), "login_refused");
    bed.take_in("W2").await;
    assert!(bed.lease(1).await.is_empty(), "no further login with this account");
    let retry = Resolution::Retry { reason: "unlocked by phone".to_owned() };
    let id = exception.id;
    resolve::resolve(&bed.core, user(1), id, exception.rev, &retry, bed.now()).await.unwrap();
    assert_eq!(bed.lease(5).await.len(), 2);
}

async fn every_duty_runs_on_a_fleet_at_work(bed: Bed) {
    let done = bed.take_in("W1").await;
    let lease = bed.lease_one().await;
    bed.submit(&lease, "TRK-1").await;
    bed.clock.advance(3_600_000);
    let lost = bed.take_in("W2").await;
    bed.lease_one().await;
    bed.clock.advance(bed.core.rules.lease_ttl_ms);
    for duty in coordinator::duties::DUTIES {
        duty.once(&bed.core, bed.now()).await.unwrap_or_else(|e| panic!("{}: {e}", duty.name));
    }
    assert_eq!(bed.state(lost.job).await, JobState::Ready, "swept");
    let jobs = coordinator::store::jobs::of_case(&bed.core.store, done.case).await.unwrap();
    assert_eq!(jobs.len(), 2, "planned");
    bed.in_order().await;
}

async fn the_audit_is_a_chain(bed: Bed) {
    let taken = bed.take_in("W1").await;
    let lease = bed.lease_one().await;
    bed.submit(&lease, "TRK-1").await;
    let further = intake::add_job(&bed.core, &SETUP, taken.case, Task::AuthStatus, None, bed.now())
        .await
        .unwrap();
    let twice = intake::add_job(&bed.core, &SETUP, taken.case, Task::AuthStatus, None, bed.now());
    assert_eq!(code(twice.await), "not-allowed");
    let store = &bed.core.store;
    let count = audit::verify(store).await.unwrap();
    let page = audit::list(store, &audit::Filter::default(), None, 3).await.unwrap();
    assert_eq!(page.items[0].seq, count);
    assert_eq!(page.items[0].subject, further.to_string());
    let next: i64 = page.next.unwrap().parse().unwrap();
    let rest = audit::list(store, &audit::Filter::default(), Some(next), 1000).await.unwrap();
    assert_eq!(i64::try_from(rest.items.len()).unwrap(), count - 3);
    let all: String = rest.items.iter().chain(&page.items).map(|e| e.detail.to_string()).collect();
    for seeded in ["ALDERSEED", "TRK-1", "seeded-Passw0rd"] {
        assert!(!all.contains(seeded), "{seeded} is in the audit");
    }
    for act in ["case.received", "permit.issued", "submit.committed", "job.planned"] {
        let filter = audit::Filter { act: act.to_owned(), ..Default::default() };
        assert_eq!(audit::list(store, &filter, None, 10).await.unwrap().items.len(), 1, "{act}");
    }
    crate::schema::tamper(&bed).await;
    assert!(audit::verify(store).await.is_err());
}
