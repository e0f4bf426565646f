//! In doubt: what is lost after the permit is looked for, never repeated; what a look finds decides.

use coordinator::{
    flow::{payers, resolve, steps},
    store::intents,
};
use domain::{
    evidence::Moment,
    exception::Resolution,
    job::JobState,
    lease::Purpose,
    outcome::{Answer, Failure, FailureKind},
    wire::{End, Finding, Leased, Proof, refusal},
};

use crate::{
    bed::{Bed, SETUP, code, outcome, profile, user},
    both,
};

both!(
    lost_after_the_permit_is_in_doubt,
    found_once_is_adopted,
    absence_needs_two_looks_and_a_quiet_time,
    an_empty_search_that_shows_nothing_known_proves_nothing,
    a_record_of_another_case_is_named_to_search_for,
    silence_without_the_rule_goes_to_a_person,
    unclear_findings_go_to_a_person,
    a_look_that_fails_is_repeated_then_told,
    two_people_declare_absent,
    a_person_gives_the_number,
    refused_at_the_door_and_not_there_is_not_submitted,
    refused_at_the_door_and_nothing_shown_proves_nothing,
    an_account_refused_at_the_sending_stops_with_a_person_asked,
    late_reports_are_hints,
    what_was_kept_meanwhile_is_added_to_a_lost_attempt_only
);

/// A job in doubt whose look is due.
async fn in_doubt(bed: &Bed, member: &str) -> domain::id::JobId {
    let taken = bed.take_in(member).await;
    let lease = bed.lease_one().await;
    bed.go(&lease).await;
    bed.fail(&lease, FailureKind::Transient).await;
    due(bed, taken.job).await;
    taken.job
}

async fn due(bed: &Bed, job: domain::id::JobId) {
    let JobState::InDoubt { look_at, .. } = bed.state(job).await else { panic!("not in doubt") };
    assert!(bed.lease(10).await.is_empty(), "not before its time");
    bed.clock.advance(look_at.since_ms(bed.now()));
}

async fn look(bed: &Bed) -> Leased {
    let lease = bed.lease_one().await;
    assert_eq!(lease.purpose, Purpose::Reconcile);
    assert!(lease.intent_opened_at.is_some());
    let before = bed.picture(&lease, Moment::Before).await;
    let ask = bed.permit_ask(&lease, before);
    let refused = coordinator::flow::permit::permit(&bed.core, &ask, bed.now()).await;
    assert_eq!(code(refused), "invalid", "a look never gets a permit");
    lease
}

async fn nothing_there(bed: &Bed, lease: &Leased) {
    let evidence = bed.picture(lease, Moment::After).await;
    let finding = Finding::None { evidence, recognised: true };
    bed.end(lease, End::Finding { finding }).await.unwrap();
}

/// A job in doubt, whose look is due, after this failure of the sending.
async fn doubted(bed: &Bed, failure: &Failure) -> domain::id::JobId {
    let taken = bed.take_in("W1").await;
    let lease = bed.lease_one().await;
    bed.go(&lease).await;
    let end = End::Failure { failure: failure.clone(), candidates: Vec::new() };
    bed.end(&lease, end).await.unwrap();
    taken.job
}

fn at_the_door() -> Failure {
    Failure::new(FailureKind::Unsure, Failure::REFUSED_AT_THE_DOOR, "status 422: required")
}

async fn refused_at_the_door_and_not_there_is_not_submitted(bed: Bed) {
    // Without any rule about absence: it is the payer's own word, and one look that it is true.
    let mut shy = profile("crestline");
    shy.reconcile.absence_is_proof = false;
    payers::upsert(&bed.core, &SETUP, &shy, "default", bed.now()).await.unwrap();
    let job = doubted(&bed, &at_the_door()).await;
    due(&bed, job).await;
    let lease = look(&bed).await;
    nothing_there(&bed, &lease).await;
    assert!(matches!(bed.state(job).await, JobState::Waiting { intent: None, .. }));
    let asked = bed.exception(job).await;
    assert_eq!((asked.kind.word(), asked.failure.kind), ("correct", FailureKind::Refused));
    assert_eq!((asked.intent, asked.failure.detail.as_str()), (None, "status 422: required"));
    let all = intents::of_case(&bed.core.store, lease.case).await.unwrap();
    assert_eq!((all.len(), all[0].state.as_str(), all[0].looks), (1, "void", 1));
    assert!(bed.lease(10).await.is_empty(), "it is not sent again as it is");
    bed.in_order().await;
}

async fn refused_at_the_door_and_nothing_shown_proves_nothing(bed: Bed) {
    let job = doubted(&bed, &at_the_door()).await;
    due(&bed, job).await;
    nothing_shown(&bed, &look(&bed).await).await;
    assert!(matches!(bed.state(job).await, JobState::InDoubt { looks: 0, .. }));
    // It was recorded after all: what is found counts.
    due(&bed, job).await;
    let lease = look(&bed).await;
    let evidence = bed.picture(&lease, Moment::After).await;
    let finding = Finding::One { outcome: outcome(Answer::PendedReview, "TRK-9"), evidence };
    bed.end(&lease, End::Finding { finding }).await.unwrap();
    assert!(matches!(bed.state(job).await, JobState::Done { .. }));
    bed.in_order().await;
}

async fn an_account_refused_at_the_sending_stops_with_a_person_asked(bed: Bed) {
    let refused = Failure::new(FailureKind::Unsure, Failure::ACCESS_REFUSED, "status 403");
    let job = doubted(&bed, &refused).await;
    let asked = bed.exception(job).await;
    assert_eq!((asked.kind.word(), asked.failure.name.as_str()), ("in_doubt", "access_refused"));
    assert!(asked.intent.is_some(), "the doubt stays");
    bed.take_in("W2").await;
    assert!(bed.lease(10).await.is_empty(), "nothing more is tried with the account");
    bed.in_order().await;
}

/// The search was empty and showed nothing that is known to be there.
async fn nothing_shown(bed: &Bed, lease: &Leased) {
    let evidence = bed.picture(lease, Moment::After).await;
    let finding = Finding::None { evidence, recognised: false };
    bed.end(lease, End::Finding { finding }).await.unwrap();
}

async fn an_empty_search_that_shows_nothing_known_proves_nothing(bed: Bed) {
    let job = in_doubt(&bed, "W1").await;
    let first = look(&bed).await;
    assert!(first.inputs.get("known").is_none(), "the payer is known to have nothing yet");
    nothing_shown(&bed, &first).await;
    // As often as the payer's rule would call it absent, and longer apart: still no second submission.
    for _ in 0..2 {
        assert!(matches!(bed.state(job).await, JobState::InDoubt { looks: 0, .. }));
        due(&bed, job).await;
        bed.clock.advance(400_000);
        nothing_shown(&bed, &look(&bed).await).await;
    }
    due(&bed, job).await;
    nothing_shown(&bed, &look(&bed).await).await;
    let asked = bed.exception(job).await;
    assert_eq!((asked.kind.word(), asked.failure.name.as_str()), ("in_doubt", "search_unproved"));
    bed.in_order().await;
}

async fn a_record_of_another_case_is_named_to_search_for(bed: Bed) {
    let other = bed.take_in("W8").await;
    bed.submit(&bed.lease_one().await, "TRK-KNOWN").await;
    let job = in_doubt(&bed, "W1").await;
    let lease = look(&bed).await;
    let known = &lease.inputs["known"];
    assert_eq!((&known["number"], &known["member"]["id"]), (&"TRK-KNOWN".into(), &"W8".into()));
    assert_eq!(known["from"], "2026-03-09");
    // Whole, so that a channel without a page can ask about it, too.
    let member: domain::request::Member = serde_json::from_value(known["member"].clone()).unwrap();
    assert_eq!(member.first_name, "TESTA");
    nothing_there(&bed, &lease).await;
    due(&bed, job).await;
    nothing_there(&bed, &look(&bed).await).await;
    assert_eq!(bed.state(job).await, JobState::Ready, "proven absent");
    assert!(matches!(bed.state(other.job).await, JobState::Done { .. }));
    bed.in_order().await;
}

async fn lost_after_the_permit_is_in_doubt(bed: Bed) {
    let taken = bed.take_in("W1").await;
    let lease = bed.lease_one().await;
    let intent = bed.go(&lease).await;
    bed.clock.advance(bed.core.rules.lease_ttl_ms);
    assert_eq!(bed.sweep().await.expired, 0, "the permit made the lease longer");
    bed.clock.advance(bed.core.rules.lease_ttl_ms);
    assert_eq!(bed.sweep().await.expired, 1);
    let JobState::InDoubt { intent: open, .. } = bed.state(taken.job).await else { panic!() };
    assert_eq!(open, intent);
    assert_eq!(bed.status(taken.case).await, "attention");
    let proof = Proof {
        intent,
        reference: "TRK-LATE".to_owned(),
        after: domain::id::EvidenceId::new(bed.now(), 1),
    };
    let end =
        End::Outcome { outcome: outcome(Answer::PendedReview, "TRK-LATE"), proof: Some(proof) };
    assert_eq!(code(bed.end(&lease, end).await), refusal::LEASE_ENDED);
    assert!(matches!(bed.state(taken.job).await, JobState::InDoubt { .. }));
    bed.in_order().await;
}

async fn found_once_is_adopted(bed: Bed) {
    let job = in_doubt(&bed, "W1").await;
    let lease = look(&bed).await;
    let evidence = bed.picture(&lease, Moment::After).await;
    let finding = Finding::One { outcome: outcome(Answer::PendedReview, "TRK-9"), evidence };
    bed.end(&lease, End::Finding { finding }).await.unwrap();
    let JobState::Done { outcome } = bed.state(job).await else { panic!() };
    assert_eq!((outcome.via.as_str(), outcome.references.len()), ("reconcile", 1));
    let all = intents::of_case(&bed.core.store, lease.case).await.unwrap();
    assert_eq!(all[0].state, "confirmed");
    bed.in_order().await;
}

async fn absence_needs_two_looks_and_a_quiet_time(bed: Bed) {
    let job = in_doubt(&bed, "W1").await;
    nothing_there(&bed, &look(&bed).await).await;
    assert!(
        matches!(bed.state(job).await, JobState::InDoubt { looks: 1, .. }),
        "one proves nothing"
    );
    due(&bed, job).await;
    nothing_there(&bed, &look(&bed).await).await;
    assert_eq!(bed.state(job).await, JobState::Ready, "proven absent");
    // Sent again, lost again, absent again: that is a person's business.
    let lease = bed.lease_one().await;
    assert_eq!(lease.purpose, Purpose::Work);
    bed.go(&lease).await;
    bed.fail(&lease, FailureKind::Transient).await;
    for _ in 0..2 {
        due(&bed, job).await;
        nothing_there(&bed, &look(&bed).await).await;
    }
    assert_eq!(bed.exception(job).await.kind.word(), "in_doubt");
    let all = intents::of_case(&bed.core.store, lease.case).await.unwrap();
    let mut words: Vec<_> = all.iter().map(|i| i.state.as_str()).collect();
    words.sort_unstable();
    assert_eq!(words, ["open", "void"]);
    bed.in_order().await;
}

async fn silence_without_the_rule_goes_to_a_person(bed: Bed) {
    let mut shy = profile("crestline");
    shy.reconcile.absence_is_proof = false;
    payers::upsert(&bed.core, &SETUP, &shy, "default", bed.now()).await.unwrap();
    let job = in_doubt(&bed, "W1").await;
    for n in 1..=3 {
        if n > 1 {
            due(&bed, job).await;
        }
        nothing_there(&bed, &look(&bed).await).await;
    }
    let exception = bed.exception(job).await;
    assert_eq!(exception.kind.word(), "in_doubt");
    assert!(exception.intent.is_some());
    assert!(matches!(bed.state(job).await, JobState::Waiting { intent: Some(_), .. }));
    let by = user(1);
    let look_again = Resolution::LookAgain { reason: "called the payer".to_owned() };
    resolve::resolve(&bed.core, by, exception.id, exception.rev, &look_again, bed.now())
        .await
        .unwrap();
    look(&bed).await;
    bed.in_order().await;
}

async fn unclear_findings_go_to_a_person(bed: Bed) {
    bed.take_in("W0").await;
    let lease = bed.lease_one().await;
    bed.submit(&lease, "TRK-OTHER").await;
    for (n, number) in [(1, None), (2, Some("TRK-OTHER")), (3, Some(" "))] {
        let job = in_doubt(&bed, &format!("W{n}")).await;
        let lease = look(&bed).await;
        let finding = match number {
            None => Finding::Many { count: 2 },
            Some(number) => Finding::One {
                outcome: outcome(Answer::PendedReview, number),
                evidence: bed.picture(&lease, Moment::After).await,
            },
        };
        bed.end(&lease, End::Finding { finding }).await.unwrap();
        assert_eq!(bed.exception(job).await.kind.word(), "in_doubt", "case {n}");
    }
    bed.in_order().await;
}

async fn a_look_that_fails_is_repeated_then_told(bed: Bed) {
    let job = in_doubt(&bed, "W1").await;
    for _ in 0..3 {
        let lease = look(&bed).await;
        bed.fail(&lease, FailureKind::Transient).await;
        due(&bed, job).await;
    }
    let lease = look(&bed).await;
    bed.fail(&lease, FailureKind::Transient).await;
    assert_eq!(bed.exception(job).await.kind.word(), "in_doubt");
    let lost = in_doubt(&bed, "W2").await;
    look(&bed).await;
    bed.clock.advance(bed.core.rules.lease_ttl_ms);
    bed.sweep().await;
    assert!(
        matches!(bed.state(lost).await, JobState::InDoubt { .. }),
        "a lost look is a doubt still"
    );
    bed.in_order().await;
}

async fn two_people_declare_absent(bed: Bed) {
    let job = in_doubt(&bed, "W1").await;
    let lease = look(&bed).await;
    bed.end(&lease, End::Finding { finding: Finding::Many { count: 2 } }).await.unwrap();
    let exception = bed.exception(job).await;
    let answer = |by, rev, resolution: Resolution| {
        let (core, now) = (&bed.core, bed.now());
        async move { resolve::resolve(core, by, exception.id, rev, &resolution, now).await }
    };
    let absent = || Resolution::DeclareAbsent { reason: "called the payer twice".to_owned() };
    let retry = Resolution::Retry { reason: "just do it".to_owned() };
    assert_eq!(code(answer(user(1), exception.rev, retry).await), "not-allowed");
    let cancel = Resolution::Cancel { reason: "not needed".to_owned() };
    assert_eq!(code(answer(user(1), exception.rev, cancel).await), "not-allowed");
    let short = Resolution::DeclareAbsent { reason: "no".to_owned() };
    assert_eq!(code(answer(user(1), exception.rev, short).await), "invalid");
    let first = answer(user(1), exception.rev, absent()).await.unwrap();
    assert_eq!(first.state.word(), "seconding");
    assert_eq!(code(answer(user(1), first.rev, absent()).await), "not-allowed", "the same person");
    assert_eq!(code(answer(user(2), first.rev - 1, absent()).await), "conflict", "an old page");
    assert!(matches!(bed.state(job).await, JobState::Waiting { .. }));
    let second = answer(user(2), first.rev, absent()).await.unwrap();
    assert_eq!(second.state.word(), "resolved");
    assert_eq!(bed.state(job).await, JobState::Ready);
    let all = intents::of_case(&bed.core.store, lease.case).await.unwrap();
    assert_eq!(all[0].void_proof.as_deref(), Some("declared"));
    let work = bed.lease_one().await;
    assert_eq!(work.purpose, Purpose::Work);
    bed.submit(&work, "TRK-2").await;
    bed.in_order().await;
}

async fn a_person_gives_the_number(bed: Bed) {
    let job = in_doubt(&bed, "W1").await;
    let lease = look(&bed).await;
    bed.end(&lease, End::Finding { finding: Finding::Many { count: 2 } }).await.unwrap();
    let exception = bed.exception(job).await;
    let answer = |outcome| {
        let (core, now) = (&bed.core, bed.now());
        let given = Resolution::GiveOutcome { outcome, reason: "read in the portal".to_owned() };
        async move { resolve::resolve(core, user(1), exception.id, exception.rev, &given, now).await }
    };
    let mut without = outcome(Answer::PendedReview, "TRK-5");
    without.references.clear();
    assert_eq!(code(answer(without).await), "invalid", "an open intent needs the payer's number");
    answer(outcome(Answer::PendedReview, "TRK-5")).await.unwrap();
    let JobState::Done { outcome } = bed.state(job).await else { panic!() };
    assert_eq!(outcome.via, "person");
    bed.in_order().await;
}

async fn late_reports_are_hints(bed: Bed) {
    let taken = bed.take_in("W1").await;
    let lease = bed.lease_one().await;
    let intent = bed.go(&lease).await;
    bed.clock.advance(2 * bed.core.rules.lease_ttl_ms);
    bed.sweep().await;
    let failure = Failure::new(FailureKind::Unsure, "late", "");
    let end = End::Failure { failure, candidates: vec!["TRK-LATE".to_owned()] };
    assert_eq!(code(bed.end(&lease, end).await), refusal::LEASE_ENDED);
    assert_eq!(intents::candidates(&bed.core.store, intent).await.unwrap(), ["TRK-LATE"]);
    assert!(matches!(bed.state(taken.job).await, JobState::InDoubt { .. }));
}

async fn what_was_kept_meanwhile_is_added_to_a_lost_attempt_only(bed: Bed) {
    let taken = bed.take_in("W1").await;
    let lease = bed.lease_one().await;
    bed.go(&lease).await;
    bed.put_late(&lease, Moment::AtAct).await.expect("under a live lease like anything else");
    bed.clock.advance(2 * bed.core.rules.lease_ttl_ms);
    // After a restart nothing is expired for a while: an agent that comes back first must not be told to throw away what it kept.
    bed.put_late(&lease, Moment::After)
        .await
        .expect("its lease is over, and it is lost in a moment");
    bed.sweep().await;
    let before = bed.state(taken.job).await;
    let zombie = bed.put(&lease, Moment::After, b"x".to_vec(), None).await;
    assert_eq!(code(zombie), refusal::LEASE_ENDED, "who works on is told that the lease is over");
    let kept = bed.put_late(&lease, Moment::After).await.expect("kept meanwhile");
    let steps = domain::wire::StepsReport {
        fenced: bed.fenced(&lease),
        attempt: lease.attempt,
        steps: Vec::new(),
        late: true,
    };
    steps::report_steps(&bed.core, &steps, bed.now()).await.expect("and its steps");
    let all = coordinator::store::evidence::of_attempt(&bed.core.store, lease.attempt).await;
    assert!(all.unwrap().iter().any(|item| item.id == kept));
    assert_eq!(bed.state(taken.job).await, before, "it changes nothing");
    let mut other = lease.clone();
    other.fence += 1;
    assert_eq!(code(bed.put_late(&other, Moment::After).await), refusal::LEASE_ENDED);
    // What ended by its own report, or was given back, is closed.
    due(&bed, taken.job).await;
    let ended = look(&bed).await;
    nothing_there(&bed, &ended).await;
    assert_eq!(code(bed.put_late(&ended, Moment::After).await), refusal::LEASE_ENDED);
    bed.in_order().await;
}
