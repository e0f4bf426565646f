//! Finding: what a query means over all frames of a page, containers and relations included, and strictness.
//! Which elements of one frame match is decided in `candidates`.

use super::attempt::{Attempted, Stop, Why};
use super::error::Error;
use super::geometry::{Rect, nearest};
use super::page::{Page, PageInner};
use super::query::{Facts, Found, Node, Query};
use futures_util::future::{BoxFuture, join_all};
use serde_json::json;

impl Page {
    /// All matches in all frames (or the frames the query names), hidden ones included, with their boxes in the page's
    /// viewport.
    ///
    /// # Errors
    /// A bad selector, or the page is gone. Frames that go away meanwhile are left out.
    pub async fn find(&self, query: &Query) -> Result<Vec<Found>, Error> {
        let mut found = self.seek(query).await?;
        self.inner.place_them(&mut found).await;
        Ok(found)
    }

    /// As [`Page::find`], with boxes as they lie in their own frames: enough to tell what is there.
    ///
    /// # Errors
    /// As [`Page::find`].
    pub async fn seek(&self, query: &Query) -> Result<Vec<Found>, Error> {
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
            let anchors = self.seek_boxed(anchor).await?;
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

    fn seek_boxed<'a>(&'a self, query: &'a Query) -> BoxFuture<'a, Result<Vec<Found>, Error>> {
        Box::pin(self.seek(query))
    }

    /// Exactly one visible match. Two matches that stand for the same control are one.
    pub async fn one(&self, query: &Query) -> Attempted<Found> {
        let mut found = match self.find(query).await {
            Ok(found) => found,
            Err(e) => return Attempted::from_error(e),
        };
        if found.len() > 1 {
            self.inner.name_them(&mut found).await;
        }
        strict(found)
    }

    /// Matches as a person is told of them: Chrome's role and name, and the place on the page. Page text; mask it.
    pub async fn describe(&self, found: &[Found]) -> Vec<String> {
        let mut found: Vec<Found> = found.iter().take(10).cloned().collect();
        self.inner.name_them(&mut found).await;
        self.inner.place_them(&mut found).await;
        found.iter().map(Found::describe).collect()
    }

    /// The match with its box in the page's viewport.
    pub async fn placed(&self, mut found: Found) -> Found {
        self.inner.place_them(std::slice::from_mut(&mut found)).await;
        found
    }

    /// What is known about a node now.
    pub async fn facts(&self, node: &Node) -> Attempted<Found> {
        let facts = self.inner.run_on(node, "facts", json!([])).await;
        let facts: Facts = match facts.map(serde_json::from_value) {
            Ok(Ok(facts)) => facts,
            Ok(Err(_)) => return Attempted::Stop(Stop::Browser(Error::Script("facts"))),
            Err(e) => return Attempted::from_error(e),
        };
        let frame_url = self.inner.frame_state(&node.frame).map(|f| f.url).unwrap_or_default();
        let mut found = Found {
            visible: facts.visible,
            rect: facts.rect,
            role: String::new(),
            name: String::new(),
            node: node.clone(),
            stands_for: node.clone(),
            facts,
            frame_url,
        };
        self.inner.name_them(std::slice::from_mut(&mut found)).await;
        Attempted::Done(self.placed(found).await)
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
        let containers = self.seek_boxed(container).await?;
        let mut kept = Vec::new();
        for f in self.inner.near_first(found, &containers).await? {
            match f {
                (f, true) => kept.push(f),
                (f, false) => {
                    // Through the frames around it.
                    if !containers.is_empty()
                        && self.inner.frame_inside(&f.node, &containers).await?
                    {
                        kept.push(f);
                    }
                }
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

impl PageInner {
    /// Maps boxes of frames to the page's viewport; without a map the local box stays.
    async fn place_them(&self, found: &mut [Found]) {
        let mut maps: Vec<(String, Option<FrameMap>)> = Vec::new();
        for f in found {
            let frame = &f.node.frame;
            if !maps.iter().any(|(known, _)| known == frame) {
                let map = self.frame_map(frame).await.ok().flatten();
                maps.push((frame.clone(), map));
            }
            if let Some((_, Some(map))) = maps.iter().find(|(known, _)| known == frame) {
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

    /// Which of these lie in one of the containers of their own document; one question per document.
    async fn near_first(
        &self,
        found: Vec<Found>,
        containers: &[Found],
    ) -> Result<Vec<(Found, bool)>, Error> {
        let mut told: Vec<(Node, Vec<i64>)> = Vec::new();
        for f in &found {
            if told.iter().any(|(at, _)| at.frame == f.node.frame) {
                continue;
            }
            let inner: Vec<i64> = found
                .iter()
                .filter(|other| other.node.context == f.node.context)
                .map(|other| other.node.number)
                .collect();
            let outer: Vec<i64> = containers
                .iter()
                .filter(|c| c.node.context == f.node.context && c.node.frame == f.node.frame)
                .map(|c| c.node.number)
                .collect();
            let held = if outer.is_empty() {
                Vec::new()
            } else {
                let held = self.run(&f.node.frame, "held", json!([outer, inner])).await?;
                serde_json::from_value(held).map_err(|_| Error::Script("held"))?
            };
            told.push((f.node.clone(), held));
        }
        let holds = |f: &Found| {
            told.iter().any(|(at, held)| {
                at.frame == f.node.frame
                    && at.context == f.node.context
                    && held.contains(&f.node.number)
            })
        };
        Ok(found
            .into_iter()
            .map(|f| {
                let near = holds(&f);
                (f, near)
            })
            .collect())
    }

    /// Whether the element that holds a node's frame lies in one of the containers, or that of an outer frame.
    async fn frame_inside(&self, node: &Node, containers: &[Found]) -> Result<bool, Error> {
        let mut at = node.clone();
        loop {
            match self.owner(&at.frame).await? {
                Some(owner) => at = owner,
                None => return Ok(false),
            }
            for c in containers.iter().filter(|c| c.node.frame == at.frame) {
                if self.contains(&c.node, &at).await? {
                    return Ok(true);
                }
            }
        }
    }

    /// True when the first holds the second in the flat tree of one document.
    pub(crate) async fn contains(&self, outer: &Node, inner: &Node) -> Result<bool, Error> {
        if outer.context != inner.context {
            return Ok(false);
        }
        Ok(self.run_on(outer, "contains", json!([inner.number])).await?.as_bool() == Some(true))
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
    fn maps_of_nested_frames_add_up() {
        let inner = FrameMap { x: 10.0, y: 20.0, sx: 1.0, sy: 1.0 };
        let outer = FrameMap { x: 100.0, y: 0.0, sx: 0.5, sy: 0.5 };
        let r = inner.then(&outer).rect(&Rect { x: 4.0, y: 4.0, width: 10.0, height: 10.0 });
        assert_eq!(r, Rect { x: 107.0, y: 12.0, width: 5.0, height: 5.0 });
    }
}
