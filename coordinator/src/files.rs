//! Bytes of evidence and documents: content-addressed by the SHA-256 of the plain bytes, sealed, in one folder. Written durably
//! before anyone is told; never overwritten; checked against their hash whenever they are read.

use std::{
    fs,
    io::Write as _,
    path::{Path, PathBuf},
    sync::Arc,
};

use sha2::{Digest as _, Sha256};

use crate::seal::{Context, Seal};

/// The largest item, 25 MiB.
pub const SIZE_MAX_BYTES: usize = 25 * 1024 * 1024;

/// Why bytes were not kept or not given.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There are no such bytes.
    #[error("there are no such bytes")]
    NotFound,
    /// What lies there is not what was put there.
    #[error("the stored bytes do not match their hash")]
    Broken,
    /// More than [`SIZE_MAX_BYTES`].
    #[error("more than 25 MiB")]
    TooLarge,
    /// The disk failed. For the log only.
    #[error("the file store failed: {0}")]
    Io(#[from] std::io::Error),
}

/// The folder of sealed bytes. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Files {
    folder: Arc<PathBuf>,
    seal: Arc<Seal>,
}

/// Lower-case hexadecimal.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut out, b| {
        let _ = write!(out, "{b:02x}");
        out
    })
}

/// What [`hex`] wrote, as bytes; none for anything else.
#[must_use]
pub fn unhex(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|d| u8::try_from(d).ok());
    let pairs = text.as_bytes().chunks(2);
    pairs.map(|pair| Some(digit(*pair.first()?)? << 4 | digit(*pair.get(1)?)?)).collect()
}

/// SHA-256 in hexadecimal.
#[must_use]
pub fn sha256(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

fn is_sha256(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
}

impl Files {
    /// Opens the folder, making it when absent.
    ///
    /// # Errors
    /// The folder cannot be made.
    pub fn open(folder: &Path, seal: Arc<Seal>) -> Result<Self, Error> {
        fs::create_dir_all(folder)?;
        Ok(Self { folder: Arc::new(folder.to_owned()), seal })
    }

    fn place(&self, sha256: &str) -> PathBuf {
        self.folder.join(&sha256[..2]).join(sha256)
    }

    /// Keeps bytes; answers their SHA-256 only when they are durable. The same bytes again cost nothing.
    ///
    /// # Errors
    /// [`Error::TooLarge`], [`Error::Io`].
    pub async fn put(&self, bytes: impl Into<bytes::Bytes>) -> Result<String, Error> {
        let (this, bytes) = (self.clone(), bytes.into());
        tokio::task::spawn_blocking(move || this.put_now(&bytes))
            .await
            .map_err(|e| Error::Io(std::io::Error::other(e)))?
    }

    fn put_now(&self, bytes: &[u8]) -> Result<String, Error> {
        if bytes.len() > SIZE_MAX_BYTES {
            return Err(Error::TooLarge);
        }
        let sha = sha256(bytes);
        let place = self.place(&sha);
        // Present bytes count only when they open: a torn file of an earlier life is written anew.
        if place.exists() && self.get_now(&sha).is_ok() {
            return Ok(sha);
        }
        let folder = self.folder.join(&sha[..2]);
        fs::create_dir_all(&folder)?;
        let context = Context { table: "files", column: "bytes", record: &sha };
        let sealed = self.seal.seal(&context, bytes);
        let temporary = folder.join(format!("{sha}.{:016x}.part", rand::random::<u64>()));
        let written =
            write_durably(&temporary, &sealed).and_then(|()| fs::rename(&temporary, &place));
        if let Err(e) = written {
            let _ = fs::remove_file(&temporary);
            return Err(e.into());
        }
        // The names must survive a power cut too, the new sub-folder's included.
        fs::File::open(&folder)?.sync_all()?;
        fs::File::open(self.folder.as_path())?.sync_all()?;
        Ok(sha)
    }

    /// The bytes of that hash.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Broken`], [`Error::Io`].
    pub async fn get(&self, sha256: &str) -> Result<Vec<u8>, Error> {
        let (this, sha) = (self.clone(), sha256.to_owned());
        tokio::task::spawn_blocking(move || this.get_now(&sha))
            .await
            .map_err(|e| Error::Io(std::io::Error::other(e)))?
    }

    fn get_now(&self, sha: &str) -> Result<Vec<u8>, Error> {
        if !is_sha256(sha) {
            return Err(Error::NotFound);
        }
        let sealed = match fs::read(self.place(sha)) {
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Err(Error::NotFound),
            other => other?,
        };
        let context = Context { table: "files", column: "bytes", record: sha };
        let bytes = self.seal.open(&context, &sealed).map_err(|_| Error::Broken)?;
        if sha256(&bytes) == sha { Ok(bytes) } else { Err(Error::Broken) }
    }
}

fn write_durably(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let mut file = fs::File::options().write(true).create_new(true).open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn keeps_sealed_bytes_and_notices_a_change() {
        let place = tempfile::tempdir().unwrap();
        let files = Files::open(place.path(), Arc::new(Seal::new(&[7; 32], 1))).unwrap();
        let sha = files.put(b"ALDER TESTA".to_vec()).await.unwrap();
        assert_eq!(sha, sha256(b"ALDER TESTA"));
        assert_eq!(files.put(b"ALDER TESTA".to_vec()).await.unwrap(), sha);
        assert_eq!(files.get(&sha).await.unwrap(), b"ALDER TESTA");
        let path = files.place(&sha);
        let mut raw = fs::read(&path).unwrap();
        assert!(!raw.windows(5).any(|w| w == b"ALDER"));
        *raw.last_mut().unwrap() ^= 1;
        fs::write(&path, raw).unwrap();
        assert!(matches!(files.get(&sha).await, Err(Error::Broken)));
        assert_eq!(files.put(b"ALDER TESTA".to_vec()).await.unwrap(), sha, "written anew");
        assert_eq!(files.get(&sha).await.unwrap(), b"ALDER TESTA");
        assert!(matches!(files.get("../../etc/passwd").await, Err(Error::NotFound)));
        assert!(matches!(files.get(&"0".repeat(64)).await, Err(Error::NotFound)));
    }
}
