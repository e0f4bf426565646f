//! Users, their login sessions at the console, API keys, and remembered answers of creating calls (Idempotency-Key). Passwords and
//! keys are here only as hashes; answers are sealed.

use domain::{id::UserId, time::Timestamp};
use serde::Serialize;

use super::{Error, Store, Tx, db, open_text, seal_text};
use crate::vals;

/// A person.
#[derive(Clone, Serialize)]
pub struct User {
    /// Which.
    pub id: UserId,
    /// What the person signs in with.
    pub login: String,
    /// Name for people.
    pub name: String,
    /// PHC string of the password.
    #[serde(skip)]
    pub password_hash: String,
    /// Role words.
    pub roles: Vec<String>,
    /// `active` or `locked`.
    pub state: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// Revision.
    pub rev: i64,
}

impl std::fmt::Debug for User {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("User").field("id", &self.id).finish_non_exhaustive()
    }
}

fn read_user(row: &db::Row) -> Result<User, Error> {
    Ok(User {
        id: row.parse("id")?,
        login: row.text("login")?,
        name: row.text("name")?,
        password_hash: row.text("password_hash")?,
        roles: row.json("roles")?,
        state: row.text("state")?,
        created_at: row.at("created_at_ms")?,
        rev: row.int("rev")?,
    })
}

const INSERT_USER: &str = "INSERT INTO users (id, login, name, password_hash, roles, state, created_at_ms) \
     VALUES ($1, $2, $3, $4, $5, 'active', $6)";
const SAVE_USER: &str = "UPDATE users SET rev = rev + 1, name = $3, password_hash = $4, roles = $5, state = $6 WHERE id = $1 AND rev = $2";
const LOCK_USER: &str = "UPDATE users SET rev = rev WHERE id = $1 RETURNING *";
const END_SESSIONS: &str = "DELETE FROM sessions WHERE user_id = $1";
const BY_LOGIN: &str = "SELECT * FROM users WHERE login = $1";
const BY_ID: &str = "SELECT * FROM users WHERE id = $1";
const USERS: &str = "SELECT * FROM users ORDER BY login";

const ACTIVE: &str = "SELECT * FROM users WHERE state = 'active' ORDER BY login";
const ANYBODY: &str = "SELECT id FROM users LIMIT 1";

/// Whether nobody was ever added: the database is unused.
///
/// # Errors
/// [`Error::Database`].
pub async fn nobody_yet(db: &db::Db) -> Result<bool, Error> {
    Ok(db.opt("users", ANYBODY, vals![]).await?.is_none())
}

/// Adds a person.
///
/// # Errors
/// [`Error::Unique`] when the login is taken.
pub async fn insert_user(tx: &mut Tx, u: &User) -> Result<(), Error> {
    let roles = serde_json::to_string(&u.roles).unwrap_or_default();
    let values = vals![u.id, &u.login, &u.name, &u.password_hash, roles, u.created_at];
    tx.exec(INSERT_USER, values).await?;
    Ok(())
}

/// Reads a person and keeps everyone else from changing the row until the transaction ends.
///
/// # Errors
/// [`Error::NotFound`].
pub async fn lock_user(tx: &mut Tx, id: UserId) -> Result<User, Error> {
    read_user(&tx.opt("users", LOCK_USER, vals![id]).await?.ok_or(Error::NotFound("user"))?)
}

/// Writes name, password, roles and state, if nobody changed the person meanwhile, and ends the person's sessions.
///
/// # Errors
/// [`Error::Conflict`].
pub async fn save_user(tx: &mut Tx, u: &mut User) -> Result<(), Error> {
    let roles = serde_json::to_string(&u.roles).unwrap_or_default();
    let values = vals![u.id, u.rev, &u.name, &u.password_hash, roles, &u.state];
    if tx.exec(SAVE_USER, values).await? != 1 {
        return Err(Error::Conflict { now: format!("revision {}", u.rev) });
    }
    tx.exec(END_SESSIONS, vals![u.id]).await?;
    u.rev += 1;
    Ok(())
}

/// The person who signs in so.
///
/// # Errors
/// [`Error::Database`].
pub async fn user_by_login(store: &Store, login: &str) -> Result<Option<User>, Error> {
    store.db.opt("users", BY_LOGIN, vals![login]).await?.map(|r| read_user(&r)).transpose()
}

/// One person.
///
/// # Errors
/// [`Error::NotFound`].
pub async fn user(store: &Store, id: UserId) -> Result<User, Error> {
    let row = store.db.opt("users", BY_ID, vals![id]).await?.ok_or(Error::NotFound("user"))?;
    read_user(&row)
}

/// Every person by login.
///
/// # Errors
/// [`Error::Database`].
pub async fn users(store: &Store) -> Result<Vec<User>, Error> {
    store.db.all("users", USERS, vals![]).await?.iter().map(read_user).collect()
}

/// The active person of that login or name, in letters of any case; none when several are called so.
///
/// # Errors
/// [`Error::Database`].
pub async fn called(tx: &mut Tx, name: &str) -> Result<Option<UserId>, Error> {
    let wanted = name.trim().to_lowercase();
    let people: Vec<User> =
        tx.all("users", ACTIVE, vals![]).await?.iter().map(read_user).collect::<Result<_, _>>()?;
    let mut same =
        people.iter().filter(|u| [&u.login, &u.name].iter().any(|n| n.to_lowercase() == wanted));
    Ok(same.next().filter(|_| same.next().is_none()).map(|u| u.id))
}

const INSERT_SESSION: &str = "INSERT INTO sessions (token_sha256, user_id, created_at_ms, seen_at_ms, expires_at_ms) VALUES ($1, $2, $3, $3, $4)";
const SESSION: &str = "SELECT users.* FROM sessions JOIN users ON users.id = sessions.user_id \
     WHERE sessions.token_sha256 = $1 AND sessions.expires_at_ms > $2 AND sessions.seen_at_ms > $3 AND users.state = 'active'";
const SEEN_SESSION: &str =
    "UPDATE sessions SET seen_at_ms = $2 WHERE token_sha256 = $1 AND seen_at_ms < $3";
const END_SESSION: &str = "DELETE FROM sessions WHERE token_sha256 = $1";
const TIDY_SESSIONS: &str = "DELETE FROM sessions WHERE expires_at_ms <= $1";
const TIDY_ANSWERS: &str = "DELETE FROM idempotency WHERE created_at_ms <= $1";

/// Begins a login session; only the token's hash is kept.
///
/// # Errors
/// [`Error::Database`].
pub async fn insert_session(
    tx: &mut Tx,
    token_sha256: &str,
    user: UserId,
    expires_at: Timestamp,
) -> Result<(), Error> {
    let now = tx.now;
    tx.exec(INSERT_SESSION, vals![token_sha256, user, now, expires_at]).await?;
    Ok(())
}

/// The active person of a session that is neither over nor idle for longer than `idle_ms`.
///
/// # Errors
/// [`Error::Database`].
pub async fn session_user(
    store: &Store,
    token_sha256: &str,
    idle_ms: i64,
    now: Timestamp,
) -> Result<Option<User>, Error> {
    let values = vals![token_sha256, now, now.plus_ms(-idle_ms)];
    store.db.opt("users", SESSION, values).await?.map(|r| read_user(&r)).transpose()
}

/// Notes that a session was used; written at most once a minute.
///
/// # Errors
/// [`Error::Database`].
pub async fn touch_session(tx: &mut Tx, token_sha256: &str) -> Result<(), Error> {
    let now = tx.now;
    tx.exec(SEEN_SESSION, vals![token_sha256, now, now.plus_ms(-60_000)]).await?;
    Ok(())
}

/// Ends a session.
///
/// # Errors
/// [`Error::Database`].
pub async fn end_session(tx: &mut Tx, token_sha256: &str) -> Result<(), Error> {
    tx.exec(END_SESSION, vals![token_sha256]).await?;
    Ok(())
}

/// Forgets sessions that are over and answers older than a day.
///
/// # Errors
/// [`Error::Database`].
pub async fn tidy(tx: &mut Tx) -> Result<(), Error> {
    let now = tx.now;
    tx.exec(TIDY_SESSIONS, vals![now]).await?;
    tx.exec(TIDY_ANSWERS, vals![now.plus_ms(-24 * 3_600_000)]).await?;
    Ok(())
}

/// An API key without the key.
#[derive(Debug, Clone, Serialize)]
pub struct ApiKey {
    /// Which.
    pub id: String,
    /// Name for people and the audit.
    pub name: String,
    /// Role words.
    pub roles: Vec<String>,
    /// Whom it acts for.
    pub created_by: String,
    /// When.
    pub created_at: Timestamp,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
}

fn read_key(row: &db::Row) -> Result<ApiKey, Error> {
    Ok(ApiKey {
        id: row.text("id")?,
        name: row.text("name")?,
        roles: row.json("roles")?,
        created_by: row.text("created_by")?,
        created_at: row.at("created_at_ms")?,
        revoked_at: row.opt_at("revoked_at_ms")?,
    })
}

const INSERT_KEY: &str = "INSERT INTO api_keys (id, key_sha256, name, roles, created_by, created_at_ms) VALUES ($1, $2, $3, $4, $5, $6)";
const KEY: &str = "SELECT * FROM api_keys WHERE key_sha256 = $1 AND revoked_at_ms IS NULL";
const KEYS: &str = "SELECT * FROM api_keys ORDER BY created_at_ms, id";
const KEY_BY_ID: &str = "SELECT * FROM api_keys WHERE id = $1";
const REVOKE: &str =
    "UPDATE api_keys SET revoked_at_ms = $2 WHERE id = $1 AND revoked_at_ms IS NULL";

/// Adds a key by its hash.
///
/// # Errors
/// [`Error::Unique`].
pub async fn insert_key(tx: &mut Tx, key: &ApiKey, key_sha256: &str) -> Result<(), Error> {
    let roles = serde_json::to_string(&key.roles).unwrap_or_default();
    let values = vals![&key.id, key_sha256, &key.name, roles, &key.created_by, key.created_at];
    tx.exec(INSERT_KEY, values).await?;
    Ok(())
}

/// The key with that hash, unless revoked.
///
/// # Errors
/// [`Error::Database`].
pub async fn key_by_hash(store: &Store, key_sha256: &str) -> Result<Option<ApiKey>, Error> {
    store.db.opt("api_keys", KEY, vals![key_sha256]).await?.map(|r| read_key(&r)).transpose()
}

/// Every key, oldest first.
///
/// # Errors
/// [`Error::Database`].
pub async fn keys(store: &Store) -> Result<Vec<ApiKey>, Error> {
    store.db.all("api_keys", KEYS, vals![]).await?.iter().map(read_key).collect()
}

/// Revokes a key; false when it was revoked before.
///
/// # Errors
/// [`Error::Database`].
pub async fn revoke_key(tx: &mut Tx, id: &str) -> Result<bool, Error> {
    let now = tx.now;
    Ok(tx.exec(REVOKE, vals![id, now]).await? == 1)
}

/// One key, inside a transaction.
///
/// # Errors
/// [`Error::NotFound`].
pub async fn key_in(tx: &mut Tx, id: &str) -> Result<ApiKey, Error> {
    read_key(&tx.opt("api_keys", KEY_BY_ID, vals![id]).await?.ok_or(Error::NotFound("key"))?)
}

/// A remembered answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// Hash over method, path and body of the call: another call under the same key is refused.
    pub call_sha256: String,
    /// Its status code.
    pub status: u16,
    /// Its body.
    pub body: String,
}

const ANSWER: &str = "SELECT idempotency_key AS id, call_sha256, status, answer FROM idempotency WHERE actor = $1 AND idempotency_key = $2";
const REMEMBER: &str = "INSERT INTO idempotency (actor, idempotency_key, call_sha256, status, answer, created_at_ms) \
     VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING";

fn answer_record(actor: &str, key: &str) -> String {
    format!("{actor}\n{key}")
}

fn read_answer(row: &db::Row, store: &crate::seal::Seal, record: &str) -> Result<Answer, Error> {
    Ok(Answer {
        call_sha256: row.text("call_sha256")?,
        status: u16::try_from(row.int("status")?).map_err(|_| row.corrupt("status"))?,
        body: open_text(store, "idempotency", "answer", record, &row.text("answer")?)?,
    })
}

/// The remembered answer to a creating call, in the transaction that would do the work.
///
/// # Errors
/// [`Error::Database`].
pub async fn answer_in(tx: &mut Tx, actor: &str, key: &str) -> Result<Option<Answer>, Error> {
    let row = tx.opt("idempotency", ANSWER, vals![actor, key]).await?;
    row.map(|r| read_answer(&r, &tx.seal, &answer_record(actor, key))).transpose()
}

/// The remembered answer to a creating call.
///
/// # Errors
/// [`Error::Database`].
pub async fn answer(store: &Store, actor: &str, key: &str) -> Result<Option<Answer>, Error> {
    let row = store.db.opt("idempotency", ANSWER, vals![actor, key]).await?;
    row.map(|r| read_answer(&r, &store.seal, &answer_record(actor, key))).transpose()
}

/// Remembers an answer, in the transaction that did the work; false when another call under the same key was first.
///
/// # Errors
/// [`Error::Database`].
pub async fn remember(tx: &mut Tx, actor: &str, key: &str, a: &Answer) -> Result<bool, Error> {
    let now = tx.now;
    let record = answer_record(actor, key);
    let sealed = seal_text(&tx.seal, "idempotency", "answer", &record, &a.body);
    let values = vals![actor, key, &a.call_sha256, i64::from(a.status), sealed, now];
    Ok(tx.exec(REMEMBER, values).await? == 1)
}
