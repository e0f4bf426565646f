//! What only a drug portal knows: plans by their three identifiers, drugs, and the practice's own charts of patients,
//! which can be out of date. Read from `tests/world/rxbright.json`.

use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

/// A plan.
#[derive(Debug, Deserialize)]
pub(super) struct Plan {
    /// Plan code as in the rest of the world.
    pub(super) code: String,
    pub(super) name: String,
    pub(super) bin: String,
    pub(super) pcn: String,
    pub(super) group: String,
}

/// A drug of the type-ahead.
#[derive(Debug, Deserialize, Serialize)]
pub(super) struct Drug {
    pub(super) code: String,
    pub(super) name: String,
    pub(super) form: String,
}

/// What the practice's chart says of a patient, and what the plan holds.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Chart {
    pub(super) member_id: String,
    pub(super) sex: String,
    /// ZIP code in the chart.
    pub(super) zip: String,
    /// ZIP code the plan has.
    pub(super) plan_zip: String,
}

/// The whole file.
#[derive(Debug, Deserialize)]
pub(super) struct Book {
    pub(super) plans: Vec<Plan>,
    pub(super) drugs: Vec<Drug>,
    pub(super) charts: Vec<Chart>,
}

static BOOK: LazyLock<Book> = LazyLock::new(|| {
    serde_json::from_str(include_str!("../../../world/rxbright.json")).expect("the file is whole")
});

/// The book.
pub(super) fn book() -> &'static Book {
    &BOOK
}

impl Book {
    /// The plan with these three identifiers.
    pub(super) fn plan(&self, bin: &str, pcn: &str, group: &str) -> Option<&Plan> {
        let same = |one: &str, other: &str| one.eq_ignore_ascii_case(other.trim());
        self.plans
            .iter()
            .find(|plan| same(&plan.bin, bin) && same(&plan.pcn, pcn) && same(&plan.group, group))
    }

    /// The plan with this code.
    pub(super) fn plan_of(&self, code: &str) -> Option<&Plan> {
        self.plans.iter().find(|plan| plan.code == code)
    }

    /// The drug with this code.
    pub(super) fn drug(&self, code: &str) -> Option<&Drug> {
        self.drugs.iter().find(|drug| drug.code == code)
    }

    /// The chart of a patient.
    pub(super) fn chart(&self, member_id: &str) -> Option<&Chart> {
        self.charts.iter().find(|chart| chart.member_id == member_id)
    }
}
