//! What a simulated payer really received and did: the record tests judge by, never our own log.
//! One JSON line per event, on disk before the answer to the client leaves, kept over a restart.

use std::{
    path::Path,
    sync::Mutex,
    time::{Duration, Instant},
};

use jiff::Timestamp;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use tokio::sync::watch;

use crate::portal::{
    clock::real_now,
    journal::{Journal, lock},
};

/// One line before it is written: a kind and named values, in the order they are added.
#[derive(Clone, Debug)]
pub struct Entry {
    kind: String,
    values: Map<String, Value>,
}

impl Entry {
    /// An entry of this kind.
    pub fn new(kind: &str) -> Entry {
        Entry { kind: kind.to_owned(), values: Map::new() }
    }

    /// Adds a value.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Entry {
        self.values.insert(name.to_owned(), value.into());
        self
    }

    /// Adds the business fields of a write and their hash.
    #[must_use]
    pub fn fields(self, fields: Value) -> Entry {
        let hash = fields_hash(&fields);
        self.with("fields", fields).with("fields_hash", hash)
    }
}

/// The record of one simulated payer.
pub struct Ledger {
    payer: &'static str,
    journal: Journal,
    entries: Mutex<Vec<Value>>,
    last: watch::Sender<u64>,
}

impl Ledger {
    /// Opens or creates `ledger.jsonl` in `dir` for the payer with this code (`P1`, `P4`).
    pub fn open(dir: &Path, payer: &'static str) -> std::io::Result<Ledger> {
        let (journal, entries) = Journal::open(&dir.join("ledger.jsonl"))?;
        let last = entries.last().and_then(|entry| entry["seq"].as_u64()).unwrap_or(0);
        Ok(Ledger { payer, journal, entries: Mutex::new(entries), last: watch::Sender::new(last) })
    }

    /// Writes one entry at a moment of the payer's clock and returns its `seq`.
    pub fn append(&self, sim_at: Timestamp, entry: Entry) -> u64 {
        let mut entries = lock(&self.entries);
        let seq = entries.last().and_then(|last| last["seq"].as_u64()).unwrap_or(0) + 1;
        let mut line = Map::new();
        line.insert("seq".to_owned(), json!(seq));
        line.insert("sim_at".to_owned(), json!(sim_at.to_string()));
        line.insert("real_at".to_owned(), json!(real_now().to_string()));
        line.insert("payer".to_owned(), json!(self.payer));
        line.insert("kind".to_owned(), json!(entry.kind));
        line.extend(entry.values);
        let line = Value::Object(line);
        self.journal.append(&line);
        entries.push(line);
        self.last.send_replace(seq);
        seq
    }

    /// Returns when every entry so far is on disk.
    pub async fn flush(&self) {
        self.journal.flush().await;
    }

    /// The entries that match, oldest first, at most `limit`.
    pub fn entries(&self, wanted: &Wanted) -> Vec<Value> {
        let entries = lock(&self.entries);
        let limit = wanted.limit.unwrap_or(usize::MAX);
        entries.iter().filter(|entry| wanted.fits(entry)).take(limit).cloned().collect()
    }

    /// As [`Ledger::entries`], waiting until something matches or the time is over.
    pub async fn wait(&self, wanted: &Wanted, patience: Duration) -> Vec<Value> {
        let deadline = Instant::now() + patience;
        let mut last = self.last.subscribe();
        loop {
            last.borrow_and_update();
            let found = self.entries(wanted);
            let left = deadline.saturating_duration_since(Instant::now());
            if !found.is_empty() || left.is_zero() {
                return found;
            }
            // Either outcome leads to another look; the deadline ends it.
            let _ = tokio::time::timeout(left, last.changed()).await;
        }
    }

    /// The moment of the last entry on the payer's clock.
    pub fn last_sim_at(&self) -> Option<Timestamp> {
        lock(&self.entries).last()?["sim_at"].as_str()?.parse().ok()
    }
}

/// Which entries somebody wants to see.
#[derive(Clone, Debug, Default, serde::Serialize, serde::Deserialize)]
pub struct Wanted {
    /// Only entries with a greater `seq`.
    #[serde(default)]
    pub after: u64,
    /// Only this payer (`P1` or `crestline`).
    pub payer: Option<String>,
    /// Only these kinds, separated by commas.
    pub kind: Option<String>,
    /// Wait this long (real milliseconds) for a first match.
    pub wait_ms: Option<u64>,
    /// At most so many.
    pub limit: Option<usize>,
}

impl Wanted {
    /// Entries of one kind.
    pub fn kind(kind: &str) -> Wanted {
        Wanted { kind: Some(kind.to_owned()), ..Wanted::default() }
    }

    fn fits(&self, entry: &Value) -> bool {
        let kind = entry["kind"].as_str().unwrap_or_default();
        let payer = entry["payer"].as_str().unwrap_or_default();
        let slug = match payer {
            "P1" => "crestline",
            "P2" => "verity",
            "P3" => "larkfield",
            "P4" => "harbor",
            other => other,
        };
        entry["seq"].as_u64().unwrap_or(0) > self.after
            && self.payer.as_deref().is_none_or(|wanted| wanted == payer || wanted == slug)
            && self
                .kind
                .as_deref()
                .is_none_or(|kinds| kinds.split(',').any(|wanted| wanted == kind))
    }
}

/// Hash of the business fields of a write, independent of the order of names.
pub fn fields_hash(fields: &Value) -> String {
    hex(&Sha256::digest(sorted(fields).to_string()))
}

fn sorted(value: &Value) -> Value {
    match value {
        Value::Object(map) => {
            let mut names: Vec<_> = map.iter().collect();
            names.sort_by(|a, b| a.0.cmp(b.0));
            Value::Object(names.into_iter().map(|(k, v)| (k.clone(), sorted(v))).collect())
        }
        Value::Array(items) => Value::Array(items.iter().map(sorted).collect()),
        other => other.clone(),
    }
}

/// What makes two submits the same request at a payer: payer, member, sorted codes with units, service dates,
/// requesting NPI. `None` if the entry carries no such fields.
pub fn request_key(entry: &Value) -> Option<String> {
    let fields = entry.get("fields")?;
    let mut lines: Vec<String> = fields["lines"]
        .as_array()?
        .iter()
        .map(|line| {
            format!(
                "{}*{}*{}*{}",
                line["code"].as_str().unwrap_or_default(),
                line["units"],
                line["from"].as_str().unwrap_or_default(),
                line["to"].as_str().unwrap_or_default()
            )
        })
        .collect();
    lines.sort();
    Some(format!(
        "{}|{}|{}|{}",
        entry["payer"].as_str()?,
        fields["memberId"].as_str()?,
        lines.join(","),
        fields["requestingNpi"].as_str().unwrap_or_default()
    ))
}

/// Lower-case hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn entries_survive_a_restart_and_a_torn_line_is_dropped() {
        let dir = tempfile::tempdir().unwrap();
        let at = "2026-03-02T14:00:00Z".parse().unwrap();
        {
            let ledger = Ledger::open(dir.path(), "P1").unwrap();
            assert_eq!(ledger.append(at, Entry::new("login").with("ok", true)), 1);
            assert_eq!(ledger.append(at, Entry::new("view").with("page", "home")), 2);
            ledger.flush().await;
        }
        let path = dir.path().join("ledger.jsonl");
        let mut text = std::fs::read_to_string(&path).unwrap();
        text.push_str("{\"seq\":3,\"kind\":\"vi");
        std::fs::write(&path, text).unwrap();

        let ledger = Ledger::open(dir.path(), "P1").unwrap();
        assert_eq!(ledger.entries(&Wanted::default()).len(), 2);
        assert_eq!(ledger.append(at, Entry::new("logout")), 3);
        assert_eq!(ledger.entries(&Wanted { after: 1, ..Wanted::default() }).len(), 2);
        assert_eq!(ledger.entries(&Wanted::kind("login"))[0]["ok"], true);
        drop(ledger);
        let lines = std::fs::read_to_string(&path).unwrap();
        assert_eq!(lines.lines().count(), 3);
    }

    #[tokio::test]
    async fn waiting_sees_an_entry_that_comes_later() {
        let dir = tempfile::tempdir().unwrap();
        let at: Timestamp = "2026-03-02T14:00:00Z".parse().unwrap();
        let ledger = std::sync::Arc::new(Ledger::open(dir.path(), "P4").unwrap());
        let waiting = std::sync::Arc::clone(&ledger);
        let waiter = tokio::spawn(async move {
            waiting.wait(&Wanted::kind("submit_committed"), Duration::from_secs(20)).await
        });
        ledger.append(at, Entry::new("view"));
        ledger.append(at, Entry::new("submit_committed"));
        assert_eq!(waiter.await.unwrap().len(), 1);
        let none = ledger.wait(&Wanted::kind("cancel_committed"), Duration::ZERO).await;
        assert!(none.is_empty());
    }

    #[test]
    fn the_key_of_a_request_ignores_order_and_our_own_reference() {
        let line = |code: &str, units: u32| json!({"code": code, "units": units, "from": "2026-03-09", "to": "2026-03-09"});
        let entry = |lines: Vec<Value>, reference: &str| {
            json!({"payer": "P1", "fields": {"memberId": "W1", "requestingNpi": "1234567893", "lines": lines,
                "providerReference": reference}})
        };
        let one = entry(vec![line("G0299", 1), line("97110", 4)], "a");
        let two = entry(vec![line("97110", 4), line("G0299", 1)], "b");
        assert_eq!(request_key(&one), request_key(&two));
        assert_ne!(request_key(&one), request_key(&entry(vec![line("97110", 5)], "a")));
        assert_ne!(fields_hash(&one["fields"]), fields_hash(&two["fields"]));
        assert_eq!(fields_hash(&json!({"a": 1, "b": 2})), fields_hash(&json!({"b": 2, "a": 1})));
    }
}
