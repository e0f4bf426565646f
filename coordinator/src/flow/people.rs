//! People and keys: making and changing them, signing in and out, and noting who saw patient data. Hashing of passwords and keys is
//! the caller's; only hashes come here.

use domain::{evidence::Evidence, id::UserId, time::Timestamp};
use serde_json::json;

use super::{Actor, Asked, Core, Error, NOT_ALLOWED, Result, change::note, random};
use crate::{
    seal::Index,
    store::{
        evidence, people,
        people::{ApiKey, User},
    },
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

/// Changes a person under lock, if the person is still what was seen; login sessions of the person end.
async fn edit(
    core: &Core,
    asked: &Asked,
    id: UserId,
    act: &'static str,
    change: impl FnOnce(&mut User) -> Result<()>,
    now: Timestamp,
) -> Result<()> {
    let mut tx = core.store.begin(now).await?;
    let mut user = people::lock_user(&mut tx, id).await?;
    asked.fits_as(user.rev, &user.state)?;
    change(&mut user)?;
    people::save_user(&mut tx, &mut user).await?;
    asked.note(&mut tx, act, id, json!({"login": user.login, "state": user.state}));
    tx.commit().await?;
    Ok(())
}

/// Locks a person out: sign-ins end at once, new ones and the person's keys are refused until somebody unlocks.
///
/// # Errors
/// [`Error::Refused`] for oneself, so that somebody is left who can unlock; conflict when the person was changed meanwhile.
pub async fn lock(
    core: &Core,
    asked: &Asked,
    (id, by): (UserId, UserId),
    now: Timestamp,
) -> Result<()> {
    if id == by {
        return Err(Error::refused(NOT_ALLOWED, "nobody locks themselves; ask another admin"));
    }
    let locked = |user: &mut User| become_state(user, "locked");
    edit(core, asked, id, "user.locked", locked, now).await
}

/// Lets a locked person in again.
///
/// # Errors
/// Conflict when the person was changed meanwhile.
pub async fn unlock(core: &Core, asked: &Asked, id: UserId, now: Timestamp) -> Result<()> {
    let active = |user: &mut User| become_state(user, "active");
    edit(core, asked, id, "user.unlocked", active, now).await
}

fn become_state(user: &mut User, state: &str) -> Result<()> {
    if user.state == state {
        return Err(Error::refused(NOT_ALLOWED, format!("{} is {state} already", user.login)));
    }
    state.clone_into(&mut user.state);
    Ok(())
}

/// An admin gives a person another password; `password_hash` is a PHC string.
///
/// # Errors
/// Conflict when the person was changed meanwhile.
pub async fn set_password(
    core: &Core,
    asked: &Asked,
    id: UserId,
    password_hash: String,
    now: Timestamp,
) -> Result<()> {
    let set = |user: &mut User| {
        user.password_hash = password_hash;
        Ok(())
    };
    edit(core, asked, id, "user.password_set", set, now).await
}

/// A person, whose present password was right as of `user`, takes another one.
///
/// # Errors
/// Conflict when the person was changed meanwhile.
pub async fn change_password(
    core: &Core,
    actor: &Actor,
    mut user: User,
    password_hash: String,
    now: Timestamp,
) -> Result<()> {
    let mut tx = core.store.begin(now).await?;
    user.password_hash = password_hash;
    people::save_user(&mut tx, &mut user).await?;
    note(&mut tx, actor, "user.password_changed", user.id, json!({"login": user.login}));
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

/// What an API key is.
#[derive(Debug, Clone, Copy)]
pub struct NewKey<'a> {
    /// Whom it acts for.
    pub owner: UserId,
    /// What it is for.
    pub name: &'a str,
    /// Its role's word.
    pub role: &'a str,
    /// Its hash.
    pub sha256: &'a str,
}

/// Adds an API key by its hash; its id.
///
/// # Errors
/// [`Error::Store`].
pub async fn add_key(
    core: &Core,
    actor: &Actor,
    new: NewKey<'_>,
    now: Timestamp,
) -> Result<String> {
    let key = ApiKey {
        id: format!("key_{:032x}", random()),
        name: new.name.to_owned(),
        roles: vec![new.role.to_owned()],
        created_by: new.owner.to_string(),
        created_at: now,
        revoked_at: None,
    };
    let mut tx = core.store.begin(now).await?;
    people::insert_key(&mut tx, &key, new.sha256).await?;
    let detail = json!({"user": new.owner, "name": key.name, "role": new.role});
    note(&mut tx, actor, "key.made", &key.id, detail);
    tx.commit().await?;
    Ok(key.id)
}

/// Revokes an API key: the next call with it is refused. `own` is the person who may revoke only their own.
///
/// # Errors
/// Not found, also for another's key when only one's own may be revoked; [`Error::Refused`] when it was revoked before.
pub async fn revoke_key(
    core: &Core,
    asked: &Asked,
    id: &str,
    own: Option<UserId>,
    now: Timestamp,
) -> Result<ApiKey> {
    let mut tx = core.store.begin(now).await?;
    let key = people::key_in(&mut tx, id).await?;
    if own.is_some_and(|own| own.to_string() != key.created_by) {
        return Err(crate::store::Error::NotFound("key").into());
    }
    if !people::revoke_key(&mut tx, id).await? {
        return Err(Error::refused(NOT_ALLOWED, "this key was revoked before"));
    }
    asked.note(&mut tx, "key.revoked", id, json!({"user": key.created_by, "name": key.name}));
    tx.commit().await?;
    Ok(ApiKey { revoked_at: Some(now), ..key })
}

/// What was searched for.
#[derive(Debug, Clone, Copy)]
pub struct Terms<'a> {
    /// As a member's identifier.
    pub member: Option<&'a str>,
    /// As a number of a payer.
    pub reference: Option<&'a str>,
    /// How many cases were found.
    pub found: usize,
}

/// Notes that somebody searched for cases. What was typed is kept as the keyed hashes that the search itself compares: who holds the
/// master key can find out whether a certain person was searched for, nobody can read who was.
///
/// # Errors
/// [`Error::Store`]: then nothing found must be shown.
pub async fn searched(core: &Core, actor: &Actor, terms: Terms<'_>, now: Timestamp) -> Result<()> {
    let mut tx = core.store.begin(now).await?;
    let hashed = |kind, typed: Option<&str>| typed.map(|typed| tx.seal.index_typed(kind, typed));
    let detail = json!({"member_hash": hashed(Index::Member, terms.member),
                        "reference_hash": hashed(Index::Reference, terms.reference), "found": terms.found});
    note(&mut tx, actor, "cases.searched", "cases", detail);
    tx.commit().await?;
    Ok(())
}

/// Notes that somebody was shown the content of an item of evidence.
///
/// # Errors
/// [`Error::Store`]: then it must not be shown.
pub async fn viewed(core: &Core, actor: &Actor, item: &Evidence, now: Timestamp) -> Result<()> {
    let mut tx = core.store.begin(now).await?;
    let case = evidence::case_of(&mut tx, item.attempt).await?;
    let detail = json!({"case": case, "attempt": item.attempt, "kind": item.kind.word()});
    note(&mut tx, actor, "evidence.viewed", item.id, detail);
    tx.commit().await?;
    Ok(())
}

/// Notes that somebody was shown patient data: `what` is `request` or the name of a list.
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
