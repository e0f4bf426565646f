//! The Case page from the store.

use std::collections::BTreeMap;

use domain::{
    attempt::AttemptState,
    exception::{Choice, ExceptionKind, ExceptionState},
    id::{AgentId, AttemptId, CaseId},
    job::JobState,
    outcome::Outcome,
    request::{Line, Request, Setting, Urgency},
};

use super::{payer_name, payer_names, person_names};
use crate::{
    App,
    console::{
        case::{Asked, AttemptLine, CaseView, ExceptionLine, JobView, Life},
        icons::Icon,
        inbox::choice_name,
        parts,
        parts::Tone,
    },
    store::{
        self, agents,
        attempts::{self, Attempt},
        cases, evidence, exceptions,
        exceptions::Exception,
        jobs::{self, Job},
        references,
    },
};

/// An attempt in short.
pub(super) fn attempt_line(a: &Attempt, agents: &BTreeMap<AgentId, String>) -> AttemptLine {
    AttemptLine {
        id: a.id,
        number: a.number,
        purpose: a.purpose.word(),
        state: a.state.clone(),
        agent: agents.get(&a.agent).cloned().unwrap_or_else(|| a.agent.to_string()),
        started_at: a.started_at,
        ended_at: a.ended_at,
        channel: a.channel,
        because: a.because.clone(),
    }
}

/// The page; `shown` when the reader has asked for patient data (and that was recorded).
///
/// # Errors
/// The database cannot be read, or there is no such case.
pub async fn load(app: &App, id: CaseId, shown: bool) -> Result<CaseView, store::Error> {
    let store = app.store();
    let (case, request) = cases::opened(store, id).await?;
    let names = payer_names(store).await?;
    let people = person_names(store).await?;
    let agents: BTreeMap<_, _> =
        agents::all(store, true).await?.into_iter().map(|a| (a.id, a.info.name)).collect();
    let jobs = jobs::of_case(store, id).await?;
    let mut per_job: Vec<(Job, Vec<Attempt>)> = Vec::new();
    let mut kept = Vec::new();
    for job in jobs {
        let tried = attempts::of_job(store, job.id).await?;
        for a in &tried {
            kept.extend(evidence::of_attempt(store, a.id).await?);
        }
        per_job.push((job, tried));
    }
    kept.sort_by_key(|e| std::cmp::Reverse((e.received_at, e.id)));
    let filter = exceptions::Filter { case: id.to_string(), ..Default::default() };
    let asked_of_people = exceptions::list(store, &filter, "", 100).await?.items;
    let mut numbers = references::of_case(store, id).await?;
    numbers.reverse();
    let settled = |n: &references::Stored| -> Option<AttemptId> {
        let evidence = n.reference.evidence?;
        kept.iter().find(|e| e.id == evidence).map(|e| e.attempt)
    };
    let references = numbers.iter().map(|n| (n.reference.clone(), settled(n))).collect();
    let life = life(&case, &per_job, &asked_of_people, &agents, &people);
    let doubt = per_job.iter().any(|(j, _)| j.state.intent().is_some());
    Ok(CaseView {
        id,
        payer: payer_name(&names, &case.payer),
        status: case.status,
        received_at: case.created_at,
        asked: asked(&request, shown),
        references,
        outcome: newest_outcome(&per_job),
        exceptions: asked_of_people.iter().map(exception_line).collect(),
        documents: request.documents().to_vec(),
        evidence: kept,
        life,
        no_add: no_add(&per_job, doubt),
        jobs: per_job.into_iter().rev().map(|(j, tried)| job_view(&j, &tried, &agents)).collect(),
        kind: case.kind,
        first_task: request.task(),
    })
}

fn no_add(jobs: &[(Job, Vec<Attempt>)], doubt: bool) -> Option<String> {
    if doubt {
        return Some("It may have been submitted: that must be settled first.".to_owned());
    }
    jobs.iter()
        .find(|(j, _)| !j.state.is_final())
        .map(|(j, _)| format!("A job is not finished yet: {}.", parts::task(j.task).to_lowercase()))
}

fn newest_outcome(jobs: &[(Job, Vec<Attempt>)]) -> Option<Outcome> {
    jobs.iter().rev().find_map(|(j, _)| match &j.state {
        JobState::Done { outcome } => Some(outcome.clone()),
        _ => None,
    })
}

fn exception_line(e: &Exception) -> ExceptionLine {
    ExceptionLine {
        id: e.id,
        kind: e.kind,
        question: e.kind.question().to_owned(),
        state: e.state.clone(),
        opened_at: e.opened_at,
    }
}

fn job_view(job: &Job, tried: &[Attempt], agents: &BTreeMap<AgentId, String>) -> JobView {
    let intent_open = job.state.intent().is_some();
    JobView {
        id: job.id,
        task: job.task,
        state: job.state.clone(),
        created_at: job.created_at,
        ready_at: Some(job.ready_at),
        attempts: tried.iter().rev().map(|a| attempt_line(a, agents)).collect(),
        attempts_max: job.attempts_max,
        // The same rule as in the inbox; the kind only matters for retries.
        no_cancel: Choice::Cancel.allowed(ExceptionKind::GaveUp, intent_open).err(),
    }
}

fn asked(request: &Request, shown: bool) -> Asked {
    let m = request.member();
    let private =
        |value: String, keep: usize| if shown { value } else { parts::masked(&value, keep) };
    let mut facts = vec![("Member", private(m.id.clone(), 4))];
    if shown {
        facts.push(("Name", format!("{} {}", m.first_name, m.last_name)));
        facts.push(("Born", m.dob.to_string()));
    } else {
        facts.push(("Name", super::work::initials(request)));
        facts.push(("Born", "••••".to_owned()));
    }
    let mut lines = Vec::new();
    let mut plan = |plan: &Option<String>| {
        if let Some(plan) = plan {
            facts.push(("Plan", plan.clone()));
        }
    };
    match request {
        Request::PriorAuth(r) => {
            plan(&r.plan);
            let urgency = match r.urgency {
                Urgency::Standard => "Standard",
                Urgency::Expedited => "Expedited",
            };
            let setting = match r.setting {
                Setting::Inpatient => "Inpatient",
                Setting::Outpatient => "Outpatient",
                Setting::Referral => "Referral",
            };
            facts.extend([
                ("Urgency", urgency.to_owned()),
                ("Setting", setting.to_owned()),
                ("Diagnoses", private(r.diagnoses.join(", "), 0)),
                ("Requesting", r.requesting.npi.clone()),
                ("Servicing", r.servicing.npi.clone()),
            ]);
            facts.extend(r.renews.clone().map(|number| ("Renews", number)));
            lines = lines_of(&r.lines);
        }
        Request::AuthStatus(r) => {
            plan(&r.plan);
            facts.push(("Authorization", r.number.clone()));
            facts.extend(r.from.map(|d| ("Service day", d.to_string())));
        }
        Request::ClaimStatus(r) => {
            plan(&r.plan);
            facts.extend(r.number.clone().map(|n| ("Claim", n)));
            facts.push(("Service day", r.from.to_string()));
        }
        Request::Eligibility(r) => {
            plan(&r.plan);
            facts.push(("Day", r.from.to_string()));
            facts.extend(r.service.clone().map(|code| ("Service", code)));
        }
        Request::Precheck(r) => {
            plan(&r.plan);
            facts.push(("Diagnoses", private(r.diagnoses.join(", "), 0)));
            facts.push(("Requesting", r.requesting.npi.clone()));
            lines = lines_of(&r.lines);
        }
        Request::Letter(r) => {
            plan(&r.plan);
            facts.push(("Authorization", r.number.clone()));
        }
    }
    Asked { facts, lines, shown }
}

fn lines_of(lines: &[Line]) -> Vec<(String, u32, String, String)> {
    let shown = |l: &Line| (l.code.clone(), l.units, l.from.to_string(), l.to.to_string());
    lines.iter().map(shown).collect()
}

/// Everything that happened to the case, newest first.
fn life(
    case: &cases::Case,
    jobs: &[(Job, Vec<Attempt>)],
    asked: &[Exception],
    agents: &BTreeMap<AgentId, String>,
    people: &BTreeMap<String, String>,
) -> Vec<Life> {
    let person = |id: &str| {
        people.get(id).cloned().unwrap_or_else(|| id.replace("key:", "").replace("duty:", "duty "))
    };
    let mut all = vec![Life {
        at: case.created_at,
        icon: Icon::Intake,
        tone: Tone::Calm,
        who: person(&case.created_by),
        text: "Taken in".to_owned(),
        href: None,
    }];
    for (job, tried) in jobs {
        let task = parts::task(job.task);
        all.push(Life {
            at: job.created_at,
            icon: Icon::Ready,
            tone: Tone::Calm,
            who: person(&job.created_by),
            text: format!("{task}: job added"),
            href: Some(format!("#{}", job.id)),
        });
        all.extend(tried.iter().map(|a| attempt_life(a, job, agents)));
        if let (JobState::Cancelled { reason }, Some(at)) = (&job.state, job.ended_at) {
            let text = format!("{task}: job cancelled: {reason}");
            all.push(Life {
                at,
                icon: Icon::Ban,
                tone: Tone::Calm,
                who: "a person".to_owned(),
                text,
                href: None,
            });
        }
    }
    for e in asked {
        all.push(Life {
            at: e.opened_at,
            icon: Icon::Person,
            tone: Tone::Warn,
            who: "coordinator".to_owned(),
            text: format!("A person was asked: {}", e.failure.say),
            href: Some(format!("/inbox/{}", e.id)),
        });
        if let (ExceptionState::Resolved { by, resolution }, Some(at)) = (&e.state, e.closed_at) {
            let text = format!("{}: {}", choice_name(resolution.choice()), resolution.reason());
            let href = Some(format!("/inbox/{}", e.id));
            all.push(Life {
                at,
                icon: Icon::Check,
                tone: Tone::Good,
                who: person(&by.to_string()),
                text,
                href,
            });
        }
    }
    // The same instant keeps the order of the list, so what follows from something stands above it.
    all.sort_by_key(|l| l.at);
    all.reverse();
    all
}

fn attempt_life(a: &Attempt, job: &Job, agents: &BTreeMap<AgentId, String>) -> Life {
    let number = a.number;
    let (icon, tone, text) = match &a.state {
        AttemptState::Running => {
            (Icon::Running, Tone::Active, format!("Attempt {number} is running"))
        }
        AttemptState::Paused { .. } => {
            (Icon::Pause, Tone::Warn, format!("Attempt {number} waits for a person"))
        }
        AttemptState::Succeeded => {
            let answer = match &job.state {
                JobState::Done { outcome } => format!(": {}", outcome.answer.say()),
                _ => String::new(),
            };
            (Icon::Check, Tone::Good, format!("Attempt {number} succeeded{answer}"))
        }
        AttemptState::Failed { failure } => {
            (Icon::Cross, Tone::Bad, format!("Attempt {number} failed: {}", failure.say))
        }
        AttemptState::Lost => (Icon::Lost, Tone::Bad, format!("Attempt {number} was lost")),
        AttemptState::Released => {
            (Icon::Ban, Tone::Calm, format!("Attempt {number} was given back; it is not counted"))
        }
    };
    Life {
        at: a.ended_at.unwrap_or(a.started_at),
        icon,
        tone,
        who: agents.get(&a.agent).cloned().unwrap_or_else(|| a.agent.to_string()),
        text,
        href: Some(format!("/attempts/{}", a.id)),
    }
}
