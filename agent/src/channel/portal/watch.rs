//! Interruptions a script declares once: looked for before each act and during each wait.

use std::time::Duration;

use domain::script::{
    ast::{Afterwards, Reaction, Sign, Watcher},
    text::TextKind,
};
use futures_util::future::BoxFuture;

use super::{
    Halt, Portal,
    locate::text,
    screen::{Look, holds_in},
};
use crate::browser::{By, Deadline, Page, Query};

impl Portal<'_> {
    /// One look for every watcher, in order; the first that sees its sign acts. Does nothing while a watcher acts or
    /// a commit is under way.
    pub(crate) fn watch(&mut self) -> BoxFuture<'_, Result<(), Halt>> {
        Box::pin(async move {
            if self.watching || self.dialogs_held {
                return Ok(());
            }
            let Ok(page) = self.page() else { return Ok(()) };
            if !page.url().starts_with("http") {
                return Ok(());
            }
            let bundle = self.bundle;
            let mut look = self.look_at(&page);
            if look.watched {
                self.keep_look(look);
                return Ok(());
            }
            for (at, watcher) in bundle.watchers().enumerate() {
                // A sign that is a JavaScript dialog is met where dialogs are taken, not here.
                if watcher.when.js_dialog.is_none()
                    && self.signs(&page, &mut look, &watcher.when).await?
                {
                    self.watching = true;
                    let result = self.react(at, watcher).await;
                    self.watching = false;
                    // One reaction per look: the page has changed, and the reading is dropped.
                    return result;
                }
            }
            look.watched = true;
            self.keep_look(look);
            Ok(())
        })
    }

    async fn react(&mut self, at: usize, watcher: &Watcher) -> Result<(), Halt> {
        let count = self.watched.entry(at).or_insert(0);
        *count += 1;
        if *count > watcher.at_most {
            let place = crate::observe::place(&watcher.span);
            return Err(
                self.raise("watch_loop", &format!("the watcher at {place} acted too often"))
            );
        }
        let place = crate::observe::place(&watcher.span);
        self.observe.log(&format!("watcher {place} acts"));
        match &watcher.reaction {
            Reaction::Raise(name) => {
                let detail = format!("seen by the watcher at {place}");
                return Err(self.raise(name.as_str(), &detail));
            }
            Reaction::Run(flow) => {
                let own = watcher.span.file == self.bundle.script.span.file;
                let given = self.given(flow.as_str(), &watcher.with, !own)?;
                self.named_flow(flow.as_str(), given).await?;
            }
            Reaction::Click(target) => {
                let deadline = Deadline::within(Duration::from_secs(10));
                self.click(target, deadline).await?;
            }
            // The driver has answered it; there is nothing left to do.
            Reaction::Answer(_) => {}
        }
        match watcher.then {
            Some(Afterwards::RestartFromSafePoint) => Err(Halt::Restart),
            Some(Afterwards::GoOn) | None => Ok(()),
        }
    }

    async fn signs(&self, page: &Page, look: &mut Look, sign: &Sign) -> Result<bool, Halt> {
        if let Some(glob) = &sign.url
            && !glob.matches(look.url())
        {
            return Ok(false);
        }
        if let Some((lowest, highest)) = sign.http
            && !page.document_status().is_some_and(|status| (lowest..=highest).contains(&status))
        {
            return Ok(false);
        }
        if let Some(wanted) = &sign.text {
            let wanted = self.eval(|scope| scope.wanted(wanted))?;
            match look.text(page).await {
                Ok(text) if holds_in(&wanted, text) => {}
                Ok(_) => return Ok(false),
                Err(error) if error.is_stale() => return Ok(false),
                Err(error) => return Err(self.broken(&error)),
            }
        }
        if let Some(wanted) = &sign.dialog {
            let wanted = self.eval(|scope| scope.wanted(wanted))?;
            match page.seek(&Query::by(By::Dialog(Some(text(wanted))))).await {
                Ok(found) if found.iter().any(|one| one.visible) => {}
                Ok(_) => return Ok(false),
                Err(error) if error.is_stale() => return Ok(false),
                Err(error) => return Err(self.broken(&error)),
            }
        }
        for target in &sign.see {
            if !self.sees(page, look, target).await? {
                return Ok(false);
            }
        }
        match &sign.screen {
            Some(screen) => self.shows_in(page, look, screen.as_str()).await,
            None => Ok(true),
        }
    }

    /// Takes the dialogs seen since the last look. Declared ones are noted; for another one the first watcher that knows its
    /// text acts (the driver has answered it: an alert is closed, a question is answered with no), and without one it ends
    /// the attempt as `unexpected_dialog`. Returns whether a declared one came.
    pub(crate) async fn check_dialogs(&mut self) -> Result<bool, Halt> {
        if self.dialogs_held {
            return Ok(false);
        }
        let mut declared = false;
        for dialog in self.session.context.take_dialogs() {
            let how = if dialog.accepted { "accepted" } else { "dismissed" };
            self.observe.log(&format!("{} \"{}\" {how}", dialog.kind, dialog.text));
            if dialog.declared || dialog.kind == "beforeunload" {
                declared |= dialog.declared;
                continue;
            }
            if !self.watched_dialog(&dialog.text).await? {
                return Err(self.raise("unexpected_dialog", &dialog.text));
            }
        }
        Ok(declared)
    }

    /// Whether a watcher knows this dialog; it has acted then.
    async fn watched_dialog(&mut self, text: &str) -> Result<bool, Halt> {
        let bundle = self.bundle;
        for (at, watcher) in bundle.watchers().enumerate() {
            let Some(says) = &watcher.when.js_dialog else { continue };
            let wanted = self.eval(|scope| scope.wanted(says))?;
            if !wanted.matches(text, TextKind::Plain) {
                continue;
            }
            if let Ok(page) = self.page() {
                let mut look = Look::new(&page);
                if !self.signs(&page, &mut look, &watcher.when).await? {
                    continue;
                }
            }
            match &watcher.reaction {
                Reaction::Raise(name) => return Err(self.raise(name.as_str(), text)),
                // One watcher at a time.
                Reaction::Run(_) | Reaction::Click(_) if !self.watching => {
                    self.watching = true;
                    let acted = self.react(at, watcher).await;
                    self.watching = false;
                    return acted.map(|()| true);
                }
                Reaction::Run(_) | Reaction::Click(_) | Reaction::Answer(_) => {}
            }
        }
        Ok(false)
    }
}
