//! A step: one statement of a script as executed: index, timing, log, evidence, effect.

use serde::{Deserialize, Serialize};

use crate::{id::EvidenceId, time::Timestamp};

/// What a step does to the payer's world.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// Leaves nothing at the payer.
    Read,
    /// Changes an unfinished request.
    Draft,
    /// Sends it: cannot be undone.
    Commit,
}

impl Effect {
    /// The word in SQL and API.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Draft => "draft",
            Self::Commit => "commit",
        }
    }
}

/// How a step ended, or that it has not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum StepState {
    /// Under way, or the agent vanished in it.
    Running,
    /// Did what it says.
    Done,
    /// Stopped the attempt.
    Failed,
    /// Its `when` did not hold.
    Skipped,
}

impl StepState {
    /// The word in SQL and API.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Skipped => "skipped",
        }
    }
}

/// A rectangle in CSS pixels of the viewport.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Bounds {
    /// Left edge.
    pub x: f64,
    /// Upper edge.
    pub y: f64,
    /// Width.
    pub width: f64,
    /// Height.
    pub height: f64,
}

/// Where a pointer act met the page: measured at the moment of acting, so it belongs to the picture of that moment.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Click {
    /// Point, CSS pixels from the left of the viewport.
    pub x: f64,
    /// Point, CSS pixels from the top of the viewport.
    pub y: f64,
    /// Box of the target.
    pub bounds: Bounds,
    /// Viewport width in CSS pixels.
    pub viewport_width: f64,
    /// Viewport height in CSS pixels.
    pub viewport_height: f64,
    /// Vertical scroll of the page in CSS pixels.
    pub scroll_y: f64,
    /// Device pixels per CSS pixel.
    pub pixel_ratio: f64,
}

/// One act within a step: a fill, a click, a choice. Values are masked before they get here.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Act {
    /// `fill`, `click`, `choose`, `attach`, `press`, `open`, `pick_row`, `attest`, `print` …
    pub verb: String,
    /// The script's name of the element, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub element: Option<String>,
    /// Where the pointer met the page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub click: Option<Click>,
    /// The picture of that moment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub picture: Option<EvidenceId>,
    /// Milliseconds since the attempt began.
    pub at_ms: i64,
}

/// A log sentence of a step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct LogLine {
    /// Milliseconds since the attempt began.
    pub at_ms: i64,
    /// The sentence, masked.
    pub text: String,
}

/// A value read from the page, and where.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct ReadValue {
    /// Capture name in the script.
    pub name: String,
    /// The value (patient data is masked unless it is a reference number or a status word).
    pub value: String,
    /// `dom`, `table`, `ocr`, `pdf`, `url`.
    pub read_by: String,
    /// Where on the picture, when known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bounds: Option<Bounds>,
    /// The picture it was read from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub picture: Option<EvidenceId>,
    /// OCR confidence in percent, where read by OCR.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confidence: Option<f64>,
}

/// A step as reported and stored. A later report of the same index replaces `running` by its end, once.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Step {
    /// Position in the attempt, from 0.
    pub index: u32,
    /// The script's own name of the step.
    pub name: String,
    /// `step`, `commit`, `capture`, `classify`, `reconcile`, `launch`, …
    pub kind: String,
    /// Nesting depth, 0 for the script's own flow.
    pub depth: u32,
    /// What it does at the payer.
    pub effect: Effect,
    /// State.
    pub state: StepState,
    /// Script file and line, such as `crestline/submit:68`.
    pub source: String,
    /// Milliseconds since the attempt began.
    pub started_ms: i64,
    /// Milliseconds since the attempt began; absent while running.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_ms: Option<i64>,
    /// Retries within the step.
    #[serde(default)]
    pub retries: u32,
    /// The screen that was recognised at its end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub screen: Option<String>,
    /// Acts, in order.
    #[serde(default)]
    pub acts: Vec<Act>,
    /// Log sentences, in order.
    #[serde(default)]
    pub log: Vec<LogLine>,
    /// Values read.
    #[serde(default)]
    pub values: Vec<ReadValue>,
    /// Pictures before, at the act and after, and other evidence taken in this step.
    #[serde(default)]
    pub evidence: Vec<EvidenceId>,
    /// When the coordinator received it (set by the coordinator).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub received_at: Option<Timestamp>,
}
