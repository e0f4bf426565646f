//! The coordinator: every move of a job and of an intent, and the judgement of an empty look, are `domain`'s own.

use domain::{
    fleet::{AfterLook, ReconcileRules},
    id::{AgentId, AttemptId, EvidenceId, ExceptionId, IntentId, LeaseId},
    intent::{IntentEvent, IntentState, VoidProof},
    job::{JobEvent, JobState},
    lease::{Lease, Purpose},
    outcome::{Answer, Outcome},
    time::Timestamp,
};

use super::system::{End, Fleet, GRACE, LEASE, Message, PERMIT, SUBMIT_MAX, TRIES, Tick};

/// Who calls: agent, job and fence.
pub type Caller = (usize, usize, u8);

/// A job's state, as far as it matters here.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum State {
    /// May be leased.
    Ready,
    /// Leased.
    Leased { agent: usize, fence: u8, until: Tick, look: bool, intent: Option<usize> },
    /// With a person.
    Waiting { intent: Option<usize> },
    /// In doubt.
    InDoubt { intent: usize, look_at: Tick, looks: u8 },
    /// Answered.
    Done,
}

/// A job as it lies on disk.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Record {
    /// Its state.
    pub state: State,
    /// Leases so far.
    pub fence: u8,
    /// Work leases so far.
    pub tries: u8,
}

/// How an intent stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Stands {
    /// Open.
    Open,
    /// Confirmed, by the agent or by a look.
    Confirmed { by_look: bool },
    /// Given back by its live fence.
    NotClicked,
    /// Proved absent.
    Absent,
}

/// An intent as it lies on disk.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Intent {
    /// Whose.
    pub job: usize,
    /// Fence and number of the ask.
    pub ask: (u8, u8),
    /// How it stands.
    pub stands: Stands,
    /// When it was opened.
    pub opened_at: Tick,
    /// Empty looks.
    pub looks: u8,
    /// The first of them.
    pub first_empty_at: Option<Tick>,
}

/// What is on disk. All jobs are for the same request.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Coordinator {
    /// Jobs.
    pub jobs: Vec<Record>,
    /// Intents.
    pub intents: Vec<Intent>,
    /// No lease ends before.
    pub grace_until: Tick,
}

fn at(tick: Tick) -> Timestamp {
    Timestamp::from_ms(i64::from(tick))
}

fn tick(at: Timestamp) -> Tick {
    Tick::try_from(at.ms()).expect("times of the model are small")
}

fn number(number: usize) -> u128 {
    number as u128
}

fn intent_id(intent: usize) -> IntentId {
    IntentId::new(at(0), number(intent))
}

fn intent_of(id: IntentId) -> usize {
    (0..32).find(|n| intent_id(*n) == id).expect("ids of the model are small")
}

fn agent_id(agent: usize) -> AgentId {
    AgentId::new(at(0), number(agent))
}

fn answer() -> Outcome {
    Outcome {
        answer: Answer::Received,
        raw_words: String::new(),
        references: Vec::new(),
        facts: Vec::new(),
        via: String::new(),
    }
}

impl State {
    /// Whether a lease may be given.
    pub fn leasable(&self, now: Tick) -> bool {
        match self {
            Self::Ready => true,
            Self::InDoubt { look_at, .. } => *look_at <= now,
            _ => false,
        }
    }

    /// The intent that is open under it.
    pub fn intent(&self) -> Option<usize> {
        self.domain().intent().map(intent_of)
    }

    fn domain(&self) -> JobState {
        match *self {
            Self::Ready => JobState::Ready,
            Self::Leased { agent, fence, until, look, intent } => JobState::Leased {
                lease: lease(agent, fence, until, look),
                attempt: AttemptId::new(at(0), u128::from(fence)),
                intent: intent.map(intent_id),
            },
            Self::Waiting { intent } => JobState::Waiting {
                exception: ExceptionId::new(at(0), 0),
                intent: intent.map(intent_id),
            },
            Self::InDoubt { intent, look_at, looks } => JobState::InDoubt {
                intent: intent_id(intent),
                look_at: at(look_at),
                looks: u32::from(looks),
            },
            Self::Done => JobState::Done { outcome: answer() },
        }
    }

    /// The state that `domain` gives; none when the move is illegal.
    fn next(&self, event: &JobEvent) -> Option<Self> {
        Some(match self.domain().next(event).ok()? {
            JobState::Ready => Self::Ready,
            JobState::Leased { lease, intent, .. } => Self::Leased {
                agent: usize::from(lease.agent == agent_id(1)),
                fence: u8::try_from(lease.fence).ok()?,
                until: tick(lease.expires_at),
                look: lease.purpose == Purpose::Reconcile,
                intent: intent.map(intent_of),
            },
            JobState::Waiting { intent, .. } => Self::Waiting { intent: intent.map(intent_of) },
            JobState::InDoubt { intent, look_at, looks } => Self::InDoubt {
                intent: intent_of(intent),
                look_at: tick(look_at),
                looks: u8::try_from(looks).ok()?,
            },
            JobState::Done { .. } => Self::Done,
            JobState::Resting { .. } | JobState::Failed { .. } | JobState::Cancelled { .. } => {
                unreachable!("the model has no event that leads there")
            }
        })
    }
}

fn lease(agent: usize, fence: u8, until: Tick, look: bool) -> Lease {
    Lease {
        id: LeaseId::new(at(0), u128::from(fence)),
        fence: i64::from(fence),
        agent: agent_id(agent),
        expires_at: at(until),
        purpose: if look { Purpose::Reconcile } else { Purpose::Work },
    }
}

impl Intent {
    fn domain(&self) -> IntentState {
        let evidence = EvidenceId::new(at(0), 0);
        match self.stands {
            Stands::Open => IntentState::Open,
            Stands::Confirmed { .. } => IntentState::Confirmed {
                reference: "1".to_owned(),
                before: evidence,
                after: evidence,
            },
            Stands::NotClicked => IntentState::Void { proof: VoidProof::NotClicked },
            Stands::Absent => IntentState::Void { proof: VoidProof::ProvenAbsent },
        }
    }

    /// The row of the index: at most one of these for a request.
    pub fn lives(&self) -> bool {
        matches!(self.stands, Stands::Open | Stands::Confirmed { .. })
    }

    fn close(&mut self, stands: Stands) -> Option<()> {
        let evidence = EvidenceId::new(at(0), 0);
        let event = match stands {
            Stands::Confirmed { .. } => IntentEvent::Confirm {
                reference: "1".to_owned(),
                before: evidence,
                after: evidence,
            },
            Stands::NotClicked => IntentEvent::Release(VoidProof::NotClicked),
            Stands::Absent => IntentEvent::Release(VoidProof::ProvenAbsent),
            Stands::Open => return None,
        };
        self.domain().next(&event).ok()?;
        self.stands = stands;
        Some(())
    }

    fn fenced_at(&self) -> Tick {
        self.opened_at + PERMIT + SUBMIT_MAX
    }
}

impl Coordinator {
    /// Nothing has happened.
    pub fn new(jobs: usize) -> Self {
        let record = Record { state: State::Ready, fence: 0, tries: 0 };
        Self { jobs: vec![record; jobs], intents: Vec::new(), grace_until: 0 }
    }

    /// Whether the lease of a job is over and may be ended.
    pub fn over(&self, job: usize, now: Tick) -> bool {
        now >= self.grace_until
            && matches!(self.jobs[job].state, State::Leased { until, .. } if until <= now)
    }

    fn step(&mut self, job: usize, event: &JobEvent) -> Option<()> {
        self.jobs[job].state = self.jobs[job].state.next(event)?;
        Some(())
    }

    /// Gives a lease; the message that tells it.
    pub fn lease(&mut self, agent: usize, job: usize, now: Tick) -> Option<Message> {
        let record = &mut self.jobs[job];
        let look = matches!(record.state, State::InDoubt { .. });
        record.fence += 1;
        record.tries += u8::from(!look);
        let (fence, until) = (record.fence, now + LEASE);
        let event = JobEvent::Lease {
            lease: lease(agent, fence, until, look),
            attempt: AttemptId::new(at(0), u128::from(fence)),
        };
        self.step(job, &event)?;
        Some(Message::Given { agent, job, fence, look, until })
    }

    /// The sweep ends a lease.
    pub fn expire(&mut self, job: usize, now: Tick) -> Option<()> {
        let State::Leased { look, intent, .. } = self.jobs[job].state else { return None };
        match (look, intent) {
            (_, Some(intent)) => self.doubt(job, intent, now, look),
            (_, None) if self.jobs[job].tries >= TRIES => self.ask(job),
            (_, None) => self.step(job, &JobEvent::Return),
        }
    }

    fn ask(&mut self, job: usize) -> Option<()> {
        self.step(job, &JobEvent::AskPerson(ExceptionId::new(at(0), 0)))
    }

    fn doubt(&mut self, job: usize, intent: usize, now: Tick, look: bool) -> Option<()> {
        let of = &self.intents[intent];
        // The first look comes as early as it may: with the fence.
        let look_at = if look { now + 1 } else { now.max(of.fenced_at()) };
        let event = JobEvent::Doubt {
            intent: intent_id(intent),
            look_at: at(look_at),
            looks: u32::from(of.looks),
        };
        self.step(job, &event)
    }

    /// Whether this is the live lease of the job.
    fn live(&self, fleet: &Fleet, (agent, job, fence): Caller, now: Tick) -> bool {
        match self.jobs[job].state {
            State::Leased { agent: to, fence: of, until, .. } => {
                !fleet.fenced || (to == agent && of == fence && until > now)
            }
            _ => false,
        }
    }

    /// Intent and permit in one transaction; the same ask gets the same permit.
    pub fn permit(&mut self, fleet: &Fleet, by: Caller, ask: u8, now: Tick) -> Option<Message> {
        let (agent, job, fence) = by;
        if !self.live(fleet, by, now) {
            return None;
        }
        let go = |intent| Some(Message::Go { agent, job, fence, number: ask, intent });
        let known = |i: &Intent| i.job == job && i.ask == (fence, ask);
        if let Some(intent) = self.intents.iter().position(known) {
            return if self.intents[intent].stands == Stands::Open { go(intent) } else { None };
        }
        if self.intents.iter().any(Intent::lives) {
            // The index: another intent lives for the same request. Of another job this is a person's business.
            if self.jobs[job].state.intent().is_none() {
                self.ask(job)?;
            }
            return None;
        }
        let intent = self.intents.len();
        self.step(job, &JobEvent::Permit(intent_id(intent)))?;
        let new = Intent {
            job,
            ask: (fence, ask),
            stands: Stands::Open,
            opened_at: now,
            looks: 0,
            first_empty_at: None,
        };
        let fenced_at = new.fenced_at();
        self.intents.push(new);
        if let State::Leased { until, .. } = &mut self.jobs[job].state {
            *until = (*until).max(fenced_at + GRACE);
        }
        go(intent)
    }

    /// An unused permit comes back.
    pub fn not_clicked(&mut self, fleet: &Fleet, by: Caller, intent: usize, now: Tick) {
        let job = by.1;
        if self.live(fleet, by, now)
            && self.jobs[job].state.intent() == Some(intent)
            && self.step(job, &JobEvent::NotClicked).is_some()
        {
            self.intents[intent].close(Stands::NotClicked).expect("an open intent can be released");
        }
    }

    /// The end of an attempt.
    pub fn report(&mut self, fleet: &Fleet, by: Caller, end: End, now: Tick) {
        let job = by.1;
        if !self.live(fleet, by, now) {
            return;
        }
        let open = self.jobs[job].state.intent();
        match (end, open) {
            (End::Proof { intent }, Some(open)) if intent == open => self.confirm(job, open, false),
            (End::Found, Some(open)) => self.confirm(job, open, true),
            (End::Empty, Some(open)) => self.empty(fleet, job, open, now),
            (End::Doubt | End::Proof { .. }, Some(open)) => {
                self.doubt(job, open, now, false);
            }
            (End::Proof { .. } | End::Doubt | End::Found | End::Empty, None) => {
                self.step(job, &JobEvent::Return);
            }
        }
    }

    fn confirm(&mut self, job: usize, intent: usize, by_look: bool) {
        let confirmed = self.intents[intent].close(Stands::Confirmed { by_look });
        if confirmed.is_some() {
            self.step(job, &JobEvent::Answer(answer()));
        }
    }

    fn empty(&mut self, fleet: &Fleet, job: usize, intent: usize, now: Tick) {
        let of = &mut self.intents[intent];
        of.looks += 1;
        let first = *of.first_empty_at.get_or_insert(now);
        let looks = of.looks;
        let rules = ReconcileRules {
            absence_is_proof: true,
            max_record_delay_ms: i64::from(fleet.believed_delay),
            first_look_ms: 0,
            look_every_ms: i64::from(fleet.believed_delay),
            looks_max: 3,
        };
        match rules.after_empty_look(None, u32::from(looks), at(first), at(now)) {
            AfterLook::LookAgain(look_at) => {
                let event =
                    JobEvent::Doubt { intent: intent_id(intent), look_at, looks: u32::from(looks) };
                self.step(job, &event);
            }
            AfterLook::AskPerson => {
                self.ask(job);
            }
            AfterLook::Absent if self.intents.iter().any(|i| i.stands == Stands::Absent) => {
                self.ask(job);
            }
            AfterLook::Absent => {
                self.intents[intent].close(Stands::Absent).expect("an open intent can be released");
                self.step(job, &JobEvent::Reopen);
            }
        }
    }
}
