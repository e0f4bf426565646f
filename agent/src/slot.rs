//! A slot: room for one attempt at a time, with the portal session it keeps between jobs. Panics stop here.

mod choice;
mod message;
mod prepare;

pub(crate) use choice::best;

use std::{
    collections::BTreeMap,
    panic::AssertUnwindSafe,
    sync::{Arc, atomic::AtomicU64},
    time::Duration,
};

use domain::{
    channel::Channel,
    drift::{Drift, Remembered, healed_nothing},
    outcome::{Failure, FailureKind},
    script::Bundle,
    wire::{End, Fenced, Leased, Order, Release, Report},
};
use futures_util::FutureExt as _;
use tokio::time::Instant;

use crate::{
    attempt::{self, FleetDoors, LeaseClock},
    browser::Browser,
    channel::{
        Doors, Errand,
        portal::{self, Finished, Session, SessionOf},
    },
    coordinator::Coordinator,
    fault::{self, Side},
    mask::Masker,
    observe::Observer,
    polite::Pace,
    spool::Spool,
};

/// Once the click may have happened, the page already shown may be captured for this long after the lease.
const CAPTURE_GRACE: Duration = Duration::from_secs(30);
/// How long an attempt may take to notice that it must stop, before its context is taken away.
const STOP_GRACE: Duration = Duration::from_secs(4);
/// How often the lease is looked at.
const LOOK: Duration = Duration::from_millis(150);

/// A slot.
#[derive(Default)]
pub struct Slot {
    kept: Option<Kept>,
}

/// What a slot keeps between jobs: a living session and how to leave it.
struct Kept {
    session: Session,
    pace: Pace,
    errand: Errand,
    since: Instant,
}

/// What all slots of an agent share.
pub struct Shared {
    /// The coordinator.
    pub coordinator: Coordinator,
    /// Latches, reports, and what the coordinator could not take.
    pub spool: Spool,
    /// How channels without a browser reach their hosts.
    pub http: crate::http::Http,
    /// Scripts by hash.
    pub scripts: tokio::sync::Mutex<std::collections::BTreeMap<String, Arc<Bundle>>>,
}

impl Slot {
    /// Whose session it keeps, if any.
    #[must_use]
    pub fn session_of(&self) -> Option<&SessionOf> {
        self.kept.as_ref().map(|kept| &kept.session.of)
    }

    /// How long a kept session has not been used.
    #[must_use]
    pub fn idle_for(&self) -> Option<Duration> {
        self.kept.as_ref().map(|kept| kept.since.elapsed())
    }

    /// Works one lease to its end and reports it.
    pub async fn work(
        &mut self,
        shared: &Shared,
        browser: &Browser,
        leased: &Leased,
        fenced: Fenced,
        clock: Arc<LeaseClock>,
    ) {
        if let Some(key) = &leased.spool_key {
            shared.spool.learn(leased.lease, key);
        }
        fault::point("claim", Side::Before).await;
        // A defect of ours ends this attempt, never the slot: the job must not stay leased by a slot that is gone.
        let whole = self.attempt(shared, browser, leased, fenced, &clock);
        let ended = |end| Ran { end: Some(end), ..Ran::default() };
        let ran = match AssertUnwindSafe(whole).catch_unwind().await {
            Ok(Ok(ran)) => ran,
            Ok(Err(end)) => ended(end),
            Err(_) => {
                let what = "the attempt's own code failed";
                ended(attempt::broken_end(clock.is_latched(), "agent_failed", what))
            }
        };
        let Some(end) = ran.end else {
            self.give_back(shared, leased, fenced, &clock).await;
            return;
        };
        let intent = match &end {
            End::Outcome { proof: Some(proof), .. } => Some(proof.intent),
            _ => None,
        };
        let report = Report {
            fenced,
            attempt: leased.attempt,
            end,
            logins: ran.logins,
            session_reused: ran.session_reused,
            // A job without a page leaves no portal session, whatever the payer.
            session_kept: leased.channel == Channel::Portal && self.kept.is_some(),
            drift: ran.drift,
            prints: ran.prints,
        };
        fault::point("commit", Side::Before).await;
        attempt::report(&shared.coordinator, &shared.spool, &report).await;
        fault::point("commit", Side::After).await;
        attempt::tell_not_sent(&shared.coordinator, &shared.spool, fenced.agent).await;
        if let Some(intent) = intent {
            shared.spool.forget_latch(intent);
        }
        for latch in shared.spool.latches() {
            if latch.attempt == leased.attempt {
                shared.spool.forget_latch(latch.intent);
            }
        }
    }

    /// The attempt stopped without an end: the lease is over, or the agent drains.
    async fn give_back(
        &mut self,
        shared: &Shared,
        leased: &Leased,
        fenced: Fenced,
        clock: &LeaseClock,
    ) {
        self.leave().await;
        if clock.is_latched() || clock.standing().left.is_zero() {
            return;
        }
        attempt::flush(&shared.coordinator, &shared.spool, leased.attempt).await;
        if let Err(refusal) = shared.coordinator.release(&Release { fenced }).await {
            tracing::info!(error = %refusal, "the lease was not given back; it will end by itself");
        }
    }

    async fn attempt(
        &mut self,
        shared: &Shared,
        browser: &Browser,
        leased: &Leased,
        fenced: Fenced,
        clock: &Arc<LeaseClock>,
    ) -> Result<Ran, End> {
        if leased.channel != Channel::Portal {
            // A session in a busy slot is told to nobody: another agent would sign in over it.
            self.leave().await;
            return message::work(shared, leased, fenced, clock).await;
        }
        let bundle = prepare::bundle(shared, leased).await?;
        fault::point("claim", Side::After).await;
        let of = SessionOf { payer: leased.payer.clone(), account: leased.account.clone() };
        let (folder, doors) = room(shared, leased, fenced, clock)
            .map_err(|error| lost("no_folder", &error.to_string()))?;
        fault::point("decrypt-input", Side::Before).await;
        let errand = prepare::errand(leased, bundle, folder.path());
        let masker = Masker::for_inputs(&leased.inputs);
        fault::point("decrypt-input", Side::After).await;
        #[cfg(feature = "faults")]
        if let Some(payer) = crate::channel::standin::address() {
            return Ok(message::stand_in(payer, &errand, doors, clock).await);
        }
        let (mut session, mut pace) = self.session(browser, of, leased).await?;
        let mut observe = Observer::new(Arc::clone(&doors), masker, false);
        let context = session.context.clone();
        let run = portal::run(&errand, Arc::clone(&doors), &mut observe, &mut session, &mut pace);
        let run = AssertUnwindSafe(run).catch_unwind();
        let finished = tokio::select! {
            finished = run => finished,
            () = overdue(clock) => {
                // The attempt did not stop by itself: its pages are taken away.
                if let Err(error) = context.dispose().await {
                    tracing::debug!(%error, "a context could not be disposed of");
                }
                drop(observe);
                let end = clock.is_latched().then(|| {
                    attempt::broken_end(true, "lease_ended", "the lease ended after the click")
                });
                return Ok(Ran { end, ..Ran::default() });
            }
        };
        let finished = match finished {
            Ok(finished) => finished,
            Err(_) => {
                session.close().await;
                let what = "the attempt's own code failed";
                return Err(attempt::broken_end(clock.is_latched(), "agent_failed", what));
            }
        };
        // Steps and evidence first: a report ends what they belong to.
        if let Err(denied) = observe.settled().await {
            tracing::warn!(error = %denied, "some steps or evidence did not arrive");
        }
        drop(observe);
        let polite = (finished.end.is_some() && !clock.is_over()) || clock.is_ours();
        let good = finished.session_good;
        let ran = Ran::of(finished, leased);
        self.after(session, pace, errand, good, polite).await;
        Ok(ran)
    }

    /// The kept session when it is of the same payer and account; else a fresh one.
    async fn session(
        &mut self,
        browser: &Browser,
        of: SessionOf,
        leased: &Leased,
    ) -> Result<(Session, Pace), End> {
        if let Some(mut kept) = self.kept.take_if(|kept| kept.session.of == of) {
            kept.session.rest();
            return Ok((kept.session, kept.pace));
        }
        self.leave().await;
        fault::point("launch", Side::Before).await;
        let session = Session::open(browser, of).await;
        let session = session.map_err(|error| lost("browser_lost", &error.to_string()))?;
        fault::point("launch", Side::After).await;
        Ok((session, Pace::new(&leased.limits)))
    }

    /// Keeps the session for the next job, or gives it up: politely where the portal may still be touched.
    async fn after(
        &mut self,
        session: Session,
        pace: Pace,
        errand: Errand,
        good: bool,
        polite: bool,
    ) {
        if good && session.is_signed_in() && !session.context.is_shut() {
            self.kept = Some(Kept { session, pace, errand, since: Instant::now() });
            return;
        }
        let signed_in = session.is_signed_in();
        let kept = Kept { session, pace, errand, since: Instant::now() };
        if signed_in && polite {
            leave_politely(kept).await;
        } else {
            kept.session.close().await;
        }
    }

    /// Gives a kept session up.
    pub async fn leave(&mut self) {
        if let Some(kept) = self.kept.take() {
            leave_politely(kept).await;
        }
    }
}

/// What an attempt has: a folder of its own, and its doors to the fleet.
fn room(
    shared: &Shared,
    leased: &Leased,
    fenced: Fenced,
    clock: &Arc<LeaseClock>,
) -> std::io::Result<(tempfile::TempDir, Arc<dyn Doors>)> {
    let folder = tempfile::Builder::new().prefix("fleet-attempt-").tempdir()?;
    let doors: Arc<dyn Doors> = Arc::new(FleetDoors {
        coordinator: shared.coordinator.clone(),
        fenced,
        attempt: leased.attempt,
        spool: shared.spool.clone(),
        kept: AtomicU64::new(0),
        clock: Arc::clone(clock),
        permit_key: leased.permit_key.clone(),
        folder: folder.path().to_owned(),
    });
    Ok((folder, doors))
}

/// What is known after an attempt.
#[derive(Default)]
struct Ran {
    end: Option<End>,
    logins: u32,
    session_reused: bool,
    drift: Vec<Drift>,
    prints: BTreeMap<String, Remembered>,
}

impl Ran {
    fn of(finished: Finished, leased: &Leased) -> Self {
        let prints = news(&finished, leased);
        Self {
            end: finished.end,
            logins: finished.logins,
            session_reused: finished.session_reused,
            drift: finished.drift,
            prints,
        }
    }
}

/// What an attempt that reached its end without healing remembers beyond what the lease said.
fn news(finished: &Finished, leased: &Leased) -> BTreeMap<String, Remembered> {
    let good = matches!(finished.end, Some(End::Outcome { .. } | End::Finding { .. }));
    if !good || !healed_nothing(&finished.drift) {
        return BTreeMap::new();
    }
    let prints = finished.prints.iter().map(|(name, print)| {
        let picture = finished.crops.get(name).copied();
        (name.clone(), Remembered { print: print.clone().harmless(&[]), picture })
    });
    let new = |name: &String, remembered: &Remembered| {
        remembered.picture.is_some() || leased.prints.get(name) != Some(&remembered.print)
    };
    prints.filter(|(name, remembered)| new(name, remembered)).collect()
}

async fn leave_politely(mut kept: Kept) {
    let doors: Arc<dyn Doors> = Arc::new(crate::channel::Silent);
    let mut observe = Observer::new(Arc::clone(&doors), Masker::default(), false);
    let left = portal::leave(&kept.errand, doors, &mut observe, &mut kept.session, &mut kept.pace);
    if tokio::time::timeout(Duration::from_secs(20), left).await.is_err() {
        tracing::debug!("leaving a portal took too long");
    }
    kept.session.close().await;
}

/// Ends when the attempt must have stopped and has not.
async fn overdue(clock: &LeaseClock) {
    loop {
        tokio::time::sleep(LOOK).await;
        if clock.is_over() {
            let grace = if clock.is_latched() { CAPTURE_GRACE } else { STOP_GRACE };
            tokio::time::sleep(grace).await;
            return;
        }
    }
}

fn lost(name: &str, detail: &str) -> End {
    let failure = Failure::new(FailureKind::Lost, name, detail);
    End::Failure { failure, candidates: Vec::new() }
}

/// The order a draining agent gives its attempts: as if the coordinator had said stop.
pub fn stop(clock: &LeaseClock) {
    clock.order(Order::Stop);
}
