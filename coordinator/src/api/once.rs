//! `Idempotency-Key` on every creating call: the same key and call get the first answer again, another call under the key is
//! refused, and while the first is at work the answer is 409 with `Retry-After`. Wraps routes, so that handlers know nothing of it.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex, PoisonError},
};

use axum::{
    body::Body,
    extract::{Request, State},
    http::{HeaderValue, Response, StatusCode, header},
    middleware::Next,
    response::IntoResponse as _,
};
use http_body_util::{BodyExt as _, Limited};
use sha2::{Digest as _, Sha256};

use super::{
    error::{Problem, Reply},
    input::header_text,
};
use crate::{
    App,
    access::{Caller, key},
    files::SIZE_MAX_BYTES,
    flow::Once,
    store::people::{self, Answer},
};

/// Calls that are at work now, by caller and key.
#[derive(Default)]
pub struct UnderWay(Mutex<HashSet<String>>);

/// A call's place in [`UnderWay`]; given back however the call ends.
struct Place<'a>(&'a UnderWay, String);

impl UnderWay {
    fn enter(&self, once: &Once) -> Reply<Place<'_>> {
        let name = format!("{}\n{}", once.actor, once.key);
        let mut names = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if names.insert(name.clone()) {
            return Ok(Place(self, name));
        }
        let because = "a call with the same key is at work; ask again";
        Err(Problem::new("idempotency-key-in-use", because).retry_after(1))
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.1);
    }
}

/// The layer of routes whose decision remembers its answer itself, in the transaction that makes the thing: it gets the key as
/// an extension.
///
/// # Errors
/// 401 before anything is read; 428 without a key; 409 as told above.
pub async fn passed_on(
    State(app): State<Arc<App>>,
    caller: Caller,
    call: Request,
    next: Next,
) -> Reply<Response<Body>> {
    let (mut call, once) = keyed(caller, call).await?;
    let _place = app.once.enter(&once)?;
    call.extensions_mut().insert(once);
    Ok(next.run(call).await)
}

/// The layer of all other creating routes: the answer is remembered here, right after the thing was made.
///
/// # Errors
/// As [`passed_on`].
pub async fn remembered(
    State(app): State<Arc<App>>,
    caller: Caller,
    call: Request,
    next: Next,
) -> Reply<Response<Body>> {
    let (call, once) = keyed(caller, call).await?;
    let _place = app.once.enter(&once)?;
    if let Some(first) = people::answer(app.store(), &once.actor, &once.key).await? {
        return again(first, &once.call_sha256);
    }
    let reply = next.run(call).await;
    if !reply.status().is_success() {
        // A refused call made nothing: it may be corrected and sent again under the same key.
        return Ok(reply);
    }
    let (head, made) = reply.into_parts();
    let made = made.collect().await.map_err(|e| Problem::internal(&e))?.to_bytes();
    let answer = Answer {
        call_sha256: once.call_sha256,
        status: head.status.as_u16(),
        body: String::from_utf8_lossy(&made).into_owned(),
    };
    let mut tx = app.store().begin(app.now()).await?;
    people::remember(&mut tx, &once.actor, &once.key, &answer).await?;
    tx.commit().await?;
    Ok(Response::from_parts(head, Body::from(made)))
}

/// The call with its body read, and what makes it one call: who, which key, which content.
async fn keyed(caller: Caller, call: Request) -> Reply<(Request, Once)> {
    let key = given(&call)?;
    let (mut parts, body) = call.into_parts();
    let limit =
        if parts.uri.path().ends_with("/documents") { SIZE_MAX_BYTES } else { super::JSON_MAX };
    let body = Limited::new(body, limit).collect().await.map_err(|_| {
        let because = format!("the body is longer than {} KiB, or was cut off", limit / 1024);
        Problem::new("too-large", because)
    })?;
    let body = body.to_bytes();
    let sha256 = Sha256::new()
        .chain_update(parts.method.as_str())
        .chain_update(parts.uri.path())
        .chain_update([0])
        .chain_update(&body)
        .finalize();
    let actor = caller.as_actor().to_string();
    parts.extensions.insert(caller);
    let once = Once { actor, key, call_sha256: key::hex(&sha256) };
    Ok((Request::from_parts(parts, Body::from(body)), once))
}

fn given(call: &Request) -> Reply<String> {
    let field = "idempotency-key";
    let Some(name) = header_text(call.headers(), field) else {
        let wanted = "send `Idempotency-Key`: 8 to 200 letters, digits, `-`, `_`; the same key and body get the same answer";
        return Err(Problem::new("precondition-required", wanted).at(field));
    };
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b':');
    if (8..=200).contains(&name.len()) && name.bytes().all(plain) {
        Ok(name.to_owned())
    } else {
        Err(Problem::new(
            "bad-request",
            "`Idempotency-Key` is 8 to 200 letters, digits, `-`, `_`, `.`, `:`",
        )
        .at(field))
    }
}

fn again(first: Answer, call_sha256: &str) -> Reply<Response<Body>> {
    if first.call_sha256 != call_sha256 {
        let because =
            "this `Idempotency-Key` was used for another call; take a new key for a new call";
        return Err(Problem::new("idempotency-key-reused", because).at("idempotency-key"));
    }
    let status = StatusCode::from_u16(first.status).unwrap_or(StatusCode::OK);
    let mut reply = (status, first.body).into_response();
    let headers = reply.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert("idempotency-replayed", HeaderValue::from_static("true"));
    Ok(reply)
}
