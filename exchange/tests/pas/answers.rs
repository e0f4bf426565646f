//! The decision is the review action, whatever `outcome` says.

use exchange::pas::{
    answer::{Answer, Line, Refused, Stage},
    code::{Decision, Refusal, ReviewAction},
    fault::Code,
    json,
    task::{Thing, Wanted},
};
use serde_json::json as j;

use super::fixture::{answer, bundle, full_answer, line, naming, request};

fn through(answer: &Answer) -> Answer {
    Answer::read(&answer.build(&request(), &naming())).unwrap().what
}

fn decided(actions: &[ReviewAction]) -> Decision {
    let lines = actions.iter().zip(1..).map(|(a, n)| line(n, a.clone())).collect();
    let read = through(&answer(lines));
    assert_eq!(read.stage, Stage::Complete);
    read.decision()
}

#[test]
fn complete_is_no_approval() {
    use ReviewAction as A;
    for (actions, wanted) in [
        (&[A::Refused, A::Refused][..], Decision::Denied),
        (&[A::Granted, A::Granted], Decision::Approved),
        (&[A::Granted, A::Refused], Decision::PartlyApproved),
        (&[A::GrantedInPart], Decision::PartlyApproved),
        (&[A::Changed, A::Granted], Decision::Modified),
        (&[A::Changed, A::Refused], Decision::PartlyApproved),
        (&[A::Granted, A::Pended], Decision::PendedReview),
        (&[A::Refused, A::Pended], Decision::PendedReview),
        (&[A::Cancelled], Decision::Cancelled),
        (&[A::Refused, A::Cancelled], Decision::Denied),
        (&[A::Call], Decision::ContactPayer),
        (&[A::NotNeeded], Decision::NotRequired),
        (&[A::NotNeeded, A::Granted], Decision::Approved),
        (&[A::AppealUpheld], Decision::AppealUpheld),
        (&[A::Granted, A::Unknown("A9".into())], Decision::Unmapped),
    ] {
        assert_eq!(decided(actions), wanted, "{actions:?}");
    }
}

#[test]
fn an_answer_that_says_complete_and_nothing_else_decides_nothing() {
    assert_eq!(through(&answer(Vec::new())).decision(), Decision::Unmapped);
    let silent = answer(vec![Line { sequence: 1, ..Line::default() }]);
    assert_eq!(through(&silent).decision(), Decision::Unmapped);
    let queued = Answer { stage: Stage::Queued, ..silent };
    assert_eq!(through(&queued).decision(), Decision::Received);
    let half =
        answer(vec![line(1, ReviewAction::Granted), Line { sequence: 2, ..Line::default() }]);
    assert_eq!(through(&half).decision(), Decision::PendedReview, "one item is still open");
}

#[test]
fn pended_wants_information_when_a_reason_or_a_request_says_so() {
    let mut one = line(1, ReviewAction::Pended);
    one.pend_number = Some("PEND77120".to_owned());
    let plain = answer(vec![one.clone()]);
    assert_eq!(through(&plain).decision(), Decision::PendedReview);
    for reason in ["0U", "0P"] {
        let mut asked = one.clone();
        asked.review.as_mut().unwrap().reasons = vec![reason.to_owned()];
        assert_eq!(through(&answer(vec![asked])).decision(), Decision::PendedInfo, "{reason}");
    }
    let mut outside = one.clone();
    outside.review.as_mut().unwrap().reasons = vec!["0B".to_owned()];
    assert_eq!(through(&answer(vec![outside])).decision(), Decision::PendedReview);
    let wanted = |line| Wanted {
        thing: Thing::Loinc("18842-5".to_owned()),
        line,
        control_number: Some("C-9".to_owned()),
    };
    let asked = Answer { wanted: vec![wanted(None)], ..plain.clone() };
    assert_eq!(through(&asked).decision(), Decision::PendedInfo);
    let about_another = Answer { wanted: vec![wanted(Some(2))], ..plain };
    assert_eq!(through(&about_another).decision(), Decision::PendedReview);
    let mut elsewhere = line(1, ReviewAction::NotNeeded);
    elsewhere.review.as_mut().unwrap().reasons = vec!["0J".to_owned()];
    assert_eq!(through(&answer(vec![elsewhere])).decision(), Decision::Redirected);
}

#[test]
fn a_refusal_at_the_door_is_no_denial() {
    let refused = Answer {
        stage: Stage::Error,
        refused: vec![Refused {
            code: "75".to_owned(),
            followup: Some("C".to_owned()),
            element: Some("2010C-NM109".to_owned()),
            path: Some("Bundle.entry[1].resource".to_owned()),
            line: None,
        }],
        ..answer(Vec::new())
    };
    let read = through(&refused);
    assert_eq!(read, refused);
    assert_eq!(read.decision(), Decision::Rejected);
    assert_eq!(Refusal::of(&read.refused[0].code), Refusal::Member);
}

#[test]
fn a_line_that_was_refused_at_the_door_is_not_granted_with_the_others() {
    let refused = |line| Refused { code: "AG".to_owned(), line, ..Refused::default() };
    let said = |lines: Vec<Line>, refusals: &[Option<u32>]| {
        let refused = refusals.iter().map(|line| refused(*line)).collect();
        through(&Answer { refused, stage: Stage::Partial, ..answer(lines) }).decision()
    };
    let granted = || line(1, ReviewAction::Granted);
    let silent = |sequence| Line { sequence, ..Line::default() };
    for (lines, refusals, wanted) in [
        (vec![granted(), silent(2)], &[Some(2)][..], Decision::PartlyApproved),
        // No item at all for the one that was refused.
        (vec![granted()], &[Some(2)], Decision::PartlyApproved),
        (vec![line(1, ReviewAction::Pended), silent(2)], &[Some(2)], Decision::PendedReview),
        (vec![line(1, ReviewAction::Refused), silent(2)], &[Some(2)], Decision::Denied),
        (vec![silent(1), silent(2)], &[Some(1), Some(2)], Decision::Rejected),
        (Vec::new(), &[Some(1)], Decision::Rejected),
        // Of one line nothing is said: a person reads it.
        (vec![silent(1), silent(2)], &[Some(2)], Decision::Unmapped),
        // Granted and refused, the whole or the same line: it contradicts itself.
        (vec![granted()], &[Some(1)], Decision::Unmapped),
        (vec![granted()], &[None], Decision::Unmapped),
    ] {
        assert_eq!(said(lines.clone(), refusals), wanted, "{lines:?} {refusals:?}");
    }
}

#[test]
fn what_is_on_file_already_was_not_judged() {
    let duplicate = |sequence, reasons: &[&str]| {
        let mut one = line(sequence, ReviewAction::Refused);
        let review = one.review.as_mut().unwrap();
        review.reasons = reasons.iter().map(|reason| (*reason).to_owned()).collect();
        one
    };
    let said = |lines| through(&answer(lines)).decision();
    assert_eq!(said(vec![duplicate(1, &["0Q"])]), Decision::Duplicate);
    assert_eq!(said(vec![duplicate(1, &["0Q", "0F"])]), Decision::Denied);
    assert_eq!(said(vec![duplicate(1, &[])]), Decision::Denied);
    let granted = line(2, ReviewAction::Granted);
    assert_eq!(said(vec![duplicate(1, &["0Q"]), granted]), Decision::PartlyApproved);
}

#[test]
fn what_may_still_change_is_under_review() {
    let so_far =
        |action: ReviewAction| Answer { preliminary: true, ..answer(vec![line(1, action)]) };
    for (action, wanted, said) in [
        (ReviewAction::Granted, Decision::PendedReview, Decision::Approved),
        (ReviewAction::Refused, Decision::PendedReview, Decision::Denied),
        (ReviewAction::Pended, Decision::PendedReview, Decision::PendedReview),
        (ReviewAction::Call, Decision::ContactPayer, Decision::ContactPayer),
    ] {
        let answer = so_far(action);
        assert_eq!((answer.decision(), answer.so_far()), (wanted, said));
    }
}

#[test]
fn an_answer_that_was_taken_back_decides_nothing() {
    let mut value =
        json(&answer(vec![line(1, ReviewAction::Granted)]).build(&request(), &naming()));
    for status in ["cancelled", "entered-in-error", "draft"] {
        value["entry"][0]["resource"]["status"] = j!(status);
        let faults = Answer::read(&bundle(&value)).unwrap_err();
        assert_eq!(
            (faults[0].code, faults[0].path.as_str()),
            (Code::Value, "Bundle.entry[0].resource.status"),
            "{status}"
        );
    }
}

#[test]
fn numbers_and_granted_amounts_are_read() {
    let read = through(&full_answer());
    assert_eq!(read.numbers(), ["AUTH0042"]);
    let modified = &read.lines[1];
    assert_eq!(modified.granted.as_ref().unwrap().units, Some(12));
    assert_eq!(modified.valid_to.as_deref(), Some("2027-01-29"));
    assert_eq!(read.decision(), Decision::PendedInfo, "line 1 waits for documents");
}

#[test]
fn contradictions_are_told() {
    let built = |answer: &Answer| json(&answer.build(&request(), &naming()));
    let mut granted = line(1, ReviewAction::Granted);
    granted.review.as_mut().unwrap().number = None;
    let read = Answer::read(&bundle(&built(&answer(vec![granted])))).unwrap();
    assert_eq!(read.noticed[0].code, Code::Contradiction);
    assert_eq!(read.noticed[0].path, "Bundle.entry[0].resource.item[0]");

    let twice = answer(vec![line(1, ReviewAction::Granted), line(1, ReviewAction::Refused)]);
    let faults = Answer::read(&bundle(&built(&twice))).unwrap_err();
    assert_eq!(
        (faults[0].code, faults[0].path.as_str()),
        (Code::Doubled, "Bundle.entry[0].resource.item[1].itemSequence")
    );

    let failed = Answer { stage: Stage::Error, ..answer(vec![line(1, ReviewAction::Granted)]) };
    let faults = Answer::read(&bundle(&built(&failed))).unwrap_err();
    assert_eq!(faults[0].path, "Bundle.entry[0].resource.outcome");

    let mut value = built(&answer(vec![line(1, ReviewAction::Granted)]));
    value["entry"][0]["resource"]["outcome"] = j!("approved");
    let faults = Answer::read(&bundle(&value)).unwrap_err();
    assert_eq!(
        (faults[0].code, faults[0].path.as_str()),
        (Code::Value, "Bundle.entry[0].resource.outcome")
    );

    let mut value = built(&answer(vec![line(1, ReviewAction::Granted)]));
    value["entry"].as_array_mut().unwrap().remove(0);
    let faults = Answer::read(&bundle(&value)).unwrap_err();
    assert_eq!((faults[0].code, faults[0].path.as_str()), (Code::Missing, "Bundle.entry"));

    let unknown = answer(vec![line(1, ReviewAction::Unknown("A9".into()))]);
    let read = Answer::read(&bundle(&built(&unknown))).unwrap();
    assert_eq!(read.noticed[0].code, Code::Unmapped);
    assert_eq!(read.what.lines[0].review.as_ref().unwrap().action.code(), "A9", "kept");
}
