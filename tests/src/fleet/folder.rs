//! The folder of a fleet: emptied at its start and held until the end of the process, so that two runs never share one.

use std::{
    fs::File,
    io::{ErrorKind, Read as _, Write as _},
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result, bail};
use nix::{
    errno::Errno,
    fcntl::{Flock, FlockArg},
};

/// A folder nobody else uses while this value lives.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    /// The lock lies beside the folder, since the folder itself is emptied; the system frees it when the process ends, however
    /// it ends.
    _lock: Flock<File>,
}

impl Folder {
    /// Takes the folder, empties it and makes `inside` in it.
    ///
    /// # Errors
    /// A live run holds it: then nothing was touched, and the sentence says what to do. Or it cannot be made.
    pub fn take(path: &Path, inside: &[&str]) -> Result<Folder> {
        let lock = hold(path)?;
        match std::fs::remove_dir_all(path) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                return Err(error).with_context(|| format!("emptying {}", path.display()));
            }
            _ => {}
        }
        for name in inside {
            std::fs::create_dir_all(path.join(name))
                .with_context(|| format!("making {name} in {}", path.display()))?;
        }
        Ok(Folder { path: path.to_owned(), _lock: lock })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

fn hold(path: &Path) -> Result<Flock<File>> {
    let parent = path.parent().context("a fleet's folder lies in another one")?;
    std::fs::create_dir_all(parent).with_context(|| format!("making {}", parent.display()))?;
    let beside = path.with_extension("lock");
    let file = File::options()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(&beside)
        .with_context(|| format!("opening {}", beside.display()))?;
    match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
        Ok(mut lock) => {
            lock.set_len(0)?;
            write!(lock, "{}", std::process::id())?;
            Ok(lock)
        }
        Err((mut file, Errno::EWOULDBLOCK)) => {
            let mut holder = String::new();
            // Only for the sentence: a holder that has just begun may not have written it yet.
            let _read = file.read_to_string(&mut holder);
            bail!(
                "{} is in use by another run (process {}): end that run with Ctrl-C in its terminal, wait until it is \
                 over, or set CARGO_TARGET_DIR to another folder",
                path.display(),
                if holder.is_empty() { "unknown" } else { &holder }
            )
        }
        Err((_, errno)) => Err(errno).with_context(|| format!("locking {}", beside.display())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_in_use_is_refused_untouched_and_free_again_afterwards() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("fleet");
        let first = Folder::take(&path, &["logs"]).unwrap();
        std::fs::write(first.path().join("logs/agent.log"), "at work").unwrap();

        let refused = Folder::take(&path, &["logs"]).unwrap_err().to_string();
        assert!(refused.contains("in use by another run"), "{refused}");
        assert!(
            refused.contains(&std::process::id().to_string()),
            "the holder is named: {refused}"
        );
        assert!(refused.contains("Ctrl-C"), "what to do is said: {refused}");
        let kept = std::fs::read_to_string(path.join("logs/agent.log")).unwrap();
        assert_eq!(kept, "at work", "the live run's files are left alone");

        drop(first);
        let second = Folder::take(&path, &["logs"]).unwrap();
        assert!(!second.path().join("logs/agent.log").exists(), "a folder nobody uses is emptied");
    }
}
