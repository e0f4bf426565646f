//! The system: its state, what can happen in it, and what follows.

use std::collections::BTreeSet;

use stateright::{Model, Property};

use super::{
    agent::{Agent, Phase},
    coordinator::{Coordinator, Record, State},
    properties,
};

/// Moments of the model. Every length is as short as its rule allows.
pub type Tick = u8;

/// Length of a lease.
pub const LEASE: Tick = 3;
/// Life of a permit.
pub const PERMIT: Tick = 1;
/// Longest time a request may take to leave once the permit is over.
pub const SUBMIT_MAX: Tick = 1;
/// What a lease is longer than the fence after a permit.
pub const GRACE: Tick = 1;
/// How late the payer really records.
pub const RECORD_DELAY: Tick = 1;
/// Work leases of a job before a person is asked.
pub const TRIES: u8 = 2;

/// How much may happen.
#[derive(Debug, Clone, Copy)]
pub struct Numbers {
    /// Jobs, all for the same request.
    pub jobs: usize,
    /// Deaths of agents.
    pub crashes: u8,
    /// Deaths of the coordinator.
    pub restarts: u8,
    /// Leases of each job.
    pub leases: u8,
    /// The last moment.
    pub end: Tick,
}

impl Numbers {
    /// Enough for every defect to show.
    pub const SMALL: Self = Self { jobs: 1, crashes: 1, restarts: 0, leases: 4, end: 8 };
}

/// The fleet as it is configured; the switches put a defect in.
#[derive(Debug, Clone)]
pub struct Fleet {
    /// How much may happen.
    pub numbers: Numbers,
    /// Defect: an agent may click before it has a permit.
    pub click_first: bool,
    /// How late the payer is believed to record.
    pub believed_delay: Tick,
    /// Whether the submit gate closes at the fence and lets one request out.
    pub gate: bool,
    /// Whether the coordinator compares fences.
    pub fenced: bool,
}

impl Fleet {
    /// As it is built.
    pub fn sound(numbers: Numbers) -> Self {
        Self { numbers, click_first: false, believed_delay: RECORD_DELAY, gate: true, fenced: true }
    }
}

/// Something on its way. A message stays on its way for ever: not delivered it was lost, delivered again it was doubled.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Message {
    /// The coordinator gives a lease.
    Given { agent: usize, job: usize, fence: u8, look: bool, until: Tick },
    /// An agent asks for a permit; the number tells one ask from the next.
    Ask { agent: usize, job: usize, fence: u8, number: u8 },
    /// The coordinator gives it.
    Go { agent: usize, job: usize, fence: u8, number: u8, intent: usize },
    /// An agent gives it back unused.
    NotClicked { agent: usize, job: usize, fence: u8, intent: usize },
    /// An agent ends its attempt.
    Report { agent: usize, job: usize, fence: u8, end: End },
}

/// How an attempt ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum End {
    /// The payer's number was seen.
    Proof { intent: usize },
    /// No answer was seen.
    Doubt,
    /// A look found it.
    Found,
    /// A look found nothing.
    Empty,
}

/// A request that reached the payer.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Request {
    /// The intent it was sent under.
    pub intent: Option<usize>,
    /// When it arrived.
    pub at: Tick,
    /// Whether it is on record.
    pub recorded: bool,
}

/// Everything.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct World {
    /// The moment.
    pub now: Tick,
    /// What the coordinator has on disk.
    pub coordinator: Coordinator,
    /// The agents.
    pub agents: [Agent; 2],
    /// Messages.
    pub network: BTreeSet<Message>,
    /// What reached the payer.
    pub payer: Vec<Request>,
    /// Deaths so far.
    pub crashes: u8,
    /// Deaths of the coordinator so far.
    pub restarts: u8,
}

impl World {
    /// Requests for the one thing that is asked for, on record.
    pub fn recorded(&self) -> usize {
        self.payer.iter().filter(|r| r.recorded).count()
    }
}

/// What can happen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Time goes on.
    Tick,
    /// A message arrives (and stays on its way).
    Deliver(Message),
    /// An agent's ask for work reaches the coordinator.
    Lease { agent: usize, job: usize },
    /// The coordinator ends a lease that is over.
    Expire { job: usize },
    /// An agent goes on by itself.
    Agent { agent: usize, act: Act },
    /// The payer puts a late request on record.
    Record(usize),
    /// The network stack sends a request again by itself.
    Resend(usize),
    /// The coordinator dies and comes back.
    Restart,
}

/// What an agent does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act {
    /// Asks for a permit.
    Ask,
    /// Gives up a permit it has not used.
    GiveBack,
    /// Sets the latch.
    Latch,
    /// Clicks; the payer gets the request and records it at once, records it late, or never gets it.
    Click(Delivery),
    /// Reports what it saw.
    Report(End),
    /// Dies.
    Crash,
}

/// What becomes of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delivery {
    /// On record at once.
    Recorded,
    /// On record later.
    Late,
    /// Lost on the way.
    Lost,
}

impl Model for Fleet {
    type State = World;
    type Action = Action;

    fn init_states(&self) -> Vec<World> {
        vec![World {
            now: 0,
            coordinator: Coordinator::new(self.numbers.jobs),
            agents: [Agent::new(self.numbers.jobs), Agent::new(self.numbers.jobs)],
            network: BTreeSet::new(),
            payer: Vec::new(),
            crashes: 0,
            restarts: 0,
        }]
    }

    fn actions(&self, world: &World, actions: &mut Vec<Action>) {
        // A late request is on record before the payer's longest delay is over.
        let overdue = |r: &Request| !r.recorded && r.at + RECORD_DELAY <= world.now;
        if world.now < self.numbers.end && !world.payer.iter().any(overdue) {
            actions.push(Action::Tick);
        }
        actions.extend(world.network.iter().cloned().map(Action::Deliver));
        for (job, record) in world.coordinator.jobs.iter().enumerate() {
            let asking = world.agents.iter().enumerate().filter(|(_, a)| a.phase == Phase::Idle);
            if record.fence < self.numbers.leases && record.leasable(world.now) {
                actions.extend(asking.map(|(agent, _)| Action::Lease { agent, job }));
            }
            if world.coordinator.over(job, world.now) {
                actions.push(Action::Expire { job });
            }
        }
        for (agent, of) in world.agents.iter().enumerate() {
            let acts = of.acts(self, world);
            actions.extend(acts.into_iter().map(|act| Action::Agent { agent, act }));
        }
        for (number, request) in world.payer.iter().enumerate() {
            if !request.recorded {
                actions.push(Action::Record(number));
            }
            if !self.gate && world.payer.len() < 2 {
                actions.push(Action::Resend(number));
            }
        }
        if world.restarts < self.numbers.restarts {
            actions.push(Action::Restart);
        }
    }

    fn next_state(&self, last: &World, action: Action) -> Option<World> {
        let mut world = last.clone();
        match action {
            Action::Tick => world.now += 1,
            Action::Deliver(message) => self.deliver(&mut world, &message),
            Action::Lease { agent, job } => {
                let given = world.coordinator.lease(agent, job, world.now)?;
                world.network.insert(given);
            }
            Action::Expire { job } => world.coordinator.expire(job, world.now)?,
            Action::Agent { agent, act } => Agent::act(agent, act, self, &mut world)?,
            Action::Record(number) => world.payer[number].recorded = true,
            Action::Resend(number) => {
                let again = Request { at: world.now, ..world.payer[number].clone() };
                world.payer.push(again);
            }
            Action::Restart => {
                world.restarts += 1;
                world.coordinator.grace_until = world.now + LEASE;
            }
        }
        if self.fenced {
            forget(&mut world);
        }
        (world != *last).then_some(world)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        properties::all()
    }
}

impl Fleet {
    fn deliver(&self, world: &mut World, message: &Message) {
        let now = world.now;
        match *message {
            Message::Given { agent, .. } | Message::Go { agent, .. } => {
                world.agents[agent].hears(message);
            }
            Message::Ask { agent, job, fence, number } => {
                let go = world.coordinator.permit(self, (agent, job, fence), number, now);
                world.network.extend(go);
            }
            Message::NotClicked { agent, job, fence, intent } => {
                world.coordinator.not_clicked(self, (agent, job, fence), intent, now);
            }
            Message::Report { agent, job, fence, end } => {
                world.coordinator.report(self, (agent, job, fence), end, now);
            }
        }
    }
}

/// Forgets messages that nobody would take any more: their fence is over, or who was to hear them has heard. Fences only rise, so
/// they can never matter again, and states that differ in nothing else are one.
fn forget(world: &mut World) {
    let World { coordinator, agents, network, .. } = world;
    let live = |job: &usize, fence: &u8| matches!(coordinator.jobs[*job].state, State::Leased { fence: of, .. } if of == *fence);
    network.retain(|message| match message {
        Message::Given { agent, job, fence, .. } => *fence > agents[*agent].taken[*job],
        Message::Go { agent, job, fence, number, .. } => {
            agents[*agent].waits_for(*job, *fence, *number)
        }
        Message::Ask { job, fence, .. }
        | Message::NotClicked { job, fence, .. }
        | Message::Report { job, fence, .. } => live(job, fence),
    });
}

impl Record {
    /// Whether a lease of this job may be given.
    fn leasable(&self, now: Tick) -> bool {
        self.state.leasable(now)
    }
}
