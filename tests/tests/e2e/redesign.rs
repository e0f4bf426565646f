//! A status script written for a payer's older pages, on the redesigned ones, with healing allowed: it ends as before or with a named
//! exception, and reads nothing otherwise than before. `make bench-engine PARTS=healing` asks this of all payers; here it is the one
//! whose way leads over a screen that must be recognised by a stand-in.

use std::{
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context as _, Result, ensure};
use jiff::{ToSpan as _, civil::Weekday};
use serde_json::{Value, json};
use tests::{
    fleet::{process::binary, repository, requests},
    portal::{Act, PayerProcess, Ready},
};
use tokio::process::Command;

const PAYER: &str = "verity";
/// Waits of the script: what is lost costs the whole of one.
const WAIT: &str = "5s";
/// Longest run.
const ENDS: Duration = Duration::from_secs(240);

/// A person's desk: the payer's scripts with leave to heal, secrets, the question, what was remembered.
struct Desk {
    place: tempfile::TempDir,
    ready: Ready,
}

impl Desk {
    fn at(ready: Ready, number: &str) -> Result<Desk> {
        let desk = Desk { place: tempfile::tempdir()?, ready };
        let world: Value =
            serde_json::from_slice(&std::fs::read(repository().join("tests/world/world.json"))?)?;
        let mut accounts = world["accounts"].as_array().into_iter().flatten();
        let account = accounts.find(|one| one["payer"] == PAYER && one["id"] == "auto01");
        let account = account.context("the payer has an account")?;
        let word = |field: &str| account[field].as_str().unwrap_or_default().to_owned();
        let mail = &desk.ready.mail;
        let boxes = format!(
            "https://reader:{}@{}/boxes/{}/messages",
            mail.bearer,
            mail.host,
            word("email")
        );
        let (user, password) = (word("id"), word("password"));
        let secrets = format!("user = \"{user}\"\npassword = \"{password}\"\ncode = \"{boxes}\"\n");
        std::fs::write(desk.path("secrets.toml"), secrets)?;
        let own = std::fs::Permissions::from_mode(0o600);
        std::fs::set_permissions(desk.path("secrets.toml"), own)?;
        let member = requests::member("M02");
        let member = json!({"id": member.member_id, "last_name": member.family, "dob": member.dob});
        let inputs = json!({"member": member, "reference": number});
        std::fs::write(desk.path("input.json"), inputs.to_string())?;
        for part in ["", "fragments"] {
            let (from, to) = (repository().join("scripts"), desk.path("scripts"));
            let (from, to) = (from.join(PAYER).join(part), to.join(PAYER).join(part));
            std::fs::create_dir_all(&to)?;
            for entry in std::fs::read_dir(from)? {
                let path = entry?.path();
                if let (true, Some(name)) = (path.is_file(), path.file_name()) {
                    let text = std::fs::read_to_string(&path)?;
                    let text = text.replace(
                        "within: 20s, heal: suggest",
                        &format!("within: {WAIT}, heal: auto"),
                    );
                    std::fs::write(to.join(name), text)?;
                }
            }
        }
        Ok(desk)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.place.path().join(name)
    }

    async fn run(&self) -> Result<Value> {
        let hosts = self.ready.hosts.iter().map(|(host, at)| format!("{host}={at}"));
        let mail = format!("{}={}", self.ready.mail.host, self.ready.mail.addr);
        let map: Vec<String> = hosts.chain([mail]).collect();
        let option = |name: &str, path: &Path| [name.to_owned(), path.display().to_string()];
        let mut command = Command::new(binary("agent")?);
        command
            .arg("try")
            .arg(self.path(&format!("scripts/{PAYER}/auth_status.yaml")))
            .args(["--json", "--rendered", "--map", &map.join(",")])
            .args(option("--ca", &self.ready.ca))
            .args(option("--input", &self.path("input.json")))
            .args(option("--secrets", &self.path("secrets.toml")))
            .args(option("--prints", &self.path("prints.json")))
            .args(option("--out", &self.path("out")))
            .args(option("--journal", &self.path("journal")))
            .kill_on_drop(true);
        let output = tokio::time::timeout(ENDS, command.output()).await;
        let output = output.context("the script does not end")??;
        let line = String::from_utf8_lossy(&output.stdout);
        serde_json::from_str(line.trim())
            .with_context(|| format!("{line}{}", String::from_utf8_lossy(&output.stderr)))
    }
}

/// A Tuesday to come: open at every payer, and later than any message there is.
fn tuesday() -> Result<jiff::civil::Date> {
    Ok(requests::today().nth_weekday(1, Weekday::Tuesday)?)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_status_script_on_redesigned_pages_is_right_or_stops_with_a_name() -> Result<()> {
    let place = tempfile::tempdir()?;
    let (day, dir) = (tuesday()?, |name: &str| place.path().join(name));
    let moment = format!("{day}T16:00:00Z");
    let more = ["--clock", &moment, "--rate", "frozen", "--totp-clock", "real"];
    let payer =
        PayerProcess::start(&binary("payer")?, PAYER, &dir("payer"), &dir("ca"), &more).await?;
    let control = payer.ready.control();
    let service = day.saturating_add(6.days());
    let filing = json!({"memberId": requests::member("M02").member_id, "plan": "CLM", "requestingNpi": "1234567893",
        "servicingNpi": "1234567893", "diagnoses": ["K50.90"], "requestType": "Outpatient",
        "sixWeeksOfTherapy": true, "lines": [{"code": "70551", "units": 1, "from": service, "to": service}]});
    let filed = control.file(&serde_json::from_value(filing)?).await?;
    let number = filed["numbers"][0]["value"].as_str().context("the request has a number")?;
    control.act(filed["case"].as_str().context("a case was filed")?, &Act::Approve).await?;

    let desk = Desk::at(payer.ready.clone(), number)?;
    let before = desk.run().await?;
    assert!(before["raised"].is_null(), "on the pages it was written for: {before}");
    let known = before["captures"].as_object().context("it reads something")?;
    assert!(!known.is_empty());

    control.skin(&json!({"skin": "v2"})).await?;
    control.end_sessions().await?;
    let after = desk.run().await?;
    let healed: Vec<&str> = after["drift"]
        .as_array()
        .into_iter()
        .flatten()
        .filter(|one| one["kind"] == "healed")
        .filter_map(|one| one["element"].as_str())
        .collect();
    assert_eq!(healed, ["shell.find_button"], "a screen goes by it: {after}");
    for (name, read) in after["captures"].as_object().into_iter().flatten() {
        let was = known.get(name).map(|one| &one["value"]);
        assert_eq!(was, Some(&read["value"]), "`{name}` reads otherwise");
    }
    match after["raised"]["name"].as_str() {
        Some(name) => assert_eq!(name, "no_known_screen", "{after}"),
        None => {
            ensure!(after["raised"].is_null(), "{after}");
            assert_eq!(after["outcome"]["answer"], before["outcome"]["answer"]);
        }
    }
    payer.end().await
}
