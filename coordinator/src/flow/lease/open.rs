//! The one decision whether jobs of a payer and task may be leased now, and its answer told to people.

use std::collections::{BTreeMap, BTreeSet};

use domain::{
    fleet::Blocked,
    job::{JobState, Task},
    time::Timestamp,
};
use serde::Serialize;

use crate::{
    flow::{Core, Result},
    store::{
        Tx, agents,
        agents::Agent,
        credentials,
        credentials::Credential,
        jobs::Job,
        payers,
        payers::{Known, Pool},
        scripts,
    },
};

const HOUR_MS: i64 = 3_600_000;

/// Texts by payer and task.
type ByTask = BTreeMap<(String, Task), String>;

/// What is known of a payer for the decision.
pub(super) struct Facts {
    pub(super) payer: Known,
    pool_paused: Option<String>,
    credentials: Vec<Credential>,
    live: BTreeSet<Task>,
    /// Tasks whose script is held, with the reason.
    held: BTreeMap<Task, String>,
    logins: Vec<Timestamp>,
}

/// The one decision: may jobs of this payer and task be leased now (sessions and slots aside), and with which account.
pub(super) fn open_for(
    facts: &Facts,
    task: Task,
    warm: bool,
    now: Timestamp,
) -> std::result::Result<&Credential, Blocked> {
    let payer = &facts.payer;
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
    if facts.credentials.is_empty() {
        return Err(Blocked::NoCredential);
    }
    let Some(credential) = facts.credentials.iter().find(|c| c.refused_at.is_none()) else {
        return Err(Blocked::AccountRefused);
    };
    if let Some(until) = payer.rests_until.filter(|until| *until > now) {
        return Err(Blocked::PortalDown { until });
    }
    // A live portal session needs no login.
    if !warm && let Some(until) = login_budget_spent(&facts.logins, payer, now) {
        return Err(Blocked::LoginBudget { until });
    }
    Ok(credential)
}

/// Until when no further login fits into the payer's hour, if none does.
pub(in crate::flow) fn login_budget_spent(
    logins: &[Timestamp],
    payer: &Known,
    now: Timestamp,
) -> Option<Timestamp> {
    let max = usize::try_from(payer.profile.limits.logins_per_hour_max).unwrap_or(usize::MAX);
    if max == 0 {
        return Some(now.plus_ms(HOUR_MS));
    }
    let over = logins.len().checked_sub(max)?;
    // When this one leaves the window there is room again.
    logins.get(over).map(|at| at.plus_ms(HOUR_MS))
}

pub(super) async fn facts_of(
    tx: &mut Tx,
    payer: Known,
    pools: &[Pool],
    (live, held): (&ByTask, &ByTask),
) -> Result<Facts> {
    let id = payer.profile.id.clone();
    let since = tx.now.plus_ms(-HOUR_MS);
    Ok(Facts {
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
        // A task the payer neither has a script nor a permission for is no business of this fleet.
        let concerned = |task: &Task| {
            facts.live.contains(task)
                || facts.held.contains_key(task)
                || facts.payer.profile.permission.tasks.contains(task)
        };
        for task in Task::ALL.into_iter().filter(concerned) {
            let blocked = match open_for(&facts, task, false, now) {
                Err(blocked) => Some(blocked),
                Ok(_) => room.clone(),
            };
            if let Some(blocked) = blocked {
                all.push(WhyBlocked { payer: facts.payer.profile.id.clone(), task, blocked });
            }
        }
    }
    Ok(all)
}

fn no_room(core: &Core, payer: &Known, agents: &[Agent], now: Timestamp) -> Option<Blocked> {
    let limit = payer.profile.limits.sessions_max;
    if payer.sessions >= limit {
        return Some(Blocked::SessionLimit { limit });
    }
    let serving: Vec<&Agent> = agents
        .iter()
        .filter(|a| a.state == "accepting" && a.info.pool == payer.pool)
        .filter(|a| now.since_ms(a.seen_at) <= core.rules.lease_ttl_ms)
        .collect();
    if serving.is_empty() {
        Some(Blocked::NoAgent)
    } else if serving.iter().all(|a| a.busy >= a.info.slots) {
        Some(Blocked::NoFreeSlot)
    } else {
        None
    }
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
