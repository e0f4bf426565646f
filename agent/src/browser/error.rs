//! What can go wrong between us and Chromium. Expected obstacles on a page are not here: they are
//! values (`attempt::Why`). No variant ever carries command parameters or page content.

use std::time::Duration;

/// A failed call to the browser.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The browser could not be started; the sentence says why and what to do.
    #[error("the browser could not be started: {0}")]
    Launch(String),
    /// The browser process ended, or was ended because it no longer answered.
    #[error("the browser is gone")]
    Gone,
    /// The renderer behind this page or frame crashed.
    #[error("the page crashed")]
    Crashed,
    /// The page, frame or document is no longer there.
    #[error("the page or frame was closed")]
    Closed,
    /// The call was not answered before its own deadline.
    #[error("{method} was not answered within {} ms", after.as_millis())]
    Timeout {
        /// CDP method name.
        method: &'static str,
        /// The deadline that passed.
        after: Duration,
    },
    /// Chromium refused the call.
    #[error("{method} was refused by the browser: {message}")]
    Protocol {
        /// CDP method name.
        method: &'static str,
        /// Chromium's own words, cut to 200 characters.
        message: String,
    },
    /// The reply did not have the shape we know.
    #[error("the reply to {method} could not be read")]
    Decode {
        /// CDP method name.
        method: &'static str,
    },
    /// A bound of ours was exceeded (message, queue, file).
    #[error("limit exceeded: {0}")]
    ResourceLimit(&'static str),
    /// Our own injected script failed: a bug here, or a hostile page.
    #[error("the page script failed in {0}")]
    Script(&'static str),
    /// A selector or pattern given by the caller is not valid.
    #[error("not a valid selector or pattern: {0}")]
    BadQuery(String),
    /// Reading or writing a local file failed.
    #[error("file access failed: {0}")]
    Io(String),
}

impl Error {
    /// True where looking again can help: the document was replaced under the call.
    #[must_use]
    pub fn is_stale(&self) -> bool {
        match self {
            Self::Closed => true,
            Self::Protocol { message, .. } => {
                const STALE: [&str; 9] = [
                    "No node with given id",
                    "Could not find node",
                    "does not belong to the document",
                    "Cannot find context",
                    "same JavaScript world",
                    "Execution context was destroyed",
                    "Inspected target navigated",
                    "Node is detached",
                    "Frame with the given",
                ];
                STALE.iter().any(|s| message.contains(s))
            }
            _ => false,
        }
    }
}

impl From<std::io::Error> for Error {
    fn from(e: std::io::Error) -> Self {
        Self::Io(e.to_string())
    }
}
