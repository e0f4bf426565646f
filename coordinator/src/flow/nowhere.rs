//! Jobs that no channel can take, and doubts that no channel can look after: a person is asked at once, and not any more when the
//! cause is gone. What passes by itself is waited for.

use std::collections::BTreeMap;

use domain::{
    channel::Channel,
    exception::ExceptionKind,
    fleet::Payer,
    id::JobId,
    job::{JobState, Task},
    outcome::{Failure, FailureKind},
    route::Nowhere,
    time::Timestamp,
};

use super::{
    Actor, Core, Result,
    change::{ask_person, withdraw},
    intake::reopen,
};
use crate::store::{
    agents, cases,
    exceptions::{self, Exception},
    jobs,
    payers::{self, Known},
};

const ROUTE: Actor = Actor::Duty("route");
/// A channel counts as worked while an agent that works it was heard within this time: an agent that is only being replaced is no
/// reason to ask anybody.
const HEARD_MS: i64 = 24 * 3_600_000;

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
    let mut failure = Failure::new(FailureKind::Unsure, "no_look", "");
    say.clone_into(&mut failure.say);
    ask_person(&mut tx, &mut job, None, ExceptionKind::InDoubt, failure, &ROUTE).await?;
    tx.commit().await?;
    Ok(true)
}

/// Jobs of a payer (of all, for an empty name) about which a person was asked because no channel could take them, and that one can
/// take now: the question is withdrawn, they are ready again.
pub(super) async fn taken(core: &Core, actor: &Actor, payer: &str, now: Timestamp) -> Result<()> {
    let filter = exceptions::Filter {
        state: "unanswered".to_owned(),
        payer: payer.to_owned(),
        kind: ExceptionKind::NotPermitted.word().to_owned(),
        ..exceptions::Filter::default()
    };
    let mut known: BTreeMap<String, (Payer, Vec<Channel>)> = BTreeMap::new();
    let mut after = String::new();
    loop {
        let page = exceptions::list(&core.store, &filter, &after, 500).await?;
        for waiting in page.items {
            if !known.contains_key(&waiting.payer) {
                let payer = payers::get(&core.store, &waiting.payer).await?;
                let worked = worked(core, &payer, now).await?;
                known.insert(waiting.payer.clone(), (payer.profile, worked));
            }
            let Some(at) = known.get(&waiting.payer) else { continue };
            take_back(core, actor, &waiting, at, now).await?;
        }
        match page.next {
            Some(next) => after = next,
            None => return Ok(()),
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
