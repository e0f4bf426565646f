//! The frames of a page in one tree across sessions, their isolated worlds, and running the page
//! script in them.

use super::attempt::Deadline;
use super::browser::text;
use super::connection::{CALL, lock};
use super::error::Error;
use super::page::{Page, PageInner};
use super::query::Node;
use super::text::glob;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

/// The page script.
pub(crate) const SCRIPT: &str = include_str!("page_script.js");
/// Name of the isolated world.
pub(crate) const WORLD: &str = "agent";

#[derive(Debug, Clone)]
pub(crate) struct FrameState {
    pub(crate) id: String,
    pub(crate) parent: Option<String>,
    pub(crate) session: Arc<str>,
    pub(crate) name: String,
    pub(crate) url: String,
    pub(crate) loader: String,
    pub(crate) world: Option<World>,
    /// The session that last told of a commit in this frame.
    pub(crate) told_by: Option<Arc<str>>,
    /// Its document is parsed (DOMContentLoaded).
    pub(crate) parsed: bool,
    /// Loader ids of earlier documents, newest last, at most 20.
    pub(crate) past: Vec<String>,
    /// The element that holds it, once asked for.
    pub(crate) owner: Option<Node>,
    /// Loader id and Chrome's backend id of its document, once asked for.
    pub(crate) document: Option<(String, i64)>,
}

/// An isolated world: valid for one document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct World {
    pub(crate) session: Arc<str>,
    pub(crate) context: i64,
}

impl FrameState {
    pub(crate) fn new(id: &str, parent: Option<&str>, session: Arc<str>) -> Self {
        Self {
            id: id.to_owned(),
            parent: parent.map(str::to_owned),
            session,
            name: String::new(),
            url: String::new(),
            loader: String::new(),
            world: None,
            told_by: None,
            parsed: false,
            past: Vec::new(),
            owner: None,
            document: None,
        }
    }

    /// A node of its document, by its number in this world.
    pub(crate) fn node(&self, world: &World, number: i64) -> Node {
        Node { frame: self.id.clone(), loader: self.loader.clone(), context: world.context, number }
    }
}

/// One frame as others see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FrameInfo {
    /// Frame id.
    pub id: String,
    /// Frame id of the parent; `None`: the main frame.
    pub parent: Option<String>,
    /// `name` of the frame.
    pub name: String,
    /// Document title.
    pub title: String,
    /// Address.
    pub url: String,
    /// Loader id of the document.
    pub loader: String,
}

impl Page {
    /// All frames, parents before children, document order among siblings as far as known.
    ///
    /// # Errors
    /// The page is gone.
    pub async fn frames(&self) -> Result<Vec<FrameInfo>, Error> {
        self.inner.alive()?;
        let frames = self.inner.frame_states();
        let titles = frames.iter().map(|f| async {
            // A frame that goes away meanwhile has no title.
            let look = self.inner.run(&f.id, "title", json!([])).await;
            look.ok().and_then(|v| v.as_str().map(str::to_owned)).unwrap_or_default()
        });
        let titles = futures_util::future::join_all(titles).await;
        Ok(frames
            .into_iter()
            .zip(titles)
            .map(|(f, title)| FrameInfo {
                id: f.id,
                parent: f.parent,
                name: f.name,
                title,
                url: f.url,
                loader: f.loader,
            })
            .collect())
    }

    /// Ids of the frames a filter names: name, title or address glob; `outer > inner`.
    pub(crate) async fn frames_named(&self, filter: &str) -> Result<Vec<String>, Error> {
        let frames = self.frames().await?;
        let mut inside: Option<Vec<String>> = None;
        for part in filter.split('>').map(str::trim) {
            let fits = |f: &&FrameInfo| {
                let own = f.name == part || f.title.trim() == part || glob(part, &f.url);
                let under = inside
                    .as_ref()
                    .is_none_or(|outer| f.parent.as_ref().is_some_and(|p| outer.contains(p)));
                own && under && (f.parent.is_some() || inside.is_none())
            };
            let hits: Vec<&FrameInfo> = frames.iter().filter(fits).collect();
            // The main document is meant only when no child frame fits.
            let child = hits.iter().any(|f| f.parent.is_some());
            inside = Some(
                hits.iter()
                    .filter(|f| !child || f.parent.is_some())
                    .map(|f| f.id.clone())
                    .collect(),
            );
        }
        Ok(inside.unwrap_or_default())
    }
}

impl PageInner {
    pub(crate) fn frame_states(&self) -> Vec<FrameState> {
        let frames = lock(&self.state).frames.clone();
        let mut ordered: Vec<FrameState> = Vec::with_capacity(frames.len());
        let mut queue: Vec<Option<String>> = vec![None];
        while let Some(parent) = queue.pop() {
            let children: Vec<_> = frames
                .iter()
                .filter(|f| f.parent == parent && (parent.is_some() || f.id == self.id))
                .cloned()
                .collect();
            queue.extend(children.iter().rev().map(|c| Some(c.id.clone())));
            ordered.extend(children);
        }
        ordered
    }

    pub(crate) fn frame_state(&self, frame: &str) -> Option<FrameState> {
        lock(&self.state).frames.iter().find(|f| f.id == frame).cloned()
    }

    /// The isolated world of a frame, waiting for a document that is just being set up.
    pub(crate) async fn world(&self, frame: &str) -> Result<World, Error> {
        let look = |s: &mut super::page::PageState| match s.frames.iter().find(|f| f.id == frame) {
            None => Some(Err(Error::Closed)),
            Some(f) => f.world.clone().map(Ok),
        };
        if let Some(found) = self.until(Deadline::within(Duration::from_millis(400)), look).await? {
            return found;
        }
        // The browser made no world for this document by itself: make one.
        let session = self.frame_state(frame).ok_or(Error::Closed)?.session;
        let params = json!({"frameId": frame, "worldName": WORLD});
        let made =
            self.conn.call_raw(Some(&session), "Page.createIsolatedWorld", params, CALL).await?;
        let context = made.get("executionContextId").and_then(Value::as_i64);
        let world = World { session, context: context.ok_or(Error::Closed)? };
        self.inject(&world).await?;
        if let Some(f) = lock(&self.state).frames.iter_mut().find(|f| f.id == frame) {
            f.world = Some(world.clone());
        }
        Ok(world)
    }

    async fn inject(&self, world: &World) -> Result<(), Error> {
        let params = json!({"expression": SCRIPT, "contextId": world.context});
        self.conn.call_raw(Some(&world.session), "Runtime.evaluate", params, CALL).await.map(drop)
    }

    /// Runs a function of the page script in a frame and gives its value.
    pub(crate) async fn run(
        &self,
        frame: &str,
        function: &'static str,
        args: Value,
    ) -> Result<Value, Error> {
        let world = self.world(frame).await?;
        let declaration = format!("async (...a) => __agent.{function}(...a)");
        let params = json!({
            "functionDeclaration": declaration, "executionContextId": world.context,
            "arguments": plain(&args).collect::<Vec<_>>(), "returnByValue": true, "awaitPromise": true,
        });
        self.value(&world, function, params).await
    }

    /// Runs a function of the page script with a node as first argument.
    pub(crate) async fn run_on(
        &self,
        node: &Node,
        function: &'static str,
        args: Value,
    ) -> Result<Value, Error> {
        let world = self.world_of(node).await?;
        // The answer is wrapped, to tell "nothing" from "the node is gone".
        let declaration = format!(
            "async (n, ...a) => {{ const e = __agent.numbered(n); return e ? [await __agent.{function}(e, ...a)] : null }}"
        );
        let mut arguments = vec![json!({"value": node.number})];
        arguments.extend(plain(&args));
        let params = json!({
            "functionDeclaration": declaration, "executionContextId": world.context,
            "arguments": arguments, "returnByValue": true, "awaitPromise": true,
        });
        match self.value(&world, function, params).await? {
            Value::Array(mut answer) => Ok(answer.pop().unwrap_or(Value::Null)),
            _ => Err(Error::Closed),
        }
    }

    /// Keeps the backend id of a frame's document for later looks.
    pub(crate) fn remember_document(&self, frame: &str, loader: &str, backend: i64) {
        if let Some(f) = lock(&self.state).frames.iter_mut().find(|f| f.id == frame) {
            f.document = Some((loader.to_owned(), backend));
        }
    }

    pub(crate) async fn value(
        &self,
        world: &World,
        function: &'static str,
        params: Value,
    ) -> Result<Value, Error> {
        let call = || {
            self.conn.call_raw(Some(&world.session), "Runtime.callFunctionOn", params.clone(), CALL)
        };
        let mut reply = call().await?;
        if text(&reply, "/exceptionDetails/exception/className") == "ReferenceError" {
            self.inject(world).await?;
            reply = call().await?;
        }
        check(&reply, function)?;
        Ok(reply.pointer_mut("/result/value").map(Value::take).unwrap_or(Value::Null))
    }

    /// The isolated world a node was seen from; an error where its document is gone.
    async fn world_of(&self, node: &Node) -> Result<World, Error> {
        let frame = self.frame_state(&node.frame).ok_or(Error::Closed)?;
        if frame.loader != node.loader {
            return Err(Error::Closed);
        }
        let world = self.world(&node.frame).await?;
        if world.context == node.context { Ok(world) } else { Err(Error::Closed) }
    }

    /// The remote object of a node, for commands that take one. Release it.
    pub(crate) async fn object(&self, node: &Node) -> Result<(World, String), Error> {
        let world = self.world_of(node).await?;
        let params = json!({
            "functionDeclaration": "(n) => __agent.numbered(n)", "executionContextId": world.context,
            "arguments": [{"value": node.number}],
        });
        let reply = self
            .conn
            .call_raw(Some(&world.session), "Runtime.callFunctionOn", params, CALL)
            .await?;
        match text(&reply, "/result/objectId") {
            "" => Err(Error::Closed),
            object => Ok((world, object.to_owned())),
        }
    }

    /// The node behind one of Chrome's backend ids.
    pub(crate) async fn node_of(&self, frame: &str, backend: i64) -> Result<Node, Error> {
        let state = self.frame_state(frame).ok_or(Error::Closed)?;
        let world = self.world(frame).await?;
        let params = json!({"backendNodeId": backend, "executionContextId": world.context});
        let reply =
            self.conn.call_raw(Some(&world.session), "DOM.resolveNode", params, CALL).await?;
        let object = text(&reply, "/object/objectId").to_owned();
        let params = json!({"functionDeclaration": "function () { return __agent.numberOf(this) }",
            "objectId": object, "returnByValue": true});
        let number = self.value(&world, "numberOf", params).await;
        self.release(&world, object);
        let number = number?.as_i64().ok_or(Error::Script("numberOf"))?;
        Ok(state.node(&world, number))
    }

    /// Lets go of an object; nobody waits for it.
    pub(crate) fn release(&self, world: &World, object: String) {
        self.let_go(world, "Runtime.releaseObject", json!({"objectId": object}));
    }

    /// Lets go of all objects of a group; nobody waits for it.
    pub(crate) fn release_group(&self, world: &World, group: String) {
        self.let_go(world, "Runtime.releaseObjectGroup", json!({"objectGroup": group}));
    }

    fn let_go(&self, world: &World, method: &'static str, params: Value) {
        let (conn, session) = (Arc::clone(&self.conn), Arc::clone(&world.session));
        tokio::spawn(async move {
            // It dies with its document anyway.
            let _released = conn.call_raw(Some(&session), method, params, CALL).await;
        });
    }

    /// The element that holds a frame, in the parent's document.
    pub(crate) async fn owner(&self, frame: &str) -> Result<Option<Node>, Error> {
        let state = self.frame_state(frame).ok_or(Error::Closed)?;
        let Some(parent) = state.parent else { return Ok(None) };
        let parent = self.frame_state(&parent).ok_or(Error::Closed)?;
        // A frame keeps its element for life; only the parent's document or world can be another one.
        let same = |known: &Node| {
            known.loader == parent.loader
                && parent.world.as_ref().is_some_and(|w| w.context == known.context)
        };
        if let Some(known) = state.owner.filter(same) {
            return Ok(Some(known));
        }
        let params = json!({"frameId": frame});
        let reply =
            self.conn.call_raw(Some(&parent.session), "DOM.getFrameOwner", params, CALL).await?;
        let backend = reply.get("backendNodeId").and_then(Value::as_i64);
        let backend = backend.ok_or(Error::Decode { method: "DOM.getFrameOwner" })?;
        let owner = self.node_of(&parent.id, backend).await?;
        if let Some(f) = lock(&self.state).frames.iter_mut().find(|f| f.id == frame) {
            f.owner = Some(owner.clone());
        }
        Ok(Some(owner))
    }
}

fn plain(args: &Value) -> impl Iterator<Item = Value> {
    args.as_array().into_iter().flatten().map(|a| json!({"value": a}))
}

/// An exception in our script is a bug of ours or a hostile page, except selectors given to us.
fn check(reply: &Value, function: &'static str) -> Result<(), Error> {
    let Some(details) = reply.get("exceptionDetails") else { return Ok(()) };
    let class = text(details, "/exception/className");
    if matches!(class, "DOMException" | "SyntaxError") && matches!(function, "collect" | "matches")
    {
        return Err(Error::BadQuery("the selector is not valid".into()));
    }
    tracing::debug!(function, class, "the page script threw");
    Err(Error::Script(function))
}
