//! The door to Verity Review, which reviews imaging for some members: a signed message with the member, the provider and
//! the codes, posted on by a page of its own. The hub lists the request as redirected and never learns the decision.

use std::sync::Arc;

use axum::{
    Extension, Form,
    extract::State,
    http::{StatusCode, header},
    response::Response,
};
use serde::Deserialize;

use super::{apps::admitted, hub::error, submit};
use crate::{
    ledger::Entry,
    portal::{
        call::Call,
        decide::LineStatus,
        html::{self, esc},
        sim::Sim,
        store::Filed,
        verity::sso::{self, Assertion},
        world::world,
    },
};

/// Where messages are taken.
const DOOR: &str = "https://www.verity.test/sso/acs";

/// Where people come back to.
const BACK: &str = "https://hub.crestline.test/#/auth/dashboard";

/// The request as far as it has come, in JSON.
#[derive(Deserialize)]
pub(super) struct Leaving {
    request: String,
}

/// `POST /vendor`: the page that posts itself to the reviewer.
pub(super) async fn leave(
    State(sim): State<Arc<Sim>>,
    Extension(call): Extension<Call>,
    Form(leaving): Form<Leaving>,
) -> Response {
    let session = match admitted(&sim, &call) {
        Ok(session) => session,
        Err(answer) => return *answer,
    };
    let read = serde_json::from_str(&leaving.request).ok();
    let Some(filing) = read.and_then(|request| submit::unsent(&request)) else {
        return error(StatusCode::UNPROCESSABLE_ENTITY, "The request is not complete.");
    };
    let member = world().member_by_id("crestline", &filing.member_id);
    let from = Filed {
        payer: "crestline",
        account: &session.account.id,
        origin: &session.account.origin,
        received_seq: 0,
        now: sim.now(),
        imaging_delegated: member.is_some_and(|member| member.imaging_delegated),
    };
    let assertion = Assertion {
        issuer: "hub.crestline.test".to_owned(),
        id: sim.uuid("assertion"),
        account: session.account.id.clone(),
        member_id: filing.member_id.clone(),
        requesting_npi: filing.requesting_npi.clone(),
        codes: filing.lines.iter().map(|line| line.code.clone()).collect(),
    };
    let case = super::file(&sim, &from, filing, false);
    if case.lines.iter().any(|line| line.status != LineStatus::Redirected) {
        return error(StatusCode::UNPROCESSABLE_ENTITY, "This service is reviewed by the payer.");
    }
    sim.keep(&case);
    // No effect at the payer: the request has only been sent on.
    let entry = Entry::new("context").with("redirected", "verity");
    sim.note(&call, entry.with("case", case.id.as_str()));
    page(&sso::response(&assertion, sim.now()))
}

fn page(response: &str) -> Response {
    let mut answer = html::page(
        StatusCode::OK,
        format!(
            "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>Verity Review</title>\
             <link rel=\"stylesheet\" href=\"/connect.css\"></head><body class=\"inner\"><main>\
             <h1>You are being taken to Verity Review</h1><form method=\"post\" action=\"{DOOR}\">\
             <input type=\"hidden\" name=\"SAMLResponse\" value=\"{}\">\
             <input type=\"hidden\" name=\"RelayState\" value=\"{}\">\
             <noscript><button type=\"submit\">Continue</button></noscript></form></main>\
             <script>document.forms[0].submit()</script></body></html>",
            esc(response),
            esc(BACK)
        ),
    );
    // The message is for one reader: nothing of this page may be kept.
    let no_referrer = header::HeaderValue::from_static("no-referrer");
    answer.headers_mut().insert(header::REFERRER_POLICY, no_referrer);
    answer
}
