//! Invented requests, answers and bundles.

use exchange::pas::{
    answer::{Answer, Granted, Line, Review, Stage},
    bundle::Bundle,
    code::ReviewAction,
    inquiry::Inquiry,
    name::system,
    request::{Attached, Diagnosis, Key, Member, Naming, Party, Person, Request, Service},
    task::{Thing, Wanted},
};
use serde_json::Value;

pub(super) fn naming() -> Naming {
    Naming::new("https://clinic.example/fhir", "PA-000401")
}

pub(super) fn party(npi: &str, name: &str) -> Party {
    Party { keys: vec![Key::of(system::NPI, npi)], name: Some(name.to_owned()), taxonomy: None }
}

pub(super) fn service(sequence: u32, code: &str, units: u32) -> Service {
    Service {
        sequence,
        request_type: "HS".to_owned(),
        certification: "I".to_owned(),
        category: "73".to_owned(),
        procedure: Key::of(system::CPT, code),
        units: Some(units),
        from: Some("2026-12-01".to_owned()),
        to: Some("2026-12-31".to_owned()),
        place: Some("11".to_owned()),
        diagnoses: vec![1],
        team: vec![1],
        ..Service::default()
    }
}

pub(super) fn request() -> Request {
    Request {
        exchange: Key::of("urn:clinic:exchange", "X-000401"),
        id: Key::of("urn:clinic:request", "PA-000401"),
        timestamp: "2026-11-21T09:30:00Z".to_owned(),
        created: "2026-11-21".to_owned(),
        kind: "professional".to_owned(),
        patient: Person {
            member: Key::of("urn:acme:member", "W123456789"),
            family: "BIRCH".to_owned(),
            given: "TESTB".to_owned(),
            birth_date: "1980-02-14".to_owned(),
            gender: Some("female".to_owned()),
        },
        insurer: Party {
            keys: vec![Key::of("urn:payers", "ACME1")],
            name: Some("ACME HEALTH PLAN".to_owned()),
            taxonomy: None,
        },
        provider: party("1234567893", "RIVER CLINIC"),
        team: vec![Member {
            sequence: 1,
            party: Party {
                taxonomy: Some("2085R0202X".to_owned()),
                ..party("1999999984", "RIVER IMAGING")
            },
            role: Some("SJ".to_owned()),
            overall: true,
        }],
        priority: "normal".to_owned(),
        level_of_service: None,
        diagnoses: vec![Diagnosis {
            sequence: 1,
            code: "M54.16".to_owned(),
            kind: Some("principal".to_owned()),
        }],
        services: vec![service(1, "72148", 1), service(2, "97110", 24)],
        documents: vec![Attached {
            sequence: 1,
            report_type: Some("77".to_owned()),
            control_number: Some("ATT000401".to_owned()),
            title: Some("notes".to_owned()),
            content_type: Some("application/pdf".to_owned()),
            data: Some("JVBERi0xLjQK".to_owned()),
            change: None,
        }],
        messages: vec!["six weeks of exercises did not help".to_owned()],
        updates: None,
    }
}

pub(super) fn line(sequence: u32, action: ReviewAction) -> Line {
    let number = action.grants().then(|| "AUTH0042".to_owned());
    let reasons = match action {
        ReviewAction::Refused => vec!["0F".to_owned()],
        ReviewAction::Pended => vec!["0V".to_owned()],
        _ => Vec::new(),
    };
    Line {
        sequence,
        review: Some(Review { action, number, reasons, second_opinion: None }),
        ..Line::default()
    }
}

pub(super) fn answer(lines: Vec<Line>) -> Answer {
    Answer {
        exchange: Some(Key::of("urn:acme:exchange", "R-1")),
        id: Some(Key::of("urn:acme:answer", "A-1")),
        request: Some(Key::of("urn:clinic:request", "PA-000401")),
        timestamp: "2026-11-21T09:31:00Z".to_owned(),
        created: "2026-11-21".to_owned(),
        stage: Stage::Complete,
        lines,
        ..Answer::default()
    }
}

/// An answer with every part there is.
pub(super) fn full_answer() -> Answer {
    let mut modified = line(2, ReviewAction::Changed);
    modified.valid_from = Some("2026-12-01".to_owned());
    modified.valid_to = Some("2027-01-29".to_owned());
    modified.issued = Some("2026-11-21".to_owned());
    modified.previous_number = Some("AUTH0001".to_owned());
    modified.notes = vec![1];
    modified.granted = Some(Granted {
        procedure: Key::of(system::CPT, "97110"),
        units: Some(12),
        from: Some("2026-12-01".to_owned()),
        to: Some("2027-01-29".to_owned()),
    });
    let mut pended = line(1, ReviewAction::Pended);
    pended.pend_number = Some("PEND77120".to_owned());
    let mut out = answer(vec![pended, modified]);
    out.notes = vec![(1, "twelve of twenty-four units".to_owned())];
    out.wanted = vec![
        Wanted {
            thing: Thing::Report("77".to_owned()),
            line: None,
            control_number: Some("C-1".to_owned()),
        },
        Wanted {
            thing: Thing::Loinc("18842-5".to_owned()),
            line: Some(1),
            control_number: Some("C-1".to_owned()),
        },
    ];
    out.human_reviewed = Some(true);
    out.disposition = Some("in review".to_owned());
    out
}

pub(super) fn inquiry() -> Inquiry {
    let request = request();
    Inquiry {
        exchange: request.exchange,
        id: request.id,
        timestamp: request.timestamp,
        created: request.created,
        patient: request.patient,
        insurer: request.insurer,
        provider: request.provider,
        diagnoses: request.diagnoses,
        from: Some("2026-12-01".to_owned()),
        to: Some("2026-12-31".to_owned()),
        number: Some("AUTH0042".to_owned()),
        pend_number: Some("PEND77120".to_owned()),
        procedure: None,
    }
}

pub(super) fn bundle(value: &Value) -> Bundle {
    exchange::pas::read(value.to_string().as_bytes(), "Bundle").unwrap()
}
