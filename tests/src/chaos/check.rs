//! The checker: the invariants of a submission, computed from what the payer received and recorded, from what the fleet answers and
//! from its audit. It believes nobody about themselves: the key of a request comes from the payer's own fields.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde_json::Value;

use super::{apart, key_of};

/// Everything that is judged, gathered after the last fault was healed.
#[derive(Debug, Clone, Default)]
pub struct Artefacts {
    /// Jobs the API accepted, and the key of each one's request.
    pub accepted: BTreeMap<String, String>,
    /// Jobs as the API tells them.
    pub jobs: Vec<Value>,
    /// Questions as the API tells them.
    pub exceptions: Vec<Value>,
    /// The payer's record.
    pub ledger: Vec<Value>,
    /// The audit, oldest first.
    pub audit: Vec<Value>,
    /// Whether the coordinator says that the audit's chain holds.
    pub audit_intact: bool,
    /// Evidence of committed intents.
    pub evidence: Vec<Kept>,
    /// Secrets and patient data found where they must not be.
    pub leaks: Vec<String>,
    /// Processes and folders that were left over.
    pub stray: Vec<String>,
    /// How long a job took after the last fault, without anybody's help, milliseconds.
    pub probe_ms: Option<u64>,
    /// What the database has lost on purpose.
    pub forgotten: Vec<Forgotten>,
    /// What the numbers of this fleet's members begin with; nothing where they are everybody's.
    pub mark: String,
    /// Origins at which this fleet's secrets may be typed.
    pub origins: Vec<String>,
    /// What was promised.
    pub promised: Promised,
}

/// A time of which the database knows nothing any more, since an older copy was put in its place: permits of that time are not in the
/// audit, so arrivals of that time are judged by what became of their request only.
#[derive(Debug, Clone, Copy)]
pub struct Forgotten {
    /// The newest moment that the copy knows.
    pub from: Timestamp,
    /// When the last permit of before had ended.
    pub to: Timestamp,
}

/// What the fleet promised for the run.
#[derive(Debug, Clone, Copy)]
pub struct Promised {
    /// From the permit to the moment after which nothing may leave, milliseconds.
    pub window_ms: i64,
    /// Calls at the payer at a time.
    pub open_max: u64,
    /// Longest time of the probe job, milliseconds.
    pub probe_max_ms: u64,
}

impl Default for Promised {
    fn default() -> Self {
        Self { window_ms: 11_000, open_max: 64, probe_max_ms: 60_000 }
    }
}

/// Evidence of one committed intent.
#[derive(Debug, Clone)]
pub struct Kept {
    /// The intent.
    pub intent: String,
    /// When the coordinator had the picture before.
    pub before: Option<Timestamp>,
    /// When it had the one after.
    pub after: Option<Timestamp>,
    /// Whether every byte is what its hash says.
    pub whole: bool,
}

/// A promise that was broken.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
pub struct Violation {
    /// Which invariant.
    pub invariant: &'static str,
    /// What was seen.
    pub seen: String,
}

/// Counts of a run.
#[derive(Debug, Clone, Copy, Default)]
pub struct Counts {
    /// Requests that were recorded more than once.
    pub double: usize,
    /// Jobs that were lost.
    pub lost: usize,
    /// Jobs that were in doubt at some time.
    pub in_doubt: usize,
    /// Jobs with a submission that met a fault.
    pub faulted: usize,
    /// Requests that arrived at the payer.
    pub received: usize,
}

/// A permit as the audit tells it.
struct Permit<'a> {
    intent: &'a str,
    job: &'a str,
    seq: u64,
    at: Timestamp,
    fence: i64,
}

struct Judge<'a> {
    of: &'a Artefacts,
    jobs: BTreeMap<&'a str, &'a Value>,
    permits: Vec<Permit<'a>>,
    found: BTreeSet<Violation>,
}

/// All violations of a run, none when it kept every promise.
pub fn check(of: &Artefacts) -> Vec<Violation> {
    let jobs = of.jobs.iter().filter_map(|job| Some((job["id"].as_str()?, job))).collect();
    let permits = of.audit.iter().filter(|e| e["act"] == "permit.issued").filter_map(permit);
    let mut judge = Judge { of, jobs, permits: permits.collect(), found: BTreeSet::new() };
    judge.nothing_lost();
    judge.nothing_twice();
    judge.one_request_for_each_permit();
    judge.no_phantom();
    judge.nothing_silent();
    judge.evidence();
    judge.audit();
    judge.fences();
    judge.around();
    judge.found.extend(apart::broken(of));
    judge.found.into_iter().collect()
}

fn permit(entry: &Value) -> Option<Permit<'_>> {
    Some(Permit {
        intent: entry["subject"].as_str()?,
        job: entry["detail"]["job"].as_str()?,
        seq: entry["seq"].as_u64()?,
        at: entry["at"].as_str()?.parse().ok()?,
        fence: entry["detail"]["fence"].as_i64()?,
    })
}

fn at(entry: &Value) -> Timestamp {
    entry["real_at"].as_str().and_then(|at| at.parse().ok()).unwrap_or(Timestamp::UNIX_EPOCH)
}

fn ms_between(earlier: Timestamp, later: Timestamp) -> i64 {
    later.as_millisecond() - earlier.as_millisecond()
}

impl<'a> Judge<'a> {
    fn broken(&mut self, invariant: &'static str, seen: String) {
        self.found.insert(Violation { invariant, seen });
    }

    fn of_kind(&self, kind: &'a str) -> impl Iterator<Item = &'a Value> + use<'a> {
        let of = self.of;
        // What is another fleet's is I-12's to tell.
        of.ledger.iter().filter(move |entry| entry["kind"] == kind && !apart::foreign(of, entry))
    }

    fn recorded(&self) -> Vec<&'a Value> {
        self.of_kind("submit_committed").filter(|entry| entry["effect"] == true).collect()
    }

    fn with_key(&self, key: &str) -> Vec<&'a str> {
        let of = self.of;
        of.accepted.iter().filter(|(_, of)| *of == key).map(|(job, _)| job.as_str()).collect()
    }

    fn state(&self, job: &str) -> &'a str {
        self.jobs.get(job).and_then(|job| job["state"].as_str()).unwrap_or("missing")
    }

    /// I-1: every accepted job has an answer, or a person is asked.
    fn nothing_lost(&mut self) {
        let of = self.of;
        for job in of.accepted.keys() {
            let asked = of.exceptions.iter().any(|e| {
                e["job"] == job.as_str()
                    && ["open", "claimed", "seconding"]
                        .contains(&e["state"].as_str().unwrap_or_default())
            });
            match self.state(job) {
                "done" => {}
                "waiting" if asked => {}
                state => self.broken("I-1", format!("{job} is {state} and nobody is asked")),
            }
        }
    }

    /// I-2: a request is recorded once.
    fn nothing_twice(&mut self) {
        let mut by_key: BTreeMap<String, u32> = BTreeMap::new();
        for entry in self.recorded() {
            *by_key.entry(key_of(&entry["fields"])).or_default() += 1;
        }
        for (key, times) in by_key {
            if times > 1 {
                self.broken("I-2", format!("{} is on record {times} times", hidden(&key)));
            }
        }
    }

    /// I-2, the other half: every arrival has a permit of its own, inside the permit's window; and a second permit for a request comes
    /// only after the first was given back, proved absent, or given up by a person.
    fn one_request_for_each_permit(&mut self) {
        let mut used: BTreeMap<String, u64> = BTreeMap::new();
        for entry in self.of_kind("submit_received") {
            let (key, when) = (key_of(&entry["fields"]), at(entry));
            let seq = entry["seq"].as_u64().unwrap_or_default();
            let jobs = self.with_key(&key);
            let window = self.of.promised.window_ms;
            let fits = self.permits.iter().rev().find(|p| {
                let age = ms_between(p.at, when);
                // The audit keeps whole milliseconds.
                jobs.contains(&p.job) && (-1..=window).contains(&age)
            });
            let forgotten = |of: &Forgotten| of.from <= when && when <= of.to;
            match fits.map(|p| p.intent.to_owned()) {
                None if self.of.forgotten.iter().any(forgotten) => {}
                None => self.broken("I-2", format!("arrival {seq} has no permit in force")),
                Some(intent) => {
                    if let Some(other) = used.insert(intent.clone(), seq) {
                        self.broken("I-2", format!("{intent} carried arrivals {other} and {seq}"));
                    }
                }
            }
        }
        let mut again = Vec::new();
        for key in self.of.accepted.values().collect::<BTreeSet<_>>() {
            let jobs = self.with_key(key);
            let of: Vec<&Permit<'_>> =
                self.permits.iter().filter(|p| jobs.contains(&p.job)).collect();
            for pair in of.windows(2) {
                let released = self.of.audit.iter().any(|e| {
                    e["subject"] == pair[0].intent
                        && e["seq"].as_u64().is_some_and(|s| pair[0].seq < s && s < pair[1].seq)
                        && [
                            "submit.absent",
                            "permit.not_clicked",
                            "submit.declared_absent",
                            "submit.not_sent",
                        ]
                        .contains(&e["act"].as_str().unwrap_or_default())
                });
                if !released {
                    again.push(format!("{} follows {} unreleased", pair[1].intent, pair[0].intent));
                }
            }
        }
        for seen in again {
            self.broken("I-2", seen);
        }
    }

    /// I-3: an answer has its record, with its number.
    fn no_phantom(&mut self) {
        let recorded = self.recorded();
        for (job, key) in &self.of.accepted {
            if self.state(job) != "done" {
                continue;
            }
            let said: Vec<&str> = self.jobs[job.as_str()]["outcome"]["references"]
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(|r| r["value"].as_str())
                .collect();
            let known = recorded.iter().filter(|e| key_of(&e["fields"]) == *key).any(|entry| {
                let numbers = entry["numbers"].as_array().into_iter().flatten();
                numbers.filter_map(|n| n["value"].as_str()).any(|n| said.contains(&n))
            });
            if !known {
                self.broken("I-3", format!("{job} is done with a number that is not on record"));
            }
        }
    }

    /// I-4: what is on record belongs to a job that knows, or asks.
    fn nothing_silent(&mut self) {
        for entry in self.recorded() {
            let jobs = self.with_key(&key_of(&entry["fields"]));
            let knows =
                jobs.iter().any(|job| ["done", "in_doubt", "waiting"].contains(&self.state(job)));
            // A job that is lost besides is I-1's.
            let lost = jobs.iter().any(|job| ["missing", "leased"].contains(&self.state(job)));
            if !knows && !lost {
                self.broken("I-4", format!("record {} belongs to nobody who knows", entry["seq"]));
            }
        }
    }

    /// I-5: what is committed has its evidence before and after, whole, around the moment of the record.
    fn evidence(&mut self) {
        let of = self.of;
        for kept in &of.evidence {
            let job = self.permits.iter().find(|p| p.intent == kept.intent).map(|p| p.job);
            let key = job.and_then(|job| of.accepted.get(job));
            let recorded = self.recorded();
            let entry = recorded.iter().find(|e| Some(&key_of(&e["fields"])) == key);
            let (Some(before), Some(after), true) = (kept.before, kept.after, kept.whole) else {
                self.broken("I-5", format!("{} lacks whole evidence", kept.intent));
                continue;
            };
            if let Some(entry) = entry
                && !(before <= at(entry) && ms_between(at(entry), after) >= -1)
            {
                self.broken("I-5", format!("{}: evidence is not around its record", kept.intent));
            }
        }
    }

    /// I-6: the audit is whole, without gaps, and tells the end of every permit that carried a request.
    fn audit(&mut self) {
        if !self.of.audit_intact {
            self.broken("I-6", "the chain of hashes does not hold".to_owned());
        }
        let seqs: Vec<u64> = self.of.audit.iter().filter_map(|e| e["seq"].as_u64()).collect();
        if let Some(gap) = seqs.windows(2).find(|pair| pair[1] != pair[0] + 1) {
            self.broken("I-6", format!("no entry between {} and {}", gap[0], gap[1]));
        }
        let open: Vec<String> = self
            .permits
            .iter()
            .filter(|p| self.state(p.job) == "done")
            .filter(|p| {
                !self.of.audit.iter().any(|e| {
                    e["subject"] == p.intent && e["seq"].as_u64().is_some_and(|seq| seq > p.seq)
                })
            })
            .map(|p| format!("the end of {} is not told", p.intent))
            .collect();
        for seen in open {
            self.broken("I-6", seen);
        }
    }

    /// I-7: fences of a job only rise.
    fn fences(&mut self) {
        let mut last: BTreeMap<&str, i64> = BTreeMap::new();
        let mut fallen = Vec::new();
        for permit in &self.permits {
            if last.insert(permit.job, permit.fence).is_some_and(|before| permit.fence < before) {
                fallen.push(format!("the fence of {} fell to {}", permit.job, permit.fence));
            }
        }
        for seen in fallen {
            self.broken("I-7", seen);
        }
    }

    /// I-8, I-10, I-11 and I-13.
    fn around(&mut self) {
        let of = self.of;
        for leak in &of.leaks {
            self.broken("I-8", leak.clone());
        }
        for stray in &of.stray {
            self.broken("I-10", stray.clone());
        }
        if of.probe_ms.is_none_or(|ms| ms > of.promised.probe_max_ms) {
            self.broken("I-11", format!("the probe took {:?} ms", of.probe_ms));
        }
        for entry in self.of_kind("submit_received") {
            if entry["open"].as_u64().is_some_and(|open| open > of.promised.open_max) {
                self.broken(
                    "I-13",
                    format!("arrival {}: {} at a time", entry["seq"], entry["open"]),
                );
            }
        }
    }
}

/// A key names a member: reports name it by the end of its hash.
fn hidden(key: &str) -> String {
    let hash = crate::ledger::fields_hash(&Value::String(key.to_owned()));
    format!("request {}", &hash[..12])
}

/// What the run was about, in numbers.
pub fn counts(of: &Artefacts, found: &[Violation]) -> Counts {
    let touched = |act: &str| -> BTreeSet<&str> {
        let entries = of.audit.iter().filter(|e| e["act"] == act);
        entries.filter_map(|e| e["detail"]["job"].as_str().or(e["subject"].as_str())).collect()
    };
    let doubts = touched("submit.in_doubt");
    let mut faulted: BTreeSet<&str> = touched("lease.expired");
    faulted.extend(&doubts);
    faulted.extend(touched("permit.not_clicked"));
    let upset: BTreeSet<u64> = of
        .ledger
        .iter()
        .filter(|e| e["kind"] == "fault_fired")
        .filter_map(|e| e["received_seq"].as_u64())
        .collect();
    let arrivals = of.ledger.iter().filter(|e| e["kind"] == "submit_received");
    for entry in arrivals.clone().filter(|e| e["seq"].as_u64().is_some_and(|s| upset.contains(&s)))
    {
        let key = key_of(&entry["fields"]);
        let jobs = of.accepted.iter().filter(|(_, of)| **of == key);
        faulted.extend(jobs.map(|(job, _)| job.as_str()));
    }
    Counts {
        double: found.iter().filter(|v| v.seen.contains("on record")).count(),
        lost: found.iter().filter(|v| v.invariant == "I-1").count(),
        in_doubt: doubts.len(),
        faulted: faulted.len(),
        received: arrivals.count(),
    }
}

/// Milliseconds from the end of a lease that was lost to the answer of its job, and from a doubt to its end.
pub fn recoveries(of: &Artefacts) -> (Vec<u64>, Vec<u64>) {
    let mut lost: BTreeMap<&str, Timestamp> = BTreeMap::new();
    let mut doubt: BTreeMap<&str, Timestamp> = BTreeMap::new();
    let (mut recovered, mut settled) = (Vec::new(), Vec::new());
    let span = |from: Timestamp, to: Timestamp| u64::try_from(ms_between(from, to)).unwrap_or(0);
    for entry in &of.audit {
        let Some(when) = entry["at"].as_str().and_then(|at| at.parse().ok()) else { continue };
        let (subject, job) = (entry["subject"].as_str(), entry["detail"]["job"].as_str());
        match entry["act"].as_str().unwrap_or_default() {
            "lease.expired" => {
                lost.extend(subject.map(|job| (job, when)));
            }
            "attempt.ended" => {
                if let Some(began) = job.and_then(|job| lost.remove(job)) {
                    recovered.push(span(began, when));
                }
            }
            "submit.in_doubt" => {
                if let Some(job) = job {
                    doubt.entry(job).or_insert(when);
                }
            }
            "submit.committed" | "submit.absent" | "submit.not_sent" => {
                if let Some(began) = job.and_then(|job| doubt.remove(job)) {
                    settled.push(span(began, when));
                }
            }
            _ => {}
        }
    }
    (recovered, settled)
}
