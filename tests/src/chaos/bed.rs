//! A fleet that can be hurt: coordinator and agents as processes of their own, a payer with a record, a proxy between them, and the
//! end of it, where everything is gathered and judged.

use std::{
    collections::{BTreeMap, BTreeSet},
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use rand::{Rng as _, SeedableRng as _, rngs::StdRng};
use reqwest::Method;
use serde_json::{Value, json};

use super::{
    check::{Artefacts, Kept, Promised},
    key_of,
    payer::{Habits, Payer},
    proxy::Proxy,
};
use crate::{
    fleet::{Fleet, Options, api::until, requests},
    portal::world::world,
};

/// Length of a lease in these runs, milliseconds; everything else shrinks with it.
pub const LEASE_MS: i64 = 2_000;
/// From a permit to the moment after which nothing may leave: a permit's least life and the longest submit under such a lease.
const WINDOW_MS: i64 = 5_000 + LEASE_MS;
/// Calls at the payer at a time.
const SESSIONS_MAX: u32 = 48;
/// Longest wait for something that must come on a machine that does other things besides.
const PATIENCE: Duration = Duration::from_secs(180);

/// How an agent is started.
#[derive(Debug, Clone, Default)]
pub struct Crew {
    /// The fault point it stops at.
    pub point: Option<String>,
    /// How long it stops there, milliseconds; for ever without.
    pub hold_ms: Option<u64>,
    /// Whether it reaches the coordinator through the proxy.
    pub through_proxy: bool,
}

/// The fleet.
pub struct Bed {
    /// The processes.
    pub fleet: Fleet,
    /// Between agents and coordinator.
    pub proxy: Proxy,
    /// Chance, by seed.
    pub chance: StdRng,
    /// Processes killed with `kill -9`.
    pub kills: usize,
    payer: Payer,
    root: PathBuf,
    accepted: BTreeMap<String, String>,
    asked: u32,
    agents: u32,
    crew: Vec<usize>,
    /// Those of them that stand still at a point.
    hurt: Vec<usize>,
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
        sabotage: Option<&str>,
    ) -> Result<Bed> {
        let options = Options {
            agents: 0,
            slots: 6,
            lease_ttl_ms: LEASE_MS,
            heartbeat_ms: 400,
            rest_unit_ms: 200,
            record_delay_ms: i64::try_from(habits.late_ms)?,
            sessions_max: SESSIONS_MAX,
            payers: vec!["crestline"],
            ..Options::story(root.to_owned())
        };
        let fleet = Fleet::start(options).await?;
        let payer = Payer::start(&root.join("payer"), habits, seed).await?;
        let coordinator =
            fleet.api.base().strip_prefix("http://").context("the coordinator is on loopback")?;
        let proxy = Proxy::start(coordinator.parse()?).await?;
        let hollow = fleet.profile_root().join("hollow");
        std::fs::write(&hollow, include_str!("hollow.sh"))?;
        std::fs::set_permissions(&hollow, std::fs::Permissions::from_mode(0o755))?;
        Ok(Bed {
            fleet,
            proxy,
            chance: StdRng::seed_from_u64(seed),
            kills: 0,
            payer,
            root: root.to_owned(),
            accepted: BTreeMap::new(),
            asked: 0,
            agents: 0,
            crew: Vec::new(),
            hurt: Vec::new(),
            sabotage: sabotage.map(str::to_owned),
        })
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

    fn request(&mut self) -> Value {
        self.asked += 1;
        let code = format!("7{:04}", self.asked % 10_000);
        requests::prior_auth("M01", &code, 1, 1 + i64::from(self.asked % 250), None)
    }

    /// Takes in so many requests, as a clinic's system does: the same call again, with its key, until it is answered.
    ///
    /// # Errors
    /// A call is refused, or never answered.
    pub async fn take_in(&mut self, count: u32) -> Result<Vec<String>> {
        let mut jobs = Vec::new();
        for _ in 0..count {
            let request = self.request();
            jobs.push(self.accept(&request).await?);
        }
        Ok(jobs)
    }

    async fn accept(&mut self, request: &Value) -> Result<String> {
        let once = format!("chaos-{:016x}-{}", self.chance.random::<u64>(), self.asked);
        let body = json!({"payer": "crestline", "request": request});
        let case = until(PATIENCE, "a request is taken in", || async {
            match self.fleet.api.try_call(Method::POST, "cases", Some(&body), Some(&once)).await {
                Ok((200..=299, case)) => Ok(Some(case)),
                // Being restarted, or too busy: the clinic asks again.
                Ok((429 | 500..=599, _)) | Err(_) => Ok(None),
                Ok((status, why)) => bail!("intake answered {status}: {why}"),
            }
        })
        .await?;
        let job = case["job"].as_str().context("intake names the job")?.to_owned();
        self.accepted.insert(job.clone(), key_of_request(request));
        Ok(job)
    }

    /// The same request three times at the same moment: one call doubled under its key, and one call more under another.
    ///
    /// # Errors
    /// None was taken in, or more than one job was made of it.
    pub async fn take_in_thrice(&mut self) -> Result<()> {
        let request = self.request();
        let [once, other] = [(); 2].map(|()| format!("twin-{:016x}", self.chance.random::<u64>()));
        let body = json!({"payer": "crestline", "request": request});
        let call = |key| self.fleet.api.try_call(Method::POST, "cases", Some(&body), Some(key));
        let (one, two, three) = tokio::join!(call(&once), call(&once), call(&other));
        let taken = [one, two, three].into_iter().flatten().filter(|(status, _)| *status < 300);
        let jobs: BTreeSet<String> =
            taken.filter_map(|(_, case)| case["job"].as_str().map(str::to_owned)).collect();
        if jobs.len() != 1 {
            bail!("one request, asked for three times, made these jobs: {jobs:?}");
        }
        self.accepted.extend(jobs.into_iter().map(|job| (job, key_of_request(&request))));
        Ok(())
    }

    /// Starts an agent; its place.
    ///
    /// # Errors
    /// It cannot be started.
    pub async fn agent(&mut self, crew: &Crew) -> Result<usize> {
        self.agents += 1;
        let mut env = vec![
            ("FLEET_STAND_IN", self.payer.address().to_string()),
            ("FLEET_CHROMIUM", self.fleet.profile_root().join("hollow").display().to_string()),
            // The hollow browser trusts nobody and needs no certificate.
            ("FLEET_EXTRA_CA", String::new()),
        ];
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
        if let Some(defect) = &self.sabotage {
            env.push(("FLEET_SABOTAGE", defect.clone()));
        }
        let place = self.fleet.start_agent(&env).await?;
        self.crew.push(place);
        if crew.point.is_some() {
            self.hurt.push(place);
        }
        Ok(place)
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

    /// `kill -9` for the coordinator, and after a while another one on the same data.
    ///
    /// # Errors
    /// It does not come back.
    pub async fn kill_coordinator(&mut self, away_ms: u64) -> Result<()> {
        self.kills += 1;
        self.fleet.kill_coordinator().await?;
        self.rest(away_ms).await;
        self.fleet.start_coordinator().await
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

    /// Makes everything well again and waits until every accepted job is settled.
    ///
    /// # Errors
    /// One is not within the patience; that is I-1's to tell, so only an unreachable coordinator is an error.
    pub async fn settle(&mut self) -> Result<()> {
        self.proxy.set(super::proxy::Way::Open);
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

    async fn all(&self, path: &str) -> Result<Vec<Value>> {
        let mut items = Vec::new();
        let mut after = String::new();
        loop {
            let join = if path.contains('?') { '&' } else { '?' };
            let page = self.fleet.api.get(&format!("{path}{join}limit=200{after}")).await?;
            items.extend(page["items"].as_array().cloned().unwrap_or_default());
            match page["next"].as_str() {
                Some(next) => after = format!("&after={next}"),
                None => return Ok(items),
            }
        }
    }

    /// The evidence of what was committed.
    async fn evidence(&self, audit: &[Value]) -> Result<Vec<Kept>> {
        let mut kept = Vec::new();
        for entry in audit.iter().filter(|e| e["act"] == "submit.committed") {
            let intent = entry["subject"].as_str().unwrap_or_default();
            let opened =
                audit.iter().find(|e| e["act"] == "permit.issued" && e["subject"] == intent);
            let attempt = opened.and_then(|e| e["detail"]["attempt"].as_str()).unwrap_or_default();
            let items = self.all(&format!("evidence?attempt={attempt}")).await?;
            let when = |item: &Value| item["received_at"].as_str().and_then(|at| at.parse().ok());
            let before = items.iter().find(|item| item["moment"] == "before").and_then(when);
            let after = entry["detail"]["after"].as_str().unwrap_or_default();
            let item = self.fleet.api.get(&format!("evidence/{after}")).await;
            let bytes = self.fleet.api.evidence(after).await;
            let whole = match (&item, bytes) {
                (Ok(item), Ok(bytes)) => item["sha256"].as_str() == Some(&sha256(&bytes)),
                _ => false,
            };
            let after = item.ok().as_ref().and_then(when);
            kept.push(Kept { intent: intent.to_owned(), before, after, whole });
        }
        Ok(kept)
    }

    /// Asks for one more job without any fault, gathers everything, and ends the fleet.
    ///
    /// # Errors
    /// The coordinator cannot be asked.
    pub async fn gather(mut self) -> Result<Artefacts> {
        let began = Instant::now();
        let probe = self.take_in(1).await?.remove(0);
        let probed = self.fleet.api.job_until(&probe, &["done"], Duration::from_secs(60)).await;
        let probe_ms =
            probed.is_ok().then(|| u64::try_from(began.elapsed().as_millis()).unwrap_or(0));
        let jobs = self.all("jobs?task=submit").await?;
        let exceptions = self.all("exceptions").await?;
        let mut audit = self.all("audit").await?;
        audit.sort_by_key(|entry| entry["seq"].as_u64());
        let intact = self.fleet.api.get("audit/verified").await?["intact"] == true;
        let evidence = self.evidence(&audit).await?;
        let (root, profiles) = (self.root.clone(), self.fleet.profile_root().to_owned());
        let mut stray = Vec::new();
        if let Err(left) = self.fleet.end().await {
            stray.push(left.to_string());
        }
        stray.extend(
            crate::fleet::process::with_argument(&profiles.display().to_string())
                .into_iter()
                .map(|pid| format!("process {pid}")),
        );
        Ok(Artefacts {
            accepted: self.accepted,
            jobs,
            exceptions,
            ledger: self.payer.ledger(),
            audit,
            audit_intact: intact,
            evidence,
            leaks: leaks(&root.join("logs"))?,
            stray,
            probe_ms,
            promised: Promised {
                window_ms: WINDOW_MS,
                open_max: u64::from(SESSIONS_MAX),
                ..Promised::default()
            },
        })
    }
}

/// The key of a request, from the same fields that the payer will see.
fn key_of_request(request: &Value) -> String {
    let line = &request["lines"][0];
    key_of(&json!({
        "memberId": request["member"]["id"],
        "requestingNpi": request["requesting"]["npi"],
        "lines": [{"code": line["code"], "units": line["units"], "from": line["from"]}],
    }))
}

fn sha256(bytes: &[u8]) -> String {
    use sha2::{Digest as _, Sha256};
    use std::fmt::Write as _;
    Sha256::digest(bytes).iter().fold(String::new(), |mut out, byte| {
        let _ = write!(out, "{byte:02x}");
        out
    })
}

/// Names of members and secrets of accounts that stand in a log.
fn leaks(logs: &Path) -> Result<Vec<String>> {
    let members = world().members.iter().flat_map(|m| [m.member_id.clone(), m.name()]);
    let accounts = world()
        .accounts
        .iter()
        .flat_map(|a| std::iter::once(a.password.clone()).chain(a.totp_seed.clone()));
    let never: Vec<String> = members.chain(accounts).filter(|text| !text.is_empty()).collect();
    let mut found = Vec::new();
    for entry in std::fs::read_dir(logs).context("listing logs")? {
        let path = entry?.path();
        let text = String::from_utf8_lossy(&std::fs::read(&path)?).into_owned();
        let told = never.iter().filter(|secret| text.contains(secret.as_str())).count();
        if told > 0 {
            found.push(format!("{} tells {told} names or secrets", path.display()));
        }
    }
    Ok(found)
}
