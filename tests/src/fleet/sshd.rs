//! A payer's file host: OpenSSH's own server on a free port of this machine, with throw-away keys. The system's server and its settings
//! are left alone.

use std::{
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use anyhow::{Context as _, Result, bail};
use tokio::time::Instant;

const SSHD: &str = "/usr/sbin/sshd";

/// What a partner knows of the host.
#[derive(Clone)]
pub struct Host {
    /// Its port on this machine.
    pub port: u16,
    /// Its public key, as in `known_hosts` without the host.
    pub host_key: String,
    /// Our name there.
    pub user: String,
    /// Our private key. Thrown away with the folder.
    pub key: String,
}

impl std::fmt::Debug for Host {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Host").field("port", &self.port).finish_non_exhaustive()
    }
}

/// A running host; ended when it is dropped.
pub struct Sshd {
    child: Child,
    /// What a partner knows of it.
    pub host: Host,
}

impl Drop for Sshd {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Whether OpenSSH's server is there; it must be where the judges are demanded.
///
/// # Panics
/// It is not there and demanded.
pub fn installed() -> bool {
    let there = Path::new(SSHD).exists();
    assert!(
        there || std::env::var_os("FLEET_ORACLE").is_none(),
        "no OpenSSH server: run `.ci/deps`"
    );
    there
}

#[expect(clippy::disallowed_methods, reason = "ends by itself, and is waited for")]
fn keygen(file: &Path) -> Result<()> {
    let done = Command::new("ssh-keygen")
        .args(["-q", "-t", "ed25519", "-N", "", "-C", "throw-away", "-f"])
        .arg(file)
        .stdin(Stdio::null())
        .status()
        .context("starting ssh-keygen")?;
    if done.success() { Ok(()) } else { bail!("ssh-keygen made no key") }
}

impl Sshd {
    /// Starts one with its keys in that folder; returns when it answers.
    ///
    /// # Errors
    /// It is not installed, or does not start: the sentence names its log.
    pub async fn start(folder: PathBuf) -> Result<Self> {
        std::fs::create_dir_all(&folder).context("making the folder of the file host")?;
        let path = |name: &str| folder.join(name);
        for name in ["host", "user"] {
            if !path(name).exists() {
                keygen(&path(name))?;
            }
        }
        let read = |name: &str| {
            std::fs::read_to_string(path(name)).with_context(|| format!("reading {name}"))
        };
        std::fs::write(path("authorized"), read("user.pub")?)?;
        let listener = std::net::TcpListener::bind("127.0.0.1:0").context("finding a port")?;
        let port = listener.local_addr()?.port();
        drop(listener);
        let host = Host {
            port,
            host_key: read("host.pub")?.trim().to_owned(),
            user: std::env::var("USER").unwrap_or_else(|_| "root".to_owned()),
            key: read("user")?,
        };
        let mut sshd = Self { child: spawn(&folder, port)?, host };
        let until = Instant::now() + Duration::from_secs(60);
        while tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_err() {
            let ended = sshd.child.try_wait().ok().flatten().is_some();
            if ended || Instant::now() > until {
                bail!("OpenSSH's server does not start: see {}", path("log").display());
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Ok(sshd)
    }
}

#[expect(clippy::disallowed_methods, reason = "ended by its id when it is dropped")]
fn spawn(folder: &Path, port: u16) -> Result<Child> {
    let path = |name: &str| folder.join(name).display().to_string();
    let server = ["/usr/lib/openssh/sftp-server", "/usr/lib/ssh/sftp-server"];
    let server = server.into_iter().find(|path| Path::new(path).exists());
    let config = format!(
        "ListenAddress 127.0.0.1\nPort {port}\nPidFile none\nStrictModes no\nUsePAM no\n\
         PasswordAuthentication no\nKbdInteractiveAuthentication no\nPermitRootLogin prohibit-password\n\
         AuthorizedKeysFile {}\nSubsystem sftp {}\nHostKey {}\n",
        path("authorized"),
        server.unwrap_or("internal-sftp"),
        path("host"),
    );
    std::fs::write(folder.join("config"), config).context("writing the host's settings")?;
    // As root, the server wants this folder; a running system has it.
    if !Path::new("/run/sshd").exists() {
        let _ = std::fs::create_dir("/run/sshd");
    }
    let log = std::fs::File::create(folder.join("log")).context("making the host's log")?;
    Command::new(SSHD)
        .args(["-D", "-e", "-f"])
        .arg(folder.join("config"))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(log)
        .spawn()
        .context("starting OpenSSH's server")
}
