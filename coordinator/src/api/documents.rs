//! `/v1/documents`: files that customers attach to cases.

use std::sync::Arc;

use axum::{Extension, Json, extract::State, http::StatusCode};
use domain::{id::DocumentId, request::Document};

use super::{
    error::{Problem, Reply},
    input::{Id, Raw},
    types::DocumentView,
};
use crate::{
    App,
    access::{Caller, Role},
    flow::{Once, intake},
    store::documents,
};

/// Takes in a document: the body is the bytes (pdf, png, jpg, tif; at most 25 MiB), whose kind is judged by the first of them.
#[utoipa::path(post, path = "/v1/documents", tag = "customers", request_body(content = Vec<u8>, content_type = "application/octet-stream"),
    params(("idempotency-key" = String, Header, description = "8 to 200 characters; the same key and body get the same answer")),
    responses((status = 201, description = "Taken in; refer to it with exactly these fields", body = DocumentView), (status = "4XX", description = "Refused", body = Problem, content_type = "application/problem+json")))]
pub async fn take_in(
    State(app): State<Arc<App>>,
    caller: Caller,
    Extension(once): Extension<Once>,
    Raw(bytes): Raw,
) -> Reply<(StatusCode, Json<DocumentView>)> {
    caller.needs(Role::Operator)?;
    let actor = caller.as_actor();
    let made = intake::add_document(&app.core, &actor, bytes, Some(&once), app.now()).await?;
    Ok((StatusCode::CREATED, Json(view(made))))
}

/// What is known of a document; its bytes are given to agents only.
#[utoipa::path(get, path = "/v1/documents/{id}", tag = "customers", params(("id" = String, Path, description = "Document id")),
    responses((status = 200, description = "The document", body = DocumentView), (status = "4XX", description = "Refused", body = Problem, content_type = "application/problem+json")))]
pub async fn show(
    State(app): State<Arc<App>>,
    caller: Caller,
    Id(id): Id<DocumentId>,
) -> Reply<Json<DocumentView>> {
    caller.needs(Role::Viewer)?;
    Ok(Json(view(documents::get(app.store(), id).await?)))
}

fn view(d: Document) -> DocumentView {
    DocumentView { id: d.id.to_string(), kind: d.kind, sha256: d.sha256, size_bytes: d.size_bytes }
}
