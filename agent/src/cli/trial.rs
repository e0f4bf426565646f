//! `agent try`: runs one script against a portal from the command line.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
};

use domain::{
    drift::healed_nothing,
    fleet::Limits,
    lease::Purpose,
    outcome::{Failure, FailureKind},
    script::{Bundle, Level, ast::HostUse, check_script},
    step::Step,
    wire::End,
};
use serde_json::{Value, json};

use super::{browser_options::BrowserOptions, exit, print, script, tell};
use crate::{
    browser::Browser,
    channel::{
        Errand, ReadingRules,
        portal::{self, CommitState, Finished, Session, SessionOf, heal::Prints},
    },
    clock,
    mailbox::Post,
    mask::Masker,
    observe::Observer,
    polite::Pace,
    scripts_on_disk::ScriptFolder,
    trial::{Desk, Secrets, doors},
};

/// Options of `agent try`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example: agent try scripts/harbor/submit.yaml --input request.json --secrets secrets.toml"
)]
pub struct Try {
    /// The script.
    pub script: PathBuf,
    /// The inputs, JSON in the shape of `needs` (or a whole request: the script takes what it needs).
    #[arg(long, value_name = "FILE")]
    pub input: PathBuf,
    /// Secrets, `alias = "value"` per line, mode 0600; otherwise `AGENT_SECRET_<ALIAS>`.
    #[arg(long, value_name = "FILE")]
    pub secrets: Option<PathBuf>,
    /// Lets the commit happen; without it the run stops before, with the guard checked.
    #[arg(long)]
    pub commit: bool,
    /// Runs only the search that settles a doubt.
    #[arg(long)]
    pub reconcile: bool,
    /// One JSON object on standard output.
    #[arg(long)]
    pub json: bool,
    /// Where evidence goes.
    #[arg(long, value_name = "DIR", default_value = ".agent/out")]
    pub out: PathBuf,
    /// Where intents are remembered, so that a request is not sent twice.
    #[arg(long, value_name = "DIR", default_value = ".agent/journal")]
    pub journal: PathBuf,
    /// Reads everything from shown pages; otherwise a `fetch` is tried first and compared with the page.
    #[arg(long)]
    pub rendered: bool,
    /// What elements looked like: read before, so that lost ones can be healed or suggested, and written after an outcome.
    #[arg(long, value_name = "FILE")]
    pub prints: Option<PathBuf>,
    /// Least time between two page loads, milliseconds.
    #[arg(long, default_value_t = 0)]
    pub gap_ms: u64,
    /// The browser.
    #[command(flatten)]
    pub browser: BrowserOptions,
}

struct Prepared {
    bundle: Arc<Bundle>,
    inputs: Value,
    desk: Arc<Desk>,
}

/// Runs it; the exit code.
pub async fn run(options: &Try) -> u8 {
    let prepared = match prepare(options) {
        Ok(prepared) => prepared,
        Err(code) => return code,
    };
    match attempt(options, &prepared).await {
        Ok(finished) => report(options, &prepared, &finished),
        Err(why) => {
            tell(&why);
            exit::ERROR
        }
    }
}

fn prepare(options: &Try) -> Result<Prepared, u8> {
    let usage = |why: String| {
        tell(&why);
        exit::USAGE
    };
    let Some((folder, id)) = ScriptFolder::of(&options.script) else {
        return Err(usage(format!("{}: no such script", options.script.display())));
    };
    let findings = script::placed(check_script(&folder, &id), &folder);
    for finding in findings.iter().filter(|finding| finding.level == Level::Error) {
        script::show(finding, false);
    }
    if findings.iter().any(|finding| finding.level == Level::Error) {
        return Err(exit::CHECK_FAILED);
    }
    let bundle = Bundle::load(&folder, &id).map_err(|findings| {
        script::placed(findings, &folder).iter().for_each(|finding| script::show(finding, false));
        exit::CHECK_FAILED
    })?;
    let text = std::fs::read_to_string(&options.input)
        .map_err(|e| usage(format!("{}: {e}", options.input.display())))?;
    let inputs: Value = serde_json::from_str(&text)
        .map_err(|e| usage(format!("{}: not JSON ({e})", options.input.display())))?;
    let needs = &bundle.script.parts.needs;
    if let Err(faults) = needs.check(&needs.project(&inputs)) {
        faults.iter().for_each(|fault| tell(&format!("{}: {fault}", options.input.display())));
        return Err(exit::USAGE);
    }
    let secrets = match &options.secrets {
        Some(path) => Secrets::read(path).map_err(usage)?,
        None => Secrets::default(),
    };
    let kinds: BTreeMap<_, _> = bundle
        .script
        .parts
        .secrets
        .iter()
        .map(|(alias, kind)| (alias.short().to_owned(), *kind))
        .collect();
    if let Some(alias) = kinds.keys().find(|alias| !secrets.has(alias)) {
        return Err(usage(format!("there is no value for the secret `{alias}`")));
    }
    let beside = options.input.parent().unwrap_or(Path::new(".")).to_owned();
    let config = options.browser.config(None).map_err(usage)?;
    let host_rules = config.host_rules.into_iter().collect();
    let post = Post { host_rules, extra_ca: config.extra_ca };
    let desk =
        Desk::new(options.out.clone(), options.journal.clone(), beside, secrets, kinds, post)
            .map_err(|e| usage(format!("{}: {e}", options.out.display())))?;
    Ok(Prepared { bundle: Arc::new(bundle), inputs, desk: Arc::new(desk) })
}

/// What was remembered of the script's elements; nothing when the file is not there yet.
fn known_prints(options: &Try) -> Result<Prints, String> {
    let Some(path) = options.prints.as_ref().filter(|path| path.exists()) else {
        return Ok(Prints::new());
    };
    let text = std::fs::read_to_string(path).map_err(|e| format!("{}: {e}", path.display()))?;
    serde_json::from_str(&text).map_err(|e| format!("{}: {e}", path.display()))
}

/// Keeps what elements looked like, those of other scripts' steps included; never what was healed.
fn keep_prints(options: &Try, finished: &Finished) -> Result<(), String> {
    let Some(path) = &options.prints else { return Ok(()) };
    if !matches!(finished.end, Some(End::Outcome { .. })) || !healed_nothing(&finished.drift) {
        return Ok(());
    }
    let mut all = known_prints(options)?;
    all.extend(finished.prints.clone());
    let text = serde_json::to_string_pretty(&all).map_err(|e| e.to_string())?;
    std::fs::write(path, text + "\n").map_err(|e| format!("{}: {e}", path.display()))
}

async fn attempt(options: &Try, prepared: &Prepared) -> Result<Finished, String> {
    let parts = &prepared.bundle.script.parts;
    let timezone = parts.defaults.timezone.as_ref().map(|zone| zone.text.as_str());
    let config = options.browser.config(timezone)?;
    let browser = Browser::launch(config).await.map_err(|e| e.to_string())?;
    let payer = prepared.bundle.script.payer().to_owned();
    let of = SessionOf { payer, account: "desk".to_owned() };
    let mut session = Session::open(&browser, of).await.map_err(|e| e.to_string())?;
    let folder = tempfile::tempdir().map_err(|e| e.to_string())?;
    let errand = Errand {
        bundle: Arc::clone(&prepared.bundle),
        inputs: prepared.inputs.clone(),
        purpose: if options.reconcile { Purpose::Reconcile } else { Purpose::Work },
        login_origins: login_origins(&prepared.bundle),
        intent_opened_at: options.reconcile.then(clock::now),
        begun_before: false,
        may_commit: options.commit,
        reading: ReadingRules { allowed: !options.rendered, last: None, draw: 0 },
        prints: known_prints(options)?,
        remembers: options.prints.is_some(),
        folder: folder.path().to_owned(),
    };
    let limits = Limits {
        sessions_max: 1,
        gap_ms: options.gap_ms,
        pages_per_minute: 600,
        logins_per_hour_max: 60,
    };
    let mut pace = Pace::new(&limits);
    let masker = Masker::for_inputs(&prepared.inputs);
    let doors = doors(&prepared.desk);
    let mut observe = Observer::new(Arc::clone(&doors), masker, true);
    let finished =
        portal::run(&errand, Arc::clone(&doors), &mut observe, &mut session, &mut pace).await;
    if let Err(why) = keep_prints(options, &finished) {
        tell(&why);
    }
    if let Err(denied) = observe.settled().await {
        tell(&format!("evidence is missing: {denied}"));
    }
    portal::leave(&errand, doors, &mut observe, &mut session, &mut pace).await;
    session.close().await;
    browser.close().await;
    Ok(finished)
}

/// At a desk the script's own `login` hosts stand in for the payer's profile.
fn login_origins(bundle: &Bundle) -> Vec<String> {
    bundle
        .script
        .hosts
        .iter()
        .filter(|(_, usage)| **usage == HostUse::Login)
        .map(|(host, _)| format!("https://{host}"))
        .collect()
}

fn report(options: &Try, prepared: &Prepared, finished: &Finished) -> u8 {
    let steps = prepared.desk.steps();
    let state = match finished.commit {
        CommitState::None => "none",
        CommitState::Stopped => "stopped",
        CommitState::NotSent => "not_sent",
        CommitState::Confirmed => "confirmed",
        CommitState::InDoubt => "in_doubt",
    };
    if let Err(error) = prepared.desk.close_entry(state) {
        tell(&format!("the journal could not be written: {error}"));
    }
    let (outcome, raised, code) = match &finished.end {
        Some(End::Outcome { outcome, .. }) => (
            json!({"answer": outcome.answer, "raw_words": outcome.raw_words, "references": outcome.references,
                    "facts": outcome.facts}),
            Value::Null,
            exit::DONE,
        ),
        Some(End::Finding { finding }) => (json!(finding), Value::Null, exit::DONE),
        Some(End::Failure { failure, candidates }) => {
            (Value::Null, raised(failure, candidates), code_of(failure))
        }
        None if finished.commit == CommitState::Stopped => (Value::Null, Value::Null, exit::DONE),
        None => (Value::Null, Value::Null, exit::ERROR),
    };
    let captures: BTreeMap<&str, Value> = finished
        .captured
        .iter()
        .map(|(name, value, by)| (name.as_str(), json!({"value": value, "read_by": by})))
        .collect();
    let result = json!({
        "script": {
            "id": prepared.bundle.script.id.text,
            "revision": prepared.bundle.script.revision,
            "sha256": prepared.bundle.hash(),
        },
        "outcome": outcome,
        "raised": raised,
        "captures": captures,
        "commit": {"state": state},
        "reading": finished.reading.word(),
        "drift": finished.drift,
        "logins": finished.logins,
        "steps": steps.iter().map(step).collect::<Vec<_>>(),
        "evidence": options.out.display().to_string(),
    });
    if options.json {
        print(&result.to_string());
    } else {
        print(
            &serde_json::to_string_pretty(&json!({
                "outcome": result["outcome"], "raised": result["raised"],
                "captures": result["captures"], "commit": result["commit"],
            }))
            .unwrap_or_default(),
        );
        tell(&format!("pictures of every step: {}", options.out.display()));
    }
    code
}

fn raised(failure: &Failure, candidates: &[String]) -> Value {
    json!({
        "name": failure.name,
        "failure": failure.kind,
        "step": failure.step,
        "source": failure.source,
        "say": failure.say,
        "detail": failure.detail,
        "candidates": candidates,
    })
}

fn step(step: &Step) -> Value {
    json!({
        "index": step.index,
        "name": step.name,
        "kind": step.kind,
        "effect": step.effect,
        "state": step.state,
        "source": step.source,
        "ms": step.ended_ms.map(|end| end - step.started_ms),
        "retries": step.retries,
    })
}

fn code_of(failure: &Failure) -> u8 {
    match (failure.name.as_str(), failure.kind) {
        ("already_submitted" | "guard_failed", _) => exit::REFUSED,
        ("out_of_time", _) => exit::OUT_OF_TIME,
        ("bad_input", _) => exit::USAGE,
        (_, FailureKind::PortalDown) => exit::UNREACHABLE,
        _ => exit::NEEDS_PERSON,
    }
}
