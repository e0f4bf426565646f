//! Code lists with our own words. A code that is not listed is kept as text and told; it is never guessed.

use std::fmt;

/// What was decided about an item: the review action (list 306).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ReviewAction {
    /// `A1`: granted as asked.
    Granted,
    /// `A2`: granted in part.
    GrantedInPart,
    /// `A3`: not granted.
    Refused,
    /// `A4`: not decided yet.
    Pended,
    /// `A5`: an appeal was upheld.
    AppealUpheld,
    /// `A6`: granted with changes.
    Changed,
    /// `C`: cancelled.
    Cancelled,
    /// `CT`: call the payer.
    Call,
    /// `NA`: nothing to decide.
    NotNeeded,
    /// A code this list does not have.
    Unknown(String),
}

const ACTIONS: [(&str, ReviewAction); 9] = [
    ("A1", ReviewAction::Granted),
    ("A2", ReviewAction::GrantedInPart),
    ("A3", ReviewAction::Refused),
    ("A4", ReviewAction::Pended),
    ("A5", ReviewAction::AppealUpheld),
    ("A6", ReviewAction::Changed),
    ("C", ReviewAction::Cancelled),
    ("CT", ReviewAction::Call),
    ("NA", ReviewAction::NotNeeded),
];

impl ReviewAction {
    /// Reads a code.
    #[must_use]
    pub fn of(code: &str) -> Self {
        let known = ACTIONS.iter().find(|(c, _)| *c == code);
        known.map_or_else(|| Self::Unknown(code.to_owned()), |(_, action)| action.clone())
    }

    /// The code.
    #[must_use]
    pub fn code(&self) -> &str {
        match self {
            Self::Unknown(code) => code,
            known => ACTIONS.iter().find(|(_, a)| a == known).map_or("", |(code, _)| code),
        }
    }

    /// Whether a number belongs to it.
    #[must_use]
    pub fn grants(&self) -> bool {
        matches!(self, Self::Granted | Self::GrantedInPart | Self::Changed)
    }
}

/// What an answer says as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Decision {
    /// Every item granted as asked.
    Approved,
    /// Some granted, some not, or granted in part.
    PartlyApproved,
    /// Granted with changes.
    Modified,
    /// Nothing granted.
    Denied,
    /// An item is not decided yet.
    PendedReview,
    /// An item is not decided yet, and the payer wants more information.
    PendedInfo,
    /// Cancelled.
    Cancelled,
    /// The payer wants a call.
    ContactPayer,
    /// Nothing to decide.
    NotRequired,
    /// Another organisation decides.
    Redirected,
    /// An appeal was upheld.
    AppealUpheld,
    /// Not taken in: nothing was evaluated.
    Rejected,
    /// The payer has one like it already; this one was not judged.
    Duplicate,
    /// The payer has it; nothing is said yet.
    Received,
    /// The answer holds a code that is not known, or no review action at all: a person reads it.
    Unmapped,
}

impl Decision {
    /// Every value.
    pub const ALL: [Self; 15] = [
        Self::Approved,
        Self::PartlyApproved,
        Self::Modified,
        Self::Denied,
        Self::PendedReview,
        Self::PendedInfo,
        Self::Cancelled,
        Self::ContactPayer,
        Self::NotRequired,
        Self::Redirected,
        Self::AppealUpheld,
        Self::Rejected,
        Self::Duplicate,
        Self::Received,
        Self::Unmapped,
    ];

    /// The word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Approved => "approved",
            Self::PartlyApproved => "partially_approved",
            Self::Modified => "modified",
            Self::Denied => "denied",
            Self::PendedReview => "pended_review",
            Self::PendedInfo => "pended_info",
            Self::Cancelled => "cancelled",
            Self::ContactPayer => "contact_payer",
            Self::NotRequired => "not_required",
            Self::Redirected => "redirected",
            Self::AppealUpheld => "appeal_upheld",
            Self::Rejected => "rejected",
            Self::Duplicate => "duplicate",
            Self::Received => "received",
            Self::Unmapped => "unmapped",
        }
    }

    /// Whether something was decided, so that nothing more is waited for.
    #[must_use]
    pub fn is_decided(self) -> bool {
        matches!(
            self,
            Self::Approved
                | Self::PartlyApproved
                | Self::Modified
                | Self::Denied
                | Self::Cancelled
                | Self::NotRequired
                | Self::Redirected
                | Self::AppealUpheld
        )
    }
}

impl fmt::Display for Decision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// Reason of list 886 that says: information is wanted.
pub const REASON_INFO_WANTED: &str = "0U";
/// Reason of list 886 that says: information that was asked for did not come.
pub const REASON_INFO_MISSING: &str = "0P";
/// Reason of list 886 that says: there is one like it already.
pub const REASON_DUPLICATE: &str = "0Q";
/// Reason of list 886 that says: another organisation is responsible.
pub const REASON_ELSEWHERE: &str = "0J";

/// Reasons of a review action (list 886), in our words.
pub const REASONS: &[(&str, &str)] = &[
    ("0A", "testing is not included"),
    ("0B", "sent to an outside reviewer; the decision comes later"),
    ("0C", "access is restricted"),
    ("0D", "the primary provider must ask"),
    ("0E", "the provider is not the primary one"),
    ("0F", "judged not to be necessary"),
    ("0G", "another level of care"),
    ("0H", "no authorization is needed"),
    ("0J", "another organisation is responsible"),
    ("0K", "a service of the primary provider"),
    ("0L", "more than the plan gives at most"),
    ("0M", "not covered"),
    ("0N", "there was no approval before"),
    ("0P", "information that was asked for did not come"),
    ("0Q", "there is one like it already"),
    ("0R", "does not fit the diagnosis"),
    ("0S", "existed before the coverage"),
    ("0T", "counts as experimental"),
    ("0U", "more information about the patient is wanted"),
    ("0V", "needs a medical review"),
    ("0W", "waits for a review"),
    ("0X", "does not fit the kind of provider"),
    ("0Y", "does not fit the patient's age"),
    ("0Z", "does not fit the patient's sex"),
    ("04", "more than the quantity allowed"),
    ("09", "outside the network"),
    ("10", "the pattern of delivery"),
    ("12", "restricted to another provider"),
    ("13", "was given to another provider"),
    ("14", "a rule of the plan"),
    ("15", "a rule of the plan"),
    ("16", "the kind of facility"),
    ("17", "too late, or outside the time allowed"),
    ("18", "the notice was noted"),
    ("19", "counts as cosmetic"),
    ("20", "once in a lifetime"),
    ("25", "for another reason"),
    ("26", "the provider's role is missing"),
    ("27", "first month of grace"),
    ("28", "second month of grace"),
    ("29", "third month of grace"),
];

/// A reason in our words; single digits are read as their two-digit form.
#[must_use]
pub fn reason(code: &str) -> Option<&'static str> {
    let two = if code.len() == 1 { format!("0{code}") } else { code.to_owned() };
    REASONS.iter().find(|(known, _)| *known == two).map(|(_, say)| *say)
}

/// What follows from a refusal at the door (list 901).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Refusal {
    /// Ask again later.
    Later,
    /// The member's data are wrong.
    Member,
    /// The provider's data are wrong, or the provider is not enrolled.
    Provider,
    /// The set-up with this payer is wrong.
    Setup,
    /// The request's data are wrong.
    Request,
    /// The member is not covered.
    Coverage,
    /// The number is not known there.
    Number,
    /// A code this list does not have.
    Unknown,
}

/// Which class a refusal is of.
pub const REFUSALS: &[(Refusal, &[&str])] = &[
    (Refusal::Later, &["42", "80"]),
    (
        Refusal::Member,
        &["58", "64", "65", "66", "67", "68", "71", "72", "73", "74", "75", "76", "77", "78"],
    ),
    (Refusal::Provider, &["41", "43", "44", "45", "46", "47", "48", "49", "50", "51", "97"]),
    (Refusal::Setup, &["04", "79", "T4"]),
    (
        Refusal::Request,
        &[
            "15", "33", "52", "53", "54", "55", "56", "57", "60", "61", "62", "63", "69", "70",
            "98", "AF", "AG", "AH", "AI", "AJ", "AK", "AL", "AM", "AN", "AO",
        ],
    ),
    (Refusal::Coverage, &["95"]),
    (Refusal::Number, &["AA"]),
];

impl Refusal {
    /// The class of a code.
    #[must_use]
    pub fn of(code: &str) -> Self {
        let found = REFUSALS.iter().find(|(_, codes)| codes.contains(&code));
        found.map_or(Self::Unknown, |(class, _)| *class)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_action_goes_there_and_back_and_unknown_ones_are_kept() {
        for (code, action) in ACTIONS {
            assert_eq!(ReviewAction::of(code), action);
            assert_eq!(action.code(), code);
        }
        assert_eq!(ReviewAction::of("A9").code(), "A9");
        assert!(!ReviewAction::of("A9").grants());
    }

    #[test]
    fn lists_name_a_code_once() {
        let reasons: BTreeSet<_> = REASONS.iter().map(|(code, _)| code).collect();
        assert_eq!(reasons.len(), REASONS.len());
        let all: Vec<_> = REFUSALS.iter().flat_map(|(_, codes)| *codes).collect();
        assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), all.len());
        assert_eq!(reason("4"), reason("04"));
        assert_ne!(reason("0P"), reason("0V"));
        assert_eq!((reason("ZZ"), Refusal::of("ZZ")), (None, Refusal::Unknown));
    }
}
