//! The cases a simulated payer has: filed over any channel, moved on by the clock and by its reviewers.
//! Kept over restarts. Words shown to users are made by each payer's pages, not here.

use std::{collections::HashMap, sync::Mutex};

use jiff::{SignedDuration, Timestamp, civil::Date};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    decide::{self, Asked, Change, LineStatus},
    journal::{Kept, lock},
};

/// A number the payer gave.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Number {
    /// `tracking authorization transaction receipt letter …`.
    pub kind: String,
    /// As shown.
    pub value: String,
}

/// One service line of a case.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CaseLine {
    /// Procedure code.
    pub code: String,
    /// Units asked.
    pub units: u32,
    /// First day of service.
    pub from: Date,
    /// Last day of service.
    pub to: Date,
    /// Where it stands.
    pub status: LineStatus,
    /// Units granted.
    pub granted: Option<u32>,
    /// Reason code.
    pub reason: Option<String>,
    /// Reason in words.
    pub text: Option<String>,
    /// The rule that decides it (`DE-05`).
    pub rule: String,
    /// What is still to happen, with its moment.
    pub course: Vec<(Timestamp, Change)>,
}

/// A document the payer holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Document {
    /// What it is, in the payer's words.
    pub kind: String,
    /// File name as sent.
    pub name: String,
    /// Bytes.
    pub size_bytes: u64,
    /// Content hash.
    pub sha256: String,
}

/// What somebody files with a payer.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Filing {
    /// Identifier of the member at the payer.
    pub member_id: String,
    /// Plan code.
    pub plan: String,
    /// Kind of request in the payer's words.
    pub request_type: String,
    /// Requesting provider.
    pub requesting_npi: String,
    /// Servicing or rendering provider.
    pub servicing_npi: String,
    /// Diagnosis codes.
    pub diagnoses: Vec<String>,
    /// Service lines.
    pub lines: Vec<FiledLine>,
    /// Our own reference, where the payer has a field for it.
    pub provider_reference: String,
    /// Expedited review.
    pub expedited: bool,
    /// The questionnaire says at least six weeks of therapy.
    pub six_weeks_of_therapy: bool,
    /// Attached documents.
    pub documents: Vec<Document>,
}

/// A service line as filed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FiledLine {
    /// Procedure code.
    pub code: String,
    /// Units.
    pub units: u32,
    /// First day of service.
    pub from: Date,
    /// Last day of service.
    pub to: Date,
}

/// Where a payer tells what it decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Told {
    /// On paper or by fax.
    Letter,
    /// On the pages of its portal.
    Portal,
    /// In X12 answers.
    Edi,
}

/// A case at the payer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Case {
    /// Its name for ever: the first number given.
    pub id: String,
    /// Ordinal of filing.
    pub ordinal: u64,
    /// What was filed.
    pub filing: Filing,
    /// Which account filed it.
    pub account: String,
    /// `fleet` or `person`.
    pub origin: String,
    /// All numbers, in the order given.
    pub numbers: Vec<Number>,
    /// Service lines.
    pub lines: Vec<CaseLine>,
    /// When it was received.
    pub received_at: Timestamp,
    /// False until a late record is made.
    pub recorded: bool,
    /// When a late record is made.
    pub record_at: Option<Timestamp>,
    /// The ledger line of its arrival.
    pub received_seq: u64,
    /// Good from, once granted.
    pub valid_from: Option<Date>,
    /// Good to, once granted.
    pub valid_to: Option<Date>,
    /// Documents asked for and not yet here.
    pub wanted: Vec<String>,
    /// What happened, in words for the history, with its moment.
    pub history: Vec<(Timestamp, String)>,
    /// Last change.
    pub changed_at: Timestamp,
    /// Accounts that pinned it to their list.
    pub pinned_by: Vec<String>,
    /// Where the opposite of the decision is told.
    #[serde(default)]
    pub contradicted: Vec<Told>,
    /// The letter a reviewer posted instead of the usual one.
    #[serde(default)]
    pub letter: Option<String>,
}

/// Turns decisions into their opposite: what was granted is refused, what was refused is granted.
pub fn opposite(lines: &mut [CaseLine]) {
    for line in lines {
        match line.status {
            status if status.granted() => {
                line.status = LineStatus::Denied;
                line.granted = None;
                line.reason = Some("M01".to_owned());
                line.text = Some("Not medically necessary as described.".to_owned());
            }
            LineStatus::Denied | LineStatus::DeniedIncomplete => {
                line.status = LineStatus::Approved;
                line.granted = Some(line.units);
                line.reason = None;
                line.text = None;
            }
            _ => {}
        }
    }
}

impl Case {
    /// The newest number of a kind.
    pub fn number(&self, kind: &str) -> Option<&str> {
        self.numbers.iter().rev().find(|number| number.kind == kind).map(|n| n.value.as_str())
    }

    /// Has it this number, of any kind?
    pub fn has_number(&self, value: &str) -> bool {
        self.numbers.iter().any(|number| number.value == value)
    }

    /// The case as this place tells it.
    #[must_use]
    pub fn told(self, by: Told) -> Case {
        if self.contradicted.contains(&by) { self.opposite() } else { self }
    }

    /// The same case with the opposite decision.
    #[must_use]
    pub fn opposite(mut self) -> Case {
        opposite(&mut self.lines);
        self
    }

    /// The case as it was when it came, as far as anybody can see.
    #[must_use]
    pub fn as_received(mut self) -> Case {
        for line in &mut self.lines {
            line.status = LineStatus::Pended;
            (line.granted, line.reason, line.text) = (None, None, None);
        }
        self.numbers.retain(|number| !["authorization", "letter"].contains(&number.kind.as_str()));
        (self.valid_from, self.valid_to) = (None, None);
        self.wanted.clear();
        self.history.truncate(1);
        self
    }

    /// First and last day of service over all lines.
    pub fn service_dates(&self) -> (Date, Date) {
        let from = self.lines.iter().map(|line| line.from).min().unwrap_or_default();
        let to = self.lines.iter().map(|line| line.to).max().unwrap_or_default();
        (from, to)
    }

    /// Takes the changes due at `now`; true if anything changed.
    pub fn run_course(&mut self, now: Timestamp) -> bool {
        let mut changed = false;
        let service_from = self.service_dates().0;
        for line in &mut self.lines {
            while let Some(index) = line.course.iter().position(|(at, _)| *at <= now) {
                let (at, change) = line.course.remove(index);
                line.status = change.status;
                line.reason.clone_from(&change.reason);
                line.text.clone_from(&change.text);
                if change.status.granted() {
                    line.granted = Some(change.units.unwrap_or(line.units));
                    let days = change.valid_days.unwrap_or(90);
                    self.valid_from = Some(service_from);
                    self.valid_to = Some(service_from.saturating_add(jiff::Span::new().days(days)));
                }
                for document in &change.documents {
                    if !self.wanted.contains(document) {
                        self.wanted.push(document.clone());
                    }
                }
                self.history.push((at, format!("{} {:?}", line.code, change.status)));
                self.changed_at = at;
                changed = true;
            }
        }
        changed
    }

    /// Notes a document that came; when the last wanted one is here, the decision follows by itself.
    pub fn take_document(&mut self, document: Document, now: Timestamp) {
        let before = self.wanted.len();
        self.wanted.retain(|wanted| *wanted != document.kind);
        self.filing.documents.push(document);
        self.changed_at = now;
        if before == 0 || !self.wanted.is_empty() {
            return;
        }
        let after = decide::AFTER_INFO.as_secs() / if self.filing.expedited { 4 } else { 1 };
        for line in self.lines.iter_mut().filter(|l| l.status == LineStatus::InfoRequested) {
            line.status = LineStatus::Pended;
            let grant = Change {
                after_s: after,
                status: LineStatus::Approved,
                units: None,
                valid_days: Some(90),
                reason: None,
                text: None,
                documents: Vec::new(),
            };
            line.course = vec![(now + SignedDuration::from_secs(after), grant)];
        }
        self.history.push((now, "Requested information received".to_owned()));
    }

    /// Sets every line, as a reviewer does; nothing more happens by itself.
    pub fn review(
        &mut self,
        status: LineStatus,
        text: Option<&str>,
        units: Option<u32>,
        now: Timestamp,
    ) {
        let change = Change {
            after_s: 0,
            status,
            units,
            valid_days: Some(90),
            reason: text.map(|_| "R01".to_owned()),
            text: text.map(str::to_owned),
            documents: Vec::new(),
        };
        for line in &mut self.lines {
            line.course = vec![(now, change.clone())];
        }
        self.run_course(now);
    }
}

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
