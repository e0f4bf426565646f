//! The door from another portal: a signed message in the shape of a SAML response brings a user with the member, the
//! provider and the codes. Each works once and for five minutes. No login, but the disclosure is asked.

use std::sync::Arc;

use aws_lc_rs::hmac;
use axum::{
    Extension,
    extract::{Request, State},
    http::StatusCode,
    response::Response,
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{look, signin};
use crate::{
    ledger::Entry,
    portal::{accounts::Stage, call::Call, html, sim::Sim},
};

/// What the two companies have agreed on to know each other's messages by.
const KEY: &[u8] = b"invented key of crestline and verity";

/// How long a message is good for.
const GOOD_FOR: SignedDuration = SignedDuration::from_mins(5);

/// What another portal says about somebody it sends.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Assertion {
    /// Who sends.
    pub issuer: String,
    /// Name of the message, used once.
    pub id: String,
    /// The account.
    pub account: String,
    /// Identifier of the member.
    pub member_id: String,
    /// Requesting provider.
    pub requesting_npi: String,
    /// Procedure codes.
    pub codes: Vec<String>,
}

fn tag(text: &str) -> String {
    STANDARD.encode(hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, KEY), text.as_bytes()))
}

/// The value of `SAMLResponse` for a message made at `now`.
pub fn response(assertion: &Assertion, now: Timestamp) -> String {
    let until = now.checked_add(GOOD_FOR).unwrap_or(now);
    let attribute = |name: &str, value: &str| {
        format!(
            "<Attribute Name=\"{name}\"><AttributeValue>{}</AttributeValue></Attribute>",
            html::esc(value)
        )
    };
    let told = format!(
        "<Assertion ID=\"{}\"><Issuer>{}</Issuer><NameID>{}</NameID><Conditions NotOnOrAfter=\"{until}\"/>{}{}{}</Assertion>",
        html::esc(&assertion.id),
        html::esc(&assertion.issuer),
        html::esc(&assertion.account),
        attribute("memberId", &assertion.member_id),
        attribute("requestingNpi", &assertion.requesting_npi),
        attribute("codes", &assertion.codes.join(" ")),
    );
    let signature = tag(&told);
    STANDARD
        .encode(format!("<Response>{told}<SignatureValue>{signature}</SignatureValue></Response>"))
}

fn between<'a>(text: &'a str, from: &str, to: &str) -> Option<&'a str> {
    text.split_once(from)?.1.split_once(to).map(|(inner, _)| inner)
}

/// Reads and checks a message; the moment it ends.
fn read(value: &str) -> Option<(Assertion, Timestamp)> {
    let text = String::from_utf8(STANDARD.decode(value.trim()).ok()?).ok()?;
    let told = text.strip_prefix("<Response>")?.split_once("<SignatureValue>")?.0;
    let signature = STANDARD.decode(between(&text, "<SignatureValue>", "<")?).ok()?;
    hmac::verify(&hmac::Key::new(hmac::HMAC_SHA256, KEY), told.as_bytes(), &signature).ok()?;
    let attribute = |name: &str| {
        let from = format!("Name=\"{name}\"><AttributeValue>");
        between(told, &from, "</AttributeValue>").unwrap_or_default().to_owned()
    };
    let assertion = Assertion {
        issuer: between(told, "<Issuer>", "<")?.to_owned(),
        id: between(told, "ID=\"", "\"")?.to_owned(),
        account: between(told, "<NameID>", "<")?.to_owned(),
        member_id: attribute("memberId"),
        requesting_npi: attribute("requestingNpi"),
        codes: attribute("codes").split_whitespace().map(str::to_owned).collect(),
    };
    let until = between(told, "NotOnOrAfter=\"", "\"")?.parse().ok()?;
    Some((assertion, until))
}

/// Somebody arrives from another portal.
pub(super) async fn arrive(
    (State(sim), Extension(call)): (State<Arc<Sim>>, Extension<Call>),
    request: Request,
) -> Response {
    let body = axum::body::to_bytes(request.into_body(), 64 * 1024).await.unwrap_or_default();
    let fields: std::collections::HashMap<String, String> =
        url::form_urlencoded::parse(&body).into_owned().collect();
    let told = fields.get("SAMLResponse").and_then(|value| read(value));
    let fresh = told.filter(|(assertion, until)| {
        sim.now() < *until && sim.kept.get(&used(&assertion.id)).is_none()
    });
    let Some((assertion, _)) = fresh else {
        sim.note(&call, Entry::new("login").with("result", "refused").with("by", "sso"));
        let skin = sim.sessions.skin_before_sign_in();
        let body = "<p><b>Link has expired.</b></p>";
        return html::page(StatusCode::OK, look::plain(skin, "Link expired", body));
    };
    sim.kept.put(&used(&assertion.id), json!(true));
    let account = assertion.account.clone();
    let Some(response) = signin::open(&sim, &account, "sso", "login.aspx") else {
        return html::page(StatusCode::FORBIDDEN, String::new());
    };
    let cookie = response.headers().get("set-cookie").and_then(|value| value.to_str().ok());
    let token = cookie.and_then(|cookie| cookie.split(['=', ';']).nth(1)).unwrap_or_default();
    sim.sessions.change(token, |session| {
        session.stage = Stage::Partly("sso");
        session.member = Some(assertion.member_id.clone());
        session.data.insert("sso".to_owned(), json!(assertion));
        let back = fields.get("RelayState").cloned().unwrap_or_default();
        session.data.insert("return_to".to_owned(), json!(back));
    });
    response
}

fn used(id: &str) -> String {
    format!("sso/{id}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_read_back_and_a_changed_one_is_not() {
        let now: Timestamp = "2026-03-02T14:00:00Z".parse().unwrap();
        let assertion = Assertion {
            issuer: "hub.crestline.test".to_owned(),
            id: "a-1".to_owned(),
            account: "auto01".to_owned(),
            member_id: "W100000002".to_owned(),
            requesting_npi: "1234567893".to_owned(),
            codes: vec!["72148".to_owned(), "72146".to_owned()],
        };
        let value = response(&assertion, now);
        let (told, until) = read(&value).unwrap();
        assert_eq!((told, until), (assertion, now + GOOD_FOR));
        let text = String::from_utf8(STANDARD.decode(value).unwrap()).unwrap();
        let forged = STANDARD.encode(text.replace("W100000002", "W100000001"));
        assert!(read(&forged).is_none());
    }
}
