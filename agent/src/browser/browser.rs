//! One browser: its connection, its process, its contexts, its heartbeat; and the hub that routes
//! every event to the page it belongs to.

use super::connection::{CALL, Connection, Events, lock};
use super::context::{Context, ContextInner};
use super::egress::Egress;
use super::error::Error;
use super::launch::{LaunchConfig, Process, start};
use super::page::PageInner;
use super::profile::Profile;
use super::session;
use crate::fault::broken;
use chromiumoxide::cdp::browser_protocol::browser::GetVersionParams;
use chromiumoxide::cdp::browser_protocol::target::CreateBrowserContextParams;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;

/// How long a browser may take to answer for the first time.
const START: Duration = Duration::from_secs(20);

/// A running browser. Cheap to clone; the last clone (contexts and pages count) ends it.
#[derive(Clone, Debug)]
pub struct Browser {
    pub(crate) inner: Arc<BrowserInner>,
}

#[derive(Debug)]
pub(crate) struct BrowserInner {
    pub(crate) conn: Arc<Connection>,
    pub(crate) hub: Arc<Hub>,
    pub(crate) process: Arc<Process>,
    pub(crate) config: LaunchConfig,
    root: PathBuf,
    version: String,
    /// What it calls itself towards hosts.
    pub(crate) user_agent: String,
}

impl Drop for BrowserInner {
    fn drop(&mut self) {
        self.conn.shut();
    }
}

impl Browser {
    /// Starts a browser and waits until it answers.
    ///
    /// # Errors
    /// [`Error::Launch`] with the reason and what to do.
    pub async fn launch(config: LaunchConfig) -> Result<Self, Error> {
        let started = {
            let config = config.clone();
            // Certificate databases and folders are made here: file work of some 100 ms.
            let handle = tokio::runtime::Handle::current();
            tokio::task::spawn_blocking(move || {
                let _here = handle.enter();
                start(&config)
            })
            .await
            .map_err(|_| Error::Launch("the start was interrupted".into()))??
        };
        let process = started.process;
        let root = started.profile.root.clone();
        let profile = Arc::downgrade(&started.profile);
        drop(started.profile);
        let (conn, hub) = Connection::start(started.read, started.write, |conn| {
            Arc::new(Hub { conn: Arc::clone(conn), profile, state: Mutex::default() })
        });
        let answered = conn.call(None, GetVersionParams::default(), START).await;
        let (version, user_agent) = match answered {
            Ok(v) => (v.product, v.user_agent),
            Err(e) => {
                conn.shut();
                process.end().await;
                let said = process.first_words();
                let last: Vec<&str> = said.lines().rev().take(3).collect();
                return Err(Error::Launch(format!("{e}; it said: {}", last.join(" | "))));
            }
        };
        if !version.contains("Chrome/") && !version.contains("Chromium/")
            || version.contains("HeadlessShell")
        {
            conn.shut();
            process.end().await;
            return Err(Error::Launch(format!("{version} is not a full Chromium")));
        }
        let params = json!({"autoAttach": true, "waitForDebuggerOnStart": true, "flatten": true});
        conn.call_raw(None, "Target.setAutoAttach", params, CALL).await?;
        let inner =
            Arc::new(BrowserInner { conn, hub, process, config, root, version, user_agent });
        tokio::spawn(heartbeat(Arc::downgrade(&inner), inner.config.heartbeat));
        Ok(Self { inner })
    }

    /// A fresh isolated context: cookies, storage and pages of its own.
    ///
    /// # Errors
    /// The browser is gone or refused.
    pub async fn new_context(&self) -> Result<Context, Error> {
        let config = &self.inner.config;
        let mut wanted = CreateBrowserContextParams::default();
        let tunnels = if let Some(program) = &config.tunnels {
            let tunnels =
                Egress::start(program, &config.host_rules, config.only_listed_hosts).await?;
            wanted.proxy_server = Some(format!("http://{}", tunnels.address()));
            // Nothing goes past it, loopback neither.
            wanted.proxy_bypass_list =
                (!broken("loopback-past-the-proxy")).then(|| "<-loopback>".to_owned());
            Some(tunnels)
        } else {
            None
        };
        if broken("one-profile-for-all") {
            return self.shared_context(wanted, tunnels).await;
        }
        let made = self.inner.conn.call(None, wanted, CALL).await?;
        let id = made.browser_context_id.inner().clone();
        Context::create(Arc::clone(&self.inner), id, tunnels).await
    }

    /// A defect put in on purpose: every context is the first one, with what it remembers.
    async fn shared_context(
        &self,
        wanted: CreateBrowserContextParams,
        tunnels: Option<Egress>,
    ) -> Result<Context, Error> {
        static FIRST: tokio::sync::OnceCell<String> = tokio::sync::OnceCell::const_new();
        let made = async {
            let made = self.inner.conn.call(None, wanted, CALL).await?;
            Ok::<_, Error>(made.browser_context_id.inner().clone())
        };
        let id = FIRST.get_or_try_init(|| made).await?.clone();
        // A folder is made once for each context.
        let _gone = std::fs::remove_dir_all(self.inner.root.join("downloads").join(&id));
        Context::create(Arc::clone(&self.inner), id, tunnels).await
    }

    /// Product and version, e.g. `Chrome/156.0.8078.79`.
    #[must_use]
    pub fn version(&self) -> &str {
        &self.inner.version
    }

    /// False once the pipe ended.
    #[must_use]
    pub fn is_alive(&self) -> bool {
        self.inner.conn.is_alive()
    }

    /// Resolves when the browser is gone for whatever reason.
    pub async fn closed(&self) {
        let mut gone = self.inner.conn.watch_gone();
        // An error means the sender is gone, and the browser with it.
        let _gone = gone.wait_for(|g| *g).await;
    }

    /// Closes the pipe, waits two seconds, kills the group by id, reaps, removes the folder.
    pub async fn close(&self) {
        self.inner.conn.shut();
        self.inner.process.end().await;
    }

    /// Process id of the browser process.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.inner.process.pid
    }

    /// The private folder of this browser.
    #[must_use]
    pub fn profile_dir(&self) -> PathBuf {
        self.inner.root.clone()
    }

    /// Number of commands sent so far, for measurements.
    #[must_use]
    pub fn commands_sent(&self) -> u64 {
        self.inner.conn.commands_sent()
    }
}

async fn heartbeat(browser: Weak<BrowserInner>, every: Duration) {
    loop {
        tokio::time::sleep(every).await;
        let Some(inner) = browser.upgrade() else { return };
        let (conn, process) = (Arc::clone(&inner.conn), Arc::clone(&inner.process));
        drop(inner);
        match conn.call(None, GetVersionParams::default(), every * 2).await {
            Err(Error::Timeout { .. }) => {
                tracing::error!(
                    pid = process.pid,
                    "the browser gives no sign of life and is ended"
                );
                process.kill();
                conn.shut();
                return;
            }
            Err(Error::Gone) => return,
            Ok(_) | Err(_) => {}
        }
    }
}

/// Routes events to pages and contexts.
#[derive(Debug)]
pub(crate) struct Hub {
    pub(crate) conn: Arc<Connection>,
    pub(crate) profile: Weak<Profile>,
    state: Mutex<HubState>,
}

#[derive(Debug, Default)]
struct HubState {
    contexts: HashMap<String, Weak<ContextInner>>,
    /// Every session of a page: its own and those of its out-of-process frames.
    sessions: HashMap<String, Weak<PageInner>>,
    /// Sessions of workers.
    workers: HashMap<String, Weak<ContextInner>>,
    /// Target id → session id, for crash reports.
    targets: HashMap<String, String>,
}

impl Hub {
    pub(crate) fn add_context(&self, id: &str, context: &Arc<ContextInner>) {
        let mut state = lock(&self.state);
        state.contexts.retain(|_, c| c.strong_count() > 0);
        state.contexts.insert(id.to_owned(), Arc::downgrade(context));
    }

    pub(crate) fn page_of(&self, session: &str) -> Option<Arc<PageInner>> {
        lock(&self.state).sessions.get(session)?.upgrade()
    }

    /// Sessions of the workers of a context.
    pub(crate) fn workers_of(&self, context: &str) -> Vec<Arc<str>> {
        let state = lock(&self.state);
        let of = |c: &Weak<ContextInner>| c.upgrade().is_some_and(|c| c.id == context);
        state.workers.iter().filter(|(_, c)| of(c)).map(|(s, _)| s.as_str().into()).collect()
    }

    /// Closes a window that must not live. It is let go of first: its opener waits for it as long as it is held.
    fn close_target(&self, session: &Arc<str>, target: &str) {
        let (conn, params) = (Arc::clone(&self.conn), json!({"targetId": target}));
        let session = Arc::clone(session);
        tokio::spawn(async move {
            let go = "Runtime.runIfWaitingForDebugger";
            // It may have gone by itself.
            let _gone = tokio::join!(
                conn.call_raw(Some(&session), go, json!({}), CALL),
                conn.call_raw(None, "Target.closeTarget", params, CALL),
            );
        });
    }

    fn attached(&self, parent: Option<&str>, params: &Value) {
        let session: Arc<str> = text(params, "/sessionId").into();
        let target = text(params, "/targetInfo/targetId");
        let kind = text(params, "/targetInfo/type");
        let context = {
            let state = lock(&self.state);
            let id = text(params, "/targetInfo/browserContextId");
            let by_id = state.contexts.get(id).and_then(Weak::upgrade);
            let by_parent =
                parent.and_then(|p| state.sessions.get(p)?.upgrade()?.context.upgrade());
            by_id.or(by_parent)
        };
        match (kind, parent, context) {
            ("page", None, Some(context)) => {
                let opener = params.pointer("/targetInfo/openerId").and_then(Value::as_str);
                if opener.is_some() && context.is_full() {
                    self.close_target(&session, target);
                    return;
                }
                let page =
                    PageInner::new(&self.conn, &context, target, Arc::clone(&session), opener);
                self.register(&session, target, &page);
                context.opened(&page);
                tokio::spawn(session::set_up(page, session, target.to_owned(), true));
            }
            ("iframe", Some(parent), Some(_)) => {
                let Some(page) = self.page_of(parent) else { return };
                self.register(&session, target, &page);
                page.frame_session(target, &session);
                tokio::spawn(session::set_up(page, session, target.to_owned(), false));
            }
            ("worker" | "service_worker" | "shared_worker", _, Some(context)) => {
                lock(&self.state).workers.insert(session.to_string(), Arc::downgrade(&context));
                let conn = Arc::clone(&self.conn);
                tokio::spawn(async move { session::set_up_worker(&conn, &context, session).await });
            }
            // Targets of Chromium's own, and pages of no context of ours: let go.
            _ => {
                let conn = Arc::clone(&self.conn);
                tokio::spawn(async move { session::let_go(&conn, session).await });
            }
        }
    }

    fn register(&self, session: &str, target: &str, page: &Arc<PageInner>) {
        let mut state = lock(&self.state);
        state.sessions.insert(session.to_owned(), Arc::downgrade(page));
        state.targets.insert(target.to_owned(), session.to_owned());
    }

    fn detached(&self, session: &str) {
        let page = {
            let mut state = lock(&self.state);
            state.targets.retain(|_, s| s != session);
            state.workers.remove(session);
            state.sessions.remove(session)
        };
        self.conn.end_session(session, &Error::Closed);
        if let Some(page) = page.and_then(|p| p.upgrade()) {
            page.session_ended(session);
        }
    }

    fn crashed(&self, session: &str) {
        self.conn.end_session(session, &Error::Crashed);
        if let Some(page) = self.page_of(session) {
            page.session_crashed(session);
        }
    }

    fn context_of_frame(&self, frame: &str) -> Option<Arc<ContextInner>> {
        let contexts: Vec<_> =
            lock(&self.state).contexts.values().filter_map(Weak::upgrade).collect();
        contexts.into_iter().find(|c| c.has_frame(frame))
    }

    fn contexts(&self) -> Vec<Arc<ContextInner>> {
        lock(&self.state).contexts.values().filter_map(Weak::upgrade).collect()
    }
}

impl Events for Hub {
    fn event(&self, session: Option<&str>, method: &str, params: Value) {
        match method {
            "Target.attachedToTarget" => self.attached(session, &params),
            "Target.detachedFromTarget" => self.detached(text(&params, "/sessionId")),
            "Target.targetCrashed" => {
                let of = lock(&self.state).targets.get(text(&params, "/targetId")).cloned();
                if let Some(s) = of {
                    self.crashed(&s);
                }
            }
            "Inspector.targetCrashed" => {
                if let Some(s) = session {
                    self.crashed(s);
                }
            }
            "Browser.downloadWillBegin" => {
                if let Some(c) = self.context_of_frame(text(&params, "/frameId")) {
                    c.download_begins(&params);
                }
            }
            "Browser.downloadProgress" => {
                self.contexts().iter().for_each(|c| c.download_goes_on(&params))
            }
            _ => {
                let Some(session) = session else { return };
                if let Some(page) = self.page_of(session) {
                    session::event(&page, session, method, &params);
                } else if method == "Fetch.requestPaused" {
                    let context = lock(&self.state).workers.get(session).and_then(Weak::upgrade);
                    if let Some(c) = context {
                        super::gate::paused(&self.conn, &c, session, &params);
                    }
                }
            }
        }
    }

    fn gone(&self) {
        for context in self.contexts() {
            context.browser_gone();
        }
    }
}

/// A text of a JSON value, empty when it is not there.
pub(crate) fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or("")
}
