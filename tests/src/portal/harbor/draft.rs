//! An unfinished request. It lives in the portal session and is gone with it.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::portal::store::{Document, FiledLine, Filing};

/// The 14 request types of the pick-list.
pub(super) const TYPES: [&str; 14] = [
    "Dental",
    "Durable Medical Equipment",
    "Hearing",
    "Home Health",
    "Hospice",
    "Inpatient Admission",
    "Long Term Care",
    "Outpatient Services",
    "Personal Care",
    "Pharmacy",
    "Private Duty Nursing",
    "Referral to Specialist",
    "Transportation",
    "Vision",
];

/// One service line.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct DraftLine {
    pub(super) code: String,
    pub(super) modifiers: String,
    pub(super) units: u32,
    pub(super) from: Date,
    pub(super) to: Date,
    pub(super) amount: String,
}

/// The request as far as it is typed.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Draft {
    pub(super) request_type: String,
    pub(super) expedited: bool,
    pub(super) member_id: String,
    pub(super) member_name: String,
    pub(super) member_dob: String,
    pub(super) requesting_npi: String,
    pub(super) requesting_taxonomy: String,
    pub(super) rendering_npi: String,
    pub(super) rendering_taxonomy: String,
    pub(super) diagnoses: Vec<String>,
    pub(super) lines: Vec<DraftLine>,
    pub(super) certified_by: String,
    pub(super) certified_on: String,
    pub(super) documents: Vec<Document>,
}

impl Draft {
    /// What is filed with the payer.
    pub(super) fn filing(&self) -> Filing {
        let lines = self.lines.iter().map(|line| FiledLine {
            code: line.code.clone(),
            units: line.units,
            from: line.from,
            to: line.to,
        });
        Filing {
            member_id: self.member_id.clone(),
            plan: "HSM".to_owned(),
            request_type: self.request_type.clone(),
            requesting_npi: self.requesting_npi.clone(),
            servicing_npi: self.rendering_npi.clone(),
            diagnoses: self.diagnoses.clone(),
            lines: lines.collect(),
            expedited: self.expedited,
            documents: self.documents.clone(),
            ..Filing::default()
        }
    }

    /// The business fields as the ledger keeps them: the filing, and what only this payer asks.
    pub(super) fn fields(&self) -> Value {
        let mut fields = serde_json::to_value(self.filing()).unwrap_or_default();
        fields["memberDob"] = json!(self.member_dob);
        fields["requestingTaxonomy"] = json!(self.requesting_taxonomy);
        fields["renderingTaxonomy"] = json!(self.rendering_taxonomy);
        fields["certifiedBy"] = json!(self.certified_by);
        fields["certifiedOn"] = json!(self.certified_on);
        fields
    }
}

/// The codes typed into one field, separated by commas or spaces.
pub(super) fn codes(text: &str) -> Vec<String> {
    text.split([',', ' ']).filter(|code| !code.is_empty()).map(str::to_uppercase).collect()
}

/// Are two filings the same to this payer: member, codes, dates and requesting provider? Units do not matter.
pub(super) fn same_request(one: &Filing, other: &Filing) -> bool {
    let key = |filing: &Filing| {
        let mut lines: Vec<_> =
            filing.lines.iter().map(|line| (line.code.clone(), line.from, line.to)).collect();
        lines.sort();
        (filing.member_id.clone(), filing.requesting_npi.clone(), lines)
    };
    key(one) == key(other)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filing(units: u32, to: Date) -> Filing {
        let from = Date::constant(2026, 3, 9);
        Filing {
            member_id: "9000000010".to_owned(),
            lines: vec![FiledLine { code: "70551".to_owned(), units, from, to }],
            ..Filing::default()
        }
    }

    #[test]
    fn units_do_not_make_a_request_different_but_dates_do() {
        let day = Date::constant(2026, 3, 9);
        assert!(same_request(&filing(1, day), &filing(2, day)));
        assert!(!same_request(&filing(1, day), &filing(1, Date::constant(2026, 3, 10))));
    }

    #[test]
    fn codes_come_in_one_field() {
        assert_eq!(codes("M54.50, g43.909,,I10"), ["M54.50", "G43.909", "I10"]);
        assert!(codes(" , ").is_empty());
    }
}
