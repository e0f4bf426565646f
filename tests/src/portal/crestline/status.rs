//! What can be read at Crestline Connect after filing: dashboard, search, detail, claim status, eligibility.
//! The search is complete; the dashboard lags and shows only one's own requests.

use std::sync::Arc;

use axum::{
    Extension, Json,
    extract::{Path, Query, State},
    http::StatusCode,
    response::Response,
};
use jiff::{SignedDuration, civil::Date};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    PLANS,
    apps::admitted,
    case_words,
    hub::{error, json, overlay, signed_in},
    line_words, redesign,
};
use crate::{
    ledger::Entry,
    portal::{
        Skin,
        call::Call,
        decide::LineStatus,
        html::{central, read_date, us_date},
        sim::Sim,
        store::{Case, CaseLine},
        world::{PayerClaim, world},
    },
};

type Shared = State<Arc<Sim>>;

const DOWN: &str = "Status information is unavailable. Submissions are accepted.";

fn down(sim: &Sim, call: &Call) -> bool {
    sim.knobs.flag("status_down") || call.fires("status-down")
}

fn row(case: &Case, skin: Skin) -> Value {
    let member = world().member_by_id("crestline", &case.filing.member_id);
    let codes: Vec<&str> = case.lines.iter().map(|line| line.code.as_str()).collect();
    json!({
        "number": case.id,
        "reference": case.filing.provider_reference,
        "patient": member.map(|member| member.name()),
        "memberId": case.filing.member_id,
        "codes": codes.join(", "),
        "from": us_date(case.service_dates().0),
        "status": redesign::status(case_words(case), skin),
        "received": central(case.received_at),
    })
}

fn older_than(sim: &Sim, case: &Case, knob: &str) -> bool {
    case.received_at + SignedDuration::from_secs(sim.knobs.number(knob)) <= sim.now()
}

/// `GET /api/dashboard`
pub(super) async fn dashboard(State(sim): Shared, Extension(call): Extension<Call>) -> Response {
    sim.page_delay(500).await;
    let session = match admitted(&sim, &call) {
        Ok(session) => session,
        Err(answer) => return *answer,
    };
    sim.note(&call, Entry::new("list").with("page", "dashboard"));
    let down = down(&sim, &call);
    let mine = |case: &&Case| {
        let own = case.account == session.account.id;
        let pinned = case.pinned_by.contains(&session.account.id);
        case.recorded && !down && ((own && older_than(&sim, case, "dashboard_lag_s")) || pinned)
    };
    let skin = call.skin(&sim);
    let all: Vec<Case> = sim.store.all().into_iter().map(|case| sim.shown(&call, case)).collect();
    let mut rows: Vec<Value> = all.iter().filter(mine).map(|case| row(case, skin)).collect();
    rows.reverse();
    let overlay = overlay(&sim, &call);
    json(StatusCode::OK, json!({"rows": rows, "banner": down.then_some(DOWN), "overlay": overlay}))
}

/// A number to look for.
#[derive(Deserialize)]
pub(super) struct Pin {
    number: String,
    #[serde(default)]
    pin: bool,
}

/// `POST /api/pins`: "Find by reference number", and "Pin".
pub(super) async fn pin(
    State(sim): Shared,
    Extension(call): Extension<Call>,
    Json(wanted): Json<Pin>,
) -> Response {
    let session = match admitted(&sim, &call) {
        Ok(session) => session,
        Err(answer) => return *answer,
    };
    sim.note(&call, Entry::new("list").with("page", "find"));
    let Some(mut case) = sim.store.find(wanted.number.trim()) else {
        return json(StatusCode::OK, json!({"rows": [], "message": "No matches"}));
    };
    if wanted.pin && !case.pinned_by.contains(&session.account.id) {
        case.pinned_by.push(session.account.id.clone());
        sim.keep(&case);
    }
    json(StatusCode::OK, json!({"rows": [row(&case, call.skin(&sim))]}))
}

/// What to search for.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct SearchQuery {
    #[serde(default)]
    member_id: String,
    #[serde(default)]
    from: String,
    #[serde(default)]
    to: String,
}

/// `GET /api/service-reviews`: by member and service dates; complete.
pub(super) async fn search(
    State(sim): Shared,
    Extension(call): Extension<Call>,
    Query(query): Query<SearchQuery>,
) -> Response {
    sim.page_delay(700).await;
    if let Err(answer) = admitted(&sim, &call) {
        return *answer;
    }
    sim.note(&call, Entry::new("list").with("page", "search"));
    let dates = read_date(&query.from).zip(read_date(&query.to));
    let Some((from, to)) = dates else {
        return error(StatusCode::UNPROCESSABLE_ENTITY, "Enter both dates as MM/DD/YYYY.");
    };
    if query.member_id.trim().is_empty() {
        return error(StatusCode::UNPROCESSABLE_ENTITY, "Enter the member ID.");
    }
    let down = down(&sim, &call);
    let hidden = sim.knobs.flag("search_empty") || call.fires("search-empty-while-down");
    let mut found = sim.store.search(query.member_id.trim(), Some(from), Some(to));
    found.retain(|case| !down && !hidden && older_than(&sim, case, "search_lag_s"));
    let found = found.into_iter().map(|case| sim.shown(&call, case));
    let rows: Vec<Value> = found.map(|case| row(&case, call.skin(&sim))).collect();
    let message = if rows.is_empty() && !down { "No matches" } else { "" };
    let overlay = overlay(&sim, &call);
    let body = json!({"rows": rows, "message": message, "banner": down.then_some(DOWN), "overlay": overlay});
    json(StatusCode::OK, body)
}

fn line_row(line: &CaseLine, skin: Skin) -> Value {
    json!({
        "code": line.code,
        "text": world().procedure(&line.code).map(|code| code.text.as_str()),
        "asked": line.units,
        "granted": line.granted,
        "from": us_date(line.from),
        "to": us_date(line.to),
        "status": redesign::status(line_words(line.status), skin),
        "reason": line.text,
    })
}

/// `GET /api/service-reviews/{number}`
pub(super) async fn detail(
    State(sim): Shared,
    Extension(call): Extension<Call>,
    Path(id): Path<String>,
) -> Response {
    sim.page_delay(600).await;
    if let Err(answer) = admitted(&sim, &call) {
        return *answer;
    }
    if down(&sim, &call) {
        return json(StatusCode::OK, json!({"banner": DOWN}));
    }
    let Some(case) = sim.store.find(&id).map(|case| sim.shown(&call, case)) else {
        sim.note(&call, Entry::new("status").with("found", false));
        return error(StatusCode::NOT_FOUND, "No matches");
    };
    let entry =
        Entry::new("status").with("case", case.id.as_str()).with("words", case_words(&case));
    sim.note(&call, entry);
    let skin = call.skin(&sim);
    let asks = case.lines.iter().any(|line| line.status == LineStatus::InfoRequested);
    let provider = |npi: &str| world().provider(npi).map(|provider| provider.name.clone());
    let history: Vec<Value> = case
        .history
        .iter()
        .map(|(at, what)| json!({"at": central(*at), "what": history_words(what, skin)}))
        .collect();
    let mut body = row(&case, skin);
    body["authorization"] = json!(case.number("authorization"));
    body["transaction"] = json!(case.number("transaction"));
    body["plan"] =
        json!(PLANS.iter().find(|(code, _)| *code == case.filing.plan).map(|(_, name)| *name));
    body["requestType"] = json!(case.filing.request_type);
    body["requesting"] = json!(provider(&case.filing.requesting_npi));
    body["servicing"] = json!(provider(&case.filing.servicing_npi));
    body["lines"] = json!(case.lines.iter().map(|line| line_row(line, skin)).collect::<Vec<_>>());
    body["validFrom"] = json!(case.valid_from.map(us_date));
    body["validTo"] = json!(case.valid_to.map(us_date));
    body["wanted"] = if asks { json!(case.wanted) } else { json!([]) };
    body["documents"] = json!(case.filing.documents.iter().map(|d| &d.name).collect::<Vec<_>>());
    body["history"] = json!(history);
    body["overlay"] = overlay(&sim, &call);
    json(StatusCode::OK, body)
}

/// History lines name a code and a status of ours; the page has its own words.
fn history_words(what: &str, skin: Skin) -> String {
    let Some((code, status)) = what.split_once(' ') else { return what.to_owned() };
    let status = match status {
        "Pended" => "pended for review",
        "InfoRequested" => "additional information requested",
        "Approved" => "certified",
        "Modified" => "certified with changes",
        "Denied" | "DeniedIncomplete" => "not certified",
        "ContactPayer" => "contact payer",
        "Cancelled" => "cancelled",
        "NotRequired" => "no action required",
        "Redirected" => "sent to Verity Review",
        _ => return what.to_owned(),
    };
    format!("{code}: {}", redesign::event(status, skin))
}

/// Which payer claims to look for.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ClaimQuery {
    #[serde(default)]
    member_id: String,
    #[serde(default)]
    from: String,
    #[serde(default)]
    to: String,
    #[serde(default)]
    claim: String,
}

/// The hub's words for the state of a payer claim.
fn claim_words(state: &str) -> &'static str {
    match state {
        "received" | "accepted" | "in_process" => "Pending/In process",
        "paid" => "Finalized/Payment",
        "denied" => "Finalized/Denial",
        _ => "Not found",
    }
}

fn claim_row(sim: &Sim, claim: &PayerClaim) -> Option<Value> {
    let step = claim.at(sim.now(), sim.start).filter(|step| step.state != "not_found")?;
    let reason = step.reason.as_deref().map(|reason| match &step.text {
        Some(text) => format!("{reason} - {text}"),
        None => reason.to_owned(),
    });
    Some(json!({
        "claim": claim.claim,
        "member": world().member(&claim.member).map(|member| member.name()),
        "date": us_date(claim.service_date(sim.start)),
        "received": us_date(claim.received_date(sim.start)),
        "billed": claim.billed,
        "status": claim_words(&step.state),
        "paid": step.paid,
        "patient": step.patient,
        "reason": reason,
    }))
}

/// `GET /api/claim-statuses`: by claim number, or by member and service dates.
pub(super) async fn claims(
    State(sim): Shared,
    Extension(call): Extension<Call>,
    Query(query): Query<ClaimQuery>,
) -> Response {
    sim.page_delay(700).await;
    if let Err(answer) = signed_in(&call) {
        return *answer;
    }
    sim.note(&call, Entry::new("list").with("page", "claims"));
    if down(&sim, &call) {
        return json(StatusCode::OK, json!({"rows": [], "banner": DOWN}));
    }
    let by_number = !query.claim.trim().is_empty();
    let dates: Option<(Date, Date)> = read_date(&query.from).zip(read_date(&query.to));
    if !by_number && (query.member_id.trim().is_empty() || dates.is_none()) {
        let words = "Enter a claim number, or the member ID and both dates.";
        return error(StatusCode::UNPROCESSABLE_ENTITY, words);
    }
    let fits = |claim: &&PayerClaim| {
        let member = world().member(&claim.member);
        let day = claim.service_date(sim.start);
        claim.payer == "crestline"
            && if by_number {
                claim.claim == query.claim.trim()
            } else {
                member.is_some_and(|member| member.member_id == query.member_id.trim())
                    && dates.is_some_and(|(from, to)| day >= from && day <= to)
            }
    };
    let hidden = call.fires("search-empty-while-down");
    let found = world().payer_claims.iter().filter(|_| !hidden).filter(fits);
    let rows: Vec<Value> = found.filter_map(|claim| claim_row(&sim, claim)).collect();
    for row in &rows {
        let entry = Entry::new("status").with("claim", row["claim"].clone());
        sim.note(&call, entry.with("words", row["status"].clone()));
    }
    let message = if rows.is_empty() { "Not found" } else { "" };
    let overlay = overlay(&sim, &call);
    json(StatusCode::OK, json!({"rows": rows, "message": message, "overlay": overlay}))
}

/// `GET /api/eligibility`: by member and date of birth.
pub(super) async fn eligibility(
    State(sim): Shared,
    Extension(call): Extension<Call>,
    Query(query): Query<EligibilityQuery>,
) -> Response {
    sim.page_delay(700).await;
    if let Err(answer) = signed_in(&call) {
        return *answer;
    }
    sim.note(&call, Entry::new("eligibility"));
    let day = match query.day.trim() {
        "" => Some(sim.today()),
        text => read_date(text),
    };
    let Some(day) = day else {
        return error(StatusCode::UNPROCESSABLE_ENTITY, "Enter the day as MM/DD/YYYY.");
    };
    let member = world().member_by_id("crestline", query.member_id.trim());
    let Some(member) = member.filter(|member| read_date(&query.dob) == Some(member.dob)) else {
        return json(StatusCode::OK, json!({"message": "No patient found."}));
    };
    let active = member.covered(day, sim.start_date()) && !call.fires("not-active");
    // Fernbrook returns no remaining deductible: the row is there without a figure; and no copayment at all.
    let remaining = if member.plan == "CLM" { "640.00" } else { "Not available" };
    let mut benefits = vec![
        json!({"name": "Deductible", "in": "1,500.00", "out": "3,000.00"}),
        json!({"name": "Deductible remaining", "in": remaining, "out": "Not available"}),
    ];
    if member.plan == "CLM" {
        benefits
            .push(json!({"name": "Office visit copayment", "in": "25.00", "out": "Not available"}));
    }
    json(
        StatusCode::OK,
        json!({
            "name": member.name(), "memberId": member.member_id, "dob": us_date(member.dob),
            "plan": PLANS.iter().find(|(code, _)| *code == member.plan).map(|(_, name)| *name),
            "day": us_date(day),
            "status": if active { "Active" } else { "Not active" },
            "ended": member.active_to.map(us_date),
            "benefits": if active { benefits } else { Vec::new() },
        }),
    )
}

/// Whose eligibility.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct EligibilityQuery {
    #[serde(default)]
    member_id: String,
    #[serde(default)]
    dob: String,
    #[serde(default)]
    day: String,
}
