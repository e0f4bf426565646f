//! Evidence: an immutable item of a step, referred to by hash; never the bytes themselves.

use serde::{Deserialize, Serialize};

use crate::{
    id::{AttemptId, EvidenceId},
    time::Timestamp,
};

/// What an item is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum EvidenceKind {
    /// Picture of the viewport (PNG).
    Screenshot,
    /// Picture of the whole page (PNG).
    FullPage,
    /// Part of a picture: around a value that was read, or around an element (PNG).
    Crop,
    /// The document as HTML, masked.
    Dom,
    /// Visible text of the page, masked.
    PageText,
    /// The submit call: method, address, hash and masked body (JSON).
    SubmitCall,
    /// The page printed (PDF).
    Print,
    /// A file the portal gave (letter).
    Download,
    /// A message of another channel.
    Message,
}

impl EvidenceKind {
    /// Every kind.
    pub const ALL: [Self; 9] = [
        Self::Screenshot,
        Self::FullPage,
        Self::Crop,
        Self::Dom,
        Self::PageText,
        Self::SubmitCall,
        Self::Print,
        Self::Download,
        Self::Message,
    ];

    /// The word in SQL and API.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Screenshot => "screenshot",
            Self::FullPage => "full_page",
            Self::Crop => "crop",
            Self::Dom => "dom",
            Self::PageText => "page_text",
            Self::SubmitCall => "submit_call",
            Self::Print => "print",
            Self::Download => "download",
            Self::Message => "message",
        }
    }

    /// Reads the word back.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|k| k.word() == word)
    }

    /// The media type under which it is served.
    #[must_use]
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Screenshot | Self::FullPage | Self::Crop => "image/png",
            Self::Dom | Self::PageText | Self::Message => "text/plain; charset=utf-8",
            Self::SubmitCall => "application/json",
            Self::Print | Self::Download => "application/pdf",
        }
    }
}

/// When in a step an item was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Moment {
    /// Before the step acted.
    Before,
    /// At the act: the point is known, the pointer has not moved.
    AtAct,
    /// After it.
    After,
}

impl Moment {
    /// The word in SQL and API.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Before => "before",
            Self::AtAct => "at_act",
            Self::After => "after",
        }
    }
}

/// A reference to stored, sealed bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// Which.
    pub id: EvidenceId,
    /// Attempt that took it.
    pub attempt: AttemptId,
    /// Step index in that attempt.
    pub step: u32,
    /// Kind.
    pub kind: EvidenceKind,
    /// Moment within the step.
    pub moment: Moment,
    /// SHA-256 of the plain bytes, hexadecimal.
    pub sha256: String,
    /// Length of the plain bytes.
    pub size_bytes: u64,
    /// Whether patient data and secrets were masked in it before it left the slot.
    pub masked: bool,
    /// When the coordinator had it durably (its clock).
    pub received_at: Timestamp,
}
