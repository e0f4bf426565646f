//! The claims menu: status of a claim for payment by its control number (ICN), or by member and date of service.

use axum::{extract::Query, response::Response};

use super::{
    desk::{Desk, Fields, Typed, value},
    rules,
};
use crate::{
    ledger::Entry,
    portal::{
        html::{self, esc},
        world::{ClaimStep, PayerClaim, world},
    },
};

/// The empty form.
pub(super) async fn form(desk: Desk) -> Response {
    desk.saw("claimInquiry");
    page(&desk, &Fields::new(), &[], "")
}

fn page(desk: &Desk, typed: &Fields, edits: &[rules::Edit], found: &str) -> Response {
    let look = desk.look();
    let fields = [
        look.field("ICN", "icn", &value(typed, "icn"), 16),
        look.field("Member ID", "memberId", &value(typed, "memberId"), 14),
        look.field("Date of Service", "serviceDate", &value(typed, "serviceDate"), 12),
    ];
    let body = format!(
        "<form method=\"post\" action=\"{}\">{}<p>{}</p></form>{found}",
        desk.href("claimInquiry"),
        look.set(&fields, &[2, 1, 0]),
        look.send("Search Claims"),
    );
    desk.page("Claim Inquiry", edits, &body)
}

/// The words for a claim's state; `None` while the payer knows nothing of it.
fn words(step: &ClaimStep) -> Option<&'static str> {
    Some(match step.state.as_str() {
        "received" | "accepted" => "RECEIVED",
        "in_process" => "IN PROCESS",
        "paid" => "PAID",
        "partial" => "PAID IN PART",
        "denied" => "DENIED",
        "rejected" => "REJECTED - FRONT END",
        "adjusted" => "ADJUSTED",
        _ => return None,
    })
}

fn known(desk: &Desk) -> Vec<(&'static PayerClaim, &'static ClaimStep, &'static str)> {
    world()
        .payer_claims
        .iter()
        .filter(|claim| claim.payer == super::PROFILE.slug)
        .filter_map(|claim| {
            let step = claim.at(desk.sim.now(), desk.sim.start)?;
            Some((claim, step, words(step)?))
        })
        .collect()
}

fn member_id(claim: &PayerClaim) -> &'static str {
    world().member(&claim.member).map_or("", |member| member.member_id.as_str())
}

/// Claims that fit every field that is filled in; either the ICN, or member and date.
pub(super) async fn search(desk: Desk, Typed(typed): Typed) -> Response {
    let (icn, member) = (value(&typed, "icn"), value(&typed, "memberId"));
    let typed_day = value(&typed, "serviceDate");
    let day = rules::date(&typed_day);
    if (!typed_day.is_empty() && day.is_none()) || (icn.is_empty() && day.is_none()) {
        return page(&desk, &typed, &[rules::Edit::DateFormat], "");
    }
    if icn.is_empty() && member.is_empty() {
        return page(&desk, &typed, &[rules::Edit::MemberNotFound], "");
    }
    let rows: Vec<Vec<String>> = known(&desk)
        .into_iter()
        .filter(|(claim, _, _)| {
            (icn.is_empty() || claim.claim == icn)
                && (member.is_empty() || member_id(claim) == member)
                && (day.is_none() || day == Some(claim.service_date(desk.sim.start)))
        })
        .map(|(claim, _, words)| {
            vec![
                format!(
                    "<a href=\"{}\">{}</a>",
                    desk.href(&format!("claimDetail?icn={}", claim.claim)),
                    esc(&claim.claim)
                ),
                esc(member_id(claim)),
                html::us_date(claim.service_date(desk.sim.start)),
                format!("${}", esc(&claim.billed)),
                words.to_owned(),
            ]
        })
        .collect();
    desk.works_on(&member);
    desk.note(Entry::new("list").with("search", "claims").with("rows", rows.len()));
    let found = if rows.is_empty() {
        "<p>NO CLAIM FOUND.</p>".to_owned()
    } else {
        desk.look().table(
            "Claims found",
            &["ICN", "Member ID", "Date of Service", "Billed", "Status"],
            &rows,
        )
    };
    page(&desk, &typed, &[], &found)
}

/// One claim with its lines.
pub(super) async fn detail(desk: Desk, Query(fields): Query<Fields>) -> Response {
    let icn = value(&fields, "icn");
    let Some((claim, step, words)) =
        known(&desk).into_iter().find(|(claim, _, _)| claim.claim == icn)
    else {
        return desk.page("Claim Detail", &[], "<p>NO CLAIM FOUND.</p>");
    };
    desk.note(Entry::new("status").with("claim", claim.key.as_str()));
    let money = |amount: &Option<String>| {
        amount.as_ref().map(|text| format!("${text}")).unwrap_or_default()
    };
    let reason =
        [step.reason.as_deref(), step.text.as_deref()].into_iter().flatten().collect::<Vec<_>>();
    let rows: Vec<Vec<String>> = claim
        .lines
        .iter()
        .enumerate()
        .map(|(index, line)| {
            let state =
                step.lines.get(index).map_or(words.to_owned(), |state| state.to_uppercase());
            vec![(index + 1).to_string(), esc(&line.code), format!("${}", esc(&line.billed)), state]
        })
        .collect();
    let lines = if rows.is_empty() {
        String::new()
    } else {
        desk.look().table("Claim Lines", &["Line", "Code", "Billed", "Line Status"], &rows)
    };
    let body = format!(
        "{}{lines}",
        desk.look().facts(&[
            ("ICN", claim.claim.clone()),
            ("Claim Status", words.to_owned()),
            ("Member ID", member_id(claim).to_owned()),
            ("Date of Service", html::us_date(claim.service_date(desk.sim.start))),
            ("Billed Amount", format!("${}", claim.billed)),
            ("Paid Amount", money(&step.paid)),
            ("Member Amount", money(&step.patient)),
            ("Reason", reason.join(" ")),
        ])
    );
    desk.page("Claim Detail", &[], &body)
}
