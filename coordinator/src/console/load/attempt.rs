//! The Attempt page from the store.

use std::collections::BTreeMap;

use domain::{
    attempt::AttemptState,
    evidence::{Evidence, EvidenceKind, Moment},
    id::{AttemptId, EvidenceId},
    intent::{IntentState, VoidProof},
    job::JobState,
    lease::Purpose,
    outcome::Outcome,
    step::Step,
};

use super::{payer_name, payer_names, pixels};
use crate::{
    App,
    console::attempt::{AttemptView, IntentView, ScriptLine, Sibling},
    store::{
        self, Store, agents,
        attempts::{self, Attempt},
        cases, evidence, exceptions, intents,
        intents::Intent,
        jobs::{self, Job},
        references, scripts, steps,
    },
};

/// Most of a page's text that is shown, bytes.
const PAGE_TEXT_MAX: usize = 64 * 1024;

/// The query string of the page.
#[derive(Debug, Clone, Default, serde::Deserialize)]
#[serde(default)]
pub struct Query {
    /// Selected step.
    pub step: Option<u32>,
    /// Selected picture.
    pub shot: Option<String>,
}

/// The page.
///
/// # Errors
/// The database cannot be read, or there is no such attempt.
pub async fn load(app: &App, id: AttemptId, query: &Query) -> Result<AttemptView, store::Error> {
    let store = app.store();
    let attempt = attempts::get(store, id).await?;
    let job = jobs::get(store, attempt.job).await?;
    let siblings = attempts::of_job(store, job.id).await?;
    let agent = agents::get(store, attempt.agent).await?;
    let script = scripts::get(store, &attempt.script_sha256).await?;
    let filter = exceptions::Filter { job: job.id.to_string(), ..Default::default() };
    let asked = exceptions::list(store, &filter, "", 50).await?.items;
    let names = payer_names(store).await?;
    let mut view = AttemptView {
        id,
        number: attempt.number,
        attempts_max: job.attempts_max,
        state: attempt.state.clone(),
        purpose: attempt.purpose,
        case: job.case,
        job: job.id,
        task: job.task,
        payer: payer_name(&names, &job.payer),
        agent: agent.info.name,
        script: script.script.clone(),
        script_sha256: attempt.script_sha256.clone(),
        started_at: attempt.started_at,
        ended_at: attempt.ended_at,
        logins: attempt.ended_at.map(|_| attempt.logins),
        session_reused: attempt.session_reused,
        channel: attempt.channel,
        because: attempt.because.clone(),
        steps: steps::of_attempt(store, id).await?,
        evidence: evidence::of_attempt(store, id).await?,
        outcome: outcome(&attempt, &siblings, &job.state),
        intent: intent(store, &attempt, &job).await?,
        exception: asked.iter().find(|e| e.attempt == Some(id)).map(|e| e.id),
        siblings: siblings
            .into_iter()
            .map(|a| Sibling { id: a.id, number: a.number, state: a.state })
            .collect(),
        job_state: job.state,
        step: query.step,
        shot: query.shot.as_deref().and_then(|s| s.parse().ok()),
        page_text: None,
        script_lines: Vec::new(),
        pixels: BTreeMap::new(),
    };
    if let Some(step) = view.selected().cloned() {
        view.page_text = page_text(app, text_of(&view.evidence, step.index)).await;
        view.script_lines = around(&script.files, &step.source);
        view.pixels = pixels(app, shown(&view, &step).into_iter()).await;
    }
    Ok(view)
}

/// The outcome belongs to the last attempt that succeeded.
fn outcome(attempt: &Attempt, siblings: &[Attempt], state: &JobState) -> Option<Outcome> {
    let last = siblings.iter().rfind(|a| a.state == AttemptState::Succeeded)?;
    match state {
        JobState::Done { outcome } if last.id == attempt.id => Some(outcome.clone()),
        _ => None,
    }
}

/// The intent this attempt opened; for a reconcile, the one it looks after.
async fn intent(
    store: &Store,
    attempt: &Attempt,
    job: &Job,
) -> Result<Option<IntentView>, store::Error> {
    let of_job: Vec<Intent> =
        intents::of_case(store, job.case).await?.into_iter().filter(|i| i.job == job.id).collect();
    let found = match attempt.purpose {
        Purpose::Work => of_job.into_iter().rfind(|i| i.attempt == attempt.id),
        Purpose::Reconcile => of_job.into_iter().rfind(|i| i.opened_at <= attempt.started_at),
    };
    let Some(i) = found else { return Ok(None) };
    let cases::Case { id: case, .. } = cases::get(store, job.case).await?;
    let proof =
        references::of_case(store, case).await?.into_iter().find(|r| r.proves == Some(i.id));
    let state = match i.state.as_str() {
        "confirmed" => IntentState::Confirmed {
            reference: proof.map_or_else(|| "see the case".to_owned(), |p| p.reference.value),
            before: i.before,
            after: after(store, &i).await?,
        },
        "void" => IntentState::Void {
            proof: match i.void_proof.as_deref() {
                Some("not_clicked") => VoidProof::NotClicked,
                Some("not_sent") => VoidProof::NotSent,
                Some("proven_absent") => VoidProof::ProvenAbsent,
                _ => VoidProof::Declared,
            },
        },
        _ => IntentState::Open,
    };
    Ok(Some(IntentView {
        id: i.id,
        state,
        commit: i.commit,
        step: i.step,
        attempt: i.attempt,
        opened_at: i.opened_at,
        closed_at: i.closed_at,
        payload_sha256: i.payload_sha256,
        before: i.before,
    }))
}

/// The picture after the click: the last one of the commit's own step.
async fn after(store: &Store, i: &Intent) -> Result<EvidenceId, store::Error> {
    let items = evidence::of_attempt(store, i.attempt).await?;
    let is_picture =
        |e: &&Evidence| matches!(e.kind, EvidenceKind::FullPage | EvidenceKind::Screenshot);
    let mut of_step = items.iter().filter(|e| e.step == i.step && e.moment == Moment::After);
    Ok(of_step.rfind(is_picture).map_or(i.before, |e| e.id))
}

/// Pictures whose size the page needs: those of the selected step, and those that values and numbers were read from.
fn shown<'a>(view: &'a AttemptView, step: &Step) -> Vec<&'a Evidence> {
    let mut wanted: Vec<EvidenceId> = step.acts.iter().filter_map(|a| a.picture).collect();
    wanted.extend(step.values.iter().filter_map(|v| v.picture));
    if let Some(outcome) = &view.outcome {
        wanted.extend(outcome.references.iter().filter_map(|r| r.evidence));
    }
    view.evidence.iter().filter(|e| e.step == step.index || wanted.contains(&e.id)).collect()
}

/// The text of the page as it was in a step, last.
fn text_of(items: &[Evidence], step: u32) -> Option<&Evidence> {
    let newest = |kind| items.iter().rfind(move |e| e.step == step && e.kind == kind);
    newest(EvidenceKind::PageText).or_else(|| newest(EvidenceKind::Message))
}

impl AttemptView {
    /// The evidence whose text is shown on the page.
    #[must_use]
    pub fn page_text_item(&self) -> Option<&Evidence> {
        self.page_text.as_ref()?;
        text_of(&self.evidence, self.selected()?.index)
    }
}

async fn page_text(app: &App, item: Option<&Evidence>) -> Option<String> {
    let item = item?;
    let bytes = app.core.files.get(&item.sha256).await.ok()?;
    let cut = bytes.len().min(PAGE_TEXT_MAX);
    Some(String::from_utf8_lossy(&bytes[..cut]).into_owned())
}

/// The script's lines around `crestline/submit:68`, five before and after.
fn around(files: &BTreeMap<String, String>, source: &str) -> Vec<ScriptLine> {
    let Some((path, line)) = source.rsplit_once(':') else { return Vec::new() };
    let Ok(at) = line.parse::<u32>() else { return Vec::new() };
    let text = files.get(path).or_else(|| files.get(&format!("{path}.yaml")));
    let Some(text) = text else { return Vec::new() };
    (1_u32..)
        .zip(text.lines())
        .skip_while(|(n, _)| n + 5 < at)
        .take_while(|(n, _)| *n <= at + 5)
        .map(|(number, text)| ScriptLine { number, text: text.to_owned(), lit: number == at })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_lines_around_a_step() {
        let text: String = (1..=20).map(|n| format!("line {n}\n")).collect();
        let files = BTreeMap::from([("crestline/submit.yaml".to_owned(), text)]);
        let lines = around(&files, "crestline/submit:8");
        assert_eq!(
            lines.iter().map(|l| l.number).collect::<Vec<_>>(),
            (3..=13).collect::<Vec<_>>()
        );
        assert!(lines.iter().all(|l| l.lit == (l.number == 8)));
        assert_eq!(around(&files, "crestline/submit:2").len(), 7);
        assert!(around(&files, "harbor/submit:2").is_empty());
        assert!(around(&files, "nonsense").is_empty());
    }
}
