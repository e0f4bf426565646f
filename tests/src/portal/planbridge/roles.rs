//! "Attach Providers": requesting, servicing, facility, a dialog for each. A role that is missing is told only at the
//! submit.

use axum::{Form, extract::Query, http::StatusCode, response::Response};

use super::{
    desk::{Desk, Fields, value},
    draft::Draft,
    look,
};
use crate::{
    ledger::Entry,
    portal::{
        html::{self, esc},
        world::{Provider, world},
    },
};

const ROLES: [&str; 3] = ["Requesting", "Servicing", "Facility"];

fn provider(npi: &str) -> Option<&'static Provider> {
    world().provider(npi.trim())
}

fn attached(draft: &Draft, role: &str) -> String {
    match role {
        "Requesting" => draft.requesting.clone(),
        "Servicing" => draft.servicing.clone(),
        _ => draft.facility.clone(),
    }
}

/// The three roles and who is attached.
pub(super) async fn page(desk: Desk) -> Response {
    desk.saw("attach");
    let (draft, look) = (desk.draft(), desk.look);
    let rows: Vec<Vec<String>> = ROLES
        .iter()
        .map(|role| {
            let npi = attached(&draft, role);
            let name = provider(&npi).map_or("", |one| one.name.as_str());
            let words = look.say("Attach", "Choose");
            vec![
                (*role).to_owned(),
                esc(&npi),
                esc(name),
                format!("<button type=\"button\" class=\"btn small\" data-role=\"{role}\">{words}</button>"),
            ]
        })
        .collect();
    let list = look.id("providers");
    let found = look.id("providersFound");
    let dialog = format!(
        "<div class=\"veil\" id=\"{}\" hidden><div class=\"modal\" role=\"dialog\" aria-label=\"\"><h2></h2>\
         <form class=\"search\" data-into=\"{found}\" data-from=\"/attach/find\">{}{}</form><div id=\"{found}\"></div>\
         <p><button type=\"button\" class=\"btn small\" data-close=\"1\">Cancel</button></p></div></div>",
        look.id("dialog"),
        look.input(look.say("NPI or Name", "Who"), "who", "text", "", true),
        look.go(look.say("Find", "Look up"))
    );
    let body = format!(
        "<div id=\"{list}\">{}</div>{}{dialog}{}",
        look.table(look.say("Providers", "Care team"), &["Role", "NPI", "Name", "Action"], &rows),
        look.onward(look.say("Continue", "Next: services"), "/services"),
        look::overlays(&desk)
    );
    desk.shown(look.um(&desk, look.say("Attach Providers", "Care team"), &body))
}

/// Providers of the directory with this number or words in their name, for the dialog.
pub(super) async fn find(desk: Desk, Query(typed): Query<Fields>) -> Response {
    let (who, role) = (value(&typed, "who"), value(&typed, "role"));
    let wanted = who.to_lowercase();
    let fits = |one: &&Provider| one.npi == who || one.name.to_lowercase().contains(&wanted);
    let rows: Vec<Vec<String>> = world()
        .providers
        .iter()
        .filter(fits)
        .filter(|_| !who.is_empty() && !desk.call.fires("provider-missing"))
        .map(|one| {
            vec![
                esc(&one.npi),
                esc(&one.name),
                esc(&one.kind),
                format!(
                    "<form method=\"post\" action=\"/attach\"><input type=\"hidden\" name=\"role\" value=\"{}\">\
                     <input type=\"hidden\" name=\"npi\" value=\"{}\">\
                     <input type=\"submit\" class=\"btn small\" value=\"Select\"></form>",
                    esc(&role),
                    esc(&one.npi)
                ),
            ]
        })
        .collect();
    if rows.is_empty() {
        return desk.shown("<p class=\"alert\">No provider found.</p>".to_owned());
    }
    desk.shown(desk.look.table("Providers found", &["NPI", "Name", "Kind", "Action"], &rows))
}

/// A provider is attached in a role.
pub(super) async fn attach(desk: Desk, Form(fields): Form<Fields>) -> Response {
    let (role, npi) = (value(&fields, "role"), value(&fields, "npi"));
    let mut draft = desk.draft();
    if provider(&npi).is_some() {
        match role.as_str() {
            "Requesting" => draft.requesting = npi,
            "Servicing" => draft.servicing = npi,
            _ => draft.facility = npi,
        }
        desk.note(Entry::new("context").with("role", role));
        desk.keep(&draft);
    }
    html::redirect(StatusCode::SEE_OTHER, "/attach")
}
