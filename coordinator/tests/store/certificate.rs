//! The submit gate's certificate releases an intent in doubt; a forged one, one of another arming and one of a gate that is still open
//! change nothing.

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use coordinator::{
    files::hex,
    flow::{certificate, permit},
    store::{audit, exceptions, intents},
};
use domain::{
    evidence::Moment,
    gate::{Arming, Certificate, Permit},
    id::IntentId,
    job::JobState,
    outcome::FailureKind,
    wire::{End, Finding, Leased, NotSent, PermitReply, refusal},
};

use crate::{
    bed::{Bed, code},
    both,
};

both!(
    a_certificate_releases_what_is_in_doubt,
    a_certificate_that_does_not_hold_changes_nothing,
    a_certificate_waits_until_the_attempt_is_over,
    a_certificate_answers_what_a_person_was_asked,
    a_permit_is_signed_for_its_arming
);

fn keys() -> Ed25519KeyPair {
    Ed25519KeyPair::generate().unwrap()
}

fn certificate(keys: &Ed25519KeyPair, nonce: &str, opened: u32, shut: bool) -> Certificate {
    let text = Certificate::text(nonce, opened, shut);
    let signature = hex(keys.sign(text.as_bytes()).as_ref());
    Certificate { nonce: nonce.to_owned(), opened, shut, signature }
}

async fn tell(bed: &Bed, certificate: Certificate) -> Result<(), coordinator::flow::Error> {
    let told = NotSent { agent: bed.agent, certificate };
    certificate::not_sent(&bed.core, &told, bed.now()).await
}

/// A permit for a gate.
async fn permitted(bed: &Bed, lease: &Leased, gate: &Ed25519KeyPair, nonce: &str) -> IntentId {
    let before = bed.picture(lease, Moment::Before).await;
    let arming = Arming { key: hex(gate.public_key().as_ref()), nonce: nonce.to_owned() };
    let ask = domain::wire::PermitAsk { gate: Some(arming), ..bed.permit_ask(lease, before) };
    match permit::permit(&bed.core, &ask, bed.now()).await.unwrap() {
        PermitReply::Go { intent, .. } => intent,
        other => panic!("no permit: {other:?}"),
    }
}

const NONCE: &str = "00112233445566778899aabbccddeeff";
const OTHER: &str = "ffeeddccbbaa99887766554433221100";

async fn a_certificate_releases_what_is_in_doubt(bed: Bed) {
    let taken = bed.take_in("W1").await;
    let gate = keys();
    let lease = bed.lease_one().await;
    permitted(&bed, &lease, &gate, NONCE).await;
    bed.fail(&lease, FailureKind::Unsure).await;
    assert!(matches!(bed.state(taken.job).await, JobState::InDoubt { .. }));
    tell(&bed, certificate(&gate, NONCE, 0, true)).await.unwrap();
    assert_eq!(bed.state(taken.job).await, JobState::Ready);
    let intent = intents::of_case(&bed.core.store, taken.case).await.unwrap().remove(0);
    assert_eq!((intent.state.as_str(), intent.void_proof.as_deref()), ("void", Some("not_sent")));
    tell(&bed, certificate(&gate, NONCE, 0, true)).await.expect("told twice it is the same");
    // The request may be submitted again at once.
    let again = bed.lease_one().await;
    permitted(&bed, &again, &gate, OTHER).await;
    tell(&bed, certificate(&gate, NONCE, 0, true)).await.unwrap();
    let open = intents::all_open(&bed.core.store).await.unwrap();
    assert_eq!(open.len(), 1, "an old certificate does not touch the new intent");
}

async fn a_certificate_that_does_not_hold_changes_nothing(bed: Bed) {
    let taken = bed.take_in("W1").await;
    let gate = keys();
    let lease = bed.lease_one().await;
    permitted(&bed, &lease, &gate, NONCE).await;
    bed.fail(&lease, FailureKind::Unsure).await;
    let mut bent = certificate(&gate, NONCE, 1, true);
    bent.opened = 0;
    for (told, why) in [
        (certificate(&keys(), NONCE, 0, true), "not the gate's"),
        (bent, "not the gate's"),
        (
            Certificate { signature: "zz".to_owned(), ..certificate(&gate, NONCE, 0, true) },
            "gate's",
        ),
        (certificate(&gate, OTHER, 0, true), "no permit was given"),
        (certificate(&gate, NONCE, 0, false), "still open"),
        (certificate(&gate, NONCE, 1, true), "was let out"),
    ] {
        let refused = tell(&bed, told).await.unwrap_err().to_string();
        assert!(refused.contains(why), "{refused}");
        assert!(matches!(bed.state(taken.job).await, JobState::InDoubt { .. }), "{why}");
    }
    let all = audit::Filter::default();
    let told = audit::list(&bed.core.store, &all, None, 1000).await.unwrap();
    let refused =
        told.items.iter().filter(|entry| entry.act == "submit.certificate_refused").count();
    assert_eq!(refused, 6, "each is told");
}

async fn a_certificate_waits_until_the_attempt_is_over(bed: Bed) {
    let taken = bed.take_in("W1").await;
    let gate = keys();
    let lease = bed.lease_one().await;
    permitted(&bed, &lease, &gate, NONCE).await;
    let early = tell(&bed, certificate(&gate, NONCE, 0, true)).await;
    assert_eq!(code(early), refusal::NOT_SETTLED);
    bed.clock.advance(2 * (bed.core.rules.lease_ttl_ms + bed.core.rules.submit_max_ms));
    bed.sweep().await;
    assert!(matches!(bed.state(taken.job).await, JobState::InDoubt { .. }));
    tell(&bed, certificate(&gate, NONCE, 0, true)).await.unwrap();
    assert_eq!(bed.state(taken.job).await, JobState::Ready);
}

async fn a_certificate_answers_what_a_person_was_asked(bed: Bed) {
    let taken = bed.take_in("W1").await;
    let gate = keys();
    let lease = bed.lease_one().await;
    permitted(&bed, &lease, &gate, NONCE).await;
    bed.fail(&lease, FailureKind::Unsure).await;
    // The payer's search says something else than yes or no: a person is asked while the agent that knows is away.
    let JobState::InDoubt { look_at, .. } = bed.state(taken.job).await else { panic!() };
    bed.clock.advance(look_at.since_ms(bed.now()).max(0));
    let look = bed.lease_one().await;
    bed.end(&look, End::Finding { finding: Finding::Many { count: 2 } }).await.unwrap();
    let question = bed.exception(taken.job).await;
    tell(&bed, certificate(&gate, NONCE, 0, true)).await.unwrap();
    assert_eq!(bed.state(taken.job).await, JobState::Ready);
    let question = exceptions::get(&bed.core.store, question.id).await.unwrap();
    assert_eq!(question.state.word(), "withdrawn");
}

async fn a_permit_is_signed_for_its_arming(bed: Bed) {
    bed.take_in("W1").await;
    let lease = bed.lease_one().await;
    let key = lease.permit_key.clone().expect("the lease says whose signature counts");
    let before = bed.picture(&lease, Moment::Before).await;
    let arming = |nonce: &str| Some(Arming { key: "ab".repeat(32), nonce: nonce.to_owned() });
    let ask = domain::wire::PermitAsk { gate: arming(NONCE), ..bed.permit_ask(&lease, before) };
    let bad = domain::wire::PermitAsk { gate: arming("no hex"), ..ask.clone() };
    assert_eq!(code(permit::permit(&bed.core, &bad, bed.now()).await), "invalid");
    let first = permit::permit(&bed.core, &ask, bed.now()).await.unwrap();
    let PermitReply::Go { intent, gate: Some(pass), ttl_ms } = &first else { panic!("{first:?}") };
    let said = Permit::read(&pass.text).expect("reads");
    assert_eq!((said.intent, said.nonce.as_str(), said.ttl_ms), (*intent, NONCE, *ttl_ms));
    assert_eq!((said.fence, said.agent), (lease.fence, bed.agent));
    let valid = aws_lc_rs::signature::UnparsedPublicKey::new(
        &aws_lc_rs::signature::ED25519,
        coordinator::files::unhex(&key).unwrap(),
    )
    .verify(pass.text.as_bytes(), &coordinator::files::unhex(&pass.signature).unwrap());
    assert!(valid.is_ok());
    // The same ask for another arming gets the permit of the first: no gate opens twice for one intent.
    let again = domain::wire::PermitAsk { gate: arming(OTHER), ..ask };
    assert_eq!(permit::permit(&bed.core, &again, bed.now()).await.unwrap(), first);
}
