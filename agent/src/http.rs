//! Calls of channels that need no browser: every call has a connection of its own and is sent once. No redirects, no repeats, no
//! reuse; certificates are always checked. Bodies and headers are never logged.

use std::{collections::BTreeMap, net::SocketAddr, path::PathBuf, time::Duration};

use bytes::Bytes;
use futures_util::StreamExt as _;
use reqwest::header::HeaderValue;
use transport::{
    Certificate, Fate,
    http::{Endpoint, Full, HttpError, Limits, May, Request, Roots, Tls, call},
};
use zeroize::Zeroizing;

use crate::browser::LaunchConfig;

/// Longest answer that is taken.
const ANSWER_MAX: usize = 20 << 20;
/// Longest wait for a connection.
const CONNECT: Duration = Duration::from_secs(10);
/// Who calls.
const AGENT: &str = concat!("fleet/", env!("CARGO_PKG_VERSION"));

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
            request = request.header("authorization", authorization(value)?);
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

    /// Sends one call, once, and only while it may leave: that is asked when the connection stands, before every piece of it.
    ///
    /// # Errors
    /// See [`NoReply`].
    pub async fn send_while(&self, out: Call<'_>, may: &May) -> Result<Reply, NoReply> {
        let endpoint = self.endpoint(out.url)?;
        let mut request = Request::builder().method(out.method).header("accept", out.accept);
        request = request.header("user-agent", AGENT);
        if let Some(Sealed(value)) = out.authorization {
            request = request.header("authorization", authorization(value)?);
        }
        let body = match out.body {
            Body::Empty => Bytes::new(),
            Body::Plain(bytes) => bytes,
            Body::Sealed(Sealed(text)) => Bytes::copy_from_slice(text.as_bytes()),
        };
        if !body.is_empty() {
            request = request.header("content-type", out.media);
        }
        let request = request
            .body(Full::new(body))
            .map_err(|_| NoReply::NotSent("the request cannot be written"))?;
        let limits =
            Limits { connect: CONNECT, answer: out.within, body: ANSWER_MAX, ..Limits::default() };
        let got = call(&endpoint, &limits, request, Some(may)).await.map_err(|e| unanswered(&e))?;
        let header = |name| Some(got.header(name).to_owned()).filter(|text| !text.is_empty());
        let (retry_after, location) = (header("retry-after"), header("location"));
        Ok(Reply { status: got.status, retry_after, location, body: got.body })
    }

    /// A server, reached and trusted as everything of this agent is.
    fn endpoint(&self, address: &str) -> Result<Endpoint, NoReply> {
        let unfit = NoReply::NotSent("the address is none");
        let url = url::Url::parse(address).map_err(|_| unfit)?;
        if url.scheme() != "https" {
            return Err(unfit);
        }
        let untrusted = |_| NoReply::NotSent("the authorities of this machine cannot be used");
        let roots = match self.authorities()? {
            None => Roots::System,
            Some(pem) => Roots::SystemAnd(Certificate::all(&pem).map_err(untrusted)?),
        };
        let tls = Tls::new(&roots, None).map_err(untrusted)?;
        let endpoint = Endpoint::new(address, &tls).map_err(|_| unfit)?;
        match self.reach(url.host_str().unwrap_or_default())? {
            Some(at) => Ok(endpoint.at(at)),
            None => Ok(endpoint),
        }
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
            .user_agent(AGENT)
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

fn authorization(value: &str) -> Result<HeaderValue, NoReply> {
    let mut value = HeaderValue::from_str(value)
        .map_err(|_| NoReply::NotSent("the authorization cannot be sent"))?;
    value.set_sensitive(true);
    Ok(value)
}

fn unanswered(error: &HttpError) -> NoReply {
    match error {
        HttpError::Over { .. } => NoReply::NotSent("the permit ended before the request left"),
        _ if error.fate() == Fate::NotSent => {
            NoReply::NotSent("the host could not be reached, or its certificate is not trusted")
        }
        HttpError::Late { .. } => NoReply::Broke("no answer came in time"),
        HttpError::Head { .. } | HttpError::Body { .. } => {
            NoReply::Broke("the answer is too large")
        }
        HttpError::Redirect { .. } => NoReply::Broke("the answer leads elsewhere"),
        HttpError::Encoded { .. } => {
            NoReply::Broke("the answer is encoded, which nobody asked for")
        }
        _ => NoReply::Broke("the connection broke before the whole answer"),
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

#[cfg(test)]
mod tests {
    use std::sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    };

    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;

    /// A server under the name `payer.example` that answers whatever it is asked, and counts what came.
    async fn payer(folder: &std::path::Path) -> (Http, Arc<AtomicUsize>) {
        let made = rcgen::generate_simple_self_signed(vec!["payer.example".to_owned()]).unwrap();
        let ca = folder.join("ca.pem");
        std::fs::write(&ca, made.cert.pem()).unwrap();
        let key = rustls::pki_types::PrivateKeyDer::Pkcs8(made.signing_key.serialize_der().into());
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![made.cert.der().clone()], key)
            .unwrap();
        let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let at = listener.local_addr().unwrap();
        let came = Arc::new(AtomicUsize::new(0));
        let count = came.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let Ok(mut stream) = acceptor.accept(stream).await else { continue };
                let mut buffer = [0; 4096];
                let read = stream.read(&mut buffer).await.unwrap_or(0);
                count.fetch_add(read, Ordering::SeqCst);
                let answer =
                    b"HTTP/1.1 503 Busy\r\nretry-after: 60\r\ncontent-length: 4\r\n\r\nbusy";
                let _ = stream.write_all(answer).await;
                let _ = stream.shutdown().await;
            }
        });
        let http = Http {
            host_rules: BTreeMap::from([("payer.example".to_owned(), at)]),
            only_listed_hosts: true,
            extra_ca: Some(ca),
        };
        (http, came)
    }

    fn out<'c>(url: &'c str, key: &'c Sealed) -> Call<'c> {
        Call {
            method: "POST",
            url,
            media: "application/fhir+json",
            accept: "application/fhir+json",
            authorization: Some(key),
            body: Body::Plain(Bytes::from_static(b"{}")),
            within: Duration::from_secs(10),
        }
    }

    #[tokio::test]
    async fn what_may_not_leave_any_more_stays_here_when_the_connection_stands() {
        let folder = tempfile::tempdir().unwrap();
        let (http, came) = payer(folder.path()).await;
        let (url, key) = ("https://payer.example/r4/Claim/$submit", Sealed::new("Bearer x".into()));
        let over = http.send_while(out(url, &key), &May::new(|| false)).await;
        let why = NoReply::NotSent("the permit ended before the request left");
        assert_eq!((over.err(), came.load(Ordering::SeqCst)), (Some(why), 0));

        let reply = http.send_while(out(url, &key), &May::new(|| true)).await.ok().unwrap();
        assert_eq!((reply.status, &*reply.body), (503, &b"busy"[..]));
        assert_eq!(reply.retry_after.as_deref(), Some("60"));
        assert!(came.load(Ordering::SeqCst) > 0);
        for (url, why) in [
            ("http://payer.example/r4", "the address is none"),
            ("https://other.example/r4", "the host is not one of those that may be reached"),
        ] {
            let reply = http.send_while(out(url, &key), &May::new(|| true)).await;
            assert_eq!(reply.err(), Some(NoReply::NotSent(why)));
        }
    }
}
