//! The safe point: the start of the flow. A watcher may ask to begin there again, and a reading that failed is tried from
//! there once more; never when anything may have been left at the payer.

use domain::{
    outcome::Failure,
    script::ast::{Drafts, Run},
};

use super::{CommitState, Halt, Portal, RESTARTS_MAX};

/// What a page that came wrong once may have been: another look is worth it before a person is asked.
const PASSING: [&str; 7] = [
    "no_known_screen",
    "element_missing",
    "element_ambiguous",
    "not_actionable",
    "capture_missing",
    "download_failed",
    "page_crashed",
];

impl Portal<'_> {
    /// Whether a failure may be answered with one more try from the safe point: only `read` steps have run, nothing says
    /// that the page was understood, and no password would be typed after one that did not lead in.
    pub(crate) fn may_repeat(&self, failure: &Failure) -> bool {
        let login_open = self.logins > 0 && !self.session.is_signed_in();
        PASSING.contains(&failure.name.as_str())
            && !self.repeated
            && !self.drafted
            && !login_open
            && self.commit == CommitState::None
            && self.may_go_on().is_ok()
    }

    /// Tries once more from the safe point.
    pub(crate) async fn repeat(&mut self, failure: &Failure) -> Result<(), Halt> {
        self.repeated = true;
        self.observe.log(&format!("{}: tried once more from the safe point", failure.name));
        self.observe.retried();
        if let Ok(page) = self.page() {
            self.observe.picture(&page, domain::evidence::Moment::After).await;
        }
        self.forget().await;
        // A page that crashed, or hangs, is not worked on any further.
        let crashed = self.session.context.current().filter(crate::browser::Page::is_crashed);
        if let Some(page) = crashed
            && let Err(error) = page.close().await
        {
            return Err(self.broken(&error));
        }
        Ok(())
    }

    /// Begins again where that is allowed: nothing was sent, and an unfinished request is discarded first.
    pub(crate) async fn begin_again(&mut self) -> Result<(), Halt> {
        self.restarts += 1;
        if self.restarts > RESTARTS_MAX {
            return Err(self.raise("watch_loop", "the flow was restarted too often"));
        }
        self.observe.log("begins again from the safe point");
        self.observe.fail_open().await;
        if self.drafted {
            self.clear_drafts().await?;
        }
        self.forget().await;
        Ok(())
    }

    /// What was learned since the safe point counts no more.
    async fn forget(&mut self) {
        self.observe.fail_open().await;
        self.drafted = false;
        self.payload.clear();
        self.captured.clear();
        self.references.clear();
        self.facts.clear();
        self.variables.clear();
        self.inputs.truncate(1);
        self.running.clear();
        self.look = None;
    }

    fn kept_drafts(&self) -> Option<&Drafts> {
        self.bundle.script.drafts.as_ref().filter(|drafts| drafts.kept)
    }

    /// Runs the flow that finds and discards what was left unfinished, on portals that keep it.
    async fn clear_drafts(&mut self) -> Result<(), Halt> {
        let Some(drafts) = self.kept_drafts() else { return Ok(()) };
        let Some(clear) = drafts.clear.clone() else { return Ok(()) };
        let with = drafts.with.clone();
        let given = self.given(clear.as_str(), &with, false)?;
        self.named_flow(clear.as_str(), given).await
    }

    /// An attempt before this one may have left a draft: it is discarded when the portal session stands and before
    /// anything is filled; where the flow signs in nowhere, at its start.
    pub(crate) async fn clear_earlier_drafts(&mut self, login: Option<&Run>) -> Result<(), Halt> {
        if !self.errand.begun_before || self.drafted || self.kept_drafts().is_none() {
            return Ok(());
        }
        self.observe.log("an earlier attempt may have left a draft");
        self.clear_drafts().await?;
        // Discarding is not drafting: what follows may still be tried again.
        self.drafted = false;
        match login {
            Some(run) => self.back_home(run).await,
            None => Ok(()),
        }
    }
}
