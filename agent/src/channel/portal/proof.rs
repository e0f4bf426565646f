//! After the click: what makes it a submission, and what becomes of it when that is not seen.

use std::time::Duration;

use domain::{
    evidence::{EvidenceKind, Moment},
    id::{EvidenceId, IntentId},
    script::{
        ast::{Commit, ReadAs},
        text::normalise,
    },
    wire::Proof,
};
use sha2::{Digest as _, Sha256};

use super::{Halt, Portal};
use crate::{
    browser::{Deadline, Gate, Held},
    clock::Allowed,
    fault::{self, Side},
};

/// Bytes of a body that are shown in the evidence of a submission.
const SHOWN_MAX: usize = 64 * 1024;

impl Portal<'_> {
    /// Everything that makes a click a submission: the request and its answer, the screen, the number, the evidence.
    pub(super) async fn prove(
        &mut self,
        commit: &Commit,
        gate: &Gate,
        held: Result<Option<Held>, crate::browser::Error>,
        intent: IntentId,
        until: Allowed,
    ) -> Result<Proof, String> {
        let held = held.map_err(|error| format!("the request could not be read: {error}"))?;
        let Some(held) = held else {
            if let Some(name) = self.refusal(commit).await {
                return Err(format!("the page refused it: {name}"));
            }
            return Err("the click sent no request that could be seen".to_owned());
        };
        let call = self.describe(&held);
        if until.over() {
            let _ = held.fail().await;
            return Err("the permit ended while the request was held".to_owned());
        }
        held.proceed().await.map_err(|error| format!("the request was cut: {error}"))?;
        let within = Deadline::within(commit.proof.within.duration());
        fault::point("wait-confirm", Side::Before).await;
        let status = gate.answered(within).await;
        self.keep_call(call, status).await;
        match status {
            Some(200..=399) => {}
            // The connection ended without one.
            None | Some(0) => return Err("the portal did not answer".to_owned()),
            Some(status) => {
                if let Some(name) = self.refusal(commit).await {
                    return Err(format!("the page refused it: {name}"));
                }
                return Err(format!("the portal answered with status {status}"));
            }
        }
        self.proof_screen(commit, within).await?;
        fault::point("wait-confirm", Side::After).await;
        let reference = self.proof_reference(commit, within).await?;
        let after = self.evidence_after().await?;
        Ok(Proof { intent, reference, after })
    }

    async fn proof_screen(&mut self, commit: &Commit, within: Deadline) -> Result<(), String> {
        let mut names = vec![commit.proof.screen.as_str()];
        names.extend(commit.refused.iter().map(|(screen, _)| screen.as_str()));
        match self.race(&names, within).await {
            Ok(0) => Ok(()),
            Ok(at) => {
                let name = commit.refused.get(at - 1).map_or("", |(_, name)| name.as_str());
                Err(format!("the page refused it: {name}"))
            }
            Err(Halt::Failed(failure)) => Err(format!("{}: {}", failure.name, failure.detail)),
            Err(_) => Err("the lease ended before the proof".to_owned()),
        }
    }

    /// The number, read before any navigation.
    async fn proof_reference(
        &mut self,
        commit: &Commit,
        within: Deadline,
    ) -> Result<String, String> {
        let within = within.at_most(Duration::from_secs(20));
        match self.captures(&commit.proof.capture, within).await {
            Ok(()) => {}
            Err(Halt::Failed(failure)) => {
                return Err(format!("{}: {}", failure.name, failure.detail));
            }
            Err(_) => return Err("the lease ended before the proof".to_owned()),
        }
        commit
            .proof
            .capture
            .iter()
            .filter(|spec| spec.read_as == ReadAs::Reference)
            .find_map(|spec| self.captured.get(spec.name.as_str())?.plain())
            .ok_or_else(|| "no number was shown".to_owned())
    }

    async fn evidence_after(&mut self) -> Result<EvidenceId, String> {
        fault::point("post-evidence", Side::Before).await;
        let page = self.page().map_err(|_| "the page is gone".to_owned())?;
        let picture = self.observe.full_page(&page, Moment::After).await;
        self.observe.document(&page, Moment::After).await;
        let kept = self.observe.settled().await;
        fault::point("post-evidence", Side::After).await;
        match (picture, kept) {
            (Some(picture), Ok(())) => {
                for reference in &mut self.references {
                    reference.evidence.get_or_insert(picture);
                }
                Ok(picture)
            }
            (_, Err(denied)) => Err(format!("the evidence after is not durable: {denied}")),
            (None, Ok(())) => Err("no picture could be taken after the click".to_owned()),
        }
    }

    /// Which screen, if any, says that the payer took nothing in.
    async fn refusal(&mut self, commit: &Commit) -> Option<String> {
        let page = self.page().ok()?;
        for (screen, name) in &commit.refused {
            if self.shows(&page, screen.as_str()).await.unwrap_or(false) {
                return Some(name.text.clone());
            }
        }
        None
    }

    pub(super) async fn read_again(
        &mut self,
        commit: &Commit,
        flow: &str,
        reference: &str,
    ) -> Result<(), String> {
        let gone = |halt: Halt| match halt {
            Halt::Failed(failure) => format!("reading back failed: {}", failure.detail),
            _ => "reading back was cut short".to_owned(),
        };
        let given = self.given(flow, &commit.proof.with, true).map_err(gone)?;
        self.named_flow(flow, given).await.map_err(gone)?;
        let page = self.page().map_err(gone)?;
        let text = page.visible_text().await.map_err(|error| error.to_string())?;
        if normalise(&text).contains(&normalise(reference)) {
            Ok(())
        } else {
            Err("the portal's own list does not show the number".to_owned())
        }
    }

    pub(super) async fn in_doubt(&mut self, commit: &Commit, why: &str) -> Halt {
        let mut candidates = Vec::new();
        if let Ok(page) = self.page()
            && let Ok(text) = page.visible_text().await
        {
            let text = domain::script::text::spaced(&text);
            for pattern in commit.proof.capture.iter().filter_map(|spec| spec.pattern.as_ref()) {
                for found in pattern.regex.captures_iter(&text).take(5) {
                    let group = if found.len() > 1 { found.get(1) } else { found.get(0) };
                    candidates.extend(group.map(|group| group.as_str().to_owned()));
                }
            }
            self.observe.full_page(&page, Moment::After).await;
            self.observe.document(&page, Moment::After).await;
        }
        candidates.dedup();
        let mut failure = self.failure("in_doubt", why);
        failure.retry = None;
        Halt::Unsure(Box::new(failure), candidates)
    }

    fn describe(&self, held: &Held) -> serde_json::Value {
        let body = held.body.clone().unwrap_or_default();
        // Masked whole and then cut: half a value would not be known.
        let read = body.get(..16 * SHOWN_MAX).unwrap_or(&body);
        let mut shown = self.observe.masker.text(&String::from_utf8_lossy(read));
        shown.truncate(shown.floor_char_boundary(SHOWN_MAX));
        serde_json::json!({
            "method": held.method,
            "url": self.observe.masker.text(&held.url),
            "body_sha256": hex(&Sha256::digest(&body)),
            "body_bytes": body.len(),
            "body": shown,
        })
    }

    async fn keep_call(&mut self, mut call: serde_json::Value, status: Option<u16>) {
        call["status"] = serde_json::json!(status);
        let bytes = serde_json::to_vec_pretty(&call).unwrap_or_default();
        self.observe.keep(EvidenceKind::SubmitCall, Moment::AtAct, bytes).await;
    }
}

pub(super) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut out, byte| {
        let _ = write!(out, "{byte:02x}");
        out
    })
}
