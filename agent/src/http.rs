//! Calls of channels that need no browser: every call has a connection of its own and is sent once. No redirects, no repeats, no
//! reuse; certificates are always checked. Bodies and headers are never logged.

use std::{collections::BTreeMap, net::SocketAddr, path::PathBuf, time::Duration};

use bytes::Bytes;
use futures_util::StreamExt as _;
use zeroize::Zeroizing;

use crate::browser::LaunchConfig;

/// Longest answer that is taken.
const ANSWER_MAX: usize = 20 << 20;
/// Longest wait for a connection.
const CONNECT: Duration = Duration::from_secs(10);

/// How hosts are reached.
#[derive(Debug, Clone, Default)]
pub struct Http {
    host_rules: BTreeMap<String, SocketAddr>,
    only_listed_hosts: bool,
    extra_ca: Option<PathBuf>,
}

/// A text that is overwritten when it is dropped and has no `Debug`.
pub struct Sealed(Zeroizing<String>);

impl Sealed {
    /// Takes a text in.
    #[must_use]
    pub fn new(text: String) -> Self {
        Self(Zeroizing::new(text))
    }
}

/// A body.
pub enum Body {
    /// None.
    Empty,
    /// A message.
    Plain(Bytes),
    /// A form with a secret in it.
    Sealed(Sealed),
}

/// One call.
pub struct Call<'c> {
    /// `GET`, `POST`.
    pub method: &'static str,
    /// Where to.
    pub url: &'c str,
    /// Media type of the body.
    pub media: &'static str,
    /// Media type wanted.
    pub accept: &'static str,
    /// Value of `authorization`.
    pub authorization: Option<&'c Sealed>,
    /// The body.
    pub body: Body,
    /// Longest wait for the whole answer.
    pub within: Duration,
}

/// An answer, whatever its status.
#[derive(Clone)]
pub struct Reply {
    /// Status.
    pub status: u16,
    /// `Retry-After`, as it came.
    pub retry_after: Option<String>,
    /// `Location`, as it came.
    pub location: Option<String>,
    /// The body.
    pub body: Bytes,
}

/// Why there is no whole answer. Texts never carry values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoReply {
    /// Nothing was sent.
    #[error("{0}; nothing was sent")]
    NotSent(&'static str),
    /// It may have arrived.
    #[error("{0}")]
    Broke(&'static str),
}

impl Http {
    /// As the browser reaches hosts.
    #[must_use]
    pub fn new(config: &LaunchConfig) -> Self {
        Self {
            host_rules: config.host_rules.iter().cloned().collect(),
            only_listed_hosts: config.only_listed_hosts,
            extra_ca: config.extra_ca.clone(),
        }
    }

    /// Where a host is to be reached instead of where its name leads; none: where its name leads.
    ///
    /// # Errors
    /// It is not one of those that may be reached.
    pub fn reach(&self, host: &str) -> Result<Option<SocketAddr>, NoReply> {
        match self.host_rules.get(host) {
            Some(at) => Ok(Some(*at)),
            None if self.only_listed_hosts => {
                Err(NoReply::NotSent("the host is not one of those that may be reached"))
            }
            None => Ok(None),
        }
    }

    /// The further authorities whose word about a server is taken, in PEM form; none: those this machine knows.
    ///
    /// # Errors
    /// They cannot be read.
    pub fn authorities(&self) -> Result<Option<Vec<u8>>, NoReply> {
        let read = self.extra_ca.as_ref().map(std::fs::read).transpose();
        read.map_err(|_| NoReply::NotSent("the further authority cannot be read"))
    }

    /// Sends one call, once.
    ///
    /// # Errors
    /// See [`NoReply`].
    pub async fn send(&self, call: Call<'_>) -> Result<Reply, NoReply> {
        let url = url::Url::parse(call.url).map_err(|_| NoReply::NotSent("the address is none"))?;
        let host = url.host_str().unwrap_or_default();
        self.reach(host)?;
        let method = reqwest::Method::from_bytes(call.method.as_bytes())
            .map_err(|_| NoReply::NotSent("the method is none"))?;
        let mut request =
            self.client()?.request(method, url).timeout(call.within).header("accept", call.accept);
        if let Some(Sealed(value)) = call.authorization {
            let mut value = reqwest::header::HeaderValue::from_str(value)
                .map_err(|_| NoReply::NotSent("the authorization cannot be sent"))?;
            value.set_sensitive(true);
            request = request.header("authorization", value);
        }
        request = match call.body {
            Body::Empty => request,
            Body::Plain(bytes) => request.header("content-type", call.media).body(bytes),
            Body::Sealed(Sealed(text)) => {
                request.header("content-type", call.media).body(text.as_bytes().to_vec())
            }
        };
        let answer = request.send().await.map_err(|error| {
            if error.is_connect() {
                NoReply::NotSent("the host could not be reached, or its certificate is not trusted")
            } else if error.is_timeout() {
                NoReply::Broke("no answer came in time")
            } else {
                NoReply::Broke("the connection broke before the answer")
            }
        })?;
        read(answer).await
    }

    /// A client of its own for every call: it has no connection to use again.
    fn client(&self) -> Result<reqwest::Client, NoReply> {
        let refused = |_| NoReply::NotSent("the call could not be set up");
        let mut builder = reqwest::Client::builder()
            .https_only(true)
            .http1_only()
            .no_proxy()
            .pool_max_idle_per_host(0)
            .retry(reqwest::retry::never())
            .redirect(reqwest::redirect::Policy::none())
            .user_agent(concat!("fleet/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(CONNECT);
        if let Some(pem) = self.authorities()? {
            for certificate in reqwest::Certificate::from_pem_bundle(&pem).map_err(refused)? {
                builder = builder.add_root_certificate(certificate);
            }
        }
        let builder = self.host_rules.iter().fold(builder, |b, (host, to)| b.resolve(host, *to));
        builder.build().map_err(refused)
    }
}

async fn read(answer: reqwest::Response) -> Result<Reply, NoReply> {
    let header = |name: &str| {
        let value = answer.headers().get(name).and_then(|value| value.to_str().ok());
        value.map(str::to_owned)
    };
    let (retry_after, location) = (header("retry-after"), header("location"));
    let status = answer.status().as_u16();
    let mut body = Vec::new();
    let mut parts = answer.bytes_stream();
    while let Some(part) = parts.next().await {
        let part = part.map_err(|_| NoReply::Broke("the answer broke off"))?;
        if body.len() + part.len() > ANSWER_MAX {
            return Err(NoReply::Broke("the answer is too large"));
        }
        body.extend_from_slice(&part);
    }
    Ok(Reply { status, retry_after, location, body: body.into() })
}
