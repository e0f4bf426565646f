//! The payer's folder, which holds what is for others too: each file is fetched once in an attempt, and is looked into before the next
//! one is fetched. What cannot be read is told, by numbers: names are the payer's, and may name a patient.

use std::{
    collections::BTreeSet,
    io,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use domain::{channel::Files, outcome::FailureKind};
use exchange::x12::transaction::Transaction;
use futures_util::future::BoxFuture;
use jiff::Timestamp;
use transport::{
    chain::{Chain, Stage, Standing},
    sftp::{
        After, Arrival, Collected, Keeper, Kept, Ready, Rules, Session, SftpError, Skipped,
        session::Listed,
    },
};

use super::{
    super::talk::{Stop, Talk, failed},
    came::{self, Came, Unfit},
    files::stop,
};
use crate::clock;

/// Largest file that is looked into.
const LARGEST: u64 = 16 << 20;

/// What is waited for, and what was met meanwhile.
pub(super) struct Folder {
    rules: Rules,
    reader: Arc<Reader>,
    left: String,
}

impl Folder {
    /// For what was sent, or is to be sent. `since` is the first day an answer that is there already can be of.
    pub(super) fn new(files: &Files, chain: Chain, since: &str) -> Self {
        let rules = Rules {
            folder: files.take.clone(),
            ready: match &files.marker {
                Some(end) => Ready::Marker(end.clone()),
                None => Ready::Renamed,
            },
            after: After::Leave,
            largest: LARGEST,
        };
        let met = Met {
            chain,
            since: since.to_owned(),
            files: BTreeSet::new(),
            hashes: BTreeSet::new(),
            came: None,
        };
        Self { rules, reader: Arc::new(Reader(Mutex::new(met))), left: String::new() }
    }

    /// From now on what comes is new, and answers this.
    pub(super) fn wait_for(&mut self, chain: Chain) {
        let mut met = self.reader.met();
        met.chain = chain;
        met.since.clear();
    }

    /// Looks into the folder once: our answer, if it is there.
    pub(super) async fn look(
        &mut self,
        talk: &mut Talk<'_>,
        session: &Session,
    ) -> Result<Option<Transaction>, Stop> {
        talk.may_go_on()?;
        let before = self.taken();
        let keeper: Arc<dyn Keeper> = self.reader.clone();
        let now = clock::now().jiff();
        let collected =
            collect(session, &self.rules, &keeper, now).await.map_err(|error| stop(&error))?;
        let left = left(&collected);
        if left != self.left {
            talk.observe.log(&format!("the folder was looked through{left}"));
            self.left = left;
        }
        let came = self.reader.met().came.take();
        let unfit =
            |why: Unfit| failed(FailureKind::PageChanged, "unreadable_answer", &why.to_string());
        match came.transpose().map_err(unfit)? {
            Some(Came::Answer(set)) => Ok(Some(*set)),
            Some(Came::NotTaken(why) | Came::Before(why)) => {
                Err(failed(FailureKind::Refused, "not_taken", &why))
            }
            Some(Came::Nothing) | None => {
                if self.taken() != before {
                    talk.observe.log("the payer's 999 takes the question");
                }
                Ok(None)
            }
        }
    }

    /// Whether a 999 came for the question.
    fn taken(&self) -> bool {
        let standing = self.reader.met().chain.standing(Stage::Group, 0, clock::now().jiff());
        matches!(standing, Standing::Came(..))
    }

    /// The first link whose time is over, with its deadline.
    pub(super) fn never_came(&self) -> Option<(Stage, Timestamp)> {
        let late = self.reader.met().chain.never_came(clock::now().jiff());
        late.into_iter().next().map(|(stage, _, deadline)| (stage, deadline))
    }

    /// What the last look left unread: the answer may be there.
    pub(super) fn left(&self) -> &str {
        &self.left
    }
}

// The transport's futures hold streams of closures; boxed, the compiler sees that they may go to another thread.
fn collect<'a>(
    session: &'a Session,
    rules: &'a Rules,
    keeper: &'a Arc<dyn Keeper>,
    now: Timestamp,
) -> BoxFuture<'a, Result<Collected, SftpError>> {
    Box::pin(session.collect(rules, keeper, now))
}

/// What was left unread, as the end of a sentence; nothing, where all was read.
fn left(collected: &Collected) -> String {
    let large = collected.skipped.iter().filter(|(_, why)| *why == Skipped::TooLarge).count();
    let failed = collected.failed.len();
    let mut out = String::new();
    for (count, why) in [(failed, "could not be read"), (large, "are too large")] {
        if count > 0 {
            out.push_str(&format!("; files that {why}: {count}"));
        }
    }
    out
}

/// Looks into each file as it comes.
struct Reader(Mutex<Met>);

/// What was met, in memory: the payer keeps its files.
struct Met {
    chain: Chain,
    since: String,
    /// By name, size and time.
    files: BTreeSet<(String, u64, i64)>,
    hashes: BTreeSet<[u8; 32]>,
    /// What is for us, as soon as it is there.
    came: Option<Result<Came, Unfit>>,
}

impl Reader {
    fn met(&self) -> MutexGuard<'_, Met> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Keeper for Reader {
    fn keep(&self, arrival: &Arrival) -> io::Result<Kept> {
        let mut met = self.met();
        // Where the server tells no time, the same name and size may be another file.
        if let Some(changed) = arrival.changed {
            met.files.insert((arrival.name.clone(), arrival.bytes.len() as u64, changed));
        }
        if !met.hashes.insert(arrival.sha256) {
            return Ok(Kept::Known);
        }
        let Met { chain, since, came, .. } = &mut *met;
        *came = match came::perhaps(chain, &arrival.bytes, since, clock::now().jiff()) {
            Ok(Came::Nothing) => None,
            other => Some(other),
        };
        Ok(Kept::New)
    }

    fn knows(&self, file: &Listed) -> bool {
        let known = |changed| (file.name.clone(), file.size, changed);
        file.changed.is_some_and(|changed| self.met().files.contains(&known(changed)))
    }

    fn has_enough(&self) -> bool {
        self.met().came.is_some()
    }
}

#[cfg(test)]
mod tests {
    use exchange::x12::file::File;
    use transport::chain::{Clocks, Sent};

    use super::*;

    const ASKED: &str = "ISA*00*          *00*          *ZZ*RIVER          *ZZ*LARKFIELD      *261121*0930*^*00501*000000301*0*T*:~\
        GS*HR*RIVER*LARKFIELD*20261121*0930*301*X*005010X212~ST*276*0001*005010X212~\
        BHT*0010*13*F1*20261121*0930~SE*3*0001~GE*1*301~IEA*1*000000301~";

    fn answer(from: &str) -> Vec<u8> {
        format!(
            "ISA*00*          *00*          *ZZ*{from:<15}*ZZ*RIVER          *261121*0931*^*00501*000000009*0*T*:~\
             GS*HN*{from}*RIVER*20261121*0931*9*X*005010X212~ST*277*0001*005010X212~\
             BHT*0010*08*F1*20261121*0931*DG~SE*3*0001~GE*1*9~IEA*1*000000009~"
        )
        .into_bytes()
    }

    fn folder() -> Folder {
        let (file, _) = File::read(ASKED.as_bytes()).unwrap();
        let clocks = Clocks { transport: None, interchange: None, group: None, business: None };
        let chain = Chain::new(Sent::of(&file.interchanges[0]), clocks, clock::now().jiff());
        let files = serde_json::from_value(serde_json::json!({
            "user": "river", "host_keys": [], "put": "inbound", "take": "outbound",
            "look_ms": 1000, "receipt_ms": 1000, "answer_ms": 1000
        }));
        Folder::new(&files.unwrap(), chain, "")
    }

    fn arrival(name: &str, changed: Option<i64>, bytes: &[u8]) -> Arrival {
        let mut sha256 = [0; 32];
        sha256[..8].copy_from_slice(&(bytes.len() as u64).to_le_bytes());
        Arrival { name: name.to_owned(), changed, sha256, bytes: bytes.to_vec() }
    }

    #[test]
    fn a_file_is_fetched_once_and_none_after_the_answer() {
        let folder = folder();
        let reader = &folder.reader;
        let listed = |changed| Listed { name: "a".to_owned(), size: 1, changed };
        assert_eq!(reader.keep(&arrival("a", Some(7), b"x")).unwrap(), Kept::New);
        assert_eq!(reader.keep(&arrival("b", None, b"x")).unwrap(), Kept::Known);
        assert!(reader.knows(&listed(Some(7))) && !reader.knows(&listed(Some(8))));
        assert!(!reader.knows(&listed(None)), "a server that tells no time");
        assert!(!reader.knows(&Listed { name: "b".to_owned(), size: 1, changed: None }));

        assert_eq!(reader.keep(&arrival("c", None, &answer("SOMEBODY"))).unwrap(), Kept::New);
        assert!(!reader.has_enough(), "another partner's");
        assert_eq!(reader.keep(&arrival("d", None, &answer("LARKFIELD"))).unwrap(), Kept::New);
        assert!(reader.has_enough());
        assert!(matches!(reader.met().came, Some(Ok(Came::Answer(_)))));
    }

    #[test]
    fn what_was_left_unread_is_told_without_names() {
        let collected = Collected {
            skipped: vec![
                ("BIRCH.edi".to_owned(), Skipped::TooLarge),
                ("a.edi".to_owned(), Skipped::Unchanged),
            ],
            ..Collected::default()
        };
        assert_eq!(left(&collected), "; files that are too large: 1");
        assert_eq!(left(&Collected::default()), "");
    }
}
