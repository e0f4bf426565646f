//! The hand on a context's gate: starts the gate as a process of its own, tells it what to do and hears what it says. One line of JSON
//! each way. The process ends when this value does, and also when the whole agent does.

use super::connection::lock;
use super::error::Error;
use domain::gate::{Arming, Pass};
use domain::id::IntentId;
use serde::{Deserialize, Serialize};
use std::collections::HashSet;
use std::net::SocketAddr;
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::process::{ChildStdin, ChildStdout};
use tokio::sync::{mpsc, watch};
use tokio::time::timeout;

/// How long the gate may take to answer.
const ANSWER: Duration = Duration::from_secs(5);
/// How long it may take to start on a busy machine.
const START: Duration = Duration::from_secs(20);
/// Lines on their way.
const LINES: usize = 64;

/// How the gate is started.
#[derive(Debug, Clone)]
pub struct GateProgram {
    /// The program `agent`.
    pub program: PathBuf,
    /// Where it keeps what must outlive it; none: nothing is kept.
    pub lines: Option<PathBuf>,
}

impl GateProgram {
    /// The running program itself, also when its file was replaced meanwhile.
    #[must_use]
    pub fn own(lines: Option<PathBuf>) -> Self {
        Self { program: PathBuf::from("/proc/self/exe"), lines }
    }
}

/// What is said to the gate.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "say", rename_all = "snake_case")]
pub(crate) enum Say {
    /// First of all, once.
    Begin { rules: Vec<(String, SocketAddr)>, only_listed: bool, lines: Option<PathBuf> },
    /// Only these hosts from now on.
    List { hosts: HashSet<String> },
    /// Cut everything; so many may be opened again.
    Arm { more: u32 },
    /// Nothing new any more until a permit comes, signed with this key if there is one.
    Wait { key: Option<String> },
    /// The permit.
    Permit { pass: PassSaid },
    /// The click is about to happen.
    Clicked,
    /// The submission is over. Not answered.
    Release,
    /// It is in doubt: shut for good, and say so where nothing was let out.
    Doubt,
}

/// A permit as it is handed over.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "as", rename_all = "snake_case")]
pub enum PassSaid {
    /// Signed by the coordinator.
    Signed(Pass),
    /// On the agent's own word, where nobody signs: a trial at a desk, a coordinator of the version before.
    Plain {
        /// The intent.
        intent: IntentId,
        /// Its life, milliseconds.
        ttl_ms: i64,
        /// How much longer what was sent may take, milliseconds.
        submit_max_ms: i64,
    },
}

/// What the gate says.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "said", rename_all = "snake_case")]
pub(crate) enum Said {
    /// It listens.
    Listens { address: SocketAddr, key: String },
    /// The answer to what was asked last.
    Answer { answer: Result<Answer, String> },
    /// Connections let out since the arming.
    Admitted { count: u32 },
    /// A host that is not listed was asked for.
    NotListed { host: String },
    /// It has shut for good.
    Shut,
}

/// An answer that is not a refusal.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Answer {
    /// The arming.
    #[serde(default)]
    pub(crate) nonce: String,
    /// Whether it has certified that nothing was sent.
    #[serde(default)]
    pub(crate) certified: bool,
}

/// A running gate.
#[derive(Debug)]
pub(crate) struct Egress {
    address: SocketAddr,
    key: String,
    say: mpsc::Sender<Say>,
    /// One question at a time.
    answers: tokio::sync::Mutex<mpsc::Receiver<Result<Answer, String>>>,
    heard: Arc<Heard>,
}

#[derive(Debug)]
struct Heard {
    not_listed: Mutex<HashSet<String>>,
    admitted: watch::Sender<u32>,
    /// It lets nothing out any more.
    shut: watch::Sender<bool>,
}

impl Egress {
    /// Starts a gate.
    ///
    /// # Errors
    /// It does not start.
    #[expect(clippy::disallowed_methods, reason = "the place where a gate begins")]
    pub(crate) async fn start(
        program: &GateProgram,
        rules: &[(String, SocketAddr)],
        only_listed: bool,
    ) -> Result<Self, Error> {
        let mut command = std::process::Command::new(&program.program);
        command
            .arg0("agent")
            .arg("gate")
            .env_clear()
            .envs(
                ["FLEET_LOG", "FLEET_SABOTAGE"]
                    .iter()
                    .filter_map(|name| Some((name, std::env::var_os(name)?))),
            )
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            // A stop from the keyboard is for the agent: the gate ends after it.
            .process_group(0);
        let failed = |why: &str| Error::Launch(format!("the submit gate did not start: {why}"));
        let mut child = tokio::process::Command::from(command)
            .spawn()
            .map_err(|error| failed(&error.to_string()))?;
        let (Some(to), Some(from)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(failed("no pipe"));
        };
        // It ends by itself when its input does; somebody has to see it off.
        tokio::spawn(async move { child.wait().await });
        let (say, told) = mpsc::channel(LINES);
        tokio::spawn(tell(to, told));
        let begin = Say::Begin { rules: rules.to_vec(), only_listed, lines: program.lines.clone() };
        say.send(begin).await.map_err(|_| failed("it ended at once"))?;
        let mut lines = BufReader::new(from).lines();
        let first = timeout(START, lines.next_line()).await;
        let Ok(Ok(Some(Ok(Said::Listens { address, key })))) =
            first.map(|line| line.map(|line| line.map(|line| serde_json::from_str(&line))))
        else {
            return Err(failed("it did not say where it listens"));
        };
        let heard = Arc::new(Heard {
            not_listed: Mutex::default(),
            admitted: watch::channel(0).0,
            shut: watch::channel(false).0,
        });
        let (answer, answers) = mpsc::channel(LINES);
        tokio::spawn(hear(lines, Arc::clone(&heard), answer));
        Ok(Self { address, key, say, answers: tokio::sync::Mutex::new(answers), heard })
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Whether it lets nothing out any more: shut for good, or gone.
    pub(crate) fn is_shut(&self) -> bool {
        *self.heard.shut.borrow()
    }

    /// From now on only these hosts are reached; what is open stays.
    pub(crate) async fn list(&self, hosts: HashSet<String>) -> Result<(), Error> {
        self.ask(Say::List { hosts }).await.map(drop).map_err(|_| Error::Closed)
    }

    /// Hosts that were asked for since the last call although they are not listed.
    pub(crate) fn take_refused(&self) -> Vec<String> {
        lock(&self.heard.not_listed).drain().collect()
    }

    /// Cuts every connection; from now on `more` new ones per host, for what the page opens again by itself.
    pub(crate) async fn arm(&self, more: u32) -> Result<(), Error> {
        self.heard.admitted.send_replace(0);
        let armed = self.ask(Say::Arm { more }).await;
        armed.map(drop).map_err(|_| Error::Closed)
    }

    /// Resolves when so many connections were admitted since the arming.
    pub(crate) async fn reconnected(&self, count: u32) {
        let mut admitted = self.heard.admitted.subscribe();
        // The sender lives as long as this value.
        let _all = admitted.wait_for(|so_far| *so_far >= count).await;
    }

    /// Nothing new any more; what a permit for it has to name.
    pub(crate) async fn wait(&self, key: Option<String>) -> Result<Arming, String> {
        let answer = self.ask(Say::Wait { key }).await?;
        Ok(Arming { key: self.key.clone(), nonce: answer.nonce })
    }

    /// Hands the permit over.
    pub(crate) async fn permit(&self, pass: PassSaid) -> Result<(), String> {
        self.ask(Say::Permit { pass }).await.map(drop)
    }

    /// The click is about to happen.
    pub(crate) async fn clicked(&self) -> Result<(), String> {
        self.ask(Say::Clicked).await.map(drop)
    }

    /// It is in doubt: nothing leaves this context any more; whether it is certified that nothing was sent.
    pub(crate) async fn doubt(&self) -> bool {
        self.ask(Say::Doubt).await.is_ok_and(|answer| answer.certified)
    }

    /// Any number of connections again.
    pub(crate) fn release(&self) {
        self.tell(Say::Release);
    }

    fn tell(&self, what: Say) {
        if let Err(error) = self.say.try_send(what) {
            // It stays armed: more is refused than had to be.
            tracing::warn!(%error, "the submit gate was not told");
        }
    }

    async fn ask(&self, what: Say) -> Result<Answer, String> {
        let mut answers = self.answers.lock().await;
        let gone = || "the submit gate is gone".to_owned();
        self.say.send(what).await.map_err(|_| gone())?;
        match timeout(ANSWER, answers.recv()).await {
            Ok(Some(answer)) => answer,
            Ok(None) => Err(gone()),
            Err(_) => {
                // A late answer must not be taken for that to the next question.
                answers.close();
                self.heard.shut.send_replace(true);
                Err("the submit gate does not answer".to_owned())
            }
        }
    }
}

async fn tell(mut to: ChildStdin, mut told: mpsc::Receiver<Say>) {
    while let Some(say) = told.recv().await {
        let Ok(mut line) = serde_json::to_vec(&say) else { continue };
        line.push(b'\n');
        if to.write_all(&line).await.is_err() || to.flush().await.is_err() {
            return;
        }
    }
}

async fn hear(
    mut lines: Lines<BufReader<ChildStdout>>,
    heard: Arc<Heard>,
    answers: mpsc::Sender<Result<Answer, String>>,
) {
    while let Ok(Some(line)) = lines.next_line().await {
        match serde_json::from_str(&line) {
            Ok(Said::Answer { answer }) => {
                if answers.send(answer).await.is_err() {
                    break;
                }
            }
            Ok(Said::Admitted { count }) => {
                heard.admitted.send_replace(count);
            }
            Ok(Said::NotListed { host }) => {
                lock(&heard.not_listed).insert(host);
            }
            Ok(Said::Shut) => {
                heard.shut.send_replace(true);
            }
            Ok(Said::Listens { .. }) => {}
            Err(error) => tracing::warn!(%error, "a line of the submit gate could not be read"),
        }
    }
    heard.shut.send_replace(true);
}
