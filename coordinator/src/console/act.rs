//! The forms: each checks the reader's role and the form's token, makes one `flow` call, and goes back to the page with what was
//! done. Here what they share, and the forms of a case; one file for each further place they stand on.

pub mod drift;
pub mod fleet;
pub mod me;
pub mod question;
pub mod sign;

use std::sync::Arc;

use axum::{
    Form,
    extract::{Path, State},
    response::{IntoResponse, Redirect},
};
use domain::{
    id::{CaseId, JobId},
    job::Task,
};
use serde::Deserialize;

use super::{
    pages::{id, show_case},
    session::{Fault, Reader, Shown},
};
use crate::{
    App,
    access::Role,
    api::error::Problem,
    flow::{self, Asked},
    store::jobs,
};

/// A form with nothing but its token.
#[derive(Debug, Deserialize)]
pub struct Bare {
    csrf: String,
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
    /// The change the form asks for, when its token and the reader's role are right and it says why.
    fn by(&self, reader: &Reader, least: Role) -> Result<Asked, Fault> {
        reader.may(least, &self.csrf)?;
        Ok(Asked::new(reader.actor(), &self.reason, None)?)
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
    let asked = form.because.by(&reader, Role::Operator)?;
    let case: CaseId = id(&case, "case")?;
    let task = Task::from_word(&form.task)
        .ok_or_else(|| Fault(Problem::invalid("task", "choose one of the tasks on the page")))?;
    flow::intake::ask_job(&app.core, &asked, case, task, app.now()).await?;
    back(&format!("/cases/{case}"), "job_added")
}

/// `POST /jobs/{id}/cancel`
pub async fn cancel_job(
    State(app): State<Arc<App>>,
    reader: Reader,
    Path(job): Path<String>,
    Form(form): Form<Reason>,
) -> Shown {
    let asked = form.by(&reader, Role::Operator)?;
    let job = jobs::get(app.store(), id::<JobId>(&job, "job")?).await?;
    flow::cancel::cancel_job(&app.core, &asked, job.id, app.now()).await?;
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
