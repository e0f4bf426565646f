//! The pages' handlers: one read each, then the page in its frame.

use std::sync::Arc;

use axum::{
    extract::{Path, Query, State},
    http::{StatusCode, header},
    response::{IntoResponse, Redirect, Response},
};
use domain::id::{AttemptId, CaseId, DriftId, EvidenceId, ExceptionId};

use super::{
    assets::{self, assets},
    attempt, audit, case, drift, fleet,
    frame::Section,
    inbox, load, me, parts, scripts,
    session::{Fault, POLICY, Reader, Shown, page},
    work,
};
use crate::{
    App,
    access::{Role, sight},
    api::{error::Problem, payers::entries as register, types::RegisterQuery},
    flow::{self, people::Terms},
    store::evidence,
};

/// `/`
pub async fn work(
    State(app): State<Arc<App>>,
    reader: Reader,
    Query(query): Query<load::work::Query>,
) -> Shown {
    let mut view = load::work::load(&app, &query).await?;
    if let Some(searched) = query.searched() {
        searched_for(&app, &reader, searched, view.rows.len()).await?;
    }
    load::sight::rows(reader.caller.role, &mut view.rows);
    // A search that finds exactly one case opens it.
    if view.tab.is_none() && view.rows.len() == 1 {
        return Ok(Redirect::to(&format!("/cases/{}", view.rows[0].case)).into_response());
    }
    let frame = reader.frame(&app, Section::Work).await?;
    Ok(page(&frame, "Work", &work::body(&view, frame.now)))
}

/// A search is written to the audit before anything of it is shown; the page has one field for identifiers and numbers.
async fn searched_for(app: &App, reader: &Reader, q: &str, found: usize) -> Result<(), Fault> {
    let terms = Terms { member: Some(q), reference: Some(q), found };
    Ok(flow::people::searched(&app.core, &reader.actor(), terms, app.now()).await?)
}

/// `/cases.csv`: the same list; exporting is written to the audit.
pub async fn work_csv(
    State(app): State<Arc<App>>,
    reader: Reader,
    Query(query): Query<load::work::Query>,
) -> Shown {
    reader.caller.needs(Role::Operator)?;
    let rows = load::work::rows(&app, &query).await?;
    if let Some(searched) = query.searched() {
        searched_for(&app, &reader, searched, rows.len()).await?;
    }
    reader.caller.saw(&app, "cases.exported", format!("list:{}", query.tab)).await?;
    let headers = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8"),
        (header::CONTENT_DISPOSITION, "attachment; filename=\"cases.csv\""),
        (header::CACHE_CONTROL, "no-store"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    Ok((headers, work::csv(&rows)).into_response())
}

/// An id in an address; what is no id is simply not found.
pub(super) fn id<T: std::str::FromStr>(text: &str, what: &str) -> Result<T, Fault> {
    text.parse().map_err(|_| Fault(Problem::not_found(what)))
}

/// `/cases/{id}`
pub async fn case(State(app): State<Arc<App>>, reader: Reader, Path(case): Path<String>) -> Shown {
    show_case(&app, &reader, id(&case, "case")?, false).await
}

/// A case's page; with patient data only after that was written to the audit.
pub(super) async fn show_case(app: &App, reader: &Reader, case: CaseId, shown: bool) -> Shown {
    let mut view = load::case::load(app, case, shown).await?;
    load::sight::case(reader.caller.role, &mut view);
    let frame = reader.frame(app, Section::Work).await?;
    let title = format!("Case {}", parts::short(&case));
    Ok(page(&frame, &title, &case::body(&view, &frame)))
}

/// `/attempts/{id}`
pub async fn attempt(
    State(app): State<Arc<App>>,
    reader: Reader,
    Path(attempt): Path<String>,
    Query(query): Query<load::attempt::Query>,
) -> Shown {
    let attempt = id::<AttemptId>(&attempt, "attempt")?;
    let mut view = load::attempt::load(&app, attempt, &query).await?;
    load::sight::attempt(reader.caller.role, &mut view);
    if let Some(text) = view.page_text_item() {
        flow::people::viewed(&app.core, &reader.actor(), text, app.now()).await?;
    }
    let frame = reader.frame(&app, Section::Work).await?;
    let title = format!("Attempt {} · case {}", view.number, parts::short(&view.case));
    Ok(page(&frame, &title, &attempt::body(&view, &frame)))
}

/// `/inbox`
pub async fn inbox(
    State(app): State<Arc<App>>,
    reader: Reader,
    Query(query): Query<load::inbox::Query>,
) -> Shown {
    let mut view = load::inbox::load(&app, &query, reader.caller.user, None).await?;
    load::sight::inbox(reader.caller.role, &mut view);
    let frame = reader.frame(&app, Section::Inbox).await?;
    Ok(page(&frame, "Inbox", &inbox::body(&view, &frame)))
}

/// `/inbox/{id}`
pub async fn question(
    State(app): State<Arc<App>>,
    reader: Reader,
    Path(exception): Path<String>,
    Query(query): Query<load::inbox::Query>,
) -> Shown {
    let chosen = id::<ExceptionId>(&exception, "question")?;
    let mut view = load::inbox::load(&app, &query, reader.caller.user, Some(chosen)).await?;
    load::sight::inbox(reader.caller.role, &mut view);
    let frame = reader.frame(&app, Section::Inbox).await?;
    Ok(page(&frame, "Inbox", &inbox::body(&view, &frame)))
}

/// `/fleet`
pub async fn fleet(State(app): State<Arc<App>>, reader: Reader) -> Shown {
    let view = load::fleet::load(&app).await?;
    let frame = reader.frame(&app, Section::Fleet).await?;
    Ok(page(&frame, "Fleet", &fleet::body(&view, &frame)))
}

/// `/payers/{id}`
pub async fn payer(State(app): State<Arc<App>>, reader: Reader, Path(id): Path<String>) -> Shown {
    let view = load::fleet::payer(&app, &id).await?;
    let frame = reader.frame(&app, Section::Fleet).await?;
    let title = parts::visible(&view.view.payer.name);
    Ok(page(&frame, &title, &fleet::payer::body(&view, &frame)))
}

/// `/register.csv`: the register of permissions, by the same code as the API's.
pub async fn register_csv(
    State(app): State<Arc<App>>,
    reader: Reader,
    Query(mut query): Query<RegisterQuery>,
) -> Shown {
    query.format = Some("csv".to_owned());
    let headers = axum::http::HeaderMap::new();
    Ok(register(&app, &reader.caller, &headers, &query).await?)
}

/// `/scripts`
pub async fn scripts(State(app): State<Arc<App>>, reader: Reader) -> Shown {
    let rows = load::other::scripts(&app).await?;
    let frame = reader.frame(&app, Section::Scripts).await?;
    Ok(page(&frame, "Scripts", &scripts::list(&rows, frame.now)))
}

/// `/scripts/{sha256}`
pub async fn script(
    State(app): State<Arc<App>>,
    reader: Reader,
    Path(sha256): Path<String>,
) -> Shown {
    let view = load::other::script(&app, &sha256).await?;
    let frame = reader.frame(&app, Section::Scripts).await?;
    Ok(page(&frame, &view.script, &scripts::one(&view, &frame)))
}

/// `/drift`
pub async fn drift_list(
    State(app): State<Arc<App>>,
    reader: Reader,
    Query(query): Query<load::drift::Query>,
) -> Shown {
    let view = load::drift::list(&app, &query).await?;
    let frame = reader.frame(&app, Section::Drift).await?;
    Ok(page(&frame, "Drift", &drift::list(&view, frame.now)))
}

/// `/drift/{id}`
pub async fn drift_item(
    State(app): State<Arc<App>>,
    reader: Reader,
    Path(item): Path<String>,
) -> Shown {
    let mut view = load::drift::one(&app, id::<DriftId>(&item, "drift item")?).await?;
    sight::drift(reader.caller.role, &mut view.seen);
    let frame = reader.frame(&app, Section::Drift).await?;
    let title = format!("Drift · {}", parts::visible(&view.seen.element));
    Ok(page(&frame, &title, &drift::one(&view, &frame)))
}

/// `/me`
pub async fn me(State(app): State<Arc<App>>, reader: Reader) -> Shown {
    let view = load::other::me(&app, reader.caller.user).await?;
    let frame = reader.frame(&app, None).await?;
    Ok(page(&frame, "You", &me::body(&view, &frame)))
}

/// `/audit`
pub async fn audit(
    State(app): State<Arc<App>>,
    reader: Reader,
    Query(query): Query<load::other::Query>,
) -> Shown {
    reader.caller.needs(Role::Admin)?;
    let view = load::other::audit(&app, &query).await?;
    let frame = reader.frame(&app, Section::Audit).await?;
    Ok(page(&frame, "Audit", &audit::body(&view, frame.now)))
}

/// `/evidence/{id}`: our own pictures are shown in place, all else is a download under a sandbox. Every reading is written to the
/// audit, also of a picture on a page; a browser asks again only after the time below.
pub async fn evidence(
    State(app): State<Arc<App>>,
    reader: Reader,
    Path(item): Path<String>,
) -> Shown {
    reader.caller.needs(Role::Operator)?;
    let item = evidence::get(app.store(), id::<EvidenceId>(&item, "evidence")?).await?;
    flow::people::viewed(&app.core, &reader.actor(), &item, app.now()).await?;
    let bytes = app.core.files.get(&item.sha256).await?;
    let kind = item.kind.media_type();
    let place = if kind == "image/png" { "inline" } else { "attachment" };
    let headers = [
        (header::CONTENT_TYPE, kind),
        (header::CONTENT_DISPOSITION, place),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::CONTENT_SECURITY_POLICY, "sandbox; default-src 'none'"),
        // Immutable by its id, but patient data: kept by the reader's own browser for the sitting only.
        (header::CACHE_CONTROL, "private, max-age=300"),
    ];
    Ok((headers, bytes).into_response())
}

/// `/assets/{name}`
pub async fn asset(Path(name): Path<String>) -> Response {
    let known = assets();
    let at = format!("/assets/{name}");
    let (kind, text) = if at == known.css {
        ("text/css; charset=utf-8", assets::CSS)
    } else if let Some(script) = assets::SCRIPT.filter(|_| Some(at.as_str()) == known.js) {
        ("text/javascript; charset=utf-8", script)
    } else if name == "icon.svg" {
        ("image/svg+xml", assets::ICON)
    } else {
        return Fault(Problem::not_found("file")).into_response();
    };
    let headers = [
        (header::CONTENT_TYPE, kind),
        (
            header::CACHE_CONTROL,
            if name == "icon.svg" {
                "public, max-age=3600"
            } else {
                "public, max-age=31536000, immutable"
            },
        ),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::CONTENT_SECURITY_POLICY, POLICY),
    ];
    (StatusCode::OK, headers, text).into_response()
}
