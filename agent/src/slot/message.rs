//! Attempts without a browser: by a channel of messages, and by the stand-in of the fault tests.

use std::{panic::AssertUnwindSafe, sync::Arc};

use domain::wire::{End, Fenced, Leased};
use futures_util::FutureExt as _;

use super::{Ran, Shared, lost, overdue, room};
use crate::{
    attempt::{self, LeaseClock},
    channel::{
        self,
        talk::{self, Exchange},
    },
    mask::Masker,
    observe::Observer,
};
#[cfg(feature = "faults")]
use crate::{
    channel::{Doors, Errand},
    fault::{self, Side},
};

/// An attempt by a channel without a page, under the same watch as one at a portal.
pub(super) async fn work(
    shared: &Shared,
    leased: &Leased,
    fenced: Fenced,
    clock: &Arc<LeaseClock>,
) -> Result<Ran, End> {
    let (Some(way), Some(endpoint)) = (channel::way(leased.channel), &leased.endpoint) else {
        return Err(lost("channel_not_worked", "this program does not work the channel"));
    };
    let (_folder, doors) = room(shared, leased, fenced, clock)
        .map_err(|error| lost("no_folder", &error.to_string()))?;
    let mut observe = Observer::new(Arc::clone(&doors), Masker::for_inputs(&leased.inputs), false);
    let exchange = Exchange {
        endpoint,
        payer: &leased.payer,
        task: leased.task,
        purpose: leased.purpose,
        inputs: &leased.inputs,
        http: &shared.http,
        control: leased.control,
    };
    let run = AssertUnwindSafe(talk::run(way, &exchange, doors, &mut observe)).catch_unwind();
    let end = tokio::select! {
        end = run => match end {
            Ok(end) => end,
            Err(_) => {
                let what = "the attempt's own code failed";
                return Err(attempt::broken_end(clock.is_latched(), "agent_failed", what));
            }
        },
        () = overdue(clock) => clock.is_latched().then(|| {
            attempt::broken_end(true, "lease_ended", "the lease ended after the request")
        }),
    };
    if let Err(denied) = observe.settled().await {
        tracing::warn!(error = %denied, "some steps or evidence did not arrive");
    }
    Ok(Ran { end, ..Ran::default() })
}

/// An attempt without a browser, under the same watch.
#[cfg(feature = "faults")]
pub(super) async fn stand_in(
    payer: std::net::SocketAddr,
    errand: &Errand,
    doors: Arc<dyn Doors>,
    clock: &LeaseClock,
) -> Ran {
    fault::point("launch", Side::Before).await;
    fault::point("launch", Side::After).await;
    let end = tokio::select! {
        end = crate::channel::standin::run(payer, errand, doors) => end,
        () = overdue(clock) => clock.is_latched().then(|| {
            attempt::broken_end(true, "lease_ended", "the lease ended after the click")
        }),
    };
    Ran { end, ..Ran::default() }
}
