//! Secrets: one lease, one listed origin, a code once; and nothing readable at rest.

use coordinator::flow::{login, secret, secret::Released};
use domain::wire::{Leased, LoginAsk, SecretAsk, refusal};

use crate::{
    bed::{Bed, PORTAL, code},
    both,
};

both!(
    a_secret_needs_a_live_lease_and_a_listed_origin,
    a_code_is_given_once_per_time_step,
    logins_are_counted_before_they_are_tried,
    nothing_is_readable_at_rest
);

async fn asked(
    bed: &Bed,
    lease: &Leased,
    alias: &str,
    origin: &str,
) -> coordinator::flow::Result<Result<String, i64>> {
    let ask =
        SecretAsk { fenced: bed.fenced(lease), alias: alias.to_owned(), origin: origin.to_owned() };
    let released = secret::release_secret(&bed.core, &ask, bed.now()).await?;
    Ok(match released {
        Released::Given(reply) => Ok(reply.value),
        Released::Wait { ms } => Err(ms),
        Released::Mail(_) | Released::Person => Err(0),
    })
}

async fn a_secret_needs_a_live_lease_and_a_listed_origin(bed: Bed) {
    bed.take_in("W1").await;
    let lease = bed.lease_one().await;
    let password = asked(&bed, &lease, "password", PORTAL).await.unwrap();
    assert_eq!(password, Ok("seeded-Passw0rd".to_owned()));
    for origin in [
        "https://portal.example.evil.test",
        "http://portal.example",
        "https://portal.example:444",
        "data:,x",
        "",
    ] {
        let got = asked(&bed, &lease, "password", origin).await;
        assert_eq!(code(got), refusal::ORIGIN_NOT_LISTED, "{origin}");
    }
    assert_eq!(code(asked(&bed, &lease, "other", PORTAL).await), "invalid");
    for _ in 1..5 {
        asked(&bed, &lease, "password", PORTAL).await.unwrap().unwrap();
    }
    assert_eq!(code(asked(&bed, &lease, "password", PORTAL).await), "too-many-releases");
    bed.clock.advance(bed.core.rules.lease_ttl_ms);
    assert_eq!(code(asked(&bed, &lease, "user", PORTAL).await), refusal::LEASE_ENDED);
}

async fn a_code_is_given_once_per_time_step(bed: Bed) {
    bed.take_in("W1").await;
    bed.take_in("W2").await;
    let leases = bed.lease(2).await;
    assert_eq!(bed.now().ms() % 30_000, 0, "a time step begins");
    let first = asked(&bed, &leases[0], "code", PORTAL).await.unwrap().unwrap();
    assert_eq!(first.len(), 6);
    let same_step = asked(&bed, &leases[1], "code", PORTAL).await.unwrap();
    assert_eq!(same_step, Err(30_000), "wait for the next one");
    bed.clock.advance(26_000);
    assert_eq!(asked(&bed, &leases[1], "code", PORTAL).await.unwrap(), Err(4_000), "too short");
    bed.clock.advance(4_000);
    let second = asked(&bed, &leases[1], "code", PORTAL).await.unwrap().unwrap();
    assert_ne!(first, second);
}

async fn logins_are_counted_before_they_are_tried(bed: Bed) {
    for n in 0..2 {
        bed.take_in(&format!("W{n}")).await;
    }
    let lease = bed.lease(1).await.remove(0);
    let ask = LoginAsk { fenced: bed.fenced(&lease) };
    // Three an hour, of which one is kept for looks after doubts.
    for _ in 0..2 {
        login::login(&bed.core, &ask, bed.now()).await.unwrap();
        login::signed_in(&bed.core, &ask, bed.now()).await.unwrap();
    }
    assert_eq!(code(login::login(&bed.core, &ask, bed.now()).await), refusal::LOGIN_BUDGET);
    assert!(bed.lease(1).await.is_empty(), "a lease would only end in front of the login page");
    let mut warm = bed.ask(1);
    warm.warm = vec!["crestline".to_owned()];
    let given = coordinator::flow::lease::lease_next(&bed.core, &warm, bed.now()).await.unwrap();
    assert_eq!(given.len(), 1, "a live portal session needs no login");
}

async fn nothing_is_readable_at_rest(bed: Bed) {
    bed.take_in("W100777001").await;
    let lease = bed.lease_one().await;
    bed.submit(&lease, "TRK-SEEDED-1").await;
    asked(&bed, &lease, "password", PORTAL).await.unwrap_err();
    let seeds = ["ALDERSEED", "W100777001", "TRK-SEEDED-1", "seeded-Passw0rd", "GEZDGNBVGY3TQOJQ"];
    for row in crate::schema::every_text(&bed).await {
        for seed in seeds {
            assert!(!row.contains(seed), "{seed} is readable in the database");
        }
    }
    let mut folders = vec![bed.place.path().to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let bytes = std::fs::read(&path).unwrap();
            for seed in seeds.iter().chain(&["a picture"]) {
                let found = bytes.windows(seed.len()).any(|w| w == seed.as_bytes());
                assert!(!found, "{seed} is readable in {}", path.display());
            }
        }
    }
}
