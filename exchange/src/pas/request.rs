//! A request as it is meant: who asks whom for what about whom. Read from a request bundle, and built into one; an update or a
//! cancellation is a request with what it changes.

pub(in crate::pas) mod build;
pub(in crate::pas) mod read;

use super::bundle::Bundle;

/// A value with the system it belongs to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Key {
    /// The system.
    pub system: Option<String>,
    /// The value.
    pub value: String,
}

impl Key {
    /// A value of a system.
    #[must_use]
    pub fn of(system: &str, value: &str) -> Self {
        Self { system: Some(system.to_owned()), value: value.to_owned() }
    }
}

/// The patient.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Person {
    /// Member number.
    pub member: Key,
    /// Family name.
    pub family: String,
    /// Given name.
    pub given: String,
    /// Day of birth.
    pub birth_date: String,
    /// `female`, `male`, `other`, `unknown`.
    pub gender: Option<String>,
}

impl std::fmt::Debug for Person {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Person(••••)")
    }
}

/// An organisation or a person who asks, is asked, or gives services.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Party {
    /// National Provider Identifier or the payer's identifier, first.
    pub keys: Vec<Key>,
    /// Name.
    pub name: Option<String>,
    /// Speciality as a taxonomy code.
    pub taxonomy: Option<String>,
}

impl Party {
    /// The National Provider Identifier.
    #[must_use]
    pub fn npi(&self) -> Option<&str> {
        let npi = Some(super::name::system::NPI);
        self.keys.iter().find(|k| k.system.as_deref() == npi).map(|k| k.value.as_str())
    }
}

/// One who gives services.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// Its number.
    pub sequence: u32,
    /// Who.
    pub party: Party,
    /// Role (list 98; `SJ` is the provider of the service).
    pub role: Option<String>,
    /// Whether for all items.
    pub overall: bool,
}

/// A diagnosis.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnosis {
    /// Its number.
    pub sequence: u32,
    /// ICD-10-CM, as it came.
    pub code: String,
    /// `principal`, `admitting`, `patientreasonforvisit`.
    pub kind: Option<String>,
}

/// How an update changes an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// It is new.
    Added,
    /// It is different.
    Changed,
    /// It is taken back.
    Cancelled,
}

/// A service.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Service {
    /// Its number: its trace through all messages.
    pub sequence: u32,
    /// Kind of request (list 1525): `AR` admission, `HS` services, `SC` referral, `IN` individual.
    pub request_type: String,
    /// Type of certification (list 1322): `I` initial, `R` renewal, `3` cancel and others.
    pub certification: String,
    /// Service type (list 1365).
    pub category: String,
    /// Procedure.
    pub procedure: Key,
    /// Modifiers of the procedure.
    pub modifiers: Vec<Key>,
    /// How many; none where not a whole number was sent.
    pub units: Option<u32>,
    /// First day.
    pub from: Option<String>,
    /// Last day.
    pub to: Option<String>,
    /// Place of service.
    pub place: Option<String>,
    /// Number of the authorization this one renews or changes.
    pub authorization: Option<String>,
    /// Number the payer gave while undecided.
    pub pend_number: Option<String>,
    /// Numbers of the diagnoses it is for.
    pub diagnoses: Vec<u32>,
    /// Numbers of the care team that gives it.
    pub team: Vec<u32>,
    /// What an update changes.
    pub change: Option<Change>,
}

/// A document that goes with a request.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Attached {
    /// Its number among the supporting information.
    pub sequence: u32,
    /// Kind of report (list 755).
    pub report_type: Option<String>,
    /// Control number.
    pub control_number: Option<String>,
    /// Title.
    pub title: Option<String>,
    /// Media type.
    pub content_type: Option<String>,
    /// Base64; none where it is a resource without bytes (a filled questionnaire).
    pub data: Option<String>,
    /// What an update changes.
    pub change: Option<Change>,
}

impl std::fmt::Debug for Attached {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Attached({})", self.sequence)
    }
}

/// A request.
#[derive(Clone, PartialEq, Default)]
pub struct Request {
    /// The requester's identifier of the exchange (the bundle's).
    pub exchange: Key,
    /// The requester's identifier of the request (the Claim's); the same in updates.
    pub id: Key,
    /// When the bundle was made.
    pub timestamp: String,
    /// When the request was written.
    pub created: String,
    /// `professional`, `institutional`.
    pub kind: String,
    /// The patient.
    pub patient: Person,
    /// Who is asked.
    pub insurer: Party,
    /// Who asks.
    pub provider: Party,
    /// Who gives the services.
    pub team: Vec<Member>,
    /// `stat`, `normal`, `deferred`.
    pub priority: String,
    /// Level of service (list 1338): `U` urgent, `03` emergency, `E` elective.
    pub level_of_service: Option<String>,
    /// Diagnoses.
    pub diagnoses: Vec<Diagnosis>,
    /// Services.
    pub services: Vec<Service>,
    /// Documents.
    pub documents: Vec<Attached>,
    /// Messages in words.
    pub messages: Vec<String>,
    /// The identifier of the request this one updates.
    pub updates: Option<Key>,
}

impl std::fmt::Debug for Request {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Request({} services)", self.services.len())
    }
}

impl Request {
    /// Whether the answer is wanted sooner than usual.
    #[must_use]
    pub fn is_urgent(&self) -> bool {
        self.priority == "stat" || matches!(self.level_of_service.as_deref(), Some("U" | "03"))
    }

    /// Whether it takes back everything it asked for.
    #[must_use]
    pub fn is_cancellation(&self) -> bool {
        let gone = |s: &Service| s.change == Some(Change::Cancelled) || s.certification == "3";
        !self.services.is_empty() && self.services.iter().all(gone)
    }
}

/// How the resources of a bundle are addressed: below a base, with a stem that is this exchange's own, so that ids are never
/// used for something else again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Naming {
    base: String,
    stem: String,
}

impl Naming {
    /// Below `base` (no slash at the end); of `stem` only what an id may hold is kept, 48 characters at most.
    #[must_use]
    pub fn new(base: &str, stem: &str) -> Self {
        let plain = |c: char| if c.is_ascii_alphanumeric() || c == '.' { c } else { '-' };
        Self {
            base: base.trim_end_matches('/').to_owned(),
            stem: stem.chars().take(48).map(plain).collect(),
        }
    }

    /// The id of a part.
    #[must_use]
    pub fn id(&self, part: &str) -> String {
        format!("{}-{part}", self.stem)
    }

    /// `Type/id` of a part.
    #[must_use]
    pub fn reference(&self, kind: &str, part: &str) -> String {
        format!("{kind}/{}", self.id(part))
    }

    /// The whole address of a part.
    #[must_use]
    pub fn address(&self, kind: &str, part: &str) -> String {
        format!("{}/{kind}/{}", self.base, self.id(part))
    }
}

/// A bundle that was read, and what was noticed on the way.
#[derive(Debug, Clone, PartialEq)]
pub struct Read<T> {
    /// What is meant.
    pub what: T,
    /// Warnings.
    pub noticed: Vec<super::fault::Fault>,
}

impl Request {
    /// Reads a request bundle.
    ///
    /// # Errors
    /// Every fault, if one of them is an error.
    pub fn read(bundle: &Bundle) -> Result<Read<Self>, Vec<super::fault::Fault>> {
        read::request(bundle)
    }

    /// Builds the request bundle.
    #[must_use]
    pub fn build(&self, naming: &Naming) -> Bundle {
        build::bundle(self, naming)
    }
}
