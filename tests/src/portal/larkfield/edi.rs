//! The other back channel: X12 in real time by CORE connectivity (SOAP, and REST behind a knob) on a host of its own, over the same
//! cases as the portal. A request filed here is found on the portal under its number, and the reverse.
//!
//! Who asks is an account with its password, in the SOAP message or as a token of the same host.

use std::sync::Arc;

use axum::{
    Extension, Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, Method, StatusCode, Uri, header},
    response::{IntoResponse as _, Response},
    routing::post,
};
use exchange::x12::{
    parts::{Dtp, Hl, Ref, Trn},
    parts_review::{Hcr, Hi, Sv1},
    t278,
    transaction::Transaction,
};
use serde_json::{Value, json};
use transport::core::{
    ErrorCode, Form, Operation, payload_type,
    server::{self, Asked as Envelope},
};

use super::pas;
use crate::{
    ledger::Entry,
    portal::{
        call::{Call, Step, WriteMode, half},
        decide::LineStatus,
        edi::{self, Asked},
        sim::{Sim, committed},
        store::{Case, CaseLine, FiledLine, Filing, Told},
        tls::Cut,
        world::{Account, world},
    },
};

/// Host of the interface.
pub(super) const HOST: &str = "edi.larkfield.test";
/// How this payer is named in its own traces.
const COMPANY: &str = "9LARKFIELD";

type Shared = State<Arc<Sim>>;

pub(super) fn router() -> Router<Arc<Sim>> {
    Router::new()
        .route("/token", post(pas::token))
        .route("/core/v22", post(soap))
        .route("/core/v4/realtime", post(rest))
}

pub(super) fn step(_: &Method, uri: &Uri) -> Step {
    match uri.path() {
        "/token" => Step::read("pas_token"),
        // The message itself says what it is: then faults are looked up once more.
        "/core/v22" | "/core/v4/realtime" => Step::read("x12"),
        _ => Step::PASSIVE,
    }
}

fn reply(reply: server::Reply) -> Response {
    let status = StatusCode::from_u16(reply.status).unwrap_or(StatusCode::OK);
    (status, [(header::CONTENT_TYPE, reply.content_type)], reply.body).into_response()
}

fn note(sim: &Sim, call: &Call, account: &Account, entry: Entry) -> u64 {
    let entry = entry.with("channel", "x12").with("conn", call.conn.id);
    let entry = entry.with("route", call.route.as_str()).with("account", account.id.as_str());
    sim.ledger.append(sim.now(), entry.with("origin", account.origin.as_str()))
}

async fn soap(
    State(sim): Shared,
    Extension(call): Extension<Call>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let media = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let envelope = match server::read_soap(media.unwrap_or_default(), &body) {
        Ok(envelope) => envelope,
        Err(fault) => return reply(server::refusal(&fault, false)),
    };
    let mut accounts = world().accounts.iter().filter(|a| a.payer == sim.profile.slug);
    let account = accounts.find(|account| envelope.is_from(&account.id, &account.password));
    take(&sim, call, envelope, account).await
}

async fn rest(
    State(sim): Shared,
    Extension(call): Extension<Call>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    if !sim.knobs.flag("core_rest") {
        return StatusCode::NOT_FOUND.into_response();
    }
    let media = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let envelope = server::read_rest(media.unwrap_or_default(), &body, Operation::RealTime);
    let envelope = match envelope {
        Ok(envelope) => envelope,
        Err(fault) => return reply(server::refusal(&fault, true)),
    };
    let account = pas::who(&sim, &headers).ok();
    take(&sim, call, envelope, account).await
}

/// Answers an envelope.
async fn take(
    sim: &Sim,
    mut call: Call,
    envelope: Envelope,
    account: Option<&'static Account>,
) -> Response {
    let refuse = |code: ErrorCode| {
        let kind = payload_type::ENVELOPE_ERROR;
        back(sim, &envelope, kind, None, code)
    };
    let Some(account) = account else { return refuse(ErrorCode::UnAuthorized) };
    if envelope.operation != Operation::RealTime {
        return refuse(ErrorCode::NotSupported);
    }
    let bytes = envelope.envelope.payload.as_deref().unwrap_or_default();
    let asked = match edi::take(sim, bytes) {
        Ok(asked) => asked,
        Err(Some(receipt)) => {
            note(sim, &call, account, Entry::new("x12_rejected"));
            return back(sim, &envelope, payload_type::RECEIPT, Some(receipt), ErrorCode::Success);
        }
        Err(None) => {
            return refuse(ErrorCode::Illegal(transport::core::Field::Payload));
        }
    };
    let Some(question) = asked.sets.first().cloned() else {
        return refuse(ErrorCode::NotSupported);
    };
    let (kind, set) = match question {
        Transaction::Eligibility(set) => {
            note(sim, &call, account, Entry::new("eligibility"));
            let set = edi::coverage(sim, set).map(Transaction::Eligibility);
            (payload_type::ELIGIBILITY_ANSWER, set)
        }
        Transaction::ClaimStatus(set) => {
            note(sim, &call, account, Entry::new("status").with("how", "276"));
            let set = edi::claim_status(sim, set).map(Transaction::ClaimStatus);
            (payload_type::CLAIM_STATUS_ANSWER, set)
        }
        Transaction::Review(set) if set.bht.purpose == "28" => {
            call.at_step(sim, "x12_inquiry", &account.id);
            if let Some(response) = spoiled(sim, &call).await {
                return response;
            }
            (payload_type::REVIEW_ANSWER, inquired(sim, &call, account, set))
        }
        Transaction::Review(set) => {
            call.at_step(sim, "x12_submit", &account.id);
            return submitted(sim, &call, account, (&envelope, &asked, set)).await;
        }
        _ => (payload_type::RECEIPT, None),
    };
    let Some(bytes) = set.and_then(|set| edi::answer(sim, &asked, set)) else {
        return refuse(ErrorCode::NotSupported);
    };
    back(sim, &envelope, kind, Some(bytes), ErrorCode::Success)
}

/// Faults that answer a question instead of us.
async fn spoiled(sim: &Sim, call: &Call) -> Option<Response> {
    for (does, status) in [
        ("500", StatusCode::INTERNAL_SERVER_ERROR),
        ("502", StatusCode::BAD_GATEWAY),
        ("503", StatusCode::SERVICE_UNAVAILABLE),
    ] {
        if call.fires(does) {
            return Some(status.into_response());
        }
    }
    if call.fires("cut-on-read") { Some(call.cut(sim, Cut::Reset).await) } else { None }
}

fn back(
    sim: &Sim,
    envelope: &Envelope,
    kind: &str,
    payload: Option<Vec<u8>>,
    code: ErrorCode,
) -> Response {
    let out = server::back(envelope, kind, payload, code, sim.now());
    match server::answer(envelope, &out, Form::Text) {
        Ok(written) => reply(written),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

/// The one subscriber of a request, with the provider who asks.
fn parties(set: &t278::Review) -> Option<(&t278::Provider, &t278::Member, &t278::PatientEvent)> {
    let requester = set.reviewers.first()?.requesters.first()?;
    let subscriber = requester.subscribers.first()?;
    Some((requester.name.as_ref()?, subscriber.member.as_ref()?, subscriber.events.first()?))
}

fn dotted(code: &str) -> String {
    match code.split_at_checked(3) {
        Some((head, tail)) if !tail.is_empty() && !code.contains('.') => format!("{head}.{tail}"),
        _ => code.to_owned(),
    }
}

fn diagnoses(hi: Option<&Hi>) -> Vec<String> {
    let Some(hi) = hi else { return Vec::new() };
    let all = [&hi.info_1, &hi.info_2, &hi.info_3, &hi.info_4, &hi.info_5, &hi.info_6];
    all.into_iter().filter(|i| !i.code.is_empty()).map(|i| dotted(&i.code)).collect()
}

fn span(dates: &[Dtp]) -> Option<(jiff::civil::Date, jiff::civil::Date)> {
    let dtp = dates.iter().find(|dtp| dtp.of == "472")?;
    match dtp.value.split_once('-') {
        Some((from, to)) => Some((edi::day(from)?, edi::day(to)?)),
        None => edi::day(&dtp.value).map(|day| (day, day)),
    }
}

/// What is filed, or a code of list 901 that says why not.
fn filing(sim: &Sim, set: &t278::Review) -> Result<Filing, &'static str> {
    let (provider, who, event) = parties(set).ok_or("33")?;
    let born = who.birth.as_ref().and_then(|birth| edi::day(&birth.born));
    let member = edi::member(sim, &who.name.id, &who.name.last, born)?;
    let npi = provider.name.id.as_str();
    let servicing = event.parties.iter().find(|party| party.name.entity == "SJ");
    let servicing = servicing.map_or(npi, |party| &party.name.id);
    if world().provider(npi).is_none() || world().provider(servicing).is_none() {
        return Err("51");
    }
    let line = |service: &t278::Service| {
        let sv1 = service.professional.as_ref().ok_or("AG")?;
        world().procedure(&sv1.procedure.code).ok_or("AG")?;
        let (from, to) = span(&service.dates).or_else(|| span(&event.dates)).ok_or("57")?;
        let units = sv1.quantity.as_ref().and_then(|units| units.to_string().parse().ok());
        Ok(FiledLine { code: sv1.procedure.code.clone(), units: units.ok_or("15")?, from, to })
    };
    Ok(Filing {
        member_id: member.member_id.clone(),
        plan: member.plan.clone(),
        request_type: "Outpatient".to_owned(),
        requesting_npi: npi.to_owned(),
        servicing_npi: servicing.to_owned(),
        diagnoses: diagnoses(event.diagnoses.as_ref()),
        lines: event.services.iter().map(line).collect::<Result<_, &'static str>>()?,
        provider_reference: event.traces.first().map(|t| t.number.clone()).unwrap_or_default(),
        expedited: event.um.as_ref().is_some_and(|um| matches!(um.level.as_str(), "U" | "03")),
        six_weeks_of_therapy: false,
        documents: Vec::new(),
    })
}

/// The fields of a request as they arrived, for the ledger.
fn fields(set: &t278::Review) -> Value {
    let Some((provider, who, event)) = parties(set) else { return json!({}) };
    let lines: Vec<Value> = event
        .services
        .iter()
        .map(|service| {
            let sv1 = service.professional.as_ref();
            let (from, to) = span(&service.dates).or_else(|| span(&event.dates)).unzip();
            let units = sv1.and_then(|s| s.quantity.as_ref()?.to_string().parse::<u32>().ok());
            json!({"code": sv1.map(|s| s.procedure.code.clone()), "units": units,
                   "from": from.map(|day| day.to_string()), "to": to.map(|day| day.to_string()), "modifiers": ""})
        })
        .collect();
    let servicing = event.parties.iter().find(|party| party.name.entity == "SJ");
    json!({
        "memberId": who.name.id,
        "tin": super::desk::tin_of(&provider.name.id),
        "requestingNpi": provider.name.id,
        "servicingNpi": servicing.map_or(&provider.name.id, |party| &party.name.id),
        "diagnoses": diagnoses(event.diagnoses.as_ref()),
        "from": lines.first().map(|line| line["from"].clone()),
        "lines": lines,
        "expedited": event.um.as_ref().is_some_and(|um| um.level == "U"),
        "providerReference": event.traces.first().map(|trace| trace.number.clone()),
        "documents": 0,
    })
}

/// The one write. Its arrival is on record before anything else is done.
async fn submitted(
    sim: &Sim,
    call: &Call,
    account: &'static Account,
    (envelope, asked, mut set): (&Envelope, &Asked, t278::Review),
) -> Response {
    let received = note(sim, call, account, Entry::new("submit_received").fields(fields(&set)));
    let mode = WriteMode::of(call);
    match mode {
        WriteMode::CutBefore => return call.cut(sim, Cut::Reset).await,
        WriteMode::ErrorBefore => return StatusCode::BAD_GATEWAY.into_response(),
        _ => {}
    }
    let kind = payload_type::REVIEW_ANSWER;
    let respond = |set: t278::Review| {
        let bytes = edi::answer(sim, asked, Transaction::Review(set));
        back(sim, envelope, kind, bytes, ErrorCode::Success)
    };
    let filing = match filing(sim, &set) {
        Ok(filing) => filing,
        Err(code) => {
            let entry = Entry::new("submit_refused").with("code", code);
            note(sim, call, account, entry.with("received_seq", received));
            edi::header(sim, &mut set.bht, "11", "18");
            if let Some(event) = event_of(&mut set) {
                event.traces.iter_mut().for_each(|trace| "2".clone_into(&mut trace.kind));
                event.refusals.push(edi::refusal(code));
                event.services.clear();
                "0".clone_into(&mut event.hl.children);
            }
            return respond(set);
        }
    };
    let mut case = super::file_from(sim, account, received, filing);
    if sim.keep_as(&mut case, mode) {
        note(sim, call, account, committed(&case, mode.answered(), mode.name()));
    }
    match mode {
        WriteMode::CutAfter => return call.cut(sim, Cut::Reset).await,
        WriteMode::CloseAfter => return call.cut(sim, Cut::Close).await,
        WriteMode::Never => return call.hang(sim).await,
        WriteMode::ErrorAfter => return StatusCode::BAD_GATEWAY.into_response(),
        WriteMode::TimeoutAfter => return StatusCode::REQUEST_TIMEOUT.into_response(),
        WriteMode::Late(_) => return StatusCode::SERVICE_UNAVAILABLE.into_response(),
        WriteMode::ErrorShown => return StatusCode::UNPROCESSABLE_ENTITY.into_response(),
        WriteMode::Plain | WriteMode::Half | WriteMode::StaleNumber => {}
        WriteMode::CutBefore | WriteMode::ErrorBefore => {}
    }
    let open = case.lines.iter().any(|line| !line.status.is_final());
    edi::header(sim, &mut set.bht, "11", if open { "19" } else { "18" });
    if let Some(event) = event_of(&mut set) {
        event.traces.iter_mut().for_each(|trace| "2".clone_into(&mut trace.kind));
        decided(event, &case.told(Told::Edi));
    }
    let response = respond(set);
    if mode == WriteMode::Half { half(call, response).await } else { response }
}

fn event_of(set: &mut t278::Review) -> Option<&mut t278::PatientEvent> {
    let requester = set.reviewers.first_mut()?.requesters.first_mut()?;
    requester.subscribers.first_mut()?.events.first_mut()
}

/// What is decided, put into the event: the payer's own trace, the whole, and each service.
fn decided(event: &mut t278::PatientEvent, case: &Case) {
    event.traces.push(Trn {
        kind: "1".to_owned(),
        number: case.id.clone(),
        company: COMPANY.to_owned(),
        ..Trn::default()
    });
    event.decision = case.lines.first().map(|line| hcr(case, line));
    if let Some(pend) = case.number("pend") {
        let number = pend.to_owned();
        event.references.push(Ref { list: "NT".to_owned(), number, ..Ref::default() });
    }
    if let (Some(from), Some(to)) = (case.valid_from, case.valid_to)
        && case.lines.iter().any(|line| line.status.granted())
    {
        event.dates.push(Dtp {
            of: "AAH".to_owned(),
            format: "RD8".to_owned(),
            value: format!("{}-{}", from.strftime("%Y%m%d"), to.strftime("%Y%m%d")),
            ..Dtp::default()
        });
    }
    for (service, line) in event.services.iter_mut().zip(&case.lines) {
        service.decision = Some(hcr(case, line));
        if line.status == LineStatus::Modified {
            let quantity = line.granted.and_then(|n| exchange::x12::Decimal::new(n.into(), 0));
            service.delivery = Some(exchange::x12::parts::Hsd {
                quantity_list: "VS".to_owned(),
                quantity,
                ..Default::default()
            });
        }
    }
}

fn hcr(case: &Case, line: &CaseLine) -> Hcr {
    let (action, reason) = match line.status {
        LineStatus::Approved => ("A1", None),
        LineStatus::Modified => ("A6", None),
        LineStatus::Denied => ("A3", Some("0F")),
        LineStatus::DeniedIncomplete => ("A3", Some("0P")),
        LineStatus::Pended => ("A4", Some("0W")),
        LineStatus::InfoRequested => ("A4", Some("0U")),
        LineStatus::NotRequired => ("NA", None),
        LineStatus::Redirected => ("NA", Some("0J")),
        LineStatus::ContactPayer => ("CT", None),
        LineStatus::Cancelled => ("C", None),
    };
    let number = case.number("authorization").filter(|_| line.status.granted());
    Hcr {
        action: action.to_owned(),
        number: number.unwrap_or_default().to_owned(),
        reasons: reason.iter().map(|reason| (*reason).to_owned()).collect(),
        ..Hcr::default()
    }
}

/// The requests of a member that the asking provider takes part in, an event each.
fn inquired(
    sim: &Sim,
    call: &Call,
    account: &Account,
    mut set: t278::Review,
) -> Option<Transaction> {
    edi::header(sim, &mut set.bht, "11", "18");
    let requester = set.reviewers.first_mut()?.requesters.first_mut()?;
    let npi = requester.name.as_ref()?.name.id.clone();
    let subscriber = requester.subscribers.first_mut()?;
    let who = subscriber.member.as_mut()?;
    let asked = subscriber.events.pop()?;
    let born = who.birth.as_ref().and_then(|birth| edi::day(&birth.born));
    let entry = Entry::new("status").with("how", "inquiry").with("memberId", who.name.id.as_str());
    let found = match edi::member(sim, &who.name.id, &who.name.last, born) {
        Ok(member) => {
            let (from, to) = span(&asked.dates).unzip();
            let mut found = sim.store.search(&member.member_id, from, to);
            let own = |case: &Case| {
                [&case.filing.requesting_npi, &case.filing.servicing_npi].contains(&&npi)
            };
            found.retain(own);
            found
        }
        Err(code) => {
            who.refusals.push(edi::refusal(code));
            Vec::new()
        }
    };
    note(sim, call, account, entry.with("found", found.len()));
    let mut number = 3;
    subscriber.events = found
        .iter()
        .map(|case| shown(&asked, &case.clone().told(Told::Edi), &mut number))
        .collect();
    if subscriber.events.is_empty() {
        // Nothing is said about no event at all: that there is none is said at the question's own.
        let mut none = asked;
        none.traces.iter_mut().for_each(|trace| "2".clone_into(&mut trace.kind));
        if who_is_fine(subscriber) {
            none.refusals.push(edi::refusal("AA"));
        }
        subscriber.events = vec![none];
    }
    Some(Transaction::Review(set))
}

fn who_is_fine(subscriber: &t278::Subscriber) -> bool {
    subscriber.member.as_ref().is_some_and(|member| member.refusals.is_empty())
}

/// A case as an event: the trace of the question, that of the request it began with, and how it stands.
fn shown(asked: &t278::PatientEvent, case: &Case, number: &mut u32) -> t278::PatientEvent {
    let trace = |value: &str, company: &str| Trn {
        kind: "2".to_owned(),
        number: value.to_owned(),
        company: company.to_owned(),
        ..Trn::default()
    };
    let company = asked.traces.first().map(|t| t.company.clone()).unwrap_or_default();
    let mut traces: Vec<Trn> = asked.traces.iter().map(|t| trace(&t.number, &t.company)).collect();
    // A request without a reference of its own is named as the payer names it.
    let own = case.filing.provider_reference.as_str();
    traces.push(trace(if own.is_empty() { &case.id } else { own }, &company));
    let mut level = |parent: &str, of: &str, children: &str| {
        *number += 1;
        Hl {
            number: number.to_string(),
            parent: parent.to_owned(),
            level: of.to_owned(),
            children: children.to_owned(),
            ..Hl::default()
        }
    };
    let hl = level(&asked.hl.parent, "EV", "1");
    let service = |line: &CaseLine| {
        let mut sv1 = Sv1 { unit: "UN".to_owned(), ..Sv1::default() };
        "HC".clone_into(&mut sv1.procedure.list);
        line.code.clone_into(&mut sv1.procedure.code);
        t278::Service {
            hl: level(&hl.number, "SS", "0"),
            um: asked.um.clone(),
            professional: Some(sv1),
            ..t278::Service::default()
        }
    };
    let services = case.lines.iter().map(service).collect();
    let um = asked.um.clone();
    let mut event =
        t278::PatientEvent { hl, traces, um, services, ..t278::PatientEvent::default() };
    decided(&mut event, case);
    event
}
