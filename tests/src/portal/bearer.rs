//! What the side doors of a simulated payer (control, truth, mail, fax) have in common: a bearer value, and everything due is
//! done before an answer and on disk after it.

use axum::{extract::Request, http::header, middleware::Next, response::Response};

use super::sim::Sim;

/// Whether the request shows this value.
pub(super) fn shown(request: &Request, bearer: &str) -> bool {
    let given = request.headers().get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    given.and_then(|given| given.strip_prefix("Bearer ")) == Some(bearer)
}

/// The answer to a request that showed it.
pub(super) async fn served(sim: &Sim, request: Request, next: Next) -> Response {
    sim.run_due();
    let response = next.run(request).await;
    sim.flush().await;
    response
}
