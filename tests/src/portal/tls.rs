//! TLS listeners of the simulated portals: a test authority made once per folder, a leaf for all hosts of a payer,
//! HTTP/1.1 and HTTP/2 on connections that have their own numbers and can be cut.

use std::{
    io::Write as _,
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU8, AtomicU64, Ordering},
    },
};

use anyhow::{Context as _, Result};
use axum::{Router, body::Body, http::Request};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use hyper::{body::Incoming, service::service_fn};
use hyper_util::{rt::TokioExecutor, rt::TokioIo, server::conn::auto};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, date_time_ymd,
};
use rustls::{
    ServerConfig,
    pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer},
    server::{ClientHello, ResolvesServerCert},
    sign::CertifiedKey,
};
use sha2::{Digest as _, Sha256};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::watch,
};
use tokio_rustls::TlsAcceptor;
use tower::ServiceExt as _;

/// Which certificate a portal shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Cert {
    /// Signed by the test authority, for the right hosts.
    Trusted,
    /// Signed by an authority nobody trusts.
    Untrusted,
    /// Signed by the test authority, for another host.
    WrongHost,
}

/// The test authority: its certificate goes to those who are to trust it.
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    /// Where the certificate lies.
    pub path: PathBuf,
}

fn authority_params(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params.not_before = date_time_ymd(2025, 1, 1);
    params.not_after = date_time_ymd(2045, 1, 1);
    params
}

const AUTHORITY_NAME: &str = "Simulated payers test authority";

impl Authority {
    /// Opens the authority in `dir`, making it if nobody has yet. Two payers may do so at the same moment: the key file
    /// appears whole or not at all, and the first one stays.
    pub fn open(dir: &Path) -> Result<Authority> {
        std::fs::create_dir_all(dir).context("making the folder of the test authority")?;
        let key_path = dir.join("ca.key.pem");
        if !key_path.exists() {
            let key = KeyPair::generate()?;
            let certificate = authority_params(AUTHORITY_NAME).self_signed(&key)?;
            let mut whole = tempfile::NamedTempFile::new_in(dir)?;
            write!(whole, "{}{}", key.serialize_pem(), certificate.pem())?;
            whole.as_file().sync_all()?;
            match whole.persist_noclobber(&key_path) {
                Ok(_) => {}
                Err(lost) if lost.error.kind() == std::io::ErrorKind::AlreadyExists => {}
                Err(other) => return Err(other.error).context("keeping the test authority"),
            }
        }
        let text = std::fs::read_to_string(&key_path).context("reading the test authority")?;
        let begin =
            text.find("-----BEGIN CERTIFICATE").context("the authority has no certificate")?;
        let (key_pem, certificate_pem) = text.split_at(begin);
        let path = dir.join("ca.pem");
        if std::fs::read_to_string(&path).ok().as_deref() != Some(certificate_pem) {
            let mut whole = tempfile::NamedTempFile::new_in(dir)?;
            whole.write_all(certificate_pem.as_bytes())?;
            whole.persist(&path).map_err(|error| error.error)?;
        }
        let key = KeyPair::from_pem(key_pem)?;
        Ok(Authority { issuer: Issuer::new(authority_params(AUTHORITY_NAME), key), path })
    }

    fn leaf(&self, hosts: &[String]) -> Result<CertifiedKey> {
        leaf(&self.issuer, hosts)
    }
}

fn leaf(issuer: &Issuer<'_, KeyPair>, hosts: &[String]) -> Result<CertifiedKey> {
    let key = KeyPair::generate()?;
    let mut params = CertificateParams::new(hosts.to_vec())?;
    params.distinguished_name.push(DnType::CommonName, hosts.first().map_or("", String::as_str));
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    let today = super::clock::real_now().to_zoned(jiff::tz::TimeZone::UTC).date();
    let day = |date: jiff::civil::Date| {
        let month = u8::try_from(date.month()).unwrap_or(1);
        let day = u8::try_from(date.day()).unwrap_or(1);
        date_time_ymd(i32::from(date.year()), month, day)
    };
    params.not_before = day(today.saturating_sub(jiff::Span::new().days(2)));
    params.not_after = day(today.saturating_add(jiff::Span::new().days(300)));
    let certificate = params.signed_by(&key, issuer)?;
    let der: CertificateDer<'static> = certificate.der().clone();
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let signing = rustls::crypto::aws_lc_rs::sign::any_supported_type(&key)?;
    Ok(CertifiedKey::new(vec![der], signing))
}

/// The certificates of a payer, of which one is shown; a test can change which.
#[derive(Debug)]
pub struct Certificates {
    shown: AtomicU8,
    all: [Arc<CertifiedKey>; 3],
}

impl Certificates {
    /// Makes all three kinds for these hosts.
    pub fn new(authority: &Authority, hosts: &[String], shown: Cert) -> Result<Certificates> {
        let stranger = Issuer::new(authority_params("Unknown authority"), KeyPair::generate()?);
        let all = [
            Arc::new(authority.leaf(hosts)?),
            Arc::new(leaf(&stranger, hosts)?),
            Arc::new(authority.leaf(&["elsewhere.test".to_owned()])?),
        ];
        let certificates = Certificates { shown: AtomicU8::new(0), all };
        certificates.show(shown);
        Ok(certificates)
    }

    /// Shows this certificate to connections made from now on.
    pub fn show(&self, cert: Cert) {
        let index = match cert {
            Cert::Trusted => 0,
            Cert::Untrusted => 1,
            Cert::WrongHost => 2,
        };
        self.shown.store(index, Ordering::SeqCst);
    }

    /// The trusted certificate's key as browsers write it down: base64 of the SHA-256 of its public half.
    pub fn pin(&self) -> Option<String> {
        let key = self.all[0].key.public_key()?;
        Some(STANDARD.encode(Sha256::digest(key.as_ref())))
    }
}

impl ResolvesServerCert for Certificates {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        self.all.get(usize::from(self.shown.load(Ordering::SeqCst))).cloned()
    }
}

/// How a connection is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// Reset, as when a cable is pulled.
    Reset,
    /// Closed in good order without a byte.
    Close,
}

/// One TLS connection, as calls see it.
#[derive(Clone, Debug)]
pub struct Conn {
    /// Number of the connection, from 1, over all hosts of the payer.
    pub id: u64,
    http2: bool,
    calls: Arc<AtomicU64>,
    cut: Arc<watch::Sender<Option<Cut>>>,
}

impl Conn {
    /// Cuts the connection; whatever was being answered on it is dropped.
    pub fn cut(&self, how: Cut) {
        self.cut.send_replace(Some(how));
    }

    /// The HTTP/2 stream of the call that is just coming in, by its order; `None` on HTTP/1.1.
    pub fn next_stream(&self) -> Option<u64> {
        let ordinal = self.calls.fetch_add(1, Ordering::SeqCst);
        self.http2.then_some(ordinal * 2 + 1)
    }
}

/// A listener that serves one host.
pub struct Listening {
    /// Where it listens.
    pub addr: SocketAddr,
    listener: TcpListener,
}

/// Binds a loopback port: the wanted one if it is free, else any.
pub async fn bind(wanted: Option<u16>) -> Result<Listening> {
    let listener = match TcpListener::bind((Ipv4Addr::LOCALHOST, wanted.unwrap_or(0))).await {
        Ok(listener) => listener,
        Err(_) if wanted.is_some() => TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?,
        Err(error) => return Err(error).context("binding a loopback port"),
    };
    let addr = listener.local_addr()?;
    Ok(Listening { addr, listener })
}

impl Listening {
    /// Serves plain HTTP, for the control and truth planes.
    pub async fn serve_plain(self, router: Router) {
        if let Err(error) = axum::serve(self.listener, router).await {
            tracing::error!(%error, "a control listener ended");
        }
    }

    /// Serves HTTPS for ever; `ids` numbers the connections.
    pub async fn serve_tls(self, router: Router, certs: Arc<Certificates>, ids: Arc<AtomicU64>) {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("the provider supports the default versions");
        let mut config = config.with_no_client_auth().with_cert_resolver(certs);
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        let acceptor = TlsAcceptor::from(Arc::new(config));
        loop {
            let Ok((stream, _)) = self.listener.accept().await else { continue };
            let (acceptor, router) = (acceptor.clone(), router.clone());
            let id = ids.fetch_add(1, Ordering::SeqCst) + 1;
            tokio::spawn(async move {
                // A client that goes away in the middle is none of our business.
                if let Err(error) = connection(stream, acceptor, router, id).await {
                    tracing::debug!(%error, conn = id, "a connection ended");
                }
            });
        }
    }
}

async fn connection(stream: TcpStream, tls: TlsAcceptor, router: Router, id: u64) -> Result<()> {
    stream.set_nodelay(true)?;
    // A second handle on the socket, so that it can be told to reset while the first is inside the TLS stream.
    let std_stream = stream.into_std()?;
    let handle = TcpStream::from_std(std_stream.try_clone()?)?;
    let stream = tls.accept(TcpStream::from_std(std_stream)?).await?;
    let http2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
    let (cut, mut cutting) = watch::channel(None);
    let conn = Conn { id, http2, calls: Arc::new(AtomicU64::new(0)), cut: Arc::new(cut) };
    let service = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(conn.clone());
        router.clone().oneshot(request.map(Body::new))
    });
    let builder = auto::Builder::new(TokioExecutor::new());
    let serving = builder.serve_connection_with_upgrades(TokioIo::new(stream), service);
    tokio::select! {
        served = serving => served.map_err(|error| anyhow::anyhow!("{error}")),
        how = cutting.wait_for(Option::is_some) => {
            if how.is_ok_and(|how| *how == Some(Cut::Reset)) {
                handle.set_zero_linger()?;
            }
            Ok(())
        }
    }
}
