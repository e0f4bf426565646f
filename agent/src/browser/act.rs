//! The pointer action (engine.md §5.3): ready, scrolled, the point checked in every frame, the guard
//! armed, the observer told, then the events, then the verdict. Each function is one try.

use super::attempt::{Attempted, Deadline, NotDone, Stop, Tries, Why};
use super::error::Error;
use super::geometry::{Point, Rect};
use super::page::Page;
use super::query::{Node, Query};
use futures_util::future::BoxFuture;
use serde::Deserialize;
use serde_json::{Value, json};
use std::time::Duration;

/// A page's own handlers run before a press or release is confirmed.
const HANDLERS: Duration = Duration::from_secs(30);

/// Facts at the moment before the mouse moves. CSS pixels.
#[derive(Debug, Clone, PartialEq)]
pub struct AboutToAct {
    /// What is acted on.
    pub node: Node,
    /// Where, in the page's viewport.
    pub point: Point,
    /// Its box in the page's viewport.
    pub target: Rect,
    /// Width and height of the page's viewport.
    pub viewport: (f64, f64),
    /// Scroll offset of the main document.
    pub scroll: Point,
    /// Device pixels per CSS pixel.
    pub pixel_ratio: f64,
}

/// The observation seam takes its picture here. An error means: no act.
pub trait BeforeInput: Send {
    /// Called after the point is known and before the mouse moves.
    fn about_to_act<'a>(
        &'a mut self,
        page: &'a Page,
        at: &'a AboutToAct,
    ) -> BoxFuture<'a, Result<(), String>>;
}

/// Observes nothing.
#[derive(Debug, Default)]
pub struct Unobserved;

impl BeforeInput for Unobserved {
    fn about_to_act<'a>(
        &'a mut self,
        _: &'a Page,
        _: &'a AboutToAct,
    ) -> BoxFuture<'a, Result<(), String>> {
        Box::pin(async { Ok(()) })
    }
}

/// A pointer action that reached its target.
#[derive(Debug, Clone, PartialEq)]
pub struct Clicked {
    /// Where it happened.
    pub at: AboutToAct,
    /// True when the page was told of the press but not of the whole click, since the target
    /// changed under it.
    pub partly: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Pointer {
    Click,
    DoubleClick,
    Hover,
}

#[derive(Deserialize)]
struct Spot {
    x: f64,
    y: f64,
    rect: Rect,
    covered: Option<String>,
    viewport: (f64, f64),
    scroll: Point,
    ratio: f64,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct FrameSpot {
    refused: bool,
    x: f64,
    y: f64,
    inside: bool,
    covered: Option<String>,
}

#[derive(Deserialize)]
struct Verdict {
    hit: Vec<String>,
    swallowed: Vec<String>,
    by: Option<String>,
}

impl Page {
    /// One try at a click. `attempt` counts tries: scroll strategies cycle with it.
    pub async fn try_click(
        &self,
        node: &Node,
        attempt: u32,
        before: &mut dyn BeforeInput,
    ) -> Attempted<Clicked> {
        self.pointer(node, attempt, Pointer::Click, before).await
    }

    /// One try at a double click.
    pub async fn try_double_click(
        &self,
        node: &Node,
        attempt: u32,
        before: &mut dyn BeforeInput,
    ) -> Attempted<Clicked> {
        self.pointer(node, attempt, Pointer::DoubleClick, before).await
    }

    /// One try at moving the mouse over an element.
    pub async fn try_hover(
        &self,
        node: &Node,
        attempt: u32,
        before: &mut dyn BeforeInput,
    ) -> Attempted<Clicked> {
        self.pointer(node, attempt, Pointer::Hover, before).await
    }

    /// Resolves strictly and clicks, until the deadline; then the barrier.
    ///
    /// # Errors
    /// The last reason to wait, or why it cannot work.
    pub async fn click(
        &self,
        query: &Query,
        deadline: Deadline,
        before: &mut dyn BeforeInput,
    ) -> Result<Clicked, NotDone> {
        let mut tries = Tries::until(deadline);
        loop {
            let tried = match self.one(query).await {
                Attempted::Done(found) => {
                    self.try_click(&found.stands_for, tries.count(), before).await
                }
                Attempted::Wait(w) => Attempted::Wait(w),
                Attempted::Stop(s) => Attempted::Stop(s),
            };
            if let Some(clicked) = tries.next(tried).await? {
                self.settle(deadline).await;
                return Ok(clicked);
            }
        }
    }

    async fn pointer(
        &self,
        node: &Node,
        attempt: u32,
        how: Pointer,
        before: &mut dyn BeforeInput,
    ) -> Attempted<Clicked> {
        let needs: &[&str] = match how {
            Pointer::Hover => &["stable", "visible"],
            Pointer::Click | Pointer::DoubleClick => &["stable", "visible", "enabled"],
        };
        if let Err(end) = self.ready(node, needs).await {
            return end.into_attempted();
        }
        let at = match self.aim(node, attempt).await {
            Ok(at) => at,
            Err(end) => return end.into_attempted(),
        };
        if let Err(e) = self.inner.run_on(node, "arm", json!([])).await {
            return Attempted::from_error(e);
        }
        if let Err(reason) = before.about_to_act(self, &at).await {
            let _disarmed = self.inner.run(&node.frame, "disarm", json!([])).await;
            return Attempted::Stop(Stop::Refused(reason));
        }
        let sent = self.send_pointer(at.point, how).await;
        let verdict = self.verdict(node).await;
        if let Err(e) = sent {
            // A press that closed the page, its opener or its process has happened.
            return match e {
                Error::Closed if verdict.is_none() => Attempted::Done(Clicked { at, partly: true }),
                e => Attempted::from_error(e),
            };
        }
        match verdict {
            // The document is gone: the click happened.
            None => Attempted::Done(Clicked { at, partly: false }),
            Some(_) if how == Pointer::Hover => Attempted::Done(Clicked { at, partly: false }),
            Some(v) if v.hit.is_empty() => Attempted::Wait(match v.by {
                Some(by) => Why::Covered(by),
                None => Why::Other("the press did not arrive at its frame".into()),
            }),
            Some(v) => Attempted::Done(Clicked { at, partly: !v.swallowed.is_empty() }),
        }
    }

    /// Checks states in the page; `Err` says what to do instead.
    pub(crate) async fn ready(&self, node: &Node, needs: &[&str]) -> Result<(), End> {
        let state = self.inner.run_on(node, "ready", json!([needs])).await?;
        Err(End::Wait(match state.as_str().unwrap_or("") {
            "ok" => return Ok(()),
            "moved" => Why::Moved,
            "hidden" => Why::NotVisible,
            "disabled" => Why::Disabled,
            "readonly" => Why::ReadOnly,
            _ => Why::Detached,
        }))
    }

    /// Scrolls into view and finds the point, checked in the frame and in every frame around it.
    async fn aim(&self, node: &Node, attempt: u32) -> Result<AboutToAct, End> {
        let how = ["needed", "end", "center", "start"][attempt as usize % 4];
        self.inner.run_on(node, "scroll", json!([how])).await?;
        let spot = self.inner.run_on(node, "point", json!([])).await?;
        if spot.is_null() {
            return Err(End::Wait(Why::OutsideViewport));
        }
        let spot: Spot = serde_json::from_value(spot).map_err(|_| Error::Script("point"))?;
        if let Some(by) = spot.covered {
            return Err(End::Wait(Why::Covered(by)));
        }
        let mut at = AboutToAct {
            node: node.clone(),
            point: Point { x: spot.x, y: spot.y },
            target: spot.rect,
            viewport: spot.viewport,
            scroll: spot.scroll,
            pixel_ratio: spot.ratio,
        };
        let mut frame = node.frame.clone();
        let mut moved = false;
        while let Some(owner) = self.inner.owner(&frame).await? {
            let outer =
                self.inner.run_on(&owner, "framePoint", json!([at.point.x, at.point.y])).await?;
            let outer: FrameSpot =
                serde_json::from_value(outer).map_err(|_| Error::Script("framePoint"))?;
            if outer.refused {
                return Err(End::Wait(Why::Other("its frame is rotated or skewed".into())));
            }
            if !outer.inside {
                return Err(End::Wait(Why::OutsideViewport));
            }
            if let Some(by) = outer.covered {
                return Err(End::Wait(Why::Covered(by)));
            }
            at.point = Point { x: outer.x, y: outer.y };
            frame = owner.frame;
            moved = true;
        }
        if moved {
            if let Some(map) = self.inner.frame_map(&node.frame).await? {
                at.target = map.rect(&at.target);
            }
            let view = self.inner.run(&frame, "viewport", json!([])).await?;
            let (viewport, scroll, ratio) =
                serde_json::from_value(view).map_err(|_| Error::Script("viewport"))?;
            (at.viewport, at.scroll, at.pixel_ratio) = (viewport, scroll, ratio);
        }
        Ok(at)
    }

    async fn send_pointer(&self, at: Point, how: Pointer) -> Result<(), Error> {
        self.mouse("mouseMoved", at, 0).await?;
        let presses = match how {
            Pointer::Hover => 0,
            Pointer::Click => 1,
            Pointer::DoubleClick => 2,
        };
        for count in 1..=presses {
            self.mouse("mousePressed", at, count).await?;
            self.mouse("mouseReleased", at, count).await?;
        }
        Ok(())
    }

    async fn mouse(&self, kind: &str, at: Point, count: u32) -> Result<(), Error> {
        let button = if count > 0 { "left" } else { "none" };
        let buttons = u32::from(kind == "mousePressed");
        let params = json!({"type": kind, "x": at.x, "y": at.y, "button": button, "buttons": buttons, "clickCount": count});
        self.inner.alive()?;
        let inner = &self.inner;
        inner
            .conn
            .call_raw(Some(&inner.session), "Input.dispatchMouseEvent", params, HANDLERS)
            .await
            .map(drop)
    }

    /// What the guard saw; `None` when the document is gone.
    async fn verdict(&self, node: &Node) -> Option<Verdict> {
        if self.inner.frame_state(&node.frame)?.loader != node.loader {
            return None;
        }
        let verdict: Value = self.inner.run(&node.frame, "disarm", json!([])).await.ok()?;
        serde_json::from_value(verdict).ok()
    }
}

/// How a step of a try ended early.
#[derive(Debug)]
pub(crate) enum End {
    Wait(Why),
    Failed(Error),
    Stop(Stop),
}

impl End {
    pub(crate) fn into_attempted<T>(self) -> Attempted<T> {
        match self {
            Self::Wait(w) => Attempted::Wait(w),
            Self::Failed(e) => Attempted::from_error(e),
            Self::Stop(s) => Attempted::Stop(s),
        }
    }
}

impl From<Error> for End {
    fn from(e: Error) -> Self {
        Self::Failed(e)
    }
}

impl<T> From<Result<T, End>> for Attempted<T> {
    fn from(r: Result<T, End>) -> Self {
        match r {
            Ok(t) => Self::Done(t),
            Err(end) => end.into_attempted(),
        }
    }
}
