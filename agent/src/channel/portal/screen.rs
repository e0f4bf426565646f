//! How the engine knows where it is: every wait races all awaited screens, watchers, dialogs and crashes.

use std::{collections::HashMap, time::Duration};

use domain::script::{
    ast::{HostUse, Screen, Target},
    text::TextKind,
};
use tokio::time::Instant;

use super::{Halt, Portal, locate::Located};
use crate::browser::{Deadline, Error, Page, Tries, Why};

/// Between the two looks that make a screen recognised.
const SECOND_LOOK: Duration = Duration::from_millis(100);
/// How long a declared but not awaited screen must hold to end a wait.
const STRANGER_HOLDS: Duration = Duration::from_millis(1_000);
/// How often declared but not awaited screens are looked for.
const STRANGERS_EVERY: Duration = Duration::from_millis(400);

/// Further time of a wait whose screen holds with a stand-in.
const HEALED: Duration = Duration::from_secs(2);

/// How long a reading of an unchanged page may be used again.
const FRESH: Duration = Duration::from_millis(500);

/// One reading of a page; what is asked of it is asked once. Good as long as the page does not change.
pub(crate) struct Look {
    page: String,
    url: String,
    changes: u64,
    at: Instant,
    title: Option<String>,
    text: Option<String>,
    seen: HashMap<String, bool>,
    /// No watcher sees its sign in it.
    pub(crate) watched: bool,
}

impl Look {
    pub(crate) fn new(page: &Page) -> Self {
        Self {
            page: page.id().to_owned(),
            url: page.url(),
            changes: page.stillness().changes,
            at: Instant::now(),
            title: None,
            text: None,
            seen: HashMap::new(),
            watched: false,
        }
    }

    /// Whether a new reading would give the same.
    pub(crate) fn holds(&self, page: &Page) -> bool {
        self.page == page.id()
            && self.url == page.url()
            && self.changes == page.stillness().changes
            && self.at.elapsed() < FRESH
    }

    pub(crate) async fn text(&mut self, page: &Page) -> Result<&str, Error> {
        if self.text.is_none() {
            self.text = Some(page.visible_text().await?);
        }
        Ok(self.text.as_deref().unwrap_or_default())
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    async fn title(&mut self, page: &Page) -> Result<&str, Error> {
        if self.title.is_none() {
            self.title = Some(page.title().await?);
        }
        Ok(self.title.as_deref().unwrap_or_default())
    }
}

impl Portal<'_> {
    /// The last reading of a page where it still holds, else a new one. Give it back with `keep_look`.
    pub(crate) fn look_at(&mut self, page: &Page) -> Look {
        self.look.take().filter(|look| look.holds(page)).unwrap_or_else(|| Look::new(page))
    }

    /// Keeps a reading for the next question.
    pub(crate) fn keep_look(&mut self, look: Look) {
        self.look = Some(look);
    }

    /// Whether an element is uniquely there in this reading.
    pub(crate) async fn sees(
        &self,
        page: &Page,
        look: &mut Look,
        target: &Target,
    ) -> Result<bool, Halt> {
        // Keyed by what is looked for, templates filled in: one name can mean another thing in another flow.
        // Words that need a parameter of another flow cannot be on this page.
        let Ok(sought) = self.sought(target) else { return Ok(false) };
        let key = format!("{sought:?}");
        if let Some(seen) = look.seen.get(&key) {
            return Ok(*seen);
        }
        let seen = matches!(self.look_for(page, &sought).await?, Located::One(_));
        look.seen.insert(key, seen);
        Ok(seen)
    }

    /// Which condition of a screen does not hold; none when all do.
    pub(crate) async fn lacks(
        &self,
        page: &Page,
        look: &mut Look,
        screen: &Screen,
    ) -> Result<Option<String>, Halt> {
        // The cheap conditions first: most screens are told apart by them.
        if let Some(glob) = &screen.url
            && !glob.matches(&look.url)
        {
            return Ok(Some(format!("address does not fit `{}`", glob.source)));
        }
        let stale = |error: &Error| error.is_stale();
        if let Some(wanted) = &screen.title {
            let wanted = self.eval(|scope| scope.wanted(wanted))?;
            match look.title(page).await {
                Ok(title) if wanted.matches(title, TextKind::Plain) => {}
                Ok(_) => return Ok(Some("the title does not fit".to_owned())),
                Err(error) if stale(&error) => return Ok(Some("the page is changing".to_owned())),
                Err(error) => return Err(self.broken(&error)),
            }
        }
        if let Some(wanted) = &screen.text {
            let wanted = self.eval(|scope| scope.wanted(wanted))?;
            match look.text(page).await {
                Ok(text) if holds_in(&wanted, text) => {}
                Ok(_) => return Ok(Some("the text is not there".to_owned())),
                Err(error) if stale(&error) => return Ok(Some("the page is changing".to_owned())),
                Err(error) => return Err(self.broken(&error)),
            }
        }
        for target in &screen.see {
            if !self.sees(page, look, target).await? {
                return Ok(Some(format!("`{}` is not seen", super::locate::called(target))));
            }
        }
        for target in &screen.gone {
            let sought = self.sought(target)?;
            for way in sought.strategies.iter().flatten() {
                match page.seek(way).await {
                    Ok(found) if found.iter().any(|one| one.visible) => {
                        return Ok(Some(format!("`{}` is still seen", sought.name)));
                    }
                    Ok(_) => {}
                    Err(error) if stale(&error) => {
                        return Ok(Some("the page is changing".to_owned()));
                    }
                    Err(error) => return Err(self.broken(&error)),
                }
            }
        }
        Ok(None)
    }

    /// One look: whether this screen shows on this page.
    pub(crate) async fn shows(&mut self, page: &Page, name: &str) -> Result<bool, Halt> {
        let mut look = self.look_at(page);
        let shows = self.shows_in(page, &mut look, name).await;
        self.keep_look(look);
        shows
    }

    /// Whether this screen shows in this reading of the page.
    pub(crate) async fn shows_in(
        &self,
        page: &Page,
        look: &mut Look,
        name: &str,
    ) -> Result<bool, Halt> {
        let Some(screen) = self.bundle.screen(name) else {
            return Err(self.raise("no_known_screen", &format!("no screen is called `{name}`")));
        };
        Ok(self.lacks(page, look, screen).await?.is_none())
    }

    /// Waits for the first of these screens; its position in the list. A screen must show on two looks at least
    /// `SECOND_LOOK` apart; a page that has not changed in between needs no second one.
    pub(crate) async fn race(&mut self, names: &[&str], deadline: Deadline) -> Result<usize, Halt> {
        let mut tries = Tries::until(deadline);
        let mut strangers = Strangers::default();
        let mut lacking: Vec<String> = vec![String::new(); names.len()];
        let mut healed = false;
        loop {
            self.may_go_on()?;
            let mut changed = self.page()?.changes();
            self.check_dialogs().await?;
            self.watch().await?;
            if let Some((at, page)) = self.awaited(names, &mut lacking).await?
                && self.stays(&page, names[at]).await?
                && self.alone(names, at, &page).await?
            {
                self.session.context.make_current(&page);
                self.remember_screen(names[at], &page).await;
                self.compare_form(names[at], &page).await;
                return Ok(at);
            }
            self.check_place()?;
            if let Some(stranger) = self.stranger(names, &mut strangers).await? {
                let detail = format!("screen `{stranger}` shows; awaited: {}", names.join(", "));
                return Err(self.raise("unexpected_screen", &detail));
            }
            let change = async { drop(changed.changed().await) };
            if tries.wait_look_or(Why::Other(String::new()), change).await.is_err() {
                if healed || !self.heal_screen(names, &strangers.at_first).await? {
                    return Err(self.no_known_screen(names, &lacking).await);
                }
                healed = true;
                tries = Tries::until(Deadline::within(HEALED));
            }
        }
    }

    /// Whether a screen that shows now has shown, or will have shown, for the time between two looks.
    async fn stays(&mut self, page: &Page, name: &str) -> Result<bool, Halt> {
        let before = page.stillness();
        let url = page.url();
        if before.for_ >= SECOND_LOOK {
            return Ok(true);
        }
        tokio::time::sleep(SECOND_LOOK.saturating_sub(before.for_)).await;
        if page.url() != url {
            return Ok(false);
        }
        if page.stillness().changes == before.changes {
            return Ok(true);
        }
        self.shows(page, name).await
    }

    /// The first awaited screen that shows on any page of the slot, the current page first.
    async fn awaited(
        &mut self,
        names: &[&str],
        lacking: &mut [String],
    ) -> Result<Option<(usize, Page)>, Halt> {
        let mut pages: Vec<Page> = self.session.context.current().into_iter().collect();
        for page in self.session.context.pages() {
            if !pages.iter().any(|known| known.id() == page.id()) && !page.is_closed() {
                pages.push(page);
            }
        }
        for (which, page) in pages.iter().enumerate() {
            if page.is_crashed() {
                return Err(self.raise("page_crashed", "the page crashed"));
            }
            let mut look = self.look_at(page);
            let mut showing = None;
            for (at, name) in names.iter().enumerate() {
                let Some(screen) = self.bundle.screen(name) else { continue };
                match self.lacks(page, &mut look, screen).await? {
                    None => {
                        showing = Some((at, page.clone()));
                        break;
                    }
                    Some(why) if which == 0 => lacking[at] = why,
                    Some(_) => {}
                }
            }
            self.keep_look(look);
            if showing.is_some() {
                return Ok(showing);
            }
        }
        Ok(None)
    }

    /// Whether no second awaited screen shows. False when one shows in the place of the first: the page has moved on, and is looked at
    /// again.
    async fn alone(&mut self, names: &[&str], winner: usize, page: &Page) -> Result<bool, Halt> {
        for (at, name) in names.iter().enumerate() {
            if at != winner && *name != names[winner] && self.shows(page, name).await? {
                if !self.shows(page, names[winner]).await? {
                    return Ok(false);
                }
                let detail = format!("screens `{}` and `{name}` show together", names[winner]);
                return Err(self.raise("ambiguous_screen", &detail));
            }
        }
        Ok(true)
    }

    /// A declared, not awaited screen that was not there at the beginning and stays.
    async fn stranger(
        &mut self,
        names: &[&str],
        known: &mut Strangers,
    ) -> Result<Option<String>, Halt> {
        if known.looked.is_some_and(|at| at.elapsed() < STRANGERS_EVERY) {
            return Ok(None);
        }
        let first = known.looked.is_none();
        known.looked = Some(Instant::now());
        let Ok(page) = self.page() else { return Ok(None) };
        let bundle = self.bundle;
        let mut look = self.look_at(&page);
        let mut holding = None;
        for (name, screen) in bundle.screens() {
            let name = name.as_str();
            if names.contains(&name) || known.at_first.iter().any(|seen| seen == name) {
                continue;
            }
            if self.lacks(&page, &mut look, screen).await?.is_some() {
                continue;
            }
            if first {
                known.at_first.push(name.to_owned());
            } else {
                holding = Some(name.to_owned());
                break;
            }
        }
        self.keep_look(look);
        match (&known.since, holding) {
            (Some((name, since)), Some(now)) if *name == now => {
                Ok((since.elapsed() >= STRANGER_HOLDS).then_some(now))
            }
            (_, holding) => {
                known.since = holding.map(|name| (name, Instant::now()));
                Ok(None)
            }
        }
    }

    /// The portal is where it may be, and answers.
    pub(crate) fn check_place(&self) -> Result<(), Halt> {
        let page = self.page()?;
        if let Some(error) = page.last_navigation_error()
            && !page.url().starts_with("http")
        {
            return Err(self.not_navigated(&error));
        }
        let url = page.url();
        if url.starts_with("http") && !self.is_page_host(&url) {
            return Err(self.raise("off_site", "the portal led to a host the script does not list"));
        }
        match page.document_status() {
            Some(status) if status >= 500 || status == 429 => {
                Err(self
                    .raise("portal_error", &format!("the portal answered with status {status}")))
            }
            _ => Ok(()),
        }
    }

    /// Whether an address lies on a host where the script may have pages.
    pub(crate) fn is_page_host(&self, address: &str) -> bool {
        super::login::host_use(self.bundle, address).is_some_and(|usage| usage >= HostUse::Pages)
    }

    async fn no_known_screen(&self, names: &[&str], lacking: &[String]) -> Halt {
        let mut detail = String::from("awaited ");
        for (name, why) in names.iter().zip(lacking) {
            detail.push_str(&format!("`{name}` ({why}); "));
        }
        if let Ok(page) = self.page() {
            let title = page.title().await.unwrap_or_default();
            let address = crate::observe::bare_address(&page.url());
            detail.push_str(&format!("showing: {address}, title \"{title}\""));
        }
        self.raise("no_known_screen", &detail)
    }
}

/// Text conditions of screens and signs are searched for in the page's text; a plain text must be contained in it.
pub(crate) fn holds_in(wanted: &domain::script::text::Wanted, text: &str) -> bool {
    use domain::script::text::Wanted;
    match wanted {
        Wanted::Equals(part) => Wanted::Contains(part.clone()).matches(text, TextKind::Plain),
        other => other.matches(text, TextKind::Plain),
    }
}

#[derive(Default)]
struct Strangers {
    looked: Option<Instant>,
    at_first: Vec<String>,
    since: Option<(String, Instant)>,
}
