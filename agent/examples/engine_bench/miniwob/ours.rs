//! Our side: the task's script in our language, run by the portal interpreter on the episode's page. Nothing is kept: what a
//! record costs is measured elsewhere.

use std::{path::PathBuf, sync::Arc, time::Duration};

use agent::{
    browser::{Browser, LaunchConfig},
    channel::{
        Denied, Doors, Errand, Item, Permit, ReadingRules, Secret, Standing, Wish,
        portal::{self, Session, SessionOf},
    },
    mask::Masker,
    observe::Observer,
    polite::Pace,
    scripts_on_disk::ScriptFolder,
};
use anyhow::{Context as _, Result, bail};
use domain::{
    fleet::Limits,
    id::IntentId,
    lease::Purpose,
    script::{Bundle, FileRef},
    step::Step,
    wire::{End, Order},
};
use futures_util::future::BoxFuture;
use serde_json::{Value, json};

use super::{Did, site};
use crate::repository;

/// How long an address may take.
const OPENS: Duration = Duration::from_secs(60);

/// Nothing behind any door.
struct Nobody;

fn no<T>(what: &'static str) -> BoxFuture<'static, Result<T, Denied>>
where
    T: Send + 'static,
{
    Box::pin(async move { Err(Denied::Away(what.to_owned())) })
}

impl Doors for Nobody {
    fn steps(&self, _: Vec<Step>) -> BoxFuture<'_, Result<(), Denied>> {
        Box::pin(async { Ok(()) })
    }
    fn keep(&self, _: Item) -> BoxFuture<'_, Result<(), Denied>> {
        Box::pin(async { Ok(()) })
    }
    fn secret<'a>(&'a self, _: &'a str, _: &'a str) -> BoxFuture<'a, Result<Secret, Denied>> {
        no("no secrets here")
    }
    fn login(&self) -> BoxFuture<'_, Result<(), Denied>> {
        no("no logins here")
    }
    fn permit(&self, _: Wish) -> BoxFuture<'_, Result<Permit, Denied>> {
        no("no permits here")
    }
    fn latch(&self, _: IntentId) -> BoxFuture<'_, Result<(), Denied>> {
        no("no commits here")
    }
    fn not_clicked(&self, _: IntentId) -> BoxFuture<'_, Result<(), Denied>> {
        no("no commits here")
    }
    fn document<'a>(&'a self, _: &'a FileRef) -> BoxFuture<'a, Result<PathBuf, Denied>> {
        no("no documents here")
    }
    fn standing(&self) -> Standing {
        let minute = Duration::from_secs(60);
        Standing { left: minute, length: minute, order: Order::Continue }
    }
}

/// One browser, one portal session at a time.
pub(crate) struct Ours {
    browser: Browser,
    session: Option<Session>,
    folder: tempfile::TempDir,
}

impl Ours {
    pub(crate) async fn start(site: &site::Site) -> Result<Self> {
        let config = LaunchConfig {
            host_rules: vec![(site::HOST.to_owned(), site.at)],
            only_listed_hosts: true,
            extra_ca: Some(site.ca.clone()),
            ..LaunchConfig::default()
        };
        let browser = Browser::launch(config).await?;
        Ok(Self { browser, session: None, folder: tempfile::tempdir()? })
    }

    pub(crate) fn browser(&self) -> u32 {
        self.browser.pid()
    }

    pub(crate) async fn open(&mut self, url: &str, slow: Option<f64>) -> Result<()> {
        let of = SessionOf { payer: "miniwob".to_owned(), account: "nobody".to_owned() };
        let session = Session::open(&self.browser, of).await?;
        let page = session.any_page().await?;
        self.session = Some(session);
        if let Some(times) = slow {
            page.slow_down(times).await?;
        }
        page.navigate(url, OPENS).await?.require_ok()?;
        Ok(())
    }

    pub(crate) async fn steps(&mut self, name: &str, inputs: &Value) -> Result<Did> {
        let scripts = ScriptFolder::new(&repository().join("tests"));
        let bundle = Bundle::load(&scripts, &format!("miniwob/{name}")).map_err(|findings| {
            anyhow::Error::msg(
                findings.iter().map(domain::script::Finding::render).collect::<String>(),
            )
        })?;
        let errand = Errand {
            bundle: Arc::new(bundle),
            inputs: inputs.clone(),
            purpose: Purpose::Work,
            login_origins: Vec::new(),
            reading: ReadingRules::default(),
            intent_opened_at: None,
            begun_before: false,
            may_commit: false,
            folder: self.folder.path().to_owned(),
            prints: agent::channel::portal::heal::Prints::new(),
            remembers: false,
        };
        let limits =
            Limits { sessions_max: 1, gap_ms: 0, pages_per_minute: 60_000, logins_per_hour_max: 0 };
        let mut pace = Pace::new(&limits);
        let doors: Arc<dyn Doors> = Arc::new(Nobody);
        let masker = Masker::for_inputs(&json!({}));
        let mut observe = Observer::new(Arc::clone(&doors), masker, false).without_pictures();
        let session = self.session.as_mut().context("no page is open")?;
        let before = self.browser.commands_sent();
        let began = now();
        let finished = portal::run(&errand, doors, &mut observe, session, &mut pace).await;
        let ended = now();
        let commands = Some(self.browser.commands_sent() - before);
        match finished.end {
            Some(End::Outcome { .. }) => {}
            Some(End::Failure { failure, .. }) => {
                let place = observe.place().map(|(step, _)| step).unwrap_or_default();
                bail!("{} in {place}: {}", failure.name, failure.detail)
            }
            Some(End::Finding { .. }) | None => bail!("no end"),
        }
        let mut read = json!({});
        for (name, shown, _) in finished.captured {
            read[name] = json!(shown);
        }
        Ok(Did { began, ended, read, commands })
    }

    pub(crate) async fn shut(&mut self) -> Result<()> {
        if let Some(session) = self.session.take() {
            session.close().await;
        }
        Ok(())
    }

    pub(crate) async fn end(self) {
        self.browser.close().await;
    }
}

/// Epoch milliseconds, with fractions.
#[expect(clippy::cast_precision_loss, reason = "microseconds of this century fit")]
#[expect(
    clippy::disallowed_methods,
    reason = "compared with a page's own clock, finer than milliseconds"
)]
fn now() -> f64 {
    jiff::Timestamp::now().as_microsecond() as f64 / 1000.0
}
