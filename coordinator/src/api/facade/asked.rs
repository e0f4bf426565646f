//! From a request in PAS to the canonical one, and the other way for cases that came by another door.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use domain::request::{self, PriorAuth, Setting, Urgency};
use exchange::pas::{
    fault::{Code, Fault},
    name::system,
    request::{Attached, Diagnosis, Key, Member, Party, Person, Request, Service},
};

const CLAIM: &str = "Bundle.entry[0].resource";

/// The canonical request, without its documents.
///
/// # Errors
/// Everything in it that the fleet cannot work, each with its place.
pub(super) fn canonical(asked: &Request) -> Result<PriorAuth, Vec<Fault>> {
    let mut faults = Vec::new();
    if asked.updates.is_some() {
        let detail = "updates are not taken here: withdraw the case, or hand in a new request";
        faults.push(Fault::error(Code::Value, format!("{CLAIM}.related"), detail));
    }
    let renews = renewed(asked, &mut faults);
    let lines = asked.services.iter().enumerate();
    let lines = lines.filter_map(|(i, service)| line(i, service, &mut faults)).collect();
    let requesting = provider(&asked.provider, "provider", &mut faults);
    let servicing = servicing(asked, &requesting, &mut faults);
    let Ok(dob) = asked.patient.birth_date.parse() else {
        let detail = "a day of birth is a whole date of the calendar";
        faults.push(Fault::error(Code::Value, format!("{CLAIM}.patient"), detail));
        return Err(faults);
    };
    if !faults.is_empty() {
        return Err(faults);
    }
    Ok(PriorAuth {
        plan: None,
        member: request::Member {
            id: asked.patient.member.value.clone(),
            last_name: asked.patient.family.clone(),
            first_name: asked.patient.given.clone(),
            dob,
        },
        requesting,
        servicing,
        urgency: if asked.is_urgent() { Urgency::Expedited } else { Urgency::Standard },
        setting: setting(asked),
        diagnoses: diagnoses(asked),
        lines,
        documents: Vec::new(),
        attestations: Vec::new(),
        renews,
    })
}

/// The principal diagnosis first.
fn diagnoses(asked: &Request) -> Vec<String> {
    let mut all: Vec<&Diagnosis> = asked.diagnoses.iter().collect();
    all.sort_by_key(|d| (d.kind.as_deref() != Some("principal"), d.sequence));
    all.into_iter().map(|d| dotted(&d.code)).collect()
}

/// ICD-10-CM with its dot; X12 sends the codes without.
pub(super) fn dotted(code: &str) -> String {
    let code = code.trim().to_ascii_uppercase();
    match code.split_at_checked(3) {
        Some((head, tail)) if !tail.is_empty() && !code.contains('.') => format!("{head}.{tail}"),
        _ => code,
    }
}

fn setting(asked: &Request) -> Setting {
    let is = |kind: &str| asked.services.iter().any(|s| s.request_type == kind);
    if is("AR") {
        Setting::Inpatient
    } else if is("SC") {
        Setting::Referral
    } else {
        Setting::Outpatient
    }
}

/// What a renewal renews. All items must be of one type: initial, or renewal of one authorization.
fn renewed(asked: &Request, faults: &mut Vec<Fault>) -> Option<String> {
    let mut number: Option<&str> = None;
    let first = asked.services.first().map(|s| s.certification.as_str());
    for (i, service) in asked.services.iter().enumerate() {
        let mut fault = |detail| {
            let place = format!("{CLAIM}.item[{i}].extension");
            faults.push(Fault::error(Code::Value, place, detail));
        };
        if Some(service.certification.as_str()) != first {
            fault("all items of a request are of one type of certification here");
        }
        match (service.certification.as_str(), service.authorization.as_deref()) {
            ("I", _) => {}
            ("R", Some(own)) if number.is_none_or(|known| known == own) => number = Some(own),
            ("R", Some(_)) => fault("a request renews one authorization"),
            ("R", None) => fault("a renewal names the authorization it renews"),
            _ => fault("initial requests and renewals are taken here, nothing else"),
        }
    }
    number.map(str::to_owned)
}

fn line(i: usize, service: &Service, faults: &mut Vec<Fault>) -> Option<request::Line> {
    if !service.modifiers.is_empty() {
        let detail = "modifiers are not taken here: they would not reach the payer";
        faults.push(Fault::error(Code::Value, format!("{CLAIM}.item[{i}].modifier"), detail));
    }
    let mut need = |good: bool, field: &str, detail| {
        if !good {
            faults.push(Fault::error(Code::Missing, format!("{CLAIM}.item[{i}].{field}"), detail));
        }
    };
    need(service.units.is_some(), "quantity", "a number of units is needed here");
    need(service.from.is_some(), "serviced[x]", "days of service are needed here");
    let day = |text: &Option<String>| text.as_deref()?.parse().ok();
    let from = day(&service.from)?;
    Some(request::Line {
        code: service.procedure.value.trim().to_ascii_uppercase(),
        units: service.units?,
        from,
        to: day(&service.to).unwrap_or(from),
    })
}

fn provider(party: &Party, place: &str, faults: &mut Vec<Fault>) -> request::Provider {
    let npi = party.npi().unwrap_or_else(|| {
        let detail = "a National Provider Identifier is needed here";
        faults.push(Fault::error(Code::Missing, format!("{CLAIM}.{place}"), detail));
        ""
    });
    request::Provider {
        npi: npi.to_owned(),
        name: party.name.clone(),
        taxonomy: party.taxonomy.clone(),
    }
}

/// Who gives the services: the one provider of the team in that role, or its only member where no role is told. Where there is no team,
/// it is who asks. Another provider has no place in the canonical request, unless it is one of these two once more.
fn servicing(
    asked: &Request,
    requesting: &request::Provider,
    faults: &mut Vec<Fault>,
) -> request::Provider {
    let is_servicing = |member: &Member| member.role.as_deref() == Some("SJ");
    let named = match asked.team.as_slice() {
        [] => return requesting.clone(),
        [only] if only.role.is_none() => Some(0),
        team => team.iter().position(is_servicing),
    };
    let Some(named) = named else {
        let detail = "who gives the services is a member of the team in the role SJ";
        faults.push(Fault::error(Code::Missing, format!("{CLAIM}.careTeam"), detail));
        return requesting.clone();
    };
    let place = |at: usize| format!("careTeam[{at}].provider");
    let servicing = provider(&asked.team[named].party, &place(named), faults);
    for (at, member) in asked.team.iter().enumerate().filter(|(at, _)| *at != named) {
        let npi = member.party.npi();
        let again = npi == Some(&*requesting.npi) && !is_servicing(member);
        if npi != Some(&*servicing.npi) && !again {
            let detail = "a provider beside who asks and who gives all services is not taken here";
            faults.push(Fault::error(Code::Value, format!("{CLAIM}.{}", place(at)), detail));
        }
    }
    servicing
}

/// The bytes of a document, with its place among the documents.
///
/// # Errors
/// It has none, or they are not base64.
pub(super) fn bytes_of(i: usize, document: &Attached) -> Result<Bytes, Fault> {
    let place = format!("{CLAIM}.supportingInfo[{i}]");
    let Some(data) = &document.data else {
        let detail = "a document comes as a DocumentReference that holds its bytes";
        return Err(Fault::error(Code::Missing, place, detail));
    };
    let plain: String = data.split_ascii_whitespace().collect();
    let bytes = STANDARD.decode(plain);
    bytes
        .map(Bytes::from)
        .map_err(|_| Fault::error(Code::Value, place, "the bytes of a document are base64"))
}

/// A case that came by another door, in the words of PAS: items are numbered in their order.
pub(super) fn spoken(case: &str, payer: &str, request: &PriorAuth, created: &str) -> Request {
    let party = |p: &request::Provider| Party {
        keys: vec![Key::of(system::NPI, &p.npi)],
        name: p.name.clone(),
        taxonomy: p.taxonomy.clone(),
    };
    let services = request.lines.iter().zip(1..).map(|(line, sequence)| Service {
        sequence,
        request_type: match request.setting {
            Setting::Inpatient => "AR",
            Setting::Outpatient => "HS",
            Setting::Referral => "SC",
        }
        .to_owned(),
        certification: if request.renews.is_some() { "R" } else { "I" }.to_owned(),
        procedure: Key { system: None, value: line.code.clone() },
        units: Some(line.units),
        from: Some(line.from.to_string()),
        to: Some(line.to.to_string()),
        authorization: request.renews.clone(),
        ..Service::default()
    });
    let own = Key::of("urn:fleet:case", case);
    Request {
        exchange: own.clone(),
        id: own,
        timestamp: created.to_owned(),
        created: created.to_owned(),
        kind: "professional".to_owned(),
        patient: Person {
            member: Key { system: None, value: request.member.id.clone() },
            family: request.member.last_name.clone(),
            given: request.member.first_name.clone(),
            birth_date: request.member.dob.to_string(),
            gender: None,
        },
        insurer: Party { keys: vec![Key::of("urn:fleet:payer", payer)], ..Party::default() },
        provider: party(&request.requesting),
        team: vec![Member {
            sequence: 1,
            party: party(&request.servicing),
            role: Some("SJ".to_owned()),
            overall: true,
        }],
        priority: match request.urgency {
            Urgency::Standard => "normal",
            Urgency::Expedited => "stat",
        }
        .to_owned(),
        services: services.collect(),
        ..Request::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_get_their_dot_once() {
        for (came, wanted) in
            [("m5450", "M54.50"), ("M54.50", "M54.50"), ("I10", "I10"), ("é", "é")]
        {
            assert_eq!(dotted(came), wanted);
        }
    }

    #[test]
    fn bytes_that_are_none_are_told_without_their_text() {
        let of =
            |data: Option<&str>| Attached { data: data.map(str::to_owned), ..Attached::default() };
        assert_eq!(bytes_of(0, &of(Some("JVBE\nRi0="))).expect("whole").as_ref(), b"%PDF-");
        assert_eq!(bytes_of(2, &of(None)).expect_err("nothing").code, Code::Missing);
        let fault = bytes_of(2, &of(Some("ALDER!"))).expect_err("no base64");
        assert_eq!(fault.path, "Bundle.entry[0].resource.supportingInfo[2]");
        assert!(!fault.to_string().contains("ALDER"));
    }
}
