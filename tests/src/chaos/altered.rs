//! The checker is judged first: a clean run's artefacts are altered one by one, and each alteration raises exactly its invariant.
#![cfg(test)]

use serde_json::{Value, json};

use super::{
    check::{Artefacts, Forgotten, Kept, check, counts, recoveries},
    key_of,
};

fn fields(code: &str) -> Value {
    json!({"memberId": "M1", "requestingNpi": "1", "lines": [{"code": code, "units": 1, "from": "2026-12-01"}]})
}

fn moment(ms: u32) -> String {
    format!("2026-11-01T10:00:{:02}.{:03}Z", ms / 1000, ms % 1000)
}

fn received(seq: u64, at: u32, code: &str) -> Value {
    json!({"seq": seq, "real_at": moment(at), "kind": "submit_received", "open": 1, "fields": fields(code)})
}

fn recorded(seq: u64, at: u32, code: &str, of: u64, number: &str) -> Value {
    json!({"seq": seq, "real_at": moment(at), "kind": "submit_committed", "effect": true, "received_seq": of,
           "numbers": [{"kind": "tracking", "value": number}], "fields": fields(code)})
}

fn audited(seq: u64, at: u32, act: &str, subject: &str, detail: Value) -> Value {
    json!({"seq": seq, "at": moment(at), "act": act, "subject": subject, "detail": detail})
}

fn released(seq: u64, origin: &str) -> Value {
    let detail = json!({"alias": "password", "job": "job_a", "origin": origin});
    audited(seq, 46_000, "secret.released", "lse_a", detail)
}

fn signed_in(seq: u64) -> Value {
    json!({"seq": seq, "real_at": moment(46_100), "kind": "login", "result": "ok", "origin": "fleet"})
}

/// Three jobs: one went well; one was sent, lost, proved absent and sent again; one was recorded and is with a person.
fn clean() -> Artefacts {
    let key = |code: &str| key_of(&fields(code));
    let done = |job: &str, number: &str| json!({"id": job, "state": "done", "outcome": {"references": [{"value": number}]}});
    let kept = |intent: &str, from: u32, to: u32| Kept {
        intent: intent.to_owned(),
        before: moment(from).parse().ok(),
        after: moment(to).parse().ok(),
        whole: true,
    };
    let permit = |job: &str, fence: i64| json!({"job": job, "fence": fence});
    Artefacts {
        accepted: [("job_a", "A"), ("job_b", "B"), ("job_c", "C")]
            .map(|(job, code)| (job.to_owned(), key(code)))
            .into(),
        jobs: vec![
            done("job_a", "N1"),
            done("job_b", "N2"),
            json!({"id": "job_c", "state": "waiting"}),
        ],
        exceptions: vec![json!({"job": "job_c", "state": "open"})],
        ledger: vec![
            received(1, 1_100, "A"),
            recorded(2, 1_150, "A", 1, "N1"),
            received(3, 2_100, "B"),
            json!({"seq": 4, "kind": "fault_fired", "do": "cut-before-record", "received_seq": 3}),
            received(5, 30_100, "B"),
            recorded(6, 30_150, "B", 5, "N2"),
            received(7, 40_100, "C"),
            recorded(8, 40_150, "C", 7, "N3"),
            signed_in(20),
            signed_in(21),
        ],
        audit: vec![
            audited(1, 1_000, "permit.issued", "int_a", permit("job_a", 1)),
            audited(2, 1_300, "submit.committed", "int_a", permit("job_a", 1)),
            audited(3, 2_000, "permit.issued", "int_b1", permit("job_b", 1)),
            audited(4, 5_000, "lease.expired", "job_b", json!({})),
            audited(5, 5_001, "submit.in_doubt", "int_b1", json!({"job": "job_b"})),
            audited(6, 29_000, "submit.absent", "int_b1", json!({"job": "job_b"})),
            audited(7, 30_000, "permit.issued", "int_b2", permit("job_b", 3)),
            audited(8, 30_300, "submit.committed", "int_b2", json!({"job": "job_b"})),
            audited(9, 30_301, "attempt.ended", "att_b", json!({"job": "job_b"})),
            audited(10, 40_000, "permit.issued", "int_c", permit("job_c", 1)),
            audited(11, 45_000, "submit.in_doubt", "int_c", json!({"job": "job_c"})),
            released(12, "https://payer.test"),
            released(13, "https://payer.test"),
        ],
        mark: "M".to_owned(),
        origins: vec!["https://payer.test".to_owned()],
        audit_intact: true,
        evidence: vec![kept("int_a", 900, 1_200), kept("int_b2", 29_900, 30_200)],
        probe_ms: Some(900),
        ..Artefacts::default()
    }
}

type Alter = fn(&mut Artefacts);

fn ledger(of: &mut Artefacts, seq: u64) -> &mut Value {
    of.ledger.iter_mut().find(|e| e["seq"] == seq).expect("the line is there")
}

fn job<'a>(of: &'a mut Artefacts, id: &str) -> &'a mut Value {
    of.jobs.iter_mut().find(|j| j["id"] == id).expect("the job is there")
}

/// The audit without one entry, numbered anew: a chain that somebody rewrote.
fn without(of: &mut Artefacts, seq: u64) {
    of.audit.retain(|e| e["seq"] != seq);
    for (number, entry) in of.audit.iter_mut().enumerate() {
        entry["seq"] = json!(number + 1);
    }
}

const ALTERED: &[(&str, &str, Alter)] = &[
    ("a job is forgotten", "I-1", |a| a.jobs.retain(|j| j["id"] != "job_c")),
    ("a job stays leased", "I-1", |a| job(a, "job_b")["state"] = json!("leased")),
    ("nobody is asked", "I-1", |a| a.exceptions.clear()),
    ("the question is closed", "I-1", |a| a.exceptions[0]["state"] = json!("resolved")),
    ("the question is another job's", "I-1", |a| a.exceptions[0]["job"] = json!("job_x")),
    ("an accepted job never was", "I-1", |a| {
        a.accepted.insert("job_d".to_owned(), "nobody".to_owned());
    }),
    ("recorded twice", "I-2", |a| a.ledger.push(recorded(9, 1_160, "A", 1, "N9"))),
    ("recorded twice under the same number", "I-2", |a| {
        a.ledger.push(recorded(9, 1_160, "A", 1, "N1"))
    }),
    ("arrived twice under one permit", "I-2", |a| a.ledger.push(received(9, 1_200, "A"))),
    ("arrived before its permit", "I-2", |a| ledger(a, 1)["real_at"] = json!(moment(990))),
    ("arrived after the window", "I-2", |a| ledger(a, 7)["real_at"] = json!(moment(55_000))),
    ("arrived without any permit", "I-2", |a| without(a, 10)),
    ("sent again without absence", "I-2", |a| without(a, 6)),
    ("absence came after the second permit", "I-2", |a| {
        let absent = a.audit.remove(5);
        a.audit.insert(6, absent);
        for (number, entry) in a.audit.iter_mut().enumerate() {
            entry["seq"] = json!(number + 1);
        }
    }),
    ("absence of another intent", "I-2", |a| a.audit[5]["subject"] = json!("int_a")),
    ("a request nobody asked for arrives", "I-2", |a| a.ledger.push(received(9, 1_200, "Z"))),
    ("no record", "I-3", |a| a.ledger.retain(|e| e["seq"] != 2)),
    ("recorded without effect", "I-3", |a| ledger(a, 2)["effect"] = json!(false)),
    ("another number", "I-3", |a| {
        job(a, "job_a")["outcome"]["references"][0]["value"] = json!("N8");
    }),
    ("numbers are swapped", "I-3", |a| {
        job(a, "job_a")["outcome"]["references"][0]["value"] = json!("N2");
        job(a, "job_b")["outcome"]["references"][0]["value"] = json!("N1");
    }),
    ("no number at all", "I-3", |a| job(a, "job_a")["outcome"]["references"] = json!([])),
    ("the payer's number is gone", "I-3", |a| ledger(a, 6)["numbers"] = json!([])),
    ("a record of nobody", "I-4", |a| a.ledger.push(recorded(9, 1_160, "Z", 1, "N9"))),
    ("no evidence before", "I-5", |a| a.evidence[0].before = None),
    ("no evidence after", "I-5", |a| a.evidence[1].after = None),
    ("evidence that changed", "I-5", |a| a.evidence[0].whole = false),
    ("evidence before that came after", "I-5", |a| {
        a.evidence[0].before = moment(1_190).parse().ok()
    }),
    ("evidence after that came before", "I-5", |a| {
        a.evidence[1].after = moment(30_000).parse().ok()
    }),
    ("evidence of an hour ago", "I-5", |a| a.evidence[0].after = moment(1).parse().ok()),
    ("the chain is broken", "I-6", |a| a.audit_intact = false),
    ("an entry is missing", "I-6", |a| a.audit.retain(|e| e["seq"] != 9)),
    ("an entry is doubled", "I-6", |a| {
        let again = a.audit[8].clone();
        a.audit.insert(8, again);
    }),
    ("the commit is not told", "I-6", |a| without(a, 2)),
    ("the end is told before the permit", "I-6", |a| a.audit[1]["subject"] = json!("int_x")),
    ("a fence falls", "I-7", |a| a.audit[6]["detail"]["fence"] = json!(0)),
    ("a member's name in a log", "I-8", |a| {
        a.leaks.push("coordinator.log names a member".to_owned())
    }),
    ("a secret for another origin", "I-9", |a| {
        a.audit[11]["detail"]["origin"] = json!("https://payer.test.elsewhere.test");
    }),
    ("a secret for nobody knows where", "I-9", |a| {
        a.audit[11]["detail"].as_object_mut().expect("a detail").remove("origin");
    }),
    ("a secret six times for one lease", "I-9", |a| {
        a.audit.extend((14..18).map(|seq| released(seq, "https://payer.test")));
    }),
    ("a sign-in without a password", "I-9", |a| a.ledger.push(signed_in(22))),
    ("a secret where none is used", "I-9", |a| a.origins.clear()),
    ("a member of another fleet arrives", "I-12", |a| {
        let mut other = received(9, 1_200, "A");
        other["fields"]["memberId"] = json!("X1");
        a.ledger.push(other);
    }),
    ("a member of another fleet is recorded", "I-12", |a| {
        let mut other = recorded(9, 1_200, "A", 1, "N9");
        other["fields"]["memberId"] = json!("X1");
        a.ledger.push(other);
    }),
    ("a browser is left", "I-10", |a| a.stray.push("process 4711".to_owned())),
    ("a folder is left", "I-10", |a| a.stray.push("a browser's folder".to_owned())),
    ("the probe never ended", "I-11", |a| a.probe_ms = None),
    ("the probe took two minutes", "I-11", |a| a.probe_ms = Some(120_000)),
    ("too many at a time", "I-13", |a| ledger(a, 5)["open"] = json!(65)),
];

#[test]
fn a_clean_run_is_clean() {
    let of = clean();
    assert_eq!(check(&of), []);
    let counts = counts(&of, &[]);
    assert_eq!((counts.received, counts.in_doubt, counts.double, counts.lost), (4, 2, 0, 0));
    assert_eq!(counts.faulted, 2, "one was upset and lost, one in doubt: {counts:?}");
    assert_eq!(recoveries(&of), (vec![25_301], vec![23_999]));
}

#[test]
fn every_alteration_raises_exactly_its_invariant() {
    assert!(ALTERED.len() >= 40, "{} alterations", ALTERED.len());
    for (name, invariant, alter) in ALTERED {
        let mut of = clean();
        alter(&mut of);
        let found = check(&of);
        let kinds: Vec<&str> = found.iter().map(|v| v.invariant).collect();
        assert!(!kinds.is_empty(), "{name}: nothing was seen");
        assert!(kinds.iter().all(|k| k == invariant), "{name}: {found:?}");
    }
}

#[test]
fn what_the_database_has_lost_on_purpose_needs_no_permit_but_is_recorded_once_all_the_same() {
    let known = |at: u32| moment(at).parse().expect("a moment");
    let mut of = clean();
    of.ledger.push(received(9, 50_100, "A"));
    of.forgotten.push(Forgotten { from: known(50_000), to: known(51_000) });
    assert_eq!(check(&of), []);
    let mut later = of.clone();
    later.ledger.push(received(10, 51_100, "A"));
    assert!(check(&later).iter().all(|v| v.invariant == "I-2") && !check(&later).is_empty());
    of.ledger.push(recorded(10, 50_150, "A", 9, "N9"));
    assert!(check(&of).iter().all(|v| v.invariant == "I-2") && !check(&of).is_empty());
}

#[test]
fn what_is_told_names_no_member() {
    let mut of = clean();
    of.ledger.push(recorded(9, 1_160, "A", 1, "N9"));
    assert!(check(&of).iter().all(|v| !v.seen.contains("M1")));
}
