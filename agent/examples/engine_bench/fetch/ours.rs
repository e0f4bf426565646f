//! Our side as a process: one browser, a kept portal session at each payer, and the interpreter of the fleet. Evidence is written
//! durably into a folder, as at a desk.

use std::{
    collections::BTreeMap,
    io::Write as _,
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
    sync::Arc,
    time::Instant,
};

use agent::{
    browser::{Browser, LaunchConfig},
    channel::{
        Doors, Errand, ReadingRules,
        portal::{self, Finished, Session, SessionOf},
    },
    mailbox::Post,
    mask::Masker,
    observe::Observer,
    polite::Pace,
    scripts_on_disk::ScriptFolder,
    trial::{Desk, Secrets},
};
use anyhow::{Context as _, Result};
use domain::{
    fleet::Limits,
    lease::Purpose,
    outcome::Outcome,
    script::{Bundle, ast::HostUse},
    wire::End,
};
use serde_json::{Value, json};

use crate::repository;

/// A payer with its kept session.
struct Place {
    session: Session,
    secrets: PathBuf,
    post: (BTreeMap<String, std::net::SocketAddr>, PathBuf),
    desk: Option<Arc<Desk>>,
}

struct Ours {
    folder: PathBuf,
    places: BTreeMap<String, Place>,
    bundles: BTreeMap<String, Arc<Bundle>>,
    /// Script and inputs → the last answer.
    last: BTreeMap<String, Outcome>,
    pace: Pace,
}

/// Answers questions until there are none.
pub(crate) async fn answer_checks() -> Result<()> {
    // Nothing else is done while a question is waited for.
    let mut lines = std::io::stdin().lines();
    let plan: Value = serde_json::from_str(&lines.next().context("no plan")??)?;
    let (browser, mut ours) = begin(&plan).await?;
    println!("{}", json!({"ready": true}));
    for line in lines {
        let question: Value = serde_json::from_str(&line?)?;
        let answer = match ours.check(&question).await {
            Ok(answer) => answer,
            Err(error) => json!({"error": format!("{error:#}")}),
        };
        println!("{answer}");
    }
    for (_, place) in ours.places {
        place.session.close().await;
    }
    browser.close().await;
    Ok(())
}

async fn begin(plan: &Value) -> Result<(Browser, Ours)> {
    let folder = PathBuf::from(plan["folder"].as_str().context("no folder")?);
    std::fs::create_dir_all(&folder)?;
    let payers = plan["payers"].as_array().context("no payers")?;
    let mut host_rules = Vec::new();
    let mut ca = None;
    for payer in payers {
        for (host, at) in payer["hosts"].as_object().into_iter().flatten() {
            host_rules.push((host.clone(), at.as_str().unwrap_or_default().parse()?));
        }
        ca = payer["ca"].as_str().map(PathBuf::from).or(ca);
    }
    let ca = ca.context("no authority")?;
    let config = LaunchConfig {
        host_rules,
        only_listed_hosts: true,
        extra_ca: Some(ca.clone()),
        ..LaunchConfig::default()
    };
    let browser = Browser::launch(config).await?;
    let mut places = BTreeMap::new();
    for payer in payers {
        let slug = payer["slug"].as_str().context("no slug")?.to_owned();
        let account = payer["account"]["id"].as_str().unwrap_or_default().to_owned();
        let session = Session::open(&browser, SessionOf { payer: slug.clone(), account }).await?;
        let secrets = folder.join(format!("{slug}.toml"));
        write_secrets(&secrets, payer)?;
        let mail = &payer["mail"];
        let text = |key: &str| mail[key].as_str().unwrap_or_default().to_owned();
        let rules = BTreeMap::from([(text("host"), text("addr").parse()?)]);
        places.insert(slug, Place { session, secrets, post: (rules, ca.clone()), desk: None });
    }
    let limits =
        Limits { sessions_max: 1, gap_ms: 0, pages_per_minute: 60_000, logins_per_hour_max: 1_000 };
    let (bundles, last, pace) = (BTreeMap::new(), BTreeMap::new(), Pace::new(&limits));
    Ok((browser, Ours { folder, places, bundles, last, pace }))
}

fn write_secrets(path: &Path, payer: &Value) -> Result<()> {
    let account = &payer["account"];
    let of = |key: &str| account[key].as_str().map(str::to_owned);
    let mail = &payer["mail"];
    let mailbox = format!(
        "https://reader:{}@{}/boxes/{}/messages",
        mail["bearer"].as_str().unwrap_or_default(),
        mail["host"].as_str().unwrap_or_default(),
        of("email").unwrap_or_default()
    );
    let values = [
        ("user", of("id")),
        ("password", of("password")),
        ("answer", of("answer")),
        ("code", of("totp_seed").or(Some(mailbox))),
    ];
    let mut file = std::fs::OpenOptions::new();
    let mut file = file.write(true).create(true).truncate(true).mode(0o600).open(path)?;
    for (alias, value) in values {
        if let Some(value) = value {
            writeln!(file, "{alias} = \"{value}\"")?;
        }
    }
    Ok(())
}

impl Ours {
    fn bundle(&mut self, id: &str) -> Result<Arc<Bundle>> {
        if let Some(bundle) = self.bundles.get(id) {
            return Ok(Arc::clone(bundle));
        }
        let scripts = ScriptFolder::new(&repository().join("scripts"));
        let bundle = Bundle::load(&scripts, id).map_err(|findings| {
            let all: String = findings.iter().map(domain::script::Finding::render).collect();
            anyhow::Error::msg(all)
        })?;
        let bundle = Arc::new(bundle);
        self.bundles.insert(id.to_owned(), Arc::clone(&bundle));
        Ok(bundle)
    }

    async fn check(&mut self, question: &Value) -> Result<Value> {
        let text = |key: &str| question[key].as_str().unwrap_or_default();
        let (payer, script, how) = (text("payer"), text("script"), text("how"));
        let inputs = question["inputs"].clone();
        let key = format!("{script} {inputs}");
        let bundle = self.bundle(script)?;
        let last = self.last.get(&key).filter(|_| how == "fetch").cloned();
        let place = self.places.get_mut(payer).context("no such payer")?;
        let doors: Arc<dyn Doors> = place.desk(&bundle, &self.folder)?;
        let folder = tempfile::tempdir_in(&self.folder)?;
        let hosts = bundle.script.hosts.iter().filter(|(_, used)| **used == HostUse::Login);
        let errand = Errand {
            login_origins: hosts.map(|(host, _)| format!("https://{host}")).collect(),
            bundle,
            inputs: inputs.clone(),
            purpose: Purpose::Work,
            reading: ReadingRules { allowed: how != "shown", last, draw: 1 },
            intent_opened_at: None,
            may_commit: false,
            folder: folder.path().to_owned(),
            prints: portal::heal::Prints::new(),
            remembers: false,
            begun_before: false,
        };
        let mut observe = Observer::new(Arc::clone(&doors), Masker::for_inputs(&inputs), true);
        let began = Instant::now();
        let finished =
            portal::run(&errand, doors, &mut observe, &mut place.session, &mut self.pace).await;
        observe.settled().await?;
        let ms = began.elapsed().as_secs_f64() * 1000.0;
        place.session.rest();
        if let Some(End::Outcome { outcome, .. }) = &finished.end {
            self.last.insert(key, outcome.clone());
        }
        Ok(told(&finished, ms, place))
    }
}

impl Place {
    fn desk(&mut self, bundle: &Bundle, folder: &Path) -> Result<Arc<Desk>> {
        if let Some(desk) = &self.desk {
            return Ok(Arc::clone(desk));
        }
        let kinds = bundle.script.parts.secrets.iter();
        let kinds = kinds.map(|(alias, kind)| (alias.short().to_owned(), *kind)).collect();
        let secrets = Secrets::read(&self.secrets).map_err(anyhow::Error::msg)?;
        let (host_rules, ca) = self.post.clone();
        let post = Post { host_rules, extra_ca: Some(ca) };
        let (out, journal) = (folder.join("evidence"), folder.join("journal"));
        let desk = Desk::new(out, journal, folder.to_owned(), secrets, kinds, post)?;
        Ok(Arc::clone(self.desk.insert(Arc::new(desk))))
    }
}

/// What the attempt gave; `why` says what kept it from being fetched.
fn told(finished: &Finished, ms: f64, place: &Place) -> Value {
    let mut told = json!({
        "ms": ms, "reading": finished.reading.word(), "drift": finished.drift,
        "logins": finished.logins,
    });
    match &finished.end {
        Some(End::Outcome { outcome, .. }) => {
            told["answer"] = json!(outcome.answer);
            told["raw_words"] = json!(outcome.raw_words);
            told["facts"] = json!(outcome.facts);
        }
        Some(End::Failure { failure, .. }) => {
            let step = failure.step.as_deref().unwrap_or_default();
            told["error"] = json!(format!("{} in {step}: {}", failure.name, failure.detail));
        }
        Some(End::Finding { .. }) | None => told["error"] = json!("no end"),
    }
    let steps = place.desk.as_ref().map(|desk| desk.steps()).unwrap_or_default();
    let log = steps.iter().flat_map(|step| &step.log);
    let why: Vec<String> = log
        .map(|line| line.text.clone())
        .filter(|line| line.starts_with("read from the shown page instead"))
        .collect();
    told["why"] = json!(why);
    told
}
