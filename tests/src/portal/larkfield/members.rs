//! The first two steps of a request: whom it is for, and when. Results show masked identifiers; somebody insured through
//! another person is found under that one only.

use axum::{Json, extract::Query, response::Response};
use jiff::civil::Date;
use serde::Deserialize;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::desk::{Desk, good, wrong};
use crate::{
    ledger::{Entry, hex},
    portal::{
        html::{read_date, us_date},
        world::{Member, world},
    },
};

/// Shown where coverage does not reach.
pub(super) const NOT_ACTIVE: &str = "Member not active on this date.";

/// The members of this payer.
pub(super) fn all() -> impl Iterator<Item = &'static Member> {
    world().members.iter().filter(|member| member.payer == super::PROFILE.slug)
}

/// The name of a result row: means something to this portal session only.
fn reference(desk: &Desk, member_id: &str) -> String {
    hex(&Sha256::digest(format!("{}/{member_id}", desk.session.token))).chars().take(16).collect()
}

/// The member behind a result row.
pub(super) fn behind(desk: &Desk, wanted: &str) -> Option<&'static Member> {
    all().find(|member| reference(desk, &member.member_id) == wanted)
}

fn masked(id: &str) -> String {
    let shown: String = id.chars().skip(id.chars().count().saturating_sub(4)).collect();
    format!("\u{2022}\u{2022}\u{2022}\u{2022}\u{2022}\u{2022}{shown}")
}

/// Whom to look for: by identifier, or by name and date of birth.
#[derive(Deserialize)]
pub(super) struct Wanted {
    #[serde(default)]
    id: String,
    #[serde(default)]
    last: String,
    #[serde(default)]
    first: String,
    #[serde(default)]
    dob: String,
}

impl Wanted {
    fn fits(&self, member: &Member) -> bool {
        if !self.id.trim().is_empty() {
            return member.member_id.eq_ignore_ascii_case(self.id.trim());
        }
        // Letter by letter, apostrophes and marks included; only the case does not matter.
        let same = |typed: &str, name: &str| typed.trim().to_uppercase() == name.to_uppercase();
        read_date(&self.dob) == Some(member.dob)
            && same(&self.last, &member.family)
            && same(&self.first, &member.given)
    }
}

fn row(desk: &Desk, member: &Member, active: bool) -> Value {
    json!({
        "ref": reference(desk, &member.member_id),
        "name": member.name(),
        "dob": us_date(member.dob),
        "maskedId": masked(&member.member_id),
        "coverage": if active { "Active" } else { "Not active" },
        "relation": if member.subscriber.is_some() { "Dependent" } else { "Subscriber" },
    })
}

/// `GET /api/members`
pub(super) async fn search(desk: Desk, Query(wanted): Query<Wanted>) -> Response {
    desk.note(Entry::new("list").with("page", "members"));
    let by_id = !wanted.id.trim().is_empty();
    if !by_id && (wanted.last.trim().is_empty() || read_date(&wanted.dob).is_none()) {
        return wrong("Enter a member ID, or last name, first name and date of birth.");
    }
    let inactive = desk.struck("not-active");
    if inactive {
        desk.put("inactive", json!(true));
    }
    let active =
        |member: &Member| member.covered(desk.sim.today(), desk.sim.start_date()) && !inactive;
    let mut rows: Vec<Value> = Vec::new();
    for found in all().filter(|member| wanted.fits(member)) {
        let above = found.subscriber.as_deref().and_then(|key| world().member(key));
        let subscriber = above.unwrap_or(found);
        let below: Vec<Value> = all()
            .filter(|member| member.subscriber.as_deref() == Some(subscriber.key.as_str()))
            .map(|member| row(&desk, member, active(member)))
            .collect();
        let mut shown = row(&desk, subscriber, active(subscriber));
        shown["dependents"] = json!(below);
        rows.push(shown);
    }
    if let (true, Some(only)) = (desk.struck("two-matches"), rows.first()) {
        let mut other = only.clone();
        other["maskedId"] = json!(masked("9907"));
        rows.push(other);
    }
    // A fault: the rows of somebody else are drawn first, and stay for a moment.
    let stale = desk.struck("stale-row").then(|| {
        let other = all().find(|member| !wanted.fits(member) && member.subscriber.is_none());
        other.map(|member| vec![row(&desk, member, true)])
    });
    let message = if rows.is_empty() { "No member found." } else { "" };
    good(json!({"rows": rows, "message": message, "stale": stale}))
}

/// A result row somebody chose.
#[derive(Deserialize)]
pub(super) struct Chosen {
    #[serde(rename = "ref")]
    reference: String,
}

/// `POST /api/member`: from here on the whole identifier is shown.
pub(super) async fn choose(desk: Desk, Json(chosen): Json<Chosen>) -> Response {
    let Some(member) = behind(&desk, &chosen.reference) else {
        return wrong("Search for the member again.");
    };
    let id = member.member_id.clone();
    desk.note(Entry::new("context").with("memberId", id.as_str()));
    desk.sim.sessions.change(&desk.session.token, |session| session.member = Some(id));
    let mut shown = row(&desk, member, true);
    shown["memberId"] = json!(member.member_id);
    good(shown)
}

/// First and last day of service.
#[derive(Deserialize)]
pub(super) struct Dates {
    #[serde(rename = "ref")]
    reference: String,
    from: String,
    to: String,
}

/// The dates of a request, or what is wrong with them.
pub(super) fn dates(
    desk: &Desk,
    member: &Member,
    from: &str,
    to: &str,
) -> Result<(Date, Date), &'static str> {
    let (Some(from), Some(to)) = (read_date(from), read_date(to)) else {
        return Err("Choose both dates.");
    };
    let today = desk.sim.today();
    let last = today.saturating_add(jiff::Span::new().days(365));
    if from < today || to < from || to > last {
        return Err("Choose dates from today on, the first before the last.");
    }
    let start = desk.sim.start_date();
    if !member.covered(from, start) || !member.covered(to, start) {
        return Err(NOT_ACTIVE);
    }
    Ok((from, to))
}

/// `POST /api/dates`
pub(super) async fn check_dates(desk: Desk, Json(typed): Json<Dates>) -> Response {
    let Some(member) = behind(&desk, &typed.reference) else {
        return wrong("Search for the member again.");
    };
    if desk.struck("not-active") || desk.kept("inactive") == true {
        return wrong(NOT_ACTIVE);
    }
    match dates(&desk, member, &typed.from, &typed.to) {
        Ok(_) => good(json!({})),
        Err(words) => wrong(words),
    }
}
