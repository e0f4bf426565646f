//! What must survive the agent's own death: latch lines, and reports that the coordinator has not acknowledged.
//!
//! One file per latch and per report, written aside, fsynced, renamed, and the folder fsynced: after a power cut a
//! file is there whole or not at all. The latch precedes the click, so "no latch" means "not clicked".

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write as _},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};

use domain::{
    id::{AttemptId, IntentId, LeaseId},
    wire::Report,
};
use serde::{Deserialize, Serialize};

/// The line that is durable before the one click.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Latch {
    /// Intent whose act is about to happen.
    pub intent: IntentId,
    /// Lease it happens under.
    pub lease: LeaseId,
    /// Attempt it happens in.
    pub attempt: AttemptId,
}

/// The folder.
#[derive(Debug, Clone)]
pub struct Spool {
    dir: PathBuf,
}

impl Spool {
    /// Opens or makes the folder, readable by its owner only.
    ///
    /// # Errors
    /// The folder cannot be made or written.
    pub fn open(dir: &Path) -> io::Result<Self> {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(dir)?;
        let spool = Self { dir: dir.to_owned() };
        spool.write("probe", b"{}")?;
        spool.remove("probe")?;
        Ok(spool)
    }

    /// Makes the latch durable. Only after this returns may the click happen.
    ///
    /// # Errors
    /// It could not be made durable: do not click.
    pub fn latch(&self, latch: &Latch) -> io::Result<()> {
        self.write(&format!("latch-{}", latch.intent), &serde_json::to_vec(latch)?)
    }

    /// Whether the latch of this intent is set. A folder that cannot be read counts as set.
    #[must_use]
    pub fn is_latched(&self, intent: IntentId) -> bool {
        self.path(&format!("latch-{intent}")).try_exists().unwrap_or(true)
    }

    /// Forgets a latch whose attempt has been reported.
    pub fn forget_latch(&self, intent: IntentId) {
        self.remove_quietly(&format!("latch-{intent}"));
    }

    /// Latches left by an earlier life of this agent. Their fate is the coordinator's to settle: the lease expires and
    /// the job goes in doubt.
    #[must_use]
    pub fn latches(&self) -> Vec<Latch> {
        self.read_all("latch-")
    }

    /// Keeps a report until it is acknowledged.
    ///
    /// # Errors
    /// It could not be made durable.
    pub fn keep_report(&self, report: &Report) -> io::Result<()> {
        self.write(&format!("report-{}", report.attempt), &serde_json::to_vec(report)?)
    }

    /// Forgets an acknowledged report.
    pub fn forget_report(&self, attempt: AttemptId) {
        self.remove_quietly(&format!("report-{attempt}"));
    }

    /// Reports that were never acknowledged.
    #[must_use]
    pub fn reports(&self) -> Vec<Report> {
        self.read_all("report-")
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.join(format!("{name}.json"))
    }

    fn write(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let half = self.dir.join(format!("{name}.part"));
        let mut file =
            OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&half)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&half, self.path(name))?;
        File::open(&self.dir)?.sync_all()
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        fs::remove_file(self.path(name))?;
        File::open(&self.dir)?.sync_all()
    }

    fn remove_quietly(&self, name: &str) {
        if let Err(error) = self.remove(name)
            && error.kind() != io::ErrorKind::NotFound
        {
            tracing::warn!(%error, "a spool file could not be removed");
        }
    }

    fn read_all<T: serde::de::DeserializeOwned>(&self, prefix: &str) -> Vec<T> {
        let Ok(entries) = fs::read_dir(&self.dir) else { return Vec::new() };
        let mut names: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
        names.sort();
        names
            .into_iter()
            .filter(|path| {
                path.file_name()
                    .and_then(|name| name.to_str())
                    .is_some_and(|name| name.starts_with(prefix) && name.ends_with(".json"))
            })
            .filter_map(|path| serde_json::from_slice(&fs::read(path).ok()?).ok())
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use domain::time::Timestamp;

    use super::*;

    #[test]
    fn a_latch_outlives_the_agent_and_is_forgotten_on_purpose_only() {
        let dir = tempfile::tempdir().expect("temp dir");
        let at = Timestamp::from_ms(1_772_460_000_000);
        let latch = Latch {
            intent: IntentId::new(at, 1),
            lease: LeaseId::new(at, 2),
            attempt: AttemptId::new(at, 3),
        };
        let spool = Spool::open(dir.path()).expect("opens");
        assert!(!spool.is_latched(latch.intent));
        spool.latch(&latch).expect("durable");
        let again = Spool::open(dir.path()).expect("opens again");
        assert!(again.is_latched(latch.intent));
        assert_eq!(again.latches(), vec![latch.clone()]);
        again.forget_latch(latch.intent);
        assert!(!again.is_latched(latch.intent) && again.latches().is_empty());
        again.forget_latch(latch.intent);
    }
}
