//! Answers that take nothing in. After the one sending each of them is a doubt: the payer is asked before anything else is done. What
//! the answer says besides goes with it: whether the channel rests, whether the account is refused, whether the payer itself named
//! why it took nothing in.

use domain::{
    id::EvidenceId,
    outcome::{Answer as Said, Failure, FailureKind, Outcome},
};
use exchange::pas::{answer::Answer, outcome::OperationOutcome};

use super::{
    super::talk::{Exchange, Stop, failed, in_doubt},
    issues, read, told,
};
use crate::http::Reply;

/// A status without success.
pub(super) fn shut(reply: &Reply) -> Stop {
    let told = told(&reply.body);
    let words = told.as_ref().map(issues).unwrap_or_default();
    let detail = format!("answered with status {}{words}", reply.status);
    let mut failure = by_status(reply.status, reply.retry_after.as_deref(), &detail);
    let refuses = told.as_ref().is_some_and(OperationOutcome::refuses_content);
    if matches!(reply.status, 400 | 422) && refuses {
        at_the_door(&mut failure);
    }
    Stop::Failed(Box::new(failure))
}

/// No message came back, under this status.
pub(in crate::channel) fn silent(status: u16, retry_after: Option<&str>, detail: &str) -> Stop {
    Stop::Failed(Box::new(by_status(status, retry_after, detail)))
}

fn by_status(status: u16, retry_after: Option<&str>, detail: &str) -> Failure {
    let mut failure = doubt(detail);
    match status {
        401 | 403 => {
            Failure::ACCESS_REFUSED.clone_into(&mut failure.name);
            "The payer's interface did not let us in when the request was sent; the account needs a person, and the request is looked for."
                .clone_into(&mut failure.say);
        }
        429 | 500..=599 => {
            failure.payer_wide = true;
            failure.retry_after = retry_after.map(str::to_owned);
        }
        _ => {}
    }
    failure
}

/// What the answer to the one sending means, with the number that proves it. Everything else is a doubt.
pub(in crate::channel) fn proved(
    exchange: &Exchange<'_>,
    answer: &Answer,
    after: EvidenceId,
) -> Result<(Outcome, String), Stop> {
    let outcome = read::outcome(exchange, answer, after)
        .map_err(|why| in_doubt(&format!("the answer says no known thing: {why}")))?;
    if outcome.answer == Said::Duplicate {
        // What it has may be ours, sent by somebody else, or only like it.
        let detail = format!("the payer has one like it: {}", read::codes(answer));
        return Err(failed(FailureKind::Unsure, "possible_duplicate", &detail));
    }
    match read::proving(&outcome) {
        Some(reference) => Ok((outcome, reference)),
        None => Err(unproved(answer)),
    }
}

/// An answer of the payer's without a number that proves anything.
pub(in crate::channel) fn unproved(answer: &Answer) -> Stop {
    let codes = read::codes(answer);
    let mut failure = doubt(&format!("the answer has no number that proves it: {codes}"));
    if answer.is_refused_for_good() {
        at_the_door(&mut failure);
    }
    Stop::Failed(Box::new(failure))
}

/// The payer shows our request as refused: that is no submission, and whether anything of it stays is a person's question.
pub(in crate::channel) fn found_refused(answer: &Answer) -> Stop {
    let codes = read::codes(answer);
    let name = "found_refused";
    let mut failure = Failure::new(FailureKind::Refused, name, format!("shown as: {codes}"));
    "The payer shows this request as not taken in: nothing was decided about it."
        .clone_into(&mut failure.say);
    Stop::Failed(Box::new(failure))
}

fn doubt(detail: &str) -> Failure {
    Failure::new(FailureKind::Unsure, "in_doubt", detail)
}

fn at_the_door(failure: &mut Failure) {
    Failure::REFUSED_AT_THE_DOOR.clone_into(&mut failure.name);
    "The payer says that it did not take the request in; we are looking whether it is there."
        .clone_into(&mut failure.say);
}

#[cfg(test)]
mod tests {
    use domain::{job::Task, lease::Purpose};
    use exchange::pas::{
        self,
        answer::{Line, Refused, Review, Stage},
        code::ReviewAction,
        outcome::Issue,
        request::Key,
    };

    use super::*;
    use crate::http::Http;

    fn failure(stop: Stop) -> Failure {
        let Stop::Failed(failure) = stop else { panic!("not a lost lease") };
        *failure
    }

    fn reply(status: u16, issue: &str) -> Reply {
        let body = pas::write(&OperationOutcome::of([Issue::error(issue, "no")]));
        let retry_after = Some("120".to_owned());
        Reply { status, retry_after, location: None, body: body.into() }
    }

    #[test]
    fn every_refused_sending_is_a_doubt_and_says_what_follows_from_its_status() {
        for (status, issue, name, rests, refuses) in [
            (401, "login", "access_refused", false, true),
            (403, "forbidden", "access_refused", false, true),
            (429, "throttled", "in_doubt", true, false),
            (503, "transient", "in_doubt", true, false),
            (400, "required", "refused_at_the_door", false, false),
            (422, "value", "refused_at_the_door", false, false),
            // Recorded or not, this says nothing about the message.
            (422, "exception", "in_doubt", false, false),
            (409, "conflict", "in_doubt", false, false),
            (409, "value", "in_doubt", false, false),
            (302, "value", "in_doubt", false, false),
        ] {
            let failure = failure(shut(&reply(status, issue)));
            assert_eq!(
                (failure.kind, failure.name.as_str()),
                (FailureKind::Unsure, name),
                "{status}"
            );
            assert_eq!(
                (failure.payer_wide, failure.refuses_account()),
                (rests, refuses),
                "{status}"
            );
            assert_eq!(failure.retry_after.is_some(), rests, "{status}");
            assert!(failure.detail.contains(&format!("status {status}: {issue}")), "{failure:?}");
        }
        let silent = Reply { body: Vec::new().into(), ..reply(422, "value") };
        assert_eq!(failure(shut(&silent)).name, "in_doubt", "no reason was named");
    }

    #[test]
    fn without_a_message_the_status_alone_says_what_follows() {
        for (status, name, rests) in [
            (401, "access_refused", false),
            (429, "in_doubt", true),
            (503, "in_doubt", true),
            (400, "in_doubt", false),
        ] {
            let failure = failure(silent(status, Some("60"), "no envelope"));
            assert_eq!((failure.name.as_str(), failure.payer_wide), (name, rests), "{status}");
            assert_eq!(failure.retry_after.is_some(), rests, "{status}");
        }
    }

    #[test]
    fn a_refusal_in_an_answer_is_one_only_where_nothing_stays() {
        let refused = |code: &str, followup: Option<&str>| Answer {
            stage: Stage::Error,
            refused: vec![Refused {
                code: code.to_owned(),
                followup: followup.map(str::to_owned),
                ..Refused::default()
            }],
            ..Answer::default()
        };
        let numbered = Answer {
            id: Some(Key { system: None, value: "LN1".to_owned() }),
            ..refused("75", None)
        };
        for (answer, name) in [
            (refused("75", Some("C")), "refused_at_the_door"),
            (refused("75", None), "refused_at_the_door"),
            (refused("42", None), "in_doubt"),
            (refused("75", Some("Y")), "in_doubt"),
            (numbered, "in_doubt"),
            (Answer { stage: Stage::Error, ..Answer::default() }, "in_doubt"),
            (Answer::default(), "in_doubt"),
        ] {
            assert_eq!(failure(unproved(&answer)).name, name, "{answer:?}");
        }
    }

    #[test]
    fn an_answer_proves_a_submission_by_a_number_and_not_by_one_like_it() {
        let endpoint = serde_json::json!({"base": "https://x.payer.example",
            "auth": {"by": "bearer", "secret": "key"}});
        let exchange = Exchange {
            endpoint: &serde_json::from_value(endpoint).unwrap(),
            payer: "p",
            task: Task::Submit,
            purpose: Purpose::Work,
            inputs: &serde_json::Value::Null,
            http: &Http::default(),
            control: None,
        };
        let said = |action: &str, reasons: &[&str]| {
            let review = Review {
                action: ReviewAction::of(action),
                number: None,
                reasons: reasons.iter().map(|reason| (*reason).to_owned()).collect(),
                second_opinion: None,
            };
            let answer = Answer {
                id: Some(Key { system: None, value: "LN1".to_owned() }),
                lines: vec![Line { sequence: 1, review: Some(review), ..Line::default() }],
                ..Answer::default()
            };
            let evidence = EvidenceId::new(crate::clock::now(), 1);
            match proved(&exchange, &answer, evidence) {
                Ok((outcome, number)) => format!("{} {number}", outcome.answer.word()),
                Err(stop) => failure(stop).name,
            }
        };
        assert_eq!(said("A3", &["0F"]), "denied LN1");
        assert_eq!(said("A3", &["0Q"]), "possible_duplicate");
        assert_eq!(said("A9", &[]), "in_doubt");
    }
}
