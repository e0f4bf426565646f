//! The forms of a question: hold it, let it go, answer it. A refused answer keeps what was typed.

use std::sync::Arc;

use axum::{
    Form,
    extract::{Path, State},
    http::StatusCode,
};
use domain::{
    exception::{Choice, ExceptionState, Resolution},
    id::ExceptionId,
    outcome::{Answer, Outcome, Reference, ReferenceKind},
    time::Timestamp,
};
use serde::Deserialize;

use super::{Bare, back};
use crate::{
    App,
    access::Role,
    api::{error::Problem, types::TypedCode},
    console::{
        assets::assets,
        frame::{self, Section},
        inbox, load,
        pages::id,
        session::{Fault, Reader, Shown, html, sentence},
    },
    flow,
    store::exceptions::{self, Exception},
};

/// `POST /inbox/{id}/claim`
pub async fn claim(
    State(app): State<Arc<App>>,
    reader: Reader,
    Path(question): Path<String>,
    Form(form): Form<Bare>,
) -> Shown {
    reader.may(Role::Operator, &form.csrf)?;
    let question = id(&question, "question")?;
    flow::resolve::claim(&app.core, reader.caller.user, (question, None), app.now()).await?;
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
    flow::resolve::unclaim(&app.core, reader.caller.user, (question, None), app.now()).await?;
    back(&format!("/inbox/{question}"), "released")
}

/// An answer.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Answered {
    csrf: String,
    choice: String,
    revision: i64,
    code: TypedCode,
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
            Some(Choice::GiveCode) => Resolution::GiveCode { reason },
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

    /// What was typed, to be kept in the form when the answer is refused; a code is not.
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
    if form.choice == Choice::GiveCode.word() {
        let (by, seen) = (reader.caller.user, (question, form.revision));
        let given = flow::code::give_code(&app.core, by, seen, form.code.text(), app.now()).await?;
        return Ok(given);
    }
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
