//! Disks that fail on purpose: a small one, which can be filled, and an ill one, which a program is started on with a library before it
//! (`lossydisk.c`): writes and fsyncs that fail, an fsync that the program does not survive, and the power cut.

use std::{
    fs::{self, File},
    io::{ErrorKind, Write as _},
    os::unix::fs::FileExt as _,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, Result, ensure};
use rand::{Rng as _, rngs::StdRng};

/// A program of the system, run to its end.
fn run(program: &str, arguments: &[&str]) -> Result<()> {
    #[expect(clippy::disallowed_methods, reason = "mount, umount and cc end by themselves at once")]
    let mut command = Command::new(program);
    let done = command.args(arguments).output().with_context(|| format!("starting {program}"))?;
    ensure!(done.status.success(), "{program}: {}", String::from_utf8_lossy(&done.stderr).trim());
    Ok(())
}

/// Builds a library that is put before a program (`LD_PRELOAD`), with the C compiler that every Rust installation links with.
///
/// # Errors
/// There is no compiler, or the folder cannot be written.
pub fn library(folder: &Path, name: &str, source: &str) -> Result<PathBuf> {
    fs::create_dir_all(folder).with_context(|| format!("making {}", folder.display()))?;
    let (text, made) = (folder.join(format!("{name}.c")), folder.join(format!("{name}.so")));
    if !made.exists() {
        fs::write(&text, source)?;
        let (to, from) = (made.display().to_string(), text.display().to_string());
        run("cc", &["-shared", "-fPIC", "-O2", "-w", "-o", &to, &from, "-ldl"])?;
    }
    Ok(made)
}

/// A folder with little room: a file system of its own where that may be mounted.
#[derive(Debug)]
pub struct Small {
    folder: PathBuf,
    mounted: bool,
}

impl Small {
    /// Makes it. Where nothing may be mounted it is a folder like any other, and says so.
    ///
    /// # Errors
    /// The folder cannot be made.
    pub fn make(folder: &Path, mib: u32) -> Result<Small> {
        fs::create_dir_all(folder).with_context(|| format!("making {}", folder.display()))?;
        let at = folder.display().to_string();
        let mounted =
            run("mount", &["-t", "tmpfs", "-o", &format!("size={mib}m,mode=755"), "chaos", &at]);
        Ok(Small { folder: folder.to_owned(), mounted: mounted.is_ok() })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.folder
    }

    /// Whether it has an end of its own.
    pub fn is_mounted(&self) -> bool {
        self.mounted
    }

    /// Fills it to the last byte.
    ///
    /// # Errors
    /// Something else than its end comes in the way.
    pub fn fill(&self) -> Result<()> {
        if !self.mounted {
            return Ok(());
        }
        let mut filler = File::create(self.folder.join("filler"))?;
        for size in [1 << 16, 4_096, 1] {
            let bytes = vec![0; size];
            loop {
                match filler.write_all(&bytes) {
                    Ok(()) => {}
                    Err(error) if error.kind() == ErrorKind::StorageFull => break,
                    Err(error) => return Err(error).context("filling a small disk"),
                }
            }
        }
        Ok(())
    }

    /// Makes room again.
    pub fn clear(&self) {
        fs::remove_file(self.folder.join("filler")).ok();
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        if self.mounted {
            // Lazily: a process that was killed a moment ago may still be in it.
            run("umount", &["-l", &self.folder.display().to_string()]).ok();
        }
    }
}

/// What an ill disk can have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Illness {
    /// No space left.
    Full,
    /// Read-only.
    ReadOnly,
    /// A write takes half of it.
    Short,
    /// An fsync fails.
    Sync,
}

impl Illness {
    fn word(self) -> &'static str {
        match self {
            Illness::Full => "full",
            Illness::ReadOnly => "readonly",
            Illness::Short => "short",
            Illness::Sync => "sync",
        }
    }
}

/// An ill disk: the library, and the folder through which it is told what it has.
#[derive(Debug)]
pub struct Disk {
    folder: PathBuf,
}

impl Disk {
    /// Builds the library.
    ///
    /// # Errors
    /// There is no compiler, or the folder cannot be made.
    pub fn make(folder: &Path) -> Result<Disk> {
        fs::create_dir_all(folder.join("undo"))
            .with_context(|| format!("making {}", folder.display()))?;
        library(folder, "lossydisk", include_str!("lossydisk.c"))?;
        Ok(Disk { folder: folder.to_owned() })
    }

    /// The settings of a program that is started on it; `of`: the files it is about lie below.
    pub fn settings(&self, of: &Path) -> Vec<(&'static str, String)> {
        vec![
            ("LD_PRELOAD", self.folder.join("lossydisk.so").display().to_string()),
            ("FLEET_DISK", self.folder.display().to_string()),
            ("FLEET_DISK_OF", of.display().to_string()),
        ]
    }

    /// From now on it has this.
    ///
    /// # Errors
    /// The folder cannot be written.
    pub fn has(&self, illness: Illness) -> Result<()> {
        fs::write(self.folder.join(illness.word()), "").context("making a disk ill")
    }

    /// Ends the program at the n-th fsync from now, before it (or just after it).
    ///
    /// # Errors
    /// The folder cannot be written.
    pub fn dies_at(&self, fsync: u32, after: bool) -> Result<()> {
        let count = if after { -i64::from(fsync) } else { i64::from(fsync) };
        let aside = self.folder.join("die.part");
        fs::write(&aside, format!("{count}\n"))?;
        fs::rename(aside, self.folder.join("die")).context("arming the disk")
    }

    /// It is well.
    pub fn is_well(&self) {
        for word in ["full", "readonly", "short", "sync", "die"] {
            fs::remove_file(self.folder.join(word)).ok();
        }
    }

    /// The power was cut: what no fsync had followed is lost, wholly, from some moment on, or here and there, as chance will have it.
    /// The program must have ended. How many writes were undone.
    ///
    /// # Errors
    /// A file cannot be written.
    pub fn power_cut(&self, chance: &mut StdRng) -> Result<usize> {
        let mut undone = 0;
        for entry in fs::read_dir(self.folder.join("undo"))? {
            let path = entry?.path();
            undone += undo(&read_undo(&fs::read(&path)?), chance)?;
            fs::remove_file(path)?;
        }
        Ok(undone)
    }

    /// Forgets what could be undone: the file it was about is another one now.
    pub fn forget(&self) {
        for entry in fs::read_dir(self.folder.join("undo")).into_iter().flatten().flatten() {
            fs::remove_file(entry.path()).ok();
        }
    }
}

/// A write that no fsync had followed, and what it overwrote.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Lost {
    path: PathBuf,
    size_before: u64,
    at: u64,
    length: u64,
    old: Vec<u8>,
}

fn read_undo(mut bytes: &[u8]) -> Vec<Lost> {
    let mut all = Vec::new();
    // The last one may be cut off: then its write did not begin.
    while let Some(head) = bytes.get(..40) {
        let number = |n: usize| {
            u64::from_le_bytes(head[n * 8..n * 8 + 8].try_into().expect("eight bytes are eight"))
        };
        let (path_length, old_length) = (number(0) as usize, number(4) as usize);
        let Some(rest) = bytes.get(40..40 + path_length + old_length) else { break };
        let (path, old) = rest.split_at(path_length);
        all.push(Lost {
            path: PathBuf::from(String::from_utf8_lossy(path).into_owned()),
            size_before: number(1),
            at: number(2),
            length: number(3),
            old: old.to_vec(),
        });
        bytes = &bytes[40 + path_length + old_length..];
    }
    all
}

fn undo(lost: &[Lost], chance: &mut StdRng) -> Result<usize> {
    let kept = match chance.random_range(0..3) {
        0 => 0,
        1 => chance.random_range(0..=lost.len()),
        _ => usize::MAX,
    };
    let mut undone = 0;
    for (number, one) in lost.iter().enumerate().rev() {
        let in_order = kept != usize::MAX;
        let reached_the_disk = if in_order { number < kept } else { chance.random_bool(0.5) };
        if reached_the_disk {
            continue;
        }
        let file = match File::options().write(true).open(&one.path) {
            Ok(file) => file,
            // Removed or renamed since.
            Err(error) if error.kind() == ErrorKind::NotFound => continue,
            Err(error) => return Err(error).context("undoing a write"),
        };
        file.write_all_at(&one.old, one.at)?;
        if in_order {
            // Everything after it is undone too.
            if file.metadata()?.len() > one.size_before {
                file.set_len(one.size_before)?;
            }
        } else {
            // Blocks that were never written read as zeros.
            let beyond = one.length - one.old.len() as u64;
            let zeros = vec![0; usize::try_from(beyond)?];
            file.write_all_at(&zeros, one.at + one.old.len() as u64)?;
        }
        undone += 1;
    }
    Ok(undone)
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng as _;

    use super::*;

    /// Starts a shell on the disk.
    fn shell(disk: &Disk, of: &Path, script: &str) -> std::process::Output {
        #[expect(clippy::disallowed_methods, reason = "a program to be hurt, which ends at once")]
        let mut command = Command::new("dd");
        command.args(script.split(' ')).current_dir(of);
        command.envs(disk.settings(of)).output().unwrap()
    }

    #[test]
    fn a_small_disk_ends_where_it_says_and_has_room_again() {
        let place = tempfile::tempdir().unwrap();
        let small = Small::make(&place.path().join("small"), 1).unwrap();
        if !small.is_mounted() {
            return;
        }
        small.fill().unwrap();
        let more = fs::write(small.path().join("more"), vec![1; 8_192]).unwrap_err();
        assert_eq!(more.kind(), ErrorKind::StorageFull);
        small.clear();
        fs::write(small.path().join("more"), vec![1; 8_192]).unwrap();
    }

    #[test]
    fn what_was_not_synced_is_lost_and_what_was_is_kept() {
        let place = tempfile::tempdir().unwrap();
        let (of, file) = (place.path().join("of"), place.path().join("of/file"));
        fs::create_dir_all(&of).unwrap();
        let disk = Disk::make(&place.path().join("disk")).unwrap();
        let mut chance = StdRng::seed_from_u64(1);

        assert!(
            shell(&disk, &of, "if=/dev/zero of=file bs=512 count=4 conv=fsync").status.success()
        );
        assert_eq!(disk.power_cut(&mut chance).unwrap(), 0, "an fsync followed");
        assert_eq!(fs::read(&file).unwrap(), vec![0; 2_048]);

        fs::write(of.join("ones"), vec![1; 2_048]).unwrap();
        let over = "if=ones of=file bs=512 count=4 conv=notrunc";
        for seed in 0..20 {
            assert!(shell(&disk, &of, over).status.success());
            assert_eq!(fs::read(&file).unwrap(), vec![1; 2_048], "written");
            let undone = disk.power_cut(&mut StdRng::seed_from_u64(seed)).unwrap();
            let zeros = fs::read(&file).unwrap().iter().filter(|b| **b == 0).count();
            assert_eq!(zeros, undone * 512, "block by block");
            fs::write(&file, vec![0; 2_048]).unwrap();
        }
    }

    #[test]
    fn every_illness_is_felt_and_goes_away() {
        let place = tempfile::tempdir().unwrap();
        let of = place.path().join("of");
        fs::create_dir_all(&of).unwrap();
        let disk = Disk::make(&place.path().join("disk")).unwrap();
        let write = "if=/dev/zero of=file bs=512 count=4 conv=fsync";
        disk.has(Illness::Short).unwrap();
        assert!(shell(&disk, &of, write).status.success(), "dd writes the other half, too");
        assert_eq!(fs::read(of.join("file")).unwrap(), vec![0; 2_048]);
        for illness in [Illness::Full, Illness::ReadOnly, Illness::Sync] {
            disk.has(illness).unwrap();
            assert!(!shell(&disk, &of, write).status.success(), "{illness:?}");
            disk.is_well();
            assert!(shell(&disk, &of, write).status.success(), "after {illness:?}");
        }
        disk.dies_at(1, false).unwrap();
        assert_eq!(shell(&disk, &of, write).status.code(), None, "killed at its fsync");
    }
}
