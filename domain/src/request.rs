//! The canonical content of a case: a prior-authorization request or a status inquiry.
//!
//! Scripts read this document by field name: a script's `needs` is a part of it. Field names are therefore
//! a promise to script authors. Everything in here is patient data unless a doc comment says otherwise.

mod check;

use std::collections::BTreeSet;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use check::Faults;
pub use check::npi_is_valid;

use crate::{id::DocumentId, job::Task, time::Timestamp};

/// What the customer asks for. `kind` tells the variants apart in JSON.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Request {
    /// Ask the payer to authorize services.
    PriorAuth(Box<PriorAuth>),
    /// Ask for the status of an authorization known by its number.
    AuthStatus(AuthStatus),
    /// Ask for the status of a payer claim (a claim for payment).
    ClaimStatus(ClaimStatus),
    /// Ask whether a member is covered on a day.
    Eligibility(Eligibility),
    /// Ask whether services need an authorization.
    Precheck(Box<Precheck>),
    /// Fetch the letter that tells the decision on an authorization.
    Letter(Letter),
}

/// The person insured.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Member {
    /// Member identifier at the payer.
    pub id: String,
    /// Family name.
    pub last_name: String,
    /// Given name.
    pub first_name: String,
    /// Date of birth.
    pub dob: Date,
}

impl std::fmt::Debug for Member {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Member(••••)")
    }
}

/// A provider by National Provider Identifier (not patient data).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Provider {
    /// Ten digits.
    pub npi: String,
    /// Name as the customer writes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Taxonomy code, where the payer asks for one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub taxonomy: Option<String>,
}

/// How urgent the request is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Urgency {
    /// The payer's ordinary clock.
    Standard,
    /// Life, health or function may be at risk.
    Expedited,
}

/// Where the service is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Setting {
    /// Admission.
    Inpatient,
    /// No admission.
    Outpatient,
    /// Referral to another provider.
    Referral,
}

/// One service line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Line {
    /// CPT or HCPCS procedure code.
    pub code: String,
    /// Number of units, at least 1.
    pub units: u32,
    /// First day of service.
    pub from: Date,
    /// Last day of service.
    pub to: Date,
}

/// A file to attach: a reference to bytes the coordinator keeps sealed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Document {
    /// Which document.
    pub id: DocumentId,
    /// `pdf`, `jpg`, …: decided from the first bytes, not from the name.
    pub kind: String,
    /// SHA-256 of the bytes, hexadecimal.
    pub sha256: String,
    /// Length in bytes.
    pub size_bytes: u64,
}

/// A statement a person has made, which a script may repeat at the payer's portal (never its own invention).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Attestation {
    /// The exact statement, as the portal shows it.
    pub text: String,
    /// Who made it: the name to type where the portal asks for one.
    pub person: String,
    /// When it was made.
    pub at: Timestamp,
}

/// A prior-authorization request.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PriorAuth {
    /// Plan behind a portal that serves several (`CLM`, `FBH` at Crestline); absent where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan: Option<String>,
    /// Patient.
    pub member: Member,
    /// Who asks.
    pub requesting: Provider,
    /// Who gives the service.
    pub servicing: Provider,
    /// Urgency.
    pub urgency: Urgency,
    /// Setting.
    pub setting: Setting,
    /// ICD-10-CM codes, the first is the principal one; 1 to 12.
    pub diagnoses: Vec<String>,
    /// Services; 1 to 10.
    pub lines: Vec<Line>,
    /// Files to attach, in order.
    #[serde(default)]
    pub documents: Vec<Document>,
    /// Statements a person has made for this request.
    #[serde(default)]
    pub attestations: Vec<Attestation>,
    /// Number of the authorization this one renews; the case is then worked by the task `renewal`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub renews: Option<String>,
}

/// An inquiry about an authorization.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AuthStatus {
    /// Plan, as in [`PriorAuth::plan`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan: Option<String>,
    /// Patient.
    pub member: Member,
    /// The payer's number.
    pub number: String,
    /// First day of service, where the portal searches by date.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Date>,
}

/// An inquiry about a payer claim.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClaimStatus {
    /// Plan, as in [`PriorAuth::plan`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan: Option<String>,
    /// Patient.
    pub member: Member,
    /// The payer's claim number, where known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number: Option<String>,
    /// Day of service.
    pub from: Date,
}

/// An inquiry about a member's coverage.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Eligibility {
    /// Plan, as in [`PriorAuth::plan`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan: Option<String>,
    /// Patient.
    pub member: Member,
    /// The day asked about.
    pub from: Date,
    /// CPT or HCPCS code asked about, where the portal takes one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
}

/// An inquiry whether services need an authorization.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Precheck {
    /// Plan, as in [`PriorAuth::plan`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan: Option<String>,
    /// Patient.
    pub member: Member,
    /// Who asks.
    pub requesting: Provider,
    /// Who would give the service, where known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub servicing: Option<Provider>,
    /// Setting.
    pub setting: Setting,
    /// ICD-10-CM codes, the first is the principal one; 1 to 12.
    pub diagnoses: Vec<String>,
    /// Services; 1 to 10.
    pub lines: Vec<Line>,
}

/// An inquiry for the letter of a decision.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Letter {
    /// Plan, as in [`PriorAuth::plan`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan: Option<String>,
    /// Patient.
    pub member: Member,
    /// The payer's number of the authorization.
    pub number: String,
}

/// A request that cannot be worked: the field (a JSON path) and a sentence that never repeats the value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{field}: {reason}")]
pub struct Invalid {
    /// JSON path, such as `lines[0].units`.
    pub field: String,
    /// What is wrong and what is expected.
    pub reason: String,
}

impl Request {
    /// Every kind.
    pub const KINDS: [&'static str; 6] =
        ["prior_auth", "auth_status", "claim_status", "eligibility", "precheck", "letter"];

    /// One of [`Request::KINDS`].
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::PriorAuth(_) => "prior_auth",
            Self::AuthStatus(_) => "auth_status",
            Self::ClaimStatus(_) => "claim_status",
            Self::Eligibility(_) => "eligibility",
            Self::Precheck(_) => "precheck",
            Self::Letter(_) => "letter",
        }
    }

    /// The first task of a case that asks for this.
    #[must_use]
    pub fn task(&self) -> Task {
        match self {
            Self::PriorAuth(r) if r.renews.is_some() => Task::Renewal,
            Self::PriorAuth(_) => Task::Submit,
            Self::AuthStatus(_) => Task::AuthStatus,
            Self::ClaimStatus(_) => Task::ClaimStatus,
            Self::Eligibility(_) => Task::Eligibility,
            Self::Precheck(_) => Task::Precheck,
            Self::Letter(_) => Task::Letter,
        }
    }

    /// The patient.
    #[must_use]
    pub fn member(&self) -> &Member {
        match self {
            Self::PriorAuth(r) => &r.member,
            Self::AuthStatus(r) => &r.member,
            Self::ClaimStatus(r) => &r.member,
            Self::Eligibility(r) => &r.member,
            Self::Precheck(r) => &r.member,
            Self::Letter(r) => &r.member,
        }
    }

    /// Files to attach.
    #[must_use]
    pub fn documents(&self) -> &[Document] {
        match self {
            Self::PriorAuth(r) => &r.documents,
            Self::AuthStatus(_)
            | Self::ClaimStatus(_)
            | Self::Eligibility(_)
            | Self::Precheck(_)
            | Self::Letter(_) => &[],
        }
    }

    /// Every rule that can be judged without the payer; all faults at once.
    ///
    /// # Errors
    /// The list of faults, never empty.
    pub fn check(&self) -> Result<(), Vec<Invalid>> {
        let mut faults = Faults::default();
        faults.member(self.member());
        match self {
            Self::PriorAuth(r) => faults.prior_auth(r),
            Self::AuthStatus(r) => faults.number("number", &r.number),
            Self::ClaimStatus(r) => {
                if let Some(number) = &r.number {
                    faults.number("number", number);
                }
            }
            Self::Eligibility(r) => {
                if let Some(code) = &r.service {
                    faults.code("service", code);
                }
            }
            Self::Precheck(r) => faults.precheck(r),
            Self::Letter(r) => faults.number("number", &r.number),
        }
        if faults.0.is_empty() { Ok(()) } else { Err(faults.0) }
    }

    /// Whether two requests of one member may be the same wish written twice: both begin something (or renew the same), a service
    /// code is common to them, and its dates meet. Equal requests are told by their hash; this finds the nearly equal ones.
    #[must_use]
    pub fn resembles(&self, other: &Self) -> bool {
        let (Self::PriorAuth(a), Self::PriorAuth(b)) = (self, other) else { return false };
        let code = |line: &Line| line.code.trim().to_uppercase();
        a.renews == b.renews
            && a.lines.iter().any(|x| {
                b.lines.iter().any(|y| code(x) == code(y) && x.from <= y.to && y.from <= x.to)
            })
    }

    /// The bytes whose keyed hash (HMAC-SHA256 under the coordinator's index key) is the request hash, also called
    /// dedup key: kind, payer, member id, sorted service codes with units, service dates, requesting provider,
    /// normalised and length-prefixed. Two requests for the same thing give the same bytes; only a prior
    /// authorization has any, since inquiries may be repeated freely.
    #[must_use]
    pub fn dedup_material(&self, payer: &str) -> Option<Vec<u8>> {
        let Self::PriorAuth(r) = self else { return None };
        let mut out = Vec::new();
        let mut part = |text: &str| {
            let norm: String =
                text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_uppercase).collect();
            out.extend_from_slice(&u32::try_from(norm.len()).unwrap_or(u32::MAX).to_be_bytes());
            out.extend_from_slice(norm.as_bytes());
        };
        part(if r.renews.is_some() { "renewal" } else { "initial" });
        part(r.renews.as_deref().unwrap_or(""));
        part(payer);
        part(r.plan.as_deref().unwrap_or(""));
        part(&r.member.id);
        part(&r.requesting.npi);
        let lines: BTreeSet<String> = r
            .lines
            .iter()
            .map(|l| format!("{}x{}f{}t{}", l.code.trim().to_uppercase(), l.units, l.from, l.to))
            .collect();
        for line in lines {
            part(&line);
        }
        Some(out)
    }
}

#[cfg(test)]
mod tests;
