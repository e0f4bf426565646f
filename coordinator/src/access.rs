//! Who calls: people with roles, their console sign-ins and API keys, and agents with the agent key. The API's extractors are
//! here; the pages use [`identify`], [`sign_in`] and [`sign_out`]. Secrets (`password`, `key`, `cookie`) are stored as hashes only.

pub mod bootstrap;
pub mod key;
pub mod password;
pub mod people;
pub mod sight;
pub mod throttle;

use std::{fmt::Display, sync::Arc};

use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, header, request::Parts},
};
use domain::id::UserId;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use utoipa::ToSchema;

use crate::{
    App,
    api::{
        error::{Problem, Reply},
        input::header_text,
    },
    flow::{self, Actor, Asked},
    store,
};

/// Longest pause of a console sign-in, milliseconds.
pub const IDLE_MS: i64 = 15 * 60_000;
/// Longest life of a console sign-in, milliseconds.
pub const ABSOLUTE_MS: i64 = 12 * 3_600_000;
/// The cookie of a console sign-in.
pub const COOKIE: &str = "fleet_sign_in";
/// Header that carries the form token on calls made with a cookie.
pub const CSRF_HEADER: &str = "x-csrf-token";
/// A call with this header is a page refreshing itself: it does not count as a person's activity.
pub const REFRESH_HEADER: &str = "fleet-refresh";

/// What a person may do. Each role includes those before it.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Sees lists and states, patient data masked; no evidence bodies.
    Viewer,
    /// Takes in cases, answers exceptions, reads evidence, pauses and drains.
    Operator,
    /// Settles doubts.
    Reviewer,
    /// Keeps users, payers, limits, permissions, credentials, scripts; reads the audit.
    Admin,
}

impl Role {
    /// Every role, least first.
    pub const ALL: [Self; 4] = [Self::Viewer, Self::Operator, Self::Reviewer, Self::Admin];

    /// The word in SQL, API, CLI and console.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Operator => "operator",
            Self::Reviewer => "reviewer",
            Self::Admin => "admin",
        }
    }

    /// Reads the word back.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|r| r.word() == word)
    }
}

/// How a caller showed who it is.
#[derive(Clone, PartialEq, Eq)]
pub enum Via {
    /// An API key.
    Key {
        /// What the key is for.
        name: String,
    },
    /// A console sign-in.
    Cookie {
        /// The token that every form and every changing call must carry.
        csrf: String,
    },
}

/// A person or program with a role.
#[derive(Clone)]
pub struct Caller {
    /// Who.
    pub user: UserId,
    /// Name for people.
    pub name: String,
    /// Role.
    pub role: Role,
    /// How it was shown.
    pub via: Via,
}

impl Caller {
    /// Refuses a caller below `role`.
    ///
    /// # Errors
    /// 403 that names the role needed.
    pub fn needs(&self, role: Role) -> Reply<()> {
        if self.role >= role {
            return Ok(());
        }
        Err(Problem::new(
            "not-permitted",
            format!(
                "this needs the role {}; {} has the role {}. Ask an admin.",
                role.word(),
                self.name,
                self.role.word()
            ),
        ))
    }

    /// Who does it, for decisions and the audit.
    #[must_use]
    pub fn as_actor(&self) -> Actor {
        match &self.via {
            Via::Key { name } => Actor::Key(name.clone()),
            Via::Cookie { .. } => Actor::Person(self.user),
        }
    }

    /// Writes to the audit that this caller saw something that is not for every eye. It is written before it is shown: what
    /// cannot be written down is not shown.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn saw(&self, app: &App, what: &str, subject: impl Display) -> Reply<()> {
        let subject = subject.to_string();
        Ok(flow::people::saw(&app.core, &self.as_actor(), &subject, what, app.now()).await?)
    }

    /// A change that this caller asks for; `seen` is the revision of what it was shown.
    ///
    /// # Errors
    /// 403 below `least`, 422 without a reason.
    pub fn asks(&self, least: Role, reason: &str, seen: Option<i64>) -> Reply<Asked> {
        self.needs(least)?;
        Ok(Asked::new(self.as_actor(), reason, seen)?)
    }

    /// The form token; empty for a key, which needs none.
    #[must_use]
    pub fn csrf(&self) -> &str {
        match &self.via {
            Via::Key { .. } => "",
            Via::Cookie { csrf } => csrf,
        }
    }

    /// Checks the token of a submitted form.
    ///
    /// # Errors
    /// 403 when it is not this sign-in's.
    pub fn check_csrf(&self, sent: &str) -> Reply<()> {
        match &self.via {
            Via::Key { .. } => Ok(()),
            Via::Cookie { csrf } if key::same(csrf, sent) => Ok(()),
            Via::Cookie { .. } => Err(Problem::new(
                "csrf",
                "the page is too old; load it again and repeat what you did",
            )),
        }
    }
}

/// Finds out who calls, without refusing anybody; pages redirect the unknown to the sign-in.
///
/// # Errors
/// The database cannot be read.
pub async fn identify(app: &App, headers: &HeaderMap) -> Reply<Option<Caller>> {
    let now = app.now();
    if let Some(secret) = bearer(headers) {
        return by_key(app, &key::hash(secret)).await;
    }
    let Some(cookie) = cookie(headers) else { return Ok(None) };
    let hash = key::hash(cookie);
    let Some(user) = store::people::session_user(app.store(), &hash, IDLE_MS, now).await? else {
        return Ok(None);
    };
    let Some(role) = role_of(&user.roles) else { return Ok(None) };
    if !headers.contains_key(REFRESH_HEADER) {
        app.saw_sign_in(&hash, now).await?;
    }
    let via = Via::Cookie { csrf: csrf_of(cookie) };
    Ok(Some(Caller { user: user.id, name: user.name, role, via }))
}

/// A key acts for the person it was made for, with its own role or the person's, whichever is less.
async fn by_key(app: &App, hash: &str) -> Reply<Option<Caller>> {
    let Some(key) = store::people::key_by_hash(app.store(), hash).await? else { return Ok(None) };
    let Ok(owner) = key.created_by.parse() else { return Ok(None) };
    let user = store::people::user(app.store(), owner).await?;
    let (Some(most), Some(wanted), "active") =
        (role_of(&user.roles), role_of(&key.roles), user.state.as_str())
    else {
        return Ok(None);
    };
    let via = Via::Key { name: key.name };
    Ok(Some(Caller { user: owner, name: user.name, role: most.min(wanted), via }))
}

/// The highest of the role words; none when there is no known one.
#[must_use]
pub fn role_of(words: &[String]) -> Option<Role> {
    words.iter().filter_map(|word| Role::from_word(word)).max()
}

/// What a successful sign-in gives.
pub struct SignedIn {
    /// Value of `Set-Cookie`.
    pub set_cookie: String,
    /// Who it is.
    pub user: UserId,
}

/// Checks login and password and begins a console sign-in. `address` is where the call came from, for throttling.
///
/// # Errors
/// 401 with one sentence for every wrong pair, 429 after too many.
pub async fn sign_in(app: &App, login: &str, password: &str, address: &str) -> Reply<SignedIn> {
    let now = app.now();
    app.throttle.check(login, address, now).map_err(|wait_s| {
        Problem::new("too-many", "too many wrong passwords; wait before the next one")
            .retry_after(wait_s)
    })?;
    let found =
        store::people::user_by_login(app.store(), login).await?.filter(|u| u.state == "active");
    let stored = found.as_ref().map(|u| u.password_hash.clone());
    // An unknown name costs the same time as a wrong password.
    let right = password::verify(password.to_owned(), stored).await;
    let (Some(user), true) = (&found, right) else {
        app.throttle.failed(login, address, now);
        flow::people::sign_in_failed(&app.core, found.map(|u| u.id), now).await?;
        return Err(Problem::new("unauthenticated", "the name or the password is wrong"));
    };
    app.throttle.succeeded(login);
    Ok(SignedIn { set_cookie: begin(app, user.id).await?, user: user.id })
}

/// Begins a console sign-in of a person who has just shown the password; the value of `Set-Cookie`.
///
/// # Errors
/// The database cannot be written.
pub async fn begin(app: &App, user: UserId) -> Reply<String> {
    let (now, secret) = (app.now(), key::random());
    let ends_at = now.plus_ms(ABSOLUTE_MS);
    flow::people::sign_in(&app.core, user, &key::hash(&secret), ends_at, now).await?;
    Ok(set_cookie(app, &secret, ABSOLUTE_MS / 1000))
}

/// Ends the console sign-in of these headers; gives the `Set-Cookie` that removes it.
///
/// # Errors
/// The database cannot be written.
pub async fn sign_out(app: &App, headers: &HeaderMap) -> Reply<String> {
    if let (Some(cookie), Some(caller)) = (cookie(headers), identify(app, headers).await?) {
        flow::people::sign_out(&app.core, caller.user, &key::hash(cookie), app.now()).await?;
    }
    Ok(set_cookie(app, "", 0))
}

fn set_cookie(app: &App, secret: &str, max_age_s: i64) -> String {
    let secure = if app.config.over_tls() { "; Secure" } else { "" };
    format!("{COOKIE}={secret}; Path=/; HttpOnly; SameSite=Strict; Max-Age={max_age_s}{secure}")
}

/// The form token belongs to the cookie without being it: who reads a page does not get the cookie.
fn csrf_of(cookie: &str) -> String {
    key::hex(&Sha256::new().chain_update(b"csrf:").chain_update(cookie).finalize())
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = header_text(headers, header::AUTHORIZATION.as_str())?;
    let (scheme, secret) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| secret.trim())
}

fn cookie(headers: &HeaderMap) -> Option<&str> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|v| v.to_str().ok())
        .flat_map(|v| v.split(';'))
        .find_map(|pair| pair.trim().strip_prefix(COOKIE)?.strip_prefix('='))
}

impl FromRequestParts<Arc<App>> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Reply<Self> {
        if let Some(known) = parts.extensions.get::<Self>() {
            return Ok(known.clone());
        }
        let Some(caller) = identify(app, &parts.headers).await? else {
            return Err(Problem::new(
                "unauthenticated",
                "send `Authorization: Bearer <API key>`, or sign in on the console",
            ));
        };
        if let (Via::Cookie { .. }, false) = (&caller.via, parts.method.is_safe()) {
            // A browser that sends the cookie must also show that one of our pages made the call.
            if header_text(&parts.headers, "sec-fetch-site").is_some_and(|s| s != "same-origin") {
                return Err(Problem::new("csrf", "this call came from another site"));
            }
            caller.check_csrf(header_text(&parts.headers, CSRF_HEADER).unwrap_or_default())?;
        }
        Ok(caller)
    }
}

/// The caller holds the agent key.
#[derive(Debug, Clone, Copy)]
pub struct AgentCall;

impl FromRequestParts<Arc<App>> for AgentCall {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Reply<Self> {
        match bearer(&parts.headers) {
            Some(secret) if key::same(&key::hash(secret), &app.agent_key_hash) => Ok(Self),
            _ => Err(Problem::new(
                "unauthenticated",
                "send `Authorization: Bearer <agent key>`; the key is FLEET_AGENT_KEY or the file agent.key in the data folder",
            )),
        }
    }
}
