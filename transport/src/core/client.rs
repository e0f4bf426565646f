//! The asking half: one call, one answer, and for everything that goes wrong what may have become of the payload.

use bytes::Bytes;
use http::{Method, Request, header};
use http_body_util::Full;
use jiff::Timestamp;
use zeroize::Zeroizing;

use super::{
    Envelope, EnvelopeFault, ErrorCode, Form, Operation, PayloadId, Rule, Said, rest,
    soap::{self, Body, Wrapping},
};
use crate::{
    fate::Fate,
    http::{Endpoint, Got, HttpError, Limits, May, call},
    secret::Secret,
};

/// How we say who we are. A certificate is not here: it belongs to the connection ([`crate::http::Tls`]).
#[derive(Clone)]
pub enum Login {
    /// By our certificate only.
    Certificate,
    /// By user and password, in the header of the SOAP message.
    Password {
        /// The user's name.
        user: String,
        /// The password.
        password: Secret,
    },
    /// By a token of OAuth 2.0, in the REST form.
    Bearer(Secret),
}

/// Where the REST form has its operations, below the address of the endpoint. `{PayloadID}` is replaced by the number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Paths {
    /// Questions with their answers: POST.
    pub real_time: String,
    /// Batches: POST.
    pub batch: String,
    /// The receipt of a batch: GET.
    pub receipt: String,
    /// The results of a batch: GET.
    pub results: String,
    /// A receipt for results: POST.
    pub results_receipt: String,
}

impl Default for Paths {
    fn default() -> Self {
        Self {
            real_time: "realtime".to_owned(),
            batch: "batch".to_owned(),
            receipt: "batch/{PayloadID}/acknowledgement".to_owned(),
            results: "batch/{PayloadID}/results".to_owned(),
            results_receipt: "batch/{PayloadID}/results/acknowledgement".to_owned(),
        }
    }
}

/// How a payer's server is spoken to.
#[derive(Clone)]
pub enum Style {
    /// By SOAP.
    Soap {
        /// The rule.
        rule: Rule,
        /// How payloads in real time lie in their envelope.
        real_time: Form,
        /// How those of batches do.
        batch: Form,
    },
    /// By the REST form of vC4.0.0.
    Rest {
        /// Where its operations are.
        paths: Paths,
        /// How payloads lie in it: text or base64.
        form: Form,
    },
}

impl Style {
    /// SOAP with the forms that are usual under that rule.
    #[must_use]
    pub fn soap(rule: Rule) -> Self {
        let real_time = if rule == Rule::V2 { Form::Text } else { Form::Mtom };
        Self::Soap { rule, real_time, batch: Form::Mtom }
    }

    fn rule(&self) -> Rule {
        match self {
            Self::Soap { rule, .. } => *rule,
            Self::Rest { .. } => Rule::V4,
        }
    }
}

/// What is known of a payer's server.
#[derive(Clone)]
pub struct Profile {
    /// Where it is, and how it is recognised.
    pub endpoint: Endpoint,
    /// How it is spoken to.
    pub style: Style,
    /// How we say who we are.
    pub login: Login,
    /// Our identifier.
    pub sender: String,
    /// Its identifier.
    pub receiver: String,
    /// Limits of a call.
    pub limits: Limits,
}

/// What is sent.
#[derive(Clone, Copy)]
pub struct Sending<'a> {
    /// What is done.
    pub operation: Operation,
    /// Which transaction it is; see [`super::payload_type`].
    pub payload_type: &'a str,
    /// The number of the payload: a new one, written down before the call; of a batch that is asked for, its own.
    pub payload_id: PayloadId,
    /// What is carried; nothing where something is fetched.
    pub payload: Option<&'a [u8]>,
    /// Whether it still may leave; nothing, where no time is set.
    pub may: Option<&'a May>,
}

/// Why there is no good answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CoreError {
    /// The profile contradicts itself.
    #[error("the profile cannot be used: {0}")]
    Profile(&'static str),
    /// What was to be sent cannot be written.
    #[error("the envelope cannot be written: {0}")]
    Write(EnvelopeFault),
    /// No answer.
    #[error(transparent)]
    Http(#[from] HttpError),
    /// An answer without an envelope.
    #[error("the payer's server answers with status {status} and no envelope")]
    Status {
        /// The status.
        status: u16,
    },
    /// A SOAP fault.
    #[error("the payer's server answers with a SOAP fault ({})", if *.sender { "ours" } else { "its own" })]
    Fault {
        /// It says that the fault is ours.
        sender: bool,
    },
    /// An envelope that says that it did not go well.
    #[error("the payer's server answers with {code}")]
    Code {
        /// The code.
        code: ErrorCode,
        /// Its words.
        said: Option<Said>,
    },
    /// An envelope that does not say how it went.
    #[error("the answer does not say how it went")]
    Unsaid,
    /// An envelope that says that all is well, under a status that says that it is not.
    #[error("the answer says that all is well, under status {status}")]
    Contradiction {
        /// The status.
        status: u16,
    },
    /// An answer that cannot be read.
    #[error("the answer cannot be read: {0}")]
    Answer(EnvelopeFault),
    /// The answer to something else.
    #[error("the answer is for payload {got}, not for {asked}")]
    OtherPayload {
        /// Ours.
        asked: PayloadId,
        /// What the answer says.
        got: PayloadId,
    },
    /// An answer in real time without a payload.
    #[error("the answer says that all is well, and carries nothing")]
    Empty,
}

impl CoreError {
    /// What may have become of the payload.
    #[must_use]
    pub fn fate(&self) -> Fate {
        match self {
            Self::Profile(_) | Self::Write(_) => Fate::NotSent,
            Self::Http(error) => error.fate(),
            Self::Status { status } => Fate::of_status(*status),
            Self::Fault { sender: true } => Fate::Refused,
            Self::Code { code, .. } => code.fate(),
            Self::Fault { sender: false }
            | Self::Unsaid
            | Self::Contradiction { .. }
            | Self::Answer(_)
            | Self::OtherPayload { .. }
            | Self::Empty => Fate::Unknown,
        }
    }
}

/// A payer's server, asked.
#[derive(Clone)]
pub struct Client {
    profile: Profile,
}

impl Client {
    /// For a server.
    ///
    /// # Errors
    /// A way of saying who we are that this style does not have.
    pub fn new(profile: Profile) -> Result<Self, CoreError> {
        match (&profile.style, &profile.login) {
            (Style::Soap { .. }, Login::Bearer(_)) => {
                Err(CoreError::Profile("a bearer token belongs to the REST form"))
            }
            (Style::Rest { .. }, Login::Password { .. }) => {
                Err(CoreError::Profile("the REST form has no user and password"))
            }
            (Style::Soap { rule: Rule::V4, .. }, Login::Password { .. }) => {
                Err(CoreError::Profile("vC4.0.0 knows certificates, and no user and password"))
            }
            _ => Ok(Self { profile }),
        }
    }

    /// Sends once and waits for the answer. Nothing is repeated, whatever comes.
    ///
    /// # Errors
    /// Everything but an envelope that says that all is well; [`CoreError::fate`] says what may have become of the payload.
    pub async fn call(&self, sending: &Sending<'_>, now: Timestamp) -> Result<Envelope, CoreError> {
        self.heard(sending, now).await.1
    }

    /// The same, with the answer as it came, whatever it says.
    pub async fn heard(
        &self,
        sending: &Sending<'_>,
        now: Timestamp,
    ) -> (Option<Got>, Result<Envelope, CoreError>) {
        let (endpoint, request) = match self.request(sending, now) {
            Ok(request) => request,
            Err(error) => return (None, Err(error)),
        };
        let got = match call(&endpoint, &self.profile.limits, request, sending.may).await {
            Ok(got) => got,
            Err(error) => return (None, Err(error.into())),
        };
        let envelope = match &self.profile.style {
            Style::Soap { .. } => soap_answer(&got, sending.operation),
            Style::Rest { .. } => rest_answer(&got),
        };
        let judged = envelope.and_then(|envelope| judged(envelope, sending, got.status));
        (Some(got), judged)
    }

    fn request(
        &self,
        sending: &Sending<'_>,
        now: Timestamp,
    ) -> Result<(Endpoint, Request<Full<Bytes>>), CoreError> {
        let profile = &self.profile;
        let envelope = Envelope {
            payload_type: sending.payload_type.to_owned(),
            processing_mode: sending.operation.mode().to_owned(),
            payload_id: sending.payload_id,
            time_stamp: Some(now),
            sender: profile.sender.clone(),
            receiver: profile.receiver.clone(),
            rule_version: profile.style.rule().version().to_owned(),
            payload: sending.payload.map(<[u8]>::to_vec),
            error_code: None,
            error_message: None,
        };
        if sending.operation.submits() && sending.payload.is_none_or(<[u8]>::is_empty) {
            return Err(CoreError::Profile("there is nothing to send"));
        }
        match &profile.style {
            Style::Soap { .. } => Ok((profile.endpoint.clone(), self.soap(&envelope, sending)?)),
            Style::Rest { paths, form } => self.rest(&envelope, sending, paths, *form),
        }
    }

    fn soap(
        &self,
        envelope: &Envelope,
        sending: &Sending<'_>,
    ) -> Result<Request<Full<Bytes>>, CoreError> {
        let Style::Soap { rule, real_time, batch } = self.profile.style else {
            return Err(CoreError::Profile("not a style of SOAP"));
        };
        let login = match &self.profile.login {
            Login::Password { user, password } => Some((user.as_str(), password)),
            Login::Certificate | Login::Bearer(_) => None,
        };
        let form = if sending.operation == Operation::RealTime { real_time } else { batch };
        let wrapping = Wrapping { operation: sending.operation, request: true, rule, form, login };
        let message = soap::write(envelope, &wrapping).map_err(CoreError::Write)?;
        Request::builder()
            .method(Method::POST)
            .header(header::CONTENT_TYPE, &message.content_type)
            .header(header::ACCEPT, "application/soap+xml, multipart/related")
            .body(Full::new(Bytes::copy_from_slice(&message.body)))
            .map_err(|_| CoreError::Profile("the request cannot be written"))
    }

    fn rest(
        &self,
        envelope: &Envelope,
        sending: &Sending<'_>,
        paths: &Paths,
        form: Form,
    ) -> Result<(Endpoint, Request<Full<Bytes>>), CoreError> {
        let (path, method) = match sending.operation {
            Operation::RealTime => (&paths.real_time, Method::POST),
            Operation::BatchSubmit => (&paths.batch, Method::POST),
            Operation::BatchReceipt => (&paths.receipt, Method::GET),
            Operation::BatchResults => (&paths.results, Method::GET),
            Operation::ResultsReceipt => (&paths.results_receipt, Method::POST),
        };
        let path = path.replace("{PayloadID}", &sending.payload_id.to_string());
        let mut request =
            Request::builder().method(&method).header(header::ACCEPT, "application/json");
        if let Login::Bearer(token) = &self.profile.login {
            let token = token.expose_text().ok_or(CoreError::Profile("the token is no text"))?;
            let value = Zeroizing::new(format!("Bearer {token}"));
            let mut value = http::HeaderValue::from_str(&value)
                .map_err(|_| CoreError::Profile("the token cannot be a header"))?;
            value.set_sensitive(true);
            request = request.header(header::AUTHORIZATION, value);
        }
        let body = if method == Method::POST {
            request = request.header(header::CONTENT_TYPE, "application/json");
            rest::write(envelope, sending.operation, true, form).map_err(CoreError::Write)?
        } else {
            Vec::new()
        };
        let request = request
            .body(Full::new(Bytes::from(body)))
            .map_err(|_| CoreError::Profile("the request cannot be written"))?;
        Ok((self.profile.endpoint.below(&path), request))
    }
}

fn soap_answer(got: &Got, operation: Operation) -> Result<Envelope, CoreError> {
    let well = (200..300).contains(&got.status);
    match soap::read(got.header("content-type"), &got.body) {
        Ok(Body::Fault { sender }) => Err(CoreError::Fault { sender }),
        Ok(Body::Envelope { element, fields, .. }) if element == operation.elements().1 => {
            fields.answer().map_err(CoreError::Answer)
        }
        Err(_) | Ok(Body::Envelope { .. }) if !well => {
            Err(CoreError::Status { status: got.status })
        }
        Ok(Body::Envelope { element, .. }) => {
            Err(CoreError::Answer(EnvelopeFault::Other(Said::new(&element))))
        }
        Err(fault) => Err(CoreError::Answer(fault)),
    }
}

fn rest_answer(got: &Got) -> Result<Envelope, CoreError> {
    let well = (200..300).contains(&got.status);
    let read = rest::read(&got.body).and_then(super::fields::Fields::answer);
    match read {
        Ok(envelope) if well || envelope.error_code.is_some() => Ok(envelope),
        Err(fault) if well => Err(CoreError::Answer(fault)),
        _ => Err(CoreError::Status { status: got.status }),
    }
}

/// Whose answer it is comes first, how it went second, what it carries last. That all is well is what an answer says, in its
/// envelope and by its status; it is never what an answer does not say.
fn judged(envelope: Envelope, sending: &Sending<'_>, status: u16) -> Result<Envelope, CoreError> {
    let code = envelope.error_code.clone();
    let refuses = code.as_ref().is_some_and(|code| *code != ErrorCode::Success);
    let unnamed = envelope.payload_id == PayloadId([0; 16]) && refuses;
    if envelope.payload_id != sending.payload_id && !unnamed {
        let (asked, got) = (sending.payload_id, envelope.payload_id);
        return Err(CoreError::OtherPayload { asked, got });
    }
    match code {
        None => return Err(CoreError::Unsaid),
        Some(ErrorCode::Success) if !(200..300).contains(&status) => {
            return Err(CoreError::Contradiction { status });
        }
        Some(ErrorCode::Success) => {}
        Some(code) => return Err(CoreError::Code { code, said: envelope.error_message }),
    }
    let carries = matches!(sending.operation, Operation::RealTime | Operation::BatchResults);
    if carries && envelope.payload.as_ref().is_none_or(Vec::is_empty) {
        return Err(CoreError::Empty);
    }
    Ok(envelope)
}
