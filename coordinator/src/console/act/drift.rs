//! The forms of a drift item: accept it, dismiss it.

use std::sync::Arc;

use axum::{
    Form,
    extract::{Path, State},
    http::StatusCode,
};
use domain::id::DriftId;
use serde::Deserialize;

use super::back;
use crate::{
    App,
    access::Role,
    console::{
        assets::assets,
        drift,
        frame::{self, Section},
        load,
        pages::id,
        session::{Fault, Reader, Shown, html, sentence},
    },
    flow::drift::{Verdict, decide},
};

/// A person's answer.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Answered {
    csrf: String,
    reason: String,
    revision: i64,
}

/// `POST /drift/{id}/accept`
pub async fn accept(
    State(app): State<Arc<App>>,
    reader: Reader,
    Path(item): Path<String>,
    Form(form): Form<Answered>,
) -> Shown {
    answer(&app, &reader, id(&item, "drift item")?, Verdict::Accept, &form).await
}

/// `POST /drift/{id}/dismiss`
pub async fn dismiss(
    State(app): State<Arc<App>>,
    reader: Reader,
    Path(item): Path<String>,
    Form(form): Form<Answered>,
) -> Shown {
    answer(&app, &reader, id(&item, "drift item")?, Verdict::Dismiss, &form).await
}

async fn answer(
    app: &App,
    reader: &Reader,
    item: DriftId,
    verdict: Verdict,
    form: &Answered,
) -> Shown {
    reader.may(Role::Reviewer, &form.csrf)?;
    let seen = (item, Some(form.revision));
    let done = decide(&app.core, reader.caller.user, seen, verdict, &form.reason, app.now()).await;
    match done.map_err(Fault::from) {
        Ok(_) => {
            let did = if verdict == Verdict::Accept { "accepted" } else { "dismissed" };
            back(&format!("/drift/{item}"), did)
        }
        // The page is shown again as it is now, with why the answer was not taken.
        Err(Fault(problem)) if problem.status < 500 => {
            let mut view = load::drift::one(app, item).await?;
            view.refused = Some(sentence(&problem.detail));
            let frame = reader.frame(app, Section::Drift).await?;
            let page = frame::page(&frame, assets(), "Drift", &drift::one(&view, &frame));
            Ok(html(StatusCode::from_u16(problem.status).unwrap_or(StatusCode::CONFLICT), &page))
        }
        Err(fault) => Err(fault),
    }
}
