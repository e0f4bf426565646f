//! Refusals at the door (AAA): what they mean for a question that changes nothing. Nothing was evaluated, so none of them is a denial.

use domain::outcome::FailureKind;
use exchange::{pas::code::Refusal, x12::parts::Aaa};

use super::super::talk::{Stop, down, failed};

/// Codes by which a payer says that it knows no such member.
const UNKNOWN_MEMBER: [&str; 3] = ["67", "75", "78"];

/// Whether the payer knows no such member.
pub(super) fn is_unknown_member(refusals: &[&Aaa]) -> bool {
    !refusals.is_empty() && refusals.iter().all(|a| UNKNOWN_MEMBER.contains(&a.reason.as_str()))
}

/// Whether the payer finds nothing that was asked about: no such member, or no such request. For a question about requests that is an answer.
pub(super) fn is_nothing_there(refusals: &[&Aaa]) -> bool {
    let nothing =
        |code: &str| UNKNOWN_MEMBER.contains(&code) || Refusal::of(code) == Refusal::Number;
    !refusals.is_empty() && refusals.iter().all(|a| nothing(&a.reason))
}

/// Whether the payer says "later", and nothing else.
pub(super) fn is_later(refusals: &[&Aaa]) -> bool {
    !refusals.is_empty() && refusals.iter().all(|a| Refusal::of(&a.reason) == Refusal::Later)
}

/// Codes with what to do, each once.
pub(super) fn codes(refusals: &[&Aaa]) -> String {
    let mut all: Vec<String> = Vec::new();
    for refusal in refusals {
        let code = format!("AAA {} {}", refusal.reason, refusal.follow_up).trim_end().to_owned();
        if !all.contains(&code) {
            all.push(code);
        }
    }
    all.join(", ")
}

/// What follows from refusals.
pub(super) fn stop(refusals: &[&Aaa]) -> Stop {
    let codes = codes(refusals);
    let classes: Vec<Refusal> = refusals.iter().map(|a| Refusal::of(&a.reason)).collect();
    let first = classes.iter().find(|class| **class != Refusal::Later).copied();
    match first {
        // The payer is busy or its own systems are down: another channel may know more.
        None => down("payer_later", &codes, None),
        Some(Refusal::Member) => failed(FailureKind::Refused, "member_refused", &codes),
        Some(Refusal::Provider) => failed(FailureKind::Refused, "provider_refused", &codes),
        Some(Refusal::Setup) => failed(FailureKind::Refused, "partner_not_set_up", &codes),
        Some(Refusal::Number) => failed(FailureKind::NotFound, "number_unknown", &codes),
        Some(Refusal::Request | Refusal::Coverage | Refusal::Unknown | Refusal::Later) => {
            failed(FailureKind::Refused, "question_refused", &codes)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_payers_own_trouble_is_asked_again() {
        let aaa = |reason: &str| Aaa { reason: reason.to_owned(), ..Aaa::default() };
        let kind = |codes: &[&str]| {
            let all: Vec<Aaa> = codes.iter().map(|code| aaa(code)).collect();
            match stop(&all.iter().collect::<Vec<_>>()) {
                Stop::Failed(failure) => (failure.kind, failure.name),
                Stop::LeaseLost => panic!("a failure"),
            }
        };
        assert_eq!(kind(&["42"]), (FailureKind::PortalDown, "payer_later".to_owned()));
        assert_eq!(kind(&["42", "72"]).1, "member_refused");
        assert_eq!(kind(&["T4"]).1, "partner_not_set_up");
        assert_eq!(kind(&["ZZ"]), (FailureKind::Refused, "question_refused".to_owned()));
        let (unknown, twice) = (aaa("75"), aaa("76"));
        assert!(is_unknown_member(&[&unknown]) && !is_unknown_member(&[&unknown, &twice]));
        assert!(!is_unknown_member(&[]));
        let (number, later) = (aaa("AA"), aaa("42"));
        assert!(is_nothing_there(&[&unknown, &number]) && !is_unknown_member(&[&number]));
        assert!(!is_nothing_there(&[]) && !is_nothing_there(&[&number, &later]));
        assert!(is_later(&[&later]) && !is_later(&[&later, &number]) && !is_later(&[]));
    }
}
