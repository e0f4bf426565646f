//! The submit gate's process, spoken to as an agent does, or as one that has gone wrong: which permits it takes, when it shuts, what
//! it certifies. The times of the protocol are passed in, much shorter than the fleet's.

use crate::shared::{gate_program, run};
use agent::clock::boot_ms;
use anyhow::{Context as _, Result, ensure};
use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey};
use domain::gate::{Certificate, Pass, Permit};
use domain::id::{AgentId, IntentId};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::{Value, json};
use std::path::Path;
use std::process::Stdio;
use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};
use std::time::Duration;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::time::timeout;

const TTL_MS: i64 = 4_000;
const MAX_MS: i64 = 1_500;
/// What tells a byte that left in time and was read late from one that left after the window.
const LATE_MS: i64 = 1_000;
const LONG: Duration = Duration::from_secs(20);

/// A payer that notes when the last byte came.
struct Sink {
    at: std::net::SocketAddr,
    last: Arc<AtomicI64>,
}

impl Sink {
    async fn open() -> Result<Sink> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let sink = Sink { at: listener.local_addr()?, last: Arc::default() };
        let last = Arc::clone(&sink.last);
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let last = Arc::clone(&last);
                tokio::spawn(async move {
                    let mut piece = [0; 64];
                    while stream.read(&mut piece).await.is_ok_and(|n| n > 0) {
                        last.store(boot_ms(), Ordering::SeqCst);
                    }
                });
            }
        });
        Ok(sink)
    }
}

/// The hand of an agent on a gate.
struct Hand {
    child: Child,
    to: Option<ChildStdin>,
    from: Lines<BufReader<ChildStdout>>,
    proxy: String,
    key: Vec<u8>,
}

fn unhex(text: &str) -> Vec<u8> {
    (0..text.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap())
        .collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

impl Hand {
    async fn start(sink: &Sink, lines: &Path, sabotage: &str) -> Result<Hand> {
        let mut child = Command::new(gate_program(None).program)
            .arg("gate")
            .env("FLEET_SABOTAGE", sabotage)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let (to, from) = (child.stdin.take(), child.stdout.take().context("piped")?);
        let from = BufReader::new(from).lines();
        let mut hand = Hand { child, to, from, proxy: String::new(), key: Vec::new() };
        let rules = json!([["p.test", sink.at], ["q.test", sink.at]]);
        hand.say(&json!({"say": "begin", "rules": rules, "only_listed": true, "lines": lines}))
            .await?;
        let listens = hand.said("listens").await?;
        hand.proxy = listens["address"].as_str().context("an address")?.to_owned();
        hand.key = unhex(listens["key"].as_str().context("a key")?);
        Ok(hand)
    }

    async fn say(&mut self, what: &Value) -> Result<()> {
        let to = self.to.as_mut().context("it is still spoken to")?;
        to.write_all(format!("{what}\n").as_bytes()).await?;
        Ok(to.flush().await?)
    }

    async fn said(&mut self, kind: &str) -> Result<Value> {
        loop {
            let line = timeout(LONG, self.from.next_line()).await??.context("it has ended")?;
            let said: Value = serde_json::from_str(&line)?;
            if said["said"] == kind {
                return Ok(said);
            }
        }
    }

    /// The answer; a refusal is an error.
    async fn ask(&mut self, what: Value) -> Result<Value> {
        self.say(&what).await?;
        let answer = self.said("answer").await?["answer"].take();
        match answer.get("Err") {
            Some(why) => anyhow::bail!("{why}"),
            None => Ok(answer["Ok"].clone()),
        }
    }

    /// Arms it; gives the nonce.
    async fn armed(&mut self, coordinator: Option<&Ed25519KeyPair>) -> Result<String> {
        self.ask(json!({"say": "arm", "more": 0})).await?;
        let key = coordinator.map(|keys| hex(keys.public_key().as_ref()));
        let answer = self.ask(json!({"say": "wait", "key": key})).await?;
        Ok(answer["nonce"].as_str().context("a nonce")?.to_owned())
    }

    async fn permit(&mut self, pass: &Pass) -> Result<()> {
        let pass = json!({"as": "signed", "text": pass.text, "signature": pass.signature});
        self.ask(json!({"say": "permit", "pass": pass})).await.map(drop)
    }

    /// What a browser asks for; the stream when it is let out.
    async fn connect(&self, host: &str) -> Result<Option<TcpStream>> {
        let mut stream = TcpStream::connect(&self.proxy).await?;
        stream.write_all(format!("CONNECT {host}:443 HTTP/1.1\r\n\r\n").as_bytes()).await?;
        let mut answer = [0; 12];
        timeout(LONG, stream.read_exact(&mut answer)).await??;
        let mut rest = [0; 14];
        if &answer != b"HTTP/1.1 200" {
            return Ok(None);
        }
        stream.read_exact(&mut rest).await?;
        Ok(Some(stream))
    }

    /// As when the agent dies.
    async fn agent_dies(&mut self) -> Result<()> {
        self.to = None;
        timeout(LONG, self.child.wait()).await??;
        Ok(())
    }

    /// The one certificate, if there is one; it is the gate's own.
    fn certificate(&self, lines: &Path) -> Result<Option<Certificate>> {
        let mut files = std::fs::read_dir(lines)?;
        let Some(file) = files.next() else { return Ok(None) };
        ensure!(files.next().is_none(), "one line at most");
        let line: Certificate = serde_json::from_slice(&std::fs::read(file?.path())?)?;
        let text = Certificate::text(&line.nonce, line.opened, line.shut);
        let valid = UnparsedPublicKey::new(&ED25519, &self.key)
            .verify(text.as_bytes(), &unhex(&line.signature));
        ensure!(valid.is_ok(), "signed by the gate");
        Ok(Some(line))
    }
}

fn keys() -> Ed25519KeyPair {
    Ed25519KeyPair::generate().unwrap()
}

fn pass(keys: &Ed25519KeyPair, nonce: &str) -> Pass {
    lasting(keys, nonce, TTL_MS)
}

fn lasting(keys: &Ed25519KeyPair, nonce: &str, ttl_ms: i64) -> Pass {
    let at = agent::clock::now();
    let permit = Permit {
        intent: IntentId::new(at, 1),
        fence: 3,
        agent: AgentId::new(at, 2),
        nonce: nonce.to_owned(),
        ttl_ms,
        submit_max_ms: MAX_MS,
    };
    let text = permit.text();
    Pass { signature: hex(keys.sign(text.as_bytes()).as_ref()), text }
}

/// A permit opens its own arming, once, in its own time, and lets out one connection for each host.
async fn a_permit_is_good_once(sabotage: &str) -> Result<()> {
    let (sink, folder) = (Sink::open().await?, tempfile::tempdir()?);
    let coordinator = keys();
    let mut hand = Hand::start(&sink, folder.path(), sabotage).await?;
    let mut other = Hand::start(&sink, folder.path(), sabotage).await?;
    ensure!(hand.connect("p.test").await?.is_some(), "free before it is armed");
    let nonce = hand.armed(Some(&coordinator)).await?;
    let elsewhere = other.armed(Some(&coordinator)).await?;
    ensure!(hand.connect("p.test").await?.is_none(), "nothing without a permit");
    let plain = json!({"as": "plain", "intent": IntentId::new(agent::clock::now(), 1), "ttl_ms": 9, "submit_max_ms": 9});
    ensure!(hand.ask(json!({"say": "permit", "pass": plain})).await.is_err(), "unsigned");
    ensure!(hand.permit(&pass(&keys(), &nonce)).await.is_err(), "forged");
    let mut bent = pass(&coordinator, &nonce);
    bent.text = bent.text.replace("ttl_ms 4000", "ttl_ms 9000");
    ensure!(hand.permit(&bent).await.is_err(), "changed");
    let good = pass(&coordinator, &nonce);
    ensure!(other.permit(&good).await.is_err(), "another gate's, {elsewhere} is armed");
    hand.permit(&good).await?;
    ensure!(hand.permit(&good).await.is_err(), "used twice");
    ensure!(hand.connect("p.test").await?.is_some() && hand.connect("q.test").await?.is_some());
    ensure!(hand.connect("p.test").await?.is_none(), "a second connection");
    hand.say(&json!({"say": "release"})).await?;
    let nonce = hand.armed(Some(&coordinator)).await?;
    // The gate began to count before it answered.
    let began = boot_ms();
    ensure!(hand.permit(&good).await.is_err(), "of an earlier arming");
    let late = lasting(&coordinator, &nonce, 1);
    while boot_ms() < began + 2 {
        tokio::task::yield_now().await;
    }
    ensure!(hand.permit(&late).await.is_err(), "too late");
    Ok(())
}

/// An agent that is frozen after the permit and later sends all the same: nothing leaves after the window. `frozen` is the gate's own.
async fn nothing_leaves_after_the_window(
    clicked: bool,
    frozen: bool,
    sabotage: &str,
) -> Result<()> {
    let (sink, folder) = (Sink::open().await?, tempfile::tempdir()?);
    let coordinator = keys();
    let mut hand = Hand::start(&sink, folder.path(), sabotage).await?;
    let nonce = hand.armed(Some(&coordinator)).await?;
    // The gate counts from before this answer came.
    let end = boot_ms() + TTL_MS + if clicked { MAX_MS } else { 0 };
    hand.permit(&pass(&coordinator, &nonce)).await?;
    let mut stream = hand.connect("p.test").await?.context("let out")?;
    if clicked {
        hand.ask(json!({"say": "clicked"})).await?;
    }
    stream.write_all(b"x").await?;
    let pid = Pid::from_raw(i32::try_from(hand.child.id().context("it runs")?)?);
    if frozen {
        kill(pid, Signal::SIGSTOP)?;
    }
    // Longer than any window here; what is written meanwhile would leave at the end of a frozen time.
    while boot_ms() < end + 2 * LATE_MS {
        let _may_be_cut = stream.write_all(b"x").await;
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    if frozen {
        kill(pid, Signal::SIGCONT)?;
    }
    let mut rest = Vec::new();
    let cut = timeout(LONG, stream.read_to_end(&mut rest)).await;
    let last = sink.last.load(Ordering::SeqCst);
    // The payer's clock is read a moment after the byte has left.
    ensure!(last <= end + LATE_MS, "a byte came {} ms after the window", last - end);
    ensure!(cut.is_ok(), "the connection is cut");
    ensure!(hand.connect("p.test").await?.is_none(), "and no other is let out");
    ensure!(hand.ask(json!({"say": "arm", "more": 0})).await.is_err(), "for good");
    ensure!(hand.certificate(folder.path())?.is_none(), "something may have been sent");
    Ok(())
}

#[test]
fn a_permit_opens_one_arming_once() {
    run(async { a_permit_is_good_once("").await.unwrap() });
}

#[test]
fn a_frozen_agent_sends_nothing_after_the_window() {
    run(async {
        let all = [(false, false), (true, false), (true, true), (false, true)];
        let runs =
            all.map(|(clicked, frozen)| nothing_leaves_after_the_window(clicked, frozen, ""));
        for done in futures_util::future::join_all(runs).await {
            done.unwrap();
        }
    });
}

#[test]
fn what_was_not_sent_is_certified_and_nothing_else() {
    run(async {
        certified().await.unwrap();
    });
}

async fn certified() -> Result<()> {
    let (sink, coordinator) = (Sink::open().await?, keys());
    // The agent dies before a permit came, with one, and with one that was used.
    for (permitted, connected) in [(false, false), (true, false), (true, true)] {
        let folder = tempfile::tempdir()?;
        let mut hand = Hand::start(&sink, folder.path(), "").await?;
        let nonce = hand.armed(Some(&coordinator)).await?;
        if permitted {
            hand.permit(&pass(&coordinator, &nonce)).await?;
        }
        let stream = if connected { hand.connect("p.test").await? } else { None };
        ensure!(stream.is_some() == connected);
        hand.agent_dies().await?;
        let line = hand.certificate(folder.path())?;
        ensure!(line.is_some() != connected, "permit {permitted}, connection {connected}");
        if let Some(line) = line {
            ensure!(line.nonce == nonce && line.means_not_sent().is_ok(), "{line:?}");
        }
    }
    // Nothing was asked of it: nothing to say.
    let folder = tempfile::tempdir()?;
    let mut hand = Hand::start(&sink, folder.path(), "").await?;
    let _open = hand.connect("p.test").await?;
    hand.agent_dies().await?;
    ensure!(hand.certificate(folder.path())?.is_none());
    // In doubt: shut for good in any case, and said so where no connection was let out.
    for connected in [false, true] {
        let folder = tempfile::tempdir()?;
        let mut hand = Hand::start(&sink, folder.path(), "").await?;
        let nonce = hand.armed(None).await?;
        let plain = json!({"as": "plain", "intent": IntentId::new(agent::clock::now(), 1), "ttl_ms": 60_000, "submit_max_ms": 60_000});
        hand.ask(json!({"say": "permit", "pass": plain})).await?;
        hand.ask(json!({"say": "clicked"})).await?;
        let _open = if connected { hand.connect("p.test").await? } else { None };
        let said = hand.ask(json!({"say": "doubt"})).await?;
        ensure!(said["certified"] == !connected, "{said}");
        ensure!(
            hand.certificate(folder.path())?.map(|line| line.nonce)
                == (!connected).then_some(nonce)
        );
        ensure!(hand.connect("p.test").await?.is_none(), "shut");
    }
    // Clicked, and nothing ever asked for a connection: by the permit's end nothing can be sent any more.
    let folder = tempfile::tempdir()?;
    let mut hand = Hand::start(&sink, folder.path(), "").await?;
    let nonce = hand.armed(Some(&coordinator)).await?;
    hand.permit(&pass(&coordinator, &nonce)).await?;
    hand.ask(json!({"say": "clicked"})).await?;
    hand.said("shut").await?;
    ensure!(hand.certificate(folder.path())?.is_some_and(|line| line.nonce == nonce));
    Ok(())
}

/// The checks above find what they are there for.
#[cfg(feature = "faults")]
#[test]
fn a_permit_that_is_good_twice_and_a_tunnel_that_stays_open_are_caught() {
    run(async {
        let why = a_permit_is_good_once("permit-reused").await.unwrap_err().to_string();
        assert!(why.contains("another gate's") || why.contains("used twice"), "{why}");
        for clicked in [false, true] {
            let left = nothing_leaves_after_the_window(clicked, false, "tunnel-stays-open").await;
            assert!(left.unwrap_err().to_string().contains("after the window"));
        }
    });
}
