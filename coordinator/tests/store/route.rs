//! Several channels for one payer: which one a lease takes and why, what is done when one fails, and that a doubt on one holds all.

use coordinator::{
    flow::{evidence, lease, payers, permit},
    store::{attempts, channels},
};
use domain::{
    channel::{Auth, Channel, Leg},
    evidence::{EvidenceKind, Moment},
    fleet::Payer,
    id::EvidenceId,
    job::{JobState, Task},
    lease::Purpose,
    outcome::{Answer, FailureKind},
    permission::PermissionState,
    wire::{CONTROL_NUMBERS, End, EvidencePut, Finding, Leased, PermitReply, SecretAsk, refusal},
};
use serde_json::json;

use crate::{
    bed::{Bed, SETUP, asked, auth_status, code, outcome, prior_auth, profile, random},
    both,
};

both!(
    a_portal_that_is_down_is_passed_and_tried_again,
    a_prohibited_portal_leaves_the_other_channel,
    a_doubt_on_one_channel_holds_every_other,
    an_account_is_of_one_channel_and_its_secrets_go_nowhere_else,
    calls_at_a_time_are_limited_and_given_back,
    what_agents_do_not_work_is_not_leased_to_them,
    control_numbers_come_with_the_lease_and_never_again,
    a_profile_with_loose_ends_is_refused
);

const FHIR: &str = "https://fhir.payer.example/r4";

pub(crate) fn way(channel: &str, calls_max: u32) -> serde_json::Value {
    json!({"channel": channel, "calls_max": calls_max,
        "permission": {"state": "permitted", "basis": "simulator", "decided_by": "test",
            "expires_at": "2100-01-01T00:00:00Z", "tasks": ["submit", "auth_status"]},
        "endpoint": {"base": FHIR, "auth": {"by": "client_credentials", "token_url": "https://login.payer.example/token",
            "client_id": "client", "client_secret": "key"}}})
}

/// Status checks and submissions go by the portal, and by PAS when that cannot be.
pub(crate) fn several(calls_max: u32) -> Payer {
    let mut payer = profile("crestline");
    payer.ways = serde_json::from_value(json!([way("fhir_pas", calls_max)])).unwrap();
    let legs = json!([{"channel": "portal"}, {"channel": "fhir_pas"}]);
    payer.routes = serde_json::from_value(json!({"submit": legs, "auth_status": legs})).unwrap();
    payer
}

pub(crate) async fn routed(bed: &Bed, calls_max: u32) {
    let now = bed.now();
    payers::upsert(&bed.core, &SETUP, &several(calls_max), "default", now).await.unwrap();
    let secrets =
        serde_json::from_value(json!({"client": "fleet", "key": "a-client-secret"})).unwrap();
    let at = ("crestline", Channel::FhirPas);
    payers::set_credential_for(&bed.core, &SETUP, at, "pas-7", &secrets, now).await.unwrap();
}

pub(crate) async fn status_check(bed: &Bed, member: &str) {
    bed.try_take_in(&auth_status(member)).await.unwrap();
}

pub(crate) async fn attempt_of(bed: &Bed, lease: &Leased) -> attempts::Attempt {
    attempts::get(&bed.core.store, lease.attempt).await.unwrap()
}

pub(crate) async fn message(bed: &Bed, l: &Leased, moment: Moment) -> EvidenceId {
    let (id, bytes) = (EvidenceId::new(bed.now(), random()), b"{}".to_vec());
    let put = EvidencePut {
        job: l.job,
        lease: l.lease,
        fence: l.fence,
        agent: bed.agent,
        attempt: l.attempt,
        step: 0,
        kind: EvidenceKind::Message,
        moment,
        sha256: coordinator::files::sha256(&bytes),
        masked: true,
        late: false,
    };
    evidence::put_evidence(&bed.core, id, &put, bytes.into(), bed.now()).await.unwrap().id
}

async fn at_work(bed: &Bed) -> u32 {
    let known = channels::of_payer(&bed.core.store, "crestline").await.unwrap();
    known.values().map(|own| own.busy).sum()
}

async fn a_portal_that_is_down_is_passed_and_tried_again(bed: Bed) {
    routed(&bed, 4).await;
    for n in 0..3 {
        status_check(&bed, &format!("W{n}")).await;
    }
    let first = bed.lease(1).await.remove(0);
    assert_eq!((first.channel, first.endpoint.is_none()), (Channel::Portal, true));
    assert_eq!(attempt_of(&bed, &first).await.because, "first in the payer's order");
    bed.fail(&first, FailureKind::PortalDown).await;
    // The same job goes on by the other channel at once, and loses no try.
    assert!(matches!(bed.state(first.job).await, JobState::Ready));
    let by_api = bed.lease(3).await;
    assert_eq!(by_api.len(), 3);
    for lease in &by_api {
        assert_eq!(lease.channel, Channel::FhirPas);
        assert_eq!(lease.endpoint.as_ref().map(|e| e.base.as_str()), Some(FHIR));
        assert_eq!(lease.account, "pas-7");
        let because = attempt_of(&bed, lease).await.because;
        assert!(because.starts_with("portal: the portal is down; next try at 2026"), "{because}");
    }
    assert_eq!(at_work(&bed).await, 3);
    for lease in &by_api {
        let end = End::Outcome { outcome: outcome(Answer::Approved, "A1"), proof: None };
        bed.end(lease, end).await.unwrap();
    }
    assert_eq!(at_work(&bed).await, 0);

    // The rest is over: one visit tries the portal, the others do not wait for it.
    bed.clock.advance(bed.core.rules.rest_unit_ms);
    for n in 3..6 {
        status_check(&bed, &format!("W{n}")).await;
    }
    let mixed = bed.lease(3).await;
    let by = |channel| mixed.iter().filter(|l| l.channel == channel).count();
    assert_eq!((by(Channel::Portal), by(Channel::FhirPas)), (1, 2));
    let tried = mixed.iter().find(|l| l.channel == Channel::Portal).unwrap();
    let end = End::Outcome { outcome: outcome(Answer::Approved, "A2"), proof: None };
    bed.end(tried, end).await.unwrap();
    // It works again: everything goes by the portal.
    status_check(&bed, "W7").await;
    assert_eq!(bed.lease_one().await.channel, Channel::Portal);

    // A channel beside the portal that fails rests by itself; the portal does not.
    let api = mixed.iter().find(|l| l.channel == Channel::FhirPas).unwrap();
    bed.fail(api, FailureKind::PortalDown).await;
    let known = channels::of_payer(&bed.core.store, "crestline").await.unwrap();
    assert!(known[&Channel::FhirPas].rests_until.is_some() && known[&Channel::FhirPas].downs == 1);
    assert!(
        coordinator::store::payers::get(&bed.core.store, "crestline")
            .await
            .unwrap()
            .rests_until
            .is_none()
    );
    assert_eq!(bed.lease_one().await.channel, Channel::Portal, "the job goes on by the portal");
}

async fn a_prohibited_portal_leaves_the_other_channel(bed: Bed) {
    routed(&bed, 4).await;
    let mut permission = several(4).permission;
    permission.state = PermissionState::Prohibited;
    payers::set_permission(&bed.core, &asked("a test"), "crestline", &permission, bed.now())
        .await
        .unwrap();
    status_check(&bed, "W1").await;
    coordinator::flow::nowhere::route(&bed.core, bed.now()).await.unwrap();
    let lease = bed.lease_one().await;
    assert_eq!(lease.channel, Channel::FhirPas);
    let because = attempt_of(&bed, &lease).await.because;
    assert_eq!(because, "portal: this portal must not be automated");

    // A task that only the portal could do goes to a person.
    let mut other = auth_status("W2");
    other.request = serde_json::from_value(json!({"kind": "eligibility", "from": "2026-03-02",
        "member": {"id": "W2", "last_name": "ALDERSEED", "first_name": "TESTA", "dob": "1980-02-14"}}))
    .unwrap();
    let taken = bed.try_take_in(&other).await.unwrap();
    assert_eq!(coordinator::flow::nowhere::route(&bed.core, bed.now()).await.unwrap(), 1);
    assert_eq!(bed.exception(taken.job).await.kind.word(), "not_permitted");
}

async fn a_doubt_on_one_channel_holds_every_other(bed: Bed) {
    routed(&bed, 4).await;
    let taken = bed.take_in("W1").await;
    // The portal is down: it goes by PAS, whose answer is lost.
    let down = bed.lease_one().await;
    assert_eq!(down.channel, Channel::Portal);
    bed.fail(&down, FailureKind::PortalDown).await;
    let lease = bed.lease_one().await;
    assert_eq!((lease.job, lease.channel), (taken.job, Channel::FhirPas));
    let picture = bed.picture(&lease, Moment::Before).await;
    let refused = permit::permit(&bed.core, &bed.permit_ask(&lease, picture), bed.now()).await;
    assert!(matches!(refused, Ok(PermitReply::No { .. })), "a picture is no message: {refused:?}");
    let before = message(&bed, &lease, Moment::Before).await;
    let permit = permit::permit(&bed.core, &bed.permit_ask(&lease, before), bed.now()).await;
    let Ok(PermitReply::Go { intent, .. }) = permit else { panic!("no permit: {permit:?}") };
    bed.fail(&lease, FailureKind::Unsure).await;
    let JobState::InDoubt { look_at, .. } = bed.state(taken.job).await else { panic!("no doubt") };

    // The portal works again, and the same request is ordered by somebody else: nothing is sent anywhere.
    bed.clock.advance(look_at.since_ms(bed.now()).max(bed.core.rules.rest_unit_ms));
    assert_eq!(code(bed.try_take_in(&prior_auth("W1")).await), "duplicate");
    let look = bed.lease(10).await;
    assert_eq!(look.len(), 1);
    let look = &look[0];
    assert_eq!((look.purpose, look.channel), (Purpose::Reconcile, Channel::FhirPas));
    assert_eq!(attempt_of(&bed, look).await.because, "the doubt began on this channel");

    // Found there: the number is taken, the job is done.
    let shown = message(&bed, look, Moment::After).await;
    let found = Finding::One { outcome: outcome(Answer::PendedReview, "LN1"), evidence: shown };
    bed.end(look, End::Finding { finding: found }).await.unwrap();
    assert!(matches!(bed.state(taken.job).await, JobState::Done { .. }));
    let kept = coordinator::store::intents::of_case(&bed.core.store, taken.case).await.unwrap();
    assert_eq!((kept.len(), kept[0].id, kept[0].state.as_str()), (1, intent, "confirmed"));

    // And the reverse: a doubt at the portal is looked after at the portal, though PAS works and the portal rests.
    // What tries the portal again only reads.
    status_check(&bed, "W8").await;
    let tried = bed.lease_one().await;
    assert_eq!(tried.channel, Channel::Portal);
    let answer = End::Outcome { outcome: outcome(Answer::Approved, "A8"), proof: None };
    bed.end(&tried, answer).await.unwrap();
    let taken = bed.take_in("W2").await;
    let lease = bed.lease_one().await;
    assert_eq!((lease.job, lease.channel), (taken.job, Channel::Portal));
    bed.go(&lease).await;
    bed.fail(&lease, FailureKind::Unsure).await;
    status_check(&bed, "W3").await;
    let check = bed.lease_one().await;
    bed.fail(&check, FailureKind::PortalDown).await;
    let JobState::InDoubt { look_at, .. } = bed.state(taken.job).await else { panic!("no doubt") };
    let rest = bed.core.rules.rest_unit_ms;
    bed.clock.advance(look_at.since_ms(bed.now()).clamp(0, rest - 1));
    let leased = bed.lease(10).await;
    assert!(leased.iter().all(|l| l.job != taken.job), "no look where the doubt did not begin");
    assert!(leased.iter().any(|l| l.channel == Channel::FhirPas), "the check went by PAS");
    bed.clock.advance(rest.max(look_at.since_ms(bed.now())));
    let look = bed.lease(10).await;
    assert!(look.iter().any(|l| l.job == taken.job && l.channel == Channel::Portal));
}

async fn an_account_is_of_one_channel_and_its_secrets_go_nowhere_else(bed: Bed) {
    routed(&bed, 4).await;
    let secrets = crate::bed::secrets();
    let as_portal =
        payers::set_credential(&bed.core, &SETUP, "crestline", "pas-7", &secrets, bed.now()).await;
    assert_eq!(code(as_portal), "invalid", "that account is of another channel");
    status_check(&bed, "W1").await;
    let portal = bed.lease_one().await;
    assert_eq!(portal.account, "clinic-7");
    bed.fail(&portal, FailureKind::PortalDown).await;
    let lease = bed.lease_one().await;
    let ask = |alias: &str, origin: &str| SecretAsk {
        fenced: bed.fenced(&lease),
        alias: alias.to_owned(),
        origin: origin.to_owned(),
    };
    for (alias, origin, wanted) in [
        ("key", "https://login.payer.example", None),
        ("key", "https://fhir.payer.example", None),
        ("key", crate::bed::PORTAL, Some(refusal::ORIGIN_NOT_LISTED)),
        ("password", "https://fhir.payer.example", Some("invalid")),
    ] {
        let told =
            coordinator::flow::secret::release_secret(&bed.core, &ask(alias, origin), bed.now())
                .await;
        match (told, wanted) {
            (Ok(coordinator::flow::secret::Released::Given(reply)), None) => {
                assert_eq!(reply.value, "a-client-secret");
            }
            (Err(refused), Some(wanted)) => assert_eq!(code::<()>(Err(refused)), wanted),
            (got, wanted) => panic!("{alias} {origin}: {} {wanted:?}", got.is_ok()),
        }
    }
}

async fn calls_at_a_time_are_limited_and_given_back(bed: Bed) {
    routed(&bed, 2).await;
    status_check(&bed, "W0").await;
    let first = bed.lease_one().await;
    bed.fail(&first, FailureKind::PortalDown).await;
    for n in 1..5 {
        status_check(&bed, &format!("W{n}")).await;
    }
    let leased = bed.lease(10).await;
    assert_eq!(leased.len(), 2, "two calls at a time");
    assert!(bed.lease(10).await.is_empty());
    // A lease that ends by itself gives its call back too.
    bed.clock.advance(bed.core.rules.lease_ttl_ms);
    assert_eq!(bed.sweep().await.expired, 2);
    assert_eq!(at_work(&bed).await, 0);
    let blocked = lease::why_blocked(&bed.core, bed.now()).await.unwrap();
    assert!(
        blocked.iter().all(|w| w.payer != "crestline"
            || w.task.word() != "auth_status"
            || matches!(w.blocked, domain::fleet::Blocked::NoAgent)),
        "{blocked:?}"
    );
}

async fn what_agents_do_not_work_is_not_leased_to_them(bed: Bed) {
    routed(&bed, 4).await;
    status_check(&bed, "W0").await;
    let first = bed.lease_one().await;
    bed.fail(&first, FailureKind::PortalDown).await;
    let agent = domain::fleet::AgentInfo {
        name: "old".to_owned(),
        pool: "default".to_owned(),
        slots: 4,
        version: "1".to_owned(),
        browser: "1".to_owned(),
        channels: vec![Channel::Portal],
    };
    let hello = domain::wire::Hello { agent };
    let old = coordinator::flow::agents::hello(&bed.core, &hello, bed.now()).await.unwrap().agent;
    let ask = domain::wire::LeaseAsk { agent: old, ..bed.ask(4) };
    assert!(lease::lease_next(&bed.core, &ask, bed.now()).await.unwrap().is_empty());
    assert_eq!(bed.lease_one().await.channel, Channel::FhirPas);
}

async fn control_numbers_come_with_the_lease_and_never_again(bed: Bed) {
    let mut payer = several(4);
    payer.ways[0].channel = Channel::X12Core;
    payer.ways[0].endpoint.x12 =
        serde_json::from_value(json!({"sender": "RIVER", "receiver": "PAYER01"})).unwrap();
    let legs: Vec<Leg> = vec![Leg::plain(Channel::X12Core)];
    payer.routes = [(Task::AuthStatus, legs)].into();
    let now = bed.now();
    payers::upsert(&bed.core, &SETUP, &payer, "default", now).await.unwrap();
    let secrets =
        serde_json::from_value(json!({"client": "fleet", "key": "a-client-secret"})).unwrap();
    let at = ("crestline", Channel::X12Core);
    payers::set_credential_for(&bed.core, &SETUP, at, "edi-7", &secrets, now).await.unwrap();
    status_check(&bed, "W0").await;
    status_check(&bed, "W1").await;

    let ask = bed.ask(1);
    let first = lease::lease_next(&bed.core, &ask, bed.now()).await.unwrap().remove(0);
    assert_eq!((first.channel, first.control), (Channel::X12Core, Some(1)));
    // The same ask again is the same lease, with numbers that nobody has seen: a reply may be lost after it was read.
    let again = lease::lease_next(&bed.core, &ask, bed.now()).await.unwrap().remove(0);
    assert_eq!((again.lease, again.control), (first.lease, Some(1 + CONTROL_NUMBERS)));
    assert_eq!(bed.lease_one().await.control, Some(1 + 2 * CONTROL_NUMBERS));
}

/// Submissions go by X12 in real time.
fn by_core(payer: &mut Payer, without_documents: bool) {
    payer.ways[0].channel = Channel::X12Core;
    payer.ways[0].endpoint.x12 =
        serde_json::from_value(json!({"sender": "RIVER", "receiver": "PAYER01"})).unwrap();
    let leg = Leg { without_documents, ..Leg::plain(Channel::X12Core) };
    payer.routes = [(Task::Submit, vec![leg])].into();
}

async fn a_profile_with_loose_ends_is_refused(bed: Bed) {
    let fault = |change: fn(&mut Payer)| {
        let mut payer = several(1);
        change(&mut payer);
        payer
    };
    for payer in [
        fault(|p| p.ways.clear()),
        fault(|p| p.ways[0].calls_max = 0),
        fault(|p| p.ways[0].channel = Channel::Portal),
        fault(|p| p.ways[0].endpoint.base = "fhir".to_owned()),
        fault(|p| p.ways[0].channel = Channel::Rest),
        fault(|p| p.ways[0].channel = Channel::X12Core),
        fault(|p| p.ways.push(p.ways[0].clone())),
        fault(|p| p.routes = [(Task::Letter, p.routes[&Task::Submit].clone())].into()),
        fault(|p| p.routes.values_mut().for_each(|legs| legs.push(legs[0].clone()))),
        fault(|p| p.ways[0].endpoint.auth = Auth::SshKey { key: "key".to_owned() }),
        fault(|p| by_core(p, false)),
    ] {
        let told = payers::upsert(&bed.core, &SETUP, &payer, "default", bed.now()).await;
        assert_eq!(code(told), "invalid", "{payer:?}");
    }
    let mut good = several(1);
    by_core(&mut good, true);
    payers::upsert(&bed.core, &SETUP, &good, "default", bed.now()).await.unwrap();
}
