//! Agents come, drain and go.

use domain::{
    fleet::AgentInfo,
    id::AgentId,
    job::JobState,
    time::Timestamp,
    wire::{Hello, Welcome},
};
use serde_json::json;

use super::{Actor, Asked, Core, Error, Result, change::note, random, report::give_back};
use crate::{
    live::Topic,
    store::{agents, jobs, payers},
};

/// An agent begins. One of the same name is gone from now on; the leases it held end by themselves.
///
/// # Errors
/// [`Error::Invalid`] names the field.
pub async fn hello(core: &Core, hello: &Hello, now: Timestamp) -> Result<Welcome> {
    let info: &AgentInfo = &hello.agent;
    for (field, text) in [("agent.name", &info.name), ("agent.pool", &info.pool)] {
        if text.trim().is_empty() || text.len() > 80 || text.chars().any(char::is_control) {
            return Err(Error::invalid(field, "needs 1 to 80 characters"));
        }
    }
    if info.slots == 0 || info.slots > 256 {
        return Err(Error::invalid("agent.slots", "must be 1 to 256"));
    }
    let mut tx = core.store.begin(now).await?;
    payers::make_pool(&mut tx, &info.pool).await?;
    let id = AgentId::new(now, random());
    agents::insert(&mut tx, id, info).await?;
    let detail = json!({"name": info.name, "pool": info.pool, "slots": info.slots,
                        "version": info.version, "browser": info.browser});
    note(&mut tx, &Actor::Agent(id), "agent.hello", id, detail);
    tx.changed(Topic::Fleet);
    tx.commit().await?;
    Ok(Welcome {
        agent: id,
        lease_ttl_ms: core.rules.lease_ttl_ms,
        heartbeat_ms: core.rules.heartbeat_ms,
    })
}

/// Tells an agent with its next heartbeat to take no new leases, or to take some again.
///
/// # Errors
/// Conflict when it is gone or changed meanwhile.
pub async fn drain(
    core: &Core,
    asked: &Asked,
    id: AgentId,
    draining: bool,
    now: Timestamp,
) -> Result<()> {
    let mut tx = core.store.begin(now).await?;
    let agent = agents::lock(&mut tx, id).await?;
    asked.fits_as(agent.rev, &agent.state)?;
    let (state, act) =
        if draining { ("draining", "agent.drained") } else { ("accepting", "agent.resumed") };
    agents::set_state(&mut tx, id, state).await?;
    asked.note(&mut tx, act, id, json!({}));
    tx.changed(Topic::Fleet);
    tx.changed(Topic::Ready);
    tx.commit().await?;
    Ok(())
}

/// The agent ends. It says that it holds nothing any more; what it still holds goes back at once, or into doubt.
///
/// # Errors
/// [`Error::Store`].
pub async fn bye(core: &Core, id: AgentId, now: Timestamp) -> Result<()> {
    let actor = Actor::Agent(id);
    let mut tx = core.store.begin(now).await?;
    for held in jobs::held_by(&mut tx, id).await? {
        let mut job = jobs::lock(&mut tx, held.id).await?;
        if let JobState::Leased { lease, attempt, .. } = job.state.clone()
            && lease.agent == id
        {
            give_back(&mut tx, &mut job, attempt, &actor).await?;
        }
    }
    let agent = agents::get_in(&mut tx, id).await?;
    if agent.state != "gone" {
        agents::set_state(&mut tx, id, "gone").await?;
        note(&mut tx, &actor, "agent.bye", id, json!({"name": agent.info.name}));
        tx.changed(Topic::Fleet);
    }
    tx.commit().await?;
    Ok(())
}
