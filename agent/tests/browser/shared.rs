//! One runtime, one browser and one server of small pages for the whole binary.

use agent::browser::{
    Attempted, Browser, Context, Deadline, GateProgram, LaunchConfig, NotDone, Page,
    Query as Finder, Tries, Unobserved, Why,
};
use axum::Router;
use axum::extract::{Path, Query};
use axum::http::header;
use axum::response::{Html, IntoResponse, Redirect};
use axum::routing::{get, post};
use std::collections::HashMap;
use std::future::Future;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::OnceLock;
use std::time::Duration;
use tokio::runtime::Runtime;
use tokio::sync::OnceCell;

/// The deadline of things that must work: generous, since it only costs time where something is broken.
pub(crate) fn soon() -> Deadline {
    Deadline::within(SOON)
}

/// How long things that must work may take on a busy machine.
pub(crate) const SOON: Duration = Duration::from_secs(40);

/// How long is watched that something does *not* happen. Never the deadline of something that must: see [`refused`].
pub(crate) fn briefly() -> Deadline {
    Deadline::within(Duration::from_millis(700))
}

/// Waits for a state of the page or of the test; looks whenever the page changes and every 20 ms.
pub(crate) async fn until<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let deadline = soon();
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(!deadline.passed(), "waited in vain: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Tries until it is done.
pub(crate) async fn done<T>(mut once: impl AsyncFnMut(u32) -> Attempted<T>) -> T {
    let mut tries = Tries::until(soon());
    loop {
        let tried = once(tries.count()).await;
        match tries.next(tried).await {
            Ok(Some(t)) => return t,
            Ok(None) => {}
            Err(end) => panic!("{end}"),
        }
    }
}

/// Tries something that must never work until it gives the wanted reason.
pub(crate) async fn waits<T: std::fmt::Debug>(
    mut once: impl AsyncFnMut(u32) -> Attempted<T>,
    wanted: impl Fn(&Why) -> bool,
) {
    let mut tries = Tries::until(soon());
    loop {
        match once(tries.count()).await {
            Attempted::Wait(why) if wanted(&why) => return,
            Attempted::Wait(why) => tries.wait(why).await.unwrap(),
            other => panic!("{other:?}"),
        }
    }
}

/// Asks for something that must never work, with longer and longer deadlines, until it gives up for the wanted reason: how many
/// tries fit into a deadline says nothing about the page.
pub(crate) async fn refused<T: std::fmt::Debug>(
    act: impl AsyncFn(Deadline) -> Result<T, NotDone>,
    wanted: impl Fn(&NotDone) -> bool,
) -> NotDone {
    let end = soon();
    let mut round = Duration::from_millis(500);
    loop {
        let why = act(Deadline::within(round)).await.unwrap_err();
        if wanted(&why) {
            return why;
        }
        assert!(!end.passed(), "refused for another reason: {why}");
        round *= 2;
    }
}

/// Clicks without waiting for what the click begins (while the gate is armed a navigation cannot end).
pub(crate) async fn press(page: &Page, query: &Finder) {
    done(async |n| match page.one(query).await {
        Attempted::Done(found) => page.try_click(&found.stands_for, n, &mut Unobserved).await,
        Attempted::Wait(why) => Attempted::Wait(why),
        Attempted::Stop(stop) => Attempted::Stop(stop),
    })
    .await;
}

fn runtime() -> &'static Runtime {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| {
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
    })
}

/// Runs one test on the shared runtime.
pub(crate) fn run(test: impl Future<Output = ()>) {
    runtime().block_on(async {
        tokio::time::timeout(Duration::from_secs(240), test).await.expect("a test may take 240 s");
    });
}

/// Where private folders of test browsers go; readable for the browser's user.
pub(crate) fn profile_root() -> PathBuf {
    let root = std::env::temp_dir().join("fleet-browser-tests");
    std::fs::create_dir_all(&root).unwrap();
    root
}

/// The gate of the program that was built beside this test.
pub(crate) fn gate_program(lines: Option<PathBuf>) -> GateProgram {
    GateProgram { program: env!("CARGO_BIN_EXE_agent").into(), lines }
}

/// A launch configuration that only knows our server, under the names of four portals.
pub(crate) async fn config() -> LaunchConfig {
    let at = server().await;
    let hosts = ["a.test", "b.test", "c.test", "pay.a.test"];
    LaunchConfig {
        profile_root: Some(profile_root()),
        host_rules: hosts.iter().map(|h| ((*h).to_owned(), at)).collect(),
        only_listed_hosts: true,
        ..LaunchConfig::default()
    }
}

/// The shared browser.
pub(crate) async fn browser() -> &'static Browser {
    static BROWSER: OnceCell<Browser> = OnceCell::const_new();
    BROWSER.get_or_init(|| async { Browser::launch(config().await).await.unwrap() }).await
}

/// A fresh context with one page.
pub(crate) async fn slot() -> (Context, Page) {
    let context = browser().await.new_context().await.unwrap();
    let page = context.new_page().await.unwrap();
    (context, page)
}

/// A fresh context showing this body (served from `a.test`).
pub(crate) async fn showing(body: &str) -> (Context, Page) {
    let (context, page) = slot().await;
    show(&page, body).await;
    (context, page)
}

/// Shows a body on a page.
pub(crate) async fn show(page: &Page, body: &str) {
    let url = at("a.test", body).await;
    let there = page.navigate(&url, SOON).await.unwrap();
    assert_eq!(there.status, Some(200));
}

/// Keeps a body and gives the address that serves it.
pub(crate) async fn at(host: &str, body: &str) -> String {
    use std::hash::{DefaultHasher, Hash, Hasher};
    let mut hasher = DefaultHasher::new();
    body.hash(&mut hasher);
    let key = format!("{:016x}", hasher.finish());
    bodies().lock().unwrap().insert(key.clone(), body.to_owned());
    server().await;
    format!("http://{host}/page/{key}")
}

fn bodies() -> &'static std::sync::Mutex<HashMap<String, String>> {
    static BODIES: OnceLock<std::sync::Mutex<HashMap<String, String>>> = OnceLock::new();
    BODIES.get_or_init(std::sync::Mutex::default)
}

/// Posts and some other calls received, as `path body`.
pub(crate) fn posts() -> &'static std::sync::Mutex<Vec<String>> {
    static POSTS: OnceLock<std::sync::Mutex<Vec<String>>> = OnceLock::new();
    POSTS.get_or_init(std::sync::Mutex::default)
}

async fn server() -> SocketAddr {
    static AT: OnceCell<SocketAddr> = OnceCell::const_new();
    *AT.get_or_init(|| async {
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let at = listener.local_addr().unwrap();
        tokio::spawn(async move { axum::serve(listener, pages()).await.unwrap() });
        at
    })
    .await
}

fn pages() -> Router {
    Router::new()
        .route("/page/{key}", get(|Path(key): Path<String>| async move {
            let body = bodies().lock().unwrap().get(&key).cloned().unwrap_or_default();
            // A whole document is served as it is.
            if body.starts_with("<!") { Html(body) } else { Html(format!("<!DOCTYPE html><title>t</title><body>{body}")) }
        }))
        .route("/status/{code}", get(|Path(code): Path<u16>| async move {
            (axum::http::StatusCode::from_u16(code).unwrap(), Html("<h1>status</h1>"))
        }))
        .route("/empty/{code}", get(|Path(code): Path<u16>| async move { axum::http::StatusCode::from_u16(code).unwrap() }))
        .route("/slow/{ms}", get(|Path(ms): Path<u64>| async move {
            posts().lock().unwrap().push(format!("slow {ms}"));
            // A slow server is what this route is for; nothing waits for it but the page.
            tokio::time::sleep(Duration::from_millis(ms)).await;
            Html("<title>slow</title><h1>slow page</h1>")
        }))
        .route("/submit/{name}", post(|Path(name): Path<String>, body: String| async move {
            posts().lock().unwrap().push(format!("{name} {body}"));
            Redirect::to("/done")
        }))
        .route("/loop", get(|| async { Redirect::to("/loop") }))
        .route("/done", get(|| async { Html("<title>done</title><h1>Done</h1>") }))
        .route("/other", get(|Query(q): Query<HashMap<String, String>>| async move {
            let of = |name: &str| q.get(name).cloned().unwrap_or_default();
            posts().lock().unwrap().push(format!("other {} {}", of("n"), of("i")));
            Html("<h1>other</h1>")
        }))
        .route("/file.csv", get(|| async {
            ([(header::CONTENT_TYPE, "text/csv"), (header::CONTENT_DISPOSITION, "attachment; filename=\"list.csv\"")], "a,b\n1,2\n")
        }))
        .route("/letter.pdf", get(|| async { ([(header::CONTENT_TYPE, "application/pdf")], "%PDF-1.4\n%fake\n").into_response() }))
        .route("/big.bin", get(|| async {
            ([(header::CONTENT_DISPOSITION, "attachment")], vec![0_u8; 26 << 20]).into_response()
        }))
        .route("/cookie", get(|| async { ([(header::SET_COOKIE, "session=tasty; Path=/")], Html("<h1>set</h1>")) }))
}
