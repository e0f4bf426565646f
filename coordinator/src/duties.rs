//! The background duties as one table: name, period, and the one `flow` function each calls.

use std::{future::Future, pin::Pin, time::Duration};

use domain::time::Timestamp;
use tokio::{
    sync::watch,
    task::JoinSet,
    time::{MissedTickBehavior, interval},
};

use crate::{
    clock::{self, Clock, Jumps},
    flow::{self, Core},
};

type Run =
    for<'c> fn(&'c Core, Timestamp) -> Pin<Box<dyn Future<Output = flow::Result<()>> + Send + 'c>>;

/// A duty.
pub struct Duty {
    /// Its name, in logs and the audit.
    pub name: &'static str,
    /// Rest between two runs.
    pub period: Duration,
    run: Run,
}

/// Every duty.
pub const DUTIES: [Duty; 4] = [
    Duty {
        name: "sweep",
        period: Duration::from_secs(1),
        run: |core, now| Box::pin(async move { flow::sweep::sweep(core, now).await.map(drop) }),
    },
    Duty {
        name: "plan",
        period: Duration::from_secs(1),
        run: |core, now| Box::pin(async move { flow::plan::plan(core, now).await.map(drop) }),
    },
    Duty {
        name: "route",
        period: Duration::from_secs(2),
        run: |core, now| Box::pin(async move { flow::nowhere::route(core, now).await.map(drop) }),
    },
    Duty {
        name: "tidy",
        period: Duration::from_secs(3600),
        run: |core, now| Box::pin(async move { flow::sweep::tidy(core, now).await }),
    },
];

impl Duty {
    /// Runs the duty once.
    ///
    /// # Errors
    /// What the `flow` function met.
    pub async fn once(&self, core: &Core, now: Timestamp) -> flow::Result<()> {
        (self.run)(core, now).await
    }
}

/// Runs every duty until `stop` says true. A duty that fails is told once per kind of failure and tried again at its next turn.
#[must_use]
pub fn start(core: &Core, clock: &Clock, stop: &watch::Receiver<bool>) -> JoinSet<()> {
    let mut running = JoinSet::new();
    for duty in DUTIES {
        let (mut core, clock, mut stop) = (core.clone(), clock.clone(), stop.clone());
        running.spawn(async move {
            let mut turns = interval(duty.period);
            turns.set_missed_tick_behavior(MissedTickBehavior::Delay);
            let mut told = String::new();
            let mut jumps = Jumps::default();
            loop {
                tokio::select! {
                    _ = turns.tick() => {}
                    _ = stop.wait_for(|s| *s) => return,
                }
                let now = clock.now();
                // A clock that is set by hand (tests) jumps on purpose.
                let machine = matches!(clock, Clock::System).then(clock::machine_ms).flatten();
                if duty.name == "sweep"
                    && let Some(by_ms) = machine.and_then(|machine| jumps.look(now, machine))
                {
                    // As after a start: nothing ends for one length of a lease.
                    core.started_at = now;
                    if let Err(error) = flow::quarantine::clock_jumped(&core, by_ms, now).await {
                        tracing::error!(%error, "the jump of the clock was not written down");
                    }
                }
                match duty.once(&core, now).await {
                    Ok(()) => told.clear(),
                    Err(e) if told == e.to_string() => {}
                    Err(e) => {
                        // Display says nothing of patients; the debug form may hold the database's text, which does not either.
                        tracing::error!(duty = duty.name, error = ?e, "a duty failed; it will be tried again");
                        told = e.to_string();
                    }
                }
            }
        });
    }
    running
}
