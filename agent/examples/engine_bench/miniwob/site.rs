//! The package's pages over https on loopback, with the benchmark's own script put before everything else; and what the pages tell.

use std::{
    collections::HashMap,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use anyhow::{Context as _, Result};
use axum::{
    Router,
    body::Bytes,
    extract::{self, State},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use serde::Deserialize;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::watch,
};
use tokio_rustls::{TlsAcceptor, rustls, server::TlsStream};

/// The name the pages have.
pub(crate) const HOST: &str = "miniwob.test";
const PAGE: &str = include_str!("../../../../tests/miniwob/page.js");

/// What a page says when its episode has begun.
#[derive(Clone, Deserialize)]
pub(crate) struct Ready {
    pub(crate) utterance: String,
    pub(crate) shown: String,
}

/// What a page says when its episode has ended.
#[derive(Clone, Deserialize)]
pub(crate) struct Done {
    pub(crate) raw: f64,
    /// Epoch milliseconds.
    pub(crate) at: f64,
}

#[derive(Default)]
struct Said {
    ready: Option<Ready>,
    done: Option<Done>,
}

/// The ear for one episode.
pub(crate) struct Told(watch::Receiver<Said>);

impl Told {
    pub(crate) async fn ready(&mut self, within: Duration) -> Result<Ready> {
        let said = tokio::time::timeout(within, self.0.wait_for(|said| said.ready.is_some()));
        said.await??.ready.clone().context("nothing said")
    }

    pub(crate) async fn done(&mut self, within: Duration) -> Result<Done> {
        let said = tokio::time::timeout(within, self.0.wait_for(|said| said.done.is_some()));
        said.await??.done.clone().context("nothing said")
    }
}

struct Shared {
    pages: PathBuf,
    episodes: Mutex<HashMap<u64, watch::Sender<Said>>>,
}

/// The server.
pub(crate) struct Site {
    shared: Arc<Shared>,
    next: AtomicU64,
    pub(crate) at: SocketAddr,
    pub(crate) ca: PathBuf,
    _folder: tempfile::TempDir,
}

impl Site {
    pub(crate) async fn serve(pages: PathBuf) -> Result<Self> {
        let shared = Arc::new(Shared { pages, episodes: Mutex::default() });
        let (acceptor, pem) = certificate()?;
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let at = listener.local_addr()?;
        let app = Router::new()
            .route("/tell/{episode}/{what}", post(told))
            .route("/{*path}", get(page))
            .with_state(Arc::clone(&shared));
        tokio::spawn(async move { axum::serve(Tls { listener, acceptor }, app).await });
        let folder = tempfile::tempdir()?;
        let ca = folder.path().join("ca.pem");
        std::fs::write(&ca, pem)?;
        Ok(Self { shared, next: AtomicU64::new(1), at, ca, _folder: folder })
    }

    /// The address of a fresh episode, and the ear for it.
    pub(crate) fn episode(&self, task: &str, seed: u64, hostile: &str) -> (String, Told) {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let (tell, told) = watch::channel(Said::default());
        let mut episodes = self.shared.episodes.lock().unwrap_or_else(PoisonError::into_inner);
        episodes.retain(|_, tell| tell.receiver_count() > 0);
        episodes.insert(number, tell);
        let url = format!(
            "https://{HOST}/miniwob/{task}.html?wob_episode={number}&wob_seed={seed}&wob_hostile={hostile}"
        );
        (url, Told(told))
    }
}

async fn told(
    State(shared): State<Arc<Shared>>,
    extract::Path((episode, what)): extract::Path<(u64, String)>,
    body: Bytes,
) -> StatusCode {
    let episodes = shared.episodes.lock().unwrap_or_else(PoisonError::into_inner);
    let Some(tell) = episodes.get(&episode) else { return StatusCode::GONE };
    match what.as_str() {
        "ready" => match serde_json::from_slice(&body) {
            Ok(ready) => tell.send_modify(|said| said.ready = Some(ready)),
            Err(_) => return StatusCode::BAD_REQUEST,
        },
        _ => match serde_json::from_slice(&body) {
            Ok(done) => tell.send_modify(|said| said.done = Some(done)),
            Err(_) => return StatusCode::BAD_REQUEST,
        },
    }
    StatusCode::NO_CONTENT
}

async fn page(
    State(shared): State<Arc<Shared>>,
    extract::Path(path): extract::Path<String>,
) -> Response {
    if path.split('/').any(|part| part.starts_with('.')) {
        return StatusCode::NOT_FOUND.into_response();
    }
    let Ok(bytes) = tokio::fs::read(shared.pages.join(&path)).await else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let ending = Path::new(&path).extension().and_then(|ending| ending.to_str()).unwrap_or("");
    let kind = match ending {
        "html" => "text/html; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "png" => "image/png",
        "gif" => "image/gif",
        "svg" => "image/svg+xml",
        _ => "application/octet-stream",
    };
    let body = if ending == "html" {
        let html = String::from_utf8_lossy(&bytes);
        html.replacen("<head>", &format!("<head><script>{PAGE}</script>"), 1).into_bytes()
    } else {
        bytes
    };
    ([(header::CONTENT_TYPE, kind)], body).into_response()
}

fn certificate() -> Result<(TlsAcceptor, String)> {
    let mut params = rcgen::CertificateParams::new(Vec::new())?;
    params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    params.distinguished_name.push(rcgen::DnType::CommonName, "Benchmark Authority");
    let key = rcgen::KeyPair::generate()?;
    let ca = params.self_signed(&key)?;
    let issuer = rcgen::Issuer::new(params, key);
    let key = rcgen::KeyPair::generate()?;
    let cert = rcgen::CertificateParams::new(vec![HOST.to_owned()])?.signed_by(&key, &issuer)?;
    let key = rustls::pki_types::PrivateKeyDer::try_from(key.serialize_der())
        .map_err(anyhow::Error::msg)?;
    let config = rustls::ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(vec![cert.der().clone()], key)?;
    Ok((TlsAcceptor::from(Arc::new(config)), ca.pem()))
}

struct Tls {
    listener: TcpListener,
    acceptor: TlsAcceptor,
}

impl axum::serve::Listener for Tls {
    type Io = TlsStream<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        loop {
            if let Ok((socket, from)) = self.listener.accept().await
                && let Ok(()) = socket.set_nodelay(true)
                && let Ok(tls) = self.acceptor.accept(socket).await
            {
                return (tls, from);
            }
        }
    }

    fn local_addr(&self) -> std::io::Result<Self::Addr> {
        self.listener.local_addr()
    }
}
