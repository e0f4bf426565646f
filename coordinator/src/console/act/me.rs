//! The forms of the page about oneself: the own password, the own keys.

use std::sync::Arc;

use axum::{
    Form,
    extract::{Path, State},
    http::{StatusCode, header},
    response::IntoResponse as _,
};
use serde::Deserialize;

use super::{Reason, back};
use crate::{
    App,
    access::{self, Role, people},
    api::error::Problem,
    console::{
        assets::assets,
        frame, load, me,
        session::{Fault, Reader, Shown, html, sentence},
    },
    flow,
};

/// The form of the own password.
#[derive(Deserialize)]
pub struct OwnPassword {
    csrf: String,
    present: String,
    new: String,
    again: String,
}

/// `POST /me/password`: every sign-in of the person ends, and this browser gets a new one.
pub async fn change_password(
    State(app): State<Arc<App>>,
    reader: Reader,
    Form(form): Form<OwnPassword>,
) -> Shown {
    reader.may(Role::Viewer, &form.csrf)?;
    let changed = if form.new == form.again {
        people::change_password(&app, &reader.caller, (&form.present, &form.new)).await
    } else {
        Err(Problem::invalid("new", "is not the same in both fields"))
    };
    match changed {
        Ok(()) => {
            let cookie = access::begin(&app, reader.caller.user).await?;
            let mut reply = back("/me", "password")?;
            reply.headers_mut().append(header::SET_COOKIE, cookie.parse().map_err(no_header)?);
            Ok(reply)
        }
        Err(problem) if problem.status < 500 => {
            let mut view = load::other::me(&app, reader.caller.user).await?;
            let of = match problem.field.as_deref() {
                Some("present") => "The present password ",
                Some("new") => "The new password ",
                _ => "",
            };
            view.refused = Some(sentence(&format!("{of}{}", problem.detail)));
            let page_frame = reader.frame(&app, None).await?;
            let page = frame::page(&page_frame, assets(), "You", &me::body(&view, &page_frame));
            let status = StatusCode::from_u16(problem.status).unwrap_or(StatusCode::CONFLICT);
            Ok(html(status, &page).into_response())
        }
        Err(problem) => Err(Fault(problem)),
    }
}

fn no_header(error: header::InvalidHeaderValue) -> Fault {
    Fault(Problem::internal(&error))
}

/// `POST /keys/{id}/revoke`: one's own keys only.
pub async fn revoke_key(
    State(app): State<Arc<App>>,
    reader: Reader,
    Path(key): Path<String>,
    Form(form): Form<Reason>,
) -> Shown {
    let asked = form.by(&reader, Role::Viewer)?;
    flow::people::revoke_key(&app.core, &asked, &key, Some(reader.caller.user), app.now()).await?;
    back("/me", "key_revoked")
}
