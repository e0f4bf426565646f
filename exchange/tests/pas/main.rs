//! PAS: round trips, faults with their place, answers read right, notifications judged, and what two other libraries say.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on ends there")]

mod answers;
mod fixture;
mod judged;
#[path = "../judges/mod.rs"]
mod judges;
mod mutations;
mod notices;
mod round;
