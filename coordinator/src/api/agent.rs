//! `/v1/agent/…`: what agents call (types and rules in `domain::wire`). Each handler passes the call to one decision; the fence in
//! the call decides, not the connection.

use std::{sync::Arc, time::Duration};

use axum::{
    Json,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use domain::{
    id::{DocumentId, EvidenceId},
    wire::{
        Bye, EvidencePut, Fenced, Heartbeat, HeartbeatReply, Hello, LeaseAsk, Leases, LoginAsk,
        NotClicked, NotSent, PROTOCOL, PermitAsk, PermitReply, Release, Report, ScriptFiles,
        SecretAsk, SecretReply, SpoolKeyAsk, StepsReport, Welcome, refusal,
    },
};
use tokio::time::Instant;

use super::{
    error::{Problem, Reply},
    input::{Body, Id, Protocol, Query, Raw},
};
use crate::{
    App,
    access::AgentCall,
    flow::{
        agents, certificate, code, evidence, heartbeat, lease, login, permit, report, secret, steps,
    },
    live::Topic,
    mark::Place,
    store::scripts,
};

/// Longest wait of a long poll.
const WAIT_MAX_MS: u64 = 30_000;
/// A long poll looks again after this time even when it was told nothing: telling is only a hint.
const LOOK_AGAIN: Duration = Duration::from_secs(2);

/// Longest wait for a code before the agent asks again.
const SECRET_WAIT: Duration = Duration::from_secs(25);
/// Between two looks into a mailbox.
const MAIL_AGAIN: Duration = Duration::from_secs(1);

/// An agent begins.
#[utoipa::path(post, path = "/v1/agent/hello", tag = "agents", request_body = ref("#/components/schemas/Hello"),
    responses((status = 200, description = "Welcome: the agent's id, lease length, heartbeat period", body = ref("#/components/schemas/Welcome")), (status = "4XX", description = "Refused", body = Problem, content_type = "application/problem+json")))]
pub async fn hello(
    State(app): State<Arc<App>>,
    _: AgentCall,
    protocol: Protocol,
    Body(hello): Body<Hello>,
) -> Reply<Json<Welcome>> {
    protocol.check()?;
    Ok(Json(agents::hello(&app.core, &hello, app.now()).await?))
}

/// A long poll for up to `max` jobs.
#[utoipa::path(post, path = "/v1/agent/lease", tag = "agents", request_body = ref("#/components/schemas/LeaseAsk"),
    responses((status = 200, description = "Leases; may be empty", body = ref("#/components/schemas/Leases")), (status = "4XX", description = "Refused", body = Problem, content_type = "application/problem+json")))]
pub async fn lease(
    State(app): State<Arc<App>>,
    _: AgentCall,
    Body(ask): Body<LeaseAsk>,
) -> Reply<Json<Leases>> {
    let until = Instant::now() + Duration::from_millis(ask.wait_ms.min(WAIT_MAX_MS));
    // Interest is registered before the first look: what becomes ready in between is heard.
    let mut heard = app.store().live.listen();
    loop {
        let leases = lease::lease_next(&app.core, &ask, app.now()).await?;
        if !leases.is_empty() || Instant::now() >= until {
            return Ok(Json(Leases { leases }));
        }
        let next_look = until.min(Instant::now() + LOOK_AGAIN);
        let ready = async { while heard.recv().await.is_ok_and(|t| t != Topic::Ready) {} };
        tokio::select! {
            () = ready => {}
            () = tokio::time::sleep_until(next_look) => {}
            () = app.ended() => return Ok(Json(Leases { leases: Vec::new() })),
        }
    }
}

/// Sign of life; extends leases.
#[utoipa::path(post, path = "/v1/agent/heartbeat", tag = "agents", request_body = ref("#/components/schemas/Heartbeat"),
    responses((status = 200, description = "An order for each lease", body = ref("#/components/schemas/HeartbeatReply")), (status = "4XX", description = "Refused", body = Problem, content_type = "application/problem+json")))]
pub async fn beat(
    State(app): State<Arc<App>>,
    _: AgentCall,
    Body(beat): Body<Heartbeat>,
) -> Reply<Json<HeartbeatReply>> {
    Ok(Json(heartbeat::heartbeat(&app.core, &beat, app.now()).await?))
}

/// The files of a pinned script bundle.
#[utoipa::path(get, path = "/v1/agent/scripts/{sha256}", tag = "agents", params(("sha256" = String, Path, description = "Hash of the bundle")),
    responses((status = 200, description = "The files", body = ref("#/components/schemas/ScriptFiles")), (status = "4XX", description = "Refused", body = Problem, content_type = "application/problem+json")))]
pub async fn script(
    State(app): State<Arc<App>>,
    _: AgentCall,
    Id(sha256): Id<String>,
) -> Reply<Json<ScriptFiles>> {
    let known = scripts::get(app.store(), &sha256).await?;
    Ok(Json(ScriptFiles { script: known.script, sha256, files: known.files }))
}

/// The bytes of a document, only under a live lease of its case.
#[utoipa::path(get, path = "/v1/agent/documents/{id}", tag = "agents",
    params(("id" = String, Path, description = "Document id"), ("agent" = String, Query), ("job" = String, Query), ("lease" = String, Query), ("fence" = i64, Query)),
    responses((status = 200, description = "The bytes", body = Vec<u8>, content_type = "application/octet-stream"), (status = "4XX", description = "Refused", body = Problem, content_type = "application/problem+json")))]
pub async fn document(
    State(app): State<Arc<App>>,
    _: AgentCall,
    Id(id): Id<DocumentId>,
    Query(fenced): Query<Fenced>,
) -> Reply<Response> {
    let (_, bytes) = evidence::document_for_lease(&app.core, &fenced, id, app.now()).await?;
    Ok(([(header::CONTENT_TYPE, "application/octet-stream")], bytes).into_response())
}

/// Steps begun or ended.
#[utoipa::path(post, path = "/v1/agent/steps", tag = "agents", request_body = ref("#/components/schemas/StepsReport"),
    responses((status = 204, description = "Written down"), (status = "4XX", description = "Refused", body = Problem, content_type = "application/problem+json")))]
pub async fn put_steps(
    State(app): State<Arc<App>>,
    _: AgentCall,
    Body(told): Body<StepsReport>,
) -> Reply<StatusCode> {
    steps::report_steps(&app.core, &told, app.now()).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Bytes of evidence; answered only when they are durable.
#[utoipa::path(put, path = "/v1/agent/evidence/{id}", tag = "agents", request_body(content = Vec<u8>, content_type = "application/octet-stream"),
    params(("id" = String, Path, description = "Evidence id"), ("agent" = String, Query), ("job" = String, Query), ("lease" = String, Query), ("fence" = i64, Query),
        ("attempt" = String, Query), ("step" = u32, Query), ("kind" = String, Query), ("moment" = String, Query), ("sha256" = String, Query), ("masked" = bool, Query),
        ("late" = Option<bool>, Query, description = "Kept by the agent while the coordinator could not be reached")),
    responses((status = 204, description = "Durable"), (status = "4XX", description = "Refused", body = Problem, content_type = "application/problem+json")))]
pub async fn put_evidence(
    State(app): State<Arc<App>>,
    _: AgentCall,
    Id(id): Id<EvidenceId>,
    Query(put): Query<EvidencePut>,
    Raw(bytes): Raw,
) -> Reply<StatusCode> {
    evidence::put_evidence(&app.core, id, &put, bytes, app.now()).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// One secret for one lease and one listed origin. A code that is not there yet is waited for a while; then the answer is `not-yet`,
/// and the agent asks again.
#[utoipa::path(post, path = "/v1/agent/secret", tag = "agents", request_body = ref("#/components/schemas/SecretAsk"),
    responses((status = 200, description = "The value", body = ref("#/components/schemas/SecretReply")), (status = "4XX", description = "Refused", body = Problem, content_type = "application/problem+json")))]
pub async fn release_secret(
    State(app): State<Arc<App>>,
    _: AgentCall,
    Body(ask): Body<SecretAsk>,
) -> Reply<Response> {
    let until = Instant::now() + SECRET_WAIT;
    // Interest is registered before the first look: what a person answers in between is heard.
    let mut heard = app.store().live.listen();
    let reply: SecretReply = loop {
        // Whatever was waited for, the fence is checked again then.
        let rest = match secret::release_secret(&app.core, &ask, app.now()).await? {
            secret::Released::Given(reply) => break reply,
            // Each one-time code is given out once: the next one comes with the next time step.
            secret::Released::Wait { ms } => {
                Duration::from_millis(ms.clamp(50, 30_000).unsigned_abs())
            }
            secret::Released::Mail(look) => match mailed(&app, &ask, &look).await? {
                Some(reply) => break reply,
                None => MAIL_AGAIN,
            },
            secret::Released::Person => LOOK_AGAIN,
        };
        if Instant::now() >= until {
            return Err(Problem::new(refusal::NOT_YET, "the code is not there yet; ask again"));
        }
        let answered = async { while heard.recv().await.is_ok_and(|t| t != Topic::Exceptions) {} };
        tokio::select! {
            () = answered => {}
            () = tokio::time::sleep(rest) => {}
            () = app.ended() => {
                return Err(Problem::new("unavailable", "the coordinator ends"));
            }
        }
    };
    Ok(([(header::CACHE_CONTROL, "no-store")], Json(reply)).into_response())
}

/// One look into a mailbox; the code, if it has come.
async fn mailed(app: &App, ask: &SecretAsk, look: &code::Look) -> Reply<Option<SecretReply>> {
    let Some(text) = app.post.read(&look.mailbox).await else { return Ok(None) };
    let Some((message, code)) = look.mailbox.newest(&text, look.since, &look.used) else {
        return Ok(None);
    };
    let found = (message.as_str(), code);
    match code::release_mailed(&app.core, ask, found, app.now()).await? {
        Some(secret::Released::Given(reply)) => Ok(Some(reply)),
        Some(_) | None => Ok(None),
    }
}

/// A login is about to be tried; counted before the act.
#[utoipa::path(post, path = "/v1/agent/login", tag = "agents", request_body = ref("#/components/schemas/LoginAsk"),
    responses((status = 204, description = "Go on"), (status = "4XX", description = "Refused", body = Problem, content_type = "application/problem+json")))]
pub async fn count_login(
    State(app): State<Arc<App>>,
    _: AgentCall,
    Body(ask): Body<LoginAsk>,
) -> Reply<StatusCode> {
    login::login(&app.core, &ask, app.now()).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The key of a lease whose report lies on an agent's disk.
#[utoipa::path(post, path = "/v1/agent/spool_key", tag = "agents", request_body = ref("#/components/schemas/SpoolKeyAsk"),
    responses((status = 200, description = "The key", body = ref("#/components/schemas/SpoolKey")), (status = "4XX", description = "Refused", body = Problem, content_type = "application/problem+json")))]
pub async fn spool_key(
    State(app): State<Arc<App>>,
    _: AgentCall,
    Body(ask): Body<SpoolKeyAsk>,
) -> Reply<Response> {
    let key = login::spool_key(&app.core, &ask, app.now()).await?;
    Ok(([(header::CACHE_CONTROL, "no-store")], Json(key)).into_response())
}

/// The portal took the login: it cannot lock the account any more.
#[utoipa::path(post, path = "/v1/agent/signed_in", tag = "agents", request_body = ref("#/components/schemas/LoginAsk"),
    responses((status = 204, description = "Written down"), (status = "4XX", description = "Refused", body = Problem, content_type = "application/problem+json")))]
pub async fn signed_in(
    State(app): State<Arc<App>>,
    _: AgentCall,
    Body(ask): Body<LoginAsk>,
) -> Reply<StatusCode> {
    login::signed_in(&app.core, &ask, app.now()).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Asks for the permit of a commit.
#[utoipa::path(post, path = "/v1/agent/intent", tag = "agents", request_body = ref("#/components/schemas/PermitAsk"),
    responses((status = 200, description = "`go`, `already` or `no`", body = ref("#/components/schemas/PermitReply")), (status = "4XX", description = "Refused", body = Problem, content_type = "application/problem+json")))]
pub async fn intent(
    State(app): State<Arc<App>>,
    _: AgentCall,
    Body(ask): Body<PermitAsk>,
) -> Reply<Json<PermitReply>> {
    let reply = permit::permit(&app.core, &ask, app.now()).await?;
    if matches!(reply, PermitReply::Go { .. }) {
        // Before it leaves: whatever is lost of the database from here on, a permit that was given shows that something is. Without
        // a durable mark it is not given; asked again by the same ask it is the same permit, as far as it still lives.
        Place::of(&app.config.data_dir).keep(&app.core).await?;
    }
    Ok(Json(reply))
}

/// The permit was not used.
#[utoipa::path(post, path = "/v1/agent/not_clicked", tag = "agents", request_body = ref("#/components/schemas/NotClicked"),
    responses((status = 204, description = "The intent is void"), (status = "4XX", description = "Refused", body = Problem, content_type = "application/problem+json")))]
pub async fn not_clicked(
    State(app): State<Arc<App>>,
    _: AgentCall,
    Body(told): Body<NotClicked>,
) -> Reply<StatusCode> {
    permit::not_clicked(&app.core, &told, app.now()).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The submit gate certified that nothing of a permit was sent.
#[utoipa::path(post, path = "/v1/agent/not_sent", tag = "agents", request_body = ref("#/components/schemas/NotSent"),
    responses((status = 204, description = "The intent is void"), (status = "4XX", description = "Refused", body = Problem, content_type = "application/problem+json")))]
pub async fn not_sent(
    State(app): State<Arc<App>>,
    _: AgentCall,
    Body(told): Body<NotSent>,
) -> Reply<StatusCode> {
    certificate::not_sent(&app.core, &told, app.now()).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The end of an attempt.
#[utoipa::path(post, path = "/v1/agent/report", tag = "agents", request_body = ref("#/components/schemas/Report"),
    responses((status = 204, description = "Written down"), (status = "4XX", description = "Refused", body = Problem, content_type = "application/problem+json")))]
pub async fn end(
    State(app): State<Arc<App>>,
    _: AgentCall,
    Body(told): Body<Report>,
) -> Reply<StatusCode> {
    report::report(&app.core, &told, app.now()).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Gives a lease back unworked.
#[utoipa::path(post, path = "/v1/agent/release", tag = "agents", request_body = ref("#/components/schemas/Release"),
    responses((status = 204, description = "Given back"), (status = "4XX", description = "Refused", body = Problem, content_type = "application/problem+json")))]
pub async fn release(
    State(app): State<Arc<App>>,
    _: AgentCall,
    Body(ask): Body<Release>,
) -> Reply<StatusCode> {
    report::release(&app.core, &ask, app.now()).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The agent ends.
#[utoipa::path(post, path = "/v1/agent/bye", tag = "agents", request_body = ref("#/components/schemas/Bye"),
    responses((status = 204, description = "Goodbye"), (status = "4XX", description = "Refused", body = Problem, content_type = "application/problem+json")))]
pub async fn bye(
    State(app): State<Arc<App>>,
    _: AgentCall,
    Body(bye): Body<Bye>,
) -> Reply<StatusCode> {
    agents::bye(&app.core, bye.agent, app.now()).await?;
    Ok(StatusCode::NO_CONTENT)
}

impl Protocol {
    /// Protocol N works with N ± 1.
    fn check(&self) -> Reply<()> {
        match self.0 {
            Some(theirs) if theirs.abs_diff(PROTOCOL) <= 1 => Ok(()),
            None => Ok(()),
            Some(theirs) => Err(Problem::new(
                "protocol",
                format!(
                    "this coordinator speaks protocol {PROTOCOL}, the agent {theirs}; install versions that fit"
                ),
            )),
        }
    }
}
