//! A mark beside the data of how far the audit had come: a database that does not hold the marked entry is an older copy. Then the
//! fleet goes into quarantine, since requests may be at payers of which this database knows nothing.

use std::{
    fs,
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use domain::time::Timestamp;
use serde::{Deserialize, Serialize};
use tokio::sync::Mutex;

use crate::{
    files,
    flow::{self, Core, quarantine},
    store::audit,
};

/// The newest entry of the audit that was marked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Mark {
    seq: i64,
    sha256: String,
}

static WRITING: Mutex<()> = Mutex::const_new(());

/// Where the mark lies.
#[derive(Debug, Clone)]
pub struct Place(PathBuf);

impl Place {
    /// The mark of a data folder.
    #[must_use]
    pub fn of(data: &Path) -> Self {
        Self(data.join("fleet.mark"))
    }

    fn read(&self) -> io::Result<Option<Mark>> {
        match fs::read(&self.0) {
            Ok(bytes) => serde_json::from_slice(&bytes).map(Some).map_err(io::Error::other),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn write(&self, mark: &Mark) -> io::Result<()> {
        let aside = self.0.with_extension("mark.part");
        let mut file = fs::File::create(&aside)?;
        file.write_all(&serde_json::to_vec(mark)?)?;
        file.sync_all()?;
        fs::rename(&aside, &self.0)
    }

    /// Makes the mark's name durable: a file that was renamed is only there for good when its folder is.
    fn keep_name(&self) -> io::Result<()> {
        self.0.parent().map_or(Ok(()), |folder| fs::File::open(folder)?.sync_all())
    }

    /// Compares the database with the mark; puts the fleet in quarantine when it is older. Whether it did.
    ///
    /// # Errors
    /// The database cannot be read or written. A mark that cannot be read counts as one that does not fit.
    pub async fn check(&self, core: &Core, now: Timestamp) -> flow::Result<bool> {
        let reason = match self.read() {
            Ok(None) => return Ok(false),
            Ok(Some(mark)) => match audit::sha256_at(&core.store, mark.seq).await? {
                Some(sha256) if sha256 == mark.sha256 => return Ok(false),
                Some(_) => "the database is not the one this coordinator worked with".to_owned(),
                None => format!(
                    "the database ends before entry {} of the audit, which was written",
                    mark.seq
                ),
            },
            Err(error) => format!("the mark of the audit cannot be read: {error}"),
        };
        quarantine::begin(core, &reason, now).await?;
        if let Err(error) = self.keep(core).await {
            tracing::warn!(%error, "the mark of the audit could not be written");
        }
        Ok(true)
    }

    /// Marks the newest entry; the mark is durable when this has returned.
    ///
    /// # Errors
    /// The database cannot be read, or the mark cannot be written.
    pub async fn keep(&self, core: &Core) -> flow::Result<()> {
        // Of two at once the later would write the older entry.
        let _alone = WRITING.lock().await;
        let Some((seq, sha256)) = audit::head(&core.store).await? else { return Ok(()) };
        let mark = Mark { seq, sha256 };
        if self.read().ok().flatten().as_ref() != Some(&mark) {
            self.write(&mark).map_err(files::Error::Io)?;
        }
        Ok(self.keep_name().map_err(files::Error::Io)?)
    }
}
