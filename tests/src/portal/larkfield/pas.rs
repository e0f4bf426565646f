//! The back channel: FHIR Da Vinci PAS on a host of its own, over the same cases as the portal. A request filed here is found on the
//! portal under its number, and the reverse. What is decided is told at once, before letter and portal.
//!
//! Access is by OAuth client credentials: an account's name and password; a token lives five minutes.

use std::sync::Arc;

use axum::{
    Extension, Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, Method, StatusCode, Uri, header},
    response::{IntoResponse as _, Response},
    routing::{get, post},
};
use exchange::pas::{
    self,
    answer::{Answer, Granted, Line, Review, Stage},
    bundle::Bundle,
    code::{REASON_ELSEWHERE, REASON_INFO_WANTED, ReviewAction},
    inquiry::{Found, Inquiry},
    name::system,
    outcome::{Issue, OperationOutcome},
    request::{Key, Naming, Party, Person, Request},
    task::{Thing, Wanted},
};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::{
    ledger::{Entry, hex},
    portal::{
        call::{Call, Step, WriteMode, half},
        decide::LineStatus,
        sim::{Sim, committed},
        store::{Case, CaseLine, Document, FiledLine, Filing, Told},
        tls::Cut,
        world::{Account, world},
    },
};

/// Host of the interface.
pub(super) const HOST: &str = "fhir.larkfield.test";
const BASE: &str = "https://fhir.larkfield.test/r4";
const FHIR: &str = "application/fhir+json";
/// Life of a token, seconds.
const TOKEN_S: i64 = 300;

type Shared = State<Arc<Sim>>;

pub(super) fn router() -> Router<Arc<Sim>> {
    Router::new()
        .route("/token", post(token))
        .route("/r4/metadata", get(metadata))
        .route("/r4/Claim/$submit", post(submit))
        .route("/r4/Claim/$inquire", post(inquire))
}

pub(super) fn step(_: &Method, uri: &Uri) -> Step {
    match uri.path() {
        "/token" => Step::read("pas_token"),
        "/r4/metadata" => Step::read("pas_metadata"),
        "/r4/Claim/$submit" => Step::write("pas_submit"),
        "/r4/Claim/$inquire" => Step::read("pas_inquire"),
        _ => Step::PASSIVE,
    }
}

fn fhir(status: StatusCode, text: String) -> Response {
    (status, [(header::CONTENT_TYPE, FHIR)], text).into_response()
}

fn wrong(status: StatusCode, code: &str, words: &str) -> Response {
    fhir(status, pas::write(&OperationOutcome::of([Issue::error(code, words)])))
}

/// Writes a ledger entry for a call of this channel.
fn note(sim: &Sim, call: &Call, account: Option<&Account>, entry: Entry) -> u64 {
    let mut entry =
        entry.with("channel", "fhir").with("conn", call.conn.id).with("route", call.route.as_str());
    if let Some(account) = account {
        entry = entry.with("account", account.id.as_str()).with("origin", account.origin.as_str());
    }
    sim.ledger.append(sim.now(), entry)
}

/// `POST /token`: client credentials in the form.
pub(super) async fn token(
    State(sim): Shared,
    Extension(call): Extension<Call>,
    body: Bytes,
) -> Response {
    let form: std::collections::BTreeMap<String, String> =
        url::form_urlencoded::parse(&body).into_owned().collect();
    let field = |name: &str| form.get(name).map(String::as_str).unwrap_or_default();
    let account = world().accounts.iter().find(|account| {
        account.payer == sim.profile.slug
            && account.id == field("client_id")
            && account.password == field("client_secret")
    });
    let granted = account.filter(|_| field("grant_type") == "client_credentials");
    let result = if granted.is_some() { "ok" } else { "wrong" };
    note(&sim, &call, granted, Entry::new("token").with("result", result));
    let Some(account) = granted else {
        let refused = json!({"error": "invalid_client"});
        return (StatusCode::UNAUTHORIZED, axum::Json(refused)).into_response();
    };
    let value = Sim::secret();
    let until = sim.now() + SignedDuration::from_secs(TOKEN_S);
    sim.kept.put(&place(&value), json!({"account": account.id, "until": until.to_string()}));
    let given = json!({"access_token": value, "token_type": "Bearer", "expires_in": TOKEN_S});
    axum::Json(given).into_response()
}

/// Where a token is kept: by its hash.
fn place(token: &str) -> String {
    format!("pas/token/{}", hex(&Sha256::digest(token)))
}

/// Whose token a call carries.
pub(super) fn who(sim: &Sim, headers: &HeaderMap) -> Result<&'static Account, Box<Response>> {
    let refused = || Box::new(wrong(StatusCode::UNAUTHORIZED, "login", "The token is not valid."));
    let value = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let token = value.and_then(|value| value.strip_prefix("Bearer ")).ok_or_else(refused)?;
    let kept = sim.kept.get(&place(token)).ok_or_else(refused)?;
    let until: Option<Timestamp> = kept["until"].as_str().and_then(|until| until.parse().ok());
    if until.is_none_or(|until| sim.now() >= until) {
        return Err(refused());
    }
    let id = kept["account"].as_str().unwrap_or_default();
    let mut accounts = world().accounts.iter();
    accounts.find(|a| a.payer == sim.profile.slug && a.id == id).ok_or_else(refused)
}

/// Whose call it is, and what it says.
fn came<T>(
    sim: &Sim,
    headers: &HeaderMap,
    body: &Bytes,
    read: impl FnOnce(&Bundle) -> Result<pas::request::Read<T>, Vec<pas::fault::Fault>>,
) -> Result<(&'static Account, T), Box<Response>> {
    let account = who(sim, headers)?;
    let bundle = pas::read::<Bundle>(body, "Bundle").map_err(|fault| vec![fault]);
    let told = bundle.and_then(|bundle| read(&bundle)).map_err(|faults| {
        let told = pas::write(&OperationOutcome::of_faults(&faults));
        Box::new(fhir(StatusCode::UNPROCESSABLE_ENTITY, told))
    })?;
    Ok((account, told.what))
}

/// `GET /r4/metadata`
async fn metadata() -> Response {
    let stated = pas::subscription::capability("Larkfield National", "1", "2026-03-02", false);
    fhir(StatusCode::OK, stated.to_string())
}

/// A diagnosis with its dot, as the cases have it.
fn dotted(code: &str) -> String {
    match code.split_at_checked(3) {
        Some((head, tail)) if !tail.is_empty() && !code.contains('.') => format!("{head}.{tail}"),
        _ => code.to_owned(),
    }
}

/// The fields of a request as they arrived, for the ledger.
fn fields(request: &Request) -> Value {
    let day = |day: &Option<String>| day.clone().unwrap_or_default();
    let lines: Vec<Value> = request
        .services
        .iter()
        .map(|s| {
            json!({"code": s.procedure.value, "units": s.units, "from": day(&s.from), "to": day(&s.to),
                   "modifiers": ""})
        })
        .collect();
    let npi = request.provider.npi().unwrap_or_default();
    json!({
        "memberId": request.patient.member.value,
        "tin": super::desk::tin_of(npi),
        "requestingNpi": npi,
        "servicingNpi": request.team.first().and_then(|m| m.party.npi()).unwrap_or(npi),
        "diagnoses": request.diagnoses.iter().map(|d| dotted(&d.code)).collect::<Vec<_>>(),
        "from": request.services.first().map(|s| day(&s.from)),
        "lines": lines,
        "expedited": request.is_urgent(),
        "providerReference": request.id.value,
        "documents": request.documents.len(),
    })
}

/// What is filed, or a code of list 901 that says why not.
fn filing(sim: &Sim, request: &Request) -> Result<Filing, &'static str> {
    let person = &request.patient;
    let member = world().member_by_id(sim.profile.slug, &person.member.value).ok_or("75")?;
    if !same(&member.family, &person.family) || member.dob.to_string() != person.birth_date {
        return Err("73");
    }
    let npi = request.provider.npi().filter(|npi| world().provider(npi).is_some()).ok_or("51")?;
    let servicing = request.team.first().and_then(|m| m.party.npi()).unwrap_or(npi);
    if world().provider(servicing).is_none() {
        return Err("51");
    }
    let day = |day: &Option<String>| day.as_deref().and_then(|day| day.parse().ok());
    let line = |service: &pas::request::Service| {
        let from = day(&service.from).ok_or("57")?;
        let code = service.procedure.value.clone();
        world().procedure(&code).ok_or("AG")?;
        let to = day(&service.to).unwrap_or(from);
        Ok(FiledLine { code, units: service.units.ok_or("15")?, from, to })
    };
    let document = |file: &pas::request::Attached| {
        let data = file.data.clone().unwrap_or_default();
        Document {
            kind: "Clinical document".to_owned(),
            name: file.control_number.clone().unwrap_or_default(),
            size_bytes: u64::try_from(data.len() / 4 * 3).unwrap_or(0),
            sha256: hex(&Sha256::digest(data)),
        }
    };
    Ok(Filing {
        member_id: member.member_id.clone(),
        plan: member.plan.clone(),
        request_type: "Outpatient".to_owned(),
        requesting_npi: npi.to_owned(),
        servicing_npi: servicing.to_owned(),
        diagnoses: request.diagnoses.iter().map(|d| dotted(&d.code)).collect(),
        lines: request.services.iter().map(line).collect::<Result<_, &'static str>>()?,
        provider_reference: request.id.value.clone(),
        expedited: request.is_urgent(),
        six_weeks_of_therapy: false,
        documents: request.documents.iter().map(document).collect(),
    })
}

fn same(a: &str, b: &str) -> bool {
    a.trim().to_lowercase() == b.trim().to_lowercase()
}

/// `POST /r4/Claim/$submit`: the one write. Its arrival is on record before anything else is done.
async fn submit(
    State(sim): Shared,
    Extension(call): Extension<Call>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let (account, request) = match came(&sim, &headers, &body, Request::read) {
        Ok(came) => came,
        Err(refused) => return *refused,
    };
    let entry = Entry::new("submit_received").fields(fields(&request));
    let received = note(&sim, &call, Some(account), entry);
    let mode = WriteMode::of(&call);
    match mode {
        WriteMode::CutBefore => return call.cut(&sim, Cut::Reset).await,
        WriteMode::ErrorBefore => return went_wrong(StatusCode::BAD_GATEWAY),
        _ => {}
    }
    let filing = match filing(&sim, &request) {
        Ok(filing) => filing,
        Err(code) => {
            let entry = Entry::new("submit_refused").with("code", code);
            note(&sim, &call, Some(account), entry.with("received_seq", received));
            let refused = pas::answer::Refused { code: code.to_owned(), ..Default::default() };
            let answer = Answer { stage: Stage::Error, refused: vec![refused], ..base(&sim) };
            let naming = Naming::new(BASE, &format!("refused-{received}"));
            return fhir(StatusCode::OK, pas::write(&answer.build(&request, &naming)));
        }
    };
    let mut case = super::file_from(&sim, account, received, filing);
    if sim.keep_as(&mut case, mode) {
        note(&sim, &call, Some(account), committed(&case, mode.answered(), mode.name()));
    }
    respond(&sim, &call, (&case, &request), mode).await
}

fn went_wrong(status: StatusCode) -> Response {
    wrong(status, "exception", "The request could not be processed.")
}

async fn respond(
    sim: &Sim,
    call: &Call,
    (case, request): (&Case, &Request),
    mode: WriteMode,
) -> Response {
    match mode {
        WriteMode::CutAfter => return call.cut(sim, Cut::Reset).await,
        WriteMode::CloseAfter => return call.cut(sim, Cut::Close).await,
        WriteMode::Never => return call.hang(sim).await,
        WriteMode::ErrorAfter => return went_wrong(StatusCode::BAD_GATEWAY),
        WriteMode::TimeoutAfter => return went_wrong(StatusCode::REQUEST_TIMEOUT),
        WriteMode::Late(_) => return went_wrong(StatusCode::SERVICE_UNAVAILABLE),
        WriteMode::ErrorShown => return went_wrong(StatusCode::UNPROCESSABLE_ENTITY),
        WriteMode::Plain | WriteMode::Half | WriteMode::StaleNumber => {}
        WriteMode::CutBefore | WriteMode::ErrorBefore => {}
    }
    let bundle = answer(sim, case).build(request, &naming(sim, case));
    let answer = fhir(StatusCode::OK, pas::write(&bundle));
    if mode == WriteMode::Half { half(call, answer).await } else { answer }
}

/// `POST /r4/Claim/$inquire`: the cases of a member that the asking provider takes part in.
async fn inquire(
    State(sim): Shared,
    Extension(call): Extension<Call>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let (account, asked) = match came(&sim, &headers, &body, Inquiry::read) {
        Ok(came) => came,
        Err(refused) => return *refused,
    };
    let found = cases(&sim, &asked);
    let entry = Entry::new("status").with("how", "inquire").with("found", found.len());
    let entry = entry.with("memberId", asked.patient.member.value.as_str());
    let numbers: Vec<&str> = found.iter().map(|case| case.id.as_str()).collect();
    note(&sim, &call, Some(account), entry.with("cases", numbers));
    let bundles = found.iter().map(|case| {
        let answer = answer(&sim, case);
        answer.build(&spoken(&asked, case), &naming(&sim, case))
    });
    let found = Found { bundles: bundles.collect(), ..Found::default() };
    fhir(StatusCode::OK, pas::write(&found.build()))
}

fn cases(sim: &Sim, asked: &Inquiry) -> Vec<Case> {
    let person = &asked.patient;
    let member = world().member_by_id(sim.profile.slug, &person.member.value);
    let known = member.filter(|member| {
        same(&member.family, &person.family) && member.dob.to_string() == person.birth_date
    });
    let Some(member) = known else { return Vec::new() };
    let day = |day: &Option<String>| day.as_deref().and_then(|day| day.parse().ok());
    let npi = asked.provider.npi().unwrap_or_default();
    let number = asked.number.as_deref().or(asked.pend_number.as_deref());
    let mut found = sim.store.search(&member.member_id, day(&asked.from), day(&asked.to));
    found.retain(|case| {
        [&case.filing.requesting_npi, &case.filing.servicing_npi].iter().any(|own| *own == npi)
            && number.is_none_or(|number| case.has_number(number))
            && asked
                .procedure
                .as_ref()
                .is_none_or(|procedure| case.lines.iter().any(|line| line.code == procedure.value))
    });
    found
}

/// The request of a case, as far as an answer names it.
fn spoken(asked: &Inquiry, case: &Case) -> Request {
    // A request without a reference of its own is named as the payer names it: FHIR knows no empty text.
    let reference = case.filing.provider_reference.as_str();
    let own = if reference.is_empty() { case.id.as_str() } else { reference };
    Request {
        id: Key { system: None, value: own.to_owned() },
        provider: Party {
            keys: vec![Key::of(system::NPI, &case.filing.requesting_npi)],
            name: Some(case.filing.requesting_npi.clone()),
            taxonomy: None,
        },
        patient: Person { ..asked.patient.clone() },
        ..asked.as_request()
    }
}

fn naming(sim: &Sim, case: &Case) -> Naming {
    Naming::new(BASE, &format!("{}.{}", case.id, sim.kept.next("pas/answer")))
}

fn base(sim: &Sim) -> Answer {
    let now = sim.now().to_string();
    Answer {
        exchange: Some(Key::of("urn:larkfield:exchange", &Sim::secret())),
        timestamp: now.clone(),
        created: now,
        stage: Stage::Complete,
        ..Answer::default()
    }
}

/// How a case stands, item by item.
fn answer(sim: &Sim, case: &Case) -> Answer {
    let case = case.clone().told(Told::Edi);
    let lines = case.lines.iter().zip(1..).map(|(line, sequence)| line_of(&case, line, sequence));
    let noted = case.lines.iter().filter_map(|line| line.text.clone());
    Answer {
        id: Some(Key::of("urn:larkfield:request", &case.id)),
        lines: lines.collect(),
        notes: (1..).zip(noted).collect(),
        wanted: case
            .wanted
            .iter()
            .map(|name| Wanted {
                thing: Thing::Words(name.clone()),
                line: None,
                control_number: case.number("pend").map(str::to_owned),
            })
            .collect(),
        ..base(sim)
    }
}

fn line_of(case: &Case, line: &CaseLine, sequence: u32) -> Line {
    let (action, reason) = match line.status {
        LineStatus::Approved => (ReviewAction::Granted, None),
        LineStatus::Modified => (ReviewAction::Changed, None),
        LineStatus::Denied => (ReviewAction::Refused, Some("0F")),
        LineStatus::DeniedIncomplete => (ReviewAction::Refused, Some("0E")),
        LineStatus::Pended => (ReviewAction::Pended, Some("0W")),
        LineStatus::InfoRequested => (ReviewAction::Pended, Some(REASON_INFO_WANTED)),
        LineStatus::NotRequired => (ReviewAction::NotNeeded, None),
        LineStatus::Redirected => (ReviewAction::NotNeeded, Some(REASON_ELSEWHERE)),
        LineStatus::ContactPayer => (ReviewAction::Call, None),
        LineStatus::Cancelled => (ReviewAction::Cancelled, None),
    };
    let granted = line.status.granted();
    let day = |day: Option<jiff::civil::Date>| day.filter(|_| granted).map(|day| day.to_string());
    let number = case.number("authorization").filter(|_| granted).map(str::to_owned);
    let less = (line.status == LineStatus::Modified).then(|| Granted {
        procedure: Key { system: None, value: line.code.clone() },
        units: line.granted,
        from: Some(line.from.to_string()),
        to: Some(line.to.to_string()),
    });
    Line {
        sequence,
        review: Some(Review {
            action,
            number,
            reasons: reason.iter().map(|reason| (*reason).to_owned()).collect(),
            second_opinion: None,
        }),
        pend_number: case.number("pend").map(str::to_owned),
        valid_from: day(case.valid_from),
        valid_to: day(case.valid_to),
        granted: less,
        ..Line::default()
    }
}
