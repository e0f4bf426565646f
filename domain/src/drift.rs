//! Drift: where a payer's pages differ from what a script knows. An agent tells it, people review it: an item is open until somebody
//! accepts it as the payer's new look or dismisses it. Here also what is remembered of a script's elements, which healing goes by.

mod change;
mod form;
mod print;

pub use change::{Change, proposed};
pub use form::Control;
pub use print::{Fingerprint, Prints, personal};

use serde::{Deserialize, Serialize};

use crate::id::{EvidenceId, UserId};
use print::{cut, mentions};

/// Longest name of an element or sentence about it, characters.
const SAY_MAX: usize = 300;

/// What an attempt remembers of one element.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Remembered {
    /// What it looks like.
    pub print: Fingerprint,
    /// The picture around it, where one was taken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub picture: Option<EvidenceId>,
}

/// In which way a page differed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DriftKind {
    /// The first strategy found nothing; a later one did.
    FallbackUsed,
    /// No strategy found the element; a candidate was used in its stead.
    Healed,
    /// No strategy found the element; a candidate was seen and not used.
    Suggested,
    /// A form asks for something the script does not know, or for other things than it did.
    FormChanged,
    /// An answer read without rendering differed from the shown page.
    FetchedDiffers,
    /// A page showed that is none the script knows, or led elsewhere.
    ScreenUnknown,
    /// The page was reached, and what it says is not what was said before: wording of an answer, the form of a value.
    MeaningChanged,
}

impl DriftKind {
    /// Every kind.
    pub const ALL: [Self; 7] = [
        Self::FallbackUsed,
        Self::Healed,
        Self::Suggested,
        Self::FormChanged,
        Self::FetchedDiffers,
        Self::ScreenUnknown,
        Self::MeaningChanged,
    ];

    /// The word in SQL, API, CLI and console.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::FallbackUsed => "fallback_used",
            Self::Healed => "healed",
            Self::Suggested => "suggested",
            Self::FormChanged => "form_changed",
            Self::FetchedDiffers => "fetched_differs",
            Self::ScreenUnknown => "screen_unknown",
            Self::MeaningChanged => "meaning_changed",
        }
    }

    /// How much of a script's knowledge it touches: 1 another strategy works, 2 an element is lost, 3 a form, 4 a page, 5 what an
    /// answer means.
    #[must_use]
    pub fn level(self) -> u8 {
        match self {
            Self::FallbackUsed => 1,
            Self::Healed | Self::Suggested => 2,
            Self::FormChanged => 3,
            Self::ScreenUnknown => 4,
            Self::FetchedDiffers | Self::MeaningChanged => 5,
        }
    }

    /// Reads the word back.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.word() == word)
    }

    /// What happened, in one sentence for staff.
    #[must_use]
    pub fn say(self) -> &'static str {
        match self {
            Self::FallbackUsed => "The usual way to find this element failed; a later one worked.",
            Self::Healed => {
                "This element was not found any more; one that stands out was used instead."
            }
            Self::Suggested => {
                "This element was not found any more; one stands out, and was not used."
            }
            Self::FormChanged => {
                "The form is not as it was, or asks for something the script does not know."
            }
            Self::FetchedDiffers => {
                "An answer read without showing the page was not what the page shows."
            }
            Self::ScreenUnknown => "A page showed that is none the script knows.",
            Self::MeaningChanged => {
                "The page says something the script cannot read; nothing was guessed."
            }
        }
    }

    /// What accepting such an item does.
    #[must_use]
    pub fn accepting(self) -> &'static str {
        match self {
            Self::Healed | Self::Suggested => {
                "You say that it is the same element. It is remembered as it looks now."
            }
            Self::FetchedDiffers => {
                "You say that the shown page is right. Answers of this script version are not fetched any more."
            }
            Self::FallbackUsed | Self::FormChanged | Self::ScreenUnknown | Self::MeaningChanged => {
                "You say that this is how the payer's pages look now."
            }
        }
    }

    /// What dismissing such an item does.
    #[must_use]
    pub fn dismissing(self) -> &'static str {
        match self {
            Self::Healed | Self::Suggested => {
                "You say that it is another element. It is never taken for the lost one again with this script version."
            }
            Self::FetchedDiffers => {
                "You say that it has passed. Answers may be fetched again until it is seen once more."
            }
            Self::FallbackUsed => "You have seen it and nothing needs to be done.",
            Self::FormChanged | Self::ScreenUnknown | Self::MeaningChanged => {
                "You say that it has passed. It is asked again if it is seen once more."
            }
        }
    }

    /// Whether a dismissed item is open again when the same is seen once more.
    fn comes_back(self) -> bool {
        self.level() >= 3
    }
}

/// One difference as an attempt saw it. No values and nothing of a patient.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Drift {
    /// The element, or what else differed.
    pub element: String,
    /// In which way.
    pub kind: DriftKind,
    /// Where it is written: `crestline/submit:68`.
    pub source: String,
    /// How alike the candidate is to what was remembered, 0 to 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub score: Option<f64>,
    /// Its lead over the second.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub margin: Option<f64>,
    /// A first strategy that would find it, as YAML; empty where there is none to write.
    #[serde(default)]
    pub proposal: String,
    /// Further words, such as which strategy found it.
    #[serde(default)]
    pub detail: String,
    /// What was remembered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<Fingerprint>,
    /// What the candidate looks like.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub now: Option<Fingerprint>,
    /// The picture around what was remembered. Set by the coordinator.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before_picture: Option<EvidenceId>,
    /// The picture around the candidate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub now_picture: Option<EvidenceId>,
}

impl Drift {
    /// A difference with nothing known but its place.
    #[must_use]
    pub fn new(kind: DriftKind, element: impl Into<String>, source: impl Into<String>) -> Self {
        Self {
            element: element.into(),
            kind,
            source: source.into(),
            score: None,
            margin: None,
            proposal: String::new(),
            detail: String::new(),
            before: None,
            now: None,
            before_picture: None,
            now_picture: None,
        }
    }

    /// The same with further words.
    #[must_use]
    pub fn with_detail(self, detail: impl Into<String>) -> Self {
        Self { detail: detail.into(), ..self }
    }

    /// The same in bounded size and without these values; see [`Fingerprint::harmless`].
    #[must_use]
    pub fn harmless(mut self, values: &[String]) -> Self {
        for text in [&mut self.element, &mut self.source, &mut self.proposal, &mut self.detail] {
            *text = if mentions(text, values) { String::new() } else { cut(text, SAY_MAX) };
        }
        let clean = |print: Option<Fingerprint>| print.map(|print| print.harmless(values));
        (self.before, self.now) = (clean(self.before), clean(self.now));
        self
    }
}

/// Whether something was told that healing had a part in: then nothing of the attempt is remembered by itself.
#[must_use]
pub fn healed_nothing(drift: &[Drift]) -> bool {
    !drift.iter().any(|d| matches!(d.kind, DriftKind::Healed | DriftKind::Suggested))
}

/// State of a drift item.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum DriftState {
    /// Nobody has looked at it.
    Open,
    /// A person took it for the payer's new look.
    Accepted {
        /// Who.
        by: UserId,
        /// Why.
        reason: String,
    },
    /// A person said that it is not.
    Dismissed {
        /// Who.
        by: UserId,
        /// Why.
        reason: String,
    },
}

/// What happens to a drift item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DriftEvent {
    /// An attempt saw it again; `same`: with the same candidate.
    Seen {
        /// Whether it is the very thing a person may have judged.
        same: bool,
    },
    /// A person accepts it.
    Accept {
        /// Who.
        by: UserId,
        /// Why.
        reason: String,
    },
    /// A person dismisses it.
    Dismiss {
        /// Who.
        by: UserId,
        /// Why.
        reason: String,
    },
}

/// The state does not allow the event.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a drift item that is {state} cannot take {event}")]
pub struct Illegal {
    /// The state's word.
    pub state: &'static str,
    /// The event's word.
    pub event: &'static str,
}

impl DriftEvent {
    /// The word in messages and docs.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::Seen { same: true } => "seen",
            Self::Seen { same: false } => "seen otherwise",
            Self::Accept { .. } => "accept",
            Self::Dismiss { .. } => "dismiss",
        }
    }
}

impl DriftState {
    /// The word in SQL, API, CLI and console.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Accepted { .. } => "accepted",
            Self::Dismissed { .. } => "dismissed",
        }
    }

    /// The state after an event. A judgement stands until something else is seen than was judged.
    ///
    /// # Errors
    /// [`Illegal`] names both.
    pub fn next(&self, kind: DriftKind, event: &DriftEvent) -> Result<Self, Illegal> {
        match (self, event) {
            (Self::Open, DriftEvent::Seen { .. }) => Ok(Self::Open),
            (_, DriftEvent::Seen { same: false }) => Ok(Self::Open),
            (Self::Dismissed { .. }, DriftEvent::Seen { same: true }) if kind.comes_back() => {
                Ok(Self::Open)
            }
            (Self::Accepted { .. } | Self::Dismissed { .. }, DriftEvent::Seen { same: true }) => {
                Ok(self.clone())
            }
            (Self::Open, DriftEvent::Accept { by, reason }) => {
                Ok(Self::Accepted { by: *by, reason: reason.clone() })
            }
            (Self::Open, DriftEvent::Dismiss { by, reason }) => {
                Ok(Self::Dismissed { by: *by, reason: reason.clone() })
            }
            (
                Self::Accepted { .. } | Self::Dismissed { .. },
                DriftEvent::Accept { .. } | DriftEvent::Dismiss { .. },
            ) => Err(Illegal { state: self.word(), event: event.word() }),
        }
    }
}

/// Attempts with the same healing that nobody has looked at before the script is held.
pub const SAME_MAX: u32 = 3;
/// Different healings within [`WINDOW_MS`] before the script is held.
pub const DIFFERENT_MAX: u32 = 3;
/// The window of [`DIFFERENT_MAX`]: a day.
pub const WINDOW_MS: i64 = 24 * 3_600_000;

/// Attempts that ended at the same unknown page, nobody having looked at it, before the script is held.
pub const UNKNOWN_MAX: u32 = 3;
/// So many agents must have seen it: one of them alone may be what is wrong.
pub const UNKNOWN_AGENTS: u32 = 2;

/// Why a script must wait for a person: `same` attempts with the very same healing, `different` healings in a day, `strangers`
/// pages in a day that are none of the script's, each seen often enough by enough agents; none when it may go on.
#[must_use]
pub fn too_much(same: u32, different: u32, strangers: u32) -> Option<String> {
    if strangers > 0 {
        return Some(format!(
            "{UNKNOWN_AGENTS} agents ended at a page the script does not know; see the Drift page"
        ));
    }

    if same >= SAME_MAX {
        return Some(format!("the same element was healed in {same} attempts; see the Drift page"));
    }
    (different >= DIFFERENT_MAX)
        .then(|| format!("{different} elements were healed within a day; see the Drift page"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_is_held_when_healing_becomes_a_habit() {
        assert_eq!((too_much(2, 2, 0), too_much(0, 0, 0)), (None, None));
        assert!(too_much(3, 0, 0).unwrap().contains("3 attempts"));
        assert!(too_much(1, 3, 0).unwrap().contains("3 elements"));
        assert!(too_much(0, 0, 1).unwrap().contains("2 agents"));
    }
}
