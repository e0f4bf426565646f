//! People, organisations, coverages, documents.

use serde_json::Value;

use super::{
    base::{Concept, Extension, HumanName, Identifier, Reference},
    element::{element, resource},
    name::system,
};

resource! {
    /// The patient.
    Patient {
        /// Facts.
        "extension" => extension: Vec<Extension>,
        /// Identifiers.
        "identifier" => identifier: Vec<Identifier>,
        /// Names.
        "name" => name: Vec<HumanName>,
        /// `female`, `male`, `other`, `unknown`.
        "gender" => gender: Option<String>,
        /// Day of birth.
        "birthDate" => birth_date: Option<String>,
    }
}

resource! {
    /// An organisation: insurer, requester, place.
    Organization {
        /// Identifiers.
        "identifier" => identifier: Vec<Identifier>,
        /// Whether it exists.
        "active" => active: Option<bool>,
        /// What kind.
        "type" => kind: Vec<Concept>,
        /// Name.
        "name" => name: Option<String>,
    }
}

resource! {
    /// A person who gives or asks for services.
    Practitioner {
        /// Identifiers.
        "identifier" => identifier: Vec<Identifier>,
        /// Names.
        "name" => name: Vec<HumanName>,
    }
}

resource! {
    /// A person at an organisation.
    PractitionerRole {
        /// Identifiers.
        "identifier" => identifier: Vec<Identifier>,
        /// Who.
        "practitioner" => practitioner: Option<Reference>,
        /// Where.
        "organization" => organization: Option<Reference>,
        /// Speciality.
        "specialty" => specialty: Vec<Concept>,
    }
}

resource! {
    /// A coverage.
    Coverage {
        /// Member numbers.
        "identifier" => identifier: Vec<Identifier>,
        /// `active`.
        "status" => status: String,
        /// The person the policy belongs to.
        "subscriber" => subscriber: Option<Reference>,
        /// Member number of that person.
        "subscriberId" => subscriber_id: Option<String>,
        /// The patient.
        "beneficiary" => beneficiary: Reference,
        /// What the patient is to that person.
        "relationship" => relationship: Option<Concept>,
        /// Who pays.
        "payor" => payor: Vec<Reference>,
    }
}

resource! {
    /// A document, whole.
    DocumentReference {
        /// Identifiers.
        "identifier" => identifier: Vec<Identifier>,
        /// `current`.
        "status" => status: String,
        /// What kind.
        "type" => kind: Option<Concept>,
        /// Groups of kinds.
        "category" => category: Vec<Concept>,
        /// About whom.
        "subject" => subject: Option<Reference>,
        /// When it was referred to.
        "date" => date: Option<String>,
        /// The bytes.
        "content" => content: Vec<DocumentContent>,
    }
}

element! {
    /// One form of a document.
    DocumentContent {
        /// The bytes.
        "attachment" => attachment: Attachment,
    }
}

element! {
    /// Bytes.
    Attachment {
        /// Media type.
        "contentType" => content_type: Option<String>,
        /// Base64.
        "data" => data: Option<String>,
        /// Title.
        "title" => title: Option<String>,
    }
}

/// The National Provider Identifier among identifiers.
#[must_use]
pub fn npi(list: &[Identifier]) -> Option<&str> {
    list.iter().find(|i| i.system.as_deref() == Some(system::NPI)).and_then(|i| i.value.as_deref())
}

/// The value of the identifier of a kind of HL7's table 0203.
#[must_use]
pub fn of_kind<'a>(list: &'a [Identifier], kind: &str) -> Option<&'a Identifier> {
    list.iter().find(|i| i.is_kind(kind) && i.value.is_some())
}

/// An organisation's or person's name in one text.
#[must_use]
pub fn whole_name(name: &HumanName) -> Option<String> {
    let words: Vec<&str> = name.given.iter().chain(&name.family).map(String::as_str).collect();
    if words.is_empty() {
        return name.rest.get("text").and_then(Value::as_str).map(str::to_owned);
    }
    Some(words.join(" "))
}
