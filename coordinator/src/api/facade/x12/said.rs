//! The answer to a question in X12: the question's own levels and numbers, with what the payer said put into them.

use domain::outcome::{Answer as Word, Outcome, ReferenceKind};
use exchange::{
    pas::{
        answer::{Answer, Stage},
        code::ReviewAction,
    },
    x12::{
        parts::{Aaa, Bht, Dtp, Eb, Hl, Msg, Ref, Status, Stc, Trn},
        parts_review::Hcr,
        t270, t276, t278,
        transaction::Transaction,
    },
};
use jiff::{Timestamp, civil::Date};

use super::asked::{LATER, Level, NOBODY, NOT_FOUND, Refused, TURNED_AWAY};

/// Longest message to people (MSG01).
const MESSAGE_MAX: usize = 264;
/// Reason of list 886: another one than the list has.
const OTHER_REASON: &str = "25";
/// Most messages of a benefit.
const MESSAGES_MAX: usize = 10;

/// How a question stands.
pub(super) enum Standing {
    /// The payer said this.
    Said(Box<Outcome>),
    /// The same for a review, with its numbers and reasons.
    Reviewed(Box<Answer>),
    /// Not worked, or nobody could say anything.
    Refused(Refused),
}

impl Standing {
    /// How an inquiry stands: what was said, or why there is nothing.
    pub(super) fn of(outcome: Option<&Outcome>, ended: bool) -> Self {
        match outcome {
            Some(outcome) => Self::Said(Box::new(outcome.clone())),
            None if ended => Self::Refused(NOBODY),
            None => Self::Refused(LATER),
        }
    }
}

/// The answering set.
pub(super) fn answer(asked: &Transaction, standing: &Standing, now: Timestamp) -> Transaction {
    match asked {
        Transaction::Eligibility(asked) => {
            Transaction::Eligibility(eligibility(asked.clone(), standing, now))
        }
        Transaction::ClaimStatus(asked) => {
            Transaction::ClaimStatus(claim_status(asked.clone(), standing, now))
        }
        Transaction::Review(asked) => Transaction::Review(review(asked.clone(), standing, now)),
        other => other.clone(),
    }
}

fn header(bht: &mut Bht, purpose: &str, kind: &str, now: Timestamp) {
    purpose.clone_into(&mut bht.purpose);
    kind.clone_into(&mut bht.kind);
    bht.date = now.strftime("%Y%m%d").to_string();
    bht.time = now.strftime("%H%M").to_string();
}

fn echoed(traces: &mut [Trn]) {
    for trace in traces {
        "2".clone_into(&mut trace.kind);
    }
}

fn aaa(refused: &Refused) -> Aaa {
    // Valid, and not answered: the payer's or our side is the cause.
    let ours = matches!(refused.reason, "42" | "80");
    Aaa {
        valid: if ours { "Y" } else { "N" }.to_owned(),
        reason: refused.reason.to_owned(),
        follow_up: if ours { "P" } else { "C" }.to_owned(),
        ..Aaa::default()
    }
}

/// No levels below: the answer ends here.
fn ends(hl: &mut Hl) {
    "0".clone_into(&mut hl.children);
}

fn message(text: &str) -> Msg {
    let plain = text.split_whitespace().collect::<Vec<_>>().join(" ");
    Msg { text: plain.chars().take(MESSAGE_MAX).collect(), ..Msg::default() }
}

/// The payer's own words, then what else was read. No colon: it is a separator in most interchanges.
fn messages(outcome: &Outcome) -> Vec<Msg> {
    let facts = outcome.facts.iter().map(|f| format!("{} {}", f.name.replace('_', " "), f.value));
    let all = std::iter::once(outcome.raw_words.clone()).chain(facts);
    all.filter(|t| !t.trim().is_empty()).take(MESSAGES_MAX).map(|t| message(&t)).collect()
}

/// A fact that is a day, however the portal writes it.
fn day(outcome: &Outcome, names: &[&str]) -> Option<String> {
    let fact = outcome.facts.iter().find(|f| names.contains(&f.name.as_str()))?;
    let text = fact.value.trim();
    let read = ["%Y-%m-%d", "%m/%d/%Y"].into_iter().find_map(|f| Date::strptime(f, text).ok());
    read.map(|d| d.strftime("%Y%m%d").to_string())
}

fn eligibility(
    mut set: t270::Eligibility,
    standing: &Standing,
    now: Timestamp,
) -> t270::Eligibility {
    "271".clone_into(&mut set.st.set);
    header(&mut set.bht, "11", "", now);
    let Some(source) = set.sources.first_mut() else { return set };
    let refused = match standing {
        Standing::Refused(refused) => Some(*refused),
        Standing::Said(said) if said.answer == Word::NotFound => Some(NOT_FOUND),
        _ => None,
    };
    if let Some(refused) = refused.filter(|r| r.level == Level::Payer) {
        source.refusals.push(aaa(&refused));
        source.receivers.clear();
        ends(&mut source.hl);
        return set;
    }
    let Some(receiver) = source.receivers.first_mut() else { return set };
    if let Some(asker) = &mut receiver.asker
        && let Some(refused) = refused.filter(|r| r.level == Level::Provider)
    {
        asker.refusals.push(aaa(&refused));
        receiver.subscribers.clear();
        ends(&mut receiver.hl);
        return set;
    }
    let Some(subscriber) = receiver.subscribers.first_mut() else { return set };
    echoed(&mut subscriber.traces);
    let member = match subscriber.dependents.first_mut() {
        Some(dependent) => {
            echoed(&mut dependent.traces);
            dependent.member.as_mut()
        }
        None => subscriber.member.as_mut(),
    };
    let Some(member) = member else { return set };
    let questions = std::mem::take(&mut member.questions);
    match (standing, refused) {
        (_, Some(refused)) => member.refusals.push(aaa(&refused)),
        (Standing::Said(said), None) => covered(member, &questions, said),
        _ => {}
    }
    set
}

/// EB for what was asked about: 1 and 6 for what the payer said about coverage, and neither where it said something else.
fn covered(member: &mut t270::Member, questions: &[t270::Question], said: &Outcome) {
    let mut types: Vec<String> =
        questions.iter().flat_map(|q| q.eq.service_types.iter().cloned()).collect();
    if types.is_empty() {
        types.push("30".to_owned());
    }
    let plan = said.facts.iter().find(|f| f.name == "plan").map(|f| f.value.clone());
    for (of, names) in
        [("346", ["coverage_begins", "valid_from"]), ("347", ["coverage_ends", "coverage_ended"])]
    {
        if let Some(value) = day(said, &names) {
            member.dates.retain(|d| d.of != of);
            member.dates.push(Dtp {
                of: of.to_owned(),
                format: "D8".to_owned(),
                value,
                ..Dtp::default()
            });
        }
    }
    let what = match said.answer {
        Word::CoverageActive => "1",
        Word::CoverageInactive => "6",
        _ => "V",
    };
    member.benefits = vec![t270::Benefit {
        eb: Eb {
            what: what.to_owned(),
            service_types: types,
            plan: plan.map(|p| p.chars().take(50).collect()).unwrap_or_default(),
            ..Eb::default()
        },
        messages: messages(said),
        ..t270::Benefit::default()
    }];
}

/// Category (list 507) and status (list 508) of a claim's state.
fn stated(answer: Word) -> (&'static str, &'static str) {
    match answer {
        Word::ClaimReceived => ("A2", "20"),
        Word::ClaimPaid | Word::ClaimPartiallyPaid => ("F1", "65"),
        Word::ClaimZeroPaid => ("F4", "104"),
        Word::ClaimDenied => ("F2", "585"),
        Word::ClaimRejected => ("A3", "21"),
        Word::ClaimAdjusted => ("F3", "101"),
        Word::NotFound => ("A4", "35"),
        _ => ("P1", "46"),
    }
}

fn claim_status(
    mut set: t276::ClaimStatus,
    standing: &Standing,
    now: Timestamp,
) -> t276::ClaimStatus {
    "277".clone_into(&mut set.st.set);
    header(&mut set.bht, "08", "DG", now);
    let provider = set.payers.first_mut().and_then(|p| p.receivers.first_mut());
    let provider = provider.and_then(|r| r.providers.first_mut());
    let Some(subscriber) = provider.and_then(|p| p.subscribers.first_mut()) else { return set };
    // An answer repeats names, not days of birth.
    subscriber.birth = None;
    let claim = match subscriber.dependents.first_mut() {
        Some(dependent) => {
            dependent.birth = None;
            dependent.claims.first_mut()
        }
        None => subscriber.claims.first_mut(),
    };
    let Some(claim) = claim else { return set };
    "2".clone_into(&mut claim.trace.kind);
    claim.lines.clear();
    let charged = claim.amount.take().and_then(|a| a.amount);
    let today = now.strftime("%Y%m%d").to_string();
    let (category, status, words) = match standing {
        Standing::Refused(refused) if refused.reason == "42" => {
            ("E1", refused.status, refused.say.to_owned())
        }
        Standing::Refused(refused) if refused.reason == "80" => {
            ("E2", refused.status, refused.say.to_owned())
        }
        Standing::Refused(refused) => ("E0", refused.status, refused.say.to_owned()),
        Standing::Said(said) => {
            let (category, status) = stated(said.answer);
            let kind = |r: &&domain::outcome::Reference| r.kind == ReferenceKind::Claim;
            if let Some(number) = said.references.iter().find(kind) {
                claim.references.retain(|r| r.list != "1K");
                let number = number.value.clone();
                claim.references.insert(0, Ref { list: "1K".to_owned(), number, ..Ref::default() });
            }
            (category, status, said.raw_words.clone())
        }
        Standing::Reviewed(_) => return set,
    };
    let paid = match standing {
        Standing::Said(said) => {
            said.facts.iter().find(|f| f.name == "paid").and_then(|f| money(&f.value))
        }
        _ => None,
    };
    claim.statuses = vec![Stc {
        status: Status {
            category: category.to_owned(),
            status: status.to_owned(),
            ..Status::default()
        },
        date: today,
        charged,
        paid,
        text: message(&words).text,
        ..Stc::default()
    }];
    set
}

/// `$1,234.50` as an amount; nothing where it is none.
fn money(text: &str) -> Option<exchange::x12::Decimal> {
    let plain: String = text.chars().filter(|c| !matches!(c, '$' | ',' | ' ')).collect();
    let (whole, cents) = plain.split_once('.').unwrap_or((&plain, "00"));
    let (whole, cents): (i64, i64) = match (whole.parse(), cents.len(), cents.parse()) {
        (Ok(whole), 2, Ok(cents)) => (whole, cents),
        _ => return None,
    };
    let sum = whole.checked_mul(100)?.checked_add(cents)?;
    (whole >= 0).then(|| exchange::x12::Decimal::cents(sum))
}

fn review(mut set: t278::Review, standing: &Standing, now: Timestamp) -> t278::Review {
    let open = match standing {
        Standing::Reviewed(answer) => answer.lines.iter().any(|line| {
            line.review
                .as_ref()
                .is_some_and(|r| matches!(r.action, ReviewAction::Pended | ReviewAction::Call))
        }),
        _ => false,
    };
    header(&mut set.bht, "11", if open { "19" } else { "18" }, now);
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
        if refused.level == Level::Question {
            event.refusals.push(aaa(&refused));
        }
    }
    if let Standing::Reviewed(answer) = standing {
        words.extend(answer.notes.iter().map(|(_, text)| text.clone()));
        if words.is_empty() {
            // No words of the payer (yet): how the request stands is said in ours.
            words.extend(answer.disposition.clone());
        }
        decided(event, answer);
    }
    event.message = (!words.is_empty()).then(|| message(&words.join("; ")));
    set
}

/// The review action on the event and on each of its services, with the payer's numbers and days.
fn decided(event: &mut t278::PatientEvent, answer: &Answer) {
    let hcr = |line: &exchange::pas::answer::Line| {
        line.review.as_ref().map(|review| Hcr {
            action: review.action.code().to_owned(),
            number: review.number.clone().unwrap_or_default(),
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
    if let Some(pend) = &first.pend_number {
        event.references.retain(|r| r.list != "NT");
        event.references.push(Ref {
            list: "NT".to_owned(),
            number: pend.clone(),
            ..Ref::default()
        });
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_answer_about_coverage_is_one() {
        for (answer, what) in [
            (Word::CoverageActive, "1"),
            (Word::CoverageInactive, "6"),
            (Word::ContactPayer, "V"),
            (Word::Received, "V"),
            (Word::NotRequired, "V"),
        ] {
            let said = Outcome {
                answer,
                raw_words: "Call us".to_owned(),
                references: Vec::new(),
                facts: Vec::new(),
                via: "person".to_owned(),
            };
            let mut member = t270::Member::default();
            covered(&mut member, &[], &said);
            let benefit = &member.benefits[0];
            assert_eq!(benefit.eb.what, what, "{answer}");
            assert_eq!((member.benefits.len(), benefit.messages[0].text.as_str()), (1, "Call us"));
        }
    }

    #[test]
    fn amounts_are_read_as_portals_write_them_or_not_at_all() {
        assert_eq!(money("$1,234.50"), Some(exchange::x12::Decimal::cents(123_450)));
        assert_eq!(money("320"), Some(exchange::x12::Decimal::cents(32_000)));
        for none in ["", "Not available", "1.5", "-3.00", "99999999999999999999"] {
            assert_eq!(money(none), None, "{none}");
        }
    }
}
