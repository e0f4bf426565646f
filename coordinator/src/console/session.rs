//! Between a call and a page: who reads, the frame, the answer with its headers, and problems as pages.

use std::sync::Arc;

use axum::{
    extract::FromRequestParts,
    http::{HeaderValue, Method, StatusCode, header, request::Parts},
    response::{IntoResponse, Redirect, Response},
};
use maud::Markup;

use super::{
    assets::assets,
    frame::{self, Frame, Section},
};
use crate::{
    App,
    access::{self, Caller, Role},
    api::error::Problem,
    flow::Actor,
    store::{self, exceptions},
};

/// The policy of every page: our own files only, no inline script. Style attributes are open because the server places bars
/// and marks by computed numbers; nothing from a portal reaches a style.
pub const POLICY: &str = "default-src 'self'; style-src 'self'; style-src-attr 'unsafe-inline'; object-src 'none'; \
     base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

/// A problem shown as a page.
#[derive(Debug)]
pub struct Fault(pub Problem);

impl<E: Into<Problem>> From<E> for Fault {
    fn from(e: E) -> Self {
        Self(e.into())
    }
}

impl IntoResponse for Fault {
    fn into_response(self) -> Response {
        let status =
            StatusCode::from_u16(self.0.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        html(status, &frame::problem(assets(), self.0.title, &sentence(&self.0.detail)))
    }
}

/// What a page handler returns.
pub type Shown = Result<Response, Fault>;

/// A detail as a sentence: a capital in front, a full stop behind.
#[must_use]
pub fn sentence(text: &str) -> String {
    let mut chars = text.chars();
    let head = chars.next().map(|c| c.to_uppercase().to_string()).unwrap_or_default();
    let stop = if text.ends_with(['.', '?', '!']) { "" } else { "." };
    format!("{head}{}{stop}", chars.as_str())
}

/// An HTML answer that is never kept by a cache.
pub fn html(status: StatusCode, page: &Markup) -> Response {
    let mut reply = (status, page.clone()).into_response();
    let headers = reply.headers_mut();
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    reply
}

/// The signed-in reader of a page.
#[derive(Clone)]
pub struct Reader {
    /// Who.
    pub caller: Caller,
    /// What the address asks to say after an action.
    notice: Option<&'static str>,
}

impl Reader {
    /// Whether the reader may act at all.
    #[must_use]
    pub fn may_act(&self) -> bool {
        self.caller.role >= Role::Operator
    }

    /// The actor for the audit.
    #[must_use]
    pub fn actor(&self) -> Actor {
        Actor::Person(self.caller.user)
    }

    /// Checks a form: the role and the token of this sign-in.
    ///
    /// # Errors
    /// 403.
    pub fn may(&self, role: Role, csrf: &str) -> Result<(), Fault> {
        self.caller.check_csrf(csrf)?;
        self.caller.needs(role)?;
        Ok(())
    }

    /// The frame of a page.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn frame(
        &self,
        app: &App,
        section: impl Into<Option<Section>>,
    ) -> Result<Frame, store::Error> {
        Ok(Frame {
            now: app.now(),
            person: self.caller.name.clone(),
            role: self.caller.role.word().to_owned(),
            may_act: self.may_act(),
            may_settle: self.caller.role >= Role::Reviewer,
            csrf: self.caller.csrf().to_owned(),
            inbox: u64::try_from(exceptions::unanswered(app.store()).await?).unwrap_or(0),
            section: section.into(),
            notice: self.notice,
        })
    }
}

/// A page in its frame.
pub fn page(frame: &Frame, title: &str, body: &Markup) -> Response {
    html(StatusCode::OK, &frame::page(frame, assets(), title, body))
}

impl FromRequestParts<Arc<App>> for Reader {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Response> {
        let found = access::identify(app, &parts.headers).await;
        let Some(caller) = found.map_err(|p| Fault(p).into_response())? else {
            let here = parts.uri.path_and_query().map_or("/", |p| p.as_str());
            let next = if parts.method == Method::GET { here } else { "/" };
            let query: String = url::form_urlencoded::byte_serialize(next.as_bytes()).collect();
            return Err(Redirect::to(&format!("/sign-in?next={query}")).into_response());
        };
        let from = parts.headers.get("sec-fetch-site").and_then(|v| v.to_str().ok());
        if !parts.method.is_safe() && from.is_some_and(|s| s != "same-origin") {
            let problem = Problem::new("csrf", "this form came from another site");
            return Err(Fault(problem).into_response());
        }
        Ok(Self { caller, notice: notice(parts.uri.query().unwrap_or_default()) })
    }
}

/// What the pages say after an action; a closed list, so that an address cannot make a page say anything else.
const NOTICES: &[(&str, &str)] = &[
    ("job_added", "The job was added."),
    ("job_cancelled", "The job was cancelled. A new job can be added on this page."),
    ("claimed", "You hold this question now."),
    ("released", "The question is free again."),
    ("answered", "Your answer was taken."),
    ("first", "Your declaration was taken; a second person must agree."),
    ("password", "Your password was changed. Your other sign-ins have ended."),
    ("key_revoked", "The key was revoked."),
    ("accepted", "Accepted: this is how the payer's pages look now."),
    ("dismissed", "Dismissed."),
    ("held", "The script is held: its jobs wait until it is let go on."),
    ("unheld", "The script goes on."),
    ("paused", "Paused. “Resume” undoes it."),
    ("resumed", "Resumed."),
    ("permitted", "The permission is recorded."),
    ("lifted", "The quarantine is lifted."),
    (
        "cleared",
        "The account is tried again with the next job. If the portal refuses it again, no login follows.",
    ),
    ("draining", "It finishes its work and takes nothing new. “Accept again” undoes it."),
    ("accepting", "It accepts work again."),
];

fn notice(query: &str) -> Option<&'static str> {
    let word = url::form_urlencoded::parse(query.as_bytes()).find(|(k, _)| k == "did")?.1;
    NOTICES.iter().find(|(known, _)| *known == word).map(|(_, sentence)| *sentence)
}
