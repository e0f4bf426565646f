//! An answer as it is meant: what was decided, with which numbers, until when. The decision is the review action of each item;
//! `outcome` only tells how far the processing went, and is `complete` for a denial as for an approval.

mod build;
mod read;

use super::{
    base::Period,
    bundle::Bundle,
    code::{
        Decision, REASON_DUPLICATE, REASON_ELSEWHERE, REASON_INFO_MISSING, REASON_INFO_WANTED,
        ReviewAction,
    },
    fault::Fault,
    request::{Key, Naming, Read, Request},
    task::Wanted,
};

/// The decision on an item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Review {
    /// The review action.
    pub action: ReviewAction,
    /// The authorization number.
    pub number: Option<String>,
    /// Reasons (list 886).
    pub reasons: Vec<String>,
    /// A second opinion of a surgeon is wanted.
    pub second_opinion: Option<bool>,
}

/// One item of the answer.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Line {
    /// The item of the request.
    pub sequence: u32,
    /// What was decided; none where nothing is said yet.
    pub review: Option<Review>,
    /// The number while undecided.
    pub pend_number: Option<String>,
    /// The number of an authorization before.
    pub previous_number: Option<String>,
    /// First day of validity.
    pub valid_from: Option<String>,
    /// Last day of validity.
    pub valid_to: Option<String>,
    /// Day of issue.
    pub issued: Option<String>,
    /// Numbers of the notes about it.
    pub notes: Vec<u32>,
    /// What was granted instead.
    pub granted: Option<Granted>,
}

/// What was granted instead of what was asked.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Granted {
    /// Procedure.
    pub procedure: Key,
    /// How many.
    pub units: Option<u32>,
    /// First day.
    pub from: Option<String>,
    /// Last day.
    pub to: Option<String>,
}

/// Why the request was not taken in.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Refused {
    /// Code of list 901.
    pub code: String,
    /// What to do (list 889).
    pub followup: Option<String>,
    /// The place as X12 counts.
    pub element: Option<String>,
    /// The place as FHIRPath.
    pub path: Option<String>,
    /// The item.
    pub line: Option<u32>,
}

/// How far the payer came with the request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Stage {
    /// Not begun.
    Queued,
    /// Done as far as it goes now; says nothing about the decision.
    #[default]
    Complete,
    /// Not taken in.
    Error,
    /// Done in part.
    Partial,
}

impl Stage {
    /// FHIR's word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Complete => "complete",
            Self::Error => "error",
            Self::Partial => "partial",
        }
    }
}

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Answer {
    /// The identifier of the exchange (the bundle's).
    pub exchange: Option<Key>,
    /// The payer's identifier of the answer.
    pub id: Option<Key>,
    /// The requester's identifier of the request, where the answer holds it.
    pub request: Option<Key>,
    /// When the bundle was made.
    pub timestamp: String,
    /// When the answer was written.
    pub created: String,
    /// How far the payer came. Not the decision.
    pub stage: Stage,
    /// In words.
    pub disposition: Option<String>,
    /// A number for the whole request.
    pub number: Option<String>,
    /// Item by item.
    pub lines: Vec<Line>,
    /// Why it was not taken in.
    pub refused: Vec<Refused>,
    /// Notes by number.
    pub notes: Vec<(u32, String)>,
    /// What the payer wants to know.
    pub wanted: Vec<Wanted>,
    /// Whether a person took part in the review, where told.
    pub human_reviewed: Option<bool>,
    /// More answers follow: what is decided here may still change. Only X12 says so.
    pub preliminary: bool,
}

impl Answer {
    /// What is said about one line.
    #[must_use]
    pub fn decision_of(&self, line: &Line) -> Decision {
        let Some(review) = &line.review else {
            let refused = self.refused.iter().any(|r| r.line == Some(line.sequence));
            return if refused { Decision::Rejected } else { Decision::Received };
        };
        let has = |code: &str| review.reasons.iter().any(|r| r == code);
        let only = |code: &str| has(code) && review.reasons.iter().all(|r| r == code);
        let asked = self.wanted.iter().any(|w| w.line.is_none_or(|l| l == line.sequence));
        match &review.action {
            ReviewAction::Granted => Decision::Approved,
            ReviewAction::GrantedInPart => Decision::PartlyApproved,
            // Nothing was judged: the payer has one like it.
            ReviewAction::Refused if only(REASON_DUPLICATE) => Decision::Duplicate,
            ReviewAction::Refused => Decision::Denied,
            ReviewAction::Pended
                if has(REASON_INFO_WANTED) || has(REASON_INFO_MISSING) || asked =>
            {
                Decision::PendedInfo
            }
            ReviewAction::Pended => Decision::PendedReview,
            ReviewAction::AppealUpheld => Decision::AppealUpheld,
            ReviewAction::Changed => Decision::Modified,
            ReviewAction::Cancelled => Decision::Cancelled,
            ReviewAction::Call => Decision::ContactPayer,
            ReviewAction::NotNeeded if has(REASON_ELSEWHERE) => Decision::Redirected,
            ReviewAction::NotNeeded => Decision::NotRequired,
            ReviewAction::Unknown(_) => Decision::Unmapped,
        }
    }

    /// What the answer means. What may still change is under review, whatever is said so far.
    #[must_use]
    pub fn decision(&self) -> Decision {
        match self.so_far() {
            decided if self.preliminary && decided.is_decided() => Decision::PendedReview,
            said => said,
        }
    }

    /// What the answer says as a whole. A line that is not decided yet keeps the whole undecided; lines that differ make a
    /// partial approval where one of them grants. A line that was refused at the door is never granted with the others.
    #[must_use]
    pub fn so_far(&self) -> Decision {
        let lines = self.decisions();
        let any = |decision| lines.contains(&decision);
        if self.lines.iter().all(|l| l.review.is_none()) {
            return self.undecided(&lines);
        }
        if self.contradicts() {
            return Decision::Unmapped;
        }
        for open in [Decision::Unmapped, Decision::PendedInfo, Decision::PendedReview] {
            if any(open) {
                return open;
            }
        }
        if any(Decision::Received) {
            return Decision::PendedReview;
        }
        if let Some(first) = lines.first().copied()
            && lines.iter().all(|d| *d == first)
        {
            return first;
        }
        if any(Decision::ContactPayer) {
            return Decision::ContactPayer;
        }
        let refuses = [
            Decision::Denied,
            Decision::Cancelled,
            Decision::Redirected,
            Decision::Duplicate,
            Decision::Rejected,
        ];
        let grants = [Decision::Approved, Decision::Modified, Decision::PartlyApproved];
        let granted = grants.iter().any(|d| any(*d));
        match (granted, refuses.iter().any(|d| any(*d))) {
            (true, true) => Decision::PartlyApproved,
            (true, false) if any(Decision::PartlyApproved) => Decision::PartlyApproved,
            (true, false) if any(Decision::Modified) => Decision::Modified,
            (true, false) => Decision::Approved,
            (false, _) if any(Decision::Denied) => Decision::Denied,
            (false, _) => Decision::Unmapped,
        }
    }

    /// What is said of each line, and of those that are only named as refused.
    fn decisions(&self) -> Vec<Decision> {
        let there = |number: u32| self.lines.iter().any(|line| line.sequence == number);
        let missing = self.refused.iter().filter_map(|r| r.line).filter(|number| !there(*number));
        let said = self.lines.iter().map(|line| self.decision_of(line));
        said.chain(missing.map(|_| Decision::Rejected)).collect()
    }

    /// What an answer without any review action says.
    fn undecided(&self, lines: &[Decision]) -> Decision {
        let refused = self.stage == Stage::Error
            || self.refused.iter().any(|r| r.line.is_none())
            || !self.refused.is_empty() && lines.iter().all(|said| *said == Decision::Rejected);
        match self.stage {
            _ if refused => Decision::Rejected,
            Stage::Queued => Decision::Received,
            // "Complete" without a review action decides nothing; what it is, a person reads.
            Stage::Complete | Stage::Partial | Stage::Error => Decision::Unmapped,
        }
    }

    /// Whether it grants what it refuses at the door: something of the whole, or the same line. A person reads it.
    fn contradicts(&self) -> bool {
        let grants = |of: Option<u32>| {
            let mut lines =
                self.lines.iter().filter(|line| of.is_none_or(|number| number == line.sequence));
            lines.any(|line| line.review.as_ref().is_some_and(|r| r.action.grants()))
        };
        self.stage == Stage::Error && grants(None) || self.refused.iter().any(|r| grants(r.line))
    }

    /// Whether the request was refused at the door and nothing of it stays with the payer: it gave its reasons, each of them
    /// something to be corrected, and none says that an answer will come.
    #[must_use]
    pub fn is_refused_for_good(&self) -> bool {
        // The payer cannot answer now, or wants to review it.
        let open = |r: &Refused| matches!(r.code.trim(), "" | "42" | "80" | "E8");
        let comes =
            |r: &Refused| r.followup.as_deref().is_some_and(|f| matches!(f, "W" | "X" | "Y"));
        self.decision() == Decision::Rejected
            && self.id.is_none()
            && self.numbers().is_empty()
            && self.lines.iter().all(|line| line.pend_number.is_none())
            && !self.refused.is_empty()
            && !self.refused.iter().any(|r| open(r) || comes(r))
    }

    /// Every authorization number, each once.
    #[must_use]
    pub fn numbers(&self) -> Vec<&str> {
        let mut out = Vec::new();
        let of_lines = self.lines.iter().filter_map(|l| l.review.as_ref()?.number.as_deref());
        for number in of_lines.chain(self.number.as_deref()) {
            if !out.contains(&number) {
                out.push(number);
            }
        }
        out
    }

    /// Reads a response bundle, of `$submit` or from a notification.
    ///
    /// # Errors
    /// Every fault, if one of them is an error.
    pub fn read(bundle: &Bundle) -> Result<Read<Self>, Vec<Fault>> {
        read::answer(bundle)
    }

    /// Builds the response bundle to a request: the answer first, then everybody who takes part.
    #[must_use]
    pub fn build(&self, request: &Request, naming: &Naming) -> Bundle {
        build::bundle(self, request, naming)
    }
}

fn period(from: &Option<String>, to: &Option<String>) -> Option<Period> {
    let given = from.is_some() || to.is_some();
    given.then(|| Period { start: from.clone(), end: to.clone(), ..Period::default() })
}
