//! One case at a simulated payer: what was filed, its numbers and lines, and how it moves on by the clock, by documents and by
//! a reviewer.

use jiff::{SignedDuration, Timestamp, civil::Date};
use serde::{Deserialize, Serialize};

use crate::portal::decide::{self, Change, LineStatus};

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
