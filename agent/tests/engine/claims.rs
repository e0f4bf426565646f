//! Claims of the small portal: a page with its query, and one with an address of its own whose script loads the lines.

use axum::{
    extract::{Path, Query, State},
    http::HeaderMap,
    response::{Html, IntoResponse, Redirect, Response},
};
use serde::Deserialize;

use crate::site::{Site, page, signed_in};

#[derive(Deserialize)]
pub(crate) struct Wanted {
    number: String,
}

pub(crate) async fn claim(
    State(site): State<Site>,
    headers: HeaderMap,
    Query(wanted): Query<Wanted>,
) -> Response {
    if !signed_in(&site, &headers) {
        return Redirect::to("/login").into_response();
    }
    let ledger = site.lock().unwrap();
    if let Some(away) = &ledger.claim_leads_to {
        return Redirect::to(away).into_response();
    }
    let (state, paid) = &ledger.claim;
    let state = if state.is_empty() { "In process" } else { state };
    let paid = paid.as_ref().map(|paid| format!("<p class=paid title=Paid>{paid}</p>"));
    let over = ledger.claim_shown.as_ref().map(|text| {
        format!("<script>document.querySelector('td').textContent = '{text}'</script>")
    });
    let body = format!(
        "<h1>Claim {}</h1><table><tr><th>Claim status</th><td>{state}</td></tr></table>{}{}{}",
        wanted.number,
        paid.unwrap_or_default(),
        over.unwrap_or_default(),
        " ".repeat(ledger.claim_padding)
    );
    page("Claim", &body).into_response()
}

/// What a search for a claim finds: its page.
pub(crate) async fn found(
    site: State<Site>,
    headers: HeaderMap,
    Query(wanted): Query<Wanted>,
) -> Response {
    by_number(site, headers, Path(wanted.number)).await
}

/// A claim; its lines come by the page's own script.
pub(crate) async fn by_number(
    State(site): State<Site>,
    headers: HeaderMap,
    Path(number): Path<String>,
) -> Response {
    if !signed_in(&site, &headers) {
        return Redirect::to("/login").into_response();
    }
    let body = format!(
        "<h1>Claim {number}</h1><p title=Stage>In review</p><div id=lines></div><script>\
         fetch('/lines?number=' + encodeURIComponent('{number}')).then(r => r.text())\
         .then(t => {{ document.querySelector('#lines').innerHTML = t; }})</script>"
    );
    page("Claim", &body).into_response()
}

/// The lines, for the page's script.
pub(crate) async fn lines_of(
    site: State<Site>,
    headers: HeaderMap,
    Query(wanted): Query<Wanted>,
) -> Response {
    lines(site, headers, Path(wanted.number)).await
}

/// The lines at an address of their own.
pub(crate) async fn lines(
    State(site): State<Site>,
    headers: HeaderMap,
    Path(number): Path<String>,
) -> Response {
    if !signed_in(&site, &headers) {
        return Redirect::to("/login").into_response();
    }
    let ledger = site.lock().unwrap();
    let first = "Pended".to_owned();
    let rows: String = std::iter::once(&first)
        .chain(&ledger.more_lines)
        .enumerate()
        .map(|(at, decision)| format!("<tr><td>{number}-{at}</td><td>{decision}</td></tr>"))
        .collect();
    let table = format!(
        "<table><caption>Lines</caption><tr><th>Code</th><th>Decision</th></tr>{rows}</table>"
    );
    Html(table).into_response()
}
