//! What proves the fleet: simulated payers, their own record of what happened, and the helpers of the stories.
//! Never published; nothing else depends on it.

pub mod bench;
pub mod chaos;
pub mod fleet;
pub mod ledger;
pub mod portal;
