//! Leases of a payer that can be reached by several channels: for each job the channel that `domain::route` chooses.

use std::collections::{BTreeMap, BTreeSet};

use domain::{
    channel::Channel,
    fleet::Blocked,
    job::{JobState, Task},
    lease::Purpose,
    route::{self, Ask, Health, Routed},
    time::Timestamp,
};

use super::{
    Pick, WARM_BONUS_MS,
    open::{Facts, Visit, open_for},
};
use crate::{
    flow::Result,
    store::{Tx, attempts, cases, channels, credentials::Credential, intents, jobs, jobs::Job},
};

/// A channel is slow by what it took within this time; after that it is tried again.
const SLOW_WINDOW_MS: i64 = 30 * 60_000;
/// So many visits are needed to say how long one usually takes.
const SLOW_VISITS: usize = 3;
/// Jobs looked at beyond those there is room for: some may have to wait for their own channel.
const FURTHER: u32 = 16;

/// What is known of the channels beside the portal, and of how long visits take.
#[derive(Default)]
pub(super) struct Ways {
    known: BTreeMap<Channel, channels::Known>,
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
    let own: Vec<&Credential> = facts.credentials.iter().filter(|c| c.channel == channel).collect();
    if own.is_empty() {
        return Err(Blocked::NoCredential);
    }
    let permission = &way.permission;
    let mut covered = own.iter().filter(|c| permission.covers(&c.account)).peekable();
    if covered.peek().is_none() {
        let reason = "the permission lists no account that is recorded".to_owned();
        return Err(Blocked::NotPermitted { reason });
    }
    let named =
        |c: &Credential| !permission.named_identity || (c.identity.is_some() && c.owner.is_some());
    let mut named = covered.filter(|c| named(c)).peekable();
    if named.peek().is_none() {
        return Err(Blocked::NoIdentity);
    }
    named.find(|c| c.refused_at.is_none()).copied().ok_or(Blocked::AccountRefused)
}

/// Decides for one task, with what was picked already counted as at work.
fn decide(
    facts: &Facts,
    room: &Room<'_>,
    picked: &BTreeMap<Channel, u32>,
    (ask, visit): (Ask, Visit),
    now: Timestamp,
) -> std::result::Result<Routed, Blocked> {
    let health = |channel: Channel| -> Health {
        let taken = picked.get(&channel).copied().unwrap_or(0);
        let mut blocked = account_of(facts, channel, ask.task, visit, now).err();
        if !room.worked.contains(&channel) {
            blocked = blocked.filter(|b| !b.moves_on()).or(Some(Blocked::NotWorked));
        }
        let usual_ms = facts.ways.usual_ms.get(&channel).copied();
        if channel == Channel::Portal {
            let free = if visit.work { room.portal.0.min(room.portal.1) } else { room.portal.0 };
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
    };
    route::decide(&facts.payer.profile, ask, &health, now)
}

/// What holds a task back at a payer with several channels; none when one can take it.
pub(super) fn held_back(
    facts: &Facts,
    task: Task,
    worked: &[Channel],
    now: Timestamp,
) -> Option<Blocked> {
    let room = Room { warm: false, portal: (u32::MAX, u32::MAX), most: 1, worked };
    let asked = (Ask { task, documents: false, only: None }, Visit { warm: false, work: true });
    decide(facts, &room, &BTreeMap::new(), asked, now).err()
}

/// The jobs of a payer that may be leased now, each with its channel.
pub(super) async fn candidates(
    tx: &mut Tx,
    facts: &Facts,
    room: &Room<'_>,
    script_states: &BTreeMap<String, String>,
) -> Result<Vec<Pick>> {
    let (now, id) = (tx.now, facts.payer.profile.id.clone());
    let mut picked: BTreeMap<Channel, u32> = BTreeMap::new();
    let mut picks = Vec::new();
    let looked_at = room.most.saturating_add(FURTHER);
    for job in jobs::candidates_doubt(tx, &id, looked_at).await? {
        let only = Some(began_on(tx, &job).await?);
        let ask = Ask { task: job.task, documents: false, only };
        let visit = Visit { warm: room.warm, work: false };
        let key = (0, job.ready_at.ms());
        take(facts, room, &mut picked, (ask, visit), (job, key, now), &mut picks);
    }
    let visit = Visit { warm: room.warm, work: true };
    let ask = |task, documents| Ask { task, documents, only: None };
    let open = |t: &Task| decide(facts, room, &picked, (ask(*t, false), visit), now).is_ok();
    let tasks: Vec<Task> = Task::ALL.into_iter().filter(open).collect();
    if !tasks.is_empty() {
        let choosy = facts.payer.profile.routes.values().flatten().any(|leg| leg.without_documents);
        for job in jobs::candidates_ready(tx, &id, &tasks, looked_at).await? {
            let documents = choosy && cases::has_documents(tx, job.case).await?;
            let key = (1, job.ready_at.ms() - if room.warm { WARM_BONUS_MS } else { 0 });
            let asked = (ask(job.task, documents), visit);
            take(facts, room, &mut picked, asked, (job, key, now), &mut picks);
        }
    }
    picks.retain(|p| {
        p.channel != Channel::Portal
            || script_states.get(&p.job.script_sha256).is_some_and(|state| state != "held")
    });
    Ok(picks)
}

/// Picks a job if a channel takes it now.
fn take(
    facts: &Facts,
    room: &Room<'_>,
    picked: &mut BTreeMap<Channel, u32>,
    (ask, visit): (Ask, Visit),
    (job, key, now): (Job, (u8, i64), Timestamp),
    picks: &mut Vec<Pick>,
) {
    let full = u32::try_from(picks.len()).unwrap_or(u32::MAX) >= room.most;
    let routed = if full { None } else { decide(facts, room, picked, (ask, visit), now).ok() };
    let Some(Routed { channel, because }) = routed else { return };
    let Ok(credential) = account_of(facts, channel, ask.task, visit, now) else { return };
    *picked.entry(channel).or_default() += 1;
    let purpose = if visit.work { Purpose::Work } else { Purpose::Reconcile };
    let credential = credential.clone();
    picks.push(Pick { job, credential, purpose, key, channel, because });
}

/// The channel on which a job's doubt began: only there an absence says anything.
async fn began_on(tx: &mut Tx, job: &Job) -> Result<Channel> {
    let JobState::InDoubt { intent, .. } = job.state else { return Ok(Channel::Portal) };
    let intent = intents::get_in(tx, intent).await?;
    Ok(attempts::get_in(tx, intent.attempt).await?.channel)
}
