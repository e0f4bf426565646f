//! What channels without a page share: being let in, asking, and the one sending with permit, latch and evidence. The messages
//! themselves take the place of pictures: what was sent is the evidence before, what came back the evidence after.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use domain::{
    channel::{Auth, Endpoint},
    evidence::Moment,
    id::{EvidenceId, IntentId},
    job::Task,
    lease::Purpose,
    outcome::{Failure, FailureKind, Outcome},
    step::{Effect, StepState},
    wire::{End, Order, Proof},
};
use futures_util::future::BoxFuture;
use sha2::{Digest as _, Sha256};
use transport::http::May;

use super::{Denied, Doors, Permit, Wish};
use crate::{
    clock::Allowed,
    fault::{self, Side},
    http::{Body, Call, Http, NoReply, Reply, Sealed},
    observe::Observer,
    secret::sent,
};

/// Least rest of the lease for a sending, as at a portal.
const LEASE_LEFT: Duration = Duration::from_secs(12);
/// A question that only reads is asked again so often when no answer came.
const READS_MAX: u32 = 2;

/// A job for a channel beside the portal.
pub struct Exchange<'e> {
    /// Where the channel is.
    pub endpoint: &'e Endpoint,
    /// The payer's id.
    pub payer: &'e str,
    /// What is to be done.
    pub task: Task,
    /// Work, or looking after a doubt.
    pub purpose: Purpose,
    /// The inputs. Patient data.
    pub inputs: &'e serde_json::Value,
    /// How hosts are reached.
    pub http: &'e Http,
    /// For X12: the first of the control numbers of this lease.
    pub control: Option<u32>,
}

/// A channel beside the portal. Whoever adds one implements this, lists it in [`super::WORKED`], and gives it in [`super::way`].
pub(crate) trait Way: Send + Sync {
    /// Does one job over the talk.
    fn work<'a>(&'a self, talk: &'a mut Talk<'_>) -> BoxFuture<'a, Result<End, Stop>>;
}

/// Does one job by a channel; none when the lease was lost on the way.
pub(crate) async fn run(
    way: &dyn Way,
    exchange: &Exchange<'_>,
    doors: Arc<dyn Doors>,
    observe: &mut Observer,
) -> Option<End> {
    let mut talk = Talk::over(exchange, doors, observe);
    let end = way.work(&mut talk).await;
    talk.end(end).await
}

/// Why a job stops.
pub(crate) enum Stop {
    /// The lease is over.
    LeaseLost,
    /// With a failure.
    Failed(Box<Failure>),
}

/// A failure of these words.
pub(super) fn failed(kind: FailureKind, name: &str, detail: &str) -> Stop {
    Stop::Failed(Box::new(Failure::new(kind, name, detail)))
}

/// A talk with a payer's interface.
pub(crate) struct Talk<'t> {
    pub(super) exchange: &'t Exchange<'t>,
    pub(super) observe: &'t mut Observer,
    doors: Arc<dyn Doors>,
    authorization: Option<Sealed>,
}

/// What is sent or asked.
pub(super) struct Message<'m> {
    /// `GET`, `POST`.
    pub(super) method: &'static str,
    /// Address below the endpoint's base.
    pub(super) path: &'m str,
    /// Media type of both ways.
    pub(super) media: &'static str,
    /// The body; empty for a `GET`.
    pub(super) body: &'m str,
    /// What is kept of the body: without what is a file.
    pub(super) kept: &'m str,
}

impl<'t> Talk<'t> {
    pub(super) fn over(
        exchange: &'t Exchange<'t>,
        doors: Arc<dyn Doors>,
        observe: &'t mut Observer,
    ) -> Self {
        Self { exchange, observe, doors, authorization: None }
    }

    /// The end of a job, with its steps closed.
    async fn end(self, end: Result<End, Stop>) -> Option<End> {
        match end {
            Ok(end) => Some(end),
            Err(stop) => {
                let place = self.observe.place();
                self.observe.fail_open().await;
                match stop {
                    Stop::LeaseLost => None,
                    Stop::Failed(mut failure) => {
                        failure.step = place.map(|(step, _)| step);
                        failure.detail = self.observe.masker.text(&failure.detail);
                        Some(End::Failure { failure: *failure, candidates: Vec::new() })
                    }
                }
            }
        }
    }

    pub(super) async fn begin(&mut self, name: &str, effect: Effect) -> Result<(), Stop> {
        self.may_go_on()?;
        self.observe.begin(name, "step", effect, None).await;
        Ok(())
    }

    /// The end with what the payer says, and with the proof where something was sent.
    pub(super) async fn told(&mut self, outcome: Outcome, proof: Option<Proof>) -> End {
        self.observe.log(&format!("the payer says: {}", outcome.answer.word()));
        self.done().await;
        End::Outcome { outcome, proof }
    }

    pub(super) async fn done(&mut self) {
        self.observe.end(StepState::Done, None).await;
    }

    /// Whether the lease lasts and nobody said stop.
    pub(super) fn may_go_on(&self) -> Result<(), Stop> {
        let standing = self.doors.standing();
        if standing.order == Order::Stop || standing.left.is_zero() || self.observe.lease_ended() {
            return Err(Stop::LeaseLost);
        }
        Ok(())
    }

    pub(super) async fn document(
        &self,
        file: &domain::script::value::FileRef,
    ) -> Result<Vec<u8>, Stop> {
        let path = self.doors.document(file).await.map_err(|why| denied(&why))?;
        let bytes = tokio::fs::read(&path).await;
        bytes.map_err(|_| failed(FailureKind::Lost, "no_document", "a document cannot be read"))
    }

    /// Gets what lets one in: a key of the vault, or a token that is fetched with one.
    pub(super) async fn let_in(&mut self) -> Result<(), Stop> {
        let endpoint = self.exchange.endpoint;
        self.begin("Get access", Effect::Read).await?;
        match &endpoint.auth {
            Auth::Bearer { secret } => {
                let key = self.secret(secret, &endpoint.base).await?;
                self.authorization = Some(sent::bearer(&key));
            }
            Auth::ClientCredentials { .. } => {
                let granted = self.granted().await?;
                self.authorization = Some(sent::token(&granted).ok_or_else(no_token)?);
            }
            Auth::Password { .. } | Auth::Certificate { .. } | Auth::SshKey { .. } => {
                return Err(unfit_access());
            }
        }
        self.observe.log("access is given");
        self.done().await;
        Ok(())
    }

    /// The answer of who gives tokens, by client credentials.
    pub(super) async fn granted(&self) -> Result<Bytes, Stop> {
        let Auth::ClientCredentials { token_url, client_id, client_secret, scope } =
            &self.exchange.endpoint.auth
        else {
            return Err(unfit_access());
        };
        let id = self.secret(client_id, token_url).await?;
        let secret = self.secret(client_secret, token_url).await?;
        let call = Call {
            method: "POST",
            url: token_url,
            media: "application/x-www-form-urlencoded",
            accept: "application/json",
            authorization: None,
            body: Body::Sealed(sent::client_form(&id, &secret, scope.as_deref())),
            within: self.within(),
        };
        let reply = self.exchange.http.send(call).await.map_err(|why| unreachable(&why))?;
        if matches!(reply.status, 400 | 401 | 403) {
            return Err(rejected(reply.status));
        }
        readable(&reply)?;
        Ok(reply.body)
    }

    /// A secret of the account, for an address of the endpoint.
    pub(super) async fn secret(&self, alias: &str, address: &str) -> Result<super::Secret, Stop> {
        let unfit = || failed(FailureKind::BadInput, "no_address", "the profile's address is none");
        let url = url::Url::parse(address).map_err(|_| unfit())?;
        let origin = match url.scheme() {
            // The standard knows no origin of this scheme.
            "sftp" => {
                let host = url.host_str().ok_or_else(unfit)?;
                format!("sftp://{host}:{}", url.port().unwrap_or(22))
            }
            _ => url.origin().ascii_serialization(),
        };
        let secret = self.doors.secret(alias, &origin).await;
        secret.map_err(|why| denied(&why))
    }

    /// What is left of the lease.
    pub(super) fn left(&self) -> Duration {
        self.doors.standing().left
    }

    /// Longest wait for one answer.
    pub(super) fn within(&self) -> Duration {
        let wanted = Duration::from_millis(self.exchange.endpoint.answer_ms);
        wanted.min(self.doors.standing().left.max(Duration::from_millis(1)))
    }

    /// Whole address of a path below the base, or of an address of the same origin.
    pub(super) fn address(&self, path: &str) -> Option<String> {
        let base = self.exchange.endpoint.base.trim_end_matches('/');
        if path.starts_with("https://") {
            let origin = |text: &str| url::Url::parse(text).ok().map(|url| url.origin());
            return (origin(path)? == origin(base)?).then(|| path.to_owned());
        }
        Some(format!("{base}/{}", path.trim_start_matches('/')))
    }

    /// Calls once; with `may`, nothing leaves that may not leave any more.
    async fn call(&self, message: &Message<'_>, may: Option<&May>) -> Result<Reply, NoReply> {
        let url = self.address(message.path).ok_or(NoReply::NotSent("the address leads away"))?;
        let body = match message.method {
            "GET" => Body::Empty,
            _ => Body::Plain(Bytes::from(message.body.to_owned())),
        };
        let call = Call {
            method: message.method,
            url: &url,
            media: message.media,
            accept: message.media,
            authorization: self.authorization.as_ref(),
            body,
            within: self.within(),
        };
        match may {
            Some(may) => self.exchange.http.send_while(call, may).await,
            None => self.exchange.http.send(call).await,
        }
    }

    /// Keeps a message, masked.
    pub(super) async fn keep(&mut self, moment: Moment, head: &str, text: &str) -> EvidenceId {
        let shown = serde_json::from_str::<serde_json::Value>(text)
            .and_then(|value| serde_json::to_string_pretty(&value))
            .unwrap_or_else(|_| text.to_owned());
        self.observe.message(moment, &format!("{head}\n\n{shown}")).await
    }

    /// Asks for something that changes nothing; asked again where no answer came. The answer is kept.
    pub(super) async fn ask(&mut self, message: &Message<'_>) -> Result<(Reply, EvidenceId), Stop> {
        let head = format!("{} {}", message.method, message.path);
        if message.method != "GET" {
            self.keep(Moment::Before, &head, message.kept).await;
        }
        let mut tries = 0;
        let reply = loop {
            self.may_go_on()?;
            tries += 1;
            match self.call(message, None).await {
                Ok(reply) => break reply,
                Err(why) if tries >= READS_MAX => return Err(unreachable(&why)),
                Err(why) => self.observe.log(&format!("asks again: {why}")),
            }
        };
        self.observe.log(&format!("answered with status {}", reply.status));
        let text = String::from_utf8_lossy(&reply.body).into_owned();
        let evidence = self.keep(Moment::After, &format!("status {}", reply.status), &text).await;
        if matches!(reply.status, 401 | 403) {
            return Err(rejected(reply.status));
        }
        Ok((reply, evidence))
    }

    /// Sends what cannot be undone: evidence, permit, latch, one request. Whatever is not a whole answer after the latch is a doubt.
    pub(super) async fn commit(
        &mut self,
        name: &str,
        message: &Message<'_>,
    ) -> Result<(IntentId, Reply, EvidenceId), Stop> {
        let head = format!("{} {}", message.method, message.path);
        let (intent, may) =
            self.latched(name, &head, message.kept, message.body.as_bytes()).await?;
        let reply = self.call(message, Some(&may)).await;
        fault::point("click", Side::After).await;
        let reply = reply.map_err(|why| in_doubt(&why.to_string()))?;
        self.observe.log(&format!("answered with status {}", reply.status));
        let text = String::from_utf8_lossy(&reply.body).into_owned();
        let after = self.arrived(&format!("status {}", reply.status), &text).await?;
        Ok((intent, reply, after))
    }

    /// Everything before the one sending: evidence of what goes, permit, latch. What follows is sent once, whatever comes of it, and
    /// only while the permit lasts.
    pub(super) async fn latched(
        &mut self,
        name: &str,
        head: &str,
        kept: &str,
        body: &[u8],
    ) -> Result<(IntentId, May), Stop> {
        fault::point("pre-evidence", Side::Before).await;
        let before = self.keep(Moment::Before, head, kept).await;
        self.observe.settled().await.map_err(|why| denied(&why))?;
        fault::point("pre-evidence", Side::After).await;
        let wish = Wish {
            step: self.observe.index(),
            commit: name.to_owned(),
            payload_sha256: hex(&Sha256::digest(body)),
            before,
            once_per: String::new(),
            gate: None,
        };
        fault::point("permit", Side::Before).await;
        let answer = self.doors.permit(wish).await;
        fault::point("permit", Side::After).await;
        let (intent, until) = match answer.map_err(|why| denied(&why))? {
            Permit::Go { intent, until, .. } => (intent, until),
            Permit::Already(why) => {
                return Err(failed(FailureKind::Refused, "already_submitted", &why));
            }
            Permit::Similar(why) => {
                return Err(failed(FailureKind::Unsure, "possible_duplicate", &why));
            }
            Permit::No(why) => {
                return Err(failed(FailureKind::Transient, "not_permitted_now", &why));
            }
        };
        let standing = self.doors.standing();
        if !standing.has(LEASE_LEFT) || standing.order != Order::Continue || until.over() {
            self.doors.not_clicked(intent).await.map_err(|why| denied(&why))?;
            self.may_go_on()?;
            let why = "too little time is left for the sending";
            return Err(failed(FailureKind::Transient, "not_actionable", why));
        }
        if let Err(why) = self.doors.latch(intent).await {
            return Err(in_doubt(&why.to_string()));
        }
        fault::point("click", Side::Before).await;
        if until.over() {
            return Err(in_doubt("the permit ended before the request"));
        }
        self.observe.act("send", Some(name.to_owned()));
        Ok((intent, while_allowed(until)))
    }

    /// Keeps what came back after the one sending.
    pub(super) async fn arrived(&mut self, head: &str, text: &str) -> Result<EvidenceId, Stop> {
        fault::point("post-evidence", Side::Before).await;
        let after = self.keep(Moment::After, head, text).await;
        let kept = self.observe.settled().await;
        fault::point("post-evidence", Side::After).await;
        kept.map_err(|_| in_doubt("the evidence after is not durable"))?;
        Ok(after)
    }
}

/// Until the permit ends, by the clock that goes on while the machine sleeps.
fn while_allowed(until: Allowed) -> May {
    May::new(move || !until.over())
}

/// It may have been submitted.
pub(super) fn in_doubt(why: &str) -> Stop {
    failed(FailureKind::Unsure, "in_doubt", why)
}

fn denied(why: &Denied) -> Stop {
    match why {
        Denied::LeaseEnded => Stop::LeaseLost,
        Denied::No { code, because } => failed(FailureKind::Transient, code, because),
        Denied::Away(why) => failed(FailureKind::Transient, "coordinator_away", why),
    }
}

/// No answer to something that changes nothing: the channel is down.
fn unreachable(why: &NoReply) -> Stop {
    down("no_answer", &why.to_string(), None)
}

/// The channel is down, or cannot answer now.
pub(super) fn down(name: &str, detail: &str, retry_after: Option<String>) -> Stop {
    let mut failure = Failure::new(FailureKind::PortalDown, name, detail);
    "The payer's interface does not answer as it should.".clone_into(&mut failure.say);
    failure.retry_after = retry_after;
    Stop::Failed(Box::new(failure))
}

fn rejected(status: u16) -> Stop {
    refused_access(&format!("status {status}"))
}

/// The payer does not let us in.
pub(super) fn refused_access(detail: &str) -> Stop {
    let mut failure = Failure::new(FailureKind::LoginRejected, "access_refused", detail);
    "The payer's interface does not let us in.".clone_into(&mut failure.say);
    Stop::Failed(Box::new(failure))
}

pub(super) fn no_token() -> Stop {
    failed(FailureKind::PortalDown, "no_token", "the answer has no token")
}

/// The profile names a way of being let in that this channel does not have.
pub(super) fn unfit_access() -> Stop {
    let detail = "the profile names a way of being let in that this channel does not have";
    failed(FailureKind::BadInput, "access_unfit", detail)
}

/// The answer to something that changes nothing can be read: it is no error of the server.
pub(super) fn readable(reply: &Reply) -> Result<(), Stop> {
    let detail = format!("status {}", reply.status);
    match reply.status {
        200..=299 => Ok(()),
        429 | 500..=599 => Err(down("server_error", &detail, reply.retry_after.clone())),
        404 => Err(failed(FailureKind::NotFound, "not_found", &detail)),
        _ => Err(failed(FailureKind::Refused, "question_refused", &detail)),
    }
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut out, byte| {
        let _ = write!(out, "{byte:02x}");
        out
    })
}
