//! The one decision whether jobs of a payer and task may be leased now, and whether a permit may be given.

use std::collections::{BTreeMap, BTreeSet};

use domain::{
    calendar::Standing,
    channel::Channel,
    fleet::Blocked,
    id::CredentialId,
    job::Task,
    permission::Permission,
    polite::{self, Breaker},
    time::Timestamp,
};

use super::{
    rules::rules,
    ways::{self, Ways},
};
use crate::{
    flow::Result,
    store::{
        Tx, attempts, channels, credentials,
        credentials::{Credential, Tried},
        intents,
        payers::{Known, Pool},
        state,
    },
};

/// Texts by payer and task.
pub(super) type ByTask = BTreeMap<(String, Task), String>;

/// What is known of a payer for the decision.
pub(super) struct Facts {
    pub(super) payer: Known,
    pub(super) pool_paused: Option<String>,
    /// Accounts for every channel.
    pub(super) credentials: Vec<Credential>,
    pub(super) live: BTreeSet<Task>,
    /// Tasks whose script is held, with the reason.
    pub(super) held: BTreeMap<Task, String>,
    pub(super) logins: Vec<Tried>,
    pub(super) starts: Vec<Timestamp>,
    /// Submissions at the portal.
    pub(super) submits: Vec<Timestamp>,
    /// Visits of the portal at work with each account.
    pub(super) busy: BTreeMap<CredentialId, u32>,
    /// Signed-in sessions that agents other than the one that asks keep for their next job.
    pub(super) kept: u32,
    pub(super) quarantine: Option<String>,
    pub(super) ways: Ways,
}

impl Facts {
    /// Accounts for the portal.
    pub(super) fn accounts(&self) -> impl Iterator<Item = &Credential> {
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
    let usable = usable(facts, Channel::Portal, &payer.profile.permission)?;
    // The first account that may sign in; where none may, why the first one may not.
    let mut first = None;
    for credential in usable.into_iter().filter(|c| c.refused_at.is_none()) {
        match rules(facts, credential, visit, now).into_iter().find_map(|rule| rule.blocked) {
            Some(blocked) => first = first.or(Some(blocked)),
            None => return Ok(credential),
        }
    }
    Err(first.unwrap_or(Blocked::AccountRefused))
}

/// The accounts of a channel that its permission lets be used.
pub(super) fn usable<'f>(
    facts: &'f Facts,
    channel: Channel,
    permission: &Permission,
) -> std::result::Result<Vec<&'f Credential>, Blocked> {
    let own: Vec<_> = facts.credentials.iter().filter(|c| c.channel == channel).collect();
    if own.is_empty() {
        return Err(Blocked::NoCredential);
    }
    if !own.iter().any(|c| permission.covers(&c.account)) {
        let reason = "the permission lists no account that is recorded".to_owned();
        return Err(Blocked::NotPermitted { reason });
    }
    let usable: Vec<_> = own.into_iter().filter(|c| c.under(permission).is_ok()).collect();
    if usable.is_empty() { Err(Blocked::NoIdentity) } else { Ok(usable) }
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
    let since = now.plus_ms(-polite::MINUTE_MS);
    let given = intents::opened_since(tx, &profile.id, channel, since).await?;
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
            Some(_) => intents::opened_since(tx, &id, Channel::Portal, minute).await?,
            None => Vec::new(),
        },
        busy: match pace.account_sessions {
            Some(_) => attempts::busy(tx, &id).await?,
            None => BTreeMap::new(),
        },
        kept: 0,
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
