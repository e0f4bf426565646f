//! An agent: it acts by what it knows, at any later time, since it may have been frozen in between; its death forgets everything.

use super::system::{Act, Delivery, End, Fleet, Message, PERMIT, Request, SUBMIT_MAX, Tick, World};

/// Asks for a permit under one lease.
const ASKS: u8 = 2;

/// What an agent is about. `job` and `fence` are of its lease.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Phase {
    /// Nothing.
    Idle,
    /// The form is filled and the evidence before is kept.
    Filled { job: usize, fence: u8, asks: u8 },
    /// A permit is asked for.
    Asked { job: usize, fence: u8, asks: u8, at: Tick },
    /// It has one, good until `by`.
    Permitted { job: usize, fence: u8, asks: u8, intent: usize, by: Tick },
    /// The latch is set.
    Latched { job: usize, fence: u8, intent: Option<usize> },
    /// The click is made.
    Clicked { job: usize, fence: u8, intent: Option<usize> },
    /// It looks for a request in doubt.
    Looking { job: usize, fence: u8 },
}

/// An agent.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Agent {
    /// What it is about.
    pub phase: Phase,
    /// The last lease of each job that it took: the answer to an ask is taken once.
    pub taken: Vec<u8>,
}

impl Agent {
    /// One that does nothing.
    pub fn new(jobs: usize) -> Self {
        Self { phase: Phase::Idle, taken: vec![0; jobs] }
    }

    /// Whether it would take this permit.
    pub fn waits_for(&self, job: usize, fence: u8, number: u8) -> bool {
        matches!(self.phase, Phase::Asked { job: j, fence: f, asks, .. } if (j, f, asks) == (job, fence, number))
    }

    /// What it may do now.
    pub fn acts(&self, fleet: &Fleet, world: &World) -> Vec<Act> {
        let mut acts = match self.phase {
            Phase::Idle => return Vec::new(),
            Phase::Filled { asks, .. } => {
                let mut acts = if asks < ASKS { vec![Act::Ask] } else { Vec::new() };
                if fleet.click_first {
                    acts.push(Act::Latch);
                }
                acts
            }
            Phase::Asked { .. } => Vec::new(),
            Phase::Permitted { by, .. } if world.now < by => vec![Act::Latch, Act::GiveBack],
            Phase::Permitted { .. } => vec![Act::GiveBack],
            Phase::Latched { .. } => {
                [Delivery::Recorded, Delivery::Late, Delivery::Lost].map(Act::Click).to_vec()
            }
            Phase::Clicked { intent, .. } => {
                let mine = |r: &&Request| r.intent == intent && r.recorded;
                let mut acts = vec![Act::Report(End::Doubt)];
                if let (Some(intent), true) = (intent, world.payer.iter().any(|r| mine(&r))) {
                    acts.push(Act::Report(End::Proof { intent }));
                }
                acts
            }
            Phase::Looking { .. } => {
                let there = world.payer.iter().any(|r| r.recorded);
                vec![Act::Report(if there { End::Found } else { End::Empty })]
            }
        };
        if world.crashes < fleet.numbers.crashes {
            acts.push(Act::Crash);
        }
        acts
    }

    /// Something from the coordinator arrives.
    pub fn hears(&mut self, message: &Message) {
        match (&self.phase, message) {
            (Phase::Idle, &Message::Given { job, fence, look, .. }) if fence > self.taken[job] => {
                self.taken[job] = fence;
                self.phase = if look {
                    Phase::Looking { job, fence }
                } else {
                    Phase::Filled { job, fence, asks: 0 }
                };
            }
            (
                &Phase::Asked { job, fence, asks, at },
                &Message::Go { job: of, fence: under, number, intent, .. },
            ) if job == of && fence == under && asks == number => {
                // The life of a permit counts from the moment it was asked for.
                self.phase = Phase::Permitted { job, fence, asks, intent, by: at + PERMIT };
            }
            _ => {}
        }
    }

    /// Does it; none when it cannot be.
    pub fn act(agent: usize, act: Act, fleet: &Fleet, world: &mut World) -> Option<()> {
        let now = world.now;
        let phase = world.agents[agent].phase.clone();
        let (next, says) = match (phase, act) {
            (_, Act::Crash) => {
                world.crashes += 1;
                (Phase::Idle, None)
            }
            (Phase::Filled { job, fence, asks }, Act::Ask) => {
                let number = asks + 1;
                let ask = Message::Ask { agent, job, fence, number };
                (Phase::Asked { job, fence, asks: number, at: now }, Some(ask))
            }
            (Phase::Permitted { job, fence, asks, intent, .. }, Act::GiveBack) => {
                let said = Message::NotClicked { agent, job, fence, intent };
                (Phase::Filled { job, fence, asks }, Some(said))
            }
            (Phase::Permitted { job, fence, intent, .. }, Act::Latch) => {
                (Phase::Latched { job, fence, intent: Some(intent) }, None)
            }
            (Phase::Filled { job, fence, .. }, Act::Latch) => {
                (Phase::Latched { job, fence, intent: None }, None)
            }
            (Phase::Latched { job, fence, intent }, Act::Click(delivery)) => {
                click(fleet, world, intent, delivery);
                (Phase::Clicked { job, fence, intent }, None)
            }
            (
                Phase::Clicked { job, fence, .. } | Phase::Looking { job, fence },
                Act::Report(end),
            ) => (Phase::Idle, Some(Message::Report { agent, job, fence, end })),
            _ => return None,
        };
        world.agents[agent].phase = next;
        world.network.extend(says);
        Some(())
    }
}

/// The request leaves, if the gate lets it.
fn click(fleet: &Fleet, world: &mut World, intent: Option<usize>, delivery: Delivery) {
    let fence = intent.map(|i| world.coordinator.intents[i].opened_at + PERMIT + SUBMIT_MAX);
    let closed = fleet.gate && fence.is_some_and(|fence| world.now >= fence);
    if closed || delivery == Delivery::Lost {
        return;
    }
    let recorded = delivery == Delivery::Recorded;
    world.payer.push(Request { intent, at: world.now, recorded });
}
