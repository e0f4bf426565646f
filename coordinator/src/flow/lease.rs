//! The lease: which jobs an agent gets now, and why the others are not given. One function decides (`open_for`); the lease, the Fleet
//! page and the API all ask it.

mod open;
mod rules;
mod ways;
mod why;

pub use rules::RuleState;
pub use why::{ChannelStands, Stands, TaskStands, WhyBlocked, stands, why_blocked, why_not_leased};

pub(super) use open::no_permit_now;
use open::{Facts, Visit, facts_of, open_for};
pub(super) use rules::login_budget_spent;
pub(super) use why::goes_elsewhere;

use std::collections::{BTreeMap, BTreeSet};

use domain::{
    channel::{Channel, Partner},
    id::{AttemptId, LeaseId},
    job::{JobEvent, JobState, Task},
    lease::{Lease, Purpose},
    outcome::{Outcome, ReferenceKind},
    polite::{self, Breaker},
    request::Request,
    time::Timestamp,
    wire::{CONTROL_NUMBERS, LeaseAsk, Leased},
};

use super::{Core, Error, Result, change, random};
use crate::store::{
    Tx, agents,
    agents::Agent,
    attempts,
    attempts::Attempt,
    cases, channels, control, credentials,
    credentials::Credential,
    drift, fingerprints,
    fingerprints::Of,
    intents, jobs,
    jobs::{Doubts, Job, Ready},
    payers, references,
    references::Stored,
    scripts,
};

/// A job of a payer with a live portal session in a free slot counts as this much older: saves a login, starves nobody.
const WARM_BONUS_MS: i64 = 60_000;

/// A job picked for this ask.
struct Pick {
    job: Job,
    credential: Credential,
    purpose: Purpose,
    key: (u8, i64),
    channel: Channel,
    because: String,
}

/// Leases up to `ask.max` jobs to an agent. The same ask again gets the same leases, as far as they live.
///
/// # Errors
/// [`Error::Refused`] `agent-gone` when the agent must say hello again.
pub async fn lease_next(core: &Core, ask: &LeaseAsk, now: Timestamp) -> Result<Vec<Leased>> {
    let mut tx = core.store.begin(now).await?;
    let agent = agents::get_in(&mut tx, ask.agent).await?;
    if agent.state == "gone" {
        return Err(Error::refused(
            "agent-gone",
            "this agent has ended or was replaced; say hello",
        ));
    }
    let known = attempts::of_ask(&mut tx, ask.agent, &ask.ask).await?;
    if !known.is_empty() {
        let leases = again(core, &mut tx, known).await?;
        // Control numbers were taken: they are never given again.
        tx.commit().await?;
        return Ok(leases);
    }
    let alive_after = now.plus_ms(-core.rules.lease_ttl_ms);
    let picks = pick(&mut tx, &agent, ask, alive_after).await?;
    agents::set_kept(&mut tx, agent.id, &still_kept(&ask.warm, &picks)).await?;
    let mut leases = Vec::with_capacity(picks.len());
    let mut touched = BTreeSet::new();
    for pick in picks {
        touched.insert(pick.job.case);
        leases.push(give(core, &mut tx, &agent, pick, &ask.ask).await?);
    }
    for case in touched {
        change::refresh_case(&mut tx, case).await?;
    }
    agents::touch(&mut tx, agent.id).await?;
    if !leases.is_empty() {
        tx.changed(crate::live::Topic::Fleet);
    }
    tx.commit().await?;
    Ok(leases)
}

async fn again(core: &Core, tx: &mut Tx, known: Vec<Attempt>) -> Result<Vec<Leased>> {
    let mut leases = Vec::new();
    for attempt in known {
        let job = jobs::lock(tx, attempt.job).await?;
        match &job.state {
            JobState::Leased { lease, .. }
                if lease.id == attempt.lease && lease.expires_at > tx.now =>
            {
                let credential = credentials::get_in(tx, attempt.credential).await?;
                leases.push(leased(core, tx, &job, &attempt, &credential).await?);
            }
            _ => {}
        }
    }
    Ok(leases)
}

/// Kept sessions of this agent that remain idle once `picks` have been given to it.
fn still_kept(warm: &[String], picks: &[Pick]) -> BTreeMap<String, u32> {
    let mut kept: BTreeMap<String, u32> = BTreeMap::new();
    for payer in warm {
        *kept.entry(payer.clone()).or_default() += 1;
    }
    for pick in picks.iter().filter(|pick| pick.channel == Channel::Portal) {
        if let Some(sessions) = kept.get_mut(&pick.job.payer) {
            *sessions = sessions.saturating_sub(1);
        }
    }
    kept
}

async fn pick(
    tx: &mut Tx,
    agent: &Agent,
    ask: &LeaseAsk,
    alive_after: Timestamp,
) -> Result<Vec<Pick>> {
    let room = ask.max.min(agent.info.slots.saturating_sub(agent.busy));
    if agent.state != "accepting" || room == 0 {
        return Ok(Vec::new());
    }
    let pools = payers::pools_in(tx).await?;
    let live = scripts::live_all_in(tx).await?;
    let held = scripts::held_all_in(tx).await?;
    let mut picks = Vec::new();
    for payer in payers::all_in(tx).await? {
        if payer.pool != agent.info.pool {
            continue;
        }
        let id = payer.profile.id.clone();
        // A session kept by another agent is still signed in at the portal: it counts like one at work.
        let kept = agents::kept_elsewhere(tx, &id, agent.id, alive_after).await?;
        let taken = payer.sessions.saturating_add(kept);
        let free = payer.profile.limits.sessions_max.saturating_sub(taken).min(room);
        let starts = starts_left(tx, &payer).await?;
        let free = free.min(starts.0);
        let portal_only = payer.profile.is_portal_only();
        if free == 0 && portal_only {
            continue;
        }
        let facts = facts_of(tx, payer, &pools, (&live, &held)).await?;
        let facts = Facts { kept, ..facts };
        let warm = ask.warm.contains(&id);
        let of_payer = if portal_only {
            candidates(tx, &facts, warm, (free, starts.1)).await?
        } else {
            let worked = &agent.info.channels;
            let room = ways::Room { warm, portal: (free, starts.1), most: room, worked };
            ways::candidates(tx, &facts, &room).await?
        };
        picks.extend(within_accounts(of_payer, &facts));
    }
    // Doubts first: somebody waits to know, and the same request is locked until then. Then the oldest.
    picks.sort_by_key(|p| p.key);
    picks.truncate(usize::try_from(room).unwrap_or(usize::MAX));
    take_room(tx, &mut picks).await?;
    Ok(picks)
}

/// The picks without those for which their account has no portal session left.
fn within_accounts(mut picks: Vec<Pick>, facts: &Facts) -> Vec<Pick> {
    let Some(limit) = facts.payer.profile.pace.account_sessions else { return picks };
    let mut busy = facts.busy.clone();
    picks.retain(|pick| {
        let visits = busy.entry(pick.credential.id).or_default();
        let fits = pick.channel != Channel::Portal || *visits + facts.kept < limit;
        *visits += u32::from(fits);
        fits
    });
    picks
}

/// Takes a portal session or a call for every pick, and lets go of those there is no room for. In the order of payers, and then of
/// the series their control numbers come from, so that two coordinators never wait for each other in a circle.
async fn take_room(tx: &mut Tx, picks: &mut Vec<Pick>) -> Result<()> {
    let mut wanted: BTreeMap<(String, Channel), u32> = BTreeMap::new();
    for pick in picks.iter() {
        *wanted.entry((pick.job.payer.clone(), pick.channel)).or_default() += 1;
    }
    let mut series = BTreeSet::new();
    for ((payer, channel), count) in wanted {
        let taken = if channel == Channel::Portal {
            payers::take_sessions(tx, &payer, count).await?
        } else {
            let known = payers::find_in(tx, &payer).await?;
            let way = known.as_ref().and_then(|known| known.profile.way(channel));
            series.extend(way.and_then(|way| way.endpoint.x12.as_ref()).map(Partner::series));
            let most = way.map(|way| way.calls_max);
            channels::take(tx, &payer, channel, count, most.unwrap_or(0)).await?
        };
        if !taken {
            picks.retain(|p| p.job.payer != payer || p.channel != channel);
        }
    }
    for series in series {
        control::take(tx, &series, 0).await?;
    }
    Ok(())
}

/// A pick of a payer that has a portal alone.
fn by_portal(job: Job, credential: Credential, purpose: Purpose, key: (u8, i64)) -> Pick {
    let because = "the payer's only channel for this task".to_owned();
    Pick { job, credential, purpose, key, channel: Channel::Portal, because }
}

async fn candidates(
    tx: &mut Tx,
    facts: &Facts,
    warm: bool,
    (free, work): (u32, u32),
) -> Result<Vec<Pick>> {
    let payer = &facts.payer;
    let (now, id) = (tx.now, &payer.profile.id);
    let mut picks = Vec::new();
    let open = |work| -> BTreeMap<Task, &Credential> {
        let account = |t| open_for(facts, t, Visit { warm, work }, now).ok().map(|c| (t, c));
        Task::ALL.into_iter().filter(|t| work || t.commits()).filter_map(account).collect()
    };
    let may_look = open(false);
    let tasks: Vec<Task> = may_look.keys().copied().collect();
    if !tasks.is_empty() {
        let of = Doubts { tasks: &tasks, channel: Channel::Portal };
        for job in jobs::candidates_doubt(tx, id, &of, free).await? {
            let Some(credential) = may_look.get(&job.task) else { continue };
            let key = (0, job.ready_at.ms());
            let credential = (*credential).clone();
            picks.push(by_portal(job, credential, Purpose::Reconcile, key));
        }
    }
    let may_work = open(true);
    let tasks: Vec<Task> = may_work.keys().copied().collect();
    if !tasks.is_empty() {
        let of = Ready { tasks: &tasks, documents: None, held: false };
        for job in jobs::candidates_ready(tx, id, &of, free.min(work)).await? {
            let Some(credential) = may_work.get(&job.task) else { continue };
            let key = (1, job.ready_at.ms() - if warm { WARM_BONUS_MS } else { 0 });
            let credential = (*credential).clone();
            picks.push(by_portal(job, credential, Purpose::Work, key));
        }
    }
    picks.sort_by_key(|p| p.key);
    if polite::breaker(payer.downs, payer.rests_until, &payer.profile.pace, now) != Breaker::Closed
    {
        // One visit tries whether the portal works again, if there is a choice one that only reads.
        picks.sort_by_key(|p| p.purpose == Purpose::Work && p.job.task.commits());
        picks.truncate(1);
    }
    picks.truncate(usize::try_from(free).unwrap_or(usize::MAX));
    Ok(picks)
}

/// How many visits may begin now within the payer's minute, and how many of them for work: looks keep one for themselves.
async fn starts_left(tx: &mut Tx, payer: &payers::Known) -> Result<(u32, u32)> {
    let Some(limit) = payer.profile.pace.starts_per_minute else { return Ok((u32::MAX, u32::MAX)) };
    let since = tx.now.plus_ms(-polite::MINUTE_MS);
    let begun = attempts::started_since(tx, &payer.profile.id, since).await?.len();
    let begun = u32::try_from(begun).unwrap_or(u32::MAX);
    Ok((limit.saturating_sub(begun), polite::for_work(limit).saturating_sub(begun)))
}

async fn give(core: &Core, tx: &mut Tx, agent: &Agent, pick: Pick, ask: &str) -> Result<Leased> {
    let Pick { mut job, credential, purpose, channel, because, .. } = pick;
    let now = tx.now;
    job.fence += 1;
    job.attempts += 1;
    if purpose == Purpose::Work {
        job.tries += 1;
    }
    let attempt = Attempt {
        id: AttemptId::new(now, random()),
        job: job.id,
        // Not `attempts`: what is given back is taken off there, and no number is used twice.
        // The fence's lower half: a restore raises the upper one.
        number: u32::try_from(job.fence & 0xffff_ffff).unwrap_or(u32::MAX),
        purpose,
        state: domain::attempt::AttemptState::Running,
        lease: LeaseId::new(now, random()),
        fence: job.fence,
        agent: agent.id,
        credential: credential.id,
        script_sha256: job.script_sha256.clone(),
        started_at: now,
        ended_at: None,
        logins: 0,
        session_reused: false,
        channel,
        because,
    };
    let lease = Lease {
        id: attempt.lease,
        fence: job.fence,
        agent: agent.id,
        expires_at: now.plus_ms(core.rules.lease_ttl_ms),
        purpose,
    };
    attempts::insert(tx, &attempt, ask).await?;
    change::step(tx, &mut job, &JobEvent::Lease { lease, attempt: attempt.id }).await?;
    leased(core, tx, &job, &attempt, &credential).await
}

async fn leased(
    core: &Core,
    tx: &mut Tx,
    job: &Job,
    attempt: &Attempt,
    credential: &Credential,
) -> Result<Leased> {
    let payer = payers::find_in(tx, &job.payer)
        .await?
        .ok_or(crate::store::Error::NotFound("payer"))?
        .profile;
    let (_, request) = cases::opened_in(tx, job.case).await?;
    let numbers = references::of_case_in(tx, job.case).await?;
    let last = last_answer(tx, job).await?;
    let of = Of { payer: &job.payer, script_sha256: &attempt.script_sha256 };
    let prints = fingerprints::of_script_in(tx, of).await?;
    let fetch_allowed = drift::fetch_allowed_in(tx, &attempt.script_sha256).await?;
    let intent_opened_at = match (attempt.purpose, job.state.intent()) {
        (Purpose::Reconcile, Some(intent)) => Some(intents::get_in(tx, intent).await?.opened_at),
        _ => None,
    };
    let mut inputs = inputs(job, &request, &numbers)?;
    if attempt.purpose == Purpose::Reconcile
        && let Some(known) = known_record(tx, job).await?
        && let Some(fields) = inputs.as_object_mut()
    {
        fields.insert("known".to_owned(), known);
    }
    let endpoint = payer.way(attempt.channel).map(|way| way.endpoint.clone());
    let control = match endpoint.as_ref().and_then(|endpoint| endpoint.x12.as_ref()) {
        Some(partner) => control::take(tx, &partner.series(), CONTROL_NUMBERS).await?,
        None => None,
    };
    Ok(Leased {
        lease: attempt.lease,
        fence: attempt.fence,
        ttl_ms: core.rules.lease_ttl_ms,
        purpose: attempt.purpose,
        job: job.id,
        case: job.case,
        attempt: attempt.id,
        attempt_number: attempt.number,
        script: format!("{}/{}", job.payer, job.task.word()),
        script_sha256: attempt.script_sha256.clone(),
        inputs,
        limits: payer.limits,
        secrets: credential.aliases.clone(),
        login_origins: payer.login_origins,
        account: credential.account.clone(),
        payer: job.payer.clone(),
        task: job.task,
        intent_opened_at,
        last,
        fetch_allowed,
        spool_key: Some(tx.seal.spool_key(&attempt.lease.to_string())),
        permit_key: Some(tx.seal.permit_key()),
        prints,
        channel: attempt.channel,
        endpoint,
        control,
    })
}

/// What the newest finished job of the same task of the case answered; none for tasks that change something.
async fn last_answer(tx: &mut Tx, job: &Job) -> Result<Option<Outcome>> {
    if job.task.commits() {
        return Ok(None);
    }
    let known = jobs::of_case_in(tx, job.case).await?;
    let same = known.into_iter().filter(|other| other.task == job.task);
    let newest = same.max_by_key(|other| other.ended_at);
    Ok(newest.and_then(|other| match other.state {
        JobState::Done { outcome } => Some(outcome),
        _ => None,
    }))
}

/// The request with `reference` (status tasks) and `submission`.
fn inputs(job: &Job, request: &Request, numbers: &[Stored]) -> Result<serde_json::Value> {
    let mut inputs =
        serde_json::to_value(request).map_err(|e| crate::store::Error::Database(e.to_string()))?;
    if let Some(fields) = inputs.as_object_mut() {
        let asked = match request {
            Request::AuthStatus(r) => Some(r.number.clone()),
            Request::ClaimStatus(r) => r.number.clone(),
            Request::Letter(r) => Some(r.number.clone()),
            Request::PriorAuth(_) | Request::Eligibility(_) | Request::Precheck(_) => None,
        };
        if let Some(number) = asked.or_else(|| newest_number(numbers)) {
            fields.insert("reference".to_owned(), number.into());
        }
        fields.insert("submission".to_owned(), our_reference(job).into());
    }
    Ok(inputs)
}

/// A record that the payer is known to have, of another case: a search that does not show it does not work.
async fn known_record(tx: &mut Tx, job: &Job) -> Result<Option<serde_json::Value>> {
    let newest = references::newest_proved(tx, &job.payer, job.case).await?;
    let Some((case, number)) = newest else { return Ok(None) };
    let (_, Request::PriorAuth(request)) = cases::opened_in(tx, case).await? else {
        return Ok(None);
    };
    let Some((first, last)) = request.lines.first().zip(request.lines.last()) else {
        return Ok(None);
    };
    let member = &request.member;
    Ok(Some(serde_json::json!({
        "number": number.reference.value, "code": first.code, "from": first.from, "to": last.to,
        "member": {"id": member.id, "last_name": member.last_name, "first_name": member.first_name, "dob": member.dob},
    })))
}

/// Our own short reference for the payer's "provider reference" field: the end of the job's id, the same in every attempt.
fn our_reference(job: &Job) -> String {
    let id = job.id.to_string();
    format!("F{}", &id[id.len() - 11..])
}

/// The number to ask for a status with: the newest authorization number, else the newest number of the request as received.
pub(super) fn newest_number(numbers: &[Stored]) -> Option<String> {
    let newest =
        |kinds: &[ReferenceKind]| numbers.iter().rev().find(|n| kinds.contains(&n.reference.kind));
    newest(&[ReferenceKind::Authorization])
        .or_else(|| newest(&[ReferenceKind::Tracking, ReferenceKind::Pend, ReferenceKind::Case]))
        .or_else(|| numbers.last())
        .map(|n| n.reference.value.clone())
}
