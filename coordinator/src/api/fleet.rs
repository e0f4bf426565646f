//! `/v1/agents` and `/v1/pools`: who works, and who may be given work.

use std::sync::Arc;

use axum::{Json, extract::State, http::HeaderMap, response::Response};
use domain::id::AgentId;

use super::{
    error::{Problem, Reply},
    input::{Change, Id, Query},
    list,
    types::{AgentView, Because, PageOf, PlainQuery, PoolView, QuarantineView},
};
use crate::{
    App,
    access::{Caller, Role},
    flow,
    store::{
        agents::{self, Agent},
        state,
    },
};

/// Agents by name; those that ended are left out.
#[utoipa::path(get, path = "/v1/agents", tag = "operators", params(PlainQuery),
    responses((status = 200, description = "All of them", body = PageOf<AgentView>), (status = "4XX", description = "Refused", body = Problem, content_type = "application/problem+json")))]
pub async fn list_agents(
    State(app): State<Arc<App>>,
    caller: Caller,
    headers: HeaderMap,
    Query(q): Query<PlainQuery>,
) -> Reply<Response> {
    caller.needs(Role::Viewer)?;
    let all = agents::all(app.store(), false).await?;
    let all = all.into_iter().map(|a| view(&app, a)).collect();
    list::answer(PageOf::whole(all), &q.paging(), &headers)
}

/// One agent.
#[utoipa::path(get, path = "/v1/agents/{id}", tag = "operators", params(("id" = String, Path, description = "Agent id")),
    responses((status = 200, description = "The agent", body = AgentView), (status = "4XX", description = "Refused", body = Problem, content_type = "application/problem+json")))]
pub async fn show_agent(
    State(app): State<Arc<App>>,
    caller: Caller,
    Id(id): Id<AgentId>,
) -> Reply<Json<AgentView>> {
    caller.needs(Role::Viewer)?;
    Ok(Json(view(&app, agents::get(app.store(), id).await?)))
}

/// It finishes what it has and gets nothing new.
#[utoipa::path(post, path = "/v1/agents/{id}/drain", tag = "operators", request_body = Because,
    params(("id" = String, Path, description = "Agent id"), ("if-match" = String, Header, description = "The `rev` you have seen")),
    responses((status = 200, description = "The agent", body = AgentView), (status = "4XX", description = "Refused", body = Problem, content_type = "application/problem+json")))]
pub async fn drain(
    State(app): State<Arc<App>>,
    Id(id): Id<AgentId>,
    change: Change,
) -> Reply<Json<AgentView>> {
    let asked = change.by(Role::Operator)?;
    flow::agents::drain(&app.core, &asked, id, true, app.now()).await?;
    Ok(Json(view(&app, agents::get(app.store(), id).await?)))
}

/// It gets work again.
#[utoipa::path(post, path = "/v1/agents/{id}/resume", tag = "operators", request_body = Because,
    params(("id" = String, Path, description = "Agent id"), ("if-match" = String, Header, description = "The `rev` you have seen")),
    responses((status = 200, description = "The agent", body = AgentView), (status = "4XX", description = "Refused", body = Problem, content_type = "application/problem+json")))]
pub async fn resume(
    State(app): State<Arc<App>>,
    Id(id): Id<AgentId>,
    change: Change,
) -> Reply<Json<AgentView>> {
    let asked = change.by(Role::Operator)?;
    flow::agents::drain(&app.core, &asked, id, false, app.now()).await?;
    Ok(Json(view(&app, agents::get(app.store(), id).await?)))
}

fn view(app: &App, a: Agent) -> AgentView {
    let silent_ms = app.now().since_ms(a.seen_at);
    let rules = &app.core.rules;
    let health = match a.state.as_str() {
        "gone" => "gone",
        _ if silent_ms > rules.lease_ttl_ms => "dead",
        _ if silent_ms > rules.heartbeat_ms * 2 => "late",
        _ => "live",
    };
    AgentView {
        id: a.id.to_string(),
        name: a.info.name,
        pool: a.info.pool,
        state: a.state,
        health: health.to_owned(),
        slots: a.info.slots,
        leases: a.busy,
        version: a.info.version,
        browser: a.info.browser,
        browser_ok: a.browser_ok,
        memory_mib: a.memory_mib,
        seen_at: a.seen_at.to_string(),
        hello_at: a.hello_at.to_string(),
        rev: a.rev,
    }
}

/// Pools with the one number scalers need.
#[utoipa::path(get, path = "/v1/pools", tag = "operators", params(PlainQuery),
    responses((status = 200, description = "All of them", body = PageOf<PoolView>), (status = "4XX", description = "Refused", body = Problem, content_type = "application/problem+json")))]
pub async fn list_pools(
    State(app): State<Arc<App>>,
    caller: Caller,
    headers: HeaderMap,
    Query(q): Query<PlainQuery>,
) -> Reply<Response> {
    caller.needs(Role::Viewer)?;
    list::answer(PageOf::whole(pools(&app).await?), &q.paging(), &headers)
}

/// Leases nothing in this pool.
#[utoipa::path(post, path = "/v1/pools/{id}/pause", tag = "operators", request_body = Because,
    params(("id" = String, Path, description = "Pool"), ("if-match" = String, Header, description = "The `rev` you have seen")),
    responses((status = 200, description = "The pool", body = PoolView), (status = "4XX", description = "Refused", body = Problem, content_type = "application/problem+json")))]
pub async fn pause_pool(
    State(app): State<Arc<App>>,
    Id(id): Id<String>,
    change: Change,
) -> Reply<Json<PoolView>> {
    let asked = change.by(Role::Operator)?;
    flow::payers::pause_pool(&app.core, &asked, &id, app.now()).await?;
    one(&app, &id).await
}

/// Leases again.
#[utoipa::path(post, path = "/v1/pools/{id}/resume", tag = "operators", request_body = Because,
    params(("id" = String, Path, description = "Pool"), ("if-match" = String, Header, description = "The `rev` you have seen")),
    responses((status = 200, description = "The pool", body = PoolView), (status = "4XX", description = "Refused", body = Problem, content_type = "application/problem+json")))]
pub async fn resume_pool(
    State(app): State<Arc<App>>,
    Id(id): Id<String>,
    change: Change,
) -> Reply<Json<PoolView>> {
    let asked = change.by(Role::Operator)?;
    flow::payers::resume_pool(&app.core, &asked, &id, app.now()).await?;
    one(&app, &id).await
}

/// One pool.
#[utoipa::path(get, path = "/v1/pools/{id}", tag = "operators", params(("id" = String, Path, description = "Pool")),
    responses((status = 200, description = "The pool", body = PoolView), (status = "4XX", description = "Refused", body = Problem, content_type = "application/problem+json")))]
pub async fn show_pool(
    State(app): State<Arc<App>>,
    caller: Caller,
    Id(id): Id<String>,
) -> Reply<Json<PoolView>> {
    caller.needs(Role::Viewer)?;
    one(&app, &id).await
}

async fn one(app: &App, id: &str) -> Reply<Json<PoolView>> {
    let found = pools(app).await?.into_iter().find(|p| p.id == id);
    found.map(Json).ok_or_else(|| Problem::not_found("pool"))
}

/// Every pool with its slots. Wanted = at work + ready jobs of payers this pool serves, whatever else keeps them waiting.
///
/// # Errors
/// The database cannot be read.
pub(super) async fn pools(app: &App) -> Reply<Vec<PoolView>> {
    let store = app.store();
    let (all, payers) =
        (crate::store::payers::pools(store).await?, crate::store::payers::all(store).await?);
    let (counts, live) =
        (crate::store::jobs::counts(store).await?, agents::all(store, false).await?);
    let now = app.now();
    let of = |pool: &str, states: &[&str]| -> u32 {
        let serves = |payer: &str| payers.iter().any(|p| p.profile.id == payer && p.pool == pool);
        let sum: i64 = counts
            .iter()
            .filter(|(payer, state, _)| states.contains(&state.as_str()) && serves(payer))
            .map(|(.., jobs)| *jobs)
            .sum();
        u32::try_from(sum).unwrap_or(u32::MAX)
    };
    let slots = |pool: &str| -> u32 {
        live.iter()
            .filter(|a| a.info.pool == pool && a.state == "accepting")
            .filter(|a| now.since_ms(a.seen_at) <= app.core.rules.lease_ttl_ms)
            .map(|a| a.info.slots)
            .sum()
    };
    Ok(all
        .into_iter()
        .map(|p| PoolView {
            slots: slots(&p.id),
            slots_leased: of(&p.id, &["leased"]),
            slots_wanted: of(&p.id, &["leased", "ready"]),
            id: p.id,
            paused_reason: p.paused_reason,
            rev: p.rev,
        })
        .collect())
}

/// Whether the fleet is in quarantine: the database was found to be an older copy, so only looks at payers are leased.
#[utoipa::path(get, path = "/v1/quarantine", tag = "operators",
    responses((status = 200, description = "The quarantine", body = QuarantineView), (status = "4XX", description = "Refused", body = Problem, content_type = "application/problem+json")))]
pub async fn quarantine(
    State(app): State<Arc<App>>,
    caller: Caller,
) -> Reply<Json<QuarantineView>> {
    caller.needs(Role::Viewer)?;
    Ok(Json(quarantined(&app).await?))
}

/// Ends the quarantine. Refused while submissions are in doubt.
#[utoipa::path(post, path = "/v1/quarantine/lift", tag = "operators", request_body = Because,
    params(("if-match" = String, Header, description = "The `rev` you have seen")),
    responses((status = 200, description = "None any more", body = QuarantineView), (status = "4XX", description = "Refused", body = Problem, content_type = "application/problem+json")))]
pub async fn lift_quarantine(
    State(app): State<Arc<App>>,
    change: Change,
) -> Reply<Json<QuarantineView>> {
    let asked = change.by(Role::Admin)?;
    flow::quarantine::lift(&app.core, &asked, app.now()).await?;
    Ok(Json(quarantined(&app).await?))
}

async fn quarantined(app: &App) -> Reply<QuarantineView> {
    let known = state::quarantine(app.store()).await?;
    Ok(QuarantineView {
        since: known.as_ref().map(|q| q.since.to_string()),
        reason: known.map(|q| q.reason),
        rev: 0,
    })
}
