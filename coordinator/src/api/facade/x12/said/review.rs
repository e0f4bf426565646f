//! The answer to a 278: what was decided of the event and of each of its services, or why nothing was.

use exchange::{
    pas::{
        answer::{Answer, Line, Stage},
        code::ReviewAction,
    },
    x12::{
        parts::{Dtp, Ref},
        parts_review::Hcr,
        t278,
    },
};

use super::{
    super::asked::{Level, NOBODY, Refused, TURNED_AWAY},
    Pen, Standing, aaa, echoed, header,
};

/// Reason of list 886: another one than the list has.
const OTHER_REASON: &str = "25";

pub(super) fn review(mut set: t278::Review, standing: &Standing, pen: &Pen) -> t278::Review {
    let open = match standing {
        Standing::Reviewed(answer) => answer.lines.iter().any(|line| {
            line.review
                .as_ref()
                .is_some_and(|r| matches!(r.action, ReviewAction::Pended | ReviewAction::Call))
        }),
        _ => false,
    };
    header(&mut set.bht, "11", if open { "19" } else { "18" }, pen.now);
    let Some(reviewer) = set.reviewers.first_mut() else { return set };
    let refused = match standing {
        Standing::Refused(refused) => Some(*refused),
        Standing::Reviewed(answer) if answer.stage == Stage::Error && answer.lines.is_empty() => {
            Some(if answer.notes.is_empty() { NOBODY } else { TURNED_AWAY })
        }
        _ => None,
    };
    if let Some(refused) = refused.filter(|r| r.level == Level::Payer) {
        reviewer.refusals.push(aaa(&refused));
    }
    let Some(requester) = reviewer.requesters.first_mut() else { return set };
    if let Some(name) = &mut requester.name {
        (name.contacts, name.street, name.town) = (Vec::new(), None, None);
        name.refusals.extend(refused.filter(|r| r.level == Level::Provider).map(|r| aaa(&r)));
    }
    let Some(subscriber) = requester.subscribers.first_mut() else { return set };
    let (member, events) = match subscriber.dependents.first_mut() {
        Some(dependent) => (dependent.member.as_mut(), &mut dependent.events),
        None => (subscriber.member.as_mut(), &mut subscriber.events),
    };
    if let Some(member) = member {
        member.refusals.extend(refused.filter(|r| r.level == Level::Member).map(|r| aaa(&r)));
    }
    let Some(event) = events.first_mut() else { return set };
    echoed(&mut event.traces);
    event.documents.clear();
    event.services.iter_mut().for_each(|service| {
        echoed(&mut service.traces);
        service.documents.clear();
    });
    let mut words: Vec<String> = Vec::new();
    if let Some(refused) = refused {
        words.push(refused.say.to_owned());
        refuse(event, refused);
    }
    if let Standing::Reviewed(answer) = standing {
        words.extend(answer.notes.iter().map(|(_, text)| text.clone()));
        if words.is_empty() {
            // No words of the payer (yet): how the request stands is said in ours.
            words.extend(answer.disposition.clone());
        }
        // First, since a long message is cut off at its end.
        words = odd_numbers(answer, pen).into_iter().chain(words).collect();
        decided(event, answer, pen);
    }
    event.message = Some(pen.message(&words.join("; "))).filter(|m| !m.text.is_empty());
    set
}

/// The refusal of an event, and of the party it is about.
fn refuse(event: &mut t278::PatientEvent, refused: Refused) {
    let of_event = match refused.level {
        Level::Question => refused,
        Level::Servicing => {
            if let Some(party) = servicing(event) {
                party.refusals.push(aaa(&refused));
            }
            // The reason of a party has no place at the event, and an event that says nothing would be no answer.
            Refused { reason: "33", ..refused }
        }
        Level::Payer | Level::Provider | Level::Member => return,
    };
    event.refusals.push(aaa(&of_event));
}

/// The party that gives the services, else the first one.
fn servicing(event: &mut t278::PatientEvent) -> Option<&mut t278::Provider> {
    let of_services = event.services.iter_mut().flat_map(|service| &mut service.parties);
    let mut all: Vec<&mut t278::Provider> = event.parties.iter_mut().chain(of_services).collect();
    let at = all.iter().position(|party| party.name.entity == "SJ").unwrap_or(0);
    (at < all.len()).then(|| all.swap_remove(at))
}

/// Numbers of the payer that have no place in their elements, in words.
fn odd_numbers(answer: &Answer, pen: &Pen) -> Vec<String> {
    let Some(first) = answer.lines.first() else { return Vec::new() };
    let own = first.review.as_ref().and_then(|review| review.number.as_deref());
    let all = [own, first.pend_number.as_deref()];
    all.into_iter().flatten().filter_map(|number| pen.odd_number(number)).collect()
}

/// The review action on the event and on each of its services, with the payer's numbers and days.
fn decided(event: &mut t278::PatientEvent, answer: &Answer, pen: &Pen) {
    let number = |number: &Option<String>| number.as_deref().and_then(|n| pen.number(n));
    let hcr = |line: &Line| {
        line.review.as_ref().map(|review| Hcr {
            action: review.action.code().to_owned(),
            number: number(&review.number).unwrap_or_default(),
            reasons: match review.action {
                // A denial wants a reason, and the portal gave no code of the list.
                ReviewAction::Refused if review.reasons.is_empty() => vec![OTHER_REASON.to_owned()],
                _ => review.reasons.clone(),
            },
            ..Hcr::default()
        })
    };
    let Some(first) = answer.lines.first() else { return };
    event.decision = hcr(first);
    if let Some(number) = number(&first.pend_number) {
        event.references.retain(|r| r.list != "NT");
        event.references.push(Ref { list: "NT".to_owned(), number, ..Ref::default() });
    }
    let compact = |day: &String| day.replace('-', "");
    if let (Some(from), Some(to)) = (&first.valid_from, &first.valid_to) {
        event.dates.push(Dtp {
            of: "AAH".to_owned(),
            format: "RD8".to_owned(),
            value: format!("{}-{}", compact(from), compact(to)),
            ..Dtp::default()
        });
    }
    for (service, line) in event.services.iter_mut().zip(&answer.lines) {
        service.decision = hcr(line);
    }
}
