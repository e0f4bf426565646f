//! FHIR Da Vinci PAS: `$submit` once, under permit and latch; `$inquire` for the status, and to look after a doubt.

mod build;
mod door;
pub(super) mod read;

use std::sync::Arc;

use domain::{
    id::EvidenceId,
    job::Task,
    lease::Purpose,
    outcome::{Answer as Said, FailureKind},
    step::Effect,
    wire::{End, Finding, Proof},
};
use exchange::pas::{
    self,
    answer::Answer,
    bundle::{Bundle, Resource},
    element::Element as _,
    fault::Path,
    inquiry::{Found, Inquiry},
    outcome::OperationOutcome,
    request::Naming,
};
use futures_util::future::BoxFuture;

use super::{
    Doors,
    talk::{Exchange, Message, Stop, Talk, Way, failed, in_doubt, readable},
};
use crate::observe::Observer;

const FHIR: &str = "application/fhir+json";

/// The channel.
pub struct Pas;

impl Way for Pas {
    fn run<'a>(
        &'a self,
        exchange: &'a Exchange<'a>,
        doors: Arc<dyn Doors>,
        observe: &'a mut Observer,
    ) -> BoxFuture<'a, Option<End>> {
        Box::pin(async move {
            let mut talk = Talk::new(exchange, doors, observe);
            let end = match (exchange.purpose, exchange.task) {
                (Purpose::Reconcile, _) => look(&mut talk).await,
                (Purpose::Work, Task::Submit | Task::Renewal) => submit(&mut talk).await,
                (Purpose::Work, Task::AuthStatus) => status(&mut talk).await,
                (Purpose::Work, _) => {
                    let detail = "PAS has no message for this task";
                    Err(failed(FailureKind::BadInput, "task_not_carried", detail))
                }
            };
            talk.end(end).await
        })
    }
}

async fn submit(talk: &mut Talk<'_>) -> Result<End, Stop> {
    talk.begin("Build the request", Effect::Draft).await?;
    let mut request = build::request(talk.exchange)?;
    // What is kept names the documents by hash; the bytes are in the case already.
    let kept = built(&request, talk.exchange.endpoint);
    let documents = build::documents(talk.exchange)?;
    for (i, file) in documents.iter().enumerate() {
        let bytes = talk.document(file).await?;
        build::attach(&mut request, i, file, &bytes);
    }
    let body = built(&request, talk.exchange.endpoint);
    talk.done().await;
    talk.let_in().await?;
    talk.begin("Ask what the payer's interface can do", Effect::Read).await?;
    let asked = Message { method: "GET", path: "metadata", media: FHIR, body: "", kept: "" };
    readable(&talk.ask(&asked).await?.0)?;
    talk.done().await;

    talk.begin("Send the request", Effect::Commit).await?;
    let message =
        Message { method: "POST", path: "Claim/$submit", media: FHIR, body: &body, kept: &kept };
    let (intent, reply, after) = talk.commit("submit", &message).await?;
    if !(200..=299).contains(&reply.status) {
        return Err(door::shut(&reply));
    }
    let answer = answer_of(&reply.body).map_err(|why| in_doubt(&why))?;
    let outcome = read::outcome(talk.exchange, &answer, after)
        .map_err(|why| in_doubt(&format!("the answer says no known thing: {why}")))?;
    let Some(reference) = read::proving(&outcome) else {
        return Err(door::unproved(&answer));
    };
    talk.observe.log(&format!("the payer says: {}", outcome.answer.word()));
    talk.done().await;
    let proof = Some(Proof { intent, reference, after });
    Ok(End::Outcome { outcome, proof })
}

fn built(request: &pas::request::Request, endpoint: &domain::channel::Endpoint) -> String {
    pas::write(&request.build(&Naming::new(&endpoint.base, &request.exchange.value)))
}

/// The status of an authorization: the answer that has its number, by whatever channel the request came.
async fn status(talk: &mut Talk<'_>) -> Result<End, Stop> {
    talk.let_in().await?;
    talk.begin("Ask for the status", Effect::Read).await?;
    let inquiry = build::inquiry(talk.exchange, None)?;
    let (answers, evidence) = inquire(talk, &inquiry).await?;
    let number = talk.exchange.inputs["reference"].as_str().unwrap_or_default();
    let named: Vec<&Answer> = answers.iter().filter(|a| read::has_number(a, number)).collect();
    let answer = match named.as_slice() {
        [one] => *one,
        [] => {
            let detail = format!("{} answers, none with the number asked for", answers.len());
            return Err(failed(FailureKind::NotFound, "record_not_found", &detail));
        }
        many => {
            let detail = format!("{} answers with the number asked for", many.len());
            return Err(failed(FailureKind::Unsure, "record_not_clear", &detail));
        }
    };
    let outcome = read::outcome(talk.exchange, answer, evidence)
        .map_err(|why| failed(FailureKind::PageChanged, "unmapped_answer", &why))?;
    talk.observe.log(&format!("the payer says: {}", outcome.answer.word()));
    talk.done().await;
    Ok(End::Outcome { outcome, proof: None })
}

/// Looks whether the payer has our request: by our own identifier of it.
async fn look(talk: &mut Talk<'_>) -> Result<End, Stop> {
    talk.let_in().await?;
    talk.begin("Look for the request at the payer", Effect::Read).await?;
    let inquiry = build::inquiry(talk.exchange, None)?;
    let (answers, evidence) = inquire(talk, &inquiry).await?;
    let own = talk.exchange.inputs["submission"].as_str().unwrap_or_default();
    let ours: Vec<&Answer> = answers.iter().filter(|a| read::is_to(a, own)).collect();
    let unclear = |a: &Answer| a.request.is_none() || read::is_like(a, own);
    talk.observe.log(&format!("{} answers, {} to this request", answers.len(), ours.len()));
    talk.done().await;
    let finding = match ours.as_slice() {
        [one] => {
            let outcome = read::outcome(talk.exchange, one, evidence)
                .map_err(|why| failed(FailureKind::PageChanged, "unmapped_answer", &why))?;
            if outcome.answer == Said::Rejected {
                return Err(door::found_refused(one));
            }
            Finding::One { outcome, evidence }
        }
        [] if answers.iter().any(unclear) => {
            // Somebody's request, and it does not say whose: a person looks.
            let count = answers.iter().filter(|a| unclear(a)).count();
            Finding::Many { count: u32::try_from(count).unwrap_or(u32::MAX) }
        }
        [] => Finding::None { evidence, recognised: shows_known(talk).await? },
        many => Finding::Many { count: u32::try_from(many.len()).unwrap_or(u32::MAX) },
    };
    Ok(End::Finding { finding })
}

/// Whether the search shows a record that the payer is known to have: without that, finding nothing says nothing.
async fn shows_known(talk: &mut Talk<'_>) -> Result<bool, Stop> {
    let Some(known) = talk.exchange.inputs.get("known").filter(|known| known.is_object()) else {
        return Ok(false);
    };
    talk.begin("Look for a record that is known to be there", Effect::Read).await?;
    let inquiry = build::inquiry(talk.exchange, Some(known))?;
    let (answers, _) = inquire(talk, &inquiry).await?;
    let number = known["number"].as_str().unwrap_or_default();
    let shown = answers.iter().any(|a| read::has_number(a, number));
    talk.done().await;
    Ok(shown)
}

async fn inquire(
    talk: &mut Talk<'_>,
    inquiry: &Inquiry,
) -> Result<(Vec<Answer>, EvidenceId), Stop> {
    let stem = &inquiry.exchange.value;
    let body = pas::write(&inquiry.build(&Naming::new(&talk.exchange.endpoint.base, stem)));
    let path = "Claim/$inquire";
    let message = Message { method: "POST", path, media: FHIR, body: &body, kept: &body };
    let (reply, evidence) = talk.ask(&message).await?;
    readable(&reply)?;
    let unfit = |why: String| failed(FailureKind::PageChanged, "unreadable_answer", &why);
    let resource: Resource =
        pas::read(&reply.body, "answer").map_err(|fault| unfit(fault.to_string()))?;
    let found = Found::read(resource).map_err(|fault| unfit(fault.to_string()))?;
    for told in &found.told {
        talk.observe.log(&format!("the payer adds{}", issues(told)));
    }
    let mut answers = Vec::with_capacity(found.bundles.len());
    for bundle in &found.bundles {
        let read = Answer::read(bundle).map_err(|faults| unfit(first(&faults)))?;
        answers.push(read.what);
    }
    Ok((answers, evidence))
}

fn answer_of(body: &[u8]) -> Result<Answer, String> {
    let bundle: Bundle = pas::read(body, "Bundle").map_err(|fault| fault.to_string())?;
    Answer::read(&bundle).map(|read| read.what).map_err(|faults| first(&faults))
}

/// Faults name places, never values.
fn first(faults: &[pas::fault::Fault]) -> String {
    faults.first().map_or_else(|| "it cannot be read".to_owned(), ToString::to_string)
}

/// What an OperationOutcome says.
fn told(body: &[u8]) -> Option<OperationOutcome> {
    let value: serde_json::Value = serde_json::from_slice(body).ok()?;
    OperationOutcome::read(value, &Path::root("OperationOutcome")).ok()
}

/// Its codes and places.
fn issues(told: &OperationOutcome) -> String {
    let one = |issue: &pas::outcome::Issue| {
        let at = issue.expression.first().map(|place| format!(" at {place}")).unwrap_or_default();
        format!(": {}{at}", issue.code)
    };
    told.issue.iter().take(3).map(one).collect()
}
