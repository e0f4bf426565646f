//! What must hold in every state, and what must be reached in some.

use stateright::Property;

use super::{
    coordinator::{Stands, State},
    system::{Fleet, PERMIT, SUBMIT_MAX, World},
};

/// All of them.
pub fn all() -> Vec<Property<Fleet>> {
    vec![
        Property::always("never recorded twice", |_, world: &World| world.recorded() <= 1),
        Property::always("no request without a durable intent", |_, world: &World| {
            let opened = |i: usize| i < world.coordinator.intents.len();
            world.payer.iter().all(|r| r.intent.is_some_and(opened))
        }),
        Property::always("no request after the fence", |_, world: &World| {
            let intents = &world.coordinator.intents;
            world
                .payer
                .iter()
                .all(|r| r.intent.is_none_or(|i| r.at < intents[i].opened_at + PERMIT + SUBMIT_MAX))
        }),
        Property::always("one request for each permit", |_, world: &World| {
            let of = |i| world.payer.iter().filter(|r| r.intent == Some(i)).count();
            (0..world.coordinator.intents.len()).all(|i| of(i) <= 1)
        }),
        Property::always("nothing lost and nothing silent", |_, world: &World| kept(world)),
        Property::sometimes("committed", |_, world: &World| {
            world
                .coordinator
                .intents
                .iter()
                .any(|i| i.stands == Stands::Confirmed { by_look: false })
        }),
        Property::sometimes("in doubt, then found", |_, world: &World| {
            world
                .coordinator
                .intents
                .iter()
                .any(|i| i.stands == Stands::Confirmed { by_look: true })
        }),
        Property::sometimes("in doubt, then absent, then committed", |_, world: &World| {
            let intents = &world.coordinator.intents;
            let absent = intents.iter().position(|i| i.stands == Stands::Absent);
            absent.is_some_and(|a| {
                intents[a..].iter().any(|i| matches!(i.stands, Stands::Confirmed { .. }))
            })
        }),
        Property::sometimes("a person", |_, world: &World| {
            world.coordinator.jobs.iter().any(|j| matches!(j.state, State::Waiting { .. }))
        }),
    ]
}

/// An open intent has a job that knows of it; an answer has its record at the payer; what is on record has an intent that lives, under
/// a job that is leased, in doubt, with a person or answered.
fn kept(world: &World) -> bool {
    let coordinator = &world.coordinator;
    let owned = coordinator.intents.iter().enumerate().all(|(number, intent)| {
        let job = &coordinator.jobs[intent.job].state;
        match intent.stands {
            Stands::Open => job.intent() == Some(number),
            Stands::Confirmed { .. } => *job == State::Done,
            Stands::NotClicked | Stands::Absent => job.intent() != Some(number),
        }
    });
    let one_lives = coordinator.intents.iter().filter(|i| i.lives()).count() <= 1;
    let answered = coordinator.jobs.iter().any(|j| j.state == State::Done);
    let known =
        |r: &super::system::Request| r.intent.is_some_and(|i| coordinator.intents[i].lives());
    owned
        && one_lives
        && (!answered || world.recorded() == 1)
        && world.payer.iter().filter(|r| r.recorded).all(known)
}
