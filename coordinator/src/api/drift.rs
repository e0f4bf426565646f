//! `/v1/drift`: where payers' pages differ from scripts, and what people say of it.

use std::sync::Arc;

use axum::{Json, extract::State, http::HeaderMap, response::Response};
use domain::{
    drift::{DriftKind, DriftState},
    id::DriftId,
};

use super::{
    error::{Problem, Reply},
    filter,
    input::{Body, Id, IfMatch, Query},
    list,
    types::{Because, DriftQuery, DriftView, PageOf},
};
use crate::{
    App,
    access::{Caller, Role, sight},
    flow::drift::{self as flow, Verdict},
    store::drift::{self, Item},
};

/// Drift items, newest first.
#[utoipa::path(get, path = "/v1/drift", tag = "staff", params(DriftQuery),
    responses((status = 200, description = "A page", body = PageOf<DriftView>), (status = "4XX", description = "Refused", body = Problem, content_type = "application/problem+json")))]
pub async fn list(
    State(app): State<Arc<App>>,
    caller: Caller,
    headers: HeaderMap,
    Query(q): Query<DriftQuery>,
) -> Reply<Response> {
    caller.needs(Role::Viewer)?;
    let wanted = drift::Filter {
        state: filter::word("state", &q.state, &["open", "accepted", "dismissed"])?,
        kind: filter::word("kind", &q.kind, &DriftKind::ALL.map(DriftKind::word))?,
        payer: q.payer.clone().unwrap_or_default(),
        script: q.script.clone().unwrap_or_default(),
        script_sha256: q.script_sha256.clone().unwrap_or_default(),
    };
    let (after, size) = filter::page::<DriftId>(&q.paging())?;
    let page = drift::list(app.store(), &wanted, &after, size).await?;
    list::answer(PageOf::of(page, view), &q.paging(), &headers)
}

/// One item with both fingerprints, the proposed change and the attempts that saw it.
#[utoipa::path(get, path = "/v1/drift/{id}", tag = "staff", params(("id" = String, Path, description = "Drift id")),
    responses((status = 200, description = "The item", body = DriftView), (status = "4XX", description = "Refused", body = Problem, content_type = "application/problem+json")))]
pub async fn show(
    State(app): State<Arc<App>>,
    caller: Caller,
    Id(id): Id<DriftId>,
) -> Reply<Json<DriftView>> {
    caller.needs(Role::Viewer)?;
    let mut item = drift::get(app.store(), id).await?;
    sight::drift(caller.role, &mut item.seen);
    Ok(Json(whole(&app, item).await?))
}

/// Takes it for the payer's new look: a healed element is remembered as it looks now; a disagreement ends fetching for this version.
#[utoipa::path(post, path = "/v1/drift/{id}/accept", tag = "staff", request_body = Because,
    params(("id" = String, Path, description = "Drift id"), ("if-match" = String, Header, description = "The `rev` you have seen")),
    responses((status = 200, description = "The item", body = DriftView), (status = "4XX", description = "Refused", body = Problem, content_type = "application/problem+json")))]
pub async fn accept(
    State(app): State<Arc<App>>,
    caller: Caller,
    Id(id): Id<DriftId>,
    IfMatch(rev): IfMatch,
    Body(because): Body<Because>,
) -> Reply<Json<DriftView>> {
    decide(&app, &caller, (id, rev), Verdict::Accept, &because.reason).await
}

/// Says that it is not: the candidate is never taken for the lost element again with this version; after a disagreement answers may
/// be fetched again.
#[utoipa::path(post, path = "/v1/drift/{id}/dismiss", tag = "staff", request_body = Because,
    params(("id" = String, Path, description = "Drift id"), ("if-match" = String, Header, description = "The `rev` you have seen")),
    responses((status = 200, description = "The item", body = DriftView), (status = "4XX", description = "Refused", body = Problem, content_type = "application/problem+json")))]
pub async fn dismiss(
    State(app): State<Arc<App>>,
    caller: Caller,
    Id(id): Id<DriftId>,
    IfMatch(rev): IfMatch,
    Body(because): Body<Because>,
) -> Reply<Json<DriftView>> {
    decide(&app, &caller, (id, rev), Verdict::Dismiss, &because.reason).await
}

async fn decide(
    app: &App,
    caller: &Caller,
    (id, rev): (DriftId, i64),
    verdict: Verdict,
    reason: &str,
) -> Reply<Json<DriftView>> {
    caller.needs(Role::Reviewer)?;
    let seen = (id, Some(rev));
    let item = flow::decide(&app.core, caller.user, seen, verdict, reason, app.now()).await?;
    Ok(Json(whole(app, item).await?))
}

async fn whole(app: &App, item: Item) -> Reply<DriftView> {
    let attempts = drift::attempts(app.store(), item.id).await?;
    let change = flow::change(&app.core, &item).await?;
    Ok(DriftView {
        before: item.seen.before.clone(),
        now: item.seen.now.clone(),
        change,
        attempts: Some(attempts.iter().map(ToString::to_string).collect()),
        ..view(item)
    })
}

fn view(item: Item) -> DriftView {
    let (decided_by, reason) = match &item.state {
        DriftState::Open => (None, None),
        DriftState::Accepted { by, reason } | DriftState::Dismissed { by, reason } => {
            (Some(by.to_string()), Some(reason.clone()))
        }
    };
    let seen = item.seen;
    DriftView {
        id: item.id.to_string(),
        payer: item.payer,
        script: item.script,
        script_sha256: item.script_sha256,
        element: seen.element,
        kind: seen.kind.word().to_owned(),
        say: seen.kind.say().to_owned(),
        state: item.state.word().to_owned(),
        source: seen.source,
        score: seen.score,
        margin: seen.margin,
        proposal: seen.proposal,
        detail: seen.detail,
        sightings: item.sightings,
        unreviewed: item.unreviewed,
        first_seen_at: item.first_seen_at.to_string(),
        last_seen_at: item.last_seen_at.to_string(),
        before_evidence: seen.before_picture.map(|id| id.to_string()),
        now_evidence: seen.now_picture.map(|id| id.to_string()),
        decided_by,
        decided_at: item.decided_at.map(|at| at.to_string()),
        reason,
        before: None,
        now: None,
        change: None,
        attempts: None,
        rev: item.rev,
    }
}
