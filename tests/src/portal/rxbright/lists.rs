//! Reading: the dashboard in pieces of 25 by last activity, the search by patient and drug that is complete, one request
//! and its history, and what the form of a new request looks up.

use axum::{
    extract::{Path, Query},
    http::StatusCode,
    response::Response,
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    Status,
    desk::{Desk, good, said, wrong},
    entry::same,
    plans::book,
    request::{self, Request},
    view,
};
use crate::{
    ledger::Entry,
    portal::{
        html::{central, read_date, us_date},
        planted,
        store::Case,
        world::world,
    },
};

/// Rows of one piece of the dashboard.
const PIECE: usize = 25;

const DOWN: &str = "Status information is unavailable at the moment. New requests are accepted.";

fn down(desk: &Desk) -> bool {
    desk.sim.knobs.flag("status_down") || desk.call.fires("status-down")
}

fn rows(desk: &Desk) -> Vec<(Request, Option<Case>)> {
    let with_case = |request: Request| {
        let case = request::case_of(&desk.sim, &request.key);
        (request, case)
    };
    request::all(&desk.sim).into_iter().map(with_case).collect()
}

/// Which piece is wanted.
#[derive(Deserialize)]
pub(super) struct Piece {
    status: Option<String>,
    after: Option<usize>,
}

/// `GET /api/requests?status=&after=`
pub(super) async fn dashboard(desk: Desk, Query(piece): Query<Piece>) -> Response {
    if let Err(refused) = desk.account_needed() {
        return refused;
    }
    if down(&desk) {
        return good(&json!({"rows": [], "more": false, "banner": DOWN}));
    }
    let wanted = piece.status.unwrap_or_default();
    if !wanted.is_empty() && !Status::ALL.iter().any(|status| status.words() == wanted) {
        return wrong("No such status.");
    }
    let mut found = rows(&desk);
    found.retain(|(request, case)| {
        wanted.is_empty() || request::status(request, case.as_ref()).words() == wanted
    });
    // Rows move while somebody scrolls: the next piece is counted from the top of today's order.
    let from = piece.after.unwrap_or(0);
    let drift = usize::from(desk.call.fires("paging-drift"));
    let shown: Vec<Value> = found
        .iter()
        .skip(from + drift)
        .take(PIECE)
        .map(|(request, case)| view::row(request, case.as_ref()))
        .collect();
    desk.note(Entry::new("list").with("rows", shown.len()).with("from", from));
    good(&json!({"rows": shown, "more": found.len() > from + drift + PIECE}))
}

/// What is looked for.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[derive(Default)]
pub(super) struct Wanted {
    last_name: String,
    dob: String,
    drug: String,
    number: String,
}

/// `GET /api/search?lastName=&dob=&drug=&number=`: complete, whoever began the request.
pub(super) async fn search(desk: Desk, Query(wanted): Query<Wanted>) -> Response {
    if let Err(refused) = desk.account_needed() {
        return refused;
    }
    if down(&desk) {
        return good(&json!({"rows": [], "banner": DOWN}));
    }
    let number = wanted.number.trim();
    let born = read_date(&wanted.dob);
    if number.is_empty() && (wanted.last_name.trim().is_empty() || born.is_none()) {
        return wrong("Enter the last name and date of birth, or a number.");
    }
    let mut found = rows(&desk);
    found.retain(|(request, case)| {
        let member = world().member_by_id(super::PROFILE.slug, &request.member_id);
        let person = number.is_empty() || !wanted.last_name.trim().is_empty();
        let fits =
            member.is_some_and(|one| same(&one.family, &wanted.last_name) && Some(one.dob) == born);
        let drug = wanted.drug.trim();
        let numbered = case.as_ref().is_some_and(|case| case.has_number(number));
        (fits || !person)
            && (drug.is_empty() || request.drug.eq_ignore_ascii_case(drug))
            && (number.is_empty() || request.key == number || numbered)
    });
    if desk.call.fires("search-empty-while-down") {
        found.clear();
    }
    let shown: Vec<Value> =
        found.iter().map(|(request, case)| view::row(request, case.as_ref())).collect();
    desk.note(Entry::new("list").with("search", "patient").with("rows", shown.len()));
    good(&json!({"rows": shown}))
}

/// `GET /api/requests/{key}`
pub(super) async fn detail(desk: Desk, Path(key): Path<String>) -> Response {
    request::tick(&desk.sim, &key);
    let request = match desk.request(&key) {
        Ok(request) => request,
        Err(refused) => return refused,
    };
    let case = request::case_of(&desk.sim, &key).map(|case| desk.sim.shown(&desk.call, case));
    if case.is_some() && down(&desk) {
        return good(&json!({"banner": DOWN}));
    }
    desk.note(Entry::new("status").with("case", key.as_str()));
    let mut body = view::whole(&desk, &request, case.as_ref());
    if desk.call.fires("hostile-text") {
        body["notice"] = json!(format!("{} https://elsewhere.test/confirm", planted::HOSTILE));
    }
    body["resends"] = json!(desk.call.fires("reload-reposts"));
    if desk.call.fires("page-retry") {
        body["tries"] = json!(3);
    }
    if desk.call.fires("decoy-button") {
        body["decoy"] = json!("Send to planner");
    }
    good(&body)
}

/// `GET /api/requests/{key}/history`
pub(super) async fn history(desk: Desk, Path(key): Path<String>) -> Response {
    let request = match desk.request(&key) {
        Ok(request) => request,
        Err(refused) => return refused,
    };
    let case = request::case_of(&desk.sim, &key);
    let mut lines = vec![json!([central(request.made_at), "Initiated"])];
    for (at, words) in case.iter().flat_map(|case| &case.history) {
        lines.push(json!([central(*at), words]));
    }
    good(&json!({"key": key, "lines": lines}))
}

/// `GET /api/notices`: what was announced and has vanished again.
pub(super) async fn notices(desk: Desk) -> Response {
    let only = desk.only().map(str::to_owned);
    let shown: Vec<Value> = request::all(&desk.sim)
        .iter()
        .filter(|request| only.as_ref().is_none_or(|only| *only == request.key))
        .flat_map(|request| {
            let toasts = request.messages.iter().filter(|message| message.kind == "toast");
            toasts.map(|toast| json!({"key": request.key, "text": toast.data["text"]}))
        })
        .collect();
    good(&json!({"notices": shown}))
}

/// What is typed so far.
#[derive(Deserialize)]
pub(super) struct Typed {
    q: String,
}

/// `GET /api/drugs?q=`: by name or code.
pub(super) async fn drugs(desk: Desk, Query(typed): Query<Typed>) -> Response {
    desk.sim.page_delay(250).await;
    let q = typed.q.trim().to_lowercase();
    let retired = desk.call.fires("retired-code");
    let fits = |text: &str| text.to_lowercase().contains(&q);
    let found: Vec<Value> = book()
        .drugs
        .iter()
        .filter(|drug| !retired && q.len() >= 3 && (fits(&drug.code) || fits(&drug.name)))
        .map(|drug| json!({"code": drug.code, "words": view::drug(&drug.code)}))
        .collect();
    good(&json!({"drugs": found}))
}

/// The three identifiers of a plan.
#[derive(Deserialize)]
pub(super) struct Identifiers {
    bin: String,
    pcn: String,
    group: String,
}

/// `GET /api/plans?bin=&pcn=&group=`
pub(super) async fn plan(_desk: Desk, Query(three): Query<Identifiers>) -> Response {
    match book().plan(&three.bin, &three.pcn, &three.group) {
        Some(plan) => good(&json!({"name": plan.name})),
        None => said(StatusCode::NOT_FOUND, "No plan has these three identifiers."),
    }
}

/// `GET /api/patients?q=`: the practice's own charts, by member ID.
pub(super) async fn patients(desk: Desk, Query(typed): Query<Typed>) -> Response {
    if let Err(refused) = desk.account_needed() {
        return refused;
    }
    let id = typed.q.trim();
    let found = book().chart(id).and_then(|chart| {
        let member = world().member_by_id(super::PROFILE.slug, id)?;
        Some(json!({
            "memberId": id, "last": member.family, "first": member.given, "dob": us_date(member.dob),
            "sex": chart.sex, "zip": chart.zip,
        }))
    });
    let mut shown: Vec<Value> = found.into_iter().collect();
    if desk.call.fires("two-matches")
        && let Some(one) = shown.first().cloned()
    {
        let mut other = one;
        other["zip"] = json!("62799");
        shown.push(other);
    }
    good(&json!({"patients": shown}))
}

/// `GET /api/prescribers`: the practice's list.
pub(super) async fn prescribers(desk: Desk) -> Response {
    let missing = desk.call.fires("provider-missing");
    let shown: Vec<Value> = world()
        .providers
        .iter()
        .filter(|one| matches!(one.kind.as_str(), "clinic" | "surgeon") && !missing)
        .map(|one| json!({"npi": one.npi, "words": format!("{} (NPI {})", one.name, one.npi)}))
        .collect();
    good(&json!({"prescribers": shown}))
}
