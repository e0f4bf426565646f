//! `/v1/users`, `/v1/keys` and `/v1/me`: people and the API keys that act for them. Passwords and keys are never given out again.

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
    input::{Body, Change, Id, IfMatch, Query},
    list,
    types::{
        Because, KeyMade, KeyView, NewKey, NewPassword, NewUser, OwnPassword, PageOf, PlainQuery,
        UserView,
    },
};
use crate::{
    App,
    access::{
        Caller, Role,
        people::{self as keep, NewPerson},
        role_of,
    },
    flow,
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

/// One person.
#[utoipa::path(get, path = "/v1/users/{id}", tag = "staff", params(("id" = String, Path, description = "User id")),
    responses((status = 200, description = "The user", body = UserView), (status = "4XX", description = "Refused", body = Problem, content_type = "application/problem+json")))]
pub async fn show(
    State(app): State<Arc<App>>,
    caller: Caller,
    Id(id): Id<UserId>,
) -> Reply<Json<UserView>> {
    caller.needs(Role::Admin)?;
    one(&app, id).await
}

/// Locks a person out: sign-ins end at once; new ones and the person's keys are refused.
#[utoipa::path(post, path = "/v1/users/{id}/lock", tag = "staff", request_body = Because,
    params(("id" = String, Path, description = "User id"), ("if-match" = String, Header, description = "The `rev` you have seen")),
    responses((status = 200, description = "The user", body = UserView), (status = "4XX", description = "Refused", body = Problem, content_type = "application/problem+json")))]
pub async fn lock(
    State(app): State<Arc<App>>,
    Id(id): Id<UserId>,
    change: Change,
) -> Reply<Json<UserView>> {
    let asked = change.by(Role::Admin)?;
    flow::people::lock(&app.core, &asked, (id, change.caller.user), app.now()).await?;
    one(&app, id).await
}

/// Lets a locked person in again.
#[utoipa::path(post, path = "/v1/users/{id}/unlock", tag = "staff", request_body = Because,
    params(("id" = String, Path, description = "User id"), ("if-match" = String, Header, description = "The `rev` you have seen")),
    responses((status = 200, description = "The user", body = UserView), (status = "4XX", description = "Refused", body = Problem, content_type = "application/problem+json")))]
pub async fn unlock(
    State(app): State<Arc<App>>,
    Id(id): Id<UserId>,
    change: Change,
) -> Reply<Json<UserView>> {
    let asked = change.by(Role::Admin)?;
    flow::people::unlock(&app.core, &asked, id, app.now()).await?;
    one(&app, id).await
}

/// Gives a person another password; the person's sign-ins end.
#[utoipa::path(post, path = "/v1/users/{id}/password", tag = "staff", request_body = NewPassword,
    params(("id" = String, Path, description = "User id"), ("if-match" = String, Header, description = "The `rev` you have seen")),
    responses((status = 200, description = "The user", body = UserView), (status = "4XX", description = "Refused", body = Problem, content_type = "application/problem+json")))]
pub async fn set_password(
    State(app): State<Arc<App>>,
    caller: Caller,
    Id(id): Id<UserId>,
    IfMatch(rev): IfMatch,
    Body(new): Body<NewPassword>,
) -> Reply<Json<UserView>> {
    let asked = caller.asks(Role::Admin, &new.reason, Some(rev))?;
    keep::set_password(&app.core, &asked, id, &new.password, app.now()).await?;
    one(&app, id).await
}

/// Changes the caller's own password, by the present one; every sign-in of the caller ends. Five wrong ones close the door for a
/// quarter of an hour.
#[utoipa::path(post, path = "/v1/me/password", tag = "staff", request_body = OwnPassword,
    responses((status = 204, description = "Changed"), (status = "4XX", description = "Refused", body = Problem, content_type = "application/problem+json")))]
pub async fn change_password(
    State(app): State<Arc<App>>,
    caller: Caller,
    Body(wanted): Body<OwnPassword>,
) -> Reply<StatusCode> {
    keep::change_password(&app, &caller, (&wanted.present, &wanted.new)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Every API key, oldest first; without the role admin only the caller's own.
#[utoipa::path(get, path = "/v1/keys", tag = "staff", params(PlainQuery),
    responses((status = 200, description = "All of them", body = PageOf<KeyView>), (status = "4XX", description = "Refused", body = Problem, content_type = "application/problem+json")))]
pub async fn list_keys(
    State(app): State<Arc<App>>,
    caller: Caller,
    headers: HeaderMap,
    Query(q): Query<PlainQuery>,
) -> Reply<Response> {
    caller.needs(Role::Viewer)?;
    let own = caller.user.to_string();
    let seen = |key: &people::ApiKey| caller.role >= Role::Admin || key.created_by == own;
    let all = people::keys(app.store()).await?.into_iter().filter(seen).map(key_view).collect();
    list::answer(PageOf::whole(all), &q.paging(), &headers)
}

/// Revokes an API key: the next call with it is refused. Another's key needs the role admin.
#[utoipa::path(post, path = "/v1/keys/{id}/revoke", tag = "staff", request_body = Because, params(("id" = String, Path, description = "Key id")),
    responses((status = 200, description = "The key", body = KeyView), (status = "4XX", description = "Refused", body = Problem, content_type = "application/problem+json")))]
pub async fn revoke_key(
    State(app): State<Arc<App>>,
    caller: Caller,
    Id(id): Id<String>,
    Body(because): Body<Because>,
) -> Reply<Json<KeyView>> {
    let asked = caller.asks(Role::Viewer, &because.reason, None)?;
    let own = (caller.role < Role::Admin).then_some(caller.user);
    let revoked = flow::people::revoke_key(&app.core, &asked, &id, own, app.now()).await?;
    Ok(Json(key_view(revoked)))
}

async fn one(app: &App, id: UserId) -> Reply<Json<UserView>> {
    Ok(Json(view(people::user(app.store(), id).await?)))
}

fn key_view(key: people::ApiKey) -> KeyView {
    KeyView {
        id: key.id,
        user: key.created_by,
        name: key.name,
        role: role_of(&key.roles).unwrap_or(Role::Viewer),
        created_at: key.created_at.to_string(),
        revoked_at: key.revoked_at.map(|at| at.to_string()),
    }
}

fn view(u: people::User) -> UserView {
    UserView {
        id: u.id.to_string(),
        login: u.login,
        name: u.name,
        role: role_of(&u.roles).unwrap_or(Role::Viewer),
        state: u.state,
        created_at: u.created_at.to_string(),
        rev: u.rev,
    }
}
