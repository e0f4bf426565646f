//! From an answer of PAS to the outcome. The decision is the review action of the items; what no known code says goes to a person.

use domain::{
    id::EvidenceId,
    outcome::{Answer as Said, Fact, Outcome, Reference, ReferenceKind},
};
use exchange::pas::{answer::Answer, code::Decision};

use super::{super::talk::Exchange, build::OWN};
use crate::clock;

fn said(decision: Decision) -> Option<Said> {
    Some(match decision {
        // An appeal that was upheld grants what was asked.
        Decision::Approved | Decision::AppealUpheld => Said::Approved,
        Decision::PartlyApproved => Said::PartiallyApproved,
        Decision::Modified => Said::Modified,
        Decision::Denied => Said::Denied,
        Decision::PendedReview => Said::PendedReview,
        Decision::PendedInfo => Said::PendedInfo,
        Decision::Cancelled => Said::Cancelled,
        Decision::ContactPayer => Said::ContactPayer,
        Decision::NotRequired => Said::NotRequired,
        Decision::Redirected => Said::Redirected,
        Decision::Received => Said::Received,
        Decision::Rejected => Said::Rejected,
        Decision::Duplicate => Said::Duplicate,
        Decision::Unmapped => return None,
    })
}

/// The outcome an answer means.
///
/// # Errors
/// The codes that say no known thing.
pub(in crate::channel) fn outcome(
    exchange: &Exchange<'_>,
    answer: &Answer,
    evidence: EvidenceId,
) -> Result<Outcome, String> {
    let decision = answer.decision();
    let codes = codes(answer);
    let Some(said) = said(decision) else {
        return Err(if codes.is_empty() { "no review action".to_owned() } else { codes });
    };
    let mut raw_words = codes;
    if let Some(words) = &answer.disposition {
        let gap = if raw_words.is_empty() { "" } else { ": " };
        raw_words = format!("{raw_words}{gap}{words}");
    }
    Ok(Outcome {
        answer: said,
        raw_words,
        references: references(exchange.payer, answer, evidence),
        facts: facts(answer),
        via: "agent".to_owned(),
    })
}

/// Review actions with their reasons, each once: `A4 0W`.
pub(super) fn codes(answer: &Answer) -> String {
    let mut all: Vec<String> = Vec::new();
    let reviews = answer.lines.iter().filter_map(|line| line.review.as_ref()).map(|review| {
        let reasons: String = review.reasons.iter().map(|reason| format!(" {reason}")).collect();
        format!("{}{reasons}", review.action.code())
    });
    let refused = answer.refused.iter().map(|refused| format!("error {}", refused.code));
    for code in reviews.chain(refused) {
        if !all.contains(&code) {
            all.push(code);
        }
    }
    all.join(", ")
}

fn references(payer: &str, answer: &Answer, evidence: EvidenceId) -> Vec<Reference> {
    let authorizations = answer.numbers().into_iter();
    let pends = answer.lines.iter().filter_map(|line| line.pend_number.as_deref());
    let id = answer.id.iter().map(|id| id.value.as_str());
    let all = authorizations
        .map(|n| (ReferenceKind::Authorization, n))
        .chain(id.map(|n| (ReferenceKind::Tracking, n)))
        .chain(pends.map(|n| (ReferenceKind::Pend, n)));
    let mut out: Vec<Reference> = Vec::new();
    for (kind, value) in all {
        if value.trim().is_empty() || out.iter().any(|r| r.kind == kind && r.value == value) {
            continue;
        }
        out.push(Reference {
            kind,
            issuer: payer.to_owned(),
            value: value.to_owned(),
            read_by: "message".to_owned(),
            confidence: None,
            at: clock::now(),
            evidence: Some(evidence),
            bounds: None,
        });
    }
    out
}

fn facts(answer: &Answer) -> Vec<Fact> {
    let mut out = Vec::new();
    let mut add = |name: &str, value: &str| {
        let fact = Fact { name: name.to_owned(), value: value.to_owned() };
        if !value.is_empty() && !out.contains(&fact) {
            out.push(fact);
        }
    };
    for line in &answer.lines {
        add("valid_from", line.valid_from.as_deref().unwrap_or_default());
        add("valid_to", line.valid_to.as_deref().unwrap_or_default());
        if let Some(units) = line.granted.as_ref().and_then(|granted| granted.units) {
            add("approved_units", &units.to_string());
        }
        for reason in line.review.iter().flat_map(|review| &review.reasons) {
            add("reason_code", reason);
        }
    }
    for (_, note) in &answer.notes {
        add("reason", note);
    }
    for refused in &answer.refused {
        if let Some(line) = refused.line {
            add("refused_line", &format!("{line}: {}", refused.code));
        }
    }
    if answer.decision() != answer.so_far() {
        add("preliminary", answer.so_far().word());
    }
    for wanted in &answer.wanted {
        add("documents_requested", &thing(&wanted.thing));
    }
    out
}

fn thing(thing: &exchange::pas::task::Thing) -> String {
    use exchange::pas::task::Thing;
    match thing {
        Thing::Words(words) => words.clone(),
        Thing::Loinc(code) => format!("LOINC {code}"),
        Thing::Report(code) => format!("report {code}"),
        Thing::Questionnaire(context) => format!("questionnaire {context}"),
    }
}

/// The number that proves a submission: the payer's own name for it, else the authorization's or that of the review. What the payer
/// did not take in is proved by no number.
pub(in crate::channel) fn proving(outcome: &Outcome) -> Option<String> {
    if outcome.answer == Said::Rejected {
        return None;
    }
    let kinds = [ReferenceKind::Tracking, ReferenceKind::Authorization, ReferenceKind::Pend];
    let all = &outcome.references;
    let found = kinds.iter().find_map(|kind| all.iter().find(|r| r.kind == *kind));
    found.map(|reference| reference.value.clone())
}

/// The answers that have this number, of any kind; where none has it, those that follow upon one that had it.
pub(in crate::channel) fn with_number<'a>(answers: &'a [Answer], number: &str) -> Vec<&'a Answer> {
    let own: Vec<&Answer> = answers.iter().filter(|a| has_number(a, number)).collect();
    if own.is_empty() {
        answers.iter().filter(|answer| follows(answer, number)).collect()
    } else {
        own
    }
}

fn same(one: &str, other: &str) -> bool {
    let one = one.trim();
    !one.is_empty() && one.eq_ignore_ascii_case(other.trim())
}

fn has_number(answer: &Answer, number: &str) -> bool {
    let pends = answer.lines.iter().filter_map(|line| line.pend_number.as_deref());
    let id = answer.id.iter().map(|id| id.value.as_str());
    answer.numbers().into_iter().chain(pends).chain(id).any(|own| same(own, number))
}

fn follows(answer: &Answer, number: &str) -> bool {
    let mut before = answer.lines.iter().filter_map(|line| line.previous_number.as_deref());
    before.any(|previous| same(previous, number))
}

/// Whether an answer is to our request of this name.
pub(in crate::channel) fn is_to(answer: &Answer, submission: &str) -> bool {
    !submission.is_empty()
        && answer.request.as_ref().is_some_and(|id| {
            id.value == submission && id.system.as_deref().is_none_or(|system| system == OWN)
        })
}

/// Whether an answer says that it is to something else than our request of this name.
pub(super) fn is_to_another(answer: &Answer, submission: &str) -> bool {
    answer.request.is_some() && !is_to(answer, submission)
}

/// Whether an answer is to a request of this name in somebody else's system: ours under another sign, or a stranger's.
pub(in crate::channel) fn is_like(answer: &Answer, submission: &str) -> bool {
    let same = |id: &exchange::pas::request::Key| id.value == submission;
    !submission.is_empty()
        && answer.request.as_ref().is_some_and(same)
        && !is_to(answer, submission)
}

#[cfg(test)]
mod tests {
    use exchange::pas::{
        answer::{Line, Refused, Review},
        code::ReviewAction,
        request::Key,
    };

    use super::*;

    fn answer(code: &str, reasons: &[&str]) -> Answer {
        let review = Review {
            action: ReviewAction::of(code),
            number: Some("A77".to_owned()).filter(|_| code == "A1"),
            reasons: reasons.iter().map(|r| (*r).to_owned()).collect(),
            second_opinion: None,
        };
        let line = Line {
            sequence: 1,
            review: Some(review),
            pend_number: Some("P12".to_owned()),
            ..Line::default()
        };
        Answer {
            id: Some(Key { system: None, value: "LN1".to_owned() }),
            request: Some(Key::of(OWN, "F1")),
            lines: vec![line],
            ..Answer::default()
        }
    }

    #[test]
    fn the_review_action_is_the_answer_and_unknown_codes_are_none() {
        for (code, reasons, wanted, words) in [
            ("A1", &[][..], Some(Said::Approved), "A1"),
            ("A3", &["0F"][..], Some(Said::Denied), "A3 0F"),
            ("A4", &["0W"][..], Some(Said::PendedReview), "A4 0W"),
            ("A4", &["0U"][..], Some(Said::PendedInfo), "A4 0U"),
            ("A3", &["0Q"][..], Some(Said::Duplicate), "A3 0Q"),
            ("ZZ", &[][..], None, "ZZ"),
        ] {
            let answer = answer(code, reasons);
            assert_eq!(said(answer.decision()), wanted, "{code}");
            assert_eq!(codes(&answer), words);
        }
        assert_eq!(said(Answer::default().decision()), None, "no review action is no approval");
    }

    #[test]
    fn what_was_not_taken_in_is_proved_by_no_number() {
        let outcome = |answer: Said| Outcome {
            answer,
            raw_words: String::new(),
            references: references("larkfield", &self::answer("A4", &[]), evidence()),
            facts: Vec::new(),
            via: "agent".to_owned(),
        };
        assert_eq!(proving(&outcome(Said::PendedReview)).as_deref(), Some("LN1"));
        assert_eq!(proving(&outcome(Said::Denied)).as_deref(), Some("LN1"), "denied is decided");
        assert_eq!(proving(&outcome(Said::Rejected)), None);
    }

    fn evidence() -> EvidenceId {
        EvidenceId::new(clock::now(), 7)
    }

    #[test]
    fn every_number_is_kept_and_found_again() {
        let answer = answer("A1", &[]);
        let kinds: Vec<_> = references("larkfield", &answer, evidence())
            .into_iter()
            .map(|r| (r.kind.word(), r.value))
            .collect();
        let wanted = [("authorization", "A77"), ("tracking", "LN1"), ("pend", "P12")];
        assert_eq!(kinds, wanted.map(|(kind, value)| (kind, value.to_owned())));
        assert!(["a77", "LN1", " P12 "].iter().all(|number| has_number(&answer, number)));
        assert!(!has_number(&answer, "") && !has_number(&answer, "P1"));
        assert!(is_to(&answer, "F1") && !is_to(&answer, "F2") && !is_to(&answer, ""));
        let unnamed = Answer { request: None, ..answer.clone() };
        assert!(is_to_another(&answer, "F2") && !is_to_another(&answer, "F1"));
        assert!(!is_to_another(&unnamed, "F1"));
        let foreign = Answer { request: Some(Key::of("urn:other", "F1")), ..answer.clone() };
        assert!(is_like(&foreign, "F1") && !is_to(&foreign, "F1"), "a person looks");
        assert!(!is_like(&answer, "F1") && !is_like(&foreign, "F2") && !is_like(&foreign, ""));
    }

    #[test]
    fn what_was_refused_of_it_and_what_may_still_change_is_told() {
        let told = |answer: &Answer, name: &str| {
            let of_it = facts(answer).into_iter().filter(|fact| fact.name == name);
            of_it.map(|fact| fact.value).collect::<Vec<_>>()
        };
        let refused = Refused { code: "AG".to_owned(), line: Some(2), ..Refused::default() };
        let part = Answer { refused: vec![refused], ..answer("A1", &[]) };
        assert_eq!(said(part.decision()), Some(Said::PartiallyApproved));
        assert_eq!(told(&part, "refused_line"), ["2: AG"]);
        let early = Answer { preliminary: true, ..answer("A1", &[]) };
        assert_eq!(said(early.decision()), Some(Said::PendedReview));
        assert_eq!(told(&early, "preliminary"), ["approved"]);
        assert_eq!(told(&answer("A1", &[]), "preliminary"), [""; 0]);
    }
}
