//! From an answer of 278 to the same value that PAS is read into: one reading of decisions, whatever format brought them.

use exchange::{
    pas::{
        answer::{Answer, Granted, Line, Refused, Review as Decided, Stage},
        code::ReviewAction,
        request::Key,
        task::{Thing, Wanted},
    },
    x12::{
        parts::{Aaa, Dtp, Ref},
        parts_review::{Hcr, Hi, Pwk},
        t278::{PatientEvent, Review, Service},
    },
};

/// Every event of an answer, as an answer of its own. `company` is how we are named in traces; `inquiry` is the trace of an inquiry,
/// which is that of no request.
pub(super) fn answers(review: &Review, company: &str, inquiry: &str) -> Vec<Answer> {
    let preliminary = review.is_preliminary();
    let one = |event| Answer { preliminary, ..answer(event, company, inquiry) };
    review.events().map(one).collect()
}

/// What an inquiry shows: the events that are of a request, decided or not; and why no others are shown, which is said above the events
/// or at one that names nothing but the inquiry.
pub(super) fn shown<'r>(
    review: &'r Review,
    company: &str,
    inquiry: &str,
) -> (Vec<Answer>, Vec<&'r Aaa>) {
    let mut refused = refusals(review);
    let mut shown = Vec::new();
    for (event, answer) in review.events().zip(answers(review, company, inquiry)) {
        let told = |line: &Line| line.review.is_some() || line.pend_number.is_some();
        let named = answer.request.is_some() || answer.id.is_some();
        if named || answer.lines.iter().any(told) {
            shown.push(answer);
        } else {
            refused.extend(&event.refusals);
            refused.extend(event.services.iter().flat_map(|service| &service.refusals));
        }
    }
    (shown, refused)
}

/// Refusals above the events: of the payer, the provider or the member.
pub(super) fn refusals(review: &Review) -> Vec<&Aaa> {
    let mut all: Vec<&Aaa> = Vec::new();
    for reviewer in &review.reviewers {
        all.extend(&reviewer.refusals);
        all.extend(reviewer.name.iter().flat_map(|name| &name.refusals));
        for requester in &reviewer.requesters {
            all.extend(requester.name.iter().flat_map(|name| &name.refusals));
            for subscriber in &requester.subscribers {
                all.extend(subscriber.member.iter().flat_map(|member| &member.refusals));
                let dependents = subscriber.dependents.iter().flat_map(|d| &d.member);
                all.extend(dependents.flat_map(|member| &member.refusals));
            }
        }
    }
    all
}

fn answer(event: &PatientEvent, company: &str, inquiry: &str) -> Answer {
    let mut ours = event.traces.iter().filter(|trace| trace.company == company);
    let own = ours.find(|trace| trace.number != inquiry);
    let theirs = event.traces.iter().find(|trace| trace.company != company);
    let key = |value: &str| Key { system: None, value: value.to_owned() };
    let lines = if event.services.is_empty() {
        vec![whole(event)]
    } else {
        event.services.iter().zip(1..).map(|(service, at)| line(event, service, at)).collect()
    };
    let notes = std::iter::once(&event.message)
        .chain(event.services.iter().map(|service| &service.message))
        .flatten()
        .map(|message| message.text.clone());
    let of_services = event.services.iter().zip(1..).flat_map(|(service, at)| {
        service.refusals.iter().map(move |aaa| Refused { line: Some(at), ..refused(aaa) })
    });
    let refused: Vec<Refused> = event.refusals.iter().map(refused).chain(of_services).collect();
    Answer {
        id: theirs.map(|trace| key(&trace.number)),
        request: own.map(|trace| key(&trace.number)),
        stage: match (event.refusals.is_empty(), refused.is_empty()) {
            (false, _) => Stage::Error,
            (true, false) => Stage::Partial,
            (true, true) => Stage::Complete,
        },
        number: event.decision.as_ref().and_then(|hcr| decided(hcr).number),
        lines,
        refused,
        notes: (1..).zip(notes).collect(),
        wanted: wanted(event),
        ..Answer::default()
    }
}

/// The answer to a request of which only refusals came back.
pub(super) fn refused_whole(refusals: Vec<&Aaa>) -> Answer {
    let refused = refusals.into_iter().map(refused).collect();
    Answer { stage: Stage::Error, refused, ..Answer::default() }
}

/// A refusal at the door.
pub(super) fn refused(aaa: &Aaa) -> Refused {
    Refused {
        code: aaa.reason.clone(),
        followup: Some(aaa.follow_up.clone()).filter(|text| !text.is_empty()),
        ..Refused::default()
    }
}

fn decided(hcr: &Hcr) -> Decided {
    Decided {
        action: ReviewAction::of(&hcr.action),
        number: Some(hcr.number.clone()).filter(|number| !number.is_empty()),
        reasons: hcr.reasons.iter().filter(|reason| !reason.is_empty()).cloned().collect(),
        second_opinion: None,
    }
}

fn number(references: &[Ref], list: &str) -> Option<String> {
    let found = references.iter().find(|r| r.list == list).map(|r| r.number.clone());
    found.filter(|number| !number.is_empty())
}

/// First and last day of what was certified, as FHIR writes days.
fn certified(dates: &[Dtp]) -> (Option<String>, Option<String>) {
    let Some(dtp) = dates.iter().find(|dtp| dtp.of == "AAH") else { return (None, None) };
    let day = |text: &str| {
        let whole = text.len() == 8 && text.bytes().all(|b| b.is_ascii_digit());
        whole.then(|| format!("{}-{}-{}", &text[..4], &text[4..6], &text[6..]))
    };
    match dtp.value.split_once('-') {
        Some((from, to)) => (day(from), day(to)),
        None => (day(&dtp.value), day(&dtp.value)),
    }
}

/// What is said of an event as a whole.
fn whole(event: &PatientEvent) -> Line {
    let (valid_from, valid_to) = certified(&event.dates);
    Line {
        sequence: 1,
        review: event.decision.as_ref().map(decided),
        pend_number: number(&event.references, "NT"),
        previous_number: number(&event.references, "BB"),
        valid_from,
        valid_to,
        ..Line::default()
    }
}

/// What is said of a service; what it leaves out, the event says. What was refused at the door was not judged, whatever the event says.
fn line(event: &PatientEvent, service: &Service, sequence: u32) -> Line {
    let above = whole(event);
    let judged = service.refusals.is_empty();
    let (valid_from, valid_to) = certified(&service.dates);
    let own = service.decision.as_ref().map(decided);
    let review = own.or(above.review.filter(|_| judged));
    let changed = review.as_ref().is_some_and(|review| review.action == ReviewAction::Changed);
    let units = service.delivery.as_ref().and_then(|hsd| hsd.quantity.as_ref());
    let code = service.professional.as_ref().map(|sv1| sv1.procedure.code.clone());
    let granted = units.filter(|_| changed).map(|units| Granted {
        procedure: Key { system: None, value: code.unwrap_or_default() },
        units: units.to_string().parse().ok(),
        ..Granted::default()
    });
    Line {
        sequence,
        review,
        pend_number: number(&service.references, "NT").or(above.pend_number),
        previous_number: number(&service.references, "BB").or(above.previous_number),
        valid_from: valid_from.or(above.valid_from.filter(|_| judged)),
        valid_to: valid_to.or(above.valid_to.filter(|_| judged)),
        granted,
        ..Line::default()
    }
}

/// Documents the payer names, for the event and for single services.
fn wanted(event: &PatientEvent) -> Vec<Wanted> {
    let mut all = named(&event.documents, event.diagnoses.as_ref(), None);
    for (service, at) in event.services.iter().zip(1..) {
        all.extend(named(&service.documents, service.diagnoses.as_ref(), Some(at)));
    }
    all
}

/// Reports by PWK, and by LOINC where HI names them.
fn named(documents: &[Pwk], codes: Option<&Hi>, line: Option<u32>) -> Vec<Wanted> {
    let one = |thing| Wanted { thing, line, control_number: None };
    let reports = documents.iter().map(|pwk| one(Thing::Report(pwk.kind.clone())));
    let infos = codes.into_iter().flat_map(|hi| {
        [
            &hi.info_1,
            &hi.info_2,
            &hi.info_3,
            &hi.info_4,
            &hi.info_5,
            &hi.info_6,
            &hi.info_7,
            &hi.info_8,
            &hi.info_9,
            &hi.info_10,
            &hi.info_11,
            &hi.info_12,
        ]
    });
    let loinc = infos.filter(|info| info.list == "LOI");
    reports.chain(loinc.map(|info| one(Thing::Loinc(info.code.clone())))).collect()
}

#[cfg(test)]
mod tests {
    use exchange::{
        pas::code::Decision,
        x12::{file::File, transaction::Transaction},
    };

    use super::*;

    fn read(event: &str) -> Vec<Answer> {
        answers(&review("18", "", event), "9RIVER0000", "")
    }

    /// An answer with this for its BHT06, this at the member, and these events.
    fn review(kind: &str, member: &str, event: &str) -> Review {
        let text = format!(
            "ISA*00*          *00*          *ZZ*LARKFIELD      *ZZ*RIVER          *261121*0931*^*00501*000000009*0*T*:~\
             GS*HI*LARKFIELD*RIVER*20261121*0931*9*X*005010X217~ST*278*0001*005010X217~\
             BHT*0007*11*F1*20261121*0931*{kind}~HL*1**20*1~NM1*X3*2*P*****PI*P1~HL*2*1*21*1~\
             NM1*1P*2*R*****XX*1234567893~HL*3*2*22*1~NM1*IL*1*BIRCH*TESTB****MI*W1~{member}{event}SE*9*0001~GE*1*9~IEA*1*000000009~"
        );
        let (file, _) = File::read(text.as_bytes()).unwrap();
        match &file.interchanges[0].groups[0].sets[0] {
            Transaction::Review(review) => review.clone(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn services_decide_and_a_refusal_at_the_door_is_no_denial() {
        let two = read(
            "HL*4*3*EV*1~TRN*2*F1*9RIVER0000~TRN*1*LN7*9LARKFIELD~UM*HS*I~HCR*A6*AUTH7~REF*NT*P7~\
             DTP*AAH*RD8*20261201-20270228~HL*5*4*SS*0~UM*HS*I~HCR*A1*AUTH7~SV1*HC:72148**UN*1~\
             HL*6*4*SS*0~UM*HS*I~HCR*A6*AUTH7~SV1*HC:97110**UN*24~HSD*VS*12~",
        );
        let [one] = two.as_slice() else { panic!("{two:?}") };
        assert_eq!(one.decision(), Decision::Modified);
        assert_eq!(one.id.as_ref().map(|id| id.value.as_str()), Some("LN7"));
        assert_eq!(one.request.as_ref().map(|id| id.value.as_str()), Some("F1"));
        let line = &one.lines[1];
        assert_eq!(line.granted.as_ref().and_then(|granted| granted.units), Some(12));
        assert_eq!(
            (line.valid_to.as_deref(), line.pend_number.as_deref()),
            (Some("2027-02-28"), Some("P7"))
        );

        let denied = read("HL*4*3*EV*0~TRN*2*F1*9RIVER0000~UM*HS*I~HCR*A3**0F~");
        assert_eq!(denied[0].decision(), Decision::Denied);
        let door = read("HL*4*3*EV*0~TRN*2*F1*9RIVER0000~AAA*N**AF*C~UM*HS*I~");
        assert_eq!(door[0].decision(), Decision::Rejected);
        // Refused above every event: the reason tells whether it was at the door, or whether an answer may come all the same.
        let aaa = |reason: &str, follow_up: &str| Aaa {
            reason: reason.to_owned(),
            follow_up: follow_up.to_owned(),
            ..Aaa::default()
        };
        for (reason, follow_up, for_good) in
            [("72", "C", true), ("42", "Y", false), ("42", "", false), ("72", "W", false)]
        {
            let whole = refused_whole(vec![&aaa(reason, follow_up)]);
            assert_eq!(whole.decision(), Decision::Rejected);
            assert_eq!(whole.is_refused_for_good(), for_good, "{reason} {follow_up}");
        }
        let pended = read("HL*4*3*EV*0~TRN*2*F1*9RIVER0000~UM*HS*I~HCR*A4**0U~PWK*77*EL~");
        assert_eq!(pended[0].decision(), Decision::PendedInfo);
        assert_eq!(pended[0].wanted.len(), 1);
    }

    /// An event of two services, the second of which was refused at the door.
    fn half_refused(event: &str) -> Answer {
        let services = "HL*5*4*SS*0~UM*HS*I~HCR*A1*AUTH7~SV1*HC:72148**UN*1~HL*6*4*SS*0~AAA*N**AG*C~UM*HS*I~SV1*HC:97110**UN*24~";
        let event = format!("HL*4*3*EV*1~TRN*2*F1*9RIVER0000~{event}{services}");
        read(&event).remove(0)
    }

    #[test]
    fn a_service_that_was_refused_at_the_door_is_not_approved_with_the_event() {
        let one = half_refused("UM*HS*I~HCR*A1*AUTH7~DTP*AAH*RD8*20261201-20270228~");
        assert_eq!(one.decision(), Decision::PartlyApproved);
        assert_eq!((one.refused[0].line, one.lines[1].review.is_none()), (Some(2), true));
        assert_eq!(one.lines[0].valid_to.as_deref(), Some("2027-02-28"));
        assert_eq!(one.lines[1].valid_to, None);
        // The event decides nothing as a whole: the service is refused all the same, and not waited for.
        assert_eq!(half_refused("UM*HS*I~").decision(), Decision::PartlyApproved);
        // Refused above, and granted all the same: a person reads it.
        assert_eq!(
            half_refused("AAA*N**72*C~UM*HS*I~HCR*A1*AUTH7~").decision(),
            Decision::Unmapped
        );
        let all = read(
            "HL*4*3*EV*1~TRN*2*F1*9RIVER0000~UM*HS*I~HCR*A1*AUTH7~HL*5*4*SS*0~AAA*N**AG*C~UM*HS*I~",
        );
        assert_eq!((all[0].decision(), all[0].numbers()), (Decision::Rejected, vec!["AUTH7"]));
        assert!(!all[0].is_refused_for_good(), "a number stays with the payer");
    }

    #[test]
    fn documents_wanted_for_one_service_are_told_of_it() {
        let codes = ["ABK:M5416"; 6].join("*");
        let one = read(&format!(
            "HL*4*3*EV*1~TRN*2*F1*9RIVER0000~UM*HS*I~HI*{codes}*LOI:11111-1~HL*5*4*SS*0~UM*HS*I~HCR*A1*AUTH7~\
             HL*6*4*SS*0~UM*HS*I~HCR*A4**0V~HI*LOI:18842-5~PWK*77*EL~"
        ));
        let wanted: Vec<_> = one[0].wanted.iter().map(|w| (w.line, w.thing.clone())).collect();
        assert_eq!(
            wanted,
            [
                (None, Thing::Loinc("11111-1".to_owned())),
                (Some(2), Thing::Report("77".to_owned())),
                (Some(2), Thing::Loinc("18842-5".to_owned())),
            ]
        );
    }

    #[test]
    fn what_an_inquiry_shows_is_every_event_of_a_request() {
        let none = "HL*4*3*EV*0~TRN*2*Q1*9RIVER0000~AAA*N**AA*C~UM*HS~";
        let ours = "HL*4*3*EV*0~TRN*2*Q1*9RIVER0000~TRN*2*F1*9RIVER0000~UM*HS*I~";
        let theirs = "HL*4*3*EV*0~TRN*2*Q1*9RIVER0000~TRN*1*LN7*9LARKFIELD~UM*HS*I~";
        let refused = "HL*4*3*EV*0~TRN*2*F1*9RIVER0000~AAA*N**AG*C~UM*HS*I~";
        let said = |member: &str, event: &str| {
            let review = review("18", member, event);
            let (answers, refused) = shown(&review, "9RIVER0000", "Q1");
            let reasons: Vec<String> = refused.iter().map(|aaa| aaa.reason.clone()).collect();
            (answers.len(), reasons.join(" "))
        };
        assert_eq!(said("", none), (0, "AA".to_owned()));
        assert_eq!(said("AAA*N**75*C~", none), (0, "75 AA".to_owned()));
        // Not decided yet, named by the payer alone, refused: each is a request that the payer has or had.
        for event in [ours, theirs, refused] {
            assert_eq!(said("", event), (1, String::new()), "{event}");
        }
        assert_eq!(said("", "HL*4*3*EV*0~TRN*2*Q1*9RIVER0000~UM*HS~"), (0, String::new()));
    }

    #[test]
    fn a_preliminary_answer_decides_nothing_yet() {
        let event = "HL*4*3*EV*0~TRN*2*F1*9RIVER0000~UM*HS*I~HCR*A1*AUTH7~";
        let said = |kind| answers(&review(kind, "", event), "9RIVER0000", "")[0].decision();
        assert_eq!((said("18"), said("19")), (Decision::Approved, Decision::PendedReview));
    }
}
