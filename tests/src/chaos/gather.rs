//! The end of a run: one more job without any fault, then everything that came of it is brought in for the judgement.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result};
use serde_json::Value;

use super::{
    bed::{Bed, Ground, MEMBERS, SESSIONS_MAX},
    check::{Artefacts, Kept, Promised},
};
use crate::{ledger::Wanted, portal::world::world};

impl Bed {
    /// Every row of a list.
    ///
    /// # Errors
    /// The coordinator cannot be asked.
    pub async fn all(&self, path: &str) -> Result<Vec<Value>> {
        let mut items = Vec::new();
        let mut after = String::new();
        loop {
            let join = if path.contains('?') { '&' } else { '?' };
            let page = self.fleet.api.get(&format!("{path}{join}limit=200{after}")).await?;
            items.extend(page["items"].as_array().cloned().unwrap_or_default());
            match page["next"].as_str() {
                Some(next) => after = format!("&after={next}"),
                None => return Ok(items),
            }
        }
    }

    /// The evidence of what was committed.
    async fn evidence(&self, audit: &[Value]) -> Result<Vec<Kept>> {
        let mut kept = Vec::new();
        for entry in audit.iter().filter(|e| e["act"] == "submit.committed") {
            let intent = entry["subject"].as_str().unwrap_or_default();
            let opened =
                audit.iter().find(|e| e["act"] == "permit.issued" && e["subject"] == intent);
            let attempt = opened.and_then(|e| e["detail"]["attempt"].as_str()).unwrap_or_default();
            let items = self.all(&format!("evidence?attempt={attempt}")).await?;
            let when = |item: &Value| item["received_at"].as_str().and_then(|at| at.parse().ok());
            let before = items.iter().find(|item| item["moment"] == "before").and_then(when);
            let after = entry["detail"]["after"].as_str().unwrap_or_default();
            let item = self.fleet.api.get(&format!("evidence/{after}")).await;
            let bytes = self.fleet.api.evidence(after).await;
            let whole = match (&item, bytes) {
                (Ok(item), Ok(bytes)) => item["sha256"].as_str() == Some(&sha256(&bytes)),
                _ => false,
            };
            let after = item.ok().as_ref().and_then(when);
            kept.push(Kept { intent: intent.to_owned(), before, after, whole });
        }
        Ok(kept)
    }

    /// Origins at which secrets may be typed: none where the stand-in works, which has no use for any.
    fn origins(&self) -> Result<Vec<String>> {
        if self.ground != Ground::Chromium {
            return Ok(Vec::new());
        }
        let profiles = std::fs::read(self.root.join("payers.json"))?;
        let profiles: Value = serde_json::from_slice(&profiles)?;
        let origins = profiles[0]["login_origins"].as_array().context("the profile lists them")?;
        Ok(origins.iter().filter_map(|origin| origin.as_str().map(str::to_owned)).collect())
    }

    /// Asks for one more job without any fault, gathers everything, and ends the fleet.
    ///
    /// # Errors
    /// The coordinator cannot be asked.
    pub async fn gather(mut self) -> Result<Artefacts> {
        let began = Instant::now();
        let probe = self.take_in(1).await?.remove(0);
        let probed = self.fleet.api.job_until(&probe, &["done"], Duration::from_secs(60)).await;
        let probe_ms =
            probed.is_ok().then(|| u64::try_from(began.elapsed().as_millis()).unwrap_or(0));
        let jobs = self.all("jobs?task=submit").await?;
        let exceptions = self.all("exceptions").await?;
        let mut audit = self.all("audit").await?;
        audit.sort_by_key(|entry| entry["seq"].as_u64());
        let intact = self.fleet.api.get("audit/verified").await?["intact"] == true;
        let evidence = self.evidence(&audit).await?;
        let ledger = match self.ground {
            Ground::Chromium => {
                with_fields(self.fleet.truth("crestline").entries(&Wanted::default()).await?)
            }
            _ => self.payer.ledger(),
        };
        let window_ms = self.window_ms();
        let (mark, origins) = (self.mark(), self.origins()?);
        let (root, profiles) = (self.root.clone(), self.fleet.profile_root().to_owned());
        let mut stray = Vec::new();
        if let Err(left) = self.fleet.end().await {
            stray.push(left.to_string());
        }
        if let Some(cluster) = self.postgres.take() {
            cluster.end().await;
        }
        stray.extend(
            crate::fleet::process::with_argument(&profiles.display().to_string())
                .into_iter()
                .map(|pid| format!("process {pid}")),
        );
        Ok(Artefacts {
            accepted: self.accepted,
            jobs,
            exceptions,
            ledger,
            audit,
            audit_intact: intact,
            evidence,
            leaks: leaks(&root.join("logs"))?,
            stray,
            probe_ms,
            forgotten: self.forgotten,
            mark,
            origins,
            promised: Promised {
                window_ms,
                open_max: u64::from(SESSIONS_MAX),
                ..Promised::default()
            },
        })
    }
}

/// A portal's record names the arrival it came from, and the fields are told there.
fn with_fields(mut ledger: Vec<Value>) -> Vec<Value> {
    let arrivals: BTreeMap<u64, Value> = ledger
        .iter()
        .filter(|entry| entry["kind"] == "submit_received")
        .filter_map(|entry| Some((entry["seq"].as_u64()?, entry["fields"].clone())))
        .collect();
    for entry in ledger.iter_mut().filter(|entry| entry["kind"] == "submit_committed") {
        if let Some(fields) = entry["received_seq"].as_u64().and_then(|seq| arrivals.get(&seq)) {
            entry["fields"] = fields.clone();
        }
    }
    ledger
}

fn sha256(bytes: &[u8]) -> String {
    use sha2::{Digest as _, Sha256};
    use std::fmt::Write as _;
    Sha256::digest(bytes).iter().fold(String::new(), |mut out, byte| {
        let _ = write!(out, "{byte:02x}");
        out
    })
}

/// Every file below a folder.
fn files_below(folder: &Path) -> Result<Vec<PathBuf>> {
    let (mut files, mut folders) = (Vec::new(), vec![folder.to_owned()]);
    while let Some(at) = folders.pop() {
        let entries =
            std::fs::read_dir(&at).with_context(|| format!("listing {}", at.display()))?;
        for entry in entries {
            let path = entry?.path();
            if path.is_dir() { folders.push(path) } else { files.push(path) }
        }
    }
    Ok(files)
}

/// What the database's own library calls itself where it logs a statement.
const STATEMENT: &str = "sqlx::query";

/// Names of members, secrets of accounts, and statements of the database that stand in a file below a folder.
///
/// # Errors
/// A file cannot be read.
pub fn leaks(logs: &Path) -> Result<Vec<String>> {
    let invented = std::iter::once(MEMBERS.to_owned());
    let members = world().members.iter().flat_map(|m| [m.member_id.clone(), m.name()]);
    let accounts = world()
        .accounts
        .iter()
        .flat_map(|a| std::iter::once(a.password.clone()).chain(a.totp_seed.clone()));
    let never: Vec<String> =
        invented.chain(members).chain(accounts).filter(|text| !text.is_empty()).collect();
    let mut found = Vec::new();
    for path in files_below(logs)? {
        let text = String::from_utf8_lossy(&std::fs::read(&path)?).into_owned();
        let told = never.iter().filter(|secret| text.contains(secret.as_str())).count();
        if told > 0 {
            found.push(format!("{} tells {told} names or secrets", path.display()));
        }
        if text.contains(STATEMENT) {
            found.push(format!("{} tells statements of the database", path.display()));
        }
    }
    Ok(found)
}
