//! The fleet as an endpoint of a standard: software that speaks FHIR PAS or X12 hands in requests and gets answers as from a payer, and
//! does not see that a portal is behind it. The same intake, the same rules against doubled submissions, the same keys and audit.

pub mod news;
pub mod pas;
pub mod subscription;
pub mod tell;
pub mod x12;

mod answer;
mod asked;

use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use exchange::pas::{
    element::Element,
    fault::{Code, Fault},
    outcome::{Issue, OperationOutcome},
};

use super::error::Problem;
use crate::{flow, store};

/// The media type of FHIR.
const FHIR: &str = "application/fhir+json";

/// A refusal as FHIR says it: a status and one OperationOutcome.
#[derive(Debug)]
pub struct Refusal {
    status: StatusCode,
    outcome: Box<OperationOutcome>,
    retry_after_s: Option<u32>,
}

/// What a handler of the facade returns.
type Reply<T> = Result<T, Refusal>;

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let mut reply = resource(self.status, &*self.outcome);
        let headers = reply.headers_mut();
        if let Some(seconds) = self.retry_after_s {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        reply
    }
}

/// A resource as a reply.
fn resource<T: Element>(status: StatusCode, body: &T) -> Response {
    let mut reply = (status, exchange::pas::write(body)).into_response();
    let headers = reply.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(FHIR));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    reply
}

/// FHIR's issue type for a code of ours.
fn issue_type(code: &str) -> &'static str {
    match code {
        "unauthenticated" => "login",
        "not-permitted" => "forbidden",
        "not-found" => "not-found",
        "duplicate" | "idempotency-key-reused" => "duplicate",
        "conflict" | "idempotency-key-in-use" => "conflict",
        "bad-request" | "media-type" => "structure",
        "invalid" => "value",
        "too-large" => "too-long",
        "too-many" => "throttled",
        "timeout" => "timeout",
        "unavailable" => "transient",
        "internal" => "exception",
        _ => "processing",
    }
}

/// Where a field of the canonical request is in the bundle it was read from.
fn place(field: &str) -> String {
    const CLAIM: &str = "Bundle.entry[0].resource";
    let Some(below) = field.strip_prefix("request.") else {
        return if field == "payer" { format!("{CLAIM}.insurer") } else { field.to_owned() };
    };
    let index = below.find('[').and_then(|at| Some(&below[at..=below.find(']')?]));
    let name = below.split(['.', '[']).next().unwrap_or_default();
    let of = match name {
        "member" => "patient",
        "requesting" => "provider",
        "servicing" => "careTeam",
        "lines" => "item",
        "diagnoses" => "diagnosis",
        "documents" => "supportingInfo",
        _ => return CLAIM.to_owned(),
    };
    format!("{CLAIM}.{of}{}", index.unwrap_or_default())
}

impl From<Problem> for Refusal {
    fn from(problem: Problem) -> Self {
        let mut issue = Issue::error(issue_type(problem.code()), &problem.detail);
        if let Some(field) = &problem.field {
            issue = issue.at(&place(field));
        }
        Self {
            status: StatusCode::from_u16(problem.status)
                .unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
            outcome: Box::new(OperationOutcome::of([issue])),
            retry_after_s: problem.retry_after_s,
        }
    }
}

impl From<Vec<Fault>> for Refusal {
    fn from(faults: Vec<Fault>) -> Self {
        let unreadable = faults.iter().any(|f| f.code == Code::NotJson);
        Self {
            status: if unreadable {
                StatusCode::BAD_REQUEST
            } else {
                StatusCode::UNPROCESSABLE_ENTITY
            },
            outcome: Box::new(OperationOutcome::of_faults(&faults)),
            retry_after_s: None,
        }
    }
}

impl From<Fault> for Refusal {
    fn from(fault: Fault) -> Self {
        vec![fault].into()
    }
}

impl From<flow::Error> for Refusal {
    fn from(error: flow::Error) -> Self {
        Problem::from(error).into()
    }
}

impl From<store::Error> for Refusal {
    fn from(error: store::Error) -> Self {
        Problem::from(error).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_told_where_the_sender_wrote_them() {
        for (field, wanted) in [
            ("request.lines[2].code", "Bundle.entry[0].resource.item[2]"),
            ("request.member.id", "Bundle.entry[0].resource.patient"),
            ("request.kind", "Bundle.entry[0].resource"),
            ("payer", "Bundle.entry[0].resource.insurer"),
            ("idempotency-key", "idempotency-key"),
        ] {
            assert_eq!(place(field), wanted);
        }
    }
}
