//! An unfinished episode. It lives in the portal session and is gone with it. Cells of the grid are kept as typed.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::portal::{
    html,
    store::{Document, FiledLine, Filing},
    world::world,
};

/// Kinds of an episode.
pub(super) const KINDS: [&str; 3] = ["Outpatient", "Inpatient", "Referral"];

/// The columns of the grid.
pub(super) const CELLS: [&str; 4] = ["code", "units", "from", "to"];

/// One row of the grid, as typed.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Row {
    pub(super) id: u64,
    pub(super) code: String,
    pub(super) units: String,
    pub(super) from: String,
    pub(super) to: String,
}

impl Row {
    /// The cell with this name.
    pub(super) fn cell(&mut self, name: &str) -> Option<&mut String> {
        match name {
            "code" => Some(&mut self.code),
            "units" => Some(&mut self.units),
            "from" => Some(&mut self.from),
            "to" => Some(&mut self.to),
            _ => None,
        }
    }

    fn line(&self) -> Option<FiledLine> {
        let units = self.units.trim().parse().ok().filter(|units| *units > 0)?;
        let (from, to) = (html::read_date(&self.from)?, html::read_date(&self.to)?);
        let code = self.code.trim().to_uppercase();
        Some(FiledLine { code, units, from, to }).filter(|line| line.to >= line.from)
    }
}

/// What is wrong with a cell, if anything; an empty cell is judged only at the submit.
pub(super) fn judge_cell(name: &str, typed: &str) -> Option<&'static str> {
    if typed.is_empty() {
        return None;
    }
    let right = match name {
        "code" => world().procedure(&typed.to_uppercase()).is_some(),
        "units" => typed.parse::<u32>().is_ok_and(|units| units > 0 && units < 1000),
        _ => html::read_date(typed).is_some(),
    };
    match name {
        _ if right => None,
        "code" => Some("Service code not found."),
        "units" => Some("Units must be 1 to 999."),
        _ => Some("Enter dates as MM/DD/YYYY."),
    }
}

/// The episode as far as it is typed.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Draft {
    pub(super) member_id: String,
    pub(super) kind: String,
    pub(super) expedited: bool,
    pub(super) diagnoses: Vec<String>,
    pub(super) episode: String,
    pub(super) requesting: String,
    pub(super) servicing: String,
    pub(super) facility: String,
    pub(super) rows: Vec<Row>,
    pub(super) documents: Vec<Document>,
    pub(super) scanning: bool,
    pub(super) office_note: String,
    pub(super) renews: Option<String>,
    pub(super) place: Option<String>,
}

impl Draft {
    /// What is filed with the payer.
    pub(super) fn filing(&self) -> Filing {
        Filing {
            member_id: self.member_id.clone(),
            plan: "PBR".to_owned(),
            request_type: match &self.renews {
                Some(number) => format!("{} - renewal of {number}", self.kind),
                None => self.kind.clone(),
            },
            requesting_npi: self.requesting.clone(),
            servicing_npi: self.servicing.clone(),
            diagnoses: self.diagnoses.clone(),
            lines: self.rows.iter().filter_map(Row::line).collect(),
            provider_reference: self.office_note.clone(),
            expedited: self.expedited,
            documents: self.documents.clone(),
            ..Filing::default()
        }
    }

    /// The business fields as the ledger keeps them: the filing, and what only this payer asks.
    pub(super) fn fields(&self) -> Value {
        let mut fields = serde_json::to_value(self.filing()).unwrap_or_default();
        fields["facilityNpi"] = json!(self.facility);
        if let Some(number) = &self.renews {
            fields["renews"] = json!(number);
        }
        fields
    }

    /// The first thing that keeps the episode from being sent, with a code for the record.
    pub(super) fn missing(&self) -> Option<(&'static str, &'static str)> {
        let lines = self.rows.iter().filter_map(Row::line).count();
        let known = |code: &String| world().diagnosis(code).is_some();
        let codes = self.rows.iter().all(|row| world().procedure(&row.code).is_some());
        if self.member_id.is_empty() || self.episode.is_empty() {
            Some(("episode", "Create an episode first."))
        } else if self.requesting.is_empty() {
            Some(("requesting", "Attach a requesting provider."))
        } else if self.servicing.is_empty() {
            Some(("servicing", "Attach a servicing provider."))
        } else if self.facility.is_empty() && self.kind == "Inpatient" {
            Some(("facility", "Attach a facility."))
        } else if self.diagnoses.is_empty() || !self.diagnoses.iter().all(known) {
            Some(("diagnoses", "Enter a valid diagnosis code."))
        } else if lines == 0 || lines != self.rows.len() || !codes {
            Some(("services", "Complete code, units and dates of every service."))
        } else if self.scanning {
            Some(("scan", "A document is still being scanned."))
        } else if self.place.as_deref() == Some("") {
            Some(("place", "Enter the place of service."))
        } else {
            None
        }
    }
}

/// The codes typed into one field, separated by commas or spaces.
pub(super) fn codes(text: &str) -> Vec<String> {
    text.split([',', ' ']).filter(|code| !code.is_empty()).map(str::to_uppercase).collect()
}

/// Are two filings possibly the same to this payer: member, codes, dates and requesting provider? Units do not matter.
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

    fn row(code: &str, units: &str, from: &str, to: &str) -> Row {
        let text = str::to_owned;
        Row { id: 1, code: text(code), units: text(units), from: text(from), to: text(to) }
    }

    #[test]
    fn a_row_counts_only_when_it_is_whole() {
        assert!(row("97110", "4", "03/09/2026", "2026-04-09").line().is_some());
        for broken in [
            row("97110", "0", "03/09/2026", "03/09/2026"),
            row("97110", "4", "03/09/2026", ""),
            row("97110", "4", "03/09/2026", "03/08/2026"),
        ] {
            assert!(broken.line().is_none(), "{broken:?}");
        }
    }

    #[test]
    fn an_episode_is_judged_in_the_order_of_its_pages() {
        let mut draft = Draft::default();
        let code = |draft: &Draft| draft.missing().map(|(code, _)| code);
        assert_eq!(code(&draft), Some("episode"));
        (draft.member_id, draft.episode) = ("XPB300000012".to_owned(), "E1".to_owned());
        assert_eq!(code(&draft), Some("requesting"));
        draft.requesting = "1234567893".to_owned();
        assert_eq!(code(&draft), Some("servicing"));
        draft.servicing = "1000000020".to_owned();
        draft.kind = "Inpatient".to_owned();
        assert_eq!(code(&draft), Some("facility"));
        draft.kind = "Outpatient".to_owned();
        assert_eq!(code(&draft), Some("diagnoses"));
        draft.diagnoses = codes("m54.50");
        assert_eq!(code(&draft), Some("services"));
        draft.rows.push(row("97110", "4", "03/09/2026", "04/09/2026"));
        assert_eq!(code(&draft), None);
        draft.rows.push(Row::default());
        assert_eq!(code(&draft), Some("services"));
    }

    #[test]
    fn cells_are_judged_alone() {
        assert_eq!(judge_cell("code", "97110"), None);
        assert_eq!(judge_cell("code", ""), None);
        assert!(judge_cell("code", "00000").is_some());
        assert!(judge_cell("units", "0").is_some());
        assert!(judge_cell("to", "soon").is_some());
    }
}
