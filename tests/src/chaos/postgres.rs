//! A Postgres of our own that can be hurt.

use std::process::Stdio;

use anyhow::{Result, bail, ensure};
use tokio::process::Command;

use super::cluster;

/// The server.
pub struct Cluster(cluster::Cluster);

impl Cluster {
    /// Makes and starts it.
    ///
    /// # Errors
    /// Postgres is missing or does not start.
    pub async fn start() -> Result<Cluster> {
        let made = tokio::task::spawn_blocking(|| cluster::Cluster::start(100)).await??;
        let cluster = Cluster(made);
        cluster.sql("postgres", "CREATE DATABASE fleet").await?;
        // A lock that somebody else holds is waited for a moment, not for ever.
        cluster.sql("postgres", "ALTER DATABASE fleet SET lock_timeout = '400ms'").await?;
        Ok(cluster)
    }

    /// Where it listens.
    pub fn port(&self) -> u16 {
        self.0.port
    }

    /// The address of the database, reached at `port`: its own, or one that leads to it.
    pub fn url(&self, port: u16) -> String {
        format!("postgres://fleet@127.0.0.1:{port}/fleet")
    }

    /// Runs a statement as the administrator does; what it answers.
    ///
    /// # Errors
    /// It is refused.
    pub async fn sql(&self, database: &str, statement: &str) -> Result<String> {
        let port = self.0.port.to_string();
        let said = Command::new(self.0.bin.join("psql"))
            .args([
                "-X",
                "-q",
                "-t",
                "-A",
                "-v",
                "ON_ERROR_STOP=1",
                "-h",
                "127.0.0.1",
                "-U",
                "fleet",
            ])
            .args(["-p", &port, "-d", database, "-c", statement])
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .output()
            .await?;
        if !said.status.success() {
            bail!("{statement}: {}", String::from_utf8_lossy(&said.stderr));
        }
        Ok(String::from_utf8_lossy(&said.stdout).trim().to_owned())
    }

    /// Ends the server at once, as a crash does, and starts it again.
    ///
    /// # Errors
    /// It does not come back.
    pub async fn crash(&self) -> Result<()> {
        let again = Command::from(self.0.program("pg_ctl"))
            .args(["-m", "immediate", "-w", "-t", "60", "restart", "-D"])
            .arg(self.0.place.join("data"))
            .arg("-l")
            .arg(self.0.place.join("log"))
            // What the server says must not keep our pipe open.
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .status()
            .await?;
        ensure!(again.success(), "Postgres did not come back");
        Ok(())
    }

    /// Ends every connection of the fleet.
    ///
    /// # Errors
    /// The server cannot be asked.
    pub async fn end_connections(&self) -> Result<()> {
        let all =
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = 'fleet'";
        self.sql("postgres", all).await.map(drop)
    }

    /// Takes writing away, or gives it back, also from connections that are open.
    ///
    /// # Errors
    /// The server cannot be asked.
    pub async fn read_only(&self, yes: bool) -> Result<()> {
        let word = if yes { "on" } else { "off" };
        let set = format!("ALTER DATABASE fleet SET default_transaction_read_only = {word}");
        self.sql("postgres", &set).await?;
        self.end_connections().await
    }

    /// Holds a table so that nobody reads or writes it, for so long.
    ///
    /// # Errors
    /// The server cannot be asked.
    pub async fn hold(&self, table: &str, seconds: f32) -> Result<()> {
        let hold = format!(
            "BEGIN; LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE; SELECT pg_sleep({seconds}); COMMIT"
        );
        self.sql("fleet", &hold).await.map(drop)
    }

    /// Ends it and removes its files.
    pub async fn end(self) {
        match tokio::task::spawn_blocking(|| self.0.end()).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(%error, "the shell of Postgres was not waited for"),
            Err(error) => tracing::warn!(%error, "Postgres was not ended"),
        }
    }
}
