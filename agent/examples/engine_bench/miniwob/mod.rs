//! MiniWoB++: pages of the PyPI package `miniwob`, every task by every engine, with the same seeds, in turns, on the same Chromium.
//! Quiet, and hostile in ways that are the same for everybody (`tests/miniwob/page.js`).

mod ours;
mod peer;
mod report;
mod site;
mod task;

use std::{path::PathBuf, time::Duration};

use anyhow::{Context as _, Result, ensure};
use clap::Args;
use serde_json::{Value, json};

use crate::{repository, tree::TreeWatch};
use ours::Ours;
pub(crate) use peer::Peer;
use report::{Episode, Figures};
use site::Site;
use task::Task;

/// How to run it.
#[derive(Args)]
#[group(id = "miniwob")]
pub(crate) struct Options {
    /// Folder with the package's pages
    #[arg(long, default_value = "target/miniwob/miniwob/html")]
    pages: PathBuf,
    /// Tasks, all when none is named
    #[arg(long, value_delimiter = ',')]
    tasks: Vec<String>,
    /// Episodes of each task
    #[arg(long, default_value_t = 10)]
    seeds: u64,
    /// First seed
    #[arg(long, default_value_t = 0)]
    first_seed: u64,
    /// `quiet`, `hostile` (all of the following at once), `cpu`, `delay`, `rerender`, `overlay`, `moving`
    #[arg(long, value_delimiter = ',', default_values_t = ["quiet".to_owned(), "hostile".to_owned()])]
    modes: Vec<String>,
    /// Engines
    #[arg(long, value_delimiter = ',', value_parser = ENGINES, default_values_t = ENGINES.map(str::to_owned))]
    engines: Vec<String>,
    /// Tell every episode
    #[arg(long)]
    verbose: bool,
}

const ENGINES: [&str; 3] = ["ours", "playwright", "puppeteer"];
/// How slow the processor is in hostile modes.
const SLOW: f64 = 6.0;
/// How long an episode's page may take to be ready.
const READY: Duration = Duration::from_secs(30);
/// How long after the last step the page may take to say that it is done.
const DONE: Duration = Duration::from_secs(10);

/// What an engine says of a run of steps.
pub(crate) struct Did {
    /// Epoch milliseconds.
    pub(crate) began: f64,
    pub(crate) ended: f64,
    /// What the steps read.
    pub(crate) read: Value,
    /// Commands sent to the browser, where it is known.
    commands: Option<u64>,
}

#[expect(clippy::large_enum_variant, reason = "three of them in all")]
enum Engine {
    Ours(Box<Ours>),
    Peer(Peer),
}

impl Engine {
    async fn start(name: &str, site: &Site) -> Result<Self> {
        Ok(match name {
            "ours" => Self::Ours(Box::new(Ours::start(site).await?)),
            peer => Self::Peer(Peer::start_at(peer, site::HOST, site.at).await?),
        })
    }

    fn browser(&self) -> u32 {
        match self {
            Self::Ours(ours) => ours.browser(),
            Self::Peer(peer) => peer.browser(),
        }
    }

    async fn open(&mut self, url: &str, slow: Option<f64>) -> Result<()> {
        match self {
            Self::Ours(ours) => ours.open(url, slow).await,
            Self::Peer(peer) => peer.open(url, slow).await,
        }
    }

    async fn steps(&mut self, name: &str, inputs: &Value) -> Result<Did> {
        match self {
            Self::Ours(ours) => ours.steps(name, inputs).await,
            Self::Peer(peer) => peer.steps(name, inputs).await,
        }
    }

    async fn shut(&mut self) -> Result<()> {
        match self {
            Self::Ours(ours) => ours.shut().await,
            Self::Peer(peer) => peer.shut().await,
        }
    }

    async fn end(self) {
        match self {
            Self::Ours(ours) => ours.end().await,
            Self::Peer(peer) => peer.end().await,
        }
    }
}

/// Measures; gives the figures per mode and engine.
pub(crate) async fn measure(options: &Options) -> Result<Value> {
    let pages = repository().join(&options.pages);
    ensure!(
        pages.join("miniwob").is_dir(),
        "no pages in {}: `make bench-engine` takes them from PyPI",
        pages.display()
    );
    let mut tasks = Task::all()?;
    for name in &options.tasks {
        ensure!(tasks.iter().any(|task| task.name == *name), "no task is called `{name}`");
    }
    tasks.retain(|task| options.tasks.is_empty() || options.tasks.contains(&task.name));
    let site = Site::serve(pages).await?;
    let mut engines = Vec::new();
    for name in &options.engines {
        let engine =
            Engine::start(name, &site).await.with_context(|| format!("starting {name}"))?;
        engines.push((name.as_str(), engine));
    }
    let mut out = json!({});
    for mode in &options.modes {
        out[mode] = one_mode(options, mode, &tasks, &site, &mut engines).await?;
    }
    for (_, engine) in engines {
        engine.end().await;
    }
    Ok(out)
}

async fn one_mode(
    options: &Options,
    mode: &str,
    tasks: &[Task],
    site: &Site,
    engines: &mut [(&str, Engine)],
) -> Result<Value> {
    let slow = matches!(mode, "cpu" | "hostile").then_some(SLOW);
    let hostile = match mode {
        "quiet" | "cpu" => "",
        "hostile" => "delay,rerender,overlay,moving",
        one @ ("delay" | "rerender" | "overlay" | "moving") => one,
        other => anyhow::bail!("no mode is called `{other}`"),
    };
    let mut figures: Vec<Figures> = engines.iter().map(|_| Figures::default()).collect();
    let watches: Vec<TreeWatch> =
        engines.iter().map(|(_, engine)| TreeWatch::begin(vec![engine.browser()])).collect();
    let count = engines.len();
    for task in tasks {
        for n in 0..options.seeds {
            let seed = options.first_seed + n;
            for turn in 0..count {
                // Whoever goes first meets a colder machine: the order rotates.
                let which = (turn + usize::try_from(n)?) % count;
                let (name, engine) = &mut engines[which];
                let episode = episode(engine, site, task, seed, hostile, slow).await;
                if options.verbose || episode.why.is_some() {
                    println!("{mode} {name} {} {seed}: {episode}", task.name);
                }
                figures[which].add(task, seed, episode);
            }
        }
    }
    let mut out = json!({});
    for ((name, _), (mut figures, watch)) in engines.iter().zip(figures.into_iter().zip(watches)) {
        figures.cpu_s = watch.end().await.cpu_s;
        println!("{mode:8} {name:10} {figures}");
        out[*name] = figures.json();
    }
    Ok(out)
}

async fn episode(
    engine: &mut Engine,
    site: &Site,
    task: &Task,
    seed: u64,
    hostile: &str,
    slow: Option<f64>,
) -> Episode {
    let mut episode = Episode::default();
    if let Err(error) = played(engine, site, task, seed, hostile, slow, &mut episode).await {
        episode.why = Some(format!("{error:#}"));
    }
    if let Err(error) = engine.shut().await {
        episode.why.get_or_insert(format!("the page did not close: {error:#}"));
    }
    episode
}

#[expect(clippy::too_many_arguments, reason = "what an episode is, once")]
async fn played(
    engine: &mut Engine,
    site: &Site,
    task: &Task,
    seed: u64,
    hostile: &str,
    slow: Option<f64>,
    episode: &mut Episode,
) -> Result<()> {
    let (url, mut told) = site.episode(&task.name, seed, hostile);
    engine.open(&url, slow).await.context("opening")?;
    let ready = told.ready(READY).await.context("the page did not get ready")?;
    let mut inputs = task.inputs(&ready)?;
    let first = engine.steps(&task.name, &inputs).await?;
    let mut spent = first.ended - first.began;
    let mut last = first;
    episode.commands = last.commands;
    if let Some(then) = &task.then {
        if let Some(pause) = then.pause(&inputs)? {
            // A part of the task, the same for everybody.
            tokio::time::sleep(pause).await;
        }
        then.pick(&last.read, &mut inputs)?;
        last = engine.steps(&then.run, &inputs).await?;
        spent += last.ended - last.began;
        episode.commands = episode.commands.zip(last.commands).map(|(a, b)| a + b);
    }
    let done = told.done(DONE).await.context("the page is not done")?;
    episode.ms = spent + (done.at - last.ended).max(0.0);
    ensure!(done.raw > 0.0, "reward {}", done.raw);
    Ok(())
}
