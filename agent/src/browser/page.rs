//! A page: its state as the events tell it, its sessions, and waiting for changes.

use super::attempt::Deadline;
use super::browser::text;
use super::connection::{CALL, Connection, lock};
use super::context::ContextInner;
use super::error::Error;
use super::event::Event;
use super::frame::FrameState;
use super::navigate::NavigationError;
use bytes::Bytes;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::Instant;

/// A page of a context. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Page {
    pub(crate) inner: Arc<PageInner>,
    pub(crate) context: Arc<ContextInner>,
}

pub(crate) struct PageInner {
    pub(crate) id: String,
    pub(crate) session: Arc<str>,
    pub(crate) conn: Arc<Connection>,
    pub(crate) context: Weak<ContextInner>,
    pub(crate) opener: Option<String>,
    pub(crate) state: Mutex<PageState>,
    changed: watch::Sender<u64>,
    pub(crate) ready: watch::Sender<bool>,
    /// Acts so far, and how many of them had been carried out by the page when it was last asked.
    acts: AtomicU64,
    flushed: AtomicU64,
}

impl std::fmt::Debug for PageInner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Page").field("id", &self.id).finish_non_exhaustive()
    }
}

/// A navigation that has begun in a frame.
#[derive(Debug, Clone)]
pub(crate) struct Pending {
    pub(crate) loader: Option<String>,
    pub(crate) since: Instant,
}

#[derive(Debug)]
pub(crate) struct PageState {
    pub(crate) frames: Vec<FrameState>,
    pub(crate) frame_sessions: Vec<Arc<str>>,
    pub(crate) crashed: bool,
    pub(crate) closed: bool,
    pub(crate) pending: HashMap<String, Pending>,
    /// Status of the newest documents by loader id.
    pub(crate) status: Vec<(String, u16)>,
    /// The newest `Retry-After` that came with status 429 or 503.
    pub(crate) retry_after: Option<String>,
    pub(crate) navigation_error: Option<NavigationError>,
    pub(crate) last_change: Instant,
    pub(crate) live: Vec<String>,
    /// The file input whose chooser a click opened: frame and backend node id.
    pub(crate) chooser: Option<(String, i64)>,
    /// The last requests, newest last.
    pub(crate) requests: Vec<Sent>,
}

/// A request that was sent: its session and its body, where small.
#[derive(Clone)]
pub(crate) struct Sent {
    pub(crate) id: String,
    pub(crate) session: Arc<str>,
    pub(crate) body: Option<Bytes>,
}

impl std::fmt::Debug for Sent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sent").field("id", &self.id).finish_non_exhaustive()
    }
}

impl PageInner {
    pub(crate) fn new(
        conn: &Arc<Connection>,
        context: &Arc<ContextInner>,
        target: &str,
        session: Arc<str>,
        opener: Option<&str>,
    ) -> Arc<Self> {
        let main = FrameState::new(target, None, Arc::clone(&session));
        Arc::new(Self {
            id: target.to_owned(),
            session,
            conn: Arc::clone(conn),
            context: Arc::downgrade(context),
            opener: opener.map(str::to_owned),
            state: Mutex::new(PageState {
                frames: vec![main],
                frame_sessions: Vec::new(),
                crashed: false,
                closed: false,
                pending: HashMap::new(),
                status: Vec::new(),
                retry_after: None,
                navigation_error: None,
                last_change: Instant::now(),
                live: Vec::new(),
                chooser: None,
                requests: Vec::new(),
            }),
            changed: watch::channel(0).0,
            ready: watch::channel(false).0,
            acts: AtomicU64::new(0),
            flushed: AtomicU64::new(0),
        })
    }

    pub(crate) async fn call_raw(
        &self,
        method: &'static str,
        params: Value,
    ) -> Result<Value, Error> {
        self.alive()?;
        self.conn.call_raw(Some(&self.session), method, params, CALL).await
    }

    pub(crate) fn alive(&self) -> Result<(), Error> {
        let state = lock(&self.state);
        match (state.crashed, state.closed) {
            (true, _) => Err(Error::Crashed),
            (_, true) if self.conn.is_alive() => Err(Error::Closed),
            (_, true) => Err(Error::Gone),
            _ => Ok(()),
        }
    }

    /// An input is sent to the page.
    pub(crate) fn acted(&self) {
        self.acts.fetch_add(1, Ordering::Relaxed);
    }

    /// The page has carried out every input so far, in this frame.
    pub(crate) fn flushed_now(&self, frame: &str) {
        if self.frame_state(frame).is_some_and(|state| state.session == self.session) {
            self.flushed.store(self.acts.load(Ordering::Relaxed), Ordering::Relaxed);
        }
    }

    /// Whether the page has carried out every input.
    pub(crate) fn is_flushed(&self) -> bool {
        self.flushed.load(Ordering::Relaxed) == self.acts.load(Ordering::Relaxed)
    }

    /// Something happened worth another look.
    pub(crate) fn bump(&self) {
        self.changed.send_modify(|n| *n += 1);
    }

    pub(crate) fn watch(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }

    pub(crate) fn emit(&self, event: Event) {
        if let Some(c) = self.context.upgrade() {
            c.emit(event);
        }
    }

    /// All sessions of the page: its own and those of out-of-process frames.
    pub(crate) fn sessions(&self) -> Vec<Arc<str>> {
        let mut all = vec![Arc::clone(&self.session)];
        all.extend(lock(&self.state).frame_sessions.iter().cloned());
        all
    }

    pub(crate) async fn wait_ready(&self, deadline: Deadline) -> Result<(), Error> {
        let mut ready = self.ready.subscribe();
        let waited = tokio::time::timeout_at(deadline.instant(), ready.wait_for(|r| *r)).await;
        match waited {
            Ok(Ok(_)) => self.alive(),
            _ => Err(Error::Timeout { method: "Page.enable", after: CALL }),
        }
    }

    /// Waits until `look` gives something, looking again at every change; `None` at the deadline.
    pub(crate) async fn until<T>(
        &self,
        deadline: Deadline,
        mut look: impl FnMut(&mut PageState) -> Option<T>,
    ) -> Result<Option<T>, Error> {
        let mut changed = self.changed.subscribe();
        loop {
            if let Some(t) = look(&mut lock(&self.state)) {
                return Ok(Some(t));
            }
            self.alive()?;
            if tokio::time::timeout_at(deadline.instant(), changed.changed()).await.is_err() {
                return Ok(None);
            }
        }
    }

    pub(crate) fn frame_session(&self, frame: &str, session: &Arc<str>) {
        let mut state = lock(&self.state);
        state.frame_sessions.push(Arc::clone(session));
        match state.frames.iter_mut().find(|f| f.id == frame) {
            Some(f) => {
                f.session = Arc::clone(session);
                f.world = None;
            }
            None => state.frames.push(FrameState::new(frame, None, Arc::clone(session))),
        }
        drop(state);
        self.bump();
    }

    pub(crate) fn session_ended(&self, session: &str) {
        if session == &*self.session {
            self.close_now();
            return;
        }
        let mut state = lock(&self.state);
        state.frame_sessions.retain(|s| &**s != session);
        for f in state.frames.iter_mut().filter(|f| &*f.session == session) {
            f.world = None;
        }
        drop(state);
        self.bump();
    }

    pub(crate) fn session_crashed(&self, session: &str) {
        if session == &*self.session {
            lock(&self.state).crashed = true;
            self.emit(Event::PageCrashed { page: self.id.clone() });
        } else {
            for f in lock(&self.state).frames.iter_mut().filter(|f| &*f.session == session) {
                f.world = None;
            }
        }
        self.ready.send_replace(true);
        self.bump();
    }

    pub(crate) fn close_now(&self) {
        let was = std::mem::replace(&mut lock(&self.state).closed, true);
        self.ready.send_replace(true);
        self.bump();
        if let (false, Some(c)) = (was, self.context.upgrade()) {
            c.closed(&self.id);
        }
    }

    pub(crate) fn has_frame(&self, frame: &str) -> bool {
        lock(&self.state).frames.iter().any(|f| f.id == frame)
    }

    pub(crate) fn navigation_over(&self, frame: &str) {
        lock(&self.state).pending.remove(frame);
        self.bump();
    }
}

impl Page {
    /// Its id, stable for its life.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.inner.id
    }

    /// Address of the main document.
    #[must_use]
    pub fn url(&self) -> String {
        lock(&self.inner.state).frames.first().map(|f| f.url.clone()).unwrap_or_default()
    }

    /// Title of the main document.
    ///
    /// # Errors
    /// The page is gone.
    pub async fn title(&self) -> Result<String, Error> {
        let main = self.main_frame();
        let title = self.inner.run(&main, "title", json!([])).await?;
        Ok(title.as_str().unwrap_or("").to_owned())
    }

    /// True after its renderer crashed; such a page is closed and another opened.
    #[must_use]
    pub fn is_crashed(&self) -> bool {
        lock(&self.inner.state).crashed
    }

    /// True once it was closed.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        lock(&self.inner.state).closed
    }

    /// The page that opened it.
    #[must_use]
    pub fn opener(&self) -> Option<String> {
        self.inner.opener.clone()
    }

    /// The context it belongs to.
    #[must_use]
    pub fn context(&self) -> super::context::Context {
        super::context::Context { inner: Arc::clone(&self.context) }
    }

    /// Waits until it is set up; only needed for a popup just seen.
    ///
    /// # Errors
    /// It is gone, or did not come up in time.
    pub async fn wait_ready(&self, deadline: Deadline) -> Result<(), Error> {
        self.inner.wait_ready(deadline).await
    }

    /// Closes it without asking (`beforeunload` is not run).
    ///
    /// # Errors
    /// The browser is gone.
    pub async fn close(&self) -> Result<(), Error> {
        if self.is_closed() {
            return Ok(());
        }
        let params = json!({"targetId": self.inner.id});
        self.inner.conn.call_raw(None, "Target.closeTarget", params, CALL).await?;
        let wait = Deadline::within(Duration::from_secs(2));
        // The detach event follows; when it does not, the page is closed for us anyway.
        let _gone = self.inner.until(wait, |s| s.closed.then_some(())).await;
        self.inner.close_now();
        Ok(())
    }

    /// Makes the page's processor seem this many times slower, for measurements.
    ///
    /// # Errors
    /// The page is gone.
    pub async fn slow_down(&self, times: f64) -> Result<(), Error> {
        self.inner
            .call_raw("Emulation.setCPUThrottlingRate", json!({"rate": times}))
            .await
            .map(drop)
    }

    /// Brings the page to the front, so that it is painted and animates.
    ///
    /// # Errors
    /// The page is gone.
    pub async fn to_front(&self) -> Result<(), Error> {
        self.inner.call_raw("Page.bringToFront", json!({})).await.map(drop)
    }

    /// Changes whenever something happened worth another look: navigation, DOM change, dialog,
    /// popup, download, crash.
    #[must_use]
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.inner.watch()
    }

    /// Texts that appeared in live regions (alerts, status lines, toasts) since the last call.
    #[must_use]
    pub fn take_live_texts(&self) -> Vec<String> {
        std::mem::take(&mut lock(&self.inner.state).live)
    }

    /// No pending navigation and no DOM change for 300 ms; false at the deadline.
    pub async fn quiet(&self, deadline: Deadline) -> bool {
        const STILL: Duration = Duration::from_millis(300);
        loop {
            let rest = {
                let state = lock(&self.inner.state);
                if state.closed || state.crashed {
                    return false;
                }
                let since = state.last_change.elapsed();
                if state.pending.is_empty() && since >= STILL {
                    return true;
                }
                STILL.saturating_sub(since).max(Duration::from_millis(20))
            };
            if deadline.left() <= rest {
                return false;
            }
            self.wait_change(deadline.at_most(rest)).await;
        }
    }

    /// Body of a request by the id of its event. Page data.
    ///
    /// # Errors
    /// Unknown, or no longer kept by the browser.
    pub async fn request_body(&self, id: &str) -> Result<Bytes, Error> {
        let kept = {
            let state = lock(&self.inner.state);
            // A redirect repeats the id without the body.
            state.requests.iter().rev().filter(|r| r.id == id).find_map(|r| r.body.clone())
        };
        if let Some(body) = kept {
            return Ok(body);
        }
        let session = self.session_of(id);
        let call = self.inner.conn.call_raw(
            Some(&session),
            "Network.getRequestPostData",
            json!({"requestId": id}),
            CALL,
        );
        Ok(Bytes::copy_from_slice(text(&call.await?, "/postData").as_bytes()))
    }

    /// Body of an answer by the id of its event. Page data.
    ///
    /// # Errors
    /// Unknown, or no longer kept by the browser.
    pub async fn response_body(&self, id: &str) -> Result<Bytes, Error> {
        use base64::Engine;
        let session = self.session_of(id);
        let reply = self
            .inner
            .conn
            .call_raw(Some(&session), "Network.getResponseBody", json!({"requestId": id}), CALL)
            .await?;
        let body = text(&reply, "/body");
        if reply.get("base64Encoded").and_then(Value::as_bool) == Some(true) {
            let decoded = base64::prelude::BASE64_STANDARD.decode(body);
            return decoded
                .map(Bytes::from)
                .map_err(|_| Error::Decode { method: "Network.getResponseBody" });
        }
        Ok(Bytes::copy_from_slice(body.as_bytes()))
    }

    fn session_of(&self, request: &str) -> Arc<str> {
        let state = lock(&self.inner.state);
        let known =
            state.requests.iter().rev().find(|r| r.id == request).map(|r| Arc::clone(&r.session));
        known.unwrap_or_else(|| Arc::clone(&self.inner.session))
    }

    pub(crate) fn main_frame(&self) -> String {
        self.inner.id.clone()
    }
}
