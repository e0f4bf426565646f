//! What a draft leaves to a person, what was left out, and why a file is refused. None of it repeats a value.

use serde::Serialize;

/// Why a file is refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Refusal {
    /// Where in the file, such as `steps[3].selectors`; empty for the file itself.
    pub path: String,
    /// What is wrong.
    pub message: String,
}

impl Refusal {
    pub(super) fn new(path: &str, message: impl Into<String>) -> Self {
        Self { path: path.to_owned(), message: message.into() }
    }
}

/// A question not yet written down.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Ask {
    /// Where in the recording it comes from.
    pub(super) path: String,
    pub(super) text: String,
}

impl Ask {
    pub(super) fn new(path: impl Into<String>, text: impl Into<String>) -> Self {
        Self { path: path.into(), text: text.into() }
    }
}

/// An open question of a draft.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Question {
    /// Its number in the draft's comments, from 1.
    pub number: usize,
    /// The line of the draft it stands over.
    pub line: usize,
    /// Where in the recording it comes from, such as `steps[3].value`; empty when from nowhere in particular.
    pub path: String,
    /// The question.
    pub question: String,
}

/// Something a person should know, without a place in the draft.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Note {
    /// Where in the recording, as in [`Question`].
    pub path: String,
    /// What was done or left out.
    pub note: String,
}

impl Note {
    pub(super) fn new(path: impl Into<String>, note: impl Into<String>) -> Self {
        Self { path: path.into(), note: note.into() }
    }
}
