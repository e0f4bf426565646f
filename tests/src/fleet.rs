//! A whole fleet on this machine: simulated payers, coordinator and agents, each a process of its own on loopback. One method
//! per thing a person or a fault does. The demo, the benchmark and the stories all start here and judge by the payers' ledgers.

pub mod api;
pub mod clinic;
pub mod console;
pub mod fallback;
pub mod folder;
pub mod judge;
pub mod process;
pub mod profile;
pub mod requests;
pub mod sshd;

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

use crate::portal::{Control, PayerProcess, Ready, Truth};
use api::Api;
use folder::Folder;
use process::{Process, binary};

/// Within this an agent or a coordinator that is asked to ends in order: what the fleet promises of a rolling restart.
const DRAINS: Duration = Duration::from_secs(30);
/// Longest wait for what must have ended after a run: it costs nothing where it has.
const ENDS: Duration = Duration::from_secs(90);

/// How to start a fleet.
#[derive(Clone, Debug)]
pub struct Options {
    /// Folder of everything it writes; made anew.
    pub root: PathBuf,
    /// Agents to start at once.
    pub agents: usize,
    /// Slots of each agent.
    pub slots: u32,
    /// Lease length in milliseconds.
    pub lease_ttl_ms: i64,
    /// Heartbeat period in milliseconds.
    pub heartbeat_ms: i64,
    /// The retry schedule's minute, in milliseconds.
    pub rest_unit_ms: i64,
    /// How late a payer may record, milliseconds: absence is believed only after three times that.
    pub record_delay_ms: i64,
    /// Cadence of status checks in milliseconds.
    pub status_every_ms: i64,
    /// Portal sessions at a time at Crestline.
    pub sessions_max: u32,
    /// `quick` or `lifelike`.
    pub pace: &'static str,
    /// A database address instead of SQLite in the folder.
    pub database_url: Option<String>,
    /// Payers to start, by id.
    pub payers: Vec<&'static str>,
    /// Certificate the portals show: `trusted`, `untrusted`, `wrong-host`.
    pub certificate: &'static str,
    /// How long a sign-in waits for a code that a person has, milliseconds; as in production where nothing is said.
    pub code_wait_ms: Option<i64>,
    /// Scripts to publish instead of the repository's.
    pub scripts: Option<PathBuf>,
    /// Larkfield is reached by FHIR PAS too, when its portal cannot be.
    pub fallback: bool,
    /// Larkfield is reached by X12 over CORE first, and Harbor by X12 in files.
    pub edi: bool,
    /// Harbor is reached by X12 in files, when its portal cannot be.
    pub batch: bool,
    /// Harbor's file host, once it is started.
    pub files: Option<sshd::Host>,
    /// Where the coordinator's data lies instead of in the folder.
    pub data: Option<PathBuf>,
    /// Further settings of the coordinator; what is said here counts.
    pub coordinator_env: Vec<(&'static str, String)>,
    /// Failures of a portal in a row that open its breaker.
    pub trips_after: u32,
    /// Seconds an authenticator code lives: 30 at every payer; 10, the shortest the fleet takes, where nobody should wait for the
    /// next one.
    pub code_step_s: i64,
}

impl Options {
    /// A fleet for a story: short leases, one agent with one slot, quick pages.
    pub fn story(root: PathBuf) -> Options {
        Options {
            root,
            agents: 1,
            slots: 1,
            lease_ttl_ms: 6_000,
            heartbeat_ms: 1_000,
            rest_unit_ms: 500,
            record_delay_ms: 500,
            status_every_ms: 3_600_000,
            sessions_max: 2,
            pace: "quick",
            database_url: None,
            payers: vec!["crestline", "harbor"],
            certificate: "trusted",
            code_wait_ms: None,
            scripts: None,
            fallback: false,
            edi: false,
            batch: false,
            files: None,
            data: None,
            coordinator_env: Vec::new(),
            trips_after: 1,
            code_step_s: 30,
        }
    }
}

/// A running fleet. Ends with [`Fleet::end`]; dropped without it, every process it started is killed.
pub struct Fleet {
    /// How it was started.
    pub options: Options,
    /// Client of the coordinator with an operator's key.
    pub api: Api,
    payers: BTreeMap<String, PayerProcess>,
    coordinator: Option<Process>,
    agents: Vec<Process>,
    agents_started: usize,
    /// Ends with the fleet.
    _files: Option<sshd::Sshd>,
    /// The browsers' private folders: not below the root, since the browser's own user must reach them.
    profiles: tempfile::TempDir,
    /// Last, so that it is given up when everything else has ended.
    _folder: Folder,
}

impl Fleet {
    /// Starts payers, coordinator and agents and records the accounts; returns when the coordinator answers.
    ///
    /// # Errors
    /// The folder is in use by another run; a program is missing or does not become ready: the sentence names its log.
    pub async fn start(mut options: Options) -> Result<Fleet> {
        let folder = Folder::take(&options.root, &["logs", "keys", "ca", "payers"])?;
        let wanted = (options.edi || options.batch) && options.payers.contains(&"harbor");
        let files = if wanted && sshd::installed() {
            Some(sshd::Sshd::start(options.root.join("sshd")).await?)
        } else {
            None
        };
        options.files = files.as_ref().map(|sshd| sshd.host.clone());
        let mut payers = BTreeMap::new();
        for id in &options.payers {
            let more = [
                "--pace",
                options.pace,
                "--clock",
                "now",
                "--rate",
                "1",
                "--totp-clock",
                "real",
                "--cert",
                options.certificate,
            ];
            let payer = PayerProcess::start(
                &binary("payer")?,
                id,
                &options.root.join("payers").join(id),
                &options.root.join("ca"),
                &more,
            )
            .await?;
            payers.insert((*id).to_owned(), payer);
        }
        let profiles: Vec<Value> =
            options.payers.iter().map(|id| profile::payer(id, &options)).collect();
        std::fs::write(options.root.join("payers.json"), serde_json::to_vec_pretty(&profiles)?)?;
        let mut fleet = Fleet {
            api: Api::new("http://127.0.0.1:1", "none"),
            payers,
            coordinator: None,
            agents: Vec::new(),
            agents_started: 0,
            _files: files,
            profiles: profiles_folder()?,
            _folder: folder,
            options,
        };
        fleet.start_coordinator().await?;
        for id in fleet.options.payers.clone() {
            fleet.record_account(id).await?;
        }
        for _ in 0..fleet.options.agents {
            fleet.start_agent(&[]).await?;
        }
        Ok(fleet)
    }

    fn root(&self) -> &Path {
        &self.options.root
    }

    /// Where the coordinator's data lies.
    pub fn data(&self) -> PathBuf {
        self.options.data.clone().unwrap_or_else(|| self.root().join("data"))
    }

    /// The simulated payer's control plane.
    ///
    /// # Panics
    /// The payer was not started.
    pub fn control(&self, payer: &str) -> Control {
        self.payers[payer].ready.control()
    }

    /// The simulated payer's truth plane.
    ///
    /// # Panics
    /// The payer was not started.
    pub fn truth(&self, payer: &str) -> Truth {
        self.payers[payer].ready.truth()
    }

    /// The settings of a coordinator that listens there.
    fn coordinator_settings(&self, listen: String) -> Vec<(&'static str, String)> {
        let o = &self.options;
        let mut env: Vec<(&str, String)> = vec![
            ("FLEET_DATA_DIR", self.data().display().to_string()),
            ("FLEET_KEY_FILE", self.root().join("keys/master.key").display().to_string()),
            ("FLEET_PAYERS_FILE", self.root().join("payers.json").display().to_string()),
            ("FLEET_LISTEN", listen),
            ("FLEET_LEASE_TTL_MS", o.lease_ttl_ms.to_string()),
            ("FLEET_HEARTBEAT_MS", o.heartbeat_ms.to_string()),
            ("FLEET_REST_UNIT_MS", o.rest_unit_ms.to_string()),
        ];
        if let Some(url) = &o.database_url {
            env.push(("FLEET_DATABASE_URL", url.clone()));
        }
        if let Some(wait) = o.code_wait_ms {
            env.push(("FLEET_CODE_WAIT_MS", wait.to_string()));
        }
        if let Some(payer) = self.payers.values().next() {
            // All boxes lie at one host; which of them is meant says the port in the vault.
            let mail = &payer.ready.mail;
            env.push(("FLEET_HOST_RULES", format!("{}={}", mail.host, mail.addr)));
            env.push(("FLEET_EXTRA_CA", payer.ready.ca.display().to_string()));
        }
        env.push((
            "FLEET_SCRIPTS_DIR",
            o.scripts.clone().unwrap_or_else(|| repository().join("scripts")).display().to_string(),
        ));
        env.extend(o.coordinator_env.iter().cloned());
        env
    }

    /// Starts the coordinator (again, on the same data after a kill) and waits until it serves.
    ///
    /// # Errors
    /// It does not become ready.
    pub async fn start_coordinator(&mut self) -> Result<()> {
        let env = self.coordinator_settings(self.api.listen_again());
        let (process, line) =
            Process::start_ready("coordinator", &["serve"], &env, &self.root().join("logs"))
                .await?;
        let address = line["listening"].as_str().context("the coordinator names its address")?;
        let key = std::fs::read_to_string(self.data().join("operator.key"))
            .context("reading the operator's key")?;
        self.api = Api::new(address, key.trim());
        self.coordinator = Some(process);
        Ok(())
    }

    /// Starts another coordinator on the same data, by mistake, and ends it when it serves.
    ///
    /// # Errors
    /// It is refused: the sentence holds what it says.
    pub async fn second_coordinator(&self) -> Result<()> {
        let env = self.coordinator_settings("127.0.0.1:0".to_owned());
        let logs = self.root().join("logs/second");
        std::fs::create_dir_all(&logs)?;
        let (mut process, _) = Process::start_ready("coordinator", &["serve"], &env, &logs).await?;
        process.kill().await
    }

    /// The last lines of an agent's log.
    pub fn agent_said(&self, place: usize) -> String {
        self.agents.get(place).map(Process::tail).unwrap_or_default()
    }

    async fn record_account(&self, payer: &str) -> Result<()> {
        let step_s = self.options.code_step_s;
        self.control(payer).knob("totp_step_s", step_s).await?;
        if payer == "verity" {
            // Its clock runs with the real one: closed on Sundays, it would answer nobody then.
            self.control(payer).knob("maintenance", "").await?;
        }
        let body = profile::account(payer, self.ready(payer), step_s)?;
        self.api.put(&format!("payers/{payer}/credential"), &body).await?;
        if self.options.fallback && payer == "larkfield" {
            let body = profile::client(payer)?;
            self.api.put(&format!("payers/{payer}/credential"), &body).await?;
        }
        if self.options.edi && payer == "larkfield" {
            let body = profile::partner(payer)?;
            self.api.put(&format!("payers/{payer}/credential"), &body).await?;
        }
        if let Some(host) = self.options.files.as_ref().filter(|_| payer == "harbor") {
            let body = profile::file_partner(payer, host);
            self.api.put(&format!("payers/{payer}/credential"), &body).await?;
        }
        Ok(())
    }

    /// Starts one more agent with further environment (fault points, say); returns its place in the list.
    ///
    /// # Errors
    /// It cannot be started.
    pub async fn start_agent(&mut self, more: &[(&str, String)]) -> Result<usize> {
        let number = self.agents_started;
        self.agents_started += 1;
        let mut rules: Vec<String> = self
            .payers
            .values()
            .flat_map(|p| p.ready.hosts.iter().map(|(host, address)| format!("{host}={address}")))
            .collect();
        if let Some(files) = &self.options.files {
            rules.push(format!("{}=127.0.0.1:{}", profile::FILE_HOST, files.port));
        }
        let ca = self
            .payers
            .values()
            .next()
            .map(|p| p.ready.ca.display().to_string())
            .unwrap_or_default();
        let key = std::fs::read_to_string(self.data().join("agent.key"))
            .context("reading the agents' key")?;
        let mut env: Vec<(&str, String)> = vec![
            ("FLEET_COORDINATOR_URL", self.api.base().to_owned()),
            ("FLEET_AGENT_KEY", key.trim().to_owned()),
            ("FLEET_AGENT_NAME", format!("agent-{}", number + 1)),
            ("FLEET_SLOTS", self.options.slots.to_string()),
            ("FLEET_HOST_RULES", rules.join(",")),
            ("FLEET_EXTRA_CA", ca),
            (
                "FLEET_SPOOL_DIR",
                self.root().join(format!("spool-{}", number + 1)).display().to_string(),
            ),
            ("FLEET_PROFILE_DIR", self.profiles.path().display().to_string()),
        ];
        env.extend(more.iter().cloned());
        // What is said later counts; what is said to be nothing is not said.
        let mut env: BTreeMap<&str, String> = env.into_iter().collect();
        env.retain(|_, value| !value.is_empty());
        let env: Vec<(&str, String)> = env.into_iter().collect();
        let name = format!("agent-{}", number + 1);
        let process = Process::start(&name, "agent", &["work"], &env, &self.root().join("logs"))?;
        self.agents.push(process);
        Ok(self.agents.len() - 1)
    }

    /// Kills an agent at once, as `kill -9` does.
    ///
    /// # Errors
    /// The kill is refused.
    pub async fn kill_agent(&mut self, place: usize) -> Result<()> {
        self.agents[place].kill().await
    }

    /// Asks an agent to end in order, and waits for it.
    ///
    /// # Errors
    /// It does not end by itself.
    pub async fn end_agent(&mut self, place: usize) -> Result<()> {
        self.agents[place].terminate(DRAINS).await
    }

    /// The process id of an agent, while it runs.
    pub fn agent_pid(&self, place: usize) -> Option<u32> {
        self.agents.get(place).and_then(Process::pid)
    }

    /// The folder the agents make their browsers' folders in.
    pub fn profile_root(&self) -> &Path {
        self.profiles.path()
    }

    /// Kills the coordinator at once.
    ///
    /// # Errors
    /// The kill is refused.
    pub async fn kill_coordinator(&mut self) -> Result<()> {
        self.coordinator.take().context("the coordinator runs")?.kill().await
    }

    /// Asks the coordinator to end in order, and waits for it.
    ///
    /// # Errors
    /// It does not end by itself.
    pub async fn end_coordinator(&mut self) -> Result<()> {
        let mut coordinator = self.coordinator.take().context("the coordinator runs")?;
        coordinator.terminate(DRAINS).await
    }

    /// Waits until the coordinator has ended by itself; the last lines of its log, none when it still runs.
    pub async fn coordinator_ended(&mut self, patience: Duration) -> Option<String> {
        let ended = self.coordinator.as_mut()?.ended(patience).await;
        let process = self.coordinator.take_if(|_| ended)?;
        Some(process.tail())
    }

    /// Whether a coordinator was started and not ended by us.
    pub fn has_coordinator(&self) -> bool {
        self.coordinator.is_some()
    }

    /// Process ids of coordinator and agents that run.
    pub fn own_pids(&self) -> Vec<u32> {
        self.coordinator.iter().chain(&self.agents).filter_map(Process::pid).collect()
    }

    /// How a simulated payer can be reached.
    ///
    /// # Panics
    /// The payer was not started.
    pub fn ready(&self, payer: &str) -> &Ready {
        &self.payers[payer].ready
    }

    /// Chromium processes whose profile lies in this fleet's folder.
    pub fn browsers(&self) -> Vec<u32> {
        process::with_argument(&self.profiles.path().display().to_string())
    }

    /// Waits until no Chromium of this fleet runs.
    ///
    /// # Errors
    /// Some still runs after `patience`.
    pub async fn until_no_browser(&self, patience: Duration) -> Result<()> {
        api::until(patience, "no browser of this fleet runs", || async {
            Ok(self.browsers().is_empty().then_some(()))
        })
        .await
    }

    /// Ends everything in order and counts what was left over.
    ///
    /// # Errors
    /// A process does not end, a lease is held, an intent is open without a doubt, or a browser survives.
    pub async fn end(mut self) -> Result<()> {
        for agent in &mut self.agents {
            agent.terminate(ENDS).await?;
        }
        self.until_no_browser(ENDS).await?;
        let leased = self.api.get("jobs?state=leased&limit=200").await?;
        if let Some(job) = leased["items"].as_array().and_then(|items| items.first()) {
            bail!("a lease is still held after every agent ended: {job}");
        }
        if let Some(mut coordinator) = self.coordinator.take() {
            coordinator.terminate(ENDS).await?;
        }
        for (_, payer) in std::mem::take(&mut self.payers) {
            payer.end().await?;
        }
        Ok(())
    }
}

fn profiles_folder() -> Result<tempfile::TempDir> {
    use std::os::unix::fs::PermissionsExt as _;
    tempfile::Builder::new()
        .prefix("fleet-")
        .permissions(std::fs::Permissions::from_mode(0o755))
        .tempdir()
        .context("making a folder for the browsers")
}

/// The repository's root.
pub fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().map_or_else(PathBuf::new, Path::to_owned)
}
