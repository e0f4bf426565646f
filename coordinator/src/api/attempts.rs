//! `/v1/attempts` and their steps.

use std::sync::Arc;

use axum::{Json, extract::State, http::HeaderMap, response::Response};
use domain::{
    attempt::AttemptState,
    id::{AgentId, AttemptId, CaseId, JobId},
    wire::End,
};

use super::{
    error::{Problem, Reply},
    filter,
    input::{Id, Query},
    list,
    types::{AttemptQuery, AttemptView, LateView, PageOf, StepView},
};
use crate::{
    App,
    access::{Caller, Role, sight},
    store::{attempts, late, steps},
};

/// Attempts, newest first.
#[utoipa::path(get, path = "/v1/attempts", tag = "operators", params(AttemptQuery),
    responses((status = 200, description = "A page", body = PageOf<AttemptView>), (status = "4XX", description = "Refused", body = Problem, content_type = "application/problem+json")))]
pub async fn list(
    State(app): State<Arc<App>>,
    caller: Caller,
    headers: HeaderMap,
    Query(q): Query<AttemptQuery>,
) -> Reply<Response> {
    caller.needs(Role::Viewer)?;
    let wanted = attempts::Filter {
        job: filter::id::<JobId>("job", &q.job)?,
        case: filter::id::<CaseId>("case", &q.case)?,
        agent: filter::id::<AgentId>("agent", &q.agent)?,
        state: filter::word("state", &q.state, &AttemptState::WORDS)?,
    };
    let (after, size) = filter::page::<AttemptId>(&q.paging())?;
    let page = attempts::list(app.store(), &wanted, &after, size).await?;
    list::answer(PageOf::of(page, |a| view(a, caller.role)), &q.paging(), &headers)
}

/// One attempt.
#[utoipa::path(get, path = "/v1/attempts/{id}", tag = "operators", params(("id" = String, Path, description = "Attempt id")),
    responses((status = 200, description = "The attempt", body = AttemptView), (status = "4XX", description = "Refused", body = Problem, content_type = "application/problem+json")))]
pub async fn show(
    State(app): State<Arc<App>>,
    caller: Caller,
    Id(id): Id<AttemptId>,
) -> Reply<Json<AttemptView>> {
    caller.needs(Role::Viewer)?;
    let mut shown = view(attempts::get(app.store(), id).await?, caller.role);
    let late = late::of_attempt(app.store(), id).await?;
    shown.late_report = late.map(|late| late_view(&late, caller.role));
    Ok(Json(shown))
}

/// Its steps in order: timing, acts with click points, log sentences, values read, evidence. The member is masked
/// in them; for the role viewer numbers and values too.
#[utoipa::path(get, path = "/v1/attempts/{id}/steps", tag = "operators", params(("id" = String, Path, description = "Attempt id")),
    responses((status = 200, description = "The steps", body = PageOf<StepView>), (status = "4XX", description = "Refused", body = Problem, content_type = "application/problem+json")))]
pub async fn list_steps(
    State(app): State<Arc<App>>,
    caller: Caller,
    Id(id): Id<AttemptId>,
) -> Reply<Json<PageOf<StepView>>> {
    caller.needs(Role::Viewer)?;
    attempts::get(app.store(), id).await?;
    let mut own = steps::of_attempt(app.store(), id).await?;
    sight::steps(caller.role, &mut own);
    Ok(Json(PageOf::whole(own.into_iter().map(StepView).collect())))
}

fn view(a: attempts::Attempt, role: Role) -> AttemptView {
    let state = a.state.word().to_owned();
    AttemptView {
        id: a.id.to_string(),
        job: a.job.to_string(),
        number: a.number,
        purpose: a.purpose.word().to_owned(),
        state,
        failure: match a.state {
            AttemptState::Failed { mut failure } => {
                sight::failure(role, &mut failure);
                Some(failure)
            }
            _ => None,
        },
        agent: a.agent.to_string(),
        script_sha256: a.script_sha256,
        started_at: a.started_at.to_string(),
        ended_at: a.ended_at.map(|at| at.to_string()),
        logins: a.logins,
        session_reused: a.session_reused,
        channel: a.channel.word().to_owned(),
        because: a.because,
        late_report: None,
    }
}

/// What a late report says; numbers for whoever may see a case's numbers.
fn late_view(late: &late::Late, role: Role) -> LateView {
    let (end, says, numbers) = match &late.end {
        End::Outcome { outcome, .. } => {
            let numbers = outcome.references.iter().map(|r| r.value.clone()).collect();
            ("outcome", outcome.answer.word().to_owned(), numbers)
        }
        End::Failure { failure, candidates } => {
            ("failure", failure.name.clone(), candidates.clone())
        }
        End::Finding { .. } => ("finding", "a look".to_owned(), Vec::new()),
    };
    LateView {
        received_at: late.received_at.to_string(),
        end: end.to_owned(),
        says,
        numbers: if role >= Role::Operator { numbers } else { Vec::new() },
    }
}
