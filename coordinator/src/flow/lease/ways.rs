//! Leases of a payer that can be reached by several channels: for each job the channel that `domain::route` chooses.

use std::collections::{BTreeMap, BTreeSet};

use domain::{
    calendar::Standing,
    channel::Channel,
    fleet::Blocked,
    job::{JobState, Task},
    lease::Purpose,
    polite::{self, Breaker},
    route::{self, Ask, Health, Routed},
    time::Timestamp,
};

use super::{
    Pick, WARM_BONUS_MS,
    open::{Facts, Visit, open_for, usable},
};
use crate::{
    flow::Result,
    store::{
        Tx, attempts, channels,
        credentials::Credential,
        jobs,
        jobs::{Doubts, Job, Ready},
    },
};

/// A channel is slow by what it took within this time; after that it is tried again.
const SLOW_WINDOW_MS: i64 = 30 * 60_000;
/// So many visits are needed to say how long one usually takes.
const SLOW_VISITS: usize = 3;

/// What is known of the channels beside the portal, and of how long visits take.
#[derive(Default)]
pub(super) struct Ways {
    pub(super) known: BTreeMap<Channel, channels::Known>,
    usual_ms: BTreeMap<Channel, i64>,
}

/// [`Ways`] of a payer; nothing for one that has a portal alone.
pub(super) async fn ways_of(tx: &mut Tx, payer: &domain::fleet::Payer) -> Result<Ways> {
    if payer.is_portal_only() {
        return Ok(Ways::default());
    }
    let mut ways = Ways { known: channels::of_payer_in(tx, &payer.id).await?, ..Ways::default() };
    let since = tx.now.plus_ms(-SLOW_WINDOW_MS);
    let timed = payer.routes.values().flatten().filter(|leg| leg.slow_after_ms.is_some());
    for channel in timed.map(|leg| leg.channel).collect::<BTreeSet<_>>() {
        let mut took = attempts::lately(tx, &payer.id, channel, since).await?;
        took.sort_unstable();
        if took.len() >= SLOW_VISITS {
            ways.usual_ms.insert(channel, took[took.len() / 2]);
        }
    }
    Ok(ways)
}

/// Who asks, and how much room there is.
pub(super) struct Room<'a> {
    /// A portal session of the payer is signed in.
    pub(super) warm: bool,
    /// Portal sessions that may begin, and how many of them for work.
    pub(super) portal: (u32, u32),
    /// Most jobs in all.
    pub(super) most: u32,
    /// Channels the agent works.
    pub(super) worked: &'a [Channel],
}

/// What a job needs of a channel. Jobs that need the same share one answer: who asks for jobs asks for all that need the same at
/// once, and one that must wait stands in nobody's way.
#[derive(Debug, Clone, Copy)]
pub(super) struct Need<'a> {
    /// What is to be done.
    pub(super) ask: Ask,
    /// Work or a look.
    pub(super) visit: Visit,
    /// Why the script that the job is pinned to is held, if it is. Only the portal needs a script.
    pub(super) held: Option<&'a str>,
}

impl Need<'_> {
    /// Ordinary work of a task, as most jobs of it are.
    pub(super) fn plain(task: Task) -> Self {
        let ask = Ask { task, documents: false, only: None };
        Self { ask, visit: Visit { warm: false, work: true }, held: None }
    }
}

/// The account a channel is used with, or what keeps it from being used whatever its hours, permission and breaker say.
fn account_of(
    facts: &Facts,
    channel: Channel,
    task: Task,
    visit: Visit,
    now: Timestamp,
) -> std::result::Result<&Credential, Blocked> {
    if channel == Channel::Portal {
        return open_for(facts, task, visit, now);
    }
    if let Some(reason) = facts.quarantine.as_ref().filter(|_| visit.work) {
        return Err(Blocked::Quarantine { reason: reason.clone() });
    }
    if let Some(reason) = &facts.payer.paused_reason {
        return Err(Blocked::PayerPaused { reason: reason.clone() });
    }
    if let Some(reason) = &facts.pool_paused {
        return Err(Blocked::PoolPaused { reason: reason.clone() });
    }
    let Some(way) = facts.payer.profile.way(channel) else { return Err(Blocked::NotDescribed) };
    let usable = usable(facts, channel, &way.permission)?;
    usable.into_iter().find(|c| c.refused_at.is_none()).ok_or(Blocked::AccountRefused)
}

/// What is known of a channel for such a job, with what was picked already counted as at work.
fn health(
    facts: &Facts,
    room: &Room<'_>,
    picked: &BTreeMap<Channel, u32>,
    (channel, need): (Channel, Need<'_>),
    now: Timestamp,
) -> Health {
    let taken = picked.get(&channel).copied().unwrap_or(0);
    let mut blocked = account_of(facts, channel, need.ask.task, need.visit, now).err();
    if !room.worked.contains(&channel) {
        blocked = blocked.filter(|b| !b.moves_on()).or(Some(Blocked::NotWorked));
    }
    let usual_ms = facts.ways.usual_ms.get(&channel).copied();
    if channel == Channel::Portal {
        let held = || need.held.map(|reason| Blocked::ScriptHeld { reason: reason.to_owned() });
        blocked = blocked.or_else(held);
        let free = if need.visit.work { room.portal.0.min(room.portal.1) } else { room.portal.0 };
        if taken >= free && blocked.is_none() {
            let limit = facts.payer.profile.limits.sessions_max;
            blocked = Some(Blocked::SessionLimit { limit });
        }
        return Health {
            downs: facts.payer.downs,
            rests_until: facts.payer.rests_until,
            busy: facts.payer.sessions.saturating_add(taken),
            usual_ms,
            blocked,
        };
    }
    let own = facts.ways.known.get(&channel).cloned().unwrap_or_default();
    Health {
        downs: own.downs,
        rests_until: own.rests_until,
        busy: own.busy.saturating_add(taken),
        usual_ms,
        blocked,
    }
}

/// Decides for one job.
fn decide(
    facts: &Facts,
    room: &Room<'_>,
    picked: &BTreeMap<Channel, u32>,
    need: Need<'_>,
    now: Timestamp,
) -> std::result::Result<Routed, Blocked> {
    let health = |channel: Channel| health(facts, room, picked, (channel, need), now);
    route::decide(&facts.payer.profile, need.ask, &health, now)
}

/// As much room as there can be, for agents that work these channels.
fn all_room(worked: &[Channel]) -> Room<'_> {
    Room { warm: false, portal: (u32::MAX, u32::MAX), most: 1, worked }
}

/// What holds such a job back at a payer with several channels; none when one can take it.
pub(super) fn held_back(
    facts: &Facts,
    need: Need<'_>,
    worked: &[Channel],
    now: Timestamp,
) -> Option<Blocked> {
    decide(facts, &all_room(worked), &BTreeMap::new(), need, now).err()
}

/// Whether such a job, whose channel just failed, goes by another one that is known to work: at once, or as soon as that is free.
/// One that itself has failed lately does not count, or two broken channels would pass a job to each other for ever.
pub(super) fn goes_elsewhere(
    facts: &Facts,
    need: Need<'_>,
    worked: &[Channel],
    failed: Channel,
    now: Timestamp,
) -> bool {
    match decide(facts, &all_room(worked), &BTreeMap::new(), need, now) {
        Ok(routed) => {
            routed.channel != failed && breaker(facts, routed.channel, now) == Breaker::Closed
        }
        // Only busy. That is another channel where this one is passed over.
        Err(Blocked::SessionLimit { .. } | Blocked::TooManyStarts { .. }) => {
            is_shut(facts, failed, now)
        }
        Err(_) => false,
    }
}

fn breaker(facts: &Facts, channel: Channel, now: Timestamp) -> Breaker {
    let Some(terms) = facts.payer.profile.terms(channel) else { return Breaker::HalfOpen };
    let (downs, rests_until) = if channel == Channel::Portal {
        (facts.payer.downs, facts.payer.rests_until)
    } else {
        facts.ways.known.get(&channel).map_or((0, None), |own| (own.downs, own.rests_until))
    };
    polite::breaker(downs, rests_until, terms.pace, now)
}

/// Whether a channel rests after failures or is closed by its calendar.
fn is_shut(facts: &Facts, channel: Channel, now: Timestamp) -> bool {
    let profile = &facts.payer.profile;
    let closed = |terms: domain::channel::Terms<'_>| {
        matches!(terms.calendar.standing(&profile.time_zone, now), Standing::Closed { .. })
    };
    matches!(breaker(facts, channel, now), Breaker::Open(_))
        || profile.terms(channel).is_some_and(closed)
}

/// The jobs of a payer that may be leased now, each with its channel.
pub(super) async fn candidates(tx: &mut Tx, facts: &Facts, room: &Room<'_>) -> Result<Vec<Pick>> {
    let now = tx.now;
    let mut picked: BTreeMap<Channel, u32> = BTreeMap::new();
    let mut picks = Vec::new();
    for (need, job) in doubts(tx, facts, room).await? {
        let key = (0, job.ready_at.ms());
        take(facts, room, &mut picked, need, (job, key, now), &mut picks);
    }
    for (need, job) in ready(tx, facts, room, &picked).await? {
        let key = (1, job.ready_at.ms() - if room.warm { WARM_BONUS_MS } else { 0 });
        take(facts, room, &mut picked, need, (job, key, now), &mut picks);
    }
    Ok(picks)
}

/// Doubts that are due and that the channel they began on can look after: only there an absence says anything.
async fn doubts(tx: &mut Tx, facts: &Facts, room: &Room<'_>) -> Result<Vec<(Need<'static>, Job)>> {
    let (now, id) = (tx.now, facts.payer.profile.id.clone());
    let mut found = Vec::new();
    for channel in Channel::ALL {
        let need = |task| Need {
            ask: Ask { task, documents: false, only: Some(channel) },
            visit: Visit { warm: room.warm, work: false },
            held: None,
        };
        let open =
            |t: &Task| t.commits() && decide(facts, room, &BTreeMap::new(), need(*t), now).is_ok();
        let tasks: Vec<Task> = Task::ALL.into_iter().filter(open).collect();
        if !tasks.is_empty() {
            let of = Doubts { tasks: &tasks, channel };
            let due = jobs::candidates_doubt(tx, &id, &of, room.most).await?;
            found.extend(due.into_iter().map(|job| (need(job.task), job)));
        }
    }
    found.sort_by_key(|(_, job)| match job.state {
        JobState::InDoubt { look_at, .. } => (look_at, job.id),
        _ => (job.ready_at, job.id),
    });
    Ok(found)
}

/// Jobs that are ready and that some channel takes now, oldest first.
async fn ready(
    tx: &mut Tx,
    facts: &Facts,
    room: &Room<'_>,
    picked: &BTreeMap<Channel, u32>,
) -> Result<Vec<(Need<'static>, Job)>> {
    let (now, id) = (tx.now, facts.payer.profile.id.clone());
    let choosy = facts.payer.profile.routes.values().flatten().any(|leg| leg.without_documents);
    let with: &[Option<bool>] = if choosy { &[Some(false), Some(true)] } else { &[None] };
    let mut found = Vec::new();
    for (documents, held) in with.iter().flat_map(|d| [(*d, false), (*d, true)]) {
        let need = |task| Need {
            ask: Ask { task, documents: documents == Some(true), only: None },
            visit: Visit { warm: room.warm, work: true },
            held: held.then_some(""),
        };
        let open = |t: &Task| decide(facts, room, picked, need(*t), now).is_ok();
        let tasks: Vec<Task> = Task::ALL.into_iter().filter(open).collect();
        if !tasks.is_empty() {
            let of = Ready { tasks: &tasks, documents, held };
            let waiting = jobs::candidates_ready(tx, &id, &of, room.most).await?;
            found.extend(waiting.into_iter().map(|job| (need(job.task), job)));
        }
    }
    found.sort_by_key(|(_, job)| (job.ready_at, job.id));
    // One visit tries whether the portal works again, if there is a choice one that only reads.
    if breaker(facts, Channel::Portal, now) == Breaker::HalfOpen
        && let Some(at) = found.iter().position(|(need, _)| !need.ask.task.commits())
    {
        let reads = found.remove(at);
        found.insert(0, reads);
    }
    Ok(found)
}

/// Picks a job if a channel takes it now.
fn take(
    facts: &Facts,
    room: &Room<'_>,
    picked: &mut BTreeMap<Channel, u32>,
    need: Need<'_>,
    (job, key, now): (Job, (u8, i64), Timestamp),
    picks: &mut Vec<Pick>,
) {
    let full = u32::try_from(picks.len()).unwrap_or(u32::MAX) >= room.most;
    let routed = if full { None } else { decide(facts, room, picked, need, now).ok() };
    let Some(Routed { channel, because }) = routed else { return };
    let Ok(credential) = account_of(facts, channel, need.ask.task, need.visit, now) else { return };
    *picked.entry(channel).or_default() += 1;
    let purpose = if need.visit.work { Purpose::Work } else { Purpose::Reconcile };
    let credential = credential.clone();
    picks.push(Pick { job, credential, purpose, key, channel, because });
}
