//! What an attempt brings back: an outcome (the payer's typed answer) or a failure (why there is none).

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::{id::EvidenceId, job::Task, step::Bounds, time::Timestamp};

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $word:literal,)* }) => {
        $(#[$doc])*
        #[derive(
            Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
            schemars::JsonSchema
        )]
        #[serde(rename_all = "snake_case")]
        pub enum $name { $($(#[$vdoc])* $variant,)* }

        impl $name {
            /// Every value, in declaration order.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The word in SQL, API, CLI, scripts and console.
            #[must_use]
            pub fn word(self) -> &'static str {
                match self { $(Self::$variant => $word,)* }
            }
        }

        impl FromStr for $name {
            type Err = UnknownWord;
            fn from_str(word: &str) -> Result<Self, UnknownWord> {
                match word { $($word => Ok(Self::$variant),)* _ => Err(UnknownWord) }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { f.write_str(self.word()) }
        }
    };
}

/// The word is not in the vocabulary.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a word of this vocabulary")]
pub struct UnknownWord;

words! {
    /// The payer's answer in our words. Classification is total: unknown wording goes to a person, never here.
    Answer {
        /// The payer has the request; nothing decided.
        Received = "received",
        /// Under review.
        PendedReview = "pended_review",
        /// The payer wants more information.
        PendedInfo = "pended_info",
        /// Approved as asked.
        Approved = "approved",
        /// Some lines approved, some not.
        PartiallyApproved = "partially_approved",
        /// Approved with changes.
        Modified = "modified",
        /// Not approved.
        Denied = "denied",
        /// The payer wants a call.
        ContactPayer = "contact_payer",
        /// The payer offers a peer-to-peer review.
        PeerToPeer = "peer_to_peer",
        /// No authorization is needed.
        NotRequired = "not_required",
        /// Somebody else decides.
        Redirected = "redirected",
        /// Not taken in: must be corrected and sent as new.
        Rejected = "rejected",
        /// The payer already has this request.
        Duplicate = "duplicate",
        /// Cancelled at the payer.
        Cancelled = "cancelled",
        /// The payer has no such record.
        NotFound = "not_found",
        /// Pre-check: the service needs an authorization.
        AuthorizationRequired = "authorization_required",
        /// Eligibility: covered on the day asked for.
        CoverageActive = "coverage_active",
        /// Eligibility: known, but not covered on the day asked for.
        CoverageInactive = "coverage_inactive",
        /// Payer claim: received.
        ClaimReceived = "claim_received",
        /// Payer claim: being worked.
        ClaimInProcess = "claim_in_process",
        /// Payer claim: paid as adjudicated.
        ClaimPaid = "claim_paid",
        /// Payer claim: some lines paid, some denied.
        ClaimPartiallyPaid = "claim_partially_paid",
        /// Payer claim: nothing paid, the patient owes the allowed amount.
        ClaimZeroPaid = "claim_zero_paid",
        /// Payer claim: denied.
        ClaimDenied = "claim_denied",
        /// Payer claim: refused at the front end; the payer never had it.
        ClaimRejected = "claim_rejected",
        /// Payer claim: revised by the payer.
        ClaimAdjusted = "claim_adjusted",
    }
}

impl Answer {
    /// Whether the payer has decided, so that no further status check is planned.
    #[must_use]
    pub fn is_final(self) -> bool {
        !matches!(
            self,
            Self::Received
                | Self::PendedReview
                | Self::PendedInfo
                | Self::ContactPayer
                | Self::PeerToPeer
                | Self::ClaimReceived
                | Self::ClaimInProcess
        )
    }

    /// Whether a job of this task can have this answer.
    #[must_use]
    pub fn fits(self, task: Task) -> bool {
        let claim = self.word().starts_with("claim_");
        let coverage = matches!(self, Self::CoverageActive | Self::CoverageInactive);
        match (self, task) {
            (Self::NotFound, _) => true,
            (_, Task::ClaimStatus) => claim,
            (_, Task::Eligibility) => coverage,
            (Self::AuthorizationRequired, _) => task == Task::Precheck,
            (_, Task::Precheck) => {
                matches!(
                    self,
                    Self::NotRequired | Self::Redirected | Self::Denied | Self::ContactPayer
                )
            }
            _ => !claim && !coverage,
        }
    }

    /// The answer as staff say it.
    #[must_use]
    pub fn say(self) -> &'static str {
        match self {
            Self::Received => "Received by the payer",
            Self::PendedReview => "Pended for review",
            Self::PendedInfo => "Pended: the payer wants more information",
            Self::Approved => "Approved",
            Self::PartiallyApproved => "Partially approved",
            Self::Modified => "Approved with changes",
            Self::Denied => "Denied",
            Self::ContactPayer => "The payer asks for a call",
            Self::PeerToPeer => "Peer-to-peer review offered",
            Self::NotRequired => "No authorization needed",
            Self::Redirected => "Another organisation decides",
            Self::Rejected => "Not taken in by the payer",
            Self::Duplicate => "Already on file at the payer",
            Self::Cancelled => "Cancelled at the payer",
            Self::NotFound => "Not found at the payer",
            Self::AuthorizationRequired => "Authorization needed",
            Self::CoverageActive => "Covered",
            Self::CoverageInactive => "Not covered on that day",
            Self::ClaimReceived => "Claim received",
            Self::ClaimInProcess => "Claim in process",
            Self::ClaimPaid => "Claim paid",
            Self::ClaimPartiallyPaid => "Claim partially paid",
            Self::ClaimZeroPaid => "Claim finalized, nothing paid",
            Self::ClaimDenied => "Claim denied",
            Self::ClaimRejected => "Claim rejected before adjudication",
            Self::ClaimAdjusted => "Claim adjusted",
        }
    }
}

words! {
    /// The kind of a payer's number. Never told apart by shape: two payers may use the same shape for two kinds.
    ReferenceKind {
        /// Answer to "is an authorization needed".
        Decision = "decision",
        /// Given when a request is begun.
        Case = "case",
        /// Number of the request as received.
        Tracking = "tracking",
        /// Number of the exchange.
        Transaction = "transaction",
        /// Administrative number while undecided.
        Pend = "pend",
        /// Number of a positive decision.
        Authorization = "authorization",
        /// Payer claim control number.
        Claim = "claim",
        /// Number of a determination letter.
        Letter = "letter",
        /// Upload, fax or edit receipt.
        Receipt = "receipt",
    }
}

/// A number the payer gave, with the place it was read from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Reference {
    /// Kind, as the script declares it.
    pub kind: ReferenceKind,
    /// Who gave it: the payer's id.
    pub issuer: String,
    /// The number as shown.
    pub value: String,
    /// `dom`, `table`, `ocr`, `pdf`, `url`, `person`.
    pub read_by: String,
    /// OCR confidence in percent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confidence: Option<f64>,
    /// When it was read.
    pub at: Timestamp,
    /// The picture it was read from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence: Option<EvidenceId>,
    /// Where on that picture.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bounds: Option<Bounds>,
}

/// A further fact captured with an outcome (denial reason, approved units, paid amount).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Fact {
    /// The script's capture name.
    pub name: String,
    /// The value as shown.
    pub value: String,
}

/// The typed business answer of a job.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Outcome {
    /// The answer in our words.
    pub answer: Answer,
    /// The payer's own words, as shown.
    #[serde(default)]
    pub raw_words: String,
    /// Every number the payer gave.
    #[serde(default)]
    pub references: Vec<Reference>,
    /// Further facts.
    #[serde(default)]
    pub facts: Vec<Fact>,
    /// `agent` or `person`, or `reconcile` when a doubt was settled by finding it.
    pub via: String,
}

words! {
    /// Why an attempt gave no outcome. A closed list; the coordinator decides what follows from each.
    FailureKind {
        /// Something passing: slow page, obstacle that did not go away.
        Transient = "transient",
        /// The portal answers with errors or maintenance.
        PortalDown = "portal_down",
        /// User name or password refused, or the account is locked.
        LoginRejected = "login_rejected",
        /// A one-time code or an attestation is needed that the fleet does not have.
        NeedsCode = "needs_code",
        /// Something meant for people: a picture puzzle, changed terms.
        Challenge = "challenge",
        /// A page or element was not recognised.
        PageChanged = "page_changed",
        /// The payer does not know the member or the record.
        NotFound = "not_found",
        /// The payer refused the content.
        Refused = "refused",
        /// The input does not fit the form.
        BadInput = "bad_input",
        /// The portal led away from its listed hosts, or its certificate is not valid.
        OffSite = "off_site",
        /// It may have been submitted.
        Unsure = "unsure",
        /// The attempt vanished: crash, kill, lost lease.
        Lost = "lost",
    }
}

impl FailureKind {
    /// The failure in one sentence for staff.
    #[must_use]
    pub fn say(self) -> &'static str {
        match self {
            Self::Transient => "The portal did not respond as usual; this often passes.",
            Self::PortalDown => "The portal is down or in maintenance.",
            Self::LoginRejected => "The portal refused to sign us in.",
            Self::NeedsCode => "The portal asks for something only a person can give.",
            Self::Challenge => "The portal shows something meant for people only.",
            Self::PageChanged => "The portal showed a page the script does not know.",
            Self::NotFound => "The payer does not find this member or record.",
            Self::Refused => "The payer refused the content of the request.",
            Self::BadInput => "A value does not fit the portal's form.",
            Self::OffSite => {
                "The connection to the portal could not be trusted, or it led to an unknown site."
            }
            Self::Unsure => {
                "The request may have been submitted; we are looking, and will not send it again."
            }
            Self::Lost => "The agent stopped in the middle of the work.",
        }
    }
}

/// A failure with its story. Texts are masked; they never contain patient data or secrets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Failure {
    /// Which of the closed list.
    pub kind: FailureKind,
    /// The script's or the engine's name for it, such as `member_not_found`, `no_known_screen`.
    pub name: String,
    /// One sentence for staff.
    pub say: String,
    /// What was wanted, seen and tried, for whoever mends it.
    #[serde(default)]
    pub detail: String,
    /// Step name where it happened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<String>,
    /// Script file and line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// What the script's `exceptions` block asks for: a retry rule. The coordinator decides.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry: Option<RetryRule>,
    /// The script asks that no automatic step follows until a person answers.
    #[serde(default)]
    pub hold: bool,
    /// The failure concerns the whole payer, not this job alone (portal down, account locked).
    #[serde(default)]
    pub payer_wide: bool,
    /// The portal's own words for how long to stay away (`Retry-After`, with status 429 or 503), as they came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<String>,
    /// The list of questions the script wants it on, should a person be asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub queue: Option<String>,
}

/// A script's retry wish: arguments of the one retry schedule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct RetryRule {
    /// First rest in milliseconds.
    pub after_ms: i64,
    /// Factor per further rest, in hundredths (200 = doubling).
    pub backoff_percent: u32,
    /// How many retries.
    pub at_most: u32,
}

impl Failure {
    /// Name of a failure in which an interface did not let the account in.
    pub const ACCESS_REFUSED: &'static str = "access_refused";
    /// Name of a doubt in which the payer itself said that it took nothing in, and why.
    pub const REFUSED_AT_THE_DOOR: &'static str = "refused_at_the_door";

    /// Whether the account is refused, so that nothing more is tried with it until a person acts: at a sign-in, or when a request was
    /// sent, which leaves a doubt besides. A script that plans a retry says that it passes by itself (an account in use elsewhere).
    #[must_use]
    pub fn refuses_account(&self) -> bool {
        let refused = match self.kind {
            FailureKind::LoginRejected => true,
            FailureKind::Unsure => self.name == Self::ACCESS_REFUSED,
            _ => false,
        };
        refused && self.retry.is_none()
    }

    /// Whether the payer said that it took nothing in. Its word alone settles nothing: it is looked for.
    #[must_use]
    pub fn is_refused_at_the_door(&self) -> bool {
        self.kind == FailureKind::Unsure && self.name == Self::REFUSED_AT_THE_DOOR
    }

    /// A failure with the kind's own sentence.
    #[must_use]
    pub fn new(kind: FailureKind, name: impl Into<String>, detail: impl Into<String>) -> Self {
        Self {
            kind,
            name: name.into(),
            say: kind.say().to_owned(),
            detail: detail.into(),
            step: None,
            source: None,
            retry: None,
            hold: false,
            payer_wide: false,
            retry_after: None,
            queue: None,
        }
    }
}
