//! Bundles: entries with an address, and how a reference finds its resource.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::{
    base::{Identifier, Meta, Reference},
    claim::Claim,
    element::{Element, element, fields, resource},
    fault::{Code, Fault, Path},
    outcome::OperationOutcome,
    party::{Coverage, DocumentReference, Organization, Patient, Practitioner, PractitionerRole},
    response::ClaimResponse,
    subscription::{Parameters, Subscription},
    task::{CommunicationRequest, Task},
};

resource! {
    /// A bundle of resources.
    Bundle {
        /// The identifier of the exchange.
        "identifier" => identifier: Option<Identifier>,
        /// `collection`, `history` and others.
        "type" => kind: String,
        /// When it was put together.
        "timestamp" => timestamp: Option<String>,
        /// What is in it.
        "entry" => entry: Vec<Entry>,
    }
}

element! {
    /// A resource with its address.
    Entry {
        /// The address others refer to.
        "fullUrl" => full_url: Option<String>,
        /// The resource.
        "resource" => resource: Option<Resource>,
    }
}

/// A resource of one of the types PAS works with, or any other as it came.
#[derive(Debug, Clone, PartialEq)]
#[expect(missing_docs, reason = "each is the resource of its name")]
pub enum Resource {
    Claim(Box<Claim>),
    ClaimResponse(Box<ClaimResponse>),
    Patient(Box<Patient>),
    Organization(Box<Organization>),
    Practitioner(Box<Practitioner>),
    PractitionerRole(Box<PractitionerRole>),
    Coverage(Box<Coverage>),
    DocumentReference(Box<DocumentReference>),
    CommunicationRequest(Box<CommunicationRequest>),
    Task(Box<Task>),
    Subscription(Box<Subscription>),
    Parameters(Box<Parameters>),
    OperationOutcome(Box<OperationOutcome>),
    Bundle(Box<Bundle>),
    Other(Map<String, Value>),
}

macro_rules! kinds {
    ($($name:ident),*) => {
        impl Element for Resource {
            fn read(value: Value, at: &Path<'_>) -> Result<Self, Fault> {
                let kind = value.get("resourceType").and_then(Value::as_str).map(str::to_owned);
                let Some(kind) = kind else {
                    let wanted = "a resource says its `resourceType`";
                    return Err(Fault::error(Code::Missing, at.field("resourceType"), wanted));
                };
                match kind.as_str() {
                    $(stringify!($name) => Element::read(value, at).map(Self::$name),)*
                    _ => fields(value, at).map(Self::Other),
                }
            }

            fn write(&self) -> Option<Value> {
                match self {
                    $(Self::$name(found) => found.write(),)*
                    Self::Other(map) => Some(Value::Object(map.clone())),
                }
            }
        }

        impl Resource {
            /// The type of the resource.
            #[must_use]
            pub fn kind(&self) -> &str {
                match self {
                    $(Self::$name(_) => stringify!($name),)*
                    Self::Other(map) => {
                        map.get("resourceType").and_then(Value::as_str).unwrap_or_default()
                    }
                }
            }

            /// Its logical id.
            #[must_use]
            pub fn id(&self) -> Option<&str> {
                match self {
                    $(Self::$name(found) => found.id.as_deref(),)*
                    Self::Other(map) => map.get("id").and_then(Value::as_str),
                }
            }
        }

        $(impl From<$name> for Resource {
            fn from(found: $name) -> Self {
                Self::$name(Box::new(found))
            }
        })*
    };
}

kinds!(
    Claim,
    ClaimResponse,
    Patient,
    Organization,
    Practitioner,
    PractitionerRole,
    Coverage,
    DocumentReference,
    CommunicationRequest,
    Task,
    Subscription,
    Parameters,
    OperationOutcome,
    Bundle
);

impl Bundle {
    /// An empty collection that claims a profile.
    #[must_use]
    pub fn collection(profile: &str, identifier: Identifier, timestamp: &str) -> Self {
        Self {
            meta: Some(Meta::of(profile)),
            identifier: Some(identifier),
            kind: "collection".to_owned(),
            timestamp: Some(timestamp.to_owned()),
            ..Self::default()
        }
    }

    /// Adds a resource under an address.
    pub fn add(&mut self, full_url: String, resource: impl Into<Resource>) {
        self.entry.push(Entry {
            full_url: Some(full_url),
            resource: Some(resource.into()),
            rest: Map::new(),
        });
    }

    /// The entry a reference of this bundle means: by its whole address, or by `Type/id`.
    #[must_use]
    pub fn find(&self, address: &str) -> Option<(usize, &Resource)> {
        let address = address.split("/_history/").next().unwrap_or(address);
        let hit = |entry: &Entry| {
            let url = entry.full_url.as_deref().unwrap_or_default();
            if url == address {
                return true;
            }
            let Some(resource) = &entry.resource else { return false };
            let Some((kind, id)) = address.split_once('/') else { return false };
            if address.contains(':') || kind != resource.kind() {
                return false;
            }
            resource.id() == Some(id) || url.ends_with(&format!("/{address}"))
        };
        let (at, entry) = self.entry.iter().enumerate().find(|(_, entry)| hit(entry))?;
        entry.resource.as_ref().map(|resource| (at, resource))
    }

    /// The resource a reference means, if it has an address.
    #[must_use]
    pub fn follow(&self, reference: Option<&Reference>) -> Option<(usize, &Resource)> {
        self.find(reference?.reference.as_deref()?)
    }

    /// Entries of one type, with their place.
    pub fn resources(&self) -> impl Iterator<Item = (usize, &Resource)> {
        self.entry.iter().enumerate().filter_map(|(i, e)| e.resource.as_ref().map(|r| (i, r)))
    }

    /// Faults of addresses: entries without one, two entries with one, references that lead nowhere. A reference by an absolute
    /// address of another server is not judged.
    #[must_use]
    pub fn address_faults(&self) -> Vec<Fault> {
        let mut faults = Vec::new();
        let mut seen = BTreeSet::new();
        for (i, entry) in self.entry.iter().enumerate() {
            let place = format!("Bundle.entry[{i}]");
            match &entry.full_url {
                None => faults.push(Fault::error(
                    Code::Missing,
                    format!("{place}.fullUrl"),
                    "every entry has an address",
                )),
                Some(url) if !seen.insert(url.as_str()) => faults.push(Fault::error(
                    Code::Doubled,
                    format!("{place}.fullUrl"),
                    "another entry has this address",
                )),
                Some(_) => {}
            }
            let Some(resource) = &entry.resource else {
                faults.push(Fault::error(
                    Code::Missing,
                    format!("{place}.resource"),
                    "every entry holds a resource",
                ));
                continue;
            };
            let value = resource.write().unwrap_or(Value::Null);
            self.walk(&value, &format!("{place}.resource"), &mut faults);
        }
        faults
    }

    fn walk(&self, value: &Value, place: &str, faults: &mut Vec<Fault>) {
        match value {
            Value::Object(map) => {
                for (name, inner) in map {
                    let below = format!("{place}.{name}");
                    match (name.as_str(), inner) {
                        ("reference", Value::String(address)) if self.dangles(address) => {
                            let detail = "this reference leads to no entry of the bundle";
                            faults.push(Fault::error(Code::Dangling, below, detail));
                        }
                        // A bundle in a bundle has addresses of its own.
                        ("resource", _) if place.ends_with("entry") => {}
                        _ => self.walk(inner, &below, faults),
                    }
                }
            }
            Value::Array(items) => {
                for (i, inner) in items.iter().enumerate() {
                    self.walk(inner, &format!("{place}[{i}]"), faults);
                }
            }
            _ => {}
        }
    }

    fn dangles(&self, address: &str) -> bool {
        let elsewhere = address.starts_with("http://") || address.starts_with("https://");
        !elsewhere && !address.starts_with('#') && self.find(address).is_none()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn sample() -> Bundle {
        let value = json!({"resourceType": "Bundle", "type": "collection", "entry": [
            {"fullUrl": "http://p.example/fhir/Patient/a", "resource": {"resourceType": "Patient", "id": "a"}},
            {"fullUrl": "urn:uuid:1", "resource": {"resourceType": "Basic", "id": "b", "subject": {"reference": "Patient/a"}}},
        ]});
        Bundle::read(value, &Path::root("Bundle")).unwrap()
    }

    #[test]
    fn a_reference_is_found_by_address_and_by_type_and_id() {
        let bundle = sample();
        for good in [
            "http://p.example/fhir/Patient/a",
            "Patient/a",
            "urn:uuid:1",
            "Basic/b",
            "Patient/a/_history/2",
        ] {
            assert!(bundle.find(good).is_some(), "{good}");
        }
        for bad in ["Patient/b", "Basic/a", "urn:uuid:2", "a", ""] {
            assert!(bundle.find(bad).is_none(), "{bad}");
        }
        assert_eq!(bundle.address_faults(), []);
    }

    #[test]
    fn faults_of_addresses_say_their_place() {
        let mut bundle = sample();
        bundle.entry[1].full_url = bundle.entry[0].full_url.clone();
        bundle.entry[0].resource = None;
        let faults = bundle.address_faults();
        let told: Vec<_> = faults.iter().map(|f| (f.code, f.path.as_str())).collect();
        assert_eq!(
            told,
            [
                (Code::Missing, "Bundle.entry[0].resource"),
                (Code::Doubled, "Bundle.entry[1].fullUrl"),
                (Code::Dangling, "Bundle.entry[1].resource.subject.reference"),
            ]
        );
    }
}
