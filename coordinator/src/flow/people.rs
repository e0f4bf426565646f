//! People and keys: making and changing them, signing in and out, and noting who saw patient data. Hashing of passwords and keys is
//! the caller's; only hashes come here.

use domain::{id::UserId, time::Timestamp};
use serde_json::json;

use super::{Actor, Core, Error, Result, change::note, random};
use crate::store::{
    people,
    people::{ApiKey, User},
};

/// Adds a person; `password_hash` is a PHC string.
///
/// # Errors
/// [`Error::Invalid`] when the login is taken or empty.
#[expect(clippy::too_many_arguments, reason = "each is one field of the person")]
pub async fn add_user(
    core: &Core,
    actor: &Actor,
    login: &str,
    name: &str,
    password_hash: &str,
    roles: &[String],
    now: Timestamp,
) -> Result<User> {
    if login.trim().is_empty() || login.len() > 120 || login.chars().any(char::is_control) {
        return Err(Error::invalid("login", "needs 1 to 120 characters"));
    }
    if people::user_by_login(&core.store, login).await?.is_some() {
        return Err(Error::invalid("login", "is taken"));
    }
    let user = User {
        id: UserId::new(now, random()),
        login: login.to_owned(),
        name: name.to_owned(),
        password_hash: password_hash.to_owned(),
        roles: roles.to_vec(),
        state: "active".to_owned(),
        created_at: now,
        rev: 0,
    };
    let mut tx = core.store.begin(now).await?;
    people::insert_user(&mut tx, &user).await?;
    note(&mut tx, actor, "user.added", user.id, json!({"login": login, "roles": roles}));
    tx.commit().await?;
    Ok(user)
}

/// Writes a changed person (name, password hash, roles, `active` or `locked`); the person's login sessions end.
///
/// # Errors
/// Conflict when somebody changed the person meanwhile.
pub async fn save_user(core: &Core, actor: &Actor, user: &mut User, now: Timestamp) -> Result<()> {
    let mut tx = core.store.begin(now).await?;
    people::save_user(&mut tx, user).await?;
    note(
        &mut tx,
        actor,
        "user.changed",
        user.id,
        json!({"roles": user.roles, "state": user.state}),
    );
    tx.commit().await?;
    Ok(())
}

/// Begins a login session of a person whose password was right.
///
/// # Errors
/// [`Error::Store`].
pub async fn sign_in(
    core: &Core,
    user: UserId,
    token_sha256: &str,
    expires_at: Timestamp,
    now: Timestamp,
) -> Result<()> {
    let mut tx = core.store.begin(now).await?;
    people::insert_session(&mut tx, token_sha256, user, expires_at).await?;
    note(&mut tx, &Actor::Person(user), "user.signed_in", user, json!({}));
    tx.commit().await?;
    Ok(())
}

/// Notes a failed sign-in; the login is noted only when it is a person's.
///
/// # Errors
/// [`Error::Store`].
pub async fn sign_in_failed(core: &Core, user: Option<UserId>, now: Timestamp) -> Result<()> {
    let mut tx = core.store.begin(now).await?;
    let subject = user.map_or_else(|| "unknown".to_owned(), |u| u.to_string());
    note(&mut tx, &Actor::Duty("access"), "user.sign_in_failed", subject, json!({}));
    tx.commit().await?;
    Ok(())
}

/// Ends a login session.
///
/// # Errors
/// [`Error::Store`].
pub async fn sign_out(core: &Core, user: UserId, token_sha256: &str, now: Timestamp) -> Result<()> {
    let mut tx = core.store.begin(now).await?;
    people::end_session(&mut tx, token_sha256).await?;
    note(&mut tx, &Actor::Person(user), "user.signed_out", user, json!({}));
    tx.commit().await?;
    Ok(())
}

/// Notes that a login session was used, so that it does not end as idle.
///
/// # Errors
/// [`Error::Store`].
pub async fn touch_session(core: &Core, token_sha256: &str, now: Timestamp) -> Result<()> {
    let mut tx = core.store.begin(now).await?;
    people::touch_session(&mut tx, token_sha256).await?;
    tx.commit().await?;
    Ok(())
}

/// Adds an API key by its hash.
///
/// # Errors
/// [`Error::Invalid`] when it has no name.
pub async fn add_key(
    core: &Core,
    actor: &Actor,
    name: &str,
    key_sha256: &str,
    roles: &[String],
    now: Timestamp,
) -> Result<ApiKey> {
    if name.trim().is_empty() || name.len() > 80 || name.chars().any(char::is_control) {
        return Err(Error::invalid("name", "needs 1 to 80 characters"));
    }
    let key = ApiKey {
        id: format!("key_{:032x}", random()),
        name: name.to_owned(),
        roles: roles.to_vec(),
        created_by: actor.to_string(),
        created_at: now,
        revoked_at: None,
    };
    let mut tx = core.store.begin(now).await?;
    people::insert_key(&mut tx, &key, key_sha256).await?;
    note(&mut tx, actor, "key.added", &key.id, json!({"name": name, "roles": roles}));
    tx.commit().await?;
    Ok(key)
}

/// Revokes an API key.
///
/// # Errors
/// Not found.
pub async fn revoke_key(core: &Core, actor: &Actor, id: &str, now: Timestamp) -> Result<()> {
    let mut tx = core.store.begin(now).await?;
    people::revoke_key(&mut tx, id).await?;
    note(&mut tx, actor, "key.revoked", id, json!({}));
    tx.commit().await?;
    Ok(())
}

/// Notes that somebody was shown patient data or an item of evidence: `what` is `request`, `outcome`, `evidence`.
///
/// # Errors
/// [`Error::Store`]: then it must not be shown.
pub async fn saw(
    core: &Core,
    actor: &Actor,
    subject: &str,
    what: &str,
    now: Timestamp,
) -> Result<()> {
    let mut tx = core.store.begin(now).await?;
    note(&mut tx, actor, "data.seen", subject, json!({"what": what}));
    tx.commit().await?;
    Ok(())
}
