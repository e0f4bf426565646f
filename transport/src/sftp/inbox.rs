//! The inbox: every file is taken once. What was taken is known by the hash of its bytes, and is kept durably here before
//! anything is done to it there.

use std::{fs, io, io::Write as _, path::PathBuf, sync::Arc};

use jiff::{SignedDuration, Timestamp};

use super::{
    Cause, SftpError, below, plain,
    session::{Listed, Session, sha256},
};
use crate::random;

/// How a payer shows that a file is whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ready {
    /// A second file beside it, with this at the end of its name.
    Marker(String),
    /// Nobody has changed it for that long.
    Aged(SignedDuration),
    /// The payer renames: what has its name is whole.
    Renamed,
}

/// What is done with a file there, once it is kept here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum After {
    /// It is removed.
    Delete,
    /// It is moved to that folder.
    Move(String),
    /// It is left. The same file is then met again and known.
    Leave,
}

/// How a payer's inbox is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rules {
    /// Where the files are.
    pub folder: String,
    /// Which are whole.
    pub ready: Ready,
    /// What is done with them.
    pub after: After,
    /// The largest file that is taken, in bytes.
    pub largest: u64,
}

/// A file that came.
pub struct Arrival {
    /// Its name there.
    pub name: String,
    /// SHA-256 of it.
    pub sha256: [u8; 32],
    /// What is in it.
    pub bytes: Vec<u8>,
}

/// Whether a file was met before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kept {
    /// It is new, and kept durably now.
    New,
    /// The same bytes were kept before.
    Known,
}

/// Keeps what comes. One step decides whether it is new and makes it durable, so that nothing is lost and nothing taken twice
/// wherever the process ends.
pub trait Keeper: Send + Sync {
    /// Keeps a file unless its hash is known.
    ///
    /// # Errors
    /// Where it is not durable; it is offered again at the next look.
    fn keep(&self, arrival: &Arrival) -> io::Result<Kept>;
}

/// Keeps files in a folder of this machine, under their hash.
#[derive(Clone, Debug)]
pub struct Folder(PathBuf);

impl Folder {
    /// In that folder, which is made where it is missing.
    ///
    /// # Errors
    /// Where it cannot be made.
    pub fn new(path: impl Into<PathBuf>) -> io::Result<Self> {
        let path = path.into();
        fs::create_dir_all(&path)?;
        Ok(Self(path))
    }

    /// Where a file with that hash is kept.
    #[must_use]
    pub fn path(&self, sha256: &[u8; 32]) -> PathBuf {
        self.0.join(crate::hex(sha256))
    }
}

impl Keeper for Folder {
    fn keep(&self, arrival: &Arrival) -> io::Result<Kept> {
        let target = self.path(&arrival.sha256);
        if target.exists() {
            return Ok(Kept::Known);
        }
        let temporary = self.0.join(format!("{}.tmp", crate::hex(&random::<16>())));
        let mut file = fs::OpenOptions::new().write(true).create_new(true).open(&temporary)?;
        let linked = file
            .write_all(&arrival.bytes)
            .and_then(|()| file.sync_all())
            // A link, unlike a rename, fails where the name is taken.
            .and_then(|()| fs::hard_link(&temporary, &target));
        fs::remove_file(&temporary)?;
        match linked {
            Ok(()) => fs::File::open(&self.0)?.sync_all().map(|()| Kept::New),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(Kept::Known),
            Err(error) => Err(error),
        }
    }
}

/// Why a file was left where it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Skipped {
    /// It is not whole yet.
    NotReady,
    /// It changed while it was read.
    Changing,
    /// It is too large.
    TooLarge,
    /// It has a name that is not taken.
    Name,
}

/// What a look at the inbox brought. Names are the payer's; hashes tell files apart.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Collected {
    /// New files.
    pub new: Vec<(String, [u8; 32])>,
    /// Files that were met before.
    pub known: Vec<(String, [u8; 32])>,
    /// Files that were left, with the reason.
    pub skipped: Vec<(String, Skipped)>,
}

impl Session {
    /// Takes what is whole from an inbox, each file once.
    ///
    /// # Errors
    /// At the first file that cannot be read, kept or put away; those before it are kept, and known at the next look.
    pub async fn collect(
        &self,
        rules: &Rules,
        keeper: &Arc<dyn Keeper>,
        now: Timestamp,
    ) -> Result<Collected, SftpError> {
        let listed = self.list(&rules.folder).await?;
        let mut collected = Collected::default();
        for file in &listed {
            let marker = match &rules.ready {
                Ready::Marker(end) if file.name.ends_with(end.as_str()) => continue,
                Ready::Marker(end) => Some(format!("{}{end}", file.name)),
                _ => None,
            };
            if let Some(reason) = left(file, rules, marker.as_deref(), &listed, now) {
                collected.skipped.push((file.name.clone(), reason));
                continue;
            }
            let Some(arrival) = self.fetch(&rules.folder, file).await? else {
                collected.skipped.push((file.name.clone(), Skipped::Changing));
                continue;
            };
            let hash = arrival.sha256;
            let keep = keeper.clone();
            let kept = tokio::task::spawn_blocking(move || keep.keep(&arrival)).await;
            let kept =
                kept.unwrap_or_else(|_| Err(io::ErrorKind::Other.into())).map_err(|error| {
                    SftpError::new(self.host(), "keeping a file", Cause::Keep(error.kind()))
                })?;
            self.put_away(&rules.folder, &file.name, marker.as_deref(), &rules.after).await?;
            let list = match kept {
                Kept::New => &mut collected.new,
                Kept::Known => &mut collected.known,
            };
            list.push((file.name.clone(), hash));
        }
        Ok(collected)
    }

    /// Reads a file that stays the same meanwhile.
    async fn fetch(&self, folder: &str, file: &Listed) -> Result<Option<Arrival>, SftpError> {
        let doing = "fetching a file";
        let path = below(folder, &file.name);
        let bytes = self.read(&path, file.size, doing).await?;
        let after = self.stat(&path, doing).await?;
        let same =
            after.is_some_and(|after| after.size == file.size && after.changed == file.changed);
        if !same || bytes.len() as u64 != file.size {
            return Ok(None);
        }
        Ok(Some(Arrival { name: file.name.clone(), sha256: sha256(&bytes), bytes }))
    }

    async fn put_away(
        &self,
        folder: &str,
        name: &str,
        marker: Option<&str>,
        after: &After,
    ) -> Result<(), SftpError> {
        let doing = "putting a file away";
        let path = below(folder, name);
        match after {
            After::Leave => return Ok(()),
            After::Delete => self.remove(&path, doing).await?,
            After::Move(to) => {
                let target = below(to, name);
                // The payer may use a name again: what is there stays there.
                let target = match self.stat(&target, doing).await? {
                    None => target,
                    Some(_) => format!("{target}.{}", crate::hex(&random::<4>())),
                };
                self.rename(&path, &target, doing).await?;
            }
        }
        match marker {
            Some(marker) => self.remove(&below(folder, marker), doing).await,
            None => Ok(()),
        }
    }
}

/// Why a file is left, if it is.
fn left(
    file: &Listed,
    rules: &Rules,
    marker: Option<&str>,
    listed: &[Listed],
    now: Timestamp,
) -> Option<Skipped> {
    let unfinished = [".tmp", ".part", ".filepart", ".partial"];
    if unfinished.iter().any(|end| file.name.ends_with(end)) {
        return Some(Skipped::NotReady);
    }
    if !plain(&file.name) {
        return Some(Skipped::Name);
    }
    if file.size > rules.largest {
        return Some(Skipped::TooLarge);
    }
    let whole = match &rules.ready {
        Ready::Renamed => true,
        Ready::Marker(_) => listed.iter().any(|other| Some(other.name.as_str()) == marker),
        Ready::Aged(age) => file
            .changed
            .is_some_and(|changed| now.as_second().saturating_sub(changed) >= age.as_secs()),
    };
    (!whole).then_some(Skipped::NotReady)
}
