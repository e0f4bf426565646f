//! The forms: each checks the reader's role and the form's token, makes one `flow` call, and goes back to the page with what was
//! done. A refused answer keeps what was typed.

use std::{net::SocketAddr, sync::Arc};

use axum::{
    Form,
    extract::{ConnectInfo, Path, Query, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Redirect, Response},
};
use domain::{
    exception::{Choice, ExceptionState, Resolution},
    id::{AgentId, CaseId, ExceptionId, JobId},
    job::Task,
    outcome::{Answer, Outcome, Reference, ReferenceKind},
    time::Timestamp,
};
use serde::Deserialize;

use super::{
    assets::assets,
    frame::{self, Section},
    inbox, load,
    pages::{id, show_case},
    session::{Fault, Reader, Shown, html, sentence},
};
use crate::{
    App,
    access::{self, Role},
    api::error::Problem,
    flow,
    store::{
        exceptions::{self, Exception},
        jobs,
    },
};

/// Where to go after the sign-in.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Next {
    next: String,
}

/// Only a path of our own: never another site.
fn own_path(next: &str) -> &str {
    let own =
        next.starts_with('/') && !next.starts_with("//") && !next.contains(['\\', '\r', '\n']);
    if own && !next.starts_with("/sign-") { next } else { "/" }
}

/// `GET /sign-in`
pub async fn sign_in_page(Query(query): Query<Next>) -> Response {
    html(StatusCode::OK, &frame::sign_in(assets(), None, own_path(&query.next), ""))
}

/// The sign-in form.
#[derive(Deserialize)]
pub struct SignIn {
    name: String,
    password: String,
    #[serde(default)]
    next: String,
}

/// `POST /sign-in`
pub async fn sign_in(
    State(app): State<Arc<App>>,
    address: Option<axum::Extension<ConnectInfo<SocketAddr>>>,
    headers: HeaderMap,
    Form(form): Form<SignIn>,
) -> Response {
    // The cookie does not exist yet, so the form's origin takes the place of its token.
    if headers.get("sec-fetch-site").is_some_and(|s| s != "same-origin" && s != "none") {
        return Fault(Problem::new("csrf", "this form came from another site")).into_response();
    }
    let from = address.map_or_else(|| "unknown".to_owned(), |a| a.0.0.ip().to_string());
    match access::sign_in(&app, form.name.trim(), &form.password, &from).await {
        Ok(signed) => {
            let to = Redirect::to(own_path(&form.next));
            ([(header::SET_COOKIE, signed.set_cookie)], to).into_response()
        }
        Err(problem) => {
            let status = StatusCode::from_u16(problem.status).unwrap_or(StatusCode::UNAUTHORIZED);
            let why = sentence(&problem.detail);
            html(status, &frame::sign_in(assets(), Some(&why), own_path(&form.next), &form.name))
        }
    }
}

/// A form with nothing but its token.
#[derive(Debug, Deserialize)]
pub struct Bare {
    csrf: String,
}

/// `POST /sign-out`
pub async fn sign_out(
    State(app): State<Arc<App>>,
    reader: Reader,
    headers: HeaderMap,
    Form(form): Form<Bare>,
) -> Shown {
    reader.caller.check_csrf(&form.csrf)?;
    let cookie = access::sign_out(&app, &headers).await?;
    Ok(([(header::SET_COOKIE, cookie)], Redirect::to("/sign-in")).into_response())
}

/// Back to a page, which then says what was done (`did` is a word of the pages' closed list).
fn back(to: &str, did: &str) -> Shown {
    let (path, fragment) =
        to.split_once('#').map_or((to, String::new()), |(p, f)| (p, format!("#{f}")));
    Ok(Redirect::to(&format!("{path}?did={did}{fragment}")).into_response())
}

/// A form with a reason.
#[derive(Debug, Deserialize)]
pub struct Reason {
    csrf: String,
    reason: String,
}

impl Reason {
    fn text(&self) -> Result<&str, Fault> {
        let text = self.reason.trim();
        if (3..=300).contains(&text.chars().count()) {
            Ok(text)
        } else {
            Err(Fault(Problem::invalid("reason", "the reason needs 3 to 300 characters")))
        }
    }
}

/// The form that adds a job.
#[derive(Debug, Deserialize)]
pub struct AddJob {
    task: String,
    #[serde(flatten)]
    because: Reason,
}

/// `POST /cases/{id}/jobs`
pub async fn add_job(
    State(app): State<Arc<App>>,
    reader: Reader,
    Path(case): Path<String>,
    Form(form): Form<AddJob>,
) -> Shown {
    reader.may(Role::Operator, &form.because.csrf)?;
    let reason = form.because.text()?;
    let case: CaseId = id(&case, "case")?;
    let task = Task::from_word(&form.task)
        .ok_or_else(|| Fault(Problem::invalid("task", "choose one of the tasks on the page")))?;
    flow::intake::add_job(&app.core, &reader.actor(), case, task, None, app.now()).await?;
    reader.caller.because(&app, &case.to_string(), "job.add", reason).await?;
    back(&format!("/cases/{case}"), "job_added")
}

/// `POST /jobs/{id}/cancel`
pub async fn cancel_job(
    State(app): State<Arc<App>>,
    reader: Reader,
    Path(job): Path<String>,
    Form(form): Form<Reason>,
) -> Shown {
    reader.may(Role::Operator, &form.csrf)?;
    let job = jobs::get(app.store(), id::<JobId>(&job, "job")?).await?;
    flow::cancel::cancel_job(&app.core, &reader.actor(), job.id, form.text()?, app.now()).await?;
    back(&format!("/cases/{}", job.case), "job_cancelled")
}

/// `POST /cases/{id}/unmask`: written to the audit before it is shown.
pub async fn unmask(
    State(app): State<Arc<App>>,
    reader: Reader,
    Path(case): Path<String>,
    Form(form): Form<Bare>,
) -> Shown {
    reader.may(Role::Operator, &form.csrf)?;
    let case: CaseId = id(&case, "case")?;
    flow::people::saw(&app.core, &reader.actor(), &case.to_string(), "request", app.now()).await?;
    show_case(&app, &reader, case, true).await
}

/// `POST /inbox/{id}/claim`
pub async fn claim(
    State(app): State<Arc<App>>,
    reader: Reader,
    Path(question): Path<String>,
    Form(form): Form<Bare>,
) -> Shown {
    reader.may(Role::Operator, &form.csrf)?;
    let question = id(&question, "question")?;
    flow::resolve::claim(&app.core, reader.caller.user, question, app.now()).await?;
    back(&format!("/inbox/{question}"), "claimed")
}

/// `POST /inbox/{id}/release`
pub async fn release(
    State(app): State<Arc<App>>,
    reader: Reader,
    Path(question): Path<String>,
    Form(form): Form<Bare>,
) -> Shown {
    reader.may(Role::Operator, &form.csrf)?;
    let question = id(&question, "question")?;
    flow::resolve::unclaim(&app.core, reader.caller.user, question, app.now()).await?;
    back(&format!("/inbox/{question}"), "released")
}

/// An answer.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Answered {
    csrf: String,
    choice: String,
    revision: i64,
    reason: String,
    answer: String,
    reference_kind: String,
    reference: String,
    raw_words: String,
}

impl Answered {
    /// The typed resolution.
    fn resolution(&self, payer: &str, now: Timestamp) -> Result<Resolution, Fault> {
        let reason = self.reason.trim().to_owned();
        let choice = Choice::ALL.into_iter().find(|c| c.word() == self.choice);
        Ok(match choice {
            Some(Choice::Retry) => Resolution::Retry { reason },
            Some(Choice::LookAgain) => Resolution::LookAgain { reason },
            Some(Choice::DeclareAbsent) => Resolution::DeclareAbsent { reason },
            Some(Choice::Cancel) => Resolution::Cancel { reason },
            Some(Choice::GiveOutcome) => {
                Resolution::GiveOutcome { outcome: self.outcome(payer, now)?, reason }
            }
            None => {
                return Err(Fault(Problem::invalid(
                    "choice",
                    "choose one of the answers on the page",
                )));
            }
        })
    }

    fn outcome(&self, payer: &str, now: Timestamp) -> Result<Outcome, Fault> {
        let answer: Answer = self
            .answer
            .parse()
            .map_err(|_| Fault(Problem::invalid("answer", "choose the payer's answer")))?;
        let mut references = Vec::new();
        let value = self.reference.trim();
        if !value.is_empty() {
            let kind: ReferenceKind = self.reference_kind.parse().map_err(|_| {
                Fault(Problem::invalid("reference_kind", "choose the kind of number"))
            })?;
            references.push(Reference {
                kind,
                issuer: payer.to_owned(),
                value: value.to_owned(),
                read_by: "person".to_owned(),
                confidence: None,
                at: now,
                evidence: None,
                bounds: None,
            });
        }
        let raw_words = self.raw_words.trim().to_owned();
        Ok(Outcome { answer, raw_words, references, facts: Vec::new(), via: "person".to_owned() })
    }

    /// What was typed, to be kept in the form when the answer is refused.
    fn typed(&self) -> Vec<(String, String)> {
        [
            ("choice", &self.choice),
            ("reason", &self.reason),
            ("answer", &self.answer),
            ("reference_kind", &self.reference_kind),
            ("reference", &self.reference),
            ("raw_words", &self.raw_words),
        ]
        .map(|(name, text)| (name.to_owned(), text.clone()))
        .to_vec()
    }
}

/// `POST /inbox/{id}/resolve`
pub async fn resolve(
    State(app): State<Arc<App>>,
    reader: Reader,
    Path(question): Path<String>,
    Form(form): Form<Answered>,
) -> Shown {
    reader.may(Role::Operator, &form.csrf)?;
    let question: ExceptionId = id(&question, "question")?;
    match answer(&app, &reader, question, &form).await {
        Ok(done) => {
            let second = matches!(done.state, ExceptionState::Seconding { .. });
            back(&format!("/inbox/{question}"), if second { "first" } else { "answered" })
        }
        // The form is shown again, with what was typed and why it was not taken.
        Err(Fault(problem)) if problem.status < 500 => {
            let query = load::inbox::Query::default();
            let mut view =
                load::inbox::load(&app, &query, reader.caller.user, Some(question)).await?;
            if let Some(detail) = &mut view.detail {
                detail.refused = Some(refusal(&problem));
                detail.typed = form.typed();
            }
            let frame = reader.frame(&app, Section::Inbox).await?;
            let page = frame::page(&frame, assets(), "Inbox", &inbox::body(&view, &frame));
            Ok(html(StatusCode::from_u16(problem.status).unwrap_or(StatusCode::CONFLICT), &page))
        }
        Err(fault) => Err(fault),
    }
}

async fn answer(
    app: &App,
    reader: &Reader,
    question: ExceptionId,
    form: &Answered,
) -> Result<Exception, Fault> {
    let about = exceptions::get(app.store(), question).await?;
    let resolution = form.resolution(&about.payer, app.now())?;
    if about.intent.is_some() && resolution.choice() != Choice::LookAgain {
        reader.caller.needs(Role::Reviewer)?;
    }
    let (by, now) = (reader.caller.user, app.now());
    Ok(flow::resolve::resolve(&app.core, by, question, form.revision, &resolution, now).await?)
}

fn refusal(problem: &Problem) -> String {
    let field = problem.field.as_deref().map(|f| match f {
        "reason" => "The reason ",
        "outcome.references" | "reference" => "The number: ",
        _ => "",
    });
    let now = problem.now.as_deref().map(|now| format!(" It is now {now}.")).unwrap_or_default();
    format!("{}{now}", sentence(&format!("{}{}", field.unwrap_or_default(), problem.detail)))
}

/// `POST /payers/{id}/pause`
pub async fn pause_payer(
    State(app): State<Arc<App>>,
    reader: Reader,
    Path(payer): Path<String>,
    Form(form): Form<Reason>,
) -> Shown {
    reader.may(Role::Operator, &form.csrf)?;
    flow::payers::pause(&app.core, &reader.actor(), &payer, form.text()?, None, app.now()).await?;
    back(&format!("/fleet#payer-{payer}"), "paused")
}

/// `POST /payers/{id}/resume`
pub async fn resume_payer(
    State(app): State<Arc<App>>,
    reader: Reader,
    Path(payer): Path<String>,
    Form(form): Form<Reason>,
) -> Shown {
    reader.may(Role::Operator, &form.csrf)?;
    let reason = form.text()?;
    flow::payers::resume(&app.core, &reader.actor(), &payer, None, app.now()).await?;
    reader.caller.because(&app, &payer, "resume", reason).await?;
    back(&format!("/fleet#payer-{payer}"), "resumed")
}

/// `POST /pools/{id}/pause`
pub async fn pause_pool(
    State(app): State<Arc<App>>,
    reader: Reader,
    Path(pool): Path<String>,
    Form(form): Form<Reason>,
) -> Shown {
    reader.may(Role::Operator, &form.csrf)?;
    let why = Some(form.text()?);
    flow::payers::pause_pool(&app.core, &reader.actor(), &pool, why, app.now()).await?;
    back("/fleet", "paused")
}

/// `POST /pools/{id}/resume`
pub async fn resume_pool(
    State(app): State<Arc<App>>,
    reader: Reader,
    Path(pool): Path<String>,
    Form(form): Form<Reason>,
) -> Shown {
    reader.may(Role::Operator, &form.csrf)?;
    let reason = form.text()?;
    flow::payers::pause_pool(&app.core, &reader.actor(), &pool, None, app.now()).await?;
    reader.caller.because(&app, &pool, "resume", reason).await?;
    back("/fleet", "resumed")
}

/// `POST /agents/{id}/drain`
pub async fn drain(
    State(app): State<Arc<App>>,
    reader: Reader,
    Path(agent): Path<String>,
    Form(form): Form<Reason>,
) -> Shown {
    reader.may(Role::Operator, &form.csrf)?;
    let reason = form.text()?;
    let agent: AgentId = id(&agent, "agent")?;
    flow::agents::drain(&app.core, &reader.actor(), agent, true, app.now()).await?;
    reader.caller.because(&app, &agent.to_string(), "drain", reason).await?;
    back("/fleet", "draining")
}

/// `POST /agents/{id}/resume`
pub async fn accept_again(
    State(app): State<Arc<App>>,
    reader: Reader,
    Path(agent): Path<String>,
    Form(form): Form<Reason>,
) -> Shown {
    reader.may(Role::Operator, &form.csrf)?;
    let reason = form.text()?;
    let agent: AgentId = id(&agent, "agent")?;
    flow::agents::drain(&app.core, &reader.actor(), agent, false, app.now()).await?;
    reader.caller.because(&app, &agent.to_string(), "resume", reason).await?;
    back("/fleet", "accepting")
}
