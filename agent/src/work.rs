//! The loop of an agent: free slots → leases → attempts → reports, over one browser; heartbeats; drain on SIGTERM.

mod beat;

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use domain::{
    fleet::AgentInfo,
    id::{AgentId, LeaseId},
    wire::{Bye, Fenced, Hello, LeaseAsk, Leased, Welcome},
};
use tokio::{
    signal::unix::{SignalKind, signal},
    sync::{mpsc, watch},
    time::Instant,
};

use crate::{
    attempt::{self, LeaseClock},
    browser::{Browser, LaunchConfig, sweep},
    clock,
    coordinator::{Coordinator, Refusal},
    http::Http,
    slot::{self, Shared, Slot, stop},
    spool::Spool,
};

/// Longest wait of one ask for leases, milliseconds. A lease counts from the ask, so the wait is also kept to a quarter
/// of a lease.
const ASK_WAIT_MS: u64 = 20_000;
/// Rest after a call that failed.
const REST: Duration = Duration::from_secs(1);

/// How an agent works.
#[derive(Debug, Clone)]
pub struct WorkConfig {
    /// Itself, without the browser's version.
    pub name: String,
    /// Pool.
    pub pool: String,
    /// Slots.
    pub slots: u32,
    /// How its browser is started.
    pub browser: LaunchConfig,
    /// Ends by itself after so many jobs.
    pub drain_after_jobs: Option<u32>,
    /// A kept portal session that is not used for so long is left.
    pub session_idle: Duration,
    /// Longest drain: attempts under way may finish for so long.
    pub drain_max: Duration,
}

/// Why an agent cannot work.
#[derive(Debug, thiserror::Error)]
pub enum CannotWork {
    /// No browser.
    #[error(transparent)]
    Browser(#[from] crate::browser::Error),
    /// No coordinator.
    #[error(transparent)]
    Coordinator(#[from] Refusal),
    /// The coordinator gave it another id: what it held is no longer its own.
    #[error("the coordinator gave this agent another id")]
    Replaced,
    /// No signals.
    #[error("signals cannot be received: {0}")]
    Signals(#[from] std::io::Error),
}

type Board = Arc<Mutex<BTreeMap<LeaseId, (Fenced, Arc<LeaseClock>)>>>;

struct Crew {
    shared: Arc<Shared>,
    config: WorkConfig,
    agent: AgentId,
    board: Board,
    browser: Browser,
    /// The browser the heartbeats speak of.
    alive: Arc<Mutex<Browser>>,
    free: Vec<Slot>,
    back: mpsc::Receiver<(Slot, LeaseId)>,
    give: mpsc::Sender<(Slot, LeaseId)>,
    held_back: Arc<AtomicBool>,
    done: u32,
    ask_wait_ms: u64,
}

/// Works until SIGTERM or SIGINT, or until enough jobs are done.
///
/// # Errors
/// See [`CannotWork`].
pub async fn work(
    coordinator: Coordinator,
    spool: Spool,
    config: WorkConfig,
) -> Result<(), CannotWork> {
    let (tell, told) = watch::channel(false);
    let (mut term, mut int) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    tokio::spawn(async move {
        tokio::select! { _ = term.recv() => {}, _ = int.recv() => {} }
        tracing::info!("drains: no new work is taken");
        // Nobody is left to tell when the loop has ended already.
        let _ = tell.send(true);
        // A second signal does not wait any longer.
        tokio::select! { _ = term.recv() => {}, _ = int.recv() => {} }
        end_at_once();
    });
    let swept = sweep(&config.browser.profile_root());
    if swept > 0 {
        tracing::info!(swept, "folders of dead agents were removed");
    }
    spool.tidy();
    for latch in spool.latches() {
        tracing::warn!(intent = %latch.intent, attempt = %latch.attempt,
            "an earlier life ended after a click; the coordinator settles it when the lease expires");
        spool.forget_latch(latch.intent);
    }
    let browser = Browser::launch(config.browser.clone()).await?;
    let welcome = hello(&coordinator, &config, &browser, &told).await?;
    let alive = Arc::new(Mutex::new(browser.clone()));
    attempt::resend(&coordinator, &spool).await;
    attempt::tell_not_sent(&coordinator, &spool, welcome.agent).await;
    let (give, back) = mpsc::channel(64);
    let shared = Arc::new(Shared {
        coordinator,
        spool,
        http: Http::new(&config.browser),
        scripts: tokio::sync::Mutex::default(),
    });
    let mut crew = Crew {
        free: (0..config.slots.max(1)).map(|_| Slot::default()).collect(),
        shared,
        agent: welcome.agent,
        board: Board::default(),
        browser,
        alive: Arc::clone(&alive),
        back,
        give,
        held_back: Arc::default(),
        config,
        done: 0,
        ask_wait_ms: ASK_WAIT_MS.min(welcome.lease_ttl_ms.max(400).unsigned_abs() / 4),
    };
    let beats = tokio::spawn(beat::heartbeats(
        Arc::clone(&crew.shared),
        crew.agent,
        Arc::clone(&crew.board),
        alive,
        Duration::from_millis(welcome.heartbeat_ms.max(200).unsigned_abs()),
        Arc::clone(&crew.held_back),
    ));
    tracing::info!(agent = %crew.agent, slots = crew.free.len(), "works");
    let result = crew.run(told).await;
    crew.end().await;
    beats.abort();
    result
}

async fn hello(
    coordinator: &Coordinator,
    config: &WorkConfig,
    browser: &Browser,
    told: &watch::Receiver<bool>,
) -> Result<Welcome, Refusal> {
    let agent = AgentInfo {
        name: config.name.clone(),
        pool: config.pool.clone(),
        slots: config.slots,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        browser: browser.version().to_owned(),
        channels: crate::channel::WORKED.to_vec(),
    };
    loop {
        match coordinator.hello(&Hello { agent: agent.clone() }).await {
            Err(Refusal::Away(why) | Refusal::Failing(why)) if !*told.borrow() => {
                tracing::warn!(why, "waits for the coordinator");
                tokio::time::sleep(REST).await;
            }
            other => return other,
        }
    }
}

impl Crew {
    async fn run(&mut self, mut told: watch::Receiver<bool>) -> Result<(), CannotWork> {
        let mut ask: Option<(LeaseAsk, i64)> = None;
        loop {
            while let Ok((slot, lease)) = self.back.try_recv() {
                self.take_back(slot, lease);
            }
            let enough = self.config.drain_after_jobs.is_some_and(|most| self.done >= most);
            if *told.borrow() || enough {
                return Ok(());
            }
            if self.free.is_empty() || self.held_back.load(Ordering::Relaxed) {
                tokio::select! {
                    Some((slot, lease)) = self.back.recv() => self.take_back(slot, lease),
                    _ = told.changed() => {}
                    () = tokio::time::sleep(REST) => {}
                }
                continue;
            }
            self.browser_lives().await?;
            for slot in &mut self.free {
                if slot.idle_for().is_some_and(|idle| idle > self.config.session_idle) {
                    // Another agent may need the account: some portals refuse a second sign-in.
                    slot.leave().await;
                }
            }
            let (asked, at) = ask.take().unwrap_or_else(|| (self.ask(), clock::boot_ms()));
            let reply = tokio::select! {
                reply = self.shared.coordinator.lease(&asked) => reply,
                _ = told.changed() => {
                    // What was leased by an ask we no longer wait for ends by itself.
                    return Ok(());
                }
                Some((slot, lease)) = self.back.recv() => {
                    // A slot is free again: the same ask is repeated, so that no lease is lost.
                    self.take_back(slot, lease);
                    ask = Some((LeaseAsk { warm: self.warm(), ..asked }, at));
                    continue;
                }
            };
            match reply {
                Ok(leases) => {
                    for leased in leases.leases {
                        self.begin(leased, at);
                    }
                }
                Err(Refusal::Away(_) | Refusal::Failing(_) | Refusal::Unreadable(_)) => {
                    // The reply may be lost, not the leases: the same ask brings them again.
                    ask = Some((asked, at));
                    tokio::time::sleep(REST).await;
                }
                Err(refusal) => {
                    tracing::warn!(error = %refusal, "no lease; says hello again");
                    let welcome =
                        hello(&self.shared.coordinator, &self.config, &self.browser, &told).await;
                    match welcome {
                        Ok(welcome) if welcome.agent != self.agent => {
                            return Err(CannotWork::Replaced);
                        }
                        Ok(_) => {}
                        Err(refusal) => return Err(refusal.into()),
                    }
                    tokio::time::sleep(REST).await;
                }
            }
        }
    }

    /// Payers of the sessions kept in free slots, one entry for each.
    fn warm(&self) -> Vec<String> {
        let mut warm: Vec<String> = self
            .free
            .iter()
            .filter_map(|slot| slot.session_of().map(|of| of.payer.clone()))
            .collect();
        warm.sort();
        warm
    }

    fn ask(&self) -> LeaseAsk {
        LeaseAsk {
            agent: self.agent,
            max: u32::try_from(self.free.len()).unwrap_or(1),
            wait_ms: self.ask_wait_ms,
            warm: self.warm(),
            ask: format!("{:032x}", rand::random::<u128>()),
        }
    }

    /// Gives a lease to the best slot.
    fn begin(&mut self, leased: Leased, asked_at: i64) {
        let fenced =
            Fenced { agent: self.agent, job: leased.job, lease: leased.lease, fence: leased.fence };
        if lock(&self.board).contains_key(&leased.lease) {
            return;
        }
        let kept: Vec<_> = self.free.iter().map(Slot::session_of).collect();
        let at = slot::best(&kept, leased.channel, &leased.payer, &leased.account);
        let Some(at) = at else {
            tracing::error!("more leases than free slots; one is left to end by itself");
            return;
        };
        let mut slot = self.free.swap_remove(at);
        let lease_clock = Arc::new(LeaseClock::new(asked_at, leased.ttl_ms));
        lock(&self.board).insert(leased.lease, (fenced, Arc::clone(&lease_clock)));
        let (shared, browser, give) =
            (Arc::clone(&self.shared), self.browser.clone(), self.give.clone());
        tracing::info!(job = %leased.job, attempt = %leased.attempt, script = leased.script, "begins");
        tokio::spawn(async move {
            let lease = leased.lease;
            slot.work(&shared, &browser, &leased, fenced, lease_clock).await;
            tracing::info!(job = %leased.job, attempt = %leased.attempt, "ended");
            // The crew may be gone: then the slot ends here.
            let _ = give.send((slot, lease)).await;
        });
    }

    fn take_back(&mut self, slot: Slot, lease: LeaseId) {
        lock(&self.board).remove(&lease);
        self.free.push(slot);
        self.done += 1;
    }

    /// A browser that is gone is replaced when no slot works with it any more.
    async fn browser_lives(&mut self) -> Result<(), CannotWork> {
        if self.browser.is_alive() {
            return Ok(());
        }
        tracing::warn!("the browser is gone; another one is started");
        self.free = self.free.iter().map(|_| Slot::default()).collect();
        self.browser = Browser::launch(self.config.browser.clone()).await?;
        *lock(&self.alive) = self.browser.clone();
        Ok(())
    }

    /// Lets attempts finish for a while, stops the rest before their commit, leaves the portals, says goodbye.
    async fn end(&mut self) {
        let patience = Instant::now() + self.config.drain_max;
        let busy = |board: &Board| !lock(board).is_empty();
        while busy(&self.board) {
            match tokio::time::timeout_at(patience, self.back.recv()).await {
                Ok(Some((slot, lease))) => self.take_back(slot, lease),
                Ok(None) | Err(_) => break,
            }
        }
        for (_, lease_clock) in lock(&self.board).values() {
            if !lease_clock.is_latched() {
                stop(lease_clock);
            }
        }
        let last = Instant::now() + Duration::from_secs(45);
        while busy(&self.board) {
            match tokio::time::timeout_at(last, self.back.recv()).await {
                Ok(Some((slot, lease))) => self.take_back(slot, lease),
                Ok(None) | Err(_) => break,
            }
        }
        for slot in &mut self.free {
            slot.leave().await;
        }
        self.browser.close().await;
        attempt::resend(&self.shared.coordinator, &self.shared.spool).await;
        if let Err(refusal) = self.shared.coordinator.bye(&Bye { agent: self.agent }).await {
            tracing::info!(error = %refusal, "the goodbye was not heard");
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[expect(
    clippy::disallowed_methods,
    reason = "a person who asks twice does not wait for what is under way"
)]
fn end_at_once() -> ! {
    std::process::exit(130)
}
