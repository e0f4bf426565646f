//! Steps and evidence that wait for the coordinator, attempt by attempt in the order they were made. What waits of an attempt is
//! delivered before its report: a number never stands without its picture.

use std::{fs, io, path::Path};

use bytes::Bytes;
use domain::{
    id::{AttemptId, EvidenceId, LeaseId},
    wire::{EvidencePut, StepsReport},
};
use serde::{Deserialize, Serialize};

use super::{FOR_REPORTS, Kept, Spool};

const PREFIX: &str = "piece-";

/// Steps, or an item of evidence. No `Debug`: it may hold a patient's data.
#[derive(Clone)]
pub enum Piece {
    /// Steps begun or ended.
    Steps(StepsReport),
    /// Evidence.
    Evidence {
        /// Its id.
        id: EvidenceId,
        /// What it is.
        put: EvidencePut,
        /// Its bytes.
        bytes: Bytes,
    },
}

/// A piece that cannot be opened: its lease's key is not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("what waits in the agent's spool cannot be opened")]
pub struct Locked;

/// One line before the bytes.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Head {
    Steps(StepsReport),
    Evidence(EvidenceId, EvidencePut),
}

impl Piece {
    fn lease(&self) -> LeaseId {
        match self {
            Self::Steps(report) => report.fenced.lease,
            Self::Evidence { put, .. } => put.lease,
        }
    }

    /// The same, as one that was kept meanwhile.
    #[must_use]
    pub fn late(mut self) -> Self {
        match &mut self {
            Self::Steps(report) => report.late = true,
            Self::Evidence { put, .. } => put.late = true,
        }
        self
    }

    fn written(&self) -> io::Result<Vec<u8>> {
        let (head, bytes): (Head, &[u8]) = match self {
            Self::Steps(report) => (Head::Steps(report.clone()), &[]),
            Self::Evidence { id, put, bytes } => (Head::Evidence(*id, put.clone()), bytes),
        };
        let mut body = serde_json::to_vec(&head)?;
        body.push(b'\n');
        body.extend_from_slice(bytes);
        Ok(body)
    }

    fn read(body: &[u8]) -> Option<Self> {
        let end = body.iter().position(|byte| *byte == b'\n')?;
        let (head, bytes) = body.split_at(end);
        Some(match serde_json::from_slice(head).ok()? {
            Head::Steps(report) => Self::Steps(report),
            Head::Evidence(id, put) => {
                let bytes = Bytes::copy_from_slice(bytes.get(1..)?);
                Self::Evidence { id, put, bytes }
            }
        })
    }
}

/// The place a piece is sealed for.
fn place(attempt: AttemptId, number: u64) -> String {
    format!("{attempt}/{number}")
}

fn name(attempt: AttemptId, number: u64) -> String {
    format!("{PREFIX}{attempt}-{number:08}")
}

fn of_name(path: &Path) -> Option<(AttemptId, u64)> {
    let name = path.file_stem()?.to_str()?.strip_prefix(PREFIX)?;
    let (attempt, number) = name.rsplit_once('-')?;
    Some((attempt.parse().ok()?, number.parse().ok()?))
}

impl Spool {
    /// Keeps a piece, sealed, behind those of its attempt with smaller numbers, until it is delivered. Before the click room is left for
    /// what follows it; after the click that room is used.
    ///
    /// # Errors
    /// It could not be made durable, there is no room for it, or the key of its lease is not known.
    pub fn keep_piece(
        &self,
        attempt: AttemptId,
        number: u64,
        piece: &Piece,
        clicked: bool,
    ) -> io::Result<()> {
        let kept = self.seal(piece.lease(), attempt, &place(attempt, number), piece.written()?)?;
        let text = serde_json::to_vec(&kept)?;
        let spare = if clicked { FOR_REPORTS.min(self.bytes_max / 8) } else { self.reserve() };
        let length = u64::try_from(text.len()).unwrap_or(u64::MAX);
        if self.used()?.saturating_add(length).saturating_add(spare) > self.bytes_max {
            return Err(io::Error::other("the agent's spool is full"));
        }
        self.write(&name(attempt, number), &text)
    }

    /// Numbers of the pieces of an attempt that wait, in their order.
    #[must_use]
    pub fn pieces(&self, attempt: AttemptId) -> Vec<u64> {
        let all = self.files(&format!("{PREFIX}{attempt}-"));
        all.iter().filter_map(|path| of_name(path)).map(|(_, number)| number).collect()
    }

    /// Attempts of which pieces wait, oldest first.
    #[must_use]
    pub fn attempts_waiting(&self) -> Vec<AttemptId> {
        let all = self.files(PREFIX);
        let mut attempts: Vec<AttemptId> =
            all.iter().filter_map(|path| of_name(path)).map(|(attempt, _)| attempt).collect();
        attempts.dedup();
        attempts
    }

    /// A piece that waits; none when it is there no more. One that is spoilt does not open: it is put aside (`.bad`), for somebody to
    /// look at, and stands in the way of those behind it no more.
    ///
    /// # Errors
    /// [`Locked`].
    pub fn piece(&self, attempt: AttemptId, number: u64) -> Result<Option<Piece>, Locked> {
        let text = match fs::read(self.path(&name(attempt, number))) {
            Ok(text) => text,
            Err(gone) if gone.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(_) => return Err(Locked),
        };
        let kept: Option<Kept> = serde_json::from_slice(&text).ok();
        if kept.as_ref().is_some_and(|kept| self.cipher(kept.lease).is_none()) {
            return Err(Locked);
        }
        let body = kept.and_then(|kept| self.open_sealed(&kept, &place(attempt, number)));
        let piece = body.and_then(|body| Piece::read(&body));
        if piece.is_none() {
            tracing::error!(%attempt, number, "a piece of the record is spoilt on this disk; it was put aside as .bad");
            let at = self.path(&name(attempt, number));
            fs::rename(&at, at.with_extension("bad")).map_err(|_| Locked)?;
        }
        Ok(piece)
    }

    /// Forgets a piece that was delivered. Not made durable: the same piece again changes nothing at the coordinator.
    pub fn forget_piece(&self, attempt: AttemptId, number: u64) {
        if let Err(error) = fs::remove_file(self.path(&name(attempt, number)))
            && error.kind() != io::ErrorKind::NotFound
        {
            tracing::warn!(%error, "a spool file could not be removed");
        }
    }

    /// Waits until nobody else delivers pieces.
    pub async fn turn(&self) -> tokio::sync::MutexGuard<'_, ()> {
        self.turn.lock().await
    }

    /// The first piece of each attempt that can be read, closed.
    pub(super) fn first_pieces(&self) -> Vec<Kept> {
        let mut pieces: Vec<Kept> = Vec::new();
        for path in self.files(PREFIX) {
            let attempt = of_name(&path).map(|(attempt, _)| attempt);
            if pieces.last().map(|kept| kept.attempt) != attempt {
                let kept = fs::read(&path).ok().and_then(|text| serde_json::from_slice(&text).ok());
                pieces.extend(kept);
            }
        }
        pieces
    }
}

#[cfg(test)]
mod tests {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    use domain::{
        evidence::{EvidenceKind, Moment},
        id::{AgentId, JobId},
        time::Timestamp,
        wire::Fenced,
    };

    use super::*;

    fn at() -> Timestamp {
        Timestamp::from_ms(1_772_460_000_000)
    }

    fn steps(lease: LeaseId, attempt: AttemptId) -> Piece {
        let (agent, job) = (AgentId::new(at(), 1), JobId::new(at(), 2));
        let fenced = Fenced { agent, job, lease, fence: 1 };
        Piece::Steps(StepsReport { fenced, attempt, steps: Vec::new(), late: false })
    }

    fn picture(lease: LeaseId, attempt: AttemptId, bytes: Vec<u8>) -> Piece {
        let put = EvidencePut {
            job: JobId::new(at(), 2),
            lease,
            fence: 1,
            agent: AgentId::new(at(), 1),
            attempt,
            step: 3,
            kind: EvidenceKind::PageText,
            moment: Moment::After,
            sha256: String::new(),
            masked: true,
            late: false,
        };
        Piece::Evidence { id: EvidenceId::new(at(), 5), put, bytes: bytes.into() }
    }

    #[test]
    fn pieces_lie_sealed_in_their_order_and_open_in_a_later_life() {
        let dir = tempfile::tempdir().expect("temp dir");
        let spool = Spool::open(dir.path()).expect("opens");
        let (lease, attempt) = (LeaseId::new(at(), 3), AttemptId::new(at(), 4));
        let text = b"ALDERSEED\nhas a second line".to_vec();
        let second = picture(lease, attempt, text.clone()).late();
        assert!(spool.keep_piece(attempt, 0, &second, false).is_err(), "never in clear");
        spool.learn(lease, &STANDARD.encode([7; 32]));
        spool.keep_piece(attempt, 10, &second, false).expect("kept");
        spool.keep_piece(attempt, 9, &steps(lease, attempt), false).expect("kept");
        let lies = fs::read_to_string(dir.path().join(format!("{}.json", name(attempt, 10))));
        let lies = lies.expect("there");
        assert!(!lies.contains("ALDERSEED") && !lies.contains(&STANDARD.encode("ALDERSEED")));

        let again = Spool::open(dir.path()).expect("opens again");
        assert_eq!(again.leases_without_key(), vec![lease]);
        assert!(again.piece(attempt, 9).is_err(), "its key is not known yet");
        again.learn(lease, &STANDARD.encode([7; 32]));
        assert_eq!((again.attempts_waiting(), again.pieces(attempt)), (vec![attempt], vec![9, 10]));
        assert!(matches!(again.piece(attempt, 9), Ok(Some(Piece::Steps(_)))));
        let Ok(Some(Piece::Evidence { put, bytes, .. })) = again.piece(attempt, 10) else {
            panic!("opens")
        };
        assert_eq!((put.late, bytes.as_ref()), (true, text.as_slice()));
        // In another place it opens no more, and is put aside.
        fs::write(dir.path().join(format!("{}.json", name(attempt, 11))), lies).expect("written");
        assert!(matches!(again.piece(attempt, 11), Ok(None)));
        assert_eq!(again.pieces(attempt), vec![9, 10]);
        for number in 9..=11 {
            again.forget_piece(attempt, number);
        }
        assert!(again.attempts_waiting().is_empty() && again.leases_without_key().is_empty());
        assert!(matches!(again.piece(attempt, 9), Ok(None)));
    }

    #[test]
    fn a_spoilt_piece_stands_in_no_others_way() {
        let dir = tempfile::tempdir().expect("temp dir");
        let spool = Spool::open(dir.path()).expect("opens");
        let (lease, attempt) = (LeaseId::new(at(), 3), AttemptId::new(at(), 4));
        spool.learn(lease, &STANDARD.encode([7; 32]));
        for number in [0, 1] {
            spool.keep_piece(attempt, number, &steps(lease, attempt), false).expect("kept");
        }
        fs::write(dir.path().join(format!("{}.json", name(attempt, 0))), b"{\"att")
            .expect("spoilt");
        let again = Spool::open(dir.path()).expect("opens again");
        assert_eq!(again.leases_without_key(), vec![lease], "the second says whose they are");
        again.learn(lease, &STANDARD.encode([7; 32]));
        assert!(matches!(again.piece(attempt, 0), Ok(None)));
        assert!(matches!(again.piece(attempt, 1), Ok(Some(_))));
        assert_eq!(again.pieces(attempt), vec![1]);
    }

    #[test]
    fn a_key_that_is_not_given_is_not_asked_for_again() {
        let dir = tempfile::tempdir().expect("temp dir");
        let spool = Spool::open(dir.path()).expect("opens");
        let (lease, attempt) = (LeaseId::new(at(), 3), AttemptId::new(at(), 4));
        spool.learn(lease, &STANDARD.encode([7; 32]));
        spool.keep_piece(attempt, 0, &steps(lease, attempt), false).expect("kept");
        let again = Spool::open(dir.path()).expect("opens again");
        again.bar(lease);
        assert!(again.leases_without_key().is_empty());
        assert_eq!(again.pieces(attempt), [0], "and what it would open is not thrown away");
    }

    #[test]
    fn pictures_before_the_click_leave_room_for_those_after_it() {
        let dir = tempfile::tempdir().expect("temp dir");
        let spool = Spool::bounded(dir.path(), 80_000).expect("opens");
        let (lease, attempt) = (LeaseId::new(at(), 3), AttemptId::new(at(), 4));
        spool.learn(lease, &STANDARD.encode([7; 32]));
        let large = picture(lease, attempt, vec![b'x'; 30_000]);
        spool.keep_piece(attempt, 0, &large, false).expect("the first has room");
        assert!(spool.keep_piece(attempt, 1, &large, false).is_err(), "room is left");
        let small = picture(lease, attempt, vec![b'x'; 15_000]);
        assert!(spool.keep_piece(attempt, 1, &small, false).is_err(), "room is left");
        spool.keep_piece(attempt, 1, &small, true).expect("for what follows the click");
    }
}
