//! The one decision whether jobs of a payer and task may be leased now, and its answer told to people.

use std::collections::{BTreeMap, BTreeSet};

use domain::{
    calendar::Standing,
    channel::Channel,
    fleet::Blocked,
    job::{JobState, Task},
    polite::{self, Breaker, Login},
    time::Timestamp,
};
use serde::Serialize;

use super::ways::{self, Ways};
use crate::{
    flow::{Core, Result},
    store::{
        Tx, agents,
        agents::Agent,
        attempts, channels, credentials,
        credentials::{Credential, Tried},
        intents,
        jobs::Job,
        payers,
        payers::{Known, Pool},
        scripts, state,
    },
};

/// Texts by payer and task.
type ByTask = BTreeMap<(String, Task), String>;

/// What is known of a payer for the decision.
pub(super) struct Facts {
    pub(super) payer: Known,
    pub(super) pool_paused: Option<String>,
    /// Accounts for every channel.
    pub(super) credentials: Vec<Credential>,
    live: BTreeSet<Task>,
    /// Tasks whose script is held, with the reason.
    held: BTreeMap<Task, String>,
    logins: Vec<Tried>,
    starts: Vec<Timestamp>,
    submits: Vec<Timestamp>,
    pub(super) quarantine: Option<String>,
    pub(super) ways: Ways,
}

impl Facts {
    /// Accounts for the portal.
    fn accounts(&self) -> impl Iterator<Item = &Credential> {
        self.credentials.iter().filter(|c| c.channel == Channel::Portal)
    }
}

/// What is asked for besides payer and task.
#[derive(Debug, Clone, Copy)]
pub(super) struct Visit {
    /// A portal session of the payer is signed in: no login is needed.
    pub(super) warm: bool,
    /// Ordinary work; otherwise a look after a doubt, for which there is reserved room.
    pub(super) work: bool,
}

/// The one decision: may jobs of this payer and task be leased now (agents and slots aside), and with which account.
pub(super) fn open_for(
    facts: &Facts,
    task: Task,
    visit: Visit,
    now: Timestamp,
) -> std::result::Result<&Credential, Blocked> {
    let payer = &facts.payer;
    if let Some(reason) = facts.quarantine.as_ref().filter(|_| visit.work) {
        return Err(Blocked::Quarantine { reason: reason.clone() });
    }
    if let Some(reason) = &payer.paused_reason {
        return Err(Blocked::PayerPaused { reason: reason.clone() });
    }
    if let Some(reason) = &facts.pool_paused {
        return Err(Blocked::PoolPaused { reason: reason.clone() });
    }
    if let Err(reason) = payer.profile.permission.allows(task, now) {
        return Err(Blocked::NotPermitted { reason: reason.to_owned() });
    }
    if !facts.live.contains(&task) {
        return Err(match facts.held.get(&task) {
            Some(reason) => Blocked::ScriptHeld { reason: reason.clone() },
            None => Blocked::NoScript,
        });
    }
    if facts.accounts().next().is_none() {
        return Err(Blocked::NoCredential);
    }
    let permission = &payer.profile.permission;
    let covered = || facts.accounts().filter(|c| permission.covers(&c.account));
    if covered().next().is_none() {
        let reason = "the permission lists no account that is recorded".to_owned();
        return Err(Blocked::NotPermitted { reason });
    }
    let named =
        |c: &Credential| !permission.named_identity || (c.identity.is_some() && c.owner.is_some());
    if !covered().any(named) {
        return Err(Blocked::NoIdentity);
    }
    let Some(credential) = covered().find(|c| named(c) && c.refused_at.is_none()) else {
        return Err(Blocked::AccountRefused);
    };
    match rules(facts, credential, visit, now).into_iter().find_map(|rule| rule.blocked) {
        Some(blocked) => Err(blocked),
        None => Ok(credential),
    }
}

/// A rule of politeness and how it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RuleState {
    /// `calendar`, `breaker`, `sessions`, `logins`, `lockout`, `starts`, `submits`.
    pub rule: &'static str,
    /// What it stands at, for people.
    pub says: String,
    /// Set when it keeps jobs from being leased now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub blocked: Option<Blocked>,
}

/// Every rule of politeness, in the order in which they are told.
fn rules(facts: &Facts, credential: &Credential, visit: Visit, now: Timestamp) -> Vec<RuleState> {
    let payer = &facts.payer;
    let limits = &payer.profile.limits;
    let sessions = RuleState {
        rule: "sessions",
        says: format!("{} of {} at work", payer.sessions, limits.sessions_max),
        blocked: (payer.sessions >= limits.sessions_max)
            .then_some(Blocked::SessionLimit { limit: limits.sessions_max }),
    };
    let logins = logins_rule(facts, visit, now);
    let unclear = unclear_logins(facts, credential);
    let lockout = RuleState {
        rule: "lockout",
        says: format!("{} logins without a known end", unclear.iter().filter(|l| !l.good).count()),
        blocked: polite::lockout_until(&unclear, &payer.profile.pace, now)
            .filter(|_| !visit.warm)
            .map(|until| Blocked::LockoutBudget { until }),
    };
    let pace = &payer.profile.pace;
    let starts = RuleState {
        rule: "starts",
        says: per_minute(&facts.starts, pace.starts_per_minute, now),
        blocked: pace
            .starts_per_minute
            .map(|limit| if visit.work { polite::for_work(limit) } else { limit })
            .and_then(|limit| polite::full_until(&facts.starts, limit, polite::MINUTE_MS, now))
            .map(|until| Blocked::TooManyStarts { until }),
    };
    // A full minute of submissions holds back permits, not visits.
    let says = per_minute(&facts.submits, pace.submits_per_minute, now);
    let submits = RuleState { rule: "submits", says, blocked: None };
    vec![
        calendar_rule(payer, now),
        breaker_rule(payer, now),
        sessions,
        logins,
        lockout,
        starts,
        submits,
    ]
}

fn per_minute(granted: &[Timestamp], limit: Option<u32>, now: Timestamp) -> String {
    let lately = granted.iter().filter(|at| now.since_ms(**at) < polite::MINUTE_MS).count();
    limit.map_or_else(
        || "not limited".to_owned(),
        |limit| format!("{lately} of {limit} within a minute"),
    )
}

fn calendar_rule(payer: &Known, now: Timestamp) -> RuleState {
    let standing = payer.profile.calendar.standing(&payer.profile.time_zone, now);
    let blocked = match standing {
        Standing::Open { .. } => None,
        Standing::Closed { until, maintenance } => Some(Blocked::Closed { until, maintenance }),
    };
    let says = match (standing, &blocked) {
        (_, Some(blocked)) => blocked.say(),
        (Standing::Open { until: Some(until) }, None) => format!("open until {until}"),
        (_, None) => "open".to_owned(),
    };
    RuleState { rule: "calendar", says, blocked }
}

fn breaker_rule(payer: &Known, now: Timestamp) -> RuleState {
    let (says, blocked) =
        match polite::breaker(payer.downs, payer.rests_until, &payer.profile.pace, now) {
            Breaker::Closed => ("closed".to_owned(), None),
            Breaker::Open(until) => {
                (format!("open until {until}"), Some(Blocked::PortalDown { until }))
            }
            // One visit at a time may try.
            Breaker::HalfOpen => {
                ("half open".to_owned(), (payer.sessions > 0).then_some(Blocked::Probing))
            }
        };
    RuleState { rule: "breaker", says, blocked }
}

fn logins_rule(facts: &Facts, visit: Visit, now: Timestamp) -> RuleState {
    let limit = facts.payer.profile.limits.logins_per_hour_max;
    let lately = facts.logins.iter().filter(|l| now.since_ms(l.login.at) < polite::HOUR_MS).count();
    RuleState {
        rule: "logins",
        says: format!("{lately} of {limit} within an hour"),
        // A live portal session needs no login.
        blocked: login_budget_spent(&facts.logins, (limit, visit.work), now)
            .filter(|_| !visit.warm)
            .map(|until| Blocked::LoginBudget { until }),
    }
}

/// Logins of one account; what the portal refused clearly stops the account itself.
fn unclear_logins(facts: &Facts, credential: &Credential) -> Vec<Login> {
    let own = facts.logins.iter().filter(|l| l.credential == credential.id);
    own.map(|l| l.login).collect()
}

/// Until when no further login fits into the payer's hour, if none does. Work leaves one login of the hour for looks.
pub(in crate::flow) fn login_budget_spent(
    logins: &[Tried],
    (limit, work): (u32, bool),
    now: Timestamp,
) -> Option<Timestamp> {
    let at: Vec<Timestamp> = logins.iter().map(|l| l.login.at).collect();
    let limit = if work { polite::for_work(limit) } else { limit };
    polite::full_until(&at, limit, polite::HOUR_MS, now)
}

/// What stands in the way of a permit that stands in the way of no lease, a sentence: the channel closes before the submission could
/// be over, rests, or got as many submissions as it may within a minute. A visit that came this far shows that the portal works
/// again.
pub(in crate::flow) async fn no_permit_now(
    tx: &mut Tx,
    payer: &Known,
    channel: Channel,
    lasts_ms: i64,
) -> Result<Option<String>> {
    let now = tx.now;
    if let Some(quarantine) = state::quarantine_in(tx).await? {
        return Ok(Some(Blocked::Quarantine { reason: quarantine.reason }.say()));
    }
    let profile = &payer.profile;
    let Some(terms) = profile.terms(channel) else { return Ok(Some(Blocked::NotDescribed.say())) };
    match terms.calendar.standing(&profile.time_zone, now) {
        Standing::Closed { until, maintenance } => {
            return Ok(Some(Blocked::Closed { until, maintenance }.say()));
        }
        Standing::Open { until: Some(until) } if now.plus_ms(lasts_ms) >= until => {
            let name = if channel == Channel::Portal { "portal" } else { "channel" };
            return Ok(Some(format!("the {name} closes at {until}, too soon for a submission")));
        }
        Standing::Open { .. } => {}
    }
    let (downs, rests_until) = if channel == Channel::Portal {
        (payer.downs, payer.rests_until)
    } else {
        let own = channels::of_payer_in(tx, &profile.id).await?;
        own.get(&channel).map_or((0, None), |own| (own.downs, own.rests_until))
    };
    if let Breaker::Open(until) = polite::breaker(downs, rests_until, terms.pace, now) {
        let blocked = match channel {
            Channel::Portal => Blocked::PortalDown { until },
            _ => Blocked::ChannelDown { until },
        };
        return Ok(Some(blocked.say()));
    }
    let Some(limit) = terms.pace.submits_per_minute else { return Ok(None) };
    let given = intents::opened_since(tx, &profile.id, now.plus_ms(-polite::MINUTE_MS)).await?;
    let full = polite::full_until(&given, limit, polite::MINUTE_MS, now);
    Ok(full.map(|until| format!("as many submissions as allowed were sent; the next at {until}")))
}

pub(super) async fn facts_of(
    tx: &mut Tx,
    payer: Known,
    pools: &[Pool],
    (live, held): (&ByTask, &ByTask),
) -> Result<Facts> {
    let id = payer.profile.id.clone();
    let locks = i64::from(payer.profile.pace.locks_within_min) * 60_000;
    let since = tx.now.plus_ms(-polite::HOUR_MS.max(locks));
    let minute = tx.now.plus_ms(-polite::MINUTE_MS);
    let pace = payer.profile.pace.clone();
    Ok(Facts {
        ways: ways::ways_of(tx, &payer.profile).await?,
        starts: match pace.starts_per_minute {
            Some(_) => attempts::started_since(tx, &id, minute).await?,
            None => Vec::new(),
        },
        submits: match pace.submits_per_minute {
            Some(_) => intents::opened_since(tx, &id, minute).await?,
            None => Vec::new(),
        },
        quarantine: state::quarantine_in(tx).await?.map(|q| q.reason),
        pool_paused: pools
            .iter()
            .find(|p| p.id == payer.pool)
            .and_then(|p| p.paused_reason.clone()),
        credentials: credentials::of_payer_in(tx, &id).await?,
        live: Task::ALL.into_iter().filter(|t| live.contains_key(&(id.clone(), *t))).collect(),
        held: Task::ALL
            .into_iter()
            .filter_map(|t| Some((t, held.get(&(id.clone(), t))?.clone())))
            .collect(),
        logins: credentials::logins_since(tx, &id, since).await?,
        payer,
    })
}

/// Why jobs of a payer's task are not leased now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct WhyBlocked {
    /// Payer id.
    pub payer: String,
    /// Task.
    pub task: Task,
    /// Why.
    #[serde(flatten)]
    pub blocked: Blocked,
}

/// Every payer and task that gets no lease now, by the same decision that leases. With nothing else in the way: sessions, agents, slots.
///
/// # Errors
/// [`Error::Store`].
pub async fn why_blocked(core: &Core, now: Timestamp) -> Result<Vec<WhyBlocked>> {
    let agents: Vec<Agent> = agents::all(&core.store, false).await?;
    let mut tx = core.store.begin(now).await?;
    let pools = payers::pools_in(&mut tx).await?;
    let live = scripts::live_all_in(&mut tx).await?;
    let held = scripts::held_all_in(&mut tx).await?;
    let mut all = Vec::new();
    for payer in payers::all_in(&mut tx).await? {
        let facts = facts_of(&mut tx, payer, &pools, (&live, &held)).await?;
        let room = no_room(core, &facts.payer, &agents, now);
        let worked = worked(core, &facts.payer, &agents, now);
        // A task the payer neither has a script nor a permission for is no business of this fleet.
        let concerned = |task: &Task| {
            facts.live.contains(task)
                || facts.held.contains_key(task)
                || facts.payer.profile.permission.tasks.contains(task)
                || facts.payer.profile.routes.contains_key(task)
        };
        for task in Task::ALL.into_iter().filter(concerned) {
            let visit = Visit { warm: false, work: true };
            let blocked = if facts.payer.profile.is_portal_only() {
                open_for(&facts, task, visit, now).err()
            } else {
                ways::held_back(&facts, task, &worked, now)
            };
            let blocked = blocked.or_else(|| room.clone());
            if let Some(blocked) = blocked {
                all.push(WhyBlocked { payer: facts.payer.profile.id.clone(), task, blocked });
            }
        }
    }
    Ok(all)
}

fn serving<'a>(
    core: &Core,
    payer: &Known,
    agents: &'a [Agent],
    now: Timestamp,
) -> impl Iterator<Item = &'a Agent> {
    let (pool, ttl_ms) = (payer.pool.clone(), core.rules.lease_ttl_ms);
    agents
        .iter()
        .filter(move |a| a.state == "accepting" && a.info.pool == pool)
        .filter(move |a| now.since_ms(a.seen_at) <= ttl_ms)
}

/// Channels that agents of the payer's pool work; every one while there is no agent at all, which is told instead.
fn worked(core: &Core, payer: &Known, agents: &[Agent], now: Timestamp) -> Vec<Channel> {
    let all = serving(core, payer, agents, now).flat_map(|a| a.info.channels.iter().copied());
    let all: Vec<Channel> = all.collect();
    if all.is_empty() { Channel::ALL.to_vec() } else { all }
}

fn no_room(core: &Core, payer: &Known, agents: &[Agent], now: Timestamp) -> Option<Blocked> {
    let serving: Vec<&Agent> = serving(core, payer, agents, now).collect();
    if serving.is_empty() {
        Some(Blocked::NoAgent)
    } else if serving.iter().all(|a| a.busy >= a.info.slots) {
        Some(Blocked::NoFreeSlot)
    } else {
        None
    }
}

/// How a payer stands: each rule of politeness, and each task that gets no lease now.
#[derive(Debug, Clone, Serialize)]
pub struct Stands {
    /// Rules, in the order in which they are judged.
    pub rules: Vec<RuleState>,
    /// What holds each task back.
    pub blocked: Vec<WhyBlocked>,
}

/// [`Stands`] of one payer, by the decision that leases.
///
/// # Errors
/// [`Error::Store`].
pub async fn stands(core: &Core, payer: &str, now: Timestamp) -> Result<Stands> {
    let blocked = why_blocked(core, now).await?.into_iter().filter(|w| w.payer == payer).collect();
    let mut tx = core.store.begin(now).await?;
    let known = payers::find_in(&mut tx, payer).await?;
    let known = known.ok_or(crate::store::Error::NotFound("payer"))?;
    let pools = payers::pools_in(&mut tx).await?;
    let nothing = (&ByTask::new(), &ByTask::new());
    let facts = facts_of(&mut tx, known, &pools, nothing).await?;
    let visit = Visit { warm: false, work: true };
    let account = facts.accounts().find(|c| c.refused_at.is_none());
    let rules = account.or(facts.accounts().next()).map(|c| rules(&facts, c, visit, now));
    let calendar = || vec![calendar_rule(&facts.payer, now), breaker_rule(&facts.payer, now)];
    Ok(Stands { rules: rules.unwrap_or_else(calendar), blocked })
}

/// Why a job is not leased although it is ready; none when it may be leased any moment or is not waiting for a lease.
///
/// # Errors
/// [`Error::Store`].
pub async fn why_not_leased(core: &Core, job: &Job, now: Timestamp) -> Result<Option<Blocked>> {
    if !matches!(job.state, JobState::Ready) {
        return Ok(None);
    }
    let script = scripts::get(&core.store, &job.script_sha256).await?;
    if script.state == "held" {
        let reason = script.held_reason.unwrap_or_default();
        return Ok(Some(Blocked::ScriptHeld { reason }));
    }
    let all = why_blocked(core, now).await?;
    Ok(all.into_iter().find(|w| w.payer == job.payer && w.task == job.task).map(|w| w.blocked))
}
