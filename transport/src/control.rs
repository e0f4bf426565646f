//! Control numbers (ISA13, GS06, ST02): never used twice, whatever happens to the process that took one.

use std::{
    fs, io,
    io::{Read as _, Write as _},
    path::{Path, PathBuf},
};

/// The largest number of nine digits.
pub const LAST: u32 = 999_999_999;

/// Why there is no number.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NumberError {
    /// All are used. A new series is to be agreed upon with the payer.
    #[error("all control numbers of `{0}` are used")]
    Exhausted(String),
    /// A name that cannot be one.
    #[error("a series is named by letters, digits, `-` and `_`")]
    Name,
    /// The store does not hold.
    #[error("control numbers cannot be kept: {0}")]
    Store(io::ErrorKind),
    /// What is kept is no number: it is not guessed.
    #[error("what is kept of `{0}` is no number; a person has to say which was the last")]
    Broken(String),
}

/// Gives control numbers: each once in a series. A series is one kind of number between one sender and one receiver.
pub trait Numbers {
    /// The first of `count` numbers that follow each other, and belong to the caller from now on. Gaps are allowed.
    ///
    /// # Errors
    /// Where none is left, or where it could not be written down before it is given.
    fn take(&self, series: &str, count: u32) -> Result<u32, NumberError>;
}

/// Numbers kept in a folder of this machine, one file for each series, good for several processes at once.
#[derive(Clone, Debug)]
pub struct Files(PathBuf);

impl Files {
    /// In that folder, which is made where it is missing.
    ///
    /// # Errors
    /// Where it cannot be made.
    pub fn new(path: impl Into<PathBuf>) -> io::Result<Self> {
        let path = path.into();
        fs::create_dir_all(&path)?;
        Ok(Self(path))
    }

    /// The numbers that are used, in a series.
    fn used(path: &Path, series: &str) -> Result<u32, NumberError> {
        let mut text = String::new();
        match fs::File::open(path) {
            Ok(file) => file.take(20).read_to_string(&mut text).map_err(store)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
            Err(error) => return Err(store(error)),
        };
        let number = text.strip_suffix('\n').and_then(|text| text.parse().ok());
        number.filter(|n| *n <= LAST).ok_or_else(|| NumberError::Broken(series.to_owned()))
    }
}

fn store(error: io::Error) -> NumberError {
    NumberError::Store(error.kind())
}

impl Numbers for Files {
    fn take(&self, series: &str, count: u32) -> Result<u32, NumberError> {
        let letter = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
        if series.is_empty() || series.len() > 100 || !series.chars().all(letter) {
            return Err(NumberError::Name);
        }
        let (path, next) = (self.0.join(series), self.0.join(format!("{series}.next")));
        let guard = fs::File::create(self.0.join(format!("{series}.lock"))).map_err(store)?;
        guard.lock().map_err(store)?;
        let used = Self::used(&path, series)?;
        let last = used.checked_add(count).filter(|last| *last <= LAST && count > 0);
        let last = last.ok_or_else(|| NumberError::Exhausted(series.to_owned()))?;
        // Written down before it is given: what is lost with the process is a gap.
        let mut file = fs::File::create(&next).map_err(store)?;
        file.write_all(format!("{last}\n").as_bytes()).map_err(store)?;
        file.sync_all().map_err(store)?;
        fs::rename(&next, &path).map_err(store)?;
        fs::File::open(&self.0).and_then(|folder| folder.sync_all()).map_err(store)?;
        Ok(used + 1)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn no_number_is_given_twice() {
        let folder = tempfile::tempdir().unwrap();
        let taken: Vec<u32> = std::thread::scope(|scope| {
            let path = folder.path();
            let threads: Vec<_> = (0..4)
                .map(|_| {
                    // Each as a process of its own would: nothing is shared but the folder.
                    scope.spawn(move || {
                        let numbers = Files::new(path).unwrap();
                        let one = |_| numbers.take("P4-ISA13", 1).unwrap();
                        (0..20).map(one).collect::<Vec<_>>()
                    })
                })
                .collect();
            threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
        });
        assert_eq!(taken.iter().collect::<BTreeSet<_>>().len(), 80);
        let numbers = Files::new(folder.path()).unwrap();
        assert_eq!(numbers.take("P4-ISA13", 10), Ok(81));
        assert_eq!(numbers.take("P4-ISA13", 1), Ok(91));
        assert_eq!(numbers.take("P3-ISA13", 1), Ok(1), "another series");
    }

    #[test]
    fn what_is_used_up_or_broken_gives_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let numbers = Files::new(folder.path()).unwrap();
        let kept = |text: &str| fs::write(folder.path().join("a"), text).unwrap();
        kept("999999998\n");
        assert_eq!(numbers.take("a", 2), Err(NumberError::Exhausted("a".into())));
        assert_eq!(numbers.take("a", 1), Ok(LAST));
        assert_eq!(numbers.take("a", 1), Err(NumberError::Exhausted("a".into())));
        for broken in ["", "12", "x\n", "-1\n", "1000000000\n", "99999999999999999999999"] {
            kept(broken);
            assert_eq!(numbers.take("a", 1), Err(NumberError::Broken("a".into())), "{broken}");
        }
        for name in ["", "..", "a/b", "a.next"] {
            assert_eq!(numbers.take(name, 1), Err(NumberError::Name), "{name}");
        }
    }
}
