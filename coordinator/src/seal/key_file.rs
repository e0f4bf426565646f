//! The master key's file: read, checked, made once beside an unused database. Never in the data folder, never readable by others.

use std::{
    fs,
    io::Write as _,
    os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
};

use aws_lc_rs::rand::{SecureRandom as _, SystemRandom};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use zeroize::Zeroizing;

use super::{KEY, Seal};

/// The key file cannot be used; a sentence for the operator.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct BadKey(pub String);

/// The master key's file: 32 bytes in base64, readable by its owner only, and never inside the data folder, so that a copy of the
/// data is not a copy of the key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyFile {
    path: PathBuf,
    /// Whether [`KeyFile::load`] has just made it: the operator must then be told to back it up apart from the data.
    pub created: bool,
}

impl KeyFile {
    /// Where it lies.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Reads the key, or makes one when the file does not exist and `may_create` (a fresh data folder only: a missing key beside
    /// old data must never be replaced by a new one).
    ///
    /// # Errors
    /// A sentence for the operator.
    pub fn load(path: &Path, data: &Path, may_create: bool) -> Result<(Self, Seal), BadKey> {
        let bad = |what: String| BadKey(what);
        let shown = path.display();
        let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let exists = path.exists();
        if !exists && !may_create {
            return Err(bad(format!(
                "the master key {shown} is missing, but there is data sealed with it; put the key back"
            )));
        }
        fs::create_dir_all(folder)
            .map_err(|e| bad(format!("cannot make the folder of the master key {shown}: {e}")))?;
        let real = |p: &Path| p.canonicalize().unwrap_or_else(|_| p.to_path_buf());
        if real(folder).starts_with(real(data)) {
            return Err(bad(format!(
                "the master key {shown} lies inside the data folder {}; a backup of the data would then hold its key. \
                 Set FLEET_KEY_FILE to a place outside it",
                data.display()
            )));
        }
        if !exists {
            create(path).map_err(|e| bad(format!("cannot write the master key {shown}: {e}")))?;
        }
        let mode = fs::metadata(path)
            .map_err(|e| bad(format!("cannot read the master key {shown}: {e}")))?
            .permissions()
            .mode()
            & 0o777;
        if mode != 0o600 && mode != 0o400 {
            return Err(bad(format!(
                "the master key {shown} has mode {mode:o}; others could read it. Run: chmod 600 {shown}"
            )));
        }
        let text = Zeroizing::new(
            fs::read_to_string(path)
                .map_err(|e| bad(format!("cannot read the master key {shown}: {e}")))?,
        );
        let bytes = Zeroizing::new(STANDARD.decode(text.trim()).unwrap_or_default());
        let master: Zeroizing<[u8; KEY]> = Zeroizing::new(
            bytes
                .as_slice()
                .try_into()
                .map_err(|_| bad(format!("the master key {shown} is not 32 bytes in base64")))?,
        );
        Ok((Self { path: path.to_owned(), created: !exists }, Seal::new(&master, 1)))
    }
}

fn create(path: &Path) -> std::io::Result<()> {
    let mut key = Zeroizing::new([0_u8; KEY]);
    SystemRandom::new()
        .fill(key.as_mut_slice())
        .map_err(|_| std::io::Error::other("no random bytes from the system"))?;
    let text = Zeroizing::new(STANDARD.encode(key.as_slice()));
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(text.as_bytes())?;
    file.write_all(b"\n")?;
    file.sync_all()?;
    if let Some(folder) = path.parent() {
        fs::File::open(if folder.as_os_str().is_empty() { Path::new(".") } else { folder })?
            .sync_all()?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seal::Context;

    const HERE: Context<'static> = Context { table: "cases", column: "request", record: "case_1" };

    #[test]
    fn the_key_file_is_private_and_apart_from_the_data() {
        let place = tempfile::tempdir().unwrap();
        let data = place.path().join("data");
        fs::create_dir(&data).unwrap();
        let path = place.path().join("keys/master.key");
        assert!(KeyFile::load(&path, &data, false).is_err(), "never a new key beside old data");
        let (made, seal) = KeyFile::load(&path, &data, true).unwrap();
        assert!(made.created);
        let (again, same) = KeyFile::load(&path, &data, false).unwrap();
        assert!(!again.created);
        assert_eq!(same.open(&HERE, &seal.seal(&HERE, b"x")).unwrap(), b"x");

        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        let told = KeyFile::load(&path, &data, false).unwrap_err().to_string();
        assert!(told.contains("chmod 600"), "{told}");
        let inside = KeyFile::load(&data.join("master.key"), &data, true).unwrap_err();
        assert!(inside.to_string().contains("inside the data folder"), "{inside}");
    }
}
