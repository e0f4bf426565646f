//! From how a case stands to the answer PAS wants: what the payer said, or "not decided yet" with what is known so far.

use domain::{
    case::CaseStatus,
    id::CaseId,
    job::JobState,
    outcome::{Answer as Said, Outcome, ReferenceKind},
    time::Timestamp,
};
use exchange::pas::{
    answer::{Answer, Line, Review, Stage},
    base::is_day,
    code::{REASON_ELSEWHERE, REASON_INFO_WANTED, ReviewAction},
    request::{Key, Request},
    task::{Thing, Wanted},
};

use crate::store::{jobs::Job, references::Stored};

/// Reason of list 886: waits for a review.
const REASON_WAITS: &str = "0W";
/// Reason of list 886: there is one like it.
const REASON_DUPLICATE: &str = "0Q";

/// How a case stands.
pub(super) struct Standing<'a> {
    /// Which.
    pub(super) id: CaseId,
    /// Its revision.
    pub(super) rev: i64,
    /// Its status.
    pub(super) status: CaseStatus,
    /// Its jobs, oldest first.
    pub(super) jobs: &'a [Job],
    /// The payer's numbers, oldest first.
    pub(super) numbers: &'a [Stored],
}

impl Standing<'_> {
    /// The newest outcome.
    pub(super) fn outcome(&self) -> Option<&Outcome> {
        self.jobs.iter().rev().find_map(|job| match &job.state {
            JobState::Done { outcome } => Some(outcome),
            _ => None,
        })
    }

    /// Whether there is something to answer: the payer said something, or nobody will ask it any more.
    pub(super) fn settled(&self) -> bool {
        self.outcome().is_some() || self.ended()
    }

    fn ended(&self) -> bool {
        matches!(self.status, CaseStatus::Failed | CaseStatus::Withdrawn)
    }

    fn newest(&self, kinds: &[ReferenceKind]) -> Option<String> {
        kinds.iter().find_map(|kind| {
            let found = self.numbers.iter().rev().find(|n| n.reference.kind == *kind);
            found.map(|n| n.reference.value.clone())
        })
    }
}

/// The answer to a request, as its case stands at `now`.
pub(super) fn answer(standing: &Standing<'_>, request: &Request, now: Timestamp) -> Answer {
    let mut out = Answer {
        exchange: Some(Key::of("urn:fleet:answer", &format!("{}.{}", standing.id, standing.rev))),
        id: Some(Key::of("urn:fleet:case", &standing.id.to_string())),
        request: Some(request.id.clone()),
        timestamp: now.to_string(),
        created: now.to_string(),
        ..Answer::default()
    };
    match standing.outcome() {
        Some(outcome) => said(&mut out, outcome, standing, request),
        None if standing.status == CaseStatus::Withdrawn => {
            lines(&mut out, request, &review(ReviewAction::Cancelled, &[], None));
        }
        None if standing.status == CaseStatus::Failed => {
            out.stage = Stage::Error;
            out.disposition = Some("the payer could not be asked; nothing was decided".to_owned());
        }
        None => {
            out.disposition = Some("taken in; the payer is being asked".to_owned());
            lines(&mut out, request, &review(ReviewAction::Pended, &[REASON_WAITS], None));
        }
    }
    out
}

/// The answer to a request that is there already under another name: a denial as a duplicate, with the number of its case.
pub(super) fn duplicate(twin: CaseId, services: usize) -> Answer {
    let line = Line {
        review: Some(review(ReviewAction::Refused, &[REASON_DUPLICATE], None)),
        pend_number: Some(twin.to_string()),
        ..Line::default()
    };
    let words = format!("the same request is submitted or under way already as {twin}");
    Answer { lines: vec![line; services], notes: vec![(1, words)], ..Answer::default() }
}

fn said(out: &mut Answer, outcome: &Outcome, standing: &Standing<'_>, request: &Request) {
    out.disposition = Some(outcome.answer.say().to_owned());
    let number = match outcome.answer {
        Said::NotRequired => {
            standing.newest(&[ReferenceKind::Decision, ReferenceKind::Authorization])
        }
        _ => standing.newest(&[ReferenceKind::Authorization]),
    };
    let made = match outcome.answer {
        Said::Approved => review(ReviewAction::Granted, &[], number),
        Said::PartiallyApproved => review(ReviewAction::GrantedInPart, &[], number),
        Said::Modified => review(ReviewAction::Changed, &[], number),
        Said::Denied => review(ReviewAction::Refused, &[], None),
        Said::Duplicate => review(ReviewAction::Refused, &[REASON_DUPLICATE], None),
        Said::PendedInfo => review(ReviewAction::Pended, &[REASON_INFO_WANTED], None),
        Said::ContactPayer | Said::PeerToPeer => review(ReviewAction::Call, &[], None),
        Said::NotRequired => review(ReviewAction::NotNeeded, &[], number),
        Said::Redirected => review(ReviewAction::NotNeeded, &[REASON_ELSEWHERE], None),
        Said::Cancelled => review(ReviewAction::Cancelled, &[], None),
        // Refused at the door: nothing was evaluated, so there is no review action.
        Said::Rejected => {
            out.stage = Stage::Error;
            notes(out, outcome);
            return;
        }
        _ => review(ReviewAction::Pended, &[REASON_WAITS], None),
    };
    lines(out, request, &made);
    notes(out, outcome);
    let pend = [ReferenceKind::Pend, ReferenceKind::Tracking, ReferenceKind::Case];
    let fact = |names: &[&str]| {
        let found = outcome.facts.iter().find(|f| names.contains(&f.name.as_str()));
        found.map(|f| f.value.clone()).filter(|day| is_day(day))
    };
    let (from, to) =
        (fact(&["valid_from", "authorized_from"]), fact(&["valid_to", "authorized_to"]));
    let all: Vec<u32> = out.notes.iter().map(|(number, _)| *number).collect();
    for line in &mut out.lines {
        line.pend_number = standing.newest(&pend);
        line.valid_from.clone_from(&from);
        line.valid_to.clone_from(&to);
        line.notes.clone_from(&all);
    }
    let wanted = outcome.facts.iter().filter(|f| f.name == "documents_requested");
    out.wanted = wanted
        .map(|f| Wanted {
            thing: Thing::Words(f.value.clone()),
            line: None,
            control_number: standing.newest(&pend),
        })
        .collect();
}

/// The payer's own words, and the reasons it gave.
fn notes(out: &mut Answer, outcome: &Outcome) {
    let reasons = outcome.facts.iter().filter(|f| f.name.contains("reason"));
    let texts = std::iter::once(&outcome.raw_words).chain(reasons.map(|f| &f.value));
    out.notes =
        texts.filter(|t| !t.trim().is_empty()).cloned().zip(1..).map(|(t, n)| (n, t)).collect();
}

fn review(action: ReviewAction, reasons: &[&str], number: Option<String>) -> Review {
    Review {
        action,
        number,
        reasons: reasons.iter().map(|code| (*code).to_owned()).collect(),
        second_opinion: None,
    }
}

/// A portal answers for the whole request: every item gets the same.
fn lines(out: &mut Answer, request: &Request, review: &Review) {
    let of = |sequence| Line { sequence, review: Some(review.clone()), ..Line::default() };
    out.lines = request.services.iter().map(|s| of(s.sequence)).collect();
}
