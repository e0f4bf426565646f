//! What a reviewer of the payer does to a case: decides, asks, writes, or tells two things at once.

use serde_json::json;

use super::{
    control::Act,
    decide::LineStatus,
    letters,
    sim::Sim,
    store::{Case, Number},
};
use crate::ledger::Entry;

/// Why an act was not carried out.
#[derive(Debug, thiserror::Error)]
pub enum NotDone {
    /// No case has this number.
    #[error("no case with number {0}")]
    NoCase(String),
    /// No letter has this name.
    #[error("no letter {0}")]
    NoLetter(String),
}

impl Sim {
    /// Carries out an act and puts it on record; the case as it is then.
    pub fn review(&self, number: &str, act: &Act) -> Result<Case, NotDone> {
        let found = self.store.find(number);
        let mut case = found.ok_or_else(|| NotDone::NoCase(number.to_owned()))?;
        let now = self.now();
        match act {
            Act::Approve => case.review(LineStatus::Approved, None, None, now),
            Act::Deny { reason } => case.review(LineStatus::Denied, Some(reason), None, now),
            Act::Modify { units } => {
                case.review(LineStatus::Modified, Some("Fewer units granted."), Some(*units), now);
            }
            Act::RequestInfo { documents } => {
                let words = Some("Additional information requested.");
                case.review(LineStatus::InfoRequested, words, None, now);
                case.wanted.clone_from(documents);
            }
            Act::Cancel => case.review(LineStatus::Cancelled, None, None, now),
            Act::ReplaceNumber { kind, value } => {
                case.numbers.push(Number { kind: kind.clone(), value: value.clone() });
            }
            Act::Contradict { told } => {
                if !case.contradicted.contains(told) {
                    case.contradicted.push(*told);
                }
            }
            Act::PostLetter { template } => {
                if !letters::known(template) {
                    return Err(NotDone::NoLetter(template.clone()));
                }
                case.letter = Some(template.clone());
            }
        }
        (self.profile.settle)(self, &mut case);
        self.keep(&case);
        if let Act::PostLetter { template } = act {
            self.send_fax(&case, template, now);
        }
        let entry = Entry::new("reviewer").with("case", case.id.as_str()).with("act", json!(act));
        self.note_control(entry.with("origin", "person"));
        Ok(case)
    }
}
