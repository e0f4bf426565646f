//! Drift: what reports say of elements, its limits, and what people say of it.

use std::collections::BTreeMap;

use coordinator::{
    flow::{
        drift::{Verdict, decide},
        lease, report,
    },
    store::{self, drift, drift::Item, scripts},
    vals,
};
use domain::{
    drift::{Drift, DriftKind, Fingerprint, Remembered},
    evidence::Moment,
    fleet::Blocked,
    id::EvidenceId,
    job::Task,
    outcome::{Answer, Failure, FailureKind},
    wire::{End, Leased, Report},
};

use crate::{
    bed::{Bed, auth_status, code, hello, outcome, random, user},
    both,
};

both!(
    what_elements_looked_like_goes_with_the_next_lease,
    a_healed_attempt_teaches_nothing_until_a_person_accepts,
    the_same_healing_three_times_holds_the_script,
    three_healings_within_a_day_hold_the_script,
    a_page_nobody_knows_holds_the_script_when_two_agents_end_there,
    a_disagreement_switches_fetching_off_until_a_person_says_so,
    a_judgement_stands_until_something_else_is_seen,
    pictures_of_others_and_patients_stay_out,
    the_schema_repeats_the_states
);

fn print(name: &str) -> Fingerprint {
    Fingerprint { role: "button".into(), name: name.into(), ..Fingerprint::default() }
}

fn remembered(name: &str) -> BTreeMap<String, Remembered> {
    BTreeMap::from([("find".to_owned(), Remembered { print: print(name), picture: None })])
}

fn healed(element: &str, name: &str) -> Drift {
    Drift {
        score: Some(0.91),
        margin: Some(0.4),
        proposal: format!("{{role: button, name: '{name}'}}"),
        before: Some(print("Find")),
        now: Some(print(name)),
        ..Drift::new(DriftKind::Healed, element, "crestline/auth_status:31")
    }
}

async fn leased(bed: &Bed, member: &str) -> Leased {
    bed.try_take_in(&auth_status(member)).await.unwrap();
    bed.lease_one().await
}

async fn tell(bed: &Bed, l: &Leased, drift: Vec<Drift>, prints: BTreeMap<String, Remembered>) {
    let end = End::Outcome { outcome: outcome(Answer::Approved, "CRX1"), proof: None };
    tell_end(bed, l, end, drift, prints).await;
}

async fn tell_end(
    bed: &Bed,
    l: &Leased,
    end: End,
    drift: Vec<Drift>,
    prints: BTreeMap<String, Remembered>,
) {
    let report = Report {
        fenced: bed.fenced(l),
        attempt: l.attempt,
        end,
        logins: 0,
        session_reused: false,
        session_kept: false,
        drift,
        prints,
    };
    report::report(&bed.core, &report, bed.now()).await.unwrap();
}

async fn items(bed: &Bed) -> Vec<Item> {
    drift::list(&bed.core.store, &drift::Filter::default(), "", 100).await.unwrap().items
}

async fn script(bed: &Bed) -> scripts::Script {
    let all = scripts::list(&bed.core.store).await.unwrap();
    all.into_iter().find(|s| s.task == Task::AuthStatus).unwrap()
}

async fn say(bed: &Bed, item: &Item, verdict: Verdict) -> Item {
    let seen = (item.id, Some(item.rev));
    decide(&bed.core, user(1), seen, verdict, "looked at both pictures", bed.now()).await.unwrap()
}

async fn what_elements_looked_like_goes_with_the_next_lease(bed: Bed) {
    let first = leased(&bed, "W1").await;
    assert!(first.prints.is_empty() && first.fetch_allowed);
    let failure = Failure::new(FailureKind::Transient, "slow", "");
    let failed = End::Failure { failure, candidates: Vec::new() };
    tell_end(&bed, &first, failed, Vec::new(), remembered("Never")).await;
    let second = leased(&bed, "W2").await;
    assert!(second.prints.is_empty(), "a failed attempt teaches nothing");
    tell(&bed, &second, Vec::new(), remembered("Find")).await;
    let third = leased(&bed, "W3").await;
    assert_eq!(third.prints["find"], print("Find"));
    bed.in_order().await;
}

async fn a_healed_attempt_teaches_nothing_until_a_person_accepts(bed: Bed) {
    let first = leased(&bed, "W1").await;
    tell(&bed, &first, Vec::new(), remembered("Find")).await;
    let second = leased(&bed, "W2").await;
    tell(&bed, &second, vec![healed("find", "Search")], remembered("Search")).await;
    let third = leased(&bed, "W3").await;
    assert_eq!(third.prints["find"], print("Find"));
    tell(&bed, &third, vec![healed("find", "Search")], BTreeMap::new()).await;
    let all = items(&bed).await;
    assert_eq!(all.len(), 1, "one item however often it is seen");
    assert_eq!((all[0].sightings, all[0].state.word()), (2, "open"));
    // Both begin in the same millisecond here: which comes first is chance.
    let saw = drift::attempts(&bed.core.store, all[0].id).await.unwrap();
    assert_eq!(saw.len(), 2);
    assert!([third.attempt, second.attempt].iter().all(|attempt| saw.contains(attempt)));

    say(&bed, &all[0], Verdict::Accept).await;
    let fourth = leased(&bed, "W4").await;
    assert_eq!(fourth.prints["find"], print("Search"), "as it was accepted");
    let seen = (all[0].id, Some(all[0].rev));
    let stale = decide(&bed.core, user(2), seen, Verdict::Dismiss, "too late", bed.now()).await;
    assert_eq!(code(stale), "conflict");
    let again = (all[0].id, None);
    let twice = decide(&bed.core, user(2), again, Verdict::Dismiss, "too late", bed.now()).await;
    assert_eq!(code(twice), "not-allowed");
    bed.in_order().await;
}

async fn the_same_healing_three_times_holds_the_script(bed: Bed) {
    for member in ["W1", "W2", "W3"] {
        assert_eq!(script(&bed).await.state, "live");
        let l = leased(&bed, member).await;
        tell(&bed, &l, vec![healed("find", "Search")], BTreeMap::new()).await;
    }
    let held = script(&bed).await;
    assert_eq!(held.state, "held");
    assert!(held.held_reason.unwrap().contains("3 attempts"));
    // What is asked for meanwhile waits, with the reason.
    let taken = bed.try_take_in(&auth_status("W4")).await.unwrap();
    assert!(bed.lease(10).await.is_empty());
    let job = store::jobs::get(&bed.core.store, taken.job).await.unwrap();
    let why = lease::why_not_leased(&bed.core, &job, bed.now()).await.unwrap();
    assert!(matches!(why, Some(Blocked::ScriptHeld { .. })), "{why:?}");

    say(&bed, &items(&bed).await[0], Verdict::Accept).await;
    assert_eq!(script(&bed).await.state, "live", "nothing holds it any more");
    let l = bed.lease_one().await;
    // What was accepted may be healed as often as it is needed.
    tell(&bed, &l, vec![healed("find", "Search")], BTreeMap::new()).await;
    let all = items(&bed).await;
    assert_eq!((all[0].state.word(), all[0].sightings), ("accepted", 4));
    assert_eq!(script(&bed).await.state, "live");
    bed.in_order().await;
}

async fn a_page_nobody_knows_holds_the_script_when_two_agents_end_there(mut bed: Bed) {
    let ends = async |bed: &Bed, member: &str| {
        let l = leased(bed, member).await;
        let failure = Failure::new(FailureKind::PageChanged, "no_known_screen", "");
        let end = End::Failure { failure, candidates: Vec::new() };
        let stranger = Drift::new(DriftKind::ScreenUnknown, "open_search", "crestline/shell:40");
        tell_end(bed, &l, end, vec![stranger], BTreeMap::new()).await;
    };
    for member in ["W1", "W2", "W3"] {
        ends(&bed, member).await;
        assert_eq!(script(&bed).await.state, "live", "one agent may be what is wrong");
    }
    bed.agent = hello(&bed.core, "a2", 250, bed.now()).await;
    ends(&bed, "W4").await;
    let held = script(&bed).await;
    assert_eq!(held.state, "held");
    assert!(held.held_reason.unwrap().contains("2 agents"));
    let all = items(&bed).await;
    assert_eq!((all.len(), all[0].sightings, all[0].seen.kind.level()), (1, 4, 4));
    say(&bed, &all[0], Verdict::Dismiss).await;
    assert_eq!(script(&bed).await.state, "live", "nothing holds it any more");
    bed.in_order().await;
}

async fn three_healings_within_a_day_hold_the_script(bed: Bed) {
    for (member, element) in [("W1", "find"), ("W2", "next")] {
        let l = leased(&bed, member).await;
        tell(&bed, &l, vec![healed(element, element)], BTreeMap::new()).await;
    }
    bed.clock.advance(25 * 3_600_000);
    let l = leased(&bed, "W3").await;
    tell(&bed, &l, vec![healed("back", "Back")], BTreeMap::new()).await;
    assert_eq!(script(&bed).await.state, "live", "the others were longer ago");
    let l = leased(&bed, "W4").await;
    tell(&bed, &l, vec![healed("find", "find"), healed("next", "next")], BTreeMap::new()).await;
    assert_eq!(script(&bed).await.state, "held");
    // Each decision takes one away; a dismissed element is not looked for again.
    let all = items(&bed).await;
    say(&bed, &all[0], Verdict::Dismiss).await;
    assert_eq!(script(&bed).await.state, "live");
    bed.in_order().await;
}

async fn a_disagreement_switches_fetching_off_until_a_person_says_so(bed: Bed) {
    let differs =
        || Drift::new(DriftKind::FetchedDiffers, "fetched answer", "crestline/auth_status");
    let l = leased(&bed, "W1").await;
    tell(&bed, &l, vec![differs()], BTreeMap::new()).await;
    let l = leased(&bed, "W2").await;
    assert!(!l.fetch_allowed);
    say(&bed, &items(&bed).await[0], Verdict::Dismiss).await;
    tell(&bed, &l, Vec::new(), BTreeMap::new()).await;
    let l = leased(&bed, "W3").await;
    assert!(l.fetch_allowed, "it had passed");
    tell(&bed, &l, vec![differs()], BTreeMap::new()).await;
    let item = items(&bed).await.remove(0);
    assert_eq!((item.state.word(), item.sightings, item.unreviewed), ("open", 2, 1));
    say(&bed, &item, Verdict::Accept).await;
    assert!(!leased(&bed, "W4").await.fetch_allowed, "the shown page is right");
    assert_eq!(script(&bed).await.state, "live", "it is read from the page");
}

async fn a_judgement_stands_until_something_else_is_seen(bed: Bed) {
    let by = |n: u32| {
        Drift::new(DriftKind::FallbackUsed, "find", "crestline/auth_status:31")
            .with_detail(format!("found by strategy {n} of 3"))
    };
    for (member, n, state) in [("W1", 2, "open"), ("W2", 2, "dismissed"), ("W3", 3, "open")] {
        let l = leased(&bed, member).await;
        tell(&bed, &l, vec![by(n)], BTreeMap::new()).await;
        let item = items(&bed).await.remove(0);
        assert_eq!(item.state.word(), state, "{member}");
        if member == "W1" {
            say(&bed, &item, Verdict::Dismiss).await;
        }
    }
    let acts: Vec<String> = store::audit::list(
        &bed.core.store,
        &store::audit::Filter {
            subject: items(&bed).await[0].id.to_string(),
            ..Default::default()
        },
        None,
        10,
    )
    .await
    .unwrap()
    .items
    .into_iter()
    .map(|e| e.act)
    .collect();
    assert_eq!(acts, ["drift.seen_again", "drift.dismissed", "drift.seen"]);
}

async fn pictures_of_others_and_patients_stay_out(bed: Bed) {
    let l = leased(&bed, "W1").await;
    let own = bed.picture(&l, Moment::Before).await;
    let foreign = EvidenceId::new(bed.now(), random());
    let of = |name: &str, picture| {
        (
            name.to_owned(),
            Remembered { print: print("Requests of ALDERSEED"), picture: Some(picture) },
        )
    };
    tell(&bed, &l, Vec::new(), BTreeMap::from([of("a", own), of("b", foreign)])).await;
    let l = leased(&bed, "W2").await;
    assert_eq!(l.prints["a"].name, "", "a text with a patient's name is left out");
    tell(&bed, &l, vec![healed("a", "Born 02/14/1980"), healed("b", "B")], BTreeMap::new()).await;
    let all = items(&bed).await;
    let of = |element: &str| all.iter().find(|i| i.seen.element == element).unwrap();
    assert_eq!((of("a").seen.before_picture, of("b").seen.before_picture), (Some(own), None));
    assert_eq!(of("a").seen.proposal, "");
    let kept = crate::schema::every_text(&bed).await.join("\n");
    assert!(!kept.contains("ALDERSEED") && !kept.contains("02/14/1980"));
    assert!(!kept.contains("button"), "and what is kept of pages is sealed");
}

async fn the_schema_repeats_the_states(bed: Bed) {
    let l = leased(&bed, "W1").await;
    tell(&bed, &l, vec![healed("find", "Search")], BTreeMap::new()).await;
    let id = items(&bed).await[0].id;
    for sql in [
        "UPDATE drift SET state = 'accepted' WHERE id = $1",
        "UPDATE drift SET reason = 'why' WHERE id = $1",
        "UPDATE drift SET state = 'gone' WHERE id = $1",
        "UPDATE drift SET kind = 'other' WHERE id = $1",
        "UPDATE drift SET sightings = 0 WHERE id = $1",
    ] {
        let mut tx = bed.core.store.db.begin().await.unwrap();
        let refused = tx.exec(sql, vals![id]).await.expect_err(sql);
        assert!(matches!(refused, store::Error::Check(_)), "{sql}: {refused:?}");
    }
}
