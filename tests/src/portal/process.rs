//! A simulated payer as a process of its own: what it prints when it is ready, and a handle that starts and ends it.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use anyhow::{Context as _, Result};
use serde::{Deserialize, Serialize};
use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    process::{Child, Command},
};

use super::{Control, Truth};

/// Longest wait for a payer to be ready: it costs nothing where it is, and on a busy machine a start takes its time.
const READY: Duration = Duration::from_secs(120);
/// Longest wait for a payer to end in order before it is killed.
const ENDS: Duration = Duration::from_secs(10);

/// The one line a payer prints when it can be called.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Ready {
    /// Its slug.
    pub payer: String,
    /// Host to loopback address.
    pub hosts: BTreeMap<String, String>,
    /// Base address of the control plane.
    pub ctl: String,
    /// Base address of the truth plane.
    pub truth: String,
    /// What both planes ask for.
    pub bearer: String,
    /// The certificate to trust.
    pub ca: PathBuf,
    /// Where the payer's messages to people are read.
    pub mail: Mailboxes,
    /// Its fax machine: `https://<host>/in`, `/out`.
    pub fax: Mailboxes,
    /// Address of the page for people who watch.
    pub people: String,
}

/// Where messages are read: `https://<host>/boxes/<address>/messages`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Mailboxes {
    /// Host, as in its certificate.
    pub host: String,
    /// Its loopback address.
    pub addr: String,
    /// What a reader has to show.
    pub bearer: String,
}

impl Ready {
    /// A client of the control plane.
    pub fn control(&self) -> Control {
        Control::new(&self.ctl, &self.payer, &self.bearer)
    }

    /// A client of the truth plane.
    pub fn truth(&self) -> Truth {
        Truth::new(&self.truth, &self.bearer)
    }

    /// The loopback address of a host.
    pub fn addr(&self, host: &str) -> Result<SocketAddr> {
        let addr = self.hosts.get(host).with_context(|| format!("the payer has no host {host}"))?;
        Ok(addr.parse()?)
    }
}

/// A payer in a process of its own; ends with this handle.
pub struct PayerProcess {
    /// Where it is.
    pub ready: Ready,
    child: Child,
}

impl PayerProcess {
    /// Starts `program serve <payer> --dir … --ca-dir …` with further arguments and waits until it is ready.
    pub async fn start(
        program: &Path,
        payer: &str,
        dir: &Path,
        ca_dir: &Path,
        more: &[&str],
    ) -> Result<PayerProcess> {
        let mut child = Command::new(program)
            .args(["serve", payer, "--with-parent", "--dir"])
            .arg(dir)
            .arg("--ca-dir")
            .arg(ca_dir)
            .args(more)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("starting the simulated payer {payer}"))?;
        let stdout = child.stdout.take().context("the payer's output is piped")?;
        let mut lines = BufReader::new(stdout).lines();
        let line = tokio::time::timeout(READY, lines.next_line())
            .await
            .with_context(|| format!("{payer} was not ready within {READY:?}"))??;
        let line = line.with_context(|| format!("{payer} ended before it was ready"))?;
        let ready = serde_json::from_str(&line).with_context(|| format!("reading {line}"))?;
        Ok(PayerProcess { ready, child })
    }

    /// Process id, while it runs.
    pub fn pid(&self) -> Option<u32> {
        self.child.id()
    }

    /// Kills it at once, as a crash would.
    pub async fn kill(mut self) -> Result<()> {
        self.child.kill().await.context("killing a simulated payer")
    }

    /// Lets it end in order.
    pub async fn end(mut self) -> Result<()> {
        drop(self.child.stdin.take());
        let ended = tokio::time::timeout(ENDS, self.child.wait()).await;
        match ended {
            Ok(status) => status.map(drop).context("waiting for a simulated payer"),
            Err(_) => self.child.kill().await.context("killing a simulated payer that did not end"),
        }
    }
}
