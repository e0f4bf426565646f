//! The submit gate: while armed exactly one matching request may pass, held until its body was
//! read; every other request of the context is failed. Not a security boundary (workers and new
//! windows can slip by): the second check after the latch, not the first. What Chromium repeats
//! below the level seen here is stopped by the context's tunnels, a process of their own.

use super::attempt::Deadline;
use super::browser::text;
use super::connection::{CALL, Connection, lock};
use super::context::{Context, ContextInner};
use super::egress::{Egress, PassSaid};
use super::error::Error;
use super::text::glob;
use crate::fault::broken;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use domain::gate::Arming;
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};
use tokio::sync::watch;

/// The one request that may pass.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GatePattern {
    /// HTTP method, upper case.
    pub method: String,
    /// Glob over the whole address.
    pub url: String,
    /// Connections the page opens again by itself when it is cut off, besides the one for the request.
    pub reconnects: u32,
}

#[derive(Debug)]
pub(crate) struct GateState {
    pattern: GatePattern,
    state: Mutex<State>,
    changed: watch::Sender<u64>,
}

#[derive(Debug, Default)]
struct State {
    /// The held request until somebody takes it.
    held: Option<(Arc<str>, Value)>,
    /// A match was seen: no other may pass.
    used: bool,
    /// Request id that was let through.
    passed: Option<String>,
    answered: Option<u16>,
    /// Only matches are looked at any more, and never let through.
    barred: bool,
    refused: Vec<(String, String)>,
}

/// An armed gate. [`Gate::disarm`] it, or [`Gate::bar`] it after a click; dropped armed it stays shut until the context is disposed of.
#[derive(Debug)]
pub struct Gate {
    context: Arc<ContextInner>,
    state: Arc<GateState>,
}

/// The one matching request, held.
#[derive(Debug)]
pub struct Held {
    /// HTTP method.
    pub method: String,
    /// Address.
    pub url: String,
    /// Headers as the page set them.
    pub headers: Vec<(String, String)>,
    /// Body; contents of attached files may be missing.
    pub body: Option<Bytes>,
    context: Arc<ContextInner>,
    gate: Arc<GateState>,
    session: Arc<str>,
    /// Taken when it is decided.
    id: Option<String>,
}

impl Context {
    /// Arms the gate over all pages, frames and workers of this context.
    ///
    /// # Errors
    /// A page, or the process of the gate, did not confirm: the gate is disarmed again.
    pub async fn arm_gate(&self, pattern: GatePattern) -> Result<Gate, Error> {
        let state =
            Arc::new(GateState { pattern, state: Mutex::default(), changed: watch::channel(0).0 });
        *lock(&self.inner.gate) = Some(Arc::clone(&state));
        let gate = Gate { context: Arc::clone(&self.inner), state };
        let armed = async {
            apply(&self.inner).await?;
            // Once more: a frame that was being set up may have been told the old rule after the new one.
            apply(&self.inner).await?;
            // Last: a request on its way now is cut, and the rule above fails its repetition.
            match &self.inner.tunnels {
                Some(_) if broken("gate-off") => Ok(()),
                Some(tunnels) => tunnels.arm(gate.state.pattern.reconnects).await,
                None => Ok(()),
            }
        };
        match armed.await {
            Ok(()) => Ok(gate),
            Err(e) => {
                let _disarmed = gate.disarm().await;
                Err(e)
            }
        }
    }
}

impl Gate {
    /// Waits until the page has opened its own connections again. False when it has not in time: nothing may be clicked then,
    /// since what is left over would be a second way out for a repetition.
    pub async fn reconnected(&self, deadline: Deadline) -> bool {
        let Some(tunnels) = &self.context.tunnels else { return true };
        let all = tunnels.reconnected(self.state.pattern.reconnects);
        tokio::time::timeout_at(deadline.instant(), all).await.is_ok()
    }

    /// Nothing new leaves any more until there is a permit; what the permit has to name. `None` where the gate has no process. With a
    /// `key` (the coordinator's, hexadecimal) only a permit that it signed is taken.
    ///
    /// # Errors
    /// Why not, a sentence: then there is no use in asking for a permit.
    pub async fn wait(&self, key: Option<String>) -> Result<Option<Arming>, String> {
        match &self.context.tunnels {
            Some(_) if broken("gate-off") => Ok(None),
            Some(tunnels) => tunnels.wait(key).await.map(Some),
            None => Ok(None),
        }
    }

    /// Hands the permit over: one new connection for each host is let out while it lasts.
    ///
    /// # Errors
    /// Why it is not taken, a sentence: then nothing may be clicked.
    pub async fn permit(&self, pass: PassSaid) -> Result<(), String> {
        match &self.context.tunnels {
            Some(_) if broken("gate-off") => Ok(()),
            Some(tunnels) => tunnels.permit(pass).await,
            None => Ok(()),
        }
    }

    /// The click is about to happen.
    ///
    /// # Errors
    /// The permit is over: nothing may be clicked.
    pub async fn clicked(&self) -> Result<(), String> {
        match &self.context.tunnels {
            Some(_) if broken("gate-off") => Ok(()),
            Some(tunnels) => tunnels.clicked().await,
            None => Ok(()),
        }
    }

    /// Nobody knows whether it was sent. Where no connection was let out the gate shuts for good and certifies it; then true.
    pub async fn doubt(&self) -> bool {
        match &self.context.tunnels {
            Some(tunnels) => tunnels.doubt().await,
            None => false,
        }
    }

    /// The one matching request, held; `None` when none came until the deadline.
    ///
    /// # Errors
    /// Its body could not be read.
    pub async fn held(&self, deadline: Deadline) -> Result<Option<Held>, Error> {
        let mut changed = self.state.changed.subscribe();
        loop {
            let held = lock(&self.state.state).held.take();
            if let Some((session, params)) = held {
                return self.read(session, &params).await.map(Some);
            }
            if !self.context.conn().is_alive() {
                return Err(Error::Gone);
            }
            if tokio::time::timeout_at(deadline.instant(), changed.changed()).await.is_err() {
                return Ok(None);
            }
        }
    }

    async fn read(&self, session: Arc<str>, params: &Value) -> Result<Held, Error> {
        let mut body = body_of(params);
        let network = text(params, "/networkId");
        let has_body =
            params.pointer("/request/hasPostData").and_then(Value::as_bool) == Some(true);
        if body.is_none() && has_body && !network.is_empty() {
            let ask = json!({"requestId": network});
            let reply = self.context.conn().call_raw(
                Some(&session),
                "Network.getRequestPostData",
                ask,
                CALL,
            );
            body = Some(Bytes::copy_from_slice(text(&reply.await?, "/postData").as_bytes()));
        }
        Ok(Held {
            method: text(params, "/request/method").to_owned(),
            url: text(params, "/request/url").to_owned(),
            headers: headers(params.pointer("/request/headers")),
            body,
            context: Arc::clone(&self.context),
            gate: Arc::clone(&self.state),
            session,
            id: Some(text(params, "/requestId").to_owned()),
        })
    }

    /// Status of the answer to the request that passed. When it comes, other requests may go
    /// again (matches stay barred until disarm).
    pub async fn answered(&self, deadline: Deadline) -> Option<u16> {
        let mut changed = self.state.changed.subscribe();
        loop {
            if let Some(status) = lock(&self.state.state).answered {
                return Some(status);
            }
            if !self.context.conn().is_alive() {
                return None;
            }
            tokio::time::timeout_at(deadline.instant(), changed.changed()).await.ok()?.ok()?;
        }
    }

    /// Method and address of the requests that were failed while armed.
    #[must_use]
    pub fn refused(&self) -> Vec<(String, String)> {
        lock(&self.state.state).refused.clone()
    }

    /// True once a matching request was seen, held or let through.
    #[must_use]
    pub fn used(&self) -> bool {
        lock(&self.state.state).used
    }

    /// Disarms. A request still held is failed.
    ///
    /// # Errors
    /// The browser is gone.
    pub async fn disarm(self) -> Result<(), Error> {
        self.fail_held().await?;
        *lock(&self.context.gate) = None;
        self.context.tunnels.iter().for_each(Egress::release);
        apply(&self.context).await
    }

    /// Lets everything go but matches: those stay barred until the gate is armed again, or for the rest of the context's life. For
    /// after a click, since a page may send its request again long after the first answer.
    ///
    /// # Errors
    /// The browser is gone.
    pub async fn bar(self) -> Result<(), Error> {
        self.fail_held().await?;
        {
            let mut state = lock(&self.state.state);
            state.used = true;
            state.barred = true;
            state.answered.get_or_insert(0);
        }
        self.context.tunnels.iter().for_each(Egress::release);
        apply(&self.context).await
    }

    async fn fail_held(&self) -> Result<(), Error> {
        let held = lock(&self.state.state).held.take();
        match held {
            Some((session, params)) => {
                fail(self.context.conn(), &session, text(&params, "/requestId")).await
            }
            None => Ok(()),
        }
    }
}

impl Held {
    /// Lets it go.
    ///
    /// # Errors
    /// The browser is gone, or the request was cancelled meanwhile.
    pub async fn proceed(mut self) -> Result<(), Error> {
        let Some(id) = self.id.take() else { return Ok(()) };
        lock(&self.gate.state).passed = Some(id.clone());
        let params = json!({"requestId": id, "interceptResponse": true});
        let conn = self.context.conn();
        conn.call_raw(Some(&self.session), "Fetch.continueRequest", params, CALL).await.map(drop)
    }

    /// Fails it; the page sees a network error.
    ///
    /// # Errors
    /// As [`Held::proceed`].
    pub async fn fail(mut self) -> Result<(), Error> {
        let Some(id) = self.id.take() else { return Ok(()) };
        fail(self.context.conn(), &self.session, &id).await
    }
}

impl Drop for Held {
    /// Undecided means no.
    fn drop(&mut self) {
        let (Some(id), Ok(runtime)) = (self.id.take(), tokio::runtime::Handle::try_current())
        else {
            return;
        };
        let (conn, session) = (Arc::clone(self.context.conn()), Arc::clone(&self.session));
        runtime.spawn(async move {
            // The browser may be gone: then nothing leaves anyway.
            let _failed = fail(&conn, &session, &id).await;
        });
    }
}

async fn fail(conn: &Connection, session: &Arc<str>, id: &str) -> Result<(), Error> {
    let params = json!({"requestId": id, "errorReason": "BlockedByClient"});
    conn.call_raw(Some(session), "Fetch.failRequest", params, CALL).await.map(drop)
}

/// What is intercepted now: answers to documents always (PDF rule), requests while armed.
pub(crate) fn patterns(context: &ContextInner) -> Value {
    let mut list =
        vec![json!({"urlPattern": "*", "resourceType": "Document", "requestStage": "Response"})];
    if let Some(gate) = lock(&context.gate).as_ref() {
        // Once only matches are barred, only they need to be looked at.
        let barred = lock(&gate.state).barred;
        let looked_at = if barred { gate.pattern.url.as_str() } else { "*" };
        list.push(json!({"urlPattern": looked_at, "requestStage": "Request"}));
    }
    json!({"patterns": list})
}

async fn apply(context: &Arc<ContextInner>) -> Result<(), Error> {
    let mut sessions: Vec<Arc<str>> = context.pages().iter().flat_map(|p| p.sessions()).collect();
    sessions.extend(context.hub().workers_of(&context.id));
    let conn = context.conn();
    let calls =
        sessions.iter().map(|s| conn.call_raw(Some(s), "Fetch.enable", patterns(context), CALL));
    for done in futures_util::future::join_all(calls).await {
        match done {
            // Gone meanwhile, or a worker without interception: nothing to gate there.
            Ok(_) | Err(Error::Closed | Error::Crashed | Error::Protocol { .. }) => {}
            Err(e) => return Err(e),
        }
    }
    Ok(())
}

/// A request or answer was paused: decides and answers in a task of its own.
pub(crate) fn paused(
    conn: &Arc<Connection>,
    context: &Arc<ContextInner>,
    session: &str,
    params: &Value,
) {
    let id = text(params, "/requestId").to_owned();
    let gate = lock(&context.gate).clone();
    let status = params.get("responseStatusCode").and_then(Value::as_u64);
    let is_answer = status.is_some() || params.get("responseErrorReason").is_some();
    let (method, answer) = if is_answer {
        if let Some(g) = &gate {
            // An answer with a status ends the exchange: nothing is repeated after it.
            if g.answer(&id, status) && status.is_some() {
                context.tunnels.iter().for_each(Egress::release);
            }
        }
        match pdf_headers(params) {
            Some(headers) => (
                "Fetch.continueResponse",
                json!({"requestId": id,
                "responseCode": status, "responseHeaders": headers}),
            ),
            None => ("Fetch.continueRequest", json!({"requestId": id})),
        }
    } else {
        match gate.as_ref().map_or(Pass::Yes, |g| g.request(session, params)) {
            Pass::Yes => ("Fetch.continueRequest", json!({"requestId": id})),
            Pass::No => {
                ("Fetch.failRequest", json!({"requestId": id, "errorReason": "BlockedByClient"}))
            }
            Pass::Hold => return,
        }
    };
    let (conn, session): (_, Arc<str>) = (Arc::clone(conn), session.into());
    tokio::spawn(async move {
        // Cancelled or gone meanwhile: nothing left to answer.
        let _answered = conn.call_raw(Some(&session), method, answer, CALL).await;
    });
}

#[derive(Debug, PartialEq, Eq)]
enum Pass {
    Yes,
    No,
    Hold,
}

impl GateState {
    fn request(&self, session: &str, params: &Value) -> Pass {
        let (method, url) = (text(params, "/request/method"), text(params, "/request/url"));
        let matching =
            method.eq_ignore_ascii_case(&self.pattern.method) && glob(&self.pattern.url, url);
        let mut state = lock(&self.state);
        if broken("gate-off") || broken("others-not-held") && !matching {
            return Pass::Yes;
        }
        let pass = if matching && !state.used {
            state.used = true;
            state.held = Some((session.into(), params.clone()));
            Pass::Hold
        } else if !matching && state.answered.is_some() {
            Pass::Yes
        } else {
            if state.refused.len() < 1000 {
                state.refused.push((method.to_owned(), url.to_owned()));
            }
            Pass::No
        };
        drop(state);
        self.changed.send_modify(|n| *n += 1);
        pass
    }

    /// Notes the answer, or that there will be none. Whether it was the one to the request that passed.
    fn answer(&self, id: &str, status: Option<u64>) -> bool {
        let mut state = lock(&self.state);
        let ours = state.passed.as_deref() == Some(id);
        if ours && state.answered.is_none() {
            state.answered = Some(status.and_then(|s| u16::try_from(s).ok()).unwrap_or(0));
        }
        drop(state);
        self.changed.send_modify(|n| *n += 1);
        ours
    }
}

pub(crate) fn body_of(params: &Value) -> Option<Bytes> {
    let entries = params.pointer("/request/postDataEntries").and_then(Value::as_array);
    if let Some(entries) = entries {
        let mut out = Vec::new();
        for e in entries {
            out.extend(BASE64_STANDARD.decode(text(e, "/bytes")).ok()?);
        }
        if !out.is_empty() {
            return Some(out.into());
        }
    }
    let plain = params.pointer("/request/postData").and_then(Value::as_str)?;
    Some(Bytes::copy_from_slice(plain.as_bytes()))
}

/// Headers that make Chromium download a PDF instead of showing it; `None` for everything else.
fn pdf_headers(params: &Value) -> Option<Vec<Value>> {
    let list = params.get("responseHeaders")?.as_array()?;
    let named = |h: &Value, name: &str| text(h, "/name").eq_ignore_ascii_case(name);
    let is_pdf = list.iter().any(|h| {
        named(h, "content-type") && text(h, "/value").trim_start().starts_with("application/pdf")
    });
    if !is_pdf {
        return None;
    }
    let given = list.iter().find(|h| named(h, "content-disposition")).map(|h| text(h, "/value"));
    let value = match given {
        Some(v) if v.trim_start().to_ascii_lowercase().starts_with("attachment") => return None,
        Some(v) => v
            .split_once(';')
            .map_or("attachment".to_owned(), |(_, rest)| format!("attachment;{rest}")),
        None => "attachment".to_owned(),
    };
    let mut out: Vec<Value> =
        list.iter().filter(|h| !named(h, "content-disposition")).cloned().collect();
    out.push(json!({"name": "Content-Disposition", "value": value}));
    Some(out)
}

/// Headers of a CDP object as pairs.
pub(crate) fn headers(value: Option<&Value>) -> Vec<(String, String)> {
    let Some(map) = value.and_then(Value::as_object) else { return Vec::new() };
    map.iter().map(|(k, v)| (k.clone(), v.as_str().unwrap_or("").to_owned())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gate() -> GateState {
        let pattern = GatePattern {
            method: "POST".into(),
            url: "https://p.test/submit*".into(),
            reconnects: 0,
        };
        GateState { pattern, state: Mutex::default(), changed: watch::channel(0).0 }
    }

    fn request(id: &str, method: &str, url: &str) -> Value {
        json!({"requestId": id, "request": {"method": method, "url": url}})
    }

    #[test]
    fn one_match_passes_and_nothing_else_until_the_answer() {
        let g = gate();
        assert_eq!(g.request("s", &request("1", "GET", "https://p.test/x")), Pass::No);
        assert_eq!(g.request("s", &request("2", "POST", "https://p.test/submit?a")), Pass::Hold);
        assert_eq!(g.request("s", &request("3", "POST", "https://p.test/submit?a")), Pass::No);
        lock(&g.state).passed = Some("2".into());
        g.answer("3", Some(200));
        assert_eq!(lock(&g.state).answered, None, "somebody else's answer");
        g.answer("2", Some(302));
        assert_eq!(g.request("s", &request("2", "GET", "https://p.test/done")), Pass::Yes);
        assert_eq!(g.request("s", &request("4", "POST", "https://p.test/submit?a")), Pass::No);
        assert_eq!(lock(&g.state).refused.len(), 3);
    }

    #[test]
    fn only_inline_pdfs_become_attachments() {
        let of = |h: Value| pdf_headers(&json!({"responseHeaders": h}));
        let changed = of(json!([{"name": "Content-Type", "value": "application/pdf"},
            {"name": "Content-Disposition", "value": "inline; filename=\"letter.pdf\""}]));
        assert_eq!(
            text(&changed.expect("a PDF")[1], "/value"),
            "attachment; filename=\"letter.pdf\""
        );
        assert!(of(json!([{"name": "Content-Type", "value": "text/html"}])).is_none());
        assert!(
            of(json!([{"name": "content-type", "value": "application/pdf"},
            {"name": "content-disposition", "value": "attachment"}]))
            .is_none()
        );
    }
}
