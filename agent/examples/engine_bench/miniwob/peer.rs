//! Another engine: a Node process that runs `tests/bench/engine.mjs`, one JSON line per question and answer.

use std::{net::SocketAddr, process::Stdio, time::Duration};

use anyhow::{Context as _, Result, bail};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines},
    process::{Child, ChildStdin, ChildStdout, Command},
};

use super::Did;
use crate::repository;

/// The same browser for everybody.
const CHROMIUM: [&str; 2] =
    ["/usr/lib/chromium/chromium", "/usr/lib/chromium-browser/chromium-browser"];
/// Longest answer; single steps give up much earlier.
const ANSWER: Duration = Duration::from_secs(180);

/// The process and its browser.
pub(crate) struct Peer {
    child: Child,
    ask: ChildStdin,
    answers: Lines<BufReader<ChildStdout>>,
    browser: u32,
}

impl Peer {
    /// Starts an engine that knows one host.
    pub(crate) async fn start_at(name: &str, host: &str, at: SocketAddr) -> Result<Self> {
        let chromium = CHROMIUM.into_iter().find(|path| std::path::Path::new(path).is_file());
        let mut child = Command::new("node")
            .arg("engine.mjs")
            .current_dir(repository().join("tests/bench"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .context("node does not start")?;
        let ask = child.stdin.take().context("no standard input")?;
        let answers = BufReader::new(child.stdout.take().context("no standard output")?).lines();
        let mut peer = Self { child, ask, answers, browser: 0 };
        let plan = json!({
            "engine": name,
            "chromium": chromium.context("no Chromium was found")?,
            "rules": format!("MAP {host} {at}, MAP * ~NOTFOUND"),
        });
        let up = peer.ask(&plan).await.context("run `npm ci` in tests/bench first")?;
        peer.browser = u32::try_from(up["browser"].as_u64().context("no browser")?)?;
        Ok(peer)
    }

    pub(crate) fn browser(&self) -> u32 {
        self.browser
    }

    pub(crate) async fn open(&mut self, url: &str, slow: Option<f64>) -> Result<()> {
        self.ask(&json!({"open": url, "slow": slow})).await.map(drop)
    }

    pub(crate) async fn steps(&mut self, name: &str, inputs: &Value) -> Result<Did> {
        self.did(&json!({"steps": name, "inputs": inputs})).await
    }

    /// The ids of the visible elements with exactly this role and name.
    pub(crate) async fn named(&mut self, role: &str, name: &str) -> Result<Did> {
        self.did(&json!({"named": {"role": role, "name": name}})).await
    }

    async fn did(&mut self, question: &Value) -> Result<Did> {
        let told = self.ask(question).await?;
        Ok(Did {
            began: told["began"].as_f64().context("no beginning")?,
            ended: told["ended"].as_f64().context("no end")?,
            read: told["read"].clone(),
            commands: None,
        })
    }

    pub(crate) async fn shut(&mut self) -> Result<()> {
        self.ask(&json!({"shut": true})).await.map(drop)
    }

    pub(crate) async fn end(mut self) {
        drop(self.ask);
        if tokio::time::timeout(Duration::from_secs(5), self.child.wait()).await.is_err() {
            tracing::warn!("a peer did not end by itself");
        }
    }

    async fn ask(&mut self, question: &Value) -> Result<Value> {
        self.ask.write_all(format!("{question}\n").as_bytes()).await?;
        let answer = tokio::time::timeout(ANSWER, self.answers.next_line()).await;
        let answer = answer.context("no answer in time")??.context("the process ended")?;
        let answer: Value = serde_json::from_str(&answer)?;
        match answer["error"].as_str() {
            Some(error) => bail!("{error}"),
            None => Ok(answer),
        }
    }
}
