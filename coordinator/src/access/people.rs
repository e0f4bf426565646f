//! Keeping users and API keys: adding, passwords, and what is refused.

use domain::{id::UserId, time::Timestamp};

use super::{Caller, Role, key, password, role_of};
use crate::{
    App,
    api::error::{Problem, Reply},
    flow::{self, Actor, Asked, Core, people::NewKey},
    store::people,
};

/// A person to be added.
pub struct NewPerson<'a> {
    /// Name to sign in with.
    pub login: &'a str,
    /// Name for people.
    pub name: &'a str,
    /// Role.
    pub role: Role,
    /// Password in clear; only its hash is kept.
    pub password: &'a str,
}

/// Adds a person.
///
/// # Errors
/// 422 names the field; 409 when the login is taken.
pub async fn add(core: &Core, actor: &Actor, new: NewPerson<'_>, now: Timestamp) -> Reply<UserId> {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'-' | b'.');
    if !(2..=40).contains(&new.login.len()) || !new.login.bytes().all(plain) {
        return Err(Problem::invalid("login", "is 2 to 40 lower-case letters, digits, `-`, `.`"));
    }
    named("name", new.name)?;
    let password_hash = hashed("password", new.password).await?;
    let roles = [new.role.word().to_owned()];
    let (login, name) = (new.login, new.name.trim());
    let made =
        flow::people::add_user(core, actor, login, name, &password_hash, &roles, now).await?;
    Ok(made.id)
}

/// A key as it is given out, once.
pub struct Fresh {
    /// Which.
    pub id: String,
    /// The key in clear.
    pub key: String,
}

/// Makes an API key that acts for a person.
///
/// # Errors
/// 422 when the role is more than the person's, 404 without the person.
pub async fn add_key(
    core: &Core,
    actor: &Actor,
    owner: UserId,
    (name, role): (&str, Role),
    now: Timestamp,
) -> Reply<Fresh> {
    let user = people::user(&core.store, owner).await?;
    if role_of(&user.roles).is_none_or(|most| role > most) {
        return Err(Problem::invalid("role", "is more than the user's own role"));
    }
    named("name", name)?;
    let secret = format!("fleet_{}", key::random());
    let hash = key::hash(&secret);
    let new = NewKey { owner, name: name.trim(), role: role.word(), sha256: &hash };
    let id = flow::people::add_key(core, actor, new, now).await?;
    Ok(Fresh { id, key: secret })
}

/// Gives a person another password, as an admin.
///
/// # Errors
/// 422 when it is too short or too long; 404, 409 as the flow says.
pub async fn set_password(
    core: &Core,
    asked: &Asked,
    id: UserId,
    password: &str,
    now: Timestamp,
) -> Reply<()> {
    let hashed = hashed("password", password).await?;
    Ok(flow::people::set_password(core, asked, id, hashed, now).await?)
}

/// A person changes the own password, by the present one. Every sign-in of the person ends. Wrong ones count like wrong sign-ins.
///
/// # Errors
/// 422 names the field, 429 after too many.
pub async fn change_password(
    app: &App,
    caller: &Caller,
    (present, new): (&str, &str),
) -> Reply<()> {
    let (now, user) = (app.now(), people::user(app.store(), caller.user).await?);
    // Counted by person, apart from addresses: who tries here is signed in already.
    let place = caller.user.to_string();
    app.throttle.check(&user.login, &place, now).map_err(|wait_s| {
        Problem::new("too-many", "too many wrong passwords; wait before the next one")
            .retry_after(wait_s)
    })?;
    if !password::verify(present.to_owned(), Some(user.password_hash.clone())).await {
        app.throttle.failed(&user.login, &place, now);
        flow::people::sign_in_failed(&app.core, Some(user.id), now).await?;
        return Err(Problem::invalid("present", "is not your present password"));
    }
    if present == new {
        return Err(Problem::invalid("new", "is the present password"));
    }
    let hashed = hashed("new", new).await?;
    app.throttle.succeeded(&user.login);
    Ok(flow::people::change_password(&app.core, &caller.as_actor(), user, hashed, now).await?)
}

async fn hashed(field: &str, password: &str) -> Reply<String> {
    if !(password::LENGTH_MIN..=password::LENGTH_MAX).contains(&password.len()) {
        return Err(Problem::invalid(field, "is 12 to 256 characters"));
    }
    password::hash(password.to_owned()).await.map_err(|e| Problem::internal(&e))
}

fn named(field: &str, text: &str) -> Reply<()> {
    let text = text.trim();
    if (1..=80).contains(&text.chars().count()) && !text.chars().any(char::is_control) {
        Ok(())
    } else {
        Err(Problem::invalid(field, "is 1 to 80 characters on one line"))
    }
}
