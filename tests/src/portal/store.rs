//! The cases a simulated payer has: filed over any channel, moved on by the clock and by its reviewers.
//! Kept over restarts. Words shown to users are made by each payer's pages, not here.

mod case;

use std::{collections::HashMap, sync::Mutex};

use jiff::{SignedDuration, Timestamp, civil::Date};
use serde_json::Value;

use super::{
    decide::{self, Asked, LineStatus},
    journal::{Kept, lock},
};

pub use case::{Case, CaseLine, Document, FiledLine, Filing, Number, Told, opposite};

/// The cases of one payer.
pub struct Store {
    cases: Mutex<HashMap<String, Case>>,
}

/// Where a new case comes from.
#[derive(Clone, Debug)]
pub struct Filed<'a> {
    /// The payer's slug.
    pub payer: &'a str,
    /// The account.
    pub account: &'a str,
    /// `fleet` or `person`.
    pub origin: &'a str,
    /// The ledger line of its arrival.
    pub received_seq: u64,
    /// When.
    pub now: Timestamp,
    /// Imaging for the member is reviewed elsewhere.
    pub imaging_delegated: bool,
}

impl Store {
    /// The cases kept so far.
    pub fn open(kept: &Kept) -> Store {
        let cases = kept
            .starting("case/")
            .into_iter()
            .filter_map(|(_, value)| serde_json::from_value::<Case>(value).ok())
            .map(|case| (case.id.clone(), case))
            .collect();
        Store { cases: Mutex::new(cases) }
    }

    /// Makes a case of a filing and lets the rules decide its course; it is not kept until [`Store::put`].
    pub fn draw_up(&self, kept: &Kept, from: &Filed<'_>, filing: Filing, id: Number) -> Case {
        let asked = Asked {
            payer: from.payer,
            imaging_delegated: from.imaging_delegated,
            lines: filing.lines.iter().map(|line| (line.code.as_str(), line.units)).collect(),
            expedited: filing.expedited,
            six_weeks_of_therapy: filing.six_weeks_of_therapy,
            note_attached: !filing.documents.is_empty(),
        };
        let courses = decide::decide(&asked);
        let lines = filing.lines.iter().zip(courses).map(|(line, course)| CaseLine {
            code: line.code.clone(),
            units: line.units,
            from: line.from,
            to: line.to,
            status: LineStatus::Pended,
            granted: None,
            reason: None,
            text: None,
            rule: course.rule.to_owned(),
            course: course
                .changes
                .into_iter()
                .map(|change| (from.now + SignedDuration::from_secs(change.after_s), change))
                .collect(),
        });
        let lines = lines.collect();
        let mut case = Case {
            id: id.value.clone(),
            ordinal: kept.next("ordinal"),
            filing,
            account: from.account.to_owned(),
            origin: from.origin.to_owned(),
            numbers: vec![id],
            lines,
            received_at: from.now,
            recorded: true,
            record_at: None,
            received_seq: from.received_seq,
            valid_from: None,
            valid_to: None,
            wanted: Vec::new(),
            history: vec![(from.now, "Received".to_owned())],
            changed_at: from.now,
            pinned_by: Vec::new(),
            contradicted: Vec::new(),
            letter: None,
        };
        case.run_course(from.now);
        case
    }

    /// Keeps a case as it now is.
    pub fn put(&self, kept: &Kept, case: &Case) {
        let value: Value = serde_json::to_value(case).expect("plain data become JSON");
        kept.put(&format!("case/{}", case.id), value);
        lock(&self.cases).insert(case.id.clone(), case.clone());
    }

    /// The recorded case with this number, of any kind.
    pub fn find(&self, number: &str) -> Option<Case> {
        lock(&self.cases).values().find(|case| case.recorded && case.has_number(number)).cloned()
    }

    /// The case with this id, recorded or not.
    pub fn get(&self, id: &str) -> Option<Case> {
        lock(&self.cases).get(id).cloned()
    }

    /// All cases, recorded or not, by order of filing.
    pub fn all(&self) -> Vec<Case> {
        let mut cases: Vec<Case> = lock(&self.cases).values().cloned().collect();
        cases.sort_by_key(|case| case.ordinal);
        cases
    }

    /// Recorded cases of a member with a service day in a range, by order of filing.
    pub fn search(&self, member_id: &str, from: Option<Date>, to: Option<Date>) -> Vec<Case> {
        let mut found: Vec<Case> = lock(&self.cases)
            .values()
            .filter(|case| {
                let (first, last) = case.service_dates();
                case.recorded
                    && case.filing.member_id == member_id
                    && from.is_none_or(|from| last >= from)
                    && to.is_none_or(|to| first <= to)
            })
            .cloned()
            .collect();
        found.sort_by_key(|case| case.ordinal);
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filed(code: &str, units: u32) -> Filing {
        let day = Date::constant(2026, 3, 9);
        Filing {
            member_id: "W100000001".to_owned(),
            lines: vec![FiledLine { code: code.to_owned(), units, from: day, to: day }],
            ..Filing::default()
        }
    }

    fn from(now: Timestamp) -> Filed<'static> {
        Filed {
            payer: "crestline",
            account: "auto01",
            origin: "fleet",
            received_seq: 1,
            now,
            imaging_delegated: false,
        }
    }

    #[test]
    fn a_case_moves_on_with_the_clock_and_survives_a_restart() {
        let dir = tempfile::tempdir().unwrap();
        let now: Timestamp = "2026-03-02T14:00:00Z".parse().unwrap();
        {
            let kept = Kept::open(dir.path()).unwrap();
            let store = Store::open(&kept);
            let number = Number { kind: "tracking".to_owned(), value: "CL1".to_owned() };
            let case = store.draw_up(&kept, &from(now), filed("97110", 20), number);
            store.put(&kept, &case);
        }
        let kept = Kept::open(dir.path()).unwrap();
        let store = Store::open(&kept);
        let mut case = store.find("CL1").unwrap();
        assert_eq!(case.lines[0].status, LineStatus::Pended);
        assert!(!case.run_course(now + SignedDuration::from_hours(5)));
        assert!(case.run_course(now + SignedDuration::from_hours(6)));
        assert_eq!((case.lines[0].status, case.lines[0].granted), (LineStatus::Modified, Some(12)));
        assert_eq!(store.search("W100000001", Some(Date::constant(2026, 3, 9)), None).len(), 1);
        assert_eq!(store.search("W100000001", Some(Date::constant(2026, 3, 10)), None).len(), 0);
    }

    #[test]
    fn a_case_can_be_told_as_the_opposite_in_one_place_or_as_it_came() {
        let dir = tempfile::tempdir().unwrap();
        let kept = Kept::open(dir.path()).unwrap();
        let store = Store::open(&kept);
        let now: Timestamp = "2026-03-02T14:00:00Z".parse().unwrap();
        let number = Number { kind: "tracking".to_owned(), value: "CL3".to_owned() };
        let mut case = store.draw_up(&kept, &from(now), filed("E0601", 1), number);
        case.contradicted.push(Told::Edi);
        let status = |case: Case| case.lines[0].status;
        assert_eq!(status(case.clone().told(Told::Portal)), LineStatus::Approved);
        assert_eq!(status(case.clone().told(Told::Edi)), LineStatus::Denied);
        assert_eq!(status(case.clone().opposite().opposite()), LineStatus::Approved);
        let before = case.as_received();
        assert_eq!((before.lines[0].granted, before.valid_to), (None, None));
        assert_eq!(status(before.opposite()), LineStatus::Pended, "nothing to contradict yet");
    }

    #[test]
    fn documents_that_were_asked_for_lead_to_a_decision_and_silence_closes() {
        let dir = tempfile::tempdir().unwrap();
        let kept = Kept::open(dir.path()).unwrap();
        let store = Store::open(&kept);
        let now: Timestamp = "2026-03-02T14:00:00Z".parse().unwrap();
        let number = Number { kind: "tracking".to_owned(), value: "CL2".to_owned() };
        let mut case = store.draw_up(&kept, &from(now), filed("27447", 1), number);
        let asked = now + SignedDuration::from_hours(4);
        assert!(case.run_course(asked));
        assert_eq!(case.wanted, decide::INFO_DOCUMENTS);
        let mut silent = case.clone();
        silent.run_course(now + SignedDuration::from_hours(24 * 30));
        assert_eq!(silent.lines[0].status, LineStatus::DeniedIncomplete);
        for kind in decide::INFO_DOCUMENTS {
            let (name, sha256) = ("n.pdf".to_owned(), "00".to_owned());
            let document = Document { kind: kind.to_owned(), name, size_bytes: 4000, sha256 };
            case.take_document(document, asked);
        }
        assert_eq!(case.lines[0].status, LineStatus::Pended);
        assert!(case.run_course(asked + SignedDuration::from_hours(20)));
        assert_eq!(case.lines[0].status, LineStatus::Approved);
        assert_eq!(case.valid_to, Some(Date::constant(2026, 6, 7)));
    }
}
