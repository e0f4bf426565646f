//! After a request was sent: the list of the tax number acted for, one request, and the writes that change one: an edit,
//! documents, the booking of a talk with a reviewer. Requests of other tax numbers do not exist here.

use axum::{
    Json,
    body::Bytes,
    extract::{Path, Query},
    http::StatusCode,
    response::Response,
};
use jiff::{Timestamp, Zoned, civil::Weekday};
use serde::Deserialize;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::{
    central,
    desk::{DOWN, Desk, good, refused, wrong},
    number,
    services::{FileName, refusal},
    shown::{self, View},
    submit::went_wrong,
};
use crate::{
    ledger::{Entry, hex},
    portal::{
        call::WriteMode,
        decide::LineStatus,
        html::us_date,
        store::{Case, Document, Told, opposite},
        tls::Cut,
        world::world,
    },
};

/// Rows on a page of the list.
const PAGE: usize = 10;

/// Is the case one of the tax number acted for?
pub(super) fn ours(desk: &Desk, case: &Case) -> bool {
    let tin = desk.sim.kept.get(&format!("tin/{}", case.id));
    tin.as_ref().and_then(Value::as_str) == Some(desk.tin().as_str())
}

fn name_of(case: &Case) -> String {
    let member = world().member_by_id(super::PROFILE.slug, &case.filing.member_id);
    member.map(crate::portal::world::Member::name).unwrap_or_default()
}

/// Does a case fit what was typed: a number, or the member's identifier or name?
pub(super) fn fits(case: &Case, typed: &str) -> bool {
    let typed = typed.trim().to_uppercase();
    typed.is_empty()
        || case.numbers.iter().any(|number| number.value.to_uppercase() == typed)
        || case.filing.member_id.to_uppercase() == typed
        || name_of(case).to_uppercase().contains(&typed)
}

/// `03/02/2026 08:07 AM CT`
fn moment(at: Timestamp) -> String {
    central(at).strftime("%m/%d/%Y %I:%M %p CT").to_string()
}

fn codes(case: &Case) -> String {
    case.lines.iter().map(|line| line.code.as_str()).collect::<Vec<_>>().join(", ")
}

/// Which requests.
#[derive(Deserialize)]
pub(super) struct ListQuery {
    #[serde(default)]
    q: String,
    #[serde(default)]
    page: usize,
}

/// `GET /api/requests`: by last change, newest first; rows move while somebody turns pages.
pub(super) async fn list(desk: Desk, Query(query): Query<ListQuery>) -> Response {
    let mut extras = desk.extras();
    if desk.down() {
        return good(json!({"rows": [], "banner": DOWN, "overlay": extras["overlay"]}));
    }
    let now = desk.sim.now();
    let mut cases = desk.sim.store.all();
    cases.retain(|case| case.recorded && ours(&desk, case) && fits(case, &query.q));
    cases.sort_by(|a, b| b.changed_at.cmp(&a.changed_at).then(b.ordinal.cmp(&a.ordinal)));
    if desk.call.fires("search-empty-while-down") {
        cases.clear();
    }
    if desk.call.fires("paging-drift") && !cases.is_empty() {
        cases.rotate_left(1);
    }
    let row = |case: &Case| {
        let view = shown::now(&desk.sim, case, 0);
        let (from, to) = case.service_dates();
        json!({
            "number": case.id, "member": name_of(case), "codes": codes(case),
            "npi": case.filing.requesting_npi,
            "from": us_date(from), "to": us_date(to), "received": moment(case.received_at),
            "status": view.words(case.received_at, now),
        })
    };
    let total = cases.len();
    let rows: Vec<Value> = cases.iter().skip(query.page * PAGE).take(PAGE).map(row).collect();
    let search = if query.q.is_empty() { "all" } else { "search" };
    desk.note(
        Entry::new("list").with("page", "requests").with("by", search).with("rows", rows.len()),
    );
    extras["more"] = json!(total > (query.page + 1) * PAGE);
    extras["message"] = json!(if total == 0 { "No requests found for this TIN." } else { "" });
    extras["rows"] = json!(rows);
    good(extras)
}

/// The case of a number, if it may be seen under the tax number acted for.
fn found(desk: &Desk, number: &str) -> Result<Case, Box<Response>> {
    let case = desk.sim.store.find(number.trim());
    let case = case.ok_or_else(|| Box::new(refused(StatusCode::NOT_FOUND, "No such request.")))?;
    if ours(desk, &case) {
        return Ok(case);
    }
    Err(Box::new(refused(StatusCode::FORBIDDEN, "You don't have access to this TIN.")))
}

/// What a request is asked with: right after it was sent, or later.
#[derive(Deserialize)]
pub(super) struct DetailQuery {
    #[serde(default)]
    result: String,
}

/// `GET /api/requests/{number}`
pub(super) async fn detail(
    desk: Desk,
    Path(id): Path<String>,
    Query(query): Query<DetailQuery>,
) -> Response {
    let case = match found(&desk, &id) {
        Ok(case) => case,
        Err(answer) => return *answer,
    };
    let result = !query.result.is_empty();
    if desk.down() && !result {
        return refused(StatusCode::SERVICE_UNAVAILABLE, DOWN);
    }
    let late = desk.call.fault("status-lags").map_or(0, |fault| fault.argument.unwrap_or(24));
    let mut view = shown::now(&desk.sim, &case, late);
    if desk.call.fires("portal-contradicts") || case.contradicted.contains(&Told::Portal) {
        opposite(&mut view.lines);
    }
    let kind = if result { "number_shown" } else { "status" };
    desk.note(Entry::new(kind).with("case", case.id.as_str()));
    let mut body = facts(&desk, &case, &view);
    let extras = desk.extras();
    for (name, value) in extras.as_object().into_iter().flatten() {
        body[name] = value.clone();
    }
    good(body)
}

fn facts(desk: &Desk, case: &Case, view: &View) -> Value {
    let filing = &case.filing;
    let provider = |npi: &str| {
        let name = world().provider(npi).map_or("", |provider| provider.name.as_str());
        format!("{name}, NPI {npi}")
    };
    let granted = view.lines.iter().any(|line| line.status.granted());
    let lines: Vec<Value> = view
        .lines
        .iter()
        .map(|line| {
            let approved = line.granted.unwrap_or(0).to_string();
            json!({
                "code": line.code, "units": line.units,
                "approved": if line.status.is_final() { approved } else { String::new() },
                "from": us_date(line.from), "to": us_date(line.to),
                "status": shown::line_words(line.status),
            })
        })
        .collect();
    let pended = !view.is_final();
    json!({
        "number": case.id,
        "status": view.words(case.received_at, desk.sim.now()),
        "authorization": if granted { json!(case.number("authorization")) } else { Value::Null },
        "pend": if pended { json!(case.number("pend")) } else { Value::Null },
        "member": name_of(case), "memberId": filing.member_id,
        "requesting": provider(&filing.requesting_npi),
        "servicing": provider(&filing.servicing_npi),
        "tin": desk.tin(),
        "place": filing.request_type,
        "diagnoses": filing.diagnoses.join(", "),
        "urgency": if filing.expedited { "Urgent" } else { "Standard" },
        "reference": filing.provider_reference,
        "received": moment(case.received_at),
        "validFrom": view.valid_from.map(us_date), "validTo": view.valid_to.map(us_date),
        "wanted": view.wanted,
        "documents": filing.documents.iter().map(|one| one.name.as_str()).collect::<Vec<_>>(),
        "lines": lines,
        "peerToPeer": deadline(view).filter(|until| desk.sim.now() < until.timestamp())
            .map(|until| until.strftime("%m/%d/%Y %I:%M %p CT").to_string()),
        "editable": editable(desk, case, view),
    })
}

/// Until when a reviewer can be talked to about a refusal: the end of the fifth working day after it.
pub(super) fn deadline(view: &View) -> Option<Zoned> {
    let refused =
        view.lines.iter().any(|line| line.status == LineStatus::Denied && line.rule == "DE-11");
    if !refused || !view.is_final() {
        return None;
    }
    let mut day = central(view.at).date();
    let mut left = 5;
    while left > 0 {
        day = day.tomorrow().ok()?;
        if !matches!(day.weekday(), Weekday::Saturday | Weekday::Sunday) {
            left -= 1;
        }
    }
    day.at(17, 0, 0, 0).to_zoned(central(view.at).time_zone().clone()).ok()
}

/// Changes are taken while the portal shows the request as undecided and its dates are not over.
fn editable(desk: &Desk, case: &Case, view: &View) -> bool {
    !view.is_final() && desk.sim.today() <= case.service_dates().1
}

/// A write that has been put on record and noted: how it is answered.
async fn answered(desk: &Desk, mode: WriteMode, body: Value) -> Response {
    match mode {
        WriteMode::CutAfter => desk.call.cut(&desk.sim, Cut::Reset).await,
        WriteMode::CloseAfter => desk.call.cut(&desk.sim, Cut::Close).await,
        WriteMode::ErrorAfter => went_wrong(StatusCode::BAD_GATEWAY),
        WriteMode::Never => desk.call.hang(&desk.sim).await,
        _ => good(body),
    }
}

/// A write arrives: it is noted, and stopped where a fault says so.
async fn arrives(desk: &Desk, kind: &str, fields: Value) -> Result<(u64, WriteMode), Response> {
    let received = desk.note(Entry::new(&format!("{kind}_received")).fields(fields));
    let mode = WriteMode::of(&desk.call);
    match mode {
        WriteMode::CutBefore => Err(desk.call.cut(&desk.sim, Cut::Reset).await),
        WriteMode::ErrorBefore => Err(went_wrong(StatusCode::BAD_GATEWAY)),
        _ => Ok((received, mode)),
    }
}

fn refuse(desk: &Desk, kind: &str, received: u64, code: &str) {
    let entry = Entry::new(&format!("{kind}_refused")).with("code", code);
    desk.note(entry.with("received_seq", received));
}

fn commit(desk: &Desk, kind: &str, received: u64, case: &Case, mode: WriteMode) -> Entry {
    let entry = Entry::new(&format!("{kind}_committed"))
        .with("effect", true)
        .with("received_seq", received)
        .with("case", case.id.as_str())
        .with("answered", mode.answered());
    // The account stands in the entry's stamp; the case is put on disk with it.
    desk.sim.keep(case);
    entry
}

/// A change of a request.
#[derive(Deserialize)]
pub(super) struct Edit {
    units: Vec<u32>,
    #[serde(default)]
    reference: String,
}

/// `POST /api/requests/{number}/edit`
pub(super) async fn edit(desk: Desk, Path(id): Path<String>, Json(edit): Json<Edit>) -> Response {
    let fields = json!({"case": id, "units": edit.units});
    let (received, mode) = match arrives(&desk, "edit", fields).await {
        Ok(arrived) => arrived,
        Err(answer) => return answer,
    };
    let mut case = match found(&desk, &id) {
        Ok(case) => case,
        Err(answer) => return *answer,
    };
    let view = shown::now(&desk.sim, &case, 0);
    if !editable(&desk, &case, &view) {
        refuse(&desk, "edit", received, "call_us");
        return refused(StatusCode::CONFLICT, "Call us to change this request.");
    }
    let fits =
        edit.units.len() == case.lines.len() && edit.units.iter().all(|u| (1..=999).contains(u));
    if !fits || edit.reference.chars().count() > 30 {
        refuse(&desk, "edit", received, "units");
        return wrong("Units are between 1 and 999.");
    }
    for (line, units) in case.lines.iter_mut().zip(&edit.units) {
        line.units = *units;
    }
    for (line, units) in case.filing.lines.iter_mut().zip(&edit.units) {
        line.units = *units;
    }
    case.filing.provider_reference = edit.reference.trim().to_owned();
    case.changed_at = desk.sim.now();
    shown::remember(&desk.sim, &case);
    let entry = commit(&desk, "edit", received, &case, mode);
    desk.note(entry);
    answered(&desk, mode, json!({"message": "Your changes were sent."})).await
}

/// `POST /api/requests/{number}/documents?name=`: a document for a request that waits for one.
pub(super) async fn attach(
    desk: Desk,
    Path(id): Path<String>,
    Query(file): Query<FileName>,
    body: Bytes,
) -> Response {
    let fields = json!({"case": id, "size_bytes": body.len()});
    let (received, mode) = match arrives(&desk, "attach", fields).await {
        Ok(arrived) => arrived,
        Err(answer) => return answer,
    };
    let mut case = match found(&desk, &id) {
        Ok(case) => case,
        Err(answer) => return *answer,
    };
    if refusal(&file.name, &body).is_some() || desk.struck("upload-refused") {
        refuse(&desk, "attach", received, "file");
        return wrong("Upload failed.");
    }
    // Documents are matched to what was asked for in the order they come.
    let Some(kind) = case.wanted.first().cloned() else {
        refuse(&desk, "attach", received, "not_asked");
        return refused(StatusCode::CONFLICT, "Call us to change this request.");
    };
    let document = Document {
        kind,
        name: file.name,
        size_bytes: body.len() as u64,
        sha256: hex(&Sha256::digest(&body)),
    };
    case.take_document(document, desk.sim.now());
    let receipt = number(&desk.sim, "receipt", false);
    case.numbers.push(receipt.clone());
    shown::remember(&desk.sim, &case);
    let entry = commit(&desk, "attach", received, &case, mode);
    desk.note(entry.with("numbers", json!([receipt])));
    answered(&desk, mode, json!({"message": "Document received.", "receipt": receipt.value})).await
}

/// When somebody wants to talk to a reviewer.
#[derive(Deserialize)]
pub(super) struct Talk {
    physician: String,
    phone: String,
    slot: String,
}

/// `POST /api/p2p/{number}`
pub(super) async fn peer_to_peer(
    desk: Desk,
    Path(id): Path<String>,
    Json(talk): Json<Talk>,
) -> Response {
    let fields =
        json!({"case": id, "slot": talk.slot, "physician_given": !talk.physician.is_empty()});
    let (received, mode) = match arrives(&desk, "p2p", fields).await {
        Ok(arrived) => arrived,
        Err(answer) => return answer,
    };
    let mut case = match found(&desk, &id) {
        Ok(case) => case,
        Err(answer) => return *answer,
    };
    let view = shown::now(&desk.sim, &case, 0);
    if deadline(&view).is_none_or(|until| desk.sim.now() >= until.timestamp()) {
        refuse(&desk, "p2p", received, "too_late");
        return refused(StatusCode::CONFLICT, "A peer-to-peer is not available for this request.");
    }
    if [&talk.physician, &talk.phone, &talk.slot].iter().any(|text| text.trim().is_empty()) {
        refuse(&desk, "p2p", received, "fields");
        return wrong("Enter a physician, a phone number and a time.");
    }
    case.history.push((desk.sim.now(), "Peer-to-peer booked".to_owned()));
    let entry = commit(&desk, "p2p", received, &case, mode);
    desk.note(entry);
    answered(&desk, mode, json!({"message": format!("Booked for {}.", talk.slot)})).await
}
