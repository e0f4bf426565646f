//! The back channel: files of X12 in folders that a file host shows (`sftp/inbound`, `outbound`, `archive`, `error`), over the same world
//! as the portal. A file is taken when it has its name; receipts come at once, answers when the payer's clock says so.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Weak},
    time::Duration,
};

use exchange::x12::transaction::Transaction;
use jiff::{SignedDuration, Timestamp};

use crate::{
    ledger::Entry,
    portal::{edi, sim::Sim},
};

/// How often the folder is looked into.
const LOOK: Duration = Duration::from_millis(100);
const FOLDERS: [&str; 4] = ["inbound", "outbound", "archive", "error"];

/// An answer on its way.
struct Due {
    at: Timestamp,
    kind: &'static str,
    bytes: Vec<u8>,
}

/// Watches the folders while the payer runs.
pub(super) fn watch(sim: &Arc<Sim>) {
    let root = sim.dir.join("sftp");
    for folder in FOLDERS {
        // A folder that cannot be made is one that no file comes to; the payer's portal works without.
        let _ = std::fs::create_dir_all(root.join(folder));
    }
    tokio::spawn(look(Arc::downgrade(sim), root));
}

async fn look(sim: Weak<Sim>, root: PathBuf) {
    let mut tick = tokio::time::interval(LOOK);
    let mut due: Vec<Due> = Vec::new();
    loop {
        tick.tick().await;
        let Some(sim) = sim.upgrade() else { return };
        let files = arrived(&root);
        for file in &files {
            due.extend(taken(&sim, &root, file));
        }
        let now = sim.now();
        let (ready, later): (Vec<Due>, Vec<Due>) = due.into_iter().partition(|one| one.at <= now);
        due = later;
        for answer in &ready {
            put(&sim, &root, answer.kind, &answer.bytes);
        }
        if !files.is_empty() || !ready.is_empty() {
            sim.flush().await;
        }
    }
}

/// Files under their own names; one that is still being written has another.
fn arrived(root: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(root.join("inbound")) else { return Vec::new() };
    let mut all: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    all.retain(|path| path.extension().is_some_and(|end| end == "edi"));
    all.sort();
    all
}

/// Takes a file in: receipts at once, the answers later.
fn taken(sim: &Sim, root: &Path, file: &Path) -> Vec<Due> {
    let name = file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let Ok(bytes) = std::fs::read(file) else { return Vec::new() };
    let archived = root.join("archive").join(&name);
    if archived.exists() {
        let _ = std::fs::rename(file, root.join("error").join(&name));
        let reason = root.join("error").join(format!("{name}.reason"));
        let _ = std::fs::write(reason, "A file of this name was taken before.\n");
        return Vec::new();
    }
    let _ = std::fs::rename(file, archived);
    let entry = Entry::new("batch_in").with("channel", "sftp").with("origin", "fleet");
    sim.ledger.append(sim.now(), entry.with("bytes", bytes.len()));
    if sim.knobs.flag("batch_silent") {
        return Vec::new();
    }
    let asked = match edi::take(sim, &bytes) {
        Ok(asked) => asked,
        Err(receipt) => {
            if let Some(receipt) = receipt {
                put(sim, root, "999", &receipt);
            }
            return Vec::new();
        }
    };
    if let Some(receipt) = edi::accepted(sim, &bytes) {
        put(sim, root, "999", &receipt);
    }
    let at = sim.now() + SignedDuration::from_secs(sim.knobs.number("batch_answer_s"));
    let answers = asked.sets.iter().filter_map(|set| {
        let (kind, answer) = match set.clone() {
            Transaction::Eligibility(set) => {
                ("271", edi::coverage(sim, set).map(Transaction::Eligibility)?)
            }
            Transaction::ClaimStatus(set) => {
                ("277", edi::claim_status(sim, set).map(Transaction::ClaimStatus)?)
            }
            _ => return None,
        };
        let entry = Entry::new("status").with("how", kind).with("channel", "sftp");
        sim.ledger.append(sim.now(), entry.with("origin", "fleet"));
        Some(Due { at, kind, bytes: edi::answer(sim, &asked, answer)? })
    });
    answers.collect()
}

/// Puts a file for the partner: whole under its name, then the marker beside it.
fn put(sim: &Sim, root: &Path, kind: &str, bytes: &[u8]) {
    let stamp = sim.local().strftime("%Y%m%d%H%M").to_string();
    let name = format!("HSMMIS_{kind}_{stamp}_{:06}.edi", sim.kept.next("edi/file"));
    let target = root.join("outbound").join(&name);
    let half = root.join("outbound").join(format!("{name}.tmp"));
    let written = std::fs::write(&half, bytes).and_then(|()| std::fs::rename(&half, &target));
    if written.is_ok() {
        let _ = std::fs::write(root.join("outbound").join(format!("{name}.done")), b"");
    }
}
