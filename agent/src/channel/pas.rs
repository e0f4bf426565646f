//! FHIR Da Vinci PAS: `$submit` once, under permit and latch; `$inquire` for the status, and to look after a doubt.

mod build;
pub(super) mod door;
pub(super) mod read;

use domain::{
    job::Task,
    lease::Purpose,
    outcome::FailureKind,
    step::Effect,
    wire::{End, Proof},
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
    inquiry::{self, Inquire, Shown},
    talk::{Message, Stop, Talk, Way, failed, in_doubt, readable},
};

const FHIR: &str = "application/fhir+json";

/// The channel.
pub struct Pas;

impl Way for Pas {
    fn work<'a>(&'a self, talk: &'a mut Talk<'_>) -> BoxFuture<'a, Result<End, Stop>> {
        Box::pin(work(talk))
    }
}

async fn work(talk: &mut Talk<'_>) -> Result<End, Stop> {
    match (talk.exchange.purpose, talk.exchange.task) {
        (Purpose::Reconcile, _) => {
            talk.let_in().await?;
            let own = talk.exchange.inputs["submission"].as_str().unwrap_or_default();
            inquiry::look(talk, &mut Inquirer, own).await
        }
        (Purpose::Work, Task::Submit | Task::Renewal) => submit(talk).await,
        (Purpose::Work, Task::AuthStatus) => {
            talk.let_in().await?;
            inquiry::status(talk, &mut Inquirer).await
        }
        (Purpose::Work, _) => {
            let detail = "PAS has no message for this task";
            Err(failed(FailureKind::BadInput, "task_not_carried", detail))
        }
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
    // An answer that names no request came over our own connection, and is taken for ours.
    if read::is_to_another(&answer, &request.id.value) {
        return Err(in_doubt("the answer is to another request"));
    }
    let (outcome, reference) = door::proved(talk.exchange, &answer, after)?;
    Ok(talk.told(outcome, Some(Proof { intent, reference, after })).await)
}

fn built(request: &pas::request::Request, endpoint: &domain::channel::Endpoint) -> String {
    pas::write(&request.build(&Naming::new(&endpoint.base, &request.exchange.value)))
}

/// `$inquire`.
struct Inquirer;

impl Inquire for Inquirer {
    async fn inquire(
        &mut self,
        talk: &mut Talk<'_>,
        known: Option<&serde_json::Value>,
    ) -> Result<Shown, Stop> {
        let inquiry = build::inquiry(talk.exchange, known)?;
        inquire(talk, &inquiry).await
    }
}

async fn inquire(talk: &mut Talk<'_>, inquiry: &Inquiry) -> Result<Shown, Stop> {
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
    let limited = found.is_limited();
    let mut answers = Vec::with_capacity(found.bundles.len());
    for bundle in &found.bundles {
        let read = Answer::read(bundle).map_err(|faults| unfit(first(&faults)))?;
        answers.push(read.what);
    }
    Ok(Shown { answers, limited, evidence })
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
