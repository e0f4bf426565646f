//! A fleet that can be hurt: coordinator and agents as processes of their own, a payer with a record, a proxy between them, and the
//! end of it, where everything is gathered and judged.

use std::{
    collections::BTreeMap,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context as _, Result};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use rand::{Rng as _, SeedableRng as _, rngs::StdRng};
use serde_json::Value;

use super::{
    check::{Forgotten, Violation},
    disk::{Disk, Small, library},
    payer::{Habits, Payer},
    postgres::Cluster,
    proxy::{Proxy, Way},
};
use crate::fleet::{Fleet, Options, api::until, requests};

/// Length of a lease in these runs, milliseconds; everything else shrinks with it.
pub const LEASE_MS: i64 = 2_000;
/// A lease where Chromium works: it needs its time.
const LEASE_OF_CHROMIUM_MS: i64 = 6_000;
/// Least life of a permit, milliseconds.
const PERMIT_MS: i64 = 5_000;
/// Calls at the payer at a time.
pub(super) const SESSIONS_MAX: u32 = 48;
/// What the ids of the invented members begin with; in no log.
pub(super) const MEMBERS: &str = "CHAOSM";
const OTHER_CLOCK: &str = include_str!("otherclock.c");
/// Room on a small disk, MiB.
const SMALL_MIB: u32 = 24;
/// Longest wait for something that must come on a machine that does other things besides.
pub(super) const PATIENCE: Duration = Duration::from_secs(180);

/// What a fleet stands on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ground {
    /// SQLite in a folder; the stand-in channel.
    Plain,
    /// The same, and the stand-in searches at the payer before it sends, as the portal channel does.
    Searching,
    /// The same on a Postgres of its own, through a proxy; and a proxy between the agents and the payer.
    Postgres,
    /// SQLite on a disk that can be ill, and lose what it holds: the stand-in searches here too.
    IllDisk,
    /// Data, spools and browsers' folders on small disks.
    SmallDisk,
    /// Real Chromium at a simulated portal, SQLite.
    Chromium,
}

/// How an agent is started.
#[derive(Debug, Clone, Default)]
pub struct Crew {
    /// The fault point it stops at.
    pub point: Option<String>,
    /// How long it stops there, milliseconds; for ever without.
    pub hold_ms: Option<u64>,
    /// Whether it reaches the coordinator through the proxy.
    pub through_proxy: bool,
    /// The version of the protocol it speaks, where that is not the present one.
    pub protocol: Option<u32>,
    /// How far its time of day is off, seconds.
    pub clock_off_s: i64,
}

/// The fleet.
pub struct Bed {
    /// The processes.
    pub fleet: Fleet,
    /// What it stands on.
    pub ground: Ground,
    /// Between agents and coordinator.
    pub proxy: Proxy,
    /// The database's server.
    pub postgres: Option<Cluster>,
    /// Between coordinator and database.
    pub to_database: Option<Proxy>,
    /// Between agents and payer.
    pub to_payer: Option<Proxy>,
    /// The disk that can be ill.
    pub disk: Option<Disk>,
    /// The small disks: the coordinator's, and the agents'.
    pub small: Vec<Small>,
    /// What a row found broken besides the invariants.
    pub seen: Vec<Violation>,
    /// What the database has lost on purpose.
    pub forgotten: Vec<Forgotten>,
    /// Chance, by seed.
    pub chance: StdRng,
    /// Processes killed with `kill -9`.
    pub kills: usize,
    pub(super) payer: Payer,
    pub(super) root: PathBuf,
    pub(super) accepted: BTreeMap<String, String>,
    /// What goes with a request at a real portal.
    pub(super) note: Option<Value>,
    /// Requests as the clinic has them, by job.
    pub(super) requests: BTreeMap<String, Value>,
    pub(super) rightful: Vec<String>,
    pub(super) asked: u32,
    /// Which fleet of a run this is.
    pub(super) number: u32,
    agents: u32,
    crew: Vec<usize>,
    /// Those of them that stand still at a point.
    hurt: Vec<usize>,
    /// Whether coordinator and agents log all they can.
    loud: bool,
    sabotage: Option<String>,
}

impl Bed {
    /// Starts it in `root`; no agent yet.
    ///
    /// # Errors
    /// A program is missing or does not become ready.
    pub async fn start(
        root: &Path,
        seed: u64,
        habits: Habits,
        (ground, loud): (Ground, bool),
        sabotage: Option<&str>,
    ) -> Result<Bed> {
        let mut options = options(root, habits, ground)?;
        if loud {
            options.coordinator_env.push(("RUST_LOG", "trace".to_owned()));
        }
        let Under { postgres, to_database, disk, small } =
            under(root, ground, &mut options).await?;
        if let Some(defect) = sabotage {
            options.coordinator_env.push(("FLEET_SABOTAGE", defect.to_owned()));
        }
        let fleet = Fleet::start(options).await?;
        let note = match ground {
            Ground::Chromium => {
                Some(fleet.api.document(requests::note_pdf("Clinical note")).await?)
            }
            _ => None,
        };
        let payer = Payer::start(&root.join("payer"), habits, seed).await?;
        let to_payer = match ground {
            Ground::Postgres => Some(Proxy::start(payer.address()).await?),
            _ => None,
        };
        let coordinator =
            fleet.api.base().strip_prefix("http://").context("the coordinator is on loopback")?;
        let proxy = Proxy::start(coordinator.parse()?).await?;
        let hollow = fleet.profile_root().join("hollow");
        std::fs::write(&hollow, include_str!("hollow.sh"))?;
        std::fs::set_permissions(&hollow, std::fs::Permissions::from_mode(0o755))?;
        Ok(Bed {
            fleet,
            ground,
            proxy,
            postgres,
            to_database,
            to_payer,
            disk,
            small,
            seen: Vec::new(),
            forgotten: Vec::new(),
            chance: StdRng::seed_from_u64(seed),
            kills: 0,
            payer,
            root: root.to_owned(),
            accepted: BTreeMap::new(),
            note,
            requests: BTreeMap::new(),
            rightful: Vec::new(),
            asked: 0,
            number: u32::try_from((seed ^ (seed >> 32)) & 0xFFFF_FFFF)?,
            agents: 0,
            crew: Vec::new(),
            hurt: Vec::new(),
            loud,
            sabotage: sabotage.map(str::to_owned),
        })
    }

    /// From a permit to the moment after which nothing may leave: its life and the longest submit under such a lease, milliseconds.
    pub fn window_ms(&self) -> i64 {
        PERMIT_MS + self.fleet.options.lease_ttl_ms
    }

    /// Notes that a promise of the row itself was broken.
    pub fn broken(&mut self, invariant: &'static str, seen: impl Into<String>) {
        self.seen.push(Violation { invariant, seen: seen.into() });
    }

    /// A number below `most`.
    pub fn below(&mut self, most: u64) -> u64 {
        self.chance.random_range(0..most.max(1))
    }

    /// A rest of at most so long.
    pub async fn rest(&mut self, most_ms: u64) {
        let ms = self.below(most_ms);
        tokio::time::sleep(Duration::from_millis(ms)).await;
    }

    /// Starts an agent; its place.
    ///
    /// # Errors
    /// It cannot be started.
    pub async fn agent(&mut self, crew: &Crew) -> Result<usize> {
        self.agents += 1;
        let mut env = self.of_ground();
        if crew.through_proxy {
            env.push(("FLEET_COORDINATOR_URL", format!("http://{}", self.proxy.address())));
        }
        if let Some(point) = &crew.point {
            env.push(("FLEET_FAULT_POINT", point.clone()));
            env.push(("FLEET_FAULT_FILE", self.reached(self.agents).display().to_string()));
        }
        if let Some(ms) = crew.hold_ms {
            env.push(("FLEET_FAULT_FOR_MS", ms.to_string()));
        }
        if crew.clock_off_s != 0 {
            let clock = library(&self.root.join("clock"), "otherclock", OTHER_CLOCK)?;
            env.push(("LD_PRELOAD", clock.display().to_string()));
            env.push(("FLEET_CLOCK_OFF_S", crew.clock_off_s.to_string()));
        }
        if let Some(version) = crew.protocol {
            env.push(("FLEET_PROTOCOL", version.to_string()));
        }
        if let Some(defect) = &self.sabotage {
            env.push(("FLEET_SABOTAGE", defect.clone()));
        }
        if self.loud {
            env.push(("FLEET_LOG", "trace".to_owned()));
        }
        let place = self.fleet.start_agent(&env).await?;
        self.crew.push(place);
        if crew.point.is_some() {
            self.hurt.push(place);
        }
        Ok(place)
    }

    /// Settings of an agent that come from what the fleet stands on.
    fn of_ground(&self) -> Vec<(&'static str, String)> {
        if self.ground == Ground::Chromium {
            return Vec::new();
        }
        let payer = self.to_payer.as_ref().map_or_else(|| self.payer.address(), Proxy::address);
        let mut env = vec![
            ("FLEET_STAND_IN", payer.to_string()),
            ("FLEET_CHROMIUM", self.fleet.profile_root().join("hollow").display().to_string()),
            // The hollow browser trusts nobody and needs no certificate.
            ("FLEET_EXTRA_CA", String::new()),
        ];
        if matches!(self.ground, Ground::Searching | Ground::IllDisk) {
            env.push(("FLEET_STAND_IN_SEARCHES", "1".to_owned()));
        }
        if let Some(small) = self.small.get(1) {
            let spool = small.path().join(format!("spool-{}", self.agents));
            env.push(("FLEET_SPOOL_DIR", spool.display().to_string()));
            env.push(("FLEET_PROFILE_DIR", small.path().display().to_string()));
        }
        env
    }

    fn reached(&self, number: u32) -> PathBuf {
        self.root.join(format!("reached-{number}"))
    }

    /// Waits until the newest agent stands at its point, at most so long; whether it does.
    pub async fn stands(&self, patience: Duration) -> bool {
        let file = self.reached(self.agents);
        until(patience, "the point", || async { Ok(file.exists().then_some(())) }).await.is_ok()
    }

    /// `kill -9` for one agent.
    ///
    /// # Errors
    /// It is refused.
    pub async fn kill(&mut self, place: usize) -> Result<()> {
        self.crew.retain(|known| *known != place);
        self.kills += 1;
        self.fleet.kill_agent(place).await
    }

    /// Asks an agent to end in order.
    ///
    /// # Errors
    /// It does not.
    pub async fn end_agent(&mut self, place: usize) -> Result<()> {
        self.crew.retain(|known| *known != place);
        self.fleet.end_agent(place).await
    }

    /// `kill -9` for the coordinator, and after a while another one on the same data.
    ///
    /// # Errors
    /// It does not come back.
    pub async fn kill_coordinator(&mut self, away_ms: u64) -> Result<()> {
        self.stop_coordinator().await?;
        self.rest(away_ms).await;
        self.fleet.start_coordinator().await
    }

    /// `kill -9` for the coordinator.
    ///
    /// # Errors
    /// It is refused.
    pub async fn stop_coordinator(&mut self) -> Result<()> {
        self.kills += 1;
        self.fleet.kill_coordinator().await
    }

    /// Stops an agent in its tracks for so long, then lets it go on.
    ///
    /// # Errors
    /// The signal is refused.
    pub async fn freeze(&mut self, place: usize, ms: u64) -> Result<()> {
        let Some(pid) = self.fleet.agent_pid(place) else { return Ok(()) };
        let pid = Pid::from_raw(i32::try_from(pid)?);
        kill(pid, Signal::SIGSTOP)?;
        tokio::time::sleep(Duration::from_millis(ms)).await;
        kill(pid, Signal::SIGCONT)?;
        Ok(())
    }

    /// Agents that live.
    pub fn crew(&self) -> &[usize] {
        &self.crew
    }

    /// Folders beside the fleet's own that it stands on.
    pub fn beside(root: &Path) -> [PathBuf; 4] {
        ["disk", "small-data", "small-spools", "lock"].map(|name| root.with_extension(name))
    }

    /// Makes everything well again that the fleet stands on.
    async fn heal(&mut self) -> Result<()> {
        for proxy in std::iter::once(&self.proxy).chain(&self.to_database).chain(&self.to_payer) {
            proxy.set(Way::Open);
        }
        if self.ground == Ground::Chromium {
            self.fleet.control("crestline").clear_faults().await?;
        }
        if let Some(disk) = &self.disk {
            disk.is_well();
        }
        for small in &self.small {
            small.clear();
        }
        if let Some(said) = self.fleet.coordinator_ended(Duration::from_millis(1)).await {
            self.broken("I-10", format!("the coordinator ended by itself: {said}"));
        }
        if !self.fleet.has_coordinator() {
            self.fleet.start_coordinator().await?;
        }
        Ok(())
    }

    /// Makes everything well again and waits until every accepted job is settled.
    ///
    /// # Errors
    /// One is not within the patience; that is I-1's to tell, so only an unreachable coordinator is an error.
    pub async fn settle(&mut self) -> Result<()> {
        self.heal().await?;
        // Who stands still at a point would do so for the jobs that come after, too.
        for place in std::mem::take(&mut self.hurt) {
            if self.crew.contains(&place) {
                self.kill(place).await?;
            }
        }
        for _ in self.crew.len()..2 {
            self.agent(&Crew::default()).await?;
        }
        // All in one look: a job that goes from one state to another is never overlooked.
        let settled = || async {
            let Ok(jobs) = self.all("jobs?task=submit").await else { return Ok(None) };
            let open = |job: &Value| {
                !["done", "waiting", "failed", "cancelled"]
                    .contains(&job["state"].as_str().unwrap_or_default())
            };
            Ok((!jobs.iter().any(open)).then_some(()))
        };
        if let Err(late) = until(PATIENCE, "every job is settled", settled).await {
            tracing::warn!(%late, "not settled");
        }
        Ok(())
    }
}

/// What is there before the fleet is.
#[derive(Default)]
struct Under {
    postgres: Option<Cluster>,
    to_database: Option<Proxy>,
    disk: Option<Disk>,
    small: Vec<Small>,
}

async fn under(root: &Path, ground: Ground, options: &mut Options) -> Result<Under> {
    let mut under = Under::default();
    match ground {
        Ground::Postgres => {
            let cluster = Cluster::start().await?;
            let proxy = Proxy::start(([127, 0, 0, 1], cluster.port()).into()).await?;
            options.database_url = Some(cluster.url(proxy.address().port()));
            under.postgres = Some(cluster);
            under.to_database = Some(proxy);
        }
        Ground::IllDisk => {
            let disk = Disk::make(&root.with_extension("disk"))?;
            options.coordinator_env = disk.settings(&root.join("data"));
            under.disk = Some(disk);
        }
        Ground::SmallDisk => {
            for name in ["small-data", "small-spools"] {
                under.small.push(Small::make(&root.with_extension(name), SMALL_MIB)?);
            }
            let data = &under.small[0];
            options.data = Some(data.path().to_owned());
            if !data.is_mounted() {
                let disk = Disk::make(&root.with_extension("disk"))?;
                options.coordinator_env = disk.settings(data.path());
                under.disk = Some(disk);
            }
        }
        Ground::Plain | Ground::Searching | Ground::Chromium => {}
    }
    Ok(under)
}

fn options(root: &Path, habits: Habits, ground: Ground) -> Result<Options> {
    let common = Options {
        agents: 0,
        payers: vec!["crestline"],
        code_step_s: 10,
        ..Options::story(root.to_owned())
    };
    if ground == Ground::Chromium {
        return Ok(Options { lease_ttl_ms: LEASE_OF_CHROMIUM_MS, ..common });
    }
    Ok(Options {
        slots: 6,
        lease_ttl_ms: LEASE_MS,
        heartbeat_ms: 400,
        rest_unit_ms: 200,
        record_delay_ms: i64::try_from(habits.late_ms)?,
        sessions_max: SESSIONS_MAX,
        // A search that fails is what some rows are about; the breaker would let in one visit at a time.
        trips_after: 1_000,
        ..common
    })
}
