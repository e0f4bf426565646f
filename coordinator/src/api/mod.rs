//! The public API: the route table, grouped by who calls; one file per URL segment. A handler reads the call, checks who asks,
//! makes one `flow` call (or one read of the `store`), and replies.

pub mod about;
pub mod attempts;
pub mod docs;
pub mod error;
pub mod evidence;
pub mod filter;
pub mod input;
pub mod list;
pub mod live;
pub mod once;
pub mod types;

use std::{any::Any, sync::Arc, time::Duration};

use axum::{
    Router,
    extract::{DefaultBodyLimit, Request},
    http::{HeaderValue, header},
    middleware::{Next, from_fn},
    response::{IntoResponse as _, Response},
    routing::get,
};
use tower_http::{catch_panic::CatchPanicLayer, set_header::SetResponseHeaderLayer};
use utoipa::OpenApi as _;

use crate::App;
use error::Problem;

/// Longest JSON body.
pub const JSON_MAX: usize = 256 * 1024;
/// Longest time of a call that neither waits for work nor listens.
const CALL_MAX: Duration = Duration::from_secs(60);

/// The whole surface.
pub fn router(app: Arc<App>) -> Router {
    let quick = Router::new().merge(about()).merge(operators()).layer(from_fn(in_time));
    Router::new()
        .merge(quick)
        .route("/v1/live", get(live::listen))
        .fallback(async || Problem::not_found("address"))
        .method_not_allowed_fallback(async || {
            Problem::new("method-not-allowed", "this address takes other methods")
        })
        .layer(DefaultBodyLimit::max(JSON_MAX))
        .layer(SetResponseHeaderLayer::if_not_present(
            header::X_CONTENT_TYPE_OPTIONS,
            HeaderValue::from_static("nosniff"),
        ))
        .layer(SetResponseHeaderLayer::if_not_present(
            header::REFERRER_POLICY,
            HeaderValue::from_static("no-referrer"),
        ))
        .layer(CatchPanicLayer::custom(panicked))
        .with_state(app)
}

fn about() -> Router<Arc<App>> {
    Router::new()
        .route("/healthz", get(about::healthz))
        .route("/readyz", get(about::readyz))
        .route("/metrics", get(about::metrics))
        .route("/v1/openapi.json", get(docs::document))
        .route("/v1/docs", get(docs::page))
}

fn operators() -> Router<Arc<App>> {
    Router::new()
        .route("/v1/attempts", get(attempts::list))
        .route("/v1/attempts/{id}", get(attempts::show))
        .route("/v1/attempts/{id}/steps", get(attempts::list_steps))
        .route("/v1/evidence", get(evidence::list))
        .route("/v1/evidence/{id}", get(evidence::show))
        .route("/v1/evidence/{id}/body", get(evidence::body))
}

async fn in_time(call: Request, next: Next) -> Response {
    match tokio::time::timeout(CALL_MAX, next.run(call)).await {
        Ok(reply) => reply,
        Err(_) => Problem::new(
            "timeout",
            "the call took longer than a minute; ask for its state before repeating it",
        )
        .into_response(),
    }
}

/// A panic in a handler is a bug of ours: it is answered, logged, and touches no other call. Its text may hold anything, so only
/// the place goes to the log (the panic hook prints it).
fn panicked(_: Box<dyn Any + Send + 'static>) -> Response {
    tracing::error!("a handler panicked");
    Problem::new("internal", "the call was not done; the log of the coordinator says why")
        .into_response()
}

/// The OpenAPI document, generated from the types.
#[must_use]
pub fn openapi() -> serde_json::Value {
    serde_json::to_value(Doc::openapi()).unwrap_or_default()
}

/// Says how a caller shows who it is.
struct Keys;

impl utoipa::Modify for Keys {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
        let bearer = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .description(Some("An API key (people and programs) or the agent key (agents)"));
        document
            .components
            .get_or_insert_default()
            .add_security_scheme("key", SecurityScheme::Http(bearer.build()));
    }
}

#[derive(utoipa::OpenApi)]
#[openapi(
    info(title = "The fleet's coordinator", description = "Jobs are leased to agents, done in a real browser, and every number is kept with its proof."),
    modifiers(&Keys),
    security(("key" = [])),
    paths(
        about::healthz, about::readyz, about::metrics, docs::document, docs::page, live::listen,
        attempts::list, attempts::show, attempts::list_steps, evidence::list, evidence::show, evidence::body,
    ),
    components(schemas(Problem))
)]
struct Doc;
