//! How calls are read: JSON bodies, query strings, ids in addresses, headers. Every refusal is a problem document that names the
//! field and what is expected, and never repeats a value. Unknown fields are refused by the types (`deny_unknown_fields`).

use std::{fmt::Display, str::FromStr, sync::Arc};

use axum::{
    body::Bytes,
    extract::{self, FromRequest, FromRequestParts, Path, Request},
    http::{HeaderMap, header, request::Parts},
};
use serde::de::DeserializeOwned;

use super::{
    error::{Problem, Reply},
    types::Because,
};
use crate::{
    App,
    access::{Caller, Role},
    flow::Asked,
};

/// Deepest nesting of JSON that is read.
const DEPTH_MAX: usize = 32;

/// A JSON body. Whether unknown fields pass is said by the type: those of `domain::wire` let them, the public ones do not.
#[derive(Debug)]
pub struct Body<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Reply<Self> {
        let headers = request.headers();
        let json = headers
            .get(header::CONTENT_TYPE)
            .and_then(|v| v.to_str().ok())
            .and_then(|v| v.split(';').next())
            .is_some_and(|v| v.trim().eq_ignore_ascii_case("application/json"));
        if !json {
            return Err(Problem::new("media-type", "send `Content-Type: application/json`")
                .at("content-type"));
        }
        json_from(&read(request, state).await?).map(Self)
    }
}

/// The protocol an agent speaks (`fleet-protocol`), when it says so.
#[derive(Debug, Clone, Copy)]
pub struct Protocol(pub Option<u32>);

impl<S: Send + Sync> FromRequestParts<S> for Protocol {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Reply<Self> {
        let said = header_text(&parts.headers, "fleet-protocol");
        Ok(Self(said.and_then(|text| text.parse().ok())))
    }
}

/// A body of any type, whole.
#[derive(Debug)]
pub struct Raw(pub Bytes);

impl<S: Send + Sync> FromRequest<S> for Raw {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Reply<Self> {
        read(request, state).await.map(Self)
    }
}

async fn read<S: Send + Sync>(request: Request, state: &S) -> Reply<Bytes> {
    if request.headers().contains_key(header::CONTENT_ENCODING) {
        return Err(Problem::new("media-type", "send the body uncompressed").at("content-encoding"));
    }
    Bytes::from_request(request, state).await.map_err(|refused| {
        if refused.status() == axum::http::StatusCode::PAYLOAD_TOO_LARGE {
            Problem::new("too-large", "the body is longer than this address takes")
        } else {
            Problem::new("bad-request", "the body could not be read to its end")
        }
    })
}

/// Reads JSON: not too deep, no unknown fields, the path of a fault named.
///
/// # Errors
/// 400 for what is not JSON, 422 for what is JSON of another shape.
pub fn json_from<T: DeserializeOwned>(bytes: &[u8]) -> Reply<T> {
    if depth(bytes) > DEPTH_MAX {
        return Err(Problem::new("bad-request", "the JSON is nested deeper than 32 levels"));
    }
    serde_json::from_slice(bytes).map_err(|error| {
        let place = format!("line {}, column {}", error.line(), error.column());
        match error.classify() {
            serde_json::error::Category::Data => {
                Problem::new("invalid", format!("{} ({place})", without_values(&error.to_string())))
            }
            _ => Problem::new("bad-request", format!("the body is not JSON ({place})")),
        }
    })
}

/// serde names the unexpected value (`invalid type: string "…"`); it may be a patient's, so it is cut out. Field names of ours
/// and what was expected stay.
fn without_values(message: &str) -> String {
    let message = message.split(" at line ").next().unwrap_or_default();
    if let Some(rest) = message.strip_prefix("unknown field `") {
        // The name is the caller's own text; only one that could be a field name is repeated.
        let (name, tail) = rest.split_once('`').unwrap_or((rest, ""));
        let plain = name.len() <= 40
            && name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_')
            && !name.is_empty();
        let shown = if plain { format!(" `{name}`") } else { String::new() };
        return format!("unknown field{shown}{}", tail.trim_end());
    }
    if message.starts_with("missing field `") || message.starts_with("duplicate field `") {
        return message.to_owned();
    }
    match message.rsplit_once("expected ") {
        Some((_, expected)) => format!("a value is not as expected: expected {expected}"),
        None => "a value is not as expected".to_owned(),
    }
}

fn depth(bytes: &[u8]) -> usize {
    let (mut depth, mut deepest, mut text, mut escaped) = (0usize, 0usize, false, false);
    for byte in bytes {
        match (text, byte) {
            (true, _) if escaped => escaped = false,
            (true, b'\\') => escaped = true,
            (true, b'"') => text = false,
            (false, b'"') => text = true,
            (false, b'{' | b'[') => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            (false, b'}' | b']') => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

/// A query string.
#[derive(Debug)]
pub struct Query<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Reply<Self> {
        axum::extract::Query::<T>::try_from_uri(&parts.uri).map(|q| Self(q.0)).map_err(|refused| {
            use std::error::Error as _;
            let cause = refused.source().map(ToString::to_string).unwrap_or_default();
            let cause = cause.rsplit(": ").next().unwrap_or_default().to_owned();
            Problem::new(
                "bad-request",
                format!("a parameter after `?` is wrong: {}", without_values(&cause)),
            )
        })
    }
}

/// An id in the address. A malformed one is answered like an unknown one: there is no such thing.
#[derive(Debug)]
pub struct Id<T>(pub T);

impl<T, S> FromRequestParts<S> for Id<T>
where
    T: FromStr<Err: Display> + Send,
    S: Send + Sync,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Reply<Self> {
        let Path(text) = Path::<String>::from_request_parts(parts, state)
            .await
            .map_err(|_| Problem::not_found("thing"))?;
        text.parse().map(Self).map_err(|bad: T::Err| Problem::new("not-found", bad.to_string()))
    }
}

/// `If-Match: "<rev>"` or `If-Match: <rev>`: the revision the person has seen.
#[derive(Debug, Clone, Copy)]
pub struct IfMatch(pub i64);

impl IfMatch {
    /// The refusal where it is needed and not sent.
    pub(crate) fn missing() -> Problem {
        Problem::new(
            "precondition-required",
            "send `If-Match` with the `rev` you have seen, so that nobody's change is lost",
        )
        .at("if-match")
    }
}

impl<S: Send + Sync> FromRequestParts<S> for IfMatch {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Reply<Self> {
        let sent = <Self as extract::OptionalFromRequestParts<S>>::from_request_parts(parts, state)
            .await?;
        sent.ok_or_else(Self::missing)
    }
}

impl<S: Send + Sync> extract::OptionalFromRequestParts<S> for IfMatch {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Reply<Option<Self>> {
        let Some(value) = header_text(&parts.headers, header::IF_MATCH.as_str()) else {
            return Ok(None);
        };
        let rev = value.trim().trim_start_matches("W/").trim_matches('"').parse();
        rev.map(|rev| Some(Self(rev))).map_err(|_| {
            Problem::new("bad-request", "`If-Match` takes a `rev`, a number").at("if-match")
        })
    }
}

/// A person's change of one thing: who asks (credential), what was seen (`If-Match`), and why (`reason` in the body).
pub struct Change {
    /// Who.
    pub caller: Caller,
    rev: i64,
    because: Because,
}

impl Change {
    /// The change as the decision takes it, if the caller may ask for it at all.
    ///
    /// # Errors
    /// 403 below `least`, 422 without a reason.
    pub fn by(&self, least: Role) -> Reply<Asked> {
        self.caller.asks(least, &self.because.reason, Some(self.rev))
    }
}

impl FromRequest<Arc<App>> for Change {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &Arc<App>) -> Reply<Self> {
        let (mut parts, body) = request.into_parts();
        let caller = Caller::from_request_parts(&mut parts, app).await?;
        let IfMatch(rev) = IfMatch::from_request_parts(&mut parts, app).await?;
        let Body(because) = Body::from_request(Request::from_parts(parts, body), app).await?;
        Ok(Self { caller, rev, because })
    }
}

/// A header as text; none when absent or not text.
#[must_use]
pub fn header_text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|v| v.to_str().ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Sample {
        #[expect(dead_code, reason = "only read by serde")]
        units: u32,
    }

    #[test]
    fn refusals_name_fields_and_never_values() {
        for (body, code, has) in [
            (r#"{"units": "ALDER"}"#, "invalid", "expected u32"),
            (r#"{"units": 1, "extra": 2}"#, "invalid", "unknown field `extra`"),
            (r#"{"units": 1, "ALDER W1": 2}"#, "invalid", "unknown field"),
            (r"{}", "invalid", "missing field `units`"),
            (r"{", "bad-request", "not JSON"),
            (r#"{"units": -1}"#, "invalid", "expected u32"),
            ("", "bad-request", "not JSON"),
        ] {
            let problem = json_from::<Sample>(body.as_bytes()).unwrap_err();
            assert_eq!(problem.code(), code, "{body}");
            assert!(problem.detail.contains(has), "{}", problem.detail);
            assert!(!problem.detail.contains("ALDER"), "{}", problem.detail);
        }
    }

    #[test]
    fn depth_counts_brackets_outside_text_only() {
        assert_eq!(depth(br#"{"a":["{[{[\"["]}"#), 2);
        let deep = "[".repeat(33);
        assert!(json_from::<serde_json::Value>(deep.as_bytes()).unwrap_err().detail.contains("32"));
    }
}
