//! Captured pages over http on loopback: each is served with the benchmark's own script before everything else and without the
//! page's scripts; style sheets come from the payer, which still runs. And what the pages tell.

use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use agent::browser::Page;
use anyhow::{Context as _, Result, bail};
use axum::{
    Router,
    body::Bytes,
    extract::{Path, State},
    http::StatusCode,
    response::{Html, IntoResponse, Response},
    routing::{get, post},
};
use regex::Regex;
use serde_json::{Value, json};
use tokio::{net::TcpListener, sync::watch};

/// The name the captured pages have.
pub(super) const HOST: &str = "captured.test";
const SCRIPT: &str = include_str!("../../../../tests/healing/page.js");
/// How long a page may take to be ready.
const READY: Duration = Duration::from_secs(30);

/// One document of a captured page.
struct Document {
    url: String,
    html: String,
    /// Position of the document it is a frame of, and its name there.
    parent: Option<usize>,
    name: String,
}

/// A page as it was seen, with all its frames.
pub(super) struct Captured {
    /// What the answer key calls it.
    pub(super) page: String,
    documents: Vec<Document>,
}

impl Captured {
    /// Takes a page as it is now.
    pub(super) async fn of(page: &Page, called: &str) -> Result<Self> {
        let frames = page.frames().await?;
        let htmls = page.html().await?;
        if frames.len() != htmls.len() {
            bail!("a frame of {called} went away meanwhile");
        }
        let at = |id: &String| frames.iter().position(|frame| frame.id == *id);
        let documents = frames.iter().zip(htmls).map(|(frame, (url, html))| Document {
            url,
            html,
            parent: frame.parent.as_ref().and_then(at),
            name: frame.name.clone(),
        });
        Ok(Self { page: called.to_owned(), documents: documents.collect() })
    }

    /// A document as it is served.
    fn served(&self, at: usize, number: u64, config: &Value) -> Option<String> {
        let document = self.documents.get(at)?;
        let children: Vec<(usize, &Document)> =
            self.documents.iter().enumerate().filter(|(_, d)| d.parent == Some(at)).collect();
        let pattern = |text: &str| Regex::new(text).ok();
        let mut html = document.html.clone();
        for gone in [
            r"(?is)<script\b[^>]*>.*?</script>",
            r"(?i)<meta\b[^>]*http-equiv[^>]*>",
            r"(?i)<base\b[^>]*>",
            r#"(?i)\son(load|unload|beforeunload|submit|focus|blur)="[^"]*""#,
        ] {
            html = pattern(gone)?.replace_all(&html, "").into_owned();
        }
        let (tag, src) =
            (pattern(r"(?i)<(i?frame)\b[^>]*>")?, pattern(r#"(?i)\s(src|srcdoc)="[^"]*""#)?);
        let mut nth = 0;
        html = tag
            .replace_all(&html, |found: &regex::Captures<'_>| {
                let own = children.iter().find(|(_, child)| {
                    !child.name.is_empty() && found[0].contains(&format!("name=\"{}\"", child.name))
                });
                let child = own.or_else(|| children.get(nth));
                nth += 1;
                let bare = src.replace_all(&found[0], "").into_owned();
                match child {
                    Some((child, _)) => bare.replacen(
                        &found[1],
                        &format!("{} src=\"http://{HOST}/shot/{number}/{child}\"", &found[1]),
                        1,
                    ),
                    None => bare,
                }
            })
            .into_owned();
        let script = if at == 0 {
            format!("<script>{}</script>", SCRIPT.replace("/*CONFIG*/null", &config.to_string()))
        } else {
            String::new()
        };
        let head = format!("<base href=\"{}\">{script}", document.url);
        let place = pattern(r"(?i)<head\b[^>]*>")?.find(&html).map_or(0, |head| head.end());
        html.insert_str(place, &head);
        Some(html)
    }
}

#[derive(Default)]
struct Said {
    ready: Option<Value>,
    shown: bool,
    failed: Option<String>,
}

struct Shot {
    captured: Arc<Captured>,
    config: Value,
    said: watch::Sender<Said>,
    go: watch::Sender<bool>,
}

#[derive(Default)]
struct Shared {
    shots: Mutex<HashMap<u64, Shot>>,
}

impl Shared {
    fn with<T>(&self, number: u64, what: impl FnOnce(&Shot) -> T) -> Option<T> {
        self.shots.lock().unwrap_or_else(PoisonError::into_inner).get(&number).map(what)
    }
}

/// The server.
pub(super) struct Server {
    shared: Arc<Shared>,
    next: AtomicU64,
    pub(super) at: SocketAddr,
}

/// One changed page that is being looked at.
pub(super) struct Told {
    shared: Arc<Shared>,
    number: u64,
    said: watch::Receiver<Said>,
    pub(super) url: String,
}

impl Server {
    pub(super) async fn start() -> Result<Self> {
        let shared = Arc::new(Shared::default());
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let at = listener.local_addr()?;
        let app = Router::new()
            .route("/shot/{number}/{document}", get(shot))
            .route("/tell/{number}/{what}", post(told))
            .route("/wait/{number}", get(wait))
            .with_state(Arc::clone(&shared));
        tokio::spawn(async move { axum::serve(listener, app).await });
        Ok(Self { shared, next: AtomicU64::new(1), at })
    }

    /// A page to open, changed as the settings say.
    pub(super) fn show(&self, captured: &Arc<Captured>, mut config: Value) -> Told {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        config["number"] = json!(number);
        let (said, hear) = watch::channel(Said::default());
        let (go, _) = watch::channel(false);
        let shot = Shot { captured: Arc::clone(captured), config, said, go };
        self.shared.shots.lock().unwrap_or_else(PoisonError::into_inner).insert(number, shot);
        let url = format!("http://{HOST}/shot/{number}/0");
        Told { shared: Arc::clone(&self.shared), number, said: hear, url }
    }
}

impl Told {
    /// What the page says once it is changed.
    pub(super) async fn ready(&mut self) -> Result<Value> {
        let heard = |said: &Said| said.ready.is_some() || said.failed.is_some();
        let said = tokio::time::timeout(READY, self.said.wait_for(heard)).await??;
        if let Some(why) = &said.failed {
            bail!("the page's script failed: {why}");
        }
        said.ready.clone().context("nothing said")
    }

    /// Lets the page mark which nodes were meant.
    pub(super) async fn reveal(&mut self) -> Result<()> {
        self.shared.with(self.number, |shot| shot.go.send_replace(true));
        tokio::time::timeout(READY, self.said.wait_for(|said| said.shown)).await??;
        Ok(())
    }
}

impl Drop for Told {
    fn drop(&mut self) {
        let mut shots = self.shared.shots.lock().unwrap_or_else(PoisonError::into_inner);
        shots.remove(&self.number);
    }
}

async fn shot(
    State(shared): State<Arc<Shared>>,
    Path((number, at)): Path<(u64, usize)>,
) -> Response {
    let shown =
        shared.with(number, |shot| shot.captured.served(at, number, &shot.config)).flatten();
    match shown {
        Some(html) => Html(html).into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

async fn told(
    State(shared): State<Arc<Shared>>,
    Path((number, what)): Path<(u64, String)>,
    body: Bytes,
) -> StatusCode {
    let heard = shared.with(number, |shot| match what.as_str() {
        "ready" => {
            let said = serde_json::from_slice(&body).unwrap_or_default();
            shot.said.send_modify(|all| all.ready = Some(said));
        }
        "shown" => shot.said.send_modify(|all| all.shown = true),
        _ => {
            let why = String::from_utf8_lossy(&body).into_owned();
            shot.said.send_modify(|all| all.failed = Some(why));
        }
    });
    if heard.is_some() { StatusCode::NO_CONTENT } else { StatusCode::GONE }
}

/// Answers when the harness has its answers.
async fn wait(State(shared): State<Arc<Shared>>, Path(number): Path<u64>) -> StatusCode {
    let Some(mut go) = shared.with(number, |shot| shot.go.subscribe()) else {
        return StatusCode::GONE;
    };
    // A page that is left meanwhile waits for nothing.
    let _gone = go.wait_for(|go| *go).await;
    StatusCode::NO_CONTENT
}
