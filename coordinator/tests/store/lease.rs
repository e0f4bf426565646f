//! Leases: who gets what, for how long, and what a stale holder may not do.

use std::collections::{BTreeMap, BTreeSet};

use coordinator::flow::{agents, heartbeat, lease, payers, report, steps};
use domain::{
    fleet::Blocked,
    id::AgentId,
    job::{JobState, Task},
    outcome::{Answer, FailureKind},
    step::{Effect, Step, StepState},
    wire::{End, Heartbeat, Order, Release, StepsReport, refusal},
};

use crate::{
    bed::{Bed, SETUP, asked, auth_status, code, of_every_kind, outcome, profile, secrets, seen},
    both,
};

both!(
    every_task_there_is_can_be_leased,
    a_race_leases_each_job_once,
    sessions_are_limited_and_given_back,
    the_same_ask_gets_the_same_leases,
    a_stale_fence_writes_nothing,
    a_lease_ends_and_the_start_is_forgiven,
    heartbeats_extend_hold_and_stop,
    what_blocks_is_said_by_the_same_decision,
    failures_rest_then_ask_a_person,
    a_portal_that_is_down_rests_the_payer,
    a_refused_account_is_tried_again_when_a_person_says_so,
    leases_given_back_are_not_counted,
    a_lease_given_back_after_the_permit_is_a_doubt_and_counts,
    steps_are_written_once,
    a_kept_session_counts_until_its_agent_is_gone
);

async fn a_kept_session_counts_until_its_agent_is_gone(bed: Bed) {
    let mut one = profile("crestline").limits;
    one.sessions_max = 1;
    payers::set_limits(&bed.core, &asked("a test"), "crestline", &one, bed.now()).await.unwrap();
    let other = crate::bed::hello(&bed.core, "other", 4, bed.now()).await;
    for n in 0..3 {
        bed.take_in(&format!("W{n}")).await;
    }
    let first = bed.lease_one().await;
    let fenced = bed.fenced(&first);
    let report = domain::wire::Report {
        fenced,
        attempt: first.attempt,
        end: End::Failure {
            failure: domain::outcome::Failure::new(FailureKind::NotFound, "member_not_found", ""),
            candidates: vec![],
        },
        logins: 1,
        session_reused: false,
        session_kept: true,
        drift: Vec::new(),
        prints: BTreeMap::new(),
    };
    report::report(&bed.core, &report, bed.now()).await.unwrap();

    // The first agent is still signed in: another sign-in would be one too many.
    let asks = |agent, warm: &[&str]| domain::wire::LeaseAsk {
        agent,
        warm: warm.iter().map(|w| (*w).to_owned()).collect(),
        ask: format!("{:x}", crate::bed::random()),
        ..bed.ask(1)
    };
    assert!(lease::lease_next(&bed.core, &asks(other, &[]), bed.now()).await.unwrap().is_empty());
    let again = asks(fenced.agent, &["crestline"]);
    let second = lease::lease_next(&bed.core, &again, bed.now()).await.unwrap();
    assert_eq!(second.len(), 1, "its own session may be used");
    bed.fail(&second[0], FailureKind::NotFound).await;

    // Nothing kept any more: the other may sign in.
    assert_eq!(lease::lease_next(&bed.core, &asks(other, &[]), bed.now()).await.unwrap().len(), 1);
    bed.in_order().await;
}

async fn every_task_there_is_can_be_leased(bed: Bed) {
    for intake in of_every_kind() {
        bed.try_take_in(&intake).await.unwrap();
    }
    let leased: BTreeSet<&str> = bed.lease(20).await.iter().map(|l| l.task.word()).collect();
    assert_eq!(leased, Task::ALL.iter().map(|task| task.word()).collect());
}

async fn a_race_leases_each_job_once(bed: Bed) {
    const JOBS: usize = 120;
    for n in 0..JOBS {
        bed.take_in(&format!("W{n:09}")).await;
    }
    let bed = std::sync::Arc::new(bed);
    let takers: Vec<_> = (0..8)
        .map(|_| {
            let bed = std::sync::Arc::clone(&bed);
            tokio::spawn(async move {
                let (mut got, mut empty) = (Vec::new(), 0);
                while empty < 3 {
                    let leases = bed.lease(5).await;
                    empty = if leases.is_empty() { empty + 1 } else { 0 };
                    got.extend(leases.into_iter().map(|l| (l.job, l.fence)));
                }
                got
            })
        })
        .collect();
    let mut all = Vec::new();
    for taker in takers {
        all.extend(taker.await.unwrap());
    }
    assert_eq!(all.len(), JOBS);
    assert_eq!(all.iter().map(|(job, _)| *job).collect::<BTreeSet<_>>().len(), JOBS, "none twice");
    assert!(all.iter().all(|(_, fence)| *fence == 1));
    bed.in_order().await;
}

async fn sessions_are_limited_and_given_back(bed: Bed) {
    let mut two = profile("crestline").limits;
    two.sessions_max = 2;
    payers::set_limits(&bed.core, &asked("a test"), "crestline", &two, bed.now()).await.unwrap();
    for n in 0..4 {
        bed.take_in(&format!("W{n}")).await;
    }
    let leases = bed.lease(10).await;
    assert_eq!(leases.len(), 2);
    assert!(bed.lease(10).await.is_empty());
    let why = lease::why_blocked(&bed.core, bed.now()).await.unwrap();
    assert!(why.iter().all(|w| w.blocked == Blocked::SessionLimit { limit: 2 }), "{why:?}");
    bed.fail(&leases[0], FailureKind::Transient).await;
    assert_eq!(bed.lease(10).await.len(), 1);
    bed.in_order().await;
}

async fn the_same_ask_gets_the_same_leases(bed: Bed) {
    bed.take_in("W1").await;
    bed.take_in("W2").await;
    let ask = bed.ask(1);
    let first = lease::lease_next(&bed.core, &ask, bed.now()).await.unwrap();
    let second = lease::lease_next(&bed.core, &ask, bed.now()).await.unwrap();
    assert_eq!(first[0].lease, second[0].lease);
    assert_eq!(first[0].inputs, second[0].inputs);
    assert_eq!(second.len(), 1);
    bed.clock.advance(bed.core.rules.lease_ttl_ms);
    bed.sweep().await;
    assert!(
        lease::lease_next(&bed.core, &ask, bed.now()).await.unwrap().is_empty(),
        "an old ask never takes a new lease"
    );
}

async fn a_stale_fence_writes_nothing(bed: Bed) {
    let taken = bed.take_in("W1").await;
    let old = bed.lease_one().await;
    bed.clock.advance(bed.core.rules.lease_ttl_ms);
    let outcome = || End::Outcome { outcome: outcome(Answer::NotRequired, "X1"), proof: None };
    assert_eq!(code(bed.end(&old, outcome()).await), refusal::LEASE_ENDED, "judged by our clock");
    bed.sweep().await;
    let new = bed.lease_one().await;
    assert_eq!((new.fence, new.attempt_number), (2, 2));
    assert_eq!(code(bed.end(&old, outcome()).await), refusal::LEASE_ENDED);
    assert_eq!(
        code(bed.put(&old, domain::evidence::Moment::Before, vec![1], None).await),
        refusal::LEASE_ENDED
    );
    let mut forged = new.clone();
    forged.fence = 3;
    assert_eq!(code(bed.end(&forged, outcome()).await), refusal::LEASE_ENDED);
    forged.fence = new.fence;
    forged.lease = old.lease;
    assert_eq!(code(bed.end(&forged, outcome()).await), refusal::LEASE_ENDED);
    assert!(matches!(bed.state(taken.job).await, JobState::Leased { .. }));
    bed.end(&new, outcome()).await.unwrap();
    bed.end(&new, outcome()).await.expect("a repeated report gets the first answer");
    assert_eq!(bed.status(taken.case).await, "complete");
    bed.in_order().await;
}

async fn a_lease_ends_and_the_start_is_forgiven(mut bed: Bed) {
    let taken = bed.take_in("W1").await;
    bed.lease_one().await;
    bed.clock.advance(bed.core.rules.lease_ttl_ms + 1);
    bed.core.started_at = bed.now().plus_ms(-1);
    assert_eq!(bed.sweep().await.expired, 0, "a coordinator that was away forgives one length");
    bed.clock.advance(bed.core.rules.lease_ttl_ms);
    assert_eq!(bed.sweep().await.expired, 1);
    assert_eq!(bed.sweep().await.expired, 0);
    assert_eq!(bed.state(taken.job).await, JobState::Ready);
    let attempts = coordinator::store::attempts::of_job(&bed.core.store, taken.job).await.unwrap();
    assert_eq!(attempts[0].state.word(), "lost");
    for _ in 0..2 {
        bed.lease_one().await;
        bed.clock.advance(bed.core.rules.lease_ttl_ms);
        bed.sweep().await;
    }
    assert_eq!(bed.exception(taken.job).await.kind.word(), "gave_up");
    bed.in_order().await;
}

fn beat(bed: &Bed, leases: Vec<domain::wire::Fenced>) -> Heartbeat {
    Heartbeat { agent: bed.agent, leases, memory_mib: 10, browser_ok: true }
}

async fn heartbeats_extend_hold_and_stop(bed: Bed) {
    bed.take_in("W1").await;
    let lease = bed.lease_one().await;
    let (live, mut stale) = (bed.fenced(&lease), bed.fenced(&lease));
    stale.fence = 9;
    let ttl = bed.core.rules.lease_ttl_ms;
    bed.clock.advance(ttl - 1);
    let reply = |leases| {
        let beat = beat(&bed, leases);
        let core = &bed.core;
        let now = bed.now();
        async move { heartbeat::heartbeat(core, &beat, now).await.unwrap() }
    };
    assert_eq!(reply(vec![live]).await.orders[&lease.lease.to_string()], Order::Continue);
    assert_eq!(reply(vec![stale]).await.orders[&lease.lease.to_string()], Order::Stop);
    bed.clock.advance(ttl - 1);
    assert_eq!(bed.sweep().await.expired, 0, "it was extended");
    payers::pause(&bed.core, &asked("maintenance"), "crestline", bed.now()).await.unwrap();
    let answer = reply(vec![live]).await;
    assert_eq!(answer.orders[&lease.lease.to_string()], Order::HoldBeforeCommit);
    assert!(!answer.drain);
    agents::drain(&bed.core, &asked("a test"), bed.agent, true, bed.now()).await.unwrap();
    assert!(reply(vec![]).await.drain);
    bed.clock.advance(ttl);
    assert_eq!(reply(vec![live]).await.orders[&lease.lease.to_string()], Order::Stop);
    let mut stranger = beat(&bed, vec![live]);
    stranger.agent = AgentId::new(bed.now(), 5);
    let told = heartbeat::heartbeat(&bed.core, &stranger, bed.now()).await.unwrap();
    assert!(told.drain && told.orders.values().all(|o| *o == Order::Stop), "an unknown agent");
}

async fn what_blocks_is_said_by_the_same_decision(bed: Bed) {
    bed.take_in("W1").await;
    let core = &bed.core;
    let blocked = || async {
        let all = lease::why_blocked(core, bed.now()).await.unwrap();
        all.into_iter().find(|w| w.task == Task::Submit).map(|w| w.blocked)
    };
    assert_eq!(blocked().await, None);
    payers::pause(core, &asked("why not"), "crestline", bed.now()).await.unwrap();
    assert!(
        matches!(blocked().await, Some(Blocked::PayerPaused { reason }) if reason == "why not")
    );
    assert!(bed.lease(1).await.is_empty());
    payers::resume(core, &asked("over"), "crestline", bed.now()).await.unwrap();
    payers::pause_pool(core, &asked("move"), "default", bed.now()).await.unwrap();
    assert!(matches!(blocked().await, Some(Blocked::PoolPaused { .. })));
    assert!(bed.lease(1).await.is_empty());
    payers::resume_pool(core, &asked("moved"), "default", bed.now()).await.unwrap();
    let mut expired = profile("crestline").permission;
    expired.expires_at = bed.now();
    payers::set_permission(core, &asked("a test"), "crestline", &expired, bed.now()).await.unwrap();
    assert!(matches!(blocked().await, Some(Blocked::NotPermitted { .. })));
    assert!(bed.lease(1).await.is_empty());
    let good = profile("crestline").permission;
    payers::set_permission(core, &asked("a test"), "crestline", &good, bed.now()).await.unwrap();
    agents::drain(core, &asked("a test"), bed.agent, true, bed.now()).await.unwrap();
    assert_eq!(blocked().await, Some(Blocked::NoAgent));
    assert!(bed.lease(1).await.is_empty());
    agents::drain(core, &asked("a test"), bed.agent, false, bed.now()).await.unwrap();
    let lease = bed.lease_one().await;
    bed.fail(&lease, FailureKind::LoginRejected).await;
    assert_eq!(blocked().await, Some(Blocked::AccountRefused));
    bed.take_in("W2").await;
    assert!(bed.lease(1).await.is_empty());
    let renewed = secrets();
    payers::set_credential(core, &SETUP, "crestline", "clinic-7", &renewed, bed.now())
        .await
        .unwrap();
    assert_eq!(bed.lease(1).await.len(), 1);
    let rev = coordinator::store::payers::get(&core.store, "crestline").await.unwrap().rev;
    let stale = payers::resume(core, &seen("over", rev - 1), "crestline", bed.now()).await;
    assert_eq!(code(stale), "conflict");
    let rev = coordinator::store::agents::get(&core.store, bed.agent).await.unwrap().rev;
    let stale = agents::drain(core, &seen("late", rev - 1), bed.agent, true, bed.now()).await;
    assert_eq!(code(stale), "conflict");
    let stale = payers::pause_pool(core, &seen("late", -1), "default", bed.now()).await;
    assert_eq!(code(stale), "conflict");
}

async fn a_refused_account_is_tried_again_when_a_person_says_so(bed: Bed) {
    let core = &bed.core;
    let clear = |account, reason| {
        let at = bed.now();
        let asked = asked(reason);
        async move { payers::clear_account(core, &asked, "crestline", account, at).await }
    };
    bed.take_in("W1").await;
    assert_eq!(code(clear("clinic-7", "unlocked by phone").await), "not-allowed");
    let lease = bed.lease_one().await;
    bed.fail(&lease, FailureKind::LoginRejected).await;
    bed.take_in("W2").await;
    payers::resume(core, &asked("looks well"), "crestline", bed.now()).await.unwrap();
    assert!(bed.lease(1).await.is_empty(), "resuming the payer says nothing about its account");
    assert_eq!(code(clear("clinic-8", "unlocked by phone").await), "invalid");
    let stale = seen("unlocked by phone", -1);
    let stale = payers::clear_account(core, &stale, "crestline", "clinic-7", bed.now()).await;
    assert_eq!(code(stale), "conflict");
    clear("clinic-7", "unlocked by phone").await.unwrap();
    assert_eq!(bed.lease(1).await.len(), 1);
    let filter = coordinator::store::audit::Filter {
        act: "credential.cleared".to_owned(),
        ..Default::default()
    };
    let told = coordinator::store::audit::list(&core.store, &filter, None, 9).await.unwrap().items;
    assert_eq!(told.len(), 1);
    assert_eq!(told[0].detail["reason"], "unlocked by phone");
}

async fn failures_rest_then_ask_a_person(bed: Bed) {
    let taken = bed.take_in("W1").await;
    let unit = bed.core.rules.rest_unit_ms;
    for rest in [unit, 2 * unit] {
        let lease = bed.lease_one().await;
        bed.fail(&lease, FailureKind::Transient).await;
        assert!(matches!(bed.state(taken.job).await, JobState::Resting { .. }));
        assert!(bed.lease(1).await.is_empty());
        bed.clock.advance(rest - 1);
        assert_eq!(bed.sweep().await.woken, 0);
        bed.clock.advance(1);
        assert_eq!(bed.sweep().await.woken, 1);
    }
    let lease = bed.lease_one().await;
    assert_eq!(lease.attempt_number, 3);
    bed.fail(&lease, FailureKind::Transient).await;
    assert_eq!(bed.exception(taken.job).await.kind.word(), "gave_up");
    assert_eq!(bed.status(taken.case).await, "attention");
    bed.in_order().await;
}

async fn a_portal_that_is_down_rests_the_payer(bed: Bed) {
    bed.take_in("W1").await;
    let lease = bed.lease_one().await;
    bed.fail(&lease, FailureKind::PortalDown).await;
    bed.take_in("W2").await;
    assert!(bed.lease(1).await.is_empty());
    let why = lease::why_blocked(&bed.core, bed.now()).await.unwrap();
    assert!(why.iter().all(|w| matches!(w.blocked, Blocked::PortalDown { .. })));
    bed.clock.advance(bed.core.rules.rest_unit_ms);
    let lease = bed.lease(1).await.remove(0);
    let end = End::Outcome { outcome: outcome(Answer::NotRequired, "N1"), proof: None };
    bed.end(&lease, end).await.unwrap();
    let payer = coordinator::store::payers::get(&bed.core.store, "crestline").await.unwrap();
    assert_eq!((payer.downs, payer.rests_until), (0, None));
}

async fn leases_given_back_are_not_counted(bed: Bed) {
    let taken = bed.try_take_in(&auth_status("W1")).await.unwrap();
    let lease = bed.lease_one().await;
    let release = Release { fenced: bed.fenced(&lease) };
    report::release(&bed.core, &release, bed.now()).await.unwrap();
    let job = coordinator::store::jobs::get(&bed.core.store, taken.job).await.unwrap();
    assert_eq!((job.attempts, job.tries, job.state.word()), (0, 0, "ready"));
    assert_eq!(attempt_states(&bed, taken.job).await, [(1, "released")]);
    let first = lease;
    let lease = bed.lease_one().await;
    assert_eq!((lease.attempt_number, &lease.inputs["reference"]), (2, &"CRX0001".into()));
    // The first one's late report changes nothing. (Not before the second lease: a refused call holds the job for a moment on
    // Postgres, and a lease steps around what is held.)
    let late = End::Outcome { outcome: outcome(Answer::NotRequired, "N1"), proof: None };
    assert_eq!(code(bed.end(&first, late).await), "lease-ended");
    agents::bye(&bed.core, bed.agent, bed.now()).await.unwrap();
    assert_eq!(bed.state(taken.job).await, JobState::Ready);
    assert_eq!(attempt_states(&bed, taken.job).await, [(1, "released"), (2, "released")]);
    let refused = lease::lease_next(&bed.core, &bed.ask(1), bed.now()).await;
    assert_eq!(code(refused.map(|l| l.len())), "agent-gone");
    bed.in_order().await;
}

async fn attempt_states(bed: &Bed, job: domain::id::JobId) -> Vec<(u32, &'static str)> {
    let all = coordinator::store::attempts::of_job(&bed.core.store, job).await.unwrap();
    all.iter().map(|a| (a.number, a.state.word())).collect()
}

async fn a_lease_given_back_after_the_permit_is_a_doubt_and_counts(bed: Bed) {
    let taken = bed.take_in("W1").await;
    let lease = bed.lease_one().await;
    bed.go(&lease).await;
    let release = Release { fenced: bed.fenced(&lease) };
    report::release(&bed.core, &release, bed.now()).await.unwrap();
    let job = coordinator::store::jobs::get(&bed.core.store, taken.job).await.unwrap();
    assert_eq!((job.attempts, job.state.word()), (1, "in_doubt"));
    assert_eq!(attempt_states(&bed, taken.job).await, [(1, "lost")]);
    // A look that is given back is neither a look nor an attempt.
    bed.clock.advance(10 * 60_000);
    let look = bed.lease_one().await;
    let release = Release { fenced: bed.fenced(&look) };
    report::release(&bed.core, &release, bed.now()).await.unwrap();
    let job = coordinator::store::jobs::get(&bed.core.store, taken.job).await.unwrap();
    assert_eq!((job.attempts, job.state.word()), (1, "in_doubt"));
    assert_eq!(attempt_states(&bed, taken.job).await, [(1, "lost"), (2, "released")]);
}

async fn steps_are_written_once(bed: Bed) {
    bed.take_in("W1").await;
    let lease = bed.lease_one().await;
    let step = |index, state, name: &str| Step {
        index,
        name: name.to_owned(),
        kind: "step".to_owned(),
        depth: 0,
        effect: Effect::Read,
        state,
        source: "crestline/submit:1".to_owned(),
        started_ms: 0,
        ended_ms: None,
        retries: 0,
        screen: None,
        acts: Vec::new(),
        log: Vec::new(),
        values: Vec::new(),
        evidence: Vec::new(),
        received_at: None,
    };
    for (state, name) in
        [(StepState::Running, "begin"), (StepState::Done, "end"), (StepState::Failed, "late")]
    {
        let report = StepsReport {
            fenced: bed.fenced(&lease),
            attempt: lease.attempt,
            steps: vec![step(0, state, name), step(1, StepState::Running, "next")],
            late: false,
        };
        steps::report_steps(&bed.core, &report, bed.now()).await.unwrap();
    }
    let known =
        coordinator::store::steps::of_attempt(&bed.core.store, lease.attempt).await.unwrap();
    let seen: Vec<_> = known.iter().map(|s| (s.index, s.state, s.name.as_str())).collect();
    assert_eq!(seen, [(0, StepState::Done, "end"), (1, StepState::Running, "next")]);
    assert_eq!(known[0].received_at, Some(bed.now()));
}
