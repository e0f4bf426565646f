//! Jobs that no channel can take, and doubts that no channel can look after: a person is asked at once, and not any more when the
//! cause is gone. What passes by itself is waited for.

use std::collections::BTreeMap;

use domain::{
    channel::Channel,
    exception::ExceptionKind,
    fleet::Payer,
    id::{IntentId, JobId},
    job::{JobState, Task},
    outcome::{Failure, FailureKind},
    route::Nowhere,
    time::Timestamp,
};

use super::{
    Actor, Core, Result,
    change::{ask_person, withdraw},
    intake::reopen,
    settle::look_again,
};
use crate::store::{
    agents, attempts, cases,
    exceptions::{self, Exception},
    intents, jobs,
    payers::{self, Known},
};

const ROUTE: Actor = Actor::Duty("route");
/// A channel counts as worked while an agent that works it was heard within this time: an agent that is only being replaced is no
/// reason to ask anybody.
const HEARD_MS: i64 = 24 * 3_600_000;
/// Name of the question about a doubt that nobody can look after.
const NO_LOOK: &str = "no_look";

/// Asks about every job that nobody can take and every doubt that nobody can look after, and asks no more about those that somebody
/// can; how many were asked about.
///
/// # Errors
/// [`super::Error::Store`].
pub async fn route(core: &Core, now: Timestamp) -> Result<usize> {
    let mut asked = 0;
    let doubts = jobs::doubts(&core.store).await?;
    for payer in payers::all(&core.store).await? {
        let profile = &payer.profile;
        let worked = worked(core, &payer, now).await?;
        for (task, documents) in Task::ALL.iter().flat_map(|t| [(*t, false), (*t, true)]) {
            let Err(nowhere) = profile.takes((task, documents), &worked, now) else { continue };
            for id in jobs::unleased(&core.store, &profile.id, task, documents).await? {
                asked += usize::from(ask(core, id, profile, &nowhere, now).await?);
            }
        }
        for doubt in doubts.iter().filter(|doubt| doubt.payer == profile.id) {
            let looks = profile.looks(doubt.task, doubt.began_on, &worked, now);
            let Err(blocked) = looks else { continue };
            let say = format!(
                "It was sent by {}, and only there it can be looked for: {}.",
                doubt.began_on.say(),
                blocked.say()
            );
            for id in doubt.jobs(&core.store).await? {
                asked += usize::from(ask_about_doubt(core, id, &say, now).await?);
            }
        }
    }
    taken(core, &ROUTE, "", now).await?;
    Ok(asked)
}

/// Channels beside which a payer's jobs would wait in vain. Nothing is asked of the database for a portal alone.
async fn worked(core: &Core, payer: &Known, now: Timestamp) -> Result<Vec<Channel>> {
    if payer.profile.is_portal_only() {
        return Ok(Channel::ALL.to_vec());
    }
    Ok(agents::worked_since(&core.store, &payer.pool, now.plus_ms(-HEARD_MS)).await?)
}

/// Asks about a job that is still ready; false when it is not.
async fn ask(
    core: &Core,
    id: JobId,
    payer: &Payer,
    nowhere: &Nowhere,
    now: Timestamp,
) -> Result<bool> {
    let mut tx = core.store.begin(now).await?;
    let mut job = jobs::lock(&mut tx, id).await?;
    if !matches!(job.state, JobState::Ready) {
        return Ok(false);
    }
    let name = if nowhere.is_permission() { "not_permitted" } else { "no_channel" };
    let mut failure = Failure::new(FailureKind::Refused, name, "");
    failure.say = format!("{}: {}.", payer.name, nowhere.say());
    ask_person(&mut tx, &mut job, None, ExceptionKind::NotPermitted, failure, &ROUTE).await?;
    tx.commit().await?;
    Ok(true)
}

/// Asks about a doubt that is not being looked after; false when it is settled or somebody looks.
async fn ask_about_doubt(core: &Core, id: JobId, say: &str, now: Timestamp) -> Result<bool> {
    let mut tx = core.store.begin(now).await?;
    let mut job = jobs::lock(&mut tx, id).await?;
    if !matches!(job.state, JobState::InDoubt { .. }) {
        return Ok(false);
    }
    let mut failure = Failure::new(FailureKind::Unsure, NO_LOOK, "");
    say.clone_into(&mut failure.say);
    ask_person(&mut tx, &mut job, None, ExceptionKind::InDoubt, failure, &ROUTE).await?;
    tx.commit().await?;
    Ok(true)
}

/// Takes back what [`route`] asked about a payer's jobs (everybody's, for an empty name) where its cause is gone: a job that a
/// channel can take now is ready again, a doubt that one can look after is looked after.
pub(super) async fn taken(core: &Core, actor: &Actor, payer: &str, now: Timestamp) -> Result<()> {
    let mut known: BTreeMap<String, (Payer, Vec<Channel>)> = BTreeMap::new();
    for kind in [ExceptionKind::NotPermitted, ExceptionKind::InDoubt] {
        for waiting in unanswered(core, payer, kind).await? {
            if kind == ExceptionKind::InDoubt && waiting.failure.name != NO_LOOK {
                continue;
            }
            if !known.contains_key(&waiting.payer) {
                let payer = payers::get(&core.store, &waiting.payer).await?;
                let worked = worked(core, &payer, now).await?;
                known.insert(waiting.payer.clone(), (payer.profile, worked));
            }
            let Some(at) = known.get(&waiting.payer) else { continue };
            match waiting.intent {
                None => take_back(core, actor, &waiting, at, now).await?,
                Some(intent) => look_after(core, actor, (&waiting, intent), at, now).await?,
            }
        }
    }
    Ok(())
}

/// Questions of a kind that wait for a person.
async fn unanswered(core: &Core, payer: &str, kind: ExceptionKind) -> Result<Vec<Exception>> {
    let filter = exceptions::Filter {
        state: "unanswered".to_owned(),
        payer: payer.to_owned(),
        kind: kind.word().to_owned(),
        ..exceptions::Filter::default()
    };
    let (mut all, mut after) = (Vec::new(), String::new());
    loop {
        let page = exceptions::list(&core.store, &filter, &after, 500).await?;
        all.extend(page.items);
        match page.next {
            Some(next) => after = next,
            None => return Ok(all),
        }
    }
}

async fn take_back(
    core: &Core,
    actor: &Actor,
    waiting: &Exception,
    (payer, worked): &(Payer, Vec<Channel>),
    now: Timestamp,
) -> Result<()> {
    // Without a lock first: mostly nothing has changed.
    let task = jobs::get(&core.store, waiting.job).await?.task;
    if [false, true].iter().all(|with| payer.takes((task, *with), worked, now).is_err()) {
        return Ok(());
    }
    let mut tx = core.store.begin(now).await?;
    let mut job = jobs::lock(&mut tx, waiting.job).await?;
    let waits = matches!(job.state, JobState::Waiting { exception, .. } if exception == waiting.id);
    let documents = cases::has_documents(&mut tx, job.case).await?;
    if waits && payer.takes((task, documents), worked, now).is_ok() {
        withdraw(&mut tx, waiting.id, actor).await?;
        reopen(&mut tx, &mut job).await?;
        tx.commit().await?;
    }
    Ok(())
}

/// A doubt that its channel can look after again is looked after again.
async fn look_after(
    core: &Core,
    actor: &Actor,
    (waiting, intent): (&Exception, IntentId),
    (payer, worked): &(Payer, Vec<Channel>),
    now: Timestamp,
) -> Result<()> {
    let mut tx = core.store.begin(now).await?;
    let mut job = jobs::lock(&mut tx, waiting.job).await?;
    let open = intents::get_in(&mut tx, intent).await?;
    let began_on = attempts::get_in(&mut tx, open.attempt).await?.channel;
    let waits = matches!(job.state, JobState::Waiting { exception, intent: Some(of) }
        if exception == waiting.id && of == intent);
    if waits && payer.looks(job.task, began_on, worked, now).is_ok() {
        withdraw(&mut tx, waiting.id, actor).await?;
        look_again(&mut tx, &mut job).await?;
        tx.commit().await?;
    }
    Ok(())
}
