//! What must survive the agent's own death: latch lines, reports that the coordinator has not acknowledged, and the steps and evidence
//! it could not take while it was away ([`Piece`]).
//!
//! One file per latch, report and piece, written aside, fsynced, renamed, and the folder fsynced: after a power cut a
//! file is there whole or not at all. The latch precedes the click, so "no latch" means "not clicked".
//!
//! A latch holds ids only. The others may hold a patient's data: they are sealed with a key of its lease, which the coordinator gives with
//! the lease and again when it is asked; the agent keeps keys in memory only. The folder is bounded: what has no room stops before a
//! permit is asked for, never after the click.

mod piece;

pub use piece::{Locked, Piece};

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::{self, File, OpenOptions},
    io::{self, Write as _},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use domain::{
    gate::Certificate,
    id::{AttemptId, IntentId, LeaseId},
    wire::Report,
};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

/// Most bytes in the folder.
pub const BYTES_MAX: u64 = 256 << 20;
/// Room that must be left for what follows a click in one slot: its pictures and documents, and its report.
const RESERVE: u64 = 16 << 20;
/// Of it, what pictures leave for reports.
const FOR_REPORTS: u64 = 1 << 20;
/// Keys kept in memory; the oldest leases are over long before.
const KEYS_MAX: usize = 1_000;

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

/// A report or a piece on disk: which lease's key opens it, and what is sealed.
#[derive(Serialize, Deserialize)]
struct Kept {
    attempt: AttemptId,
    lease: LeaseId,
    nonce: String,
    sealed: String,
}

/// The folder.
#[derive(Clone)]
pub struct Spool {
    dir: PathBuf,
    bytes_max: u64,
    /// What must be left before a permit is asked for.
    reserve: u64,
    keys: Arc<Mutex<BTreeMap<LeaseId, Zeroizing<Vec<u8>>>>>,
    /// Leases whose key was asked for and is not given.
    barred: Arc<Mutex<BTreeSet<LeaseId>>>,
    /// Whoever delivers has it, so that pieces keep their order.
    turn: Arc<tokio::sync::Mutex<()>>,
}

impl std::fmt::Debug for Spool {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Spool").field("dir", &self.dir).finish_non_exhaustive()
    }
}

impl Spool {
    /// Opens or makes the folder, readable by its owner only.
    ///
    /// # Errors
    /// The folder cannot be made or written.
    pub fn open(dir: &Path) -> io::Result<Self> {
        Self::bounded(dir, BYTES_MAX)
    }

    /// [`Spool::open`] with at most so many bytes.
    ///
    /// # Errors
    /// As [`Spool::open`].
    pub fn bounded(dir: &Path, bytes_max: u64) -> io::Result<Self> {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(dir)?;
        let spool = Self {
            dir: dir.to_owned(),
            bytes_max,
            reserve: RESERVE.min(bytes_max / 4),
            keys: Arc::default(),
            barred: Arc::default(),
            turn: Arc::default(),
        };
        spool.write("probe", b"{}")?;
        spool.remove("probe")?;
        Ok(spool)
    }

    /// Removes what an earlier life left half-written. A gate of that life may still be writing its line: that stays.
    pub fn tidy(&self) {
        let Ok(entries) = fs::read_dir(&self.dir) else { return };
        for entry in entries.flatten() {
            let name = entry.file_name();
            let name = name.to_string_lossy();
            let half = name.ends_with(".part") && !name.starts_with("gate-");
            if (half || name.starts_with("probe-"))
                && let Err(error) = fs::remove_file(entry.path())
            {
                tracing::warn!(%error, "a half-written file of the spool could not be removed");
            }
        }
    }

    /// The same for an agent of so many slots: each may need its room at the same time.
    #[must_use]
    pub fn for_slots(mut self, slots: u32) -> Self {
        self.reserve = RESERVE.saturating_mul(u64::from(slots.max(1)));
        self.bytes_max = self.bytes_max.max(self.reserve.saturating_mul(2));
        self
    }

    /// Learns the key of a lease, base64; what is no key is forgotten.
    pub fn learn(&self, lease: LeaseId, key: &str) {
        let Ok(key) = STANDARD.decode(key).map(Zeroizing::new) else { return };
        let mut keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        if key.len() == 32 {
            keys.insert(lease, key);
        }
        while keys.len() > KEYS_MAX {
            keys.pop_first();
        }
    }

    /// Whether a report after a click would still find room. Asked for before a permit: a full folder stops there.
    ///
    /// # Errors
    /// Why not, a sentence.
    pub fn has_room(&self) -> Result<(), String> {
        let full = |used: u64| {
            format!(
                "the agent's spool is full ({used} of {} bytes); nothing is submitted until the coordinator has taken its reports",
                self.bytes_max
            )
        };
        let used =
            self.used().map_err(|error| format!("the agent's spool cannot be read: {error}"))?;
        if used.saturating_add(self.reserve()) > self.bytes_max {
            return Err(full(used));
        }
        // A disk that is full, or has become read-only, is found here and not after the click.
        // Each slot of the agent with a name of its own.
        let probe = format!("probe-{:016x}", rand::random::<u64>());
        self.write(&probe, b"{}")
            .and_then(|()| self.remove(&probe))
            .map_err(|error| format!("the agent's spool cannot be written: {error}"))
    }

    fn reserve(&self) -> u64 {
        self.reserve.min(self.bytes_max / 2)
    }

    fn used(&self) -> io::Result<u64> {
        let mut used = 0_u64;
        for entry in fs::read_dir(&self.dir)? {
            match entry?.metadata() {
                Ok(of) => used = used.saturating_add(of.len()),
                Err(gone) if gone.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        Ok(used)
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
        let read = |path: &PathBuf| serde_json::from_slice(&fs::read(path).ok()?).ok();
        self.files("latch-").iter().filter_map(read).collect()
    }

    /// Keeps a report, sealed, until it is acknowledged.
    ///
    /// # Errors
    /// It could not be made durable, or the key of its lease is not known.
    pub fn keep_report(&self, report: &Report) -> io::Result<()> {
        let aad = report.attempt.to_string();
        let body = serde_json::to_vec(report)?;
        let kept = self.seal(report.fenced.lease, report.attempt, &aad, body)?;
        self.write(&format!("report-{}", report.attempt), &serde_json::to_vec(&kept)?)
    }

    /// Seals a body for one place: it opens in no other.
    fn seal(
        &self,
        lease: LeaseId,
        attempt: AttemptId,
        place: &str,
        mut body: Vec<u8>,
    ) -> io::Result<Kept> {
        let cipher = self.cipher(lease).ok_or_else(|| io::Error::other("no key for its lease"))?;
        let nonce: [u8; NONCE_LEN] = rand::random();
        let unique = Nonce::assume_unique_for_key(nonce);
        cipher
            .seal_in_place_append_tag(unique, Aad::from(place), &mut body)
            .map_err(|_| io::Error::other("it could not be sealed"))?;
        let (nonce, sealed) = (STANDARD.encode(nonce), STANDARD.encode(body));
        Ok(Kept { attempt, lease, nonce, sealed })
    }

    fn open_sealed(&self, kept: &Kept, place: &str) -> Option<Zeroizing<Vec<u8>>> {
        let nonce: [u8; NONCE_LEN] = STANDARD.decode(&kept.nonce).ok()?.try_into().ok()?;
        let mut body = Zeroizing::new(STANDARD.decode(&kept.sealed).ok()?);
        let cipher = self.cipher(kept.lease)?;
        let nonce = Nonce::assume_unique_for_key(nonce);
        let plain = cipher.open_in_place(nonce, Aad::from(place), &mut body).ok()?.len();
        body.truncate(plain);
        Some(body)
    }

    /// Forgets an acknowledged report.
    pub fn forget_report(&self, attempt: AttemptId) {
        self.remove_quietly(&format!("report-{attempt}"));
    }

    /// Reports that were never acknowledged, as far as their keys are known.
    #[must_use]
    pub fn reports(&self) -> Vec<Report> {
        self.kept().iter().filter_map(|kept| self.opened(kept)).collect()
    }

    /// Leases of an earlier life of this agent whose reports or pieces lie here while their key is not known, and may still be asked for.
    #[must_use]
    pub fn leases_without_key(&self) -> Vec<LeaseId> {
        let pieces = self.first_pieces().into_iter();
        let mut leases: Vec<LeaseId> =
            self.kept().into_iter().chain(pieces).map(|kept| kept.lease).collect();
        leases.sort_unstable();
        leases.dedup();
        let barred = self.barred.lock().unwrap_or_else(PoisonError::into_inner);
        leases.retain(|lease| !barred.contains(lease) && self.cipher(*lease).is_none());
        leases
    }

    /// The key of this lease is not given: it is not asked for again in this life.
    pub fn bar(&self, lease: LeaseId) {
        self.barred.lock().unwrap_or_else(PoisonError::into_inner).insert(lease);
    }

    /// Lines of submit gates that were not told yet: nothing of their permits was sent.
    #[must_use]
    pub fn certificates(&self) -> Vec<Certificate> {
        let read = |path: &PathBuf| serde_json::from_slice(&fs::read(path).ok()?).ok();
        self.files("gate-").iter().filter_map(read).collect()
    }

    /// Forgets a line that was told and judged.
    pub fn forget_certificate(&self, certificate: &Certificate) {
        self.remove_quietly(&format!("gate-{}", certificate.nonce));
    }

    /// The folder, for the submit gates.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.dir
    }

    fn kept(&self) -> Vec<Kept> {
        let read = |path: &PathBuf| serde_json::from_slice(&fs::read(path).ok()?).ok();
        self.files("report-").iter().filter_map(read).collect()
    }

    fn opened(&self, kept: &Kept) -> Option<Report> {
        let body = self.open_sealed(kept, &kept.attempt.to_string())?;
        serde_json::from_slice(&body).ok()
    }

    fn cipher(&self, lease: LeaseId) -> Option<LessSafeKey> {
        let keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        UnboundKey::new(&AES_256_GCM, keys.get(&lease)?).ok().map(LessSafeKey::new)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.join(format!("{name}.json"))
    }

    fn write(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        write(&self.dir, name, bytes)
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

    fn files(&self, prefix: &str) -> Vec<PathBuf> {
        let Ok(entries) = fs::read_dir(&self.dir) else { return Vec::new() };
        let fits = |path: &PathBuf| {
            let name = path.file_name().and_then(|name| name.to_str());
            name.is_some_and(|name| name.starts_with(prefix) && name.ends_with(".json"))
        };
        let mut paths: Vec<PathBuf> =
            entries.flatten().map(|entry| entry.path()).filter(fits).collect();
        paths.sort();
        paths
    }
}

/// Makes a gate's line durable; called by the gate's own process.
///
/// # Errors
/// It could not be made durable.
pub fn keep_certificate(dir: &Path, certificate: &Certificate) -> io::Result<()> {
    write(dir, &format!("gate-{}", certificate.nonce), &serde_json::to_vec(certificate)?)
}

fn write(dir: &Path, name: &str, bytes: &[u8]) -> io::Result<()> {
    let half = dir.join(format!("{name}.part"));
    let whole = || {
        let mut file =
            OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&half)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&half, dir.join(format!("{name}.json")))
    };
    whole().inspect_err(|_| {
        // On a disk that is full what could not be finished only takes room.
        let _gone = fs::remove_file(&half);
    })?;
    File::open(dir)?.sync_all()
}

/// Lower-case hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut out, byte| {
        let _ = write!(out, "{byte:02x}");
        out
    })
}

/// What [`hex`] wrote, as bytes; none for anything else.
pub(crate) fn unhex(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|d| u8::try_from(d).ok());
    let pairs = text.as_bytes().chunks(2);
    pairs.map(|pair| Some(digit(*pair.first()?)? << 4 | digit(*pair.get(1)?)?)).collect()
}

#[cfg(test)]
mod tests {
    use domain::{
        id::{AgentId, JobId},
        outcome::{Failure, FailureKind},
        time::Timestamp,
        wire::{End, Fenced},
    };

    use super::*;

    fn at() -> Timestamp {
        Timestamp::from_ms(1_772_460_000_000)
    }

    fn told(reports: &[Report]) -> serde_json::Value {
        serde_json::to_value(reports).expect("reports are JSON")
    }

    fn report() -> Report {
        Report {
            fenced: Fenced {
                agent: AgentId::new(at(), 1),
                job: JobId::new(at(), 2),
                lease: LeaseId::new(at(), 3),
                fence: 1,
            },
            attempt: AttemptId::new(at(), 4),
            end: End::Failure {
                failure: Failure::new(FailureKind::Unsure, "unproved", "ALDERSEED"),
                candidates: Vec::new(),
            },
            logins: 1,
            session_reused: false,
            session_kept: false,
            drift: Vec::new(),
            prints: BTreeMap::new(),
        }
    }

    #[test]
    fn a_latch_outlives_the_agent_and_is_forgotten_on_purpose_only() {
        let dir = tempfile::tempdir().expect("temp dir");
        let latch = Latch {
            intent: IntentId::new(at(), 1),
            lease: LeaseId::new(at(), 2),
            attempt: AttemptId::new(at(), 3),
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

    #[test]
    fn a_report_lies_sealed_and_is_opened_by_the_key_of_its_lease_only() {
        let dir = tempfile::tempdir().expect("temp dir");
        let spool = Spool::open(dir.path()).expect("opens");
        let report = report();
        assert!(spool.keep_report(&report).is_err(), "never in clear");
        let key = |byte: u8| STANDARD.encode([byte; 32]);
        spool.learn(report.fenced.lease, "no key");
        assert!(spool.keep_report(&report).is_err());
        spool.learn(report.fenced.lease, &key(7));
        spool.keep_report(&report).expect("sealed");
        let name = format!("report-{}.json", report.attempt);
        let text = fs::read_to_string(dir.path().join(&name)).expect("there");
        assert!(!text.contains("ALDERSEED") && !text.contains("unproved"), "{text}");
        assert_eq!(told(&spool.reports()), told(std::slice::from_ref(&report)));

        // A new life knows no keys; a wrong one and another attempt's place open nothing.
        let again = Spool::open(dir.path()).expect("opens again");
        assert!(again.reports().is_empty());
        assert_eq!(again.leases_without_key(), vec![report.fenced.lease]);
        again.learn(report.fenced.lease, &key(8));
        assert!(again.reports().is_empty());
        again.learn(report.fenced.lease, &key(7));
        assert_eq!(told(&again.reports()), told(std::slice::from_ref(&report)));
        let other = AttemptId::new(at(), 9);
        let moved = text.replace(&report.attempt.to_string(), &other.to_string());
        fs::write(dir.path().join(&name), moved).expect("written");
        assert!(again.reports().is_empty());
        again.forget_report(report.attempt);
        assert!(again.leases_without_key().is_empty());
    }

    #[test]
    fn what_was_left_half_written_is_removed_and_a_gates_line_is_not() {
        let dir = tempfile::tempdir().expect("temp dir");
        let spool = Spool::open(dir.path()).expect("opens");
        let there = |name: &str| dir.path().join(name).exists();
        for name in ["piece-x.part", "probe-00.json", "gate-ab.part", "report-x.json"] {
            fs::write(dir.path().join(name), b"{").expect("written");
        }
        spool.tidy();
        assert!(!there("piece-x.part") && !there("probe-00.json"));
        assert!(there("gate-ab.part") && there("report-x.json"));
        // What cannot be finished leaves nothing behind.
        fs::create_dir(dir.path().join("report-y.json")).expect("made");
        assert!(spool.write("report-y", b"{}").is_err());
        assert!(!there("report-y.part"));
    }

    #[test]
    fn every_slot_has_its_room() {
        let dir = tempfile::tempdir().expect("temp dir");
        let spool = Spool::open(dir.path()).expect("opens").for_slots(4);
        assert_eq!(spool.reserve(), 4 * RESERVE);
        assert_eq!(spool.for_slots(64).bytes_max, 128 * RESERVE);
    }

    #[test]
    fn a_full_spool_says_so_before_anything_is_clicked() {
        let dir = tempfile::tempdir().expect("temp dir");
        let spool = Spool::bounded(dir.path(), 10_000).expect("opens");
        assert_eq!(spool.has_room(), Ok(()));
        fs::write(dir.path().join("report-x.json"), vec![b' '; 9_000]).expect("written");
        assert!(spool.has_room().is_err_and(|why| why.contains("is full")));
        fs::remove_dir_all(dir.path()).expect("removed");
        assert!(spool.has_room().is_err_and(|why| why.contains("cannot be read")));
    }
}
