//! The only place where errors become replies: a status and a problem document (RFC 9457). Logs once, here; never shows a
//! database message, and never the value that was wrong, since it may be a patient's.

use axum::{
    Json,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{files, flow, store};

/// An error as callers get it (`application/problem+json`).
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Problem {
    /// `/problems/<code>`: the code to act on.
    #[serde(rename = "type")]
    pub kind: Box<str>,
    /// What kind of problem, in a few words.
    pub title: &'static str,
    /// HTTP status.
    pub status: u16,
    /// One sentence: the thing, what was tried, what was found, what to do.
    pub detail: Box<str>,
    /// The field that is wrong, as a JSON path, header or parameter name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<Box<str>>,
    /// For a conflict: how the thing stands now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub now: Option<Box<str>>,
    /// Further faults, when there are several at once.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    pub faults: Box<[Fault]>,
    /// Seconds after which to try again; also in `Retry-After`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_after_s: Option<u32>,
}

/// One fault of a request.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Fault {
    /// JSON path, such as `request.lines[0].units`.
    pub field: String,
    /// What is wrong and what is expected.
    pub reason: String,
}

/// What a handler returns.
pub type Reply<T> = Result<T, Problem>;

/// Every code with its status and title; the documentation page prints this table.
pub const CODES: &[(&str, u16, &str)] = &[
    ("bad-request", 400, "The call cannot be understood"),
    ("unauthenticated", 401, "No valid credential"),
    ("not-permitted", 403, "Not permitted"),
    ("csrf", 403, "The form's token is missing or old"),
    ("origin-not-listed", 403, "The origin is not listed for this payer"),
    ("not-found", 404, "Not found"),
    ("method-not-allowed", 405, "This address does not take that method"),
    ("timeout", 408, "The call took too long"),
    ("conflict", 409, "The state has moved on"),
    ("refused", 409, "Refused as things stand"),
    ("not-allowed", 409, "The state does not allow it"),
    ("duplicate", 409, "The same request is already submitted or under way"),
    ("lease-ended", 409, "The lease has ended"),
    ("not-yet", 409, "The code is not there yet"),
    ("code-needed", 409, "The code did not come in time"),
    ("agent-gone", 409, "The agent must say hello again"),
    ("protocol", 409, "The agent speaks another protocol"),
    ("idempotency-key-reused", 409, "The key was used for another call"),
    ("idempotency-key-in-use", 409, "The same call is being worked on"),
    ("too-large", 413, "The body is too large"),
    ("uri-too-long", 414, "The address is too long"),
    ("media-type", 415, "The body has the wrong media type"),
    ("invalid", 422, "A field is wrong"),
    ("hash-mismatch", 422, "The bytes are not those of the stated hash"),
    ("precondition-required", 428, "A header is missing"),
    ("too-many", 429, "Too many calls"),
    ("too-many-releases", 429, "The secret was given to this lease often enough"),
    ("login-budget", 429, "The login budget is spent"),
    ("internal", 500, "Something went wrong on our side"),
    ("unavailable", 503, "Not available now"),
];

impl Problem {
    /// A problem of one of the [`CODES`].
    #[must_use]
    pub fn new(code: &str, detail: impl Into<Box<str>>) -> Self {
        let (code, status, title) = CODES
            .iter()
            .copied()
            .find(|(known, ..)| *known == code)
            .unwrap_or(("internal", 500, "Something went wrong on our side"));
        Self {
            kind: format!("/problems/{code}").into(),
            title,
            status,
            detail: detail.into(),
            field: None,
            now: None,
            faults: Box::default(),
            retry_after_s: None,
        }
    }

    /// With the field that is wrong.
    #[must_use]
    pub fn at(mut self, field: impl Into<Box<str>>) -> Self {
        self.field = Some(field.into());
        self
    }

    /// With how things stand now.
    #[must_use]
    pub fn now(mut self, now: impl Into<Box<str>>) -> Self {
        self.now = Some(now.into());
        self
    }

    /// With a `Retry-After`.
    #[must_use]
    pub fn retry_after(mut self, seconds: u64) -> Self {
        self.retry_after_s = Some(u32::try_from(seconds).unwrap_or(u32::MAX));
        self
    }

    /// The code in [`Problem::kind`].
    #[must_use]
    pub fn code(&self) -> &str {
        self.kind.strip_prefix("/problems/").unwrap_or(&self.kind)
    }

    /// 404 for a thing that is named in the address; the same for what does not exist and what may not be known.
    #[must_use]
    pub fn not_found(what: &str) -> Self {
        Self::new("not-found", format!("there is no such {what}"))
    }

    /// 422 for one field.
    #[must_use]
    pub fn invalid(field: impl Into<Box<str>>, reason: impl Into<Box<str>>) -> Self {
        Self::new("invalid", reason).at(field)
    }

    /// 500; the cause goes to the log only.
    #[must_use]
    pub fn internal(cause: &dyn std::fmt::Display) -> Self {
        tracing::error!(%cause, "an internal error became a reply");
        Self::new("internal", "the call was not done; the log of the coordinator says why")
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let retry = self.retry_after_s;
        let mut reply = (status, Json(self)).into_response();
        let headers = reply.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(seconds) = retry {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        reply
    }
}

impl From<store::Error> for Problem {
    fn from(error: store::Error) -> Self {
        use store::Error as E;
        match error {
            E::NotFound(what) => Self::not_found(what),
            E::Conflict { now } => Self::new(
                "conflict",
                "somebody changed it meanwhile; look at it again, then decide",
            )
            .now(now),
            E::Unique => Self::new("conflict", "there is one like it already"),
            E::Check(_) | E::Corrupt { .. } => {
                tracing::error!(?error, "the store refused or cannot read a row");
                Self::new("internal", "the call was not done; the log of the coordinator says why")
            }
            E::Unusable(_) | E::Database(_) => {
                tracing::error!(?error, "the database failed");
                Self::new("unavailable", "the database cannot be used now; nothing was changed")
                    .retry_after(5)
            }
        }
    }
}

impl From<files::Error> for Problem {
    fn from(error: files::Error) -> Self {
        match error {
            files::Error::NotFound => Self::not_found("file"),
            files::Error::TooLarge => Self::new("too-large", "at most 25 MiB"),
            files::Error::Broken => {
                tracing::error!("stored bytes do not match their hash or seal");
                Self::new(
                    "internal",
                    "the stored bytes are damaged; `coordinator evidence verify` finds which",
                )
            }
            files::Error::Io(cause) => {
                tracing::error!(%cause, "the file store failed");
                Self::new("unavailable", "files cannot be kept or read now").retry_after(5)
            }
        }
    }
}

impl From<flow::Error> for Problem {
    fn from(error: flow::Error) -> Self {
        match error {
            flow::Error::Store(error) => error.into(),
            flow::Error::Files(error) => error.into(),
            flow::Error::Invalid { field, reason } => Self::invalid(field, reason),
            flow::Error::Refused { code, because } => {
                if code == "idempotency-key-in-use" {
                    Self::new(code, because).retry_after(1)
                } else if CODES.iter().any(|(known, ..)| *known == code) {
                    Self::new(code, because)
                } else {
                    Self {
                        kind: format!("/problems/{code}").into(),
                        ..Self::new("refused", because)
                    }
                }
            }
        }
    }
}
