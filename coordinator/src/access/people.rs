//! Keeping users and API keys: adding, and what is refused.

use domain::{id::UserId, time::Timestamp};
use serde_json::json;

use super::{Role, key, password, role_of};
use crate::{
    api::error::{Problem, Reply},
    flow::{self, Actor, Core},
    store::{
        audit::Entry,
        people::{self, ApiKey},
    },
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
    if !(password::LENGTH_MIN..=password::LENGTH_MAX).contains(&new.password.len()) {
        return Err(Problem::invalid("password", "is 12 to 256 characters"));
    }
    let password_hash =
        password::hash(new.password.to_owned()).await.map_err(|e| Problem::internal(&e))?;
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
    let made = ApiKey {
        id: format!("key_{}", key::hex(&key::random_bits().to_be_bytes())),
        name: name.trim().to_owned(),
        roles: vec![role.word().to_owned()],
        created_by: owner.to_string(),
        created_at: now,
        revoked_at: None,
    };
    let mut tx = core.store.begin(now).await?;
    people::insert_key(&mut tx, &made, &key::hash(&secret)).await?;
    let detail = json!({"user": owner, "name": made.name, "role": role.word()});
    tx.audit(Entry::new(actor, "key.made", &made.id, detail));
    tx.commit().await?;
    Ok(Fresh { id: made.id, key: secret })
}

fn named(field: &str, text: &str) -> Reply<()> {
    let text = text.trim();
    if (1..=80).contains(&text.chars().count()) && !text.chars().any(char::is_control) {
        Ok(())
    } else {
        Err(Problem::invalid(field, "is 1 to 80 characters on one line"))
    }
}
