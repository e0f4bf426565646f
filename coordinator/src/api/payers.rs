//! `/v1/payers`: profile, pauses, limits, permission and accounts of the payers.

use std::{collections::BTreeMap, sync::Arc};

use axum::{Json, extract::State, http::HeaderMap, response::Response};
use domain::{
    channel::{Channel, Way},
    fleet::Payer,
    permission::Permission,
};

use super::{
    error::{Problem, Reply},
    input::{Body, Change, Id, IfMatch, Query},
    list,
    types::{
        Because, BlockedView, ChannelView, ClearAccount, CredentialView, NewCredential,
        NewIdentity, NewLimits, NewPermission, PageOf, PayerView, PlainQuery, ProposalView,
        RegisterQuery, RegisterView, RuleView, SecondPermission,
    },
};
use crate::{
    App,
    access::{Caller, Role},
    flow::{lease, payers as keep},
    store::{channels, credentials, payers, proposals, proposals::Proposal},
};

/// Payers by id.
#[utoipa::path(get, path = "/v1/payers", tag = "operators", params(PlainQuery),
    responses((status = 200, description = "All of them", body = PageOf<PayerView>), (status = "4XX", description = "Refused", body = Problem, content_type = "application/problem+json")))]
pub async fn list(
    State(app): State<Arc<App>>,
    caller: Caller,
    headers: HeaderMap,
    Query(q): Query<PlainQuery>,
) -> Reply<Response> {
    caller.needs(Role::Viewer)?;
    let accounts = credentials::all(app.store()).await?;
    let all = payers::all(app.store()).await?;
    let all = all.into_iter().map(|p| view(p, &accounts)).collect();
    list::answer(PageOf::whole(all), &q.paging(), &headers)
}

/// The register of permissions: every channel of every payer, what may be done there by program, and on what it rests.
#[utoipa::path(get, path = "/v1/register", tag = "operators", params(RegisterQuery),
    responses((status = 200, description = "The entries by payer, portal first", body = PageOf<RegisterView>), (status = "4XX", description = "Refused", body = Problem, content_type = "application/problem+json")))]
pub async fn register(
    State(app): State<Arc<App>>,
    caller: Caller,
    headers: HeaderMap,
    Query(q): Query<RegisterQuery>,
) -> Reply<Response> {
    entries(&app, &caller, &headers, &q).await
}

/// The entries as they are asked for; for the console's link too.
pub(crate) async fn entries(
    app: &App,
    caller: &Caller,
    headers: &HeaderMap,
    q: &RegisterQuery,
) -> Reply<Response> {
    caller.needs(Role::Viewer)?;
    let entries = keep::register(&app.core, q.payer.as_deref(), app.now()).await?;
    let items = entries.into_iter().map(RegisterView::from).collect();
    list::answer(PageOf::whole(items), &q.paging(), headers)
}

/// One payer.
#[utoipa::path(get, path = "/v1/payers/{id}", tag = "operators", params(("id" = String, Path, description = "Payer id")),
    responses((status = 200, description = "The payer", body = PayerView), (status = "4XX", description = "Refused", body = Problem, content_type = "application/problem+json")))]
pub async fn show(
    State(app): State<Arc<App>>,
    caller: Caller,
    Id(id): Id<String>,
) -> Reply<Json<PayerView>> {
    caller.needs(Role::Viewer)?;
    one(&app, &id).await
}

/// Adds a payer, or replaces its profile. Pauses and accounts stay; permissions that are recorded change by `permission` alone.
#[utoipa::path(put, path = "/v1/payers/{id}", tag = "operators", request_body = Object,
    params(("id" = String, Path, description = "Payer id"), ("if-match" = Option<String>, Header, description = "The `rev` you have seen; needed for a payer that is known")),
    responses((status = 200, description = "The payer", body = PayerView), (status = "4XX", description = "Refused", body = Problem, content_type = "application/problem+json")))]
pub async fn put(
    State(app): State<Arc<App>>,
    caller: Caller,
    Id(id): Id<String>,
    seen: Option<IfMatch>,
    Body(profile): Body<Payer>,
) -> Reply<Json<PayerView>> {
    caller.needs(Role::Admin)?;
    if profile.id != id {
        return Err(Problem::invalid("id", "is not the id in the address"));
    }
    let all = payers::all(app.store()).await?;
    let known = all.into_iter().find(|known| known.profile.id == id);
    if known.is_some() && seen.is_none() {
        return Err(IfMatch::missing());
    }
    let pool = known.map_or_else(|| crate::start::POOL.to_owned(), |known| known.pool);
    let profile = (&profile, seen.map(|IfMatch(rev)| rev));
    keep::replace(&app.core, &caller.as_actor(), profile, &pool, app.now()).await?;
    one(&app, &id).await
}

/// Leases nothing for this payer.
#[utoipa::path(post, path = "/v1/payers/{id}/pause", tag = "operators", request_body = Because,
    params(("id" = String, Path, description = "Payer id"), ("if-match" = String, Header, description = "The `rev` you have seen")),
    responses((status = 200, description = "The payer", body = PayerView), (status = "4XX", description = "Refused", body = Problem, content_type = "application/problem+json")))]
pub async fn pause(
    State(app): State<Arc<App>>,
    Id(id): Id<String>,
    change: Change,
) -> Reply<Json<PayerView>> {
    let asked = change.by(Role::Operator)?;
    keep::pause(&app.core, &asked, &id, app.now()).await?;
    one(&app, &id).await
}

/// Leases again, and ends a rest after failures of the portal. A refused account stays refused: `clear_account`.
#[utoipa::path(post, path = "/v1/payers/{id}/resume", tag = "operators", request_body = Because,
    params(("id" = String, Path, description = "Payer id"), ("if-match" = String, Header, description = "The `rev` you have seen")),
    responses((status = 200, description = "The payer", body = PayerView), (status = "4XX", description = "Refused", body = Problem, content_type = "application/problem+json")))]
pub async fn resume(
    State(app): State<Arc<App>>,
    Id(id): Id<String>,
    change: Change,
) -> Reply<Json<PayerView>> {
    let asked = change.by(Role::Operator)?;
    keep::resume(&app.core, &asked, &id, app.now()).await?;
    one(&app, &id).await
}

/// Lets an account that the portal refused be tried again with the secrets it has. New secrets (`credential`) do so by themselves.
#[utoipa::path(post, path = "/v1/payers/{id}/clear_account", tag = "operators", request_body = ClearAccount,
    params(("id" = String, Path, description = "Payer id"), ("if-match" = String, Header, description = "The `rev` you have seen")),
    responses((status = 200, description = "The payer", body = PayerView), (status = "4XX", description = "Refused", body = Problem, content_type = "application/problem+json")))]
pub async fn clear_account(
    State(app): State<Arc<App>>,
    caller: Caller,
    Id(id): Id<String>,
    IfMatch(rev): IfMatch,
    Body(clear): Body<ClearAccount>,
) -> Reply<Json<PayerView>> {
    let asked = caller.asks(Role::Operator, &clear.reason, Some(rev))?;
    keep::clear_account(&app.core, &asked, &id, &clear.account, app.now()).await?;
    one(&app, &id).await
}

/// Changes the politeness limits.
#[utoipa::path(post, path = "/v1/payers/{id}/limits", tag = "operators", request_body = NewLimits,
    params(("id" = String, Path, description = "Payer id"), ("if-match" = String, Header, description = "The `rev` you have seen")),
    responses((status = 200, description = "The payer", body = PayerView), (status = "4XX", description = "Refused", body = Problem, content_type = "application/problem+json")))]
pub async fn limits(
    State(app): State<Arc<App>>,
    caller: Caller,
    Id(id): Id<String>,
    IfMatch(rev): IfMatch,
    Body(new): Body<NewLimits>,
) -> Reply<Json<PayerView>> {
    let asked = caller.asks(Role::Admin, &new.reason, Some(rev))?;
    keep::set_limits(&app.core, &asked, &id, &new.limits, app.now()).await?;
    one(&app, &id).await
}

/// Records whether a channel may be automated, on what basis, and until when.
#[utoipa::path(post, path = "/v1/payers/{id}/permission", tag = "operators", request_body = NewPermission,
    params(("id" = String, Path, description = "Payer id"), ("if-match" = String, Header, description = "The `rev` you have seen")),
    responses((status = 200, description = "The payer", body = PayerView), (status = "4XX", description = "Refused", body = Problem, content_type = "application/problem+json")))]
pub async fn permission(
    State(app): State<Arc<App>>,
    caller: Caller,
    Id(id): Id<String>,
    IfMatch(rev): IfMatch,
    Body(new): Body<NewPermission>,
) -> Reply<Json<PayerView>> {
    let asked = caller.asks(Role::Admin, &new.reason, Some(rev))?;
    let at = (id.as_str(), new.channel);
    let permission = decided(new, &caller);
    let of = (at, &permission);
    keep::set_permission_by(&app.core, &asked, Some(caller.user), of, app.now()).await?;
    one(&app, &id).await
}

fn decided(new: NewPermission, caller: &Caller) -> Permission {
    Permission {
        state: new.state,
        basis: new.basis,
        decided_by: caller.name.clone(),
        expires_at: new.expires_at,
        tasks: new.tasks,
        document: new.document,
        conditions: new.conditions,
        accounts: new.accounts,
        named_identity: new.named_identity,
        reviewer: new.reviewer,
        second: None,
        suspended: new.suspended,
    }
}

/// A second person agrees to the permission that replaces a prohibition.
#[utoipa::path(post, path = "/v1/payers/{id}/second_permission", tag = "operators", request_body = SecondPermission,
    params(("id" = String, Path, description = "Payer id"), ("if-match" = String, Header, description = "The `rev` you have seen")),
    responses((status = 200, description = "The payer", body = PayerView), (status = "4XX", description = "Refused", body = Problem, content_type = "application/problem+json")))]
pub async fn second_permission(
    State(app): State<Arc<App>>,
    caller: Caller,
    Id(id): Id<String>,
    IfMatch(rev): IfMatch,
    Body(new): Body<SecondPermission>,
) -> Reply<Json<PayerView>> {
    let asked = caller.asks(Role::Admin, &new.reason, Some(rev))?;
    let by = (caller.user, caller.name.as_str());
    keep::second_permission(&app.core, &asked, by, (&id, new.channel), app.now()).await?;
    one(&app, &id).await
}

/// Says which program signs in with an account, and who answers for it.
#[utoipa::path(post, path = "/v1/payers/{id}/identity", tag = "operators", request_body = NewIdentity,
    params(("id" = String, Path, description = "Payer id"), ("if-match" = String, Header, description = "The `rev` you have seen")),
    responses((status = 200, description = "The payer", body = PayerView), (status = "4XX", description = "Refused", body = Problem, content_type = "application/problem+json")))]
pub async fn identity(
    State(app): State<Arc<App>>,
    caller: Caller,
    Id(id): Id<String>,
    IfMatch(rev): IfMatch,
    Body(new): Body<NewIdentity>,
) -> Reply<Json<PayerView>> {
    let asked = caller.asks(Role::Admin, &new.reason, Some(rev))?;
    let named = (new.account.as_str(), new.identity.as_str(), new.owner.as_str());
    keep::identify(&app.core, &asked, &id, named, app.now()).await?;
    one(&app, &id).await
}

/// Sets an account with its secrets, or replaces them. They are never given out again, but to a live lease.
#[utoipa::path(put, path = "/v1/payers/{id}/credential", tag = "operators", request_body = NewCredential, params(("id" = String, Path, description = "Payer id")),
    responses((status = 200, description = "The payer", body = PayerView), (status = "4XX", description = "Refused", body = Problem, content_type = "application/problem+json")))]
pub async fn credential(
    State(app): State<Arc<App>>,
    caller: Caller,
    Id(id): Id<String>,
    Body(new): Body<NewCredential>,
) -> Reply<Json<PayerView>> {
    caller.needs(Role::Admin)?;
    let actor = caller.as_actor();
    let at = (id.as_str(), new.channel);
    keep::set_credential_for(&app.core, &actor, at, &new.account, &new.secrets, app.now()).await?;
    one(&app, &id).await
}

async fn one(app: &App, id: &str) -> Reply<Json<PayerView>> {
    let accounts = credentials::all(app.store()).await?;
    let mut shown = view(payers::get(app.store(), id).await?, &accounts);
    let stands = lease::stands(&app.core, id, app.now()).await?;
    let mut of_channel: BTreeMap<Channel, Vec<RuleView>> = stands
        .channels
        .into_iter()
        .map(|own| (own.channel, own.rules.into_iter().map(rule).collect()))
        .collect();
    let mut waiting = proposals::of_payer(app.store(), id).await?;
    shown.proposal = waiting.remove(&Channel::Portal).map(proposal);
    let known = channels::of_payer(app.store(), id).await?;
    let mut of = |way: &Way| {
        let own = known.get(&way.channel).cloned().unwrap_or_default();
        ChannelView {
            proposal: waiting.remove(&way.channel).map(proposal),
            channel: way.channel.word().to_owned(),
            permission: way.permission.state.word().to_owned(),
            rests_until: own.rests_until.map(|at| at.to_string()),
            downs: own.downs,
            calls: own.busy,
            calls_max: way.calls_max,
            politeness: of_channel.remove(&way.channel).unwrap_or_default(),
        }
    };
    shown.channels = shown.profile.ways.iter().map(&mut of).collect();
    shown.politeness = stands.rules.into_iter().map(rule).collect();
    shown.blocked = stands.tasks.into_iter().filter_map(blocked).collect();
    Ok(Json(shown))
}

fn rule(r: lease::RuleState) -> RuleView {
    RuleView { rule: r.rule.to_owned(), says: r.says, blocks: r.blocked.map(|b| b.say()) }
}

fn blocked(stands: lease::TaskStands) -> Option<BlockedView> {
    let blocked = stands.blocked?;
    let word = serde_json::to_value(&blocked).ok();
    let word = word.and_then(|b| b["why"].as_str().map(str::to_owned));
    let (task, why) = (stands.task.word().to_owned(), word.unwrap_or_default());
    Some(BlockedView { task, why, says: blocked.say() })
}

fn proposal(p: Proposal) -> ProposalView {
    ProposalView { permission: p.permission, reason: p.reason, by: p.by, at: p.at.to_string() }
}

fn view(p: payers::Known, accounts: &[credentials::Credential]) -> PayerView {
    let own = accounts.iter().filter(|c| c.payer == p.profile.id).map(|c| CredentialView {
        id: c.id.to_string(),
        account: c.account.clone(),
        channel: c.channel.word().to_owned(),
        aliases: c.aliases.clone(),
        state: if c.refused_at.is_some() { "refused" } else { "good" }.to_owned(),
        refused_at: c.refused_at.map(|at| at.to_string()),
        identity: c.identity.clone(),
        owner: c.owner.clone(),
    });
    PayerView {
        proposal: None,
        politeness: Vec::new(),
        blocked: Vec::new(),
        channels: Vec::new(),
        credentials: own.collect(),
        id: p.profile.id.clone(),
        pool: p.pool,
        profile: p.profile,
        paused_reason: p.paused_reason,
        rests_until: p.rests_until.map(|at| at.to_string()),
        sessions: p.sessions,
        rev: p.rev,
    }
}
