//! The status scripts, written for one rendering, on the other: each ends as before or with a named exception, and nothing it reads
//! differs from what it read before. Run by the agent as a person at a desk does, with the elements remembered of the
//! first rendering, once as the scripts are and once with healing allowed.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context as _, Result, ensure};
use jiff::{
    ToSpan as _,
    civil::{Date, Weekday},
};
use serde_json::{Map, Value, json};
use tokio::process::Command;

use super::payers::{PAYERS, Payer};
use crate::repository;

/// How long one script may take.
const ENDS: Duration = Duration::from_secs(240);

/// One end of a script.
struct Ended {
    /// The outcome, or the name of what was raised.
    outcome: Value,
    raised: String,
    /// What was said about it.
    detail: String,
    captures: Map<String, Value>,
    healed: usize,
}

/// Runs them all; fails when a wrong value was read anywhere.
pub(super) async fn check(payer_program: &Path, agent: &Path, payers: &[String]) -> Result<Value> {
    let (mut out, mut wrong) = (json!({}), Vec::new());
    for name in PAYERS {
        if payers.iter().any(|wanted| wanted == name) {
            out[name] = one(payer_program, agent, name, &mut wrong).await?;
        }
    }
    out["wrong"] = json!(wrong);
    println!("healing, status scripts: {} wrong", wrong.len());
    ensure!(wrong.is_empty(), "a script read something wrong: {wrong:?}");
    Ok(out)
}

async fn one(
    program: &Path,
    agent: &Path,
    name: &'static str,
    wrong: &mut Vec<String>,
) -> Result<Value> {
    let folder = tempfile::tempdir()?;
    let day = a_working_day();
    let moment = format!("{day}T16:00:00Z");
    let service = day.saturating_add(6.days()).to_string();
    let payer = Payer::start(
        program,
        name,
        folder.path(),
        &["--clock", &moment, "--rate", "frozen", "--totp-clock", "real"],
    )
    .await?;
    payer.skin(&json!({"skin": "v1"})).await?;
    let number = payer.prepare(&service).await?;
    let desk = Desk { agent, folder: folder.path(), payer: &payer, number: &number };
    desk.begin()?;
    let first = desk.run("suggest", true).await?;
    let mut told = json!({"v1": first.told()});
    ensure!(
        first.raised.is_empty(),
        "{name}: the script does not work on its own rendering: {}",
        first.raised
    );
    for (called, skin, heal) in [
        ("v2", json!({"skin": "v2"}), "suggest"),
        ("v2, healing", json!({"skin": "v2"}), "auto"),
        ("mixed 0.3", json!({"mixed": 0.3}), "auto"),
    ] {
        payer.skin(&skin).await?;
        payer.sign_all_out().await?;
        let ended = desk.run(heal, false).await?;
        let verdict = held(&first, &ended);
        println!("healing, status script of {name} on {called}: {verdict}; {}", ended.told());
        if verdict.starts_with("wrong") {
            wrong.push(format!("{name} on {called}: {verdict}"));
        }
        told[called] = ended.told();
        told[called]["verdict"] = json!(verdict);
    }
    Ok(told)
}

/// As it was before, stopped with a name, or wrong.
fn held(first: &Ended, now: &Ended) -> String {
    for (name, value) in &now.captures {
        if first.captures.get(name) != Some(value) {
            return format!("wrong: `{name}` reads otherwise");
        }
    }
    if !now.raised.is_empty() {
        return "stopped".to_owned();
    }
    if meaning(&now.outcome) == meaning(&first.outcome) {
        "the same".to_owned()
    } else {
        "wrong: another outcome".to_owned()
    }
}

/// An outcome without what names this one attempt: which picture a number was read from.
fn meaning(outcome: &Value) -> Value {
    let references = outcome["references"].as_array().into_iter().flatten();
    let numbers: Vec<Value> =
        references.map(|one| json!({"kind": one["kind"], "value": one["value"]})).collect();
    json!({"answer": outcome["answer"], "raw_words": outcome["raw_words"], "numbers": numbers})
}

impl Ended {
    fn told(&self) -> Value {
        json!({"answer": self.outcome["answer"], "raised": self.raised, "detail": self.detail,
            "captures": self.captures.len(), "healed": self.healed})
    }
}

struct Desk<'a> {
    agent: &'a Path,
    folder: &'a Path,
    payer: &'a Payer,
    number: &'a str,
}

impl Desk<'_> {
    fn begin(&self) -> Result<()> {
        let secrets = self.folder.join("secrets.toml");
        std::fs::write(&secrets, self.payer.secrets())?;
        std::fs::set_permissions(&secrets, std::os::unix::fs::PermissionsExt::from_mode(0o600))?;
        let (id, last_name, dob) = match self.payer.name {
            "crestline" => ("W100000001", "ALDER", "1980-02-14"),
            "verity" => ("W100000002", "BIRCH", "1975-11-30"),
            "larkfield" => ("L200000006", "FIR", "1983-04-04"),
            "harbor" => ("9000000010", "LARCH", "1949-01-01"),
            "planbridge" => ("XPB300000012", "OAK", "1990-08-20"),
            _ => ("R400000014", "ROWAN", "1988-05-05"),
        };
        let inputs = json!({"member": {"id": id, "last_name": last_name, "dob": dob}, "reference": self.number});
        std::fs::write(self.folder.join("input.json"), inputs.to_string())?;
        // The scripts as they are, but for what they allow.
        for heal in ["suggest", "auto"] {
            let to = self.folder.join(heal).join("scripts").join(self.payer.name);
            std::fs::create_dir_all(to.join("fragments"))?;
            let from = repository().join("scripts").join(self.payer.name);
            for part in [PathBuf::new(), PathBuf::from("fragments")] {
                for entry in std::fs::read_dir(from.join(&part))? {
                    let path = entry?.path();
                    if let (true, Some(file)) = (path.is_file(), path.file_name()) {
                        let text = std::fs::read_to_string(&path)?;
                        let text = text.replace("heal: suggest", &format!("heal: {heal}"));
                        std::fs::write(to.join(&part).join(file), text)?;
                    }
                }
            }
        }
        Ok(())
    }

    async fn run(&self, heal: &str, remember: bool) -> Result<Ended> {
        let script = format!("{heal}/scripts/{}/auth_status.yaml", self.payer.name);
        // What was remembered is of the first rendering: the file is not changed by what comes after.
        let prints = self.folder.join("prints.json");
        let used = self.folder.join("used.json");
        if !remember {
            std::fs::copy(&prints, &used).context("nothing was remembered")?;
        }
        let mut command = Command::new(self.agent);
        command
            .arg("try")
            .arg(self.folder.join(script))
            .arg("--input")
            .arg(self.folder.join("input.json"))
            .arg("--secrets")
            .arg(self.folder.join("secrets.toml"))
            .args(["--json", "--rendered", "--map", &self.payer.map(), "--ca"])
            .arg(self.payer.ca())
            .arg("--prints")
            .arg(if remember { &prints } else { &used })
            .arg("--out")
            .arg(self.folder.join("out"))
            .arg("--journal")
            .arg(self.folder.join("journal"))
            .kill_on_drop(true);
        let output = tokio::time::timeout(ENDS, command.output())
            .await
            .context("a script does not end")??;
        let line = String::from_utf8_lossy(&output.stdout).into_owned();
        let told: Value = serde_json::from_str(line.trim())
            .with_context(|| format!("{line}{}", String::from_utf8_lossy(&output.stderr)))?;
        let captures = told["captures"].as_object().into_iter().flatten();
        let drift = told["drift"].as_array().into_iter().flatten();
        let raised = &told["raised"];
        let name = raised["name"].as_str();
        Ok(Ended {
            outcome: told["outcome"].clone(),
            raised: name.map_or_else(
                || if raised.is_null() { String::new() } else { raised.to_string() },
                str::to_owned,
            ),
            detail: raised["detail"].as_str().unwrap_or_default().to_owned(),
            captures: captures.map(|(name, one)| (name.clone(), one["value"].clone())).collect(),
            healed: drift.filter(|one| one["kind"] == "healed").count(),
        })
    }
}

/// A Tuesday to come, in the hours of every payer: what a mailbox gets then is newer than any question.
#[expect(
    clippy::disallowed_methods,
    reason = "the simulated payer is told a day near the true one"
)]
fn a_working_day() -> Date {
    let mut day = jiff::Zoned::now().date();
    loop {
        day = day.saturating_add(1.day());
        if day.weekday() == Weekday::Tuesday {
            return day;
        }
    }
}
