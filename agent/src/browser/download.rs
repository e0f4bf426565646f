//! Downloads: named by id in the context's private folder, at most 25 MiB each.

use super::browser::text;
use super::connection::lock;
use super::event::Event;
use serde_json::Value;
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Mutex;

/// The largest file accepted.
pub const DOWNLOAD_CAP: u64 = 25 << 20;

/// Most finished files kept until somebody takes them; a page that sends more is up to no good.
const WAITING_MAX: usize = 20;

/// A finished download.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Download {
    /// Where the file lies, until it is moved away or the context is disposed of.
    pub path: PathBuf,
    /// The name the portal suggested. Page data: never use it as a path.
    pub suggested_name: String,
    /// Where it came from.
    pub url: String,
    /// Its size.
    pub size_bytes: u64,
}

#[derive(Debug)]
pub(crate) struct Downloads {
    folder: PathBuf,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    begun: HashMap<String, (String, String)>,
    done: Vec<Download>,
    failed: Vec<String>,
    count: u64,
}

impl Downloads {
    pub(crate) fn new(folder: PathBuf) -> Self {
        Self { folder, state: Mutex::default() }
    }

    pub(crate) fn begins(&self, params: &Value) {
        let (name, url) =
            (text(params, "/suggestedFilename").to_owned(), text(params, "/url").to_owned());
        let mut state = lock(&self.state);
        state.count += 1;
        state.begun.insert(text(params, "/guid").to_owned(), (name, url));
    }

    /// Progress of one of ours: the event to tell, if it ended.
    pub(crate) fn goes_on(&self, params: &Value) -> Option<Event> {
        let guid = text(params, "/guid");
        let bytes = |p: &str| params.pointer(p).and_then(Value::as_f64).unwrap_or(0.0);
        let mut state = lock(&self.state);
        let known = state.begun.contains_key(guid);
        let over = bytes("/receivedBytes").max(bytes("/totalBytes")) > DOWNLOAD_CAP as f64;
        let reason = match text(params, "/state") {
            _ if !known => return None,
            _ if over => "larger than 25 MiB",
            "canceled" => "cancelled by the browser",
            "completed" => {
                let (suggested_name, url) = state.begun.remove(guid)?;
                let path = self.folder.join(guid);
                if state.done.len() >= WAITING_MAX {
                    // What cannot be removed goes with the context's folder.
                    let _left = std::fs::remove_file(&path);
                    let reason = "more downloads than anybody asked for".to_owned();
                    state.failed.push(reason.clone());
                    return Some(Event::DownloadFailed { reason });
                }
                let size_bytes = std::fs::metadata(&path).map_or(0, |m| m.len());
                let done = Download { path, suggested_name, url, size_bytes };
                state.done.push(done.clone());
                return Some(Event::DownloadDone(done));
            }
            _ => return None,
        };
        state.begun.remove(guid);
        state.failed.push(reason.to_owned());
        Some(Event::DownloadFailed { reason: reason.to_owned() })
    }

    /// How many have begun so far.
    pub(crate) fn begun(&self) -> u64 {
        lock(&self.state).count
    }

    pub(crate) fn take(&self) -> Vec<Download> {
        std::mem::take(&mut lock(&self.state).done)
    }

    pub(crate) fn take_one(&self) -> Option<Download> {
        let mut state = lock(&self.state);
        (!state.done.is_empty()).then(|| state.done.remove(0))
    }

    pub(crate) fn take_failure(&self) -> Option<String> {
        lock(&self.state).failed.pop()
    }
}
