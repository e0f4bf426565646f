//! `/v1/users`: people and the API keys that act for them. Passwords and keys are never given out again.

use std::sync::Arc;

use axum::{
    Json,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::Response,
};
use domain::id::UserId;

use super::{
    error::{Problem, Reply},
    input::{Body, Id, Query},
    list,
    types::{KeyMade, NewKey, NewUser, PageOf, PlainQuery, UserView},
};
use crate::{
    App,
    access::{
        Caller, Role,
        people::{self as keep, NewPerson},
        role_of,
    },
    store::people,
};

/// Everyone who may sign in, by login.
#[utoipa::path(get, path = "/v1/users", tag = "staff", params(PlainQuery),
    responses((status = 200, description = "All of them", body = PageOf<UserView>), (status = "4XX", description = "Refused", body = Problem, content_type = "application/problem+json")))]
pub async fn list(
    State(app): State<Arc<App>>,
    caller: Caller,
    headers: HeaderMap,
    Query(q): Query<PlainQuery>,
) -> Reply<Response> {
    caller.needs(Role::Admin)?;
    let all = people::users(app.store()).await?.into_iter().map(view).collect();
    list::answer(PageOf::whole(all), &q.paging(), &headers)
}

/// Adds a person.
#[utoipa::path(post, path = "/v1/users", tag = "staff", request_body = NewUser,
    params(("idempotency-key" = String, Header, description = "8 to 200 characters; the same key and body get the same answer")),
    responses((status = 201, description = "Added", body = UserView), (status = "4XX", description = "Refused", body = Problem, content_type = "application/problem+json")))]
pub async fn add(
    State(app): State<Arc<App>>,
    caller: Caller,
    Body(new): Body<NewUser>,
) -> Reply<(StatusCode, Json<UserView>)> {
    caller.needs(Role::Admin)?;
    let person =
        NewPerson { login: &new.login, name: &new.name, role: new.role, password: &new.password };
    let made = keep::add(&app.core, &caller.as_actor(), person, app.now()).await?;
    Ok((StatusCode::CREATED, Json(view(people::user(app.store(), made).await?))))
}

/// Makes an API key that acts for a user. It is shown in this answer only.
#[utoipa::path(post, path = "/v1/users/{id}/keys", tag = "staff", request_body = NewKey,
    params(("id" = String, Path, description = "User id"), ("idempotency-key" = String, Header, description = "8 to 200 characters; the same key and body get the same answer")),
    responses((status = 201, description = "The key", body = KeyMade), (status = "4XX", description = "Refused", body = Problem, content_type = "application/problem+json")))]
pub async fn add_key(
    State(app): State<Arc<App>>,
    caller: Caller,
    Id(owner): Id<UserId>,
    Body(new): Body<NewKey>,
) -> Reply<(StatusCode, Json<KeyMade>)> {
    caller.needs(Role::Admin)?;
    let wanted = (new.name.as_str(), new.role);
    let made = keep::add_key(&app.core, &caller.as_actor(), owner, wanted, app.now()).await?;
    Ok((StatusCode::CREATED, Json(KeyMade { id: made.id, key: made.key })))
}

fn view(u: people::User) -> UserView {
    UserView {
        id: u.id.to_string(),
        login: u.login,
        name: u.name,
        role: role_of(&u.roles).unwrap_or(Role::Viewer),
        state: u.state,
        created_at: u.created_at.to_string(),
    }
}
