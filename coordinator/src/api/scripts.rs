//! `/v1/scripts`: navigation scripts as published bundles.

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use axum::{
    Json,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::Response,
};

use domain::script::{Bundle, Finding, Level, Source, check::check_script};

use super::{
    error::{Fault, Problem, Reply},
    input::{Body, Id, IfMatch, Query},
    list,
    types::{self, Because, PageOf, PlainQuery, ScriptView},
};
use crate::{
    App,
    access::{Caller, Role},
    flow::{
        Asked,
        publish::{self, NewScript},
    },
    store::scripts,
};

/// Published bundles, by script, newest first.
#[utoipa::path(get, path = "/v1/scripts", tag = "staff", params(PlainQuery),
    responses((status = 200, description = "All of them", body = PageOf<ScriptView>), (status = "4XX", description = "Refused", body = Problem, content_type = "application/problem+json")))]
pub async fn list(
    State(app): State<Arc<App>>,
    caller: Caller,
    headers: HeaderMap,
    Query(q): Query<PlainQuery>,
) -> Reply<Response> {
    caller.needs(Role::Viewer)?;
    let all = scripts::list(app.store()).await?.into_iter().map(|s| view(s, false)).collect();
    list::answer(PageOf::whole(all), &q.paging(), &headers)
}

/// One bundle with its files.
#[utoipa::path(get, path = "/v1/scripts/{sha256}", tag = "staff", params(("sha256" = String, Path, description = "Hash of the bundle")),
    responses((status = 200, description = "The bundle", body = ScriptView), (status = "4XX", description = "Refused", body = Problem, content_type = "application/problem+json")))]
pub async fn show(
    State(app): State<Arc<App>>,
    caller: Caller,
    Id(sha256): Id<String>,
) -> Reply<Json<ScriptView>> {
    caller.needs(Role::Viewer)?;
    Ok(Json(view(scripts::get(app.store(), &sha256).await?, true)))
}

/// Checks a script and makes it the live one of its payer and task. Jobs already made keep the bundle they are pinned to.
#[utoipa::path(post, path = "/v1/scripts", tag = "staff", request_body = types::NewScript,
    params(("idempotency-key" = String, Header, description = "8 to 200 characters; the same key and body get the same answer")),
    responses((status = 201, description = "Live", body = ScriptView), (status = "4XX", description = "Refused; every finding is in `faults`", body = Problem, content_type = "application/problem+json")))]
pub async fn publish(
    State(app): State<Arc<App>>,
    caller: Caller,
    Body(new): Body<types::NewScript>,
) -> Reply<(StatusCode, Json<ScriptView>)> {
    caller.needs(Role::Admin)?;
    let new = bundle(&new.script, &new.files).map_err(refused)?;
    let sha256 = new.sha256.clone();
    publish::publish(&app.core, &caller.as_actor(), new, app.now()).await?;
    Ok((StatusCode::CREATED, Json(view(scripts::get(app.store(), &sha256).await?, false))))
}

/// Holds a bundle: its jobs wait, and what runs does not commit.
#[utoipa::path(post, path = "/v1/scripts/{sha256}/hold", tag = "staff", request_body = Because,
    params(("sha256" = String, Path, description = "Hash of the bundle"), ("if-match" = String, Header, description = "The `rev` you have seen")),
    responses((status = 200, description = "The bundle", body = ScriptView), (status = "4XX", description = "Refused", body = Problem, content_type = "application/problem+json")))]
pub async fn hold(
    State(app): State<Arc<App>>,
    caller: Caller,
    Id(sha256): Id<String>,
    IfMatch(rev): IfMatch,
    Body(because): Body<Because>,
) -> Reply<Json<ScriptView>> {
    caller.needs(Role::Operator)?;
    let asked = Asked::new(caller.as_actor(), &because.reason, Some(rev))?;
    Ok(Json(view(publish::hold(&app.core, &asked, &sha256, app.now()).await?, false)))
}

/// Lets a held bundle go on.
#[utoipa::path(post, path = "/v1/scripts/{sha256}/unhold", tag = "staff", request_body = Because,
    params(("sha256" = String, Path, description = "Hash of the bundle"), ("if-match" = String, Header, description = "The `rev` you have seen")),
    responses((status = 200, description = "The bundle", body = ScriptView), (status = "4XX", description = "Refused", body = Problem, content_type = "application/problem+json")))]
pub async fn unhold(
    State(app): State<Arc<App>>,
    caller: Caller,
    Id(sha256): Id<String>,
    IfMatch(rev): IfMatch,
    Body(because): Body<Because>,
) -> Reply<Json<ScriptView>> {
    caller.needs(Role::Reviewer)?;
    let asked = Asked::new(caller.as_actor(), &because.reason, Some(rev))?;
    Ok(Json(view(publish::unhold(&app.core, &asked, &sha256, app.now()).await?, false)))
}

/// The checked bundle of a script: its hash and exactly the files it uses.
///
/// # Errors
/// Every finding.
pub fn bundle(script: &str, files: &BTreeMap<String, String>) -> Result<NewScript, Vec<Finding>> {
    let findings = check_script(files, script);
    if findings.iter().any(|f| f.level == Level::Error) {
        return Err(findings);
    }
    let used = Used { files, paths: RefCell::default() };
    let sha256 = Bundle::load(&used, script)?.hash().to_owned();
    let paths = used.paths.into_inner();
    let files = paths.into_iter().filter_map(|p| Some((p.clone(), files.get(&p)?.clone())));
    Ok(NewScript { script: script.to_owned(), sha256, files: files.collect() })
}

/// Gives files and notes which were read.
struct Used<'a> {
    files: &'a BTreeMap<String, String>,
    paths: RefCell<BTreeSet<String>>,
}

impl Source for Used<'_> {
    fn read(&self, path: &str) -> Result<Vec<u8>, String> {
        self.paths.borrow_mut().insert(path.to_owned());
        self.files.read(path)
    }
}

fn refused(findings: Vec<Finding>) -> Problem {
    let fault = |f: &Finding| Fault {
        field: format!(
            "files.{}:{}:{}",
            f.file.strip_prefix("scripts/").unwrap_or(&f.file),
            f.line,
            f.column
        ),
        reason: format!("{} [{}]", f.message, f.code),
    };
    Problem {
        faults: findings.iter().map(fault).collect(),
        ..Problem::invalid("files", "the script does not check clean; nothing was published")
    }
}

fn view(s: scripts::Script, whole: bool) -> ScriptView {
    ScriptView {
        script: s.script,
        sha256: s.sha256,
        state: s.state,
        published_by: s.published_by,
        published_at: s.published_at.to_string(),
        held_reason: s.held_reason,
        held_by: s.held_by,
        rev: s.rev,
        files: whole.then_some(s.files),
    }
}
