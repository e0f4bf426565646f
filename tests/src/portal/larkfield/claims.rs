//! What can be asked besides requests: benefits of a member on a day, with figures the plan does not return missing, and
//! payer claims.

use axum::{extract::Query, response::Response};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    desk::{DOWN, Desk, good, wrong},
    members::{self, NOT_ACTIVE},
};
use crate::{
    ledger::Entry,
    portal::{
        html::{read_date, us_date},
        world::{ClaimStep, Member, PayerClaim, world},
    },
};

/// Whose benefits, when, for what.
#[derive(Deserialize)]
pub(super) struct EligibilityQuery {
    #[serde(default)]
    id: String,
    #[serde(default)]
    dob: String,
    #[serde(default)]
    date: String,
    #[serde(default)]
    service: String,
}

/// `GET /api/eligibility`
pub(super) async fn eligibility(desk: Desk, Query(query): Query<EligibilityQuery>) -> Response {
    let (Some(born), Some(day)) = (read_date(&query.dob), read_date(&query.date)) else {
        return wrong("Enter dates as MM/DD/YYYY.");
    };
    let mut shown = desk.extras();
    let member = members::all().find(|member| {
        member.member_id.eq_ignore_ascii_case(query.id.trim()) && member.dob == born
    });
    let Some(member) = member else {
        desk.note(Entry::new("eligibility").with("found", false));
        shown["message"] = json!("No member found.");
        return good(shown);
    };
    desk.note(Entry::new("eligibility").with("found", true).with("member", member.key.as_str()));
    let active = member.covered(day, desk.sim.start_date()) && !desk.struck("not-active");
    let service = world().procedure(query.service.trim());
    if service.is_none() && !query.service.trim().is_empty() {
        return wrong("Code not found.");
    }
    let subscriber = member.subscriber.as_deref().and_then(|key| world().member(key));
    shown["name"] = json!(member.name());
    shown["memberId"] = json!(member.member_id);
    shown["dob"] = json!(us_date(member.dob));
    shown["plan"] = json!("Larkfield National PPO");
    shown["subscriber"] = json!(subscriber.map(Member::name));
    shown["service"] =
        json!(service.map_or("Health benefit plan coverage", |code| code.text.as_str()));
    shown["asOf"] = json!(us_date(day));
    shown["status"] = json!(if active { "Active" } else { "Not active" });
    shown["note"] = json!((!active).then_some(NOT_ACTIVE));
    shown["benefits"] = if active { benefits(member) } else { json!([]) };
    good(shown)
}

/// For M06 the plan does not say what is left of the deductible, and returns no coinsurance at all.
fn benefits(member: &Member) -> Value {
    let row = |name: &str, inside: &str, outside: &str| json!({"name": name, "in": inside, "out": outside});
    let mut rows = vec![row("Deductible", "2,000.00", "4,000.00")];
    if member.key == "M06" {
        rows.push(row("Deductible remaining", "Not returned", "Not returned"));
    } else {
        rows.push(row("Deductible remaining", "640.00", "2,640.00"));
        rows.push(row("Coinsurance", "20%", "40%"));
    }
    rows.push(row("Copayment, office visit", "30.00", "Not covered"));
    json!(rows)
}

/// Which payer claims.
#[derive(Deserialize)]
pub(super) struct ClaimQuery {
    #[serde(default)]
    claim: String,
    #[serde(default)]
    id: String,
    #[serde(default)]
    date: String,
}

/// The portal's words for the state of a payer claim; `None` while it knows nothing of it.
fn claim_words(step: &ClaimStep) -> Option<&'static str> {
    let zero = step.paid.as_deref() == Some("0.00");
    Some(match step.state.as_str() {
        "received" | "accepted" => "Received",
        "in_process" => "Processing",
        "paid" if zero => "Finalized - applied to deductible",
        "paid" => "Finalized - paid",
        "partial" => "Finalized - paid in part",
        "denied" => "Finalized - denied",
        "rejected" => "Rejected before processing",
        "adjusted" => "Finalized - adjusted",
        _ => return None,
    })
}

fn claim_row(desk: &Desk, claim: &PayerClaim) -> Option<Value> {
    let step = claim.at(desk.sim.now(), desk.sim.start)?;
    let words = claim_words(step)?;
    let reason = match (&step.reason, &step.text) {
        (Some(code), Some(text)) => Some(format!("{code} {text}")),
        (one, other) => one.clone().or_else(|| other.clone()),
    };
    Some(json!({
        "claim": claim.claim,
        "member": world().member(&claim.member).map(Member::name),
        "date": us_date(claim.service_date(desk.sim.start)),
        "received": us_date(claim.received_date(desk.sim.start)),
        "billed": claim.billed, "status": words,
        "paid": step.paid, "patient": step.patient, "reason": reason,
    }))
}

/// `GET /api/claims`: by claim number, or by member and day of service.
pub(super) async fn search(desk: Desk, Query(query): Query<ClaimQuery>) -> Response {
    let mut shown = desk.extras();
    if desk.down() {
        shown["rows"] = json!([]);
        shown["banner"] = json!(DOWN);
        return good(shown);
    }
    let (number, id, day) = (query.claim.trim(), query.id.trim(), read_date(&query.date));
    if number.is_empty() && (id.is_empty() || day.is_none()) {
        return wrong("Enter a claim number, or the member ID and the date of service.");
    }
    let fits = |claim: &&PayerClaim| {
        let member = world().member(&claim.member);
        claim.payer == super::PROFILE.slug
            && (number.is_empty() || claim.claim.eq_ignore_ascii_case(number))
            && (id.is_empty() || member.is_some_and(|m| m.member_id.eq_ignore_ascii_case(id)))
            && day.is_none_or(|day| day == claim.service_date(desk.sim.start))
    };
    let hidden = desk.call.fires("search-empty-while-down");
    let found = world().payer_claims.iter().filter(fits).filter(|_| !hidden);
    let rows: Vec<Value> = found.filter_map(|claim| claim_row(&desk, claim)).collect();
    for row in &rows {
        desk.note(Entry::new("status").with("claim", row["claim"].clone()));
    }
    desk.note(Entry::new("list").with("page", "claims").with("rows", rows.len()));
    shown["message"] = json!(if rows.is_empty() { "No claims found." } else { "" });
    shown["rows"] = json!(rows);
    good(shown)
}
