//! Signing in and out.

use std::{net::SocketAddr, sync::Arc};

use axum::{
    Form,
    extract::{ConnectInfo, Query, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Redirect, Response},
};
use serde::Deserialize;

use super::Bare;
use crate::{
    App, access,
    api::error::Problem,
    console::{
        assets::assets,
        frame,
        session::{Fault, Reader, Shown, html, sentence},
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
