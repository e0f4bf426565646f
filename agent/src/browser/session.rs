//! Setting up a session of a page (the page itself or an out-of-process frame) while it is paused,
//! and what each of its events means.

use super::browser::text;
use super::connection::{CALL, Connection, lock};
use super::context::ContextInner;
use super::dialog;
use super::event::Event;
use super::frame::{FrameState, SCRIPT, WORLD, World};
use super::gate;
use super::navigate::NavigationError;
use super::page::{PageInner, PageState, Pending};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// Bodies of requests up to this size are kept for a while: Chromium forgets them at the next commit.
const BODY_CAP: usize = 256 << 10;

/// Sets up a page or out-of-process frame that waits for us, then lets it run.
pub(crate) async fn set_up(page: Arc<PageInner>, session: Arc<str>, target: String, top: bool) {
    let Some(context) = page.context.upgrade() else { return };
    let (width, height) = context.browser.config.window;
    let attach = json!({"autoAttach": true, "waitForDebuggerOnStart": true, "flatten": true});
    let script = json!({"source": SCRIPT, "worldName": WORLD, "runImmediately": true});
    let mut calls: Vec<(&'static str, Value)> = vec![
        ("Page.enable", json!({})),
        ("Page.setLifecycleEventsEnabled", json!({"enabled": true})),
        ("Network.enable", json!({"maxPostDataSize": 1 << 20})),
        ("Network.setBypassServiceWorker", json!({"bypass": true})),
        ("Fetch.enable", gate::patterns(&context)),
        ("Runtime.enable", json!({})),
        ("Runtime.addBinding", json!({"name": "__agentSignal", "executionContextName": WORLD})),
        ("Page.addScriptToEvaluateOnNewDocument", script),
        ("DOM.enable", json!({})),
        ("Inspector.enable", json!({})),
        ("Target.setAutoAttach", attach),
    ];
    if top {
        let size =
            json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": false});
        calls.push(("Emulation.setDeviceMetricsOverride", size));
        calls.push(("Emulation.setFocusEmulationEnabled", json!({"enabled": true})));
    }
    if let Some(zone) = lock(&context.timezone).as_deref() {
        calls.push(("Emulation.setTimezoneOverride", json!({"timezoneId": zone})));
    }
    calls.push(("Page.getFrameTree", json!({})));
    calls.push(("Runtime.runIfWaitingForDebugger", json!({})));
    drop(context);
    let conn = Arc::clone(&page.conn);
    let sent = calls.into_iter().map(|(method, params)| {
        let (conn, session) = (&conn, &session);
        async move { (method, conn.call_raw(Some(session), method, params, CALL).await) }
    });
    for (method, reply) in futures_util::future::join_all(sent).await {
        match reply {
            Ok(reply) if method == "Page.getFrameTree" => {
                if let Some(tree) = reply.get("frameTree") {
                    known_frames(&mut lock(&page.state), &session, &target, tree, None);
                }
            }
            Ok(_) => {}
            Err(e) => tracing::debug!(method, error = %e, "set-up of a page was not complete"),
        }
    }
    if top {
        page.ready.send_replace(true);
        if let Some(c) = page.context.upgrade() {
            c.bump();
        }
    }
    page.bump();
}

/// Workers only need the gate.
pub(crate) async fn set_up_worker(
    conn: &Connection,
    context: &Arc<ContextInner>,
    session: Arc<str>,
) {
    let calls =
        [("Fetch.enable", gate::patterns(context)), ("Runtime.runIfWaitingForDebugger", json!({}))];
    let sent = calls.map(|(method, params)| conn.call_raw(Some(&session), method, params, CALL));
    // Some kinds of workers have no interception; all can be resumed.
    let _replies = futures_util::future::join_all(sent).await;
}

/// Resumes and leaves a target that is none of ours.
pub(crate) async fn let_go(conn: &Connection, session: Arc<str>) {
    let _resumed =
        conn.call_raw(Some(&session), "Runtime.runIfWaitingForDebugger", json!({}), CALL).await;
    let params = json!({"sessionId": &*session});
    let _left = conn.call_raw(None, "Target.detachFromTarget", params, CALL).await;
}

fn known_frames(
    state: &mut PageState,
    session: &Arc<str>,
    target: &str,
    tree: &Value,
    parent: Option<&str>,
) {
    let Some(frame) = tree.get("frame") else { return };
    let id = text(frame, "/id").to_owned();
    // The tree was read before later events: never overwrite what those said.
    let known = state.frames.iter().position(|f| f.id == id);
    let at = known.unwrap_or_else(|| {
        state.frames.push(FrameState::new(&id, parent, Arc::clone(session)));
        state.frames.len() - 1
    });
    let entry = &mut state.frames[at];
    let told = entry.told_by.as_ref() == Some(session);
    if !told && entry.loader != text(frame, "/loaderId") {
        take_document(entry, session, frame);
        entry.parsed = true;
    }
    if entry.parent.is_none() && id != target {
        entry.parent = parent.map(str::to_owned);
    }
    if entry.parent.is_none() {
        let given = text(frame, "/parentId");
        entry.parent = (!given.is_empty()).then(|| given.to_owned());
    }
    for child in tree.get("childFrames").and_then(Value::as_array).into_iter().flatten() {
        known_frames(state, session, target, child, Some(&id));
    }
}

fn take_document(frame: &mut FrameState, session: &Arc<str>, document: &Value) {
    let loader = text(document, "/loaderId").to_owned();
    if frame.loader != loader {
        let old = std::mem::replace(&mut frame.loader, loader);
        frame.past.push(old);
        if frame.past.len() > 20 {
            frame.past.remove(0);
        }
    }
    frame.session = Arc::clone(session);
    frame.url = format!("{}{}", text(document, "/url"), text(document, "/urlFragment"));
    frame.name = text(document, "/name").to_owned();
    frame.parsed = false;
}

/// One event of one session of a page.
pub(crate) fn event(page: &Arc<PageInner>, session: &str, method: &str, params: &Value) {
    match method {
        "Page.javascriptDialogOpening" => dialog::opened(page, session, params),
        "Fetch.requestPaused" => {
            if let Some(c) = page.context.upgrade() {
                gate::paused(&page.conn, &c, session, params);
            }
        }
        "Runtime.bindingCalled" => signal(page, params),
        m if m.starts_with("Network.") => network(page, session, m, params),
        m => {
            let changed = frames(&mut lock(&page.state), session, m, params);
            if m == "Page.frameNavigated" {
                let main = params.pointer("/frame/parentId").is_none();
                page.emit(Event::Navigated {
                    page: page.id.clone(),
                    frame: text(params, "/frame/id").to_owned(),
                    url: text(params, "/frame/url").to_owned(),
                    main,
                });
            }
            if changed {
                page.bump();
            }
        }
    }
}

fn signal(page: &PageInner, params: &Value) {
    if text(params, "/name") != "__agentSignal" {
        return;
    }
    let said: Value = serde_json::from_str(text(params, "/payload")).unwrap_or_default();
    let mut state = lock(&page.state);
    state.last_change = Instant::now();
    for toast in said.get("toasts").and_then(Value::as_array).into_iter().flatten() {
        if let (Some(t), true) = (toast.as_str(), state.live.len() < 200) {
            state.live.push(t.to_owned());
        }
    }
    drop(state);
    page.bump();
}

/// Frames, documents and worlds; true when somebody should look again.
fn frames(state: &mut PageState, session: &str, method: &str, params: &Value) -> bool {
    let session: Arc<str> = session.into();
    let id = text(params, "/frameId");
    match method {
        "Page.frameAttached" => attached(state, &session, id, text(params, "/parentFrameId")),
        "Page.frameDetached" => {
            if text(params, "/reason") != "swap" {
                remove(state, id);
            }
        }
        "Page.frameNavigated" => navigated(state, &session, params),
        "Page.navigatedWithinDocument" => {
            if let Some(f) = state.frames.iter_mut().find(|f| f.id == id) {
                text(params, "/url").clone_into(&mut f.url);
            }
            state.pending.remove(id);
        }
        "Page.frameStartedNavigating" => {
            if !text(params, "/navigationType").to_ascii_lowercase().contains("samedocument") {
                begin(state, id, Some(text(params, "/loaderId")));
            }
        }
        "Page.frameRequestedNavigation" => {
            if text(params, "/disposition") == "currentTab" {
                begin(state, id, None);
            }
        }
        "Page.fileChooserOpened" => {
            let input = params.get("backendNodeId").and_then(Value::as_i64);
            state.chooser = input.map(|i| (id.to_owned(), i));
        }
        "Page.lifecycleEvent" => {
            if text(params, "/name") != "DOMContentLoaded" {
                return false;
            }
            let loader = text(params, "/loaderId");
            if let Some(f) = state.frames.iter_mut().find(|f| f.id == id && f.loader == loader) {
                f.parsed = true;
            }
        }
        "Runtime.executionContextCreated" => {
            let of = text(params, "/context/auxData/frameId");
            let context = params.pointer("/context/id").and_then(Value::as_i64);
            let (true, Some(context)) = (text(params, "/context/name") == WORLD, context) else {
                return false;
            };
            if let Some(f) = state.frames.iter_mut().find(|f| f.id == of) {
                f.world = Some(World { session, context });
            }
        }
        "Runtime.executionContextDestroyed" => {
            let context = params.get("executionContextId").and_then(Value::as_i64);
            let is = |w: &World| w.session == session && Some(w.context) == context;
            for f in state.frames.iter_mut().filter(|f| f.world.as_ref().is_some_and(is)) {
                f.world = None;
            }
        }
        "Runtime.executionContextsCleared" => {
            let is = |w: &World| w.session == session;
            for f in state.frames.iter_mut().filter(|f| f.world.as_ref().is_some_and(is)) {
                f.world = None;
            }
        }
        _ => return false,
    }
    true
}

fn attached(state: &mut PageState, session: &Arc<str>, id: &str, parent: &str) {
    match state.frames.iter_mut().find(|f| f.id == id) {
        // An out-of-process frame came back into its parent's process.
        Some(f) => {
            f.session = Arc::clone(session);
            f.parent = Some(parent.to_owned());
        }
        None => state.frames.push(FrameState::new(id, Some(parent), Arc::clone(session))),
    }
    state.last_change = Instant::now();
}

fn navigated(state: &mut PageState, session: &Arc<str>, params: &Value) {
    let Some(document) = params.get("frame") else { return };
    let id = text(document, "/id");
    let parent = text(document, "/parentId");
    if !state.frames.iter().any(|f| f.id == id) {
        let parent = (!parent.is_empty()).then_some(parent);
        state.frames.push(FrameState::new(id, parent, Arc::clone(session)));
    }
    // The documents of its children are gone with the old document.
    let children: Vec<String> = state
        .frames
        .iter()
        .filter(|f| f.parent.as_deref() == Some(id))
        .map(|f| f.id.clone())
        .collect();
    for child in children {
        remove(state, &child);
    }
    if let Some(f) = state.frames.iter_mut().find(|f| f.id == id) {
        take_document(f, session, document);
        f.told_by = Some(Arc::clone(session));
    }
    state.pending.remove(id);
    state.last_change = Instant::now();
}

fn remove(state: &mut PageState, id: &str) {
    let mut gone = vec![id.to_owned()];
    while let Some(id) = gone.pop() {
        gone.extend(
            state.frames.iter().filter(|f| f.parent.as_ref() == Some(&id)).map(|f| f.id.clone()),
        );
        state.frames.retain(|f| f.id != id || f.parent.is_none());
        state.pending.remove(&id);
    }
}

fn begin(state: &mut PageState, frame: &str, loader: Option<&str>) {
    let loader = loader.filter(|l| !l.is_empty()).map(str::to_owned);
    if loader.is_none() && state.pending.contains_key(frame) {
        return;
    }
    // A commit that was told before its beginning is not a beginning.
    if let (Some(l), Some(f)) = (&loader, state.frames.iter().find(|f| f.id == frame))
        && (&f.loader == l || f.past.contains(l))
    {
        return;
    }
    state.pending.insert(frame.to_owned(), Pending { loader, since: Instant::now() });
}

fn network(page: &PageInner, session: &str, method: &str, params: &Value) {
    let id = text(params, "/requestId").to_owned();
    let frame = text(params, "/frameId").to_owned();
    let kind = text(params, "/type").to_owned();
    match method {
        "Network.requestWillBeSent" => {
            if let Some(redirect) = params.get("redirectResponse") {
                response(page, &id, &frame, &kind, redirect);
            }
            let mut state = lock(&page.state);
            if kind == "Document" && text(params, "/loaderId") == id {
                begin(&mut state, &frame, Some(&id));
            }
            if state.requests.len() > 2000 {
                state.requests.drain(..1000);
            }
            let body = gate::body_of(params).filter(|b| b.len() <= BODY_CAP);
            state.requests.push(super::page::Sent {
                id: id.clone(),
                session: session.into(),
                body,
            });
            drop(state);
            let of = |p: &str| text(params, p).to_owned();
            page.emit(Event::Request {
                page: page.id.clone(),
                frame,
                id,
                method: of("/request/method"),
                url: of("/request/url"),
                kind,
                headers: gate::headers(params.pointer("/request/headers")),
                has_body: params.pointer("/request/hasPostData").and_then(Value::as_bool)
                    == Some(true),
            });
        }
        "Network.responseReceived" => {
            let status = params.get("response").map(|r| response(page, &id, &frame, &kind, r));
            if kind == "Document" {
                let mut state = lock(&page.state);
                state.status.push((id, status.unwrap_or(0)));
                if state.status.len() > 100 {
                    state.status.remove(0);
                }
                if matches!(status, Some(204 | 205)) {
                    state.pending.remove(&frame);
                }
            }
        }
        "Network.loadingFinished" => {
            let bytes = params.get("encodedDataLength").and_then(Value::as_f64).unwrap_or(0.0);
            page.emit(Event::Finished { page: page.id.clone(), id, bytes: bytes.max(0.0) as u64 });
            return;
        }
        "Network.loadingFailed" => {
            let error = text(params, "/errorText").to_owned();
            let cancelled = params.get("canceled").and_then(Value::as_bool) == Some(true);
            failed(page, &id, &error, cancelled);
            page.emit(Event::Failed { page: page.id.clone(), id, error });
        }
        _ => return,
    }
    page.bump();
}

fn failed(page: &PageInner, id: &str, error: &str, cancelled: bool) {
    let mut state = lock(&page.state);
    let frames: Vec<String> = state
        .pending
        .iter()
        .filter(|(_, p)| p.loader.as_deref() == Some(id))
        .map(|(f, _)| f.clone())
        .collect();
    for frame in frames {
        let since = state.pending.remove(&frame).map_or(Duration::ZERO, |p| p.since.elapsed());
        if frame == page.id && !cancelled {
            state.navigation_error = Some(NavigationError::from_net(error, since));
        }
    }
}

/// Tells of an answer; gives its status.
fn response(page: &PageInner, id: &str, frame: &str, kind: &str, response: &Value) -> u16 {
    let status = response
        .get("status")
        .and_then(Value::as_u64)
        .and_then(|s| u16::try_from(s).ok())
        .unwrap_or(0);
    let headers = gate::headers(response.get("headers"));
    if matches!(status, 429 | 503) {
        let asked = headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("retry-after"));
        lock(&page.state).retry_after = asked.map(|(_, value)| value.chars().take(64).collect());
    }
    page.emit(Event::Response {
        page: page.id.clone(),
        frame: frame.to_owned(),
        id: id.to_owned(),
        url: text(response, "/url").to_owned(),
        status,
        mime: text(response, "/mimeType").to_owned(),
        headers,
        kind: kind.to_owned(),
    });
    status
}
