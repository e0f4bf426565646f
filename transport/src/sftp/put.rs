//! A file put under its name in one step; and the look that tells what became of one whose putting was not answered.

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use russh_sftp::{
    client::error::Error as Said,
    protocol::{FileAttributes, OpenFlags},
};

use super::{
    Cause, SftpError, below, plain,
    session::{CHUNK, Session, WINDOW, sha256},
};
use crate::{fate::Fate, random};

/// What was put.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Put {
    /// Its size.
    pub size: u64,
    /// SHA-256 of it.
    pub sha256: [u8; 32],
    /// Whether the server said that it is on its disk. Not every server can.
    pub durable: bool,
}

/// What a look finds after a file may or may not have been put.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Settled {
    /// It is there, every byte of it.
    Arrived,
    /// A file of that name is there, with something else in it.
    Other,
    /// Nothing of that name is there. Where the payer takes files away, that does not say that it never was. Names under which
    /// it was begun and not finished.
    Absent(Vec<String>),
}

impl Session {
    /// Puts a file: written under a temporary name, made durable where the server can, then given its name in one step, once.
    /// A file of that name is never overwritten.
    ///
    /// # Errors
    /// [`SftpError::fate`] is `Unknown` where the answer to the last step is missing, or is "no" and a look does not show that the
    /// file is still ours: [`Session::settle`] looks again later.
    pub async fn put(&self, folder: &str, name: &str, bytes: &[u8]) -> Result<Put, SftpError> {
        let doing = "putting a file";
        if !plain(name) {
            return Err(SftpError::new(&self.host, doing, Cause::Name));
        }
        let target = below(folder, name);
        if self.stat(&target, doing).await?.is_some() {
            return Err(SftpError::new(&self.host, doing, Cause::Exists));
        }
        let temporary = format!("{target}.{}.tmp", crate::hex(&random::<4>()));
        let durable = match self.write(&temporary, bytes).await {
            Ok(durable) => durable,
            Err(error) => {
                // Left behind it would be harmless; taken away it is tidier.
                let _ = self.sftp.remove(&temporary).await;
                return Err(error);
            }
        };
        let put = Put { size: bytes.len() as u64, sha256: sha256(bytes), durable };
        match self.sftp.rename(&temporary, &target).await {
            Ok(_) => Ok(put),
            Err(error) => {
                let fault = self.fault("giving a file its name", &error);
                match error {
                    Said::Status(_) => self.looked(&temporary, &target, put, fault).await,
                    _ => Err(fault.with(Fate::Unknown)),
                }
            }
        }
    }

    /// What became of a file whose name the server says it has not given. Its word alone proves nothing: servers have been seen
    /// that say so after they did it, and what has its name may be taken away at once. Only a file that still lies whole under its
    /// temporary name was surely not taken.
    async fn looked(
        &self,
        temporary: &str,
        target: &str,
        put: Put,
        fault: SftpError,
    ) -> Result<Put, SftpError> {
        let doing = "looking what became of a file";
        let (Ok(begun), Ok(there)) =
            (self.stat(temporary, doing).await, self.stat(target, doing).await)
        else {
            return Err(fault.with(Fate::Unknown));
        };
        match (begun, there) {
            (Some(begun), there) if begun.size == put.size => {
                let _ = self.sftp.remove(temporary).await;
                let cause = there.map_or(fault.cause.clone(), |_| Cause::Exists);
                Err(SftpError { cause, ..fault }.with(Fate::Refused))
            }
            (None, Some(there)) if there.size == put.size => {
                match self.read(target, put.size, doing).await {
                    Ok(bytes) if sha256(&bytes) == put.sha256 => Ok(put),
                    _ => Err(fault.with(Fate::Unknown)),
                }
            }
            _ => Err(fault.with(Fate::Unknown)),
        }
    }

    /// Writes a new file and looks at its size.
    async fn write(&self, path: &str, bytes: &[u8]) -> Result<bool, SftpError> {
        let doing = "writing a file";
        let flags = OpenFlags::WRITE | OpenFlags::CREATE | OpenFlags::EXCLUDE;
        let opened = self.sftp.open(path, flags, FileAttributes::empty()).await;
        let handle = opened.map_err(|error| self.fault(doing, &error))?.handle;
        // By offsets and not by slices: a future with borrowed items cannot be sent to another thread.
        let offsets = (0..bytes.len()).step_by(CHUNK);
        let part = |from: usize| bytes[from..(from + CHUNK).min(bytes.len())].to_vec();
        let written = stream::iter(offsets)
            .map(|from| self.sftp.write(&handle, from as u64, part(from)))
            .buffer_unordered(WINDOW)
            .try_for_each(|_| std::future::ready(Ok(())))
            .await;
        let synced = match written {
            Ok(()) if self.fsync => self.sftp.fsync(&handle).await.map(|_| true),
            Ok(()) => Ok(false),
            Err(error) => Err(error),
        };
        let found = self.sftp.fstat(&handle).await;
        let closed = self.sftp.close(&handle).await;
        let told = |error: Said| self.fault(doing, &error);
        let durable = synced.map_err(told)?;
        let found = found.map_err(told)?.attrs.size.unwrap_or(0);
        closed.map_err(told)?;
        if found != bytes.len() as u64 {
            let cause = Cause::Size { found, sent: bytes.len() as u64 };
            return Err(SftpError::new(&self.host, doing, cause));
        }
        Ok(durable)
    }

    /// Looks what became of a file that may have been put.
    ///
    /// # Errors
    /// Those of a look.
    pub async fn settle(&self, folder: &str, name: &str, put: &Put) -> Result<Settled, SftpError> {
        let doing = "looking for a file";
        let target = below(folder, name);
        if let Some(found) = self.stat(&target, doing).await? {
            let same = found.size == put.size
                && sha256(&self.read(&target, found.size, doing).await?) == put.sha256;
            return Ok(if same { Settled::Arrived } else { Settled::Other });
        }
        let begun = format!("{name}.");
        let names = self.list(folder).await?.into_iter().map(|listed| listed.name);
        let left = names.filter(|found| found.starts_with(&begun) && found.ends_with(".tmp"));
        Ok(Settled::Absent(left.collect()))
    }

    /// Removes a file of ours that was begun and not finished.
    ///
    /// # Errors
    /// A name that is none of those, and what the server says.
    pub async fn discard(&self, folder: &str, name: &str) -> Result<(), SftpError> {
        let doing = "removing an unfinished file";
        if !plain(name) || !name.ends_with(".tmp") {
            return Err(SftpError::new(&self.host, doing, Cause::Name));
        }
        let removed = self.sftp.remove(below(folder, name)).await;
        removed.map(|_| ()).map_err(|error| self.fault(doing, &error))
    }
}
