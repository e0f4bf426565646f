//! One process of a fleet: started with a log of its own, ended by its id and never by name.

use std::{
    fs::File,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use anyhow::{Context as _, Result, bail};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use serde_json::Value;
use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    process::{Child, Command},
};

/// Longest wait for a program to be ready: it costs nothing where it is, and on a busy machine a start takes its time.
const READY: Duration = Duration::from_secs(120);

/// A running program.
pub struct Process {
    name: String,
    log: PathBuf,
    child: Child,
}

/// The program of this name beside the running one (`target/debug`, `target/release`).
///
/// # Errors
/// It has not been built; the sentence says how.
pub fn binary(name: &str) -> Result<PathBuf> {
    let own = std::env::current_exe().context("asking where this program lies")?;
    own.ancestors()
        .skip(1)
        .take(3)
        .map(|dir| dir.join(name))
        .find(|path| path.is_file())
        .with_context(|| {
            format!("the program `{name}` is not built: run `cargo build --workspace --bins`")
        })
}

/// Ids of processes one of whose arguments contains `text` (Chromium's helpers carry their profile folder there).
pub fn with_argument(text: &str) -> Vec<u32> {
    let Ok(entries) = std::fs::read_dir("/proc") else { return Vec::new() };
    entries
        .flatten()
        .filter_map(|entry| entry.file_name().to_string_lossy().parse::<u32>().ok())
        .filter(|pid| {
            std::fs::read(format!("/proc/{pid}/cmdline")).is_ok_and(|line| {
                let line = String::from_utf8_lossy(&line);
                line.contains(text) && line.contains("--")
            })
        })
        .collect()
}

impl Process {
    fn command(program: &str, args: &[&str], env: &[(&str, String)]) -> Result<Command> {
        let mut command = Command::new(binary(program)?);
        command.args(args).stdin(Stdio::null()).kill_on_drop(true);
        // Nothing of this shell's own settings; only how much is logged is passed on.
        for (name, _) in std::env::vars().filter(|(name, _)| {
            name.starts_with("FLEET_") && name != "FLEET_LOG" || name == "DATABASE_URL"
        }) {
            command.env_remove(name);
        }
        command.envs(env.iter().map(|(name, value)| (name, value)));
        Ok(command)
    }

    fn log_file(name: &str, logs: &Path) -> Result<(PathBuf, File)> {
        let path = logs.join(format!("{name}.log"));
        let file = File::options().create(true).append(true).open(&path)?;
        Ok((path, file))
    }

    /// Starts a program whose output goes to its log.
    ///
    /// # Errors
    /// It is not built or cannot be started.
    pub fn start(
        name: &str,
        program: &str,
        args: &[&str],
        env: &[(&str, String)],
        logs: &Path,
    ) -> Result<Process> {
        let (log, file) = Self::log_file(name, logs)?;
        let child = Self::command(program, args, env)?
            .stdout(file.try_clone()?)
            .stderr(file)
            .spawn()
            .with_context(|| format!("starting {name}"))?;
        Ok(Process { name: name.to_owned(), log, child })
    }

    /// Starts a program that prints one JSON line when it is ready; returns that line.
    ///
    /// # Errors
    /// No such line in two minutes; the sentence ends with the log's last lines.
    pub async fn start_ready(
        program: &str,
        args: &[&str],
        env: &[(&str, String)],
        logs: &Path,
    ) -> Result<(Process, Value)> {
        let (log, file) = Self::log_file(program, logs)?;
        let mut child = Self::command(program, args, env)?
            .stdout(Stdio::piped())
            .stderr(file)
            .spawn()
            .with_context(|| format!("starting {program}"))?;
        let stdout = child.stdout.take().context("the output is piped")?;
        let mut lines = BufReader::new(stdout).lines();
        let process = Process { name: program.to_owned(), log, child };
        let first = tokio::time::timeout(READY, lines.next_line()).await;
        let line = match first {
            Ok(Ok(Some(line))) => line,
            _ => bail!("{program} did not become ready; its log ends:\n{}", process.tail()),
        };
        let value = serde_json::from_str(&line).with_context(|| format!("reading {line}"))?;
        Ok((process, value))
    }

    /// Its process id, while it runs.
    pub fn pid(&self) -> Option<u32> {
        self.child.id()
    }

    /// Waits for its end, at most so long; whether it came.
    pub async fn ended(&mut self, patience: Duration) -> bool {
        tokio::time::timeout(patience, self.child.wait()).await.is_ok()
    }

    /// The last lines of its log.
    pub fn tail(&self) -> String {
        let text = std::fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(15)..].join("\n")
    }

    /// Kills it at once and waits for its end.
    ///
    /// # Errors
    /// The kill is refused.
    pub async fn kill(&mut self) -> Result<()> {
        self.child.kill().await.with_context(|| format!("killing {}", self.name))
    }

    /// Asks it to end and waits; kills it after `patience` and says so.
    ///
    /// # Errors
    /// It did not end by itself.
    pub async fn terminate(&mut self, patience: Duration) -> Result<()> {
        let Some(pid) = self.child.id() else { return Ok(()) };
        kill(Pid::from_raw(i32::try_from(pid)?), Signal::SIGTERM)
            .with_context(|| format!("asking {} to end", self.name))?;
        if tokio::time::timeout(patience, self.child.wait()).await.is_err() {
            self.child.kill().await?;
            bail!("{} did not end within {patience:?}; its log ends:\n{}", self.name, self.tail());
        }
        Ok(())
    }
}
