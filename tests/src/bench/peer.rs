//! The peer of the benchmark as a process: playwright-core under Node, warmed, told to go, measured from outside.

use std::process::Stdio;

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines},
    process::{Child, ChildStdin, ChildStdout, Command},
};

use super::{Measured, tree::TreeWatch};
use crate::{fleet::repository, portal::Ready, portal::world};

/// A peer that is signed in and waits for its work.
pub struct Peer {
    child: Child,
    input: ChildStdin,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Peer {
    /// Starts the peer for `jobs` (payer claims with their member) and waits until it is warm.
    ///
    /// # Errors
    /// Node or the package is missing, or the peer fails; its own words are on standard error.
    pub async fn start(mode: &str, slots: usize, payer: &Ready, jobs: &[Value]) -> Result<Peer> {
        let account = world::world()
            .accounts
            .iter()
            .find(|a| a.payer == payer.payer && a.origin == "fleet")
            .context("the world has an account for the fleet")?;
        let rules: Vec<String> =
            payer.hosts.iter().map(|(host, at)| format!("MAP {host} {at}")).collect();
        let plan = json!({
            "mode": mode, "slots": slots, "jobs": jobs, "ctl": payer.ctl, "bearer": payer.bearer,
            "seed": account.totp_seed, "user": account.id, "password": account.password,
            "chromium": "/usr/lib/chromium/chromium", "rules": rules.join(","),
        });
        let mut child = Command::new("node")
            .arg(repository().join("tests/bench/peer.mjs"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .context("starting node")?;
        let mut input = child.stdin.take().context("the input is piped")?;
        let lines = BufReader::new(child.stdout.take().context("the output is piped")?).lines();
        input.write_all(format!("{plan}\n").as_bytes()).await?;
        let mut peer = Peer { child, input, lines };
        let warm = peer.line().await?;
        ensure!(warm["warm"] == true, "the peer did not become warm: {warm}");
        Ok(peer)
    }

    async fn line(&mut self) -> Result<Value> {
        let line = self.lines.next_line().await?.context("the peer ended; its reason is above")?;
        serde_json::from_str(&line).with_context(|| format!("reading {line}"))
    }

    /// Lets it work and measures its whole process tree. Every answer must hold `expected`.
    ///
    /// # Errors
    /// The peer fails or reads something else.
    pub async fn work(mut self, expected: &str) -> Result<Measured> {
        let root = self.child.id().context("the peer runs")?;
        let watch = TreeWatch::begin(vec![root]);
        self.input.write_all(b"go\n").await?;
        let result = self.line().await?;
        let sums = watch.end().await;
        let answers = result["answers"].as_array().context("the peer lists its answers")?;
        for answer in answers {
            ensure!(
                answer["status"].as_str().is_some_and(|s| s.contains(expected)),
                "the peer read {answer}"
            );
        }
        self.input.write_all(b"end\n").await?;
        let status = self.child.wait().await?;
        ensure!(status.success(), "the peer ended with {status}");
        Ok(Measured {
            seconds: answers.iter().filter_map(|a| a["seconds"].as_f64()).collect(),
            wall_s: result["wall_s"].as_f64().context("the peer says how long it took")?,
            cpu_s: sums.cpu_s,
            peak_mib: sums.peak_mib,
            logins: 0,
        })
    }
}
