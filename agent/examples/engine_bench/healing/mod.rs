//! Healing, by numbers: the simulated payers' pages in both renderings, and the older ones changed in every way of a list; what the
//! engine remembers of each control there is looked for again by the engine and by other methods. Which node is the right one
//! is known outside the document only.
//!
//! Half of operators × payers may be used for tuning, half is only scored: see [`half`].

mod figures;
mod first;
mod lookup;
mod payers;
mod scripts;
mod shots;
mod walk;

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
};

use agent::{
    browser::{Browser, Context, LaunchConfig},
    channel::portal::heal::score::Fingerprint,
    mask::Masker,
};
use anyhow::{Context as _, Result, ensure};
use clap::Args;
use serde_json::{Value, json};

use figures::Figures;
use lookup::{Asked, Eyes, Known};
use payers::{Control, PAYERS, Payer, Place};
use shots::{Captured, Server};
use walk::Walk;

/// How to run it.
#[derive(Args)]
#[group(id = "healing")]
pub(crate) struct Options {
    /// The simulated payers' program; otherwise `payer` beside this program's folder
    #[arg(long)]
    payer_program: Option<PathBuf>,
    /// The agent's program; otherwise `agent` beside this program's folder
    #[arg(long)]
    agent_program: Option<PathBuf>,
    /// Payers
    #[arg(long, value_delimiter = ',', default_values_t = PAYERS.map(str::to_owned))]
    payers: Vec<String>,
    /// Operators
    #[arg(long, value_delimiter = ',', default_values_t = OPERATORS.map(str::to_owned))]
    operators: Vec<String>,
    /// Leave out the status scripts on redesigned pages
    #[arg(long)]
    no_scripts: bool,
    /// Only the status scripts
    #[arg(long)]
    only_scripts: bool,
    /// Keep a picture of each of the payers' pages here, named by payer and rendering
    #[arg(long)]
    shots: Option<PathBuf>,
    /// Tell everything that was not right
    #[arg(long)]
    tell: bool,
}

/// Changes to the pages (`tests/healing/page.js`), and `v2`: the payer's own redesign.
const OPERATORS: [&str; 25] = [
    "v2",
    "ids",
    "hooks",
    "wrap",
    "unwrap",
    "reorder",
    "accordion",
    "modal",
    "iframe",
    "shadow",
    "kind",
    "aria",
    "placeholder",
    "floating",
    "star",
    "colon",
    "help",
    "upper",
    "synonyms",
    "twin",
    "removed",
    "paginate",
    "locale",
    "delay",
    "overlay",
];
/// A day after the one the payers' clocks stand at.
const SERVICE_DAY: &str = "2026-03-09";
/// How many controls are put beside a page's own for the measure of time.
const CLUTTER: u64 = 2_000;

/// Which half an operator at a payer belongs to. Redesigns: the first payers are for tuning.
fn half(op: &str, payer: &str) -> &'static str {
    let at = |list: &[&str], one: &str| list.iter().position(|other| *other == one).unwrap_or(0);
    let payer = at(&PAYERS, payer);
    let tuning = match op {
        "v2" => matches!(payer, 0 | 1 | 3),
        "clutter" => false,
        _ => (at(&OPERATORS, op) + payer).is_multiple_of(2),
    };
    if tuning { "tuning" } else { "scored" }
}

/// A payer's pages.
struct Seen {
    payer: &'static str,
    v1: Vec<Arc<Captured>>,
    v2: Vec<Arc<Captured>>,
}

/// Measures; gives the figures.
pub(crate) async fn measure(options: &Options) -> Result<Value> {
    let beside = std::env::current_exe()?;
    let beside = beside.parent().and_then(Path::parent).context("a program lies somewhere")?;
    let program = |given: &Option<PathBuf>, name: &str| {
        let path = given.clone().unwrap_or_else(|| beside.join(name));
        ensure!(path.is_file(), "no {}: `make bench-engine` builds it", path.display());
        Ok(path)
    };
    let payer_program = program(&options.payer_program, "payer")?;
    let mut out = json!({});
    if !options.only_scripts {
        out = elements(options, &payer_program).await?;
    }
    if !options.no_scripts {
        let agent = program(&options.agent_program, "agent")?;
        out["scripts"] = scripts::check(&payer_program, &agent, &options.payers).await?;
    }
    Ok(out)
}

async fn elements(options: &Options, program: &Path) -> Result<Value> {
    let folder = tempfile::tempdir()?;
    let server = Server::start().await?;
    let mut running = Vec::new();
    for name in PAYERS {
        if options.payers.iter().any(|wanted| wanted == name) {
            running.push(Payer::start(program, name, folder.path(), &[]).await?);
        }
    }
    let first = running.first().context("no payer is named")?;
    let mut host_rules = vec![(shots::HOST.to_owned(), server.at)];
    host_rules.extend(running.iter().flat_map(|payer| payer.hosts().collect::<Vec<_>>()));
    let config = LaunchConfig {
        host_rules,
        only_listed_hosts: true,
        extra_ca: Some(first.ca().to_owned()),
        ..LaunchConfig::default()
    };
    let browser = Browser::launch(config).await?;
    let mut seen = Vec::new();
    for payer in &running {
        seen.push(captured(&browser, payer, options.shots.as_deref()).await?);
    }
    let context = browser.new_context().await?;
    let page = context.new_page().await?;
    let mut figures = Figures::default();
    let mut pages = json!({});
    for of in &seen {
        let firsts = first::strategies(of.payer)?;
        let masker = Masker::for_inputs(&json!({}));
        let eyes = Eyes { server: &server, page: &page, masker, firsts };
        let counts = one_payer(options, &eyes, of, &mut figures).await?;
        pages[of.payer] = counts;
        println!("healing: {} is done, so far:", of.payer);
        figures.print_totals();
    }
    browser.close().await;
    figures.print();
    let mut out = figures.json();
    out["pages"] = pages;
    Ok(out)
}

async fn captured(browser: &Browser, payer: &Payer, shots: Option<&Path>) -> Result<Seen> {
    let key = payers::key(payer.name)?;
    let mut seen = Seen { payer: payer.name, v1: Vec::new(), v2: Vec::new() };
    for skin in ["v1", "v2"] {
        payer.skin(&json!({"skin": skin})).await?;
        let number = payer.prepare(SERVICE_DAY).await?;
        let context: Context = browser.new_context().await?;
        let mut walk = Walk::begin(payer, skin, &key, number, context.clone()).await?;
        if let Err(error) = walk.go().await {
            println!("healing: the walk ends early: {error:#}");
        }
        if let Some(folder) = shots {
            std::fs::create_dir_all(folder)?;
            for (n, (page, picture)) in std::mem::take(&mut walk.pictures).into_iter().enumerate() {
                let name = format!("{}-{skin}-{n:02}-{page}.png", payer.name);
                std::fs::write(folder.join(name), picture)?;
            }
        }
        let pages = std::mem::take(&mut walk.captured);
        println!("healing: {} {skin}: {} pages", payer.name, pages.len());
        if skin == "v1" {
            seen.v1 = pages
        } else {
            seen.v2 = pages
        }
        context.dispose().await?;
    }
    Ok(seen)
}

/// The controls of the key on a captured page, by element.
fn places(key: &[Control], skin: &str, page: &str) -> BTreeMap<String, Place> {
    let here = key.iter().filter_map(|control| {
        let (place, on) = control.at(skin)?;
        (on == page).then(|| (control.element.clone(), place.clone()))
    });
    here.collect()
}

async fn one_payer(
    options: &Options,
    eyes: &Eyes<'_>,
    seen: &Seen,
    figures: &mut Figures,
) -> Result<Value> {
    let key = payers::key(seen.payer)?;
    // What is remembered, by page of the key; and every element of the payer's scripts, as an attempt would know them.
    let mut known: BTreeMap<&str, Vec<Known>> = BTreeMap::new();
    let mut others: BTreeMap<String, Fingerprint> = BTreeMap::new();
    for captured in &seen.v1 {
        let places: Vec<(String, Place)> = places(&key, "v1", &captured.page).into_iter().collect();
        let on_page = known.entry(&captured.page).or_default();
        for one in eyes.remember(captured, &places).await? {
            others.insert(one.element.clone(), one.print.clone());
            if !on_page.iter().any(|old| old.element == one.element) {
                on_page.push(one);
            }
        }
    }
    let controls: usize = known.values().map(Vec::len).sum();
    let mut todo = Run { options, eyes, payer: seen.payer, key: &key, others: &others, figures };
    for op in options.operators.iter().filter(|op| *op != "v2") {
        for captured in &seen.v1 {
            todo.changed(op, captured, &known[captured.page.as_str()]).await?;
        }
    }
    if let Some(captured) = seen.v1.iter().max_by_key(|one| known[one.page.as_str()].len()) {
        let all = &known[captured.page.as_str()];
        todo.ask(
            Asked { captured, op: "none", seed: 1, target: None, clutter: CLUTTER },
            "clutter",
            "v1",
            all,
        )
        .await?;
    }
    if options.operators.iter().any(|op| op == "v2") {
        todo.redesigned(&seen.v2, &known).await?;
    }
    Ok(json!({"v1": seen.v1.len(), "v2": seen.v2.len(), "controls": controls}))
}

struct Run<'a, 'f> {
    options: &'a Options,
    eyes: &'a Eyes<'a>,
    payer: &'static str,
    key: &'a [Control],
    others: &'a BTreeMap<String, Fingerprint>,
    figures: &'f mut Figures,
}

impl Run<'_, '_> {
    async fn changed(&mut self, op: &str, captured: &Arc<Captured>, known: &[Known]) -> Result<()> {
        if known.is_empty() {
            return Ok(());
        }
        let seed = captured.page.bytes().map(u64::from).sum::<u64>() + 1;
        let asked = |target| Asked { captured, op, seed, target, clutter: 0 };
        if matches!(op, "twin" | "removed") {
            for one in known {
                self.ask(asked(Some(one.element.as_str())), op, "v1", known).await?;
            }
            return Ok(());
        }
        self.ask(asked(None), op, "v1", known).await
    }

    async fn ask(&mut self, asked: Asked<'_>, op: &str, skin: &str, known: &[Known]) -> Result<()> {
        let places = places(self.key, skin, &asked.captured.page);
        let looks = match self.eyes.look(&asked, known, &places, self.others).await {
            Ok(looks) => looks,
            Err(error) => {
                println!("healing: {} {} {op}: {error:#}", self.payer, asked.captured.page);
                return Ok(());
            }
        };
        let half = half(op, self.payer);
        for look in looks {
            let ours = look.verdicts.get("ours");
            let best = if op == "twin" || !look.present {
                lookup::Verdict::Nobody
            } else {
                lookup::Verdict::Right
            };
            // What is only scored is not looked into.
            if self.options.tell && half == "tuning" && ours != Some(&best) {
                println!(
                    "  {op} {} {} {}: {ours:?} {}",
                    self.payer, asked.captured.page, look.element, look.why
                );
            }
            self.figures.add(op, self.payer, half, &look);
        }
        Ok(())
    }

    /// The payer's own redesign: controls that are still there in a compatible role.
    async fn redesigned(
        &mut self,
        pages: &[Arc<Captured>],
        known: &BTreeMap<&str, Vec<Known>>,
    ) -> Result<()> {
        let mut done: Vec<(String, String)> = Vec::new();
        for captured in pages {
            let mut here: Vec<Known> = Vec::new();
            for control in self.key {
                let Some((place, page)) = control.at("v2") else { continue };
                let Some((_, page_before)) = control.at("v1") else { continue };
                let mark = (control.element.clone(), control.page.clone());
                let role_kept = |one: &&Known| {
                    one.element == control.element
                        && agent::channel::portal::heal::score::compatible(
                            &one.print.role,
                            &place.role,
                        )
                };
                let old = known.get(page_before).and_then(|all| all.iter().find(role_kept));
                if let Some(old) = old
                    && page == captured.page
                    && !done.contains(&mark)
                {
                    here.push(old.clone());
                    done.push(mark);
                }
            }
            if !here.is_empty() {
                let asked = Asked { captured, op: "none", seed: 1, target: None, clutter: 0 };
                self.ask(asked, "v2", "v2", &here).await?;
            }
        }
        Ok(())
    }
}
