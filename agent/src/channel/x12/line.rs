//! The line to a payer: CORE in real time. One envelope, one answer; what goes wrong says what may have become of the question.

use std::time::Duration;

use domain::{
    channel::{Auth, CoreForm},
    outcome::FailureKind,
};
use transport::{
    Certificate, Fate, Identity,
    core::{
        Client, CoreError, ErrorCode, Form, Login, Operation, PayloadId, Profile, Rule,
        client::{Paths, Sending, Style},
    },
    http::{Endpoint, Got, Limits, May, Roots, Tls},
};

use super::super::{
    pas::door,
    talk::{Exchange, Stop, Talk, down, failed, in_doubt, no_token, refused_access, unfit_access},
};
use crate::{clock, http::NoReply, secret::sent};

/// An open line.
pub(super) struct Line {
    client: Client,
    /// How it is spoken, for the head of what is kept.
    form: &'static str,
}

impl Line {
    /// Gets what lets one in and knows where to go. Nothing is sent to the payer's server yet.
    pub(super) async fn open(talk: &mut Talk<'_>) -> Result<Self, Stop> {
        let exchange = talk.exchange;
        let partner = exchange.endpoint.x12.as_ref().ok_or_else(|| unusable("no partner"))?;
        let (login, identity) = access(talk).await?;
        let (style, form) = match partner.core {
            CoreForm::SoapV2 => (Style::soap(Rule::V2), "CORE 2.2.0, SOAP"),
            CoreForm::SoapV4 => (Style::soap(Rule::V4), "CORE 4.0.0, SOAP"),
            CoreForm::RestV4 => {
                (Style::Rest { paths: Paths::default(), form: Form::Base64 }, "CORE 4.0.0, REST")
            }
        };
        let answer = talk.within();
        let profile = Profile {
            endpoint: endpoint(exchange, identity.as_ref())?,
            style,
            login,
            sender: partner.sender.clone(),
            receiver: partner.receiver.clone(),
            limits: Limits { answer, ..Limits::default() },
        };
        let client = Client::new(profile).map_err(|why| unusable(&why.to_string()))?;
        Ok(Self { client, form })
    }

    /// The first line of what is kept of a question.
    pub(super) fn head(&self, payload: &str) -> String {
        format!("{payload} ({})", self.form)
    }

    /// Sends once.
    pub(super) async fn send(&self, payload: &str, bytes: &[u8]) -> Result<Vec<u8>, CoreError> {
        self.send_while(payload, bytes, None).await.1
    }

    /// The same, only while it may leave; with the answer as it came, whatever it says.
    pub(super) async fn send_while(
        &self,
        payload: &str,
        bytes: &[u8],
        may: Option<&May>,
    ) -> (Option<Got>, Result<Vec<u8>, CoreError>) {
        let sending = Sending {
            operation: Operation::RealTime,
            payload_type: payload,
            payload_id: PayloadId::new(),
            payload: Some(bytes),
            may,
        };
        let (got, envelope) = self.client.heard(&sending, clock::now().jiff()).await;
        (got, envelope.map(|envelope| envelope.payload.unwrap_or_default()))
    }
}

fn unusable(detail: &str) -> Stop {
    failed(FailureKind::BadInput, "profile_unfit", detail)
}

async fn access(talk: &mut Talk<'_>) -> Result<(Login, Option<Identity>), Stop> {
    let endpoint = talk.exchange.endpoint;
    let base = &endpoint.base;
    Ok(match &endpoint.auth {
        Auth::Password { user, password } => {
            let (user, password) =
                (talk.secret(user, base).await?, talk.secret(password, base).await?);
            (sent::login(&user, &password), None)
        }
        Auth::Bearer { secret } => {
            (Login::Bearer(sent::carried(&talk.secret(secret, base).await?)), None)
        }
        Auth::ClientCredentials { .. } => {
            let granted = talk.granted().await?;
            (Login::Bearer(sent::carried_token(&granted).ok_or_else(no_token)?), None)
        }
        Auth::Certificate { certificate, key } => {
            let (certificate, key) =
                (talk.secret(certificate, base).await?, talk.secret(key, base).await?);
            let identity = sent::identity(&certificate, &key);
            // A certificate that cannot be used is one that the payer cannot take.
            (Login::Certificate, Some(identity.map_err(|why| refused_access(&why.to_string()))?))
        }
        Auth::SshKey { .. } => return Err(unfit_access()),
    })
}

/// Where to, reached and trusted as everything of this agent is.
fn endpoint(exchange: &Exchange<'_>, identity: Option<&Identity>) -> Result<Endpoint, Stop> {
    let not_sent = |why: NoReply| down("no_answer", &why.to_string(), None);
    let roots = match exchange.http.authorities().map_err(not_sent)? {
        None => Roots::System,
        Some(pem) => {
            let all = Certificate::all(&pem).map_err(|why| unusable(&why.to_string()))?;
            Roots::SystemAnd(all)
        }
    };
    let tls = Tls::new(&roots, identity).map_err(|why| unusable(&why.to_string()))?;
    let base = exchange.endpoint.base.trim_end_matches('/');
    if !base.starts_with("https://") {
        return Err(unusable("the address is not https"));
    }
    let endpoint = Endpoint::new(base, &tls).map_err(|why| unusable(&why.to_string()))?;
    let host = url::Url::parse(base).ok().and_then(|url| url.host_str().map(str::to_owned));
    match exchange.http.reach(&host.unwrap_or_default()).map_err(not_sent)? {
        Some(at) => Ok(endpoint.at(at)),
        None => Ok(endpoint),
    }
}

/// What follows from an error, for a question that changes nothing.
pub(super) fn unanswered(error: &CoreError) -> Stop {
    let detail = error.to_string();
    match error {
        CoreError::Status { status: 401 | 403 }
        | CoreError::Code { code: ErrorCode::UnAuthorized, .. } => refused_access(&detail),
        CoreError::Profile(_) | CoreError::Write(_) => unusable(&detail),
        CoreError::Status { status: 429 } => down("server_error", &detail, None),
        CoreError::Status { status: 400..=499 }
        | CoreError::Code { .. }
        | CoreError::Fault { sender: true } => {
            failed(FailureKind::Refused, "envelope_refused", &detail)
        }
        CoreError::Answer(_)
        | CoreError::Empty
        | CoreError::Unsaid
        | CoreError::OtherPayload { .. } => {
            failed(FailureKind::PageChanged, "unreadable_answer", &detail)
        }
        CoreError::Http(_)
        | CoreError::Status { .. }
        | CoreError::Contradiction { .. }
        | CoreError::Fault { sender: false } => down("no_answer", &detail, None),
    }
}

/// What follows from an error after the one sending: a doubt, and what its status says besides.
pub(super) fn doubt(error: &CoreError, got: Option<&Got>) -> Stop {
    let detail = error.to_string();
    let retry_after = got.map(|got| got.header("retry-after")).filter(|text| !text.is_empty());
    match error {
        CoreError::Status { status } => door::silent(*status, retry_after, &detail),
        CoreError::Code { code: ErrorCode::UnAuthorized, .. } => door::silent(401, None, &detail),
        _ => in_doubt(&detail),
    }
}

/// Whether a question that changes nothing may be asked again at once: nothing of it has left this machine. A question that may have
/// arrived is not repeated before a minute and a half, which no attempt waits for.
pub(super) fn again(error: &CoreError) -> bool {
    error.fate() == Fate::NotSent && matches!(error, CoreError::Http(_))
}

/// Rest before it is asked again.
pub(super) const REST: Duration = Duration::from_millis(500);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_after_the_one_sending_is_a_doubt_and_says_what_follows() {
        let (code, said) = (ErrorCode::UnAuthorized, None);
        for (error, name, rests, refuses) in [
            (CoreError::Status { status: 403 }, "access_refused", false, true),
            (CoreError::Code { code, said }, "access_refused", false, true),
            (CoreError::Status { status: 429 }, "in_doubt", true, false),
            (CoreError::Status { status: 503 }, "in_doubt", true, false),
            (CoreError::Fault { sender: true }, "in_doubt", false, false),
            (CoreError::Empty, "in_doubt", false, false),
        ] {
            let Stop::Failed(failure) = doubt(&error, None) else { panic!("a failure") };
            assert_eq!((failure.kind, failure.name.as_str()), (FailureKind::Unsure, name));
            assert_eq!((failure.payer_wide, failure.refuses_account()), (rests, refuses));
        }
    }
}
