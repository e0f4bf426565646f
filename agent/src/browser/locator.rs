//! Finding: candidates come from the page script or from Chrome's own accessibility tree; which of
//! them match is decided here.

use super::attempt::{Attempted, Stop, Why};
use super::browser::text;
use super::connection::CALL;
use super::error::Error;
use super::frame::World;
use super::geometry::{Rect, nearest};
use super::page::{Page, PageInner};
use super::query::{By, Facts, Found, Node, Query};
use super::text::{Text, fold};
use futures_util::future::{BoxFuture, join_all};
use serde_json::{Value, json};

/// More matches than this are cut: whoever asks so loosely learns that it is ambiguous.
const MOST: usize = 60;
/// Up to this many matches get role and name from Chrome.
const NAMED: usize = 20;

impl Page {
    /// All matches in all frames (or the frames the query names), hidden ones included.
    ///
    /// # Errors
    /// A bad selector, or the page is gone. Frames that go away meanwhile are left out.
    pub async fn find(&self, query: &Query) -> Result<Vec<Found>, Error> {
        self.inner.alive()?;
        let frames = match (&query.within, &query.frame) {
            (Some(node), _) => vec![node.frame.clone()],
            (None, Some(filter)) => self.frames_named(filter).await?,
            (None, None) => self.inner.frame_states().into_iter().map(|f| f.id).collect(),
        };
        let mut found = Vec::new();
        for list in join_all(frames.iter().map(|f| self.inner.find_in(f, query))).await {
            match list {
                Ok(list) => found.extend(list),
                Err(e) if e.is_stale() => {}
                Err(Error::Crashed) if !self.is_crashed() => {}
                Err(e) => return Err(e),
            }
        }
        if let Some(container) = &query.inside {
            found = self.keep_inside(found, container).await?;
        }
        if let Some((side, anchor)) = &query.beside {
            let anchors = self.find_boxed(anchor).await?;
            let anchors: Vec<&Found> = anchors.iter().filter(|a| a.visible).collect();
            let mut kept: Vec<Found> = Vec::new();
            for anchor in anchors {
                let same = |f: &&Found| {
                    f.visible && f.node.frame == anchor.node.frame && f.node != anchor.node
                };
                let near: Vec<&Found> = found.iter().filter(same).collect();
                let rects: Vec<Rect> = near.iter().map(|f| f.facts.rect).collect();
                for i in nearest(*side, &anchor.facts.rect, &rects) {
                    if !kept.iter().any(|k| k.stands_for == near[i].stands_for) {
                        kept.push(near[i].clone());
                    }
                }
            }
            found = kept;
        }
        if let Some(nth) = query.nth {
            found.retain(|f| f.visible);
            found = found.into_iter().nth(nth.saturating_sub(1)).into_iter().collect();
        }
        Ok(found)
    }

    fn find_boxed<'a>(&'a self, query: &'a Query) -> BoxFuture<'a, Result<Vec<Found>, Error>> {
        Box::pin(self.find(query))
    }

    /// Exactly one visible match. Two matches that stand for the same control are one.
    pub async fn one(&self, query: &Query) -> Attempted<Found> {
        let found = match self.find(query).await {
            Ok(found) => found,
            Err(e) => return Attempted::from_error(e),
        };
        strict(found)
    }

    /// What is known about a node now.
    pub async fn facts(&self, node: &Node) -> Attempted<Found> {
        let facts = self.inner.run_on(node, "facts", json!([])).await;
        let facts: Facts = match facts.map(serde_json::from_value) {
            Ok(Ok(facts)) => facts,
            Ok(Err(_)) => return Attempted::Stop(Stop::Browser(Error::Script("facts"))),
            Err(e) => return Attempted::from_error(e),
        };
        let mut found = vec![self.inner.found(node.clone(), node.clone(), facts)];
        self.inner.name_them(&mut found).await;
        self.inner.place_them(&mut found).await;
        Attempted::Done(found.remove(0))
    }

    /// What a control shows: text, selected label, `true`/`false`. Passwords give dots.
    pub async fn value(&self, node: &Node) -> Attempted<String> {
        self.inner
            .run_on(node, "value", json!([]))
            .await
            .map(|v| v.as_str().unwrap_or("").to_owned())
            .into()
    }

    /// Text of an element, white space collapsed.
    pub async fn text_of(&self, node: &Node) -> Attempted<String> {
        self.inner
            .run_on(node, "text", json!([]))
            .await
            .map(|v| v.as_str().unwrap_or("").to_owned())
            .into()
    }

    async fn keep_inside(&self, found: Vec<Found>, container: &Query) -> Result<Vec<Found>, Error> {
        let containers = self.find_boxed(container).await?;
        let mut kept = Vec::new();
        for f in found {
            if self.inner.is_inside(&f.node, &containers).await? {
                kept.push(f);
            }
        }
        Ok(kept)
    }
}

/// The rule of engine.md §4.4.
pub(crate) fn strict(found: Vec<Found>) -> Attempted<Found> {
    let any = !found.is_empty();
    let mut visible: Vec<Found> = Vec::new();
    for f in found.into_iter().filter(|f| f.visible) {
        if !visible.iter().any(|v| v.stands_for == f.stands_for) {
            visible.push(f);
        }
    }
    match visible.len() {
        0 if any => Attempted::Wait(Why::NotVisible),
        0 => Attempted::Wait(Why::Missing),
        1 => Attempted::Done(visible.remove(0)),
        _ => {
            Attempted::Wait(Why::Ambiguous(visible.iter().take(10).map(Found::describe).collect()))
        }
    }
}

/// Candidates of the page script.
struct Candidates {
    token: i64,
    texts: Vec<Vec<String>>,
    parents: Vec<i64>,
}

impl Candidates {
    fn read(value: &Value) -> Option<Self> {
        Some(Self {
            token: value.get("token")?.as_i64()?,
            texts: serde_json::from_value(value.get("texts")?.clone()).ok()?,
            parents: serde_json::from_value(value.get("parents")?.clone()).ok()?,
        })
    }

    fn chosen(&self, by: &By) -> Vec<usize> {
        let any = |accepts: &dyn Fn(&str) -> bool| {
            (0..self.texts.len())
                .filter(|i| self.texts[*i].iter().any(|t| accepts(t)))
                .collect::<Vec<_>>()
        };
        match by {
            By::Css(_)
            | By::Xpath(_)
            | By::TestId(_)
            | By::Control
            | By::Dialog(None)
            | By::Role(..) => (0..self.texts.len()).collect(),
            By::Label(t) | By::Table(t) | By::Region(t) | By::Dialog(Some(t)) => {
                any(&|s| t.accepts_name(s))
            }
            By::Placeholder(t) | By::Alt(t) | By::Title(t) => any(&|s| t.accepts(s)),
            By::Text(t) => {
                let hits = any(&|s| t.accepts(s));
                // The deepest: no other hit lies below.
                let mut covered = vec![false; self.texts.len()];
                for &hit in &hits {
                    let mut at = self.parents[hit];
                    while let Ok(i) = usize::try_from(at) {
                        covered[i] = true;
                        at = self.parents[i];
                    }
                }
                hits.into_iter().filter(|i| !covered[*i]).collect()
            }
        }
    }
}

impl PageInner {
    async fn find_in(&self, frame: &str, query: &Query) -> Result<Vec<Found>, Error> {
        let world = self.world(frame).await?;
        let mut found = match &query.by {
            By::Role(role, name) => {
                self.by_role(&world, frame, role, name.as_ref(), query.within.as_ref()).await?
            }
            by => self.by_script(&world, frame, by, query.within.as_ref()).await?,
        };
        if !matches!(query.by, By::Role(..)) {
            self.name_them(&mut found).await;
        }
        self.place_them(&mut found).await;
        Ok(found)
    }

    async fn by_script(
        &self,
        world: &World,
        frame: &str,
        by: &By,
        within: Option<&Node>,
    ) -> Result<Vec<Found>, Error> {
        let (kind, arg) = match by {
            By::Css(s) => ("css", json!(s)),
            By::Xpath(s) => ("xpath", json!(s)),
            By::TestId(s) => ("test_id", json!(s)),
            By::Placeholder(_) => ("attr", json!("placeholder")),
            By::Alt(_) => ("attr", json!("alt")),
            By::Title(_) => ("attr", json!("title")),
            By::Label(_) => ("label", Value::Null),
            By::Control => ("control", Value::Null),
            By::Table(_) => ("table", Value::Null),
            By::Dialog(_) => ("dialog", Value::Null),
            By::Region(_) => ("region", Value::Null),
            // The page script may propose by the bare words; the match is ours.
            By::Text(Text::Equals(t) | Text::Contains(t)) => ("text", json!(fold(t))),
            By::Text(Text::Matches(_)) => ("text", Value::Null),
            By::Role(..) => return Err(Error::BadQuery("roles come from Chrome".into())),
        };
        let collected = match within {
            Some(node) => self.run_on(node, "collect", json!([kind, arg])).await?,
            None => self.run(frame, "collect", json!([null, kind, arg])).await?,
        };
        let candidates = Candidates::read(&collected).ok_or(Error::Script("collect"))?;
        let mut chosen = candidates.chosen(by);
        chosen.truncate(MOST);
        if chosen.is_empty() {
            return Ok(Vec::new());
        }
        self.picked(world, frame, candidates.token, &chosen).await
    }

    /// Turns candidates into matches with handles and facts.
    pub(crate) async fn picked(
        &self,
        world: &World,
        frame: &str,
        token: i64,
        chosen: &[usize],
    ) -> Result<Vec<Found>, Error> {
        let array = self.elements(world, "pick", json!([token, chosen])).await?;
        let facts = self.run_object(world, &array, "factsOf", json!([])).await;
        let ids = self.backend_ids(world, &array).await;
        self.release(world, array);
        let facts: Vec<Facts> =
            serde_json::from_value(facts?).map_err(|_| Error::Script("factsOf"))?;
        let loader = self.frame_state(frame).ok_or(Error::Closed)?.loader;
        let ids = ids?;
        let node = |backend: i64| Node { frame: frame.to_owned(), loader: loader.clone(), backend };
        let pairs = facts.into_iter().step_by(2).zip(ids.chunks_exact(2));
        Ok(pairs.map(|(facts, ids)| self.found(node(ids[0]), node(ids[1]), facts)).collect())
    }

    fn found(&self, node: Node, stands_for: Node, facts: Facts) -> Found {
        let frame_url = self.frame_state(&node.frame).map(|f| f.url).unwrap_or_default();
        Found {
            visible: facts.visible,
            rect: facts.rect,
            role: String::new(),
            name: String::new(),
            node,
            stands_for,
            facts,
            frame_url,
        }
    }

    async fn by_role(
        &self,
        world: &World,
        frame: &str,
        role: &str,
        name: Option<&Text>,
        within: Option<&Node>,
    ) -> Result<Vec<Found>, Error> {
        let root = match within {
            Some(node) => json!({"backendNodeId": node.backend, "role": role}),
            None => {
                let params = json!({"expression": "document", "contextId": world.context});
                let reply = self
                    .conn
                    .call_raw(Some(&world.session), "Runtime.evaluate", params, CALL)
                    .await?;
                json!({"objectId": text(&reply, "/result/objectId"), "role": role})
            }
        };
        let reply = self
            .conn
            .call_raw(Some(&world.session), "Accessibility.queryAXTree", root.clone(), CALL)
            .await?;
        if let Some(object) = root.get("objectId").and_then(Value::as_str) {
            self.release(world, object.to_owned());
        }
        let nodes = reply.get("nodes").and_then(Value::as_array).cloned().unwrap_or_default();
        let hits = nodes.iter().filter(|n| {
            let ignored = n.get("ignored").and_then(Value::as_bool) == Some(true);
            !ignored && name.is_none_or(|t| t.accepts_name(text(n, "/name/value")))
        });
        let loader = self.frame_state(frame).ok_or(Error::Closed)?.loader;
        let asked = hits.take(MOST).map(|n| {
            let backend = n.get("backendDOMNodeId").and_then(Value::as_i64).unwrap_or(0);
            let node = Node { frame: frame.to_owned(), loader: loader.clone(), backend };
            let (role, name) =
                (text(n, "/role/value").to_owned(), text(n, "/name/value").to_owned());
            async move { self.ax_found(world, node, role, name).await }
        });
        let mut found = Vec::new();
        for f in join_all(asked).await {
            match f {
                Ok(f) => found.push(f),
                Err(e) if e.is_stale() => {}
                Err(e) => return Err(e),
            }
        }
        Ok(found)
    }

    async fn ax_found(
        &self,
        world: &World,
        node: Node,
        role: String,
        name: String,
    ) -> Result<Found, Error> {
        let (_, object) = self.object(&node).await?;
        let facts = self.run_object(world, &object, "facts", json!([])).await;
        let stands = self.stands_for(world, &object, &node).await;
        self.release(world, object);
        let facts: Facts = serde_json::from_value(facts?).map_err(|_| Error::Script("facts"))?;
        let mut found = self.found(node, stands?, facts);
        (found.role, found.name) = (role, name);
        Ok(found)
    }

    async fn stands_for(&self, world: &World, object: &str, node: &Node) -> Result<Node, Error> {
        let declaration = "function () { return __agent.retarget(this.nodeType === 1 ? this : this.parentElement) }";
        let params = json!({"functionDeclaration": declaration, "objectId": object});
        let reply = self
            .conn
            .call_raw(Some(&world.session), "Runtime.callFunctionOn", params, CALL)
            .await?;
        let other = text(&reply, "/result/objectId").to_owned();
        let described = self
            .conn
            .call_raw(Some(&world.session), "DOM.describeNode", json!({"objectId": other}), CALL)
            .await?;
        self.release(world, other);
        let backend = described
            .pointer("/node/backendNodeId")
            .and_then(Value::as_i64)
            .unwrap_or(node.backend);
        Ok(Node { backend, ..node.clone() })
    }

    /// Role and name by Chrome, for the first few.
    async fn name_them(&self, found: &mut [Found]) {
        let asked = found.iter().take(NAMED).map(|f| async {
            let session = self.frame_state(&f.node.frame)?.session;
            let params = json!({"backendNodeId": f.node.backend, "fetchRelatives": false});
            let reply = self
                .conn
                .call_raw(Some(&session), "Accessibility.getPartialAXTree", params, CALL)
                .await
                .ok()?;
            let node = reply.pointer("/nodes/0")?;
            Some((text(node, "/role/value").to_owned(), text(node, "/name/value").to_owned()))
        });
        // A node without a name keeps an empty one.
        let named = join_all(asked).await;
        for (f, named) in found.iter_mut().zip(named) {
            if let Some((role, name)) = named {
                (f.role, f.name) = (role, name);
            }
        }
    }

    /// Maps boxes of frames to the page's viewport.
    async fn place_them(&self, found: &mut [Found]) {
        let Some(first) = found.first() else { return };
        // All of one call are in one frame; without a map the local box stays.
        let frame = first.node.frame.clone();
        if let Ok(Some(map)) = self.frame_map(&frame).await {
            for f in found {
                f.rect = map.rect(&f.facts.rect);
            }
        }
    }

    /// How a frame's viewport lies in the page's: `None` for the main frame.
    pub(crate) async fn frame_map(&self, frame: &str) -> Result<Option<FrameMap>, Error> {
        let mut map: Option<FrameMap> = None;
        let mut at = frame.to_owned();
        while let Some(owner) = self.owner(&at).await? {
            let step = self.run_on(&owner, "frameMap", json!([])).await?;
            let step: FrameMap =
                serde_json::from_value(step).map_err(|_| Error::Script("frameMap"))?;
            map = Some(map.map_or(step, |inner| inner.then(&step)));
            at = owner.frame;
        }
        Ok(map)
    }

    async fn is_inside(&self, node: &Node, containers: &[Found]) -> Result<bool, Error> {
        let mut at = node.clone();
        loop {
            for c in containers.iter().filter(|c| c.node.frame == at.frame) {
                if self.contains(&c.node, &at).await? {
                    return Ok(true);
                }
            }
            match self.owner(&at.frame).await? {
                Some(owner) => at = owner,
                None => return Ok(false),
            }
        }
    }

    /// True when the first holds the second in the flat tree of one document.
    pub(crate) async fn contains(&self, outer: &Node, inner: &Node) -> Result<bool, Error> {
        let ((world, a), (_, b)) = (self.object(outer).await?, self.object(inner).await?);
        let params = json!({"functionDeclaration": "function (n) { return __agent.contains(this, n) }",
            "objectId": a, "arguments": [{"objectId": b}], "returnByValue": true});
        let reply =
            self.conn.call_raw(Some(&world.session), "Runtime.callFunctionOn", params, CALL).await;
        self.release(&world, a);
        self.release(&world, b);
        Ok(reply?.pointer("/result/value").and_then(Value::as_bool) == Some(true))
    }
}

/// Origin and scale of a frame's content in an outer viewport.
#[derive(Debug, Clone, Copy, serde::Deserialize)]
pub(crate) struct FrameMap {
    x: f64,
    y: f64,
    sx: f64,
    sy: f64,
}

impl FrameMap {
    fn then(&self, outer: &Self) -> Self {
        Self {
            x: outer.x + self.x * outer.sx,
            y: outer.y + self.y * outer.sy,
            sx: self.sx * outer.sx,
            sy: self.sy * outer.sy,
        }
    }

    pub(crate) fn rect(&self, r: &Rect) -> Rect {
        Rect {
            x: self.x + r.x * self.sx,
            y: self.y + r.y * self.sy,
            width: r.width * self.sx,
            height: r.height * self.sy,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_deepest_text_wins() {
        let c = Candidates {
            token: 1,
            texts: vec![
                vec![" Save all ".into()],
                vec!["Save all".into()],
                vec!["all".into()],
                vec!["SAVE ALL".into()],
            ],
            parents: vec![-1, 0, 1, -1],
        };
        assert_eq!(c.chosen(&By::Text(Text::equals("save all"))), vec![1, 3]);
        assert_eq!(c.chosen(&By::Text(Text::contains("all"))), vec![2, 3]);
    }

    #[test]
    fn maps_of_nested_frames_add_up() {
        let inner = FrameMap { x: 10.0, y: 20.0, sx: 1.0, sy: 1.0 };
        let outer = FrameMap { x: 100.0, y: 0.0, sx: 0.5, sy: 0.5 };
        let r = inner.then(&outer).rect(&Rect { x: 4.0, y: 4.0, width: 10.0, height: 10.0 });
        assert_eq!(r, Rect { x: 107.0, y: 12.0, width: 5.0, height: 5.0 });
    }
}
