//! The pointer action (engine.md §5.3): ready, scrolled, the point checked in every frame, the guard
//! armed, the observer told, then the events, then the verdict. Each function is one try.

use super::attempt::{Attempted, Deadline, NotDone, Stop, Tries, Why};
use super::error::Error;
use super::geometry::{Point, Rect};
use super::page::Page;
use super::query::{Node, Query};
use futures_util::future::{BoxFuture, try_join_all};
use serde::Deserialize;
use serde_json::{Value, json};
use std::time::Duration;

/// A page's own handlers run before a press or release is confirmed.
const HANDLERS: Duration = Duration::from_secs(30);
/// How long after the release the click may take to be told.
const VERDICT: Duration = Duration::from_millis(300);

/// After so many tries what covers a control is no passing guest.
const PATIENT: u32 = 4;

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
    /// Pressed and released on the target, yet it got no click: the page took it out and put it back in between.
    pub lost: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Pointer {
    Click,
    DoubleClick,
    Hover,
}

impl Pointer {
    /// What must hold before.
    fn needs(self) -> &'static [&'static str] {
        match self {
            Self::Hover => &["stable", "visible"],
            Self::Click | Self::DoubleClick => &["stable", "visible", "enabled"],
        }
    }

    /// The page's event that ends it; none where nothing is guarded.
    fn last(self) -> Option<&'static str> {
        match self {
            Self::Hover => None,
            Self::Click => Some("click"),
            Self::DoubleClick => Some("dblclick"),
        }
    }
}

/// The answer to everything that is asked before a press.
#[derive(Deserialize)]
struct Aimed {
    state: String,
    #[serde(default)]
    at: Option<Spot>,
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
    lost: bool,
}

impl Page {
    /// One try at a click. `attempt` counts tries: scroll strategies cycle with it. A click that got lost between press
    /// and release is tried again.
    pub async fn try_click(
        &self,
        node: &Node,
        attempt: u32,
        before: &mut dyn BeforeInput,
    ) -> Attempted<Clicked> {
        match self.pointer(node, attempt, Pointer::Click, before).await {
            Attempted::Done(clicked) if clicked.lost => Attempted::Wait(Why::Detached),
            tried => tried,
        }
    }

    /// The one click of an act that must never happen twice: once the page was told of a press it has happened.
    pub async fn click_once(
        &self,
        node: &Node,
        before: &mut dyn BeforeInput,
    ) -> Attempted<Clicked> {
        self.pointer(node, 0, Pointer::Click, before).await
    }

    /// One try at the one click of an act that must not happen twice, where earlier tries found the way barred.
    pub async fn click_once_at(
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
        let at = match self.aim(node, attempt, how).await {
            Ok(at) => at,
            Err(end) => return end.into_attempted(),
        };
        if let Err(reason) = before.about_to_act(self, &at).await {
            let _disarmed = self.inner.run(&node.frame, "disarm", json!([])).await;
            return Attempted::Stop(Stop::Refused(reason));
        }
        let (sent, verdict) = self.strike(node, at.point, how).await;
        if let Err(e) = sent {
            // A press that closed the page, its opener or its process has happened.
            return match e {
                Error::Closed if verdict.is_none() => {
                    Attempted::Done(Clicked { at, partly: true, lost: false })
                }
                e => Attempted::from_error(e),
            };
        }
        match verdict {
            // The document is gone: the click happened.
            None => Attempted::Done(Clicked { at, partly: false, lost: false }),
            Some(v) if v.hit.is_empty() => Attempted::Wait(match v.by {
                Some(by) => Why::Covered(by),
                None => Why::Other("the press did not arrive at its frame".into()),
            }),
            Some(v) => {
                let (partly, lost) = (!v.swallowed.is_empty(), v.lost);
                Attempted::Done(Clicked { at, partly, lost })
            }
        }
    }

    /// Checks states in the page; `Err` says what to do instead.
    pub(crate) async fn ready(&self, node: &Node, needs: &[&str]) -> Result<(), End> {
        let state = self.inner.run_on(node, "ready", json!([needs])).await?;
        is_ready(state.as_str().unwrap_or(""))
    }

    /// Where a pointer would go that only moves there.
    pub(crate) async fn spot(&self, node: &Node) -> Result<AboutToAct, End> {
        self.aim(node, 0, Pointer::Hover).await
    }

    /// Checks the states, scrolls into view and finds the point, checked in the frame and in every frame around it. The
    /// guard is armed when it gives a point. A neighbour that stays over the middle is gone round.
    async fn aim(&self, node: &Node, attempt: u32, act: Pointer) -> Result<AboutToAct, End> {
        let how = ["needed", "end", "center", "start"][attempt as usize % 4];
        let asked = json!([act.needs(), how, act.last(), attempt >= PATIENT]);
        let aimed = self.inner.run_on(node, "aim", asked).await?;
        let aimed: Aimed = serde_json::from_value(aimed).map_err(|_| Error::Script("aim"))?;
        is_ready(&aimed.state)?;
        let spot = aimed.at.ok_or(End::Wait(Why::OutsideViewport))?;
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

    /// The events, and what the guard saw of them. All are sent before any is answered: the less time between press and
    /// release, the less can change in between.
    async fn strike(
        &self,
        node: &Node,
        at: Point,
        how: Pointer,
    ) -> (Result<(), Error>, Option<Verdict>) {
        let Some(_) = how.last() else { return (self.mouse("mouseMoved", at, 0).await, None) };
        let told = self.inner.run(&node.frame, "verdict", json!([]));
        tokio::pin!(told);
        let sent = self.send_pointer(at, how);
        tokio::pin!(sent);
        let (sent, told) = tokio::select! {
            biased;
            told = &mut told => (sent.await, Some(told)),
            sent = &mut sent => (sent, tokio::time::timeout(VERDICT, told).await.ok()),
        };
        let verdict = match told {
            Some(Ok(told)) => serde_json::from_value(told).ok(),
            _ => None,
        };
        match verdict {
            Some(verdict) => {
                self.inner.flushed_now(&node.frame);
                (sent, Some(verdict))
            }
            // The document is going away, or no click came at all.
            None => (sent, self.verdict(node).await),
        }
    }

    async fn send_pointer(&self, at: Point, how: Pointer) -> Result<(), Error> {
        self.inner.acted();
        let presses = match how {
            Pointer::Hover => 0,
            Pointer::Click => 1,
            Pointer::DoubleClick => 2,
        };
        let mut events = vec![self.mouse("mouseMoved", at, 0)];
        for count in 1..=presses {
            events.push(self.mouse("mousePressed", at, count));
            events.push(self.mouse("mouseReleased", at, count));
        }
        try_join_all(events).await.map(drop)
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

/// What the page script says of the states, as what to do instead.
fn is_ready(state: &str) -> Result<(), End> {
    Err(End::Wait(match state {
        "ok" => return Ok(()),
        "moved" => Why::Moved,
        "hidden" => Why::NotVisible,
        "disabled" => Why::Disabled,
        "readonly" => Why::ReadOnly,
        _ => Why::Detached,
    }))
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
