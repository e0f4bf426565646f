//! Starting and ending the browser process: the real binary, the reviewed flags, an unprivileged
//! user, a private folder, a cleared environment, and an end that leaves nothing behind.

use super::egress::GateProgram;
use super::error::Error;
use super::flags::{FLAGS, forbidden};
use super::profile::{Owner, Profile, sweep};
use command_fds::{CommandFdExt, FdMapping};
use nix::sys::signal::{Signal, killpg};
use nix::unistd::{Pid, Uid, User};
use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::AsyncReadExt;
use tokio::net::unix::pipe;
use tokio::process::{Child, ChildStderr};
use tokio::sync::watch;

use super::connection::lock;

/// Places the browser binary is looked for. Launcher scripts add flags of their own and are not used.
const BINARIES: [&str; 5] = [
    "/usr/lib/chromium/chromium",
    "/usr/lib/chromium-browser/chromium-browser",
    "/usr/lib64/chromium-browser/chromium-browser",
    "/opt/chromium/chrome",
    "/opt/google/chrome/chrome",
];
/// How long the browser may take to end by itself after its pipe closed.
const GRACE: Duration = Duration::from_secs(2);

/// Whether Chromium's own sandbox is on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Sandbox {
    /// Always, except on a developer's desk.
    #[default]
    On,
    /// Off. Prints a warning; never with real data.
    OffForDevelopment,
}

/// How to start a browser.
#[derive(Debug, Clone)]
pub struct LaunchConfig {
    /// The browser binary; `None` searches the usual places.
    pub binary: Option<PathBuf>,
    /// User the browser runs as when we are root; `None`: `fleet-browser` if it exists, else `nobody`.
    pub user: Option<String>,
    /// Chromium's sandbox.
    pub sandbox: Sandbox,
    /// Where private folders are made; `None`: the temporary folder.
    pub profile_root: Option<PathBuf>,
    /// Time zone the pages see, an IANA name.
    pub timezone: String,
    /// Viewport in CSS pixels.
    pub window: (u32, u32),
    /// Host names answered with these addresses instead of DNS.
    pub host_rules: Vec<(String, SocketAddr)>,
    /// Every host not listed in `host_rules` is not found.
    pub only_listed_hosts: bool,
    /// A further certificate authority (PEM file) trusted by this browser only.
    pub extra_ca: Option<PathBuf>,
    /// Egress proxy, as `http://host:port`; loopback goes through it, too.
    pub proxy: Option<String>,
    /// Every context has its own way out, a process which the submit gate can shut: carries https only.
    pub tunnels: Option<GateProgram>,
    /// Speaks HTTP/2 where a host offers it. Only for measuring what the submit gate holds: a refused stream is repeated on the one
    /// connection it allows, so a browser that submits never does.
    pub http2: bool,
    /// Time between two signs of life; three times this without one and the browser is ended.
    pub heartbeat: Duration,
}

impl Default for LaunchConfig {
    fn default() -> Self {
        Self {
            binary: None,
            user: None,
            sandbox: Sandbox::On,
            profile_root: None,
            timezone: "America/New_York".to_owned(),
            window: (1280, 900),
            host_rules: Vec::new(),
            only_listed_hosts: false,
            extra_ca: None,
            proxy: None,
            tunnels: None,
            http2: false,
            heartbeat: Duration::from_secs(5),
        }
    }
}

impl LaunchConfig {
    /// The folder private folders are made in.
    #[must_use]
    pub fn profile_root(&self) -> PathBuf {
        self.profile_root.clone().unwrap_or_else(std::env::temp_dir)
    }

    fn arguments(&self, profile: &Path) -> Result<Vec<String>, Error> {
        let mut args: Vec<String> = FLAGS.iter().map(|f| f.0.to_owned()).collect();
        if self.http2 {
            args.retain(|flag| flag != "--disable-http2");
        }
        args.push(format!("--user-data-dir={}", profile.display()));
        args.push(format!("--window-size={},{}", self.window.0, self.window.1));
        let mut rules: Vec<String> =
            self.host_rules.iter().map(|(host, to)| format!("MAP {host} {to}")).collect();
        if self.only_listed_hosts {
            rules.push("MAP * ~NOTFOUND".to_owned());
            if self.tunnels.is_some() {
                // The tunnels' own address.
                rules.push("EXCLUDE 127.0.0.1".to_owned());
            }
        }
        if let Some(proxy) = &self.proxy {
            args.push(format!("--proxy-server={proxy}"));
            args.push("--proxy-bypass-list=<-loopback>".to_owned());
        }
        if !rules.is_empty() {
            args.push(format!("--host-resolver-rules={}", rules.join(", ")));
        }
        if let Some(flag) = forbidden(args.iter().map(String::as_str)) {
            return Err(Error::Launch(format!("the flag {flag} must never be used")));
        }
        if self.sandbox == Sandbox::OffForDevelopment {
            tracing::warn!(
                "the browser sandbox is OFF; for development only, never with real data"
            );
            args.push("--no-sandbox".to_owned());
        }
        Ok(args)
    }

    fn owner(&self) -> Result<Option<Owner>, Error> {
        if !Uid::effective().is_root() {
            return Ok(None);
        }
        let named = |name: &str| User::from_name(name).ok().flatten();
        let user = match &self.user {
            Some(name) => named(name),
            None => named("fleet-browser").or_else(|| named("nobody")),
        };
        let user =
            user.ok_or_else(|| Error::Launch("the user for the browser does not exist".into()))?;
        if user.uid.is_root() {
            return Err(Error::Launch("the browser must not run as root".into()));
        }
        Ok(Some(Owner { uid: user.uid.as_raw(), gid: user.gid.as_raw() }))
    }

    fn find_binary(&self) -> Result<PathBuf, Error> {
        if let Some(given) = &self.binary {
            return Ok(given.clone());
        }
        let found = BINARIES.iter().map(PathBuf::from).find(|p| p.is_file());
        found.ok_or_else(|| {
            Error::Launch("no Chromium was found; install the package chromium".into())
        })
    }
}

/// A started browser process with our ends of its pipe.
pub(crate) struct Started {
    pub(crate) read: pipe::Receiver,
    pub(crate) write: pipe::Sender,
    pub(crate) process: Arc<Process>,
    pub(crate) profile: Arc<Profile>,
}

/// Starts the process. Leftovers of dead agents under the same root are removed first.
#[expect(clippy::disallowed_methods, reason = "the place where a browser begins")]
pub(crate) fn start(config: &LaunchConfig) -> Result<Started, Error> {
    let root = config.profile_root();
    sweep(&root);
    let binary = config.find_binary()?;
    let owner = config.owner()?;
    let profile = Profile::create(&root, owner)?;
    if let Some(ca) = &config.extra_ca {
        profile.trust(ca)?;
    }
    let (their_read, our_write) = std::io::pipe()?;
    let (our_read, their_write) = std::io::pipe()?;
    let at = |name: &str| profile.root.join(name);
    let mut command = std::process::Command::new(&binary);
    command
        .args(config.arguments(&at("profile"))?)
        .env_clear()
        .env("HOME", at("home"))
        .env("LANG", "en_US.UTF-8")
        .env("TZ", &config.timezone)
        .env("XDG_CONFIG_HOME", at("config"))
        .env("XDG_CACHE_HOME", at("cache"))
        .env("XDG_DATA_HOME", at("data"))
        .env("XDG_RUNTIME_DIR", at("run"))
        .current_dir(&profile.root)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .process_group(0);
    if let Some(owner) = owner {
        command.uid(owner.uid).gid(owner.gid);
    }
    command
        .fd_mappings(vec![
            FdMapping { parent_fd: OwnedFd::from(their_read), child_fd: 3 },
            FdMapping { parent_fd: OwnedFd::from(their_write), child_fd: 4 },
        ])
        .map_err(|_| Error::Launch("descriptors 3 and 4 are mapped twice".into()))?;
    let mut command = tokio::process::Command::from(command);
    let child = command
        .spawn()
        .map_err(|e| Error::Launch(format!("{} did not start: {e}", binary.display())))?;
    // Closes our copies of the browser's ends: the pipe must end when we do.
    drop(command);
    let profile = Arc::new(profile);
    let process = Process::watch(child, Arc::clone(&profile))?;
    Ok(Started {
        read: pipe::Receiver::from_owned_fd(OwnedFd::from(our_read))?,
        write: pipe::Sender::from_owned_fd(OwnedFd::from(our_write))?,
        process,
        profile,
    })
}

/// The process and the group it leads.
#[derive(Debug)]
pub(crate) struct Process {
    pub(crate) pid: u32,
    group: Pid,
    ended: watch::Sender<bool>,
    said: Mutex<Vec<u8>>,
}

impl Process {
    fn watch(mut child: Child, profile: Arc<Profile>) -> Result<Arc<Self>, Error> {
        let pid = child.id().ok_or_else(|| Error::Launch("the browser ended at once".into()))?;
        let group = Pid::from_raw(i32::try_from(pid).map_err(|_| Error::Launch("bad pid".into()))?);
        let this =
            Arc::new(Self { pid, group, ended: watch::channel(false).0, said: Mutex::default() });
        if let Some(stderr) = child.stderr.take() {
            tokio::spawn(Arc::clone(&this).listen(stderr));
        }
        let watched = Arc::clone(&this);
        tokio::spawn(async move {
            // Reaps the leader; whatever it leaves behind in its group is ended by id.
            let _status = child.wait().await;
            watched.end_group().await;
            let folder = profile.root.clone();
            let removed = tokio::task::spawn_blocking(move || drop(profile)).await;
            debug_assert!(removed.is_ok(), "{}", folder.display());
            watched.ended.send_replace(true);
        });
        Ok(this)
    }

    /// Keeps the first words on standard error (they say why a start failed), discards the rest:
    /// later ones may quote pages.
    async fn listen(self: Arc<Self>, mut stderr: ChildStderr) {
        let mut chunk = [0_u8; 4096];
        while let Ok(n) = stderr.read(&mut chunk).await {
            if n == 0 {
                break;
            }
            let mut said = lock(&self.said);
            let room = 4096_usize.saturating_sub(said.len());
            said.extend_from_slice(&chunk[..n.min(room)]);
        }
    }

    /// What the browser said before it was up.
    pub(crate) fn first_words(&self) -> String {
        String::from_utf8_lossy(&lock(&self.said)).trim().to_owned()
    }

    /// Ends the whole group, by id.
    pub(crate) fn kill(&self) {
        // ESRCH: nothing left to end.
        let _sent = killpg(self.group, Signal::SIGKILL);
    }

    async fn end_group(&self) {
        for _ in 0..50 {
            if killpg(self.group, Signal::SIGKILL).is_err() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Waits for the end after the pipe was closed; kills the group when that takes too long.
    pub(crate) async fn end(&self) {
        let mut ended = self.ended.subscribe();
        if tokio::time::timeout(GRACE, ended.wait_for(|e| *e)).await.is_err() {
            self.kill();
            let _done = tokio::time::timeout(GRACE * 2, ended.wait_for(|e| *e)).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_holds_the_list_and_the_host_rules_in_order() {
        let config = LaunchConfig {
            host_rules: vec![("portal.test".into(), ([127, 0, 0, 1], 8443).into())],
            only_listed_hosts: true,
            ..LaunchConfig::default()
        };
        let args = config.arguments(Path::new("/p")).expect("allowed");
        assert!(FLAGS.iter().all(|f| args.iter().any(|a| a == f.0)));
        assert!(args.contains(
            &"--host-resolver-rules=MAP portal.test 127.0.0.1:8443, MAP * ~NOTFOUND".to_owned()
        ));
        assert!(!args.iter().any(|a| a.contains("no-sandbox")));
    }
}
