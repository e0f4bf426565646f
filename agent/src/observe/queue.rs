//! The one ordered queue to the doors, so that a step's end never overtakes its beginning.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use domain::step::Step;
use tokio::sync::{mpsc, oneshot};

use crate::channel::{Denied, Doors, Item};

/// One thing on its way.
pub(super) enum Job {
    Steps(Vec<Step>),
    Keep(Item),
    Settled(oneshot::Sender<Result<(), Denied>>),
}

/// Takes everything to the doors in order, and tells on demand whether all of it arrived.
pub(super) async fn carry(
    doors: Arc<dyn Doors>,
    mut jobs: mpsc::Receiver<Job>,
    ended: Arc<AtomicBool>,
) {
    let mut first: Option<Denied> = None;
    while let Some(job) = jobs.recv().await {
        let done = match job {
            Job::Steps(steps) => doors.steps(steps).await,
            Job::Keep(item) => doors.keep(item).await,
            Job::Settled(tell) => {
                let result = first.take().map_or(Ok(()), Err);
                let _ = tell.send(result);
                continue;
            }
        };
        if let Err(denied) = done {
            if denied == Denied::LeaseEnded {
                ended.store(true, Ordering::Relaxed);
            } else {
                tracing::warn!(error = %denied, "a step or its evidence could not be kept");
            }
            first.get_or_insert(denied);
        }
    }
}
