//! Requesting provider and site of service: looked up by NPI and state in a list that is in order of distance.

use axum::{extract::Request, response::Response};
use sha2::{Digest as _, Sha256};

use super::{desk::Desk, draft::Draft, look::Ids, wizard::banner};
use crate::{
    ledger::Entry,
    portal::{html::esc, world::world},
};

const STATES: [&str; 6] = ["Illinois", "Indiana", "Iowa", "Michigan", "Missouri", "Wisconsin"];
/// Where all providers of the directory are.
const HOME_STATE: &str = "Illinois";

/// The requesting provider.
pub(super) async fn provider_page(desk: Desk) -> Response {
    match desk.at("provider") {
        Ok(draft) => show_places(&desk, &draft, &PROVIDER, "", None),
        Err(answer) => answer,
    }
}

/// The site of service.
pub(super) async fn site_page(desk: Desk) -> Response {
    match desk.at("site") {
        Ok(draft) => show_places(&desk, &draft, &SITE, "", None),
        Err(answer) => answer,
    }
}

/// The two pages that look somebody up by NPI and state.
struct Place {
    page: &'static str,
    title: &'static str,
    caption: &'static str,
}

const PROVIDER: Place = Place {
    page: "provider",
    title: "Start a case - Requesting provider",
    caption: "Requesting provider NPI",
};
const SITE: Place =
    Place { page: "site", title: "Start a case - Site of service", caption: "Site NPI" };

fn show_places(
    desk: &Desk,
    draft: &Draft,
    place: &Place,
    message: &str,
    searched: Option<(&str, &str)>,
) -> Response {
    let ids = desk.ids();
    let locked = draft.locked && place.page == "provider";
    let (npi, state) = searched.unwrap_or(("", HOME_STATE));
    let states: Vec<_> =
        STATES.iter().map(|name| ((*name).to_owned(), (*name).to_owned())).collect();
    let field = if locked {
        ids.fixed(place.caption, "Npi", &draft.requesting_npi)
    } else {
        ids.text(place.caption, "Npi", npi)
    };
    let list = match searched {
        Some(_) if message.is_empty() => nearby(&ids, desk, locked.then_some(draft)),
        _ => String::new(),
    };
    let body = format!(
        "{}{}{}{list}",
        banner(draft),
        ids.form(&(field + &ids.select("State", "State", &states, state))),
        ids.buttons(&ids.button("Find", desk.words("Find", "Search"), ""))
    );
    desk.page(&ids, place.page, place.title, message, body)
}

/// Everybody of the directory, nearest first: the one asked for can be anywhere.
fn nearby(ids: &Ids, desk: &Desk, locked_to: Option<&Draft>) -> String {
    let miles = |npi: &str| u32::from(Sha256::digest(npi)[0]) + 4;
    let mut providers: Vec<_> = world().providers.iter().collect();
    providers.sort_by_key(|provider| miles(&provider.npi));
    let rows: Vec<_> = providers
        .iter()
        .map(|provider| {
            let may = locked_to.is_none_or(|draft| draft.requesting_npi == provider.npi);
            let words = desk.words("Use this provider", "Select");
            let link = if may { ids.link("Use", &provider.npi, words) } else { String::new() };
            let tenths = miles(&provider.npi);
            vec![
                esc(&provider.name),
                esc(&provider.npi),
                format!("{}.{} mi", tenths / 10, tenths % 10),
                link,
            ]
        })
        .collect();
    desk.note(Entry::new("list").with("search", "providers").with("rows", rows.len()));
    ids.table("Providers near the member", &["Name", "NPI", "Distance", "Choose"], &rows)
}

/// Somebody looks for the requesting provider, or uses one.
pub(super) async fn provider(desk: Desk, request: Request) -> Response {
    place_posted(desk, request, &PROVIDER).await
}

/// Somebody looks for the site of service, or uses one.
pub(super) async fn site(desk: Desk, request: Request) -> Response {
    place_posted(desk, request, &SITE).await
}

async fn place_posted(desk: Desk, request: Request, place: &Place) -> Response {
    let (mut draft, posted) = match desk.posted_to(place.page, request).await {
        Ok(both) => both,
        Err(answer) => return answer,
    };
    if posted.used("Use") {
        let npi = posted.argument().to_owned();
        let wrong = draft.locked && place.page == "provider" && npi != draft.requesting_npi;
        if world().provider(&npi).is_none() || wrong {
            return desk.expired();
        }
        if place.page == "provider" {
            draft.requesting_npi = npi;
            return desk.go(&mut draft, "site");
        }
        draft.site_npi = npi;
        return desk.go(&mut draft, "codes");
    }
    let (npi, state) = (posted.value("Npi"), posted.value("State"));
    let missing = world().provider(&npi).is_none()
        || state != HOME_STATE
        || desk.call.fires("provider-missing");
    let message = if missing { "No provider with this NPI in this state." } else { "" };
    show_places(&desk, &draft, place, message, Some((&npi, &state)))
}
