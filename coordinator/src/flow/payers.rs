//! What operators change at payers and pools while the fleet runs: profile, limits, permission, pause, accounts.

use std::collections::BTreeMap;

use domain::{
    exception::ExceptionKind,
    fleet::{Limits, Payer},
    id::CredentialId,
    job::JobState,
    permission::Permission,
    time::Timestamp,
};
use serde_json::json;

use super::{
    Actor, Core, Error, Result,
    change::{note, withdraw},
    intake::reopen,
    random,
};
use crate::{
    live::Topic,
    store::{Tx, credentials, credentials::Credential, exceptions, jobs, payers, payers::Known},
    vault,
    vault::Secret,
};

/// Adds a payer or replaces its profile.
///
/// # Errors
/// [`Error::Invalid`] names the field.
pub async fn upsert(
    core: &Core,
    actor: &Actor,
    profile: &Payer,
    pool: &str,
    now: Timestamp,
) -> Result<()> {
    check(profile)?;
    let mut tx = core.store.begin(now).await?;
    payers::make_pool(&mut tx, pool).await?;
    if !payers::insert(&mut tx, profile, pool).await? {
        let mut known = payers::lock(&mut tx, &profile.id).await?;
        if known.profile == *profile && known.pool == pool {
            return Ok(());
        }
        known.profile = profile.clone();
        pool.clone_into(&mut known.pool);
        payers::save(&mut tx, &mut known).await?;
    }
    told(&mut tx, actor, "payer.recorded", &profile.id, json!({"pool": pool}));
    tx.commit().await?;
    permitted(core, actor, &profile.id, now).await
}

fn check(profile: &Payer) -> Result<()> {
    let id_fits = !profile.id.is_empty()
        && profile.id.len() <= 40
        && profile.id.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    if !id_fits {
        return Err(Error::invalid("id", "needs 1 to 40 of a-z, 0-9 and -"));
    }
    if jiff::tz::TimeZone::get(&profile.time_zone).is_err() {
        return Err(Error::invalid("time_zone", "is not an IANA time zone"));
    }
    if !["displaces", "refused", "both_live"].contains(&profile.second_login.as_str()) {
        return Err(Error::invalid("second_login", "is none of displaces, refused, both_live"));
    }
    for (i, origin) in profile.login_origins.iter().enumerate() {
        if vault::origin_of(origin).is_none() {
            let field = format!("login_origins[{i}]");
            return Err(Error::invalid(field, "is not an origin such as https://portal.example"));
        }
    }
    Ok(())
}

fn told(tx: &mut Tx, actor: &Actor, act: &'static str, id: &str, detail: serde_json::Value) {
    note(tx, actor, act, id, detail);
    tx.changed(Topic::Fleet);
    tx.changed(Topic::Ready);
}

/// Changes one payer under its lock; `rev`, when given, is what the person saw.
#[expect(clippy::too_many_arguments, reason = "the same ones that every caller was given")]
async fn edit(
    core: &Core,
    actor: &Actor,
    id: &str,
    rev: Option<i64>,
    act: (&'static str, serde_json::Value),
    change: impl FnOnce(&mut Known),
    now: Timestamp,
) -> Result<Known> {
    let mut tx = core.store.begin(now).await?;
    let mut payer = payers::lock(&mut tx, id).await?;
    if rev.is_some_and(|rev| rev != payer.rev) {
        let now = format!("revision {}", payer.rev);
        return Err(crate::store::Error::Conflict { now }.into());
    }
    change(&mut payer);
    payers::save(&mut tx, &mut payer).await?;
    told(&mut tx, actor, act.0, id, act.1);
    tx.commit().await?;
    Ok(payer)
}

/// Pauses a payer: no lease and no permit until it is resumed. What runs goes on, but does not commit.
///
/// # Errors
/// [`Error::Invalid`] without a reason; conflict when it changed meanwhile.
pub async fn pause(
    core: &Core,
    actor: &Actor,
    id: &str,
    reason: &str,
    rev: Option<i64>,
    now: Timestamp,
) -> Result<Known> {
    if reason.trim().chars().count() < 3 {
        return Err(Error::invalid("reason", "is missing"));
    }
    let act = ("payer.paused", json!({"reason": reason}));
    edit(core, actor, id, rev, act, |p| p.paused_reason = Some(reason.to_owned()), now).await
}

/// Resumes a paused payer, and ends its rest after failures.
///
/// # Errors
/// Conflict when it changed meanwhile.
pub async fn resume(
    core: &Core,
    actor: &Actor,
    id: &str,
    rev: Option<i64>,
    now: Timestamp,
) -> Result<Known> {
    let ended = |p: &mut Known| {
        p.paused_reason = None;
        p.rests_until = None;
        p.downs = 0;
    };
    edit(core, actor, id, rev, ("payer.resumed", json!({})), ended, now).await
}

/// Records limits.
///
/// # Errors
/// Conflict when it changed meanwhile.
pub async fn set_limits(
    core: &Core,
    actor: &Actor,
    id: &str,
    limits: &Limits,
    rev: Option<i64>,
    now: Timestamp,
) -> Result<Known> {
    let act = ("payer.limits", json!({"limits": limits}));
    edit(core, actor, id, rev, act, |p| p.profile.limits = limits.clone(), now).await
}

/// Records a permission. What waited for it is ready again.
///
/// # Errors
/// Conflict when it changed meanwhile.
pub async fn set_permission(
    core: &Core,
    actor: &Actor,
    id: &str,
    permission: &Permission,
    rev: Option<i64>,
    now: Timestamp,
) -> Result<Known> {
    if permission.basis.trim().is_empty() {
        return Err(Error::invalid("basis", "is missing: what is the decision based on?"));
    }
    let act = ("payer.permission", json!({"permission": permission}));
    let payer =
        edit(core, actor, id, rev, act, |p| p.profile.permission = permission.clone(), now).await?;
    permitted(core, actor, id, now).await?;
    Ok(payer)
}

/// Jobs that waited for a permission that is there now: their exception is withdrawn, they are ready again.
async fn permitted(core: &Core, actor: &Actor, id: &str, now: Timestamp) -> Result<()> {
    let payer = payers::get(&core.store, id).await?;
    let filter = exceptions::Filter {
        state: "unanswered".to_owned(),
        payer: id.to_owned(),
        kind: ExceptionKind::NotPermitted.word().to_owned(),
        ..exceptions::Filter::default()
    };
    for waiting in exceptions::list(&core.store, &filter, "", 1000).await?.items {
        let mut tx = core.store.begin(now).await?;
        let mut job = jobs::lock(&mut tx, waiting.job).await?;
        let waits =
            matches!(job.state, JobState::Waiting { exception, .. } if exception == waiting.id);
        if waits && payer.profile.permission.allows(job.task, now).is_ok() {
            withdraw(&mut tx, waiting.id, actor).await?;
            reopen(&mut tx, &mut job).await?;
            tx.commit().await?;
        }
    }
    Ok(())
}

/// Pauses a pool with a reason, or resumes it with none.
///
/// # Errors
/// Not found.
pub async fn pause_pool(
    core: &Core,
    actor: &Actor,
    id: &str,
    reason: Option<&str>,
    now: Timestamp,
) -> Result<()> {
    let mut tx = core.store.begin(now).await?;
    payers::pause_pool(&mut tx, id, reason.map(str::to_owned)).await?;
    let act = if reason.is_some() { "pool.paused" } else { "pool.resumed" };
    told(&mut tx, actor, act, id, json!({"reason": reason}));
    tx.commit().await?;
    Ok(())
}

/// Records an account with its secrets, or replaces them; a refusal by the portal is forgotten. Every secret that the payer's profile
/// names must be given.
///
/// # Errors
/// [`Error::Invalid`] names the missing or unfit secret, never a value.
pub async fn set_credential(
    core: &Core,
    actor: &Actor,
    payer: &str,
    account: &str,
    secrets: &BTreeMap<String, Secret>,
    now: Timestamp,
) -> Result<CredentialId> {
    if account.trim().is_empty() || account.len() > 80 {
        return Err(Error::invalid("account", "needs 1 to 80 characters"));
    }
    let mut tx = core.store.begin(now).await?;
    let known = payers::find_in(&mut tx, payer).await?;
    let profile = known.ok_or(crate::store::Error::NotFound("payer"))?.profile;
    for alias in &profile.secrets {
        if !secrets.contains_key(alias) {
            return Err(Error::invalid(format!("secrets.{alias}"), "is missing"));
        }
    }
    vault::check(secrets)?;
    let aliases: Vec<String> = secrets.keys().cloned().collect();
    let id = match credentials::find_in(&mut tx, payer, account).await? {
        Some(known) => {
            let sealed = vault::seal(&tx.seal, known.id, secrets);
            credentials::renew(&mut tx, known.id, &aliases, &sealed).await?;
            known.id
        }
        None => {
            let id = CredentialId::new(now, random());
            let credential = Credential {
                id,
                payer: payer.to_owned(),
                account: account.to_owned(),
                aliases: aliases.clone(),
                refused_at: None,
                created_at: now,
                rev: 0,
            };
            let sealed = vault::seal(&tx.seal, id, secrets);
            credentials::insert(&mut tx, &credential, &sealed).await?;
            id
        }
    };
    let detail = json!({"payer": payer, "account": account, "aliases": aliases});
    told(&mut tx, actor, "credential.recorded", &id.to_string(), detail);
    tx.commit().await?;
    Ok(id)
}
