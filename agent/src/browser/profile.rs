//! The private folder of one browser: home, profile, downloads and uploads, owned by the browser's
//! user. Its name carries our process id and start time, so that leftovers of dead agents can be
//! told from folders in use.

use super::error::Error;
use std::fs;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

const PREFIX: &str = "fleet-browser-";
/// Of the folder where an agent keeps what it works with: documents of requests, letters.
const AGENT_PREFIX: &str = "fleet-agent-";

/// The user the browser runs as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Owner {
    pub(crate) uid: u32,
    pub(crate) gid: u32,
}

/// The folder of one browser; deleted when dropped.
#[derive(Debug)]
pub(crate) struct Profile {
    pub(crate) root: PathBuf,
    owner: Option<Owner>,
}

impl Profile {
    /// Makes the folder. `owner`: whom it belongs to when we are root.
    pub(crate) fn create(under: &Path, owner: Option<Owner>) -> Result<Self, Error> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let n = NEXT.fetch_add(1, Ordering::Relaxed);
        let root = under.join(own_name(PREFIX, n)?);
        let this = Self { root, owner };
        this.folder("")?;
        for name in ["home", "profile", "downloads", "uploads", "config", "cache", "data", "run"] {
            this.folder(name)?;
        }
        Ok(this)
    }

    /// A sub-folder that belongs to the browser's user, mode 0700.
    pub(crate) fn folder(&self, name: &str) -> Result<PathBuf, Error> {
        let path = if name.is_empty() { self.root.clone() } else { self.root.join(name) };
        fs::DirBuilder::new().mode(0o700).create(&path)?;
        self.give(&path)?;
        Ok(path)
    }

    /// Hands a file or folder to the browser's user.
    fn give(&self, path: &Path) -> Result<(), Error> {
        if let Some(o) = self.owner {
            chown(path, Some(o.uid), Some(o.gid))?;
        }
        Ok(())
    }

    /// Copies files into a fresh folder where the browser may read them, under their own names.
    pub(crate) fn lend(&self, files: &[PathBuf], context: &str) -> Result<Vec<PathBuf>, Error> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let mine = format!("uploads/{context}");
        if !self.root.join(&mine).exists() {
            self.folder(&mine)?;
        }
        let folder = self.folder(&format!("{mine}/{}", NEXT.fetch_add(1, Ordering::Relaxed)))?;
        let mut lent = Vec::with_capacity(files.len());
        for file in files {
            let name =
                file.file_name().ok_or_else(|| Error::Io("a file to attach has no name".into()))?;
            let to = folder.join(name);
            fs::copy(file, &to)?;
            fs::set_permissions(&to, fs::Permissions::from_mode(0o400))?;
            self.give(&to)?;
            lent.push(to);
        }
        Ok(lent)
    }

    /// Removes what a context was lent and what it downloaded.
    pub(crate) fn forget(&self, context: &str) {
        for kind in ["uploads", "downloads"] {
            remove(&self.root.join(kind).join(context));
        }
    }

    /// Puts a certificate authority into the NSS database of the browser's home.
    pub(crate) fn trust(&self, ca: &Path) -> Result<(), Error> {
        let home = self.root.join("home");
        let mut made = Vec::new();
        for name in ["home/.pki", "home/.pki/nssdb", "data/pki", "data/pki/nssdb"] {
            made.push(self.folder(name)?);
        }
        // Chromium looks under the home folder, newer versions under the XDG data folder.
        for db in [home.join(".pki/nssdb"), self.root.join("data/pki/nssdb")] {
            let at = format!("sql:{}", db.display());
            certutil(&["-N", "--empty-password", "-d", &at])?;
            let file = ca.to_string_lossy();
            certutil(&["-A", "-n", "extra-ca", "-t", "C,,", "-i", &file, "-d", &at])?;
            for entry in fs::read_dir(&db)? {
                made.push(entry?.path());
            }
        }
        made.iter().try_for_each(|p| self.give(p))
    }
}

/// The folder of this agent's own temporary files, deleted when dropped. It holds patients' documents in clear while they are worked
/// with; what a dead agent left goes at the next start ([`sweep`]).
#[derive(Debug)]
pub struct AgentFolder(PathBuf);

impl AgentFolder {
    /// Makes the folder, readable by its owner only.
    ///
    /// # Errors
    /// It cannot be made.
    pub fn create(under: &Path) -> Result<Self, Error> {
        let path = under.join(own_name(AGENT_PREFIX, 0)?);
        fs::DirBuilder::new().mode(0o700).create(&path)?;
        Ok(Self(path))
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for AgentFolder {
    fn drop(&mut self) {
        remove(&self.0);
    }
}

/// A name that says whose it is.
fn own_name(prefix: &str, n: u32) -> Result<String, Error> {
    let pid = std::process::id();
    let started =
        start_time(pid).ok_or_else(|| Error::Launch("own start time is unreadable".into()))?;
    Ok(format!("{prefix}{pid}-{started}-{n}-{:08x}", rand::random::<u32>()))
}

impl Drop for Profile {
    fn drop(&mut self) {
        remove(&self.root);
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the one tool that can add an authority to a browser's own store"
)]
fn certutil(args: &[&str]) -> Result<(), Error> {
    let done = Command::new("certutil").args(args).output().map_err(|e| {
        Error::Launch(format!("certutil did not run ({e}); install the package libnss3-tools"))
    })?;
    if done.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&done.stderr);
    Err(Error::Launch(format!("certutil {} failed: {}", args[0], said.trim())))
}

fn remove(path: &Path) {
    // Chromium may still be writing its last files when the folder goes.
    for _ in 0..3 {
        match fs::remove_dir_all(path) {
            Ok(()) => return,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return,
            Err(_) => {}
        }
    }
    tracing::warn!("a private folder could not be removed; the next start will try again");
}

/// Removes the folders of agents that are no longer alive, and of their browsers. Nothing is killed: browsers ended
/// with their pipes. Returns how many were removed.
pub fn sweep(under: &Path) -> usize {
    let Ok(entries) = fs::read_dir(under) else { return 0 };
    let mut removed = 0;
    for entry in entries.flatten() {
        let name = entry.file_name();
        let Some((pid, started)) = name.to_str().and_then(owner_of) else { continue };
        if start_time(pid) != Some(started) {
            remove(&entry.path());
            removed += 1;
        }
    }
    removed
}

fn owner_of(name: &str) -> Option<(u32, u64)> {
    let name = name.strip_prefix(PREFIX).or_else(|| name.strip_prefix(AGENT_PREFIX))?;
    let mut parts = name.split('-');
    Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
}

/// Start time of a process in clock ticks since boot; `None` when there is no such process.
fn start_time(pid: u32) -> Option<u64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The command name may hold spaces and brackets: count from the last bracket.
    stat.rsplit_once(')')?.1.split_whitespace().nth(19)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sweep_takes_the_dead_and_leaves_the_living() {
        let under = tempfile::tempdir().expect("temp dir");
        let mine = Profile::create(under.path(), None).expect("made");
        let dead = under.path().join(format!("{PREFIX}4194304-1-0-00000000"));
        let reused = under.path().join(format!("{PREFIX}{}-1-0-00000000", std::process::id()));
        let other = under.path().join("something-else");
        let dead_agent = under.path().join(format!("{AGENT_PREFIX}4194304-1-0-00000000"));
        for p in [&dead, &reused, &other, &dead_agent] {
            fs::create_dir(p).expect("made");
        }
        let own = AgentFolder::create(under.path()).expect("made");
        assert_eq!(sweep(under.path()), 3);
        assert!(mine.root.exists() && other.exists() && !dead.exists() && !reused.exists());
        assert!(own.path().exists() && !dead_agent.exists());
        let root = mine.root.clone();
        drop(mine);
        assert!(!root.exists());
    }
}
