//! The simulated payers as processes, what is asked of them, and how their clocks move and their reviewers decide.

use std::{path::Path, process::Stdio, time::Duration};

use anyhow::{Context as _, Result, ensure};
use jiff::{Span, civil::Date};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    process::{Child, Command},
};

use crate::repository;

/// Payers with a status that can be fetched.
pub(super) const SLUGS: [&str; 5] = ["crestline", "harbor", "larkfield", "planbridge", "verity"];
/// What a request asks for, by payer: member, plan, kind, procedure code.
const ASKED: [(&str, &str, &str, &str, &str); 5] = [
    ("crestline", "W100000001", "CLM", "Outpatient", "97110"),
    ("harbor", "9000000010", "HSM", "Outpatient", "70551"),
    ("larkfield", "L200000006", "LKN", "Outpatient hospital", "97110"),
    ("planbridge", "XPB300000012", "PBR", "Outpatient", "E0601"),
    ("verity", "W100000002", "CLM", "Imaging", "72148"),
];
/// How long a payer may take to be ready.
const READY: Duration = Duration::from_secs(30);

/// One question.
#[derive(Clone)]
pub(super) struct Check {
    pub(super) payer: &'static str,
    pub(super) script: String,
    pub(super) inputs: Value,
}

/// A payer that runs.
pub(super) struct Payer {
    pub(super) slug: &'static str,
    ready: Value,
    world: Value,
    today: Date,
    requests: Vec<String>,
    rounds: usize,
    http: reqwest::Client,
    _process: Child,
}

impl Payer {
    pub(super) async fn start(slug: &'static str, folder: &Path) -> Result<Payer> {
        let program = std::env::current_exe()?;
        // Examples lie beside the programs' folder.
        let program = program.parent().and_then(Path::parent).context("no folder")?.join("payer");
        let mut process = Command::new(program)
            .args(["serve", slug, "--clock", "now", "--totp-clock", "real", "--with-parent"])
            .arg("--dir")
            .arg(folder.join(slug))
            .arg("--ca-dir")
            .arg(folder.join("ca"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .context(
                "the program `payer` is not beside this one: build the workspace's programs",
            )?;
        let output = process.stdout.take().context("the output is piped")?;
        let mut lines = BufReader::new(output).lines();
        let line = tokio::time::timeout(READY, lines.next_line()).await;
        let line = line.context("not ready in time")??.context("it ended at once")?;
        let text = std::fs::read_to_string(repository().join("tests/world/world.json"))?;
        let mut payer = Payer {
            slug,
            ready: serde_json::from_str(&line)?,
            world: serde_json::from_str(&text)?,
            today: Date::default(),
            requests: Vec::new(),
            rounds: 0,
            http: reqwest::Client::new(),
            _process: process,
        };
        let clock = payer.call(reqwest::Method::GET, "clock", &Value::Null).await?;
        let now: jiff::Timestamp = clock["now"].as_str().context("no time")?.parse()?;
        payer.today = now.to_zoned(jiff::tz::TimeZone::UTC).date();
        // What was decided shows at once: what is compared is two ways of reading it.
        let knobs = match slug {
            "larkfield" => json!({"portal_lag_h": 0}),
            "verity" => json!({"fax_delay_min": 0, "maintenance": ""}),
            // The other way of its sign-in is a grid of digits only a person may click.
            "planbridge" => json!({"login_second": "question"}),
            _ => json!({}),
        };
        payer.call(reqwest::Method::PUT, &format!("{slug}/knobs"), &knobs).await?;
        Ok(payer)
    }

    /// What a side must know of it, to sign in with this account.
    pub(super) fn told(&self, account: &str) -> Result<Value> {
        let all = self.world["accounts"].as_array().context("accounts")?;
        let own = |one: &&Value| one["payer"] == self.slug && one["id"] == account;
        let account = all.iter().find(own).context("no account")?;
        Ok(json!({
            "slug": self.slug, "hosts": self.ready["hosts"], "ca": self.ready["ca"],
            "mail": self.ready["mail"], "account": account,
        }))
    }

    async fn call(&self, method: reqwest::Method, path: &str, body: &Value) -> Result<Value> {
        let text = |key: &str| self.ready[key].as_str().unwrap_or_default().to_owned();
        let url = format!("{}/{path}", text("ctl"));
        let mut call = self.http.request(method, url).bearer_auth(text("bearer"));
        if !body.is_null() {
            call = call.json(body);
        }
        let response = call.send().await?;
        let status = response.status();
        let answer = response.text().await?;
        ensure!(status.is_success(), "{path}: {status} {answer}");
        Ok(serde_json::from_str(&answer).unwrap_or_default())
    }

    /// Moves its clock on.
    pub(super) async fn advance(&self, time: &str) -> Result<()> {
        self.call(reqwest::Method::POST, "clock", &json!({"advance": time})).await.map(drop)
    }

    /// The payer claims of the world, as their status is asked for.
    pub(super) fn claims(&self) -> Vec<Check> {
        let claims = self.world["payer_claims"].as_array().into_iter().flatten();
        let own = claims.filter(|claim| claim["payer"] == self.slug);
        own.filter_map(|claim| {
            let member = self.member("key", claim["member"].as_str()?)?;
            let day = self.today.checked_add(Span::new().days(claim["from_day"].as_i64()?)).ok()?;
            let inputs = json!({
                "member": member, "number": claim["claim"], "from": day.to_string(),
            });
            let script = format!("{}/claim_status", self.slug);
            Some(Check { payer: self.slug, script, inputs })
        })
        .collect()
    }

    /// The requests that were filed, as their status is asked for.
    pub(super) fn requests(&self) -> Vec<Check> {
        let Some((_, member, ..)) = ASKED.iter().find(|(slug, ..)| *slug == self.slug) else {
            return Vec::new();
        };
        let member = self.member("member_id", member);
        let check = |number: &String| Check {
            payer: self.slug,
            script: format!("{}/auth_status", self.slug),
            inputs: json!({"member": member, "reference": number}),
        };
        self.requests.iter().map(check).collect()
    }

    fn member(&self, key: &str, value: &str) -> Option<Value> {
        let members = self.world["members"].as_array()?;
        let member = members.iter().find(|member| member[key] == value)?;
        Some(json!({
            "id": member["member_id"], "last_name": member["family"],
            "first_name": member["given"], "dob": member["dob"],
        }))
    }

    /// Six requests of one member, as a person would have sent them; of two of them with two lines.
    pub(super) async fn file_requests(&mut self) -> Result<()> {
        let asked = ASKED.iter().find(|(slug, ..)| *slug == self.slug).context("no such payer")?;
        let (slug, member, plan, kind, code) = *asked;
        for n in 0..6_i64 {
            let day = self.today.checked_add(Span::new().days(20 + n))?.to_string();
            let line = |units: u32| json!({"code": code, "units": units, "from": day, "to": day});
            let lines = if n % 3 == 2 { vec![line(4), line(2)] } else { vec![line(4)] };
            let filing = json!({
                "memberId": member, "plan": plan, "requestType": kind,
                "requestingNpi": "1234567893", "servicingNpi": "1000000012",
                "diagnoses": ["M54.50"], "lines": lines, "providerReference": format!("W-{n}"),
                "expedited": false, "sixWeeksOfTherapy": false, "documents": [],
            });
            let path = format!("{slug}/cases");
            let filed = self.call(reqwest::Method::POST, &path, &json!({"filing": filing})).await?;
            let number = filed["case"].as_str().context("no number")?.to_owned();
            self.requests.push(number);
        }
        Ok(())
    }

    /// Reviewers decide, each time something else of each request.
    pub(super) async fn decide(&mut self) -> Result<()> {
        let acts = [
            json!({"act": "approve"}),
            json!({"act": "deny", "reason": "Not shown to be needed."}),
            json!({"act": "modify", "units": 1}),
            json!({"act": "request_info", "documents": ["Office notes", "Imaging report"]}),
            json!({"act": "cancel"}),
        ];
        for (at, number) in self.requests.iter().enumerate() {
            // One stays as it was, so that not everything is new.
            if at == 5 {
                continue;
            }
            let act = &acts[(at + self.rounds) % acts.len()];
            let path = format!("{}/cases/{number}/act", self.slug);
            // A decision that is final stays; what a reviewer may not do is refused.
            if let Err(refused) = self.call(reqwest::Method::POST, &path, act).await {
                tracing::debug!(%refused, "a reviewer's act");
            }
        }
        self.rounds += 1;
        Ok(())
    }
}
