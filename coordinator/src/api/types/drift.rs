//! Public JSON of drift: where payers' pages differ from scripts.

use domain::drift::{Change, Fingerprint};
use serde::Serialize;
use utoipa::ToSchema;

/// One way in which a payer's pages differ from an element of a script.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct DriftView {
    /// Which.
    pub id: String,
    /// Payer id.
    pub payer: String,
    /// `<payer>/<task>`.
    pub script: String,
    /// Hash of the bundle.
    pub script_sha256: String,
    /// The element, or what else differed.
    pub element: String,
    /// `fallback_used`, `healed`, `suggested`, `form_changed`, `fetched_differs`, `screen_unknown`, `meaning_changed`.
    pub kind: String,
    /// What happened, in one sentence.
    pub say: String,
    /// `open`, `accepted`, `dismissed`.
    pub state: String,
    /// Script file and line.
    pub source: String,
    /// How alike the candidate is to what was remembered, 0 to 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub score: Option<f64>,
    /// Its lead over the second.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub margin: Option<f64>,
    /// A first strategy that would find it, as YAML.
    pub proposal: String,
    /// Further words.
    pub detail: String,
    /// Attempts that saw it.
    pub sightings: u32,
    /// Of these, those since it was last opened.
    pub unreviewed: u32,
    /// When it was first seen.
    pub first_seen_at: String,
    /// When it was last seen.
    pub last_seen_at: String,
    /// Evidence: the picture around what was remembered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before_evidence: Option<String>,
    /// Evidence: the picture around the candidate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub now_evidence: Option<String>,
    /// Who decided.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decided_by: Option<String>,
    /// When.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decided_at: Option<String>,
    /// Why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// What was remembered; only for one item.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub before: Option<Fingerprint>,
    /// What the candidate looks like; only for one item.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub now: Option<Fingerprint>,
    /// The proposed change of the script's text; only for one item, where one line tells it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub change: Option<Change>,
    /// Attempts that saw it, newest first, at most 20; only for one item.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attempts: Option<Vec<String>>,
    /// Revision, for `If-Match`.
    pub rev: i64,
}
