//! What operators change at payers and pools while the fleet runs: profile, limits, permission, pause, accounts.

use std::collections::BTreeMap;

use domain::{
    channel::Channel,
    exception::ExceptionKind,
    fleet::{Limits, Payer},
    id::{CredentialId, UserId},
    job::{JobState, Task},
    permission::{Permission, PermissionState},
    script::{Bundle, ast::SecretKind},
    time::Timestamp,
};
use serde_json::json;

use super::{
    Actor, Asked, Core, Error, NOT_ALLOWED, Result,
    change::{note, withdraw},
    intake::reopen,
    random,
};
use crate::{
    live::Topic,
    store::{
        Tx, channels, credentials,
        credentials::Credential,
        exceptions, jobs, payers,
        payers::{Known, Proposal},
        scripts,
    },
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
        if known.profile.permission.state == PermissionState::Prohibited
            && profile.permission.state != PermissionState::Prohibited
        {
            return Err(Error::refused(
                NOT_ALLOWED,
                "this portal is prohibited: only two people replace that, not a profile",
            ));
        }
        for way in &profile.ways {
            let known = known.profile.way(way.channel).map(|known| known.permission.state);
            if known == Some(PermissionState::Prohibited) && way.permission.state.is_yes() {
                return Err(Error::refused(
                    NOT_ALLOWED,
                    "a channel of this payer is prohibited: remove it first, and add it anew",
                ));
            }
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
    check_ways(profile)
}

/// Channels beside the portal: each described once, and every route leads over described ones, each once.
fn check_ways(profile: &Payer) -> Result<()> {
    for (i, way) in profile.ways.iter().enumerate() {
        let at = |field: &str| format!("ways[{i}].{field}");
        if way.channel == Channel::Portal {
            return Err(Error::invalid(
                at("channel"),
                "is the portal, which the profile itself describes",
            ));
        }
        if profile.ways[..i].iter().any(|other| other.channel == way.channel) {
            return Err(Error::invalid(at("channel"), "is described twice"));
        }
        if way.calls_max == 0 {
            return Err(Error::invalid(at("calls_max"), "needs to be 1 or more"));
        }
        if way.endpoint.addresses().iter().any(|address| vault::origin_of(address).is_none()) {
            return Err(Error::invalid(
                at("endpoint"),
                "needs addresses such as https://api.payer.example/r4",
            ));
        }
        if (way.channel == Channel::Rest) != way.endpoint.rest.is_some() {
            return Err(Error::invalid(
                at("endpoint.rest"),
                "belongs to the channel `rest`, and only there",
            ));
        }
    }
    for (task, legs) in &profile.routes {
        for (i, leg) in legs.iter().enumerate() {
            let field = format!("routes.{}[{i}].channel", task.word());
            if profile.terms(leg.channel).is_none() {
                return Err(Error::invalid(field, "is not described in `ways`"));
            }
            if !leg.channel.carries(*task) {
                return Err(Error::invalid(field, "does not carry this task"));
            }
            if legs[..i].iter().any(|other| other.channel == leg.channel) {
                return Err(Error::invalid(field, "is in the order already"));
            }
        }
    }
    Ok(())
}

fn told(tx: &mut Tx, actor: &Actor, act: &'static str, id: &str, detail: serde_json::Value) {
    note(tx, actor, act, id, detail);
    changed(tx);
}

fn changed(tx: &mut Tx) {
    tx.changed(Topic::Fleet);
    tx.changed(Topic::Ready);
}

/// Changes one payer under its lock, if it is still what was seen.
async fn edit(
    core: &Core,
    asked: &Asked,
    id: &str,
    act: (&'static str, serde_json::Value),
    change: impl FnOnce(&mut Known),
    now: Timestamp,
) -> Result<Known> {
    let mut tx = core.store.begin(now).await?;
    let mut payer = payers::lock(&mut tx, id).await?;
    asked.fits(payer.rev)?;
    change(&mut payer);
    payers::save(&mut tx, &mut payer).await?;
    asked.note(&mut tx, act.0, id, act.1);
    changed(&mut tx);
    tx.commit().await?;
    Ok(payer)
}

/// Pauses a payer: no lease and no permit until it is resumed. What runs goes on, but does not commit.
///
/// # Errors
/// Conflict when it changed meanwhile.
pub async fn pause(core: &Core, asked: &Asked, id: &str, now: Timestamp) -> Result<Known> {
    let paused = |p: &mut Known| p.paused_reason = Some(asked.reason.clone());
    edit(core, asked, id, ("payer.paused", json!({})), paused, now).await
}

/// Resumes a paused payer, and ends its rest after failures. An account that the portal refused stays refused: see
/// [`clear_account`].
///
/// # Errors
/// Conflict when it changed meanwhile.
pub async fn resume(core: &Core, asked: &Asked, id: &str, now: Timestamp) -> Result<Known> {
    let mut tx = core.store.begin(now).await?;
    let mut payer = payers::lock(&mut tx, id).await?;
    asked.fits(payer.rev)?;
    payer.paused_reason = None;
    payer.rests_until = None;
    payer.downs = 0;
    payers::save(&mut tx, &mut payer).await?;
    channels::forgive(&mut tx, id).await?;
    asked.note(&mut tx, "payer.resumed", id, json!({}));
    changed(&mut tx);
    tx.commit().await?;
    Ok(payer)
}

/// Says that an account which the portal refused may be tried again although its secrets are the same: the next login tells.
///
/// # Errors
/// [`Error::Invalid`] when the payer has no such account; [`Error::Refused`] when the portal has not refused it; conflict when the
/// payer changed meanwhile.
pub async fn clear_account(
    core: &Core,
    asked: &Asked,
    id: &str,
    account: &str,
    now: Timestamp,
) -> Result<()> {
    let mut tx = core.store.begin(now).await?;
    let payer = payers::lock(&mut tx, id).await?;
    asked.fits(payer.rev)?;
    let Some(known) = credentials::find_in(&mut tx, id, account).await? else {
        return Err(Error::invalid("account", "is not an account of this payer"));
    };
    if !credentials::clear(&mut tx, known.id).await? {
        return Err(Error::refused(NOT_ALLOWED, "the portal has not refused this account"));
    }
    let detail = json!({"payer": id, "account": account, "refused_at": known.refused_at});
    asked.note(&mut tx, "credential.cleared", known.id, detail);
    changed(&mut tx);
    tx.commit().await?;
    Ok(())
}

/// Records limits.
///
/// # Errors
/// Conflict when it changed meanwhile.
pub async fn set_limits(
    core: &Core,
    asked: &Asked,
    id: &str,
    limits: &Limits,
    now: Timestamp,
) -> Result<Known> {
    let act = ("payer.limits", json!({"limits": limits}));
    edit(core, asked, id, act, |p| p.profile.limits = limits.clone(), now).await
}

/// Records a permission. What waited for it is ready again.
///
/// # Errors
/// Conflict when it changed meanwhile.
pub async fn set_permission(
    core: &Core,
    asked: &Asked,
    id: &str,
    permission: &Permission,
    now: Timestamp,
) -> Result<Known> {
    set_permission_by(core, asked, None, (id, permission), now).await
}

/// [`set_permission`] by this person. What replaces a prohibition waits for a second one.
///
/// # Errors
/// [`Error::Invalid`] when it may not be recorded like this; [`Error::Refused`] when no person lifts a prohibition; conflict when it
/// changed meanwhile.
pub async fn set_permission_by(
    core: &Core,
    asked: &Asked,
    person: Option<UserId>,
    (id, permission): (&str, &Permission),
    now: Timestamp,
) -> Result<Known> {
    let mut tx = core.store.begin(now).await?;
    let mut payer = payers::lock(&mut tx, id).await?;
    asked.fits(payer.rev)?;
    let known = &payer.profile.permission;
    permission
        .check(known, &payer.profile.login_origins, now)
        .map_err(|(field, reason)| Error::invalid(field, reason))?;
    if known.state == PermissionState::Prohibited && permission.state != PermissionState::Prohibited
    {
        // Whoever prohibited it may have been right: nobody lifts that alone.
        let Some(person) = person else {
            return Err(Error::refused(
                NOT_ALLOWED,
                "this portal is prohibited: only two people, signed in by themselves, replace that",
            ));
        };
        let proposal = Proposal {
            permission: permission.clone(),
            reason: asked.reason.clone(),
            by: person.to_string(),
            at: now,
        };
        payers::propose(&mut tx, id, &proposal).await?;
        payers::save(&mut tx, &mut payer).await?;
        let detail = json!({"permission": permission});
        asked.note(&mut tx, "payer.permission_proposed", id, detail);
    } else {
        payer.profile.permission = permission.clone();
        payers::forget_proposal(&mut tx, id).await?;
        payers::save(&mut tx, &mut payer).await?;
        asked.note(&mut tx, "payer.permission", id, json!({"permission": permission}));
    }
    changed(&mut tx);
    tx.commit().await?;
    permitted(core, &asked.actor, id, now).await?;
    Ok(payer)
}

/// A second person agrees to a permission that replaces a prohibition.
///
/// # Errors
/// [`Error::Refused`] when nothing waits, or it is the first person again; conflict when it changed meanwhile.
pub async fn second_permission(
    core: &Core,
    asked: &Asked,
    by: (UserId, &str),
    id: &str,
    now: Timestamp,
) -> Result<Known> {
    let mut tx = core.store.begin(now).await?;
    let mut payer = payers::lock(&mut tx, id).await?;
    asked.fits(payer.rev)?;
    let Some(proposal) = payers::proposed_in(&mut tx, id).await? else {
        return Err(Error::refused(
            NOT_ALLOWED,
            "no permission of this payer waits for a second person",
        ));
    };
    let (person, name) = by;
    if proposal.by == person.to_string() {
        return Err(Error::refused(
            NOT_ALLOWED,
            "a prohibition is replaced by two different people: another person must agree",
        ));
    }
    proposal
        .permission
        .check(&payer.profile.permission, &payer.profile.login_origins, now)
        .map_err(|(field, reason)| Error::invalid(field, reason))?;
    payer.profile.permission = Permission { second: Some(name.to_owned()), ..proposal.permission };
    payers::forget_proposal(&mut tx, id).await?;
    payers::save(&mut tx, &mut payer).await?;
    let detail = json!({"permission": payer.profile.permission, "proposed_by": proposal.by});
    asked.note(&mut tx, "payer.permission", id, detail);
    changed(&mut tx);
    tx.commit().await?;
    permitted(core, &asked.actor, id, now).await?;
    Ok(payer)
}

/// Notes which program signs in with an account, as the payer knows it, and the person who answers for it.
///
/// # Errors
/// [`Error::Invalid`] names the field; conflict when the payer changed meanwhile.
pub async fn identify(
    core: &Core,
    asked: &Asked,
    id: &str,
    (account, identity, owner): (&str, &str, &str),
    now: Timestamp,
) -> Result<()> {
    for (field, text) in [("identity", identity), ("owner", owner)] {
        if text.trim().is_empty()
            || text.chars().count() > 120
            || text.chars().any(char::is_control)
        {
            return Err(Error::invalid(field, "needs 1 to 120 characters on one line"));
        }
    }
    let mut tx = core.store.begin(now).await?;
    let payer = payers::lock(&mut tx, id).await?;
    asked.fits(payer.rev)?;
    let Some(known) = credentials::find_in(&mut tx, id, account).await? else {
        return Err(Error::invalid("account", "is not an account of this payer"));
    };
    credentials::identify(&mut tx, known.id, identity.trim(), owner.trim()).await?;
    let detail = json!({"payer": id, "account": account, "identity": identity, "owner": owner});
    asked.note(&mut tx, "credential.identified", known.id, detail);
    changed(&mut tx);
    tx.commit().await?;
    Ok(())
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
        if waits && payer.profile.permits(job.task, now).is_ok() {
            withdraw(&mut tx, waiting.id, actor).await?;
            reopen(&mut tx, &mut job).await?;
            tx.commit().await?;
        }
    }
    Ok(())
}

/// Pauses a pool: its agents get nothing until it is resumed.
///
/// # Errors
/// Not found; conflict when it changed meanwhile.
pub async fn pause_pool(core: &Core, asked: &Asked, id: &str, now: Timestamp) -> Result<()> {
    edit_pool(core, asked, id, ("pool.paused", Some(&asked.reason)), now).await
}

/// Resumes a paused pool.
///
/// # Errors
/// Not found; conflict when it changed meanwhile.
pub async fn resume_pool(core: &Core, asked: &Asked, id: &str, now: Timestamp) -> Result<()> {
    edit_pool(core, asked, id, ("pool.resumed", None), now).await
}

async fn edit_pool(
    core: &Core,
    asked: &Asked,
    id: &str,
    (act, paused): (&'static str, Option<&String>),
    now: Timestamp,
) -> Result<()> {
    let mut tx = core.store.begin(now).await?;
    let pool = payers::lock_pool(&mut tx, id).await?;
    asked.fits(pool.rev)?;
    payers::pause_pool(&mut tx, id, paused.cloned()).await?;
    asked.note(&mut tx, act, id, json!({}));
    changed(&mut tx);
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
    set_credential_for(core, actor, (payer, Channel::Portal), account, secrets, now).await
}

/// [`set_credential`] for a channel: what it needs is said by the profile's description of it.
///
/// # Errors
/// As [`set_credential`]; also when the account is of another channel already.
pub async fn set_credential_for(
    core: &Core,
    actor: &Actor,
    (payer, channel): (&str, Channel),
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
    let wanted: Vec<&str> = match profile.way(channel) {
        Some(way) => way.endpoint.auth.secrets(),
        None if channel == Channel::Portal => profile.secrets.iter().map(String::as_str).collect(),
        None => return Err(Error::invalid("channel", "is not described in the payer's profile")),
    };
    for alias in wanted {
        if !secrets.contains_key(alias) {
            return Err(Error::invalid(format!("secrets.{alias}"), "is missing"));
        }
    }
    let kinds = match channel {
        Channel::Portal => secret_kinds(&mut tx, payer).await?,
        _ => BTreeMap::new(),
    };
    vault::check(secrets, &kinds)?;
    let aliases: Vec<String> = secrets.keys().cloned().collect();
    let mut was_refused = false;
    let id = match credentials::find_in(&mut tx, payer, account).await? {
        Some(known) if known.channel != channel => {
            return Err(Error::invalid("account", "is an account of another channel"));
        }
        Some(known) => {
            let sealed = vault::seal(&tx.seal, known.id, secrets);
            credentials::renew(&mut tx, known.id, &aliases, &sealed).await?;
            was_refused = known.refused_at.is_some();
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
                identity: None,
                owner: None,
                channel,
                created_at: now,
                rev: 0,
            };
            let sealed = vault::seal(&tx.seal, id, secrets);
            credentials::insert(&mut tx, &credential, &sealed).await?;
            id
        }
    };
    let detail = json!({"payer": payer, "account": account, "channel": channel.word(), "aliases": aliases,
                        "was_refused": was_refused});
    told(&mut tx, actor, "credential.recorded", &id.to_string(), detail);
    tx.commit().await?;
    Ok(id)
}

/// What the live scripts of a payer say their aliases are.
async fn secret_kinds(tx: &mut Tx, payer: &str) -> Result<BTreeMap<String, SecretKind>> {
    let mut kinds = BTreeMap::new();
    for task in Task::ALL {
        let Some(script) = scripts::live_in(tx, payer, task).await? else { continue };
        let Ok(bundle) = Bundle::load(&script.files, &script.script) else { continue };
        let aliases = bundle.script.parts.secrets.iter();
        kinds.extend(aliases.map(|(alias, kind)| (alias.text.clone(), *kind)));
    }
    Ok(kinds)
}
