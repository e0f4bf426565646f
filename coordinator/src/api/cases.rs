//! `/v1/cases`: taking in, listing, showing, searching.

use std::sync::Arc;

use axum::{
    Extension, Json,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::Response,
};
use domain::{case::CaseStatus, id::CaseId, request::Request};

use super::{
    error::{Problem, Reply},
    filter,
    input::{Body, Change, Id, Query},
    list,
    types::{
        Because, CaseMade, CaseQuery, CaseSearch, CaseShow, CaseView, JobView, NewCase, PageOf,
    },
};
use crate::{
    App,
    access::{Caller, Role, sight::masked},
    flow::{
        Once, cancel,
        intake::{self, Intake},
        people::{self, Terms},
    },
    store::{attempts, cases, jobs},
};

/// Takes in a case with its first job.
#[utoipa::path(post, path = "/v1/cases", tag = "customers", request_body = NewCase,
    params(("idempotency-key" = String, Header, description = "8 to 200 characters; the same key and body get the same answer")),
    responses((status = 201, description = "Taken in", body = CaseMade), (status = "4XX", description = "Refused", body = Problem, content_type = "application/problem+json")))]
pub async fn take_in(
    State(app): State<Arc<App>>,
    caller: Caller,
    Extension(once): Extension<Once>,
    Body(new): Body<NewCase>,
) -> Reply<(StatusCode, Json<CaseMade>)> {
    caller.needs(if new.again.is_some() { Role::Reviewer } else { Role::Operator })?;
    // Read in a second step as the typed request, so that a fault names its place.
    let request = super::input::json_from(new.request.to_string().as_bytes())
        .map_err(|problem| problem.at("request"))?;
    let wanted = Intake { payer: new.payer, request, again: new.again, spoken: None };
    let made =
        intake::take_in(&app.core, &caller.as_actor(), &wanted, Some(&once), app.now()).await?;
    let made = CaseMade { case: made.case.to_string(), job: made.job.to_string() };
    Ok((StatusCode::CREATED, Json(made)))
}

/// Cases, newest first. Patient data is left out.
#[utoipa::path(get, path = "/v1/cases", tag = "customers", params(CaseQuery),
    responses((status = 200, description = "A page", body = PageOf<CaseView>), (status = "4XX", description = "Refused", body = Problem, content_type = "application/problem+json")))]
pub async fn list(
    State(app): State<Arc<App>>,
    caller: Caller,
    headers: HeaderMap,
    Query(q): Query<CaseQuery>,
) -> Reply<Response> {
    caller.needs(Role::Viewer)?;
    let wanted = cases::Filter {
        status: filter::word("status", &q.status, &CaseStatus::ALL.map(CaseStatus::word))?,
        kind: filter::word("kind", &q.kind, &Request::KINDS)?,
        payer: q.payer.clone().unwrap_or_default(),
        ..cases::Filter::default()
    };
    let (after, size) = filter::page::<CaseId>(&q.paging())?;
    let page = cases::list(app.store(), &wanted, &after, size).await?;
    list::answer(PageOf::of(page, |case| view(case, None)), &q.paging(), &headers)
}

/// Searches by member id or payer's number; the search is written to the audit.
#[utoipa::path(post, path = "/v1/cases/search", tag = "customers", request_body = CaseSearch,
    responses((status = 200, description = "At most 50 cases", body = PageOf<CaseView>), (status = "4XX", description = "Refused", body = Problem, content_type = "application/problem+json")))]
pub async fn search(
    State(app): State<Arc<App>>,
    caller: Caller,
    Body(search): Body<CaseSearch>,
) -> Reply<Json<PageOf<CaseView>>> {
    caller.needs(Role::Operator)?;
    let wanted = cases::Filter {
        member: search.member.unwrap_or_default(),
        reference: search.reference.unwrap_or_default(),
        ..cases::Filter::default()
    };
    if wanted.member.is_empty() && wanted.reference.is_empty() {
        return Err(Problem::invalid("member", "give `member` or `reference`"));
    }
    let page = cases::list(app.store(), &wanted, "", 50).await?;
    let (member, reference) = (wanted.member.as_str(), wanted.reference.as_str());
    let terms = Terms {
        member: Some(member).filter(|typed| !typed.is_empty()),
        reference: Some(reference).filter(|typed| !typed.is_empty()),
        found: page.items.len(),
    };
    people::searched(&app.core, &caller.as_actor(), terms, app.now()).await?;
    Ok(Json(PageOf::of(page, |case| view(case, None))))
}

/// One case with its jobs. `reveal=true` shows patient data and is written to the audit.
#[utoipa::path(get, path = "/v1/cases/{id}", tag = "customers", params(("id" = String, Path, description = "Case id"), CaseShow),
    responses((status = 200, description = "The case", body = CaseView), (status = "4XX", description = "Refused", body = Problem, content_type = "application/problem+json")))]
pub async fn show(
    State(app): State<Arc<App>>,
    caller: Caller,
    Id(id): Id<CaseId>,
    Query(how): Query<CaseShow>,
) -> Reply<Json<CaseView>> {
    caller.needs(if how.reveal { Role::Operator } else { Role::Viewer })?;
    let (case, request) = cases::opened(app.store(), id).await?;
    if how.reveal {
        caller.saw(&app, "request", id).await?;
    }
    let mut shown = view(case, Some(masked(&request.member().id)));
    shown.request = if how.reveal { serde_json::to_value(&request).ok() } else { None };
    let own = jobs::of_case(app.store(), id).await?;
    let mut views = Vec::with_capacity(own.len());
    for job in own {
        let tried = attempts::of_job(app.store(), job.id).await?;
        views.push(JobView::of(job).by(tried.last()).for_role(caller.role));
    }
    shown.jobs = Some(views);
    Ok(Json(shown))
}

/// Takes a case back with every job of it that has not ended. Refused while it may have been submitted.
#[utoipa::path(post, path = "/v1/cases/{id}/withdraw", tag = "customers", request_body = Because,
    params(("id" = String, Path, description = "Case id"), ("if-match" = String, Header, description = "The `rev` you have seen")),
    responses((status = 200, description = "The case", body = CaseView), (status = "4XX", description = "Refused", body = Problem, content_type = "application/problem+json")))]
pub async fn withdraw(
    State(app): State<Arc<App>>,
    Id(id): Id<CaseId>,
    change: Change,
) -> Reply<Json<CaseView>> {
    let asked = change.by(Role::Operator)?;
    cancel::withdraw_case(&app.core, &asked, id, app.now()).await?;
    Ok(Json(view(cases::get(app.store(), id).await?, None)))
}

fn view(case: cases::Case, member: Option<String>) -> CaseView {
    CaseView {
        id: case.id.to_string(),
        kind: case.kind,
        payer: case.payer,
        status: case.status.word().to_owned(),
        member,
        round: case.round,
        created_by: case.created_by,
        created_at: case.created_at.to_string(),
        updated_at: case.updated_at.to_string(),
        rev: case.rev,
        request: None,
        jobs: None,
    }
}
