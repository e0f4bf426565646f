//! From a 277 to the outcome: one headline among everything that is said of a claim, by a table of categories (list 507). What no
//! row knows goes to a person.

use domain::{
    id::EvidenceId,
    outcome::{Answer, Fact, FailureKind, Outcome, Reference, ReferenceKind},
};
use exchange::x12::{
    parts::{Status, Stc},
    t276::{self, ClaimStatus},
};

use super::super::talk::{Stop, down, failed};
use crate::clock;

/// What a category says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Says {
    /// The claim stands so.
    Stands(Answer),
    /// Paid, or nothing paid, as the amount says.
    Finished,
    /// Not to be processed: rejected where it never got a number, else denied.
    Unprocessable,
    /// Something is wanted of somebody.
    Wants,
    /// The question was wrong.
    OurFault,
    /// Later.
    Later,
}

/// Categories with their weight: what is finished counts more than what is pending, and that more than a receipt.
const CATEGORIES: &[(&str, u8, Says)] = &[
    ("A0", 1, Says::Stands(Answer::ClaimReceived)),
    ("A1", 1, Says::Stands(Answer::ClaimReceived)),
    ("A2", 1, Says::Stands(Answer::ClaimReceived)),
    ("A5", 1, Says::Stands(Answer::ClaimReceived)),
    ("A3", 4, Says::Stands(Answer::ClaimRejected)),
    ("A6", 4, Says::Stands(Answer::ClaimRejected)),
    ("A7", 4, Says::Stands(Answer::ClaimRejected)),
    ("A8", 4, Says::Stands(Answer::ClaimRejected)),
    ("A4", 0, Says::Stands(Answer::NotFound)),
    ("D0", 0, Says::Stands(Answer::NotFound)),
    ("P0", 2, Says::Stands(Answer::ClaimInProcess)),
    ("P1", 2, Says::Stands(Answer::ClaimInProcess)),
    ("P2", 2, Says::Stands(Answer::ClaimInProcess)),
    ("P5", 2, Says::Stands(Answer::ClaimInProcess)),
    ("P3", 3, Says::Wants),
    ("P4", 3, Says::Wants),
    ("F1", 5, Says::Finished),
    ("F4", 5, Says::Finished),
    ("F2", 5, Says::Stands(Answer::ClaimDenied)),
    ("F3", 5, Says::Stands(Answer::ClaimAdjusted)),
    ("F3F", 5, Says::Stands(Answer::ClaimAdjusted)),
    ("F3N", 5, Says::Stands(Answer::ClaimAdjusted)),
    ("F5", 5, Says::Unprocessable),
    ("E0", 0, Says::OurFault),
    ("E3", 0, Says::OurFault),
    ("E4", 0, Says::OurFault),
    ("E1", 0, Says::Later),
    ("E2", 0, Says::Later),
];

fn known(category: &str) -> Option<(u8, Says)> {
    let row = CATEGORIES.iter().find(|(code, ..)| *code == category);
    let requests = || category.starts_with('R').then_some((3, Says::Wants));
    row.map(|(_, weight, says)| (*weight, *says)).or_else(requests)
}

/// A statement with where it came from.
struct Said<'s> {
    status: &'s Status,
    stc: &'s Stc,
}

/// Up to three statements of each segment.
fn statements(all: &[Stc]) -> Vec<Said<'_>> {
    all.iter()
        .flat_map(|stc| {
            [&stc.status, &stc.status_2, &stc.status_3].map(|status| Said { status, stc })
        })
        .filter(|said| !said.status.category.is_empty())
        .collect()
}

fn code(status: &Status) -> String {
    format!("{}:{}", status.category, status.status)
}

/// The outcome a 277 means.
pub(super) fn outcome(
    payer: &str,
    answer: &ClaimStatus,
    trace: &str,
    evidence: EvidenceId,
) -> Result<Outcome, Stop> {
    let unfit = |detail: &str| failed(FailureKind::PageChanged, "unmapped_answer", detail);
    let (claims, above) = gathered(answer, trace);
    if claims.len() > 1 {
        let detail = format!("{} claims answer one question", claims.len());
        return Err(failed(FailureKind::Unsure, "record_not_clear", &detail));
    }
    let claim = claims.first().copied();
    let said = statements(claim.map_or(above.as_slice(), |claim| claim.statuses.as_slice()));
    if said.is_empty() {
        return Err(unfit("the answer says nothing of the claim"));
    }
    let words: Vec<String> = said.iter().map(|said| code(said.status)).collect();
    if let Some(one) = said.iter().find(|said| known(&said.status.category).is_none()) {
        return Err(unfit(&format!("category {} is not known", one.status.category)));
    }
    let weight = |said: &Said<'_>| known(&said.status.category).map_or(0, |(weight, _)| weight);
    // The weightiest; among those the newest; the first where they are alike.
    let mut headline = &said[0];
    for one in &said[1..] {
        if (weight(one), &one.stc.date) > (weight(headline), &headline.stc.date) {
            headline = one;
        }
    }
    let number = claim.and_then(|c| c.references.iter().find(|r| r.list == "1K"));
    let answer = match known(&headline.status.category) {
        Some((_, Says::Stands(answer))) => answer,
        Some((_, Says::Wants)) => Answer::ClaimInProcess,
        Some((_, Says::Finished)) if claim.is_some_and(in_part) => Answer::ClaimPartiallyPaid,
        Some((_, Says::Finished)) => match headline.stc.paid {
            Some(paid) if paid.is_zero() => Answer::ClaimZeroPaid,
            Some(_) => Answer::ClaimPaid,
            None => return Err(unfit("finished, and no amount is said")),
        },
        Some((_, Says::Unprocessable)) if number.is_none() => Answer::ClaimRejected,
        Some((_, Says::Unprocessable)) => Answer::ClaimDenied,
        Some((_, Says::OurFault)) => {
            return Err(failed(FailureKind::Refused, "question_refused", &words.join(", ")));
        }
        Some((_, Says::Later)) => return Err(down("payer_later", &words.join(", "), None)),
        None => return Err(unfit("no category is known")),
    };
    let references = number.map(|r| Reference {
        kind: ReferenceKind::Claim,
        issuer: payer.to_owned(),
        value: r.number.clone(),
        read_by: "message".to_owned(),
        confidence: None,
        at: clock::now(),
        evidence: Some(evidence),
        bounds: None,
    });
    let mut raw_words = words.join(", ");
    if !headline.stc.text.is_empty() {
        raw_words = format!("{raw_words}: {}", headline.stc.text);
    }
    Ok(Outcome {
        answer,
        raw_words,
        references: references.into_iter().collect(),
        facts: facts(headline, &said),
        via: "agent".to_owned(),
    })
}

/// The claims that answer our trace; or, where an answer stops above them, what is said there.
fn gathered<'a>(answer: &'a ClaimStatus, trace: &str) -> (Vec<&'a t276::Claim>, Vec<Stc>) {
    let receivers = || answer.payers.iter().flat_map(|payer| &payer.receivers);
    let providers = || receivers().flat_map(|receiver| &receiver.providers);
    let claims = providers().flat_map(|provider| &provider.subscribers).flat_map(|subscriber| {
        subscriber.claims.iter().chain(subscriber.dependents.iter().flat_map(|d| &d.claims))
    });
    let ours = claims.filter(|claim| claim.trace.number == trace).collect();
    let above = receivers().filter_map(|r| r.answer.as_ref());
    let above = above.chain(providers().filter_map(|p| p.answer.as_ref()));
    (ours, above.flat_map(|answer| answer.statuses.clone()).collect())
}

/// Whether some lines of a finished claim were paid and others denied.
fn in_part(claim: &t276::Claim) -> bool {
    let lines = claim.lines.iter().flat_map(|line| statements(&line.statuses));
    let categories: Vec<&str> = lines.map(|said| said.status.category.as_str()).collect();
    categories.contains(&"F1") && categories.contains(&"F2")
}

fn facts(headline: &Said<'_>, all: &[Said<'_>]) -> Vec<Fact> {
    let mut out = Vec::new();
    let mut add = |name: &str, value: String| {
        if !value.is_empty() {
            out.push(Fact { name: name.to_owned(), value });
        }
    };
    let stc = headline.stc;
    add("status_code", code(headline.status));
    add("billed", stc.charged.map(|amount| amount.to_string()).unwrap_or_default());
    add("paid", stc.paid.map(|amount| amount.to_string()).unwrap_or_default());
    add("payment", stc.payment.clone());
    add("payment_date", stc.payment_date.clone());
    for said in all {
        if matches!(known(&said.status.category), Some((_, Says::Wants))) {
            add("information_wanted", code(said.status));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use exchange::x12::{
        Decimal,
        parts::{Ref, Trn},
    };

    use super::*;

    fn stc(code: &str, date: &str, paid: Option<i64>) -> Stc {
        let (category, status) = code.split_once(':').unwrap();
        Stc {
            status: Status {
                category: category.to_owned(),
                status: status.to_owned(),
                ..Status::default()
            },
            date: date.to_owned(),
            paid: paid.map(Decimal::cents),
            ..Stc::default()
        }
    }

    fn said(statuses: Vec<Stc>, number: bool) -> Result<Answer, String> {
        let claim = t276::Claim {
            trace: Trn { number: "F1".to_owned(), ..Trn::default() },
            statuses,
            references: number
                .then(|| Ref { list: "1K".into(), number: "C1".into(), ..Ref::default() })
                .into_iter()
                .collect(),
            ..t276::Claim::default()
        };
        let subscriber = t276::Subscriber { claims: vec![claim], ..t276::Subscriber::default() };
        let provider =
            t276::Provider { subscribers: vec![subscriber], ..t276::Provider::default() };
        let receiver = t276::Receiver { providers: vec![provider], ..t276::Receiver::default() };
        let payer = t276::Payer { receivers: vec![receiver], ..t276::Payer::default() };
        let answer = ClaimStatus { payers: vec![payer], ..ClaimStatus::default() };
        match outcome("payer", &answer, "F1", EvidenceId::new(clock::now(), 7)) {
            Ok(outcome) => Ok(outcome.answer),
            Err(Stop::Failed(failure)) => Err(failure.name),
            Err(Stop::LeaseLost) => panic!("a failure"),
        }
    }

    #[test]
    fn the_headline_is_what_is_finished_and_amounts_decide_what_was_paid() {
        let paid = |cents| said(vec![stc("F1:65", "20261115", Some(cents))], true);
        assert_eq!((paid(32_000), paid(0)), (Ok(Answer::ClaimPaid), Ok(Answer::ClaimZeroPaid)));
        assert_eq!(said(vec![stc("F1:65", "1", None)], true), Err("unmapped_answer".to_owned()));
        let both = vec![stc("P3:297", "20261120", None), stc("F2:585", "20261110", None)];
        assert_eq!(said(both, true), Ok(Answer::ClaimDenied));
        let wanted = vec![stc("A1:19", "20261101", None), stc("R4:297", "20261020", None)];
        assert_eq!(said(wanted, true), Ok(Answer::ClaimInProcess));
        assert_eq!(said(vec![stc("F5:21", "1", None)], false), Ok(Answer::ClaimRejected));
        assert_eq!(said(vec![stc("F5:21", "1", None)], true), Ok(Answer::ClaimDenied));
        assert_eq!(said(vec![stc("A4:35", "1", None)], false), Ok(Answer::NotFound));
        assert_eq!(said(vec![stc("E1:0", "1", None)], false), Err("payer_later".to_owned()));
        assert_eq!(said(vec![stc("E0:33", "1", None)], false), Err("question_refused".to_owned()));
        assert_eq!(said(vec![stc("X9:1", "1", None)], true), Err("unmapped_answer".to_owned()));
        assert_eq!(said(Vec::new(), true), Err("unmapped_answer".to_owned()));
    }

    #[test]
    fn no_category_stands_twice() {
        for (at, (code, ..)) in CATEGORIES.iter().enumerate() {
            assert!(CATEGORIES[at + 1..].iter().all(|(other, ..)| other != code), "{code}");
        }
    }
}
