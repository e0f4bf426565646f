//! Faults: events a test asks for, which fire when a call to a portal matches. Each firing is counted, so that a fault
//! that never fired can fail its test. What a fault does is carried out where calls are handled.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex},
};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::journal::lock;

/// A fault as the test harness describes it.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Fault {
    /// `F01` to `F51`; says what it does unless `do` says so.
    pub id: String,
    /// Only at this payer (slug or `P1`); default: the payer it is sent to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payer: Option<String>,
    /// When it fires; all given conditions must hold.
    #[serde(default)]
    pub when: When,
    /// What happens, `name` or `name(argument)`.
    #[serde(rename = "do", default, skip_serializing_if = "Option::is_none")]
    pub does: Option<String>,
    /// How often it fires; default once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub times: Option<u32>,
}

impl Fault {
    /// The fault with this id in its usual form, once.
    pub fn new(id: &str) -> Fault {
        Fault { id: id.to_owned(), ..Fault::default() }
    }

    /// Only at this logical step.
    #[must_use]
    pub fn at(mut self, step: &str) -> Fault {
        self.when.step = Some(step.to_owned());
        self
    }

    /// In this form instead of the usual one.
    #[must_use]
    pub fn doing(mut self, does: &str) -> Fault {
        self.does = Some(does.to_owned());
        self
    }

    /// So often.
    #[must_use]
    pub fn times(mut self, times: u32) -> Fault {
        self.times = Some(times);
        self
    }

    /// Only at the n-th match, from 1.
    #[must_use]
    pub fn nth(mut self, nth: u32) -> Fault {
        self.when.nth = Some(nth);
        self
    }
}

/// Conditions of a fault, combined with *and*.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct When {
    /// Logical step name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<String>,
    /// Part of the route (`POST apps api/service-reviews`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub route: Option<String>,
    /// Only the n-th call that matches otherwise, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nth: Option<u32>,
    /// Only this account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// Only while this member is worked on (identifier at the payer).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub member: Option<String>,
    /// Only between these moments of the payer's clock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sim_between: Option<(Timestamp, Timestamp)>,
    /// Share of the matches, drawn from the seed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chance: Option<f64>,
}

/// Where a call stands when faults are looked up.
#[derive(Clone, Debug)]
pub struct Place<'a> {
    /// Logical step.
    pub step: &'a str,
    /// Route as in the ledger.
    pub route: &'a str,
    /// Who is signed in.
    pub account: Option<&'a str>,
    /// The member worked on.
    pub member: Option<&'a str>,
    /// The payer's clock.
    pub now: Timestamp,
}

/// A fault that fires for the present call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fired {
    /// `F05`.
    pub id: String,
    /// Name of what happens.
    pub does: String,
    /// Argument, such as seconds or milliseconds.
    pub argument: Option<u64>,
}

/// How often a fault has matched and fired.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Count {
    /// The fault.
    pub fault: Fault,
    /// Calls that matched before `nth` and `chance` were looked at.
    pub matched: u32,
    /// Times it fired.
    pub fired: u32,
}

/// The faults of one payer.
pub struct Faults {
    /// Where handlers have asked for faults.
    pub asked: Arc<Asked>,
    seed: u64,
    without: &'static [(&'static str, &'static str)],
    armed: Mutex<Vec<Count>>,
}

/// Every fault of the book with the forms it can take, the usual one first.
pub const BOOK: [(&str, &[&str]); 51] = [
    ("F01", &["slow(8000)", "drip"]),
    ("F02", &["500", "502", "503"]),
    ("F03", &["cut-on-read"]),
    ("F04", &["cut-before-record", "502-before-record"]),
    ("F05", &["502-after-record"]),
    ("F06", &["cut-after-record"]),
    ("F07", &["half-a-page"]),
    ("F08", &["records-late(120)"]),
    ("F09", &["session-expired"]),
    ("F10", &["displaced-by-second-login"]),
    ("F11", &["announcement"]),
    ("F12", &["survey"]),
    ("F13", &["terms-changed"]),
    ("F14", &["password-expired"]),
    ("F15", &["mail-late(90)"]),
    ("F16", &["code-refused"]),
    ("F17", &["mail-twice"]),
    ("F18", &["code-throttled"]),
    ("F19", &["captcha"]),
    ("F20", &["maintenance-200"]),
    ("F21", &["status-down"]),
    ("F22", &["renamed-labels"]),
    ("F23", &["reordered-fields"]),
    ("F24", &["new-question"]),
    ("F25", &["retired-code"]),
    ("F26", &["two-matches"]),
    ("F27", &["stale-row"]),
    ("F28", &["provider-missing"]),
    ("F29", &["not-active"]),
    ("F30", &["scan-pending", "upload-refused"]),
    ("F31", &["number-format"]),
    ("F32", &["letter-contradicts", "portal-contradicts"]),
    ("F33", &["paging-drift"]),
    ("F34", &["date-edge"]),
    ("F35", &["hostile-text", "hostile-mail"]),
    ("F36", &["decoy-button"]),
    ("F37", &["double-answer"]),
    ("F38", &["wrong-certificate", "untrusted"]),
    ("F39", &["redirect-away"]),
    ("F40", &["download-storm"]),
    ("F41", &["408"]),
    ("F42", &["kept-alive-closed"]),
    ("F43", &["page-retry", "double-button"]),
    ("F44", &["reload-reposts"]),
    ("F45", &["records-twice"]),
    ("F46", &["never-answers"]),
    ("F47", &["error-shown-but-recorded"]),
    ("F48", &["stale-number"]),
    ("F49", &["search-empty-while-down"]),
    ("F50", &["status-lags(24)"]),
    ("F51", &["locks-after(2)"]),
];

/// The forms of a fault, the usual one first.
fn forms(id: &str) -> Option<&'static [&'static str]> {
    BOOK.iter().find(|(known, _)| *known == id).map(|(_, forms)| *forms)
}

/// Where the handlers of a payer have asked whether a fault fires: the name of what happens, and the logical steps. It
/// grows as pages are called, so that whoever walks through a portal learns from it what the portal can carry out where.
#[derive(Debug, Default)]
pub struct Asked {
    places: Mutex<BTreeMap<&'static str, BTreeSet<&'static str>>>,
}

impl Asked {
    /// Notes a question.
    pub fn note(&self, does: &'static str, step: &'static str) {
        lock(&self.places).entry(does).or_default().insert(step);
    }

    /// All questions so far.
    pub fn all(&self) -> BTreeMap<&'static str, BTreeSet<&'static str>> {
        lock(&self.places).clone()
    }
}

/// A fault that cannot be armed.
#[derive(Debug, thiserror::Error)]
pub enum CannotArm {
    /// Nobody knows it.
    #[error("there is no fault {0}")]
    Unknown(String),
    /// It means nothing at this payer.
    #[error("fault {id} does not apply here: {reason}")]
    DoesNotApply {
        /// The fault.
        id: String,
        /// Why not.
        reason: &'static str,
    },
}

impl Faults {
    /// No faults yet; `seed` decides chances, `without` names those that do not apply to the payer, with the reason.
    pub fn new(seed: u64, without: &'static [(&'static str, &'static str)]) -> Faults {
        Faults { asked: Arc::default(), seed, without, armed: Mutex::new(Vec::new()) }
    }

    /// Arms a fault.
    pub fn add(&self, mut fault: Fault) -> Result<(), CannotArm> {
        self.check(&fault.id)?;
        if fault.does.is_none() {
            let usual = forms(&fault.id).and_then(|forms| forms.first());
            fault.does = usual.map(|does| (*does).to_owned());
        }
        lock(&self.armed).push(Count { fault, matched: 0, fired: 0 });
        Ok(())
    }

    /// Is it a fault that applies to this payer?
    pub fn check(&self, id: &str) -> Result<(), CannotArm> {
        if forms(id).is_none() {
            return Err(CannotArm::Unknown(id.to_owned()));
        }
        match self.without.iter().find(|(known, _)| *known == id) {
            Some((_, reason)) => Err(CannotArm::DoesNotApply { id: id.to_owned(), reason }),
            None => Ok(()),
        }
    }

    /// Disarms all faults.
    pub fn clear(&self) {
        lock(&self.armed).clear();
    }

    /// All faults with their counts.
    pub fn counts(&self) -> Vec<Count> {
        lock(&self.armed).clone()
    }

    /// Faults that fire for a call; each counts the match.
    pub fn fire(&self, place: &Place<'_>) -> Vec<Fired> {
        let mut armed = lock(&self.armed);
        let mut fired = Vec::new();
        for count in armed.iter_mut() {
            if !count.fault.when.fits(place) {
                continue;
            }
            count.matched += 1;
            let left = count.fired < count.fault.times.unwrap_or(1);
            let when = &count.fault.when;
            let nth = when.nth.is_none_or(|nth| count.matched == nth);
            let drawn = when
                .chance
                .is_none_or(|chance| draw(self.seed, &count.fault.id, count.matched) < chance);
            if left && nth && drawn {
                count.fired += 1;
                fired.push(parse(&count.fault));
            }
        }
        fired
    }
}

impl When {
    fn fits(&self, place: &Place<'_>) -> bool {
        let same = |wanted: &Option<String>, is: Option<&str>| {
            wanted.as_deref().is_none_or(|wanted| is == Some(wanted))
        };
        self.step.as_deref().is_none_or(|step| step == place.step)
            && self.route.as_deref().is_none_or(|route| place.route.contains(route))
            && same(&self.account, place.account)
            && same(&self.member, place.member)
            && self.sim_between.is_none_or(|(from, to)| place.now >= from && place.now < to)
    }
}

fn parse(fault: &Fault) -> Fired {
    let does = fault.does.clone().unwrap_or_default();
    let (name, argument) = match does.split_once('(') {
        Some((name, rest)) => (name.to_owned(), rest.trim_end_matches(')').parse().ok()),
        None => (does, None),
    };
    Fired { id: fault.id.clone(), does: name, argument }
}

/// A number in [0, 1) that depends on nothing but the seed, the fault and the ordinal of the match.
fn draw(seed: u64, id: &str, ordinal: u32) -> f64 {
    let hash = Sha256::digest(format!("{seed}/{id}/{ordinal}"));
    let four = [hash[0], hash[1], hash[2], hash[3]];
    f64::from(u32::from_be_bytes(four)) / (f64::from(u32::MAX) + 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place<'a>(step: &'a str, account: &'a str) -> Place<'a> {
        let now = "2026-03-02T14:00:00Z".parse().unwrap();
        Place {
            step,
            route: "POST apps api/service-reviews",
            account: Some(account),
            member: None,
            now,
        }
    }

    #[test]
    fn a_fault_fires_where_and_as_often_as_it_says() {
        let faults = Faults::new(7, &[("F15", "no codes by mail")]);
        let json =
            r#"{"id":"F05","when":{"step":"submit","nth":2,"account":"auto01","chance":1.0}}"#;
        faults.add(serde_json::from_str(json).unwrap()).unwrap();
        assert!(faults.fire(&place("w2", "auto01")).is_empty());
        assert!(faults.fire(&place("submit", "auto02")).is_empty());
        assert!(faults.fire(&place("submit", "auto01")).is_empty());
        let fired = faults.fire(&place("submit", "auto01"));
        assert_eq!(fired[0].does, "502-after-record");
        assert!(faults.fire(&place("submit", "auto01")).is_empty());
        assert_eq!((faults.counts()[0].matched, faults.counts()[0].fired), (3, 1));
        faults.clear();
        assert!(faults.counts().is_empty());
    }

    #[test]
    fn arguments_are_read_and_unknown_faults_refused() {
        let faults = Faults::new(7, &[("F15", "no codes by mail")]);
        faults.add(Fault::new("F08").doing("records-late(90)").times(2)).unwrap();
        for _ in 0..2 {
            assert_eq!(faults.fire(&place("submit", "auto01"))[0].argument, Some(90));
        }
        assert!(faults.fire(&place("submit", "auto01")).is_empty());
        assert!(matches!(faults.add(Fault::new("F99")), Err(CannotArm::Unknown(_))));
        let refused = faults.add(Fault::new("F15")).unwrap_err();
        assert_eq!(refused.to_string(), "fault F15 does not apply here: no codes by mail");
    }

    #[test]
    fn chance_depends_on_the_seed_alone() {
        let run = |seed| -> Vec<bool> {
            let faults = Faults::new(seed, &[]);
            let mut fault = Fault::new("F02").times(100);
            fault.when.chance = Some(0.5);
            faults.add(fault).unwrap();
            (0..40).map(|_| !faults.fire(&place("w1", "a")).is_empty()).collect()
        };
        assert_eq!(run(1), run(1));
        assert_ne!(run(1), run(2));
        let fired = run(1).iter().filter(|fired| **fired).count();
        assert!((8..=32).contains(&fired));
    }
}
