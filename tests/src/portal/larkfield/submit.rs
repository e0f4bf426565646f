//! The one write that files a request. Its arrival is put on record, and whatever a fault does to the answer, the record
//! says what really happened. It is filed under the tax number acted for, right or wrong.

use axum::{Json, http::StatusCode, response::Response};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    desk::{Desk, answer, refused, wrong},
    members,
    services::{self, Services},
    shown,
};
use crate::{
    ledger::Entry,
    portal::{
        call::{WriteMode, half},
        html::read_date,
        sim::committed,
        store::{Case, Document, Filed, FiledLine, Filing},
        tls::Cut,
        world::Member,
    },
};

/// A request as the page sends it.
#[derive(Deserialize)]
pub(super) struct Submit {
    #[serde(rename = "ref")]
    reference: String,
    from: String,
    to: String,
    #[serde(flatten)]
    services: Services,
    #[serde(default)]
    uploads: Vec<String>,
    #[serde(default, rename = "yourReference")]
    your_reference: String,
    #[serde(default)]
    answer: String,
}

/// A code for the ledger and words for the page.
type Wrong = (&'static str, &'static str);

fn documents(desk: &Desk, ids: &[String]) -> Result<Vec<Document>, Wrong> {
    let uploads = services::uploads(desk);
    let document = |id: &String| {
        let upload = uploads.iter().find(|upload| upload["id"] == id.as_str());
        let upload = upload.filter(|upload| upload["never"] != true);
        let upload = upload.ok_or(("document", "A document is not ready yet."))?;
        let text = |name: &str| upload[name].as_str().unwrap_or_default().to_owned();
        Ok(Document {
            kind: "Clinical document".to_owned(),
            name: text("name"),
            size_bytes: upload["size"].as_u64().unwrap_or(0),
            sha256: text("sha256"),
        })
    };
    ids.iter().map(document).collect()
}

fn read(desk: &Desk, member: &Member, submit: &Submit) -> Result<Filing, Wrong> {
    let dates = members::dates(desk, member, &submit.from, &submit.to);
    let (from, to) = dates.map_err(|words| ("dates", words))?;
    let asked = &submit.services;
    services::judge(asked)?;
    let id = &asked.decision;
    services::decision(&desk.sim, id, &member.member_id, asked, &from.to_string())
        .map_err(|words| ("decision", words))?;
    let documents = documents(desk, &submit.uploads)?;
    if desk.kept("question") == true && submit.answer.trim().is_empty() {
        return Err(("question", "Answer the question about an accident."));
    }
    if submit.your_reference.chars().count() > 30 {
        return Err(("reference", "Your reference has at most 30 characters."));
    }
    let line =
        |line: &services::Line| FiledLine { code: line.code.clone(), units: line.units, from, to };
    Ok(Filing {
        member_id: member.member_id.clone(),
        plan: member.plan.clone(),
        request_type: asked.place.clone(),
        requesting_npi: desk.npi().to_owned(),
        servicing_npi: asked.servicing_npi.trim().to_owned(),
        diagnoses: asked.diagnoses.clone(),
        lines: asked.lines.iter().map(line).collect(),
        provider_reference: submit.your_reference.trim().to_owned(),
        expedited: asked.urgency == "urgent",
        six_weeks_of_therapy: false,
        documents,
    })
}

/// The fields of a request as they arrived, for the ledger: also those of a request that is then refused.
fn fields(desk: &Desk, submit: &Submit) -> Value {
    let iso = |text: &str| read_date(text).map_or_else(|| text.to_owned(), |date| date.to_string());
    let (from, to) = (iso(&submit.from), iso(&submit.to));
    let member = members::behind(desk, &submit.reference);
    let lines: Vec<Value> = submit
        .services
        .lines
        .iter()
        .map(|line| {
            json!({"code": line.code, "units": line.units, "from": from, "to": to,
            "modifiers": line.modifiers})
        })
        .collect();
    json!({
        "memberId": member.map_or("", |member| member.member_id.as_str()),
        "tin": desk.tin(),
        "requestingNpi": desk.npi(),
        "servicingNpi": submit.services.servicing_npi,
        "requestType": submit.services.place,
        "diagnoses": submit.services.diagnoses,
        "from": from,
        "lines": lines,
        "expedited": submit.services.urgency == "urgent",
        "decision": submit.services.decision,
        "providerReference": submit.your_reference,
        "documents": submit.uploads.len(),
    })
}

/// What the page shows when the payer failed; before and after a record it is the same.
pub(super) fn went_wrong(status: StatusCode) -> Response {
    refused(status, "We hit a problem. Please try again.")
}

/// An open request just like this one: same member, codes with units, dates, provider and tax number.
fn on_file(desk: &Desk, filing: &Filing) -> Option<Case> {
    let key = |filing: &Filing| {
        let mut lines: Vec<_> = filing
            .lines
            .iter()
            .map(|line| (line.code.clone(), line.units, line.from, line.to))
            .collect();
        lines.sort();
        (filing.member_id.clone(), filing.requesting_npi.clone(), lines)
    };
    let now = desk.sim.now();
    desk.sim.store.all().into_iter().find(|case| {
        let view = shown::now(&desk.sim, case, 0);
        let open = ["Pended", "In review"].contains(&view.words(case.received_at, now));
        case.recorded && open && key(&case.filing) == key(filing)
    })
}

/// `POST /api/requests`
pub(super) async fn submit(desk: Desk, Json(submit): Json<Submit>) -> Response {
    let received = desk.note(Entry::new("submit_received").fields(fields(&desk, &submit)));
    let mode = WriteMode::of(&desk.call);
    match mode {
        WriteMode::CutBefore => return desk.call.cut(&desk.sim, Cut::Reset).await,
        WriteMode::ErrorBefore => return went_wrong(StatusCode::BAD_GATEWAY),
        _ => {}
    }
    let no = |code: &str| {
        let entry = Entry::new("submit_refused").with("code", code);
        desk.note(entry.with("received_seq", received));
    };
    let Some(member) = members::behind(&desk, &submit.reference) else {
        no("member");
        return wrong("Search for the member again.");
    };
    let filing = match read(&desk, member, &submit) {
        Ok(filing) => filing,
        Err((code, words)) => {
            no(code);
            return wrong(words);
        }
    };
    let delegated =
        member.imaging_delegated && filing.lines.iter().any(|line| line.code == "72148");
    if delegated {
        no("delegated");
        return wrong("Managed by Verity Review. Send this request there.");
    }
    if let Some(case) = on_file(&desk, &filing) {
        desk.note(Entry::new("duplicate").with("how", "existing number"));
        no("duplicate");
        return refused(StatusCode::CONFLICT, &format!("Already on file: {}", case.id));
    }
    let before = desk.sim.store.all().into_iter().rev().find(|case| case.recorded);
    let case = record(&desk, filing.clone(), received, mode);
    if desk.call.fires("records-twice") {
        record(&desk, filing, received, mode);
    }
    respond(&desk, &case, before, mode).await
}

/// Records a request now, or later where the fault says so.
fn record(desk: &Desk, filing: Filing, received_seq: u64, mode: WriteMode) -> Case {
    let sim = &desk.sim;
    let from = Filed {
        payer: sim.profile.slug,
        account: &desk.session.account.id,
        origin: &desk.session.account.origin,
        received_seq,
        now: sim.now(),
        imaging_delegated: false,
    };
    let odd_shape = desk.call.fires("number-format");
    let mut case = super::file(sim, &from, filing, &desk.tin(), odd_shape);
    if !sim.keep_as(&mut case, mode) {
        return case;
    }
    desk.note(committed(&case, mode.answered(), mode.name()));
    for used in ["uploads", "question"] {
        desk.taken(used);
    }
    case
}

/// Answers a recorded request, as well or as badly as the mode says.
async fn respond(desk: &Desk, case: &Case, before: Option<Case>, mode: WriteMode) -> Response {
    match mode {
        WriteMode::CutAfter => return desk.call.cut(&desk.sim, Cut::Reset).await,
        WriteMode::CloseAfter => return desk.call.cut(&desk.sim, Cut::Close).await,
        WriteMode::Never => return desk.call.hang(&desk.sim).await,
        WriteMode::ErrorAfter => return went_wrong(StatusCode::BAD_GATEWAY),
        WriteMode::TimeoutAfter => return went_wrong(StatusCode::REQUEST_TIMEOUT),
        WriteMode::Late(_) => return went_wrong(StatusCode::SERVICE_UNAVAILABLE),
        WriteMode::ErrorShown => return wrong("Enter 1 to 14 service lines with units."),
        WriteMode::Plain | WriteMode::Half | WriteMode::StaleNumber => {}
        WriteMode::CutBefore | WriteMode::ErrorBefore => {}
    }
    let stale = before.filter(|_| mode == WriteMode::StaleNumber);
    let number = stale.as_ref().map_or(case.id.as_str(), |before| before.id.as_str());
    let toast = desk.call.fires("double-answer").then_some("The request could not be saved.");
    let answer = answer(StatusCode::CREATED, json!({"number": number, "toast": toast}));
    if mode == WriteMode::Half { half(&desk.call, answer).await } else { answer }
}
