//! The pre-check and the middle of a request: codes, providers, urgency, documents. Nothing here files anything. The
//! answer of a pre-check has a Decision ID, which is no authorization and holds for exactly what was checked.

use axum::{Json, body::Bytes, extract::Query, response::Response};
use serde::Deserialize;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::{
    desk::{Desk, good, wrong},
    members, number,
};
use crate::{
    ledger::{Entry, hex},
    portal::{
        decide::{self, Asked, LineStatus},
        html::read_date,
        sim::Sim,
        world::{Member, Provider, world},
    },
};

/// Places of service on offer.
pub(super) const PLACES: [&str; 3] = ["Inpatient hospital", "Outpatient", "Referral to specialist"];
/// Shown where codes have changed since the pre-check.
pub(super) const NO_MATCH: &str = "Decision no longer matches";
const NO_PROVIDER: &str = "Provider not found in directory.";
const FILES_MAX: usize = 6;
const BYTES_MAX: usize = 20 * 1024 * 1024;

/// A provider by number.
#[derive(Deserialize)]
pub(super) struct ProviderQuery {
    npi: String,
}

/// The provider in the directory.
pub(super) fn in_directory(npi: &str) -> Option<&'static Provider> {
    world().provider(npi.trim())
}

/// `GET /api/providers`
pub(super) async fn provider(desk: Desk, Query(query): Query<ProviderQuery>) -> Response {
    match in_directory(&query.npi).filter(|_| !desk.struck("provider-missing")) {
        Some(provider) => good(json!({"npi": provider.npi, "name": provider.name})),
        None => wrong(NO_PROVIDER),
    }
}

/// A code typed.
#[derive(Deserialize)]
pub(super) struct CodeQuery {
    kind: String,
    code: String,
}

/// `GET /api/codes`: is there such a code, and what is it in words?
pub(super) async fn code(desk: Desk, Query(query): Query<CodeQuery>) -> Response {
    let typed = query.code.trim().to_uppercase();
    let found = match query.kind.as_str() {
        "diagnosis" => world().diagnosis(&typed),
        _ => world().procedure(&typed),
    };
    match found.filter(|_| !desk.struck("retired-code")) {
        Some(code) => good(json!({"code": code.code, "text": code.text})),
        None => wrong("Code not found."),
    }
}

/// What is to be checked.
#[derive(Deserialize)]
pub(super) struct Precheck {
    #[serde(rename = "ref")]
    reference: String,
    diagnoses: Vec<String>,
    codes: Vec<String>,
    from: String,
    place: String,
}

/// What a decision holds for: another member, code or day needs another one.
fn fingerprint(member: &str, diagnoses: &[String], codes: &[&str], from: &str) -> String {
    let mut diagnoses: Vec<&str> = diagnoses.iter().map(String::as_str).collect();
    let mut codes = codes.to_vec();
    diagnoses.sort_unstable();
    codes.sort_unstable();
    format!("{member}|{}|{}|{from}", diagnoses.join(","), codes.join(","))
}

/// The words of the answer, by what the payer would make of such a request.
fn verdict(member: &Member, codes: &[String]) -> &'static str {
    let courses = decide::decide(&Asked {
        payer: super::PROFILE.slug,
        imaging_delegated: member.imaging_delegated,
        lines: codes.iter().map(|code| (code.as_str(), 1)).collect(),
        ..Asked::default()
    });
    let first = |course: &decide::Course| course.changes.first().map(|change| change.status);
    let any = |status| courses.iter().any(|course| first(course) == Some(status));
    let all = |status| courses.iter().all(|course| first(course) == Some(status));
    if any(LineStatus::Redirected) {
        "Managed by Verity Review"
    } else if all(LineStatus::Denied) {
        "Not a covered service"
    } else if all(LineStatus::NotRequired) {
        "Prior authorization not required"
    } else {
        "Prior authorization required"
    }
}

/// `POST /api/precheck`
pub(super) async fn precheck(desk: Desk, Json(asked): Json<Precheck>) -> Response {
    let Some(member) = members::behind(&desk, &asked.reference) else {
        return wrong("Search for the member again.");
    };
    let fits = (1..=10).contains(&asked.diagnoses.len()) && (1..=14).contains(&asked.codes.len());
    if !fits {
        return wrong("Enter 1 to 10 diagnoses and 1 to 14 procedures.");
    }
    let (Some(from), true) = (read_date(&asked.from), PLACES.contains(&asked.place.as_str()))
    else {
        return wrong("Choose a date and a place of service.");
    };
    let words = verdict(member, &asked.codes);
    let id = number(&desk.sim, "decision", desk.call.fires("number-format")).value;
    let codes: Vec<&str> = asked.codes.iter().map(String::as_str).collect();
    let holds = fingerprint(&member.member_id, &asked.diagnoses, &codes, &from.to_string());
    desk.sim.kept.put(&format!("decision/{id}"), json!(holds));
    let entry = Entry::new("precheck").with("result", words).with("decision", id.as_str());
    desk.note(entry.with("memberId", member.member_id.as_str()));
    good(json!({"result": words, "decision": id}))
}

/// Does a Decision ID hold for this request? An empty one does where none is needed.
pub(super) fn decision(
    sim: &Sim,
    id: &str,
    member: &str,
    asked: &Services,
    from: &str,
) -> Result<(), &'static str> {
    if id.trim().is_empty() {
        let needed = sim.knobs.flag("precheck_required");
        return if needed { Err("A Decision ID from the pre-check is required.") } else { Ok(()) };
    }
    let codes: Vec<&str> = asked.lines.iter().map(|line| line.code.as_str()).collect();
    let holds = fingerprint(member, &asked.diagnoses, &codes, from);
    let known = sim.kept.get(&format!("decision/{}", id.trim()));
    if known == Some(json!(holds)) { Ok(()) } else { Err(NO_MATCH) }
}

/// The services of a request.
#[derive(Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Services {
    pub(super) place: String,
    pub(super) servicing_npi: String,
    pub(super) diagnoses: Vec<String>,
    pub(super) lines: Vec<Line>,
    pub(super) urgency: String,
    #[serde(default)]
    pub(super) urgent_reason: String,
    #[serde(default)]
    pub(super) decision: String,
}

/// One service line.
#[derive(Clone, Deserialize)]
pub(super) struct Line {
    pub(super) code: String,
    pub(super) units: u32,
    #[serde(default)]
    pub(super) modifiers: String,
}

/// What is wrong with the services: a code for the ledger, words for the page.
pub(super) fn judge(services: &Services) -> Result<(), (&'static str, &'static str)> {
    if !PLACES.contains(&services.place.as_str()) {
        return Err(("place", "Choose a place of service."));
    }
    if in_directory(&services.servicing_npi).is_none() {
        return Err(("provider", NO_PROVIDER));
    }
    let known = |code: &String| world().diagnosis(code).is_some();
    if !(1..=12).contains(&services.diagnoses.len()) || !services.diagnoses.iter().all(known) {
        return Err(("diagnosis", "Enter 1 to 12 diagnoses."));
    }
    let fits = |line: &Line| {
        world().procedure(&line.code).is_some()
            && (1..=999).contains(&line.units)
            && line.modifiers.chars().count() <= 8
    };
    if !(1..=14).contains(&services.lines.len()) || !services.lines.iter().all(fits) {
        return Err(("lines", "Enter 1 to 14 service lines with units."));
    }
    match services.urgency.as_str() {
        "standard" => Ok(()),
        "urgent" if services.urgent_reason.trim().is_empty() => {
            Err(("urgency", "Tell us why this is urgent."))
        }
        "urgent" => Ok(()),
        _ => Err(("urgency", "Choose an urgency.")),
    }
}

/// The services with whom and when they are for.
#[derive(Deserialize)]
pub(super) struct Check {
    #[serde(rename = "ref")]
    reference: String,
    from: String,
    #[serde(flatten)]
    services: Services,
}

/// `POST /api/services`: judges the page before the next one is shown.
pub(super) async fn check(desk: Desk, Json(typed): Json<Check>) -> Response {
    let Some(member) = members::behind(&desk, &typed.reference) else {
        return wrong("Search for the member again.");
    };
    if let Err((_, words)) = judge(&typed.services) {
        return wrong(words);
    }
    let from = read_date(&typed.from).map(|from| from.to_string()).unwrap_or_default();
    let id = typed.services.decision.clone();
    match decision(&desk.sim, &id, &member.member_id, &typed.services, &from) {
        Ok(()) => good(json!({})),
        Err(words) => wrong(words),
    }
}

/// What a file is called.
#[derive(Deserialize)]
pub(super) struct FileName {
    pub(super) name: String,
}

/// Why a file is not taken.
pub(super) fn refusal(name: &str, bytes: &[u8]) -> Option<&'static str> {
    let kind = name.rsplit_once('.').map(|(_, kind)| kind.to_lowercase()).unwrap_or_default();
    let like = match kind.as_str() {
        "pdf" => bytes.starts_with(b"%PDF-"),
        "jpg" | "jpeg" => bytes.starts_with(&[0xff, 0xd8, 0xff]),
        "tif" | "tiff" => bytes.starts_with(b"II*\0") || bytes.starts_with(b"MM\0*"),
        _ => false,
    };
    if bytes.is_empty() {
        Some("empty")
    } else if bytes.len() > BYTES_MAX {
        Some("too_large")
    } else if !like {
        Some("kind")
    } else {
        None
    }
}

/// The documents a portal session has sent and not yet used.
pub(super) fn uploads(desk: &Desk) -> Vec<Value> {
    desk.kept("uploads").as_array().cloned().unwrap_or_default()
}

/// `POST /api/uploads?name=`
pub(super) async fn upload(desk: Desk, Query(file): Query<FileName>, body: Bytes) -> Response {
    let mut all = uploads(&desk);
    let mut why = refusal(&file.name, &body);
    if all.len() >= FILES_MAX {
        why = Some("too_many");
    }
    if desk.struck("upload-refused") {
        why = Some("fault");
    }
    let sha256 = hex(&Sha256::digest(&body));
    let entry = Entry::new("upload").with("size_bytes", body.len()).with("sha256", sha256.as_str());
    if let Some(why) = why {
        desk.note(entry.with("result", "refused").with("why", why));
        return wrong("Upload failed.");
    }
    desk.note(entry.with("result", "ok"));
    let never = desk.struck("scan-pending");
    let id = Sim::secret();
    all.push(
        json!({"id": id, "name": file.name, "size": body.len(), "sha256": sha256, "never": never}),
    );
    desk.put("uploads", json!(all));
    good(json!({"id": id, "name": file.name, "never": never}))
}

/// `POST /api/drafts`: the decoy. Keeps nothing, files nothing.
pub(super) async fn draft(desk: Desk) -> Response {
    desk.note(Entry::new("draft").with("saved", true));
    good(json!({"message": "Kept on this page only."}))
}
