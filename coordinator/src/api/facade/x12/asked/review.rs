//! From a 278 to the canonical request. The payer is asked with that request alone: what a 278 says beyond it would be lost on the
//! way, so such a 278 is refused.

use domain::request::{Line, Member, PriorAuth, Provider, Request, Setting, Urgency};
use exchange::x12::{
    Decimal,
    parts::{Dtp, Facility, Hl, Information, Parts, Procedure, Ref},
    parts_review::{Hi, Pwk, Sv1, Sv2, Um},
    t278,
};
use jiff::civil::Date;

use super::{
    Asked, MORE, NO_CODE, NO_DAY, NO_DIAGNOSIS, NO_ID, NO_NAME, NO_NPI, NO_NUMBER, NO_SERVICING,
    NOT_TAKEN, ONE_SERVICING, PAPERS, PARTIES, Refused, member, number, only, span,
};
use crate::api::{error::Problem, facade::asked::dotted};

/// First and last day.
type Days = (Date, Date);

/// Reads a 278 request.
///
/// # Errors
/// It asks about more than one patient, or about more than one event.
pub(super) fn review(asked: &t278::Review) -> Result<Asked, Problem> {
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
    // An event of the subscriber beside that of a dependent is a second question.
    only(&asked.events().collect::<Vec<_>>(), "2000E")?;
    let request = (|| {
        let own = subscriber.member.as_ref().ok_or(NO_ID)?;
        let patient = patient.ok_or(NO_NAME)?;
        let member = member(&own.name, &patient.name, patient.birth.as_ref())?;
        let requesting = requester.name.as_ref().and_then(provider).ok_or(NO_NPI)?;
        event_request(event, member, requesting).map(|it| Request::PriorAuth(Box::new(it)))
    })();
    Ok(request)
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
    let renews = match certification(um) {
        "I" => None,
        "R" => Some(number(&event.references, "BB").ok_or(NO_NUMBER)?),
        _ => return Err(NOT_TAKEN),
    };
    let servicing = servicing(event, &requesting)?;
    let of_event = days(&event.dates)?;
    let lines = services.map(|service| line(service, of_event)).collect::<Result<Vec<_>, _>>()?;
    if lines.is_empty() {
        return Err(NO_CODE);
    }
    let diagnoses = diagnoses(event.diagnoses.as_ref())?;
    if says_more(event, um, renews.as_deref()) {
        return Err(MORE);
    }
    Ok(PriorAuth {
        plan: None,
        member,
        requesting,
        servicing,
        urgency: urgency(um),
        setting,
        diagnoses,
        lines,
        documents: Vec::new(),
        attestations: Vec::new(),
        renews,
    })
}

/// Initial where nothing else is said.
fn certification(um: &Um) -> &str {
    if um.certification.is_empty() { "I" } else { &um.certification }
}

fn urgency(um: &Um) -> Urgency {
    match um.level.as_str() {
        "03" | "U" => Urgency::Expedited,
        _ => Urgency::Standard,
    }
}

fn is_servicing(party: &t278::Provider) -> bool {
    party.name.entity == "SJ"
}

/// Who gives the services: the one provider that is named for them, as SJ. Where no party is named at all, it is who asks. Another
/// party (a facility, who operates, who refers) has no place in the request, unless it is one of these two once more.
fn servicing(event: &t278::PatientEvent, requesting: &Provider) -> Result<Provider, Refused> {
    let all: Vec<&t278::Provider> =
        event.parties.iter().chain(event.services.iter().flat_map(|s| &s.parties)).collect();
    if all.is_empty() {
        return Ok(requesting.clone());
    }
    let named = all.iter().find(|party| is_servicing(party)).ok_or(NO_SERVICING)?;
    let servicing = provider(named).ok_or(NO_SERVICING)?;
    // Named for some services alone, nobody is named for the others.
    let for_all = event.parties.iter().any(is_servicing);
    if !for_all && !event.services.iter().all(|s| s.parties.iter().any(is_servicing)) {
        return Err(ONE_SERVICING);
    }
    for party in all {
        let npi = provider(party).map(|known| known.npi);
        let is = |known: &Provider| npi.as_ref() == Some(&known.npi);
        if is_servicing(party) && !is(&servicing) {
            return Err(ONE_SERVICING);
        }
        if !is(&servicing) && !is(requesting) {
            return Err(PARTIES);
        }
    }
    Ok(servicing)
}

/// None where the party has no National Provider Identifier.
fn provider(party: &t278::Provider) -> Option<Provider> {
    let name = &party.name;
    if name.id_list != "XX" || name.id.is_empty() {
        return None;
    }
    let taxonomy = party.provider.as_ref().filter(|p| p.list == "PXC").map(|p| p.code.clone());
    let called = [name.first.trim(), name.last.trim()].join(" ").trim().to_owned();
    Some(Provider { npi: name.id.clone(), name: Some(called).filter(|n| !n.is_empty()), taxonomy })
}

/// The days of service, if any are told; days that cannot be read, or are told twice and differently, are missing.
fn days(dates: &[Dtp]) -> Result<Option<Days>, Refused> {
    let mut days: Option<Days> = None;
    for told in dates.iter().filter(|d| d.of == "472") {
        let own = span(told).ok_or(NO_DAY)?;
        if days.is_some_and(|known| known != own) {
            return Err(NO_DAY);
        }
        days = Some(own);
    }
    Ok(days)
}

fn line(service: &t278::Service, of_event: Option<Days>) -> Result<Line, Refused> {
    let professional = service.professional.as_ref().map(|s| (&s.procedure, &s.unit, &s.quantity));
    let institutional =
        service.institutional.as_ref().map(|s| (&s.procedure, &s.unit, &s.quantity));
    let (procedure, unit, quantity) = professional.or(institutional).ok_or(NO_CODE)?;
    let units = quantity.as_ref().map(Decimal::to_string).and_then(|text| text.parse().ok());
    let (from, to) = days(&service.dates)?.or(of_event).ok_or(NO_DAY)?;
    let code = procedure.code.trim().to_ascii_uppercase();
    // Minutes and days are no number of units.
    if procedure.list != "HC" || code.is_empty() || !matches!(unit.as_str(), "UN" | "") {
        return Err(NO_CODE);
    }
    Ok(Line { code, units: units.ok_or(NO_CODE)?, from, to })
}

/// ICD-10-CM codes, the principal one first.
fn diagnoses(hi: Option<&Hi>) -> Result<Vec<String>, Refused> {
    let h = hi.ok_or(NO_DIAGNOSIS)?;
    let all = [
        &h.info_1, &h.info_2, &h.info_3, &h.info_4, &h.info_5, &h.info_6, &h.info_7, &h.info_8,
        &h.info_9, &h.info_10, &h.info_11, &h.info_12,
    ];
    let mut told: Vec<_> = all.into_iter().filter(|i| **i != Information::default()).collect();
    let icd = |list: &str| matches!(list, "ABK" | "ABF" | "ABJ" | "APR");
    if told.is_empty() || !told.iter().all(|i| icd(&i.list)) {
        return Err(NO_DIAGNOSIS);
    }
    told.sort_by_key(|i| i.list != "ABK");
    Ok(told.into_iter().map(|i| dotted(&i.code)).collect())
}

/// Whether an event says something the canonical request has no place for: whether anything is left when all is taken out that was
/// read, or that is not part of what is asked (charges, and type and place of service beside the setting).
fn says_more(event: &t278::PatientEvent, um: &Um, renews: Option<&str>) -> bool {
    let left = t278::PatientEvent {
        hl: Hl::default(),
        traces: Vec::new(),
        um: None,
        references: Vec::new(),
        dates: Vec::new(),
        diagnoses: None,
        documents: Vec::new(),
        parties: Vec::new(),
        services: Vec::new(),
        ..event.clone()
    };
    left != t278::PatientEvent::default()
        || um_says_more(um)
        || !event.references.iter().all(|number| is_renewed(number, renews))
        || other_days(&event.dates)
        || event.services.iter().any(|service| service_says_more(service, um, renews))
}

fn service_says_more(service: &t278::Service, um: &Um, renews: Option<&str>) -> bool {
    let left = t278::Service {
        hl: Hl::default(),
        traces: Vec::new(),
        um: None,
        references: Vec::new(),
        dates: Vec::new(),
        professional: None,
        institutional: None,
        documents: Vec::new(),
        parties: Vec::new(),
        ..service.clone()
    };
    let other_um = |own: &Um| {
        // The setting is the event's: a service of an admission may well be called a health service.
        let category = own.category == um.category || own.category == "HS";
        let kind = own.certification.is_empty() || own.certification == certification(um);
        let level = own.level.is_empty() || urgency(own) == urgency(um);
        !(category && kind && level) || um_says_more(own)
    };
    let both = service.professional.is_some() && service.institutional.is_some();
    left != t278::Service::default()
        || both
        || service.um.as_ref().is_some_and(other_um)
        || service.professional.as_ref().is_some_and(professional_says_more)
        || service.institutional.as_ref().is_some_and(institutional_says_more)
        || !service.references.iter().all(|number| is_renewed(number, renews))
        || service.dates.iter().any(|date| date.of != "472")
}

fn um_says_more(um: &Um) -> bool {
    let left = Um {
        category: String::new(),
        certification: String::new(),
        service_type: String::new(),
        facility: Facility::default(),
        level: String::new(),
        release: String::new(),
        ..um.clone()
    };
    left != Um::default()
}

fn professional_says_more(service: &Sv1) -> bool {
    let left = Sv1 {
        procedure: Procedure::default(),
        amount: None,
        unit: String::new(),
        quantity: None,
        facility: String::new(),
        service_type: String::new(),
        // All diagnoses go with all services.
        diagnoses: Parts::default(),
        ..service.clone()
    };
    left != Sv1::default() || procedure_says_more(&service.procedure)
}

fn institutional_says_more(service: &Sv2) -> bool {
    let left = Sv2 {
        procedure: Procedure::default(),
        amount: None,
        unit: String::new(),
        quantity: None,
        ..service.clone()
    };
    left != Sv2::default() || procedure_says_more(&service.procedure)
}

/// Modifiers, or a range of codes.
fn procedure_says_more(procedure: &Procedure) -> bool {
    let left = Procedure {
        list: String::new(),
        code: String::new(),
        description: String::new(),
        ..procedure.clone()
    };
    left != Procedure::default()
}

/// Whether a number is that of the authorization a renewal renews.
fn is_renewed(number: &Ref, renews: Option<&str>) -> bool {
    number.list == "BB" && renews == Some(number.number.trim())
}

/// Whether there are days other than those of service. A day of admission or discharge that is one of these says nothing new.
fn other_days(dates: &[Dtp]) -> bool {
    let of_service = days(dates).ok().flatten();
    dates.iter().any(|date| match (date.of.as_str(), of_service) {
        ("472", _) => false,
        ("435", Some((from, _))) => span(date) != Some((from, from)),
        ("096", Some((_, to))) => span(date) != Some((to, to)),
        _ => true,
    })
}
