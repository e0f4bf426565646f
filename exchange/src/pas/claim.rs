//! The Claim of a preauthorization: what is asked, for whom, by whom.

use serde_json::Number;

use super::{
    base::{Concept, Extension, Identifier, Period, Quantity, Reference},
    element::{element, resource},
};

resource! {
    /// A request for preauthorization, an update of one, or the example of an inquiry.
    Claim {
        /// Facts of the whole request (level of service).
        "extension" => extension: Vec<Extension>,
        /// The requester's identifiers.
        "identifier" => identifier: Vec<Identifier>,
        /// `active`.
        "status" => status: String,
        /// `professional`, `institutional` and the like.
        "type" => kind: Concept,
        /// `preauthorization`.
        "use" => purpose: String,
        /// For whom.
        "patient" => patient: Reference,
        /// When the request was written.
        "created" => created: String,
        /// Who is asked.
        "insurer" => insurer: Option<Reference>,
        /// Who asks.
        "provider" => provider: Reference,
        /// How soon an answer is wanted.
        "priority" => priority: Concept,
        /// The request this one updates.
        "related" => related: Vec<Related>,
        /// Who else gives the services.
        "careTeam" => care_team: Vec<CareTeam>,
        /// Documents, dates, messages.
        "supportingInfo" => supporting_info: Vec<SupportingInfo>,
        /// Diagnoses.
        "diagnosis" => diagnosis: Vec<Diagnosis>,
        /// Coverages.
        "insurance" => insurance: Vec<Insurance>,
        /// Services.
        "item" => item: Vec<Item>,
    }
}

element! {
    /// The request this one updates.
    Related {
        /// Its Claim.
        "claim" => claim: Option<Reference>,
        /// `prior`.
        "relationship" => relationship: Option<Concept>,
    }
}

element! {
    /// One who gives services.
    CareTeam {
        /// Whether for all items (scope).
        "extension" => extension: Vec<Extension>,
        /// Its number.
        "sequence" => sequence: u32,
        /// Who.
        "provider" => provider: Reference,
        /// In what role (list 98).
        "role" => role: Option<Concept>,
        /// Speciality.
        "qualification" => qualification: Option<Concept>,
    }
}

element! {
    /// A document, a date or a message.
    SupportingInfo {
        /// Facts of a document.
        "extension" => extension: Vec<Extension>,
        /// Facts that change the meaning (cancelled).
        "modifierExtension" => modifier_extension: Vec<Extension>,
        /// Its number.
        "sequence" => sequence: u32,
        /// What it is.
        "category" => category: Concept,
        /// A day.
        "timingDate" => timing_date: Option<String>,
        /// From a day to a day.
        "timingPeriod" => timing_period: Option<Period>,
        /// A message.
        "valueString" => value_string: Option<String>,
        /// A resource.
        "valueReference" => value_reference: Option<Reference>,
    }
}

element! {
    /// A diagnosis.
    Diagnosis {
        /// Its number.
        "sequence" => sequence: u32,
        /// Which.
        "diagnosisCodeableConcept" => code: Option<Concept>,
        /// Principal, admitting and the like.
        "type" => kind: Vec<Concept>,
    }
}

element! {
    /// A coverage.
    Insurance {
        /// Its number.
        "sequence" => sequence: u32,
        /// Whether this one is asked.
        "focal" => focal: bool,
        /// Which.
        "coverage" => coverage: Reference,
    }
}

element! {
    /// A service.
    Item {
        /// Kind of request, certification type, numbers.
        "extension" => extension: Vec<Extension>,
        /// Facts that change the meaning (cancelled).
        "modifierExtension" => modifier_extension: Vec<Extension>,
        /// Its number: the trace of this item through every message.
        "sequence" => sequence: u32,
        /// Who gives it.
        "careTeamSequence" => care_team_sequence: Vec<u32>,
        /// Why.
        "diagnosisSequence" => diagnosis_sequence: Vec<u32>,
        /// With which documents.
        "informationSequence" => information_sequence: Vec<u32>,
        /// Revenue code.
        "revenue" => revenue: Option<Concept>,
        /// Service type (list 1365).
        "category" => category: Option<Concept>,
        /// Procedure.
        "productOrService" => product_or_service: Concept,
        /// Modifiers of the procedure.
        "modifier" => modifier: Vec<Concept>,
        /// On a day.
        "servicedDate" => serviced_date: Option<String>,
        /// From a day to a day.
        "servicedPeriod" => serviced_period: Option<Period>,
        /// Where.
        "locationCodeableConcept" => location: Option<Concept>,
        /// How many.
        "quantity" => quantity: Option<Quantity>,
    }
}

impl Quantity {
    /// A count of units.
    #[must_use]
    pub fn units(count: u32) -> Self {
        Self { value: Some(Number::from(count)), unit: Some("units".to_owned()), ..Self::default() }
    }

    /// The count, where it is a whole number (`2` and `2.0` are the same).
    #[must_use]
    pub fn whole(&self) -> Option<u32> {
        let number = self.value.as_ref()?;
        if let Some(whole) = number.as_u64() {
            return u32::try_from(whole).ok();
        }
        let text = number.to_string();
        let (whole, part) = text.split_once('.')?;
        part.bytes().all(|b| b == b'0').then(|| whole.parse().ok())?
    }
}
