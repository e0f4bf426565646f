//! The Drift page from the store.

use std::collections::BTreeMap;

use domain::{drift::DriftState, id::DriftId};

use super::{payer_name, payer_names, person_names, pixels};
use crate::{
    App,
    console::drift::{Detail, List, Row},
    flow,
    store::{
        self, drift,
        drift::{Filter, Item},
        evidence, scripts,
    },
};

/// The query string of the page.
#[derive(Debug, Clone, Default, serde::Deserialize)]
#[serde(default)]
pub struct Query {
    /// State's word; `all` for every one, the open ones when absent.
    pub state: String,
    /// Kind's word.
    pub kind: String,
    /// Payer id.
    pub payer: String,
    /// Continue below this item.
    pub after: String,
}

/// The list.
///
/// # Errors
/// The database cannot be read.
pub async fn list(app: &App, query: &Query) -> Result<List, store::Error> {
    let names = payer_names(app.store()).await?;
    let state = match query.state.as_str() {
        "" => "open",
        "all" => "",
        word => word,
    };
    let filter = Filter {
        state: state.to_owned(),
        kind: query.kind.clone(),
        payer: query.payer.clone(),
        ..Filter::default()
    };
    let page = drift::list(app.store(), &filter, &query.after, 50).await?;
    let next = page.next.map(|after| {
        url::form_urlencoded::Serializer::new(String::new())
            .append_pair("state", if state.is_empty() { "all" } else { state })
            .append_pair("kind", &query.kind)
            .append_pair("payer", &query.payer)
            .append_pair("after", &after)
            .finish()
    });
    Ok(List {
        state: state.to_owned(),
        kind: query.kind.clone(),
        payer: query.payer.clone(),
        rows: page.items.into_iter().map(|item| row(item, &names)).collect(),
        payers: names.into_iter().collect(),
        next,
    })
}

fn row(item: Item, names: &BTreeMap<String, String>) -> Row {
    Row {
        id: item.id,
        kind: item.seen.kind,
        state: item.state,
        payer: payer_name(names, &item.payer),
        script: item.script,
        element: item.seen.element,
        sightings: item.sightings,
        last_seen_at: item.last_seen_at,
    }
}

/// One item.
///
/// # Errors
/// The database cannot be read, or there is no such item.
pub async fn one(app: &App, id: DriftId) -> Result<Detail, store::Error> {
    let store = app.store();
    let item = drift::get(store, id).await?;
    let people = person_names(store).await?;
    let script = scripts::get(store, &item.script_sha256).await?;
    let change = flow::drift::change_in(&script, &item);
    let mut pictures = Vec::new();
    for picture in [item.seen.before_picture, item.seen.now_picture].into_iter().flatten() {
        pictures.push(evidence::get(store, picture).await?);
    }
    let sizes = pixels(app, pictures.iter()).await;
    let size = |picture: Option<_>| picture.and_then(|id| sizes.get(&id).copied());
    let person = match &item.state {
        DriftState::Open => None,
        DriftState::Accepted { by, .. } | DriftState::Dismissed { by, .. } => {
            people.get(&by.to_string()).cloned()
        }
    };
    Ok(Detail {
        id: item.id,
        payer: payer_name(&payer_names(store).await?, &item.payer),
        script: item.script,
        script_sha256: item.script_sha256,
        held: script.held_reason,
        pixels: [size(item.seen.before_picture), size(item.seen.now_picture)],
        seen: item.seen,
        state: item.state,
        person,
        decided_at: item.decided_at,
        sightings: item.sightings,
        first_seen_at: item.first_seen_at,
        last_seen_at: item.last_seen_at,
        attempts: drift::attempts(store, id).await?,
        change,
        revision: item.rev,
        refused: None,
    })
}
