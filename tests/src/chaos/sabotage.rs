//! Defects put in on purpose, one at a time, and the row that must see each: a safety check that was never seen failing proves nothing.
//! Those that another test catches are named with that test.

use std::{fmt::Write as _, path::Path};

use anyhow::{Context as _, Result, bail};

use super::rows::{self, seed_of};

/// A defect that the rows catch.
struct Defect {
    id: &'static str,
    what: &'static str,
    /// Its name for agent and coordinator (feature `faults`).
    name: &'static str,
    /// The row that must see it, and how many waves of it.
    row: (&'static str, u32),
    /// The invariants it endangers: only what breaks one of them has seen it.
    by: &'static [&'static str],
}

const fn defect(
    id: &'static str,
    what: &'static str,
    name: &'static str,
    row: (&'static str, u32),
    by: &'static [&'static str],
) -> Defect {
    Defect { id, what, name, row, by }
}

const DEFECTS: [Defect; 11] = [
    defect("SB-1", "no check of the fence", "no-fence", ("X-11", 6), &["I-2", "I-3", "I-6", "I-7"]),
    defect("SB-2", "a click before the intent", "click-before-intent", ("X-15", 2), &["I-2"]),
    defect(
        "SB-3",
        "the intent is not synced",
        "not-synced",
        ("X-05", 6),
        &["I-1", "I-2", "I-3", "I-4", "D-6"],
    ),
    defect(
        "SB-5",
        "a second request after a time-out, without a look",
        "retry-on-timeout",
        ("X-15", 2),
        &["I-2"],
    ),
    defect("SB-7", "evidence after the commit", "evidence-after-commit", ("X-15", 1), &["I-5"]),
    defect(
        "SB-8",
        "the audit after the answer",
        "audit-after-answer",
        ("X-02", 6),
        &["I-2", "I-6"],
    ),
    defect(
        "SB-9",
        "the audit's hash leaves a field out",
        "audit-hash-skips-the-act",
        ("X-10", 5),
        &["I-6"],
    ),
    defect(
        "SB-17",
        "statements of the database in the log",
        "statements-in-the-log",
        ("X-19", 1),
        &["I-8"],
    ),
    defect(
        "SB-18",
        "the request's key without its days",
        "key-without-days",
        ("X-16", 2),
        &["I-1"],
    ),
    defect(
        "SB-21",
        "any empty page as absence",
        "any-empty-page-is-absence",
        ("X-15", 3),
        &["I-2"],
    ),
    defect("SB-24", "a permit that never ends", "permit-never-ends", ("X-17", 6), &["I-2"]),
];

/// Defects that another test catches, and which.
const ELSEWHERE: [(&str, &str, &str); 14] = [
    (
        "SB-4",
        "a permit that can be used again",
        "`--test store`: a_hundred_asks_get_one_permit; `--test browser`: keeper, which puts it in",
    ),
    (
        "SB-6",
        "leases by the agent's clock",
        "no time of day crosses the wire; X-11 runs agents that are an hour off",
    ),
    ("SB-10", "an origin that only contains the listed one", "only_the_very_origin_opens_the_door"),
    (
        "SB-11",
        "the origin is looked at before typing only",
        "`--test engine`: a_page_that_leaves_for_another_host_while_a_secret_is_typed_ends_there",
    ),
    (
        "SB-12",
        "errors of certificates are ignored",
        "`--test e2e`: a_certificate_nobody_trusts_ends_it_before_any_secret; `--test browser`: tls",
    ),
    (
        "SB-13",
        "a browser's profile that several accounts share",
        "`--test browser`: what_is_not_kept_apart_is_seen, which puts it in",
    ),
    ("SB-14", "a seal without its record", "opens_only_where_it_was_sealed_and_under_its_key"),
    ("SB-15", "a nonce used twice", "the_structure_is_the_written_one_and_never_repeats"),
    (
        "SB-16",
        "loopback reached past the browser's proxy",
        "`--test browser`: what_is_not_kept_apart_is_seen, which puts it in",
    ),
    ("SB-19", "no submit gate", "`--test browser`: a_broken_gate_is_caught, which puts it in"),
    (
        "SB-20",
        "the latch after the click",
        "`--test engine`: commits, which puts it in; `--test e2e`: crash",
    ),
    (
        "SB-22",
        "a quiet period shorter than the record delay",
        "the model: a_quiet_period_shorter_than_the_record_delay_is_seen; `--test store`: absence_needs_two_looks_and_a_quiet_time",
    ),
    (
        "SB-23",
        "logins counted after their success",
        "`--test store`: logins_are_counted_before_they_are_tried",
    ),
    (
        "SB-25",
        "other requests pass while armed",
        "`--test browser`: a_broken_gate_is_caught, which puts it in",
    ),
];

/// Seeds until a defect counts as not caught.
const SEEDS: u32 = 10;

/// What became of a defect.
enum Ended {
    /// Seen after so many seeds, by what.
    Caught(u32, String),
    /// Never seen; what else was broken, if anything was.
    NotCaught(Option<String>),
    /// A run of it came to no end, and no other saw it: that says nothing of the defect.
    BrokeDown(String),
}

/// The first of these broken promises that is one of the invariants a defect endangers.
fn seen_by<'v>(by: &[&str], violations: &'v [String]) -> Option<&'v String> {
    let invariant = |seen: &&String| seen.split(':').next().is_some_and(|one| by.contains(&one));
    violations.iter().find(invariant)
}

async fn put_in(defect: &Defect, out: &Path, seed: u64) -> Result<Ended> {
    let (row, waves) = defect.row;
    let row = rows::find(row).context("the row is there")?;
    let (mut besides, mut broke_down) = (None, None);
    for number in 0..SEEDS {
        let seed = seed_of(seed ^ 0x5AB0, &row, number);
        let root = out.join("fleets").join(format!("{}-{number}", defect.id));
        let ended = rows::batch(&row, &root, seed, waves, Some(defect.name)).await;
        rows::clear(&root);
        match ended {
            Ok(batch) => {
                if let Some(seen) = seen_by(defect.by, &batch.violations) {
                    return Ok(Ended::Caught(number + 1, seen.clone()));
                }
                besides = besides.or(batch.violations.into_iter().next());
            }
            Err(why) => broke_down = broke_down.or(Some(format!("{why:#}"))),
        }
    }
    Ok(broke_down.map_or(Ended::NotCaught(besides), Ended::BrokeDown))
}

/// Puts each defect in, or those of these rows or names, and writes `sabotage.md`; whether all were caught.
///
/// # Errors
/// A run came to no end: whether its defect would have been seen is not known. The others are run all the same.
pub async fn run(out: &Path, seed: u64, wanted: &[String]) -> Result<bool> {
    let mut table =
        String::from("| defect | what | where | caught after | by |\n|---|---|---|---|---|\n");
    let (mut all, mut broke_down) = (true, Vec::new());
    let is = |of: &Defect| wanted.iter().any(|one| one == of.row.0 || one == of.id);
    for defect in DEFECTS.iter().filter(|defect| wanted.is_empty() || is(defect)) {
        let ended = put_in(defect, out, seed).await?;
        let (after, by) = match &ended {
            Ended::Caught(1, by) => ("1 seed".to_owned(), by.as_str()),
            Ended::Caught(seeds, by) => (format!("{seeds} seeds"), by.as_str()),
            Ended::NotCaught(besides) => {
                ("not caught".to_owned(), besides.as_deref().unwrap_or("-"))
            }
            Ended::BrokeDown(why) => ("not known".to_owned(), why.as_str()),
        };
        all &= matches!(ended, Ended::Caught(..));
        tell(&format!("{} {}: {after} ({by})", defect.id, defect.what));
        let by = match &ended {
            Ended::Caught(_, by) => by.split(':').next().unwrap_or_default(),
            Ended::NotCaught(_) => "-",
            Ended::BrokeDown(_) => "the run came to no end",
        };
        let row = defect.row.0;
        writeln!(table, "| {} | {} | {row} | {after} | {by} |", defect.id, defect.what)?;
        if let Ended::BrokeDown(why) = ended {
            broke_down.push(format!("{}: {why}", defect.id));
        }
    }
    for (id, what, by) in ELSEWHERE {
        writeln!(table, "| {id} | {what} | another test | - | {by} |")?;
    }
    std::fs::write(out.join("sabotage.md"), table)?;
    if !broke_down.is_empty() {
        bail!("came to no end, which says nothing of the defect: {}", broke_down.join("; "));
    }
    Ok(all)
}

#[expect(clippy::print_stdout, reason = "what the program says")]
fn tell(line: &str) {
    println!("{line}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_defect_of_the_suite_is_told_once() {
        let elsewhere = ELSEWHERE.map(|e| e.0).into_iter();
        let mut ids: Vec<&str> = DEFECTS.iter().map(|d| d.id).chain(elsewhere).collect();
        ids.sort_unstable();
        let mut all: Vec<String> = (1..=25).map(|n| format!("SB-{n}")).collect();
        all.sort_unstable();
        assert_eq!(ids, all);
    }

    #[test]
    fn only_what_a_defect_endangers_has_seen_it() {
        let seen = |by: &[&str], violations: &[&str]| {
            let violations: Vec<String> = violations.iter().map(|v| (*v).to_owned()).collect();
            seen_by(by, &violations).cloned()
        };
        let found = ["I-11: the probe took None ms", "I-1: a job is lost", "I-2: twice"];
        assert_eq!(seen(&["I-2"], &found).as_deref(), Some("I-2: twice"));
        assert_eq!(seen(&["I-1"], &found).as_deref(), Some("I-1: a job is lost"));
        assert_eq!(seen(&["I-5", "I-6"], &found), None, "broken down otherwise, and not seen");
        assert_eq!(seen(&["I-2"], &["run: the coordinator did not start"]), None);
        assert!(DEFECTS.iter().all(|defect| !defect.by.is_empty()));
    }
}
