//! One call by HTTP: one connection, one request, one answer. Nothing is repeated, no redirect is followed, no connection is
//! kept, and every answer has a limit in bytes and in time.

use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use http::{HeaderMap, Request};
use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
use hyper_util::rt::TokioIo;
use rustls::{ClientConfig, RootCertStore, pki_types::ServerName};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
    time::timeout,
};
use url::Url;

use crate::{
    credential::{Certificate, CredentialError, Identity},
    fate::Fate,
};

/// Whose word about a server is taken.
#[derive(Clone, Debug, Default)]
pub enum Roots {
    /// That of the authorities this machine knows.
    #[default]
    System,
    /// That of these, and of nobody else.
    These(Vec<Certificate>),
}

/// How the other side is recognised, and how it recognises us. TLS 1.2 or later; there is no way of not looking.
#[derive(Clone)]
pub struct Tls(Arc<ClientConfig>);

impl Tls {
    /// With these authorities and, where the payer knows us by it, our certificate.
    ///
    /// # Errors
    /// No authority at all, or a certificate and key that do not fit.
    pub fn new(roots: &Roots, identity: Option<&Identity>) -> Result<Self, CredentialError> {
        let mut store = RootCertStore::empty();
        match roots {
            Roots::System => {
                store.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
            }
            Roots::These(all) => {
                store.add_parsable_certificates(all.iter().map(|one| one.der().clone()));
            }
        }
        if store.is_empty() {
            return Err(CredentialError::Roots);
        }
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("the provider knows TLS 1.2 and 1.3")
            .with_root_certificates(store);
        let mut config = match identity {
            None => builder.with_no_client_auth(),
            Some(identity) => {
                let chain = identity.chain().iter().map(|one| one.der().clone()).collect();
                builder
                    .with_client_auth_cert(chain, identity.key()?)
                    .map_err(|_| CredentialError::Pair)?
            }
        };
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        // A resumed session could carry data before the other side is known again.
        config.resumption = rustls::client::Resumption::disabled();
        Ok(Self(Arc::new(config)))
    }
}

/// Limits of one call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Until a connection stands.
    pub connect: Duration,
    /// Until both sides know each other.
    pub handshake: Duration,
    /// From the first byte sent to the last one received. CORE wants 60 seconds for a request in real time.
    pub answer: Duration,
    /// The head of an answer, in bytes.
    pub head: usize,
    /// The body of an answer, in bytes.
    pub body: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            handshake: Duration::from_secs(10),
            answer: Duration::from_secs(60),
            head: 64 * 1024,
            body: 16 * 1024 * 1024,
        }
    }
}

/// Where to.
#[derive(Clone)]
pub struct Endpoint {
    url: Url,
    tls: Tls,
}

/// Why an address is none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EndpointError {
    /// Not an address.
    #[error("this is no address of a server")]
    Address,
    /// In clear, and not this machine.
    #[error("`http` is for this machine only; a payer is reached by `https`")]
    Clear,
    /// A password in the address.
    #[error("an address carries no user and no password")]
    Login,
}

impl Endpoint {
    /// From an address. `http` is taken for this machine only.
    ///
    /// # Errors
    /// What is no address, or one that would send in clear.
    pub fn new(address: &str, tls: &Tls) -> Result<Self, EndpointError> {
        let url = Url::parse(address).map_err(|_| EndpointError::Address)?;
        let here = match url.host().ok_or(EndpointError::Address)? {
            url::Host::Ipv4(ip) => ip.is_loopback(),
            url::Host::Ipv6(ip) => ip.is_loopback(),
            url::Host::Domain(name) => name == "localhost",
        };
        if !url.username().is_empty() || url.password().is_some() {
            return Err(EndpointError::Login);
        }
        match url.scheme() {
            "https" => Ok(Self { url, tls: tls.clone() }),
            "http" if here => Ok(Self { url, tls: tls.clone() }),
            "http" => Err(EndpointError::Clear),
            _ => Err(EndpointError::Address),
        }
    }

    /// The same server, a path below this address.
    #[must_use]
    pub fn below(&self, path: &str) -> Self {
        let mut url = self.url.clone();
        let base = url.path().trim_end_matches('/').to_owned();
        url.set_path(&format!("{base}/{}", path.trim_start_matches('/')));
        Self { url, tls: self.tls.clone() }
    }

    /// Server and port, for messages.
    #[must_use]
    pub fn host(&self) -> String {
        let port = self.url.port_or_known_default().unwrap_or(0);
        format!("{}:{port}", self.url.host_str().unwrap_or(""))
    }
}

/// What came back, whatever its status.
#[derive(Clone)]
pub struct Got {
    /// The status.
    pub status: u16,
    /// The head.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
}

impl Got {
    /// A header as text, or nothing.
    #[must_use]
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or("")
    }
}

/// Why there is no answer. Texts name server and phase, never contents.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HttpError {
    /// What was to be sent is no request.
    #[error("the request cannot be written: {0}")]
    Request(&'static str),
    /// No connection.
    #[error("{host} cannot be reached: {why}")]
    Connect {
        /// Server and port.
        host: String,
        /// Why.
        why: String,
    },
    /// Not the server it should be, or no common version.
    #[error("{host} is not who it should be, or speaks no TLS we speak: {why}")]
    Tls {
        /// Server and port.
        host: String,
        /// Why.
        why: String,
    },
    /// The server does not take our certificate.
    #[error("{host} does not take our certificate ({alert})")]
    Certificate {
        /// Server and port.
        host: String,
        /// What TLS calls it.
        alert: String,
    },
    /// The connection broke.
    #[error("the connection to {host} broke after {written} bytes: {why}")]
    Broken {
        /// Server and port.
        host: String,
        /// Bytes handed over.
        written: u64,
        /// Why.
        why: String,
    },
    /// No whole answer in time.
    #[error("{host} gave no whole answer within {seconds} s, after {written} bytes")]
    Late {
        /// Server and port.
        host: String,
        /// The limit.
        seconds: u64,
        /// Bytes handed over.
        written: u64,
    },
    /// An answer with a head that is too long.
    #[error("the head of the answer of {host} is longer than {limit} bytes")]
    Head {
        /// Server and port.
        host: String,
        /// The limit.
        limit: usize,
    },
    /// An answer that is too long.
    #[error("the answer of {host} is longer than {limit} bytes")]
    Body {
        /// Server and port.
        host: String,
        /// The limit.
        limit: usize,
    },
    /// "Elsewhere".
    #[error("{host} answers with a redirect ({status}), which is not followed")]
    Redirect {
        /// Server and port.
        host: String,
        /// The status.
        status: u16,
    },
    /// Compressed, though nobody asked for it.
    #[error("the answer of {host} is encoded, which was not asked for")]
    Encoded {
        /// Server and port.
        host: String,
    },
}

impl HttpError {
    /// What may have become of the request.
    #[must_use]
    pub fn fate(&self) -> Fate {
        match self {
            Self::Request(_) | Self::Connect { .. } | Self::Tls { .. } => Fate::NotSent,
            Self::Broken { written: 0, .. } | Self::Late { written: 0, .. } => Fate::NotSent,
            // TLS 1.3 tells it after the request was written, and has read nothing of it by then.
            Self::Certificate { .. } => Fate::Refused,
            Self::Redirect { status, .. } => Fate::of_status(*status),
            Self::Broken { .. }
            | Self::Late { .. }
            | Self::Head { .. }
            | Self::Body { .. }
            | Self::Encoded { .. } => Fate::Unknown,
        }
    }
}

/// Sends one request and waits for its answer. The path of `request` is replaced by that of the endpoint.
///
/// # Errors
/// Everything but an answer; redirects too.
pub async fn call(
    endpoint: &Endpoint,
    limits: &Limits,
    mut request: Request<Full<Bytes>>,
) -> Result<Got, HttpError> {
    let host = endpoint.host();
    let path = match endpoint.url.query() {
        Some(query) => format!("{}?{query}", endpoint.url.path()),
        None => endpoint.url.path().to_owned(),
    };
    *request.uri_mut() = path.parse().map_err(|_| HttpError::Request("its path is no path"))?;
    let named = match endpoint.url.port() {
        Some(port) => format!("{}:{port}", endpoint.url.host_str().unwrap_or("")),
        None => endpoint.url.host_str().unwrap_or("").to_owned(),
    };
    let value = named.parse().map_err(|_| HttpError::Request("its host is no host"))?;
    request.headers_mut().insert(http::header::HOST, value);
    request.headers_mut().insert(http::header::CONNECTION, http::HeaderValue::from_static("close"));

    let unreached = |why: String| HttpError::Connect { host: host.clone(), why };
    let stream = match timeout(limits.connect, TcpStream::connect(&host)).await {
        Ok(Ok(stream)) => stream,
        Ok(Err(error)) => return Err(unreached(error.kind().to_string())),
        Err(_) => return Err(unreached(format!("nothing within {} s", limits.connect.as_secs()))),
    };
    let _ = stream.set_nodelay(true);
    if endpoint.url.scheme() == "http" {
        return over(stream, host, limits, request).await;
    }
    let untrusted = |why: String| HttpError::Tls { host: host.clone(), why };
    let bare = endpoint.url.host_str().unwrap_or("").trim_matches(['[', ']']).to_owned();
    let name = ServerName::try_from(bare).map_err(|_| HttpError::Request("its host is no name"))?;
    let connector = tokio_rustls::TlsConnector::from(endpoint.tls.0.clone());
    match timeout(limits.handshake, connector.connect(name, stream)).await {
        Ok(Ok(stream)) => over(stream, host, limits, request).await,
        Ok(Err(error)) => Err(match alert(&error) {
            Some(alert) => HttpError::Certificate { host, alert },
            None => untrusted(error.to_string()),
        }),
        Err(_) => Err(untrusted(format!("nothing within {} s", limits.handshake.as_secs()))),
    }
}

/// The alert by which a server says that it does not take our certificate.
fn alert(error: &(dyn std::error::Error + 'static)) -> Option<String> {
    use rustls::AlertDescription as A;
    let mut next = Some(error);
    while let Some(error) = next {
        let inner = error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
        let tls = inner
            .and_then(|inner| inner.downcast_ref::<rustls::Error>())
            .or_else(|| error.downcast_ref::<rustls::Error>());
        if let Some(rustls::Error::AlertReceived(
            alert @ (A::CertificateRequired
            | A::BadCertificate
            | A::UnsupportedCertificate
            | A::CertificateRevoked
            | A::CertificateExpired
            | A::CertificateUnknown
            | A::UnknownCA
            | A::DecryptError
            | A::AccessDenied),
        )) = tls
        {
            return Some(format!("{alert:?}"));
        }
        next = error.source();
    }
    None
}

/// Ends the task that moves the bytes when nobody waits for them any more.
struct Ends(tokio::task::AbortHandle);

impl Drop for Ends {
    fn drop(&mut self) {
        self.0.abort();
    }
}

async fn over(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    host: String,
    limits: &Limits,
    request: Request<Full<Bytes>>,
) -> Result<Got, HttpError> {
    let written = Arc::new(AtomicU64::new(0));
    let so_far = || written.load(Ordering::SeqCst);
    let io = TokioIo::new(Metered { inner: stream, written: written.clone() });
    let broken = |error: hyper::Error| {
        if let Some(alert) = alert(&error) {
            return HttpError::Certificate { host: host.clone(), alert };
        }
        if error.is_parse_too_large() {
            return HttpError::Head { host: host.clone(), limit: limits.head };
        }
        HttpError::Broken { host: host.clone(), written: so_far(), why: error.to_string() }
    };
    let exchange = async {
        let (mut sender, connection) = hyper::client::conn::http1::Builder::new()
            .max_buf_size(limits.head.max(8192))
            .max_headers(100)
            .handshake(io)
            .await
            .map_err(broken)?;
        let _ends = Ends(tokio::spawn(connection).abort_handle());
        let answer = sender.send_request(request).await.map_err(broken)?;
        let (head, body) = answer.into_parts();
        let status = head.status.as_u16();
        if head.status.is_redirection() {
            return Err(HttpError::Redirect { host: host.clone(), status });
        }
        let encoded = head.headers.get(http::header::CONTENT_ENCODING);
        if encoded.is_some_and(|value| !value.as_bytes().eq_ignore_ascii_case(b"identity")) {
            return Err(HttpError::Encoded { host: host.clone() });
        }
        let body = Limited::new(body, limits.body).collect().await.map_err(|error| {
            if error.is::<LengthLimitError>() {
                return HttpError::Body { host: host.clone(), limit: limits.body };
            }
            let why = "the body of the answer was cut short".to_owned();
            HttpError::Broken { host: host.clone(), written: so_far(), why }
        })?;
        Ok(Got { status, headers: head.headers, body: body.to_bytes() })
    };
    match timeout(limits.answer, exchange).await {
        Ok(got) => got,
        Err(_) => Err(HttpError::Late {
            host: host.clone(),
            seconds: limits.answer.as_secs(),
            written: so_far(),
        }),
    }
}

/// Counts what was handed over, so that "nothing was sent" is known and not guessed.
struct Metered<S> {
    inner: S,
    written: Arc<AtomicU64>,
}

impl<S: AsyncRead + Unpin> AsyncRead for Metered<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.inner).poll_read(cx, buf)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Metered<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<std::io::Result<usize>> {
        let polled = Pin::new(&mut self.inner).poll_write(cx, buf);
        match &polled {
            Poll::Ready(Ok(count)) => {
                self.written.fetch_add(*count as u64, Ordering::SeqCst);
            }
            // What an error leaves behind in the layers below is not known.
            Poll::Ready(Err(_)) => {
                self.written.fetch_add(1, Ordering::SeqCst);
            }
            Poll::Pending => {}
        }
        polled
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}
