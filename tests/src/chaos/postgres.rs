//! A Postgres of our own that can be hurt: its own cluster in a temporary folder, durability on, on a free port of the loopback. It
//! ends with this process, however that ends: a small shell waits for the end of a pipe that only we hold.

use std::{
    os::unix::fs::chown,
    path::{Path, PathBuf},
    process::Stdio,
};

use anyhow::{Context as _, Result, bail, ensure};
use tokio::{
    io::AsyncReadExt as _,
    process::{Child, ChildStdin, Command},
};

const INSTALL: &str = "Postgres is missing; install it: apt-get install -y postgresql";

/// The server.
pub struct Cluster {
    bin: PathBuf,
    place: PathBuf,
    by: Vec<&'static str>,
    port: u16,
    shell: Child,
    /// Closed at the end; the shell then ends the server.
    pipe: Option<ChildStdin>,
}

fn binaries() -> Result<PathBuf> {
    let mut found: Vec<PathBuf> = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten()
        .map(|e| e.path().join("bin"))
        .collect();
    found.sort();
    found.reverse();
    found.extend(std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()));
    let whole =
        |p: &PathBuf| ["initdb", "postgres", "pg_ctl", "psql"].iter().all(|b| p.join(b).is_file());
    found.into_iter().find(whole).context(INSTALL)
}

/// As root the server must run as somebody else; `setpriv` is part of every Debian.
fn run_as() -> Result<(Vec<&'static str>, Option<nix::unistd::User>)> {
    if !nix::unistd::geteuid().is_root() {
        return Ok((Vec::new(), None));
    }
    let user = nix::unistd::User::from_name("postgres")?.context(INSTALL)?;
    Ok((vec!["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"], Some(user)))
}

fn command(by: &[&str], program: &Path) -> Command {
    let mut command = match by.split_first() {
        None => Command::new(program),
        Some((first, words)) => {
            let mut command = Command::new(first);
            command.args(words).arg(program);
            command
        }
    };
    command.current_dir("/").stdin(Stdio::null()).kill_on_drop(true);
    command
}

impl Cluster {
    /// Makes and starts it.
    ///
    /// # Errors
    /// Postgres is missing or does not start.
    pub async fn start() -> Result<Cluster> {
        let bin = binaries()?;
        // Not under the build folder: that may lie in a home that the server's user cannot enter.
        let place = tempfile::Builder::new().prefix("fleet-pg-").tempdir()?.keep();
        let (by, user) = run_as()?;
        if let Some(user) = user {
            chown(&place, Some(user.uid.as_raw()), Some(user.gid.as_raw()))?;
        }
        let data = place.join("data");
        let made = command(&by, &bin.join("initdb"))
            .args(["-A", "trust", "-U", "fleet", "-E", "UTF8", "--locale=C.UTF-8", "-D"])
            .arg(&data)
            .output()
            .await?;
        ensure!(made.status.success(), "initdb: {}", String::from_utf8_lossy(&made.stderr));
        let port = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let script = format!(
            "trap '' HUP INT TERM; {by} {bin}/pg_ctl -w -t 60 -D {data} -l {place}/log \
             -o '-k {place} -h 127.0.0.1 -p {port} -c max_connections=100' start >{place}/told 2>&1 </dev/null \
             && echo started || echo refused; cat >/dev/null; {by} {bin}/pg_ctl -m immediate -D {data} stop >/dev/null 2>&1; rm -rf {place}",
            by = by.join(" "),
            bin = bin.display(),
            data = data.display(),
            place = place.display(),
        );
        let mut shell = Command::new("sh")
            .args(["-c", &script])
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let mut told = [0; 8];
        shell.stdout.take().context("piped")?.read_exact(&mut told).await?;
        let pipe = shell.stdin.take();
        let log = std::fs::read_to_string(place.join("log")).unwrap_or_default();
        ensure!(told == *b"started\n", "Postgres did not start: {log}");
        let cluster = Cluster { bin, place, by, port, shell, pipe };
        cluster.sql("postgres", "CREATE DATABASE fleet").await?;
        // A lock that somebody else holds is waited for a moment, not for ever.
        cluster.sql("postgres", "ALTER DATABASE fleet SET lock_timeout = '400ms'").await?;
        Ok(cluster)
    }

    /// Where it listens.
    pub fn port(&self) -> u16 {
        self.port
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
        let port = self.port.to_string();
        let said = Command::new(self.bin.join("psql"))
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
        let again = command(&self.by, &self.bin.join("pg_ctl"))
            .args(["-m", "immediate", "-w", "-t", "60", "restart", "-D"])
            .arg(self.place.join("data"))
            .arg("-l")
            .arg(self.place.join("log"))
            // What the server says must not keep our pipe open.
            .stdout(Stdio::null())
            .stderr(Stdio::null())
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
    pub async fn end(mut self) {
        drop(self.pipe.take());
        // The shell ends when the server has.
        if let Err(error) = self.shell.wait().await {
            tracing::warn!(%error, "the shell of Postgres was not waited for");
        }
    }
}
