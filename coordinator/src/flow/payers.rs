//! What operators change at payers and pools while the fleet runs: profile, limits, pause; below it permissions and accounts.

mod account;
mod permission;
mod register;
mod ways;

pub use account::{clear_account, identify, set_credential, set_credential_for};
pub(super) use permission::terms_changed;
pub use permission::{second_permission, set_permission, set_permission_by};
pub use register::{Account, Entry, register};

use domain::{
    channel::{Channel, Way},
    fleet::{Limits, Payer},
    time::Timestamp,
};
use serde_json::json;

use super::{
    Actor, Asked, Core, Error, NOT_ALLOWED, Result,
    change::{as_seen, note},
    nowhere,
};
use crate::{
    live::Topic,
    store::{Tx, channels, intents, payers, payers::Known},
    vault,
};

/// Adds a payer or replaces its profile, whatever that was.
///
/// # Errors
/// [`Error::Invalid`] names the field; [`Error::Refused`] when it would change what the register says.
pub async fn upsert(
    core: &Core,
    actor: &Actor,
    profile: &Payer,
    pool: &str,
    now: Timestamp,
) -> Result<()> {
    replace(core, actor, (profile, None), pool, now).await
}

/// [`upsert`], if the payer is still what was seen.
///
/// # Errors
/// As [`upsert`]; conflict when it changed meanwhile.
pub async fn replace(
    core: &Core,
    actor: &Actor,
    (profile, seen): (&Payer, Option<i64>),
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
        as_seen(seen, known.rev, "")?;
        check_registers(Some(&known.profile), profile, now)?;
        check_doubts(&mut tx, &known.profile, profile).await?;
        known.profile = profile.clone();
        pool.clone_into(&mut known.pool);
        payers::save(&mut tx, &mut known).await?;
    } else {
        check_registers(None, profile, now)?;
    }
    told(&mut tx, actor, "payer.recorded", &profile.id, json!({"pool": pool}));
    tx.commit().await?;
    nowhere::taken(core, actor, &profile.id, now).await
}

/// A profile brings the permission of a channel that is new; what is recorded already is changed in the register alone
/// ([`set_permission_by`]), where a reason is told, warnings stay and a prohibition takes two people.
fn check_registers(known: Option<&Payer>, profile: &Payer, now: Timestamp) -> Result<()> {
    let before = known.map(|known| known.ways.as_slice()).unwrap_or_default();
    for way in before.iter().filter(|way| way.permission.is_kept()) {
        if profile.way(way.channel).is_none() {
            let say = way.channel.say();
            return Err(Error::refused(
                NOT_ALLOWED,
                format!(
                    "{say} is prohibited or suspended at this payer: a profile must keep the channel"
                ),
            ));
        }
    }
    let beside = profile.ways.iter().enumerate();
    let beside =
        beside.map(|(i, way)| (way.channel, format!("ways[{i}].permission"), &way.permission));
    let portal = (Channel::Portal, "permission".to_owned(), &profile.permission);
    for (channel, at, permission) in std::iter::once(portal).chain(beside) {
        let recorded = known.and_then(|known| known.terms(channel)).map(|terms| terms.permission);
        if recorded.is_some_and(|recorded| recorded != permission) {
            let say = channel.say();
            return Err(Error::refused(
                NOT_ALLOWED,
                format!(
                    "{at}: what the register says about {say} is changed there (`coordinator payers permit`), not by a profile"
                ),
            ));
        }
        let origins = profile.origins(channel);
        let told = match recorded {
            Some(_) => permission.reaches(&origins),
            None => permission.check_new(&origins, now),
        };
        told.map_err(|(field, reason)| Error::invalid(format!("{at}.{field}"), reason))?;
    }
    Ok(())
}

/// Channels of the recorded profile that the new one does not name and cannot drop now: prohibited and suspended ones, and those on
/// which a submission may have been made.
///
/// # Errors
/// [`Error::Store`].
pub async fn undroppable(
    core: &Core,
    known: &Payer,
    profile: &Payer,
    now: Timestamp,
) -> Result<Vec<Way>> {
    let mut tx = core.store.begin(now).await?;
    let mut kept = Vec::new();
    for way in known.ways.iter().filter(|way| profile.way(way.channel).is_none()) {
        if way.permission.is_kept() || intents::open_on(&mut tx, &known.id, way.channel).await? > 0
        {
            kept.push(way.clone());
        }
    }
    Ok(kept)
}

/// A channel on which a submission may have been made is looked after only there: it stays until that is settled.
async fn check_doubts(tx: &mut Tx, known: &Payer, profile: &Payer) -> Result<()> {
    for way in known.ways.iter().filter(|way| profile.way(way.channel).is_none()) {
        let open = intents::open_on(tx, &known.id, way.channel).await?;
        if open > 0 {
            let (say, them) = (way.channel.say(), if open == 1 { "it" } else { "them" });
            return Err(Error::refused(
                NOT_ALLOWED,
                format!(
                    "{open} of this payer's requests may have been sent by {say} and can be looked for only there: settle {them} first, then take the channel out of the profile"
                ),
            ));
        }
    }
    Ok(())
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
    ways::check(profile)
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
