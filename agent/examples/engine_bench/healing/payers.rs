//! The simulated payers as processes of their own, their answer keys, and what somebody needs to sign in.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use anyhow::{Context as _, Result, ensure};
use reqwest::Method;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    process::{Child, Command},
};

use crate::repository;

/// All of them, in the order the halves are drawn in.
pub(super) const PAYERS: [&str; 6] =
    ["crestline", "verity", "larkfield", "harbor", "planbridge", "rxbright"];

/// One control of the scripts, where it is in each rendering.
#[derive(Clone, Deserialize)]
pub(super) struct Control {
    pub(super) element: String,
    pub(super) page: String,
    v1: Place,
    v2: Option<Place>,
}

/// Where a control is in one rendering.
#[derive(Clone, Deserialize)]
pub(super) struct Place {
    pub(super) role: String,
    pub(super) frame: String,
    pub(super) css: String,
    page: Option<String>,
}

impl Control {
    /// Where it is in a rendering, and on which page.
    pub(super) fn at(&self, skin: &str) -> Option<(&Place, &str)> {
        let place = if skin == "v2" { self.v2.as_ref()? } else { &self.v1 };
        Some((place, place.page.as_deref().unwrap_or(&self.page)))
    }
}

/// The answer key of a payer.
pub(super) fn key(payer: &str) -> Result<Vec<Control>> {
    let path = repository().join(format!("tests/world/skins/{payer}.json"));
    Ok(serde_json::from_slice(&std::fs::read(path)?)?)
}

#[derive(Deserialize)]
struct Ready {
    hosts: BTreeMap<String, SocketAddr>,
    ctl: String,
    bearer: String,
    ca: PathBuf,
    mail: Mail,
}

#[derive(Deserialize)]
struct Mail {
    host: String,
    addr: SocketAddr,
    bearer: String,
}

/// A running payer; ends with this value.
pub(super) struct Payer {
    pub(super) name: &'static str,
    ready: Ready,
    http: reqwest::Client,
    account: Value,
    _child: Child,
    _input: tokio::process::ChildStdin,
}

impl Payer {
    /// Starts one with a frozen clock and everything of its own below `folder`.
    pub(super) async fn start(
        program: &Path,
        name: &'static str,
        folder: &Path,
        more: &[&str],
    ) -> Result<Self> {
        let mut child = Command::new(program)
            .args(["serve", name, "--with-parent", "--dir"])
            .arg(folder.join(name))
            .arg("--ca-dir")
            .arg(folder.join("ca"))
            .args(more)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("starting {}", program.display()))?;
        let input = child.stdin.take().context("its input is piped")?;
        let stdout = child.stdout.take().context("its output is piped")?;
        let mut lines = BufReader::new(stdout).lines();
        let line = tokio::time::timeout(Duration::from_secs(60), lines.next_line()).await??;
        let line = line.with_context(|| format!("{name} ended before it was ready"))?;
        let ready: Ready = serde_json::from_str(&line).context("its ready line")?;
        let world = std::fs::read(repository().join("tests/world/world.json"))?;
        let world: Value = serde_json::from_slice(&world)?;
        let mut accounts = world["accounts"].as_array().into_iter().flatten();
        let own = accounts.find(|one| one["payer"] == name && one["id"] == "auto01");
        let account = own.context("no account")?.clone();
        let pem = std::fs::read(&ready.ca)?;
        let http = reqwest::Client::builder()
            .tls_certs_merge([reqwest::Certificate::from_pem(&pem)?])
            .resolve(&ready.mail.host, ready.mail.addr)
            .build()?;
        Ok(Self { name, ready, http, account, _child: child, _input: input })
    }

    /// What its host names are answered with.
    pub(super) fn hosts(&self) -> impl Iterator<Item = (String, SocketAddr)> + '_ {
        self.ready.hosts.iter().map(|(host, at)| (host.clone(), *at))
    }

    /// The certificate to trust.
    pub(super) fn ca(&self) -> &Path {
        &self.ready.ca
    }

    /// Which rendering new portal sessions get: `{"skin": "v2"}` or `{"mixed": 0.3}`.
    pub(super) async fn skin(&self, wanted: &Value) -> Result<()> {
        self.call(Method::PUT, &format!("{}/skin", self.name), wanted).await.map(drop)
    }

    /// What the walks and scripts need to find: everybody signed out, one way of signing in, and a request that was granted.
    /// Its number. `day`: of service.
    pub(super) async fn prepare(&self, day: &str) -> Result<String> {
        self.sign_all_out().await?;
        if self.name == "planbridge" {
            let knob = json!({"login_second": "question"});
            self.call(Method::PUT, &format!("{}/knobs", self.name), &knob).await?;
        }
        let (member, plan, code) = match self.name {
            "crestline" => ("W100000001", "CLM", "70551"),
            "verity" => ("W100000002", "CLM", "70551"),
            "larkfield" => ("L200000006", "LKN", "70551"),
            "harbor" => ("9000000010", "HSM", "70551"),
            "planbridge" => ("XPB300000012", "PBR", "70551"),
            _ => ("R400000014", "RXB", "J1745"),
        };
        let filing = json!({"memberId": member, "plan": plan, "requestingNpi": "1234567893",
            "servicingNpi": "1234567893", "diagnoses": ["K50.90"], "requestType": "Outpatient",
            "sixWeeksOfTherapy": true,
            "lines": [{"code": code, "units": 1, "from": day, "to": day}]});
        let cases = format!("{}/cases", self.name);
        let filed = self.call(Method::POST, &cases, &json!({"filing": filing})).await?;
        let case = filed["case"].as_str().context("no case was filed")?.to_owned();
        let act = json!({"act": "approve"});
        self.call(Method::POST, &format!("{cases}/{case}/act"), &act).await?;
        let first = filed["numbers"].as_array().and_then(|all| all.first());
        let number = first.and_then(|one| one["value"].as_str());
        Ok(number.unwrap_or(&case).to_owned())
    }

    /// Ends every portal session.
    pub(super) async fn sign_all_out(&self) -> Result<()> {
        self.call(Method::POST, &format!("{}/sessions/end", self.name), &json!({})).await.map(drop)
    }

    /// Moves its clock; its time afterwards, Unix seconds.
    async fn advance(&self, by: &str) -> Result<u64> {
        let told = self.call(Method::POST, "clock", &json!({"advance": by})).await?;
        let now: jiff::Timestamp = told["now"].as_str().context("no time")?.parse()?;
        Ok(u64::try_from(now.as_second())?)
    }

    async fn call(&self, method: Method, path: &str, body: &Value) -> Result<Value> {
        let call = self.http.request(method, format!("{}/{path}", self.ready.ctl));
        let call = call.header("content-type", "application/json").body(body.to_string());
        let answer = call.bearer_auth(&self.ready.bearer).send().await?;
        let (status, text) = (answer.status(), answer.text().await?);
        ensure!(status.is_success(), "{} {path}: {status} {text}", self.name);
        Ok(serde_json::from_str(&text).unwrap_or_default())
    }

    /// A value a walk names: `user`, `password`, `answer`, `otp` (each a new one), `mail`, `link`.
    pub(super) async fn value(&self, name: &str) -> Result<String> {
        let own = |field: &str| self.account[field].as_str().unwrap_or_default().to_owned();
        Ok(match name {
            "user" => own("id"),
            "email" => own("email"),
            "otp" => {
                let now = self.advance("PT31S").await?;
                let seed = totp_rs::Secret::try_from_base32(own("totp_seed"));
                let seed = seed.map_err(|_| anyhow::anyhow!("the seed is not Base32"))?;
                let totp = totp_rs::Builder::new().with_secret(seed).with_step_duration(30);
                totp.build_noncompliant().generate(now).to_string()
            }
            "mail" => {
                let text = self.newest_mail().await?;
                text.split(|c: char| !c.is_ascii_digit())
                    .find(|d| d.len() == 6)
                    .unwrap_or("")
                    .to_owned()
            }
            "link" => {
                let text = self.newest_mail().await?;
                let from = text.find("https://").context("no link in the mail")?;
                text[from..].split_whitespace().next().unwrap_or("").to_owned()
            }
            other => own(other),
        })
    }

    async fn newest_mail(&self) -> Result<String> {
        let mail = &self.ready.mail;
        let to = self.account["email"].as_str().unwrap_or_default();
        let url = format!("https://{}:{}/boxes/{to}/messages", mail.host, mail.addr.port());
        let text = self.http.get(url).bearer_auth(&mail.bearer).send().await?.text().await?;
        let told: Value = serde_json::from_str(&text)?;
        let newest = told["messages"].as_array().and_then(|all| all.last());
        Ok(newest.context("no mail came")?["text"].as_str().unwrap_or_default().to_owned())
    }

    /// `HOST=ADDR:PORT,…` for a program of ours.
    pub(super) fn map(&self) -> String {
        let mut all: Vec<String> = self.hosts().map(|(host, at)| format!("{host}={at}")).collect();
        all.push(format!("{}={}", self.ready.mail.host, self.ready.mail.addr));
        all.join(",")
    }

    /// The secrets file of a person at a desk, for a script of this payer.
    pub(super) fn secrets(&self) -> String {
        let own = |field: &str| self.account[field].as_str().unwrap_or_default().to_owned();
        let mail = &self.ready.mail;
        let boxes =
            format!("https://reader:{}@{}/boxes/{}/messages", mail.bearer, mail.host, own("email"));
        let (user, code) = match self.name {
            "verity" => (own("id"), boxes),
            "rxbright" => (own("email"), boxes),
            _ => (own("id"), own("totp_seed")),
        };
        format!(
            "user = \"{user}\"\npassword = \"{}\"\nanswer = \"{}\"\npin = \"{}\"\ncode = \"{code}\"\n",
            own("password"),
            own("answer"),
            own("pin")
        )
    }
}
