//! The one press of a commit: the seam that sets the latch before it, and the request that follows it.

use std::{sync::Arc, time::Duration};

use domain::{evidence::Moment, id::IntentId, step::Act, wire::Order};
use futures_util::future::BoxFuture;

use crate::{
    browser::{AboutToAct, Attempted, BeforeInput, Deadline, Found, Gate, Held, Page},
    channel::Doors,
    clock::Allowed,
    fault::{self, Side, broken},
    observe::{self, Observer},
};

/// Presses once and waits for the request it sends; the press may not return before the request does.
pub(super) async fn press(
    page: &Page,
    found: &Found,
    gate: &Gate,
    seam: &mut LatchFirst<'_>,
    request_by: Deadline,
) -> (Attempted<crate::browser::Clicked>, Result<Option<Held>, crate::browser::Error>) {
    let click = page.click_once(&found.stands_for, seam);
    tokio::pin!(click);
    let held = gate.held(request_by);
    tokio::pin!(held);
    tokio::select! {
        biased;
        clicked = &mut click => {
            let held = match &clicked {
                // Pressed, or nobody can tell: the request may still come.
                Attempted::Done(_) | Attempted::Stop(_) => held.await,
                // Stopped before the press, or swallowed by the check: a short look is enough.
                Attempted::Wait(_) => {
                    match tokio::time::timeout(Duration::from_secs(2), held).await {
                        Ok(held) => held,
                        Err(_) => Ok(None),
                    }
                }
            };
            (clicked, held)
        }
        request = &mut held => {
            // The request is held already; the driver's own verdict may follow, or never come.
            let clicked = match tokio::time::timeout(Duration::from_millis(500), click).await {
                Ok(clicked) => clicked,
                Err(_) => Attempted::Wait(crate::browser::Why::Navigating),
            };
            (clicked, request)
        }
    }
}

/// The seam before the one click: picture, permit still good, latch durable; only then the press.
pub(super) struct LatchFirst<'o> {
    pub(super) observe: &'o mut Observer,
    pub(super) gate: &'o Gate,
    pub(super) doors: Arc<dyn Doors>,
    pub(super) element: String,
    pub(super) intent: IntentId,
    pub(super) until: Allowed,
    pub(super) latched: bool,
}

impl BeforeInput for LatchFirst<'_> {
    fn about_to_act<'a>(
        &'a mut self,
        page: &'a Page,
        at: &'a AboutToAct,
    ) -> BoxFuture<'a, Result<(), String>> {
        Box::pin(async move {
            if self.latched {
                return Err("a second press is never made".to_owned());
            }
            let picture = self.observe.picture(page, Moment::AtAct).await;
            self.observe.add_act(Act {
                verb: "click".to_owned(),
                element: Some(self.element.clone()),
                click: Some(observe::click(at)),
                picture,
                at_ms: self.observe.at_ms(),
            });
            let standing = self.doors.standing();
            if self.until.over() || standing.order != Order::Continue || standing.left.is_zero() {
                return Err("the permit is over".to_owned());
            }
            // Counts as set from here on, whatever becomes of the file.
            self.latched = true;
            if broken("latch-after-click") {
                return Ok(());
            }
            if let Err(denied) = self.doors.latch(self.intent).await {
                self.latched = false;
                return Err(format!("the latch could not be set: {denied}"));
            }
            fault::point("click", Side::Before).await;
            self.gate.clicked().await
        })
    }
}
