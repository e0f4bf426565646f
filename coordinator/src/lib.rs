//! The coordinator: decides and remembers. `store` holds all SQL, `flow` all decisions; `api`, `console` and `cli` speak to people
//! and programs. Agents meet it in `domain::wire` only.

pub mod access;
pub mod api;
pub mod cli;

pub mod clock;
pub mod config;
pub mod console;
pub mod doctor;
pub mod duties;
pub mod fault;
pub mod files;
pub mod flow;
pub mod live;
pub mod mark;
pub mod post;
pub mod seal;
pub mod serve;
pub mod start;

pub mod store;
pub mod vault;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use axum::Router;
use domain::time::Timestamp;
use tokio::sync::watch;

/// What every call needs. Shared by all calls as `Arc<App>`.
pub struct App {
    /// Store, files and rules: what decisions need.
    pub core: flow::Core,
    /// Where `now` comes from.
    pub clock: clock::Clock,
    /// The configuration.
    pub config: config::Config,
    /// Reads mailboxes that portals send codes to.
    pub post: post::Post,
    /// Throttling of sign-ins.
    pub throttle: access::throttle::Throttle,
    /// SHA-256 of the key that agents hold.
    pub agent_key_hash: String,
    /// Turns true when the coordinator ends: long polls and event streams end at once then.
    pub ending: watch::Receiver<bool>,
    seen: Mutex<HashMap<String, Timestamp>>,
    once: api::once::UnderWay,
}

impl App {
    /// Puts the parts together.
    #[must_use]
    pub fn new(
        core: flow::Core,
        clock: clock::Clock,
        config: config::Config,
        post: post::Post,
        agent_key_hash: String,
        ending: watch::Receiver<bool>,
    ) -> Self {
        Self {
            core,
            clock,
            config,
            post,
            throttle: access::throttle::Throttle::default(),
            agent_key_hash,
            ending,
            seen: Mutex::default(),
            once: api::once::UnderWay::default(),
        }
    }

    /// The present instant.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// The store, for reads.
    #[must_use]
    pub fn store(&self) -> &store::Store {
        &self.core.store
    }

    /// Notes that a console sign-in was used, once in half a minute: enough for an idle time of 15 minutes, and it keeps reads
    /// from being writes.
    pub(crate) async fn saw_sign_in(&self, hash: &str, now: Timestamp) -> flow::Result<()> {
        {
            let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
            if seen.get(hash).is_some_and(|at| now.since_ms(*at) < 30_000) {
                return Ok(());
            }
            seen.retain(|_, at| now.since_ms(*at) < 30_000);
            seen.insert(hash.to_owned(), now);
        }
        flow::people::touch_session(&self.core, hash, now).await
    }

    /// Waits until the coordinator ends.
    pub async fn ended(&self) {
        let mut ending = self.ending.clone();
        // An error means that the sender is gone, which is an end too.
        let _ = ending.wait_for(|ending| *ending).await;
    }
}

/// The whole HTTP surface.
pub fn router(app: Arc<App>) -> Router {
    let tls = app.config.tls_is_certain();
    api::around(api::router(Arc::clone(&app)).merge(console::router().with_state(app)), tls)
}
