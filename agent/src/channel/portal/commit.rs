//! The one irreversible act: guard, evidence, permit, latch, one click through the gate, proof.
//!
//! Until the latch is set every way out is a plain failure. From the latch on every way out that is not a proof is a
//! doubt: the attempt ends, nothing is clicked again, and a reconcile goes and looks.

use std::{sync::Arc, time::Duration};

use domain::{
    evidence::Moment,
    gate::Arming,
    id::{EvidenceId, IntentId},
    outcome::FailureKind,
    script::{ast::Commit, text::normalise},
    step::{Effect, StepState},
    wire::Order,
};
use sha2::{Digest as _, Sha256};

use super::{
    CommitState, Halt, Portal,
    locate::Located,
    press::{LatchFirst, press},
};
use crate::{
    browser::{
        Attempted, Deadline, DialogMode, DialogRule, Found, Gate, GatePattern, Page, PassSaid,
    },
    channel::{Denied, Permit, Wish},
    clock::Allowed,
    fault::{self, Side, broken},
};

/// Rounds from the guard on, as long as nothing was clicked.
const ROUNDS: u32 = 3;
/// Between the two looks at the button.
const SECOND_LOOK: Duration = Duration::from_millis(250);
/// Least rest of the lease for a click.
const LEASE_LEFT: Duration = Duration::from_secs(12);
/// Longest wait for the click's own request.
const REQUEST_MAX: Duration = Duration::from_secs(15);
/// Longest wait for leave while the coordinator holds commits back.
const HOLD_MAX: Duration = Duration::from_secs(60);
/// How long a page may take to open its own connections again.
const RECONNECT: Duration = Duration::from_secs(5);

/// How long what was sent may take where no coordinator says it.
const SUBMIT_MAX_MS: i64 = 60_000;

/// A permit in hand: its intent, until when to click, and what the gate takes.
struct Granted {
    intent: IntentId,
    until: Allowed,
    pass: PassSaid,
}

/// What a round before the latch gave.
enum Round {
    /// Clicked and proved.
    Proved,
    /// Not clicked: another round may be tried.
    NotClicked(String),
}

impl Portal<'_> {
    /// `commit`.
    pub(crate) async fn commit(&mut self, commit: &Commit) -> Result<(), Halt> {
        let name = commit.name.as_str();
        self.begin(name, "commit", Effect::Commit, &commit.span).await;
        // From here on nothing is tried again from the beginning.
        self.repeated = true;
        let mut last = String::new();
        for _ in 0..ROUNDS {
            self.dialogs_held = false;
            match self.round(commit).await? {
                Round::Proved => {
                    self.observe.end(StepState::Done, Some(commit.proof.screen.text.clone())).await;
                    return Ok(());
                }
                Round::NotClicked(why) => {
                    self.observe.log(&format!("not clicked: {why}"));
                    self.observe.retried();
                    last = why;
                }
            }
        }
        self.commit = CommitState::NotSent;
        Err(self.raise("not_actionable", &format!("the commit was never clicked: {last}")))
    }

    async fn round(&mut self, commit: &Commit) -> Result<Round, Halt> {
        let page = self.guard(commit).await?;
        // From the guard on nothing but the commit acts.
        self.dialogs_held = true;
        let found = self.commit_target(commit, &page).await?;
        let before = self.evidence_before(&page).await?;
        if !self.errand.may_commit {
            self.observe.log("stopped before the commit, as asked");
            self.observe.end(StepState::Skipped, None).await;
            return Err(Halt::Stopped);
        }
        self.leave_to_begin().await?;
        let gate = self.arm(commit).await?;
        let soon = Deadline::within(RECONNECT);
        if commit.sends.reconnects > 0 && !gate.reconnected(soon).await {
            self.disarm(gate).await;
            let detail = "the page did not open its own connection again; nothing was clicked";
            return Err(self.raise("not_actionable", detail));
        }
        let arming = match gate.wait(self.doors.permit_key()).await {
            Ok(arming) => arming,
            Err(why) => {
                self.disarm(gate).await;
                return Err(self.raise("not_actionable", &why));
            }
        };
        let granted = match self.permit(commit, before, arming).await {
            Ok(Ok(granted)) => granted,
            Ok(Err(denied)) => {
                if matches!(denied, Denied::Away(_) | Denied::LeaseEnded) {
                    // It may have been given, and only its answer be lost: the gate says that nothing was done with it.
                    gate.doubt().await;
                }
                self.disarm(gate).await;
                return Err(self.denied(denied));
            }
            Err(halt) => {
                self.disarm(gate).await;
                return Err(halt);
            }
        };
        self.click_once(commit, &page, &found, gate, granted).await
    }

    /// The screen holds, and the page says everything that identifies the request.
    async fn guard(&mut self, commit: &Commit) -> Result<Page, Halt> {
        let within = self.within(None);
        self.race(&[commit.guard.screen.as_str()], within).await?;
        let page = self.page()?;
        let text = page.visible_text().await.map_err(|error| self.broken(&error))?;
        let shown = normalise(&text);
        let squeezed: String = shown.chars().filter(|c| c.is_alphanumeric()).collect();
        for says in &commit.guard.page_says {
            for value in self.eval(|scope| scope.texts(says))? {
                let wanted = normalise(&value);
                let bare: String = wanted.chars().filter(|c| c.is_alphanumeric()).collect();
                // Portals group digits as they like; a short value must be there as it is.
                let there =
                    shown.contains(&wanted) || (bare.len() >= 6 && squeezed.contains(&bare));
                if wanted.is_empty() || !there {
                    let detail = format!("the page does not say `{}`", says.source);
                    return Err(self.raise("guard_failed", &detail));
                }
                self.payload.push(format!("says={wanted}"));
            }
        }
        if self.shows(&page, commit.proof.screen.as_str()).await? {
            return Err(self.raise("guard_failed", "the proof's screen shows before the click"));
        }
        self.nothing_new_to_fill(commit, &page).await?;
        self.observe.log("guard holds");
        Ok(page)
    }

    /// The button: by the first strategy, agreed by a second anchor, the same in two looks.
    async fn commit_target(&mut self, commit: &Commit, page: &Page) -> Result<Found, Halt> {
        let sought = self.sought(&commit.click)?;
        let mut first: Option<Found> = None;
        for look in 0..2 {
            if look > 0 {
                tokio::time::sleep(SECOND_LOOK).await;
            }
            let chosen = match self.look_for(page, &sought).await? {
                Located::One(chosen) => chosen,
                Located::Not(why) => {
                    let detail = format!("`{}`: {why}", sought.name);
                    return Err(self.raise("element_missing", &detail));
                }
                Located::Conflict(how) => return Err(self.raise("element_conflict", &how)),
            };
            if chosen.by != 0 {
                let detail = format!("`{}` is only found by a later strategy", sought.name);
                return Err(self.raise("element_missing", &detail));
            }
            if chosen.votes < 2 && !sought.anchored {
                let detail = format!("`{}` has no second anchor", sought.name);
                return Err(self.raise("element_conflict", &detail));
            }
            let moved = first.as_ref().is_some_and(|first| {
                first.node != chosen.found.node || first.rect != chosen.found.rect
            });
            if moved {
                let detail = format!("`{}` moved between two looks", sought.name);
                return Err(self.raise("not_actionable", &detail));
            }
            first = Some(chosen.found);
        }
        first.ok_or_else(|| self.raise("element_missing", &sought.name))
    }

    /// Full-page picture and document, durable. No evidence, no click.
    async fn evidence_before(&mut self, page: &Page) -> Result<EvidenceId, Halt> {
        fault::point("pre-evidence", Side::Before).await;
        let picture = self.observe.full_page(page, Moment::Before).await;
        let document = self.observe.document(page, Moment::Before).await;
        let kept = self.observe.settled().await;
        fault::point("pre-evidence", Side::After).await;
        match (picture, document, kept) {
            (Some(picture), Some(_), Ok(())) => Ok(picture),
            (_, _, Err(denied)) => Err(self.denied(denied)),
            _ => Err(self.raise("not_actionable", "no evidence could be taken before the commit")),
        }
    }

    /// Waits while the coordinator holds commits back.
    async fn leave_to_begin(&self) -> Result<(), Halt> {
        let patience = Deadline::within(HOLD_MAX);
        while self.doors.standing().order == Order::HoldBeforeCommit {
            self.may_go_on()?;
            if patience.passed() {
                return Err(self.not_now("the coordinator holds commits back"));
            }
            tokio::time::sleep(Duration::from_millis(250)).await;
        }
        self.may_go_on()
    }

    async fn arm(&mut self, commit: &Commit) -> Result<Gate, Halt> {
        let context = self.session.context.clone();
        let mut rules = Vec::new();
        if let Some(dialog) = &commit.dialog {
            let says = self.eval(|scope| scope.wanted(&dialog.says))?;
            rules.push(DialogRule {
                kind: None,
                text: Some(super::locate::text(says)),
                accept: dialog.answer == domain::script::ast::Reply::Accept,
                prompt_text: None,
            });
        }
        drop(context.take_dialogs());
        context.expect_dialogs(rules);
        context.set_dialog_mode(DialogMode::Commit);
        let pattern = GatePattern {
            method: commit.sends.method.clone(),
            url: whole_address(&commit.sends.url.source),
            reconnects: commit.sends.reconnects,
        };
        match context.arm_gate(pattern).await {
            Ok(gate) => Ok(gate),
            Err(error) => {
                context.set_dialog_mode(DialogMode::Normal);
                Err(self.broken(&error))
            }
        }
    }

    async fn disarm(&mut self, gate: Gate) {
        if let Err(error) = gate.disarm().await {
            tracing::warn!(%error, "the gate could not be disarmed; the context will not be used again");
        }
        self.session.context.set_dialog_mode(DialogMode::Normal);
        self.session.context.expect_dialogs(Vec::new());
    }

    /// After the click: everything may go again but a second submission, whenever the page tries one.
    async fn bar(&mut self, gate: Gate) {
        if let Err(error) = gate.bar().await {
            tracing::warn!(%error, "the gate could not be set back; the context will not be used again");
        }
        self.session.context.set_dialog_mode(DialogMode::Normal);
        self.session.context.expect_dialogs(Vec::new());
    }

    async fn permit(
        &mut self,
        commit: &Commit,
        before: EvidenceId,
        arming: Option<Arming>,
    ) -> Result<Result<Granted, Denied>, Halt> {
        let once_per = self.eval(|scope| scope.text(&commit.guard.once_per))?;
        let mut hash = Sha256::new();
        for line in &self.payload {
            hash.update(line.as_bytes());
            hash.update(b"\n");
        }
        let wish = Wish {
            step: self.observe.index(),
            commit: commit.name.text.clone(),
            payload_sha256: super::proof::hex(&hash.finalize()),
            before,
            once_per,
            gate: arming,
        };
        fault::point("permit", Side::Before).await;
        let answer = self.doors.permit(wish).await;
        fault::point("permit", Side::After).await;
        let answer = match answer {
            Ok(answer) => answer,
            Err(denied) => return Ok(Err(denied)),
        };
        match answer {
            Permit::Go { intent, until, pass } => {
                let pass = pass.unwrap_or_else(|| PassSaid::Plain {
                    intent,
                    ttl_ms: i64::try_from(until.left().as_millis()).unwrap_or(0),
                    submit_max_ms: SUBMIT_MAX_MS,
                });
                Ok(Ok(Granted { intent, until, pass }))
            }
            Permit::Already(because) => Err(self.raise("already_submitted", &because)),
            Permit::Similar(because) => Err(self.raise("possible_duplicate", &because)),
            Permit::No(because) => Err(self.not_now(&because)),
        }
    }

    fn not_now(&self, because: &str) -> Halt {
        let mut failure = self.failure("not_permitted_now", because);
        failure.kind = FailureKind::Transient;
        failure.say = FailureKind::Transient.say().to_owned();
        Halt::Failed(Box::new(failure))
    }

    async fn click_once(
        &mut self,
        commit: &Commit,
        page: &Page,
        found: &Found,
        gate: Gate,
        Granted { intent, until, pass }: Granted,
    ) -> Result<Round, Halt> {
        let standing = self.doors.standing();
        if !standing.has(LEASE_LEFT) || standing.order != Order::Continue || until.over() {
            return self.unused(gate, intent, "too little time is left for the click").await;
        }
        if let Err(why) = gate.permit(pass).await {
            return self.unused(gate, intent, &why).await;
        }
        let mut seam = LatchFirst {
            doors: Arc::clone(&self.doors),
            element: super::locate::called(&commit.click),
            gate: &gate,
            observe: &mut *self.observe,
            intent,
            until,
            latched: false,
        };
        let request_by = Deadline::within(until.left().min(REQUEST_MAX));
        let (clicked, held) = press(page, found, &gate, &mut seam, request_by).await;
        if !seam.latched {
            let why = match clicked {
                Attempted::Done(_) => "the driver pressed without asking".to_owned(),
                Attempted::Wait(why) => why.to_string(),
                Attempted::Stop(stop) => stop.to_string(),
            };
            return self.unused(gate, intent, &why).await;
        }
        fault::point("click", Side::After).await;
        // The click may have happened: from here on there is proof, or there is doubt.
        let proved = self.prove(commit, &gate, held, intent, until).await;
        if broken("latch-after-click") && self.doors.latch(intent).await.is_err() {
            return self.unused(gate, intent, "the latch could not be set").await;
        }
        let undeclared = self
            .session
            .context
            .take_dialogs()
            .into_iter()
            .find(|dialog| !dialog.declared && dialog.kind != "beforeunload");
        let proved = match (proved, undeclared) {
            (Ok(_), Some(dialog)) => Err(format!("an undeclared {} came", dialog.kind)),
            (proved, _) => proved,
        };
        match proved {
            Ok(proof) => {
                self.bar(gate).await;
                self.dialogs_held = false;
                if let Some(flow) = &commit.proof.read_back
                    && let Err(why) = self.read_again(commit, flow.as_str(), &proof.reference).await
                {
                    return Err(self.in_doubt(commit, &why).await);
                }
                self.commit = CommitState::Confirmed;
                self.proof = Some(proof);
                Ok(Round::Proved)
            }
            Err(why) => Err(self.doubt(commit, gate, &why).await),
        }
    }

    /// Nobody knows whether it was sent, unless the gate does.
    async fn doubt(&mut self, commit: &Commit, gate: Gate, why: &str) -> Halt {
        let halt = self.in_doubt(commit, why).await;
        // Whatever the page would still send by itself ends with it, also what the network stack would repeat.
        for page in self.session.context.pages() {
            if let Err(error) = page.close().await {
                tracing::debug!(%error, "a page in doubt could not be closed");
            }
        }
        if gate.doubt().await {
            self.observe.log("the submit gate let nothing out");
        }
        self.bar(gate).await;
        halt
    }

    /// The latch is unset: nothing was clicked. The intent is given back.
    async fn unused(&mut self, gate: Gate, intent: IntentId, why: &str) -> Result<Round, Halt> {
        let given_back = self.doors.not_clicked(intent).await;
        if given_back.is_err() {
            // The lease is over, or nobody hears: what the gate certifies is told whenever it can be.
            gate.doubt().await;
        }
        self.disarm(gate).await;
        self.dialogs_held = false;
        given_back.map_err(|denied| self.denied(denied))?;
        self.may_go_on()?;
        Ok(Round::NotClicked(why.to_owned()))
    }
}

/// A script's address pattern as the gate's, which covers the whole address.
fn whole_address(glob: &str) -> String {
    let glob = glob.replace("**", "*");
    if glob.starts_with('/') { format!("https://*{glob}") } else { format!("https://{glob}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_gate_covers_the_whole_address() {
        let pattern = whole_address("/auth/*/submit");
        assert_eq!(pattern, "https://*/auth/*/submit");
        assert!(crate::browser::text::glob(&pattern, "https://portal.example/auth/7/submit"));
        assert!(!crate::browser::text::glob(
            &pattern,
            "https://portal.example/auth/7/submit/again"
        ));
        assert_eq!(whole_address("api.example/x/**"), "https://api.example/x/*");
    }
}
