//! The public API: the route table, grouped by who calls; one file per URL segment. A handler reads the call, checks who asks,
//! makes one `flow` call (or one read of the `store`), and replies.

pub mod about;
pub mod agent;
pub mod attempts;
pub mod audit;
pub mod cases;
pub mod docs;
pub mod documents;
pub mod drift;
pub mod error;
pub mod evidence;
pub mod exceptions;
pub mod facade;
pub mod filter;
pub mod fleet;
pub mod input;
pub mod jobs;
pub mod list;
pub mod live;
pub mod once;
pub mod payers;
pub mod scripts;
pub mod types;
pub mod users;

use std::{any::Any, sync::Arc, time::Duration};

use axum::{
    Router,
    extract::{DefaultBodyLimit, Request},
    http::{HeaderName, HeaderValue, header},
    middleware::{Next, from_fn, from_fn_with_state},
    response::{IntoResponse as _, Response},
    routing::{get, post, put},
};
use tower_http::{catch_panic::CatchPanicLayer, set_header::SetResponseHeaderLayer};
use utoipa::OpenApi as _;

use crate::{App, files::SIZE_MAX_BYTES};
use error::Problem;

/// Longest JSON body.
pub const JSON_MAX: usize = 256 * 1024;
/// Longest report of steps, or of an attempt with what it remembers.
const STEPS_MAX: usize = 2 * 1024 * 1024;
/// Longest time of a call that neither waits for work nor listens.
const CALL_MAX: Duration = Duration::from_secs(60);

/// The whole surface.
pub fn router(app: Arc<App>) -> Router {
    let passed_on = from_fn_with_state(app.clone(), once::passed_on);
    let remembered = from_fn_with_state(app.clone(), once::remembered);
    let quick = Router::new()
        .merge(about())
        .merge(customers())
        .merge(operators())
        .merge(staff())
        .merge(taking_in().route_layer(passed_on))
        .merge(making().route_layer(remembered))
        .merge(facade())
        .layer(from_fn(in_time));
    Router::new()
        .merge(quick)
        .merge(agents())
        .route("/v1/live", get(live::listen))
        .fallback(async || Problem::not_found("address"))
        .method_not_allowed_fallback(async || {
            Problem::new("method-not-allowed", "this address takes other methods")
        })
        .layer(DefaultBodyLimit::max(JSON_MAX))
        .with_state(app)
}

/// What API and pages have in common: headers that make a browser careful, and a panic that is answered. Where browsers come by TLS
/// they are told to come by nothing else for half a year.
pub fn around(router: Router, over_tls: bool) -> Router {
    let router = if over_tls {
        router.layer(header_unless_set(header::STRICT_TRANSPORT_SECURITY, "max-age=15552000"))
    } else {
        router
    };
    router
        .layer(header_unless_set(header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .layer(header_unless_set(header::REFERRER_POLICY, "no-referrer"))
        .layer(CatchPanicLayer::custom(panicked))
}

fn header_unless_set(name: HeaderName, value: &'static str) -> SetResponseHeaderLayer<HeaderValue> {
    SetResponseHeaderLayer::if_not_present(name, HeaderValue::from_static(value))
}

fn about() -> Router<Arc<App>> {
    Router::new()
        .route("/healthz", get(about::healthz))
        .route("/readyz", get(about::readyz))
        .route("/metrics", get(about::metrics))
        .route("/v1/openapi.json", get(docs::document))
        .route("/v1/docs", get(docs::page))
}

/// Creating calls whose decision remembers its answer itself.
fn taking_in() -> Router<Arc<App>> {
    Router::new()
        .route("/v1/cases", post(cases::take_in))
        .route("/v1/jobs", post(jobs::make))
        .route(
            "/v1/documents",
            post(documents::take_in).layer(DefaultBodyLimit::max(SIZE_MAX_BYTES)),
        )
}

/// Other creating calls.
fn making() -> Router<Arc<App>> {
    Router::new()
        .route("/v1/scripts", post(scripts::publish))
        .route("/v1/users", post(users::add))
        .route("/v1/users/{id}/keys", post(users::add_key))
}

fn customers() -> Router<Arc<App>> {
    Router::new()
        .route("/v1/cases", get(cases::list))
        .route("/v1/cases/search", post(cases::search))
        .route("/v1/cases/{id}", get(cases::show))
        .route("/v1/cases/{id}/withdraw", post(cases::withdraw))
        .route("/v1/documents/{id}", get(documents::show))
        .route("/v1/jobs", get(jobs::list))
        .route("/v1/jobs/{id}", get(jobs::show))
}

fn operators() -> Router<Arc<App>> {
    Router::new()
        .route("/v1/jobs/{id}/cancel", post(jobs::cancel))
        .route("/v1/jobs/{id}/retry", post(jobs::retry))
        .route("/v1/jobs/{id}/reconcile", post(jobs::reconcile))
        .route("/v1/attempts", get(attempts::list))
        .route("/v1/attempts/{id}", get(attempts::show))
        .route("/v1/attempts/{id}/steps", get(attempts::list_steps))
        .route("/v1/evidence", get(evidence::list))
        .route("/v1/evidence/{id}", get(evidence::show))
        .route("/v1/evidence/{id}/body", get(evidence::body))
        .route("/v1/agents", get(fleet::list_agents))
        .route("/v1/agents/{id}", get(fleet::show_agent))
        .route("/v1/agents/{id}/drain", post(fleet::drain))
        .route("/v1/agents/{id}/resume", post(fleet::resume))
        .route("/v1/pools", get(fleet::list_pools))
        .route("/v1/pools/{id}", get(fleet::show_pool))
        .route("/v1/pools/{id}/pause", post(fleet::pause_pool))
        .route("/v1/pools/{id}/resume", post(fleet::resume_pool))
        .route("/v1/quarantine", get(fleet::quarantine))
        .route("/v1/quarantine/lift", post(fleet::lift_quarantine))
        .route("/v1/payers", get(payers::list))
        .route("/v1/payers/{id}", get(payers::show).put(payers::put))
        .route("/v1/payers/{id}/pause", post(payers::pause))
        .route("/v1/payers/{id}/resume", post(payers::resume))
        .route("/v1/payers/{id}/clear_account", post(payers::clear_account))
        .route("/v1/payers/{id}/limits", post(payers::limits))
        .route("/v1/payers/{id}/permission", post(payers::permission))
        .route("/v1/payers/{id}/second_permission", post(payers::second_permission))
        .route("/v1/payers/{id}/identity", post(payers::identity))
        .route("/v1/payers/{id}/credential", put(payers::credential))
        .route("/v1/register", get(payers::register))
}

fn staff() -> Router<Arc<App>> {
    Router::new()
        .route("/v1/exceptions", get(exceptions::list))
        .route("/v1/exceptions/{id}", get(exceptions::show))
        .route("/v1/exceptions/{id}/claim", post(exceptions::claim))
        .route("/v1/exceptions/{id}/release", post(exceptions::release))
        .route("/v1/exceptions/{id}/resolve", post(exceptions::resolve))
        .route("/v1/drift", get(drift::list))
        .route("/v1/drift/{id}", get(drift::show))
        .route("/v1/drift/{id}/accept", post(drift::accept))
        .route("/v1/drift/{id}/dismiss", post(drift::dismiss))
        .route("/v1/scripts", get(scripts::list))
        .route("/v1/scripts/{sha256}", get(scripts::show))
        .route("/v1/scripts/{sha256}/hold", post(scripts::hold))
        .route("/v1/scripts/{sha256}/unhold", post(scripts::unhold))
        .route("/v1/audit", get(audit::list))
        .route("/v1/audit/verified", get(audit::verified))
        .route("/v1/users", get(users::list))
        .route("/v1/users/{id}", get(users::show))
        .route("/v1/users/{id}/lock", post(users::lock))
        .route("/v1/users/{id}/unlock", post(users::unlock))
        .route("/v1/users/{id}/password", post(users::set_password))
        .route("/v1/me/password", post(users::change_password))
        .route("/v1/keys", get(users::list_keys))
        .route("/v1/keys/{id}/revoke", post(users::revoke_key))
}

/// The fleet as an endpoint of a standard. Its bodies hold documents.
fn facade() -> Router<Arc<App>> {
    Router::new()
        .route("/fhir/metadata", get(facade::pas::metadata))
        .route("/fhir/Claim/$submit", post(facade::pas::submit))
        .route("/fhir/Claim/$inquire", post(facade::pas::inquire))
        .route("/x12", post(facade::x12::ask))
        .route("/fhir/Subscription", post(facade::subscription::subscribe))
        .route(
            "/fhir/notices/{payer}",
            post(facade::news::take).layer(DefaultBodyLimit::max(facade::news::NOTICE_MAX)),
        )
        .route(
            "/fhir/Subscription/{id}",
            get(facade::subscription::show).delete(facade::subscription::unsubscribe),
        )
        .layer(DefaultBodyLimit::max(SIZE_MAX_BYTES))
}

/// The protocol of agents. No time limit of ours: they bound their calls, and two of these wait on purpose.
fn agents() -> Router<Arc<App>> {
    let evidence = put(agent::put_evidence).layer(DefaultBodyLimit::max(SIZE_MAX_BYTES));
    Router::new()
        .route("/v1/agent/hello", post(agent::hello))
        .route("/v1/agent/lease", post(agent::lease))
        .route("/v1/agent/heartbeat", post(agent::beat))
        .route("/v1/agent/scripts/{sha256}", get(agent::script))
        .route("/v1/agent/documents/{id}", get(agent::document))
        .route("/v1/agent/steps", post(agent::put_steps).layer(DefaultBodyLimit::max(STEPS_MAX)))
        .route("/v1/agent/evidence/{id}", evidence)
        .route("/v1/agent/secret", post(agent::release_secret))
        .route("/v1/agent/login", post(agent::count_login))
        .route("/v1/agent/spool_key", post(agent::spool_key))
        .route("/v1/agent/signed_in", post(agent::signed_in))
        .route("/v1/agent/intent", post(agent::intent))
        .route("/v1/agent/not_clicked", post(agent::not_clicked))
        .route("/v1/agent/not_sent", post(agent::not_sent))
        .route("/v1/agent/report", post(agent::end).layer(DefaultBodyLimit::max(STEPS_MAX)))
        .route("/v1/agent/release", post(agent::release))
        .route("/v1/agent/bye", post(agent::bye))
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
    let mut document = serde_json::to_value(Doc::openapi()).unwrap_or_default();
    if let Some(all) = document.pointer_mut("/components/schemas").and_then(|s| s.as_object_mut()) {
        // The protocol of agents is described where its types are.
        all.extend(domain::wire::schemas("/components/schemas"));
    }
    document
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
        cases::take_in, cases::list, cases::search, cases::show, cases::withdraw, documents::take_in, documents::show,
        jobs::make, jobs::list, jobs::show, jobs::cancel, jobs::retry, jobs::reconcile,
        attempts::list, attempts::show, attempts::list_steps, evidence::list, evidence::show, evidence::body,
        fleet::list_agents, fleet::show_agent, fleet::drain, fleet::resume,
        fleet::list_pools, fleet::show_pool, fleet::pause_pool, fleet::resume_pool,
        payers::list, payers::show, payers::put, payers::pause, payers::resume, payers::clear_account, payers::limits, payers::permission, payers::second_permission, payers::identity, payers::credential, payers::register, fleet::quarantine, fleet::lift_quarantine,
        exceptions::list, exceptions::show, exceptions::claim, exceptions::release, exceptions::resolve,
        drift::list, drift::show, drift::accept, drift::dismiss,
        scripts::list, scripts::show, scripts::publish, scripts::hold, scripts::unhold, audit::list, audit::verified, users::list, users::show, users::add, users::add_key,
        users::lock, users::unlock, users::set_password, users::change_password, users::list_keys, users::revoke_key,
        facade::pas::metadata, facade::pas::submit, facade::pas::inquire,
        facade::x12::ask, facade::subscription::subscribe, facade::subscription::show, facade::subscription::unsubscribe, facade::news::take, live::listen, about::healthz, about::readyz, about::metrics, docs::document, docs::page,
        agent::hello, agent::lease, agent::beat, agent::script, agent::document, agent::put_steps, agent::put_evidence,
        agent::release_secret, agent::count_login, agent::spool_key, agent::signed_in, agent::intent, agent::not_clicked, agent::not_sent, agent::end, agent::release, agent::bye,
    ),
    components(schemas(Problem))
)]
struct Doc;
