//! The answering half, for simulators and for whoever is asked by CORE: a request read strictly, an answer written. Transport,
//! login and what is done with the payload are the caller's.

use super::{
    Envelope, EnvelopeFault, ErrorCode, Field, Form, Operation, Rule, Said, rest,
    soap::{self, Body, Wrapping},
};
use crate::{mime::Media, secret::Secret};

/// A request that was read.
pub struct Asked {
    /// What is to be done.
    pub operation: Operation,
    /// The rule it follows.
    pub rule: Rule,
    /// Whether it is JSON.
    pub rest: bool,
    /// The envelope.
    pub envelope: Envelope,
    login: Option<(String, Secret)>,
}

impl Asked {
    /// Whether these are the user and password that came with it.
    #[must_use]
    pub fn is_from(&self, user: &str, password: &str) -> bool {
        self.login.as_ref().is_some_and(|(given, secret)| {
            let same = aws_lc_rs::constant_time::verify_slices_are_equal(
                secret.expose(),
                password.as_bytes(),
            );
            given == user && same.is_ok()
        })
    }
}

/// An answer as it goes out.
pub struct Reply {
    /// The status.
    pub status: u16,
    /// The Content-Type.
    pub content_type: String,
    /// The body.
    pub body: Vec<u8>,
}

/// Reads a request by SOAP.
///
/// # Errors
/// What is no envelope, and what the rule wants and is not there. [`refusal`] answers it.
pub fn read_soap(content_type: &str, body: &[u8]) -> Result<Asked, EnvelopeFault> {
    let Body::Envelope { element, namespace, fields, login } = soap::read(content_type, body)?
    else {
        return Err(EnvelopeFault::Other(Said::new("Fault")));
    };
    let operation = Operation::ALL.into_iter().find(|operation| operation.elements().0 == element);
    let operation = operation.ok_or_else(|| EnvelopeFault::Other(Said::new(&element)))?;
    let rule = [Rule::V2, Rule::V4].into_iter().find(|rule| rule.namespace() == namespace);
    let rule = rule.ok_or(EnvelopeFault::Version)?;
    let envelope = fields.request(operation, rule)?;
    Ok(Asked { operation, rule, rest: false, envelope, login })
}

/// Reads a request of the REST form that carries a body, for the operation its path stands for.
///
/// # Errors
/// What is no envelope, and what the rule wants and is not there. [`refusal`] answers it.
pub fn read_rest(
    content_type: &str,
    body: &[u8],
    operation: Operation,
) -> Result<Asked, EnvelopeFault> {
    let media = Media::read(content_type);
    if media.kind != "application/json" {
        return Err(EnvelopeFault::Other(Said::new(&media.kind)));
    }
    let envelope = rest::read(body)?.request(operation, Rule::V4)?;
    Ok(Asked { operation, rule: Rule::V4, rest: true, envelope, login: None })
}

/// Writes an answer: the payload that answers, or the code that says why there is none.
///
/// # Errors
/// A payload that cannot be written in that form.
pub fn answer(asked: &Asked, envelope: &Envelope, form: Form) -> Result<Reply, EnvelopeFault> {
    let status =
        if envelope.error_code == Some(ErrorCode::UnAuthorized) && asked.rest { 401 } else { 200 };
    if asked.rest {
        let body = rest::write(envelope, asked.operation, false, form)?;
        return Ok(Reply { status, content_type: "application/json".to_owned(), body });
    }
    let wrapping = Wrapping {
        operation: asked.operation,
        request: false,
        rule: asked.rule,
        form,
        login: None,
    };
    let message = soap::write(envelope, &wrapping)?;
    Ok(Reply { status, content_type: message.content_type, body: message.body.to_vec() })
}

/// The envelope of an answer: sender and receiver change places, the number is repeated.
#[must_use]
pub fn back(
    asked: &Asked,
    payload_type: &str,
    payload: Option<Vec<u8>>,
    code: ErrorCode,
    now: jiff::Timestamp,
) -> Envelope {
    let said = if code == ErrorCode::Success { "" } else { "see the code" };
    Envelope {
        payload_type: payload_type.to_owned(),
        processing_mode: asked.operation.mode().to_owned(),
        payload_id: asked.envelope.payload_id,
        time_stamp: Some(now),
        sender: asked.envelope.receiver.clone(),
        receiver: asked.envelope.sender.clone(),
        rule_version: asked.rule.version().to_owned(),
        payload,
        error_code: Some(code),
        error_message: Some(Said::new(said)),
    }
}

/// What a request is answered with that could not be read: a SOAP fault, or 400 with code and field.
#[must_use]
pub fn refusal(fault: &EnvelopeFault, rest: bool) -> Reply {
    if rest {
        let body = serde_json::json!({
            "PayloadType": super::payload_type::ENVELOPE_ERROR,
            "ErrorCode": fault.code().text(),
            "ErrorMessage": fault.to_string(),
        });
        let body = body.to_string().into_bytes();
        return Reply { status: 400, content_type: "application/json".to_owned(), body };
    }
    let code = fault.code();
    let body = format!(
        "<soap:Envelope xmlns:soap=\"http://www.w3.org/2003/05/soap-envelope\"><soap:Body><soap:Fault><soap:Code>\
         <soap:Value>soap:Sender</soap:Value></soap:Code><soap:Reason><soap:Text xml:lang=\"en\">{code}</soap:Text>\
         </soap:Reason></soap:Fault></soap:Body></soap:Envelope>"
    );
    let content_type = "application/soap+xml; charset=UTF-8".to_owned();
    Reply { status: 400, content_type, body: body.into_bytes() }
}

/// The field a fault is about, if it is about one.
#[must_use]
pub fn field(fault: &EnvelopeFault) -> Option<Field> {
    match fault {
        EnvelopeFault::Missing(field)
        | EnvelopeFault::Illegal(field)
        | EnvelopeFault::Mismatch(field) => Some(*field),
        _ => None,
    }
}
