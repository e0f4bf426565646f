//! One call by HTTP: one connection, one request, one answer. Nothing is repeated, no redirect is followed, no connection is
//! kept, and every answer has a limit in bytes and in time.

mod endpoint;
mod once;
pub mod tls;

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use http::HeaderMap;
use rustls::pki_types::ServerName;
use tokio::{net::TcpStream, time::timeout};

pub use endpoint::{Endpoint, EndpointError};
/// What a call sends.
pub use http::Request;
pub use http_body_util::Full;
pub use tls::{Roots, Tls};

use crate::fate::Fate;
use once::over;

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

/// Whether a request may still leave. It is asked before every piece of it, when the connection stands: what was delayed on the way
/// there, or frozen and woken, leaves nothing once the answer is no. Which clock it looks at, the caller knows.
#[derive(Clone)]
pub struct May(Arc<dyn Fn() -> bool + Send + Sync>);

impl May {
    /// By this.
    #[must_use]
    pub fn new(leave: impl Fn() -> bool + Send + Sync + 'static) -> Self {
        Self(Arc::new(leave))
    }

    fn leave(&self) -> bool {
        (self.0)()
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
    /// The request might not leave any more.
    #[error("the time of the request was over before anything of it left for {host}")]
    Over {
        /// Server and port.
        host: String,
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
            Self::Request(_) | Self::Connect { .. } | Self::Tls { .. } | Self::Over { .. } => {
                Fate::NotSent
            }
            Self::Broken { written: 0, .. } | Self::Late { written: 0, .. } => Fate::NotSent,
            // Told before a server reads anything: see `tls::refused_late`.
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

/// Sends one request and waits for its answer. The path of `request` is replaced by that of the endpoint. Where it may leave only for
/// a time, `may` says whether it still may.
///
/// # Errors
/// Everything but an answer; redirects too.
pub async fn call(
    endpoint: &Endpoint,
    limits: &Limits,
    mut request: Request<Full<Bytes>>,
    may: Option<&May>,
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
    let connecting = async {
        match endpoint.at {
            Some(at) => TcpStream::connect(at).await,
            None => TcpStream::connect(&host).await,
        }
    };
    let stream = match timeout(limits.connect, connecting).await {
        Ok(Ok(stream)) => stream,
        Ok(Err(error)) => return Err(unreached(error.kind().to_string())),
        Err(_) => return Err(unreached(format!("nothing within {} s", limits.connect.as_secs()))),
    };
    let _ = stream.set_nodelay(true);
    if endpoint.url.scheme() == "http" {
        return over(stream, None, host, limits, (request, may)).await;
    }
    let untrusted = |why: String| HttpError::Tls { host: host.clone(), why };
    let bare = endpoint.url.host_str().unwrap_or("").trim_matches(['[', ']']).to_owned();
    let name = ServerName::try_from(bare).map_err(|_| HttpError::Request("its host is no name"))?;
    let connector = tokio_rustls::TlsConnector::from(endpoint.tls.0.clone());
    match timeout(limits.handshake, connector.connect(name, stream)).await {
        Ok(Ok(stream)) => {
            let version = stream.get_ref().1.protocol_version();
            over(stream, version, host, limits, (request, may)).await
        }
        Ok(Err(error)) => Err(match tls::refused(&error) {
            Some(alert) => HttpError::Certificate { host, alert },
            None => untrusted(error.to_string()),
        }),
        Err(_) => Err(untrusted(format!("nothing within {} s", limits.handshake.as_secs()))),
    }
}
