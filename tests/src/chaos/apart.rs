//! What must stay apart: secrets from everybody but the portal they are for (I-9), and one fleet from another (I-12). The fleets of a run
//! live side by side on one machine, each for a clinic of its own: what one clinic's members are asks for never goes through another's
//! fleet.

use std::collections::BTreeMap;

use serde_json::Value;

use super::check::{Artefacts, Violation};

/// How often a secret is given to one lease at most, as the coordinator promises.
const RELEASES_MAX: u32 = 5;

/// Whether an entry of the payer's record is about a member of another fleet's clinic.
pub(super) fn foreign(of: &Artefacts, entry: &Value) -> bool {
    entry["fields"]["memberId"].as_str().is_some_and(|member| !member.starts_with(&of.mark))
}

/// What was broken of I-9 and of I-12.
pub(super) fn broken(of: &Artefacts) -> Vec<Violation> {
    let mut found = Vec::new();
    let mut broken =
        |invariant: &'static str, seen: String| found.push(Violation { invariant, seen });
    for entry in of.ledger.iter().filter(|entry| foreign(of, entry)) {
        broken("I-12", format!("entry {} is about a member of another fleet's", entry["seq"]));
    }
    let released = || of.audit.iter().filter(|entry| entry["act"] == "secret.released");
    let mut given: BTreeMap<(&str, &str), u32> = BTreeMap::new();
    for entry in released() {
        let detail = &entry["detail"];
        let listed = detail["origin"].as_str().is_some_and(|at| of.origins.iter().any(|o| o == at));
        if !listed {
            broken("I-9", format!("entry {} gave a secret to an origin not listed", entry["seq"]));
        }
        let lease = entry["subject"].as_str().unwrap_or_default();
        *given.entry((lease, detail["alias"].as_str().unwrap_or_default())).or_default() += 1;
    }
    for ((lease, alias), times) in given.iter().filter(|(_, times)| **times > RELEASES_MAX) {
        broken("I-9", format!("`{alias}` was given to {lease} {times} times"));
    }
    // What the portal saw typed: a password that nobody released came from somewhere else.
    let typed = of.ledger.iter().filter(|entry| {
        entry["kind"] == "login"
            && entry["origin"] != "person"
            && ["ok", "wrong"].contains(&entry["result"].as_str().unwrap_or_default())
    });
    let passwords = released().filter(|entry| entry["detail"]["alias"] == "password");
    let (typed, passwords) = (typed.count(), passwords.count());
    if typed > passwords {
        broken("I-9", format!("{typed} sign-ins with {passwords} passwords released"));
    }
    found
}
