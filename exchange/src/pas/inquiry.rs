//! An inquiry: the Claim as an example of what is looked for, and the answer, which may be several bundles or one.

use super::{
    base::{Concept, Extension, Period, text},
    bundle::{Bundle, Resource},
    claim::{Claim, Item},
    element::Element as _,
    fault::{Code, Fault, Path, fatal},
    judge::{Purpose, claim_of},
    name::{extension, profile, system},
    outcome::OperationOutcome,
    request::{
        Diagnosis, Key, Naming, Party, Person, Read, Request, build,
        read::{diagnoses, key, party, person},
    },
    subscription::{Parameter, Parameters},
};

/// What is looked for. The insurer, the requester and the member are always named; the rest narrows it.
#[derive(Clone, PartialEq, Default)]
pub struct Inquiry {
    /// The requester's identifier of the exchange.
    pub exchange: Key,
    /// The requester's identifier of the inquiry, or of the request asked about.
    pub id: Key,
    /// When the bundle was made.
    pub timestamp: String,
    /// When the inquiry was written.
    pub created: String,
    /// The patient.
    pub patient: Person,
    /// Who is asked.
    pub insurer: Party,
    /// Who asks.
    pub provider: Party,
    /// Diagnoses.
    pub diagnoses: Vec<Diagnosis>,
    /// First day of service looked for.
    pub from: Option<String>,
    /// Last day of service looked for.
    pub to: Option<String>,
    /// Authorization number.
    pub number: Option<String>,
    /// Number while undecided.
    pub pend_number: Option<String>,
    /// Procedure; none means any.
    pub procedure: Option<Key>,
}

impl std::fmt::Debug for Inquiry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Inquiry(••••)")
    }
}

impl Inquiry {
    /// Reads an inquiry bundle.
    ///
    /// # Errors
    /// Every fault, if one of them is an error.
    pub fn read(bundle: &Bundle) -> Result<Read<Self>, Vec<Fault>> {
        let (claim, mut faults) = claim_of(bundle, Purpose::Inquire);
        let Some(claim) = claim.filter(|_| !fatal(&faults)) else { return Err(faults) };
        let root = Path::root("Bundle");
        let entries = root.field("entry");
        let first = entries.index(0);
        let at = first.field("resource");
        let item = claim.item.first();
        let of_item = |url| item.and_then(|i| text(&i.extension, url));
        let (from, to) = looked_for(claim, item, &at, &mut faults);
        let product = item.and_then(|i| i.product_or_service.coding.first());
        let procedure = product
            .filter(|c| c.system.as_deref() != Some(system::ABSENT))
            .and_then(|c| Some(Key { system: c.system.clone(), value: c.code.clone()? }));
        let what = Self {
            exchange: bundle.identifier.as_ref().and_then(key).unwrap_or_default(),
            id: claim.identifier.iter().find_map(key).unwrap_or_default(),
            timestamp: bundle.timestamp.clone().unwrap_or_default(),
            created: claim.created.clone(),
            patient: person(bundle, claim, &mut faults),
            insurer: party(bundle, bundle.follow(claim.insurer.as_ref())),
            provider: party(bundle, bundle.follow(Some(&claim.provider))),
            diagnoses: diagnoses(claim, &at, &mut faults),
            from,
            to,
            number: of_item(extension::AUTHORIZATION_NUMBER),
            pend_number: of_item(extension::PEND_NUMBER),
            procedure,
        };
        if fatal(&faults) { Err(faults) } else { Ok(Read { what, noticed: faults }) }
    }

    /// Builds the inquiry bundle.
    #[must_use]
    pub fn build(&self, naming: &Naming) -> Bundle {
        let request = self.as_request();
        let exchange = build::identifier(&self.exchange);
        let mut bundle = Bundle::collection(profile::INQUIRY_BUNDLE, exchange, &self.timestamp);
        let mut claim = build::claim_base(&request, naming);
        if self.from.is_some() || self.to.is_some() {
            let period =
                Period { start: self.from.clone(), end: self.to.clone(), ..Period::default() };
            claim.rest.insert("billablePeriod".to_owned(), super::json(&period));
        }
        claim.item = vec![self.item()];
        bundle.add(naming.address("Claim", "claim"), claim.of_profile(profile::CLAIM_INQUIRY));
        build::people(&request, naming, &mut bundle);
        bundle
    }

    /// The parties of the inquiry as those of a request.
    #[must_use]
    pub fn as_request(&self) -> Request {
        Request {
            exchange: self.exchange.clone(),
            id: self.id.clone(),
            timestamp: self.timestamp.clone(),
            created: self.created.clone(),
            kind: "professional".to_owned(),
            patient: self.patient.clone(),
            insurer: self.insurer.clone(),
            provider: self.provider.clone(),
            priority: "normal".to_owned(),
            diagnoses: self.diagnoses.clone(),
            ..Request::default()
        }
    }

    fn item(&self) -> Item {
        let numbers = [
            (extension::AUTHORIZATION_NUMBER, &self.number),
            (extension::PEND_NUMBER, &self.pend_number),
        ];
        let of = |(url, number): &(&str, &Option<String>)| {
            number.as_ref().map(|n| Extension::of(url, "valueString", n.as_str()))
        };
        Item {
            extension: numbers.iter().filter_map(of).collect(),
            sequence: 1,
            product_or_service: self
                .procedure
                .as_ref()
                .map_or_else(|| Concept::of(system::ABSENT, "not-applicable"), build::coded),
            ..Item::default()
        }
    }
}

fn looked_for(
    claim: &Claim,
    item: Option<&Item>,
    at: &Path<'_>,
    faults: &mut Vec<Fault>,
) -> (Option<String>, Option<String>) {
    if let Some(value) = claim.rest.get("billablePeriod") {
        match Period::read(value.clone(), &at.field("billablePeriod")) {
            Ok(period) => return (period.start, period.end),
            Err(fault) => faults.push(fault),
        }
    }
    match item {
        Some(Item { serviced_date: Some(day), .. }) => (Some(day.clone()), Some(day.clone())),
        Some(Item { serviced_period: Some(period), .. }) => {
            (period.start.clone(), period.end.clone())
        }
        _ => (None, None),
    }
}

/// What came back from an inquiry.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Found {
    /// One response bundle per authorization.
    pub bundles: Vec<Bundle>,
    /// Warnings of the payer: there may be more that may not be shown.
    pub told: Vec<OperationOutcome>,
}

/// The name of the parameter a bundle is in: `return` in the definition, `responseBundle` in the guide's example.
pub const NAMES: [&str; 2] = ["return", "responseBundle"];

impl Found {
    /// Reads the answer to an inquiry: Parameters with bundles under either name, or one bare bundle.
    ///
    /// # Errors
    /// It is something else.
    pub fn read(resource: Resource) -> Result<Self, Fault> {
        let parameters = match resource {
            Resource::Bundle(bundle) => {
                return Ok(Self { bundles: vec![*bundle], told: Vec::new() });
            }
            Resource::Parameters(parameters) => parameters,
            _ => {
                let detail = "expected Parameters with bundles, or a bundle";
                return Err(Fault::error(Code::Kind, "resourceType", detail));
            }
        };
        let mut found = Self::default();
        for (i, parameter) in parameters.parameter.into_iter().enumerate() {
            match parameter.resource.map(|resource| *resource) {
                Some(Resource::Bundle(bundle)) if NAMES.contains(&parameter.name.as_str()) => {
                    found.bundles.push(*bundle);
                }
                Some(Resource::OperationOutcome(told)) => found.told.push(*told),
                _ if NAMES.contains(&parameter.name.as_str()) => {
                    let place = format!("Parameters.parameter[{i}].resource");
                    return Err(Fault::error(Code::Kind, place, "expected a bundle"));
                }
                _ => {}
            }
        }
        Ok(found)
    }

    /// Whether there may be more than is shown: the payer adds something that is more than information.
    #[must_use]
    pub fn is_limited(&self) -> bool {
        let mut issues = self.told.iter().flat_map(|told| &told.issue);
        issues.any(|issue| issue.severity != "information")
    }

    /// Builds the answer, under the name of the definition.
    #[must_use]
    pub fn build(self) -> Parameters {
        let named = |name: &str, resource: Resource| Parameter {
            name: name.to_owned(),
            resource: Some(Box::new(resource)),
            ..Parameter::default()
        };
        let bundles = self.bundles.into_iter().map(|b| named(NAMES[0], b.into()));
        let told = self.told.into_iter().map(|t| named("outcome", t.into()));
        Parameters { parameter: bundles.chain(told).collect(), ..Parameters::default() }
    }
}
