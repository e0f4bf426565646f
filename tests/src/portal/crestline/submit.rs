//! The writes of Crestline Connect: filing a request, and sending documents that were asked for. Each arrival is put on
//! record, and whatever a fault does to the answer, the record says what really happened.

use std::sync::Arc;

use axum::{
    Extension, Json,
    body::Bytes,
    extract::{Path, Query, State},
    http::StatusCode,
    response::Response,
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    PLANS,
    apps::{admitted, receive, uploads_of},
    case_words,
    hub::{error, json},
    number, redesign,
};
use crate::{
    ledger::Entry,
    portal::{
        accounts::PortalSession,
        call::{Call, WriteMode, half},
        html::read_date,
        sim::{Sim, committed},
        store::{Case, Document, Filed, FiledLine, Filing},
        tls::Cut,
        world::world,
    },
};

type Shared = State<Arc<Sim>>;

/// A request as the page sends it.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Submit {
    plan: String,
    request_type: String,
    member_id: String,
    requesting_npi: String,
    servicing_npi: String,
    diagnoses: Vec<String>,
    lines: Vec<SubmitLine>,
    #[serde(default)]
    expedited: bool,
    #[serde(default)]
    documents: Vec<String>,
    #[serde(default)]
    provider_reference: String,
    #[serde(default)]
    accurate: bool,
    #[serde(default)]
    answer: String,
}

#[derive(Deserialize)]
struct SubmitLine {
    code: String,
    units: u32,
    from: String,
    to: String,
}

/// What is wrong with a request: a code for the ledger and words for the page.
type Wrong = (&'static str, &'static str);

fn read_lines(lines: &[SubmitLine]) -> Result<Vec<FiledLine>, Wrong> {
    if lines.is_empty() || lines.len() > 10 {
        return Err(("lines", "Enter between 1 and 10 service lines."));
    }
    let line = |line: &SubmitLine| {
        if world().procedure(&line.code).is_none() {
            return Err(("code", "Select a code from the list."));
        }
        if line.units == 0 || line.units > 999 {
            return Err(("units", "Units are between 1 and 999."));
        }
        let dates = read_date(&line.from).zip(read_date(&line.to));
        let Some((from, to)) = dates.filter(|(from, to)| from <= to) else {
            return Err(("dates", "Enter dates as MM/DD/YYYY, from before to."));
        };
        Ok(FiledLine { code: line.code.clone(), units: line.units, from, to })
    };
    lines.iter().map(line).collect()
}

fn read_documents(
    sim: &Sim,
    session: &PortalSession,
    ids: &[String],
) -> Result<Vec<Document>, Wrong> {
    let uploads = uploads_of(sim, session);
    let mut documents = Vec::new();
    for id in ids {
        let Some(upload) = uploads.iter().find(|upload| upload["id"] == id.as_str()) else {
            return Err(("document", "A file was not received. Add it again."));
        };
        if upload["never"] == true {
            return Err(("scan", "A file is still being scanned."));
        }
        let text = |name: &str| upload[name].as_str().unwrap_or_default().to_owned();
        documents.push(Document {
            kind: "Clinical note".to_owned(),
            name: text("name"),
            size_bytes: upload["size"].as_u64().unwrap_or(0),
            sha256: text("sha256"),
        });
    }
    Ok(documents)
}

fn read(sim: &Sim, session: &PortalSession, submit: &Submit) -> Result<Filing, Wrong> {
    if !PLANS.iter().any(|(code, _)| *code == submit.plan) {
        return Err(("plan", "Select a payer."));
    }
    if !["Inpatient", "Outpatient", "Referral"].contains(&submit.request_type.as_str()) {
        return Err(("type", "Select a request type."));
    }
    let member = world().member_by_id("crestline", &submit.member_id);
    if member.is_none_or(|member| member.plan != submit.plan) {
        return Err(("member", "No patient found."));
    }
    let picked = |npi: &str| world().provider(npi).is_some_and(|provider| provider.hub_pick);
    if !picked(&submit.requesting_npi) || !picked(&submit.servicing_npi) {
        return Err(("provider", "Select both providers."));
    }
    let known = |code: &String| world().diagnosis(code).is_some();
    if submit.diagnoses.is_empty()
        || submit.diagnoses.len() > 12
        || !submit.diagnoses.iter().all(known)
    {
        return Err(("diagnosis", "Enter between 1 and 12 diagnoses."));
    }
    let lines = read_lines(&submit.lines)?;
    let documents = read_documents(sim, session, &submit.documents)?;
    if submit.request_type == "Inpatient" && documents.is_empty() {
        return Err(("document", "Inpatient requests need a document."));
    }
    if submit.provider_reference.chars().count() > 30 {
        return Err(("reference", "The provider reference has at most 30 characters."));
    }
    if session.data.contains_key("question") && submit.answer.trim().is_empty() {
        return Err(("question", "Place of residence at onset is required."));
    }
    if !submit.accurate {
        return Err(("accurate", "Confirm that the information is accurate."));
    }
    Ok(Filing {
        member_id: submit.member_id.clone(),
        plan: submit.plan.clone(),
        request_type: submit.request_type.clone(),
        requesting_npi: submit.requesting_npi.clone(),
        servicing_npi: submit.servicing_npi.clone(),
        diagnoses: submit.diagnoses.clone(),
        lines,
        provider_reference: submit.provider_reference.trim().to_owned(),
        expedited: submit.expedited,
        six_weeks_of_therapy: session.data.get("therapy") == Some(&json!(true)),
        documents,
    })
}

/// A request that is sent on instead of being filed; only what the reviewer needs is judged.
pub(super) fn unsent(submit: &Submit) -> Option<Filing> {
    let member = world().member_by_id("crestline", &submit.member_id)?;
    let requesting = world().provider(&submit.requesting_npi)?;
    Some(Filing {
        member_id: member.member_id.clone(),
        plan: member.plan.clone(),
        request_type: submit.request_type.clone(),
        requesting_npi: requesting.npi.clone(),
        servicing_npi: submit.servicing_npi.clone(),
        diagnoses: submit.diagnoses.clone(),
        lines: read_lines(&submit.lines).ok()?,
        ..Filing::default()
    })
}

/// The fields of a request as they arrived, for the ledger: also those of a request that is then refused.
fn fields(submit: &Submit) -> Value {
    let iso = |text: &str| read_date(text).map_or_else(|| text.to_owned(), |date| date.to_string());
    let lines: Vec<Value> = submit
        .lines
        .iter()
        .map(|line| {
            json!({"code": line.code, "units": line.units, "from": iso(&line.from), "to": iso(&line.to)})
        })
        .collect();
    let from = lines.iter().filter_map(|line| line["from"].as_str()).min().unwrap_or_default();
    json!({
        "plan": submit.plan,
        "requestType": submit.request_type,
        "memberId": submit.member_id,
        "requestingNpi": submit.requesting_npi,
        "servicingNpi": submit.servicing_npi,
        "diagnoses": submit.diagnoses,
        "from": from,
        "lines": lines,
        "expedited": submit.expedited,
        "providerReference": submit.provider_reference,
        "documents": submit.documents.len(),
    })
}

/// What the page shows when the hub failed; before and after a record it is the same.
fn went_wrong(sim: &Sim, status: StatusCode) -> Response {
    error(status, &format!("Something went wrong. Reference {}.", sim.uuid("error")))
}

/// `POST /api/service-reviews`
pub(super) async fn submit(
    State(sim): Shared,
    Extension(call): Extension<Call>,
    Json(submit): Json<Submit>,
) -> Response {
    let session = match admitted(&sim, &call) {
        Ok(session) => session,
        Err(answer) => {
            sim.note(&call, Entry::new("submit_refused").with("code", "signed_out"));
            return *answer;
        }
    };
    sim.page_delay(900).await;
    let received_seq = sim.note(&call, Entry::new("submit_received").fields(fields(&submit)));
    let mode = WriteMode::of(&call);
    match mode {
        WriteMode::CutBefore => return call.cut(&sim, Cut::Reset).await,
        WriteMode::ErrorBefore => return went_wrong(&sim, StatusCode::BAD_GATEWAY),
        _ => {}
    }
    let filing = match read(&sim, session, &submit) {
        Ok(filing) => filing,
        Err((code, words)) => {
            let entry = Entry::new("submit_refused").with("code", code);
            sim.note(&call, entry.with("received_seq", received_seq));
            return error(StatusCode::UNPROCESSABLE_ENTITY, words);
        }
    };
    if call.fires("records-twice") {
        record(&sim, &call, session, filing.clone(), received_seq, mode);
    }
    let case = record(&sim, &call, session, filing, received_seq, mode);
    answer(&sim, &call, session, &case, mode).await
}

/// Records a request now, or later where the fault says so.
fn record(
    sim: &Sim,
    call: &Call,
    session: &PortalSession,
    filing: Filing,
    received_seq: u64,
    mode: WriteMode,
) -> Case {
    let member = world().member_by_id("crestline", &filing.member_id);
    let from = Filed {
        payer: "crestline",
        account: &session.account.id,
        origin: &session.account.origin,
        received_seq,
        now: sim.now(),
        imaging_delegated: member.is_some_and(|member| member.imaging_delegated),
    };
    let mut case = super::file(sim, &from, filing, call.fires("number-format"));
    if !sim.keep_as(&mut case, mode) {
        return case;
    }
    sim.note(call, committed(&case, mode.answered(), mode.name()));
    sim.sessions.change(&session.token, |s| {
        for used in ["uploads", "therapy", "question"] {
            s.data.remove(used);
        }
    });
    case
}

/// Answers a recorded request, as well or as badly as the mode says.
async fn answer(
    sim: &Sim,
    call: &Call,
    session: &PortalSession,
    case: &Case,
    mode: WriteMode,
) -> Response {
    match mode {
        WriteMode::CutAfter => return call.cut(sim, Cut::Reset).await,
        WriteMode::CloseAfter => return call.cut(sim, Cut::Close).await,
        WriteMode::Never => return call.hang(sim).await,
        WriteMode::ErrorAfter => return went_wrong(sim, StatusCode::BAD_GATEWAY),
        WriteMode::TimeoutAfter => return went_wrong(sim, StatusCode::REQUEST_TIMEOUT),
        WriteMode::Late(_) => {
            return error(StatusCode::SERVICE_UNAVAILABLE, "The payer is busy. Try again later.");
        }
        WriteMode::ErrorShown => {
            return error(
                StatusCode::UNPROCESSABLE_ENTITY,
                "Units are not valid for this service.",
            );
        }
        WriteMode::Plain | WriteMode::Half | WriteMode::StaleNumber => {}
        WriteMode::CutBefore | WriteMode::ErrorBefore => {}
    }
    let key = Sim::secret();
    let shown = shown_number(sim, session, case, mode);
    let confirmation = json!({
        "case": case.id,
        "number": shown,
        "status": case_words(case),
        "transaction": case.number("transaction"),
        "half": mode == WriteMode::Half,
        "toast": call.fires("double-answer"),
        "read": false,
    });
    sim.kept.put(&format!("confirmation/{key}"), confirmation);
    json(StatusCode::CREATED, json!({"key": key}))
}

/// The number the confirmation shows: its own, or by a fault the one before it.
fn shown_number(sim: &Sim, session: &PortalSession, case: &Case, mode: WriteMode) -> String {
    if mode != WriteMode::StaleNumber {
        return case.id.clone();
    }
    let cases = sim.store.all();
    let before = cases
        .iter()
        .rev()
        .find(|other| other.recorded && other.id != case.id && other.account == session.account.id);
    before
        .or_else(|| cases.iter().find(|o| o.id != case.id))
        .map_or_else(|| case.id.clone(), |o| o.id.clone())
}

/// `GET /api/confirmations/{key}`: readable once.
pub(super) async fn confirmation(
    State(sim): Shared,
    Extension(call): Extension<Call>,
    Path(key): Path<String>,
) -> Response {
    if let Err(answer) = admitted(&sim, &call) {
        return *answer;
    }
    let name = format!("confirmation/{key}");
    let gone = "This page is no longer available.";
    let Some(mut kept) = sim.kept.get(&name) else {
        return error(StatusCode::GONE, gone);
    };
    let case = kept["case"].as_str().unwrap_or_default().to_owned();
    if kept["read"] == true && sim.knobs.flag("confirm_once") {
        sim.note(&call, Entry::new("number_gone").with("case", case));
        return error(StatusCode::GONE, gone);
    }
    let shown = kept.clone();
    kept["read"] = json!(true);
    sim.kept.put(&name, kept);
    sim.note(
        &call,
        Entry::new("number_shown").with("case", case).with("value", shown["number"].clone()),
    );
    let toast = shown["toast"] == true;
    let status = shown["status"].as_str().unwrap_or_default();
    let answer = json(
        StatusCode::OK,
        json!({
            "title": "Request received",
            "text": "Your request was sent to the payer. This page will not be accessible after you leave it.",
            "number": shown["number"], "status": redesign::status(status, call.skin(&sim)), "transaction": shown["transaction"],
            "toast": toast.then_some("The request could not be saved."),
        }),
    );
    if shown["half"] == true { half(&call, answer).await } else { answer }
}

/// A document that was asked for.
#[derive(Deserialize)]
pub(super) struct Attachment {
    kind: String,
    name: String,
}

/// `POST /api/service-reviews/{number}/attachments?kind=&name=`
pub(super) async fn attach(
    State(sim): Shared,
    Extension(call): Extension<Call>,
    Path(id): Path<String>,
    Query(attachment): Query<Attachment>,
    body: Bytes,
) -> Response {
    if let Err(answer) = admitted(&sim, &call) {
        return *answer;
    }
    let mode = WriteMode::of(&call);
    let fields = json!({"case": id, "kind": attachment.kind, "size_bytes": body.len()});
    let received_seq = sim.note(&call, Entry::new("attach_received").fields(fields));
    match mode {
        WriteMode::CutBefore => return call.cut(&sim, Cut::Reset).await,
        WriteMode::ErrorBefore => return went_wrong(&sim, StatusCode::BAD_GATEWAY),
        _ => {}
    }
    let refused = |code: &str, words: &str| {
        let entry = Entry::new("attach_refused").with("code", code);
        sim.note(&call, entry.with("received_seq", received_seq));
        error(StatusCode::UNPROCESSABLE_ENTITY, words)
    };
    let Some(mut case) = sim.store.find(&id) else {
        return refused("unknown", "No matches");
    };
    if !case.wanted.contains(&attachment.kind) {
        return refused(
            "not_asked",
            "Nothing was asked for. Send documents by fax with the number.",
        );
    }
    let upload = match receive(&sim, &call, &attachment.name, &body, 0) {
        Ok(upload) => upload,
        Err(why) => return refused("file", &why),
    };
    let sha256 = upload["sha256"].as_str().unwrap_or_default().to_owned();
    let (kind, name) = (attachment.kind, attachment.name);
    case.take_document(Document { kind, name, size_bytes: body.len() as u64, sha256 }, sim.now());
    let receipt = number(&sim, "receipt", false);
    case.numbers.push(receipt.clone());
    sim.keep(&case);
    let entry = Entry::new("attach_committed")
        .with("effect", true)
        .with("received_seq", received_seq)
        .with("case", case.id.as_str())
        .with("numbers", json!([receipt]))
        .with("answered", mode.answered());
    sim.note(&call, entry);
    match mode {
        WriteMode::CutAfter => call.cut(&sim, Cut::Reset).await,
        WriteMode::CloseAfter => call.cut(&sim, Cut::Close).await,
        WriteMode::ErrorAfter => went_wrong(&sim, StatusCode::BAD_GATEWAY),
        WriteMode::Never => call.hang(&sim).await,
        _ => json(StatusCode::OK, json!({"receipt": receipt.value})),
    }
}
