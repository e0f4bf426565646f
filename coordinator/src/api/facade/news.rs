//! `/fhir/notices/{payer}`: payers that speak FHIR PAS tell us here that something is new about our requests.

use std::sync::Arc;

use axum::{
    extract::{Path, State},
    http::{HeaderMap, StatusCode, header},
};
use exchange::pas::{self, bundle::Bundle, notice::Notice};

use super::Reply;
use crate::{
    App,
    api::{
        error::Problem,
        input::{Raw, header_text},
    },
    files,
    flow::news,
};

/// Longest notification.
pub const NOTICE_MAX: usize = 5 * 1024 * 1024;

/// Takes a notification of our subscription at a payer (handshake, heartbeat or news). It is answered when it is durable; a repetition is
/// answered alike. It is never an answer by itself: the status is asked for at once.
#[utoipa::path(post, path = "/fhir/notices/{payer}", tag = "standards", request_body(content = Object, content_type = "application/fhir+json"),
    params(("payer" = String, Path, description = "Payer id"), ("authorization" = String, Header, description = "`Bearer` and the key that the subscription holds")),
    responses((status = 200, description = "Taken in"),
        (status = "4XX", description = "OperationOutcome", body = Object, content_type = "application/fhir+json")))]
pub async fn take(
    State(app): State<Arc<App>>,
    Path(payer): Path<String>,
    headers: HeaderMap,
    body: Result<Raw, Problem>,
) -> Reply<StatusCode> {
    let key = header_text(&headers, header::AUTHORIZATION.as_str());
    let key = key.and_then(|said| said.strip_prefix("Bearer ")).unwrap_or_default();
    let notices = news::heard(&app.core, &payer, key, app.now()).await?;
    let body = body?;
    let bundle: Bundle = pas::read(&body.0, "Bundle")?;
    let notice = Notice::read(&bundle)?;
    let digest = files::sha256(&body.0);
    news::told(&app.core, &payer, &notices, (&notice, &digest), app.now()).await?;
    Ok(StatusCode::OK)
}
