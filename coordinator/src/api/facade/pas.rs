//! `/fhir`: FHIR Da Vinci PAS. `Claim/$submit` becomes a case by the ordinary intake and is answered with what the payer says, if it
//! says so in time, else as not decided yet; `Claim/$inquire` finds cases by member and tells how they stand.

use std::{sync::Arc, time::Duration};

use axum::{
    Json,
    extract::State,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse as _, Response},
};
use domain::{case::CaseStatus, id::CaseId, request::PriorAuth};
use exchange::pas::{
    self,
    bundle::Bundle,
    fault::{Code, Fault},
    inquiry::{Found, Inquiry},
    name::profile,
    request::{Naming, Party, Request},
};
use sha2::{Digest as _, Sha256};
use tokio::time::Instant;

use super::{
    FHIR, Refusal, Reply,
    answer::{Standing, answer},
    asked, resource,
};
use crate::{
    App,
    access::{Caller, Role, key},
    api::{
        error::Problem,
        input::{Raw, header_text},
    },
    flow::{
        Once,
        intake::{self, Intake},
        people::{self, Terms},
    },
    live::Topic,
    store::{
        cases::{self, Case},
        exchanges::{self, Spoken},
        jobs, payers, references,
    },
};

/// How long a submission waits for the payer's answer: PAS wants one within 15 seconds, the network included.
const WAIT: Duration = Duration::from_secs(12);
/// Looked again after this time even when nothing was told: telling is only a hint.
const LOOK_AGAIN: Duration = Duration::from_secs(2);
/// The day of the statement about what this server can do; changes with it.
const STATED: &str = "2026-11-22";
/// Most cases an inquiry finds.
const FOUND_MAX: u32 = 50;

/// What this server can do, as FHIR says it (CapabilityStatement). Open to all.
#[utoipa::path(get, path = "/fhir/metadata", tag = "standards", security(()),
    responses((status = 200, description = "CapabilityStatement", body = Object, content_type = "application/fhir+json")))]
pub async fn metadata() -> Response {
    let built = pas::subscription::capability("fleet", env!("CARGO_PKG_VERSION"), STATED, true);
    let mut reply = Json(built).into_response();
    reply.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(FHIR));
    reply
}

/// Hands in a request for prior authorization as a PAS request bundle. The insurer's identifier is a payer's id. The same bundle
/// identifier and body again get the same case. `Prefer: wait=<seconds>` shortens the wait for the payer's answer (12 at most).
#[utoipa::path(post, path = "/fhir/Claim/$submit", tag = "standards", request_body(content = Object, content_type = "application/fhir+json"),
    responses((status = 200, description = "PAS response bundle: the decision, or pended", body = Object, content_type = "application/fhir+json"),
        (status = "4XX", description = "OperationOutcome", body = Object, content_type = "application/fhir+json")))]
pub async fn submit(
    State(app): State<Arc<App>>,
    caller: Result<Caller, Problem>,
    headers: HeaderMap,
    body: Result<Raw, Problem>,
) -> Reply<Response> {
    let caller = caller?;
    caller.needs(Role::Operator)?;
    let bundle = bundle(&headers, &body?)?;
    let mut request = Request::read(&bundle.what)?.what;
    let mut canonical = asked::canonical(&request)?;
    let payer = payer(&app, &request.insurer).await?;
    let once = Once {
        actor: caller.as_actor().to_string(),
        key: once_key(&request),
        call_sha256: bundle.sha256,
    };
    attach(&app, &caller, &once, &request, &mut canonical).await?;
    request.documents.clear();
    let text = pas::write(&request.build(&Naming::new("urn", "request")));
    let organization = canonical.requesting.npi.clone();
    let wanted = Intake {
        payer,
        request: domain::request::Request::PriorAuth(Box::new(canonical)),
        again: None,
        spoken: Some(Spoken { standard: "pas", organization, text }),
    };
    let actor = caller.as_actor();
    let made = intake::take_in(&app.core, &actor, &wanted, Some(&once), app.now()).await?;
    settled(&app, made.case, wait(&headers, WAIT)).await?;
    let case = cases::get(app.store(), made.case).await?;
    Ok(resource(StatusCode::OK, &response(&app, &case, &request).await?))
}

/// Asks how requests stand, with a PAS inquiry bundle: payer, member with name and day of birth; numbers, days and the provider
/// narrow it. The search is written to the audit.
#[utoipa::path(post, path = "/fhir/Claim/$inquire", tag = "standards", request_body(content = Object, content_type = "application/fhir+json"),
    responses((status = 200, description = "Parameters with a PAS response bundle for each case", body = Object, content_type = "application/fhir+json"),
        (status = "4XX", description = "OperationOutcome", body = Object, content_type = "application/fhir+json")))]
pub async fn inquire(
    State(app): State<Arc<App>>,
    caller: Result<Caller, Problem>,
    headers: HeaderMap,
    body: Result<Raw, Problem>,
) -> Reply<Response> {
    let caller = caller?;
    caller.needs(Role::Operator)?;
    let asked = Inquiry::read(&bundle(&headers, &body?)?.what)?.what;
    let payer = payer(&app, &asked.insurer).await?;
    let number = asked.number.as_deref().or(asked.pend_number.as_deref());
    let filter = cases::Filter {
        kind: "prior_auth".to_owned(),
        member: asked.patient.member.value.clone(),
        reference: number.unwrap_or_default().to_owned(),
        payer,
        ..cases::Filter::default()
    };
    let page = cases::list(app.store(), &filter, "", FOUND_MAX).await?;
    let mut hits = Vec::new();
    for case in page.items {
        let (case, request) = cases::opened(app.store(), case.id).await?;
        if let domain::request::Request::PriorAuth(request) = request
            && fits(&asked, &request)
        {
            hits.push((case, *request));
        }
    }
    let member = Some(filter.member.as_str());
    let terms = Terms { member, reference: number, found: hits.len() };
    people::searched(&app.core, &caller.as_actor(), terms, app.now()).await?;
    let mut found = Found::default();
    for (case, request) in hits {
        caller.saw(&app, "request", case.id).await?;
        let request = spoken(&app, &case, &request).await?;
        let mut built = response(&app, &case, &request).await?;
        built.meta = Some(pas::base::Meta::of(profile::INQUIRY_RESPONSE_BUNDLE));
        found.bundles.push(built);
    }
    Ok(resource(StatusCode::OK, &found.build()))
}

/// A bundle with the hash of its bytes.
struct Came {
    what: Bundle,
    sha256: String,
}

fn bundle(headers: &HeaderMap, body: &Raw) -> Reply<Came> {
    is_fhir(headers)?;
    let what = pas::read(&body.0, "Bundle")?;
    Ok(Came { what, sha256: key::hex(&Sha256::digest(&body.0)) })
}

/// Refuses what does not say that it is FHIR in JSON.
pub(super) fn is_fhir(headers: &HeaderMap) -> Reply<()> {
    let media = header_text(headers, header::CONTENT_TYPE.as_str()).unwrap_or_default();
    let media = media.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    if media != FHIR && media != "application/json" {
        let wanted = "send `Content-Type: application/fhir+json`";
        return Err(Problem::new("media-type", wanted).at("content-type").into());
    }
    Ok(())
}

/// The sender's identifier of the exchange makes a call that is sent again the same call.
fn once_key(request: &Request) -> String {
    let system = request.exchange.system.as_deref().unwrap_or_default();
    let hash = Sha256::new()
        .chain_update(system)
        .chain_update([0])
        .chain_update(&request.exchange.value)
        .finalize();
    format!("pas:{}", key::hex(&hash))
}

/// The payer the insurer's identifier names.
async fn payer(app: &App, insurer: &Party) -> Reply<String> {
    let known = payers::all(app.store()).await?;
    let named = |id: &str| insurer.keys.iter().any(|k| k.value.eq_ignore_ascii_case(id));
    let found = known.into_iter().map(|p| p.profile.id).find(|id| named(id));
    found.ok_or_else(|| {
        let detail = "the insurer has no identifier that is the id of a payer of this fleet";
        Fault::error(Code::Value, "Bundle.entry[0].resource.insurer", detail).into()
    })
}

/// Keeps the documents of a request, each once however often the request is sent.
async fn attach(
    app: &App,
    caller: &Caller,
    once: &Once,
    request: &Request,
    canonical: &mut PriorAuth,
) -> Reply<()> {
    for (i, document) in request.documents.iter().enumerate() {
        let bytes = asked::bytes_of(i, document)?;
        let own = Once {
            actor: once.actor.clone(),
            key: format!("{}:{}", once.key, document.sequence),
            call_sha256: key::hex(&Sha256::digest(&bytes)),
        };
        let actor = caller.as_actor();
        let kept = intake::add_document(&app.core, &actor, bytes, Some(&own), app.now()).await;
        canonical.documents.push(kept.map_err(|error| {
            let mut refusal = Refusal::from(error);
            for issue in &mut refusal.outcome.issue {
                issue.expression = vec![format!("Bundle.entry[0].resource.supportingInfo[{i}]")];
            }
            refusal
        })?);
    }
    Ok(())
}

/// How long the caller wants to wait (RFC 7240), at most so long.
pub(super) fn wait(headers: &HeaderMap, most: Duration) -> Duration {
    let prefer = header_text(headers, "prefer").unwrap_or_default();
    let wanted = prefer.split([',', ';']).find_map(|part| part.trim().strip_prefix("wait="));
    let wanted = wanted.and_then(|seconds| seconds.trim().parse().ok());
    wanted.map_or(most, |seconds| most.min(Duration::from_secs(seconds)))
}

/// Waits until the payer has said something, or the time is over.
pub(super) async fn settled(
    app: &App,
    id: CaseId,
    time: Duration,
) -> Result<(), crate::store::Error> {
    let until = Instant::now() + time;
    let mut heard = app.store().live.listen();
    let topic = Topic::Case(id.to_string());
    loop {
        let case = cases::get(app.store(), id).await?;
        let own = jobs::of_case(app.store(), id).await?;
        if standing(&case, &own, &[]).settled() || Instant::now() >= until {
            return Ok(());
        }
        let next_look = until.min(Instant::now() + LOOK_AGAIN);
        let told = async { while heard.recv().await.is_ok_and(|t| t != topic) {} };
        tokio::select! {
            () = told => {}
            () = tokio::time::sleep_until(next_look) => {}
            () = app.ended() => return Ok(()),
        }
    }
}

/// How a case stands.
pub(super) fn standing<'a>(
    case: &Case,
    jobs: &'a [jobs::Job],
    numbers: &'a [references::Stored],
) -> Standing<'a> {
    let status: CaseStatus = case.status;
    Standing { id: case.id, rev: case.rev, status, jobs, numbers }
}

/// The address everything of this server is below.
pub(super) fn base(app: &App) -> String {
    let base = app.config.public_url.as_ref().map_or_else(
        || format!("http://{}", app.config.listen),
        |url| url.as_str().trim_end_matches('/').to_owned(),
    );
    format!("{base}/fhir")
}

/// The response bundle to a request, as its case stands now.
pub(super) async fn response(app: &App, case: &Case, request: &Request) -> Reply<Bundle> {
    let own = jobs::of_case(app.store(), case.id).await?;
    let numbers = references::of_case(app.store(), case.id).await?;
    let answer = answer(&standing(case, &own, &numbers), request, app.now());
    let naming = Naming::new(&base(app), &format!("{}.{}", case.id, case.rev));
    Ok(answer.build(request, &naming))
}

/// The request of a case in the words it came in, or in words made of it where it came by another door.
pub(super) async fn spoken(app: &App, case: &Case, request: &PriorAuth) -> Reply<Request> {
    let Some(text) = exchanges::of_case(app.store(), case.id, "pas").await? else {
        let (id, created) = (case.id.to_string(), case.created_at.to_string());
        return Ok(asked::spoken(&id, &case.payer, request, &created));
    };
    let bundle: Bundle = pas::read(text.as_bytes(), "Bundle")?;
    Ok(Request::read(&bundle)?.what)
}

/// Whether a case is one that was asked for. The member's number alone never is enough.
fn fits(asked: &Inquiry, request: &PriorAuth) -> bool {
    let same = |a: &str, b: &str| a.trim().to_lowercase() == b.trim().to_lowercase();
    let person = &asked.patient;
    let it_is = same(&person.family, &request.member.last_name)
        && person.birth_date == request.member.dob.to_string();
    let by = asked.provider.npi();
    let involved =
        by.is_none_or(|npi| npi == request.requesting.npi || npi == request.servicing.npi);
    let within = request.lines.iter().any(|line| {
        asked.from.as_ref().is_none_or(|from| *from <= line.to.to_string())
            && asked.to.as_ref().is_none_or(|to| *to >= line.from.to_string())
    });
    let procedure = asked.procedure.as_ref().is_none_or(|wanted| {
        request.lines.iter().any(|line| wanted.value.eq_ignore_ascii_case(&line.code))
    });
    it_is && involved && within && procedure
}
