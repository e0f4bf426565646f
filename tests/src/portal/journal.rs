//! Append-only JSON lines with grouped flushing, and a small key-value store kept in such a file.
//! The ledger and the payer-side records stand on these; nothing here knows what a line means.

use std::{
    collections::HashMap,
    fs::{File, OpenOptions},
    io::{BufRead, BufReader, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use serde_json::{Value, json};

/// Lock that outlives a panic of another holder: the data are plain values, always whole.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// An append-only file of JSON lines.
///
/// Lines are written at once and synced in groups: many callers of [`Journal::flush`] share one sync.
pub struct Journal {
    file: Mutex<File>,
    sync: Arc<File>,
    written: AtomicU64,
    synced: AtomicU64,
    turn: tokio::sync::Mutex<()>,
}

impl Journal {
    /// Opens or creates the file and returns the whole lines already in it. A torn last line (the process died in the
    /// middle of a write, so nobody was told of it) is cut off.
    pub fn open(path: &Path) -> std::io::Result<(Journal, Vec<Value>)> {
        let mut file =
            OpenOptions::new().create(true).read(true).append(true).truncate(false).open(path)?;
        let mut lines = Vec::new();
        let mut whole = 0;
        let mut reader = BufReader::new(&file);
        let mut line = String::new();
        loop {
            line.clear();
            let read = reader.read_line(&mut line)?;
            if read == 0 || !line.ends_with('\n') {
                break;
            }
            let Ok(value) = serde_json::from_str(&line) else { break };
            lines.push(value);
            whole += read as u64;
        }
        if file.metadata()?.len() > whole {
            file.set_len(whole)?;
        }
        file.seek(SeekFrom::End(0))?;
        let sync = Arc::new(file.try_clone()?);
        let journal = Journal {
            file: Mutex::new(file),
            sync,
            written: AtomicU64::new(0),
            synced: AtomicU64::new(0),
            turn: tokio::sync::Mutex::new(()),
        };
        Ok((journal, lines))
    }

    /// Appends one line; durable only after the next [`Journal::flush`].
    pub fn append(&self, line: &Value) {
        let mut text = line.to_string();
        text.push('\n');
        let mut file = lock(&self.file);
        // A simulator that cannot write its record must not go on: every judgement rests on it.
        file.write_all(text.as_bytes()).expect("the record of the simulated payer can be written");
        self.written.fetch_add(1, Ordering::SeqCst);
    }

    /// Returns when every line appended before the call is on disk.
    pub async fn flush(&self) {
        let wanted = self.written.load(Ordering::SeqCst);
        if self.synced.load(Ordering::SeqCst) >= wanted {
            return;
        }
        let _turn = self.turn.lock().await;
        if self.synced.load(Ordering::SeqCst) >= wanted {
            return;
        }
        let covers = self.written.load(Ordering::SeqCst);
        let file = Arc::clone(&self.sync);
        let done = tokio::task::spawn_blocking(move || file.sync_data()).await;
        done.expect("the sync task does not panic").expect("the record can be synced to disk");
        self.synced.store(covers, Ordering::SeqCst);
    }
}

/// Named values that survive a restart: the last line of a key wins.
pub struct Kept {
    journal: Journal,
    values: Mutex<HashMap<String, Value>>,
}

impl Kept {
    /// Opens the store in `dir`.
    pub fn open(dir: &Path) -> std::io::Result<Kept> {
        let path: PathBuf = dir.join("state.jsonl");
        let (journal, lines) = Journal::open(&path)?;
        let mut values = HashMap::new();
        for line in lines {
            if let Some(key) = line["k"].as_str() {
                values.insert(key.to_owned(), line["v"].clone());
            }
        }
        Ok(Kept { journal, values: Mutex::new(values) })
    }

    /// The value under `key`.
    pub fn get(&self, key: &str) -> Option<Value> {
        lock(&self.values).get(key).cloned()
    }

    /// Sets the value under `key`.
    pub fn put(&self, key: &str, value: Value) {
        self.journal.append(&json!({"k": key, "v": value}));
        lock(&self.values).insert(key.to_owned(), value);
    }

    /// All values whose key starts with `prefix`, sorted by key.
    pub fn starting(&self, prefix: &str) -> Vec<(String, Value)> {
        let values = lock(&self.values);
        let mut found: Vec<_> = values
            .iter()
            .filter(|(key, _)| key.starts_with(prefix))
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect();
        found.sort_by(|a, b| a.0.cmp(&b.0));
        found
    }

    /// Counts up `key` and returns the new number, from 1.
    pub fn next(&self, key: &str) -> u64 {
        let mut values = lock(&self.values);
        let number = values.get(key).and_then(Value::as_u64).unwrap_or(0) + 1;
        self.journal.append(&json!({"k": key, "v": number}));
        values.insert(key.to_owned(), json!(number));
        number
    }

    /// Returns when everything put so far is on disk.
    pub async fn flush(&self) {
        self.journal.flush().await;
    }
}
