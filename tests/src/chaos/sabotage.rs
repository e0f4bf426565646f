//! Defects put in on purpose, one at a time, and the row that must see each: a safety check that was never seen failing proves nothing.
//! Those that another test catches are named with that test.

use std::{fmt::Write as _, path::Path};

use anyhow::{Context as _, Result};

use super::rows::{self, seed_of};

/// A defect that the rows catch.
struct Defect {
    id: &'static str,
    what: &'static str,
    /// Its name for agent and coordinator (feature `faults`).
    name: &'static str,
    row: &'static str,
    waves: u32,
}

const fn defect(
    id: &'static str,
    what: &'static str,
    name: &'static str,
    row: &'static str,
    waves: u32,
) -> Defect {
    Defect { id, what, name, row, waves }
}

const DEFECTS: [Defect; 10] = [
    defect("SB-1", "no check of the fence", "no-fence", "X-11", 6),
    defect("SB-2", "a click before the intent", "click-before-intent", "X-15", 2),
    defect("SB-3", "the intent is not synced", "not-synced", "X-05", 6),
    defect(
        "SB-5",
        "a second request after a time-out, without a look",
        "retry-on-timeout",
        "X-15",
        2,
    ),
    defect("SB-7", "evidence after the commit", "evidence-after-commit", "X-15", 1),
    defect("SB-8", "the audit after the answer", "audit-after-answer", "X-02", 6),
    defect("SB-9", "the audit's hash leaves a field out", "audit-hash-skips-the-act", "X-10", 5),
    defect("SB-18", "the request's key without its days", "key-without-days", "X-16", 2),
    defect("SB-21", "any empty page as absence", "any-empty-page-is-absence", "X-15", 3),
    defect("SB-24", "a permit that never ends", "permit-never-ends", "X-17", 6),
];

/// Defects that another test catches, and which.
const ELSEWHERE: [(&str, &str, &str); 12] = [
    (
        "SB-4",
        "a permit that can be used again",
        "`--test store`: a_hundred_asks_get_one_permit; `--test browser`: gate",
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
    ("SB-14", "a seal without its record", "opens_only_where_it_was_sealed_and_under_its_key"),
    ("SB-15", "a nonce used twice", "the_structure_is_the_written_one_and_never_repeats"),
    ("SB-19", "no submit gate", "`--test browser`: gate, resend"),
    (
        "SB-20",
        "the latch after the click",
        "`--test engine`: no_evidence_no_permit_and_no_latch_no_click; `--test e2e`: crash",
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
    ("SB-25", "other requests pass while armed", "`--test browser`: gate"),
];

/// Defects that nothing would catch so far.
const UNCAUGHT: [(&str, &str); 3] = [
    ("SB-13", "a browser's profile that several accounts share"),
    ("SB-16", "loopback reached past the browser's proxy"),
    ("SB-17", "statements of the database in the log"),
];

/// Seeds until a defect counts as not caught.
const SEEDS: u32 = 10;

/// Puts each defect in, or those of these rows, and writes `sabotage.md`; whether all were caught.
///
/// # Errors
/// A fleet cannot be started.
pub async fn run(out: &Path, seed: u64, rows: &[String]) -> Result<bool> {
    let mut table =
        String::from("| defect | what | where | caught after | by |\n|---|---|---|---|---|\n");
    let mut all = true;
    for defect in DEFECTS.iter().filter(|d| rows.is_empty() || rows.iter().any(|r| r == d.row)) {
        let row = rows::find(defect.row).context("the row is there")?;
        let mut caught = None;
        for number in 0..SEEDS {
            let seed = seed_of(seed ^ 0x5AB0, &row, number);
            let root = out.join("fleets").join(format!("{}-{number}", defect.id));
            let ended = rows::batch(&row, &root, seed, defect.waves, Some(defect.name)).await;
            rows::clear(&root);
            let first = match ended {
                Ok(batch) => batch.violations.into_iter().next(),
                Err(why) => Some(format!("run: {why:#}")),
            };
            if let Some(first) = first {
                caught = Some((number + 1, first));
                break;
            }
        }
        let (after, by) = match &caught {
            Some((1, by)) => ("1 seed".to_owned(), by.as_str()),
            Some((seeds, by)) => (format!("{seeds} seeds"), by.as_str()),
            None => ("not caught".to_owned(), "-"),
        };
        all &= caught.is_some();
        tell(&format!("{} {}: {after} ({by})", defect.id, defect.what));
        let by = by.split(':').next().unwrap_or_default();
        writeln!(table, "| {} | {} | {} | {after} | {by} |", defect.id, defect.what, defect.row)?;
    }
    for (id, what, by) in ELSEWHERE {
        writeln!(table, "| {id} | {what} | another test | - | {by} |")?;
    }
    for (id, what) in UNCAUGHT {
        writeln!(table, "| {id} | {what} | - | not caught | no test yet |")?;
    }
    std::fs::write(out.join("sabotage.md"), table)?;
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
        let elsewhere = ELSEWHERE.map(|e| e.0).into_iter().chain(UNCAUGHT.map(|u| u.0));
        let mut ids: Vec<&str> = DEFECTS.iter().map(|d| d.id).chain(elsewhere).collect();
        ids.sort_unstable();
        let mut all: Vec<String> = (1..=25).map(|n| format!("SB-{n}")).collect();
        all.sort_unstable();
        assert_eq!(ids, all);
    }
}
