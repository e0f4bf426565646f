//! `/v1/audit`: who did what, when, to what.

use std::sync::Arc;

use axum::{Json, extract::State, http::HeaderMap, response::Response};

use super::{
    error::{Problem, Reply},
    input::Query,
    list,
    types::{AuditQuery, AuditVerified, AuditView, PageOf},
};
use crate::{
    App,
    access::{Caller, Role},
    store::{self, audit},
};

/// Entries, newest first.
#[utoipa::path(get, path = "/v1/audit", tag = "staff", params(AuditQuery),
    responses((status = 200, description = "A page", body = PageOf<AuditView>), (status = "4XX", description = "Refused", body = Problem, content_type = "application/problem+json")))]
pub async fn list(
    State(app): State<Arc<App>>,
    caller: Caller,
    headers: HeaderMap,
    Query(q): Query<AuditQuery>,
) -> Reply<Response> {
    caller.needs(Role::Admin)?;
    let paging = q.paging();
    let wanted = audit::Filter {
        subject: q.subject.unwrap_or_default(),
        actor: q.actor.unwrap_or_default(),
        act: q.act.unwrap_or_default(),
    };
    let page = audit::list(app.store(), &wanted, paging.key()?, paging.size()?).await?;
    list::answer(PageOf::of(page, view), &paging, &headers)
}

/// Walks the whole chain of hashes and says whether it holds.
#[utoipa::path(get, path = "/v1/audit/verified", tag = "staff",
    responses((status = 200, description = "Whether it holds", body = AuditVerified), (status = "4XX", description = "Refused", body = Problem, content_type = "application/problem+json")))]
pub async fn verified(State(app): State<Arc<App>>, caller: Caller) -> Reply<Json<AuditVerified>> {
    caller.needs(Role::Admin)?;
    Ok(Json(match audit::verify(app.store()).await {
        Ok(entries) => AuditVerified { intact: true, entries, broken_at: None },
        Err(store::Error::Corrupt { id, .. }) => {
            let first: i64 = id.parse().unwrap_or(1);
            AuditVerified { intact: false, entries: first - 1, broken_at: Some(id) }
        }
        Err(error) => return Err(error.into()),
    }))
}

fn view(e: audit::Audited) -> AuditView {
    AuditView {
        seq: e.seq,
        at: e.at.to_string(),
        actor: e.actor,
        act: e.act,
        subject: e.subject,
        detail: e.detail,
        previous_sha256: e.previous_sha256,
        sha256: e.sha256,
    }
}
