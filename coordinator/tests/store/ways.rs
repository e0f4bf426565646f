//! Several channels for one payer, the hard parts: a doubt stays with its channel, a prohibition stays, nothing waits for what will
//! never come, nothing waits behind what must wait, and two broken channels use up the tries.

use coordinator::{
    flow::{agents, intake, lease, nowhere, payers, permit, publish},
    store::{db::Kind, jobs, payers as rows},
};
use domain::{
    channel::{Channel, Way},
    evidence::Moment,
    exception::ExceptionKind,
    fleet::{AgentInfo, Blocked, Payer},
    id::{AgentId, JobId},
    job::{JobState, Task},
    lease::Purpose,
    outcome::{Answer, FailureKind},
    permission::{Permission, PermissionState},
    wire::{End, Finding, Hello, LeaseAsk, Leased, PermitReply, Proof},
};
use serde_json::json;

use crate::{
    bed::{Bed, SETUP, asked, auth_status, code, outcome, prior_auth, profile, user},
    both,
    route::{attempt_of, message, routed, several, status_check, way},
};

both!(
    a_doubt_stays_with_its_channel,
    a_doubt_whose_channel_is_gone_is_a_persons_question,
    an_empty_search_beside_the_portal_proves_nothing,
    a_profile_changes_nothing_in_the_register,
    a_new_channel_is_judged_as_the_register_judges,
    a_prohibited_channel_is_lifted_by_two_people,
    what_no_channel_takes_is_asked_about_and_taken_back,
    a_held_script_holds_the_portal_alone,
    nothing_waits_behind_documents_or_a_held_script,
    no_doubt_waits_behind_those_of_another_channel,
    a_failure_with_nowhere_to_go_uses_up_tries,
    two_broken_channels_use_up_the_tries,
    submissions_are_counted_for_each_channel,
    a_failure_beside_the_portal_waits_for_nobody,
    an_answer_to_another_question_is_none
);

async fn recorded(bed: &Bed, change: impl FnOnce(&mut Payer)) {
    let mut payer = several(4);
    change(&mut payer);
    payers::upsert(&bed.core, &SETUP, &payer, "default", bed.now()).await.unwrap();
}

fn order(payer: &mut Payer, task: &str, legs: serde_json::Value) {
    let more: Payer = {
        let mut all = serde_json::to_value(&*payer).unwrap();
        all["routes"][task] = legs;
        serde_json::from_value(all).unwrap()
    };
    *payer = more;
}

/// A submission that went by PAS, and whose end nobody knows.
async fn doubt_by_pas(bed: &Bed, member: &str) -> JobId {
    let taken = bed.take_in(member).await;
    let lease = bed.lease(1).await.remove(0);
    assert_eq!((lease.job, lease.channel), (taken.job, Channel::FhirPas));
    let before = message(bed, &lease, Moment::Before).await;
    let given = permit::permit(&bed.core, &bed.permit_ask(&lease, before), bed.now()).await;
    assert!(matches!(given, Ok(PermitReply::Go { .. })), "{given:?}");
    bed.fail(&lease, FailureKind::Unsure).await;
    taken.job
}

async fn due(bed: &Bed, job: JobId) {
    let JobState::InDoubt { look_at, .. } = bed.state(job).await else { panic!("not in doubt") };
    bed.clock.advance(look_at.since_ms(bed.now()).max(0));
}

fn pas_first(payer: &mut Payer) {
    order(payer, "submit", json!([{"channel": "fhir_pas"}, {"channel": "portal"}]));
}

async fn a_doubt_stays_with_its_channel(bed: Bed) {
    routed(&bed, 4).await;
    recorded(&bed, pas_first).await;
    let job = doubt_by_pas(&bed, "W1").await;
    // PAS is in no order any more: it is still the only one that can look.
    recorded(&bed, |payer| payer.routes.clear()).await;
    due(&bed, job).await;
    let look = bed.lease_one().await;
    assert_eq!((look.purpose, look.channel), (Purpose::Reconcile, Channel::FhirPas));
    // And it cannot be taken out of the profile while that is so.
    let none = profile("crestline");
    let told = payers::upsert(&bed.core, &SETUP, &none, "default", bed.now()).await.unwrap_err();
    assert!(
        told.to_string().contains("sent by FHIR PAS and can be looked for only there"),
        "{told}"
    );
    assert_eq!(code::<()>(Err(told)), "not-allowed");
    let kept = payers::undroppable(&bed.core, &several(4), &none, bed.now()).await.unwrap();
    assert_eq!(kept.len(), 1);
    let shown = message(&bed, &look, Moment::After).await;
    let found = Finding::One { outcome: outcome(Answer::PendedReview, "LN1"), evidence: shown };
    bed.end(&look, End::Finding { finding: found }).await.unwrap();
    payers::upsert(&bed.core, &SETUP, &none, "default", bed.now()).await.unwrap();
}

async fn a_doubt_whose_channel_is_gone_is_a_persons_question(bed: Bed) {
    routed(&bed, 4).await;
    recorded(&bed, pas_first).await;
    let job = doubt_by_pas(&bed, "W1").await;
    // As a database of an earlier release may be.
    let mut tx = bed.core.store.begin(bed.now()).await.unwrap();
    let mut known = rows::lock(&mut tx, "crestline").await.unwrap();
    known.profile = profile("crestline");
    rows::save(&mut tx, &mut known).await.unwrap();
    tx.commit().await.unwrap();
    due(&bed, job).await;
    assert!(bed.lease(10).await.is_empty(), "the portal cannot look for it");
    assert_eq!(nowhere::route(&bed.core, bed.now()).await.unwrap(), 1);
    let question = bed.exception(job).await;
    assert_eq!(
        (question.kind, question.failure.name.as_str()),
        (ExceptionKind::InDoubt, "no_look")
    );
    let say = question.failure.say;
    assert!(say.contains("sent by FHIR PAS") && say.contains("does not describe it"), "{say}");
    assert_eq!(nowhere::route(&bed.core, bed.now()).await.unwrap(), 0, "once");
    // The channel is back: nobody needs to answer any more, and what began there is looked for there.
    recorded(&bed, pas_first).await;
    assert!(matches!(bed.state(job).await, JobState::InDoubt { .. }));
    assert_eq!(nowhere::route(&bed.core, bed.now()).await.unwrap(), 0);
    due(&bed, job).await;
    let look = bed.lease_one().await;
    assert_eq!((look.job, look.channel), (job, Channel::FhirPas));
}

async fn an_empty_search_beside_the_portal_proves_nothing(bed: Bed) {
    routed(&bed, 4).await;
    recorded(&bed, pas_first).await;
    let job = doubt_by_pas(&bed, "W1").await;
    for looks in 1..=3 {
        due(&bed, job).await;
        // Longer apart than the portal's own rule would ask for.
        bed.clock.advance(400_000);
        let look = bed.lease_one().await;
        let evidence = message(&bed, &look, Moment::After).await;
        let finding = Finding::None { evidence, recognised: true };
        bed.end(&look, End::Finding { finding }).await.unwrap();
        if looks < 3 {
            assert!(matches!(bed.state(job).await, JobState::InDoubt { .. }), "look {looks}");
        }
    }
    let question = bed.exception(job).await;
    assert_eq!((question.kind.word(), question.failure.name.as_str()), ("in_doubt", "not_found"));
}

/// The field that is wrong, and what makes it so.
type Fault = (&'static str, fn(&mut Way));

async fn a_profile_changes_nothing_in_the_register(bed: Bed) {
    routed(&bed, 4).await;
    let upsert =
        async |payer: &Payer| payers::upsert(&bed.core, &SETUP, payer, "default", bed.now()).await;
    let with = |change: &dyn Fn(&mut Permission)| {
        let mut portal = several(4);
        change(&mut portal.permission);
        let mut way = several(4);
        change(&mut way.ways[0].permission);
        [portal, way]
    };
    // Neither what it allows nor who said so.
    let changes: [&dyn Fn(&mut Permission); 4] = [
        &|p| p.state = PermissionState::Prohibited,
        &|p| p.basis = "admin_override".to_owned(),
        &|p| p.second = Some("R. Gale".to_owned()),
        &|p| p.decided_by = "somebody".to_owned(),
    ];
    for change in changes {
        for payer in with(change) {
            assert_eq!(code(upsert(&payer).await), "not-allowed", "{payer:?}");
        }
    }
    let moved = |change: fn(&mut Payer)| {
        let mut payer = several(4);
        change(&mut payer);
        payer
    };
    // What is allowed for simulators does not follow a channel elsewhere; a token's new address on reserved hosts is nobody's matter.
    for payer in [
        moved(|p| p.login_origins = vec!["https://portal.payer.com".to_owned()]),
        moved(|p| p.ways[0].endpoint.base = "https://fhir.payer.com/r4".to_owned()),
    ] {
        let told = upsert(&payer).await.unwrap_err().to_string();
        assert!(told.contains("permission.basis"), "{told}");
    }
    upsert(&moved(|p| p.ways[0].endpoint.answer_ms = 5_000)).await.unwrap();
    // A channel that somebody, or the payer's changed terms, said no to stays in the profile.
    let none = profile("crestline");
    for no in [
        Permission { state: PermissionState::Prohibited, ..none.permission.clone() },
        Permission { suspended: Some("new terms".to_owned()), ..none.permission.clone() },
    ] {
        let of = ("crestline", Channel::FhirPas);
        let why = asked("their letter");
        payers::set_permission_by(&bed.core, &why, Some(user(1)), (of, &no), bed.now())
            .await
            .unwrap();
        assert_eq!(code(upsert(&several(4)).await), "not-allowed");
        assert_eq!(code(upsert(&none).await), "not-allowed");
        let mut as_it_is = several(4);
        as_it_is.ways[0].permission = no;
        upsert(&as_it_is).await.unwrap();
        let kept = payers::undroppable(&bed.core, &as_it_is, &none, bed.now()).await.unwrap();
        assert_eq!(kept.len(), 1, "a start keeps it");
        let good = several(4).ways[0].permission.clone();
        let again = (of, &good);
        payers::set_permission_by(&bed.core, &why, Some(user(1)), again, bed.now()).await.unwrap();
        let by = (user(2), "R. Gale");
        let second = payers::second_permission(&bed.core, &why, by, of, bed.now()).await;
        assert_eq!(
            second.is_ok(),
            as_it_is.ways[0].permission.state == PermissionState::Prohibited
        );
    }
}

async fn a_new_channel_is_judged_as_the_register_judges(bed: Bed) {
    routed(&bed, 4).await;
    let faults: [Fault; 5] = [
        ("basis", |way| way.permission.basis = "hearsay".to_owned()),
        ("basis", |way| way.endpoint.base = "https://fhir.payer.com/r4".to_owned()),
        ("expires_at", |way| way.permission.basis = "admin_override".to_owned()),
        ("expires_at", |way| way.permission.basis = "contract".to_owned()),
        ("second", |way| way.permission.second = Some("R. Gale".to_owned())),
    ];
    for (field, fault) in faults {
        let mut payer = several(4);
        let mut new = way("x12_core", 1);
        new["endpoint"]["auth"] = json!({"by": "password", "user": "user", "password": "password"});
        new["endpoint"]["x12"] = json!({"sender": "RIVERCLINIC", "receiver": "CRESTLINE"});
        new["endpoint"]["insurer"] = json!({"value": "CRESTLINE"});
        new["endpoint"]["requester_npi"] = json!("1234567893");
        let mut new: Way = serde_json::from_value(new).unwrap();
        fault(&mut new);
        payer.ways.push(new);
        let told = payers::upsert(&bed.core, &SETUP, &payer, "default", bed.now()).await;
        let told = told.unwrap_err().to_string();
        assert!(told.starts_with(&format!("ways[1].permission.{field}")), "{told}");
    }
}

async fn a_prohibited_channel_is_lifted_by_two_people(bed: Bed) {
    routed(&bed, 4).await;
    let core = &bed.core;
    let of = ("crestline", Channel::FhirPas);
    let good = several(4).ways[0].permission.clone();
    let no = Permission { state: PermissionState::Prohibited, ..good.clone() };
    let set = async |permission: &Permission, person| {
        let why = asked("a letter of theirs");
        payers::set_permission_by(core, &why, person, (of, permission), bed.now()).await
    };
    let state = async || {
        let known = rows::get(&core.store, "crestline").await.unwrap();
        assert_eq!(known.profile.permission.state, PermissionState::Permitted, "the portal's own");
        known.profile.ways[0].permission.clone()
    };
    set(&no, Some(user(1))).await.unwrap();
    assert_eq!(code(set(&good, None).await), "not-allowed", "no program lifts it");
    let unknown = Permission { state: PermissionState::Unknown, ..good.clone() };
    set(&unknown, Some(user(1))).await.unwrap();
    set(&good, Some(user(1))).await.unwrap();
    assert_eq!(state().await.state, PermissionState::Prohibited, "one person proposes");
    let second = async |n: u128, of| {
        payers::second_permission(core, &asked("read it, too"), (user(n), "R. Gale"), of, bed.now())
            .await
    };
    assert_eq!(code(second(2, ("crestline", Channel::Portal)).await), "not-allowed");
    assert_eq!(code(second(1, of).await), "not-allowed", "not the same person");
    second(2, of).await.unwrap();
    let now = state().await;
    assert_eq!((now.state, now.second.as_deref()), (PermissionState::Permitted, Some("R. Gale")));
    assert_eq!(code(second(3, of).await), "not-allowed", "nothing waits any more");
    let none = (("crestline", Channel::Rest), &good);
    let told =
        payers::set_permission_by(core, &asked("a test"), Some(user(1)), none, bed.now()).await;
    assert_eq!(code(told), "invalid", "the profile does not describe it");
}

async fn with_documents(bed: &Bed, member: &str) -> JobId {
    let pdf = bytes::Bytes::from(format!("%PDF-1.4 {member}"));
    let document = intake::add_document(&bed.core, &SETUP, pdf, None, bed.now()).await.unwrap();
    let mut intake = prior_auth(member);
    let domain::request::Request::PriorAuth(request) = &mut intake.request else { unreachable!() };
    request.documents = vec![document];
    bed.try_take_in(&intake).await.unwrap().job
}

/// Submissions by PAS alone, and without documents alone.
fn without_documents(payer: &mut Payer) {
    order(payer, "submit", json!([{"channel": "fhir_pas", "without_documents": true}]));
}

async fn works(bed: &Bed, name: &str, channels: &[Channel]) -> AgentId {
    let agent = AgentInfo {
        name: name.to_owned(),
        pool: "default".to_owned(),
        slots: 9,
        version: "1".to_owned(),
        browser: "1".to_owned(),
        channels: channels.to_vec(),
    };
    agents::hello(&bed.core, &Hello { agent }, bed.now()).await.unwrap().agent
}

async fn what_no_channel_takes_is_asked_about_and_taken_back(mut bed: Bed) {
    routed(&bed, 4).await;
    recorded(&bed, without_documents).await;
    let with = with_documents(&bed, "W1").await;
    let without = bed.take_in("W2").await.job;
    let why = async |job| {
        let job = jobs::get(&bed.core.store, job).await.unwrap();
        lease::why_not_leased(&bed.core, &job, bed.now()).await.unwrap()
    };
    assert_eq!((why(with).await, why(without).await), (Some(Blocked::Documents), None));
    assert_eq!(nowhere::route(&bed.core, bed.now()).await.unwrap(), 1);
    let question = bed.exception(with).await;
    assert_eq!(
        (question.kind, question.failure.name.as_str()),
        (ExceptionKind::NotPermitted, "no_channel")
    );
    assert!(question.failure.say.ends_with("it takes no documents."), "{}", question.failure.say);
    // The profile changes: nobody is asked any more.
    recorded(&bed, pas_first).await;
    assert_eq!(bed.state(with).await, JobState::Ready);
    assert_eq!(bed.lease(9).await.len(), 2);

    // A channel that no agent has worked for a day, though agents are there.
    bed.clock.advance(25 * 3_600_000);
    bed.sweep().await;
    bed.agent = works(&bed, "a1", &[Channel::Portal]).await;
    assert_eq!(nowhere::route(&bed.core, bed.now()).await.unwrap(), 0, "the portal takes both");
    recorded(&bed, without_documents).await;
    assert_eq!(nowhere::route(&bed.core, bed.now()).await.unwrap(), 2);
    let say = bed.exception(without).await.failure.say;
    assert!(say.ends_with("no agent that accepts work works it."), "{say}");
    bed.agent = works(&bed, "a2", &[Channel::FhirPas]).await;
    assert_eq!(nowhere::route(&bed.core, bed.now()).await.unwrap(), 0);
    assert_eq!(bed.state(without).await, JobState::Ready);
    assert!(matches!(bed.state(with).await, JobState::Waiting { .. }), "still too much for PAS");
}

async fn hold_and_renew(bed: &Bed, task: Task, renew: bool) {
    let script = |text: &str| publish::NewScript {
        script: format!("crestline/{}", task.word()),
        sha256: coordinator::files::sha256(text.as_bytes()),
        files: [("a.yaml".to_owned(), "script".to_owned())].into(),
    };
    let old = coordinator::files::sha256(task.word().as_bytes());
    if renew {
        let new = script(&format!("{} anew", task.word()));
        assert!(publish::publish(&bed.core, &SETUP, new, bed.now()).await.unwrap());
    }
    publish::hold(&bed.core, &asked("wrong button"), &old, bed.now()).await.unwrap();
}

async fn a_held_script_holds_the_portal_alone(bed: Bed) {
    routed(&bed, 4).await;
    let taken = bed.try_take_in(&auth_status("W1")).await.unwrap();
    hold_and_renew(&bed, Task::AuthStatus, false).await;
    let job = jobs::get(&bed.core.store, taken.job).await.unwrap();
    let why = lease::why_not_leased(&bed.core, &job, bed.now()).await.unwrap();
    assert_eq!(why, None, "PAS needs no script");
    let lease = bed.lease_one().await;
    assert_eq!(lease.channel, Channel::FhirPas);
    assert!(attempt_of(&bed, &lease).await.because.starts_with("portal: the script is held"));
    // Without PAS it is the script.
    bed.fail(&lease, FailureKind::PortalDown).await;
    bed.clock.advance(3_600_000);
    bed.sweep().await;
    recorded(&bed, |payer| payer.routes.clear()).await;
    let job = jobs::get(&bed.core.store, taken.job).await.unwrap();
    let why = lease::why_not_leased(&bed.core, &job, bed.now()).await.unwrap();
    assert_eq!(why, Some(Blocked::ScriptHeld { reason: "wrong button".to_owned() }));
}

async fn nothing_waits_behind_documents_or_a_held_script(bed: Bed) {
    routed(&bed, 4).await;
    recorded(&bed, without_documents).await;
    for n in 0..18 {
        with_documents(&bed, &format!("D{n}")).await;
        bed.clock.advance(1);
    }
    let free = bed.take_in("W1").await.job;
    assert_eq!(bed.lease(1).await[0].job, free, "behind eighteen that PAS does not take");

    // At the portal: jobs of a held script before one of its successor, whether or not the payer has other channels.
    recorded(&bed, |payer| payer.routes.clear()).await;
    for n in 0..18 {
        status_check(&bed, &format!("S{n}")).await;
        bed.clock.advance(1);
    }
    hold_and_renew(&bed, Task::AuthStatus, true).await;
    // Submissions stay out of the way.
    let mut reads = profile("crestline").permission;
    reads.tasks = vec![Task::AuthStatus];
    payers::set_permission(&bed.core, &asked("reads only"), "crestline", &reads, bed.now())
        .await
        .unwrap();
    for (member, mut payer) in [("W2", several(4)), ("W3", profile("crestline"))] {
        payer.routes.clear();
        payer.permission = reads.clone();
        payers::upsert(&bed.core, &SETUP, &payer, "default", bed.now()).await.unwrap();
        let free = bed.try_take_in(&auth_status(member)).await.unwrap().job;
        let leased = bed.lease(1).await;
        assert_eq!(leased.iter().map(|l| l.job).collect::<Vec<_>>(), [free], "{member}");
    }
}

async fn no_doubt_waits_behind_those_of_another_channel(bed: Bed) {
    routed(&bed, 4).await;
    let mut begun = Vec::new();
    for n in 0..18 {
        bed.take_in(&format!("P{n}")).await;
    }
    for lease in bed.lease(18).await {
        assert_eq!(lease.channel, Channel::Portal);
        bed.go(&lease).await;
        begun.push(lease);
    }
    for lease in &begun {
        bed.fail(lease, FailureKind::Unsure).await;
    }
    bed.clock.advance(1_000);
    recorded(&bed, pas_first).await;
    let job = doubt_by_pas(&bed, "W1").await;
    due(&bed, job).await;
    let pas = works(&bed, "pas", &[Channel::FhirPas]).await;
    let ask = LeaseAsk { agent: pas, ..bed.ask(1) };
    let leased = lease::lease_next(&bed.core, &ask, bed.now()).await.unwrap();
    assert_eq!(
        leased.iter().map(|l| (l.job, l.channel)).collect::<Vec<_>>(),
        [(job, Channel::FhirPas)]
    );
}

/// The next lease after the rest of whatever failed, by whatever channel.
async fn after_rests(bed: &Bed) -> Option<Leased> {
    bed.clock.advance(20 * bed.core.rules.rest_unit_ms);
    bed.sweep().await;
    // The agents are well.
    let beat = domain::wire::Heartbeat {
        agent: bed.agent,
        leases: Vec::new(),
        memory_mib: 1,
        browser_ok: true,
    };
    coordinator::flow::heartbeat::heartbeat(&bed.core, &beat, bed.now()).await.unwrap();
    bed.lease(1).await.pop()
}

async fn a_failure_with_nowhere_to_go_uses_up_tries(mut bed: Bed) {
    routed(&bed, 4).await;
    bed.agent = works(&bed, "a1", &[Channel::Portal]).await;
    let job = bed.try_take_in(&auth_status("W1")).await.unwrap().job;
    let mut tried = 0;
    while let Some(lease) = after_rests(&bed).await {
        tried += 1;
        assert!(tried <= 10, "PAS takes it, but nobody works PAS");
        bed.fail(&lease, FailureKind::PortalDown).await;
    }
    assert_eq!(bed.exception(job).await.kind, ExceptionKind::GaveUp);
    assert_eq!(tried, bed.core.rules.attempts_max);
}

async fn two_broken_channels_use_up_the_tries(bed: Bed) {
    routed(&bed, 4).await;
    let job = bed.try_take_in(&auth_status("W1")).await.unwrap().job;
    let mut by = Vec::new();
    while let Some(lease) = after_rests(&bed).await {
        by.push(lease.channel);
        assert!(by.len() <= 10, "{by:?}");
        bed.fail(&lease, FailureKind::PortalDown).await;
        // At once by the other, while that is thought to be well.
        if let Some(lease) = bed.lease(1).await.pop() {
            by.push(lease.channel);
            bed.fail(&lease, FailureKind::PortalDown).await;
        }
    }
    assert_eq!(by[..2], [Channel::Portal, Channel::FhirPas]);
    assert_eq!(bed.exception(job).await.kind, ExceptionKind::GaveUp);
}

async fn submissions_are_counted_for_each_channel(bed: Bed) {
    routed(&bed, 4).await;
    recorded(&bed, |payer| {
        pas_first(payer);
        payer.pace.submits_per_minute = Some(1);
    })
    .await;
    doubt_by_pas(&bed, "W1").await;
    recorded(&bed, |payer| payer.pace.submits_per_minute = Some(1)).await;
    bed.take_in("W2").await;
    let lease = bed.lease_one().await;
    assert_eq!(lease.channel, Channel::Portal);
    let given = bed.permit(&lease).await;
    assert!(
        matches!(given, PermitReply::Go { .. }),
        "what PAS took is no submission at the portal: {given:?}"
    );
    bed.take_in("W3").await;
    let lease = bed.lease_one().await;
    let given = bed.permit(&lease).await;
    assert!(matches!(given, PermitReply::No { .. }), "{given:?}");
}

async fn a_failure_beside_the_portal_waits_for_nobody(bed: Bed) {
    routed(&bed, 4).await;
    recorded(&bed, |payer| order(payer, "auth_status", json!([{"channel": "fhir_pas"}]))).await;
    status_check(&bed, "W1").await;
    let lease = bed.lease_one().await;
    assert_eq!(lease.channel, Channel::FhirPas);
    // A lease of portal and PAS takes the payer's row first and the channel's second: who holds the channel must not ask for the
    // payer. With SQLite there is one writer at a time.
    let held = match bed.core.store.db.kind() {
        Kind::Sqlite => None,
        Kind::Postgres => {
            let mut tx = bed.core.store.begin(bed.now()).await.unwrap();
            rows::lock(&mut tx, "crestline").await.unwrap();
            Some(tx)
        }
    };
    let failed = bed.fail(&lease, FailureKind::PortalDown);
    let in_time = tokio::time::timeout(std::time::Duration::from_secs(20), failed).await;
    assert!(in_time.is_ok(), "it waits for the payer's row");
    drop(held);
}

async fn an_answer_to_another_question_is_none(bed: Bed) {
    let read = bed.try_take_in(&auth_status("W1")).await.unwrap().job;
    let lease = bed.lease_one().await;
    let end = End::Outcome { outcome: outcome(Answer::ClaimPaid, "C1"), proof: None };
    bed.end(&lease, end).await.unwrap();
    assert_eq!(bed.exception(read).await.kind, ExceptionKind::UnmappedStatus);

    // What may have been submitted stays in doubt, also when a look finds such a thing.
    let sent = bed.take_in("W2").await.job;
    let lease = bed.lease_one().await;
    let intent = bed.go(&lease).await;
    let after = bed.picture(&lease, Moment::After).await;
    let proof = Some(Proof { intent, reference: "C2".to_owned(), after });
    bed.end(&lease, End::Outcome { outcome: outcome(Answer::CoverageActive, "C2"), proof })
        .await
        .unwrap();
    due(&bed, sent).await;
    let look = bed.lease_one().await;
    let evidence = bed.picture(&look, Moment::After).await;
    let finding = Finding::One { outcome: outcome(Answer::ClaimDenied, "C2"), evidence };
    bed.end(&look, End::Finding { finding }).await.unwrap();
    let question = bed.exception(sent).await;
    assert_eq!((question.kind.word(), question.failure.name.as_str()), ("in_doubt", "found_unfit"));
}
