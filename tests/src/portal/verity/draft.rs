//! An unfinished case. Until it has its number it lives in the portal session; afterwards it is kept for two hours,
//! also over the end of the session, and its account finds it under "Incomplete cases".

use jiff::{SignedDuration, Timestamp, civil::Date};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{
    ledger::Entry,
    portal::{
        sim::Sim,
        store::{Document, FiledLine, Filing},
        world::{Member, world},
    },
};

/// What a case is about; decides the questions.
pub(super) const PROGRAMS: [&str; 4] = ["Radiology", "Musculoskeletal", "Equipment", "Sleep"];

/// The codes each program reviews.
pub(super) fn managed(program: &str) -> &'static [&'static str] {
    match program {
        "Radiology" => &["70551", "70552", "70553", "72146", "72148", "72149"],
        "Musculoskeletal" => &["27446", "27447", "27486", "97110", "97112", "97140"],
        "Equipment" => &["E0601", "E0562", "K0004", "K0005"],
        "Sleep" => &["95810", "95811"],
        _ => &[],
    }
}

/// An answer to a question of the path.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Answer {
    pub(super) question: String,
    pub(super) values: Vec<String>,
}

/// Where an unfinished case ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Closed {
    /// It became a case.
    Submitted,
    /// Nobody finished it in time.
    Withdrawn,
}

/// The case as far as it is typed.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Draft {
    pub(super) number: String,
    pub(super) account: String,
    pub(super) started_at: Option<Timestamp>,
    pub(super) closed: Option<Closed>,
    /// The page it stands at.
    pub(super) page: String,
    pub(super) program: String,
    pub(super) member_id: String,
    pub(super) requesting_npi: String,
    pub(super) site_npi: String,
    pub(super) codes: Vec<String>,
    pub(super) service_date: Option<Date>,
    pub(super) diagnosis: String,
    pub(super) urgent: Option<bool>,
    pub(super) answers: Vec<Answer>,
    /// The question it stands at, or the end of the path (`end:review`).
    pub(super) question: String,
    pub(super) documents: Vec<Document>,
    /// A file whose scan never ends.
    pub(super) scanning: bool,
    /// Came from another portal with this member, provider and these codes; they cannot be changed.
    pub(super) locked: bool,
    /// Where "Return to …" leads.
    pub(super) return_to: String,
}

impl Draft {
    /// Whose case it is.
    pub(super) fn member(&self) -> Option<&'static Member> {
        world().member_by_id(super::PROFILE.slug, &self.member_id)
    }

    /// When it is withdrawn unless somebody finishes it.
    pub(super) fn expires(&self, sim: &Sim) -> Option<Timestamp> {
        let hours = SignedDuration::from_hours(sim.knobs.number("draft_hours"));
        self.started_at.and_then(|at| at.checked_add(hours).ok())
    }

    /// The end of the path, once it is reached.
    pub(super) fn end(&self) -> Option<&str> {
        self.question.strip_prefix("end:")
    }

    /// What is filed.
    pub(super) fn filing(&self, six_weeks_of_therapy: bool) -> Filing {
        let day = self.service_date.unwrap_or_default();
        let line = |code: &String| FiledLine { code: code.clone(), units: 1, from: day, to: day };
        Filing {
            member_id: self.member_id.clone(),
            plan: self.member().map(|member| member.plan.clone()).unwrap_or_default(),
            request_type: self.program.clone(),
            requesting_npi: self.requesting_npi.clone(),
            servicing_npi: self.site_npi.clone(),
            diagnoses: vec![self.diagnosis.clone()],
            lines: self.codes.iter().map(line).collect(),
            expedited: self.urgent == Some(true),
            six_weeks_of_therapy,
            documents: self.documents.clone(),
            ..Filing::default()
        }
    }

    /// The business fields as the ledger keeps them: the filing, and what only this payer asks.
    pub(super) fn fields(&self, six_weeks_of_therapy: bool) -> Value {
        let mut fields =
            serde_json::to_value(self.filing(six_weeks_of_therapy)).unwrap_or_default();
        fields["case"] = json!(self.number);
        fields["urgent"] = json!(self.urgent);
        fields["pathEnd"] = json!(self.end());
        fields["answers"] = json!(self.answers);
        fields
    }
}

fn key(number: &str) -> String {
    format!("vdraft/{number}")
}

/// Keeps an unfinished case that has a number.
pub(super) fn keep(sim: &Sim, draft: &Draft) {
    if !draft.number.is_empty() {
        sim.kept.put(&key(&draft.number), json!(draft));
    }
}

/// The unfinished or withdrawn case with this number.
pub(super) fn find(sim: &Sim, number: &str) -> Option<Draft> {
    serde_json::from_value(sim.kept.get(&key(number))?).ok()
}

/// All that were ever begun, in order of number.
pub(super) fn all(sim: &Sim) -> Vec<Draft> {
    let kept = sim.kept.starting("vdraft/");
    kept.into_iter().filter_map(|(_, value)| serde_json::from_value(value).ok()).collect()
}

/// Withdraws what nobody finished in time.
pub(super) fn withdraw_overdue(sim: &Sim) {
    for mut draft in all(sim) {
        let Some(due) = draft.expires(sim).filter(|due| *due <= sim.now()) else { continue };
        if draft.closed.is_some() {
            continue;
        }
        draft.closed = Some(Closed::Withdrawn);
        keep(sim, &draft);
        let entry = Entry::new("draft").with("expired", true).with("case", draft.number.as_str());
        sim.ledger.append(due, entry.with("channel", "control"));
    }
}
