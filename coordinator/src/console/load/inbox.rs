//! The Inbox from the store.

use std::collections::BTreeMap;

use domain::{
    evidence::EvidenceKind,
    exception::ExceptionState,
    id::{ExceptionId, UserId},
    step::{Act, Step},
};

use super::{case::attempt_line, payer_name, payer_names, person_names, pixels};
use crate::{
    App,
    console::{
        inbox::{Detail, Inbox, Row, Tab},
        parts::Picture,
    },
    store::{
        self, agents,
        attempts::{self, Attempt},
        evidence, exceptions,
        exceptions::{Exception, Filter},
        intents, jobs, steps,
    },
};

/// The query string of the page.
#[derive(Debug, Clone, Default, serde::Deserialize)]
#[serde(default)]
pub struct Query {
    /// Tab's word.
    pub tab: String,
    /// Payer id.
    pub payer: String,
    /// Kind's word.
    pub kind: String,
    /// Queue.
    pub queue: String,
    /// Continue below this exception.
    pub after: String,
}

fn person_of(state: &ExceptionState) -> Option<UserId> {
    match state {
        ExceptionState::Claimed { by, .. } | ExceptionState::Resolved { by, .. } => Some(*by),
        ExceptionState::Seconding { first, .. } => Some(*first),
        ExceptionState::Open | ExceptionState::Withdrawn => None,
    }
}

/// Whether the reader holds it, or nobody does and it is for the reader.
fn is_of(e: &Exception, reader: UserId) -> bool {
    let holder = person_of(&e.state);
    holder == Some(reader) || holder.is_none() && e.owner == Some(reader)
}

/// The page; `chosen` is the question named by the address.
///
/// # Errors
/// The database cannot be read, or there is no such exception.
pub async fn load(
    app: &App,
    query: &Query,
    reader: UserId,
    chosen: Option<ExceptionId>,
) -> Result<Inbox, store::Error> {
    let store = app.store();
    let tab = Tab::from_word(&query.tab);
    let (names, people) = (payer_names(store).await?, person_names(store).await?);
    let filter = |state: &str| Filter {
        state: state.to_owned(),
        payer: query.payer.clone(),
        kind: query.kind.clone(),
        queue: query.queue.clone(),
        ..Filter::default()
    };
    // What waits longest stands first; 200 open questions at once are more than a page can help with.
    let mut open = exceptions::list(store, &filter("unanswered"), "", 200).await?.items;
    open.reverse();
    let mine: Vec<Exception> = open.iter().filter(|e| is_of(e, reader)).cloned().collect();
    let counts =
        [(Tab::Open, Some(open.len())), (Tab::Mine, Some(mine.len())), (Tab::Resolved, None)];
    let (items, next) = match tab {
        Tab::Open => (open, None),
        Tab::Mine => (mine, None),
        Tab::Resolved => {
            let page = exceptions::list(store, &filter("resolved"), &query.after, 50).await?;
            (page.items, page.next)
        }
    };
    let chosen_or_first = chosen.or_else(|| items.first().map(|e| e.id));
    let detail = match chosen_or_first {
        Some(id) => Some(detail(app, id, reader, &names, &people).await?),
        None => None,
    };
    let mut queues = exceptions::queues(store).await?;
    // What is filtered by is shown, also when nothing stands there yet.
    if !query.queue.is_empty() && !queues.contains(&query.queue) {
        queues.push(query.queue.clone());
    }
    let slots_busy = agents::all(store, false).await?.iter().map(|a| a.busy).sum();
    Ok(Inbox {
        tab,
        counts,
        payer: query.payer.clone(),
        kind: query.kind.clone(),
        queue: query.queue.clone(),
        queues,
        rows: items.iter().map(|e| row(e, &names, &people)).collect(),
        payers: names.into_iter().collect(),
        next: next.map(|after| {
            let (payer, kind, queue) = (&query.payer, &query.kind, &query.queue);
            format!("tab=resolved&payer={payer}&kind={kind}&queue={queue}&after={after}")
        }),
        detail,
        chosen: chosen.is_some(),
        slots_busy,
    })
}

fn row(e: &Exception, names: &BTreeMap<String, String>, people: &BTreeMap<String, String>) -> Row {
    Row {
        id: e.id,
        kind: e.kind,
        payer: payer_name(names, &e.payer),
        case: e.case,
        sentence: e.failure.say.clone(),
        opened_at: e.opened_at,
        state: e.state.clone(),
        person: person_of(&e.state).and_then(|p| people.get(&p.to_string()).cloned()),
        owner: e.owner.and_then(|p| people.get(&p.to_string()).cloned()),
    }
}

/// One question.
async fn detail(
    app: &App,
    id: ExceptionId,
    reader: UserId,
    names: &BTreeMap<String, String>,
    people: &BTreeMap<String, String>,
) -> Result<Detail, store::Error> {
    let store = app.store();
    let e = exceptions::get(store, id).await?;
    let job = jobs::get(store, e.job).await?;
    let agents: BTreeMap<_, _> =
        agents::all(store, true).await?.into_iter().map(|a| (a.id, a.info.name)).collect();
    let tried = attempts::of_job(store, e.job).await?;
    let candidates = match e.intent {
        Some(intent) => intents::candidates(store, intent).await?,
        None => Vec::new(),
    };
    Ok(Detail {
        id: e.id,
        kind: e.kind,
        question: e.kind.question().to_owned(),
        revision: e.rev,
        opened_at: e.opened_at,
        answer_by: e.live.as_ref().map(|live| live.until),
        reader,
        person: person_of(&e.state).and_then(|p| people.get(&p.to_string()).cloned()),
        state: e.state.clone(),
        case: e.case,
        job: e.job,
        task: job.task,
        payer: payer_name(names, &e.payer),
        attempt: e.attempt,
        picture: picture(app, &e, &tried).await?,
        failure: Some(e.failure),
        tried: tried.iter().rev().map(|a| attempt_line(a, &agents)).collect(),
        intent_open: job.state.intent().is_some(),
        candidates,
        refused: None,
        typed: Vec::new(),
    })
}

/// The last picture of the attempt that asked, or of the newest earlier attempt that has one; marked when the pointer met the
/// page in that very picture.
async fn picture(
    app: &App,
    e: &Exception,
    tried: &[Attempt],
) -> Result<Option<Picture>, store::Error> {
    let earlier = tried.iter().rev().map(|a| a.id).filter(|id| Some(*id) != e.attempt);
    for attempt in e.attempt.into_iter().chain(earlier) {
        let items = evidence::of_attempt(app.store(), attempt).await?;
        let pictures = items
            .iter()
            .filter(|i| matches!(i.kind, EvidenceKind::Screenshot | EvidenceKind::FullPage));
        let Some(last) = pictures.max_by_key(|i| (i.received_at, i.id)) else { continue };
        let steps = steps::of_attempt(app.store(), attempt).await?;
        let act = act_in(&steps, last.id);
        return Ok(Some(Picture {
            id: last.id,
            alt: format!("The portal in step {}", last.step + 1),
            pixels: pixels(app, std::iter::once(last)).await.get(&last.id).copied(),
            click: act.filter(|_| last.kind == EvidenceKind::Screenshot).and_then(|a| a.click),
            lit: None,
        }));
    }
    Ok(None)
}

fn act_in(steps: &[Step], picture: domain::id::EvidenceId) -> Option<&Act> {
    steps.iter().flat_map(|s| &s.acts).find(|a| a.picture == Some(picture))
}
