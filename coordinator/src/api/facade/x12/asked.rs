//! From a question in X12 to the canonical request. What is understood and cannot be worked is a refusal: a reason of list 901 at
//! the level it belongs to, never an error of the call.

mod review;

use domain::request::{ClaimStatus, Eligibility, Member, Request};
use exchange::x12::{
    parts::{Dmg, Dtp, Nm1, Ref},
    t270, t276,
    transaction::Transaction,
};
use jiff::civil::Date;

use crate::api::error::Problem;

/// Whom a refusal is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Level {
    Payer,
    /// Who asks.
    Provider,
    /// Who gives the services.
    Servicing,
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
pub(super) const NOBODY: Refused = no(
    Level::Payer,
    "80",
    "0",
    "the payer could not be asked; ask again under a new BHT03 and new control numbers",
);
pub(super) const NOT_FOUND: Refused =
    no(Level::Member, "75", "33", "the payer finds no such member");
pub(super) const TRACE_USED: Refused = no(
    Level::Question,
    "33",
    "21",
    "this BHT03 and TRN02 were used for another request; give this one numbers of its own",
);
pub(super) const TURNED_AWAY: Refused =
    no(Level::Question, "33", "21", "the payer did not take the request in");
const NO_NPI: Refused =
    no(Level::Provider, "43", "562", "a provider needs a National Provider Identifier");
const NO_SERVICING: Refused = no(
    Level::Servicing,
    "43",
    "562",
    "who gives the services is named as SJ, with a National Provider Identifier",
);
const NO_ID: Refused = no(Level::Member, "72", "164", "the member's number is missing");
const NO_NAME: Refused = no(Level::Member, "73", "125", "family and given name are needed");
const NO_BIRTH: Refused = no(Level::Member, "58", "158", "the day of birth is needed");
const NO_DAY: Refused = no(Level::Question, "57", "187", "days of service are needed");
const NO_CODE: Refused =
    no(Level::Question, "AG", "454", "services need a CPT or HCPCS code and a number of units");
const NO_DIAGNOSIS: Refused =
    no(Level::Question, "AF", "255", "diagnoses are needed, all of them in ICD-10-CM");
const NO_NUMBER: Refused =
    no(Level::Question, "MA", "252", "a renewal names the authorization it renews");
const NOT_TAKEN: Refused = no(
    Level::Question,
    "33",
    "21",
    "initial requests and renewals of admissions, services and referrals are taken here",
);
const ONE_SERVICING: Refused = no(
    Level::Question,
    "33",
    "21",
    "one provider (SJ) gives all services of a request here; send a request for each",
);
const PARTIES: Refused = no(
    Level::Question,
    "33",
    "21",
    "a party beside the one who asks and the one who gives the services is not taken here",
);
const MORE: Refused = no(
    Level::Question,
    "33",
    "21",
    "the request says more than is taken here (MSG, CRC, CL1, CR1 to CR6, HSD, TOO, HI of a service, modifiers, revenue codes, \
     other dates or numbers, accident, condition, delay); nothing of it would reach the payer",
);
const PAPERS: Refused = no(
    Level::Question,
    "15",
    "294",
    "documents are not taken with a 278 here; hand the request in by /fhir or /v1",
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
        () if is("requesting") => NO_NPI,
        () if is("servicing") => NO_SERVICING,
        () if is("diagnoses") => NO_DIAGNOSIS,
        () if is("lines") && (below.ends_with(".from") || below.ends_with(".to")) => NO_DAY,
        () if is("lines") || is("service") => NO_CODE,
        () if is("from") => NO_DAY,
        () => no(Level::Question, "33", "21", "the request is not one this payer takes"),
    }
}

/// What is asked, or why it is not worked.
pub(super) type Asked = Result<Request, Refused>;

/// The payer's number as it came.
///
/// # Errors
/// As [`read`].
pub(super) fn payer(set: &Transaction) -> Result<&str, Problem> {
    Ok(match set {
        Transaction::Eligibility(asked) => {
            only(&asked.sources, "2000A")?.payer.as_ref().map_or("", |p| p.name.id.as_str())
        }
        Transaction::ClaimStatus(asked) => &only(&asked.payers, "2000A")?.name.id,
        Transaction::Review(asked) => {
            only(&asked.reviewers, "2000A")?.name.as_ref().map_or("", |n| n.name.id.as_str())
        }
        _ => return Err(no_question()),
    })
}

/// Reads a question. `today` is the day asked about where none is named.
///
/// # Errors
/// It is no question, or more than one: that is a matter between the two systems, not of the payer.
pub(super) fn read(set: &Transaction, today: Date) -> Result<Asked, Problem> {
    match set {
        Transaction::Eligibility(asked) if asked.st.set == "270" => eligibility(asked, today),
        Transaction::ClaimStatus(asked) if asked.st.set == "276" => claim_status(asked),
        Transaction::Review(asked) if asked.is_request() => review::review(asked),
        _ => Err(no_question()),
    }
}

fn no_question() -> Problem {
    Problem::invalid("ST01", "questions are taken here: 270, 276, 278 request")
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
    Ok(request)
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
    Ok(request)
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
