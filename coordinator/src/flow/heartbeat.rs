//! Heartbeats: an agent's leases are extended, and it is told what to do with each.

use std::collections::BTreeMap;

use domain::{
    channel::Channel,
    time::Timestamp,
    wire::{Heartbeat, HeartbeatReply, Order},
};

use super::{Core, Result, lease::no_permit_now};
use crate::store::{Tx, agents, attempts, jobs, payers, scripts};

/// Extends the leases that live and belong to the agent; the others get `stop`. A lease whose payer was paused, forbidden or whose
/// script was held meanwhile may go on, but not commit.
///
/// # Errors
/// [`super::Error::Store`]: the agent is unknown.
pub async fn heartbeat(core: &Core, beat: &Heartbeat, now: Timestamp) -> Result<HeartbeatReply> {
    let mut tx = core.store.begin(now).await?;
    let known = agents::seen(&mut tx, beat.agent, beat.memory_mib, beat.browser_ok).await?;
    let mut leases = beat.leases.clone();
    // The same order as everywhere, so that two transactions never wait for each other in a circle.
    leases.sort_by_key(|l| l.job);
    let until = now.plus_ms(core.rules.lease_ttl_ms);
    let lasts_ms = core.rules.permit_ttl_ms.saturating_add(core.rules.submit_max_ms);
    let mut orders = BTreeMap::new();
    for fenced in leases {
        let live = if known && fenced.agent == beat.agent {
            jobs::extend(&mut tx, &fenced, until).await?
        } else {
            None
        };
        let order = match live {
            None => Order::Stop,
            Some(job) if may_commit(&mut tx, &job, lasts_ms).await? => Order::Continue,
            Some(_) => Order::HoldBeforeCommit,
        };
        orders.insert(fenced.lease.to_string(), order);
    }
    let drain = !known || agents::get_in(&mut tx, beat.agent).await?.state != "accepting";
    tx.commit().await?;
    Ok(HeartbeatReply { orders, drain, ttl_ms: core.rules.lease_ttl_ms })
}

async fn may_commit(tx: &mut Tx, job: &jobs::Extended, lasts_ms: i64) -> Result<bool> {
    let now = tx.now;
    let payer = payers::find_in(tx, &job.payer).await?;
    let Some(payer) = payer else { return Ok(false) };
    let channel = attempts::get_in(tx, job.attempt).await?.channel;
    let Some(terms) = payer.profile.terms(channel) else { return Ok(false) };
    let open = payer.paused_reason.is_none()
        && terms.permission.allows(job.task, now).is_ok()
        && no_permit_now(tx, &payer, channel, lasts_ms).await?.is_none();
    if channel != Channel::Portal {
        return Ok(open);
    }
    Ok(open && scripts::get_in(tx, &job.script_sha256).await?.state != "held")
}
