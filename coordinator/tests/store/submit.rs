//! The submit protocol: evidence, permit, proof; one living intent per request; what is planned afterwards.

use coordinator::{
    flow::{Once, intake, intake::Intake, payers, permit, plan, resolve},
    store::{cases, intents, jobs, references},
};
use domain::{
    case::CaseStatus,
    evidence::Moment,
    exception::Resolution,
    id::{CaseId, JobId},
    job::{JobState, Task},
    outcome::{Answer, Failure, FailureKind},
    request::Request,
    wire::{End, NotClicked, PermitReply, Proof, refusal},
};

use crate::{
    bed::{Bed, SETUP, auth_status, code, outcome, prior_auth, profile, random, renewal, user},
    both,
};

both!(
    a_hundred_asks_get_one_permit,
    no_permit_without_what_must_hold,
    not_clicked_frees_the_request,
    proof_commits_and_the_next_check_is_planned,
    a_number_proves_one_submission_only,
    an_answer_without_proof_is_a_doubt,
    twins_are_refused_until_a_person_orders_again,
    nearly_the_same_is_a_persons_question_before_the_intent,
    a_renewal_has_no_twin_either_and_is_another_request,
    intake_says_what_is_wrong,
    a_creating_call_is_answered_once,
    evidence_is_durable_and_true
);

/// A second case with the same request hash, as a race or an older database could leave it: intake itself refuses it.
async fn smuggle_twin(bed: &Bed, of: CaseId) -> JobId {
    let (mut case, request) = cases::opened(&bed.core.store, of).await.unwrap();
    let first = jobs::of_case(&bed.core.store, of).await.unwrap().remove(0);
    case.id = CaseId::new(bed.now(), random());
    let job = jobs::NewJob {
        id: JobId::new(bed.now(), random()),
        case: case.id,
        payer: first.payer,
        task: Task::Submit,
        script_sha256: first.script_sha256,
        attempts_max: 3,
        created_by: "test".to_owned(),
    };
    let mut tx = bed.core.store.begin(bed.now()).await.unwrap();
    cases::insert(&mut tx, &case, &request).await.unwrap();
    jobs::insert(&mut tx, &job).await.unwrap();
    tx.commit().await.unwrap();
    job.id
}

async fn a_hundred_asks_get_one_permit(bed: Bed) {
    let taken = bed.take_in("W1").await;
    smuggle_twin(&bed, taken.case).await;
    let leases = bed.lease(2).await;
    assert_eq!(leases.len(), 2);
    let mut befores = Vec::new();
    for lease in &leases {
        befores.push(bed.picture(lease, Moment::Before).await);
    }
    let bed = std::sync::Arc::new(bed);
    let asks: Vec<_> = (0..100)
        .map(|n| {
            let bed = std::sync::Arc::clone(&bed);
            let ask = bed.permit_ask(&leases[n % 2], befores[n % 2]);
            tokio::spawn(async move { permit::permit(&bed.core, &ask, bed.now()).await.unwrap() })
        })
        .collect();
    let (mut go, mut already, mut no) = (0, 0, 0);
    for ask in asks {
        match ask.await.unwrap() {
            PermitReply::Go { .. } => go += 1,
            PermitReply::Already { because, .. } => {
                assert!(because.contains("job_"), "{because}");
                already += 1;
            }
            PermitReply::No { .. } => no += 1,
        }
    }
    assert_eq!((go, already + no), (1, 99));
    assert!(already >= 50, "every ask of the other job: {already}");
    assert_eq!(intents::all_open(&bed.core.store).await.unwrap().len(), 1);
}

async fn no_permit_without_what_must_hold(bed: Bed) {
    let taken = bed.take_in("W1").await;
    let lease = bed.lease_one().await;
    let core = &bed.core;
    let asked = |before| {
        let ask = bed.permit_ask(&lease, before);
        let now = bed.now();
        async move {
            match permit::permit(core, &ask, now).await.unwrap() {
                PermitReply::No { because } => because,
                other => panic!("{other:?}"),
            }
        }
    };
    let nothing = domain::id::EvidenceId::new(bed.now(), 1);
    assert!(asked(nothing).await.contains("picture before"));
    let after = bed.picture(&lease, Moment::After).await;
    assert!(asked(after).await.contains("picture before"));
    let before = bed.picture(&lease, Moment::Before).await;
    payers::pause(core, &crate::bed::asked("stop"), "crestline", bed.now()).await.unwrap();
    assert!(asked(before).await.contains("paused: stop"));
    payers::resume(core, &crate::bed::asked("over"), "crestline", bed.now()).await.unwrap();
    let mut gone = profile("crestline").permission;
    gone.state = domain::permission::PermissionState::Unknown;
    payers::set_permission(core, &crate::bed::asked("a test"), "crestline", &gone, bed.now())
        .await
        .unwrap();
    assert!(asked(before).await.contains("nobody has recorded"));
    // Whoever reads the paper again may take an account off its list while a visit is under way.
    let mut other = profile("crestline").permission;
    other.accounts = vec!["clinic-8".to_owned()];
    payers::set_permission(core, &crate::bed::asked("a test"), "crestline", &other, bed.now())
        .await
        .unwrap();
    assert!(asked(before).await.contains("does not list this account"));
    assert!(matches!(bed.state(taken.job).await, JobState::Leased { intent: None, .. }));
    assert!(intents::of_case(&core.store, taken.case).await.unwrap().is_empty());
    let good = profile("crestline").permission;
    payers::set_permission(core, &crate::bed::asked("a test"), "crestline", &good, bed.now())
        .await
        .unwrap();
    bed.clock.advance(core.rules.lease_ttl_ms);
    let late = permit::permit(core, &bed.permit_ask(&lease, before), bed.now()).await;
    assert_eq!(code(late), refusal::LEASE_ENDED);

    bed.sweep().await;
    bed.try_take_in(&auth_status("W9")).await.unwrap();
    let status = bed.lease(10).await.into_iter().find(|l| l.task == Task::AuthStatus).unwrap();
    let before = bed.picture(&status, Moment::Before).await;
    let looks_only = permit::permit(core, &bed.permit_ask(&status, before), bed.now()).await;
    assert_eq!(code(looks_only), "invalid");
}

async fn not_clicked_frees_the_request(bed: Bed) {
    let taken = bed.take_in("W1").await;
    let lease = bed.lease_one().await;
    let before = bed.picture(&lease, Moment::Before).await;
    let ask = bed.permit_ask(&lease, before);
    let first = permit::permit(&bed.core, &ask, bed.now()).await.unwrap();
    assert_eq!(permit::permit(&bed.core, &ask, bed.now()).await.unwrap(), first, "repeated");
    let PermitReply::Go { intent, .. } = first else { panic!("{first:?}") };
    let job = jobs::get(&bed.core.store, taken.job).await.unwrap();
    let JobState::Leased { lease: held, .. } = &job.state else { panic!("{:?}", job.state) };
    let window = bed.core.rules.permit_ttl_ms + bed.core.rules.submit_max_ms;
    assert!(held.expires_at.since_ms(bed.now()) > window, "the lease covers the submit");
    assert!(matches!(bed.permit(&lease).await, PermitReply::No { .. }), "one at a time");
    let cancelled = coordinator::flow::cancel::cancel_job(
        &bed.core,
        &crate::bed::asked("why"),
        taken.job,
        bed.now(),
    )
    .await;
    assert_eq!(code(cancelled), "not-allowed");
    let told = NotClicked { fenced: bed.fenced(&lease), intent };
    permit::not_clicked(&bed.core, &told, bed.now()).await.unwrap();
    permit::not_clicked(&bed.core, &told, bed.now()).await.expect("repeated");
    assert!(matches!(
        permit::permit(&bed.core, &ask, bed.now()).await.unwrap(),
        PermitReply::No { .. }
    ));
    let second = bed.go(&lease).await;
    assert_ne!(intent, second);
    let all = intents::of_case(&bed.core.store, taken.case).await.unwrap();
    let words: Vec<_> = all.iter().map(|i| i.state.as_str()).collect();
    assert_eq!(words.iter().filter(|w| **w == "void").count(), 1);
    assert_eq!(words.iter().filter(|w| **w == "open").count(), 1);
}

async fn proof_commits_and_the_next_check_is_planned(bed: Bed) {
    let taken = bed.take_in("W1").await;
    assert_eq!(bed.status(taken.case).await, "received");
    let lease = bed.lease_one().await;
    assert_eq!(lease.inputs["member"]["id"], "W1");
    let ours = lease.inputs["submission"].as_str().unwrap().to_owned();
    assert!(ours.len() <= 12 && taken.job.to_string().ends_with(&ours[1..]));
    assert_eq!(bed.status(taken.case).await, "working");
    bed.submit(&lease, "TRK-77").await;
    assert!(matches!(bed.state(taken.job).await, JobState::Done { .. }));
    assert_eq!(bed.status(taken.case).await, CaseStatus::Working.word());
    let all = intents::of_case(&bed.core.store, taken.case).await.unwrap();
    assert_eq!((all.len(), all[0].state.as_str()), (1, "confirmed"));
    let numbers = references::of_case(&bed.core.store, taken.case).await.unwrap();
    assert_eq!(numbers[0].reference.value, "TRK-77");
    assert_eq!(numbers[0].proves, Some(all[0].id));
    let by_number = cases::Filter { reference: "trk 77".to_owned(), ..Default::default() };
    let by_member = cases::Filter { member: "w1".to_owned(), ..Default::default() };
    for filter in [by_number, by_member] {
        let found = cases::list(&bed.core.store, &filter, "", 10).await.unwrap().items;
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].id, taken.case);
    }

    assert_eq!(plan::plan(&bed.core, bed.now()).await.unwrap(), 0, "not due yet");
    bed.clock.advance(3_600_000);
    assert_eq!(plan::plan(&bed.core, bed.now()).await.unwrap(), 1);
    assert_eq!(plan::plan(&bed.core, bed.now()).await.unwrap(), 0, "one at a time");
    let check = bed.lease_one().await;
    assert_eq!((check.task, &check.inputs["reference"]), (Task::AuthStatus, &"TRK-77".into()));
    let end = End::Outcome { outcome: outcome(Answer::Approved, "TRK-77"), proof: None };
    bed.end(&check, end).await.unwrap();
    assert_eq!(bed.status(taken.case).await, "complete");
    bed.clock.advance(3_600_000);
    assert_eq!(plan::plan(&bed.core, bed.now()).await.unwrap(), 0, "the answer is final");
    bed.in_order().await;
}

async fn a_number_proves_one_submission_only(bed: Bed) {
    bed.take_in("W1").await;
    let lease = bed.lease_one().await;
    bed.submit(&lease, "TRK-1").await;
    let second = bed.take_in("W2").await;
    let lease = bed.lease_one().await;
    bed.submit(&lease, "trk 1").await;
    assert!(matches!(bed.state(second.job).await, JobState::InDoubt { .. }), "a stale number");
    bed.in_order().await;
}

async fn an_answer_without_proof_is_a_doubt(bed: Bed) {
    let taken = bed.take_in("W1").await;
    let lease = bed.lease_one().await;
    let intent = bed.go(&lease).await;
    let wrong = Proof {
        intent: domain::id::IntentId::new(bed.now(), 1),
        reference: "T".to_owned(),
        after: domain::id::EvidenceId::new(bed.now(), 1),
    };
    let end = |proof| End::Outcome { outcome: outcome(Answer::PendedReview, "T"), proof };
    assert_eq!(code(bed.end(&lease, end(Some(wrong.clone()))).await), "invalid");
    bed.end(&lease, end(Some(Proof { intent, ..wrong }))).await.unwrap();
    let JobState::InDoubt { look_at, .. } = bed.state(taken.job).await else { panic!() };
    let fence = bed.core.rules.permit_ttl_ms + bed.core.rules.submit_max_ms;
    assert!(look_at.since_ms(bed.now()) >= fence, "not before the last byte can have left");
    assert_eq!(bed.status(taken.case).await, "attention");
    bed.in_order().await;
}

async fn twins_are_refused_until_a_person_orders_again(bed: Bed) {
    let first = bed.take_in("W1").await;
    let spelled = prior_auth("w-1");
    let refused = bed.try_take_in(&spelled).await;
    assert!(refused.as_ref().unwrap_err().to_string().contains(&first.case.to_string()));
    assert_eq!(code(refused), "duplicate");
    let lease = bed.lease_one().await;
    bed.submit(&lease, "TRK-1").await;
    assert_eq!(code(bed.try_take_in(&spelled).await), "duplicate", "submitted");
    let mut again = spelled.clone();
    again.again = Some("short".to_owned());
    assert_eq!(code(bed.try_take_in(&again).await), "invalid");
    again.again = Some("the payer lost the first one".to_owned());
    let second = bed.try_take_in(&again).await.unwrap();
    assert_eq!(cases::get(&bed.core.store, second.case).await.unwrap().round, 2);
    let lease = bed.lease_one().await;
    bed.go(&lease).await;
    bed.try_take_in(&auth_status("W1")).await.expect("inquiries may be repeated freely");
    bed.try_take_in(&auth_status("W1")).await.expect("inquiries may be repeated freely");
}

async fn a_renewal_has_no_twin_either_and_is_another_request(bed: Bed) {
    bed.take_in("W1").await;
    bed.try_take_in(&renewal("W1")).await.expect("not the request it renews");
    assert_eq!(code(bed.try_take_in(&renewal("W1")).await), "duplicate");
}

async fn intake_says_what_is_wrong(bed: Bed) {
    let mut unknown = prior_auth("W1");
    unknown.payer = "nowhere".to_owned();
    let told = bed.try_take_in(&unknown).await.unwrap_err().to_string();
    assert!(told.starts_with("payer:") && !told.contains("nowhere"), "{told}");
    let mut faulty = prior_auth("W1");
    let Request::PriorAuth(request) = &mut faulty.request else { unreachable!() };
    request.lines[0].units = 0;
    request.diagnoses.push("nonsense".to_owned());
    let told = bed.try_take_in(&faulty).await.unwrap_err().to_string();
    assert!(told.contains("diagnoses[1]") && told.contains("lines[0].units"), "{told}");
    assert!(!told.contains("nonsense"), "{told}");

    let pdf = bytes::Bytes::from_static(b"%PDF-1.4 letter");
    let document =
        intake::add_document(&bed.core, &SETUP, pdf.clone(), None, bed.now()).await.unwrap();
    assert_eq!(document.kind, "pdf");
    let text = bytes::Bytes::from_static(b"hello");
    let refused = intake::add_document(&bed.core, &SETUP, text, None, bed.now()).await;
    assert_eq!(code(refused), "invalid");
    let mut with = prior_auth("W1");
    let Request::PriorAuth(request) = &mut with.request else { unreachable!() };
    request.documents = vec![document.clone()];
    let mut lying = with.clone();
    let Request::PriorAuth(request) = &mut lying.request else { unreachable!() };
    request.documents[0].size_bytes += 1;
    assert_eq!(code(bed.try_take_in(&lying).await), "invalid");
    bed.try_take_in(&with).await.unwrap();
    let lease = bed.lease_one().await;
    let core = &bed.core;
    let given = coordinator::flow::evidence::document_for_lease;
    let (_, bytes) = given(core, &bed.fenced(&lease), document.id, bed.now()).await.unwrap();
    assert_eq!(bytes, pdf);
    let other = intake::add_document(core, &SETUP, pdf, None, bed.now()).await.unwrap();
    let stolen = given(core, &bed.fenced(&lease), other.id, bed.now()).await;
    assert_eq!(code(stolen.map(|_| ())), "not-found", "another case's document");
}

async fn a_creating_call_is_answered_once(bed: Bed) {
    let once =
        Once { actor: "key:test".to_owned(), key: "k-1".to_owned(), call_sha256: "a".to_owned() };
    let call = |once: Once, member: &'static str| {
        let (core, now) = (&bed.core, bed.now());
        async move { intake::take_in(core, &SETUP, &prior_auth(member), Some(&once), now).await }
    };
    let first = call(once.clone(), "W1").await.unwrap();
    assert_eq!(call(once.clone(), "W1").await.unwrap(), first);
    let other = Once { call_sha256: "b".to_owned(), ..once.clone() };
    assert_eq!(code(call(other, "W2").await), "idempotency-key-reused");
    let stranger = Once { actor: "key:other".to_owned(), ..once };
    assert_ne!(call(stranger, "W2").await.unwrap(), first, "keys of two callers never meet");
}

async fn evidence_is_durable_and_true(bed: Bed) {
    bed.take_in("W1").await;
    let lease = bed.lease_one().await;
    let wrong = bed.put(&lease, Moment::Before, b"x".to_vec(), Some("0".repeat(64))).await;
    assert_eq!(code(wrong), refusal::HASH_MISMATCH);
    let id = bed.put(&lease, Moment::Before, b"x".to_vec(), None).await.unwrap();
    let (item, bytes) = coordinator::flow::evidence::evidence_bytes(&bed.core, id).await.unwrap();
    assert_eq!((item.size_bytes, bytes.as_slice()), (1, b"x".as_slice()));
    let mut stranger = lease.clone();
    stranger.attempt = domain::id::AttemptId::new(bed.now(), 1);
    assert_eq!(code(bed.put(&stranger, Moment::Before, vec![1], None).await), "invalid");
    let huge = vec![0; coordinator::files::SIZE_MAX_BYTES + 1];
    let refused = bed.put(&lease, Moment::Before, huge, None).await.unwrap_err();
    assert!(refused.to_string().contains("25 MiB"), "{refused}");
    bed.fail(&lease, FailureKind::PageChanged).await;
    assert_eq!(
        coordinator::store::evidence::of_attempt(&bed.core.store, lease.attempt)
            .await
            .unwrap()
            .len(),
        1
    );
}

/// The request of [`prior_auth`] for other units: another hash, the same wish.
fn nearly(member: &str, units: u32, day: &str) -> Intake {
    let mut intake = prior_auth(member);
    let domain::request::Request::PriorAuth(request) = &mut intake.request else { unreachable!() };
    request.lines[0].units = units;
    request.lines[0].from = day.parse().unwrap();
    request.lines[0].to = day.parse().unwrap();
    intake
}

async fn nearly_the_same_is_a_persons_question_before_the_intent(bed: Bed) {
    let first = bed.take_in("W1").await;
    let late = bed.try_take_in(&nearly("W1", 3, "2026-03-09")).await.unwrap();
    assert_eq!(bed.state(late.job).await, JobState::Ready, "nothing is with the payer yet");
    let mut leases = bed.lease(10).await;
    leases.sort_by_key(|lease| lease.job != first.job);
    bed.submit(&leases[0], "TRK-1").await;
    // In the permit's own transaction, although it was not so when the lease was given.
    let refused = bed.permit(&leases[1]).await;
    let PermitReply::Already { similar: true, because } = refused else { panic!("{refused:?}") };
    assert!(because.contains(&first.case.to_string()), "{because}");
    let failure = Failure::new(FailureKind::Refused, "possible_duplicate", &because);
    bed.end(&leases[1], End::Failure { failure, candidates: Vec::new() }).await.unwrap();
    assert_eq!(bed.exception(late.job).await.kind.word(), "possible_duplicate");

    // The next one is asked about before any browser starts.
    let third = bed.try_take_in(&nearly("W1", 2, "2026-03-09")).await.unwrap();
    let asked = bed.exception(third.job).await;
    assert_eq!(asked.kind.word(), "possible_duplicate");
    assert!(bed.lease(10).await.is_empty());
    for other in [nearly("W1", 2, "2026-03-10"), nearly("W2", 2, "2026-03-09")] {
        let taken = bed.try_take_in(&other).await.unwrap();
        assert_eq!(bed.state(taken.job).await, JobState::Ready, "another day, another member");
        bed.submit(&bed.lease_one().await, &format!("TRK-{}", taken.job)).await;
    }
    // A person says that it is meant: then it goes, and is not asked about again.
    let answer = Resolution::Retry { reason: "two scans were ordered".to_owned() };
    resolve::resolve(&bed.core, user(1), asked.id, asked.rev, &answer, bed.now()).await.unwrap();
    bed.submit(&bed.lease_one().await, "TRK-3").await;
    assert!(matches!(bed.state(third.job).await, JobState::Done { .. }));
    bed.in_order().await;
}
