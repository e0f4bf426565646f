//! `/fhir/Subscription`: a system says where it wants to be told of the answers to its requests. Made by an admin, since it makes the
//! coordinator send patient data to an address.

use std::sync::Arc;

use axum::{
    extract::{Path, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse as _, Response},
};
use exchange::pas::{
    self,
    fault::{Code, Fault},
    subscription::{Subscription, Wish},
};

use super::{Reply, pas as handlers, resource};
use crate::{
    App,
    access::{Caller, Role},
    api::{error::Problem, input::Raw},
    flow::notify,
    store::subscriptions::{self, Subscription as Kept},
};

/// Subscribes to the answers to one requester's requests (R4 Subscription of PAS: rest-hook, whole resources). The address is `https`, or
/// `http` on this machine. A first call (handshake) proves it.
#[utoipa::path(post, path = "/fhir/Subscription", tag = "standards", request_body(content = Object, content_type = "application/fhir+json"),
    responses((status = 201, description = "The Subscription, without its headers", body = Object, content_type = "application/fhir+json"),
        (status = "4XX", description = "OperationOutcome", body = Object, content_type = "application/fhir+json")))]
pub async fn subscribe(
    State(app): State<Arc<App>>,
    caller: Result<Caller, Problem>,
    headers: HeaderMap,
    body: Result<Raw, Problem>,
) -> Reply<Response> {
    let caller = caller?;
    caller.needs(Role::Admin)?;
    let body = body?;
    handlers::is_fhir(&headers)?;
    let found: Subscription = pas::read(&body.0, "Subscription")?;
    let wish = Wish::read(&found)?;
    may_be_called(&wish)?;
    let text = pas::write(&found);
    let actor = caller.as_actor();
    let id = notify::subscribe(&app.core, &actor, &wish.organization, &text, app.now()).await?;
    let kept = subscriptions::get(app.store(), &id).await?;
    let mut reply = resource(StatusCode::CREATED, &shown(&kept)?);
    if let Ok(place) = HeaderValue::from_str(&format!("/fhir/Subscription/{id}")) {
        reply.headers_mut().insert(header::LOCATION, place);
    }
    Ok(reply)
}

/// A subscription and how it stands: `requested` until the first call was taken, `active`, `error` after too many calls that failed,
/// `off`. Its headers are never shown.
#[utoipa::path(get, path = "/fhir/Subscription/{id}", tag = "standards", params(("id" = String, Path, description = "Subscription id")),
    responses((status = 200, description = "The Subscription", body = Object, content_type = "application/fhir+json"),
        (status = "4XX", description = "OperationOutcome", body = Object, content_type = "application/fhir+json")))]
pub async fn show(
    State(app): State<Arc<App>>,
    caller: Result<Caller, Problem>,
    Path(id): Path<String>,
) -> Reply<Response> {
    caller?.needs(Role::Admin)?;
    let kept = subscriptions::get(app.store(), &id).await?;
    Ok(resource(StatusCode::OK, &shown(&kept)?))
}

/// Ends a subscription.
#[utoipa::path(delete, path = "/fhir/Subscription/{id}", tag = "standards", params(("id" = String, Path, description = "Subscription id")),
    responses((status = 204, description = "Ended"),
        (status = "4XX", description = "OperationOutcome", body = Object, content_type = "application/fhir+json")))]
pub async fn unsubscribe(
    State(app): State<Arc<App>>,
    caller: Result<Caller, Problem>,
    Path(id): Path<String>,
) -> Reply<Response> {
    let caller = caller?;
    caller.needs(Role::Admin)?;
    notify::unsubscribe(&app.core, &caller.as_actor(), &id, app.now()).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// Patient data leaves this machine by TLS only; headers must be headers.
fn may_be_called(wish: &Wish) -> Reply<()> {
    let fault = |place: &str, detail| {
        Err(Fault::error(Code::Value, format!("Subscription.channel.{place}"), detail).into())
    };
    let Ok(url) = url::Url::parse(&wish.endpoint) else {
        return fault("endpoint", "expected the address to call");
    };
    let here = match url.host() {
        Some(url::Host::Ipv4(ip)) => ip.is_loopback(),
        Some(url::Host::Ipv6(ip)) => ip.is_loopback(),
        Some(url::Host::Domain(name)) => name == "localhost",
        None => false,
    };
    if !(url.scheme() == "https" || (url.scheme() == "http" && here)) {
        return fault("endpoint", "answers are sent by https only");
    }
    if wish.headers.iter().any(|line| super::tell::header_of(line).is_none()) {
        return fault("header", "a header is a name, a colon and a value");
    }
    Ok(())
}

/// The resource as it came, with its id and state, without its headers.
fn shown(kept: &Kept) -> Reply<Subscription> {
    let mut found: Subscription = pas::read(kept.resource.as_bytes(), "Subscription")?;
    found.id = Some(kept.id.clone());
    found.status.clone_from(&kept.state);
    found.channel.header.clear();
    Ok(found)
}
