//! A stand-in for a payer's HTTP server: it reads one request on each connection and does what a test tells it to.

use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::TcpListener,
};
use transport::{
    Certificate, Identity, Secret,
    http::{Limits, Roots, Tls},
};

/// A request as it came.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

impl Seen {
    /// A field of the head.
    pub(crate) fn field(&self, name: &str) -> &str {
        let same = |line: &&str| {
            line.split_once(':').is_some_and(|(have, _)| have.eq_ignore_ascii_case(name))
        };
        let line = self.head.lines().find(same).unwrap_or("");
        line.split_once(':').map_or("", |(_, value)| value.trim())
    }
}

/// What the stand-in does with a request.
pub(crate) enum Act {
    /// Answers.
    Reply(u16, String, Vec<u8>),
    /// Writes these bytes and closes.
    Raw(Vec<u8>),
    /// Writes these bytes, and then the others again and again until nobody reads.
    Endless(Vec<u8>, Vec<u8>),
    /// Says nothing.
    Silence,
}

pub(crate) struct Stand {
    pub(crate) address: SocketAddr,
    pub(crate) seen: Arc<Mutex<Vec<Seen>>>,
    connections: Arc<AtomicUsize>,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Stand {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Stand {
    /// Starts on a free port.
    pub(crate) async fn new(act: impl Fn(&Seen) -> Act + Send + Sync + 'static) -> Self {
        Self::start(None, act).await
    }

    /// Starts on a free port, with TLS.
    pub(crate) async fn with_tls(
        config: rustls::ServerConfig,
        act: impl Fn(&Seen) -> Act + Send + Sync + 'static,
    ) -> Self {
        Self::start(Some(tokio_rustls::TlsAcceptor::from(Arc::new(config))), act).await
    }

    async fn start(
        tls: Option<tokio_rustls::TlsAcceptor>,
        act: impl Fn(&Seen) -> Act + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let connections = Arc::new(AtomicUsize::new(0));
        let (act, requests, count) = (Arc::new(act), seen.clone(), connections.clone());
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                count.fetch_add(1, Ordering::SeqCst);
                let (act, requests, tls) = (act.clone(), requests.clone(), tls.clone());
                tokio::spawn(async move {
                    match tls {
                        None => serve(stream, &*act, &requests).await,
                        Some(tls) => match tls.accept(stream).into_fallible().await {
                            Ok(stream) => serve(stream, &*act, &requests).await,
                            // What still comes is read, or the alert would be lost with the connection.
                            Err((_, mut stream)) => {
                                let mut rest = Vec::new();
                                stream.read_to_end(&mut rest).await.ok().map(|_| ())
                            }
                        },
                    }
                });
            }
        });
        Self { address, seen, connections, task }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub(crate) fn secure_url(&self, path: &str) -> String {
        format!("https://localhost:{}{path}", self.address.port())
    }

    /// The first request, as soon as it has come.
    pub(crate) async fn first(&self) -> Seen {
        loop {
            if let Some(seen) = self.seen.lock().unwrap().first() {
                return seen.clone();
            }
            tokio::task::yield_now().await;
        }
    }

    /// Connections and requests so far.
    pub(crate) fn counts(&self) -> (usize, usize) {
        (self.connections.load(Ordering::SeqCst), self.seen.lock().unwrap().len())
    }
}

async fn serve(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    act: &(dyn Fn(&Seen) -> Act + Send + Sync),
    requests: &Mutex<Vec<Seen>>,
) -> Option<()> {
    let mut bytes = Vec::new();
    let head = loop {
        if let Some(at) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            break at + 4;
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    };
    let mut seen =
        Seen { head: String::from_utf8_lossy(&bytes[..head]).into_owned(), body: Vec::new() };
    let length: usize = seen.field("content-length").parse().unwrap_or(0);
    while bytes.len() < head + length {
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    }
    seen.body = bytes.split_off(head);
    requests.lock().unwrap().push(seen.clone());
    match act(&seen) {
        Act::Reply(status, kind, body) => {
            let head = format!(
                "HTTP/1.1 {status} Said\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n\r\n",
                body.len()
            );
            stream.write_all(head.as_bytes()).await.ok()?;
            stream.write_all(&body).await.ok()?;
        }
        Act::Raw(bytes) => stream.write_all(&bytes).await.ok()?,
        Act::Endless(first, again) => {
            stream.write_all(&first).await.ok()?;
            while stream.write_all(&again).await.is_ok() {}
        }
        Act::Silence => {
            // Until the other side goes away.
            while stream.read_buf(&mut bytes).await.ok()? > 0 {}
        }
    }
    stream.flush().await.ok()?;
    stream.shutdown().await.ok()
}

/// Limits that do not make a failing test long.
pub(crate) fn limits() -> Limits {
    let second = Duration::from_secs;
    Limits { connect: second(20), handshake: second(20), answer: second(30), ..Limits::default() }
}

/// An authority with throw-away certificates.
pub(crate) struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    pub(crate) fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(rcgen::DnType::CommonName, "Throw-away authority");
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    pub(crate) fn certificate(&self) -> Certificate {
        Certificate::new(self.0.der()).unwrap()
    }

    /// Trusts this authority only.
    pub(crate) fn tls(&self, identity: Option<&Identity>) -> Tls {
        Tls::new(&Roots::These(vec![self.certificate()]), identity).unwrap()
    }

    /// A certificate for a name, with its key, in PEM.
    pub(crate) fn issue(&self, name: &str) -> (String, String) {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        params.distinguished_name.push(rcgen::DnType::CommonName, name);
        (params.signed_by(&key, &self.0).unwrap().pem(), key.serialize_pem())
    }

    pub(crate) fn identity(&self, name: &str) -> Identity {
        let (certificate, key) = self.issue(name);
        Identity::new(certificate.as_bytes(), &Secret::text(key)).unwrap()
    }

    /// For a server called localhost; with `clients`, every client needs a certificate of this authority.
    pub(crate) fn server(&self, clients: bool) -> rustls::ServerConfig {
        use rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _};
        let (certificate, key) = self.issue("localhost");
        let chain = vec![CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap()];
        let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder = rustls::ServerConfig::builder_with_provider(provider.clone())
            .with_safe_default_protocol_versions()
            .unwrap();
        let builder = if clients {
            let mut roots = rustls::RootCertStore::empty();
            roots.add(self.0.der().clone()).unwrap();
            let verifier = rustls::server::WebPkiClientVerifier::builder_with_provider(
                Arc::new(roots),
                provider,
            )
            .build()
            .unwrap();
            builder.with_client_cert_verifier(verifier)
        } else {
            builder.with_no_client_auth()
        };
        builder.with_single_cert(chain, key).unwrap()
    }
}

/// A throw-away certificate of its own with an RSA key, in PEM, good between those days.
pub(crate) fn rsa(name: &str, from: (i32, u8, u8), until: (i32, u8, u8)) -> (String, String) {
    let key = KeyPair::generate_rsa_for(&rcgen::PKCS_RSA_SHA256, rcgen::RsaKeySize::_2048).unwrap();
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(rcgen::DnType::CommonName, name);
    params.not_before = rcgen::date_time_ymd(from.0, from.1, from.2);
    params.not_after = rcgen::date_time_ymd(until.0, until.1, until.2);
    (params.self_signed(&key).unwrap().pem(), key.serialize_pem())
}
