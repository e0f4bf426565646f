//! The Fleet page from the store and from the same function that leases.

use std::collections::BTreeMap;

use domain::{channel::Channel, fleet::Blocked, time::Timestamp};

use super::payer_name;
use crate::{
    App,
    console::fleet::{AgentView, Fleet, PayerView, PoolView, Pulse, Waiting, payer::PayerPage},
    flow::{
        self,
        lease::{WhyBlocked, stands, why_blocked},
    },
    store::{
        Store,
        agents::{self, Agent},
        attempts, audit, channels, credentials, exceptions, jobs,
        payers::{self, Known},
        proposals, scripts, state,
        work::{Ready, logins_since, ready},
    },
};

/// Gone agents are shown this long, milliseconds.
const GONE_SHOWN_MS: i64 = 60 * 60_000;

/// The page.
///
/// # Errors
/// The database cannot be read.
pub async fn load(app: &App) -> Result<Fleet, flow::Error> {
    let (store, now) = (app.store(), app.now());
    let waiting = ready(store, now).await?;
    let known = payers::all(store).await?;
    let names: BTreeMap<String, String> =
        known.iter().map(|p| (p.profile.id.clone(), p.profile.name.clone())).collect();
    let counted = jobs::counts(store).await?;
    let count = counter(&counted);
    let held = why_blocked(&app.core, now).await?;
    let blocked = waiting.iter().filter_map(|w| {
        let why = held.iter().find(|h| h.payer == w.payer && h.task == w.task)?;
        Some(Waiting {
            payer: payer_name(&names, &w.payer),
            task: w.task,
            count: w.jobs,
            oldest: w.oldest,
            why: why.blocked.clone(),
        })
    });
    let blocked = blocked.collect();
    let concerns = asked_for(&held, &waiting);
    Ok(Fleet {
        ready: waiting.iter().map(|w| w.jobs).sum(),
        resting: count(None, "resting"),
        waiting: count(None, "waiting"),
        in_doubt: count(None, "in_doubt"),
        oldest_ready: waiting.iter().map(|w| w.oldest).min(),
        pools: pools(app, now).await?,
        payers: payer_views(app, known, &concerns, &count).await?,
        blocked,
        quarantine: state::quarantine(store).await?.map(|q| (q.since, q.reason)),
    })
}

async fn pools(app: &App, now: Timestamp) -> Result<Vec<PoolView>, flow::Error> {
    let store = app.store();
    let running = attempts::Filter { state: "running".to_owned(), ..Default::default() };
    let running = attempts::list(store, &running, "", 1_000).await?.items;
    let mut case_of = BTreeMap::new();
    for a in &running {
        case_of.insert(a.id, jobs::get(store, a.job).await?.case);
    }
    let mut views = Vec::new();
    let all = agents::all(store, true).await?;
    for pool in payers::pools(store).await? {
        let here = all.iter().filter(|a| a.info.pool == pool.id);
        let agents = here
            .filter(|a| a.state != "gone" || now.since_ms(a.seen_at) < GONE_SHOWN_MS)
            .map(|a| AgentView {
                id: a.id,
                name: a.info.name.clone(),
                version: a.info.version.clone(),
                browser: a.info.browser.clone(),
                slots: a.info.slots,
                working: running
                    .iter()
                    .filter(|r| r.agent == a.id)
                    .filter_map(|r| Some((r.id, *case_of.get(&r.id)?)))
                    .collect(),
                seen_at: a.seen_at,
                pulse: pulse(a, &app.core.rules, now),
                browser_ok: a.browser_ok,
                memory_mib: a.memory_mib,
                draining: a.state == "draining",
            })
            .collect();
        views.push(PoolView { name: pool.id, paused: pool.paused_reason, agents });
    }
    Ok(views)
}

fn pulse(a: &Agent, rules: &flow::Rules, now: Timestamp) -> Pulse {
    let silent = now.since_ms(a.seen_at);
    if a.state == "gone" || silent > rules.lease_ttl_ms {
        Pulse::Dead
    } else if silent > rules.heartbeat_ms * 2 {
        Pulse::Late
    } else {
        Pulse::Well
    }
}

/// What concerns somebody: a portal that has no page for a task needs no script for it, but where a job waits for one.
fn asked_for<'h>(held: &'h [WhyBlocked], waiting: &[Ready]) -> Vec<&'h WhyBlocked> {
    let waits = |h: &WhyBlocked| waiting.iter().any(|w| w.payer == h.payer && w.task == h.task);
    held.iter().filter(|h| !matches!(h.blocked, Blocked::NoScript) || waits(h)).collect()
}

/// How many jobs of a payer (of all) are in a state.
fn counter(counted: &[(String, String, i64)]) -> impl Fn(Option<&str>, &str) -> u64 {
    move |payer, state| {
        let of = |p: &str, s: &str| s == state && payer.is_none_or(|want| want == p);
        let sum: i64 = counted.iter().filter(|(p, s, _)| of(p, s)).map(|(_, _, n)| *n).sum();
        u64::try_from(sum).unwrap_or(0)
    }
}

/// One payer's own page.
///
/// # Errors
/// Not found; the database cannot be read.
pub async fn payer(app: &App, id: &str) -> Result<PayerPage, flow::Error> {
    let (store, now) = (app.store(), app.now());
    let known = payers::get(store, id).await?;
    let pool = known.pool.clone();
    let mut rests = channels::of_payer(store, id).await?;
    let rest = channels::Known { rests_until: known.rests_until, ..Default::default() };
    rests.insert(Channel::Portal, rest);
    let counted = jobs::counts(store).await?;
    let count = counter(&counted);
    let stands = stands(&app.core, id, now).await?;
    let held: Vec<_> = stands.tasks.iter().cloned().filter_map(|task| task.why(id)).collect();
    let waiting = ready(store, now).await?;
    let mut views = payer_views(app, vec![known], &asked_for(&held, &waiting), &count).await?;
    let view = views.pop().ok_or(crate::store::Error::NotFound("payer"))?;
    Ok(PayerPage {
        view,
        pool,
        stands,
        register: flow::payers::register(&app.core, Some(id), now).await?,
        left_alone: left_alone(store, id, &rests, now).await?,
    })
}

/// Channels that asked to be left alone (`Retry-After`) for a time that is not over, by what was written down of it: those that
/// still rest so long.
async fn left_alone(
    store: &Store,
    payer: &str,
    rests: &BTreeMap<Channel, channels::Known>,
    now: Timestamp,
) -> Result<Vec<(Channel, Timestamp)>, flow::Error> {
    let filter = audit::Filter {
        subject: payer.to_owned(),
        act: "payer.retry_after".to_owned(),
        ..audit::Filter::default()
    };
    let mut asked: BTreeMap<Channel, Timestamp> = BTreeMap::new();
    for entry in audit::list(store, &filter, None, 20).await?.items {
        let channel = entry.detail["channel"].as_str().and_then(Channel::from_word);
        let until = entry.detail["until"].as_str().and_then(|at| Timestamp::parse(at).ok());
        let rests = |channel, until| {
            rests.get(&channel).and_then(|own| own.rests_until).is_some_and(|own| own >= until)
        };
        if let Some((channel, until)) = channel.zip(until)
            && until > now
            && rests(channel, until)
        {
            asked.entry(channel).and_modify(|known| *known = until.max(*known)).or_insert(until);
        }
    }
    Ok(asked.into_iter().collect())
}

async fn payer_views(
    app: &App,
    known: Vec<Known>,
    held: &[&WhyBlocked],
    count: &impl Fn(Option<&str>, &str) -> u64,
) -> Result<Vec<PayerView>, flow::Error> {
    let store = app.store();
    let logins = logins_since(store, app.now().plus_ms(-3_600_000)).await?;
    let accounts = credentials::all(store).await?;
    let live: Vec<scripts::Script> =
        scripts::list(store).await?.into_iter().filter(|s| s.state == "live").collect();
    let mut views = Vec::new();
    for p in known {
        let id = p.profile.id.clone();
        // Only what concerns the payer as a whole; a full pool or a busy limit is not its state.
        let held = held.iter().find(|h| h.payer == id && of_payer(&h.blocked));
        let idle = (!live.iter().any(|s| s.payer == id)).then_some(Blocked::NoScript);
        views.push(PayerView {
            paused: p.paused_reason.clone(),
            held: held.map(|h| h.blocked.clone()).or(idle),
            working: count(Some(&id), "leased"),
            ready: count(Some(&id), "ready"),
            exceptions: unanswered(store, &id).await?,
            logins_last_hour: logins.iter().find(|(l, _)| *l == id).map_or(0, |(_, n)| *n),
            credential: accounts.iter().any(|c| c.payer == id),
            refused: accounts
                .iter()
                .filter(|c| c.payer == id)
                .filter_map(|c| Some((c.account.clone(), c.refused_at?)))
                .collect(),
            scripts: live
                .iter()
                .filter(|s| s.payer == id)
                .map(|s| (s.task.word().to_owned(), s.sha256.clone()))
                .collect(),
            rules: stands(&app.core, &id, app.now()).await?.rules,
            proposals: proposals::of_payer(store, &id).await?,
            accounts: accounts
                .iter()
                .filter(|c| c.payer == id)
                .map(|c| (c.account.clone(), c.identity.clone(), c.owner.clone()))
                .collect(),
            payer: p.profile,
        });
    }
    Ok(views)
}

fn of_payer(why: &Blocked) -> bool {
    match why {
        Blocked::NotPermitted { .. }
        | Blocked::LoginBudget { .. }
        | Blocked::AccountRefused
        | Blocked::PortalDown { .. }
        | Blocked::ChannelDown { .. }
        | Blocked::Slow { .. }
        | Blocked::Documents
        | Blocked::NotDescribed
        | Blocked::NotWorked
        | Blocked::Probing
        | Blocked::Closed { .. }
        | Blocked::LockoutBudget { .. }
        | Blocked::Quarantine { .. }
        | Blocked::NoScript
        | Blocked::ScriptHeld { .. }
        | Blocked::NoIdentity
        | Blocked::NoCredential => true,
        Blocked::PayerPaused { .. }
        | Blocked::PoolPaused { .. }
        | Blocked::SessionLimit { .. }
        | Blocked::TooManyStarts { .. }
        | Blocked::NoAgent
        | Blocked::NoFreeSlot => false,
    }
}

async fn unanswered(store: &Store, payer: &str) -> Result<u64, flow::Error> {
    let filter = exceptions::Filter {
        state: "unanswered".to_owned(),
        payer: payer.to_owned(),
        ..Default::default()
    };
    Ok(exceptions::list(store, &filter, "", 500).await?.items.len() as u64)
}
