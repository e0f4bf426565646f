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
    /// When it was changed last, by the server's clock.
    pub changed: Option<i64>,
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

    /// Whether this very file, by name, size and time, was kept before, so that it is not fetched again. Only of files that are left
    /// where they are.
    fn knows(&self, _file: &Listed) -> bool {
        false
    }

    /// Whether nothing more is wanted: asked before each file is fetched.
    fn has_enough(&self) -> bool {
        false
    }
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
        if let Some(above) = path.parent().filter(|above| !above.as_os_str().is_empty()) {
            fs::File::open(above)?.sync_all()?;
        }
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
        // A name that is there was perhaps given by somebody who ended before he made it durable: it is made so before it is
        // called known, since what is known is removed at the payer's.
        let durable = || fs::File::open(&self.0)?.sync_all();
        if target.exists() {
            return durable().map(|()| Kept::Known);
        }
        let temporary = self.0.join(format!("{}.tmp", crate::hex(&random::<16>())));
        let mut file = fs::OpenOptions::new().write(true).create_new(true).open(&temporary)?;
        let linked = file
            .write_all(&arrival.bytes)
            .and_then(|()| file.sync_all())
            // A link, unlike a rename, fails where the name is taken.
            .and_then(|()| fs::hard_link(&temporary, &target));
        // Left behind it is harmless; what was kept is kept all the same.
        let _ = fs::remove_file(&temporary);
        match linked {
            Ok(()) => durable().map(|()| Kept::New),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                durable().map(|()| Kept::Known)
            }
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
    /// It is the mark of a file that is not there.
    Orphan,
    /// It was kept before, and nobody has changed it.
    Unchanged,
}

/// What a look at the inbox brought. Names are the payer's and may be anybody's; hashes tell files apart.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Collected {
    /// New files.
    pub new: Vec<(String, [u8; 32])>,
    /// Files that were met before.
    pub known: Vec<(String, [u8; 32])>,
    /// Files that were left, with the reason.
    pub skipped: Vec<(String, Skipped)>,
    /// Files that could not be read, kept or put away. One that could not be put away stands among the new or the known ones too.
    pub failed: Vec<(String, SftpError)>,
    /// Whether every file was looked at. Where the session is lost, nothing can be kept here, or nothing more is wanted, those that are
    /// left are not.
    pub complete: bool,
}

impl std::fmt::Debug for Collected {
    /// Without names: they may name a patient.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let failed: Vec<&SftpError> = self.failed.iter().map(|(_, error)| error).collect();
        f.debug_struct("Collected")
            .field("new", &self.new.len())
            .field("known", &self.known.len())
            .field("skipped", &self.skipped.iter().map(|(_, why)| why).collect::<Vec<_>>())
            .field("failed", &failed)
            .field("complete", &self.complete)
            .finish()
    }
}

impl Session {
    /// Takes what is whole from an inbox, each file once. What one file suffers is that file's: what was taken before it, and what is
    /// taken after it, is told all the same.
    ///
    /// # Errors
    /// Where the folder cannot be listed.
    pub async fn collect(
        &self,
        rules: &Rules,
        keeper: &Arc<dyn Keeper>,
        now: Timestamp,
    ) -> Result<Collected, SftpError> {
        let listed = self.list(&rules.folder).await?;
        let mut collected = Collected { complete: true, ..Collected::default() };
        for file in &listed {
            let mark = match &rules.ready {
                Ready::Marker(end) => match file.name.strip_suffix(end.as_str()) {
                    Some(of) => {
                        if !listed.iter().any(|other| other.name == of) {
                            collected.skipped.push((file.name.clone(), Skipped::Orphan));
                        }
                        continue;
                    }
                    None => Some(format!("{}{end}", file.name)),
                },
                _ => None,
            };
            if let Some(reason) = left(file, rules, mark.as_deref(), &listed, now) {
                collected.skipped.push((file.name.clone(), reason));
                continue;
            }
            if rules.after == After::Leave && keeper.knows(file) {
                collected.skipped.push((file.name.clone(), Skipped::Unchanged));
                continue;
            }
            if keeper.has_enough() {
                collected.complete = false;
                break;
            }
            if let Err(error) =
                self.take(rules, keeper, file, mark.as_deref(), &mut collected).await
            {
                let over = matches!(error.cause, Cause::Lost(_) | Cause::Keep(_));
                collected.failed.push((file.name.clone(), error));
                if over {
                    collected.complete = false;
                    break;
                }
            }
        }
        Ok(collected)
    }

    /// Takes one file that is whole.
    async fn take(
        &self,
        rules: &Rules,
        keeper: &Arc<dyn Keeper>,
        file: &Listed,
        mark: Option<&str>,
        collected: &mut Collected,
    ) -> Result<(), SftpError> {
        let Some(arrival) = self.fetch(&rules.folder, file).await? else {
            collected.skipped.push((file.name.clone(), Skipped::Changing));
            return Ok(());
        };
        let hash = arrival.sha256;
        let keep = keeper.clone();
        let kept = tokio::task::spawn_blocking(move || keep.keep(&arrival)).await;
        let kept = kept.unwrap_or_else(|_| Err(io::ErrorKind::Other.into())).map_err(|error| {
            SftpError::new(self.host(), "keeping a file", Cause::Keep(error.kind()))
        })?;
        // Told from here on, whatever becomes of the file there.
        let list = match kept {
            Kept::New => &mut collected.new,
            Kept::Known => &mut collected.known,
        };
        list.push((file.name.clone(), hash));
        self.put_away(&rules.folder, &file.name, mark, &rules.after).await
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
        let (name, changed) = (file.name.clone(), file.changed);
        Ok(Some(Arrival { name, changed, sha256: sha256(&bytes), bytes }))
    }

    /// Puts a file away that is kept here. Its mark goes first: a mark that is left over would call the next file of that name whole
    /// while it is still being written.
    async fn put_away(
        &self,
        folder: &str,
        name: &str,
        mark: Option<&str>,
        after: &After,
    ) -> Result<(), SftpError> {
        let doing = "putting a file away";
        let path = below(folder, name);
        if let Some(mark) = mark.filter(|_| *after != After::Leave) {
            self.remove(&below(folder, mark), doing).await?;
        }
        match after {
            After::Leave => Ok(()),
            After::Delete => self.remove(&path, doing).await,
            After::Move(to) => {
                let target = below(to, name);
                // The payer may use a name again: what is there stays there.
                let target = match self.stat(&target, doing).await? {
                    None => target,
                    Some(_) => format!("{target}.{}", crate::hex(&random::<4>())),
                };
                self.rename(&path, &target, doing).await
            }
        }
    }
}

/// Why a file is left, if it is.
fn left(
    file: &Listed,
    rules: &Rules,
    mark: Option<&str>,
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
        // A mark that is older than its file was another file's of that name.
        Ready::Marker(_) => listed
            .iter()
            .find(|other| Some(other.name.as_str()) == mark)
            .is_some_and(|mark| mark.changed >= file.changed),
        Ready::Aged(age) => file
            .changed
            .is_some_and(|changed| now.as_second().saturating_sub(changed) >= age.as_secs()),
    };
    (!whole).then_some(Skipped::NotReady)
}
