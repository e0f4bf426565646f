//! `/v1/exceptions`: what people must answer.

use std::sync::Arc;

use axum::{Json, extract::State, http::HeaderMap, response::Response};
use domain::{
    exception::{Choice, ExceptionKind, ExceptionState},
    id::{CaseId, ExceptionId, JobId},
};

use super::{
    error::{Problem, Reply},
    filter,
    input::{Body, Id, IfMatch, Query},
    list,
    types::{ChoiceView, ExceptionQuery, ExceptionView, PageOf, Resolve},
};
use crate::{
    App,
    access::{Caller, Role, sight},
    flow::{Asked, code, resolve},
    store::exceptions::{self, Exception},
};

/// Exceptions, newest first.
#[utoipa::path(get, path = "/v1/exceptions", tag = "staff", params(ExceptionQuery),
    responses((status = 200, description = "A page", body = PageOf<ExceptionView>), (status = "4XX", description = "Refused", body = Problem, content_type = "application/problem+json")))]
pub async fn list(
    State(app): State<Arc<App>>,
    caller: Caller,
    headers: HeaderMap,
    Query(q): Query<ExceptionQuery>,
) -> Reply<Response> {
    caller.needs(Role::Viewer)?;
    let states = ["open", "claimed", "seconding", "resolved", "withdrawn", "unanswered"];
    let wanted = exceptions::Filter {
        state: filter::word("state", &q.state, &states)?,
        kind: filter::word("kind", &q.kind, &ExceptionKind::ALL.map(ExceptionKind::word))?,
        queue: q.queue.clone().unwrap_or_default(),
        payer: q.payer.clone().unwrap_or_default(),
        case: filter::id::<CaseId>("case", &q.case)?,
        job: filter::id::<JobId>("job", &q.job)?,
    };
    let (after, size) = filter::page::<ExceptionId>(&q.paging())?;
    let page = exceptions::list(app.store(), &wanted, &after, size).await?;
    list::answer(PageOf::of(page, |e| view(e, caller.role)), &q.paging(), &headers)
}

/// One exception with the resolutions that are possible now.
#[utoipa::path(get, path = "/v1/exceptions/{id}", tag = "staff", params(("id" = String, Path, description = "Exception id")),
    responses((status = 200, description = "The exception", body = ExceptionView), (status = "4XX", description = "Refused", body = Problem, content_type = "application/problem+json")))]
pub async fn show(
    State(app): State<Arc<App>>,
    caller: Caller,
    Id(id): Id<ExceptionId>,
) -> Reply<Json<ExceptionView>> {
    caller.needs(Role::Viewer)?;
    Ok(Json(view(exceptions::get(app.store(), id).await?, caller.role)))
}

/// Holds it for a while, so that nobody else answers it.
#[utoipa::path(post, path = "/v1/exceptions/{id}/claim", tag = "staff",
    params(("id" = String, Path, description = "Exception id"), ("if-match" = String, Header, description = "The `rev` you have seen")),
    responses((status = 200, description = "The exception", body = ExceptionView), (status = "4XX", description = "Refused", body = Problem, content_type = "application/problem+json")))]
pub async fn claim(
    State(app): State<Arc<App>>,
    caller: Caller,
    Id(id): Id<ExceptionId>,
    IfMatch(rev): IfMatch,
) -> Reply<Json<ExceptionView>> {
    caller.needs(Role::Operator)?;
    let seen = (id, Some(rev));
    let done = resolve::claim(&app.core, caller.user, seen, app.now()).await?;
    Ok(Json(view(done, caller.role)))
}

/// Lets it go.
#[utoipa::path(post, path = "/v1/exceptions/{id}/release", tag = "staff",
    params(("id" = String, Path, description = "Exception id"), ("if-match" = String, Header, description = "The `rev` you have seen")),
    responses((status = 200, description = "The exception", body = ExceptionView), (status = "4XX", description = "Refused", body = Problem, content_type = "application/problem+json")))]
pub async fn release(
    State(app): State<Arc<App>>,
    caller: Caller,
    Id(id): Id<ExceptionId>,
    IfMatch(rev): IfMatch,
) -> Reply<Json<ExceptionView>> {
    caller.needs(Role::Operator)?;
    let seen = (id, Some(rev));
    let done = resolve::unclaim(&app.core, caller.user, seen, app.now()).await?;
    Ok(Json(view(done, caller.role)))
}

/// Answers it. `give_code` hands a code to the attempt that waits for it. Settling a doubt needs the role reviewer; `declare_absent` takes effect when a second person agrees.
#[utoipa::path(post, path = "/v1/exceptions/{id}/resolve", tag = "staff", request_body = Resolve,
    params(("id" = String, Path, description = "Exception id"), ("if-match" = String, Header, description = "The `rev` you have seen")),
    responses((status = 200, description = "The exception", body = ExceptionView), (status = "4XX", description = "Refused", body = Problem, content_type = "application/problem+json")))]
pub async fn resolve(
    State(app): State<Arc<App>>,
    caller: Caller,
    Id(id): Id<ExceptionId>,
    IfMatch(rev): IfMatch,
    Body(mut answer): Body<Resolve>,
) -> Reply<Json<ExceptionView>> {
    if answer.resolution == "give_code" {
        caller.needs(Role::Operator)?;
        let code = answer.code.take().ok_or_else(|| Problem::invalid("code", "is missing"))?;
        let (seen, now) = ((id, rev), app.now());
        let done = code::give_code(&app.core, caller.user, seen, code.text(), now).await?;
        return Ok(Json(view(done, caller.role)));
    }
    Asked::reason(&answer.reason)?;
    let answer = answer.typed().map_err(|(field, reason)| Problem::invalid(field, reason))?;
    let about = exceptions::get(app.store(), id).await?;
    let doubt = about.intent.is_some() && answer.choice() != Choice::LookAgain;
    caller.needs(if doubt { Role::Reviewer } else { Role::Operator })?;
    let done = resolve::resolve(&app.core, caller.user, id, rev, &answer, app.now()).await?;
    Ok(Json(view(done, caller.role)))
}

fn view(mut e: Exception, role: Role) -> ExceptionView {
    sight::failure(role, &mut e.failure);
    let answered = matches!(e.state, ExceptionState::Resolved { .. } | ExceptionState::Withdrawn);
    let choice = |choice: Choice| {
        let possible = resolve::possible(&e, choice, e.intent.is_some());
        ChoiceView {
            choice: choice.word().to_owned(),
            allowed: possible.is_ok(),
            because: possible.err().map(str::to_owned),
        }
    };
    let choices = if answered { Vec::new() } else { Choice::ALL.into_iter().map(choice).collect() };
    let answer_by = e.live.as_ref().filter(|_| !answered).map(|live| live.until.to_string());
    let mut view = ExceptionView {
        id: e.id.to_string(),
        case: e.case.to_string(),
        job: e.job.to_string(),
        attempt: e.attempt.map(|a| a.to_string()),
        payer: e.payer,
        kind: e.kind.word().to_owned(),
        question: e.kind.question().to_owned(),
        queue: e.queue,
        owner: e.owner.map(|owner| owner.to_string()),
        failure: e.failure,
        state: e.state.word().to_owned(),
        claimed_by: None,
        claimed_until: None,
        first_by: None,
        resolved_by: None,
        resolution: None,
        answer_by,
        choices,
        opened_at: e.opened_at.to_string(),
        closed_at: e.closed_at.map(|at| at.to_string()),
        rev: e.rev,
    };
    match e.state {
        ExceptionState::Open | ExceptionState::Withdrawn => {}
        ExceptionState::Claimed { by, until } => {
            view.claimed_by = Some(by.to_string());
            view.claimed_until = Some(until.to_string());
        }
        ExceptionState::Seconding { first, resolution } => {
            view.first_by = Some(first.to_string());
            view.resolution = Some(resolution.word().to_owned());
        }
        ExceptionState::Resolved { by, resolution } => {
            view.resolved_by = Some(by.to_string());
            view.resolution = Some(resolution.word().to_owned());
        }
    }
    view
}
