//! Intake: a request becomes a case with its first job, in one transaction; documents before it; further jobs for a case after it.

use std::borrow::Cow;

use domain::{
    case::CaseStatus,
    exception::ExceptionKind,
    id::{CaseId, DocumentId, JobId},
    job::{JobEvent, JobState, Task},
    outcome::{Failure, FailureKind},
    request::{Document, Request},
    time::Timestamp,
};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{
    Actor, Asked, Core, DUPLICATE, Error, NOT_ALLOWED, Result,
    change::{Once, ask_person, note, recall, refresh_case, remember},
    permit::resembles,
    random,
};
use crate::{
    fault,
    live::Topic,
    seal::Index,
    store::{
        Tx, cases, cases::Case, documents, exchanges, exchanges::Spoken, jobs, jobs::NewJob,
        payers, references, scripts,
    },
};

/// What comes in.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Intake {
    /// Payer id.
    pub payer: String,
    /// What is asked.
    pub request: Request,
    /// A person's reason for ordering the same request again although it was submitted before.
    #[serde(default)]
    pub again: Option<String>,
    /// The request as it came in a standard format, whose answer repeats words of it.
    #[serde(skip)]
    pub spoken: Option<Spoken>,
}

/// What it became.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Taken {
    /// The case.
    pub case: CaseId,
    /// Its first job.
    pub job: JobId,
}

/// Takes a request in. A prior authorization whose twin (same request hash) is under way or submitted is refused with the first
/// case's id, unless a person orders it again.
///
/// # Errors
/// [`Error::Invalid`] names the field; [`Error::Refused`] `duplicate`.
pub async fn take_in(
    core: &Core,
    actor: &Actor,
    intake: &Intake,
    once: Option<&Once>,
    now: Timestamp,
) -> Result<Taken> {
    let mut tx = core.store.begin(now).await?;
    if let Some(taken) = recall(&mut tx, once).await? {
        return Ok(taken);
    }
    check(&mut tx, intake).await?;
    let task = intake.request.task();
    let script = live_script(&mut tx, &intake.payer, task, "request.kind").await?;
    let dedup_key = keyed(&intake.request)
        .dedup_material(&intake.payer)
        .map(|material| tx.seal.index(Index::Dedup, &material));
    let round = round(&mut tx, dedup_key.as_deref(), intake.again.as_deref()).await?;

    let case = Case {
        id: CaseId::new(now, random()),
        kind: intake.request.kind().to_owned(),
        payer: intake.payer.clone(),
        status: CaseStatus::Received,
        dedup_key,
        round,
        created_by: actor.to_string(),
        created_at: now,
        updated_at: now,
        rev: 0,
    };
    cases::insert(&mut tx, &case, &intake.request).await?;
    if let Some(spoken) = &intake.spoken {
        exchanges::insert(&mut tx, case.id, spoken).await?;
    }
    let job = new_job(&mut tx, core, &case, task, script, actor).await?;
    let taken = Taken { case: case.id, job };
    if let Some(because) = resembles(&mut tx, &case, &intake.request).await? {
        let mut failure = Failure::new(FailureKind::Refused, "possible_duplicate", "");
        failure.say = format!("Nearly the same request is with the payer already: {because}.");
        let mut job = jobs::lock(&mut tx, job).await?;
        let kind = ExceptionKind::PossibleDuplicate;
        ask_person(&mut tx, &mut job, None, kind, failure, actor).await?;
    }
    note(
        &mut tx,
        actor,
        "case.received",
        case.id,
        json!({"kind": case.kind, "payer": case.payer, "round": round, "reason": intake.again,
               "standard": intake.spoken.as_ref().map(|s| s.standard)}),
    );
    remember(&mut tx, once, &taken).await?;
    tx.commit().await?;
    Ok(taken)
}

async fn check(tx: &mut Tx, intake: &Intake) -> Result<()> {
    if payers::find_in(tx, &intake.payer).await?.is_none() {
        return Err(Error::invalid(
            "payer",
            "is not a payer of this fleet; see the list of payers",
        ));
    }
    if let Err(faults) = intake.request.check() {
        let mut faults = faults.into_iter();
        let first = faults.next();
        let (field, mut reason) = first.map_or_else(
            || ("request".to_owned(), "cannot be worked".to_owned()),
            |f| (format!("request.{}", f.field), f.reason),
        );
        for other in faults {
            reason = format!("{reason}; request.{} {}", other.field, other.reason);
        }
        return Err(Error::invalid(field, reason));
    }
    for (i, document) in intake.request.documents().iter().enumerate() {
        let field = format!("request.documents[{i}]");
        match documents::find_in(tx, document.id).await? {
            None => return Err(Error::invalid(field, "is not a document that was uploaded")),
            Some(known) if known != *document => {
                return Err(Error::invalid(
                    field,
                    "differs from the uploaded document in kind, sha256 or size_bytes",
                ));
            }
            Some(_) => {}
        }
    }
    Ok(())
}

/// What of a request makes it the same as another one: all of it, but for a defect put in on purpose, which forgets the days.
fn keyed(request: &Request) -> Cow<'_, Request> {
    if !fault::broken("key-without-days") {
        return Cow::Borrowed(request);
    }
    let mut request = request.clone();
    if let Request::PriorAuth(asked) = &mut request {
        for line in &mut asked.lines {
            (line.from, line.to) = (asked.member.dob, asked.member.dob);
        }
    }
    Cow::Owned(request)
}

async fn round(tx: &mut Tx, dedup_key: Option<&str>, again: Option<&str>) -> Result<u32> {
    let Some(key) = dedup_key else {
        return match again {
            Some(_) => Err(Error::invalid("again", "is for prior authorizations only")),
            None => Ok(1),
        };
    };
    if again.is_some_and(|reason| reason.trim().chars().count() < 10) {
        return Err(Error::invalid("again", "needs a reason of at least ten characters"));
    }
    let newest = cases::newest_round(tx, key).await?;
    let round = newest.map_or(1, |(_, round)| round);
    let Some(twin) = cases::live_twin(tx, key, round).await? else { return Ok(round) };
    if again.is_some() {
        return Ok(round + 1);
    }
    Err(Error::refused(
        DUPLICATE,
        format!("the same request is already {twin}; to order it again a person must say why"),
    ))
}

async fn live_script(tx: &mut Tx, payer: &str, task: Task, field: &str) -> Result<String> {
    let current = scripts::current_in(tx, payer, task).await?;
    current.map(|s| s.sha256).ok_or_else(|| {
        Error::invalid(field, format!("there is no live script {payer}/{}", task.word()))
    })
}

async fn new_job(
    tx: &mut Tx,
    core: &Core,
    case: &Case,
    task: Task,
    script_sha256: String,
    actor: &Actor,
) -> Result<JobId> {
    let job = NewJob {
        id: JobId::new(tx.now, random()),
        case: case.id,
        payer: case.payer.clone(),
        task,
        script_sha256,
        attempts_max: core.rules.attempts_max,
        created_by: actor.to_string(),
    };
    jobs::insert(tx, &job).await?;
    tx.changed(Topic::Ready);
    tx.changed(Topic::Case(case.id.to_string()));
    Ok(job.id)
}

/// Makes a further job for a case: the status of a submitted prior authorization, or the case's own task again after it ended
/// without an answer.
///
/// # Errors
/// [`Error::Refused`] says why not.
pub async fn add_job(
    core: &Core,
    actor: &Actor,
    case: CaseId,
    task: Task,
    once: Option<&Once>,
    now: Timestamp,
) -> Result<JobId> {
    let mut tx = core.store.begin(now).await?;
    if let Some(job) = recall(&mut tx, once).await? {
        return Ok(job);
    }
    let job = further_job(&mut tx, core, actor, (case, task, None)).await?;
    remember(&mut tx, once, &job).await?;
    tx.commit().await?;
    Ok(job)
}

/// [`add_job`] for a person at the console, with a reason.
///
/// # Errors
/// As [`add_job`].
pub async fn ask_job(
    core: &Core,
    asked: &Asked,
    case: CaseId,
    task: Task,
    now: Timestamp,
) -> Result<JobId> {
    let mut tx = core.store.begin(now).await?;
    let wanted = (case, task, Some(asked.reason.as_str()));
    let job = further_job(&mut tx, core, &asked.actor, wanted).await?;
    tx.commit().await?;
    Ok(job)
}

/// [`add_job`] inside a transaction, for the planner too.
pub(super) async fn further_job(
    tx: &mut Tx,
    core: &Core,
    actor: &Actor,
    (case, task, reason): (CaseId, Task, Option<&str>),
) -> Result<JobId> {
    let case = cases::lock(tx, case).await?;
    let (_, request) = cases::opened_in(tx, case.id).await?;
    let own = request.task();
    if task != own && !(own.commits() && matches!(task, Task::AuthStatus | Task::Letter)) {
        return Err(Error::invalid("task", format!("does not fit a case of kind {}", case.kind)));
    }
    let known = jobs::of_case_in(tx, case.id).await?;
    if let Some(live) = known.iter().find(|j| !j.state.is_final()) {
        return Err(Error::refused(
            NOT_ALLOWED,
            format!("{} of this case is {}; wait for its end", live.id, live.state.word()),
        ));
    }
    let submitted = known.iter().any(|j| matches!(j.state, JobState::Done { .. }));
    if task.commits() && submitted {
        return Err(Error::refused(DUPLICATE, "this case was submitted already"));
    }
    if !task.commits() && own.commits() {
        let numbers = references::of_case_in(tx, case.id).await?;
        if super::lease::newest_number(&numbers).is_none() {
            return Err(Error::refused(NOT_ALLOWED, "the payer gave no number to ask with yet"));
        }
    }
    let script = live_script(tx, &case.payer, task, "task").await?;
    let job = new_job(tx, core, &case, task, script, actor).await?;
    refresh_case(tx, case.id).await?;
    note(
        tx,
        actor,
        "job.planned",
        job,
        json!({"case": case.id, "task": task.word(), "reason": reason}),
    );
    Ok(job)
}

/// Keeps a document's bytes. The kind is decided from its first bytes; only what portals take is kept.
///
/// # Errors
/// [`Error::Invalid`], [`crate::files::Error::TooLarge`].
pub async fn add_document(
    core: &Core,
    actor: &Actor,
    bytes: bytes::Bytes,
    once: Option<&Once>,
    now: Timestamp,
) -> Result<Document> {
    let kind = sniff(&bytes).ok_or_else(|| {
        Error::invalid("body", "is none of pdf, png, jpg, tif (judged by the first bytes)")
    })?;
    let size_bytes = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
    let sha256 = core.files.put(bytes).await?;
    let mut tx = core.store.begin(now).await?;
    if let Some(document) = recall(&mut tx, once).await? {
        return Ok(document);
    }
    let document =
        Document { id: DocumentId::new(now, random()), kind: kind.to_owned(), sha256, size_bytes };
    documents::insert(&mut tx, &document, &actor.to_string()).await?;
    note(
        &mut tx,
        actor,
        "document.added",
        document.id,
        json!({"kind": kind, "sha256": document.sha256, "size_bytes": size_bytes}),
    );
    remember(&mut tx, once, &document).await?;
    tx.commit().await?;
    Ok(document)
}

fn sniff(bytes: &[u8]) -> Option<&'static str> {
    [
        (b"%PDF-".as_slice(), "pdf"),
        (b"\x89PNG\r\n\x1a\n".as_slice(), "png"),
        (b"\xff\xd8\xff".as_slice(), "jpg"),
        (b"II*\0".as_slice(), "tif"),
        (b"MM\0*".as_slice(), "tif"),
    ]
    .into_iter()
    .find_map(|(magic, kind)| bytes.starts_with(magic).then_some(kind))
}

/// Pins a job that a person lets try again to the script that is live now, which may have been mended meanwhile.
pub(super) async fn repin(tx: &mut Tx, job: &mut jobs::Job) -> Result<()> {
    if let Some(live) = scripts::live_in(tx, &job.payer, job.task).await? {
        job.script_sha256 = live.sha256;
    }
    Ok(())
}

/// Reopens a job for a person: fresh tries, the live script.
pub(super) async fn reopen(tx: &mut Tx, job: &mut jobs::Job) -> Result<()> {
    job.tries = 0;
    repin(tx, job).await?;
    super::change::change(tx, job, &JobEvent::Reopen).await
}
