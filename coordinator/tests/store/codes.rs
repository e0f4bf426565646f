//! Codes that are in no vault: a person's, asked for while the attempt is paused, and those of a mailbox, each message once.

use std::{collections::BTreeMap, path::Path};

use coordinator::{
    files,
    flow::{
        Actor, code, payers, people, publish, publish::NewScript, resolve, secret, secret::Released,
    },
    store::{attempts, exceptions},
};
use domain::{
    attempt::AttemptState,
    exception::{ExceptionState, Resolution},
    job::JobState,
    outcome::FailureKind,
    wire::{Leased, SecretAsk, refusal},
};

use crate::{
    bed::{Bed, PORTAL, asked, code as code_of, user},
    both,
};

both!(
    a_person_is_asked_and_the_code_is_given_once,
    who_answers_for_the_account_is_asked,
    after_the_deadline_nobody_is_asked_any_more,
    an_attempt_that_ends_takes_its_question_along,
    a_message_is_used_once_and_belongs_to_this_sign_in,
    the_script_says_what_an_alias_is
);

/// Publishes Crestline's own script for submissions, with another kind of `code`; what is taken in afterwards is pinned to it.
async fn publish_with(bed: &Bed, kind: &str) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scripts");
    let mut files = BTreeMap::new();
    for path in ["crestline/submit.yaml", "crestline/fragments/shell.yaml"] {
        let text = std::fs::read_to_string(root.join(path)).unwrap();
        files.insert(path.to_owned(), text.replace("code: totp", &format!("code: {kind}")));
    }
    let new = NewScript {
        script: "crestline/submit".to_owned(),
        sha256: files::sha256(kind.as_bytes()),
        files,
    };
    assert!(publish::publish(&bed.core, &Actor::Setup, new, bed.now()).await.unwrap());
}

fn ask(bed: &Bed, lease: &Leased, alias: &str) -> SecretAsk {
    SecretAsk { fenced: bed.fenced(lease), alias: alias.to_owned(), origin: PORTAL.to_owned() }
}

async fn released(bed: &Bed, lease: &Leased) -> coordinator::flow::Result<Option<String>> {
    let ask = ask(bed, lease, "code");
    Ok(match secret::release_secret(&bed.core, &ask, bed.now()).await? {
        Released::Given(reply) => Some(reply.value),
        Released::Wait { .. } | Released::Mail(_) | Released::Person => None,
    })
}

async fn attempt_state(bed: &Bed, lease: &Leased) -> AttemptState {
    attempts::get(&bed.core.store, lease.attempt).await.unwrap().state
}

async fn a_person_is_asked_and_the_code_is_given_once(bed: Bed) {
    publish_with(&bed, "person_code").await;
    bed.take_in("W1").await;
    let lease = bed.lease_one().await;
    assert_eq!(released(&bed, &lease).await.unwrap(), None);
    assert_eq!(released(&bed, &lease).await.unwrap(), None, "asked again, it is one question");
    let question = bed.exception(lease.job).await;
    assert_eq!(question.live.as_ref().unwrap().alias, "code");
    assert!(matches!(attempt_state(&bed, &lease).await, AttemptState::Paused { .. }));
    assert!(matches!(bed.state(lease.job).await, JobState::Leased { .. }), "the lease goes on");

    let retry = Resolution::Retry { reason: "try again".to_owned() };
    let (id, rev) = (question.id, question.rev);
    let refused = resolve::resolve(&bed.core, user(1), id, rev, &retry, bed.now()).await;
    assert_eq!(code_of(refused), "not-allowed", "only the code is asked for");
    let empty = code::give_code(&bed.core, user(1), (id, rev), "  ", bed.now()).await;
    assert_eq!(code_of(empty), "invalid");
    let given =
        code::give_code(&bed.core, user(1), (id, rev), " 483920 ", bed.now()).await.unwrap();
    assert!(matches!(given.state, ExceptionState::Resolved { .. }));
    for row in crate::schema::every_text(&bed).await {
        assert!(!row.contains("483920"), "a code is readable in the database");
    }
    assert_eq!(released(&bed, &lease).await.unwrap().as_deref(), Some("483920"));
    assert!(matches!(attempt_state(&bed, &lease).await, AttemptState::Running));
    // A portal that refuses it gets another one, from a person again.
    assert_eq!(released(&bed, &lease).await.unwrap(), None);
    assert_ne!(bed.exception(lease.job).await.id, id);
    bed.fail(&lease, FailureKind::PageChanged).await;
    bed.in_order().await;
}

async fn who_answers_for_the_account_is_asked(bed: Bed) {
    let core = &bed.core;
    publish_with(&bed, "person_code").await;
    let add = async |login: &str, name: &str| {
        let roles = ["operator".to_owned()];
        people::add_user(core, &Actor::Setup, login, name, "-", &roles, bed.now()).await.unwrap().id
    };
    let robin = add("robin", "Robin Gale").await;
    let answers_for = async |owner: &str| {
        let of = ("clinic-7", "fleet 7", owner);
        payers::identify(core, &asked("registered"), "crestline", of, bed.now()).await.unwrap();
    };
    let question = async |member: &str| {
        bed.take_in(member).await;
        let lease = bed.lease_one().await;
        assert_eq!(released(&bed, &lease).await.unwrap(), None);
        let question = bed.exception(lease.job).await;
        bed.fail(&lease, FailureKind::PageChanged).await;
        question
    };
    answers_for("robin gale").await;
    let first = question("W1").await;
    assert_eq!((first.owner, first.queue.as_str()), (Some(robin), "credentials"));
    let said = &first.failure.say;
    assert!(said.contains("robin gale, who answers for"), "{said}");
    answers_for("Somebody Else").await;
    assert_eq!(question("W2").await.owner, None, "nobody here is called so");
    add("gale2", "Robin Gale").await;
    answers_for("Robin Gale").await;
    assert_eq!(question("W3").await.owner, None, "two are called so");
    bed.in_order().await;
}

async fn after_the_deadline_nobody_is_asked_any_more(bed: Bed) {
    publish_with(&bed, "person_code").await;
    bed.take_in("W1").await;
    let lease = bed.lease_one().await;
    assert_eq!(released(&bed, &lease).await.unwrap(), None);
    let question = bed.exception(lease.job).await;
    // The lease is kept by heartbeats meanwhile.
    for _ in 0..10 {
        bed.clock.advance(30_000);
        let beat = domain::wire::Heartbeat {
            agent: bed.agent,
            leases: vec![bed.fenced(&lease)],
            memory_mib: 0,
            browser_ok: true,
        };
        coordinator::flow::heartbeat::heartbeat(&bed.core, &beat, bed.now()).await.unwrap();
    }
    let late =
        code::give_code(&bed.core, user(1), (question.id, question.rev), "1", bed.now()).await;
    assert_eq!(code_of(late), "not-allowed");
    assert_eq!(code_of(released(&bed, &lease).await), refusal::CODE_NEEDED);
    let after = exceptions::get(&bed.core.store, question.id).await.unwrap();
    assert_eq!(after.state, ExceptionState::Withdrawn);
    assert!(matches!(attempt_state(&bed, &lease).await, AttemptState::Running));
    bed.fail(&lease, FailureKind::NeedsCode).await;
    assert!(bed.exception(lease.job).await.live.is_none(), "now the job waits, without an attempt");
    bed.in_order().await;
}

async fn an_attempt_that_ends_takes_its_question_along(bed: Bed) {
    publish_with(&bed, "person_code").await;
    bed.take_in("W1").await;
    let lease = bed.lease_one().await;
    assert_eq!(released(&bed, &lease).await.unwrap(), None);
    let question = bed.exception(lease.job).await;
    let (id, rev) = (question.id, question.rev);
    code::give_code(&bed.core, user(1), (id, rev), "483920", bed.now()).await.unwrap();
    bed.clock.advance(bed.core.rules.lease_ttl_ms);
    assert_eq!(bed.sweep().await.expired, 1);
    assert_eq!(attempt_state(&bed, &lease).await, AttemptState::Lost);
    let codes = bed.core.store.db.all(
        "exceptions",
        "SELECT id, code FROM exceptions WHERE code IS NOT NULL",
        coordinator::vals![],
    );
    assert!(codes.await.unwrap().is_empty(), "a code nobody fetched is forgotten");
    bed.in_order().await;
}

async fn a_message_is_used_once_and_belongs_to_this_sign_in(bed: Bed) {
    publish_with(&bed, "mail_code").await;
    let mut secrets = crate::bed::secrets();
    let line = "https://reader:bearer-1@mail.example/box#code=(\\d{6})";
    secrets.insert("code".to_owned(), serde_json::from_value(line.into()).unwrap());
    let (core, actor) = (&bed.core, &Actor::Setup);
    let (set, now) = (coordinator::flow::payers::set_credential, bed.now());
    set(core, actor, "crestline", "clinic-7", &secrets, now).await.unwrap();
    let mut wrong = secrets.clone();
    wrong.insert("code".to_owned(), serde_json::from_value("123456".into()).unwrap());
    let refused = set(core, actor, "crestline", "clinic-7", &wrong, now).await;
    assert_eq!(code_of(refused), "invalid", "a code is no mailbox");

    bed.take_in("W1").await;
    let lease = bed.lease_one().await;
    bed.clock.advance(5_000);
    let typed = bed.now();
    secret::release_secret(core, &ask(&bed, &lease, "password"), typed).await.unwrap();
    bed.clock.advance(2_000);
    let ask = ask(&bed, &lease, "code");
    let look = || async {
        match secret::release_secret(core, &ask, bed.now()).await {
            Ok(Released::Mail(look)) => Ok(*look),
            Ok(_) => panic!("a look into the mailbox"),
            Err(error) => Err(error),
        }
    };
    let first = look().await.unwrap();
    assert_eq!((first.since, first.used.len()), (typed, 0), "newer than the password");
    let given = |id: &'static str| async {
        let now = bed.now();
        code::release_mailed(core, &ask, (id, "123456".to_owned()), now).await.unwrap().is_some()
    };
    assert!(given("m-1").await);
    assert!(!given("m-1").await, "each message once");
    assert_eq!(look().await.unwrap().used, ["m-1"]);
    bed.clock.advance(bed.core.rules.lease_ttl_ms - 10_000);
    let beat = domain::wire::Heartbeat {
        agent: bed.agent,
        leases: vec![bed.fenced(&lease)],
        memory_mib: 0,
        browser_ok: true,
    };
    for _ in 0..3 {
        coordinator::flow::heartbeat::heartbeat(core, &beat, bed.now()).await.unwrap();
        bed.clock.advance(bed.core.rules.lease_ttl_ms - 10_000);
    }
    match look().await {
        Err(coordinator::flow::Error::Refused { code, .. }) => {
            assert_eq!(code, refusal::CODE_NEEDED, "waited for long enough");
        }
        _ => panic!("the wait has an end"),
    }
}

async fn the_script_says_what_an_alias_is(bed: Bed) {
    publish_with(&bed, "totp").await;
    let mut secrets = crate::bed::secrets();
    let seed = "GEZD GNBV GY3T QOJQ GEZD GNBV GY3T QOJQ";
    secrets.insert("code".to_owned(), serde_json::from_value(seed.into()).unwrap());
    let (core, now) = (&bed.core, bed.now());
    let set = coordinator::flow::payers::set_credential;
    set(core, &Actor::Setup, "crestline", "clinic-7", &secrets, now).await.unwrap();
    bed.take_in("W1").await;
    let lease = bed.lease_one().await;
    let code = released(&bed, &lease).await.unwrap().unwrap();
    assert!(code.len() == 6 && code.bytes().all(|b| b.is_ascii_digit()), "a code, not the seed");
    secrets.insert("code".to_owned(), serde_json::from_value("no seed: 0189".into()).unwrap());
    let refused = set(core, &Actor::Setup, "crestline", "clinic-7", &secrets, now).await;
    assert_eq!(code_of(refused), "invalid");
}
