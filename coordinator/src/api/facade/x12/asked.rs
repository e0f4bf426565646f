//! From a question in X12 to the canonical request. What is understood and cannot be worked is a refusal: a reason of list 901 at
//! the level it belongs to, never an error of the call.

use domain::request::{
    ClaimStatus, Eligibility, Line, Member, PriorAuth, Provider, Request, Setting, Urgency,
};
use exchange::x12::{
    Decimal,
    parts::{Dmg, Dtp, Nm1, Ref},
    parts_review::{Hi, Pwk},
    t270, t276, t278,
    transaction::Transaction,
};
use jiff::civil::Date;

use crate::api::{error::Problem, facade::asked::dotted};

/// Whom a refusal is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Level {
    Payer,
    Provider,
    Member,
    /// The claim, the event, or the question itself.
    Question,
}

/// A question that is not worked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Refused {
    pub(super) level: Level,
    /// Reason of list 901, for AAA.
    pub(super) reason: &'static str,
    /// Status of list 508, for a 277, which has no AAA.
    pub(super) status: &'static str,
    /// One sentence, where the answer has room for one.
    pub(super) say: &'static str,
}

const fn no(
    level: Level,
    reason: &'static str,
    status: &'static str,
    say: &'static str,
) -> Refused {
    Refused { level, reason, status, say }
}

pub(super) const NO_PAYER: Refused =
    no(Level::Payer, "T4", "153", "the payer's number is not the id of a payer of this fleet");
pub(super) const LATER: Refused =
    no(Level::Payer, "42", "0", "the payer has not answered yet; ask again");
pub(super) const NOBODY: Refused = no(Level::Payer, "80", "0", "the payer could not be asked");
pub(super) const NOT_FOUND: Refused =
    no(Level::Member, "75", "33", "the payer finds no such member");
pub(super) const TWICE: Refused =
    no(Level::Question, "33", "54", "the same request is submitted or under way already");
pub(super) const TURNED_AWAY: Refused =
    no(Level::Question, "33", "21", "the payer did not take the request in");
const NO_NPI: Refused =
    no(Level::Provider, "43", "562", "a provider needs a National Provider Identifier");
const NO_ID: Refused = no(Level::Member, "72", "164", "the member's number is missing");
const NO_NAME: Refused = no(Level::Member, "73", "125", "family and given name are needed");
const NO_BIRTH: Refused = no(Level::Member, "58", "158", "the day of birth is needed");
const NO_DAY: Refused = no(Level::Question, "57", "187", "days of service are needed");
const NO_CODE: Refused =
    no(Level::Question, "AG", "454", "services need a CPT or HCPCS code and a number of units");
const NO_DIAGNOSIS: Refused = no(Level::Question, "AF", "255", "an ICD-10-CM diagnosis is needed");
const NO_NUMBER: Refused =
    no(Level::Question, "MA", "252", "a renewal names the authorization it renews");
const NOT_TAKEN: Refused = no(
    Level::Question,
    "33",
    "21",
    "initial requests and renewals of admissions, services and referrals are taken here",
);
const PAPERS: Refused = no(
    Level::Question,
    "15",
    "294",
    "documents are not taken with a 278 here: hand the request in by /fhir or /v1",
);

/// What the intake found wrong, by the field it names.
pub(super) fn refused_field(field: &str) -> Refused {
    let below = field.strip_prefix("request.").unwrap_or(field);
    let is = |start: &str| below.starts_with(start);
    match () {
        () if field == "payer" => NO_PAYER,
        () if is("member.id") => NO_ID,
        () if is("member.dob") => NO_BIRTH,
        () if is("member") => NO_NAME,
        () if is("requesting") || is("servicing") => NO_NPI,
        () if is("diagnoses") => NO_DIAGNOSIS,
        () if is("lines") && (below.ends_with(".from") || below.ends_with(".to")) => NO_DAY,
        () if is("lines") || is("service") => NO_CODE,
        () if is("from") => NO_DAY,
        () => no(Level::Question, "33", "21", "the request is not one this payer takes"),
    }
}

/// What is asked, and of whom.
pub(super) struct Asked {
    /// The payer's number as it came.
    pub(super) payer: String,
    /// The request, or why there is none.
    pub(super) request: Result<Request, Refused>,
}

/// Reads a question. `today` is the day asked about where none is named.
///
/// # Errors
/// It is no question, or more than one: that is a matter between the two systems, not of the payer.
pub(super) fn read(set: &Transaction, today: Date) -> Result<Asked, Problem> {
    match set {
        Transaction::Eligibility(asked) if asked.st.set == "270" => eligibility(asked, today),
        Transaction::ClaimStatus(asked) if asked.st.set == "276" => claim_status(asked),
        Transaction::Review(asked) if asked.is_request() => review(asked),
        _ => Err(Problem::invalid("ST01", "questions are taken here: 270, 276, 278 request")),
    }
}

/// The only one of a list.
fn only<'a, T>(list: &'a [T], what: &'static str) -> Result<&'a T, Problem> {
    match list {
        [one] => Ok(one),
        _ => Err(Problem::invalid(what, "one question about one patient is taken a call")),
    }
}

fn eligibility(asked: &t270::Eligibility, today: Date) -> Result<Asked, Problem> {
    let source = only(&asked.sources, "2000A")?;
    let receiver = only(&source.receivers, "2000B")?;
    let subscriber = only(&receiver.subscribers, "2000C")?;
    let own = subscriber.member.as_ref();
    let patient = match subscriber.dependents.as_slice() {
        [] => own,
        more => only(more, "2000D")?.member.as_ref(),
    };
    let request = (|| {
        let (own, patient) = (own.ok_or(NO_ID)?, patient.ok_or(NO_NAME)?);
        let dates = patient.dates.iter().chain(patient.questions.iter().flat_map(|q| &q.dates));
        let day = dates.filter(|d| matches!(d.of.as_str(), "291" | "307" | "472")).find_map(span);
        let procedures = patient.questions.iter().map(|q| &q.eq.procedure);
        let service = procedures.map(|p| p.code.trim()).find(|code| !code.is_empty());
        Ok(Request::Eligibility(Eligibility {
            plan: None,
            member: member(&own.name, &patient.name, patient.birth.as_ref())?,
            from: day.map_or(today, |(from, _)| from),
            service: service.map(str::to_ascii_uppercase),
        }))
    })();
    let payer = source.payer.as_ref().map(|p| p.name.id.clone()).unwrap_or_default();
    Ok(Asked { payer, request })
}

fn claim_status(asked: &t276::ClaimStatus) -> Result<Asked, Problem> {
    let payer = only(&asked.payers, "2000A")?;
    let receiver = only(&payer.receivers, "2000B")?;
    let provider = only(&receiver.providers, "2000C")?;
    let subscriber = only(&provider.subscribers, "2000D")?;
    let (name, birth, claims) = match subscriber.dependents.as_slice() {
        [] => (&subscriber.name, subscriber.birth.as_ref(), &subscriber.claims),
        more => {
            let dependent = only(more, "2000E")?;
            (&dependent.name, dependent.birth.as_ref(), &dependent.claims)
        }
    };
    let claim = only(claims, "2200D")?;
    let request = (|| {
        let lines = claim.lines.iter().flat_map(|line| &line.dates);
        let dates = claim.dates.iter().chain(lines).filter(|d| d.of == "472");
        let (from, _) = dates.into_iter().find_map(span).ok_or(NO_DAY)?;
        Ok(Request::ClaimStatus(ClaimStatus {
            plan: None,
            member: member(&subscriber.name, name, birth)?,
            number: number(&claim.references, "1K"),
            from,
        }))
    })();
    Ok(Asked { payer: payer.name.id.clone(), request })
}

fn review(asked: &t278::Review) -> Result<Asked, Problem> {
    let reviewer = only(&asked.reviewers, "2000A")?;
    let requester = only(&reviewer.requesters, "2000B")?;
    let subscriber = only(&requester.subscribers, "2000C")?;
    let (patient, events) = match subscriber.dependents.as_slice() {
        [] => (subscriber.member.as_ref(), &subscriber.events),
        more => {
            let dependent = only(more, "2000D")?;
            (dependent.member.as_ref(), &dependent.events)
        }
    };
    let event = only(events, "2000E")?;
    let request = (|| {
        let own = subscriber.member.as_ref().ok_or(NO_ID)?;
        let patient = patient.ok_or(NO_NAME)?;
        let member = member(&own.name, &patient.name, patient.birth.as_ref())?;
        let requesting = provider(requester.name.as_ref().ok_or(NO_NPI)?)?;
        event_request(event, member, requesting).map(|it| Request::PriorAuth(Box::new(it)))
    })();
    let payer = reviewer.name.as_ref().map(|n| n.name.id.clone()).unwrap_or_default();
    Ok(Asked { payer, request })
}

fn event_request(
    event: &t278::PatientEvent,
    member: Member,
    requesting: Provider,
) -> Result<PriorAuth, Refused> {
    let services = event.services.iter();
    let papers = event.documents.iter().chain(services.clone().flat_map(|s| &s.documents));
    // "AA": there on request, so nothing is on its way.
    if papers.map(|Pwk { by, .. }| by).any(|by| by != "AA") {
        return Err(PAPERS);
    }
    let um = event.um.as_ref().ok_or(NOT_TAKEN)?;
    let setting = match um.category.as_str() {
        "AR" => Setting::Inpatient,
        "HS" => Setting::Outpatient,
        "SC" => Setting::Referral,
        _ => return Err(NOT_TAKEN),
    };
    let renews = match um.certification.as_str() {
        "I" | "" => None,
        "R" => Some(number(&event.references, "BB").ok_or(NO_NUMBER)?),
        _ => return Err(NOT_TAKEN),
    };
    let parties = event.parties.iter().chain(services.clone().flat_map(|s| &s.parties));
    let servicing = parties.into_iter().find(|party| party.name.entity == "SJ");
    let servicing = servicing.map_or_else(|| Ok(requesting.clone()), provider)?;
    let days = event.dates.iter().filter(|d| d.of == "472").find_map(span);
    let lines = services.map(|service| line(service, days)).collect::<Result<Vec<_>, _>>()?;
    if lines.is_empty() {
        return Err(NO_CODE);
    }
    let diagnoses = diagnoses(event.diagnoses.as_ref());
    if diagnoses.is_empty() {
        return Err(NO_DIAGNOSIS);
    }
    Ok(PriorAuth {
        plan: None,
        member,
        requesting,
        servicing,
        urgency: match um.level.as_str() {
            "03" | "U" => Urgency::Expedited,
            _ => Urgency::Standard,
        },
        setting,
        diagnoses,
        lines,
        documents: Vec::new(),
        attestations: Vec::new(),
        renews,
    })
}

fn line(service: &t278::Service, days: Option<(Date, Date)>) -> Result<Line, Refused> {
    let professional = service.professional.as_ref().map(|s| (&s.procedure, &s.quantity));
    let institutional = service.institutional.as_ref().map(|s| (&s.procedure, &s.quantity));
    let (procedure, quantity) = professional.or(institutional).ok_or(NO_CODE)?;
    let units = quantity.as_ref().map(Decimal::to_string).and_then(|text| text.parse().ok());
    let own = service.dates.iter().filter(|d| d.of == "472").find_map(span);
    let (from, to) = own.or(days).ok_or(NO_DAY)?;
    let code = procedure.code.trim().to_ascii_uppercase();
    if code.is_empty() {
        return Err(NO_CODE);
    }
    Ok(Line { code, units: units.ok_or(NO_CODE)?, from, to })
}

/// ICD-10-CM codes in their order; the principal one comes first in the segment.
fn diagnoses(hi: Option<&Hi>) -> Vec<String> {
    let Some(h) = hi else { return Vec::new() };
    let all = [
        &h.info_1, &h.info_2, &h.info_3, &h.info_4, &h.info_5, &h.info_6, &h.info_7, &h.info_8,
        &h.info_9, &h.info_10, &h.info_11, &h.info_12,
    ];
    let icd = all.into_iter().filter(|i| matches!(i.list.as_str(), "ABK" | "ABF" | "ABJ" | "APR"));
    icd.map(|i| dotted(&i.code)).filter(|code| !code.is_empty()).collect()
}

/// The patient by the subscriber's number, with the patient's own name and day of birth.
fn member(subscriber: &Nm1, patient: &Nm1, birth: Option<&Dmg>) -> Result<Member, Refused> {
    let id = subscriber.id.trim();
    if id.is_empty() {
        return Err(NO_ID);
    }
    let (last, first) = (patient.last.trim(), patient.first.trim());
    if last.is_empty() || first.is_empty() {
        return Err(NO_NAME);
    }
    let born = birth.filter(|b| b.format == "D8").and_then(|b| day(&b.born)).ok_or(NO_BIRTH)?;
    Ok(Member {
        id: id.to_owned(),
        last_name: last.to_owned(),
        first_name: first.to_owned(),
        dob: born,
    })
}

fn provider(party: &t278::Provider) -> Result<Provider, Refused> {
    let name = &party.name;
    if name.id_list != "XX" || name.id.is_empty() {
        return Err(NO_NPI);
    }
    let taxonomy = party.provider.as_ref().filter(|p| p.list == "PXC").map(|p| p.code.clone());
    let called = [name.first.trim(), name.last.trim()].join(" ").trim().to_owned();
    Ok(Provider { npi: name.id.clone(), name: Some(called).filter(|n| !n.is_empty()), taxonomy })
}

fn number(references: &[Ref], list: &str) -> Option<String> {
    let found = references.iter().find(|r| r.list == list).map(|r| r.number.trim());
    found.filter(|n| !n.is_empty()).map(str::to_owned)
}

/// CCYYMMDD.
fn day(text: &str) -> Option<Date> {
    Date::strptime("%Y%m%d", text.trim()).ok()
}

/// A day or a span of days.
fn span(dtp: &Dtp) -> Option<(Date, Date)> {
    match dtp.format.as_str() {
        "D8" => day(&dtp.value).map(|d| (d, d)),
        "RD8" => {
            let (from, to) = dtp.value.split_once('-')?;
            Some((day(from)?, day(to)?))
        }
        _ => None,
    }
}
