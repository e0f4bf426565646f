//! One side as a process of its own, so that its whole tree can be measured: one question and one answer per line.

use std::{path::Path, process::Stdio, time::Duration};

use anyhow::{Context as _, Result, bail};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines},
    process::{Child, ChildStdin, ChildStdout, Command},
};

use super::payer::{Check, Payer};
use crate::repository;

/// Longest answer; a sign-in may wait for the next one-time code.
const ANSWER: Duration = Duration::from_secs(240);

/// The process.
pub(super) struct Side {
    child: Child,
    ask: ChildStdin,
    answers: Lines<BufReader<ChildStdout>>,
}

impl Side {
    /// Our interpreter with its browser.
    pub(super) async fn ours(payers: &[Payer], folder: &Path) -> Result<Side> {
        let mut command = Command::new(std::env::current_exe()?);
        command.arg("--answer-checks");
        Side::start(command, payers, "auto01", folder).await
    }

    /// playwright-core with its browser.
    pub(super) async fn playwright(payers: &[Payer], folder: &Path) -> Result<Side> {
        let mut command = Command::new("node");
        command.arg("fetch.mjs").current_dir(repository().join("tests/bench"));
        let started = Side::start(command, payers, "auto02", folder).await;
        started.context("starting playwright-core: run `npm ci` in tests/bench first")
    }

    async fn start(
        mut command: Command,
        payers: &[Payer],
        account: &str,
        folder: &Path,
    ) -> Result<Side> {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .context("the process does not start")?;
        let ask = child.stdin.take().context("no standard input")?;
        let answers = BufReader::new(child.stdout.take().context("no standard output")?).lines();
        let mut side = Side { child, ask, answers };
        let told: Result<Vec<Value>> = payers.iter().map(|payer| payer.told(account)).collect();
        let plan = json!({"payers": told?, "folder": folder.join(account)});
        side.ask(&plan).await?;
        Ok(side)
    }

    /// The root of the tree.
    pub(super) fn pid(&self) -> Result<u32> {
        self.child.id().context("the process has ended")
    }

    /// One status check: `fetch`, `shown`, or `both` compared.
    pub(super) async fn check(&mut self, check: &Check, how: &str) -> Result<Value> {
        let question = json!({
            "payer": check.payer, "script": check.script, "inputs": check.inputs, "how": how,
        });
        let told = self.ask(&question).await;
        told.with_context(|| format!("{} of {}", check.script, check.inputs))
    }

    async fn ask(&mut self, question: &Value) -> Result<Value> {
        self.ask.write_all(format!("{question}\n").as_bytes()).await?;
        let line = tokio::time::timeout(ANSWER, self.answers.next_line()).await;
        let line = line.context("no answer in time")??.context("the process ended")?;
        let answer: Value = serde_json::from_str(&line)?;
        match answer["error"].as_str() {
            Some(error) => bail!("{error}"),
            None => Ok(answer),
        }
    }

    pub(super) async fn end(mut self) {
        drop(self.ask);
        if tokio::time::timeout(Duration::from_secs(30), self.child.wait()).await.is_err() {
            tracing::warn!("a side did not end by itself");
        }
    }
}
