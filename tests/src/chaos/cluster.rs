//! A throw-away Postgres of our own: its own cluster in a temporary folder, durability on, on a free port of the loopback. It ends with
//! this process, however that ends: a small shell waits for the end of a pipe that only we hold. The store's suite uses this file, too.
#![expect(clippy::disallowed_methods, reason = "a database server of our own is a process")]

use std::{
    io::Read as _,
    net::TcpListener,
    os::unix::fs::chown,
    path::{Path, PathBuf},
    process::{Child, ChildStdin, Command, Stdio},
};

use anyhow::{Context as _, Result, ensure};

const INSTALL: &str = "Postgres is missing; install it: apt-get install -y postgresql";
/// What is run of it.
const PROGRAMS: [&str; 5] = ["initdb", "postgres", "pg_ctl", "psql", "createdb"];

/// The server.
#[derive(Debug)]
pub struct Cluster {
    /// Folder of its programs.
    pub bin: PathBuf,
    /// Its own folder.
    pub place: PathBuf,
    /// Where it listens.
    pub port: u16,
    /// The words before a program that make it run as the server's user.
    by: Vec<&'static str>,
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
    let whole = |p: &PathBuf| PROGRAMS.iter().all(|b| p.join(b).is_file());
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

/// A program, run as the server's user.
fn command(by: &[&str], program: &Path) -> Command {
    let mut command = match by.split_first() {
        None => Command::new(program),
        Some((first, words)) => {
            let mut command = Command::new(first);
            command.args(words).arg(program);
            command
        }
    };
    command.current_dir("/").stdin(Stdio::null());
    command
}

impl Cluster {
    /// Makes and starts it, for so many connections; comes back when it takes them.
    ///
    /// # Errors
    /// Postgres is missing or does not start.
    pub fn start(connections: u32) -> Result<Self> {
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
            .output()?;
        ensure!(made.status.success(), "initdb: {}", String::from_utf8_lossy(&made.stderr));
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let script = format!(
            "trap '' HUP INT TERM; {by} {bin}/pg_ctl -w -t 60 -D {data} -l {place}/log \
             -o '-k {place} -h 127.0.0.1 -p {port} -c max_connections={connections}' start >{place}/told 2>&1 </dev/null \
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
        shell.stdout.take().context("piped")?.read_exact(&mut told)?;
        let pipe = shell.stdin.take();
        let log = std::fs::read_to_string(place.join("log")).unwrap_or_default();
        ensure!(told == *b"started\n", "Postgres did not start: {log}");
        Ok(Self { bin, place, port, by, shell, pipe })
    }

    /// One of its programs, run as the server's user.
    pub fn program(&self, name: &str) -> Command {
        command(&self.by, &self.bin.join(name))
    }

    /// Ends it and removes its files.
    ///
    /// # Errors
    /// Its shell cannot be waited for.
    pub fn end(mut self) -> std::io::Result<()> {
        drop(self.pipe.take());
        // The shell ends when the server has.
        self.shell.wait().map(drop)
    }
}
