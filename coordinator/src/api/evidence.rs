//! `/v1/evidence`: what proves a step. The bytes are patient data: reading them needs a role and is written to the audit.

use std::sync::Arc;

use axum::{
    Json,
    extract::State,
    http::{HeaderMap, HeaderName, header},
    response::{IntoResponse, Response},
};
use domain::{
    evidence::EvidenceKind,
    id::{AttemptId, CaseId, EvidenceId},
};

use super::{
    error::{Problem, Reply},
    filter,
    input::{Id, Query},
    list,
    types::{EvidenceQuery, EvidenceView, PageOf},
};
use crate::{
    App,
    access::{Caller, Role},
    flow,
    store::evidence,
};

/// Evidence of an attempt or a case, oldest first.
#[utoipa::path(get, path = "/v1/evidence", tag = "operators", params(EvidenceQuery),
    responses((status = 200, description = "A page", body = PageOf<EvidenceView>), (status = "4XX", description = "Refused", body = Problem, content_type = "application/problem+json")))]
pub async fn list(
    State(app): State<Arc<App>>,
    caller: Caller,
    headers: HeaderMap,
    Query(q): Query<EvidenceQuery>,
) -> Reply<Response> {
    caller.needs(Role::Viewer)?;
    let wanted = evidence::Filter {
        attempt: filter::id::<AttemptId>("attempt", &q.attempt)?,
        case: filter::id::<CaseId>("case", &q.case)?,
    };
    let (after, size) = filter::page::<EvidenceId>(&q.paging())?;
    let page = evidence::list(app.store(), &wanted, &after, size).await?;
    list::answer(PageOf::of(page, EvidenceView::from), &q.paging(), &headers)
}

/// One item, without its bytes.
#[utoipa::path(get, path = "/v1/evidence/{id}", tag = "operators", params(("id" = String, Path, description = "Evidence id")),
    responses((status = 200, description = "The item", body = EvidenceView), (status = "4XX", description = "Refused", body = Problem, content_type = "application/problem+json")))]
pub async fn show(
    State(app): State<Arc<App>>,
    caller: Caller,
    Id(id): Id<EvidenceId>,
) -> Reply<Json<EvidenceView>> {
    caller.needs(Role::Viewer)?;
    Ok(Json(evidence::get(app.store(), id).await?.into()))
}

/// Its bytes. Reading is written to the audit. Only our own pictures are shown in place; all else is a download.
#[utoipa::path(get, path = "/v1/evidence/{id}/body", tag = "operators", params(("id" = String, Path, description = "Evidence id")),
    responses((status = 200, description = "The bytes", body = Vec<u8>, content_type = "application/octet-stream"), (status = "4XX", description = "Refused", body = Problem, content_type = "application/problem+json")))]
pub async fn body(
    State(app): State<Arc<App>>,
    caller: Caller,
    Id(id): Id<EvidenceId>,
) -> Reply<Response> {
    caller.needs(Role::Operator)?;
    let item = evidence::get(app.store(), id).await?;
    flow::people::viewed(&app.core, &caller.as_actor(), &item, app.now()).await?;
    let bytes = app.core.files.get(&item.sha256).await?;
    Ok((held(item.kind), bytes).into_response())
}

/// Headers under which bytes from a portal may lie in a browser: never sniffed, never run, never shown as ours.
fn held(kind: EvidenceKind) -> [(HeaderName, &'static str); 5] {
    let picture =
        matches!(kind, EvidenceKind::Screenshot | EvidenceKind::FullPage | EvidenceKind::Crop);
    [
        (header::CONTENT_TYPE, kind.media_type()),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::CONTENT_SECURITY_POLICY, "sandbox; default-src 'none'"),
        (header::CACHE_CONTROL, "private, no-store"),
        (header::CONTENT_DISPOSITION, if picture { "inline" } else { "attachment" }),
    ]
}
