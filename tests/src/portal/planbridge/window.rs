//! The UM window: how it opens, when it closes, who the episode is for, and the episode itself.

use std::sync::Arc;

use axum::{
    Extension, Form, Json,
    extract::State,
    http::{HeaderValue, StatusCode, header},
    response::Response,
};
use base64::Engine as _;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    desk::{self, Desk, Fields, value},
    draft::{self, Draft, KINDS},
    look::{self, Look},
};
use crate::{
    ledger::Entry,
    portal::{
        accounts::Stage,
        call::Call,
        html::{self, esc},
        pulse::Pulse,
        sim::Sim,
        world::Member,
    },
};

/// The self-posting form arrives. Its value works once.
pub(super) async fn sso(
    State(sim): State<Arc<Sim>>,
    Extension(call): Extension<Call>,
    Form(fields): Form<Fields>,
) -> Response {
    let pass = base64::engine::general_purpose::STANDARD.decode(value(&fields, "pass")).ok();
    let pass = pass.and_then(|bytes| String::from_utf8(bytes).ok()).unwrap_or_default();
    let (token, once) = pass.split_once('.').unwrap_or_default();
    let opened = sim.sessions.change(token, |session| {
        let right = session.stage == Stage::Live && session.data.get("once") == Some(&json!(once));
        if right {
            session.data.remove("once");
            session.data.remove("orphaned");
            session.data.insert("um".to_owned(), json!(true));
        }
        right
    });
    if opened != Some(true) {
        sim.note(&call, Entry::new("login").with("result", "refused").with("where", "um"));
        let look = Look::of(sim.sessions.skin_before_sign_in());
        return html::page(StatusCode::OK, look.ended("Sign in failed.", true));
    }
    let mut response = html::redirect(StatusCode::SEE_OTHER, "/member");
    let cookie = format!("UMSESSION={token}; Path=/; Secure; HttpOnly; SameSite=Lax");
    if let Ok(cookie) = HeaderValue::from_str(&cookie) {
        response.headers_mut().insert(header::SET_COOKIE, cookie);
    }
    response
}

/// What the UM window sends with its pulse.
#[derive(Deserialize)]
pub(super) struct Told {
    #[serde(flatten)]
    pulse: Pulse,
    /// Is the main window still there?
    #[serde(default)]
    opener: Option<bool>,
}

/// Clicks, and whether the main window is still there. A minute after it went, this one goes too.
pub(super) async fn pulse(desk: Desk, Json(Told { pulse, opener }): Json<Told>) -> Response {
    pulse.take(&desk.sim, &desk.call);
    let orphaned = desk.kept("orphaned");
    match opener {
        Some(false) if orphaned.is_null() => {
            desk.put("orphaned", json!(desk.sim.now().to_string()))
        }
        Some(true) if !orphaned.is_null() => desk.put("orphaned", Value::Null),
        _ => {}
    }
    html::answer(StatusCode::OK, "application/json", "{}")
}

/// Recent members, the last one first and chosen beforehand; and the search.
pub(super) async fn member_page(desk: Desk) -> Response {
    desk.saw("member");
    // A new episode begins here and forgets an unfinished one.
    desk.put("draft", Value::Null);
    let look = desk.look;
    let recent: String = desk
        .recent()
        .iter()
        .filter_map(|id| desk::member(id))
        .enumerate()
        .map(|(at, member)| {
            let checked = if at == 0 { " checked" } else { "" };
            format!(
                "<li><label><input type=\"radio\" name=\"memberId\" value=\"{}\"{checked}> {} {}</label></li>",
                esc(&member.member_id),
                esc(&member.name()),
                esc(&member.member_id)
            )
        })
        .collect();
    let recent = if recent.is_empty() {
        "<p class=\"hint\">No recent members.</p>".to_owned()
    } else {
        format!(
            "<form method=\"post\" action=\"/member\"><ul class=\"recent\">{recent}</ul>{}</form>",
            look.go(look.say("Continue", "Use this person"))
        )
    };
    let found = look.id("found");
    let (id, born) = (
        look.input(look.say("Member ID", "Subscriber ID"), "searchId", "text", "", true),
        look.input(look.say("Date of Birth", "Born on"), "searchDob", "date", "", false),
    );
    let fields = if look.v2 { format!("{born}{id}") } else { format!("{id}{born}") };
    let body = format!(
        "<h2>{}</h2>{recent}<h2>{}</h2><form class=\"search\" data-into=\"{found}\" data-post=\"/member/find\">{fields}{}\
         </form><div id=\"{found}\"></div>{}",
        look.say("Recent Members", "Seen lately"),
        look.say("Member Search", "Find a person"),
        look.go(look.say("Search", "Find")),
        look::overlays(&desk)
    );
    desk.shown(look.um(&desk, look.say("Select Member", "Who is it for?"), &body))
}

/// Members that fit number and date of birth, for the page's script.
pub(super) async fn find(desk: Desk, Form(typed): Form<Fields>) -> Response {
    let born = html::read_date(&value(&typed, "searchDob"));
    let found = desk::member(&value(&typed, "searchId")).filter(|member| Some(member.dob) == born);
    let Some(member) = found else {
        return desk.shown("<p class=\"alert\">No member found.</p>".to_owned());
    };
    desk.note(Entry::new("eligibility").with("member", member.key.as_str()));
    let mut rows = vec![row(&desk, member, "PlanBridge Regional")];
    if desk.call.fires("two-matches") {
        rows.push(row(&desk, member, "PlanBridge Senior"));
    }
    if desk.call.fires("stale-row")
        && let Some(before) = desk.recent().iter().find_map(|id| desk::member(id))
    {
        // The rows of the search before, until the page asks again.
        let stale = table(&desk, &[row(&desk, before, "PlanBridge Regional")]);
        return desk.shown(format!("<div data-again=\"700\">{stale}</div>"));
    }
    desk.shown(table(&desk, &rows))
}

fn table(desk: &Desk, rows: &[Vec<String>]) -> String {
    let headers = ["Member ID", "Name", "Date of Birth", "Plan", "Coverage", "Action"];
    desk.look.table("Members found", &headers, rows)
}

fn row(desk: &Desk, member: &Member, plan: &str) -> Vec<String> {
    let today = central_day(desk);
    let active = member.covered(today, desk.sim.start_date()) && !desk.call.fires("not-active");
    vec![
        esc(&member.member_id),
        esc(&member.name()),
        html::us_date(member.dob),
        plan.to_owned(),
        if active { "Active" } else { "Inactive" }.to_owned(),
        format!(
            "<form method=\"post\" action=\"/member\"><input type=\"hidden\" name=\"memberId\" value=\"{}\">\
             <input type=\"submit\" class=\"btn small\" value=\"Select\"></form>",
            esc(&member.member_id)
        ),
    ]
}

fn central_day(desk: &Desk) -> jiff::civil::Date {
    super::central(desk.sim.now()).date()
}

/// A member is chosen, from the search or from the recent ones.
pub(super) async fn member(desk: Desk, Form(fields): Form<Fields>) -> Response {
    let Some(member) = desk::member(&value(&fields, "memberId")) else {
        return html::redirect(StatusCode::SEE_OTHER, "/member");
    };
    let draft = Draft { member_id: member.member_id.clone(), ..Draft::default() };
    desk.note(Entry::new("context").with("member", member.key.as_str()));
    desk.works_on(&member.member_id);
    desk.keep(&draft);
    html::redirect(StatusCode::SEE_OTHER, "/episode")
}

/// Type, urgency and diagnoses.
pub(super) async fn episode_page(desk: Desk) -> Response {
    desk.saw("episode");
    episode_form(&desk, "")
}

fn episode_form(desk: &Desk, message: &str) -> Response {
    let (draft, look) = (desk.draft(), desk.look);
    let kind = if draft.kind.is_empty() { KINDS[0] } else { &draft.kind };
    let urgency = if draft.expedited { "Expedited" } else { "Standard" };
    let words = if desk.call.fires("renamed-labels") {
        ["Type of Review", "Speed", "ICD Codes"]
    } else {
        [
            look.say("Episode Type", "Kind of care"),
            look.say("Urgency", "Priority"),
            look.say("Diagnosis Codes", "Diagnoses"),
        ]
    };
    let codes = draft.diagnoses.join(", ");
    let mut fields = vec![
        look.choice(words[0], "kind", &KINDS, kind),
        look.choice(words[1], "urgency", &["Standard", "Expedited"], urgency),
        look.input(words[2], "diagnoses", "text", &codes, false),
    ];
    if look.v2 {
        fields.reverse();
    }
    if desk.call.fires("reordered-fields") {
        fields.rotate_left(1);
    }
    if look.v2 {
        fields.push(look.input("Contact phone (optional)", "phone", "text", "", true));
    }
    let fields = fields.concat();
    let body = format!(
        "{}<form method=\"post\" action=\"/episode\">{fields}{}</form>{}",
        look.alert(message),
        look.go(look.say("Create", "Start episode")),
        look::overlays(desk)
    );
    desk.shown(look.um(desk, look.say("Create Episode", "About the request"), &body))
}

/// The episode is created; its number is no reference of the plan's.
pub(super) async fn episode(desk: Desk, Form(fields): Form<Fields>) -> Response {
    let mut draft = desk.draft();
    draft.kind = value(&fields, "kind");
    draft.expedited = value(&fields, "urgency") == "Expedited";
    draft.diagnoses = draft::codes(&value(&fields, "diagnoses"));
    if draft.member_id.is_empty() {
        return html::redirect(StatusCode::SEE_OTHER, "/member");
    }
    if draft.episode.is_empty() {
        let serial = 400 + desk.sim.kept.next("episode");
        draft.episode = format!("Episode 26-{serial:05}");
    }
    let known =
        draft.diagnoses.iter().all(|code| crate::portal::world::world().diagnosis(code).is_some());
    desk.keep(&draft);
    if draft.diagnoses.is_empty() || !known || desk.call.fires("retired-code") {
        return episode_form(&desk, "Enter a valid diagnosis code.");
    }
    html::redirect(StatusCode::SEE_OTHER, "/attach")
}
