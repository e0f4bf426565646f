//! What every call to a portal goes through: who it is, which logical step it belongs to, which faults fire, and that
//! the record is on disk before the answer leaves. Faults that concern only the transport are carried out here.

use std::{sync::Arc, time::Duration};

use axum::{
    body::{Body, Bytes},
    extract::{Request, State},
    http::{HeaderMap, Method, StatusCode, Uri, header},
    middleware::Next,
    response::Response,
};
use futures_util::stream;

use super::{
    Skin,
    accounts::PortalSession,
    faults::{Asked, Fired, Place},
    html, planted,
    sim::Sim,
    tls::{Conn, Cut},
};
use crate::ledger::Entry;

/// The logical step a call belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// Name as in the documents (`login`, `w2`, `submit`).
    pub name: &'static str,
    /// What kind of call it is.
    pub kind: StepKind,
}

/// Kinds of calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StepKind {
    /// Styles, scripts, pulses: neither activity nor a place for faults.
    Passive,
    /// Reading or drafting.
    Read,
    /// May have an effect at the payer: its handler carries out the write faults.
    Write,
}

impl Step {
    /// A passive call.
    pub const PASSIVE: Step = Step { name: "", kind: StepKind::Passive };

    /// A reading or drafting call.
    pub const fn read(name: &'static str) -> Step {
        Step { name, kind: StepKind::Read }
    }

    /// A writing call.
    pub const fn write(name: &'static str) -> Step {
        Step { name, kind: StepKind::Write }
    }
}

/// How calls to one host of a payer are understood.
#[derive(Clone)]
pub struct Rules {
    /// The payer.
    pub sim: Arc<Sim>,
    /// Short name of the host in routes (`hub`).
    pub host: &'static str,
    /// Where the secret value of the portal session is.
    pub token_of: fn(&HeaderMap, &Uri) -> Option<String>,
    /// Which step a call belongs to.
    pub step_of: fn(&Method, &Uri) -> Step,
    /// The maintenance page.
    pub maintenance: fn() -> String,
}

/// One call to a portal, as handlers and the ledger see it.
#[derive(Clone, Debug)]
pub struct Call {
    /// The connection it came on.
    pub conn: Conn,
    /// The HTTP/2 stream.
    pub h2_stream: Option<u64>,
    /// `POST apps api/service-reviews`.
    pub route: String,
    /// The portal session as it was when the call came in.
    pub session: Option<PortalSession>,
    /// Why the portal session it names is over, if it is.
    pub ended: Option<&'static str>,
    /// Faults that fire for it.
    pub fired: Vec<Fired>,
    step: &'static str,
    asked: Arc<Asked>,
}

impl Call {
    /// Does a fault of this name fire?
    pub fn fires(&self, does: &'static str) -> bool {
        self.fault(does).is_some()
    }

    /// The fault of this name, if it fires.
    pub fn fault(&self, does: &'static str) -> Option<&Fired> {
        if !self.step.is_empty() {
            self.asked.note(does, self.step);
        }
        self.fired.iter().find(|fired| fired.does == does)
    }

    /// Looks up faults once more, now that the message itself has told the step: an address takes several.
    pub fn at_step(&mut self, sim: &Sim, step: &'static str, account: &str) {
        let (route, now) = (self.route.clone(), sim.now());
        let place = Place { step, route: &route, account: Some(account), member: None, now };
        self.step = step;
        for fired in sim.faults.fire(&place) {
            let entry = Entry::new("fault_fired")
                .with("fault", fired.id.as_str())
                .with("do", fired.does.as_str())
                .with("step", step);
            sim.note(self, entry);
            self.fired.push(fired);
        }
    }

    /// The account signed in.
    pub fn account(&self) -> Option<&str> {
        self.session.as_ref().map(|session| session.account.id.as_str())
    }

    /// The rendering of pages this call is answered with.
    pub fn skin(&self, sim: &Sim) -> Skin {
        let session = self.session.as_ref();
        session.map_or_else(|| sim.sessions.skin_before_sign_in(), |session| session.skin)
    }

    /// Adds who, where and how to a ledger entry.
    pub fn stamp(&self, entry: Entry, skin: Skin) -> Entry {
        let session = self.session.as_ref();
        let entry = entry
            .with("skin", skin.name())
            .with("channel", "portal")
            .with("conn", self.conn.id)
            .with("h2_stream", self.h2_stream)
            .with("route", self.route.as_str());
        match session {
            Some(session) => entry
                .with("account", session.account.id.as_str())
                .with("portal_session", session.id.as_str())
                .with("origin", session.account.origin.as_str()),
            None => entry,
        }
    }

    /// Cuts the connection after everything noted is on disk. Never returns: the call is dropped with its connection.
    pub async fn cut(&self, sim: &Sim, how: Cut) -> Response {
        sim.flush().await;
        self.conn.cut(how);
        std::future::pending().await
    }

    /// Never answers; ends with the connection.
    pub async fn hang(&self, sim: &Sim) -> Response {
        sim.flush().await;
        std::future::pending().await
    }
}

/// Takes a call in, carries out transport faults, and lets the answer leave only when the record is on disk.
pub async fn take(State(rules): State<Rules>, mut request: Request, next: Next) -> Response {
    let sim = Arc::clone(&rules.sim);
    let Some(conn) = request.extensions().get::<Conn>().cloned() else {
        return html::page(StatusCode::INTERNAL_SERVER_ERROR, String::new());
    };
    sim.run_due();
    sim.sweep_sessions();
    let step = (rules.step_of)(request.method(), request.uri());
    let token = (rules.token_of)(request.headers(), request.uri());
    let path = request.uri().path().trim_start_matches('/');
    let route = format!("{} {} {}", request.method(), rules.host, path);
    let session = token.as_deref().and_then(|token| sim.sessions.get(token));
    let ended = token.as_deref().and_then(|token| sim.sessions.ended(token));
    let h2_stream = conn.next_stream();
    let asked = Arc::clone(&sim.faults.asked);
    let mut call =
        Call { conn, h2_stream, route, session, ended, fired: Vec::new(), step: step.name, asked };
    if step.kind != StepKind::Passive {
        arrive(&sim, &mut call, step, token.as_deref());
    }
    if let Some(statement) = planted::statement(request.uri().path()) {
        return statement;
    }
    if let Some(response) = before(&rules, &call, step).await {
        sim.flush().await;
        return response;
    }
    request.extensions_mut().insert(call.clone());
    let response = next.run(request).await;
    sim.flush().await;
    after(&call, step, response).await
}

/// Looks up faults, ends the portal session where one says so, and counts the activity.
fn arrive(sim: &Sim, call: &mut Call, step: Step, token: Option<&str>) {
    let place = Place {
        step: step.name,
        route: &call.route,
        account: call.session.as_ref().map(|session| session.account.id.as_str()),
        member: call.session.as_ref().and_then(|session| session.member.as_deref()),
        now: sim.now(),
    };
    let fired = sim.faults.fire(&place);
    for fault in &fired {
        let entry = Entry::new("fault_fired")
            .with("fault", fault.id.as_str())
            .with("do", fault.does.as_str())
            .with("step", step.name);
        sim.note(call, entry);
    }
    call.fired = fired;
    let Some(token) = token else { return };
    let why = ["session-expired", "displaced-by-second-login"];
    let why = why.into_iter().find(|does| call.fires(does));
    if let Some(why) = why {
        sim.end_session(token, why);
        call.session = None;
        call.ended = sim.sessions.ended(token);
    }
    let now = sim.now();
    sim.sessions.change(token, |session| session.active_at = now);
}

/// Carries out faults that answer instead of the handler.
async fn before(rules: &Rules, call: &Call, step: Step) -> Option<Response> {
    if let Some(fault) = call.fault("slow") {
        let ms = fault.argument.unwrap_or(8000);
        tokio::time::sleep(Duration::from_millis(ms)).await;
    }
    if call.fires("maintenance-200") {
        return Some(html::page(StatusCode::OK, (rules.maintenance)()));
    }
    if call.fires("redirect-away") {
        return Some(html::redirect(StatusCode::FOUND, "https://elsewhere.test/"));
    }
    if step.kind != StepKind::Read {
        return None;
    }
    for (does, status) in [("500", 500), ("502", 502), ("503", 503)] {
        if call.fires(does) {
            let status = StatusCode::from_u16(status).unwrap_or_default();
            return Some(html::page(status, server_error(status)));
        }
    }
    if call.fires("cut-on-read") {
        return Some(call.cut(&rules.sim, Cut::Reset).await);
    }
    if call.fires("never-answers") {
        return Some(call.hang(&rules.sim).await);
    }
    None
}

fn server_error(status: StatusCode) -> String {
    format!(
        "<!doctype html><html lang=\"en\"><head><title>{status}</title></head>\
         <body><h1>{status}</h1><p>The server could not complete the request.</p></body></html>"
    )
}

/// Carries out faults that spoil the answer on its way.
async fn after(call: &Call, step: Step, response: Response) -> Response {
    if step.kind == StepKind::Passive {
        return response;
    }
    let response = planted::plant(call, response).await;
    if step.kind == StepKind::Read && call.fires("half-a-page") {
        return half(call, response).await;
    }
    if call.fires("drip") { drip(response).await } else { response }
}

/// Sends the first half of an answer that promises to be whole, then cuts the connection.
pub async fn half(call: &Call, response: Response) -> Response {
    let (mut parts, body) = response.into_parts();
    let bytes = axum::body::to_bytes(body, usize::MAX).await.unwrap_or_default();
    parts.headers.insert(header::CONTENT_LENGTH, bytes.len().into());
    let first = bytes.slice(..bytes.len() / 2);
    let conn = call.conn.clone();
    let pieces = stream::unfold(Some(first), move |left| {
        let conn = conn.clone();
        async move {
            if let Some(piece) = left {
                return Some((Ok::<Bytes, std::io::Error>(piece), None));
            }
            // The first piece is on its way only when the writer asks for the next; give it that chance, then cut.
            tokio::time::sleep(Duration::from_millis(30)).await;
            conn.cut(Cut::Close);
            std::future::pending().await
        }
    });
    Response::from_parts(parts, Body::from_stream(pieces))
}

async fn drip(response: Response) -> Response {
    let (parts, body) = response.into_parts();
    let bytes = axum::body::to_bytes(body, usize::MAX).await.unwrap_or_default();
    // About two seconds in all, however long the answer is.
    let size = (bytes.len() / 200).max(1);
    let pieces = stream::unfold(bytes, move |mut left| async move {
        if left.is_empty() {
            return None;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
        let piece = left.split_to(size.min(left.len()));
        Some((Ok::<Bytes, std::io::Error>(piece), left))
    });
    Response::from_parts(parts, Body::from_stream(pieces))
}

/// How a writing call goes wrong, if it does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WriteMode {
    /// As it should.
    Plain,
    /// Connection reset, nothing recorded.
    CutBefore,
    /// 502, nothing recorded.
    ErrorBefore,
    /// Recorded, then 502.
    ErrorAfter,
    /// Recorded, then connection reset.
    CutAfter,
    /// Recorded, then connection closed without a byte.
    CloseAfter,
    /// Recorded, then 408.
    TimeoutAfter,
    /// Recorded; the confirmation is cut off before the number.
    Half,
    /// "Try later", recorded so many simulated seconds afterwards.
    Late(u64),
    /// Recorded, never answered.
    Never,
    /// Recorded, but a validation-like error is shown.
    ErrorShown,
    /// Recorded, but the confirmation shows the previous request's number.
    StaleNumber,
}

/// The ways by what faults call them.
const MODES: [(&str, WriteMode); 11] = [
    ("cut-before-record", WriteMode::CutBefore),
    ("502-before-record", WriteMode::ErrorBefore),
    ("502-after-record", WriteMode::ErrorAfter),
    ("cut-after-record", WriteMode::CutAfter),
    ("kept-alive-closed", WriteMode::CloseAfter),
    ("408", WriteMode::TimeoutAfter),
    ("half-a-page", WriteMode::Half),
    ("records-late", WriteMode::Late(120)),
    ("never-answers", WriteMode::Never),
    ("error-shown-but-recorded", WriteMode::ErrorShown),
    ("stale-number", WriteMode::StaleNumber),
];

impl WriteMode {
    /// The mode the fired faults ask for.
    pub fn of(call: &Call) -> WriteMode {
        let found = MODES.iter().find_map(|(does, mode)| Some((call.fault(does)?, *mode)));
        match found {
            Some((fired, WriteMode::Late(usual))) => {
                WriteMode::Late(fired.argument.unwrap_or(usual))
            }
            Some((_, mode)) => mode,
            None => WriteMode::Plain,
        }
    }

    /// Name in the ledger; empty for a plain write.
    pub fn name(self) -> &'static str {
        let same = |mode: WriteMode| std::mem::discriminant(&mode) == std::mem::discriminant(&self);
        MODES.iter().find(|(_, mode)| same(*mode)).map_or("", |(does, _)| does)
    }

    /// What the client can have seen of a recorded write: `full`, `partial` or `not_sent`.
    pub fn answered(self) -> &'static str {
        match self {
            WriteMode::Plain | WriteMode::StaleNumber => "full",
            WriteMode::Half => "partial",
            _ => "not_sent",
        }
    }
}

/// The value of a cookie.
pub fn cookie(headers: &HeaderMap, name: &str) -> Option<String> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(key, _)| *key == name)
        .map(|(_, value)| value.to_owned())
}
