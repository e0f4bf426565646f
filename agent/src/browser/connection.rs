//! The debugging pipe: NUL-framed JSON on two descriptors, ids, replies and events. Every call ends
//! with the reply, its own deadline, the death of its target, or the death of the browser,
//! whichever is first. Only method names are ever logged.

use super::error::Error;
use chromiumoxide::Command;
use serde::Deserialize;
use serde_json::{Value, json};
use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::{mpsc, oneshot, watch};

/// The largest message taken from or given to the browser.
pub(crate) const MESSAGE_CAP: usize = 32 << 20;
/// Commands waiting for the pipe; more than this and callers wait.
const WRITE_QUEUE: usize = 256;
/// How long a call may take when the caller does not say.
pub(crate) const CALL: Duration = Duration::from_secs(10);

/// Takes a lock; a panic elsewhere does not make the state unusable.
pub(crate) fn lock<T>(m: &Mutex<T>) -> MutexGuard<'_, T> {
    m.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Receives every event in the order of the pipe. Must not block.
pub(crate) trait Events: Send + Sync {
    /// One event of one session (`None`: the browser itself).
    fn event(&self, session: Option<&str>, method: &str, params: Value);
    /// The pipe ended.
    fn gone(&self);
}

/// Cuts a byte stream into messages at NUL bytes.
#[derive(Debug, Default)]
pub(crate) struct Framer {
    buffer: Vec<u8>,
}

impl Framer {
    /// Adds bytes and hands each complete message to `each`.
    ///
    /// # Errors
    /// A message longer than [`MESSAGE_CAP`]: the stream cannot be trusted any more.
    pub(crate) fn push(
        &mut self,
        mut bytes: &[u8],
        mut each: impl FnMut(&[u8]),
    ) -> Result<(), Error> {
        while let Some(end) = bytes.iter().position(|b| *b == 0) {
            if self.buffer.len() + end > MESSAGE_CAP {
                return Err(Error::ResourceLimit("message from the browser"));
            }
            if self.buffer.is_empty() {
                each(&bytes[..end]);
            } else {
                self.buffer.extend_from_slice(&bytes[..end]);
                each(&self.buffer);
                self.buffer.clear();
            }
            bytes = &bytes[end + 1..];
        }
        if self.buffer.len() + bytes.len() > MESSAGE_CAP {
            return Err(Error::ResourceLimit("message from the browser"));
        }
        self.buffer.extend_from_slice(bytes);
        if self.buffer.is_empty() && self.buffer.capacity() > 1 << 20 {
            self.buffer = Vec::new();
        }
        Ok(())
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Incoming {
    id: Option<u64>,
    session_id: Option<String>,
    method: Option<String>,
    #[serde(default)]
    params: Value,
    result: Option<Value>,
    error: Option<Refusal>,
}

#[derive(Deserialize)]
struct Refusal {
    #[serde(default)]
    message: String,
}

/// How a pending call ended without the caller's deadline.
enum Reply {
    Result(Value),
    Refused(String),
    Ended(Error),
}

struct Waiting {
    session: Option<Arc<str>>,
    reply: oneshot::Sender<Reply>,
}

#[derive(Default)]
struct Pending {
    calls: HashMap<u64, Waiting>,
    crashed: HashSet<String>,
    gone: bool,
}

/// One browser's pipe.
pub(crate) struct Connection {
    next: AtomicU64,
    pending: Mutex<Pending>,
    out: mpsc::Sender<Vec<u8>>,
    gone: watch::Sender<bool>,
    sent: AtomicU64,
}

impl std::fmt::Debug for Connection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Connection").field("alive", &self.is_alive()).finish_non_exhaustive()
    }
}

impl Connection {
    /// Starts reading and writing. `events` is built from the connection it will call on.
    pub(crate) fn start<R, W, E>(
        read: R,
        write: W,
        events: impl FnOnce(&Arc<Self>) -> Arc<E>,
    ) -> (Arc<Self>, Arc<E>)
    where
        R: AsyncRead + Send + Unpin + 'static,
        W: AsyncWrite + Send + Unpin + 'static,
        E: Events + 'static,
    {
        let (out, queue) = mpsc::channel(WRITE_QUEUE);
        let this = Arc::new(Self {
            next: AtomicU64::new(1),
            pending: Mutex::default(),
            out,
            gone: watch::channel(false).0,
            sent: AtomicU64::new(0),
        });
        let events = events(&this);
        tokio::spawn(Self::write_loop(write, queue, this.gone.subscribe()));
        tokio::spawn(Arc::clone(&this).read_loop(read, Arc::clone(&events)));
        (this, events)
    }

    async fn write_loop<W: AsyncWrite + Unpin>(
        mut write: W,
        mut queue: mpsc::Receiver<Vec<u8>>,
        mut gone: watch::Receiver<bool>,
    ) {
        loop {
            let message = tokio::select! {
                m = queue.recv() => m,
                _ = gone.wait_for(|g| *g) => None,
            };
            let Some(message) = message else { break };
            let written = tokio::select! {
                w = write.write_all(&message) => w,
                _ = gone.wait_for(|g| *g) => break,
            };
            if written.is_err() {
                break;
            }
        }
        // Dropping our end of the pipe is what makes Chromium exit.
    }

    async fn read_loop<R: AsyncRead + Unpin, E: Events>(
        self: Arc<Self>,
        mut read: R,
        events: Arc<E>,
    ) {
        let mut framer = Framer::default();
        let mut chunk = vec![0_u8; 64 << 10];
        let mut gone = self.gone.subscribe();
        loop {
            let got: io::Result<usize> = tokio::select! {
                r = read.read(&mut chunk) => r,
                _ = gone.wait_for(|g| *g) => break,
            };
            let Ok(n) = got else { break };
            if n == 0 {
                break;
            }
            if framer.push(&chunk[..n], |m| self.take(m, &*events)).is_err() {
                tracing::error!("message from the browser exceeds the limit, closing the pipe");
                break;
            }
        }
        self.shut();
        events.gone();
    }

    fn take<E: Events>(&self, message: &[u8], events: &E) {
        let Ok(m) = serde_json::from_slice::<Incoming>(message) else {
            tracing::warn!(bytes = message.len(), "unreadable message from the browser dropped");
            return;
        };
        if let Some(id) = m.id {
            let waiting = lock(&self.pending).calls.remove(&id);
            let Some(waiting) = waiting else { return };
            let reply = match m.error {
                Some(e) => Reply::Refused(e.message.chars().take(200).collect()),
                None => Reply::Result(m.result.unwrap_or_else(|| json!({}))),
            };
            // The caller may have given up: nobody to tell.
            drop(waiting.reply.send(reply));
        } else if let Some(method) = m.method {
            events.event(m.session_id.as_deref(), &method, m.params);
        }
    }

    /// Sends a command and waits for its reply, at most `within`.
    pub(crate) async fn call_raw(
        &self,
        session: Option<&Arc<str>>,
        method: &'static str,
        params: Value,
        within: Duration,
    ) -> Result<Value, Error> {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let message = match session {
            Some(s) => json!({"id": id, "method": method, "params": params, "sessionId": &**s}),
            None => json!({"id": id, "method": method, "params": params}),
        };
        let mut bytes = serde_json::to_vec(&message).map_err(|_| Error::Decode { method })?;
        if bytes.len() > MESSAGE_CAP {
            return Err(Error::ResourceLimit("message to the browser"));
        }
        bytes.push(0);
        let (reply, answer) = oneshot::channel();
        {
            let mut pending = lock(&self.pending);
            if pending.gone {
                return Err(Error::Gone);
            }
            if session.is_some_and(|s| pending.crashed.contains(&**s)) {
                return Err(Error::Crashed);
            }
            pending.calls.insert(id, Waiting { session: session.cloned(), reply });
        }
        // Removes the entry also when the caller drops this future.
        let _entry = Entry { pending: &self.pending, id };
        tracing::trace!(method, "call");
        self.sent.fetch_add(1, Ordering::Relaxed);
        let ended = tokio::time::timeout(within, async {
            self.out.send(bytes).await.map_err(|_| Error::Gone)?;
            match answer.await {
                Ok(Reply::Result(v)) => Ok(v),
                Ok(Reply::Refused(message)) => Err(Error::Protocol { method, message }),
                Ok(Reply::Ended(e)) => Err(e),
                Err(_) => Err(Error::Gone),
            }
        })
        .await;
        ended.unwrap_or(Err(Error::Timeout { method, after: within }))
    }

    /// Sends a typed command.
    pub(crate) async fn call<C: Command>(
        &self,
        session: Option<&Arc<str>>,
        command: C,
        within: Duration,
    ) -> Result<C::Response, Error> {
        let method = static_name(command.identifier());
        let params = serde_json::to_value(&command).map_err(|_| Error::Decode { method })?;
        let reply = self.call_raw(session, method, params, within).await?;
        C::response_from_value(reply).map_err(|_| Error::Decode { method })
    }

    /// Ends every pending call of a session: its target crashed (for good) or was detached.
    pub(crate) fn end_session(&self, session: &str, error: &Error) {
        let ended: Vec<Waiting> = {
            let mut pending = lock(&self.pending);
            if *error == Error::Crashed {
                pending.crashed.insert(session.to_owned());
            } else {
                pending.crashed.remove(session);
            }
            let ids: Vec<u64> = pending
                .calls
                .iter()
                .filter(|(_, w)| w.session.as_deref() == Some(session))
                .map(|(id, _)| *id)
                .collect();
            ids.iter().filter_map(|id| pending.calls.remove(id)).collect()
        };
        for w in ended {
            drop(w.reply.send(Reply::Ended(error.clone())));
        }
    }

    /// Closes our ends of the pipe and ends every pending call.
    pub(crate) fn shut(&self) {
        let ended: Vec<Waiting> = {
            let mut pending = lock(&self.pending);
            pending.gone = true;
            pending.calls.drain().map(|(_, w)| w).collect()
        };
        for w in ended {
            drop(w.reply.send(Reply::Ended(Error::Gone)));
        }
        self.gone.send_replace(true);
    }

    /// True until the pipe ended.
    pub(crate) fn is_alive(&self) -> bool {
        !*self.gone.borrow()
    }

    /// Becomes true when the pipe ended.
    pub(crate) fn watch_gone(&self) -> watch::Receiver<bool> {
        self.gone.subscribe()
    }

    /// Number of commands sent so far.
    pub(crate) fn commands_sent(&self) -> u64 {
        self.sent.load(Ordering::Relaxed)
    }
}

struct Entry<'a> {
    pending: &'a Mutex<Pending>,
    id: u64,
}

impl Drop for Entry<'_> {
    fn drop(&mut self) {
        lock(self.pending).calls.remove(&self.id);
    }
}

/// Command names of the generated types are constants.
fn static_name(name: Cow<'static, str>) -> &'static str {
    match name {
        Cow::Borrowed(name) => name,
        Cow::Owned(_) => "a command",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{duplex, split};

    struct Kept(Mutex<Vec<String>>);
    impl Events for Kept {
        fn event(&self, session: Option<&str>, method: &str, _: Value) {
            lock(&self.0).push(format!("{}/{method}", session.unwrap_or("-")));
        }
        fn gone(&self) {}
    }

    #[test]
    fn messages_are_cut_at_nul_however_the_bytes_arrive() {
        let stream = b"{\"a\":1}\0{}\0\0{\"b\":\"x\"}\0rest";
        for size in 1..stream.len() {
            let (mut framer, mut out) = (Framer::default(), Vec::new());
            for part in stream.chunks(size) {
                framer.push(part, |m| out.push(m.to_vec())).expect("within the cap");
            }
            assert_eq!(out, [&b"{\"a\":1}"[..], b"{}", b"", b"{\"b\":\"x\"}"], "parts of {size}");
        }
    }

    #[test]
    fn a_message_over_the_cap_ends_the_stream() {
        let mut framer = Framer::default();
        let block = vec![b'x'; MESSAGE_CAP];
        framer.push(&block, |_| ()).expect("exactly the cap");
        assert!(framer.push(b"y", |_| ()).is_err());
    }

    #[tokio::test]
    async fn garbage_lost_replies_and_dead_sessions_end_each_call_in_its_own_way() {
        let (ours, theirs) = duplex(1 << 16);
        let (r, w) = split(ours);
        let (conn, kept) = Connection::start(r, w, |_| Arc::new(Kept(Mutex::default())));
        let (mut tr, mut tw) = split(theirs);
        let s: Arc<str> = "S1".into();
        tw.write_all(
            b"not json\0{\"id\":999,\"result\":{}}\0{\"method\":\"A.b\",\"sessionId\":\"S1\"}\0",
        )
        .await
        .expect("written");
        let short = Duration::from_millis(50);
        let lost = conn.call_raw(None, "X.y", json!({}), short).await;
        assert_eq!(lost, Err(Error::Timeout { method: "X.y", after: short }));
        assert_eq!(*lock(&kept.0), ["S1/A.b"]);
        let (dead, ()) = tokio::join!(conn.call_raw(Some(&s), "X.y", json!({}), CALL), async {
            tokio::task::yield_now().await;
            conn.end_session("S1", &Error::Crashed);
        });
        assert_eq!(dead, Err(Error::Crashed));
        assert_eq!(conn.call_raw(Some(&s), "X.y", json!({}), CALL).await, Err(Error::Crashed));
        let (gone, ()) = tokio::join!(conn.call_raw(None, "X.y", json!({}), CALL), async {
            let mut sink = [0_u8; 64];
            let _read = tr.read(&mut sink).await;
            drop((tr, tw));
        });
        assert_eq!(gone, Err(Error::Gone));
        assert!(!conn.is_alive());
    }
}
