//! One isolated context: its stack of pages, cookies, dialogs, downloads and events.

use super::attempt::{Deadline, NotDone, Stop, Why};
use super::browser::{BrowserInner, Hub, text};
use super::connection::{CALL, Connection, lock};
use super::dialog::{DialogMode, DialogRule, DialogSeen, Dialogs};
use super::download::{Download, Downloads};
use super::egress::Egress;
use super::error::Error;
use super::event::Event;
use super::gate::GateState;
use super::page::{Page, PageInner};
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};
use tokio::sync::{broadcast, watch};

/// Most pages of one context: the page worked on, what it opens, and what those open.
const PAGES_MAX: usize = 6;

/// Events kept for a slow subscriber; a slower one misses the oldest.
const EVENTS: usize = 4096;

/// Cookies of one context. Opaque: content is never shown, `Debug` gives the number only.
#[derive(Clone, serde::Serialize, serde::Deserialize)]
pub struct CookieJar(pub(crate) Vec<Value>);

impl std::fmt::Debug for CookieJar {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "CookieJar({} cookies)", self.0.len())
    }
}

/// An isolated context; one per slot. Cheap to clone; the last clone (pages count) disposes of it.
#[derive(Clone, Debug)]
pub struct Context {
    pub(crate) inner: Arc<ContextInner>,
}

pub(crate) struct ContextInner {
    pub(crate) id: String,
    pub(crate) browser: Arc<BrowserInner>,
    pages: Mutex<Vec<Arc<PageInner>>>,
    /// Target ids, the current page last.
    stack: Mutex<Vec<String>>,
    pub(crate) events: broadcast::Sender<Event>,
    pub(crate) dialogs: Mutex<Dialogs>,
    pub(crate) downloads: Downloads,
    pub(crate) gate: Mutex<Option<Arc<GateState>>>,
    /// What asks without a page, made when first needed.
    pub(crate) http: std::sync::OnceLock<reqwest::Client>,
    /// The time zone its pages see, where it is not the browser's.
    pub(crate) timezone: Mutex<Option<String>>,
    /// Its way out, if it has one of its own.
    pub(crate) tunnels: Option<Egress>,
    changed: watch::Sender<u64>,
    /// Windows closed because there were too many.
    refused_windows: std::sync::atomic::AtomicU64,
}

impl std::fmt::Debug for ContextInner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Context").field("id", &self.id).finish_non_exhaustive()
    }
}

impl Drop for ContextInner {
    fn drop(&mut self) {
        let (conn, id) = (Arc::clone(&self.browser.conn), std::mem::take(&mut self.id));
        if let Some(profile) = self.browser.hub.profile.upgrade() {
            profile.forget(&id);
        }
        if let (true, Ok(runtime)) = (conn.is_alive(), tokio::runtime::Handle::try_current()) {
            runtime.spawn(async move {
                let params = json!({"browserContextId": id});
                // Already disposed of: nothing to do.
                let _gone = conn.call_raw(None, "Target.disposeBrowserContext", params, CALL).await;
            });
        }
    }
}

impl Context {
    pub(crate) async fn create(
        browser: Arc<BrowserInner>,
        id: String,
        tunnels: Option<Egress>,
    ) -> Result<Self, Error> {
        let hub = Arc::clone(&browser.hub);
        let profile = hub.profile.upgrade().ok_or(Error::Gone)?;
        let folder = profile.folder(&format!("downloads/{id}"))?;
        let behaviour = json!({
            "behavior": "allowAndName", "browserContextId": id, "eventsEnabled": true,
            "downloadPath": folder.to_string_lossy(),
        });
        let inner = Arc::new(ContextInner {
            id,
            browser,
            pages: Mutex::default(),
            stack: Mutex::default(),
            events: broadcast::channel(EVENTS).0,
            dialogs: Mutex::default(),
            downloads: Downloads::new(folder),
            gate: Mutex::default(),
            http: std::sync::OnceLock::new(),
            timezone: Mutex::default(),
            tunnels,
            changed: watch::channel(0).0,
            refused_windows: std::sync::atomic::AtomicU64::default(),
        });
        hub.add_context(&inner.id, &inner);
        inner.conn().call_raw(None, "Browser.setDownloadBehavior", behaviour, CALL).await?;
        Ok(Self { inner })
    }

    /// Opens a blank page, set up and ready, and makes it current.
    ///
    /// # Errors
    /// The browser is gone, or the page was not ready in time.
    pub async fn new_page(&self) -> Result<Page, Error> {
        let params =
            json!({"url": "about:blank", "browserContextId": self.inner.id, "newWindow": true});
        let made = self.inner.conn().call_raw(None, "Target.createTarget", params, CALL).await?;
        let id = text(&made, "/targetId").to_owned();
        let deadline = Deadline::within(CALL);
        let mut changed = self.inner.changed.subscribe();
        let page = loop {
            if let Some(p) = self.pages().into_iter().find(|p| p.id() == id) {
                break p;
            }
            let waited = tokio::time::timeout_at(deadline.instant(), changed.changed()).await;
            if !matches!(waited, Ok(Ok(()))) {
                return Err(Error::Timeout { method: "Target.createTarget", after: CALL });
            }
        };
        page.inner.wait_ready(deadline).await?;
        self.make_current(&page);
        Ok(page)
    }

    /// All open pages, oldest first.
    #[must_use]
    pub fn pages(&self) -> Vec<Page> {
        let pages = lock(&self.inner.pages).clone();
        pages.into_iter().map(|inner| Page { inner, context: Arc::clone(&self.inner) }).collect()
    }

    /// How many windows were closed at once because the page had opened too many.
    #[must_use]
    pub fn refused_windows(&self) -> u64 {
        self.inner.refused_windows.load(std::sync::atomic::Ordering::Relaxed)
    }

    /// The current page: the last made current that is still open, else the opener before it.
    #[must_use]
    pub fn current(&self) -> Option<Page> {
        let stack = lock(&self.inner.stack).clone();
        let pages = self.pages();
        stack.iter().rev().find_map(|id| pages.iter().find(|p| p.id() == id).cloned())
    }

    /// Puts a page on top of the stack.
    pub fn make_current(&self, page: &Page) {
        let mut stack = lock(&self.inner.stack);
        stack.retain(|id| id != page.id());
        stack.push(page.id().to_owned());
    }

    /// The cookies of this context.
    ///
    /// # Errors
    /// The browser is gone or refused.
    pub async fn cookies(&self) -> Result<CookieJar, Error> {
        let params = json!({"browserContextId": self.inner.id});
        let mut reply =
            self.inner.conn().call_raw(None, "Storage.getCookies", params, CALL).await?;
        match reply.get_mut("cookies").map(Value::take) {
            Some(Value::Array(cookies)) => Ok(CookieJar(cookies)),
            _ => Err(Error::Decode { method: "Storage.getCookies" }),
        }
    }

    /// Loads cookies taken by [`Context::cookies`].
    ///
    /// # Errors
    /// The browser is gone or refused.
    pub async fn set_cookies(&self, jar: &CookieJar) -> Result<(), Error> {
        const KEPT: [&str; 9] = [
            "name", "value", "domain", "path", "secure", "httpOnly", "sameSite", "expires",
            "priority",
        ];
        let cookies = jar.0.iter().map(|cookie| {
            let mut kept = serde_json::Map::new();
            for key in KEPT {
                if let Some(v) = cookie.get(key) {
                    kept.insert(key.to_owned(), v.clone());
                }
            }
            // Session cookies carry -1, which would mean "expired".
            if cookie.get("session").and_then(Value::as_bool) == Some(true) {
                kept.remove("expires");
            }
            Value::Object(kept)
        });
        let params =
            json!({"browserContextId": self.inner.id, "cookies": cookies.collect::<Vec<_>>()});
        self.inner.conn().call_raw(None, "Storage.setCookies", params, CALL).await.map(drop)
    }

    /// Only these hosts are reached from now on. Without a way out of its own this context has no list.
    ///
    /// # Errors
    /// Its way out is gone.
    pub async fn only_hosts(&self, hosts: impl IntoIterator<Item = String>) -> Result<(), Error> {
        match &self.inner.tunnels {
            Some(tunnels) => {
                tunnels.list(hosts.into_iter().map(|host| host.to_lowercase()).collect()).await
            }
            None => Ok(()),
        }
    }

    /// Hosts pages asked for since the last call although they are not on the list.
    #[must_use]
    pub fn take_refused_hosts(&self) -> Vec<String> {
        self.inner.tunnels.as_ref().map(Egress::take_refused).unwrap_or_default()
    }

    /// Whether nothing leaves it any more: its gate has shut for good, or is gone. Then it is of no use to another job.
    #[must_use]
    pub fn is_shut(&self) -> bool {
        self.inner.tunnels.as_ref().is_some_and(Egress::is_shut)
    }

    /// The time zone (IANA name) its pages, their frames and windows see from now on; none: the browser's own.
    ///
    /// # Errors
    /// The browser is gone.
    pub async fn set_timezone(&self, zone: Option<&str>) -> Result<(), Error> {
        let before = std::mem::replace(&mut *lock(&self.inner.timezone), zone.map(str::to_owned));
        if before.as_deref() == zone {
            return Ok(());
        }
        for page in self.inner.pages() {
            for session in page.sessions() {
                let params = json!({"timezoneId": zone.unwrap_or_default()});
                let set = "Emulation.setTimezoneOverride";
                match self.inner.conn().call_raw(Some(&session), set, params, CALL).await {
                    // Pages of one process share it: the first has set it for all. One that is gone or hangs needs none: it is
                    // not worked on any further.
                    Ok(_) => {}
                    Err(Error::Gone) => return Err(Error::Gone),
                    Err(error) => tracing::debug!(%error, "a page kept its time zone"),
                }
            }
        }
        Ok(())
    }

    /// Closes all pages and forgets cookies and storage.
    ///
    /// # Errors
    /// The browser is gone or refused.
    pub async fn dispose(&self) -> Result<(), Error> {
        let params = json!({"browserContextId": self.inner.id});
        self.inner.conn().call_raw(None, "Target.disposeBrowserContext", params, CALL).await?;
        // Late events of the pages must not find it any more.
        for page in lock(&self.inner.pages).drain(..) {
            page.close_now();
        }
        if let Some(profile) = self.inner.hub().profile.upgrade() {
            profile.forget(&self.inner.id);
        }
        Ok(())
    }

    /// Everything that happens in this context from now on. A slow reader misses the oldest.
    #[must_use]
    pub fn events(&self) -> broadcast::Receiver<Event> {
        self.inner.events.subscribe()
    }

    /// Declares the dialogs the coming step expects; replaces earlier declarations.
    pub fn expect_dialogs(&self, rules: Vec<DialogRule>) {
        lock(&self.inner.dialogs).rules = rules;
    }

    /// How undeclared dialogs are answered.
    pub fn set_dialog_mode(&self, mode: DialogMode) {
        lock(&self.inner.dialogs).mode = mode;
    }

    /// Dialogs seen since the last call.
    #[must_use]
    pub fn take_dialogs(&self) -> Vec<DialogSeen> {
        std::mem::take(&mut lock(&self.inner.dialogs).seen)
    }

    /// Finished downloads since the last call.
    #[must_use]
    pub fn take_downloads(&self) -> Vec<Download> {
        self.inner.downloads.take()
    }

    /// Waits for one finished download and takes it.
    ///
    /// # Errors
    /// None until the deadline, or one failed (then the reason is given).
    pub async fn wait_download(&self, deadline: Deadline) -> Result<Download, NotDone> {
        let mut changed = self.inner.changed.subscribe();
        loop {
            if let Some(d) = self.inner.downloads.take_one() {
                return Ok(d);
            }
            if let Some(reason) = self.inner.downloads.take_failure() {
                return Err(Stop::Rejected(format!("the download failed: {reason}")).into());
            }
            if !self.inner.conn().is_alive() {
                return Err(Error::Gone.into());
            }
            if tokio::time::timeout_at(deadline.instant(), changed.changed()).await.is_err() {
                return Err(NotDone::OutOfTime {
                    why: Why::Other("no download came".into()),
                    tries: 1,
                });
            }
        }
    }
}

impl ContextInner {
    pub(crate) fn conn(&self) -> &Arc<Connection> {
        &self.browser.conn
    }

    pub(crate) fn hub(&self) -> &Arc<Hub> {
        &self.browser.hub
    }

    pub(crate) fn pages(&self) -> Vec<Arc<PageInner>> {
        lock(&self.pages).clone()
    }

    pub(crate) fn emit(&self, event: Event) {
        // No subscriber: nobody to tell.
        let _count = self.events.send(event);
    }

    /// Something happened that concerns all pages (dialog, popup, download).
    pub(crate) fn bump(&self) {
        self.changed.send_modify(|n| *n += 1);
        for page in self.pages() {
            page.bump();
        }
    }

    pub(crate) fn watch(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }

    pub(crate) fn opened(&self, page: &Arc<PageInner>) {
        lock(&self.pages).push(Arc::clone(page));
        let mut stack = lock(&self.stack);
        // Under the top: a popup becomes current only when somebody says so.
        let at = stack.len().saturating_sub(1);
        stack.insert(at, page.id.clone());
        drop(stack);
        if page.opener.is_some() {
            self.emit(Event::Popup { page: page.id.clone(), opener: page.opener.clone() });
        }
        self.bump();
    }

    /// Whether a window a page opens now would be one too many; it is counted.
    pub(crate) fn is_full(&self) -> bool {
        let full = lock(&self.pages).len() >= PAGES_MAX;
        if full {
            self.refused_windows.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        }
        full
    }

    pub(crate) fn closed(&self, id: &str) {
        lock(&self.pages).retain(|p| p.id != id);
        lock(&self.stack).retain(|p| p != id);
        self.emit(Event::PageClosed { page: id.to_owned() });
        self.bump();
    }

    pub(crate) fn has_frame(&self, frame: &str) -> bool {
        self.pages().iter().any(|p| p.has_frame(frame))
    }

    pub(crate) fn browser_gone(&self) {
        for page in self.pages() {
            page.close_now();
        }
        self.bump();
    }

    pub(crate) fn download_begins(self: &Arc<Self>, params: &Value) {
        let frame = text(params, "/frameId");
        for page in self.pages() {
            page.navigation_over(frame);
        }
        self.downloads.begins(params);
        self.emit(Event::DownloadStarted { name: text(params, "/suggestedFilename").to_owned() });
        self.bump();
    }

    pub(crate) fn download_goes_on(self: &Arc<Self>, params: &Value) {
        let Some(event) = self.downloads.goes_on(params) else { return };
        if let Event::DownloadFailed { .. } = &event {
            let (conn, id) = (Arc::clone(self.conn()), self.id.clone());
            let guid = text(params, "/guid").to_owned();
            tokio::spawn(async move {
                let params = json!({"guid": guid, "browserContextId": id});
                // It may have ended already.
                let _cancelled = conn.call_raw(None, "Browser.cancelDownload", params, CALL).await;
            });
        }
        self.emit(event);
        self.bump();
    }
}
