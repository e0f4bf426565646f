//! The submit gate as a process of its own: it carries the connections of one context, so it still acts when its agent is frozen, and
//! it ends with its agent. It alone decides whether a permit is good, and when it ends; its word that nothing was sent is signed with
//! a key that never leaves this process.

use std::{os::fd::AsFd as _, path::PathBuf, sync::Arc, time::Duration};

use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey};
use domain::gate::{Certificate, Permit};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader},
    net::unix::pipe,
    sync::mpsc,
};

use crate::{
    browser::{
        PassSaid,
        egress::{Answer, Said, Say},
        tunnel::{News, Tunnels},
    },
    clock::boot_ms,
    fault::broken,
    spool,
};

/// How often the gate looks whether its time is over.
const LOOK: Duration = Duration::from_millis(50);
/// Lines waiting to be said.
const LINES: usize = 512;

/// Why a gate ends other than by its agent's end.
#[derive(Debug, thiserror::Error)]
pub enum Ended {
    /// Input or output.
    #[error("the submit gate cannot speak with its agent: {0}")]
    Io(#[from] std::io::Error),
    /// The first line was another.
    #[error("the submit gate was not told how to begin")]
    NoBeginning,
    /// No key.
    #[error("the submit gate could not make its key")]
    NoKey,
}

/// The arming that waits for its permit, or has it.
struct Armed {
    nonce: String,
    /// When it began to wait, on the boot clock: no permit for it is older.
    since: i64,
    /// Whose signature a permit needs.
    key: Option<Vec<u8>>,
}

struct Keeper {
    tunnels: Tunnels,
    keys: Ed25519KeyPair,
    lines: Option<PathBuf>,
    armed: Option<Armed>,
    /// Its end was told to the agent.
    told: bool,
    /// What it certifies is durable.
    certified: bool,
    say: mpsc::Sender<Said>,
}

/// Serves one agent on standard input and output until the input ends.
///
/// # Errors
/// See [`Ended`].
pub async fn serve() -> Result<(), Ended> {
    let input = std::io::stdin().as_fd().try_clone_to_owned()?;
    let output = std::io::stdout().as_fd().try_clone_to_owned()?;
    let mut output = pipe::Sender::from_owned_fd(output)?;
    let mut lines = BufReader::new(pipe::Receiver::from_owned_fd(input)?).lines();
    let first = lines.next_line().await?.and_then(|line| serde_json::from_str(&line).ok());
    let Some(Say::Begin { rules, only_listed, lines: kept }) = first else {
        return Err(Ended::NoBeginning);
    };
    let keys = Ed25519KeyPair::generate().map_err(|_| Ended::NoKey)?;
    let (tunnels, mut news) = Tunnels::open(&rules, only_listed).await?;
    let (say, mut said) = mpsc::channel::<Said>(LINES);
    tokio::spawn(async move {
        while let Some(said) = said.recv().await {
            let mut line = serde_json::to_vec(&said).unwrap_or_default();
            line.push(b'\n');
            if output.write_all(&line).await.is_err() {
                return;
            }
        }
    });
    let listens =
        Said::Listens { address: tunnels.address(), key: spool::hex(keys.public_key().as_ref()) };
    let mut keeper =
        Keeper { tunnels, keys, lines: kept, armed: None, told: false, certified: false, say };
    keeper.tell(listens);
    let mut tick = tokio::time::interval(LOOK);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            line = lines.next_line() => match line {
                Ok(Some(line)) => keeper.hear(&line).await,
                // The agent is gone, whatever became of it.
                Ok(None) | Err(_) => break,
            },
            Some(news) = news.recv() => keeper.tell(match news {
                News::NotListed(host) => Said::NotListed { host },
                News::Admitted(count) => Said::Admitted { count },
            }),
            _ = tick.tick() => keeper.look().await,
        }
    }
    keeper.tunnels.shut();
    keeper.look().await;
    Ok(())
}

impl Keeper {
    /// Never waits: an agent that is frozen and hears nothing must not hold its gate up.
    fn tell(&self, what: Said) {
        let _told = self.say.try_send(what);
    }

    async fn hear(&mut self, line: &str) {
        let answer = match serde_json::from_str(line) {
            Ok(Say::List { hosts }) => {
                self.tunnels.list(hosts);
                Ok(Answer::default())
            }
            Ok(Say::Release) => return self.release(),
            Ok(Say::Arm { more }) => self.arm(more),
            Ok(Say::Wait { key }) => self.wait(key),
            Ok(Say::Permit { pass }) => self.permit(&pass),
            Ok(Say::Clicked) => self.clicked(),
            Ok(Say::Doubt) => Ok(self.doubt().await),
            Ok(Say::Begin { .. }) => Err("it has begun already".to_owned()),
            Err(_) => Err("not understood".to_owned()),
        };
        self.tell(Said::Answer { answer });
    }

    fn release(&mut self) {
        if self.tunnels.release() {
            self.armed = None;
        }
    }

    fn arm(&mut self, more: u32) -> Result<Answer, String> {
        let (shut, _) = self.tunnels.standing();
        if shut || !self.tunnels.arm(more) {
            return Err("it is shut for good".to_owned());
        }
        self.armed = None;
        Ok(Answer::default())
    }

    fn wait(&mut self, key: Option<String>) -> Result<Answer, String> {
        let key = match key.as_deref().map(spool::unhex) {
            Some(None) => return Err("the coordinator's key cannot be read".to_owned()),
            Some(key) => key,
            None => None,
        };
        if !self.tunnels.wait() {
            return Err("it is not armed".to_owned());
        }
        let nonce = format!("{:032x}", rand::random::<u128>());
        self.armed = Some(Armed { nonce: nonce.clone(), since: boot_ms(), key });
        Ok(Answer { nonce, certified: false })
    }

    fn permit(&mut self, pass: &PassSaid) -> Result<Answer, String> {
        let armed = self.armed.as_ref().ok_or("it waits for no permit")?;
        let (ttl_ms, submit_max_ms) = times(armed, pass)?;
        let until = armed.since.saturating_add(ttl_ms);
        if boot_ms() >= until && !broken("permit-reused") {
            return Err("the permit is over".to_owned());
        }
        if !self.tunnels.permit(until, until.saturating_add(submit_max_ms)) {
            return Err("it waits for no permit".to_owned());
        }
        Ok(Answer::default())
    }

    fn clicked(&mut self) -> Result<Answer, String> {
        if self.tunnels.clicked() {
            Ok(Answer::default())
        } else {
            Err("the permit is over".to_owned())
        }
    }

    /// In doubt it shuts for good: nothing of it may leave when somebody looks for it. Where nothing was let out it says so.
    async fn doubt(&mut self) -> Answer {
        if self.armed.is_none() {
            self.release();
            return Answer::default();
        }
        self.tunnels.shut();
        self.look().await;
        Answer { nonce: String::new(), certified: self.certified }
    }

    /// Once it is shut for good: the line, durable, and the agent is told. A line that could not be kept is tried again.
    async fn look(&mut self) {
        let (shut, opened) = self.tunnels.standing();
        if !shut {
            return;
        }
        if !self.certified
            && let (Some(armed), 0, Some(folder)) = (&self.armed, opened, &self.lines)
        {
            let nonce = armed.nonce.clone();
            let text = Certificate::text(&nonce, opened, shut);
            let signature = spool::hex(self.keys.sign(text.as_bytes()).as_ref());
            let certificate = Arc::new(Certificate { nonce, opened, shut, signature });
            let (folder, line) = (folder.clone(), Arc::clone(&certificate));
            let kept =
                tokio::task::spawn_blocking(move || spool::keep_certificate(&folder, &line)).await;
            match kept {
                Ok(Ok(())) => {
                    self.certified = true;
                    tracing::info!("the submit gate let nothing out and says so");
                }
                // While it cannot be it stays a doubt, and somebody looks at the payer.
                failed if !self.told => {
                    tracing::error!(
                        ?failed,
                        "the certificate could not be kept; it is tried again"
                    );
                }
                _ => {}
            }
        }
        if !self.told {
            self.told = true;
            self.tell(Said::Shut);
        }
    }
}

/// Life and rest of a permit that fits this arming.
fn times(armed: &Armed, pass: &PassSaid) -> Result<(i64, i64), String> {
    let signed = match (pass, &armed.key) {
        (PassSaid::Plain { ttl_ms, submit_max_ms, .. }, None) => {
            return Ok((*ttl_ms, *submit_max_ms));
        }
        (PassSaid::Plain { .. }, Some(_)) => return Err("the permit is not signed".to_owned()),
        (PassSaid::Signed(_), None) => return Err("nobody's signature is known".to_owned()),
        (PassSaid::Signed(signed), Some(key)) => {
            let signature = spool::unhex(&signed.signature).unwrap_or_default();
            UnparsedPublicKey::new(&ED25519, key)
                .verify(signed.text.as_bytes(), &signature)
                .map_err(|_| "the permit is not signed by the coordinator".to_owned())?;
            signed
        }
    };
    let permit = Permit::read(&signed.text).ok_or("the permit cannot be read")?;
    if permit.nonce != armed.nonce && !broken("permit-reused") {
        return Err("the permit is for another arming".to_owned());
    }
    Ok((permit.ttl_ms, permit.submit_max_ms))
}
