//! Public JSON: what callers send and get. Unknown fields are refused on input and expected on output. Ids and instants are texts
//! (`job_01J…`, RFC 3339 in UTC), units are in the names. Patient data appears only where a comment says so.

mod drift;
mod keep;
mod query;
mod register;
mod work;

pub use drift::*;
pub use keep::*;
pub use query::*;
pub use register::*;
pub use work::*;

use domain::{evidence, exception::Resolution, outcome, step};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use zeroize::{Zeroize, ZeroizeOnDrop};

/// One page of a list, by key.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct PageOf<T> {
    /// The items, newest first unless said otherwise.
    pub items: Vec<T>,
    /// Continue with `after` = this; absent on the last page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

impl<T> PageOf<T> {
    /// A page from the store's, item by item.
    pub fn of<S>(page: crate::store::Page<S>, view: impl FnMut(S) -> T) -> Self {
        Self { items: page.items.into_iter().map(view).collect(), next: page.next }
    }

    /// A list that is never longer than a page.
    pub fn whole(items: Vec<T>) -> Self {
        Self { items, next: None }
    }
}

/// A person's reason for a change.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Because {
    /// Why, 3 to 500 characters; kept in the audit. No patient data.
    pub reason: String,
}

/// An attempt.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct AttemptView {
    /// Which.
    pub id: String,
    /// Its job.
    pub job: String,
    /// Number, from 1.
    pub number: u32,
    /// `work` or `reconcile`.
    pub purpose: String,
    /// `running`, `paused`, `succeeded`, `failed`, `lost`, `released`.
    pub state: String,
    /// Why it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub failure: Option<outcome::Failure>,
    /// Which agent.
    pub agent: String,
    /// The script bundle it ran.
    pub script_sha256: String,
    /// When it began.
    pub started_at: String,
    /// When it ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<String>,
    /// Logins made in it.
    pub logins: u32,
    /// Whether a live portal session was reused.
    pub session_reused: bool,
    /// The channel it took: `portal`, `fhir_pas`, `x12_core`, `x12_sftp`, `x12_as2`, `rest`.
    pub channel: String,
    /// Why this one.
    pub because: String,
    /// A report of this attempt that came when its lease was over; only for one attempt. It changed nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub late_report: Option<LateView>,
}

/// A step of an attempt as executed: name, state, timing, acts with click points, log sentences, values read, evidence.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(transparent)]
#[schema(value_type = Object)]
pub struct StepView(pub step::Step);

/// An item of evidence; its bytes are under `evidence/{id}/body`.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct EvidenceView {
    /// Which.
    pub id: String,
    /// Attempt that took it.
    pub attempt: String,
    /// Step index in that attempt.
    pub step: u32,
    /// `screenshot`, `full_page`, `crop`, `dom`, `page_text`, `submit_call`, `print`, `download`, `message`.
    pub kind: String,
    /// `before`, `at_act`, `after`.
    pub moment: String,
    /// SHA-256 of the bytes, hexadecimal.
    pub sha256: String,
    /// Length in bytes.
    pub size_bytes: u64,
    /// Media type under which the bytes are served.
    pub media_type: String,
    /// Whether patient data and secrets were masked in it.
    pub masked: bool,
    /// When it was kept durably.
    pub received_at: String,
}

impl From<evidence::Evidence> for EvidenceView {
    fn from(e: evidence::Evidence) -> Self {
        Self {
            id: e.id.to_string(),
            attempt: e.attempt.to_string(),
            step: e.step,
            kind: e.kind.word().to_owned(),
            moment: e.moment.word().to_owned(),
            sha256: e.sha256,
            size_bytes: e.size_bytes,
            media_type: e.kind.media_type().to_owned(),
            masked: e.masked,
            received_at: e.received_at.to_string(),
        }
    }
}

/// A document that was taken in; a request refers to it with exactly these fields.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct DocumentView {
    /// Which.
    pub id: String,
    /// `pdf`, `jpg`, `png`, `tif`: decided from the first bytes.
    pub kind: String,
    /// SHA-256 of the bytes, hexadecimal.
    pub sha256: String,
    /// Length in bytes.
    pub size_bytes: u64,
}

/// A resolution as a button: whether it is possible now, otherwise why not.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ChoiceView {
    /// `retry`, `look_again`, `give_outcome`, `declare_absent`, `cancel`.
    pub choice: String,
    /// Whether it is possible.
    pub allowed: bool,
    /// Why not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub because: Option<String>,
}

/// Something a person must answer.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ExceptionView {
    /// Which.
    pub id: String,
    /// Case.
    pub case: String,
    /// Job.
    pub job: String,
    /// Attempt it came from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attempt: Option<String>,
    /// Payer id.
    pub payer: String,
    /// Kind, such as `page_changed`.
    pub kind: String,
    /// The question in one sentence.
    pub question: String,
    /// The list it stands on: `coding`, `credentials`, `drift`, `eligibility`, `operations`, `review`, `takeover` or a script's own.
    pub queue: String,
    /// Whom it is for, when only that one has the answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// What happened.
    #[schema(value_type = Object)]
    pub failure: outcome::Failure,
    /// `open`, `claimed`, `seconding`, `resolved`, `withdrawn`.
    pub state: String,
    /// Who holds it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub claimed_by: Option<String>,
    /// Until when.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub claimed_until: Option<String>,
    /// Who declared absence, while a second person must agree.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_by: Option<String>,
    /// Who resolved it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resolved_by: Option<String>,
    /// How: the resolution's word.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resolution: Option<String>,
    /// An attempt waits for the answer until then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub answer_by: Option<String>,
    /// What can be answered now.
    pub choices: Vec<ChoiceView>,
    /// Since when.
    pub opened_at: String,
    /// Until when.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub closed_at: Option<String>,
    /// Revision, for `If-Match`.
    pub rev: i64,
}

/// A one-time code as a person typed it: never printed, and overwritten when it is not needed any more.
#[derive(Clone, Default, Deserialize, Zeroize, ZeroizeOnDrop)]
#[serde(transparent)]
pub struct TypedCode(String);

impl TypedCode {
    /// The code, for whoever keeps it.
    pub(crate) fn text(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for TypedCode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TypedCode(••••)")
    }
}

/// A person's answer to an exception.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Resolve {
    /// `give_code`, `retry`, `look_again`, `give_outcome`, `declare_absent`, `cancel`.
    pub resolution: String,
    /// Why, or where it is known from. Not with `give_code`.
    #[serde(default)]
    pub reason: String,
    /// For `give_code`: the code an attempt waits for. Given to that attempt once, and never shown again.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub code: Option<TypedCode>,
    /// For `give_outcome`: `answer`, `raw_words`, `references`, `facts`. Patient data.
    #[serde(default)]
    #[schema(value_type = Option<Object>)]
    pub outcome: Option<Value>,
}

impl Resolve {
    /// The typed resolution.
    ///
    /// # Errors
    /// The field and a sentence.
    pub fn typed(self) -> Result<Resolution, (&'static str, String)> {
        let reason = self.reason;
        if self.code.is_some() {
            return Err(("code", "belongs to `give_code`, and only there".into()));
        }
        if self.outcome.is_some() != (self.resolution == "give_outcome") {
            return Err(("outcome", "belongs to `give_outcome`, and only there".into()));
        }
        Ok(match self.resolution.as_str() {
            "retry" => Resolution::Retry { reason },
            "look_again" => Resolution::LookAgain { reason },
            "declare_absent" => Resolution::DeclareAbsent { reason },
            "cancel" => Resolution::Cancel { reason },
            "give_outcome" => {
                let mut outcome = self.outcome.unwrap_or_default();
                if let Some(map) = outcome.as_object_mut() {
                    map.insert("via".to_owned(), Value::from("person"));
                }
                let outcome = serde_json::from_value(outcome).map_err(|_| {
                    ("outcome", "is not an outcome: `answer` with `references` and `facts`".into())
                })?;
                Resolution::GiveOutcome { outcome, reason }
            }
            _ => {
                let words = "give_code, retry, look_again, give_outcome, declare_absent or cancel";
                return Err(("resolution", format!("expected {words}")));
            }
        })
    }
}

/// What an agent told of an attempt when its lease was over.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct LateView {
    /// When it came.
    pub received_at: String,
    /// `outcome`, `failure` or `finding`.
    pub end: String,
    /// The answer, or the failure's name.
    pub says: String,
    /// Numbers it names: hints, to be found at the payer before they prove anything.
    pub numbers: Vec<String>,
}
