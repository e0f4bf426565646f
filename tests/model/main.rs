//! A model of lease, permit and submit, searched to its last state: two agents, one coordinator, one payer, a network that loses,
//! doubles and delays, crashes at any point, leases that end at any moment, a payer that records late or never answers, an agent that
//! is frozen and acts later. What the coordinator decides is decided by `domain`'s own functions. Time, faults and retries are
//! bounded, so the space of states has no cycle and ends.

mod agent;
mod coordinator;
mod properties;
mod system;

use stateright::{Checker as _, HasDiscoveries, Model as _};

use system::{Fleet, Numbers};

const ALWAYS: [&str; 5] = [
    "never recorded twice",
    "no request without a durable intent",
    "no request after the fence",
    "one request for each permit",
    "nothing lost and nothing silent",
];

const SOMETIMES: [&str; 4] =
    ["committed", "in doubt, then found", "in doubt, then absent, then committed", "a person"];

/// Searches everything and says how much that was.
fn holds(name: &str, fleet: Fleet, reached: &[&'static str]) {
    let began = std::time::Instant::now();
    let checker = fleet.checker().threads(2).spawn_bfs().join();
    println!(
        "{name}: {} states, {} of them different, {} steps deep, {:.1} s",
        checker.state_count(),
        checker.unique_state_count(),
        checker.max_depth(),
        began.elapsed().as_secs_f64()
    );
    for property in ALWAYS {
        checker.assert_no_discovery(property);
    }
    for property in reached {
        assert!(checker.discovery(property).is_some(), "{name}: never reached: {property}");
    }
    assert!(checker.is_done(), "{name}: the whole space was searched");
}

/// The search finds this property broken, and the way there is told.
fn breaks(name: &str, fleet: Fleet, property: &'static str) {
    let enough = HasDiscoveries::AnyOf([property].into());
    let checker = fleet.checker().threads(2).finish_when(enough).spawn_bfs().join();
    let Some(path) = checker.discovery(property) else {
        panic!("{name}: `{property}` holds although the defect is in");
    };
    println!("{name}: `{property}` breaks after {} steps", path.into_actions().len());
}

#[test]
fn one_request_two_agents() {
    holds("one request", Fleet::sound(Numbers::SMALL), &SOMETIMES);
}

#[test]
fn two_jobs_for_the_same_request() {
    let numbers = Numbers { jobs: 2, crashes: 0, restarts: 1, leases: 1, end: 3 };
    holds("two jobs", Fleet::sound(numbers), &["committed", "a person"]);
}

/// The search would see a defect: each of these must break exactly what it endangers.
#[test]
fn a_click_before_the_intent_is_seen() {
    let fleet = Fleet { click_first: true, ..Fleet::sound(Numbers::SMALL) };
    breaks("click before intent", fleet, "no request without a durable intent");
    let fleet = Fleet { click_first: true, ..Fleet::sound(Numbers::SMALL) };
    breaks("click before intent", fleet, "never recorded twice");
}

#[test]
fn a_quiet_period_shorter_than_the_record_delay_is_seen() {
    let fleet = Fleet { believed_delay: 0, ..Fleet::sound(Numbers::SMALL) };
    breaks("short quiet period", fleet, "never recorded twice");
}

#[test]
fn a_gate_that_stays_open_is_seen() {
    let fleet = Fleet { gate: false, ..Fleet::sound(Numbers::SMALL) };
    breaks("open gate", fleet, "no request after the fence");
    let fleet = Fleet { gate: false, ..Fleet::sound(Numbers::SMALL) };
    breaks("open gate", fleet, "one request for each permit");
}
