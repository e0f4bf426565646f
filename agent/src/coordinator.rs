//! The typed client of the coordinator: every call an agent makes, with retries where a repeat is safe.
//!
//! Bodies are never logged: they carry patient data, and answers carry secrets.

use std::time::Duration;

use bytes::Bytes;
use domain::{
    id::EvidenceId,
    wire::{
        Bye, EvidencePut, Fenced, Heartbeat, HeartbeatReply, Hello, LeaseAsk, Leases, LoginAsk,
        NotClicked, NotSent, PROTOCOL, PermitAsk, PermitReply, Release, Report, ScriptFiles,
        SecretAsk, SecretReply, SpoolKey, SpoolKeyAsk, StepsReport, Welcome, refusal,
    },
};
use reqwest::{Method, RequestBuilder};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use tokio::time::Instant;

/// Why a call brought no answer. Texts never carry values.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The lease is over: leave the portal alone.
    #[error("the lease has ended")]
    LeaseEnded,
    /// The coordinator said no.
    #[error("the coordinator refused ({code}): {detail}")]
    Refused {
        /// Code of the problem.
        code: String,
        /// Its sentence.
        detail: String,
    },
    /// The coordinator could not be reached until the time was over.
    #[error("the coordinator cannot be reached: {0}")]
    Away(String),
    /// It, or something on the way to it, answered every time that this cannot be done now.
    #[error("the coordinator cannot take it now: {0}")]
    Failing(String),
    /// The answer could not be understood.
    #[error("the coordinator's answer could not be read: {0}")]
    Unreadable(String),
}

/// The client. Cheap to clone.
#[derive(Clone)]
pub struct Coordinator {
    http: reqwest::Client,
    base: String,
    key: std::sync::Arc<zeroize::Zeroizing<String>>,
}

#[derive(Deserialize)]
struct Problem {
    #[serde(default, rename = "type")]
    kind: String,
    #[serde(default)]
    title: String,
    #[serde(default)]
    detail: String,
}

/// How a call may be repeated.
#[derive(Clone, Copy)]
enum Repeat {
    /// The same call gets the same answer: repeat until this much time has passed.
    For(Duration),
    /// Only when the request certainly never left.
    IfNotSent,
}

impl Refusal {
    /// Whether what was sent has been judged, so that repeating it changes nothing. Who is not let in, for the moment or because its
    /// key is being changed, was not listened to.
    #[must_use]
    pub fn is_judgement(&self) -> bool {
        match self {
            Self::LeaseEnded => true,
            Self::Refused { code, .. } => {
                !["unauthenticated", "not-permitted", "agent-gone", "protocol", "timeout"]
                    .contains(&code.as_str())
            }
            Self::Away(_) | Self::Failing(_) | Self::Unreadable(_) => false,
        }
    }
}

impl Coordinator {
    /// A client for `http(s)://host:port` with the agent's key.
    ///
    /// # Errors
    /// The HTTP client cannot be set up.
    pub fn new(base: &str, key: &str) -> Result<Self, reqwest::Error> {
        let http = reqwest::Client::builder()
            .connect_timeout(Duration::from_secs(5))
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .build()?;
        Ok(Self {
            http,
            base: base.trim_end_matches('/').to_owned(),
            key: std::sync::Arc::new(zeroize::Zeroizing::new(key.trim().to_owned())),
        })
    }

    /// `POST agent/hello`.
    ///
    /// # Errors
    /// See [`Refusal`].
    pub async fn hello(&self, ask: &Hello) -> Result<Welcome, Refusal> {
        self.post("hello", ask, Duration::from_secs(10), Repeat::For(Duration::from_secs(20))).await
    }

    /// `POST agent/lease`: waits as long as the ask says. Not repeated here: the caller repeats the same ask.
    ///
    /// # Errors
    /// See [`Refusal`].
    pub async fn lease(&self, ask: &LeaseAsk) -> Result<Leases, Refusal> {
        let patience = Duration::from_millis(ask.wait_ms) + Duration::from_secs(10);
        self.post("lease", ask, patience, Repeat::IfNotSent).await
    }

    /// `POST agent/heartbeat`.
    ///
    /// # Errors
    /// See [`Refusal`].
    pub async fn heartbeat(&self, beat: &Heartbeat) -> Result<HeartbeatReply, Refusal> {
        self.post("heartbeat", beat, Duration::from_secs(5), Repeat::IfNotSent).await
    }

    /// `GET agent/scripts/{sha256}`.
    ///
    /// # Errors
    /// See [`Refusal`].
    pub async fn script(&self, sha256: &str) -> Result<ScriptFiles, Refusal> {
        let made = || self.request(Method::GET, &format!("scripts/{sha256}"));
        self.json(made, Duration::from_secs(15), Repeat::For(Duration::from_secs(20))).await
    }

    /// `GET agent/documents/{id}`: the bytes, only under a live lease of the case.
    ///
    /// # Errors
    /// See [`Refusal`].
    pub async fn document(&self, id: &str, fenced: &Fenced) -> Result<Bytes, Refusal> {
        let made = || self.request(Method::GET, &format!("documents/{id}")).query(fenced);
        let response =
            self.send(made, Duration::from_secs(60), Repeat::For(Duration::from_secs(60))).await?;
        response.bytes().await.map_err(|e| Refusal::Away(words(&e)))
    }

    /// `POST agent/steps`, repeated for `patience`.
    ///
    /// # Errors
    /// See [`Refusal`].
    pub async fn steps(&self, report: &StepsReport, patience: Duration) -> Result<(), Refusal> {
        self.post_only("steps", report, Repeat::For(patience)).await
    }

    /// `PUT agent/evidence/{id}`, repeated for `patience`: returns when the bytes are durable at the coordinator.
    ///
    /// # Errors
    /// See [`Refusal`].
    pub async fn evidence(
        &self,
        id: EvidenceId,
        put: &EvidencePut,
        bytes: Bytes,
        patience: Duration,
    ) -> Result<(), Refusal> {
        let made =
            || self.request(Method::PUT, &format!("evidence/{id}")).query(put).body(bytes.clone());
        self.send(made, Duration::from_secs(30), Repeat::For(patience)).await.map(drop)
    }

    /// `POST agent/secret`.
    ///
    /// # Errors
    /// See [`Refusal`].
    pub async fn secret(&self, ask: &SecretAsk) -> Result<SecretReply, Refusal> {
        // A one-time code may have to wait until several others of the account were used, each for 30 s.
        self.post("secret", ask, Duration::from_secs(150), Repeat::IfNotSent).await
    }

    /// `POST agent/login`: counted at the coordinator before the act.
    ///
    /// # Errors
    /// See [`Refusal`]; code `login-budget` when the budget is spent.
    pub async fn login(&self, ask: &LoginAsk) -> Result<(), Refusal> {
        self.post_only("login", ask, Repeat::IfNotSent).await
    }

    /// `POST agent/spool_key`: the key of a lease of an earlier life.
    ///
    /// # Errors
    /// See [`Refusal`].
    pub async fn spool_key(&self, ask: &SpoolKeyAsk) -> Result<SpoolKey, Refusal> {
        let patience = Repeat::For(Duration::from_secs(2));
        self.post("spool_key", ask, Duration::from_secs(10), patience).await
    }

    /// `POST agent/signed_in`: the portal took the login.
    ///
    /// # Errors
    /// See [`Refusal`].
    pub async fn signed_in(&self, ask: &LoginAsk) -> Result<(), Refusal> {
        self.post_only("signed_in", ask, Repeat::For(Duration::from_secs(5))).await
    }

    /// `POST agent/intent`: the same ask repeated gets the same permit.
    ///
    /// # Errors
    /// See [`Refusal`].
    pub async fn permit(&self, ask: &PermitAsk) -> Result<PermitReply, Refusal> {
        self.post("intent", ask, Duration::from_secs(10), Repeat::For(Duration::from_secs(6))).await
    }

    /// `POST agent/not_clicked`.
    ///
    /// # Errors
    /// See [`Refusal`].
    pub async fn not_clicked(&self, said: &NotClicked) -> Result<(), Refusal> {
        self.post_only("not_clicked", said, Repeat::For(Duration::from_secs(20))).await
    }

    /// `POST agent/not_sent`.
    ///
    /// # Errors
    /// See [`Refusal`]; code `not-settled` when it is to be told again.
    pub async fn not_sent(&self, said: &NotSent) -> Result<(), Refusal> {
        self.post_only("not_sent", said, Repeat::For(Duration::from_secs(2))).await
    }

    /// `POST agent/report`, repeated for `patience`.
    ///
    /// # Errors
    /// See [`Refusal`].
    pub async fn report(&self, report: &Report, patience: Duration) -> Result<(), Refusal> {
        self.post_only("report", report, Repeat::For(patience)).await
    }

    /// `POST agent/release`.
    ///
    /// # Errors
    /// See [`Refusal`].
    pub async fn release(&self, ask: &Release) -> Result<(), Refusal> {
        self.post_only("release", ask, Repeat::For(Duration::from_secs(10))).await
    }

    /// `POST agent/bye`.
    ///
    /// # Errors
    /// See [`Refusal`].
    pub async fn bye(&self, bye: &Bye) -> Result<(), Refusal> {
        self.post_only("bye", bye, Repeat::For(Duration::from_secs(3))).await
    }

    /// Whether anything answers at the address (any HTTP answer counts).
    ///
    /// # Errors
    /// It cannot be reached.
    pub async fn reachable(&self) -> Result<(), Refusal> {
        let asked = self.http.get(format!("{}/healthz", self.base)).timeout(Duration::from_secs(5));
        asked.send().await.map(drop).map_err(|e| Refusal::Away(words(&e)))
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http
            .request(method, format!("{}/v1/agent/{path}", self.base))
            .bearer_auth(self.key.as_str())
            .header("fleet-protocol", crate::fault::protocol(PROTOCOL))
    }

    async fn post<B: Serialize + Sync, T: DeserializeOwned>(
        &self,
        path: &str,
        body: &B,
        timeout: Duration,
        repeat: Repeat,
    ) -> Result<T, Refusal> {
        self.json(|| self.request(Method::POST, path).json(body), timeout, repeat).await
    }

    async fn post_only<B: Serialize + Sync>(
        &self,
        path: &str,
        body: &B,
        repeat: Repeat,
    ) -> Result<(), Refusal> {
        let made = || self.request(Method::POST, path).json(body);
        self.send(made, Duration::from_secs(15), repeat).await.map(drop)
    }

    async fn json<T: DeserializeOwned>(
        &self,
        made: impl Fn() -> RequestBuilder,
        timeout: Duration,
        repeat: Repeat,
    ) -> Result<T, Refusal> {
        let response = self.send(made, timeout, repeat).await?;
        response.json::<T>().await.map_err(|e| Refusal::Unreadable(words(&e)))
    }

    async fn send(
        &self,
        made: impl Fn() -> RequestBuilder,
        timeout: Duration,
        repeat: Repeat,
    ) -> Result<reqwest::Response, Refusal> {
        let began = Instant::now();
        let mut rest = Duration::from_millis(100);
        loop {
            let refusal = match made().timeout(timeout).send().await {
                Ok(response) if response.status().is_success() => return Ok(response),
                Ok(response) if response.status().is_server_error() => {
                    Refusal::Failing(format!("status {}", response.status().as_u16()))
                }
                Ok(response) => match read_problem(response).await {
                    Refusal::Refused { code, detail } if code == refusal::TOO_MANY => {
                        Refusal::Failing(detail)
                    }
                    refusal @ Refusal::Failing(_) => refusal,
                    refusal => return Err(refusal),
                },
                Err(error) => {
                    let never_left = error.is_connect();
                    let refusal = Refusal::Away(words(&error));
                    if matches!(repeat, Repeat::IfNotSent) && !never_left {
                        return Err(refusal);
                    }
                    refusal
                }
            };
            let patience = match repeat {
                Repeat::For(time) => time,
                Repeat::IfNotSent => Duration::from_secs(3),
            };
            if began.elapsed() + rest > patience {
                return Err(refusal);
            }
            tokio::time::sleep(rest).await;
            rest = (rest * 2).min(Duration::from_secs(2));
        }
    }
}

/// What a refusal says. One that is no problem document is not the coordinator's: something on the way to it said no.
async fn read_problem(response: reqwest::Response) -> Refusal {
    let status = response.status().as_u16();
    let problem = response.json::<Problem>().await.ok();
    let code = problem.as_ref().and_then(|problem| problem.kind.rsplit('/').next());
    match (code, &problem) {
        (Some(refusal::LEASE_ENDED), _) => Refusal::LeaseEnded,
        (Some(code), Some(Problem { title, detail, .. })) if !code.is_empty() => Refusal::Refused {
            code: code.to_owned(),
            detail: if detail.is_empty() { title } else { detail }.clone(),
        },
        _ => Refusal::Failing(format!("status {status} without a word of the coordinator")),
    }
}

/// The error without its address, which may carry ids of a lease.
fn words(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        "no answer in time".to_owned()
    } else if error.is_connect() {
        "no connection".to_owned()
    } else if error.is_decode() || error.is_body() {
        "the answer was cut or malformed".to_owned()
    } else {
        "the call failed".to_owned()
    }
}
