//! `/v1/jobs`: making, listing, showing, and what people may do to one.

use std::sync::Arc;

use axum::{
    Extension, Json,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::Response,
};
use domain::{
    id::{AgentId, CaseId, JobId},
    job::{JobState, Task},
};

use super::{
    error::{Problem, Reply},
    filter,
    input::{Body, Change, Id, Query},
    list,
    types::{Because, JobQuery, JobView, NewJob, PageOf},
};
use crate::{
    App,
    access::{Caller, Role},
    flow::{Once, again, cancel, intake, lease},
    store::{attempts, jobs},
};

/// Makes a further job for an existing case, such as a status check of a submitted prior authorization.
#[utoipa::path(post, path = "/v1/jobs", tag = "customers", request_body = NewJob,
    params(("idempotency-key" = String, Header, description = "8 to 200 characters; the same key and body get the same answer")),
    responses((status = 201, description = "Made", body = JobView), (status = "4XX", description = "Refused", body = Problem, content_type = "application/problem+json")))]
pub async fn make(
    State(app): State<Arc<App>>,
    caller: Caller,
    Extension(once): Extension<Once>,
    Body(new): Body<NewJob>,
) -> Reply<(StatusCode, Json<JobView>)> {
    caller.needs(Role::Operator)?;
    let case: CaseId =
        new.case.parse().map_err(|_| Problem::invalid("case", "is not a case id"))?;
    let task = Task::from_word(&new.task)
        .ok_or_else(|| Problem::invalid("task", "expected one of submit, auth_status, claim_status, eligibility, precheck, renewal, letter"))?;
    let actor = caller.as_actor();
    let made = intake::add_job(&app.core, &actor, case, task, Some(&once), app.now()).await?;
    Ok((StatusCode::CREATED, Json(JobView::of(jobs::get(app.store(), made).await?))))
}

/// Jobs, newest first.
#[utoipa::path(get, path = "/v1/jobs", tag = "customers", params(JobQuery),
    responses((status = 200, description = "A page", body = PageOf<JobView>), (status = "4XX", description = "Refused", body = Problem, content_type = "application/problem+json")))]
pub async fn list(
    State(app): State<Arc<App>>,
    caller: Caller,
    headers: HeaderMap,
    Query(q): Query<JobQuery>,
) -> Reply<Response> {
    caller.needs(Role::Viewer)?;
    let wanted = jobs::Filter {
        state: filter::word("state", &q.state, &JobState::WORDS)?,
        payer: q.payer.clone().unwrap_or_default(),
        task: filter::word("task", &q.task, &Task::ALL.map(Task::word))?,
        case: filter::id::<CaseId>("case", &q.case)?,
        agent: filter::id::<AgentId>("agent", &q.agent)?,
    };
    let (after, size) = filter::page::<JobId>(&q.paging())?;
    let page = jobs::list(app.store(), &wanted, &after, size).await?;
    let page = PageOf::of(page, |job| JobView::of(job).for_role(caller.role));
    list::answer(page, &q.paging(), &headers)
}

/// One job with its outcome; for a ready one also why it is not leased.
#[utoipa::path(get, path = "/v1/jobs/{id}", tag = "customers", params(("id" = String, Path, description = "Job id")),
    responses((status = 200, description = "The job", body = JobView), (status = "4XX", description = "Refused", body = Problem, content_type = "application/problem+json")))]
pub async fn show(
    State(app): State<Arc<App>>,
    caller: Caller,
    Id(id): Id<JobId>,
) -> Reply<Json<JobView>> {
    caller.needs(Role::Viewer)?;
    let job = jobs::get(app.store(), id).await?;
    let why = lease::why_not_leased(&app.core, &job, app.now()).await?;
    let tried = attempts::of_job(app.store(), id).await?;
    let mut view = JobView::of(job).by(tried.last()).for_role(caller.role);
    view.blocked = why.map(|why| why.say());
    Ok(Json(view))
}

/// Takes a job back. Refused while it may have been submitted.
#[utoipa::path(post, path = "/v1/jobs/{id}/cancel", tag = "operators", request_body = Because,
    params(("id" = String, Path, description = "Job id"), ("if-match" = String, Header, description = "The `rev` you have seen")),
    responses((status = 200, description = "The job", body = JobView), (status = "4XX", description = "Refused", body = Problem, content_type = "application/problem+json")))]
pub async fn cancel(
    State(app): State<Arc<App>>,
    Id(id): Id<JobId>,
    change: Change,
) -> Reply<Json<JobView>> {
    let asked = change.by(Role::Operator)?;
    cancel::cancel_job(&app.core, &asked, id, app.now()).await?;
    Ok(Json(JobView::of(jobs::get(app.store(), id).await?)))
}

/// Tries a resting or waiting job again now. Refused while it may have been submitted.
#[utoipa::path(post, path = "/v1/jobs/{id}/retry", tag = "operators", request_body = Because,
    params(("id" = String, Path, description = "Job id"), ("if-match" = String, Header, description = "The `rev` you have seen")),
    responses((status = 200, description = "The job", body = JobView), (status = "4XX", description = "Refused", body = Problem, content_type = "application/problem+json")))]
pub async fn retry(
    State(app): State<Arc<App>>,
    Id(id): Id<JobId>,
    change: Change,
) -> Reply<Json<JobView>> {
    let asked = change.by(Role::Operator)?;
    again::retry(&app.core, change.caller.user, &asked, id, app.now()).await?;
    Ok(Json(JobView::of(jobs::get(app.store(), id).await?)))
}

/// Looks at the payer again now, for a job in doubt.
#[utoipa::path(post, path = "/v1/jobs/{id}/reconcile", tag = "operators", request_body = Because,
    params(("id" = String, Path, description = "Job id"), ("if-match" = String, Header, description = "The `rev` you have seen")),
    responses((status = 200, description = "The job", body = JobView), (status = "4XX", description = "Refused", body = Problem, content_type = "application/problem+json")))]
pub async fn reconcile(
    State(app): State<Arc<App>>,
    Id(id): Id<JobId>,
    change: Change,
) -> Reply<Json<JobView>> {
    let asked = change.by(Role::Operator)?;
    again::look(&app.core, change.caller.user, &asked, id, app.now()).await?;
    Ok(Json(JobView::of(jobs::get(app.store(), id).await?)))
}
