//! Why jobs are not leased now, told to people by the decision that leases; and what that decision says of one job.

use domain::{
    channel::Channel,
    fleet::Blocked,
    job::{JobState, Task},
    polite,
    route::Ask,
    time::Timestamp,
};
use serde::Serialize;

use super::{
    open::{Facts, Visit, facts_of, open_for},
    rules::{RuleState, beside, breaker_rule, calendar_rule, rules},
    ways::{self, Need},
};
use crate::{
    flow::{Core, Result},
    store::{Tx, agents, agents::Agent, cases, intents, jobs::Job, payers, payers::Known, scripts},
};

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
    let mut tx = core.store.begin(now).await?;
    let agents = agents::all_in(&mut tx).await?;
    let pools = payers::pools_in(&mut tx).await?;
    let live = scripts::live_all_in(&mut tx).await?;
    let held = scripts::held_all_in(&mut tx).await?;
    let mut all = Vec::new();
    for payer in payers::all_in(&mut tx).await? {
        let facts = facts_of(&mut tx, payer, &pools, (&live, &held)).await?;
        let tasks = tasks(core, &facts, &agents, now);
        all.extend(tasks.into_iter().filter_map(|task| task.why(&facts.payer.profile.id)));
    }
    Ok(all)
}

/// Every task that is a business of this fleet at a payer, and what holds it back.
fn tasks(core: &Core, facts: &Facts, agents: &[Agent], now: Timestamp) -> Vec<TaskStands> {
    let profile = &facts.payer.profile;
    // A task the payer neither has a script nor a permission for is none.
    let concerned = |task: &Task| {
        facts.live.contains(task)
            || facts.held.contains_key(task)
            || profile.permission.tasks.contains(task)
            || profile.routes.contains_key(task)
    };
    let stands = |task| TaskStands {
        task,
        channels: profile.legs(task).iter().map(|leg| leg.channel).collect(),
        blocked: held_back(core, facts, Need::plain(task), agents, now),
    };
    Task::ALL.into_iter().filter(concerned).map(stands).collect()
}

/// What holds such a job back: the payer, its channels, or that no agent has room.
fn held_back(
    core: &Core,
    facts: &Facts,
    need: Need<'_>,
    agents: &[Agent],
    now: Timestamp,
) -> Option<Blocked> {
    let blocked = match need.held {
        _ if !facts.payer.profile.is_portal_only() => {
            let worked = worked(core, &facts.payer, agents, now);
            ways::held_back(facts, need, &worked, now)
        }
        Some(reason) => Some(Blocked::ScriptHeld { reason: reason.to_owned() }),
        None => open_for(facts, need.ask.task, need.visit, now).err(),
    };
    blocked.or_else(|| no_room(core, &facts.payer, agents, now))
}

/// What a job needs and how its payer stands: what every question about this one job begins with.
struct About {
    facts: Facts,
    agents: Vec<Agent>,
    documents: bool,
    held: Option<String>,
}

impl About {
    async fn of(tx: &mut Tx, job: &Job) -> Result<Self> {
        let payer = payers::find_in(tx, &job.payer).await?;
        let payer = payer.ok_or(crate::store::Error::NotFound("payer"))?;
        let pools = payers::pools_in(tx).await?;
        let live = scripts::live_all_in(tx).await?;
        let held = scripts::held_all_in(tx).await?;
        let script = scripts::get_in(tx, &job.script_sha256).await?;
        Ok(Self {
            facts: facts_of(tx, payer, &pools, (&live, &held)).await?,
            agents: agents::all_in(tx).await?,
            documents: cases::has_documents(tx, job.case).await?,
            held: (script.state == "held").then(|| script.held_reason.unwrap_or_default()),
        })
    }

    fn need(&self, task: Task) -> Need<'_> {
        let ask = Ask { task, documents: self.documents, only: None };
        Need { ask, held: self.held.as_deref(), ..Need::plain(task) }
    }
}

/// Whether a job whose channel just failed goes by another one that is known to work.
pub(in crate::flow) async fn goes_elsewhere(
    core: &Core,
    tx: &mut Tx,
    job: &Job,
    failed: Channel,
) -> Result<bool> {
    let about = About::of(tx, job).await?;
    let facts = &about.facts;
    if facts.payer.profile.is_portal_only() {
        return Ok(false);
    }
    let worked = worked(core, &facts.payer, &about.agents, tx.now);
    Ok(ways::goes_elsewhere(facts, about.need(job.task), &worked, failed, tx.now))
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

/// How a payer stands: each rule of politeness, and each task with what holds it back.
#[derive(Debug, Clone, Serialize)]
pub struct Stands {
    /// Rules of the portal, in the order in which they are judged.
    pub rules: Vec<RuleState>,
    /// Rules of each channel beside the portal.
    pub channels: Vec<ChannelStands>,
    /// Tasks of this payer.
    pub tasks: Vec<TaskStands>,
}

/// How a channel beside the portal stands.
#[derive(Debug, Clone, Serialize)]
pub struct ChannelStands {
    /// Which.
    pub channel: Channel,
    /// Its rules.
    pub rules: Vec<RuleState>,
}

/// How a task of a payer stands.
#[derive(Debug, Clone, Serialize)]
pub struct TaskStands {
    /// Which.
    pub task: Task,
    /// Its channels in their order.
    pub channels: Vec<Channel>,
    /// What keeps its jobs from being leased now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub blocked: Option<Blocked>,
}

impl TaskStands {
    /// What holds it back at this payer, if anything does.
    pub(crate) fn why(self, payer: &str) -> Option<WhyBlocked> {
        let (payer, task) = (payer.to_owned(), self.task);
        self.blocked.map(|blocked| WhyBlocked { payer, task, blocked })
    }
}

/// [`Stands`] of one payer, by the decision that leases.
///
/// # Errors
/// [`Error::Store`].
pub async fn stands(core: &Core, payer: &str, now: Timestamp) -> Result<Stands> {
    let mut tx = core.store.begin(now).await?;
    let known = payers::find_in(&mut tx, payer).await?;
    let known = known.ok_or(crate::store::Error::NotFound("payer"))?;
    let agents = agents::all_in(&mut tx).await?;
    let pools = payers::pools_in(&mut tx).await?;
    let live = scripts::live_all_in(&mut tx).await?;
    let held = scripts::held_all_in(&mut tx).await?;
    let facts = facts_of(&mut tx, known, &pools, (&live, &held)).await?;
    let visit = Visit { warm: false, work: true };
    let account = facts.accounts().find(|c| c.refused_at.is_none());
    let of_portal = account.or(facts.accounts().next()).map(|c| rules(&facts, c, visit, now));
    let calendar = || vec![calendar_rule(&facts.payer, now), breaker_rule(&facts.payer, now)];
    let since = now.plus_ms(-polite::MINUTE_MS);
    let mut channels = Vec::new();
    for way in &facts.payer.profile.ways {
        let given = intents::opened_since(&mut tx, payer, way.channel, since).await?;
        let rules = beside(&facts, way, &given, now);
        channels.push(ChannelStands { channel: way.channel, rules });
    }
    Ok(Stands {
        rules: of_portal.unwrap_or_else(calendar),
        channels,
        tasks: tasks(core, &facts, &agents, now),
    })
}

/// Why a job is not leased although it is ready; none when it may be leased any moment or is not waiting for a lease.
///
/// # Errors
/// [`Error::Store`].
pub async fn why_not_leased(core: &Core, job: &Job, now: Timestamp) -> Result<Option<Blocked>> {
    if !matches!(job.state, JobState::Ready) {
        return Ok(None);
    }
    let mut tx = core.store.begin(now).await?;
    let about = About::of(&mut tx, job).await?;
    Ok(held_back(core, &about.facts, about.need(job.task), &about.agents, now))
}
