//! The application's calls while a request is being written: steps, patients, codes, the check whether authorisation is
//! needed, documents, questionnaire. Nothing here files anything: drafts live in the page alone.

use std::{sync::Arc, time::Duration};

use axum::{
    Extension, Json,
    body::Bytes,
    extract::{Path, Query, State},
    http::{StatusCode, Uri},
    response::Response,
};
use serde::Deserialize;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::{
    PLANS,
    hub::{error, json, overlay, signed_in, stepup_due},
    pages, redesign,
};
use crate::{
    ledger::{Entry, hex},
    portal::{
        Skin,
        accounts::PortalSession,
        call::Call,
        decide::{self, Asked, LineStatus},
        html::{read_date, us_date},
        sim::Sim,
        world::{Code, Member, world},
    },
};

type Shared = State<Arc<Sim>>;

const MIN_BYTES: u64 = 3072;
const MAX_BYTES: u64 = 60 * 1024 * 1024;
const MAX_TOTAL: u64 = 150 * 1024 * 1024;
const TYPES: [&str; 18] = [
    "pdf", "doc", "docx", "xls", "xlsx", "ppt", "pptx", "txt", "rtf", "csv", "xml", "jpg", "jpeg",
    "png", "gif", "bmp", "tif", "tiff",
];

/// The signed-in portal session that has confirmed who it is, or the answer for one that has not.
pub(super) fn admitted<'a>(sim: &Sim, call: &'a Call) -> Result<&'a PortalSession, Box<Response>> {
    let session = signed_in(call)?;
    if stepup_due(sim, session) && session.stepup_at.is_none() {
        let answer =
            json(StatusCode::FORBIDDEN, json!({"statusCode": 403, "reasonCode": "CONFIRM"}));
        return Err(Box::new(answer));
    }
    Ok(session)
}

/// `GET /app`
pub(super) async fn shell(State(sim): Shared, Extension(call): Extension<Call>) -> Response {
    sim.page_delay(200).await;
    sim.note(&call, Entry::new("view").with("page", "app"));
    let picks = world().providers.iter().filter(|provider| provider.hub_pick);
    let picks: Vec<Value> =
        picks.map(|provider| json!({"npi": provider.npi, "name": provider.name})).collect();
    let settings = json!({
        "hub": "https://hub.crestline.test",
        "plans": PLANS.map(|(code, name)| json!({"code": code, "name": name})),
        "providers": picks,
        "skeletonMs": sim.knobs.number("skeleton_ms"),
        "readyMs": sim.knobs.number("hydrate_ms"),
        "typingMs": sim.knobs.number("typeahead_pause_ms"),
        "pulseMs": sim.knobs.number("pulse_ms"),
    });
    match call.skin(&sim) {
        Skin::V1 => pages::app_shell(&settings),
        Skin::V2 => redesign::app_shell(&settings),
    }
}

/// `GET /api/steps/{step}`: what a step of the wizard needs before it is drawn.
pub(super) async fn step(
    State(sim): Shared,
    Extension(call): Extension<Call>,
    Path(step): Path<String>,
) -> Response {
    sim.page_delay(150).await;
    let session = match admitted(&sim, &call) {
        Ok(session) => session,
        Err(answer) => return *answer,
    };
    sim.note(&call, Entry::new("view").with("page", step.as_str()));
    let question = call.fires("new-question");
    // Some faults say "at this step" and mean the next call the step makes.
    for (does, name) in
        [("two-matches", "twins"), ("not-active", "inactive"), ("scan-pending", "scan")]
    {
        if call.fires(does) {
            sim.sessions.change(&session.token, |s| s.data.insert(name.to_owned(), json!(true)));
        }
    }
    if question {
        sim.sessions.change(&session.token, |s| s.data.insert("question".to_owned(), json!(true)));
    }
    json(
        StatusCode::OK,
        json!({
            "overlay": overlay(&sim, &call),
            "question": question.then_some("Place of residence at onset"),
            "later": call.fires("decoy-button"),
            "renamed": call.fires("renamed-labels"),
            "reordered": call.fires("reordered-fields"),
            // The clinic itself is not in the administrator's list.
            "without": call.fires("provider-missing").then_some("1234567893"),
            "resends": call.fires("reload-reposts"),
            // How often the page's own script repeats a write that was not answered well, and how many it sends at once.
            "repeats": if call.fires("page-retry") { 3 } else { 0 },
            "sends": if call.fires("double-button") { 2 } else { 1 },
        }),
    )
}

/// Whom to look for.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PatientQuery {
    #[serde(default)]
    plan: String,
    #[serde(default)]
    member_id: String,
    #[serde(default)]
    dob: String,
}

/// Takes a note some step left for the next call.
fn taken(sim: &Sim, session: &PortalSession, name: &str) -> bool {
    sim.sessions.change(&session.token, |s| s.data.remove(name)).flatten().is_some()
}

/// `GET /api/patients`
pub(super) async fn patients(
    State(sim): Shared,
    Extension(call): Extension<Call>,
    Query(query): Query<PatientQuery>,
) -> Response {
    sim.page_delay(500).await;
    let session = match admitted(&sim, &call) {
        Ok(session) => session,
        Err(answer) => return *answer,
    };
    sim.note(&call, Entry::new("list").with("page", "patients"));
    let Some(dob) = read_date(&query.dob) else {
        return error(StatusCode::UNPROCESSABLE_ENTITY, "Enter the date of birth as MM/DD/YYYY.");
    };
    let id = query.member_id.trim();
    let fits = |member: &&Member| {
        member.payer == "crestline"
            && member.dob == dob
            && (query.plan.is_empty() || member.plan == query.plan)
            && (id.is_empty() || member.member_id == id)
    };
    let found: Vec<&Member> = world().members.iter().filter(fits).collect();
    let inactive = taken(&sim, session, "inactive") || call.fires("not-active");
    let row = |member: &Member, id: &str| {
        let active = member.covered(sim.today(), sim.start_date()) && !inactive;
        json!({
            "memberId": id, "name": member.name(), "dob": us_date(member.dob), "active": active,
            "coverage": if active { "Active" } else { "Not active on this date" },
            "plan": PLANS.iter().find(|(code, _)| *code == member.plan).map(|(_, name)| *name),
        })
    };
    let mut rows: Vec<Value> = found.iter().map(|member| row(member, &member.member_id)).collect();
    let twins = taken(&sim, session, "twins") || call.fires("two-matches");
    if let (true, [only]) = (twins, found.as_slice()) {
        let other = format!("W9{}", only.member_id.get(2..).unwrap_or_default());
        rows.push(row(only, &other));
    }
    // For a moment somebody else's row can be shown.
    let other = |member: &&Member| member.payer == "crestline" && member.dob != dob;
    let stale = call.fires("stale-row").then(|| world().members.iter().find(other)).flatten();
    let before = stale.map(|member| vec![row(member, &member.member_id)]);
    let message = match rows.len() {
        0 => "No patient found.",
        1 => "",
        _ => "More than one patient matches.",
    };
    json(
        StatusCode::OK,
        json!({"patients": rows, "message": message, "before": before, "settleMs": 700}),
    )
}

/// The patient chosen.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Chosen {
    member_id: String,
}

/// `POST /api/context`: the page says whom the request is for; a draft, nothing is kept.
pub(super) async fn context(
    State(sim): Shared,
    Extension(call): Extension<Call>,
    Json(chosen): Json<Chosen>,
) -> Response {
    let session = match admitted(&sim, &call) {
        Ok(session) => session,
        Err(answer) => return *answer,
    };
    sim.note(&call, Entry::new("context").with("memberId", chosen.member_id.as_str()));
    sim.sessions.change(&session.token, |s| s.member = Some(chosen.member_id));
    json(StatusCode::OK, json!({}))
}

/// What has been typed so far.
#[derive(Deserialize)]
pub(super) struct CodeQuery {
    kind: String,
    #[serde(default)]
    q: String,
}

/// `GET /api/codes`: at most eight codes that fit; fewer than three letters find nothing.
pub(super) async fn codes(
    State(sim): Shared,
    Extension(call): Extension<Call>,
    Query(query): Query<CodeQuery>,
) -> Response {
    if let Err(answer) = admitted(&sim, &call) {
        return *answer;
    }
    let ms = u64::try_from(sim.knobs.number("typeahead_answer_ms")).unwrap_or(0);
    if ms > 0 {
        tokio::time::sleep(Duration::from_millis(ms)).await;
    }
    let typed = query.q.trim().to_lowercase();
    let all: &[Code] =
        if query.kind == "diagnosis" { &world().diagnoses } else { &world().procedures };
    let fits = |code: &&Code| {
        code.code.to_lowercase().starts_with(&typed) || code.text.to_lowercase().contains(&typed)
    };
    let mut found: Vec<&Code> = all.iter().filter(fits).collect();
    if typed.len() < 3 || call.fires("retired-code") {
        found.clear();
    }
    if sim.knobs.flag("typeahead_noise") {
        // The exact match is last, after look-alikes that share its first letters.
        let prefix: String = typed.chars().take(2).collect();
        let noise = all.iter().filter(|code| code.code.to_lowercase().starts_with(&prefix));
        let mut noisy: Vec<&Code> =
            noise.filter(|code| code.code.to_lowercase() != typed).collect();
        noisy.truncate(5);
        found.retain(|code| !noisy.iter().any(|other| other.code == code.code));
        noisy.append(&mut found);
        found = noisy;
    }
    let rows: Vec<Value> =
        found.iter().take(8).map(|code| json!({"code": code.code, "text": code.text})).collect();
    json(StatusCode::OK, json!({"codes": rows}))
}

/// What is to be checked.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Precheck {
    member_id: String,
    lines: Vec<PrecheckLine>,
}

#[derive(Deserialize)]
struct PrecheckLine {
    code: String,
    #[serde(default)]
    units: u32,
}

/// `POST /api/precheck`: is authorisation needed?
pub(super) async fn precheck(
    State(sim): Shared,
    Extension(call): Extension<Call>,
    Json(asked): Json<Precheck>,
) -> Response {
    sim.page_delay(400).await;
    if let Err(answer) = admitted(&sim, &call) {
        return *answer;
    }
    let member = world().member_by_id("crestline", &asked.member_id);
    let courses = decide::decide(&Asked {
        payer: "crestline",
        imaging_delegated: member.is_some_and(|member| member.imaging_delegated),
        lines: asked.lines.iter().map(|line| (line.code.as_str(), line.units)).collect(),
        ..Asked::default()
    });
    let first =
        |status| courses.iter().any(|c| c.changes.first().is_some_and(|f| f.status == status));
    let all =
        |status| courses.iter().all(|c| c.changes.first().is_some_and(|f| f.status == status));
    let card = if first(LineStatus::Redirected) {
        "Handled by Verity Review"
    } else if all(LineStatus::NotRequired) {
        "Not required"
    } else if all(LineStatus::Denied) {
        "Excluded"
    } else {
        "Required by payer"
    };
    sim.note(&call, Entry::new("precheck").with("result", card));
    json(StatusCode::OK, json!({"result": card}))
}

/// What a file is called.
#[derive(Deserialize)]
pub(super) struct FileName {
    name: String,
}

fn refusal(name: &str, size: u64, total: u64) -> Option<&'static str> {
    let kind = name.rsplit_once('.').map(|(_, kind)| kind.to_lowercase()).unwrap_or_default();
    if !TYPES.contains(&kind.as_str()) {
        Some("File type not accepted.")
    } else if size <= MIN_BYTES {
        Some("File is too small.")
    } else if size > MAX_BYTES || total + size > MAX_TOTAL {
        Some("Total size exceeded.")
    } else {
        None
    }
}

/// The documents a portal session has sent and not yet used.
pub(super) fn uploads_of(sim: &Sim, session: &PortalSession) -> Vec<Value> {
    let current = sim.sessions.get(&session.token);
    current.and_then(|s| s.data.get("uploads")?.as_array().cloned()).unwrap_or_default()
}

/// Checks a file by the fixed rules, notes it, and describes it.
pub(super) fn receive(
    sim: &Sim,
    call: &Call,
    name: &str,
    body: &[u8],
    total: u64,
) -> Result<Value, String> {
    let size = body.len() as u64;
    let sha256 = hex(&Sha256::digest(body));
    let entry = Entry::new("upload").with("size_bytes", size).with("sha256", sha256.as_str());
    if let Some(why) = refusal(name, size, total) {
        sim.note(call, entry.with("result", "refused").with("why", why));
        return Err(why.to_owned());
    }
    sim.note(call, entry.with("result", "ok"));
    Ok(json!({"id": Sim::secret(), "name": name, "size": size, "sha256": sha256}))
}

/// `POST /api/uploads?name=`
pub(super) async fn upload(
    State(sim): Shared,
    Extension(call): Extension<Call>,
    Query(file): Query<FileName>,
    body: Bytes,
) -> Response {
    let session = match admitted(&sim, &call) {
        Ok(session) => session,
        Err(answer) => return *answer,
    };
    let before = uploads_of(&sim, session);
    if before.len() >= 10 {
        return error(StatusCode::UNPROCESSABLE_ENTITY, "No more than 10 files.");
    }
    let total = before.iter().filter_map(|upload| upload["size"].as_u64()).sum();
    let mut upload = match receive(&sim, &call, &file.name, &body, total) {
        Ok(upload) => upload,
        Err(why) => return error(StatusCode::UNPROCESSABLE_ENTITY, &why),
    };
    let never = taken(&sim, session, "scan") || call.fires("scan-pending");
    upload["never"] = json!(never);
    let answer = json!({"id": upload["id"], "scanMs": sim.knobs.number("scan_ms")});
    sim.sessions.change(&session.token, |s| {
        let list = s.data.entry("uploads".to_owned()).or_insert_with(|| json!([]));
        if let Some(list) = list.as_array_mut() {
            list.push(upload);
        }
    });
    json(StatusCode::OK, answer)
}

/// `GET /api/uploads/{id}`: is the scan over?
pub(super) async fn scan(
    State(sim): Shared,
    Extension(call): Extension<Call>,
    Path(id): Path<String>,
) -> Response {
    let session = match admitted(&sim, &call) {
        Ok(session) => session,
        Err(answer) => return *answer,
    };
    let found = uploads_of(&sim, session).into_iter().find(|upload| upload["id"] == id.as_str());
    match found {
        None => error(StatusCode::NOT_FOUND, "No such file."),
        Some(upload) if upload["never"] == true => {
            json(StatusCode::OK, json!({"state": "Scanning…"}))
        }
        Some(_) => json(StatusCode::OK, json!({"state": "Ready"})),
    }
}

/// `DELETE /api/uploads/{id}`
pub(super) async fn remove_upload(
    State(sim): Shared,
    Extension(call): Extension<Call>,
    Path(id): Path<String>,
) -> Response {
    let session = match admitted(&sim, &call) {
        Ok(session) => session,
        Err(answer) => return *answer,
    };
    sim.sessions.change(&session.token, |s| {
        if let Some(list) = s.data.get_mut("uploads").and_then(Value::as_array_mut) {
            list.retain(|upload| upload["id"] != id.as_str());
        }
    });
    json(StatusCode::OK, json!({}))
}

/// `GET /questionnaire`
pub(super) async fn questionnaire_page(
    State(sim): Shared,
    Extension(call): Extension<Call>,
) -> Response {
    sim.note(&call, Entry::new("view").with("page", "w6"));
    match call.skin(&sim) {
        Skin::V1 => pages::questionnaire(),
        Skin::V2 => redesign::questionnaire(),
    }
}

/// Answers to the questionnaire.
#[derive(Deserialize)]
pub(super) struct Answers {
    weeks: u32,
    recent: String,
    weakness: String,
}

/// `POST /api/questionnaires`
pub(super) async fn questionnaire(
    State(sim): Shared,
    Extension(call): Extension<Call>,
    Json(answers): Json<Answers>,
) -> Response {
    let session = match admitted(&sim, &call) {
        Ok(session) => session,
        Err(answer) => return *answer,
    };
    let entry = Entry::new("questionnaire")
        .with("weeks", answers.weeks)
        .with("recent", answers.recent.as_str())
        .with("weakness", answers.weakness.as_str());
    sim.note(&call, entry);
    let shown = answers.weeks >= 6 && answers.recent == "yes";
    sim.sessions.change(&session.token, |s| s.data.insert("therapy".to_owned(), json!(shown)));
    json(StatusCode::OK, json!({}))
}

/// `POST /api/drafts`: the decoy. Keeps nothing, files nothing.
pub(super) async fn draft(
    State(sim): Shared,
    Extension(call): Extension<Call>,
    uri: Uri,
) -> Response {
    if let Err(answer) = admitted(&sim, &call) {
        return *answer;
    }
    sim.note(&call, Entry::new("draft").with("saved", true).with("by", uri.path()));
    json(StatusCode::OK, json!({"message": "Saved for later on this computer."}))
}
