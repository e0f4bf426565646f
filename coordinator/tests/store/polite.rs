//! Politeness across the fleet: breaker, Retry-After, hours and maintenance, sliding logs, the lock-out budget, and the one decision
//! that says how each stands.

use coordinator::flow::{heartbeat, lease, login, payers};
use domain::{
    fleet::{Blocked, Payer},
    job::{JobState, Task},
    lease::Purpose,
    outcome::{Answer, Failure, FailureKind},
    wire::{End, Heartbeat, Leased, LoginAsk, Order, PermitReply, refusal},
};

use crate::{
    bed::{Bed, SETUP, auth_status, code, outcome, profile},
    both,
};

both!(
    a_broken_portal_is_tried_by_one_reading_visit,
    a_visit_that_got_to_its_commit_closes_the_breaker,
    a_portal_that_asks_to_be_left_alone_is,
    an_answer_does_not_shorten_what_the_portal_asked_for,
    nothing_happens_outside_the_hours,
    a_known_maintenance_trips_nothing_and_asks_nobody,
    starts_and_submissions_slide_and_looks_have_room,
    logins_without_an_end_spare_the_account,
    an_account_has_an_hour_of_its_own,
    an_account_has_so_many_sessions,
    a_lost_session_is_waited_for_until_it_has_ended,
    the_decision_tells_how_every_rule_stands
);

async fn change(bed: &Bed, change: impl FnOnce(&mut Payer)) {
    let mut payer = profile("crestline");
    change(&mut payer);
    payers::upsert(&bed.core, &SETUP, &payer, "default", bed.now()).await.unwrap();
}

async fn blocked(bed: &Bed, task: Task) -> Option<Blocked> {
    let all = lease::why_blocked(&bed.core, bed.now()).await.unwrap();
    all.into_iter().find(|w| w.task == task).map(|w| w.blocked)
}

async fn answered(bed: &Bed, lease: &Leased) {
    let outcome = outcome(Answer::PendedReview, &format!("N{}", lease.job));
    bed.end(lease, End::Outcome { outcome, proof: None }).await.unwrap();
}

async fn a_broken_portal_is_tried_by_one_reading_visit(bed: Bed) {
    bed.take_in("W1").await;
    let lease = bed.lease_one().await;
    bed.fail(&lease, FailureKind::PortalDown).await;
    bed.take_in("W2").await;
    bed.clock.advance(1_000);
    bed.try_take_in(&auth_status("W3")).await.unwrap();
    assert!(matches!(blocked(&bed, Task::Submit).await, Some(Blocked::PortalDown { .. })));
    bed.clock.advance(bed.core.rules.rest_unit_ms);
    let probe = bed.lease(10).await;
    assert_eq!(probe.len(), 1, "one visit tries");
    assert_eq!(probe[0].task, Task::AuthStatus, "one that only reads, although another is older");
    assert!(bed.lease(10).await.is_empty());
    assert_eq!(blocked(&bed, Task::Submit).await, Some(Blocked::Probing));
    bed.fail(&probe[0], FailureKind::PortalDown).await;
    bed.clock.advance(bed.core.rules.rest_unit_ms);
    assert!(bed.lease(10).await.is_empty(), "the rest is longer with every failure in a row");
    bed.clock.advance(bed.core.rules.rest_unit_ms);
    bed.sweep().await;
    let probe = bed.lease(10).await;
    assert_eq!(probe.len(), 1);
    answered(&bed, &probe[0]).await;
    assert!(bed.lease(10).await.len() >= 2, "it works again");
    bed.in_order().await;
}

async fn a_visit_that_got_to_its_commit_closes_the_breaker(bed: Bed) {
    bed.take_in("W1").await;
    let lease = bed.lease_one().await;
    bed.fail(&lease, FailureKind::PortalDown).await;
    bed.take_in("W2").await;
    bed.clock.advance(bed.core.rules.rest_unit_ms);
    // Nothing else is there to try with: the submission's own reading part does.
    let probe = bed.lease_one().await;
    assert_eq!(probe.task, Task::Submit);
    bed.go(&probe).await;
    let known = coordinator::store::payers::get(&bed.core.store, "crestline").await.unwrap();
    assert_eq!((known.downs, known.rests_until), (0, None));
    // While it is open, a visit under way gets no permit.
    bed.sweep().await;
    let other = bed.lease(10).await.remove(0);
    let third = bed.take_in("W3").await;
    let third_lease = bed.lease_one().await;
    assert_eq!(third_lease.job, third.job);
    bed.fail(&other, FailureKind::PortalDown).await;
    let refused = bed.permit(&third_lease).await;
    assert!(
        matches!(&refused, PermitReply::No { because } if because.contains("portal is down")),
        "{refused:?}"
    );
}

async fn told_to_wait(bed: &Bed, lease: &Leased, header: &str) {
    let mut failure = Failure::new(FailureKind::PortalDown, "portal_error", "");
    failure.payer_wide = true;
    failure.retry_after = Some(header.to_owned());
    bed.end(lease, End::Failure { failure, candidates: Vec::new() }).await.unwrap();
}

async fn an_answer_does_not_shorten_what_the_portal_asked_for(bed: Bed) {
    for member in ["W1", "W2"] {
        bed.try_take_in(&auth_status(member)).await.unwrap();
    }
    let leases = bed.lease(2).await;
    told_to_wait(&bed, &leases[0], "600").await;
    let known = async || {
        let known = coordinator::store::payers::get(&bed.core.store, "crestline").await.unwrap();
        (known.downs, known.rests_until.map(|until| until.since_ms(bed.now())))
    };
    assert_eq!(known().await, (1, Some(600_000)));
    answered(&bed, &leases[1]).await;
    assert_eq!(known().await, (0, Some(600_000)));
}

async fn a_portal_that_asks_to_be_left_alone_is(bed: Bed) {
    let unit = bed.core.rules.rest_unit_ms;
    let rest = async || {
        let known = coordinator::store::payers::get(&bed.core.store, "crestline").await.unwrap();
        known.rests_until.unwrap().since_ms(bed.now())
    };
    // The bed's clock says 14:00:00.
    for (header, wanted) in [
        ("600", 600_000),
        ("Mon, 02 Mar 2026 14:20:00 GMT", 1_200_000),
        ("-5", unit),
        ("Mon, 02 Mar 2026 13:00:00 GMT", unit),
        ("later", unit),
    ] {
        let taken = bed.take_in(&format!("W{wanted}{}", header.len())).await;
        let lease = bed.lease_one().await;
        told_to_wait(&bed, &lease, header).await;
        assert_eq!(rest().await, wanted, "{header}");
        let JobState::Resting { until, .. } = bed.state(taken.job).await else { panic!() };
        assert!(until.since_ms(bed.now()) >= wanted, "{header}");
        coordinator::flow::cancel::cancel_job(
            &bed.core,
            &crate::bed::asked("a test"),
            taken.job,
            bed.now(),
        )
        .await
        .unwrap();
        payers::resume(&bed.core, &crate::bed::asked("a test"), "crestline", bed.now())
            .await
            .unwrap();
    }
    // More than a day: a person's business, and the portal is left alone.
    let taken = bed.take_in("W9").await;
    let lease = bed.lease_one().await;
    told_to_wait(&bed, &lease, "99999999999999999999").await;
    assert_eq!(bed.exception(taken.job).await.kind.word(), "gave_up");
    assert_eq!(rest().await, 31 * 24 * 3_600_000);
    bed.in_order().await;
}

async fn nothing_happens_outside_the_hours(bed: Bed) {
    // 14:00Z is 09:00 in New York. Open until 20:00, maintenance from 09:10.
    change(&bed, |payer| {
        payer.calendar = serde_json::from_value(serde_json::json!({
            "hours": [{"from": "06:00", "to": "20:00"}],
            "announced": [{"from": "2026-03-02T09:10", "to": "2026-03-02T10:00"}]
        }))
        .unwrap();
    })
    .await;
    bed.take_in("W1").await;
    bed.take_in("W2").await;
    let lease = bed.lease(1).await.remove(0);
    bed.clock.advance(9 * 60_000);
    let fenced = bed.fenced(&lease);
    let beat =
        Heartbeat { agent: bed.agent, leases: vec![fenced], memory_mib: 1, browser_ok: true };
    // The lease has ended meanwhile in this test's time, so a new one is taken.
    assert_eq!(
        heartbeat::heartbeat(&bed.core, &beat, bed.now()).await.unwrap().orders
            [&lease.lease.to_string()],
        Order::Stop
    );
    let lease = bed.lease(1).await.remove(0);
    let refused = bed.permit(&lease).await;
    assert!(
        matches!(&refused, PermitReply::No { because } if because.contains("too soon")),
        "the submission could reach the window: {refused:?}"
    );
    let fenced = bed.fenced(&lease);
    let beat =
        Heartbeat { agent: bed.agent, leases: vec![fenced], memory_mib: 1, browser_ok: true };
    let told = heartbeat::heartbeat(&bed.core, &beat, bed.now()).await.unwrap();
    assert_eq!(told.orders[&lease.lease.to_string()], Order::HoldBeforeCommit);
    bed.clock.advance(60_000);
    bed.sweep().await;
    assert!(bed.lease(10).await.is_empty());
    assert!(matches!(
        blocked(&bed, Task::Submit).await,
        Some(Blocked::Closed { maintenance: true, until: Some(_) })
    ));
    bed.clock.advance(50 * 60_000);
    assert!(!bed.lease(10).await.is_empty(), "it is over");
    bed.clock.advance(10 * 3_600_000);
    assert!(matches!(
        blocked(&bed, Task::Submit).await,
        Some(Blocked::Closed { maintenance: false, until: Some(_) })
    ));
    assert!(bed.lease(10).await.is_empty());
}

async fn a_known_maintenance_trips_nothing_and_asks_nobody(bed: Bed) {
    let taken = bed.take_in("W1").await;
    for _ in 0..4 {
        let lease = bed.lease_one().await;
        let now = bed.now().jiff().to_zoned(jiff::tz::TimeZone::get("America/New_York").unwrap());
        let (from, to) =
            (now.datetime(), now.checked_add(jiff::Span::new().hours(1)).unwrap().datetime());
        change(&bed, |payer| {
            payer.calendar = serde_json::from_value(
                serde_json::json!({"announced": [{"from": from, "to": to}]}),
            )
            .unwrap();
        })
        .await;
        bed.fail(&lease, FailureKind::PortalDown).await;
        let JobState::Resting { until, .. } = bed.state(taken.job).await else {
            panic!("no alarm")
        };
        assert!(until.since_ms(bed.now()) > 3_500_000, "until the window is over");
        let known = coordinator::store::payers::get(&bed.core.store, "crestline").await.unwrap();
        assert_eq!((known.downs, known.rests_until), (0, None), "no failure of the portal");
        bed.clock.advance(3_600_001);
        bed.sweep().await;
    }
    bed.in_order().await;
}

async fn starts_and_submissions_slide_and_looks_have_room(bed: Bed) {
    change(&bed, |payer| {
        payer.pace.starts_per_minute = Some(4);
        payer.pace.submits_per_minute = Some(1);
    })
    .await;
    for n in 0..6 {
        bed.take_in(&format!("W{n}")).await;
    }
    let first = bed.lease(1).await.remove(0);
    bed.go(&first).await;
    bed.fail(&first, FailureKind::Transient).await;
    let second = bed.lease(1).await.remove(0);
    let refused = bed.permit(&second).await;
    assert!(
        matches!(&refused, PermitReply::No { because } if because.contains("as many submissions")),
        "{refused:?}"
    );
    assert_eq!(bed.lease(10).await.len(), 1, "work leaves one of the four for looks");
    assert!(bed.lease(10).await.is_empty());
    assert!(matches!(blocked(&bed, Task::Submit).await, Some(Blocked::TooManyStarts { .. })));

    // The minute is over, and the look after the doubt is due.
    bed.clock.advance(71_000);
    bed.sweep().await;
    let leases = bed.lease(10).await;
    let (looks, work): (Vec<_>, Vec<_>) =
        leases.into_iter().partition(|lease| lease.purpose == Purpose::Reconcile);
    assert_eq!((looks.len(), work.len()), (1, 3));
    assert_eq!(looks[0].job, first.job);
    bed.go(&work[0]).await;
    assert!(bed.lease(10).await.is_empty());
}

async fn logins_without_an_end_spare_the_account(bed: Bed) {
    change(&bed, |payer| payer.limits.logins_per_hour_max = 50).await;
    for n in 0..6 {
        bed.take_in(&format!("W{n}")).await;
    }
    let sign_in = async |lease: &Leased| {
        login::login(&bed.core, &LoginAsk { fenced: bed.fenced(lease) }, bed.now()).await
    };
    let leases = bed.lease(3).await;
    sign_in(&leases[0]).await.unwrap();
    sign_in(&leases[1]).await.unwrap();
    // Two under way whose end nobody knows: a third could be the one too many.
    assert_eq!(code(sign_in(&leases[2]).await), refusal::LOGIN_BUDGET);
    let ask = LoginAsk { fenced: bed.fenced(&leases[0]) };
    login::signed_in(&bed.core, &ask, bed.now()).await.unwrap();
    sign_in(&leases[2]).await.unwrap();
    answered(&bed, &leases[2]).await;
    assert_eq!(blocked(&bed, Task::Submit).await, None);
    // An agent is killed in the middle of a login: that counts as refused.
    bed.clock.advance(bed.core.rules.lease_ttl_ms);
    bed.sweep().await;
    assert!(matches!(blocked(&bed, Task::Submit).await, Some(Blocked::LockoutBudget { .. })));
    assert!(bed.lease(10).await.is_empty());
    bed.clock.advance(2 * 3_600_000);
    assert!(!bed.lease(10).await.is_empty(), "the payer has forgotten it");
}

async fn an_account_has_an_hour_of_its_own(bed: Bed) {
    change(&bed, |payer| {
        payer.limits.logins_per_hour_max = 50;
        payer.pace.account_logins_per_hour = Some(2);
    })
    .await;
    let core = &bed.core;
    for n in 0..4 {
        bed.take_in(&format!("W{n}")).await;
    }
    let sign_in = async |lease: &Leased| {
        let ask = LoginAsk { fenced: bed.fenced(lease) };
        login::login(core, &ask, bed.now()).await?;
        login::signed_in(core, &ask, bed.now()).await
    };
    // Work leaves one of the account's two for looks.
    let leases = bed.lease(2).await;
    sign_in(&leases[0]).await.unwrap();
    assert_eq!(code(sign_in(&leases[1]).await), refusal::LOGIN_BUDGET);
    assert!(matches!(blocked(&bed, Task::Submit).await, Some(Blocked::LoginBudget { .. })));
    // Another account has its own hour, and is taken by itself.
    let secrets = crate::bed::secrets();
    payers::set_credential(core, &SETUP, "crestline", "clinic-8", &secrets, bed.now())
        .await
        .unwrap();
    let other = bed.lease(1).await.remove(0);
    assert_eq!(other.account, "clinic-8");
    sign_in(&other).await.unwrap();
    // A permission that is gone since the lease gives no login.
    bed.clock.advance(3_600_000);
    bed.sweep().await;
    let lease = bed.lease(1).await.remove(0);
    let mut no = profile("crestline").permission;
    no.suspended = Some("their letter".to_owned());
    payers::set_permission(core, &crate::bed::asked("a test"), "crestline", &no, bed.now())
        .await
        .unwrap();
    let told = sign_in(&lease).await.unwrap_err();
    assert!(told.to_string().contains("suspended"), "{told}");
}

async fn an_account_has_so_many_sessions(bed: Bed) {
    change(&bed, |payer| payer.pace.account_sessions = Some(1)).await;
    for n in 0..4 {
        bed.take_in(&format!("W{n}")).await;
    }
    let first = bed.lease(4).await;
    assert_eq!(first.len(), 1, "the payer takes more, the account does not");
    assert!(matches!(blocked(&bed, Task::Submit).await, Some(Blocked::SessionLimit { limit: 1 })));
    // Another account has a session of its own.
    let secrets = crate::bed::secrets();
    payers::set_credential(&bed.core, &SETUP, "crestline", "clinic-8", &secrets, bed.now())
        .await
        .unwrap();
    let second = bed.lease(4).await;
    let accounts: Vec<&str> = second.iter().map(|lease| lease.account.as_str()).collect();
    assert_eq!(accounts, ["clinic-8"]);
    assert!(bed.lease(4).await.is_empty());
    bed.fail(&first[0], FailureKind::Refused).await;
    assert_eq!(bed.lease_one().await.account, first[0].account);
}

async fn a_lost_session_is_waited_for_until_it_has_ended(bed: Bed) {
    change(&bed, |payer| {
        payer.second_login = "refused".to_owned();
        payer.pace.idle_ends_after_min = Some(15);
    })
    .await;
    let doubt = bed.take_in("W1").await;
    let lease = bed.lease_one().await;
    bed.go(&lease).await;
    bed.clock.advance(3 * bed.core.rules.lease_ttl_ms);
    assert_eq!(bed.sweep().await.expired, 1);
    assert!(matches!(bed.state(doubt.job).await, JobState::InDoubt { .. }));
    bed.clock.advance(14 * 60_000);
    bed.take_in("W2").await;
    assert!(bed.lease(5).await.is_empty(), "neither work nor a look: the lost session lives");
    bed.clock.advance(60_000);
    let leases = bed.lease(5).await;
    assert!(leases.iter().any(|l| l.job == doubt.job && l.purpose == Purpose::Reconcile));
    assert_eq!(leases.len(), 2);
}

async fn the_decision_tells_how_every_rule_stands(bed: Bed) {
    let stands = async || lease::stands(&bed.core, "crestline", bed.now()).await.unwrap();
    let all = stands().await;
    let names: Vec<&str> = all.rules.iter().map(|rule| rule.rule).collect();
    assert_eq!(
        names,
        [
            "calendar",
            "breaker",
            "sessions",
            "account_sessions",
            "logins",
            "account_logins",
            "lockout",
            "starts",
            "submits",
            "pages",
            "second_login"
        ]
    );
    assert!(all.rules.iter().all(|rule| rule.blocked.is_none()));
    assert!(all.tasks.len() == Task::ALL.len() && all.tasks.iter().all(|t| t.blocked.is_none()));
    bed.take_in("W1").await;
    let lease = bed.lease_one().await;
    let now = stands().await;
    assert_eq!(now.rules[2].says, "1 of 1000 at work");
    bed.fail(&lease, FailureKind::PortalDown).await;
    let down = stands().await;
    assert!(matches!(down.rules[1].blocked, Some(Blocked::PortalDown { .. })));
    assert!(down.tasks.iter().all(|t| t.blocked == down.rules[1].blocked));
}
